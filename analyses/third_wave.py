"""How well is the next year foretold? The model against five simple forecasts on real series, with errors from earlier years.

Of every three consecutive years of a series the first two are fitted. What is foretold is the third year's rate of every city, as
an empirical link (logit of a share, log of a rate). Forecasts, all from figures of earlier years:

    model         mean of what the change model predicts, with the default prior of what lasts (see third_year.py)
    informed      the same with the priors that `integstat history` takes from the years up to the second, where it takes any
    estimated     the same with the share that lasts as estimated from these years, also where history says that it does not know
    no_change     the second year again
    raw           the second year and the change between the two years once more
    ring_mean     the mean of all cities in the second year
    shrunk        the second year, drawn to the mean of all cities as far as its counting error says
    three_years   mean of the last three years

The base of the third year is taken as known. Each forecast has a Gaussian error: the counting variance of the next year (of a
stock, what years do not share of it) plus a variance estimated by maximum likelihood from the errors of the same forecast in
earlier years, at least two of them. All are scored on the same cities and years, by the mean log density. `model_own` takes mean
and SD of the model's own prediction instead: it needs no earlier year, and knows nothing of the ring's next shift. Differences
are taken to each of the three models, with a standard error by bootstrap over cities.

Once for the rate itself, where a shift of the whole ring is nobody's merit and burdens all forecasts alike, and once for each
city beyond the median of all, which is what findings speak of. Cells that a capping break touches are left out. Nothing is
printed but means over all cities. The bootstrap takes cities for independent and holds nothing of other years.

    python analyses/third_wave.py [--rings lower_saxony employment] [--draws 2000] [--out results/analyses/third_wave.csv]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from threadpoolctl import threadpool_limits

from integstat.catalogue import Catalogue, load_catalogue
from integstat.change import ChangeSettings, NoCounts, fit
from integstat.history.build import priors_of
from integstat.history.estimate import estimate
from integstat.history.series import series_of
from integstat.history.transfer import SAME
from integstat.panel import Panel
from integstat.pipeline import change_data
from third_year import (
    MAIN,
    Third,
    allowed,
    counting_variance,
    empirical,
    panel_of,
    places,
    predicted,
    three_years,
)

SIMPLE = ("no_change", "raw", "ring_mean", "shrunk", "three_years")
MODELS = ("model", "informed", "estimated")
NAMES = (*MODELS, *SIMPLE)
EARLIER = 2  # targets from which an error is estimated, at least
FEWEST = 8  # cities of one target, at least
RESAMPLES = 4000
HISTORY_RESAMPLES = 60


@dataclass(frozen=True)
class Target:
    """One year to be foretold; arrays over the cities that have all figures.

    Attributes
    ----------
    year : int
    city : ndarray of str, shape (C,)
    outcome : ndarray, shape (C,)
        Empirical link.
    forecast : dict of str to ndarray, shape (C,)
    counting : dict of str to ndarray, shape (C,)
        Variance of the outcome's counting error at the forecast.
    own_sd : ndarray, shape (C,)
        SD that the model itself predicts.
    informs : bool
        Whether earlier years told what lasts.
    """

    year: int
    city: np.ndarray
    outcome: np.ndarray
    forecast: dict[str, np.ndarray]
    counting: dict[str, np.ndarray]
    own_sd: np.ndarray
    informs: bool


def shrunk(value: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Values drawn to their mean by their reliability; the variance between them by moments, not below 0."""
    between = max(float(value.var(ddof=1) - variance.mean()), 0.0)
    weight = 1 / (between + variance)
    mean = float(weight @ value / weight.sum())
    return np.asarray(mean + between / (between + variance) * (value - mean))


def error_variance(error: np.ndarray, counting: np.ndarray) -> float:
    """Variance of forecast errors beyond the counting variance, by maximum likelihood."""

    def loss(log_variance: float) -> float:
        total = np.exp(log_variance) + counting
        return float(np.sum(np.log(total) + error**2 / total))

    return float(np.exp(minimize_scalar(loss, bounds=(-16.0, 4.0), method="bounded").x))


def log_density(error: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Log of the normal density."""
    return np.asarray(-0.5 * (np.log(2 * np.pi * variance) + error**2 / variance))


def target_of(
    panel: Panel, catalogue: Catalogue, definition: str, year: int, draws: int, seed: int
) -> tuple[Target, Target] | None:
    """Foretell the third year from the first two, for the rate and beyond the median of all; None without figures."""
    settings = ChangeSettings(draws=draws, peers="none")
    informed, estimated = history_settings(panel, catalogue, definition, year + 1, settings, seed)
    figures = panel.select(definition).query("group == 'target'").dropna(subset=["y", "n"])
    if not {year - 1, year, year + 1, year + 2} <= set(figures["year"]):
        return None
    try:
        data = change_data(panel, definition, catalogue, (year, year + 1), settings, None)
    except NoCounts:
        return None
    before, third = three_years(panel, data, year - 1), three_years(panel, data, year)
    use = before.usable & third.usable & allowed(data, catalogue, panel, year) & allowed(data, catalogue, panel, year - 1)
    if use.sum() < FEWEST:
        return None
    z = np.column_stack([_link(before, use)[:, 0], _link(third, use)])
    drawn = {}
    for name, one in zip(MODELS, (settings, informed, estimated), strict=True):
        tree = fit(data, one.for_definition(definition), seed + year, cores=1, threads=1)
        rng = np.random.default_rng([seed, year])
        drawn[name] = z[:, 1] + predicted(tree, third, places(data), rng)[:, use]
    told = informed.for_definition(definition).priors.lasting_source == "history"
    rate = _target(year + 2, np.array(data.cities)[use], z, drawn, third, use, told)
    return rate, _relative(rate, drawn)


def history_settings(
    panel: Panel, catalogue: Catalogue, definition: str, last: int, settings: ChangeSettings, seed: int
) -> tuple[ChangeSettings, ChangeSettings]:
    """Priors from the years up to the last one known: as a ring's history hands them on, and with what lasts in any case.

    The overlap of a stock stays as it is, so that all forecasts have the same counting error.
    """
    years = tuple(range(int(panel.counts["year"].min()), last + 1))
    found = estimate(series_of(panel, catalogue, definition, "target", years), HISTORY_RESAMPLES, seed)
    if not found.sized:
        return settings, settings
    groups = len(catalogue.definition(definition)[0].groups)
    changes = priors_of([found], groups, SAME).model_copy(update={"overlap": None})
    share = SAME.beta(found.share_mean, found.share_sd)
    anyway = changes if share is None else changes.model_copy(update={"lasting_a": share[0], "lasting_b": share[1]})
    informed, estimated = (settings.model_copy(update={"indicator": {definition: one}}) for one in (changes, anyway))
    return informed, estimated


def _link(third: Third, use: np.ndarray) -> np.ndarray:
    return empirical(third.y[use], third.n[use], third.link)


def _target(
    year: int, cities: np.ndarray, z: np.ndarray, drawn: dict[str, np.ndarray], third: Third, use: np.ndarray, informs: bool
) -> Target:
    n = third.n[use]
    last = z[:, 2]
    forecast = {name: draws.mean(axis=0) for name, draws in drawn.items()} | {
        "no_change": last,
        "raw": 2 * last - z[:, 1],
        "ring_mean": np.full(len(last), last.mean()),
        "shrunk": shrunk(last, counting_variance(n[:, 1], last, third.link)),
        "three_years": z[:, :3].mean(axis=1),
    }
    apart = 1 - third.overlap
    counting = {name: apart * counting_variance(n[:, 2], value, third.link) for name, value in forecast.items()}
    return Target(year, cities, z[:, 3], forecast, counting, drawn["model"].std(axis=0, ddof=1), informs)


def _relative(one: Target, drawn: dict[str, np.ndarray]) -> Target:
    beyond = {name: draws - np.median(draws, axis=1, keepdims=True) for name, draws in drawn.items()}
    forecast = {name: value - np.median(value) for name, value in one.forecast.items()}
    forecast |= {name: draws.mean(axis=0) for name, draws in beyond.items()}
    spread = beyond["model"].std(axis=0, ddof=1)
    return replace(one, outcome=one.outcome - np.median(one.outcome), forecast=forecast, own_sd=spread)


def scores(targets: list[Target]) -> pd.DataFrame:
    """Log score of every forecast, a row per city and year that has enough earlier years."""
    parts = []
    for place, now in enumerate(targets):
        if place < EARLIER:
            continue
        row = {"year": now.year, "city": now.city}
        for name in NAMES:
            error = np.concatenate([one.outcome - one.forecast[name] for one in targets[:place]])
            counting = np.concatenate([one.counting[name] for one in targets[:place]])
            variance = error_variance(error, counting) + now.counting[name]
            row[name] = log_density(now.outcome - now.forecast[name], variance)
        row["model_own"] = log_density(now.outcome - now.forecast["model"], now.own_sd**2)
        parts.append(pd.DataFrame(row | {"informs": now.informs}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def compared(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Mean log score of each forecast, that of every model minus it, and the standard errors of these over cities."""
    names = [*NAMES, "model_own"]
    by_city = table.groupby("city")
    count = by_city.size().to_numpy()
    times = np.random.default_rng([seed, 0xB007]).multinomial(len(count), np.full(len(count), 1 / len(count)), size=RESAMPLES)
    out = pd.DataFrame({"forecast": names, "score": [table[name].mean() for name in names]})
    sums = by_city[names].sum()
    for model in MODELS:
        gap = -sums.sub(sums[model], axis=0).to_numpy()
        means = times @ gap / (times @ count)[:, None]
        out[f"{model} minus"], out[f"{model} se"] = gap.sum(axis=0) / count.sum(), means.std(axis=0, ddof=1)
    years = table.groupby("year")["informs"].first()
    return out.assign(cells=len(table), years=len(years), informed_years=int(years.sum()), cities=len(count))


def verdicts(table: pd.DataFrame) -> list[dict[str, object]]:
    """Is a model within one standard error of the best simple forecast, and better than raw and ring mean?"""
    by = table.set_index("forecast")
    best = str(by.loc[list(SIMPLE), "score"].idxmax())
    rows: list[dict[str, object]] = []
    for model in MODELS:
        minus = by[f"{model} minus"]
        gap, se = float(minus[best]), float(by.loc[best, f"{model} se"])
        row = {"forecast": model, "best simple": best, "minus best": gap, "se": se, "not worse": gap >= -se}
        rows.append(row | {f"better than {name}": bool(minus[name] > 0) for name in ("raw", "ring_mean")})
    return rows


def all_series(ring: str, draws: int, seed: int) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Definition, question (`rate` or `relative`) and comparison of every series of a ring."""
    catalogue = load_catalogue()
    panel = panel_of(ring, catalogue)
    first, last = int(panel.counts["year"].min()), int(panel.counts["year"].max())
    for definition in MAIN[ring]:
        with threadpool_limits(limits=1):
            found = [target_of(panel, catalogue, definition, year, draws, seed) for year in range(first, last - 1)]
        for question, place in (("rate", 0), ("relative", 1)):
            table = scores([one[place] for one in found if one is not None])
            if len(table):
                yield definition, question, compared(table, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rings", nargs="+", choices=sorted(MAIN), default=sorted(MAIN))
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20210702)
    parser.add_argument("--out", type=Path, default=Path("results/analyses/third_wave.csv"))
    given = parser.parse_args()
    tables, told = [], []
    for ring in given.rings:
        for definition, question, table in all_series(ring, given.draws, given.seed):
            key = {"ring": ring, "definition": definition, "question": question}
            tables.append(table.assign(**key))
            told += [key | one for one in verdicts(table)]
    everything = pd.concat(tables, ignore_index=True)
    print(everything.round(4).to_string(index=False))
    print("\n" + pd.DataFrame(told).round(4).to_string(index=False))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    everything.to_csv(given.out, index=False)


if __name__ == "__main__":
    main()
