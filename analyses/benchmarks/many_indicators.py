"""How long does the change stage take for forty indicators of eighty cities?

The main definitions of the first forty indicators of the catalogue that count something, as the catalogue describes them:
shares, rates, annual means, surveys, stocks with an overlap, figures a source rounds; one or two groups, two years, four peer
groups, three Länder. `integstat.pipeline.fit_all` fits them with the engine asked for. Each run is a process of its own; the
first one leaves the compile cache warm and is not counted. Imports are counted apart, and the estimands of all indicators
too, one after the other.

Use: python analyses/benchmarks/many_indicators.py [--indicators 40] [--cities 80] [--cores 2] [--repetitions 3]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from typing import Any

import numpy as np
from measure import LAENDER, PEERS, Timing, child, keep, least, load, median, table, timed

YEARS = (2020, 2021)
LEVELS = (0.05, 0.15, 0.3, 0.5)
BASES = (300.0, 1500.0, 9000.0, 40000.0)


def panel_of(cities: int, indicators: int, seed: int) -> tuple[Any, Any, Any]:
    """Panel, catalogue and partitions of a ring in which the peer groups are known."""
    import pandas as pd

    from integstat.catalogue import load_catalogue
    from integstat.panel import Panel
    from integstat.peers.partitions import Partitions
    from integstat.simulate import Parameters, draw_truth

    rng = np.random.default_rng(seed)
    catalogue = load_catalogue()
    first: dict[str, str] = {}
    for one in catalogue.definition_ids:
        name = catalogue.definition(one)[0].id
        if catalogue.kind(one) != "measure" and one == catalogue.main_definition(name):
            first.setdefault(name, one)
    peers, lands = rng.permutation(np.arange(cities) % PEERS), np.arange(cities) % LAENDER
    keys = [f"{91 + land}{i:03d}" for i, land in enumerate(lands)]
    frames = []
    for place, (name, definition) in enumerate(list(first.items())[:indicators]):
        groups = catalogue.definition(definition)[0].groups
        link = "log" if catalogue.kind(definition) == "rate" else "logit"
        p = LEVELS[place % len(LEVELS)] * np.array([1.0, 0.7])[: len(groups)]
        truth = Parameters(
            level=np.log(p) if link == "log" else np.log(p / (1 - p)),
            shift=rng.normal(0, 0.1, len(groups)),
            sd_mean=np.full(len(groups), 0.35),
            sd_change=np.full(len(groups), rng.uniform(0.05, 0.3)),
            corr_mean=0.5,
            corr_change=0.5,
            sd_peer_level=0.15,
            sd_peer_change=0.05,
            sd_land_change=0.05,
            lasting_share=0.4,
        )
        spread = rng.lognormal(0, 0.5, (cities, len(groups), 1)) * rng.lognormal(0, 0.02, (cities, len(groups), 2))
        n = np.maximum(np.round(BASES[(place // len(LEVELS)) % len(BASES)] * spread), 5.0)
        drawn = draw_truth(truth, n, link, rng, peers=peers, land=lands)
        c, g, t = (index.ravel() for index in np.indices(drawn.y.shape))
        columns = {"city": np.array(keys)[c], "group": np.array(groups)[g], "year": np.array(YEARS)[t]}
        rest = {"indicator": name, "definition": definition, "y_code": "value", "n_code": "value", "note": "", "place": ""}
        frames.append(pd.DataFrame(columns | {"y": drawn.y.ravel(), "n": drawn.n.ravel()} | rest))
    towns = pd.DataFrame({"city": keys, "name": keys, "land": [key[:2] for key in keys], "land_name": [key[:2] for key in keys]})
    partitions = Partitions(
        cities=tuple(sorted(keys)),
        draws=peers[None, np.argsort(keys)],
        summary=peers[np.argsort(keys)],
        probability=np.eye(PEERS)[peers[np.argsort(keys)]],
        coassignment=(peers[:, None] == peers[None, :]).astype(float)[np.ix_(np.argsort(keys), np.argsort(keys))],
        names=tuple("abcd"),
        profile=pd.DataFrame(index=range(PEERS)),
        diagnostics=pd.DataFrame(),
    )
    return Panel(counts=pd.concat(frames, ignore_index=True), cities=towns), catalogue, partitions


def one_run(options: argparse.Namespace) -> dict[str, Any]:
    """Import, simulate, fit and compute the estimands in this process."""

    def imports() -> tuple[Any, ...]:
        from integstat.change import ChangeSettings
        from integstat.findings.estimands import estimands
        from integstat.pipeline import fit_all

        return ChangeSettings, estimands, fit_all

    (settings_of, estimands, fit_all), importing = timed(imports)
    panel, catalogue, partitions = panel_of(options.cities, options.indicators, options.seed)
    settings = settings_of(engine=options.engine, draws=options.draws)
    posteriors, fitting = timed(lambda: fit_all(panel, catalogue, YEARS, settings, partitions, options.seed, cores=options.cores))
    trees = posteriors.trees
    _, counting = timed(lambda: [estimands(tree, 1, 100.0) for tree in trees.values()])
    return {
        "imports": importing.__dict__,
        "fit_all": fitting.__dict__,
        "estimands": counting.__dict__,
        "fits": len(trees),
        "kinds": Counter(str(tree.attrs["kind"]) for tree in trees.values()),
        "engines": Counter(str(tree.attrs["engine"]) for tree in trees.values()),
        "fallbacks": {name: tree.attrs["fallback"] for name, tree in trees.items() if tree.attrs["fallback"]},
        "effective": sorted(float(tree.attrs["effective"]) for tree in trees.values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--indicators", type=int, default=40)
    parser.add_argument("--cities", type=int, default=80)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--engine", default="auto", help="auto or laplace; laplace ends where its diagnostics refuse")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--one", action="store_true", help="one run in this process, as JSON")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one_run(options)))
        return
    given = [f"--{name}={getattr(options, name)}" for name in ("indicators", "cities", "draws", "cores", "engine", "seed")]
    command = [sys.executable, __file__, "--one", *given]
    before = load()
    child(command)
    runs, whole = [], []
    for _ in range(options.repetitions):
        out, _, timing = child(command)
        runs.append(json.loads(out))
        whole.append(timing)
    parts = {name: [Timing(**run[name]) for run in runs] for name in ("imports", "fit_all", "estimands")}
    parts["whole process, with simulating"] = whole
    last = runs[-1]
    print(f"{last['fits']} fits of {options.cities} cities, {options.cores} cores, load {before:.1f} to {load():.1f}")
    print(f"kinds: {last['kinds']}; engines: {last['engines']}; fallbacks: {last['fallbacks'] or 'none'}\n")
    rows = [[name, least(own), median(own), least(own, "cpu")] for name, own in parts.items()]
    print(table(["seconds", "wall: least", "median", "CPU: least"], rows))
    effective = last["effective"]
    print(f"\neffective draws: least {effective[0]:.0f}, median {effective[len(effective) // 2]:.0f} of {options.draws}")
    print(f"\n{keep('many_indicators', vars(options), {'load_before': before, 'runs': runs, 'whole': whole})}")


if __name__ == "__main__":
    main()
