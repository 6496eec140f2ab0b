"""Sheets of foreign workbooks as rows of text, the way a CSV would hold them."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Sequence
from typing import Any

from integstat.intake.files import FileContent
from integstat.intake.problems import UnreadableFile, enumerate_some
from integstat.intake.workbook_open import open_workbook

MOST_CELLS = 3_000_000  # the municipality directory has 320,000


def open_sheets(file: FileContent, sheet: str | None) -> list[Any]:
    """Open a workbook and return the sheets that come into question: the one named, or all.

    Raises
    ------
    UnreadableFile
        If the bytes are no workbook, or the sheet is not there.
    """
    sheets = list(open_workbook(file.content, file.name).worksheets)
    if not sheets:
        raise UnreadableFile(file.name, "", "die Mappe hat kein Tabellenblatt", "bitte die Mappe neu laden")
    if sheet is None:
        return sheets
    for one in sheets:
        if one.title.strip() == sheet.strip():
            return [one]
    present = enumerate_some([f"'{one.title}'" for one in sheets])
    what = f"das Blatt '{sheet}' gibt es nicht (vorhanden: {present})"
    raise UnreadableFile(file.name, "", what, "bitte 'sheet' der Quelle berichtigen")


def texts_of(sheet: Any, file: str) -> list[list[str]]:
    """Cells of a sheet as text, all rows equally wide; row 1 of the sheet is the first.

    Raises
    ------
    UnreadableFile
        If the sheet spans more than `MOST_CELLS` cells: some cell lies far off.
    """
    if sheet.max_row * sheet.max_column > MOST_CELLS:
        what = f"das Blatt reicht bis Zeile {sheet.max_row} und Spalte {sheet.max_column}, das ist keine solche Tabelle"
        mend = "bitte leere Zeilen und Spalten am Rand löschen und neu speichern"
        raise UnreadableFile(file, f"Blatt '{sheet.title}'", what, mend)
    return [[cell_text(cell) for cell in row] for row in sheet.iter_rows()]


def spread(sheet: Any, texts: Sequence[list[str]], rows: range, columns: range) -> None:
    """Write the text of merged cells into all of their cells within these rows and columns, from 0, in place."""
    for merged in sheet.merged_cells.ranges:
        top, left = merged.min_row - 1, merged.min_col - 1
        if top >= len(texts) or left >= len(texts[top]):
            continue
        text = texts[top][left]
        for row in range(max(top, rows.start), min(merged.max_row, rows.stop, len(texts))):
            for column in range(max(left, columns.start), min(merged.max_col, columns.stop, len(texts[row]))):
                texts[row][column] = text


def cell_text(cell: Any) -> str:
    """Text of a cell: numbers with decimal comma, dates as 31.12.2021, formulas as they are.

    A number shown with leading zeros keeps them; what a formula gave when it was last calculated is never taken.
    """
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        return f"={str(getattr(value, 'text', value) or '').removeprefix('=')}"
    if isinstance(value, bool):
        return "WAHR" if value else "FALSCH"
    if isinstance(value, int | float):
        return _number(value, str(cell.number_format))
    if isinstance(value, datetime.date):
        return f"{value.day:02d}.{value.month:02d}.{value.year:04d}"
    return str(value).strip()


def _number(value: float, shown_as: str) -> str:
    if not math.isfinite(value):
        return "#ZAHL!"
    if "%" in shown_as:
        return f"{_plain(value * 100)} %"
    if re.fullmatch("0+", shown_as) and value >= 0 and value == int(value):
        return str(int(value)).zfill(len(shown_as))
    return _plain(value)


def _plain(value: float) -> str:
    if value == int(value):
        return str(int(value))
    return f"{value:.10f}".rstrip("0").rstrip(".").replace(".", ",")
