"""One sample of the cities clustered by one algorithm into several numbers of groups; every city gets a label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from integstat.peers.cluster.kmeans import kmeans
from integstat.peers.cluster.kmedoids import kmedoids
from integstat.peers.cluster.rows import distinct, in_order, nearest
from integstat.peers.cluster.spectral import spectral
from integstat.peers.cluster.spheres import spheres
from integstat.peers.cluster.ward import ward

Algorithm = Literal["kmeans", "ward", "gmm", "pam", "spectral"]


def cluster_all(
    points: np.ndarray,
    members: np.ndarray,
    algorithm: Algorithm,
    ks: Sequence[int],
    rng: np.random.Generator,
    *,
    starts: int = 5,
    soft: bool = False,
) -> np.ndarray:
    """Cluster a sample of the cities and label all of them.

    Parameters
    ----------
    points : ndarray, shape (C, F)
        Scaled and weighted features.
    members : ndarray of int, shape (n,)
        Cities of the sample; a city named twice counts as two copies.
    algorithm : {'kmeans', 'ward', 'gmm', 'pam', 'spectral'}
        'gmm' is the mixture of round components with a prior of one point (`spheres`).
    ks : sequence of int
        Numbers of groups, from 1.
    rng : numpy.random.Generator
        Its numbers meet the distinct rows of the sample in sorted order.
    starts : int
        Of k-means, of the mixture, and of k-means among the eigenvectors.
    soft : bool
        Draw each city's component from its probabilities instead of taking the likeliest, with one uniform number for each
        distinct row; only for 'gmm'.

    Returns
    -------
    ndarray of int16, shape (len(ks), C)
        Labels 0 … in the order of first appearance. A city outside the sample has the label of the nearest centre (k-means),
        the nearest medoid (PAM), the likeliest component (mixture) or the nearest member (Ward, spectral). Fewer than k
        groups where fewer rows of the sample differ, or a component is the likeliest of no city.

    Raises
    ------
    ValueError
        If `soft` is asked of another algorithm than the mixture.

    Notes
    -----
    Equal rows get equal labels, and another order of the rows the same partition. Linear algebra of one thread gives the same
    bytes again; of several it may not.
    """
    if soft and algorithm != "gmm":
        raise ValueError("only 'gmm' has probabilities to draw from")
    rows = distinct(points[members])
    columns = np.ascontiguousarray(points.T, dtype=np.float64)
    fewer = [min(k, len(rows.points)) for k in ks]
    found: Sequence[np.ndarray] | np.ndarray
    if algorithm == "kmeans":
        found = [nearest(columns, kmeans(rows.points, rows.weight, k, rng, starts).centres) for k in fewer]
    elif algorithm == "pam":
        found = [nearest(columns, rows.points[medoids]) for medoids in kmedoids(rows, fewer)]
    elif algorithm == "gmm":
        shares = (spheres(rows, k, rng, starts).responsibilities(columns) for k in fewer)
        found = [_drawn(share, points, rng) if soft else share.argmax(axis=0) for share in shares]
    else:
        labels = ward(rows, fewer) if algorithm == "ward" else spectral(rows, fewer, rng, starts)
        found = labels[:, nearest(columns, rows.points)]
    return np.array([in_order(row) for row in found], dtype=np.int16)


def _drawn(share: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Component of each city drawn from its probabilities, shape (k, C); equal rows share their number."""
    place = distinct(points).place
    uniform = rng.random(place.max() + 1)[place]
    return np.asarray((share.cumsum(axis=0) < uniform * share.sum(axis=0)).sum(axis=0).clip(max=len(share) - 1))
