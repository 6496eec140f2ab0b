"""The municipality directory (Gemeindeverzeichnis, GV-ISys: 'Auszug_GV') of the Statistisches Bundesamt.

One row per municipality with its key in parts (Land, RB, Kreis, VB, Gem), its name, area and population; rows of Länder, Kreise
and associations carry a name only. The sheet is found by these headings, which have been the same for years.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from integstat.intake.files import FileContent
from integstat.intake.numbers import parse_number
from integstat.intake.problems import UnreadableFile
from integstat.intake.settings import SourceSettings
from integstat.intake.sheets import open_sheets, texts_of
from integstat.intake.tables import LINE, Table, letters

KIND, KEY, NAME, DATE, AREA, PEOPLE, MEN, WOMEN = (
    "Satzart", "AGS", "Name", "Stand", "Fläche", "Bevölkerung", "männlich", "weiblich",
)  # fmt: skip
KREIS, GEMEINDE = "Kreis", "Gemeinde"
_PARTS = {"Land": 2, "RB": 1, "Kreis": 2, "VB": 4, "Gem": 3}  # heading and digits of each part of the key
_FIGURES = (AREA, PEOPLE, MEN, WOMEN)
_DATE = re.compile(r"[0-9]{2}\.[0-9]{2}\.(?:19|20)[0-9]{2}")
_SEARCHED = 20  # rows among which the headings must be


def read_municipalities(file: FileContent, source: SourceSettings) -> Table:
    """Read the directory: one row per municipality and one per Kreis.

    Returns
    -------
    Table
        Columns `Satzart` (`Kreis` or `Gemeinde`), `AGS` (5 or 8 digits), `Name`, `Stand` (date of the borders), `Fläche` (km²),
        `Bevölkerung`, `männlich`, `weiblich`. A Kreis has no figures in the directory: they are the sums of its
        municipalities, empty where one of them has none.

    Raises
    ------
    UnreadableFile
        If no sheet has the headings, the date is missing, or a key is incomplete or stands there twice.

    Notes
    -----
    Two years' directories tell nothing of how keys changed between them; that needs a table of key changes.
    """
    for sheet in open_sheets(file, source.sheet):
        texts = texts_of(sheet, file.name)
        found = next((at for at, row in enumerate(texts[:_SEARCHED]) if set(_PARTS) <= set(row)), None)
        if found is not None:
            return _Directory(sheet, texts, found, file.name).read()
    what = f"kein Blatt hat die Überschriften {', '.join(_PARTS)}"
    raise UnreadableFile(file.name, "", what, "bitte den Auszug aus dem Gemeindeverzeichnis unverändert als .xlsx laden")


@dataclass(frozen=True)
class _Row:
    kind: str
    key: str
    name: str
    line: int
    figures: tuple[str, ...]


class _Directory:
    def __init__(self, sheet: Any, texts: list[list[str]], header: int, file: str) -> None:
        self._file, self._title, self._texts, self._header = file, str(sheet.title), texts, header
        self._parts = [texts[header].index(part) for part in _PARTS]
        above = [_above(texts[: header + 1], column) for column in range(len(texts[header]))]
        self._kind = self._column(above, "satzart", "Satzart")
        self._name = self._column(above, "gemeindename", "Gemeindename")
        self._figures = [
            self._column(above, start, name)
            for start, name in (
                ("fläche", "Fläche"),
                ("insgesamt", "insgesamt"),
                ("männlich", "männlich"),
                ("weiblich", "weiblich"),
            )
        ]

    def read(self) -> Table:
        date = self._date()
        rows = [row for at in range(self._header + 1, len(self._texts)) if (row := self._row(at)) is not None]
        if not any(row.kind == GEMEINDE for row in rows):
            raise self._unreadable("", "unter den Überschriften steht keine Gemeinde", "bitte die Datei neu laden")
        seen: dict[str, int] = {}
        for row in rows:
            if row.key in seen:
                what = f"der Schlüssel {row.key} steht schon in Zeile {seen[row.key]}"
                raise self._unreadable(f"Zeile {row.line}", what, "bitte eine der beiden Zeilen streichen")
            seen[row.key] = row.line
        members: dict[str, list[_Row]] = {}
        for row in rows:
            if row.kind == GEMEINDE:
                members.setdefault(row.key[:5], []).append(row)
        frame = pd.DataFrame(
            [
                (
                    row.kind,
                    row.key,
                    row.name,
                    date,
                    *(row.figures if row.kind == GEMEINDE else _sums(members.get(row.key, []))),
                    row.line,
                )
                for row in rows
            ],
            columns=[KIND, KEY, NAME, DATE, *_FIGURES, LINE],
            dtype=object,
        )
        return Table(file=self._file, frame=frame, decimal=",", sheet=self._title)

    def _row(self, at: int) -> _Row | None:
        row, line = self._texts[at], at + 1
        kind = {"40": KREIS, "60": GEMEINDE}.get(row[self._kind])
        if kind is None:
            return None
        needed = (0, 1, 2) if kind == KREIS else (0, 1, 2, 4)
        key = ""
        for position in needed:
            heading, text = list(_PARTS)[position], row[self._parts[position]]
            if not re.fullmatch(r"[0-9]+", text) or len(text) > _PARTS[heading]:
                what = (
                    f"'{text}' ist kein Teil eines Schlüssels ({heading})"
                    if text
                    else f"der Teil '{heading}' des Schlüssels fehlt"
                )
                place = f"Zelle {letters(self._parts[position] + 1)}{line}"
                raise self._unreadable(place, what, "bitte die Datei neu laden")
            key += text.zfill(_PARTS[heading])
        return _Row(kind, key, row[self._name], line, tuple(row[column] for column in self._figures))

    def _date(self) -> str:
        for row in self._texts[: self._header + 4]:
            for text in row:
                found = _DATE.search(text)
                if found:
                    return found[0]
        raise self._unreadable("", "über der Tabelle steht kein Gebietsstand", "bitte die Datei unverändert laden")

    def _column(self, above: Sequence[str], start: str, name: str) -> int:
        for column, label in enumerate(above):
            if label.startswith(start):
                return column
        raise self._unreadable(f"Zeile {self._header + 1}", f"die Spalte '{name}' fehlt", "bitte die Datei unverändert laden")

    def _unreadable(self, place: str, what: str, mend: str) -> UnreadableFile:
        where = ", ".join(part for part in (f"Blatt '{self._title}'", place) if part)
        return UnreadableFile(self._file, where, what, mend)


def _above(rows: Sequence[Sequence[str]], column: int) -> str:
    """Lowest heading over a column, in small letters and without hyphens and blanks."""
    text = next((row[column] for row in reversed(rows) if row[column]), "")
    return re.sub(r"[\s-]", "", text).lower()


def _sums(rows: Iterable[_Row]) -> tuple[str, ...]:
    """Sums of the figures of municipalities, as text; empty where one has no figure."""
    columns = list(zip(*(row.figures for row in rows), strict=True)) or [()] * len(_FIGURES)
    return tuple(_sum(column) for column in columns)


def _sum(texts: Sequence[str]) -> str:
    total = 0.0
    for text in texts:
        try:
            value, _ = parse_number(text, ",")
        except ValueError:
            return ""
        total += value
    if not texts or total != total:
        return ""
    return f"{round(total, 2):.2f}".removesuffix(".00").replace(".", ",")
