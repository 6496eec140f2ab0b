"""What moves figures without anybody's doing: a base that jumps, a change that a whole Land shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from integstat.findings.others import MIN_IN_LAND, MIN_OTHERS, median_of_others

_MAD = 1.4826  # of a normal distribution, to its SD
_MORE_LIKELY_THAN_NOT = 0.5


@dataclass(frozen=True)
class Bases:
    """How the bases of one definition moved between first and last year.

    Attributes
    ----------
    growth : ndarray, shape (C, G)
        Share by which a base grew; NaN without two bases.
    jumped : ndarray of bool, shape (C, G)
        Bases out of line with those of the other cities.
    ring : ndarray, shape (G,)
        Median growth in the ring.
    """

    growth: np.ndarray
    jumped: np.ndarray
    ring: np.ndarray


def base_jumps(n: np.ndarray, least: float, times: float) -> Bases:
    """Find bases that moved far beyond what the other cities' bases did.

    Parameters
    ----------
    n : ndarray, shape (C, G, T)
        Bases; 0 where there is none.
    least : float
        Smallest jump that counts, as a share of the base, beyond the median growth.
    times : float
        And so many times the usual spread: that between the cities (by the median absolute deviation) and the counting error of
        both years together.

    Notes
    -----
    Only bases are looked at, never what was counted in them. Why a base jumped (another register, a census, a school year
    without leavers, a real influx) the figures do not tell; a change of the rate then says little about the people in it.
    """
    first, last = n[:, :, 0], n[:, :, -1]
    both = (first > 0) & (last > 0) & (n.shape[2] > 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = np.where(both, np.log(last / first), np.nan)
        counting = np.where(both, 1 / first + 1 / last, np.nan)
    centre, spread = np.full(n.shape[1], np.nan), np.zeros(n.shape[1])
    for group in range(n.shape[1]):
        known = moved[both[:, group], group]
        if len(known):
            centre[group] = np.median(known)
            spread[group] = _MAD * np.median(np.abs(known - centre[group]))
    beyond = np.abs(moved - centre)
    limit = np.maximum(np.log1p(least), times * np.sqrt(spread**2 + counting))
    return Bases(growth=np.expm1(moved), jumped=both & (np.nan_to_num(beyond) > np.nan_to_num(limit)), ring=np.expm1(centre))


def base_shift(bases: Bases, least: float) -> bool:
    """Whether the bases of the target group moved in most cities, so that no change of a city's own can be read."""
    return bool(abs(np.nan_to_num(bases.ring[0])) > least)


@dataclass(frozen=True)
class LandShift:
    """What the cities of a Land have in common, beyond the rest of the ring.

    Attributes
    ----------
    land : str
    cities : int
    mean, lower, upper : float
        Link scale, turned by polarity.
    p_up, p_down : float
        Probabilities that it lies beyond the step.
    shifted : bool
        Whether one of the two is more likely than not.
    """

    land: str
    cities: int
    mean: float
    lower: float
    upper: float
    p_up: float
    p_down: float
    shifted: bool


def land_shifts(
    change: np.ndarray,
    lands: np.ndarray,
    counted: np.ndarray,
    rho: float,
    interval: float,
    effects: np.ndarray | None = None,
) -> list[LandShift]:
    """What each Land's cities have in common beyond the cities elsewhere, per draw.

    Parameters
    ----------
    change : ndarray, shape (S, C)
        Link scale, turned by polarity; NaN where not estimable.
    lands : ndarray of str, shape (C,)
    counted : ndarray of bool, shape (C,)
        Cities whose change is a yardstick.
    rho, interval : float
    effects : ndarray, shape (S, C), optional
        The model's effect of each city's Land on its change, turned. Without it the changes themselves are taken.

    Returns
    -------
    list of LandShift
        Länder with three counted cities or more where five others stand elsewhere, in order.

    Notes
    -----
    With the model's effects, a Land's mean effect minus the mean effect elsewhere: the scatter of the cities' own changes is
    taken off, so a Land whose few cities happen to lie on one side is not taken for one that moved. Without them, the median
    change of its cities minus the median elsewhere, which cannot tell the two apart.
    """
    known = counted & np.isfinite(change[0])
    tail = (1 - interval) / 2
    out = []
    for land in np.unique(lands[known]):
        inside, outside = known & (lands == land), known & (lands != land)
        if inside.sum() <= MIN_IN_LAND or outside.sum() < MIN_OTHERS:
            continue
        if effects is None:
            shift = np.median(change[:, inside], axis=1) - np.median(change[:, outside], axis=1)
        else:
            shift = effects[:, inside].mean(axis=1) - effects[:, outside].mean(axis=1)
        up, down = float((shift > rho).mean()), float((shift < -rho).mean())
        low, high = np.quantile(shift, [tail, 1 - tail])
        shifted = max(up, down) > _MORE_LIKELY_THAN_NOT
        out.append(LandShift(str(land), int(inside.sum()), float(shift.mean()), float(low), float(high), up, down, shifted))
    return out


def beyond_shifts(change: np.ndarray, lands: np.ndarray, shifted: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Change beyond those whom the same shift of a Land has, or has not, moved.

    A city of a Land that moved is held against the others of its Land; a city elsewhere against those elsewhere, for the Land's
    shift has moved the middle of the ring too.

    Parameters
    ----------
    change : ndarray, shape (S, C)
        Link scale; NaN where not estimable.
    lands : ndarray of str, shape (C,)
    shifted : ndarray of bool, shape (C,)
        Cities of Länder that moved.
    counted : ndarray of bool, shape (C,)
        Cities whose change is a yardstick.

    Returns
    -------
    ndarray, shape (S, C)
        NaN where too few others are left: two in a Land that moved, five elsewhere.
    """
    known = np.isfinite(change[0])
    inside = median_of_others(change, known & shifted, np.unique(lands, return_inverse=True)[1], counted, MIN_IN_LAND)
    outside = median_of_others(change, known & ~shifted, np.zeros(len(lands), dtype=int), counted)
    return np.asarray(change - np.where(shifted, inside, outside))
