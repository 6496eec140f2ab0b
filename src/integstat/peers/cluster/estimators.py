"""The five algorithms as scikit-learn estimators. The algorithms themselves import no scikit-learn: they load faster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from integstat.peers.cluster.kmeans import kmeans
from integstat.peers.cluster.kmedoids import kmedoids
from integstat.peers.cluster.mixture import MODELS, Mixture, Model, fit_mixture, hierarchical_start
from integstat.peers.cluster.rows import Rows, distinct, nearest
from integstat.peers.cluster.spectral import NEIGHBOUR, spectral
from integstat.peers.cluster.spheres import spheres
from integstat.peers.cluster.ward import ward


class Groups(ClusterMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """Base of the estimators: they keep what they find in `_fit_rows` and say where a point belongs in `_groups_of`.

    Groups and their numbers follow from the sorted distinct rows, so the order of the rows of `X` cannot matter. Fewer than
    `n_clusters` come out where fewer rows differ. Copies of a row always share a group.
    """

    n_clusters: int

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find groups.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
            On scales that may be compared; no value missing.
        y : ignored

        Raises
        ------
        ValueError
            If `X` holds no finite numbers, or a parameter is out of its range.
        """
        return self._fit(X, None)

    def predict(self, X: Any) -> np.ndarray:
        """Say to which group each row belongs.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)

        Returns
        -------
        ndarray of int, shape (n_samples,)
        """
        check_is_fitted(self)
        points = validate_data(self, X, dtype=np.float64, reset=False)
        return self._groups_of(points)

    def _fit(self, X: Any, sample_weight: Any) -> Self:
        points = validate_data(self, X, dtype=np.float64)
        if not isinstance(self.n_clusters, int | np.integer) or self.n_clusters < 1:
            raise ValueError(f"n_clusters must be a whole number from 1, got {self.n_clusters!r}")
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, points, ensure_non_negative=True)
        rows = distinct(points, weight)
        self._fit_rows(rows, min(int(self.n_clusters), len(rows.points)))
        self.labels_ = self._groups_of(points)
        return self

    @abstractmethod
    def _fit_rows(self, rows: Rows, k: int) -> None:
        """Find what `_groups_of` needs; `k` is not above the number of distinct rows."""

    @abstractmethod
    def _groups_of(self, points: np.ndarray) -> np.ndarray:
        """Label of each point; equal points must get equal labels."""

    def _chance(self) -> np.random.Generator:
        return np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1, size=4))


class _NearestMember(Groups):
    """Groups without a centre: a point joins the group of the nearest point of the fit."""

    _members: np.ndarray
    _member_label: np.ndarray

    def _groups_of(self, points: np.ndarray) -> np.ndarray:
        columns = np.ascontiguousarray(points.T, dtype=np.float64)
        return np.asarray(self._member_label[nearest(columns, self._members)])


class GroupsKMeans(Groups):
    """k-means groups.

    Parameters
    ----------
    n_clusters : int, default=8
    n_init : int, default=10
        Starts; the best is kept.
    max_iter : int, default=100
        Rounds of either kind in one start.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    cluster_centers_ : ndarray, shape (k, n_features)
    labels_ : ndarray of int, shape (n_samples,)
    inertia_ : float
        Weighted sum of squared distances from the centres.
    n_iter_ : int

    Notes
    -----
    See `kmeans` for what it does. It finds k groups in a cloud without any.
    """

    def __init__(self, n_clusters: int = 8, *, n_init: int = 10, max_iter: int = 100, random_state: Any = None):
        self.n_clusters = n_clusters
        self.n_init = n_init
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Find groups; a row of weight 2 counts as two copies, one of weight 0 has no say. See `Groups.fit`."""
        return self._fit(X, sample_weight)

    def _fit_rows(self, rows: Rows, k: int) -> None:
        found = kmeans(rows.points, rows.weight, k, self._chance(), self.n_init, max_iter=self.max_iter)
        self.cluster_centers_, self.inertia_, self.n_iter_ = found.centres, found.inertia, found.iterations

    def _groups_of(self, points: np.ndarray) -> np.ndarray:
        return np.asarray(nearest(np.ascontiguousarray(points.T, dtype=np.float64), self.cluster_centers_))


class GroupsKMedoids(Groups):
    """k-medoids groups: each is represented by one of its own rows.

    Parameters
    ----------
    n_clusters : int, default=8

    Attributes
    ----------
    medoid_indices_ : ndarray of int, shape (k,)
        Rows of `X`; of several copies the first.
    cluster_centers_ : ndarray, shape (k, n_features)
        The medoids.
    labels_ : ndarray of int, shape (n_samples,)
        Number of the nearest medoid; of several equally near the first.
    inertia_ : float
        Weighted sum of distances (not squared) from the medoids.

    Notes
    -----
    See `kmedoids` for what it does. Distances between all pairs of distinct rows are held in memory.
    """

    def __init__(self, n_clusters: int = 8):
        self.n_clusters = n_clusters

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Find groups; a row of weight 2 counts as two copies, one of weight 0 has no say. See `Groups.fit`."""
        return self._fit(X, sample_weight)

    def _fit_rows(self, rows: Rows, k: int) -> None:
        medoids = kmedoids(rows, [k])[0]
        self.cluster_centers_ = rows.points[medoids]
        self.medoid_indices_ = np.array([np.flatnonzero(rows.place == medoid)[0] for medoid in medoids])
        near = self.cluster_centers_[nearest(rows.columns, self.cluster_centers_)]
        self.inertia_ = float(rows.weight @ np.linalg.norm(rows.points - near, axis=1))

    def _groups_of(self, points: np.ndarray) -> np.ndarray:
        return np.asarray(nearest(np.ascontiguousarray(points.T, dtype=np.float64), self.cluster_centers_))


class GroupsMixture(Groups):
    """Groups as components of a Gaussian mixture; a row belongs to the likeliest.

    Parameters
    ----------
    n_clusters : int, default=8
        Components; some may be the likeliest of no row.
    covariance : {'EII', 'VII', 'EEI', 'VVI', 'EEE', 'VVV'}, default='VII'
        See `Mixture`. Only the round ones keep scales and weights of the features.
    start : {'kmeans', 'ward'}, default='kmeans'
        From partitions of k-means, the best kept, or from one cut of a tree without chance (`hierarchical_start`).
    prior : float, default=1.0
        Weight of the prior of each covariance, in points (see `fit_mixture`). 0: greatest likelihood.
    n_init : int, default=5
        Starts from k-means.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    weights_ : ndarray, shape (k,)
        Shares of the components.
    means_ : ndarray, shape (k, n_features)
    covariances_ : ndarray, shape (k, n_features, n_features)
    labels_ : ndarray of int, shape (n_samples,)
    log_likelihood_ : float
    bic_ : float
        Larger is better.

    Notes
    -----
    `fit` raises `Singular`, a ValueError, where a component has no bound of its likelihood; with a prior none has.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        covariance: str = "VII",
        start: str = "kmeans",
        prior: float = 1.0,
        n_init: int = 5,
        random_state: Any = None,
    ):
        self.n_clusters = n_clusters
        self.covariance = covariance
        self.start = start
        self.prior = prior
        self.n_init = n_init
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Find groups; a row of weight 2 counts as two copies, one of weight 0 has no say. See `Groups.fit`."""
        return self._fit(X, sample_weight)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each component given a row, shape (n_samples, k)."""
        check_is_fitted(self)
        points = validate_data(self, X, dtype=np.float64, reset=False)
        joint = self._joint(points)
        return np.asarray(np.exp(joint - logsumexp(joint, axis=1, keepdims=True)))

    def _fit_rows(self, rows: Rows, k: int) -> None:
        if self.covariance not in MODELS or self.start not in ("kmeans", "ward"):
            raise ValueError(f"covariance {self.covariance!r} or start {self.start!r} is unknown")
        self._mixture = self._likeliest(rows, k, self.covariance)
        self.weights_, self.means_ = self._mixture.shares, self._mixture.means
        self.covariances_, self.log_likelihood_ = self._mixture.covariances, self._mixture.log_likelihood
        self.bic_ = self._mixture.bic(float(rows.weight.sum()))

    def _likeliest(self, rows: Rows, k: int, model: Model) -> Mixture:
        if self.start == "ward":
            return fit_mixture(rows, hierarchical_start(rows, [k])[0], model, prior=self.prior)
        rng = self._chance()
        if model == "VII":
            found = spheres(rows, k, rng, self.n_init, prior=self.prior)
            covariances = found.variances[:, None, None] * np.eye(rows.points.shape[1])
            return Mixture(model, found.shares, found.means, covariances, found.log_likelihood, found.iterations)
        starts = [kmeans(rows.points, rows.weight, k, rng, 1).labels for _ in range(self.n_init)]
        return max((fit_mixture(rows, start, model, prior=self.prior) for start in starts), key=lambda fit: fit.log_likelihood)

    def _groups_of(self, points: np.ndarray) -> np.ndarray:
        return np.asarray(self._joint(points).argmax(axis=1))

    def _joint(self, points: np.ndarray) -> np.ndarray:
        rows = distinct(points)
        return np.asarray(self._mixture.log_densities(rows.points)[rows.place])


class GroupsWard(_NearestMember):
    """Ward's groups; a new point joins the group of the nearest row of the fit.

    Parameters
    ----------
    n_clusters : int, default=8

    Attributes
    ----------
    labels_ : ndarray of int, shape (n_samples,)

    Notes
    -----
    See `ward` for what it does. Distances between all pairs of rows are held in memory.
    """

    def __init__(self, n_clusters: int = 8):
        self.n_clusters = n_clusters

    def _fit_rows(self, rows: Rows, k: int) -> None:
        self._members, self._member_label = rows.points, ward(rows, [k])[0]


class GroupsSpectral(_NearestMember):
    """Spectral groups; a new point joins the group of the nearest row of the fit.

    Parameters
    ----------
    n_clusters : int, default=8
    n_neighbors : int, default=7
        A row's own scale is its distance to its so many-th nearest distinct row.
    n_init : int, default=10
        Starts of k-means among the eigenvectors.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    labels_ : ndarray of int, shape (n_samples,)

    Notes
    -----
    See `spectral` for what it does. Affinities between all pairs of distinct rows are held in memory.
    """

    def __init__(self, n_clusters: int = 8, *, n_neighbors: int = NEIGHBOUR, n_init: int = 10, random_state: Any = None):
        self.n_clusters = n_clusters
        self.n_neighbors = n_neighbors
        self.n_init = n_init
        self.random_state = random_state

    def _fit_rows(self, rows: Rows, k: int) -> None:
        found = spectral(rows, [k], self._chance(), self.n_init, neighbour=self.n_neighbors)
        self._members, self._member_label = rows.points, found[0]
