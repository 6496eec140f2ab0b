"""How far two partitions agree: variation of information, and the adjusted Rand index between all pairs of draws."""

from __future__ import annotations

import numpy as np


def contingency(partition: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Count cities by group of `partition` and group of each draw.

    Parameters
    ----------
    partition : ndarray of int, shape (C,)
        Labels from 0, every city has one.
    draws : ndarray of int, shape (S, C)
        Labels from 0, -1 where a city is not in the draw; it is not counted there.

    Returns
    -------
    ndarray, shape (S, K, L)
    """
    groups = np.eye(int(partition.max()) + 1)[partition]
    members = draws[:, :, None] == np.arange(max(int(draws.max()), 0) + 1)
    return np.asarray(np.einsum("ck,scl->skl", groups, members.astype(float), optimize=True))


def information(partition: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variation of information and mutual information of a partition with each draw, over the cities of the draw.

    Parameters
    ----------
    partition : ndarray of int, shape (C,)
    draws : ndarray of int, shape (S, C)

    Returns
    -------
    variation, mutual : ndarray, shape (S,)
        In bits. Variation 0: the same partition; at most log2 of the number of cities. It is a metric on the partitions of
        one set of cities (Meilă 2007, https://doi.org/10.1016/j.jmva.2006.11.013).
    """
    table = contingency(partition, draws)
    size = table.sum(axis=(1, 2))
    own = _entropy(table.sum(axis=2), size)
    other = _entropy(table.sum(axis=1), size)
    joint = _entropy(table.reshape(len(table), -1), size)
    variation = np.maximum(2.0 * joint - own - other, 0.0)
    return np.where(variation < 1e-12, 0.0, variation), np.maximum(own + other - joint, 0.0)


def variation_of_information(first: np.ndarray, second: np.ndarray) -> float:
    """Variation of information between two partitions of the same cities, in bits."""
    return float(information(first, second[None, :])[0][0])


def pair_agreement(draws: np.ndarray) -> np.ndarray:
    """Adjusted Rand index of each draw with each other, over the cities both hold.

    Parameters
    ----------
    draws : ndarray of int, shape (S, C)

    Returns
    -------
    ndarray, shape (S, S)
        1: the same partition; about 0: no more agreement than by chance. 1 where both put all common cities together, or
        all apart; NaN where fewer than two cities are common. (Hubert & Arabie 1985, https://doi.org/10.1007/BF01908075)
    """
    left, right = np.triu_indices(draws.shape[1], k=1)
    held = (draws[:, left] >= 0) & (draws[:, right] >= 0)
    together = ((draws[:, left] == draws[:, right]) & held).astype(np.float32)
    here = held.astype(np.float32)
    both = together @ together.T
    first = together @ here.T
    second = first.T
    pairs = here @ here.T
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = first * second / pairs
        span = (first + second) / 2.0 - expected
        index = np.where(span > 1e-6, (both - expected) / span, 1.0)
    return np.asarray(np.where(pairs > 0, index, np.nan), dtype=float)


def _entropy(counts: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Entropy in bits of counts, shape (S, n), with the given totals, shape (S,)."""
    share = counts / size[:, None]
    return np.asarray(-(share * np.log2(np.where(share > 0, share, 1.0))).sum(axis=1))
