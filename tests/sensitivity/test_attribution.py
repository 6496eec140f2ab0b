"""Parts of the uncertainty: closed forms on categorical functions, known zeros, sums, and an independent computation."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sensitivity.spaces import reordered, space, spaces

from integstat.sensitivity.attribution import MOST_AXES, Attribution, attribute
from integstat.sensitivity.robustness import pooled
from integstat.sensitivity.universes import Universes

many = settings(max_examples=60, deadline=None)
signs = np.array([-1.0, 1.0])


def grid(*levels: np.ndarray) -> list[np.ndarray]:
    """Values of each axis's levels in all combinations, in the order of `space`."""
    return [values.ravel() for values in np.meshgrid(*levels, indexing="ij")]


def parts(sizes: tuple[int, ...], p: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Parts of the axes for one city."""
    return attribute(space(sizes, probability=p, weight=weight), "p_success").axes[:, 0]


def total(found: Attribution) -> np.ndarray:
    return found.counting + found.lasting + found.axes.sum(axis=0)


def variance(p: np.ndarray, weight: np.ndarray, given_axes: np.ndarray) -> float:
    """Variance of the conditional mean, group by group."""
    weight = weight / weight.sum()
    groups = [np.flatnonzero((given_axes == row).all(axis=1)) for row in np.unique(given_axes, axis=0)]
    return sum(weight[g].sum() * (np.average(p[g], weights=weight[g]) - weight @ p) ** 2 for g in groups)


def by_orders(universes: Universes, event: str, city: int) -> np.ndarray:
    """Shapley's definition: what each axis adds, in the mean over all orders in which axes become known."""
    p = universes.probability[event][:, city]
    rows = np.isfinite(p) & universes.applies[:, city] & universes.same_question & (universes.kind < 2)
    count = len(universes.axes)
    if not rows.any():
        return np.full(count, np.nan)
    p, weight, choice = p[rows], universes.weight[rows], universes.choice[rows]
    orders = list(itertools.permutations(range(count)))
    out = np.zeros(count)
    for order in orders:
        for i, axis in enumerate(order):
            known, more = choice[:, order[:i]], choice[:, order[: i + 1]]
            out[axis] += (variance(p, weight, more) - variance(p, weight, known)) / len(orders)
    return out


def test_sum_of_functions_and_their_interactions() -> None:
    x, y, z = grid(signs, signs, signs)
    a, b, c, ab, abc = 0.1, 0.05, 0.02, 0.08, 0.06
    got = parts((2, 2, 2), 0.5 + a * x + b * y + c * z + ab * x * y + abc * x * y * z)
    shared = abc**2 / 3
    np.testing.assert_allclose(got, [a**2 + ab**2 / 2 + shared, b**2 + ab**2 / 2 + shared, c**2 + shared], atol=1e-15)


def test_a_pure_interaction_belongs_to_both() -> None:
    x, y, _ = grid(signs, signs, np.arange(3.0))
    np.testing.assert_allclose(parts((2, 2, 3), 0.5 + 0.3 * x * y), [0.045, 0.045, 0], atol=1e-15)


def test_ishigami_on_levels() -> None:
    level = np.linspace(-np.pi, np.pi, 7)
    x, y, z = grid(level, level, level)
    a, b, scale = 7.0, 0.1, 0.01
    p = 0.5 + scale * (np.sin(x) + a * np.sin(y) ** 2 + b * z**4 * np.sin(x))
    sine, power = (np.sin(level) ** 2).mean(), level**4
    first = sine * (1 + b * power.mean()) ** 2
    second = a**2 * np.var(np.sin(level) ** 2)
    both = b**2 * power.var() * sine
    np.testing.assert_allclose(parts((7, 7, 7), p), scale**2 * np.array([first + both / 2, second, both / 2]), atol=1e-14)


@pytest.mark.parametrize("r", [-0.9, -0.3, 0.0, 0.5, 1.0])
def test_a_dependent_pair(r: float) -> None:
    """Two signs with correlation r; in the same form as for two Gaussian inputs (Iooss & Prieur 2019)."""
    x, y = grid(signs, signs)
    a, b = 0.2, 0.1
    weight = (1 + r * x * y) / 4
    keep = weight > 0
    rows = np.array(list(itertools.product(range(2), range(2))))[keep]
    universes = space((2, 2), rows=rows.tolist(), probability=(0.5 + a * x + b * y)[keep], weight=weight[keep])
    got = attribute(universes, "p_success").axes[:, 0]
    tilt = r**2 * (b**2 - a**2) / 2
    np.testing.assert_allclose(got, [a**2 + a * b * r + tilt, b**2 + a * b * r - tilt], atol=1e-15)


def test_axes_that_always_change_together_share_equally() -> None:
    rows = [(i, i, j) for i in range(3) for j in range(2)]
    p = np.array([0.1 * i + 0.3 * j for i, _, j in rows])
    got = attribute(space((3, 3, 2), rows=rows, probability=p), "p_success").axes[:, 0]
    np.testing.assert_allclose(got, [0.01 / 3, 0.01 / 3, 0.0225], atol=1e-15)


def test_stated_weights_enter() -> None:
    universes = space((2, 2), weights={(0, 1): 3.0, (1, 0): 0.5}, probability=np.array([0.2, 0.2, 0.6, 0.6]))
    found = attribute(universes, "p_success")
    assert found.p_bar[0] == pytest.approx(0.5)
    np.testing.assert_allclose(found.axes[:, 0], [0.25 * 0.75 * 0.16, 0], atol=1e-15)


@many
@given(spaces())
def test_parts_sum_to_the_whole(universes: Universes) -> None:
    found = attribute(universes, "p_success")
    np.testing.assert_allclose(found.whole, found.p_bar * (1 - found.p_bar), atol=1e-15)
    np.testing.assert_allclose(total(found), found.whole, atol=1e-12)
    np.testing.assert_allclose(found.p_bar, pooled(universes, "p_success"))
    assert not (np.nan_to_num(found.axes) < -1e-12).any()
    assert ((found.universes == 0) == np.isnan(found.whole)).all()


@settings(max_examples=25, deadline=None)
@given(spaces(sorts=("model", "measurement")))
def test_equals_the_mean_over_all_orders(universes: Universes) -> None:
    found = attribute(universes, "p_deficit")
    for city in range(len(universes.cities)):
        np.testing.assert_allclose(found.axes[:, city], by_orders(universes, "p_deficit", city), atol=1e-12)


@many
@given(spaces(most_axes=3), st.integers(0, 3), st.floats(0.1, 5))
def test_an_axis_of_two_identical_alternatives_is_nothing(universes: Universes, at: int, weight: float) -> None:
    at = min(at, len(universes.axes))
    twin = space((2,), weights={(0, 1): weight}).axes[0]
    count = len(universes.choice)
    twice = reordered(universes, np.repeat(np.arange(count), 2))
    choice = np.insert(twice.choice, at, np.tile([0, 1], count), axis=1)
    weights = twice.weight * np.tile([1.0, weight], count)
    with_twin = replace(twice, axes=(*twice.axes[:at], twin, *twice.axes[at:]), choice=choice, weight=weights)
    before, after = attribute(universes, "p_success"), attribute(with_twin, "p_success")
    assert (np.nan_to_num(np.abs(after.axes[at])) < 1e-12).all()
    np.testing.assert_allclose(np.delete(after.axes, at, axis=0), before.axes, atol=1e-12)
    np.testing.assert_allclose(after.counting, before.counting, atol=1e-12)


@many
@given(spaces(), st.integers(0, 99))
def test_relabelling_and_order_do_not_matter(universes: Universes, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = universes.same_question & (universes.kind < 2)
    order, axes = rng.permutation(len(universes.choice)), rng.permutation(len(universes.axes))
    relabelled = universes.choice.copy()
    for place, axis in enumerate(universes.axes):
        relabelled[:, place] = rng.permutation(len(axis.alternatives))[relabelled[:, place]]
    other = reordered(replace(universes, choice=relabelled), order, axes)
    before, after = attribute(universes, "p_success", rows), attribute(other, "p_success", rows[order])
    np.testing.assert_allclose(after.axes, before.axes[axes], atol=1e-12)
    np.testing.assert_allclose(after.whole, before.whole, atol=1e-12)


def test_an_axis_that_does_not_vary_is_exactly_nothing() -> None:
    universes = space((2, 3, 2), sorts=("model", "question", "model"), probability=np.random.default_rng(0).random(12))
    found = attribute(universes, "p_success")
    assert found.axes[1, 0] == 0
    assert (found.axes[[0, 2], 0] > 0).all()
    assert found.universes[0] == 4


def test_questions_only_when_asked_for() -> None:
    universes = space((2, 2), sorts=("model", "question"), probability=np.array([0.4, 0.9, 0.4, 0.9]))
    every = attribute(universes, "p_success", np.ones(4, dtype=bool))
    np.testing.assert_allclose(every.axes[:, 0], [0, 0.0625], atol=1e-15)
    np.testing.assert_allclose(attribute(universes, "p_success").axes[:, 0], [0, 0], atol=1e-15)


def test_one_universe_differs_from_none() -> None:
    found = attribute(space((1, 1), probability=np.array([0.3])), "p_success")
    assert (found.axes == 0).all()
    assert (found.whole[0], found.counting[0]) == pytest.approx((0.21, 0.21))


def test_a_city_without_a_universe_has_no_parts() -> None:
    found = attribute(space((2,), cities=2, probability=np.array([[0.1, np.nan], [0.3, np.nan]])), "p_success")
    assert np.isnan([found.whole[1], found.counting[1], found.lasting[1], found.axes[0, 1], found.p_bar[1]]).all()
    assert (found.universes[0], found.universes[1]) == (2, 0)
    assert found.axes[0, 0] == pytest.approx(0.01)


def test_what_lasts_is_taken_from_counting() -> None:
    p = np.array([[0.2], [0.6]])
    universes = space((2,), weights={(0, 1): 3.0}, probability=p)
    found = attribute(universes, "p_success", lasting_share=0.25 * p * (1 - p))
    within = (0.16 + 3 * 0.24) / 4
    assert (found.lasting[0], found.counting[0]) == pytest.approx((within / 4, 3 * within / 4))
    np.testing.assert_allclose(total(found), found.whole)


@pytest.mark.parametrize("wrong", [-0.01, 0.2, np.nan])
def test_what_lasts_has_bounds(wrong: float) -> None:
    universes = space((2,), cities=2, probability=np.array([[0.2, np.nan], [0.6, 0.1]]))
    fine = np.array([[0.16, np.nan], [0.0, 0.09]])
    attribute(universes, "p_success", lasting_share=fine)
    with pytest.raises(ValueError, match="lasts"):
        attribute(universes, "p_success", lasting_share=np.where(fine == 0.16, wrong, fine))


def test_too_many_axes_are_refused() -> None:
    rows = np.vstack([np.zeros(MOST_AXES + 1, dtype=int), np.eye(MOST_AXES + 1, dtype=int)])
    with pytest.raises(ValueError, match="axes"):
        attribute(space((2,) * (MOST_AXES + 1), rows=rows.tolist()), "p_success")


def test_twelve_axes() -> None:
    coefficients = np.linspace(0.0, 0.04, 12)
    x = grid(*[signs] * 12)
    got = parts((2,) * 12, 0.5 + sum(c * one for c, one in zip(coefficients, x, strict=True)))
    np.testing.assert_allclose(got, coefficients**2, atol=1e-14)
