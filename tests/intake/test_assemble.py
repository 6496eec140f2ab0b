"""Count rows, as every reader delivers them, become one panel."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.catalogue.load import Catalogue
from integstat.intake.assemble import assemble
from integstat.intake.cities import city_table
from integstat.intake.problems import Problem
from integstat.panel import Panel

CITIES = {"01002": "Kiel", "02000": "Hamburg", "03241": "Region Hannover"}
YEARS = (2020, 2021)


def rows(
    definition: str = "T1.all", cities: tuple[str, ...] = tuple(CITIES), groups: tuple[str, ...] = ("target", "reference")
) -> pd.DataFrame:
    """Sound rows."""
    made = []
    for position, city in enumerate(cities):
        for group in groups:
            for year in YEARS:
                for part, value in (("numerator", 101.0 + position), ("denominator", 1003.0 + position)):
                    made.append(
                        (
                            city,
                            definition,
                            group,
                            year,
                            part,
                            value,
                            "value",
                            "",
                            f"{city}.xlsx",
                            f"Blatt 'Arbeit', Zelle {group[0]}{year}{part[0]}",
                        )
                    )
    return pd.DataFrame(made, columns=["city", "definition", "group", "year", "part", "value", "code", "note", "file", "place"])


def run(
    frame: pd.DataFrame, catalogue: Catalogue, main: dict[str, str] | None = None, cities: dict[str, str] = CITIES
) -> tuple[Panel, list[Problem]]:
    return assemble(frame, city_table(cities), catalogue, YEARS, {"T1": "all"} if main is None else main)


def change(frame: pd.DataFrame, row: int, **cells: object) -> pd.DataFrame:
    """Change one row."""
    frame = frame.copy()
    for column, value in cells.items():
        frame.loc[row, column] = value
    return frame


def the(problems: list[Problem], what: str) -> Problem:
    found = [problem for problem in problems if what in problem.what]
    assert len(found) == 1, [problem.what for problem in problems]
    return found[0]


def test_sound_rows(small_catalogue: Catalogue) -> None:
    panel, problems = run(rows(), small_catalogue)
    assert problems == []
    assert len(panel.counts) == 12
    first = panel.counts.iloc[0]
    assert (first["indicator"], first["y"], first["n"]) == ("T1", 101.0, 1003.0)
    assert first["place"] == "01002.xlsx, Blatt 'Arbeit', Zelle r2020n / 01002.xlsx, Blatt 'Arbeit', Zelle r2020d"


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_matter(small_catalogue: Catalogue, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(24)
    frame = change(rows(), 3, value=-5.0)
    panel, problems = run(frame.iloc[order], small_catalogue)
    expected, told = run(frame, small_catalogue)
    pd.testing.assert_frame_equal(panel.counts, expected.counts)
    assert set(problems) == set(told)


@settings(max_examples=20, deadline=None)
@given(row=st.integers(0, 23), value=st.one_of(st.floats(-1e6, 1e6), st.integers(0, 10**6).map(float)))
def test_no_contradiction_ever_reaches_the_panel(small_catalogue: Catalogue, row: int, value: float) -> None:
    frame = rows()
    partner = frame.loc[row ^ 1, "value"]
    panel, problems = run(change(frame, row, value=value), small_catalogue)
    counts = panel.counts
    assert not (counts["y"] > counts["n"]).any()
    assert not (counts[["y", "n"]] < 0).any(axis=None)
    whole = counts[["y", "n"]].dropna()
    assert (whole == whole.round()).all(axis=None)
    fits = round(value) <= partner if row % 2 == 0 else round(value) >= partner
    sound = value >= 0 and abs(value - round(value)) <= 1e-6 and fits
    assert sound == (not any(problem.severity == "error" for problem in problems))


@pytest.mark.parametrize(
    ("cells", "severity", "what", "mend"),
    [
        ({"city": "04011"}, "error", "die Stadt 04011 gehört nicht zum Ring", "AGS prüfen"),
        ({"city": "1002"}, "error", "der Gebietsschlüssel '1002' hat die führende Null verloren", "'01002'"),
        ({"city": "03241001"}, "hint", "03241001 ist ein Teil von 03241 und würde doppelt gezählt", "nichts zu tun"),
        ({"definition": "T9.all"}, "error", "die Definition 'T9.all' steht nicht im Katalog", "Kennung prüfen"),
        ({"definition": "T1"}, "error", "die Definition 'T1' steht nicht im Katalog", "Indikator.Definition"),
        ({"year": 2019}, "error", "das Jahr 2019 gehört nicht zu den Berichtsjahren (2020, 2021)", "das Jahr berichtigen"),
        ({"year": 2012}, "error", "das Jahr 2012 gehört nicht zu den Berichtsjahren", "vielleicht ist 2021 gemeint"),
        ({"year": 2200}, "error", "das Jahr 2200 gehört nicht zu den Berichtsjahren", "vielleicht ist 2020 gemeint"),
        ({"value": 1.234}, "error", "ist keine ganze Zahl (1,234)", "vielleicht ist 1.234 gemeint (Tausenderpunkt)"),
        ({"value": 10.5}, "error", "ist keine ganze Zahl (10,500)", "die Anzahl liefern"),
        ({"value": -1.0}, "error", "ist negativ (-1)", "Zahl berichtigen"),
        ({"value": 2000.0}, "error", "Zähler 2.000 größer als Nenner 1.003", "vertauscht"),
    ],
)
def test_faults_in_one_row(small_catalogue: Catalogue, cells: dict[str, object], severity: str, what: str, mend: str) -> None:
    _, problems = run(change(rows(), 0, **cells), small_catalogue)
    problem = the(problems, what)
    assert problem.severity == severity
    assert problem.file == "01002.xlsx"
    assert problem.place == "Blatt 'Arbeit', Zelle t2020n"
    assert mend in problem.mend


def test_a_lonely_numerator_keeps_a_gap_for_its_partner(small_catalogue: Catalogue) -> None:
    panel, problems = run(rows().drop(index=1), small_catalogue)
    problem = the(problems, "Nenner von T1.all, Zielgruppe, fehlt bei 01002 (2020)")
    assert (problem.severity, problem.place) == ("error", "Blatt 'Arbeit', Zelle t2020n")
    cell = panel.counts.query("city == '01002' and group == 'target' and year == 2020").iloc[0]
    assert (cell["y"], cell["n_code"]) == (101.0, "missing")


def test_the_same_city_from_two_files(small_catalogue: Catalogue) -> None:
    frame = pd.concat([rows(), rows(cities=("01002",)).assign(file="kopie.xlsx")], ignore_index=True)
    panel, problems = run(frame, small_catalogue)
    problem = the(problems, "01002 ist doppelt geliefert: 8 Zahlen")
    assert (problem.severity, problem.file) == ("error", "kopie.xlsx")
    assert "schon in 01002.xlsx, Blatt 'Arbeit'" in problem.what
    assert len(panel.counts) == 12


def test_a_region_and_its_part_both_in_the_ring(small_catalogue: Catalogue) -> None:
    cities = CITIES | {"03241001": "Hannover"}
    _, problems = run(rows(cities=tuple(cities)), small_catalogue, cities=cities)
    assert the(problems, "03241001 ist ein Teil von 03241, beide sind im Ring").severity == "error"


@pytest.mark.parametrize(
    ("query", "main", "severity", "what"),
    [
        ("year == 2020", {"T1": "all"}, "error", "T1.all, Zielgruppe: das Jahr 2021 fehlt bei 01002, 02000, 03241"),
        ("city != '02000' or year == 2020", {"T1": "all"}, "error", "T1.all, Zielgruppe: das Jahr 2021 fehlt bei 02000"),
        ("city != '02000' or year == 2020", {}, "doubt", "T1.all, Zielgruppe: das Jahr 2021 fehlt bei 02000"),
        (
            "city != '02000' or group == 'target'",
            {"T1": "all"},
            "error",
            "T1.all, Vergleichsgruppe: das Jahr 2020 fehlt bei 02000",
        ),
        ("city != '02000'", {"T1": "all"}, "doubt", "T1.all ist nicht geliefert: 02000"),
        ("city != '02000'", {"T1": "other"}, "error", "die Hauptdefinition T1.other des Indikators T1 ist nicht geliefert"),
    ],
)
def test_what_is_not_there(small_catalogue: Catalogue, query: str, main: dict[str, str], severity: str, what: str) -> None:
    _, problems = run(rows().query(query), small_catalogue, main)
    problem = the(problems, what)
    assert problem.severity == severity
    assert problem.mend


def test_another_definition_does_not_stand_in_for_the_main_one(small_catalogue: Catalogue) -> None:
    frame = pd.concat([rows(cities=("01002", "03241")), rows("T1.other", cities=("02000",))], ignore_index=True)
    _, problems = run(frame, small_catalogue)
    problem = the(problems, "die Hauptdefinition T1.all fehlt, geliefert ist eine andere Definition: 02000")
    assert (problem.severity, problem.city) == ("doubt", "02000")
    assert "höchstens einen Befund zum Stand" in problem.mend


def test_a_definition_changed_between_the_years_is_told(small_catalogue: Catalogue) -> None:
    main = rows().query("city != '02000' or year == 2020")
    frame = pd.concat([main, rows("T1.other", cities=("02000",)).query("year == 2021")], ignore_index=True)
    _, problems = run(frame, small_catalogue)
    problem = the(problems, "Zielgruppe: das Jahr 2021 ist nach einer anderen Definition geliefert: 02000")
    assert (problem.severity, problem.city) == ("doubt", "02000")
    assert not any(one.severity == "error" for one in problems)


def test_means_of_months_need_not_be_whole(small_catalogue: Catalogue) -> None:
    frame = rows("T3.all").assign(value=lambda one: one["value"] + 0.25)
    panel, problems = run(frame, small_catalogue, {"T3": "all"})
    assert problems == []
    assert panel.counts["y"].iloc[0] == 101.25


def test_figures_rounded_to_five_are_named(small_catalogue: Catalogue) -> None:
    cities = {f"03{number:03d}": "" for number in range(101, 105)}
    frame = rows(cities=tuple(cities))
    frame["value"] = (frame["value"] / 5).round() * 5
    _, problems = run(frame, small_catalogue, cities=cities)
    assert len(problems) == 4
    assert all(problem.severity == "hint" and "auf 5 gerundet" in problem.what for problem in problems)


def test_different_concepts_above_and_below_are_named(small_catalogue: Catalogue) -> None:
    _, problems = run(rows("T1.mixed"), small_catalogue, {})
    assert the(problems, "Zähler und Nenner von T1.mixed grenzen die Zielgruppe verschieden ab").severity == "hint"


def test_signs_stay_what_they_are(small_catalogue: Catalogue) -> None:
    frame = change(change(rows(), 0, value=np.nan, code="secret"), 3, value=np.nan, code="unreliable")
    panel, problems = run(change(frame, 4, value=0.0, code="nothing"), small_catalogue)
    codes = panel.counts.query("city == '01002'").set_index(["group", "year"])
    assert codes.loc[("target", 2020), "y_code"] == "secret"
    assert codes.loc[("target", 2021), "n_code"] == "unreliable"
    assert codes.loc[("reference", 2020), "y_code"] == "nothing"
    assert {problem.check for problem in problems} == {"sign", "rate_jump"}  # nothing, where a hundred were a year later


def test_no_rows_at_all(small_catalogue: Catalogue) -> None:
    panel, problems = run(rows().iloc[:0], small_catalogue)
    assert len(panel.counts) == 0
    assert the(problems, "die Hauptdefinition T1.all").severity == "error"
