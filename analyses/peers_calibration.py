"""Are shares of sampled partitions probabilities? Simulated rings with known groups, from none to clear ones.

Says, by separation: of the pairs of cities with a co-assignment of about 0.1, 0.2 … how many share a true group; the adjusted
Rand index of the summary with the truth; how often the recommended number of groups is the true one; and how often the structure
test speaks of groups. At separation 0 there is nothing to find.

    python analyses/peers_calibration.py --rings 20
"""

from __future__ import annotations

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from integstat.panel import Context
from integstat.peers.build import recommend
from integstat.peers.consensus import coassignment, summarise
from integstat.peers.draws import Draws, k_weights, sample_partitions
from integstat.peers.features.build import scale_features
from integstat.peers.settings import FeatureSettings, PeerSettings
from integstat.peers.structure import Structure, structure_test

SEPARATIONS = (0.0, 0.5, 0.75, 1.0, 1.5, 2.5)  # SD of a group's mean in each feature; within a group it is 1
BINS = np.linspace(0.0, 1.0, 11)
KS = range(2, 9)


def simulated(separation: float, rng: np.random.Generator, cities: int = 67, features: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Return points of a ring and the true group of each city: 2 to 6 groups of unequal size, at least four cities in each."""
    count = int(rng.integers(2, 7))
    while True:
        truth = rng.choice(count, cities, p=rng.dirichlet(np.full(count, 5.0)))
        if np.bincount(truth, minlength=count).min() >= 4:
            break
    centres = separation * rng.standard_normal((count, features))
    return centres[truth] + rng.standard_normal((cities, features)), truth


def one_ring(task: tuple[float, int, dict[str, object]]) -> dict[str, object]:
    """Simulate a ring and hold what the peer stage says against the truth."""
    separation, number, changes = task
    rng = np.random.default_rng([int(100 * separation), number])
    values, truth = simulated(separation, rng)
    ids = [f"f{i}" for i in range(values.shape[1])]
    settings = PeerSettings.model_validate({"feature": [{"id": one, "name_de": one} for one in ids]} | changes)
    assert all(isinstance(one, FeatureSettings) for one in settings.feature)
    frame = pd.DataFrame(values, index=[f"{91001 + i}" for i in range(len(values))], columns=ids)
    with threadpool_limits(limits=1):
        scaled = scale_features(Context(frame, 2020), settings, number)
        structure = structure_test(scaled.points(0)[None], KS, number)
        draws = sample_partitions(scaled, KS, settings, number, excess=structure.excess)
        pairs = np.triu_indices(len(values), k=1)
        together = (truth[:, None] == truth)[pairs]
        table = {}
        for name, rule in (("equal", "equal"), ("stability", "stability"), ("true k", {int(truth.max()) + 1: 1.0})):
            share = coassignment(_reweighted(draws, structure, settings.model_copy(update={"k_weight": rule})))[pairs]
            table[name] = _counts(share, together)
        overall = coassignment(draws)
        summaries = [summarise(draws, k, overall) for k in KS]
        best = recommend(summaries, structure)
    return {
        "separation": separation,
        "groups": int(truth.max()) + 1,
        "recommended": best.k,
        "rand": adjusted_rand_score(truth, best.partition),
        "rand_true_k": adjusted_rand_score(truth, summaries[int(truth.max()) - 1].partition),
        "p": structure.p,
        "pairs": table,
    }


def _reweighted(draws: Draws, structure: Structure, settings: PeerSettings) -> Draws:
    """Return the same partitions with other weights of k."""
    by_k = k_weights(draws.stability, structure.excess, settings)
    size = {k: int((draws.k == k).sum()) for k in KS}
    weight = np.array([by_k[int(k)] / size[int(k)] for k in draws.k])
    return replace(draws, weight=weight)


def _counts(share: np.ndarray, together: np.ndarray) -> list[list[float]]:
    """Number of pairs, of pairs together, and sum of the shares, by bin."""
    place = np.clip(np.digitize(share, BINS) - 1, 0, len(BINS) - 2)
    return [np.bincount(place, weights=w, minlength=len(BINS) - 1).tolist() for w in (np.ones(len(share)), together, share)]


def calibration(results: list[dict[str, object]], name: str) -> tuple[pd.DataFrame, float]:
    """Mean co-assignment, share together and number of pairs by bin, and their mean absolute difference."""
    pairs, together, share = np.sum([result["pairs"][name] for result in results], axis=0)  # type: ignore[index]
    with np.errstate(invalid="ignore"):
        table = pd.DataFrame({"given": share / pairs, "together": together / pairs, "pairs": pairs.astype(int)})
    return table, float(np.abs(together - share).sum() / pairs.sum())


def main() -> None:
    """Simulate, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rings", type=int, default=20, help="rings of each separation")
    parser.add_argument("--resampling", default="subsample")
    parser.add_argument("--feature-fraction", type=float, default=0.8)
    parser.add_argument("--algorithms", default="")
    given = parser.parse_args()
    changes: dict[str, object] = {"resampling": given.resampling, "feature_fraction": given.feature_fraction}
    if given.algorithms:
        changes["algorithms"] = given.algorithms.split(",")
    tasks = [(separation, number, changes) for separation in SEPARATIONS for number in range(given.rings)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(one_ring, tasks))
    frame = pd.DataFrame(results).drop(columns="pairs")
    frame["right_k"] = frame["groups"] == frame["recommended"]
    frame["grouped"] = frame["p"] <= 0.05
    columns = ["rand", "rand_true_k", "right_k", "grouped"]
    print(frame.groupby("separation")[columns].mean().round(2).to_string())
    kept = {"rings": given.rings, **changes, "by_separation": frame.groupby("separation")[columns].mean().to_dict()}
    for name in ("equal", "stability", "true k"):
        found = [result for result in results if result["separation"]]
        table, error = calibration(found, name)
        print(f"\nweights of k: {name}; groups at every separation above 0; mean absolute error {error:.3f}")
        print(table.round(2).T.to_string())
        kept[name] = {"error": error, "table": table.to_dict("list")}
        for separation in SEPARATIONS:
            part, error = calibration([one for one in results if one["separation"] == separation], name)
            print(f"  {separation}: {' '.join(f'{one:.2f}' for one in part['together'])}  error {error:.3f}")
    out = Path("results/analyses/peers_calibration.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(kept, indent=2))


if __name__ == "__main__":
    main()
