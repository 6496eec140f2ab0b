"""An independent answer: the Gaussian change model in closed form, the SD of change on a grid.

Observed logit changes with known counting variance, one group, no peers, no Länder: given the SD of change, shift and city
changes are jointly normal. Right where n p is well above 30.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from integstat.change import ChangeData, Priors
from integstat.change.model import rough


def gaussian_change(data: ChangeData, priors: Priors, points: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Posterior means and SDs of the cities' changes, link scale, shape (C,)."""
    look = rough(data)
    observed = look.eta[:, 0, 1] - look.eta[:, 0, 0]
    variance = look.variance[:, 0].sum(axis=1)
    grid = np.exp(np.linspace(np.log(0.005), np.log(2.0), points))
    logs, means, squares = [], [], []
    for sd in grid:
        total = np.diag(sd**2 + variance) + priors.shift_sd**2
        logs.append(
            stats.multivariate_normal(np.zeros(len(observed)), total).logpdf(observed)
            + stats.norm.logpdf(np.log(sd), np.log(priors.sd_change_median), priors.sd_change_log_sd)
        )
        prior = sd**2 * np.eye(len(observed)) + priors.shift_sd**2
        gain = np.linalg.solve(total, prior).T
        mean = gain @ observed
        means.append(mean)
        squares.append(mean**2 + np.diag(prior - gain @ prior))
    weight = np.exp(np.array(logs) - np.max(logs))
    weight /= weight.sum()
    mean = weight @ np.array(means)
    return mean, np.sqrt(weight @ np.array(squares) - mean**2)
