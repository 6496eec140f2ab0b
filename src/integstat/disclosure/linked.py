"""Counts from which a confidential one would follow: chosen by how they hang together, never by what they are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from integstat.disclosure.attack import values_left
from integstat.disclosure.forms import Forms, Part
from integstat.panel.panel import COUNT_COLUMNS

_KNOWN = ["reason", "low", "high", "top", "inner_low", "inner_high"]


@dataclass(frozen=True)
class Linked:
    """What the attack led to.

    Attributes
    ----------
    held : tuple of int
        Labels of rows of the counts whose numerators must be held back too.
    veiled : tuple of int
        Labels of held rows, confidential or linked, of which nothing may be told but that they are secret.
    bare : tuple of int
        Labels of rows whose confidential number follows from bases alone; nothing can hide it.
    """

    held: tuple[int, ...]
    veiled: tuple[int, ...]
    bare: tuple[int, ...]


def hold_linked(counts: pd.DataFrame, zone: pd.DataFrame, forms: Forms, threshold: int, main: Collection[str]) -> Linked:
    """Hold further counts back until every confidential one keeps enough values.

    Parameters
    ----------
    counts : pandas.DataFrame
        As of a panel.
    zone : pandas.DataFrame
        As `integstat.disclosure.zones.zones` gives it for them.
    forms : dict
        As `integstat.disclosure.forms.forms_of` gives it.
    threshold : int
        Values that a confidential count must keep, or as many as its zone has where these are fewer.
    main : collection of str
        Definitions that are spared where others do as well.

    Notes
    -----
    Bases are taken as known to everybody, so only numerators are held back; a base delivered as secret is protected as a count
    is. The reader knows this rule, so it must not look at what it hides. Counts that hang together are treated together:

    1. Numerators are held back until no sum of known numbers is made of confidential ones alone. Which ones follows from the
       sums, the bases and which counts are confidential: one at a time, the one that removes most such sums, main definitions
       last, parts before their totals, small bases first (greedy, not the fewest).
    2. An attack is made on what is told then. A confidential count lies in its zone, a linked one leaves the threshold on both
       sides (it would be confidential itself otherwise). Any figures that agree with this lead to the same choice in 1 and to the
       same attack, so they look the same: the values the attack leaves are values that a reader cannot rule out.
    3. Where it leaves too few, all numerators that hang together are held back and said to be secret, without a zone. Here a
       reader can still reckon that 2 failed; that this leaves enough values is tried by tests, not proved.
    """
    held: list[int] = []
    veiled: list[int] = []
    bare: list[int] = []
    known = counts[list(COUNT_COLUMNS)].join(zone[_KNOWN])
    for _, rows in known.groupby("city"):
        if (rows["reason"] != "").any() or (rows["n_code"] == "secret").any():
            found = _City(rows, forms, main).protect(threshold)
            held += found.held
            veiled += found.veiled
            bare += found.bare
    return Linked(tuple(held), tuple(veiled), tuple(bare))


class _City:
    """What is known of the numbers of one city: two for each row, numerator and base."""

    def __init__(self, rows: pd.DataFrame, forms: Forms, main: Collection[str]) -> None:
        parts: tuple[Part, Part] = ("numerator", "denominator")
        keys = list(zip(rows["definition"], rows["group"], rows["year"].astype(int), strict=True))
        made = [forms[*key, part] for key in keys for part in parts]
        atoms = {atom: place for place, atom in enumerate(dict.fromkeys(atom for one in made for atom in one.terms))}
        self._matrix = np.zeros((len(made), len(atoms)))
        for place, one in enumerate(made):
            for atom, factor in one.terms.items():
                self._matrix[place, atoms[atom]] = factor
        n = rows["n"].to_numpy(float)
        base = np.where(np.isfinite(n), n, 0.0), np.where(np.isfinite(n), n, np.inf)
        constant = np.array([one.constant for one in made])[:, None]
        self._zone = _in_turn(rows, "low", "high", base) - constant
        self._inner = _in_turn(rows, "inner_low", "inner_high", base) - constant
        self._outer = _in_turn(rows.assign(least=0.0), "least", "top", base) - constant
        self._labels = [int(label) for label in rows.index]
        secret, secret_base = (rows["reason"] != "").to_numpy(), (rows["n_code"] == "secret").to_numpy()
        usable = ~secret & rows["y"].notna().to_numpy()
        self._targets = np.column_stack([secret, secret_base]).ravel()
        self._known = np.column_stack([usable, np.isfinite(n) & ~secret_base]).ravel()
        spared, sizes = rows["definition"].isin(list(main)).to_numpy(), (self._matrix[::2] != 0).sum(axis=1)
        costs = zip(spared, sizes, base[1], range(len(rows)), strict=True)
        self._free = {2 * place: cost for place, (cost, free) in enumerate(zip(costs, usable, strict=True)) if free}

    def protect(self, threshold: int) -> Linked:
        """Rows to hold back, to veil, and to give up."""
        held, veiled, bare = [], [], []
        for tied in self._components():
            extra = self._chosen(tied)
            knowledge = self._zone.copy()
            knowledge[extra] = self._inner[extra]
            if self._exposed(tied, knowledge, threshold):
                extra = [place for place in tied if place in self._free]
                hidden = [*extra, *(place for place in tied if self._targets[place] and place % 2 == 0)]
                knowledge[hidden] = self._outer[hidden]
                veiled += hidden
                bare += self._exposed(tied, knowledge, threshold)
            held += extra
        return Linked(*(tuple(self._labels[place // 2] for place in places) for places in (held, veiled, bare)))

    def _components(self) -> list[list[int]]:
        """Rows of the matrix that share figures, directly or through others, where one of several is confidential."""
        uses = csr_array(self._matrix != 0)
        _, component = connected_components(uses @ uses.T, directed=False)
        parts = [np.flatnonzero(component == one).tolist() for one in np.unique(component[self._targets])]
        return [part for part in parts if len(part) > 1]

    def _chosen(self, tied: list[int]) -> list[int]:
        """Numerators to hold back so that no sum of known numbers is made of confidential ones alone."""
        secret = self._matrix[[place for place in tied if self._targets[place]]]
        known, chosen = [place for place in tied if self._known[place] and not self._targets[place]], list[int]()

        def sums(places: list[int]) -> int:
            rows = self._matrix[places]
            return int(_rank(rows) + _rank(secret) - _rank(np.vstack([rows, secret])))

        while sums(known):
            options = [place for place in known if place in self._free]
            if not options:
                break
            left = {place: (sums([one for one in known if one != place]), self._free[place]) for place in options}
            best = min(options, key=left.__getitem__)
            known.remove(best)
            chosen.append(best)
        return chosen

    def _exposed(self, tied: list[int], knowledge: np.ndarray, threshold: int) -> list[int]:
        """Confidential numbers that keep too few values."""
        matrix, (low, high) = self._matrix[tied], knowledge[tied].T
        found = []
        for target in [place for place in tied if self._targets[place]]:
            first, last = self._zone[target]
            needed = int(min(threshold, np.floor(last) - np.ceil(first) + 1))
            if values_left(matrix, low, high, tied.index(target), needed) < needed:
                found.append(target)
        return found


def _rank(rows: np.ndarray) -> int:
    return int(np.linalg.matrix_rank(rows)) if rows.size else 0


def _in_turn(rows: pd.DataFrame, low: str, high: str, base: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Smallest and largest values of numerators and bases of the same rows by turns, shape (2 rows, 2)."""
    ends = (np.column_stack([rows[name].to_numpy(float), one]).ravel() for name, one in zip((low, high), base, strict=True))
    return np.column_stack(list(ends))
