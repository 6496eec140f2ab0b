"""Take in what a ring's config names: files → panel, context and everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from integstat.errors import DataError, UsageError
from integstat.intake.answers import answers_path, read_answers, settle
from integstat.intake.assemble import assemble
from integstat.intake.checks.parts import check_parts
from integstat.intake.checks.rates import check_zero_rates
from integstat.intake.cities import choose_cities, city_table
from integstat.intake.context import context_from_series, context_from_workbooks
from integstat.intake.deliveries import ROW_COLUMNS, count_rows
from integstat.intake.expressions import parse_expression
from integstat.intake.files import FileContent, find_files, read_once
from integstat.intake.key_changes import PART, KeyChanges, follow, read_key_changes
from integstat.intake.measures import measure_table
from integstat.intake.problems import Problem, UnreadableFile, enumerate_some
from integstat.intake.readers import read_table
from integstat.intake.regions import classify, key_fault
from integstat.intake.series import KEY, Series, evaluate_series, read_year
from integstat.intake.settings import IntakeSettings, SourceSettings
from integstat.intake.tables import Table, need_columns
from integstat.panel import Context, Panel
from integstat.tomlfile import line_of
from integstat.vintages.store import is_store

if TYPE_CHECKING:
    from integstat.catalogue.load import Catalogue
    from integstat.intake.workbook import WorkbookDelivery

_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")


@dataclass(frozen=True)
class Delivery:
    """What came in.

    Attributes
    ----------
    panel : Panel
        Counts that passed the checks. Not to be used while `problems` holds an error: see `raise_on_error`.
    context : Context or None
        Features of the cities, if the ring has any.
    problems : tuple of Problem
        Errors, doubts and hints.
    files : dict of str to str
        SHA-256 of every file read, by its path relative to the data folder.
    measures : DataFrame
        What the cities say they do: columns `MEASURE_COLUMNS`; without rows where no workbook tells of any. No figure
        depends on it.
    """

    panel: Panel
    context: Context | None
    problems: tuple[Problem, ...]
    files: dict[str, str]
    measures: pd.DataFrame


@dataclass
class _Read:
    """What has been read so far."""

    files: dict[str, FileContent]
    tables: dict[str, list[Table]]  # by source; a source with an unreadable file is not there
    workbooks: list[WorkbookDelivery]
    problems: list[Problem]


def take_in(settings: IntakeSettings, config_path: Path, catalogue: Catalogue, data: Path | None = None) -> Delivery:
    """Read every file the config names and check it.

    Parameters
    ----------
    settings : IntakeSettings
    config_path : pathlib.Path
        Where the config lies; `ring.data` is relative to its folder.
    catalogue : Catalogue
    data : pathlib.Path, optional
        Another data folder than the config's.

    Returns
    -------
    Delivery
        Faults of the files are problems, not exceptions, so that all of them can be told at once.

    Raises
    ------
    UsageError
        If the config names a definition that the catalogue does not have.
    DataError
        If the data folder does not exist.

    Notes
    -----
    Every file is read once; what is parsed is what was hashed. Nothing is written.
    """
    check_definitions(settings, config_path, catalogue)
    root = data if data is not None else config_path.parent / settings.ring.data
    if not root.is_dir():
        raise DataError(
            "diesen Datenordner gibt es nicht", place=str(root), mend="bitte 'data' im Abschnitt [ring] oder --data prüfen"
        )
    read = _read_sources(settings, root, catalogue)
    problems = read.problems
    problems += _unread(settings, root, read)
    names, found = _cities(settings, read)
    problems += found
    keys = sorted(names)
    series = _Series(settings, read.tables, set(keys))
    frames: list[pd.DataFrame] = []
    for delivery in settings.delivery:
        used = series.get(_names(delivery.numerator, delivery.denominator), settings.ring.years)
        if used is None:
            continue
        rows, found = count_rows(delivery, used, keys, settings.ring.years)
        frames.append(rows)
        problems += [*found, *check_zero_rates(delivery, used, keys)]
    frames += [workbook.rows for workbook in read.workbooks]
    filled = [frame for frame in frames if len(frame)]
    rows = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(ROW_COLUMNS))
    panel, found = assemble(rows, city_table(names), catalogue, settings.ring.years, settings.ring.main)
    context, more = _context(settings, series, read.workbooks, keys)
    problems += _parts(settings, read.tables, keys)
    path = answers_path(root, config_path)
    answers, kept = read_answers(path, path.name)
    if kept is not None:
        read.files[kept.name] = kept
    problems = settle(dict.fromkeys([*problems, *series.problems, *found, *more]), answers, path.name)
    return Delivery(
        panel=panel,
        context=context,
        problems=tuple(problems),
        files={name: file.sha256 for name, file in sorted(read.files.items())},
        measures=measure_table({(book.city, book.file): book.measures for book in read.workbooks if book.city in names}),
    )


def check_definitions(settings: IntakeSettings, config_path: Path, catalogue: Catalogue) -> None:
    """Refuse a config whose main definitions or deliveries the catalogue does not have; say the line."""
    text = config_path.read_text(encoding="utf-8") if config_path.is_file() else ""

    def refuse(error: UsageError, loc: tuple[int | str, ...]) -> UsageError:
        line = line_of(text, loc)
        return UsageError(error.what, place=f"{config_path}, Zeile {line}" if line else str(config_path), mend=error.mend)

    for indicator, definition in settings.ring.main.items():
        try:
            catalogue.definition(f"{indicator}.{definition}")
        except UsageError as error:
            raise refuse(error, ("ring", "main", indicator)) from error
    for position, delivery in enumerate(settings.delivery):
        try:
            catalogue.definition(delivery.definition)
        except UsageError as error:
            raise refuse(error, ("delivery", position, "definition")) from error


def _read_sources(settings: IntakeSettings, root: Path, catalogue: Catalogue) -> _Read:
    read = _Read({}, {}, [], [])
    changes = _key_changes(settings, root, read)
    for source in settings.source:
        try:
            found, unmatched = find_files(root, source.files, settings.ring.as_of)
        except UnreadableFile as error:
            read.problems.append(error.problem)
            continue
        for pattern in unmatched:
            read.problems.append(_no_file(pattern, f"Quelle '{source.id}'"))
        tables = []
        for one in found:
            try:
                file = read.files.get(one.name) or read_once(one.path, one.name, one.sha256)
                read.files[one.name] = file
                if source.reader == "workbook":
                    _add_workbook(read, file, catalogue)
                else:
                    tables.append(_table(settings, source, file, changes, read.problems))
            except UnreadableFile as error:
                read.problems.append(error.problem)
        if source.reader != "workbook" and not unmatched and len(tables) == len(found):
            read.tables[source.id] = tables
    return read


def _unread(settings: IntakeSettings, root: Path, read: _Read) -> list[Problem]:
    """Doubt that workbooks in the data folder may stay unread, where the ring takes workbooks: a city would be missing."""
    if is_store(root) or all(source.reader != "workbook" for source in settings.source):
        return []
    there = (
        path for path in sorted(root.rglob("*")) if path.suffix.lower() in _WORKBOOKS and not path.name.startswith(("~$", "."))
    )
    left = [name for path in there if (name := path.relative_to(root).as_posix()) not in read.files]
    if not left:
        return []
    one = len(left) == 1
    what = f"diese Mappe{'' if one else 'n'} liest keine Quelle: {enumerate_some(left)}"
    mend = "bitte als .xlsx in den Datenordner legen, 'file' der Quelle erweitern oder die Datei anderswo aufheben"
    return [Problem("doubt", left[0] if one else "", "", what, mend, check="unread_file")]


def _key_changes(settings: IntakeSettings, root: Path, read: _Read) -> KeyChanges:
    """Read the table of renamed and dissolved keys, as of the last year, where the ring names one."""
    if settings.ring.key_changes is None:
        return KeyChanges("", {})
    try:
        found, unmatched = find_files(root, [settings.ring.key_changes], settings.ring.as_of)
        if unmatched:
            read.problems.append(_no_file(settings.ring.key_changes, "[ring]", "key_changes"))
            return KeyChanges("", {})
        file = read_once(found[0].path, found[0].name, found[0].sha256)
        read.files[file.name] = file
        return read_key_changes(file).until(settings.ring.years[-1])
    except UnreadableFile as error:
        read.problems.append(error.problem)
        return KeyChanges("", {})


def _no_file(pattern: str, source: str, key: str = "file") -> Problem:
    what = f"zu '{pattern}' gibt es keine Datei ({source})"
    mend = f"bitte die Datei in den Datenordner legen oder '{key}' berichtigen"
    return Problem("error", pattern, "", what, mend, check="file_missing")


def _table(
    settings: IntakeSettings, source: SourceSettings, file: FileContent, changes: KeyChanges, problems: list[Problem]
) -> Table:
    """Read a table and tell every row its city in the column `KEY`."""
    table = read_table(file, source)
    rule = settings.region_of(source)
    need_columns(table, [rule.column, source.year_column, *([rule.name] if rule.name else [])])
    keys, found = classify(table, rule)
    keys, moved = follow(table, keys, rule, changes)
    problems += [*table.problems, *found, *moved]
    table.frame[KEY] = keys
    return table


def _add_workbook(read: _Read, file: FileContent, catalogue: Catalogue) -> None:
    from integstat.intake.workbook import read_workbook  # openpyxl takes a while to import

    delivery = read_workbook(file.path, file.content, catalogue, name=file.name)
    read.problems += delivery.problems
    same = [other for other in read.workbooks if delivery.city and other.city == delivery.city]
    if same:
        what = f"die Stadt {delivery.city} hat schon eine Arbeitsmappe geliefert ({same[0].file})"
        read.problems.append(
            Problem(
                "error", file.name, "AGS", what, "bitte eine der beiden Mappen entfernen", city=delivery.city, check="city_twice"
            )
        )
        return
    read.workbooks.append(delivery)


def _cities(settings: IntakeSettings, read: _Read) -> tuple[dict[str, str], list[Problem]]:
    cities = settings.ring.cities
    if cities.source is None:
        names = {book.city: book.city_name or book.city for book in read.workbooks if book.city and key_fault(book.city) is None}
        if not names:
            what = "keine Arbeitsmappe nennt eine Stadt"
            return {}, [Problem("error", "", "Städteliste", what, "bitte die Mappen prüfen", check="city_list")]
        return names, []
    if cities.source not in read.tables:
        return {}, []  # the source's own error is already there
    minimum = None
    if cities.minimum is not None:
        spec = settings.series_by_id[cities.minimum.series]
        if spec.source not in read.tables:
            return {}, []
        minimum = evaluate_series(spec, _source(settings, spec.source), read.tables[spec.source], [cities.minimum.year])
    source = _source(settings, cities.source)
    tables = read.tables[cities.source]
    for table in tables:
        try:
            need_columns(table, list(cities.where))
        except UnreadableFile as error:
            return {}, [error.problem]
    return choose_cities(cities, settings.region_of(source), tables, minimum)


class _Series:
    """Series, evaluated when first asked for."""

    def __init__(self, settings: IntakeSettings, tables: dict[str, list[Table]], cities: set[str]) -> None:
        self._settings = settings
        self._tables = tables
        self._cities = cities
        self._done: dict[tuple[str, tuple[int, ...]], Series] = {}

    def get(self, names: Iterable[str], years: tuple[int, ...]) -> dict[str, Series] | None:
        """Series by id for these years; None where a source could not be read."""
        found = {}
        for name in names:
            spec = self._settings.series_by_id[name]
            if spec.source not in self._tables:
                return None
            if (name, years) not in self._done:
                source = _source(self._settings, spec.source)
                self._done[name, years] = evaluate_series(spec, source, self._tables[spec.source], years, self._cities)
            found[name] = self._done[name, years]
        return found

    @property
    def problems(self) -> list[Problem]:
        """Problems of every series evaluated."""
        return [problem for series in self._done.values() for problem in series.problems]


def _context(
    settings: IntakeSettings, series: _Series, workbooks: list[WorkbookDelivery], cities: list[str]
) -> tuple[Context | None, list[Problem]]:
    if settings.context is not None and cities:
        used = series.get(_names(*settings.context.features.values()), (settings.context.year,))
        return context_from_series(settings.context, used, cities) if used is not None else (None, [])
    known = {book.city: book for book in workbooks if book.city in cities}
    if not known:
        return None, []
    context = {city: book.context for city, book in known.items()}
    return context_from_workbooks(context, settings.ring.years[0], {city: book.file for city, book in known.items()})


def _parts(settings: IntakeSettings, tables: dict[str, list[Table]], cities: Sequence[str]) -> list[Problem]:
    """Hold wholes against their parts in the tables, and tell what concerns the ring's cities and years."""
    problems = []
    for source_id, some in tables.items():
        source = _source(settings, source_id)
        mine = [spec for spec in settings.series if spec.source == source_id]
        values = list(dict.fromkeys(value for spec in mine if (value := spec.value or source.value_column)))
        years = {spec.data_year(year) for spec in mine for year in settings.ring.years}
        for table in some:
            held = [value for value in values if value in table.frame.columns]
            texts = {str(text) for text in table.frame[source.year_column].unique() if read_year(str(text)) in years}
            problems += check_parts(table, held, PART if PART in table.frame else KEY, source.year_column, set(cities), texts)
    return problems


def _names(*texts: str) -> list[str]:
    return list(dict.fromkeys(name for text in texts for name in parse_expression(text).names))


def _source(settings: IntakeSettings, source_id: str) -> SourceSettings:
    return next(source for source in settings.source if source.id == source_id)
