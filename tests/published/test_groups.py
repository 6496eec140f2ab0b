"""Clustering against published answers for the irises of Fisher (1936, doi:10.1111/j.1469-1809.1936.tb02137.x)."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris

from integstat.peers.agreement import pair_agreement
from integstat.peers.cluster.estimators import GroupsKMeans, GroupsKMedoids, GroupsMixture, GroupsWard

IRISES, SPECIES = load_iris(return_X_y=True)


def sizes(labels: np.ndarray) -> list[int]:
    return sorted(np.bincount(labels).tolist())


def with_species(labels: np.ndarray) -> float:
    return float(pair_agreement(np.array([labels, SPECIES]))[0, 1])


def test_medoids_are_those_of_pam() -> None:
    # Kaufman & Rousseeuw (1990, doi:10.1002/9780470316801), as R's cluster::pam(iris[, 1:4], 3) prints it; BUILD alone: 0.6709
    found = GroupsKMedoids(3).fit(IRISES)
    assert (np.sort(found.medoid_indices_) + 1).tolist() == [8, 79, 113]
    assert found.inertia_ / 150 == pytest.approx(0.6542077, abs=1e-7)
    assert sizes(found.labels_) == [38, 50, 62]


def test_kmeans_reaches_the_published_sums_of_squares() -> None:
    # R's kmeans(iris[, 1:4], k), Hartigan & Wong (1979, doi:10.2307/2346830): 152.348 and 78.85144; a poor start ends at 142.75
    two, three = (GroupsKMeans(k, random_state=0).fit(IRISES) for k in (2, 3))
    assert two.inertia_ == pytest.approx(152.348, abs=5e-4)
    assert three.inertia_ == pytest.approx(78.85144, abs=5e-6)
    assert sizes(three.labels_) == [38, 50, 62]
    # adjusted Rand index (Hubert & Arabie 1985, doi:10.1007/BF01908075); the plain one would be 0.880
    assert with_species(three.labels_) == pytest.approx(0.7302, abs=5e-5)


def test_ward_cuts_the_tree_where_it_should() -> None:
    # Ward (1963, doi:10.1080/01621459.1963.10500845); R's hclust(dist(iris[, 1:4]), "ward.D2"), three groups
    found = GroupsWard(3).fit(IRISES)
    assert sizes(found.labels_) == [36, 50, 64]
    assert with_species(found.labels_) == pytest.approx(0.7312, abs=5e-5)


@pytest.mark.parametrize(
    ("covariance", "k", "bic"),
    [("EII", 2, -1123.4117), ("EEI", 2, -1042.9679), ("VVI", 2, -857.5515), ("EEE", 2, -688.0972), ("VVV", 2, -574.0178)],
)
def test_mixtures_have_the_bic_of_mclust(covariance: str, k: int, bic: float) -> None:
    # Fraley & Raftery (2002, doi:10.1198/016214502760047131); R's mclustBIC(iris[, 1:4])
    found = GroupsMixture(k, covariance=covariance, prior=0.0, start="ward").fit(IRISES)
    assert found.bic_ == pytest.approx(bic, abs=2e-3)
