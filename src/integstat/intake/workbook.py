"""Read the workbook a city filled in."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from integstat.errors import IntegstatError
from integstat.intake import workbook_layout as layout
from integstat.intake.deliveries import ROW_COLUMNS
from integstat.intake.measures import Measure, read_measures
from integstat.intake.problems import Problem, Severity, UnreadableFile, enumerate_some
from integstat.intake.regions import key_fault
from integstat.intake.workbook_anchors import Anchored, Register, find_anchors, locate, name_row, tidy
from integstat.intake.workbook_cells import read_figure
from integstat.intake.workbook_open import open_workbook
from integstat.intake.workbook_sheet import DeliveredRow, Seen, read_field

_NOT_INPUT = (layout.GUIDE, layout.REGISTER, layout.REPLY)


class Definitions(Protocol):
    """What the reader asks of a catalogue."""

    def definition(self, definition_id: str, /) -> object:
        """Return the definition; `KeyError` or `UsageError` if there is none."""


@dataclass(frozen=True)
class WorkbookDelivery:
    """What one workbook delivered.

    Attributes
    ----------
    file : str
        Name of the file.
    city : str
        AGS as text; empty where the workbook does not say it soundly, then there are no rows either.
    city_name : str
    rows : pandas.DataFrame
        Columns `ROW_COLUMNS`: `city`, `definition` (`indicator.definition`), `group` (`target`, `reference`), `year`,
        `part` (`numerator`, `denominator`), `value` (NaN where no number stands), `code` (see `integstat.panel.CODES`),
        `note`, `file`, `place` ("Blatt 'Arbeit', Zelle I7"), and `step`: the number to whose multiples the figure is rounded by
        the city's own word (1: exact, 0: not said). Definitions left wholly empty are not delivered and not there.
    context : dict of str to float
        Features with a number, by id.
    problems : list of Problem
        Everything found; while one is an error the figures must not be used.
    vintage : str
        Datenstand, as the city wrote it.
    measures : tuple of Measure
        What the city says it does; empty where the workbook names no city.
    contact : str
        Ansprechperson, as the city wrote it.
    untouched : bool
        Whether it is a workbook of the ring in which no figure, feature or remark was entered.

    Notes
    -----
    What numbers mean together (numerator above denominator, a jump between the years) is checked by the assembler.
    """

    file: str
    city: str
    city_name: str
    rows: pd.DataFrame
    context: dict[str, float]
    problems: list[Problem]
    vintage: str = ""
    measures: tuple[Measure, ...] = ()
    contact: str = ""
    untouched: bool = False


def read_workbook(path: Path, content: bytes, catalogue: Definitions, *, name: str | None = None) -> WorkbookDelivery:
    """Read a workbook made by `write_workbook` and filled in by a city.

    Parameters
    ----------
    path : pathlib.Path
        Where the file lay; it is not opened again.
    content : bytes
        Everything it held.
    catalogue : Definitions
        Knows which definitions there are.
    name : str, optional
        Name of the file for people; by default the last part of `path`.

    Returns
    -------
    WorkbookDelivery
        Whatever is wrong is a problem with its place and its mend; nothing is raised, not for a file that is no workbook
        either.

    Notes
    -----
    Only the hidden anchors decide what a figure is; the visible labels are held against them. Formulas and their stored
    results are never taken.
    """
    file = name or path.name
    try:
        book = open_workbook(content, file)
    except UnreadableFile as error:
        return WorkbookDelivery(file, "", "", _frame([], "", file), {}, [error.problem])
    return _Reader(book, file, catalogue).read()


@dataclass
class _Guide:
    """What the first sheet says about city and figures."""

    schema: str = ""
    city: str = ""
    city_name: str = ""
    vintage: str = ""
    contact: str = ""
    cells: dict[str, Any] = field(default_factory=dict)


class _Reader:
    def __init__(self, book: Any, file: str, catalogue: Definitions) -> None:
        self._sheets = {str(sheet.title): sheet for sheet in book.worksheets}
        self._file = file
        self._catalogue = catalogue
        self._problems: list[Problem] = []
        self._checked: dict[str, bool] = {}
        self._entered = False

    def _tell(self, severity: Severity, place: str, what: str, mend: str, definition: str = "") -> None:
        self._problems.append(Problem(severity, self._file, place, what, mend, definition=definition, check="workbook"))

    def read(self) -> WorkbookDelivery:
        guide = self._find_guide()
        register = Register.read(self._sheets[layout.REGISTER]) if layout.REGISTER in self._sheets else None
        if not self._is_ours(guide, register):
            return self._delivery(guide, [], {}, [])
        assert register is not None
        self._read_guide(guide, register)
        inputs = [sheet for title, sheet in self._sheets.items() if title not in _NOT_INPUT]
        found, problems = locate(inputs, register, self._file)
        self._problems += problems
        context = self._context(found.pop(layout.CONTEXT_ANCHOR, None), register)
        measures = self._measures(found.pop(layout.MEASURES_ANCHOR, None), register)
        rows = self._fields(found, register)
        delivery = self._delivery(guide, rows, context, measures)
        return dataclasses.replace(delivery, untouched=bool(found) and not self._touched(guide, measures))

    def _delivery(
        self,
        guide: _Guide,
        rows: list[tuple[str, DeliveredRow]],
        context: dict[str, float],
        measures: list[Measure],
    ) -> WorkbookDelivery:
        problems = [dataclasses.replace(problem, city=guide.city) for problem in self._problems]
        frame = _frame(rows if guide.city else [], guide.city, self._file)
        told = tuple(measures) if guide.city else ()
        words = guide.vintage, told, guide.contact
        return WorkbookDelivery(self._file, guide.city, guide.city_name, frame, context, problems, *words)

    def _touched(self, guide: _Guide, measures: list[Measure]) -> bool:
        """Whether anything was entered, or might have been where it could not be read."""
        beside = ("", f"Blatt '{layout.GUIDE}'")  # that there is no figure and no AGS is no entry
        faults = [one for one in self._problems if one.severity == "error" and one.place.partition(",")[0] not in beside]
        return self._entered or bool(faults) or bool(measures and not guide.city)

    def _find_guide(self) -> _Guide:
        guide = _Guide()
        sheet = self._sheets.get(layout.GUIDE)
        if sheet is None:
            return guide
        names = (layout.GUIDE_SCHEMA, layout.GUIDE_CITY, layout.GUIDE_CITY_NAME, layout.GUIDE_VINTAGE, layout.GUIDE_CONTACT)
        for row in range(1, min(sheet.max_row, layout.MAX_ROWS) + 1):
            anchor = tidy(sheet.cell(row=row, column=1).value)
            if anchor in names and anchor not in guide.cells:
                guide.cells[anchor] = sheet.cell(row=row, column=layout.GUIDE_VALUE_COLUMN)
        guide.schema = self._guide_text(guide, layout.GUIDE_SCHEMA)
        return guide

    def _guide_text(self, guide: _Guide, anchor: str) -> str:
        return tidy(guide.cells[anchor].value) if anchor in guide.cells else ""

    def _is_ours(self, guide: _Guide, register: Register | None) -> bool:
        """Tell whether the workbook has our anchors in a version this reader knows."""
        fresh = "bitte die Zahlen in eine frische Vorlage übertragen"
        if register is None or not register.schema:
            if guide.cells or any(find_anchors(sheet) for sheet in self._sheets.values()):
                what = "das verborgene Blatt mit den Kennungen fehlt"
                self._tell(
                    "error", f"Blatt '{layout.REGISTER}'", what, f"{fresh}, statt Blätter in eine andere Mappe zu kopieren"
                )
            else:
                sheets = enumerate_some(f"'{title}'" for title in self._sheets)
                what = f"das ist nicht die Arbeitsmappe des Rings, ihre Kennungen fehlen (Blätter: {sheets or 'keine'})"
                self._tell("error", "", what, "bitte die Vorlage des Rings ausfüllen")
            return False
        schema = guide.schema or register.schema
        if schema not in layout.READABLE or register.schema not in layout.READABLE:
            other = schema if schema not in layout.READABLE else register.schema
            place = f"Blatt '{layout.GUIDE}'"
            if layout.GUIDE_SCHEMA in guide.cells:
                place = f"{place}, Zelle {guide.cells[layout.GUIDE_SCHEMA].coordinate}"
            self._tell("error", place, f"die Vorlage ist '{other}', gelesen wird '{layout.SCHEMA}'", f"{fresh} dieser Version")
            return False
        return True

    def _read_guide(self, guide: _Guide, register: Register) -> None:
        where = f"Blatt '{layout.GUIDE}'"
        if layout.GUIDE not in self._sheets:
            self._tell("error", where, "das Blatt mit dem AGS fehlt", "bitte aus der Vorlage wiederherstellen")
            return
        guide.city_name = self._guide_text(guide, layout.GUIDE_CITY_NAME)
        guide.vintage = self._guide_text(guide, layout.GUIDE_VINTAGE)
        guide.contact = self._guide_text(guide, layout.GUIDE_CONTACT)
        if layout.GUIDE_CITY not in guide.cells:
            self._tell("error", where, "die Zelle mit dem AGS fehlt", "bitte das Blatt aus der Vorlage wiederherstellen")
            return
        cell = guide.cells[layout.GUIDE_CITY]
        where = f"{where}, Zelle {cell.coordinate}"
        guide.city = self._city(cell, where)
        if guide.city and register.city and guide.city != register.city:
            what = f"der AGS ist {guide.city}, die Vorlage war für {register.city}"
            self._tell("doubt", where, what, "bitte prüfen, ob die Mappe die richtige Stadt nennt")
        if not guide.city_name:
            self._tell("doubt", f"Blatt '{layout.GUIDE}'", "der Name der Stadt fehlt", "bitte eintragen")

    def _city(self, cell: Any, where: str) -> str:
        """Return the AGS, or an empty text with an error told."""
        value = cell.value
        key = tidy(value)
        if not key:
            self._tell("error", where, "der AGS fehlt", "bitte den fünf- oder achtstelligen AGS als Text eintragen")
            return ""
        if cell.data_type == "f":
            self._tell("error", where, "Formel statt AGS", "bitte den AGS als Text eintragen")
            return ""
        fault = key_fault(key)
        if fault is not None:
            self._tell("error", where, *fault)
            return ""
        if not isinstance(value, str):
            what = f"der AGS {key} steht als Zahl da, so geht eine führende Null verloren"
            self._tell("hint", where, what, "bitte die Zelle als Text formatieren")
        return key

    def _known(self, definition: str) -> bool:
        if definition not in self._checked:
            try:
                self._catalogue.definition(definition)
            except (KeyError, IntegstatError):
                self._checked[definition] = False
            else:
                self._checked[definition] = True
        return self._checked[definition]

    def _fields(self, found: dict[str, Anchored], register: Register) -> list[tuple[str, DeliveredRow]]:
        """Read the sheets of the action fields; return their rows with the name of the sheet."""
        rows: list[tuple[str, DeliveredRow]] = []
        seen: Seen = {}
        filled = False
        before = len(self._problems)
        for one in found.values():
            sheet = read_field(one, register, self._file, self._known, seen)
            self._problems += sheet.problems
            rows += [(one.title, row) for row in sheet.rows]
            filled |= sheet.filled
            self._entered |= sheet.filled or sheet.remarked
        self._deleted(found, register, seen)
        broken = any(problem.severity == "error" for problem in self._problems[before:])
        if found and not filled and not broken:
            self._tell("error", "", "in der ganzen Mappe steht keine einzige Zahl", "bitte ausfüllen und noch einmal senden")
        return rows

    def _deleted(self, found: dict[str, Anchored], register: Register, seen: Seen) -> None:
        """Tell, by definition, which rows of the template are gone from the sheets that are there."""
        lost: dict[tuple[str, str], list[str]] = {}
        for key, (field_id, _) in register.rows.items():
            if field_id in found and key not in seen:
                lost.setdefault((field_id, key.definition), []).append(name_row(key))
        for (field_id, definition), names in lost.items():
            what = f"Zeilen der Vorlage fehlen: {enumerate_some(names)}" if len(names) > 1 else f"die Zeile {names[0]} fehlt"
            mend = "bitte aus der Vorlage wiederherstellen; was nicht vorliegt, bleibt leer oder bekommt '…'"
            self._tell("error", f"Blatt '{found[field_id].title}'", what, mend, definition)

    def _measures(self, at: Anchored | None, register: Register) -> list[Measure]:
        if at is None:
            return []
        measures, problems = read_measures(at, register.topics, self._file)
        self._problems += problems
        return measures

    def _context(self, at: Anchored | None, register: Register) -> dict[str, float]:
        """Read the features of the city; what is no number is left out."""
        context: dict[str, float] = {}
        if at is None:
            return context
        column = at.columns.get(layout.VALUE_ANCHOR)
        if column is None:
            mend = "bitte die Werte in eine frische Vorlage übertragen"
            self._tell("error", f"Blatt '{at.title}'", "die Spalte mit den Werten ist nicht zu finden", mend)
            return context
        merged = {cell for span in at.sheet.merged_cells.ranges for cell in span.cells if cell[0] > at.row and cell[1] == column}
        seen: dict[str, str] = {}
        for row in range(at.row + 2, at.last_row() + 1):
            feature, cell = at.text(row, at.columns[layout.FIELD_PREFIX]), at.cell(row, column)
            where = layout.place(at.title, row, column)
            if (row, column) in merged:
                self._tell("error", where, "verbundene Zellen über Eingaben", "bitte die Verbindung aufheben")
            elif not feature:
                if tidy(cell.value):
                    self._tell("error", where, "Wert in einer Zeile ohne Kennung", "bitte in die vorgesehene Zeile eintragen")
            elif feature in seen:
                what = f"das Merkmal '{feature}' steht doppelt, zuerst in {seen[feature]}"
                self._tell("error", where, what, "bitte eine der beiden Zeilen löschen")
            else:
                figure = read_figure(cell, below_zero=True)
                self._entered |= not figure.blank
                if figure.fault is not None:
                    self._tell("error", where, *figure.fault)
                elif figure.code in ("value", "nothing"):
                    context[feature] = figure.value
                if figure.as_text:
                    what = "die Zahl steht als Text da und wurde mit Komma als Dezimalzeichen gelesen"
                    self._tell("hint", where, what, "bitte nachsehen, ob das stimmt, und als Zahl eintragen")
            seen.setdefault(feature, where)
        lost = [feature for feature in register.features if feature not in seen]
        if lost:
            what = f"Zeilen der Vorlage fehlen: {enumerate_some(lost)}"
            self._tell("doubt", f"Blatt '{at.title}'", what, "bitte aus der Vorlage wiederherstellen")
        return context


def _frame(rows: list[tuple[str, DeliveredRow]], city: str, file: str) -> pd.DataFrame:
    """Count rows as all readers deliver them, a row per row of the sheet and year."""
    records = [
        {
            "city": city,
            "definition": row.key.definition,
            "group": row.key.group,
            "year": year,
            "part": row.key.part,
            "value": figure.value,
            "code": figure.code,
            "note": row.note,
            "file": file,
            "place": f"Blatt '{sheet}', Zelle {cell}",
            "step": row.step,
        }
        for sheet, row in rows
        for year, (figure, cell) in row.figures.items()
    ]
    return pd.DataFrame(records, columns=[*ROW_COLUMNS, "step"])
