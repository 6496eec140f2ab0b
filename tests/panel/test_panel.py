"""What is handed on of a cell: a figure, bounds, or nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.panel.cells import YEARS, panel

TARGET = ("target",)
FIVE = (5, 5)


def bounds(given: float | str, base: float | str = 400, **options: object) -> list[float]:
    """Bounds of one cell."""
    made = panel([[(given, base), (1, 400)]]).cells("U.main", TARGET, YEARS, **options)
    return list(made.bounds[0, 0, 0])


def test_below_three_is_nought_one_or_two() -> None:
    assert bounds("below_3") == [0, 2]
    assert bounds("below_3", rounding=FIVE) == [0, 2]
    assert bounds("below_3", rounding=FIVE, rounded_parts=3) == [0, 2]


@pytest.mark.parametrize("code", ["secret", "unreliable", "senseless", "missing"])
def test_other_signs_tell_nothing(code: str) -> None:
    made = panel([[(code, 400), (1, 400)]]).cells("U.main", TARGET, YEARS, rounding=FIVE)
    assert not made.coarse[0, 0, 0]
    assert made.n[0, 0, 0] == 0


def test_a_rounded_figure_stands_for_five() -> None:
    assert bounds(25, rounding=FIVE) == [23, 27]
    assert bounds(0, rounding=FIVE) == [-2, 2]
    assert bounds("nothing", rounding=FIVE) == [-2, 2]  # a rounded table's nought may be one or two
    assert bounds(25, rounding=FIVE, rounded_parts=3) == [19, 31]


def test_what_is_not_rounded_is_exact() -> None:
    for found in (bounds(24, rounding=FIVE), bounds(25), bounds("nothing"), bounds(25, rounding=(1, 5))):
        assert np.isnan(found).all()


def test_annual_means_have_no_bounds() -> None:
    assert np.isnan(bounds(25, rounding=FIVE, whole=False)).all()
    assert np.isnan(bounds("below_3", whole=False)).all()
    made = panel([[("below_3", 400), (25, 400)]]).cells("U.main", TARGET, YEARS, rounding=FIVE, whole=False)
    np.testing.assert_array_equal(made.n[0, 0], [0, 400])
    assert made.y[0, 0, 1] == 25


@pytest.mark.parametrize("base", [0, "missing", "secret", "below_3"])
def test_bounds_need_a_base(base: float | str) -> None:
    made = panel([[("below_3", base), (10, base)]]).cells("U.main", TARGET, YEARS, rounding=FIVE)
    assert not made.coarse.any()
    assert not made.n.any()


def test_figures_as_delivered_know_no_bounds() -> None:
    made = panel([[("below_3", 400), (25, 405)]])
    cities, y, n = made.arrays("U.main", TARGET, YEARS)
    assert cities == ["00000"]
    np.testing.assert_array_equal(y[0, 0], [0, 25])
    np.testing.assert_array_equal(n[0, 0], [0, 405])
    found = made.cells("U.main", TARGET, YEARS)
    np.testing.assert_array_equal(found.y[0, 0], [0, 25])
    np.testing.assert_array_equal(found.n[0, 0], [400, 405])
    np.testing.assert_array_equal(found.coarse[0, 0], [True, False])


@given(st.integers(0, 5000), st.integers(1, 4))
def test_the_true_sum_lies_within_the_bounds_of_its_rounded_parts(total: int, parts: int) -> None:
    rng = np.random.default_rng(total)
    pieces = rng.multinomial(total, [1 / parts] * parts)
    rounded = int((5 * np.round(pieces / 5)).sum())
    low, high = bounds(rounded, 20000, rounding=FIVE, rounded_parts=parts)
    assert low <= total <= high
    assert high - low == 4 * parts
