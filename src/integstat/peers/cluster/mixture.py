"""Gaussian mixtures with six kinds of covariance, and the table of their BIC."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from integstat.peers.cluster.rows import Rows, distinct
from integstat.peers.cluster.spheres import spread, variances
from integstat.peers.cluster.ward import ward

Model = Literal["EII", "VII", "EEI", "VVI", "EEE", "VVV"]
MODELS: tuple[Model, ...] = get_args(Model)
_FLAT = 1e-13  # share of a feature's variance that must be left in a component, and there beside the other features
_EMPTY = 1e-6  # least number of points of a component


class Singular(ValueError):
    """A component shrank to fewer dimensions than there are features, where its likelihood has no bound."""


@dataclass(frozen=True)
class Mixture:
    """A mixture of k Gaussian components in F dimensions.

    Attributes
    ----------
    model : str
        Kind of covariance, by mclust's letters for volume, shape and orientation: E equal, V varying between components, I
        round or along the axes. EII and VII are round, EEI and VVI diagonal, EEE and VVV full.
    shares : ndarray, shape (k,)
    means : ndarray, shape (k, F)
    covariances : ndarray, shape (k, F, F)
    log_likelihood : float
        Of all points, natural logarithm, without a prior.
    iterations : int
    """

    model: Model
    shares: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    log_likelihood: float
    iterations: int

    @property
    def parameters(self) -> int:
        """Number of free parameters, mclust's df."""
        return free_parameters(self.model, *self.means.shape)

    def bic(self, weight: float) -> float:
        """2 log-likelihood - parameters x log(number of points): larger is better, as mclust has it.

        The sign is that of mclust, opposite to scikit-learn's. (Schwarz 1978, https://doi.org/10.1214/aos/1176344136)
        """
        return float(2.0 * self.log_likelihood - self.parameters * np.log(weight))

    def log_densities(self, points: np.ndarray) -> np.ndarray:
        """Log of share times density, shape (n, k), for points of shape (n, F)."""
        return _log_densities(points, self.shares, self.means, self.covariances)


def free_parameters(model: Model, k: int, features: int) -> int:
    """Number of free parameters: shares, means and covariances."""
    full = features * (features + 1) // 2
    free = {"EII": 1, "VII": k, "EEI": features, "VVI": k * features, "EEE": full, "VVV": k * full}
    return k - 1 + k * features + free[model]


def fit_mixture(
    rows: Rows,
    labels: np.ndarray,
    model: Model,
    *,
    prior: float = 0.0,
    tolerance: float = 1e-8,
    max_iter: int = 2000,
) -> Mixture:
    """Fit a mixture by EM from a partition.

    Parameters
    ----------
    rows : Rows
    labels : ndarray of int, shape (m,)
        Labels 0 … k - 1 of the distinct rows, all of them taken; the start.
    model : str
    prior : float
        Weight of a prior of each covariance, in points; its mode is round with the variance `spread`. 0: none, as in mclust.
    tolerance : float
        EM ends when the objective changes by less than this share of itself.
    max_iter : int

    Raises
    ------
    Singular
        If a component shrinks to fewer dimensions or no points; with a prior it does not.

    Notes
    -----
    Models of Celeux & Govaert (1995, https://doi.org/10.1016/0031-3203(94)00125-6), EM as in Fraley & Raftery (2002,
    https://doi.org/10.1198/016214502760047131). Another start may end higher.
    """
    k, features = int(labels.max()) + 1, rows.points.shape[1]
    share = np.eye(k)[labels]
    within = prior * spread(rows, k) * np.eye(features)
    means, least = np.zeros((k, features)), _FLAT * variances(rows)
    before, iterations = -np.inf, 0
    while iterations < max_iter:
        iterations += 1
        part = share * rows.weight[:, None]
        size = part.sum(axis=0)
        if not prior and size.min() < _EMPTY:
            raise Singular(f"a component of {model} with {k} components holds no points")
        size = np.maximum(size, _EMPTY)
        means = np.where((size > _EMPTY)[:, None], part.T @ rows.points / size[:, None], means)
        away = rows.points[None, :, :] - means[:, None, :]
        scatter = (away * part.T[:, :, None]).transpose(0, 2, 1) @ away + within
        covariances = _covariances(scatter, size + prior, model)
        if (np.diagonal(covariances, axis1=1, axis2=2) <= least).any():
            raise Singular(f"a component of {model} with {k} components is flat")
        joint = _log_densities(rows.points, size / size.sum(), means, covariances)
        density = logsumexp(joint, axis=1)
        likelihood = float(rows.weight @ density)
        objective = likelihood + (_log_prior(covariances, prior, within) if prior else 0.0)
        if abs(objective - before) < tolerance * abs(objective):
            break
        before = objective
        share = np.exp(joint - density[:, None])
    return Mixture(model, size / size.sum(), means, covariances, likelihood, iterations)


def mixture_table(
    points: np.ndarray, ks: Iterable[int] = range(1, 10), models: Sequence[Model] = MODELS, *, prior: float = 0.0
) -> pd.DataFrame:
    """Fit every model with every number of components.

    Parameters
    ----------
    points : ndarray, shape (n, F)
    ks : iterable of int
    models : sequence of str
    prior : float
        See `fit_mixture`.

    Returns
    -------
    DataFrame
        Columns `model`, `k`, `log_likelihood`, `df`, `bic`. BIC has mclust's sign: larger is better. Both numbers are NaN
        where a component became singular.

    Notes
    -----
    No chance is involved: every fit starts from a cut of one tree (`hierarchical_start`). A difference of BIC under 2 says
    little (Raftery 1995, https://doi.org/10.2307/271063). Components are not groups: one skewed group may take several.
    """
    rows = distinct(points)
    ks = [k for k in ks if k <= len(rows.points)]
    starts = hierarchical_start(rows, ks)
    found = []
    for model in models:
        for k, start in zip(ks, starts, strict=True):
            try:
                fit = fit_mixture(rows, start, model, prior=prior)
                found.append((model, k, fit.log_likelihood, fit.parameters, fit.bic(rows.weight.sum())))
            except Singular:
                found.append((model, k, np.nan, free_parameters(model, k, rows.points.shape[1]), np.nan))
    return pd.DataFrame(found, columns=["model", "k", "log_likelihood", "df", "bic"])


def hierarchical_start(rows: Rows, ks: Sequence[int]) -> np.ndarray:
    """Cut Ward's tree of the transformed rows, shape (len(ks), m).

    Standardised, turned to the principal axes and each axis divided by the root of its singular value, so that the large
    axes do not decide alone (Scrucca & Raftery 2015, https://doi.org/10.1007/s11634-015-0220-z). They agglomerate by the
    likelihood of Gaussian groups; Ward's tree does it here.
    """
    sd = rows.points.std(axis=0)
    standard = (rows.points - rows.points.mean(axis=0)) / np.where(sd > 0.0, sd, 1.0)
    left, size, _ = np.linalg.svd(standard, full_matrices=False)
    kept = size > 1e-10 * size.max()
    return ward(Rows(left[:, kept] * np.sqrt(size[kept]), np.ones(len(left)), rows.place), ks)


def _covariances(scatter: np.ndarray, size: np.ndarray, model: Model) -> np.ndarray:
    """Covariances of the components, shape (k, F, F), from their sums of squares and products and their sizes."""
    features = scatter.shape[1]
    if model[0] == "E":
        scatter, size = np.broadcast_to(scatter.sum(axis=0), scatter.shape), np.broadcast_to(size.sum(), size.shape)
    free = scatter / size[:, None, None]
    if model[1:] == "II":
        return np.asarray(np.trace(free, axis1=1, axis2=2)[:, None, None] / features * np.eye(features))
    return np.asarray(free * np.eye(features) if model[2] == "I" else free)


def _log_densities(points: np.ndarray, shares: np.ndarray, means: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    try:
        root = np.linalg.cholesky(covariances)
    except np.linalg.LinAlgError as error:
        raise Singular("a covariance cannot be inverted") from error
    pivots = np.diagonal(root, axis1=1, axis2=2)
    if (pivots**2 < _FLAT * np.diagonal(covariances, axis1=1, axis2=2)).any():
        raise Singular("a covariance cannot be inverted")
    away = np.linalg.solve(root, (points[None, :, :] - means[:, None, :]).transpose(0, 2, 1))
    level = np.log(shares) - np.log(pivots).sum(axis=1) - 0.5 * points.shape[1] * np.log(2.0 * np.pi)
    return np.asarray(level - 0.5 * (away**2).sum(axis=1).T)


def _log_prior(covariances: np.ndarray, prior: float, within: np.ndarray) -> float:
    """Log of the prior of the covariances, up to a constant."""
    trace = np.trace(np.linalg.solve(covariances, within), axis1=1, axis2=2)
    return float(-0.5 * (prior * np.linalg.slogdet(covariances)[1] + trace).sum())
