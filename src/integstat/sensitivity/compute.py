"""From the universes of a ring to the probability of every event in each of them: every distinct fit once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from integstat.change.settings import Priors
from integstat.errors import IntegstatError
from integstat.findings import FindingSettings
from integstat.findings.frame import EVENTS
from integstat.peers.kept import from_tree
from integstat.sensitivity.evaluate import LASTING_DOUBT, Case, evaluate
from integstat.sensitivity.plan import (
    Model,
    Plan,
    Ring,
    definitions_by_model,
    models_of,
    peer_steps,
    plan_of,
    question_of,
    task_of,
)
from integstat.sensitivity.space import Space
from integstat.steps import Crew, Ran, Step, Store, in_process, missing, processes, run_steps

_FEW = 8  # tasks per process that repay its start; turning fits into probabilities is not compiled, so threads would queue
COLUMNS = (*dict.fromkeys(EVENTS.values()), "p_lasting")
ELIGIBLE = ("eligible", "eligible_gap", "eligible_absolute")
_Key = tuple[str, float, float, int]  # definition, prior of what lasts, question
_Told = dict[tuple[str, _Key], dict[str, np.ndarray]]  # by name of a plan and case
_Failed = dict[tuple[str, _Key], str]
CrewFor = Callable[[int], AbstractContextManager[Crew]]  # a crew for so many missing steps


class Tell(Protocol):
    """Told how far it has come: what is being done, how many of how many, and how many seconds are left (NaN: unknown)."""

    def __call__(self, what: str, done: int, total: int, remaining_seconds: float) -> None:
        """Tell."""


def tell_nobody(what: str, done: int, total: int, remaining_seconds: float) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Answers:
    """What every universe of one indicator says, before words.

    Attributes
    ----------
    indicator : str
    rows : ndarray of int, shape (U,)
        Places in the space.
    definition : tuple of str, length U
    cells : dict of str to ndarray, shape (U, C)
        `COLUMNS` and `LASTING_DOUBT`, NaN where not estimable, and `ELIGIBLE`.
    applies : ndarray of bool, shape (U, C)
        False where a universe leaves the city out.
    reason : tuple of str, length U
        Why a universe failed, in German; empty where it did not.
    """

    indicator: str
    rows: np.ndarray
    definition: tuple[str, ...]
    cells: dict[str, np.ndarray]
    applies: np.ndarray
    reason: tuple[str, ...]


@dataclass(frozen=True)
class Computed:
    """Answers by indicator, and what it took: partitions and fits computed, kept and failed."""

    answers: dict[str, Answers]
    peers: Ran
    fits: Ran


def compute(space: Space, ring: Ring, store: Store, crew_for: CrewFor, tell: Tell, *, jobs: int = 2) -> Computed:
    """Compute all universes of a ring.

    Parameters
    ----------
    space : Space
    ring : Ring
    store : Store
        Where partitions and fits are kept.
    crew_for : callable
        Results do not depend on it.
    tell : callable
    jobs : int
        Threads that turn fits into probabilities.

    Notes
    -----
    A fit is shared by all universes whose data, partition and priors are the same; what lasts, questions and decisions need none
    of their own. A fit that fails makes its universes fail, with the reason, and ends nothing else.
    """
    models, model_of = models_of(space)
    peers = peer_steps(models, ring.context)
    peers_ran = _run(list(peers.values()), store, crew_for, partial(tell, "Vergleichsgruppen"))
    known = {key: from_tree(store.read(key)) for key in peers if key not in peers_ran.failed}
    plans = {
        (place, indicator): plan_of(models[place], indicator, definitions, ring, known, peers_ran.failed)
        for (place, indicator), definitions in definitions_by_model(space, model_of).items()
    }
    fits_ran = _run([step for plan in plans.values() for step in plan.fits.values()], store, crew_for, partial(tell, "Modelle"))
    places = {one: _places(one, space, models, model_of, plans) for one in space.definitions}
    told, failed = _answer([one for where in places.values() for one in where], ring, store, fits_ran, jobs, tell)
    answers = {one: _assemble(one, where, space, ring, told, failed, fits_ran) for one, where in places.items()}
    return Computed(answers, peers_ran, fits_ran)


def _run(steps: Sequence[Step], store: Store, crew_for: CrewFor, tell: Callable[[int, int, float], None]) -> Ran:
    def after(step: Step, done: int, total: int, kept: bool, remaining_seconds: float) -> None:
        tell(done, total, remaining_seconds)

    with crew_for(missing(steps, store)) as crew:
        return run_steps(steps, store, crew, after)


@dataclass(frozen=True)
class _Place:
    """Where the answer of a universe is found: the plan, and its case there."""

    plan: Plan
    key: _Key
    case: Case


def _places(
    indicator: str, space: Space, models: Sequence[Model], model_of: np.ndarray, plans: Mapping[tuple[int, str], Plan]
) -> list[_Place]:
    """Places of the universes of an indicator, in the order of its rows."""
    asked, questions = _questions(space)
    known: dict[tuple[int, str], Priors] = {}
    out = []
    for row in space.rows(indicator):
        definition = space.definitions[indicator][space.slot[row]]
        model = int(model_of[row])
        if (model, definition) not in known:
            known[model, definition] = models[model].choices.change.for_definition(definition).priors
        priors = known[model, definition]
        key = (definition, priors.lasting_a, priors.lasting_b, int(asked[row]))
        out.append(_Place(plans[model, indicator], key, Case(definition, priors, questions[asked[row]])))
    return out


def _questions(space: Space) -> tuple[np.ndarray, list[FindingSettings]]:
    """Which question each universe asks, shape (N,), and the questions."""
    places = [i for i, axis in enumerate(space.axes) if axis.sort == "question"]
    combos = np.zeros_like(space.combos)
    combos[:, places] = space.combos[:, places]
    distinct, asked = np.unique(combos, axis=0, return_inverse=True)
    settings = [space.choices([int(one) for one in combo]).findings for combo in distinct]
    return asked.ravel(), [question_of(one, space.base.findings) for one in settings]


def _answer(places: Sequence[_Place], ring: Ring, store: Store, fits: Ran, jobs: int, tell: Tell) -> tuple[_Told, _Failed]:
    """Answer every distinct case of every distinct plan once; also why, where that failed."""
    plans = {one.plan.name: one.plan for one in places}
    cases: dict[str, dict[_Key, Case]] = {name: {} for name in plans}
    for one in places:
        step = one.plan.fits.get(one.case.definition)
        if step is not None and step.key not in fits.failed:
            cases[one.plan.name][one.key] = one.case
    wanted = {name: known for name, known in cases.items() if known}
    told: _Told = {}
    failed: _Failed = {}
    with processes(jobs) if len(wanted) > _FEW * jobs and jobs > 1 else in_process(jobs) as crew:
        running = {
            name: crew.pool.submit(
                evaluate, task_of(plans[name], list(known.values()), ring, fits.failed), store.folder, ring.catalogue
            )
            for name, known in wanted.items()
        }
        for done, (name, future) in enumerate(running.items(), start=1):
            try:
                told |= {(name, key): cells for key, cells in zip(wanted[name], future.result(), strict=True)}
            except (IntegstatError, ArithmeticError, ValueError) as error:  # LinAlgError is a ValueError
                reason = error.sentence() if isinstance(error, IntegstatError) else f"die Auswertung ist gescheitert: {error}"
                failed |= {(name, key): reason for key in wanted[name]}
            tell("Rechenwege", done, len(running), float("nan"))
    return told, failed


def _assemble(
    indicator: str, places: Sequence[_Place], space: Space, ring: Ring, told: _Told, failed: _Failed, fits: Ran
) -> Answers:
    """Put the answers of all universes of an indicator under each other, for the cities of the whole ring."""
    cities = ring.panel.cities["city"].to_numpy(str)
    shape = (len(places), len(cities))
    cells = {name: np.full(shape, np.nan) for name in (*COLUMNS, LASTING_DOUBT)} | {
        name: np.zeros(shape, dtype=bool) for name in ELIGIBLE
    }
    applies, reasons = np.ones(shape, dtype=bool), []
    for u, one in enumerate(places):
        applies[u] = ~np.isin(cities, one.plan.leave_out)
        found = told.get((one.plan.name, one.key))
        reasons.append("" if found is not None else failed.get((one.plan.name, one.key)) or _reason(one, fits))
        if found is not None:
            for name, values in cells.items():
                values[u, applies[u]] = found[name]
    definition = tuple(one.case.definition for one in places)
    return Answers(indicator, space.rows(indicator), definition, cells, applies, tuple(reasons))


def _reason(one: _Place, fits: Ran) -> str:
    """Why a universe has no answer."""
    definition = one.case.definition
    if definition in one.plan.refused:
        return one.plan.refused[definition]
    return fits.failed[one.plan.fits[definition].key].sentence()
