"""Order and names of the groups in German and English, from their profile alone."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import numpy as np
import pandas as pd

from integstat.peers.settings import FeatureSettings

_SECOND = 0.6  # a second feature joins the name where it sets the group apart by at least this share of the first
_LEAST = 0.3  # robust standard deviations: below it a feature sets nothing apart
_FAINT = 0.1  # below it a feature does not even serve to tell two groups of like names apart
Language = Literal["de", "en"]
MIDDLE: dict[Language, str] = {"de": "Mittlere Lage", "en": "In the middle"}
ONE_GROUP: dict[Language, str] = {"de": "Alle Städte des Rings", "en": "All cities of the ring"}


def ordered(partition: np.ndarray, values: pd.DataFrame) -> np.ndarray:
    """Number the groups by their mean of the first feature, from high to low; equal means by the next features.

    Parameters
    ----------
    partition : ndarray of int, shape (C,)
        Any labels.
    values : pandas.DataFrame, shape (C, F)
        Scaled features, rows in the same order.

    Returns
    -------
    ndarray of int, shape (C,)
        Labels 0 … K-1; the same for every relabelling of the same partition.
    """
    labels, first, inverse = np.unique(partition, return_index=True, return_inverse=True)
    means = [tuple(np.round(-values[inverse == group].mean().to_numpy(float), 6)) for group in range(len(labels))]
    order = sorted(range(len(labels)), key=lambda group: (means[group], first[group]))
    rank = np.empty(len(labels), dtype=int)
    rank[order] = np.arange(len(labels))
    return np.asarray(rank[inverse])


def group_profile(partition: np.ndarray, values: pd.DataFrame) -> pd.DataFrame:
    """Mean of the scaled features by group, shape (K, F), index 0 … K-1."""
    profile = values.groupby(partition).mean()
    profile.index.name = "group"
    return profile


def group_names(
    partition: np.ndarray, values: pd.DataFrame, features: tuple[FeatureSettings, ...], language: Language = "de"
) -> tuple[str, ...]:
    """Name each group after the one or two features that set it most apart from the other cities.

    Parameters
    ----------
    partition : ndarray of int, shape (C,)
        Labels 0 … K-1.
    values : pandas.DataFrame, shape (C, F)
    features : tuple of FeatureSettings, length F
    language : {'de', 'en'}

    Returns
    -------
    tuple of str, length K
        Unique. A group whose words all stand in another's name takes further ones; names that stay alike get a number.

    Notes
    -----
    A name is a reading aid. It tells neither all that the cities share nor that each city fits it.
    """
    size = int(partition.max()) + 1
    if size == 1:
        return (ONE_GROUP[language],)
    apart = pd.DataFrame([values[partition == g].mean() - values[partition != g].mean() for g in range(size)])
    phrases = [_phrases(apart.iloc[group], features, language) for group in range(size)]
    taken = [_first_words(apart.iloc[group]) for group in range(size)]
    while True:
        words = [set(phrases[group][: taken[group]]) for group in range(size)]
        alike = [g for g in range(size) if any(words[g] <= words[other] for other in range(size) if other != g)]
        longer = [g for g in alike if taken[g] < len(phrases[g])]
        if not longer:
            break
        for group in longer:
            taken[group] += 1
    names = [_join(phrases[group][: taken[group]], language) for group in range(size)]
    return _numbered(names)


def _phrases(apart: pd.Series, features: tuple[FeatureSettings, ...], language: Language) -> list[str]:
    order = np.argsort(-apart.abs().round(6).to_numpy(), kind="stable")
    return [_phrase(features[i], float(apart.iloc[i]), language) for i in order if abs(float(apart.iloc[i])) > _FAINT]


def _phrase(feature: FeatureSettings, apart: float, language: Language) -> str:
    high = apart > 0
    if language == "en":
        name = feature.name_en or feature.name_de
        return (feature.high_en or f"{name} high") if high else (feature.low_en or f"{name} low")
    return (feature.high_de or f"{feature.name_de} hoch") if high else (feature.low_de or f"{feature.name_de} niedrig")


def _first_words(apart: pd.Series) -> int:
    sizes = np.sort(apart.abs().to_numpy())[::-1]
    if sizes[0] < _LEAST:
        return 0
    return 2 if len(sizes) > 1 and sizes[1] >= max(_LEAST, _SECOND * sizes[0]) else 1


def _join(phrases: list[str], language: Language) -> str:
    text = ", ".join(phrases)
    return text[:1].upper() + text[1:] if text else MIDDLE[language]


def _numbered(names: list[str]) -> tuple[str, ...]:
    counts = Counter(names)
    used: Counter[str] = Counter()
    out = []
    for name in names:
        used[name] += 1
        out.append(f"{name} ({used[name]})" if counts[name] > 1 else name)
    return tuple(out)
