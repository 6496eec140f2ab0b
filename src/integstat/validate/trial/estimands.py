"""What is true of a city, straight from the definitions in docs/explanation/findings.md: no code shared with `findings`."""

from __future__ import annotations

import numpy as np

from integstat.change.model import inverse_link
from integstat.validate.trial.truth import Drawn

_OTHERS, _IN_LAND = 5, 2  # other cities that a median takes, and one within a Land


def true_estimands(drawn: Drawn, peers: np.ndarray, sign: int, unit: float, link: str) -> dict[str, np.ndarray]:
    """Return the true estimands of the target group, shape (C,); link scale but for `level`, turned by polarity.

    Parameters
    ----------
    drawn : Drawn
    peers : ndarray of int, shape (C,)
        True groups; all 0: none, and no standing.
    sign : {1, -1}
    unit : float
        Points per 1.
    link : str

    Returns
    -------
    dict
        `level` (points), `change`, `relative`, `lasting`, `standing`, `gap`; NaN where not defined.
    """
    change, last = drawn.change[:, 0], drawn.eta[:, 0, 1]
    alike = (peers[:, None] == peers) & ~np.eye(len(peers), dtype=bool)
    nothing = np.full(len(peers), np.nan)
    grouped = peers.max() > 0
    return {
        "level": unit * inverse_link(last, link),
        "change": sign * change,
        "relative": sign * (change - of_others(change)),
        "lasting": sign * (drawn.lasting[:, 0] - of_others(drawn.lasting[:, 0])),
        "standing": sign * (last - alike @ last / alike.sum(axis=1)) if grouped else nothing,
        "gap": sign * (change - drawn.change[:, 1]) if drawn.change.shape[1] == 2 else nothing,
    }


def of_others(values: np.ndarray) -> np.ndarray:
    """Median of all the other cities, shape (C,); NaN where they are fewer than five."""
    if len(values) <= _OTHERS:
        return np.full(len(values), np.nan)
    return np.array([np.median(np.delete(values, place)) for place in range(len(values))])


def beyond_of_others(change: np.ndarray, land: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Change beyond the median of those whom the same shift of a Land has, or has not, moved, shape (C,).

    Parameters
    ----------
    change : ndarray, shape (C,)
    land : ndarray of int, shape (C,)
    moved : ndarray of bool, shape (C,)
        Cities of Länder that a run took for moved.

    Returns
    -------
    ndarray, shape (C,)
        NaN where too few others are left.
    """
    out = np.full(len(change), np.nan)
    for place in range(len(change)):
        mates = land == land[place] if moved[place] else ~moved
        mates = mates & (np.arange(len(change)) != place)
        if mates.sum() >= (_IN_LAND if moved[place] else _OTHERS):
            out[place] = change[place] - np.median(change[mates])
    return out


def true_events(
    true: dict[str, np.ndarray], beyond: np.ndarray, rho: float, rho_level: float
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Which events are true of which city, and of which the opposite sign is, by kind of finding; shape (C,) each.

    Parameters
    ----------
    true : dict
        Of `true_estimands`.
    beyond : ndarray, shape (C,)
        Of `beyond_of_others`; the relative change where no Land was taken for moved. A word about the change must hold of it
        too, one about the level also without what a Land's shift put into the last year.
    rho, rho_level : float
    """
    relative, standing, gap, change = (np.nan_to_num(true[name]) for name in ("relative", "standing", "gap", "change"))
    also = np.where(np.isfinite(beyond), beyond, relative)
    least, most = np.minimum(relative, also), np.maximum(relative, also)
    low, high = (bound(standing, standing - (relative - also)) for bound in (np.minimum, np.maximum))
    worse, unchanged = high < -rho_level, (least >= -rho) & (most <= rho)
    so = {
        "improved": least > rho,
        "worsened": most < -rho,
        "unchanged": unchanged,
        "better": low > rho_level,
        "worse": worse,
        "as_expected": (low >= -rho_level) & (high <= rho_level),
        "narrowed": gap > rho,
        "widened": gap < -rho,
        "gap_unchanged": np.abs(gap) <= rho,
        "improved_absolute": change > rho,
        "worsened_absolute": change < -rho,
        "success": least > rho,
        "deficit": (most < -rho) | worse,
        "stable": unchanged & ~worse,
    }
    opposite = {
        "improved": relative < 0,
        "success": relative < 0,
        "worsened": relative > 0,
        "better": standing < 0,
        "worse": standing > 0,
        "narrowed": gap < 0,
        "widened": gap > 0,
        "improved_absolute": change < 0,
        "worsened_absolute": change > 0,
    }
    return so, opposite
