from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from integstat.peers.cluster.bulk import cluster_all
from integstat.peers.cluster.stability import best_jaccard, jaccard_stability

from .clouds import from_r, islands

CLUSTERBOOT = """
suppressPackageStartupMessages(library(fpc))
file <- commandArgs(TRUE)[1]
set.seed(1)
found <- clusterboot(as.matrix(read.csv(file, header = FALSE)), B = 100, bootmethod = "boot", clustermethod = kmeansCBI,
                     krange = 4, runs = 20, count = FALSE)
write.csv(found$partition, row.names = FALSE)
write.csv(t(found$bootresult), row.names = FALSE)
"""


def kmeans_of(points: np.ndarray, k: int) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    return lambda members, rng: cluster_all(points, members, "kmeans", [k], rng, starts=20)[0]


def test_jaccard_is_shared_over_joint_members() -> None:
    labels, other = np.array([0, 0, 0, 1, 1, 2]), np.array([1, 1, 0, 0, 0, 0])
    assert best_jaccard(labels, other, np.arange(6)) == pytest.approx([2 / 3, 2 / 4, 1 / 4])
    assert best_jaccard(labels, other, np.array([0, 1, 2, 3, 4])) == pytest.approx([2 / 3, 2 / 3, 0.0])
    assert (best_jaccard(labels, labels, np.arange(6)) == 1.0).all()


def test_islands_are_stable_and_halves_of_one_cloud_are_not() -> None:
    points, truth = islands(3, 12)
    assert (jaccard_stability(truth, kmeans_of(points, 3), 20, np.random.default_rng(1)) == 1.0).all()
    cloud = np.random.default_rng(2).normal(size=(40, 6))
    labels = kmeans_of(cloud, 4)(np.arange(40), np.random.default_rng(3))
    assert jaccard_stability(labels, kmeans_of(cloud, 4), 40, np.random.default_rng(4)).mean() < 0.75


def test_means_of_clusterboot_are_met(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    corners = np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [0.0, 2.2, 0.0], [0.0, 0.0, 4.5]])
    points = corners[np.arange(60) % 4] + rng.normal(size=(60, 3))
    np.savetxt(tmp_path / "points.csv", points, delimiter=",", fmt="%.17g")
    printed = from_r(CLUSTERBOOT, "fpc", str(tmp_path / "points.csv"))
    partition = np.array([row[0] for row in printed[1:61]], dtype=int) - 1
    theirs = np.array(printed[62:], dtype=float)
    assert theirs.shape == (100, 4)
    ours = jaccard_stability(partition, kmeans_of(points, 4), 400, np.random.default_rng(12))
    error = np.sqrt(theirs.var(axis=0, ddof=1) / 100 + ours.var(axis=0, ddof=1) / 400)
    assert (error < 0.03).all()
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) < 4 * error).all()
    assert np.ptp(theirs.mean(axis=0)) > 5 * error.max()  # the groups differ by more than chance does
