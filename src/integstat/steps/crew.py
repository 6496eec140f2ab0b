"""What steps are spread over: threads, processes, or (in `cluster`) other computers, all as executors."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from threading import Event, Lock, Thread, local
from typing import Any

_DEATHS = 3  # of workers over one step, after which the step is given up
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")

# The compiled loops of a fit, three quarters of its time, run beside each other in one process, so up to four threads do not
# stand in each other's way: 48 fits took 7.4 s on two cores, with two threads as with two processes that had been started.
# A process needs 2.5 s until its first fit. With more than four workers that is gained back after some 5 to 10 fits each.
_THREADS_AT_MOST = 4
_FEW = 16  # steps per worker


class Lost(Exception):
    """A step over which workers died too often."""


def _plain(future: Future[Any]) -> Any:
    return future.result()


@dataclass(frozen=True)
class Crew:
    """Workers for steps.

    Attributes
    ----------
    pool : concurrent.futures.Executor
    workers : callable
        How many steps run at the same time, now.
    result : callable
        The result of one of the pool's futures that is done. Raises what the step raised, `Lost` for a step over which workers
        died too often, and an IntegstatError where the crew itself has gone.
    """

    pool: Executor
    workers: Callable[[], int]
    result: Callable[[Future[Any]], Any] = _plain


def crew_for(jobs: int, address: str | None, missing: int) -> AbstractContextManager[Crew]:
    """Choose a crew.

    Parameters
    ----------
    jobs : int
        Steps at the same time on this computer.
    address : str or None
        Of a Dask scheduler, which takes all steps if there is one.
    missing : int
        How many steps there are to compute.
    """
    if address is not None:
        from integstat.steps.cluster import cluster

        return cluster(address)
    if jobs <= _THREADS_AT_MOST or missing <= _FEW * jobs:
        return in_process(jobs)
    return processes(jobs)


@contextmanager
def in_process(jobs: int) -> Iterator[Crew]:
    """Give threads; they start nothing more, and are not waited for, once something has gone wrong."""
    pool = ThreadPoolExecutor(jobs)
    try:
        yield Crew(pool, lambda: jobs)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


@contextmanager
def processes(jobs: int) -> Iterator[Crew]:
    """Give processes, each computing with one thread; they are ended once something has gone wrong.

    A process that dies is replaced, and its step done again; `Lost` if that happens three times over one step. As always
    with processes that are spawned, a script that calls this does its work under `if __name__ == "__main__"`.
    """
    pool = _Processes(jobs)
    try:
        yield Crew(pool, lambda: jobs)
    except BaseException:
        pool.end()
        raise
    pool.shutdown()


class _Process:
    """One process that does one step at a time: when it dies, that step is lost and no other."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_settle)
        self._id = self._pool.submit(os.getpid).result()
        self._one = Lock()

    def do(self, work: Callable[[], Any]) -> Any:
        return self._pool.submit(work).result()

    def leave(self) -> None:
        with self._one:  # a pool does not bear being shut down by two threads at once
            self._pool.shutdown()

    def end(self) -> None:
        """Stop at once.

        The pool is seen to its end: a broken one that is let go while it tidies up may block the exit of Python (3.13.0).
        """
        with suppress(ProcessLookupError):
            os.kill(self._id, signal.SIGTERM)
        self.leave()


class _Processes(Executor):
    """Threads that each look after a process of their own."""

    def __init__(self, jobs: int) -> None:
        self._threads = ThreadPoolExecutor(jobs)
        self._own = local()
        self._all: list[_Process] = []
        self._ending = Event()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._threads.submit(self._attend, partial(fn, *args, **kwargs))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        for process in self._all:
            process.leave()

    def end(self) -> None:
        """Stop at once."""
        self._ending.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in list(self._all):  # a copy: whoever looks after one that dies takes it out of the list
            process.end()

    def _attend(self, work: Callable[[], Any]) -> Any:
        for _ in range(_DEATHS):
            try:
                return self._process().do(work)
            except BrokenProcessPool:
                self._forget()
        raise Lost

    def _process(self) -> _Process:
        process: _Process | None = getattr(self._own, "process", None)
        if process is None and self._ending.is_set():
            raise CancelledError
        if process is None:
            self._own.process = process = _Process()
            self._all.append(process)
        if self._ending.is_set():  # asked after the process is in the list, so that it is ended from here or from there
            process.end()
            raise CancelledError
        return process

    def _forget(self) -> None:
        """Leave a dead process out: its number may soon be another's."""
        dead: _Process | None = getattr(self._own, "process", None)
        if dead is not None:
            self._all.remove(dead)
            self._own.process = None
            dead.leave()


def _settle() -> None:
    """Make a fresh process a worker: one thread, no interest in the keyboard, gone when its parent is."""
    from threadpoolctl import threadpool_limits

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))  # for libraries that are still to be loaded
    threadpool_limits(1)  # for the others
    Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
