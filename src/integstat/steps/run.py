"""Steps done once each, kept the moment they are done, whoever does them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

import xarray as xr

from integstat.errors import IntegstatError
from integstat.steps.crew import Crew, Lost
from integstat.steps.failure import Failure
from integstat.steps.packing import Packed, pack, unpack
from integstat.steps.store import Keeper

_AHEAD = 4  # steps handed out per worker: nobody waits for work, and little is on the way when something goes wrong


@dataclass(frozen=True)
class Step:
    """One piece of work.

    Attributes
    ----------
    key : str
        Digest of all that the result depends on.
    name : str
        For people.
    work : callable
        A function of a module, so that it can be found by name in other processes; returns a DataTree.
    arguments : tuple
        What pickle can send.
    """

    key: str
    name: str
    work: Callable[..., xr.DataTree]
    arguments: tuple[Any, ...] = ()


class Tell(Protocol):
    """Told after each step: how many of how many are done, whether this one had been kept, and how many seconds are left.

    The seconds are the mean time per computed step times the steps that are left; NaN while nothing has been computed.
    """

    def __call__(self, step: Step, done: int, total: int, kept: bool, remaining_seconds: float) -> None:
        """Tell."""


def tell_nobody(step: Step, done: int, total: int, kept: bool, remaining_seconds: float) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Ran:
    """What has been done; the three parts are all distinct keys.

    Attributes
    ----------
    computed : int
        Trees made now.
    kept : int
        Trees that were there.
    failed : dict of str to IntegstatError
        By key, in the order of the steps; whether it failed now or before.
    """

    computed: int
    kept: int
    failed: dict[str, IntegstatError]


def missing(steps: Iterable[Step], keeper: Keeper) -> int:
    """Count the distinct keys under which neither a tree nor an error is kept."""
    return sum(not _known(key, keeper) for key in {step.key for step in steps})


def run_steps(steps: Iterable[Step], keeper: Keeper, crew: Crew, tell: Tell = tell_nobody) -> Ran:
    """Do what is missing; afterwards `keeper` has a tree or a failure for every key.

    Parameters
    ----------
    steps : iterable of Step
        Of steps with the same key the first one is done.
    keeper : Keeper
        Only this process writes to it, each result as it arrives; a run that is killed loses no more than what is being computed.
    crew : Crew
        The results do not depend on it.
    tell : callable, optional

    Returns
    -------
    Ran
        An IntegstatError of a step ends that step alone. It is kept, unless it is that workers died over it too often: another
        computer may do better.

    Raises
    ------
    Exception
        Whatever else a step raises; steps that have not begun are cancelled.
    IntegstatError
        If the crew has gone.
    """
    distinct: dict[str, Step] = {}
    for step in steps:
        distinct.setdefault(step.key, step)
    run = _Run(list(distinct.values()), keeper, tell)
    run.look_up()
    run.compute(crew)
    failed = {step.key: run.failed[step.key] for step in run.steps if step.key in run.failed}
    return Ran(run.computed, run.kept, failed)


def attempt(work: Callable[..., xr.DataTree], arguments: tuple[Any, ...]) -> Packed | Failure:
    """Do a step where the worker is."""
    try:
        return pack(work(*arguments))
    except IntegstatError as error:
        return Failure.of(error)


def _known(key: str, keeper: Keeper) -> bool:
    return keeper.has(key) or keeper.failure(key) is not None


@dataclass
class _Run:
    """How far a run has come."""

    steps: list[Step]
    keeper: Keeper
    tell: Tell
    missing: deque[Step] = field(default_factory=deque)
    failed: dict[str, IntegstatError] = field(default_factory=dict)
    computed: int = 0
    kept: int = 0
    done: int = 0
    answered: int = 0
    began: float = 0.0

    def look_up(self) -> None:
        """Take what is kept."""
        for step in self.steps:
            if self.keeper.sound(step.key):
                self.kept += 1
            elif (error := self.keeper.failure(step.key)) is not None:
                self.failed[step.key] = error
            else:
                self.missing.append(step)
                continue
            self._told(step, kept=True)

    def compute(self, crew: Crew) -> None:
        """Have the rest done, and keep each result as it arrives."""
        self.began = time.perf_counter()
        running: dict[Future[Any], Step] = {}
        try:
            while self.missing or running:
                while self.missing and len(running) < _AHEAD * max(1, crew.workers()):
                    step = self.missing.popleft()
                    running[crew.pool.submit(attempt, step.work, step.arguments)] = step
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    self._take(running.pop(future), future, crew)
        except BaseException:
            for future in running:
                future.cancel()
            raise

    def _take(self, step: Step, future: Future[Any], crew: Crew) -> None:
        try:
            answer = crew.result(future)
        except Lost:
            self.failed[step.key] = IntegstatError(
                "der Prozess, der diesen Schritt rechnet, ist wiederholt abgebrochen",
                place=step.name,
                mend="bitte mit weniger Schritten zugleich oder mehr Arbeitsspeicher noch einmal starten",
            )
        except CancelledError as error:
            raise IntegstatError(
                "der Schritt wurde von außen abgebrochen",
                place=step.name,
                mend="bitte noch einmal starten; was fertig ist, bleibt",
            ) from error
        else:
            self._keep(step, answer)
        self.answered += 1
        self._told(step, kept=False)

    def _keep(self, step: Step, answer: Packed | Failure) -> None:
        if isinstance(answer, Failure):
            self.failed[step.key] = answer.error()
            self.keeper.fail(step.key, self.failed[step.key])
        else:
            self.keeper.write(step.key, unpack(answer))
            self.computed += 1

    def _told(self, step: Step, *, kept: bool) -> None:
        self.done += 1
        left = len(self.steps) - self.done
        each = (time.perf_counter() - self.began) / self.answered if self.answered else float("nan")
        self.tell(step, self.done, len(self.steps), kept, left * each)
