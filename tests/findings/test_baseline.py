"""Means over peers: against plain loops, and what must hold of them whatever the partitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.findings import Baseline

many = settings(max_examples=100, deadline=None)


@st.composite
def rings(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values by draw and city, labels by partition and city, and the cities that are a yardstick."""
    draws, cities, partitions = draw(st.integers(1, 9)), draw(st.integers(1, 8)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = rng.integers(draw(st.sampled_from([-1, 0])), 3, (partitions, cities))
    return rng.normal(size=(draws, cities)), labels, rng.random(cities) < draw(st.sampled_from([0.5, 0.9, 1.0]))


def names(count: int) -> tuple[str, ...]:
    return tuple(f"{i:05d}" for i in range(count))


def mean(values: np.ndarray, labels: np.ndarray, counted: np.ndarray) -> np.ndarray:
    return Baseline(names(values.shape[1]), labels=labels).mean(values, counted)


def brute(values: np.ndarray, labels: np.ndarray, counted: np.ndarray) -> np.ndarray:
    out = np.full(values.shape, np.nan)
    partitions, cities = labels.shape
    for city in range(cities):
        mates = [
            [o for o in range(cities) if o != city and counted[o] and row[o] == row[city] and row[city] >= 0] for row in labels
        ]
        alone = sum(1 for one in mates if not one)
        if 2 * alone > partitions:
            continue
        for s in range(len(values)):
            m = s % partitions
            while not mates[m]:
                m = (m + 1) % partitions
            out[s, city] = sum(values[s, o] for o in mates[m]) / len(mates[m])
    return out


@many
@given(rings())
def test_brute_force(ring: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    np.testing.assert_allclose(mean(*ring), brute(*ring), atol=1e-12)


@many
@given(rings(), st.permutations(range(8)), st.permutations(range(3)))
def test_neither_labels_nor_the_order_of_cities_count(
    ring: tuple[np.ndarray, np.ndarray, np.ndarray], order: list[int], numbers: list[int]
) -> None:
    values, labels, counted = ring
    place = np.array([i for i in order if i < values.shape[1]])
    relabelled = np.array([*numbers, -1])[labels]
    moved = mean(values[:, place], relabelled[:, place], counted[place])
    np.testing.assert_allclose(moved, mean(values, labels, counted)[:, place], atol=1e-12)


@many
@given(rings(), st.integers(2, 5))
def test_a_partition_drawn_again_and_again_is_that_partition(ring: tuple[np.ndarray, np.ndarray, np.ndarray], times: int) -> None:
    values, labels, counted = ring
    once = mean(values, labels[:1], counted)
    np.testing.assert_allclose(mean(values, np.repeat(labels[:1], times, axis=0), counted), once, atol=1e-12)


@many
@given(rings())
def test_equal_weights_within_groups_are_the_groups(ring: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    values, labels, counted = ring
    row = labels[0]
    weights = ((row[:, None] == row) & (row >= 0)).astype(float)
    np.fill_diagonal(weights, 0.0)
    total = weights.sum(axis=1, keepdims=True)
    weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    found = Baseline(names(len(row)), weights=weights).mean(values, counted)
    np.testing.assert_allclose(found, mean(values, labels[:1], counted), atol=1e-12)


@many
@given(rings(), st.floats(-5, 5))
def test_a_common_shift_shifts_every_yardstick(ring: tuple[np.ndarray, np.ndarray, np.ndarray], shift: float) -> None:
    values, labels, counted = ring
    np.testing.assert_allclose(mean(values + shift, labels, counted), mean(values, labels, counted) + shift, atol=1e-9)


def test_cities_of_a_delivery_in_its_order() -> None:
    whole = Baseline(("a", "b", "c", "d"), labels=np.array([[0, 0, 1, 1], [0, 1, 1, 0]]))
    part = whole.at(["d", "x", "a"])
    assert part.cities == ("d", "x", "a")
    np.testing.assert_array_equal(part.labels, [[1, -1, 0], [0, -1, 0]])
    weights = np.array([[0, 0.2, 0.3, 0.5], [1, 0, 0, 0], [0.5, 0, 0, 0.5], [0, 0, 1, 0]])
    near = Baseline(("a", "b", "c", "d"), weights=weights).at(["d", "x", "a"])
    np.testing.assert_array_equal(near.weights.toarray(), [[0, 0, 0], [0, 0, 0], [0.5, 0, 0]])
    found = near.mean(np.array([[1.0, 2.0, 3.0]]), np.ones(3, dtype=bool))
    np.testing.assert_array_equal(found, [[np.nan, np.nan, 1.0]])


def test_weights_are_shared_out_among_those_that_count() -> None:
    weights = np.array([[0, 0.2, 0.3, 0.5], [1, 0, 0, 0], [0.5, 0, 0, 0.5], [0, 0, 1, 0]])
    baseline = Baseline(names(4), weights=weights)
    found = baseline.mean(np.array([[1.0, 2.0, 4.0, 100.0]]), np.array([True, True, True, False]))
    np.testing.assert_allclose(found, [[0.4 * 2 + 0.6 * 4, 1.0, 1.0, 4.0]])


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"labels": np.zeros((1, 2), dtype=int), "weights": np.array([[0.0, 1.0], [1.0, 0.0]])},
        {"labels": np.zeros((1, 3), dtype=int)},
        {"labels": np.zeros((0, 2), dtype=int)},
        {"weights": np.eye(3)[:, ::-1]},
        {"weights": np.eye(2)},
        {"weights": np.array([[0.0, -1.0], [1.0, 0.0]])},
    ],
)
def test_what_is_no_baseline_is_refused(content: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="labels|weights"):
        Baseline(("a", "b"), **content)
