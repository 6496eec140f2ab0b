"""Statements about an action field: what its indicators say together of a city, from their joint posterior."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from integstat.catalogue import Catalogue
from integstat.findings.declare import declare, kind_row
from integstat.findings.estimands import flat
from integstat.findings.others import median_of_others
from integstat.findings.settings import FindingSettings
from integstat.findings.shocks import beyond_shifts
from integstat.findings.summary import bounds, mean, share

LEAST = 2  # indicators of a city that make a field
FIELD_CODEBOOK: dict[str, str] = {
    "city": "Amtlicher Gemeindeschlüssel (Text)",
    "city_name": "Name der Stadt",
    "field": "Handlungsfeld",
    "n_indicators": "Zahl der Indikatoren, aus denen die Aussage gebildet ist; unter zwei gibt es keine",
    "indicators": "diese Indikatoren, mit ; verbunden",
    "field_change_mean": (
        "Veränderung im Handlungsfeld: gewichtetes Mittel der relativen Veränderungen der Indikatoren, jede in Vielfachen ihrer "
        "Schwelle ρ; plus ist besser; aus dem gemeinsamen Modell des Feldes"
    ),
    "field_change_lower": "untere Grenze dazu",
    "field_change_upper": "obere Grenze dazu",
    "p_field_improved": (
        "Wahrscheinlichkeit, dass die Veränderung im Handlungsfeld größer als 1 ist, auch über das hinaus, was ein ganzes Land "
        "gemeinsam bewegt hat"
    ),
    "p_field_worsened": "Wahrscheinlichkeit, dass sie kleiner als −1 ist, ebenso",
    "p_field_unchanged": "Wahrscheinlichkeit, dass sie zwischen −1 und 1 liegt",
    "finding_field": "improved, worsened, unchanged oder open",
    "naive_mean": "zum Vergleich, ohne Aussage: Mittel der einzeln gerechneten Indikatoren, als hingen sie nicht zusammen",
    "naive_lower": "untere Grenze dazu",
    "naive_upper": "obere Grenze dazu",
    "naive_p_improved": "die Wahrscheinlichkeit, die dabei herauskäme, für größer als 1",
    "naive_p_worsened": "dieselbe für kleiner als −1",
}
FIELD_COLUMNS = tuple(FIELD_CODEBOOK)
FIELD_EVENTS = {"improved": "p_field_improved", "worsened": "p_field_worsened", "unchanged": "p_field_unchanged"}


def field_statements(
    joint: Mapping[str, xr.DataTree],
    separate: Mapping[str, xr.DataTree],
    cities: pd.DataFrame,
    catalogue: Catalogue,
    rho: Mapping[str, float],
    settings: FindingSettings,
    *,
    weights: Mapping[str, float] | None = None,
    shifted: Mapping[str, Collection[str]] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Decide what may be said about every city and field.

    Parameters
    ----------
    joint : mapping of str to DataTree
        By field: `integstat.change.field.join` of its indicators. Cells that a break caps are left out there.
    separate : mapping of str to DataTree
        By definition: the posteriors that were joined, for the naive average beside it.
    cities : pandas.DataFrame
        `city`, `name` and `land` of the ring.
    catalogue : Catalogue
    rho : mapping of str to float
        By definition: smallest change that counts, on the link scale.
    settings : FindingSettings
        Rule, floor and q of declaring; probability of the intervals.
    weights : mapping of str to float, optional
        By indicator id; 1 where none is given, 0 leaves an indicator out.
    shifted : mapping of str to collection of str, optional
        By definition: Länder whose cities moved together. What moved a Land is no city's doing: there an indicator counts for
        better or worse only as far as the city moved beyond its Land too (see Notes).

    Returns
    -------
    statements : pandas.DataFrame
        Columns `FIELD_COLUMNS`, one row per field and city. A city with fewer than two estimable indicators has no figures,
        and the word is `open`.
    kinds : pandas.DataFrame
        One row per kind of event: `kind`, `eligible`, `declared`, `threshold`, `expected_wrong`.

    Notes
    -----
    The field change of a city is, per draw, the weighted mean over its indicators of r / ρ, with r the change beyond the median
    of the other cities, turned; weights are shared out anew among the indicators the city has. So two cities of a field may be
    judged by different indicators: `indicators` names them. Where a Land's cities moved together in an indicator, improved and
    worsened ask that the mean is beyond 1 a second time, with the change beyond the Land's other cities in place of r where
    that is nearer to 0, and 0 where both disagree in sign. A field that has improved may hold an indicator that has worsened,
    and nothing is said of causes. The naive average takes the indicators' separate posteriors as independent; it is too narrow
    where cities move alike in several indicators, and nothing is declared from it.
    """
    parts = [
        _field(name, tree, separate, cities, catalogue, rho, settings, weights, shifted or {}) for name, tree in joint.items()
    ]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(FIELD_COLUMNS))
    declared = {kind: declare(*_chances(table, column), settings) for kind, column in FIELD_EVENTS.items()}
    table["finding_field"] = np.select([one.declared for one in declared.values()], list(declared), "open")
    kinds = [kind_row(kind, one, int(table[FIELD_EVENTS[kind]].notna().sum())) for kind, one in declared.items()]
    return table[list(FIELD_COLUMNS)], pd.DataFrame(kinds)


def _chances(table: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    probability = table[column].to_numpy(float)
    return probability, np.isfinite(probability)


def _field(
    name: str,
    tree: xr.DataTree,
    separate: Mapping[str, xr.DataTree],
    cities: pd.DataFrame,
    catalogue: Catalogue,
    rho: Mapping[str, float],
    settings: FindingSettings,
    weights: Mapping[str, float] | None,
    shifted: Mapping[str, Collection[str]],
) -> pd.DataFrame:
    """Rows of one field."""
    posterior, constant = tree["posterior"].to_dataset(), tree["constant_data"].to_dataset()
    names = posterior["city"].to_numpy().astype(str)
    lands = cities.set_index("city")["land"].reindex(names).to_numpy(str)
    definitions = [str(one) for one in posterior["indicator"].to_numpy()]
    indicators = [definition.partition(".")[0] for definition in definitions]
    together, sure, apart = [], [], []
    for i, definition in enumerate(definitions):
        scale, estimable = float(constant["polarity"][i]) / rho[definition], constant["estimable"].to_numpy()[i]
        pool = lands if catalogue.definition(definition)[1].scope == "same_land" else np.full(len(lands), "ring")
        joined = scale * flat(posterior["change"].isel(indicator=i, group=0))
        own = scale * flat(separate[definition]["posterior"]["change"].isel(group=0).reindex(city=names))
        together.append(_beyond(joined, estimable, pool))
        apart.append(_beyond(own, estimable, pool))
        moved = np.isin(lands, list(shifted.get(definition, ())))
        sure.append(_nearer(together[-1], _calm(joined, estimable, lands, moved)) if moved.any() else together[-1])
    share_of = np.array([(weights or {}).get(one, 1.0) for one in indicators])
    has = np.isfinite([draws[0] for draws in together]) & (share_of > 0)[:, None]
    joint, naive = average(together, share_of), average(_unpaired(apart, definitions), share_of)
    rows = _summaries(joint, average(sure, share_of), naive, has.sum(axis=0) >= LEAST, settings.interval)
    rows |= {
        "city": names,
        "field": name,
        "n_indicators": has.sum(axis=0),
        "indicators": [";".join(np.array(indicators)[column]) for column in has.T],
    }
    table = pd.DataFrame(rows).set_index("city").reindex(cities["city"]).reset_index()
    table["city_name"], table["field"] = cities["name"].to_numpy(), name
    return table.fillna({"n_indicators": 0, "indicators": ""}).astype({"n_indicators": int})


def _beyond(change: np.ndarray, estimable: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """Change beyond the median of the others of the pool, (S, C); NaN where they are too few, or the city has no change."""
    labels = np.unique(pool, return_inverse=True)[1]
    others = median_of_others(change, estimable, labels, np.ones(len(pool), dtype=bool))
    return np.asarray(np.where(estimable, change - others, np.nan))


def _calm(change: np.ndarray, estimable: np.ndarray, lands: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Change beyond those whom the shift of a Land has, or has not, moved, (S, C)."""
    return beyond_shifts(np.where(estimable, change, np.nan), lands, moved, np.ones(len(lands), dtype=bool))


def _nearer(ring: np.ndarray, calm: np.ndarray) -> np.ndarray:
    """Of the two changes the one nearer to 0, 0 where their signs differ; NaN where either is."""
    nearer = np.sign(ring) * np.minimum(np.abs(ring), np.abs(calm))
    return np.where(np.sign(ring) == np.sign(calm), nearer, ring * calm * 0.0)


def average(changes: list[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Weighted mean of the indicators each city has, per draw.

    Parameters
    ----------
    changes : list of ndarray, shape (S, C)
        Relative changes in multiples of ρ, turned; NaN columns where a city lacks the indicator.
    weights : ndarray, shape (I,)
        Not negative.

    Returns
    -------
    ndarray, shape (S, C)
        NaN for a city without any.
    """
    stacked = np.stack(changes)
    known = np.isfinite(stacked[:, 0]) * weights[:, None]  # (I, C)
    total = known.sum(axis=0)
    weighed = (np.where(known[:, None] > 0, stacked, 0.0) * known[:, None]).sum(axis=0)
    return np.asarray(np.where(total > 0, weighed / np.where(total > 0, total, 1.0), np.nan))


def _unpaired(changes: list[np.ndarray], names: list[str]) -> list[np.ndarray]:
    """Draws of separate posteriors beside each other in an order that ties none of them to another; as many as all have."""
    count = min(len(draws) for draws in changes)
    place = np.argsort(np.argsort(names))
    return [np.random.default_rng(i).permutation(draws)[:count] for i, draws in zip(place, changes, strict=True)]


def _summaries(joint: np.ndarray, sure: np.ndarray, naive: np.ndarray, enough: np.ndarray, interval: float) -> dict[str, object]:
    """Columns of the field change, beyond the ring and beyond a Land that moved too, and of the naive average.

    NaN where a city has too few indicators.
    """
    count = len(enough)
    lower, upper = bounds(joint, count, interval)
    naive_lower, naive_upper = bounds(naive, count, interval)
    numbers = {
        "field_change_mean": mean(joint, count),
        "field_change_lower": lower,
        "field_change_upper": upper,
        "naive_mean": mean(naive, count),
        "naive_lower": naive_lower,
        "naive_upper": naive_upper,
    }
    chances = {
        "p_field_improved": (joint > 1) & (sure > 1),
        "p_field_worsened": (joint < -1) & (sure < -1),
        "p_field_unchanged": np.abs(joint) <= 1,
        "naive_p_improved": naive > 1,
        "naive_p_worsened": naive < -1,
    }
    shown = {name: np.where(enough, values, np.nan) for name, values in numbers.items()}
    return shown | {name: share(event, enough) for name, event in chances.items()}
