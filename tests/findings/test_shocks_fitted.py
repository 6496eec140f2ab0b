"""Shocks that are nobody's doing, with the model and the findings as a run has them: flagged, nobody praised or blamed.

The scripts analyses/shocks.py and analyses/coarse.py do it at length; here are the same functions with few rings. What is fitted
many times takes minutes: `make slow`.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.catalogue import Catalogue, load_catalogue
from integstat.findings import Findings
from integstat.panel import Panel

ROOT = Path(__file__).parents[2]
RINGS, CITIES, BASE, SEED = 12, 24, 5000, 7
LAND_SHOCKS = ("land_up", "land_down")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "analyses" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


shocks, coarse = script("shocks"), script("coarse")


@cache
def book() -> Catalogue:
    return load_catalogue()


def task(ring: int = 0, **changes: object):
    return shocks.Task(CITIES, BASE, ring, SEED, **changes)


def delivered(one, shock: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    truths = shocks.simulate(one, book()).items()
    links = [shocks.link_of(book(), definition) for definition in shocks.RATES]
    return {name: shocks.counts(one, truth, links[i], shock, i) for i, (name, truth) in enumerate(truths)}


@cache
def fitted(shock: str) -> tuple[Findings, Findings]:
    """Findings of one ring under a shock, with the rules for Länder and bases and without."""
    one = task(draws=400)
    panel = shocks.panel_of(delivered(one, shock), one.lands)
    trees = shocks.posteriors(one, panel, book())
    return shocks.findings(trees, panel, book()), shocks.findings(trees, panel, book(), rules=False)


# --- what is simulated


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(shocks.SHOCKS)), st.sampled_from([24, 67]), st.integers(0, 200))
def test_a_shock_changes_the_last_year_of_whom_it_strikes_and_nothing_else(shock: str, cities: int, ring: int) -> None:
    one = shocks.Task(cities, 500, ring)
    hit, (whom, factor, step) = one.struck(shock), shocks.SHOCKS[shock]
    assert len(set(one.lands[hit])) == (len(shocks.LANDS[cities]) if whom == "ring" else 1)
    assert hit.sum() == 1 or whom != "city"
    for (y, n), (y0, n0) in zip(delivered(one, shock).values(), delivered(one, "none").values(), strict=True):
        for now, before in ((y, y0), (n, n0)):
            assert (now[~hit] == before[~hit]).all()
            assert (now[:, :, 0] == before[:, :, 0]).all()
        assert (y == y0).all() or step
        assert n[hit][:, :, 1] == pytest.approx(factor * n0[hit][:, :, 1], abs=0.51)
        assert (y[hit][:, :, 1] != y0[hit][:, :, 1]).any() == bool(step)


def test_what_is_true_of_a_city_is_its_own_change_beyond_the_others() -> None:
    one = task()
    for definition, truth in shocks.simulate(one, book()).items():
        real, sign = shocks.real_of(one, truth, definition, book()), book().polarity(definition)
        for c in range(CITIES):
            others = np.arange(CITIES) != c
            peers = others & (one.peers == one.peers[c])
            assert real.relative[c] == pytest.approx(sign * (truth.change[c, 0] - np.median(truth.change[others, 0])))
            assert real.standing[c] == pytest.approx(sign * (truth.eta[c, 0, 1] - truth.eta[peers, 0, 1].mean()))


def test_a_ring_that_was_being_written_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "shocks.csv"
    whole = [{"cities": 24, "base": 500, "ring": 0, "shock": shock, "side": "struck"} for shock in shocks.SHOCKS]
    frame = pd.DataFrame([*whole, *({**row, "ring": 1} for row in whole[:-1])]).reindex(columns=shocks.COLUMNS)
    path.write_text(frame.to_csv(index=False) + "24,500,1,ri")
    assert set(shocks.kept(path)["ring"]) == {0}


# --- one ring


@pytest.mark.parametrize("shock", LAND_SHOCKS)
def test_a_land_that_moved_is_named_and_its_cities_are_not_praised_for_it(shock: str) -> None:
    one = task()
    hit, wrong, flagged, named = one.struck(shock), {"now": 0, "bare": 0}, 0, 0
    found = dict(zip(wrong, fitted(shock), strict=True))
    for definition, truth in shocks.simulate(one, book()).items():
        up = (shock == "land_up") == (book().polarity(definition) > 0)
        row = found["now"].ring.set_index("definition").loc[definition]
        named += "91" in str(row["lands_up" if up else "lands_down"]).split(";")
        real = shocks.real_of(one, truth, definition, book())
        for name, one_of in found.items():
            grid = one_of.grid[one_of.grid["definition"] == definition].sort_values("city")
            said = grid["finding_change"].eq("improved" if up else "worsened").to_numpy()
            wrong[name] += (said & hit & ~real.moved(up)).sum()
            flagged += (grid["flags"].str.contains("with_land") & hit).sum() if name == "now" else 0
    assert named > 0
    assert 2 * wrong["now"] <= wrong["bare"]
    assert flagged > 0


def test_a_base_that_jumps_in_a_fitted_ring_leaves_its_cell_open_and_no_other() -> None:
    grid = fitted("base_down")[0].grid
    city = sorted(grid["city"])[0]
    flagged = grid["flags"].str.contains("base_jump")
    assert set(grid.loc[flagged, "city"]) == {city}
    assert flagged.sum() == len(shocks.RATES)
    assert set(grid.loc[flagged, ["finding", "finding_change", "finding_level"]].to_numpy().ravel()) == {"open"}


def test_bases_that_all_grow_are_told_of_the_ring_and_give_no_word() -> None:
    found = fitted("ring_base")[0]
    assert found.ring["base_shift"].all()
    assert set(found.ring["word"]) == {"open"}
    assert not found.grid["flags"].str.contains("base_jump").any()


# --- many rings


@cache
def rows(cities: int = CITIES, base: int = BASE, rings: int = RINGS) -> pd.DataFrame:
    return pd.concat([shocks.one_ring(shocks.Task(cities, base, ring, SEED)) for ring in range(rings)], ignore_index=True)


def share(shock: str, side: str = "struck") -> pd.Series:
    frame = rows().query("shock == @shock and side == @side")
    return shocks.shares(frame, ["shock"]).loc[shock]


@pytest.mark.slow
@pytest.mark.parametrize("shock", ["base_up", "base_down"])
def test_fake_bases_of_a_city_are_flagged_and_leave_the_others_as_they_were(shock: str) -> None:
    one, rest = share(shock), share(shock, "others")
    assert one["base_jump"] == 1
    assert one["along now"] == one["against now"] == one["level now"] == 0
    assert one["along bare"] > one["along before"]  # what the flag keeps from being said
    assert rest["base_jump"] < 0.01
    for kind in ("along", "against", "level"):
        assert rest[f"{kind} now"] == pytest.approx(rest[f"{kind} before"], abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("shock", [*LAND_SHOCKS, "land_base"])
def test_a_shock_on_a_land_adds_no_wrong_word_about_change(shock: str) -> None:
    one, rest = share(shock), share(shock, "others")
    assert one["along now false"] <= one["along before false"] + 0.04
    assert rest["against now false"] <= rest["against before false"] + 0.05
    if shock in LAND_SHOCKS:
        assert one["along bare false"] > 0.15  # what would be said without the rule
        assert shocks.told(rows()).xs(shock, level="shock")["named"].min() >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("shock", LAND_SHOCKS)
def test_a_shock_on_a_land_adds_no_wrong_word_about_level(shock: str) -> None:
    one = share(shock)
    assert one["level now false"] <= one["level before false"] + 0.06


@pytest.mark.slow
@pytest.mark.parametrize("shock", ["ring_up", "ring_base"])
def test_a_shock_on_all_says_nothing_of_a_city(shock: str) -> None:
    one = share(shock)
    for kind in ("along", "against"):
        assert one[f"{kind} now"] == pytest.approx(one[f"{kind} before"], abs=0.04)
        assert one[f"{kind} now false"] <= one[f"{kind} before false"] + 0.02
    assert shocks.told(rows()).xs(shock, level="shock")["base_shift"].min() == (shock == "ring_base")


@pytest.mark.slow
@pytest.mark.parametrize("word", ["improved", "worsened"])
@pytest.mark.parametrize("shock", list(shocks.SHOCKS))
def test_few_changes_are_wrong_whatever_shock_came_on_top(shock: str, word: str) -> None:
    one = shocks.errors(rows()).loc[(CITIES, BASE, shock, word, "now")]
    assert one["said"] > RINGS
    assert one["fdr"] <= 0.13 + 2.5 * one["se"]


# --- coarse counts


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["rounded", "below_3"]))
def test_coarse_deliveries_hold_the_counts_they_stand_for(seed: int, way: str) -> None:
    truth = coarse.simulate("E3.leavers", "logit", 6, 60, np.random.default_rng(seed))
    panel: Panel = coarse.panel_of(truth, "E3.leavers", way)
    told = (5, 5) if way == "rounded" else (1, 1)
    cells = panel.cells("E3.leavers", ("target", "reference"), coarse.YEARS, rounding=told)
    low, high = np.moveaxis(cells.bounds, -1, 0)
    assert ((low <= truth.y) & (truth.y <= high))[cells.coarse].all()
    assert (cells.y == truth.y)[~cells.coarse].all()
    assert cells.coarse.all() if way == "rounded" else (cells.coarse == (truth.y < 3)).all()


def test_counts_held_against_themselves_differ_in_nothing() -> None:
    draws = np.random.default_rng(1).standard_normal((4000, 3)) + np.array([0.0, 2.0, np.nan])
    difference, towards, error, inside, width = coarse.compared(draws, draws, np.array([0.0, 7.0, 0.0]))
    assert difference == towards == 0
    assert width == 1
    assert inside == 0.5  # the second truth lies far outside, the third city has no figure
    assert error == pytest.approx(-2.5, abs=0.1)


@cache
def compared(rings: int = 16) -> pd.DataFrame:
    return coarse.table(pd.concat([coarse.one_ring(150, ring, SEED, 1000) for ring in range(rings)], ignore_index=True))


@pytest.mark.slow
@pytest.mark.parametrize("what", ["change", "relative", "level"])
@pytest.mark.parametrize("way", ["rounded", "below_3"])
@pytest.mark.parametrize("definition", list(coarse.RATES))
def test_coarse_counts_are_not_biased_against_exact_ones(definition: str, way: str, what: str) -> None:
    one = compared().loc[(150, definition, what, way)]
    assert abs(one["difference"]) <= 3 * one["difference se"] + 0.03


@pytest.mark.slow
def test_counts_below_three_left_out_are_found_out() -> None:
    one = compared().loc[(150, "R1.eight_years_previous", "level", "left_out")]
    assert one["difference"] > 4 * one["difference se"]


@pytest.mark.slow
def test_rounded_counts_taken_as_exact_are_found_out() -> None:
    one = compared().loc[(150, "R1.eight_years_previous", "level", "taken_as_exact")]
    assert one["difference"] < -3 * one["difference se"]
