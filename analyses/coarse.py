"""Do counts that are rounded or held back bias what is said of change and level? Rings with exact and with coarse counts.

Rings of 24 cities with two indicators: naturalisations per foreigner (a rate of 0.03, one group) and leavers without certificate
(a share of 0.07, of the reference group 0.05), with the magnitudes of docs/explanation/magnitudes.md. Bases lie around the number
given (log-SD 0.5), 150 by default, so that 4 and 10 are counted in the middle city. Each ring is delivered five times and fitted
with `laplace`:

- `exact`: the counts;
- `rounded`: to multiples of five, known to be rounded; `below_3`: counts below three as `< 3`;
- `taken_as_exact`: rounded to five, not known to be; `left_out`: counts below three missing. Neither is done by a run; they show
  that the comparison would find a bias.

Printed for change, relative change, and level of the last year, on the link scale: `difference` of the posterior means to those
of the exact counts, in posterior SDs of the exact counts; the same in the direction of the truth (`towards`: where less is known,
it shrinks); `error` against the truth in the fit's own SDs; the share of truths `inside` the 90 % intervals; `width` of the
posterior as a multiple of that of the exact counts. Averages over the cities of a ring, then over rings, with the standard error
over rings.

    python analyses/coarse.py --rings 100 --out results/analyses/coarse.csv

What is in the file is not simulated again; `--rings 0` prints only.
"""

from __future__ import annotations

import argparse
import itertools
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from integstat.catalogue import load_catalogue
from integstat.change import ChangeSettings, fit
from integstat.change.data import from_panel
from integstat.errors import ConvergenceError
from integstat.findings.estimands import flat
from integstat.findings.others import median_of_others
from integstat.panel import Panel
from integstat.simulate import Parameters, Truth, draw_truth

YEARS = (2016, 2017)
RATES = {"R1.eight_years_previous": (0.03,), "E3.leavers": (0.07, 0.05)}
SD_CHANGE = {"R1.eight_years_previous": (0.29,), "E3.leavers": (0.41, 0.19)}
SD_LEVEL, SD_SHIFT, CORRELATION, SD_BASE, SD_GROWTH = 0.35, 0.1, 0.5, 0.5, 0.02
ROUNDED_TO, FEWEST = 5, 3
DELIVERED = ("exact", "rounded", "below_3", "taken_as_exact", "left_out")
TAIL = 0.05
KEY = ["base", "ring"]
MEASURES = ["difference", "towards", "error", "inside", "width"]
COLUMNS = [*KEY, "definition", "delivered", "what", *MEASURES]


def simulate(definition: str, link: str, cities: int, base: int, rng: np.random.Generator) -> Truth:
    """Draw the truth of one indicator of a ring, and exact counts from it."""
    rates = np.array(RATES[definition])
    parameters = Parameters(
        level=np.log(rates) if link == "log" else np.log(rates / (1 - rates)),
        shift=rng.normal(0, SD_SHIFT, len(rates)),
        sd_mean=np.full(len(rates), SD_LEVEL),
        sd_change=np.array(SD_CHANGE[definition]),
        corr_mean=CORRELATION,
        corr_change=CORRELATION,
        sd_peer_level=0.0,
        sd_peer_change=0.0,
        sd_land_change=0.0,
        lasting_share=0.2,
    )
    size = rng.lognormal(0, SD_BASE, (cities, len(rates), 1)) * rng.lognormal(0, SD_GROWTH, (cities, len(rates), 2))
    return draw_truth(parameters, np.maximum(np.round(base * size), 2 * ROUNDED_TO), link, rng)


def panel_of(truth: Truth, definition: str, delivered: str) -> Panel:
    """Put the counts into a panel as they are delivered; cities in the order of the truth."""
    cities, groups, years = truth.n.shape
    keys = [f"91{1 + place:03d}" for place in range(cities)]
    y, code = truth.y.copy(), np.full(truth.y.shape, "value", dtype=object)
    if delivered in ("rounded", "taken_as_exact"):
        y = ROUNDED_TO * np.round(y / ROUNDED_TO)
    if delivered in ("below_3", "left_out"):
        few = y < FEWEST
        y[few], code[few] = np.nan, "below_3" if delivered == "below_3" else "missing"
    rows = [
        (
            keys[c],
            definition.split(".")[0],
            definition,
            ("target", "reference")[g],
            YEARS[t],
            y[c, g, t],
            truth.n[c, g, t],
            code[c, g, t],
        )
        for c, g, t in itertools.product(range(cities), range(groups), range(years))
    ]
    frame = pd.DataFrame(rows, columns=["city", "indicator", "definition", "group", "year", "y", "n", "y_code"])
    table = pd.DataFrame({"city": keys, "name": keys, "land": "91", "land_name": "Land 91"})
    return Panel(frame.assign(n_code="value", note="", place=""), table)


def draws_of(panel: Panel, definition: str, delivered: str, draws: int, seed: int) -> dict[str, np.ndarray]:
    """Fit, and return draws of the target group, shape (S, C); NaN for a city without both years."""
    catalogue = load_catalogue()
    told = ROUNDED_TO if delivered == "rounded" else 1
    data = from_panel(
        panel,
        definition,
        catalogue.kind(definition),
        catalogue.definition(definition)[0].groups,
        YEARS,
        use_land=False,
        rounding=(told, told),
    )
    with threadpool_limits(limits=1):
        tree = fit(data, ChangeSettings(engine="laplace", draws=draws), seed, cores=1, threads=1)
    here = np.isin(panel.cities["city"], data.cities)
    mean, change = (np.full((draws, len(here)), np.nan) for _ in range(2))
    usable = data.usable[:, 0].all(axis=1)
    for out, name in ((mean, "mean"), (change, "change")):
        values = flat(tree["posterior"][name])[:, :, 0]
        out[:, here] = np.where(usable, values, np.nan)
    return {"change": change, "relative": beyond_others(change), "level": mean + 0.5 * change}


def beyond_others(change: np.ndarray) -> np.ndarray:
    """Change beyond the median of the other cities, shape (S, C)."""
    known, one = np.isfinite(change[0]), np.zeros(change.shape[1], dtype=int)
    return np.asarray(change - median_of_others(change, known, one, known))


def one_ring(base: int, ring: int, seed: int, draws: int, cities: int = 24) -> pd.DataFrame:
    """Compare every way of delivering a ring with the exact counts and with the truth: averages over the cities."""
    catalogue, rows = load_catalogue(), []
    for place, definition in enumerate(RATES):
        link = "log" if catalogue.kind(definition) == "rate" else "logit"
        truth = simulate(definition, link, cities, base, np.random.default_rng([seed, base, ring, place]))
        change = truth.change[:, 0]
        real = {"change": change, "relative": beyond_others(change[None])[0], "level": truth.eta[:, 0, 1]}
        fits = {}
        for delivered in DELIVERED:
            try:
                fits[delivered] = draws_of(panel_of(truth, definition, delivered), definition, delivered, draws, seed + ring)
            except ConvergenceError:
                break
            rows += [
                (base, ring, definition, delivered, what, *compared(found, fits["exact"][what], real[what]))
                for what, found in fits[delivered].items()
            ]
    return pd.DataFrame(rows, columns=COLUMNS)


def compared(found: np.ndarray, exact: np.ndarray, real: np.ndarray) -> tuple[float, ...]:
    """Averages over the cities of what is printed: see `MEASURES`."""
    low, high = np.quantile(found, [TAIL, 1 - TAIL], axis=0)
    both = np.isfinite(low)
    mean, sd = found[:, both].mean(axis=0), found[:, both].std(axis=0)
    difference = (mean - exact[:, both].mean(axis=0)) / exact[:, both].std(axis=0)
    towards = difference * np.sign(real[both] - np.median(real))
    inside = (low[both] <= real[both]) & (real[both] <= high[both])
    width = sd / exact[:, both].std(axis=0)
    return tuple(float(one.mean()) for one in (difference, towards, (mean - real[both]) / sd, inside, width))


def table(frame: pd.DataFrame) -> pd.DataFrame:
    """Averages over rings with their standard errors."""
    groups = frame.groupby(["base", "definition", "what", "delivered"], sort=False)[MEASURES]
    out = groups.mean().join(groups.sem().add_suffix(" se")).assign(rings=groups.size())
    return out[["rings", *(name for one in MEASURES for name in (one, f"{one} se"))]]


def kept(path: Path) -> pd.DataFrame:
    """Return the rings of a file but the last, which may not be whole."""
    if not path.exists():
        return pd.DataFrame(columns=COLUMNS)
    text = path.read_text()
    frame = pd.read_csv(StringIO(text[: text.rfind("\n") + 1]))
    whole = frame.groupby(KEY)["delivered"].transform("size") == len(RATES) * len(DELIVERED) * 3
    return frame[whole]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rings", type=int, default=100)
    parser.add_argument("--bases", nargs="+", type=int, default=[150])
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20210701)
    parser.add_argument("--out", type=Path, default=Path("results/analyses/coarse.csv"))
    given = parser.parse_args()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    done = kept(given.out)
    done.to_csv(given.out, index=False)
    there = set(done[KEY].itertuples(index=False, name=None))
    for base, ring in itertools.product(given.bases, range(given.rings)):
        if (base, ring) not in there:
            with given.out.open("a") as file:
                file.write(one_ring(base, ring, given.seed, given.draws).to_csv(index=False, header=False))
    with pd.option_context("display.width", 250, "display.max_columns", 20, "display.max_rows", 200):
        print(table(kept(given.out)).round(3).to_string())


if __name__ == "__main__":
    main()
