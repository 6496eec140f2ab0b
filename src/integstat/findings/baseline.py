"""Whom a city is compared with: its groups in many partitions, or its own neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

_LEAST = 0.5  # share of the partitions in which a city must have company


@dataclass(frozen=True)
class Baseline:
    """A distribution over yardsticks: what a city's peers are, with the doubt.

    Attributes
    ----------
    cities : tuple of str
        Length C.
    labels : ndarray of int, shape (M, C), optional
        Partitions drawn from their distribution, one per row; -1 where a city is in no group. Draw *s* of a posterior is held
        against partition *s* mod M, so that an estimand's draws carry the doubt about the groups too.
    weights : array or sparse array, shape (C, C), optional
        Instead of labels: weight of each city (column) in the yardstick of another (row); diagonal 0. Kept sparse.

    Raises
    ------
    ValueError
        If shapes do not fit, a weight is negative or a city would be its own yardstick.
    """

    cities: tuple[str, ...]
    labels: np.ndarray | None = None
    weights: Any = None

    def __post_init__(self) -> None:
        count = len(self.cities)
        if (self.labels is None) == (self.weights is None):
            raise ValueError("a baseline has either labels or weights")
        if self.labels is not None and (self.labels.ndim != 2 or self.labels.shape[1] != count or not len(self.labels)):
            raise ValueError(f"labels must have the shape (M, {count})")
        if self.weights is None:
            return
        object.__setattr__(self, "weights", sparse.csr_array(self.weights))
        if self.weights.shape != (count, count):
            raise ValueError(f"weights must have the shape {(count, count)}")
        if not (self.weights.data >= 0).all() or self.weights.diagonal().any():
            raise ValueError("weights are not negative, and none is a city's own")

    def at(self, cities: Sequence[str]) -> Baseline:
        """Return the baseline of these cities, in their order; a city that is not known has no peers."""
        place = {city: i for i, city in enumerate(self.cities)}
        where = np.array([place.get(city, -1) for city in cities], dtype=int)
        known = where >= 0
        if self.labels is not None:
            return Baseline(tuple(cities), labels=np.where(known, self.labels[:, where], -1))
        rows = np.flatnonzero(known)
        taken = sparse.csr_array((np.ones(len(rows)), (rows, where[rows])), shape=(len(where), len(self.cities)))
        return Baseline(tuple(cities), weights=taken @ self.weights @ taken.T)

    def mean(self, values: np.ndarray, counted: np.ndarray) -> np.ndarray:
        """Mean of each city's peers, per draw, the city itself left out.

        Parameters
        ----------
        values : ndarray, shape (S, C)
            Finite; in the order of `cities`.
        counted : ndarray of bool, shape (C,)
            Cities that are a yardstick. Weights are shared out anew among them.

        Returns
        -------
        ndarray, shape (S, C)
            NaN in every draw for a city without any counted peer. With labels also where it has none in more than half of
            the partitions; in the others, a draw without company takes the next partition in which there is some.
        """
        if self.labels is not None:
            return _of_partitions(values, self.labels, counted)
        total = self.weights @ counted.astype(float)
        weighed = (self.weights @ (values * counted).T).T
        return np.asarray(np.divide(weighed, total, out=np.full(values.shape, np.nan), where=total > 0))


def _of_partitions(values: np.ndarray, labels: np.ndarray, counted: np.ndarray) -> np.ndarray:
    out = np.empty(values.shape)
    count = len(labels)
    company = np.stack([_company(row, counted) for row in labels])
    estimable = (company > 0).mean(axis=0) >= _LEAST
    chosen = _next_with(company > 0)
    for m in range(min(count, len(values))):
        rows = values[m::count]
        out[m::count] = _of_groups(rows, labels[m], counted, company[m])
        for city in np.flatnonzero(estimable & (company[m] == 0)):
            other = labels[chosen[m, city]]
            mates = (other == other[city]) & counted
            mates[city] = False
            out[m::count, city] = rows[:, mates].mean(axis=1)
    out[:, ~estimable] = np.nan
    return out


def _company(labels: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Number of the other counted cities in each city's group, shape (C,); 0 for a city in no group."""
    size = np.bincount(labels[counted & (labels >= 0)], minlength=int(labels.max(initial=0)) + 1)
    return np.where(labels >= 0, size[labels] - counted, 0)


def _of_groups(values: np.ndarray, labels: np.ndarray, counted: np.ndarray, company: np.ndarray) -> np.ndarray:
    """Mean of the others in one partition; without meaning where there are none."""
    member = labels[:, None] == np.arange(int(labels.max(initial=0)) + 1)
    total = (values @ (member & counted[:, None]).astype(float))[:, labels]
    return np.asarray((total - values * counted) / np.maximum(company, 1))


def _next_with(has: np.ndarray) -> np.ndarray:
    """For each row and column of a table of truths: the same or next row, around the end, in which it is true."""
    count = len(has)
    places = np.where(has, np.arange(count)[:, None], 2 * count)
    ahead = np.concatenate([places, places + count])
    return np.asarray(np.minimum.accumulate(ahead[::-1], axis=0)[::-1][:count] % count)
