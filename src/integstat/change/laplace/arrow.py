"""Compiled loops over the arrow: a linearisation's city blocks, the ring effects that border them, and the way back.

Eliminating the cities leaves a system in the ring effects alone. Cities with equal column weights form a *pattern* and are summed
up before that system sees them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from integstat.change.laplace.structure import Structure


@njit(cache=True, nogil=True, error_model="numpy")
def expected_of(m: Structure, phi: Any, out: Any) -> None:
    """Write what the ring effects lead to expect into `out`, shape (patterns, D)."""
    groups, profile, of_column = m.groups, m.profile, m.of_column
    start, column, weight = m.start, m.column, m.weight
    profiles, years = profile.shape
    through = np.empty((profiles, groups))  # what the pattern's columns add up to, by time profile
    for p in range(out.shape[0]):
        through[:, :] = 0.0
        for k in range(start[p], start[p + 1]):
            q = column[k]
            for g in range(groups):
                through[of_column[q], g] += weight[k] * phi[q * groups + g]
        for g in range(groups):
            for t in range(years):
                total = 0.0
                for a in range(profiles):
                    total += through[a, g] * profile[a, t]
                out[p, g * years + t] = total


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _block(size: int, at: int, c: int, eta: Any, grad: Any, info: Any, inverse: Any, low: Any, cov: Any, working: Any) -> float:
    """Linearise one city: inverted Cholesky factor of its precision, covariance, working response; return the log-determinant.

    `size` is the number of its cells; a constant at the place of the call lets the compiler unroll the loops.
    """
    determinant = 1.0
    for i in range(size):
        working[c, i] = info[c, i] * eta[c, i] + grad[c, i]
        for j in range(i + 1):
            total = inverse[at, i * size + j]
            if i == j:
                total += info[c, i]
            for k in range(j):
                total -= low[i * size + k] * low[j * size + k]
            if i == j:
                determinant *= total
                low[i * size + i] = np.sqrt(total)
            else:
                low[i * size + j] = total / low[j * size + j]
    for i in range(size):
        low[i * size + i] = 1.0 / low[i * size + i]
        for j in range(i):
            total = 0.0
            for k in range(j, i):
                total -= low[i * size + k] * low[k * size + j]
            low[i * size + j] = total * low[i * size + i]
    for i in range(size):
        for j in range(i + 1):
            total = 0.0
            for k in range(i, size):
                total += low[k * size + i] * low[k * size + j]
            cov[i * size + j] = total
            cov[j * size + i] = total
    return float(np.log(determinant))


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _marginal(size: int, c: int, info: Any, cov: Any, working: Any, middle: Any, solved: Any) -> None:
    """Precision and weighed response of a city's cells with its own effects integrated out."""
    for i in range(size):
        total = 0.0
        for j in range(size):
            total += cov[i * size + j] * working[c, j]
            middle[i * size + j] = -info[c, i] * cov[i * size + j] * info[c, j]
        solved[i] = working[c, i] - info[c, i] * total
        middle[i * size + i] += info[c, i]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _compress(groups: int, years: int, p: int, profile: Any, middle: Any, solved: Any, half: Any, summed: Any, rhs: Any) -> None:
    """Add a city's precision and response, seen through the time profiles, to those of its pattern."""
    profiles, cells = profile.shape[0], groups * years
    for a in range(profiles):
        for g in range(groups):
            total = 0.0
            for t in range(years):
                total += profile[a, t] * solved[g * years + t]
            rhs[p, a * groups + g] += total
            for j in range(cells):
                total = 0.0
                for t in range(years):
                    total += profile[a, t] * middle[(g * years + t) * cells + j]
                half[(a * groups + g) * cells + j] = total
    for ag in range(profiles * groups):
        for b in range(profiles):
            for g in range(groups):
                total = 0.0
                for t in range(years):
                    total += half[ag * cells + g * years + t] * profile[b, t]
                summed[p, ag, b * groups + g] += total


@njit(cache=True, nogil=True, error_model="numpy")
def _border(m: Structure, summed: Any, summed_rhs: Any, system: Any, rhs: Any) -> None:
    """Add the patterns' precisions and responses to the upper triangle of the ring's system and to its right-hand side.

    Four patterns at a time, row by row: with a kernel of peers all columns are in all patterns, and this is most of the work.
    """
    groups, of_column, start, column, weight = m.groups, m.of_column, m.start, m.column, m.weight
    patterns, wide, size = summed.shape[0], summed.shape[1], rhs.size
    weights, spread = np.empty((4, of_column.size)), np.empty((4, wide, size))
    for first in range(0, patterns, 4):
        weights[:, :] = 0.0
        spread[:, :, :] = 0.0
        for i in range(min(4, patterns - first)):
            p = first + i
            for k in range(start[p], start[p + 1]):
                q, a = column[k], of_column[column[k]] * groups
                weights[i, q] = weight[k]
                for g in range(groups):
                    rhs[q * groups + g] += weight[k] * summed_rhs[p, a + g]
                    for b in range(wide):
                        spread[i, b, q * groups + g] = weight[k] * summed[p, b, a + g]
        for q in range(of_column.size):
            one, two, three, four = weights[0, q], weights[1, q], weights[2, q], weights[3, q]
            if one == 0.0 and two == 0.0 and three == 0.0 and four == 0.0:
                continue
            for g in range(groups):
                row, seen = q * groups + g, of_column[q] * groups + g
                into = system[row, row:]
                a1, a2, a3, a4 = spread[0, seen, row:], spread[1, seen, row:], spread[2, seen, row:], spread[3, seen, row:]
                for j in range(into.size):
                    into[j] += (one * a1[j] + two * a2[j]) + (three * a3[j] + four * a4[j])


@njit(cache=True, nogil=True, error_model="numpy")
def assemble(
    m: Structure,
    eta: Any,
    grad: Any,
    info: Any,
    inverse: Any,
    precision: Any,
    factor: Any,
    posterior: Any,
    working: Any,
    system: Any,
    rhs: Any,
    summed: Any,
    summed_rhs: Any,
) -> float:
    """One linearisation: city blocks, the ring's system (upper triangle) and its right-hand side; return the log-determinants.

    `factor` gets the inverted Cholesky factor of each city's precision, `posterior` its inverse, `working` the working response
    times its precision.
    """
    groups, pattern, shared, profile = m.groups, m.pattern, m.shared, m.profile
    cities, cells = eta.shape
    years = cells // groups
    profiles = profile.shape[0]
    summed[:, :, :] = 0.0
    summed_rhs[:, :] = 0.0
    log_det = 0.0
    middle = np.empty(cells * cells)
    half = np.empty(profiles * groups * cells)
    low, cov = np.zeros(cells * cells), np.empty(cells * cells)
    solved = np.empty(cells)
    for c in range(cities):
        at, p = c if shared else 0, pattern[c]
        if groups == 2 and years == 2:
            log_det += _block(4, at, c, eta, grad, info, inverse, low, cov, working)
            _marginal(4, c, info, cov, working, middle, solved)
            _compress(2, 2, p, profile, middle, solved, half, summed, summed_rhs)
        else:
            log_det += _block(cells, at, c, eta, grad, info, inverse, low, cov, working)
            _marginal(cells, c, info, cov, working, middle, solved)
            _compress(groups, years, p, profile, middle, solved, half, summed, summed_rhs)
        for i in range(cells * cells):
            factor[c, i] = low[i]
            posterior[c, i] = cov[i]
    system[:, :] = 0.0
    rhs[:] = 0.0
    for r in range(rhs.size):
        system[r, r] = precision[r]
    _border(m, summed, summed_rhs, system, rhs)
    return log_det


@njit(cache=True, nogil=True, error_model="numpy")
def factorise(a: Any, size: int) -> float:
    """Replace the upper triangle of `a` by U with U' U = `a`; return the log-determinant, NaN where not definite.

    Each row is subtracted from all later ones: no sum runs along a row, so the innermost loop is vectorised without another order
    of additions.
    """
    log_det = 0.0
    for k in range(size):
        pivot = a[k, k]
        if not pivot > 0.0:
            return np.nan
        log_det += np.log(pivot)
        scale = 1.0 / np.sqrt(pivot)
        for j in range(k, size):
            a[k, j] *= scale
        for i in range(k + 1, size):
            row, other, factor = a[i, i:], a[k, i:], a[k, i]
            for j in range(row.size):
                row[j] -= factor * other[j]
    return log_det


@njit(cache=True, nogil=True, error_model="numpy")
def solve_upper(factor: Any, b: Any, size: int) -> None:
    """Solve U x = b in place."""
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            b[i] -= factor[i, k] * b[k]
        b[i] /= factor[i, i]


@njit(cache=True, nogil=True, error_model="numpy")
def solve_factor(factor: Any, b: Any, size: int) -> None:
    """Solve U' U x = b in place."""
    for i in range(size):
        b[i] /= factor[i, i]
        for k in range(i + 1, size):
            b[k] -= factor[i, k] * b[i]
    solve_upper(factor, b, size)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _conditional_mean(
    size: int, at: int, p: int, c: int, inverse: Any, expected: Any, posterior: Any, working: Any, pull: Any, out: Any
) -> None:
    """Mean of a city's predictors in the linearised model, given what the ring effects lead to expect."""
    for i in range(size):
        total = working[c, i]
        for j in range(size):
            total += inverse[at, i * size + j] * expected[p, j]
        pull[i] = total
    for i in range(size):
        total = 0.0
        for j in range(size):
            total += posterior[c, i * size + j] * pull[j]
        out[i] = total


@njit(cache=True, nogil=True, error_model="numpy")
def conditional_mean(
    size: int, at: int, p: int, c: int, inverse: Any, expected: Any, posterior: Any, working: Any, pull: Any, out: Any
) -> None:
    """Dispatch `_conditional_mean` with a constant size where four cells make a city."""
    if size == 4:
        _conditional_mean(4, at, p, c, inverse, expected, posterior, working, pull, out)
    else:
        _conditional_mean(size, at, p, c, inverse, expected, posterior, working, pull, out)
