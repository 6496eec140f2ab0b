"""What stands beside a cell: why it is open, what carries a finding, and what casts doubt on it."""

from __future__ import annotations

import pandas as pd

from integstat.report.view.breaks import break_reasons
from integstat.report.view.lookup import City, Indicator, Lookup
from integstat.report.words import DECLARED, State, certainty, flags_of, state_of

_DEFINITIONS = ("definition_changed", "other_definition")
_LEAST = 1 / 3  # of the three kinds, which leave nothing out, one is at least as probable as this
_BESIDE = ("with_ring", "with_land", "other_land", "base_jump_reference", "bridged")


def notes_of(look: Lookup, city: City, one: Indicator, row: pd.Series, state: State) -> tuple[str, ...]:
    """Sentences beside a cell, the most important first."""
    t, flags = look.texts.t, flags_of(row)
    out: list[str] = []
    if state == "context":
        return (t("reason.context"),)
    secret = "confidential" in flags
    if secret:
        out.append(t("reason.confidential"))
    elif "level_only" in flags:
        out.append(t("reason.level_only_land" if one.within_land else "reason.level_only"))
    out += [t(f"reason.{flag}") for flag in _DEFINITIONS if flag in flags and not secret]
    out += [t("reason.too_few_beside")] * ("too_few_beside" in flags)
    if state == "capped":
        out += [t("reason.capped", reason=reason) for reason in break_reasons(look, one.definition, city, "cap")]
        out += [_base_jump(look, row)] if "base_jump" in flags else []
    elif state == "missing" and not secret:
        key = "missing_land" if one.within_land else "missing"
        out.append(t(f"reason.{key}" if look.two_years else "reason.missing_one_year"))
    elif state == "open":
        out.append(_doubt(look, row))
    elif state == "deficit":
        out.append(_what_is_worse(look, row))
    elif state == "success":
        if "poor_level" in flags:
            out.append(t("reason.poor_level"))
        out.append(_lasting(look, one, row))
    if state in (*DECLARED, "open"):
        out += [t(f"reason.{flag}") for flag in _BESIDE if flag in flags]
    if state in DECLARED:
        out += break_reasons(look, one.definition, city, "note")
        out += [one.composition] if "composition" in flags and one.composition else []
    return tuple(out)


def _base_jump(look: Lookup, row: pd.Series) -> str:
    """The base moved out of line with the others': by how much, and by how much theirs."""
    own, ring = float(row["base_growth"]), float(row["base_growth_ring"])
    shown = {"own": look.texts.number(own, 0, sign=True), "ring": look.texts.number(ring, 0, sign=True)}
    return look.texts.t("reason.base_jump", **shown)


def _doubt(look: Lookup, row: pd.Series) -> str:
    """Why no finding stands: the best guess with its probability, and what would be needed."""
    t, settings = look.texts.t, look.data.settings
    if "level_only" in flags_of(row):
        return _level_doubt(look, row)
    floor = settings.plain_threshold if settings.rule == "plain" else settings.floor
    known = {state: float(row[f"p_{state}"]) for state in DECLARED if not pd.isna(row[f"p_{state}"])}
    if not known:
        return t("reason.no_peers")
    best = max(known, key=lambda state: known[state])
    if "stable" not in known and known[best] < _LEAST:
        return t("reason.neither", p=look.texts.percent(known[best]))
    values = {"word": t(f"word.{best}"), "p": look.texts.percent(known[best]), "floor": look.texts.percent(floor)}
    return t("reason.doubt" if known[best] < floor else "reason.not_in_set", **values)


def _level_doubt(look: Lookup, row: pd.Series) -> str:
    """What remains to be said where only the level is known."""
    t, found = look.texts.t, str(row["finding_level"])
    if found == "open":
        return t("reason.level_open", certainty=certainty(float(row["p_worse"]), look.texts))
    return t("reason.level_told", word=t(f"city.word.{found}"))


def _what_is_worse(look: Lookup, row: pd.Series) -> str:
    t, texts = look.texts.t, look.texts
    parts = []
    if row["finding_change"] == "worsened":
        parts.append(t("reason.worsened", certainty=certainty(float(row["p_worsened"]), texts)))
    if row["finding_level"] == "worse":
        parts.append(t("reason.worse", certainty=certainty(float(row["p_worse"]), texts)))
    return t("reason.deficit_by", parts=texts.listing(parts)) if parts else t("reason.either")


def _lasting(look: Lookup, one: Indicator, row: pd.Series) -> str:
    """Whether a success is likely to last: only a prior from history allows to say so."""
    p = float(row["p_lasting"])
    kept = look.texts.points(float(row["lasting_change_mean"]), one.unit, one.digits)
    if row["lasting_source"] == "history" and p >= look.data.settings.lasting_threshold:
        return look.texts.t("reason.lasts", p=look.texts.percent(p), kept=kept)
    return look.texts.t("reason.lasting_unknown")


def other_line(look: Lookup, one: Indicator, row: pd.Series) -> str:
    """Another definition of the same indicator, in one line."""
    texts, state = look.texts, state_of(row)
    _, definition = look.data.catalogue.definition(str(row["definition"]))
    found = texts.t(f"word.{state}")
    if state in DECLARED:
        found = texts.t("city.other.found", word=found, p=texts.percent(float(row[f"p_{state}"])))
    if pd.isna(row["relative_change_mean"]):
        return texts.t(
            "city.other.level",
            name=texts.of(definition),
            found=found,
            level=texts.level(float(row["level_last"]), one.unit, one.digits),
        )
    return texts.t(
        "city.other.change",
        name=texts.of(definition),
        found=found,
        relative=texts.points(float(row["relative_change_mean"]), one.unit, one.digits),
        interval=texts.interval(float(row["relative_change_lower"]), float(row["relative_change_upper"]), one.digits),
    )
