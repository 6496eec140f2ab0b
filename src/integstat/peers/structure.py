"""Are there groups at all, or one cloud of cities? A test against single Gaussians with the same covariance."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import yeojohnson
from sklearn.metrics import silhouette_score

from integstat.peers.agreement import pair_agreement
from integstat.peers.cluster.bulk import cluster_all

LEVEL = 0.05
_CLOUDS = 99  # the least p is 0.01
_SAMPLES = 20
_MANY_SAMPLES = 200  # of the ring itself, where its stability is told and not tested
_FRACTION = 0.8
_STARTS = 3
_MOST_CITIES = 500  # more are represented by a sample


@dataclass(frozen=True)
class Structure:
    """The answer of the test.

    Attributes
    ----------
    p : float
        Share of structureless rings that look at least as grouped as the ring; small: groups. Median over the completions of
        missing values.
    grouped : bool
        Whether `p` is at most 0.05.
    excess : dict of int to float
        By how much each number of groups is more stable in the ring, over 200 samples, than in the clouds on average.
    table : pandas.DataFrame
        One row per measure and k: `measure` (`stability`, `silhouette`), `k`, `value` of the ring, and of the structureless rings
        `mean`, `lower` and `upper` (5 and 95 %).
    """

    p: float
    grouped: bool
    excess: dict[int, float]
    table: pd.DataFrame


def structure_test(points: np.ndarray, ks: Sequence[int], seed: int, *, clouds: int = _CLOUDS, cores: int = 1) -> Structure:
    """Compare how clearly k-means divides the ring with how clearly it divides single clouds.

    Parameters
    ----------
    points : ndarray, shape (M, C, F)
        Scaled and weighted features in M completions. Of more than 500 cities a sample is looked at.
    ks : sequence of int
    seed : int
    clouds : int
        Number of simulated structureless rings of the same size.
    cores : int
        Rings worked on at once; the result does not depend on it.

    Returns
    -------
    Structure

    Notes
    -----
    A cloud is a single Gaussian with the ring's covariance, features first made as symmetric as a power transformation can
    (Yeo & Johnson 2000, https://doi.org/10.1093/biomet/87.4.954), drawn there, turned back and held within the ring's range: so
    skewed features alone make no groups. For every k the stability over samples of 80 % of the cities (mean adjusted Rand index)
    and the silhouette are computed on the ring and on each cloud, each is standardised over ring and clouds together, and the
    largest over measures and k is compared: so the choice among them is part of the test (Westfall & Young 1993, max-T). The idea
    of testing against a single Gaussian is that of Liu, Hayes, Nobel & Marron (2008,
    https://doi.org/10.1198/016214508000000454).

    Rejection says that the cities are no such cloud: mostly groups, but heavy tails and heaps of equal values can do it as well.
    No rejection says that what groups there are could have come out of a slope; a ring of 20 cities hides clear groups, too.
    """
    sources = np.random.SeedSequence(seed).spawn(clouds + len(points))
    rng = np.random.default_rng(seed)
    if points.shape[1] > _MOST_CITIES:
        points = points[:, np.sort(rng.choice(points.shape[1], _MOST_CITIES, replace=False))]
    models = [_Cloud.of(completion) for completion in points]

    def one(number: int) -> tuple[np.ndarray, np.ndarray]:
        own = np.random.default_rng(sources[number])
        if number < len(points):
            measured = _measures(points[number], ks, own, _SAMPLES)
            return measured, _stability(points[number], ks, own, -(-_MANY_SAMPLES // len(points)))
        return _measures(models[number % len(models)].draw(own), ks, own, _SAMPLES), np.zeros(len(ks))

    with ThreadPoolExecutor(max(1, cores)) as pool:
        measured, precise = (np.stack(one) for one in zip(*pool.map(one, range(len(sources))), strict=True))
    ring, cloud = measured[: len(points)], measured[len(points) :]  # completion or cloud, measure, k
    p = float(np.median([_p(completion, cloud) for completion in ring]))
    excess = precise[: len(points)].mean(axis=0) - cloud[:, 0].mean(axis=0)
    rows = [
        {
            "measure": measure,
            "k": int(k),
            "value": float(ring[:, i, j].mean()),
            "mean": float(cloud[:, i, j].mean()),
            "lower": float(np.quantile(cloud[:, i, j], 0.05)),
            "upper": float(np.quantile(cloud[:, i, j], 0.95)),
        }
        for i, measure in enumerate(("stability", "silhouette"))
        for j, k in enumerate(ks)
    ]
    return Structure(p, p <= LEVEL, {int(k): float(more) for k, more in zip(ks, excess, strict=True)}, pd.DataFrame(rows))


@dataclass(frozen=True)
class _Cloud:
    """One cloud of cities: a Gaussian in the space of power-transformed features, `power` and `centre` and `scale` by feature."""

    power: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    root: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    cities: int

    @classmethod
    def of(cls, points: np.ndarray) -> _Cloud:
        centre, scale = np.median(points, axis=0), points.std(axis=0)
        standard = (points - centre) / np.where(scale > 0, scale, 1.0)
        columns, power = zip(*(yeojohnson(column) for column in standard.T), strict=True)
        bent = np.column_stack(columns)
        axes = np.linalg.svd(bent - bent.mean(axis=0), full_matrices=False)
        root = axes.S[:, None] * axes.Vh / np.sqrt(len(points) - 1)
        low, high = points.min(axis=0), points.max(axis=0)
        return cls(np.array(power), centre, scale, root, bent.mean(axis=0), low, high, len(points))

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        bent = rng.standard_normal((self.cities, len(self.root))) @ self.root + self.mean
        return np.asarray(np.clip(self.centre + self.scale * _straight(bent, self.power), self.low, self.high))


def _straight(bent: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Undo the power transformation; what it cannot reach becomes infinite."""
    upper, lower = np.maximum(bent, 0.0), np.maximum(-bent, 0.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        up = np.where(power == 0, np.expm1(upper), np.maximum(1 + power * upper, 0.0) ** (1 / power) - 1)
        other = 2 - power
        down = np.where(other == 0, np.expm1(lower), np.maximum(1 + other * lower, 0.0) ** (1 / other) - 1)
    return np.asarray(np.where(bent >= 0, up, -down))


def _p(ring: np.ndarray, clouds: np.ndarray) -> float:
    """Share of ring and clouds whose largest standardised measure is at least the ring's."""
    found = np.concatenate([ring[None], clouds])
    spread = found.std(axis=0)
    standard = np.where(spread > 1e-12, (found - found.mean(axis=0)) / np.where(spread > 1e-12, spread, 1.0), 0.0)
    largest = np.round(standard.max(axis=(1, 2)), 12)
    return float((largest >= largest[0]).mean())


def _measures(points: np.ndarray, ks: Sequence[int], rng: np.random.Generator, samples: int) -> np.ndarray:
    """Stability and silhouette for every k, shape (2, K)."""
    stable = _stability(points, ks, rng, samples)
    whole = cluster_all(points, np.arange(len(points)), "kmeans", list(ks), rng, starts=_STARTS)
    clear = [float(silhouette_score(points, row)) if 1 < row.max() + 1 < len(points) else 0.0 for row in whole]
    return np.array([stable, clear])


def _stability(points: np.ndarray, ks: Sequence[int], rng: np.random.Generator, samples: int) -> np.ndarray:
    """Mean adjusted Rand index between k-means on samples of the cities, for every k, shape (K,)."""
    cities = len(points)
    size = max(2, round(_FRACTION * cities))
    members = [np.sort(rng.choice(cities, size, replace=False)) for _ in range(max(2, samples))]
    drawn = np.stack([cluster_all(points, one, "kmeans", list(ks), rng, starts=_STARTS) for one in members])
    apart = ~np.eye(len(members), dtype=bool)
    return np.array([float(pair_agreement(drawn[:, column])[apart].mean()) for column in range(len(ks))])
