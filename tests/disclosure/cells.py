"""Panels of several definitions over the same figures, and a catalogue that knows them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pandas as pd
from tests.findings import rings
from tests.panel.cells import YEARS
from tests.panel.cells import panel as panel_of

from integstat.catalogue import Catalogue
from integstat.catalogue.schema import IndicatorEntry
from integstat.disclosure.forms import Form, Forms
from integstat.disclosure.protect import Protected, protect
from integstat.disclosure.settings import DisclosureSettings
from integstat.panel import Panel

Given = float | str
Pair = tuple[Given, Given]
BASE = 1000.0


def catalogue(*names: str, kind: str = "share", **definition: object) -> Catalogue:
    """Indicators of this kind with one definition each, `<name>.main`."""
    entries = []
    for name in names:
        entry = rings.indicator(name, "none" if kind == "measure" else "+", groups=1, kind=kind).model_dump(mode="python")
        entry["definition"] = [entry["definition"][0] | {"source": "melderegister"} | definition]
        entries.append(IndicatorEntry.model_validate(entry))
    return rings.catalogue(*entries)


def apart(*names: str) -> Forms:
    """Every number a figure of its own."""
    return {
        (f"{name}.main", "target", year, part): Form({(name, year, part): 1.0})
        for name, year, part in product(names, YEARS, ("numerator", "denominator"))
    }  # type: ignore[misc]


def one_year(numerators: dict[str, Given], base: float = BASE) -> Panel:
    """One city and one year: a numerator for each definition."""
    parts = [panel_of([[(y, base)]], f"{name}.main").counts for name, y in numerators.items()]
    return Panel(pd.concat(parts, ignore_index=True), panel_of([[(5, 50)]]).cities)


def many(numerators: Sequence[dict[str, Given]], base: float = BASE) -> Panel:
    """One year of several cities: numerators of each."""
    names = list(numerators[0])
    parts = [panel_of([[(city[name], base)] for city in numerators], f"{name}.main") for name in names]
    return Panel(pd.concat([one.counts for one in parts], ignore_index=True), parts[0].cities)


def sums(numerators: dict[str, dict[str, float]]) -> Forms:
    """Numerators as sums of named figures; bases are figures of their own."""
    forms = apart(*numerators)
    for name, terms in numerators.items():
        forms[f"{name}.main", "target", YEARS[0], "numerator"] = Form({(atom,): factor for atom, factor in terms.items()})
    return forms


def hide(
    cells: Sequence[Sequence[Pair]], threshold: int = 3, kind: str = "share", min_base: int = 10, **definition: object
) -> Protected:
    """Protect cells of a single definition."""
    settings = DisclosureSettings(threshold=threshold, min_base=min_base)
    return protect(panel_of(cells, "U.main"), catalogue("U", kind=kind, **definition), settings, apart("U"))


def told(kept: Protected) -> list[tuple[float | None, str]]:
    """Numerators as they may be known, with their signs."""
    counts = kept.panel.counts
    return [(None if pd.isna(y) else float(y), str(code)) for y, code in zip(counts["y"], counts["y_code"], strict=True)]
