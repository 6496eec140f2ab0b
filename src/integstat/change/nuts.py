"""The reference engine: PyMC's model, nutpie's sampler. The only module that knows PyMC.

Compiling costs far more than sampling and grows with the number of operations, so there is one structure for every
indicator, written with as few operations as possible: two groups, two years, cities padded to a capacity. A missing group, a
missing year, a padded city, peer group or Land has no counts; its parameters fall back on their priors, independent of the
rest, and are cut off again before anything leaves this module.

Axes: block (mean of the years, change), city, group; effects are the coefficients of covariates, peer groups and Länder.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr

from integstat.change.data import ChangeData
from integstat.change.model import centring, design
from integstat.change.settings import ChangeSettings, Priors
from integstat.errors import UsageError

# with fast maths the draws would depend on whether the compile cache was warm
pytensor.config.numba__fastmath = False

GROUPS, YEARS, BLOCKS = 2, 2, 2
COVARIATES, PEERS, LAENDER = 4, 16, 16
EFFECTS = COVARIATES + 2 * PEERS + LAENDER
_COVARIATE = slice(0, COVARIATES)
_PEER_LEVEL = slice(COVARIATES, COVARIATES + PEERS)
_PEER_CHANGE = slice(COVARIATES + PEERS, COVARIATES + 2 * PEERS)
_LAND_CHANGE = slice(COVARIATES + 2 * PEERS, EFFECTS)
_FREE = ("first", "second", "average", "log_sd", "z_corr", "log_spread", "effect")
_STEP = 32  # capacities are multiples of this


@dataclass(frozen=True)
class Sampled:
    """Raw draws of one run, padding removed.

    Attributes
    ----------
    draws : xarray.Dataset
        Dims `chain`, `draw` and those of each parameter.
    diverging : ndarray of bool, shape (chains, draws)
    form : str
        The parametrisation used: `blend` or `loose`.
    """

    draws: xr.Dataset
    diverging: np.ndarray
    form: str


def capacity(cities: int) -> int:
    """Smallest compiled capacity that holds this many cities."""
    return max(_STEP, -(-cities // _STEP) * _STEP)


def _unblend(raw: Any, expected: Any, sd: Any, share: Any) -> Any:
    """City effect from its sampled form: share 1 samples the effect itself, share 0 its standardised deviation.

    Works on arrays and on tensors alike.
    """
    return expected + sd ** (1 - share) * (raw - share * expected)


def _matmul(left: Any, right: Any) -> Any:
    """Matrix product as a sum of products: for these sizes as fast as a call of BLAS, and far quicker to compile."""
    return (left[:, :, None] * right[None, :, :]).sum(axis=1)


def build(cities: int, priors: Priors) -> pm.Model:
    """The model of `integstat.change.model` for up to `cities` cities.

    The second group's effects are written conditional on the first's, so that a full non-centring also takes out their
    correlation. The ring effects are sampled as the ring's averages, which the data speak of; alone they share a ridge
    with the effects of groups and Länder.
    """
    is_mean, is_change = np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]])
    ring_sd = np.array([[priors.level_sd], [priors.shift_sd]])
    spread_scale = np.array([priors.peer_level_scale, priors.peer_change_scale, priors.land_change_scale])
    spread_of = np.zeros((EFFECTS, 3))
    spread_of[_PEER_LEVEL, 0] = spread_of[_PEER_CHANGE, 1] = spread_of[_LAND_CHANGE, 2] = 1.0
    fixed = np.zeros(EFFECTS)
    fixed[_COVARIATE] = priors.covariate_sd
    with pm.Model() as model:
        y = pm.Data("y", np.zeros((YEARS, GROUPS * cities)))
        n = pm.Data("n", np.zeros((YEARS, GROUPS * cities)))
        rate = pm.Data("rate", np.array(0.0))
        years = pm.Data("years", np.array([[1.0, -0.5], [1.0, 0.5]]))  # year x block
        weights = pm.Data("weights", np.zeros((BLOCKS * cities, EFFECTS)))  # centred over the cities
        centre = pm.Data("centre", np.zeros((BLOCKS, EFFECTS)))
        share_first = pm.Data("share_first", np.zeros((BLOCKS, cities)))
        share_second = pm.Data("share_second", np.zeros((BLOCKS, cities)))

        first = pm.Flat("first", shape=(BLOCKS, cities))
        second = pm.Flat("second", shape=(BLOCKS, cities))
        average = pm.Flat("average", shape=(BLOCKS, GROUPS))
        log_sd = pm.Flat("log_sd", shape=(BLOCKS, GROUPS))
        z_corr = pm.Flat("z_corr", shape=(BLOCKS, 1))
        log_spread = pm.Flat("log_spread", shape=3)
        effect = pm.Normal("effect", shape=(EFFECTS, GROUPS))

        spread = pt.exp(log_spread)
        coefficient = effect * ((spread_of * spread).sum(axis=1) + fixed)[:, None]
        expected = _matmul(weights, coefficient).reshape((BLOCKS, cities, GROUPS)) + average[:, None, :]
        sd, correlation = pt.exp(log_sd), pt.tanh(z_corr)
        rest = 1 - correlation**2
        effect_first = _unblend(first, expected[:, :, 0], sd[:, :1], share_first)
        slope = correlation * sd[:, 1:] / sd[:, :1]
        sd_second = sd[:, 1:] * pt.sqrt(rest)
        expected_second = expected[:, :, 1] + slope * (effect_first - expected[:, :, 0])
        effect_second = _unblend(second, expected_second, sd_second, share_second)
        ring = average - _matmul(centre, coefficient)

        # densities of the sampled forms; scales on the log scale with their Jacobians
        pm.Potential("cities", _kernel(first, expected[:, :, 0], sd[:, :1], share_first).sum())
        pm.Potential("cities_second", _kernel(second, expected_second, sd_second, share_second).sum())
        change_sd = (log_sd - np.log(priors.sd_change_median)) / priors.sd_change_log_sd
        prior_sd = is_mean * (log_sd - 0.5 * (sd / priors.sd_mean_scale) ** 2) - is_change * 0.5 * change_sd**2
        pm.Potential("scales", (prior_sd - 0.5 * (ring / ring_sd) ** 2).sum())
        # LKJ(eta) of a 2 x 2 correlation r is (1 - r^2)^(eta - 1); r = tanh z has the Jacobian 1 - r^2
        pm.Potential("correlations", priors.correlation_eta * pt.log(rest).sum())
        pm.Potential("spreads", (log_spread - 0.5 * (spread / spread_scale) ** 2).sum())

        eta = _matmul(years, pt.join(1, effect_first, effect_second))
        cumulant = rate * pt.exp(eta) + (1 - rate) * pt.softplus(eta)
        pm.Potential("likelihood", (y * eta - n * cumulant).sum())
    return model


def _kernel(raw: Any, expected: Any, sd: Any, share: Any) -> Any:
    """Log-density of the sampled form of a city effect, up to a constant."""
    return -0.5 * ((raw - share * expected) / sd**share) ** 2 - share * pt.log(sd)


@lru_cache(maxsize=4)
def _compiled(cities: int, priors: Priors) -> Any:
    return nutpie.compile_pymc_model(build(cities, priors), var_names=list(_FREE))


@dataclass(frozen=True)
class _Padded:
    """A data set in the shape of the compiled structure."""

    y: np.ndarray
    n: np.ndarray
    rate: np.ndarray
    years: np.ndarray
    weights: np.ndarray
    centre: np.ndarray
    share_first: np.ndarray
    share_second: np.ndarray


def _pad(data: ChangeData, form: str) -> _Padded:
    parts = design(data)
    sizes = (parts.peers.shape[1], parts.land.shape[1], parts.covariates.shape[1])
    if sizes[0] > PEERS or sizes[1] > LAENDER or sizes[2] > COVARIATES:
        raise UsageError(
            f"das Modell fasst höchstens {PEERS} Vergleichsgruppen, {LAENDER} Länder und {COVARIATES} Kovariaten",
            place=data.definition,
            mend="bitte [peers] k_max oder die Zahl der Kovariaten senken",
        )
    cities, groups, years = data.y.shape
    room = capacity(cities)
    counts = np.zeros((2, YEARS, GROUPS, room))
    counts[0, :years, :groups, :cities] = data.y.transpose(2, 1, 0) * data.evidence
    counts[1, :years, :groups, :cities] = data.n.transpose(2, 1, 0) * data.evidence
    weights = np.zeros((BLOCKS, room, EFFECTS))
    weights[0, :cities, _COVARIATE.start : _COVARIATE.start + sizes[2]] = parts.covariates
    weights[0, :cities, _PEER_LEVEL.start : _PEER_LEVEL.start + sizes[0]] = parts.peers
    if years == 2:
        weights[1, :cities, _PEER_CHANGE.start : _PEER_CHANGE.start + sizes[0]] = parts.peers
        weights[1, :cities, _LAND_CHANGE.start : _LAND_CHANGE.start + sizes[1]] = parts.land
    centre = weights[:, :cities].mean(axis=1)
    weights[:, :cities] -= centre[:, None, :]
    padded = np.zeros((GROUPS, BLOCKS, room))
    padded[:groups, :, :cities] = _shares(data, form)
    by_year = np.zeros((YEARS, BLOCKS))
    by_year[:years, 0], by_year[:years, 1] = 1.0, parts.half
    return _Padded(
        y=counts[0].reshape(YEARS, -1),
        n=counts[1].reshape(YEARS, -1),
        rate=np.array(float(data.link == "log")),
        years=by_year,
        weights=weights.reshape(BLOCKS * room, EFFECTS),
        centre=centre,
        share_first=padded[0],
        share_second=padded[1],
    )


def _shares(data: ChangeData, form: str) -> np.ndarray:
    """How far each effect is centred, shape (G, 2, C)."""
    blend = np.stack(centring(data)).transpose(2, 0, 1)
    return blend if form == "blend" else blend * np.array([1.0, 0.5])[None, :, None]


def sample(
    data: ChangeData, settings: ChangeSettings, seed: int, *, form: str, target_accept: float, draws: int, cores: int
) -> Sampled:
    """Sample the posterior of one data set.

    Parameters
    ----------
    data : ChangeData
    settings : ChangeSettings
    seed : int
    form : {'blend', 'loose'}
        `blend` centres each city's effects as far as its own counts speak; `loose` centres the changes half as far.
    target_accept : float
    draws : int
        Kept draws per chain.
    cores : int
        Chains at the same time.

    Raises
    ------
    UsageError
        If the ring has more peer groups, Länder or covariates than the structure holds.
    """
    padded = _pad(data, form)
    trace = nutpie.sample(
        _compiled(capacity(len(data.cities)), settings.priors).with_data(**vars(padded)),
        draws=draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=cores,
        seed=seed,
        target_accept=target_accept,
        progress_bar=False,
    )
    posterior, stats = trace["posterior"].to_dataset(), trace["sample_stats"].to_dataset()
    return Sampled(_unpack(posterior, padded, data, settings.priors), stats["diverging"].to_numpy(), form)


def _unpack(posterior: xr.Dataset, padded: _Padded, data: ChangeData, priors: Priors) -> xr.Dataset:
    """From the sampled form to the parameters of the specification, padding cut off."""
    free = {name: posterior[name].to_numpy() for name in _FREE}
    cities, groups, years = data.y.shape
    room = capacity(cities)
    sd, correlation, spread = np.exp(free["log_sd"]), np.tanh(free["z_corr"]), np.exp(free["log_spread"])
    coefficient = free["effect"].copy()
    coefficient[:, :, _COVARIATE] *= priors.covariate_sd
    for place, part in enumerate((_PEER_LEVEL, _PEER_CHANGE, _LAND_CHANGE)):
        coefficient[:, :, part] *= spread[:, :, place, None, None]
    expected = (padded.weights @ coefficient).reshape(*coefficient.shape[:2], BLOCKS, room, GROUPS)
    expected += free["average"][:, :, :, None, :]
    first = _unblend(free["first"], expected[..., 0], sd[..., :1], padded.share_first)
    slope = correlation * sd[..., 1:] / sd[..., :1]
    expected_second = expected[..., 1] + slope * (first - expected[..., 0])
    second = _unblend(free["second"], expected_second, sd[..., 1:] * np.sqrt(1 - correlation**2), padded.share_second)
    effects = np.stack([first, second], axis=-1)[:, :, :, :cities, :groups]
    ring = (free["average"] - padded.centre @ coefficient)[..., :groups]
    parts = design(data)
    sizes = (parts.peers.shape[1], parts.land.shape[1], parts.covariates.shape[1])
    both = ("chain", "draw")

    def coefficients(part: slice, size: int, dim: str) -> tuple[tuple[str, ...], np.ndarray]:
        return (*both, dim, "group"), coefficient[:, :, part.start : part.start + size, :groups]

    out: dict[str, Any] = {
        "alpha": ((*both, "group"), ring[:, :, 0]),
        "sd_mean": ((*both, "group"), sd[:, :, 0, :groups]),
        "mean": ((*both, "city", "group"), effects[:, :, 0]),
    }
    if groups == 2:
        out["corr_mean"] = (both, correlation[:, :, 0, 0])
    if sizes[2]:
        out["beta"] = coefficients(_COVARIATE, sizes[2], "covariate")
    if sizes[0]:
        out["sd_peer_level"] = (both, spread[:, :, 0])
        out["peer_level"] = coefficients(_PEER_LEVEL, sizes[0], "peer_group")
    if years == 2:
        out["delta"] = ((*both, "group"), ring[:, :, 1])
        out["sd_change"] = ((*both, "group"), sd[:, :, 1, :groups])
        out["change"] = ((*both, "city", "group"), effects[:, :, 1])
        if groups == 2:
            out["corr_change"] = (both, correlation[:, :, 1, 0])
        if sizes[0]:
            out["sd_peer_change"] = (both, spread[:, :, 1])
            out["peer_change"] = coefficients(_PEER_CHANGE, sizes[0], "peer_group")
        if sizes[1]:
            out["sd_land_change"] = (both, spread[:, :, 2])
            out["land_change"] = coefficients(_LAND_CHANGE, sizes[1], "land")
    coords = {"chain": np.arange(effects.shape[0]), "draw": np.arange(effects.shape[1])}
    return xr.Dataset(out, coords=coords)
