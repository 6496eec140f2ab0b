"""Offset between two definitions and the SD of the cities' deviations from it, from cities that deliver both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from integstat.findings.bridge.seen import Differences

MIN_BOTH = 5

_APART = (np.arange(20) + 0.5) / 20  # share of the counting variance that the definitions do not have in common
_SPREADS = np.geomspace(0.02, 20, 60)  # of the deviations, in SDs of the observed differences
_SMALLEST = 1e-3  # an SD of differences below this is taken as this


@dataclass(frozen=True)
class Offset:
    """Joint draws, shape (S,), link scale.

    Attributes
    ----------
    offset : ndarray
        Mean over cities of level in the other definition minus level in the main one.
    deviation_sd : ndarray
        SD between cities of that difference.
    """

    offset: np.ndarray
    deviation_sd: np.ndarray


def draw_offset(seen: Differences, draws: int, rng: np.random.Generator) -> Offset:
    r"""Draw offset and SD of the deviations from their posterior.

    Parameters
    ----------
    seen : Differences
        At least `MIN_BOTH` cities.
    draws : int
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        With fewer cities.

    Notes
    -----
    A normal hierarchical model on a grid, the offset *o* in closed form:

    .. math:: \text{level}_c \sim N(o, \sigma^2 + \varphi V_c), \qquad \text{change}_c \sim N(0, \varphi W_c)

    *V* and *W* are the counting variances for definitions that count different persons. Definitions of one indicator count
    partly the same ones, so a share *φ* of that variance is left in their differences: 0 if the errors are identical, 1 if
    independent. A city's deviation is the same in both years, so the differences of the changes hold nothing but counting
    error, and tell *φ*. With a single year *φ* is its prior.

    Priors: *o* flat; *φ* ~ Beta(1/2, 1), which leans towards errors in common; *σ* with the density 1 / sqrt(σ² + φ V̄),
    *V̄* the mean variance: flat below the counting error, 1 / σ above it, where the interval for a further city becomes the *t*
    interval with B - 1 degrees of freedom.

    An SD learnt from five cities is hardly known; its draws say so. Nothing here tells why two definitions differ.
    """
    if len(seen.cities) < MIN_BOTH:
        raise ValueError(f"an offset needs at least {MIN_BOTH} cities with both definitions")
    sd = max(float(seen.level.std(ddof=1)), _SMALLEST) * _SPREADS
    variance = sd[:, None, None] ** 2 + _APART[:, None] * seen.level_variance
    weight = 1 / variance
    total = weight.sum(axis=-1)
    centre = (weight * seen.level).sum(axis=-1) / total
    density = 0.5 * (np.log(weight).sum(axis=-1) - np.log(total) - (weight * (seen.level - centre[..., None]) ** 2).sum(axis=-1))
    density += np.log(sd)[:, None] - 0.5 * np.log(variance.mean(axis=-1)) - 0.5 * np.log(_APART)
    known = np.isfinite(seen.change)
    squares = (seen.change[known] ** 2 / seen.change_variance[known]).sum()
    density -= 0.5 * (known.sum() * np.log(_APART) + squares / _APART)
    row, column = _cells(density, draws, rng)
    noise = rng.standard_normal(draws) / np.sqrt(total[row, column])
    return Offset(centre[row, column] + noise, sd[row])


def _cells(density: np.ndarray, draws: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Cells of a grid, drawn systematically by their log-density, in random order."""
    heap = np.exp(density - density.max()).cumsum()
    at = (np.arange(draws) + rng.random()) / draws
    found = np.minimum(np.searchsorted(heap / heap[-1], at), density.size - 1)
    row, column = np.unravel_index(rng.permutation(found), density.shape)
    return np.asarray(row), np.asarray(column)
