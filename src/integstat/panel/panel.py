"""The panel: one row per city, definition, group and year, with a count and its base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from integstat.errors import DataError

GROUPS = ("target", "reference")

CODES = (
    "value",  # a number was delivered
    "nothing",  # '-': exactly zero, nothing there
    "secret",  # '.': known, not to be told
    "below_3",  # '< 3': nought, one or two
    "unreliable",  # '/': too few cases behind it
    "senseless",  # 'x': cannot exist
    "missing",  # '…' or empty: not delivered
)
_WITH_NUMBER = ("value", "nothing")

COUNT_COLUMNS = ("city", "indicator", "definition", "group", "year", "y", "n", "y_code", "n_code", "note", "place")
STEP_COLUMN = "y_step"
_KEY = ["city", "definition", "group", "year"]
_BELOW_3 = (0.0, 2.0)


@dataclass(frozen=True)
class Cells:
    """Counts of one definition as far as they are known.

    Attributes
    ----------
    cities : tuple of str
        Every city of the ring, sorted; length C.
    y, n : ndarray, shape (C, groups, years)
        Counts and bases; both 0 where the cell tells nothing. Within bounds `y` is the rounded figure, or 0 where none was
        delivered: not to be shown.
    bounds : ndarray, shape (C, groups, years, 2)
        Smallest and largest count a coarse figure may stand for (the smallest may lie below 0); NaN where `y` is exact.
    parts : ndarray of int, shape (C, groups, years)
        Rounded figures that were added up to `y`; 1 where it is one figure.
    """

    cities: tuple[str, ...]
    y: np.ndarray
    n: np.ndarray
    bounds: np.ndarray
    parts: np.ndarray

    @property
    def coarse(self) -> np.ndarray:
        """Cells whose count is known within bounds only, shape (C, groups, years)."""
        return np.asarray(np.isfinite(self.bounds[..., 0]))


@dataclass(frozen=True)
class Panel:
    """Counts of a ring, checked on construction.

    Attributes
    ----------
    counts : pandas.DataFrame
        Columns `COUNT_COLUMNS`: `city` (AGS as text), `indicator` and `definition` (ids; a definition reads
        `indicator.definition`), `group` (`target` or `reference`), `year`, `y` and `n` (numerator and denominator, NaN
        where no number was delivered), `y_code` and `n_code` (see `CODES`), `note` and `place` (where the figure stood).
        `STEP_COLUMN`, 0 where it is not there: the number to whose multiples the city itself rounded `y`; 0 and 1: not at all.
    cities : pandas.DataFrame
        Columns `city`, `name`, `land` (two digits), `land_name`; one row per city, sorted by `city`.

    Notes
    -----
    A count is what was delivered: no number is imputed, a gap keeps its meaning in the code beside it.
    """

    counts: pd.DataFrame
    cities: pd.DataFrame
    _known: dict[tuple[Any, ...], Cells] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        missing = [column for column in COUNT_COLUMNS if column not in self.counts.columns]
        if missing:
            raise ValueError(f"the panel lacks the columns {missing}")
        cities = self.cities.sort_values("city", ignore_index=True)
        steps = self.counts[STEP_COLUMN].fillna(0).astype(int) if STEP_COLUMN in self.counts.columns else 0
        counts = self.counts.loc[:, list(COUNT_COLUMNS)].assign(**{STEP_COLUMN: steps}).sort_values(_KEY, ignore_index=True)
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
        """Counts of one definition as arrays, as delivered.

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
        y, n, _ = self._grid(definition, groups, years)
        usable = np.isfinite(y) & (n > 0)
        return list(self.cities["city"]), np.where(usable, y, 0.0), np.where(usable, n, 0.0)

    def cells(
        self,
        definition: str,
        groups: tuple[str, ...],
        years: tuple[int, ...],
        *,
        rounding: Sequence[int] | None = None,
        rounded_parts: int = 1,
        whole: bool = True,
    ) -> Cells:
        """Counts of one definition with what coarse figures may stand for.

        Parameters
        ----------
        definition : str
        groups, years : tuple
            Order of the second and third axis.
        rounding : sequence of int, optional
            By year, the number to whose multiples the numerator's source rounds; 1: not at all.
        rounded_parts : int
            How many figures, each rounded for itself, the numerator is the sum of.
        whole : bool
            Whether the counts are whole numbers; where they are not (annual means) there are no bounds.

        Notes
        -----
        `< 3` is 0, 1 or 2. A numerator that is a multiple of the rounding is taken as rounded, one that is not as exact: the
        city had the register's own figure. Where the city says that it rounded coarser than the source, that counts.
        A base is taken as delivered, rounded or not; without one the cell tells nothing.
        """
        by_year = tuple(rounding) if rounding is not None and whole else (1,) * len(years)
        place = (definition, groups, years, by_year, rounded_parts, whole)
        if place not in self._known:
            self._known[place] = self._look_up(definition, groups, years, by_year, rounded_parts, whole)
        return self._known[place]

    def _look_up(
        self,
        definition: str,
        groups: tuple[str, ...],
        years: tuple[int, ...],
        rounding: tuple[int, ...],
        rounded_parts: int,
        whole: bool,
    ) -> Cells:
        y, n, code = self._grid(definition, groups, years)
        source, own = np.broadcast_to(np.array(rounding), y.shape), self._own_steps(definition, groups, years)
        steps = np.maximum(source, own) if whole else source
        summed = np.where(own > source, 1, rounded_parts)
        based = n > 0
        low_count = based & (code == "below_3") & whole
        rounded = based & np.isfinite(y) & (steps > 1) & (np.nan_to_num(y) % steps == 0)
        half = summed * (steps // 2)
        bounds = np.full((*y.shape, 2), np.nan)
        bounds[low_count] = _BELOW_3
        bounds[rounded] = np.stack([y - half, y + half], axis=-1)[rounded]
        usable = based & (np.isfinite(y) | low_count)
        arrays = {
            "y": np.where(usable, np.nan_to_num(y), 0.0),
            "n": np.where(usable, n, 0.0),
            "bounds": bounds,
            "parts": np.where(rounded, summed, 1),
        }
        for array in arrays.values():
            array.flags.writeable = False  # the next caller gets the same
        return Cells(cities=tuple(self.cities["city"]), **arrays)

    def _own_steps(self, definition: str, groups: tuple[str, ...], years: tuple[int, ...]) -> np.ndarray:
        """To whose multiples the cities themselves rounded, shape (C, groups, years); 0 where nothing is said."""
        index = pd.MultiIndex.from_product([self.cities["city"], groups, years], names=["city", "group", "year"])
        steps = self.select(definition).set_index(["city", "group", "year"])[STEP_COLUMN].reindex(index, fill_value=0)
        return steps.to_numpy(int).reshape(len(self.cities), len(groups), len(years))

    def _grid(
        self, definition: str, groups: tuple[str, ...], years: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Numerators (NaN without a figure), bases (0 without one) and codes of the numerators, shape (C, groups, years)."""
        shape = (len(self.cities), len(groups), len(years))
        index = pd.MultiIndex.from_product([self.cities["city"], groups, years], names=["city", "group", "year"])
        rows = self.select(definition).set_index(["city", "group", "year"])[["y", "n", "y_code"]].reindex(index)
        y, n = (rows[name].to_numpy(float).reshape(shape) for name in ("y", "n"))
        return y, np.nan_to_num(n), rows["y_code"].to_numpy(object).reshape(shape)
