"""What cities that deliver two definitions show: differences of observed levels, each with its counting variance."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import xarray as xr


@dataclass(frozen=True)
class Counting:
    """How the counts of a definition scatter around their propensity.

    Attributes
    ----------
    overlap : float
        Share of the counting error that first and last year have in common.
    evidence : float
        Factor on both counts in the likelihood: 1 / design effect of a survey.
    """

    overlap: float = 0.0
    evidence: float = 1.0


@dataclass(frozen=True)
class Differences:
    """Other definition minus main one, link scale, by city; arrays have the shape (B,).

    Attributes
    ----------
    cities : tuple of str
        Cities with a usable count in both definitions in the first or in the last year.
    level : ndarray
        The years' differences, averaged by generalised least squares.
    level_variance : ndarray
        Its counting variance if the two definitions counted different persons.
    change : ndarray
        Difference of the last year minus that of the first; NaN where a year is missing. Uncorrelated with `level`.
    change_variance : ndarray
        As `level_variance`.
    """

    cities: tuple[str, ...]
    level: np.ndarray
    level_variance: np.ndarray
    change: np.ndarray
    change_variance: np.ndarray


def differences(
    main: xr.DataTree,
    other: xr.DataTree,
    group: str,
    of_main: Counting,
    of_other: Counting,
    left_out: Collection[str] = (),
) -> Differences:
    """Hold the counts of two definitions against each other.

    Parameters
    ----------
    main, other : DataTree
        As `integstat.change.fit` returns them; only `observed_data` and the link are read.
    group : str
        In both trees.
    of_main, of_other : Counting
    left_out : collection of str
        Cities whose figures are not to be trusted.

    Returns
    -------
    Differences
        Cities in alphabetical order.

    Notes
    -----
    Counts and not posterior levels: these are drawn towards their rings' means, each by its own counts, and so are their
    differences. Empirical logit with its variance (Gart & Zweifel 1967), log for rates.
    """
    both = sorted((set(_cities(main)) & set(_cities(other))) - set(left_out))
    here, there = _observed(main, both, group, of_main), _observed(other, both, group, of_other)
    rows = {}
    for city, gap, covariance in zip(both, there[0] - here[0], here[1] + there[1], strict=True):
        known = np.isfinite(gap)
        if known.any():
            rows[city] = _one(gap, covariance, known)
    table = np.array(list(rows.values())).reshape(-1, 4).T
    return Differences(tuple(rows), *table)


def _cities(tree: xr.DataTree) -> list[str]:
    return [str(city) for city in tree["posterior"]["city"].to_numpy()]


def _one(gap: np.ndarray, covariance: np.ndarray, known: np.ndarray) -> tuple[float, float, float, float]:
    """Level, its variance, change and its variance of one city, from its one or two years."""
    weight = np.linalg.inv(covariance[np.ix_(known, known)]).sum(axis=0)
    level, variance = float(weight @ gap[known] / weight.sum()), float(1 / weight.sum())
    if known.sum() < 2:
        return level, variance, float("nan"), float("nan")
    return level, variance, float(gap[1] - gap[0]), float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])


def _observed(tree: xr.DataTree, cities: list[str], group: str, counting: Counting) -> tuple[np.ndarray, np.ndarray]:
    """Observed levels of first and last year on the link scale, shape (B, T), and their covariance, shape (B, T, T).

    NaN where a year is not usable. A count known within bounds is taken at their middle, with the variance of an even spread.
    """
    data = tree["observed_data"].to_dataset().sel(city=cities, group=group)
    ends = [0, -1] if data.sizes["year"] > 1 else [0]
    table = {str(name): values.transpose("city", "year").to_numpy()[:, ends] for name, values in data.data_vars.items()}
    y, n = table["y"], table["n"]
    width = np.zeros(y.shape)
    if "y_low" in table:
        low, high = np.maximum(table["y_low"], 0), table["y_high"]
        if tree.attrs["link"] == "logit":
            high = np.minimum(high, n)
        coarse = np.isfinite(low)
        y, width = np.where(coarse, (low + high) / 2, y), np.where(coarse, high - low, 0)
    usable = n > 0
    y, n = np.where(usable, y, 0.0) + 0.5, np.where(usable, n, 1.0)
    rest = n + 1 - y if tree.attrs["link"] == "logit" else np.ones(n.shape)
    slope = 1 / y + (1 / rest if tree.attrs["link"] == "logit" else 0.0)
    level = np.where(usable, np.log(y) - np.log(rest if tree.attrs["link"] == "logit" else n), np.nan)
    sd = np.sqrt(slope / counting.evidence + slope**2 * width**2 / 12)
    shared = np.full((len(ends), len(ends)), counting.overlap)
    np.fill_diagonal(shared, 1.0)
    return level, sd[:, :, None] * sd[:, None, :] * shared
