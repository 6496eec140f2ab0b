from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from integstat.change.lasting import draw_lasting, open_lasting, redrawn, with_share


def _posterior(own: float = 0.3, sd: float = 0.2, group: float = 0.1, corr: float = 0.6, draws: int = 40_000) -> xr.Dataset:
    dims = ("chain", "draw", "city", "group")
    shape = (1, draws, 1, 2)
    return xr.Dataset(
        {
            "change": (dims, np.full(shape, own + group + 0.05)),
            "delta": (("chain", "draw", "group"), np.full((1, draws, 2), 0.05)),
            "sd_change": (("chain", "draw", "group"), np.full((1, draws, 2), sd)),
            "corr_change": (("chain", "draw"), np.full((1, draws), corr)),
        }
    )


def test_the_share_is_its_prior_and_data_do_not_move_it():
    for own in (0.0, 2.0):
        share = draw_lasting(_posterior(own), 2.0, 3.0, 7)["lasting_share"].to_numpy().ravel()
        assert stats.kstest(share, stats.beta(2, 3).cdf).pvalue > 1e-3


def test_mean_and_variance_are_those_of_the_method():
    found = draw_lasting(_posterior(), 2.0, 3.0, 7)
    share, lasting = found["lasting_share"].to_numpy().ravel(), found["lasting_change"].to_numpy()[0, :, 0, 0]
    rest = lasting - share * (0.3 + 0.1)
    assert rest.mean() == pytest.approx(0, abs=4 * rest.std() / np.sqrt(len(rest)))
    scaled = rest / np.sqrt(share * (1 - share)) / 0.2
    assert scaled.var() == pytest.approx(1, rel=0.03)


def test_the_two_groups_share_their_correlation():
    found = draw_lasting(_posterior(), 2.0, 3.0, 7)
    share, lasting = found["lasting_share"].to_numpy()[0], found["lasting_change"].to_numpy()[0, :, 0]
    scaled = (lasting - share[:, None] * 0.4) / np.sqrt(share * (1 - share))[:, None]
    assert np.corrcoef(scaled.T)[0, 1] == pytest.approx(0.6, abs=0.02)


def test_the_same_seed_gives_the_same_draws():
    first, second = (draw_lasting(_posterior(draws=50), 2.0, 3.0, 3) for _ in range(2))
    assert first.identical(second)


def test_priors_differ_by_themselves_and_not_by_chance():
    opened = _posterior(draws=500)
    opened = opened.assign(open_lasting(opened, 3))
    low, high = (with_share(opened, *prior)["lasting_share"] for prior in ((2.0, 3.0), (3.0, 2.0)))
    assert (high > low).all()
    assert with_share(opened, 2.0, 3.0).identical(draw_lasting(_posterior(draws=500), 2.0, 3.0, 3))


def test_what_lasts_drawn_once_more_is_another_draw_of_the_same() -> None:
    rng = np.random.default_rng(1)
    sd, quantile = rng.lognormal(0, 1, 4000), rng.uniform(size=4000)
    scatter = sd[:, None] * rng.normal(size=(4000, 2))
    again, other = redrawn(scatter, quantile, sd)
    assert np.sort(other) == pytest.approx(np.sort(quantile))
    assert np.sort(again / sd[:, None], axis=0) == pytest.approx(np.sort(scatter / sd[:, None], axis=0))
    for first, second in ((quantile, other), ((scatter / sd[:, None])[:, 0], (again / sd[:, None])[:, 0])):
        assert abs(np.corrcoef(first, second)[0, 1]) < 0.06
