"""How many groups: measures of different schools side by side, each with the number it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import silhouette_score

from integstat.peers.cluster.bulk import cluster_all
from integstat.peers.cluster.mixture import mixture_table

STRONG = 0.8  # prediction strength from which Tibshirani & Walther speak of clusters
_SPLITS = 20  # halvings for the prediction strength
_REFERENCES = 30  # structureless rings for the gap
_STARTS = 5
_PRIOR = 1.0  # points that the prior of a mixture's variances counts for; without it components shrink onto single cities
_MOST_CITIES = 1000  # more are represented by a sample


@dataclass(frozen=True)
class Numbers:
    """What the measures say of each number of groups.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per k from 1: `k`, `prediction_strength` (0 to 1), `gap` and `gap_se`, `bic` (of the best mixture with k
        components, more is better), `silhouette` (-1 to 1; none for 1).
    named : dict of str to int
        The number each measure names: `prediction_strength`, `gap`, `bic`, `silhouette`.
    model : str
        Covariance model of the mixture of the largest BIC.
    """

    table: pd.DataFrame
    named: dict[str, int]
    model: str


def numbers(points: np.ndarray, ks: Sequence[int], rng: np.random.Generator) -> Numbers:
    """Hold the numbers of groups against four measures.

    Parameters
    ----------
    points : ndarray, shape (C, F)
        Scaled and weighted features. Of more than 1,000 cities a sample is looked at.
    ks : sequence of int
        Numbers of groups from 2 on; 1 is looked at as well, where a measure knows it.
    rng : numpy.random.Generator

    Returns
    -------
    Numbers

    Notes
    -----
    Prediction strength (Tibshirani & Walther 2005, https://doi.org/10.1198/106186005X59243): k-means on each half, the share of
    pairs of a cluster of one half that the other half's centres keep together, in the worst cluster; named is the largest k from
    0.8 on. Gap (Tibshirani, Walther & Hastie 2001, https://doi.org/10.1111/1467-9868.00293) against uniform points in the box of
    the principal axes; named is the smallest k not clearly worse than the next. BIC of Gaussian mixtures with six kinds of
    covariance. Silhouette (Rousseeuw 1987, https://doi.org/10.1016/0377-0427(87)90125-7), which cannot name 1 and likes 2.

    None of them tells whether the groups serve a comparison.
    """
    if len(points) > _MOST_CITIES:
        points = points[np.sort(rng.choice(len(points), _MOST_CITIES, replace=False))]
    every = [1, *ks]
    labels = cluster_all(points, np.arange(len(points)), "kmeans", list(ks), rng, starts=_STARTS)
    strength = np.concatenate([[1.0], prediction_strength(points, ks, rng)])
    gap, gap_se = _gap(points, labels, ks, rng)
    mixtures = mixture_table(points, range(1, max(ks) + 1), prior=_PRIOR)
    best = mixtures.groupby("k")["bic"].max()
    silhouette = [np.nan, *(_silhouette(points, row) for row in labels)]
    table = pd.DataFrame(
        {
            "k": every,
            "prediction_strength": strength,
            "gap": gap,
            "gap_se": gap_se,
            "bic": best.reindex(every).to_numpy(float),
            "silhouette": silhouette,
        }
    )
    top = mixtures.sort_values("bic", ascending=False, kind="stable").iloc[0]
    named = {
        "prediction_strength": int(table.loc[table["prediction_strength"] >= STRONG, "k"].max()),
        "gap": _gap_names(gap, gap_se, every),
        "bic": int(top["k"]),
        "silhouette": every[int(np.nanargmax(silhouette))] if np.isfinite(silhouette[1:]).any() else 1,
    }
    return Numbers(table, named, str(top["model"]))


def prediction_strength(points: np.ndarray, ks: Sequence[int], rng: np.random.Generator, splits: int = _SPLITS) -> np.ndarray:
    """Mean over halvings of the ring of how far one half's k-means predicts who is together in the other.

    Returns
    -------
    ndarray, shape (len(ks),)
        In the worst cluster; clusters of one city are passed over.
    """
    cities = len(points)
    strength = np.zeros((splits, len(ks)))
    for split in range(splits):
        order = rng.permutation(cities)
        halves = np.sort(order[: cities // 2]), np.sort(order[cities // 2 :])
        first, second = (cluster_all(points, half, "kmeans", list(ks), rng, starts=_STARTS) for half in halves)
        pairs = ((first, second, halves[1]), (second, first, halves[0]))
        for column in range(len(ks)):
            strength[split, column] = np.mean([_kept(a[column, half], b[column, half]) for a, b, half in pairs])
    return strength.mean(axis=0)


def _kept(predicted: np.ndarray, own: np.ndarray) -> float:
    """Share of the pairs of each own cluster that the prediction keeps together; of the worst cluster."""
    table = np.zeros((int(own.max()) + 1, int(predicted.max()) + 1))
    np.add.at(table, (own, predicted), 1.0)
    size = table.sum(axis=1)
    kept = (table * (table - 1)).sum(axis=1)[size > 1] / (size * (size - 1))[size > 1]
    return float(kept.min()) if len(kept) else 0.0


def _gap(points: np.ndarray, labels: np.ndarray, ks: Sequence[int], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    centred = points - points.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    turned = centred @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    spread = np.empty((_REFERENCES, len(ks) + 1))
    for row in range(_REFERENCES):
        reference = rng.uniform(low, high, size=turned.shape)
        parts = cluster_all(reference, np.arange(len(points)), "kmeans", list(ks), rng, starts=_STARTS)
        spread[row] = _log_within(reference, parts)
    gap = spread.mean(axis=0) - _log_within(points, labels)
    return gap, spread.std(axis=0) * np.sqrt(1.0 + 1.0 / _REFERENCES)


def _log_within(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Log of the squares within clusters: of all points together, then of each partition."""
    out = [((points - points.mean(axis=0)) ** 2).sum()]
    for row in labels:
        size = np.bincount(row)
        sums = np.zeros((len(size), points.shape[1]))
        np.add.at(sums, row, points)
        out.append(((points - (sums / np.maximum(size, 1)[:, None])[row]) ** 2).sum())
    return np.log(np.maximum(out, 1e-12))


def _gap_names(gap: np.ndarray, gap_se: np.ndarray, ks: Sequence[int]) -> int:
    for place in range(len(ks) - 1):
        if ks[place + 1] == ks[place] + 1 and gap[place] >= gap[place + 1] - gap_se[place + 1]:
            return int(ks[place])
    return int(ks[int(np.argmax(gap))])


def _silhouette(points: np.ndarray, labels: np.ndarray) -> float:
    groups = len(np.unique(labels))
    return float(silhouette_score(points, labels)) if 1 < groups < len(points) else float("nan")
