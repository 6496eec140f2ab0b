"""What a sound workbook says, and that writing and reading are inverse."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integstat.intake.deliveries import ROW_COLUMNS
from integstat.intake.numbers import SIGNS
from integstat.intake.workbook import read_workbook
from integstat.intake.workbook_cells import read_figure
from integstat.intake.workbook_layout import SIGN_OF_CODE
from integstat.intake.workbook_writer import Count, workbook_bytes
from integstat.panel import CODES

from .workbook_samples import CITY, CONTEXT, COUNTS, GOOD, NAME, SmallCatalogue, arguments, damaged, figures, read

FILES = Path(__file__).parent / "files"
_few = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def said(value: Count | None) -> tuple[float, str]:
    """What the reader should make of a written figure."""
    if value is None:
        return math.nan, "missing"
    if isinstance(value, str):
        code = SIGNS[value]
        return (0.0 if code == "nothing" else math.nan), code
    return float(value), "value"


def same(got: dict[Any, tuple[float, str]], wanted: dict[Any, tuple[float, str]]) -> None:
    assert list(got)
    assert set(got) == set(wanted)
    for key, (value, code) in wanted.items():
        assert got[key][1] == code, key
        assert got[key][0] == pytest.approx(value, rel=1e-14, nan_ok=True), key


def test_a_sound_workbook_has_no_problems() -> None:
    delivery = read(GOOD)
    assert delivery.problems == []
    assert (delivery.file, delivery.city, delivery.city_name) == ("stadt.xlsx", CITY, NAME)
    assert delivery.context == CONTEXT
    assert tuple(delivery.rows.columns) == (*ROW_COLUMNS, "step")
    assert set(delivery.rows["city"]) == {CITY}
    same(figures(delivery), {key: said(value) for key, value in COUNTS.items()})


def test_every_figure_knows_its_cell() -> None:
    book = openpyxl.load_workbook(io.BytesIO(GOOD))
    for row in read(GOOD).rows.itertuples():
        sheet, cell = row.place.removeprefix("Blatt '").split("', Zelle ")
        written = COUNTS[row.definition, row.group, row.year, row.part]
        assert book[sheet][cell].value == written


def test_remarks_and_vintage_come_along() -> None:
    def fill(book: Any) -> None:
        book["Arbeit"]["S6"] = "  ohne\nNebenwohnungen "
        book["Anleitung"]["C8"] = "März 2022"

    delivery = read(damaged(fill))
    assert delivery.problems == []
    assert delivery.vintage == "März 2022"
    noted = delivery.rows[delivery.rows["note"] != ""]
    assert set(noted["note"]) == {"ohne Nebenwohnungen"}
    assert set(zip(noted["definition"], noted["group"], noted["part"], noted["year"], strict=True)) == {
        ("A1.main", "target", "denominator", 2020),
        ("A1.main", "target", "denominator", 2021),
    }


def test_a_name_for_people_replaces_the_path() -> None:
    delivery = read_workbook(Path("a/b.xlsx"), GOOD, SmallCatalogue(), name="a/b.xlsx")
    assert delivery.file == "a/b.xlsx"
    assert set(delivery.rows["file"]) == {"a/b.xlsx"}


@pytest.mark.parametrize("years", [(2021,), (2019, 2020, 2021)])
def test_any_number_of_years(years: tuple[int, ...]) -> None:
    counts = {(d, g, year, p): float(100 + year) for d, g, _, p in COUNTS for year in years}
    delivery = read(workbook_bytes(**arguments(years=years, counts=counts)))
    assert delivery.problems == []
    same(figures(delivery), {key: said(value) for key, value in counts.items()})


def test_columns_exchanged_with_their_anchors_keep_their_years() -> None:
    def exchange(book: Any) -> None:
        sheet = book["Arbeit"]
        for row in range(3, 13):
            left, right = sheet.cell(row, 9), sheet.cell(row, 10)
            left.value, right.value = right.value, left.value

    delivery = read(damaged(exchange))
    assert delivery.problems == []
    same(figures(delivery), {key: said(value) for key, value in COUNTS.items()})


def test_an_empty_row_and_an_empty_column_move_nothing() -> None:
    def insert(book: Any) -> None:
        book["Arbeit"].insert_rows(7)
        book["Arbeit"].insert_cols(9)
        book["Rechtliche Integration"].insert_rows(1, 2)

    delivery = read(damaged(insert))
    assert [problem for problem in delivery.problems if problem.severity == "error"] == []
    same(figures(delivery), {key: said(value) for key, value in COUNTS.items()})


figure = st.one_of(
    st.integers(0, 10_000_000).map(float),
    st.floats(0, 1e6).map(lambda value: round(value, 3)),
    st.sampled_from(list(SIGN_OF_CODE.values())),
    st.none(),
)


@_few
@given(
    values=st.lists(figure, min_size=len(COUNTS), max_size=len(COUNTS)),
    context=st.dictionaries(st.sampled_from(["pop", "density", "rent"]), st.floats(-1e6, 1e9)),
)
def test_what_is_written_is_read(values: list[Count | None], context: dict[str, float]) -> None:
    cells = dict(zip(COUNTS, values, strict=True))
    counts = {key: value for key, value in cells.items() if value is not None}
    content = workbook_bytes(**arguments(counts=counts, context=context, context_names={}))
    delivery = read(content)
    begun = {key[0] for key in counts}
    wanted = {key: said(value) for key, value in cells.items() if key[0] in begun}
    if begun:
        same(figures(delivery), wanted)
    else:
        assert len(delivery.rows) == 0
    assert delivery.context == pytest.approx(context, rel=1e-14)
    errors = [problem for problem in delivery.problems if problem.severity == "error"]
    assert bool(errors) == (not begun)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=12), st.text("0123456789.,- <xX/…%\u00a0", max_size=9)))
def test_any_text_is_a_figure_or_a_fault(text: str) -> None:
    cell = openpyxl.Workbook().active["A1"]
    cell.data_type = "s"
    cell._value = text
    got = read_figure(cell)
    assert got.code in CODES
    assert math.isnan(got.value) == (got.code not in ("value", "nothing"))
    if got.fault:
        assert got.code == "missing"
        assert all(part and not part.endswith(".") for part in got.fault)
    if got.code == "value":
        assert got.as_text
        assert got.value >= 0
    if got.blank:
        assert not text.strip()


def test_a_workbook_of_the_first_layout_is_still_read() -> None:
    delivery = read((FILES / "layout_1.xlsx").read_bytes())
    assert delivery.problems == []
    same(figures(delivery), {key: said(value) for key, value in COUNTS.items()})
    assert set(delivery.rows["step"]) == {0}
    assert set(delivery.rows["note"]) == {""}


def test_whether_anything_was_entered() -> None:
    def typed(sheet: str, cell: str, value: object) -> bytes:
        return damaged(lambda book: book[sheet].__setitem__(cell, value), empty)

    empty = workbook_bytes(**arguments(counts=None, context=None))
    assert read(empty).untouched
    assert not read(GOOD).untouched
    for sheet, cell, value in (
        ("Arbeit", "I5", "=1+1"),
        ("Arbeit", "S5", "kommt im Mai"),
        ("Arbeit", "R5", "ohne Grenzgänger"),
        ("Kontext", "C5", 5),
    ):
        assert not read(typed(sheet, cell, value)).untouched, (sheet, cell)
    named = read(typed("Anleitung", "C7", "Frau Muster"))
    assert (named.untouched, named.contact) == (True, "Frau Muster")  # who answers is no figure
    assert not read(b"PK").untouched
