"""One ring: drawn, fitted, judged as a run does, and held against its truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
import xarray as xr

from integstat.catalogue import Catalogue, load_catalogue
from integstat.change import ChangeData, ChangeSettings, fit
from integstat.errors import ConvergenceError
from integstat.findings import FindingSettings
from integstat.findings.cells import Cities as Delivered
from integstat.findings.declare import declare
from integstat.findings.definition import Judged, chances, estimated, judge
from integstat.findings.estimands import flat
from integstat.findings.frame import EVENTS
from integstat.findings.magnitude import unit_of
from integstat.findings.shocks import base_jumps
from integstat.findings.words import eligible
from integstat.validate.trial.estimands import beyond_of_others, true_estimands, true_events
from integstat.validate.trial.scenario import SCENARIOS
from integstat.validate.trial.settings import DEFINITIONS, LEVELS, RANKED, YEARS, ValidateSettings
from integstat.validate.trial.truth import LAENDER, Cities, Drawn, draw_ring, labels

CITY = ("level", "change", "relative", "standing", "gap", "lasting")
KINDS = tuple(EVENTS)
PROBABILITIES = ("p_success", "p_deficit", "p_lasting")
CHECKS = ("base_jump", "land_shift", "pareto_k")
_OF_POSTERIOR = {"level": "level_last"}  # the others have the same name in `Estimands`


@dataclass(frozen=True)
class RingSpec:
    """One ring of one scenario."""

    scenario: str
    place: int
    settings: ValidateSettings


@dataclass(frozen=True)
class _Held:
    """A quantity against its truth: draws (S, N), truth (N,), and which of the N is ranked."""

    draws: np.ndarray
    truth: np.ndarray
    ranked: int


@cache
def _catalogue() -> Catalogue:
    return load_catalogue()


def one_ring(spec: RingSpec) -> xr.DataTree:
    """Draw, fit and judge a ring.

    Parameters
    ----------
    spec : RingSpec

    Returns
    -------
    xarray.DataTree
        `rank` (quantity): rank of the truth among `RANKED` draws, of one city or effect picked by the ring's number; `covered`
        (quantity, level) and `cells` (quantity): how many central intervals cover, of how many; `declared`, `wrong`, `opposite`,
        `true`, `expected` (kind); `p`, `so` (probability, cell); attributes `refused`, `sampler`, `fits` (numbers of
        definitions) and one per check; that of the Länder is about the first one, which a break may strike.

    Notes
    -----
    A definition that the engine refuses is left out of everything but the count. It is refused for its counts alone, so the
    ranks of the others remain uniform if the posterior is right.
    """
    chosen = SCENARIOS[spec.scenario]
    own = spec.settings
    cities, rng = labels(own.cities), np.random.default_rng([own.seed, spec.place, 0xFE])
    given = cities if not chosen.wrong_peers else replace(cities, peers=rng.permutation(cities.peers))
    settings = ChangeSettings(engine=own.engine, draws=own.draws)
    held: dict[str, _Held] = {}
    told: list[dict[str, np.ndarray]] = []
    seen = dict.fromkeys(("refused", "sampler", *CHECKS), 0)
    for place, definition in enumerate(DEFINITIONS):
        indicator, _ = _catalogue().definition(definition)
        link = "log" if _catalogue().kind(definition) == "rate" else "logit"
        seed = (own.seed, own.cities, spec.place, place)
        drawn = draw_ring(chosen, settings.priors, len(indicator.groups), link, cities, own.base, seed)
        data = _data(definition, drawn, given)
        try:
            tree = fit(data, settings, own.seed + 10 * spec.place + place, cores=2, threads=1)
        except ConvergenceError:
            seen["refused"] += 1
            seen["pareto_k"] = 1
            continue
        seen["sampler"] += tree.attrs["engine"] == "nuts"
        seen["pareto_k"] |= bool(tree.attrs["fallback"])
        one, cells, by_event = _judged(definition, tree, drawn, data)
        seen["base_jump"] |= bool(cells.bases.jumped[:, 0].any())
        moved = [shift.land for shift in one.lands if shift.shifted]
        seen["land_shift"] |= LAENDER[0] in moved
        true = true_estimands(drawn, cities.peers, _catalogue().polarity(definition), unit_of(indicator), link)
        there = np.isin(np.array(LAENDER)[cities.land], moved)
        beyond = beyond_of_others(true["change"], cities.land, there) if one.beyond is not None else true["relative"]
        so, opposite = true_events(true, beyond, one.steps.rho, one.steps.rho_level)
        told.append(by_event | {f"so {kind}": value for kind, value in so.items()} | {f"off {k}": v for k, v in opposite.items()})
        told[-1]["so p_lasting"] = true["lasting"] > 0
        held |= _parameters(indicator.id, tree, drawn, spec.place) | _estimands(indicator.id, one, true, spec.place)
    return _tree(held, told, seen | {"fits": len(DEFINITIONS)})


def _data(definition: str, drawn: Drawn, cities: Cities) -> ChangeData:
    groups = drawn.y.shape[1]
    return ChangeData(
        definition=definition,
        kind=_catalogue().kind(definition),
        cities=tuple(f"{LAENDER[land]}{place + 1:03d}" for place, land in enumerate(cities.land)),
        groups=("target", "reference")[:groups],
        years=YEARS,
        y=drawn.y,
        n=drawn.n,
        peers=cities.peers,
        peer_names=tuple(f"Gruppe {k + 1}" for k in range(int(cities.peers.max()) + 1)),
        land=tuple(LAENDER[land] for land in cities.land),
    )


def _judged(
    definition: str, tree: xr.DataTree, drawn: Drawn, data: ChangeData
) -> tuple[Judged, Delivered, dict[str, np.ndarray]]:
    """Judge one definition with the functions of a run."""
    settings, count = FindingSettings(), len(data.cities)
    table = pd.DataFrame({"name": data.cities, "land": data.land}, index=pd.Index(data.cities, name="city"))
    nowhere = np.zeros(count, dtype=bool)
    cells = Delivered(
        table=table,
        raw=np.full(count, np.nan),
        persons=drawn.n[:, 0, 1],
        breaks=[()] * count,
        broken=nowhere,
        bases=base_jumps(drawn.n, settings.base_jump, settings.base_jump_times),
        coarse=nowhere,
        switched=nowhere,
        elsewhere=nowhere,
        years=len(YEARS),
    )
    found = estimated(definition, tree, _catalogue(), cells, settings, None, display=False)
    one = judge(definition, found, tree, _catalogue(), cells, settings)
    return one, cells, chances(definition, one, tree, _catalogue(), cells, settings)


def _parameters(name: str, tree: xr.DataTree, drawn: Drawn, place: int) -> dict[str, _Held]:
    """Every parameter of the ring; of effects, the one ranked goes round with the rings."""
    true, posterior = drawn.parameters, tree["posterior"].to_dataset()
    groups = posterior["group"].to_numpy().astype(str)
    out = {}
    for own, value in (("alpha", true.level), ("delta", true.shift), ("sd_mean", true.sd_mean), ("sd_change", true.sd_change)):
        for g, group in enumerate(groups):
            out[f"{name} {own} {group}"] = _Held(flat(posterior[own])[:, [g]], value[[g]], 0)
    scalars = ("corr_mean", "corr_change", "sd_peer_level", "sd_peer_change", "sd_land_change", "lasting_share")
    for own in scalars:
        if own in posterior and posterior[own].ndim == 2:
            out[f"{name} {own}"] = _Held(flat(posterior[own])[:, None], np.array([getattr(true, own)]), 0)
    for own, dim in (("peer_level", "peer_group"), ("peer_change", "peer_group"), ("land_change", "land")):
        if own not in posterior:
            continue
        draws = posterior[own].transpose("chain", "draw", dim, "group").to_numpy()
        draws = draws.reshape(-1, *draws.shape[2:])
        values = getattr(drawn, own)
        for g, group in enumerate(groups):
            out[f"{name} {own} {group}"] = _Held(draws[:, :, g], values[:, g], place % len(values))
    return out


def _estimands(name: str, one: Judged, true: dict[str, np.ndarray], place: int) -> dict[str, _Held]:
    """Every estimand of a city that both the posterior and the truth have; the city ranked goes round with the rings."""
    out = {}
    for own in CITY:
        draws = getattr(one.found, _OF_POSTERIOR.get(own, own))
        known = np.isfinite(true[own]) & (draws is not None and np.isfinite(draws[0]))
        if draws is not None and known.any():
            out[f"{name} {own}"] = _Held(draws[:, known], true[own][known], place % int(known.sum()))
    return out


def _tree(held: dict[str, _Held], told: list[dict[str, np.ndarray]], seen: dict[str, int]) -> xr.DataTree:
    names = list(held)
    rank, cells = np.zeros(len(names), dtype=int), np.zeros(len(names), dtype=int)
    covered = np.zeros((len(names), len(LEVELS)), dtype=int)
    tails = np.array([(1 - level) / 2 for level in LEVELS])
    for row, one in enumerate(held.values()):
        thin = np.linspace(0, len(one.draws) - 1, RANKED).round().astype(int)
        rank[row] = int((one.draws[thin, one.ranked] < one.truth[one.ranked]).sum())
        low, high = np.quantile(one.draws, tails, axis=0), np.quantile(one.draws, 1 - tails, axis=0)
        covered[row] = ((low <= one.truth) & (one.truth <= high)).sum(axis=1)
        cells[row] = len(one.truth)
    content = {"rank": ("quantity", rank), "covered": (("quantity", "level"), covered), "cells": ("quantity", cells)}
    content |= _found(told)
    data = xr.Dataset(content, coords={"quantity": names} if names else None, attrs=seen)
    return xr.DataTree.from_dict({"/": data})


def _found(told: list[dict[str, np.ndarray]]) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Declare on the ring's whole grid, and count what is wrong."""
    counts = np.zeros((5, len(KINDS)))
    shape = (len(PROBABILITIES), 0)
    p, so = np.zeros(shape), np.zeros(shape, dtype=bool)
    if told:
        grid = {name: np.concatenate([np.asarray(one[name]) for one in told]) for name in told[0]}
        declared = _declared(grid)
        for k, kind in enumerate(KINDS):
            is_, error = declared[kind], 1 - grid[EVENTS[kind]]
            off = grid.get(f"off {kind}", np.zeros(len(is_), dtype=bool))
            known = np.isfinite(grid[EVENTS[kind]])
            wrong = is_ & ~grid[f"so {kind}"]
            counts[:, k] = is_.sum(), wrong.sum(), (is_ & off).sum(), (grid[f"so {kind}"] & known).sum(), error[is_].sum()
        p = np.stack([grid[name] for name in PROBABILITIES])
        so = np.stack([grid["so success"], grid["so deficit"], grid["so p_lasting"]])
    names = ("declared", "wrong", "opposite", "true", "expected")
    out = {name: (("kind",), values) for name, values in zip(names, counts, strict=True)}
    return out | {"p": (("probability", "cell"), p), "so": (("probability", "cell"), so)}


def _declared(grid: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Cells declared of each kind; a declared 'worsened' or 'worse' makes a deficit declared."""
    settings = FindingSettings()
    out = {kind: declare(grid[EVENTS[kind]], eligible(grid, kind, settings), settings).declared for kind in KINDS}
    return out | {"deficit": out["deficit"] | out["worsened"] | out["worse"]}
