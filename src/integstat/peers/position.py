"""Where the cities lie to each other in two dimensions, and how far that depends on the features."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.linalg import orthogonal_procrustes

from integstat.peers.features.build import Scaled

_VARIANTS = 50


def positions(scaled: Scaled, feature_fraction: float, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame, float]:
    """Project the cities on the two axes along which they differ most.

    Parameters
    ----------
    scaled : Scaled
    feature_fraction : float
        Share of the features in a variant.
    rng : numpy.random.Generator

    Returns
    -------
    cities : pandas.DataFrame, shape (C, 3)
        Index city; `x`, `y`, and `spread`: root mean square distance from the place the city has in variants with a part of the
        features and other imputations, turned and scaled to fit.
    features : pandas.DataFrame, shape (F, 2)
        Index feature; correlation with either axis.
    shown : float
        Share of the weighted variance that the two axes hold.

    Notes
    -----
    Principal axes of the weighted features. Distances in the picture are too small where cities differ in other directions.
    """
    points = np.mean([scaled.points(i) for i in range(len(scaled.values))], axis=0)
    place, shown = _principal(points)
    signs = np.where(np.abs(place.max(axis=0)) >= np.abs(place.min(axis=0)) - 1e-9, 1.0, -1.0)
    place = place * signs
    features = points.shape[1]
    keep = max(min(2, features), round(feature_fraction * features))
    moved = np.zeros(len(points))
    for number in range(_VARIANTS):
        columns = np.sort(rng.choice(features, keep, replace=False))
        other = _principal(scaled.points(number % len(scaled.values))[:, columns])[0]
        turn, _ = orthogonal_procrustes(other, place)
        turned = other @ turn
        norm = (turned**2).sum()
        turned = turned * ((turned * place).sum() / norm if norm > 0 else 1.0)
        moved += ((turned - place) ** 2).sum(axis=1)
    cities = pd.DataFrame(place, index=list(scaled.cities), columns=["x", "y"])
    cities["spread"] = np.sqrt(moved / _VARIANTS)
    spread = points.std(axis=0)[:, None] * place.std(axis=0)[None, :]
    together = (points - points.mean(axis=0)).T @ place / len(points)
    related = np.divide(together, spread, out=np.zeros_like(together), where=spread > 1e-12)
    return cities, pd.DataFrame(related, index=[one.id for one in scaled.features], columns=["x", "y"]), shown


def _principal(points: np.ndarray) -> tuple[np.ndarray, float]:
    centred = points - points.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    place = np.zeros((len(points), 2))
    held = min(2, len(values))
    place[:, :held] = left[:, :held] * values[:held]
    total = float((values**2).sum())
    return place, float((values[:held] ** 2).sum() / total) if total > 0 else 1.0
