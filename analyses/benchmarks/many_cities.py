"""How do time and memory grow with the number of cities?

One indicator, two groups, two years, peer groups and Länder, 1,000 draws with `laplace`. Each size runs in a process of its
own, which first loads everything for a small ring; sizes take turns, so that a busy moment meets each of them. Memory is the
largest resident set of the process so far, imports included, taken after three steps:

- the fit: all draws of all parameters held;
- estimands streamed: computed from a hundred draws at a time, of which mean, SD and probability of plus are kept for each city;
- estimands whole: all draws of all estimands held beside the posterior, in double precision.

The seconds are those of the fit and of the streamed estimands.

Use: python analyses/benchmarks/many_cities.py [--sizes 80,400,2000,10000] [--repetitions 2]
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import sys
from typing import Any

import numpy as np
import xarray as xr
from measure import Timing, alternate, child, keep, least, load, median, ring, table, timed

BASE = 9000.0
AT_ONCE = 100


def streamed(tree: xr.DataTree) -> dict[str, np.ndarray]:
    """Mean, SD and probability of plus of every estimand; shape (3, C) each."""
    from integstat.findings.estimands import estimands

    draws = tree["posterior"].sizes["draw"]
    sums: dict[str, np.ndarray] = {}
    for begin in range(0, draws, AT_ONCE):
        part = tree.copy()
        part["posterior"] = xr.DataTree(tree["posterior"].to_dataset().isel(draw=slice(begin, begin + AT_ONCE)))
        found = estimands(part, 1, 100.0)
        for field in dataclasses.fields(found):
            values = getattr(found, field.name)
            if isinstance(values, np.ndarray):
                own = np.stack([values.sum(axis=0), (values**2).sum(axis=0), (values > 0).sum(axis=0)])
                sums[field.name] = sums.get(field.name, 0.0) + own
    for total in sums.values():
        total /= draws
        total[1] = np.sqrt(np.maximum(total[1] - total[0] ** 2, 0.0))
    return sums


def peak() -> float:
    """Largest resident memory of this process so far, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def one_size(cities: int, draws: int, cores: int, times: int) -> dict[str, Any]:
    """Fit in this process, after a small ring for which everything was loaded."""
    from integstat.change import ChangeSettings, fit
    from integstat.findings.estimands import estimands

    settings = ChangeSettings(engine="laplace", draws=draws)
    streamed(fit(ring(40, BASE), settings, 1, cores=cores))
    out: dict[str, Any] = {"imports": peak(), "fit": [], "streamed": []}
    data = ring(cities, BASE)
    for _ in range(times):
        tree, timing = timed(lambda: fit(data, settings, 1, cores=cores))
        out["fit"].append(timing.__dict__)
        out.setdefault("after_fit", peak())
        out["streamed"].append(timed(lambda tree=tree: streamed(tree))[1].__dict__)
        out.setdefault("after_streamed", peak())
    out |= {name: tree.attrs[name] for name in ("form", "pareto_k", "effective")}
    estimands(tree, 1, 100.0)
    return out | {"after_whole": peak()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="80,400,2000,10000", help="numbers of cities; the first is the yardstick")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=2, help="processes of each size")
    parser.add_argument("--one", type=int, default=0, metavar="CITIES", help="only this size, in this process, as JSON")
    options = parser.parse_args()
    if options.one:
        times = max(1, min(8, 2000 // options.one))
        print(json.dumps(one_size(options.one, options.draws, options.cores, times)))
        return
    before, sizes = load(), [int(size) for size in options.sizes.split(",")]
    runs: dict[int, list[dict[str, Any]]] = {size: [] for size in sizes}

    def run(size: int) -> Timing:
        command = [sys.executable, __file__, "--one", str(size), "--draws", str(options.draws), "--cores", str(options.cores)]
        out, _, timing = child(command)
        runs[size].append(json.loads(out))
        return timing

    child([sys.executable, __file__, "--one", "40"])  # leaves the compile cache warm: compiling takes memory too
    alternate({str(size): lambda size=size: run(size) for size in sizes}, options.repetitions)
    rows: list[list[object]] = []
    found = []
    for size in sizes:
        parts = {name: [Timing(**one) for entry in runs[size] for one in entry[name]] for name in ("fit", "streamed")}
        both = [Timing(a.wall + b.wall, a.cpu + b.cpu, a.load) for a, b in zip(*parts.values(), strict=True)]
        own = {"cities": size, "wall": least(both), "wall_median": median(both), "cpu": least(both, "cpu")}
        own |= {
            name: max(entry[name] for entry in runs[size]) for name in ("imports", "after_fit", "after_streamed", "after_whole")
        }
        first = found[0] if found else own
        own["relative_wall"] = own["wall"] / size / (first["wall"] / first["cities"])
        own["relative_cpu"] = own["cpu"] / size / (first["cpu"] / first["cities"])
        found.append(own | {"runs": runs[size]})
        last = runs[size][0]
        own |= {"form": last["form"], "k": last["pareto_k"], "effective": last["effective"]}
        rows.append(list(own.values()))
    print(
        f"{options.draws} draws, {options.cores} core(s), {options.repetitions} processes each, load {before:.1f} to {load():.1f}"
    )
    print("Seconds of fit and streamed estimands; per city relative to the first size; largest resident memory in GiB\n")
    titles = ["cities", "wall: least", "median", "CPU: least", "imports", "fit", "streamed", "whole", "per city, wall", "CPU"]
    print(table([*titles, "weighting", "Pareto k", "effective"], rows))
    print(f"\n{keep('many_cities', vars(options), {'load_before': before, 'sizes': found})}")


if __name__ == "__main__":
    main()
