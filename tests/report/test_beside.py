"""What stands beside the findings in the report: objections, fields, usual practice, themes and learning partners, priors."""

from __future__ import annotations

import dataclasses

import pytest
from tests.report import rings

from integstat.change.settings import PriorChanges
from integstat.history import HistoryEntry
from integstat.history.file import HistoryRow
from integstat.report import ReportData, write_report
from integstat.report.view import build_view
from integstat.report.view.build import ReportView
from integstat.report.words import DECLARED
from integstat.texts import Texts

TEXTS = Texts("de")


@pytest.fixture(scope="module")
def data() -> ReportData:
    return rings.ring()


@pytest.fixture(scope="module")
def view(data: ReportData) -> ReportView:
    return build_view(data, TEXTS)


@pytest.fixture(scope="module")
def page(data: ReportData) -> str:
    return write_report(data)


# --- objections


def test_every_declared_finding_is_answered_and_no_other(view: ReportView) -> None:
    rows = [row for section in view.cities for row in section.rows]
    assert any(row.objections for row in rows)
    for row in rows:
        assert bool(row.objections) == (row.state in DECLARED)
        assert len(row.objections) in ((5,) if row.state in DECLARED else (0,))


def test_the_ledger_of_a_finding_stands_under_the_objection_of_chance(view: ReportView, data: ReportData) -> None:
    grid = data.findings.grid.set_index(["city", "definition"])
    section, row = next((s, r) for s in view.cities for r in s.rows if r.objections)
    cell = grid.loc[(section.city.key, row.indicator.definition)]
    shown = [figure.value for figure in row.objections[0].figures]
    digits = row.indicator.digits
    parts = [cell[f"ledger_{part}_mean"] for part in ("chance", "ring", "year", "lasting")]
    assert shown == [TEXTS.number(float(x), digits, sign=True) for x in (cell["change_raw"], *parts)]
    assert any("Voreinstellung" in answer for answer in row.objections[0].answer)


def test_what_cannot_be_compared_is_said(view: ReportView) -> None:
    answers = [a for s in view.cities for r in s.rows for o in r.objections for a in o.answer]
    assert any("einer anderen Definition wurde nicht geliefert" in answer for answer in answers)
    assert any("anderen gelieferten Definition ist der Befund" in answer for answer in answers)


def test_objections_stand_in_the_page(page: str) -> None:
    assert page.count('class="objections"') > 20
    assert "„Das ist nur Zufall.“" in page


# --- fields


def test_fields_have_a_word_and_say_what_it_rests_on(view: ReportView) -> None:
    cells = [cells[0] for _, cells in view.fields.rows]
    kinds = [cell.kind for cell in cells]
    assert sorted(set(kinds)) == ["improved", "missing", "open", "unchanged", "worsened"]
    declared = next(cell for cell in cells if cell.kind == "improved")
    assert "93" in declared.certainty
    assert declared.count == "2\u00a0Indikatoren"
    assert next(cell for cell in cells if cell.kind == "missing").figure == ""
    assert "60" in view.fields.example  # 2.4 against 4 wide
    assert "weniger als zwei Indikatoren" in view.fields.alone


def test_a_single_year_has_no_fields_and_no_usual_practice() -> None:
    view = build_view(rings.ring(years=(2021,)), TEXTS)
    assert view.fields.rows == ()
    assert view.usual.rows == ()
    assert all(not row.objections for section in view.cities for row in section.rows)


# --- usual practice


def test_usual_practice_counts_every_eligible_cell_once(view: ReportView, data: ReportData) -> None:
    plain = [row for row in view.usual.rows if "Benjamini" not in row.name]
    assert sum(int(row.cells) for row in plain) == int(data.findings.grid["eligible"].sum())
    for row in view.usual.rows:
        assert int(row.cells) == sum(int(count) for count in (row.improved, row.worsened, row.unchanged, row.open))


# --- themes and learning partners


def test_deficits_have_partners_or_a_reason(view: ReportView, data: ReportData) -> None:
    grid = data.findings.grid
    told = {(city.key, one.indicator.id) for city, deficits in view.learning.cities for one in deficits}
    counted = grid[grid["counts_as_deficit"]]
    assert told == set(zip(counted["city"], counted["indicator"], strict=True))
    for city, deficits in view.learning.cities:
        for one in deficits:
            assert bool(one.partners) != bool(one.none)
            assert all(partner.city.key != city.key for partner in one.partners)


def test_what_a_city_wrote_is_escaped(page: str) -> None:
    assert "Lerncafé &lt;" in page
    assert "Lerncafé <" not in page


def test_themes_name_fields_before_their_indicators(view: ReportView) -> None:
    assert view.learning.themes[0].field
    assert {one.field for one in view.learning.themes} == {True, False}


# --- priors


def entry(informs: bool) -> HistoryEntry:
    row = HistoryRow(
        definition="E3.leavers",
        group="target",
        years=9,
        cities=45,
        informs=informs,
        reason="" if informs else "die Spanne ist zu weit",
        share=0.38,
        share_lower=0.1,
        share_upper=0.7,
    )
    return HistoryEntry(
        indicator="E3",
        definition="E3.leavers",
        main="E3.leavers",
        file="history.toml",
        name="Probegeschichte",
        first_year=2011,
        last_year=2019,
        row=row,
        priors=PriorChanges(lasting_source="history" if informs else None),
    )


@pytest.mark.parametrize(("informs", "said"), [(True, "ein Anteil von 38"), (False, "die Spanne ist zu weit")])
def test_the_source_of_the_priors_is_told(data: ReportData, informs: bool, said: str) -> None:
    view = build_view(dataclasses.replace(data, history=(entry(informs),)), TEXTS)
    notes = {one.indicator.id: " ".join(one.notes) for one in view.made.indicators}
    assert "Probegeschichte, 2011 bis 2019, 45\u00a0Städte" in notes["E3"]
    assert said in notes["E3"]
    assert "Voreinstellung" in notes["E2"]
    assert "Vorannahmen" not in notes["B2"]  # carries no finding
