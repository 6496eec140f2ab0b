"""The third wave's forecasts and their errors, and the placebo, on made-up years."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ANALYSES = Path(__file__).parents[2] / "analyses"


def script(name: str) -> ModuleType:
    """Load a script; those beside it can be imported by it, as when it is run."""
    sys.path.insert(0, str(ANALYSES))
    try:
        spec = importlib.util.spec_from_file_location(name, ANALYSES / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(ANALYSES))
    return module


third_wave, placebo = script("third_wave"), script("placebo")


def target(year: int, rng: np.random.Generator, sd: dict[str, float], cities: int = 150) -> object:
    """Forecasts that miss by known SDs, beside a counting variance of 0.04."""
    outcome = rng.normal(size=cities)
    counting = np.full(cities, 0.04)
    forecast = {name: outcome + np.hypot(sd.get(name, 0.5), 0.2) * rng.normal(size=cities) for name in third_wave.NAMES}
    names = np.array([f"{i}" for i in range(cities)])
    return third_wave.Target(year, names, outcome, forecast, dict.fromkeys(forecast, counting), np.full(cities, 0.5), False)


def test_the_error_of_a_forecast_is_found_beside_the_counting_error() -> None:
    rng = np.random.default_rng(1)
    counting = rng.uniform(0.01, 0.5, 4000)
    error = np.sqrt(0.09 + counting) * rng.normal(size=4000)
    assert third_wave.error_variance(error, counting) == pytest.approx(0.09, rel=0.1)
    assert third_wave.error_variance(np.sqrt(counting) * rng.normal(size=4000), counting) < 0.01


def test_the_better_forecast_scores_as_much_better_as_it_is() -> None:
    rng = np.random.default_rng(2)
    targets = [target(year, rng, {"model": 0.3, "no_change": 0.6}) for year in range(2010, 2018)]
    table = third_wave.compared(third_wave.scores(targets), 1).set_index("forecast")
    expected = 0.5 * np.log((0.6**2 + 0.04) / (0.3**2 + 0.04))  # of two normal errors, each known as large as it is
    row = table.loc["no_change"]
    assert row["model minus"] == pytest.approx(expected, abs=4 * row["model se"])
    assert row["model se"] < 0.05
    assert row["years"] == 8 - third_wave.EARLIER
    told = third_wave.verdicts(table.reset_index())[0]
    assert told["not worse"] and told["better than raw"]
    worse = [target(year, rng, {"raw": 0.3}) for year in range(2010, 2018)]
    told = third_wave.verdicts(third_wave.compared(third_wave.scores(worse), 1))[0]
    assert not told["not worse"] and not told["better than raw"] and told["best simple"] == "raw"


def test_no_score_reads_a_later_year() -> None:
    first, again = np.random.default_rng(3), np.random.default_rng(3)
    whole = third_wave.scores([target(year, first, {}) for year in range(2010, 2015)])
    part = third_wave.scores([target(year, again, {}) for year in range(2010, 2013)])
    assert whole[whole["year"] == 2012].reset_index(drop=True).equals(part)


def test_shrinking_takes_off_what_is_counting_error() -> None:
    rng = np.random.default_rng(4)
    truth, variance = 0.3 * rng.normal(size=2000), np.repeat([0.02, 0.2], 1000)
    seen = truth + np.sqrt(variance) * rng.normal(size=2000)
    found = third_wave.shrunk(seen, variance)
    slope = [np.polyfit(seen[part] - found.mean(), found[part] - found.mean(), 1)[0] for part in (slice(1000), slice(1000, None))]
    assert slope == pytest.approx([0.09 / 0.11, 0.09 / 0.29], abs=0.06)
    assert np.ptp(third_wave.shrunk(np.array([0.1, 0.2, 0.3]), np.ones(3))) == 0.0  # less than chance: all the same


def held(claim: np.ndarray, net: np.ndarray, drawn: np.ndarray) -> object:
    return placebo.Held(claim, net, net, drawn, np.zeros(len(claim)))


def test_claims_that_the_third_year_undoes_are_counted_against_the_prediction() -> None:
    rng = np.random.default_rng(5)
    claim = np.repeat([1, -1, 0], [20, 20, 60])
    net = np.abs(rng.normal(size=100)) * np.where(claim == 0, 1, claim)
    net[[0, 1, 20]] *= -1  # three claims undone
    drawn = np.where(rng.random((2000, 100)) < 0.1, -1.0, 1.0) * np.where(claim == 0, 1, claim)
    row = placebo.row([held(claim, net, drawn)], rng)
    assert (row["cells"], row["findings"], row["undone"]) == (100, 40, 3)
    assert row["predicted"] == pytest.approx(0.1, abs=0.01)
    assert row["low"] <= 0.075 <= row["high"] and row["inside"] == 1
    assert row["worthless"] == pytest.approx(0.5, abs=0.02)  # as many claims of either sign
    net[:20] *= -1
    assert placebo.row([held(claim, net, drawn)], rng)["inside"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("ring", sorted(placebo.MAIN))
def test_no_more_claims_are_undone_on_real_series_than_the_model_says(ring: str) -> None:
    if not sys.modules["third_year"].data_folder().is_dir():
        pytest.skip("the folder with the public series is not here")
    found = placebo.table(ring, dict(placebo.held_out(ring, 1000, 1)), 1).set_index("definition").loc["all"]
    assert found["findings"] >= 20
    assert found["inside"] == 1
    assert found["share undone"] < 0.5 * found["worthless"]
