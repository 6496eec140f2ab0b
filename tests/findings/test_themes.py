"""Themes: expected deficits by field and indicator, in an order that does not depend on the cities' own."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from integstat.findings.themes import THEME_COLUMNS, count_interval, themes

many = settings(max_examples=25, deadline=None)
FIELDS = ("legal", "work", "language")
FIELD_OF = {"A1": "work", "A2": "work", "R1": "legal", "S1": "language"}


def grid_of(rows: list[tuple[str, str, float, bool, bool]]) -> pd.DataFrame:
    """City, indicator, P(deficit), declared, eligible."""
    frame = pd.DataFrame(rows, columns=["city", "indicator", "p_deficit", "counts_as_deficit", "eligible"])
    return frame.assign(field=frame["indicator"].map(FIELD_OF))


SMALL = grid_of(
    [
        ("a", "A1", 0.9, True, True),
        ("b", "A1", 0.5, False, True),
        ("a", "A2", 0.2, False, True),
        ("b", "A2", 0.4, False, True),
        ("a", "R1", 0.9, True, True),
        ("b", "R1", 0.95, False, False),  # capped by a break
        ("a", "S1", np.nan, False, True),  # not estimable
    ]
)


def test_a_small_ring_by_hand() -> None:
    table = themes(SMALL, FIELDS)
    assert tuple(table.columns) == THEME_COLUMNS
    assert list(zip(table["scope"], table["field"], table["indicator"], table["place"], strict=True)) == [
        ("field", "legal", "", 1),
        ("indicator", "legal", "R1", 1),
        ("field", "work", "", 2),
        ("indicator", "work", "A1", 1),
        ("indicator", "work", "A2", 2),
    ]
    work = table.iloc[2]
    assert (work["cells"], work["cities"], work["declared"], work["cities_declared"]) == (4, 2, 1, 1)
    assert (work["expected"], work["share"]) == pytest.approx((2.0, 0.5))
    assert work["cities_expected"] == pytest.approx((1 - 0.1 * 0.8) + (1 - 0.5 * 0.6))
    legal = table.iloc[0]
    assert (legal["cells"], legal["expected"]) == (1, 0.9)


def test_equal_shares_are_ordered_by_declared_then_by_the_catalogue() -> None:
    rows = [("a", "R1", 0.5, False, True), ("a", "A1", 0.5, False, True), ("a", "S1", 0.5, True, True)]
    heads = themes(grid_of(rows), FIELDS).query("scope == 'field'")
    assert heads["field"].tolist() == ["language", "legal", "work"]


def test_a_ring_without_an_eligible_cell_has_no_themes() -> None:
    table = themes(grid_of([("a", "A1", 0.9, False, False)]), FIELDS)
    assert (len(table), tuple(table.columns)) == (0, THEME_COLUMNS)


def test_a_field_that_the_catalogue_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="work"):
        themes(SMALL, ("legal", "language"))


@pytest.mark.parametrize("interval", [0.5, 0.9, 0.99])
def test_equal_probabilities_give_the_binomial_interval(interval: float) -> None:
    for size, p in itertools.product((1, 7, 60), (0.05, 0.3, 0.9)):
        tail = (1 - interval) / 2
        expected = stats.binom.ppf([tail, 1 - tail], size, p)
        assert count_interval(np.full(size, p), interval) == tuple(expected)


def test_unequal_probabilities_against_every_outcome() -> None:
    p = np.array([0.1, 0.85, 0.4, 0.6])
    mass = np.zeros(5)
    for outcome in itertools.product((0, 1), repeat=4):
        mass[sum(outcome)] += np.prod(np.where(outcome, p, 1 - p))
    below = np.cumsum(mass)
    assert count_interval(p, 0.8) == (int(np.argmax(below >= 0.1)), int(np.argmax(below >= 0.9)))


def test_certain_cells_leave_no_interval() -> None:
    assert count_interval(np.array([1.0, 0.0, 1.0]), 0.9) == (2, 2)
    assert count_interval(np.zeros(0), 0.9) == (0, 0)


def test_the_interval_covers_the_number_of_independent_deficits() -> None:
    rng = np.random.default_rng(1)
    covered, expected, happened = [], 0.0, 0
    for _ in range(400):
        p = rng.beta(0.6, 1.4, rng.integers(5, 60))
        low, high = count_interval(p, 0.9)
        count = int((rng.random(len(p)) < p).sum())
        covered.append(low <= count <= high)
        expected, happened = expected + float(p.sum()), happened + count
    assert 0.87 <= np.mean(covered) <= 0.98  # counts are whole, so the interval holds a little more than asked
    assert happened == pytest.approx(expected, rel=0.05)


@st.composite
def grids(draw: st.DrawFn) -> pd.DataFrame:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cities = draw(st.integers(1, 8))
    p = rng.beta(0.5, 0.5, cities * len(FIELD_OF)).round(draw(st.integers(1, 6)))
    p[rng.random(len(p)) < 0.1] = np.nan
    eligible = rng.random(len(p)) < 0.9
    keys = itertools.product((f"{i:05d}" for i in range(cities)), FIELD_OF)
    return grid_of([(city, one, p[i], bool(eligible[i] and p[i] > 0.8), bool(eligible[i])) for i, (city, one) in enumerate(keys)])


@many
@given(grids())
def test_expected_counts_add_up(grid: pd.DataFrame) -> None:
    table = themes(grid, FIELDS)
    usable = grid[grid["eligible"] & grid["p_deficit"].notna()]
    heads, below = table[table["scope"] == "field"], table[table["scope"] == "indicator"]
    assert set(heads["field"]) == set(usable["field"])
    for part in (heads, below):
        assert part["expected"].sum() == pytest.approx(usable["p_deficit"].sum())
        assert part["cells"].sum() == len(usable)
        assert part["declared"].sum() == grid["counts_as_deficit"].sum()
    for row in heads.to_dict("records"):
        own = below[below["field"] == row["field"]]
        assert row["expected"] == pytest.approx(own["expected"].sum())
        assert own["cities_expected"].max() - 1e-9 <= row["cities_expected"] <= min(row["expected"], row["cities"]) + 1e-9
        assert (np.diff(own["share"]) <= 1e-12).all()
    assert (np.diff(heads["share"]) <= 1e-12).all()
    assert table["share_lower"].between(0, 1).all() and table["share_upper"].between(0, 1).all()
    assert (table["share_lower"] <= table["share"] + 1 / table["cells"]).all()
    assert (table["share_upper"] >= table["share"] - 1 / table["cells"]).all()


@many
@given(grids(), st.integers(0, 2**32 - 1))
def test_neither_the_order_nor_the_names_of_the_cities_count(grid: pd.DataFrame, seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = sorted(grid["city"].unique())
    other = grid.assign(city=grid["city"].map(dict(zip(names, rng.permutation(names), strict=True))))
    shuffled = other.iloc[rng.permutation(len(other))].reset_index(drop=True)
    pd.testing.assert_frame_equal(themes(grid, FIELDS), themes(shuffled, FIELDS))
