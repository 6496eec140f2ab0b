"""Whether a context feature repeats a figure: as a fixed multiple of it, or by putting the cities in its order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import binom, spearmanr

from integstat.peers.features.figures import Figure, counts_people
from integstat.peers.settings import FeatureSettings

UNITS = {1.0: "", 100.0: ", in Prozent", 1e3: ", je 1.000", 1e4: ", je 10.000", 1e5: ", je 100.000"}
FEWEST_CITIES = 5  # with fewer, equal figures prove nothing
EQUAL_SHARE = 0.9  # of the cities: a corrected figure or two do not make another feature
FEWEST_RANKED = 10  # two orders of ten cities agree by chance once in 3.6 million
_CHANCE = 1 / 3_628_800  # of 10!: a match more likely than this without any relation proves nothing
_FEWEST_TURNED = 12  # pairs of cities a numerator must order otherwise than every base, or its order may be that of size
_COARSEST, _FINEST = -3, 6  # decimals a delivered figure may be rounded to
_EXACT = 1e-6  # relative: figures that are not rounded agree this closely
_TOO_COARSE = 0.25  # half a unit of the last place over the spread: above it equal figures prove nothing


@dataclass(frozen=True)
class Column:
    """A feature of the settings with its values, shape (C,)."""

    feature: FeatureSettings
    values: np.ndarray

    @cached_property
    def half(self) -> float:
        """Half a unit of the last place the feature is rounded to; 0 if it is not rounded."""
        told = self.values[np.isfinite(self.values)]
        for decimals in range(_COARSEST, _FINEST + 1):
            if (np.abs(told - np.round(told, decimals)) <= 1e-9 * np.maximum(np.abs(told), 1.0)).all():
                return float(0.5 * 10.0**-decimals)
        return 0.0

    @cached_property
    def telling(self) -> np.ndarray:
        """Cities whose figures can tell something, shape (C,), bool: those off the commonest value, a floor or a ceiling."""
        told = np.isfinite(self.values)
        found, count = np.unique(self.values[told], return_counts=True)
        if len(count) and count.max() > 1:
            told &= self.values != found[np.argmax(count)]
        return told

    @property
    def coarse(self) -> bool:
        """Whether the rounding is so coarse that agreement to it proves nothing."""
        return self.half > _TOO_COARSE * float(np.std(self.values[self.telling]))


def factors(column: Column, values: np.ndarray) -> np.ndarray:
    """Return the factor by which a feature is each figure, shape (C, K), to its rounding, as shape (K,); NaN where it is none."""
    feature, figures = column.values[column.telling][:, None], values[column.telling]
    factors = np.full(values.shape[1], np.nan)
    if column.coarse:
        return factors
    room = np.maximum(column.half, _EXACT * np.abs(feature)) * (1.0 + _EXACT)
    known = np.isfinite(figures)
    usable = known & (figures != 0.0)
    ends = np.stack([feature - room, feature + room]) / np.where(usable, figures, np.nan)
    points = np.concatenate([ends.min(axis=0), ends.max(axis=0)])  # (2C, K): where a city begins and ceases to agree
    order = np.argsort(points, axis=0, kind="stable")
    agreeing = np.cumsum(np.take_along_axis(np.concatenate([usable, -1 * usable]), order, axis=0), axis=0)
    most = np.argmax(agreeing, axis=0)
    nothing = (known & (figures == 0.0) & (np.abs(feature) <= room)).sum(axis=0)
    agreed, count = agreeing.max(axis=0) + nothing, known.sum(axis=0)
    for place in np.flatnonzero((count >= FEWEST_CITIES) & (agreed >= EQUAL_SHARE * count)):
        between = points[order[most[place] : most[place] + 2, place], place]
        factor, both = float(between.mean()), known[:, place]
        if _chance(feature[both, 0], factor * figures[both, place], room[both, 0], int(agreed[place])) <= _CHANCE:
            factors[place] = next((unit for unit in UNITS if between[0] <= unit <= between[1]), factor)
    return factors


def _chance(feature: np.ndarray, figure: np.ndarray, room: np.ndarray, agreed: int) -> float:
    """Bound how often cities agree as often without any relation; shapes (C,). One city is spent on the factor.

    A city agrees with another's figure as often as it does here, and at least as often as a normal variable of the same
    spread hits an interval of that length.
    """
    cities = len(feature)
    others = (np.abs(feature[:, None] - figure) <= room[:, None]) & ~np.eye(cities, dtype=bool)
    hit = max(
        others.sum() / (cities * (cities - 1)), 2.0 * float(np.mean(room)) / (np.sqrt(2.0 * np.pi) * float(np.std(feature)))
    )
    return float(cities * binom.sf(agreed - 2, cities - 1, min(hit, 1.0)))


def same_order(column: Column, figure: np.ndarray) -> bool:
    """Whether a feature orders at least ten cities exactly as a figure does, or exactly the other way round.

    Cities that the feature's rounding makes equal may differ in the figure; cities with one figure may differ by one unit of
    the feature's last place.
    """
    both = np.isfinite(column.values) & np.isfinite(figure)
    feature, other = column.values[both], figure[both]
    if min(len(np.unique(feature)), len(np.unique(other))) < FEWEST_RANKED:
        return False
    slack = 1e-9 * float(np.max(np.abs(feature)))
    order = np.argsort(other)
    step = np.diff(feature[order])
    tied = np.diff(other[order]) <= 1e-9 * np.abs(other[order][1:])
    apart = np.abs(step[tied]) <= 2.0 * column.half + slack
    return bool(apart.all() and ((step[~tied] >= -slack).all() or (step[~tied] <= slack).all()))


def order_of_size(column: Column, figure: Figure, sizes: list[np.ndarray]) -> bool:
    """Whether the order a feature shares with a figure may be that of a base: it turns too few pairs of cities round."""
    if figure.twin is None:
        return False
    both = np.isfinite(column.values) & np.isfinite(figure.values)
    bases = [base[both] for base in (figure.twin, *sizes) if np.isfinite(base[both]).mean() >= EQUAL_SHARE]
    return counts_people(column.values) or any(_turned(column.values[both], base) < _FEWEST_TURNED for base in bases)


def _turned(feature: np.ndarray, base: np.ndarray) -> int:
    """Pairs of cities that two columns, shape (C,), order differently; if these are most pairs, those they order alike."""
    product = np.sign(feature[:, None] - feature) * np.sign(base[:, None] - base)
    return int(min((product < 0).sum(), (product > 0).sum()) // 2)


def rank_correlation(feature: np.ndarray, figure: np.ndarray) -> float:
    """Absolute rank correlation (Spearman) of two columns, shape (C,); 0 with fewer than ten cities."""
    both = np.isfinite(feature) & np.isfinite(figure)
    if both.sum() < FEWEST_RANKED or min(np.ptp(feature[both]), np.ptp(figure[both])) == 0.0:
        return 0.0
    return float(abs(spearmanr(feature[both], figure[both]).statistic))
