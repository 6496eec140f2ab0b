"""Read the figures of one action field's sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from integstat.intake import workbook_layout as layout
from integstat.intake.problems import Problem, Severity, enumerate_some
from integstat.intake.workbook_anchors import Anchored, Register, check_labels, name_row, row_key, tidy
from integstat.intake.workbook_beside import check_precision, read_beside, set_aside
from integstat.intake.workbook_cells import Figure, read_figure
from integstat.intake.workbook_layout import RowKey

Seen = dict[RowKey, str]  # place of every row met so far, over all sheets


@dataclass(frozen=True)
class DeliveredRow:
    """A row of a sheet with its figures.

    Attributes
    ----------
    key : RowKey
    figures : dict of int to (Figure, str)
        Figure and the name of its cell, by year.
    note : str
        What stands beside them in words; for every year of the row.
    step : int
        Number to whose multiples they are rounded, by the city's own word; 1: exact, 0: not said.
    """

    key: RowKey
    figures: dict[int, tuple[Figure, str]]
    note: str
    step: int = 0


@dataclass
class FieldSheet:
    """What a sheet delivered.

    Attributes
    ----------
    rows : list of DeliveredRow
        Definitions left wholly empty are not among them.
    problems : list of Problem
    filled : bool
        Whether any cell for a figure holds anything.
    remarked : bool
        Whether anything stands beside the figures.
    """

    rows: list[DeliveredRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    filled: bool = False
    remarked: bool = False


def read_field(anchored: Anchored, register: Register, file: str, known: Callable[[str], bool], seen: Seen) -> FieldSheet:
    """Read a sheet.

    Parameters
    ----------
    anchored : Anchored
    register : Register
        What the template held.
    file : str
    known : callable
        Whether the catalogue has a definition.
    seen : dict
        Rows met in earlier sheets; this sheet's are added.

    Returns
    -------
    FieldSheet
        A cell with a fault is there as 'missing', beside its problem.
    """
    return _FieldReader(anchored, register, file, known, seen).read()


class _FieldReader:
    def __init__(self, anchored: Anchored, register: Register, file: str, known: Callable[[str], bool], seen: Seen) -> None:
        self._at = anchored
        self._register = register
        self._file = file
        self._known = known
        self._seen = seen
        self._out = FieldSheet()
        self._years: dict[int, int] = {}  # column by year
        self._merged: set[tuple[int, int]] = set()

    def _tell(self, severity: Severity, where: str, what: str, mend: str, definition: str = "", check: str = "workbook") -> None:
        place = f"Blatt '{self._at.title}'" + (f", {where}" if where else "")
        self._out.problems.append(Problem(severity, self._file, place, what, mend, definition=definition, check=check))

    def read(self) -> FieldSheet:
        if not self._columns():
            return self._out
        self._find_merged()
        rows = self._rows()
        self._deliver(rows)
        return self._out

    def _columns(self) -> bool:
        """Find the years' columns; False where the sheet cannot be read without guessing."""
        at = self._at
        for anchor, column in at.doubled:
            what = f"die Spalte '{anchor.removeprefix(layout.YEAR_PREFIX)}' steht doppelt"
            self._tell("error", f"Spalte {layout.column_letters(column)}", what, "bitte die Kopie löschen")
        for anchor in (layout.GROUP_ANCHOR, layout.PART_ANCHOR):
            if anchor not in at.columns:
                what = "eine der ausgeblendeten Spalten mit den Kennungen fehlt"
                self._tell("error", "", what, "bitte die Zahlen in eine frische Vorlage übertragen")
                return False
        if layout.NOTE_ANCHOR not in at.columns:
            self._tell(
                "hint", "", "die Spalte Bemerkung fehlt", "bitte aus der Vorlage wiederherstellen, falls Bemerkungen nötig sind"
            )
        for anchor, column in at.columns.items():
            year = anchor.removeprefix(layout.YEAR_PREFIX)
            if anchor.startswith(layout.YEAR_PREFIX) and year.isdecimal():
                self._years[int(year)] = column
                self._heading(int(year), column)
        for missing in sorted(set(self._register.years) - set(self._years)):
            self._tell("error", "", f"die Spalte für {missing} fehlt", "bitte die Zahlen in eine frische Vorlage übertragen")
        hidden = at.hidden_columns() & set(self._years.values())
        for column in sorted(hidden):
            what = "die Spalte ist ausgeblendet, ihre Zahlen werden trotzdem gelesen"
            self._tell("hint", f"Spalte {layout.column_letters(column)}", what, "bitte einblenden und nachsehen")
        return bool(self._years)

    def _heading(self, year: int, column: int) -> None:
        """Hold the visible heading against the anchor: exchanged or renamed years must not pass."""
        row = self._at.row + 1
        shown = self._at.text(row, column)
        if shown != str(year):
            what = f"die Überschrift lautet '{shown}', in der Vorlage steht hier das Jahr {year}"
            mend = f"bitte '{year}' wiederherstellen; waren Jahre vertauscht, die Zahlen in die richtige Spalte übertragen"
            self._tell("error", f"Zelle {layout.cell_name(row, column)}", what, mend)

    def _find_merged(self) -> None:
        years = set(self._years.values())
        for span in self._at.sheet.merged_cells.ranges:
            touched = years & set(range(span.min_col, span.max_col + 1))
            if not touched or span.max_row <= self._at.row + 1:
                continue
            self._merged |= {(row, column) for row in range(span.min_row, span.max_row + 1) for column in touched}
            mend = "bitte die Verbindung aufheben und jede Zelle einzeln ausfüllen"
            self._tell("error", f"Zellen {span.coord}", "verbundene Zellen über Eingaben", mend)

    def _rows(self) -> list[tuple[int, RowKey]]:
        """Rows that name a count the catalogue knows, each once."""
        at = self._at
        rows: list[tuple[int, RowKey]] = []
        unknown: set[str] = set()
        beside: list[int] = []
        hidden: list[int] = []
        for row in range(at.row + 2, at.last_row() + 1):
            definition = at.text(row, at.columns[layout.FIELD_PREFIX])
            group, part = at.text(row, at.columns[layout.GROUP_ANCHOR]), at.text(row, at.columns[layout.PART_ANCHOR])
            if not (definition or group or part):
                beside += [row] if self._stray(row) else []
                continue
            key = row_key(definition, group, part)
            if key is None or not definition:
                what = f"die Kennung der Zeile ist beschädigt ('{definition}', '{group}', '{part}')"
                self._tell("error", f"Zeile {row}", what, "bitte die Kennung aus der Vorlage wiederherstellen")
                continue
            if not self._known(definition):
                if definition not in unknown:
                    what = f"die Definition '{definition}' gibt es im Katalog nicht"
                    mend = "bitte die Kennung aus der Vorlage wiederherstellen oder die aktuelle Vorlage benutzen"
                    self._tell("error", f"Zelle {layout.cell_name(row, at.columns[layout.FIELD_PREFIX])}", what, mend, definition)
                unknown.add(definition)
                self._seen.setdefault(key, "")
                continue
            if key in self._seen:
                what = f"die Zeile {name_row(key)} steht doppelt, zuerst in {self._seen[key]}"
                self._tell("error", f"Zeile {row}", what, "bitte eine der beiden Zeilen löschen", definition)
                continue
            self._seen[key] = f"Blatt '{at.title}', Zeile {row}"
            self._check_row(row, key)
            if at.sheet.row_dimensions[row].hidden:
                hidden.append(row)
            rows.append((row, key))
        if beside:
            where = _listed("Zeile", "Zeilen", [str(row) for row in beside])
            self._tell(
                "hint", where, "Text außerhalb der Tabelle wird nicht gelesen", "bitte Hinweise in die Spalte Bemerkung schreiben"
            )
        if hidden:
            where = _listed("Zeile", "Zeilen", [str(row) for row in hidden])
            what = "ausgeblendete Zeilen werden trotzdem gelesen"
            self._tell("hint", where, what, "bitte einblenden und nachsehen")
        return rows

    def _stray(self, row: int) -> bool:
        """Tell figures in a row without anchors; return whether there is anything else in it."""
        years = set(self._years.values())
        other = False
        for column in range(1, min(self._at.sheet.max_column, layout.MAX_COLUMNS) + 1):
            if not tidy(self._at.cell(row, column).value):
                continue
            if column in years:
                what = "Eintrag in einer Zeile ohne Kennung, er ließe sich keiner Grundzahl zuordnen"
                mend = "bitte in die vorgesehene Zeile eintragen und die eingefügte Zeile löschen"
                self._tell("error", f"Zelle {layout.cell_name(row, column)}", what, mend)
            else:
                other = True
        return other

    def _check_row(self, row: int, key: RowKey) -> None:
        labels = [self._at.columns.get(f"{layout.LABEL_ANCHOR} {position}") for position in range(1, len(layout.LABELS) + 1)]
        if key not in self._register.rows:
            what = f"die Zeile {name_row(key)} steht nicht in der Vorlage dieser Mappe, sie wird trotzdem gelesen"
            self._tell("doubt", f"Zeile {row}", what, "bitte prüfen, ob sie aus einer anderen Mappe stammt", key.definition)
            return
        if None in labels:
            return
        fault = check_labels(key, tuple(self._at.text(row, column) for column in labels), self._register)
        if fault is not None:
            what, mend, of_another = fault
            self._tell("error" if of_another else "doubt", f"Zeile {row}", what, mend, key.definition)

    def _deliver(self, rows: list[tuple[int, RowKey]]) -> None:
        """Read the cells; leave out the definitions that hold nothing at all."""
        delivered = [self._read_row(row, key) for row, key in rows]
        begun = {one.key.definition for one in delivered if not all(figure.blank for figure, _ in one.figures.values())}
        self._out.filled = bool(begun)
        self._out.remarked = any(one.note or one.step for one in delivered)
        empty = list(dict.fromkeys(one.key.definition for one in delivered if one.key.definition not in begun))
        self._out.rows = [one for one in delivered if one.key.definition in begun]
        if not begun and delivered:
            what = "auf diesem Blatt ist keine Zelle ausgefüllt, das Handlungsfeld gilt als nicht geliefert"
            self._tell("doubt", "", what, "bitte ausfüllen, wenn Zahlen vorliegen")
        elif empty:
            verb = "Definition ist ganz leer und gilt" if len(empty) == 1 else "Definitionen sind ganz leer und gelten"
            what = f"{len(empty)} {verb} als nicht geliefert: {enumerate_some(empty)}"
            self._tell("hint", "", what, "nichts zu tun, wenn das so gemeint ist")
        cells = [figure for one in self._out.rows for figure in one.figures.values()]
        blank = [name for figure, name in cells if figure.blank]
        if blank:
            what = (
                "leere Zelle gilt als nicht geliefert"
                if len(blank) == 1
                else f"{len(blank)} leere Zellen gelten als nicht geliefert"
            )
            self._tell(
                "doubt",
                _listed("Zelle", "Zellen", blank),
                what,
                "bitte die Zahl oder ein Zeichen eintragen, etwa '…'",
                check="cell_blank",
            )
        as_text = [name for figure, name in cells if figure.as_text]
        if as_text:
            verb = "Zahl steht als Text da und wurde" if len(as_text) == 1 else "Zahlen stehen als Text da und wurden"
            what = f"{len(as_text)} {verb} mit Komma als Dezimalzeichen gelesen"
            self._tell(
                "hint",
                _listed("Zelle", "Zellen", as_text),
                what,
                "bitte nachsehen, ob das stimmt, und als Zahl eintragen",
                check="cell_text",
            )

    def _read_row(self, row: int, key: RowKey) -> DeliveredRow:
        figures = {}
        for year, column in self._years.items():
            name = layout.cell_name(row, column)
            if (row, column) in self._merged:
                figures[year] = Figure(float("nan"), "missing"), name
                continue
            figure = read_figure(self._at.cell(row, column))
            if figure.fault is not None:
                self._tell("error", f"Zelle {name}", *figure.fault, key.definition, "cell")
            figures[year] = figure, name
        beside, problems = read_beside(self._at, row, self._file)
        problems += check_precision(figures, beside, self._at, key, self._file)
        figures, found = set_aside(figures, beside, self._at, row, key, self._file)
        self._out.problems += [*problems, *found]
        return DeliveredRow(key, figures, beside.note, beside.step)


def _listed(one: str, many: str, names: Iterable[str]) -> str:
    listed = list(names)
    return f"{one if len(listed) == 1 else many} {enumerate_some(listed)}"
