"""Many partitions instead of one: algorithms × numbers of groups × samples of cities, features and imputations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from integstat.peers.agreement import pair_agreement
from integstat.peers.cluster.bulk import cluster_all
from integstat.peers.features.build import Scaled
from integstat.peers.settings import Algorithm, PeerSettings

SHARPNESS = 10.0  # of the weights of k; with it co-assignment is calibrated on simulated rings
_COMPARED = 100  # samples whose agreement is looked at


@dataclass(frozen=True)
class Draws:
    """Sampled partitions, where each comes from and what it counts.

    Attributes
    ----------
    labels : ndarray of int8, shape (S, C)
        Labels from 0 within a row. A city outside the sample has the label that the algorithm predicts for it.
    weight : ndarray, shape (S,)
        Sums to 1.
    k : ndarray of int, shape (S,)
        Number of groups asked for.
    algorithm : ndarray of str, shape (S,)
    sample : ndarray of int, shape (S,)
        Number of the sample of cities and features; 0 is the whole ring with all features.
    stability : dict of int to float
        Of the draws with each number of groups; see `stability`.
    """

    labels: np.ndarray
    weight: np.ndarray
    k: np.ndarray
    algorithm: np.ndarray
    sample: np.ndarray
    stability: dict[int, float] = field(default_factory=dict)

    def at(self, k: int) -> Draws:
        """Return the draws with `k` groups asked for; their weights sum to 1 again."""
        return self._part(self.k == k)

    @property
    def whole(self) -> np.ndarray:
        """The partitions of the whole ring, shape (S0, C)."""
        return np.asarray(self.labels[self.sample == 0])

    def _part(self, chosen: np.ndarray) -> Draws:
        weight = self.weight[chosen]
        total = weight.sum()
        weight = weight / total if total > 0 else np.full(len(weight), 1.0 / len(weight))
        return Draws(self.labels[chosen], weight, self.k[chosen], self.algorithm[chosen], self.sample[chosen], self.stability)

    def systematic(self, count: int) -> np.ndarray:
        """Partitions in proportion to their weights, without chance.

        Parameters
        ----------
        count : int

        Returns
        -------
        ndarray of int8, shape (count, C)
            Systematic resampling at the points (i + 1/2) / count of the cumulated weights.
        """
        steps = np.cumsum(self.weight)
        picked = np.searchsorted(steps / steps[-1], (np.arange(count) + 0.5) / count)
        return np.asarray(self.labels[np.minimum(picked, len(steps) - 1)])


def sample_partitions(
    scaled: Scaled,
    ks: Sequence[int],
    settings: PeerSettings,
    seed: int,
    *,
    excess: Mapping[int, float] | None = None,
    cores: int = 1,
) -> Draws:
    """Cluster the whole ring, and samples of its cities and features, by every algorithm and number of groups.

    Parameters
    ----------
    scaled : Scaled
        Features of the cities in the order of their keys: samples are drawn by position.
    ks : sequence of int
        Numbers of groups.
    settings : PeerSettings
        `algorithms` and their weights, `resamples`, `resampling`, `resample_fraction`, `feature_fraction`, `largest_sample`,
        `k_weight`.
    seed : int
    excess : mapping of int to float, optional
        By how much each number of groups is more stable than in rings without structure (`Structure.excess`); None: unknown.
    cores : int
        Samples worked on at once; the result does not depend on it.

    Returns
    -------
    Draws
        S = (resamples + 1) × algorithms × ks rows. Each sample takes the next imputation.

    Notes
    -----
    The draws say how far groups depend on the method, on k, on the features and on who takes part. No model of the cities makes
    them a posterior; that shares of them can be read as probabilities was tried on simulated rings with known groups.

    In rings of more cities than `largest_sample` a sample holds no more than that, and all others are placed by prediction.
    """
    sources = np.random.SeedSequence(seed).spawn(settings.resamples + 1)

    def one(number: int) -> np.ndarray:
        return _one_sample(scaled, ks, settings, number, np.random.default_rng(sources[number]))

    with ThreadPoolExecutor(max(1, cores)) as pool:
        blocks = list(pool.map(one, range(settings.resamples + 1)))
    labels = np.stack(blocks)  # sample, algorithm, k, city
    samples, algorithms, numbers, cities = labels.shape
    shape = (samples, algorithms, numbers)
    sample, method, which = (index.ravel() for index in np.indices(shape))
    draws = Draws(
        labels=labels.reshape(-1, cities),
        weight=np.full(sample.size, 1.0 / sample.size),
        k=np.asarray(ks)[which],
        algorithm=np.array(settings.algorithms)[method],
        sample=sample,
    )
    return _weighted(draws, excess or {}, settings)


def _one_sample(scaled: Scaled, ks: Sequence[int], settings: PeerSettings, number: int, rng: np.random.Generator) -> np.ndarray:
    """Labels of one sample, shape (A, K, C)."""
    points = scaled.points(number % len(scaled.values))
    cities, features = points.shape
    if number == 0:
        members, columns = np.arange(cities), np.arange(features)
    else:
        members = _members(cities, settings, rng)
        columns = np.sort(rng.choice(features, max(1, round(settings.feature_fraction * features)), replace=False))
    if len(members) > settings.largest_sample:
        members = np.sort(rng.choice(members, settings.largest_sample, replace=False))
    used = points[:, columns]
    return np.stack([cluster_all(used, members, algorithm, ks, rng, starts=settings.starts) for algorithm in settings.algorithms])


def _members(cities: int, settings: PeerSettings, rng: np.random.Generator) -> np.ndarray:
    if settings.resampling == "bootstrap":
        return np.sort(rng.integers(cities, size=cities))
    size = min(cities - 1, max(2, round(settings.resample_fraction * cities)))
    return np.sort(rng.choice(cities, size, replace=False))


def _weighted(draws: Draws, excess: Mapping[int, float], settings: PeerSettings) -> Draws:
    """Give every draw the weight of its algorithm times that of its k."""
    by_algorithm = np.array([_algorithm_weight(settings, name) for name in settings.algorithms])
    by_algorithm /= by_algorithm.sum()
    method = {name: by_algorithm[i] for i, name in enumerate(settings.algorithms)}
    weight = np.array([method[name] for name in draws.algorithm])
    weighted = replace(draws, weight=weight / weight.sum())
    stable = {int(k): stability(weighted.at(int(k))) for k in np.unique(draws.k)}
    by_k = k_weights(stable, excess, settings)
    weight = weight * np.array([by_k[int(k)] for k in draws.k])
    return replace(weighted, weight=weight / weight.sum(), stability=stable)


def _algorithm_weight(settings: PeerSettings, name: Algorithm) -> float:
    return float(settings.algorithm_weight.get(name, 1.0))


def k_weights(by_k: Mapping[int, float], excess: Mapping[int, float], settings: PeerSettings) -> dict[int, float]:
    """Weights of the numbers of groups, sum 1.

    Parameters
    ----------
    by_k : mapping of int to float
        Stability of each number of groups.
    excess : mapping of int to float
        What of it is more than in rings without structure; 0 for those not named.
    settings : PeerSettings
        `k_weight`: "stability" lets weights grow by e for each 0.1 of stability and each 0.1 of excess, so that numbers of groups
        drop out that do not recur, or recur no more than in a cloud; "equal"; or a weight for each k, those not named have none.

    Notes
    -----
    If no named k is in the range tried, all count alike.
    """
    ks = list(by_k)
    if isinstance(settings.k_weight, dict):
        raw = np.array([float(settings.k_weight.get(k, 0.0)) for k in ks])
    elif settings.k_weight == "equal":
        raw = np.ones(len(ks))
    else:
        values = np.array([by_k[k] + excess.get(k, 0.0) for k in ks])
        raw = np.exp(SHARPNESS * (values - np.nanmax(values)))
    if raw.sum() <= 0:
        raw = np.ones(len(ks))
    return {k: float(one) for k, one in zip(ks, raw / raw.sum(), strict=True)}


def stability(draws: Draws) -> float:
    """Mean adjusted Rand index between draws from different samples, over all algorithms and all cities.

    Parameters
    ----------
    draws : Draws
        With one number of groups.

    Returns
    -------
    float
        1: always the same partition; about 0: no more agreement than by chance. The whole ring and the first 100 samples are
        compared.
    """
    compared = draws.sample <= _COMPARED
    labels, sample, weight = draws.labels[compared], draws.sample[compared], draws.weight[compared]
    pairs = np.where(sample[:, None] != sample[None, :], np.outer(weight, weight), 0.0)
    total = pairs.sum()
    return float((pair_agreement(labels) * pairs).sum() / total) if total > 0 else float("nan")
