"""Each city's own peers: its nearest cities, and how sure each of them is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from integstat.peers.features.build import Scaled
from integstat.peers.settings import PeerSettings

_SHARE = 3  # a list holds at most the third part of the ring: longer ones tell nobody apart
VARIANTS = (200, 1000)  # ways to measure the distance, in large and in small rings
_WORK = 100_000  # cities times variants, between the two
CONCENTRATION = 10.0  # of the weights per feature: they vary by about 30 % of themselves
DENSE_CITIES = 1000  # above it only pairs that can be near are kept
LEAST_SHOWN = 0.05  # of the probability, in tables and lists
_SEARCHED = 20  # variants in which a large ring is searched for candidates
_REACH = 4  # times k: how many candidates each of these variants gives
_TIE = 1e-9  # relative difference of squared distances that rounding makes
COLUMNS = ["city", "city_name", "rank", "neighbour", "neighbour_name", "probability", "distance"]


@dataclass(frozen=True)
class Neighbours:
    """The nearest cities of each city, over many ways to measure how near they are.

    Attributes
    ----------
    cities : tuple of str
        AGS, sorted; length C.
    k : int
        How many neighbours a city has; at most C - 1.
    probability : ndarray or scipy.sparse.csr_array, shape (C, C)
        Row i: share of the variants in which each city is among the k nearest of city i. Diagonal 0, rows sum to `k`; not
        symmetric: a city at the edge has neighbours in the middle that do not have it. Sparse above `DENSE_CITIES` cities.
    distance : ndarray or scipy.sparse.csr_array, shape (C, C)
        Median over the variants of the root of the weighted mean squared difference, in robust standard deviations per
        feature. Sparse: only of the pairs in `probability`.
    similarity : ndarray, shape (C, C), or None
        Mean over the variants of the Gaussian kernel exp(-d² / (2 l²)), l the median distance to the k-th neighbour.
        Symmetric, diagonal 1, positive semidefinite, as each of its parts. None above `DENSE_CITIES` cities: cut to near
        pairs it would no longer be positive semidefinite.

    Notes
    -----
    The probability says how far the list depends on weights, features and gaps filled. It does not say that the cities are
    comparable: the nearest of a city without its like are far, so read `distance` beside it.
    """

    cities: tuple[str, ...]
    k: int
    probability: Any
    distance: Any
    similarity: np.ndarray | None

    @property
    def weights(self) -> Any:
        """Probability over `k`, shape (C, C): rows sum to 1 (to 0 in a ring of one city); weights of a baseline of peers."""
        return self.probability / max(self.k, 1)

    def nearest(self, city: str, least: float = LEAST_SHOWN) -> list[tuple[str, float, float]]:
        """Neighbours of a city with probability and distance, the surest first; equal ones by distance, then AGS."""
        columns, probability, distance = self._row(self.cities.index(city))
        order = np.lexsort((columns, distance.round(9), -probability.round(9)))
        return [
            (self.cities[columns[j]], float(probability[j]), float(distance[j])) for j in order if probability[j] >= least - 1e-12
        ]

    def table(self, names: Mapping[str, str]) -> pd.DataFrame:
        """One row per city and neighbour with a probability of at least `LEAST_SHOWN`, as `peer_neighbours.csv` has it.

        Parameters
        ----------
        names : mapping of str to str
            City name by AGS; the AGS stands where there is none.
        """
        rows = [
            (city, names.get(city, city), rank, other, names.get(other, other), probability, distance)
            for city in self.cities
            for rank, (other, probability, distance) in enumerate(self.nearest(city), start=1)
        ]
        return pd.DataFrame(rows, columns=COLUMNS)

    def lists(self, names: Mapping[str, str]) -> dict[str, str]:
        """By city, its likeliest `k` neighbours to be put in a sentence: 'Rostock (98 %), Lübeck (61 %)'."""
        return {
            city: ", ".join(f"{names.get(other, other)} ({100 * p:.0f} %)" for other, p, _ in self.nearest(city)[: self.k])
            for city in self.cities
        }

    def _row(self, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Columns, probabilities and distances of the cities that are ever near city i."""
        if isinstance(self.probability, np.ndarray):
            columns = np.flatnonzero(self.probability[i])
            return columns, self.probability[i, columns], self.distance[i, columns]
        here = slice(*self.probability.indptr[i : i + 2])
        return self.probability.indices[here], self.probability.data[here], self.distance.data[here]


def nearest_neighbours(scaled: Scaled, settings: PeerSettings, seed: int) -> Neighbours:
    """Find the nearest cities of each city under many weights, sets of features and imputations.

    Parameters
    ----------
    scaled : Scaled
    settings : PeerSettings
        Reads `neighbours` (k) and `feature_fraction` (share of the features in a variant).
    seed : int
        Chance lies in weights and features alone: neither the order of the cities nor of the features counts.

    Returns
    -------
    Neighbours

    Notes
    -----
    A variant takes one imputation, a random subset of the features, and weights from a Dirichlet distribution around the
    stated ones. Cities equally far at the k-th place share what is left of the k places, so copies of a city are alike. Cities
    are not resampled: a list of neighbours needs all.

    Above `DENSE_CITIES` cities only candidates are looked at, the nearest in some of the variants. A pair that is near in none
    of these counts as never near (on 1,000 Gaussian cities with 8 and 20 features about 3 % of the probability went to other
    pairs); more copies of one city than candidates are cut off by their place in the list. 10,000 cities with 8 or 20 features
    took 43 to 76 seconds and 0.4 GB on a busy machine.
    """
    count = len(scaled.cities)
    k = min(settings.neighbours, max(1, count // _SHARE), count - 1)
    weights = variant_weights(scaled, settings.feature_fraction, seed)
    if k < 1:
        return Neighbours(scaled.cities, 0, np.zeros((count, count)), np.zeros((count, count)), np.ones((count, count)))
    with threadpool_limits(limits=1):  # many small products: threads only wait for each other
        return _dense(scaled, weights, k) if count <= DENSE_CITIES else _sparse(scaled, weights, k)


def variant_weights(scaled: Scaled, fraction: float, seed: int) -> np.ndarray:
    """Weights of the features in each variant, shape (V, F): 0 for features left out, rows sum to 1.

    The mean over the variants is near the stated weights, `scaled.weights` over their sum. V is 1,000 up to 100 cities, where
    a share over the variants has a Monte-Carlo error of at most 0.016, and 200 from 500 cities on, where it is 0.035.
    """
    variants = int(np.clip(_WORK // len(scaled.cities), *VARIANTS))
    order = np.argsort([feature.id for feature in scaled.features])
    stated = scaled.weights[order]
    kept = max(1, round(fraction * len(stated)))
    rng = np.random.default_rng(seed)
    drawn = rng.dirichlet(CONCENTRATION * stated / stated.mean(), size=variants)
    left_out = rng.permuted(np.tile(np.arange(len(stated)) >= kept, (variants, 1)), axis=1)
    drawn[left_out] = 0.0
    weights = np.empty_like(drawn)
    weights[:, order] = drawn / drawn.sum(axis=1, keepdims=True)
    return weights


def _squared(values: np.ndarray, weights: np.ndarray, i: int, others: np.ndarray) -> np.ndarray:
    """Squared distances of city i to others in every variant, shape (V, n); variant v takes imputation v modulo M."""
    imputations = len(values)
    found = np.empty((len(weights), len(others)))
    for m in range(imputations):
        found[m::imputations] = weights[m::imputations] @ ((values[m, others] - values[m, i]) ** 2).T
    return found


def _one_city(
    values: np.ndarray, weights: np.ndarray, i: int, others: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probability and median distance of the others, shape (n,), and the distance of the k-th, shape (V,)."""
    squared = _squared(values, weights, i, others)
    last = np.partition(squared, k - 1, axis=1)[:, k - 1 : k]
    margin = _TIE * (last + _TIE)
    inside, tied = squared < last - margin, np.abs(squared - last) <= margin
    places = (k - inside.sum(axis=1, keepdims=True)) / tied.sum(axis=1, keepdims=True)
    return (inside + tied * places).mean(axis=0), np.sqrt(np.median(squared, axis=0)), np.sqrt(last[:, 0])


def _kernel(values: np.ndarray, weights: np.ndarray, length: float) -> np.ndarray:
    count = values.shape[1]
    everyone = np.arange(count)
    kernel = np.empty((count, count))
    for i in range(count):
        kernel[i] = np.exp(_squared(values, weights, i, everyone) / (-2.0 * length**2)).mean(axis=0)
    kernel = 0.5 * (kernel + kernel.T)
    np.fill_diagonal(kernel, 1.0)
    return kernel


def _dense(scaled: Scaled, weights: np.ndarray, k: int) -> Neighbours:
    count = len(scaled.cities)
    probability, distance = np.zeros((count, count)), np.zeros((count, count))
    farthest = np.zeros((count, len(weights)))
    for i in range(count):
        others = np.delete(np.arange(count), i)
        probability[i, others], distance[i, others], farthest[i] = _one_city(scaled.values, weights, i, others, k)
    length = np.median(farthest)
    similarity = _kernel(scaled.values, weights, length if length > 0 else 1.0)
    return Neighbours(scaled.cities, k, probability, 0.5 * (distance + distance.T), similarity)


def _sparse(scaled: Scaled, weights: np.ndarray, k: int) -> Neighbours:
    count = len(scaled.cities)
    shares, distances, columns, starts = [], [], [], [0]
    for i, others in enumerate(_candidates(scaled.values, weights, k)):
        probability, distance, _ = _one_city(scaled.values, weights, i, others, k)
        near = probability > 0
        shares.append(probability[near])
        distances.append(distance[near])
        columns.append(others[near])
        starts.append(starts[-1] + int(near.sum()))
    place = (np.concatenate(columns), np.array(starts))
    return Neighbours(
        cities=scaled.cities,
        k=k,
        probability=csr_array((np.concatenate(shares), *place), shape=(count, count)),
        distance=csr_array((np.concatenate(distances), *place), shape=(count, count)),
        similarity=None,
    )


def _candidates(values: np.ndarray, weights: np.ndarray, k: int) -> list[np.ndarray]:
    """Cities that are among the `_REACH` times k nearest in at least one of `_SEARCHED` variants, by city, sorted."""
    imputations, count, _ = values.shape
    reach = min(_REACH * k + 1, count)
    found = []
    for v in np.linspace(0, len(weights) - 1, _SEARCHED).astype(int):
        points = values[v % imputations] * np.sqrt(weights[v])
        found.append(NearestNeighbors(n_neighbors=reach).fit(points).kneighbors(points, return_distance=False))
    together = np.hstack(found)
    return [np.setdiff1d(row, [i]) for i, row in enumerate(together)]
