"""Which counts are confidential, and what of every count may be known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from integstat.catalogue import Catalogue
from integstat.disclosure.settings import DisclosureSettings
from integstat.panel import Panel

REASONS = (
    "small_base",  # the base is below the least one
    "small",  # the count is below the threshold, or was delivered as '< 3'
    "small_rest",  # so is what it leaves of its base
    "delivered",  # delivered as secret
    "linked",  # another confidential count would follow from it
)
_BELOW_3 = 3  # what the panel's code `below_3` can say
_PARTS_OF_BASE = ("share", "survey", "mean_of_months")  # kinds whose count is part of its base


def zones(panel: Panel, catalogue: Catalogue, settings: DisclosureSettings) -> pd.DataFrame:
    """Say of every count whether it is confidential, and between which values it lies for somebody who knows the rules.

    Parameters
    ----------
    panel : Panel
    catalogue : Catalogue
        Knows kinds and rounding sources.
    settings : DisclosureSettings
        With a threshold above 0.

    Returns
    -------
    pandas.DataFrame
        Index of `panel.counts`. `reason`: one of `REASONS`, empty where the count may be known. `low`, `high`: smallest and
        largest value of the numerator for a reader who knows the rules and every count that may be known; infinite where nothing
        bounds it. `top`: the largest value for a reader who knows the base alone. `inner_low`, `inner_high`: between which values
        it lies for a reader who knows that it is not confidential by itself. `code`: the sign that takes the number's place.

    Notes
    -----
    The zone of a confidential count follows from the rule and the base alone, never from the count: whichever value of its zone
    it has, the same is told. Where the count is small the panel can say so (`below_3`) and the model computes with all of the
    zone; otherwise it is told as `secret` and nothing is computed.
    """
    parts = [_of_definition(rows, str(name), catalogue, settings) for name, rows in panel.counts.groupby("definition")]
    columns = ["reason", "low", "high", "top", "inner_low", "inner_high", "code"]
    return pd.concat(parts).loc[panel.counts.index, columns] if parts else pd.DataFrame(columns=columns)


def _of_definition(rows: pd.DataFrame, definition: str, catalogue: Catalogue, settings: DisclosureSettings) -> pd.DataFrame:
    kind, threshold = catalogue.kind(definition), settings.threshold
    y, n = rows["y"].to_numpy(float), rows["n"].to_numpy(float)
    top = np.where(np.isfinite(n) & (kind in _PARTS_OF_BASE), n, np.inf)
    low, high = _known(rows, definition, catalogue)
    high = np.where(np.isfinite(y), high, top)
    delivered_low = (rows["y_code"] == "below_3").to_numpy()
    last = threshold if kind == "mean_of_months" else threshold - 1  # means lie between the whole numbers
    with np.errstate(invalid="ignore"):
        nought = np.zeros(len(rows))
        found = {
            "small_base": (n < settings.least_base, nought, top),
            "small": ((y < threshold) | delivered_low, nought, np.where(delivered_low, max(last, _BELOW_3 - 1), last)),
            "small_rest": (top - y < threshold, top - last, top),
            "delivered": ((rows["y_code"] == "secret").to_numpy(), nought, top),
        }
    reason = np.full(len(rows), "", dtype=object)
    for name, (here, least, most) in found.items() if kind != "measure" else ():
        new = here & (reason == "")
        reason[new] = name
        low, high = np.where(new, least, low), np.where(new, most, high)
    bounded = (reason == "small") & (threshold <= _BELOW_3) & (kind != "mean_of_months")
    code = np.where(bounded, "below_3", "secret")
    margin = 0.0 if kind == "measure" else float(threshold)
    found_all = {"reason": reason, "low": low, "high": high, "top": top, "inner_low": margin, "inner_high": top - margin}
    return pd.DataFrame(found_all | {"code": code}, index=rows.index)


def _known(rows: pd.DataFrame, definition: str, catalogue: Catalogue) -> tuple[np.ndarray, np.ndarray]:
    """What a delivered figure may stand for: itself, or the values that are rounded to it; anything where there is none."""
    entry, y = catalogue.definition(definition)[1], rows["y"].to_numpy(float)
    whole = catalogue.kind(definition) not in ("mean_of_months", "measure")
    step = np.array([entry.rounding(int(year)) if whole else 1 for year in rows["year"]])
    there = np.isfinite(y)
    half = np.where(there & (step > 1) & (np.nan_to_num(y) % step == 0), entry.rounded_parts * (step // 2), 0)
    return np.where(there, np.maximum(y - half, 0.0), 0.0), np.where(there, y + half, np.inf)
