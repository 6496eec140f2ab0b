"""Statements about action fields: a word per city and field from the joint model of the field's indicators."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from integstat.report.view.lookup import City, Lookup
from integstat.report.words import certainty

_WORDS = ("improved", "worsened", "unchanged")
_NARROW = 0.95  # an average this much narrower is told


@dataclass(frozen=True)
class FieldCell:
    """A word with its probability; what it rests on."""

    word: str
    kind: str
    certainty: str
    figure: str
    count: str


@dataclass(frozen=True)
class FieldsView:
    """The fields and a row of cells per city; `alone` names fields with one indicator, which have no statement of their own."""

    fields: tuple[str, ...]
    rows: tuple[tuple[City, tuple[FieldCell, ...]], ...]
    alone: str
    example: str


def fields_view(look: Lookup) -> FieldsView:
    """Put the statements about fields into words."""
    table, t = look.data.beside.fields, look.texts.t
    names = {one.field: one.field_name for one in look.indicators}
    shown = [field for field in names if field in set(table["field"])]
    if not look.two_years:
        return FieldsView((), (), "", "")
    cells = {(str(row["city"]), str(row["field"])): row for _, row in table.iterrows()}
    rows = tuple((city, tuple(_cell(look, cells[city.key, field]) for field in shown)) for city in look.cities) if shown else ()
    single = [names[field] for field in names if field not in shown]
    alone = t("fields.alone", fields=look.texts.listing(single)) if single else ""
    return FieldsView(tuple(names[field] for field in shown), rows, alone, _naive(look) if shown else "")


def _cell(look: Lookup, row: pd.Series) -> FieldCell:
    t, texts = look.texts.t, look.texts
    kind, count = str(row["finding_field"]), int(row["n_indicators"])
    if pd.isna(row["field_change_mean"]):
        return FieldCell(t("fields.missing"), "missing", "", "", "")
    chances = {word: float(row[f"p_field_{word}"]) for word in _WORDS}
    sure = certainty(chances[kind], texts) if kind in chances else ""
    return FieldCell(
        word=t(f"fields.word.{kind}"),
        kind=kind,
        certainty=sure,
        figure=t(
            "fields.figure",
            mean=texts.number(float(row["field_change_mean"]), 1, sign=True),
            interval=texts.interval(float(row["field_change_lower"]), float(row["field_change_upper"]), 1),
        ),
        count=texts.plural(count, t("noun.indicator.single"), t("noun.indicator.several")),
    )


def _naive(look: Lookup) -> str:
    """How much narrower the average of separate findings would be."""
    table = look.data.beside.fields.dropna(subset=["field_change_lower", "naive_lower"])
    joint, naive = ((table[f"{name}_upper"] - table[f"{name}_lower"]).median() for name in ("field_change", "naive"))
    if not len(table) or not naive < _NARROW * joint:
        return ""
    return look.texts.t("fields.naive", share=look.texts.percent(float(naive / joint)))
