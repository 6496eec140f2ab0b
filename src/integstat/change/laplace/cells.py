"""Compiled loops over the cells: log-likelihood of a count, exact or coarse, and its derivatives in the predictor.

Plain loops over small arrays in all compiled rooms of this engine: no library call, no threads, no fast maths, so the same input
gives the same bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from integstat.change.laplace.structure import Structure


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _slopes(rate: bool, eta: float) -> Any:
    """First and second derivative of A(eta), the cumulant function of one unit of the base."""
    if rate:
        first = np.exp(eta)
        return first, first
    small = np.exp(-abs(eta))
    p = 1.0 / (1.0 + small)
    return (p if eta >= 0 else small * p), small * p * p


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _cumulant(rate: bool, eta: float) -> float:
    """A(eta). Its absolute error is that of the last digit of 1, which a base of a million persons makes 1e-10."""
    return float(np.exp(eta) if rate else max(eta, 0.0) + np.log(1.0 + np.exp(-abs(eta))))


@njit(cache=True, nogil=True, error_model="numpy")
def _lattice(value: Any, log_weight: Any, low: int, high: int, eta: float) -> Any:
    """Log of the sum over what a coarse count may be, with mean, variance, third and fourth cumulant of the count."""
    top = -np.inf
    for k in range(low, high):
        top = max(top, log_weight[k] + value[k] * eta)
    total, mean = 0.0, 0.0
    for k in range(low, high):
        w = np.exp(log_weight[k] + value[k] * eta - top)
        total += w
        mean += w * value[k]
    mean /= total
    second, third, fourth = 0.0, 0.0, 0.0
    for k in range(low, high):
        w = np.exp(log_weight[k] + value[k] * eta - top) / total
        d = value[k] - mean
        second += w * d * d
        third += w * d * d * d
        fourth += w * d * d * d * d
    return top + np.log(total), mean, second, third, fourth - 3 * second * second


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def log_likelihood(rate: bool, y: float, n: float, eta: float, low: int, high: int, value: Any, log_weight: Any) -> float:
    """Log-likelihood of one cell; `low` to `high` is its range of possible counts, empty for an exact one."""
    if n <= 0.0:
        return 0.0
    cumulant = _cumulant(rate, eta)
    if low == high:
        return float(y * eta - n * cumulant)
    return float(_lattice(value, log_weight, low, high, eta)[0] - n * cumulant)


@njit(cache=True, nogil=True, error_model="numpy")
def total_log_likelihood(m: Structure, eta: Any) -> float:
    """Log-likelihood of all cells."""
    rate, y, n, cell_start, value, log_weight = m.rate, m.y, m.n, m.cell_start, m.value, m.log_weight
    total = 0.0
    cities, cells = eta.shape
    for c in range(cities):
        for i in range(cells):
            low, high = cell_start[c * cells + i], cell_start[c * cells + i + 1]
            total += log_likelihood(rate, y[c, i], n[c, i], eta[c, i], low, high, value, log_weight)
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def curvature(m: Structure, eta: Any, grad: Any, info: Any) -> None:
    """Gradient and information of all cells, written into `grad` and `info`, shape (C, D)."""
    rate, y, n, cell_start, value, log_weight = m.rate, m.y, m.n, m.cell_start, m.value, m.log_weight
    cities, cells = eta.shape
    for c in range(cities):
        for i in range(cells):
            size = n[c, i]
            if size <= 0.0:
                grad[c, i], info[c, i] = 0.0, 0.0
                continue
            first, second = _slopes(rate, eta[c, i])
            low, high = cell_start[c * cells + i], cell_start[c * cells + i + 1]
            if high == low:
                grad[c, i] = y[c, i] - size * first
                info[c, i] = size * second
            else:
                _, mean, spread, _, _ = _lattice(value, log_weight, low, high, eta[c, i])
                grad[c, i] = mean - size * first
                info[c, i] = max(size * second - spread, 0.0)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def higher(rate: bool, n: float, eta: float, low: int, high: int, value: Any, log_weight: Any) -> Any:
    """Third and fourth derivative of one cell's log-likelihood."""
    third, fourth = 0.0, 0.0
    if n > 0.0:
        p, second = _slopes(rate, eta)
        third, fourth = (-n * p, -n * p) if rate else (-n * second * (1 - 2 * p), -n * second * (1 - 6 * second))
        if low < high:
            _, _, _, third_of_sum, fourth_of_sum = _lattice(value, log_weight, low, high, eta)
            third += third_of_sum
            fourth += fourth_of_sum
    return third, fourth
