"""Work for steps, in a module of its own so that other processes find it by name."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
import xarray as xr

from integstat.errors import ConvergenceError
from integstat.steps import Step, digest


def tree_of(seed: int, seconds: float = 0.0) -> xr.DataTree:
    """A small posterior that depends on the seed alone."""
    time.sleep(seconds)
    draws = np.random.default_rng(seed).standard_normal((1, 40, 3))
    posterior = xr.Dataset({"change": (("chain", "draw", "city"), draws)}, coords={"city": ["01001", "01002", "01003"]})
    tree = xr.DataTree.from_dict({"posterior": posterior})
    tree.attrs = {"seed": seed, "rhat": float("nan")}
    return tree


def noted(folder: Path, seed: int) -> xr.DataTree:
    """The same, and a line in a file for every time it is done."""
    with (folder / f"{seed}.log").open("a") as log:
        log.write("done\n")
    return tree_of(seed, 0.01)


def refused(place: str) -> xr.DataTree:
    raise ConvergenceError("die Rechnung ist nicht zur Ruhe gekommen", place=place, mend="bitte mehr Ziehungen einstellen")


def broken() -> xr.DataTree:
    raise ZeroDivisionError("a mistake in the code")


def deadly(folder: Path, seed: int, times: int) -> xr.DataTree:
    """The process that does this is killed the first so many times."""
    marks = len(list(folder.iterdir()))
    if marks < times:
        (folder / str(marks)).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return tree_of(seed)


def environment() -> xr.DataTree:
    """What the process looks like, as attributes."""
    tree = xr.DataTree()
    tree.attrs = {"process": os.getpid(), "threads": os.environ.get("OMP_NUM_THREADS", "")}
    return tree


def steps_of(count: int, seconds: float = 0.0) -> list[Step]:
    return [Step(digest("tree", seed), f"Nr. {seed}", tree_of, (seed, seconds)) for seed in range(count)]


def files(folder: Path) -> dict[str, bytes]:
    """All whole files of a store."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}
