"""What there is to say of each group: how stable it is, how large, and what sets it apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from integstat.peers.agreement import contingency
from integstat.peers.draws import Draws
from integstat.peers.features.build import Scaled
from integstat.peers.naming import group_names

STABLE, DISSOLVED = 0.75, 0.5  # Hennig's reading of the mean Jaccard: from here stable, below it dissolved
_NAMED = 3  # features told of each group
GROUP_COLUMNS = ("group", "name", "name_en", "size", "jaccard", "apart")
_LEAST = 0.3  # robust standard deviations: below it a feature sets nothing apart


def group_jaccard(partition: np.ndarray, draws: Draws) -> np.ndarray:
    """Mean similarity of each group with its likest group in the draws (Hennig 2007).

    Parameters
    ----------
    partition : ndarray of int, shape (C,)
        Labels 0 … K-1.
    draws : Draws
        With the number of groups of the partition.

    Returns
    -------
    ndarray, shape (K,)
        Jaccard similarity, 1: the group comes out in every draw; below 0.5 it dissolves, from 0.75 on it counts as stable.
        (https://doi.org/10.1016/j.csda.2006.11.025)

    Notes
    -----
    Over all cities, those outside a sample by the group predicted for them, and over all algorithms. A stable group is one that
    recurs; it need not be a useful one.
    """
    table = contingency(partition, draws.labels).astype(float)
    union = table.sum(axis=2, keepdims=True) + table.sum(axis=1, keepdims=True) - table
    return np.asarray(np.einsum("sk,s->k", (table / np.maximum(union, 1.0)).max(axis=2), draws.weight))


def group_table(partition: np.ndarray, scaled: Scaled, draws: Draws) -> pd.DataFrame:
    """Tell each group in a row.

    Parameters
    ----------
    partition : ndarray of int, shape (C,)
        Labels 0 … K-1.
    scaled : Scaled
    draws : Draws
        With the number of groups of the partition.

    Returns
    -------
    pandas.DataFrame
        Columns `GROUP_COLUMNS`. `apart`: up to three features, `id:+1.2` with the difference of the group's mean to that of the
        other cities in robust standard deviations, the largest first.
    """
    values = scaled.frame
    names = group_names(partition, values, scaled.features), group_names(partition, values, scaled.features, "en")
    jaccard = group_jaccard(partition, draws)
    rows = []
    for group in range(int(partition.max()) + 1):
        own = partition == group
        apart = values[own].mean() - values[~own].mean() if not own.all() else values[own].mean() * 0.0
        apart = apart[apart.abs() >= _LEAST]
        order = apart.abs().sort_values(ascending=False, kind="stable").index[:_NAMED]
        rows.append(
            {
                "group": group,
                "name": names[0][group],
                "name_en": names[1][group],
                "size": int(own.sum()),
                "jaccard": float(jaccard[group]),
                "apart": " ".join(f"{feature}:{apart[feature]:+.1f}" for feature in order),
            }
        )
    return pd.DataFrame(rows, columns=list(GROUP_COLUMNS))
