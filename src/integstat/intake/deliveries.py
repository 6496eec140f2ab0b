"""From series to count rows: which expression is numerator and which denominator, and whether it is a count at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import pandas as pd

from integstat.intake.expressions import Expression
from integstat.intake.numbers import german
from integstat.intake.problems import Problem, enumerate_some
from integstat.intake.series import Figure, Series
from integstat.intake.settings import DeliverySettings

Part = Literal["numerator", "denominator"]
PARTS: tuple[Part, Part] = ("numerator", "denominator")
PART_DE = {"numerator": "Zähler", "denominator": "Nenner"}
ROW_COLUMNS = ("city", "definition", "group", "year", "part", "value", "code", "note", "file", "place")

TOLERANCE = 1e-3  # a reconstructed base this close to an integer is taken as that integer
MOST_BROKEN = 0.1  # above this share of cells that are not, the rate is too coarse and the base is refused


def count_rows(
    delivery: DeliverySettings, series: Mapping[str, Series], cities: Iterable[str], years: Iterable[int]
) -> tuple[pd.DataFrame, list[Problem]]:
    """Evaluate numerator and denominator for every city and year.

    Parameters
    ----------
    delivery : DeliverySettings
    series : mapping of str to Series
        By id; those the expressions name.
    cities, years : iterable
        Cells wanted.

    Returns
    -------
    rows : pandas.DataFrame
        Columns `ROW_COLUMNS`; no row where a file lacks one of the parts, none at all after a refusal. `note` states
        derivations.
    problems : list of Problem
        A derived numerator that the delivery does not allow by name; a reconstructed denominator that is no integer.

    Notes
    -----
    Sums and differences of counts are stated derivations. What multiplies, divides, rests on a rate or is marked 'derived'
    by its file is a reconstruction: never a numerator unless allowed, a denominator only where it comes out as an integer.
    """
    cells = [(city, year) for city in cities for year in years]
    rows: list[dict[str, object]] = []
    problems: list[Problem] = []
    for part in PARTS:
        expression = delivery.expression(part)
        used = {name: series[name] for name in expression.names}
        derived = _derived(expression, used)
        refused = [name for name in derived if name not in delivery.allow_derived]
        if refused and part == "numerator":
            return _nothing(), [_refused_numerator(delivery, expression, used[refused[0]])]
        figures = _figures(expression, used, cells)
        note = _note(delivery, expression, used, bool(derived))
        if refused:
            figures, problems = _whole(delivery, expression, figures)
            if not figures:
                return _nothing(), problems
        rows += [
            {
                "city": city,
                "definition": delivery.definition,
                "group": delivery.group,
                "year": year,
                "part": part,
                "value": figure.value,
                "code": figure.code,
                "note": note,
                "file": figure.file,
                "place": figure.place,
            }
            for (city, year), figure in figures.items()
        ]
    return pd.DataFrame(rows, columns=list(ROW_COLUMNS)), problems


def _nothing() -> pd.DataFrame:
    return pd.DataFrame(columns=list(ROW_COLUMNS))


def _derived(expression: Expression, used: Mapping[str, Series]) -> list[str]:
    """Series that make the expression a reconstruction; all of them where it multiplies or divides."""
    return [name for name, one in used.items() if expression.scales or one.derived]


def _refused_numerator(delivery: DeliverySettings, expression: Expression, culprit: Series) -> Problem:
    first = next(iter(culprit.figures.values()), None)
    kind = f" (die Quelle sagt: '{culprit.kinds[0]}')" if culprit.derived and culprit.kinds else ""
    return Problem(
        "error",
        first.file if first else "",
        first.place if first else f"Reihe '{culprit.id}'",
        f"der Zähler '{expression.text}' von {delivery.definition} ist aus einer Quote zurückgerechnet{kind}, keine Anzahl",
        f'bitte die Anzahl liefern oder die Reihe bewusst erlauben: allow_derived = ["{culprit.id}"]',
        definition=delivery.definition,
        check="derived",
    )


def _figures(expression: Expression, used: Mapping[str, Series], cells: list[tuple[str, int]]) -> dict[tuple[str, int], Figure]:
    figures = {}
    for cell in cells:
        parts = {name: one.figures[cell] for name, one in used.items() if cell in one.figures}
        if len(parts) < len(used):
            continue
        value, code = expression.evaluate({name: figure.cell for name, figure in parts.items()})
        figures[cell] = Figure(value, code, *_where(list(parts.values())))
    return figures


def _where(figures: list[Figure]) -> tuple[str, str]:
    """Place and file of a figure made of several."""
    files = list(dict.fromkeys(figure.file for figure in figures))
    if len(files) == 1:
        return "; ".join(dict.fromkeys(figure.place for figure in figures)), files[0]
    return "; ".join(dict.fromkeys(f"{figure.file}, {figure.place}" for figure in figures)), " + ".join(files)


def _note(delivery: DeliverySettings, expression: Expression, used: Mapping[str, Series], derived: bool) -> str:
    parts = []
    if derived:
        parts.append(f"zurückgerechnet: {expression.text}")
    elif expression.combines:
        parts.append(f"vereinbarte Ableitung: {expression.text}")
    kinds = dict.fromkeys(kind for one in used.values() for kind in one.kinds)
    parts += [f"Angabe der Quelle: {kind}" for kind in kinds]
    if delivery.note:
        parts.append(delivery.note)
    return "; ".join(parts)


def _whole(
    delivery: DeliverySettings, expression: Expression, figures: dict[tuple[str, int], Figure]
) -> tuple[dict[tuple[str, int], Figure], list[Problem]]:
    """Keep reconstructed bases that are integers; a few that are not become gaps, many refuse the whole."""
    numbers = {cell: figure for cell, figure in figures.items() if figure.code in ("value", "nothing")}
    broken = {cell: figure for cell, figure in numbers.items() if abs(figure.value - round(figure.value)) > TOLERANCE}
    if len(broken) > MOST_BROKEN * len(numbers):
        first = next(iter(broken.values()))
        problem = Problem(
            "error",
            first.file,
            first.place,
            f"der Nenner '{expression.text}' von {delivery.definition} ergibt in {len(broken)} von {len(numbers)} Zellen keine "
            f"ganze Zahl (hier {german(first.value, 2)}), die Quote ist zu grob gerundet",
            "bitte die Grundzahl selbst liefern oder eine Quote mit allen Stellen",
            definition=delivery.definition,
            check="base_derived",
        )
        return {}, [problem]
    problems = []
    if broken:
        first = next(iter(broken.values()))
        listed = enumerate_some(f"{city} ({year}: {german(figure.value, 2)})" for (city, year), figure in broken.items())
        problems.append(
            Problem(
                "doubt",
                first.file,
                first.place,
                f"der Nenner '{expression.text}' von {delivery.definition} lässt sich nicht zurückrechnen, die Quote ist dort "
                f"gerundet: {listed}; die Zelle gilt als nicht geliefert",
                "bitte die Grundzahl nachliefern",
                city=next(iter(broken))[0] if len(broken) == 1 else "",
                definition=delivery.definition,
                check="base_derived",
            )
        )
    kept = {
        cell: Figure(float("nan"), "missing", figure.place, figure.file)
        if cell in broken
        else Figure(float(round(figure.value)), figure.code, figure.place, figure.file)
        if cell in numbers
        else figure
        for cell, figure in figures.items()
    }
    return kept, problems
