"""Every estimand against plain loops, and what must hold of it whatever the draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes import fake_posterior
from tests.findings.brute import brute
from tests.findings.rings import tree

from integstat.findings.baseline import Baseline
from integstat.findings.estimands import Estimands, estimands
from integstat.findings.others import MIN_FOR_CONTEXT, beyond_context, median_of_others

LINK = ("change", "relative", "against_peers", "against_land", "lasting", "standing", "gap")


@st.composite
def rings(draw: st.DrawFn) -> dict[str, object]:
    count, groups, draws = draw(st.integers(2, 13)), draw(st.integers(1, 2)), 4
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draws, count, groups)
    n = rng.integers(20, 900, (count, groups, 2)).astype(float)
    n[rng.random(n.shape) < draw(st.sampled_from([0.0, 0.15, 0.4]))] = 0.0
    decimals = draw(st.sampled_from([1, 12]))  # one decimal: many ties between cities
    return {
        "last": np.round(rng.normal(-1.5, 0.8, shape), decimals),
        "change": np.round(rng.normal(0.1, 0.3, shape), decimals),
        "lasting": np.round(rng.normal(0, 0.2, shape), decimals),
        "n": n,
        "peers": rng.integers(-1, 3, count).tolist(),
        "pool": rng.choice(["03", "05"], count).tolist() if draw(st.booleans()) else ["all"] * count,
        "land": rng.choice(["01", "02", "03"], count).tolist(),
        "link": draw(st.sampled_from(["logit", "log"])),
    }


def compute(ring: dict[str, object], polarity: int = 1, unit: float = 100.0) -> Estimands:
    parts = {name: ring[name] for name in ("lasting", "n", "peers", "link")}
    pool = np.array(ring["pool"])
    given = None if len(set(ring["pool"])) == 1 else pool
    return estimands(tree(ring["last"], ring["change"], **parts), polarity, unit, pool=given, land=np.array(ring["land"]))


@settings(max_examples=120, deadline=None)
@given(rings(), st.sampled_from([1, -1, 0]), st.sampled_from([100.0, 1000.0]))
def test_brute_force(ring: dict[str, object], polarity: int, unit: float) -> None:
    found = compute(ring, polarity, unit)
    expected = brute(**ring, sign=-1 if polarity < 0 else 1, unit=unit)
    for name, values in expected.items():
        own = getattr(found, name)
        if own is None:
            assert np.isnan(values).all()
        else:
            np.testing.assert_allclose(own, values, rtol=1e-9, atol=1e-9, err_msg=name)


@settings(max_examples=60, deadline=None)
@given(rings())
def test_points_have_the_sign_of_the_link_scale(ring: dict[str, object]) -> None:
    found = compute(ring, -1)
    for link, points in (
        ("change", "change_points"),
        ("relative", "relative_points"),
        ("against_peers", "against_peers_points"),
        ("lasting", "lasting_points"),
        ("standing", "standing_points"),
    ):
        values, shown = getattr(found, link), getattr(found, points)
        clear = np.abs(np.nan_to_num(values)) > 1e-9
        assert (np.sign(values[clear]) == np.sign(shown[clear])).all()
        assert (np.isnan(values) == np.isnan(shown)).all()


@settings(max_examples=60, deadline=None)
@given(rings())
def test_groups_add_up_to_the_gap(ring: dict[str, object]) -> None:
    found = compute(ring)
    if found.gap_points is not None:
        np.testing.assert_allclose(found.gap_points, found.target_points - found.reference_points, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(rings())
def test_swapping_the_years_flips_what_changed_and_exchanges_the_levels(ring: dict[str, object]) -> None:
    other = ring | {
        "last": ring["last"] - ring["change"],
        "change": -ring["change"],
        "lasting": -ring["lasting"],
        "n": ring["n"][:, :, ::-1],
    }
    here, there = compute(ring), compute(other)
    for name in (*LINK[:5], "gap", "change_points", "gap_points", "gap_ratio", "target_points", "reference_points"):
        if getattr(here, name) is not None:
            np.testing.assert_allclose(getattr(here, name), -getattr(there, name), atol=1e-9, err_msg=name)
    np.testing.assert_allclose(here.level_first, there.level_last, rtol=1e-9)
    np.testing.assert_allclose(here.level_last, there.level_first, rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(rings(), st.randoms(use_true_random=False))
def test_the_order_of_the_cities_means_nothing(ring: dict[str, object], random: object) -> None:
    order = list(range(len(ring["peers"])))
    random.shuffle(order)
    moved = ring | {name: ring[name][:, order] for name in ("last", "change", "lasting")}
    relabelled = {-1: -1, 0: 2, 1: 0, 2: 1}  # the numbers of the peer groups mean nothing either
    moved |= {
        "n": ring["n"][order],
        "peers": [relabelled[ring["peers"][i]] for i in order],
        "pool": [ring["pool"][i] for i in order],
        "land": [ring["land"][i] for i in order],
    }
    here, there = compute(ring), compute(moved)
    for name in (
        *LINK,
        "relative_points",
        "against_peers_points",
        "standing_points",
        "gap_points",
        "gap_ratio",
        "level_first",
        "level_last",
    ):
        if getattr(here, name) is not None:
            np.testing.assert_allclose(getattr(here, name)[:, order], getattr(there, name), atol=1e-9, err_msg=name)


@pytest.mark.parametrize(("count", "estimable"), [(5, False), (6, True)])
def test_relative_change_needs_five_others(count: int, estimable: bool) -> None:
    found = estimands(fake_posterior("a.b", [str(i) for i in range(count)], draws=5), 1, 100.0)
    assert found.relative is not None
    assert found.lasting is not None
    assert np.isfinite(found.relative).all() == estimable
    assert np.isfinite(found.lasting).all() == estimable
    assert np.isfinite(found.change).all()


def test_an_undelivered_city_is_no_other_city() -> None:
    values = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 100.0, 100.0]])
    included = np.array([True] * 6 + [False])
    out = median_of_others(values, included, np.zeros(7, dtype=int), np.ones(7, dtype=bool))
    np.testing.assert_array_equal(out, [[4.0, 4.0, 4.0, 3.0, 3.0, 3.0, np.nan]])


def test_own_pools_do_not_see_each_other() -> None:
    rng = np.random.default_rng(3)
    values, pool = rng.normal(size=(3, 14)), np.array([0, 1] * 7)
    before = median_of_others(values, np.ones(14, dtype=bool), pool, np.ones(14, dtype=bool))
    changed = values.copy()
    changed[:, pool == 1] += 50
    after = median_of_others(changed, np.ones(14, dtype=bool), pool, np.ones(14, dtype=bool))
    np.testing.assert_array_equal(before[:, pool == 0], after[:, pool == 0])
    np.testing.assert_allclose(before[:, pool == 1] + 50, after[:, pool == 1])


def test_group_of_one_has_no_standing() -> None:
    found = estimands(fake_posterior("a.b", list("abcdefg"), peers=[0, 0, 0, 0, 0, 0, 1], draws=5), 1, 100.0)
    assert np.isfinite(found.standing[:, :6]).all()
    assert np.isnan(found.standing[:, 6]).all()
    assert np.isnan(found.standing_points[:, 6]).all()


def test_group_reduced_to_one_by_a_gap_has_no_standing() -> None:
    one = fake_posterior("a.b", list("abcdefgh"), peers=[0, 0, 0, 0, 0, 0, 1, 1], draws=5)
    one["observed_data"].to_dataset(inherit=False)["n"][7, 0, 1] = 0.0
    found = estimands(one, 1, 100.0)
    assert np.isnan(found.standing[:, 6:]).all()


def test_one_year_has_levels_only() -> None:
    found = estimands(fake_posterior("a.b", list("abcdefg"), years=(2021,), peers=[0] * 7, draws=5), -1, 100.0)
    assert found.change is found.relative is found.against_peers is found.lasting is found.gap is found.level_first is None
    assert np.isfinite(found.level_last).all()
    np.testing.assert_allclose(found.standing.sum(axis=1), 0, atol=1e-9)


def test_one_group_has_no_gap() -> None:
    found = estimands(fake_posterior("a.b", list("abcdefg"), groups=("target",), draws=5), 1, 100.0)
    assert found.gap is found.gap_points is found.gap_ratio is found.target_points is None


def test_polarity_zero_is_shown_as_it_is() -> None:
    one = fake_posterior("a.b", list("abcdefg"), draws=5)
    zero, plus, minus = (estimands(one, polarity, 100.0) for polarity in (0, 1, -1))
    np.testing.assert_array_equal(zero.relative, plus.relative)
    np.testing.assert_array_equal(zero.relative, -minus.relative)
    np.testing.assert_array_equal(zero.level_last, minus.level_last)


def test_a_change_made_by_a_break_is_no_yardstick_for_the_others() -> None:
    values = np.random.default_rng(4).normal(size=(20, 12))
    everybody, pool = np.ones(12, dtype=bool), np.zeros(12, dtype=int)
    sound = np.arange(12) < 8
    out = median_of_others(values, everybody, pool, sound)
    wild = values.copy()
    wild[:, 8:] += 100.0
    after = median_of_others(wild, everybody, pool, sound)
    assert np.array_equal(after, out)
    for city in range(12):
        others = [one for one in range(8) if one != city]
        assert np.allclose(out[:, city], np.median(values[:, others], axis=1))
    nobody = median_of_others(values, everybody, pool, np.zeros(12, dtype=bool))
    assert np.allclose(nobody[:, 0], np.median(values[:, 1:], axis=1))


def test_a_change_made_by_a_break_is_no_yardstick_for_peers() -> None:
    one = fake_posterior("a.b", list("abcdefgh"), peers=[0, 0, 0, 0, 1, 1, 2, 2], draws=5)
    sound = np.array([True, True, True, False, True, False, False, False])
    found = estimands(one, 1, 100.0, yardstick=sound)
    change = one["posterior"]["change"].to_numpy().reshape(10, 8, 2)[:, :, 0]
    np.testing.assert_allclose(found.against_peers[:, 0], change[:, 0] - change[:, 1:3].mean(axis=1))
    np.testing.assert_allclose(found.against_peers[:, 3], change[:, 3] - change[:, :3].mean(axis=1))
    np.testing.assert_allclose(found.against_peers[:, 5], change[:, 5] - change[:, 4])
    assert np.isnan(found.against_peers[:, [4, 6, 7]]).all()
    assert np.isnan(found.standing[:, [4, 6, 7]]).all()  # nor is the level it has left behind
    assert np.isfinite(np.delete(found.standing, [4, 6, 7], axis=1)).all()
    nobody = estimands(one, 1, 100.0, yardstick=np.zeros(8, dtype=bool))
    np.testing.assert_allclose(nobody.against_peers[:, 6], change[:, 6] - change[:, 7])


def test_a_baseline_takes_the_place_of_the_groups_of_the_fit() -> None:
    names = list("abcdefg")
    one = fake_posterior("a.b", names, peers=[0, 0, 0, 0, 0, 1, 1], draws=5)
    own = estimands(one, 1, 100.0)
    labels = np.array([[0, 0, 0, 0, 0, 1, 1]] * 3)
    for one_way in (Baseline(tuple(names), labels=labels), Baseline(tuple(names[::-1]), labels=labels[:, ::-1])):
        same = estimands(one, 1, 100.0, baseline=one_way)
        for name in ("standing", "standing_points", "against_peers", "against_peers_points"):
            np.testing.assert_allclose(getattr(same, name), getattr(own, name), atol=1e-12)
    weights = np.zeros((7, 7))
    weights[0, [1, 6]] = 0.25, 0.75
    near = estimands(one, 1, 100.0, baseline=Baseline(tuple(names), weights=weights))
    change = one["posterior"]["change"].to_numpy().reshape(10, 7, 2)[:, :, 0]
    np.testing.assert_allclose(near.against_peers[:, 0], change[:, 0] - 0.25 * change[:, 1] - 0.75 * change[:, 6])
    assert np.isnan(near.against_peers[:, 1:]).all()
    np.testing.assert_array_equal(near.relative, own.relative)


# --- standing against context


@settings(max_examples=40, deadline=None)
@given(st.integers(MIN_FOR_CONTEXT, 30), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_context_is_the_line_through_the_others(count: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, covariates = rng.normal(size=(3, count + 2)), rng.normal(size=(count + 2, columns)) * 50 + 200
    covariates[count] = np.nan
    included = np.ones(count + 2, dtype=bool)
    included[count + 1] = False
    found = beyond_context(values, covariates, included)
    assert np.isnan(found[:, count]).all()
    design = np.column_stack([np.ones(count), covariates[:count]])
    whole = np.linalg.lstsq(design, values[:, :count].T, rcond=None)[0]
    beside = values[:, count + 1] - np.append(1.0, covariates[count + 1]) @ whole  # no part of the line, and held against it
    np.testing.assert_allclose(found[:, count + 1], beside, rtol=1e-7, atol=1e-9)
    for c in range(count):
        others = np.arange(count) != c
        line = np.linalg.lstsq(design[others], values[:, :count][:, others].T, rcond=None)[0]
        np.testing.assert_allclose(found[:, c], values[:, c] - design[c] @ line, rtol=1e-7, atol=1e-9)


def test_context_needs_twenty_cities() -> None:
    values, covariates = np.zeros((2, 25)), np.arange(25.0)[:, None]
    for count in (MIN_FOR_CONTEXT - 1, MIN_FOR_CONTEXT):
        assert np.isfinite(beyond_context(values, covariates, np.arange(25) < count)).any() == (count == MIN_FOR_CONTEXT)


def test_a_city_alone_with_its_context_has_no_standing_against_it() -> None:
    covariates = np.zeros((24, 1))
    covariates[3] = 1.0
    found = beyond_context(np.random.default_rng(1).normal(size=(5, 24)), covariates, np.ones(24, dtype=bool))
    assert np.flatnonzero(np.isnan(found[0])).tolist() == [3]


def test_a_constant_covariate_adds_nothing() -> None:
    values = np.random.default_rng(2).normal(size=(4, 22))
    everyone, one = np.ones(22, dtype=bool), np.random.default_rng(3).normal(size=(22, 1))
    plain = beyond_context(values, one, everyone)
    np.testing.assert_allclose(beyond_context(values, np.column_stack([one, np.full(22, 7.0)]), everyone), plain, atol=1e-10)
