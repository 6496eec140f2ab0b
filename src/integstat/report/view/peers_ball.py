"""Doubt about the partition as a whole: the credible ball, and which cities change group at its bounds."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

import numpy as np
from scipy.optimize import linear_sum_assignment

from integstat.peers.agreement import contingency
from integstat.peers.ball import CredibleBall
from integstat.peers.partitions import Partitions
from integstat.report.view.lookup import Lookup
from integstat.report.view.peers_words import letter, short_names

_LISTED = 12  # cities: longer lists are folded


@dataclass(frozen=True)
class Bound:
    """One bound of the ball: what it is, its number of groups and distance, and who changes from where to where."""

    name: str
    groups: str
    distance: str
    changing: str
    moves: tuple[tuple[str, str], ...]
    folded: bool


@dataclass(frozen=True)
class BallView:
    """A sentence on the ball, and its bounds; bounds that are the same partition share a row."""

    lead: str
    bounds: tuple[Bound, ...]


def ball_view(look: Lookup, partitions: Partitions, ball: CredibleBall) -> BallView:
    """Tell how far other partitions reach that cannot be ruled out."""
    number = look.texts.number
    lead = look.texts.t(
        "peers.ball.lead",
        share=look.texts.percent(ball.share),
        radius=number(ball.radius, 2),
        most=number(log2(max(len(partitions.cities), 2)), 1),
    )
    bounds: dict[bytes, list[str]] = {}
    for name in ("coarsest", "finest", "farthest"):
        bounds.setdefault(getattr(ball, name).tobytes(), []).append(name)
    return BallView(lead, tuple(_bound(look, partitions, ball, names) for names in bounds.values()))


def matched(summary: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """Labels of the summary's groups for the groups of another partition, so that as many cities as possible keep theirs.

    Parameters
    ----------
    summary, bound : ndarray of int, shape (C,)
        Labels from 0.

    Returns
    -------
    ndarray of int, shape (C,)
        -1: a group to which none of the summary is matched.
    """
    table = contingency(summary, bound[None, :])[0]
    own, other = linear_sum_assignment(-table)
    name = np.full(table.shape[1], -1)
    name[other] = np.where(table[own, other] > 0, own, -1)
    return np.asarray(name[bound])


def _bound(look: Lookup, partitions: Partitions, ball: CredibleBall, names: list[str]) -> Bound:
    t, number = look.texts.t, look.texts.number
    labels = getattr(ball, names[0])
    new = matched(partitions.summary, labels)
    short = short_names(look.cities)
    moves: dict[tuple[int, int], list[str]] = {}
    for city in look.cities:
        place = partitions.cities.index(city.key)
        step = int(partitions.summary[place]), int(new[place])
        if step[0] != step[1]:
            moves.setdefault(step, []).append(short[city.key])
    changing = int((new != partitions.summary).sum())
    told = tuple(
        (t("peers.ball.move", old=letter(old), new=letter(to) if to >= 0 else t("peers.ball.new_group")), ", ".join(cities))
        for (old, to), cities in sorted(moves.items())
    )
    return Bound(
        name=t("peers.ball.also").join(t(f"peers.ball.{name}") for name in names),
        groups=number(len(np.unique(labels)), 0),
        distance=number(ball.distance[names[0]], 2),
        changing=t("peers.ball.changing", n=changing),
        moves=told,
        folded=changing > _LISTED,
    )
