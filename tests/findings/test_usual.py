"""The usual practice: plain rates, their intervals and tests, and what stands here beside it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.findings.rings import catalogue, indicator
from tests.panel.cells import YEARS, panel

from integstat.catalogue.schema import IndicatorEntry
from integstat.findings.usual import COMPARE_CODEBOOK, USUAL_CODEBOOK, compare, usual_practice

MAIN = ["U.main"]
Cell = tuple[float | str, float | str]


def read(cells: list[list[Cell]], entry: IndicatorEntry | None = None, **options: object) -> pd.DataFrame:
    """Usual practice on these cells: a city per row, a year per column."""
    book = catalogue(entry or indicator("U"))
    return usual_practice(panel(cells), book, MAIN, YEARS[: len(cells[0])], **options)  # type: ignore[arg-type]


def survey(effect: float) -> IndicatorEntry:
    """An indicator whose answers are worth less than counts."""
    entry = indicator("U", kind="survey")
    return entry.model_copy(update={"definition": (entry.definition[0].model_copy(update={"design_effect": effect}),)})


@pytest.mark.parametrize(
    ("y", "n", "lower", "upper"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_wilsons_as_published(y: float, n: float, lower: float, upper: float) -> None:
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3
    row = read([[(y, n), (y, n)]], alpha=0.05).iloc[0]
    for end in ("first", "last"):
        assert row[f"rate_{end}"] == pytest.approx(100 * y / n)
        assert [row[f"rate_{end}_lower"], row[f"rate_{end}_upper"]] == pytest.approx([100 * lower, 100 * upper], abs=0.005)


def test_the_test_of_two_shares_is_the_chi_square_of_the_table() -> None:
    row = read([[(12, 99), (5, 83)]]).iloc[0]
    chi_square = stats.chi2_contingency([[12, 87], [5, 78]], correction=False)
    assert row["p_value"] == pytest.approx(chi_square.pvalue)
    assert row["p_value"] == pytest.approx(0.159, abs=0.0005)  # the example of statsmodels


def test_rates_are_poisson_and_may_exceed_their_base() -> None:
    row = read([[(10, 4), (25, 8)]], indicator("U", kind="rate", unit="per_1000")).iloc[0]
    z = (25 - 35 * 8 / 12) / np.sqrt(35 * 8 / 12 * 4 / 12)  # given the sum, the last count is binomial
    assert row["p_value"] == pytest.approx(2 * stats.norm.sf(abs(z)))
    assert row["rate_last"] == pytest.approx(1000 * 25 / 8)
    limits = row[["rate_last_lower", "rate_last_upper"]].to_numpy(float) * 8 / 1000
    assert (25 - limits) ** 2 / limits == pytest.approx(stats.norm.isf(0.05) ** 2)  # the score interval's own equation


@settings(max_examples=15, deadline=None)
@given(
    counts=st.lists(st.tuples(*[st.integers(0, 60), st.integers(60, 500)] * 2), min_size=1, max_size=6),
    kind=st.sampled_from(["share", "rate", "mean_of_months"]),
    polarity=st.sampled_from(["+", "-"]),
)
def test_told_backwards_p_stays_and_the_direction_turns(
    counts: list[tuple[int, int, int, int]], kind: str, polarity: str
) -> None:
    entry = indicator("U", polarity, kind=kind)
    there = read([[(a, n), (b, m)] for a, n, b, m in counts], entry)
    back = read([[(b, m), (a, n)] for a, n, b, m in counts], entry)
    for column in ("p_value", "p_value_bh"):
        np.testing.assert_allclose(there[column], back[column], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(there["rate_change"], -back["rate_change"], atol=1e-12)
    turned = {"improved": "worsened", "worsened": "improved", "": ""}
    assert list(there["direction"]) == [turned[word] for word in back["direction"]]
    assert (there["p_value_bh"] >= there["p_value"]).all()
    for end in ("first", "last"):
        assert (there[f"rate_{end}_lower"] <= there[f"rate_{end}"] + 1e-9).all()
        assert (there[f"rate_{end}_upper"] >= there[f"rate_{end}"] - 1e-9).all()


@pytest.mark.parametrize(("polarity", "sign", "word"), [("+", 1, "improved"), ("-", -1, "worsened"), ("none", 1, "")])
def test_plus_is_better(polarity: str, sign: int, word: str) -> None:
    row = read([[(10, 100), (40, 100)]], indicator("U", polarity)).iloc[0]
    assert row["rate_change"] == pytest.approx(sign * 30)
    assert row["direction"] == word
    assert row["called_changed"]


def test_the_adjustment_is_benjamini_hochbergs() -> None:
    table = read([[(50, 1000), (50 + extra, 1000)] for extra in (0, 5, 12, 18, 22, 30, 45)])
    p = np.sort(table["p_value"])
    stepped = [min(1.0, *(p[j] * len(p) / (j + 1) for j in range(i, len(p)))) for i in range(len(p))]
    np.testing.assert_allclose(np.sort(table["p_value_bh"]), stepped)
    assert table["called_changed"].sum() > table["called_changed_bh"].sum() > 0


def test_only_cells_of_the_grid_that_are_eligible_are_adjusted_over() -> None:
    cells: list[list[Cell]] = [[(50, 1000), (50 + extra, 1000)] for extra in (5, 18, 30, 45)]
    grid = pd.DataFrame({"city": [f"{i:05d}" for i in range(4)], "definition": "U.main", "eligible": [True, True, False, True]})
    some, alone = read(cells, grid=grid), read([cells[i] for i in (0, 1, 3)])
    np.testing.assert_allclose(some["p_value_bh"].dropna(), alone["p_value_bh"])
    assert some["p_value_bh"].isna().tolist() == [False, False, True, False]
    assert some["p_value"].notna().all()
    assert not some.loc[2, "called_changed_bh"]


@pytest.mark.parametrize(
    "gap", [("missing", 100), (10, "missing"), ("below_3", 100), ("secret", 100), (0, 0), (101, 100)], ids=str
)
def test_a_cell_without_a_rate_stays_empty_and_is_not_called(gap: Cell) -> None:
    table = read([[(10, 100), gap], [(10, 100), (40, 100)]])
    row = table.iloc[0]
    assert row["rate_first"] == pytest.approx(10)
    assert row[["rate_last", "rate_last_lower", "rate_last_upper", "rate_change", "p_value", "p_value_bh"]].isna().all()
    assert not row["called_changed"] and not row["called_changed_bh"] and row["direction"] == ""
    assert table.loc[1, "p_value_bh"] == table.loc[1, "p_value"]  # one test, nothing to adjust for


def test_nothing_there_is_a_count_of_nought() -> None:
    table = read([[("nothing", 100), (0, 200)], [(100, 100), (200, 200)]])
    assert table["p_value"].tolist() == [1.0, 1.0]
    assert table["rate_last"].tolist() == [0.0, 100.0]


def test_answers_of_a_survey_are_worth_less() -> None:
    counted, asked = read([[(30, 100), (60, 120)]]), read([[(60, 200), (120, 240)]], survey(2.0))
    pd.testing.assert_frame_equal(counted, asked)


def test_the_average_month_is_counted_once() -> None:
    months = read([[(30.5, 100.25), (60, 120)]], indicator("U", kind="mean_of_months")).iloc[0]
    assert months["rate_first"] == pytest.approx(100 * 30.5 / 100.25)
    below, above = (read([[(y, 100.25), (60, 120)]]).iloc[0]["p_value"] for y in (30, 31))
    assert below < months["p_value"] < above


def test_what_is_no_count_over_a_base_is_left_empty() -> None:
    table = read([[(30, 100), (60, 120)]], indicator("U", "none", kind="measure", unit="index"))
    assert (
        table.drop(columns=["city", "indicator", "definition", "called_changed", "called_changed_bh", "direction"])
        .isna()
        .all(axis=None)
    )


def test_a_single_year_has_an_interval_and_no_test() -> None:
    row = read([[(15, 148)]], alpha=0.05).iloc[0]
    assert [row["rate_last_lower"], row["rate_last_upper"]] == pytest.approx([6.24, 16.05], abs=0.005)
    assert row[["rate_first", "rate_change", "p_value"]].isna().all()
    assert not row["called_changed"]


@pytest.mark.parametrize("kind", ["share", "rate"])
def test_without_a_change_a_tenth_is_called_changed_and_intervals_cover(kind: str) -> None:
    rng, size, base = np.random.default_rng(3), 1500, 2000
    p = rng.uniform(0.03, 0.4, size)
    drawn = rng.binomial(base, p, (2, size)) if kind == "share" else rng.poisson(base * p, (2, size))
    table = read([[(a, base), (b, base)] for a, b in drawn.T.tolist()], indicator("U", kind=kind))
    assert table["called_changed"].mean() == pytest.approx(0.10, abs=0.024)  # three standard errors
    covered = (table["rate_last_lower"] <= 100 * p) & (100 * p <= table["rate_last_upper"])
    assert covered.mean() == pytest.approx(0.90, abs=0.024)
    assert table["called_changed_bh"].mean() < 0.005


def test_every_column_has_a_meaning() -> None:
    table = read([[(10, 100), (40, 100)]])
    assert list(table.columns) == list(USUAL_CODEBOOK)
    assert list(compare(table, grid_of(table, ["open"])).columns) == list(COMPARE_CODEBOOK)


def grid_of(usual: pd.DataFrame, words: list[str], flags: list[str] | None = None, eligible: bool = True) -> pd.DataFrame:
    """A grid of the same cells with these words."""
    out = usual[["city", "indicator", "definition"]].copy()
    return out.assign(finding_change=words, flags=flags or [""] * len(words), eligible=eligible)


def test_usual_practice_is_counted_against_what_stands_here() -> None:
    moved, same = [(100, 1000), (200, 1000)], [(100, 1000), (101, 1000)]
    usual = read([moved, moved, moved, same, [(100, 1000), ("missing", 1000)], moved])  # type: ignore[list-item]
    words = ["improved", "worsened", "unchanged", "unchanged", "open", "open"]
    grid = grid_of(usual, words, ["", "", "break;with_ring", "", "", "with_ring"])
    grid.loc[5, "eligible"] = False
    table = compare(usual, grid).set_index(["indicator", "adjusted", "called"])
    for name in ("", "U"):
        for adjusted in (False, True):
            assert table.loc[(name, adjusted, "changed")].to_dict() == {
                "cells": 3, "improved": 1, "worsened": 1, "unchanged": 1, "open": 0, "with_ring": 1, "opposite": 1,
            }  # fmt: skip
            assert table.loc[(name, adjusted, "not_changed")].tolist() == [1, 0, 0, 1, 0, 0, 0]
            assert table.loc[(name, adjusted, "no_test")].tolist() == [1, 0, 0, 0, 1, 0, 0]


def test_indicators_add_up_to_the_run() -> None:
    book = catalogue(indicator("U"), indicator("V", "-"))
    rng = np.random.default_rng(1)
    cells = [[(int(a), 500), (int(b), 500)] for a, b in rng.integers(50, 150, (30, 2))]
    one, other = panel(cells), panel(cells, "V.main")
    whole = type(one)(pd.concat([one.counts, other.counts]), one.cities)
    usual = usual_practice(whole, book, ["U.main", "V.main"], YEARS)
    words = rng.choice(["improved", "worsened", "unchanged", "open"], len(usual)).tolist()
    table = compare(usual, grid_of(usual, words))
    counts = table.columns[3:]
    parts = table[table["indicator"] != ""].groupby(["adjusted", "called"])[list(counts)].sum()
    run = table[table["indicator"] == ""].set_index(["adjusted", "called"])[list(counts)]
    pd.testing.assert_frame_equal(parts, run.sort_index())
    assert (table["cells"] == table[["improved", "worsened", "unchanged", "open"]].sum(axis=1)).all()
    assert run["cells"].groupby("adjusted").sum().tolist() == [60, 60]
    assert 0 < run.loc[(True, "changed"), "cells"] <= run.loc[(False, "changed"), "cells"]
