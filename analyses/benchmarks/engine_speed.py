"""How long does one indicator take with the engine `laplace`, and with a warm refit of the sampler?

80 cities, two groups, two years; large and small counts, with and without peer groups and Länder. `laplace` is timed with all
that a reader gets: 1,000 draws of every parameter, and every estimand of every city from them. The sampler is timed without:
its 4 x (500 warm-up + 500) draws alone, compiled beforehand. Of two forms and two target acceptances, each tried once, it
runs in the one that gives most effective draws per second on these data, whether it passes the gate or not: so short a run
seldom does, and `fit` makes runs several times as long. Both may use the same cores. The ratios are therefore on the
sampler's side.

Effective draws: the sampler's are ArviZ's bulk size, the least and the median over all cities' means and changes. For
`laplace`, `attrs["effective"]` speaks of the hyperparameters' points or of the draws' weights, whichever is less; the cities'
own number is measured: the posterior variance over the variance of the posterior mean between runs with different seeds,
summed over all the cities' means and changes. Quasi-random points can bring it above the number of draws.

Use: python analyses/benchmarks/engine_speed.py [--repetitions 5] [--cores 2]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import arviz as az
import numpy as np
import xarray as xr
from measure import Timing, alternate, keep, least, load, median, paired, ring, table, timed

from integstat.change import ChangeSettings, fit
from integstat.change.gate import diagnose
from integstat.change.nuts import sampler
from integstat.findings.estimands import estimands

CASES = {"large counts": 9000.0, "small counts": 60.0}
SETTINGS = ChangeSettings(engine="laplace", draws=1000, tune=500, chains=4)
KEPT = 500
WAYS = [(form, target) for form in ("blend", "loose") for target in (0.8, 0.95)]


@dataclass(frozen=True)
class Way:
    """How the sampler does one data set best, and its effective draws."""

    form: str
    target: float
    passed: bool
    lowest: float
    typical: float


def with_laplace(data: Any, cores: int, seed: int = 1) -> xr.DataTree:
    tree = fit(data, SETTINGS, seed, cores=cores)
    estimands(tree, 1, 100.0)
    return tree


def with_nuts(data: Any, form: str, target: float, cores: int, seed: int = 1) -> sampler.Sampled:
    return sampler.sample(data, SETTINGS, seed, form=form, target_accept=target, draws=KEPT, cores=cores)


def best_way(data: Any, cores: int) -> tuple[Way, list[dict[str, Any]]]:
    """Try every way once, after one run that compiles."""
    with_nuts(data, "blend", 0.8, cores)
    tried = []
    for form, target in WAYS:
        run, timing = timed(lambda form=form, target=target: with_nuts(data, form, target, cores))
        diagnostics = diagnose(run.draws, run.diverging)
        sizes = az.ess(xr.DataTree.from_dict({"posterior": run.draws[["mean", "change"]]}), method="bulk")
        every = np.concatenate([sizes[name].to_numpy().ravel() for name in ("mean", "change")])
        way = Way(form, target, diagnostics.passed, float(every.min()), float(np.median(every)))
        per_second = way.lowest / timing.cpu
        tried.append({"way": way.__dict__, "timing": timing, "gate": diagnostics.__dict__, "per_cpu_second": per_second})
    best = max(tried, key=lambda one: one["per_cpu_second"])
    return Way(**best["way"]), tried


def of_cities(data: Any, cores: int, seeds: int) -> float:
    """Effective draws of cities' means and changes, from runs with different seeds."""
    centres, spread = [], 0.0
    for seed in range(seeds):
        posterior = fit(data, SETTINGS, 1000 + seed, cores=cores)["posterior"].to_dataset()
        values = [posterior[name].to_numpy()[0] for name in ("mean", "change")]
        centres.append(np.concatenate([value.mean(axis=0).ravel() for value in values]))
        spread += sum(float(value.var(axis=0).sum()) for value in values) / seeds
    return spread / float(np.var(centres, axis=0, ddof=1).sum())


def measured(cities: int, cores: int, repetitions: int, seeds: int) -> Iterator[dict[str, Any]]:
    for name, base in CASES.items():
        for grouped in (True, False):
            data = ring(cities, base, grouped=grouped)
            way, tried = best_way(data, cores)
            tree = with_laplace(data, cores)

            def laplace(data: Any = data) -> Timing:
                return timed(lambda: with_laplace(data, cores))[1]

            def nuts(data: Any = data, way: Way = way) -> Timing:
                return timed(lambda: with_nuts(data, way.form, way.target, cores))[1]

            timings = alternate({"laplace": laplace, "nuts": nuts}, repetitions)
            yield {
                "case": f"{name}, {'peer groups and Länder' if grouped else 'neither'}",
                "median_n": float(np.median(data.n)),
                "way": way.__dict__,
                "tried": tried,
                "timings": timings,
                "pareto_k": tree.attrs["pareto_k"],
                "weighting": tree.attrs["form"],
                "effective_laplace": tree.attrs["effective"],
                "effective_laplace_cities": of_cities(data, cores, seeds),
            }


def in_seconds(case: dict[str, Any]) -> list[object]:
    """One row of the table of seconds and ratios."""
    a, b = case["timings"]["laplace"], case["timings"]["nuts"]
    seconds = [*(least(a), median(a), least(a, "cpu")), *(least(b), median(b), least(b, "cpu"))]
    return [case["case"], *seconds, paired(b, a), paired(b, a, "cpu")]


def per_effective_draw(case: dict[str, Any]) -> list[object]:
    """One row of the table of effective draws: their number, and CPU milliseconds for each."""
    way = Way(**case["way"])
    of = (case["effective_laplace"], case["effective_laplace_cities"], way.lowest, way.typical)
    seconds = [least(case["timings"][engine], "cpu") for engine in ("laplace", "laplace", "nuts", "nuts")]
    how = f"{way.form} {way.target}{'' if way.passed else ', gate missed'}"
    return [case["case"], *of, *(1000 * s / e for s, e in zip(seconds, of, strict=True)), how, case["pareto_k"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cities", type=int, default=80)
    parser.add_argument("--cores", type=int, default=2, help="threads of laplace, chains of the sampler at the same time")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=30, help="runs from which the cities' effective draws are measured")
    options = parser.parse_args()
    before = load()
    found = list(measured(options.cities, options.cores, options.repetitions, options.seeds))
    speed, draws = [in_seconds(one) for one in found], [per_effective_draw(one) for one in found]
    for case, row, other in zip(found, speed, draws, strict=True):
        case |= {"ratio_wall": row[-2], "ratio_cpu": row[-1], "cpu_milliseconds_per_effective_draw": other[5:9]}
    busy = f"load {before:.1f} to {load():.1f}"
    print(f"{options.cities} cities, {options.cores} cores, {options.repetitions} repetitions, {busy}\n")
    print("Seconds: laplace with estimands, the sampler's draws alone; ratios are medians of paired ones\n")
    titles = ["", "laplace: least", "median", "CPU, least", "nuts: least", "median", "CPU, least", "nuts / laplace", "in CPU"]
    print(table(titles, speed))
    print("\nEffective draws, and CPU milliseconds (least) for each\n")
    columns = ["laplace", "its cities", "nuts, least", "nuts, median"]
    print(table(["", *columns, "ms: laplace", *columns[1:], "nuts as", "Pareto k"], draws))
    print(f"\n{keep('engine_speed', vars(options), {'load_before': before, 'cases': found})}")


if __name__ == "__main__":
    main()
