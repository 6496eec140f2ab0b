"""Rings drawn from the model's own prior, with one departure at a time: parameters, cities, counts, and what is true of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from integstat.change.model import HALF, inverse_link
from integstat.change.settings import Priors
from integstat.simulate import Parameters, from_priors
from integstat.validate.trial.scenario import BASE_KEPT, BLOCK, EVERY, Scenario

LAENDER = ("91", "92", "93")
SD_BASE, SD_GROWTH, LEAST = 0.5, 0.02, 5.0
RATES = (0.01, 0.60)  # observed rates of a ring that is kept
_TRIES = 10_000
_PLAIN = Scenario("model", "", "")


@dataclass(frozen=True)
class Cities:
    """Labels of the cities of all simulated rings, shape (C,): true peer group (all 0: no groups) and place in `LAENDER`."""

    peers: np.ndarray
    land: np.ndarray


@dataclass(frozen=True)
class Drawn:
    """One indicator of a ring.

    Attributes
    ----------
    parameters : Parameters
    peer_level, peer_change, land_change : ndarray, shape (K, G) or (L, G)
        Effects; no rows where the model has none.
    change, lasting : ndarray, shape (C, G)
        Link scale: change between the years, and its lasting part beside the ring's shift.
    eta : ndarray, shape (C, G, 2)
    y, n : ndarray, shape (C, G, 2)
        As delivered, with whatever is wrong with them.
    """

    parameters: Parameters
    peer_level: np.ndarray
    peer_change: np.ndarray
    land_change: np.ndarray
    change: np.ndarray
    lasting: np.ndarray
    eta: np.ndarray
    y: np.ndarray
    n: np.ndarray


def labels(cities: int) -> Cities:
    """Peer groups of eight cities and more, at most six; three Länder across them."""
    groups = max(1, min(6, cities // 8))
    place = np.arange(cities)
    return Cities(place % groups, place // groups % len(LAENDER))


def draw_ring(
    scenario: Scenario, priors: Priors, groups: int, link: str, cities: Cities, base: float | None, seed: tuple[int, ...]
) -> Drawn:
    """Draw one indicator of one ring.

    Parameters
    ----------
    scenario : Scenario
    priors : Priors
        Every parameter is drawn from them, the level too.
    groups : int
    link : {'logit', 'log'}
    cities : Cities
    base : float, optional
        Typical base; None: log-uniform from 100 to 10,000.
    seed : tuple of int
        The scenario is not part of it.

    Notes
    -----
    The prior of the level is weak and would mostly bring rates near 0 or 1, such as no indicator has. So rings are drawn until
    every group's observed rate lies between 1 % and 60 %. That choice sees the counts only, given which the posterior stays
    what it is, so ranks remain uniform under the model. It looks at the model's counts, before the scenario spoils them.
    """
    for attempt in range(_TRIES):
        rng = np.random.default_rng([*seed, attempt])
        level = rng.normal(0, priors.level_sd, groups)
        parameters = from_priors(priors, level, rng)
        size = float(np.exp(rng.uniform(np.log(100), np.log(10_000)))) if base is None else base
        spread = rng.lognormal(0, SD_BASE, (len(cities.land), groups, 1))
        n = np.maximum(np.round(size * spread * rng.lognormal(0, SD_GROWTH, (len(cities.land), groups, 2))), LEAST)
        parts = draw_parts(parameters, groups, cities, rng)
        y = counts(parts.cities(_PLAIN, parameters, cities, rng).eta, n, link, np.random.default_rng([*seed, attempt, 1]))
        if _likely(y, n):
            break
    else:
        raise RuntimeError("no ring with rates like those of indicators")
    apart = np.random.default_rng([*seed, attempt, 2])
    if scenario.lasting is not None:
        changed = vars(parameters) | {"lasting_share": apart.beta(*scenario.lasting)}
        parameters = Parameters(**changed)
    true = parts.cities(scenario, parameters, cities, apart)
    y, n = delivered(scenario, true.eta, n, link, cities, np.random.default_rng([*seed, attempt, 1]), apart)
    return Drawn(parameters, parts.peer_level, parts.peer_change, parts.land_change, true.change, true.lasting, true.eta, y, n)


def _likely(y: np.ndarray, n: np.ndarray) -> bool:
    rates = y.sum(axis=(0, 2)) / n.sum(axis=(0, 2))
    return bool((rates > RATES[0]).all() and (rates < RATES[1]).all())


@dataclass(frozen=True)
class Truths:
    """What the cities are: change, lasting part (C, G) and link values (C, G, 2)."""

    change: np.ndarray
    lasting: np.ndarray
    eta: np.ndarray


@dataclass(frozen=True)
class Parts:
    """Random parts of a ring before they are put together; effects have no rows where the model has none."""

    peer_level: np.ndarray
    peer_change: np.ndarray
    land_change: np.ndarray
    mean: np.ndarray
    own: np.ndarray
    noise: np.ndarray

    def cities(self, scenario: Scenario, parameters: Parameters, labels: Cities, rng: np.random.Generator) -> Truths:
        """Put the parts together, with what the scenario makes of the cities' own changes."""
        own = _own(scenario, self.own, parameters, rng)
        s = parameters.lasting_share
        shared = _by(self.peer_change, labels.peers, own) + _by(self.land_change, labels.land, own)
        mean = parameters.level + _by(self.peer_level, labels.peers, own) + self.mean
        change = parameters.shift + shared + own
        lasting = s * (own + shared) + np.sqrt(s * (1 - s)) * self.noise
        return Truths(change, lasting, mean[:, :, None] + change[:, :, None] * HALF)


def draw_parts(parameters: Parameters, groups: int, cities: Cities, rng: np.random.Generator) -> Parts:
    """Draw effects and cities from the model, in the order of `integstat.simulate.draw_truth`."""
    count = len(cities.land)

    def effects(labels: np.ndarray, sd: float) -> np.ndarray:
        kinds = int(labels.max()) + 1
        return rng.normal(0, sd, (kinds, groups)) if kinds > 1 else np.zeros((0, groups))

    def pair(sd: np.ndarray, correlation: float) -> np.ndarray:
        covariance = np.eye(groups) + correlation * (1 - np.eye(groups))
        return np.asarray(rng.multivariate_normal(np.zeros(groups), covariance, count) * sd)

    peer_level = effects(cities.peers, parameters.sd_peer_level)
    mean = pair(parameters.sd_mean, parameters.corr_mean)
    peer_change = effects(cities.peers, parameters.sd_peer_change)
    land_change = effects(cities.land, parameters.sd_land_change)
    own = pair(parameters.sd_change, parameters.corr_change)
    return Parts(peer_level, peer_change, land_change, mean, own, pair(parameters.sd_change, parameters.corr_change))


def _by(effects: np.ndarray, labels: np.ndarray, like: np.ndarray) -> np.ndarray:
    return effects[labels] if len(effects) else np.zeros_like(like)


def _own(scenario: Scenario, own: np.ndarray, parameters: Parameters, rng: np.random.Generator) -> np.ndarray:
    """Return the cities' own changes as the scenario has them; variances stay."""
    if scenario.degrees:
        scale = np.sqrt((scenario.degrees - 2) / rng.chisquare(scenario.degrees, (len(own), 1)))
        return np.asarray(own * scale)
    if scenario.block:
        block = rng.permutation(len(own)) // BLOCK
        covariance = np.eye(own.shape[1]) + parameters.corr_change * (1 - np.eye(own.shape[1]))
        common = rng.multivariate_normal(np.zeros(own.shape[1]), covariance, int(block.max()) + 1) * parameters.sd_change
        return np.asarray(np.sqrt(1 - scenario.block) * own + np.sqrt(scenario.block) * common[block])
    return own


def counts(eta: np.ndarray, n: np.ndarray, link: str, rng: np.random.Generator) -> np.ndarray:
    """Draw binomial counts, or Poisson counts with exposure `n`."""
    p = inverse_link(eta, link)
    return np.asarray(rng.binomial(n.astype(int), p) if link == "logit" else rng.poisson(n * p), dtype=float)


def delivered(
    scenario: Scenario,
    eta: np.ndarray,
    n: np.ndarray,
    link: str,
    cities: Cities,
    counting: np.random.Generator,
    apart: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Counts and bases as they are delivered, with what the scenario does to them."""
    seen, n = eta.copy(), n.copy()
    if scenario.land_break:
        seen[cities.land == 0, :, 1] += scenario.land_break
    if scenario.city_break:
        struck = apart.permutation(len(eta)) < max(1, len(eta) // EVERY)
        seen[struck, :, 1] += scenario.city_break
        n[struck, :, 1] = np.maximum(np.round(BASE_KEPT * n[struck, :, 1]), LEAST)
    y = counts(seen, n, link, counting)
    if scenario.sensitivity < 1:
        y, n = _misplaced(y, n, 1 - scenario.sensitivity, link, apart)
    if scenario.rounded:
        y, n = (scenario.rounded * np.round(values / scenario.rounded) for values in (y, n))
        n = np.maximum(n, scenario.rounded)
        y = np.minimum(y, n) if link == "logit" else y
    return y, n


def _misplaced(y: np.ndarray, n: np.ndarray, share: float, link: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Move a share of the target group's persons, with or without the event, to the reference group; at least one stays."""
    cases = y[:, 0].astype(int)
    gone = rng.binomial(cases, share)
    rest = rng.binomial((n[:, 0] - (cases if link == "logit" else 0)).astype(int), share)
    base = np.minimum(gone + rest if link == "logit" else rest, n[:, 0] - 1)
    gone = np.maximum(gone, y[:, 0] - n[:, 0] + base) if link == "logit" else gone
    out_y, out_n = y.copy(), n.copy()
    out_y[:, 0] -= gone
    out_n[:, 0] -= base
    if y.shape[1] > 1:
        out_y[:, 1] += gone
        out_n[:, 1] += base
    return out_y, out_n
