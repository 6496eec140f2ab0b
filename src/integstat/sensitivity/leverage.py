"""How much each axis moves by itself: city by city, and over the grid of all indicators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from integstat.sensitivity.robustness import event_of
from integstat.sensitivity.universes import NOT_THERE, POOLED, Axis, Universes

ALONE_CODEBOOK: dict[str, str] = {
    "indicator": "Indikator",
    "city": "Amtlicher Gemeindeschlüssel (Text)",
    "axis": "Achse",
    "event": "Ereignis, dessen Wahrscheinlichkeit zum Befund gehört: p_success, p_deficit oder p_stable",
    "alternatives": "gerechnete oder gescheiterte Alternativen, die nur auf dieser Achse anders sind und die Stadt enthalten",
    "not_computed": "Alternativen der Achse, für die es einen solchen Rechenweg nicht gibt",
    "changed": "1: wenigstens eine Alternative ändert den Befund; 0: keine; leer ohne Alternative",
    "changed_mean": "Anteil der Alternativen, die ihn ändern, nach Gewicht; gescheiterte zählen im Nenner",
    "failed": "Anteil der gescheiterten Alternativen, nach Gewicht",
    "delta_mean": "mittlere Änderung der Wahrscheinlichkeit (Betrag), nach Gewicht; leer, wo sie nicht abschätzbar ist",
    "delta_max": "größte Änderung der Wahrscheinlichkeit (Betrag)",
}
LEVERAGE_CODEBOOK: dict[str, str] = {
    "axis": "Achse",
    "name_de": "Name der Achse",
    "sort": "model (Modell), measurement (Messung), question (Frage) oder decision (Entscheidung)",
    "cells": "Zellen aus Stadt und Indikator mit einem Befund, in denen wenigstens eine Alternative der Achse gerechnet oder "
    "gescheitert ist",
    "changed": "Anteil der Zellen, deren Befund bei wenigstens einer Alternative wechselt, wenn nur diese Achse anders ist",
    "changed_mean": "derselbe Anteil im Mittel über die Alternativen, nach Gewicht; gescheiterte zählen im Nenner",
    "failed": "Anteil der gescheiterten Alternativen, im Mittel über die Zellen",
    "delta_mean": "mittlere Änderung (Betrag) der Wahrscheinlichkeit des Ereignisses, das zum Befund gehört",
    "delta_max": "größte Änderung (Betrag) dieser Wahrscheinlichkeit in einer Zelle",
    "not_computed": "Paare aus Zelle und Alternative, für die es keinen Rechenweg gibt, der nur auf dieser Achse anders ist",
}


def axes_alone(universes: Universes, headline: np.ndarray) -> pd.DataFrame:
    """Change one axis at a time, from the ring's own universe, and see what becomes of every city's finding.

    Parameters
    ----------
    universes : Universes
    headline : ndarray of int8, shape (C,)
        The run's finding, as a place in `FINDINGS`; it names the event whose probability is followed.

    Returns
    -------
    pandas.DataFrame
        One row per axis and city, columns `ALONE_CODEBOOK`. Findings and probabilities are compared with those of the ring's own
        universe, not with the run's. Without alternatives where that has no finding.

    Notes
    -----
    One at a time says nothing of choices that only matter together (Saltelli & Annoni 2010, doi:10.1016/j.envsoft.2010.04.012);
    `attribute` does. Alternatives of question and decision axes count equally.
    """
    events = event_of(universes, headline)
    frames = [_alone(universes, place, events) for place in range(len(universes.axes))]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(ALONE_CODEBOOK))


def leverage(spaces: Sequence[Universes], headlines: Sequence[np.ndarray]) -> pd.DataFrame:
    """Say of each axis how many findings of the grid hang on it alone, and how far it moves probabilities.

    Parameters
    ----------
    spaces : sequence of Universes
        One per indicator.
    headlines : sequence of ndarray of int8, shape (C,)
        The run's findings, for each of them.

    Returns
    -------
    pandas.DataFrame
        One row per axis id, in the order in which they appear; columns `LEVERAGE_CODEBOOK`. NaN where an axis has no cell.

    Notes
    -----
    Every cell counts equally, and an axis is judged by the cells that have it. A failed alternative changes nothing that is
    known: `changed_mean` is a lower bound, with `failed` added an upper one. No order of importance of the questions behind the
    axes: an axis with more, or bolder, alternatives has more leverage.
    """
    axes: dict[str, Axis] = {}
    for universes in spaces:
        axes = {axis.id: axis for axis in universes.axes} | axes
    cells = [axes_alone(universes, headline) for universes, headline in zip(spaces, headlines, strict=True)]
    rows = pd.concat(cells, ignore_index=True) if cells else pd.DataFrame(columns=list(ALONE_CODEBOOK))
    table = rows.groupby("axis", sort=False).agg(
        cells=("changed", "count"),
        changed=("changed", "mean"),
        changed_mean=("changed_mean", "mean"),
        failed=("failed", "mean"),
        delta_mean=("delta_mean", "mean"),
        delta_max=("delta_max", "max"),
        not_computed=("not_computed", "sum"),
    )
    table = table.reset_index()
    table["name_de"] = [axes[one].name_de for one in table["axis"]]
    table["sort"] = [axes[one].sort for one in table["axis"]]
    return table[list(LEVERAGE_CODEBOOK)]


def _alone(universes: Universes, place: int, events: list[str]) -> pd.DataFrame:
    """One axis of one indicator, columns `ALONE_CODEBOOK`."""
    axis, own = universes.axes[place], universes.main
    only = (universes.choice != 0).sum(axis=1) == 1
    rows = np.flatnonzero(only & (universes.choice[:, place] != 0))
    weight = np.array([one.weight if axis.sort in POOLED else 1.0 for one in axis.alternatives])[universes.choice[rows, place]]
    cell = universes.finding[own] != NOT_THERE
    asked = universes.applies[rows] & cell
    failed = asked & (universes.finding[rows] == NOT_THERE)
    changed = asked & ~failed & (universes.finding[rows] != universes.finding[own])
    delta = np.where(asked, np.abs(_followed(universes, rows, events) - _followed(universes, np.array([own]), events)), np.nan)
    known, there = np.isfinite(delta), asked.any(axis=0)
    return pd.DataFrame(
        {
            "indicator": universes.indicator,
            "city": list(universes.cities),
            "axis": axis.id,
            "event": events,
            "alternatives": asked.sum(axis=0),
            "not_computed": (len(axis.alternatives) - 1 - len(rows)) * cell,
            "changed": np.where(there, changed.any(axis=0), np.nan),
            "changed_mean": _mean(weight, changed, asked),
            "failed": _mean(weight, failed, asked),
            "delta_mean": _mean(weight, delta, known),
            "delta_max": np.where(known.any(axis=0), np.where(known, delta, 0.0).max(axis=0, initial=0.0), np.nan),
        }
    )


def _followed(universes: Universes, rows: np.ndarray, events: list[str]) -> np.ndarray:
    """Probability of each city's own event in these universes, shape (k, C)."""
    columns = [universes.probability[event][rows, city] for city, event in enumerate(events)]
    return np.column_stack(columns).astype(float) if columns else np.empty((len(rows), 0))


def _mean(weight: np.ndarray, values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Weighted mean over alternatives, shape (C,); NaN where none counts."""
    shares = weight[:, None] * where
    total = shares.sum(axis=0)
    part = (shares * np.where(where, values, 0.0)).sum(axis=0)
    return np.asarray(np.divide(part, total, out=np.full(total.shape, np.nan), where=total > 0))
