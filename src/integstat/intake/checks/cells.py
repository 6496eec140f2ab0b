"""Checks on a numerator over its denominator."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from integstat.intake.checks.base import GROUP_DE, Check
from integstat.intake.numbers import german
from integstat.intake.problems import Problem
from integstat.intake.tables import rows_of

ZERO_OF_ZERO = Check(
    "zero_of_zero",
    ("hint",),
    "numerator and denominator both 0",
    "0 von 0 bei {where}, das sagt nichts",
    "die Zelle ist hier nicht schätzbar",
)
BASE_ZERO = Check(
    "base_zero",
    ("error",),
    "cases over a base of 0",
    "Nenner 0 bei Zähler {y} ({where})",
    "bitte die Grundgesamtheit liefern",
)
ABOVE_WHOLE = Check(
    "above_whole",
    ("error",),
    "numerator against denominator, where its persons are among those of the denominator",
    "Zähler {y} größer als Nenner {n} ({where})",
    "bitte prüfen, ob Zähler und Nenner vertauscht sind oder verschiedene Stände haben",
)
ABOVE_100 = Check(
    "above_100",
    ("doubt",),
    "rates above 100 per cent, but for definitions that may exceed it (place of care, of work, of school)",
    "Zähler {y} über Nenner {n} ({where}), mehr als 100 Prozent",
    "bitte prüfen, ob beide Zahlen zusammengehören",
)
CHECKS = (ZERO_OF_ZERO, BASE_ZERO, ABOVE_WHOLE, ABOVE_100)


def check_ratio(
    cells: pd.DataFrame, kinds: Mapping[str, str], may_exceed: Collection[str] = ()
) -> tuple[pd.Series, list[Problem]]:
    """Hold numerators against denominators.

    Parameters
    ----------
    cells : pandas.DataFrame
        One row per city, definition, group and year with `y`, `n`, `file`, `y_place`.
    kinds : mapping
        Kind by definition.
    may_exceed : collection of str
        Definitions whose numerator need not be among the denominator.

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
        check = _fault(row.y, row.n, kinds[row.definition])
        if check is ABOVE_100 and row.definition in may_exceed:
            continue
        y, n = german(row.y), german(row.n)
        where = f"{row.definition}, {GROUP_DE[row.group]}, {row.city}, {row.year}"
        at = {"city": row.city, "definition": row.definition, "value": f"{y} von {n}"}
        problems.append(check.problem(row.file, row.y_place, y=y, n=n, where=where, **at))
        good.loc[row.Index] = "error" not in check.severities
    return good, problems


def _fault(y: float, n: float, kind: str) -> Check:
    if n == 0:
        return ZERO_OF_ZERO if y == 0 else BASE_ZERO
    return ABOVE_100 if kind == "rate" else ABOVE_WHOLE
