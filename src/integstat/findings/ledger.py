"""The ledger of a change: what of the difference between two delivered rates is chance, the ring's, the year's, and lasting."""

from __future__ import annotations

import numpy as np
import pandas as pd

from integstat.findings.estimands import Estimands
from integstat.findings.summary import bounds, mean

PARTS = ("chance", "ring", "year", "lasting")
LEDGER_CODEBOOK: dict[str, str] = {
    "city": "Amtlicher Gemeindeschlüssel (Text)",
    "city_name": "Name der Stadt",
    "field": "Handlungsfeld",
    "indicator": "Indikator",
    "definition": "Definition, als indicator.definition",
    "finding": "Befund: success, deficit, stable oder open",
    "change_raw": "Differenz der gelieferten Quoten, in Punkten; plus ist besser; Summe der vier Teile",
    "chance_mean": "davon Zufall: Zählfehler beider Jahre",
    "chance_lower": "untere Grenze dazu",
    "chance_upper": "obere Grenze dazu",
    "ring_mean": "davon gemeinsam mit dem Ring: Median der übrigen Städte",
    "ring_lower": "untere Grenze dazu",
    "ring_upper": "obere Grenze dazu",
    "year_mean": "davon Besonderes der beiden Jahre, das voraussichtlich nicht bleibt",
    "year_lower": "untere Grenze dazu",
    "year_upper": "obere Grenze dazu",
    "lasting_mean": "davon bleibend: Teil der relativen Veränderung, der voraussichtlich bleibt",
    "lasting_lower": "untere Grenze dazu",
    "lasting_upper": "obere Grenze dazu",
    "lasting_source": "woher die Annahme über das Bleibende kommt: default (Voreinstellung) oder history (frühere Jahre)",
}


def ledger_columns(found: Estimands, raw: np.ndarray, interval: float) -> pd.DataFrame:
    """Split the raw change of every city into four parts that add up to it in every draw.

    Parameters
    ----------
    found : Estimands
    raw : ndarray, shape (C,)
        Difference of the delivered rates in points, turned by polarity; NaN where a figure is missing or coarse.
    interval : float
        Probability of the equal-tailed intervals.

    Returns
    -------
    pandas.DataFrame
        Index `city`; `ledger_<part>_mean`, `_lower`, `_upper` for each of `PARTS`, in points, turned by polarity.

    Notes
    -----
    Chance is raw minus the change of the propensities; the ring's part is the change minus the relative change; the year's
    part is the relative change minus its lasting part. With two waves the split between the last two rests on a prior: its source
    stands beside it. Means add up, limits of intervals do not.
    """
    parts: dict[str, np.ndarray | None] = dict.fromkeys(PARTS)
    if found.change_points is not None and found.relative_points is not None:
        parts["chance"] = raw - found.change_points
        parts["ring"] = found.change_points - found.relative_points
        if found.lasting_points is not None:
            parts["year"] = found.relative_points - found.lasting_points
            parts["lasting"] = found.lasting_points
    count = len(found.cities)
    columns: dict[str, np.ndarray] = {}
    for part, values in parts.items():
        low, high = bounds(values, count, interval)
        columns |= {f"ledger_{part}_mean": mean(values, count), f"ledger_{part}_lower": low, f"ledger_{part}_upper": high}
    return pd.DataFrame(columns, index=pd.Index(found.cities, name="city"))


def ledger_table(grid: pd.DataFrame) -> pd.DataFrame:
    """Return the ledger of every cell of the grid that has a change, with the columns `LEDGER_CODEBOOK`."""
    renamed = grid.rename(
        columns={f"ledger_{part}_{end}": f"{part}_{end}" for part in PARTS for end in ("mean", "lower", "upper")}
    )
    return renamed.loc[renamed["ring_mean"].notna(), list(LEDGER_CODEBOOK)].reset_index(drop=True)
