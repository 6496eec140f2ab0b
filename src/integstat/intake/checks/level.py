"""Checks on how high a figure is, against the other cities and against the city's own other figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

import numpy as np

from integstat.intake.checks.base import GROUP_DE, Check, share_de
from integstat.intake.checks.change import UNITS, factor_of_ten
from integstat.intake.checks.columns import Column
from integstat.intake.checks.robust import EXPLAINED, FEWEST, LEVEL, coincidence, counts_apart, limits, qn
from integstat.intake.numbers import german
from integstat.intake.problems import Problem, enumerate_some

LEAST = 0.7  # smallest deviation that is told, link scale: about twice or half
_USUAL_LEVEL, _MOST_LEVEL = 0.5, 1.5  # SD between cities of a rate, before any is seen, and at most
_FEWEST_BASES = 3  # bases of a city that tell how large it is
_TOGETHER = 8.0  # degrees of freedom that the spread of all bases is worth for one of them
_FITS = 0.25  # share of the limit within which a numerator fits the ring as a rate
_ROUNDS = 5  # of the polish
_SMALLEST = 20  # two cities may well have the same small base
_COUNTED = 3  # two cities often have the same count below it
_MANY = 10  # cities with one and the same cell, from which on each is held against its neighbour alone

OUTLIER = Check(
    "outlier",
    ("doubt",),
    "level of a rate over the years, against the ring's other cities, counting error included",
    "{definition_id}, {group}, {city_key}: {shown} in {year}, im Ring liegt die Mitte bei {ring} %",
    "bitte prüfen, ob Abgrenzung und Einheit stimmen; stimmen sie, bitte den Zweifel beantworten",
)
BASE_SIZE = Check(
    "base_size",
    ("doubt",),
    "bases against the city's other bases: whether they fit its size as in the other cities",
    "der Nenner von {definition_id}, {group}, {city_key} ({n} in {year}) ist etwa das {times}-Fache dessen, was die übrigen "
    "Nenner dieser Stadt erwarten lassen",
    "bitte prüfen, ob Gruppen, Zeilen oder Städte vertauscht sind, und die Einheit",
)
RATE_AS_COUNT = Check(
    "rate_as_count",
    ("doubt",),
    "numerators that would fit the ring as per cent or per mille, or bases of exactly 100 or 1,000",
    "{definition_id}, {group}, {city_key}: {shown} in {year} sieht nach einer Quote in {unit} aus, nicht nach einer Anzahl",
    "bitte Anzahlen liefern, Zähler und Nenner in Personen",
)
REPEATED_CITY = Check(
    "repeated_city",
    ("doubt",),
    "cities with the same counts, every number counted once",
    "{city_key} und {other} haben dieselben Zahlen: {listed}",
    "bitte prüfen, ob eine Stadt die Zahlen der anderen enthält",
)
CHECKS = (OUTLIER, BASE_SIZE, RATE_AS_COUNT, REPEATED_CITY)


def check_levels(columns: Sequence[Column]) -> list[Problem]:
    """Doubt figures that are out of line with the ring; only told, never corrected.

    Notes
    -----
    A city may really be different: these are questions. Rings of fewer than five cities are not looked at, and in small rings
    little can be said to be out of line.
    """
    problems = []
    cells = sum(len(column.cities) for column in columns)
    for column in columns:
        problems += _outliers(column, cells)
    return problems + list(_sizes(columns, cells)) + list(_repeated(columns))


def _outliers(column: Column, cells: int) -> list[Problem]:
    link = column.link
    known = np.flatnonzero(np.isfinite(link).any(axis=1))
    if len(known) < FEWEST:
        return []
    level = np.nanmean(link[known], axis=1)
    centre = float(np.median(level))
    middle = float(np.exp(centre)) if column.kind == "rate" else float(1 / (1 + np.exp(-centre)))
    error = np.nanmax(np.where(np.isfinite(link), column.noise(middle), 0.0)[known], axis=1)  # as if the years were one sample
    far = np.nanmax(np.where(np.isfinite(link), column.apart(middle), 0.0)[known], axis=1) > counts_apart(cells)
    limit = limits(level, error, cells, usual=_USUAL_LEVEL, worth=2, most=_MOST_LEVEL)
    problems = []
    for i, away, most, counted in zip(known, level - centre, limit, far, strict=True):
        unit = _rate_unit(column, int(i), centre, float(most))
        told = np.isfinite(link[i])
        tenfold = factor_of_ten(float(np.mean(np.log((column.y[i, told] + 0.5) / column.n[i, told] / middle))))
        explained = EXPLAINED if unit or tenfold else 1.0
        if _round_base(column, int(i)) or (counted and abs(away) > max(most * explained, LEAST)):
            problems.append(_outlier(column, int(i), middle, unit, tenfold))
    return problems


def _rate_unit(column: Column, i: int, centre: float, most: float) -> str:
    """Name the unit in which the numerators would fit the ring as rates; empty where there is none."""
    y, n = column.y[i], column.n[i]
    if _round_base(column, i):
        return "Prozent" if n[0] == 100 else "Promille"
    for whole, unit in ((100.0, "Prozent"), (1000.0, "Promille")):
        if np.all((y > 0) & (y < whole) & (n > 2 * whole)):
            rest = whole if column.kind == "rate" else whole - y + 0.5
            if np.all(np.abs(np.log((y + 0.5) / rest) - centre) < _FITS * most):
                return unit
    return ""


def _round_base(column: Column, i: int) -> bool:
    """Whether a city's base is exactly 100 or 1,000 in all of several years, where the ring's are ten times as large."""
    large = [whole for whole in (100, 1000) if np.nanmedian(column.n) >= 10 * whole]
    return len(column.years) > 1 and any(bool(np.all(column.n[i] == whole)) for whole in large)


def _outlier(column: Column, i: int, middle: float, unit: str, tenfold: str) -> Problem:
    t = int(np.flatnonzero(np.isfinite(column.link[i]))[-1])
    y, n, row = column.y[i, t], column.n[i, t], column.rows[i][column.years[t]]
    cells = zip(column.y[i], column.n[i], strict=True)
    at = {"city": row.city, "definition": row.definition, "value": "; ".join(f"{count:g}/{base:g}" for count, base in cells)}
    said = {
        "definition_id": column.definition,
        "group": GROUP_DE[column.group],
        "city_key": row.city,
        "year": column.years[t],
        "shown": share_de(y, n),
    }
    if unit:
        return RATE_AS_COUNT.problem(row.file, row.y_place, unit=unit, **at, **said)
    if tenfold:
        return UNITS.problem(row.file, row.y_place, factor=tenfold, **at, **said)
    return OUTLIER.problem(row.file, row.y_place, ring=german(100 * middle, 1), **at, **said)


def _sizes(columns: Sequence[Column], cells: int) -> Iterator[Problem]:
    """Hold every base against city and count: what a median polish of their logarithms (Tukey 1977) leaves over."""
    cities = sorted({city for column in columns for city in column.cities})
    logs = np.full((len(cities), len(columns)), np.nan)
    for j, column in enumerate(columns):
        for i, counts in zip((cities.index(city) for city in column.cities), column.n, strict=True):
            known = counts[counts > 0]
            if len(known):
                logs[i, j] = np.log(known).mean()
    logs[np.isfinite(logs).sum(axis=1) < _FEWEST_BASES] = np.nan
    logs[:, np.isfinite(logs).sum(axis=0) < FEWEST] = np.nan
    left = _polish(logs)
    together = left[np.isfinite(left)]
    if len(together) < FEWEST:
        return
    usual = qn(together)
    for j, column in enumerate(columns):
        known = np.flatnonzero(np.isfinite(left[:, j]))
        limit = limits(left[known, j], np.exp(-logs[known, j]), cells, usual=usual, worth=_TOGETHER)
        for place, most in zip(known, limit, strict=True):
            away = float(left[place, j])
            if abs(away) > max(most * (EXPLAINED if factor_of_ten(away) else 1.0), LEAST):
                yield _size(column, column.cities.index(cities[place]), away)


def _polish(logs: np.ndarray) -> np.ndarray:
    """Take the medians of rows and columns off, in turn; rows and columns of NaN stay so."""
    left = logs.copy()
    rows, columns = (np.isfinite(left).any(axis=axis) for axis in (1, 0))
    for _ in range(_ROUNDS):
        left[rows] -= np.nanmedian(left[rows], axis=1, keepdims=True)
        left[:, columns] -= np.nanmedian(left[:, columns], axis=0, keepdims=True)
    return left


def _size(column: Column, i: int, away: float) -> Problem:
    t = int(np.flatnonzero(column.n[i] > 0)[-1])
    row, times = column.rows[i][column.years[t]], float(np.exp(away))
    at = {"city": row.city, "definition": row.definition, "value": "; ".join(f"{n:g}" for n in column.n[i])}
    said = {"definition_id": column.definition, "group": GROUP_DE[column.group], "city_key": row.city, "year": column.years[t]}
    shown = german(times, 1) if times >= 1 else f"1/{german(1 / times, 1)}"
    return BASE_SIZE.problem(row.file, row.n_place, n=german(column.n[i, t]), times=shown, **at, **said)


def _repeated(columns: Sequence[Column]) -> Iterator[Problem]:
    """Doubt pairs of cities with more equal cells than chance would have it."""
    same: dict[tuple[str, str], list[tuple[Column, int, int]]] = {}
    for column in columns:
        for t in range(len(column.years)):
            alike: dict[tuple[float, float], list[int]] = {}
            for i, cell in enumerate(zip(column.y[:, t], column.n[:, t], strict=True)):
                if cell[1] >= _SMALLEST:
                    alike.setdefault(cell, []).append(i)
            for found in alike.values():
                for first, second in combinations(found, 2) if len(found) <= _MANY else pairwise(found):
                    same.setdefault((column.cities[first], column.cities[second]), []).append((column, second, t))
    limit = LEVEL / len({city for column in columns for city in column.cities}) ** 2 if columns else 0.0
    for (city, other), cells in sorted(same.items(), key=lambda item: item[0]):
        bases, counts = _chances(cells, "n"), _chances(cells, "y")
        if np.prod([*bases.values(), *counts.values()]) >= limit:
            continue
        missed = _chances(_parted(columns, city, other), "y")
        chances = np.array([*counts.values(), *missed.values()])
        met = np.arange(len(chances)) < len(counts)
        telling = chances < 1
        if np.prod(list(bases.values())) * coincidence(chances[telling], met[telling]) < limit:
            yield _repetition(city, other, cells)


def _chances(cells: Sequence[tuple[Column, int, int]], part: str) -> dict[float, float]:
    """Probability, at most, that each number of a city meets that of another city.

    A base does with 5 / base; a numerator, given the bases, with 0.57 / sqrt(count), and may always below three; five times that
    where the column is rounded to five. Every number counts once, for definitions may share it, and years as well: given that two
    cities have the same base, a second definition on it tells no more than its numerator does.
    """
    chances: dict[float, float] = {}
    for column, i, t in cells:
        counts = column.n if part == "n" else column.y
        count = float(counts[i, t])
        chance = 5 / count if part == "n" else 0.57 / count**0.5 if count >= _COUNTED else 1.0
        step = 5.0 if np.all(np.nan_to_num(counts) % 5 == 0) else 1.0
        chances[count] = max(chances.get(count, 0.0), min(1.0, step * chance))
    return chances


def _parted(columns: Sequence[Column], city: str, other: str) -> list[tuple[Column, int, int]]:
    """Cells in which two cities have the same base and not the same numerator: they could have met there as well."""
    cells = []
    for column in columns:
        if city in column.cities and other in column.cities:
            i, k = column.cities.index(city), column.cities.index(other)
            apart = (column.n[i] == column.n[k]) & (column.n[i] >= _SMALLEST) & (np.abs(column.y[i] - column.y[k]) > 0)
            cells += [(column, k, int(t)) for t in np.flatnonzero(apart)]
    return cells


def _repetition(city: str, other: str, cells: Sequence[tuple[Column, int, int]]) -> Problem:
    counts: dict[tuple[float, float], str] = {}
    for column, i, t in cells:
        y, n = float(column.y[i, t]), float(column.n[i, t])
        counts.setdefault(
            (y, n), f"{column.definition}, {GROUP_DE[column.group]}, {column.years[t]} ({german(y)} von {german(n)})"
        )
    listed = list(counts.values())
    column, i, t = cells[0]
    row = column.rows[i][column.years[t]]
    said = {"city_key": other, "other": city, "listed": enumerate_some(listed, 3)}
    return REPEATED_CITY.problem(row.file, row.y_place, city=other, value="; ".join(listed), **said)
