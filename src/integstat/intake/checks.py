"""Checks on count rows and on the panel they make: each finds one kind of fault and tells it in a sentence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from integstat.errors import IntegstatError
from integstat.intake.deliveries import PART_DE
from integstat.intake.numbers import german, thousands_or_decimal
from integstat.intake.problems import Problem, Severity, enumerate_some
from integstat.intake.regions import NO_NEED, key_fault, parent
from integstat.intake.tables import rows_of

if TYPE_CHECKING:
    from integstat.catalogue.load import Catalogue

GROUP_DE = {"target": "Zielgruppe", "reference": "Vergleichsgruppe"}
_CODE_DE = {
    "secret": "geheim ('.')",
    "below_3": "unter 3 ('< 3')",
    "unreliable": "zu unsicher ('/')",
    "senseless": "nicht sinnvoll ('x')",
    "missing": "keine verwertbare Zahl (leer, '…' oder beanstandet)",
}
_JUMP = 2.0  # a base that doubles or halves within the ring's years is doubted
_JUMP_FROM = 100.0
_NOISE = 1e-6  # a count this close to a whole number is that number, written by a machine
_ROUNDED_FROM = 8  # figures needed before 'all multiples of five' says anything


def check_cities(rows: pd.DataFrame, cities: Sequence[str]) -> tuple[pd.DataFrame, list[Problem]]:
    """Keep rows of the ring's cities; lost zeros and unknown cities are errors, parts of a city are passed over."""
    problems = []
    known = set(cities)
    for city in sorted(set(rows["city"]) - known):
        first = rows[rows["city"] == city].iloc[0]
        fault = key_fault(city)
        if fault is not None:
            problems.append(Problem("error", first.file, first.place, *fault, city=city))
        elif parent(city, known):
            what = f"{city} ist ein Teil von {city[:5]} und würde doppelt gezählt; die Lieferung wird übergangen"
            problems.append(Problem("hint", first.file, first.place, what, NO_NEED, city=city))
        else:
            what = f"die Stadt {city} gehört nicht zum Ring"
            problems.append(
                Problem("error", first.file, first.place, what, "bitte den AGS prüfen oder die Stadt aufnehmen", city=city)
            )
    nested = sorted(city for city in known if parent(city, known))
    if nested:
        what = f"{nested[0]} ist ein Teil von {nested[0][:5]}, beide sind im Ring, das zählt doppelt"
        problems.append(Problem("error", "", "Städteliste", what, "bitte eines von beiden streichen", city=nested[0]))
    return rows[rows["city"].isin(known)], problems


def check_definitions(rows: pd.DataFrame, catalogue: Catalogue) -> tuple[pd.DataFrame, list[Problem]]:
    """Keep rows of known definitions and groups."""
    problems = []
    good = []
    for (definition, group), part in rows.groupby(["definition", "group"], sort=True):
        first = part.iloc[0]
        try:
            indicator, entry = catalogue.definition(str(definition))
        except (KeyError, IntegstatError):
            what = f"die Definition '{definition}' steht nicht im Katalog"
            mend = "bitte die Kennung prüfen (Form: Indikator.Definition) oder den Katalog ergänzen"
            problems.append(Problem("error", first.file, first.place, what, mend, definition=str(definition)))
            continue
        if group not in indicator.groups:
            what = f"{indicator.id} hat keine Gruppe '{GROUP_DE.get(str(group), str(group))}'"
            problems.append(
                Problem("error", first.file, first.place, what, "bitte die Zeilen streichen", definition=str(definition))
            )
            continue
        good.append((definition, group))
        if entry.concept_mismatch and group == indicator.groups[0]:
            what = f"Zähler und Nenner von {definition} grenzen die Zielgruppe verschieden ab"
            mend = "bitte beim Lesen der Höhe beachten; für die Veränderung genügt es, dass es so bleibt"
            problems.append(Problem("hint", first.file, "", what, mend, definition=str(definition)))
    keys = pd.MultiIndex.from_frame(rows[["definition", "group"]])
    return rows[keys.isin(good)], problems


def check_years(rows: pd.DataFrame, years: Sequence[int]) -> tuple[pd.DataFrame, list[Problem]]:
    """Keep rows of the ring's years; a year outside is an error, with the year probably meant."""
    problems = []
    listed = ", ".join(str(year) for year in years)
    for (year, file), part in rows[~rows["year"].isin(years)].groupby(["year", "file"], sort=True):
        first = part.iloc[0]
        meant = [one for one in years if sorted(str(one)) == sorted(str(year))]
        mend = f"vielleicht ist {meant[0]} gemeint; bitte berichtigen" if meant else "bitte das Jahr berichtigen oder streichen"
        what = f"das Jahr {year} gehört nicht zu den Berichtsjahren ({listed})"
        problems.append(Problem("error", str(file), first.place, what, mend, city=first.city, definition=first.definition))
    return rows[rows["year"].isin(years)], problems


def check_doubles(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem]]:
    """Keep the first of several rows for one cell; each further one is an error."""
    key = ["city", "definition", "group", "year", "part"]
    doubled = rows.duplicated(key)
    problems = []
    for (city, file), part in rows[doubled].groupby(["city", "file"], sort=True):
        again = part.iloc[0]
        same = rows[(rows[key] == again[key]).all(axis=1)].iloc[0]
        number = "1 Zahl" if len(part) == 1 else f"{len(part)} Zahlen"
        what = (
            f"{city} ist doppelt geliefert: {number}, zuerst {again.definition} {again.year}, schon in {same.file}, {same.place}"
        )
        problems.append(Problem("error", str(file), again.place, what, "bitte eine der Lieferungen streichen", city=str(city)))
    return rows[~doubled], problems


def check_values(rows: pd.DataFrame, kinds: Mapping[str, str]) -> tuple[pd.DataFrame, list[Problem]]:
    """Find numbers that are no counts: negative, or not whole where persons or cases are counted; they become gaps."""
    problems = []
    rows = rows.copy()
    negative = rows["value"] < 0
    counted = rows["definition"].map(kinds).isin(["share", "rate"]) & rows["value"].notna() & ~negative
    whole = rows["value"].round()
    fractional = counted & ((rows["value"] - whole).abs() > _NOISE)
    rows["value"] = rows["value"].where(~counted | fractional, whole)
    for row in rows_of(rows[negative]):
        what = f"{_the(row)} ist negativ ({german(row.value)})"
        mend = "bitte die Zahl berichtigen" + (" oder die Ableitung prüfen" if "Ableitung" in row.note else "")
        problems.append(Problem("error", row.file, row.place, what, mend, city=row.city, definition=row.definition))
    for row in rows_of(rows[fractional]):
        what = f"{_the(row)} ist keine ganze Zahl ({german(row.value, 3)})"
        mend = "bitte die Anzahl liefern, keine Quote und kein Mittel"
        if thousands_or_decimal(f"{row.value:.3f}", "."):
            mend = f"vielleicht ist {german(row.value * 1000)} gemeint (Tausenderpunkt); bitte die Anzahl liefern"
        problems.append(Problem("error", row.file, row.place, what, mend, city=row.city, definition=row.definition))
    rows.loc[negative | fractional, "value"] = float("nan")
    rows.loc[negative | fractional, "code"] = "missing"
    return rows, problems


def check_signs(rows: pd.DataFrame, kinds: Mapping[str, str]) -> list[Problem]:
    """Tell, by definition, group and part, where a sign stands in place of a number, and what becomes of these cells.

    A numerator below 3 over a known base is taken as 0, 1 or 2, unless it is a mean of months and need not be whole.
    """
    problems = []
    marked = rows[rows["code"].isin(list(_CODE_DE))]
    for (definition, group, part, code), cells in marked.groupby(["definition", "group", "part", "code"], sort=True):
        first = cells.iloc[0]
        listed = enumerate_some(f"{row.city} ({row.year})" for row in rows_of(cells))
        what = f"{PART_DE[str(part)]} von {definition}, {GROUP_DE[str(group)]}: {_CODE_DE[str(code)]} bei {listed}"
        bounded = code == "below_3" and part == "numerator" and kinds.get(str(definition)) != "mean_of_months"
        mend = "gerechnet wird mit 0, 1 oder 2" if bounded else "diese Zellen sind hier nicht schätzbar"
        problems.append(Problem("hint", first.file, first.place, what, mend, definition=str(definition)))
    return problems


def check_rounding(rows: pd.DataFrame, rounding: Collection[str]) -> list[Problem]:
    """Tell where every figure of a count is a multiple of five, and whether the computation makes allowance for it.

    It does for the numerators of the definitions in `rounding`, whose source is known to round.
    """
    problems = []
    numbers = rows[rows["value"].notna() & (rows["value"] > 0)]
    for (definition, group, part), cells in numbers.groupby(["definition", "group", "part"], sort=True):
        if len(cells) >= _ROUNDED_FROM and (cells["value"] % 5 == 0).all():
            first = cells.iloc[0]
            what = f"{PART_DE[str(part)]} von {definition}, {GROUP_DE[str(group)]}: auf 5 gerundet"
            known = part == "numerator" and definition in rounding
            mend = "gerechnet wird mit 2 mehr oder weniger" if known else "wie geliefert genommen, bitte die Rundung mitlesen"
            problems.append(Problem("hint", first.file, first.place, what, mend, definition=str(definition)))
    return problems


def check_ratio(cells: pd.DataFrame, kinds: Mapping[str, str]) -> tuple[pd.Series, list[Problem]]:
    """Hold numerators against denominators.

    Parameters
    ----------
    cells : pandas.DataFrame
        One row per city, definition, group and year with `y`, `n`, `file`, `y_place`.
    kinds : mapping
        Kind by definition.

    Returns
    -------
    good : pandas.Series of bool
        False where the pair contradicts itself.
    problems : list of Problem
    """
    problems = []
    good = pd.Series(True, index=cells.index)
    counted = cells["definition"].map(kinds) != "measure"
    for row in rows_of(cells[counted & ((cells["y"] > cells["n"]) | ((cells["n"] == 0) & (cells["y"] == 0)))]):
        where = f"{row.definition}, {GROUP_DE[row.group]}, {row.city}, {row.year}"
        severity: Severity
        if row.n == 0 and row.y == 0:
            severity, what, mend = ("hint", f"0 von 0 bei {where}, das sagt nichts", "die Zelle ist hier nicht schätzbar")
        elif row.n == 0:
            severity, what = "error", f"Nenner 0 bei Zähler {german(row.y)} ({where})"
            mend = "bitte die Grundgesamtheit liefern"
        elif kinds[row.definition] == "rate":
            severity, what = ("doubt", f"Zähler {german(row.y)} über Nenner {german(row.n)} ({where}), mehr als 100 Prozent")
            mend = "bitte prüfen, ob beide Zahlen zusammengehören"
        else:
            severity, what = ("error", f"Zähler {german(row.y)} größer als Nenner {german(row.n)} ({where})")
            mend = "bitte prüfen, ob Zähler und Nenner vertauscht sind oder verschiedene Stände haben"
        problems.append(Problem(severity, row.file, row.y_place, what, mend, city=row.city, definition=row.definition))
        good.loc[row.Index] = severity != "error"
    return good, problems


def check_jumps(cells: pd.DataFrame) -> list[Problem]:
    """Doubt a base that at least doubles or halves from one year to the next: a slipped digit or a swapped column."""
    problems = []
    bases = cells[cells["n"] > 0].sort_values(["definition", "group", "city", "year"])
    before = bases.groupby(["definition", "group", "city"], sort=False)[["n", "year"]].shift()
    pairs = bases.assign(n_before=before["n"], year_before=before["year"])
    high = pairs[["n", "n_before"]].max(axis=1)
    low = pairs[["n", "n_before"]].min(axis=1)
    for row in rows_of(pairs[pairs["n_before"].notna() & (high >= _JUMP_FROM) & (high >= _JUMP * low)]):
        what = (
            f"der Nenner von {row.definition}, {GROUP_DE[row.group]}, {row.city} springt von {german(row.n_before)} "
            f"({row.year_before:.0f}) auf {german(row.n)} ({row.year})"
        )
        mend = "bitte prüfen, ob eine Ziffer fehlt oder sich die Abgrenzung geändert hat"
        problems.append(Problem("doubt", row.file, row.n_place, what, mend, city=row.city, definition=row.definition))
    return problems


def _the(row: object) -> str:
    part, definition, group = (getattr(row, name) for name in ("part", "definition", "group"))
    city, year = (getattr(row, name) for name in ("city", "year"))
    return f"{PART_DE[part]} von {definition}, {GROUP_DE[group]}, {city}, {year}"
