"""Bundles of small rings, with partitions by k-means."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from integstat.panel import Context
from integstat.peers.bundle import Bundle, make_bundle
from integstat.peers.features.build import scale_features
from integstat.peers.settings import FeatureSettings, PeerSettings

from .rings import ring, settings


def partitions(points: np.ndarray, groups: int, count: int = 12, seed: int = 0) -> np.ndarray:
    """Partitions of every city, each formed on four fifths of them; labels of the same groups are not the same."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        members = rng.permutation(len(points))[: max(groups, int(0.8 * len(points)))]
        rows.append(KMeans(groups, n_init=2, random_state=0).fit(points[members]).predict(points))
    return np.array(rows)


def shares(labels: np.ndarray, summary: np.ndarray) -> np.ndarray:
    """Probability of each group as a mean share of its cities, shape (C, K)."""
    together = (labels[:, :, None] == labels[:, None, :]).mean(axis=0)
    share = np.column_stack([together[:, summary == group].mean(axis=1) for group in range(summary.max() + 1)])
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def bundle_of(
    context: Context | np.ndarray,
    summary: np.ndarray | None = None,
    *,
    groups: int = 3,
    labels: np.ndarray | None = None,
    names: tuple[str, ...] = (),
    choice: PeerSettings | None = None,
) -> Bundle:
    """Bundle of a ring; partition and draws are made where none are given."""
    given = context if isinstance(context, Context) else ring(context)
    own = choice or settings(given.features.shape[1], neighbours=4)
    scaled = scale_features(given, own, 1)
    if labels is None:
        labels = partitions(scaled.points(), groups)
    if summary is None:
        summary = labels[0]
    summary = pd.factorize(summary)[0]
    titles = names or tuple(f"Gruppe {'ABCDEFGH'[group]}" for group in range(summary.max() + 1))
    return make_bundle(
        scaled,
        given,
        own,
        labels=labels,
        summary=summary,
        probability=shares(labels, summary),
        groups=titles,
        groups_en=tuple(f"{title} (en)" for title in titles),
        names={city: f"Stadt {city}" for city in scaled.cities},
    )


def features(*ids: str, **changes: object) -> tuple[FeatureSettings, ...]:
    """Plain features with these ids."""
    return tuple(FeatureSettings.model_validate({"id": one, "name_de": one.title()} | changes) for one in ids)
