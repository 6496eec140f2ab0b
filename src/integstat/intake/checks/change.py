"""Checks on what became of a figure from one year to the next."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from integstat.intake.checks.base import GROUP_DE, Check, share_de
from integstat.intake.checks.columns import Column
from integstat.intake.checks.robust import EXPLAINED, FEWEST, LEVEL, coincidence, counts_apart, limits
from integstat.intake.numbers import german
from integstat.intake.problems import Problem, enumerate_some

TIMES, TIMES_FROM = 2.0, 100.0  # a base this large that doubles or halves is doubted in any ring
LEAST_BASE = 0.15  # smallest jump of a base that is told, as a share of it: the one that keeps a finding open
LEAST_RATE = 0.22  # smallest jump of a rate that is told, link scale: a quarter more
_USUAL_BASE, _USUAL_RATE = 0.05, 0.15  # SD between cities of a one-year change, before any is seen
_MOST_RATE = 0.45  # the largest known of an indicator is 0.41
_COUNTED = 3  # counts below it stand still often
_SURE = 0.9
_OF_MEDIAN = 1.25  # SD of a median over that of a mean, normal values
_TENFOLD = 0.25  # a deviation this close to a power of ten, as a natural logarithm, is taken for one

BASE_JUMP = Check(
    "base_jump",
    ("doubt",),
    "bases from year to year: doubled or halved, or far from what the ring's other bases did",
    "der Nenner von {definition_id}, {group}, {city_key} springt von {before} ({year_before}) auf {now} ({year}){beside}",
    "bitte prüfen, ob eine Ziffer fehlt oder sich die Abgrenzung geändert hat",
)
BASE_SHIFT = Check(
    "base_shift",
    ("hint",),
    "whether a base moved by more than 15 % in half of the ring's cities, and by more than counting error",
    "der Nenner von {definition_id}, {group}, ändert sich im ganzen Ring: {year_before} bis {year} im Median um {percent} %",
    "bitte nachsehen, ob sich Abgrenzung oder Quelle geändert haben; die Quote ändert sich dann, ohne dass jemand etwas tat",
)
RATE_JUMP = Check(
    "rate_jump",
    ("doubt",),
    "rates from year to year, against the ring's other cities, counting error included",
    "{definition_id}, {group}, {city_key} springt von {before} ({year_before}) auf {now} ({year}), im Ring ist die Veränderung "
    "im Median das {ring}-Fache",
    "bitte Zähler und Nenner beider Jahre prüfen; stimmen sie, bitte den Zweifel beantworten",
)
UNITS = Check(
    "units",
    ("doubt",),
    "figures off by about a power of ten, against the other year or the other cities",
    "{definition_id}, {group}, {city_key}, {year}: {shown} ist etwa das {factor}-Fache des Erwarteten",
    "bitte die Einheit prüfen: Personen oder Tausend, Prozent oder Promille, eine Ziffer zu viel oder zu wenig",
)
REPEATED_YEAR = Check(
    "repeated_year",
    ("doubt",),
    "counts of a city that are the same as a year before, more often than chance would have it",
    "{city_key} liefert für {year} dieselben Zahlen wie für {year_before}: {listed}",
    "bitte prüfen, ob die Zahlen des Vorjahres stehen geblieben sind",
)
CHECKS = (BASE_JUMP, BASE_SHIFT, RATE_JUMP, UNITS, REPEATED_YEAR)


def factor_of_ten(deviation: float) -> str:
    """Name the power of ten that a deviation (natural logarithm) is about: '10', '1/1.000'; empty where it is about none."""
    power = round(deviation / np.log(10))
    if power == 0 or abs(deviation - power * np.log(10)) > _TENFOLD:
        return ""
    return german(10.0**power) if power > 0 else f"1/{german(10.0**-power)}"


def check_changes(columns: Sequence[Column], fixed: Collection[str]) -> list[Problem]:
    """Doubt bases and rates that jump, and figures that stand still.

    Parameters
    ----------
    columns : sequence of Column
        Cells that do not contradict themselves.
    fixed : collection of str
        Definitions whose base is of one and the same year by agreement.

    Notes
    -----
    What a whole ring did is no city's jump. Two years exchanged are a change turned round: no check can tell.
    """
    steps = [(column, t) for column in columns for t in range(1, len(column.years))]
    cells = sum(len(column.cities) for column, _ in steps)
    problems = []
    for column, t in steps:
        jumped, found = _bases(column, t, cells)
        problems += found + _rates(column, t, cells, jumped)
    return problems + list(_repeated(columns, fixed))


def _bases(column: Column, t: int, cells: int) -> tuple[set[int], list[Problem]]:
    """Return cities whose base jumped, and what is told of them and of the ring."""
    before, now = column.n[:, t - 1], column.n[:, t]
    both = np.flatnonzero((before > 0) & (now > 0))
    moved = np.log(now[both] / before[both])
    enough = len(both) >= FEWEST
    centre = float(np.median(moved)) if enough else 0.0
    limit = np.full(len(both), np.inf)
    error = 1 / before[both] + 1 / now[both]
    if enough:
        limit = limits(moved, error, cells, usual=_USUAL_BASE, worth=1)
    beyond = np.abs(moved - centre) > np.maximum(limit, np.log1p(LEAST_BASE))
    large = np.maximum(before[both], now[both]) >= TIMES_FROM
    doubled = large & (np.abs(moved) >= np.log(TIMES)) & (np.abs(moved - centre) >= np.log(TIMES))
    problems = []
    if enough and abs(centre) > max(np.log1p(LEAST_BASE), _median_apart(error, cells)):
        problems.append(_shift(column, t, column.rows[both[0]], centre))
    jumped = {int(i) for i in both[beyond | doubled]}
    for i, step in zip(both, moved - centre, strict=True):
        if int(i) in jumped:
            problems.append(_base_jump(column, t, int(i), float(step)))
    return jumped, problems


def _median_apart(error: np.ndarray, cells: int) -> float:
    """How far from 0 counting error alone may take the median of a ring's changes.

    Parameters
    ----------
    error : ndarray, shape (C,)
        Variance of the counting error of each city's change, link scale.
    cells : int
        Changes that the check looks at in the whole ring.

    Notes
    -----
    The SD of the median of C normal values is about 1.25 / sqrt(C) of theirs. The quantile is that of single cells, of which
    there are more than medians: the hint comes rather too seldom.
    """
    return counts_apart(cells) * _OF_MEDIAN * float(np.sqrt(np.median(error) / len(error)))


def _shift(column: Column, t: int, rows: dict[int, Any], centre: float) -> Problem:
    row = rows[column.years[t]]
    return BASE_SHIFT.problem(
        row.file, row.n_place, definition=column.definition, percent=german(100 * np.expm1(centre)), **_said(column, t)
    )


def _base_jump(column: Column, t: int, i: int, step: float) -> Problem:
    row = column.rows[i][column.years[t]]
    before, now = german(column.n[i, t - 1]), german(column.n[i, t])
    factor = factor_of_ten(step)
    at = {"city": row.city, "definition": row.definition, "value": f"{before}; {now}"}
    beside = f", etwa das {factor}-Fache: andere Einheit oder eine Ziffer zu viel oder zu wenig" if factor else ""
    said = {"city_key": row.city, "before": before, "now": now, "beside": beside}
    return BASE_JUMP.problem(row.file, row.n_place, **at, **said, **_said(column, t))


def _rates(column: Column, t: int, cells: int, jumped: set[int]) -> list[Problem]:
    """Doubt changes of a rate that neither counting error nor the ring's other changes explain."""
    change = column.link[:, t] - column.link[:, t - 1]
    known = np.flatnonzero(np.isfinite(change))
    both = [t - 1, t]
    with np.errstate(invalid="ignore"):
        pooled = column.y[:, both].sum(axis=1, keepdims=True) / column.n[:, both].sum(axis=1, keepdims=True)
    error = column.noise(pooled)[:, both].sum(axis=1)[known]
    centre = float(np.median(change[known])) if len(known) >= FEWEST else 0.0
    limit = limits(change[known], error, cells, usual=_USUAL_RATE, worth=1, most=_MOST_RATE)
    far = column.apart(pooled)[known][:, both].max(axis=1) > counts_apart(cells)
    problems = []
    for i, step, most, counted in zip(known, change[known] - centre, limit, far, strict=True):
        (y0, y1), (n0, n1) = column.y[i, both], column.n[i, both]
        factor = factor_of_ten(float(np.log((y1 + 0.5) / n1 * n0 / (y0 + 0.5))) - centre)
        if counted and abs(step) > max(most * (EXPLAINED if factor else 1.0), LEAST_RATE) and int(i) not in jumped:
            problems.append(_rate_jump(column, t, int(i), centre, factor))
    return problems


def _rate_jump(column: Column, t: int, i: int, centre: float, factor: str) -> Problem:
    row = column.rows[i][column.years[t]]
    (y0, y1), (n0, n1) = column.y[i, t - 1 : t + 1], column.n[i, t - 1 : t + 1]
    at = {"city": row.city, "definition": row.definition, "value": f"{y0:g}/{n0:g}; {y1:g}/{n1:g}"}
    if factor:
        return UNITS.problem(
            row.file, row.y_place, shown=share_de(y1, n1), factor=factor, city_key=row.city, **at, **_said(column, t)
        )
    said = {"city_key": row.city, "before": share_de(y0, n0), "now": share_de(y1, n1), "ring": german(float(np.exp(centre)), 2)}
    return RATE_JUMP.problem(row.file, row.y_place, **at, **said, **_said(column, t))


def _said(column: Column, t: int) -> dict[str, Any]:
    return {
        "definition_id": column.definition,
        "group": GROUP_DE[column.group],
        "year": column.years[t],
        "year_before": column.years[t - 1],
    }


def _repeated(columns: Sequence[Column], fixed: Collection[str]) -> Iterator[Problem]:
    """Doubt, by city and year, counts that stand still although chance alone would have moved them.

    That two years' counts agree has a probability of about 0.57 / sqrt(count), were they half as mobile as independent ones; for
    bases, which move by 3 %, of 14 / base at least; five times that where all are rounded to five. A base that stands still in
    half of the ring is one by agreement.
    """
    counted: dict[tuple[str, int, int], list[tuple[float, bool, Column, int, str]]] = {}
    for column in columns:
        for part, counts in (("y", column.y), ("n", column.n)):
            step = 5.0 if np.all(np.nan_to_num(counts) % 5 == 0) else 1.0
            for t in range(1, len(column.years)):
                equal = counts[:, t] == counts[:, t - 1]
                if part == "n" and (column.definition in fixed or 2 * equal.sum() > max(len(equal), 2)):
                    continue
                for i in np.flatnonzero((counts[:, t] >= _COUNTED) & (counts[:, t - 1] >= _COUNTED)):
                    count = float(counts[i, t])
                    chance = step * max(0.57 / count**0.5, 14 / count if part == "n" else 0.0)
                    key = (column.cities[i], column.years[t], column.years[t - 1])
                    counted.setdefault(key, []).append((min(chance, _SURE), bool(equal[i]), column, int(i), part))
    cities = len({city for column in columns for city in column.cities})
    for (city, year, before), found in sorted(counted.items(), key=lambda item: item[0]):
        standing = _stand_still(found, cities, len({column.definition for column in columns}))
        if standing:
            yield _standing(standing, city, year, before)


def _stand_still(
    found: Sequence[tuple[float, bool, Column, int, str]], cities: int, definitions: int
) -> list[tuple[Column, int, str]]:
    """Counts of a city that stand still beyond chance: all that do, where they are too many; else those of whole definitions."""
    met = np.array([equal for _, equal, *_ in found])
    chances = np.array([chance for chance, *_ in found])
    if not met.any():
        return []
    if coincidence(chances, met) < LEVEL / cities:
        return [one[2:] for one in found if one[1]]
    standing = []
    for name in dict.fromkeys(one[2].definition for one in found):
        mine = np.array([one[2].definition == name for one in found])
        if met[mine].all() and np.prod(chances[mine]) < LEVEL / (cities * definitions):
            standing += [one[2:] for one, own in zip(found, mine, strict=True) if own]
    return standing


def _standing(found: list[tuple[Column, int, str]], city: str, year: int, before: int) -> Problem:
    column, i, part = found[0]
    row = column.rows[i][year]
    listed = [
        f"{'Zähler' if name == 'y' else 'Nenner'} {one.definition}, {GROUP_DE[one.group]} "
        f"({german(getattr(one, name)[place, one.years.index(year)])})"
        for one, place, name in found
    ]
    place = row.y_place if part == "y" else row.n_place
    said: dict[str, Any] = {"city_key": city, "year": year, "year_before": before, "listed": enumerate_some(listed, 3)}
    return REPEATED_YEAR.problem(row.file, place, city=city, value="; ".join(listed), **said)
