"""A distribution over partitions and its summary: what the peer stage hands on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from integstat.peers.ball import CredibleBall
from integstat.peers.consensus import coassignment
from integstat.peers.draws import Draws
from integstat.peers.features.build import MOST_MISSING, Scaled
from integstat.peers.neighbours import Neighbours
from integstat.peers.structure import Structure


@dataclass(frozen=True)
class Partitions:
    """Peer groups with their doubt.

    Attributes
    ----------
    cities : tuple of str
        AGS, sorted; length C.
    draws : Draws
        Sampled partitions with their weights.
    summary : ndarray of int, shape (C,)
        The summary partition, labels 0 … K-1 in a stable order (by profile, not by chance).
    probability : ndarray, shape (C, K)
        Probability of each city to belong to each summary group, given the number of groups; rows sum to 1.
    names, names_en : tuple of str, length K
        A name for each group made of its features, in German and in English.
    profile : pandas.DataFrame, shape (K, F)
        Mean of the scaled features by group (index 0 … K-1).
    groups : pandas.DataFrame
        A row per group, as `integstat.peers.groups.group_table` gives it.
    diagnostics : pandas.DataFrame
        One row per k, from 1: `k`; `weight` among the draws; `stability`, mean adjusted Rand index between draws with that k;
        `excess` of stability over structureless rings (k-means alone); `expected_loss` of its best partition over all draws and
        `loss_at_k` over those with that k (variation of information, bits); `cost` of loss and lack of stability;
        `prediction_strength`, `gap`, `gap_se`, `bic`, `silhouette` (`integstat.peers.number`); `smallest_group`, cities;
        `recommended` marks the least cost, `chosen` the one taken.
    named : dict of str to int
        Number of groups that each of the other measures names.
    ball : CredibleBall or None
        None where all cities form one group.
    structure : Structure or None
        Answer of the test for groups; None in rings too small for groups.
    scaled : Scaled or None
        The features as the algorithms saw them; None in rings too small for groups.
    neighbours : Neighbours or None
        Each city's own list; None in rings too small for groups.
    place : pandas.DataFrame
        Index city; `x`, `y`, `spread`: positions in two dimensions (`integstat.peers.position`).
    axes : pandas.DataFrame
        Index feature; correlation with `x` and `y`.
    shown : float
        Share of the variance that the two dimensions hold.
    notes : tuple of str
        German sentences on what was left out, filled or limited, and on groups that are none.

    Notes
    -----
    The groups are a convention with probabilities, not islands found in nature.
    """

    cities: tuple[str, ...]
    draws: Draws
    summary: np.ndarray
    probability: np.ndarray
    names: tuple[str, ...]
    names_en: tuple[str, ...]
    profile: pd.DataFrame
    groups: pd.DataFrame
    diagnostics: pd.DataFrame
    named: dict[str, int]
    ball: CredibleBall | None
    structure: Structure | None
    scaled: Scaled | None
    neighbours: Neighbours | None
    place: pd.DataFrame
    axes: pd.DataFrame
    shown: float
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of groups in the summary partition."""
        return int(self.probability.shape[1])

    @cached_property
    def coassignment(self) -> np.ndarray:
        """Weighted share of the draws in which two cities are together, over every number of groups; shape (C, C), diagonal 1."""
        return coassignment(self.draws)

    def sampled(self, count: int = 200) -> np.ndarray:
        """Partitions in proportion to their weights, without chance; int, shape (count, C), labels arbitrary within a row."""
        return self.draws.systematic(count)

    def table(self, names: dict[str, str], borderline: float = 0.6) -> pd.DataFrame:
        """One row per city, as `peer_groups.csv` has it.

        Parameters
        ----------
        names : dict
            City name by AGS.
        borderline : float
            A city whose own group has a smaller probability is flagged, and one of which most features are unknown.
        """
        unknown = self.scaled is not None and (~self.scaled.known).mean(axis=1) > MOST_MISSING
        doubtful = np.broadcast_to(unknown, len(self.cities))
        rows = []
        for i, city in enumerate(self.cities):
            own = int(self.summary[i])
            others = [k for k in np.argsort(-self.probability[i], kind="stable") if k != own]
            second = int(others[0]) if others else None
            rows.append(
                {
                    "city": city,
                    "city_name": names.get(city, city),
                    "peer_group": self.names[own],
                    "probability": float(self.probability[i, own]),
                    "second_group": self.names[second] if second is not None else "",
                    "second_probability": float(self.probability[i, second]) if second is not None else float("nan"),
                    "borderline": bool(self.probability[i, own] < borderline or doubtful[i]),
                }
            )
        return pd.DataFrame(rows)
