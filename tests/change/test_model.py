from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.change.rings import ring

from integstat.change.model import centring, design, inverse_link, log_likelihood


@given(n=st.integers(1, 5000), share=st.floats(0, 1), eta=st.floats(-6, 6))
def test_the_likelihood_of_a_share_is_the_binomial(n: int, share: float, eta: float):
    y = float(round(n * share))
    ours = log_likelihood(np.array([y]), np.array([float(n)]), np.array([eta]), "logit")[0]
    assert ours == pytest.approx(stats.binom.logpmf(y, n, inverse_link(np.array(eta), "logit")), abs=1e-6 * n)


@given(n=st.integers(1, 5000), y=st.integers(0, 300), eta=st.floats(-6, 1))
def test_the_likelihood_of_a_rate_is_the_poisson_with_exposure(n: int, y: int, eta: float):
    ours = log_likelihood(np.array([float(y)]), np.array([float(n)]), np.array([eta]), "log")[0]
    assert ours == pytest.approx(stats.poisson.logpmf(y, n * np.exp(eta)), rel=1e-9, abs=1e-6)


def test_an_annual_mean_lies_between_its_whole_neighbours():
    n, eta = np.array([100.0]), np.array([-1.0])
    below, between, above = (log_likelihood(np.array([y]), n, eta, "logit")[0] for y in (20.0, 20.5, 21.0))
    assert min(below, above) < between < max(below, above)


def test_a_cell_without_a_base_tells_nothing():
    assert log_likelihood(np.zeros(2), np.zeros(2), np.array([-3.0, 4.0]), "logit").tolist() == [0.0, 0.0]
    assert log_likelihood(np.zeros(2), np.zeros(2), np.array([-3.0, 4.0]), "log").tolist() == [0.0, 0.0]


def test_the_design_standardises_covariates_and_keeps_a_constant_one_finite():
    data, _ = ring(6)
    raw = np.column_stack([np.arange(6.0), np.full(6, 3.0)])
    parts = design(replace(data, covariates=raw, covariate_names=("a", "b")))
    assert parts.covariates[:, 0].mean() == pytest.approx(0)
    assert parts.covariates[:, 0].std() == pytest.approx(1)
    assert np.isfinite(parts.covariates).all()
    assert np.allclose(parts.covariates * parts.scale + parts.centre, raw)


def test_one_year_has_no_step_and_two_years_step_by_one():
    assert design(ring(6, years=1)[0]).half.tolist() == [0.0]
    assert np.diff(design(ring(6)[0]).half).tolist() == [1.0]


def test_large_counts_are_centred_and_small_ones_are_not():
    large, small = centring(ring(24, 50_000)[0]), centring(ring(24, 40)[0])
    assert large[0].min() > 0.9
    assert large[1].mean() > 0.8
    assert small[1].mean() < 0.3
    for share in (*large, *small):
        assert ((share >= 0) & (share <= 1)).all()


def test_a_city_without_counts_is_not_centred():
    data, _ = ring(12)
    n, y = data.n.copy(), data.y.copy()
    n[3, 1, 0] = y[3, 1, 0] = 0
    mean, change = centring(replace(data, y=y, n=n))
    assert mean[3, 1] == change[3, 1] == 0
    assert mean[3, 0] > 0
