import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from integstat.peers.consensus import Summary, candidates, choose, coassignment, cost, expected_loss, membership, summarise
from integstat.peers.sampling import Draws, sample_partitions

from .rings import islands, same_partition, settings


def noise_draws(seed: int = 1, cities: int = 18) -> Draws:
    points = np.random.default_rng(seed).normal(size=(cities, 4))
    return sample_partitions(points, range(3, 5), settings(resamples=10), seed)


def test_coassignment_by_hand() -> None:
    found = coassignment(np.array([[0, 0, 1], [0, 1, 1], [1, 1, -1], [0, 1, 0]]))
    np.testing.assert_allclose(found, [[1, 1 / 2, 1 / 3], [1 / 2, 1, 1 / 3], [1 / 3, 1 / 3, 1]])


def test_coassignment_of_whole_rings_is_a_kernel() -> None:
    labels = np.random.default_rng(2).integers(0, 4, size=(40, 12))
    found = coassignment(labels)
    assert (found == found.T).all()
    assert np.linalg.eigvalsh(found).min() > -1e-9


@run(deadline=None)
@given(st.permutations(range(4)), st.integers(0, 29))
def test_relabelling_a_draw_changes_nothing(names: list[int], row: int) -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 4, size=(30, 10))
    labels[1:, rng.integers(10)] = -1
    renamed = labels.copy()
    renamed[row] = np.where(labels[row] >= 0, np.array(names)[labels[row]], -1)
    partition = np.arange(10) % 3
    np.testing.assert_array_equal(coassignment(labels), coassignment(renamed))
    np.testing.assert_allclose(membership(partition, labels), membership(partition, renamed))
    assert expected_loss(partition, labels) == pytest.approx(expected_loss(partition, renamed))


@run(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_summary_is_never_worse_than_a_sampled_candidate(seed: int) -> None:
    draws = noise_draws(seed)
    overall = coassignment(draws.labels)
    for k in (3, 4):
        at = draws.at(k)
        found = summarise(draws, k, overall)
        assert found.loss_at_k == pytest.approx(expected_loss(found.partition, at.labels))
        for sampled in at.whole:
            assert found.loss_at_k <= expected_loss(sampled, at.labels) + 1e-9
        for option in candidates(at, k, overall):
            assert found.loss_at_k <= expected_loss(option, at.labels) + 1e-9


def test_summary_beats_chance_partitions_and_does_not_depend_on_the_order_of_draws() -> None:
    draws = noise_draws(4)
    turned = Draws(draws.labels[::-1], draws.k[::-1], draws.algorithm[::-1], draws.sample[::-1])
    found = summarise(draws, 3, coassignment(draws.labels))
    again = summarise(turned, 3, coassignment(turned.labels))
    assert found.loss_at_k == pytest.approx(again.loss_at_k)
    assert same_partition(found.partition, again.partition)
    rng = np.random.default_rng(1)
    by_chance = [expected_loss(rng.integers(0, 3, 18), draws.at(3).labels) for _ in range(50)]
    assert found.loss_at_k < min(by_chance)


def test_islands_are_recovered_and_certain() -> None:
    points, truth = islands(4, 6)
    draws = sample_partitions(points, range(3, 6), settings(), 1)
    found = summarise(draws, 4, coassignment(draws.labels))
    assert same_partition(found.partition, truth)
    assert found.stability == pytest.approx(1.0)
    assert found.loss_at_k == 0.0
    assert membership(found.partition, draws.at(4).labels).max(axis=1) == pytest.approx(1.0)


def test_choice_weighs_stability_and_loss() -> None:
    def one(k: int, stability: float, loss: float) -> Summary:
        return Summary(k, np.zeros(3, dtype=int), stability, 0.0, loss)

    assert choose([one(3, 0.70, 0.5), one(4, 0.99, 0.6), one(5, 0.80, 0.4)]).k == 4  # stable beats a little loss
    assert choose([one(3, 1.00, 0.9), one(4, 0.98, 0.5), one(5, 0.80, 0.5)]).k == 4  # the finer of two that recur
    assert choose([one(4, 0.50, 0.6), one(3, 0.50, 0.6)]).k == 3  # the fewest of equals
    assert cost(one(4, 0.75, 0.6), 8) == pytest.approx(0.6 + 0.25 * 3)


def test_membership_by_hand() -> None:
    labels = np.array([[0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 1]])
    found = membership(np.array([0, 0, 1, 1]), labels)
    # city 0: with city 1 in 3/4 of the draws; with cities 2, 3 in 1/4 and 0
    np.testing.assert_allclose(found[0], [6 / 7, 1 / 7])
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_membership_of_a_lone_city_is_its_share_of_draws_alone() -> None:
    labels = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 1, 1]])
    found = membership(np.array([0, 0, 1]), labels)
    np.testing.assert_allclose(found[2], [(1 / 8) / (1 / 8 + 3 / 4), (3 / 4) / (1 / 8 + 3 / 4)])


def test_membership_when_nothing_was_ever_together_is_even() -> None:
    labels = np.array([[0, 1, 2, 3]])
    np.testing.assert_allclose(membership(np.array([0, 0, 1, 1]), labels), 0.5)


def test_summary_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        summarise(noise_draws(), 3, coassignment(noise_draws().labels)).k = 5  # type: ignore[misc]
