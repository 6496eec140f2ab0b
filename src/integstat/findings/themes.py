"""Themes: how widespread and how certain the deficits of each action field are, as candidates for the ring's topics in depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

INTERVAL = 0.9

THEME_CODEBOOK: dict[str, str] = {
    "scope": "field: ganzes Handlungsfeld; indicator: einer seiner Indikatoren",
    "place": "Stelle unter den Handlungsfeldern, oder unter den Indikatoren des Handlungsfelds",
    "field": "Handlungsfeld",
    "indicator": "Indikator; leer in der Zeile des Handlungsfelds",
    "cells": "Zellen aus Stadt und Indikator, für die ein Befund zulässig und ein Defizit abschätzbar ist",
    "expected": "erwartete Zahl von Zellen mit einem Defizit: Summe der Wahrscheinlichkeiten",
    "share": "ihr Anteil an den Zellen; ordnet die Liste",
    "share_lower": "untere Grenze dazu, gerechnet, als wären die Zellen unabhängig voneinander",
    "share_upper": "obere Grenze dazu",
    "declared": "Zellen, in denen ein Defizit gesichert ist",
    "cities": "Städte mit wenigstens einer solchen Zelle aus 'cells'",
    "cities_declared": "Städte mit wenigstens einem gesicherten Defizit",
    "cities_expected": "erwartete Zahl von Städten mit wenigstens einem Defizit, als wären die Zellen einer Stadt unabhängig",
}
THEME_COLUMNS = tuple(THEME_CODEBOOK)


def themes(grid: pd.DataFrame, fields: Sequence[str], interval: float = INTERVAL) -> pd.DataFrame:
    """Order fields, and the indicators of each, by the share of cells in which a deficit is to be expected.

    Parameters
    ----------
    grid : pandas.DataFrame
        One row per city and indicator; columns `city`, `field`, `indicator`, `p_deficit`, `eligible`, `counts_as_deficit`.
    fields : sequence of str
        Ids of the action fields in the catalogue's order, which decides between equal ones.
    interval : float
        Probability of the equal-tailed interval of the share.

    Returns
    -------
    pandas.DataFrame
        Columns `THEME_COLUMNS`: each field, the one with the largest share first, followed by its indicators in the same
        order. Equal shares by declared deficits. Fields without an eligible cell are not there.

    Notes
    -----
    Candidates for what a ring may want to look at together, no ranking of cities. A deficit is one against the other cities
    or against peers: a poor level that all share does not show here, and what a deficit weighs for people is not asked.

    The expected count needs no independence. The interval and `cities_expected` take the cells as independent. They are not:
    cities of one indicator are held against one another, which makes their number steadier, and what a city does well or
    badly goes together, which makes it less so. The interval is that of the number of deficits among these cities under the
    posterior, not of a wider population of cities.
    """
    usable = grid[grid["eligible"].astype(bool) & grid["p_deficit"].notna()]
    catalogue = {field: position for position, field in enumerate(fields)}
    unknown = sorted(set(usable["field"]) - set(catalogue))
    if unknown:
        raise ValueError(f"fields that the catalogue does not have: {unknown}")
    by_field = _ordered([_row("field", str(field), "", rows, interval) for field, rows in usable.groupby("field")], catalogue)
    out = []
    for place, head in enumerate(by_field, start=1):
        own = usable[usable["field"] == head["field"]]
        below = [_row("indicator", str(head["field"]), str(name), rows, interval) for name, rows in own.groupby("indicator")]
        out += [head | {"place": place}, *(one | {"place": i} for i, one in enumerate(_ordered(below, catalogue), start=1))]
    return pd.DataFrame(out, columns=list(THEME_COLUMNS))


def count_interval(probability: np.ndarray, interval: float) -> tuple[int, int]:
    """Equal-tailed interval of the number of events among independent ones of unequal probability (Poisson binomial).

    Parameters
    ----------
    probability : ndarray, shape (N,)
    interval : float

    Returns
    -------
    tuple of int
        Smallest counts whose distribution function reaches the two tails; exact, by convolution.
    """
    mass = np.ones(1)
    for p in probability:
        mass = np.append(mass * (1 - p), 0.0) + np.append(0.0, mass * p)
    below = np.cumsum(mass) + 1e-12  # rounding of the sum must not move a quantile
    tail = (1 - interval) / 2
    return int(np.searchsorted(below, tail)), int(np.searchsorted(below, 1 - tail))


def _row(scope: str, field: str, indicator: str, rows: pd.DataFrame, interval: float) -> dict[str, Any]:
    p = np.sort(rows["p_deficit"].to_numpy(float))  # sums do not depend on the order of the cities
    declared = rows[rows["counts_as_deficit"].astype(bool)]
    low, high = count_interval(p, interval)
    none = (1 - rows["p_deficit"]).groupby(rows["city"]).agg(lambda some: float(np.prod(np.sort(some.to_numpy()))))
    return {
        "scope": scope,
        "field": field,
        "indicator": indicator,
        "cells": len(p),
        "expected": float(p.sum()),
        "share": float(p.mean()),
        "share_lower": low / len(p),
        "share_upper": high / len(p),
        "declared": len(declared),
        "cities": int(rows["city"].nunique()),
        "cities_declared": int(declared["city"].nunique()),
        "cities_expected": float(np.sort(1 - none.to_numpy()).sum()),
    }


def _ordered(rows: list[dict[str, Any]], catalogue: dict[str, int]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (-round(row["share"], 12), -row["declared"], catalogue[row["field"]], row["indicator"]))
