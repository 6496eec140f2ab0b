"""Checks on single count rows: whose, of what, of when, and whether it is a count."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from integstat.errors import IntegstatError
from integstat.intake.checks.base import GROUP_DE, Check, name_cell
from integstat.intake.deliveries import PART_DE
from integstat.intake.numbers import german, thousands_or_decimal
from integstat.intake.problems import Problem, enumerate_some
from integstat.intake.regions import NO_NEED, key_fault, parent
from integstat.intake.tables import rows_of

if TYPE_CHECKING:
    from integstat.catalogue.load import Catalogue

_CODE_DE = {
    "secret": "geheim ('.')",
    "below_3": "unter 3 ('< 3')",
    "unreliable": "zu unsicher ('/')",
    "senseless": "nicht sinnvoll ('x')",
    "missing": "keine verwertbare Zahl (leer, '…' oder beanstandet)",
}
_NOISE = 1e-6  # a count this close to a whole number is that number, written by a machine
_ROUNDED_FROM = 8  # figures needed before 'all multiples of five' says anything

CITY_KEY = Check("city_key", ("error",), "key of the city in a count row", "{fault}", "{fault_mend}")
CITY_PART = Check(
    "city_part",
    ("hint",),
    "8-digit key whose region is in the ring too",
    "{city} ist ein Teil von {whole} und würde doppelt gezählt; die Lieferung wird übergangen",
    NO_NEED,
)
CITY_FOREIGN = Check(
    "city_foreign",
    ("error",),
    "cities of the deliveries against those of the ring",
    "die Stadt {city} gehört nicht zum Ring",
    "bitte den AGS prüfen oder die Stadt aufnehmen",
)
CITY_NESTED = Check(
    "city_nested",
    ("error",),
    "a region and its part, both in the ring",
    "{city} ist ein Teil von {whole}, beide sind im Ring, das zählt doppelt",
    "bitte eines von beiden streichen",
)
DEFINITION_UNKNOWN = Check(
    "definition_unknown",
    ("error",),
    "id of the definition against the catalogue",
    "die Definition '{definition_id}' steht nicht im Katalog",
    "bitte die Kennung prüfen (Form: Indikator.Definition) oder den Katalog ergänzen",
)
GROUP_UNKNOWN = Check(
    "group_unknown",
    ("error",),
    "group against the indicator's groups",
    "{indicator} hat keine Gruppe '{group}'",
    "bitte die Zeilen streichen",
)
YEAR_FOREIGN = Check(
    "year_foreign",
    ("error",),
    "years of the deliveries against those of the ring",
    "das Jahr {year} gehört nicht zu den Berichtsjahren ({listed})",
    "bitte das Jahr berichtigen oder streichen",
)
DOUBLED = Check(
    "doubled",
    ("error",),
    "two rows for one count",
    "{city} ist doppelt geliefert: {number}, zuerst {definition_id} {year}, schon in {other}",
    "bitte eine der Lieferungen streichen",
)
NEGATIVE = Check("negative", ("error",), "sign of a count", "{cell} ist negativ ({shown})", "bitte die Zahl berichtigen")
FRACTION = Check(
    "fraction",
    ("error",),
    "whole numbers, where persons or cases are counted",
    "{cell} ist keine ganze Zahl ({shown})",
    "bitte die Anzahl liefern, keine Quote und kein Mittel",
)
SIGN = Check(
    "sign",
    ("hint",),
    "signs that stand in place of a number",
    "{part} von {definition_id}, {group}: {code} bei {listed}",
    "diese Zellen sind hier nicht schätzbar",
)
ROUNDED = Check(
    "rounded",
    ("hint",),
    "whether all figures of a count are multiples of five",
    "{part} von {definition_id}, {group}: auf 5 gerundet",
    "wie geliefert genommen, bitte die Rundung mitlesen",
)
CHECKS = (
    CITY_KEY,
    CITY_PART,
    CITY_FOREIGN,
    CITY_NESTED,
    DEFINITION_UNKNOWN,
    GROUP_UNKNOWN,
    YEAR_FOREIGN,
    DOUBLED,
    NEGATIVE,
    FRACTION,
    SIGN,
    ROUNDED,
)


def check_cities(rows: pd.DataFrame, cities: Sequence[str]) -> tuple[pd.DataFrame, list[Problem]]:
    """Keep rows of the ring's cities; lost zeros and unknown cities are errors, parts of a city are passed over."""
    problems = []
    known = set(cities)
    for city in sorted(set(rows["city"]) - known):
        first = rows[rows["city"] == city].iloc[0]
        fault = key_fault(city)
        if fault is not None:
            problems.append(CITY_KEY.problem(first.file, first.place, city=city, fault=fault[0], fault_mend=fault[1]))
            continue
        check = CITY_PART if parent(city, known) else CITY_FOREIGN
        problems.append(_of_city(check, first.file, first.place, city))
    nested = sorted(city for city in known if parent(city, known))
    if nested:
        problems.append(_of_city(CITY_NESTED, "", "Städteliste", nested[0]))
    return rows[rows["city"].isin(known)], problems


def _of_city(check: Check, file: str, place: str, city: str) -> Problem:
    what = check.what.format(city=city, whole=city[:5])
    return Problem(check.severities[0], file, place, what, check.mend, city, check=check.id)


def check_definitions(rows: pd.DataFrame, catalogue: Catalogue) -> tuple[pd.DataFrame, list[Problem]]:
    """Keep rows of known definitions and groups."""
    problems = []
    good = []
    for (definition, group), part in rows.groupby(["definition", "group"], sort=True):
        first, name = part.iloc[0], str(definition)
        try:
            indicator, _ = catalogue.definition(name)
        except (KeyError, IntegstatError):
            problems.append(DEFINITION_UNKNOWN.problem(first.file, first.place, definition=name, definition_id=name))
            continue
        if group not in indicator.groups:
            shown = GROUP_DE.get(str(group), str(group))
            problems.append(GROUP_UNKNOWN.problem(first.file, first.place, definition=name, indicator=indicator.id, group=shown))
            continue
        good.append((definition, group))
    keys = pd.MultiIndex.from_frame(rows[["definition", "group"]])
    return rows[keys.isin(good)], problems


def check_years(rows: pd.DataFrame, years: Sequence[int]) -> tuple[pd.DataFrame, list[Problem]]:
    """Keep rows of the ring's years; a year outside is an error, with the year probably meant."""
    problems = []
    listed = ", ".join(str(year) for year in years)
    for (year, file), part in rows[~rows["year"].isin(years)].groupby(["year", "file"], sort=True):
        first = part.iloc[0]
        meant = [one for one in years if sorted(str(one)) == sorted(str(year))]
        mend = f"vielleicht ist {meant[0]} gemeint; bitte berichtigen" if meant else ""
        place = {"city": first.city, "definition": first.definition}
        problems.append(YEAR_FOREIGN.problem(str(file), first.place, mend=mend, year=year, listed=listed, **place))
    return rows[rows["year"].isin(years)], problems


def check_doubles(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem]]:
    """Keep the first of several rows for one cell; each further one is an error."""
    key = ["city", "definition", "group", "year", "part"]
    doubled = rows.duplicated(key)
    problems = []
    for (city, file), part in rows[doubled].groupby(["city", "file"], sort=True):
        again = part.iloc[0]
        same = rows[(rows[key] == again[key]).all(axis=1)].iloc[0]
        what = DOUBLED.what.format(
            city=city,
            number="1 Zahl" if len(part) == 1 else f"{len(part)} Zahlen",
            definition_id=again.definition,
            year=again.year,
            other=f"{same.file}, {same.place}",
        )
        problems.append(Problem("error", str(file), again.place, what, DOUBLED.mend, city=str(city), check=DOUBLED.id))
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
        mend = f"{NEGATIVE.mend} oder die Ableitung prüfen" if "Ableitung" in row.note else ""
        problems.append(_of_count(NEGATIVE, row, german(row.value), mend))
    for row in rows_of(rows[fractional]):
        mend = ""
        if thousands_or_decimal(f"{row.value:.3f}", "."):
            mend = f"vielleicht ist {german(row.value * 1000)} gemeint (Tausenderpunkt); bitte die Anzahl liefern"
        problems.append(_of_count(FRACTION, row, german(row.value, 3), mend))
    rows.loc[negative | fractional, "value"] = float("nan")
    rows.loc[negative | fractional, "code"] = "missing"
    return rows, problems


def _of_count(check: Check, row: object, shown: str, mend: str) -> Problem:
    file, place, city, definition = (getattr(row, name) for name in ("file", "place", "city", "definition"))
    cell = name_cell(row)
    return check.problem(file, place, city=city, definition=definition, value=shown, mend=mend, cell=cell, shown=shown)


def check_signs(rows: pd.DataFrame, kinds: Mapping[str, str]) -> list[Problem]:
    """Tell, by definition, group and part, where a sign stands in place of a number, and what becomes of these cells.

    A numerator below 3 over a known base is taken as 0, 1 or 2, unless it is a mean of months and need not be whole.
    """
    problems = []
    marked = rows[rows["code"].isin(list(_CODE_DE))]
    for (definition, group, part, code), cells in marked.groupby(["definition", "group", "part", "code"], sort=True):
        first = cells.iloc[0]
        bounded = code == "below_3" and part == "numerator" and kinds.get(str(definition)) != "mean_of_months"
        problems.append(
            SIGN.problem(
                first.file,
                first.place,
                definition=str(definition),
                mend="gerechnet wird mit 0, 1 oder 2" if bounded else "",
                part=PART_DE[str(part)],
                definition_id=definition,
                group=GROUP_DE[str(group)],
                code=_CODE_DE[str(code)],
                listed=enumerate_some(f"{row.city} ({row.year})" for row in rows_of(cells)),
            )
        )
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
            known = part == "numerator" and definition in rounding
            problems.append(
                ROUNDED.problem(
                    first.file,
                    first.place,
                    definition=str(definition),
                    mend="gerechnet wird mit 2 mehr oder weniger" if known else "",
                    part=PART_DE[str(part)],
                    definition_id=definition,
                    group=GROUP_DE[str(group)],
                )
            )
    return problems
