"""Check bare files and folders, without a config: say what each is and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from integstat.errors import UsageError
from integstat.intake.checks.parts import check_parts
from integstat.intake.checks.rates import check_rates
from integstat.intake.files import FileContent, decode, read_once
from integstat.intake.genesis import START
from integstat.intake.numbers import german, parse_number
from integstat.intake.problems import Problem, UnreadableFile, enumerate_some
from integstat.intake.readers import recognised
from integstat.intake.regions import classify, key_fault
from integstat.intake.series import read_year
from integstat.intake.settings import RegionSettings
from integstat.intake.tables import LINE, Table, check_width, first_line, plain_table, split_csv

if TYPE_CHECKING:
    from integstat.catalogue.load import Catalogue
    from integstat.intake.workbook import WorkbookDelivery

_SUFFIXES = (".csv", ".csv.gz", ".xlsx", ".xlsm", ".ods")
_KEYS = ("ags", "city", "geocode", "stadt", "schlüssel", "kreisschlüssel")
_NAMES = ("gebietseinheit", "city", "name", "stadt", "city_name")
_YEARS = ("year", "jahr", "berichtsjahr")
_NUMERATORS = ("y", "numerator", "zähler")
_DENOMINATORS = ("n", "denominator", "nenner")
_RATES = ("value", "rate", "quote", "wert")
_UNITS = ("unit", "units", "einheit")
_MOST = 10


def check_files(paths: Sequence[Path], catalogue: Catalogue) -> list[Problem]:
    """Check files as far as they speak for themselves.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Files, or folders whose CSV files and workbooks are taken.
    catalogue : Catalogue
        For the ring's own workbooks.

    Returns
    -------
    list of Problem
        Empty means: readable, and free of contradictions that show without a config. What the columns mean, and whether the
        ring needs them, only a config can tell.

    Raises
    ------
    UsageError
        If a path does not exist or a folder holds nothing to check.
    """
    problems: list[Problem] = []
    books: dict[str, WorkbookDelivery] = {}
    for path, name in _expand(paths):
        try:
            file = read_once(path, name)
            if name.lower().endswith((".xlsx", ".xlsm", ".ods")):
                problems += _workbook(file, catalogue, books)
            else:
                problems += _text(file)
        except UnreadableFile as error:
            problems.append(error.problem)
    return problems


def _expand(paths: Iterable[Path]) -> list[tuple[Path, str]]:
    found = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                one for one in path.rglob("*") if one.name.lower().endswith(_SUFFIXES) and not one.name.startswith(("~$", "."))
            )
            if not inside:
                raise UsageError(
                    "in diesem Ordner liegt keine CSV- oder Excel-Datei", place=str(path), mend="bitte den Pfad prüfen"
                )
            found += [(one, one.relative_to(path).as_posix()) for one in inside]
        elif path.exists():
            found.append((path, path.name))
        else:
            raise UsageError("diese Datei gibt es nicht", place=str(path), mend="bitte den Pfad prüfen")
    return found


def _workbook(file: FileContent, catalogue: Catalogue, books: dict[str, WorkbookDelivery]) -> list[Problem]:
    from integstat.intake.assemble import assemble
    from integstat.intake.cities import city_table
    from integstat.intake.workbook import read_workbook

    book = read_workbook(file.path, file.content, catalogue, name=file.name)
    problems = list(book.problems)
    if not book.city:
        return problems
    if book.city in books:
        what = f"die Stadt {book.city} hat schon eine Arbeitsmappe geliefert ({books[book.city].file})"
        return [
            *problems,
            Problem(
                "error", file.name, "AGS", what, "bitte eine der beiden Mappen entfernen", city=book.city, check="city_twice"
            ),
        ]
    books[book.city] = book
    if key_fault(book.city) is None and len(book.rows):
        years = sorted(int(year) for year in book.rows["year"].unique())
        _, found = assemble(book.rows, city_table({book.city: book.city_name or book.city}), catalogue, years, {})
        problems += found
    return problems


def _text(file: FileContent) -> list[Problem]:
    """Find out which kind of text table it is and check it."""
    latin = file.content.startswith(START.encode()) or file.content.startswith(b'"' + START.encode())
    if latin:
        return _genesis(file)
    known = recognised(file)
    if known is not None:
        return [*known[0].problems, *classify(*known)[1]]
    text = decode(file, "utf-8")
    head = text.split("\n", 1)[0]
    separator = ";" if head.count(";") > head.count(",") else ","
    return _table(plain_table(text, file.name, separator, "," if separator == ";" else "."))


def _genesis(file: FileContent) -> list[Problem]:
    """An export is only looked through for its shape; what its leading columns are, only a config knows."""
    text = decode(file, "iso-8859-1")
    lines = text.splitlines(keepends=True)
    foot = next((number for number, line in enumerate(lines) if re.match(r"^_{5,}", line)), None)
    if foot is None:
        what = "die Fußzeile (__________) fehlt, die Datei ist abgeschnitten"
        return [Problem("error", file.name, f"Zeile {len(lines)}", what, "bitte die Tabelle neu laden", check="unreadable")]
    rows, numbers = split_csv("".join(lines[:foot]), file.name, ";")
    header = [position for position, row in enumerate(rows) if len(row) > 1 and not row[0].strip()]
    if not header:
        what = "die Kopfzeilen über den Zahlen fehlen"
        return [
            Problem("error", file.name, "", what, "bitte die Tabelle unverändert als CSV aus GENESIS laden", check="unreadable")
        ]
    check_width(rows[header[0] :], numbers[header[0] :], len(rows[header[0]]), file.name)
    return []


def _table(table: Table) -> list[Problem]:
    frame = table.frame
    problems = list(table.problems)
    named = {column.lower(): column for column in frame.columns}
    key = next((named[name] for name in _KEYS if name in named), None)
    if key is None:
        columns = ", ".join(f"'{column}'" for column in frame.columns if not column.startswith("__"))
        what = f"keine Spalte mit dem Gebietsschlüssel erkannt ({columns})"
        problems.append(
            Problem(
                "doubt",
                table.file,
                "Kopfzeile",
                what,
                "bitte die Schlüsselspalte 'ags' oder 'GeoCode' nennen",
                check="region_column",
            )
        )
    else:
        name = next((named[one] for one in _NAMES if one in named and named[one] != key), None)
        cities, found = classify(table, RegionSettings(column=key, name=name, strip_prefix=_prefix(frame[key])))
        problems += found
    year = next((named[name] for name in _YEARS if name in named), None)
    if year is not None:
        for text in [text for text in frame[year].unique() if read_year(text) is None][:_MOST]:
            line = first_line(frame, frame[year] == text)
            what, mend = (f"'{text}' ist kein Jahr", "bitte das Jahr vierstellig eintragen")
            problems.append(Problem("error", table.file, f"Zeile {line}, Spalte {year}", what, mend, check="year_text"))
    problems += _numbers(table, named)
    if key is not None:
        figures = [named[one] for one in (*_NUMERATORS, *_DENOMINATORS, *_RATES) if one in named]
        regions = {str(one) for one in frame.loc[cities != "", key].unique()}
        problems += check_parts(table, figures, key, year or "", regions)
    return problems


def _prefix(keys: pd.Series) -> str:
    """Letters that stand before most keys, such as 'K' in 'K03101'."""
    unique = [key.strip() for key in keys.unique()]
    letters = [found[1] for key in unique if (found := re.match(r"^([A-Za-z]+)[0-9]{5}", key))]
    bare = sum(key.isdigit() for key in unique)
    return max(sorted(set(letters)), key=letters.count) if len(letters) > bare else ""


def _numbers(table: Table, named: dict[str, str]) -> list[Problem]:
    """Parse the columns of figures, and hold numerators against denominators where both have a usual name."""
    y = next((named[name] for name in _NUMERATORS if name in named), None)
    n = next((named[name] for name in _DENOMINATORS if name in named), None)
    single = next((named[name] for name in _RATES if name in named), None)
    problems: list[Problem] = []
    values: dict[str, pd.Series] = {}
    for column in (y, n, single):
        if column is None:
            continue
        parsed, bad = _parse(table, column, counts=column != single)
        values[column] = parsed
        for line, text, negative in bad[:_MOST]:
            what = f"'{text}' ist negativ" if negative else f"'{text}' ist keine Zahl"
            problems.append(
                Problem("error", table.file, f"Zeile {line}, Spalte {column}", what, "bitte die Zahl berichtigen", check="cell")
            )
        if len(bad) > _MOST:
            what = f"{len(bad) - _MOST} weitere Zellen der Spalte '{column}' sind keine zulässigen Zahlen"
            problems.append(Problem("error", table.file, f"Spalte {column}", what, "bitte die ganze Spalte prüfen", check="cell"))
    if y is not None and n is not None:
        above = values[y] > values[n]
        if above.any():
            lines = table.frame.loc[above, LINE]
            first = int(above.to_numpy().argmax())
            what = (
                f"Zähler über Nenner in den Zeilen {enumerate_some(str(line) for line in lines)} "
                f"(zuerst {german(float(values[y].iloc[first]))} von {german(float(values[n].iloc[first]))})"
            )
            mend = "bitte prüfen; bei Anteilen ist das ein Fehler, bei Raten möglich"
            problems.append(Problem("doubt", table.file, f"Zeile {int(lines.iloc[0])}", what, mend, check="above_100"))
        if single is not None:
            unit = next((named[name] for name in _UNITS if name in named), "")
            problems += check_rates(table, values[y], values[n], values[single], single, unit)
    return problems


def _parse(table: Table, column: str, counts: bool) -> tuple[pd.Series, list[tuple[int, str, bool]]]:
    numbers = []
    bad = []
    for text, line in zip(table.frame[column], table.frame[LINE], strict=True):
        try:
            value, _ = parse_number(text, table.decimal)
        except ValueError:
            value = float("nan")
            bad.append((int(line), text.strip(), False))
        if value < 0 and counts:
            bad.append((int(line), text.strip(), True))
        numbers.append(value)
    return pd.Series(numbers, index=table.frame.index), bad
