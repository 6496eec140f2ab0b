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
from integstat.intake.workbook_content import Content, Count, CountKey, RowCounts, blocks_of, check_content, usual_figure
from integstat.intake.workbook_fields import write_field, write_figure
from integstat.intake.workbook_look import GREY, HEAD, LINE_HEIGHT, Styles, lines
from integstat.intake.workbook_measures import write_measures
from integstat.intake.workbook_rules import ags_validation, context_validation

_A3, _A4 = 8, 9  # numbers of paper sizes in Excel
_CREATED = datetime.datetime(2000, 1, 1)  # in every workbook: the same figures give the same bytes
_GUIDE_STEPS = (
    "Die Mappe lässt sich mit Excel und mit LibreOffice ausfüllen und als .xlsx oder .ods speichern.",
    "Bitte zuerst oben AGS, Stadt, Ansprechperson und Datenstand prüfen oder eintragen. Der AGS ist Text mit führender Null.",
    "Für jedes Handlungsfeld gibt es ein Blatt. Die gelben Zellen sind auszufüllen, alles andere ist gesperrt.",
    "Jede Zeile ist eine Grundzahl: Zähler oder Nenner einer Definition für eine Gruppe.",
    "Bitte Anzahlen eintragen, keine Quoten und keine Prozentwerte; die Quote rechnet die Mappe selbst.",
    "Bitte Zahlen eintippen oder nur als Werte einfügen: Formeln und Verknüpfungen werden nicht gelesen.",
    "Wo keine Zahl stehen kann, bitte eines der Zeichen unten eintragen statt die Zelle leer zu lassen.",
    "Was genau zu zählen ist, mit Stichtag und Quelle, steht beim Anklicken einer gelben Zelle da und in der Spalte 'Was genau'.",
    "Sind die Zahlen einer Zeile gerundet, bitte in der Spalte Genauigkeit wählen, auf welche Vielfachen.",
    "Ist etwas anderes gezählt als verlangt, bitte unter Abweichende Definition sagen, was; verglichen wird es dann nicht.",
    "Der Hinweis 'Sprung: bitte prüfen' heißt: eine Zahl liegt weit weg von der des Vorjahres oder der letzten Lieferung.",
    "Eine Definition, die Ihre Stadt gar nicht liefert, darf ganz leer bleiben.",
    "Im Blatt Maßnahmen kann Ihre Stadt sagen, was sie unternimmt; das ist freiwillig und ändert keine Zahl.",
    "Hinweise zu einer Zahl gehören in die Spalte Bemerkung, nicht in die Zelle mit der Zahl.",
    "Bitte keine Zeilen, Spalten oder Blätter einfügen, löschen, umbenennen, sortieren oder verbinden.",
    "Den Schrägstrich nimmt Excel an, wenn die Zelle vorher mit F2 geöffnet wird.",
)


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
    last: RowCounts | None = None,
    last_year: int | None = None,
    contact: str = "",
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
    last : mapping, optional
        What the city delivered last, by (`indicator.definition`, group, part): number or sign, shown beside the inputs and
        not to be changed. Rows that are not in the workbook are passed over.
    last_year : int, optional
        The year it stands for.
    contact : str
        Ansprechperson, as known.

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
        last=last,
        last_year=last_year,
        contact=contact,
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
    last: RowCounts | None = None,
    last_year: int | None = None,
    contact: str = "",
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
        last={key: usual_figure(key, value) for key, value in (last or {}).items()},
        last_year=last_year,
        contact=contact,
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
        self._styles = Styles(book)
        self._style, self._input = self._styles.locked, self._styles.entry

    def write(self, names: Mapping[str, str]) -> None:
        """Write all sheets: guide, fields, context, measures, register."""
        self._guide()
        for field, name in names.items():
            sheet = self._book.add_worksheet(name)
            write_field(sheet, self._content, field, name, self._styles)
            self._finish(sheet, paper=_A3)
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
            (layout.GUIDE_CONTACT, "Ansprechperson", self._content.contact, text),
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
            write_figure(sheet, row, 3, self._content.context.get(feature), self._input(align="right"))
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

    def _finish(self, sheet: Any, *, landscape: bool = True, paper: int = _A4) -> None:
        sheet.protect("", {"format_columns": True, "format_rows": True})
        sheet.set_paper(paper)
        if landscape:
            sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
