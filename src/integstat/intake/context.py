"""Context features of the cities, from series or from the workbooks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from integstat.intake.expressions import parse_expression
from integstat.intake.problems import Problem, enumerate_some
from integstat.intake.series import Series
from integstat.intake.settings import ContextSettings
from integstat.panel import Context


def context_from_series(
    settings: ContextSettings, series: Mapping[str, Series], cities: Sequence[str]
) -> tuple[Context, list[Problem]]:
    """Evaluate the features of a config.

    Parameters
    ----------
    settings : ContextSettings
    series : mapping of str to Series
        By id, evaluated for `settings.year`.
    cities : sequence of str
        The ring's cities.

    Returns
    -------
    context : Context
        NaN where a file has no number; nothing is imputed here.
    problems : list of Problem
        A doubt for each feature with gaps; an error for a feature that no city has.
    """
    columns: dict[str, list[float]] = {}
    files: dict[str, str] = {}
    for feature, text in settings.features.items():
        expression = parse_expression(text)
        used = {name: series[name] for name in expression.names}
        values = []
        for city in cities:
            figures = {name: one.figures.get((city, settings.year)) for name, one in used.items()}
            cells = {name: figure.cell for name, figure in figures.items() if figure is not None}
            values.append(expression.evaluate(cells)[0] if len(cells) == len(used) else math.nan)
            files.setdefault(feature, next((figure.file for figure in figures.values() if figure is not None), ""))
        columns[feature] = values
    features = pd.DataFrame(columns, index=pd.Index(list(cities), name="city"), dtype=float)
    return Context(features=features, year=settings.year), _gaps(features, files)


def context_from_workbooks(
    delivered: Mapping[str, Mapping[str, float]], year: int, files: Mapping[str, str]
) -> tuple[Context | None, list[Problem]]:
    """Put the context sheets of the workbooks together.

    Parameters
    ----------
    delivered : mapping of str to mapping of str to float
        Features by city.
    year : int
        Year the values stand for: the ring's first.
    files : mapping of str to str
        File by city.

    Returns
    -------
    context : Context or None
        None where no workbook has any feature.
    problems : list of Problem
    """
    if not any(delivered.values()):
        return None, []
    features = pd.DataFrame.from_dict({city: dict(values) for city, values in delivered.items()}, orient="index", dtype=float)
    features.index.name = "city"
    features = features[sorted(features.columns)]
    return Context(features=features, year=year), _gaps(features, {}, files)


def _gaps(features: pd.DataFrame, files: Mapping[str, str], by_city: Mapping[str, str] | None = None) -> list[Problem]:
    problems = []
    for feature in features.columns:
        empty = features.index[features[feature].isna()]
        if len(empty) == 0:
            continue
        file = files.get(feature, "")
        if by_city is not None and len(empty) == 1:
            file = by_city.get(str(empty[0]), "")
        if len(empty) == len(features):
            what, mend = (
                f"das Merkmal '{feature}' hat bei keiner Stadt eine Zahl",
                "bitte Reihe und Jahr im Abschnitt [context] prüfen",
            )
            problems.append(Problem("error", file, "Kontext", what, mend, check="context_gap"))
        else:
            what = f"das Merkmal '{feature}' fehlt bei {enumerate_some(empty.astype(str))}"
            city = str(empty[0]) if len(empty) == 1 else ""
            mend = "bitte nachliefern, sonst wird es geschätzt"
            problems.append(Problem("doubt", file, "Kontext", what, mend, city=city, check="context_gap"))
    return problems
