"""A data set as the compiled loops want it: arrays only, cities in patterns, hyperparameters in slots."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from integstat.change.data import ChangeData
from integstat.change.model import Rough, design, evidence, year_covariance
from integstat.change.settings import Priors

# what may stand in the vector of hyperparameters, in this order; the SDs and correlations of one and of two groups
SLOTS = (
    "log_sd_mean",
    "z_corr_mean",
    "log_sd_change",
    "z_corr_change",
    "logit_share",
    "log_trend",
    "log_peer_level",
    "log_peer_change",
    "log_land_change",
)
LEVEL, COVARIATE, SHIFT, PEER_LEVEL, PEER_CHANGE, LAND_CHANGE = range(6)  # kinds of columns


class Structure(NamedTuple):
    """One data set with its priors. C cities, G groups, T years, D = G T cells of a city, Q columns of ring effects.

    Attributes
    ----------
    rate : bool
        Log link and Poisson counts, else logit and binomial counts.
    groups : int
    y, n : ndarray, shape (C, D)
        Weighed counts, group by year.
    common : ndarray, shape (C, G)
        Variance of the counting error that the years share.
    shared : bool
        Whether any is above 0.
    cell_start : ndarray of int, shape (C D + 1,)
        Where the possible counts of each cell begin; empty ranges for exact counts.
    value, log_weight : ndarray
        Possible counts and their log-weights.
    pattern : ndarray of int, shape (C,)
        Which of the patterns of column weights a city has.
    profile : ndarray, shape (A, T)
        Time profiles: level, steps between the years, and with three and more years the even run.
    of_column : ndarray of int, shape (Q,)
        Time profile of each column.
    of_kind : ndarray of int, shape (Q,)
        Kind of each column, for its prior.
    start, column, weight : ndarray
        The patterns' columns, ascending, and the weights in them, row by row.
    slots : ndarray of int, shape (9,)
        Where each of `SLOTS` begins in the vector of hyperparameters; -1 where the model has none.
    prior : ndarray, shape (13,)
        The priors' numbers, in the order of `_prior_vector`.
    years : ndarray, shape (3, T, T)
        Covariance over the years of what passes, what stays and the trends.
    """

    rate: bool
    groups: int
    y: np.ndarray
    n: np.ndarray
    common: np.ndarray
    shared: bool
    cell_start: np.ndarray
    value: np.ndarray
    log_weight: np.ndarray
    pattern: np.ndarray
    profile: np.ndarray
    of_column: np.ndarray
    of_kind: np.ndarray
    start: np.ndarray
    column: np.ndarray
    weight: np.ndarray
    slots: np.ndarray
    prior: np.ndarray
    years: np.ndarray


def build(data: ChangeData, priors: Priors) -> Structure:
    """Arrange a data set and its priors."""
    cities, groups, years = data.y.shape
    parts, weighed, over = design(data), evidence(data), year_covariance(data.years)
    profiles = [np.ones((1, years)), parts.steps.T]
    if years > 2:
        profiles.append(parts.half[None, :])
    even = 1 if years == 2 else years  # index of the even run among the profiles
    blocks = [(np.ones((cities, 1)), LEVEL, 0), (parts.covariates, COVARIATE, 0), (parts.peers, PEER_LEVEL, 0)]
    if years > 1:
        blocks += [(np.ones((cities, 1)), SHIFT, step) for step in range(1, years)]
        blocks += [(parts.peers, PEER_CHANGE, even), (parts.land, LAND_CHANGE, even)]
    weights = np.concatenate([block for block, _, _ in blocks], axis=1)
    rows, pattern = np.unique(weights, axis=0, return_inverse=True)
    used = [np.flatnonzero(row) for row in rows]
    lengths = np.zeros(cities * groups * years, dtype=np.int64)
    c, g, t = weighed.coarse.cell.T
    lengths[(c * groups + g) * years + t] = np.diff(weighed.coarse.start)
    return Structure(
        rate=data.link == "log",
        groups=groups,
        y=np.ascontiguousarray(weighed.y.reshape(cities, -1)),
        n=np.ascontiguousarray(weighed.n.reshape(cities, -1)),
        common=weighed.common,
        shared=bool((weighed.common > 0).any()),
        cell_start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        value=weighed.coarse.value,
        log_weight=weighed.coarse.log_weight,
        pattern=pattern.reshape(-1).astype(np.int64),
        profile=np.ascontiguousarray(np.concatenate(profiles)),
        of_column=np.concatenate([np.full(block.shape[1], at) for block, _, at in blocks]).astype(np.int64),
        of_kind=np.concatenate([np.full(block.shape[1], kind) for block, kind, _ in blocks]).astype(np.int64),
        start=np.concatenate([[0], np.cumsum([len(one) for one in used])]).astype(np.int64),
        column=np.concatenate(used).astype(np.int64),
        weight=np.concatenate([row[one] for row, one in zip(rows, used, strict=True)]),
        slots=_slots(groups, years, parts.peers.shape[1] > 0, parts.land.shape[1] > 0),
        prior=_prior_vector(priors),
        years=np.stack([over.passing, over.staying, over.trend]),
    )


def _slots(groups: int, years: int, peers: bool, land: bool) -> np.ndarray:
    pair = 1 if groups == 2 else 0
    change = years > 1
    sizes = [
        groups,
        pair,
        groups * change,
        pair * change,
        int(years > 2),
        int(years > 2),
        int(peers),
        int(peers and change),
        int(land),
    ]
    begins = np.cumsum([0, *sizes[:-1]])
    return np.where(np.array(sizes) > 0, begins, -1).astype(np.int64)


def size_of(structure: Structure) -> int:
    """Length of the vector of hyperparameters."""
    pair = structure.groups - 1
    lengths = [structure.groups, pair, structure.groups, pair, 1, 1, 1, 1, 1]
    return int(sum(length for length, slot in zip(lengths, structure.slots, strict=True) if slot >= 0))


def _prior_vector(priors: Priors) -> np.ndarray:
    return np.array(
        [
            priors.level_sd,
            priors.covariate_sd,
            priors.shift_sd,
            priors.sd_mean_scale,
            np.log(priors.sd_change_median),
            priors.sd_change_log_sd,
            priors.correlation_eta,
            priors.peer_level_scale,
            priors.peer_change_scale,
            priors.land_change_scale,
            priors.lasting_a,
            priors.lasting_b,
            priors.trend_scale,
        ]
    )


def start_of(structure: Structure, priors: Priors, look: Rough) -> np.ndarray:
    """Where the search for the hyperparameters' mode begins: SDs between cities by moments, no correlation.

    Moments are kept between 0.4 and 10 times what the priors expect; the mode is looked for from there in any case.
    """
    theta = np.zeros(size_of(structure))
    begins = dict(zip(SLOTS, structure.slots, strict=True))
    groups = structure.groups
    mean, change = look.eta.mean(axis=2), look.eta[:, :, -1] - look.eta[:, :, 0]
    noise = look.variance.mean(axis=2) / look.variance.shape[2], look.variance[:, :, 0] + look.variance[:, :, -1]
    pairs = (("log_sd_mean", 0.4 * priors.sd_mean_scale, mean), ("log_sd_change", priors.sd_change_median, change))
    for (name, usual, values), variance in zip(pairs, noise, strict=True):
        if begins[name] >= 0:
            for g in range(groups):
                theta[begins[name] + g] = np.log(_spread(values[:, g], variance[:, g], usual))
    scales = (priors.trend_scale, priors.peer_level_scale, priors.peer_change_scale, priors.land_change_scale)
    for name, scale in zip(("log_trend", "log_peer_level", "log_peer_change", "log_land_change"), scales, strict=True):
        if begins[name] >= 0:
            theta[begins[name]] = np.log(0.4 * scale)
    return theta


def _spread(values: np.ndarray, variance: np.ndarray, usual: float) -> float:
    known = np.isfinite(values) & np.isfinite(variance)
    if known.sum() < 3:
        return usual
    between = float(np.var(values[known]) - variance[known].mean())
    return float(np.clip(np.sqrt(max(between, 0.0)), 0.4 * usual, 10 * usual))
