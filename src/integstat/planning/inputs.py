"""What planning starts from, by indicator: bases, level, spread of the change, step; each with where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtri

from integstat.catalogue import Catalogue
from integstat.change.settings import Priors
from integstat.config import RingConfig
from integstat.findings.magnitude import UNIT
from integstat.panel import Context, Panel
from integstat.simulate.ring import PLANS

Origin = Literal["counts", "magnitudes", "history", "config", "prior"]
FEWEST = 5  # cities from which a median is taken: of fewer it would tell a single city's figure
SMALLEST, MIDDLE, SPREAD = 100_000, 180_000, 0.55  # inhabitants of a made-up ring, and their log-SD
_TYPICAL = {plan.definition.partition(".")[0]: plan for plan in PLANS}


@dataclass(frozen=True)
class Planned:
    """One indicator as planning takes it, target group only.

    Attributes
    ----------
    definition : str
        Full id of the main definition.
    link : {'logit', 'log'}
    sign : {1, -1}
        Whether more is better.
    unit : float
        Points per 1.
    level : float
        Typical propensity.
    bases : ndarray, shape (C,)
        Persons in the base of each city of the ring, ascending.
    per_1000 : float
        Persons in the base per 1,000 inhabitants; NaN where it cannot be told.
    precision : float
        Worth of a count: months' weight, 1 / design effect, and 1 / (1 − overlap) for a stock.
    sd_change : float
        SD between cities of a one-year change, link scale.
    rho : float
        Smallest change that counts, link scale.
    priors : Priors
        What the ring's analysis will assume.
    counts, size, spread : str
        Origin of level and bases, of `per_1000`, and of `sd_change`.
    other : str
        The definition whose magnitudes were taken, where it is not this one; else empty.
    """

    definition: str
    link: str
    sign: int
    unit: float
    level: float
    bases: np.ndarray
    per_1000: float
    precision: float
    sd_change: float
    rho: float
    priors: Priors
    counts: Origin
    size: Origin
    spread: Origin
    other: str = ""

    @property
    def indicator(self) -> str:
        """Id of the indicator."""
        return self.definition.partition(".")[0]

    @property
    def share_lasting(self) -> float:
        """Mean of the prior of the share of a one-year change's variance that lasts."""
        return self.priors.lasting_a / (self.priors.lasting_a + self.priors.lasting_b)

    def variance(self, base: np.ndarray | float) -> np.ndarray:
        """Counting variance of the change between two years on the link scale, for a base of this size, shape of `base`.

        The usual first-order one: right from about ten cases, and ten persons that are none, on.
        """
        information = self.level * (1 - self.level) if self.link == "logit" else self.level
        return np.asarray(2 / (np.asarray(base, dtype=float) * information * self.precision))

    def cases(self, base: float) -> float:
        """Cases to be expected, or for a share persons that are none, if these are fewer."""
        return base * (min(self.level, 1 - self.level) if self.link == "logit" else self.level)

    def points(self, change: float) -> float:
        """Points of an improvement by `change` on the link scale, upwards from the level or downwards; never negative."""
        if self.link == "log":
            return float(self.unit * self.level * abs(np.expm1(self.sign * change)))
        return self.unit * float(abs(expit(logit(self.level) + self.sign * change) - self.level))


@dataclass(frozen=True)
class Inputs:
    """A ring before it collects anything.

    Attributes
    ----------
    planned : tuple of Planned
        In the order of the catalogue.
    cities : int
    left_out : dict of str to str
        Indicators that are not planned for, and why: `no_finding` or `no_magnitude`.
    delivered : bool
        Whether counts of the ring were there.
    """

    planned: tuple[Planned, ...]
    cities: int
    left_out: dict[str, str] = field(default_factory=dict)
    delivered: bool = False


def gather(config: RingConfig, catalogue: Catalogue, panel: Panel | None, context: Context | None, cities: int) -> Inputs:
    """Gather what planning starts from.

    Parameters
    ----------
    config : RingConfig
    catalogue : Catalogue
    panel, context : optional
        What was delivered. Where a definition has counts of at least five cities, level and bases are theirs; else they are the
        magnitudes of the simulated ring.
    cities : int
        Size of a made-up ring, where nothing was delivered.

    Returns
    -------
    Inputs
        Without indicators where none can be planned for.

    Notes
    -----
    The spread of the change is that of the config's own prior of the indicator (its own or from history), else the magnitude that
    the simulated ring takes, else the median of the default prior. It is an assumption in every case: counts of two years
    would tell it, and planning does not look at changes.
    """
    count = len(panel.cities) if panel is not None else cities
    delivered = panel.definitions if panel is not None else [one.definition for one in config.delivery]
    main = config.main_definitions(catalogue, delivered or [plan.definition for plan in PLANS])
    planned, left_out = [], {}
    for indicator, definition in main.items():
        if not catalogue.finding_allowed(definition) or catalogue.kind(definition) == "measure":
            left_out[indicator] = "no_finding"
            continue
        one = _planned(definition, config, catalogue, _Counts.of(definition, panel, context, config.ring.years), count)
        if one is None:
            left_out[indicator] = "no_magnitude"
        else:
            planned.append(one)
    return Inputs(tuple(planned), count, left_out, panel is not None)


@dataclass(frozen=True)
class _Counts:
    """Bases and level that cities delivered of one definition; `per_1000` is NaN where nobody told inhabitants."""

    level: float
    bases: np.ndarray
    per_1000: float

    @classmethod
    def of(cls, definition: str, panel: Panel | None, context: Context | None, years: Sequence[int]) -> _Counts | None:
        if panel is None or definition not in panel.definitions:
            return None
        names, y, n = panel.arrays(definition, ("target",), tuple(years))
        y, n = y[:, 0], n[:, 0]
        known = (n > 0) & (y > 0)
        there = known.any(axis=1)
        if there.sum() < FEWEST:
            return None
        base = np.where(known, n, 0).sum(axis=1)[there] / known.sum(axis=1)[there]
        rate = np.where(known, y, 0).sum(axis=1)[there] / np.where(known, n, 0).sum(axis=1)[there]
        return cls(float(np.median(rate)), np.sort(base), _per_1000(np.asarray(names)[there], base, context))


def _per_1000(names: np.ndarray, base: np.ndarray, context: Context | None) -> float:
    if context is None or "pop" not in context.features:
        return float("nan")
    people = context.features["pop"].reindex(pd.Index(names)).to_numpy(float)
    known = np.isfinite(people) & (people > 0)
    return float(np.median(1000 * base[known] / people[known])) if known.sum() >= FEWEST else float("nan")


def _planned(definition: str, config: RingConfig, catalogue: Catalogue, counts: _Counts | None, cities: int) -> Planned | None:
    """Put one indicator together; None where neither counts nor magnitudes tell its base and level."""
    indicator, entry = catalogue.definition(definition)
    typical = _TYPICAL.get(indicator.id)
    if counts is None and typical is None:
        return None
    kind, settings = catalogue.kind(definition), config.change.for_definition(definition)
    level = counts.level if counts is not None else typical.level[0]  # type: ignore[union-attr]
    link = "log" if kind == "rate" else "logit"
    size: Origin = "counts"
    per_1000 = counts.per_1000 if counts is not None else float("nan")
    if not np.isfinite(per_1000) and typical is not None:
        size, per_1000 = "magnitudes", float(typical.base[0])
    unit = UNIT.get(indicator.unit, 100.0)
    sd, spread = _spread(definition, config)
    evidence = settings.months_weight if kind == "mean_of_months" else 1 / entry.design_effect if kind == "survey" else 1.0
    years = config.ring.years if len(config.ring.years) > 1 else (config.ring.years[0], config.ring.years[0] + 1)
    used_typical = typical is not None and (counts is None or size == "magnitudes" or spread == "magnitudes")
    return Planned(
        definition=definition,
        link=link,
        sign=catalogue.polarity(definition),
        unit=unit,
        level=level,
        bases=counts.bases if counts is not None else per_1000 / 1000 * made_up(cities),
        per_1000=per_1000,
        precision=evidence / (1 - catalogue.overlap(definition, years, settings.overlap)),
        sd_change=sd,
        rho=_rho(definition, config, catalogue, unit * (level * (1 - level) if link == "logit" else level)),
        priors=settings.priors,
        counts="counts" if counts is not None else "magnitudes",
        size=size,
        spread=spread,
        other=typical.definition if used_typical and typical is not None and typical.definition != definition else "",
    )


def _spread(definition: str, config: RingConfig) -> tuple[float, Origin]:
    """SD of a one-year change, and where it comes from."""
    own = config.change.indicator.get(definition) or config.change.indicator.get(definition.partition(".")[0])
    if own is not None and own.sd_change_median is not None:
        told = any(definition.startswith(f"{one.indicator}.") for one in config.history)
        return own.sd_change_median, "history" if told else "config"
    typical = _TYPICAL.get(definition.partition(".")[0])
    if typical is not None:
        return typical.sd_change[0], "magnitudes"
    return config.change.priors.sd_change_median, "prior"


def _rho(definition: str, config: RingConfig, catalogue: Catalogue, per_link: float) -> float:
    """Step of the change on the link scale; points are turned at the typical level."""
    indicator = catalogue.definition(definition)[0]
    own = config.findings.step.get(indicator.id)
    rho = indicator.rho
    if own is not None:
        rho = own.rho_points / per_link if own.rho_points else own.rho or rho
    return float(config.findings.rho_times * rho)


def made_up(cities: int) -> np.ndarray:
    """Inhabitants of a ring nobody has delivered for: evenly over the quantiles of a lognormal, none below 100,000; ascending."""
    place = (np.arange(cities) + 0.5) / cities
    return np.asarray(np.maximum(SMALLEST, MIDDLE * np.exp(SPREAD * ndtri(place))))
