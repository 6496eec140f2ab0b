"""The fewest choices to be made otherwise until another finding stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from integstat.sensitivity.universes import NOT_THERE, POOLED, Universes

Changes = tuple[tuple[int, int], ...]  # place of an axis, place of the alternative taken on it
NONE_FOUND = -1


@dataclass(frozen=True)
class Flip:
    """The smallest sets of changes, from the ring's own universe, that give one city another finding than the run's.

    Attributes
    ----------
    size : int
        Number of axes changed. 0: the ring's own universe alone has another finding already; `NONE_FOUND`: no universe that was
        computed has one.
    rows : tuple of int
        All universes that flip with so few changes, in their order.
    changes : tuple of tuple
        For each of them what is changed: (place of the axis, place of the alternative), in the order of the axes.
    findings : tuple of int
        For each of them the finding it leads to, as a place in `FINDINGS`.
    unanswered : int
        Combinations of fewer changes (of any number, with `NONE_FOUND`) without a result: failed, or not among the universes
        because a constraint or a sample left them out. 0: `size` is the smallest there is.
    """

    size: int
    rows: tuple[int, ...] = ()
    changes: tuple[Changes, ...] = ()
    findings: tuple[int, ...] = ()
    unanswered: int = 0


def smallest_flips(universes: Universes, headline: np.ndarray, within: Literal["question", "all"]) -> tuple[Flip, ...]:
    """Find for each city the fewest changes that lead to another finding.

    Parameters
    ----------
    universes : Universes
    headline : ndarray of int8, shape (C,)
        The run's finding, as a place in `FINDINGS`; `NOT_THERE` where it has none: such a city has no flip.
    within : {'question', 'all'}
        `question`: only model and measurement axes change, to alternatives that are equivalent or uncertain. `all`: question and
        decision axes too, and alternatives that are not equivalent.

    Returns
    -------
    tuple of Flip
        Length C.

    Notes
    -----
    Failed universes, and those that leave the city out, are no flips. Looked for among the universes that were computed, all of
    them. The size says how many choices a finding hangs on, not how far a probability moves: a cell close to the threshold flips
    with one small step. With `all`, another finding may well be the answer to another question.
    """
    free = _free(universes, within)
    rows = np.flatnonzero(np.all([of[taken] for of, taken in zip(free, universes.choice.T, strict=True)], axis=0))
    changed = (universes.choice[rows] != 0).sum(axis=1)
    asked = (universes.kind[rows, None] < 2) | (within == "all")
    applies, finding = universes.applies[rows], universes.finding[rows]
    there = finding != NOT_THERE
    flips = asked & applies & there & (finding != headline) & (headline != NOT_THERE)
    settled = there | ~applies | ~asked
    possible = _combinations(free)
    return tuple(
        _flip(universes, rows, changed, flips[:, city], settled[:, city], possible, city) for city in range(len(universes.cities))
    )


def _flip(
    universes: Universes,
    rows: np.ndarray,
    changed: np.ndarray,
    flips: np.ndarray,
    settled: np.ndarray,
    possible: list[int],
    city: int,
) -> Flip:
    if not flips.any():
        return Flip(NONE_FOUND, unanswered=sum(possible) - int(settled.sum()))
    size = int(changed[flips].min())
    ties = rows[flips & (changed == size)]
    return Flip(
        size,
        tuple(ties.tolist()),
        tuple(_changes(universes.choice[row]) for row in ties),
        tuple(universes.finding[ties, city].tolist()),
        sum(possible[:size]) - int(settled[changed < size].sum()),
    )


def _changes(choice: np.ndarray) -> Changes:
    return tuple((int(axis), int(choice[axis])) for axis in np.flatnonzero(choice))


def _free(universes: Universes, within: Literal["question", "all"]) -> list[np.ndarray]:
    """For each axis, the alternatives that may be taken: bool, one entry per alternative; the first always."""
    out = []
    for axis in universes.axes:
        asked = [axis.sort in POOLED and one.kind != "not_equivalent" for one in axis.alternatives]
        out.append(np.array([True, *(one or within == "all" for one in asked[1:])]))
    return out


def _combinations(free: list[np.ndarray]) -> list[int]:
    """Number of combinations with 0, 1, … changes, were none excluded: elementary symmetric polynomials of the alternatives."""
    numbers = [1]
    for alternatives in free:
        others = int(alternatives.sum()) - 1
        numbers = [old + others * new for old, new in zip([*numbers, 0], [0, *numbers], strict=True)]
    return numbers
