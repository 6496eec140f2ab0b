"""A ring of fictional cities: names and keys, context, bases and counts of twelve indicators, with known truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from integstat.catalogue import Catalogue
from integstat.change.model import HALF, inverse_link
from integstat.simulate.truth import Parameters, Truth, draw_truth

YEARS = (2020, 2021)
LAENDER = ("91", "92", "93")

# magnitudes on the link scale: between cities, between peer groups, between Länder, the ring's shift
SD_LEVEL, SD_PEER, SD_LAND, SD_SHIFT, CORRELATION = 0.35, 0.15, 0.05, 0.1, 0.5

_FIRST = ("Ahorn", "Linden", "Erlen", "Ulmen", "Weiden", "Eschen", "Tannen", "Kiefern", "Pappel", "Hasel", "Holunder", "Schlehen")
_LAST = ("brück", "furt", "hafen", "stein", "stedt", "münde", "rode", "werder", "heim", "tal", "feld", "bronn")

# mean and SD between cities of each feature inside a cluster, by cluster: large, middle, industrial, university
_FEATURES: dict[str, tuple[tuple[float, ...], float, str]] = {
    "pop": ((520_000, 170_000, 210_000, 140_000), 0.25, "log"),
    "density": ((2_600, 1_300, 1_900, 1_100), 0.20, "log"),
    "share_65plus": ((18.5, 22.5, 21.5, 18.0), 0.8, "none"),
    "gdp_per_capita": ((58, 38, 34, 44), 0.12, "log"),
    "share_tertiary_sector": ((84, 76, 66, 82), 2.5, "none"),
    "rent_level": ((13.0, 8.6, 7.2, 11.4), 0.06, "log"),
    "living_space_per_capita": ((38.5, 43.0, 40.5, 39.5), 0.8, "none"),
    "students_per_100": ((7.0, 2.6, 2.0, 19.0), 0.25, "log"),
}
FEATURE_NAMES = {
    "pop": "Einwohnerinnen und Einwohner",
    "density": "Einwohnerinnen und Einwohner je km²",
    "share_65plus": "Anteil der ab 65-Jährigen in %",
    "gdp_per_capita": "Bruttoinlandsprodukt je Kopf in 1 000 €",
    "share_tertiary_sector": "Anteil des Dienstleistungssektors in %",
    "rent_level": "Angebotsmiete in € je m²",
    "living_space_per_capita": "Wohnfläche je Kopf in m²",
    "students_per_100": "Studierende je 100 Einwohnerinnen und Einwohner",
}


@dataclass(frozen=True)
class Plan:
    """One simulated indicator: propensity and base by group, and the SD of its one-year change.

    Attributes
    ----------
    definition : str
        Full id.
    level : tuple of float
        Typical propensity, target group first.
    base : tuple of float
        Persons in the base per 1,000 inhabitants.
    sd_change : tuple of float
        SD between cities of the change, link scale.
    """

    definition: str
    level: tuple[float, ...]
    base: tuple[float, ...]
    sd_change: tuple[float, ...]


# SDs of change: leavers, grade 8 and naturalisations as measured on one Land (docs/explanation/magnitudes.md), else a default
PLANS = (
    Plan("R1.eight_years_previous", (0.035,), (70,), (0.29,)),
    Plan("R2.third_country", (0.55,), (95,), (0.10,)),
    Plan("K2.residence", (0.86, 0.95), (11, 17), (0.15, 0.12)),
    Plan("S1.examined", (0.38, 0.14), (3.8, 5.6), (0.20, 0.15)),
    Plan("E2.grade_8", (0.22, 0.42), (1.4, 6.9), (0.20, 0.05)),
    Plan("E3.leavers", (0.16, 0.055), (1.0, 6.5), (0.41, 0.19)),
    Plan("A1.register_15_64", (0.53, 0.64), (115, 520), (0.05, 0.03)),
    Plan("A2.share_15_64", (0.11, 0.045), (115, 520), (0.12, 0.08)),
    Plan("A5.all_employees", (0.21, 0.16), (75, 380), (0.08, 0.06)),
    Plan("L1.persons_december", (0.24, 0.075), (140, 630), (0.08, 0.07)),
    Plan("G1.with_booklet", (0.84, 0.93), (3.4, 5.2), (0.20, 0.15)),
    Plan("OE2.personnel_data", (0.27,), (0.35,), (0.25,)),
)


@dataclass(frozen=True)
class OtherPlan:
    """Another definition of a simulated indicator: much the same, and not quite.

    Attributes
    ----------
    definition, of : str
        Full ids, of this one and of the main one.
    base : float
        Its base, as a multiple of the main one's.
    level : float
        How far its propensity lies above the main one's, link scale.
    sd_change : float
        SD between cities of what its change differs by, link scale.
    """

    definition: str
    of: str
    base: float
    level: float
    sd_change: float


OTHER_PLANS = (
    OtherPlan("R1.all_previous_year", "R1.eight_years_previous", 2.1, -0.75, 0.05),
    OtherPlan("R1.all_same_year", "R1.eight_years_previous", 2.2, -0.79, 0.06),
    OtherPlan("E3.residents_15_20", "E3.leavers", 5.0, -1.7, 0.15),
    OtherPlan("A2.rate", "A2.share_15_64", 0.8, 0.25, 0.04),
)


@dataclass(frozen=True)
class Ring:
    """A simulated ring.

    Attributes
    ----------
    cities : pandas.DataFrame
        `city`, `name`, `land`, `cluster` (the true peer group).
    context : pandas.DataFrame
        Index `city`, features of the first year.
    truths : dict of str to Truth
        By definition id.
    """

    cities: pd.DataFrame
    context: pd.DataFrame
    truths: dict[str, Truth]


def city_names(count: int) -> list[str]:
    """Names that say that the city is made up."""
    pairs = [f"{first}{last}" for shift in range(len(_LAST)) for first, last in zip(_FIRST, _rotate(_LAST, shift), strict=True)]
    rounds = -(-count // len(pairs))
    return [f"{pair}{'' if turn == 0 else f' {turn + 1}'} (fiktiv)" for turn in range(rounds) for pair in pairs][:count]


def _rotate(items: tuple[str, ...], by: int) -> tuple[str, ...]:
    return items[by:] + items[:by]


def simulate_ring(catalogue: Catalogue, cities: int, indicators: int, seed: int, *, others: bool = False) -> Ring:
    """Simulate a ring with known truth.

    Parameters
    ----------
    catalogue : Catalogue
        Gives the kind of each indicator, hence link and likelihood.
    cities : int
        At least 3, spread evenly over three fictional Länder (keys 91001 …).
    indicators : int
        1 to 12, in the order of `PLANS`.
    seed : int
    others : bool
        Whether cities deliver some indicators in other definitions too (`OTHER_PLANS`); the main ones stay what they are.

    Notes
    -----
    Peer effects follow the clusters the context was drawn from, so context does tell something about level and change.
    """
    rng = np.random.default_rng(seed)
    lands = np.arange(cities) % len(LAENDER)
    keys = [f"{LAENDER[land]}{1 + i // len(LAENDER):03d}" for i, land in enumerate(lands)]
    order = np.argsort(keys)
    clusters = rng.permutation(np.arange(cities) % 4)
    table = pd.DataFrame(
        {"city": keys, "name": city_names(cities), "land": [LAENDER[land] for land in lands], "cluster": clusters}
    )
    context = pd.DataFrame({"city": keys} | {name: _feature(name, clusters, rng) for name in _FEATURES})
    table, context = table.iloc[order].reset_index(drop=True), context.iloc[order].set_index("city")
    labels = table["cluster"].to_numpy()
    land_labels = np.array([LAENDER.index(land) for land in table["land"]])
    population = context["pop"].to_numpy()
    truths = {plan.definition: _draw(plan, catalogue, population, labels, land_labels, rng) for plan in PLANS[:indicators]}
    if others:
        apart = np.random.default_rng(np.random.SeedSequence([seed, 0xDEF]))
        mine = [plan for plan in OTHER_PLANS if plan.of in truths]
        truths |= {plan.definition: _other(plan, catalogue, truths[plan.of], apart) for plan in mine}
    return Ring(table, context, truths)


def _other(plan: OtherPlan, catalogue: Catalogue, main: Truth, rng: np.random.Generator) -> Truth:
    """Draw another definition of what a main one measures."""
    own = rng.normal(0, plan.sd_change, main.change.shape)
    mean, change = main.mean + plan.level + rng.normal(0, plan.sd_change, main.mean.shape), main.change + own
    eta = mean[:, :, None] + change[:, :, None] * HALF
    n = np.maximum(np.round(plan.base * main.n), 5.0)
    link = "log" if catalogue.kind(plan.definition) == "rate" else "logit"
    p = inverse_link(eta, link)
    y = rng.binomial(n.astype(int), p) if link == "logit" else rng.poisson(n * p)
    return Truth(main.parameters, mean, change, main.lasting + main.parameters.lasting_share * own, eta, y.astype(float), n)


def _feature(name: str, clusters: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    centres, spread, scale = _FEATURES[name]
    centre = np.array(centres, dtype=float)[clusters]
    noise = rng.normal(0, spread, len(clusters))
    value = centre * np.exp(noise) if scale == "log" else centre + noise
    return np.asarray(np.round(value, 0 if name in ("pop", "density") else 1))


def _draw(
    plan: Plan,
    catalogue: Catalogue,
    population: np.ndarray,
    clusters: np.ndarray,
    lands: np.ndarray,
    rng: np.random.Generator,
) -> Truth:
    groups = len(plan.level)
    p = np.array(plan.level)
    link = "log" if catalogue.kind(plan.definition) == "rate" else "logit"
    between, within = rng.lognormal(0, 0.25, (len(population), 1)), rng.lognormal(0, 0.1, (len(population), groups))
    share = np.array(plan.base) / 1000 * between * within
    growth = rng.lognormal(0, 0.02, (len(population), groups, 2))
    n = np.maximum(np.round(population[:, None, None] * share[:, :, None] * growth), 5.0)
    parameters = Parameters(
        level=np.log(p) if link == "log" else np.log(p / (1 - p)),
        shift=rng.normal(0, SD_SHIFT, groups),
        sd_mean=np.full(groups, SD_LEVEL),
        sd_change=np.array(plan.sd_change),
        corr_mean=CORRELATION,
        corr_change=CORRELATION,
        sd_peer_level=SD_PEER,
        sd_peer_change=float(min(SD_PEER, plan.sd_change[0])) / 3,
        sd_land_change=SD_LAND,
        lasting_share=rng.beta(2, 3),
    )
    return draw_truth(parameters, n, link, rng, peers=clusters, land=lands)
