"""Write the workbook that a city fills in, empty or with figures."""

from __future__ import annotations

import datetime
import io
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from integstat.catalogue.schema import DefinitionEntry, IndicatorEntry
from integstat.errors import UsageError
from integstat.intake import workbook_layout as layout
from integstat.intake.measures import Measure
from integstat.intake.workbook_content import Block, Content, Count, CountKey, blocks_of, check_content, usual_figure
from integstat.intake.workbook_layout import RowPlan
from integstat.intake.workbook_look import GREY, HEAD, INPUT, LINE, LINE_HEIGHT, RED, lines
from integstat.intake.workbook_measures import write_measures
from integstat.intake.workbook_rules import (
    above_rule,
    ags_validation,
    context_validation,
    count_validation,
    rate_formula,
    rate_value,
)

_CREATED = datetime.datetime(2000, 1, 1)  # in every workbook: the same figures give the same bytes
_GUIDE_STEPS = (
    "Bitte zuerst oben AGS, Stadt, Ansprechperson und Datenstand prüfen oder eintragen. Der AGS ist Text mit führender Null.",
    "Für jedes Handlungsfeld gibt es ein Blatt. Die gelben Zellen sind auszufüllen, alles andere ist gesperrt.",
    "Jede Zeile ist eine Grundzahl: Zähler oder Nenner einer Definition für eine Gruppe.",
    "Bitte Anzahlen eintragen, keine Quoten und keine Prozentwerte; die Quote rechnet die Mappe selbst.",
    "Bitte Zahlen eintippen oder nur als Werte einfügen: Formeln und Verknüpfungen werden nicht gelesen.",
    "Wo keine Zahl stehen kann, bitte eines der Zeichen unten eintragen statt die Zelle leer zu lassen.",
    "Eine Definition, die Ihre Stadt gar nicht liefert, darf ganz leer bleiben.",
    "Im Blatt Maßnahmen kann Ihre Stadt sagen, was sie unternimmt; das ist freiwillig und ändert keine Zahl.",
    "Hinweise zu einer Zahl gehören in die Spalte Bemerkung, nicht in die Zelle mit der Zahl.",
    "Bitte keine Zeilen, Spalten oder Blätter einfügen, löschen, umbenennen, sortieren oder verbinden.",
    "Den Schrägstrich nimmt Excel an, wenn die Zelle vorher mit F2 geöffnet wird.",
)
_WIDTHS = {
    layout.DEFINITION: 18,
    layout.GROUP: 9,
    layout.PART: 11,
    layout.INDICATOR_DE: 27,
    layout.DEFINITION_DE: 33,
    layout.COUNT_DE: 33,
    layout.GROUP_DE: 16,
    layout.PART_NAME_DE: 8,
}
_YEAR_WIDTH, _RATE_WIDTH, _NOTE_WIDTH = 12, 11, 40
_RATE_FORMAT = {"percent": "0.0 %", "per_1000": '0.0 "‰"'}


def write_workbook(
    path: Path,
    *,
    ring_name: str,
    city: str,
    city_name: str,
    years: Sequence[int],
    catalogue_entries: Sequence[tuple[IndicatorEntry, DefinitionEntry]],
    field_names: Mapping[str, str],
    count_names: Mapping[str, str],
    counts: Mapping[CountKey, Count] | None = None,
    context: Mapping[str, float] | None = None,
    context_names: Mapping[str, str] | None = None,
    measures: Sequence[Measure] = (),
) -> None:
    """Write a workbook; `path` holds either the whole of it or what it held before.

    Parameters
    ----------
    path : pathlib.Path
        Its folder must exist.
    ring_name, city, city_name : str
        `city` is the AGS as text; city and name may be empty in a template for everybody.
    years : sequence of int
        Berichtsjahre, a column each, ascending.
    catalogue_entries : sequence of (IndicatorEntry, DefinitionEntry)
        What the ring collects, in the order of the rows.
    field_names, count_names : mapping of str to str
        German names of the action fields and counts by id. A count without a name appears under its id.
    counts : mapping, optional
        Number (at least 0) or sign by (`indicator.definition`, `target` or `reference`, year, `numerator` or
        `denominator`). What is not there stays empty; None makes a template.
    context : mapping of str to float, optional
        Value by feature id.
    context_names : mapping of str to str, optional
        German label by feature id; a row each. Without any feature there is no context sheet.
    measures : sequence of Measure
        What is known of the city's measures; the sheet for them is there in any case.

    Raises
    ------
    UsageError
        If the file cannot be written.
    ValueError
        If counts, context or measures do not fit the entries: a mistake of the caller, not of a city.

    Notes
    -----
    The same arguments give the same bytes. The rates are formulas for the eye; the reader never looks at them.
    """
    content = workbook_bytes(
        ring_name=ring_name,
        city=city,
        city_name=city_name,
        years=years,
        catalogue_entries=catalogue_entries,
        field_names=field_names,
        count_names=count_names,
        counts=counts,
        context=context,
        context_names=context_names,
        measures=measures,
    )
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as handle:
            temporary = Path(handle.name)
            handle.write(content)
        temporary.chmod(0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        what = f"die Arbeitsmappe lässt sich nicht schreiben ({error.strerror})"
        raise UsageError(what, place=str(path), mend="bitte Ordner und Schreibrechte prüfen") from error


def workbook_bytes(
    *,
    ring_name: str,
    city: str,
    city_name: str,
    years: Sequence[int],
    catalogue_entries: Sequence[tuple[IndicatorEntry, DefinitionEntry]],
    field_names: Mapping[str, str],
    count_names: Mapping[str, str],
    counts: Mapping[CountKey, Count] | None = None,
    context: Mapping[str, float] | None = None,
    context_names: Mapping[str, str] | None = None,
    measures: Sequence[Measure] = (),
) -> bytes:
    """Return the workbook's bytes; parameters and errors as in `write_workbook`."""
    figures = {key: usual_figure(key, value) for key, value in (counts or {}).items()}
    features = {**(context_names or {}), **{name: name for name in context or {} if name not in (context_names or {})}}
    blocks = blocks_of(catalogue_entries, field_names, count_names)
    content = Content(
        ring_name=ring_name,
        city=city,
        city_name=city_name,
        years=tuple(years),
        blocks=blocks,
        figures=figures,
        features=features,
        context=dict(context or {}),
        topics=tuple(layout.plan_topics([block.indicator for block in blocks], field_names)),
        measures=tuple(measures),
    )
    check_content(content)
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"title": f"Arbeitsmappe {ring_name}", "subject": city_name, "created": _CREATED})
        _Writer(book, content).write(layout.sheet_names(field_names, content.fields))
    return buffer.getvalue()


class _Writer:
    """Writes the sheets of one workbook; rows and columns are counted from 1."""

    def __init__(self, book: Any, content: Content) -> None:
        self._book = book
        self._content = content
        self._styles: dict[tuple[tuple[str, Any], ...], Any] = {}
        self._warning = book.add_format({"bg_color": RED})

    def _style(self, **properties: Any) -> Any:
        full = {"font_name": "Calibri", "font_size": 11, "valign": "top", **properties}
        key = tuple(sorted(full.items()))
        if key not in self._styles:
            self._styles[key] = self._book.add_format(full)
        return self._styles[key]

    def _input(self, **properties: Any) -> Any:
        return self._style(locked=False, bg_color=INPUT, border=1, border_color=LINE, **properties)

    def write(self, names: Mapping[str, str]) -> None:
        """Write all sheets: guide, fields, context, measures, register."""
        self._guide()
        for field, name in names.items():
            self._field(field, name)
        if self._content.features:
            self._context()
        measures = self._book.add_worksheet(layout.MEASURES)
        write_measures(measures, self._content.topics, self._content.measures, self._style, self._input)
        self._finish(measures)
        self._register(names)

    def _guide(self) -> None:
        sheet = self._book.add_worksheet(layout.GUIDE)
        sheet.set_column(0, 0, None, None, {"hidden": True})
        sheet.set_column(1, 1, 24)
        sheet.set_column(2, 2, 100)
        sheet.hide_gridlines(2)
        title, bold, wrap = self._style(bold=True, font_size=16), self._style(bold=True), self._style(text_wrap=True)
        text, locked = self._input(num_format="@"), self._style(font_color=GREY)
        sheet.write_string(0, 1, f"Arbeitsmappe für den Vergleichsring {self._content.ring_name}", title)
        cells = (
            (layout.GUIDE_SCHEMA, "Vorlage", layout.SCHEMA, locked),
            (layout.GUIDE_RING, "Vergleichsring", self._content.ring_name, locked),
            (layout.GUIDE_CITY, "AGS (als Text)", self._content.city, text),
            (layout.GUIDE_CITY_NAME, "Stadt", self._content.city_name, text),
            (layout.GUIDE_CONTACT, "Ansprechperson", "", text),
            (layout.GUIDE_VINTAGE, "Datenstand", "", text),
        )
        row = 2
        for anchor, label, value, style in cells:
            sheet.write_string(row, 0, anchor)
            sheet.write_string(row, 1, label, bold)
            sheet.write_string(row, 2, value, style) if value else sheet.write_blank(row, 2, None, style)
            if anchor == layout.GUIDE_CITY:
                sheet.data_validation(row, 2, row, 2, ags_validation(layout.cell_name(row + 1, 3)))
            row += 1
        sheet.write_string(row, 1, "Berichtsjahre", bold)
        sheet.write_string(row, 2, ", ".join(str(year) for year in self._content.years), locked)
        row += 2
        sheet.write_string(row, 1, "So geht es", bold)
        for number, step in enumerate(_GUIDE_STEPS, start=1):
            row += 1
            sheet.write_string(row, 1, f"{number}.", self._style(align="right"))
            sheet.write_string(row, 2, step, wrap)
            sheet.set_row(row, LINE_HEIGHT * lines(step, 100))
        row += 2
        sheet.write_string(row, 1, "Zeichen", bold)
        sheet.write_string(row, 2, "Bedeutung", bold)
        for sign, meaning in layout.SIGN_MEANING_DE.items():
            row += 1
            sheet.write_string(row, 1, sign, self._style(align="right"))
            sheet.write_string(row, 2, meaning, wrap)
        self._finish(sheet, landscape=False)

    def _field(self, field: str, name: str) -> None:
        years = self._content.years
        note = layout.note_column(years)
        sheet = self._book.add_worksheet(name)
        for column, width in _WIDTHS.items():
            hidden = {"hidden": True} if column in (layout.GROUP, layout.PART) else {}
            sheet.set_column(column - 1, column - 1, width, None, hidden)
        sheet.set_column(layout.FIRST_YEAR - 1, layout.FIRST_YEAR + len(years) - 2, _YEAR_WIDTH)
        sheet.set_column(layout.FIRST_YEAR + len(years) - 1, note - 2, _RATE_WIDTH)
        sheet.set_column(note - 1, note - 1, _NOTE_WIDTH)
        sheet.write_string(layout.TITLE_ROW - 1, 0, f"Handlungsfeld {name}", self._style(bold=True, font_size=14))
        hint = f"Bitte die gelben Zellen ausfüllen: {layout.ALLOWED_DE} (Bedeutung im Blatt {layout.GUIDE})"
        sheet.write_string(layout.HELP_ROW - 1, 0, hint, self._style(font_color=GREY))
        self._headers(sheet, field)
        row = layout.FIRST_ROW
        for block in self._content.blocks:
            if block.field == field:
                row = self._block(sheet, block, row)
        sheet.freeze_panes(layout.FIRST_ROW - 1, layout.INDICATOR_DE)
        sheet.repeat_rows(layout.HEADER_ROW - 1)
        self._finish(sheet)

    def _headers(self, sheet: Any, field: str) -> None:
        """Write the hidden row of anchors and the row of headings below it."""
        years = self._content.years
        anchors = [f"{layout.FIELD_PREFIX}{field}", layout.GROUP_ANCHOR, layout.PART_ANCHOR]
        anchors += [f"{layout.LABEL_ANCHOR} {position}" for position in range(1, len(layout.LABELS) + 1)]
        anchors += [f"{layout.YEAR_PREFIX}{year}" for year in years]
        anchors += [f"{layout.RATE_PREFIX}{year}" for year in years] + [layout.NOTE_ANCHOR]
        heads = ["Kennung", "Gruppe", "Teil", "Kennzahl", "Definition", "Grundzahl", "Gruppe", "Teil"]
        heads += [str(year) for year in years] + [f"Quote {year}" for year in years] + ["Bemerkung"]
        sheet.set_row(layout.ANCHOR_ROW - 1, None, None, {"hidden": True})
        for column, (anchor, head) in enumerate(zip(anchors, heads, strict=True)):
            right = {"align": "right"} if anchor.startswith((layout.YEAR_PREFIX, layout.RATE_PREFIX)) else {}
            sheet.write_string(layout.ANCHOR_ROW - 1, column, anchor)
            sheet.write_string(layout.HEADER_ROW - 1, column, head, self._style(bold=True, bg_color=HEAD, bottom=1, **right))

    def _block(self, sheet: Any, block: Block, row: int) -> int:
        """Write the rows of a definition from `row` on; return the row below them."""
        counted = block.kind in ("share", "rate")
        note = self._input(text_wrap=True)
        number = self._input(align="right", num_format="#,##0" if counted else "#,##0.00")
        for position, plan in enumerate(block.rows):
            line = {"top": 1, "top_color": LINE} if position == 0 else {}
            grey = self._style(font_color=GREY, **line)
            anchors = (plan.key.definition, plan.key.group, plan.key.part)
            for column, text in enumerate(anchors):
                sheet.write_string(row - 1, column, text, grey)
            for column, label in zip(layout.LABELS, plan.labels, strict=True):
                again = position > 0 and column in (layout.INDICATOR_DE, layout.DEFINITION_DE)
                sheet.write_string(
                    row - 1, column - 1, label, self._style(text_wrap=True, **line, **({"font_color": GREY} if again else {}))
                )
            for column, year in enumerate(self._content.years, start=layout.FIRST_YEAR):
                value = self._content.figures.get((*anchors[:2], year, anchors[2]))
                _write(sheet, row, column, value, number)
                sheet.data_validation(row - 1, column - 1, row - 1, column - 1, count_validation(row, column, counted))
            self._rates(sheet, block, plan, row, line)
            sheet.write_blank(row - 1, layout.note_column(self._content.years) - 1, None, note)
            widths = [_WIDTHS[column] for column in layout.LABELS] + [_WIDTHS[layout.DEFINITION]]
            height = max(lines(text, width) for text, width in zip((*plan.labels, anchors[0]), widths, strict=True))
            sheet.set_row(row - 1, LINE_HEIGHT * height)
            row += 1
        return row

    def _rates(self, sheet: Any, block: Block, plan: RowPlan, row: int, line: Mapping[str, Any]) -> None:
        """Write the rate of each year beside the numerator; mark a numerator above its denominator in red."""
        style = self._style(align="right", num_format=_RATE_FORMAT.get(block.indicator.unit, "0.00"), font_color=GREY, **line)
        times = 1000 if block.indicator.unit == "per_1000" else 1
        for year_column, year in enumerate(self._content.years, start=layout.FIRST_YEAR):
            column = layout.rate_column(self._content.years, year)
            if plan.key.part == "denominator":
                sheet.write_blank(row - 1, column - 1, None, style)
                continue
            above, below = layout.cell_name(row, year_column), layout.cell_name(row + 1, year_column)
            formula = rate_formula(above, below, times)
            shown = rate_value(
                self._content.figures.get((plan.key.definition, plan.key.group, year, "numerator")),
                self._content.figures.get((plan.key.definition, plan.key.group, year, "denominator")),
            )
            sheet.write_formula(row - 1, column - 1, formula, style, "" if shown is None else shown * times)
            if block.kind not in ("rate", "measure"):
                rule = above_rule(above, below, self._warning)
                sheet.conditional_format(row - 1, year_column - 1, row - 1, year_column - 1, rule)

    def _context(self) -> None:
        sheet = self._book.add_worksheet(layout.CONTEXT)
        for column, width in enumerate((30, 60, 18)):
            sheet.set_column(column, column, width)
        sheet.write_string(layout.TITLE_ROW - 1, 0, "Merkmale der Stadt", self._style(bold=True, font_size=14))
        hint = f"Bitte den Stand von {self._content.years[0]} als Zahl eintragen, Anteile in Prozent ohne %-Zeichen"
        sheet.write_string(layout.HELP_ROW - 1, 0, hint, self._style(font_color=GREY))
        sheet.set_row(layout.ANCHOR_ROW - 1, None, None, {"hidden": True})
        head = self._style(bold=True, bg_color=HEAD, bottom=1)
        columns = ((layout.CONTEXT_ANCHOR, "Kennung"), (f"{layout.LABEL_ANCHOR} 1", "Merkmal"), (layout.VALUE_ANCHOR, "Wert"))
        for column, (anchor, text) in enumerate(columns):
            sheet.write_string(layout.ANCHOR_ROW - 1, column, anchor)
            sheet.write_string(layout.HEADER_ROW - 1, column, text, head)
        for row, (feature, label) in enumerate(self._content.features.items(), start=layout.FIRST_ROW):
            sheet.write_string(row - 1, 0, feature, self._style(font_color=GREY))
            sheet.write_string(row - 1, 1, label, self._style(text_wrap=True))
            _write(sheet, row, 3, self._content.context.get(feature), self._input(align="right"))
            sheet.data_validation(row - 1, 2, row - 1, 2, context_validation(layout.cell_name(row, 3)))
            sheet.set_row(row - 1, LINE_HEIGHT * lines(label, 60))
        sheet.freeze_panes(layout.FIRST_ROW - 1, 0)
        self._finish(sheet)

    def _register(self, names: Mapping[str, str]) -> None:
        """List what the workbook holds, for the reader to notice what was taken away or exchanged."""
        sheet = self._book.add_worksheet(layout.REGISTER)
        sheet.very_hidden()
        rows: list[tuple[str, ...]] = [("schema", layout.SCHEMA), ("city", self._content.city)]
        rows += [("topic", topic.label, topic.field, topic.indicator) for topic in self._content.topics]  # see FIRST_TOPIC
        rows += [("year", str(year)) for year in self._content.years]
        rows += [("field", field, name) for field, name in names.items()]
        rows += [
            ("row", block.field, plan.key.definition, plan.key.group, plan.key.part, *plan.labels)
            for block in self._content.blocks
            for plan in block.rows
        ]
        rows += [("feature", feature, label) for feature, label in self._content.features.items()]
        for row, texts in enumerate(rows):
            for column, text in enumerate(texts):
                sheet.write_string(row, column, text)
        self._finish(sheet)

    def _finish(self, sheet: Any, *, landscape: bool = True) -> None:
        sheet.protect("", {"format_columns": True, "format_rows": True})
        sheet.set_paper(9)
        if landscape:
            sheet.set_landscape()
        sheet.fit_to_pages(1, 0)


def _write(sheet: Any, row: int, column: int, value: Count | None, style: Any) -> None:
    if value is None:
        sheet.write_blank(row - 1, column - 1, None, style)
    elif isinstance(value, str):
        sheet.write_string(row - 1, column - 1, value, style)
    else:
        sheet.write_number(row - 1, column - 1, value, style)
