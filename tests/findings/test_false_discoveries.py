"""Realised false discoveries where the posterior is known exactly: normal truth, normal noise, no sampler.

If the posterior is right, the expected share of wrong ones among the declared is at most q in every ring, and the number that
is announced as expected to be wrong is the number that is wrong, on average over rings. Both are checked within Monte-Carlo
error, for every kind, on rings as small as real ones; a posterior that is too sure of itself must fail the check.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from tests.findings.rings import RHO, catalogue, findings, indicator, tree

RINGS, CITIES, DRAWS, Q = 160, 16, 400, 0.10
PEERS = np.arange(CITIES) % 3
KINDS = ("success", "deficit", "stable", "better", "worse", "as_expected", "narrowed", "widened", "gap_unchanged")
STEPS = {"U": RHO, "V": 0.4}  # a wide step too, so that there is something to call stable
SD_SHIFT, SD_CHANGE, SD_LEVEL, CORRELATION = 0.5, 0.3, 0.35, 0.5


def posterior(prior: np.ndarray, observed: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of a normal vector with mean 0, seen with independent normal noise of these variances."""
    gain = np.linalg.solve(prior + np.diag(noise), prior).T
    return gain @ observed, prior - gain @ prior


def simulate(rng: np.random.Generator, sd: float, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Truth and `DRAWS` posterior draws of one vector per city and group, shapes (C, 2) and (S, C, 2)."""
    groups = np.array([[1.0, CORRELATION], [CORRELATION, 1.0]])
    prior = sd**2 * np.kron(np.eye(CITIES), groups) + SD_SHIFT**2 * np.kron(np.ones((CITIES, CITIES)), np.eye(2))
    noise = np.repeat(rng.uniform(0.03, 0.30, CITIES), 2) ** 2  # small and large cities
    truth = rng.multivariate_normal(np.zeros(len(prior)), prior)
    seen = truth + np.sqrt(noise) * rng.standard_normal(len(prior))
    mean, covariance = posterior(prior, seen, noise)
    draws = mean + share * (rng.multivariate_normal(np.zeros(len(prior)), covariance, DRAWS))
    return truth.reshape(CITIES, 2), draws.reshape(DRAWS, CITIES, 2)


def truths(last: np.ndarray, change: np.ndarray, rho: float) -> dict[str, np.ndarray]:
    """Which events are true, city by city, straight from the definitions."""
    out = {kind: np.zeros(CITIES, dtype=bool) for kind in KINDS}
    for c in range(CITIES):
        others = np.arange(CITIES) != c
        relative = change[c, 0] - np.median(change[others, 0])
        standing = last[c, 0] - last[others & (PEERS[c] == PEERS), 0].mean()
        gap = change[c, 0] - change[c, 1]
        out["success"][c] = relative > rho
        out["deficit"][c] = relative < -rho or standing < -2 * rho
        out["stable"][c] = abs(relative) <= rho and standing >= -2 * rho
        out["better"][c], out["worse"][c] = standing > 2 * rho, standing < -2 * rho
        out["as_expected"][c] = abs(standing) <= 2 * rho
        out["narrowed"][c], out["widened"][c], out["gap_unchanged"][c] = gap > rho, gap < -rho, abs(gap) <= rho
    return out


@cache
def rates(share: float, rings: int = RINGS) -> pd.DataFrame:
    """Declared, wrong and expected to be wrong by ring and kind, with posterior SDs multiplied by `share`."""
    rng = np.random.default_rng(20210701)
    book = catalogue(indicator("U"), indicator("V"))
    column = {"better": "finding_level", "worse": "finding_level", "as_expected": "finding_level"}
    column |= {"narrowed": "finding_gap", "widened": "finding_gap", "gap_unchanged": "finding_gap"}
    probability = {"better": "p_better", "worse": "p_worse", "as_expected": "p_as_expected"}
    probability |= {"narrowed": "p_gap_narrowed", "widened": "p_gap_widened", "gap_unchanged": "p_gap_unchanged"}
    steps_of = {name: {"rho": rho, "rho_level": 2 * rho} for name, rho in STEPS.items()}
    rows = []
    for ring in range(rings):
        trees, true = {}, []
        for name, rho in STEPS.items():
            (level, levels), (step, steps) = simulate(rng, SD_LEVEL, share), simulate(rng, SD_CHANGE, share)
            trees[f"{name}.main"] = tree(levels + 0.5 * steps, steps, peers=PEERS.tolist())
            true.append(truths(level + 0.5 * step, step, rho))
        grid = findings(trees, book, q=Q, step=steps_of).grid
        for kind in KINDS:
            word = kind.removeprefix("gap_")
            declared = (grid[column.get(kind, "finding")] == word).to_numpy()
            hit = np.concatenate([one[kind] for one in true])
            p = grid[probability.get(kind, f"p_{kind}")].to_numpy()
            rows.append((ring, kind, declared.sum(), (declared & ~hit).sum(), (1 - p[declared]).sum()))
    return pd.DataFrame(rows, columns=["ring", "kind", "declared", "wrong", "expected"])


def excess(frame: pd.DataFrame) -> tuple[float, float]:
    """Wrong beyond announced per ring, with its standard error."""
    beyond = frame["wrong"] - frame["expected"]
    return float(beyond.mean()), float(beyond.std() / np.sqrt(len(beyond)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_share_of_wrong_ones_is_at_most_q(kind: str) -> None:
    one = rates(1.0).query("kind == @kind")
    share = (one["wrong"] / one["declared"].clip(lower=1)).to_numpy()
    assert share.mean() <= Q + 2.5 * share.std() / np.sqrt(RINGS)


@pytest.mark.parametrize("kind", KINDS)
def test_as_many_are_wrong_as_announced(kind: str) -> None:
    mean, error = excess(rates(1.0).query("kind == @kind"))
    assert abs(mean) <= 3.5 * error


def test_there_is_something_to_be_wrong_about() -> None:
    totals = rates(1.0).groupby("kind")[["declared", "wrong"]].sum()
    assert (totals["declared"] > RINGS).all()
    assert (totals["wrong"] > 20).all()


def test_a_posterior_too_sure_of_itself_is_found_out() -> None:
    frame = rates(0.5, 80).query("kind == 'success'")
    mean, error = excess(frame)
    assert mean > 5 * error
    share = frame["wrong"] / frame["declared"].clip(lower=1)
    assert share.mean() > Q
