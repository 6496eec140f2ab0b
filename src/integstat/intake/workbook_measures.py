"""Write the sheet in which a city tells what it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from integstat.intake import workbook_layout as layout
from integstat.intake.measures import FIRST_YEAR, LAST_YEAR, LONGEST, Measure
from integstat.intake.workbook_layout import Topic
from integstat.intake.workbook_look import GREY, HEAD, LINE_HEIGHT, lines

_COLUMNS = (  # anchor, heading, width
    (layout.MEASURES_ANCHOR, "Indikator oder Handlungsfeld", 44),
    ("title", "Titel", 40),
    ("description", "Beschreibung", 70),
    ("since", "seit (Jahr)", 12),
    ("link", "Kontakt oder Link", 40),
)
_TOPIC, _TITLE, _DESCRIPTION, _SINCE, _LINK = range(1, 6)
_HELP = (
    "Freiwillig: was Ihre Stadt unternimmt, eine Zeile je Maßnahme. Es geht in keine Rechnung ein und erscheint im Bericht "
    "für die Städte des Rings so, wie es hier steht; bitte keine Angaben über einzelne Personen, denen geholfen wurde."
)


def write_measures(
    sheet: Any,
    topics: Sequence[Topic],
    measures: Sequence[Measure],
    style: Callable[..., Any],
    entry: Callable[..., Any],
) -> None:
    """Fill the sheet with headings, the prepared rows and what is already known.

    Parameters
    ----------
    sheet : xlsxwriter worksheet
    topics : sequence of Topic
        What a measure may belong to, in the order in which the register lists them.
    measures : sequence of Measure
        Each in a row of its own, from the first on.
    style, entry : callable
        Make the format of a locked and of an input cell.

    Raises
    ------
    ValueError
        If a measure belongs to nothing in the list: a mistake of the caller.
    """
    for column, (_, _, width) in enumerate(_COLUMNS):
        sheet.set_column(column, column, width)
    sheet.write_string(layout.TITLE_ROW - 1, 0, "Maßnahmen der Stadt", style(bold=True, font_size=14))
    sheet.write_string(layout.HELP_ROW - 1, 0, _HELP, style(font_color=GREY))
    sheet.set_row(layout.ANCHOR_ROW - 1, None, None, {"hidden": True})
    for column, (anchor, heading, _) in enumerate(_COLUMNS):
        sheet.write_string(layout.ANCHOR_ROW - 1, column, anchor)
        sheet.write_string(layout.HEADER_ROW - 1, column, heading, style(bold=True, bg_color=HEAD, bottom=1))
    last = layout.FIRST_ROW + max(layout.MEASURE_ROWS, len(measures)) - 1
    text, year = entry(num_format="@", text_wrap=True), entry(align="right")
    for row in range(layout.FIRST_ROW, last + 1):
        for column in range(1, len(_COLUMNS) + 1):
            sheet.write_blank(row - 1, column - 1, None, year if column == _SINCE else text)
    labels = {(one.field, one.indicator): one.label for one in topics}
    for row, one in enumerate(measures, start=layout.FIRST_ROW):
        if (one.field, one.indicator) not in labels:
            raise ValueError(f"a measure of no topic of the workbook: {one.field!r}, {one.indicator!r}")
        texts = {_TOPIC: labels[one.field, one.indicator], _TITLE: one.title, _DESCRIPTION: one.description, _LINK: one.link}
        for column, content in texts.items():
            if content:
                sheet.write_string(row - 1, column - 1, content, text)
        if one.since is not None:
            sheet.write_number(row - 1, _SINCE - 1, one.since, year)
        height = max(lines(content, int(_COLUMNS[column - 1][2])) for column, content in texts.items())
        sheet.set_row(row - 1, LINE_HEIGHT * height)
    for column, rule in _validations(len(topics)).items():
        sheet.data_validation(layout.FIRST_ROW - 1, column - 1, last - 1, column - 1, rule)
    sheet.freeze_panes(layout.FIRST_ROW - 1, 0)


def _validations(topics: int) -> dict[int, dict[str, Any]]:
    """Rules by column: choose from the list, not too long, a year."""
    letters = layout.column_letters(layout.TOPIC_COLUMN)
    first, last = layout.FIRST_TOPIC, layout.FIRST_TOPIC + topics - 1
    listed: dict[str, Any] = {
        "validate": "list",
        "source": f"={layout.REGISTER}!${letters}${first}:${letters}${last}",
        "error_title": "Nicht in der Liste",
        "error_message": "Bitte einen Indikator oder ein Handlungsfeld aus der Liste wählen.",
    }
    year: dict[str, Any] = {
        "validate": "integer",
        "criteria": "between",
        "minimum": FIRST_YEAR,
        "maximum": LAST_YEAR,
        "error_title": "Kein Jahr",
        "error_message": "Bitte das Jahr des Beginns vierstellig eintragen, etwa 2019.",
    }
    longest = {_TITLE: LONGEST["title"], _DESCRIPTION: LONGEST["description"], _LINK: LONGEST["link"]}
    return {_TOPIC: listed, _SINCE: year} | {column: _at_most(length) for column, length in longest.items()}


def _at_most(length: int) -> dict[str, Any]:
    return {
        "validate": "length",
        "criteria": "<=",
        "value": length,
        "error_title": "Zu lang",
        "error_message": f"Bitte höchstens {length} Zeichen eintragen.",
    }
