"""Workbooks of the Bundesagentur: titles, merged header rows, signs, footnotes; and what can be broken about them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from integstat.intake.labour_agency import read_labour_agency
from integstat.intake.problems import UnreadableFile

from .reading import book, cells, file_of, keyed, read_series, source

HEADER = [
    ["Gemeindedaten der sozialversicherungspflichtig Beschäftigten"],
    ["Ausgewählte Regionen"],
    ["Stichtag: 30. Juni 2021"],
    [],
    ["Schlüssel", "Region", "Beschäftigte am Wohnort", None, None, "Beschäftigte am\nArbeits-\nort 1)"],
    [None, None, "Insgesamt", "davon", None, None],
    [None, None, None, "Deutsche", "Ausländer²⁾", None],
    [1, 2, 3, 4, 5, 6],
]
ROWS: list[list[Any]] = [
    [None, "Deutschland", 33_800_000, 29_400_000, 4_400_000, 33_800_000],
    ["01", "Schleswig-Holstein", 1_000_000, 900_000, 100_000, 1_000_000],
    ["01002", "Kiel, Landeshauptstadt", 100_500, 90_400, 10_100, 125_000],
    ["03403000", "Oldenburg (Oldb), Stadt", 70_000, "*", "*", 90_000.5],
    ["03241", "Region Hannover", "x", "-", ".", None],
]
FOOT: list[list[Any]] = [[], ["1) Ohne Auspendler ins Ausland."], ["© Statistik der Bundesagentur für Arbeit"]]
MERGED = ("A1:F1", "A5:A7", "B5:B7", "C5:E5", "F5:F7", "C6:C7", "D6:E6")
SPEC = source(
    "labour_agency",
    file="f.xlsx",
    leading=("Schlüssel", "Region"),
    header=("Merkmal", "Teil", "Gruppe"),
    region={"column": "Schlüssel", "name": "Region", "whole_kreis": True},
)


def workbook(rows: list[list[Any]] = ROWS, header: list[list[Any]] = HEADER, merged: tuple[str, ...] = MERGED) -> Any:
    return file_of(book([*header, *rows, *FOOT], merged), "f.xlsx")


def test_merged_header_rows_become_columns_and_the_title_gives_the_date() -> None:
    table, problems = keyed(workbook(), SPEC)
    assert list(dict.fromkeys(zip(table.frame["Merkmal"], table.frame["Teil"], table.frame["Gruppe"], strict=True))) == [
        ("Beschäftigte am Wohnort", "Insgesamt", "Insgesamt"),
        ("Beschäftigte am Wohnort", "davon", "Deutsche"),
        ("Beschäftigte am Wohnort", "davon", "Ausländer"),
        ("Beschäftigte am Arbeitsort",) * 3,
    ]
    assert set(table.frame["Zeit"]) == {"30.06.2021"}
    assert {problem.severity for problem in problems} == {"hint"}
    assert any("Bund, Land oder Region" in problem.what for problem in problems)
    assert any("der Gebietsschlüssel ist leer" in problem.what and "Deutschland" in problem.what for problem in problems)


def test_figures_and_signs() -> None:
    foreigners = read_series(workbook(), SPEC, {"Gruppe": "Ausländer"})
    assert cells(foreigners) == {
        ("01002", 2021): (10100.0, "value"),
        ("03241", 2021): (-1.0, "secret"),
        ("03403", 2021): (-1.0, "secret"),
    }
    assert foreigners.figures["03403", 2021].place == "Blatt 'Tabelle', Zelle E12"
    assert cells(read_series(workbook(), SPEC, {"Gruppe": "Deutsche"}))["03241", 2021] == (0.0, "nothing")
    assert cells(read_series(workbook(), SPEC, {"Gruppe": "Insgesamt"}))["03241", 2021] == (-1.0, "senseless")
    place_of_work = {"Merkmal": "Beschäftigte am Arbeitsort"}
    assert cells(read_series(workbook(), SPEC, place_of_work, measure="mean")) == {
        ("01002", 2021): (125000.0, "value"),
        ("03241", 2021): (-1.0, "missing"),
        ("03403", 2021): (90000.5, "value"),
    }
    (problem,) = read_series(workbook(), SPEC, place_of_work).problems
    assert (problem.place, problem.severity) == ("Blatt 'Tabelle', Zelle F12", "error")
    assert "'90000,5' ist keine ganze Zahl" in problem.what


def test_years_across() -> None:
    header = [["Zeitreihe"], ["Schlüssel", "Region", "Arbeitslose", None], [None, None, 2020, 2021]]
    spec = source("labour_agency", leading=("K", "R"), header=("Merkmal", "Jahr"), region={"column": "K"}, year="Jahr")
    file = file_of(book([*header, ["01002", "Kiel", 11_000, 10_000]], ("C2:D2", "A2:A3", "B2:B3")), "f.xlsx")
    assert cells(read_series(file, spec)) == {("01002", 2020): (11000.0, "value"), ("01002", 2021): (10000.0, "value")}


def test_what_stands_beside_the_table_does_not_matter() -> None:
    """A link in the corner, an empty column, a column of words, a title merged short of the width."""
    header = [
        [*HEADER[0], *[None] * 8, "zurück zum Inhalt"],
        *HEADER[1:4],
        ["Arbeit"],
        [*HEADER[4], None, "Land"],
        *HEADER[5:7],
    ]
    rows = [[*row, None, "SH"] for row in ROWS]
    merged = ("A5:F5", "A6:A8", "B6:B8", "C6:E6", "F6:F8", "C7:C8", "D7:E7", "H6:H8")
    file = workbook(rows, header, merged)
    assert cells(read_series(file, SPEC, {"Gruppe": "Ausländer"})) == cells(
        read_series(workbook(), SPEC, {"Gruppe": "Ausländer"})
    )
    assert list(dict.fromkeys(keyed(file, SPEC)[0].frame["Gruppe"]))[-1] == "Land"


@pytest.mark.parametrize(
    ("title", "date"),
    [
        ("Berichtsmonat: Dezember 2021", "12.2021"),
        ("Berichtsjahr 2021", "2021"),
        ("Stichtag: 30.06.2021", "30.06.2021"),
        (datetime.date(2021, 6, 30), "30.06.2021"),
        ("Juni 2021 (endgültig)", "06.2021"),
    ],
)
def test_dates_in_titles(title: object, date: str) -> None:
    header = [*HEADER[:2], [title], *HEADER[3:]]
    assert set(keyed(workbook(header=header), SPEC)[0].frame["Zeit"]) == {date}


def test_numbers_shown_with_leading_zeros_are_keys() -> None:
    import io

    import openpyxl

    content = openpyxl.load_workbook(io.BytesIO(workbook().content))
    cell = content["Tabelle"]["A11"]
    cell.value, cell.number_format = 1002, "00000"
    out = io.BytesIO()
    content.save(out)
    assert ("01002", 2021) in read_series(file_of(out.getvalue(), "f.xlsx"), SPEC, {"Gruppe": "Deutsche"}).figures


@pytest.mark.parametrize(
    ("cell", "what"),
    [
        ("=SUM(D10:D11)", "'=SUM(D10:D11)' ist keine Zahl"),
        ("12.3.2021", "'12.3.2021' ist keine Zahl"),
        (True, "'WAHR' ist keine Zahl"),
        (datetime.date(2021, 3, 1), "'01.03.2021' ist keine Zahl"),
        ("etwa 50", "'etwa 50' ist keine Zahl"),
    ],
)
def test_cells_that_are_no_numbers(cell: object, what: str) -> None:
    rows = [*ROWS[:2], ["01002", "Kiel", 100_500, cell, 10_100, 125_000], *ROWS[2:][1:]]
    (problem,) = [one for one in read_series(workbook(rows), SPEC, {"Gruppe": "Deutsche"}).problems if one.severity == "error"]
    assert problem.place == "Blatt 'Tabelle', Zelle D11"
    assert what in problem.what


@pytest.mark.parametrize(
    ("rows", "header", "merged", "place", "what"),
    [
        (ROWS, HEADER, (*MERGED, "C11:D11"), "Zelle C11:D11", "verbundene Zellen in den Zahlen"),
        (ROWS, [*HEADER[:6], HEADER[7]], MERGED[:1], "Zeile 6", "2 Kopfzeilen, die Konfiguration nennt 3"),
        ([["a", "b"], ["c", "d"]], HEADER[:7], MERGED, "", "keine Zeile mit Gebietsschlüssel und Zahlen"),
        (ROWS, [*HEADER[:4], [*HEADER[4][:5]], *HEADER[5:]], MERGED[:4], "Zelle F7", "über dieser Spalte steht nichts"),
    ],
)
def test_broken_workbooks(rows: Any, header: Any, merged: Any, place: str, what: str) -> None:
    with pytest.raises(UnreadableFile) as raised:
        read_labour_agency(workbook(rows, header, merged), SPEC)
    assert raised.value.problem.place == ", ".join(part for part in ("Blatt 'Tabelle'", place) if part)
    assert what in raised.value.problem.what
    assert raised.value.problem.mend


def test_sheets() -> None:
    file = file_of(book([*HEADER, *ROWS], MERGED, before=["Impressum", "Inhalt"]), "f.xlsx")
    with pytest.raises(UnreadableFile, match="die Mappe hat 3 Blätter; bitte bei der Quelle 's' das Blatt nennen"):
        read_labour_agency(file, SPEC)
    with pytest.raises(UnreadableFile, match=r"das Blatt 'Daten' gibt es nicht \(vorhanden: 'Impressum', 'Inhalt', 'Tabelle'\)"):
        read_labour_agency(file, SPEC.model_copy(update={"sheet": "Daten"}))
    assert len(read_labour_agency(file, SPEC.model_copy(update={"sheet": "Tabelle"})).frame) == 20


def test_a_cell_far_off_is_refused_before_anything_is_laid_out() -> None:
    import io

    import openpyxl

    content = openpyxl.Workbook()
    content.active["XFD900000"] = "x"
    out = io.BytesIO()
    content.save(out)
    with pytest.raises(UnreadableFile, match="das Blatt reicht bis Zeile 900000 und Spalte 16384"):
        read_labour_agency(file_of(out.getvalue(), "f.xlsx"), SPEC)
