"""Which definitions of an indicator may be bridged to one of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import xarray as xr

from integstat.catalogue import Catalogue
from integstat.findings.bridge.levels import Bridged, bridge
from integstat.findings.bridge.seen import Counting


def bridge_definition(
    definition: str,
    posteriors: Mapping[str, xr.DataTree],
    lands: int,
    catalogue: Catalogue,
    years: tuple[int, ...],
    seed: int,
    left_out: Mapping[str, Collection[str]] | None = None,
) -> Bridged:
    """Bridge the other definitions of an indicator to this one.

    Parameters
    ----------
    definition : str
        The main definition; in `posteriors`.
    posteriors : mapping of str to DataTree
        By definition; those of other indicators are passed over.
    lands : int
        Number of Länder in the ring.
    catalogue : Catalogue
    years : tuple of int
    seed : int
    left_out : mapping of str to collection of str, optional
        See `bridge`.

    Notes
    -----
    A definition that can be compared within a Land only (in a ring of several) or with itself only is not bridged, nor one
    of the opposite polarity: it counts something else.
    """
    indicator = catalogue.definition(definition)[0].id
    others = {one: tree for one, tree in posteriors.items() if one != definition and catalogue.definition(one)[0].id == indicator}
    refused = {one: _refused(one, definition, lands, catalogue) for one in others}
    counting = {one: _counting(one, catalogue, years) for one in (definition, *others)}
    return bridge(posteriors[definition], others, seed, counting=counting, refused=refused, left_out=left_out)


def _refused(other: str, main: str, lands: int, catalogue: Catalogue) -> str:
    for one in (other, main):
        scope = catalogue.definition(one)[1].scope
        if scope == "own_series" or (scope == "same_land" and lands > 1):
            return f"{one} ist nicht über alle Städte des Rings vergleichbar"
    if catalogue.polarity(other) != catalogue.polarity(main):
        return f"ein hoher Wert bedeutet bei {other} nicht dasselbe wie bei {main}"
    return ""


def _counting(definition: str, catalogue: Catalogue, years: tuple[int, ...]) -> Counting:
    survey = catalogue.kind(definition) == "survey"
    evidence = 1 / catalogue.definition(definition)[1].design_effect if survey else 1.0
    return Counting(catalogue.overlap(definition, years), evidence)
