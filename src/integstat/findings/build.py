"""From posteriors to findings: the grid in the main definitions, the other definitions, the ring's own shift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from integstat.catalogue import Catalogue
from integstat.catalogue.schema import DefinitionEntry, IndicatorEntry
from integstat.findings.baseline import Baseline
from integstat.findings.declare import Declaration, declare
from integstat.findings.estimands import Estimands, estimands
from integstat.findings.frame import EVENTS, FINDING_COLUMNS, city_rows, empty_rows
from integstat.findings.settings import FindingSettings
from integstat.panel import Panel

_UNIT = {"percent": 100.0, "per_1000": 1000.0}
_STEEP = 0.25
_STOCK_NOTE = (
    "Bestandszahlen (etwa Arbeitslose oder Beschäftigte) zählen in beiden Jahren meist dieselben Personen. Mit welcher "
    "Überschneidung gerechnet wird, ist angenommen und nicht gemessen; wo sie geringer ist, sind die Intervalle zu schmal."
)
_COARSE_NOTE = (
    "Manche Zähler sind nur in Grenzen bekannt (auf 5 gerundet oder „< 3“). Gerechnet wird mit allem, was sie bedeuten können; "
    "die rohe Veränderung nimmt gerundete Zahlen wie geliefert und bleibt leer, wo keine Zahl geliefert ist."
)
_ABSOLUTE = ("improved_absolute", "worsened_absolute")
_SHIFT = ("shift_mean", "shift_lower", "shift_upper", "p_improved", "p_worsened", "p_unchanged")


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
        One row per fitted definition: the ring's common shift (median over the cities, those capped by a break left out),
        with interval, probabilities and word.
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
    *,
    baseline: Baseline | None = None,
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
    baseline : Baseline, optional
        Whom cities are compared with in standing and change against peers. None: the groups each posterior was fitted with.

    Notes
    -----
    A finding describes a city's situation within this ring of volunteers. It names no cause and is not a rank.
    """
    parts, rings, notes = [], [], []
    land_of = panel.cities.set_index("city")["land"]
    for definition, tree in posteriors.items():
        indicator, entry = catalogue.definition(definition)
        unit = _UNIT.get(indicator.unit, 100.0)
        lands = land_of.loc[tree["posterior"]["city"].to_numpy()].to_numpy(str)
        breaks = {land: catalogue.breaks_for(definition, land, years) for land in set(lands)}
        capped = np.array([any(one.effect == "cap" for one in breaks[land]) for land in lands])
        pool = lands if entry.scope == "same_land" else np.full(len(lands), "ring")
        peers = None if _own_peers(entry, panel) else baseline
        found = estimands(tree, catalogue.polarity(definition), unit, pool=pool, yardstick=~capped, baseline=peers)
        if catalogue.overlap(definition, years) > 0:
            notes.append(_STOCK_NOTE)
        steps = _steps(indicator, found, settings)
        if steps.note:
            notes.append(steps.note)
        rows = city_rows(found, steps.rho, steps.rho_level, settings.interval)
        part = _complete(rows, definition, panel, catalogue, years, unit, peer_group)
        if part["flags"].map(lambda flags: "coarse" in flags).any():
            notes.append(_COARSE_NOTE)
        changes = int(part["change_mean"].notna().sum())
        part["eligible_absolute"] = part["eligible"] & (delta_from_history or changes >= settings.absolute_from)
        parts.append(part)
        rings.append(_ring_row(found, definition, indicator, steps, settings, capped, delta_from_history))
    parts += [_unfitted(one, panel, catalogue, years, peer_group) for one in main.values() if one not in posteriors]
    everything = pd.concat(parts, ignore_index=True)
    mains = set(main.values())
    in_grid = everything["definition"].isin(mains)
    grid = everything[in_grid].reset_index(drop=True)
    others = everything[~in_grid].reset_index(drop=True)
    declared, kinds = _declare_all(grid, settings)
    grid = _words(grid, declared)
    frozen = {kind: _at_threshold(others, kind, one) for kind, one in declared.items()}
    others = _words(others, frozen)
    ring = pd.DataFrame(rings) if rings else pd.DataFrame(columns=["definition"])
    return Findings(grid, others, kinds, ring, tuple(dict.fromkeys(notes)))


def _own_peers(entry: DefinitionEntry, panel: Panel) -> bool:
    """Whether a definition has peers of its own: those of a Land, or none where a series is comparable with itself only."""
    return entry.scope == "own_series" or (entry.scope == "same_land" and panel.cities["land"].nunique() > 1)


def _steps(indicator: IndicatorEntry, found: Estimands, settings: FindingSettings) -> _Steps:
    own = settings.step.get(indicator.id)
    if own is None:
        return _Steps(indicator.rho, indicator.rho_level)
    per_link = _points_per_link(found)
    rho = own.rho_points / per_link if own.rho_points else own.rho or indicator.rho
    rho_level = own.rho_level_points / per_link if own.rho_level_points else own.rho_level or indicator.rho_level
    in_points = [step for step, points in ((rho, own.rho_points), (rho_level, own.rho_level_points)) if points]
    note = ""
    if in_points and max(in_points) > _STEEP:
        steep = f"{max(in_points):.2f}".replace(".", ",")
        note = f"{indicator.name_de}: die Schwelle in Punkten entspricht {steep} auf der Linkskala und ist kaum zu erreichen."
    return _Steps(float(rho), float(rho_level), note)


def _points_per_link(found: Estimands) -> float:
    """Points per unit of the link scale, at the posterior median of the ring's median level."""
    level = float(np.median(_ring_median(found.level_last))) / found.unit
    return found.unit * (level * (1 - level) if found.link == "logit" else level)


def _ring_median(levels: np.ndarray) -> np.ndarray:
    """Median over the cities that have a figure, per draw; NaN where none has."""
    return np.asarray(np.median(levels[:, np.isfinite(levels[0])], axis=1)) if np.isfinite(levels[0]).any() else levels[:, 0]


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
    coarse = _coarse(definition, panel, catalogue, years)
    out["capped"] = capped
    out["eligible"] = allowed & ~capped & estimable
    out["has_gap"] = len(indicator.groups) == 2
    out["break_note"] = [" ".join(dict.fromkeys(one.reason_de for one in breaks)) for breaks in touched]
    out["flags"] = [
        [
            *(["break"] if touched[i] else []),
            *(["scale_conflict"] if conflict else []),
            *([] if estimable[i] else ["not_estimable"]),
            *(["coarse"] if coarse[i] else []),
            *(["composition"] if indicator.composition_risk else []),
            *([] if allowed else ["context"]),
            *([] if entry.verified_against_report else ["unverified"]),
        ]
        for i, conflict in enumerate(out["scale_conflict"])
    ]
    out["robustness"] = np.nan
    return out.reset_index()


def _coarse(definition: str, panel: Panel, catalogue: Catalogue, years: tuple[int, ...]) -> np.ndarray:
    """Cities with a numerator that is known within bounds only, in any group and year; in the order of the panel's cities."""
    indicator, entry = catalogue.definition(definition)
    cells = panel.cells(
        definition,
        indicator.groups,
        years,
        rounding=tuple(entry.rounding(year) for year in years),
        rounded_parts=entry.rounded_parts,
        whole=catalogue.kind(definition) not in ("mean_of_months", "measure"),
    )
    return np.asarray(cells.coarse.any(axis=(1, 2)))


def _unfitted(
    definition: str, panel: Panel, catalogue: Catalogue, years: tuple[int, ...], peer_group: Mapping[str, str] | None
) -> pd.DataFrame:
    """Return the cells of a main definition that no model could be made for: all of them open, none estimable."""
    unit = _UNIT.get(catalogue.definition(definition)[0].unit, 100.0)
    part = _complete(empty_rows(), definition, panel, catalogue, years, unit, peer_group)
    part["eligible_absolute"] = False
    return part


def _declare_all(grid: pd.DataFrame, settings: FindingSettings) -> tuple[dict[str, Declaration], pd.DataFrame]:
    declared = {kind: declare(grid[column].to_numpy(float), _eligible(grid, kind), settings) for kind, column in EVENTS.items()}
    rows = [
        {
            "kind": kind,
            "eligible": int((_eligible(grid, kind) & grid[EVENTS[kind]].notna()).sum()),
            "declared": int(one.declared.sum()),
            "threshold": one.threshold if np.isfinite(one.threshold) else float("nan"),
            "expected_wrong": one.expected_wrong,
        }
        for kind, one in declared.items()
    ]
    return declared, pd.DataFrame(rows)


def _eligible(frame: pd.DataFrame, kind: str) -> np.ndarray:
    return frame["eligible_absolute" if kind in _ABSOLUTE else "eligible"].to_numpy(bool)


def _at_threshold(frame: pd.DataFrame, kind: str, grid: Declaration) -> Declaration:
    """Cells of other definitions at the threshold the grid reached; none where the set of the grid is empty."""
    probability = np.nan_to_num(frame[EVENTS[kind]].to_numpy(float), nan=0.0)
    passed = _eligible(frame, kind) & (probability >= grid.threshold)
    return Declaration(passed, grid.threshold, float((1 - probability[passed]).sum()))


def _words(frame: pd.DataFrame, declared: Mapping[str, Declaration]) -> pd.DataFrame:
    """Turn declarations into the words of the finding columns, by the precedence of the method."""
    out = frame.copy()
    is_ = {kind: one.declared for kind, one in declared.items()}
    out["finding_change"] = _word(is_, "improved", "worsened", "unchanged")
    out["finding_level"] = _word(is_, "better", "worse", "as_expected")
    gap = _word(is_ | {"unchanged": is_["gap_unchanged"]}, "narrowed", "widened", "unchanged")
    out["finding_gap"] = np.where(out["has_gap"].to_numpy(bool), gap, "")
    deficit = is_["deficit"] | is_["worsened"] | is_["worse"]
    out["finding"] = np.select([is_["success"], deficit, is_["stable"]], ["success", "deficit", "stable"], "open")
    out["counts_as_deficit"] = deficit
    poor = is_["success"] & deficit
    moved = is_["improved_absolute"] | is_["worsened_absolute"]
    with_ring = moved & ~is_["improved"] & ~is_["worsened"]
    flags = []
    for base, ring, from_poor in zip(out["flags"], with_ring, poor, strict=True):
        flags.append(";".join([*base, *(["with_ring"] if ring else []), *(["poor_level"] if from_poor else [])]))
    out["flags"] = flags
    rest = [column for column in out.columns if column not in FINDING_COLUMNS]
    return out[[*FINDING_COLUMNS, *rest]]


def _word(is_: dict[str, np.ndarray], *kinds: str) -> np.ndarray:
    return np.select([is_[kind] for kind in kinds], kinds, "open")


def _ring_row(
    found: Estimands,
    definition: str,
    indicator: IndicatorEntry,
    steps: _Steps,
    settings: FindingSettings,
    capped: np.ndarray,
    delta_from_history: bool,
) -> dict[str, object]:
    """Tell the ring's own level and shift: medians over the cities, per draw; capped cities tell nothing about the shift.

    Where a break caps every city the figures are those of all of them, and the word stays open.
    """
    row: dict[str, object] = {
        "definition": definition,
        "indicator": indicator.id,
        "field": indicator.field,
        "cities": len(found.cities),
        "rho": steps.rho,
        "rho_level": steps.rho_level,
        "level_last": float(np.mean(_ring_median(found.level_last))),
    }
    points = _points_per_link(found)
    row |= {"rho_points": steps.rho * points, "rho_level_points": steps.rho_level * points}
    if found.change is None or found.change_points is None or found.level_first is None:
        return row | {"word": "open"}
    known = np.isfinite(found.change[0])
    sound = known & ~capped
    usable = sound if sound.any() else known
    first = float(np.mean(_ring_median(found.level_first)))
    if not usable.any():
        return row | dict.fromkeys(_SHIFT, float("nan")) | {"level_first": first, "word": "open"}
    shift = np.median(found.change[:, usable], axis=1)
    shown = np.median(found.change_points[:, usable], axis=1)
    tail = (1 - settings.interval) / 2
    low, high = np.quantile(shown, [tail, 1 - tail])
    p_up, p_down = float((shift > steps.rho).mean()), float((shift < -steps.rho).mean())
    p_same = float((np.abs(shift) <= steps.rho).mean())
    word = "open"
    if sound.any() and (delta_from_history or int(sound.sum()) >= settings.absolute_from):
        for name, probability in (("improved", p_up), ("worsened", p_down), ("unchanged", p_same)):
            if probability >= settings.plain_threshold:
                word = name
    return row | {
        "level_first": first,
        "shift_mean": float(shown.mean()),
        "shift_lower": float(low),
        "shift_upper": float(high),
        "p_improved": p_up,
        "p_worsened": p_down,
        "p_unchanged": p_same,
        "word": word,
    }
