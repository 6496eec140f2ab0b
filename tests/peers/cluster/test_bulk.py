import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.peers.cluster.bulk import Algorithm, cluster_all
from integstat.peers.cluster.rows import distinct
from integstat.peers.cluster.spheres import spheres

from .clouds import islands, same_partition

ALGORITHMS: tuple[Algorithm, ...] = ("kmeans", "ward", "gmm", "pam", "spectral")
every = pytest.mark.parametrize("algorithm", ALGORITHMS)
# few values, so that rows and distances are often equal
tables = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=20).map(lambda p: np.array(p, float))
FEW = settings(max_examples=30, deadline=None)


@every
@given(table=tables, seed=st.integers(0, 1000), soft=st.booleans())
@FEW
def test_copies_share_a_label_and_order_of_rows_does_not_matter(
    algorithm: Algorithm, table: np.ndarray, seed: int, soft: bool
) -> None:
    cities, rng = len(table), np.random.default_rng(seed)
    members = rng.integers(cities, size=cities)
    soft = soft and algorithm == "gmm"
    labels = cluster_all(table, members, algorithm, [2, 3, 30], np.random.default_rng(seed), soft=soft)
    assert labels.shape == (3, cities)
    assert labels.dtype == np.int16
    copies = (table[:, None, :] == table).all(axis=2)
    assert all((row[:, None] == row)[copies].all() for row in labels)
    for row, k in zip(labels, [2, 3, 30], strict=True):
        first = [row.tolist().index(label) for label in range(row.max() + 1)]
        assert first == sorted(first)
        assert row.max() < min(k, len(np.unique(table[members], axis=0)))
    order = rng.permutation(cities)
    place = np.argsort(order)
    again = cluster_all(table[order], place[members], algorithm, [2, 3, 30], np.random.default_rng(seed), soft=soft)
    assert all(same_partition(a[order], b) for a, b in zip(labels, again, strict=True))


@every
def test_islands_are_found_from_a_sample_and_the_others_join(algorithm: Algorithm) -> None:
    points, truth = islands(4, 12)
    members = np.random.default_rng(1).choice(48, 38, replace=False)
    labels = cluster_all(points, members, algorithm, range(2, 6), np.random.default_rng(2))
    assert same_partition(labels[2], truth)
    assert [row.max() + 1 for row in labels[:3]] == [2, 3, 4]


@every
def test_same_generator_same_labels(algorithm: Algorithm) -> None:
    points = np.random.default_rng(3).normal(size=(40, 5))
    one, two = (cluster_all(points, np.arange(40), algorithm, [3, 6], np.random.default_rng(4)) for _ in range(2))
    assert (one == two).all()


@pytest.mark.parametrize("algorithm", ["ward", "spectral"])
def test_cities_outside_the_sample_join_the_nearest_member(algorithm: Algorithm) -> None:
    points = np.random.default_rng(5).normal(size=(30, 3))
    members = np.arange(0, 30, 2)
    labels = cluster_all(points, members, algorithm, [4], np.random.default_rng(6))[0]
    near = members[((points[:, None, :] - points[members]) ** 2).sum(axis=2).argmin(axis=1)]
    assert (labels == labels[near]).all()


@every
def test_a_city_named_twice_counts_twice(algorithm: Algorithm) -> None:
    points = np.random.default_rng(7).normal(size=(12, 2))
    named = np.array([0, 0, 0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 11])
    copied = points[named]
    once = cluster_all(points, named, algorithm, [2, 3, 4], np.random.default_rng(8))
    copies = cluster_all(copied, np.arange(len(named)), algorithm, [2, 3, 4], np.random.default_rng(8))
    assert all(same_partition(a[named], b) for a, b in zip(once, copies, strict=True))


@every
def test_one_city_or_equal_cities_are_one_group(algorithm: Algorithm) -> None:
    assert not cluster_all(np.ones((1, 2)), np.array([0]), algorithm, [1, 2], np.random.default_rng(1)).any()
    assert not cluster_all(np.ones((9, 2)), np.arange(9), algorithm, [1, 4], np.random.default_rng(1)).any()


def test_soft_labels_come_as_often_as_their_probability() -> None:
    points = np.array([[-2.0], [-1.5], [-1.0], [0.1], [0.1], [1.0], [1.5], [2.0]])
    members = np.array([0, 1, 2, 5, 6, 7])
    rng = np.random.default_rng(9)
    draws = [cluster_all(points, members, "gmm", [2], rng, soft=True)[0] for _ in range(3000)]
    together = np.mean([draw[:, None] == draw for draw in draws], axis=0)
    share = spheres(distinct(points[members]), 2, np.random.default_rng(1), 5).responsibilities(points.T.copy())
    for i, j in itertools.combinations(range(8), 2):
        expected = 1.0 if (i, j) == (3, 4) else float(share[:, i] @ share[:, j])  # 3 and 4 are copies
        assert together[i, j] == pytest.approx(expected, abs=5 * 0.5 / np.sqrt(3000))
    assert 0.1 < together[3, 5] < 0.95


@pytest.mark.parametrize("algorithm", ["kmeans", "ward", "pam", "spectral"])
def test_only_the_mixture_has_probabilities(algorithm: Algorithm) -> None:
    with pytest.raises(ValueError, match="gmm"):
        cluster_all(np.eye(4), np.arange(4), algorithm, [2], np.random.default_rng(1), soft=True)
