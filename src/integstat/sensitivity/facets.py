"""What tells the definitions of an indicator apart: group concept, age band, numerator, denominator; each an axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from integstat.catalogue.schema import DefinitionEntry
from integstat.sensitivity.universes import Alternative, Axis

_FACETS: dict[str, tuple[str, Callable[[DefinitionEntry], Any]]] = {
    "group_concept": ("Gruppenbegriff", lambda one: one.group_concept),
    "age_band": ("Altersgruppe", lambda one: (one.age_from, one.age_below)),
    "numerator": ("Zähler", lambda one: one.numerator),
    "denominator": (
        "Nenner",
        lambda one: (one.denominator, one.denominator_lag, one.denominator_year, one.denominator_source or one.source),
    ),
    "definition": ("Definition", lambda one: one.id),
}
_SAME_NUMERATOR = ("denominator", "group_concept", "age_band", "definition")
MEASUREMENT = tuple(_FACETS)


def facets(definitions: Sequence[DefinitionEntry]) -> tuple[tuple[Axis, ...], np.ndarray]:
    """Divide the definitions of an indicator into axes, so that no two of them stand at the same place.

    Parameters
    ----------
    definitions : sequence of DefinitionEntry
        The main one first; length D.

    Returns
    -------
    axes : tuple of Axis
        Those on which they differ; not every combination of alternatives is a definition.
    choice : ndarray of int, shape (D, len(axes))
        The main definition is 0 on all.

    Notes
    -----
    A facet that follows from those before it is none of its own: another age band has another numerator and another
    denominator, and is told as the age band. Where all definitions share the numerator, what differs is the denominator, and its
    age band belongs to it. Within definitions alike on earlier axes, values are numbered in the order of the catalogue, the main
    definition's first.
    """
    same = len({one.numerator for one in definitions}) == 1
    axes, columns = [], []
    seen: list[tuple[int, ...]] = [() for _ in definitions]
    for facet in _SAME_NUMERATOR if same else MEASUREMENT:
        name, value = _FACETS[facet]
        column = _ranks([value(one) for one in definitions], seen)
        if any(column):
            names = [" / ".join(one.name_de for one, at in zip(definitions, column, strict=True) if at == level)
                     for level in range(max(column) + 1)]  # fmt: skip
            alternatives = tuple(Alternative(f"{level}", text) for level, text in enumerate(names))
            axes.append(Axis(facet, name, "measurement", alternatives))
            columns.append(column)
            seen = [(*before, level) for before, level in zip(seen, column, strict=True)]
    return tuple(axes), np.array(columns, dtype=np.int8).T.reshape(len(definitions), len(axes))


def _ranks(values: Sequence[Any], classes: Sequence[tuple[int, ...]]) -> list[int]:
    """Number the values by first appearance, within each class anew."""
    found: dict[tuple[int, ...], list[Any]] = {}
    out = []
    for value, inside in zip(values, classes, strict=True):
        known = found.setdefault(inside, [])
        if value not in known:
            known.append(value)
        out.append(known.index(value))
    return out
