r"""The reference of the joint field model: all indicators of a field in one PyMC model, sampled by nutpie.

The model is that of `integstat.change.model` for every indicator, tied as `integstat.change.field` says; *f* is integrated out
of the density and drawn afterwards. Indicators, cities and groups are axes of the arrays: what an indicator lacks has no
counts there and is cut off from the result.

Axes: indicator, block (mean of the years, change), city, group; effects are the coefficients of covariates, peer groups and
Länder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr

from integstat.change.data import ChangeData
from integstat.change.field.axes import Alignment, align, draw_effect, labelled
from integstat.change.gate import Diagnostics, diagnose
from integstat.change.model import HALF, centring, design, evidence
from integstat.change.settings import ChangeSettings, Priors
from integstat.errors import ConvergenceError

# with fast maths the draws would depend on whether the compile cache was warm
pytensor.config.numba__fastmath = False

_WATCHED = ("average", "sd_mean", "sd_change", "corr", "spread", "rho", "change")


@dataclass(frozen=True)
class _Counts:
    """All indicators of a field on common axes.

    Attributes
    ----------
    y, n : ndarray, shape (I, C, G, 2)
        Counts as the likelihood weighs them; 0 where an indicator lacks the city or group.
    common : ndarray, shape (I, C, G)
        Variance of the counting error the years share.
    rate : ndarray of bool, shape (I, 1, 1, 1)
        Whether the link is log.
    level, step : ndarray, shape (I, C, E)
        Design of mean and change, centred over the indicator's cities.
    level_centre, step_centre : ndarray, shape (I, E)
        What the centring took out.
    spread : ndarray, shape (E, 4)
        Which scale an effect has: one, or one of the three SDs between groups.
    share : ndarray, shape (2, I, C, G)
        How far mean and change are centred.
    """

    y: np.ndarray
    n: np.ndarray
    common: np.ndarray
    rate: np.ndarray
    level: np.ndarray
    step: np.ndarray
    level_centre: np.ndarray
    step_centre: np.ndarray
    spread: np.ndarray
    share: np.ndarray


def sample_field(
    datas: Sequence[ChangeData],
    polarity: Sequence[int],
    settings: ChangeSettings,
    seed: int,
    *,
    a: float = 2.0,
    b: float = 4.0,
    cores: int = 2,
) -> xr.Dataset:
    """Sample the joint model of a field's indicators.

    Parameters
    ----------
    datas : sequence of ChangeData
        Two years each; cities may differ.
    polarity : sequence of {-1, 1}
        1 where more is better.
    settings : ChangeSettings
    seed : int
    a, b : float
        Beta prior of the common correlation.
    cores : int
        Chains at the same time.

    Returns
    -------
    xarray.Dataset
        As the group `posterior` of `integstat.change.field.join`; the attributes hold the diagnostics.

    Raises
    ------
    ConvergenceError
        If the run misses the gate of `integstat.change.gate`.
    ValueError
        If `integstat.change.field.axes.align` refuses, or a count is known only within bounds.
    """
    axes = align(datas, polarity)
    counts = _stack(datas, axes)
    model = nutpie.compile_pymc_model(build(counts, axes.sign, settings.priors, a, b), var_names=[*_WATCHED, "own", "z"])
    trace = nutpie.sample(
        model,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=cores,
        seed=seed,
        target_accept=settings.target_accept,
        progress_bar=False,
    )
    posterior = trace["posterior"].to_dataset()
    found = diagnose(posterior[list(_WATCHED)], trace["sample_stats"]["diverging"].to_numpy())
    if not found.passed:
        raise ConvergenceError(
            f"die gemeinsame Rechnung ist nicht zur Ruhe gekommen: {found.complaint()}",
            place=", ".join(axes.indicators),
            mend="bitte mehr Ziehungen einstellen ([change] draws)",
        )
    return _unpack(posterior, axes, seed, found)


def _stack(datas: Sequence[ChangeData], axes: Alignment) -> _Counts:
    designs = [design(data) for data in datas]
    sizes = np.array([[d.covariates.shape[1], d.peers.shape[1], d.land.shape[1]] for d in designs]).max(axis=0)
    starts = np.cumsum([0, sizes[0], sizes[1], sizes[1], sizes[2]])  # covariates, peers' levels, peers' and Länder's changes
    shape = axes.present.shape
    y, n = np.zeros((*shape, 2)), np.zeros((*shape, 2))
    common, share = np.zeros(shape), np.zeros((2, *shape))
    weights, centre = np.zeros((2, *shape[:2], starts[-1])), np.zeros((2, shape[0], starts[-1]))
    for i, (data, parts, place) in enumerate(zip(datas, designs, axes.place, strict=True)):
        weighed = evidence(data)
        if len(weighed.coarse.cell):
            raise ValueError(f"{data.definition}: the reference of the joint model takes exact counts only")
        groups = np.arange(len(data.groups))
        here = (i, place[:, None], groups)
        y[here], n[here], common[here] = weighed.y, weighed.n, weighed.common
        for block, values in enumerate(centring(data)):
            share[(block, *here)] = values
        for block, start, values in ((0, 0, parts.covariates), (0, 1, parts.peers), (1, 2, parts.peers), (1, 3, parts.land)):
            columns = np.arange(starts[start], starts[start] + values.shape[1])
            centre[block, i, columns] = values.mean(axis=0)
            weights[block, i, place[:, None], columns] = values - values.mean(axis=0)
    spread = np.repeat(np.eye(4), np.diff(starts), axis=0)
    rate = np.array([data.link == "log" for data in datas])[:, None, None, None]
    return _Counts(y, n, common, rate, weights[0], weights[1], centre[0], centre[1], spread, share)


def build(counts: _Counts, sign: np.ndarray, priors: Priors, a: float, b: float) -> pm.Model:
    """The joint model; `average` is the ring's level and shift plus the cities' average of all other effects."""
    many, cities, groups, _ = counts.y.shape
    ring_sd = np.array([priors.level_sd, priors.shift_sd])[None, :, None]
    with pm.Model() as model:
        rho = pm.Beta("rho", a, b)
        sd_mean = pm.HalfNormal("sd_mean", priors.sd_mean_scale, shape=(many, groups))
        sd_change = pm.LogNormal("sd_change", np.log(priors.sd_change_median), priors.sd_change_log_sd, shape=(many, groups))
        # LKJ(eta) of a 2 x 2 correlation r: (1 + r) / 2 is Beta(eta, eta)
        half_corr = pm.Beta("half_corr", priors.correlation_eta, priors.correlation_eta, shape=(2, many))
        corr = pm.Deterministic("corr", 2 * half_corr - 1)
        scales = np.array([priors.peer_level_scale, priors.peer_change_scale, priors.land_change_scale])
        spread = pm.HalfNormal("spread", scales, shape=(many, 3))
        effect = pm.Normal("effect", shape=(many, len(counts.spread), groups))
        average = pm.Flat("average", shape=(many, 2, groups))
        raw = pm.Flat("raw", shape=(2, many, cities, groups))

        scale = (counts.spread[:, 1:] * spread[:, None, :]).sum(axis=2) + counts.spread[:, 0] * priors.covariate_sd
        coefficient = effect * scale[:, :, None]
        centre = np.stack([counts.level_centre, counts.step_centre], axis=1)  # (I, 2, E)
        ring = average - (centre[..., None] * coefficient[:, None]).sum(axis=2)
        pm.Potential("ring", -0.5 * ((ring / ring_sd) ** 2).sum())

        level = average[:, None, 0] + (counts.level[..., None] * coefficient[:, None]).sum(axis=2)
        step = average[:, None, 1] + (counts.step[..., None] * coefficient[:, None]).sum(axis=2)
        around = _blend(raw[0], level, sd_mean[:, None], counts.share[0])
        own = pm.Deterministic("own", _blend(raw[1], step, sd_change[:, None], counts.share[1]))
        pm.Deterministic("change", step + own)

        variance = sd_mean[:, None] ** 2 + counts.common
        covariance = (corr[0, :, None] * sd_mean.prod(axis=1)[:, None]) if groups == 2 else None
        pm.Potential("means", _log_normal(around, variance, covariance).sum())
        z = pm.Deterministic("z", sign[:, None, None] * _standardise(own, sd_change, corr[1]))
        pm.Potential("field", _log_equicorrelated(z, rho, many).sum() - cities * _log_determinant(sd_change, corr[1]).sum())
        pm.Potential("mean_form", ((1 - counts.share[0]) * pt.log(sd_mean)[:, None]).sum())
        pm.Potential("change_form", ((1 - counts.share[1]) * pt.log(sd_change)[:, None]).sum())

        eta = (level + around)[..., None] + (step + own)[..., None] * HALF
        cumulant = pt.switch(counts.rate, pt.exp(pt.switch(counts.rate, eta, 0.0)), pt.softplus(eta))
        pm.Potential("likelihood", (counts.y * eta - counts.n * cumulant).sum())
    return model


def _blend(raw: Any, expected: Any, sd: Any, share: np.ndarray) -> Any:
    """Deviation from what is expected: share 1 samples the effect itself, share 0 its deviation over its SD."""
    return sd ** (1 - share) * (raw - share * expected)


def _log_normal(values: Any, variance: Any, covariance: Any) -> Any:
    """Log-density of one value or a pair around 0 on the last axis, up to a constant."""
    if covariance is None:
        return -0.5 * (values**2 / variance + pt.log(variance))
    determinant = variance[..., 0] * variance[..., 1] - covariance**2
    product = 2 * covariance * values[..., 0] * values[..., 1]
    square = variance[..., 1] * values[..., 0] ** 2 - product + variance[..., 0] * values[..., 1] ** 2
    return -0.5 * (square / determinant + pt.log(determinant))


def _standardise(own: Any, sd: Any, corr: Any) -> Any:
    """The lower Cholesky factor of Omega undone: first group first."""
    scaled = own / sd[:, None]
    if sd.type.shape[1] == 1:
        return scaled
    r = corr[:, None]
    return pt.stack([scaled[..., 0], (scaled[..., 1] - r * scaled[..., 0]) / pt.sqrt(1 - r**2)], axis=-1)


def _log_determinant(sd: Any, corr: Any) -> Any:
    """Log-determinant of the factor, by indicator."""
    rest = 0.5 * pt.log(1 - corr**2) if sd.type.shape[1] == 2 else 0.0
    return pt.log(sd).sum(axis=1) + rest


def _log_equicorrelated(z: Any, rho: Any, many: int) -> Any:
    """Log-density over the indicators (first axis) with unit variances and one correlation, up to a constant."""
    total = 1 + (many - 1) * rho
    square = ((z**2).sum(axis=0) - rho / total * z.sum(axis=0) ** 2) / (1 - rho)
    return -0.5 * (square + (many - 1) * pt.log(1 - rho) + pt.log(total))


def _unpack(posterior: xr.Dataset, axes: Alignment, seed: int, found: Diagnostics) -> xr.Dataset:
    rho, own, z = (posterior[name].to_numpy() for name in ("rho", "own", "z"))
    both = rho.shape
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0xF1E1D]))
    effect = draw_effect(z.reshape(-1, *z.shape[2:]), rho.reshape(-1), axes.present, rng)
    out = labelled(axes, rho, own, posterior["change"].to_numpy() - own, effect.reshape(*both, *effect.shape[1:]))
    out.attrs = {"rhat": found.rhat, "ess_bulk": found.ess_bulk, "ess_tail": found.ess_tail, "divergences": found.divergences}
    return out
