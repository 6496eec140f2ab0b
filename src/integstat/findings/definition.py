"""One definition judged: estimands, steps, Länder that moved together, and the probability of every event in every city."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from integstat.catalogue import Catalogue
from integstat.catalogue.schema import DefinitionEntry
from integstat.change.lasting import lasting_of, redrawn
from integstat.findings.baseline import Baseline
from integstat.findings.cells import Cities, eligibility
from integstat.findings.estimands import Estimands, estimands, flat, lasting_relative
from integstat.findings.magnitude import Steps, steps_of, unit_of
from integstat.findings.rows import above, events
from integstat.findings.settings import FindingSettings
from integstat.findings.shocks import LandShift, base_shift, beyond_shifts, land_shifts

_AMONG_CITIES = ("ring", "peers", "lasting")  # headlines in which a Land's shift would praise or blame


@dataclass(frozen=True)
class Judged:
    """Estimands of one definition with what decides about them.

    Attributes
    ----------
    found : Estimands
    steps : Steps
    lands : list of LandShift
        Länder whose cities can be held against the others.
    beyond : ndarray, shape (S, C), or None
        Where Länder moved: the change beyond those whom the same shift has, or has not, moved.
    """

    found: Estimands
    steps: Steps
    lands: list[LandShift]
    beyond: np.ndarray | None


def estimated(
    definition: str,
    tree: xr.DataTree,
    catalogue: Catalogue,
    cities: Cities,
    settings: FindingSettings,
    baseline: Baseline | None,
    covariates: pd.DataFrame | None = None,
    *,
    display: bool = True,
) -> Estimands:
    """Estimands of one definition; of the settings only those about breaks and bases enter, through `cities`.

    Parameters
    ----------
    definition : str
    tree : xarray.DataTree
    catalogue : Catalogue
    cities : Cities
    settings : FindingSettings
    baseline : Baseline or None
    covariates : pandas.DataFrame, optional
        Index `city`.
    display : bool
        See `integstat.findings.estimands.estimands`.
    """
    indicator, entry = catalogue.definition(definition)
    names = tree["posterior"]["city"].to_numpy()
    lands = cities.table["land"].loc[names].to_numpy(str)
    own = own_peers(entry, cities)
    return estimands(
        tree,
        catalogue.polarity(definition),
        unit_of(indicator),
        **_compared(entry, cities, names),
        baseline=None if own else baseline,
        land=lands if len(set(lands)) > 1 else None,
        covariates=None if covariates is None or own else covariates.reindex(names).to_numpy(float),
        display=display,
    )


def with_lasting_of(
    definition: str, found: Estimands, tree: xr.DataTree, catalogue: Catalogue, cities: Cities, a: float, b: float
) -> Estimands:
    """Return the estimands with what lasts under a Beta(a, b) prior, of a tree that leaves it open; not the part in points.

    The same as `estimated` makes of the tree after `integstat.change.with_lasting`, at a small part of the cost.
    """
    draws = _target(tree)
    if draws is None:  # estimated from the years, or there is but one
        return found
    lasting = _relative(definition, found, draws, tree, catalogue, cities, a, b)
    return replace(found, lasting=lasting, lasting_points=None)


def doubt_of_lasting(
    definition: str, found: Estimands, tree: xr.DataTree, catalogue: Catalogue, cities: Cities, a: float, b: float
) -> np.ndarray:
    """Part of P(1 − P) of 'the lasting change is above 0' that would stay if the counts told everything, shape (C,).

    Parameters
    ----------
    definition : str
    found : Estimands
        With `lasting` under the same prior (`with_lasting_of`).
    tree : xarray.DataTree
        One that leaves open what lasts.
    catalogue, cities, a, b
        As of `with_lasting_of`.

    Returns
    -------
    ndarray, shape (C,)
        E[P(event | change)(1 − P(event | change))], from two draws of what lasts for each draw of the change; between 0 and
        P(1 − P). NaN where not estimable, or where the years themselves inform what lasts.
    """
    draws = _target(tree)
    if found.lasting is None or draws is None:
        return np.full(len(found.cities), np.nan)
    scatter, quantile = redrawn(draws.scatter, draws.quantile, draws.sd)
    again = _relative(definition, found, replace(draws, scatter=scatter, quantile=quantile), tree, catalogue, cities, a, b)
    first, second = found.lasting > 0, again > 0
    p = first.mean(axis=0)
    part = np.clip(p - (first & second).mean(axis=0), 0.0, p * (1 - p))
    return np.where(np.isfinite(found.lasting[0]), part, np.nan)


@dataclass(frozen=True)
class _Target:
    """Draws of the target group that decide about what lasts: own change and scatter (S, C), quantile and SD (S,)."""

    own: np.ndarray
    scatter: np.ndarray
    quantile: np.ndarray
    sd: np.ndarray


def _target(tree: xr.DataTree) -> _Target | None:
    """None where nothing is left open."""
    posterior = tree["posterior"].to_dataset()
    if "lasting_scatter" not in posterior:
        return None
    change, scatter = (flat(posterior[name])[:, :, 0] for name in ("change", "lasting_scatter"))
    delta, sd = (flat(posterior[name])[:, 0] for name in ("delta", "sd_change"))
    return _Target(change - delta[:, None], scatter, flat(posterior["lasting_quantile"]), sd)


def _relative(
    definition: str,
    found: Estimands,
    draws: _Target,
    tree: xr.DataTree,
    catalogue: Catalogue,
    cities: Cities,
    a: float,
    b: float,
) -> np.ndarray:
    """The estimand `lasting` under a prior."""
    lasting = lasting_of(draws.own[..., None], draws.scatter[..., None], draws.quantile, a, b)[1][..., 0]
    both = (tree["observed_data"]["n"].to_numpy() > 0)[:, 0][:, [0, -1]].all(axis=1)
    compared = _compared(catalogue.definition(definition)[1], cities, np.array(found.cities))
    return lasting_relative(lasting, both, catalogue.polarity(definition), **compared)


def _compared(entry: DefinitionEntry, cities: Cities, names: np.ndarray) -> dict[str, np.ndarray]:
    """Pool of comparison and yardstick of the cities of a posterior."""
    lands = cities.table["land"].loc[names].to_numpy(str)
    pool = lands if entry.scope == "same_land" else np.full(len(lands), "ring")
    return {"pool": pool, "yardstick": ~cities.capped[cities.at(names)]}


def judge(
    definition: str, found: Estimands, tree: xr.DataTree, catalogue: Catalogue, cities: Cities, settings: FindingSettings
) -> Judged:
    """Put steps to the estimands, and find the Länder whose cities moved together."""
    steps = steps_of(catalogue.definition(definition)[0], found, settings)
    shifts = shifts_of(definition, found, steps, tree, catalogue, cities, settings)
    return Judged(found, steps, shifts, beyond_of(found, shifts, cities, settings))


def shifts_of(
    definition: str,
    found: Estimands,
    steps: Steps,
    tree: xr.DataTree,
    catalogue: Catalogue,
    cities: Cities,
    settings: FindingSettings,
) -> list[LandShift]:
    """Länder held against the others; none where a definition is comparable within a Land only, or there is but one."""
    names = np.array(found.cities)
    lands = cities.table["land"].loc[names].to_numpy(str)
    if len(set(lands)) < 2 or found.change is None or catalogue.definition(definition)[1].scope == "same_land":
        return []
    effects = _land_effects(tree, lands, catalogue.polarity(definition))
    return land_shifts(found.change, lands, ~cities.capped[cities.at(names)], steps.rho, settings.interval, effects)


def beyond_of(found: Estimands, shifts: Sequence[LandShift], cities: Cities, settings: FindingSettings) -> np.ndarray | None:
    """Change beyond those whom the same shift of a Land has, or has not, moved; None where it plays no part in the headline."""
    moved = found.lasting if settings.headline == "lasting" else found.change
    if moved is None or settings.headline not in _AMONG_CITIES or not any(one.shifted for one in shifts):
        return None
    names = np.array(found.cities)
    lands = cities.table["land"].loc[names].to_numpy(str)
    shifted = np.isin(lands, [one.land for one in shifts if one.shifted])
    return beyond_shifts(moved, lands, shifted, ~cities.capped[cities.at(names)]) if shifted.any() else None


def chances(
    definition: str, one: Judged, tree: xr.DataTree, catalogue: Catalogue, cities: Cities, settings: FindingSettings
) -> dict[str, np.ndarray]:
    """Probability of every event in every city of the ring, and where which words may stand: all that words are made of.

    Returns
    -------
    dict of str to ndarray, shape (C,)
        The columns of `EVENTS`, `p_lasting`, and `eligible`, `eligible_gap`, `eligible_absolute`, for the cities of the ring in
        the order of the panel; probabilities NaN where not estimable.
    """
    places = cities.at(np.array(one.found.cities))
    count = len(one.found.cities)
    told = events(one.found, one.steps, settings, one.beyond) | {"p_lasting": above(one.found.lasting, count)}
    out = {}
    for name, values in told.items():
        out[name] = np.full(len(cities.table), np.nan)
        out[name][places] = values
    decided, stands = np.isfinite(out["p_success"]), np.isfinite(out["p_worse"])
    out["eligible"], out["eligible_gap"] = eligibility(cities, catalogue.finding_allowed(definition), decided | stands)
    changed = np.zeros(len(cities.table), dtype=bool)
    changed[places] = np.isfinite(one.found.change[0]) if one.found.change is not None else False
    own = tells_own_change(changed, tree, cities, settings)
    out["eligible_absolute"] = out["eligible"] & own
    if settings.headline == "own" and not own:
        out["p_deficit"] = out["p_worse"]
    return out


def tells_own_change(changed: np.ndarray, tree: xr.DataTree, cities: Cities, settings: FindingSettings) -> bool:
    """Whether words may speak of a city's own change.

    It needs a ring large enough, or a prior of the shift from history, and bases that did not move everywhere.

    Parameters
    ----------
    changed : ndarray of bool, shape (C,)
        Cities of the ring whose change is estimable.
    tree : xarray.DataTree
    cities : Cities
    settings : FindingSettings
    """
    enough = int((changed & ~cities.capped).sum()) >= settings.absolute_from
    return (enough or shift_from_history(tree)) and not (settings.caps and base_shift(cities.bases, settings.base_jump))


def shift_from_history(tree: xr.DataTree) -> bool:
    """Whether the prior of the common shift comes from earlier years."""
    return bool(tree.attrs.get("shift_source") == "history")


def own_peers(entry: DefinitionEntry, cities: Cities) -> bool:
    """Whether a definition has peers of its own: those of a Land, or none where a series is comparable with itself only."""
    return entry.scope == "own_series" or (entry.scope == "same_land" and cities.table["land"].nunique() > 1)


def _land_effects(tree: xr.DataTree, lands: np.ndarray, polarity: int) -> np.ndarray | None:
    """Effect of each city's Land on the change of the target group, turned, shape (S, C); None where the model has none."""
    posterior = tree["posterior"].to_dataset()
    if "land_change" not in posterior:
        return None
    effects = posterior["land_change"].isel(group=0).transpose("chain", "draw", "land")
    by_land = effects.to_numpy().reshape(-1, effects.sizes["land"])
    places = pd.Index(effects["land"].to_numpy().astype(str)).get_indexer(pd.Index(lands))
    return np.asarray((-1.0 if polarity < 0 else 1.0) * by_land[:, places])
