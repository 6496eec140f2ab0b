"""From context to points between which distances mean something, with the doubt about what is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from integstat.errors import UsageError
from integstat.panel import Context
from integstat.peers.features.collinearity import collinearity_note, correlation_of, effective_weights
from integstat.peers.features.imputation import impute
from integstat.peers.features.scaling import Scaling, german, robust_scale, transformed
from integstat.peers.settings import FeatureSettings, PeerSettings, check_settings

MOST_MISSING = 0.5  # a feature known for fewer of the cities is left out; a city with more gaps is told
TABLE_COLUMNS = (
    "feature",
    "name_de",
    "group",
    "kind",
    "transform",
    "weight",
    "effective_weight",
    "missing",
    "most_correlated",
    "correlation",
)


@dataclass(frozen=True)
class Scaled:
    """The features as the algorithms see them.

    Attributes
    ----------
    cities : tuple of str, length C
        AGS, sorted.
    features : tuple of FeatureSettings, length F
        The features kept, in the order of the settings.
    values : ndarray, shape (M, C, F)
        Robust standard deviations from the ring's median, limited, not weighted; M imputations, 1 where nothing is missing.
    known : ndarray of bool, shape (C, F)
        Delivered; the same in every imputation.
    weights : ndarray, shape (F,)
        Factor of the squared distance, mean 1: weight, shared with features that say the same, scaled to the group's total.
    scaling : Scaling
        Puts another city on the same scale.
    correlation : ndarray, shape (F, F)
        Of the scaled values, mean over the imputations.
    notes : tuple of str
        German sentences: what was left out, drawn, limited or shared.
    """

    cities: tuple[str, ...]
    features: tuple[FeatureSettings, ...]
    values: np.ndarray
    known: np.ndarray
    weights: np.ndarray
    scaling: Scaling
    correlation: np.ndarray
    notes: tuple[str, ...]

    def points(self, imputation: int = 0) -> np.ndarray:
        """Values of one imputation times the root of the weights, shape (C, F): squared distances carry the weights."""
        return np.asarray(self.values[imputation] * np.sqrt(self.weights))

    @property
    def frame(self) -> pd.DataFrame:
        """Mean over the imputations, shape (C, F), not weighted: for profiles and names."""
        ids = [feature.id for feature in self.features]
        return pd.DataFrame(self.values.mean(axis=0), index=pd.Index(self.cities, name="city"), columns=ids)


def scale_features(context: Context, settings: PeerSettings, seed: int) -> Scaled:
    """Transform, scale, fill and weight the features of the settings.

    Parameters
    ----------
    context : Context
    settings : PeerSettings
    seed : int
        Of the draws of missing values; of no effect where none is missing.

    Returns
    -------
    Scaled
        Depends neither on the order of rows and columns nor, up to rounding, on the unit of a feature.

    Raises
    ------
    UsageError
        If the settings are refused, or no feature is left.
    DataError
        If a value cannot be transformed.

    Notes
    -----
    Medians and spreads are of the known values alone. What is drawn for a city with many gaps is mostly the ring's own
    spread: its place among the cities is then open, and differs from imputation to imputation.
    """
    check_settings(settings, context)
    scaling, left_out = _fit(context, settings)
    features = scaling.features
    unlimited = scaling.apply(context.features, limited=False)
    observed = scaling.rounded(unlimited)
    known = np.isfinite(observed)
    ids = [feature.id for feature in features]
    values = scaling.rounded(impute(observed, ids, settings.imputations, seed))
    correlation = correlation_of(values)
    return Scaled(
        cities=tuple(str(city) for city in context.features.index),
        features=features,
        values=values,
        known=known,
        weights=effective_weights(correlation, features, settings),
        scaling=scaling,
        correlation=correlation,
        notes=(
            *left_out,
            *_gap_notes(known, features, len(values)),
            *_limit_note(unlimited, scaling),
            *_city_notes(known, context),
            *collinearity_note(correlation, features, settings),
        ),
    )


def feature_table(scaled: Scaled) -> pd.DataFrame:
    """One row per feature kept, columns `TABLE_COLUMNS`, as `peer_features.csv` has it.

    `weight` is what was asked for, `effective_weight` what counts (mean 1); `missing` the number of cities without a value;
    `most_correlated` the id of the feature it goes with most closely, empty where there is no other, and `correlation` theirs.
    """
    rows = []
    for place, feature in enumerate(scaled.features):
        others = np.abs(np.delete(scaled.correlation[place], place))
        closest = int(np.argmax(others)) if len(others) else None
        other = closest + (closest >= place) if closest is not None else None
        rows.append(
            (
                feature.id,
                feature.name_de,
                feature.group,
                feature.kind,
                feature.transform,
                feature.weight,
                float(scaled.weights[place]),
                int((~scaled.known[:, place]).sum()),
                scaled.features[other].id if other is not None else "",
                float(scaled.correlation[place, other]) if other is not None else float("nan"),
            )
        )
    return pd.DataFrame(rows, columns=list(TABLE_COLUMNS))


def _fit(context: Context, settings: PeerSettings) -> tuple[Scaling, list[str]]:
    """Centre and scale of the features that can be used, and why the others are left out."""
    kept, centre, scale, notes = [], [], [], []
    for feature in settings.feature:
        raw = transformed(context.features[feature.id], feature).to_numpy(float)
        told = raw[np.isfinite(raw)]
        missing = len(raw) - len(told)
        if missing > MOST_MISSING * len(raw):
            notes.append(
                f"Das Merkmal '{feature.name_de}' fehlt bei {missing} von {len(raw)} Städten und bleibt deshalb unberücksichtigt."
            )
            continue
        spread = robust_scale(told)
        if spread == 0.0:
            notes.append(f"Das Merkmal '{feature.name_de}' ist in allen Städten gleich und bleibt deshalb unberücksichtigt.")
            continue
        kept.append(feature)
        centre.append(float(np.median(told)))
        scale.append(spread)
    if not kept:
        raise UsageError(
            "kein Merkmal der Vergleichsgruppen unterscheidet die Städte",
            place="[[peers.feature]]",
            mend="bitte Merkmale nennen, die in den Strukturdaten stehen und sich zwischen den Städten unterscheiden",
        )
    return Scaling(tuple(kept), np.array(centre), np.array(scale), settings.limit), notes


def _gap_notes(known: np.ndarray, features: tuple[FeatureSettings, ...], draws: int) -> list[str]:
    how = "mit einer Ziehung" if draws == 1 else f"mit {draws} Ziehungen"
    return [
        f"Das Merkmal '{feature.name_de}' fehlt bei {_cities(missing)}; dort ist es {how} aus den übrigen Merkmalen geschätzt, "
        "soweit sie bekannt sind."
        for feature, missing in zip(features, (~known).sum(axis=0), strict=True)
        if missing
    ]


def _limit_note(unlimited: np.ndarray, scaling: Scaling) -> list[str]:
    if scaling.limit is None:
        return []
    with np.errstate(invalid="ignore"):
        beyond = (np.abs(unlimited) > scaling.limit).sum(axis=0)
    limited = [
        f"{feature.name_de} ({count} {'Stadt' if count == 1 else 'Städte'})"
        for feature, count in zip(scaling.features, beyond, strict=True)
        if count
    ]
    if not limited:
        return []
    limit = german(scaling.limit)
    told = f"Ungewöhnliche Werte zählen nur bis zum {limit}-Fachen der üblichen Abweichung vom Median des Rings"
    return [f"{told}: {', '.join(limited)}."]


def _city_notes(known: np.ndarray, context: Context) -> list[str]:
    features = known.shape[1]
    return [
        f"Bei der Stadt {city} fehlen {missing} von {features} Merkmalen; ihre Vergleichsgruppe ist deshalb kaum begründet."
        for city, missing in zip(context.features.index, (~known).sum(axis=1), strict=True)
        if missing > MOST_MISSING * features
    ]


def _cities(count: int) -> str:
    return "einer Stadt" if count == 1 else f"{count} Städten"
