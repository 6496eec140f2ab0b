"""Two years do not tell what lasts: whatever the data look like, the posterior of the lasting share is its prior.

Two kinds of data would seem to say something. Where nothing lasts but a shock hits both groups of a city, the groups move
together: a model with noise that is independent between them would read it as lasting. Where cities that were far out move
back, a model whose level starts in the first year would read it as passing. The last two rings have the opposite: changes that
are all meant to last, and cities that move apart.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import stats

from integstat.change import ChangeData, ChangeSettings, fit
from integstat.change.model import inverse_link
from integstat.findings.estimands import flat

CITIES, BASE, DRAWS = 24, 4000, 1000
RINGS = ("common shocks", "convergence", "both", "lasting", "divergence")


def ring(name: str) -> ChangeData:
    rng = np.random.default_rng([20210701, RINGS.index(name)])
    level = np.array([-1.5, -2.0])
    far = rng.normal(0, 0.5, (CITIES, 1))  # how far out a city is, for both groups
    shock = rng.normal(0, 0.25, (CITIES, 1, 2))  # of one year, the same for both groups
    first = level + far
    if name in ("common shocks", "both"):
        eta = np.stack([first, first], axis=2) + shock
    elif name == "lasting":
        eta = np.stack([first, first + rng.normal(0, 0.35, (CITIES, 2))], axis=2)
    else:
        eta = np.stack([first, first], axis=2)
    if name in ("convergence", "both", "divergence"):
        eta[:, :, 1] += (0.6 if name == "divergence" else -0.6) * far + rng.normal(0, 0.1, (CITIES, 2))
    n = np.full(eta.shape, float(BASE))
    y = rng.binomial(BASE, inverse_link(eta, "logit")).astype(float)
    return ChangeData(name, "share", tuple(f"{91001 + c}" for c in range(CITIES)), ("target", "reference"), (2016, 2017), y, n)


@cache
def posterior(name: str, a: float = 2.0, b: float = 3.0) -> dict[str, np.ndarray]:
    """Share by draw; the target group's own and lasting change by draw and city; the groups' correlation; level and change."""
    priors = {"lasting_a": a, "lasting_b": b}
    settings = ChangeSettings.model_validate({"engine": "laplace", "draws": DRAWS, "priors": priors})
    tree = fit(ring(name), settings, 3, cores=1)
    found = {one: flat(tree["posterior"][one])[:, :, 0] for one in ("change", "expected_change", "lasting_change", "mean")}
    found["own"] = found["change"] - found["expected_change"]
    found |= {one: tree["posterior"][one].to_numpy().ravel() for one in ("lasting_share", "corr_change")}
    return found


@pytest.mark.parametrize("name", RINGS)
def test_the_share_that_lasts_stays_its_prior(name: str) -> None:
    share = posterior(name)["lasting_share"]
    prior = stats.beta(2, 3)
    assert stats.kstest(share, prior.cdf).pvalue > 1e-3
    assert share.mean() == pytest.approx(prior.mean(), abs=4 * prior.std() / np.sqrt(DRAWS))
    assert share.std() == pytest.approx(prior.std(), rel=0.1)


def test_another_prior_comes_back_as_itself_from_the_same_data() -> None:
    share = posterior("both", 8.0, 2.0)["lasting_share"]
    assert stats.kstest(share, stats.beta(8, 2).cdf).pvalue > 1e-3
    assert stats.kstest(share, stats.beta(2, 3).cdf).pvalue < 1e-6


@pytest.mark.parametrize("name", RINGS)
def test_of_every_citys_own_change_the_priors_share_is_expected_to_last(name: str) -> None:
    """And no more where groups move together, no less where cities move back: the slope is the prior's mean."""
    found = posterior(name)
    own, kept = found["own"].mean(axis=0), found["lasting_change"].mean(axis=0)
    slope = (own @ kept) / (own @ own)
    assert slope == pytest.approx(0.4, abs=0.05)


def test_the_rings_are_what_they_are_meant_to_be() -> None:
    for name in ("common shocks", "both", "convergence", "divergence"):
        assert posterior(name)["corr_change"].mean() > 0.7, name
    assert abs(posterior("lasting")["corr_change"].mean()) < 0.5
    for name, sign in (("convergence", -1), ("both", -1), ("divergence", 1)):
        found = posterior(name)
        first = (found["mean"] - 0.5 * found["change"]).mean(axis=0)
        assert sign * np.corrcoef(first, found["change"].mean(axis=0))[0, 1] > 0.5, name
