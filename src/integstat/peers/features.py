"""From context to a matrix in which distances mean something: transformed, gaps filled, robustly scaled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from integstat.errors import DataError, UsageError
from integstat.panel import Context
from integstat.peers.settings import FeatureSettings, PeerSettings, check_settings

MOST_MISSING = 0.5  # a feature known for fewer of the cities is left out; a city with more gaps is told
_MAD_TO_SD = 1.4826022185056018  # both make the scale a standard deviation under a normal distribution
_IQR_TO_SD = 1.0 / 1.3489795003921634
_DECIMALS = 9  # a change of unit alters the last bits; rounding keeps that from steering a clustering


@dataclass(frozen=True)
class Scaled:
    """The features as the algorithms see them.

    Attributes
    ----------
    values : pandas.DataFrame, shape (C, F)
        Index city (sorted), one column per feature kept; median 0, robust standard deviation 1, not yet weighted.
    features : tuple of FeatureSettings
        The features kept, in the order of the settings; length F.
    notes : tuple of str
        German sentences: what was left out, filled or limited.
    """

    values: pd.DataFrame
    features: tuple[FeatureSettings, ...]
    notes: tuple[str, ...]

    @property
    def weighted(self) -> np.ndarray:
        """Values times the root of the weight, shape (C, F): squared distances carry the weights."""
        return np.asarray(self.values.to_numpy(float) * np.sqrt([feature.weight for feature in self.features]))


def scale_features(context: Context, settings: PeerSettings) -> Scaled:
    """Transform, fill and scale the features of the settings.

    Parameters
    ----------
    context : Context
    settings : PeerSettings

    Returns
    -------
    Scaled

    Raises
    ------
    UsageError
        If the settings are refused, or no feature is left.
    DataError
        If a value cannot be transformed.

    Notes
    -----
    Gaps take the median of the ring. That pulls a city with many gaps to the middle; it does not say the city lies there.
    """
    check_settings(settings, context)
    notes: list[str] = []
    limited: list[str] = []
    kept: list[FeatureSettings] = []
    columns: dict[str, pd.Series] = {}
    gaps = pd.Series(0, index=context.features.index)
    for feature in settings.feature:
        raw = transformed(context.features[feature.id], feature)
        missing = raw.isna()
        if missing.mean() > MOST_MISSING:
            notes.append(
                f"Das Merkmal '{feature.name_de}' fehlt bei {int(missing.sum())} von {len(raw)} Städten "
                "und bleibt deshalb unberücksichtigt."
            )
            continue
        scale = robust_scale(raw.dropna().to_numpy(float))
        if scale == 0.0:
            notes.append(f"Das Merkmal '{feature.name_de}' ist in allen Städten gleich und bleibt deshalb unberücksichtigt.")
            continue
        centre = float(raw.median())
        values = ((raw - centre) / scale).fillna(0.0)
        beyond = int((values.abs() > settings.limit).sum()) if settings.limit is not None else 0
        if settings.limit is not None:
            values = values.clip(-settings.limit, settings.limit)
        if missing.any():
            notes.append(
                f"Das Merkmal '{feature.name_de}' fehlt bei {_cities(int(missing.sum()))}; dort steht der Median des Rings."
            )
        if beyond:
            limited.append(f"{feature.name_de} ({beyond} {'Stadt' if beyond == 1 else 'Städte'})")
        gaps += missing.astype(int)
        kept.append(feature)
        columns[feature.id] = values.round(_DECIMALS) + 0.0
    if not kept:
        raise UsageError(
            "kein Merkmal der Vergleichsgruppen unterscheidet die Städte",
            place="[[peers.feature]]",
            mend="bitte Merkmale nennen, die in den Strukturdaten stehen und sich zwischen den Städten unterscheiden",
        )
    if limited:
        notes.append(
            f"Ungewöhnliche Werte sind auf {_german(settings.limit)} robuste Standardabweichungen begrenzt: {', '.join(limited)}."
        )
    for city, count in gaps[gaps > MOST_MISSING * len(kept)].items():
        notes.append(
            f"Bei der Stadt {city} fehlen {int(count)} von {len(kept)} Merkmalen; "
            "ihre Vergleichsgruppe ist deshalb kaum begründet."
        )
    return Scaled(pd.DataFrame(columns, index=context.features.index), tuple(kept), tuple(notes))


def transformed(values: pd.Series, feature: FeatureSettings) -> pd.Series:
    """Apply the feature's transform.

    Parameters
    ----------
    values : pandas.Series
        Index city; NaN where unknown, and stays NaN.
    feature : FeatureSettings

    Raises
    ------
    DataError
        If a value is infinite or outside what the transform bears; the sentence names the city.
    """
    bad = np.isinf(values)
    wanted = "eine endliche Zahl"
    if feature.transform == "log":
        bad |= values <= 0
        wanted = "größer als 0"
    elif feature.transform == "sqrt":
        bad |= values < 0
        wanted = "mindestens 0"
    elif feature.transform == "logit":
        bad |= (values <= 0) | (values >= feature.whole)
        wanted = f"größer als 0 und kleiner als {_german(feature.whole)}"
    if bad.any():
        city = str(values.index[bad.to_numpy()][0])
        raise DataError(
            f"das Merkmal '{feature.name_de}' hat den Wert {_german(float(values[city]))}, muss hier aber {wanted} sein",
            place=f"Strukturdaten, Stadt {city}",
            mend="bitte den Wert prüfen oder in der Ring-Konfiguration eine andere Umformung ('transform') wählen",
        )
    if feature.transform == "log":
        return pd.Series(np.log(values))
    if feature.transform == "sqrt":
        return pd.Series(np.sqrt(values))
    if feature.transform == "logit":
        return pd.Series(np.log(values) - np.log(feature.whole - values))
    return values


def robust_scale(values: np.ndarray) -> float:
    """Spread of `values` in the unit of a normal distribution's standard deviation; 0 where all are equal.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Without NaN.

    Returns
    -------
    float
        From the median absolute deviation; from the quartiles where more than half the values are equal; the standard
        deviation where more than three quarters are.
    """
    if not len(values) or np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max())):
        return 0.0
    tiny = 1e-9 * float(np.ptp(values))
    mad = _MAD_TO_SD * float(np.median(np.abs(values - np.median(values))))
    if mad > tiny:
        return mad
    lower, upper = np.quantile(values, [0.25, 0.75])
    iqr = _IQR_TO_SD * float(upper - lower)
    return iqr if iqr > tiny else float(np.std(values))


def _cities(count: int) -> str:
    return "einer Stadt" if count == 1 else f"{count} Städten"


def _german(value: float | None) -> str:
    return f"{value:g}".replace(".", ",")
