r"""Which draws of a field's indicators belong together: a Gibbs sampler over draws, the common correlation and the field's part.

Given the field's part *f* of every city and the correlation, the indicators are independent of each other, and what one of
their draws makes of *f* is a normal form in closed form. So a sweep is cheap, and thousands of samplers run side by side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from arviz_stats.base import array_stats
from scipy import stats

from integstat.change.field.counts import Separate

MEMORY = 0.1
CELLS = 50  # of equal width, in which rho is drawn
_EVEN = 0.95  # share of effective draws: of 2,000 draws none can then have more than 1 % of the weight
_SWEEPS, _DOUBLINGS = 4, 4  # sweeps before the memory is first looked at, and how often their number is doubled
_TURNS = 3  # times f and draws are renewed within a sweep


@dataclass(frozen=True)
class _Message:
    """What each draw of an indicator makes of f at one rho: log of the ratio = constant - f'Qf/2 + q'f, summed over cities.

    Shapes: `constant` (S,), `quadratic` Q (S, C, G, G), `linear` q (S, C, G).
    """

    constant: np.ndarray
    quadratic: np.ndarray
    linear: np.ndarray


def _message(part: Separate, rho: float) -> _Message:
    """Integrate z out against N(sqrt(rho) f, 1 - rho), over the integral against its own prior N(0, 1)."""
    shrink = 1 / (1 + (1 - rho) * part.size)
    constant = np.log(shrink * (1 + part.size)) + part.score**2 * ((1 - rho) * shrink - 1 / (1 + part.size))
    quadratic = (part.vectors * (rho * part.size * shrink)[..., None, :]) @ np.swapaxes(part.vectors, -1, -2)
    linear = np.sqrt(rho) * (part.vectors @ (part.score * shrink)[..., None])[..., 0]
    return _Message(0.5 * constant.sum(axis=(1, 2)), quadratic, linear)


@dataclass(frozen=True)
class Found:
    """Diagnostics: Pareto k-hat and effective size by indicator, correlation over a block of sweeps, number of sweeps."""

    khat: np.ndarray
    ess: np.ndarray
    memory: float
    sweeps: int


def gibbs(
    parts: list[Separate], a: float, b: float, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, Found]:
    """Run `count` samplers side by side, from draws paired at random, until they have forgotten where they were.

    Returns
    -------
    ndarray of int, shape (I, count)
        The draw chosen of each indicator.
    ndarray of int, shape (count,)
        The cell of rho.
    Found
    """
    edges = stats.beta(a, b).cdf(np.linspace(0, 1, CELLS + 1))
    log_prior = np.log(np.diff(edges))
    summary = [part.z.mean(axis=1) for part in parts]  # (S, G)
    chosen = np.stack([rng.permuted(np.arange(count) % len(part.b)) for part in parts])
    before = _state(summary, chosen, rng.random(count))
    sweeps, memory = 0, 1.0
    for doubling in range(_DOUBLINGS + 1):
        for _ in range(_SWEEPS * 2 ** max(doubling - 1, 0)):
            cell = _draw_cell(parts, chosen, log_prior, rng)
            chosen, weight = _draw_chosen(parts, chosen, cell, rng)
            sweeps += 1
        now = _state(summary, chosen, cell)
        memory, before = _memory(before, now), now
        if memory <= MEMORY:
            break
    khat = np.array([_khat(one) for one in weight])
    ess = np.array([1 / np.sum(one**2) for one in weight])
    return chosen, cell, Found(khat, ess, memory, sweeps)


def _state(summary: list[np.ndarray], chosen: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """What is watched of the samplers, shape (features, count): rho and the mean z of the chosen draws."""
    rows = [means[s].T for means, s in zip(summary, chosen, strict=True)]
    return np.vstack([cell[None], *rows])


def _memory(before: np.ndarray, now: np.ndarray) -> float:
    spread = before.std(axis=1) * now.std(axis=1)
    both = ((before - before.mean(axis=1, keepdims=True)) * (now - now.mean(axis=1, keepdims=True))).mean(axis=1)
    return float(np.max(np.divide(both, spread, out=np.zeros_like(both), where=spread > 1e-12)))


def _khat(weight: np.ndarray) -> float:
    """Pareto k-hat of weights that sum to 1; 0 where they are so even that they have no tail worth a fit."""
    if 1 / np.sum(weight**2) > _EVEN * len(weight):
        return 0.0
    return float(array_stats.psislw(np.log(np.maximum(weight, 1e-300)))[1])


def _draw_cell(parts: list[Separate], chosen: np.ndarray, log_prior: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the cell of rho given the chosen draws, f integrated out."""
    logs = np.tile(log_prior, (chosen.shape[1], 1))
    for cell in range(CELLS):
        messages = [_message(part, (cell + 0.5) / CELLS) for part in parts]
        precision, linear = _gathered(messages, chosen)
        mean = np.linalg.solve(precision, linear[..., None])[..., 0]
        logs[:, cell] += sum(message.constant[s] for message, s in zip(messages, chosen, strict=True))
        logs[:, cell] += 0.5 * ((mean * linear).sum(axis=(1, 2)) - np.linalg.slogdet(precision)[1].sum(axis=1))
    return _categorical(_normalised(logs), rng)


def _draw_chosen(
    parts: list[Separate], chosen: np.ndarray, cell: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Draw f given rho and the chosen draws, then one draw of each indicator given f; some turns of both.

    Returns
    -------
    ndarray of int, shape (I, count)
    list of ndarray, shape (S,)
        Mean probability of each draw of an indicator.
    """
    chosen = chosen.copy()
    weight = [np.zeros(len(part.b)) for part in parts]
    for one in np.unique(cell):
        who = np.flatnonzero(cell == one)
        messages = [_message(part, (one + 0.5) / CELLS) for part in parts]
        for _ in range(_TURNS):
            effect = draw_normal(*_gathered(messages, chosen[:, who]), rng.standard_normal((len(who), *parts[0].b.shape[1:])))
            probability = [_probability(message, effect) for message in messages]
            chosen[:, who] = np.stack([_categorical(each, rng) for each in probability])
        for total, each in zip(weight, probability, strict=True):
            total += each.sum(axis=0) / len(cell)
    return chosen, weight


def _probability(message: _Message, effect: np.ndarray) -> np.ndarray:
    """Probability of each draw of an indicator given f, shape (len(effect), S)."""
    many, size = len(effect), len(message.constant)
    outer = effect[..., :, None] * effect[..., None, :]
    logs = effect.reshape(many, -1) @ message.linear.reshape(size, -1).T
    logs += message.constant - 0.5 * outer.reshape(many, -1) @ message.quadratic.reshape(size, -1).T
    return _normalised(logs)


def _normalised(logs: np.ndarray) -> np.ndarray:
    probability = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(probability / probability.sum(axis=1, keepdims=True))


def _gathered(messages: list[_Message], chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision, (count, C, G, G), and linear term of f under the chosen draws, its prior included."""
    pairs = list(zip(messages, chosen, strict=True))
    quadratic = sum(message.quadratic[s] for message, s in pairs)
    linear = sum(message.linear[s] for message, s in pairs)
    return np.asarray(np.eye(messages[0].quadratic.shape[-1]) + quadratic), np.asarray(linear)


def draw_normal(precision: np.ndarray, linear: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Draw from normals given by precision and precision times mean; the same noise always moves a draw the same way."""
    up = np.swapaxes(np.linalg.cholesky(precision), -1, -2)
    mean = np.linalg.solve(precision, linear[..., None])
    return np.asarray((mean + np.linalg.solve(up, noise[..., None]))[..., 0])


def _categorical(probability: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one column per row."""
    reached = np.cumsum(probability, axis=1) < rng.random(len(probability))[:, None]
    return np.asarray(np.minimum(reached.sum(axis=1), probability.shape[1] - 1))
