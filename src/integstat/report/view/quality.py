"""How good each city's data are: what can be estimated, what stands in the way, what the intake found."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from integstat.report.view.lookup import City, Lookup
from integstat.report.words import State, flags_of, state_of

_SILENT: tuple[State, ...] = ("missing", "capped")
_FLAGS: dict[str, tuple[str, ...]] = {  # what is told of a cell that has numbers, and the flags that say so
    "coarse": ("coarse",),
    "other_definition": ("other_definition", "bridged"),
    "definition_changed": ("definition_changed",),
    "base_jump": ("base_jump", "base_jump_reference"),
}


@dataclass(frozen=True)
class QualityRow:
    """A city: how many of its indicators carry numbers, what limits them, and how often the intake asks something."""

    city: City
    usable: str
    limits: tuple[str, ...]
    problems: str


def quality_view(look: Lookup) -> tuple[QualityRow, ...]:
    """Tell of every city what its data carry, in the order of the alphabet, which is no rank.

    Notes
    -----
    Counted are main definitions. A city without any remark may still have sent wrong figures: only what can be seen from
    the figures themselves is told.
    """
    found = dict(list(look.data.problems.groupby("city"))) if len(look.data.problems) else {}
    return tuple(_row(look, city, found.get(city.key)) for city in look.cities)


def _row(look: Lookup, city: City, problems: pd.DataFrame | None) -> QualityRow:
    t, names = look.texts.t, dict[str, list[str]]()
    for one in look.indicators:
        cell = look.cell(city, one)
        state = state_of(cell)
        for key in (state,) if state in _SILENT else _limits(cell):
            names.setdefault(key, []).append(one.name)
    silent = sum(len(names.get(state, ())) for state in _SILENT)
    return QualityRow(
        city=city,
        usable=t("quality.usable", n=len(look.indicators) - silent, total=len(look.indicators)),
        limits=tuple(t(f"quality.{key}", names=look.texts.listing(names[key])) for key in (*_SILENT, *_FLAGS) if key in names),
        problems=_counted(look, problems),
    )


def _limits(cell: pd.Series) -> tuple[str, ...]:
    flags = set(flags_of(cell))
    return tuple(key for key, own in _FLAGS.items() if flags.intersection(own))


def _counted(look: Lookup, problems: pd.DataFrame | None) -> str:
    if problems is None:
        return ""
    counts = [(severity, int((problems["severity"] == severity).sum())) for severity in ("error", "doubt", "hint")]
    return look.texts.listing(look.texts.t(f"problems.count.{severity}", n=n) for severity, n in counts if n)
