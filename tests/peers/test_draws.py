import numpy as np
import pytest

from integstat.peers.draws import Draws, k_weights, sample_partitions, stability
from integstat.peers.features.build import Scaled, scale_features
from integstat.peers.settings import PeerSettings

from .rings import islands, ring, same_partition, settings


def scaled(points: np.ndarray, choice: PeerSettings) -> Scaled:
    return scale_features(ring(points), choice, 1)


def hand_made(labels: list[list[int]], weight: list[float] | None = None, sample: list[int] | None = None) -> Draws:
    count = len(labels)
    return Draws(
        np.array(labels, dtype=np.int8),
        np.array(weight) if weight else np.full(count, 1 / count),
        np.full(count, max(map(max, labels)) + 1),
        np.array(["ward"] * count),
        np.array(sample) if sample else np.arange(count),
    )


def test_shape_weights_and_samples() -> None:
    points, _ = islands(4, 5)
    choice = settings(resamples=10, algorithms=("ward", "kmeans"), k_weight="equal", algorithm_weight={"ward": 3.0})
    draws = sample_partitions(scaled(points, choice), range(3, 5), choice, 1)
    assert draws.labels.shape == (11 * 2 * 2, 20)
    assert (draws.labels >= 0).all()
    assert draws.weight.sum() == pytest.approx(1.0)
    assert draws.weight[draws.algorithm == "ward"].sum() == pytest.approx(0.75)
    assert set(draws.at(4).k) == {4}
    assert len(draws.at(4).algorithm) == 22
    assert draws.at(4).weight.sum() == pytest.approx(1.0)
    assert len(draws.whole) == 4


def test_same_seed_same_draws_other_seed_other_samples_and_cores_do_not_matter() -> None:
    points = np.random.default_rng(2).normal(size=(20, 4))
    choice = settings(resamples=10, algorithms=("kmeans", "gmm"))
    at = scaled(points, choice)
    first, again, other = (
        sample_partitions(at, range(3, 5), choice, seed, cores=cores) for seed, cores in ((1, 1), (1, 3), (2, 1))
    )
    np.testing.assert_array_equal(first.labels, again.labels)
    np.testing.assert_array_equal(first.weight, again.weight)
    assert (first.labels != other.labels).any()


@pytest.mark.parametrize("resampling", ["subsample", "bootstrap"])
def test_every_draw_finds_islands(resampling: str) -> None:
    points, truth = islands(4, 6)
    choice = settings(resamples=10, resampling=resampling, feature_fraction=1.0)
    draws = sample_partitions(scaled(points, choice), range(4, 5), choice, 1)
    right = [same_partition(row, truth) for row in draws.labels]
    assert np.mean(right) > 0.95
    assert stability(draws) > 0.95


def test_samples_of_large_rings_are_limited() -> None:
    points, truth = islands(3, 40)
    choice = settings(resamples=10, largest_sample=100, algorithms=("ward",))
    draws = sample_partitions(scaled(points, choice), range(3, 4), choice, 1)
    assert same_partition(draws.labels[5], truth)


def test_weights_of_k_follow_stability_or_the_config() -> None:
    by_k = {2: 0.5, 3: 0.9, 4: 0.85}
    found = k_weights(by_k, {4: 0.2, 3: 0.05}, settings())
    assert found[4] > found[3] > found[2]
    assert found[4] / found[3] == pytest.approx(np.e)
    assert k_weights(by_k, {}, settings())[3] > k_weights(by_k, {}, settings())[4]
    assert k_weights(by_k, {}, settings(k_weight="equal")) == pytest.approx({2: 1 / 3, 3: 1 / 3, 4: 1 / 3})
    assert k_weights(by_k, {}, settings(k_weight={"4": 2.0, "3": 1.0})) == pytest.approx({2: 0.0, 3: 1 / 3, 4: 2 / 3})


def test_stability_compares_draws_of_different_samples_only() -> None:
    assert stability(hand_made([[0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 1, 1]], sample=[1, 1, 2])) == pytest.approx((1.0 - 0.5) / 2)


def test_systematic_partitions_are_in_proportion_to_the_weights() -> None:
    draws = hand_made([[0, 0, 1], [0, 1, 1], [0, 1, 0]], weight=[0.5, 0.25, 0.25])
    assert draws.systematic(4).tolist() == [[0, 0, 1], [0, 0, 1], [0, 1, 1], [0, 1, 0]]
    assert hand_made([[0, 0, 1], [0, 1, 1]], weight=[0.0, 1.0]).systematic(3).tolist() == [[0, 1, 1]] * 3
