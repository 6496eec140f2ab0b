"""The overview: one cell per city and indicator."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from integstat.report.view.lookup import City, Indicator, Lookup
from integstat.report.words import CHANGES, DECLARED, STATES, State, flags_of, state_of

_FIT = 6  # so many headers fit in plain lines; more are turned by 90 degrees
_QUARTERS = (0.0, 0.5, 0.8, 0.95)  # smallest shares of the four strengths
_DENSE = 14  # with more columns than these, letters get smaller


@dataclass(frozen=True)
class Cell:
    """A cell: state, its letter and word, the probability of a finding, and a mark where the change is the ring's own.

    `held` is the share of equivalent ways with the same finding, `strength` the same in quarters, 1 to 4; empty and 0 where
    no other ways were computed or nothing was declared.
    """

    state: State
    letter: str
    word: str
    probability: str
    mark: str
    held: str
    strength: int


@dataclass(frozen=True)
class Line:
    """The cells of one state in a city's list for narrow screens."""

    state: State
    word: str
    indicators: tuple[str, ...]


@dataclass(frozen=True)
class GridRow:
    """A city's row, and the same as a list."""

    city: City
    cells: tuple[Cell, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class GridView:
    """The table, its heads and its legend.

    `fields` holds the action fields with the number of their columns; `alone` the indicators that are the only one of
    their field; `turned` says that the heads stand upright, `dense` that many columns share the width; `held` that some
    cells tell how far they reach.
    """

    fields: tuple[tuple[str, int], ...]
    indicators: tuple[Indicator, ...]
    rows: tuple[GridRow, ...]
    alone: frozenset[str]
    legend: tuple[tuple[State, str, str, str], ...]
    turned: bool
    dense: bool
    held: bool


def grid_view(look: Lookup) -> GridView:
    """Turn the findings of the main definitions into cells."""
    fields: dict[str, int] = {}
    for indicator in look.indicators:
        fields[indicator.field_name] = fields.get(indicator.field_name, 0) + 1
    rows = []
    for city in look.cities:
        cells = tuple(_cell(look.cell(city, indicator), look) for indicator in look.indicators)
        rows.append(GridRow(city, cells, _lines(cells, look)))
    t = look.texts.t
    meaning = {state: t(f"legend.{state}") for state in STATES}
    if not look.two_years:
        meaning = {state: text for state, text in meaning.items() if state not in CHANGES}
        meaning["deficit"] = t("legend_one_year.deficit")
    legend = tuple((state, t(f"letter.{state}"), t(f"word.{state}"), text) for state, text in meaning.items())
    alone = frozenset(one.id for one in look.indicators if fields[one.field_name] == 1)
    count = len(look.indicators)
    held = any(cell.strength for row in rows for cell in row.cells)
    return GridView(tuple(fields.items()), look.indicators, tuple(rows), alone, legend, count > _FIT, count > _DENSE, held)


def _cell(row: pd.Series, look: Lookup) -> Cell:
    state, texts = state_of(row), look.texts
    flags = flags_of(row)
    kind = "poor_level" if state == "success" and "poor_level" in flags else state
    share = float(row["robustness"]) if state in DECLARED else math.nan
    return Cell(
        state=state,
        letter=texts.t(f"letter.{kind}"),
        word=texts.t(f"word.{kind}"),
        probability=texts.percent(float(row[f"p_{state}"])) if state in DECLARED else "",
        mark=texts.t("grid.with_ring") if state in (*DECLARED, "open") and "with_ring" in flags else "",
        held=texts.t("grid.held", share=texts.percent(share)) if math.isfinite(share) else "",
        strength=strength(share),
    )


def strength(share: float) -> int:
    """Share of ways that agree, in quarters: 4 only for (almost) all of them, 1 for few; 0 where it is not known."""
    return sum(share >= bound for bound in _QUARTERS) if math.isfinite(share) else 0


def _lines(cells: tuple[Cell, ...], look: Lookup) -> tuple[Line, ...]:
    lines = []
    for state in STATES:
        names = []
        for cell, indicator in zip(cells, look.indicators, strict=True):
            if cell.state == state:
                told = [part for part in (cell.probability, cell.held, cell.mark) if part]
                names.append(f"{indicator.name} ({', '.join(told)})" if told else indicator.name)
        if names:
            lines.append(Line(state, look.texts.t(f"word.{state}"), tuple(names)))
    return tuple(lines)
