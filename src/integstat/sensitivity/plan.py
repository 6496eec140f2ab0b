"""What has to be computed for the universes of a ring: partitions, fits, and the tasks that are answered from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version

import numpy as np
import xarray as xr

from integstat.catalogue import Catalogue
from integstat.change import NoCounts
from integstat.errors import IntegstatError
from integstat.findings import Baseline, FindingSettings
from integstat.findings.cells import Cities, cities_of
from integstat.panel import Context, Panel
from integstat.peers.build import build_partitions
from integstat.peers.kept import KeptPeers, from_tree, kept_peers, to_tree
from integstat.peers.settings import PeerSettings
from integstat.pipeline import baseline, fit_step, seed_of
from integstat.sensitivity.choices import Choices
from integstat.sensitivity.evaluate import Case, Task, has_level, lacking, yardstick_key
from integstat.sensitivity.settings import DECISIONS
from integstat.sensitivity.space import Space
from integstat.steps import Step, Store, digest, source_digest

_PACKAGES = ("numpy", "scipy", "scikit-learn", "numba", "pandas")  # another version may draw other numbers
Combo = tuple[int, ...]


@dataclass(frozen=True)
class Ring:
    """What all universes of a ring read.

    Attributes
    ----------
    panel : Panel
    context : Context or None
        None: no peer groups.
    catalogue : Catalogue
    years : tuple of int
    seed : int
    """

    panel: Panel
    context: Context | None
    catalogue: Catalogue
    years: tuple[int, ...]
    seed: int
    _parts: dict[tuple[str, ...], Panel] = field(default_factory=dict, repr=False, compare=False)
    _cities: dict[tuple[str, tuple[str, ...], str], Cities] = field(default_factory=dict, repr=False, compare=False)

    def without(self, cities: tuple[str, ...]) -> Panel:
        """Panel without these cities."""
        if not cities:
            return self.panel
        if cities not in self._parts:
            counts, names = self.panel.counts, self.panel.cities
            self._parts[cities] = Panel(counts[~counts["city"].isin(cities)], names[~names["city"].isin(cities)])
        return self._parts[cities]

    def cities(self, definition: str, leave_out: tuple[str, ...], settings: FindingSettings) -> Cities:
        """What is known of the cities about a definition."""
        place = (definition, leave_out, yardstick_key(settings))
        if place not in self._cities:
            self._cities[place] = cities_of(definition, self.without(leave_out), self.catalogue, self.years, settings)
        return self._cities[place]

    def peers_key(self, choices: Choices) -> str:
        """Key of the partitions that these choices ask for; empty where there are none."""
        return peers_key(self.context, choices.peers) if choices.peers is not None and self.context is not None else ""

    def delivered(self, indicator: str) -> list[str]:
        """Definitions of an indicator that came in, in the order of the catalogue."""
        here = set(self.panel.definitions)
        ids = [f"{indicator}.{one.id}" for one in self.catalogue.indicator(indicator).definition]
        return [one for one in ids if one in here and self.catalogue.kind(one) != "measure"]


@dataclass(frozen=True)
class Model:
    """One combination on the model axes, the others at the ring's own choice."""

    combo: Combo
    choices: Choices


@dataclass(frozen=True)
class Plan:
    """What one model takes for one indicator.

    Attributes
    ----------
    name : str
        The same for models that read the same fits and compare with the same peers.
    fits : dict of str to Step
        By definition.
    refused : dict of str to str
        Definitions without a fit, and why, in German.
    baseline : Baseline or None
    leave_out : tuple of str
    """

    name: str
    indicator: str
    fits: dict[str, Step]
    refused: dict[str, str]
    baseline: Baseline | None
    leave_out: tuple[str, ...]


def models_of(space: Space) -> tuple[list[Model], np.ndarray]:
    """Distinct combinations on the model axes, and which of them each universe has, shape (N,)."""
    taken = np.zeros_like(space.combos)
    taken[:, space.model_axes] = space.combos[:, space.model_axes]
    combos = [tuple(int(one) for one in row) for row in taken]
    known = {combo: i for i, combo in enumerate(dict.fromkeys(combos))}
    return [Model(combo, space.choices(combo)) for combo in known], np.array([known[combo] for combo in combos])


def peer_steps(models: Sequence[Model], context: Context | None) -> dict[str, Step]:
    """Partitions that the models need, by key."""
    out = {}
    if context is not None:
        for settings in (one.choices.peers for one in models if one.choices.peers is not None):
            key = peers_key(context, settings)
            out[key] = Step(key, "Vergleichsgruppen", peers_tree, (context, settings))
    return out


def peers_key(context: Context, settings: PeerSettings) -> str:
    """Digest of all that partitions depend on; where the groups alone matter, not whom the ring compares with."""
    same = settings.model_copy(update={"notion": "groups"})
    return digest("peers", context, same, _code())


@cache
def _code() -> str:
    return digest(source_digest("integstat.peers"), [version(name) for name in _PACKAGES])


def peers_tree(context: Context, settings: PeerSettings) -> xr.DataTree:
    """Groups and neighbours of a ring, as they are kept."""
    return to_tree(kept_peers(build_partitions(context, settings, settings.seed)))


def plan_of(
    model: Model,
    indicator: str,
    definitions: Sequence[str],
    ring: Ring,
    known: Mapping[str, KeptPeers],
    failed: Mapping[str, IntegstatError],
) -> Plan:
    """Plan the fits of an indicator's definitions under a model.

    Parameters
    ----------
    model : Model
    indicator : str
    definitions : sequence of str
        Those that some universe with this model takes.
    ring : Ring
    known : mapping of str to KeptPeers
        By `peers_key`.
    failed : mapping of str to IntegstatError
        Partitions that failed, by the same key.

    Notes
    -----
    The other definitions of the indicator are fitted too where cities that lack one are bridged from them.
    """
    choices, settings = model.choices, model.choices.change
    key = ring.peers_key(choices)
    if key in failed:
        reason = failed[key].sentence()
        return Plan(digest(key, model.combo), indicator, {}, dict.fromkeys(definitions, reason), None, choices.leave_out)
    peers, panel = known.get(key), ring.without(choices.leave_out)
    fits, refused = {}, {}
    for one in ring.delivered(indicator):
        try:
            fits[one] = fit_step(panel, one, ring.catalogue, ring.years, settings, peers, ring.seed)
        except NoCounts:
            refused[one] = "keine Stadt hat dafür eine Zahl der Zielgruppe geliefert"
    levels = {one: has_level(step.arguments[0].cities, step.arguments[0].n) for one, step in fits.items()}
    if not any(lacking(one, levels) for one in definitions):
        fits = {one: step for one, step in fits.items() if one in definitions}
    notion = choices.peers.notion if choices.peers is not None else "groups"
    name = digest(indicator, {one: step.key for one, step in fits.items()}, key, notion, choices.leave_out)
    return Plan(name, indicator, fits, refused, baseline(peers, notion), choices.leave_out)


@dataclass(frozen=True)
class Size:
    """How much there is to compute.

    Attributes
    ----------
    universes : int
    models : int
        Combinations on the model axes.
    partitions, fits : int
        Distinct ones. Before partitions are known, two of them that come out the same are counted twice.
    missing : int
        Fits that are not kept yet.
    exact : bool
        Whether all partitions are known.
    """

    universes: int
    models: int
    partitions: int
    fits: int
    missing: int
    exact: bool


def size_of(space: Space, ring: Ring, store: Store) -> Size:
    """Count what the universes of a ring take; computes nothing."""
    models, model_of = models_of(space)
    peers = peer_steps(models, ring.context)
    known = {key: from_tree(store.read(key)) for key in peers if store.sound(key)}
    fits: dict[tuple[str, str], bool] = {}
    for (place, indicator), definitions in definitions_by_model(space, model_of).items():
        model = models[place]
        plan = plan_of(model, indicator, definitions, ring, known, {})
        key = ring.peers_key(model.choices)
        for definition, step in plan.fits.items():
            scope = ring.catalogue.definition(definition)[1].scope
            open_ = f"{model.choices.change.peers} {key}" if key and key not in known and scope == "all_cities" else ""
            fits[step.key, open_] = not open_ and store.has(step.key)
    return Size(
        len(space.combos), len(models), len(peers), len(fits), sum(not one for one in fits.values()), len(known) == len(peers)
    )


def definitions_by_model(space: Space, model_of: np.ndarray) -> dict[tuple[int, str], list[str]]:
    """Definitions that some universe takes, by place of its model and indicator."""
    out = {}
    for indicator, ids in space.definitions.items():
        rows = space.rows(indicator)
        for place in np.unique(model_of[rows]):
            out[int(place), indicator] = [ids[slot] for slot in np.unique(space.slot[rows[model_of[rows] == place]])]
    return out


def question_of(settings: FindingSettings, base: FindingSettings) -> FindingSettings:
    """Return the settings without their decisions, which no probability depends on."""
    return settings.model_copy(update={name: getattr(base, name) for name in DECISIONS})


def task_of(plan: Plan, cases: Sequence[Case], ring: Ring, failed: Mapping[str, IntegstatError]) -> Task:
    """Put the cases of a plan, or of several that share its fits, into a task."""
    fits = {one: step.key for one, step in plan.fits.items() if step.key not in failed}
    cities = {
        (one, yardstick_key(case.findings)): ring.cities(one, plan.leave_out, case.findings) for one in fits for case in cases
    }
    return Task(fits, tuple(cases), cities, plan.baseline, ring.years, seed_of(ring.seed, "bridge"))
