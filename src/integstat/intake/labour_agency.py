"""Workbooks of the Statistik der Bundesagentur für Arbeit.

Title rows, among them the date; header rows whose cells are merged over what they span; sometimes a row that numbers the columns;
then one row per region, and footnotes. Like the exports of GENESIS, the columns left of the figures have names of their own,
but not always; the config names them, and the header rows too. `*` stands for one or two, and for what would give them away.
"""

from __future__ import annotations

import re
from typing import Any

from integstat.intake.files import FileContent
from integstat.intake.numbers import parse_number
from integstat.intake.problems import Problem, UnreadableFile
from integstat.intake.settings import SourceSettings
from integstat.intake.sheets import open_sheets, spread, texts_of
from integstat.intake.tables import Table, letters, long_form

DATE = "Zeit"
_MONTH_NAMES = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
_MONTHS = {name.lower(): number for number, name in enumerate(_MONTH_NAMES.split(), start=1)}
_KEY = re.compile(r"[0-9]{1,8}")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_SAID = re.compile(r"(?:Stichtag|Berichtsmonat|Berichtsjahr|Berichtszeitraum|Zeitraum)\s*:?\s*(.+)", re.IGNORECASE)
_DAY = re.compile(r"(?:([0-9]{1,2})\.\s*)?([A-Za-zä]+)\s+((?:19|20)[0-9]{2})")
_NUMERIC_DAY = re.compile(r"(?:[0-9]{1,2}\.){0,2}(?:19|20)[0-9]{2}")
_FOOTNOTE = re.compile(r"\s*(?:[0-9]\)|[¹²³⁴⁵⁶⁷⁸⁹]+[)⁾]?)+$")


def read_labour_agency(file: FileContent, source: SourceSettings) -> Table:
    """Read one sheet of a workbook into long form.

    Returns
    -------
    Table
        Columns `source.leading`, `source.header`, `Wert`, and `Zeit` where a title names one date, as 30.06.2021, 06.2021 or
        2021. Labels without footnote signs and hyphenation.

    Raises
    ------
    UnreadableFile
        If the bytes are no workbook, if it has several sheets and the config names none, if no row has a key and figures, if
        there are more or fewer header rows than the config names, or figures are merged.

    Notes
    -----
    Rows without a key (Deutschland, Agenturbezirke) stay in the table and are passed over by whoever reads the keys.
    """
    sheets = open_sheets(file, source.sheet)
    if len(sheets) > 1:
        mend = f"bitte bei der Quelle '{source.id}' das Blatt nennen (sheet = \"{sheets[-1].title}\")"
        raise UnreadableFile(file.name, "", f"die Mappe hat {len(sheets)} Blätter", mend)
    return _Sheet(sheets[0], file.name, source).read()


class _Sheet:
    def __init__(self, sheet: Any, file: str, source: SourceSettings) -> None:
        self._sheet, self._file, self._source = sheet, file, source
        self._texts = texts_of(sheet, file)
        filled = [row for row in self._texts if sum(map(bool, row)) > 1]
        self._start = min((next(at for at, text in enumerate(row) if text) for row in filled), default=0)
        self._figures = self._start + len(source.leading)

    def read(self) -> Table:
        first = next((at for at, row in enumerate(self._texts) if self._is_data(row)), None)
        if first is None:
            what = f"keine Zeile mit Gebietsschlüssel und Zahlen rechts der {len(self._source.leading)} Vorspalten"
            raise self._unreadable("", what, "bitte 'sheet' und 'leading' der Quelle prüfen")
        self._refuse_merged_figures(first)
        whole = range(len(self._texts[0]))
        spread(self._sheet, self._texts, range(first), whole)
        spread(self._sheet, self._texts, range(first, len(self._texts)), range(self._start, self._figures))
        top, end = self._header(first)
        rows = [at for at in range(first, len(self._texts)) if self._is_row(self._texts[at])]
        columns = [at for at in whole[self._figures :] if self._is_column(at, rows, top, end)]
        frame = long_form(
            [self._texts[at] for at in rows],
            [at + 1 for at in rows],
            {name: self._start + position for position, name in enumerate(self._source.leading)},
            {name: [_label(self._texts[top + level][at]) for at in columns] for level, name in enumerate(self._source.header)},
            columns,
        )
        date, problems = self._date(top)
        if date and DATE not in frame.columns:
            frame[DATE] = date
        return Table(self._file, frame, ",", tuple(problems), str(self._sheet.title))

    def _is_data(self, row: list[str]) -> bool:
        """Whether a row has figures or signs beside a key, or numbers beside a name; years and column numbers are headings."""
        leading, figures = row[self._start : self._figures], [text for text in row[self._figures :] if text]
        if not any(leading) or not figures or _counts_columns(row):
            return False
        if any(map(_KEY.fullmatch, leading)):
            return any(map(_is_figure, figures))
        return any(_is_figure(text) and text[-1].isdigit() and not _YEAR.fullmatch(text) for text in figures)

    def _is_row(self, row: list[str]) -> bool:
        """Whether a row below the first is one of the table: with a key, even where all its figures are missing."""
        if _counts_columns(row):
            return False
        return any(map(_KEY.fullmatch, row[self._start : self._figures])) or self._is_data(row)

    def _header(self, first: int) -> tuple[int, int]:
        """Where the topmost header row stands, and the row after the lowest."""
        end = first
        while end > 0 and first - end < 3 and (not any(self._texts[end - 1]) or _counts_columns(self._texts[end - 1])):
            end -= 1
        top = end
        while top > 0 and self._is_header(self._texts[top - 1]):
            top -= 1
        found, expected = end - top, len(self._source.header)
        if found != expected:
            what = f"über den Zahlen stehen {found} Kopfzeilen, die Konfiguration nennt {expected}"
            mend = f"bitte 'header' der Quelle '{self._source.id}' berichtigen"
            raise self._unreadable(f"Zeile {max(end, 1)}", what, mend)
        return top, end

    def _is_header(self, row: list[str]) -> bool:
        """Whether something stands over the figures; a title merged over the width is none."""
        return any(row[self._figures :]) and not (len(set(filter(None, row))) == 1 and row[self._start])

    def _is_column(self, at: int, rows: list[int], top: int, end: int) -> bool:
        """Whether a column belongs to the table; one with cells below and nothing above cannot be read."""
        labelled = any(self._texts[row][at] for row in range(top, end))
        if labelled or not any(self._texts[row][at] for row in rows):
            return labelled
        place = f"Zelle {letters(at + 1)}{end}"
        raise self._unreadable(place, "über dieser Spalte steht nichts", "bitte die Mappe unverändert laden")

    def _refuse_merged_figures(self, first: int) -> None:
        for merged in self._sheet.merged_cells.ranges:
            rows = range(max(merged.min_row - 1, first), min(merged.max_row, len(self._texts)))
            if merged.max_col > self._figures and any(self._is_row(self._texts[at]) for at in rows):
                what = "verbundene Zellen in den Zahlen, es ist offen, wofür sie stehen"
                raise self._unreadable(f"Zelle {merged.coord}", what, "bitte die Verbindung auflösen und jede Zahl eintragen")

    def _date(self, top: int) -> tuple[str, list[Problem]]:
        """The one date that the rows above the header name."""
        texts = [text for row in self._texts[:top] for text in row if text]
        said = {date for text in texts if (found := _SAID.search(text)) and (date := _read_date(found[1]))}
        dates = said or {date for text in texts if (date := _read_date(text))}
        if len(dates) < 2:
            return next(iter(dates), ""), []
        what = f"über der Tabelle stehen mehrere Zeitangaben ({', '.join(sorted(dates))})"
        mend = "bitte 'year' auf eine Kopfzeile oder Vorspalte setzen"
        return "", [Problem("hint", self._file, f"Blatt '{self._sheet.title}'", what, mend, check="time_named")]

    def _unreadable(self, place: str, what: str, mend: str) -> UnreadableFile:
        where = ", ".join(part for part in (f"Blatt '{self._sheet.title}'", place) if part)
        return UnreadableFile(self._file, where, what, mend)


def _is_figure(text: str) -> bool:
    try:
        parse_number(text, ",")
    except ValueError:
        return False
    return True


def _counts_columns(row: list[str]) -> bool:
    """Whether a row only numbers the columns, from 1 or another small number upwards."""
    texts = [text for text in row if text]
    if len(texts) < 3 or not re.fullmatch("[0-9]{1,3}", texts[0]):
        return False
    return texts == [str(int(texts[0]) + step) for step in range(len(texts))]


def _label(text: str) -> str:
    """A label in one line: without hyphenation at line ends, without footnote signs."""
    joined = re.sub(r"-\s*[\r\n]+\s*(?=[a-zäöüß])", "", text)
    return _FOOTNOTE.sub("", " ".join(joined.split()))


def _read_date(text: str) -> str:
    """Date at the start of a text, as the series read it: '30. Juni 2021' is 30.06.2021; '' where there is none."""
    tidy = " ".join(text.split())
    numeric = _NUMERIC_DAY.fullmatch(tidy)
    if numeric:
        return numeric[0]
    found = _DAY.match(tidy)
    if found is None or found[2].lower() not in _MONTHS:
        return ""
    month = f"{_MONTHS[found[2].lower()]:02d}.{found[3]}"
    return f"{int(found[1]):02d}.{month}" if found[1] else month
