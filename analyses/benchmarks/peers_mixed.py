"""Does one fit with the co-assignment kernel say what a mixture of fits over many partitions says?

The check of the kernel: a ring in four true peer groups, seen through contexts in which the groups overlap. Partitions come from
k-means with 2 to 8 groups on resampled cities and features. One way: a separate fit for each of 50 of them, the cities' draws put
together with equal weights, standing and change of each fit against the groups of its own partition. The other way: one fit,
the peer effects correlated as far as two cities shared a group in these partitions, standing and change averaged over the same
partitions. The kernel is once cut to its leading eigenvectors, as a run does it, and once whole.

Printed for every estimand: difference of the posterior means in SDs of the mixture (root mean square over cities, and largest),
ratio of the posterior SDs (mean, least and largest), and the same between two mixtures with different seeds, which is what chance
does. Seconds are on the clock, of all fits of a way together.

Not the same by construction: the kernel's fit learns one spread between groups, the mixture one for each partition, and the
mixture gives each partition its equal weight however ill it fits the counts.

Use: python analyses/benchmarks/peers_mixed.py [--cities 40] [--partitions 50] [--base 1000] [--cores 2]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from measure import Timing, keep, table, timed
from sklearn.cluster import KMeans

from integstat.change import ChangeData, ChangeSettings, fit
from integstat.change.kernel import leading
from integstat.findings import Baseline
from integstat.findings.estimands import estimands
from integstat.simulate import Parameters, draw_truth

GROUPS, LAENDER, FEATURES = 4, 3, 8
NAMES = ("change", "relative", "standing", "against_peers")
SETTINGS = ChangeSettings(engine="laplace")


@dataclass(frozen=True)
class Case:
    """Data of one share, and partitions of its cities, shape (M, C)."""

    data: ChangeData
    partitions: np.ndarray

    @property
    def coassignment(self) -> np.ndarray:
        """Share of the partitions in which two cities are together."""
        return np.asarray((self.partitions[:, :, None] == self.partitions[:, None, :]).mean(axis=0))


def case(cities: int, partitions: int, base: float, apart: float, seed: int = 1) -> Case:
    """Draw a ring whose true groups differ by `apart` SDs per feature, and partitions of it."""
    rng = np.random.default_rng(seed)
    truth = Parameters(
        level=np.array([-1.4, -2.2]),
        shift=np.array([0.1, 0.05]),
        sd_mean=np.array([0.25, 0.25]),
        sd_change=np.array([0.15, 0.1]),
        corr_mean=0.5,
        corr_change=0.5,
        sd_peer_level=0.3,
        sd_peer_change=0.15,
        sd_land_change=0.05,
        lasting_share=0.4,
    )
    group, land = rng.permutation(np.arange(cities) % GROUPS), np.arange(cities) % LAENDER
    spread = rng.lognormal(0, 0.5, (cities, 2, 1)) * rng.lognormal(0, 0.02, (cities, 2, 2))
    drawn = draw_truth(truth, np.maximum(np.round(base * spread), 3), "logit", rng, peers=group, land=land)
    points = rng.normal(0, apart, (GROUPS, FEATURES))[group] + rng.standard_normal((cities, FEATURES))
    data = ChangeData(
        definition="simulated.share",
        kind="share",
        cities=tuple(f"{91 + land[c]}{c + 1:05d}" for c in range(cities)),
        groups=("target", "reference"),
        years=(2020, 2021),
        y=drawn.y,
        n=drawn.n,
        land=tuple(str(91 + one) for one in land),
    )
    return Case(data, np.array([_partition(points, m, rng) for m in range(partitions)]))


def _partition(points: np.ndarray, place: int, rng: np.random.Generator) -> np.ndarray:
    """All cities by the centres that a sample of the cities and of the features has."""
    cities, features = points.shape
    members = rng.choice(cities, round(0.8 * cities), replace=False)
    seen = points[:, rng.choice(features, round(0.8 * features), replace=False)]
    return np.asarray(KMeans(2 + place % 7, n_init=3, random_state=place).fit(seen[members]).predict(seen))


def mixed(given: Case, seed: int, cores: int) -> dict[str, np.ndarray]:
    """Draws of the estimands from a fit for each partition, one after the other, put together."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in NAMES}
    for place, labels in enumerate(given.partitions):
        own = replace(given.data, peers=labels)
        tree = fit(own, SETTINGS, seed + place, cores=cores)
        found = estimands(tree, 1, 100.0, baseline=Baseline(own.cities, labels=labels[None]))
        for name in NAMES:
            parts[name].append(getattr(found, name))
    return {name: np.concatenate(values) for name, values in parts.items()}


def by_kernel(given: Case, kernel: np.ndarray, seed: int, cores: int) -> dict[str, np.ndarray]:
    """Draws of the estimands from one fit."""
    own = replace(given.data, kernel=kernel)
    tree = fit(own, SETTINGS, seed, cores=cores)
    found = estimands(tree, 1, 100.0, baseline=Baseline(own.cities, labels=given.partitions))
    return {name: getattr(found, name) for name in NAMES}


def compared(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """How the first differs from the second, over the cities in which both are estimable in every draw."""
    out = {}
    for name in NAMES:
        here, there = one[name], other[name]
        known = np.isfinite(here).all(axis=0) & np.isfinite(there).mean(axis=0).astype(bool)
        here, there = here[:, known], there[:, known]
        sd = np.nanstd(there, axis=0)
        gap, ratio = (here.mean(axis=0) - np.nanmean(there, axis=0)) / sd, here.std(axis=0) / sd
        out[name] = {
            "cities": float(known.sum()),
            "rms": float(np.sqrt(np.mean(gap**2))),
            "largest": float(np.abs(gap).max()),
            "ratio": float(ratio.mean()),
            "least_ratio": float(ratio.min()),
            "largest_ratio": float(ratio.max()),
        }
    return out


def measured(given: Case, cores: int) -> dict[str, Any]:
    kernel = given.coassignment
    cut = leading(kernel)
    for data in (replace(given.data, kernel=cut), replace(given.data, peers=given.partitions[0])):
        fit(data, SETTINGS, 1, cores=cores)  # compiles
    mixture, seconds = timed(lambda: mixed(given, 1000, cores))
    again = mixed(given, 5000, cores)
    out: dict[str, Any] = {"seconds": {"mixture": seconds}, "against the mixture": {"another mixture": compared(again, mixture)}}
    for way, chosen in (("kernel, cut", cut), ("kernel, whole", kernel)):
        found, seconds = timed(lambda chosen=chosen: by_kernel(given, chosen, 9000, cores))
        out["seconds"][way] = seconds
        out["against the mixture"][way] = compared(found, mixture)
        out[f"columns of the {way}"] = float(np.linalg.matrix_rank(chosen, tol=1e-6))
    return out


def shown(found: dict[str, Any]) -> str:
    titles = ("way", "estimand", "cities", "rms", "largest", "SD ratio", "least", "largest")
    rows = [
        (way, name, *(one[key] for key in ("cities", "rms", "largest", "ratio", "least_ratio", "largest_ratio")))
        for way, by_name in found["against the mixture"].items()
        for name, one in by_name.items()
    ]
    seconds = ", ".join(f"{way} {one.wall:.2f}" for way, one in found["seconds"].items() if isinstance(one, Timing))
    return f"{table(titles, rows)}\nseconds: {seconds}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cities", type=int, default=40)
    parser.add_argument("--partitions", type=int, default=50)
    parser.add_argument("--base", type=float, default=1000.0)
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    found = {}
    for name, apart in (("groups that overlap", 0.5), ("groups apart", 1.2)):
        given = case(options.cities, options.partitions, options.base, apart)
        found[name] = measured(given, options.cores)
        print(
            f"\n{name}: {options.cities} cities, {options.partitions} partitions, base {options.base:.0f}\n{shown(found[name])}"
        )
    print(keep("peers_mixed", vars(options), found))


if __name__ == "__main__":
    main()
