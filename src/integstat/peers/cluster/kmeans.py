"""k-means: greedy k-means++, Lloyd's iteration, then single points moved while that lessens the sum of squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from integstat.peers.cluster.rows import distances_from

_GAIN = 1e-10  # share of a point's cost that a move must save; less may be rounding


@dataclass(frozen=True)
class Centres:
    """The best partition of several starts.

    Attributes
    ----------
    centres : ndarray, shape (k, F)
        Means of the groups, in the order of their first point.
    labels : ndarray of int, shape (m,)
    inertia : float
        Weighted sum of squared distances from the centres.
    iterations : int
        Rounds of the start that was taken.
    """

    centres: np.ndarray
    labels: np.ndarray
    inertia: float
    iterations: int


def kmeans(
    points: np.ndarray, weight: np.ndarray, k: int, rng: np.random.Generator, starts: int, *, max_iter: int = 100
) -> Centres:
    """Find `k` groups of least sum of squares.

    Parameters
    ----------
    points : ndarray, shape (m, F)
        Distinct, in a fixed order: what chance picks depends on the order.
    weight : ndarray, shape (m,)
        Above 0.
    k : int
        At most m.
    rng : numpy.random.Generator
    starts : int
    max_iter : int
        Rounds of either kind in one start.

    Notes
    -----
    Starts: Arthur & Vassilvitskii (2007, SODA 1027-1035), the best of 2 + log k candidates for each centre. A point is moved
    where the sum of squares falls with both means following it, as Hartigan & Wong do (1979,
    https://doi.org/10.2307/2346830): every partition that ends so is also one where Lloyd's iteration ends, but not the other
    way round. The least sum of squares over all partitions may still be missed.
    """
    uniforms = rng.random((starts, k, 2 + int(np.log(k))))
    points = np.ascontiguousarray(points)
    columns = np.ascontiguousarray(points.T)
    labels, centres, inertia, iterations = _best_start(points, columns, weight, k, uniforms, max_iter)
    order = np.argsort(np.unique(labels, return_index=True)[1])
    rank = np.argsort(order)
    return Centres(centres[order], rank[labels], float(inertia), int(iterations))


@njit(cache=True, nogil=True, error_model="numpy")
def _copy(source: Any, target: Any) -> None:
    """Copy an array of one dimension: compiles quicker than an assignment that checks shapes."""
    for i in range(source.size):
        target[i] = source[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _pick(weight: Any, least: Any, target: float) -> int:
    """First point at which the running sum of weight × distance passes the target."""
    total, last = 0.0, 0
    for i in range(weight.size):
        if weight[i] * least[i] > 0.0:
            total += weight[i] * least[i]
            last = i
            if total > target:
                break
    return last


@njit(cache=True, nogil=True, error_model="numpy")
def _seed(points: Any, columns: Any, weight: Any, uniforms: Any, centres: Any) -> None:
    """Greedy k-means++: each centre is that of several candidates which leaves the least sum of squares."""
    m, features = points.shape
    least, now, best, total = np.ones(m), np.empty(m), np.empty(m), 0.0
    for i in range(m):
        total += weight[i]
    for j in range(centres.shape[0]):
        lowest, chosen = np.inf, 0
        for t in range(1 if j == 0 else uniforms.shape[1]):
            i = _pick(weight, least, uniforms[j, t] * total)
            for f in range(features):
                centres[j, f] = points[i, f]
            distances_from(columns, centres[j], now)
            left = 0.0
            for c in range(m):
                if j > 0 and least[c] < now[c]:
                    now[c] = least[c]
                left += weight[c] * now[c]
            if left < lowest:
                lowest, chosen = left, i
                _copy(now, best)
        for f in range(features):
            centres[j, f] = points[chosen, f]
        _copy(best, least)
        total = lowest


@njit(cache=True, nogil=True, error_model="numpy")
def _means(points: Any, weight: Any, labels: Any, centres: Any, size: Any, count: Any) -> None:
    """Means, total weights and numbers of points of the groups, written into the last three."""
    k, features = centres.shape
    for j in range(k):
        size[j], count[j] = 0.0, 0
        for f in range(features):
            centres[j, f] = 0.0
    for i in range(labels.size):
        size[labels[i]] += weight[i]
        count[labels[i]] += 1
        for f in range(features):
            centres[labels[i], f] += weight[i] * points[i, f]
    for j in range(k):
        for f in range(features):
            centres[j, f] /= size[j]


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(far: Any, labels: Any, count: Any) -> None:
    """Give each empty group the point farthest from its centre among those that are not alone."""
    for j in range(count.size):
        if count[j] == 0:
            chosen, most = -1, -1.0
            for i in range(labels.size):
                if count[labels[i]] > 1 and far[labels[i], i] > most:
                    chosen, most = i, far[labels[i], i]
            count[labels[chosen]] -= 1
            count[j] = 1
            labels[chosen] = j


@njit(cache=True, nogil=True, error_model="numpy")
def _lloyd(
    points: Any, columns: Any, weight: Any, centres: Any, labels: Any, far: Any, size: Any, count: Any, max_iter: int
) -> int:
    """Assign and average in turn until no label changes; returns the number of rounds."""
    before = np.empty(labels.size, np.int64)
    for iteration in range(max_iter):
        for j in range(count.size):
            count[j] = 0
            distances_from(columns, centres[j], far[j])
        for i in range(labels.size):
            near = 0
            for j in range(1, count.size):
                if far[j, i] < far[near, i]:
                    near = j
            labels[i] = near
            count[near] += 1
        _fill(far, labels, count)
        changed = iteration == 0
        for i in range(labels.size):
            changed = changed or labels[i] != before[i]
        if not changed:
            return iteration + 1
        _copy(labels, before)
        _means(points, weight, labels, centres, size, count)
    return max_iter


@njit(cache=True, nogil=True, error_model="numpy")
def _move(
    points: Any, columns: Any, weight: Any, centres: Any, labels: Any, far: Any, size: Any, count: Any, max_iter: int
) -> int:
    """Move single points while the sum of squares falls; returns the number of rounds."""
    for j in range(count.size):
        distances_from(columns, centres[j], far[j])
    for iteration in range(max_iter):
        moved = False
        for i in range(labels.size):
            own, w = labels[i], weight[i]
            if count[own] == 1:
                continue
            saved = far[own, i] * size[own] / (size[own] - w) * (1.0 - _GAIN)
            other = own
            for j in range(count.size):
                cost = far[j, i] * size[j] / (size[j] + w)
                if j != own and cost < saved:
                    saved, other = cost, j
            if other == own:
                continue
            for f in range(points.shape[1]):
                centres[own, f] -= (points[i, f] - centres[own, f]) * w / (size[own] - w)
                centres[other, f] += (points[i, f] - centres[other, f]) * w / (size[other] + w)
            size[own] -= w
            size[other] += w
            count[own] -= 1
            count[other] += 1
            labels[i] = other
            distances_from(columns, centres[own], far[own])
            distances_from(columns, centres[other], far[other])
            moved = True
        if not moved:
            return iteration + 1
    return max_iter


@njit(cache=True, nogil=True, error_model="numpy")
def _best_start(points: Any, columns: Any, weight: Any, k: int, uniforms: Any, max_iter: int) -> Any:
    """Labels, sum of squares and rounds of the best start."""
    m = weight.size
    centres, far = np.empty((k, points.shape[1])), np.empty((k, m))
    labels, size, count = np.empty(m, np.int64), np.empty(k), np.empty(k, np.int64)
    best, lowest, rounds = np.empty(m, np.int64), np.inf, 0
    for start in range(uniforms.shape[0]):
        _seed(points, columns, weight, uniforms[start], centres)
        taken = _lloyd(points, columns, weight, centres, labels, far, size, count, max_iter)
        taken += _move(points, columns, weight, centres, labels, far, size, count, max_iter)
        _means(points, weight, labels, centres, size, count)
        inertia = 0.0
        for j in range(k):
            distances_from(columns, centres[j], far[j])
        for i in range(m):
            inertia += weight[i] * far[labels[i], i]
        if inertia < lowest * (1.0 - _GAIN):
            lowest, rounds = inertia, taken
            _copy(labels, best)
    _means(points, weight, best, centres, size, count)
    return best, centres, lowest, rounds
