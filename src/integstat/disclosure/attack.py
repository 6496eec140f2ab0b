"""What somebody can work out who knows the rules, the config, every base, and every count that may be known."""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

_FOUND, _IMPOSSIBLE = 0, 2  # status of scipy's solvers
_TRIED = 20  # values tried for each one that is needed
_EXACT = 1e-6
_NODES = 1000  # of a search; a value not found by then counts as impossible, which hides more, never less


def reach(matrix: np.ndarray, low: np.ndarray, high: np.ndarray, target: int) -> tuple[float, float]:
    """Find the smallest and the largest value that one number can have, given what is known of all of them.

    Parameters
    ----------
    matrix : ndarray, shape (F, A)
        Numbers as sums of figures; figures are not negative.
    low, high : ndarray, shape (F,)
        What is known of each number; infinite where nothing is.
    target : int
        Row of the number.

    Returns
    -------
    tuple of float
        NaN twice where the knowledge contradicts itself; infinite where nothing bounds the number.

    Notes
    -----
    Bounds of a linear programme, as in the audit of suppressed tables (Fischetti & Salazar 2001,
    doi:10.1287/mnsc.47.7.1008.9805). Figures need not be whole here, so the bounds may be too wide, never too narrow.
    """
    above, below = np.isfinite(high), np.isfinite(low)
    rows = np.vstack([matrix[above], -matrix[below]])
    limits = np.concatenate([high[above], -low[below]])
    ends = []
    for sign in (1.0, -1.0):
        found = linprog(sign * matrix[target], A_ub=rows, b_ub=limits, bounds=(0, None), method="highs")
        if found.status == _IMPOSSIBLE:
            return float("nan"), float("nan")
        ends.append(sign * float(found.fun) if found.status == _FOUND else -sign * np.inf)
    return ends[0], ends[1]


def values_left(matrix: np.ndarray, low: np.ndarray, high: np.ndarray, target: int, needed: int) -> int:
    """Count the whole values that one number can have, up to as many as are needed.

    Parameters
    ----------
    matrix, low, high, target
        As of `reach`.
    needed : int

    Returns
    -------
    int
        0 where the knowledge contradicts itself. Figures are taken as whole where all that is known is whole: values between the
        bounds can be impossible then, as every second one where twice a figure is left open.
    """
    first, last = reach(matrix, low, high, target)
    if np.isnan(first):
        return 0
    known = np.concatenate([low, high])
    whole = int(np.all(np.mod(known[np.isfinite(known)], 1) == 0))
    start, found = float(np.ceil(first - _EXACT)), 0
    for value in start + np.arange(_TRIED * needed):
        if found == needed or value > last + _EXACT:
            break
        found += _possible(matrix, low, high, target, value, whole)
    return found


def _possible(matrix: np.ndarray, low: np.ndarray, high: np.ndarray, target: int, value: float, whole: int) -> bool:
    """Whether figures exist that agree with all that is known, and with this value of one number."""
    at_least, at_most = low.copy(), high.copy()
    at_least[target] = at_most[target] = value
    count = matrix.shape[1]
    answer = milp(
        np.zeros(count),
        integrality=np.full(count, whole),
        bounds=Bounds(0, np.inf),
        constraints=LinearConstraint(matrix, at_least, at_most),
        options={"node_limit": _NODES},
    )
    return bool(answer.status == _FOUND)
