import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from integstat.peers.ball import credible_ball
from integstat.peers.build import cost, recommend
from integstat.peers.consensus import Summary, candidates, coassignment, expected_loss, membership, summarise
from integstat.peers.draws import Draws, sample_partitions
from integstat.peers.groups import group_jaccard
from integstat.peers.structure import Structure

from .rings import islands, same_partition, settings
from .test_draws import hand_made, scaled


def noise_draws(seed: int = 1, cities: int = 18) -> Draws:
    choice = settings(resamples=10, algorithms=("kmeans", "ward", "gmm"))
    points = np.random.default_rng(seed).normal(size=(cities, 4))
    return sample_partitions(scaled(points, choice), range(3, 5), choice, seed)


def test_coassignment_by_hand() -> None:
    found = coassignment(hand_made([[0, 0, 1], [0, 1, 1], [0, 1, 0]], weight=[0.5, 0.25, 0.25]))
    np.testing.assert_allclose(found, [[1, 0.5, 0.25], [0.5, 1, 0.25], [0.25, 0.25, 1]], atol=1e-6)


@run(deadline=None)
@given(st.permutations(range(4)), st.integers(0, 29))
def test_relabelling_a_draw_changes_nothing(names: list[int], row: int) -> None:
    labels = np.random.default_rng(3).integers(0, 4, size=(30, 10))
    renamed = labels.copy()
    renamed[row] = np.array(names)[labels[row]]
    first, second = hand_made(labels.tolist()), hand_made(renamed.tolist())
    partition = np.arange(10) % 3
    np.testing.assert_allclose(coassignment(first), coassignment(second), atol=1e-6)
    np.testing.assert_allclose(membership(partition, first), membership(partition, second), atol=1e-6)
    np.testing.assert_allclose(group_jaccard(partition, first), group_jaccard(partition, second))
    assert expected_loss(partition, first) == pytest.approx(expected_loss(partition, second))


def test_coassignment_is_a_kernel() -> None:
    found = coassignment(noise_draws())
    assert (found == found.T).all()
    assert (np.diag(found) == 1.0).all()
    assert np.linalg.eigvalsh(found.astype(float)).min() > -1e-5


@run(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_summary_is_never_worse_than_a_sampled_candidate(seed: int) -> None:
    draws = noise_draws(seed)
    overall = coassignment(draws)
    for k in (3, 4):
        at = draws.at(k)
        found = summarise(draws, k, overall)
        assert found.loss_at_k == pytest.approx(expected_loss(found.partition, at))
        for option in (*at.whole, *candidates(at, k, (coassignment(at), overall))):
            if len(np.unique(option)) == k:
                assert found.loss_at_k <= expected_loss(np.asarray(option), at) + 1e-9


def test_summary_beats_chance_partitions_and_does_not_depend_on_the_order_of_draws() -> None:
    draws = noise_draws(4)
    turned = Draws(
        draws.labels[::-1], draws.weight[::-1], draws.k[::-1], draws.algorithm[::-1], draws.sample[::-1], draws.stability
    )
    found = summarise(draws, 3, coassignment(draws))
    again = summarise(turned, 3, coassignment(turned))
    assert found.loss_at_k == pytest.approx(again.loss_at_k)
    assert same_partition(found.partition, again.partition)
    rng = np.random.default_rng(1)
    by_chance = [expected_loss(rng.integers(0, 3, 18), draws.at(3)) for _ in range(50)]
    assert found.loss_at_k < min(by_chance)


def test_islands_are_recovered_and_certain() -> None:
    points, truth = islands(4, 6)
    choice = settings(feature_fraction=1.0)
    draws = sample_partitions(scaled(points, choice), range(3, 6), choice, 1)
    found = summarise(draws, 4, coassignment(draws))
    assert same_partition(found.partition, truth)
    assert found.stability > 0.95
    assert membership(found.partition, draws.at(4)).max(axis=1).min() > 0.95
    assert group_jaccard(found.partition, draws.at(4)).min() > 0.95


def one(k: int, stability: float, loss: float, smallest: int = 3) -> Summary:
    return Summary(k, np.repeat([0, 1], [9, smallest]), stability, 0.0, loss)


def test_without_proven_groups_none_of_one_or_two_cities_is_recommended() -> None:
    tried = [one(3, 0.5, 0.9), one(4, 0.5, 0.7, smallest=2), one(5, 0.5, 0.8)]
    found, missed = (Structure(p, p < 0.05, {}, pd.DataFrame()) for p in (0.01, 0.5))
    assert recommend(tried, found).k == 4
    assert recommend(tried, missed).k == 5
    assert recommend([one(2, 0.5, 0.9, smallest=1)], missed).k == 2


def test_choice_weighs_stability_and_loss() -> None:
    assert cost(one(4, 0.75, 0.6), {4: 0.1}, 8) == pytest.approx(0.6 + (0.25 + 0.9) * 3)
    assert cost(one(4, 0.99, 0.6), {}, 5) < min(cost(one(3, 0.70, 0.5), {}, 5), cost(one(5, 0.80, 0.4), {}, 5))
    assert cost(one(4, 0.98, 0.5), {}, 5) < min(cost(one(3, 1.00, 0.9), {}, 5), cost(one(5, 0.80, 0.5), {}, 5))


def test_membership_by_hand() -> None:
    found = membership(np.array([0, 0, 1, 1]), hand_made([[0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 1]]))
    # city 0: with city 1 in 3/4 of the draws; with cities 2, 3 in 1/4 and 0
    np.testing.assert_allclose(found[0], [6 / 7, 1 / 7], atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_membership_of_a_lone_city_is_its_share_of_draws_alone() -> None:
    found = membership(np.array([0, 0, 1]), hand_made([[0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 1, 1]]))
    np.testing.assert_allclose(found[2], [(1 / 8) / (1 / 8 + 3 / 4), (3 / 4) / (1 / 8 + 3 / 4)], atol=1e-6)


def test_membership_when_nothing_was_ever_together_is_even() -> None:
    np.testing.assert_allclose(membership(np.array([0, 0, 1, 1]), hand_made([[0, 1, 2, 3]])), 0.5)


def test_jaccard_by_hand() -> None:
    draws = hand_made([[0, 0, 1, 1], [0, 0, 0, 1]], weight=[0.75, 0.25])
    np.testing.assert_allclose(group_jaccard(np.array([0, 0, 1, 1]), draws), [0.75 + 0.25 * 2 / 3, 0.75 + 0.25 / 2])


def test_ball_holds_the_share_and_its_bounds_lie_in_it() -> None:
    draws = noise_draws(5)
    summary = summarise(draws, 3, coassignment(draws)).partition
    ball = credible_ball(summary, draws, 0.9)
    within = [expected_loss(summary, hand_made([row.tolist()])) <= ball.radius + 1e-9 for row in draws.labels]
    assert draws.weight[within].sum() == pytest.approx(ball.share)
    assert ball.share >= 0.9
    assert draws.weight[[expected_loss(summary, hand_made([r.tolist()])) < ball.radius - 1e-9 for r in draws.labels]].sum() < 0.9
    sizes = {name: len(np.unique(getattr(ball, name))) for name in ("coarsest", "finest", "farthest")}
    assert sizes["coarsest"] <= sizes["farthest"] <= sizes["finest"]
    assert ball.distance["farthest"] == pytest.approx(max(ball.distance.values()))
    for name, distance in ball.distance.items():
        assert expected_loss(summary, hand_made([getattr(ball, name).tolist()])) == pytest.approx(distance)


def test_ball_of_one_partition_is_a_point() -> None:
    ball = credible_ball(np.array([0, 0, 1]), hand_made([[0, 0, 1]] * 3))
    assert (ball.radius, ball.share) == (0.0, 1.0)
    assert ball.farthest.tolist() == [0, 0, 1]
