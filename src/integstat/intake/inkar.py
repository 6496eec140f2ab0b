"""Exports of INKAR (Bundesinstitut für Bau-, Stadt- und Raumforschung): the table from the website, and the bulk file.

The website's table has two header lines: `Kennziffer;Raumeinheit;Aggregat;` and the indicators, below them the years. The bulk
file is tidy: `Bereich;ID;Kuerzel;Indikator;Raumbezug;Kennziffer;Name;Zeitbezug;Wert`. Both write keys as numbers, without the
leading zero. INKAR holds rates: they are no counts, and nearly all refer to the borders of the newest year.
"""

from __future__ import annotations

import re

import pandas as pd

from integstat.intake.files import FileContent, decode
from integstat.intake.problems import Problem, UnreadableFile, enumerate_some
from integstat.intake.settings import SourceSettings
from integstat.intake.tables import COLUMN, LINE, VALUE, Table, check_width, long_form, need_columns, plain_table, split_csv

KEY, NAME, LEVEL, YEAR, INDICATOR = "Kennziffer", "Name", "Raumbezug", "Zeitbezug", "Indikator"
_KREISE = ("kreise", "kreis", "kreisfreie stadt", "kreisfreie städte", "landkreis", "landkreise", "stadtkreis", "stadtkreise")
_GEMEINDEN = ("gemeinden", "gemeinde")
_ONE_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_WIDE = ("Kennziffer", "Raumeinheit", "Aggregat")
_NO_NEED = "nichts zu tun, wenn das so gemeint ist"


def read_inkar(file: FileContent, source: SourceSettings) -> Table:
    """Read an INKAR export in either form.

    Returns
    -------
    Table
        Columns `Kennziffer`, `Name`, `Raumbezug`, `Indikator`, `Zeitbezug`, `Wert`; of the bulk file also `Bereich`, `ID` and
        `Kuerzel`. Only Kreise and municipalities, only single years; the keys have their leading zero again.

    Raises
    ------
    UnreadableFile
        If the bytes are no such table, or no row is left.
    """
    text = decode(file, source.file_encoding)
    head = text.lstrip("\ufeff").split("\n", 1)[0].lower().replace('"', "")
    if "aggregat" in head:
        table = _wide(text, file.name, source)
    else:
        table = plain_table(text, file.name, source.file_separator, source.file_decimal)
        need_columns(table, [KEY, NAME, LEVEL, INDICATOR, YEAR, VALUE])
        table.frame[COLUMN] = list(table.frame.columns).index(VALUE) + 1
    return _cleaned(table)


def _wide(text: str, name: str, source: SourceSettings) -> Table:
    """The website's table; years stand in the second line."""
    rows, lines = split_csv(text, name, source.file_separator)
    header = [cell.strip() for cell in rows[0]]
    if tuple(header[:3]) != _WIDE:
        what = "die ersten drei Spalten heißen nicht Kennziffer, Raumeinheit und Aggregat"
        raise UnreadableFile(name, f"Zeile {lines[0]}", what, "bitte die Tabelle unverändert als CSV aus INKAR laden")
    if len(rows) < 3:
        raise UnreadableFile(name, f"Zeile {lines[-1]}", "unter den Kopfzeilen steht nichts", "bitte die Datei neu laden")
    years = [cell.strip() for cell in rows[1]]
    if any(years[:3]) or not any(years[3:]):
        what = "die zweite Kopfzeile mit den Jahren fehlt"
        raise UnreadableFile(name, f"Zeile {lines[1]}", what, "bitte die Tabelle unverändert als CSV aus INKAR laden")
    check_width(rows[1:], lines[1:], len(header), name)
    frame = long_form(
        rows[2:],
        lines[2:],
        {KEY: 0, NAME: 1, LEVEL: 2},
        {INDICATOR: header[3:], YEAR: years[3:]},
        range(3, len(header)),
    )
    return Table(file=name, frame=frame, decimal=source.file_decimal)


def _cleaned(table: Table) -> Table:
    """Rows of Kreise and municipalities in single years, their keys whole."""
    frame = table.frame
    level = frame[LEVEL].str.strip().str.lower()
    fits, single = level.isin((*_KREISE, *_GEMEINDEN)), frame[YEAR].str.strip().str.fullmatch(_ONE_YEAR)
    problems = list(table.problems)
    for left_out, column, why in (
        (~fits, LEVEL, "andere Raumbezüge"),
        (fits & ~single, YEAR, "Zeitbezug ist kein einzelnes Jahr"),
    ):
        if left_out.any():
            problems.append(_left_out(table.file, frame[left_out], column, why))
    kept = frame[fits & single].copy()
    if kept.empty:
        what = "keine Zeile gilt für Kreise oder Gemeinden in einem einzelnen Jahr"
        raise UnreadableFile(table.file, f"Spalte {LEVEL}", what, "bitte als Raumbezug Kreise wählen und neu laden")
    keys = kept[KEY].str.strip()
    small = level[kept.index].isin(_GEMEINDEN)
    whole = keys.where(small | ~keys.str.fullmatch(r"[0-9]{4,5}000"), keys.str[:-3])
    padded = whole.where(~whole.str.fullmatch(r"[0-9]+"), whole.str.zfill(5).where(~small, whole.str.zfill(8)))
    number = int(keys[padded != keys].nunique())
    if number:
        what = f"INKAR schreibt Schlüssel als Zahl; bei {number} {'Gebiet' if number == 1 else 'Gebieten'} ist er ergänzt"
        problems.append(Problem("hint", table.file, f"Spalte {KEY}", what, _NO_NEED, check="key_filled"))
    kept[KEY] = padded
    return Table(file=table.file, frame=kept.reset_index(drop=True), decimal=table.decimal, problems=tuple(problems))


def _left_out(file: str, rows: pd.DataFrame, column: str, why: str) -> Problem:
    number = int(rows[LINE].nunique())
    listed = enumerate_some(sorted({text.strip() or "leer" for text in rows[column].unique()}))
    lines = "1 Zeile" if number == 1 else f"{number} Zeilen"
    return Problem(
        "hint",
        file,
        f"ab Zeile {int(rows[LINE].min())}",
        f"{lines} nicht verwendet, {why} ({listed})",
        _NO_NEED,
        check="region_passed",
    )
