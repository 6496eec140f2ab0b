"""From posteriors with known probabilities to words, flags and columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests import columns
from tests.fakes import fake_posterior
from tests.findings import rings
from tests.findings.rings import RHO, cap, catalogue, findings, indicator, pattern, tree

from integstat.catalogue.schema import IndicatorEntry
from integstat.findings import CODEBOOK, FINDING_COLUMNS, Baseline, Findings, FindingSettings, build_findings
from integstat.findings.frame import EVENTS
from integstat.panel import Panel

DRAWS = 100


def ring(
    cities: Mapping[int, tuple[np.ndarray, np.ndarray]],
    count: int = 30,
    shift: float = 0.0,
    *,
    groups: int = 1,
    peers: bool = True,
    **changes: object,
) -> object:
    """Ring of like cities that moved by `shift`; named ones add their own (change, level) draws to it."""
    last, change = np.full((DRAWS, count, groups), -1.0), np.full((DRAWS, count, groups), shift)
    for place, (moved, stood) in cities.items():
        change[:, place, 0] += moved
        last[:, place, 0] += stood
    return tree(last, change, peers=[0] * count if peers else None, **changes)


def up(p: float, value: float = 1.0, start: int = 0) -> np.ndarray:
    return pattern(DRAWS, p, value, start=start)


NOT = np.zeros(DRAWS)


def row(out: Findings, place: int, definition: str | None = None) -> pd.Series:
    grid = out.grid if definition is None else pd.concat([out.grid, out.others])
    found = grid[grid["city"] == f"{place:05d}"]
    return (found if definition is None else found[found["definition"] == definition]).iloc[0]


def flags(one: pd.Series) -> set[str]:
    return set(filter(None, one["flags"].split(";")))


# --- words


@pytest.fixture(scope="module")
def words() -> Findings:
    """One ring, one city for every case."""
    cases = {
        0: (up(0.95), NOT),
        1: (up(0.95, -1), NOT),
        2: (NOT, up(0.95, -1)),
        3: (up(0.95), up(0.95, -1)),
        4: (NOT, NOT),
        5: (up(0.5), NOT),
        6: (up(0.5, -1), up(0.5, -1, start=50)),
        7: (NOT, up(0.95)),
    }
    return findings({"U.main": ring(cases)}, catalogue(indicator("U", groups=1)))


@pytest.mark.parametrize(
    ("place", "change", "level", "finding"),
    [
        (0, "improved", "as_expected", "success"),
        (1, "worsened", "as_expected", "deficit"),
        (2, "unchanged", "worse", "deficit"),
        (3, "improved", "worse", "success"),
        (4, "unchanged", "as_expected", "stable"),
        (5, "open", "as_expected", "open"),
        (6, "open", "open", "deficit"),
        (7, "unchanged", "better", "stable"),
    ],
)
def test_words(words: Findings, place: int, change: str, level: str, finding: str) -> None:
    one = row(words, place)
    assert (one["finding_change"], one["finding_level"], one["finding"]) == (change, level, finding)
    assert ("poor_level" in flags(one)) == (place == 3)
    assert one["counts_as_deficit"] == (place in (1, 2, 3, 6))


def test_probabilities_of_the_words(words: Findings) -> None:
    assert [round(row(words, i)["p_success"], 9) for i in range(8)] == [0.95, 0, 0, 0.95, 0, 0.5, 0, 0]
    assert [round(row(words, i)["p_deficit"], 9) for i in range(8)] == [0, 0.95, 0.95, 0.95, 0, 0, 1, 0]
    assert [round(row(words, i)["p_stable"], 9) for i in range(8)] == [0.05, 0.05, 0.05, 0.05, 1, 0.5, 0, 1]


def test_a_declared_part_makes_the_deficit_declared() -> None:
    # 'worse': 0.99 and 0.81 pass together; the deficits of ten cities at 0.82 keep 0.81 out of their own set
    cases = {0: (NOT, up(0.99, -1)), 1: (NOT, up(0.81, -1))} | {i: (up(0.82, -1), NOT) for i in range(2, 12)}
    out = findings({"U.main": ring(cases, 40)}, catalogue(indicator("U", groups=1)))
    kinds = out.kinds.set_index("kind")
    assert kinds.loc["deficit", "declared"] == 1
    assert kinds.loc["worse", "declared"] == 2
    assert row(out, 1)["finding"] == "deficit"
    assert row(out, 2)["finding"] == "open"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20), st.integers(0, 99)), min_size=1, max_size=8))
def test_precedence(shares: list[tuple[int, int, int]]) -> None:
    cases = {
        i: (up(abs(a) / 20, 1.0 if a > 0 else -1.0), up(abs(b) / 20, 1.0 if b > 0 else -1.0, start=start))
        for i, (a, b, start) in enumerate(shares)
    }
    out = findings({"U.main": ring(cases)}, catalogue(indicator("U", groups=1)))
    kinds = out.kinds.set_index("kind")
    columns = {"success": "p_success", "stable": "p_stable", "deficit": "p_deficit", "worsened": "p_worsened", "worse": "p_worse"}
    for _, one in out.grid.iterrows():
        is_ = {kind: one[column] >= kinds.loc[kind, "threshold"] for kind, column in columns.items()}
        deficit = is_["deficit"] or is_["worsened"] or is_["worse"]
        expected = "success" if is_["success"] else "deficit" if deficit else "stable" if is_["stable"] else "open"
        assert one["finding"] == expected
        assert ("poor_level" in flags(one)) == (is_["success"] and deficit)
        assert one["p_success"] + one["p_worsened"] + one["p_unchanged"] == pytest.approx(1)
        assert one["p_deficit"] + one["p_stable"] <= 1 + 1e-12
        assert one["p_deficit"] >= max(one["p_worsened"], one["p_worse"]) - 1e-12


def test_without_peers_a_deficit_is_a_worsening() -> None:
    out = findings({"U.main": ring({0: (up(0.95, -1), up(1.0, -1))}, peers=False)}, catalogue(indicator("U", groups=1)))
    assert out.grid["p_worse"].isna().all()
    assert set(out.grid["finding_level"]) == {"open"}
    np.testing.assert_array_equal(out.grid["p_deficit"], out.grid["p_worsened"])
    np.testing.assert_array_equal(out.grid["p_stable"], out.grid["p_unchanged"])
    assert row(out, 0)["finding"] == "deficit"


# --- what stays open


def test_capped_and_context_cells_stay_open_and_show_their_probabilities() -> None:
    cases = {0: (up(0.95), NOT), 1: (up(0.95), NOT), 2: (up(0.95, -1), up(1.0, -1))}
    trees = {"U.main": ring(cases, groups=2), "X.main": ring(cases, groups=2)}
    book = catalogue(indicator("U"), indicator("X", "none"), breaks=[cap("U.main", "03"), cap("U.main", "91", "note")])
    lands = ["03", "91", "03"] + ["91"] * 27
    out = findings(trees, book, lands=lands)
    for place, definition in ((0, "U.main"), (2, "U.main"), (1, "X.main"), (2, "X.main")):
        one = row(out, place, definition)
        assert {one[name] for name in ("finding_change", "finding_level", "finding_gap", "finding")} == {"open"}
        assert max(one["p_success"], one["p_deficit"]) >= 0.95
        assert not {"with_ring", "poor_level"} & flags(one)
        assert ("context" in flags(one)) == (definition == "X.main")
    assert row(out, 1, "U.main")["finding"] == "success"
    assert "break" in flags(row(out, 0, "U.main")) & flags(row(out, 1, "U.main"))  # a note is a break too, but caps nothing
    assert out.kinds.set_index("kind").loc["success", ["eligible", "declared"]].tolist() == [28, 1]


def test_capped_cells_do_not_help_others_over_the_threshold() -> None:
    cases = {i: (up(1.0), NOT) for i in range(9)} | {9: (up(0.85), NOT)}
    book = catalogue(indicator("U", groups=1), breaks=[cap("U.main", "03")])
    free = findings({"U.main": ring(cases, 40)}, book)
    capped = findings({"U.main": ring(cases, 40)}, book, lands=["03"] * 9 + ["91"] * 31)
    assert row(free, 9)["finding"] == "success"
    assert row(capped, 9)["finding"] == "open"
    assert row(capped, 9)["p_success"] == row(free, 9)["p_success"]


def test_missing_cells_stay_open() -> None:
    n = np.full((30, 2, 2), 500.0)
    n[0, 0, 0] = n[1, 1, 1] = 0
    out = findings({"U.main": ring({0: (NOT, up(1.0, -1))}, groups=2, n=n)}, catalogue(indicator("U")), count=31)
    late, half, never = row(out, 0), row(out, 1), row(out, 30)
    assert len(out.grid) == 31
    for one in (late, never):
        assert one["finding_change"] == one["finding_gap"] == "open"
        assert np.isnan(one["p_success"])
        assert np.isnan(one["change_raw"])
    assert "not_estimable" in flags(never)
    assert never["finding"] == never["finding_level"] == "open"
    assert "level_only" in flags(late)
    assert (late["finding"], late["finding_level"]) == ("deficit", "worse")
    assert np.isfinite(late["level_last"])
    assert np.isnan(late["level_first"])
    assert np.isfinite(half["relative_change_mean"])
    assert np.isnan(half["gap_change_points"])
    assert "not_estimable" not in flags(half)


def test_fewer_than_six_cities_say_nothing_relative() -> None:
    out = findings({"U.main": ring({0: (up(1.0), NOT)}, 5)}, catalogue(indicator("U", groups=1)))
    assert set(out.grid["finding_change"]) == {"open"}
    assert out.grid["p_success"].isna().all()
    assert out.grid["change_mean"].notna().all()


def test_a_main_definition_without_posterior_has_its_rows() -> None:
    book = catalogue(indicator("U", groups=1), indicator("V"), indicator("W"))
    out = findings({"U.main": ring({})}, book)
    assert out.grid.groupby("indicator").size().to_dict() == {"U": 30, "V": 30, "W": 30}
    empty = out.grid[out.grid["indicator"] != "U"]
    assert set(empty["finding"]) == {"open"}
    assert empty["flags"].str.contains("not_estimable").all()
    assert empty[["p_success", "level_last", "change_raw"]].isna().all(axis=None)
    assert out.ring["definition"].tolist() == ["U.main"]


def test_a_definition_delivered_for_one_year_alone() -> None:
    n = np.full((30, 1, 2), 500.0)
    n[:, :, 0] = 0
    out = findings({"U.main": ring({}, n=n)}, catalogue(indicator("U", groups=1)))
    assert set(out.grid["finding"]) == {"open"}
    assert out.ring.iloc[0]["word"] == "open"
    assert np.isnan(out.ring.iloc[0]["shift_mean"])


# --- with the ring


@pytest.mark.parametrize(("count", "history", "allowed"), [(12, False, True), (11, False, False), (11, True, True)])
def test_with_the_ring_needs_twelve_cities(count: int, history: bool, allowed: bool) -> None:
    out = findings({"U.main": ring({}, count, shift=1.0)}, catalogue(indicator("U", groups=1)), history=history)
    assert {"with_ring" in flags(one) for _, one in out.grid.iterrows()} == {allowed}
    assert set(out.grid["finding"]) == {"stable"}
    assert out.ring.iloc[0]["word"] == ("improved" if allowed else "open")


def test_with_the_ring_counts_the_cities_that_delivered() -> None:
    n = np.full((20, 1, 2), 500.0)
    n[11:, 0, 0] = 0
    out = findings({"U.main": ring({}, 20, shift=1.0, n=n)}, catalogue(indicator("U", groups=1)))
    assert not out.grid["flags"].str.contains("with_ring").any()
    assert out.ring.iloc[0]["word"] == "open"


def test_with_the_ring_is_no_word_beside_a_relative_finding() -> None:
    cases = {0: (up(1.0, 0.5), NOT), 1: (up(1.0, -0.5), NOT), 2: (up(1.0, -2), NOT), 3: (up(0.5, -2), NOT)}
    out = findings({"U.main": ring(cases, shift=1.0)}, catalogue(indicator("U", groups=1)))
    assert [row(out, i)["finding_change"] for i in range(5)] == ["improved", "worsened", "worsened", "open", "unchanged"]
    assert ["with_ring" in flags(row(out, i)) for i in range(5)] == [False, False, False, False, True]


def test_falling_with_the_ring() -> None:
    out = findings({"U.main": ring({}, shift=-1.0)}, catalogue(indicator("U", groups=1)))
    assert out.grid["flags"].str.contains("with_ring").all()
    assert set(out.grid["finding"]) == {"stable"}
    assert out.ring.iloc[0]["word"] == "worsened"


# --- polarity, gap


def test_polarity_minus_turns_words() -> None:
    cases = {0: (up(0.95), NOT), 1: (NOT, up(0.95))}
    plus = findings({"U.main": ring(cases)}, catalogue(indicator("U", groups=1)))
    minus = findings({"U.main": ring(cases)}, catalogue(indicator("U", "-", groups=1)))
    assert (row(plus, 0)["finding"], row(minus, 0)["finding"]) == ("success", "deficit")
    assert (row(plus, 1)["finding_level"], row(minus, 1)["finding_level"]) == ("better", "worse")
    assert row(plus, 0)["change_mean"] == pytest.approx(-row(minus, 0)["change_mean"])
    assert row(plus, 0)["level_last"] == row(minus, 0)["level_last"]


def test_change_raw_is_turned_and_in_points() -> None:
    one = fake_posterior("R.main", [f"{i:05d}" for i in range(8)], groups=("target",), link="log", kind="rate", draws=20)
    book = catalogue(indicator("R", "-", kind="rate", unit="per_1000", groups=1))
    out = findings({"R.main": one}, book)
    seen = one["observed_data"]
    expected = -1000 * np.diff(seen["y"] / seen["n"], axis=-1)[:, 0, 0]
    np.testing.assert_allclose(out.grid["change_raw"], expected)


def test_a_count_within_bounds_gets_its_finding_but_no_raw_change() -> None:
    trees = {"U.main": ring({0: (up(0.95), NOT)})}
    counts = rings.panel(trees, 30)
    frame = counts.counts.copy()
    first = (frame["city"] == "00000") & (frame["year"] == 2020)
    frame.loc[first, ["y", "y_code"]] = [np.nan, "below_3"]
    book, main = catalogue(indicator("U", groups=1)), {"U": "U.main"}
    out = build_findings(trees, Panel(frame, counts.cities), book, main, rings.YEARS, FindingSettings(), None)
    one = row(out, 0)
    assert one["finding"] == "success"
    assert "coarse" in flags(one)
    assert "not_estimable" not in flags(one)
    assert np.isnan(one["change_raw"])
    assert np.isfinite(one["change_mean"])
    assert "coarse" not in flags(row(out, 1))
    assert [note for note in out.notes if "nur in Grenzen bekannt" in note] == list(out.notes)


def test_rounded_counts_are_flagged_and_shown_as_delivered() -> None:
    trees = {"U.main": ring({})}  # 250 of 1,000 everywhere
    entry = indicator("U", groups=1).model_dump()
    entry["definition"] = [entry["definition"][0] | {"source": "azr"}]
    out = findings(trees, catalogue(IndicatorEntry.model_validate(entry)))
    assert out.grid["flags"].str.contains("coarse").all()
    assert (out.grid["change_raw"] == 0).all()


def test_a_stock_says_that_its_overlap_is_assumed() -> None:
    for stock in (True, False):
        out = findings({"U.main": ring({})}, catalogue(indicator("U", groups=1, stock=stock)))
        assert ["angenommen oder aus früheren Jahren geschätzt" in note for note in out.notes] == [True] * stock


def test_gap_has_a_word_of_its_own() -> None:
    last, change = np.full((DRAWS, 12, 2), -1.0), np.zeros((DRAWS, 12, 2))
    change[:, 0, 1] = up(0.95, -1)  # the reference group fell: the gap narrows, nobody in the target group is better off
    change[:, 1, 1] = up(0.95)
    out = findings({"U.main": tree(last, change, peers=[0] * 12)}, catalogue(indicator("U")))
    assert [row(out, i)["finding_gap"] for i in range(3)] == ["narrowed", "widened", "unchanged"]
    assert [row(out, i)["finding"] for i in range(3)] == ["stable"] * 3
    assert row(out, 0)["gap_target_points"] == pytest.approx(0)
    assert row(out, 0)["gap_reference_points"] < 0 < row(out, 0)["gap_change_points"]


def test_one_group_leaves_the_gap_empty() -> None:
    out = findings({"U.main": ring({})}, catalogue(indicator("U", groups=1)))
    columns = ["gap_change_points", "gap_change_ratio", "gap_change_logit", "p_gap_narrowed", "p_gap_widened"]
    assert out.grid[columns].isna().all(axis=None)
    assert set(out.grid["finding_gap"]) == {""}


def test_scales_that_disagree_are_flagged() -> None:
    # 2 % -> 4 % against 40 % -> 45 %: further apart in points, closer as a ratio
    first, last = np.array([0.02, 0.40]), np.array([0.04, 0.45])
    eta_first, eta_last = (np.log(p / (1 - p)) for p in (first, last))
    levels, change = np.full((10, 8, 2), -1.0), np.zeros((10, 8, 2))
    levels[:, 0], change[:, 0] = eta_last, eta_last - eta_first
    levels[:, 1], change[:, 1] = [-1.0, 0.0], [0.5, 0.1]
    out = findings({"U.main": tree(levels, change)}, catalogue(indicator("U")))
    one = row(out, 0)
    assert one["gap_change_points"] == pytest.approx(100 * ((0.04 - 0.45) - (0.02 - 0.40)))
    assert one["gap_change_ratio"] == pytest.approx(0.04 / 0.45 - 0.02 / 0.40)
    assert one["gap_change_points"] < 0 < one["gap_change_ratio"]
    assert "scale_conflict" in flags(one)
    assert "scale_conflict" not in flags(row(out, 1))


# --- steps


@pytest.mark.parametrize(("kind", "unit", "points"), [("share", "percent", 100.0), ("rate", "per_1000", 1000.0)])
def test_steps_in_points(kind: str, unit: str, points: float) -> None:
    rng = np.random.default_rng(8)
    link = "log" if kind == "rate" else "logit"
    last = rng.normal(-1.5, 0.3, (51, 11, 1))
    one = tree(last, rng.normal(0, 0.1, last.shape), peers=[0] * 11, link=link)
    book = catalogue(indicator("U", groups=1, kind=kind, unit=unit))
    out = findings({"U.main": one}, book, step={"U": {"rho_points": 1.5, "rho_level_points": 2.0}})
    level = np.exp(last[..., 0]) if kind == "rate" else 1 / (1 + np.exp(-last[..., 0]))
    p = float(np.median(np.median(level, axis=1)))
    slope = p if kind == "rate" else p * (1 - p)
    ring_row = out.ring.iloc[0]
    assert ring_row["rho"] == pytest.approx(1.5 / (points * slope))
    assert ring_row["rho_level"] == pytest.approx(2.0 / (points * slope))
    assert (ring_row["rho_points"], ring_row["rho_level_points"]) == (pytest.approx(1.5), pytest.approx(2.0))
    relative = (one["posterior"]["change"].to_numpy()[0, :, :, 0] > 0).mean()
    assert 0 < relative < 1
    assert out.notes == ()


@pytest.mark.parametrize(("p", "points"), [(0.03, 0.28), (0.10, 0.86), (0.30, 2.0), (0.60, 2.3)])
def test_default_step_printed_in_points(p: float, points: float) -> None:
    last = np.full((4, 8, 1), np.log(p / (1 - p)))
    out = findings({"U.main": tree(last, 0 * last)}, catalogue(indicator("U", groups=1)))
    assert out.ring.iloc[0]["rho"] == RHO
    assert round(out.ring.iloc[0]["rho_points"], 2 if points < 1 else 1) == points


@pytest.mark.parametrize(("step", "warned"), [({"rho_points": 1.0}, True), ({"rho_points": 0.7}, False), ({"rho": 0.4}, False)])
def test_a_step_out_of_reach_is_told(step: dict[str, float], warned: bool) -> None:
    last = np.full((4, 8, 1), np.log(0.03 / 0.97))  # one point at 3 % is 0.34 on the logit scale
    out = findings({"U.main": tree(last, 0 * last)}, catalogue(indicator("U", groups=1)), step={"U": step})
    assert [("kaum zu erreichen" in note, "0,34" in note) for note in out.notes] == ([(True, True)] if warned else [])


def test_a_step_on_both_scales_is_refused() -> None:
    with pytest.raises(ValidationError, match="zugleich"):
        FindingSettings.model_validate({"step": {"U": {"rho": 0.1, "rho_points": 1.0}}})


def test_the_step_decides() -> None:
    cases = {0: (up(1.0, 0.2), NOT)}
    book = catalogue(indicator("U", groups=1))
    words = {rho: row(findings({"U.main": ring(cases)}, book, step={"U": {"rho": rho}}), 0)["finding"] for rho in (0.19, 0.21)}
    assert words == {0.19: "success", 0.21: "stable"}


# --- grid and other definitions


def test_other_definitions_take_the_threshold_of_the_grid() -> None:
    main = ring({i: (up(1.0), NOT) for i in range(5)} | {5: (up(0.86), NOT)})
    other = ring({0: (up(0.87), NOT), 1: (up(0.85), NOT)})
    book = catalogue(indicator("U", groups=1, definitions=("main", "other")))
    out = findings({"U.main": main, "U.other": other}, book)
    assert out.kinds.set_index("kind").loc["success", "threshold"] == pytest.approx(0.86)
    assert out.others["finding"].iloc[:3].tolist() == ["success", "open", "stable"]  # a set of its own would hold neither
    alone = findings({"U.main": ring({}), "U.other": other}, book)
    assert alone.others["finding"].iloc[0] == "open"  # no success in the grid, no threshold
    assert set(alone.grid["definition"]) == {"U.main"}
    assert set(alone.others["definition"]) == {"U.other"}


def test_other_definitions_do_not_move_the_grid() -> None:
    main = ring({0: (up(0.85), NOT)})
    other = ring({i: (up(1.0), NOT) for i in range(9)})
    book = catalogue(indicator("U", groups=1, definitions=("main", "other")))
    both = findings({"U.main": main, "U.other": other}, book)
    pd.testing.assert_frame_equal(both.grid, findings({"U.main": main}, book).grid)


def test_plain_rule_holds_for_other_definitions_too() -> None:
    book = catalogue(indicator("U", groups=1, definitions=("main", "other")))
    trees = {"U.main": ring({}), "U.other": ring({0: (up(0.9), NOT), 1: (up(0.89), NOT)})}
    out = findings(trees, book, rule="plain")
    assert out.others["finding"].iloc[:2].tolist() == ["success", "open"]


def test_the_ring_may_name_another_main_definition() -> None:
    book = catalogue(indicator("U", groups=1, definitions=("main", "other")))
    trees = {"U.main": ring({}), "U.other": ring({0: (up(1.0), NOT)})}
    out = findings(trees, book, main={"U": "U.other"})
    assert row(out, 0)["finding"] == "success"
    assert set(out.others["definition"]) == {"U.main"}


def test_kinds_say_how_many_are_expected_to_be_wrong(words: Findings) -> None:
    kinds = words.kinds.set_index("kind")
    assert kinds.loc["success", ["declared", "threshold"]].tolist() == [2, 0.95]
    assert kinds.loc["success", "expected_wrong"] == pytest.approx(0.1)
    assert kinds.loc["deficit", "expected_wrong"] == pytest.approx(0.15)
    assert (kinds["expected_wrong"] <= 0.1 * kinds["declared"] + 1e-9).all()


# --- scope


def test_same_land_compares_within_the_land() -> None:
    lands = ["03"] * 8 + ["05"] * 4 + ["06"] * 8
    cases = {i: (up(1.0), NOT) for i in range(8)}  # a whole Land moved, perhaps because it tests otherwise
    peers = [0] * 8 + [1] * 4 + [2] * 8
    made = {scope: ring(cases, 20, peers=False) for scope in ("same_land", "all_cities")}
    for one in made.values():
        one["constant_data"].to_dataset(inherit=False)["peer"][:] = peers
    out = {
        scope: findings({"U.main": one}, catalogue(indicator("U", groups=1, scope=scope)), lands=lands).grid
        for scope, one in made.items()
    }
    assert set(out["all_cities"]["finding"].iloc[:8]) == {"open"}  # the Land's own shift praises nobody
    assert out["all_cities"]["flags"].iloc[:8].str.contains("with_land").all()
    assert out["same_land"]["finding"].tolist() == ["stable"] * 8 + ["open"] * 4 + ["stable"] * 8
    assert out["same_land"]["p_success"].iloc[8:12].isna().all()  # three others in their Land: too few for a median
    assert out["same_land"]["standing_mean"].notna().all()


def test_own_series_has_no_standing_but_a_change() -> None:
    out = findings({"U.main": ring({0: (up(1.0), NOT)}, peers=False)}, catalogue(indicator("U", groups=1, scope="own_series")))
    assert out.grid["standing_mean"].isna().all()
    assert set(out.grid["finding_level"]) == {"open"}
    assert out.grid["change_mean"].notna().all()


# --- peers


def pairs(count: int) -> Baseline:
    """Every city with its neighbour in the list, in two partitions."""
    first = np.arange(count) // 2
    return Baseline(tuple(f"{i:05d}" for i in range(count)), labels=np.stack([first, first[::-1]]))


def test_standing_and_change_against_peers_take_the_baseline() -> None:
    cases = {0: (up(1.0), up(1.0)), 1: (up(0.3), NOT)}
    one = ring(cases, 20)
    out = findings({"U.main": one}, catalogue(indicator("U", groups=1)), baseline=pairs(20)).grid
    change = one["posterior"]["change"].to_numpy()[0, :, :, 0]
    last = one["posterior"]["mean"].to_numpy()[0, :, :, 0] + 0.5 * change
    for column, values in (("change_against_peers_mean", change), ("standing_mean", last)):
        beyond = values[:, 0] - values[:, 1]
        points = 100 * (1 / (1 + np.exp(-last[:, 0])) - 1 / (1 + np.exp(-last[:, 0] + beyond)))
        assert out[column][0] == pytest.approx(points.mean())
    assert out["p_change_against_peers"][:3].tolist() == pytest.approx([0.7, 0.0, 0.0])
    assert (out["change_against_peers_lower"] <= out["change_against_peers_mean"] + 1e-12)[2:].all()
    plain = findings({"U.main": one}, catalogue(indicator("U", groups=1))).grid
    assert plain["change_against_peers_mean"][0] != out["change_against_peers_mean"][0]
    for column in ("relative_change_mean", "p_success", "finding_change"):
        assert plain[column].tolist() == out[column].tolist()


@pytest.mark.parametrize("scope", ["same_land", "own_series"])
def test_definitions_with_peers_of_their_own_do_not_take_the_baseline(scope: str) -> None:
    one = ring({0: (up(1.0), up(1.0))}, 20, peers=scope == "same_land")
    given = [
        findings({"U.main": one}, catalogue(indicator("U", groups=1, scope=scope)), lands=["03", "05"] * 10, baseline=peers).grid
        for peers in (None, pairs(20))
    ]
    pd.testing.assert_frame_equal(*given)


def test_change_against_peers_carries_no_finding() -> None:
    lonely = np.arange(30)
    lonely[1] = 0
    baseline = Baseline(tuple(f"{i:05d}" for i in range(30)), labels=lonely[None])
    out = findings({"U.main": ring({0: (up(1.0, 3.0), NOT), 1: (up(1.0, 3.0), NOT)})}, catalogue(indicator("U", groups=1)))
    alone = findings(
        {"U.main": ring({0: (up(1.0, 3.0), NOT), 1: (up(1.0, 3.0), NOT)})}, catalogue(indicator("U", groups=1)), baseline=baseline
    )
    assert alone.grid["change_against_peers_mean"].notna().tolist() == [True, True] + [False] * 28
    assert alone.grid["finding_change"].tolist() == out.grid["finding_change"].tolist()
    assert "p_change_against_peers" not in EVENTS.values()


# --- the ring itself


def test_the_shift_of_the_ring_leaves_capped_cities_out() -> None:
    cases = {i: (up(1.0), NOT) for i in range(16)}
    book = catalogue(indicator("U", groups=1), breaks=[cap("U.main", "03")])
    free = findings({"U.main": ring(cases)}, book).ring.iloc[0]
    some = findings({"U.main": ring(cases)}, book, lands=["03"] * 16 + ["91"] * 14).ring.iloc[0]
    every = findings({"U.main": ring(cases)}, book, lands=["03"] * 30).ring.iloc[0]
    assert (free["word"], some["word"], every["word"]) == ("improved", "unchanged", "open")
    assert some["shift_mean"] == pytest.approx(0)
    assert every["shift_mean"] == free["shift_mean"] > 0
    few = findings({"U.main": ring(cases)}, book, lands=["03"] * 19 + ["91"] * 11).ring.iloc[0]
    assert few["word"] == "open"


def test_the_shift_of_the_ring_is_a_median_per_draw() -> None:
    rng = np.random.default_rng(5)
    last, change = rng.normal(-1, 0.3, (200, 13, 1)), rng.normal(0.05, 0.1, (200, 13, 1))
    out = findings({"U.main": tree(last, change)}, catalogue(indicator("U", "-", groups=1))).ring.iloc[0]
    p = 1 / (1 + np.exp(-last[..., 0]))
    first = 1 / (1 + np.exp(-(last - change)[..., 0]))
    shift = np.median(-100 * (p - first), axis=1)
    assert out["shift_mean"] == pytest.approx(shift.mean())
    assert (out["shift_lower"], out["shift_upper"]) == tuple(pytest.approx(x) for x in np.quantile(shift, [0.05, 0.95]))
    assert out["p_worsened"] == pytest.approx((np.median(change[..., 0], axis=1) > RHO).mean())
    assert out["p_improved"] + out["p_worsened"] + out["p_unchanged"] == pytest.approx(1)
    assert out["level_last"] == pytest.approx(np.median(100 * p, axis=1).mean())


# --- the table


def test_columns_are_those_others_read() -> None:
    assert list(FINDING_COLUMNS) == columns.FINDING_COLUMNS
    assert list(CODEBOOK) == columns.FINDING_COLUMNS
    out = findings(
        {"U.main": ring({}, groups=2), "U.other": ring({}, groups=2)}, catalogue(indicator("U", definitions=("main", "other")))
    )
    for frame in (out.grid, out.others):
        assert list(frame.columns[: len(columns.FINDING_COLUMNS)]) == columns.FINDING_COLUMNS
    assert out.grid["robustness"].isna().all()


def test_one_row_for_every_cell() -> None:
    names = ("U", "V", "W")
    trees = {f"{one}.main": ring({}, 14 if one == "V" else 20, groups=1) for one in names}
    out = findings(trees, catalogue(*(indicator(one, groups=1) for one in names)), count=20)
    assert not out.grid.duplicated(["city", "indicator"]).any()
    assert len(out.grid) == 60
    assert out.grid.groupby("indicator")["city"].nunique().tolist() == [20, 20, 20]


def test_words_are_of_the_vocabulary(words: Findings) -> None:
    assert set(words.grid["finding"]) <= {"success", "deficit", "stable", "open"}
    known = {
        "break",
        "with_ring",
        "scale_conflict",
        "poor_level",
        "not_estimable",
        "coarse",
        "composition",
        "context",
        "unverified",
    }
    assert set().union(*(flags(one) for _, one in words.grid.iterrows())) <= known
    assert words.grid["flags"].str.contains("unverified").all()


def test_intervals_are_equal_tailed() -> None:
    rng = np.random.default_rng(2)
    last, change = rng.normal(-1, 0.2, (400, 9, 1)), rng.normal(0, 0.3, (400, 9, 1))
    out = findings({"U.main": tree(last, change)}, catalogue(indicator("U", groups=1)))
    p, first = (1 / (1 + np.exp(-eta[:, 3, 0])) for eta in (last, last - change))
    low, high = np.quantile(100 * (p - first), [0.05, 0.95])
    one = row(out, 3)
    assert (one["change_lower"], one["change_upper"]) == (pytest.approx(low), pytest.approx(high))
    assert one["change_mean"] == pytest.approx((100 * (p - first)).mean())


def test_one_year_decides_on_levels_alone() -> None:
    last = np.full((DRAWS, 12, 1), -1.0)
    last[:, 0, 0] += up(0.95, -1)
    out = findings({"U.main": tree(last, None, peers=[0] * 12)}, catalogue(indicator("U", groups=1)), years=(2021,))
    assert row(out, 0)["finding"] == "deficit"
    assert set(out.grid["finding"].iloc[1:]) == {"open"}
    assert set(out.grid["finding_change"]) == {"open"}
    assert out.grid[["p_success", "p_stable", "change_mean", "change_raw", "level_first", "p_lasting"]].isna().all(axis=None)
    assert out.ring.iloc[0]["word"] == "open"


def test_swapping_the_years_swaps_the_words() -> None:
    rng = np.random.default_rng(11)
    last = rng.normal(-1, 0.3, (1, 20, 2)) + rng.normal(0, 0.05, (300, 20, 2))
    change = rng.normal(0, 0.4, (1, 20, 2)) + rng.normal(0, 0.1, (300, 20, 2))
    book = catalogue(indicator("U"))
    here = findings({"U.main": tree(last, change)}, book).grid
    there = findings({"U.main": tree(last - change, -change)}, book).grid
    turned = {"p_success": "p_worsened", "p_worsened": "p_success", "p_unchanged": "p_unchanged", "p_stable": "p_stable"}
    turned |= {"p_gap_narrowed": "p_gap_widened", "level_first": "level_last", "level_last": "level_first"}
    for one, other in turned.items():
        np.testing.assert_allclose(here[one], there[other], atol=1e-12, err_msg=one)
    swap = {"improved": "worsened", "worsened": "improved"}
    assert here["finding_change"].tolist() == [swap.get(word, word) for word in there["finding_change"]]
    assert {"improved", "worsened"} <= set(here["finding_change"])
    for name in ("change_mean", "gap_change_points", "gap_change_ratio", "gap_change_logit"):
        np.testing.assert_allclose(here[name], -there[name], atol=1e-9, err_msg=name)
    np.testing.assert_allclose(here["change_lower"], -there["change_upper"], atol=1e-9)


def test_helper_panel_holds_what_the_posterior_saw() -> None:
    one = ring({}, 6)
    counts = rings.panel({"U.main": one}, 6).counts
    np.testing.assert_array_equal(counts["n"].to_numpy(float), 1000.0)
