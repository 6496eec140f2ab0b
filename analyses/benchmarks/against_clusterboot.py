r"""How long does the stability of k-means groups take here, with fpc's `clusterboot` in R, and with scikit-learn's KMeans?

The same work three times: points in 5 groups by k-means with 20 starts, then 100 bootstrap samples (a point drawn twice counts
once) clustered again with 20 starts each, and for each of the 5 groups the Jaccard similarity with the group of the sample that
is most like it (Hennig 2007, https://doi.org/10.1016/j.csda.2006.11.025). In R:

    clusterboot(x, B = 100, bootmethod = "boot", clustermethod = kmeansCBI, krange = 5, runs = 20, count = FALSE)

k-means differs: R's is Hartigan & Wong's from random points; ours is Lloyd's from greedy k-means++, then Hartigan & Wong's
criterion for single points; scikit-learn's is Lloyd's from greedy k-means++. The points are one Gaussian cloud with correlated
features and no groups in it, which takes more rounds than clear groups do. `objective` is the sum of squares of the whole data:
less is better.

Each way runs in a process of its own and does the work twice. `first` and `again` are timed inside the process, after its
imports: the first time ours loads its compiled loops from disk and R compiles its own. `process` is the whole child, start,
imports and both times included; for one time only, `again` is taken off. The loops are compiled before the first round. All on
one thread.

Use: python analyses/benchmarks/against_clusterboot.py [--repetitions 5]. Without R and fpc it says so and ends.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measure import Timing, alternate, child, keep, least, load, paired, table

GROUPS, STARTS, RESAMPLES = 5, 20, 100
PROGRAM = f"""
suppressPackageStartupMessages(library(fpc))
x <- as.matrix(read.csv(commandArgs(TRUE)[1], header = FALSE))
set.seed(as.integer(commandArgs(TRUE)[2]))
for (time in 1:2) {{
  seconds <- system.time(found <- clusterboot(x, B = {RESAMPLES}, bootmethod = "boot", clustermethod = kmeansCBI,
                                              krange = {GROUPS}, runs = {STARTS}, count = FALSE))
  cat(seconds[["elapsed"]], seconds[["user.self"]] + seconds[["sys.self"]], "")
}}
cat(found$result$result$tot.withinss, mean(found$bootmean), "fpc", as.character(packageVersion("fpc")), "with",
    R.version.string, "\\n")
"""
WHAT = ("first", "again", "process")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def ours(points: np.ndarray) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    from integstat.peers.cluster.bulk import cluster_all

    return lambda members, rng: cluster_all(points, members, "kmeans", [GROUPS], rng, starts=STARTS)[0]


def scikit_learn(points: np.ndarray) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    from sklearn.cluster import KMeans

    def once(members: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        labels = np.zeros(len(points), dtype=int)
        fitted = KMeans(GROUPS, n_init=STARTS, random_state=int(rng.integers(2**31 - 1))).fit(points[members])
        labels[members] = fitted.labels_
        return labels

    return once


WAYS = {"ours": ours, "scikit-learn": scikit_learn}


def sum_of_squares(points: np.ndarray, labels: np.ndarray) -> float:
    return float(sum(((points[labels == j] - points[labels == j].mean(axis=0)) ** 2).sum() for j in np.unique(labels)))


def work(way: str, path: str, seed: int) -> None:
    """What a child of this script does: one line with seconds, objective and mean stability."""
    import time

    from integstat.peers.cluster.stability import jaccard_stability

    points, rng = np.loadtxt(path, delimiter=","), np.random.default_rng(seed)
    cluster_once = WAYS[way](points)
    for _ in range(2):
        wall, cpu = time.perf_counter(), time.process_time()
        labels = cluster_once(np.arange(len(points)), rng)
        stability = jaccard_stability(labels, cluster_once, RESAMPLES, rng)
        print(time.perf_counter() - wall, time.process_time() - cpu, end=" ")
    print(sum_of_squares(points, labels), stability.mean())


def simulated(cities: int, features: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.normal(size=(cities, features)) @ (np.eye(features) + 0.3 * rng.normal(size=(features, features)))


@dataclass(frozen=True)
class Said:
    """One child: its work the first time and again, the whole process with the work done once, and what came out."""

    first: Timing
    again: Timing
    process: Timing
    objective: float
    stability: float


class Runs:
    """Runs a way in a child, with a new seed each time, and keeps what the child said."""

    def __init__(self, rscript: str, folder: Path) -> None:
        self.points = str(folder / "points.csv")
        self.program = str(folder / "program.R")
        self.rscript = rscript
        self.said: dict[str, list[Said]] = {}
        self.version = ""

    def __call__(self, way: str) -> Timing:
        busy, seed = load(), str(len(self.said.setdefault(way, [])) + 1)
        start = [self.rscript, self.program] if way == "clusterboot" else [sys.executable, __file__, "--child", way]
        out, _, whole = child([*start, self.points, seed])
        numbers, version = [float(one) for one in out.split()[:6]], out.split()[6:]
        first, again = Timing(*numbers[:2], busy), Timing(*numbers[2:4], busy)
        once = Timing(whole.wall - again.wall, whole.cpu - again.cpu, busy)
        self.said[way].append(Said(first, again, once, *numbers[4:]))
        self.version = " ".join(version) or self.version
        return once


def report(runs: Runs) -> dict[str, Any]:
    seconds, ratios = [], {}
    timings = {way: {what: [getattr(one, what) for one in said] for what in WHAT} for way, said in runs.said.items()}
    for way, said in runs.said.items():
        own, other = timings["ours"], timings[way]
        ratios[way] = {f"{what}, {clock}": paired(other[what], own[what], clock) for what in WHAT for clock in ("cpu", "wall")}
        objective, stability = (float(np.mean([getattr(one, what) for one in said])) for what in ("objective", "stability"))
        times = [least(other[what], clock) for what in WHAT for clock in ("cpu", "wall")]
        seconds.append([way, *times, f"{objective:.2f}", f"{stability:.3f}"])
    print("\nSeconds (least)\n")
    print(table(["", *ratios["ours"], "objective", "mean Jaccard"], seconds))
    print("\nTimes ours (median of the paired ratios; above 1: ours is quicker)\n")
    print(table(["", *ratios["ours"]], [[way, *ratios[way].values()] for way in ratios if way != "ours"]))
    return {"ratios": ratios, "timings": timings, "version": runs.version}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cities", type=int, default=67)
    parser.add_argument("--features", type=int, default=22)
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    rscript = shutil.which("Rscript")
    if rscript is None or subprocess.run([rscript, "-e", "library(fpc)"], capture_output=True, check=False).returncode:
        print("Rscript with the package fpc is missing (in R: install.packages('fpc')): nothing to compare with.")
        return
    os.environ.update(dict.fromkeys(THREADS, "1"))
    before = load()
    with tempfile.TemporaryDirectory() as place:
        runs = Runs(rscript, Path(place))
        np.savetxt(runs.points, simulated(options.cities, options.features), delimiter=",", fmt="%.17g")
        Path(runs.program).write_text(PROGRAM, encoding="utf-8")
        runs("ours")
        runs.said.clear()
        ways = ("clusterboot", "ours", "scikit-learn")
        alternate({way: lambda way=way: runs(way) for way in ways}, options.repetitions)
    print(f"{options.cities} points, {options.features} features, {options.repetitions} repetitions, one thread each")
    print(f"{runs.version}; load {before:.1f} to {load():.1f}")
    print(f"\n{keep('against_clusterboot', vars(options), report(runs))}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        work(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
