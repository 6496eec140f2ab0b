r"""Variance components of a series: what passes within a year, what stays, trends, and how far counting errors are shared.

For stretch *u* (a city between two breaks) and year *t*, on the link scale:

.. math::
    z_{ut} = m_u + \theta_t + a_{ut} + w_{ut} + b_u t + e_{ut}

with free levels *m* and free shifts of all cities :math:`\theta`, transience :math:`a \sim N(0, \sigma^2)`, a random walk *w*
with steps :math:`N(0, \tau^2)`, trends :math:`b \sim N(0, \omega^2)`, and the counting error *e* of known variance. In a stock a
share *r* of the persons is counted again a year later and :math:`r^k` after *k* years, and so much of the error two years have in
common. A difference over *k* years then has the variance :math:`2\sigma^2 + k\tau^2 + k^2\omega^2` and
:math:`1 - r^k` of two counting errors.

Estimated by restricted maximum likelihood (Patterson & Thompson 1971, https://doi.org/10.1093/biomet/58.3.545): the
likelihood of all contrasts that contain neither a level nor a shift. So nothing is assumed of where cities start, which would
read convergence between them as transience; the estimate of a common shift costs its degrees of freedom; and each group is
looked at by itself, so shocks to both groups tell nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky
from scipy.optimize import nnls

from integstat.history.series import Series

_ROUNDS = 60
_MOST_OVERLAP = 0.98
_CLOSE = 1e-5  # gain of the log-likelihood below which it has arrived
_NOTHING = 1e-5  # share of the one-year variance below which a component is at its bound


@dataclass(frozen=True)
class Components:
    """Estimated variances, link scale.

    Attributes
    ----------
    transient, walk, trend : float
        Variances sigma², tau² per year, omega² per squared year.
    overlap : float
        Share r of the counting error that neighbouring years have in common; 0 where the series is no stock.
    """

    transient: float
    walk: float
    trend: float
    overlap: float = 0.0

    @property
    def share(self) -> float:
        """Share of a one-year change's variance that lasts, tau² / (2 sigma² + tau²); NaN where nothing moves."""
        total = 2 * self.transient + self.walk
        return self.walk / total if total > 0 else float("nan")

    @property
    def sd_change(self) -> float:
        """SD of a one-year change between cities, trends included: what the model of two years calls Omega."""
        return float(np.sqrt(2 * self.transient + self.walk + self.trend))

    def at_bound(self) -> tuple[bool, bool]:
        """Whether transience, and whether the walk, is 0 for all that can be told."""
        least = _NOTHING * (2 * self.transient + self.walk)
        return self.transient <= least, self.walk <= least

    def trends_dominate(self, span: int) -> bool:
        """Whether over this many years trends make more of a change's variance than all else."""
        return span**2 * self.trend > 2 * self.transient + span * self.walk


def fit_components(series: Series, weights: np.ndarray | None = None, start: Components | None = None) -> Components:
    """Estimate the components by restricted maximum likelihood.

    Parameters
    ----------
    series : Series
        At least two stretches.
    weights : ndarray of int, shape (U,), optional
        How often each stretch counts.
    start : Components, optional
        Where to begin.

    Returns
    -------
    Components
        Each at 0 or above, `overlap` at most 0.98; a component at its bound is exactly there.

    Notes
    -----
    Fisher scoring; in each round the quadratic model is minimised within the bounds, and the step halved until the likelihood
    gains.
    """
    problem = _problem(series, weights)
    at = problem.start() if start is None else problem.of(start)
    best = problem.look(at)
    for _ in range(_ROUNDS):
        aim = problem.aim(at, best)
        step, gain = 1.0, -np.inf
        while step > 1e-3:
            there = at + step * (aim - at)
            look = problem.look(there)
            gain = look.value - best.value
            if gain >= 0:
                break
            step /= 2
        if gain < 0:
            break
        at, best = there, look
        if gain < _CLOSE:
            break
    return problem.components(at)


@dataclass(frozen=True)
class _Look:
    """Restricted log-likelihood, its gradient, and the information about the components."""

    value: float
    gradient: np.ndarray
    information: np.ndarray


@dataclass(frozen=True)
class _Problem:
    """The covariance of each stretch as a sum of known matrices times components.

    Attributes
    ----------
    value : ndarray, shape (U, T)
    mask : ndarray, shape (U, T)
        1 where a figure is known.
    parts : ndarray, shape (3, U, T, T)
        Matrices of the components, 0 where nothing is known.
    gap : ndarray, shape (T, T)
        Years between two years.
    root : ndarray, shape (U, T, T)
        Products of the SDs of two years' counting errors; 0 where the series is no stock, whose errors are in `fixed`.
    fixed : ndarray, shape (U, T, T)
        Known part of the covariance; the identity where nothing is known.
    basis : ndarray, shape (T, R)
        Shifts that the stretches can tell: their common level cannot be.
    weight : ndarray, shape (U,)
    stock : bool
    """

    value: np.ndarray
    mask: np.ndarray
    parts: np.ndarray
    gap: np.ndarray
    root: np.ndarray
    fixed: np.ndarray
    basis: np.ndarray
    weight: np.ndarray
    stock: bool

    def start(self) -> np.ndarray:
        """Equal shares of the variance left over counting error, after levels and shifts."""
        known = np.maximum(self.mask.sum(axis=1, keepdims=True), 1.0)
        own = (self.value - (self.value * self.mask).sum(axis=1, keepdims=True) / known) * self.mask
        by_year = (own * self.weight[:, None]).sum(axis=0) / np.maximum((self.mask * self.weight[:, None]).sum(axis=0), 1.0)
        left = ((own - by_year * self.mask) ** 2).sum() / max(self.mask.sum(), 1.0)
        span = self.value.shape[1]
        common = max(float(left), 1e-6)
        return np.array([common / 3, common / span, common / span**2, *([0.5] if self.stock else [])])

    def of(self, components: Components) -> np.ndarray:
        """Components as a vector, none of them at its bound, from which scoring finds away as well."""
        found = np.array([components.transient, components.walk, components.trend])
        floor = 1e-3 * max(found.sum(), 1e-8)
        return np.append(np.maximum(found, floor), [components.overlap] if self.stock else [])

    def components(self, at: np.ndarray) -> Components:
        """Vector as components."""
        return Components(float(at[0]), float(at[1]), float(at[2]), float(at[3]) if self.stock else 0.0)

    def look(self, at: np.ndarray) -> _Look:
        """Evaluate the restricted log-likelihood."""
        covariance, parts = self._covariance(at)
        inverse = np.linalg.inv(covariance)
        of_level = inverse @ self.mask[:, :, None]
        precision = (self.mask[:, None, :] @ of_level)[:, 0, 0]
        inverse = inverse * self.mask[:, :, None] * self.mask[:, None, :]
        projected = inverse - of_level * of_level.transpose(0, 2, 1) / precision[:, None, None]
        information = self.basis.T @ np.tensordot(self.weight, projected, axes=1) @ self.basis
        seen = self.weight @ (projected @ self.value[:, :, None])[:, :, 0]
        to_shift = np.linalg.solve(information, self.basis.T @ seen)
        left = (self.value - self.basis @ to_shift) * self.mask
        score = (projected @ left[:, :, None])[:, :, 0]
        logdets = np.linalg.slogdet(covariance)[1] + np.log(precision)
        value = -0.5 * (self.weight @ logdets + np.linalg.slogdet(information)[1] + self.weight @ (left * score).sum(axis=1))
        spread = self.basis @ np.linalg.inv(information) @ self.basis.T
        slope = projected @ spread @ projected - projected + score[:, :, None] * score[:, None, :]
        gradient = parts.reshape(len(at), -1) @ (self.weight[:, None, None] * slope).ravel()
        turned = projected @ parts
        back = (self.weight[:, None, None] * turned).transpose(0, 1, 3, 2)
        fisher = turned.reshape(len(at), -1) @ back.reshape(len(at), -1).T
        return _Look(float(value), gradient / 2, fisher / 2)

    def _covariance(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Covariance of the stretches, shape (U, T, T), and its derivatives by each component."""
        covariance = self.fixed + np.tensordot(at[:3], self.parts, axes=1)
        if not self.stock:
            return covariance, self.parts
        common = at[3] ** self.gap * self.root
        slope = self.gap * at[3] ** np.maximum(self.gap - 1, 0) * self.root
        return covariance + common, np.concatenate([self.parts, slope[None]])

    def aim(self, at: np.ndarray, look: _Look) -> np.ndarray:
        """Maximise the quadratic model of the log-likelihood within the bounds."""
        scale = 1.0 / np.sqrt(np.maximum(np.diag(look.information), 1e-300))
        information = look.information * scale[:, None] * scale[None, :] + 1e-9 * np.eye(len(at))
        root = cholesky(information)
        goal = root @ (at / scale) + np.linalg.solve(root.T, look.gradient * scale)
        aim = nnls(root, goal)[0]
        if self.stock and aim[3] * scale[3] > _MOST_OVERLAP:
            rest = nnls(root[:, :3], goal - root[:, 3] * _MOST_OVERLAP / scale[3])[0]
            aim = np.append(rest, _MOST_OVERLAP / scale[3])
        return np.asarray(aim * scale)


def _problem(series: Series, weights: np.ndarray | None) -> _Problem:
    used = np.ones(len(series.city)) if weights is None else np.asarray(weights, dtype=float)
    there = used > 0
    mask = series.known[there].astype(float)
    both = mask[:, :, None] * mask[:, None, :]
    place = np.array(series.years, dtype=float) - series.years[0]
    centred = place - place.mean()
    eye = np.eye(len(place))
    parts = np.array([both * eye, both * np.minimum(place[:, None], place), both * centred[:, None] * centred])
    fixed = (series.rounding[there] + 1.0 - mask)[:, :, None] * eye
    sd = np.sqrt(series.counting[there])
    root = sd[:, :, None] * sd[:, None, :]
    gap = np.abs(place[:, None] - place)
    if not series.stock:
        fixed, root = fixed + root * eye, np.zeros_like(root)
    basis = _basis(mask)
    return _Problem(series.value[there], mask, parts, gap, root, fixed, basis, used[there], series.stock)


def _basis(mask: np.ndarray) -> np.ndarray:
    """Shifts of the years that differences within stretches can tell, shape (T, R)."""
    known = np.maximum(mask.sum(axis=1), 1.0)
    told = np.diag(mask.sum(axis=0)) - (mask / known[:, None]).T @ mask
    values, vectors = np.linalg.eigh(told)
    return np.asarray(vectors[:, values > 1e-9 * max(float(values.max()), 1.0)])
