"""From posteriors to findings: the grid in the main definitions, the other definitions, the ring's own shift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from integstat.catalogue import Catalogue
from integstat.findings.baseline import Baseline
from integstat.findings.bridge import Bridge, bridge_definition, extended
from integstat.findings.cells import Cities, cities_of, complete
from integstat.findings.declare import Declaration
from integstat.findings.definition import Judged, estimated, judge, shift_from_history, tells_own_change
from integstat.findings.ledger import ledger_columns
from integstat.findings.ring import ring_row
from integstat.findings.rows import city_rows, empty_rows
from integstat.findings.settings import FindingSettings
from integstat.findings.shocks import LandShift
from integstat.findings.words import at_threshold, declare_all, without_words, words
from integstat.panel import Panel

_STOCK_NOTE = (
    "Bestandszahlen (etwa Arbeitslose oder Beschäftigte) zählen in beiden Jahren meist dieselben Personen. Mit welcher "
    "Überschneidung gerechnet wird, ist angenommen oder aus früheren Jahren geschätzt, nicht in diesen Jahren gemessen; wo sie "
    "geringer ist, sind die Intervalle zu schmal."
)
_COARSE_NOTE = (
    "Manche Zähler sind nur in Grenzen bekannt (auf 5 gerundet oder „< 3“). Gerechnet wird mit allem, was sie bedeuten können; "
    "die rohe Veränderung nimmt gerundete Zahlen wie geliefert und bleibt leer, wo keine Zahl geliefert ist."
)


@dataclass(frozen=True)
class Findings:
    """All findings of a run.

    Attributes
    ----------
    grid : pandas.DataFrame
        One row per city and indicator in the main definition, columns `FINDING_COLUMNS`, then the working columns
        (probabilities of every event, the ledger, notes).
    others : pandas.DataFrame
        The other definitions, same columns, at the thresholds of the grid.
    kinds : pandas.DataFrame
        One row per kind of event: `kind`, `eligible`, `declared`, `threshold`, `expected_wrong`.
    ring : pandas.DataFrame
        One row per fitted definition: the ring's common shift (median over the cities, those capped by a break left out),
        with interval, probabilities and word.
    lands : pandas.DataFrame
        One row per fitted definition and Land whose cities can be held against the others: `LandShift` with `definition`.
    bridges : pandas.DataFrame
        One row per other definition that a city without the main one delivered, and group: `integstat.findings.bridge.Bridge`.
    notes : tuple of str
        What the settings made necessary to say, in German.
    """

    grid: pd.DataFrame
    others: pd.DataFrame
    kinds: pd.DataFrame
    ring: pd.DataFrame
    lands: pd.DataFrame
    bridges: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def shifted(self) -> dict[str, tuple[str, ...]]:
        """Länder whose cities moved together, by definition."""
        moved = self.lands[self.lands["shifted"].astype(bool)]
        return {str(name): tuple(part["land"]) for name, part in moved.groupby("definition")}


def build_findings(
    posteriors: Mapping[str, xr.DataTree],
    panel: Panel,
    catalogue: Catalogue,
    main: Mapping[str, str],
    years: tuple[int, ...],
    settings: FindingSettings,
    peer_group: Mapping[str, str] | None,
    *,
    baseline: Baseline | None = None,
    covariates: pd.DataFrame | None = None,
    seed: int = 0,
) -> Findings:
    """Decide what may be said about every city and indicator.

    Parameters
    ----------
    posteriors : mapping of str to DataTree
        By definition id; every definition of the panel that could be fitted. The attributes `lasting_source` and
        `shift_source` tell whether a prior came from history: without one, small rings get no absolute finding.
    panel : Panel
    catalogue : Catalogue
    main : mapping of str to str
        Main definition (full id) by indicator id.
    years : tuple of int
    settings : FindingSettings
    peer_group : mapping of str to str, optional
        Name of the peer group by city.
    baseline : Baseline, optional
        Whom cities are compared with in standing and change against peers. None: the groups each posterior was fitted with.
    covariates : pandas.DataFrame, optional
        Index `city`: context named beforehand for the standing against context.
    seed : int
        Of the bridges between definitions; nothing else is left to chance here.

    Notes
    -----
    A finding describes a city's situation within this ring of volunteers. It names no cause and is not a rank.
    """
    parts, rings, lands, notes = [], [], [], []
    bridges: list[Bridge] = []
    delivered = {name: cities_of(name, panel, catalogue, years, settings) for name in posteriors}
    doubtful = {name: cities.table.index[cities.capped].astype(str).tolist() for name, cities in delivered.items()}
    for definition, tree in posteriors.items():
        indicator, cities = catalogue.definition(definition)[0], delivered[definition]
        wanted = definition in main.values() and catalogue.finding_allowed(definition)
        known = posteriors if wanted else {definition: tree}
        over = bridge_definition(definition, known, panel.cities["land"].nunique(), catalogue, years, seed, doubtful)
        whole = extended(tree, over)
        found = estimated(definition, whole, catalogue, cities, settings, baseline, covariates)
        one = judge(definition, found, whole, catalogue, cities, settings)
        part = complete(_rows(one, cities, settings), definition, cities, catalogue, peer_group, frozenset(over.cities))
        parts.append(_with_sources(part, one, cities, tree, settings))
        rings.append(ring_row(one.found, definition, indicator, one.steps, settings, cities, one.lands, shift_from_history(tree)))
        lands += [{"definition": definition} | vars(shift) for shift in one.lands]
        bridges += over.bridges
        notes += [f"{indicator.name_de}: {reason}." for reason in over.reasons]
        notes += [_STOCK_NOTE] * (catalogue.overlap(definition, years) > 0)
        notes += [one.steps.note] * bool(one.steps.note)
        notes += [_COARSE_NOTE] * bool(cities.coarse.any())
    parts += [_unfitted(one, panel, catalogue, years, settings, peer_group) for one in main.values() if one not in posteriors]
    everything = pd.concat(parts, ignore_index=True)
    in_grid = everything["definition"].isin(set(main.values()))
    grid, others = everything[in_grid].reset_index(drop=True), everything[~in_grid].reset_index(drop=True)
    declared, kinds = declare_all(grid, settings)
    frozen = {kind: at_threshold(others, kind, one, settings) for kind, one in declared.items()}
    return Findings(
        grid=words(grid, declared, settings),
        others=words(others, frozen, settings),
        kinds=kinds,
        ring=pd.DataFrame(rings) if rings else pd.DataFrame(columns=["definition"]),
        lands=pd.DataFrame(lands, columns=["definition", *LandShift.__dataclass_fields__]),
        bridges=_bridge_table(bridges),
        notes=tuple(dict.fromkeys(notes)),
    )


def redeclared(findings: Findings, grid: pd.DataFrame, settings: FindingSettings) -> tuple[Findings, dict[str, Declaration]]:
    """Declare anew on a grid with other probabilities; the other definitions follow at its thresholds.

    Parameters
    ----------
    findings : Findings
    grid : pandas.DataFrame
        The grid of `findings`, with other values in the columns of probabilities.
    settings : FindingSettings
    """
    declared, kinds = declare_all(grid, settings)
    frozen = {kind: at_threshold(findings.others, kind, one, settings) for kind, one in declared.items()}
    new_grid, others = (
        words(without_words(frame), found, settings) for frame, found in ((grid, declared), (findings.others, frozen))
    )
    return replace(findings, grid=new_grid, others=others, kinds=kinds), declared


def _rows(one: Judged, cities: Cities, settings: FindingSettings) -> pd.DataFrame:
    """Numbers of the cities that have a posterior, with their ledger."""
    raw = cities.raw[cities.at(np.array(one.found.cities))]
    rows = city_rows(one.found, one.steps, settings, one.beyond)
    return pd.concat([rows, ledger_columns(one.found, raw, settings.interval)], axis=1)


def _with_sources(part: pd.DataFrame, one: Judged, cities: Cities, tree: xr.DataTree, settings: FindingSettings) -> pd.DataFrame:
    """Say where priors come from, whose Land moved, and which cells may speak of a city's own change.

    Where a city's own change is the headline and may not speak, a deficit is one of the level alone.
    """
    shifted = {shift.land for shift in one.lands if shift.shifted}
    own = tells_own_change(part["change_mean"].notna().to_numpy(), tree, cities, settings)
    part = part.assign(
        lasting_source=str(tree.attrs.get("lasting_source", "default")),
        land_shifted=cities.table["land"].isin(shifted).to_numpy(),
        eligible_absolute=part["eligible"] & own,
    )
    if settings.headline == "own" and not own:
        part["p_deficit"] = part["p_worse"]
    return part


def _bridge_table(bridges: list[Bridge]) -> pd.DataFrame:
    """Bridges as rows; cities joined with ;."""
    rows = [vars(one) | {"cities_both": ";".join(one.cities_both), "cities": ";".join(one.cities)} for one in bridges]
    return pd.DataFrame(rows, columns=list(Bridge.__dataclass_fields__))


def _unfitted(
    definition: str,
    panel: Panel,
    catalogue: Catalogue,
    years: tuple[int, ...],
    settings: FindingSettings,
    peer_group: Mapping[str, str] | None,
) -> pd.DataFrame:
    """Return the cells of a main definition that no model could be made for: all of them open, none estimable."""
    cities = cities_of(definition, panel, catalogue, years, settings)
    part = complete(empty_rows(settings), definition, cities, catalogue, peer_group)
    part["eligible_absolute"], part["land_shifted"], part["lasting_source"] = False, False, "default"
    return part
