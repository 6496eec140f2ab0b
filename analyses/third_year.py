"""Do findings hold a year later? Every three consecutive years of two real rings: two are fitted, the third is held out.

On the first two years the change model is fitted and `improved` and `worsened` are declared as a run does (relative change, one
set per ring and pair of years, without peers). Of these findings: the share whose relative change from the first to the third
year, from the figures as delivered, has the claimed sign. Beside it the 90 % interval that the model itself predicts for it.

The prediction, for each posterior draw. Per city the link-scale level is a random walk with step variance τ² plus what is special
to a year, with variance σ²; so the change v of the first two years has the variance Ω = τ² + 2σ², of which s = τ²/Ω lasts. The
net change from first to third year has the covariance τ² + σ² with v and the variance 2τ² + 2σ², hence

    net | v ~ N((1 + s)/2 · v, (1 + s)(3 − s)/4 · Ω)

with s from its prior, for the city's own change and for its Land's. The third year's count is drawn around first level + net; its
link is held against the first year's as delivered, so that prediction and figure share the first year's counting error. Of a
stock with overlap r, the shared part of the counting error is drawn given both years, normal on the link scale, and taken to be
the same in the third. What the ring has in common cancels in the relative change.

Beside it naive flags: two-proportion z tests of the two years, |z| > 1.645, all of them and as many of the strongest as there are
findings. A flag claims the sign of the city's own change; it is held against its own change from first to third year and, as the
findings are, against the relative one. They share the first year's counting error as well, which favours them.

Cells that a capping break touches between first and third year are left out; a year that was not delivered makes no triple. The
rings are Kreise of Lower Saxony and the employment history of 67 cities; nothing is printed but counts and shares. The last table
adds up the years; its intervals take triples for independent, which those that share years are not quite. It is the sharper
check: of 60 simulated rings in which 2 % last, 0.8 lie inside their own interval under a prior by which nearly all does.

    python analyses/third_year.py [--rings lower_saxony employment] [--draws 2000] [--out results/analyses/third_year.csv]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from threadpoolctl import threadpool_limits

from integstat.catalogue import Catalogue, load_catalogue
from integstat.change import ChangeData, ChangeSettings, NoCounts, fit
from integstat.change.model import inverse_link
from integstat.config import RingConfig
from integstat.findings import FindingSettings, build_findings
from integstat.findings.estimands import flat
from integstat.findings.others import median_of_others
from integstat.intake.settings import IntakeSettings
from integstat.intake.take_in import take_in
from integstat.panel import Panel
from integstat.pipeline import change_data
from integstat.tomlfile import load_model

CONFIGS = Path(__file__).parents[1] / "configs" / "rings"
INTERVAL = (0.05, 0.95)
CRITICAL = 1.645
MAIN = {"lower_saxony": ("R1.eight_years_previous", "E3.leavers", "E2.grade_8", "L2.all_benefits")}
MAIN["employment"] = ("A2.restricted_base", "A5.all_employees")


# --- the two rings


def data_folder() -> Path:
    """Return the folder in which the figures of both rings lie."""
    return (CONFIGS / load_model(CONFIGS / "lower_saxony.toml", RingConfig).ring.data).resolve()


def intake_settings(ring: str) -> IntakeSettings:
    """Return the shipped config's intake with all years, counts of the main definitions, and no context."""
    name = {"lower_saxony": "lower_saxony", "employment": "employment67"}[ring]
    content = load_model(CONFIGS / f"{name}.toml", RingConfig).model_dump(exclude_unset=True)
    content = {part: content[part] for part in ("ring", "regions", "source", "series", "delivery")}
    if ring == "employment":
        content |= employment(content)
    content["ring"]["years"] = tuple(range(2013 if ring == "employment" else 2005, 2022))
    content["ring"]["main"] = dict(one.split(".") for one in MAIN[ring])
    content["delivery"] = [one for one in content["delivery"] if one["definition"] in MAIN[ring]]
    return IntakeSettings.model_validate(content)


def employment(content: dict[str, Any]) -> dict[str, Any]:
    """Employment by nationality from the file of earlier years, the cities from the file of the shipped ring."""
    cities = next(one for one in content["source"] if one["id"] == "indicators")
    history = {"id": "history", "reader": "tidy", "file": "employment_history/ba_counts_kreise_2012_2021.csv"}
    sources = [
        cities | {"file": f"ring67/{cities['file']}"},
        history | {"year": "year", "region": {"column": "ags", "name": "name"}},
    ]
    names = [f"{one}_{who}" for one in ("unemp", "res_svb", "res_geb") for who in ("foreigners", "total")]
    series = [{"id": one, "source": "history", "value": one, "measure": "mean" if "unemp" in one else "count"} for one in names]
    deliveries = [
        {"definition": definition, "group": group, "numerator": top, "denominator": bottom}
        for group, who in (("target", "{0}_foreigners"), ("reference", "{0}_total - {0}_foreigners"))
        for definition, top, bottom in (
            ("A2.restricted_base", who.format("unemp"), f"{who.format('unemp')} + {who.format('res_svb')}"),
            ("A5.all_employees", who.format("res_geb"), f"{who.format('res_geb')} + {who.format('res_svb')}"),
        )
    ]
    return {"source": sources, "series": series, "delivery": deliveries}


def panel_of(ring: str, catalogue: Catalogue) -> Panel:
    """Read a ring's counts of all years."""
    delivery = take_in(intake_settings(ring), CONFIGS / f"{ring}.toml", catalogue, data_folder())
    return delivery.panel


# --- prediction


@dataclass(frozen=True)
class Third:
    """Target group's counts of three years, shape (C, 3), in the order of a posterior's cities; NaN where there are none."""

    y: np.ndarray
    n: np.ndarray
    link: str
    overlap: float

    @property
    def usable(self) -> np.ndarray:
        """Cities with figures in all three years."""
        return np.asarray((self.n > 0).all(axis=1) & np.isfinite(self.y).all(axis=1))


def empirical(y: np.ndarray, n: np.ndarray, link: str) -> np.ndarray:
    """Logit of a share, log of a rate; half a case added."""
    return np.log((y + 0.5) / (n - y + 0.5)) if link == "logit" else np.log((y + 0.5) / n)


def counting_variance(n: np.ndarray, eta: np.ndarray, link: str) -> np.ndarray:
    """Variance of the empirical link around the link."""
    p = inverse_link(eta, link)
    return np.asarray(1 / (n * p * (1 - p)) if link == "logit" else 1 / (n * p))


def net_change(
    own: np.ndarray,
    shared: np.ndarray,
    sd: np.ndarray,
    sd_shared: np.ndarray,
    share: np.ndarray,
    place: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw the change over two years given that of the first, beside the ring's shift.

    Parameters
    ----------
    own, shared : ndarray, shape (S, C)
        A city's own change and its Land's.
    sd, sd_shared, share : ndarray, shape (S,)
        Their SDs, and the share of the variance that lasts.
    place : ndarray of int, shape (C,)
        Land of each city.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (S, C)
    """
    left = np.sqrt((1 + share) * (3 - share)) / 2
    apart = sd[:, None] * rng.standard_normal(own.shape)
    together = sd_shared[:, None] * rng.standard_normal((len(share), place.max() + 1))[:, place]
    return np.asarray(0.5 * (1 + share[:, None]) * (own + shared) + left[:, None] * (apart + together))


def predicted(tree: xr.DataTree, third: Third, place: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the empirical link of the third year against that of the first as delivered, shape (S, C); NaN where not usable."""
    posterior = tree["posterior"].to_dataset()
    change, expected = flat(posterior["change"])[:, :, 0], flat(posterior["expected_change"])[:, :, 0]
    delta, sd = (posterior[name].isel(group=0).to_numpy().ravel() for name in ("delta", "sd_change"))
    share = posterior["lasting_share"].to_numpy().ravel()
    sd_shared = posterior["sd_land_change"].to_numpy().ravel() if "sd_land_change" in posterior else np.zeros(len(share))
    own, shared = change - expected, expected - delta[:, None]
    first = flat(posterior["mean"])[:, :, 0] - 0.5 * change
    eta = first + delta[:, None] + net_change(own, shared, sd, sd_shared, share, place, rng)
    used = third.usable
    y, n = np.where(used[:, None], third.y, 1.0), np.where(used[:, None], third.n, 2.0)
    begin, link = empirical(y[:, 0], n[:, 0], third.link), third.link
    if third.overlap:
        error = _shared_error(np.stack([first, first + change], axis=2), y[:, :2], n[:, :2], third, rng)
        spread = np.sqrt((1 - third.overlap) * counting_variance(n[:, 2], eta, link))
        end = eta + error + spread * rng.standard_normal(eta.shape)
    else:
        p = inverse_link(eta, link)
        drawn = rng.binomial(np.round(n[:, 2]).astype(int), p) if link == "logit" else rng.poisson(n[:, 2] * p)
        end = empirical(drawn, n[:, 2], link)
    return np.where(used, end - begin, np.nan)


def _shared_error(eta: np.ndarray, y: np.ndarray, n: np.ndarray, third: Third, rng: np.random.Generator) -> np.ndarray:
    """Draw the counting error that the years of a stock have in common, given the first two; shape (S, C)."""
    variance = counting_variance(n, eta, third.link)
    apart, common = (1 - third.overlap) * variance, third.overlap * variance.mean(axis=2)
    precision = 1 / common + (1 / apart).sum(axis=2)
    mean = ((empirical(y, n, third.link) - eta) / apart).sum(axis=2) / precision
    return np.asarray(mean + rng.standard_normal(mean.shape) / np.sqrt(precision))


def beyond_others(values: np.ndarray) -> np.ndarray:
    """Values beyond the median of the other cities, shape (S, C); NaN where there is none."""
    known = np.isfinite(values[0])
    everywhere = np.ones(len(known), dtype=bool)
    filled = np.where(known, values, 0.0)
    return np.where(known, values - median_of_others(filled, known, np.zeros(len(known), dtype=int), everywhere), np.nan)


# --- one pair of years


@dataclass(frozen=True)
class Held:
    """What one definition said of the first two years and what the third did; arrays over its cities.

    Attributes
    ----------
    claim : ndarray, shape (C,)
        1 improved, -1 worsened, 0 neither or not to be judged; turned back by polarity, so that plus is more.
    net, net_relative : ndarray, shape (C,)
        Empirical link of the third year against the first; the same beyond the median of the others.
    drawn : ndarray, shape (S, C)
        `net_relative` as the model predicts it.
    z : ndarray, shape (C,)
        Two-proportion z of the first two years; 0 where not to be judged.
    """

    claim: np.ndarray
    net: np.ndarray
    net_relative: np.ndarray
    drawn: np.ndarray
    z: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """Findings with the claimed sign."""
        return np.asarray(self.claim * self.net_relative > 0)

    @property
    def right_drawn(self) -> np.ndarray:
        """Number of findings with the claimed sign, by draw."""
        return np.asarray((self.claim * np.nan_to_num(self.drawn) > 0).sum(axis=1))


def two_proportion_z(y: np.ndarray, n: np.ndarray, link: str) -> np.ndarray:
    """z of the difference of two shares (pooled) or two Poisson rates (conditional, normal), shape (C,)."""
    first, last = y[:, 0] / n[:, 0], y[:, 1] / n[:, 1]
    pooled = (y[:, 0] + y[:, 1]) / (n[:, 0] + n[:, 1])
    spread = pooled * (1 - pooled) if link == "logit" else pooled
    return np.asarray((last - first) / np.sqrt(np.maximum(spread, 1e-12) * (1 / n[:, 0] + 1 / n[:, 1])))


def three_years(panel: Panel, data: ChangeData, year: int) -> Third:
    """Return the target group's figures of three years for the cities of a fit."""
    cells = panel.select(data.definition).query("group == 'target'")
    table = cells.pivot_table(index="city", columns="year", values=["y", "n"], dropna=False)
    years = [year, year + 1, year + 2]
    y, n = (table[name].reindex(index=data.cities, columns=years).to_numpy(float) for name in ("y", "n"))
    return Third(y, np.nan_to_num(n), data.link, data.overlap)


def hold_out(panel: Panel, catalogue: Catalogue, ring: str, year: int, draws: int, seed: int) -> dict[str, Held]:
    """Fit a pair of years, declare, and hold the findings against the third year; by definition."""
    settings, years = ChangeSettings(draws=draws, peers="none"), (year, year + 1)
    trees, held = {}, {}
    for definition in MAIN[ring]:
        figures = panel.select(definition).query("group == 'target'").dropna(subset=["y", "n"])
        if not {year, year + 1, year + 2} <= set(figures["year"]):
            continue
        try:
            data = change_data(panel, definition, catalogue, years, settings, None)
        except NoCounts:
            continue
        trees[definition] = (data, fit(data, settings, seed + year, cores=1, threads=1))
    if not trees:
        return {}
    main = {definition.split(".")[0]: definition for definition in trees}
    found = build_findings({d: tree for d, (_, tree) in trees.items()}, panel, catalogue, main, years, FindingSettings(), None)
    for definition, (data, tree) in trees.items():
        rng = np.random.default_rng([seed, year, sorted(MAIN[ring]).index(definition)])
        words = found.grid[found.grid["definition"] == definition].set_index("city")["finding_change"].reindex(data.cities)
        claim = catalogue.polarity(definition) * words.map({"improved": 1, "worsened": -1}).fillna(0).to_numpy(int)
        held[definition] = judge(
            tree, three_years(panel, data, year), places(data), claim, allowed(data, catalogue, panel, year), rng
        )
    return held


def places(data: ChangeData) -> np.ndarray:
    """Land of each city as a number."""
    return np.zeros(len(data.cities), dtype=int) if data.land is None else np.unique(data.land, return_inverse=True)[1]


def allowed(data: ChangeData, catalogue: Catalogue, panel: Panel, year: int) -> np.ndarray:
    """Cities that no capping break touches between first and third year, shape (C,)."""
    lands = panel.cities.set_index("city")["land"].loc[list(data.cities)]
    breaks = {land: catalogue.breaks_for(data.definition, land, (year, year + 1, year + 2)) for land in lands.unique()}
    return np.array([not any(one.effect == "cap" for one in breaks[land]) for land in lands])


def judge(
    tree: xr.DataTree, third: Third, place: np.ndarray, claim: np.ndarray, sound: np.ndarray, rng: np.random.Generator
) -> Held:
    """Hold claims about the first two years against the third."""
    here = third.usable & sound
    y, n = np.where(here[:, None], third.y, 1.0), np.where(here[:, None], third.n, 2.0)
    net = np.where(here, empirical(y[:, 2], n[:, 2], third.link) - empirical(y[:, 0], n[:, 0], third.link), np.nan)
    drawn = np.where(here, predicted(tree, third, place, rng), np.nan)
    z = np.where(here, two_proportion_z(y[:, :2], n[:, :2], third.link), 0.0)
    return Held(np.where(here, claim, 0), net, beyond_others(net[None])[0], beyond_others(drawn), z)


# --- tables


def row(parts: list[Held]) -> dict[str, float]:
    """Findings and naive flags of some definitions together."""
    claim, z = (np.concatenate([getattr(one, name) for one in parts]) for name in ("claim", "z"))
    net, relative = (np.concatenate([getattr(one, name) for one in parts]) for name in ("net", "net_relative"))
    right = int(sum(one.right.sum() for one in parts))
    found, drawn = int((claim != 0).sum()), sum(one.right_drawn for one in parts)
    strongest = np.argsort(-np.abs(z), kind="stable")[:found]
    flags = np.abs(z) > CRITICAL
    out = {"cells": int(np.isfinite(net).sum()), "findings": found, "right": right}
    if found:
        low, high = np.quantile(drawn, INTERVAL, method="inverted_cdf")
        out |= {"share": right / found, "predicted": float(np.mean(drawn)) / found, "low": low / found, "high": high / found}
        out["inside"] = float(low <= right <= high)
    for name, chosen in (("naive", np.flatnonzero(flags)), ("strongest", strongest[flags[strongest]])):
        out[f"{name}_flags"] = len(chosen)
        if len(chosen):
            out[f"{name}_own"] = float((z[chosen] * net[chosen] > 0).mean())
            out[f"{name}_relative"] = float((z[chosen] * relative[chosen] > 0).mean())
    return out


def held_out(ring: str, draws: int, seed: int) -> Iterator[tuple[int, dict[str, Held]]]:
    """First years, and what was held out by definition."""
    catalogue = load_catalogue()
    panel = panel_of(ring, catalogue)
    for year in range(int(panel.counts["year"].min()), int(panel.counts["year"].max()) - 1):
        with threadpool_limits(limits=1):
            yield year, hold_out(panel, catalogue, ring, year, draws, seed)


def tables(ring: str, years: dict[int, dict[str, Held]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row per first year and definition, and one per definition with all years together; `all` takes all definitions."""
    triples, overall = [], []
    for definition in ("all", *MAIN[ring]):
        chosen = {year: [one for name, one in held.items() if definition in (name, "all")] for year, held in years.items()}
        rows = [{"ring": ring, "first": year, "definition": definition} | row(parts) for year, parts in chosen.items() if parts]
        if not rows:
            continue
        inside = pd.DataFrame(rows).get("inside", pd.Series(dtype=float))
        start = {"ring": ring, "definition": definition, "with findings": inside.count(), "of them inside": inside.sum()}
        overall.append(start | row([one for parts in chosen.values() for one in parts]))
        triples += rows
    return pd.DataFrame(triples), pd.DataFrame(overall)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rings", nargs="+", choices=sorted(MAIN), default=sorted(MAIN))
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20210701)
    parser.add_argument("--out", type=Path, default=Path("results/analyses/third_year.csv"))
    given = parser.parse_args()
    found = [tables(ring, dict(held_out(ring, given.draws, given.seed))) for ring in given.rings]
    triples, overall = (pd.concat(parts, ignore_index=True) for parts in zip(*found, strict=True))
    print(triples.round(2).to_string(index=False))
    print("\nall years together\n" + overall.round(3).to_string(index=False))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    triples.to_csv(given.out, index=False)


if __name__ == "__main__":
    main()
