"""The gap between target and reference group: a word of its own, never mixed into success or deficit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from integstat.report.figures import Bar, intervals
from integstat.report.view.breaks import cap_reasons
from integstat.report.view.lookup import City, Indicator, Lookup, axis_limit
from integstat.report.view.text import axis_ends
from integstat.report.words import certainty, flags_of

_PROBABILITY = {"narrowed": "p_gap_narrowed", "widened": "p_gap_widened", "unchanged": "p_gap_unchanged"}
_KINDS = (*_PROBABILITY, "open")


@dataclass(frozen=True)
class GapRow:
    """A city's gap: points with interval, the two other scales, the two parts, and a word."""

    city: City
    kind: str
    word: str
    certainty: str
    split: str
    points: str
    interval: str
    target: str
    target_levels: str
    reference: str
    reference_levels: str
    ratio: str
    logit: str
    conflict: bool
    figure: Markup


@dataclass(frozen=True)
class GapIndicator:
    """An indicator with two groups: the counts of the words, why cells are capped, and the rows."""

    indicator: Indicator
    unit: str
    counts: tuple[str, ...]
    conflicts: str
    reasons: tuple[str, ...]
    rows: tuple[GapRow, ...]
    log: bool


@dataclass(frozen=True)
class GapView:
    """All indicators with two groups; `left_out` says which have none, and which are context."""

    indicators: tuple[GapIndicator, ...]
    left_out: tuple[str, ...]


def gap_view(look: Lookup) -> GapView:
    """Tell the gaps; empty for a single year."""
    t = look.texts.t
    if not look.two_years:
        return GapView((), (t("gap.one_year"),))
    shown = [one for one in look.indicators if one.two_groups and one.allowed]
    single = [one.name for one in look.indicators if not one.two_groups]
    context = [one.name for one in look.indicators if one.two_groups and not one.allowed]
    left_out = [
        t(f"gap.{key}", n=len(names), names=look.texts.listing(names))
        for key, names in (("single", single), ("context", context))
        if names
    ]
    return GapView(tuple(_indicator(look, one) for one in shown), tuple(left_out))


def _indicator(look: Lookup, one: Indicator) -> GapIndicator:
    grid = look.data.findings.grid
    frame = grid[grid["definition"] == one.definition]
    columns = ["gap_change_points_lower", "gap_change_points_upper"]
    ends = frame[columns].abs().to_numpy(float).ravel()
    limit = axis_limit(ends[~pd.isna(ends)], 1.5 * one.rho)
    counts = frame["finding_gap"].value_counts()
    return GapIndicator(
        indicator=one,
        unit=look.texts.unit_name(one.unit),
        counts=tuple(look.texts.number(int(counts.get(kind, 0)), 0) for kind in _KINDS),
        conflicts=look.texts.number(int(frame["scale_conflict"].sum()), 0),
        reasons=tuple(
            look.texts.t("gap.capped", n=n, cities=look.texts.listing(names) if n <= 5 else "", reason=reason)
            if n <= 5
            else look.texts.t("gap.capped_many", n=n, reason=reason)
            for reason, names in cap_reasons(look, one.definition).items()
            for n in [len(names)]
        ),
        rows=tuple(_row(look, one, city, look.cell(city, one), limit) for city in look.cities),
        log=look.data.catalogue.kind(one.definition) == "rate",
    )


def _row(look: Lookup, one: Indicator, city: City, row: pd.Series, limit: float) -> GapRow:
    texts = look.texts
    kind = str(row["finding_gap"]) or "open"
    mean, lower, upper = (float(row[f"gap_change_points{part}"]) for part in ("", "_lower", "_upper"))
    target, reference = float(row["gap_target_points"]), float(row["gap_reference_points"])
    points, interval = texts.points(mean, one.unit, one.digits), texts.interval(lower, upper, one.digits)
    return GapRow(
        city=city,
        kind=kind,
        word=texts.t(f"gap.{'ahead' if kind in ('narrowed', 'widened') and _ahead(one, row) else 'word'}.{kind}"),
        certainty=certainty(float(row[_PROBABILITY[kind]]), texts) if kind in _PROBABILITY else _why_open(look, row),
        split=texts.t(f"gap.split.{split_key(kind, target, reference)}") if kind in ("narrowed", "widened") else "",
        points=texts.number(mean, one.digits, sign=True),
        interval=interval if math.isfinite(lower) else "",
        target=texts.number(target, one.digits, sign=True),
        reference=texts.number(reference, one.digits, sign=True),
        target_levels=_levels(look, one, row["level_first"], row["level_last"]),
        reference_levels=_levels(look, one, row["reference_first"], row["reference_last"]),
        ratio=texts.number(float(row["gap_change_ratio"]), 2, sign=True),
        logit=texts.number(float(row["gap_change_logit"]), 2, sign=True),
        conflict="scale_conflict" in flags_of(row),
        figure=intervals(
            [Bar(mean, lower, upper, "rel")],
            limit,
            0,
            title=texts.t("gap.figure.title", city=city.name, points=points),
            description=texts.t("gap.figure.description", interval=interval),
            ends=axis_ends(look, one, limit),
            width=160,
        ),
    )


def _ahead(one: Indicator, row: pd.Series) -> bool:
    """Whether the target group was better off in the first year."""
    return one.polarity * (float(row["level_first"]) - float(row["reference_first"])) > 0


def _levels(look: Lookup, one: Indicator, first: float, last: float) -> str:
    """Levels of a group in the two years; empty where one is not known."""
    if pd.isna(first) or pd.isna(last):
        return ""
    return f"{look.texts.number(float(first), one.digits)} → {look.texts.number(float(last), one.digits)}"


def split_key(kind: str, target: float, reference: float) -> str:
    """How a changed gap splits arithmetically: by the target group, the reference group, or both.

    Parameters
    ----------
    kind : {'narrowed', 'widened'}
    target, reference : float
        Changes in points, plus is better for the group itself.
    """
    side = 1 if kind == "narrowed" else -1
    by_target, by_reference = side * target > 0, side * reference < 0
    part = "both" if by_target and by_reference else "target" if by_target else "reference"
    return f"{kind}.{part}"


def _why_open(look: Lookup, row: pd.Series) -> str:
    if bool(row["capped"]):
        return look.texts.t("gap.why.capped")
    if pd.isna(row["p_gap_narrowed"]):
        return look.texts.t("gap.why.missing")
    kinds = {kind: float(row[column]) for kind, column in _PROBABILITY.items()}
    best = max(kinds, key=lambda kind: kinds[kind])
    return look.texts.t("gap.why.doubt", word=look.texts.t(f"gap.word.{best}"), p=look.texts.percent(kinds[best]))
