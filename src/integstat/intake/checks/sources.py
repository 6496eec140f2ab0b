"""Checks on what the catalogue knows of a definition: its source, its concepts, the census behind its base."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from integstat.intake.checks.base import Check
from integstat.intake.problems import Problem

if TYPE_CHECKING:
    from integstat.catalogue.load import Catalogue
    from integstat.catalogue.schema import DefinitionEntry, IndicatorEntry

CENSUSES = (2011, 2022)  # first year-end whose official population rests on this census

CONCEPT = Check(
    "concept",
    ("hint",),
    "group concept of numerator and denominator",
    "Zähler und Nenner von {definition_id} grenzen die Zielgruppe verschieden ab",
    "bitte beim Lesen der Höhe beachten; für die Veränderung genügt es, dass es so bleibt",
)
FORBIDDEN_SOURCE = Check(
    "forbidden_source",
    ("doubt",),
    "sources that cannot carry a year, such as the Mikrozensus of 2020 (breaks of the catalogue that name sources and cap)",
    "{definition_id} für {year} ruht auf einer Quelle, die dieses Jahr nicht trägt: {reason}",
    "bitte das Jahr mit '…' als nicht geliefert kennzeichnen oder nach einer anderen Quelle liefern",
)
CENSUS_BASE = Check(
    "census_base",
    ("doubt",),
    "official population figures of years before and after a new census, in one comparison",
    "Bevölkerungszahlen hinter {definition_id} ruhen {before} und {now} auf verschiedenen Volkszählungen (ab {census} eine neue)",
    "bitte beide Jahre auf derselben Zensusbasis liefern; sonst ist die Veränderung zum Teil eine der Zählung",
)
OTHER_MAIN = Check(
    "other_main",
    ("hint",),
    "main definition of the ring against the catalogue's",
    "der Ring vergleicht {indicator} nach '{name}', nicht nach der Hauptdefinition des Katalogs ('{usual}'){note}",
    "nichts zu tun, wenn der Ring das so vereinbart hat",
)
CHECKS = (CONCEPT, FORBIDDEN_SOURCE, CENSUS_BASE, OTHER_MAIN)

Entries = Mapping[str, "tuple[IndicatorEntry, DefinitionEntry]"]


def check_sources(
    rows: pd.DataFrame, entries: Entries, catalogue: Catalogue, years: Sequence[int], main: Mapping[str, str]
) -> list[Problem]:
    """Tell what sources and concepts mean for the figures delivered.

    Parameters
    ----------
    rows : pandas.DataFrame
        Count rows of known definitions.
    entries : mapping
        Indicator and definition by full id.
    catalogue : Catalogue
        For its breaks.
    years : sequence of int
        The ring's years, ascending.
    main : mapping of str to str
        Main definition (its id within the indicator) by indicator.
    """
    problems: list[Problem] = []
    for name, part in rows.groupby("definition", sort=True):
        indicator, entry = entries[str(name)]
        first = part.iloc[0]
        if entry.concept_mismatch:
            problems.append(CONCEPT.problem(first.file, "", definition=str(name), definition_id=name))
        problems += _forbidden(part, entry, catalogue, years)
        problems += _census(part, entry, years)
        if main.get(indicator.id) == entry.id != indicator.main_definition:
            problems.append(_other_main(first.file, indicator, entry))
    return problems


def _forbidden(part: pd.DataFrame, entry: DefinitionEntry, catalogue: Catalogue, years: Sequence[int]) -> Iterator[Problem]:
    name = str(part["definition"].iloc[0])
    for one in catalogue.breaks:
        mine = one.effect == "cap" and bool(set(one.sources) & set(entry.sources))
        if not mine or (one.definitions and not {name, name.split(".")[0]} & set(one.definitions)):
            continue
        told = part[part["year"].isin(one.years) & part["value"].notna()]
        for year in [year for year in years if year in set(told["year"])]:
            row = told[told["year"] == year].iloc[0]
            said: dict[str, Any] = {"definition_id": name, "year": year, "reason": one.reason_de.rstrip(".")}
            yield FORBIDDEN_SOURCE.problem(row.file, row.place, definition=name, value=str(year), **said)


def _census(part: pd.DataFrame, entry: DefinitionEntry, years: Sequence[int]) -> Iterator[Problem]:
    """Tell a census between the years a base is of; one of a fixed year is the same in all."""
    lag = entry.denominator_lag if entry.source != "fortschreibung" else 0
    if "fortschreibung" not in entry.sources or entry.denominator_year is not None:
        return
    name = str(part["definition"].iloc[0])
    based = [year - lag for year in years]
    for census in CENSUSES:
        if len(based) > 1 and based[0] < census <= based[-1]:
            row = part[part["year"] == part["year"].max()].iloc[0]
            said: dict[str, Any] = {"definition_id": name, "before": years[0], "now": years[-1], "census": census}
            yield CENSUS_BASE.problem(row.file, row.place, definition=name, value=f"{years[0]}; {years[-1]}", **said)


def _other_main(file: str, indicator: IndicatorEntry, entry: DefinitionEntry) -> Problem:
    usual = next(one for one in indicator.definition if one.id == indicator.main_definition)
    note = f": {entry.coverage_note.rstrip('.')}" if entry.coverage_note else ""
    name = f"{indicator.id}.{entry.id}"
    said: dict[str, Any] = {"indicator": indicator.id, "name": entry.name_de, "usual": usual.name_de, "note": note}
    return OTHER_MAIN.problem(file, "[ring] main", definition=name, **said)
