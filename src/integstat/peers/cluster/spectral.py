"""Spectral groups: k-means on the leading eigenvectors of a graph of affinities with local scales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import eigh
from scipy.spatial.distance import pdist, squareform

from integstat.peers.cluster.kmeans import kmeans
from integstat.peers.cluster.rows import Rows

NEIGHBOUR = 7  # whose distance is a point's own scale, as Zelnik-Manor & Perona take it


def spectral(rows: Rows, ks: Sequence[int], rng: np.random.Generator, starts: int, *, neighbour: int = NEIGHBOUR) -> np.ndarray:
    """Cluster by the eigenvectors of one normalised graph, for several numbers of groups.

    Parameters
    ----------
    rows : Rows
        With whole numbers as weights.
    ks : sequence of int
        Each at most the number of rows.
    rng : numpy.random.Generator
    starts : int
        Of k-means among the eigenvectors.
    neighbour : int
        A point's own scale is its distance to its so many-th nearest distinct row.

    Returns
    -------
    ndarray of int, shape (len(ks), m)
        Labels from 0 in the order of first appearance.

    Notes
    -----
    Affinity exp(-d² / (s s')) with local scales s (Zelnik-Manor & Perona 2004, NIPS 17, 1601-1608), normalised by the degrees;
    rows of the k leading eigenvectors set to length 1 and clustered by k-means (Ng, Jordan & Weiss 2001, NIPS 14, 849-856). A
    copy counts as a point of its own at distance 0: the eigenvectors are equal on copies, so the graph of distinct rows with
    weights has the same. Groups follow gaps in density and need not be round; without gaps the cut is by size.
    """
    m = len(rows.points)
    if m == 1:
        return np.zeros((len(ks), 1), dtype=np.int64)
    vectors = _vectors(rows, max(ks), neighbour)
    found = []
    for k in ks:
        leading = vectors[:, -k:]
        length = np.maximum(np.linalg.norm(leading, axis=1, keepdims=True), np.finfo(float).tiny)
        found.append(kmeans(leading / length, rows.weight, k, rng, starts).labels)
    return np.array(found)


def _vectors(rows: Rows, count: int, neighbour: int) -> np.ndarray:
    """Leading eigenvectors of the normalised affinities, the largest eigenvalue last, shape (m, count)."""
    m = len(rows.points)
    distance = squareform(pdist(rows.points))
    scale = np.partition(distance, min(neighbour, m - 1), axis=1)[:, min(neighbour, m - 1)]
    root = np.sqrt(rows.weight)
    links = np.exp(-(distance**2) / np.outer(scale, scale)) * np.outer(root, root)
    links[np.diag_indices(m)] = rows.weight - 1.0  # copies of the same row; none to itself
    degree = np.maximum((links * root).sum(axis=1) / root, np.finfo(float).tiny)
    half = 1.0 / np.sqrt(degree)
    return np.asarray(eigh(links * np.outer(half, half), subset_by_index=[m - count, m - 1])[1])
