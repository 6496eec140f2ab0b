"""Features that say the same: how closely they go together, and what that does to their weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from integstat.peers.features.scaling import german
from integstat.peers.settings import FeatureSettings, PeerSettings

CLOSE = 0.8  # correlations from here on are told
_DECIMALS = 9  # like the scaled values: the last bits depend on the order of the features


def correlation_of(values: np.ndarray) -> np.ndarray:
    """Correlation of the features, mean over the imputations.

    Parameters
    ----------
    values : ndarray, shape (M, C, F)
        Scaled and limited, so that one extreme city does not make a correlation.

    Returns
    -------
    ndarray, shape (F, F)
        Symmetric, diagonal 1.
    """
    centred = values - values.mean(axis=1, keepdims=True)
    centred /= np.sqrt((centred**2).sum(axis=1, keepdims=True))
    mean = np.einsum("mcf,mcg->fg", centred, centred) / len(values)
    np.fill_diagonal(mean, 1.0)
    return np.asarray(np.clip(np.round(0.5 * (mean + mean.T), _DECIMALS), -1.0, 1.0))


def effective_weights(correlation: np.ndarray, features: Sequence[FeatureSettings], settings: PeerSettings) -> np.ndarray:
    """Factor of each feature's squared distance: its weight, shared with those like it, scaled to its group's total.

    Parameters
    ----------
    correlation : ndarray, shape (F, F)
    features : sequence of FeatureSettings, length F
    settings : PeerSettings
        Reads `collinearity` and `group_weight`.

    Returns
    -------
    ndarray, shape (F,)
        Mean 1.

    Notes
    -----
    With `collinearity = "share"` a weight is divided by the sum of the feature's squared correlations with all features, itself
    included: k copies of a feature count as one, a feature correlated with none keeps its weight. With C cities chance alone
    adds about (F - 1) / (C - 1) to each sum, alike for all. Then a group with a `group_weight` takes that total; its features
    keep their proportions.

    This counts once what is said twice. It does not say which features matter: one that goes with no other, relevant or not,
    comes to weigh most.
    """
    weights = np.array([feature.weight for feature in features])
    if settings.collinearity == "share":
        weights = weights / (correlation**2).sum(axis=1)
    for group, total in settings.group_weight.items():
        inside = np.array([feature.group == group for feature in features])
        if inside.any():
            weights[inside] *= total / weights[inside].sum()
    return np.asarray(np.round(weights / weights.mean(), _DECIMALS))


def close_pairs(correlation: np.ndarray) -> list[tuple[int, int, float]]:
    """Pairs of features correlated by `CLOSE` or more, with the correlation, the closest first."""
    first, second = np.nonzero(np.triu(np.abs(correlation) >= CLOSE, k=1))
    pairs = [(int(f), int(g), float(correlation[f, g])) for f, g in zip(first, second, strict=True)]
    return sorted(pairs, key=lambda pair: (-abs(pair[2]), pair[0], pair[1]))


def collinearity_note(correlation: np.ndarray, features: Sequence[FeatureSettings], settings: PeerSettings) -> tuple[str, ...]:
    """Name in German the features that go closely together and what follows for their weights; empty where none do."""
    pairs = close_pairs(correlation)
    if not pairs:
        return ()
    named = "; ".join(f"{features[f].name_de} und {features[g].name_de} ({german(r, '.2f')})" for f, g, r in pairs)
    if settings.collinearity == "share":
        follows = "ihr Gewicht ist deshalb geteilt, damit dieselbe Aussage nicht doppelt zählt"
    else:
        follows = "jedes behält sein Gewicht, die gemeinsame Aussage zählt also mehrfach"
    return (f"Eng zusammen hängen diese Merkmale (Korrelation in Klammern): {named}; {follows}.",)
