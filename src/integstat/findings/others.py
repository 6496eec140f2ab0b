"""What the other cities lead to expect of a city: their median, or the line through them; the city itself is left out."""

from __future__ import annotations

import numpy as np

MIN_OTHERS = 5
MIN_IN_LAND = 2  # other cities of a Land that make a yardstick
MIN_FOR_CONTEXT = 20
_ALONE = 0.999  # leverage of a city that has a covariate to itself
_NOTHING = 1e-9


def median_of_others(
    values: np.ndarray, included: np.ndarray, pool: np.ndarray, yardstick: np.ndarray, least: int = MIN_OTHERS
) -> np.ndarray:
    """Median over the included cities of the same pool that are a yardstick, each city's own value left out.

    Parameters
    ----------
    values : ndarray, shape (S, C)
    included : ndarray of bool, shape (C,)
    pool : ndarray of int, shape (C,)
    yardstick : ndarray of bool, shape (C,)
        Where no city of a pool is one, all are.
    least : int
        So many other cities it takes, at least two.

    Returns
    -------
    ndarray, shape (S, C)
        NaN where fewer other cities count, and for cities that are not included.
    """
    out = np.full(values.shape, np.nan)
    counted = that_count(included, pool, yardstick)
    for label in np.unique(pool):
        members = included & (pool == label)
        inside, outside = np.flatnonzero(members & counted), np.flatnonzero(members & ~counted)
        if len(inside) - 1 >= least:
            out[:, inside] = _leave_one_out(values[:, inside])
        if len(outside) and len(inside) >= least:
            out[:, outside] = np.median(values[:, inside], axis=1)[:, None]
    return out


def beyond_context(values: np.ndarray, covariates: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Residual of each city from the least-squares line through the other cities, per draw.

    Parameters
    ----------
    values : ndarray, shape (S, C)
    covariates : ndarray, shape (C, P)
        In any units; NaN: the city takes no part.
    counted : ndarray of bool, shape (C,)
        Cities the line is drawn through; a city beside them is held against it too.

    Returns
    -------
    ndarray, shape (S, C)
        NaN for cities without covariates, for one that determines a covariate alone, and for all where the line has fewer than
        `MIN_FOR_CONTEXT` cities.

    Notes
    -----
    The city itself is left out of its line. What context leads to expect is an association among the cities of this ring: a city
    is not to blame, or to praise, for what the covariates stand for, and other covariates would give another line.
    """
    out = np.full(values.shape, np.nan)
    known = np.isfinite(covariates).all(axis=1)
    part = np.flatnonzero(counted & known)
    if len(part) < MIN_FOR_CONTEXT:
        return out
    centre, spread = covariates[part].mean(axis=0), covariates[part].std(axis=0)
    varied = spread > _NOTHING * np.abs(centre)
    design = np.column_stack([np.ones(len(values.T)), (covariates - centre)[:, varied] / spread[varied]])
    inverse = np.linalg.pinv(design[part], rcond=_NOTHING)
    out[:, known] = values[:, known] - (values[:, part] @ inverse.T) @ design[known].T
    leverage = (design[part] * inverse.T).sum(axis=1)
    out[:, part] /= np.where(leverage < _ALONE, 1 - leverage, np.nan)
    return out


def that_count(included: np.ndarray, pool: np.ndarray, yardstick: np.ndarray) -> np.ndarray:
    """Included cities that are a yardstick; in a pool where none is, all included ones."""
    out = included & yardstick
    for label in np.unique(pool):
        members = included & (pool == label)
        if not (members & out).any():
            out |= members
    return np.asarray(out)


def _leave_one_out(values: np.ndarray) -> np.ndarray:
    """Median of the other columns, from the three values in the middle of each row."""
    size = values.shape[1]
    middle = size // 2
    around = np.partition(values, (middle - 1, middle, min(middle + 1, size - 1)), axis=1)
    below, at = around[:, middle - 1, None], around[:, middle, None]
    if size % 2 == 0:  # of the others an odd number: one is in the middle
        return np.where(values < at, at, below)
    above = around[:, middle + 1, None]
    out = np.where(values < at, at + above, below + at)
    return np.asarray(0.5 * np.where(values == at, below + above, out))
