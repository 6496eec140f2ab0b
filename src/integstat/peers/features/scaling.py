"""One scale for all features: transformed, centred at the median, divided by a robust spread, limited."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from integstat.errors import DataError
from integstat.peers.settings import FeatureSettings

_MAD_TO_SD = 1.4826022185056018  # both make the scale a standard deviation under a normal distribution
_IQR_TO_SD = 1.0 / 1.3489795003921634
_DECIMALS = 9  # a change of unit alters the last bits; rounding keeps that from steering a clustering


@dataclass(frozen=True)
class Scaling:
    """Where the ring's features lie and how far they spread: puts other cities on the same scale.

    Attributes
    ----------
    features : tuple of FeatureSettings, length F
    centre, scale : ndarray, shape (F,)
        Median and robust standard deviation of the transformed values; `scale` is above 0.
    limit : float or None
        Scaled values beyond it are set to it.
    """

    features: tuple[FeatureSettings, ...]
    centre: np.ndarray
    scale: np.ndarray
    limit: float | None

    def apply(self, frame: pd.DataFrame, *, limited: bool = True) -> np.ndarray:
        """Put cities on the ring's scale.

        Parameters
        ----------
        frame : pandas.DataFrame
            Index city, one column per feature in its own unit, NaN where unknown; further columns do not matter.
        limited : bool
            False leaves values beyond the limit as they are: to see how far a city lies outside the ring.

        Returns
        -------
        ndarray, shape (C', F)
            Robust standard deviations from the ring's median, NaN where unknown or where `frame` has no such column.

        Raises
        ------
        DataError
            If a value cannot be transformed.
        """
        out = np.full((len(frame), len(self.features)), np.nan)
        for place, feature in enumerate(self.features):
            if feature.id in frame.columns:
                out[:, place] = transformed(frame[feature.id].astype(float), feature).to_numpy(float)
        return self.rounded((out - self.centre) / self.scale, limited=limited)

    def rounded(self, values: np.ndarray, *, limited: bool = True) -> np.ndarray:
        """Limit scaled values and round them, any shape; NaN stays NaN."""
        if limited and self.limit is not None:
            values = np.clip(values, -self.limit, self.limit)
        return np.asarray(np.round(values, _DECIMALS) + 0.0)


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
        wanted = f"größer als 0 und kleiner als {german(feature.whole)}"
    if bad.any():
        city = str(values.index[bad.to_numpy()][0])
        raise DataError(
            f"das Merkmal '{feature.name_de}' hat den Wert {german(float(values[city]))}, muss hier aber {wanted} sein",
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
    if not len(values) or np.ptp(values) <= 1e-12 * float(np.abs(values).max()):
        return 0.0
    tiny = 1e-9 * float(np.ptp(values))
    mad = _MAD_TO_SD * float(np.median(np.abs(values - np.median(values))))
    if mad > tiny:
        return mad
    lower, upper = np.quantile(values, [0.25, 0.75])
    iqr = _IQR_TO_SD * float(upper - lower)
    return iqr if iqr > tiny else float(np.std(values))


def german(value: float | None, digits: str = "g") -> str:
    """Write a number with a decimal comma."""
    return f"{value:{digits}}".replace(".", ",")
