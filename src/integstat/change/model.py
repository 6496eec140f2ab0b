r"""The specification both engines share: design, link, likelihood, starting scales.

For city *c*, group *g*, year *t*, on the link scale:

.. math::
    \eta_{cgt} = \alpha_g + x_c'\beta_g + \mu_{z(c)g} + m_{cg}
                 + h_t (\delta_g + \kappa_{z(c)g} + \lambda_{L(c)g} + v_{cg}),
    \qquad h = -\tfrac12, +\tfrac12

with :math:`m_c \sim N(0, \Sigma_m)`, :math:`v_c \sim N(0, \Omega)` and :math:`m \perp v`. One year: the terms with *h* fall
away. Likelihood: *y* log p + (n − y) log(1 − p) for shares (the binomial; with gamma functions also for annual means, whose
counts are not whole), Poisson with exposure *n* for rates. Both are linear in y·η minus n·A(η).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, gammaln, logit

from integstat.change.data import ChangeData

HALF = np.array([-0.5, 0.5])


@dataclass(frozen=True)
class Design:
    """What the cities bring into the linear predictor.

    Attributes
    ----------
    half : ndarray, shape (T,)
        -1/2 and +1/2, or 0 for a single year.
    peers : ndarray, shape (C, K)
        Membership in peer groups; no columns where no effect is estimable.
    land : ndarray, shape (C, L)
        Membership in Länder; no columns where no effect is estimable.
    covariates : ndarray, shape (C, P)
        Standardised covariates.
    centre, scale : ndarray, shape (P,)
        Means and SDs taken out of the covariates.
    """

    half: np.ndarray
    peers: np.ndarray
    land: np.ndarray
    covariates: np.ndarray
    centre: np.ndarray
    scale: np.ndarray


def design(data: ChangeData) -> Design:
    """Build the design of a data set."""
    count = len(data.cities)
    half = HALF if len(data.years) == 2 else np.zeros(1)
    peers = np.zeros((count, 0))
    if data.has_peers and data.peers is not None:
        peers = np.eye(int(data.peers.max()) + 1)[data.peers]
    names = data.land_names
    land = np.zeros((count, 0))
    if names and data.land is not None:
        land = (np.array(data.land)[:, None] == np.array(names)[None, :]).astype(float)
    raw = data.covariates if data.covariates.size else np.zeros((count, 0))
    centre = raw.mean(axis=0) if count else np.zeros(raw.shape[1])
    scale = raw.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    return Design(half, peers, land, (raw - centre) / scale, centre, scale)


def inverse_link(eta: np.ndarray, link: str) -> np.ndarray:
    """Propensity from the link scale: expit for logit, exp for log."""
    return np.asarray(expit(eta) if link == "logit" else np.exp(eta))


def log_likelihood(y: np.ndarray, n: np.ndarray, eta: np.ndarray, link: str) -> np.ndarray:
    """Pointwise log-likelihood with its constants; 0 where `n` is 0.

    Parameters
    ----------
    y, n : ndarray, shape (C, G, T)
    eta : ndarray, shape (..., C, G, T)
    """
    if link == "logit":
        value = y * eta - n * np.logaddexp(0.0, eta) + gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)
    else:
        with np.errstate(divide="ignore"):
            log_n = np.where(n > 0, np.log(np.where(n > 0, n, 1.0)), 0.0)
        value = y * (eta + log_n) - n * np.exp(eta) - gammaln(y + 1)
    return np.where(n > 0, value, 0.0)


@dataclass(frozen=True)
class Rough:
    """First look at the data by moments: observed link values and their counting variance, shape (C, G, T).

    Used to choose a parametrisation, never for a result.
    """

    eta: np.ndarray
    variance: np.ndarray


def rough(data: ChangeData) -> Rough:
    """Empirical link values (half a case added) and their delta-method variances; infinite where `n` is 0."""
    y, n = data.y * data.evidence, data.n * data.evidence
    with np.errstate(divide="ignore", invalid="ignore"):
        if data.link == "logit":
            p = (y + 0.5) / (n + 1.0)
            eta, information = logit(p), n * p * (1 - p)
        else:
            eta, information = np.log((y + 0.5) / np.maximum(n, 1e-300)), y + 0.5
        variance = np.where(n > 0, 1.0 / np.maximum(information, 1e-12), np.inf)
    return Rough(np.where(n > 0, eta, np.nan), variance)


def centring(data: ChangeData) -> tuple[np.ndarray, np.ndarray]:
    """How far each city's mean and change should be centred: 1 where its own counts speak, 0 where the prior does.

    Returns
    -------
    mean, change : ndarray, shape (C, G)
        Squared shares of signal in the variance; `change` is 0 for a single year. Large counts sample well when
        centred (the city's value is the parameter), small ones when not (its deviation is); in between the blend of
        Gorinova, Moore & Hoffman (2020) does.
    """
    look = rough(data)
    years = look.eta.shape[-1]
    mean = _signal(look.eta.mean(axis=-1), look.variance.sum(axis=-1) / years**2, 0.1)
    if len(data.years) == 1:
        return mean, np.zeros_like(mean)
    return mean, _signal(look.eta[..., 1] - look.eta[..., 0], look.variance.sum(axis=-1), 0.05)


def _signal(values: np.ndarray, variance: np.ndarray, floor: float) -> np.ndarray:
    finite = np.isfinite(values) & np.isfinite(variance)
    share = np.zeros_like(values)
    for group in range(values.shape[1]):
        use = finite[:, group]
        if use.sum() < 2:
            continue
        between = max(float(np.var(values[use, group]) - variance[use, group].mean()), floor**2)
        share[use, group] = between / (between + variance[use, group])
    return share**2
