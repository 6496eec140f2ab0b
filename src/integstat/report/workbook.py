"""`findings.xlsx`: the tables of a run as people filter them, with a first sheet that says what they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd
import xlsxwriter

from integstat.report.data import ReportData
from integstat.report.workbook_sheets import KINDS, Kind, Sheet, build_sheets
from integstat.steps import writing
from integstat.texts import Texts

_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_NARROW, _WIDE = 9, 34  # characters
_WIDTH = {"sentence": 60, "text": _WIDE}
_FROZEN = 2  # columns that name the row
_LABEL, _PROSE = 30, 100  # characters: the two columns of the first sheet
_Formats = dict[str, xlsxwriter.format.Format]


def write_workbook(data: ReportData, path: Path, language: str = "de") -> None:
    """Write the tables of a run as one Excel workbook.

    Parameters
    ----------
    data : ReportData
    path : pathlib.Path
        The file; written whole or not at all.
    language : str
        Language of headings, words and sentences; cities, files and problems stand as the deliveries give them.

    Raises
    ------
    ReportError
        If there is no finding in any main definition.
    UsageError
        If there are no texts in the language.

    Notes
    -----
    Numbers are numbers with the six significant digits of `findings.csv`: more would allow to work back from a difference of
    rates to small counts. The format of a cell rounds what is seen. Text stays text, whatever sign it begins with: no formula,
    no link, no macro. The same data give the same bytes: the date of the file is the first day after the last year of the data.

    A filter shows cells that fit it, no ranking: intervals of cities overlap, and the order of their means may be chance.
    """
    texts = Texts(language)
    sheets = build_sheets(data, texts)
    with writing(path) as part, xlsxwriter.Workbook(str(part), _OPTIONS) as book:
        book.set_properties({"title": texts.t("workbook.about.title"), "created": datetime(data.years[-1] + 1, 1, 1)})
        formats = _formats(book, texts)
        _about(book, formats, about(data, texts), texts)
        for sheet in sheets:
            _table(book, formats, sheet, texts)


def about(data: ReportData, texts: Texts) -> tuple[tuple[str, str], ...]:
    """Return label and text of every line of the first sheet."""
    t = texts.t
    said = [
        ("ring", data.ring_name),
        ("years", texts.listing(str(year) for year in data.years)),
        ("cities", texts.number(len(data.cities), 0)),
        ("fictional", t(f"workbook.about.is_{data.origin or 'real'}")),
        *((f"word_{word}", t(f"workbook.about.text_{word}")) for word in _words(data)),
        ("wrong", _rule(data, texts)),
        ("interval", t("workbook.about.text_interval", interval=texts.percent(data.settings.interval))),
        ("better", t("workbook.about.text_better")),
        ("limits", t("workbook.about.text_limits")),
        ("unverified", _unverified(data, texts)),
        ("rules", data.rules_digest),
    ]
    return tuple((t(f"workbook.about.{key}"), text) for key, text in said)


def _words(data: ReportData) -> Sequence[str]:
    """Words to explain; a single year tells of no change."""
    return ("success", "deficit", "stable", "open") if len(data.years) > 1 else ("deficit_one_year", "open")


def _rule(data: ReportData, texts: Texts) -> str:
    settings = data.settings
    if settings.rule == "plain":
        return texts.t("workbook.about.rule_plain", threshold=texts.percent(settings.plain_threshold))
    return texts.t("workbook.about.rule_set", floor=texts.percent(settings.floor), q=texts.percent(settings.q))


def _unverified(data: ReportData, texts: Texts) -> str:
    """Which main definitions are reconstructed and not yet held against the ring's report."""
    used = {name: data.catalogue.definition(name)[1] for name in data.main.values()}
    unclear = [name for name, entry in used.items() if not entry.verified_against_report]
    if not unclear:
        return texts.t("workbook.about.all_verified")
    return texts.t("workbook.about.not_verified", n=len(unclear), of=len(used), names=", ".join(unclear))


def _formats(book: xlsxwriter.Workbook, texts: Texts) -> _Formats:
    """Formats of cells by kind of content, and of headings."""
    top = {"valign": "top"}
    shown: dict[Kind, dict[str, object]] = {
        "text": {},
        "sentence": {"text_wrap": True},
        "level": {"num_format": "0.00"},
        "points": {"num_format": "+0.00;-0.00;0.00"},
        "times": {"num_format": "+0.00;-0.00;0.00"},
        "probability": {"num_format": texts.t("workbook.format.probability")},
        "share": {"num_format": texts.t("workbook.format.share")},
        "whole": {"num_format": "0"},
        "flag": {"align": "left"},
    }
    formats: _Formats = {kind: book.add_format(top | shown[kind]) for kind in KINDS}
    formats["head"] = book.add_format(top | {"bold": True, "text_wrap": True, "bg_color": "#DCE6F1", "bottom": 1})
    formats["title"] = book.add_format({"bold": True, "font_size": 16})
    formats["label"] = book.add_format(top | {"bold": True, "text_wrap": True})
    return formats


def _about(book: xlsxwriter.Workbook, formats: _Formats, lines: Sequence[tuple[str, str]], texts: Texts) -> None:
    sheet = book.add_worksheet(texts.t("workbook.sheet.about"))
    sheet.set_column(0, 0, _LABEL)
    sheet.set_column(1, 1, _PROSE)
    sheet.hide_gridlines(2)
    sheet.write_string(0, 0, texts.t("workbook.about.title"), formats["title"])
    sheet.write_string(1, 1, texts.t("workbook.about.lead"), formats["sentence"])
    for row, (label, text) in enumerate(lines, start=2):
        sheet.write_string(row, 0, label, formats["label"])
        sheet.write_string(row, 1, text, formats["sentence"])


def _table(book: xlsxwriter.Workbook, formats: _Formats, table: Sheet, texts: Texts) -> None:
    """Write one table: the head frozen and filtered, then a typed cell for every value."""
    sheet = book.add_worksheet(texts.t(f"workbook.sheet.{table.id}"))
    sheet.freeze_panes(1, _FROZEN)
    for place, (key, kind) in enumerate(table.columns.items()):
        title = texts.t(f"workbook.column.{key}")
        sheet.set_column(place, place, _width(kind, title, table.frame[key]))
        sheet.write_string(0, place, title, formats["head"])
        for row, value in enumerate(table.frame[key], start=1):
            _write(sheet, row, place, kind, value, formats[kind])
    sheet.autofilter(0, 0, max(len(table.frame), 1), len(table.columns) - 1)
    sheet.set_landscape()
    sheet.repeat_rows(0)


def _write(
    sheet: xlsxwriter.worksheet.Worksheet, row: int, column: int, kind: Kind, value: object, cell: xlsxwriter.format.Format
) -> None:
    if pd.isna(value) or value == "":  # type: ignore[call-overload]
        return
    if kind in ("text", "sentence"):
        sheet.write_string(row, column, str(value), cell)
    elif kind == "flag":
        sheet.write_boolean(row, column, bool(value), cell)
    else:
        sheet.write_number(row, column, float(f"{value:.6g}"), cell)


def _width(kind: Kind, title: str, values: pd.Series) -> int:
    """Width in characters: the longest word of the heading, which breaks at spaces, and the longest text, up to a limit."""
    longest = max((len(word) for word in title.split()), default=0)
    if kind in _WIDTH:
        longest = max(longest, min(int(values.fillna("").astype(str).str.len().max()), _WIDTH[kind]) if len(values) else 0)
    return max(longest + 3, _NARROW)
