"""What the sampled partitions agree on: co-assignment, the best one for each number of groups, and how sure a city is in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from integstat.peers.agreement import information
from integstat.peers.cluster.rows import in_order
from integstat.peers.draws import Draws

_CHUNK = 2**26  # cells of an indicator matrix held at once


@dataclass(frozen=True)
class Summary:
    """The best partition with one number of groups.

    Attributes
    ----------
    k : int
        Number of groups asked for; the partition has fewer only where no candidate has as many.
    partition : ndarray of int, shape (C,)
    stability : float
        Mean adjusted Rand index between draws with `k` groups from different samples; 1: always the same.
    loss_at_k : float
        Expected variation of information over the draws with `k` groups, bits.
    expected_loss : float
        The same over the weighted draws of every k.
    """

    k: int
    partition: np.ndarray
    stability: float
    loss_at_k: float
    expected_loss: float


def coassignment(draws: Draws) -> np.ndarray:
    """Weighted share of the draws in which two cities are together (Monti et al. 2003).

    Parameters
    ----------
    draws : Draws

    Returns
    -------
    ndarray of float32, shape (C, C)
        Symmetric, positive semidefinite, between 0 and 1, diagonal 1. (https://doi.org/10.1023/A:1023949509487)
    """
    cities = draws.labels.shape[1]
    together = np.zeros((cities, cities), dtype=np.float32)
    root = np.sqrt(draws.weight).astype(np.float32)
    step = max(1, _CHUNK // cities)
    for label in range(int(draws.labels.max()) + 1):
        for start in range(0, len(root), step):
            member = (draws.labels[start : start + step] == label) * root[start : start + step, None]
            together += member.T @ member
    together /= np.diagonal(together).mean()
    np.fill_diagonal(together, 1.0)
    return np.minimum(together, 1.0)


def expected_loss(partition: np.ndarray, draws: Draws) -> float:
    """Mean variation of information between a partition and the draws, by their weights, bits."""
    return float(information(partition, draws.labels)[0] @ draws.weight)


def candidates(draws: Draws, k: int, matrices: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """Partitions among which the summary with `k` groups is sought.

    Parameters
    ----------
    draws : Draws
        Those with `k` groups.
    k : int
    matrices : tuple of ndarray, shape (C, C)
        Co-assignments whose linkage trees are cut.

    Returns
    -------
    list of ndarray of int, shape (C,)
        Cuts of the average and complete linkage trees on 1 - co-assignment, and every sampled partition of the whole ring; only
        those with exactly `k` groups, if there are any. No two are the same.
    """
    found = [in_order(row) for row in draws.whole]
    for matrix in matrices:
        apart = squareform(1.0 - matrix, checks=False)
        found += [in_order(fcluster(linkage(apart, method), k, "maxclust")) for method in ("average", "complete")]
    exact = [one for one in found if one.max() + 1 == k]
    return list({one.tobytes(): one for one in exact or found}.values())


def summarise(draws: Draws, k: int, overall: np.ndarray) -> Summary:
    """Find the candidate with `k` groups that minimises the expected variation of information over the draws with `k`.

    Notes
    -----
    Loss of Wade & Ghahramani (2018, https://doi.org/10.1214/17-BA1073). The minimum is over the candidates, not over all
    partitions. Draws with other numbers of groups are left out here: they would reward a partition for a large group and
    a single city in place of two groups.
    """
    at = draws.at(k)
    options = candidates(at, k, (coassignment(at), overall))
    losses = [expected_loss(option, at) for option in options]
    best = int(np.argmin(np.round(losses, 12)))
    return Summary(k, options[best], draws.stability[k], losses[best], expected_loss(options[best], draws))


def membership(partition: np.ndarray, draws: Draws) -> np.ndarray:
    """Probability of each city to belong to each group.

    Parameters
    ----------
    partition : ndarray of int, shape (C,)
        Labels 0 … K-1.
    draws : Draws
        Those with the number of groups of the partition.

    Returns
    -------
    ndarray, shape (C, K)
        Mean co-assignment with the other members of the group, divided by its sum over the groups. Where a city is the
        only member, the share of the draws in which it is alone stands for its own group.

    Notes
    -----
    Given the number of groups. The doubt about that number is in the diagnostics and in the co-assignment over all draws.
    """
    together = coassignment(draws).astype(float)
    members = np.eye(int(partition.max()) + 1)[partition]
    others = members.sum(axis=0)[None, :] - members
    shared = together @ members - members * np.diag(together)[:, None]
    mean = np.divide(shared, others, out=np.zeros_like(shared), where=others > 0)
    for group in np.flatnonzero(members.sum(axis=0) == 1):
        city = int(np.flatnonzero(partition == group)[0])
        mean[city, group] = _alone(draws, city)
    total = mean.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(mean, total, out=np.full_like(mean, 1.0 / mean.shape[1]), where=total > 0))


def _alone(draws: Draws, city: int) -> float:
    mates = (draws.labels == draws.labels[:, [city]]).sum(axis=1)
    return float(draws.weight @ (mates == 1))
