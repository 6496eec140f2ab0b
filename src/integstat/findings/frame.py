"""The columns of `findings.csv`, what each means, and how a posterior becomes one row per city."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np
import pandas as pd

from integstat.findings.estimands import Estimands

CODEBOOK: dict[str, str] = {
    "city": "Amtlicher Gemeindeschlüssel (Text)",
    "city_name": "Name der Stadt",
    "field": "Handlungsfeld",
    "indicator": "Indikator",
    "definition": "Definition, als indicator.definition",
    "peer_group": "Vergleichsgruppe von Städten, leer ohne Gruppen",
    "level_first": "Niveau der Zielgruppe im ersten Jahr, Mittelwert der A-posteriori-Verteilung, in Punkten",
    "level_last": "Niveau der Zielgruppe im letzten Jahr, in Punkten",
    "change_raw": "Differenz der gelieferten Quoten, in Punkten; plus ist besser; leer, wo eine Zahl fehlt",
    "change_mean": "Veränderung zwischen den beiden Jahren ohne Zählfehler, in Punkten; plus ist besser",
    "change_lower": "untere Grenze dazu",
    "change_upper": "obere Grenze dazu",
    "relative_change_mean": "Veränderung über den Median der übrigen Städte hinaus, in Punkten; plus ist besser",
    "relative_change_lower": "untere Grenze dazu",
    "relative_change_upper": "obere Grenze dazu",
    "change_against_peers_mean": "Veränderung über das Mittel der Vergleichsstädte hinaus, in Punkten; plus ist besser",
    "change_against_peers_lower": "untere Grenze dazu",
    "change_against_peers_upper": "obere Grenze dazu",
    "p_change_against_peers": "Wahrscheinlichkeit, dass die Veränderung besser ist als im Mittel der Vergleichsstädte",
    "lasting_change_mean": "Teil der Veränderung, der voraussichtlich bleibt, über den Median der übrigen hinaus, in Punkten",
    "p_lasting": "Wahrscheinlichkeit, dass die bleibende Veränderung über dem Median der übrigen liegt",
    "standing_mean": "Stand gegenüber dem Mittel der Vergleichsstädte, in Punkten; plus ist besser",
    "standing_lower": "untere Grenze dazu",
    "standing_upper": "obere Grenze dazu",
    "gap_change_points": "Veränderung des Abstands zwischen Ziel- und Vergleichsgruppe, in Punkten; plus ist besser",
    "gap_change_ratio": "dieselbe als Verhältnis der Quoten; plus ist besser",
    "gap_change_logit": "dieselbe auf der Linkskala (Logit; bei Raten Logarithmus); plus ist besser",
    "p_success": "Wahrscheinlichkeit eines Erfolgs (relative Veränderung größer als ρ)",
    "p_deficit": "Wahrscheinlichkeit eines Defizits (verschlechtert oder Niveau schlechter als bei vergleichbaren Städten)",
    "p_stable": "Wahrscheinlichkeit von 'stabil' (unverändert und Niveau nicht schlechter)",
    "p_gap_narrowed": "Wahrscheinlichkeit, dass der Abstand sich verringert hat",
    "p_gap_widened": "Wahrscheinlichkeit, dass der Abstand sich vergrößert hat",
    "finding_change": "improved, worsened, unchanged oder open",
    "finding_level": "better, worse, as_expected oder open",
    "finding_gap": "narrowed, widened, unchanged oder open; leer ohne Vergleichsgruppe",
    "finding": "success, deficit, stable oder open",
    "robustness": "Anteil gleichwertiger Rechenwege mit demselben Befund; leer, solange sie nicht gerechnet sind",
    "flags": (
        "break, with_ring, scale_conflict, poor_level, not_estimable, coarse, composition, context, unverified; mit ; verbunden"
    ),
}
FINDING_COLUMNS = tuple(CODEBOOK)

# kinds of events, by the column of their probability in the working frame
EVENTS = {
    "success": "p_success",
    "deficit": "p_deficit",
    "stable": "p_stable",
    "improved": "p_success",
    "worsened": "p_worsened",
    "unchanged": "p_unchanged",
    "better": "p_better",
    "worse": "p_worse",
    "as_expected": "p_as_expected",
    "narrowed": "p_gap_narrowed",
    "widened": "p_gap_widened",
    "gap_unchanged": "p_gap_unchanged",
    "improved_absolute": "p_improved_absolute",
    "worsened_absolute": "p_worsened_absolute",
}


def _mean(values: np.ndarray | None, count: int) -> np.ndarray:
    return np.full(count, np.nan) if values is None else values.mean(axis=0)


def _bounds(values: np.ndarray | None, count: int, probability: float) -> tuple[np.ndarray, np.ndarray]:
    if values is None:
        return np.full(count, np.nan), np.full(count, np.nan)
    tail = (1 - probability) / 2
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice encountered")
        low, high = np.quantile(values, [tail, 1 - tail], axis=0)
    return low, high


def _share(event: np.ndarray, shown: np.ndarray) -> np.ndarray:
    return np.where(shown, event.mean(axis=0), np.nan)


def city_rows(found: Estimands, rho: float, rho_level: float, interval: float) -> pd.DataFrame:
    """Summaries and event probabilities of one definition, one row per city.

    Parameters
    ----------
    found : Estimands
    rho, rho_level : float
        Steps on the link scale for change and gap, and for the level.
    interval : float
        Probability of the equal-tailed intervals.

    Returns
    -------
    pandas.DataFrame
        Index `city`; the numeric columns of `findings.csv` and the probabilities in `EVENTS`. NaN where not estimable.
        Without peers no level event is estimable; then a deficit is 'worsened' and stable is 'unchanged'.
    """
    count = len(found.cities)
    nothing = np.full((1, count), np.nan)
    relative = found.relative if found.relative is not None else nothing
    against = found.against_peers if found.against_peers is not None else nothing
    change = found.change if found.change is not None else nothing
    lasting = found.lasting if found.lasting is not None else nothing
    gap = found.gap if found.gap is not None else nothing
    has_change, has_level, has_gap = np.isfinite(relative[0]), np.isfinite(found.standing[0]), np.isfinite(gap[0])
    with np.errstate(invalid="ignore"):
        improved, worsened = relative > rho, relative < -rho
        unchanged = np.abs(relative) <= rho
        better, worse = found.standing > rho_level, found.standing < -rho_level
        as_expected = np.abs(found.standing) <= rho_level
        narrowed, widened, gap_same = gap > rho, gap < -rho, np.abs(gap) <= rho
        up, down = change > rho, change < -rho
    either = has_change | has_level
    columns: dict[str, np.ndarray] = {
        "level_first": _mean(found.level_first, count),
        "level_last": _mean(found.level_last, count),
        "change_mean": _mean(found.change_points, count),
        "relative_change_mean": _mean(found.relative_points, count),
        "change_against_peers_mean": _mean(found.against_peers_points, count),
        "p_change_against_peers": _share(against > 0, np.isfinite(against[0])),
        "lasting_change_mean": _mean(found.lasting_points, count),
        "p_lasting": _share(lasting > 0, np.isfinite(lasting[0])),
        "standing_mean": _mean(found.standing_points, count),
        "gap_change_points": _mean(found.gap_points, count),
        "gap_change_ratio": _mean(found.gap_ratio, count),
        "gap_change_logit": _mean(found.gap, count),
        "gap_target_points": _mean(found.target_points, count),
        "gap_reference_points": _mean(found.reference_points, count),
        "reference_first": _mean(found.reference_first, count),
        "reference_last": _mean(found.reference_last, count),
        "p_success": _share(improved, has_change),
        "p_worsened": _share(worsened, has_change),
        "p_unchanged": _share(unchanged, has_change),
        "p_better": _share(better, has_level),
        "p_worse": _share(worse, has_level),
        "p_as_expected": _share(as_expected, has_level),
        "p_deficit": _share(worsened | worse, either),
        "p_stable": _share(unchanged & ~worse, has_change),
        "p_gap_narrowed": _share(narrowed, has_gap),
        "p_gap_widened": _share(widened, has_gap),
        "p_gap_unchanged": _share(gap_same, has_gap),
        "p_improved_absolute": _share(up, np.isfinite(change[0])),
        "p_worsened_absolute": _share(down, np.isfinite(change[0])),
        "scale_conflict": _conflict(found, count),
    }
    for name, values in (
        ("change", found.change_points),
        ("relative_change", found.relative_points),
        ("change_against_peers", found.against_peers_points),
        ("standing", found.standing_points),
        ("lasting_change", found.lasting_points),
        ("gap_change_points", found.gap_points),
    ):
        columns[f"{name}_lower"], columns[f"{name}_upper"] = _bounds(values, count, interval)
    return pd.DataFrame(columns, index=pd.Index(found.cities, name="city"))


def empty_rows() -> pd.DataFrame:
    """Return the columns of `city_rows` without a row: what a definition without a posterior has to say."""
    parts: dict[str, Any] = dict.fromkeys(one.name for one in dataclasses.fields(Estimands))
    parts |= {name: np.full((1, 0), np.nan) for name in ("level_last", "standing", "standing_points")}
    found = Estimands(**(parts | {"cities": (), "link": "logit", "unit": 100.0}))
    return city_rows(found, 1.0, 1.0, 0.9)


def _conflict(found: Estimands, count: int) -> np.ndarray:
    """Whether the medians of the gap change disagree in sign between points, ratio and link scale."""
    if found.gap is None or found.gap_points is None or found.gap_ratio is None:
        return np.zeros(count, dtype=bool)
    signs = np.sign([np.median(scale, axis=0) for scale in (found.gap, found.gap_points, found.gap_ratio)])
    return np.isfinite(signs).all(axis=0) & (signs.min(axis=0) < signs.max(axis=0))
