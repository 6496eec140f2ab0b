r"""The change model with Gaussian counting error: rings drawn from assumed magnitudes, and what their analysis would believe.

For city *c* and T years with the counting variance V of the difference of two of them, on the link scale,

.. math::
    D_c = \text{last} - \text{first} \sim N(\delta, \omega^2 (1 - s + (T - 1) s) + V_c)

and, with three years, what tells transience from what stays, and nothing about the lasting change itself:

.. math::
    M_c = \text{middle} - \tfrac12(\text{first} + \text{last}) \sim N(\delta', \tfrac34 \omega^2 (1 - s) + \tfrac12 \omega^2 s
    + \tfrac34 V_c), \qquad M_c \perp D_c

The shifts are integrated out with a flat prior; :math:`\omega` and *s* lie on a grid under the priors of the ring. Given both,
the posterior of a city's change beyond the median of the others is normal, with the variance

.. math::
    B V + \frac{\omega_D^2}{C - 1}\left(\tfrac{\pi}{2} - \arcsin \bar B\right), \qquad B = \omega_D^2 / (\omega_D^2 + V)

whose second part is the median's own doubt: for *C* draws from :math:`N(0, \omega_D^2)` of which the share B of the variance is
known. Left out: the second group, peer groups and Länder (their variance is part of :math:`\omega`), trends, counts too small to
be Gaussian.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, ndtr, ndtri

from integstat.change.settings import Priors
from integstat.planning.inputs import Planned

YEARS = (2, 3)
_COARSE, _FINE, _SHARES, _REACH = 41, 13, 6, 3.2


@dataclass(frozen=True)
class Nodes:
    """Grid of the hyperparameters: SD of a one-year change and share that lasts, with the log of their prior mass, shape (J,)."""

    sd: np.ndarray
    share: np.ndarray
    log_prior: np.ndarray


@dataclass(frozen=True)
class Believed:
    """One indicator in R simulated rings and what its analysis believes about the hyperparameters.

    Attributes
    ----------
    years : int
    change, seen : ndarray, shape (R, C)
        True change between first and last year beside the shift, and what the counts show of it, less the estimated shift.
    variance : ndarray, shape (C,)
        Counting variance of `seen`.
    nodes : Nodes
    weight : ndarray, shape (R, J)
        Posterior mass of the nodes.
    known : ndarray, shape (J,)
        Mean over the cities of the share B of the change's variance that the counts tell.
    """

    years: int
    change: np.ndarray
    seen: np.ndarray
    variance: np.ndarray
    nodes: Nodes
    weight: np.ndarray
    known: np.ndarray

    @property
    def cities(self) -> int:
        """Number of cities."""
        return len(self.variance)

    @property
    def between(self) -> np.ndarray:
        """Variance between cities of the change from first to last year, by node, shape (J,)."""
        return np.asarray(self.nodes.sd**2 * (1 - self.nodes.share + (self.years - 1) * self.nodes.share))

    def moments(self, variance: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Factor on what the counts show, and SD, of the relative change given a node; shapes (…, J)."""
        v = np.asarray(variance, dtype=float)[..., None]
        factor = self.between / (self.between + v)
        return factor, np.sqrt(factor * v + self._median(self.between, self.known))

    def lasting_moments(self, variance: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Return the same for the lasting part of the relative change."""
        v = np.asarray(variance, dtype=float)[..., None]
        stays = (self.years - 1) * self.nodes.share * self.nodes.sd**2
        factor = stays / (self.between + v)
        told = stays / self.between * self.known
        return factor, np.sqrt(stays * (1 - factor) + self._median(stays, told))

    def _median(self, between: np.ndarray, told: np.ndarray) -> np.ndarray:
        return np.asarray(between / (self.cities - 1) * (np.pi / 2 - np.arcsin(np.clip(told, 0, 1))))

    def above(self, step: float, *, down: bool = False) -> np.ndarray:
        """P(relative change > `step`), with `down` P(< −`step`), of every city of every ring, shape (R, C)."""
        factor, sd, weight = self._of_change(self.variance)
        seen = -self.seen if down else self.seen
        out = np.zeros(seen.shape)
        for node in range(weight.shape[1]):
            out += weight[:, [node]] * ndtr((factor[:, node] * seen - step) / sd[:, node])
        return out

    def above_at(self, x: np.ndarray, variance: float, step: float) -> np.ndarray:
        """P(relative change > `step`) in each ring for a further city whose counts show `x`, shape (R, K) for K values."""
        factor, sd, weight = self._of_change(variance)
        return self._joined(x, variance, weight, ndtr((factor[:, None] * x - step) / sd[:, None]))

    def lasts_at(self, x: np.ndarray, variance: float) -> np.ndarray:
        """P(lasting part of the relative change > 0) likewise."""
        factor, sd = self.lasting_moments(variance)
        return self._joined(x, variance, self.weight, ndtr(factor[:, None] * x / sd[:, None]))

    def shown_at(self, x: np.ndarray, variance: float) -> np.ndarray:
        """Posterior mean of the change, likewise."""
        factor, _, weight = self._of_change(variance)
        return self._joined(x, variance, weight, factor[:, None] * x)

    def _joined(self, x: np.ndarray, variance: float, weight: np.ndarray, told: np.ndarray) -> np.ndarray:
        """Mean of `told` (J, K) over the nodes, once the city itself has told what it does of them, shape (R, K)."""
        total = self.between[:: len(self.between) // weight.shape[1]] + variance
        log = -0.5 * np.log(total)[:, None] - 0.5 * x**2 / total[:, None]
        likely = np.exp(log - log.max(axis=0))
        return np.asarray((weight @ (likely * told)) / np.maximum(weight @ likely, 1e-300))

    def _of_change(self, variance: np.ndarray | float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Moments and weights, nodes that differ only in what lasts put together where the change does not depend on it."""
        every = _SHARES if self.years == 2 else 1
        factor, sd = (part[..., ::every] for part in self.moments(variance))
        return factor, sd, self.weight.reshape(len(self.weight), -1, every).sum(axis=2)


def believe(planned: Planned, years: int, rings: int, share: float, rng: np.random.Generator) -> Believed:
    """Draw rings from the assumed magnitudes and weigh the hyperparameters by what they show.

    Parameters
    ----------
    planned : Planned
    years : {2, 3}
    rings : int
    share : float
        True share of a one-year change's variance that lasts.
    rng : numpy.random.Generator
    """
    v, omega2, count = planned.variance(planned.bases), planned.sd_change**2, len(planned.bases)
    change = rng.standard_normal((rings, count)) * np.sqrt(omega2 * (1 - share + (years - 1) * share))
    seen = [change + rng.standard_normal((rings, count)) * np.sqrt(v)]
    if years == 3:
        middle = 0.75 * omega2 * (1 - share) + 0.5 * omega2 * share
        seen.append(rng.standard_normal((rings, count)) * np.sqrt(middle + 0.75 * v))
    coarse = _grid(planned.priors, _COARSE, -_REACH, _REACH)
    likely = _posterior(coarse, seen, v).reshape(rings, -1, len(coarse.sd) // _COARSE).sum(axis=2)
    held = np.flatnonzero((likely > 1e-3).any(axis=0))
    edges = np.linspace(-_REACH, _REACH, _COARSE)[[max(held[0] - 1, 0), min(held[-1] + 1, _COARSE - 1)]]
    nodes = _grid(planned.priors, _FINE, float(edges[0]), float(edges[1]))
    weight = _posterior(nodes, seen, v)
    between = nodes.sd**2 * (1 - nodes.share + (years - 1) * nodes.share)
    known = (between / (between + v[:, None])).mean(axis=0)
    mean = weight @ between
    inverse = 1 / (mean[:, None] + v)
    shift = (seen[0] * inverse).sum(axis=1, keepdims=True) / inverse.sum(axis=1, keepdims=True)
    return Believed(years, change, seen[0] - shift, v, nodes, weight, known)


def shares(priors: Priors) -> np.ndarray:
    """Evenly likely values of the share that lasts, under its prior."""
    return np.asarray(betaincinv(priors.lasting_a, priors.lasting_b, (np.arange(_SHARES) + 0.5) / _SHARES))


def _grid(priors: Priors, count: int, low: float, high: float) -> Nodes:
    """Nodes of SD × share, SD running slowest; `low` and `high` in log-SDs of its prior. Both enter with two years too."""
    z = np.linspace(low, high, count)
    share = shares(priors)
    sd = priors.sd_change_median * np.exp(priors.sd_change_log_sd * z)
    return Nodes(np.repeat(sd, len(share)), np.tile(share, count), np.repeat(-0.5 * z**2, len(share)))


def _posterior(nodes: Nodes, seen: list[np.ndarray], v: np.ndarray) -> np.ndarray:
    """Posterior mass of the nodes in each ring, shape (R, J)."""
    years = len(seen) + 1
    omega2, share = nodes.sd**2, nodes.share
    log = nodes.log_prior + _marginal(seen[0], v, omega2 * (1 - share + (years - 1) * share))
    if years == 3:
        log = log + _marginal(seen[1], 0.75 * v, omega2 * (0.75 * (1 - share) + 0.5 * share))
    mass = np.exp(log - log.max(axis=1, keepdims=True))
    return np.asarray(mass / mass.sum(axis=1, keepdims=True))


def _marginal(seen: np.ndarray, v: np.ndarray, between: np.ndarray) -> np.ndarray:
    """Log-likelihood of the variance between cities, their common shift integrated out, shape (R, J)."""
    inverse = 1 / (v[:, None] + between)
    total = inverse.sum(axis=0)
    quadratic = seen**2 @ inverse - (seen @ inverse) ** 2 / total
    return np.asarray(0.5 * np.log(inverse).sum(axis=0) - 0.5 * np.log(total) - 0.5 * quadratic)


def truncated(sd: float, above: float, count: int = 24) -> np.ndarray:
    """Evenly likely values of a normal with mean 0 that lie above a bound, shape (count,)."""
    tail = ndtr(-above / sd)
    return np.asarray(-sd * ndtri(tail * (np.arange(count) + 0.5) / count))
