"""A delivery as everybody may know it: problems that quote nothing, and cells that say why they are empty."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.disclosure.cells import apart, catalogue
from tests.panel.cells import panel
from tests.report import rings

from integstat.config import load_ring
from integstat.disclosure.flags import with_flags
from integstat.disclosure.protect import protect, protect_delivery, unspoken
from integstat.disclosure.settings import DisclosureSettings
from integstat.findings.build import redeclared
from integstat.intake.problems import Problem
from integstat.intake.take_in import Delivery, take_in
from integstat.report import ReportData, write_report
from integstat.report.workbook_sheets import build_sheets
from integstat.texts import Texts


def held(*cells: tuple[str, str], told: bool = True, base: bool = False) -> pd.DataFrame:
    """Held counts of these cities and definitions, with or without their bases."""
    return pd.DataFrame([(*cell, told, base) for cell in cells], columns=["city", "definition", "told", "base"])


def problem(what: str, city: str = "", definition: str = "", value: str = "", **more: str) -> Problem:
    kept = {"severity": "doubt"} | more
    return Problem(
        file="a.xlsx", place="C4", what=what, mend="bitte prüfen", city=city, definition=definition, value=value, **kept
    )  # type: ignore[arg-type]


LEFT_OUT = [
    problem("Zähler 2 über Nenner 1", "00001", "U.main", "2; 1"),
    problem("ein Vermerk dazu", "00001", "U.main"),
    problem("alle Zahlen auf 5 gerundet", "", "U.main", severity="hint"),
    problem("weit weg von den anderen Städten", "00002", "U.main", "9"),
    problem("die Summe der Teile ist eine andere", "00001", "", "12; 2; 11"),
]
KEPT = [
    problem("Zähler 9 über Nenner 8", "00001", "V.main", "9; 8"),
    problem("der Name der Stadt fehlt", "00001"),
    problem("eine Zeile fehlt", "00002", "U.main"),
    problem("der Nenner springt", "00002", "U.main", "400; 900", check="base_jump"),
    problem("negativ", "00001", "U.main", "-2", severity="error"),
]


@pytest.mark.parametrize("one", [*LEFT_OUT, *KEPT], ids=lambda one: one.what)
def test_problems_that_may_depend_on_a_held_count_are_left_out_and_no_others(one: Problem) -> None:
    assert (one in unspoken([one], held(("00001", "U.main")))) == (one in KEPT)


def test_where_nothing_is_held_all_is_told_but_figures_that_are_no_counts_of_the_ring() -> None:
    """A part of a table can be a small count that no definition asks for."""
    assert unspoken([*LEFT_OUT, *KEPT], held()) == (*LEFT_OUT[:-1], *KEPT)


def test_where_a_base_is_held_no_doubt_about_other_bases_is_told() -> None:
    """A base that jumps is told only where few do: what is told of one city depends on the bases of the others."""
    jump = problem("der Nenner springt", "00002", "U.main", "400; 900", check="base_jump")
    for told in (True, False):
        assert unspoken([jump], held(("00001", "U.main"), told=told, base=True)) == ()
    assert unspoken([jump], held(("00001", "V.main"), base=True)) == (jump,)


def test_a_held_base_is_known_as_one() -> None:
    kept = protect(panel([[(1, 2), (4, 9)]]), catalogue("U"), DisclosureSettings(), apart("U"))
    assert kept.held["base"].tolist() == [True, False]


def test_a_count_that_never_was_a_number_silences_nothing() -> None:
    about = problem("geheim", "00001", "U.main")
    assert unspoken([about], held(("00001", "U.main"), told=False)) == (about,)


@pytest.fixture(scope="module")
def simulated(_simulated: Path) -> tuple[Delivery, Path]:
    config, book = load_ring(_simulated / "ring.toml")
    return take_in(config, _simulated / "ring.toml", book), _simulated / "ring.toml"


def small(delivery: Delivery, *values: float) -> Delivery:
    """The first numerators replaced by these."""
    counts = delivery.panel.counts.copy()
    counts.loc[counts.index[: len(values)], "y"] = values
    return replace(delivery, panel=type(delivery.panel)(counts, delivery.panel.cities))


def test_a_delivery_says_how_many_counts_are_held_and_never_which(simulated: tuple[Delivery, Path]) -> None:
    delivery, path = simulated
    config, book = load_ring(path)
    kept = protect_delivery(small(delivery, 0, 2), DisclosureSettings(), config, book, ())
    assert kept.panel.counts["y_code"].tolist().count("below_3") == 2
    added = [one for one in kept.problems if one not in delivery.problems]
    assert [(one.severity, one.what[:46]) for one in added] == [("hint", "2 Zähler sind vertraulich und in keiner Ausgab")]
    assert protect_delivery(small(delivery, 1, 1), DisclosureSettings(), config, book, ()).problems == kept.problems
    assert protect_delivery(delivery, DisclosureSettings(), config, book, ()).problems == delivery.problems


def test_a_ring_without_disclosure_control_says_so(simulated: tuple[Delivery, Path]) -> None:
    delivery, path = simulated
    config, book = load_ring(path)
    off = protect_delivery(delivery, DisclosureSettings(threshold=0), config, book, ())
    assert off.panel is delivery.panel
    assert "ausgeschaltet" in off.problems[-1].what


def test_to_protect_twice_is_to_protect_once() -> None:
    whole = panel([[(1, 400), (400, 400)], [(5, 8), (1, 2)]])
    once = protect(whole, catalogue("U"), DisclosureSettings(), apart("U")).panel
    pd.testing.assert_frame_equal(protect(once, catalogue("U"), DisclosureSettings(), apart("U")).panel.counts, once.counts)


@pytest.fixture(scope="module")
def secret() -> ReportData:
    """A ring in which a city's count was secret in the last year, and nothing could be estimated there."""
    data = rings.ring(9, main=rings.MAIN[:2], others=())
    grid = data.findings.grid.copy()
    numbers = grid.select_dtypes("number").columns.difference(["rho"])
    here = (grid["city"] == data.cities["city"][0]) & (grid["definition"] == "B2.register")
    grid.loc[here, numbers] = np.nan
    grid.loc[here, ["finding", "finding_change", "finding_level"]] = "open"
    grid.loc[here, "flags"] = "not_estimable;definition_changed"
    cells = grid[["city", "definition"]].assign(group="target", year=2021, y=5.0, n=50.0, y_code="value", n_code="value")
    cells.loc[here, ["y", "y_code"]] = [np.nan, "secret"]
    cells = cells.assign(indicator=cells["definition"].str.partition(".")[0], note="", place="")
    panel_type = type(panel([[(5, 50)]]))
    found = with_flags(replace(data.findings, grid=grid), panel_type(cells, data.cities))
    return replace(data, findings=found)


def test_only_secret_cells_are_flagged(secret: ReportData) -> None:
    flags = secret.findings.grid["flags"].str.split(";").map(lambda some: "confidential" in some)
    assert flags.sum() == 1
    assert secret.findings.grid.loc[flags, "flags"].iloc[0] == "not_estimable;definition_changed;confidential"


def test_the_flag_stays_where_findings_are_declared_anew(secret: ReportData) -> None:
    anew, _ = redeclared(secret.findings, secret.findings.grid, secret.settings)
    assert anew.grid["flags"].tolist() == secret.findings.grid["flags"].tolist()


@pytest.mark.parametrize(("language", "word"), [("de", "Geheimhaltung"), ("en", "Confidential")])
def test_report_and_workbook_give_the_reason(secret: ReportData, language: str, word: str) -> None:
    texts = Texts(language)
    page = write_report(secret, language)
    reason = texts.t("reason.confidential")
    assert reason.startswith(word)
    assert page.count(reason) >= 1
    sheet = next(one for one in build_sheets(secret, texts) if one.id == "findings").frame
    told = sheet.loc[sheet["flags"].str.contains(texts.t("workbook.flag.confidential"), regex=False), "reasons"]
    assert told.tolist() == [reason]  # not that figures are lacking, nor that definitions changed
