"""How the report was made: model, steps, what was declared, convergence, files, versions, and the words used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from integstat.report.view.breaks import cap_reasons, note_reasons
from integstat.report.view.lookup import Indicator, Lookup
from integstat.report.view.text import direction
from integstat.report.words import CERTAINTY


@dataclass(frozen=True)
class IndicatorNote:
    """What an indicator measures, and what to mind."""

    indicator: Indicator
    groups: str
    direction: str
    verified: str
    step: str
    step_level: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class KindRow:
    """A kind of event: how many cells could, how many did, from which probability on, how many are expected wrong."""

    name: str
    eligible: str
    declared: str
    threshold: str
    wrong: str


@dataclass(frozen=True)
class FitRow:
    """How a definition was computed, and how well."""

    definition: str
    cities: str
    engine: str
    quality: str
    draws: str
    note: str


@dataclass(frozen=True)
class MadeView:
    """The part for the statistician, and the glossary."""

    first: str
    last: str
    interval: str
    model: tuple[str, ...]
    rule: str
    lasting: str
    notes: tuple[str, ...]
    indicators: tuple[IndicatorNote, ...]
    kinds: tuple[KindRow, ...]
    fits: tuple[FitRow, ...]
    files: tuple[tuple[str, str], ...]
    checksums: bool
    versions: tuple[tuple[str, str], ...]
    seed: str
    rules_digest: str
    certainty: tuple[tuple[str, str], ...]
    glossary: tuple[tuple[str, str], ...]


_GLOSSARY = (
    "level",
    "change_raw",
    "change",
    "relative",
    "standing",
    "interval",
    "points",
    "rho",
    "gap",
    "peer_group",
    "with_ring",
    "break",
    "composition",
    "unverified",
    "lasting",
)


def made_view(look: Lookup) -> MadeView:
    """Tell how everything came about."""
    t, data = look.texts.t, look.data
    return MadeView(
        first=look.first,
        last=look.last,
        interval=_interval(look),
        model=_model(look),
        rule=_rule(look),
        lasting=_lasting(look) if look.two_years else "",
        notes=data.findings.notes,
        indicators=tuple(_indicator(look, one) for one in look.indicators),
        kinds=tuple(_kind(look, row) for _, row in data.findings.kinds.iterrows()),
        fits=tuple(_fit(look, row) for _, row in data.fits.iterrows()),
        files=tuple(sorted(data.files.items())),
        checksums=any(data.files.values()),
        versions=tuple(sorted(data.versions.items())),
        seed=str(data.seed),
        rules_digest=data.rules_digest,
        certainty=tuple((t(f"certainty.{key}"), _span(look, place)) for place, (_, key) in enumerate(CERTAINTY)),
        glossary=tuple((t(f"glossary.{key}.word"), t(f"glossary.{key}.text", interval=_interval(look))) for key in _GLOSSARY),
    )


def _interval(look: Lookup) -> str:
    return look.texts.percent(look.data.settings.interval)


def _lasting(look: Lookup) -> str:
    """Where what lasts comes from: experience, a default, or either by indicator."""
    source = look.data.findings.grid.groupby("indicator")["lasting_source"].first()
    known = [one.name for one in look.indicators if source.get(one.id) == "history"]
    key = "default" if not known else "history" if len(known) == len(look.indicators) else "mixed"
    return look.texts.t(f"made.lasting.{key}", known=look.texts.listing(known))


def _model(look: Lookup) -> tuple[str, ...]:
    keys = (
        "propensity",
        "two_years" if look.two_years else "one_year",
        "shrink",
        "peers" if look.data.partitions else "no_peers",
        "engine",
    )
    return tuple(look.texts.t(f"made.model.{key}", first=look.first, last=look.last) for key in keys)


def _rule(look: Lookup) -> str:
    settings, percent = look.data.settings, look.texts.percent
    if settings.rule == "plain":
        return look.texts.t("made.rule.plain", threshold=percent(settings.plain_threshold))
    return look.texts.t("made.rule.set", floor=percent(settings.floor), q=percent(settings.q))


def _indicator(look: Lookup, one: Indicator) -> IndicatorNote:
    texts = look.texts
    notes = [
        _break(look, effect, len(cities), reason)
        for effect, reasons in (("cap", cap_reasons(look, one.definition)), ("note", note_reasons(look, one.definition)))
        for reason, cities in reasons.items()
    ]
    apart = [texts.t("made.indicator.within_land")] if one.within_land else []
    groups = "two" if one.two_groups else "one" if one.target else "none"
    return IndicatorNote(
        indicator=one,
        groups=texts.t(f"made.indicator.groups.{groups}", target=one.target, reference=one.reference),
        direction=direction(look, one),
        verified=texts.t("made.indicator.verified" if one.verified else "made.indicator.unverified"),
        step=texts.points(one.rho, one.unit, 2, sign=False),
        step_level=texts.points(one.rho_level, one.unit, 2, sign=False),
        notes=(*apart, *notes, *([one.composition] if one.composition else []), *_priors(look, one)),
    )


def _priors(look: Lookup, one: Indicator) -> tuple[str, ...]:
    """Where the priors of an indicator's change come from; nothing with a single year."""
    texts, t = look.texts, look.texts.t
    if not look.two_years or not one.allowed:
        return ()
    entry = next((entry for entry in look.data.history if entry.indicator == one.id), None)
    if entry is None:
        return (t("made.priors.default"),)
    cities = texts.plural(entry.row.cities, t("noun.city.single"), t("noun.city.several"))
    years = {"first": str(entry.first_year), "last": str(entry.last_year)}
    source = t(f"made.priors.{'other' if entry.transferred else 'same'}", name=entry.name, cities=cities, **years)
    share, lower, upper = entry.row.share, entry.row.share_lower, entry.row.share_upper
    if not entry.informs or share is None or lower is None or upper is None:
        return (source, t("made.priors.silent", reason=entry.reason))
    interval = t("format.interval", low=texts.percent(lower), high=texts.percent(upper))
    return (source, t("made.priors.lasts", share=texts.percent(share), interval=interval))


def _break(look: Lookup, effect: str, n: int, reason: str) -> str:
    if n == len(look.cities):
        return look.texts.t(f"made.indicator.{effect}_all", reason=reason)
    return look.texts.t(f"made.indicator.{effect}", n=n, all_cities=len(look.cities), reason=reason)


def _kind(look: Lookup, row: pd.Series) -> KindRow:
    number = look.texts.number
    return KindRow(
        name=look.texts.t(f"made.kind.{row['kind']}"),
        eligible=number(int(row["eligible"]), 0),
        declared=number(int(row["declared"]), 0),
        threshold=look.texts.percent(float(row["threshold"])),
        wrong=number(float(row["expected_wrong"]), 1),
    )


def _fit(look: Lookup, row: pd.Series) -> FitRow:
    number = look.texts.number
    indicator, definition = look.data.catalogue.definition(str(row["definition"]))
    return FitRow(
        definition=f"{look.texts.of(indicator)}: {look.texts.of(definition)}",
        cities=number(float(row["cities"]), 0),
        engine=look.texts.t(f"made.engine_name.{row['engine']}"),
        quality=_quality(look, row),
        draws=number(min(float(row[name]) for name in ("ess_bulk", "ess_tail", "effective") if np.isfinite(row[name])), 0),
        note=look.texts.t("made.fallback", reason=str(row["fallback"])) if row["fallback"] else "",
    )


def _quality(look: Lookup, row: pd.Series) -> str:
    number = look.texts.number
    if row["engine"] == "laplace":
        return look.texts.t("made.quality.laplace", k=number(max(float(row["pareto_k"]), 0.0), 2))
    share = number(100 * float(row["divergences"]), 2)
    return look.texts.t("made.quality.nuts", rhat=number(float(row["rhat"]), 3), share=share)


def _span(look: Lookup, place: int) -> str:
    low = look.texts.number(100 * CERTAINTY[place][0], 0)
    if place == 0:
        return look.texts.t("certainty.span.from", low=low)
    high = look.texts.number(100 * CERTAINTY[place - 1][0], 0)
    return look.texts.t("certainty.span.below" if CERTAINTY[place][0] == 0 else "certainty.span.between", low=low, high=high)
