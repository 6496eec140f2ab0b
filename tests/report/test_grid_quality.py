"""The overview's strength of findings, and what the page says of each city's data."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.multiverse import with_universes
from tests.report.rings import ring

from integstat.intake.problems import Problem, problem_table
from integstat.report import ReportData, write_report
from integstat.report.view.grid import grid_view, strength
from integstat.report.view.head import head_view
from integstat.report.view.lookup import build_lookup
from integstat.report.view.quality import quality_view
from integstat.report.words import DECLARED, flags_of, state_of
from integstat.texts import Texts


@pytest.fixture(scope="module")
def data() -> ReportData:
    return ring(12)


@given(st.floats(0, 1), st.floats(0, 1))
def test_strength_grows_with_the_share_that_agrees(one: float, other: float) -> None:
    assert 1 <= strength(min(one, other)) <= strength(max(one, other)) <= 4


def test_full_strength_is_for_nearly_all_ways_and_none_where_nothing_is_known() -> None:
    assert (strength(1.0), strength(0.95), strength(0.94), strength(0.79), strength(0.49)) == (4, 4, 3, 2, 1)
    assert strength(float("nan")) == 0


def test_cells_show_the_robustness_of_the_findings_and_only_theirs(data: ReportData) -> None:
    look = build_lookup(with_universes(data), Texts("de"))
    shown = 0
    for row in grid_view(look).rows:
        for one, cell in zip(look.indicators, row.cells, strict=True):
            robustness = look.cell(row.city, one)["robustness"]
            known = cell.state in DECLARED and np.isfinite(robustness)
            assert cell.strength == (strength(robustness) if known else 0)
            assert cell.held == (f"gleich auf {look.texts.percent(robustness)} der Rechenwege" if known else "")
            shown += known
    assert shown


def test_without_other_ways_no_word_of_strength(data: ReportData) -> None:
    assert not grid_view(build_lookup(data, Texts("de"))).held
    assert "Rechenwege kommt derselbe Befund" not in write_report(data)


def test_quality_counts_what_the_grid_cannot_use(data: ReportData) -> None:
    look = build_lookup(data, Texts("de"))
    limited = set()
    for row in quality_view(look):
        cells = {one.name: look.cell(row.city, one) for one in look.indicators}
        silent = [name for name, cell in cells.items() if state_of(cell) in ("missing", "capped")]
        assert row.usable == f"{len(cells) - len(silent)} von {len(cells)}"
        for name, cell in cells.items():
            told = [line for line in row.limits if name in line]
            assert bool(told) >= (name in silent or "coarse" in flags_of(cell))
            limited |= {line.split(":")[0] for line in told}
    assert {"Nicht zu schätzen", "Bruch der Zahlenreihe"} <= limited


def test_quality_counts_the_remarks_of_each_city(data: ReportData) -> None:
    key = str(data.cities["city"].iloc[0])
    found = [
        Problem("doubt", "a.xlsx", "C4", "eins", "zwei", city=key),
        Problem("hint", "a.xlsx", "C5", "drei", "vier", city=key),
    ]
    look = build_lookup(dataclasses.replace(data, problems=problem_table(found)), Texts("de"))
    rows = {row.city.key: row.problems for row in quality_view(look)}
    assert rows.pop(key) == "ein Zweifel und ein Hinweis"
    assert set(rows.values()) == {""}


def test_the_head_counts_how_far_the_findings_reach(data: ReportData) -> None:
    look = build_lookup(with_universes(data), Texts("de"))
    levels = [cell.strength for row in grid_view(look).rows for cell in row.cells if cell.strength]
    told = " ".join(head_view(look).stands)
    assert f"Von {len(levels)} Befunden kommen {levels.count(4)} auf mindestens 95" in told
    assert {0: "Keiner beruht", 1: "Einer beruht"}.get(levels.count(1), f"{levels.count(1)} beruhen") in told
    assert "Rechenwegen" not in " ".join(head_view(build_lookup(data, Texts("de"))).stands)
