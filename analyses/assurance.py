"""Does planning foretell what a run finds? The Gaussian approximation of `integstat plan` against rings of counts.

Indicators of one group each, levels and spreads as in docs/explanation/magnitudes.md: naturalisations (a rate of 0.035), leavers
without certificate (a share of 0.16), unemployed (0.11), marginally employed (0.21), U8 check-ups (0.84). The cities' bases lie
around the number given (log-SD 0.5); no peers, no Länder. Counts are drawn from the model, fitted with `laplace`, and declared
as a run does it, all five indicators together. Held against each other:

- for the truly improved or worsened cells, the mean probability that planning gives them, from the ring's make-up, their own base
  and their own true change, and the share that is found in the right direction; by indicator, and by decile of that probability;
- the share of all cells called improved or worsened;
- how often a change of exactly the size that is said to be found with probability 0.8 is found (`planted`: one city of middle
  size in one indicator of each ring gets it, up and down in turn, and its ring is fitted once more).

A ring that `laplace` refuses is left out; a run would take the sampler there.

    python analyses/assurance.py --rings 40 --out results/analyses/assurance.csv

What is in the file is not simulated again; `--rings 0` prints only.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, ndtri
from threadpoolctl import threadpool_limits

from integstat.change import ChangeData, ChangeSettings, fit
from integstat.change.settings import Priors
from integstat.errors import ConvergenceError
from integstat.findings.declare import declare
from integstat.findings.estimands import estimands
from integstat.findings.settings import FindingSettings
from integstat.planning.assurance import Rings, assure, chance_found, critical, rings_of
from integstat.planning.inputs import Planned
from integstat.simulate import Parameters, draw_truth

KINDS = {  # kind, level, SD of the change
    "naturalised": ("rate", 0.035, 0.29),
    "leavers": ("share", 0.16, 0.41),
    "unemployed": ("share", 0.11, 0.12),
    "marginal": ("share", 0.21, 0.08),
    "check_up": ("share", 0.84, 0.20),
}
CASES = ((24, 500), (24, 5000), (67, 500), (67, 5000), (67, 150), (8, 5000))
RHO, SPREAD_OF_BASES, SD_LEVEL = float(np.log(1.1)), 0.5, 0.35
SETTINGS = FindingSettings()
COLUMNS = ["cities", "base", "ring", "indicator", "role", "n", "true", "predicted", "declared", "wrong_way"]


def bases(cities: int, base: int) -> np.ndarray:
    """Bases of a ring: the quantiles of a lognormal, ascending."""
    return np.round(base * np.exp(SPREAD_OF_BASES * ndtri((np.arange(cities) + 0.5) / cities)))


def planned(cities: int, base: int) -> tuple[Planned, ...]:
    """Return what planning is told."""
    return tuple(
        Planned(
            definition=f"{name}.main",
            link="log" if kind == "rate" else "logit",
            sign=1,
            unit=100.0,
            level=level,
            bases=bases(cities, base),
            per_1000=float("nan"),
            precision=1.0,
            sd_change=sd,
            rho=RHO,
            priors=Priors(),
            counts="magnitudes",
            size="magnitudes",
            spread="magnitudes",
        )
        for name, (kind, level, sd) in KINDS.items()
    )


def relative(one: Planned, y: np.ndarray, n: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Fit one indicator and return P(change > ρ) and P(change < −ρ) by city, shape (2, C)."""
    cities = tuple(f"{c:05d}" for c in range(len(y)))
    data = ChangeData(one.definition, KINDS[one.indicator][0], cities, ("target",), (2016, 2017), y, n)
    with threadpool_limits(limits=1):
        tree = fit(data, ChangeSettings(engine="laplace", draws=draws, peers="none", land=False), seed, cores=1, threads=1)
    found = estimands(tree, 1, 100.0, display=False).relative
    return np.stack([(found > RHO).mean(axis=0), (found < -RHO).mean(axis=0)])


def one_ring(cities: int, base: int, ring: int, draws: int, foretold: Rings) -> pd.DataFrame:
    """Simulate a ring, fit and declare it; rows of all cells, and one of a planted change. Empty where `laplace` refuses."""
    rng, middle, turn = np.random.default_rng([20210701, cities, base, ring]), cities // 2, 1 if ring % 2 else -1
    rows, chance, planted = [], [], None
    try:
        for place, one in enumerate(foretold.planned):
            n = np.repeat(one.bases, 2).reshape(cities, 1, 2)
            level = np.array([np.log(one.level) if one.link == "log" else np.log(one.level / (1 - one.level))])
            shift = rng.normal(0, 0.1, 1)
            chosen = Parameters(level, shift, np.array([SD_LEVEL]), np.array([one.sd_change]), 0.0, 0.0, 0.0, 0.0, 0.0, 0.4)
            truth = draw_truth(chosen, n, one.link, rng)
            change = truth.change[:, 0]
            true = change - np.median(change)
            at = [critical(foretold, place, float(v), SETTINGS).improved for v in one.variance(one.bases)]
            predicted = [
                chance_found(np.array([abs(t)]), bound, v)[0]
                for t, bound, v in zip(true, at, one.variance(one.bases), strict=True)
            ]
            chance.append(relative(one, truth.y, n, draws, 10 * ring + place))
            rows += [
                (cities, base, ring, one.indicator, "drawn", *row, False) for row in zip(one.bases, true, predicted, strict=True)
            ]
            needed = assure(foretold, place, float(one.bases[middle]), SETTINGS).change
            if place == ring // 2 % len(foretold.planned) and np.isfinite(needed):
                moved = np.median(np.delete(change, middle)) + turn * needed
                eta = truth.mean[middle, 0] + moved * np.array([-0.5, 0.5])
                y = truth.y.copy()
                y[middle, 0] = (
                    rng.poisson(n[middle, 0] * np.exp(eta))
                    if one.link == "log"
                    else rng.binomial(n[middle, 0].astype(int), expit(eta))
                )
                row = (cities, base, ring, one.indicator, "planted", one.bases[middle], turn * needed, 0.8, False)
                planted = (place, row, relative(one, y, n, draws, 10 * ring + place))
    except ConvergenceError:
        return pd.DataFrame(columns=COLUMNS)
    out = _declared(pd.DataFrame(rows, columns=COLUMNS[:-1]), chance)
    if planted is None:
        return out
    place, row, its = planted
    again = _declared(pd.DataFrame(rows, columns=COLUMNS[:-1]), [*chance[:place], its, *chance[place + 1 :]])
    extra = pd.DataFrame([row], columns=COLUMNS[:-1])
    side = "up" if turn > 0 else "down"
    said = again.attrs[side][place * cities + middle]
    return pd.concat([out, extra.assign(declared=said, wrong_way=False)], ignore_index=True)


def _declared(frame: pd.DataFrame, chance: list[np.ndarray]) -> pd.DataFrame:
    """Declare all cells of a ring; what is declared in the direction of the truth, and against it."""
    up, down = (
        declare(np.concatenate([part[side] for part in chance]), np.ones(len(frame), dtype=bool), SETTINGS).declared
        for side in (0, 1)
    )
    rising = frame["true"] > 0
    out = frame.assign(declared=np.where(rising, up, down), wrong_way=np.where(rising, down, up))
    out.attrs.update(up=up, down=down)
    return out


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Predicted and found, by cities, base and indicator: truly moved cells cell by cell, all findings, the planted changes."""
    rows = []
    for (cities, base, name), group in frame.groupby(["cities", "base", "indicator"], sort=False):
        plan = planned(int(cities), int(base))
        place = [one.indicator for one in plan].index(str(name))
        foretold = rings_of(plan, 2, SETTINGS, 1)
        drawn, planted = group[group["role"] == "drawn"], group[group["role"] == "planted"]
        moved = drawn[drawn["true"].abs() > RHO]
        named = foretold.declared["improved"] + foretold.declared["worsened"]
        rows.append(
            {
                "cities": cities,
                "base": base,
                "indicator": name,
                "rings": group["ring"].nunique(),
                "cases": plan[place].cases(float(base)),
                "found": moved["declared"].mean(),
                "foretold": moved["predicted"].mean(),
                "se": moved.groupby("ring")["declared"].mean().sem(),
                "findings": (drawn["declared"] | drawn["wrong_way"]).mean(),
                "findings_foretold": named[:, place].mean() / cities,
                "planted": planted["declared"].mean(),
                "planted_rings": len(planted),
            }
        )
    return pd.DataFrame(rows)


def deciles(frame: pd.DataFrame) -> pd.DataFrame:
    """Share found of the truly moved cells by what was foretold of them."""
    moved = frame[(frame["role"] == "drawn") & (frame["true"].abs() > RHO)]
    part = pd.cut(moved["predicted"], np.linspace(0, 1, 11), include_lowest=True)
    return moved.groupby(part, observed=True).agg(
        cells=("declared", "size"), foretold=("predicted", "mean"), found=("declared", "mean")
    )


def tasks(done: set[tuple[int, int, int]], rings: int) -> Iterator[tuple[int, int, int]]:
    """Rings that are not in the file yet, all makes of ring in turn."""
    for ring in range(rings):
        yield from ((*case, ring) for case in CASES if (*case, ring) not in done)


def main() -> None:
    """Simulate what is missing, then print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rings", type=int, default=60)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("results/analyses/assurance.csv"))
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    kept = pd.read_csv(options.out) if options.out.exists() else pd.DataFrame(columns=COLUMNS)
    done = set(kept[["cities", "base", "ring"]].itertuples(index=False, name=None))
    plans = {case: rings_of(planned(*case), 2, SETTINGS, 1) for case in CASES}
    for cities, base, ring in tasks(done, options.rings):
        rows = one_ring(cities, base, ring, options.draws, plans[cities, base])
        rows.to_csv(options.out, mode="a", header=not options.out.exists(), index=False)
    frame = pd.read_csv(options.out)
    pd.set_option("display.width", 200)
    print(summary(frame).round(3).to_string(index=False))
    print(deciles(frame).round(3).to_string())


if __name__ == "__main__":
    main()
