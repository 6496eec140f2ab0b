"""From posteriors to findings: the grid in the main definitions, the other definitions, the ring's own shift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from integstat.catalogue import Catalogue
from integstat.catalogue.schema import IndicatorEntry
from integstat.findings.declare import Declaration, declare
from integstat.findings.estimands import Estimands, estimands
from integstat.findings.frame import EVENTS, FINDING_COLUMNS, city_rows
from integstat.findings.settings import FindingSettings
from integstat.panel import Panel

_UNIT = {"percent": 100.0, "per_1000": 1000.0}
_STEEP = 0.25


@dataclass(frozen=True)
class Findings:
    """All findings of a run.

    Attributes
    ----------
    grid : pandas.DataFrame
        One row per city and indicator in the main definition, columns `FINDING_COLUMNS`, then the working columns
        (probabilities of every event, parts of the gap change, notes).
    others : pandas.DataFrame
        The other definitions, same columns, at the thresholds of the grid.
    kinds : pandas.DataFrame
        One row per kind of event: `kind`, `eligible`, `declared`, `threshold`, `expected_wrong`.
    ring : pandas.DataFrame
        One row per definition: the ring's common shift (median over the cities), with interval, probabilities and word.
    notes : tuple of str
        What the settings made necessary to say, in German.
    """

    grid: pd.DataFrame
    others: pd.DataFrame
    kinds: pd.DataFrame
    ring: pd.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Steps:
    rho: float
    rho_level: float
    note: str = ""


def build_findings(
    posteriors: Mapping[str, xr.DataTree],
    panel: Panel,
    catalogue: Catalogue,
    main: Mapping[str, str],
    years: tuple[int, ...],
    settings: FindingSettings,
    peer_group: Mapping[str, str] | None,
    delta_from_history: bool = False,
) -> Findings:
    """Decide what may be said about every city and indicator.

    Parameters
    ----------
    posteriors : mapping of str to DataTree
        By definition id; every definition of the panel that could be fitted.
    panel : Panel
    catalogue : Catalogue
    main : mapping of str to str
        Main definition (full id) by indicator id.
    years : tuple of int
    settings : FindingSettings
    peer_group : mapping of str to str, optional
        Name of the peer group by city.
    delta_from_history : bool
        Whether the prior of the common shift comes from history; without it, small rings get no absolute finding.

    Notes
    -----
    A finding describes a city's situation within this ring of volunteers. It names no cause and is not a rank.
    """
    parts, rings, notes = [], [], []
    land_of = panel.cities.set_index("city")["land"]
    for definition, tree in posteriors.items():
        indicator, entry = catalogue.definition(definition)
        unit = _UNIT.get(indicator.unit, 100.0)
        pool = land_of.loc[tree["posterior"]["city"].to_numpy()].to_numpy(str) if entry.scope == "same_land" else None
        found = estimands(tree, catalogue.polarity(definition), unit, pool)
        steps = _steps(indicator, found, settings)
        if steps.note:
            notes.append(steps.note)
        rows = city_rows(found, steps.rho, steps.rho_level, settings.interval)
        parts.append(_complete(rows, definition, panel, catalogue, years, unit, peer_group))
        rings.append(_ring_row(found, definition, indicator, steps, settings, delta_from_history))
    everything = pd.concat(parts, ignore_index=True)
    mains = set(main.values())
    in_grid = everything["definition"].isin(mains)
    grid = everything[in_grid].reset_index(drop=True)
    others = everything[~in_grid].reset_index(drop=True)
    absolute = delta_from_history or len(panel.cities) >= settings.absolute_from
    declared, kinds = _declare_all(grid, settings)
    grid = _words(grid, declared, absolute)
    thresholds = {kind: one.threshold for kind, one in declared.items()}
    frozen = {kind: _at_threshold(others, kind, thresholds[kind], declared[kind]) for kind in EVENTS}
    others = _words(others, frozen, absolute)
    return Findings(grid, others, kinds, pd.DataFrame(rings), tuple(dict.fromkeys(notes)))


def _steps(indicator: IndicatorEntry, found: Estimands, settings: FindingSettings) -> _Steps:
    own = settings.step.get(indicator.id)
    if own is None:
        return _Steps(indicator.rho, indicator.rho_level)
    level = float(np.nanmedian(np.nanmedian(found.level_last, axis=1))) / found.unit
    slope = level * (1 - level) if found.link == "logit" else level
    rho = own.rho or (own.rho_points / found.unit / slope if own.rho_points else indicator.rho)
    rho_level = own.rho_level or (own.rho_level_points / found.unit / slope if own.rho_level_points else indicator.rho_level)
    note = ""
    if max(rho, rho_level) > _STEEP:
        steep = f"{max(rho, rho_level):.2f}".replace(".", ",")
        note = f"{indicator.name_de}: die Schwelle in Punkten entspricht {steep} auf der Linkskala und ist kaum zu erreichen."
    return _Steps(float(rho), float(rho_level), note)


def _complete(
    rows: pd.DataFrame,
    definition: str,
    panel: Panel,
    catalogue: Catalogue,
    years: tuple[int, ...],
    unit: float,
    peer_group: Mapping[str, str] | None,
) -> pd.DataFrame:
    """Every city of the ring, with names, the raw change, flags and whether the cell belongs to the grid."""
    indicator, entry = catalogue.definition(definition)
    cities = panel.cities.set_index("city")
    out = rows.reindex(cities.index)
    out["scale_conflict"] = out["scale_conflict"].eq(True)
    names, y, n = panel.arrays(definition, ("target",), years)
    sign = -1.0 if catalogue.polarity(definition) < 0 else 1.0
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.where(n[:, 0] > 0, unit * y[:, 0] / n[:, 0], np.nan)
    out["change_raw"] = pd.Series(sign * (rate[:, -1] - rate[:, 0]) if len(years) == 2 else np.nan, index=names)
    out.insert(0, "city_name", cities["name"])
    out["field"], out["indicator"], out["definition"] = indicator.field, indicator.id, definition
    out["peer_group"] = [peer_group.get(city, "") if peer_group else "" for city in out.index]
    touched = [catalogue.breaks_for(definition, str(land), years) for land in cities["land"]]
    capped = np.array([any(one.effect == "cap" for one in breaks) for breaks in touched])
    allowed = catalogue.finding_allowed(definition)
    estimable = (out["p_success"].notna() if len(years) == 2 else out["p_worse"].notna()).to_numpy()
    out["capped"] = capped
    out["eligible"] = allowed & ~capped & estimable
    out["has_gap"] = len(indicator.groups) == 2
    out["break_note"] = [" ".join(dict.fromkeys(one.reason_de for one in breaks)) for breaks in touched]
    out["flags"] = [
        [
            *(["break"] if touched[i] else []),
            *(["scale_conflict"] if conflict else []),
            *([] if estimable[i] else ["not_estimable"]),
            *(["composition"] if indicator.composition_risk else []),
            *([] if allowed else ["context"]),
            *([] if entry.verified_against_report else ["unverified"]),
        ]
        for i, conflict in enumerate(out["scale_conflict"])
    ]
    out["robustness"] = np.nan
    return out.reset_index()


def _declare_all(grid: pd.DataFrame, settings: FindingSettings) -> tuple[dict[str, Declaration], pd.DataFrame]:
    eligible = grid["eligible"].to_numpy(bool)
    declared = {kind: declare(grid[column].to_numpy(float), eligible, settings) for kind, column in EVENTS.items()}
    rows = [
        {
            "kind": kind,
            "eligible": int((eligible & grid[EVENTS[kind]].notna()).sum()),
            "declared": int(one.declared.sum()),
            "threshold": one.threshold if one.declared.any() else float("nan"),
            "expected_wrong": one.expected_wrong,
        }
        for kind, one in declared.items()
    ]
    return declared, pd.DataFrame(rows)


def _at_threshold(frame: pd.DataFrame, kind: str, threshold: float, grid: Declaration) -> Declaration:
    """Cells of other definitions at the threshold the grid reached; none where the grid declared none."""
    probability = frame[EVENTS[kind]].to_numpy(float)
    usable = frame["eligible"].to_numpy(bool) & (np.nan_to_num(probability, nan=0.0) >= threshold)
    passed = usable if grid.declared.any() else np.zeros(len(frame), dtype=bool)
    return Declaration(passed, threshold, float((1 - probability[passed]).sum()))


def _words(frame: pd.DataFrame, declared: Mapping[str, Declaration], absolute: bool) -> pd.DataFrame:
    """Turn declarations into the words of the finding columns, by the precedence of the method."""
    out = frame.copy()
    is_ = {kind: one.declared for kind, one in declared.items()}
    out["finding_change"] = np.select([is_["improved"], is_["worsened"], is_["unchanged"]], ["improved", "worsened", "unchanged"], "open")
    out["finding_level"] = np.select([is_["better"], is_["worse"], is_["as_expected"]], ["better", "worse", "as_expected"], "open")
    gap = np.select([is_["narrowed"], is_["widened"], is_["gap_unchanged"]], ["narrowed", "widened", "unchanged"], "open")
    out["finding_gap"] = np.where(out["has_gap"].to_numpy(bool), gap, "")
    deficit = is_["deficit"] | is_["worsened"] | is_["worse"]
    out["finding"] = np.select([is_["success"], deficit, is_["stable"]], ["success", "deficit", "stable"], "open")
    out["counts_as_deficit"] = deficit
    poor = is_["success"] & deficit
    improved_alone = is_["improved_absolute"] & ~is_["improved"]
    worsened_alone = is_["worsened_absolute"] & ~is_["worsened"]
    with_ring = (improved_alone | worsened_alone) & absolute
    flags = []
    for base, ring, from_poor in zip(out["flags"], with_ring, poor, strict=True):
        flags.append(";".join([*base, *(["with_ring"] if ring else []), *(["poor_level"] if from_poor else [])]))
    out["flags"] = flags
    rest = [column for column in out.columns if column not in FINDING_COLUMNS]
    return out[[*FINDING_COLUMNS, *rest]]


def _ring_row(
    found: Estimands,
    definition: str,
    indicator: IndicatorEntry,
    steps: _Steps,
    settings: FindingSettings,
    delta_from_history: bool,
) -> dict[str, object]:
    """The ring's own level and shift: medians over the cities, per draw."""
    row: dict[str, object] = {
        "definition": definition,
        "indicator": indicator.id,
        "field": indicator.field,
        "cities": len(found.cities),
        "rho": steps.rho,
        "rho_level": steps.rho_level,
        "level_last": float(np.mean(np.nanmedian(found.level_last, axis=1))),
    }
    slope = float(row["level_last"]) / found.unit  # type: ignore[arg-type]
    points = found.unit * (slope * (1 - slope) if found.link == "logit" else slope)
    row |= {"rho_points": steps.rho * points, "rho_level_points": steps.rho_level * points}
    if found.change is None or found.change_points is None or found.level_first is None:
        return row | {"word": "open"}
    usable = np.isfinite(found.change[0])
    shift = np.median(found.change[:, usable], axis=1)
    shown = np.median(found.change_points[:, usable], axis=1)
    tail = (1 - settings.interval) / 2
    low, high = np.quantile(shown, [tail, 1 - tail])
    p_up, p_down = float((shift > steps.rho).mean()), float((shift < -steps.rho).mean())
    p_same = float((np.abs(shift) <= steps.rho).mean())
    word = "open"
    if delta_from_history or len(found.cities) >= settings.absolute_from:
        for name, probability in (("improved", p_up), ("worsened", p_down), ("unchanged", p_same)):
            if probability >= settings.plain_threshold:
                word = name
    return row | {
        "level_first": float(np.mean(np.nanmedian(found.level_first, axis=1))),
        "shift_mean": float(shown.mean()),
        "shift_lower": float(low),
        "shift_upper": float(high),
        "p_improved": p_up,
        "p_worsened": p_down,
        "p_unchanged": p_same,
        "word": word,
    }
