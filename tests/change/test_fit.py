"""What `fit` promises with the sampler: known truth, labels, gate; and how it chooses between the engines."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from tests.change.rings import ring

from integstat.change import ChangeSettings, fit
from integstat.change.laplace import posterior as laplace
from integstat.change.laplace.importance import NoMode
from integstat.errors import ConvergenceError
from integstat.findings.estimands import flat

SETTINGS = ChangeSettings(engine="nuts")


@pytest.fixture(scope="module")
def large() -> xr.DataTree:
    """A ring with large counts."""
    data, _ = ring(24, 5000, seed=3)
    return fit(data, SETTINGS, 11)


def _draws(tree: xr.DataTree, name: str) -> np.ndarray:
    return flat(tree["posterior"][name])


def test_the_tree_carries_labels_and_diagnostics(large):
    tree = large
    assert set(tree.children) == {"posterior", "sample_stats", "observed_data", "constant_data"}
    assert tree["posterior"]["change"].dims == ("chain", "draw", "city", "group")
    assert tree["observed_data"]["year"].to_numpy().tolist() == [2020, 2021]
    assert tree.attrs["rhat"] < 1.01
    assert min(tree.attrs["ess_bulk"], tree.attrs["ess_tail"]) > 400
    assert tree.attrs["divergences"] <= 0.001


def test_known_truth_lies_in_the_intervals(large):
    tree = large
    _, truth = ring(24, 5000, seed=3)
    for name, known in (("mean", truth.mean), ("change", truth.change)):
        low, high = np.quantile(_draws(tree, name), [0.05, 0.95], axis=0)
        assert 0.75 <= np.mean((low < known) & (known < high)) <= 1.0
    for name, known in (("sd_mean", 0.35), ("sd_change", None), ("delta", None)):
        values = tree["posterior"][name].stack(sample=("chain", "draw")).to_numpy()
        goal = np.full(2, known) if known else getattr(truth.parameters, {"delta": "shift"}.get(name, name))
        low, high = np.quantile(values, [0.005, 0.995], axis=1)
        assert ((low < goal) & (goal < high)).all()


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
    holed, whole = fit(replace(data, y=y, n=n), SETTINGS, 13), large
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
        fit(data, ChangeSettings(engine="nuts", draws=250, tune=200, chains=2, target_accept=0.6), 1)
    assert error.value.exit_code == 4
    assert "E3.leavers" in error.value.sentence()


def test_both_engines_fill_the_same_tree(large):
    data, _ = ring(24, 5000, seed=3)
    other = fit(data, ChangeSettings(), 11)
    assert (large.attrs["engine"], other.attrs["engine"]) == ("nuts", "laplace")
    assert set(large.attrs) == set(other.attrs)
    assert set(large["posterior"].data_vars) == set(other["posterior"].data_vars)
    for name, values in large["posterior"].data_vars.items():
        theirs = other["posterior"][name]
        assert values.dims == theirs.dims
        for dim in set(values.dims) - {"chain", "draw"}:
            assert list(values[dim].to_numpy()) == list(theirs[dim].to_numpy())
    for name in ("mean", "change"):
        spread = _draws(large, name).std(axis=0)
        gap = (_draws(large, name).mean(axis=0) - _draws(other, name).mean(axis=0)) / spread
        assert np.abs(gap).max() < 0.25


def test_auto_falls_back_where_the_weights_cannot_be_trusted_and_says_why(large, monkeypatch):
    data, _ = ring(24, 5000, seed=3)
    monkeypatch.setattr(laplace, "K_LIMIT", -5.0)
    tree = fit(data, ChangeSettings(), 11)
    assert tree.attrs["engine"] == "nuts"
    assert tree.attrs["fallback"].startswith("Pareto-k = ")
    np.testing.assert_array_equal(_draws(tree, "change"), _draws(large, "change"))


def test_laplace_alone_is_an_error_where_it_cannot_be_trusted(monkeypatch):
    data, _ = ring(24, 5000, seed=3)

    def nothing(*_: object, **__: object) -> None:
        raise NoMode

    monkeypatch.setattr(laplace, "sample", nothing)
    with pytest.raises(ConvergenceError) as error:
        fit(data, ChangeSettings(engine="laplace"), 11)
    assert "kein Modus" in error.value.sentence()
    assert "auto" in error.value.mend


def test_the_first_choice_loads_no_sampler():
    script = (
        "import sys; from tests.change.rings import ring; from integstat.change import ChangeSettings, fit; "
        "tree = fit(ring(8, 300)[0], ChangeSettings(draws=250), 1); "
        "print(tree.attrs['engine'], [name for name in ('pymc', 'pytensor', 'nutpie') if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root)
    assert run.stdout.split("\n")[0] == "laplace []"
