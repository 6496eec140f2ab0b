"""How well each group of a partition is found again in samples of the cities: Jaccard similarities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def best_jaccard(labels: np.ndarray, other: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Jaccard similarity of each group with the group of another partition that is most like it.

    Parameters
    ----------
    labels, other : ndarray of int, shape (C,)
        Labels from 0.
    members : ndarray of int, shape (n,)
        Cities that count, none twice.

    Returns
    -------
    ndarray, shape (K,)
        1: the same members; 0 also where no city of the group is among `members`.
    """
    k, other_k = int(labels.max()) + 1, int(other.max()) + 1
    both = np.bincount(labels[members] * other_k + other[members], minlength=k * other_k).reshape(k, other_k)
    union = both.sum(axis=1)[:, None] + both.sum(axis=0) - both
    return np.asarray((both / np.maximum(union, 1)).max(axis=1))


def jaccard_stability(
    labels: np.ndarray,
    cluster_once: Callable[[np.ndarray, np.random.Generator], np.ndarray],
    resamples: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Cluster bootstrap samples and look for each group in them.

    Parameters
    ----------
    labels : ndarray of int, shape (C,)
        Groups of all cities, labels from 0.
    cluster_once : callable
        Takes the cities of a sample (indices, ascending) and a generator; returns labels from 0 for all C cities, of which
        those of the sample count.
    resamples : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (resamples, K)
        The mean over the samples is the stability of each group; their SD / sqrt(resamples) its Monte-Carlo error.

    Notes
    -----
    Hennig (2007, https://doi.org/10.1016/j.csda.2006.11.025), as `clusterboot` of the R package fpc does by default: C draws
    with replacement, and a city drawn twice counts once. Hennig takes groups under 0.5 for dissolved, from 0.75 on for valid;
    a stable group need not be a separate one: a partition of one cloud into two halves may be stable as well.
    """
    found = np.empty((resamples, int(labels.max()) + 1))
    for sample in range(resamples):
        members = np.unique(rng.integers(len(labels), size=len(labels)))
        found[sample] = best_jaccard(labels, cluster_once(members, rng), members)
    return found
