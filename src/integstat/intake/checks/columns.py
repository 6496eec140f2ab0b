"""Cells of a panel as arrays: one column per definition and group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from integstat.intake.tables import rows_of


@dataclass(frozen=True)
class Column:
    """Counts of one definition and group.

    Attributes
    ----------
    definition, group, kind : str
    cities : list of str
        Length C.
    years : list of int
        Length T.
    y, n : ndarray, shape (C, T)
        NaN where no number stands.
    rows : list of dict of int to row
        By city, the row of the cells frame by year.
    """

    definition: str
    group: str
    kind: str
    cities: list[str]
    years: list[int]
    y: np.ndarray
    n: np.ndarray
    rows: list[dict[int, Any]]

    @property
    def link(self) -> np.ndarray:
        """Logit of the shares, log of rates, shape (C, T); half a case is added, NaN without a count over a base."""
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = self.n if self.kind == "rate" else self.n - self.y + 0.5
            return np.where((self.n > 0) & (rest > 0), np.log((self.y + 0.5) / rest), np.nan)

    def noise(self, share: np.ndarray | float) -> np.ndarray:
        """Variance of `link` by counting error alone, were this the true share or rate, shape (C, T).

        Of the share expected, not of the one found: a count of 0 would excuse itself.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            cases = self.n * share
            rest = 0.0 if self.kind == "rate" else 1 / (np.maximum(self.n - cases, 0) + 0.5)
            return np.asarray(1 / (cases + 0.5) + rest)

    def apart(self, share: np.ndarray | float) -> np.ndarray:
        """SDs of counting error between counts and those expected of this share, shape (C, T), by Anscombe's roots (1948)."""
        with np.errstate(invalid="ignore"):
            return np.asarray(2 * np.abs(np.sqrt(self.y + 0.375) - np.sqrt(self.n * share + 0.375)))


def columns_of(cells: pd.DataFrame, kinds: Mapping[str, str]) -> list[Column]:
    """Lay out cells.

    Parameters
    ----------
    cells : pandas.DataFrame
        One row per city, definition, group and year, with `y`, `n`, `file`, `y_place`, `n_place`.
    kinds : mapping of str to str
        Kind by definition; a 'measure' is left out, for it is no count over a base.
    """
    columns = []
    for (definition, group), part in cells.groupby(["definition", "group"], sort=True):
        kind = kinds[str(definition)]
        if kind == "measure":
            continue
        cities, years = sorted(part["city"].unique()), sorted(int(year) for year in part["year"].unique())
        y, n = (np.full((len(cities), len(years)), np.nan) for _ in range(2))
        rows: list[dict[int, Any]] = [{} for _ in cities]
        places = {city: i for i, city in enumerate(cities)}
        for row in rows_of(part):
            i, year = places[row.city], int(row.year)
            y[i, years.index(year)], n[i, years.index(year)] = row.y, row.n
            rows[i][year] = row
        columns.append(Column(str(definition), str(group), kind, cities, years, y, n, rows))
    return columns
