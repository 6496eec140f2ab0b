"""The reference engine: PyMC's model, nutpie's sampler. Only the modules named `nuts*` know PyMC.

Compiling costs far more than sampling and grows with the number of operations, so there is one structure for every
indicator of one or two years, written with as few operations as possible: two groups, two years, cities padded to a capacity.
A missing group, a missing year, a padded city, peer group or Land has no counts; its parameters fall back on their priors,
independent of the rest, and are cut off again before anything leaves this module. Coarse counts, more peers and more years are
compiled only for data that have them.

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
from integstat.change.model import design
from integstat.change.nuts import many_years
from integstat.change.nuts.parts import (
    BLOCKS,
    FREE,
    GROUPS,
    Capacity,
    Padded,
    conditional,
    declare_inputs,
    declare_scales,
    kernel,
    likelihood,
    matmul,
    pad,
    shares,
    unblend,
)
from integstat.change.nuts.unpacking import coefficients, linear, parameters, without_error
from integstat.change.settings import ChangeSettings, Priors

# with fast maths the draws would depend on whether the compile cache was warm
pytensor.config.numba__fastmath = False


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


def build(room: Capacity, priors: Priors) -> pm.Model:
    """The model of `integstat.change.model` for one or two years.

    The second group's effects are written conditional on the first's, so that a full non-centring also takes out their
    correlation. The ring effects are sampled as the ring's averages, which the data speak of; alone they share a ridge
    with the effects of groups and Länder. The effects of the mean contain the error that the years share.
    """
    ring_sd = np.array([[priors.level_sd], [priors.shift_sd]])
    with pm.Model() as model:
        inputs = declare_inputs(room, BLOCKS)
        first = pm.Flat("first", shape=(BLOCKS, room.cities))
        second = pm.Flat("second", shape=(BLOCKS, room.cities))
        average = pm.Flat("average", shape=(BLOCKS, GROUPS))
        sd, correlation, coefficient = declare_scales(room, priors)

        expected = matmul(inputs.weights, coefficient).reshape((BLOCKS, room.cities, GROUPS)) + average[:, None, :]
        sd_first, slope, sd_second = conditional(sd, correlation, inputs.common)
        effect_first = unblend(first, expected[:, :, 0], sd_first, inputs.share_first)
        expected_second = expected[:, :, 1] + slope * (effect_first - expected[:, :, 0])
        effect_second = unblend(second, expected_second, sd_second, inputs.share_second)
        ring = average - matmul(inputs.centre, coefficient)

        pm.Potential("cities", kernel(first, expected[:, :, 0], sd_first, inputs.share_first).sum())
        pm.Potential("cities_second", kernel(second, expected_second, sd_second, inputs.share_second).sum())
        pm.Potential("ring", -0.5 * ((ring / ring_sd) ** 2).sum())
        eta = matmul(inputs.years, pt.join(1, effect_first, effect_second))
        pm.Potential("likelihood", likelihood(eta, inputs, room))
    return model


@lru_cache(maxsize=8)
def _compiled(room: Capacity, priors: Priors) -> Any:
    if room.years > 2:
        return nutpie.compile_pymc_model(many_years.build_years(room, priors), var_names=list(many_years.FREE_YEARS))
    return nutpie.compile_pymc_model(build(room, priors), var_names=list(FREE))


def _pad(data: ChangeData, form: str) -> Padded:
    half = design(data).half
    return pad(data, np.column_stack([np.ones_like(half), half]), shares(data, form))


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
        If the ring has more Länder or covariates than the structure holds.
    """
    many = len(data.years) > 2
    padded = many_years.pad_years(data, form) if many else _pad(data, form)
    trace = nutpie.sample(
        _compiled(padded.room, settings.priors).with_data(**padded.inputs),
        draws=draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=cores,
        seed=seed,
        target_accept=target_accept,
        progress_bar=False,
    )
    posterior, stats = trace["posterior"].to_dataset(), trace["sample_stats"].to_dataset()
    unpack = many_years.unpack_years if many else _unpack
    return Sampled(unpack(posterior, padded, data, settings.priors, seed), stats["diverging"].to_numpy(), form)


def _unpack(posterior: xr.Dataset, padded: Padded, data: ChangeData, priors: Priors, seed: int) -> xr.Dataset:
    """From the sampled form to the parameters of the specification, padding cut off."""
    free = {name: posterior[name].to_numpy() for name in FREE}
    cities, groups, years = data.y.shape
    coefficient = coefficients(free, padded.room, priors)
    expected, effects = _effects(free, padded, coefficient)
    ring = (free["average"] - padded.inputs["centre"] @ coefficient)[..., :groups]
    mean = without_error(
        effects[:, :, 0, :cities, :groups],
        expected[:, :, 0, :cities, :groups],
        np.exp(free["log_sd"])[:, :, 0, :groups],
        np.tanh(free["z_corr"])[:, :, 0, 0],
        padded.inputs["common"][0, :cities, :groups],
        seed,
    )
    both = ("chain", "draw")
    out: dict[str, Any] = {"alpha": ((*both, "group"), ring[:, :, 0]), "mean": ((*both, "city", "group"), mean)}
    if years == 2:
        out["delta"] = (*both, "group"), ring[:, :, 1]
        out["change"] = (*both, "city", "group"), effects[:, :, 1, :cities, :groups]
    out |= parameters(free, coefficient, padded, data)
    return xr.Dataset(out, coords={"chain": np.arange(mean.shape[0]), "draw": np.arange(mean.shape[1])})


def _effects(free: dict[str, np.ndarray], padded: Padded, coefficient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expectations and values of the cities' effects, the shared error within; shape (chain, draw, block, city, group)."""
    inputs = padded.inputs
    expected = linear(free, padded, coefficient) + free["average"][:, :, :, None, :]
    sd_first, slope, sd_second = conditional(np.exp(free["log_sd"]), np.tanh(free["z_corr"]), inputs["common"])
    first = unblend(free["first"], expected[..., 0], sd_first, inputs["share_first"])
    expected_second = expected[..., 1] + slope * (first - expected[..., 0])
    second = unblend(free["second"], expected_second, sd_second, inputs["share_second"])
    return expected, np.stack([first, second], axis=-1)
