"""From posteriors to findings: the grid in the main definitions, the other definitions, the ring's own shift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from integstat.catalogue import Catalogue
from integstat.catalogue.schema import DefinitionEntry
from integstat.findings.baseline import Baseline
from integstat.findings.bridge import Bridge, bridge_definition, extended
from integstat.findings.cells import Cities, cities_of, complete
from integstat.findings.estimands import Estimands, estimands
from integstat.findings.ledger import ledger_columns
from integstat.findings.magnitude import Steps, steps_of, unit_of
from integstat.findings.ring import ring_row
from integstat.findings.rows import city_rows, empty_rows
from integstat.findings.settings import FindingSettings
from integstat.findings.shocks import LandShift, base_shift, beyond_shifts, land_shifts
from integstat.findings.words import at_threshold, declare_all, words
from integstat.panel import Panel

_AMONG_CITIES = ("ring", "peers")  # headlines in which a Land's shift would praise or blame
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
        over = bridge_definition(definition, known, panel, catalogue, years, seed, doubtful)
        one = _definition(definition, extended(tree, over), panel, catalogue, cities, settings, baseline, covariates)
        part = complete(_rows(one, cities, settings), definition, cities, catalogue, peer_group, frozenset(over.cities))
        parts.append(_with_sources(part, one, cities, tree, settings))
        rings.append(ring_row(one.found, definition, indicator, one.steps, settings, cities, one.lands, _from_history(tree)))
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


@dataclass(frozen=True)
class _Definition:
    found: Estimands
    steps: Steps
    lands: list[LandShift]
    beyond: np.ndarray | None


def _definition(
    definition: str,
    tree: xr.DataTree,
    panel: Panel,
    catalogue: Catalogue,
    cities: Cities,
    settings: FindingSettings,
    baseline: Baseline | None,
    covariates: pd.DataFrame | None,
) -> _Definition:
    """Estimands of one definition, its steps, and the Länder whose cities moved together."""
    indicator, entry = catalogue.definition(definition)
    names = tree["posterior"]["city"].to_numpy()
    lands = cities.table["land"].loc[names].to_numpy(str)
    sound = ~cities.capped[cities.at(names)]
    several = len(set(lands)) > 1
    found = estimands(
        tree,
        catalogue.polarity(definition),
        unit_of(indicator),
        pool=lands if entry.scope == "same_land" else np.full(len(lands), "ring"),
        yardstick=sound,
        baseline=None if _own_peers(entry, panel) else baseline,
        land=lands if several else None,
        covariates=None if covariates is None or _own_peers(entry, panel) else covariates.reindex(names).to_numpy(float),
    )
    steps = steps_of(indicator, found, settings)
    shifts: list[LandShift] = []
    if several and found.change is not None and entry.scope != "same_land":
        effects = _land_effects(tree, lands, catalogue.polarity(definition))
        shifts = land_shifts(found.change, lands, sound, steps.rho, settings.interval, effects)
    shifted, beyond = np.isin(lands, [one.land for one in shifts if one.shifted]), None
    if found.change is not None and shifted.any() and settings.headline in _AMONG_CITIES:
        beyond = beyond_shifts(found.change, lands, shifted, sound)
    return _Definition(found, steps, shifts, beyond)


def _land_effects(tree: xr.DataTree, lands: np.ndarray, polarity: int) -> np.ndarray | None:
    """Effect of each city's Land on the change of the target group, turned, shape (S, C); None where the model has none."""
    posterior = tree["posterior"].to_dataset()
    if "land_change" not in posterior:
        return None
    effects = posterior["land_change"].isel(group=0).transpose("chain", "draw", "land")
    by_land = effects.to_numpy().reshape(-1, effects.sizes["land"])
    places = pd.Index(effects["land"].to_numpy().astype(str)).get_indexer(pd.Index(lands))
    return np.asarray((-1.0 if polarity < 0 else 1.0) * by_land[:, places])


def _rows(one: _Definition, cities: Cities, settings: FindingSettings) -> pd.DataFrame:
    """Numbers of the cities that have a posterior, with their ledger."""
    raw = cities.raw[cities.at(np.array(one.found.cities))]
    rows = city_rows(one.found, one.steps, settings, one.beyond)
    return pd.concat([rows, ledger_columns(one.found, raw, settings.interval)], axis=1)


def _from_history(tree: xr.DataTree) -> bool:
    """Whether the prior of the common shift comes from earlier years."""
    return bool(tree.attrs.get("shift_source") == "history")


def _with_sources(
    part: pd.DataFrame, one: _Definition, cities: Cities, tree: xr.DataTree, settings: FindingSettings
) -> pd.DataFrame:
    """Say where priors come from, whose Land moved, and which cells may speak of a city's own change.

    A city's own change needs a ring large enough or a prior of the shift from history, and bases that did not move everywhere.
    Where it is the headline and may not speak, a deficit is one of the level alone.
    """
    shifted = {shift.land for shift in one.lands if shift.shifted}
    enough = int((part["change_mean"].notna() & ~part["capped"]).sum()) >= settings.absolute_from
    own = (enough or _from_history(tree)) and not base_shift(cities.bases, settings.base_jump)
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


def _own_peers(entry: DefinitionEntry, panel: Panel) -> bool:
    """Whether a definition has peers of its own: those of a Land, or none where a series is comparable with itself only."""
    return entry.scope == "own_series" or (entry.scope == "same_land" and panel.cities["land"].nunique() > 1)


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
