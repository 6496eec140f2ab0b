"""From what one ring's earlier years say to a prior for another ring: always wider, by stated amounts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LEAST_SHIFT = 0.3  # as `Priors.shift_sd` demands
_DEFAULT_SD = 0.2  # of Beta(2, 3), the prior of the lasting share without history
_DEFAULT_LOG_SD = 0.8  # of the prior of the SD of one-year changes
_OTHER_GROUP = 0.5  # log-SD that a group without a history of its own adds


@dataclass(frozen=True)
class Transfer:
    """How much wider a prior is than the estimate it comes from.

    Attributes
    ----------
    factor : float
        On variances.
    share_sd : float
        Least SD of the lasting share.
    log_sd : float
        Least log-SD of the SD of one-year changes.
    overlap : bool
        Whether an overlap is handed on: it belongs to a base, and cannot be widened.
    """

    factor: float
    share_sd: float
    log_sd: float
    overlap: bool

    def beta(self, mean: float, sd: float) -> tuple[float, float] | None:
        """Match a Beta distribution to the share's mean and widened variance.

        Parameters
        ----------
        mean, sd : float
            Of the share over samples of cities.

        Returns
        -------
        tuple of float or None
            a and b; None where the result would be as wide as the default: then there is nothing to hand on. Near 0 and 1 the
            variance stops where a + b = 2.
        """
        variance = max(self.factor * sd**2, self.share_sd**2)
        if not np.isfinite(variance) or variance >= _DEFAULT_SD**2 or not 0 < mean < 1:
            return None
        total = max(mean * (1 - mean) / variance - 1, 2.0)
        return mean * total, (1 - mean) * total

    def lognormal(self, sds: tuple[float, ...], log_sds: tuple[float, ...], groups: int) -> tuple[float, float] | None:
        """Match one lognormal distribution to the SDs of one-year changes of the groups, which share a prior.

        Parameters
        ----------
        sds, log_sds : tuple of float
            Estimate and log-SD by group, the target group first.
        groups : int
            Groups the indicator has; each that is not among the estimates adds to the width.

        Returns
        -------
        median, log_sd : float
            None where the result would be as wide as the default.
        """
        logs = np.log(sds)
        variance = max(self.factor * float(np.square(log_sds).mean()), self.log_sd**2) + float(logs.var())
        log_sd = float(np.sqrt(variance + (groups - len(sds)) * _OTHER_GROUP**2))
        return (float(np.exp(logs.mean())), log_sd) if log_sd < _DEFAULT_LOG_SD else None

    def shift(self, square: float, pairs: int) -> float:
        """SD for the next common shift, from a root mean square of so many: that of the t distribution, widened; at least 0.3."""
        return max(_LEAST_SHIFT, float(square * np.sqrt(self.factor * pairs / (pairs - 2))))


SAME = Transfer(factor=2.0, share_sd=0.10, log_sd=0.25, overlap=True)  # the same definition in another ring
OTHER = Transfer(factor=4.0, share_sd=0.15, log_sd=0.40, overlap=False)  # another definition of the indicator
