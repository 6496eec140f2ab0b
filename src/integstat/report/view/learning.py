"""Where to begin: fields with many and certain deficits, and for each deficit the peers one might learn from."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import pandas as pd

from integstat.report.view.lookup import City, Indicator, Lookup
from integstat.report.words import certainty


@dataclass(frozen=True)
class Theme:
    """A field, or an indicator of one, with how widespread its deficits are."""

    name: str
    field: bool
    expected: str
    share: str
    interval: str
    declared: str
    cities: str


@dataclass(frozen=True)
class Partner:
    """A city to learn from: what it has achieved, how sure both are, and what it says it does."""

    city: City
    text: str
    measures: tuple[str, ...]


@dataclass(frozen=True)
class Deficit:
    """A deficit of a city with its learning partners, or why there are none."""

    indicator: Indicator
    partners: tuple[Partner, ...]
    none: str
    more: str


_Measures = Mapping[tuple[Hashable, ...], pd.DataFrame]  # by city, indicator and partner


@dataclass(frozen=True)
class LearningView:
    """Themes, and deficits by city."""

    themes: tuple[Theme, ...]
    cities: tuple[tuple[City, tuple[Deficit, ...]], ...]


def learning_view(look: Lookup) -> LearningView:
    """Put themes and learning partners into words."""
    names = {one.id: one for one in look.indicators}
    themes = tuple(_theme(look, names, row) for _, row in look.data.beside.themes.iterrows())
    by_city = dict(list(look.data.beside.partners.groupby("city")))
    measures = dict(list(look.data.beside.partner_measures.groupby(["city", "indicator", "partner"])))
    cities = tuple((city, _deficits(look, names, by_city[city.key], measures)) for city in look.cities if city.key in by_city)
    return LearningView(themes, cities)


def _theme(look: Lookup, names: dict[str, Indicator], row: pd.Series) -> Theme:
    texts, is_field = look.texts, row["scope"] == "field"
    low, high = (texts.percent(float(row[f"share_{end}"])) for end in ("lower", "upper"))
    return Theme(
        name=texts.of(look.data.catalogue.fields[str(row["field"])]) if is_field else names[str(row["indicator"])].name,
        field=is_field,
        expected=texts.t(
            "learning.of", count=texts.number(float(row["expected"]), 1), total=texts.number(float(row["cells"]), 0)
        ),
        share=texts.percent(float(row["share"])),
        interval=texts.t("format.interval", low=low, high=high),
        declared=texts.number(float(row["declared"]), 0),
        cities=texts.t(
            "learning.of",
            count=texts.number(float(row["cities_declared"]), 0),
            total=texts.number(float(row["cities"]), 0),
        ),
    )


def _deficits(look: Lookup, names: dict[str, Indicator], rows: pd.DataFrame, measures: _Measures) -> tuple[Deficit, ...]:
    return tuple(_deficit(look, names[str(name)], part, measures) for name, part in rows.groupby("indicator", sort=False))


def _deficit(look: Lookup, one: Indicator, rows: pd.DataFrame, measures: _Measures) -> Deficit:
    t, first = look.texts.t, rows.iloc[0]
    if first["outcome"] != "partner":
        return Deficit(one, (), t(f"learning.{first['outcome']}"), "")
    cities = {city.key: city for city in look.cities}
    hidden = int(first["partners"]) - len(rows)
    return Deficit(
        indicator=one,
        partners=tuple(_partner(look, cities, one, row, measures) for _, row in rows.iterrows()),
        none="",
        more=t("learning.more", n=hidden) if hidden else "",
    )


def _partner(look: Lookup, cities: dict[str, City], one: Indicator, row: pd.Series, measures: _Measures) -> Partner:
    t, texts = look.texts.t, look.texts
    told = measures.get((row["city"], row["indicator"], row["partner"]))
    success = texts.listing(t(f"learning.success.{word}") for word in str(row["success"]).split(";"))
    chances = {"success": texts.percent(float(row["p_partner"])), "peer": certainty(float(row["p_peer"]), texts)}
    return Partner(
        cities[str(row["partner"])],
        t("learning.partner", what=success, **chances),
        () if told is None else tuple(_measure(look, one, measure) for _, measure in told.iterrows()),
    )


def _measure(look: Lookup, one: Indicator, row: pd.Series) -> str:
    t = look.texts.t
    since = "" if pd.isna(row["since"]) else t("learning.since", year=str(int(row["since"])))
    parts = [str(row["title"]), str(row["description"]), since, t("learning.late") if row["late"] else "", str(row["link"])]
    shown = "; ".join(part for part in parts if part)
    return shown if row["measures_for"] == "indicator" else t("learning.field_measure", field=one.field_name, measure=shown)
