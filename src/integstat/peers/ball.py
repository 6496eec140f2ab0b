"""The credible ball around the summary partition: how far other partitions reach that cannot be ruled out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from integstat.peers.agreement import information
from integstat.peers.cluster.rows import in_order
from integstat.peers.draws import Draws


@dataclass(frozen=True)
class CredibleBall:
    """Partitions within a radius of the summary that hold a stated share of the draws.

    Attributes
    ----------
    share : float
        Share of the draws within the radius, by weight; at least what was asked for.
    radius : float
        Variation of information, bits; 0: the draws all are the summary partition.
    coarsest, finest, farthest : ndarray of int, shape (C,)
        Bounds of the ball: of its partitions with the fewest groups, with the most groups, and of all, the one farthest from the
        summary. Labels from 0 in the order of first appearance.
    distance : dict of str to float
        Distance of each bound from the summary, bits.
    """

    share: float
    radius: float
    coarsest: np.ndarray
    finest: np.ndarray
    farthest: np.ndarray
    distance: dict[str, float]


def credible_ball(summary: np.ndarray, draws: Draws, share: float = 0.95) -> CredibleBall:
    """Take the smallest ball around the summary that holds a share of the draws.

    Parameters
    ----------
    summary : ndarray of int, shape (C,)
    draws : Draws
        Of every number of groups.
    share : float

    Returns
    -------
    CredibleBall

    Notes
    -----
    Upper vertical, lower vertical and horizontal bound of Wade & Ghahramani (2018, https://doi.org/10.1214/17-BA1073), each one
    partition where several are equally far. A partition between the bounds need not have been drawn.
    """
    distance = np.round(information(summary, draws.labels)[0], 12)
    order = np.argsort(distance, kind="stable")
    reached = np.cumsum(draws.weight[order])
    radius = float(distance[order[np.searchsorted(reached, share - 1e-9)]])
    inside = np.flatnonzero((distance <= radius) & (draws.weight > 0))
    sizes = np.array([len(np.unique(draws.labels[row])) for row in inside])

    def far(chosen: np.ndarray) -> int:
        return int(chosen[np.argmax(distance[chosen])])

    bounds = {
        "coarsest": far(inside[sizes == sizes.min()]),
        "finest": far(inside[sizes == sizes.max()]),
        "farthest": far(inside),
    }
    return CredibleBall(
        share=float(draws.weight[distance <= radius].sum()),
        radius=radius,
        coarsest=in_order(draws.labels[bounds["coarsest"]]),
        finest=in_order(draws.labels[bounds["finest"]]),
        farthest=in_order(draws.labels[bounds["farthest"]]),
        distance={name: float(distance[row]) for name, row in bounds.items()},
    )
