"""Damaged workbooks: each gets its sentence, with the place and the mend, and never a traceback."""

from __future__ import annotations

import csv
import datetime
import io
import math
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.intake import workbook_open
from integstat.intake.problems import Severity
from integstat.intake.workbook_layout import REGISTER, SCHEMA
from integstat.intake.workbook_writer import workbook_bytes

from .workbook_samples import CITY, COUNTS, GOOD, arguments, damaged, figures, read

Change = Callable[[Any], object]


@dataclass(frozen=True)
class Case:
    """A damage and what must be said about it: parts of place, sentence and mend."""

    name: str
    change: Change
    severity: Severity
    place: str
    what: str
    mend: str

    def __str__(self) -> str:
        return self.name


def put(cell: str, value: object, *, sheet: str = "Arbeit", form: str | None = None) -> Change:
    """Write a value into a cell."""

    def change(book: Any) -> None:
        book[sheet][cell] = value
        if form is not None:
            book[sheet][cell].number_format = form

    return change


def as_text(cell: str, text: str) -> Change:
    """Write a text into a cell, even one that looks like a formula or a number."""

    def change(book: Any) -> None:
        book["Arbeit"][cell].value = text
        book["Arbeit"][cell].data_type = "s"

    return change


def both(*changes: Change) -> Change:
    """Do several changes."""

    def change(book: Any) -> None:
        for one in changes:
            one(book)

    return change


def copy_row(book: Any) -> None:
    sheet = book["Arbeit"]
    for column in range(1, 14):
        sheet.cell(13, column).value = sheet.cell(5, column).value


def copy_sheet(book: Any) -> None:
    book.copy_worksheet(book["Arbeit"]).title = "Arbeit (2)"


def sort_visible_columns(book: Any) -> None:
    """What sorting does to a sheet whose hidden columns were not selected."""
    sheet = book["Arbeit"]
    for column in range(4, 14):
        above, below = sheet.cell(5, column), sheet.cell(6, column)
        above.value, below.value = below.value, above.value


def wipe(title: str) -> Change:
    """Empty a sheet, anchors and all."""

    def change(book: Any) -> None:
        sheet = book[title]
        sheet.delete_rows(1, sheet.max_row)

    return change


def fill_blank(sheet: str, cells: str) -> Change:
    """Take the figures out of a block of cells."""

    def change(book: Any) -> None:
        for row in book[sheet][cells]:
            for cell in row:
                cell.value = None

    return change


def hide(book: Any) -> None:
    book["Arbeit"].row_dimensions[7].hidden = True
    book["Rechtliche Integration"].sheet_state = "hidden"
    book["Arbeit"].column_dimensions["I"].hidden = True


def number_as_key(book: Any) -> None:
    """A template for 91001 in which the key became a number."""
    book[REGISTER]["B2"] = "91001"
    book["Anleitung"]["C5"] = 91001


def unregister(book: Any) -> None:
    """Rows pasted from another template: known to the catalogue, not to this template."""
    for line in book[REGISTER].iter_rows():
        if line[2].value == "A1.monthly":
            line[0].value = None


def add_sheet(book: Any) -> None:
    book.create_sheet("Notizen")


def rows(title: str, first: int, number: int = 1) -> Change:
    """Delete rows."""
    return lambda book: book[title].delete_rows(first, number)


def column(title: str, position: int) -> Change:
    """Delete a column."""
    return lambda book: book[title].delete_cols(position)


def sheet(title: str) -> Change:
    """Delete a sheet."""
    return lambda book: book.remove(book[title])


def rename(old: str, new: str) -> Change:
    def change(book: Any) -> None:
        book[old].title = new

    return change


GUIDE = "Blatt 'Anleitung', Zelle C5"
CASES = [
    # what stands in a cell
    Case("formula", put("I5", "=5000+121"), "error", "Blatt 'Arbeit', Zelle I5", "Formel statt Zahl", "als Wert"),
    Case("link to another file", put("J8", "='[x.xlsx]T'!A1"), "error", "Zelle J8", "Formel statt Zahl", "als Wert"),
    Case("#DIV/0!", put("I6", "#DIV/0!"), "error", "Blatt 'Arbeit', Zelle I6", "Fehlerwert #DIV/0!", "selbst eintragen"),
    Case("#REF!", put("J6", "#REF!"), "error", "Blatt 'Arbeit', Zelle J6", "Fehlerwert #REF!", "selbst eintragen"),
    Case("boolean", put("I5", True), "error", "Zelle I5", "Wahrheitswert WAHR", "eine Zahl ab 0 oder eines der Zeichen"),
    Case("date", put("I5", datetime.datetime(2021, 3, 1)), "error", "Zelle I5", "Datum oder Uhrzeit (01.03.2021)", "1.3"),
    Case("number as date", put("I5", 44256, form="dd.mm.yyyy"), "error", "Zelle I5", "(01.03.2021)", "als Zahl formatieren"),
    Case("impossible date", put("I5", 10**9, form="dd.mm.yyyy"), "error", "Zelle I5", "Fehlerwert", "selbst eintragen"),
    Case("time", put("I5", datetime.time(12, 30)), "error", "Zelle I5", "(12:30:00)", "als Zahl formatieren"),
    Case("per cent format", put("I5", 0.12, form="0.0%"), "error", "Zelle I5", "Prozentwert (12,0 %)", "ohne Prozentformat"),
    Case("per cent as text", as_text("I5", "12,5 %"), "error", "Zelle I5", "Prozentwert ('12,5 %')", "ohne Prozentzeichen"),
    Case("negative", put("J5", -3), "error", "Zelle J5", "negative Zahl (-3)", "die Anzahl berichtigen"),
    Case("negative as text", as_text("J5", "-3"), "error", "Zelle J5", "negative Zahl (-3)", "die Anzahl berichtigen"),
    Case("ambiguous point", as_text("I5", "1.234"), "error", "Zelle I5", "zweideutig", "1234 oder 1,234"),
    Case("decimal point as text", as_text("I9", "12.5"), "error", "Zelle I9", "mit Dezimalpunkt", "mit Komma eintragen (12,5)"),
    Case("thousands and comma", as_text("I9", "5.100,25"), "hint", "Zelle I9", "als Text", "nachsehen"),
    Case("decimal comma as text", as_text("I9", "5100,25"), "hint", "Zelle I9", "als Text", "als Zahl eintragen"),
    Case("blanks as thousands", as_text("I5", " 5 121 "), "hint", "Zelle I5", "als Text", "als Zahl eintragen"),
    Case("footnote mark", as_text("I5", "5121*"), "error", "Zelle I5", "Zahl mit Zusatz ('5121*')", "in die Spalte Bemerkung"),
    Case("trailing note", as_text("I5", "5121 (vorläufig)"), "error", "Zelle I5", "Zahl mit Zusatz", "nur die Zahl (5121)"),
    Case("word", as_text("I5", "viele"), "error", "Zelle I5", "'viele' ist weder Zahl noch Zeichen", "- . <3 / x …"),
    Case("text that looks like a formula", as_text("I5", "=A1"), "error", "Zelle I5", "weder Zahl noch Zeichen", "eintragen"),
    Case("less than five", as_text("I5", "<5"), "error", "Zelle I5", "'<5' ist weder Zahl noch Zeichen", "<3"),
    Case("blank cell", put("J7", None), "doubt", "Blatt 'Arbeit', Zelle J7", "leere Zelle gilt als nicht geliefert", "'…'"),
    Case("only blanks", as_text("J7", "  "), "doubt", "Zelle J7", "leere Zelle gilt als nicht geliefert", "'…'"),
    Case("formula as a remark", put("S5", "=1+1"), "hint", "Zelle S5", "in der Spalte Bemerkung steht eine Formel", "als Text"),
    Case("merged", lambda book: book["Arbeit"].merge_cells("I5:J5"), "error", "Zellen I5:J5", "verbundene", "aufheben"),
    Case("merged down", lambda book: book["Arbeit"].merge_cells("H5:I6"), "error", "Zellen H5:I6", "verbundene", "aufheben"),
    # the city
    Case("AGS lost its zero", put("C5", 3241001, sheet="Anleitung"), "error", GUIDE, "führende Null verloren", "'03241001'"),
    Case("short AGS lost its zero", put("C5", "1002", sheet="Anleitung"), "error", GUIDE, "führende Null", "'01002'"),
    Case("AGS as number", number_as_key, "hint", GUIDE, "steht als Zahl da", "als Text formatieren"),
    Case("AGS empty", put("C5", None, sheet="Anleitung"), "error", GUIDE, "der AGS fehlt", "als Text eintragen"),
    Case("AGS is a name", put("C5", "Hannover", sheet="Anleitung"), "error", GUIDE, "kein Gebietsschlüssel", "AGS"),
    Case("AGS of no Land", put("C5", "77001", sheet="Anleitung"), "error", GUIDE, "gehört zu keinem Land", "Stellen prüfen"),
    Case("AGS by formula", put("C5", '="0"&"3241"', sheet="Anleitung"), "error", GUIDE, "Formel statt AGS", "als Text"),
    Case("another city's AGS", put("C5", "03101", sheet="Anleitung"), "doubt", GUIDE, f"war für {CITY}", "richtige Stadt"),
    Case("no name", put("C6", None, sheet="Anleitung"), "doubt", "'Anleitung'", "Name der Stadt fehlt", "eintragen"),
    Case("AGS row deleted", rows("Anleitung", 5), "error", "'Anleitung'", "AGS fehlt", "Vorlage"),
    # rows
    Case(
        "row twice", copy_row, "error", "Blatt 'Arbeit', Zeile 13", "steht doppelt, zuerst in Blatt 'Arbeit', Zeile 5", "löschen"
    ),
    Case(
        "row deleted",
        rows("Arbeit", 6),
        "error",
        "'Arbeit'",
        "Nenner von A1.main (Zielgruppe) fehlt",
        "…",
    ),
    Case("definition deleted", rows("Arbeit", 5, 4), "error", "'Arbeit'", "Zeilen der Vorlage fehlen", "…"),
    Case(
        "unknown definition", put("A5", "A1.mian"), "error", "Blatt 'Arbeit', Zelle A5", "'A1.mian' gibt es", "aktuelle Vorlage"
    ),
    Case("definition of another template", unregister, "doubt", "Zeile 9", "nicht in der Vorlage", "anderen Mappe"),
    Case("broken anchor", put("B7", None), "error", "Blatt 'Arbeit', Zeile 7", "Kennung der Zeile ist beschädigt", "Vorlage"),
    Case("unknown part", put("C7", "Zähler"), "error", "Blatt 'Arbeit', Zeile 7", "beschädigt", "wiederherstellen"),
    Case("row without anchors", put("I14", 77), "error", "Blatt 'Arbeit', Zelle I14", "Zeile ohne Kennung", "vorgesehene Zeile"),
    Case("note below", put("D15", "Quelle: Amt"), "hint", "Blatt 'Arbeit', Zeile 15", "wird nicht gelesen", "Spalte Bemerkung"),
    Case(
        "sorted",
        sort_visible_columns,
        "error",
        "Blatt 'Arbeit', Zeile 5",
        "Beschriftung gehört zu Nenner von A1.main",
        "sortieren",
    ),
    Case("label changed", put("F5", "Erwerbstätige"), "doubt", "Zeile 5", "'Erwerbstätige' statt 'Beschäftigte", "dasselbe"),
    Case("row hidden", hide, "hint", "Blatt 'Arbeit', Zeile 7", "trotzdem gelesen", "einblenden"),
    Case("year hidden", hide, "hint", "Blatt 'Arbeit', Spalte I", "trotzdem gelesen", "einblenden"),
    # columns
    Case("headings swapped", both(put("I4", "2021"), put("J4", "2020")), "error", "Zelle I4", "lautet '2021'", "'2020'"),
    Case("year renamed", put("J4", 2019), "error", "Blatt 'Arbeit', Zelle J4", "lautet '2019', in der Vorlage", "'2021'"),
    Case("year deleted", column("Arbeit", 9), "error", "'Arbeit'", "Spalte für 2020 fehlt", "frische"),
    Case("year copied", put("J3", "year 2020"), "error", "Blatt 'Arbeit', Spalte J", "'2020' steht doppelt", "Kopie löschen"),
    Case(
        "anchor column deleted",
        column("Arbeit", 2),
        "error",
        "'Arbeit'",
        "ausgeblendeten Spalten",
        "frische",
    ),
    Case("remarks deleted", column("Arbeit", 19), "hint", "'Arbeit'", "Bemerkung fehlt", "Vorlage"),
    # sheets
    Case("sheet missing", sheet("Arbeit"), "error", "Blatt 'Arbeit'", "das Blatt fehlt", "Vorlage"),
    Case("sheet emptied", wipe("Arbeit"), "error", "Blatt 'Arbeit'", "das Blatt ist leer", "frische Vorlage"),
    Case("anchors emptied", rows("Arbeit", 3), "error", "'Arbeit'", "Zeile 3 mit den Kennungen", "frische"),
    Case("sheet renamed", rename("Arbeit", "Arbeit 2021"), "hint", "'Arbeit 2021'", "hieß in der Vorlage 'Arbeit'", "umbenennen"),
    Case("sheet copied", copy_sheet, "error", "Blatt 'Arbeit (2)'", "eine Kopie von 'Arbeit'", "löschen"),
    Case("sheet hidden", hide, "hint", "Blatt 'Rechtliche Integration'", "ausgeblendet", "einblenden"),
    Case(
        "foreign sheet",
        add_sheet,
        "hint",
        "Blatt 'Notizen'",
        "nicht zur Vorlage",
        "nichts zu tun",
    ),
    Case("endless sheet", put("A900000", "x"), "error", "Blatt 'Arbeit'", "reicht bis Zelle S900000", "überzähligen"),
    Case("nothing filled in", fill_blank("Arbeit", "I5:J12"), "doubt", "Blatt 'Arbeit'", "keine Zelle ausgefüllt", "ausfüllen"),
    Case("definition left out", fill_blank("Arbeit", "I5:J8"), "hint", "Blatt 'Arbeit'", "ganz leer", "nichts zu tun"),
    Case(
        "guide missing",
        sheet("Anleitung"),
        "error",
        "'Anleitung'",
        "das Blatt mit dem AGS fehlt",
        "Vorlage",
    ),
    Case("register missing", sheet(REGISTER), "error", f"'{REGISTER}'", "Kennungen fehlt", "kopieren"),
    Case("other version", put("C3", "integstat-mappe-9", sheet="Anleitung"), "error", "Zelle C3", SCHEMA, "dieser Version"),
    # context
    Case("context missing", sheet("Kontext"), "error", "Blatt 'Kontext'", "das Blatt fehlt", "Vorlage"),
    Case(
        "context formula", put("C5", "=1", sheet="Kontext"), "error", "Blatt 'Kontext', Zelle C5", "Formel statt Zahl", "als Wert"
    ),
    Case("context twice", put("A6", "pop", sheet="Kontext"), "error", "Zelle C6", "'pop' steht doppelt", "löschen"),
    Case("context row lost", rows("Kontext", 6), "doubt", "'Kontext'", "share_65plus", "Vorlage"),
    Case("context row added", put("C9", 5, sheet="Kontext"), "error", "Zelle C9", "ohne Kennung", "vorgesehene Zeile"),
    Case(
        "context in per cent",
        put("C6", 0.21, sheet="Kontext", form="0%"),
        "error",
        "Zelle C6",
        "Prozentwert",
        "ohne Prozentformat",
    ),
    Case("context merged", lambda book: book["Kontext"].merge_cells("B5:C5"), "error", "Zelle C5", "verbundene", "aufheben"),
    Case(
        "context column lost", put("C3", None, sheet="Kontext"), "error", "'Kontext'", "Spalte mit den Werten", "frische Vorlage"
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_damage_is_told_with_place_and_mend(case: Case) -> None:
    delivery = read(damaged(case.change))
    told = [
        problem
        for problem in delivery.problems
        if problem.severity == case.severity
        and case.place in problem.place
        and case.what in problem.what
        and case.mend in problem.mend
    ]
    assert len(told) == 1, delivery.problems
    assert told[0].file == "stadt.xlsx"
    for problem in delivery.problems:
        assert problem.what
        assert problem.mend
        assert not problem.what.endswith(".")
        assert not problem.mend.endswith(".")
    worst = {"error": 0, "doubt": 1, "hint": 2}
    assert min(worst[problem.severity] for problem in delivery.problems) == worst[case.severity]


def test_a_cell_with_a_fault_gives_no_number() -> None:
    for value in ("=5000+121", "#DIV/0!", True, -3, datetime.datetime(2021, 3, 1)):
        rows = figures(read(damaged(put("I5", value))))
        assert math.isnan(rows["A1.main", "target", 2020, "numerator"][0])
        assert rows["A1.main", "target", 2020, "numerator"][1] == "missing"
        assert len(rows) == len(COUNTS)


def test_merged_cells_give_no_number() -> None:
    rows = figures(read(damaged(lambda book: book["Arbeit"].merge_cells("I5:J5"))))
    assert [rows["A1.main", "target", year, "numerator"][1] for year in (2020, 2021)] == ["missing", "missing"]
    assert rows["A1.main", "target", 2020, "denominator"] == (9876.0, "value")


@pytest.mark.parametrize(
    ("text", "value"), [("5.100,25", 5100.25), ("1 234", 1234.0), ("\u00a01\u202f234,5 ", 1234.5), ("1.234.567", 1234567.0)]
)
def test_a_number_as_text_is_read_with_a_comma(text: str, value: float) -> None:
    assert figures(read(damaged(as_text("I9", text))))["A1.monthly", "target", 2020, "numerator"] == (value, "value")


@pytest.mark.parametrize(
    ("sign", "code"),
    [
        ("-", "nothing"),
        ("–", "nothing"),
        (".", "secret"),
        ("/", "unreliable"),
        ("X", "senseless"),
        ("...", "missing"),
        (" < 3", "below_3"),
    ],
)
def test_a_sign_keeps_its_meaning(sign: str, code: str) -> None:
    delivery = read(damaged(as_text("I5", sign)))
    assert delivery.problems == []
    assert figures(delivery)["A1.main", "target", 2020, "numerator"][1] == code


def test_a_number_beyond_all_bounds() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as before, zipfile.ZipFile(buffer, "w") as after:
        for name in before.namelist():
            after.writestr(name, before.read(name).replace(b"<v>5121</v>", b"<v>1E400</v>"))
    (problem,) = read(buffer.getvalue()).problems
    assert (problem.severity, problem.place) == ("error", "Blatt 'Arbeit', Zelle I5")
    assert problem.what == "die Zahl ist zu groß"


def test_without_a_sound_key_there_are_no_rows_but_all_problems() -> None:
    delivery = read(damaged(both(put("C5", 3241001, sheet="Anleitung"), put("I5", "=1"))))
    assert delivery.city == ""
    assert len(delivery.rows) == 0
    assert {problem.place for problem in delivery.problems} == {GUIDE, "Blatt 'Arbeit', Zelle I5"}


def test_problems_name_the_city_and_the_definition() -> None:
    (problem,) = read(damaged(put("I5", "=1"))).problems
    assert (problem.city, problem.definition) == (CITY, "A1.main")


def test_an_untouched_template_is_an_error() -> None:
    delivery = read(workbook_bytes(**arguments(counts=None, context=None)))
    errors = [problem for problem in delivery.problems if problem.severity == "error"]
    assert [problem.what for problem in errors] == ["in der ganzen Mappe steht keine einzige Zahl"]
    assert len(delivery.rows) == 0
    assert delivery.context == {}


# --- bytes that are no workbook of ours


def archive(**parts: bytes) -> bytes:
    """Pack parts, '__' standing for '/' and a last '_' for '.' before the extension."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, content in parts.items():
            packed.writestr(".".join(name.replace("__", "/").rsplit("_", 1)), content)
    return buffer.getvalue()


def foreign() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["Stadt", 1])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def comma_separated() -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(["ags", "jahr", "wert"])
    return text.getvalue().encode()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600
BYTES = [
    ("empty file", b"", "die Datei ist leer", "übertragen"),
    ("cut in half", GOOD[: len(GOOD) // 2], "unvollständig", "vollständig übertragen"),
    ("cut at the end", GOOD[:-30], "unvollständig", "vollständig übertragen"),
    ("csv", comma_separated(), "eine Textdatei (etwa CSV)", "umbenennen genügt nicht"),
    ("web page", b"\xef\xbb\xbf<html><table></table></html>", "eine Internetseite", "umbenennen genügt nicht"),
    ("pdf", b"%PDF-1.7 \x00", "ein PDF", "umbenennen genügt nicht"),
    ("picture", b"\x89PNG\r\n\x1a\n\x00\x00", "eine andere Datei", "umbenennen genügt nicht"),
    ("old format", OLE + "Workbook".encode("utf-16-le"), "alten Format (.xls)", "als Arbeitsmappe (.xlsx)"),
    ("encrypted", OLE + "EncryptedPackage".encode("utf-16-le"), "verschlüsselt", "ohne Kennwort"),
    ("binary workbook", archive(xl__workbook_bin=b"x"), "eine binäre Mappe (.xlsb)", "als Arbeitsmappe (.xlsx)"),
    ("open document", archive(content_xml=b"<x/>"), "OpenDocument-Datei, aber keine Tabelle", "als Arbeitsmappe (.xlsx)"),
    ("word", archive(word__document_xml=b"<x/>"), "ein Word-Dokument", "als Arbeitsmappe (.xlsx)"),
    ("zip", archive(a_txt=b"x"), "ein ZIP-Archiv", "als Arbeitsmappe (.xlsx)"),
    ("broken inside", archive(xl__workbook_xml=b"<workbook"), "beschädigt", "reparieren"),
    ("foreign workbook", foreign(), "nicht die Arbeitsmappe des Rings", "die Vorlage des Rings ausfüllen"),
]


@pytest.mark.parametrize(("content", "what", "mend"), [case[1:] for case in BYTES], ids=[case[0] for case in BYTES])
def test_bytes_that_are_no_workbook(content: bytes, what: str, mend: str) -> None:
    delivery = read(content)
    (problem,) = delivery.problems
    assert (problem.severity, problem.file) == ("error", "stadt.xlsx")
    assert what in problem.what
    assert mend in problem.mend
    assert delivery.city == ""
    assert len(delivery.rows) == 0
    assert delivery.context == {}


def test_a_part_with_a_wrong_checksum_is_named() -> None:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as packed:
        start = packed.getinfo("xl/sharedStrings.xml").header_offset
    at = start + 200
    (problem,) = read(GOOD[:at] + bytes([GOOD[at] ^ 0xFF]) + GOOD[at + 1 :]).problems
    assert problem.severity == "error"
    assert "übertragen" in problem.mend


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", b" " * 3_000_000)
    assert len(buffer.getvalue()) < 10_000
    monkeypatch.setattr(workbook_open, "MAX_UNPACKED", 2_000_000)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("unpacked"))
    (problem,) = read(buffer.getvalue()).problems
    assert problem.what == "die Mappe wäre ausgepackt größer als 2 MB"


def test_a_file_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (workbook_open.MAX_FILE, workbook_open.MAX_UNPACKED) == (50_000_000, 200_000_000)
    monkeypatch.setattr(workbook_open, "MAX_FILE", len(GOOD) - 1)
    (problem,) = read(GOOD).problems
    assert problem.what.startswith("die Datei ist größer als")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255), st.integers(0, 40))
def test_no_damaged_byte_raises(at: int, flip: int, more: int) -> None:
    broken = bytearray(GOOD)
    for position in range(at, min(at + more + 1, len(GOOD))):
        broken[position] ^= flip
    delivery = read(bytes(broken))
    if delivery.problems == []:
        assert figures(delivery).keys() == COUNTS.keys()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, len(GOOD) - 1))
def test_no_cut_file_passes(length: int) -> None:
    (problem,) = read(GOOD[:length]).problems
    assert problem.severity == "error"
    assert problem.mend
