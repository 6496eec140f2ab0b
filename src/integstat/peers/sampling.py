"""Many partitions instead of one: algorithms × numbers of groups × samples of cities."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from integstat.peers.settings import Algorithm, PeerSettings

_STARTS = 3  # starts of k-means; the many samples even out a poor one
_FLOOR = 1e-3  # least variance of a mixture component, in squared robust standard deviations


@dataclass(frozen=True)
class Draws:
    """Sampled partitions and where each comes from.

    Attributes
    ----------
    labels : ndarray of int, shape (S, C)
        Labels from 0 within a row; -1 where the city was not in the sample.
    k : ndarray of int, shape (S,)
        Number of groups asked for.
    algorithm : tuple of str, length S
    sample : ndarray of int, shape (S,)
        Number of the sample of cities; 0 is the whole ring.
    """

    labels: np.ndarray
    k: np.ndarray
    algorithm: tuple[Algorithm, ...]
    sample: np.ndarray

    def at(self, k: int) -> Draws:
        """Return the draws with `k` groups asked for."""
        chosen = np.flatnonzero(self.k == k)
        return Draws(self.labels[chosen], self.k[chosen], tuple(self.algorithm[i] for i in chosen), self.sample[chosen])

    @property
    def whole(self) -> np.ndarray:
        """The partitions of the whole ring, shape (S0, C)."""
        return np.asarray(self.labels[self.sample == 0])


def sample_partitions(points: np.ndarray, ks: range, settings: PeerSettings, seed: int) -> Draws:
    """Cluster the whole ring and samples of its cities by every algorithm and number of groups.

    Parameters
    ----------
    points : ndarray, shape (C, F)
        Scaled and weighted features, cities in the order of their keys: samples are drawn by position.
    ks : range
        Numbers of groups.
    settings : PeerSettings
        `algorithms`, `resamples`, `resample_fraction`.
    seed : int

    Returns
    -------
    Draws
        S = (resamples + 1) × algorithms × ks rows. Sample 0 is the whole ring, so any two cities share some draws.

    Notes
    -----
    The draws say how far groups depend on the method, on k and on who takes part. They are not a posterior: no model of
    the cities gives them a probability.
    """
    cities = len(points)
    size = min(cities - 1, max(2, round(settings.resample_fraction * cities)))
    rows, wanted, methods, samples = [], [], [], []
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for sample, source in enumerate(np.random.SeedSequence(seed).spawn(settings.resamples + 1)):
            rng = np.random.default_rng(source)
            members = np.arange(cities) if sample == 0 else np.sort(rng.choice(cities, size, replace=False))
            for algorithm in settings.algorithms:
                for k in ks:
                    state = int(rng.integers(2**31 - 1))
                    row = np.full(cities, -1)
                    row[members] = cluster(points[members], algorithm, k, state)
                    rows.append(row)
                    wanted.append(k)
                    methods.append(algorithm)
                    samples.append(sample)
    return Draws(np.array(rows), np.array(wanted), tuple(methods), np.array(samples))


def cluster(points: np.ndarray, algorithm: Algorithm, k: int, state: int) -> np.ndarray:
    """Partition points once.

    Parameters
    ----------
    points : ndarray, shape (n, F)
    algorithm : {'kmeans', 'ward', 'gmm'}
        The mixture has round components of different size and spread, so that weights and scale count in it as in the
        other two.
    k : int
        Groups asked for; fewer come out where fewer points differ, or a mixture component stays empty.
    state : int
        Seed of the algorithm's own chance.

    Returns
    -------
    ndarray of int, shape (n,)
        Labels 0 … in the order of first appearance.
    """
    k = min(k, len(np.unique(points, axis=0)))
    if algorithm == "kmeans":
        labels = KMeans(k, n_init=_STARTS, random_state=state).fit_predict(points)
    elif algorithm == "ward":
        labels = AgglomerativeClustering(k, linkage="ward").fit_predict(points)
    else:
        mixture = GaussianMixture(k, covariance_type="spherical", reg_covar=_FLOOR, max_iter=200, random_state=state)
        labels = mixture.fit_predict(points)
    return in_order(labels)


def in_order(labels: np.ndarray) -> np.ndarray:
    """Number labels anew, 0 … in the order of first appearance."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=int)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[inverse])
