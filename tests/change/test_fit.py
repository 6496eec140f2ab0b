"""Sampled posteriors: known truth, an independent oracle, symmetries. One compiled structure for all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from tests.change.oracle import gaussian_change
from tests.change.rings import ring

from integstat.change import ChangeSettings, Priors, fit
from integstat.errors import ConvergenceError
from integstat.findings.estimands import flat

SETTINGS = ChangeSettings()


@pytest.fixture(scope="module")
def large() -> tuple[xr.DataTree, xr.DataTree]:
    """A ring with large counts, and the same with its years swapped."""
    data, _ = ring(24, 5000, seed=3)
    return fit(data, SETTINGS, 11), fit(data.swapped(), SETTINGS, 12)


def _draws(tree: xr.DataTree, name: str) -> np.ndarray:
    return flat(tree["posterior"][name])


def _standard_error(tree: xr.DataTree, name: str) -> np.ndarray:
    draws = _draws(tree, name)
    return draws.std(axis=0) / np.sqrt(float(tree.attrs["ess_bulk"]))


def test_the_tree_carries_labels_and_diagnostics(large):
    tree, _ = large
    assert set(tree.children) == {"posterior", "sample_stats", "observed_data", "constant_data"}
    assert tree["posterior"]["change"].dims == ("chain", "draw", "city", "group")
    assert tree["observed_data"]["year"].to_numpy().tolist() == [2020, 2021]
    assert tree.attrs["rhat"] < 1.01
    assert min(tree.attrs["ess_bulk"], tree.attrs["ess_tail"]) > 400
    assert tree.attrs["divergences"] <= 0.001


def test_known_truth_lies_in_the_intervals(large):
    tree, _ = large
    _, truth = ring(24, 5000, seed=3)
    for name, known in (("mean", truth.mean), ("change", truth.change)):
        low, high = np.quantile(_draws(tree, name), [0.05, 0.95], axis=0)
        assert 0.75 <= np.mean((low < known) & (known < high)) <= 1.0
    for name, known in (("sd_mean", 0.35), ("sd_change", None), ("delta", None)):
        values = tree["posterior"][name].stack(sample=("chain", "draw")).to_numpy()
        goal = np.full(2, known) if known else getattr(truth.parameters, {"delta": "shift"}.get(name, name))
        low, high = np.quantile(values, [0.005, 0.995], axis=1)
        assert ((low < goal) & (goal < high)).all()


def test_swapping_the_years_flips_the_change_and_keeps_the_mean(large):
    tree, swapped = large
    for name, sign in (("change", -1), ("lasting_change", -1), ("mean", 1)):
        gap = _draws(tree, name).mean(axis=0) - sign * _draws(swapped, name).mean(axis=0)
        error = np.hypot(_standard_error(tree, name), _standard_error(swapped, name))
        assert np.abs(gap / error).max() < 5
        ratio = _draws(tree, name).std(axis=0) / _draws(swapped, name).std(axis=0)
        assert np.abs(np.log(ratio)).max() < 0.2


def test_the_closed_form_agrees_for_large_counts():
    data, _ = ring(24, 3000, groups=1, seed=5)
    plain = replace(data, peers=None, land=None)
    mean, sd = gaussian_change(plain, Priors())
    draws = _draws(fit(plain, SETTINGS, 21), "change")[:, :, 0]
    assert np.abs((draws.mean(axis=0) - mean) / sd).max() < 0.15
    assert np.abs(np.log(draws.std(axis=0) / sd)).max() < 0.12


def test_one_year_gives_levels_and_no_change():
    data, truth = ring(24, 2000, years=1, seed=7)
    tree = fit(data, SETTINGS, 31)
    assert "change" not in tree["posterior"]
    assert "lasting_share" not in tree["posterior"]
    low, high = np.quantile(_draws(tree, "mean"), [0.05, 0.95], axis=0)
    known = truth.eta[:, :, 1]
    assert np.mean((low < known) & (known < high)) > 0.75


def test_a_city_without_a_base_in_one_cell_leaves_the_others_alone(large):
    data, _ = ring(24, 5000, seed=3)
    y, n = data.y.copy(), data.n.copy()
    y[4, 0, 1] = n[4, 0, 1] = 0
    holed, whole = fit(replace(data, y=y, n=n), SETTINGS, 13), large[0]
    others = [c for c in range(24) if c != 4]
    spread = _draws(whole, "change").std(axis=0)
    gap = (_draws(holed, "change").mean(axis=0) - _draws(whole, "change").mean(axis=0)) / spread
    assert np.abs(gap[others]).max() < 0.25
    assert _draws(holed, "change")[:, 4, 0].std() > 2 * spread[4, 0]


def test_a_rate_of_one_group_finds_its_truth():
    data, truth = ring(24, 4000, kind="rate", groups=1, seed=9)
    tree = fit(data, SETTINGS, 41)
    low, high = np.quantile(_draws(tree, "change"), [0.05, 0.95], axis=0)
    assert np.mean((low < truth.change) & (truth.change < high)) > 0.7
    assert tree.attrs["link"] == "log"


def test_a_run_that_misses_the_gate_twice_names_the_likely_cause():
    data, _ = ring(24, 5000, seed=3)
    with pytest.raises(ConvergenceError) as error:
        fit(data, ChangeSettings(draws=250, tune=200, chains=2, target_accept=0.6), 1)
    assert error.value.exit_code == 4
    assert "E3.leavers" in error.value.sentence()
