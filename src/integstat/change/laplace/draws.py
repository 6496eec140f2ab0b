"""Compiled loop of the draws: ring effects and cities given the hyperparameters, with the weight each draw has to carry."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from integstat.change.laplace.cells import log_likelihood
from integstat.change.laplace.newton import expected_of, quadratic, shift_to_mean, solve
from integstat.change.laplace.prior import hyperprior, prior_precisions
from integstat.change.laplace.structure import Structure


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
    covariance, precision = np.empty((cells, cells)), np.empty(size)
    inverse = np.empty((cities if shared else 1, cells, cells))
    factor, posterior = np.empty((cities, cells, cells)), np.empty((cities, cells, cells))
    working, system = np.empty((cities, cells)), np.empty((size, size))
    own_eta, own_phi = np.empty((cities, cells)), np.empty(size)
    expected = np.empty((m.start.size - 1, cells))
    shift, centre, step = np.empty(cells), np.empty(cells), np.empty(cells)
    deviation, candidate = np.empty(cells), np.empty(cells)
    pairs = of_cities.shape[2]
    log_w = np.empty(2 * pairs)
    drawn = np.empty(size)
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
            for i in range(cells):
                constant += np.log(factor[c, i, i])
        for r in range(size):
            constant += 0.5 * np.log(precision[r]) - np.log(system[r, r])
        for _ in range(times[row]):
            total = constant
            drawn[:] = of_effects[s]
            for r in range(size):
                total += 0.5 * drawn[r] * drawn[r]
            for i in range(size - 1, -1, -1):
                for k in range(i + 1, size):
                    drawn[i] -= system[k, i] * drawn[k]
                drawn[i] /= system[i, i]
            for r in range(size):
                drawn[r] += own_phi[r]
                total -= 0.5 * precision[r] * drawn[r] * drawn[r]
                phis[s, r] = drawn[r]
            expected_of(m, drawn, expected)
            for c in range(cities):
                at, p = c if shared else 0, pattern[c]
                for i in range(cells):
                    shift[i] = working[c, i]
                    for j in range(cells):
                        shift[i] += inverse[at, i, j] * expected[p, j]
                for i in range(cells):
                    centre[i] = 0.0
                    for j in range(cells):
                        centre[i] += posterior[c, i, j] * shift[j]
                top = -np.inf
                for pair in range(pairs):
                    base = 0.0
                    for i in range(cells):
                        base += 0.5 * of_cities[s, c, pair, i] ** 2
                        step[i] = 0.0
                        for k in range(i, cells):
                            step[i] += factor[c, k, i] * of_cities[s, c, pair, k]
                    for side in range(2):
                        log_one = base
                        for i in range(cells):
                            candidate[i] = centre[i] + (step[i] if side == 0 else -step[i])
                            deviation[i] = candidate[i] - expected[p, i]
                            low, high = cell_start[c * cells + i], cell_start[c * cells + i + 1]
                            log_one += log_likelihood(rate, y[c, i], n[c, i], candidate[i], low, high, value, log_weight)
                        log_one -= 0.5 * quadratic(deviation, inverse, at, cells)
                        log_w[2 * pair + side] = log_one
                        top = max(top, log_one)
                mean, square = 0.0, 0.0
                for pair in range(pairs):
                    a, b = np.exp(log_w[2 * pair] - top), np.exp(log_w[2 * pair + 1] - top)
                    log_w[2 * pair], log_w[2 * pair + 1] = a, b
                    mean += 0.5 * (a + b)
                    square += 0.25 * (a + b) * (a + b)
                mean /= pairs
                deviances[s, c] = max(square / pairs / (mean * mean) - 1.0, 0.0)
                total += top + np.log(mean)
                target = choose[s, c] * mean * 2 * pairs
                chosen = 0
                for k in range(2 * pairs):
                    chosen = k
                    target -= log_w[k]
                    if target <= 0:
                        break
                for i in range(cells):
                    step[i] = 0.0
                    for k in range(i, cells):
                        step[i] += factor[c, k, i] * of_cities[s, c, chosen // 2, k]
                    etas[s, c, i] = centre[i] + (step[i] if chosen % 2 == 0 else -step[i])
            log_weights[s] = total
            s += 1
