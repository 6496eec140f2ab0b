"""What cities do: the measures (Maßnahmen) they entered in their workbooks, beside the figures and apart from them."""

from __future__ import annotations

import datetime
import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from integstat.intake import workbook_layout as layout
from integstat.intake.problems import Problem, Severity
from integstat.intake.workbook_anchors import Anchored, tidy
from integstat.intake.workbook_layout import Topic

MEASURE_CODEBOOK: dict[str, str] = {
    "city": "Amtlicher Gemeindeschlüssel (Text)",
    "field": "Handlungsfeld; leer, wo die Stadt keines gewählt hat",
    "indicator": "Indikator; leer, wo die Maßnahme zu keinem einzelnen gehört",
    "title": "Titel der Maßnahme, wie die Stadt ihn schreibt",
    "description": "Beschreibung",
    "since": "Jahr des Beginns; leer, wo keines steht",
    "link": "Kontakt oder Link, wie die Stadt ihn schreibt; ungeprüft",
    "file": "Datei",
    "row": "Zeile im Blatt Maßnahmen",
}
MEASURE_COLUMNS = tuple(MEASURE_CODEBOOK)
LONGEST = {"title": 200, "description": 2000, "link": 300}  # characters
FIRST_YEAR, LAST_YEAR = 1950, 2100

_NAME_DE = {"title": "der Titel", "description": "die Beschreibung", "link": "der Kontakt"}
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_NOT_SHOWN = ("Cc", "Cf", "Co", "Cs")  # controls, and signs that turn the direction of the text or cannot be seen


@dataclass(frozen=True)
class Measure:
    """A measure as a city entered it.

    Attributes
    ----------
    field, indicator : str
        Ids; `indicator` is empty for a field as a whole, both are for what belongs to nothing in the list.
    title, description, link : str
        Plain text in one line, without control characters; nothing is escaped and no link followed.
    since : int or None
        Year it began.
    row : int
        Row of the sheet; 0 for a measure that is not from a sheet.
    """

    field: str
    indicator: str
    title: str
    description: str = ""
    since: int | None = None
    link: str = ""
    row: int = 0


def measure_table(measures: Mapping[tuple[str, str], Iterable[Measure]]) -> pd.DataFrame:
    """Put the measures of all cities into one table.

    Parameters
    ----------
    measures : mapping of (str, str) to iterable of Measure
        By city and file.

    Returns
    -------
    pandas.DataFrame
        Columns `MEASURE_COLUMNS`, sorted by city, field, indicator, title and row; `since` is a nullable integer.
    """
    rows = [
        {"city": city, "file": file, **{name: getattr(one, name) for name in Measure.__dataclass_fields__}}
        for (city, file), some in measures.items()
        for one in some
    ]
    table = pd.DataFrame(rows, columns=list(MEASURE_COLUMNS)).astype({"since": "Int64", "row": "int64"})
    texts = [name for name in MEASURE_COLUMNS if name not in ("since", "row")]
    return table.astype(dict.fromkeys(texts, "str")).sort_values(
        ["city", "field", "indicator", "title", "row", "file"], ignore_index=True
    )


def read_measures(anchored: Anchored, topics: Iterable[Topic], file: str) -> tuple[list[Measure], list[Problem]]:
    """Read the sheet of measures.

    Parameters
    ----------
    anchored : Anchored
    topics : iterable of Topic
        What the template let people choose.
    file : str

    Returns
    -------
    measures : list of Measure
        In the order of the rows. A row without a title is no measure; one whose topic is not in the list has none.
    problems : list of Problem
        Doubts and hints: no figure depends on a measure, so none of them stops a run.
    """
    return _Reader(anchored, topics, file).read()


class _Reader:
    def __init__(self, anchored: Anchored, topics: Iterable[Topic], file: str) -> None:
        self._at = anchored
        self._file = file
        self._problems: list[Problem] = []
        self._topics = _names_of(topics)
        self._columns = {"topic": anchored.columns[layout.FIELD_PREFIX]}
        self._columns |= {name: anchored.columns[name] for name in layout.MEASURE_ANCHORS if name in anchored.columns}

    def _tell(self, severity: Severity, where: str, what: str, mend: str) -> None:
        place = f"Blatt '{self._at.title}'" + (f", {where}" if where else "")
        self._problems.append(Problem(severity, self._file, place, what, mend, check="measures"))

    def _at_cell(self, severity: Severity, cell: Any, what: str, mend: str) -> None:
        self._tell(severity, f"Zelle {cell.coordinate}", what, mend)

    def read(self) -> tuple[list[Measure], list[Problem]]:
        if len(self._columns) <= len(layout.MEASURE_ANCHORS) or self._at.doubled:
            what = "Spalten mit Kennungen fehlen oder stehen doppelt, die Maßnahmen werden nicht gelesen"
            self._tell("doubt", f"Zeile {self._at.row}", what, "bitte die Maßnahmen in eine frische Vorlage übertragen")
            return [], self._problems
        self._merged()
        measures: dict[Measure, Measure] = {}  # by what they say, wherever it stands
        for row in range(self._at.row + 2, self._at.last_row() + 1):
            one = self._row(row)
            if one is None:
                continue
            said = replace(one, row=0)
            if said in measures:
                what = f"dieselbe Maßnahme steht schon in Zeile {measures[said].row} und wird nur einmal gelesen"
                self._tell("hint", f"Zeile {row}", what, "bitte eine der beiden Zeilen leeren")
            measures.setdefault(said, one)
        return list(measures.values()), self._problems

    def _merged(self) -> None:
        columns = set(self._columns.values())
        for span in self._at.sheet.merged_cells.ranges:
            if span.max_row > self._at.row + 1 and columns & set(range(span.min_col, span.max_col + 1)):
                what, mend = "verbundene Zellen, gelesen wird nur die erste", "bitte die Verbindung aufheben"
                self._tell("doubt", f"Zellen {span.coord}", what, f"{mend} und jede Zelle einzeln ausfüllen")

    def _row(self, row: int) -> Measure | None:
        """Read a row; None where there is no measure in it."""
        cells = {name: self._at.cell(row, column) for name, column in self._columns.items()}
        if not any(tidy(cell.value) for cell in cells.values()):
            return None
        before = len(self._problems)
        title = self._text("title", cells["title"])
        if not title:
            if len(self._problems) == before:
                what = "die Zeile hat keinen Titel und wird nicht gelesen"
                self._at_cell("doubt", cells["title"], what, "bitte einen Titel eintragen oder die Zeile leeren")
            return None
        topic = self._topic(cells["topic"])
        return Measure(
            topic.field,
            topic.indicator,
            title,
            self._text("description", cells["description"]),
            self._year(cells["since"]),
            self._text("link", cells["link"]),
            row,
        )

    def _text(self, name: str, cell: Any) -> str:
        """Return the text of a cell, empty where it holds something that is none."""
        is_number = cell.data_type == "n" and cell.value is not None
        if cell.data_type in ("f", "e", "b", "d") or (is_number and name == "title"):
            what = f"{_NAME_DE[name]} ist {_kind(cell)} und kein Text, {'die Zeile' if name == 'title' else 'die Zelle'}"
            self._at_cell("doubt", cell, f"{what} wird nicht gelesen", "bitte als Text eintragen, ohne '=' am Anfang")
            return ""
        text = clean(tidy(cell.value))
        if len(text) > LONGEST[name]:
            what = f"{_NAME_DE[name]} hat {len(text)} Zeichen, gelesen werden die ersten {LONGEST[name]}"
            self._at_cell("doubt", cell, what, "bitte kürzen")
            text = f"{text[: LONGEST[name] - 1].rstrip()}…"
        return text

    def _topic(self, cell: Any) -> Topic:
        """Return what was chosen; a topic without ids where it is not in the list."""
        name = "" if cell.data_type in ("f", "e") else clean(tidy(cell.value))
        found = self._topics.get(name.casefold())
        if found is not None:
            return found
        near = difflib.get_close_matches(name.casefold(), self._topics, n=1)
        if cell.data_type in ("f", "e"):
            what = f"{_kind(cell)} statt eines Eintrags der Liste"
        else:
            what = f"'{name[:60]}' steht nicht in der Liste" if name else "es ist weder Indikator noch Handlungsfeld gewählt"
        mend = f"gemeint ist vielleicht '{self._topics[near[0]].label}'" if near else "bitte einen Eintrag der Liste wählen"
        self._at_cell("doubt", cell, f"{what}, die Maßnahme bleibt ohne Zuordnung", mend)
        return Topic("", "")

    def _year(self, cell: Any) -> int | None:
        if cell.data_type == "d" and isinstance(cell.value, datetime.date):
            years = [cell.value.year]
        elif cell.data_type in ("f", "e", "b", "d"):
            years = []
        else:
            years = [int(year) for year in _YEAR.findall(tidy(cell.value))]
        if len(years) == 1 and FIRST_YEAR <= years[0] <= LAST_YEAR:
            return years[0]
        if tidy(cell.value):
            shown = _kind(cell) if cell.data_type in ("f", "e", "b") else f"'{clean(tidy(cell.value))[:40]}'"
            what = f"{shown} ist kein einzelnes Jahr von {FIRST_YEAR} bis {LAST_YEAR}, der Beginn bleibt offen"
            self._at_cell("doubt", cell, what, "bitte das Jahr vierstellig eintragen, etwa 2019")
        return None


def clean(text: str) -> str:
    """Take out controls and signs that are not seen, and compose letters with their accents."""
    return unicodedata.normalize("NFC", "".join(sign for sign in text if unicodedata.category(sign) not in _NOT_SHOWN)).strip()


def _names_of(topics: Iterable[Topic]) -> dict[str, Topic]:
    """Topics by every name people may use for them: as in the list, without what the list adds, the id alone."""
    listed = list(topics)
    names = {clean(tidy(one.label)).casefold(): one for one in listed}
    for one in listed:
        short = one.label.removesuffix(f" ({one.indicator})") if one.indicator else one.label.removeprefix(layout.FIELD_LABEL)
        for name in (short, one.indicator):
            if name:
                names.setdefault(clean(tidy(name)).casefold(), one)
    return names


def _kind(cell: Any) -> str:
    kinds = {"f": "eine Formel", "e": f"ein Fehlerwert ({cell.value})", "b": "ein Wahrheitswert", "d": "ein Datum"}
    return kinds.get(cell.data_type, "eine Zahl")
