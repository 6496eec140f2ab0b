"""The ring's own level and shift, once per indicator."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from integstat.report.figures import Bar, intervals
from integstat.report.view.lookup import Indicator, Lookup
from integstat.report.view.text import axis_ends, direction
from integstat.report.words import certainty


@dataclass(frozen=True)
class RingRow:
    """An indicator of the ring."""

    indicator: Indicator
    level: str
    shift: str
    interval: str
    word: str
    certainty: str
    cities: str
    direction: str
    figure: Markup


@dataclass(frozen=True)
class RingView:
    """The table of the ring's shift, and from which probability on a word stands.

    `caution` is empty where the ring is large enough for a word of its own.
    """

    rows: tuple[RingRow, ...]
    threshold: str
    caution: str


def ring_view(look: Lookup) -> RingView:
    """Tell level and shift of the ring's median city."""
    few = look.two_years and len(look.cities) < look.data.settings.absolute_from
    small = few and (look.data.findings.ring["shift_source"] != "history").all()
    caution = look.texts.t("ring.small", n=len(look.cities), limit=look.data.settings.absolute_from) if small else ""
    threshold = look.texts.t("ring.threshold", p=look.texts.percent(look.data.settings.plain_threshold)) if look.two_years else ""
    return RingView(tuple(_row(look, one) for one in look.indicators), threshold, caution)


def _row(look: Lookup, one: Indicator) -> RingRow:
    texts, row = look.texts, look.ring_row(one.definition)
    cities = texts.plural(int(row["cities"]), texts.t("noun.city.single"), texts.t("noun.city.several"))
    last = texts.level(float(row["level_last"]), one.unit, one.digits)
    if not look.two_years:
        return RingRow(one, last, "", "", "", "", cities, direction(look, one), Markup(""))
    word = str(row["word"])
    mean, lower, upper = (float(row[f"shift_{part}"]) for part in ("mean", "lower", "upper"))
    shift = texts.points(mean, one.unit, one.digits)
    interval = texts.interval(lower, upper, one.digits)
    return RingRow(
        indicator=one,
        level=texts.t("level.both", first=texts.level(float(row["level_first"]), one.unit, one.digits), last=last),
        shift=shift,
        interval=interval,
        word=texts.t(f"ring.word.{'plain' if one.polarity == 0 else 'turned'}.{word}"),
        certainty=_certainty(row, word, look),
        cities=cities,
        direction=direction(look, one),
        figure=intervals(
            [Bar(mean, lower, upper, "rel")],
            one.axis,
            one.rho,
            title=texts.t("ring.figure.title", indicator=one.name, shift=shift),
            description=texts.t(
                "ring.figure.description", interval=interval, step=texts.points(one.rho, one.unit, one.digits, sign=False)
            ),
            ends=axis_ends(look, one),
        ),
    )


def _certainty(row: pd.Series, word: str, look: Lookup) -> str:
    if word == "open":
        kinds = {kind: float(row[f"p_{kind}"]) for kind in ("improved", "worsened", "unchanged")}
        return look.texts.t("ring.open", **{kind: look.texts.percent(p) for kind, p in kinds.items()})
    return certainty(float(row[f"p_{word}"]), look.texts)
