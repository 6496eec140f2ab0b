"""Truth comes from the model where nothing is changed, and each scenario changes what it says and no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.change import Priors
from integstat.change.model import HALF
from integstat.findings.others import median_of_others
from integstat.findings.shocks import beyond_shifts
from integstat.simulate import draw_truth, from_priors
from integstat.validate.trial.estimands import beyond_of_others, of_others, true_estimands, true_events
from integstat.validate.trial.scenario import SCENARIOS
from integstat.validate.trial.truth import LEAST, RATES, Cities, counts, delivered, draw_parts, draw_ring, labels

PLAIN, PRIORS = SCENARIOS["model"], Priors()


def draw(scenario: str, place: int = 0, groups: int = 2, link: str = "logit", cities: int = 24, base: float | None = None):
    return draw_ring(SCENARIOS[scenario], PRIORS, groups, link, labels(cities), base, (7, place))


@pytest.mark.parametrize(("groups", "link"), [(1, "log"), (2, "logit")])
def test_without_a_change_it_is_the_simulation_of_the_model(groups: int, link: str) -> None:
    cities, n = labels(24), np.full((24, groups, 2), 300.0)
    parameters = from_priors(PRIORS, np.full(groups, -2.0), np.random.default_rng(5))
    known = draw_truth(parameters, n, link, np.random.default_rng(6), peers=cities.peers, land=cities.land)
    rng = np.random.default_rng(6)
    own = draw_parts(parameters, groups, cities, rng).cities(PLAIN, parameters, cities, rng)
    np.testing.assert_array_equal(own.change, known.change)
    np.testing.assert_array_equal(own.lasting, known.lasting)
    np.testing.assert_array_equal(own.eta, known.eta)
    np.testing.assert_array_equal(counts(own.eta, n, link, rng), known.y)


@pytest.mark.parametrize("place", range(3))
def test_a_ring_looks_like_one_and_fits_together(place: int) -> None:
    one = draw("model", place)
    rates = one.y.sum(axis=(0, 2)) / one.n.sum(axis=(0, 2))
    assert ((rates > RATES[0]) & (rates < RATES[1])).all()
    assert (one.n >= LEAST).all() and (one.y <= one.n).all()
    np.testing.assert_allclose(one.eta[..., 1] - one.eta[..., 0], one.change)
    assert HALF[1] - HALF[0] == 1
    np.testing.assert_array_equal(draw("model", place).y, one.y)
    assert (draw("model", place + 3).y != one.y).any()


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != "model"])
def test_scenarios_share_the_parameters(scenario: str) -> None:
    plain, one = draw("model"), draw(scenario)
    other = replace(one.parameters, lasting_share=plain.parameters.lasting_share)
    for name, value in vars(plain.parameters).items():
        np.testing.assert_array_equal(vars(other)[name], value)
    departs = scenario in ("heavy_tails", "blocks")
    assert np.array_equal(plain.eta, one.eta) != departs
    assert (one.y <= one.n).all()


def test_heavy_tails_keep_the_spread_and_blocks_move_together() -> None:
    cities = Cities(np.zeros(30_000, dtype=int), np.zeros(30_000, dtype=int))
    parameters = from_priors(PRIORS, np.full(2, -2.0), np.random.default_rng(1))
    parts = draw_parts(parameters, 2, cities, np.random.default_rng(2))
    own = {
        name: (parts.cities(SCENARIOS[name], parameters, cities, np.random.default_rng(3)).change - parameters.shift)
        / parameters.sd_change
        for name in ("model", "heavy_tails", "blocks")
    }
    assert own["heavy_tails"].std() == pytest.approx(1.0, abs=0.08)
    assert (np.abs(own["heavy_tails"]) > 4).mean() > 20 * (np.abs(own["model"]) > 4).mean()
    assert own["blocks"].std() == pytest.approx(1.0, abs=0.03)
    block = np.random.default_rng(3).permutation(30_000) // 6
    means = np.bincount(block, own["blocks"][:, 0]) / 6
    assert means.var() == pytest.approx(0.5 + 0.5 / 6, abs=0.05)  # of independent cities it would be a sixth


def test_what_lasts_is_drawn_from_another_prior() -> None:
    shares = [draw("lasting", place).parameters.lasting_share for place in range(12)]
    assert np.mean(shares) == pytest.approx(0.2, abs=0.15)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["logit", "log"]), st.integers(1, 2))
def test_persons_are_misplaced_and_none_is_lost(seed: int, link: str, groups: int) -> None:
    rng = np.random.default_rng(seed)
    n = rng.integers(5, 60, (6, groups, 2)).astype(float)
    eta = rng.normal(-1, 1, n.shape)
    cities = Cities(np.zeros(6, dtype=int), np.zeros(6, dtype=int))
    plain, _ = delivered(PLAIN, eta, n, link, cities, np.random.default_rng(seed), rng)
    y, base = delivered(SCENARIOS["misclassified"], eta, n, link, cities, np.random.default_rng(seed), rng)
    assert (y >= 0).all() and (base >= 1).all() and (y[:, 0] <= plain[:, 0]).all()
    assert link == "log" or (y <= base).all()
    if groups == 2:
        np.testing.assert_array_equal(y.sum(axis=1), plain.sum(axis=1))
        np.testing.assert_array_equal(base.sum(axis=1), n.sum(axis=1))


def test_figures_are_rounded_and_breaks_strike_where_they_say() -> None:
    plain, one = draw("model"), draw("rounded")
    assert (one.y % 5 == 0).all() and (one.n % 5 == 0).all() and (np.abs(one.n - plain.n) <= 5).all()
    land, struck = draw("land_break", base=5000.0), labels(24).land == 0
    before = draw("model", base=5000.0)
    np.testing.assert_array_equal(land.n, before.n)
    odds = np.log((land.y + 1) / (land.n - land.y + 1)) - np.log((before.y + 1) / (before.n - before.y + 1))
    assert odds[struck][..., 1].mean() == pytest.approx(0.4, abs=0.05)
    assert np.abs(odds[~struck][..., 1].mean()) < 0.05
    city = draw("city_break", base=5000.0)
    fewer = city.n[:, 0, 1] < 0.8 * before.n[:, 0, 1]
    assert fewer.sum() == 3
    np.testing.assert_allclose(city.n[fewer, :, 1], 0.75 * before.n[fewer, :, 1], atol=0.51)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 15))
def test_true_values_are_those_that_findings_compute_of_one_draw(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    change, land = rng.normal(size=count), rng.integers(0, 3, count)
    every, one = np.ones(count, dtype=bool), np.zeros(count, dtype=int)
    np.testing.assert_allclose(change - of_others(change), (change - median_of_others(change[None], every, one, every))[0])
    moved = land == 1
    names = np.array(["91", "92", "93"])[land]
    np.testing.assert_allclose(beyond_of_others(change, land, moved), beyond_shifts(change[None], names, moved, every)[0])


def test_estimands_by_hand() -> None:
    one, peers = draw("model", cities=8, base=500.0), np.arange(8) % 2
    true = true_estimands(one, peers, -1, 100.0, "logit")
    last, change = one.eta[:, 0, 1], one.change[:, 0]
    assert true["standing"][0] == pytest.approx(-(last[0] - last[[2, 4, 6]].mean()))
    assert true["relative"][0] == pytest.approx(-(change[0] - np.median(change[1:])))
    assert true["gap"][3] == pytest.approx(-(change[3] - one.change[3, 1]))
    assert true["level"][2] == pytest.approx(100 / (1 + np.exp(-last[2])))
    assert np.isnan(true_estimands(one, np.zeros(8, dtype=int), 1, 100.0, "logit")["standing"]).all()


def test_a_word_must_hold_beside_a_land_that_moved_too() -> None:
    true = {"relative": np.array([0.5, 0.5, 0.05]), "standing": np.array([0.3, 0.3, 0.0]), "gap": np.full(3, np.nan)}
    true["change"] = true["relative"]
    so, opposite = true_events(true, np.array([0.5, -0.2, np.nan]), 0.1, 0.2)
    assert so["improved"].tolist() == [True, False, False]
    assert so["worsened"].tolist() == [False, False, False]
    assert so["better"].tolist() == [True, False, False]  # without the 0.7 of its Land the second stands at -0.4
    assert so["unchanged"].tolist() == [False, False, True]
    assert so["improved_absolute"].tolist() == [True, True, False]
    assert not opposite["improved"].any() and opposite["worsened"].all()
