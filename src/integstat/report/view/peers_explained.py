"""What peers explain of the differences between cities, in levels and in changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from integstat.peers.explained import FEWEST_CITIES
from integstat.report.view.lookup import Lookup

_NOTIONS, _QUANTITIES = ("groups", "neighbours"), ("level", "change")
_HARDLY = 0.1  # a smaller share is called hardly anything


@dataclass(frozen=True)
class Share:
    """One share of the variance as text, and whether it is hardly anything."""

    text: str
    hardly: bool


@dataclass(frozen=True)
class ExplainedView:
    """Shares by definition, in the order of the columns, and a sentence for levels and for changes.

    Attributes
    ----------
    rows : tuple
        Definitions of which at least one share is known; empty where none is.
    unknown : str
        A sentence on the other definitions, or on all; empty where each has a share.
    """

    lead: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, str, tuple[Share, ...]], ...]
    unknown: str


def explained_view(look: Lookup) -> ExplainedView | None:
    """Tell the shares; None where none were computed."""
    t, table = look.texts.t, look.data.explained
    if table.empty:
        return None
    cells = {
        (str(row["definition"]), str(row["quantity"]), str(row["notion"])): (float(row["share"]), float(row["se"]))
        for _, row in table.iterrows()
    }
    columns = [
        (quantity, notion)
        for quantity in _QUANTITIES
        for notion in _NOTIONS
        if ((table["quantity"] == quantity) & (table["notion"] == notion)).any()
    ]
    rows, without = [], []
    for name in dict.fromkeys(str(one) for one in table["definition"]):
        indicator, definition = map(look.texts.of, look.data.catalogue.definition(name))
        if not any(np.isfinite(cells.get((name, *column), (np.nan,))[0]) for column in columns):
            without.append(t("peers.explained.one_unknown", indicator=indicator, definition=definition))
            continue
        shares = tuple(_share(look, *cells.get((name, *column), (np.nan, np.nan))) for column in columns)
        rows.append((indicator, definition, shares))
    return ExplainedView(
        lead=tuple(text for quantity in _QUANTITIES if (text := _sentence(look, table, quantity))),
        columns=tuple((t(f"peers.explained.{quantity}"), t(f"peers.explained.{notion}")) for quantity, notion in columns),
        rows=tuple(rows),
        unknown=_unknown(look, without) if rows else _all_unknown(look, table),
    )


def _unknown(look: Lookup, without: list[str]) -> str:
    """Name the definitions of which no share is known."""
    return look.texts.t("peers.explained.unknown", which="; ".join(without)) if without else ""


def _all_unknown(look: Lookup, table: pd.DataFrame) -> str:
    """Say why nothing is known."""
    few = int(table["cities"].max()) < FEWEST_CITIES
    return look.texts.t(
        "peers.explained.too_few" if few else "peers.explained.all_unknown", n=look.texts.number(FEWEST_CITIES, 0)
    )


def _share(look: Lookup, share: float, se: float) -> Share:
    if not np.isfinite(share):
        return Share(look.texts.none, False)
    whole = round(100 * share)
    text = look.texts.t("peers.explained.at_most_zero") if share < 0 else look.texts.t("format.percent", x=str(whole))
    if np.isfinite(se):
        text = look.texts.t("peers.explained.with_error", share=text, se=look.texts.number(100 * se, 0))
    return Share(text, whole < 100 * _HARDLY)


def _sentence(look: Lookup, table: pd.DataFrame, quantity: str) -> str:
    """Count for how many definitions each notion explains hardly anything."""
    known = table[(table["quantity"] == quantity) & table["notion"].isin(_NOTIONS) & table["share"].notna()]
    if known.empty:
        return ""
    told = []
    for notion in _NOTIONS:
        shares = known.loc[known["notion"] == notion, "share"].to_numpy(float)
        if len(shares):
            hardly = int((np.round(100 * shares) < 100 * _HARDLY).sum())
            told.append(look.texts.t(f"peers.explained.hardly_{notion}", n=hardly, of=len(shares)))
    return look.texts.t(f"peers.explained.lead_{quantity}", told=look.texts.listing(told))
