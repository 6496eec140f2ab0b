"""The same steps on a Dask cluster: a real scheduler and real workers, each a process of its own, on the loopback address."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import pytest
from distributed import LocalCluster
from tests.steps.work import broken, deadly, files, refused, steps_of

from integstat.errors import ConvergenceError, IntegstatError, UsageError
from integstat.steps import Memory, Step, Store, crew_for, in_process, run_steps
from integstat.steps import cluster as cluster_module
from integstat.steps.cluster import Stranger, cluster, fingerprint, on_worker

ROOT = Path(__file__).parents[2]
OTHER = """
import sys
from integstat.steps import cluster
cluster._PACKAGES = ()
from distributed.cli.dask_worker import main
main(sys.argv[1:])
"""


def start(folder: Path, *arguments: str) -> tuple[subprocess.Popen[bytes], Path]:
    """A process that writes what it has to say into a file."""
    log = folder / f"{len(list(folder.iterdir()))}.log"
    environ = os.environ | {"PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__WORKER__DAEMON": "False"}
    with log.open("wb") as said:
        return subprocess.Popen([sys.executable, *arguments], env=environ, cwd=folder, stdout=said, stderr=said), log


def said(log: Path, pattern: str) -> str:
    """What the first group of the pattern finds in a log, once it is there."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if found := re.search(pattern, log.read_text()):
            return found[1]
        time.sleep(0.02)
    raise AssertionError(log.read_text())


class Computers:
    """A scheduler and its workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.all: list[subprocess.Popen[bytes]] = []
        ran = ("-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        scheduler, log = start(folder, *ran)
        self.all.append(scheduler)
        self.address = said(log, r"Scheduler at:\s+(tcp://127\.0\.0\.1:\d+)")

    def worker(self, *command: str) -> subprocess.Popen[bytes]:
        """Start one more."""
        options = (self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard")
        process, _ = start(self.folder, *(command or ("-m", "dask", "worker")), *options)
        self.all.append(process)
        return process


@contextmanager
def running(folder: Path) -> Iterator[Computers]:
    folder.mkdir()
    computers = Computers(folder)
    try:
        yield computers
    finally:
        for process in reversed(computers.all):
            process.kill()
            process.wait(timeout=30)


@pytest.fixture
def computers(tmp_path: Path) -> Iterator[Computers]:
    with running(tmp_path / "computers") as found:
        yield found


def local(folder: Path, steps: list[Step]) -> dict[str, bytes]:
    with in_process(2) as crew:
        run_steps(steps, Store(folder), crew)
    return files(folder)


def test_a_cluster_gives_the_same_bytes(tmp_path: Path) -> None:
    steps = [*steps_of(12), Step("bad", "A1", refused, ("A1.all",))]
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as inside:
        with crew_for(8, inside.scheduler_address, 9999) as crew:
            assert crew.workers() == 2
            ran = run_steps(steps, Store(tmp_path / "cluster"), crew)
        with pytest.raises(ZeroDivisionError, match="a mistake in the code"), cluster(inside.scheduler_address) as crew:
            run_steps([Step("bad", "", broken), *steps_of(3)], Memory(), crew)
    assert (ran.computed, ran.kept, list(ran.failed)) == (12, 0, ["bad"])
    assert type(ran.failed["bad"]) is ConvergenceError
    assert files(tmp_path / "cluster") == local(tmp_path / "local", steps)


def test_without_the_package_the_user_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        UsageError, match=r'--dask: für .* fehlt das Paket distributed; bitte mit pip install "integstat\[dask\]"'
    ):
        crew_for(2, "tcp://127.0.0.1:1", 5).__enter__()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "127.0.0.1:1", "nothing://here"])
def test_where_nobody_answers_the_user_is_told_the_address(address: str) -> None:
    with pytest.raises(UsageError, match=f"--dask {address}: unter dieser Adresse antwortet kein Dask-Scheduler; bitte"):
        cluster(address, 0.3).__enter__()


def test_a_worker_that_computes_with_something_else_is_told_apart() -> None:
    own = fingerprint()
    assert on_worker(own, lambda: 5) == 5
    other = own | {"numpy": "1.0"}
    assert on_worker(other, lambda: 5) == Stranger(own)
    future: Future[object] = Future()
    future.set_result(Stranger({**other, "Quellen von integstat": "0"}))
    with pytest.raises(UsageError) as caught:
        cluster_module._result("tcp://here:1", future)
    assert str(caught.value) == (
        "--dask tcp://here:1: ein Worker rechnet mit einem anderen Stand: "
        f"Quellen von integstat, numpy 1.0 statt {own['numpy']}; "
        "bitte auf allen Rechnern denselben Stand installieren und die Worker neu starten."
    )


def test_nobody_loads_distributed_without_asking_for_it() -> None:
    script = "import sys, integstat.steps, integstat.cli; print('distributed' in sys.modules, 'dask' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "False False\n"


@pytest.mark.slow
def test_a_worker_killed_half_way_costs_nothing_but_time(computers: Computers, tmp_path: Path) -> None:
    steps = [*steps_of(30, 0.05), Step("bad", "A1", refused, ("A1.all",))]
    first, _ = computers.worker(), computers.worker()

    def kill_one(step: Step, done: int, *rest: object) -> None:
        if done == 10:
            first.send_signal(signal.SIGKILL)

    with cluster(computers.address) as crew:
        while crew.workers() < 2:
            time.sleep(0.02)
        ran = run_steps(steps, Store(tmp_path / "cluster"), crew, kill_one)
        assert crew.workers() == 1
    assert first.wait(timeout=30) == -signal.SIGKILL
    assert (ran.computed, ran.kept, list(ran.failed)) == (30, 0, ["bad"])
    assert type(ran.failed["bad"]) is ConvergenceError
    assert files(tmp_path / "cluster") == local(tmp_path / "local", steps)


@pytest.mark.slow
def test_a_scheduler_without_a_worker_is_told(computers: Computers) -> None:
    with pytest.raises(
        UsageError, match="der Dask-Scheduler hat keinen Worker; bitte mindestens einen starten: dask worker tcp://"
    ):
        cluster(computers.address, 1.0).__enter__()


@pytest.mark.slow
def test_a_worker_that_computes_with_something_else_is_refused_when_the_run_begins(computers: Computers) -> None:
    computers.worker("-c", OTHER)
    with pytest.raises(UsageError, match=r"--dask tcp://\S+: ein Worker rechnet mit einem anderen Stand: numpy fehlt statt"):
        cluster(computers.address).__enter__()


@pytest.mark.slow
def test_a_worker_that_joins_later_is_looked_at_too(computers: Computers, tmp_path: Path) -> None:
    computers.worker()
    store = Store(tmp_path / "kept")

    def join(step: Step, done: int, *rest: object) -> None:
        if done == 1:
            computers.worker("-c", OTHER)

    def run() -> None:
        with cluster(computers.address) as crew:
            run_steps(steps_of(400, 0.1), store, crew, join)

    with pytest.raises(UsageError, match="ein Worker rechnet mit einem anderen Stand: numpy fehlt statt"):
        run()
    kept = files(tmp_path / "kept")
    assert 1 <= len(kept) < 400
    whole = local(tmp_path / "local", steps_of(400))
    assert kept.items() <= whole.items()


@pytest.mark.slow
def test_a_scheduler_that_goes_away_ends_the_run_and_leaves_what_is_done(computers: Computers, tmp_path: Path) -> None:
    computers.worker()

    def kill(step: Step, done: int, *rest: object) -> None:
        if done == 3:
            computers.all[0].kill()

    def run() -> None:
        with cluster(computers.address, 3.0) as crew:
            run_steps(steps_of(30, 0.05), Store(tmp_path / "kept"), crew, kill)

    with pytest.raises(IntegstatError, match="bitte noch einmal starten; was fertig ist, bleibt"):
        run()
    assert 3 <= len(files(tmp_path / "kept")) < 30


@pytest.mark.slow
def test_a_step_over_which_workers_die_is_named_and_the_others_are_done(computers: Computers, tmp_path: Path) -> None:
    (tmp_path / "marks").mkdir()
    for _ in range(6):
        computers.worker()
    deadly_step = Step("deadly", "A1 mit dieser Definition", deadly, (tmp_path / "marks", 1, 99))
    with cluster(computers.address) as crew:
        while crew.workers() < 6:
            time.sleep(0.02)
        ran = run_steps([deadly_step, *steps_of(5)], Memory(), crew)
    assert (ran.computed, list(ran.failed)) == (5, ["deadly"])
    assert ran.failed["deadly"].place == "A1 mit dieser Definition"
    assert len(list((tmp_path / "marks").iterdir())) == 4
