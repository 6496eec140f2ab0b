"""Draws of many cities to numbers: means, equal-tailed intervals, shares of draws."""

from __future__ import annotations

import warnings

import numpy as np


def mean(values: np.ndarray | None, count: int) -> np.ndarray:
    """Mean over draws, shape (count,); NaN where there are no values."""
    return np.full(count, np.nan) if values is None else values.mean(axis=0)


def bounds(values: np.ndarray | None, count: int, probability: float) -> tuple[np.ndarray, np.ndarray]:
    """Limits of the equal-tailed interval, two arrays of shape (count,); NaN where there are no values."""
    if values is None:
        return np.full(count, np.nan), np.full(count, np.nan)
    tail = (1 - probability) / 2
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice encountered")
        low, high = np.quantile(values, [tail, 1 - tail], axis=0)
    return low, high


def share(event: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Share of draws in which an event holds, shape (C,); NaN where it is not shown."""
    return np.where(shown, event.mean(axis=0), np.nan)
