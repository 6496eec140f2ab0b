"""What a steering card says of a city, as objects made from what the report says."""

from __future__ import annotations

from dataclasses import dataclass

from integstat.report.view.cards_fields import MEASURES, Axes, CardRow, axes_of, cut, rows_of, whole_sentences
from integstat.report.view.cards_questions import questions_of
from integstat.report.view.cities import CitySection, city_sections
from integstat.report.view.fields import FieldsView, fields_view
from integstat.report.view.learning import Deficit, LearningView, learning_view
from integstat.report.view.lookup import Lookup
from integstat.report.view.made import made_view
from integstat.report.view.sensitivity import LineView, SensitivityView, sensitivity_view
from integstat.report.words import CERTAINTY, DECLARED

_ENTERED = 160  # letters of a text that a city entered
_SENTENCE = 500
_PARTNERS = 2


@dataclass(frozen=True)
class CardParts:
    """Parts of the report that cards are made from.

    Attributes
    ----------
    words : tuple of (str, str)
        Words of certainty and what they mean in figures.
    """

    sections: tuple[CitySection, ...]
    fields: FieldsView
    learning: LearningView
    sensitivity: SensitivityView | None
    words: tuple[tuple[str, str], ...]


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
    measures : tuple of str
        Which of the measures of a row any city of the ring has, in their order.
    reading : str
        How to read the drawings.
    doubts, changes, cannot, partners : tuple of Told
        Where the doubt of findings comes from; what would change them; what the data cannot carry; from whom to learn. All
        there is: a page that has no room for it leaves out the last and says so.

    Notes
    -----
    A card holds what the report says of a city, and nothing beyond: no count, no cause, no rank.
    """

    key: str
    title: str
    ring: str
    origin: str
    place: str
    summary: str
    measures: tuple[str, ...]
    rows: tuple[CardRow, ...]
    reading: str
    words: tuple[tuple[str, str], ...]
    doubts: tuple[Told, ...]
    changes: tuple[Told, ...]
    cannot: tuple[Told, ...]
    partners: tuple[Told, ...]
    questions: tuple[str, ...]


def card_parts(look: Lookup) -> CardParts:
    """Make the parts of the report that cards need, where no report has made them."""
    return CardParts(
        sections=city_sections(look),
        fields=fields_view(look),
        learning=learning_view(look),
        sensitivity=sensitivity_view(look),
        words=made_view(look).certainty,
    )


def cards_of(look: Lookup, parts: CardParts) -> tuple[Card, ...]:
    """Cards of all cities, in the order of the alphabet, which is no rank."""
    assert len(parts.words) == len(CERTAINTY)
    lines = {} if parts.sensitivity is None else parts.sensitivity.lines
    deficits = {city.key: found for city, found in parts.learning.cities}
    axes = axes_of(look)
    measures = _measures(look)
    return tuple(_card(look, one, parts, measures, lines, deficits.get(one.city.key, ()), axes) for one in parts.sections)


def _card(
    look: Lookup,
    section: CitySection,
    parts: CardParts,
    measures: tuple[str, ...],
    lines: dict[tuple[str, str], LineView],
    deficits: tuple[Deficit, ...],
    axes: Axes,
) -> Card:
    t, city = look.texts.t, section.city
    declared = [row for row in section.rows if row.state in DECLARED]
    silent = [row for row in section.rows if row.state not in (*DECLARED, "context")]
    reach = [(row.indicator.name, lines[city.key, row.indicator.id]) for row in declared if (city.key, row.indicator.id) in lines]
    years = look.texts.listing(str(year) for year in look.data.years)
    rows = rows_of(look, section, axes, parts.fields)
    return Card(
        key=city.key,
        title=cut(city.name),
        ring=t("cards.ring", ring=cut(look.data.ring_name), years=years),
        origin=t(f"cards.{look.data.origin}") if look.data.origin else "",
        place=cut(section.place, _SENTENCE),
        summary=section.summary,
        measures=measures,
        rows=rows,
        reading=_reading(look, rows, axes),
        words=parts.words,
        doubts=tuple(_told(row.indicator.name, row.notes[:2]) for row in declared if row.notes),
        changes=tuple(_told(name, line.sentences[:2]) for name, line in reach if line.sentences),
        cannot=tuple(_told(row.indicator.name, row.notes[:1]) for row in silent if row.notes),
        partners=tuple(_told(one.indicator.name, _partner_lines(look, one)) for one in deficits),
        questions=questions_of(look, section, deficits),
    )


def _measures(look: Lookup) -> tuple[str, ...]:
    grid = look.data.findings.grid
    shown = grid[grid["definition"].isin([one.definition for one in look.indicators])]
    possible = MEASURES if look.two_years else ("standing",)
    return tuple(name for name in possible if shown[f"{name}_mean"].notna().any())


def _reading(look: Lookup, rows: tuple[CardRow, ...], axes: Axes) -> str:
    t, units = look.texts.t, {one.unit for one in look.indicators}
    said = [
        t("cards.reading", interval=look.texts.percent(look.data.settings.interval)),
        t(f"cards.units.{next(iter(units)) if len(units) == 1 else 'both'}"),
    ]
    if any(row.begins is not None and not row.begins.alone for row in rows):
        digits = 0 if axes.field == round(axes.field) else 1
        said.append(t("cards.reading_field", end=look.texts.number(axes.field, digits)))
    if any(row.begins is not None and row.begins.text for row in rows):
        said.append(t("cards.reading_whole"))
    return " ".join(said)


def _told(name: str, sentences: tuple[str, ...]) -> Told:
    return Told(cut(name), tuple(whole_sentences(one, _SENTENCE) for one in sentences))


def _partner_lines(look: Lookup, deficit: Deficit) -> tuple[str, ...]:
    if not deficit.partners:
        return (deficit.none,)
    return tuple(
        " ".join(
            (
                look.texts.t("cards.partner", city=cut(one.city.name), text=one.text),
                *(look.texts.t("cards.measure", measure=cut(text, _ENTERED)) for text in one.measures[:1]),
            )
        )
        for one in deficit.partners[:_PARTNERS]
    )
