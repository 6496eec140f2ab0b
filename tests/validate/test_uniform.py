"""Bands hold their level exactly, and find a posterior that is too narrow or stands off."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from integstat.validate.uniform import bounds, inside, p_value, pointwise


def within(ranks: np.ndarray, draws: int, gamma: float) -> np.ndarray:
    """Whether the distribution functions of rows of ranks lie within the bounds, by counting."""
    low, high = bounds(ranks.shape[1], draws, gamma)
    count = np.stack([(ranks <= place).sum(axis=1) for place in range(draws)], axis=1)
    return ((count >= low) & (count <= high)).all(axis=1)


@pytest.mark.parametrize(("size", "draws", "gamma"), [(3, 2, 0.3), (4, 3, 0.2), (5, 3, 0.5), (6, 2, 0.08)])
def test_the_probability_is_that_of_counting_every_case(size: int, draws: int, gamma: float) -> None:
    every = np.array(list(itertools.product(range(draws + 1), repeat=size)))
    assert inside(size, draws, gamma) == pytest.approx(within(every, draws, gamma).mean(), abs=1e-12)


def test_bands_hold_their_level() -> None:
    ranks = np.random.default_rng(1).integers(0, 20, (4000, 80))
    gamma = pointwise(80, 19, 0.1)
    assert inside(80, 19, gamma) >= 0.9
    assert within(ranks, 19, gamma).mean() == pytest.approx(inside(80, 19, gamma), abs=4 * np.sqrt(0.09 / 4000))
    assert inside(80, 19, 2 * gamma) < 0.9


def test_p_values_of_uniform_ranks_are_not_too_small() -> None:
    ranks = np.random.default_rng(2).integers(0, 20, (400, 60))
    p = np.array([p_value(row, 19) for row in ranks])
    for level in (0.01, 0.1, 0.5):
        assert (p <= level).mean() <= level + 3 * np.sqrt(level * (1 - level) / 400)
    assert (p <= 0.2).mean() > 0.08  # and not for want of ever being small


@pytest.mark.parametrize(("width", "off"), [(0.8, 0.0), (1.3, 0.0), (1.0, 0.25)])
def test_a_wrong_posterior_is_found(width: float, off: float) -> None:
    rng = np.random.default_rng(3)
    place = stats.norm.cdf((rng.standard_normal(1000) - off) / width)  # of the truth in what is taken for its distribution
    assert p_value(rng.binomial(99, place), 99) < 1e-4


def test_a_right_posterior_is_not() -> None:
    rng = np.random.default_rng(4)
    assert p_value(rng.binomial(99, rng.uniform(size=1000)), 99) > 0.01
