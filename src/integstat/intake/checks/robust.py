"""How far a figure may lie from the others of its ring before it is doubted."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri, stdtrit

LEVEL = 1e-3  # probability that a check doubts anything in a sound ring, if its deviations are normal
FEWEST = 5  # cities from which on a ring tells its own spread
EXPLAINED = 0.6  # share of the limit from which on a deviation is told that another unit would explain
_TINY, _HALVINGS = 1e-12, 20
_EFFICIENCY = 0.82  # of Qn at the normal distribution
_SMALL = (0.399, 0.994, 0.512, 0.844, 0.611, 0.857, 0.669, 0.872)  # of Qn, for 2 to 9 values


def counts_apart(cells: int) -> float:
    """SDs of counting error that a count must lie from the one expected before anything is said of it."""
    return float(-ndtri(LEVEL / (2 * max(cells, 1))))


def coincidence(chances: np.ndarray, met: np.ndarray) -> float:
    """Bound the probability that so unlikely a set of independent coincidences comes about by chance.

    Parameters
    ----------
    chances : ndarray, shape (K,)
        Probability of each, above 0 and below 1.
    met : ndarray of bool, shape (K,)
        Which of them came about.

    Returns
    -------
    float
        Chernoff's bound (1952, 10.1214/aoms/1177729330) on the tail of the sum of `-log chance` over those met.
    """
    score = -np.log(chances[met]).sum()
    tilts = np.arange(0.05, 1.0, 0.05)[:, None]
    bound = np.log1p(chances ** (1 - tilts) - chances).sum(axis=1) - tilts[:, 0] * score
    return float(np.exp(min(bound.min(), 0.0)))


def qn(values: np.ndarray) -> float:
    """Spread of a sample that up to half of its values cannot spoil, as an SD; NaN for fewer than two values.

    The scale Qn of Rousseeuw & Croux 1993 (10.1080/01621459.1993.10476408), with their correction for small samples. A median
    absolute deviation resists as well and knows half as much: it is worth 37 % of an SD's sample, Qn 82 %.
    """
    size = len(values)
    if size < 2:
        return float("nan")
    from statsmodels.robust.scale import qn_scale  # takes a while to import

    small = _SMALL[size - 2] if size < 10 else size / (size + (1.4 if size % 2 else 3.8))
    return small * float(qn_scale(values))


def between_variance(values: np.ndarray, noise: np.ndarray) -> float:
    """Variance between cities beside the counting error, which is not the same for all; at least 0.

    The variance at which deviations over their own SD scatter by 1 (Paule & Mandel 1982, 10.6028/jres.087.022), by `qn`.
    """
    away = values - np.median(values)
    low, high = 0.0, float(qn(values) ** 2)
    if high == 0.0 or qn(away / np.sqrt(low + np.maximum(noise, _TINY))) <= 1:
        return 0.0
    while qn(away / np.sqrt(high + noise)) > 1:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if qn(away / np.sqrt(middle + noise)) > 1 else (low, middle)
    return (low + high) / 2


def limits(
    values: np.ndarray, noise: np.ndarray, cells: int, *, usual: float, worth: float, most: float = float("inf")
) -> np.ndarray:
    """Say how far from their median values may lie.

    Parameters
    ----------
    values : ndarray, shape (C,)
        One per city, link scale.
    noise : ndarray, shape (C,)
        Variance of the counting error of each.
    cells : int
        Values that the check looks at in the whole ring.
    usual, worth : float
        SD between cities to expect before any is seen, and how many degrees of freedom that expectation is worth.
    most : float
        Largest SD between cities known of any indicator: what lies beyond it is doubted however the ring scatters, and in rings
        too small to tell.

    Returns
    -------
    ndarray, shape (C,)
        Quantile of Student's t for `LEVEL`, divided among the cells, times the SD between cities with the counting error.

    Notes
    -----
    The level holds for normal deviations. Cities that really differ more are doubted more often: a doubt is a question.
    """
    tail = LEVEL / (2 * max(cells, 1))
    widest = -ndtri(tail) * np.sqrt(most**2 + noise)
    if len(values) < FEWEST:
        return np.asarray(widest)
    known = _EFFICIENCY * (len(values) - 1)
    variance = (worth * usual**2 + known * between_variance(values, noise)) / (worth + known)
    learned = -stdtrit(worth + known, tail) * np.sqrt(variance + noise)
    return np.asarray(np.minimum(learned, widest))
