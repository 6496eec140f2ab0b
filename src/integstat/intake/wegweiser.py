"""CSV from Wegweiser Kommune (Bertelsmann Stiftung): indicators below each other, or municipalities below each other.

The portal's table export has a header line `Indikatoren` and then one column per year and municipality, both in one cell with a
line break between (`2021`, `Oldenburg (Oldenburg)`); it names municipalities without their keys, which the config gives. A table
with municipalities below each other has a column of keys and the years across.
"""

from __future__ import annotations

import re

from integstat.intake.files import FileContent, decode
from integstat.intake.problems import UnreadableFile
from integstat.intake.settings import SourceSettings
from integstat.intake.tables import Table, check_width, long_form, split_csv

KEY, NAME, YEAR, INDICATOR = "AGS", "Kommune", "Jahr", "Indikator"
_ABOVE = ("indikatoren", "indikator")
_NAMES = ("kommune", "kommunen", "name", "gemeinde", "region", "stadt")
_KEYS = ("ags", "ars", "gemeindeschlüssel", "gkz", "kennziffer", "schlüssel")
_ONE_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_YEAR_AND_NAME = re.compile(r"((?:19|20)[0-9]{2})\s*[\r\n]+\s*(.+)", re.DOTALL)
_LOAD = "bitte die Tabelle unverändert als CSV aus dem Wegweiser Kommune laden"


def read_wegweiser(file: FileContent, source: SourceSettings) -> Table:
    """Read a table of Wegweiser Kommune into long form.

    Returns
    -------
    Table
        Columns `Kommune`, `AGS`, `Indikator` (where the file names it), `Jahr`, `Wert`. `AGS` is empty where the file has
        names only and `source.keys` lacks one; a regional key of twelve digits becomes the AGS of eight.

    Raises
    ------
    UnreadableFile
        If the bytes are no such table, if a name has no key at all, or a header is no year.
    """
    rows, lines = split_csv(decode(file, source.file_encoding), file.name, source.file_separator)
    for position, row in enumerate(rows):
        header = [cell.strip() for cell in row]
        below = rows[position + 1 :], lines[position + 1 :]
        if header[0].lower() in _ABOVE and len(header) > 1 and any(_YEAR_AND_NAME.fullmatch(cell) for cell in header):
            return _indicators(header, *below, file.name, lines[position], source)
        if len(header) > 2 and any(cell.lower() in _KEYS for cell in header):
            return _municipalities(header, *below, file.name, lines[position], source)
    what = "keine Kopfzeile gefunden, weder 'Indikatoren' mit Jahr und Kommune noch eine Spalte mit dem AGS"
    raise UnreadableFile(file.name, "", what, _LOAD)


def _indicators(
    header: list[str], rows: list[list[str]], lines: list[int], name: str, line: int, source: SourceSettings
) -> Table:
    years, places = [], []
    for position, cell in enumerate(header[1:], start=2):
        found = _YEAR_AND_NAME.fullmatch(cell)
        if found is None:
            what = f"'{cell}' nennt nicht Jahr und Kommune untereinander"
            raise UnreadableFile(name, f"Zeile {line}, Spalte {position}", what, _LOAD)
        years.append(found[1])
        places.append(" ".join(found[2].split()))
    keys = {" ".join(one.split()): key.strip() for one, key in source.keys.items()}
    if not any(place in keys for place in places):
        mend = f'bitte bei der Quelle \'{source.id}\' keys = {{ "{places[0]}" = "AGS" }} nennen'
        raise UnreadableFile(name, f"Zeile {line}", "die Datei nennt Kommunen ohne Schlüssel, die Konfiguration auch nicht", mend)
    kept, at = _with_figures(rows, lines, len(header), name)
    frame = long_form(
        kept,
        at,
        {INDICATOR: 0},
        {NAME: places, KEY: [keys.get(place, "") for place in places], YEAR: years},
        range(1, len(header)),
    )
    return Table(file=name, frame=frame, decimal=source.file_decimal)


def _municipalities(
    header: list[str], rows: list[list[str]], lines: list[int], name: str, line: int, source: SourceSettings
) -> Table:
    lowered = [cell.lower() for cell in header]
    leading = {KEY: next(position for position, cell in enumerate(lowered) if cell in _KEYS)}
    for column, known in ((NAME, _NAMES), (INDICATOR, _ABOVE)):
        found = [position for position, cell in enumerate(lowered) if cell in known]
        leading |= {column: found[0]} if found else {}
    if NAME not in leading:
        what = "die Spalte mit dem Namen der Kommune fehlt"
        raise UnreadableFile(name, f"Zeile {line}", what, "bitte sie 'Kommune' überschreiben")
    columns = [position for position in range(len(header)) if position not in leading.values()]
    for position in columns:
        if not _ONE_YEAR.fullmatch(header[position]):
            what = f"die Überschrift '{header[position]}' ist kein Jahr"
            raise UnreadableFile(name, f"Zeile {line}, Spalte {position + 1}", what, _LOAD)
    if not columns:
        raise UnreadableFile(name, f"Zeile {line}", "neben Name und Schlüssel steht kein Jahr", _LOAD)
    kept, at = _with_figures(rows, lines, len(header), name)
    frame = long_form(kept, at, leading, {YEAR: [header[position] for position in columns]}, columns)
    frame[KEY] = [key[:5] + key[-3:] if re.fullmatch(r"[0-9]{12}", key) else key for key in frame[KEY]]
    return Table(file=name, frame=frame, decimal=source.file_decimal)


def _with_figures(rows: list[list[str]], lines: list[int], width: int, name: str) -> tuple[list[list[str]], list[int]]:
    """Rows of the table; titles and notes, which stand alone in their line, are left out."""
    kept = [position for position, row in enumerate(rows) if sum(bool(cell.strip()) for cell in row) > 1]
    if not kept:
        raise UnreadableFile(name, "", "unter der Kopfzeile steht keine Zeile mit Zahlen", _LOAD)
    chosen, at = [rows[position] for position in kept], [lines[position] for position in kept]
    check_width(chosen, at, width, name)
    return chosen, at
