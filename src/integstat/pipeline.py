"""Peers, change and findings in one go: labelled data in, labelled data out, no files but the kept fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Literal, Protocol

import numpy as np
import pandas as pd
import xarray as xr

from integstat.catalogue import Catalogue
from integstat.change import ChangeData, ChangeSettings, NoCounts, for_fit, from_panel, with_lasting
from integstat.change.kernel import leading
from integstat.findings import Baseline
from integstat.panel import Context, Panel
from integstat.peers.bundle import Bundle, make_bundle
from integstat.peers.explained import COLUMNS, explained_table, group_weights
from integstat.peers.features.scaling import transformed
from integstat.peers.kept import SAMPLED, KeptPeers
from integstat.peers.partitions import Partitions
from integstat.peers.settings import PeerSettings
from integstat.steps import Keeper, Memory, Step, crew_for, digest, missing, run_steps, source_digest

_ENGINE = ("numpy", "scipy", "pymc", "pytensor", "nutpie", "numba")  # another version may draw other numbers
KERNEL_AT_MOST = 400  # cities; a fit takes half a minute there
Peers = Partitions | KeptPeers


class Progress(Protocol):
    """Told after each definition: its id, how many are done, how many there are, and whether the fit had been kept."""

    def __call__(self, definition: str, done: int, total: int, kept: bool) -> None:
        """Tell."""


@dataclass(frozen=True)
class Posteriors:
    """What the change stage hands on.

    Attributes
    ----------
    trees : dict of str to DataTree
        By definition id.
    empty : tuple of str
        Definitions without a usable count in the target group.
    """

    trees: dict[str, xr.DataTree]
    empty: tuple[str, ...]


def seed_of(seed: int, name: str) -> int:
    """Return a seed of its own for a step, the same whatever else is computed."""
    return int(digest(seed, name)[:8], 16) % 2**31


def change_data(
    panel: Panel,
    definition: str,
    catalogue: Catalogue,
    years: tuple[int, ...],
    settings: ChangeSettings,
    partitions: Peers | None,
) -> ChangeData:
    """Take one definition out of the panel with everything the model wants to know.

    Where a definition is comparable within a Land only and the ring has several, the Länder take the place of the peer groups;
    where a city's series is comparable with itself only, there are none, and no statement about its level.

    Raises
    ------
    NoCounts
        If no city has a usable count in the target group.
    """
    indicator, entry = catalogue.definition(definition)
    kind = catalogue.kind(definition)
    evidence = 1.0
    if kind == "mean_of_months":
        evidence = settings.months_weight
    elif kind == "survey":
        evidence = 1.0 / entry.design_effect
    peers: dict[str, int] | None = None
    names: tuple[str, ...] = ()
    kernel: np.ndarray | None = None
    use_land = settings.land
    lands = sorted(str(land) for land in panel.cities["land"].unique())
    if entry.scope == "same_land" and len(lands) > 1:
        peers = {city: lands.index(land) for city, land in zip(panel.cities["city"], panel.cities["land"], strict=True)}
        names, use_land = tuple(lands), False
    elif entry.scope != "own_series" and partitions is not None:
        kernel = peer_kernel(partitions, settings.peers)
        if kernel is not None or partitions.size > 1:
            peers = {city: int(group) for city, group in zip(partitions.cities, partitions.summary, strict=True)}
            names = partitions.names
    return from_panel(
        panel,
        definition,
        kind,
        indicator.groups,
        years,
        peers=peers,
        peer_names=names,
        kernel=kernel,
        peer_effect=settings.peers != "none",
        use_land=use_land,
        evidence=evidence,
        rounding=tuple(entry.rounding(year) for year in years),
        rounded_parts=entry.rounded_parts,
        overlap=catalogue.overlap(definition, years, settings.for_definition(definition).overlap),
        bounds=settings.coarse == "bounds",
        complete=settings.incomplete == "drop",
    )


def peer_kernel(partitions: Peers, choice: str) -> np.ndarray | None:
    """Kernel of the peer effects, with few columns; None where the groups of the summary stand for it, or nothing does.

    Parameters
    ----------
    partitions : Partitions
    choice : str
        `peers` of `ChangeSettings`. Rings above `KERNEL_AT_MOST` cities, and rings too small for the kernel that is asked for,
        take the groups.

    Returns
    -------
    ndarray, shape (C, C)
        In the order of `partitions.cities`.
    """
    if len(partitions.cities) > KERNEL_AT_MOST:
        return None
    if choice == "coassignment" and partitions.size > 1:
        return leading(partitions.coassignment)
    similarity = partitions.neighbours.similarity if partitions.neighbours is not None else None
    return leading(similarity) if choice == "neighbours" and similarity is not None else None


def baseline(partitions: Peers | None, notion: Literal["groups", "neighbours"]) -> Baseline | None:
    """Whom a city is compared with in standing and change against peers.

    Parameters
    ----------
    partitions : Partitions or None
    notion : {'groups', 'neighbours'}
        `groups`: the groups of partitions drawn from their distribution. `neighbours`: each city's own list.

    Returns
    -------
    Baseline or None
        None without groups, or where the ring is too small for lists.
    """
    if partitions is None:
        return None
    if notion == "neighbours":
        near = partitions.neighbours
        return None if near is None else Baseline(near.cities, weights=near.weights)
    return Baseline(partitions.cities, labels=partitions.sampled(SAMPLED)) if partitions.size > 1 else None


def covariates_of(context: Context | None, settings: PeerSettings | None, names: Sequence[str]) -> pd.DataFrame | None:
    """Take the features named for the standing against context, transformed as for the peer groups.

    Parameters
    ----------
    context : Context or None
    settings : PeerSettings or None
    names : sequence of str
        Ids of features of `[peers]`, so that what may not form a peer group may not excuse a level either.

    Returns
    -------
    pandas.DataFrame or None
        Index `city`, one column per name, NaN where unknown; None without names or context.
    """
    if not names or context is None or settings is None:
        return None
    known = {one.id: one for one in settings.feature}
    return pd.DataFrame({name: transformed(context.features[name], known[name]) for name in names})


def fit_all(
    panel: Panel,
    catalogue: Catalogue,
    years: tuple[int, ...],
    settings: ChangeSettings,
    partitions: Peers | None,
    seed: int,
    *,
    cores: int = 2,
    keeper: Keeper | None = None,
    address: str | None = None,
    progress: Progress | None = None,
) -> Posteriors:
    """Fit every definition of the panel, as many at once as there are cores.

    Parameters
    ----------
    panel : Panel
    catalogue : Catalogue
    years : tuple of int
    settings : ChangeSettings
    partitions : Partitions or None
    seed : int
    cores : int
    keeper : Keeper, optional
        Where fits are kept under the key of their step (`fit_step`).
    address : str, optional
        Of a Dask scheduler that takes the fits; by default as many threads as cores do.
    progress : callable, optional

    Raises
    ------
    ConvergenceError
        If a definition does not pass the gate.
    """
    keeper = Memory() if keeper is None else keeper
    delivered = set(panel.definitions)
    steps: dict[str, Step] = {}
    empty: list[str] = []
    for definition in catalogue.definition_ids:
        if definition not in delivered or catalogue.kind(definition) == "measure":
            continue
        try:
            steps[definition] = fit_step(panel, definition, catalogue, years, settings, partitions, seed, cores=cores)
        except NoCounts:
            empty.append(definition)

    def tell(step: Step, done: int, total: int, kept: bool, remaining_seconds: float) -> None:
        if progress is not None:
            progress(step.name, done, total, kept)

    for step in steps.values():
        keeper.forgive(step.key)  # who starts again wants it tried again
    todo = missing(steps.values(), keeper)
    with crew_for(cores, address if todo else None, todo) as crew:
        ran = run_steps(steps.values(), keeper, crew, tell)
    for error in ran.failed.values():
        raise error
    trees = {
        definition: with_lasting(keeper.read(step.key), settings.for_definition(definition).priors)
        for definition, step in steps.items()
    }
    return Posteriors(trees, tuple(empty))


def fit_step(
    panel: Panel,
    definition: str,
    catalogue: Catalogue,
    years: tuple[int, ...],
    settings: ChangeSettings,
    partitions: Peers | None,
    seed: int,
    *,
    cores: int = 1,
) -> Step:
    """Make the step that fits one definition; its key is the content of data and settings, its seed, the code and the versions.

    What is kept leaves open what lasts (`integstat.change.fit_open`), which is therefore not in the key.

    Raises
    ------
    NoCounts
        If no city has a usable count in the target group.
    """
    data = change_data(panel, definition, catalogue, years, settings, partitions)
    own, own_seed = for_fit(settings.for_definition(definition), len(years)), seed_of(seed, definition)
    return Step(digest(data, own, own_seed, _code()), definition, _fit_one, (data, own, own_seed, cores))


@cache
def _code() -> str:
    return digest(source_digest("integstat.change"), [version(name) for name in _ENGINE])


def _fit_one(data: ChangeData, settings: ChangeSettings, seed: int, cores: int) -> xr.DataTree:
    from integstat.change import fit_open

    return fit_open(data, settings, seed, cores=cores, threads=1)


def fit_table(trees: Mapping[str, xr.DataTree]) -> pd.DataFrame:
    """How each fit went: engine, why it was not the first choice, and the diagnostics; one row per definition."""
    names = ("definition", "engine", "fallback", "form", "attempts", "pareto_k", "effective", "rhat", "ess_bulk", "ess_tail",
             "divergences")  # fmt: skip
    rows = [{name: tree.attrs[name] for name in names} | {"cities": tree["posterior"].sizes["city"]} for tree in trees.values()]
    return pd.DataFrame(rows, columns=[*names, "cities"])


def peer_names_by_city(partitions: Partitions | None) -> dict[str, str] | None:
    """Name of the peer group by city; None without groups to compare."""
    if partitions is None or partitions.size < 2:
        return None
    return {city: partitions.names[int(group)] for city, group in zip(partitions.cities, partitions.summary, strict=True)}


def explained_by_peers(
    panel: Panel,
    catalogue: Catalogue,
    definitions: Sequence[str],
    years: tuple[int, ...],
    partitions: Partitions,
    settings: ChangeSettings,
) -> pd.DataFrame:
    """Share of the variance of levels and changes that groups and neighbours explain (`integstat.peers.explained`).

    Without rows where the ring is too small for groups, or too large for a matrix of pairs.
    """
    near = partitions.neighbours
    if near is None or len(partitions.cities) > KERNEL_AT_MOST:
        return pd.DataFrame(columns=COLUMNS)
    notions = {"groups": group_weights(partitions.sampled(SAMPLED)), "neighbours": near.weights}
    return explained_table(
        panel,
        catalogue,
        definitions,
        years,
        partitions.cities,
        notions,
        stock_overlap=settings.overlap,
        months_weight=settings.months_weight,
    )


def bundle_of(partitions: Partitions, context: Context, settings: PeerSettings, names: Mapping[str, str]) -> Bundle:
    """Freeze the groups so that another city can be placed without a run (`integstat.peers.assign`).

    Raises
    ------
    ValueError
        If the ring is too small for groups.
    """
    if partitions.scaled is None or partitions.neighbours is None:
        raise ValueError("a ring without groups has nothing to freeze")
    chosen = int(partitions.diagnostics.loc[partitions.diagnostics["chosen"], "k"].iloc[0])
    return make_bundle(
        partitions.scaled,
        context,
        settings.model_copy(update={"neighbours": partitions.neighbours.k}),
        labels=partitions.draws.at(chosen).systematic(SAMPLED),
        summary=partitions.summary,
        probability=partitions.probability,
        groups=partitions.names,
        groups_en=partitions.names_en,
        names=names,
    )
