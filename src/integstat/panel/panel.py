"""The panel: one row per city, definition, group and year, with a count and its base."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from integstat.errors import DataError

GROUPS = ("target", "reference")

CODES = (
    "value",  # a number was delivered
    "nothing",  # '-': exactly zero, nothing there
    "secret",  # '.': known, not to be told
    "below_3",  # '< 3'
    "unreliable",  # '/': too few cases behind it
    "senseless",  # 'x': cannot exist
    "missing",  # '…' or empty: not delivered
)
_WITH_NUMBER = ("value", "nothing")

COUNT_COLUMNS = ("city", "indicator", "definition", "group", "year", "y", "n", "y_code", "n_code", "note", "place")
_KEY = ["city", "definition", "group", "year"]


@dataclass(frozen=True)
class Panel:
    """Counts of a ring, checked on construction.

    Attributes
    ----------
    counts : pandas.DataFrame
        Columns `COUNT_COLUMNS`: `city` (AGS as text), `indicator` and `definition` (ids; a definition reads
        `indicator.definition`), `group` (`target` or `reference`), `year`, `y` and `n` (numerator and denominator, NaN
        where no number was delivered), `y_code` and `n_code` (see `CODES`), `note` and `place` (where the figure stood).
    cities : pandas.DataFrame
        Columns `city`, `name`, `land` (two digits), `land_name`; one row per city, sorted by `city`.

    Notes
    -----
    A count is what was delivered: no number is imputed, a gap keeps its meaning in the code beside it.
    """

    counts: pd.DataFrame
    cities: pd.DataFrame

    def __post_init__(self) -> None:
        missing = [column for column in COUNT_COLUMNS if column not in self.counts.columns]
        if missing:
            raise ValueError(f"the panel lacks the columns {missing}")
        cities = self.cities.sort_values("city", ignore_index=True)
        counts = self.counts.loc[:, list(COUNT_COLUMNS)].sort_values(_KEY, ignore_index=True)
        object.__setattr__(self, "cities", cities)
        object.__setattr__(self, "counts", counts)
        self._check()

    def _check(self) -> None:
        counts = self.counts
        doubled = counts[counts.duplicated(_KEY)]
        if len(doubled):
            row = doubled.iloc[0]
            raise DataError(
                f"{row.city} hat für {row.definition}, {row.group}, {row.year} zwei Lieferungen",
                place=str(row.place),
                mend="bitte eine davon streichen",
            )
        unknown = set(counts["city"]) - set(self.cities["city"])
        if unknown:
            raise ValueError(f"counts of cities that are not in the list of cities: {sorted(unknown)}")
        for value, code in (("y", "y_code"), ("n", "n_code")):
            bad = set(counts[code]) - set(CODES)
            if bad:
                raise ValueError(f"unknown codes in {code}: {sorted(bad)}")
            if (counts[value].notna() != counts[code].isin(_WITH_NUMBER)).any():
                raise ValueError(f"{value} and {code} disagree about where a number stands")
            if (counts[value] < 0).any():
                raise ValueError(f"negative {value}")

    @property
    def definitions(self) -> list[str]:
        """Ids of the definitions with at least one row, sorted."""
        return sorted(self.counts["definition"].unique())

    @property
    def years(self) -> list[int]:
        """Years with at least one row, sorted."""
        return sorted(int(year) for year in self.counts["year"].unique())

    def select(self, definition: str) -> pd.DataFrame:
        """Return the rows of one definition."""
        return self.counts[self.counts["definition"] == definition]

    def arrays(
        self, definition: str, groups: tuple[str, ...], years: tuple[int, ...]
    ) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Counts of one definition as arrays.

        Parameters
        ----------
        definition : str
        groups, years : tuple
            Order of the second and third axis.

        Returns
        -------
        cities : list of str
            Every city of the ring, sorted; length C.
        y, n : ndarray, shape (C, len(groups), len(years))
            Counts and bases; where either is not a number, or the base is 0, both are 0: the cell tells nothing.
        """
        cities = list(self.cities["city"])
        index = pd.MultiIndex.from_product([cities, groups, years], names=["city", "group", "year"])
        rows = self.select(definition).set_index(["city", "group", "year"])[["y", "n"]].reindex(index)
        usable = rows.notna().all(axis=1) & (rows["n"] > 0)
        values = rows.where(usable, 0.0).to_numpy(float).reshape(len(cities), len(groups), len(years), 2)
        return cities, values[..., 0], values[..., 1]
