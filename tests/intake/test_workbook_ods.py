"""Workbooks saved as OpenDocument: the same figures as from Excel's form, and nothing that a file may try."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.intake import workbook_ods
from integstat.intake.problems import UnreadableFile
from integstat.intake.workbook_layout import MAX_COLUMNS, MAX_ROWS
from integstat.intake.workbook_ods import MIME
from integstat.intake.workbook_open import open_workbook

from .workbook_samples import CITY, COUNTS, GOOD, figures, read

FILES = Path(__file__).parent / "files"
HEAD = (
    "<?xml version='1.0' encoding='UTF-8'?>{doctype}"
    "<office:document-content xmlns:office='urn:oasis:names:tc:opendocument:xmlns:office:1.0' "
    "xmlns:table='urn:oasis:names:tc:opendocument:xmlns:table:1.0' xmlns:text='urn:oasis:names:tc:opendocument:xmlns:text:1.0' "
    "xmlns:style='urn:oasis:names:tc:opendocument:xmlns:style:1.0' "
    "xmlns:draw='urn:oasis:names:tc:opendocument:xmlns:drawing:1.0'>"
    "<office:automatic-styles><style:style style:name='away' style:family='table'><style:table-properties table:display='false'/>"
    "</style:style></office:automatic-styles><office:body><office:spreadsheet>{body}"
    "</office:spreadsheet></office:body></office:document-content>"
)


def packed(content: bytes, manifest: bytes = b"<x/>") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", MIME)
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", manifest)
    return buffer.getvalue()


def ods(body: str, doctype: str = "", manifest: bytes = b"<x/>") -> bytes:
    return packed(HEAD.format(body=body, doctype=doctype).encode(), manifest)


def sheet(rows: str, name: str = "Blatt", more: str = "") -> str:
    return f"<table:table table:name={quoteattr(name)} {more}>{rows}</table:table>"


def cell(kind: str, inside: str = "", **attributes: str) -> str:
    listed = " ".join(f"{name.replace('__', ':').replace('_', '-')}={quoteattr(value)}" for name, value in attributes.items())
    return f"<table:table-cell office:value-type='{kind}' {listed}>{inside}</table:table-cell>"


def row(cells: str, more: str = "") -> str:
    return f"<table:table-row {more}>{cells}</table:table-row>"


def first(cells: str) -> Any:
    return open_workbook(ods(sheet(row(cells))), "stadt.ods").worksheets[0]


def test_what_libreoffice_saved_is_read_like_the_workbook_it_came_from() -> None:
    delivery = read((FILES / "libreoffice.ods").read_bytes())
    assert delivery.city == CITY
    assert [(problem.severity, problem.place) for problem in delivery.problems] == [
        ("doubt", "Blatt 'Arbeit', Zelle I5"),
        ("doubt", "Blatt 'Arbeit', Zelle J5"),
        ("doubt", "Blatt 'Arbeit', Zelle R7"),
    ]
    aside = {("A1.main", "reference", year, "numerator") for year in (2020, 2021)}  # row 7 says another definition
    sound = figures(read(GOOD))
    for key, (value, code) in figures(delivery).items():
        assert key in sound
        if key in aside:
            assert code == "missing"
        else:
            assert (pytest.approx(value, nan_ok=True), code) == sound[key]
    assert len(delivery.rows) == len(COUNTS)
    assert [(one.title, one.since) for one in delivery.measures] == [("Lotsen", 2019)]
    assert "=kein Verweis" in set(delivery.rows["note"])  # text, as it was typed
    assert delivery.contact == "Frau Muster"


def test_every_kind_of_cell() -> None:
    found = first(
        cell("float", "<text:p>1.234</text:p>", office__value="1234")
        + cell("float", office__value="0.5")
        + cell("percentage", office__value="0.25")
        + cell("boolean", office__boolean_value="true")
        + cell("date", office__date_value="2021-03-01")
        + cell("time", office__time_value="PT01H30M00S")
        + cell("string", "<text:p>ein<text:s text:c='2'/>Wort</text:p><text:p><text:span>noch</text:span> eins</text:p>")
        + cell("float", "<text:p>7</text:p>", table__formula="of:=[.A1]*2", office__value="7")
        + cell("string", "<text:p>=1+1</text:p>")
        + cell("string", "<office:annotation><text:p>Notiz</text:p></office:annotation><text:p>Text</text:p>")
        + "<table:table-cell/>"
        + cell("currency", office__value="3")
    )
    values = [(one.value, one.data_type, one.number_format) for one in found[1]]
    assert values[0] == (1234, "n", "General")
    assert values[1][:2] == (0.5, "n")
    assert values[2] == (0.25, "n", "0%")
    assert values[3][:2] == (True, "b")
    assert (values[4][1], values[4][0].month) == ("d", 3)
    assert (values[5][1], values[5][0].total_seconds()) == ("d", 5400)
    assert values[6][:2] == ("ein  Wort\nnoch eins", "s")
    assert values[7][1] == "f"
    assert values[8][:2] == ("=1+1", "s")
    assert values[9][0] == "Text"
    assert values[10][0] is None
    assert values[11][:2] == (3, "n")


def test_repeated_merged_and_hidden() -> None:
    body = (
        "<table:table-column/><table:table-column table:visibility='collapse' table:number-columns-repeated='2'/>"
        + row(cell("float", office__value="1", table__number_columns_repeated="3"))
        + row(cell("float", office__value="2"), "table:number-rows-repeated='2' table:visibility='filter'")
        + row("<table:table-cell table:number-columns-repeated='16384'/>", "table:number-rows-repeated='1048000'")
        + row(cell("string", "<text:p>x</text:p>", table__number_columns_spanned="2", table__number_rows_spanned="2"))
    )
    book = open_workbook(ods(sheet(body) + sheet("", "Versteckt", "table:style-name='away'")), "stadt.ods")
    one = book.worksheets[0]
    assert [list(line) for line in one.iter_rows(max_row=3, values_only=True, max_col=3)] == [
        [1, 1, 1],
        [2, None, None],
        [2, None, None],
    ]
    assert [one.row_dimensions[number].hidden for number in (1, 2, 3)] == [False, True, True]
    assert [(span.min, span.max) for span in one.column_dimensions.values() if span.hidden] == [(2, 3)]
    assert one.max_row == MAX_ROWS + 1  # beyond that nothing is kept, but that there is something is seen
    assert [book[name].sheet_state for name in ("Blatt", "Versteckt")] == ["visible", "hidden"]
    merged = first(cell("float", office__value="1", table__number_columns_spanned="2")).merged_cells
    assert [str(span) for span in merged.ranges] == ["A1:B1"]


def test_tables_that_are_no_sheet_are_passed_over() -> None:
    inner = sheet(row(cell("float", office__value="9")), "innen")
    drawn = cell("string", f"<draw:frame>{inner}</draw:frame><text:p>außen</text:p>")
    body = f"<table:tracked-changes>{inner}</table:tracked-changes>{sheet(row(drawn))}<table:dde-links>{inner}</table:dde-links>"
    book = open_workbook(ods(body), "stadt.ods")
    assert book.sheetnames == ["Blatt"]
    assert book["Blatt"]["A1"].value == "außen"


REFUSED = [
    ("entities", ods(sheet(row("&a;")), "<!DOCTYPE x [<!ENTITY a 'b'>]>"), "stadt.ods"),
    ("cut off", packed(HEAD.format(body="", doctype="").encode()[:-30]), "beschädigt"),
    ("no number", ods(sheet(row(cell("float", office__value="viele")))), "beschädigt"),
    ("no date", ods(sheet(row(cell("date", office__date_value="morgen")))), "beschädigt"),
    ("no duration", ods(sheet(row(cell("time", office__time_value="1 h")))), "beschädigt"),
    ("cell without a sheet", ods(row(cell("float", office__value="1"))), "beschädigt"),
    ("forbidden name", ods(sheet("", "a[b]")), "beschädigt"),
    ("many sheets", ods("".join(sheet("", f"B{n}") for n in range(101))), "mehr als 100 Blätter"),
    ("a password", ods(sheet(""), manifest=b"<x><encryption-data/></x>"), "Kennwort"),
]


@pytest.mark.parametrize(("content", "what"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_cannot_be_read_is_one_sentence(content: bytes, what: str) -> None:
    with pytest.raises(UnreadableFile, match=what):
        open_workbook(content, "stadt.ods")


def test_a_few_bytes_do_not_become_a_million_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_ods, "MAX_CELLS", 1000)
    wide = row(cell("float", office__value="1", table__number_columns_repeated="16384"), "table:number-rows-repeated='1048576'")
    with pytest.raises(UnreadableFile, match="ausgefüllte Zellen"):
        open_workbook(ods(sheet(wide)), "stadt.ods")
    wide = row("<table:table-cell table:number-rows-spanned='100000' table:number-columns-spanned='100'/>")
    with pytest.raises(UnreadableFile, match="verbundene Zellen"):
        open_workbook(ods(sheet(wide)), "stadt.ods")
    long = first(cell("string", "<text:p>" + "x" * 300_000 + "</text:p>"))["A1"].value
    assert len(long) < 40_000
    far = row("<table:table-cell table:number-columns-repeated='5000'/>" + cell("float", office__value="1"))
    assert open_workbook(ods(sheet(far)), "stadt.ods")["Blatt"].max_column == MAX_COLUMNS + 1


number = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Cn"]))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(number, text), min_size=1, max_size=6))
def test_values_come_out_as_they_went_in(values: list[float | str]) -> None:
    cells = [
        cell("float", office__value=repr(value)) if isinstance(value, float) else cell("string", office__string_value=value)
        for value in values
    ]
    found = [one.value for one in first("".join(cells))[1]]
    assert len(found) == len(values)
    for got, value in zip(found, values, strict=True):
        assert got == value if isinstance(value, str) else math.isclose(got, value)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 4000), st.binary(min_size=1, max_size=4))
def test_damaged_bytes_are_a_workbook_or_one_sentence(place: int, piece: bytes) -> None:
    content = bytearray(HEAD.format(body=sheet(row(cell("float", office__value="1")) * 20), doctype="").encode())
    at = place % len(content)
    content[at : at + len(piece)] = piece
    try:
        book = open_workbook(packed(bytes(content)), "stadt.ods")
    except UnreadableFile:
        return
    assert isinstance(book, openpyxl.Workbook)


def test_a_text_with_every_sign_of_xml_stays_what_it_is() -> None:
    typed = "<&>'\" %"
    assert first(cell("string", f"<text:p>{escape(typed)}</text:p>"))["A1"].value == typed
