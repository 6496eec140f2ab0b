"""The distinct rows of a table with their number of copies, and the point nearest to each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit


@dataclass(frozen=True)
class Rows:
    """Distinct rows in lexicographic order.

    Attributes
    ----------
    points : ndarray, shape (m, F)
    weight : ndarray, shape (m,)
        Number of copies, or the sum of their weights; above 0.
    place : ndarray of int, shape (n,)
        Where each row of the table stands in `points`; -1 for a row without weight that has no copy with weight.
    """

    points: np.ndarray
    weight: np.ndarray
    place: np.ndarray

    @property
    def columns(self) -> np.ndarray:
        """The points feature by feature, shape (F, m): what the compiled loops read."""
        return np.ascontiguousarray(self.points.T)


def distinct(table: np.ndarray, weight: np.ndarray | None = None) -> Rows:
    """Find the distinct rows of a table.

    Parameters
    ----------
    table : ndarray, shape (n, F)
    weight : ndarray, shape (n,), optional
        Not negative; without it every row counts once. Rows without weight are left out.
    """
    points = np.ascontiguousarray(table, dtype=np.float64) + 0.0  # makes -0 to 0
    order = np.lexsort(points.T[::-1])
    ordered = points[order]
    new = np.ones(len(points), dtype=bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    number = np.cumsum(new) - 1
    place = np.empty(len(points), dtype=np.int64)
    place[order] = number
    total = np.bincount(place, weights=weight).astype(np.float64)
    held = total > 0
    if not held.all():
        place = np.where(held, np.cumsum(held) - 1, -1)[place]
    return Rows(ordered[new][held], total[held], place)


@njit(cache=True, nogil=True, error_model="numpy")
def distances_from(columns: Any, place: Any, out: Any) -> None:
    """Squared Euclidean distances of all points from one place, written into `out`.

    The inner loop runs over points and adds up feature after feature, so equal points get equal distances to the last bit.

    Parameters
    ----------
    columns : ndarray, shape (F, n)
    place : ndarray, shape (F,)
    out : ndarray, shape (n,)
    """
    for i in range(columns.shape[1]):
        out[i] = 0.0
    for f in range(columns.shape[0]):
        at = place[f]
        for i in range(columns.shape[1]):
            step = columns[f, i] - at
            out[i] += step * step


@njit(cache=True, nogil=True, error_model="numpy")
def nearest(columns: Any, places: Any) -> Any:
    """Index of the nearest of `places`, shape (K, F), for each point; the first of several equally near.

    Parameters
    ----------
    columns : ndarray, shape (F, n)
    places : ndarray, shape (K, F)

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    n = columns.shape[1]
    found, least, now = np.zeros(n, np.int64), np.empty(n), np.empty(n)
    for j in range(places.shape[0]):
        distances_from(columns, places[j], now)
        for i in range(n):
            if j == 0 or now[i] < least[i]:
                least[i] = now[i]
                found[i] = j
    return found


def in_order(labels: np.ndarray) -> np.ndarray:
    """Number labels anew, 0 … in the order of first appearance.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Not negative.
    """
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[inverse])
