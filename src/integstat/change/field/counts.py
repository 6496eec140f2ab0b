r"""What one indicator's counts say of its cities' own changes, given each draw of the rest of its posterior.

Given hyperparameters and ring effects, a city's counts speak of its standardised own change *z* through a likelihood that is
close to normal: a Laplace step at the mode, the city's level integrated out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import expit

from integstat.change.data import ChangeData
from integstat.change.field.axes import Alignment
from integstat.change.model import HALF, Evidence, design, evidence

_MOST = 2000  # draws taken of each indicator
_NEWTON, _CLOSE = 50, 1e-4


@dataclass(frozen=True)
class Separate:
    """One indicator's draws: what its counts say of z, on the axes of the field, turned.

    The likelihood of z is exp(-z'Az/2 + b'z).

    Attributes
    ----------
    precision : ndarray, shape (S, C, G, G)
        A; zero where nothing is known.
    b, z : ndarray, shape (S, C, G)
        b; the draws.
    factor : ndarray, shape (S, G, G)
        Sign times L, from z to the own change.
    expected : ndarray, shape (S, C, G)
    """

    precision: np.ndarray
    b: np.ndarray
    z: np.ndarray
    factor: np.ndarray
    expected: np.ndarray


def separate(tree: xr.DataTree, data: ChangeData, axes: Alignment, i: int, rng: np.random.Generator) -> Separate:
    """Take the draws of the field's indicator `i` and what its counts say of z.

    Parameters
    ----------
    tree : xarray.DataTree
        Posterior of `data`, of any engine; at most 2,000 of its draws, evenly spaced, are taken.
    data : ChangeData
    axes : Alignment
    i : int
    rng : numpy.random.Generator
        For the z of cities and groups the indicator lacks: they come from the prior.
    """
    draws = _Draws.read(tree["posterior"].to_dataset(), data)
    own, seen = _laplace(draws, data)
    factor = np.linalg.cholesky(draws.omega)
    down = np.swapaxes(factor, -1, -2)[:, None]
    known = down @ seen @ factor[:, None]
    inverse = np.linalg.inv(factor)[:, None]
    mode = axes.sign[i] * (inverse @ own[..., None])[..., 0]
    b = mode + (known @ mode[..., None])[..., 0]
    kept, count, (cities, groups) = axes.kept[i], len(own), axes.present.shape[1:]
    own_groups = np.arange(len(data.groups))
    wide = np.ix_(np.arange(count), axes.place[i], own_groups)

    def spread(values: np.ndarray, empty: np.ndarray) -> np.ndarray:
        empty[wide] = values[:, kept]
        return empty

    precision = np.zeros((count, cities, groups, groups))
    precision[np.ix_(np.arange(count), axes.place[i], own_groups, own_groups)] = known[:, kept]
    drawn = axes.sign[i] * (inverse @ draws.own[..., None])[..., 0]
    full = np.tile(np.eye(groups), (count, 1, 1))
    full[:, : len(data.groups), : len(data.groups)] = axes.sign[i] * factor
    return Separate(
        precision=precision,
        b=spread(b, np.zeros((count, cities, groups))),
        z=spread(drawn, rng.standard_normal((count, cities, groups))),
        factor=full,
        expected=spread(draws.expected, np.zeros((count, cities, groups))),
    )


@dataclass(frozen=True)
class _Draws:
    """Draws of one indicator, evenly thinned: shapes (S, C, G), and (S, G, G) for `sigma` and `omega`.

    `level` is what ring, covariates and peers lead to expect of the mean of the years.
    """

    mean: np.ndarray
    own: np.ndarray
    level: np.ndarray
    expected: np.ndarray
    sigma: np.ndarray
    omega: np.ndarray

    @classmethod
    def read(cls, posterior: xr.Dataset, data: ChangeData) -> _Draws:
        total = posterior.sizes["chain"] * posterior.sizes["draw"]
        kept = np.linspace(0, total - 1, min(total, _MOST)).round().astype(int)

        def flat(name: str) -> np.ndarray:
            values = posterior[name].transpose("chain", "draw", ...).to_numpy()
            return np.asarray(values.reshape(total, *values.shape[2:])[kept])

        def covariance(block: str) -> np.ndarray:
            sd = flat(f"sd_{block}")
            correlation = flat(f"corr_{block}") if sd.shape[1] == 2 else np.zeros(len(sd))
            between = np.where(np.eye(sd.shape[1], dtype=bool), 1.0, correlation[:, None, None])
            return np.asarray(sd[:, :, None] * between * sd[:, None, :])

        parts = design(data)
        level = np.repeat(flat("alpha")[:, None], len(data.cities), axis=1)
        if "beta" in posterior:
            level = level + parts.covariates @ flat("beta")
        if "peer_level" in posterior:
            peers = flat("peer_level")
            level = level + (peers if "city" in posterior["peer_level"].dims else parts.peers @ peers)
        expected = flat("expected_change")
        return cls(flat("mean"), flat("change") - expected, level, expected, covariance("mean"), covariance("change"))


def _laplace(draws: _Draws, data: ChangeData) -> tuple[np.ndarray, np.ndarray]:
    """Mode of the own changes given hyperparameters and ring effects, (S, C, G), and what the counts add to their precision.

    The precision, (S, C, G, G), has the city's level integrated out. Newton's steps move no predictor by more than 1.
    """
    weighed = evidence(data)
    groups = len(data.groups)
    level, own = draws.mean.copy(), draws.own.copy()
    prior = np.linalg.inv(draws.sigma[:, None] + weighed.common[:, :, None] * np.eye(groups))
    prior_own = np.linalg.inv(draws.omega)[:, None]
    eye = np.eye(groups)
    for _ in range(_NEWTON):
        score, information = _slopes(weighed, level[..., None] + HALF * (draws.expected + own)[..., None], data.link)
        both = (information * HALF).sum(axis=-1)[..., None] * eye
        top = prior + information.sum(axis=-1)[..., None] * eye
        bottom = prior_own + (information * HALF**2).sum(axis=-1)[..., None] * eye
        slope = score.sum(axis=-1) - (prior @ (level - draws.level)[..., None])[..., 0]
        slope_own = (score * HALF).sum(axis=-1) - (prior_own @ own[..., None])[..., 0]
        step = np.linalg.solve(np.block([[top, both], [both, bottom]]), np.concatenate([slope, slope_own], axis=-1)[..., None])
        step /= np.maximum(1.0, 1.5 * np.abs(step).max(axis=-2, keepdims=True))
        level, own = level + step[..., :groups, 0], own + step[..., groups:, 0]
        if np.abs(step).max() < _CLOSE:
            break
    return own, bottom - prior_own - both @ np.linalg.solve(top, both)


def _slopes(weighed: Evidence, eta: np.ndarray, link: str) -> tuple[np.ndarray, np.ndarray]:
    """First derivative of the log-likelihood by the predictor, and minus the second; shape (S, C, G, 2)."""
    p = expit(eta) if link == "logit" else np.exp(eta)
    score, information = weighed.y - weighed.n * p, weighed.n * (p * (1 - p) if link == "logit" else p)
    coarse = weighed.coarse
    for (c, g, t), start, stop in zip(coarse.cell, coarse.start[:-1], coarse.start[1:], strict=True):
        value = coarse.value[start:stop]
        logs = coarse.log_weight[start:stop] + eta[:, c, g, t, None] * value
        weight = np.exp(logs - logs.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        mean = weight @ value
        score[:, c, g, t] += mean
        information[:, c, g, t] -= (weight * (value - mean[:, None]) ** 2).sum(axis=1)
    return score, np.clip(information, 0.0, None)
