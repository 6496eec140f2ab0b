r"""Variances of differences over one, two, … years: the plain look at a series, and the check of the likelihood's estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from integstat.history.components import Components
from integstat.history.series import Series

_WILD = 6.0  # robust SDs
_OF_MEDIAN = 2.0 - np.pi / 2.0  # for normal values the mean squared distance from the median of C is 1 - this / C of the variance


@dataclass(frozen=True)
class Differences:
    """Mean squares of differences over years, common shifts and counting error taken off.

    Attributes
    ----------
    years : ndarray of int, shape (K,)
        Distance k.
    variance : ndarray, shape (K,)
        May be negative where counting error exceeds what is seen.
    count : ndarray of int, shape (K,)
        Differences behind it.
    """

    years: np.ndarray
    variance: np.ndarray
    count: np.ndarray


def differences(series: Series, overlap: float = 0.0) -> Differences:
    """Look at every pair of years.

    The shift of a pair is the median over its stretches, so a wild city does not move it; the squares around a median are a
    little too small, which is made good as for normal values.

    Parameters
    ----------
    series : Series
    overlap : float
        Share of the counting error that neighbouring years have in common.
    """
    squares: dict[int, list[np.ndarray]] = {}
    for first, year in enumerate(series.years):
        for last in range(first + 1, len(series.years)):
            both = series.known[:, first] & series.known[:, last]
            if both.sum() < 3:
                continue
            change = series.value[both, last] - series.value[both, first]
            centred = (change - np.median(change)) ** 2 / (1 - _OF_MEDIAN / both.sum())
            k = series.years[last] - year
            counting, rounding = series.counting[both][:, [first, last]], series.rounding[both][:, [first, last]]
            error = (counting + rounding).sum(axis=1) - 2 * overlap**k * np.sqrt(counting.prod(axis=1))
            squares.setdefault(k, []).append(centred - error)
    found = sorted(squares)
    of = [np.concatenate(squares[k]) for k in found]
    return Differences(np.array(found, dtype=int), np.array([one.mean() for one in of]), np.array([len(one) for one in of]))


def fit_moments(look: Differences) -> Components:
    """Fit 2 sigma² + k tau² + k² omega² to the variances by least squares, weighted by their number over the square of k.

    Differences of k years overlap and are not independent: this has no interval, and serves as a check only.
    """
    k = look.years.astype(float)
    weight = np.sqrt(look.count) / k
    found = nnls(np.stack([2.0 * np.ones_like(k), k, k**2], axis=1) * weight[:, None], look.variance * weight)[0]
    return Components(float(found[0]), float(found[1]), float(found[2]))


def leaps(series: Series) -> list[tuple[str, int, float]]:
    """List changes from one year to the next that are out of line with all others: most often a year with missing months.

    Returns
    -------
    list of tuple
        City, last year, and change beyond the median on the link scale; more than six times the usual spread (median absolute
        deviation of all changes, counting error of the two years added).
    """
    both = series.known[:, 1:] & series.known[:, :-1]
    if not both.any():
        return []
    change = np.where(both, np.diff(series.value, axis=1), np.nan)
    there = both.any(axis=0)
    beyond = np.full_like(change, np.nan)
    beyond[:, there] = change[:, there] - np.nanmedian(change[:, there], axis=0)
    error = (series.counting + series.rounding)[:, 1:] + (series.counting + series.rounding)[:, :-1]
    usual = 1.4826 * np.nanmedian(np.abs(beyond))
    wild = np.argwhere(np.abs(np.nan_to_num(beyond)) > _WILD * np.sqrt(usual**2 + error))
    return [(series.cities[series.city[row]], series.years[column + 1], float(beyond[row, column])) for row, column in wild]


def common_shifts(series: Series) -> np.ndarray:
    """Give the median change of all cities between each two neighbouring years, link scale, shape (pairs,)."""
    found = []
    for first in range(len(series.years) - 1):
        both = series.known[:, first] & series.known[:, first + 1]
        if both.sum() >= 3 and series.years[first + 1] - series.years[first] == 1:
            found.append(np.median(series.value[both, first + 1] - series.value[both, first]))
    return np.array(found)
