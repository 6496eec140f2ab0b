"""What a council will object to a finding, and what the figures answer: chance, year, peers, definition, per cents."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from integstat.findings.ledger import PARTS
from integstat.report.view.lookup import Indicator, Lookup
from integstat.report.words import DECLARED, State, certainty, flags_of, state_of

_MOVES = ("change", "relative_change", "change_against_peers", "change_against_land")
_STANDS = ("standing", "standing_context")
_CHANCE = {"change_against_peers": "p_change_against_peers", "change_against_land": "p_change_against_land"}


@dataclass(frozen=True)
class Figure:
    """A named number with its interval, and what else is known of it."""

    name: str
    value: str
    interval: str
    note: str = ""


@dataclass(frozen=True)
class Objection:
    """An objection and its answer: figures, then sentences."""

    title: str
    figures: tuple[Figure, ...]
    answer: tuple[str, ...]


def objections(
    look: Lookup, one: Indicator, row: pd.Series, state: State, others: pd.DataFrame | None, usual: pd.Series | None
) -> tuple[Objection, ...]:
    """Answer the five usual objections to a declared finding of two years; nothing for other cells.

    Parameters
    ----------
    look : Lookup
    one : Indicator
    row : pandas.Series
        The cell, as in `Findings.grid`.
    state : State
    others : pandas.DataFrame, optional
        The same city and indicator in other definitions.
    usual : pandas.Series, optional
        What usual practice would read from the plain rates, as `integstat.findings.usual` gives it.
    """
    if state not in DECLARED or not look.two_years:
        return ()
    t = look.texts.t
    moved = pd.notna(row["change_mean"])
    found = [
        Objection(t("objection.chance.title"), _ledger(look, one, row), _chance(look, row, usual)) if moved else None,
        Objection(t("objection.year.title"), _figures(look, one, row, _MOVES), _year(look, one, row)) if moved else None,
        Objection(t("objection.peers.title"), _figures(look, one, row, _STANDS), _peers(look, row)),
        Objection(t("objection.definition.title"), (), _definition(look, state, others)),
        Objection(t("objection.percent.title"), (), _percent(look, one, row)),
    ]
    return tuple(objection for objection in found if objection and (objection.figures or objection.answer))


def _figure(look: Lookup, one: Indicator, name: str, values: tuple[float, float, float], note: str = "") -> Figure:
    mean, lower, upper = values
    texts = look.texts
    interval = texts.interval(lower, upper, one.digits) if math.isfinite(lower) else ""
    return Figure(name, texts.number(mean, one.digits, sign=True), interval, note)


def _ledger(look: Lookup, one: Indicator, row: pd.Series) -> tuple[Figure, ...]:
    t = look.texts.t
    if pd.isna(row["change_raw"]):
        return ()
    raw = Figure(t("objection.chance.raw"), look.texts.number(float(row["change_raw"]), one.digits, sign=True), "")
    parts = [
        _figure(look, one, t(f"objection.chance.{_named(part, row)}"), _three(row, f"ledger_{part}"))
        for part in PARTS
        if pd.notna(row[f"ledger_{part}_mean"])
    ]
    return (raw, *parts)


def _named(part: str, row: pd.Series) -> str:
    return "lasting_known" if part == "lasting" and row["lasting_source"] == "history" else part


def _three(row: pd.Series, name: str) -> tuple[float, float, float]:
    return float(row[f"{name}_mean"]), float(row[f"{name}_lower"]), float(row[f"{name}_upper"])


def _chance(look: Lookup, row: pd.Series, usual: pd.Series | None) -> tuple[str, ...]:
    t = look.texts.t
    out = [t(f"objection.chance.source.{row['lasting_source']}")]
    if usual is not None and pd.notna(usual["p_value"]):
        p = max(float(usual["p_value"]), 0.001)
        below = float(usual["p_value"]) < 0.001
        shown = f"{'< ' if below else '= '}{look.texts.number(p, 3 if p < 0.1 else 2)}"
        out.append(t(f"objection.chance.usual.{'changed' if usual['called_changed'] else 'same'}", p=shown))
    return tuple(out)


def _figures(look: Lookup, one: Indicator, row: pd.Series, names: tuple[str, ...]) -> tuple[Figure, ...]:
    out = []
    for name in names:
        if pd.isna(row[f"{name}_mean"]):
            continue
        p = row[_CHANCE[name]] if name in _CHANCE else math.nan
        note = look.texts.t("objection.better", p=look.texts.percent(float(p))) if pd.notna(p) else ""
        out.append(_figure(look, one, look.texts.t(f"objection.measure.{name}"), _three(row, name), note))
    return tuple(out)


def _year(look: Lookup, one: Indicator, row: pd.Series) -> tuple[str, ...]:
    t, texts = look.texts.t, look.texts
    ring = look.ring_row(one.definition)
    shift = texts.points(float(ring["shift_mean"]), one.unit, one.digits)
    out = [t("objection.year.ring", shift=shift)] if math.isfinite(float(ring["shift_mean"])) else []
    if pd.isna(row["change_against_land_mean"]):
        out.append(t("objection.year.no_land"))
    return tuple(out)


def _peers(look: Lookup, row: pd.Series) -> tuple[str, ...]:
    t = look.texts.t
    out = [t("objection.peers.change")] if row["finding_change"] != "open" else []
    out += [t("objection.peers.none")] if pd.isna(row["standing_mean"]) else []
    p = row["p_standing_context"]
    if pd.notna(p):
        out.append(t("objection.peers.context", p=certainty(float(p), look.texts)))
    return tuple(out)


def _definition(look: Lookup, state: State, others: pd.DataFrame | None) -> tuple[str, ...]:
    t = look.texts.t
    if others is None or others.empty:
        return (t("objection.definition.none"),)
    same = sum(state_of(other) == state for _, other in others.iterrows())
    word = t(f"word.{state}")
    if len(others) == 1:
        return (t(f"objection.definition.single.{'same' if same else 'different'}", word=word),)
    return (t("objection.definition.several", n=len(others), same=look.texts.number(same, 0), word=word),)


def _percent(look: Lookup, one: Indicator, row: pd.Series) -> tuple[str, ...]:
    t, texts = look.texts.t, look.texts
    out = []
    for name in ("relative_change_persons", "standing_persons"):
        if pd.notna(row[name]):
            out.append(t(f"objection.percent.{name}", count=texts.number(float(row[name]), 0, sign=True)))
    if pd.notna(row["base_growth"]):
        own, ring = (texts.number(float(row[name]), 1, sign=True) for name in ("base_growth", "base_growth_ring"))
        out.append(t("objection.percent.base", own=own, ring=ring))
    if one.two_groups and pd.notna(row["gap_change_points"]):
        out.append(t(f"objection.percent.{'conflict' if 'scale_conflict' in flags_of(row) else 'agree'}"))
    return tuple(out)
