"""The sheets of `findings.xlsx`: which tables people get, in their language, and what every column means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import pandas as pd

from integstat.report.data import ReportData
from integstat.report.view.lookup import Lookup, build_lookup
from integstat.report.view.reasons import notes_of
from integstat.report.words import flags_of, state_of
from integstat.texts import Texts

Kind = Literal["text", "sentence", "level", "points", "times", "probability", "share", "whole", "flag"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Columns = dict[str, Kind]

_CELL: Columns = {
    "city_name": "text",
    "indicator_name": "text",
    "city": "text",
    "land_name": "text",
    "field_name": "text",
    "indicator": "text",
    "definition": "text",
    "definition_name": "text",
    "unit": "text",
    "direction": "text",
    "peer_group": "text",
    "finding": "text",
    "finding_change": "text",
    "finding_level": "text",
    "finding_gap": "text",
    "p_success": "probability",
    "p_deficit": "probability",
    "p_stable": "probability",
}
_NUMBERS: Columns = {
    "level_first": "level",
    "level_last": "level",
    "change_raw": "points",
    "change_mean": "points",
    "change_lower": "points",
    "change_upper": "points",
    "relative_change_mean": "points",
    "relative_change_lower": "points",
    "relative_change_upper": "points",
    "change_against_peers_mean": "points",
    "change_against_peers_lower": "points",
    "change_against_peers_upper": "points",
    "p_change_against_peers": "probability",
    "lasting_change_mean": "points",
    "p_lasting": "probability",
    "standing_mean": "points",
    "standing_lower": "points",
    "standing_upper": "points",
    "gap_change_points": "points",
    "p_gap_narrowed": "probability",
    "p_gap_widened": "probability",
}
TABLES: dict[str, Columns] = {
    "findings": {**_CELL, "robustness": "share", **_NUMBERS, "flags": "sentence", "reasons": "sentence"},
    "definitions": {**_CELL, **_NUMBERS, "flags": "sentence"},
    "fields": {
        "city_name": "text",
        "field_name": "text",
        "city": "text",
        "n_indicators": "whole",
        "indicators": "text",
        "finding_field": "text",
        "field_change_mean": "times",
        "field_change_lower": "times",
        "field_change_upper": "times",
        "p_field_improved": "probability",
        "p_field_worsened": "probability",
        "p_field_unchanged": "probability",
    },
    "peers": {
        "city_name": "text",
        "peer_group": "text",
        "city": "text",
        "group_probability": "probability",
        "second_group": "text",
        "second_probability": "probability",
        "borderline": "flag",
    },
    "problems": {
        "severity": "text",
        "city_name": "text",
        "city": "text",
        "definition": "text",
        "file": "text",
        "place": "text",
        "what": "sentence",
        "mend": "sentence",
    },
}
CODEBOOK: Columns = {
    "book_sheet": "text",
    "book_column": "text",
    "book_name": "text",
    "book_meaning": "sentence",
    "book_unit": "sentence",
    "book_direction": "sentence",
}


@dataclass(frozen=True)
class Sheet:
    """A table as people read it.

    Attributes
    ----------
    id : str
        Key of its texts.
    columns : dict of str to Kind
        Kind of content by column, in the order to show.
    frame : pandas.DataFrame
        Those columns; NaN, None or empty text: an empty cell.
    """

    id: str
    columns: Columns
    frame: pd.DataFrame


def build_sheets(data: ReportData, texts: Texts) -> tuple[Sheet, ...]:
    """Gather all tables and, as the last one, the codebook.

    Raises
    ------
    ReportError
        If there is no finding in any main definition.

    Notes
    -----
    Counts, and differences in persons, are left out: with a difference of rates beside them they would give the base of a city.
    """
    look = build_lookup(data, texts)
    frames = {
        "findings": _cells(look, data.findings.grid).assign(reasons=_reasons(look)),
        "definitions": _cells(look, data.findings.others),
        "fields": _fields(look),
        "peers": _peers(look),
        "problems": _problems(look),
    }
    tables = tuple(Sheet(name, columns, frames[name][list(columns)]) for name, columns in TABLES.items())
    return (*tables, _codebook(texts))


def _cells(look: Lookup, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of the grid, or of the other definitions, with names and words for the keys."""
    t, catalogue = look.texts.t, look.data.catalogue
    entries = {one: catalogue.definition(one) for one in frame["definition"].unique()}
    ways = {one: {1: "up", -1: "down"}.get(catalogue.polarity(one), "none") for one in entries}
    definition = frame["definition"]
    words = {
        name: frame[name].map(lambda key: t(f"workbook.word.{key}") if isinstance(key, str) and key else "")
        for name in ("finding_change", "finding_level", "finding_gap")
    }
    return frame.assign(
        **words,
        land_name=_by_city(look, frame["city"], "land_name"),
        field_name=_field_names(look, frame["field"]),
        indicator_name=definition.map(lambda one: look.texts.of(entries[one][0])),
        definition_name=definition.map(lambda one: look.texts.of(entries[one][1])),
        unit=definition.map(lambda one: t(f"workbook.unit_name.{entries[one][0].unit}")),
        direction=definition.map(lambda one: t(f"workbook.way.{ways[one]}")),
        peer_group=_group_names(look, frame["peer_group"]),
        finding=[t(f"word.{state_of(row)}") for _, row in frame.iterrows()],
        flags=["; ".join(t(f"workbook.flag.{flag}") for flag in flags_of(row)) for _, row in frame.iterrows()],
    )


def _reasons(look: Lookup) -> list[str]:
    """What the report says beside every cell of the grid."""
    cities = {city.key: city for city in look.cities}
    indicators = {one.definition: one for one in look.indicators}
    told = []
    for _, row in look.data.findings.grid.iterrows():
        one, city = indicators.get(str(row["definition"])), cities[str(row["city"])]
        told.append(" ".join(notes_of(look, city, one, row, state_of(row))) if one else "")
    return told


def _fields(look: Lookup) -> pd.DataFrame:
    frame = look.data.beside.fields
    words = [look.texts.t(f"workbook.word.{key}") for key in frame["finding_field"]]
    return frame.assign(field_name=_field_names(look, frame["field"]), finding_field=words)


def _peers(look: Lookup) -> pd.DataFrame:
    frame = look.data.peers.rename(columns={"probability": "group_probability"}).reindex(columns=list(TABLES["peers"]))
    return frame.assign(**{name: _group_names(look, frame[name]) for name in ("peer_group", "second_group")})


def _problems(look: Lookup) -> pd.DataFrame:
    frame = look.data.problems
    words = [look.texts.t(f"problems.severity.{key}") for key in frame["severity"]]
    return frame.assign(severity=words, city_name=_by_city(look, frame["city"], "name"))


def _by_city(look: Lookup, keys: pd.Series, column: str) -> pd.Series:
    cities = look.data.cities
    return keys.map(dict(zip(cities["city"], cities[column], strict=True)))


def _field_names(look: Lookup, keys: pd.Series) -> pd.Series:
    return keys.map({key: look.texts.of(one) for key, one in look.data.catalogue.fields.items()})


def _group_names(look: Lookup, names: pd.Series) -> pd.Series:
    return names.map(look.group_name, na_action="ignore")


def _codebook(texts: Texts) -> Sheet:
    """Meaning, unit and direction of every column of every sheet, its own included."""
    t, rows = texts.t, []
    for sheet, columns in (*TABLES.items(), ("codebook", CODEBOOK)):
        for key, kind in columns.items():
            texts_of = (f"workbook.sheet.{sheet}", f"workbook.column.{key}")
            meaning = (f"workbook.meaning.{key}", f"workbook.unit.{kind}", f"workbook.direction.{kind}")
            rows.append((t(texts_of[0]), t(texts_of[1]), key, *(t(one) for one in meaning)))
    return Sheet("codebook", CODEBOOK, pd.DataFrame(rows, columns=list(CODEBOOK)))
