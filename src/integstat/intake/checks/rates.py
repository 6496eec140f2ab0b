"""Checks on rates that stand beside the counts they are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from integstat.intake.checks.base import Check
from integstat.intake.numbers import german
from integstat.intake.problems import Problem, enumerate_some
from integstat.intake.series import Series
from integstat.intake.settings import DeliverySettings
from integstat.intake.tables import LINE, Table

_FACTORS = (1.0, 100.0, 1000.0, 10_000.0, 100_000.0)
_UNITS = dict.fromkeys(("%", "prozent", "percent"), 100.0) | dict.fromkeys(("‰", "promille", "per 1000", "je 1000"), 1000.0)
_CLOSE = 0.1  # of a decimal logarithm
_FEWEST = 5  # lines from which on the usual factor is learnt
_FEWEST_CASES = 20.0  # below, rounding alone can put a rate off by much
_MOST_TOLD = 5

ZERO_RATE = Check(
    "zero_rate",
    ("doubt",),
    "rates of 0 beside a positive count",
    "die Quote ist 0, die Anzahl daneben aber {count} ({where})",
    "bitte prüfen, welche der beiden Angaben falsch ist; hier gilt die Zelle als nicht geliefert",
)
PER_MILLE = Check(
    "per_mille",
    ("doubt",),
    "rates ten, a hundred or a thousand times what numerator and denominator give: per cent against per mille",
    "die Quote {shown} ist das {factor}-Fache dessen, was Zähler und Nenner ergeben ({where})",
    "bitte prüfen, ob Prozent und Promille verwechselt sind",
)
CHECKS = (ZERO_RATE, PER_MILLE)


def check_rates(table: Table, y: pd.Series, n: pd.Series, rate: pd.Series, column: str, unit: str = "") -> list[Problem]:
    """Hold the rates of a table against its counts.

    Parameters
    ----------
    table : Table
    y, n, rate : pandas.Series of float
        Numerators, denominators and rates, index of `table.frame`.
    column : str
        Name of the column of rates, for the place.
    unit : str
        Column with the unit; '' where there is none, then the usual factor is the table's own.
    """
    units = table.frame[unit].str.strip().str.lower() if unit else pd.Series("", index=table.frame.index)
    problems: list[Problem] = []
    for name in units.unique():
        mine = units == name
        problems += _block(table, y[mine], n[mine], rate[mine], column, _UNITS.get(name))
    return problems


def _block(table: Table, y: pd.Series, n: pd.Series, rate: pd.Series, column: str, factor: float | None) -> list[Problem]:
    """Hold the rates of one unit against their counts."""
    expected = (y / n).where((n > 0) & (y > 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log10((rate / expected).where(rate > 0).to_numpy(float))
    known = np.isfinite(ratio)
    if factor is None:
        if known.sum() < _FEWEST:
            return []
        middle = float(np.median(ratio[known]))
        factor = min(_FACTORS, key=lambda one: abs(np.log10(one) - middle))
    away = ratio - np.log10(factor)
    power = np.where(known, np.round(np.nan_to_num(away)), 0)
    off = known & (power != 0) & (np.abs(away - power) < _CLOSE) & (y.to_numpy(float) >= _FEWEST_CASES)
    digits = _decimals(rate)
    zero = (rate == 0) & (expected * factor > 0.5 * 10.0**-digits)
    lines = table.frame.loc[y.index, LINE]
    problems = [
        ZERO_RATE.problem(
            table.file,
            f"Zeile {lines.loc[i]}, Spalte {column}",
            value=f"0; {y.loc[i]:g}",
            count=german(float(y.loc[i])),
            where=f"Zähler {german(float(y.loc[i]))}, Nenner {german(float(n.loc[i]))}",
        )
        for i in rate.index[zero.to_numpy(bool)]
    ]
    problems = problems[:_MOST_TOLD]
    if off.any():
        first = rate.index[off][0]
        shown, times = float(rate.loc[first]), float(power[off][0])
        where = f"Zeilen {enumerate_some(str(line) for line in lines[off])}; zuerst {german(float(y.loc[first]))} von "
        where += german(float(n.loc[first]))
        name = german(10.0**times) if times > 0 else f"1/{german(10.0**-times)}"
        at = f"Zeile {lines.loc[first]}, Spalte {column}"
        problems.append(PER_MILLE.problem(table.file, at, value=f"{shown:g}", shown=german(shown, 2), factor=name, where=where))
    return problems


def _decimals(rate: pd.Series) -> int:
    """Decimals that the column shows, up to 4."""
    values = rate.dropna().to_numpy(float)
    return next((digits for digits in range(4) if np.allclose(values, np.round(values, digits), rtol=0, atol=1e-9)), 4)


def check_zero_rates(delivery: DeliverySettings, series: Mapping[str, Series], cities: Sequence[str]) -> list[Problem]:
    """Doubt rates of 0 that a base is to be computed back from, beside a positive count.

    Parameters
    ----------
    delivery : DeliverySettings
    series : mapping of str to Series
        By id; those of the delivery.
    cities : sequence of str
        The ring's cities.
    """
    expression = delivery.expression("denominator")
    rates = [series[name] for name in expression.names if series[name].measure == "rate"]
    counts = [series[name] for name in expression.names if series[name].measure != "rate"]
    problems = []
    for rate in rates:
        for (city, year), figure in sorted(rate.figures.items(), key=lambda item: item[0]):
            positive = [one.figures[city, year].value for one in counts if (city, year) in one.figures]
            if city in cities and figure.value == 0 and any(value > 0 for value in positive):
                where, count = f"{delivery.definition}, {city}, {year}", german(max(positive))
                at = {"city": city, "definition": delivery.definition, "value": f"0; {count}"}
                problems.append(ZERO_RATE.problem(figure.file, figure.place, count=count, where=where, **at))
    return problems
