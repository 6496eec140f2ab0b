"""A section per city: every indicator with its numbers, its finding and its doubts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from integstat.report.figures import Bar, intervals
from integstat.report.view.grid import strength
from integstat.report.view.lookup import City, Indicator, Lookup
from integstat.report.view.objections import Objection, objections
from integstat.report.view.reasons import notes_of, other_line
from integstat.report.view.text import axis_ends
from integstat.report.words import DECLARED, STATES, State, certainty, flags_of, state_of


@dataclass(frozen=True)
class Measure:
    """A number with its interval, and the word declared for it."""

    value: str
    interval: str
    word: str


@dataclass(frozen=True)
class CityRow:
    """An indicator of a city."""

    indicator: Indicator
    unit: str
    field_starts: bool
    state: State
    word: str
    certainty: str
    caveat: str
    level_first: str
    level_last: str
    raw: str
    change: Measure
    relative: Measure
    standing: Measure
    figure: Markup
    notes: tuple[str, ...]
    others: tuple[str, ...]
    objections: tuple[Objection, ...]


@dataclass(frozen=True)
class CitySection:
    """A city: where it belongs, a sentence that counts, and its rows."""

    city: City
    place: str
    summary: str
    rows: tuple[CityRow, ...]


def city_sections(look: Lookup) -> tuple[CitySection, ...]:
    """Sections of all cities, in the order of the alphabet."""
    others = dict(list(look.data.findings.others.groupby(["city", "indicator"])))
    peers = {str(row["city"]): row for _, row in look.data.peers.iterrows()}
    sections = []
    for city in look.cities:
        rows, field = [], ""
        for one in look.indicators:
            rows.append(_row(look, city, one, look.cell(city, one), others.get((city.key, one.id)), one.field != field))
            field = one.field
        sections.append(CitySection(city, _place(look, city, peers), _summary(look, rows), tuple(rows)))
    return tuple(sections)


def _place(look: Lookup, city: City, peers: dict[str, pd.Series]) -> str:
    place = look.texts.t("city.place", key=city.key, land=city.land_name)
    if city.key not in peers:
        return place
    row = peers[city.key]
    values = {"group": look.group_name(str(row["peer_group"])), "p": look.texts.percent(float(row["probability"]))}
    if bool(row["borderline"]) and str(row["second_group"]):
        second = look.texts.percent(float(row["second_probability"]))
        return f"{place} {look.texts.t('city.borderline', **values, second=look.group_name(str(row['second_group'])), p2=second)}"
    return f"{place} {look.texts.t('city.group', **values)}"


def _summary(look: Lookup, rows: list[CityRow]) -> str:
    counts = [(state, sum(row.state == state for row in rows)) for state in STATES]
    return look.texts.t(
        "city.summary", counts=look.texts.listing(look.texts.t(f"city.count.{state}", n=n) for state, n in counts if n)
    )


def _row(look: Lookup, city: City, one: Indicator, row: pd.Series, others: pd.DataFrame | None, starts: bool) -> CityRow:
    texts, state = look.texts, state_of(row)
    poor = state == "success" and "poor_level" in flags_of(row)
    raw = float(row["change_raw"])
    return CityRow(
        indicator=one,
        unit=texts.t("city.unit_land" if one.within_land else "city.unit", unit=texts.unit_name(one.unit)),
        field_starts=starts,
        state=state,
        word=texts.t(f"word.{'poor_level' if poor else state}"),
        certainty=certainty(float(row[f"p_{state}"]), texts) if state in DECLARED else "",
        caveat=_caveat(look, one, row, state),
        level_first=texts.level(float(row["level_first"]), one.unit, one.digits),
        level_last=texts.level(float(row["level_last"]), one.unit, one.digits),
        raw=texts.number(raw, one.digits, sign=True),
        change=_measure(look, one, row, "change", ""),
        relative=_measure(look, one, row, "relative_change", str(row["finding_change"])),
        standing=_measure(look, one, row, "standing", str(row["finding_level"])),
        figure=_figure(look, city, one, row) if look.two_years else Markup(""),
        notes=notes_of(look, city, one, row, state),
        others=tuple(other_line(look, one, other) for _, other in others.iterrows()) if others is not None else (),
        objections=objections(look, one, row, state, others, look.usual.get((city.key, one.definition))),
    )


def _caveat(look: Lookup, one: Indicator, row: pd.Series, state: State) -> str:
    """What nobody should leave out who cites a finding."""
    if state not in DECLARED:
        return ""
    fragile = strength(float(row["robustness"])) == 1
    told = [key for key, holds in (("fragile", fragile), ("unverified", not one.verified)) if holds]
    return "; ".join(look.texts.t(f"city.{key}") for key in told)


def _measure(look: Lookup, one: Indicator, row: pd.Series, name: str, found: str) -> Measure:
    texts = look.texts
    mean, lower, upper = (float(row[f"{name}_{part}"]) for part in ("mean", "lower", "upper"))
    interval = texts.interval(lower, upper, one.digits)
    word = texts.t(f"city.word.{found}") if found not in ("", "open") else ""
    return Measure(texts.number(mean, one.digits, sign=True), interval if math.isfinite(lower) else "", word)


def _figure(look: Lookup, city: City, one: Indicator, row: pd.Series) -> Markup:
    bars = [
        Bar(float(row[f"{name}_mean"]), float(row[f"{name}_lower"]), float(row[f"{name}_upper"]), style) for name, style in _BARS
    ]
    texts = look.texts
    shown = {
        name: texts.t(
            "city.figure.measure",
            value=texts.number(bar.mean, one.digits, sign=True),
            interval=texts.interval(bar.lower, bar.upper, one.digits),
        )
        for (name, _), bar in zip(_BARS, bars, strict=True)
    }
    title = texts.t("city.figure.title", city=city.name, indicator=one.name)
    return intervals(
        bars,
        one.axis,
        one.rho,
        title=title,
        description=texts.t("city.figure.description", change=shown["change"], relative=shown["relative_change"]),
        ends=axis_ends(look, one),
    )


_BARS = (("change", "abs"), ("relative_change", "rel"))
