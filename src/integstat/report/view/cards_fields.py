"""Indicators of a steering card, gathered by action field: each in its unit, the field in multiples of the steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd

from integstat.report.view.cities import CityRow, CitySection
from integstat.report.view.fields import FieldCell, FieldsView
from integstat.report.view.lookup import City, Indicator, Lookup, axis_limit
from integstat.report.words import State

MEASURES = ("relative_change", "change_against_peers", "standing")
_SILENT: tuple[State, ...] = ("capped", "missing")  # their numbers are not to be read
_NAME = 90  # letters of a name


@dataclass(frozen=True)
class Interval:
    """A number with its interval on an axis.

    Attributes
    ----------
    mean, lower, upper : float
        In units of the axis: −1 left end, 1 right end, plus is better; not cut.
    band : float
        Half width of the step that counts as a difference, in the same unit.
    text : str
        The numbers in points; in multiples of the step where the axis is that of a field.
    """

    mean: float
    lower: float
    upper: float
    band: float
    text: str


@dataclass(frozen=True)
class Strip:
    """A measure of a field: its indicators below each other on the axis of fields, above them the field as a whole."""

    whole: Interval | None
    parts: tuple[Interval, ...]
    alt: str


@dataclass(frozen=True)
class CardField:
    """An action field: what is said of it as a whole, and its indicators in multiples of their steps.

    Attributes
    ----------
    alone : str
        Says that the field has one indicator; then nothing else is said here. Else empty.
    word, certainty : str
        Statement on the field from the joint model; empty where there is none.
    text : str
        Its change against the ring as a whole, in multiples of the step; empty where there is none.
    relative_change, change_against_peers, standing : Strip or None
    """

    name: str
    alone: str
    word: str
    certainty: str
    text: str
    relative_change: Strip | None
    change_against_peers: Strip | None
    standing: Strip | None


@dataclass(frozen=True)
class CardRow:
    """An indicator of a city.

    Attributes
    ----------
    begins : CardField or None
        The field that begins with this row.
    scope : str
        Says that only cities of the same Land are compared, where that is so.
    relative_change, change_against_peers, standing : Interval or None
        None where no number is to be read.
    """

    begins: CardField | None
    indicator: str
    scope: str
    state: State
    word: str
    certainty: str
    level: str
    relative_change: Interval | None
    change_against_peers: Interval | None
    standing: Interval | None


@dataclass(frozen=True)
class Axes:
    """Half widths of axes, the same in all cities: of standings by indicator, in points, and of fields, in steps."""

    standing: Mapping[str, float]
    field: float


def axes_of(look: Lookup) -> Axes:
    """Round axes that hold the intervals of all cities, a few far outlying ones apart."""
    grid = look.data.findings.grid
    grid = grid[~grid["capped"].astype(bool)]
    standing, steps = {}, []
    for one in look.indicators:
        rows = grid[grid["definition"] == one.definition]
        standing[one.id] = axis_limit(_ends(rows, ["standing"]), 1.5 * one.rho_level)
        steps += [_ends(rows, [name]) / _step(one, name) for name in MEASURES]
    return Axes(standing, axis_limit(np.concatenate(steps), 1.5))


def rows_of(look: Lookup, section: CitySection, axes: Axes, fields: FieldsView) -> tuple[CardRow, ...]:
    """Rows of a city's card, in the order of the report."""
    cells = {city.key: dict(zip(fields.fields, found, strict=True)) for city, found in fields.rows}.get(section.city.key, {})
    rows: list[CardRow] = []
    for name, group in groupby(section.rows, key=lambda row: row.indicator.field_name):
        part = list(group)
        begins = _field(look, section.city, part, cells.get(name), axes.field)
        rows += [_row(look, section.city, row, axes, None if i else begins) for i, row in enumerate(part)]
    return tuple(rows)


def cut(text: str, letters: int = _NAME) -> str:
    """Shorten a text that somebody entered."""
    return text if len(text) <= letters else f"{text[: letters - 1].rstrip()}…"


def whole_sentences(text: str, letters: int) -> str:
    """Keep as many whole sentences as fit; a text that begins with a longer one is cut."""
    end = text.rfind(". ", 0, letters)
    return text if len(text) <= letters else text[: end + 1] if end > 0 else cut(text, letters)


_SCOPES: dict[str, Callable[[Indicator], bool]] = {  # what stands under an indicator's name, and when
    "lower": lambda one: one.polarity < 0,
    "within_land": lambda one: one.within_land,
}


def _row(look: Lookup, city: City, row: CityRow, axes: Axes, begins: CardField | None) -> CardRow:
    one, texts = row.indicator, look.texts
    halves = {"relative_change": one.axis, "change_against_peers": one.axis, "standing": axes.standing[one.id]}
    told = {name: _interval(look, city, row, name, half, 1.0, one.digits) for name, half in halves.items()}
    return CardRow(
        begins=begins,
        indicator=cut(one.name),
        scope=", ".join(texts.t(f"cards.{key}") for key, told in _SCOPES.items() if told(one)),
        state=row.state,
        word=row.word,
        certainty=row.certainty,
        level=texts.t("level.both", first=row.level_first, last=row.level_last) if look.two_years else row.level_last,
        **told,
    )


def _interval(look: Lookup, city: City, row: CityRow, name: str, half: float, unit: float, digits: int) -> Interval | None:
    """A measure of a cell in multiples of `unit` on an axis of half width `half`; None where it is not to be read."""
    cell = look.cell(city, row.indicator)
    numbers = [float(cell[f"{name}_{part}"]) / unit for part in ("mean", "lower", "upper")]
    if row.state in _SILENT or not all(math.isfinite(x) for x in numbers):
        return None
    return _drawn(look, numbers, half, _step(row.indicator, name) / unit, digits)


def _drawn(look: Lookup, numbers: Sequence[float], half: float, step: float, digits: int) -> Interval:
    mean, lower, upper = numbers
    texts = look.texts
    shown = {"value": texts.number(mean, digits, sign=True), "interval": texts.interval(lower, upper, digits)}
    return Interval(mean / half, lower / half, upper / half, step / half, texts.t("city.figure.measure", **shown))


def _field(look: Lookup, city: City, rows: Sequence[CityRow], cell: FieldCell | None, half: float) -> CardField:
    t, name = look.texts.t, rows[0].indicator.field_name
    if len(rows) == 1:
        return CardField(cut(name), t("cards.field.alone"), "", "", "", None, None, None)
    whole = _whole(look, city, rows[0].indicator.field, half)
    strips = {one: _strip(look, city, rows, one, half, whole if one == "relative_change" else None) for one in MEASURES}
    return CardField(
        name=cut(name),
        alone="",
        word=cell.word if cell is not None and whole is not None else "",
        certainty=cell.certainty if cell is not None and whole is not None else "",
        text=t("cards.field.whole", numbers=whole.text) if whole is not None else "",
        **strips,
    )


def _whole(look: Lookup, city: City, field: str, half: float) -> Interval | None:
    """The change of a field from its joint model."""
    table = look.data.beside.fields
    rows = table[(table["city"] == city.key) & (table["field"] == field)]
    if not look.two_years or rows.empty:
        return None
    numbers = [float(rows.iloc[0][f"field_change_{part}"]) for part in ("mean", "lower", "upper")]
    return _drawn(look, numbers, half, 1.0, 1) if all(math.isfinite(x) for x in numbers) else None


def _strip(look: Lookup, city: City, rows: Iterable[CityRow], name: str, half: float, whole: Interval | None) -> Strip | None:
    found = [(row.indicator, _interval(look, city, row, name, half, _step(row.indicator, name), 1)) for row in rows]
    told = [(one.name, part) for one, part in found if part is not None]
    if not told and whole is None:
        return None
    named = [*([(look.texts.t("cards.field.together"), whole)] if whole is not None else []), *told]
    numbers = "; ".join(look.texts.t("cards.field.numbers", name=one, numbers=part.text) for one, part in named)
    return Strip(whole, tuple(part for _, part in told), look.texts.t(f"cards.alt.{name}", numbers=numbers))


def _step(one: Indicator, name: str) -> float:
    return one.rho_level if name == "standing" else one.rho


def _ends(rows: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    ends = np.abs(rows[[f"{name}_{part}" for name in names for part in ("lower", "upper")]].to_numpy(float))
    return ends[np.isfinite(ends)]
