"""What the written workbook looks like to the person who fills it in."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter

from integstat.catalogue.load import load_catalogue
from integstat.errors import UsageError
from integstat.intake.deliveries import PARTS
from integstat.intake.numbers import SIGNS
from integstat.intake.workbook import read_workbook
from integstat.intake.workbook_layout import (
    ANCHOR_ROW,
    FIRST_ROW,
    HEADER_ROW,
    REGISTER,
    SCHEMA,
    SIGN_MEANING_DE,
    SIGN_OF_CODE,
    cell_name,
    sheet_names,
)
from integstat.intake.workbook_rules import compared, hint_formula, jumps, rate_value
from integstat.intake.workbook_words import exact_words, example_of
from integstat.intake.workbook_writer import workbook_bytes, write_workbook
from integstat.panel import CODES

from .workbook_samples import CITY, COUNTS, ENTRIES, GOOD, YEARS, arguments, figures, read


@pytest.fixture(scope="module")
def book() -> Any:
    return openpyxl.load_workbook(io.BytesIO(GOOD))


@pytest.fixture(scope="module")
def shown() -> Any:
    """The workbook with the results that stand beside the formulas."""
    return openpyxl.load_workbook(io.BytesIO(GOOD), data_only=True)


def test_sheets_in_order(book: Any) -> None:
    assert book.sheetnames == ["Anleitung", "Rechtliche Integration", "Arbeit", "Kontext", "Maßnahmen", REGISTER]
    assert book[REGISTER].sheet_state == "veryHidden"
    assert {book[name].sheet_state for name in book.sheetnames[:-1]} == {"visible"}


def test_the_guide_says_ring_city_version_and_signs(book: Any) -> None:
    sheet = book["Anleitung"]
    values = {sheet.cell(row, 1).value: sheet.cell(row, 3) for row in range(1, 12) if sheet.cell(row, 1).value}
    assert {key: cell.value for key, cell in values.items()} == {
        "schema": SCHEMA,
        "ring": "Proberunde",
        "city": CITY,
        "city_name": "Musterstadt",
        "contact": None,
        "vintage": None,
    }
    assert {key for key, cell in values.items() if not cell.protection.locked} == {"city", "city_name", "contact", "vintage"}
    assert values["city"].number_format == "@"
    assert sheet.column_dimensions["A"].hidden
    meanings = {sheet.cell(row, 2).value: sheet.cell(row, 3).value for row in range(1, sheet.max_row + 1)}
    assert {sign: meanings[sign] for sign in SIGN_MEANING_DE} == SIGN_MEANING_DE


def test_exactly_the_inputs_are_unlocked_coloured_and_checked(book: Any) -> None:
    sheet = book["Arbeit"]
    assert sheet.protection.sheet
    inputs = {f"{letter}{row}" for letter in "IJ" for row in range(5, 13)}
    beside = {f"{letter}{row}" for letter in "QR" for row in range(5, 13)}
    notes = {f"S{row}" for row in range(5, 13)}
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert {cell.coordinate for cell in cells if not cell.protection.locked} == inputs | beside | notes
    assert {cell.coordinate for cell in cells if cell.fill.fgColor.rgb == "FFFFF7CC"} == inputs | beside | notes
    checked = {cell for rule in sheet.data_validations.dataValidation for cell in str(rule.sqref).split()}
    assert checked == inputs | beside
    for name in ("Anleitung", "Rechtliche Integration", "Kontext", "Maßnahmen", REGISTER):
        assert book[name].protection.sheet, name


def test_a_validation_names_its_own_cell_and_all_signs(book: Any) -> None:
    for rule in book["Arbeit"].data_validations.dataValidation:
        (cell,) = str(rule.sqref).split()
        if cell[0] in "QR":
            continue
        assert rule.type == "custom"
        assert rule.showErrorMessage
        assert set(re.findall(r"\b[A-Z]+\d+\b", rule.formula1)) == {cell}
        assert set(re.findall(r'"([^"]*)"', rule.formula1)) == set(SIGN_OF_CODE.values())
        assert ("INT" in rule.formula1) == (int(cell[1:]) < 9)  # annual means need not be whole
        assert len(rule.formula1) <= 255
        assert len(rule.error) <= 255
        assert len(rule.prompt) <= 255


def test_anchors_are_hidden_and_headings_are_not(book: Any) -> None:
    sheet = book["Arbeit"]
    assert sheet.row_dimensions[ANCHOR_ROW].hidden
    assert not sheet.row_dimensions[HEADER_ROW].hidden
    assert [sheet.column_dimensions[letter].hidden for letter in "ABCD"] == [False, True, True, False]
    assert sheet.freeze_panes == "E5"
    heads = [cell.value for cell in sheet[HEADER_ROW]]
    assert heads[3:] == [
        "Kennzahl",
        "Definition",
        "Grundzahl",
        "Gruppe",
        "Teil",
        "2020",
        "2021",
        "Quote 2020",
        "Quote 2021",
        "Letzte Lieferung",
        "Hinweis",
        "Was genau: Abgrenzung, Stichtag, Quelle",
        "Beispiel (nur die Form)",
        "Genauigkeit",
        "Abweichende Definition",
        "Bemerkung",
    ]
    assert sheet.column_dimensions["M"].hidden  # nothing was delivered before
    rows = [[cell.value for cell in row[:8]] for row in sheet.iter_rows(min_row=FIRST_ROW, max_row=8)]
    main = ["Beschäftigungsquote", "Beschäftigte je 100 Personen"]
    above, below = "Beschäftigte am Wohnort", "Bevölkerung von 15 bis unter 65 Jahren"
    assert rows == [
        ["A1.main", "target", "numerator", *main, above, "Ausländer", "Zähler"],
        ["A1.main", "target", "denominator", *main, below, "Ausländer", "Nenner"],
        ["A1.main", "reference", "numerator", *main, above, "Deutsche", "Zähler"],
        ["A1.main", "reference", "denominator", *main, below, "Deutsche", "Nenner"],
    ]


def test_a_lagged_denominator_says_so(book: Any) -> None:
    assert book["Rechtliche Integration"]["F6"].value.endswith("(Stand: Vorjahr der Spalte)")


def test_a_fixed_denominator_says_its_year() -> None:
    indicator, definition = ENTRIES[0]
    fixed = definition.model_copy(update={"denominator_year": 2019})
    content = workbook_bytes(**arguments(catalogue_entries=[(indicator, fixed)], counts=None))
    sheet = openpyxl.load_workbook(io.BytesIO(content))["Arbeit"]
    assert sheet["F6"].value.endswith("(in jeder Spalte: Stand 2019)")
    assert sheet["F5"].value == "Beschäftigte am Wohnort"


def test_rates_are_locked_formulas_that_show_their_value(book: Any, shown: Any) -> None:
    cell = book["Arbeit"]["K5"]
    assert cell.protection.locked
    assert cell.value == '=IF(AND(OR(ISNUMBER(I5),I5="-"),ISNUMBER(I6)),IF(I6>0,IF(I5="-",0,I5)/I6,""),"")'
    assert shown["Arbeit"]["K5"].value == pytest.approx(5121 / 9876)
    assert shown["Arbeit"]["L7"].value == pytest.approx(41518 / 63900)
    assert shown["Arbeit"]["L11"].value in (None, "")  # '/' over a number
    assert shown["Rechtliche Integration"]["K5"].value == 0  # '-' over a number
    assert "*1000" in book["Rechtliche Integration"]["K5"].value
    assert book["Arbeit"]["K6"].value is None


@pytest.mark.parametrize(
    ("above", "below", "rate"),
    [
        (1.0, 4.0, 0.25),
        ("-", 4.0, 0.0),
        (1.0, 0.0, None),
        ("<3", 4.0, None),
        (1.0, None, None),
        (None, 4.0, None),
        (1.0, "-", None),
    ],
)
def test_what_a_rate_shows(above: float | str | None, below: float | str | None, rate: float | None) -> None:
    assert rate_value(above, below) == rate


def rules(sheet: Any, colour: str) -> set[str]:
    """Cells in which a rule of this colour waits."""
    areas = [(str(area.sqref), rule.dxf.fill) for area in sheet.conditional_formatting for rule in area.rules]
    return {cell for cell, fill in areas if colour in (str(fill.bgColor.rgb)[-6:], str(fill.fgColor.rgb)[-6:])}


def test_a_numerator_above_its_denominator_turns_red_only_where_it_must_not_be(book: Any) -> None:
    assert rules(book["Arbeit"], "F8CBAD") == {f"{letter}{row}" for letter in "IJ" for row in (5, 7, 9, 11)}
    assert rules(book["Rechtliche Integration"], "F8CBAD") == set()


def test_a_row_says_exactly_what_to_count(book: Any) -> None:
    sheet = book["Arbeit"]
    exact = "Gruppen nach Staatsangehörigkeit; Stichtag 31.12.; nach dem Wohnort; Quelle: Bundesagentur für Arbeit"
    assert sheet["O5"].value == exact
    assert (sheet["P5"].value, sheet["P9"].value) == ("345", "345,25")
    assert book["Rechtliche Integration"]["O6"].value.split("; ")[1] == "Stichtag 31.12. des Vorjahres"
    prompts = {str(rule.sqref): rule.prompt for rule in sheet.data_validations.dataValidation}
    assert prompts["I5"].startswith(exact)
    assert "z. B. 345," in prompts["I5"]


def test_every_definition_of_the_catalogue_has_exact_words() -> None:
    catalogue = load_catalogue()
    for one in catalogue.definition_ids:
        indicator, definition = catalogue.definition(one)
        for part in PARTS:
            words = exact_words(definition, part)
            assert "Quelle: " in words
            assert not re.search(r"None|;\s*;|^;|;$", words), words
        if definition.age_below is not None:
            assert f"unter {definition.age_below:g} Jahre".replace(".", ",") in exact_words(definition, "numerator")
        assert example_of(definition.kind or indicator.kind, "numerator")


LAST = {
    ("A1.main", "target", "numerator"): 900.0,
    ("A1.main", "target", "denominator"): 9800.0,
    ("R1.eight", "target", "numerator"): "<3",
}


@pytest.fixture(scope="module")
def with_last() -> bytes:
    return workbook_bytes(**arguments(last=LAST, last_year=2019, contact="Frau Muster"))


def test_what_was_delivered_last_stands_beside_the_inputs_and_cannot_be_changed(with_last: bytes) -> None:
    book = openpyxl.load_workbook(io.BytesIO(with_last))
    sheet = book["Arbeit"]
    assert sheet["M4"].value == "Letzte Lieferung 2019"
    assert not sheet.column_dimensions["M"].hidden
    assert [sheet[f"M{row}"].value for row in (5, 6, 7)] == [900, 9800, None]
    assert book["Rechtliche Integration"]["M5"].value == "<3"
    assert all(sheet[f"{letter}{row}"].protection.locked for letter in "MN" for row in range(5, 13))
    assert book["Anleitung"]["C7"].value == "Frau Muster"
    assert read(with_last).problems == []
    assert read(with_last).rows.equals(read(GOOD).rows)


def test_a_figure_far_from_the_last_one_is_marked_and_told(with_last: bytes) -> None:
    book, shown = (openpyxl.load_workbook(io.BytesIO(with_last), data_only=only)["Arbeit"] for only in (False, True))
    assert shown["N5"].value == "Sprung: bitte prüfen"  # 5,121 after 900
    assert shown["N6"].value in (None, "")  # 9,876 after 9,800
    assert rules(book, "FFD966") == {f"{letter}{row}" for letter in "IJ" for row in range(5, 13)}
    assert set(re.findall(r"[A-Z]5", book["N5"].value)) == {"I5", "J5", "M5"}


@pytest.mark.parametrize(
    ("years", "last_year", "pairs"),
    [
        ((2020, 2021), None, [(1, 0)]),
        ((2020, 2021), 2019, [(0, None), (1, 0)]),
        ((2020, 2021), 2020, [(0, None), (1, 0)]),
        ((2019, 2021), 2020, [(1, None), (1, 0)]),
        ((2020, 2021), 2021, [(1, None), (1, 0)]),
        ((2020, 2021), 2022, [(1, 0)]),
        ((2021,), 2020, [(0, None)]),
        ((2021,), None, []),
    ],
)
def test_which_figures_are_held_against_each_other(
    years: tuple[int, ...], last_year: int | None, pairs: list[tuple[int, int | None]]
) -> None:
    assert compared(years, last_year) == pairs


def test_without_anything_to_compare_the_hint_is_empty() -> None:
    assert hint_formula([]) == '=""'


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_jump_looks_the_same_from_both_sides_and_chance_is_none(a: int, b: int) -> None:
    assert jumps(float(a), float(b)) == jumps(float(b), float(a))
    assert not jumps(float(a), float(a))
    if abs(a - b) <= 3 * (a + b) ** 0.5 or max(a, b) <= 1.5 * min(a, b):
        assert not jumps(float(a), float(b))


@pytest.mark.parametrize(
    ("one", "other", "jump"),
    [
        (100.0, 160.0, True),
        (100.0, 140.0, False),
        (3.0, 9.0, False),
        (0.0, 10.0, True),
        ("-", 10.0, True),
        ("<3", 900.0, False),
        (None, 5.0, False),
    ],
)
def test_what_jumps(one: float | str | None, other: float | str | None, jump: bool) -> None:
    assert jumps(one, other) is jump


def width(sheet: Any, column: int) -> float:
    """Width of a column in characters; neighbours of one width share an entry."""
    (found,) = (span.width for span in sheet.column_dimensions.values() if span.min <= column <= span.max)
    return float(found)


def test_columns_are_wide_and_rows_high_enough_to_read(book: Any) -> None:
    for name in ("Arbeit", "Rechtliche Integration"):
        sheet = book[name]
        for row in range(FIRST_ROW, sheet.max_row + 1):
            lines = (sheet.row_dimensions[row].height or 15) / 15  # 15 points are Excel's own height
            for column in range(4, 9):
                text = sheet.cell(row, column).value
                assert len(text) <= lines * width(sheet, column), (name, row, text)


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert workbook_bytes(**arguments()) == GOOD


def test_a_template_is_empty_and_its_formulas_show_nothing() -> None:
    content = workbook_bytes(**arguments(counts=None, context=None, city="", city_name=""))
    inputs = openpyxl.load_workbook(io.BytesIO(content))["Arbeit"]
    assert {cell.value for row in inputs["I5:J12"] for cell in row} == {None}
    results = openpyxl.load_workbook(io.BytesIO(content), data_only=True)["Arbeit"]
    assert {cell.value for row in results["K5:L12"] for cell in row} <= {None, ""}


def test_text_is_never_a_formula() -> None:
    names = {"employed": "=1+1"}
    content = workbook_bytes(**arguments(count_names=names, ring_name="=HYPERLINK(1)", city_name="=2"))
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book["Arbeit"]["F5"].data_type == "s"
    assert book["Anleitung"]["C6"].data_type == "s"
    assert read(content).city_name == "=2"


def test_the_whole_shipped_catalogue_fits_into_a_template() -> None:
    catalogue = load_catalogue()
    entries = [catalogue.definition(one) for one in catalogue.definition_ids]
    names = {
        "field_names": {one.id: one.name_de for one in catalogue.fields.values()},
        "count_names": {one.id: one.name_de for one in catalogue.counts.values()},
    }
    counts = {
        (f"{indicator.id}.{definition.id}", group, year, part): 10.0
        for indicator, definition in entries
        for group in indicator.groups
        for year in YEARS
        for part in PARTS
    }
    content = workbook_bytes(**arguments(catalogue_entries=entries, counts=counts, **names))
    delivery = read_workbook(Path("alles.xlsx"), content, catalogue)
    assert delivery.problems == []
    assert set(figures(delivery)) == set(counts)


def test_without_features_there_is_no_context_sheet() -> None:
    content = workbook_bytes(**arguments(context=None, context_names=None))
    assert "Kontext" not in openpyxl.load_workbook(io.BytesIO(content)).sheetnames
    assert read(content).problems == []


@pytest.mark.parametrize(
    ("names", "sheets"),
    [
        ({"a": "Bildung / Kita [neu]"}, {"a": "Bildung Kita neu"}),
        ({"a": "Kontext", "b": "kontext"}, {"a": "Kontext 2", "b": "kontext 3"}),
        ({"a": "x" * 40, "b": "x" * 40}, {"a": "x" * 31, "b": "x" * 29 + " 2"}),
        ({"a": "???"}, {"a": "a"}),
        ({"a": "'Arbeit'"}, {"a": "Arbeit"}),
    ],
)
def test_sheets_get_names_that_excel_allows(names: dict[str, str], sheets: dict[str, str]) -> None:
    assert sheet_names(names, names) == sheets


def test_cells_are_named_as_excel_does() -> None:
    for column in (1, 26, 27, 52, 702, 703, 16384):
        assert cell_name(7, column) == f"{get_column_letter(column)}7"


def test_every_code_has_a_sign_that_is_read_back() -> None:
    assert {SIGNS[sign] for sign in SIGN_OF_CODE.values()} == set(CODES) - {"value"}
    assert all(SIGNS[sign] == code for code, sign in SIGN_OF_CODE.items())


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"counts": {("A1.main", "target", 2020, "numerator"): -1.0}}, "no count"),
        ({"counts": {("A1.main", "target", 2020, "numerator"): float("nan")}}, "no count"),
        ({"counts": {("A1.main", "target", 2020, "numerator"): "viele"}}, "no sign"),
        ({"counts": {("A1.main", "target", 2019, "numerator"): 1.0}}, "no cell"),
        ({"counts": {("R1.eight", "reference", 2020, "numerator"): 1.0}}, "no cell"),
        ({"context": {"pop": float("inf")}}, "no number"),
        ({"years": (2021, 2020), "counts": None}, "ascend"),
        ({"catalogue_entries": [], "counts": None}, "at least one"),
        ({"catalogue_entries": [*ENTRIES, ENTRIES[0]]}, "twice"),
        ({"field_names": {"work": "Arbeit"}}, "without a name"),
        ({"last": {("A1.main", "target", "numerator"): -1.0}}, "no count"),
    ],
)
def test_what_does_not_fit_is_refused(other: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        workbook_bytes(**arguments(**other))


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "stadt.xlsx"
    path.write_bytes(b"before")
    with pytest.raises(ValueError, match="no count"):
        write_workbook(path, **arguments(counts={next(iter(COUNTS)): -1.0}))
    assert path.read_bytes() == b"before"
    write_workbook(path, **arguments())
    assert path.read_bytes() == GOOD
    assert [one.name for one in tmp_path.iterdir()] == ["stadt.xlsx"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nirgends/stadt\.xlsx: die Arbeitsmappe lässt sich nicht schreiben"):
        write_workbook(tmp_path / "nirgends" / "stadt.xlsx", **arguments())
