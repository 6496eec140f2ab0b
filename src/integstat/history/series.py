"""One definition and group over the years, on the link scale, with what is known of its counting errors."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from integstat.catalogue import Catalogue
from integstat.panel import Cells, Panel
from integstat.peers.explained import link_values

LEAST_CASES = 5.0  # below it, on a city's average, link value and variance hang together


@dataclass(frozen=True)
class Series:
    """Link values of a definition and group; a stretch is a city between two breaks of its series.

    Attributes
    ----------
    definition, group : str
    cities : tuple of str
        Cities with a stretch, sorted.
    years : tuple of int
    city : ndarray of int, shape (U,)
        City of each stretch.
    value : ndarray, shape (U, T)
        Empirical logit of a share, log of a rate; 0 where nothing is known.
    counting : ndarray, shape (U, T)
        Variance of the counting error; 0 where nothing is known.
    rounding : ndarray, shape (U, T)
        Variance from rounded or suppressed numerators.
    known : ndarray of bool, shape (U, T)
    stock : bool
        Whether years may share counting error.
    """

    definition: str
    group: str
    cities: tuple[str, ...]
    years: tuple[int, ...]
    city: np.ndarray
    value: np.ndarray
    counting: np.ndarray
    rounding: np.ndarray
    known: np.ndarray
    stock: bool

    @property
    def used_years(self) -> tuple[int, ...]:
        """Years with a figure of any city."""
        return tuple(year for year, there in zip(self.years, self.known.any(axis=0), strict=True) if there)


def series_of(panel: Panel, catalogue: Catalogue, definition: str, group: str, years: tuple[int, ...]) -> Series:
    """Take one definition and group out of the panel.

    A year in which the catalogue knows a break of the city's Land, capping or only noted, is left out; a break between two
    years ends a stretch and begins another. Cities with fewer than five cases (or non-cases) on average are left out: with
    less the empirical logit and its variance depend on each other. That is told by their number only.

    Parameters
    ----------
    panel : Panel
    catalogue : Catalogue
    definition, group : str
    years : tuple of int
    """
    _, entry = catalogue.definition(definition)
    kind = catalogue.kind(definition)
    steps = tuple(entry.rounding(year) for year in years)
    cells = panel.cells(
        definition, (group,), years, rounding=steps, rounded_parts=entry.rounded_parts, whole=kind != "mean_of_months"
    )
    link = "log" if kind == "rate" else "logit"
    evidence = 1.0 / entry.design_effect if kind == "survey" else 1.0
    y, n = _middle(cells)[:, 0], cells.n[:, 0]
    value, variance = link_values(y, n, link, evidence=evidence)
    _, blurred = link_values(y, n, link, evidence=evidence, doubt=_doubt(cells)[:, 0])
    known = np.isfinite(value) & _enough(y, n, link)[:, None]
    stretches = _stretches(panel, catalogue, definition, years, known)
    city = np.array([one for one, _ in stretches], dtype=int)
    inside = np.array([there for _, there in stretches], dtype=bool).reshape(-1, len(years))
    kept, city = np.unique(city, return_inverse=True)
    rows = kept[city]
    return Series(
        definition=definition,
        group=group,
        cities=tuple(cells.cities[row] for row in kept),
        years=years,
        city=city,
        value=np.where(inside, value[rows], 0.0),
        counting=np.where(inside, _smoothed(variance, n, known)[rows], 0.0),
        rounding=np.where(inside, (blurred - variance)[rows], 0.0),
        known=inside,
        stock=catalogue.overlap(definition, years[:2]) > 0,
    )


def _middle(cells: Cells) -> np.ndarray:
    """Counts, with the middle of their bounds where they are known within bounds only."""
    low_high = np.clip(cells.bounds, 0.0, None)
    return np.where(cells.coarse, low_high.mean(axis=-1), cells.y)


def _doubt(cells: Cells) -> np.ndarray:
    """Variance of a count known within bounds: whole numbers, all as likely, for each rounded part."""
    width = np.where(cells.coarse, cells.bounds[..., 1] - cells.bounds[..., 0], 0.0) / cells.parts
    return np.asarray(cells.parts * ((width + 1.0) ** 2 - 1.0) / 12.0)


def _enough(y: np.ndarray, n: np.ndarray, link: str) -> np.ndarray:
    """Cities with enough cases, and for shares enough others, on the average of their years."""
    years = np.maximum((n > 0).sum(axis=1), 1)
    cases = y.sum(axis=1) / years >= LEAST_CASES
    return np.asarray(cases & ((n - y).sum(axis=1) / years >= LEAST_CASES) if link == "logit" else cases)


def _smoothed(variance: np.ndarray, n: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Counting variances freed of most of their dependence on the counts of the same year.

    Variance times base is averaged over a city's years and over a year's cities, and their product taken: a year with few
    cases by chance would else get less weight, and the common shift be biased.
    """
    scaled = np.where(known, variance * n, np.nan)
    if not known.any():
        return np.zeros_like(n)
    centre = np.nanmean(scaled)
    sums, there = np.nansum(scaled, axis=1), known.sum(axis=1)
    by_city = np.where(there > 0, sums / np.maximum(there, 1), centre)
    sums, there = np.nansum(scaled, axis=0), known.sum(axis=0)
    by_year = np.where(there > 0, sums / np.maximum(there, 1), centre)
    return np.where(known, by_city[:, None] * by_year / centre / np.maximum(n, 1e-300), 0.0)


def _stretches(
    panel: Panel, catalogue: Catalogue, definition: str, years: tuple[int, ...], known: np.ndarray
) -> list[tuple[int, np.ndarray]]:
    """City and known years of every stretch of at least two years."""
    lands = dict(zip(panel.cities["city"], panel.cities["land"], strict=True))
    cuts = {land: _cut(catalogue, definition, str(land), years) for land in set(lands.values())}
    found = []
    for row, city in enumerate(panel.cities["city"]):
        sound, part = cuts[lands[city]]
        for number in range(int(part.max()) + 1):
            there = known[row] & sound & (part == number)
            if there.sum() >= 2:
                found.append((row, there))
    return found


def _cut(catalogue: Catalogue, definition: str, land: str, years: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Years of a Land without a break of their own, and the number of the stretch each belongs to; both of shape (T,)."""
    sound = np.array([not catalogue.breaks_for(definition, land, (year,)) for year in years])
    part = np.zeros(len(years), dtype=int)
    kept = np.flatnonzero(sound)
    for before, after in itertools.pairwise(kept):
        part[after:] += bool(catalogue.breaks_for(definition, land, (years[before], years[after])))
    return sound, part
