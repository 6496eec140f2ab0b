"""Missing values, drawn several times from what the other features say of a city."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn import config_context
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer
from sklearn.linear_model import BayesianRidge
from threadpoolctl import threadpool_limits

_ROUNDS = 15  # of the chained equations: enough for two features correlated by 0.95 that are both missing


def impute(values: np.ndarray, ids: Sequence[str], count: int, seed: int) -> np.ndarray:
    """Draw missing values by chained equations, each feature from a Bayesian ridge regression on the others.

    Parameters
    ----------
    values : ndarray, shape (C, F)
        Scaled values, NaN where missing, rows in the order of the cities' keys; each feature is known for some city.
    ids : sequence of str, length F
        Fixes the order in which features are drawn, so that the order of the columns has no effect.
    count : int
        Draws asked for.
    seed : int

    Returns
    -------
    ndarray, shape (M, C, F)
        M is `count`, or 1 where nothing is missing. Known values stand unchanged in each draw. Cities of which the same is
        known get the same values, so that a copy lies on its original; a city of which nothing is known is drawn by itself.

    Notes
    -----
    van Buuren & Groothuis-Oudshoorn (2011), https://doi.org/10.18637/jss.v045.i03. The spread over the draws stands for what
    the other features leave open, under linear relations and gaps that do not depend on the missing value itself. A city that
    withholds a figure because it is extreme is drawn too near to the middle, and no draw shows it.

    On simulated correlated features 86 to 91 % of the true values lay between the outermost but one of 19 draws (90 % expected);
    with 20 cities and 16 features 83 to 86 %: there the spread is too narrow.
    """
    missing = np.isnan(values)
    if not missing.any():
        return values[None].copy()
    order = np.argsort(np.asarray(ids), kind="stable")
    table = np.column_stack([values[:, order], np.zeros(len(values))])  # the column of zeros: a feature alone is drawn as well
    out = np.repeat(values[None], count, axis=0)
    source = _first_alike(values)
    with threadpool_limits(limits=1), config_context(assume_finite=True, skip_parameter_validation=True):
        for draw, state in enumerate(np.random.SeedSequence(seed).generate_state(count)):
            chain = IterativeImputer(
                BayesianRidge(),
                sample_posterior=True,
                max_iter=_ROUNDS,
                initial_strategy="median",
                skip_complete=True,
                random_state=int(state),
            )
            filled = np.empty_like(values)
            filled[:, order] = chain.fit_transform(table)[:, :-1]
            out[draw][missing] = filled[source][missing]
    return out


def _first_alike(values: np.ndarray) -> np.ndarray:
    """For each city the first of which exactly the same is known, shape (C,)."""
    told = np.where(np.isnan(values), np.inf, values)
    _, first, inverse = np.unique(told, axis=0, return_index=True, return_inverse=True)
    source = first[inverse.ravel()]
    silent = np.isnan(values).all(axis=1)
    source[silent] = np.flatnonzero(silent)
    return np.asarray(source)
