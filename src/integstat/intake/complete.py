"""What is not there: whole definitions, cities, years, groups; and what another definition stands in for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from integstat.intake.checks import GROUP_DE
from integstat.intake.problems import Problem, Severity, enumerate_some


def check_complete(present: pd.DataFrame, main: Mapping[str, str], cities: Sequence[str], years: Sequence[int]) -> list[Problem]:
    """Tell what is not there.

    Parameters
    ----------
    present : pandas.DataFrame
        One row per delivered cell: `city`, `indicator`, `definition`, `group`, `year`, `file`, `y_code`.
    main : mapping
        Main definition (full id) by indicator.
    cities, years : sequence
        What the ring expects.

    Notes
    -----
    A main definition that nobody delivered, or that lacks a year or a group, is an error; a cell marked as not delivered counts
    as delivered. A city that replaced it by another definition, for both years or for one, is a doubt, and so is an indicator
    that a city leaves out altogether.
    """
    problems = []
    for indicator, definition in main.items():
        if definition not in set(present["definition"]):
            what = f"die Hauptdefinition {definition} des Indikators {indicator} ist nicht geliefert"
            mend = "bitte liefern oder in [ring] main eine andere Definition zur Hauptdefinition machen"
            problems.append(Problem("error", "", "Hauptdefinitionen", what, mend, definition=definition, check="incomplete"))
    for name, part in present.groupby("definition", sort=True):
        definition, indicator = str(name), str(part["indicator"].iloc[0])
        is_main = main.get(indicator) == definition
        others = present[(present["indicator"] == indicator) & (present["definition"] != definition)]
        problems += _cities(definition, part, others, cities, is_main)
        for group in sorted(set(part["group"]) | {"target"}, reverse=True):
            for year in years:
                problems += _year(definition, group, year, part, others, cities, is_main)
    return problems


def _cities(definition: str, part: pd.DataFrame, others: pd.DataFrame, cities: Sequence[str], is_main: bool) -> list[Problem]:
    """Cities without the definition: those that delivered another one instead, and those that delivered nothing."""
    delivered = set(part["city"])
    absent = [city for city in cities if city not in delivered]
    elsewhere = dict(zip(others["city"], others["file"], strict=True))
    replaced = [city for city in absent if city in elsewhere]
    without = [city for city in absent if city not in elsewhere]
    problems = []
    if replaced and is_main:
        what = f"die Hauptdefinition {definition} fehlt, geliefert ist eine andere Definition: {enumerate_some(replaced)}"
        mend = "bitte auch die Hauptdefinition liefern, sonst gibt es höchstens einen Befund zum Stand"
        problems.append(_incomplete("doubt", str(elsewhere[replaced[0]]), what, mend, replaced, definition))
    if without:
        what = f"{definition} ist nicht geliefert: {enumerate_some(without)}"
        mend = "bitte nachliefern, sonst fehlt der Indikator dort"
        problems.append(_incomplete("doubt", "", what, mend, without, definition))
    return problems


def _year(
    definition: str,
    group: str,
    year: int,
    part: pd.DataFrame,
    others: pd.DataFrame,
    cities: Sequence[str],
    is_main: bool,
) -> list[Problem]:
    """Cities that deliver the definition, and not for this group and year."""
    here, there = (frame[(frame["group"] == group) & (frame["year"] == year)] for frame in (part, others))
    told, told_there = (set(frame.loc[frame["y_code"] != "missing", "city"]) for frame in (here, there))
    delivered, with_year, elsewhere = set(part["city"]), set(here["city"]), told_there - told
    delivering = [city for city in cities if city in delivered]
    switched = [city for city in delivering if is_main and city in elsewhere]
    lacking = [city for city in delivering if city not in with_year and city not in switched]
    of, file, problems = f"{definition}, {GROUP_DE[group]}: das Jahr {year}", str(part["file"].iloc[0]), []
    if switched:
        what = f"{of} ist nach einer anderen Definition geliefert: {enumerate_some(switched)}"
        mend = "bitte beide Jahre nach der Hauptdefinition liefern, sonst gibt es keinen Befund zur Veränderung"
        own = str(there.loc[there["city"] == switched[0], "file"].iloc[0])
        problems.append(_incomplete("doubt", own, what, mend, switched, definition))
    if lacking:
        what = f"{of} fehlt bei {enumerate_some(lacking)}"
        mend = "bitte nachliefern oder die Zelle mit '…' als nicht geliefert kennzeichnen"
        problems.append(_incomplete("error" if is_main else "doubt", file, what, mend, lacking, definition))
    return problems


def _incomplete(severity: Severity, file: str, what: str, mend: str, cities: list[str], definition: object) -> Problem:
    city = cities[0] if len(cities) == 1 else ""
    return Problem(
        severity, file, f"Definition {definition}", what, mend, city=city, definition=str(definition), check="incomplete"
    )
