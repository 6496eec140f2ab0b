"""Layout of the ring's workbook: what the writer puts where and the reader looks for.

Every sheet carries anchors, so that nothing is guessed from text: in a sheet of an action field the hidden row `ANCHOR_ROW`
names the columns, and the first three columns name definition, group and part of each row. The very hidden sheet `REGISTER`
lists what the template held when it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from integstat.catalogue.schema import DefinitionEntry, IndicatorEntry
from integstat.intake.deliveries import PART_DE, PARTS, Part

SCHEMA = "integstat-mappe-2"  # version of this layout; stands in the workbook
READABLE = ("integstat-mappe-1", SCHEMA)

GUIDE = "Anleitung"
CONTEXT = "Kontext"
MEASURES = "Maßnahmen"
REGISTER = "Kennungen"
REPLY = "Rückmeldung"  # what was found, in a workbook that goes back to its city

# anchors in the hidden column A of the guide
GUIDE_SCHEMA = "schema"
GUIDE_RING = "ring"
GUIDE_CITY = "city"
GUIDE_CITY_NAME = "city_name"
GUIDE_CONTACT = "contact"
GUIDE_VINTAGE = "vintage"
GUIDE_VALUE_COLUMN = 3

# columns of a field's sheet, from 1
DEFINITION, GROUP, PART = 1, 2, 3  # anchors of a row
INDICATOR_DE, DEFINITION_DE, COUNT_DE, GROUP_DE, PART_NAME_DE = 4, 5, 6, 7, 8  # what people read
LABELS = (INDICATOR_DE, DEFINITION_DE, COUNT_DE, GROUP_DE, PART_NAME_DE)
FIRST_YEAR = 9
TITLE_ROW, HELP_ROW, ANCHOR_ROW, HEADER_ROW, FIRST_ROW = 1, 2, 3, 4, 5

# anchors in the hidden row
FIELD_PREFIX = "integstat:"  # with the field's id, in the first column
CONTEXT_ANCHOR = "integstat-kontext"
MEASURES_ANCHOR = "integstat-massnahmen"
GROUP_ANCHOR, PART_ANCHOR, LABEL_ANCHOR, NOTE_ANCHOR, VALUE_ANCHOR = "group", "part", "label", "note", "value"
YEAR_PREFIX, RATE_PREFIX = "year ", "rate "
LAST_ANCHOR, HINT_ANCHOR, EXACT_ANCHOR, EXAMPLE_ANCHOR = "last", "hint", "exact", "example"  # for people, never read
PRECISION_ANCHOR, OTHER_ANCHOR = "precision", "other definition"
AFTER_RATES = (  # columns right of the rates, in this order
    LAST_ANCHOR,
    HINT_ANCHOR,
    EXACT_ANCHOR,
    EXAMPLE_ANCHOR,
    PRECISION_ANCHOR,
    OTHER_ANCHOR,
    NOTE_ANCHOR,
)

# columns of the sheet of measures, from 1; the first holds the topic, and its anchor is `MEASURES_ANCHOR`
MEASURE_ANCHORS = ("title", "description", "since", "link")
MEASURE_ROWS = 40  # prepared for input
FIRST_TOPIC = 3  # row of the register in which the topics begin, one below the other: the source of a list to choose from
TOPIC_COLUMN = 2

MAX_ROWS, MAX_COLUMNS = 20_000, 200  # a sheet that reaches farther is not ours any more

SIGN_OF_CODE = {
    "nothing": "-",
    "secret": ".",
    "below_3": "<3",
    "unreliable": "/",
    "senseless": "x",
    "missing": "…",
}
SIGN_MEANING_DE = {
    "-": "nichts vorhanden, genau null",
    ".": "bekannt, aber geheim zu halten",
    "<3": "kleiner als 3 (null, eins oder zwei)",
    "/": "zu wenige Fälle, die Zahl wäre zu unsicher",
    "x": "die Angabe ist hier nicht sinnvoll",
    "…": "nicht geliefert, Angabe fehlt oder kommt später",
}
PRECISION_DE = {"genau": 1, "auf 5 gerundet": 5, "auf 10 gerundet": 10, "auf 100 gerundet": 100}  # multiples of
OTHER_LONGEST = 300  # characters
FIELD_LABEL = "Handlungsfeld "
GROUP_NAME_DE = {"target": "Zielgruppe", "reference": "Vergleichsgruppe"}
ALLOWED_DE = "eine Zahl ab 0 oder eines der Zeichen " + " ".join(SIGN_OF_CODE.values())

_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_LONGEST = 31  # characters in the name of a sheet


@dataclass(frozen=True)
class RowKey:
    """Which count a row holds."""

    definition: str
    group: str
    part: Part


@dataclass(frozen=True)
class RowPlan:
    """A row of a field's sheet as the template has it.

    Attributes
    ----------
    key : RowKey
    labels : tuple of str, length 5
        German texts in the columns `LABELS`.
    """

    key: RowKey
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Topic:
    """What a measure may belong to: an indicator, or an action field as a whole.

    Attributes
    ----------
    label : str
        As it stands in the list to choose from.
    field : str
    indicator : str
        Empty for a field as a whole.
    """

    label: str
    field: str
    indicator: str = ""


def plan_topics(indicators: Iterable[IndicatorEntry], field_names: Mapping[str, str]) -> list[Topic]:
    """List the fields of these indicators, in their order, each followed by its indicators."""
    by_field: dict[str, dict[str, Topic]] = {}
    for one in indicators:
        topic = Topic(f"{one.name_de} ({one.id})", one.field, one.id)
        by_field.setdefault(one.field, {})[one.id] = topic
    return [
        topic
        for field, topics in by_field.items()
        for topic in (Topic(f"{FIELD_LABEL}{field_names[field]}", field), *topics.values())
    ]


def plan_rows(indicator: IndicatorEntry, definition: DefinitionEntry, count_names: Mapping[str, str]) -> list[RowPlan]:
    """Rows of one definition: numerator and denominator of each group, target group first."""
    names = {
        "target": definition.target_de or indicator.target_de or "alle",
        "reference": definition.reference_de or indicator.reference_de,
    }
    rows = []
    for group in indicator.groups:
        for part in PARTS:
            count = definition.numerator if part == "numerator" else definition.denominator
            labels = (
                indicator.name_de,
                definition.name_de,
                count_names.get(count, count) + _base_year(definition, part),
                names[group],
                PART_DE[part],
            )
            rows.append(RowPlan(RowKey(f"{indicator.id}.{definition.id}", group, part), labels))
    return rows


def _base_year(definition: DefinitionEntry, part: Part) -> str:
    """Say which year a denominator stands for where it is not the column's."""
    if part == "numerator":
        return ""
    if definition.denominator_year is not None:
        return f" (in jeder Spalte: Stand {definition.denominator_year})"
    return " (Stand: Vorjahr der Spalte)" if definition.denominator_lag else ""


def sheet_names(field_names: Mapping[str, str], fields: Iterable[str]) -> dict[str, str]:
    """Name a sheet for each action field, as Excel allows it: no special signs, 31 characters, none twice.

    Parameters
    ----------
    field_names : mapping of str to str
        German name by field id.
    fields : iterable of str
        Field ids to be named.

    Returns
    -------
    dict of str to str
        Name of the sheet by field id.
    """
    taken = {name.casefold() for name in (GUIDE, CONTEXT, MEASURES, REGISTER, REPLY, "History")}
    names: dict[str, str] = {}
    for field in fields:
        clean = " ".join(_FORBIDDEN.sub(" ", field_names[field]).split()).strip("'") or field
        name, number = clean[:_LONGEST].strip(), 2
        while name.casefold() in taken:
            tail = f" {number}"
            name, number = clean[: _LONGEST - len(tail)].strip() + tail, number + 1
        taken.add(name.casefold())
        names[field] = name
    return names


def rate_column(years: Sequence[int], year: int) -> int:
    """Column (from 1) of a year's rate: right of all the years."""
    return FIRST_YEAR + len(years) + list(years).index(year)


def column_after(years: Sequence[int], anchor: str) -> int:
    """Column (from 1) of one of `AFTER_RATES`."""
    return FIRST_YEAR + 2 * len(years) + AFTER_RATES.index(anchor)


def column_letters(column: int) -> str:
    """Letters of a column counted from 1: 27 is 'AA'."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def cell_name(row: int, column: int) -> str:
    """Name of a cell, row and column counted from 1: (7, 6) is 'F7'."""
    return f"{column_letters(column)}{row}"


def place(sheet: str, row: int, column: int) -> str:
    """Name a cell for people: "Blatt 'Arbeit', Zelle F7"."""
    return f"Blatt '{sheet}', Zelle {cell_name(row, column)}"
