"""Are shocks that are nobody's doing flagged, and is no city praised or blamed for them? Simulated rings with known truth.

A ring has two indicators: naturalisations per foreigner (a rate of 0.03, one group, more is better) and leavers without
certificate (a share of 0.07, of the reference group 0.05, less is better), with the magnitudes of docs/explanation/magnitudes.md:
SD of a one-year change 0.29, and 0.41 and 0.19; between Länder 0.05, of the ring's shift 0.1. Bases lie around the number given
(log-SD 0.5), their growth around none (log-SD 0.03). Peers are one known partition. 24 cities lie in three Länder of 8, 67 in
Länder of 27, 17, 12, 8 and 3. Fitted with the engine `laplace` and the Land in the model, findings as a run makes them.

On each ring, one at a time, with everything else unchanged:

- `base_up`, `base_down`: one city's bases of the last year × 1.35 and × 0.7, the counts as they were;
- `land_base`: the bases of all cities of one Land × 1.35;
- `land_up`, `land_down`: 0.5 more and less on the link scale in the last year, in one Land;
- `ring_up`: 0.5 more in all cities; `ring_base`: all bases × 1.35;
- `none`: nothing.

City and Land are taken in turn. What is true of a city is what is true of it without the shock. `along` is the word of the change
in the direction of the shock (with `none`: improved), `level` that of the standing. Beside each figure stand the same cells
without the shock (`before`), and the same fit without the rules for Länder and bases (`bare`).

    python analyses/shocks.py --rings 100 --cities 24 --bases 5000 --out results/analyses/shocks.csv

What is in the file is not simulated again; `--rings 0` prints only. A file is of one seed and one number of draws.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from threadpoolctl import threadpool_limits

from integstat.catalogue import Catalogue, load_catalogue
from integstat.change import ChangeSettings, fit
from integstat.change.data import from_panel
from integstat.change.model import inverse_link
from integstat.errors import ConvergenceError
from integstat.findings import Findings, FindingSettings, build_findings
from integstat.findings.others import median_of_others
from integstat.panel import Panel
from integstat.simulate import Parameters, Truth, draw_truth

YEARS = (2016, 2017)  # without a registered break
RATES = {"R1.eight_years_previous": (0.03,), "E3.leavers": (0.07, 0.05)}
SD_CHANGE = {"R1.eight_years_previous": (0.29,), "E3.leavers": (0.41, 0.19)}
SD_LEVEL, SD_PEER, SD_LAND, SD_SHIFT, CORRELATION, SD_BASE, SD_GROWTH = 0.35, 0.15, 0.05, 0.1, 0.5, 0.5, 0.02
LANDS = {24: (8, 8, 8), 67: (27, 17, 12, 8, 3)}
PEER_GROUPS = {24: 3, 67: 4}
BASES = (5000, 500)
STEP, GREW, SHRANK = 0.5, 1.35, 0.7
SHOCKS = {  # whom it strikes, factor of the last year's base, step of the last year on the link scale
    "none": ("ring", 1.0, 0.0),
    "base_up": ("city", GREW, 0.0),
    "base_down": ("city", SHRANK, 0.0),
    "land_base": ("land", GREW, 0.0),
    "land_up": ("land", 1.0, STEP),
    "land_down": ("land", 1.0, -STEP),
    "ring_up": ("ring", 1.0, STEP),
    "ring_base": ("ring", GREW, 0.0),
}
KEY = ["cities", "base", "ring"]
FLAGS = ("base_jump", "with_land", "other_land", "with_ring")
SOURCES = ("now", "before", "bare")
WORDS = {"along": ("improved", "worsened"), "level": ("better", "worse")}  # upwards, downwards
COUNTED = [f"{kind}_{source}{true}" for source in SOURCES for kind in ("along", "against", "level") for true in ("", "_true")]
TRUE = ["true_along", "true_against"]
LABELS = ["shock", "definition", "side", "struck", "up", "cells"]
TOLD = ["base_shift", "named", "named_wrongly"]
COLUMNS = [*KEY, *LABELS, *FLAGS, *TOLD, *TRUE, *COUNTED]
REFUSED = "refused"


@dataclass(frozen=True)
class Task:
    """One ring to simulate, with all its shocks."""

    cities: int
    base: int
    ring: int
    seed: int = 20210701
    draws: int = 1000
    shocks: tuple[str, ...] = tuple(SHOCKS)

    @property
    def peers(self) -> np.ndarray:
        return np.arange(self.cities) % PEER_GROUPS[self.cities]

    @property
    def lands(self) -> np.ndarray:
        sizes = LANDS[self.cities]
        return np.repeat(np.arange(len(sizes)), sizes)

    def rng(self, place: int = 0) -> np.random.Generator:
        return np.random.default_rng([self.seed, self.cities, self.base, self.ring, place])

    def struck(self, shock: str) -> np.ndarray:
        """Cities that the shock strikes, shape (C,)."""
        whom = SHOCKS[shock][0]
        if whom == "city":
            return np.arange(self.cities) == self.ring % self.cities
        return self.lands == self.ring % len(LANDS[self.cities]) if whom == "land" else np.ones(self.cities, dtype=bool)


def link_of(catalogue: Catalogue, definition: str) -> str:
    return "log" if catalogue.kind(definition) == "rate" else "logit"


def simulate(task: Task, catalogue: Catalogue) -> dict[str, Truth]:
    """Draw the truth of every indicator of a ring, and counts from it, without a shock."""
    rng, out = task.rng(), {}
    for definition, given in RATES.items():
        rates, link = np.array(given), link_of(catalogue, definition)
        parameters = Parameters(
            level=np.log(rates) if link == "log" else np.log(rates / (1 - rates)),
            shift=rng.normal(0, SD_SHIFT, len(rates)),
            sd_mean=np.full(len(rates), SD_LEVEL),
            sd_change=np.array(SD_CHANGE[definition]),
            corr_mean=CORRELATION,
            corr_change=CORRELATION,
            sd_peer_level=SD_PEER,
            sd_peer_change=0.0,
            sd_land_change=SD_LAND,
            lasting_share=0.2,
        )
        shape = (task.cities, len(rates))
        size = rng.lognormal(0, SD_BASE, (*shape, 1)) * rng.lognormal(0, SD_GROWTH, (*shape, 2))
        out[definition] = draw_truth(parameters, np.round(task.base * size), link, rng, peers=task.peers, land=task.lands)
    return out


def counts(task: Task, truth: Truth, link: str, shock: str, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Numerators and bases as delivered under a shock, shape (C, G, 2)."""
    _, factor, step = SHOCKS[shock]
    hit, y, n = task.struck(shock), truth.y.copy(), truth.n.copy()
    if step:
        rng = task.rng(1 + place)
        p, base = inverse_link(truth.eta[hit, :, 1] + step, link), n[hit, :, 1]
        y[hit, :, 1] = rng.binomial(base.astype(int), p) if link == "logit" else rng.poisson(base * p)
    n[hit, :, 1] = np.maximum(np.round(factor * n[hit, :, 1]), y[hit, :, 1])
    return y, n


def panel_of(delivered: dict[str, tuple[np.ndarray, np.ndarray]], lands: np.ndarray) -> Panel:
    """Put the counts into a panel; cities in the order of the truth."""
    codes = [f"{91 + land}" for land in lands]
    keys = [f"{code}{1 + place:03d}" for place, code in enumerate(codes)]
    table = pd.DataFrame({"city": keys, "name": keys, "land": codes, "land_name": [f"Land {code}" for code in codes]})
    rows = [
        (key, definition.split(".")[0], definition, ("target", "reference")[g], YEARS[t], y[c, g, t], n[c, g, t])
        for definition, (y, n) in delivered.items()
        for (c, key), g, t in itertools.product(enumerate(keys), range(n.shape[1]), range(2))
    ]
    frame = pd.DataFrame(rows, columns=["city", "indicator", "definition", "group", "year", "y", "n"])
    return Panel(frame.assign(y_code="value", n_code="value", note="", place=""), table)


def posteriors(task: Task, panel: Panel, catalogue: Catalogue) -> dict[str, xr.DataTree]:
    """Fit every indicator, as a run with these groups and Länder would."""
    keys = panel.cities["city"]
    settings = ChangeSettings(engine="laplace", draws=task.draws, peers="groups", land=True)
    out = {}
    for place, definition in enumerate(RATES):
        data = from_panel(
            panel,
            definition,
            catalogue.kind(definition),
            catalogue.definition(definition)[0].groups,
            YEARS,
            peers=dict(zip(keys, task.peers.tolist(), strict=True)),
            peer_names=tuple(f"Gruppe {k + 1}" for k in range(PEER_GROUPS[task.cities])),
            use_land=True,
        )
        out[definition] = fit(data, settings, task.seed + 10 * task.ring + place, cores=1, threads=1)
    return out


def findings(trees: dict[str, xr.DataTree], panel: Panel, catalogue: Catalogue, *, rules: bool = True) -> Findings:
    """Findings of a run; without the rules no base counts as jumped, and all cities lie in one Land."""
    main = {one.split(".")[0]: one for one in RATES}
    if rules:
        return build_findings(trees, panel, catalogue, main, YEARS, FindingSettings(), None)
    single = Panel(panel.counts, panel.cities.assign(land=panel.cities["land"].iloc[0]))
    return build_findings(trees, single, catalogue, main, YEARS, FindingSettings(base_jump=1e9), None)


@dataclass(frozen=True)
class Real:
    """What is true of the cities without a shock, turned by polarity, shape (C,): change beyond the others, standing."""

    relative: np.ndarray
    standing: np.ndarray
    rho: float
    rho_level: float

    def moved(self, up: bool) -> np.ndarray:
        return (self.relative if up else -self.relative) > self.rho

    def stands(self, up: bool) -> np.ndarray:
        return (self.standing if up else -self.standing) > self.rho_level


def real_of(task: Task, truth: Truth, definition: str, catalogue: Catalogue) -> Real:
    """Hold the cities' own changes and levels against the others', by the definitions of docs/explanation/findings.md."""
    sign, all_, one = catalogue.polarity(definition), np.ones(task.cities, dtype=bool), np.zeros(task.cities, dtype=int)
    change, last = truth.change[:, 0], truth.eta[:, 0, 1]
    relative = change - median_of_others(change[None], all_, one, all_)[0]
    alike = (task.peers[:, None] == task.peers) & ~np.eye(task.cities, dtype=bool)
    indicator = catalogue.definition(definition)[0]
    return Real(sign * relative, sign * (last - alike @ last / alike.sum(axis=1)), indicator.rho, indicator.rho_level)


def one_ring(task: Task) -> pd.DataFrame:
    """Simulate a ring, lay every shock on it, and count what is flagged, praised and blamed: those struck and the others."""
    catalogue = load_catalogue()
    truths = simulate(task, catalogue)
    real = {definition: real_of(task, truth, definition, catalogue) for definition, truth in truths.items()}
    parts: list[pd.DataFrame] = []
    before: Findings | None = None
    for shock in task.shocks:
        delivered = {
            definition: counts(task, truth, link_of(catalogue, definition), shock, place)
            for place, (definition, truth) in enumerate(truths.items())
        }
        panel = panel_of(delivered, task.lands)
        try:
            with threadpool_limits(limits=1):
                trees = posteriors(task, panel, catalogue)
        except ConvergenceError:
            parts.append(pd.DataFrame([{**_key(task), "shock": shock, "side": REFUSED}]))
            continue
        now, bare = findings(trees, panel, catalogue), findings(trees, panel, catalogue, rules=False)
        before = now if shock == "none" else before
        sources = {"now": now, "before": before, "bare": bare}
        parts.append(pd.DataFrame(_rows(task, shock, sources, real, catalogue)))
    return pd.concat(parts, ignore_index=True).reindex(columns=COLUMNS)


def _key(task: Task) -> dict[str, int]:
    return {"cities": task.cities, "base": task.base, "ring": task.ring}


def _rows(
    task: Task, shock: str, sources: dict[str, Findings | None], real: dict[str, Real], catalogue: Catalogue
) -> Iterator[dict[str, object]]:
    whom, factor, step = SHOCKS[shock]
    hit = task.struck(shock)
    for definition, truth in real.items():
        direction = (step - (factor - 1)) * catalogue.polarity(definition)  # a larger base makes the rate fall
        up = direction > 0 or shock == "none"
        cells = {name: None if one is None else _of(one.grid, definition) for name, one in sources.items()}
        ring = _told(sources["now"], definition, f"{91 + task.ring % len(LANDS[task.cities])}", up)
        for side, inside in (("struck", hit), ("others", ~hit)):
            if not inside.any():
                continue
            flags = ";" + cells["now"]["flags"] + ";"
            row = {**_key(task), "shock": shock, "definition": definition, "side": side, "struck": hit.sum(), "up": up}
            row |= {"cells": inside.sum()} | {flag: (flags.str.contains(f";{flag};") & inside).sum() for flag in FLAGS}
            row |= {"true_along": (truth.moved(up) & inside).sum(), "true_against": (truth.moved(not up) & inside).sum()}
            row |= ring if whom == "land" else ring | {"named_wrongly": ring["named"] + ring["named_wrongly"], "named": 0}
            for name, grid in cells.items():
                row |= {} if grid is None else _counted(grid, name, truth, up, inside)
            yield row


def _of(grid: pd.DataFrame, definition: str) -> pd.DataFrame:
    return grid[grid["definition"] == definition].sort_values("city", ignore_index=True)


def _told(found: Findings, definition: str, land: str, up: bool) -> dict[str, int]:
    """What the ring's row says: a shift of the bases, the Land with its direction, and other Länder."""
    (ring,) = found.ring[found.ring["definition"] == definition].to_dict("records")
    said = {(one, way) for way, key in ((True, "lands_up"), (False, "lands_down")) for one in str(ring[key]).split(";") if one}
    return {"base_shift": int(ring["base_shift"]), "named": int((land, up) in said), "named_wrongly": len(said - {(land, up)})}


def _counted(grid: pd.DataFrame, name: str, truth: Real, up: bool, inside: np.ndarray) -> dict[str, int]:
    """Words of the change along the shock and against it, of the level along it; all of them, and those that are true."""
    out = {}
    for kind, column, upwards, true in (
        ("along", "finding_change", up, truth.moved(up)),
        ("against", "finding_change", not up, truth.moved(not up)),
        ("level", "finding_level", up, truth.stands(up)),
    ):
        words = WORDS["level" if kind == "level" else "along"]
        said = grid[column].eq(words[0 if upwards else 1]).to_numpy() & inside
        out |= {f"{kind}_{name}": int(said.sum()), f"{kind}_{name}_true": int((said & true).sum())}
    return out


def shares(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Shares of the cells: flagged, said along the shock and against it, and of those what is not true; with and without it."""
    groups = frame.groupby(by, sort=False)
    sums = groups[["cells", *FLAGS, *COUNTED]].sum()
    out = pd.DataFrame({"rings": groups["ring"].nunique(), "cells": sums["cells"].astype(int)})
    for flag in FLAGS:
        out[flag] = sums[flag] / sums["cells"]
    for kind in ("along", "against", "level"):
        for source in SOURCES:
            out[f"{kind} {source}"] = sums[f"{kind}_{source}"] / sums["cells"]
            out[f"{kind} {source} false"] = (sums[f"{kind}_{source}"] - sums[f"{kind}_{source}_true"]) / sums["cells"]
    return out


def errors(frame: pd.DataFrame) -> pd.DataFrame:
    """False-discovery rate of improved and worsened over whole rings, with its standard error, and their power."""
    up = frame["up"].astype(bool)
    out = []
    for source in SOURCES:
        for word in ("improved", "worsened"):
            same = up if word == "improved" else ~up
            said = frame[f"along_{source}"].where(same, frame[f"against_{source}"])
            right = frame[f"along_{source}_true"].where(same, frame[f"against_{source}_true"])
            true = frame["true_along"].where(same, frame["true_against"])
            table = frame[[*KEY, "shock"]].assign(said=said, right=right, true=true)
            rings = table.groupby([*KEY, "shock"], sort=False).sum()
            rings["share"] = (rings["said"] - rings["right"]) / rings["said"].clip(lower=1)
            groups = rings.groupby(["cities", "base", "shock"], sort=False)
            sums = groups[["said", "right", "true"]].sum()
            wrong = (sums["said"] - sums["right"]) / sums["said"]
            columns = {"fdr": groups["share"].mean(), "se": groups["share"].sem(), "pooled": wrong, "said": sums["said"]}
            out.append(pd.DataFrame(columns | {"power": sums["right"] / sums["true"]}).assign(source=source, word=word))
    return pd.concat(out).set_index(["word", "source"], append=True).sort_index()


def told(frame: pd.DataFrame) -> pd.DataFrame:
    """How often the ring's row names the struck Land, by its size; others named; bases of the ring said to move."""
    one = frame[frame["side"] == "struck"]
    groups = one.groupby(["cities", "base", "shock", "struck"], sort=False)
    return groups[["named", "named_wrongly", "base_shift"]].mean().assign(rings=groups["ring"].nunique())


def kept(path: Path) -> pd.DataFrame:
    """Return the whole rings of a file; a ring that was being written when a run ended is not whole."""
    if not path.exists():
        return pd.DataFrame(columns=COLUMNS)
    text = path.read_text()
    frame = pd.read_csv(StringIO(text[: text.rfind("\n") + 1]))
    return frame[frame.groupby(KEY)["shock"].transform("last") == list(SHOCKS)[-1]]


def run(todo: Iterator[Task], path: Path) -> None:
    """Simulate, and append every ring as soon as it is done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept(path).to_csv(path, index=False)
    for task in todo:
        with path.open("a") as file:
            file.write(one_ring(task).to_csv(index=False, header=False))


def report(frame: pd.DataFrame) -> None:
    """Print the tables."""
    refused = frame["side"] == REFUSED
    known = frame[~refused]
    with pd.option_context("display.width", 250, "display.max_columns", 40, "display.max_rows", 500):
        for cities, base in known[["cities", "base"]].drop_duplicates().itertuples(index=False):
            one = known[(known["cities"] == cities) & (known["base"] == base)]
            print(f"\n{cities} cities, bases around {base}: shares of the cells")
            print(shares(one, ["shock", "side"]).round(3).T.to_string())
        print("\nthe ring's row: struck Land named, others named, bases said to move")
        print(told(known).round(3).to_string())
        print("\nfalse discoveries against the truth without the shock, and power")
        print(errors(known).round(3).to_string())
    print(f"\nrefused by laplace, left out: {frame[refused].groupby(['cities', 'base', 'shock']).size().to_dict() or 'none'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rings", type=int, default=100, help="rings of each number of cities and base")
    parser.add_argument("--cities", nargs="+", type=int, choices=sorted(LANDS), default=sorted(LANDS))
    parser.add_argument("--bases", nargs="+", type=int, default=BASES)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20210701)
    parser.add_argument("--out", type=Path, default=Path("results/analyses/shocks.csv"))
    given = parser.parse_args()
    done = kept(given.out)
    there = set(done[KEY].itertuples(index=False, name=None))
    wanted = itertools.product(range(given.rings), given.cities, given.bases)
    todo = (Task(c, b, r, given.seed, given.draws) for r, c, b in wanted if (c, b, r) not in there)
    run(todo, given.out)
    report(kept(given.out))


if __name__ == "__main__":
    main()
