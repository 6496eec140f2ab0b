"""Are ranks uniform? Simultaneous bands of their distribution function, with an exact probability and no simulation.

Säilynoja, Bürkner & Vehtari (2022), Graphical test for discrete uniformity and its applications in goodness-of-fit evaluation
and multiple sample comparison. Statistics and Computing 32, 32. doi:10.1007/s11222-022-10090-6
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import optimize, stats


@cache
def inside(size: int, draws: int, gamma: float) -> float:
    """Probability that the distribution function of uniform ranks lies within all pointwise bounds.

    Parameters
    ----------
    size : int
        Number of ranks, independent and uniform on 0 … `draws`.
    draws : int
    gamma : float
        Each bound leaves out at most gamma / 2.

    Notes
    -----
    How many ranks fall on each value is multinomial: independent Poisson numbers, given their sum. So the counts of ranks up to
    0, 1, … are followed exactly, as sums of Poisson numbers that stay within the bounds, and the sum is put in at the end.
    """
    low, high = bounds(size, draws, gamma)
    step = stats.poisson.pmf(np.arange(size + 1), size / (draws + 1))
    chance, begin = np.ones(1), 0
    for least, most in zip(low, high, strict=True):
        chance = np.convolve(chance, step)[max(least - begin, 0) : most - begin + 1]
        begin = max(int(least), begin)
    rest = size - begin - np.arange(len(chance))
    return float((chance * step[rest]).sum() / stats.poisson.pmf(size, size))


def bounds(size: int, draws: int, gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest count of ranks up to 0, …, `draws` - 1 that each leave out at most gamma / 2, shape (draws,)."""
    z = np.arange(1, draws + 1) / (draws + 1)
    low = stats.binom.ppf(gamma / 2, size, z).astype(int)
    return low, stats.binom.isf(gamma / 2, size, z).astype(int)


@cache
def pointwise(size: int, draws: int, alpha: float) -> float:
    """Return the gamma at which `inside` is 1 - alpha, from below."""

    def beyond(log_gamma: float) -> float:
        return inside(size, draws, float(np.exp(log_gamma))) - (1 - alpha)

    if beyond(float(np.log(alpha))) >= 0:  # so few ranks that single bounds cannot be that narrow
        return alpha
    return float(np.exp(optimize.brentq(beyond, np.log(alpha * 1e-4), np.log(alpha), xtol=0.01))) * 0.99


def p_value(ranks: np.ndarray, draws: int) -> float:
    """Probability that uniform ranks stray as far as these somewhere.

    Parameters
    ----------
    ranks : ndarray of int, shape (N,)
        Of 0 … `draws`.
    draws : int
    """
    size = len(ranks)
    count = np.cumsum(np.bincount(ranks, minlength=draws + 1))[:draws]
    z = np.arange(1, draws + 1) / (draws + 1)
    tail = np.minimum(stats.binom.cdf(count, size, z), stats.binom.sf(count - 1, size, z))
    gamma = min(1.0, 2 * float(tail.min()))
    return float(np.clip(1 - inside(size, draws, gamma * (1 + 1e-9)), 0.0, 1.0)) if gamma < 1 else 1.0
