"""Simulated data and side-by-side timing for the benchmarks of this folder."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parents[2] / "results" / "benchmarks"
PEERS, LAENDER = 4, 3


@dataclass(frozen=True)
class Timing:
    """Seconds of one run: on the clock, and of all threads together; `load` is the machine's load average when it began."""

    wall: float
    cpu: float
    load: float


def ring(cities: int, base: float, *, grouped: bool = True, seed: int = 1) -> Any:
    """Counts of one share in two groups and two years, drawn from the change model.

    Parameters
    ----------
    cities : int
    base : float
        Median of the bases; they differ between cities with a log-SD of 0.5.
    grouped : bool
        Whether the fit is told of the four peer groups and three Länder that are in the truth.
    seed : int

    Returns
    -------
    integstat.change.ChangeData
    """
    from integstat.change import ChangeData
    from integstat.simulate import Parameters, draw_truth

    rng = np.random.default_rng(seed)
    truth = Parameters(
        level=np.array([-1.4, -2.2]),
        shift=np.array([0.1, 0.05]),
        sd_mean=np.array([0.35, 0.35]),
        sd_change=np.array([0.2, 0.15]),
        corr_mean=0.5,
        corr_change=0.5,
        sd_peer_level=0.15,
        sd_peer_change=0.05,
        sd_land_change=0.05,
        lasting_share=0.4,
    )
    spread = rng.lognormal(0, 0.5, (cities, 2, 1)) * rng.lognormal(0, 0.02, (cities, 2, 2))
    peers, land = np.arange(cities) % PEERS, np.arange(cities) % LAENDER
    drawn = draw_truth(truth, np.maximum(np.round(base * spread), 3), "logit", rng, peers=peers, land=land)
    return ChangeData(
        definition="simulated.share",
        kind="share",
        cities=tuple(f"{91 + land[c]}{c + 1:05d}" for c in range(cities)),
        groups=("target", "reference"),
        years=(2020, 2021),
        y=drawn.y,
        n=drawn.n,
        peers=peers if grouped else None,
        peer_names=tuple("abcd") if grouped else (),
        land=tuple(str(91 + one) for one in land) if grouped else None,
    )


def load() -> float:
    """Processes that ran or waited during the last minute, on average."""
    return os.getloadavg()[0]


def timed(work: Callable[[], Any]) -> tuple[Any, Timing]:
    """Run once; return the result and its seconds."""
    busy, wall, cpu = load(), time.perf_counter(), time.process_time()
    result = work()
    return result, Timing(time.perf_counter() - wall, time.process_time() - cpu, busy)


def child(command: Sequence[str]) -> tuple[str, str, Timing]:
    """Run a command to its end; return its two outputs and its seconds, those of its own children included."""
    before, busy, wall = resource.getrusage(resource.RUSAGE_CHILDREN), load(), time.perf_counter()
    done = subprocess.run(list(command), capture_output=True, text=True, check=False)
    seconds, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, done.stderr, Timing(seconds, cpu, busy)


def alternate(work: Mapping[str, Callable[[], Timing]], repetitions: int) -> dict[str, list[Timing]]:
    """Run all in turn, every other round backwards, so that a busy moment meets each of them."""
    out: dict[str, list[Timing]] = {name: [] for name in work}
    for round_ in range(repetitions):
        for name in list(work) if round_ % 2 == 0 else list(work)[::-1]:
            out[name].append(work[name]())
    return out


def paired(above: Sequence[Timing], below: Sequence[Timing], what: str = "wall") -> float:
    """Median over the rounds of the ratio of two timings of the same round."""
    return statistics.median(getattr(a, what) / getattr(b, what) for a, b in zip(above, below, strict=True))


def least(timings: Sequence[Timing], what: str = "wall") -> float:
    """Least of several timings: what the work costs when nobody disturbs it."""
    return min(getattr(one, what) for one in timings)


def median(timings: Sequence[Timing], what: str = "wall") -> float:
    """Median of several timings."""
    return statistics.median(getattr(one, what) for one in timings)


def table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns in line, numbers with three figures."""
    cells = [list(titles), *([_shown(cell) for cell in row] for row in rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(titles))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)


def _shown(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return str(cell)


def keep(name: str, options: Mapping[str, Any], found: Mapping[str, Any]) -> Path:
    """Write what was found, with the machine it was found on, to `results/benchmarks/NAME.json`."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    content = {
        "benchmark": name,
        "options": dict(options),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "load": list(os.getloadavg()),
        **found,
    }
    path.write_text(json.dumps(content, indent=1, default=_plain) + "\n", encoding="utf-8")
    return path


def _plain(value: Any) -> Any:
    return asdict(value) if isinstance(value, Timing) else float(value)
