"""Known truth for one indicator: parameters drawn from the model, and the counts they bring about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from integstat.change.model import HALF, inverse_link
from integstat.change.settings import Priors


@dataclass(frozen=True)
class Parameters:
    """Ring-level parameters on the link scale; arrays have the shape (G,).

    Attributes
    ----------
    level, shift : ndarray
        Level of the ring and its common shift.
    sd_mean, sd_change : ndarray
        SDs between cities of the two years' mean and of the change.
    corr_mean, corr_change : float
        Correlations between the groups.
    sd_peer_level, sd_peer_change, sd_land_change : float
        SDs between peer groups and between Länder.
    lasting_share : float
        Share of the change's variance that lasts.
    """

    level: np.ndarray
    shift: np.ndarray
    sd_mean: np.ndarray
    sd_change: np.ndarray
    corr_mean: float
    corr_change: float
    sd_peer_level: float
    sd_peer_change: float
    sd_land_change: float
    lasting_share: float


def from_priors(priors: Priors, level: np.ndarray, rng: np.random.Generator) -> Parameters:
    """Draw the ring-level parameters from the priors a fit uses; the level, hardly informed by its prior, is given."""
    groups = len(level)
    return Parameters(
        level=level,
        shift=rng.normal(0, priors.shift_sd, groups),
        sd_mean=np.abs(rng.normal(0, priors.sd_mean_scale, groups)),
        sd_change=rng.lognormal(np.log(priors.sd_change_median), priors.sd_change_log_sd, groups),
        corr_mean=2 * rng.beta(priors.correlation_eta, priors.correlation_eta) - 1,
        corr_change=2 * rng.beta(priors.correlation_eta, priors.correlation_eta) - 1,
        sd_peer_level=abs(rng.normal(0, priors.peer_level_scale)),
        sd_peer_change=abs(rng.normal(0, priors.peer_change_scale)),
        sd_land_change=abs(rng.normal(0, priors.land_change_scale)),
        lasting_share=rng.beta(priors.lasting_a, priors.lasting_b),
    )


@dataclass(frozen=True)
class Truth:
    """True propensities and the counts drawn from them.

    Attributes
    ----------
    parameters : Parameters
    mean, change, lasting : ndarray, shape (C, G)
        Link scale: mean of the two years, change between them, and its lasting part beside the ring's shift.
    eta : ndarray, shape (C, G, 2)
        Link scale by year.
    y, n : ndarray, shape (C, G, 2)
        Counts and bases.
    """

    parameters: Parameters
    mean: np.ndarray
    change: np.ndarray
    lasting: np.ndarray
    eta: np.ndarray
    y: np.ndarray
    n: np.ndarray


def draw_truth(
    parameters: Parameters,
    n: np.ndarray,
    link: str,
    rng: np.random.Generator,
    *,
    peers: np.ndarray | None = None,
    land: np.ndarray | None = None,
) -> Truth:
    """Draw cities from the model and counts from the cities.

    Parameters
    ----------
    parameters : Parameters
    n : ndarray, shape (C, G, 2)
        Bases.
    link : {'logit', 'log'}
        Binomial counts or Poisson counts with exposure `n`.
    rng : numpy.random.Generator
    peers, land : ndarray of int, shape (C,), optional
        Labels from 0.
    """
    cities, groups, _ = n.shape
    lasts = parameters.lasting_share

    def effects(labels: np.ndarray | None, sd: float) -> np.ndarray:
        if labels is None:
            return np.zeros((cities, groups))
        return np.asarray(rng.normal(0, sd, (int(labels.max()) + 1, groups))[labels])

    def pair(sd: np.ndarray, correlation: float) -> np.ndarray:
        covariance = np.eye(groups) + correlation * (1 - np.eye(groups))
        return np.asarray(rng.multivariate_normal(np.zeros(groups), covariance, cities) * sd)

    mean = parameters.level + effects(peers, parameters.sd_peer_level) + pair(parameters.sd_mean, parameters.corr_mean)
    shared = effects(peers, parameters.sd_peer_change) + effects(land, parameters.sd_land_change)
    own = pair(parameters.sd_change, parameters.corr_change)
    change = parameters.shift + shared + own
    noise = pair(parameters.sd_change, parameters.corr_change)
    lasting = lasts * (own + shared) + np.sqrt(lasts * (1 - lasts)) * noise
    eta = mean[:, :, None] + change[:, :, None] * HALF
    p = inverse_link(eta, link)
    y = rng.binomial(n.astype(int), p) if link == "logit" else rng.poisson(n * p)
    return Truth(parameters, mean, change, lasting, eta, y.astype(float), n)
