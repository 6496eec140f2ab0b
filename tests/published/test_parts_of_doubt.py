"""Variance-based sensitivity and variance components against closed forms from the literature."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tests.sensitivity.spaces import space

from integstat.history.components import fit_components
from integstat.history.series import Series
from integstat.sensitivity.attribution import attribute


def parts(values: np.ndarray, weight: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Shapley effects of a function on a grid, as shares of its variance; it is laid between 0 and 1 for that."""
    low, high = values.min(), values.max()
    found = attribute(space(sizes, probability=(values - low) / (high - low), weight=weight), "p_success").axes[:, 0]
    return np.asarray(found / found.sum())


def grid(nodes: np.ndarray, weights: np.ndarray, axes: int) -> tuple[np.ndarray, np.ndarray]:
    """All combinations of quadrature nodes, shape (N, axes), and their weights."""
    points = np.array(list(itertools.product(nodes, repeat=axes)))
    return points, np.array(list(itertools.product(weights, repeat=axes))).prod(axis=1)


def test_shapley_effects_of_the_ishigami_function() -> None:
    # Ishigami & Homma (1990, doi:10.1109/ISUMA.1990.151285), a = 7, b = 0.1: shares S1 0.3139, S2 0.4424, S3 0, S13 0.2437
    # (Saltelli et al. 2008, doi:10.1002/9780470725184). A Shapley effect takes half of the interaction of two (Owen 2014,
    # doi:10.1137/130936233); first-order or total indices would not.
    nodes, weights = np.polynomial.legendre.leggauss(14)
    points, weight = grid(np.pi * nodes, weights / 2, 3)
    x, y, z = points.T
    found = parts(np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x), weight, (14, 14, 14))
    assert found == pytest.approx(np.array([0.3139 + 0.2437 / 2, 0.4424, 0.2437 / 2]), abs=5e-4)


def test_shapley_effects_of_the_g_function() -> None:
    # Sobol' (1993), a = 0, 1, 4.5, 9: V_i = 1 / (3 (1 + a_i)²), the interaction of a set is the product of its V_i
    # (Saltelli et al. 2008, doi:10.1002/9780470725184). First-order shares would leave the interactions out.
    a = np.array([0.0, 1.0, 4.5, 9.0])
    nodes, weights = np.polynomial.legendre.leggauss(3)
    half = np.concatenate([nodes - 1, nodes + 1]) / 4 + 0.5  # the function has a kink at 1/2
    points, weight = grid(half, np.tile(weights, 2) / 4, 4)
    found = parts(((np.abs(4 * points - 2) + a) / (1 + a)).prod(axis=1), weight, (6,) * 4)
    alone = 1 / (3 * (1 + a) ** 2)
    expected = np.zeros(4)
    for size in range(1, 5):
        for axes in map(list, itertools.combinations(range(4), size)):
            expected[axes] += alone[axes].prod() / size  # an interaction is shared evenly
    whole = np.prod(1 + alone) - 1
    assert found == pytest.approx(expected / whole, abs=1e-9)
    assert found[0] > alone[0] / whole + 0.03


@pytest.mark.parametrize("rho", [-0.6, 0.0, 0.3, 0.9])
def test_shapley_effects_of_two_dependent_inputs(rho: float) -> None:
    # Owen & Prieur (2017, doi:10.1137/16M1097717), linear function of two correlated inputs with SDs 1 and coefficients b:
    # the first gets b1² (1 - rho²/2) + rho b1 b2 + rho² b2² / 2. It needs E[x2 | x1] linear only: here both are -1 or 1.
    b = np.array([2.0, 1.0])
    points = np.array(list(itertools.product([-1.0, 1.0], repeat=2)))
    weight = (1 + rho * points.prod(axis=1)) / 4
    expected = b**2 * (1 - rho**2 / 2) + rho * b.prod() + rho**2 * b[::-1] ** 2 / 2
    assert parts(points @ b, weight, (2, 2)) == pytest.approx(expected / expected.sum(), abs=1e-9)


def test_the_residual_variance_of_the_penicillin_experiment() -> None:
    # Box, Hunter & Hunter (1978, Statistics for Experimenters, section 7.1): five blends by four treatments, residual mean square
    # 226 / 12 = 18.83. Blends stand for cities, treatments for years; nothing walks or trends in it. By maximum likelihood that
    # is not restricted it would be 226 / 20 = 11.3.
    yields = np.array([[89, 88, 97, 94], [84, 77, 92, 79], [81, 87, 87, 85], [87, 92, 89, 84], [79, 81, 80, 88]], dtype=float)
    nothing = np.zeros_like(yields)
    cities = tuple("12345")
    series = Series(
        "published", "target", cities, (1, 2, 3, 4), np.arange(5), yields, nothing, nothing, nothing == 0, stock=False
    )
    found = fit_components(series)
    assert found.transient == pytest.approx(226 / 12, rel=1e-3)
    assert (found.walk, found.trend) == pytest.approx((0.0, 0.0), abs=1e-3)
