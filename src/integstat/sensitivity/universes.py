"""What was found in every universe of one indicator: the container that all explanations read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from integstat.findings.words import FINDINGS

__all__ = ["FINDINGS", "KINDS", "NOT_THERE", "POOLED", "Alternative", "Axis", "Kind", "Sort", "Universes"]

Sort = Literal["model", "measurement", "question", "decision"]
Kind = Literal["equivalent", "uncertain", "not_equivalent"]
KINDS: tuple[Kind, ...] = ("equivalent", "uncertain", "not_equivalent")
POOLED: tuple[Sort, ...] = ("model", "measurement")  # sorts whose universes answer the question that the ring asks
NOT_THERE = -1  # instead of the place of a finding in FINDINGS, where a universe has no such cell


@dataclass(frozen=True)
class Alternative:
    """One choice on an axis.

    Attributes
    ----------
    id, name_de : str
    kind : {'equivalent', 'uncertain', 'not_equivalent'}
        How it stands to the ring's own choice (Del Giudice & Gangestad 2021). On question and decision axes `not_equivalent`.
    weight : float
        Stated before data are read; relative to the other alternatives of its axis. Of no meaning on question and decision axes.
    """

    id: str
    name_de: str
    kind: Kind = "equivalent"
    weight: float = 1.0


@dataclass(frozen=True)
class Axis:
    """One thing that could have been chosen otherwise; the first alternative is the ring's own choice."""

    id: str
    name_de: str
    sort: Sort
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True)
class Universes:
    """Every universe of one indicator, and what was found in it.

    Attributes
    ----------
    indicator : str
    cities : tuple of str
        Length C.
    axes : tuple of Axis
        Length A. The measurement axes are those that tell this indicator's definitions apart.
    choice : ndarray of int, shape (U, A)
        Alternative taken on each axis. Exactly one row is all 0: the ring's own universe. Rows differ. Not every combination
        needs to be there.
    number : ndarray of int, shape (U,)
        Number of the universe in the ring's list.
    definition : tuple of str
        Full id, length U.
    weight : ndarray, shape (U,)
        Stated weight of the choices on model and measurement axes, above 0; not normalised. Question and decision axes do not
        enter it.
    probability : mapping of str to ndarray, shape (U, C)
        Posterior probability of every event, by its column (`p_success` …); NaN where it is not estimable or not there.
    finding : ndarray of int8, shape (U, C)
        Place in `FINDINGS`, by the threshold frozen for the run; `NOT_THERE` where the universe failed or has no such city.
    applies : ndarray of bool, shape (U, C)
        Whether the universe is one of this city's; one that leaves the city out, or in which nothing about it is estimable, is
        not. A failed universe is.
    reason : tuple of str
        Why a universe failed, in German; empty where it did not. Length U.
    definition_kind : ndarray of int, shape (U,), optional
        How the definition stands to the main one, coded as `kind`; without it all are equivalent.
    lasting_doubt : ndarray, shape (U, C), optional
        Part of P(1 − P) of `p_lasting` that is about what lasts, not about the counts.
    """

    indicator: str
    cities: tuple[str, ...]
    axes: tuple[Axis, ...]
    choice: np.ndarray
    number: np.ndarray
    definition: tuple[str, ...]
    weight: np.ndarray
    probability: Mapping[str, np.ndarray]
    finding: np.ndarray
    applies: np.ndarray
    reason: tuple[str, ...]
    definition_kind: np.ndarray | None = None
    lasting_doubt: np.ndarray | None = None

    @cached_property
    def main(self) -> int:
        """Row of the ring's own universe."""
        return int(np.flatnonzero((self.choice == 0).all(axis=1))[0])

    def of_sort(self, *sorts: Sort) -> np.ndarray:
        """Places of the axes of these sorts, shape (k,)."""
        return np.array([i for i, axis in enumerate(self.axes) if axis.sort in sorts], dtype=int)

    @cached_property
    def same_question(self) -> np.ndarray:
        """Universes that ask what the ring asks and decide as it does, shape (U,): only model and measurement axes differ."""
        return np.asarray((self.choice[:, self.of_sort("question", "decision")] == 0).all(axis=1))

    @cached_property
    def kind(self) -> np.ndarray:
        """Least equivalent kind among a universe's choices, shape (U,): 0 equivalent, 1 uncertain, 2 not equivalent."""
        out = np.zeros(len(self.choice), dtype=int) if self.definition_kind is None else self.definition_kind.astype(int)
        for place, axis in enumerate(self.axes):
            levels = np.array([KINDS.index(one.kind) for one in axis.alternatives])
            levels[0] = 0
            out = np.maximum(out, levels[self.choice[:, place]])
        return out

    @cached_property
    def like_own(self) -> np.ndarray:
        """Whether change and level are estimable for a city exactly where they are in the ring's own universe, shape (U, C).

        Only then are events made of both, such as a deficit, the same events.
        """
        out = np.ones(self.applies.shape, dtype=bool)
        for name in ("p_success", "p_worse"):
            if name in self.probability:
                there = np.isfinite(self.probability[name])
                out &= there == there[self.main]
        return out

    @cached_property
    def failed(self) -> np.ndarray:
        """Universes that could not be computed, shape (U,)."""
        return np.array([bool(reason) for reason in self.reason])
