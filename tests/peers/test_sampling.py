import numpy as np
import pytest

from integstat.peers.sampling import cluster, in_order, sample_partitions

from .rings import islands, same_partition, settings


def test_shape_samples_and_membership() -> None:
    points, _ = islands(4, 5)
    draws = sample_partitions(points, range(3, 5), settings(resamples=10, algorithms=("ward", "kmeans")), 1)
    assert draws.labels.shape == (11 * 2 * 2, 20)
    assert (draws.whole >= 0).all()
    assert ((draws.labels[draws.sample > 0] >= 0).sum(axis=1) == 16).all()
    for sample in range(11):
        held = draws.labels[draws.sample == sample] >= 0
        assert (held == held[0]).all()
    assert set(draws.at(4).k) == {4}
    assert len(draws.at(4).algorithm) == 22


def test_same_seed_same_draws_other_seed_other_samples() -> None:
    points, _ = islands(3, 5)
    few = settings(resamples=10, algorithms=("kmeans",))
    first, again, other = (sample_partitions(points, range(3, 4), few, seed).labels for seed in (1, 1, 2))
    assert (first == again).all()
    assert ((first >= 0) != (other >= 0)).any()


@pytest.mark.parametrize("algorithm", ["kmeans", "ward", "gmm"])
def test_every_algorithm_finds_islands(algorithm: str) -> None:
    points, truth = islands(4, 6)
    assert same_partition(cluster(points, algorithm, 4, 1), truth)


@pytest.mark.parametrize("algorithm", ["kmeans", "ward", "gmm"])
def test_fewer_places_than_groups(algorithm: str) -> None:
    points = np.repeat(np.array([[0.0, 0.0], [9.0, 9.0]]), 5, axis=0)
    labels = cluster(points, algorithm, 4, 1)
    assert same_partition(labels, np.repeat([0, 1], 5))


def test_labels_in_the_order_of_first_appearance() -> None:
    assert in_order(np.array([7, 7, 2, 9, 2])).tolist() == [0, 0, 1, 2, 1]
