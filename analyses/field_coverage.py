"""Do the intervals of field statements cover, and do those of an average of separate findings?

Simulated rings with correlated changes within a field of four indicators. Each ring: four fits with `laplace`, joined. Says what
share of the true field changes lies in the 90 % intervals of the joint model, and in those of the average that takes the separate
posteriors as independent; beside it the share of single indicators' relative changes in the intervals of their own fits, with the
standard error over rings.

The truth is either drawn from the prior (SDs, shifts, spread of levels), or has the magnitudes of
docs/explanation/magnitudes.md: SD of a year's change 0.41, 0.29, 0.20 and 0.16 on the logit scale. `--size 1` are bases of 150 to
400, as of a small city. The common correlation is drawn from its prior, or fixed.

    python analyses/field_coverage.py --rings 400 --truth prior
    python analyses/field_coverage.py --rings 400 --truth magnitudes --rho 0.5
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from integstat.change import ChangeData, ChangeSettings, Priors, fit
from integstat.change.field import join
from integstat.change.model import HALF, inverse_link
from integstat.errors import ConvergenceError
from integstat.findings.estimands import flat
from integstat.findings.fields import average
from integstat.findings.others import median_of_others
from integstat.simulate.truth import from_priors

LEVELS = np.array([0.16, 0.10, 0.22, 0.53])
SDS = np.array([0.41, 0.29, 0.20, 0.16])
BASES = np.array([150.0, 400.0, 300.0, 300.0])
SIGNS = (-1, 1, 1, -1)
STEP = float(np.log(1.10))
LEVEL_SD, SHIFT_SD, A, B = 0.35, 0.3, 2.0, 4.0
INTERVAL = 0.90


def hyperparameters(truth: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """SDs of the changes, shifts, and SDs of the levels of the indicators."""
    if truth == "magnitudes":
        return SDS, rng.normal(0, SHIFT_SD, len(SDS)), np.full(len(SDS), LEVEL_SD)
    drawn = [from_priors(Priors(), np.zeros(1), rng) for _ in SDS]
    return tuple(np.array([getattr(one, name)[0] for one in drawn]) for name in ("sd_change", "shift", "sd_mean"))  # type: ignore[return-value]


def ring(cities: int, rho: float, truth_from: str, size: float, rng: np.random.Generator) -> tuple[list[ChangeData], np.ndarray]:
    """Counts of four indicators and the true changes, shape (I, C), each in its indicator's own direction."""
    sds, shifts, spreads = hyperparameters(truth_from, rng)
    common = rng.standard_normal(cities)
    names = tuple(f"91{c + 1:03d}" for c in range(cities))
    datas, truth = [], []
    for i, (level, sd, base, sign) in enumerate(zip(LEVELS, sds, size * BASES, SIGNS, strict=True)):
        z = sign * (np.sqrt(rho) * common + np.sqrt(1 - rho) * rng.standard_normal(cities))
        change = shifts[i] + sd * z
        middle = np.log(level / (1 - level)) + spreads[i] * rng.standard_normal(cities)
        n = np.round(base * rng.lognormal(0, 0.5, (cities, 1)) * np.ones(2))
        y = rng.binomial(n.astype(int), inverse_link(middle[:, None] + change[:, None] * HALF, "logit")).astype(float)
        datas.append(ChangeData(f"I{i}.main", "share", names, ("target",), (2020, 2021), y[:, None], n[:, None]))
        truth.append(change)
    return datas, np.stack(truth)


def relative(changes: list[np.ndarray]) -> list[np.ndarray]:
    """Relative changes from draws of each indicator's changes, (S, C): in multiples of the step, turned."""
    everyone, one_pool = np.ones(changes[0].shape[1], dtype=bool), np.zeros(changes[0].shape[1], dtype=int)
    return [
        sign * (draws - median_of_others(draws, everyone, one_pool, everyone)) / STEP
        for draws, sign in zip(changes, SIGNS, strict=True)
    ]


def field_change(beyond: list[np.ndarray]) -> np.ndarray:
    """Field change with equal weights, (S, C)."""
    return average(beyond, np.ones(len(beyond)))


def inside(draws: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Share of cities whose truth lies in its interval, and the intervals' mean width."""
    low, high = np.quantile(draws, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2], axis=0)
    return float(((low <= truth) & (truth <= high)).mean()), float((high - low).mean())


def one_ring(number: int, options: argparse.Namespace) -> dict[str, float] | None:
    """Coverage in one ring; None where a fit or the joint model is refused."""
    rng = np.random.default_rng([number, 0 if options.rho is None else round(1000 * options.rho)])
    rho = float(rng.beta(A, B)) if options.rho is None else options.rho
    datas, changes = ring(options.cities, rho, options.truth, options.size, rng)
    settings = ChangeSettings(engine="laplace", draws=options.draws)
    try:
        trees: list[xr.DataTree] = [fit(data, settings, number + i) for i, data in enumerate(datas)]
        tree = join(trees, datas, SIGNS, number, a=A, b=B, draws=options.draws)
    except ConvergenceError:
        return None
    truth = relative([change[None] for change in changes])
    change = tree["posterior"]["change"]
    together = relative([flat(change.isel(indicator=i, group=0)) for i in range(len(SIGNS))])
    apart = relative([rng.permutation(flat(one["posterior"]["change"])[:, :, 0]) for one in trees])
    joint, naive = (inside(field_change(draws), field_change(truth)[0]) for draws in (together, apart))
    drawn = tree["posterior"]["rho"].to_numpy()
    return {
        "joint": joint[0],
        "naive": naive[0],
        "single": float(np.mean([inside(draws, true[0])[0] for draws, true in zip(apart, truth, strict=True)])),
        "joint_width": joint[1],
        "naive_width": naive[1],
        "rho_inside": inside(drawn.reshape(-1, 1), np.array([rho]))[0],
        "rho_error": float(drawn.mean() - rho),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rings", type=int, default=400)
    parser.add_argument("--cities", type=int, default=24)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--truth", choices=["prior", "magnitudes"], default="prior")
    parser.add_argument("--size", type=float, default=1.0, help="factor on the bases")
    parser.add_argument("--rho", type=float, default=None, help="common correlation; drawn from its prior if not given")
    parser.add_argument("--out", type=Path, default=Path("results/field_coverage"))
    options = parser.parse_args()
    begin, found, refused = time.perf_counter(), [], 0
    with threadpool_limits(limits=1):
        for number in range(options.rings):
            one = one_ring(number, options)
            refused += one is None
            found += [one] if one is not None else []
            if (number + 1) % 50 == 0:
                print(f"{number + 1} rings, {time.perf_counter() - begin:.0f} s", flush=True)
    columns = {name: np.array([one[name] for one in found]) for name in found[0]}
    summary = {
        name: {"mean": float(values.mean()), "error": float(values.std(ddof=1) / np.sqrt(len(values)))}
        for name, values in columns.items()
    }
    for name, one in summary.items():
        print(f"{name:12s} {one['mean']:.4f} ± {one['error']:.4f}")
    print(f"{len(found)} rings of {options.cities} cities, {refused} refused")
    options.out.mkdir(parents=True, exist_ok=True)
    name = f"{options.truth}_size_{options.size:g}_rho_{'drawn' if options.rho is None else f'{options.rho:g}'}"
    content = {"rings": len(found), "refused": refused, "cities": options.cities, "draws": options.draws, "summary": summary}
    (options.out / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
