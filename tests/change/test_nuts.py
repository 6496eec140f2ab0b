"""The compiled structure against the model written down anew with scipy."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy import stats
from tests.change.rings import ring

from integstat.change import ChangeData, Priors, nuts
from integstat.change.model import log_likelihood

PRIORS = Priors(shift_sd=0.4, sd_mean_scale=0.8, correlation_eta=3.0, peer_change_scale=0.2)


@pytest.fixture(scope="module")
def logp():
    with nuts.build(32, PRIORS) as model:
        function = model.compile_logp(sum=True, mode="FAST_COMPILE")
    return model, function


def _point(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "first": rng.normal(0, 0.5, (2, 32)),
        "second": rng.normal(0, 0.5, (2, 32)),
        "average": rng.normal(0, 0.3, (2, 2)),
        "log_sd": rng.normal(-1.5, 0.3, (2, 2)),
        "z_corr": rng.normal(0, 0.4, (2, 1)),
        "log_spread": rng.normal(-2, 0.3, 3),
        "effect": rng.normal(0, 1, (nuts.EFFECTS, 2)),
    }


def _expected(point: dict[str, np.ndarray], padded: nuts._Padded, data: ChangeData) -> float:
    """Log-density up to a constant, from the parameters of the specification and the Jacobian of the sampled form."""
    draws = xr.Dataset(
        {name: ((*("chain", "draw"), *(f"{name}_{i}" for i in range(v.ndim))), v[None, None]) for name, v in point.items()}
    )
    out = nuts._unpack(draws, padded, data, PRIORS)
    cities, groups, years = data.y.shape

    def get(name: str) -> np.ndarray:
        return out[name].to_numpy()[0, 0]

    sd_all, corr_all = np.exp(point["log_sd"]), np.tanh(point["z_corr"])[:, 0]
    total = stats.norm.logpdf(point["effect"]).sum()
    for scale, log_spread in zip(
        (PRIORS.peer_level_scale, PRIORS.peer_change_scale, PRIORS.land_change_scale), point["log_spread"], strict=True
    ):
        total += stats.halfnorm.logpdf(np.exp(log_spread), scale=scale) + log_spread
    total += (stats.halfnorm.logpdf(sd_all[0], scale=PRIORS.sd_mean_scale) + point["log_sd"][0]).sum()
    total += stats.norm.logpdf(point["log_sd"][1], np.log(PRIORS.sd_change_median), PRIORS.sd_change_log_sd).sum()
    total += (
        stats.beta.logpdf((1 + corr_all) / 2, PRIORS.correlation_eta, PRIORS.correlation_eta) + np.log(1 - corr_all**2)
    ).sum()
    ring_effect = point["average"] - padded.centre @ _coefficient(point)
    total += (
        stats.norm.logpdf(ring_effect[0], 0, PRIORS.level_sd).sum() + stats.norm.logpdf(ring_effect[1], 0, PRIORS.shift_sd).sum()
    )
    linear = (padded.weights @ _coefficient(point)).reshape(2, 32, 2) + point["average"][:, None, :]
    effects = np.stack([get("mean"), get("change")]) if years == 2 and groups == 2 else None
    assert effects is not None
    for block in range(2):
        sd, r = sd_all[block], corr_all[block]
        covariance = np.array([[sd[0] ** 2, r * sd[0] * sd[1]], [r * sd[0] * sd[1], sd[1] ** 2]])
        total += stats.multivariate_normal(np.zeros(2), covariance).logpdf(effects[block] - linear[block, :cities]).sum()
        total += ((1 - padded.share_first[block, :cities]) * np.log(sd[0])).sum()
        total += ((1 - padded.share_second[block, :cities]) * np.log(sd[1] * np.sqrt(1 - r**2))).sum()
    for raw in (point["first"], point["second"]):
        total += stats.norm.logpdf(raw[:, cities:]).sum()
    eta = effects[0][:, :, None] + effects[1][:, :, None] * np.array([-0.5, 0.5])
    return float(total + log_likelihood(data.y, data.n, eta, data.link).sum())


def _coefficient(point: dict[str, np.ndarray]) -> np.ndarray:
    spread = np.exp(point["log_spread"])
    own = np.concatenate(
        [
            np.full(nuts.COVARIATES, PRIORS.covariate_sd),
            np.full(nuts.PEERS, spread[0]),
            np.full(nuts.PEERS, spread[1]),
            np.full(nuts.LAENDER, spread[2]),
        ]
    )
    return point["effect"] * own[:, None]


@pytest.mark.parametrize("kind", ["share", "rate"])
@pytest.mark.parametrize("form", ["blend", "loose"])
@pytest.mark.parametrize("base", [60.0, 9000.0])
def test_the_density_is_that_of_the_specification(logp, kind, form, base):
    model, function = logp
    data, _ = ring(20, base, kind=kind)
    padded = nuts._pad(data, form)
    with model:
        pm.set_data(vars(padded))
    rng = np.random.default_rng(5)
    gaps = []
    for _ in range(4):
        point = _point(rng)
        gaps.append(float(function(point)) - _expected(point, padded, data))
    assert np.ptp(gaps) == pytest.approx(0, abs=1e-6 * max(1.0, abs(gaps[0])))


def test_capacities_grow_in_steps():
    assert [nuts.capacity(count) for count in (1, 32, 33, 67)] == [32, 32, 64, 96]
