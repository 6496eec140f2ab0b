r"""The reference engine's structure for three and more years.

A city's path over the years is written in T - 1 coordinates, the contrasts between years in which what passes and what stays
are both diagonal. There :math:`K = R R'` with :math:`R = S (1 + (q - 1) w w')`: S the diagonal of what passes and stays, w the
direction of the trends seen through S, q how far they stretch it. Root, inverse and determinant are closed forms, so no matrix
is factored while sampling, and a path can be centred by any share like the effects of two years: the share 0 samples the
coordinates times :math:`R^{-1}`, the share 1 the path itself, and the powers of S and q lie between.

Axes: block (the mean of the years first, then the coordinates of the path), city, group.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from scipy.special import expit

from integstat.change.data import ChangeData
from integstat.change.model import design, year_covariance
from integstat.change.nuts.parts import (
    BLOCKS,
    FREE,
    GROUPS,
    Capacity,
    Padded,
    conditional,
    declare_inputs,
    declare_scales,
    likelihood,
    matmul,
    pad,
    shares,
)
from integstat.change.nuts.unpacking import coefficients, linear, parameters, without_error
from integstat.change.settings import Priors

FREE_YEARS = (*FREE, "logit_share", "log_trend")


def build_years(room: Capacity, priors: Priors) -> pm.Model:
    """The model of `integstat.change.model` for three and more years.

    As in the structure of two years, the second group is written conditional on the first, the ring effects are sampled as
    the ring's averages, and the effects of the mean contain the error that the years share.
    """
    ring_sd = np.full((room.years, 1), priors.shift_sd)
    ring_sd[0] = priors.level_sd
    with pm.Model() as model:
        inputs = declare_inputs(room, room.years)
        staying = pm.Data("staying", np.zeros(room.years))[:, None]
        trend = pm.Data("trend", np.ones(room.years))[:, None]
        enters = pm.Data("enters", np.zeros((room.years, BLOCKS)))
        to_ring = pm.Data("to_ring", np.eye(room.years))
        first = pm.Flat("first", shape=(room.years, room.cities))
        second = pm.Flat("second", shape=(room.years, room.cities))
        average = pm.Flat("average", shape=(room.years, GROUPS))
        logit_share, log_trend = pm.Flat("logit_share"), pm.Flat("log_trend")
        sd, correlation, coefficient = declare_scales(room, priors)

        omega = pt.exp(log_trend)
        scale, direction, stretch = _root(pt.sigmoid(logit_share), omega, staying, trend, room.years)
        added = matmul(inputs.weights, coefficient).reshape((BLOCKS, room.cities * GROUPS))
        expected = matmul(enters, added).reshape((room.years, room.cities, GROUPS)) + average[:, None, :]
        sd_first, slope, sd_second = (_by_block(part, room.years) for part in conditional(sd, correlation, inputs.common))
        sd_first, sd_second = sd_first * scale, sd_second * scale
        effect_first = _unblend(first, expected[:, :, 0], sd_first, inputs.share_first, direction, stretch)
        expected_second = expected[:, :, 1] + slope * (effect_first - expected[:, :, 0])
        effect_second = _unblend(second, expected_second, sd_second, inputs.share_second, direction, stretch)
        ring = matmul(to_ring, average - matmul(enters, matmul(inputs.centre, coefficient)))

        deviation = effect_first - expected[:, :, 0], effect_second - expected_second
        pm.Potential("cities", _kernel(deviation[0], sd_first, inputs.share_first, direction, stretch))
        pm.Potential("cities_second", _kernel(deviation[1], sd_second, inputs.share_second, direction, stretch))
        pm.Potential("ring", -0.5 * ((ring / ring_sd) ** 2).sum())
        # Beta and half-normal with the Jacobians of logit and logarithm
        pm.Potential("share", -priors.lasting_a * pt.softplus(-logit_share) - priors.lasting_b * pt.softplus(logit_share))
        pm.Potential("trends", log_trend - 0.5 * (omega / priors.trend_scale) ** 2)
        eta = matmul(inputs.years, pt.join(1, effect_first, effect_second))
        pm.Potential("likelihood", likelihood(eta, inputs, room))
    return model


def _is_mean(years: int) -> np.ndarray:
    """1 in the block of the mean, 0 in those of the path, shape (T, 1)."""
    return np.eye(years)[:, :1]


def _by_block(pair: Any, years: int) -> Any:
    """From (mean, change) to (mean, each coordinate of the path), along the last axis but one."""
    return _is_mean(years) * pair[..., :1, :] + (1 - _is_mean(years)) * pair[..., 1:, :]


def _root(share: Any, omega: Any, staying: Any, trend: Any, years: int) -> tuple[Any, Any, Any]:
    """Diagonal, direction and stretch of the root of K; 1 and 0 in the block of the mean.

    Parameters
    ----------
    share, omega : shape (...) or (..., 1, 1)
    staying, trend : shape (T, 1)
        Variance of what stays, and weight of the trends, in each coordinate; 0 for the mean.
    years : int

    Returns
    -------
    scale, direction : shape (..., T, 1)
    stretch : shape (...) or (..., 1, 1)
    """
    is_mean = _is_mean(years)
    scale = (is_mean + (1 - is_mean) * (1 - share) / 2 + share * staying) ** 0.5
    seen = trend / scale
    squared = (seen**2).sum(axis=-2, keepdims=True)
    return scale, seen / squared**0.5, (1 + omega**2 * squared) ** 0.5


def _along(direction: Any, values: Any) -> Any:
    """Part of `values` (..., T, C) along a direction of the blocks."""
    return direction * (direction * values).sum(axis=-2, keepdims=True)


def _unblend(raw: Any, expected: Any, sd: Any, share: Any, direction: Any, stretch: Any) -> Any:
    """City effects from their sampled form; all coordinates of a path have the same share."""
    inner = raw - share * expected
    inner = inner + (stretch ** (1 - share[1]) - 1) * _along(direction, inner)
    return expected + sd ** (1 - share) * inner


def _kernel(deviation: Any, sd: Any, share: Any, direction: Any, stretch: Any) -> Any:
    """Log-density of the sampled form of city effects, up to a constant, from their deviations from what is expected."""
    scaled = deviation / sd
    standard = scaled + (1 / stretch - 1) * _along(direction, scaled)
    return -(0.5 * standard**2 + share * pt.log(sd)).sum() - (share[1] * pt.log(stretch)).sum()


def pad_years(data: ChangeData, form: str) -> Padded:
    """Bring three and more years into the shape of their structure; see `integstat.change.nuts.sampler.sample` for `form`."""
    parts, covariance = design(data), year_covariance(data.years)
    years = len(data.years)
    values, vectors = np.linalg.eigh(covariance.staying)
    basis = vectors[:, 1:]  # the first is constant over the years
    place = np.array(data.years, dtype=float)
    to_path = np.zeros((years, years))
    to_path[0, 0], to_path[1:, 1:] = 1.0, basis.T @ parts.steps
    enters = np.zeros((years, BLOCKS))
    enters[0, 0], enters[1:, 1] = 1.0, basis.T @ parts.half
    centred = shares(data, form)[:, [0] + [1] * (years - 1)]
    padded = pad(data, np.column_stack([np.ones(years), basis]), centred)
    padded.inputs.update(
        staying=np.concatenate([[0.0], values[1:]]),
        trend=np.concatenate([[0.0], basis.T @ place]),
        enters=enters,
        to_ring=np.linalg.inv(to_path),
    )
    return padded


def unpack_years(posterior: xr.Dataset, padded: Padded, data: ChangeData, priors: Priors, seed: int) -> xr.Dataset:
    """From the sampled form to the parameters of the specification, padding cut off."""
    free = {name: posterior[name].to_numpy() for name in FREE_YEARS}
    cities, groups, _ = data.y.shape
    inputs = padded.inputs
    coefficient = coefficients(free, padded.room, priors)
    expected, effects = (part[..., :cities, :groups] for part in _effects(free, padded, coefficient))
    ring = (inputs["to_ring"] @ (free["average"] - inputs["enters"] @ (inputs["centre"] @ coefficient)))[..., :groups]
    mean = without_error(
        effects[:, :, 0],
        expected[:, :, 0],
        np.exp(free["log_sd"])[:, :, 0, :groups],
        np.tanh(free["z_corr"])[:, :, 0, 0],
        inputs["common"][0, :cities, :groups],
        seed,
    )
    basis = inputs["years"][:, 1:]

    def over_years(path: np.ndarray) -> np.ndarray:
        return np.asarray(np.einsum("tk,abkcg->abcgt", basis, path, optimize=True))

    path = mean[..., None] + over_years(effects[:, :, 1:])
    both = ("chain", "draw")
    out: dict[str, Any] = {
        "alpha": ((*both, "group"), ring[:, :, 0]),
        "mean": ((*both, "city", "group"), (path[..., 0] + path[..., -1]) / 2),
        "delta": ((*both, "group"), ring[:, :, 1:].sum(axis=2)),
        "delta_step": ((*both, "step", "group"), ring[:, :, 1:]),
        "change": ((*both, "city", "group"), path[..., -1] - path[..., 0]),
        "path": ((*both, "city", "group", "year"), path),
        "own_path": ((*both, "city", "group", "year"), over_years(effects[:, :, 1:] - expected[:, :, 1:])),
        "lasting_share": (both, expit(free["logit_share"])),
        "trend_sd": (both, np.exp(free["log_trend"])),
    }
    out |= parameters(free, coefficient, padded, data)
    return xr.Dataset(out, coords={"chain": np.arange(mean.shape[0]), "draw": np.arange(mean.shape[1])})


def _effects(free: dict[str, np.ndarray], padded: Padded, coefficient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expectations and values of the cities' effects, the shared error within; shape (chain, draw, block, city, group)."""
    inputs, years = padded.inputs, padded.room.years
    share, omega = expit(free["logit_share"])[..., None, None], np.exp(free["log_trend"])[..., None, None]
    scale, direction, stretch = _root(share, omega, inputs["staying"][:, None], inputs["trend"][:, None], years)
    added = np.einsum("kb,adbcg->adkcg", inputs["enters"], linear(free, padded, coefficient))
    expected = added + free["average"][:, :, :, None, :]
    pieces = conditional(np.exp(free["log_sd"]), np.tanh(free["z_corr"]), inputs["common"])
    sd_first, slope, sd_second = (_by_block(part, years) for part in pieces)
    first = _unblend(free["first"], expected[..., 0], sd_first * scale, inputs["share_first"], direction, stretch)
    expected_second = expected[..., 1] + slope * (first - expected[..., 0])
    second = _unblend(free["second"], expected_second, sd_second * scale, inputs["share_second"], direction, stretch)
    return expected, np.stack([first, second], axis=-1)
