"""What the panel knows: the words and numbers of the cities' tables, once more, for a script to pick from."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from integstat.report.interactive.choices import LETTERS, choice_names, found_otherwise
from integstat.report.view.cities import CityRow, CitySection, Measure
from integstat.report.view.lookup import City, Indicator, Lookup, axis_limit
from integstat.report.view.text import axis_ends
from integstat.report.words import DECLARED, STATES, State, certainty, state_of

COLUMNS = (
    "definition",  # place among the definitions of the indicator; 0 is the main one
    "state",  # place among the states
    "word",  # this and the next three: places among the texts
    "doubt",
    "caveat",
    "notes",
    "level",
    "change",  # this and the next two: value, interval, place of a word among the texts; empty where the page shows none
    "relative",
    "standing",
    "own_bar",  # this and the next: mean, lower and upper bound in points, rounded as they are shown; empty: nothing to draw
    "bar",
    "otherwise",  # findings under other choices, as `found_otherwise` packs them
)
_Shown = list[str | int]
_LABELS = (
    *("heading", "lead", "city", "field", "all_fields", "indicator", "definition", "main", "in_report", "means", "unit", "link"),
    *("key_main", "key_other", "otherwise", "otherwise_lead", "every", "rest", "all"),
)
_TAKEN = {
    "finding": "city.column_finding",
    "change": "city.column_change",
    "relative": "city.column_relative",
    "standing": "city.column_standing",
    "lost": "sensitivity.curves.lost",
    "own": "sensitivity.curves.own",
}


class Strings:
    """Texts, each kept once and named by its place; the first is empty."""

    def __init__(self) -> None:
        self._places = {"": 0}

    def place(self, text: str) -> int:
        """Place of a text, which is added where it is new."""
        return self._places.setdefault(text, len(self._places))

    def all(self) -> list[str]:
        """Return the texts in the order of their places."""
        return list(self._places)


def payload(look: Lookup, sections: Sequence[CitySection]) -> dict[str, object]:
    """Gather what the panel shows.

    Parameters
    ----------
    look : Lookup
    sections : sequence of CitySection
        The cities as the page tells them.

    Returns
    -------
    dict
        Plain lists, texts and finite numbers. `cells` holds, by city and indicator in the order of the page, a row of
        `COLUMNS` per definition that the city delivered, the main one first.

    Notes
    -----
    Every number stands in the page, for other definitions those of their one line in the cities' tables; what figures are
    drawn from is rounded to the digits that are shown. There are no counts. Findings under other choices are words.
    """
    strings = Strings()
    definitions = {one.id: _definitions(look, one) for one in look.indicators}
    others = {(str(row["city"]), str(row["definition"])): row for _, row in look.data.findings.others.iterrows()}
    otherwise = found_otherwise(look.data.sensitivity) if look.data.sensitivity is not None else {}
    cells = []
    for section in sections:
        line = []
        for row in section.rows:
            names, city = definitions[row.indicator.id], section.city
            rows = [_main_row(look, city, row, strings)]
            for place, name in enumerate(names[1:], start=1):
                if (city.key, name) in others:
                    rows.append(_other_row(look, row.indicator, others[city.key, name], place, strings))
            for one in rows:
                told = STATES[int(str(one[1]))] in (*DECLARED, "open", "capped")
                one.append(otherwise.get((city.key, names[int(str(one[0]))]), "") if told else "")
            line.append(rows)
        cells.append(line)
    return {
        "labels": _labels(look),
        "states": [[state, look.texts.t(f"word.{state}"), _meaning(look, state)] for state in STATES],
        "letters": {letter: STATES.index(state) for state, letter in LETTERS.items()},
        "columns": list(COLUMNS),
        "cities": [[section.city.anchor, section.city.name] for section in sections],
        "indicators": [_indicator(look, one, definitions[one.id]) for one in look.indicators],
        "choices": choice_names(look.data.sensitivity, look.texts) if look.data.sensitivity is not None else [],
        "texts": strings.all(),
        "cells": cells,
    }


def _labels(look: Lookup) -> dict[str, str]:
    t = look.texts.t
    level = t("city.column_level", first=look.first, last=look.last) if look.two_years else ""
    return {
        **{name: t(f"interactive.{name}") for name in _LABELS},
        **{name: t(key) for name, key in _TAKEN.items()},
        "level": level or t("city.column_level_one_year", last=look.last),
    }


def _meaning(look: Lookup, state: State) -> str:
    one_year = state == "deficit" and not look.two_years
    return look.texts.t("legend_one_year.deficit" if one_year else f"legend.{state}")


def _definitions(look: Lookup, one: Indicator) -> list[str]:
    """Ids of the delivered definitions of an indicator: the main one, then the others in the order of the findings."""
    others = look.data.findings.others
    return [one.definition, *dict.fromkeys(str(name) for name in others.loc[others["indicator"] == one.id, "definition"])]


def _indicator(look: Lookup, one: Indicator, definitions: list[str]) -> dict[str, object]:
    """Names, unit, and one axis for all definitions, so that a finding moves on it from one to the next."""
    limit = max([one.axis, *(_reach(look, name) for name in definitions[1:])])
    texts, catalogue = look.texts, look.data.catalogue
    return {
        "name": one.name,
        "field": one.field_name,
        "unit": texts.t("city.unit_land" if one.within_land else "city.unit", unit=texts.unit_name(one.unit)),
        "axis": limit,
        "ends": list(axis_ends(look, one, limit)),
        "definitions": [texts.of(catalogue.definition(name)[1]) for name in definitions],
        "steps": [round(float(look.ring_row(name)["rho_points"]), one.digits) for name in definitions],
    }


def _reach(look: Lookup, definition: str) -> float:
    """Half width of the axis that a definition by itself would need."""
    others = look.data.findings.others
    columns = ["relative_change_lower", "relative_change_upper"]
    ends = np.abs(others.loc[others["definition"] == definition, columns].to_numpy(float))
    return axis_limit(ends[np.isfinite(ends)], 1.5 * float(look.ring_row(definition)["rho_points"]))


def _main_row(look: Lookup, city: City, row: CityRow, strings: Strings) -> list[object]:
    """Repeat what the city's table says of an indicator."""
    digits, found = row.indicator.digits, look.cell(city, row.indicator)
    level = look.texts.t("level.both", first=row.level_first, last=row.level_last) if look.two_years else row.level_last
    return [
        0,
        STATES.index(row.state),
        strings.place(row.word),
        strings.place(row.certainty),
        strings.place(row.caveat),
        [strings.place(note) for note in row.notes],
        level,
        _shown(row.change, strings) if look.two_years else [],
        _shown(row.relative, strings) if look.two_years else [],
        _shown(row.standing, strings),
        _bar(found, "change", digits) if look.two_years else [],
        _bar(found, "relative_change", digits) if look.two_years else [],
    ]


def _other_row(look: Lookup, one: Indicator, row: pd.Series, place: int, strings: Strings) -> list[object]:
    """Repeat what the city's table says of another definition: word, certainty, and the change or else the level."""
    texts, state = look.texts, state_of(row)
    mean, lower, upper = (float(row[f"relative_change_{part}"]) for part in ("mean", "lower", "upper"))
    moved = not math.isnan(mean)
    relative = Measure(texts.number(mean, one.digits, sign=True), texts.interval(lower, upper, one.digits), "")
    return [
        place,
        STATES.index(state),
        strings.place(texts.t(f"word.{state}")),
        strings.place(certainty(float(row[f"p_{state}"]), texts) if state in DECLARED else ""),
        0,
        [],
        "" if moved else texts.level(float(row["level_last"]), one.unit, one.digits),
        [],
        _shown(relative, strings) if moved else [],
        [],
        [],
        _bar(row, "relative_change", one.digits) if moved else [],
    ]


def _shown(measure: Measure, strings: Strings) -> _Shown:
    return [measure.value, measure.interval, strings.place(measure.word)] if measure.interval else []


def _bar(row: pd.Series, name: str, digits: int) -> list[float]:
    values = [round(float(row[f"{name}_{part}"]), digits) + 0.0 for part in ("mean", "lower", "upper")]  # no −0
    return values if all(math.isfinite(value) for value in values) else []
