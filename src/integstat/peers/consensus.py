"""What the sampled partitions agree on: co-assignment, a summary for each number of groups, and which number to take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from integstat.peers.agreement import information, pair_agreement
from integstat.peers.sampling import Draws, in_order


@dataclass(frozen=True)
class Summary:
    """The best partition with one number of groups.

    Attributes
    ----------
    k : int
        Number of groups asked for; the partition has fewer only where no candidate has as many.
    partition : ndarray of int, shape (C,)
    stability : float
        Mean adjusted Rand index between draws with `k` groups from different samples of cities; 1: always the same.
    loss_at_k : float
        Expected variation of information over the draws with `k` groups, bits.
    expected_loss : float
        The same over the draws of every k.
    """

    k: int
    partition: np.ndarray
    stability: float
    loss_at_k: float
    expected_loss: float


def coassignment(labels: np.ndarray) -> np.ndarray:
    """Share of the draws holding two cities in which they are together (Monti et al. 2003).

    Parameters
    ----------
    labels : ndarray of int, shape (S, C)
        -1 where a city is not in the draw; every two cities must share a draw.

    Returns
    -------
    ndarray, shape (C, C)
        Symmetric, between 0 and 1, diagonal 1. (https://doi.org/10.1023/A:1023949509487)
    """
    held = (labels >= 0).astype(float)
    together = np.zeros((labels.shape[1], labels.shape[1]))
    for label in range(int(labels.max()) + 1):
        member = (labels == label).astype(float)
        together += member.T @ member
    return np.asarray(together / (held.T @ held))


def expected_loss(partition: np.ndarray, labels: np.ndarray) -> float:
    """Mean variation of information between a partition and the draws, bits, each over the cities of the draw."""
    return float(information(partition, labels)[0].mean())


def candidates(draws: Draws, k: int, overall: np.ndarray) -> list[np.ndarray]:
    """Partitions among which the summary with `k` groups is sought.

    Parameters
    ----------
    draws : Draws
        Those with `k` groups.
    k : int
    overall : ndarray, shape (C, C)
        Co-assignment over the draws of every k.

    Returns
    -------
    list of ndarray of int, shape (C,)
        Cuts of the average and complete linkage trees on 1 - co-assignment, at this k and over all, and every sampled
        partition of the whole ring; only those with exactly `k` groups, if there are any. No two are the same.
    """
    found = []
    for matrix in (coassignment(draws.labels), overall):
        for method in ("average", "complete"):
            tree = linkage(squareform(np.clip(1.0 - matrix, 0.0, 1.0), checks=False), method)
            found.append(in_order(fcluster(tree, k, "maxclust")))
    found.extend(in_order(row) for row in draws.whole)
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
    options = candidates(at, k, overall)
    losses = [expected_loss(option, at.labels) for option in options]
    best = int(np.argmin(np.round(losses, 12)))
    return Summary(k, options[best], stability(at), losses[best], expected_loss(options[best], draws.labels))


def stability(draws: Draws) -> float:
    """Mean adjusted Rand index between draws from different samples of cities, over all algorithms."""
    apart = draws.sample[:, None] != draws.sample[None, :]
    return float(np.nanmean(pair_agreement(draws.labels)[apart]))


def choose(summaries: list[Summary]) -> Summary:
    """Take the number of groups with the least cost: expected loss and lack of stability together, in bits.

    Parameters
    ----------
    summaries : list of Summary
        One for each k tried.

    Returns
    -------
    Summary
        The one with the least `cost`; of equals the one with the fewest groups.

    Notes
    -----
    Stability alone would take a coarse partition that recurs though a finer one recurs as well; loss alone would take
    the middle of the range tried. Where coarse and fine partitions are nested and both recur, the finest may lose. The
    choice does not say that groups exist: without structure some number is chosen too, with a low stability.
    """
    most = max(summary.k for summary in summaries)
    return min(summaries, key=lambda summary: (round(cost(summary, most), 9), summary.k))


def cost(summary: Summary, most: int) -> float:
    """Expected loss plus 1 - stability times log2 of the largest k tried, the most bits that a partition there can tell."""
    return summary.expected_loss + (1.0 - summary.stability) * float(np.log2(most))


def membership(partition: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Probability of each city to belong to each group.

    Parameters
    ----------
    partition : ndarray of int, shape (C,)
        Labels 0 … K-1.
    labels : ndarray of int, shape (S, C)
        Draws with the number of groups of the partition.

    Returns
    -------
    ndarray, shape (C, K)
        Mean co-assignment with the other members of the group, divided by its sum over the groups. Where a city is the
        only member, the share of its draws in which it is alone stands for its own group.

    Notes
    -----
    Given the number of groups. The doubt about that number is in the diagnostics and in the co-assignment over all draws.
    """
    together = coassignment(labels)
    members = np.eye(int(partition.max()) + 1)[partition]
    others = members.sum(axis=0)[None, :] - members
    shared = together @ members - members * np.diag(together)[:, None]
    mean = np.divide(shared, others, out=np.zeros_like(shared), where=others > 0)
    for group in np.flatnonzero(members.sum(axis=0) == 1):
        city = int(np.flatnonzero(partition == group)[0])
        mean[city, group] = _alone(labels, city)
    total = mean.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(mean, total, out=np.full_like(mean, 1.0 / mean.shape[1]), where=total > 0))


def _alone(labels: np.ndarray, city: int) -> float:
    held = labels[labels[:, city] >= 0]
    return float(((held == held[:, [city]]).sum(axis=1) == 1).mean())
