"""Are there groups at all, or one cloud of cities? A test against single Gaussians with the same covariance."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import silhouette_score

from integstat.peers.agreement import pair_agreement
from integstat.peers.cluster.bulk import cluster_all

LEVEL = 0.05
_CLOUDS = 99  # the least p is 0.01
_SAMPLES = 20
_FRACTION = 0.8
_STARTS = 3
_MOST_CITIES = 500  # more are represented by a sample


@dataclass(frozen=True)
class Structure:
    """The answer of the test.

    Attributes
    ----------
    p : float
        Share of structureless rings that look at least as grouped as the ring; small: groups.
    grouped : bool
        Whether `p` is at most 0.05.
    table : pandas.DataFrame
        One row per measure and k: `measure` (`stability`, `silhouette`), `k`, `value` of the ring, and of the structureless rings
        `mean`, `lower` and `upper` (5 and 95 %).
    """

    p: float
    grouped: bool
    table: pd.DataFrame

    @property
    def excess(self) -> dict[int, float]:
        """By how much each number of groups is more stable in the ring than in the structureless rings on average."""
        stable = self.table[self.table["measure"] == "stability"]
        more = stable["value"] - stable["mean"]
        return {int(k): float(one) for k, one in zip(stable["k"], more, strict=True)}


def structure_test(points: np.ndarray, ks: Sequence[int], seed: int, *, clouds: int = _CLOUDS, cores: int = 1) -> Structure:
    """Compare how clearly k-means divides the ring with how clearly it divides single Gaussian clouds.

    Parameters
    ----------
    points : ndarray, shape (C, F)
        Scaled and weighted features. Of more than 500 cities a sample is looked at.
    ks : sequence of int
    seed : int
    clouds : int
        Number of simulated structureless rings, of the same covariance and size.
    cores : int
        Rings worked on at once; the result does not depend on it.

    Returns
    -------
    Structure

    Notes
    -----
    For every k the stability over samples of 80 % of the cities (mean adjusted Rand index) and the silhouette are computed on the
    ring and on each cloud, each is standardised over ring and clouds together, and the largest over measures and k is compared:
    so the choice among them is part of the test (Westfall & Young 1993, max-T). The idea of testing against a single Gaussian is
    that of Liu, Hayes, Nobel & Marron (2008, https://doi.org/10.1198/016214508000000454).

    Rejection says that the cities are no single Gaussian cloud: mostly groups, but strong skewness can do it as well. No
    rejection says that what groups there are could have come out of a slope; a ring of 20 cities hides clear groups, too.
    """
    sources = np.random.SeedSequence(seed).spawn(clouds + 1)
    rng = np.random.default_rng(sources[0])
    if len(points) > _MOST_CITIES:
        points = points[np.sort(rng.choice(len(points), _MOST_CITIES, replace=False))]
    centred = points - points.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)
    root = axes.S[:, None] * axes.Vh / np.sqrt(len(points) - 1)

    def one(number: int) -> np.ndarray:
        own = np.random.default_rng(sources[number])
        if number == 0:
            return _measures(points, ks, own)
        return _measures(own.standard_normal((len(points), len(root))) @ root, ks, own)

    with ThreadPoolExecutor(max(1, cores)) as pool:
        found = np.stack(list(pool.map(one, range(clouds + 1))))  # ring first, measure, k
    spread = found.std(axis=0)
    standard = np.where(spread > 1e-12, (found - found.mean(axis=0)) / np.where(spread > 1e-12, spread, 1.0), 0.0)
    largest = np.round(standard.max(axis=(1, 2)), 12)
    p = float((largest >= largest[0]).mean())
    rows = [
        {
            "measure": measure,
            "k": int(k),
            "value": float(found[0, i, j]),
            "mean": float(found[1:, i, j].mean()),
            "lower": float(np.quantile(found[1:, i, j], 0.05)),
            "upper": float(np.quantile(found[1:, i, j], 0.95)),
        }
        for i, measure in enumerate(("stability", "silhouette"))
        for j, k in enumerate(ks)
    ]
    return Structure(p, p <= LEVEL, pd.DataFrame(rows))


def _measures(points: np.ndarray, ks: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """Stability and silhouette for every k, shape (2, K)."""
    cities = len(points)
    size = max(2, round(_FRACTION * cities))
    samples = [np.sort(rng.choice(cities, size, replace=False)) for _ in range(_SAMPLES)]
    drawn = np.stack([cluster_all(points, members, "kmeans", list(ks), rng, starts=_STARTS) for members in samples])
    whole = cluster_all(points, np.arange(cities), "kmeans", list(ks), rng, starts=_STARTS)
    apart = ~np.eye(_SAMPLES, dtype=bool)
    stable = [float(pair_agreement(drawn[:, column])[apart].mean()) for column in range(len(ks))]
    clear = [float(silhouette_score(points, row)) if 1 < row.max() + 1 < cities else 0.0 for row in whole]
    return np.array([stable, clear])
