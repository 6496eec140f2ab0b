"""Shares of universes with the same finding, and probabilities mixed over them: by hand, and against plain loops."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sensitivity.spaces import DEFICIT, EVENTS, OPEN, STABLE, SUCCESS, reordered, space, spaces

from integstat.sensitivity.robustness import event_of, mixed, pooled, robustness
from integstat.sensitivity.universes import NOT_THERE, Universes

many = settings(max_examples=60, deadline=None)
codes = st.lists(st.sampled_from([NOT_THERE, OPEN, SUCCESS, DEFICIT, STABLE]), min_size=3, max_size=3).map(np.array)

SORTS = ("measurement", "model", "question")
KINDS = {(0, 2): "uncertain", (1, 2): "not_equivalent"}
WEIGHTS = {(0, 1): 2.0, (0, 2): 4.0, (1, 2): 100.0}


def by_hand(finding: dict[tuple[int, int, int], int]) -> Universes:
    """Three definitions (the third uncertain), three models (the third not equivalent), a question; success where not said."""
    empty = space((3, 3, 2), sorts=SORTS)
    codes = [finding.get(tuple(row), SUCCESS) for row in empty.choice.tolist()]
    return space((3, 3, 2), sorts=SORTS, kinds=KINDS, weights=WEIGHTS, finding=np.array(codes))


def test_weighted_share_of_equivalent_universes_of_the_same_question() -> None:
    found = robustness(by_hand({(1, 0, 0): OPEN, (2, 0, 0): DEFICIT}), np.array([SUCCESS]))
    # equivalent: definitions 0 and 1 (weights 1 and 2) x models 0 and 1 (1 and 1); uncertain: definition 2 (weight 4) as well
    assert found.share[0] == pytest.approx((1 + 1 + 2) / 6)
    assert found.share_with_uncertain[0] == pytest.approx((4 + 4) / 14)
    assert (found.universes[0], found.universes_with_uncertain[0]) == (4, 6)
    assert (found.failed[0], found.failed_with_uncertain[0]) == (0, 0)


def test_question_axes_and_what_is_not_equivalent_have_no_say() -> None:
    away = {(i, j, 1): DEFICIT for i in range(3) for j in range(3)} | {(i, 2, 0): DEFICIT for i in range(3)}
    found = robustness(by_hand(away), np.array([SUCCESS]))
    assert (found.share[0], found.share_with_uncertain[0]) == (1, 1)


def test_a_failed_universe_stays_in_the_denominator() -> None:
    found = robustness(by_hand({(1, 1, 0): NOT_THERE}), np.array([SUCCESS]))
    assert (found.share[0], found.failed[0]) == pytest.approx((4 / 6, 2 / 6))
    assert found.universes[0] == 4


def test_without_a_universe_or_a_finding_there_is_no_share() -> None:
    applies = np.array([[True, False, True, True], [True, False, True, False]])
    finding = np.array([[OPEN, NOT_THERE, NOT_THERE, OPEN], [OPEN, NOT_THERE, NOT_THERE, NOT_THERE]])
    found = robustness(space((2,), cities=4, finding=finding, applies=applies), np.array([OPEN, OPEN, NOT_THERE, OPEN]))
    np.testing.assert_array_equal(found.share, [1, np.nan, np.nan, 1])
    np.testing.assert_array_equal(found.failed, [0, np.nan, 1, 0])
    np.testing.assert_array_equal(found.universes, [2, 0, 2, 1])


def mean_of(values: Iterable[tuple[float, float]]) -> float:
    """Weighted mean of (weight, value)."""
    pairs = list(values)
    return sum(w * v for w, v in pairs) / sum(w for w, _ in pairs) if pairs else np.nan


@many
@given(spaces(), codes)
def test_shares_equal_plain_loops(universes: Universes, headline: np.ndarray) -> None:
    found = robustness(universes, headline)
    for city, code in enumerate(headline):
        for level, share, failed in (
            (0, found.share, found.failed),
            (1, found.share_with_uncertain, found.failed_with_uncertain),
        ):
            rows = [
                u
                for u in range(len(universes.choice))
                if universes.same_question[u] and universes.kind[u] <= level and universes.applies[u, city]
            ]
            same = mean_of((universes.weight[u], universes.finding[u, city] == code) for u in rows)
            lost = mean_of((universes.weight[u], universes.finding[u, city] == NOT_THERE) for u in rows)
            assert share[city] == pytest.approx(same if code != NOT_THERE else np.nan, nan_ok=True)
            assert failed[city] == pytest.approx(lost, nan_ok=True)


@many
@given(spaces(), codes, st.integers(0, 99))
def test_order_and_scale_of_weights_do_not_matter(universes: Universes, headline: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    other = reordered(universes, rng.permutation(len(universes.choice)), rng.permutation(len(universes.axes)))
    other = replace(other, weight=7 * other.weight)
    np.testing.assert_allclose(robustness(other, headline).share, robustness(universes, headline).share)
    for event in EVENTS:
        np.testing.assert_allclose(pooled(other, event), pooled(universes, event))
        np.testing.assert_allclose(mixed(other, event), mixed(universes, event))


@many
@given(spaces())
def test_pooled_and_mixed_equal_plain_loops(universes: Universes) -> None:
    model = {i for i, axis in enumerate(universes.axes) if axis.sort == "model"}
    definitions = model | {i for i, axis in enumerate(universes.axes) if axis.sort == "measurement"}
    definition_kind = universes.definition_kind
    assert definition_kind is not None
    success = np.isfinite(universes.probability["p_success"])
    cases = ((definitions, pooled(universes, "p_deficit"), False), (model, mixed(universes, "p_deficit"), True))
    for free, got, like_own in cases:
        for city in range(len(universes.cities)):
            pairs = [
                (universes.weight[u], universes.probability["p_deficit"][u, city])
                for u, row in enumerate(universes.choice)
                if set(np.flatnonzero(row)) <= free
                and all(universes.axes[i].alternatives[row[i]].kind != "not_equivalent" for i in np.flatnonzero(row))
                and definition_kind[u] < 2
                and universes.applies[u, city]
                and np.isfinite(universes.probability["p_deficit"][u, city])
                and not (like_own and success[u, city] != success[universes.main, city])
            ]
            assert got[city] == pytest.approx(mean_of(pairs), nan_ok=True)
            assert not pairs or 0 <= got[city] <= 1


def test_mixed_stays_with_the_definition_pooled_does_not() -> None:
    p = np.array([0.2, 0.4, 0.8, 1.0])  # definition 0 with models 0 and 1, definition 1 with them
    universes = space((2, 2), sorts=("measurement", "model"), weights={(1, 1): 3.0}, probability=p)
    assert mixed(universes, "p_success")[0] == pytest.approx((0.2 + 3 * 0.4) / 4)
    assert pooled(universes, "p_success")[0] == pytest.approx((0.2 + 3 * 0.4 + 0.8 + 3 * 1.0) / 8)


def test_the_event_of_a_finding() -> None:
    nan = np.nan
    own = {"p_success": [0.1, 0.6, 0.2, 0.2, nan, nan], "p_deficit": [0.2, 0.3, 0.3, 0.1, 0.1, nan]}
    own |= {"p_stable": [0.7, 0.1, 0.5, 0.0, nan, nan]}
    probability = {event: np.array([values, [0.5] * 6]) for event, values in own.items()}
    universes = space((2,), cities=6, probability=probability)
    headline = np.array([SUCCESS, DEFICIT, STABLE, OPEN, OPEN, NOT_THERE], dtype=np.int8)
    assert event_of(universes, headline) == ["p_success", "p_deficit", "p_stable", "p_success", "p_deficit", "p_success"]
    assert event_of(universes, np.full(6, OPEN))[:3] == ["p_stable", "p_success", "p_stable"]
