"""How far partitions of the same cities agree: variation of information, and the adjusted Rand index of all pairs of draws."""

from __future__ import annotations

import numpy as np

_CHUNK = 2**22  # cells of a table held at once


def contingency(partition: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Count cities by group of `partition` and group of each draw.

    Parameters
    ----------
    partition : ndarray of int, shape (C,)
        Labels from 0.
    draws : ndarray of int, shape (S, C)
        Labels from 0.

    Returns
    -------
    ndarray, shape (S, K, L)
    """
    own, other = int(partition.max()) + 1, int(draws.max()) + 1
    cell = partition.astype(np.int64) * other + draws + (np.arange(len(draws)) * own * other)[:, None]
    return np.bincount(cell.ravel(), minlength=len(draws) * own * other).reshape(len(draws), own, other)


def information(partition: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variation of information and mutual information of a partition with each draw.

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
    step = max(1, _CHUNK // draws.shape[1])
    parts = [_information(partition, draws[start : start + step]) for start in range(0, len(draws), step)]
    variation, mutual = (np.concatenate(one) for one in zip(*parts, strict=True))
    return variation, mutual


def _information(partition: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    table = contingency(partition, draws) / len(partition)
    own = _entropy(table.sum(axis=2))
    other = _entropy(table.sum(axis=1))
    joint = _entropy(table.reshape(len(table), -1))
    variation = np.maximum(2.0 * joint - own - other, 0.0)
    return np.where(variation < 1e-12, 0.0, variation), np.maximum(own + other - joint, 0.0)


def pair_agreement(draws: np.ndarray) -> np.ndarray:
    """Adjusted Rand index of each draw with each other.

    Parameters
    ----------
    draws : ndarray of int, shape (S, C)

    Returns
    -------
    ndarray, shape (S, S)
        1: the same partition; about 0: no more agreement than by chance. 1 where both put all cities together, or all apart.
        (Hubert & Arabie 1985, https://doi.org/10.1007/BF01908075)
    """
    count, cities = draws.shape
    groups = int(draws.max()) + 1
    member = (draws[:, None, :] == np.arange(groups)[None, :, None]).reshape(count * groups, cities).astype(np.float32)
    both = np.empty((count, count))
    step = max(1, _CHUNK // (count * groups * groups))
    for start in range(0, count, step):
        shared = member[start * groups : (start + step) * groups] @ member.T
        squares = np.add.reduceat(shared * shared, np.arange(0, count * groups, groups), axis=1, dtype=float)
        both[start : start + step] = squares.reshape(-1, groups, count).sum(axis=1)
    sizes = member.sum(axis=1, dtype=float).reshape(count, groups)
    together = 0.5 * (both - cities)
    alone = 0.5 * ((sizes**2).sum(axis=1) - cities)
    pairs = 0.5 * cities * (cities - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = np.outer(alone, alone) / pairs
        span = 0.5 * (alone[:, None] + alone[None, :]) - expected
        index = np.where(span > 1e-9 * pairs, (together - expected) / span, 1.0)
    return np.asarray(index)


def _entropy(share: np.ndarray) -> np.ndarray:
    """Entropy in bits of shares, shape (S, n)."""
    return np.asarray(-(share * np.log2(np.where(share > 0, share, 1.0))).sum(axis=1))
