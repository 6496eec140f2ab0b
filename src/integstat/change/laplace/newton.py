"""Compiled loops to the mode of all cities and ring effects, and the marginal likelihood there.

Given the hyperparameters, the vector of predictors eta_c of a city (group by year, length D) has a Gaussian prior of covariance
S_c around E_c phi, and the ring effects phi (length R) have a Gaussian prior with a diagonal precision. The negative Hessian is
arrow-shaped: one D x D block per city, bordered by the ring effects. E_c is the product of a few time profiles and the city's
weights in the columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from integstat.change.laplace.arrow import assemble, conditional_mean, expected_of, factorise, solve_factor
from integstat.change.laplace.cells import curvature, higher, total_log_likelihood
from integstat.change.laplace.prior import hyperprior, prior_precisions
from integstat.change.laplace.structure import Structure

_STEPS_AT_MOST = 100  # of Newton
_HALVINGS = 30
_SHORT = 0.5  # on the link scale, a Newton step that needs no damping


@njit(cache=True, nogil=True, error_model="numpy")
def _quadratic(deviation: Any, inverse: Any, at: int, size: int) -> float:
    """Quadratic form of a deviation in one of the matrices `inverse`."""
    total = 0.0
    for i in range(size):
        inner = 0.5 * inverse[at, i * size + i] * deviation[i]
        for j in range(i):
            inner += inverse[at, i * size + j] * deviation[j]
        total += 2 * inner * deviation[i]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _objective(m: Structure, eta: Any, phi: Any, expected: Any, inverse: Any, precision: Any, deviation: Any) -> float:
    """Log joint density of counts, cities and ring effects, without constants."""
    pattern, shared = m.pattern, m.shared
    cities, cells = eta.shape
    total = 0.0
    for c in range(cities):
        for i in range(cells):
            deviation[i] = eta[c, i] - expected[pattern[c], i]
        total += _quadratic(deviation, inverse, c if shared else 0, cells)
    for r in range(phi.size):
        total += precision[r] * phi[r] * phi[r]
    return total_log_likelihood(m, eta) - 0.5 * total


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _beyond(size: int, c: int, posterior: Any, third: Any) -> float:
    """Sum over pairs of cells in `_correction`."""
    total = 0.0
    for i in range(size):
        v = posterior[c, i * size + i]
        total += third[i] * third[i] * v * v * v * (5.0 / 24.0)
        for j in range(i):
            w = posterior[c, i * size + j]
            total += third[i] * third[j] * w * (v * posterior[c, j * size + j] / 4 + w * w / 6)
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _correction(m: Structure, eta: Any, posterior: Any) -> float:
    """Second-order term of the cities' integrals beyond Laplace (Shun & McCullagh 1995).

    The series holds where a city's posterior is near normal. Far from the hyperparameters' mode it is not, and the term can grow
    without bound; a city's share is kept within half a unit of the log.
    """
    rate, n, cell_start, value, log_weight = m.rate, m.n, m.cell_start, m.value, m.log_weight
    cities, cells = eta.shape
    third = np.empty(cells)
    total = 0.0
    for c in range(cities):
        own = 0.0
        for i in range(cells):
            low, high = cell_start[c * cells + i], cell_start[c * cells + i + 1]
            third[i], fourth = higher(rate, n[c, i], eta[c, i], low, high, value, log_weight)
            own += fourth * posterior[c, i * cells + i] ** 2 / 8
        if cells == 4:
            own += _beyond(4, c, posterior, third)
        else:
            own += _beyond(cells, c, posterior, third)
        total += min(max(own, -0.5), 0.5)
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def solve(
    m: Structure,
    inverse: Any,
    log_det_prior: float,
    precision: Any,
    tolerance: float,
    correct: bool,
    eta: Any,
    phi: Any,
    factor: Any,
    posterior: Any,
    working: Any,
    system: Any,
) -> float:
    """Damped Newton to the joint mode of cities and ring effects; return the log marginal likelihood there.

    `eta` (C, D) and `phi` (R) hold the starting point and then the mode; `factor`, `posterior`, `working` and `system` the
    linearisation that led to it (see `assemble`; `system` its Cholesky factor), at most `tolerance` away. NaN where no mode
    was found.

    Newton's step comes from the assembled system; a long one is halved while it does not raise the objective, a short one is
    within the range where Newton's method converges by itself. The objective is concave, so the mode is the only one.
    """
    groups, pattern, shared = m.groups, m.pattern, m.shared
    cities, cells = eta.shape
    size = phi.size
    patterns = m.start.size - 1
    wide = m.profile.shape[0] * groups
    grad, info = np.empty((cities, cells)), np.empty((cities, cells))
    expected, deviation, mean = np.empty((patterns, cells)), np.empty(cells), np.empty(cells)
    summed, summed_rhs, rhs = np.empty((patterns, wide, wide)), np.empty((patterns, wide)), np.empty(size)
    new_eta, new_phi = np.empty((cities, cells)), np.empty(size)
    now = np.nan  # the objective is only looked at after a long step, and at the end
    for _ in range(_STEPS_AT_MOST):
        curvature(m, eta, grad, info)
        log_det = assemble(m, eta, grad, info, inverse, precision, factor, posterior, working, system, rhs, summed, summed_rhs)
        log_det += factorise(system, size)
        if not np.isfinite(log_det):
            return np.nan
        solve_factor(system, rhs, size)
        new_phi[:] = rhs
        expected_of(m, new_phi, expected)
        step = 0.0
        for c in range(cities):
            conditional_mean(cells, c if shared else 0, pattern[c], c, inverse, expected, posterior, working, deviation, mean)
            for i in range(cells):
                new_eta[c, i] = mean[i]
                step = max(step, abs(mean[i] - eta[c, i]))
        for r in range(size):
            step = max(step, abs(new_phi[r] - phi[r]))
        if step > _SHORT:
            if np.isnan(now):
                expected_of(m, phi, expected)
                now = _objective(m, eta, phi, expected, inverse, precision, deviation)
                expected_of(m, new_phi, expected)
            for _half in range(_HALVINGS):
                then = _objective(m, new_eta, new_phi, expected, inverse, precision, deviation)
                if then >= now - 1e-9 * (1.0 + abs(now)):
                    break
                for c in range(cities):
                    for i in range(cells):
                        new_eta[c, i] = 0.5 * (new_eta[c, i] + eta[c, i])
                for r in range(size):
                    new_phi[r] = 0.5 * (new_phi[r] + phi[r])
                expected_of(m, new_phi, expected)
            now = then
        else:
            now = np.nan
        eta[:, :] = new_eta
        phi[:] = new_phi
        if step < tolerance:
            result = _objective(m, eta, phi, expected, inverse, precision, deviation)
            result -= 0.5 * (log_det_prior + log_det)
            for r in range(size):
                result += 0.5 * np.log(precision[r])
            if correct:
                result += _correction(m, eta, posterior)
            return result
    return np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def shift_to_mean(m: Structure, inverse: Any, eta: Any, posterior: Any, system: Any, phi: Any) -> None:
    """Move the ring effects from their joint mode with the cities to the mode of their own marginal.

    The cities' log-determinants vary with the ring effects; a bias of a few hundredths of a city's SD, the same in all, adds up
    in the ring effects. Their gradient is half the third derivatives times the cells' variances, carried over by the cities.
    """
    rate, n, cell_start, value, log_weight = m.rate, m.n, m.cell_start, m.value, m.log_weight
    groups, pattern, shared, profile, of_column = m.groups, m.pattern, m.shared, m.profile, m.of_column
    start, column, weight = m.start, m.column, m.weight
    cities, cells = eta.shape
    years = cells // groups
    pull, moved = np.empty(cells), np.empty(cells)
    summed, shift = np.zeros((start.size - 1, cells)), np.zeros(phi.size)
    for c in range(cities):
        at, p = c if shared else 0, pattern[c]
        for i in range(cells):
            low, high = cell_start[c * cells + i], cell_start[c * cells + i + 1]
            third, _ = higher(rate, n[c, i], eta[c, i], low, high, value, log_weight)
            pull[i] = 0.5 * posterior[c, i * cells + i] * third
        for i in range(cells):
            moved[i] = 0.0
            for j in range(cells):
                moved[i] += posterior[c, i * cells + j] * pull[j]
        for i in range(cells):
            for j in range(cells):
                summed[p, i] += inverse[at, i * cells + j] * moved[j]
    for p in range(start.size - 1):
        for k in range(start[p], start[p + 1]):
            q = column[k]
            for g in range(groups):
                for t in range(years):
                    shift[q * groups + g] += weight[k] * profile[of_column[q], t] * summed[p, g * years + t]
    solve_factor(system, shift, phi.size)
    for r in range(phi.size):
        phi[r] += shift[r]


@njit(cache=True, nogil=True, error_model="numpy")
def workspace(m: Structure, size: int) -> Any:
    """Room for one prior (covariance, precision, inverse) and one linearisation (factor, posterior, working, system)."""
    cities, cells = m.y.shape
    covariance, precision = np.empty((cells, cells)), np.empty(size)
    inverse = np.empty((cities if m.shared else 1, cells * cells))
    factor, posterior = np.empty((cities, cells * cells)), np.empty((cities, cells * cells))
    working, system = np.empty((cities, cells)), np.empty((size, size))
    return covariance, precision, inverse, factor, posterior, working, system


@njit(cache=True, nogil=True, error_model="numpy")
def log_posteriors(m: Structure, thetas: Any, tolerance: float, eta: Any, phi: Any, out: Any) -> None:
    """Write the log posterior density of each row of `thetas` into `out`; every solve starts from `eta`, `phi`."""
    covariance, precision, inverse, factor, posterior, working, system = workspace(m, phi.size)
    own_eta, own_phi = np.empty_like(eta), np.empty_like(phi)
    for i in range(thetas.shape[0]):
        log_prior = hyperprior(m, thetas[i], covariance, precision)
        log_det = prior_precisions(m, covariance, inverse)
        if not np.isfinite(log_det):
            out[i] = -np.inf
            continue
        own_eta[:, :] = eta
        own_phi[:] = phi
        found = solve(m, inverse, log_det, precision, tolerance, True, own_eta, own_phi, factor, posterior, working, system)
        out[i] = log_prior + found if np.isfinite(found) else -np.inf


@njit(cache=True, nogil=True, error_model="numpy")
def move_to_mode(m: Structure, theta: Any, tolerance: float, eta: Any, phi: Any) -> bool:
    """Move `eta` and `phi` to the mode for one vector of hyperparameters; tell whether it was found."""
    covariance, precision, inverse, factor, posterior, working, system = workspace(m, phi.size)
    hyperprior(m, theta, covariance, precision)
    log_det = prior_precisions(m, covariance, inverse)
    found = solve(m, inverse, log_det, precision, tolerance, False, eta, phi, factor, posterior, working, system)
    return bool(np.isfinite(found))
