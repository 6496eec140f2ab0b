"""The engine `laplace`: from counts to draws of every parameter, with the diagnostics that say whether to trust them.

Three steps (method: Rue, Martino & Chopin 2009, with the approximations replaced or corrected by importance sampling):

1. The hyperparameters' marginal posterior, by Laplace's method over cities and ring effects with the second-order term, is
   explored by adaptive importance sampling.
2. For each of the points drawn from it: ring effects from their Gaussian approximation; each city's predictors from a few
   candidates of its Gaussian approximation, one chosen by importance weight.
3. What the approximations got wrong is the weight of the draw; draws are resampled by it. Its Pareto shape says whether that
   can be trusted.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import expit

from integstat.change.data import ChangeData
from integstat.change.laplace import importance
from integstat.change.laplace.coordinates import coordinates
from integstat.change.laplace.draws import draw
from integstat.change.laplace.importance import NoMode, Weighted
from integstat.change.laplace.newton import log_posteriors, move_to_mode
from integstat.change.laplace.structure import LAND_CHANGE, PEER_CHANGE, PEER_LEVEL, SLOTS, Structure, build, start_of
from integstat.change.model import Design, design, rough
from integstat.change.settings import ChangeSettings

K_LIMIT = 0.7  # Pareto shape above which importance sampling is not trusted (Vehtari et al. 2024)
MANY = 2000  # cities from which on city effects are kept in single precision
_SMALL_RING = 400  # up to here every draw is weighted by all its cities' integrals
_NOISE = 0.3  # variance of a draw's log weight that may come from the candidates
_PAIRS = (1, 2, 4, 8, 16)
_FEW = 2  # pairs in a large ring, at most
_SLOPPY, _EXACT, _SEARCH = 0.25, 1e-3, 1e-5  # how far from the mode a linearisation may be, link scale
_BLOCKS = 8  # in which draws are made, at least, whatever the number of threads
_ROOM = 1_000_000  # numbers held at once for candidates
_ROUNDS = (128, 128)  # points of the first proposals


@dataclass(frozen=True)
class Drawn:
    """Draws of one data set, in the parameters of the specification.

    Attributes
    ----------
    draws : xarray.Dataset
        Dims `chain` (one), `draw` and those of each parameter.
    k_hyper, k_draws : float
        Pareto shapes of the weights of the hyperparameters' points and of the draws.
    effective : float
        Effective number of independent draws: of the hyperparameters' points or of the draws, whichever is less.
    weighting : str
        `exact` where every draw is weighted by its cities' integrals, else `second order`.
    """

    draws: xr.Dataset
    k_hyper: float
    k_draws: float
    effective: float
    weighting: str

    @property
    def pareto_k(self) -> float:
        """The larger of both shapes; NaN, and so never trusted, where one of them is."""
        return float(np.maximum(self.k_hyper, self.k_draws))

    @property
    def trusted(self) -> bool:
        """Whether both shapes are within the limit."""
        return bool(self.pareto_k <= K_LIMIT)


@dataclass(frozen=True)
class _Start:
    """Where every solve begins: cities' predictors and ring effects at the hyperparameters' mode."""

    eta: np.ndarray
    phi: np.ndarray


def sample(data: ChangeData, settings: ChangeSettings, seed: int, *, cores: int = 1) -> Drawn:
    """Draw from the posterior of one data set.

    Parameters
    ----------
    data : ChangeData
    settings : ChangeSettings
        `draws` is the number of draws altogether.
    seed : int
    cores : int
        Threads; they do not change the result.

    Raises
    ------
    NoMode
        If the hyperparameters' density has no mode that could be found.

    Notes
    -----
    The draws are exchangeable, not a chain. Trust them where `Drawn.trusted`; else use the sampler.
    """
    structure = build(data, settings.priors)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x1AB]))
    with ThreadPoolExecutor(cores) as pool:
        start, mode, covariance = _explore(structure, data, settings, pool, cores)
        pairs, exact = _plan(structure, mode, start, rng)
        tolerance = _SLOPPY if exact else _EXACT
        size = 2 ** int(np.ceil(np.log2(max(settings.draws / 2, 512))))
        density = partial(_log_posteriors, structure, start, tolerance, pool, cores)
        hyper = importance.sample(density, mode, covariance, (*_ROUNDS, size), rng)
        drawn = _draw(structure, data, settings, seed, rng, pool, hyper, _Plan(start, tolerance, pairs, exact))
        if exact and pairs < _PAIRS[-1] and not drawn.k_draws <= importance.HIGH:
            drawn = _draw(structure, data, settings, seed, rng, pool, hyper, _Plan(start, tolerance, _PAIRS[-1], exact))
        return drawn


def _explore(
    structure: Structure, data: ChangeData, settings: ChangeSettings, pool: ThreadPoolExecutor, cores: int
) -> tuple[_Start, np.ndarray, np.ndarray]:
    """Mode of the hyperparameters, their covariance there, and the mode of cities and ring effects given them."""
    look = rough(data)
    theta = start_of(structure, settings.priors, look)
    seen = look.eta.reshape(structure.y.shape)
    filled = np.where(np.isfinite(seen), seen, np.nanmean(seen) if np.isfinite(seen).any() else 0.0)
    start = _at_mode(structure, theta, _Start(filled, np.zeros(len(structure.of_kind) * structure.groups)))
    density = partial(_log_posteriors, structure, start, _SEARCH, pool, cores)
    mode, covariance = importance.search(density, coordinates(structure).inward(theta[None])[0])
    return _at_mode(structure, coordinates(structure).outward(mode[None])[0][0], start), mode, covariance


def _at_mode(structure: Structure, theta: np.ndarray, start: _Start) -> _Start:
    eta, phi = start.eta.copy(), start.phi.copy()
    if not move_to_mode(structure, theta, 1e-8, eta, phi):
        raise NoMode
    return _Start(eta, phi)


def _log_posteriors(
    structure: Structure, start: _Start, tolerance: float, pool: ThreadPoolExecutor, cores: int, points: np.ndarray
) -> np.ndarray:
    """Log posterior density of each row of hyperparameters, in as many threads as there are cores."""
    out = np.empty(len(points))
    thetas, log_jacobian = coordinates(structure).outward(points)

    def part(rows: slice) -> None:
        log_posteriors(structure, thetas[rows], tolerance, start.eta, start.phi, out[rows])

    if cores == 1:
        part(slice(None))
    else:
        bounds = np.linspace(0, len(points), min(4 * cores, len(points)) + 1).astype(int)
        list(pool.map(part, [slice(a, b) for a, b in pairwise(bounds)]))
    return np.asarray(out + log_jacobian)


def _plan(structure: Structure, mode: np.ndarray, start: _Start, rng: np.random.Generator) -> tuple[int, bool]:
    """Pairs of candidates per city, and whether draws can be weighted by their cities' integrals.

    A trial at the mode tells the noise of the cities' integrals for one pair. In a small ring as many pairs are taken as keep it
    low. In a large one that would cost more than it mends: there the second-order integrals stand alone, whose error in what is
    said of a city does not grow with the ring.
    """
    tried = _candidates(structure, coordinates(structure).outward(mode[None])[0], np.array([8]), start, _SLOPPY, 4, rng)
    noise = float(tried.deviance.mean(axis=0).sum()) * 4 / 3
    enough = [pairs for pairs in _PAIRS if noise / pairs <= _NOISE]
    if len(structure.y) <= _SMALL_RING:
        return (enough[0] if enough else _PAIRS[-1]), True
    return (enough[0], True) if enough and enough[0] <= _FEW else (_FEW, False)


@dataclass(frozen=True)
class _Plan:
    """How draws are made: where solves begin and how close they come, pairs of candidates, whether weights count."""

    start: _Start
    tolerance: float
    pairs: int
    exact: bool


@dataclass(frozen=True)
class _Candidates:
    log_weight: np.ndarray  # (S,)
    phi: np.ndarray  # (S, R)
    eta: np.ndarray  # (S, C, D)
    deviance: np.ndarray  # (S, C): see `draw`


def _candidates(
    structure: Structure,
    thetas: np.ndarray,
    times: np.ndarray,
    start: _Start,
    tolerance: float,
    pairs: int,
    rng: np.random.Generator,
) -> _Candidates:
    count, (cities, cells), effects = int(times.sum()), structure.y.shape, len(start.phi)
    out = _Candidates(np.empty(count), np.empty((count, effects)), np.empty((count, cities, cells)), np.empty((count, cities)))
    draw(
        structure,
        thetas,
        times,
        tolerance,
        start.eta,
        start.phi,
        rng.standard_normal((count, effects)),
        rng.standard_normal((count, cities, pairs, cells)),
        rng.random((count, cities)),
        out.log_weight,
        out.phi,
        out.eta,
        out.deviance,
    )
    return out


def _draw(
    structure: Structure,
    data: ChangeData,
    settings: ChangeSettings,
    seed: int,
    rng: np.random.Generator,
    pool: ThreadPoolExecutor,
    hyper: Weighted,
    plan: _Plan,
) -> Drawn:
    """Draw cities and ring effects for hyperparameters drawn by weight, and weight the draws."""
    times = importance.systematic(hyper.weight, settings.draws, rng)
    rows = np.flatnonzero(times)
    room = min(_ROOM // (structure.y.size * plan.pairs), settings.draws // _BLOCKS)
    blocks = _blocks(times[rows], max(1, room))
    scale = np.float32 if len(data.cities) > MANY else np.float64
    parts = design(data)
    thetas, _ = coordinates(structure).outward(hyper.points)

    def block(place: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        own = np.random.default_rng(np.random.SeedSequence([seed, 0xC17, place]))
        inside = rows[blocks[place]]
        found = _candidates(structure, thetas[inside], times[inside], plan.start, plan.tolerance, plan.pairs, own)
        theta = np.repeat(thetas[inside], times[inside], axis=0)
        values = _parameters(structure, parts, data, theta, found, own)
        return found.log_weight, {name: value.astype(scale) for name, value in values.items()}

    results = list(pool.map(block, range(len(blocks))))
    log_weight = np.concatenate([weight for weight, _ in results])
    order = np.arange(settings.draws)
    k_draws, size = -np.inf, float(settings.draws)
    if plan.exact:
        weight = importance.normalised(log_weight)
        k_draws, size = importance.pareto_k(log_weight), importance.effective(weight)
        order = np.repeat(order, importance.systematic(weight, settings.draws, rng))
    order = rng.permutation(order)
    names = list(results[0][1])
    values = {}
    for name in names:
        values[name] = np.concatenate([part.pop(name) for _, part in results])[order]
    return Drawn(
        draws=_labelled(values, data),
        k_hyper=importance.pareto_k(hyper.log_weight),
        k_draws=k_draws,
        effective=min(size, importance.effective(hyper.weight)),
        weighting="exact" if plan.exact else "second order",
    )


def _blocks(times: np.ndarray, room: int) -> list[slice]:
    """Cut the rows into runs of at most `room` draws, single rows apart."""
    out, begin, inside = [], 0, 0
    for row, count in enumerate(times):
        if inside and inside + count > room:
            out.append(slice(begin, row))
            begin, inside = row, 0
        inside += int(count)
    out.append(slice(begin, len(times)))
    return out


def _parameters(
    structure: Structure, parts: Design, data: ChangeData, theta: np.ndarray, found: _Candidates, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """From predictors and ring effects to the parameters of the specification."""
    groups, years = structure.groups, len(data.years)
    draws, cities, _ = found.eta.shape
    effect = found.phi.reshape(draws, -1, groups)
    begins = dict(zip(SLOTS, structure.slots, strict=True))
    out = _scales(theta, begins, groups)
    kinds = structure.of_kind

    def columns(kind: int) -> np.ndarray:
        return effect[:, kinds == kind]

    out["alpha"] = effect[:, 0]
    if parts.covariates.shape[1]:
        out["beta"] = columns(1)
    level = effect[:, :1] + parts.covariates @ columns(1) + parts.peers @ columns(PEER_LEVEL)
    if parts.peers.shape[1]:
        out["peer_level"] = columns(PEER_LEVEL) if data.kernel is None else parts.peers @ columns(PEER_LEVEL)
    steady = np.zeros((draws, cities, groups))
    expected = np.repeat(level[:, :, :, None], years, axis=3)
    if years > 1:
        step = columns(2)
        steady = parts.peers @ columns(PEER_CHANGE) + parts.land @ columns(LAND_CHANGE)
        expected += (steady[..., None] * parts.half) + np.einsum("sjg,tj->sgt", step, parts.steps)[:, None]
        out["delta"] = step.sum(axis=1)
        if parts.peers.shape[1]:
            out["peer_change"] = columns(PEER_CHANGE) if data.kernel is None else parts.peers @ columns(PEER_CHANGE)
        if parts.land.shape[1]:
            out["land_change"] = columns(LAND_CHANGE)
    eta = found.eta.reshape(draws, cities, groups, years)
    own = eta - expected
    if structure.shared:
        eta = eta - _common_error(structure, out, own.mean(axis=3), rng)[..., None]
    out["mean"] = 0.5 * (eta[..., 0] + eta[..., -1])
    if years > 1:
        out["change"] = eta[..., -1] - eta[..., 0]
    if years > 2:
        out |= {"delta_step": step, "path": eta, "own_path": own - own.mean(axis=3, keepdims=True)}
    return out


def _scales(theta: np.ndarray, begins: dict[str, Any], groups: int) -> dict[str, np.ndarray]:
    turn: tuple[tuple[str, str, int, Callable[[np.ndarray], np.ndarray]], ...] = (
        ("sd_mean", "log_sd_mean", groups, np.exp),
        ("corr_mean", "z_corr_mean", 0, np.tanh),
        ("sd_change", "log_sd_change", groups, np.exp),
        ("corr_change", "z_corr_change", 0, np.tanh),
        ("lasting_share", "logit_share", 0, expit),
        ("trend_sd", "log_trend", 0, np.exp),
        ("sd_peer_level", "log_peer_level", 0, np.exp),
        ("sd_peer_change", "log_peer_change", 0, np.exp),
        ("sd_land_change", "log_land_change", 0, np.exp),
    )
    out = {}
    for name, slot, length, function in turn:
        at = begins[slot]
        if at >= 0:
            out[name] = function(theta[:, at : at + length] if length else theta[:, at])
    return out


def _common_error(structure: Structure, scales: dict[str, np.ndarray], total: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the counting error that the years share, given its sum with the city's own mean, shape (S, C, G)."""
    sd, noise = scales["sd_mean"], rng.standard_normal(total.shape)
    variance = structure.common  # (C, G)
    if structure.groups == 1:
        whole = sd[:, None] ** 2 + variance
        return np.asarray(variance / whole * total + np.sqrt(variance * sd[:, None] ** 2 / whole) * noise)
    # error | sum: mean D (S + D)^-1 total, covariance D - D (S + D)^-1 D, all 2 x 2
    cross = (scales["corr_mean"] * sd[:, 0] * sd[:, 1])[:, None]
    a, b = sd[:, :1] ** 2 + variance[:, 0], sd[:, 1:] ** 2 + variance[:, 1]
    det = a * b - cross**2
    d0, d1 = variance[:, 0], variance[:, 1]
    mean0 = d0 * (b * total[..., 0] - cross * total[..., 1]) / det
    mean1 = d1 * (a * total[..., 1] - cross * total[..., 0]) / det
    v00, v11, v01 = d0 - d0**2 * b / det, d1 - d1**2 * a / det, d0 * d1 * cross / det
    root = np.sqrt(np.maximum(v00, 1e-300))
    slope = v01 / root
    first = root * noise[..., 0]
    second = slope * noise[..., 0] + np.sqrt(np.maximum(v11 - slope**2, 0.0)) * noise[..., 1]
    return np.stack([mean0 + first, mean1 + second], axis=-1)


_DIMS = {
    "alpha": ("group",),
    "beta": ("covariate", "group"),
    "delta": ("group",),
    "delta_step": ("step", "group"),
    "sd_mean": ("group",),
    "sd_change": ("group",),
    "peer_level": ("peer_group", "group"),
    "peer_change": ("peer_group", "group"),
    "land_change": ("land", "group"),
    "mean": ("city", "group"),
    "change": ("city", "group"),
    "path": ("city", "group", "year"),
    "own_path": ("city", "group", "year"),
}


def _labelled(values: dict[str, np.ndarray], data: ChangeData) -> xr.Dataset:
    dims = dict(_DIMS)
    if data.kernel is not None:
        dims |= {"peer_level": ("city", "group"), "peer_change": ("city", "group")}
    variables = {name: (("chain", "draw", *dims.get(name, ())), value[None]) for name, value in values.items()}
    return xr.Dataset(variables, coords={"chain": [0], "draw": np.arange(next(iter(values.values())).shape[0])})
