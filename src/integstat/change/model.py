r"""The specification both engines share: design, covariance over the years, evidence, link, likelihood.

For city *c*, group *g*, year *t*, on the link scale:

.. math::
    \eta_{cgt} = \alpha_g + x_c'\beta_g + \mu_{cg} + m_{cg}
                 + \textstyle\sum_j s_j(t)\,\delta_{gj} + h_t (\kappa_{cg} + \lambda_{L(c)g}) + v_{cgt}

with :math:`m_c \sim N(0, \Sigma_m)`, :math:`\mathrm{Cov}(v_{cgt}, v_{cg't'}) = \Omega_{gg'} K_{tt'}` and :math:`m \perp v`.
*h* runs evenly from -1/2 in the first year to +1/2 in the last, the step profiles :math:`s_j` from below 0 to above 0 between
two neighbouring years, so that the shifts :math:`\delta_{gj}` add up to the ring's shift. All profiles and every row of *K*
have mean 0: *m* is the mean of the years.

* Two years: one step, :math:`s = h`, and :math:`v_{cgt} = h_t v_{cg}` with :math:`v_c \sim N(0, \Omega)`. Two waves identify
  :math:`\Sigma_m` and :math:`\Omega` and no more.
* One year: the terms with *t* fall away.
* Three and more: what passes within a year, what stays (a random walk) and the cities' own trends,
  :math:`K = (1-s) I/2 + s\,\min(t,t') + \omega^2 t t'`, all centred. Its change over *k* years has the variance
  :math:`(1-s) + k s + k^2 \omega^2` times that of what passes and stays within one.

Peer effects have the covariance :math:`\tau^2` times a kernel: 1 within a peer group and 0 between, a co-assignment matrix, or a
similarity of contexts; they are written as a factor of the kernel times independent effects.

Likelihood: *y* log p + (n − y) log(1 − p) for shares (the binomial; with gamma functions also for annual means, whose counts
are not whole), Poisson with exposure *n* for rates. Both are linear in y·η minus n·A(η). A count known within bounds
contributes the sum over what it may be. Of a stock most persons are counted in both years: with overlap *r*, both years are
weighted by 1 / (1 − r) and share an error with the variance r / (n p (1 − p)) that belongs to the counts, not to η.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack
from scipy.special import expit, gammaln, logit

from integstat.change.data import ChangeData

HALF = np.array([-0.5, 0.5])
_FINEST = 2001  # points at which a wide range of possible counts is summed
_RANK_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Design:
    """What the cities and years bring into the linear predictor.

    Attributes
    ----------
    half : ndarray, shape (T,)
        From -1/2 in the first year to +1/2 in the last, centred; 0 for a single year.
    steps : ndarray, shape (T, T - 1)
        Profile of each shift between neighbouring years: centred steps of height 1. With two years, `half` as a column.
    peers : ndarray, shape (C, K)
        Factor of the peer kernel: membership in peer groups, or columns whose products give the kernel; no columns where
        no effect is estimable.
    land : ndarray, shape (C, L)
        Membership in Länder; no columns where no effect is estimable.
    covariates : ndarray, shape (C, P)
        Standardised covariates.
    centre, scale : ndarray, shape (P,)
        Means and SDs taken out of the covariates.
    """

    half: np.ndarray
    steps: np.ndarray
    peers: np.ndarray
    land: np.ndarray
    covariates: np.ndarray
    centre: np.ndarray
    scale: np.ndarray


def design(data: ChangeData) -> Design:
    """Build the design of a data set."""
    count, years = len(data.cities), len(data.years)
    steps = (np.arange(years)[:, None] > np.arange(years - 1)[None, :]).astype(float)
    steps -= steps.mean(axis=0) if years > 1 else 0.0
    names = data.land_names
    land = np.zeros((count, 0))
    if names and data.land is not None:
        land = (np.array(data.land)[:, None] == np.array(names)[None, :]).astype(float)
    raw = data.covariates if data.covariates.size else np.zeros((count, 0))
    centre = raw.mean(axis=0) if count else np.zeros(raw.shape[1])
    scale = raw.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    return Design(_even(data.years), steps, _peer_factor(data), land, (raw - centre) / scale, centre, scale)


def _even(years: tuple[int, ...]) -> np.ndarray:
    """Even run from first to last year, of height 1 and mean 0."""
    if len(years) == 1:
        return np.zeros(1)
    place = (np.array(years, dtype=float) - years[0]) / (years[-1] - years[0])
    return np.asarray(place - place.mean())


def _peer_factor(data: ChangeData) -> np.ndarray:
    """Columns F with F F' the peer kernel; one column per peer group, or as many as a kernel's rank."""
    count = len(data.cities)
    if not data.has_peers:
        return np.zeros((count, 0))
    if data.kernel is None:
        assert data.peers is not None
        return np.asarray(np.eye(int(data.peers.max()) + 1)[data.peers])
    factor, pivot, rank, _ = lapack.dpstrf(data.kernel, tol=_RANK_TOLERANCE, lower=1)
    columns = np.zeros((count, rank))
    columns[pivot - 1] = np.tril(factor)[:, :rank]
    if np.abs(columns @ columns.T - data.kernel).max() > 1e-3:
        raise ValueError(f"{data.definition}: a kernel of peers must be positive semidefinite")
    return columns


@dataclass(frozen=True)
class YearCovariance:
    """The centred parts of K, shape (T, T): K = (1 - s) passing + s staying + omega² trend.

    Attributes
    ----------
    passing, staying, trend : ndarray, shape (T, T)
    """

    passing: np.ndarray
    staying: np.ndarray
    trend: np.ndarray

    def total(self, share: float, omega: float) -> np.ndarray:
        """K for a share of the one-year change's variance that stays, and an SD of the trends relative to it."""
        return np.asarray((1 - share) * self.passing + share * self.staying + omega**2 * self.trend)


def year_covariance(years: tuple[int, ...]) -> YearCovariance:
    """Covariance over the years of what passes, what stays and the trends, for unit variance of one year's change."""
    place = np.array(years, dtype=float) - years[0]
    centred = np.eye(len(years)) - 1 / len(years)
    walk, trend = np.minimum(place[:, None], place[None, :]), place[:, None] * place[None, :]
    return YearCovariance(centred / 2, centred @ walk @ centred, centred @ trend @ centred)


@dataclass(frozen=True)
class Coarse:
    """Counts known within bounds: for each cell what it may be, in the units of `Evidence.y`.

    Attributes
    ----------
    cell : ndarray of int, shape (M, 3)
        City, group and year of each such cell.
    start : ndarray of int, shape (M + 1,)
        Where the possible counts of each cell begin.
    value, log_weight : ndarray, shape (N,)
        Possible counts k and their log-weights: the cell's log-likelihood is log sum exp(log_weight + k eta) - n A(eta).
    """

    cell: np.ndarray
    start: np.ndarray
    value: np.ndarray
    log_weight: np.ndarray


@dataclass(frozen=True)
class Evidence:
    """The counts as the likelihood weighs them.

    Attributes
    ----------
    y, n : ndarray, shape (C, G, T)
        Counts times `ChangeData.evidence` / (1 - overlap); `y` is 0 in coarse cells.
    common : ndarray, shape (C, G)
        Variance of the counting error that the years share; 0 without overlap.
    coarse : Coarse
    """

    y: np.ndarray
    n: np.ndarray
    common: np.ndarray
    coarse: Coarse


def evidence(data: ChangeData) -> Evidence:
    """Weigh the counts of a data set.

    Notes
    -----
    The shared error's variance needs a propensity; it takes the mean of the city's years, with one case at the group's own
    rate added, so that no city has none. A single year has no overlap.
    """
    overlap = data.overlap if len(data.years) > 1 else 0.0
    factor = data.evidence / (1 - overlap)
    unsure = np.zeros(data.y.shape, dtype=bool) if data.coarse is None else np.isfinite(data.coarse[..., 0])
    unsure &= data.usable
    y = np.where(unsure | ~data.usable, 0.0, data.y)
    coarse = _coarse(data, np.argwhere(unsure), factor)
    common = np.zeros(data.y.shape[:2])
    if overlap > 0:
        common = _common(data, unsure, overlap)
    return Evidence(y * factor, data.n * factor, common, coarse)


def _common(data: ChangeData, unsure: np.ndarray, overlap: float) -> np.ndarray:
    middle = data.y.astype(float)
    if data.coarse is not None:
        middle = np.where(unsure, np.clip(data.coarse.mean(axis=-1), 0, None), middle)
    y, n = np.where(data.usable, middle, 0.0).sum(axis=2), data.n.sum(axis=2)
    rate = np.maximum(y.sum(axis=0), 0.5) / np.maximum(n.sum(axis=0), 1.0)
    p = (y + 1.0) / (n + 1.0 / rate)
    if data.link == "logit":
        p = np.clip(p, 0.0, 1 - 0.5 / np.maximum(n, 1.0))
    spread = p * (1 - p) if data.link == "logit" else p
    average = n / np.maximum(data.usable.sum(axis=2), 1)
    return np.where(average > 0, overlap / (data.evidence * np.maximum(average, 1.0) * spread), 0.0)


def _coarse(data: ChangeData, cells: np.ndarray, factor: float) -> Coarse:
    starts, values, weights = [0], [], []
    for c, g, t in cells:
        assert data.coarse is not None
        low, high = (int(bound) for bound in data.coarse[c, g, t])
        parts = 1 if data.parts is None else int(data.parts[c, g, t])
        n = data.n[c, g, t]
        ways = np.ones(1)
        for _ in range(parts):
            ways = np.convolve(ways, np.full((high - low) // parts + 1, 1.0 / ((high - low) // parts + 1)))
        count = np.arange(low, high + 1)
        possible = (count >= 0) & ((count <= n) | (data.link == "log"))
        count, ways = count[possible], ways[possible]
        if len(count) > _FINEST:
            chosen = np.unique(np.linspace(0, len(count) - 1, _FINEST).round().astype(int))
            count, ways = count[chosen], ways[chosen]
        k, size = count * factor, n * factor
        if data.link == "logit":
            ways_log = gammaln(size + 1) - gammaln(k + 1) - gammaln(size - k + 1)
        else:
            ways_log = k * np.log(size) - gammaln(k + 1)
        values.append(k)
        weights.append(np.log(ways) + ways_log)
        starts.append(starts[-1] + len(k))
    empty = np.zeros(0)
    return Coarse(cells.reshape(-1, 3), np.array(starts), np.concatenate([empty, *values]), np.concatenate([empty, *weights]))


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
    weighed = evidence(data)
    y, n = weighed.y.copy(), weighed.n
    for place, (c, g, t) in enumerate(weighed.coarse.cell):
        inside = slice(*weighed.coarse.start[place : place + 2])
        y[c, g, t] = weighed.coarse.value[inside].mean()
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
    ends = look.variance[..., 0] + look.variance[..., -1]
    return mean, _signal(look.eta[..., -1] - look.eta[..., 0], ends, 0.05)


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
