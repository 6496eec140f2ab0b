"""k-medoids (PAM): BUILD, then swaps of a medoid for another point while the sum of distances falls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from scipy.spatial.distance import pdist, squareform

from integstat.peers.cluster.rows import Rows

_GAIN = 1e-12  # share of the sum that a swap must save; less may be rounding


def kmedoids(rows: Rows, ks: Sequence[int]) -> list[np.ndarray]:
    """Find medoids for several numbers of groups, from one matrix of distances and one BUILD.

    Parameters
    ----------
    rows : Rows
    ks : sequence of int
        Each at most the number of rows.

    Returns
    -------
    list of ndarray of int, shape (k,)
        Indices into `rows.points`, ascending.

    Notes
    -----
    BUILD of Kaufman & Rousseeuw (1990, https://doi.org/10.1002/9780470316801), swaps as in FasterPAM (Schubert & Rousseeuw
    2021, https://doi.org/10.1016/j.is.2021.101804): taken as soon as they save something, all medoids weighed up in one pass.
    No chance is involved; ends where no single swap saves anything, which need not be the least sum of all.
    """
    distance = squareform(pdist(rows.points)) if len(rows.points) > 1 else np.zeros((1, 1))
    first = _build(distance, rows.weight, max(ks))
    return [np.sort(_swap(distance, rows.weight, first[:k].copy())) for k in ks]


@njit(cache=True, nogil=True, error_model="numpy")
def _build(distance: Any, weight: Any, k: int) -> Any:
    """Medoids one after the other, each the point that lowers the sum of distances most."""
    m = weight.size
    medoids, least = np.zeros(k, np.int64), np.empty(m)
    for i in range(m):
        least[i] = np.inf
    for j in range(k):
        lowest = np.inf
        for c in range(m):
            total = 0.0
            for i in range(m):
                total += weight[i] * min(least[i], distance[c, i])
            if total < lowest and (j == 0 or least[c] > 0.0):
                lowest, medoids[j] = total, c
        for i in range(m):
            least[i] = min(least[i], distance[medoids[j], i])
    return medoids


@njit(cache=True, nogil=True, error_model="numpy")
def _two_nearest(distance: Any, medoids: Any, own: Any, first: Any, second: Any) -> None:
    """Number of the nearest medoid, and the distances to the nearest and the second nearest, written into the last three."""
    for i in range(own.size):
        first[i] = second[i] = np.inf
    for j in range(medoids.size):
        for i in range(own.size):
            d = distance[medoids[j], i]
            if d < first[i]:
                own[i], second[i], first[i] = j, first[i], d
            elif d < second[i]:
                second[i] = d


@njit(cache=True, nogil=True, error_model="numpy")
def _swap(distance: Any, weight: Any, medoids: Any) -> Any:
    """Swap eagerly until a whole round over the points saves nothing."""
    m, k = weight.size, medoids.size
    own, first, second = np.zeros(m, np.int64), np.empty(m), np.empty(m)
    loss, change = np.empty(k), np.empty(k)
    if k == 1:
        return medoids
    candidate, since, total = 0, 0, 0.0
    _two_nearest(distance, medoids, own, first, second)
    while since < m:
        if since == 0:
            total = 0.0
            for j in range(k):
                loss[j] = 0.0
            for i in range(m):
                loss[own[i]] += weight[i] * (second[i] - first[i])
                total += weight[i] * first[i]
        since += 1
        if first[candidate] > 0.0:
            shared = 0.0
            for j in range(k):
                change[j] = loss[j]
            for i in range(m):
                d = distance[candidate, i]
                if d < first[i]:
                    shared += weight[i] * (d - first[i])
                    change[own[i]] += weight[i] * (first[i] - second[i])
                elif d < second[i]:
                    change[own[i]] += weight[i] * (d - second[i])
            out = 0
            for j in range(1, k):
                if change[j] < change[out]:
                    out = j
            if change[out] + shared < -_GAIN * total:
                medoids[out] = candidate
                _two_nearest(distance, medoids, own, first, second)
                since = 0
        candidate = (candidate + 1) % m
    return medoids
