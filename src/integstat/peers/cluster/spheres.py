"""Mixture of round Gaussian components, each with its own variance and share: compiled, for thousands of small samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from integstat.peers.cluster.kmeans import kmeans
from integstat.peers.cluster.rows import Rows, distances_from

_FIRST_ROUNDS = 10  # of EM in each start, before the likeliest goes on
_EMPTY = 1e-9  # points that a component must hold, else its mean stays


@dataclass(frozen=True)
class Spheres:
    """A mixture of k round components in F dimensions.

    Attributes
    ----------
    shares : ndarray, shape (k,)
        Sum 1.
    means : ndarray, shape (k, F)
    variances : ndarray, shape (k,)
        Of each feature within the component.
    log_likelihood : float
        Weighted, natural logarithm, without the prior.
    iterations : int
    """

    shares: np.ndarray
    means: np.ndarray
    variances: np.ndarray
    log_likelihood: float
    iterations: int

    def responsibilities(self, columns: np.ndarray) -> np.ndarray:
        """Probability of each component given a point, shape (k, n), for points of shape (F, n)."""
        out = np.empty((len(self.shares), columns.shape[1]))
        _expect(columns, self.shares, self.means, self.variances, np.empty(columns.shape[1]), out)
        return out


def variances(rows: Rows) -> np.ndarray:
    """Variance of each feature over all rows, shape (F,)."""
    centre = np.average(rows.points, axis=0, weights=rows.weight)
    return np.asarray(np.average((rows.points - centre) ** 2, axis=0, weights=rows.weight))


def spread(rows: Rows, k: int) -> float:
    """Variance that the prior expects within a component: that of all, mean over the features, divided by k^(2/F).

    So that k balls of that variance fill the volume of one around all points (Fraley & Raftery 2007,
    https://doi.org/10.1007/s00357-007-0004-5). 1 where all rows are equal.
    """
    return float(variances(rows).mean() / k ** (2.0 / rows.points.shape[1])) or 1.0


def spheres(
    rows: Rows,
    k: int,
    rng: np.random.Generator,
    starts: int,
    *,
    prior: float = 1.0,
    tolerance: float = 1e-6,
    max_iter: int = 500,
) -> Spheres:
    """Fit a mixture of `k` round components.

    Parameters
    ----------
    rows : Rows
    k : int
        At most the number of rows.
    rng : numpy.random.Generator
    starts : int
        Partitions of k-means, one start each; the one with the likeliest mixture after ten rounds goes on.
    prior : float
        Weight of the prior of each variance, in points; its mode is `spread`. With 0 the likelihood has no maximum: a
        component may shrink to a point.
    tolerance : float
        EM ends when the objective rises by less than this share of itself.
    max_iter : int

    Notes
    -----
    Starts as in Biernacki, Celeux & Govaert (2003, https://doi.org/10.1016/S0167-9473(02)00163-9). With full or diagonal
    covariances a mixture would undo scales and weights of the features, and 50 cities do not carry their parameters.
    """
    columns, within = rows.columns, spread(rows, k)
    best, first = -np.inf, np.empty((k, len(rows.weight)))
    for _ in range(starts):
        share = np.zeros((k, len(rows.weight)))
        share[kmeans(rows.points, rows.weight, k, rng, 1).labels, np.arange(len(rows.weight))] = 1.0
        objective = _em(rows.points, columns, rows.weight, share, within, prior, tolerance, _FIRST_ROUNDS)[4]
        if objective > best:
            best, first = objective, share
    last = _em(rows.points, columns, rows.weight, first, within, prior, tolerance, max_iter)
    return Spheres(last[0], last[1], last[2], float(last[3]), int(last[5]))


@njit(cache=True, nogil=True, error_model="numpy")
def _expect(columns: Any, shares: Any, means: Any, variances: Any, density: Any, share: Any) -> None:
    """Log densities of the points and the components' shares in each point, written into the last two."""
    k, n = share.shape
    for i in range(n):
        density[i] = -np.inf
    for j in range(k):
        distances_from(columns, means[j], share[j])
        level = np.log(shares[j]) - 0.5 * columns.shape[0] * np.log(2.0 * np.pi * variances[j])
        for i in range(n):
            share[j, i] = level - 0.5 * share[j, i] / variances[j]
            density[i] = max(density[i], share[j, i])
    for i in range(n):
        total = 0.0
        for j in range(k):
            share[j, i] = np.exp(share[j, i] - density[i])
            total += share[j, i]
        for j in range(k):
            share[j, i] /= total
        density[i] += np.log(total)


@njit(cache=True, nogil=True, error_model="numpy")
def _em(points: Any, columns: Any, weight: Any, share: Any, within: float, prior: float, tolerance: float, max_iter: int) -> Any:
    """Shares, means, variances, log-likelihood, objective and rounds; begins with, and leaves, the points' `share` (k, m)."""
    (k, m), features = share.shape, columns.shape[0]
    shares, means, variances = np.empty(k), np.zeros((k, features)), np.empty(k)
    density, away = np.empty(m), np.empty(m)
    total, before, objective, likelihood = 0.0, -np.inf, -np.inf, -np.inf
    for i in range(m):
        total += weight[i]
    for iteration in range(max_iter):
        for j in range(k):
            size, square = 0.0, 0.0
            for i in range(m):
                size += weight[i] * share[j, i]
            if size > _EMPTY:
                for f in range(features):
                    means[j, f] = 0.0
                for i in range(m):
                    part = weight[i] * share[j, i] / size
                    for f in range(features):
                        means[j, f] += part * points[i, f]
            distances_from(columns, means[j], away)
            for i in range(m):
                square += weight[i] * share[j, i] * away[i]
            shares[j] = size / total
            variances[j] = (prior * within + square / features) / (prior + size)
        _expect(columns, shares, means, variances, density, share)
        likelihood = 0.0
        for i in range(m):
            likelihood += weight[i] * density[i]
        objective = likelihood
        for j in range(k):
            objective -= 0.5 * prior * features * (np.log(variances[j]) + within / variances[j])
        if objective - before < tolerance * abs(objective):
            return shares, means, variances, likelihood, objective, iteration + 1
        before = objective
    return shares, means, variances, likelihood, objective, max_iter
