r"""How long do 1,080 universes of 12 indicators in 67 cities take, and what does another one cost?

A fictional ring; every indicator has three definitions (the second and third with bases and propensities of their own, and the
kind and polarity of the first), so that the full design is

    3 definitions x 5 choices about peers x 2 Länder in or out x 3 priors of what lasts x 3 baselines x 2 steps x 2 q = 1,080

of which 3 x 5 x 2 = 30 need a fit of their own per indicator: 360 fits, and as many posteriors kept on disk. Timed from the
panel to the explanations of every finding (partitions, fits, probabilities, words, flips, attribution), on as many workers as
--jobs says, without start-up and compilation. Then the same with one axis changed, on what was kept: another step (no fit), and
one more choice about peers. Then smaller designs from nothing, for the cost per universe; and single universes from nothing.

Use: python analyses/benchmarks/multiverse.py [--jobs 2] [--cities 67] [--indicators 12] [--alone 3]
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from integstat.catalogue import Catalogue, load_catalogue
from integstat.change import ChangeSettings
from integstat.findings import FindingSettings, build_findings
from integstat.panel import Context, Panel
from integstat.peers.build import build_partitions
from integstat.peers.kept import from_tree
from integstat.peers.settings import FeatureSettings, PeerSettings
from integstat.pipeline import baseline, fit_all, seed_of
from integstat.sensitivity.choices import Choices
from integstat.sensitivity.compute import compute, tell_nobody
from integstat.sensitivity.decide import decide
from integstat.sensitivity.explain import explain
from integstat.sensitivity.plan import Ring
from integstat.sensitivity.settings import MultiverseSettings
from integstat.sensitivity.space import make_space
from integstat.simulate import simulate_ring
from integstat.simulate.ring import YEARS
from integstat.steps import Memory, Store, crew_for

SEED = 6
PEERS = {
    "neighbours": {"change.peers": "neighbours", "peers.notion": "neighbours"},
    "groups": {"change.peers": "groups"},
    "ward": {"peers.algorithms": ["ward"]},
    "none": {"change.peers": "none"},
}
LASTING = {"less": {"change.priors.lasting_a": 1.0}, "more": {"change.priors.lasting_a": 4.0}}
BASELINES = {"peers": {"findings.headline": "peers"}, "past": {"findings.headline": "own"}}
STEPS = {"half": {"findings.rho_times": 0.5}}
MORE = ("kmeans", {"peers.algorithms": ["kmeans"]})


@dataclass(frozen=True)
class World:
    """A ring with three definitions of everything."""

    catalogue: Catalogue
    panel: Panel
    context: Context
    peers: PeerSettings
    main: dict[str, str]


def world(cities: int, indicators: int) -> World:
    """Make the ring: the second and third definitions count other persons with propensities of their own.

    Every definition is comparable between all cities here: one that is not takes the Länder for its peers whatever is chosen,
    and needs fewer fits.
    """
    shipped, rng = load_catalogue(), np.random.default_rng(SEED)
    ring = simulate_ring(shipped, cities, indicators, SEED)
    entries, rows, main = {}, [], {}
    for definition, truth in ring.truths.items():
        indicator, name = definition.split(".")
        entry, own = shipped.definition(definition)
        entries[indicator] = entry.model_copy(
            update={
                "definition": tuple(
                    own.model_copy(update={"id": f"{name}{x}", "numerator": f"{own.numerator}{x}", "scope": "all_cities"})
                    for x in ("", "_b", "_c")
                )
            }
        )
        main[indicator] = definition
        for x in ("", "_b", "_c"):
            p = truth.y / truth.n * np.exp(rng.normal(0, 0.04, truth.y.shape)) * (0.9 if x else 1.0)
            n = np.round(truth.n * (1.0 if not x else rng.uniform(0.7, 0.95)))
            y = truth.y if not x else np.minimum(np.round(p * n), n)
            for c, city in enumerate(ring.cities["city"]):
                for g, group in enumerate(("target", "reference")[: truth.n.shape[1]]):
                    rows += [
                        (city, indicator, f"{definition}{x}", group, year, y[c, g, t], n[c, g, t], "value", "value", "", "")
                        for t, year in enumerate(YEARS)
                    ]
    names = ["city", "indicator", "definition", "group", "year", "y", "n", "y_code", "n_code", "note", "place"]
    cities_frame = ring.cities[["city", "name", "land"]].assign(land_name=ring.cities["land"])
    catalogue = replace(shipped, indicators=shipped.indicators | entries)
    features = tuple(FeatureSettings(id=str(one), name_de=str(one)) for one in ring.context.columns)
    return World(
        catalogue,
        Panel(pd.DataFrame(rows, columns=names), cities_frame),
        Context(ring.context, YEARS[0]),
        PeerSettings(feature=features),
        main,
    )


def axis(name: str, alternatives: Mapping[str, Mapping[str, object]], *, model: bool = False) -> dict[str, object]:
    """One axis as a file of choices has it."""
    kind = {"kind": "equivalent"} if model else {}
    return {
        "id": name,
        "name_de": name,
        "alternative": [{"id": one, "name_de": one, "set": dict(paths), **kind} for one, paths in alternatives.items()],
    }


def settings(*axes: dict[str, object], definitions: bool = True) -> MultiverseSettings:
    """A full design of these axes."""
    content = {"name_de": "Benchmark", "definitions": {"kind": "equivalent", "vary": definitions}, "axis": list(axes)}
    return MultiverseSettings.model_validate(content)


def all_axes(
    peers: Mapping[str, Mapping[str, object]] = PEERS, steps: Mapping[str, Mapping[str, object]] = STEPS
) -> list[dict[str, object]]:
    """The axes of the full design."""
    return [
        axis("peers", peers, model=True),
        axis("land", {"without": {"change.land": False}}, model=True),
        axis("lasting", LASTING, model=True),
        axis("baseline", BASELINES),
        axis("step", steps),
        axis("error", {"half": {"findings.q": 0.05}}),
    ]


def whole(where: World, chosen: MultiverseSettings, folder: Path, jobs: int) -> tuple[float, int, int, int, int]:
    """Seconds from the panel to the explanations; universes; fits computed and kept; rows of the table."""
    begin = time.perf_counter()
    base = Choices(where.peers, ChangeSettings(), FindingSettings())
    panel = where.panel
    space = make_space(chosen, base, where.catalogue, where.main, panel.definitions, YEARS, panel.cities)
    store = Store(folder)
    ring = Ring(panel, where.context, where.catalogue, YEARS, SEED)
    found = compute(space, ring, store, lambda missing: crew_for(jobs, None, missing), tell_nobody, jobs=jobs)
    partitions = from_tree(store.read(ring.peers_key(base)))
    posteriors = fit_all(panel, where.catalogue, YEARS, base.change, partitions, SEED, cores=jobs, keeper=store)
    findings = build_findings(
        posteriors.trees, panel, where.catalogue, where.main, YEARS, base.findings, None,
        baseline=baseline(partitions, "groups"), seed=seed_of(SEED, "bridge"),
    )  # fmt: skip
    decided = decide(findings, found.answers, space, where.catalogue, panel.cities)
    explained = explain(decided.findings.grid, decided.universes)
    rows = sum(one.finding.size for one in decided.universes.values())
    assert len(explained.robustness) == len(where.main) * len(panel.cities)
    return time.perf_counter() - begin, len(space.combos), found.fits.computed, found.fits.kept, rows


def alone(where: World, paths: Mapping[str, object], jobs: int) -> float:
    """Seconds of one universe from nothing: partitions, all fits, findings."""
    begin = time.perf_counter()
    one = Choices(where.peers, ChangeSettings(), FindingSettings()).changed(paths)
    assert one.peers is not None
    partitions = build_partitions(where.context, one.peers, one.peers.seed, cores=jobs)
    posteriors = fit_all(where.panel, where.catalogue, YEARS, one.change, partitions, SEED, cores=jobs, keeper=Memory())
    build_findings(
        posteriors.trees, where.panel, where.catalogue, where.main, YEARS, one.findings, None,
        baseline=baseline(partitions, one.peers.notion), seed=seed_of(SEED, "bridge"),
    )  # fmt: skip
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("jobs", 2), ("cities", 67), ("indicators", 12), ("alone", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    chosen = parser.parse_args()
    where = world(chosen.cities, chosen.indicators)
    alone(world(8, 2), {}, chosen.jobs)  # compile
    folder = Path(tempfile.mkdtemp(prefix="multiverse-"))
    try:
        print(
            "| design | universes | fits computed | kept | seconds | ms per universe and indicator |\n|---|---|---|---|---|---|",
            flush=True,
        )

        def row(name: str, settings_: MultiverseSettings, where_: Path) -> None:
            seconds, universes, computed, kept, _ = whole(where, settings_, where_, chosen.jobs)
            each = 1000 * seconds / universes / chosen.indicators
            print(f"| {name} | {universes} | {computed} | {kept} | {seconds:.1f} | {each:.1f} |", flush=True)

        row("full, from nothing", settings(*all_axes()), folder)
        print(f"peak memory of this process and its largest child: {_peak():.2f} GiB; kept: {_size(folder):.2f} GiB", flush=True)
        row("the same again", settings(*all_axes()), folder)
        row("another step", settings(*all_axes(steps=STEPS | {"double": {"findings.rho_times": 2.0}})), folder)
        row("one more choice about peers", settings(*all_axes(peers=PEERS | {MORE[0]: MORE[1]})), folder)
        for name, axes, definitions in (
            ("the ring's own alone", [axis("error", {"half": {"findings.q": 0.05}})], False),
            ("definitions", [axis("error", {"half": {"findings.q": 0.05}})], True),
            ("definitions, Land, questions", all_axes()[1:], True),
        ):
            apart = Path(tempfile.mkdtemp(prefix="multiverse-", dir=folder))
            row(f"{name}, from nothing", settings(*axes, definitions=definitions), apart)
        single = [alone(where, paths, chosen.jobs) for paths in list(PEERS.values())[: chosen.alone]]
        print(f"one universe from nothing, every definition fitted: {np.mean(single):.1f} s (mean of {len(single)})")
    finally:
        shutil.rmtree(folder)


def _peak() -> float:
    own, child = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return (own + 2 * child) / 2**20


def _size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**30


if __name__ == "__main__":
    main()
