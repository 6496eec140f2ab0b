"""Counts from which a confidential one would follow: found by an attack, and held back until it fails."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from integstat.disclosure.attack import values_left
from integstat.disclosure.forms import Forms, Part
from integstat.panel.panel import COUNT_COLUMNS

_KNOWN = ["reason", "low", "high", "top"]


@dataclass(frozen=True)
class Linked:
    """What the attack led to.

    Attributes
    ----------
    held : tuple
        Labels of rows of the counts whose numerators must be held back too.
    bare : tuple
        Labels of rows whose confidential number follows from bases alone; nothing can hide it.
    """

    held: tuple[int, ...]
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
    Bases are taken as known to everybody, so only numerators are held back: one at a time, the one that protects at the least
    cost, else the one that helps most (the greedy heuristic of cell suppression, not its optimum). A base delivered as secret is
    protected as a count is.
    """
    held: list[int] = []
    bare: list[int] = []
    known = counts[list(COUNT_COLUMNS)].join(zone[_KNOWN])
    for _, rows in known.groupby("city"):
        if (rows["reason"] != "").any() or (rows["n_code"] == "secret").any():
            city = _City(rows, forms, main)
            held += city.protect(threshold)
            bare += city.bare
    return Linked(tuple(held), tuple(bare))


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
        constant = np.array([one.constant for one in made])
        self._low = _in_turn(rows["low"], np.where(np.isfinite(n), n, 0.0)) - constant
        self._high = _in_turn(rows["high"], np.where(np.isfinite(n), n, np.inf)) - constant
        self._top = _in_turn(rows["top"], n) - constant
        self._least = -constant
        self._labels = [int(label) for label in rows.index]
        secret, secret_base = (rows["reason"] != "").to_numpy(), (rows["n_code"] == "secret").to_numpy()
        self._targets = np.flatnonzero(_in_turn(secret, secret_base)).tolist()
        spared = rows["definition"].isin(list(main))
        cost = zip(spared, rows["y"].astype(float), strict=True)
        usable = ~secret & rows["y"].notna().to_numpy()
        self._free = {2 * place: one for place, (one, free) in enumerate(zip(cost, usable, strict=True)) if free}
        self.bare: list[int] = []

    def protect(self, threshold: int) -> list[int]:
        """Labels of the rows that must be held back."""
        held = []
        for target in self._targets:
            near = self._near(target)
            needed = int(min(threshold, np.floor(self._high[target]) - np.ceil(self._low[target]) + 1))
            while len(near) > 1 and self._left(target, near, needed) < needed:
                options = [place for place in near if place in self._free]
                if not options:
                    self.bare.append(self._labels[target // 2])
                    break
                left = {place: self._left(target, near, needed, place) for place in options}
                chosen = min(options, key=lambda place: (-left[place], self._free[place]))
                del self._free[chosen]
                self._low[chosen], self._high[chosen] = self._least[chosen], self._top[chosen]
                held.append(self._labels[chosen // 2])
        return held

    def _near(self, target: int) -> list[int]:
        """Rows of the matrix that share a figure with the target, directly or through others."""
        uses, here = self._matrix != 0, np.zeros(len(self._matrix), dtype=bool)
        here[target] = True
        while True:
            more = (uses & uses[here].any(axis=0)).any(axis=1)
            if (more == here).all():
                return [int(place) for place in np.flatnonzero(here)]
            here = more

    def _left(self, target: int, near: list[int], needed: int, opened: int | None = None) -> int:
        """Values that the target keeps, if one more numerator were not known."""
        low, high = self._low.copy(), self._high.copy()
        if opened is not None:
            low[opened], high[opened] = self._least[opened], self._top[opened]
        return values_left(self._matrix[near], low[near], high[near], near.index(target), needed)


def _in_turn(numerators: pd.Series | np.ndarray, bases: np.ndarray) -> np.ndarray:
    """Values of numerators and bases of the same rows by turns."""
    return np.column_stack([np.asarray(numerators), bases]).ravel()
