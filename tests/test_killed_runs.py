"""A run that is killed, or loses a worker, ends as if nothing had happened: the same files, byte for byte."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.steps.test_cluster import running

from integstat.catalogue import Catalogue
from integstat.simulate import simulate_ring, write_ring

CITIES, INDICATORS, KILLS = 9, 3, 20
QUICK = "[peers]\nresamples = 10\nclouds = 19\n"  # quick, not good


@pytest.fixture(scope="module")
def ring(shipped: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small ring with other definitions and the demo's other choices."""
    folder = tmp_path_factory.mktemp("ring")
    config = write_ring(simulate_ring(shipped, CITIES, INDICATORS, 7, others=True), shipped, folder, 7)
    config.write_text(config.read_text(encoding="utf-8").replace("[peers]\n", QUICK), encoding="utf-8")
    return config


def start(config: Path, out: Path, *options: str) -> subprocess.Popen[bytes]:
    """Begin, or go on with, the run as a process of its own group."""
    environ = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", "from integstat.cli import main; main()", "run", str(config), "--out", str(out), *options]
    return subprocess.Popen(command, env=environ, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> None:
    _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said.decode()


def results(out: Path) -> dict[str, str]:
    """Digest of every file of a run, what is kept included; of the manifest without what the clock says."""
    found = {}
    for path in sorted(one for one in out.rglob("*") if one.is_file()):
        content = path.read_bytes()
        if path.name == "manifest.json":
            told = json.loads(content)
            told["stages"] = {name: stage["status"] for name, stage in told["stages"].items()}
            content = json.dumps(told, sort_keys=True).encode()
        found[str(path.relative_to(out))] = hashlib.sha256(content).hexdigest()
    return found


@pytest.fixture(scope="module")
def undisturbed(ring: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files of a run that nobody disturbed."""
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    finish(start(ring, out))
    return results(out)


def files_of(out: Path) -> int:
    """How far a run has come, in whole files."""
    return sum(not one.name.startswith(".") for one in out.rglob("*") if one.is_file()) if out.exists() else 0


def killed_after(config: Path, out: Path, count: int, seconds: float) -> bool:
    """Go on with a run and kill it so many seconds after it has written so many files; whether it was still running."""
    process = start(config, out)
    end = time.monotonic() + 300
    while process.poll() is None and files_of(out) < count and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(seconds)
    running_still = process.poll() is None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    return running_still


@pytest.mark.slow
def test_killed_at_twenty_moments_and_continued(ring: Path, undisturbed: dict[str, str], tmp_path: Path) -> None:
    moments, killed, turn = random.Random(6), 0, 0
    while killed < KILLS:
        out = tmp_path / f"{turn}"
        while (here := files_of(out)) < len(undisturbed) - 2:
            hit = killed_after(ring, out, moments.randint(here + 1, len(undisturbed) - 1), moments.uniform(0, 0.3))
            killed += hit
            if not hit:
                break
        finish(start(ring, out))
        assert results(out) == undisturbed
        turn += 1


@pytest.mark.slow
def test_a_cluster_gives_the_same_bytes_though_one_of_two_workers_is_killed(
    ring: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with running(tmp_path / "computers") as computers:
        victim, _ = computers.worker(), computers.worker()
        process = start(ring, out, "--dask", computers.address)
        kept = out / ".steps"
        end = time.monotonic() + 300
        while len(list(kept.glob("*.npz"))) < 20 and time.monotonic() < end and process.poll() is None:
            time.sleep(0.02)
        assert process.poll() is None
        victim.kill()
        finish(process)
    assert results(out) == undisturbed
