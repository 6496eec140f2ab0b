"""Shocks that are nobody's doing: flagged as such, and no city praised or blamed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.findings.rings import RHO, catalogue, findings, indicator, tree

from integstat.findings.shocks import base_jumps, land_shifts

DRAWS, CITIES = 200, 30
LANDS = ["01"] * 6 + ["02"] * 12 + ["03"] * 12


def moved(own: np.ndarray, seed: int = 1, spread: float = 0.02) -> np.ndarray:
    """Draws of the cities' changes around their own ones, one group."""
    rng = np.random.default_rng(seed)
    return (own + spread * rng.standard_normal((DRAWS, CITIES)))[:, :, None]


def grid_of(change: np.ndarray, n: np.ndarray | None = None, lands: list[str] | None = None, **changes: object):
    made = tree(np.full((DRAWS, CITIES, 1), -1.0), change, peers=[0] * CITIES, n=n)
    return findings({"U.main": made}, catalogue(indicator("U", groups=1)), lands=lands, **changes)


# --- a Land


def test_a_shock_on_one_land_praises_nobody() -> None:
    own = np.where(np.array(LANDS) == "01", 0.5, 0.0)
    out = grid_of(moved(own), lands=LANDS)
    hit = out.grid.iloc[:6]
    assert set(hit["finding"]) == {"open"}
    assert hit["flags"].str.contains("with_land").all()
    assert not out.grid.iloc[6:]["flags"].str.contains("with_land").any()
    assert out.ring.iloc[0]["lands_up"] == "01"
    one = out.lands.set_index("land").loc["01"]
    assert one["shifted"]
    assert one["lower"] < 0.5 < one["upper"]


def test_a_shock_downwards_blames_nobody() -> None:
    own = np.where(np.array(LANDS) == "01", -0.5, 0.0)
    out = grid_of(moved(own), lands=LANDS)
    assert set(out.grid.iloc[:6]["finding_change"]) == {"open"}
    assert out.ring.iloc[0]["lands_down"] == "01"


def test_who_moved_beyond_a_shifted_land_is_found() -> None:
    own = np.where(np.array(LANDS) == "01", 0.5, 0.0)
    own[2] += 0.5
    out = grid_of(moved(own), lands=LANDS)
    assert out.grid.iloc[2]["finding"] == "success"
    assert set(out.grid.iloc[[0, 1, 3, 4, 5]]["finding"]) == {"open"}


def test_a_success_of_one_city_is_no_shift_of_its_land() -> None:
    own = np.zeros(CITIES)
    own[0] = 0.6
    out = grid_of(moved(own), lands=LANDS)
    assert out.grid.iloc[0]["finding"] == "success"
    assert not out.lands["shifted"].any()


def test_a_land_with_two_cities_cannot_be_judged() -> None:
    lands = ["01"] * 2 + ["02"] * 28
    change = moved(np.zeros(CITIES))[:, :, 0]
    found = land_shifts(change, np.array(lands), np.ones(CITIES, dtype=bool), RHO, 0.9)
    assert [one.land for one in found] == ["02"] * (len(found) > 0)
    assert not found  # and outside the large one too few are left


def test_a_ring_of_one_land_has_none() -> None:
    assert len(grid_of(moved(np.zeros(CITIES))).lands) == 0


@settings(max_examples=30, deadline=None)
@given(st.floats(-1, 1), st.integers(0, 1000))
def test_a_shift_of_the_whole_ring_is_no_shift_of_a_land(shift: float, seed: int) -> None:
    change = moved(np.zeros(CITIES), seed, 0.05)[:, :, 0]
    everyone, lands = np.ones(CITIES, dtype=bool), np.array(LANDS)
    before, after = (land_shifts(one, lands, everyone, RHO, 0.9) for one in (change, change + shift))
    for one, other in zip(before, after, strict=True):
        assert one.mean == pytest.approx(other.mean, abs=1e-9)
        assert (one.p_up, one.p_down) == pytest.approx((other.p_up, other.p_down), abs=0.02)


# --- all cities


def test_a_shock_on_all_is_one_finding_of_the_ring() -> None:
    out = grid_of(moved(np.full(CITIES, 0.5)), lands=LANDS)
    assert set(out.grid["finding_change"]) <= {"unchanged", "open"}
    assert out.grid["flags"].str.contains("with_ring").all()
    assert out.ring.iloc[0]["word"] == "improved"


# --- a base


def bases(grown: dict[int, float], ring: float = 1.02, size: float = 4000.0) -> np.ndarray:
    n = np.full((CITIES, 1, 2), size)
    n[:, 0, 1] = np.round(size * ring * np.exp(0.005 * np.random.default_rng(5).standard_normal(CITIES)))
    for city, factor in grown.items():
        n[city, 0, 1] = np.round(n[city, 0, 1] * factor)
    return n


@pytest.mark.parametrize("factor", [1.35, 0.7])
def test_a_base_that_jumps_carries_no_finding(factor: float) -> None:
    own = np.zeros(CITIES)
    own[4] = -np.log(factor)  # what is counted stayed, so the rate moves with its base
    out = grid_of(moved(own), bases({4: factor}), LANDS)
    one = out.grid.iloc[4]
    assert "base_jump" in one["flags"]
    assert one["capped"]
    assert one["finding"] == one["finding_change"] == one["finding_level"] == "open"
    assert not out.grid.drop(index=4)["flags"].str.contains("base_jump").any()


def test_bases_that_all_jump_take_the_word_from_the_ring() -> None:
    out = grid_of(moved(np.full(CITIES, -0.3)), bases({}, ring=1.35))
    assert not out.grid["flags"].str.contains("base_jump").any()
    assert out.ring.iloc[0]["base_shift"]
    assert out.ring.iloc[0]["word"] == "open"
    assert out.ring.iloc[0]["base_growth"] == pytest.approx(35, abs=1)


def test_a_jump_is_no_yardstick_for_the_others() -> None:
    own = np.zeros(CITIES)
    jumps = dict.fromkeys(range(14), 0.6)
    own[:14] = 0.5
    out = grid_of(moved(own), bases(jumps))
    assert out.grid.iloc[:14]["flags"].str.contains("base_jump").all()
    assert out.grid.iloc[14:]["relative_change_mean"].abs().max() < 1.0


@settings(max_examples=50, deadline=None)
@given(st.floats(0.5, 2.0), st.permutations(range(12)), st.integers(0, 2**32 - 1))
def test_jumps_depend_on_growth_beyond_the_others_alone(factor: float, order: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.uniform(1e5, 1e6, (12, 2))
    last = first * np.exp(rng.normal(0, 0.05, (12, 2)) + (rng.random((12, 2)) < 0.2) * rng.choice([-0.5, 0.5], (12, 2)))
    n = np.stack([first, last], axis=2)
    found = base_jumps(n, 0.15, 4.0)
    scaled = base_jumps(n * np.array([1.0, factor]), 0.15, 4.0)
    # counting error changes with the size of the bases, by far less than any jump here
    assert (found.jumped == scaled.jumped).all()
    assert (base_jumps(n[order], 0.15, 4.0).jumped == found.jumped[order]).all()


def test_small_bases_may_move_by_chance() -> None:
    rng = np.random.default_rng(8)
    wrong = 0
    for _ in range(200):
        n = rng.poisson(150, (24, 1, 2)).astype(float)
        wrong += int(base_jumps(n, 0.15, 4.0).jumped.sum())
    assert wrong <= 10  # of 4,800; chance alone moves a third of them by more than 15 %


def test_a_missing_base_is_no_jump() -> None:
    n = np.full((8, 1, 2), 1000.0)
    n[0, 0, 0] = n[1, 0, 1] = 0
    found = base_jumps(n, 0.15, 4.0)
    assert not found.jumped.any()
    assert np.isnan(found.growth[:2, 0]).all()


# --- what a shock must not do to the others


def test_a_base_that_jumps_is_no_yardstick_for_levels() -> None:
    last = np.full((DRAWS, CITIES, 1), -1.0)
    last[:, 4] -= 1.5
    made = tree(last, moved(np.zeros(CITIES)), peers=[0] * 3 + [1] * 3 + [2] * 24, n=bases({4: 2.0}))
    out = findings({"U.main": made}, catalogue(indicator("U", groups=1)))
    assert "base_jump" in out.grid.iloc[4]["flags"]
    assert set(out.grid.iloc[[3, 5]]["finding_level"]) == {"as_expected"}
    covariates = pd.DataFrame({"x": np.arange(CITIES, dtype=float)}, index=[f"{i:05d}" for i in range(CITIES)])
    out = findings({"U.main": made}, catalogue(indicator("U", groups=1)), covariates=covariates)
    assert out.grid.drop(index=4)["standing_context_mean"].abs().max() < 1.0


@pytest.mark.parametrize("shock", [0.5, -0.5])
def test_a_shock_on_a_large_land_blames_nobody_elsewhere(shock: float) -> None:
    lands = ["05"] * 18 + [f"{i:02d}" for i in range(20, 32)]
    out = grid_of(moved(np.where(np.array(lands) == "05", shock, 0.0)), lands=lands)
    assert out.lands.set_index("land").loc["05", "shifted"]
    inside, elsewhere = out.grid.iloc[:18], out.grid.iloc[18:]
    assert set(elsewhere["finding_change"]) == {"open"}
    assert elsewhere["flags"].str.contains("other_land").all()
    assert set(inside["finding_change"]) == {"unchanged"}  # the middle of the ring is their own


def test_stable_in_a_land_that_moved_is_not_stable() -> None:
    own = np.where(np.array(LANDS) == "01", 0.5, 0.0)
    own[3] = 0.0  # stood still where its Land rose
    out = grid_of(moved(own), lands=LANDS)
    assert out.grid.iloc[3]["finding"] == "open"
    assert set(out.grid.iloc[6:]["finding"]) == {"stable"}


def test_a_lands_shift_is_not_told_as_the_rings() -> None:
    own = np.where(np.array(LANDS) == "01", 0.5, 0.0)
    flags = grid_of(moved(own), lands=LANDS).grid.iloc[:6]["flags"]
    assert flags.str.contains("with_land").all()
    assert not flags.str.contains("with_ring").any()


def test_where_the_own_change_is_the_headline_a_small_ring_has_no_deficit_of_change() -> None:
    made = tree(np.full((DRAWS, 8, 1), -1.0), moved(np.full(CITIES, -0.5))[:, :8], peers=[0] * 8)
    for few in (False, True):
        out = findings({"U.main": made}, catalogue(indicator("U", groups=1)), headline="own", absolute_from=9 if few else 8)
        assert set(out.grid["finding"]) == ({"open"} if few else {"deficit"})


def test_bases_that_moved_everywhere_leave_no_own_change() -> None:
    out = grid_of(moved(np.full(CITIES, -0.3)), bases({}, ring=1.35), headline="own")
    assert set(out.grid["finding_change"]) == {"open"}
    out = grid_of(moved(np.full(CITIES, -0.3)), bases({}, ring=1.35))
    assert not out.grid["flags"].str.contains("with_ring").any()


def test_a_single_year_has_no_growth() -> None:
    found = base_jumps(np.full((5, 1, 1), 300.0), 0.15, 4.0)
    assert np.isnan(found.growth).all()
    assert np.isnan(found.ring).all()


def test_the_reference_groups_base_touches_the_gap_alone() -> None:
    n = np.full((CITIES, 2, 2), 4000.0)
    n[7, 1, 1] = 6000.0
    last, change = np.full((DRAWS, CITIES, 2), -1.0), np.zeros((DRAWS, CITIES, 2))
    change[:, 7, 0] = 0.6
    out = findings({"U.main": tree(last, change, peers=[0] * CITIES, n=n)}, catalogue(indicator("U")))
    one = out.grid.iloc[7]
    assert (one["finding"], one["finding_gap"]) == ("success", "open")
    assert "base_jump_reference" in one["flags"]
    assert "base_jump" not in one["flags"].split(";")


def test_a_base_that_jumped_is_not_bridged_over() -> None:
    n = np.full((CITIES, 1, 2), 4000.0)
    main, other = n.copy(), n.copy()
    main[:2] = 0.0  # two cities deliver the other definition only
    other[12:] = 0.0
    other[0, 0, 1] = 1600.0
    level = np.random.default_rng(4).normal(-1.0, 0.1, (DRAWS, CITIES, 1))
    trees = {
        name: tree(level, moved(np.zeros(CITIES)), peers=[0] * CITIES, n=base)
        for name, base in (("U.main", main), ("U.other", other))
    }
    out = findings(trees, catalogue(indicator("U", groups=1, definitions=("main", "other"))))
    flags = out.grid.set_index("city")["flags"]
    assert "bridged" not in flags["00000"]
    assert "bridged" in flags["00001"]
