"""One definition on its way from draws to probabilities: the same numbers whether a whole run asks or a single universe."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.findings import rings

from integstat.catalogue import Catalogue
from integstat.change import with_lasting
from integstat.change.lasting import open_lasting
from integstat.change.settings import Priors
from integstat.findings import Baseline, FindingSettings
from integstat.findings.cells import Cities, cities_of
from integstat.findings.definition import (
    chances,
    doubt_of_lasting,
    estimated,
    judge,
    own_peers,
    tells_own_change,
    with_lasting_of,
)
from integstat.findings.estimands import Estimands
from integstat.findings.frame import EVENTS

COUNT, LANDS = 12, ["91"] * 4 + ["92"] * 8
LABELS = np.arange(COUNT) % 3
BASELINE = Baseline(tuple(f"{i:05d}" for i in range(COUNT)), labels=np.tile(LABELS, (20, 1)))
ONE = "U.main"


def opened(
    *, draws: int = 200, noise: float = 0.15, moved: float = 0.0, missing: int | None = None, seed: int = 0
) -> xr.DataTree:
    """Posterior that leaves open what lasts; `moved`: what the cities of Land 91 have in common; `missing`: no last year."""
    rng = np.random.default_rng(seed)
    shape = (draws, COUNT, 2)
    last = -1.0 + 0.4 * rng.standard_normal(shape[1:]) + noise * rng.standard_normal(shape)
    change = 0.25 * rng.standard_normal(shape[1:]) + noise * rng.standard_normal(shape)
    change[:, :4, 0] += moved
    n = np.full((COUNT, 2, 2), 1000.0)
    if missing is not None:
        n[missing, 0, 1] = 0.0
    out = rings.tree(last, change, n=n, peers=LABELS.tolist())
    content = out["posterior"].to_dataset().drop_vars("lasting_change")
    sizes = (1, draws)
    content = content.assign(
        delta=(("chain", "draw", "group"), 0.1 * rng.standard_normal((*sizes, 2))),
        sd_change=(("chain", "draw", "group"), np.full((*sizes, 2), 0.3)),
        corr_change=(("chain", "draw"), np.full(sizes, 0.4)),
    )
    out["posterior"] = xr.DataTree(content.assign(open_lasting(content, seed)))
    return out


def book(scope: str = "all_cities", polarity: str = "+", cap: bool = False) -> Catalogue:
    return rings.catalogue(rings.indicator("U", polarity, scope=scope), breaks=[rings.cap(ONE, "91")] if cap else [])


def known(tree: xr.DataTree, catalogue: Catalogue, asked: FindingSettings, lands: list[str] = LANDS) -> Cities:
    return cities_of(ONE, rings.panel({ONE: tree}, COUNT, lands), catalogue, rings.YEARS, asked)


def found_in(tree: xr.DataTree, catalogue: Catalogue, cities: Cities, asked: FindingSettings, **more: Any) -> Estimands:
    return estimated(ONE, tree, catalogue, cities, asked, BASELINE, **more)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0.5, 20),
    st.floats(0.5, 20),
    st.sampled_from(["+", "-"]),
    st.sampled_from(["all_cities", "same_land"]),
    st.booleans(),
)
def test_what_lasts_is_the_same_before_and_after(a: float, b: float, polarity: str, scope: str, cap: bool) -> None:
    tree, catalogue, asked = opened(draws=40, missing=7), book(scope, polarity, cap), FindingSettings()
    cities = known(tree, catalogue, asked)
    open_ = found_in(tree, catalogue, cities, asked, display=False)
    late = with_lasting_of(ONE, open_, tree, catalogue, cities, a, b)
    early = found_in(with_lasting(tree, Priors(lasting_a=a, lasting_b=b)), catalogue, cities, asked)
    assert late.lasting is not None and early.lasting is not None
    np.testing.assert_array_equal(late.lasting, early.lasting)
    np.testing.assert_array_equal(late.relative, early.relative)


def test_without_points_nothing_that_decides_differs() -> None:
    tree, catalogue, asked = opened(), book(), FindingSettings()
    cities = known(tree, catalogue, asked)
    whole, bare = (found_in(with_lasting(tree, Priors()), catalogue, cities, asked, display=shown) for shown in (True, False))
    for name in ("change", "relative", "lasting", "against_peers", "against_land", "standing", "gap"):
        assert getattr(whole, name) is not None
        np.testing.assert_array_equal(getattr(whole, name), getattr(bare, name))
    assert whole.change_points is not None and bare.change_points is None


@pytest.mark.parametrize("headline", ["ring", "peers", "land", "own", "lasting"])
@pytest.mark.parametrize(
    ("more", "moved"),
    [
        ({}, 0.8),
        ({"caps": False}, 0.0),
        ({"gap_scale": "points"}, 0.8),
        ({"gap_scale": "ratio", "rho_times": 2.0}, 0.0),
        ({"absolute_from": 30}, 0.8),
    ],
)
def test_chances_are_the_columns_of_a_run(headline: str, more: dict[str, Any], moved: float) -> None:
    tree, catalogue = opened(draws=100, moved=moved, missing=7), book(cap="caps" in more)
    asked = FindingSettings.model_validate({"headline": headline} | more)
    whole = with_lasting(tree, Priors())
    whole.attrs |= {"definition": ONE, "shift_source": "default"}
    grid = rings.findings({ONE: whole}, catalogue, lands=LANDS, baseline=BASELINE, **asked.model_dump()).grid
    cities = known(whole, catalogue, asked)
    found = found_in(whole, catalogue, cities, asked)
    told = chances(ONE, judge(ONE, found, whole, catalogue, cities, asked), whole, catalogue, cities, asked)
    assert grid["city"].tolist() == cities.table.index.tolist()
    for name in (*EVENTS.values(), "p_lasting"):
        np.testing.assert_array_equal(told[name], grid[name].to_numpy(float), err_msg=name)
    for name in ("eligible", "eligible_gap", "eligible_absolute"):
        np.testing.assert_array_equal(told[name], grid[name].to_numpy(bool), err_msg=name)
    assert np.isnan(told["p_success"][7])


def test_a_land_that_moved_is_taken_into_account_only_among_cities() -> None:
    tree, catalogue = with_lasting(opened(moved=1.5), Priors()), book()
    for headline, taken in (("ring", True), ("peers", True), ("lasting", True), ("own", False), ("land", False)):
        asked = FindingSettings.model_validate({"headline": headline})
        cities = known(tree, catalogue, asked)
        judged = judge(ONE, found_in(tree, catalogue, cities, asked), tree, catalogue, cities, asked)
        assert [one.shifted for one in judged.lands if one.land == "91"] == [True]
        assert (judged.beyond is not None) == taken


@pytest.mark.parametrize(("scope", "lands"), [("same_land", LANDS), ("all_cities", ["91"] * COUNT)])
def test_no_land_is_held_against_another_where_there_is_no_comparison(scope: str, lands: list[str]) -> None:
    tree, catalogue, asked = opened(moved=1.5), book(scope), FindingSettings()
    cities = known(tree, catalogue, asked, lands)
    judged = judge(ONE, found_in(tree, catalogue, cities, asked), tree, catalogue, cities, asked)
    assert judged.lands == [] and judged.beyond is None


@pytest.mark.parametrize(("scope", "lands", "own"), [
    ("all_cities", LANDS, False), ("own_series", LANDS, True), ("same_land", LANDS, True), ("same_land", ["91"] * COUNT, False),
])  # fmt: skip
def test_some_definitions_have_peers_of_their_own(scope: str, lands: list[str], own: bool) -> None:
    tree, catalogue = opened(draws=20), book(scope)
    cities = known(tree, catalogue, FindingSettings(), lands)
    assert own_peers(catalogue.definition(ONE)[1], cities) == own


def test_own_changes_need_cities_or_a_history() -> None:
    tree, catalogue = opened(draws=20), book(cap=True)
    changed = np.ones(COUNT, dtype=bool)
    for enough, caps, source, expected in ((8, True, "default", True), (9, True, "default", False), (9, False, "default", True),
                                           (9, True, "history", True)):  # fmt: skip
        asked = FindingSettings(absolute_from=enough, caps=caps)
        tree.attrs["shift_source"] = source
        assert tells_own_change(changed, tree, known(tree, catalogue, asked), asked) == expected  # the four of Land 91 are capped
    changed[11] = False
    tree.attrs["shift_source"] = "default"
    asked = FindingSettings(absolute_from=8)
    assert not tells_own_change(changed, tree, known(tree, catalogue, asked), asked)


# --- how much of the doubt about what lasts is about what lasts


def parts(tree: xr.DataTree, a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
    """Part of the doubt, and all of it."""
    catalogue, asked = book(), FindingSettings()
    cities = known(tree, catalogue, asked)
    found = with_lasting_of(ONE, found_in(tree, catalogue, cities, asked, display=False), tree, catalogue, cities, a, b)
    assert found.lasting is not None
    p = (found.lasting > 0).mean(axis=0)
    return doubt_of_lasting(ONE, found, tree, catalogue, cities, a, b), p * (1 - p)


def test_where_counts_tell_everything_all_doubt_is_about_what_lasts() -> None:
    part, whole = parts(opened(draws=2000, noise=0.0), 2.0, 3.0)
    np.testing.assert_allclose(part, whole, atol=0.03)
    assert whole.max() > 0.1


def test_where_all_lasts_no_doubt_is_about_it() -> None:
    part, whole = parts(opened(draws=500, noise=0.3), 1e6, 1.0)
    np.testing.assert_allclose(part, 0.0, atol=0.01)
    assert whole.max() > 0.1


@settings(max_examples=20, deadline=None)
@given(st.floats(0.5, 10), st.floats(0.5, 10), st.integers(0, 50))
def test_the_part_is_within_the_whole(a: float, b: float, seed: int) -> None:
    part, whole = parts(opened(draws=40, seed=seed), a, b)
    assert (part >= 0).all() and (part <= whole + 1e-12).all()
