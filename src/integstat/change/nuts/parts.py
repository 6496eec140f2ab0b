"""What the reference engine's structures share: capacities, the layout of effects, padding, coarse counts.

Axes: block (mean of the years first, then what tells the years apart), city, group; effects are the coefficients of covariates,
peers and Länder. What works on tensors and on arrays alike serves the model as well as its draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.gradient import disconnected_grad

from integstat.change.data import ChangeData
from integstat.change.model import Coarse, Design, centring, design, evidence
from integstat.change.settings import Priors
from integstat.errors import UsageError

GROUPS, BLOCKS = 2, 2
COVARIATES, PEERS, LAENDER = 4, 16, 16
FREE = ("first", "second", "average", "log_sd", "z_corr", "log_spread", "effect")
_CITIES, _SLOTS, _WIDTH = 32, 16, 8  # capacities grow from these
_NEVER = -1e30  # log-weight of a padded count: its exponential is 0 and has no slope


@dataclass(frozen=True)
class Capacity:
    """What a compiled structure holds.

    Attributes
    ----------
    cities : int
        A multiple of 32.
    years : int
        2 for one or two years, else their number.
    peers : int
        Columns of the peers' factor: 16, 32, 64 …
    slots, width : int
        Coarse cells (a multiple of 16) and possible counts of each (a power of two); 0 without coarse cells.
    """

    cities: int
    years: int = 2
    peers: int = PEERS
    slots: int = 0
    width: int = 0

    @property
    def effects(self) -> int:
        """Number of coefficients of each group."""
        return COVARIATES + 2 * self.peers + LAENDER

    @property
    def covariate(self) -> slice:
        """Where the covariates stand among the effects; the other three likewise."""
        return slice(0, COVARIATES)

    @property
    def peer_level(self) -> slice:
        """Peers' levels."""
        return slice(COVARIATES, COVARIATES + self.peers)

    @property
    def peer_change(self) -> slice:
        """Peers' changes."""
        return slice(COVARIATES + self.peers, COVARIATES + 2 * self.peers)

    @property
    def land_change(self) -> slice:
        """Changes of the Länder."""
        return slice(COVARIATES + 2 * self.peers, self.effects)

    def spread_of(self) -> np.ndarray:
        """Which of the three SDs (peers' levels, peers' changes, Länder) scales an effect, shape (effects, 3)."""
        chosen = np.zeros((self.effects, 3))
        chosen[self.peer_level, 0] = chosen[self.peer_change, 1] = chosen[self.land_change, 2] = 1.0
        return chosen

    def fixed(self, priors: Priors) -> np.ndarray:
        """Scale of the effects that have no SD of their own, shape (effects,)."""
        scale = np.zeros(self.effects)
        scale[self.covariate] = priors.covariate_sd
        return scale


def capacity(data: ChangeData, parts: Design, coarse: Coarse) -> Capacity:
    """Smallest capacity that holds a data set.

    Raises
    ------
    UsageError
        If the ring has more Länder or covariates than every structure holds.
    """
    if parts.land.shape[1] > LAENDER or parts.covariates.shape[1] > COVARIATES:
        raise UsageError(
            f"das Modell fasst höchstens {LAENDER} Länder und {COVARIATES} Kovariaten",
            place=data.definition,
            mend="bitte die Zahl der Kovariaten oder der Länder senken",
        )
    cells = len(coarse.cell)
    return Capacity(
        cities=_multiple(len(data.cities), _CITIES),
        years=max(len(data.years), 2),
        peers=_power(parts.peers.shape[1], PEERS),
        slots=_multiple(cells, _SLOTS) if cells else 0,
        width=_power(int(np.diff(coarse.start).max()), _WIDTH) if cells else 0,
    )


def _multiple(count: int, step: int) -> int:
    return max(step, -(-count // step) * step)


def _power(count: int, least: int) -> int:
    return max(least, 1 << (count - 1).bit_length())


def unblend(raw: Any, expected: Any, sd: Any, share: Any) -> Any:
    """City effect from its sampled form: share 1 samples the effect itself, share 0 its standardised deviation."""
    return expected + sd ** (1 - share) * (raw - share * expected)


def kernel(raw: Any, expected: Any, sd: Any, share: Any) -> Any:
    """Log-density of the sampled form of a city effect, up to a constant."""
    return -0.5 * ((raw - share * expected) / sd**share) ** 2 - share * pt.log(sd)


def conditional(sd: Any, correlation: Any, common: Any) -> tuple[Any, Any, Any]:
    """SD of the first group's effects, slope of the second's on them, and the SD that remains to the second.

    Parameters
    ----------
    sd : shape (..., block, group)
    correlation : shape (..., block, 1)
    common : shape (block, city, group)
        Variance of the error that the years share; it widens the effects of the counts, independently between the groups.

    Returns
    -------
    tuple
        Each of shape (..., block, city).
    """
    one, two = sd[..., :1], sd[..., 1:]
    variance = one**2 + common[..., 0]
    slope = correlation * one * two / variance
    rest = two**2 * (1 - correlation**2 * (one**2 / variance)) + common[..., 1]
    return variance**0.5, slope, rest**0.5


def matmul(left: Any, right: Any) -> Any:
    """Matrix product as a sum of products: for these sizes as fast as a call of BLAS, and far quicker to compile."""
    return (left[:, :, None] * right[None, :, :]).sum(axis=1)


@dataclass(frozen=True)
class Inputs:
    """The data of a structure as tensors, with the names of `Padded.inputs`."""

    y: Any
    n: Any
    rate: Any
    years: Any
    weights: Any
    centre: Any
    common: Any
    share_first: Any
    share_second: Any


def declare_inputs(room: Capacity, blocks: int) -> Inputs:
    """Declare the data that every structure has; `blocks` counts the city effects of a group."""
    shapes: dict[str, tuple[int, ...]] = {
        "y": (room.years, GROUPS * room.cities),
        "n": (room.years, GROUPS * room.cities),
        "rate": (),
        "years": (room.years, blocks),
        "weights": (BLOCKS * room.cities, room.effects),
        "centre": (BLOCKS, room.effects),
        "common": (BLOCKS, room.cities, GROUPS),
        "share_first": (blocks, room.cities),
        "share_second": (blocks, room.cities),
    }
    return Inputs(**{name: pm.Data(name, np.zeros(shape)) for name, shape in shapes.items()})


def declare_scales(room: Capacity, priors: Priors) -> tuple[Any, Any, Any]:
    """Declare SDs, correlations and effects with their priors; scales on the log scale with their Jacobians.

    Returns
    -------
    sd : shape (block, group)
    correlation : shape (block, 1)
    coefficient : shape (effects, group)
    """
    is_mean, is_change = np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]])
    spread_scale = np.array([priors.peer_level_scale, priors.peer_change_scale, priors.land_change_scale])
    log_sd = pm.Flat("log_sd", shape=(BLOCKS, GROUPS))
    z_corr = pm.Flat("z_corr", shape=(BLOCKS, 1))
    log_spread = pm.Flat("log_spread", shape=3)
    effect = pm.Normal("effect", shape=(room.effects, GROUPS))

    sd, correlation, spread = pt.exp(log_sd), pt.tanh(z_corr), pt.exp(log_spread)
    change_sd = (log_sd - np.log(priors.sd_change_median)) / priors.sd_change_log_sd
    prior_sd = is_mean * (log_sd - 0.5 * (sd / priors.sd_mean_scale) ** 2) - is_change * 0.5 * change_sd**2
    pm.Potential("scales", prior_sd.sum())
    # LKJ(eta) of a 2 x 2 correlation r is (1 - r^2)^(eta - 1); r = tanh z has the Jacobian 1 - r^2
    pm.Potential("correlations", priors.correlation_eta * pt.log(1 - correlation**2).sum())
    pm.Potential("spreads", (log_spread - 0.5 * (spread / spread_scale) ** 2).sum())
    return sd, correlation, effect * ((room.spread_of() * spread).sum(axis=1) + room.fixed(priors))[:, None]


def likelihood(eta: Any, inputs: Inputs, room: Capacity) -> Any:
    """Log-likelihood of the counts, up to a constant; `eta` by year and, one group after the other, city."""
    cumulant = inputs.rate * pt.exp(eta) + (1 - inputs.rate) * pt.softplus(eta)
    exact = (inputs.y * eta - inputs.n * cumulant).sum()
    return exact + _coarse_sum(eta, room) if room.slots else exact


def _coarse_sum(eta: Any, room: Capacity) -> Any:
    """Sum over the coarse cells of log sum exp(log_weight + k eta)."""
    cell = pm.Data("coarse_cell", np.zeros(room.slots, dtype=np.int64))
    value = pm.Data("coarse_value", np.zeros((room.slots, room.width)))
    log_weight = pm.Data("coarse_log_weight", np.zeros((room.slots, room.width)))
    term = log_weight + value * eta.ravel()[cell][:, None]
    top = disconnected_grad(term.max(axis=1))
    return (top + pt.log(pt.exp(term - top[:, None]).sum(axis=1))).sum()


@dataclass(frozen=True)
class Padded:
    """A data set in the shape of a compiled structure.

    Attributes
    ----------
    room : Capacity
    parts : Design
    inputs : dict of ndarray
        By the names of the structure's data.
    """

    room: Capacity
    parts: Design
    inputs: dict[str, np.ndarray]


def shares(data: ChangeData, form: str) -> np.ndarray:
    """How far each effect is centred, shape (G, 2, C); `form` as in `integstat.change.nuts.sampler.sample`."""
    blend = np.stack(centring(data)).transpose(2, 0, 1)
    return blend if form == "blend" else blend * np.array([1.0, 0.5])[None, :, None]


def pad(data: ChangeData, by_year: np.ndarray, centred: np.ndarray) -> Padded:
    """Bring a data set into the shape of its structure.

    Parameters
    ----------
    data : ChangeData
    by_year : ndarray, shape (T, blocks)
        What each block brings into a year.
    centred : ndarray, shape (G, blocks, C)
        How far each city effect is centred.
    """
    parts, weighed = design(data), evidence(data)
    room = capacity(data, parts, weighed.coarse)
    cities, groups, years = data.y.shape
    blocks = by_year.shape[1]
    counts = np.zeros((2, room.years, GROUPS, room.cities))
    counts[0, :years, :groups, :cities] = weighed.y.transpose(2, 1, 0)
    counts[1, :years, :groups, :cities] = weighed.n.transpose(2, 1, 0)
    common = np.zeros((BLOCKS, room.cities, GROUPS))
    common[0, :cities, :groups] = weighed.common
    padded_shares = np.zeros((GROUPS, blocks, room.cities))
    padded_shares[:groups, :, :cities] = centred
    padded_years = np.zeros((room.years, blocks))
    padded_years[:years] = by_year
    weights, centre = _weights(parts, room, with_change=years > 1)
    inputs = {
        "y": counts[0].reshape(room.years, -1),
        "n": counts[1].reshape(room.years, -1),
        "rate": np.array(float(data.link == "log")),
        "years": padded_years,
        "weights": weights,
        "centre": centre,
        "common": common,
        "share_first": padded_shares[0],
        "share_second": padded_shares[1],
    }
    return Padded(room, parts, inputs | _slots(weighed.coarse, room))


def _weights(parts: Design, room: Capacity, *, with_change: bool) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the effects in the cities' means and changes, centred over the cities, and what was taken out."""
    cities = len(parts.peers)
    weights = np.zeros((BLOCKS, room.cities, room.effects))

    def enter(block: int, part: slice, columns: np.ndarray) -> None:
        weights[block, :cities, part.start : part.start + columns.shape[1]] = columns

    enter(0, room.covariate, parts.covariates)
    enter(0, room.peer_level, parts.peers)
    if with_change:
        enter(1, room.peer_change, parts.peers)
        enter(1, room.land_change, parts.land)
    centre = weights[:, :cities].mean(axis=1)
    weights[:, :cities] -= centre[:, None, :]
    return weights.reshape(BLOCKS * room.cities, room.effects), centre


def _slots(coarse: Coarse, room: Capacity) -> dict[str, np.ndarray]:
    """Coarse cells in slots of equal width; an unused slot holds the count 0 for sure and adds nothing."""
    if not room.slots:
        return {}
    cell = np.zeros(room.slots, dtype=np.int64)
    value = np.zeros((room.slots, room.width))
    log_weight = np.full((room.slots, room.width), _NEVER)
    log_weight[len(coarse.cell) :, 0] = 0.0
    city, group, year = coarse.cell.T
    cell[: len(coarse.cell)] = (year * GROUPS + group) * room.cities + city
    for place, start in enumerate(coarse.start[:-1]):
        inside = slice(start, coarse.start[place + 1])
        length = inside.stop - inside.start
        value[place, :length], log_weight[place, :length] = coarse.value[inside], coarse.log_weight[inside]
    return {"coarse_cell": cell, "coarse_value": value, "coarse_log_weight": log_weight}
