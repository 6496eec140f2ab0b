"""What would a ring have found in any other pair of years, and how much of it was undone a year later?

Every pair of neighbouring years of two real rings is run as if it were the ring's own: fitted, judged and declared together (see
third_year.py, which holds the same claims against the third year in each year). Told are the share of cells with a finding
(*improved* or *worsened*), and the share of these findings whose change over two years, beyond that of the others, has the other
sign. Beside it stands the 90 % interval that the model itself predicts for that share: it says that some claims will be undone,
and how many.

`worthless` is the same share where net changes are exchanged at random among the cities of a year: what it would be if a finding
told nothing of the city it names. The pairs share years, so their intervals are not quite independent. A claim and its net change
share the first year's counting error; the model's interval knows that.

    python analyses/placebo.py [--rings lower_saxony employment] [--draws 2000] [--out results/analyses/placebo.csv]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from third_year import INTERVAL, MAIN, Held, held_out

EXCHANGES = 400


def exchanged(parts: list[Held], rng: np.random.Generator) -> float:
    """Mean share of findings with the other sign where net changes are exchanged among the cities of a year and definition."""
    other, found = 0.0, 0
    for one in parts:
        known = np.flatnonzero(np.isfinite(one.net_relative))
        claim = one.claim[known]
        orders = rng.permuted(np.tile(one.net_relative[known], (EXCHANGES, 1)), axis=1)
        other += float((claim * orders < 0).sum(axis=1).mean())
        found += int((claim != 0).sum())
    return other / found if found else float("nan")


def row(parts: list[Held], rng: np.random.Generator) -> dict[str, float]:
    """Findings, and those that a third year undid, of some pairs of years together."""
    cells = sum(int(np.isfinite(one.net_relative).sum()) for one in parts)
    found = sum(int((one.claim != 0).sum()) for one in parts)
    out = {"pairs": len(parts), "cells": cells, "findings": found, "share found": found / cells if cells else float("nan")}
    if not found:
        return out
    other = found - sum(int(one.right.sum()) for one in parts)
    drawn = found - np.asarray(sum(one.right_drawn for one in parts))
    low, high = np.quantile(drawn, INTERVAL, method="inverted_cdf")
    told = {"undone": other, "share undone": other / found, "predicted": float(drawn.mean()) / found}
    told |= {"low": low / found, "high": high / found, "inside": float(low <= other <= high), "worthless": exchanged(parts, rng)}
    return out | told


def table(ring: str, years: dict[int, dict[str, Held]], seed: int) -> pd.DataFrame:
    """One row per definition and one for the ring, all pairs of years together, and how many single years lie inside."""
    rng = np.random.default_rng([seed, 0x91AC])
    rows = []
    for definition in ("all", *MAIN[ring]):
        by_year = [[one for name, one in held.items() if definition in (name, "all")] for held in years.values()]
        by_year = [parts for parts in by_year if parts]
        if not by_year:
            continue
        single = [one["inside"] for one in (row(parts, rng) for parts in by_year) if "inside" in one]
        whole = row([one for parts in by_year for one in parts], rng)
        counted = {"years with findings": len(single), "of them inside": int(sum(single))}
        rows.append({"ring": ring, "definition": definition} | whole | counted)
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rings", nargs="+", choices=sorted(MAIN), default=sorted(MAIN))
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20210701)
    parser.add_argument("--out", type=Path, default=Path("results/analyses/placebo.csv"))
    given = parser.parse_args()
    found = pd.concat(
        [table(ring, dict(held_out(ring, given.draws, given.seed)), given.seed) for ring in given.rings], ignore_index=True
    )
    print(found.round(3).to_string(index=False))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    found.to_csv(given.out, index=False)


if __name__ == "__main__":
    main()
