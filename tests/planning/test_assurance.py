"""What planning says: closed forms against draws, against fitted rings of counts, and what must hold whatever is assumed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, ndtr

from integstat.change import ChangeData, ChangeSettings, fit
from integstat.change.settings import Priors
from integstat.findings.declare import declare
from integstat.findings.estimands import estimands
from integstat.findings.settings import FindingSettings
from integstat.planning.assurance import assure, chance_found, critical, joining, rings_of
from integstat.planning.gaussian import believe, truncated
from integstat.planning.inputs import Planned
from integstat.simulate import Parameters, draw_truth

RHO = float(np.log(1.1))
RULE = FindingSettings()


def one(bases: np.ndarray, sd: float = 0.3, level: float = 0.2, **other: object) -> Planned:
    """An indicator that is a share."""
    content = {
        "definition": "X.main",
        "link": "logit",
        "sign": 1,
        "unit": 100.0,
        "level": level,
        "bases": bases,
        "per_1000": 10.0,
        "precision": 1.0,
        "sd_change": sd,
        "rho": RHO,
        "priors": Priors(),
        "counts": "magnitudes",
        "size": "magnitudes",
        "spread": "magnitudes",
    }
    return Planned(**(content | other))  # type: ignore[arg-type]


@pytest.mark.parametrize("years", [2, 3])
@pytest.mark.parametrize("base", [200.0, 3000.0])
def test_the_closed_form_says_what_the_simulated_rings_do(years: int, base: float) -> None:
    rings = rings_of([one(np.full(40, base))], years, RULE, 3, rings=200)
    found = assure(rings, 0, base, RULE)
    right = sum(rings.right[kind].sum() for kind in ("improved", "worsened"))
    truly = sum(rings.truly[kind].sum() for kind in ("improved", "worsened"))
    assert found.found == pytest.approx(right / truly, abs=0.03)
    still = rings.right["unchanged"].sum() / rings.truly["unchanged"].sum()
    assert found.found_unchanged == pytest.approx(still, abs=0.03)


def test_fitted_rings_of_counts_find_what_was_foretold() -> None:
    plan, rng = one(np.full(24, 1500.0)), np.random.default_rng(8)
    rings = rings_of([plan], 2, RULE, 1)
    v = float(plan.variance(1500.0))
    bound = critical(rings, 0, v, RULE).improved
    foretold, found = [], []
    chosen = Parameters(np.array([-1.386]), np.zeros(1), np.array([0.3]), np.array([0.3]), 0.0, 0.0, 0.0, 0.0, 0.0, 0.4)
    for ring in range(5):
        truth = draw_truth(chosen, np.full((24, 1, 2), 1500.0), "logit", rng)
        names = tuple(f"{c:05d}" for c in range(24))
        data = ChangeData("X.main", "share", names, ("target",), (2016, 2017), truth.y, truth.n)
        tree = fit(data, ChangeSettings(engine="laplace", draws=300, peers="none", land=False), ring, cores=1, threads=1)
        draws = estimands(tree, 1, 100.0, display=False).relative
        true = truth.change[:, 0] - np.median(truth.change)
        for side in (1, -1):
            said = declare((side * draws > RHO).mean(axis=0), np.ones(24, dtype=bool), RULE).declared
            moved = side * true > RHO
            foretold += list(chance_found(side * true[moved], bound, v))
            found += list(said[moved])
    assert len(found) > 60
    assert np.mean(found) == pytest.approx(np.mean(foretold), abs=0.08)
    assert 0.5 < np.mean(foretold) < 0.9


@settings(max_examples=8, deadline=None)
@given(st.floats(0.08, 0.5), st.floats(100, 5000), st.integers(0, 99))
def test_larger_bases_find_more_and_smaller_changes(sd: float, base: float, seed: int) -> None:
    rings = rings_of([one(np.full(12, base), sd)], 2, RULE, seed, rings=20)
    small, large = assure(rings, 0, base, RULE), assure(rings, 0, 4 * base, RULE)
    assert large.found >= small.found - 1e-9
    assert np.isnan(small.change) or large.change <= small.change + 1e-6
    assert np.isnan(small.lasting) or small.lasting >= small.change - 1e-6
    assert np.isnan(small.change) or small.change > RHO
    for found in (small, large):
        assert 0 <= found.found <= 1
        if np.isfinite(found.type_m):
            assert found.type_s <= 0.5
            assert found.type_m_shown <= found.type_m


def test_the_smallest_change_is_found_with_the_probability_told() -> None:
    plan = one(np.linspace(500, 5000, 30))
    rings = rings_of([plan], 2, RULE, 5)
    v, found = float(plan.variance(800.0)), assure(rings, 0, 800.0, RULE)
    assert chance_found(np.array([found.change]), critical(rings, 0, v, RULE).improved, v)[0] == pytest.approx(0.8, abs=1e-4)


def test_the_errors_are_those_of_draws() -> None:
    plan, rng = one(np.full(24, 300.0)), np.random.default_rng(2)
    rings = rings_of([plan], 2, RULE, 5, rings=40)
    v, found = float(plan.variance(300.0)), assure(rings, 0, 300.0, RULE)
    at = critical(rings, 0, v, RULE)
    x = found.typical + np.sqrt(v) * rng.standard_normal((40, 40_000))
    said = (x > at.improved[:, None]) | (x < -at.worsened[:, None])
    assert found.type_m == pytest.approx(np.abs(x[said]).mean() / found.typical, rel=0.02)
    assert found.type_s == pytest.approx((x[said] < 0).mean(), abs=0.005)
    kept = np.concatenate([np.interp(np.abs(row[s]), *curve) for row, s, curve in zip(x, said, _shown(rings, v), strict=True)])
    assert found.type_m_shown == pytest.approx(kept.mean() / found.typical, rel=0.03)


def _shown(rings: object, v: float) -> list[tuple[np.ndarray, np.ndarray]]:
    grid = np.linspace(0, 4, 2001)
    return [(grid, row) for row in rings.believed[0].shown_at(grid, v)]  # type: ignore[attr-defined]


def test_small_bases_carry_next_to_nothing_where_cities_move_little() -> None:
    calm = [one(np.full(24, 150.0), sd) for sd in (0.2, 0.1)]
    rings = rings_of(calm, 2, RULE, 1)
    for place in range(2):
        found = assure(rings, place, 150.0, RULE)
        assert found.found < 0.09
        assert found.found_unchanged < 0.05


def test_a_third_year_helps_what_lasts() -> None:
    plan = [one(np.full(24, 1000.0))]
    two, three = (assure(rings_of(plan, years, RULE, 1), 0, 1000.0, RULE) for years in (2, 3))
    assert three.lasting < two.lasting
    assert three.found > two.found


def test_the_spread_is_recovered_from_large_counts_and_not_from_small() -> None:
    def posterior(base: float) -> tuple[float, float]:
        its = believe(one(np.full(67, base), sd=0.3), 2, 60, 0.4, np.random.default_rng(1))
        mean = its.weight @ its.nodes.sd
        return float(mean.mean()), float(np.sqrt(its.weight @ its.nodes.sd**2 - mean**2).mean())

    centre, doubt = posterior(10_000.0)
    assert centre == pytest.approx(0.3, rel=0.05)
    assert doubt < 0.04
    assert posterior(30.0)[1] > 2 * doubt


def test_what_lasts_is_learnt_from_three_years_only() -> None:
    plan, means = one(np.full(67, 20_000.0), sd=0.3), {}
    for share in (0.1, 0.8):
        two, three = (believe(plan, years, 40, share, np.random.default_rng(1)) for years in (2, 3))
        assert float((two.weight @ two.nodes.share).mean()) == pytest.approx(0.4, abs=0.01)
        means[share] = float((three.weight @ three.nodes.share).mean())
    assert means[0.1] < 0.32
    assert means[0.8] > 0.5


def test_the_medians_doubt_is_that_of_draws() -> None:
    rng, its = np.random.default_rng(3), believe(one(np.full(41, 800.0)), 2, 5, 0.4, np.random.default_rng(1))
    node = 0
    between, v = float(its.between[node]), float(its.variance[0])
    part = between / (between + v)
    told = rng.standard_normal((4000, 40)) * np.sqrt(part * between)
    medians = np.median(told[:, None, :] + rng.standard_normal((4000, 8, 40)) * np.sqrt(part * v), axis=2)
    factor, sd = its.moments(v)
    assert sd[node] ** 2 - factor[node] * v == pytest.approx(medians.var(axis=1, ddof=1).mean(), rel=0.1)


def test_plain_rule_needs_its_threshold() -> None:
    plan = one(np.full(24, 1000.0))
    plain = RULE.model_copy(update={"rule": "plain", "plain_threshold": 0.95})
    rings = rings_of([plan], 2, plain, 1)
    assert (rings.threshold["improved"] == 0.95).all()
    assert assure(rings, 0, 1000.0, plain).found < assure(rings_of([plan], 2, RULE, 1), 0, 1000.0, RULE).found


def test_counting_variance_and_points() -> None:
    share = one(np.full(24, 1000.0))
    assert float(share.variance(1000.0)) == pytest.approx(2 / (1000 * 0.2 * 0.8))
    assert float(replace(share, precision=2.0).variance(1000.0)) == pytest.approx(1 / (1000 * 0.2 * 0.8))
    rate = replace(share, link="log", level=0.03, unit=1000.0)
    assert float(rate.variance(1000.0)) == pytest.approx(2 / 30)
    assert rate.points(RHO) == pytest.approx(3.0)
    assert share.points(RHO) == pytest.approx(100 * (expit(np.log(0.25) + RHO) - 0.2))
    assert replace(share, sign=-1).points(RHO) < share.points(RHO)
    assert replace(share, level=0.9).cases(100) == pytest.approx(10)


def test_values_beyond_a_bound_are_evenly_likely() -> None:
    values = truncated(0.3, 0.1, 400)
    assert values.min() > 0.1
    assert (values > 0.3).mean() == pytest.approx(ndtr(-1.0) / ndtr(-1 / 3), abs=0.01)


@given(st.lists(st.floats(0.3, 1.0), min_size=1, max_size=30), st.floats(-1e-3, 1e-3))
@settings(max_examples=60, deadline=None)
def test_a_further_cell_is_declared_from_the_threshold_on(cells: list[float], beside: float) -> None:
    threshold = joining(np.array(cells), RULE)
    p = float(np.clip(threshold + beside, 0, 1))
    if abs(p - threshold) > 1e-9 and np.abs(np.array(cells) - p).min() > 1e-9:
        everyone = np.array([*cells, p])
        assert declare(everyone, np.ones(len(everyone), dtype=bool), RULE).declared[-1] == (p > threshold)
