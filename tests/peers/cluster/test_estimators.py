from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from integstat.peers.cluster.estimators import Groups, GroupsKMeans, GroupsKMedoids, GroupsMixture, GroupsSpectral, GroupsWard

from .clouds import islands, same_partition

ALL = [GroupsKMeans, GroupsKMedoids, GroupsMixture, GroupsWard, GroupsSpectral]
Estimator = type[Groups]


@parametrize_with_checks([GroupsKMeans(), GroupsKMedoids(), GroupsMixture(n_init=2), GroupsWard(), GroupsSpectral(n_init=2)])
def test_scikit_learn_accepts_the_estimator(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def made(estimator: Estimator, k: int) -> Any:
    chance = {"random_state": 1} if "random_state" in estimator().get_params() else {}
    return estimator(k, **chance)


@pytest.mark.parametrize("estimator", ALL)
def test_islands_are_found_and_new_points_join_theirs(estimator: Estimator) -> None:
    points, truth = islands(4, 10)
    fitted = made(estimator, 4).fit(points)
    assert same_partition(fitted.labels_, truth)
    nearby = points + 0.1
    assert (fitted.predict(nearby) == fitted.labels_).all()


@pytest.mark.parametrize("estimator", ALL)
def test_order_of_rows_does_not_matter_not_even_for_the_numbers_of_groups(estimator: Estimator) -> None:
    points = np.random.default_rng(3).normal(size=(40, 3))
    order = np.random.default_rng(4).permutation(40)
    assert (made(estimator, 4).fit(points).labels_[order] == made(estimator, 4).fit(points[order]).labels_).all()


@pytest.mark.parametrize("estimator", ALL)
def test_copies_share_a_group_and_fewer_groups_come_out_where_fewer_rows_differ(estimator: Estimator) -> None:
    points = np.repeat(np.array([[0.0, 0.0], [9.0, 9.0], [9.5, 9.0]]), 4, axis=0)
    labels = made(estimator, 5).fit(points).labels_
    assert all(len(set(labels[row : row + 4])) == 1 for row in (0, 4, 8))
    assert labels.max() <= 2
    assert labels[0] != labels[4]


@pytest.mark.parametrize("estimator", ALL)
@pytest.mark.parametrize("k", [0, 2.5])
def test_number_of_groups_must_be_a_whole_number(estimator: Estimator, k: Any) -> None:
    with pytest.raises(ValueError, match="n_clusters"):
        estimator(k).fit(np.eye(3))


@pytest.mark.parametrize("estimator", [GroupsKMeans, GroupsKMedoids, GroupsMixture])
def test_weights_count_as_copies(estimator: Estimator) -> None:
    rng = np.random.default_rng(5)
    points, weight = rng.normal(size=(30, 2)), rng.integers(0, 4, 30)
    weighted = made(estimator, 3).fit(points, sample_weight=weight)
    assert (weighted.predict(points) == made(estimator, 3).fit(np.repeat(points, weight, axis=0)).predict(points)).all()


def test_medoids_are_rows_of_the_table() -> None:
    points, truth = islands(3, 7)
    fitted = GroupsKMedoids(3).fit(points)
    assert (points[fitted.medoid_indices_] == fitted.cluster_centers_).all()
    assert sorted(truth[fitted.medoid_indices_]) == [0, 1, 2]
    assert fitted.inertia_ == pytest.approx(np.linalg.norm(points - fitted.cluster_centers_[fitted.labels_], axis=1).sum())


def test_k_means_reports_its_sum_of_squares_and_means() -> None:
    points = np.random.default_rng(6).normal(size=(50, 3))
    fitted = GroupsKMeans(4, random_state=1).fit(points)
    assert fitted.inertia_ == pytest.approx(((points - fitted.cluster_centers_[fitted.labels_]) ** 2).sum())
    for group, centre in enumerate(fitted.cluster_centers_):
        assert points[fitted.labels_ == group].mean(axis=0) == pytest.approx(centre)
