"""Compiled loop of the draws: ring effects and cities given the hyperparameters, with the weight each draw has to carry."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from integstat.change.laplace.arrow import conditional_mean, expected_of, solve_upper
from integstat.change.laplace.cells import log_likelihood
from integstat.change.laplace.newton import shift_to_mean, solve, workspace
from integstat.change.laplace.prior import hyperprior, prior_precisions
from integstat.change.laplace.structure import Structure


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _choose(
    cells: int,
    c: int,
    s: int,
    at: int,
    p: int,
    rate: bool,
    y: Any,
    n: Any,
    cell_start: Any,
    value: Any,
    log_weight: Any,
    inverse: Any,
    expected: Any,
    factor: Any,
    centre: Any,
    of_cities: Any,
    choose: Any,
    step: Any,
    log_w: Any,
    etas: Any,
    deviances: Any,
) -> float:
    """Weigh a city's candidates and keep one; return the log of their mean weight.

    `cells` is the number of the city's cells; a constant at the place of the call lets the compiler unroll the loops.
    """
    pairs = of_cities.shape[2]
    top = -np.inf
    for pair in range(pairs):
        ahead, behind = 0.0, 0.0
        for i in range(cells):
            z = of_cities[s, c, pair, i]
            ahead += 0.5 * z * z
            total = 0.0
            for k in range(i, cells):
                total += factor[c, k * cells + i] * of_cities[s, c, pair, k]
            step[i] = total
        behind = ahead
        for i in range(cells):
            low, high = cell_start[c * cells + i], cell_start[c * cells + i + 1]
            base, mine = n[c, i], y[c, i]
            ahead += log_likelihood(rate, mine, base, centre[i] + step[i], low, high, value, log_weight)
            behind += log_likelihood(rate, mine, base, centre[i] - step[i], low, high, value, log_weight)
            one, other = centre[i] + step[i] - expected[p, i], centre[i] - step[i] - expected[p, i]
            half_one, half_other = 0.5 * inverse[at, i * cells + i] * one, 0.5 * inverse[at, i * cells + i] * other
            for j in range(i):
                half_one += inverse[at, i * cells + j] * (centre[j] + step[j] - expected[p, j])
                half_other += inverse[at, i * cells + j] * (centre[j] - step[j] - expected[p, j])
            ahead -= half_one * one
            behind -= half_other * other
        log_w[2 * pair], log_w[2 * pair + 1] = ahead, behind
        top = max(top, max(ahead, behind))
    mean, square = 0.0, 0.0
    for pair in range(pairs):
        a, b = np.exp(log_w[2 * pair] - top), np.exp(log_w[2 * pair + 1] - top)
        log_w[2 * pair], log_w[2 * pair + 1] = a, b
        mean += 0.5 * (a + b)
        square += 0.25 * (a + b) * (a + b)
    mean /= pairs
    deviances[s, c] = max(square / pairs / (mean * mean) - 1.0, 0.0)
    target, chosen = choose[s, c] * mean * 2 * pairs, 0
    for k in range(2 * pairs):
        chosen = k
        target -= log_w[k]
        if target <= 0:
            break
    for i in range(cells):
        total = 0.0
        for k in range(i, cells):
            total += factor[c, k * cells + i] * of_cities[s, c, chosen // 2, k]
        etas[s, c, i] = centre[i] + (total if chosen % 2 == 0 else -total)
    return float(top + np.log(mean))


@njit(cache=True, nogil=True, error_model="numpy")
def _ring_effects(mode: Any, system: Any, precision: Any, normal: Any, out: Any) -> float:
    """Draw ring effects around their mode; return their log prior density less that of the draw, without constants."""
    size = mode.size
    ratio = 0.0
    for r in range(size):
        ratio += 0.5 * normal[r] * normal[r]
        out[r] = normal[r]
    solve_upper(system, out, size)
    for r in range(size):
        out[r] += mode[r]
        ratio -= 0.5 * precision[r] * out[r] * out[r]
    return ratio


@njit(cache=True, nogil=True, error_model="numpy")
def draw(
    m: Structure,
    thetas: Any,
    times: Any,
    tolerance: float,
    eta: Any,
    phi: Any,
    of_effects: Any,
    of_cities: Any,
    choose: Any,
    log_weights: Any,
    phis: Any,
    etas: Any,
    deviances: Any,
) -> None:
    """Draw ring effects and cities for each vector of hyperparameters, `times[i]` draws for row *i*.

    Ring effects come from their Gaussian approximation; of each city J candidates, in pairs mirrored at its mean, from the
    Gaussian approximation given the ring effects, and one of them by its importance weight. The mean weight of a city's
    candidates estimates its integral without bias, so their product, with the density of the ring effects, gives the draw its
    weight (written to `log_weights`, relative to the density `log_posteriors` gave the hyperparameters' row).

    Parameters
    ----------
    of_effects : ndarray, shape (S, R)
        Standard normal numbers.
    of_cities : ndarray, shape (S, C, J / 2, D)
        Standard normal numbers.
    choose : ndarray, shape (S, C)
        Uniform numbers.
    log_weights : ndarray, shape (S,)
    phis : ndarray, shape (S, R)
    etas : ndarray, shape (S, C, D)
    deviances : ndarray, shape (S, C)
        Variance of the candidates' weights over their squared mean: the noise in a city's integral is that over J.
    """
    rate, y, n, cell_start, value, log_weight = m.rate, m.y, m.n, m.cell_start, m.value, m.log_weight
    pattern, shared = m.pattern, m.shared
    cities, cells = y.shape
    size = phi.size
    covariance, precision, inverse, factor, posterior, working, system = workspace(m, size)
    own_eta, own_phi = np.empty_like(eta), np.empty_like(phi)
    expected = np.empty((m.start.size - 1, cells))
    shift, centre, step = np.empty(cells), np.empty(cells), np.empty(cells)
    log_w = np.empty(2 * of_cities.shape[2])
    s = 0
    for row in range(thetas.shape[0]):
        hyperprior(m, thetas[row], covariance, precision)
        log_det_prior = prior_precisions(m, covariance, inverse)
        own_eta[:, :] = eta
        own_phi[:] = phi
        marginal = solve(
            m, inverse, log_det_prior, precision, tolerance, True, own_eta, own_phi, factor, posterior, working, system
        )
        shift_to_mean(m, inverse, own_eta, posterior, system, own_phi)
        constant = -0.5 * log_det_prior - marginal
        for c in range(cities):
            determinant = 1.0
            for i in range(cells):
                determinant *= factor[c, i * cells + i]
            constant += np.log(determinant)
        for r in range(size):
            constant += 0.5 * np.log(precision[r]) - np.log(system[r, r])
        for _ in range(times[row]):
            total = constant + _ring_effects(own_phi, system, precision, of_effects[s], phis[s])
            expected_of(m, phis[s], expected)
            for c in range(cities):
                at, p = c if shared else 0, pattern[c]
                conditional_mean(cells, at, p, c, inverse, expected, posterior, working, shift, centre)
                if cells == 4:
                    total += _choose(
                        4, c, s, at, p, rate, y, n, cell_start, value, log_weight, inverse, expected, factor, centre, of_cities,
                        choose, step, log_w, etas, deviances,
                    )  # fmt: skip
                else:
                    total += _choose(
                        cells, c, s, at, p, rate, y, n, cell_start, value, log_weight, inverse, expected, factor, centre,
                        of_cities, choose, step, log_w, etas, deviances,
                    )  # fmt: skip
            log_weights[s] = total
            s += 1
