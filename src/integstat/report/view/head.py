"""The head: what stands, how much of it is expected to be wrong, and what the data cannot carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from integstat.report.view.grid import strength
from integstat.report.view.lookup import Indicator, Lookup
from integstat.report.words import CHANGES, DECLARED, STATES, State, flags_of, state_of


@dataclass(frozen=True)
class Tile:
    """A state with the number of its cells."""

    state: State
    number: str
    word: str
    detail: str
    wrong: str


@dataclass(frozen=True)
class HeadView:
    """Title, banner, numbers, the paragraph of what stands, and how to read the report."""

    title: str
    subtitle: str
    banner: str
    tiles: tuple[Tile, ...]
    stands: tuple[str, ...]
    ring: tuple[str, ...]
    cannot: tuple[str, ...]
    reading: tuple[str, ...]


def head_view(look: Lookup) -> HeadView:
    """Count what the grid says; the numbers of the sentences are the numbers of the grid."""
    t, grid = look.texts.t, _grid(look)
    states = grid.apply(state_of, axis=1)
    numbers = {state: int((states == state).sum()) for state in STATES}
    numbers["deficit"] = int(grid["counts_as_deficit"].sum())
    wrong = {state: expected_wrong(grid, state) for state in DECLARED}
    level_only = int((grid["counts_as_deficit"] & (grid["finding_change"] != "worsened")).sum())
    shown: tuple[State, ...] = (*DECLARED, "open")
    tiles = tuple(
        Tile(
            state,
            look.texts.number(numbers[state], 0),
            t(f"head.tile.{state}", n=numbers[state]),
            t("head.tile.level_only", n=level_only) if state == "deficit" and level_only and look.two_years else "",
            t("head.tile.wrong", x=look.texts.number(wrong[state], 1)) if numbers[state] and state in wrong else "",
        )
        for state in shown
        if look.two_years or state not in CHANGES
    )
    return HeadView(
        title=t("head.title", ring=look.data.ring_name),
        subtitle=t(
            "head.subtitle",
            n=len(look.data.years),
            cities=look.texts.plural(len(look.cities), *_pair(look, "city")),
            years=_years(look),
        ),
        banner=t(f"head.{look.data.origin}") if look.data.origin else "",
        tiles=tiles,
        stands=_stands(look, grid, numbers, wrong),
        ring=_with_the_ring(look, grid),
        cannot=_cannot(look, grid, states),
        reading=_reading(look),
    )


def expected_wrong(grid: pd.DataFrame, state: str) -> float:
    """Return how many cells that carry a finding are expected to be wrong: the sum of their error probabilities.

    A deficit is counted as the run counts it: also where it stands beside a success, and where only its part (change or
    level) was declared. This holds if the model does; it says nothing about wrong data or wrong definitions.
    """
    member = grid["counts_as_deficit"].astype(bool) if state == "deficit" else grid["finding"] == state
    return float((1 - grid.loc[member, f"p_{state}"]).sum())


def _grid(look: Lookup) -> pd.DataFrame:
    grid = look.data.findings.grid
    return grid[grid["definition"].isin([one.definition for one in look.indicators])]


def _pair(look: Lookup, noun: str) -> tuple[str, str]:
    return look.texts.t(f"noun.{noun}.single"), look.texts.t(f"noun.{noun}.several")


def _years(look: Lookup) -> str:
    return look.texts.listing(str(year) for year in look.data.years)


def _stands(look: Lookup, grid: pd.DataFrame, numbers: dict[State, int], wrong: dict[State, float]) -> tuple[str, ...]:
    texts = look.texts
    fields = len({one.field for one in look.indicators})
    out = [
        texts.t(
            "head.scope",
            cells=texts.plural(len(grid), *_pair(look, "cell")),
            indicators=texts.plural(len(look.indicators), *_pair(look, "indicator")),
            fields=texts.plural(fields, *_pair(look, "field")),
            eligible=int(grid["eligible"].sum()),
        )
    ]
    declared = texts.listing(
        texts.t(f"head.count.{state}", n=numbers[state]) for state in DECLARED if look.two_years or state not in CHANGES
    )
    out.append(texts.t("head.declared", declared=declared))
    both = int(((grid["finding"] == "success") & grid["counts_as_deficit"].astype(bool)).sum())
    if both:
        out.append(texts.t("head.both", n=both))
    told = [(state, wrong[state]) for state in DECLARED if numbers[state] or (state == "deficit" and both)]
    if told:
        listed = texts.listing(texts.t(f"head.wrong.{state}", x=texts.number(x, 1)) for state, x in told)
        out.append(texts.t("head.expected_wrong", listed=listed))
    out.append(texts.t("head.open", n=numbers["open"]))
    return (*out, *_reach(look, grid))


def _reach(look: Lookup, grid: pd.DataFrame) -> tuple[str, ...]:
    """How many findings stand on nearly all equivalent ways of computing, and how many on fewer than half."""
    known = grid.loc[grid["finding"].isin(DECLARED), "robustness"].dropna()
    if known.empty:
        return ()
    levels = [strength(float(share)) for share in known]
    return (look.texts.t("head.reach", total=len(levels), most=levels.count(4)), look.texts.t("head.fragile", n=levels.count(1)))


def _with_the_ring(look: Lookup, grid: pd.DataFrame) -> tuple[str, ...]:
    if not look.two_years:
        return ()
    t = look.texts.t
    moved: dict[str, list[str]] = {"up": [], "down": []}
    for one in look.indicators:
        word = str(look.ring_row(one.definition)["word"])
        if one.allowed and word in ("improved", "worsened"):
            moved["up" if word == "improved" else "down"].append(one.name)
    out = [t(f"head.ring.{side}", n=len(names), names=look.texts.listing(names)) for side, names in moved.items() if names]
    out = [*out, t("head.ring.common")] if out else [t("head.ring.none")]
    along = sum("with_ring" in flags_of(row) for _, row in grid[grid["eligible"].astype(bool)].iterrows())
    return (*out, t("head.ring.cells", n=along)) if along else tuple(out)


def _cannot(look: Lookup, grid: pd.DataFrame, states: pd.Series) -> tuple[str, ...]:
    out = []
    for state in ("capped", "missing", "context"):
        touched = grid[states == state]
        if len(touched):
            names = look.texts.listing(one.name for one in look.indicators if one.id in set(touched["indicator"]))
            out.append(look.texts.t(f"head.cannot.{state}", n=len(touched), names=names))
    if look.unfitted:
        out.append(look.texts.t("head.cannot.unfitted", n=len(look.unfitted), names=look.texts.listing(look.unfitted)))
    apart = [one.name for one in look.indicators if one.within_land]
    if apart:
        out.append(look.texts.t("head.cannot.within_land", n=len(apart), names=look.texts.listing(apart)))
    unclear: Sequence[Indicator] = [one for one in look.indicators if not one.verified]
    if unclear:
        key = "all_unverified" if len(unclear) == len(look.indicators) else "unverified"
        out.append(look.texts.t(f"head.cannot.{key}", n=len(unclear), names=look.texts.listing(one.name for one in unclear)))
    return tuple(out)


def _reading(look: Lookup) -> tuple[str, ...]:
    years = {"first": look.first, "last": look.last}
    keys = ("success", "deficit", "stable", "open") if look.two_years else ("deficit_one_year", "open")
    findings = [look.texts.t(f"head.reading.{key}", **years) for key in keys]
    about = ("better",) if look.data.origin == "unofficial" else ("volunteers", "better")
    told = " ".join(look.texts.t(f"head.reading.{key}") for key in about)
    return (" ".join(findings), look.texts.t("head.reading.no_ranking"), told)
