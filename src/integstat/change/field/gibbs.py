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
from integstat.change.field.small import DIAGONAL, backward, cholesky, diagonal, form, forward, packed

MEMORY = 0.1
CELLS = 50  # of equal width, in which rho is drawn
_EVEN = 0.95  # share of effective draws: of 2,000 draws none can then have more than 1 % of the weight
_SWEEPS, _DOUBLINGS = 4, 4  # sweeps before the memory is first looked at, and how often their number is doubled
_TURNS = 3  # times f and draws are renewed within a sweep


@dataclass(frozen=True)
class _Told:
    """What draws of one indicator tell of z: its precision A and b, with what their messages are made of.

    Shapes: `precision` A (P, S, C), packed; `trace` and `det` of A (S, C); `b` and `turned` adj(A)b (G, S, C); `square` b'b and
    `cross` b'adj(A)b (S, C); `alone` (S,), minus twice the log of the likelihood against z's own prior. With one group adj(A)
    and det(A) are 0 here: the formulas of two groups then are those of one.
    """

    precision: np.ndarray
    trace: np.ndarray
    det: np.ndarray
    b: np.ndarray
    turned: np.ndarray
    square: np.ndarray
    cross: np.ndarray
    alone: np.ndarray

    @classmethod
    def of(cls, part: Separate) -> _Told:
        precision, b = packed(part.precision), np.moveaxis(part.b, -1, 0).copy()
        trace = diagonal(precision).sum(axis=0)
        det, turned = np.zeros_like(trace), np.zeros_like(b)
        if len(b) == 2:
            det = np.maximum(precision[0] * precision[2] - precision[1] ** 2, 0.0)
            turned = np.stack([precision[2] * b[0] - precision[1] * b[1], precision[0] * b[1] - precision[1] * b[0]])
        square, cross = (b**2).sum(axis=0), (b * turned).sum(axis=0)
        whole = 1 + trace + det
        alone = (np.log(whole) - (square + cross) / whole).sum(axis=1)
        return cls(precision, trace, det, b, turned, square, cross, alone)

    def take(self, draws: np.ndarray) -> _Told:
        """The same of these draws."""
        values = {name: value[..., draws, :] for name, value in vars(self).items() if name != "alone"}
        return _Told(**values, alone=self.alone[draws])


@dataclass(frozen=True)
class _Message:
    """What each draw of an indicator makes of f at one rho: log of the ratio = constant - f'Qf/2 + q'f, summed over cities.

    Shapes: `constant` (S,), `quadratic` Q (P, S, C), packed, `linear` q (G, S, C).
    """

    constant: np.ndarray
    quadratic: np.ndarray
    linear: np.ndarray


def _message(told: _Told, rho: float) -> _Message:
    """Integrate z out against N(sqrt(rho) f, 1 - rho), over the integral against its own prior N(0, 1).

    With M = 1 + (1 - rho) A, Q is rho A / M and q is sqrt(rho) b / M, in the closed form of two rows.
    """
    rest = 1 - rho
    shrink = 1 / (1 + rest * (told.trace + rest * told.det))
    quadratic = told.precision * (rho * shrink)
    quadratic[DIAGONAL[len(told.b)]] += rho * rest * told.det * shrink
    linear = (told.b + rest * told.turned) * (np.sqrt(rho) * shrink)
    constant = told.alone + (np.log(shrink) + rest * (told.square + rest * told.cross) * shrink).sum(axis=1)
    return _Message(0.5 * constant, quadratic, linear)


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
    told = [_Told.of(part) for part in parts]
    summary = [part.z.mean(axis=1) for part in parts]  # (S, G)
    chosen = np.stack([rng.permuted(np.arange(count) % len(part.b)) for part in parts])
    before = _state(summary, chosen, rng.random(count))
    sweeps, memory = 0, 1.0
    for doubling in range(_DOUBLINGS + 1):
        for _ in range(_SWEEPS * 2 ** max(doubling - 1, 0)):
            cell = _draw_cell(told, chosen, log_prior, rng)
            chosen, weight = _draw_chosen(told, chosen, cell, rng)
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


def _draw_cell(told: list[_Told], chosen: np.ndarray, log_prior: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the cell of rho given the chosen draws, f integrated out."""
    logs = np.tile(log_prior, (chosen.shape[1], 1))
    taken = [one.take(draws) for one, draws in zip(told, chosen, strict=True)]
    for cell in range(CELLS):
        messages = [_message(one, (cell + 0.5) / CELLS) for one in taken]
        factor, linear = _gathered(messages)
        logs[:, cell] += sum(message.constant for message in messages)
        logs[:, cell] += 0.5 * (forward(factor, linear) ** 2).sum(axis=(0, 2)) - np.log(diagonal(factor)).sum(axis=(0, 2))
    return _categorical(_normalised(logs), rng)


def _draw_chosen(
    told: list[_Told], chosen: np.ndarray, cell: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Draw f given rho and the chosen draws, then one draw of each indicator given f; some turns of both.

    Returns
    -------
    ndarray of int, shape (I, count)
    list of ndarray, shape (S,)
        Mean probability of each draw of an indicator.
    """
    chosen = chosen.copy()
    weight = [np.zeros(len(one.alone)) for one in told]
    for one in np.unique(cell):
        who = np.flatnonzero(cell == one)
        messages = [_message(each, (one + 0.5) / CELLS) for each in told]
        rows = [_rows(message) for message in messages]
        for _ in range(_TURNS):
            factor, linear = _gathered([_at(*pair) for pair in zip(messages, chosen[:, who], strict=True)])
            effect = backward(factor, forward(factor, linear) + rng.standard_normal(linear.shape))
            probability = [_probability(message.constant, each, effect) for message, each in zip(messages, rows, strict=True)]
            chosen[:, who] = np.stack([_categorical(each, rng) for each in probability])
        for total, each in zip(weight, probability, strict=True):
            total += each.sum(axis=0) / len(cell)
    return chosen, weight


def _at(message: _Message, draws: np.ndarray) -> _Message:
    return _Message(message.constant[draws], message.quadratic[:, draws], message.linear[:, draws])


def _gathered(messages: list[_Message]) -> tuple[np.ndarray, np.ndarray]:
    """Factor of the precision of f, its prior included, and its linear term; packed (P, S, C), and (G, S, C)."""
    precision = np.asarray(sum(message.quadratic for message in messages))
    precision[DIAGONAL[len(messages[0].linear)]] += 1
    return cholesky(precision), np.asarray(sum(message.linear for message in messages))


def _rows(message: _Message) -> np.ndarray:
    """What is multiplied with f and its products, one row per draw, shape (S, (G + P) C)."""
    return np.concatenate([*message.linear, *(-0.5 * message.quadratic)], axis=1)


def _probability(constant: np.ndarray, rows: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """Probability of each draw of an indicator given f, (G, many, C); shape (many, S)."""
    return _normalised(np.concatenate([*effect, *form(effect)], axis=1) @ rows.T + constant)


def _normalised(logs: np.ndarray) -> np.ndarray:
    probability = np.exp(logs - logs.max(axis=1, keepdims=True))
    probability /= probability.sum(axis=1, keepdims=True)
    return np.asarray(probability)


def _categorical(probability: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one column per row."""
    reached = np.cumsum(probability, axis=1) < rng.random(len(probability))[:, None]
    return np.asarray(np.minimum(reached.sum(axis=1), probability.shape[1] - 1))
