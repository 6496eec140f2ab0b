"""What is told of every finding agrees with the universes it is told from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sensitivity import tiny
from tests.sensitivity.spaces import DEFICIT, OPEN, SUCCESS, space, spaces
from tests.sensitivity.tiny import BASE, axis, book, computed, own_findings, ring

from integstat.sensitivity.decide import Decided, decide
from integstat.sensitivity.explain import (
    ATTRIBUTION_CODEBOOK,
    ROBUSTNESS_CODEBOOK,
    Explained,
    explain,
    with_robustness,
    without_caps,
)
from integstat.sensitivity.robustness import mixed, pooled, robustness
from integstat.sensitivity.space import Space
from integstat.sensitivity.universes import FINDINGS, NOT_THERE, Universes
from integstat.steps import Store

AXES = (
    axis("peers", {"change.peers": "none"}),
    axis("caps", {"findings.caps": False}),
    axis("step", {"findings.rho_times": 2.0}),
    axis("error", {"findings.q": 0.1}),
)


def grid_of(universes: Universes, codes: np.ndarray) -> pd.DataFrame:
    """The columns of the grid that explanations read, with these findings."""
    names = {"city": universes.cities, "city_name": [f"Stadt {one}" for one in universes.cities], "field": "work"}
    there = np.where(codes == NOT_THERE, np.nan, 0.5)
    return pd.DataFrame(
        names
        | {"indicator": universes.indicator, "definition": universes.definition[universes.main]}
        | {"finding": np.array(FINDINGS)[np.maximum(codes, 0)]}
        | dict.fromkeys(("p_success", "p_deficit", "p_stable"), there)
    )


def told(universes: Universes, codes: np.ndarray) -> Explained:
    whole = replace(universes, probability={**universes.probability, "p_lasting": universes.probability["p_success"]})
    return explain(grid_of(whole, codes), {whole.indicator: whole})


@pytest.fixture(scope="module")
def run(kept: Path) -> tuple[Space, Decided, Explained]:
    one = ring(mixed=True)
    over = tiny.space(one, *AXES)
    found = decide(own_findings(BASE, one, keeper=Store(kept)), computed(over, one, kept).answers, over, book(), one.panel.cities)
    return over, found, explain(found.findings.grid, found.universes)


def changes_of(text: str) -> list[tuple[dict[str, str], str]]:
    """Read the column `flips`: changes, and the finding after them."""
    out = []
    for part in text.split(";") if text else []:
        names, finding = part.split(":")
        out.append((dict(one.split("=") for one in names.split("+")) if names != "main" else {}, finding))
    return out


def test_every_row_of_the_grid_is_explained(run: tuple[Space, Decided, Explained]) -> None:
    _, found, explained = run
    table = explained.robustness
    assert list(table.columns) == list(ROBUSTNESS_CODEBOOK) and list(explained.attribution.columns) == list(ATTRIBUTION_CODEBOOK)
    assert len(table) == len(found.findings.grid) == 18
    both = table.merge(found.findings.grid, on=["city", "indicator"], suffixes=("", "_grid"))
    assert (both["finding"] == both["finding_grid"]).all() and (both["definition"] == both["definition_grid"]).all()
    declared = both[both["finding"] != "open"]
    assert len(declared)
    for row in declared.itertuples():
        assert row.event == f"p_{row.finding}"
        assert row.p_headline == pytest.approx(getattr(row, row.event), abs=1e-12)  # the grid's own, mixed


def test_the_columns_are_those_of_the_universes(run: tuple[Space, Decided, Explained]) -> None:
    _, found, explained = run
    for indicator, one in found.universes.items():
        rows = explained.robustness[explained.robustness["indicator"] == indicator].set_index("city").loc[list(one.cities)]
        codes = np.array([FINDINGS.index(name) for name in rows["finding"]])
        capped = (
            found.findings.grid.set_index(["indicator", "city"]).loc[indicator].loc[list(one.cities), "capped"].to_numpy(bool)
        )
        assert rows["robustness"][capped].isna().all()
        estimable = rows["p_own"].notna().to_numpy() & ~capped
        np.testing.assert_allclose(rows["robustness"][estimable], robustness(one, codes).share[estimable])
        for c, event in enumerate(rows["event"]):
            expected = (one.probability[event][one.main, c], mixed(one, event)[c], pooled(one, event)[c])
            assert tuple(rows[["p_own", "p_headline", "p_pooled"]].iloc[c]) == pytest.approx(expected, nan_ok=True)
    filled = with_robustness(found.findings.grid, explained)
    both = filled.merge(explained.robustness, on=["city", "indicator"], suffixes=("", "_told"))
    np.testing.assert_array_equal(both["robustness"], both["robustness_told"])
    assert filled.drop(columns="robustness").equals(found.findings.grid.drop(columns="robustness"))


def test_flips_lead_where_they_say(run: tuple[Space, Decided, Explained]) -> None:
    _, found, explained = run
    flipped = 0
    for row in explained.robustness.itertuples():
        one = found.universes[row.indicator]
        city = one.cities.index(row.city)
        for size, text, sorts in ((row.flip_size, row.flips, ("model", "measurement")), (row.flip_size_any, row.flips_any, None)):
            assert (text == "") == np.isnan(size)
            for names, finding in changes_of(text):
                assert len(names) == size
                assert sorts is None or all(axis.sort in sorts for axis in one.axes if axis.id in names)
                taken = [[alternative.id for alternative in axis.alternatives].index(names[axis.id]) if axis.id in names else 0
                         for axis in one.axes]  # fmt: skip
                place = int(np.flatnonzero((one.choice == taken).all(axis=1))[0])
                assert FINDINGS[one.finding[place, city]] == finding != row.finding
                flipped += 1
    assert flipped > 5


def sums(explained: Explained, universes: Mapping[str, Universes]) -> None:
    """Parts of every cell sum to P̄(1 − P̄), and shares to 1."""
    for (indicator, city, event), part in explained.attribution.groupby(["indicator", "city", "event"]):
        one = universes[str(indicator)]
        model = [axis.id for axis in one.axes if axis.sort in ("model", "measurement")]
        assert part["part"].tolist() == ["counting_error", "what_lasts", *model]
        p = float(pooled(one, str(event))[one.cities.index(str(city))])
        if np.isfinite(p):
            assert part["value"].sum() == pytest.approx(p * (1 - p), abs=1e-12)
            assert (part["value"] >= -1e-12).all()
            if p * (1 - p) > 1e-9:
                assert part["share"].sum() == pytest.approx(1.0)


def test_parts_sum_to_the_whole(run: tuple[Space, Decided, Explained]) -> None:
    _, found, explained = run
    assert len(explained.attribution) == 2 * 18 * 4  # event and what lasts; counting, lasting, peers, denominator
    sums(explained, found.universes)


@settings(max_examples=15, deadline=None)
@given(spaces(), st.lists(st.sampled_from([OPEN, SUCCESS, DEFICIT, NOT_THERE]), min_size=3, max_size=3).map(np.array))
def test_any_universes_can_be_told(universes: Universes, codes: np.ndarray) -> None:
    explained = told(universes, codes)
    table = explained.robustness
    assert len(table) == 3 and table["robustness"].isna()[codes == NOT_THERE].all()
    assert table["robustness"].dropna().between(0, 1).all()
    np.testing.assert_allclose(table["robustness"], robustness(universes, codes).share)


def test_an_alternative_that_finds_the_same_everywhere_explains_nothing() -> None:
    p = np.tile([0.9, 0.3], 2)  # second axis matters, first does not
    universes = space((2, 2), probability=p, finding=np.where(p > 0.5, SUCCESS, OPEN))
    parts = told(universes, np.array([SUCCESS])).attribution.query("event == 'p_success'").set_index("part")
    assert parts.loc["axis0", "value"] == 0
    assert parts.loc["axis1", "value"] == pytest.approx(np.var([0.9, 0.3]))
    table = told(universes, np.array([SUCCESS])).robustness
    assert table["flips"].tolist() == ["axis1=a1:open"] and table["flip_size"].tolist() == [1]
    assert table["robustness"].tolist() == [0.5]


def test_the_story_without_caps_is_that_of_the_universes_that_ask_it(run: tuple[Space, Decided, Explained]) -> None:
    over, found, _ = run
    one = found.universes["R1"]
    story = without_caps(one, over.sets)
    assert story is not None
    place = [axis.id for axis in one.axes].index("caps")
    rows = np.flatnonzero(one.choice[:, place] == 1)
    assert story.universes.number.tolist() == one.number[rows].tolist()
    np.testing.assert_array_equal(story.headline, story.universes.finding[story.universes.main])
    capped = one.cities.index("92001")  # its base doubles
    own = one.finding[one.choice[:, place] == 0]
    assert (own[:, capped] == OPEN).all() and (one.finding[rows, capped] != OPEN).any()
    assert without_caps(one, [[{}, {"findings.rho_times": 2.0}]]) is None


def test_nothing_to_explain() -> None:
    explained = explain(pd.DataFrame({"indicator": []}), {})
    assert explained.robustness.empty and list(explained.robustness.columns) == list(ROBUSTNESS_CODEBOOK)
    assert explained.attribution.empty and explained.stories == {}
