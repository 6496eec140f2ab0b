"""A distribution over partitions and its summary: what the peer stage hands on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Partitions:
    """Peer groups with their doubt.

    Attributes
    ----------
    cities : tuple of str
        AGS, sorted; length C.
    draws : ndarray of int, shape (S, C)
        One partition per row; labels are arbitrary within a row, -1 where the city was not in that resample.
    summary : ndarray of int, shape (C,)
        The summary partition, labels 0 … K-1 in a stable order (by profile, not by chance).
    probability : ndarray, shape (C, K)
        Probability of each city to belong to each summary group, given the number of groups; rows sum to 1.
    coassignment : ndarray, shape (C, C)
        Share of the draws holding both cities in which they are together, over every number of groups tried; diagonal 1.
    names : tuple of str
        A name for each group made of its features, in German.
    profile : pandas.DataFrame, shape (K, F)
        Mean of the scaled features by group (index 0 … K-1).
    diagnostics : pandas.DataFrame
        One row per k tried: `k`; `stability`, mean adjusted Rand index between draws with that k; `expected_loss` of its
        best partition over all draws and `loss_at_k` over those with that k (variation of information, bits); `cost` of
        loss and instability, the least is taken unless the settings name k; `silhouette`; `smallest_group`, cities;
        `chosen` marks the one taken.
    notes : tuple of str
        German sentences on what was left out, filled or limited, and on groups that are none.

    Notes
    -----
    The groups are a convention with probabilities, not islands found in nature.
    """

    cities: tuple[str, ...]
    draws: np.ndarray
    summary: np.ndarray
    probability: np.ndarray
    coassignment: np.ndarray
    names: tuple[str, ...]
    profile: pd.DataFrame
    diagnostics: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of groups in the summary partition."""
        return int(self.probability.shape[1])

    def kernel(self, kept: float = 0.99) -> np.ndarray:
        """Co-assignment as a correlation matrix, for the covariance of peer effects.

        Parameters
        ----------
        kept : float
            Share of the variance its leading eigenvectors have to keep. Fewer make the model quicker; and resampling leaves a
            matrix that is not quite positive semidefinite, which dropping the last ones mends.

        Returns
        -------
        ndarray, shape (C, C)
            Symmetric, positive semidefinite, with ones on the diagonal; order of `cities`.
        """
        values, vectors = np.linalg.eigh(self.coassignment)
        values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
        count = int(np.searchsorted(np.cumsum(values), kept * values.sum())) + 1
        root = vectors[:, :count] * np.sqrt(values[:count])
        root /= np.sqrt((root**2).sum(axis=1, keepdims=True))
        out = root @ root.T
        np.fill_diagonal(out, 1.0)
        return np.asarray(0.5 * (out + out.T))

    def table(self, names: dict[str, str], borderline: float = 0.6) -> pd.DataFrame:
        """One row per city, as `peer_groups.csv` has it.

        Parameters
        ----------
        names : dict
            City name by AGS.
        borderline : float
            A city whose own group has a smaller probability is flagged.
        """
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
                    "borderline": bool(self.probability[i, own] < borderline),
                }
            )
        return pd.DataFrame(rows)
