"""Text tables: split into cells with their line numbers, and the one form all readers hand on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from integstat.intake.problems import Problem, UnreadableFile

LINE = "__line"  # line of the file, from 1
COLUMN = "__column"  # column of the file, from 1; only where one line holds many figures
VALUE = "Wert"  # column of the figures in long form


@dataclass(frozen=True)
class Table:
    """A table as read, all cells text.

    Attributes
    ----------
    file : str
        Name of the file.
    frame : pandas.DataFrame
        One column per dimension and per column of figures, plus `LINE` and, in long form of a wide file, `COLUMN`.
    decimal : {',', '.'}
        Decimal sign of the figures.
    problems : tuple of Problem
        What does not stop the reading but should be told.
    sheet : str
        Name of the sheet, where the file is a workbook.
    """

    file: str
    frame: pd.DataFrame
    decimal: str
    problems: tuple[Problem, ...] = ()
    sheet: str = ""

    def places(self, rows: pd.DataFrame, column: str) -> list[str]:
        """Places of the figures in one column, as a person would look for them."""
        columns = rows[COLUMN].tolist() if COLUMN in self.frame.columns else [column] * len(rows)
        if self.sheet and COLUMN in self.frame.columns:
            cells = zip(rows[LINE].tolist(), columns, strict=True)
            return [f"Blatt '{self.sheet}', Zelle {letters(where)}{line}" for line, where in cells]
        return [f"Zeile {line}, Spalte {where}" for line, where in zip(rows[LINE].tolist(), columns, strict=True)]


def letters(column: int) -> str:
    """Name of a workbook's column, from 1: 'A', …, 'Z', 'AA'."""
    name = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def long_form(
    rows: Sequence[Sequence[str]],
    lines: Sequence[int],
    leading: Mapping[str, int],
    headers: Mapping[str, Sequence[str]],
    columns: Sequence[int],
) -> pd.DataFrame:
    """Turn rows with many figures into one row per figure.

    Parameters
    ----------
    rows : sequence of rows of cells
        All as wide as the widest column needs.
    lines : sequence of int
        Line of each row in the file.
    leading : mapping of str to int
        Name and position of every column that is no figure, from 0.
    headers : mapping of str to sequence of str
        Name of every header line, and its labels over `columns`.
    columns : sequence of int
        Positions of the figures, from 0.

    Returns
    -------
    pandas.DataFrame
        Columns `leading`, `headers`, `VALUE`, `LINE`, `COLUMN`; cells without blanks around them.
    """
    cells = np.array([[cell.strip() for cell in row] for row in rows], dtype=object).reshape(len(rows), -1)
    frame = pd.DataFrame({name: np.repeat(cells[:, at], len(columns)) for name, at in leading.items()}, dtype=object)
    for name, labels in headers.items():
        frame[name] = np.tile(np.array([label.strip() for label in labels], dtype=object), len(rows))
    frame[VALUE] = cells[:, list(columns)].reshape(-1)
    frame[LINE] = np.repeat(np.array(lines, dtype=int), len(columns))
    frame[COLUMN] = np.tile(np.array(columns, dtype=int) + 1, len(rows))
    return frame


def split_csv(text: str, file: str, separator: str) -> tuple[list[list[str]], list[int]]:
    """Split CSV text into rows of cells; blank lines are left out.

    Returns
    -------
    rows : list of list of str
    lines : list of int
        Line on which each row begins, from 1.

    Raises
    ------
    UnreadableFile
        Where a quotation mark is not closed or not followed by a separator.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    start = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(row)
                lines.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        what = "ein Anführungszeichen ist nicht geschlossen oder steht an falscher Stelle"
        if "field larger" in str(error):
            what = "eine Zelle ist länger, als eine Tabelle sie haben kann (über 131.072 Zeichen)"
        raise UnreadableFile(
            file, f"Zeile {start}", what, "bitte diese Zeile berichtigen oder die Datei neu beschaffen"
        ) from error
    if not rows:
        raise UnreadableFile(file, "", "die Datei enthält keine einzige Zeile mit Inhalt", "bitte die Datei neu beschaffen")
    return rows, lines


def plain_table(text: str, file: str, separator: str, decimal: str) -> Table:
    """Read a CSV with one header line.

    Raises
    ------
    UnreadableFile
        For a header that is missing, doubled or split by another separator; for a line with too few or too many cells; for
        a header without a single row below.
    """
    rows, lines = split_csv(text, file, separator)
    header = [cell.strip() for cell in rows[0]]
    _check_header(header, rows[0], lines[0], file, separator)
    check_width(rows[1:], lines[1:], len(header), file)
    if len(rows) == 1:
        raise UnreadableFile(file, f"Zeile {lines[0]}", "unter der Kopfzeile steht nichts", "bitte die Datei neu beschaffen")
    frame = pd.DataFrame(rows[1:], columns=header, dtype=object)
    frame[LINE] = lines[1:]
    problems: tuple[Problem, ...] = ()
    if not text.endswith(("\n", "\r")):
        problems = (
            Problem(
                "doubt",
                file,
                f"Zeile {lines[-1]}",
                "die letzte Zeile endet ohne Zeilenumbruch, die Datei ist vielleicht abgeschnitten",
                "bitte prüfen, ob sie vollständig ist",
                check="file_end",
            ),
        )
    return Table(file=file, frame=frame, decimal=decimal, problems=problems)


def check_width(rows: list[list[str]], lines: list[int], width: int, file: str) -> None:
    """Refuse a row that has not as many cells as the header."""
    for position, row in enumerate(rows):
        if len(row) == width:
            continue
        last = position == len(rows) - 1
        if last and len(row) < width:
            what, mend = ("die Datei bricht mitten in der Zeile ab", "bitte die Datei neu beschaffen")
        else:
            cells = "Feld" if len(row) == 1 else "Felder"
            what, mend = (f"die Zeile hat {len(row)} {cells} statt {width}", "bitte Trennzeichen und Anführungszeichen prüfen")
        raise UnreadableFile(file, f"Zeile {lines[position]}", what, mend)


def need_columns(table: Table, columns: list[str]) -> None:
    """Refuse a table that lacks one of the columns."""
    for column in columns:
        if column not in table.frame.columns:
            present = ", ".join(f"'{name}'" for name in table.frame.columns if not name.startswith("__"))
            raise UnreadableFile(
                table.file,
                "Kopfzeile",
                f"die Spalte '{column}' fehlt (vorhanden: {present})",
                "bitte die Datei oder den Spaltennamen in der Konfiguration berichtigen",
            )


def _check_header(header: list[str], raw: list[str], line: int, file: str, separator: str) -> None:
    place = f"Zeile {line}"
    if len(header) == 1:
        other = max(",;\t|", key=lambda sign: raw[0].count(sign))
        if other != separator and other in raw[0]:
            name = "Tabulator" if other == "\t" else f"'{other}'"
            raise UnreadableFile(
                file, place, f"das Trennzeichen ist {name} statt '{separator}'", "bitte 'separator' in der Konfiguration setzen"
            )
        raise UnreadableFile(file, place, "die Kopfzeile hat nur eine Spalte", "bitte prüfen, ob das die richtige Datei ist")
    for position, name in enumerate(header, start=1):
        if not name:
            raise UnreadableFile(
                file, f"{place}, Spalte {position}", "die Spalte hat keine Überschrift", "bitte die Überschrift ergänzen"
            )
        if name.startswith("__"):
            raise UnreadableFile(
                file,
                f"{place}, Spalte {position}",
                f"die Überschrift '{name}' beginnt mit zwei Unterstrichen, das ist vergeben",
                "bitte die Spalte umbenennen",
            )
        if header.index(name) != position - 1:
            raise UnreadableFile(
                file, f"{place}, Spalte {position}", f"die Spalte '{name}' steht doppelt", "bitte eine davon streichen"
            )
    if all(_is_number(name) for name in header):
        raise UnreadableFile(file, place, "die Kopfzeile fehlt, hier stehen schon Zahlen", "bitte die Spaltennamen ergänzen")


def _is_number(text: str) -> bool:
    return text.replace(".", "").replace(",", "").replace("-", "").isdigit()


def rows_of(frame: pd.DataFrame) -> Iterator[Any]:
    """Rows of a frame, their cells as attributes, `Index` among them."""
    yield from frame.itertuples()


def first_line(frame: pd.DataFrame, where: pd.Series) -> int:
    """Line of the first row that is marked."""
    return int(frame[LINE].to_numpy()[where.to_numpy(bool).argmax()])
