"""Flat exports of GENESIS-Online and the Regionaldatenbank.

Title lines, then several header lines whose labels are repeated over the columns they span, then one line per region, then
footnotes below a line of underscores. The columns left of the figures have no labels; the config names them, and the header
lines too. The result is long: one row per figure, with the header lines as columns.
"""

from __future__ import annotations

import re

from integstat.intake.files import FileContent, decode
from integstat.intake.problems import UnreadableFile
from integstat.intake.settings import SourceSettings
from integstat.intake.tables import Table, check_width, long_form, split_csv

START = "GENESIS-Tabelle"
_FOOT = re.compile(r"^_{5,}")
_DATE = re.compile(r"^(Stichtag|Jahr|Zeit|Berichtsjahr)\s*:\s*(.+)$")


def read_genesis(file: FileContent, source: SourceSettings) -> Table:
    """Read one export into long form.

    Returns
    -------
    Table
        Columns `source.leading`, `source.header`, `Wert`, and what a title line such as 'Stichtag: 30.06.2020' gives, under
        the word before its colon.

    Raises
    ------
    UnreadableFile
        If it is no GENESIS export, is cut off (no footnote line), or has other leading columns or header lines than the
        config says.
    """
    text = decode(file, source.file_encoding)
    if not text.lstrip("\ufeff\"'").startswith(START):
        raise UnreadableFile(
            file.name,
            "Zeile 1",
            f"die Datei beginnt nicht mit '{START}'",
            "bitte die Tabelle als CSV aus GENESIS oder der Regionaldatenbank laden",
        )
    head, foot_found = _above_footnotes(text)
    if not foot_found:
        raise UnreadableFile(
            file.name,
            f"Zeile {len(head.splitlines())}",
            "die Fußzeile (__________) fehlt, die Datei ist abgeschnitten",
            "bitte die Tabelle neu laden",
        )
    rows, lines = split_csv(head, file.name, source.file_separator)
    first_header, first_data = _blocks(rows, file.name)
    header_rows, data = rows[first_header:first_data], rows[first_data:]
    leading = min(next(i for i, cell in enumerate(row) if cell.strip()) for row in header_rows)
    _check_shape(leading, len(header_rows), source, file.name, lines[first_header])
    width = max(len(row) for row in header_rows)
    check_width(header_rows, lines[first_header:first_data], width, file.name)
    check_width(data, lines[first_data:], width, file.name)
    frame = long_form(
        data,
        lines[first_data:],
        {name: position for position, name in enumerate(source.leading)},
        {name: row[leading:] for name, row in zip(source.header, header_rows, strict=True)},
        range(leading, width),
    )
    for row in rows[:first_header]:
        found = _DATE.match(row[0].strip())
        if found and found[1] not in frame.columns:
            frame[found[1]] = found[2].strip()
    return Table(file=file.name, frame=frame, decimal=source.file_decimal)


def _above_footnotes(text: str) -> tuple[str, bool]:
    """Text above the footnotes, whose own quotation marks follow no rule; and whether there were any."""
    lines = text.splitlines(keepends=True)
    for position, line in enumerate(lines):
        if _FOOT.match(line):
            return "".join(lines[:position]), True
    return text, False


def _blocks(rows: list[list[str]], name: str) -> tuple[int, int]:
    """Find where the header lines and where the figures begin."""
    header = [position for position, row in enumerate(rows) if len(row) > 1 and not row[0].strip()]
    if not header:
        raise UnreadableFile(
            name, "", "die Kopfzeilen über den Zahlen fehlen", "bitte die Tabelle unverändert als CSV aus GENESIS laden"
        )
    first = header[0]
    end = first
    while end < len(rows) and not rows[end][0].strip():
        end += 1
    if end == len(rows):
        raise UnreadableFile(name, "", "unter den Kopfzeilen steht keine Zeile mit Zahlen", "bitte die Tabelle neu laden")
    return first, end


def _check_shape(leading: int, levels: int, source: SourceSettings, name: str, line: int) -> None:
    for found, expected, what, key in (
        (leading, len(source.leading), "Vorspalten", "leading"),
        (levels, len(source.header), "Kopfzeilen", "header"),
    ):
        if found != expected:
            raise UnreadableFile(
                name,
                f"Zeile {line}",
                f"die Tabelle hat {found} {what}, die Konfiguration nennt {expected}",
                f"bitte '{key}' der Quelle '{source.id}' berichtigen oder die Tabelle unverändert laden",
            )
