"""Write the sheet of one action field: a row per count, and beside its figures what helps to get them right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integstat.intake import workbook_layout as layout
from integstat.intake.workbook_content import Block, Content, Count
from integstat.intake.workbook_layout import RowPlan
from integstat.intake.workbook_look import GREY, HEAD, LINE, LINE_HEIGHT, ORANGE, RED, Styles, lines
from integstat.intake.workbook_rules import (
    HINT_DE,
    above_rule,
    compared,
    count_validation,
    hint_formula,
    jump_condition,
    jumps,
    other_validation,
    precision_validation,
    rate_formula,
    rate_value,
)
from integstat.intake.workbook_words import exact_words, example_of

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
_YEAR_WIDTH, _RATE_WIDTH = 12, 11
_AFTER = {  # heading and width by anchor
    layout.LAST_ANCHOR: ("Letzte Lieferung", 13),
    layout.HINT_ANCHOR: ("Hinweis", 20),
    layout.EXACT_ANCHOR: ("Was genau: Abgrenzung, Stichtag, Quelle", 44),
    layout.EXAMPLE_ANCHOR: ("Beispiel (nur die Form)", 12),
    layout.PRECISION_ANCHOR: ("Genauigkeit", 18),
    layout.OTHER_ANCHOR: ("Abweichende Definition", 30),
    layout.NOTE_ANCHOR: ("Bemerkung", 34),
}
_RATE_FORMAT = {"percent": "0.0 %", "per_1000": '0.0 "‰"'}
_INPUTS = (layout.PRECISION_ANCHOR, layout.OTHER_ANCHOR, layout.NOTE_ANCHOR)


def write_field(sheet: Any, content: Content, field: str, name: str, styles: Styles) -> None:
    """Fill a sheet.

    Parameters
    ----------
    sheet : xlsxwriter worksheet
    content : Content
    field, name : str
        Id of the action field, and the name of the sheet.
    styles : Styles
    """
    _FieldWriter(sheet, content, styles).write(field, name)


def write_figure(sheet: Any, row: int, column: int, value: Count | None, style: Any) -> None:
    """Write a number, a sign or a blank; row and column are counted from 1."""
    if value is None:
        sheet.write_blank(row - 1, column - 1, None, style)
    elif isinstance(value, str):
        sheet.write_string(row - 1, column - 1, value, style)
    else:
        sheet.write_number(row - 1, column - 1, value, style)


class _FieldWriter:
    def __init__(self, sheet: Any, content: Content, styles: Styles) -> None:
        self._sheet = sheet
        self._content = content
        self._styles = styles
        self._warning, self._jump = styles.mark(RED), styles.mark(ORANGE)

    def _after(self, anchor: str) -> int:
        return layout.column_after(self._content.years, anchor)

    def write(self, field: str, name: str) -> None:
        sheet, years = self._sheet, self._content.years
        for column, width in _WIDTHS.items():
            hidden = {"hidden": True} if column in (layout.GROUP, layout.PART) else {}
            sheet.set_column(column - 1, column - 1, width, None, hidden)
        sheet.set_column(layout.FIRST_YEAR - 1, layout.FIRST_YEAR + len(years) - 2, _YEAR_WIDTH)
        sheet.set_column(layout.FIRST_YEAR + len(years) - 1, layout.FIRST_YEAR + 2 * len(years) - 2, _RATE_WIDTH)
        for anchor, (_, width) in _AFTER.items():
            hidden = {"hidden": True} if anchor == layout.LAST_ANCHOR and self._content.last_year is None else {}
            sheet.set_column(self._after(anchor) - 1, self._after(anchor) - 1, width, None, hidden)
        sheet.write_string(layout.TITLE_ROW - 1, 0, f"Handlungsfeld {name}", self._styles.locked(bold=True, font_size=14))
        hint = f"Bitte die gelben Zellen ausfüllen: {layout.ALLOWED_DE} (Bedeutung im Blatt {layout.GUIDE})"
        sheet.write_string(layout.HELP_ROW - 1, 0, hint, self._styles.locked(font_color=GREY))
        self._headers(field)
        row = layout.FIRST_ROW
        for block in self._content.blocks:
            if block.field == field:
                row = self._block(block, row)
        sheet.freeze_panes(layout.FIRST_ROW - 1, layout.INDICATOR_DE)
        sheet.repeat_rows(layout.HEADER_ROW - 1)

    def _headers(self, field: str) -> None:
        """Write the hidden row of anchors and the row of headings below it."""
        years = self._content.years
        anchors = [f"{layout.FIELD_PREFIX}{field}", layout.GROUP_ANCHOR, layout.PART_ANCHOR]
        anchors += [f"{layout.LABEL_ANCHOR} {position}" for position in range(1, len(layout.LABELS) + 1)]
        anchors += [f"{layout.YEAR_PREFIX}{year}" for year in years]
        anchors += [f"{layout.RATE_PREFIX}{year}" for year in years] + list(_AFTER)
        heads = ["Kennung", "Gruppe", "Teil", "Kennzahl", "Definition", "Grundzahl", "Gruppe", "Teil"]
        heads += [str(year) for year in years] + [f"Quote {year}" for year in years]
        last = self._content.last_year
        heads += [f"{head} {last}" if anchor == layout.LAST_ANCHOR and last else head for anchor, (head, _) in _AFTER.items()]
        self._sheet.set_row(layout.ANCHOR_ROW - 1, None, None, {"hidden": True})
        self._sheet.set_row(layout.HEADER_ROW - 1, 3 * LINE_HEIGHT)
        for column, (anchor, head) in enumerate(zip(anchors, heads, strict=True)):
            right = {"align": "right"} if anchor.startswith((layout.YEAR_PREFIX, layout.RATE_PREFIX, layout.LAST_ANCHOR)) else {}
            style = self._styles.locked(bold=True, bg_color=HEAD, bottom=1, text_wrap=True, **right)
            self._sheet.write_string(layout.ANCHOR_ROW - 1, column, anchor)
            self._sheet.write_string(layout.HEADER_ROW - 1, column, head, style)

    def _block(self, block: Block, row: int) -> int:
        """Write the rows of a definition from `row` on; return the row below them."""
        for position, plan in enumerate(block.rows):
            line = {"top": 1, "top_color": LINE} if position == 0 else {}
            self._labels(plan, row, position > 0, line)
            self._inputs(block, plan, row)
            self._rates(block, plan, row, line)
            self._help(block, plan, row, line)
            row += 1
        return row

    def _labels(self, plan: RowPlan, row: int, again: bool, line: Mapping[str, Any]) -> None:
        for column, text in enumerate((plan.key.definition, plan.key.group, plan.key.part)):
            self._sheet.write_string(row - 1, column, text, self._styles.locked(font_color=GREY, **line))
        for column, label in zip(layout.LABELS, plan.labels, strict=True):
            grey = {"font_color": GREY} if again and column in (layout.INDICATOR_DE, layout.DEFINITION_DE) else {}
            self._sheet.write_string(row - 1, column - 1, label, self._styles.locked(text_wrap=True, **line, **grey))

    def _inputs(self, block: Block, plan: RowPlan, row: int) -> None:
        counted = block.kind in ("share", "rate")
        number = self._styles.entry(align="right", num_format="#,##0" if counted else "#,##0.00")
        exact, example = exact_words(block.definition, plan.key.part), example_of(block.kind, plan.key.part)
        for column, year in enumerate(self._content.years, start=layout.FIRST_YEAR):
            write_figure(self._sheet, row, column, self._figure(plan, year), number)
            rule = count_validation(row, column, counted, exact, example)
            self._sheet.data_validation(row - 1, column - 1, row - 1, column - 1, rule)
        for anchor in _INPUTS:
            self._sheet.write_blank(row - 1, self._after(anchor) - 1, None, self._styles.entry(text_wrap=True))
        rules = {layout.PRECISION_ANCHOR: precision_validation(), layout.OTHER_ANCHOR: other_validation()}
        for anchor, rule in rules.items():
            column = self._after(anchor) - 1
            self._sheet.data_validation(row - 1, column, row - 1, column, rule)

    def _figure(self, plan: RowPlan, year: int, part: str = "") -> Count | None:
        return self._content.figures.get((plan.key.definition, plan.key.group, year, part or plan.key.part))

    def _rates(self, block: Block, plan: RowPlan, row: int, line: Mapping[str, Any]) -> None:
        """Write the rate of each year beside the numerator; mark a numerator above its denominator in red."""
        form = _RATE_FORMAT.get(block.indicator.unit, "0.00")
        style = self._styles.locked(align="right", num_format=form, font_color=GREY, **line)
        times = 1000 if block.indicator.unit == "per_1000" else 1
        for year_column, year in enumerate(self._content.years, start=layout.FIRST_YEAR):
            column = layout.rate_column(self._content.years, year)
            if plan.key.part == "denominator":
                self._sheet.write_blank(row - 1, column - 1, None, style)
                continue
            above, below = layout.cell_name(row, year_column), layout.cell_name(row + 1, year_column)
            shown = rate_value(self._figure(plan, year, "numerator"), self._figure(plan, year, "denominator"))
            formula = rate_formula(above, below, times)
            self._sheet.write_formula(row - 1, column - 1, formula, style, "" if shown is None else shown * times)
            if block.kind not in ("rate", "measure"):
                rule = above_rule(above, below, self._warning)
                self._sheet.conditional_format(row - 1, year_column - 1, row - 1, year_column - 1, rule)

    def _help(self, block: Block, plan: RowPlan, row: int, line: Mapping[str, Any]) -> None:
        """Write what was delivered last, a hint where a figure jumps, what exactly is asked for, and an example."""
        sheet, after = self._sheet, self._after
        wrapped = self._styles.locked(text_wrap=True, font_color=GREY, **line)
        last = self._content.last.get((plan.key.definition, plan.key.group, plan.key.part))
        counted = {"num_format": "#,##0"} if block.kind in ("share", "rate") else {"num_format": "#,##0.00"}
        grey = self._styles.locked(align="right", font_color=GREY, **counted, **line)
        write_figure(sheet, row, after(layout.LAST_ANCHOR), last, grey)
        self._hint(plan, row, last, line)
        exact = exact_words(block.definition, plan.key.part)
        sheet.write_string(row - 1, after(layout.EXACT_ANCHOR) - 1, exact, wrapped)
        example = example_of(block.kind, plan.key.part)
        right = self._styles.locked(align="right", font_color=GREY, italic=True, **line)
        sheet.write_string(row - 1, after(layout.EXAMPLE_ANCHOR) - 1, example, right)
        widths = [_WIDTHS[column] for column in layout.LABELS] + [_WIDTHS[layout.DEFINITION], _AFTER[layout.EXACT_ANCHOR][1]]
        texts = (*plan.labels, plan.key.definition, exact)
        sheet.set_row(row - 1, LINE_HEIGHT * max(lines(text, width) for text, width in zip(texts, widths, strict=True)))

    def _hint(self, plan: RowPlan, row: int, last: Count | None, line: Mapping[str, Any]) -> None:
        """Write the formula of the hint, and mark the figure that jumps."""
        years, conditions, seen = self._content.years, [], False
        for place, other in compared(years, self._content.last_year):
            here = layout.cell_name(row, layout.FIRST_YEAR + place)
            there = layout.cell_name(row, self._after(layout.LAST_ANCHOR) if other is None else layout.FIRST_YEAR + other)
            before = last if other is None else self._figure(plan, years[other])
            condition, column = jump_condition(here, there), layout.FIRST_YEAR + place - 1
            rule = {"type": "formula", "criteria": f"={condition}", "format": self._jump}
            self._sheet.conditional_format(row - 1, column, row - 1, column, rule)
            conditions.append(condition)
            seen |= jumps(self._figure(plan, years[place]), before)
        style = self._styles.locked(bold=True, text_wrap=True, **line)
        column = self._after(layout.HINT_ANCHOR) - 1
        self._sheet.write_formula(row - 1, column, hint_formula(conditions), style, HINT_DE if seen else "")
