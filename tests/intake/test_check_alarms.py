"""How often checks on a whole ring doubt sound figures that are small, or that stand on one base."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from integstat.intake.checks.change import check_changes
from integstat.intake.checks.columns import Column
from integstat.intake.checks.level import check_levels

YEARS = [2020, 2021]


def column(name: str, y: np.ndarray, n: np.ndarray) -> Column:
    cities = [f"{i:05d}" for i in range(len(n))]
    rows = [
        {year: SimpleNamespace(file="f", y_place="y", n_place="n", city=city, definition=name) for year in YEARS}
        for city in cities
    ]
    return Column(name, "target", "share", cities, YEARS, y.astype(float), n.astype(float), rows)


def on_one_base(rng: np.random.Generator, cities: int, rates: tuple[float, ...], low: int, high: int) -> list[Column]:
    """Definitions whose numerators are parts of the same people."""
    first = rng.integers(low, high, cities)
    n = np.column_stack([first, rng.poisson(first)])
    return [column(f"D{k}", rng.binomial(n, rate), n) for k, rate in enumerate(rates)]


def repeated(columns: list[Column]) -> list[tuple[str, str]]:
    return [(problem.city, problem.value) for problem in check_levels(columns) if problem.check == "repeated_city"]


def test_rare_cases_over_one_base_do_not_make_two_cities_one() -> None:
    rng = np.random.default_rng(3)
    rings = (on_one_base(rng, 24, (0.003, 0.005, 0.01, 0.02, 0.01, 0.02), 60, 400) for _ in range(25))
    assert sum(bool(repeated(ring)) for ring in rings) == 0


def test_many_definitions_over_a_base_that_all_cities_share_meet_by_chance() -> None:
    """As in a sample of the same size everywhere: of many numerators some meet, and that is no copy."""
    rng = np.random.default_rng(8)
    rates = tuple(np.linspace(0.01, 0.1, 16))
    assert sum(bool(repeated(on_one_base(rng, 24, rates, 250, 251))) for _ in range(8)) == 0


def test_a_base_counts_once_however_many_definitions_stand_on_it() -> None:
    n = np.array([[311, 307], [311, 307], [150, 160], [97, 95], [222, 231]])
    rare = np.array([[1, 2], [1, 2], [0, 1], [2, 0], [1, 1]])
    assert repeated([column(f"D{k}", rare, n) for k in range(12)]) == []
    still = np.repeat(n[:, :1], 2, axis=1)  # one base for both years
    y = np.array([[40, 40], [40, 40], [15, 20], [9, 12], [28, 30]])
    assert repeated([column(f"D{k}", y, still) for k in range(12)]) == []


def test_a_copied_city_is_told_over_shared_bases_too() -> None:
    columns = on_one_base(np.random.default_rng(5), 8, (0.1, 0.2, 0.4), 200, 900)
    for one in columns:
        one.y[3], one.n[3] = one.y[2], one.n[2]
    ((city, value),) = repeated(columns)
    assert city == "00003"
    assert value.count("von") == 6


def shifts(rng: np.random.Generator, cities: int, base: float, factor: float = 1.0) -> int:
    n = np.maximum(np.column_stack([rng.poisson(base, cities), rng.poisson(base * factor, cities)]), 1)
    problems = check_changes([column("D", rng.binomial(n, 0.1), n)], set())
    return sum(problem.check == "base_shift" for problem in problems)


def test_small_bases_that_only_scatter_are_no_shift_of_the_ring() -> None:
    rng = np.random.default_rng(4)
    assert sum(shifts(rng, cities, 40) for cities in (5, 8, 24) for _ in range(25)) == 0


def test_a_shift_of_the_ring_is_told_where_counting_error_cannot_be_it() -> None:
    rng = np.random.default_rng(6)
    assert all(shifts(rng, 8, 1000, 1.3) for _ in range(10))
    assert all(shifts(rng, 24, 40, 1.8) for _ in range(10))
    assert not any(shifts(rng, 24, 1000, 1.1) for _ in range(10))  # below 15 %, however sure
