"""Compiled loops over the prior: covariance of a city, precisions of the ring effects, for one vector of hyperparameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from integstat.change.laplace.structure import Structure


@njit(cache=True, nogil=True, error_model="numpy")
def cholesky(a: Any, size: int) -> float:
    """Replace the lower triangle of `a` by its Cholesky factor; return the log-determinant, NaN where not definite."""
    log_det = 0.0
    for i in range(size):
        for j in range(i + 1):
            total = a[i, j]
            for k in range(j):
                total -= a[i, k] * a[j, k]
            if i == j:
                if not total > 0.0:
                    return np.nan
                a[i, i] = np.sqrt(total)
                log_det += np.log(total)
            else:
                a[i, j] = total / a[j, j]
    return log_det


@njit(cache=True, nogil=True, error_model="numpy")
def _invert_factor(a: Any, size: int) -> None:
    """Replace a lower triangular factor by its inverse."""
    for i in range(size):
        a[i, i] = 1.0 / a[i, i]
        for j in range(i):
            total = 0.0
            for k in range(j, i):
                total -= a[i, k] * a[k, j]
            a[i, j] = total * a[i, i]


@njit(cache=True, nogil=True, error_model="numpy")
def _product_of_factor(factor: Any, out: Any, size: int) -> None:
    """Write L' L of a lower triangular L into `out`: the inverse of a matrix from its inverted factor."""
    for i in range(size):
        for j in range(i + 1):
            total = 0.0
            for k in range(i, size):
                total += factor[k, i] * factor[k, j]
            out[i, j] = total
            out[j, i] = total


@njit(cache=True, nogil=True, error_model="numpy")
def _pair(theta: Any, sd_at: int, corr_at: int, groups: int, out: Any) -> None:
    """Write the covariance of the groups from log-SDs and Fisher's z."""
    for g in range(groups):
        out[g, g] = np.exp(2 * theta[sd_at + g])
    if groups == 2:
        out[0, 1] = np.tanh(theta[corr_at]) * np.exp(theta[sd_at] + theta[sd_at + 1])
        out[1, 0] = out[0, 1]


@njit(cache=True, nogil=True, error_model="numpy")
def _half_normal(log_sd: float, scale: float) -> float:
    """Log-density of the logarithm of a half-normal, with its constant."""
    return float(0.5 * np.log(2 / np.pi) - np.log(scale) + log_sd - 0.5 * np.exp(2 * log_sd) / scale**2)


@njit(cache=True, nogil=True, error_model="numpy")
def _fisher(z: float, concentration: float) -> float:
    """Log-density of Fisher's z of an LKJ correlation, up to a constant."""
    return float(-2 * concentration * (abs(z) + np.log1p(np.exp(-2 * abs(z))) - np.log(2.0)))


@njit(cache=True, nogil=True, error_model="numpy")
def hyperprior(m: Structure, theta: Any, covariance: Any, precision: Any) -> float:
    """Covariance of a city and precisions of the ring effects for one vector of hyperparameters; return its log prior."""
    count = m.years.shape[1]
    block = np.empty((m.groups, m.groups))
    _pair(theta, m.slots[0], m.slots[1], m.groups, block)
    log_prior = 0.0
    for g in range(m.groups):
        log_prior += _half_normal(theta[m.slots[0] + g], m.prior[3])
    if m.groups == 2:
        log_prior += _fisher(theta[m.slots[1]], m.prior[6])
    for g in range(m.groups):
        for h in range(m.groups):
            for t in range(count):
                for u in range(count):
                    covariance[g * count + t, h * count + u] = block[g, h]
    if m.slots[2] >= 0:
        _pair(theta, m.slots[2], m.slots[3], m.groups, block)
        for g in range(m.groups):
            log_prior -= 0.5 * ((theta[m.slots[2] + g] - m.prior[4]) / m.prior[5]) ** 2
        if m.groups == 2:
            log_prior += _fisher(theta[m.slots[3]], m.prior[6])
        share, trend = 0.0, 0.0
        if m.slots[4] >= 0:
            x = theta[m.slots[4]]
            share = 1 / (1 + np.exp(-x))
            trend = np.exp(2 * theta[m.slots[5]])
            soft = max(x, 0.0) + np.log1p(np.exp(-abs(x)))
            log_prior += m.prior[10] * (x - soft) - m.prior[11] * soft
            log_prior += _half_normal(theta[m.slots[5]], m.prior[12])
        for t in range(count):
            for u in range(count):
                over_years = (1 - share) * m.years[0, t, u] + share * m.years[1, t, u] + trend * m.years[2, t, u]
                for g in range(m.groups):
                    for h in range(m.groups):
                        covariance[g * count + t, h * count + u] += block[g, h] * over_years
    for k in range(3):
        if m.slots[6 + k] >= 0:
            log_prior += _half_normal(theta[m.slots[6 + k]], m.prior[7 + k])
    for q in range(m.of_kind.size):
        kind = m.of_kind[q]
        value = m.prior[kind] ** -2.0 if kind < 3 else np.exp(-2 * theta[m.slots[3 + kind]])
        for g in range(m.groups):
            precision[q * m.groups + g] = value
    return log_prior


@njit(cache=True, nogil=True, error_model="numpy")
def prior_precisions(m: Structure, covariance: Any, inverse: Any) -> float:
    """Invert the cities' prior covariance; return the sum of the log-determinants over the cities.

    `inverse` has one row for all cities, or one for each where the years share a counting error. That error adds to a city's
    covariance a multiple of ones for each group, which changes the inverse by a matrix of that rank (Woodbury).
    """
    groups, common, shared = m.groups, m.common, m.shared
    cities, cells = common.shape[0], covariance.shape[0]
    years = cells // groups
    plain = np.empty((cells, cells))
    log_det = cholesky(covariance, cells)
    _invert_factor(covariance, cells)
    _product_of_factor(covariance, plain, cells)
    if not shared:
        for i in range(cells):
            for j in range(cells):
                inverse[0, i * cells + j] = plain[i, j]
        return float(log_det * cities)
    seen, within = np.zeros((cells, 2)), np.zeros((2, 2))  # a second group that is not there stays without effect
    for i in range(cells):
        for j in range(cells):
            seen[i, j // years] += plain[i, j]
    for i in range(cells):
        for g in range(groups):
            within[i // years, g] += seen[i, g]
    total = log_det * cities
    for c in range(cities):
        # (1 + d within) with d the diagonal of the errors' variances: no division by a variance of 0
        first, second = common[c, 0], common[c, groups - 1] if groups == 2 else 0.0
        a, b = 1.0 + first * within[0, 0], first * within[0, 1]
        e, f = second * within[1, 0], 1.0 + second * within[1, 1]
        determinant = a * f - b * e
        total += np.log(determinant)
        k00, k01 = f * first / determinant, -b * second / determinant
        k11 = a * second / determinant
        for i in range(cells):
            left, right = k00 * seen[i, 0] + k01 * seen[i, 1], k01 * seen[i, 0] + k11 * seen[i, 1]
            for j in range(cells):
                inverse[c, i * cells + j] = plain[i, j] - left * seen[j, 0] - right * seen[j, 1]
    return float(total)
