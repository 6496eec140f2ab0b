"""Find a workbook's sheets, columns and rows by their anchors, and notice what was taken away or exchanged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from integstat.intake import workbook_layout as layout
from integstat.intake.deliveries import PART_DE, Part
from integstat.intake.problems import Problem, Severity
from integstat.intake.workbook_layout import RowKey, Topic

_SEARCHED = 30  # anchors are looked for in so many first rows and columns


@dataclass
class Register:
    """What the template held, from its very hidden sheet.

    Attributes
    ----------
    schema : str
        Version of the layout.
    city : str
        AGS the template was made for; empty where it was for everybody.
    years : list of int
    fields : dict of str to str
        Sheet by field id.
    rows : dict of RowKey to (str, tuple of str)
        Field and German labels of every row.
    features : dict of str to str
        German label by context feature.
    topics : list of Topic
        What a measure may belong to; empty in workbooks from before there was a sheet for measures.
    """

    schema: str = ""
    city: str = ""
    years: list[int] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    rows: dict[RowKey, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    features: dict[str, str] = field(default_factory=dict)
    topics: list[Topic] = field(default_factory=list)

    @classmethod
    def read(cls, sheet: Any) -> Register:
        """Read the sheet; lines of an unknown kind belong to another version and are passed over."""
        register = cls()
        for cells in sheet.iter_rows(max_row=min(sheet.max_row, layout.MAX_ROWS), max_col=16, values_only=True):
            kind, *rest = ("" if cell is None else str(cell) for cell in cells)
            if kind == "schema":
                register.schema = rest[0]
            elif kind == "city":
                register.city = rest[0]
            elif kind == "year" and rest[0].isdecimal():
                register.years.append(int(rest[0]))
            elif kind == "field":
                register.fields[rest[0]] = rest[1]
            elif kind == "feature":
                register.features[rest[0]] = rest[1]
            elif kind == "topic":
                register.topics.append(Topic(rest[0], rest[1], rest[2]))
            elif kind == "row" and (key := row_key(rest[1], rest[2], rest[3])):
                register.rows[key] = (rest[0], tuple(rest[4 : 4 + len(layout.LABELS)]))
        return register


@dataclass(frozen=True)
class Anchored:
    """A sheet whose row of anchors was found.

    Attributes
    ----------
    sheet : openpyxl worksheet
    row : int
        Row of the anchors.
    columns : dict of str to int
        First column of each anchor.
    doubled : tuple of (str, int)
        Anchors that stand again, with their column.
    """

    sheet: Any
    row: int
    columns: dict[str, int]
    doubled: tuple[tuple[str, int], ...]

    @property
    def title(self) -> str:
        """Name of the sheet."""
        return str(self.sheet.title)

    def last_row(self) -> int:
        """Last row with anything in it."""
        return int(self.sheet.max_row)

    def cell(self, row: int, column: int) -> Any:
        """Cell by row and column, from 1."""
        return self.sheet.cell(row=row, column=column)

    def text(self, row: int, column: int | None) -> str:
        """Text of a cell with single blanks; empty where there is no such column."""
        return "" if column is None else tidy(self.cell(row, column).value)

    def hidden_columns(self) -> set[int]:
        """Columns that are not shown."""
        return {
            column
            for span in self.sheet.column_dimensions.values()
            if span.hidden
            for column in range(span.min, min(span.max, layout.MAX_COLUMNS) + 1)
        }


def tidy(value: object) -> str:
    """Text of a cell's value with single blanks, whole numbers without a decimal point."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).split())


def row_key(definition: str, group: str, part: str) -> RowKey | None:
    """Make the key of a row from its three anchors; None where they name no group or no part."""
    if group not in layout.GROUP_NAME_DE or part not in PART_DE:
        return None
    known: Part = "numerator" if part == "numerator" else "denominator"
    return RowKey(definition, group, known)


def find_anchors(sheet: Any) -> tuple[str, Anchored] | None:
    """Look for the row of anchors in the upper left corner of a sheet.

    Returns
    -------
    tuple of (str, Anchored) or None
        The field's id (or `CONTEXT_ANCHOR`, `MEASURES_ANCHOR`) and the sheet with its columns.
    """
    rows, columns = min(sheet.max_row, _SEARCHED), min(sheet.max_column, _SEARCHED)
    for cells in sheet.iter_rows(max_row=rows, max_col=columns):
        for cell in cells:
            name = tidy(cell.value)
            if name.startswith(layout.FIELD_PREFIX) or name in (layout.CONTEXT_ANCHOR, layout.MEASURES_ANCHOR):
                return name.removeprefix(layout.FIELD_PREFIX), _anchored(sheet, cell.row, cell.column)
    return None


def _anchored(sheet: Any, row: int, first: int) -> Anchored:
    columns: dict[str, int] = {layout.FIELD_PREFIX: first}
    doubled = []
    for column in range(first + 1, min(sheet.max_column, layout.MAX_COLUMNS) + 1):
        name = tidy(sheet.cell(row=row, column=column).value)
        if name in columns:
            doubled.append((name, column))
        elif name:
            columns[name] = column
    return Anchored(sheet, row, columns, tuple(doubled))


def locate(sheets: Iterable[Any], register: Register, file: str) -> tuple[dict[str, Anchored], list[Problem]]:
    """Find the sheet of every action field, of the context and of the measures.

    Parameters
    ----------
    sheets : iterable of openpyxl worksheets
        All but guide and register.
    register : Register
    file : str

    Returns
    -------
    found : dict of str to Anchored
        By field id, `CONTEXT_ANCHOR` for the context, `MEASURES_ANCHOR` for the measures.
    problems : list of Problem
        Missing, emptied, copied and far too long sheets are errors, doubts where they hold no figures but measures; renamed,
        hidden and foreign ones hints.
    """
    wanted = dict(register.fields)
    if register.features:
        wanted[layout.CONTEXT_ANCHOR] = layout.CONTEXT
    if register.topics:
        wanted[layout.MEASURES_ANCHOR] = layout.MEASURES
    found: dict[str, Anchored] = {}
    problems: list[Problem] = []
    strangers: dict[str, Any] = {}
    too_long: set[str] = set()
    for sheet in sheets:
        where = f"Blatt '{sheet.title}'"
        if sheet.max_row > layout.MAX_ROWS or sheet.max_column > layout.MAX_COLUMNS:
            what = f"das Blatt reicht bis Zelle {layout.cell_name(sheet.max_row, sheet.max_column)}"
            mend = "bitte die überzähligen Zeilen und Spalten löschen (nicht nur leeren)"
            problems.append(
                Problem(
                    _weight(sheet.title == layout.MEASURES and bool(register.topics)), file, where, what, mend, check="workbook"
                )
            )
            too_long.add(sheet.title)
            continue
        anchored = find_anchors(sheet)
        if anchored is None or anchored[0] not in wanted:
            strangers[sheet.title] = sheet
            continue
        name, one = anchored
        if name in found:
            what = f"das Blatt ist eine Kopie von '{found[name].title}'"
            severity = _weight(name == layout.MEASURES_ANCHOR)
            problems.append(Problem(severity, file, where, what, "bitte eines der beiden Blätter löschen", check="workbook"))
            continue
        found[name] = one
        if sheet.title != wanted[name]:
            what = f"das Blatt hieß in der Vorlage '{wanted[name]}', es wird trotzdem gelesen"
            problems.append(Problem("hint", file, where, what, "bitte Blätter nicht umbenennen", check="workbook"))
        if sheet.sheet_state != "visible":
            what = "das Blatt ist ausgeblendet, es wird trotzdem gelesen"
            problems.append(
                Problem("hint", file, where, what, "bitte einblenden und nachsehen, ob die Zahlen stimmen", check="workbook")
            )
    for name, title in wanted.items():
        if name not in found and title not in too_long:
            problems.append(_lost(title, strangers.pop(title, None), file))
    for title in strangers:
        what = "das Blatt gehört nicht zur Vorlage und wird nicht gelesen"
        mend = "nichts zu tun, wenn dort keine Zahlen des Rings stehen"
        problems.append(Problem("hint", file, f"Blatt '{title}'", what, mend, check="workbook"))
    return found, problems


def _weight(measures: bool) -> Severity:
    """No figure is lost with a sheet of measures, so nothing stops for it."""
    return "doubt" if measures else "error"


def _lost(title: str, sheet: Any, file: str) -> Problem:
    measures = title == layout.MEASURES
    entries = "Maßnahmen" if measures else "Zahlen"
    if sheet is None:
        what, mend = "das Blatt fehlt", f"bitte aus der Vorlage wiederherstellen, auch wenn es ohne {entries} leer bleibt"
    elif all(value is None for cells in sheet.iter_rows(values_only=True) for value in cells):
        what, mend = "das Blatt ist leer", f"bitte die {entries} in eine frische Vorlage eintragen"
    else:
        what, mend = (
            f"die ausgeblendete Zeile {layout.ANCHOR_ROW} mit den Kennungen fehlt",
            f"bitte die {entries} in eine frische Vorlage übertragen",
        )
    return Problem(_weight(measures), file, f"Blatt '{title}'", what, mend, check="workbook")


def check_labels(key: RowKey, shown: tuple[str, ...], register: Register) -> tuple[str, str, bool] | None:
    """Compare what people read in a row with what its anchors say.

    Returns
    -------
    tuple of (str, str, bool) or None
        What is wrong, the mend, and whether the labels belong to another row; None where all is well.
    """
    if key not in register.rows:
        return None
    expected = tuple(tidy(label) for label in register.rows[key][1])
    if shown == expected:
        return None
    for other, (_, labels) in register.rows.items():
        if shown == tuple(tidy(label) for label in labels):
            what = f"die Beschriftung gehört zu {name_row(other)}, die Kennung zu {name_row(key)}"
            return what, "bitte die Zahlen in eine frische Vorlage übertragen, ohne zu sortieren", True
    changed = next((new, old) for new, old in zip(shown, expected, strict=True) if new != old)
    return f"die Beschriftung ist geändert: '{changed[0]}' statt '{changed[1]}'", "bitte prüfen, ob dasselbe gemeint ist", False


def name_row(key: RowKey) -> str:
    """Name a row for people: 'Nenner von A2.restricted (Zielgruppe)'."""
    return f"{PART_DE[key.part]} von {key.definition} ({layout.GROUP_NAME_DE[key.group]})"
