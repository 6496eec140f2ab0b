"""Count rows of all readers → one checked panel."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from integstat.intake.checks import GROUP_DE
from integstat.intake.checks.cells import check_ratio
from integstat.intake.checks.change import check_changes
from integstat.intake.checks.columns import columns_of
from integstat.intake.checks.level import check_levels
from integstat.intake.checks.rows import (
    check_cities,
    check_definitions,
    check_doubles,
    check_rounding,
    check_signs,
    check_values,
    check_years,
)
from integstat.intake.checks.sources import check_sources
from integstat.intake.complete import check_complete
from integstat.intake.deliveries import PART_DE, ROW_COLUMNS
from integstat.intake.problems import Problem, enumerate_some
from integstat.intake.tables import rows_of
from integstat.panel import COUNT_COLUMNS, STEP_COLUMN, Panel

if TYPE_CHECKING:
    from integstat.catalogue.load import Catalogue
    from integstat.catalogue.schema import DefinitionEntry

_CELL = ["city", "definition", "group", "year"]


def assemble(
    rows: pd.DataFrame, cities: pd.DataFrame, catalogue: Catalogue, years: Sequence[int], main: Mapping[str, str]
) -> tuple[Panel, list[Problem]]:
    """Check count rows and put numerators beside denominators.

    Parameters
    ----------
    rows : pandas.DataFrame
        Columns `ROW_COLUMNS`: one row per count, as every reader delivers it.
    cities : pandas.DataFrame
        Columns `city`, `name`, `land`, `land_name`: who is in the ring.
    catalogue : Catalogue
        Knows the definitions and their kinds.
    years : sequence of int
        The ring's years.
    main : mapping of str to str
        Main definition (its id within the indicator) by indicator.

    Returns
    -------
    panel : Panel
        What passed. A number with an error is 'missing'; a pair that contradicts itself is left out.
    problems : list of Problem
        Everything found; where one is an error the panel must not be used.

    Notes
    -----
    What contradicts itself is an error; what is only unlikely beside the other cities is a doubt. A mistake that makes sense,
    such as two years exchanged within one delivery, passes.
    """
    names = list(cities["city"])
    problems: list[Problem] = []
    steps = rows["step"].fillna(0) if "step" in rows else 0  # only workbooks say to what they rounded
    rows = rows.assign(step=steps).loc[:, [*ROW_COLUMNS, "step"]].reset_index(drop=True)
    rows, found = check_cities(rows, names)
    problems += found
    rows, found = check_definitions(rows, catalogue)
    problems += found
    rows, found = check_years(rows, years)
    problems += found
    rows, found = check_doubles(rows)
    problems += found
    definitions = sorted(rows["definition"].unique())
    entries = {definition: catalogue.definition(definition) for definition in definitions}
    kinds = {definition: entry.kind or indicator.kind for definition, (indicator, entry) in entries.items()}
    rounding = {one for one, (_, entry) in entries.items() if kinds[one] != "mean_of_months" and _rounds(entry, years)}
    problems += check_signs(rows, kinds)
    problems += check_rounding(rows, rounding)
    rows, found = check_values(rows, kinds)
    problems += found
    cells, found = _pair(rows)
    problems += found
    cells["indicator"] = cells["definition"].map({definition: indicator.id for definition, (indicator, _) in entries.items()})
    exceeding = {definition for definition, (_, entry) in entries.items() if entry.may_exceed_one}
    good, found = check_ratio(cells, kinds, exceeding)
    problems += found
    problems += check_sources(rows, entries, catalogue, years, main)
    columns = columns_of(cells[good], kinds)
    fixed = {definition for definition, (_, entry) in entries.items() if entry.denominator_year is not None}
    problems += [*check_changes(columns, fixed), *check_levels(columns)]
    full_main = {indicator: f"{indicator}.{definition}" for indicator, definition in main.items()}
    problems += check_complete(cells, full_main, names, years)
    counts = cells.loc[good, [*COUNT_COLUMNS, STEP_COLUMN]]
    return Panel(counts=counts.reset_index(drop=True), cities=cities), problems


def _rounds(entry: DefinitionEntry, years: Sequence[int]) -> bool:
    return any(entry.rounding(year) > 1 for year in years)


def _pair(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem]]:
    """Put numerator and denominator into one row; a lonely one is an error and gets a 'missing' partner."""
    sides = {}
    for part, letter in (("numerator", "y"), ("denominator", "n")):
        renamed = {
            "value": letter,
            "code": f"{letter}_code",
            "place": f"{letter}_place",
            "file": f"{letter}_file",
            "step": f"{letter}_step",
        }
        side = rows[rows["part"] == part].drop(columns="part").rename(columns=renamed | {"note": f"{letter}_note"})
        sides[letter] = side
    cells = sides["y"].merge(sides["n"], on=_CELL, how="outer").sort_values(_CELL, ignore_index=True)
    problems = []
    for letter, part, other in (("y", "numerator", "n"), ("n", "denominator", "y")):
        lonely = cells[cells[f"{letter}_code"].isna()]
        for key, some in lonely.groupby(["definition", "group", f"{other}_file"], sort=True):
            definition, group, file = (str(one) for one in key)
            listed = enumerate_some(f"{row.city} ({row.year})" for row in rows_of(some))
            what = f"{PART_DE[part]} von {definition}, {GROUP_DE[group]}, fehlt bei {listed}"
            mend = "bitte nachliefern oder die Zelle mit '…' als nicht geliefert kennzeichnen"
            city = some["city"].iloc[0] if some["city"].nunique() == 1 else ""
            problems.append(
                Problem(
                    "error", file, some[f"{other}_place"].iloc[0], what, mend, city=city, definition=definition, check="partner"
                )
            )
        cells[f"{letter}_code"] = cells[f"{letter}_code"].fillna("missing")
        for column in (f"{letter}_place", f"{letter}_file", f"{letter}_note"):
            cells[column] = cells[column].fillna("")
        cells[letter] = cells[letter].astype(float)
    cells["file"] = cells["y_file"].where(cells["y_file"] != "", cells["n_file"])
    cells[STEP_COLUMN] = cells[STEP_COLUMN].fillna(0)
    cells["note"] = _joined(cells, "Zähler", "y_note", "Nenner", "n_note")
    cells["place"] = _places(cells)
    return cells, problems


def _joined(cells: pd.DataFrame, first: str, a: str, second: str, b: str) -> pd.Series:
    def text(row: dict[Hashable, Any]) -> str:
        one, two = str(row[a]), str(row[b])
        if one == two:
            return one
        return "; ".join(f"{label}: {note}" for label, note in ((first, one), (second, two)) if note)

    return pd.Series([text(row) for row in cells[[a, b]].to_dict("records")], index=cells.index, dtype=object)


def _places(cells: pd.DataFrame) -> pd.Series:
    def text(row: dict[Hashable, Any]) -> str:
        parts = []
        for letter in ("y", "n"):
            file, place = row[f"{letter}_file"], row[f"{letter}_place"]
            if place or file:
                parts.append(", ".join(part for part in ("" if " + " in file else file, place) if part))
        return " / ".join(dict.fromkeys(parts))

    columns = ["y_file", "y_place", "n_file", "n_place"]
    return pd.Series([text(row) for row in cells[columns].to_dict("records")], index=cells.index, dtype=object)
