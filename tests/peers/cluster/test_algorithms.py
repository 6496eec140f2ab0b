"""What each algorithm promises, against brute force, scikit-learn and the definition."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import eigh
from scipy.spatial.distance import cdist
from sklearn.cluster import AgglomerativeClustering, KMeans

from integstat.peers.cluster.kmeans import kmeans
from integstat.peers.cluster.kmedoids import kmedoids
from integstat.peers.cluster.rows import Rows, distinct, nearest
from integstat.peers.cluster.spectral import _vectors, spectral
from integstat.peers.cluster.ward import ward

from .clouds import same_partition

lattice = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=4, max_size=25).map(lambda p: np.array(p, float))
FEW = settings(max_examples=40, deadline=None)


def sum_of_squares(rows: Rows, labels: np.ndarray) -> float:
    total = 0.0
    for group in np.unique(labels):
        points, weight = rows.points[labels == group], rows.weight[labels == group]
        total += float(weight @ ((points - np.average(points, axis=0, weights=weight)) ** 2).sum(axis=1))
    return total


# --- rows


@given(lattice)
@FEW
def test_distinct_rows_are_sorted_weighted_and_lead_back(table: np.ndarray) -> None:
    rows = distinct(table)
    assert (rows.points[rows.place] == table).all()
    assert (rows.points == np.unique(table, axis=0)).all()
    assert (rows.weight == np.bincount(rows.place)).all()


def test_negative_zero_is_zero_and_rows_without_weight_are_left_out() -> None:
    rows = distinct(np.array([[0.0], [-0.0], [2.0], [3.0]]), np.array([0.5, 1.0, 0.0, 2.0]))
    assert rows.points.tolist() == [[0.0], [3.0]]
    assert rows.weight.tolist() == [1.5, 2.0]
    assert rows.place.tolist() == [0, 0, -1, 1]


def test_nearest_takes_the_first_of_equally_near() -> None:
    points, places = np.random.default_rng(1).normal(size=(30, 4)), np.random.default_rng(2).normal(size=(5, 4))
    assert (nearest(np.ascontiguousarray(points.T), places) == cdist(points, places).argmin(axis=1)).all()
    assert nearest(np.array([[0.0]]), np.array([[1.0], [-1.0]])).tolist() == [0]


# --- k-means


def test_k_means_finds_the_least_sum_of_squares_of_all_partitions() -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        rows = distinct(np.repeat(rng.normal(size=(8, 2)), rng.integers(1, 4, 8), axis=0))
        every = (np.array((0, *rest)) for rest in itertools.product(range(3), repeat=7))
        least = min(sum_of_squares(rows, labels) for labels in every if len(set(labels)) == 3)
        assert kmeans(rows.points, rows.weight, 3, rng, 10).inertia == pytest.approx(least)


@given(lattice, st.integers(1, 4), st.integers(0, 100))
@FEW
def test_no_group_of_k_means_is_empty_and_no_single_move_helps(table: np.ndarray, k: int, seed: int) -> None:
    rows = distinct(table)
    k = min(k, len(rows.points))
    found = kmeans(rows.points, rows.weight, k, np.random.default_rng(seed), 1)
    assert sorted(set(found.labels)) == list(range(k))
    assert found.inertia == pytest.approx(sum_of_squares(rows, found.labels), abs=1e-9)
    for i, other in itertools.product(range(len(found.labels)), range(k)):
        moved = found.labels.copy()
        moved[i] = other
        if len(set(moved)) == k:
            assert sum_of_squares(rows, moved) >= found.inertia - 1e-8


def test_k_means_is_no_worse_than_many_starts_of_scikit_learn() -> None:
    points = np.random.default_rng(1).normal(size=(67, 22))
    rows = distinct(points)
    theirs = [KMeans(5, n_init=20, random_state=seed).fit(points).inertia_ for seed in range(5)]
    ours = [kmeans(rows.points, rows.weight, 5, np.random.default_rng(seed), 20).inertia for seed in range(5)]
    assert np.mean(ours) <= np.mean(theirs) * (1 + 1e-9)


# --- k-medoids


def sum_of_distances(rows: Rows, medoids: np.ndarray) -> float:
    return float(rows.weight @ cdist(rows.points, rows.points[medoids]).min(axis=1))


@given(lattice, st.integers(1, 4))
@FEW
def test_no_swap_of_a_medoid_helps(table: np.ndarray, k: int) -> None:
    rows = distinct(table)
    k = min(k, len(rows.points))
    medoids = kmedoids(rows, [k])[0]
    assert len(set(medoids)) == k
    for out, into in itertools.product(range(k), range(len(rows.points))):
        swapped = medoids.copy()
        swapped[out] = into
        assert sum_of_distances(rows, swapped) >= sum_of_distances(rows, medoids) - 1e-8


def test_medoids_reach_the_least_sum_of_distances_of_all_choices() -> None:
    reached = 0
    for seed in range(20):
        rows = distinct(np.random.default_rng(seed).normal(size=(12, 2)))
        least = min(sum_of_distances(rows, np.array(choice)) for choice in itertools.combinations(range(12), 3))
        reached += sum_of_distances(rows, kmedoids(rows, [3])[0]) < least + 1e-9
    assert reached >= 15


def test_medoids_for_several_numbers_are_those_for_each_alone() -> None:
    rows = distinct(np.random.default_rng(1).normal(size=(30, 3)))
    for k, medoids in zip((2, 5, 3), kmedoids(rows, [2, 5, 3]), strict=True):
        assert (medoids == kmedoids(rows, [k])[0]).all()


# --- Ward


def test_ward_is_that_of_scikit_learn() -> None:
    points = np.repeat(np.random.default_rng(1).normal(size=(30, 3)), 2, axis=0)
    rows = distinct(points)
    for k, labels in zip(range(2, 9), ward(rows, range(2, 9)), strict=True):
        theirs = AgglomerativeClustering(k, linkage="ward").fit_predict(points)
        assert same_partition(labels[rows.place], theirs)


@given(lattice)
@FEW
def test_ward_gives_as_many_groups_as_asked_for_and_nests_them(table: np.ndarray) -> None:
    rows = distinct(table)
    ks = range(1, len(rows.points) + 1)
    cuts = ward(rows, ks)
    assert [len(set(labels)) for labels in cuts] == list(ks)
    for coarse, fine in itertools.pairwise(cuts):
        assert len(set(zip(coarse, fine, strict=True))) == len(set(fine))


# --- spectral


def test_spectral_finds_rings_that_k_means_cannot() -> None:
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    radius = np.repeat([1.0, 4.0], 30)
    points = np.column_stack([radius * np.cos(2 * angle), radius * np.sin(2 * angle)])
    rows = distinct(points)
    found = spectral(rows, [2], np.random.default_rng(1), 5)[0][rows.place]
    assert same_partition(found, radius)
    assert not same_partition(kmeans(rows.points, rows.weight, 2, np.random.default_rng(1), 5).labels[rows.place], radius)


def test_weights_of_the_graph_are_copies() -> None:
    rng = np.random.default_rng(2)
    rows = distinct(np.repeat(rng.normal(size=(12, 2)), rng.integers(1, 4, 12), axis=0))
    copies = np.repeat(np.arange(12), rows.weight.astype(int))
    between = cdist(rows.points, rows.points)
    scale = np.sort(between, axis=1)[:, 7]
    full = np.exp(-(between**2) / np.outer(scale, scale))[np.ix_(copies, copies)]
    np.fill_diagonal(full, 0.0)
    half = 1 / np.sqrt(full.sum(axis=1))
    theirs = eigh(full * np.outer(half, half))[1][:, -3:]
    ours = (_vectors(rows, 3, 7) / np.sqrt(rows.weight)[:, None])[copies]
    assert np.abs(ours) == pytest.approx(np.abs(theirs), abs=1e-9)
