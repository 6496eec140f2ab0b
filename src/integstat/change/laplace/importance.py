"""Draws from a density in few dimensions by adaptive importance sampling.

Proposals are multivariate t distributions filled with scrambled Sobol points: the first around the mode, each later one fitted to
the weighted points so far. All points together are weighted by the mixture of all proposals (Cornuet et al. 2012).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special
from scipy.stats import qmc

_FREEDOM = 6.0  # degrees of freedom of the proposals: tails wide enough for densities that fall exponentially
_STEP = 0.005  # of the first differences
_WIDE = 0.3  # of the second differences
_FAR = 2.5  # SDs at which the first proposal looks how the density has fallen
_WIDER = 1.1  # proposals are a little wider than what they were fitted to
HIGH, _MORE = 0.5, 2  # Pareto shape from which on more rounds follow, and how many
_SMALLEST = 0.2  # a direction's precision at the mode below which its curvature says nothing

LogDensity = Callable[[np.ndarray], np.ndarray]

# The mode only has to be near: weights correct what the search missed, and Pareto k says whether they can.
warnings.filterwarnings("ignore", "The line search algorithm did not converge", RuntimeWarning)


class NoMode(Exception):
    """No mode was found from which proposals could start."""


@dataclass(frozen=True)
class Weighted:
    """Points with importance weights.

    Attributes
    ----------
    points : ndarray, shape (N, d)
    log_density : ndarray, shape (N,)
        The target's log density at each point.
    log_weight : ndarray, shape (N,)
        Log importance weights, not normalised.
    """

    points: np.ndarray
    log_density: np.ndarray
    log_weight: np.ndarray

    @property
    def weight(self) -> np.ndarray:
        """Normalised weights."""
        return normalised(self.log_weight)


@dataclass(frozen=True)
class _Proposal:
    """Two-piece multivariate t: scales of its own to both sides of the centre along each whitened axis.

    Attributes
    ----------
    centre : ndarray, shape (d,)
    root : ndarray, shape (d, d)
        From whitened axes to coordinates.
    low, high : ndarray, shape (d,)
        Scales below and above the centre.
    """

    centre: np.ndarray
    root: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def points(self, uniform: np.ndarray) -> np.ndarray:
        """Turn points of the unit cube, shape (N, d + 1), into points of the proposal."""
        below = self.low / (self.low + self.high)
        side = uniform[:, :-1]
        left = special.ndtri(0.5 * np.minimum(side / below, 1.0)) * self.low
        right = -special.ndtri(0.5 * np.minimum((1 - side) / (1 - below), 1.0)) * self.high
        radius = np.sqrt(_FREEDOM / (2 * special.gammaincinv(_FREEDOM / 2, uniform[:, -1])))
        return np.asarray(self.centre + (np.where(side < below, left, right) * radius[:, None]) @ self.root.T)

    def log_density(self, points: np.ndarray) -> np.ndarray:
        size = len(self.centre)
        axes = np.linalg.solve(self.root, (points - self.centre).T).T
        distance = ((axes / np.where(axes < 0, self.low, self.high)) ** 2).sum(axis=1)
        constant = special.gammaln((_FREEDOM + size) / 2) - special.gammaln(_FREEDOM / 2) - 0.5 * size * np.log(_FREEDOM * np.pi)
        constant += np.log(2 / (self.low + self.high)).sum() - np.linalg.slogdet(self.root)[1]
        return np.asarray(constant - 0.5 * (_FREEDOM + size) * np.log1p(distance / _FREEDOM))


def normalised(log_weight: np.ndarray) -> np.ndarray:
    """Weights that sum to 1."""
    weight = np.exp(log_weight - log_weight.max())
    return np.asarray(weight / weight.sum())


def effective(weight: np.ndarray) -> float:
    """Kish's effective size of normalised weights."""
    return float(1.0 / (weight**2).sum())


def search(log_density: LogDensity, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mode of a density and the covariance of its normal approximation there.

    Parameters
    ----------
    log_density : callable
        Takes points, shape (N, d), returns log densities, shape (N,).
    start : ndarray, shape (d,)

    Returns
    -------
    mode : ndarray, shape (d,)
    covariance : ndarray, shape (d, d)
        Directions in which the density hardly curves get the variance 5.

    Raises
    ------
    NoMode
        If the search leaves the finite.
    """
    size = len(start)
    steps = _STEP * np.eye(size)

    def value_and_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
        values = -log_density(np.concatenate([x[None], x + steps]))
        if not np.isfinite(values).all():
            return 1e300, np.zeros(size)
        return float(values[0]), (values[1:] - values[0]) / _STEP

    found = optimize.minimize(value_and_gradient, start, jac=True, method="BFGS", options={"gtol": 0.5, "maxiter": 200})
    if not np.isfinite(found.x).all() or not found.fun < 1e299:
        raise NoMode
    return found.x, _inverse_curvature(log_density, found.x)


def _inverse_curvature(log_density: LogDensity, mode: np.ndarray) -> np.ndarray:
    """Inverse of the negative Hessian by second differences, with floor and ceiling where the density hardly curves."""
    size = len(mode)
    first, second = np.triu_indices(size, 1)
    single = _WIDE * np.eye(size)
    double = single[first] + single[second]
    values = log_density(mode + np.concatenate([np.zeros((1, size)), single, -single, double, -double]))
    if not np.isfinite(values).all():
        raise NoMode
    middle, up, down = values[0], values[1 : size + 1], values[size + 1 : 2 * size + 1]
    both, neither = np.split(values[2 * size + 1 :], 2)
    hessian = np.diag(up + down - 2 * middle)
    hessian[first, second] = 0.5 * (both + neither + 2 * middle - (up + down)[first] - (up + down)[second])
    hessian[second, first] = hessian[first, second]
    curvature, vectors = np.linalg.eigh(-hessian / _WIDE**2)
    return np.asarray((vectors / np.maximum(curvature, _SMALLEST)) @ vectors.T)


def sample(
    log_density: LogDensity, mode: np.ndarray, covariance: np.ndarray, sizes: tuple[int, ...], rng: np.random.Generator
) -> Weighted:
    """Weighted points of a density.

    Parameters
    ----------
    log_density : callable
    mode, covariance : ndarray
        The density's mode, and the covariance of its normal approximation there.
    sizes : tuple of int
        Points of each round; powers of two keep Sobol's balance. Where the weights' Pareto shape is high after the last one, up
        to two more of its size follow.
    rng : numpy.random.Generator
    """
    size = len(mode)
    sobol = qmc.Sobol(size + 1, rng=rng)
    proposals = [_first(log_density, mode, covariance)]
    points, values, log_weight = np.empty((0, size)), np.empty(0), np.empty(0)
    counts: list[int] = []
    while len(counts) < len(sizes) or (len(counts) < len(sizes) + _MORE and pareto_k(log_weight) > HIGH):
        counts.append(sizes[min(len(counts), len(sizes) - 1)])
        if len(counts) > 1:
            proposals.append(_fitted(points, normalised(log_weight), mode, proposals[-1]))
        uniform = np.clip(sobol.random(counts[-1]), 1e-12, 1 - 1e-12)
        new = proposals[-1].points(uniform)
        points = np.concatenate([points, new])
        values = np.concatenate([values, log_density(new)])
        shares = np.log(np.array(counts, dtype=float))
        mixture = special.logsumexp([s + one.log_density(points) for s, one in zip(shares, proposals, strict=True)], axis=0)
        log_weight = values - mixture
    return Weighted(points, values, log_weight)


def _first(log_density: LogDensity, mode: np.ndarray, covariance: np.ndarray) -> _Proposal:
    """Proposal from the mode: along each axis the scale that explains the density's fall over two and a half SDs."""
    root, size = _root(covariance), len(mode)
    far = _FAR * root.T
    values = log_density(np.concatenate([mode[None], mode - far, mode + far]))
    fall = np.maximum(values[0] - values[1:], 0.0)
    scales = np.clip(_FAR / np.sqrt(2 * np.maximum(fall, 1e-3)), 0.5, 2.5)
    return _Proposal(mode, root, scales[:size] * _WIDER, scales[size:] * _WIDER)


def _root(covariance: np.ndarray) -> np.ndarray:
    """Whitening that stays closest to the coordinates: SDs times the symmetric root of the correlations."""
    sd = np.sqrt(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance / np.outer(sd, sd))
    return np.asarray(sd[:, None] * ((vectors * np.sqrt(np.maximum(values, 1e-6))) @ vectors.T))


def _fitted(points: np.ndarray, weight: np.ndarray, mode: np.ndarray, before: _Proposal) -> _Proposal:
    """Proposal from the moments of the points to both sides of the mode, leaning on the last one where few of them count."""
    size = points.shape[1]
    capped = np.minimum(weight, 10.0 / len(weight) ** 0.5)
    capped = capped / capped.sum()
    count = effective(capped)
    trust = count / (count + 4 * size)
    spread = (capped[:, None] * (points - mode)).T @ (points - mode)
    root = _root(trust * spread + (1 - trust) * before.root @ before.root.T)
    axes = np.linalg.solve(root, (points - mode).T).T
    scales = []
    for inside, last in ((axes < 0, before.low), (axes >= 0, before.high)):
        share = (capped[:, None] * inside).sum(axis=0)
        own = (capped[:, None] * np.where(inside, axes, 0.0) ** 2).sum(axis=0) / np.maximum(share, 1e-12)
        scales.append(np.sqrt(trust * own + (1 - trust) * (last / _WIDER) ** 2) * _WIDER)
    return _Proposal(mode, root, *(np.clip(scale, 0.3, 4.0) for scale in scales))


def systematic(weight: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """How often each point is drawn in `count` systematic draws; shape of `weight`."""
    places = (np.arange(count) + rng.random()) / count
    chosen = np.minimum(np.searchsorted(np.cumsum(weight), places), len(weight) - 1)
    return np.bincount(chosen, minlength=len(weight))


def pareto_k(log_weight: np.ndarray) -> float:
    """Shape of the generalised Pareto distribution in the upper tail of the weights (Vehtari et al. 2024).

    Above 0.7 importance sampling cannot be trusted. Weights that are all alike have none: minus infinity.
    """
    if np.ptp(log_weight) < 1e-9:
        return -np.inf
    from arviz_stats.base import array_stats

    return float(array_stats.psislw(-log_weight)[1])  # it takes log-likelihoods: weights turned
