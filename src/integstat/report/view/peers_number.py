"""How many groups: the measures, the test for groups, and the recommendation with its reason."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from integstat.peers.partitions import Partitions
from integstat.peers.structure import Structure
from integstat.report.figures_peers import Step, stability_by_number
from integstat.report.view.lookup import Lookup

_MEASURES = ("prediction_strength", "gap", "bic", "silhouette")


@dataclass(frozen=True)
class Trial:
    """One number of groups: its measures, each with whether it names this number, and its part in the choice."""

    k: str
    cells: tuple[tuple[str, bool], ...]
    recommended: bool
    chosen: bool


@dataclass(frozen=True)
class NumberView:
    """Sentences on the choice, the measures by number of groups, and the picture of the test."""

    reasons: tuple[str, ...]
    columns: tuple[str, ...]
    trials: tuple[Trial, ...]
    figure: Markup


def number_view(look: Lookup, partitions: Partitions) -> NumberView | None:
    """Tell how the number of groups came about; None where there was nothing to choose."""
    table = partitions.diagnostics
    if len(table) < 2 or not table["recommended"].any():
        return None
    columns = ("weight", "stability", "excess", "loss", "cost", "prediction_strength", "gap", "bic", "silhouette", "smallest")
    return NumberView(
        reasons=_reasons(look, partitions),
        columns=tuple(look.texts.t(f"peers.trials.{name}") for name in columns),
        trials=tuple(_trial(look, partitions, row) for _, row in table.iterrows()),
        figure=_picture(look, partitions.structure, int(table.loc[table["chosen"], "k"].iloc[0]))
        if partitions.structure
        else Markup(""),
    )


def structure_sentence(look: Lookup, structure: Structure) -> str:
    """Say whether the cities form groups or rather a slope."""
    p = max(structure.p, 0.0)
    shown = look.texts.t("peers.structure.p_below") if p < 0.005 else look.texts.t("peers.structure.p", x=look.texts.number(p, 2))
    return look.texts.t("peers.structure.grouped" if structure.grouped else "peers.structure.slope", p=shown)


def _trial(look: Lookup, partitions: Partitions, row: pd.Series) -> Trial:
    number, k = look.texts.number, int(row["k"])
    gap = look.texts.none
    if pd.notna(row["gap"]):
        gap = look.texts.t("peers.trials.with_error", x=number(float(row["gap"]), 2), error=number(float(row["gap_se"]), 2))
    shown = {
        "weight": look.texts.percent(float(row["weight"])),
        "stability": number(float(row["stability"]), 2),
        "excess": look.texts.number(float(row["excess"]), 2, sign=True),
        "expected_loss": number(float(row["expected_loss"]), 2),
        "cost": number(float(row["cost"]), 2),
        "prediction_strength": number(float(row["prediction_strength"]), 2),
        "gap": gap,
        "bic": number(float(row["bic"]), 0),
        "silhouette": number(float(row["silhouette"]), 2),
        "smallest_group": number(float(row["smallest_group"]), 0),
    }
    cells = tuple((text, partitions.named.get(name) == k) for name, text in shown.items())
    return Trial(number(k, 0), cells, bool(row["recommended"]), bool(row["chosen"]))


def _reasons(look: Lookup, partitions: Partitions) -> tuple[str, ...]:
    t, number, table = look.texts.t, look.texts.number, partitions.diagnostics
    tried = table[table["cost"].notna()].sort_values("cost", kind="stable")
    recommended = table[table["recommended"]].iloc[0]
    chosen = int(table.loc[table["chosen"], "k"].iloc[0])
    best = int(recommended["k"])
    proven = partitions.structure is None or partitions.structure.grouped
    reason = "peers.reason.recommended" if proven else "peers.reason.convention"
    said = [t(reason, k=_groups(look, best), cost=number(float(recommended["cost"]), 2))]
    others = tried[tried["k"] != best]
    if not others.empty:
        said[0] += " " + t(
            "peers.reason.next", k=_groups(look, int(others["k"].iloc[0])), cost=number(float(others["cost"].iloc[0]), 2)
        )
    if chosen != best:
        said.append(t("peers.reason.override", chosen=_groups(look, chosen), recommended=number(best, 0)))
    named = [f"{t(f'peers.trials.{name}')} {number(partitions.named[name], 0)}" for name in _MEASURES if name in partitions.named]
    if named:
        said.append(t("peers.reason.named", measures=look.texts.listing(named)))
    return tuple(said)


def _groups(look: Lookup, k: int) -> str:
    return look.texts.plural(k, look.texts.t("noun.group.single"), look.texts.t("noun.group.several"))


def _picture(look: Lookup, structure: Structure, chosen: int) -> Markup:
    t, number = look.texts.t, look.texts.number
    rows = structure.table[structure.table["measure"] == "stability"].sort_values("k")
    steps = [
        Step(int(row["k"]), float(row["value"]), float(row["mean"]), float(row["lower"]), float(row["upper"]))
        for _, row in rows.iterrows()
    ]
    told = [
        t(
            "peers.band.step",
            k=number(one.k, 0),
            x=number(one.value, 2),
            band=look.texts.interval(one.lower, one.upper, 2, sign=False),
        )
        for one in steps
    ]
    return stability_by_number(
        steps,
        chosen,
        title=t("peers.band.title"),
        description="; ".join(told),
        axis=t("peers.band.axis"),
        half=number(0.5, 1),
    )
