"""The workbooks that a ring's cities are to fill in: what the config asks for, and what is known of each city."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from integstat.errors import DataError, UsageError
from integstat.intake import workbook_layout as layout
from integstat.intake.files import read_once
from integstat.intake.measures import Measure
from integstat.intake.problems import UnreadableFile
from integstat.intake.regions import key_fault
from integstat.intake.settings import IntakeSettings
from integstat.intake.tables import rows_of
from integstat.intake.workbook import WorkbookDelivery, read_workbook
from integstat.intake.workbook_content import Count, RowCounts
from integstat.intake.workbook_writer import write_workbook
from integstat.panel import COUNT_COLUMNS

if TYPE_CHECKING:
    from integstat.catalogue.load import Catalogue
    from integstat.catalogue.schema import DefinitionEntry, IndicatorEntry

BLANK = "vorlage"  # name of the workbook for everybody, where no city is known
_COUNTS, _FINDINGS = "counts.parquet", "findings.csv"
_SUFFIXES = (".xlsx", ".xlsm", ".ods")
_FORCE = "bitte einen anderen Ordner nennen oder mit --force überschreiben"


@dataclass(frozen=True)
class Earlier:
    """What one city delivered before.

    Attributes
    ----------
    name, contact : str
        Empty where not known.
    year : int or None
        The newest year with a figure.
    counts : mapping
        Number or sign of that year by definition, group and part.
    measures : tuple of Measure
    """

    name: str = ""
    contact: str = ""
    year: int | None = None
    counts: RowCounts = field(default_factory=dict)
    measures: tuple[Measure, ...] = ()


def read_earlier(path: Path, catalogue: Catalogue) -> dict[str, Earlier]:
    """Read what cities delivered before, by AGS.

    Parameters
    ----------
    path : pathlib.Path
        Folder of a run, or a folder of workbooks that cities filled in.
    catalogue : Catalogue

    Raises
    ------
    UsageError
        If there is neither.
    DataError
        If a workbook cannot be read or names no city, or two name the same.

    Notes
    -----
    A run keeps figures; contact and measures come from workbooks alone.
    """
    if (path / _COUNTS).is_file():
        return _from_run(path)
    files = sorted(one for one in path.rglob("*") if one.suffix.lower() in _SUFFIXES and not one.name.startswith(("~$", ".")))
    if not files:
        what = "hier liegt weder ein Lauf noch eine Arbeitsmappe"
        raise UsageError(what, place=str(path), mend="bitte mit --last den Ordner der letzten Lieferung oder eines Laufs nennen")
    earlier: dict[str, Earlier] = {}
    for one in files:
        book = read_workbook(one, read_once(one).content, catalogue)
        if not book.city:
            first = next(problem for problem in book.problems if problem.severity == "error")
            raise DataError(first.what, place=f"{one}, {first.place}".rstrip(", "), mend="bitte aus dem Ordner nehmen")
        if book.city in earlier:
            raise DataError(f"die Stadt {book.city} hat zwei Mappen", place=str(one), mend="bitte eine aus dem Ordner nehmen")
        earlier[book.city] = _from_workbook(book)
    return earlier


def _from_workbook(book: WorkbookDelivery) -> Earlier:
    told = book.rows[book.rows["code"] != "missing"]
    year = int(told["year"].max()) if len(told) else None
    counts = {(row.definition, row.group, row.part): _count(row.value, row.code) for row in rows_of(told[told["year"] == year])}
    measures = tuple(replace(one, row=0) for one in book.measures)
    return Earlier(book.city_name, book.contact, year, counts, measures)


def _from_run(path: Path) -> dict[str, Earlier]:
    try:
        table = pd.read_parquet(path / _COUNTS)
    except (OSError, ValueError) as error:
        what = "diese Datei lässt sich nicht lesen"
        raise DataError(what, place=str(path / _COUNTS), mend="bitte den Lauf wiederholen") from error
    lacking = sorted(set(COUNT_COLUMNS) - set(table.columns))
    if lacking:
        what = f"der Tabelle fehlen die Spalten {', '.join(lacking)}"
        raise DataError(what, place=str(path / _COUNTS), mend="bitte den Lauf wiederholen")
    earlier, names = {}, _names(path / _FINDINGS)
    for city, rows in table.groupby("city", sort=True):
        told = rows[(rows["y_code"] != "missing") | (rows["n_code"] != "missing")]
        year = int(told["year"].max()) if len(told) else None
        counts = {
            (row.definition, row.group, part): _count(value, code)
            for row in rows_of(told[told["year"] == year])
            for part, value, code in (("numerator", row.y, row.y_code), ("denominator", row.n, row.n_code))
            if code != "missing"
        }
        earlier[str(city)] = Earlier(names.get(str(city), ""), year=year, counts=counts)
    return earlier


def _names(path: Path) -> dict[str, str]:
    """Names of a run's cities; none where it did not come as far as its findings."""
    if not path.is_file():
        return {}
    try:
        table = pd.read_csv(path, usecols=["city", "city_name"], dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DataError("diese Datei lässt sich nicht lesen", place=str(path), mend="bitte den Lauf wiederholen") from error
    return dict(zip(table["city"], table["city_name"], strict=True))


def _count(value: float, code: str) -> Count:
    return float(value) if code == "value" else layout.SIGN_OF_CODE[code]


def asked_for(
    settings: IntakeSettings, catalogue: Catalogue, also: Iterable[str] = ()
) -> list[tuple[IndicatorEntry, DefinitionEntry]]:
    """Definitions of a ring's workbook, in the order of the catalogue.

    Parameters
    ----------
    settings : IntakeSettings
        Its main definitions, those of the catalogue where it names none; what another source delivers is left out.
    catalogue : Catalogue
    also : iterable of str
        Further definitions, or indicators with all of theirs.

    Raises
    ------
    UsageError
        If the catalogue does not know a name, or nothing is left to ask for.
    """
    named = [f"{indicator}.{name}" for indicator, name in settings.ring.main.items()]
    elsewhere = {one.definition for one in settings.delivery}
    wanted = {one for one in named or map(catalogue.main_definition, catalogue.indicators) if one not in elsewhere}
    for name in also:
        if "." in name:
            catalogue.definition(name)
            wanted.add(name)
        else:
            wanted |= {f"{name}.{one.id}" for one in catalogue.indicator(name).definition}
    if not wanted:
        what = "alle Hauptdefinitionen des Rings kommen aus anderen Quellen, für eine Arbeitsmappe bleibt nichts"
        raise UsageError(what, place="[ring] main", mend="bitte mit --also Definitionen nennen, die die Städte liefern sollen")
    return [catalogue.definition(one) for one in catalogue.definition_ids if one in wanted]


def choose_cities(known: Mapping[str, str], wanted: Sequence[str], *, closed: bool) -> dict[str, str]:
    """Name by AGS of the cities that get a workbook.

    Parameters
    ----------
    known : mapping of str to str
        Cities of the ring as far as they are known.
    wanted : sequence of str
        What the call asks for; empty: all that are known.
    closed : bool
        Whether no other city can belong to the ring.

    Raises
    ------
    UsageError
        If an AGS is none, or no city of a closed ring.
    """
    for city in wanted:
        fault = key_fault(city)
        if fault is not None:
            raise UsageError(fault[0], place="--city", mend=fault[1])
        if closed and city not in known:
            raise UsageError(f"die Stadt {city} gehört nicht zum Ring", place="--city", mend="bitte den AGS prüfen")
    return {city: known.get(city, "") for city in wanted or sorted(known)}


def write_templates(
    folder: Path,
    settings: IntakeSettings,
    catalogue: Catalogue,
    *,
    cities: Mapping[str, str],
    earlier: Mapping[str, Earlier] | None = None,
    also: Iterable[str] = (),
    features: Mapping[str, str] | None = None,
    force: bool = False,
) -> list[Path]:
    """Write a workbook per city, `<AGS>.xlsx`; one for everybody where no city is known.

    Parameters
    ----------
    folder : pathlib.Path
        Made if it is not there.
    settings : IntakeSettings
    catalogue : Catalogue
    cities : mapping of str to str
        Name by AGS.
    earlier : mapping of str to Earlier, optional
        What the cities delivered before, to be shown to each its own.
    also : iterable of str
        See `asked_for`.
    features : mapping of str to str, optional
        German label by context feature.
    force : bool
        Whether filled workbooks may be replaced.

    Returns
    -------
    list of pathlib.Path

    Raises
    ------
    UsageError
        If a file is there that holds entries or cannot be read, or if the folder cannot be written. Then nothing is written.

    Notes
    -----
    A workbook in which nothing was entered yet is replaced without asking.
    """
    entries = asked_for(settings, catalogue, also)
    fields = {one.id: one.name_de for one in catalogue.fields.values()}
    topics = {(one.field, one.indicator) for one in layout.plan_topics([indicator for indicator, _ in entries], fields)}
    known = {city: _within((earlier or {}).get(city, Earlier()), topics) for city in cities or [""]}
    paths = {city: folder / f"{city or BLANK}.xlsx" for city in known}
    _make(folder)
    if not force:
        for city, path in paths.items():
            _refuse_filled(path, known[city], catalogue)
    for city, path in paths.items():
        write_workbook(
            path,
            ring_name=settings.ring.name,
            city=city,
            city_name=cities.get(city, "") or known[city].name,
            years=settings.ring.years,
            catalogue_entries=entries,
            field_names=fields,
            count_names={one.id: one.name_de for one in catalogue.counts.values()},
            context_names=features,
            measures=known[city].measures,
            last=known[city].counts,
            last_year=known[city].year,
            contact=known[city].contact,
        )
    return list(paths.values())


def _within(earlier: Earlier, topics: set[tuple[str, str]]) -> Earlier:
    """Keep the measures that belong to something in the workbook; those of an indicator that left it go to its field."""
    moved = [one if (one.field, one.indicator) in topics else replace(one, indicator="") for one in earlier.measures]
    return replace(earlier, measures=tuple(one for one in dict.fromkeys(moved) if (one.field, one.indicator) in topics))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = "dieser Ordner lässt sich nicht anlegen"
        raise UsageError(what, place=str(folder), mend="bitte mit --out einen anderen nennen") from error


def _refuse_filled(path: Path, prefilled: Earlier, catalogue: Catalogue) -> None:
    """Refuse to replace a file, unless it is a workbook that holds nothing the new one would not hold too."""
    if not path.exists():
        return
    try:
        book = read_workbook(path, read_once(path).content, catalogue)
    except UnreadableFile as error:
        raise UsageError(error.what, place=str(path), mend=_FORCE) from error
    if not book.untouched or _lost(book, prefilled):
        raise UsageError("diese Arbeitsmappe ist ausgefüllt", place=str(path), mend=_FORCE)


def _lost(book: WorkbookDelivery, prefilled: Earlier) -> bool:
    """Whether it says anything about city and measures that the new one would not."""
    measures = {replace(one, row=0) for one in book.measures}
    return bool(book.vintage) or book.contact not in ("", prefilled.contact) or not measures <= set(prefilled.measures)
