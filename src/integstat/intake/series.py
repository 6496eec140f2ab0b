"""Series: one figure per region and year, picked out of a table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from integstat.intake.expressions import Cell, combine
from integstat.intake.key_changes import DISSOLVED, PART, parts_of
from integstat.intake.numbers import parse_number, thousands_or_decimal
from integstat.intake.problems import Problem, UnreadableFile, enumerate_some
from integstat.intake.settings import SeriesSettings, SourceSettings
from integstat.intake.tables import Table, first_line, need_columns

KEY = "__key"  # column with the city's key, set by whoever classified the regions
_YEAR = re.compile(r"(?:(?:[0-9]{1,2}\.){0,2}\s*((?:19|20)[0-9]{2})|((?:19|20)[0-9]{2})-[0-9]{2}(?:-[0-9]{2})?)")
_MOST = 5  # cells of one fault that are told singly
_Parts = dict[tuple[str, int], frozenset[str]]  # (city, year) → keys of the file, where a key changed


@dataclass(frozen=True)
class Figure:
    """One figure of a series, with the place where it stood."""

    value: float
    code: str
    place: str
    file: str

    @property
    def cell(self) -> Cell:
        """Value and code."""
        return self.value, self.code


@dataclass(frozen=True)
class Series:
    """Figures of one series.

    Attributes
    ----------
    id : str
    measure : {'count', 'mean', 'rate'}
    figures : dict
        (city, reporting year) → Figure; only where the file has the row.
    kinds : tuple of str
        What the file says of how the figures came about.
    derived : bool
        Whether they are no counts but reconstructions: rates, or marked 'derived' by the file.
    problems : tuple of Problem
    """

    id: str
    measure: str
    figures: dict[tuple[str, int], Figure]
    kinds: tuple[str, ...] = ()
    derived: bool = False
    problems: tuple[Problem, ...] = field(default=())


def read_year(text: str) -> int | None:
    """Year of a year or date: '2020', '31.12.2020', '2020-12-31'; None for anything else."""
    found = _YEAR.fullmatch(text.strip())
    return int(found[1] or found[2]) if found else None


def evaluate_series(
    spec: SeriesSettings, source: SourceSettings, tables: list[Table], years: Iterable[int], cities: set[str] | None = None
) -> Series:
    """Pick a series out of the tables of its source.

    Parameters
    ----------
    spec, source : SeriesSettings, SourceSettings
    tables : list of Table
        With the column `KEY`.
    years : iterable of int
        Reporting years wanted; which years of the file they are follows from `year_shift` and `year`.
    cities : set of str, optional
        Keys wanted; all without it. Faults elsewhere are not told.

    Returns
    -------
    Series
        Rows that the selection should pick but that are not there simply do not occur; a sum that lacks a part is
        'missing'.
    """
    value_column = spec.value or source.value_column
    assert value_column is not None
    wanted_years = {spec.data_year(year) for year in years}
    found: dict[tuple[str, int], Figure] = {}
    kinds: dict[str, None] = {}
    problems: list[Problem] = []
    for table in tables:
        needed = [source.year_column, value_column, *spec.where, *([spec.kind] if spec.kind else [])]
        try:
            need_columns(table, needed)
        except UnreadableFile as error:
            problems.append(error.problem)
            continue
        rows, parts, faults = _select(spec, source, table, wanted_years, cities)
        problems += faults
        if spec.kind and len(rows):
            told = dict.fromkeys(kind.strip() for kind in rows[spec.kind].unique())
            problems += [_told(table.file, spec.kind, kind) for kind in told if kind]
            kinds.update(told)
        rows, faults = _without_ended(table, rows, value_column)
        problems += faults
        figures, faults = _figures(spec, table, rows, value_column, parts)
        problems += faults
        for (city, year), figure in figures.items():
            other = found.get((city, year))
            if other is not None:
                problems.append(_doubled(spec, city, year, figure.file, f"{figure.place} und {other.file}, {other.place}"))
                continue
            found[city, year] = figure
    return Series(
        id=spec.id,
        measure=spec.measure,
        figures={
            (city, year): found[city, spec.data_year(year)]
            for city in dict.fromkeys(city for city, _ in found)
            for year in years
            if (city, spec.data_year(year)) in found
        },
        kinds=tuple(kinds),
        derived=spec.measure == "rate" or any(kind.lower().startswith("derived") for kind in kinds),
        problems=tuple(problems),
    )


def _select(
    spec: SeriesSettings, source: SourceSettings, table: Table, years: set[int], cities: set[str] | None
) -> tuple[pd.DataFrame, _Parts, list[Problem]]:
    """Rows of the wanted regions, years and dimensions, with the columns `__year` and `__combination`; keys to be added."""
    frame = table.frame
    problems: list[Problem] = []
    read = {text: read_year(text) for text in frame[source.year_column].unique()}
    for text in [text for text, year in read.items() if year is None][:_MOST]:
        line = first_line(frame, frame[source.year_column] == text)
        problems.append(
            Problem(
                "error",
                table.file,
                f"Zeile {line}, Spalte {source.year_column}",
                f"'{text}' ist kein Jahr und kein Stichtag",
                "bitte das Jahr vierstellig eintragen (1900 bis 2099)",
                check="year_text",
            )
        )
    chosen = frame[source.year_column].isin([text for text, year in read.items() if year in years]) & (frame[KEY] != "")
    if cities is not None:
        chosen &= frame[KEY].isin(cities)
    for column in spec.where:
        texts: dict[str, list[str]] = {}
        for text in frame[column].unique():
            texts.setdefault(text.strip(), []).append(text)
        wanted = spec.wanted(column)
        for value in [value for value in wanted if value not in texts]:
            problems.append(
                Problem(
                    "error",
                    table.file,
                    f"Spalte {column}",
                    f"den Wert '{value}' gibt es hier nicht (vorhanden: {enumerate_some(sorted(texts))})",
                    f"bitte 'where' der Reihe '{spec.id}' oder die Datei berichtigen",
                    check="selection",
                )
            )
        chosen &= frame[column].isin([text for value in wanted for text in texts.get(value, [])])
    rows = frame[chosen].copy()
    rows["__year"] = [read[text] for text in rows[source.year_column]]
    columns = [rows[column].tolist() for column in (*spec.where, *((PART,) if PART in rows.columns else ()))]
    rows["__combination"] = list(zip(*columns, strict=True)) if columns else [()] * len(rows)
    return rows, parts_of(frame, frame[KEY], [read[text] for text in frame[source.year_column]]), problems


def _without_ended(table: Table, rows: pd.DataFrame, column: str) -> tuple[pd.DataFrame, list[Problem]]:
    """Leave out keys that ended in an earlier year; one that still has a number there may be counted twice: an error."""
    if DISSOLVED not in rows.columns:
        return rows, []
    ended = (rows[DISSOLVED] > 0) & (rows["__year"] > rows[DISSOLVED])
    problems = []
    late = rows[ended]
    for part, end, city, text, place in zip(
        late[PART], late[DISSOLVED], late[KEY], late[column], table.places(late, column), strict=True
    ):
        if re.search("[0-9]", text):
            what = f"unter {part}, das seit {end} zu {city} gehört, steht noch eine Zahl ({text.strip()})"
            mend = f"bitte prüfen, ob {city} sie schon enthält, und die Zeile oder die Schlüsseländerung streichen"
            problems.append(Problem("error", table.file, place, what, mend, city=city, check="key_change"))
    return rows[~ended], problems[:_MOST]


def _figures(
    spec: SeriesSettings, table: Table, rows: pd.DataFrame, column: str, merged: _Parts
) -> tuple[dict[tuple[str, int], Figure], list[Problem]]:
    expected = 1
    for name in spec.where:
        expected *= len(spec.wanted(name))
    problems: list[Problem] = []
    if expected > 1 and not spec.sum:
        problems.append(
            Problem(
                "error",
                table.file,
                f"Reihe '{spec.id}'",
                "'where' wählt mehrere Zeilen je Stadt, aber das Summieren ist nicht vereinbart",
                "bitte 'sum = true' setzen oder nur einen Wert nennen",
                check="selection",
            )
        )
        return {}, problems
    faults: list[Problem] = []
    incomplete: list[str] = []
    figures: dict[tuple[str, int], Figure] = {}
    groups: dict[tuple[str, int], list[tuple[object, str, str]]] = {}
    keys = zip(rows[KEY], rows["__year"], strict=True)
    for key, combination, text, place in zip(keys, rows["__combination"], rows[column], table.places(rows, column), strict=True):
        groups.setdefault(key, []).append((combination, text, place))
    for (city, year), parts in sorted(groups.items()):
        places = [place for _, _, place in parts]
        if len({combination for combination, _, _ in parts}) < len(parts):
            problems.append(_doubled(spec, city, year, table.file, " und ".join(places[:3])))
            continue
        cells: list[Cell] = []
        for _, text, place in parts:
            fault, cell = _read_cell(text, table, spec, place, city)
            if fault is not None:
                faults.append(fault)
            cells.append(cell)
        value, code = combine(cells)
        areas = len(merged.get((city, year), ())) or 1
        if areas > 1 and spec.measure == "rate":
            problems.append(_not_added(spec, table.file, city, year, merged[city, year], _join(places)))
            value, code = float("nan"), "missing"
        elif len(cells) < expected * areas:
            incomplete.append(f"{city} ({year})")
            value, code = float("nan"), "missing"
        figures[city, year] = Figure(value, code, _join(places), table.file)
    if incomplete:
        problems.append(
            Problem(
                "doubt",
                table.file,
                f"Reihe '{spec.id}'",
                f"von der Summe fehlt ein Teil: {enumerate_some(incomplete)}; sie gilt dort als nicht geliefert",
                "bitte die fehlenden Zeilen nachliefern",
                check="sum_incomplete",
            )
        )
    problems += faults[:_MOST]
    if len(faults) > _MOST:
        problems.append(
            Problem(
                "error",
                table.file,
                f"Reihe '{spec.id}'",
                f"{len(faults) - _MOST} weitere Zellen haben denselben oder einen ähnlichen Fehler",
                "bitte die ganze Spalte prüfen",
                check="cell",
            )
        )
    return figures, problems


def _read_cell(text: str, table: Table, spec: SeriesSettings, place: str, city: str) -> tuple[Problem | None, Cell]:
    sign = "Komma" if table.decimal == "," else "Punkt"

    def fault(what: str, mend: str) -> tuple[Problem, Cell]:
        return Problem("error", table.file, place, what, mend, city=city, check="cell"), (float("nan"), "missing")

    try:
        value, code = parse_number(text, table.decimal)
    except ValueError:
        if text.strip().startswith("#"):
            return fault(f"'{text.strip()}' ist eine zerbrochene Formel", "bitte die Zahl selbst eintragen")
        return fault(
            f"'{text.strip()}' ist keine Zahl (Dezimalzeichen dieser Datei: {sign})",
            "bitte die Zahl berichtigen oder 'decimal' der Quelle setzen",
        )
    if spec.measure != "rate" and thousands_or_decimal(text, table.decimal):
        return fault(
            f"'{text.strip()}' kann eine Dezimalzahl oder ein Wert mit Tausenderpunkt sein",
            "bitte ohne Tausenderpunkt schreiben oder 'decimal = \",\"' setzen",
        )
    if spec.measure == "count" and code == "value" and value != round(value):
        return fault(
            f"'{text.strip()}' ist keine ganze Zahl, eine Grundzahl muss es sein",
            'bitte die Anzahl liefern; Jahresmittel mit \'measure = "mean"\' ankündigen, Quoten mit "rate"',
        )
    return None, (value, code)


def _not_added(spec: SeriesSettings, file: str, city: str, year: int, parts: frozenset[str], place: str) -> Problem:
    what = f"{city} besteht {year} aus {' und '.join(sorted(parts))}, Quoten (Reihe '{spec.id}') lassen sich nicht addieren"
    return Problem("error", file, place, what, "bitte Zähler und Nenner als Anzahlen liefern", city=city, check="key_change")


def _told(file: str, column: str, kind: str) -> Problem:
    what = f"die Quelle sagt zu ihren Zahlen: '{kind}'"
    return Problem("hint", file, f"Spalte {column}", what, "bitte beim Lesen der Zahlen beachten", check="source_says")


def _doubled(spec: SeriesSettings, city: str, year: int, file: str, places: str) -> Problem:
    return Problem(
        "error",
        file,
        places,
        f"{city} steht für {year} mehrfach in der Reihe '{spec.id}'",
        "bitte die Datei bereinigen oder 'where' um die fehlende Spalte ergänzen",
        city=city,
        check="series_doubled",
    )


def _join(places: list[str]) -> str:
    if len(places) == 1:
        return places[0]
    columns = {place.split(", ", 1)[1] for place in places}
    if len(columns) == 1:
        lines = ", ".join(place.split(", ", 1)[0].removeprefix("Zeile ") for place in places)
        return f"Zeilen {lines}, {columns.pop()}"
    return f"{places[0]} bis {places[-1]}"
