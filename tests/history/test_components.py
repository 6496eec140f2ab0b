"""Components are recovered, and what would identify them by accident is not in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.history.simulated import observed, series, true_paths

from integstat.history.components import Components, fit_components
from integstat.history.moments import common_shifts, differences, fit_moments, leaps
from integstat.history.series import Series


def many(count: int, cities: int, sigma: float, tau: float, omega: float = 0.0, **options: float) -> list[Components]:
    rng = np.random.default_rng(99)
    paths = (true_paths(rng, cities, 9, sigma, tau, omega) for _ in range(count))
    return [fit_components(observed(rng, path, **options)) for path in paths]


@pytest.mark.parametrize("cities", [45, 300])
@pytest.mark.parametrize(("sigma", "tau", "omega"), [(0.10, 0.10, 0.0), (0.20, 0.10, 0.0), (0.10, 0.10, 0.05)])
def test_variances_are_recovered(cities: int, sigma: float, tau: float, omega: float) -> None:
    """With few cities a trend that is not there takes some of the walk, for it cannot be negative: the cautious side."""
    few = cities == 45
    found = many(40 if few else 15, cities, sigma, tau, omega)
    assert np.mean([one.transient for one in found]) == pytest.approx(sigma**2, rel=0.12 if few else 0.08)
    assert np.mean([one.walk for one in found]) == pytest.approx(tau**2, rel=0.40 if few else 0.20)
    assert np.mean([one.trend for one in found]) == pytest.approx(omega**2, abs=0.0008 if few else 0.0004)
    total = np.sqrt(2 * sigma**2 + tau**2 + omega**2)
    assert np.mean([one.sd_change for one in found]) == pytest.approx(total, rel=0.05)


@pytest.mark.parametrize("overlap", [0.3, 0.7])
def test_the_overlap_of_a_stock_is_recovered_where_counts_are_small(overlap: float) -> None:
    found = many(4, 300, 0.03, 0.03, base=1500.0, overlap=overlap)
    assert np.mean([one.overlap for one in found]) == pytest.approx(overlap, abs=0.04)
    assert np.mean([one.sd_change for one in found]) == pytest.approx(np.sqrt(3) * 0.03, rel=0.15)


def test_only_noise_and_only_a_walk_go_to_the_other_s_bound() -> None:
    noise, walk = many(6, 300, 0.1, 0.0), many(6, 300, 0.0, 0.1)
    assert max(one.share for one in noise) < 0.03
    assert min(one.share for one in walk) > 0.80
    assert any(one.at_bound() == (False, True) for one in noise)
    assert any(one.at_bound() == (True, False) for one in walk)


def test_trends_are_told_from_a_walk() -> None:
    assert all(one.trends_dominate(8) for one in many(5, 45, 0.02, 0.02, 0.10))
    assert not any(one.trends_dominate(8) for one in many(5, 300, 0.10, 0.10))


def test_convergence_between_cities_does_not_read_as_nothing_lasts() -> None:
    rng = np.random.default_rng(4)
    shares = []
    for _ in range(5):
        path = true_paths(rng, 300, 9, 0.1, 0.1, spread=0.0)
        start = rng.normal(0, 0.4, (300, 1)) * 0.95 ** np.arange(9)  # cities far from the middle come back to it
        shares.append(fit_components(observed(rng, path + start)).share)
    assert np.mean(shares) > 1 / 3 - 0.05


def test_shocks_common_to_both_groups_pass_in_each() -> None:
    rng = np.random.default_rng(5)
    shock = rng.normal(0, 0.15, (300, 9))
    shares = [fit_components(observed(rng, true_paths(rng, 300, 9, 0.0, 0.05) + shock)).share for _ in range(2)]
    assert max(shares) < 0.12  # truth 0.05: nothing of the shock reads as lasting because both groups had it


def test_it_is_the_likelihood_of_the_contrasts() -> None:
    """The estimate maximises the normal density of all contrasts that are free of levels and shifts."""
    rng = np.random.default_rng(6)
    cities, years = 12, 5
    data = observed(rng, true_paths(rng, cities, years, 0.2, 0.1))
    place = np.arange(years)
    design = np.hstack([np.kron(np.eye(cities), np.ones((years, 1))), np.kron(np.ones((cities, 1)), np.eye(years))])
    left = np.linalg.svd(design.T)[2][np.linalg.matrix_rank(design) :]

    def density(c: Components) -> float:
        inner = c.transient * np.eye(years) + c.walk * np.minimum.outer(place, place) + c.trend * np.outer(place, place)
        cov = np.kron(np.eye(cities), inner) + np.diag(data.counting.ravel())
        return float(stats.multivariate_normal.logpdf(left @ data.value.ravel(), np.zeros(len(left)), left @ cov @ left.T))

    best = fit_components(data)
    top = density(best)
    for name in ("transient", "walk", "trend"):
        for factor in (0.8, 1.25):
            assert density(replace(best, **{name: getattr(best, name) * factor + 1e-6})) < top + 1e-4


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_levels_shifts_and_the_order_of_cities_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = gappy(rng, observed(rng, true_paths(rng, 20, 6, 0.1, 0.1)))
    moved = np.where(data.known, data.value + rng.normal(0, 2, (20, 1)) + rng.normal(0, 2, 6), 0.0)
    order = rng.permutation(20)
    changed = Series(
        data.definition, data.group, data.cities, data.years, data.city, moved[order], data.counting[order],
        data.rounding[order], data.known[order], data.stock,
    )  # fmt: skip
    one, two = fit_components(data), fit_components(changed)
    assert two.sd_change == pytest.approx(one.sd_change, rel=0.01, abs=1e-4)
    assert two.share == pytest.approx(one.share, abs=0.02)


def test_a_stretch_that_counts_twice_is_the_same_as_two_of_it() -> None:
    rng = np.random.default_rng(7)
    data = observed(rng, true_paths(rng, 15, 7, 0.1, 0.1))
    weights = np.array([2, 0, 1] * 5)
    doubled = np.repeat(np.arange(15), weights)
    copied = series(data.value[doubled], data.counting[doubled])
    one, two = fit_components(data, weights), fit_components(copied)
    assert (one.transient, one.walk) == pytest.approx((two.transient, two.walk), rel=0.01)


def test_the_moments_of_differences_agree_with_the_likelihood() -> None:
    rng = np.random.default_rng(8)
    data = observed(rng, true_paths(rng, 300, 9, 0.1, 0.1))
    look = differences(data)
    assert look.years.tolist() == list(range(1, 9))
    assert look.count[0] == 300 * 8
    assert look.variance == pytest.approx(2 * 0.01 + look.years * 0.01, rel=0.25)
    assert fit_moments(look).share == pytest.approx(fit_components(data).share, abs=0.1)


def test_common_shifts_are_those_of_the_middle_city() -> None:
    rng = np.random.default_rng(9)
    path = true_paths(rng, 300, 6, 0.05, 0.05)
    data = observed(rng, path)
    assert common_shifts(data) == pytest.approx(np.diff(path.mean(axis=0)), abs=0.03)
    assert len(common_shifts(replace(data, years=(2011, 2012, 2014, 2015, 2018, 2019)))) == 3


def test_a_year_with_missing_months_is_told() -> None:
    rng = np.random.default_rng(10)
    data = observed(rng, true_paths(rng, 50, 7, 0.05, 0.05))
    assert leaps(data) == []
    value = data.value.copy()
    value[4, 2] -= 1.0
    found = leaps(replace(data, value=value))
    assert [(city, year) for city, year, _ in found] == [("00004", 2013), ("00004", 2014)]
    assert [round(size) for _, _, size in found] == [-1, 1]


def gappy(rng: np.random.Generator, data: Series) -> Series:
    known = rng.uniform(size=data.known.shape) > 0.15
    known[:, :3] = True
    return replace(data, known=known, value=np.where(known, data.value, 0.0), counting=np.where(known, data.counting, 0.0))
