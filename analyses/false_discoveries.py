"""How many findings are wrong, and how many true changes are found? Simulated rings with known truth.

A ring has two indicators, so that one set of declared cells pools over both: naturalisations per foreigner (a rate of 0.03, one
group) and leavers without certificate (a share of 0.07, of the reference group 0.05). Its cities' bases lie around the number
given (log-SD 0.5). Its peers are one known partition: none with 8 cities, 3 groups with 24, 4 with 67. No Länder. Fitted with the
engine `laplace`, findings as a run makes them, with the priors, steps and q of the package.

- `prior`: every parameter but the level is drawn from the prior that the fit uses.
- `fixed`: the measured magnitudes of docs/explanation/magnitudes.md. The SD of a one-year change is 0.29 for naturalisations,
  0.41 and 0.19 for leavers (foreigners, Germans), the correlation of the two groups 0.5; the SD between peer groups is 0.15 for
  the level and nothing for the change; no shift.
- `shift`: the same and a common shift of 0.5 on the link scale, up and down in turn.
- `shift_only`: that shift, and no city moves beside it.
- `none`: nothing moves.

Printed by setting, cities and base, for every kind of finding: the false-discovery rate, which is the mean over rings of wrong ÷
declared, 0 where nothing is declared, with its standard error; the pooled share of wrong ones; how many are declared, wrong and
announced as expected to be wrong; the power, which is the share of the truly such cells that is declared; and the limit where
there is one. Then in how many rings anything was called improved or worsened. Then, for `prior`: of the cells with P(lasting) in
a bin, the share in which the lasting change lies above the others' median, under a prior whose mean is half, right and double.

A ring that `laplace` refuses is left out, counted and printed; a run would take the sampler there.

    python analyses/false_discoveries.py --rings 300 --jobs 2 --out results/analyses/false_discoveries.csv

What is in the file is not simulated again; `--rings 0` prints only. A file is of one seed and one number of draws.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
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
from integstat.change.lasting import draw_lasting
from integstat.errors import ConvergenceError
from integstat.findings import Findings, FindingSettings, build_findings
from integstat.panel import Panel
from integstat.simulate import Parameters, Truth, draw_truth, from_priors

YEARS = (2016, 2017)  # without a registered break
DEFINITIONS = ("R1.eight_years_previous", "E3.leavers")
RATES = {"R1.eight_years_previous": (0.03,), "E3.leavers": (0.07, 0.05)}
SD_CHANGE = {"R1.eight_years_previous": (0.29,), "E3.leavers": (0.41, 0.19)}
SD_LEVEL, SD_PEER, CORRELATION, SHIFT, SD_BASE, SD_GROWTH = 0.35, 0.15, 0.5, 0.5, 0.5, 0.02
PEER_GROUPS = {8: 1, 24: 3, 67: 4}
SETTINGS = ("prior", "fixed", "shift", "shift_only", "none")
SIZES, BASES = (24, 8, 67), (5000, 150)
KINDS = {  # column of the word and of the probability
    "improved": ("finding_change", "p_success"),
    "worsened": ("finding_change", "p_worsened"),
    "unchanged": ("finding_change", "p_unchanged"),
    "better": ("finding_level", "p_better"),
    "worse": ("finding_level", "p_worse"),
    "as_expected": ("finding_level", "p_as_expected"),
    "narrowed": ("finding_gap", "p_gap_narrowed"),
    "widened": ("finding_gap", "p_gap_widened"),
    "gap_unchanged": ("finding_gap", "p_gap_unchanged"),
    "success": ("finding", "p_success"),
    "deficit": ("finding", "p_deficit"),
    "stable": ("finding", "p_stable"),
}
MOVED = ("improved", "worsened")
LASTING = {"half": (1.0, 4.0), "right": (2.0, 3.0), "double": (4.0, 1.0)}  # means 0.2, 0.4, 0.8; the truth has 0.4
BINS = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
KEY = ["setting", "cities", "base", "ring"]
COLUMNS = [*KEY, "kind", "declared", "wrong", "true", "expected"]
REFUSED = "refused"


@dataclass(frozen=True)
class Task:
    """One ring to simulate. `evidence` above 1 makes the fit take the counts for more than they are: a check of the check."""

    setting: str
    cities: int
    base: int
    ring: int
    seed: int = 20210701
    draws: int = 1000
    evidence: float = 1.0

    def rng(self) -> np.random.Generator:
        return np.random.default_rng([self.seed, SETTINGS.index(self.setting), self.cities, self.base, self.ring])

    @property
    def peers(self) -> np.ndarray:
        return np.arange(self.cities) % PEER_GROUPS.get(self.cities, 4)


def parameters(task: Task, definition: str, link: str, settings: ChangeSettings, rng: np.random.Generator) -> Parameters:
    """Return the ring-level truth of one indicator."""
    rates = np.array(RATES[definition])
    level = np.log(rates) if link == "log" else np.log(rates / (1 - rates))
    if task.setting == "prior":
        return from_priors(settings.priors, level, rng)
    moving, shifted = task.setting in ("fixed", "shift"), task.setting in ("shift", "shift_only")
    return Parameters(
        level=level,
        shift=np.full(len(rates), shifted * SHIFT * (-1) ** task.ring),
        sd_mean=np.full(len(rates), SD_LEVEL),
        sd_change=moving * np.array(SD_CHANGE[definition]),
        corr_mean=CORRELATION,
        corr_change=CORRELATION,
        sd_peer_level=SD_PEER,
        sd_peer_change=0.0,
        sd_land_change=0.0,
        lasting_share=0.2,
    )


def simulate(task: Task, catalogue: Catalogue, settings: ChangeSettings) -> dict[str, Truth]:
    """Draw the truth of every indicator of a ring, and counts from it."""
    rng, out = task.rng(), {}
    for definition in DEFINITIONS:
        link = "log" if catalogue.kind(definition) == "rate" else "logit"
        chosen = parameters(task, definition, link, settings, rng)
        groups = len(chosen.level)
        size = rng.lognormal(0, SD_BASE, (task.cities, groups, 1)) * rng.lognormal(0, SD_GROWTH, (task.cities, groups, 2))
        out[definition] = draw_truth(chosen, np.maximum(np.round(task.base * size), 3), link, rng, peers=task.peers)
    return out


def panel_of(truths: dict[str, Truth], cities: int) -> Panel:
    """Put the counts into a panel; all cities in one Land."""
    keys = [f"91{1 + place:03d}" for place in range(cities)]
    table = pd.DataFrame({"city": keys, "name": keys, "land": "91", "land_name": "Land 91"})
    rows = [
        (key, definition.split(".")[0], definition, ("target", "reference")[g], YEARS[t], truth.y[c, g, t], truth.n[c, g, t])
        for definition, truth in truths.items()
        for (c, key), g, t in itertools.product(enumerate(keys), range(truth.n.shape[1]), range(2))
    ]
    counts = pd.DataFrame(rows, columns=["city", "indicator", "definition", "group", "year", "y", "n"])
    return Panel(counts.assign(y_code="value", n_code="value", note="", place=""), table)


def posteriors(task: Task, panel: Panel, catalogue: Catalogue, settings: ChangeSettings) -> dict[str, xr.DataTree]:
    """Fit every indicator, as a run with these groups would."""
    keys = panel.cities["city"]
    names = tuple(f"Gruppe {k + 1}" for k in range(task.peers.max() + 1))
    out = {}
    for place, definition in enumerate(DEFINITIONS):
        data = from_panel(
            panel,
            definition,
            catalogue.kind(definition),
            catalogue.definition(definition)[0].groups,
            YEARS,
            peers=dict(zip(keys, task.peers.tolist(), strict=True)),
            peer_names=names,
            use_land=False,
            evidence=task.evidence,
        )
        out[definition] = fit(data, settings, task.seed + 10 * task.ring + place, cores=1, threads=1)
    return out


def of_others(values: np.ndarray) -> np.ndarray:
    """Median of all the other cities, along the last axis."""
    count = values.shape[-1]
    order = np.argsort(values, axis=-1)
    rank, values = np.argsort(order, axis=-1), np.take_along_axis(values, order, axis=-1)

    def other(place: int) -> np.ndarray:  # of the sorted others
        return np.where(rank > place, values[..., [place]], values[..., [place + 1]])

    return 0.5 * (other((count - 2) // 2) + other((count - 1) // 2))


def events(truth: Truth, sign: int, peers: np.ndarray, rho: float, rho_level: float) -> dict[str, np.ndarray]:
    """Which findings are true, by city, straight from their definitions in docs/explanation/findings.md."""
    change, last = truth.change[:, 0], truth.eta[:, 0, 1]
    relative = sign * (change - of_others(change))
    alike = (peers[:, None] == peers) & ~np.eye(len(peers), dtype=bool)
    standing = sign * (last - alike @ last / alike.sum(axis=1)) if peers.max() > 0 else np.zeros(len(peers))
    gap = sign * (change - truth.change[:, 1]) if truth.change.shape[1] == 2 else np.full(len(peers), np.nan)
    out = {"improved": relative > rho, "worsened": relative < -rho, "unchanged": np.abs(relative) <= rho}
    out |= {"better": standing > rho_level, "worse": standing < -rho_level, "as_expected": np.abs(standing) <= rho_level}
    out |= {"narrowed": gap > rho, "widened": gap < -rho, "gap_unchanged": np.abs(gap) <= rho}
    out["success"], out["deficit"] = out["improved"], out["worsened"] | out["worse"]
    return out | {"stable": out["unchanged"] & ~out["worse"]}


def declared_of(grid: pd.DataFrame, kind: str) -> np.ndarray:
    """Cells that carry this word; a deficit also where a success stands before it."""
    if kind == "deficit":
        return grid["counts_as_deficit"].to_numpy(bool)
    return grid[KINDS[kind][0]].eq(kind.removeprefix("gap_")).to_numpy()


def lasting_rows(found: Findings, trees: dict[str, xr.DataTree], truths: dict[str, Truth], catalogue: Catalogue) -> list[tuple]:
    """Hold P(lasting) against the truth, by prior of the share that lasts: all cells by bin, and the cells called improved."""
    improved, rows = declared_of(found.grid, "improved"), []
    order = found.grid.set_index(["definition", "city"]).index
    for size, (a, b) in LASTING.items():
        given, true = [], []
        for definition, tree in trees.items():
            draws = tree["posterior"].to_dataset()
            kept = draw_lasting(draws, a, b, 1)["lasting_change"].isel(chain=0, group=0).transpose("draw", "city").to_numpy()
            sign, cities = catalogue.polarity(definition), draws["city"].to_numpy()
            index = pd.MultiIndex.from_product([[definition], cities])
            given.append(pd.Series((sign * (kept - of_others(kept)) > 0).mean(axis=0), index))
            lasting = truths[definition].lasting[:, 0]
            true.append(pd.Series(sign * (lasting - of_others(lasting)) > 0, index))
        p, so = pd.concat(given).loc[order].to_numpy(), pd.concat(true).loc[order].to_numpy(bool)
        place = np.clip(np.digitize(p, BINS) - 1, 0, len(BINS) - 2)
        chosen = {f"{BINS[k]:.1f}": place == k for k in range(len(BINS) - 1)} | {"improved": improved}
        rows += [
            (f"lasting {size} {name}", in_.sum(), (in_ & ~so).sum(), (in_ & so).sum(), (1 - p[in_]).sum())
            for name, in_ in chosen.items()
        ]
    return rows


def one_ring(task: Task) -> pd.DataFrame:
    """Simulate a ring and count, per kind, what was declared, wrong, truly so, and expected to be wrong."""
    catalogue = load_catalogue()
    settings = ChangeSettings(engine="laplace", draws=task.draws, peers="groups", land=False)
    truths = simulate(task, catalogue, settings)
    panel = panel_of(truths, task.cities)
    try:
        with threadpool_limits(limits=1):
            trees = posteriors(task, panel, catalogue, settings)
            main = {one.split(".")[0]: one for one in DEFINITIONS}
            found = build_findings(trees, panel, catalogue, main, YEARS, FindingSettings(), None)
            rows = lasting_rows(found, trees, truths, catalogue) if task.setting == "prior" else []
    except ConvergenceError:
        return pd.DataFrame([(*_key(task), REFUSED, 1, 0, 0, 0.0)], columns=COLUMNS)
    grid = found.grid
    true = {}
    for definition, truth in truths.items():
        indicator = catalogue.definition(definition)[0]
        for kind, so in events(truth, catalogue.polarity(definition), task.peers, indicator.rho, indicator.rho_level).items():
            true[definition, kind] = pd.Series(so, panel.cities["city"])
    for kind, (_, column) in KINDS.items():
        so = np.array([true[d, kind].loc[c] for d, c in zip(grid["definition"], grid["city"], strict=True)])
        declared, p = declared_of(grid, kind), grid[column].to_numpy(float)
        can = np.isfinite(p)
        rows.append((kind, declared.sum(), (declared & ~so).sum(), (so & can).sum(), (1 - p[declared]).sum()))
    return pd.DataFrame([(*_key(task), *row) for row in rows], columns=COLUMNS)


def _key(task: Task) -> tuple[str, int, int, int]:
    return task.setting, task.cities, task.base, task.ring


def rates(frame: pd.DataFrame) -> pd.DataFrame:
    """False-discovery rate with its standard error, pooled share, wrong and announced, power: by setting, cities, base, kind.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of `one_ring`.
    """
    share = (frame["wrong"] / frame["declared"].clip(lower=1)).rename("share")
    groups = pd.concat([frame, share], axis=1).groupby(["setting", "cities", "base", "kind"], sort=False)
    sums = groups[["declared", "wrong", "true", "expected"]].sum()
    out = pd.DataFrame({"rings": groups.size(), "fdr": groups["share"].mean(), "se": groups["share"].sem()})
    out["pooled"] = sums["wrong"] / sums["declared"].where(sums["declared"] > 0)
    out = out.join(sums)
    out["power"] = (sums["declared"] - sums["wrong"]) / sums["true"].where(sums["true"] > 0)
    return out


def any_moved(frame: pd.DataFrame) -> pd.DataFrame:
    """Share of rings in which anything was called improved or worsened, with its standard error."""
    moved = frame[frame["kind"].isin(MOVED)].groupby(KEY, sort=False)["declared"].sum().gt(0)
    groups = moved.groupby(level=["setting", "cities", "base"], sort=False)
    share, count = groups.mean(), groups.size()
    return pd.DataFrame({"rings": count, "any": share, "se": np.sqrt(share * (1 - share) / count)})


def limit_of(setting: str, kind: str) -> float:
    """What is promised: q where the truth is drawn from the prior, 0.13 for changes under fixed magnitudes, else nothing."""
    if setting == "prior":
        return FindingSettings().q
    return 0.13 if setting in ("fixed", "shift") and kind in MOVED else float("nan")


def kept(path: Path) -> pd.DataFrame:
    """Return the whole rings of a file; a ring that was being written when a run ended is not whole."""
    if not path.exists():
        return pd.DataFrame(columns=COLUMNS)
    text = path.read_text()
    frame = pd.read_csv(StringIO(text[: text.rfind("\n") + 1]))
    last = frame.groupby(KEY)["kind"].transform("last")
    return frame[last.isin([list(KINDS)[-1], REFUSED])]


def tasks(given: argparse.Namespace, done: pd.DataFrame) -> Iterator[Task]:
    """Rings that are not in the file yet: by size, and within it all settings."""
    there = set(done[KEY].itertuples(index=False, name=None))
    for cities, setting, base in itertools.product(given.cities, given.settings, given.bases):
        for ring in range(given.rings):
            if (setting, cities, base, ring) not in there:
                yield Task(setting, cities, base, ring, given.seed, given.draws)


def run(todo: Iterable[Task], jobs: int, path: Path) -> None:
    """Simulate, and append every ring as soon as it is done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept(path).to_csv(path, index=False)
    with ProcessPoolExecutor(jobs) as pool, path.open("a") as file:
        for frame in pool.map(one_ring, todo):
            file.write(frame.to_csv(index=False, header=False))
            file.flush()


def report(frame: pd.DataFrame) -> None:
    """Print the tables."""
    table = rates(frame[frame["kind"].isin(KINDS)])
    table["limit"] = [limit_of(setting, kind) for setting, _, _, kind in table.index]
    refused = frame[frame["kind"] == REFUSED].groupby(KEY[:3]).size()
    print(table.round(3).to_string())
    print("\nrings in which anything was called improved or worsened (at most 0.10 in 'none' and 'shift_only')")
    print(any_moved(frame).round(3).to_string())
    print(f"\nrefused by laplace, left out: {refused.to_dict() or 'none'}")
    lasting = rates(frame[frame["kind"].str.startswith("lasting")])
    if len(lasting):
        print("\nP(lasting): given and true share of cells above the others' median, by prior and bin of P")
        given = 1 - lasting["expected"] / lasting["declared"]
        print(pd.DataFrame({"cells": lasting["declared"], "given": given, "true": 1 - lasting["pooled"]}).round(3).to_string())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rings", type=int, default=300, help="rings of each setting, number of cities and base")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=SETTINGS)
    parser.add_argument("--cities", nargs="+", type=int, choices=sorted(PEER_GROUPS), default=SIZES)
    parser.add_argument("--bases", nargs="+", type=int, default=BASES)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20210701)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--out", type=Path, default=Path("results/analyses/false_discoveries.csv"))
    given = parser.parse_args()
    run(list(tasks(given, kept(given.out))), given.jobs, given.out)
    report(kept(given.out))


if __name__ == "__main__":
    main()
