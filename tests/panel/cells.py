"""A panel of one definition from its cells, for tests of what reads counts."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from integstat.panel import Panel

YEARS = (2020, 2021)
_NUMBER = {"value": None, "nothing": 0.0}


def panel(cells: Sequence[Sequence[tuple[float | str, float | str]]], definition: str = "U.main", group: str = "target") -> Panel:
    """Panel with a city per row and a year per column; a cell is numerator and base, each a number or a code."""
    rows = []
    for city, years in enumerate(cells):
        for year, pair in zip(range(YEARS[0], YEARS[0] + len(years)), years, strict=True):
            row: dict[str, object] = {"city": f"{city:05d}", "year": year}
            for name, given in zip("yn", pair, strict=True):
                row[f"{name}_code"] = given if isinstance(given, str) else "value"
                row[name] = _NUMBER.get(given, float("nan")) if isinstance(given, str) else float(given)
            rows.append(row)
    counts = pd.DataFrame(rows).assign(indicator=definition.split(".")[0], definition=definition, group=group, note="", place="")
    names = [f"{city:05d}" for city in range(len(cells))]
    cities = pd.DataFrame({"city": names, "name": names, "land": "91", "land_name": "Land"})
    return Panel(counts.astype({"y": float, "n": float}), cities)
