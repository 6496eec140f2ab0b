"""Coordinates in which the hyperparameters' posterior is close to normal, for proposals that fit it.

A half-normal SD of which the data say little has a density on the log scale that falls slowly towards 0 and steeply upwards. Its
normal score does better: x with the standard normal's quantile where the SD has the half-normal's. All other hyperparameters stay
on the scale the compiled loops use: log-SDs with a lognormal prior, Fisher's z, logits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from integstat.change.laplace.structure import SLOTS, Structure

_LOW = -5.0  # below it the half-normal's quantile is linear in the probability
_LOG_ROOT = 0.5 * np.log(np.pi / 2)


@dataclass(frozen=True)
class Coordinates:
    """Change of coordinates of one structure's hyperparameters.

    Attributes
    ----------
    at : ndarray of int
        Places of the half-normal SDs in the vector.
    scale : ndarray
        Scales of their priors.
    """

    at: np.ndarray
    scale: np.ndarray

    def outward(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """From normal scores to the loops' scale.

        Parameters
        ----------
        x : ndarray, shape (N, d)

        Returns
        -------
        theta : ndarray, shape (N, d)
        log_jacobian : ndarray, shape (N,)
        """
        theta, score = x.copy(), x[:, self.at]
        below = _LOG_ROOT + special.log_ndtr(np.minimum(score, _LOW))
        above = np.log(-special.ndtri(0.5 * special.ndtr(-np.maximum(score, _LOW))))
        log_ratio = np.where(score < _LOW, below, above)
        theta[:, self.at] = np.log(self.scale) + log_ratio
        half_normal = 0.5 * np.log(2 / np.pi) + log_ratio - 0.5 * np.exp(2 * log_ratio)
        log_jacobian = -0.5 * score**2 - 0.5 * np.log(2 * np.pi) - half_normal
        return theta, np.asarray(log_jacobian.sum(axis=1))

    def inward(self, theta: np.ndarray) -> np.ndarray:
        """From the loops' scale to normal scores, shape (N, d)."""
        x = theta.copy()
        ratio = np.exp(theta[:, self.at]) / self.scale
        x[:, self.at] = -special.ndtri(2 * special.ndtr(-ratio))
        return x


def coordinates(structure: Structure) -> Coordinates:
    """Coordinates of a structure."""
    begins = dict(zip(SLOTS, structure.slots, strict=True))
    places = [(begins["log_sd_mean"] + g, structure.prior[3]) for g in range(structure.groups)]
    for name, scale in (("log_trend", 12), ("log_peer_level", 7), ("log_peer_change", 8), ("log_land_change", 9)):
        if begins[name] >= 0:
            places.append((begins[name], structure.prior[scale]))
    at, scales = zip(*places, strict=True)
    return Coordinates(np.array(at), np.array(scales))
