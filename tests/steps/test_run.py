"""Every key is done once, kept as it arrives, and an error of one step is not the end of the others."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from pathlib import Path

import numpy as np
import pytest
from tests.steps.test_packing import spelled
from tests.steps.work import broken, deadly, environment, files, noted, refused, steps_of, tree_of

from integstat.errors import ConvergenceError, IntegstatError
from integstat.steps import Crew, Keeper, Memory, Step, Store, crew_for, in_process, missing, processes, run_steps

ROOT = Path(__file__).parents[2]
COUNT = 24
RUNNER = """
import sys
from pathlib import Path
from tests.steps.work import steps_of
from integstat.steps import Store, in_process, processes, run_steps

if __name__ == "__main__":
    folder, kind, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    with {"threads": in_process, "processes": processes}[kind](2) as crew:
        ran = run_steps(steps_of(count, 0.03), Store(folder), crew)
    print(ran.computed, ran.kept, len(ran.failed))
"""


def never() -> None:
    raise AssertionError("done although its key was known")


def test_each_key_is_done_once_by_eight_threads(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    steps = [Step(f"k{place % 7}", "", noted, (tmp_path / "log", place % 7)) for place in range(56)]
    store = Store(tmp_path / "kept")
    assert missing(steps, store) == 7
    for expected in ((7, 0), (0, 7)):
        with in_process(8) as crew:
            ran = run_steps(steps, store, crew)
        assert ((ran.computed, ran.kept), ran.failed) == (expected, {})
    assert missing(steps, store) == 0
    assert {path.name: path.read_text() for path in (tmp_path / "log").iterdir()} == {
        f"{seed}.log": "done\n" for seed in range(7)
    }


def test_what_is_read_is_what_the_work_returned(tmp_path: Path) -> None:
    for keeper in (Store(tmp_path), Memory()):
        with in_process(2) as crew:
            run_steps(steps_of(3), keeper, crew)
        for seed, step in enumerate(steps_of(3)):
            change = keeper.read(step.key)["posterior"]["change"].to_numpy()
            np.testing.assert_array_equal(change, tree_of(seed)["posterior"]["change"].to_numpy().astype(np.float32))


def test_of_steps_with_one_key_the_first_is_done() -> None:
    keeper = Memory()
    with in_process(1) as crew:
        ran = run_steps([Step("k", "first", tree_of, (1,)), Step("k", "second", never)], keeper, crew)
    assert ran.computed == 1
    assert keeper.read("k").attrs["seed"] == 1


def test_progress_counts_all_keys_and_estimates_what_is_left() -> None:
    keeper, told = Memory(), []
    steps = steps_of(6, 0.02)
    for step in steps[:2]:
        keeper.write(step.key, tree_of(0))
    with in_process(1) as crew:
        run_steps(steps, keeper, crew, lambda *given: told.append(given))
    assert [(step.name, done, total, kept) for step, done, total, kept, _ in told] == [
        (f"Nr. {place}", place + 1, 6, place < 2) for place in range(6)
    ]
    remaining = [one[-1] for one in told]
    assert all(math.isnan(one) for one in remaining[:2])
    assert all(0.02 * left <= one < 10 for left, one in zip((3, 2, 1), remaining[2:], strict=False))
    assert remaining[-1] == 0.0


@pytest.mark.parametrize("keeper", [None, Memory()], ids=["folder", "memory"])
def test_an_error_of_a_step_is_kept_and_ends_nothing_else(keeper: Keeper | None, tmp_path: Path) -> None:
    keeper = keeper or Store(tmp_path)
    steps = [Step("bad", "A1", refused, ("A1.all",)), *steps_of(3)]
    for expected in ((3, 0), (0, 3)):
        with in_process(2) as crew:
            ran = run_steps(steps, keeper, crew)
        assert (ran.computed, ran.kept) == expected
        assert list(ran.failed) == ["bad"]
        assert type(ran.failed["bad"]) is ConvergenceError
        assert str(ran.failed["bad"]) == ("A1.all: die Rechnung ist nicht zur Ruhe gekommen; bitte mehr Ziehungen einstellen.")
        steps[0] = Step("bad", "A1", never)  # known, so it is not tried again
    assert missing(steps, keeper) == 0


def test_a_mistake_in_the_code_ends_the_run_and_the_rest_is_not_begun(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    steps = [Step("bad", "", broken), *(Step(f"k{seed}", "", noted, (tmp_path / "log", seed)) for seed in range(50))]

    def run() -> None:
        with in_process(2) as crew:
            run_steps(steps, Store(tmp_path / "kept"), crew)

    with pytest.raises(ZeroDivisionError, match="a mistake in the code"):
        run()
    time.sleep(0.1)
    assert len(list((tmp_path / "log").iterdir())) <= 8  # what had been handed out
    assert not (tmp_path / "kept" / "bad.json").exists()


@pytest.mark.slow
def test_processes_give_the_same_bytes_and_one_that_is_killed_costs_its_own_step(tmp_path: Path) -> None:
    (tmp_path / "once").mkdir()
    steps = [*steps_of(8), Step("bad", "A1", refused, ("A1.all",))]
    once = Step("once", "", deadly, (tmp_path / "once", 2, 1))
    store, looks = Store(tmp_path / "processes"), Memory()
    with processes(2) as crew:
        ran = run_steps([once, *steps], store, crew)
        run_steps([Step("look", "", environment)], looks, crew)
    assert (ran.computed, ran.kept, list(ran.failed)) == (9, 0, ["bad"])
    assert spelled(store.read("once")) == spelled(store.read(steps[2].key))
    assert type(ran.failed["bad"]) is ConvergenceError
    assert looks.read("look").attrs["threads"] == "1"
    assert looks.read("look").attrs["process"] != os.getpid()
    with in_process(3) as crew:
        run_steps([once, *steps], Store(tmp_path / "threads"), crew)
    assert files(tmp_path / "processes") == files(tmp_path / "threads")
    assert len(files(tmp_path / "threads")) == 10


@pytest.mark.slow
def test_a_step_over_which_processes_die_is_named_and_not_kept(tmp_path: Path) -> None:
    (tmp_path / "marks").mkdir()
    always = Step("always", "A1 mit dieser Definition", deadly, (tmp_path / "marks", 1, 99))
    store = Store(tmp_path / "kept")
    with processes(2) as crew:
        ran = run_steps([always, *steps_of(8)], store, crew)
    assert (ran.computed, ran.kept, list(ran.failed)) == (8, 0, ["always"])
    assert str(ran.failed["always"]).startswith(
        "A1 mit dieser Definition: der Prozess, der diesen Schritt rechnet, ist wiederholt"
    )
    assert len(list((tmp_path / "marks").iterdir())) == 3
    assert missing([always], store) == 1  # another computer may do better


def test_a_mistake_in_a_process_is_shown_and_ends_the_others(tmp_path: Path) -> None:
    began = time.perf_counter()

    def run() -> None:
        with processes(2) as crew:
            run_steps([Step("slow", "", tree_of, (1, 60.0)), Step("bad", "", broken)], Store(tmp_path), crew)

    with pytest.raises(ZeroDivisionError, match="a mistake in the code"):
        run()
    assert time.perf_counter() - began < 30  # nobody waited for the slow one


class Cancelling(Executor):
    """Cancels whatever it is given, as a cluster does that has gone."""

    def submit(self, *given: object) -> Future[object]:
        future: Future[object] = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future


def test_a_step_cancelled_from_outside_is_told_so() -> None:
    with pytest.raises(IntegstatError, match=r"Nr\. \d: der Schritt wurde von außen abgebrochen; bitte"):
        run_steps(steps_of(2), Memory(), Crew(Cancelling(), lambda: 1))


@pytest.mark.parametrize(
    ("jobs", "missing_steps", "expected"),
    [(2, 5000, "ThreadPoolExecutor"), (8, 128, "ThreadPoolExecutor"), (8, 129, "_Processes")],
)
def test_few_steps_or_few_workers_do_not_repay_processes(jobs: int, missing_steps: int, expected: str) -> None:
    with crew_for(jobs, None, missing_steps) as crew:
        assert type(crew.pool).__name__ == expected
        assert crew.workers() == jobs


def killed_and_continued(folder: Path, kind: str, count: int, delays: list[float]) -> tuple[int, str]:
    """Run in a process of its own, killed again and again after so many seconds of work, then to the end.

    Returns how many had been kept before the last run, and what that one says.
    """
    arguments = [sys.executable, "-c", RUNNER, str(folder), kind, str(count)]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    for delay in delays:
        before = len(files(folder)) if folder.exists() else 0
        child = subprocess.Popen(arguments, env=environ, cwd=ROOT, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while child.poll() is None and (not folder.exists() or len(files(folder)) <= before) and time.monotonic() < end:
            time.sleep(0.002)
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=30)
    kept = len(files(folder))
    last = subprocess.run(arguments, env=environ, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    return kept, last.stdout.strip()


def undisturbed(folder: Path, count: int) -> dict[str, bytes]:
    with in_process(4) as crew:
        run_steps(steps_of(count), Store(folder), crew)
    return files(folder)


@pytest.mark.slow
def test_a_killed_run_continues_to_the_same_bytes(tmp_path: Path) -> None:
    kept, said = killed_and_continued(tmp_path / "kept", "threads", COUNT, [0.031])
    assert 1 <= kept < COUNT
    assert said == f"{COUNT - kept} {kept} 0"
    assert files(tmp_path / "kept") == undisturbed(tmp_path / "undisturbed", COUNT)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_a_run_killed_twenty_times_continues_to_the_same_bytes(kind: str, tmp_path: Path) -> None:
    delays = list(np.random.default_rng(6).uniform(0, 0.08, 20))
    kept, said = killed_and_continued(tmp_path / "kept", kind, 400, delays)
    assert 20 <= kept < 400
    assert said == f"{400 - kept} {kept} 0"
    assert files(tmp_path / "kept") == undisturbed(tmp_path / "undisturbed", 400)
