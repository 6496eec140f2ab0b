"""What a steering card says of a city, as objects made from what the report says."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from integstat.report.cards.questions import questions_of
from integstat.report.view.cities import CityRow, CitySection, Measure, city_sections
from integstat.report.view.learning import Deficit, learning_view
from integstat.report.view.lookup import Indicator, Lookup, axis_limit
from integstat.report.view.made import made_view
from integstat.report.view.sensitivity import LineView, sensitivity_view
from integstat.report.words import CERTAINTY, DECLARED, State

_LONGEST = 160  # letters of a text that a city entered
_MOST = 6  # entries of a list on the second page
_SILENT: tuple[State, ...] = ("capped", "missing")  # their numbers are not to be read


@dataclass(frozen=True)
class Interval:
    """A number with its interval on the indicator's common axis.

    Attributes
    ----------
    mean, lower, upper : float
        In units of the axis: −1 left end, 1 right end, plus is better; not cut.
    band : float
        Half width of the step that counts as a difference, in the same unit.
    text, alt : str
        The numbers, and a sentence for those who do not see the drawing.
    """

    mean: float
    lower: float
    upper: float
    band: float
    text: str
    alt: str


@dataclass(frozen=True)
class CardRow:
    """An indicator of a city; `change` and `standing` are None where no number is to be read."""

    field: str
    indicator: str
    unit: str
    state: State
    word: str
    certainty: str
    level: str
    change: Interval | None
    standing: Interval | None


@dataclass(frozen=True)
class Told:
    """An indicator's name with sentences."""

    name: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """Two pages on a city, in the reader's language.

    Attributes
    ----------
    doubts, changes, cannot, partners : tuple of Told
        Where the doubt of findings comes from; what would change them; what the data cannot carry; from whom to learn.
    more : str
        What the lists leave out, or empty.

    Notes
    -----
    A card holds what the report says of a city, and nothing beyond: no count, no cause, no rank.
    """

    key: str
    title: str
    ring: str
    fictional: str
    place: str
    summary: str
    rows: tuple[CardRow, ...]
    words: tuple[tuple[str, str], ...]
    doubts: tuple[Told, ...]
    changes: tuple[Told, ...]
    cannot: tuple[Told, ...]
    partners: tuple[Told, ...]
    questions: tuple[str, ...]
    more: str


def cards_of(look: Lookup) -> tuple[Card, ...]:
    """Cards of all cities, in the order of the alphabet, which is no rank."""
    shown = sensitivity_view(look)
    lines = {} if shown is None else shown.lines
    deficits = {city.key: found for city, found in learning_view(look).cities}
    axes = {one.id: _standing_axis(look, one) for one in look.indicators}
    words = made_view(look).certainty
    assert len(words) == len(CERTAINTY)
    return tuple(_card(look, one, lines, deficits.get(one.city.key, ()), axes, words) for one in city_sections(look))


def _card(
    look: Lookup,
    section: CitySection,
    lines: dict[tuple[str, str], LineView],
    deficits: tuple[Deficit, ...],
    axes: dict[str, float],
    words: tuple[tuple[str, str], ...],
) -> Card:
    t, city = look.texts.t, section.city
    declared = [row for row in section.rows if row.state in DECLARED]
    silent = [row for row in section.rows if row.state not in (*DECLARED, "context")]
    reach = [(row.indicator.name, lines[city.key, row.indicator.id]) for row in declared if (city.key, row.indicator.id) in lines]
    lists = (
        [Told(row.indicator.name, row.notes[:2]) for row in declared if row.notes],
        [Told(name, line.sentences[:2]) for name, line in reach if line.sentences],
        [Told(row.indicator.name, row.notes[:1]) for row in silent if row.notes],
        [Told(one.indicator.name, _partner_lines(look, one)) for one in deficits],
    )
    doubts, changes, cannot, partners = (tuple(one[:_MOST]) for one in lists)
    left = sum(max(len(one) - _MOST, 0) for one in lists)
    return Card(
        key=city.key,
        title=city.name,
        ring=t("cards.ring", ring=look.data.ring_name, years=look.texts.listing(str(year) for year in look.data.years)),
        fictional=t("cards.fictional") if look.data.fictional else "",
        place=section.place,
        summary=section.summary,
        rows=tuple(_row(look, row, look.cell(city, row.indicator), axes[row.indicator.id]) for row in section.rows),
        words=words,
        doubts=doubts,
        changes=changes,
        cannot=cannot,
        partners=partners,
        questions=questions_of(look, section, deficits),
        more=t("cards.more", n=left) if left else "",
    )


def _row(look: Lookup, row: CityRow, cell: pd.Series, axis: float) -> CardRow:
    one, texts, silent = row.indicator, look.texts, row.state in _SILENT
    return CardRow(
        field=one.field_name,
        indicator=one.name,
        unit=row.unit,
        state=row.state,
        word=row.word,
        certainty=row.certainty,
        level=texts.t("level.both", first=row.level_first, last=row.level_last) if look.two_years else row.level_last,
        change=None
        if silent or not look.two_years
        else _interval(look, one, cell, "relative_change", row.relative, one.axis, one.rho),
        standing=None if silent else _interval(look, one, cell, "standing", row.standing, axis, one.rho_level),
    )


def _interval(
    look: Lookup, one: Indicator, cell: pd.Series, name: str, shown: Measure, axis: float, step: float
) -> Interval | None:
    mean, lower, upper = (float(cell[f"{name}_{part}"]) / axis for part in ("mean", "lower", "upper"))
    if not all(math.isfinite(x) for x in (mean, lower, upper)):
        return None
    text = look.texts.t("city.figure.measure", value=shown.value, interval=shown.interval)
    alt = look.texts.t(f"cards.alt.{name}", indicator=one.name, numbers=text, unit=look.texts.unit_name(one.unit))
    return Interval(mean, lower, upper, step / axis, text, alt)


def _standing_axis(look: Lookup, one: Indicator) -> float:
    grid = look.data.findings.grid
    ends = grid.loc[grid["definition"] == one.definition, ["standing_lower", "standing_upper"]].abs().to_numpy(float)
    return axis_limit(ends[pd.notna(ends)], 1.5 * one.rho_level)


def _partner_lines(look: Lookup, deficit: Deficit) -> tuple[str, ...]:
    if not deficit.partners:
        return (deficit.none,)
    return tuple(
        " ".join(
            (
                look.texts.t("cards.partner", city=one.city.name, text=one.text),
                *(look.texts.t("cards.measure", measure=text) for text in _shortened(one.measures[:1])),
            )
        )
        for one in deficit.partners[:2]
    )


def _shortened(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…" for text in texts)
