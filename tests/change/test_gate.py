from __future__ import annotations

import numpy as np
import xarray as xr

from integstat.change.gate import diagnose


def _draws(values: np.ndarray) -> xr.Dataset:
    return xr.Dataset({"sd_change": (("chain", "draw"), values)})


def test_independent_draws_pass():
    rng = np.random.default_rng(1)
    found = diagnose(_draws(rng.standard_normal((4, 1000))), np.zeros((4, 1000), dtype=bool))
    assert found.passed
    assert found.ess_bulk > 3000


def test_chains_in_different_places_fail_and_say_so():
    rng = np.random.default_rng(1)
    found = diagnose(_draws(rng.standard_normal((4, 1000)) + np.arange(4)[:, None]), np.zeros((4, 1000), dtype=bool))
    assert not found.passed
    assert "R̂" in found.complaint()


def test_sticky_chains_fail_by_their_effective_size():
    rng = np.random.default_rng(1)
    walk = np.zeros((4, 2000))
    for t in range(1, 2000):
        walk[:, t] = 0.99 * walk[:, t - 1] + rng.standard_normal(4)
    found = diagnose(_draws(walk), np.zeros((4, 2000), dtype=bool))
    assert not found.passed
    assert "wirksame Ziehungen bei 'sd_change'" in found.complaint()


def test_divergences_fail_even_with_good_mixing():
    rng = np.random.default_rng(1)
    diverging = np.zeros((4, 1000), dtype=bool)
    diverging[0, :20] = True
    found = diagnose(_draws(rng.standard_normal((4, 1000))), diverging)
    assert not found.passed
    assert "0,50 % divergente" in found.complaint()
