"""Realised rates of wrong findings, with the model and the findings as a run has them. Takes minutes: `make slow`.

The scripts under analyses/ do it at length; here are the same functions with few rings, limits within Monte-Carlo error, and
fits that are too sure of themselves, which must be found out.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from integstat.catalogue import load_catalogue
from integstat.change import ChangeData, ChangeSettings, fit
from integstat.change.model import inverse_link
from integstat.findings.estimands import flat

ROOT = Path(__file__).parents[2]
RINGS, CITIES, BASE, SEED = 60, 24, 5000, 7
PRIOR_LIMIT, FIXED_LIMIT, NULL_LIMIT = 0.10, 0.13, 0.10

pytestmark = pytest.mark.slow


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "analyses" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


discoveries, third_year = script("false_discoveries"), script("third_year")


@cache
def simulated(setting: str, base: int = BASE, evidence: float = 1.0, rings: int = RINGS) -> pd.DataFrame:
    tasks = [discoveries.Task(setting, CITIES, base, ring, SEED, evidence=evidence) for ring in range(rings)]
    return pd.concat([discoveries.one_ring(task) for task in tasks], ignore_index=True)


def rates(frame: pd.DataFrame) -> pd.DataFrame:
    return discoveries.rates(frame).droplevel(["setting", "cities", "base"])


@pytest.mark.parametrize("kind", discoveries.KINDS)
def test_with_the_truth_drawn_from_the_prior_the_share_of_wrong_ones_is_at_most_q(kind: str) -> None:
    one = rates(simulated("prior")).loc[kind]
    assert one["rings"] >= 0.95 * RINGS
    assert one["declared"] > 20 or kind == "gap_unchanged"  # which two groups' counts hardly ever allow
    assert one["fdr"] <= PRIOR_LIMIT + 2.5 * one["se"]


@pytest.mark.parametrize("kind", discoveries.MOVED)
def test_as_many_are_wrong_as_announced(kind: str) -> None:
    frame = simulated("prior").query("kind == @kind")
    beyond = frame["wrong"] - frame["expected"]
    assert abs(beyond.mean()) <= 3.5 * beyond.sem()


@pytest.mark.parametrize("kind", discoveries.MOVED)
@pytest.mark.parametrize("setting", ["fixed", "shift"])
def test_with_measured_magnitudes_and_a_common_shift_few_changes_are_wrong_and_many_found(setting: str, kind: str) -> None:
    one = rates(simulated(setting)).loc[kind]
    assert one["fdr"] <= FIXED_LIMIT + 2.5 * one["se"]
    assert one["power"] > 0.4


@pytest.mark.parametrize("base", [150, BASE])
@pytest.mark.parametrize("setting", ["none", "shift_only"])
def test_where_no_city_moves_hardly_a_ring_is_told_of_a_change(setting: str, base: int) -> None:
    (one,) = discoveries.any_moved(simulated(setting, base)).itertuples()
    assert one.rings >= 0.95 * RINGS
    assert one.any <= NULL_LIMIT + 2.5 * np.sqrt(NULL_LIMIT * (1 - NULL_LIMIT) / RINGS)


def test_a_fit_too_sure_of_itself_is_found_out() -> None:
    """Counts taken for twelve times what they are: the check must not pass whatever the fit."""
    (told,) = discoveries.any_moved(simulated("none", BASE, 12.0, 20)).itertuples()
    assert told.any > 0.5
    frame = simulated("prior", BASE, 12.0, 30).query("kind in @discoveries.MOVED")
    beyond = frame["wrong"] - frame["expected"]
    assert beyond.mean() > 4 * beyond.sem()
    assert frame["wrong"].sum() / frame["declared"].sum() > PRIOR_LIMIT


# --- the prediction for a year held out


def held_out(
    rng: np.random.Generator, true_share: float | None, a: float, b: float, overlap: float = 0.0
) -> tuple[int, np.ndarray]:
    """Claims of the right sign in a ring of one share, as they are and as predicted; changes likely by 0.8 are claimed."""
    share, spread, n = rng.beta(2, 3) if true_share is None else true_share, 0.4, 900
    size = (CITIES, 1)
    walk, noise = spread * np.sqrt(share), spread * np.sqrt((1 - share) / 2)
    level = rng.normal(-1.4, 0.4, size)
    path = np.concatenate([np.zeros(size), rng.normal(0, walk, (CITIES, 2)).cumsum(axis=1)], axis=1)
    eta = level + path + rng.normal(0, noise, (CITIES, 3)) + np.array([0.0, 0.3, -0.2])
    p = inverse_link(eta, "logit")
    if overlap:
        common = rng.normal(0, np.sqrt(overlap / (n * p.mean(axis=1) * (1 - p.mean(axis=1)))))
        own = rng.normal(0, np.sqrt((1 - overlap) / (n * p * (1 - p))))
        y = np.round(n * inverse_link(eta + common[:, None] + own, "logit"))
    else:
        y = rng.binomial(n, p)
    y, base = y.astype(float), np.full((CITIES, 3), float(n))
    names = tuple(f"{91001 + c}" for c in range(CITIES))
    data = ChangeData("E3.leavers", "share", names, ("target",), (2016, 2017), y[:, None, :2], base[:, None, :2], overlap=overlap)
    priors = {"lasting_a": a, "lasting_b": b}
    tree = fit(data, ChangeSettings.model_validate({"draws": 1000, "priors": priors}), 1, cores=1)
    beyond = third_year.beyond_others(flat(tree["posterior"]["change"])[:, :, 0])
    up = (beyond > 0).mean(axis=0)
    claim = (up > 0.8).astype(int) - (up < 0.2).astype(int)
    third = third_year.Third(y, base, "logit", overlap)
    sound = np.ones(CITIES, dtype=bool)
    held = third_year.judge(tree, third, np.zeros(CITIES, dtype=int), claim, sound, rng)
    return int(held.right.sum()), held.right_drawn


def beyond_prediction(true_share: float | None, a: float = 2.0, b: float = 3.0, overlap: float = 0.0) -> tuple[float, float]:
    """Right claims beyond the prediction over many rings, in standard errors, and the share of rings inside 90 %."""
    rng = np.random.default_rng([SEED, int(100 * overlap), int(a), int(100 * (true_share or 0))])
    found = [held_out(rng, true_share, a, b, overlap) for _ in range(RINGS)]
    beyond = np.array([right - drawn.mean() for right, drawn in found])
    bounds = [np.quantile(drawn, third_year.INTERVAL, method="inverted_cdf") for _, drawn in found]
    inside = np.mean([low <= right <= high for (right, _), (low, high) in zip(found, bounds, strict=True)])
    return float(beyond.mean() / (beyond.std(ddof=1) / np.sqrt(RINGS))), float(inside)


@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_the_model_predicts_how_many_claims_hold_in_the_third_year(overlap: float) -> None:
    z, inside = beyond_prediction(None, overlap=overlap)
    assert abs(z) < 3
    assert inside > 0.8


@pytest.mark.parametrize(("true_share", "a", "b", "sign"), [(0.02, 40.0, 1.0, -1), (0.98, 1.0, 40.0, 1)])
def test_a_prediction_with_the_wrong_share_is_found_out_by_many_rings_together(
    true_share: float, a: float, b: float, sign: int
) -> None:
    """The sum over rings tells; the interval of a single ring is too wide to, and holds four of five all the same."""
    z, _ = beyond_prediction(true_share, a, b)
    assert sign * z > 4


@pytest.mark.skipif(not third_year.data_folder().is_dir(), reason="the real data lie in ../shared/data, which is not here")
@pytest.mark.parametrize("ring", sorted(third_year.MAIN))
def test_three_years_of_real_rings_can_be_held_out(ring: str) -> None:
    panel = third_year.panel_of(ring, load_catalogue())
    held = third_year.hold_out(panel, load_catalogue(), ring, 2016, 500, SEED)
    for one in held.values():
        assert len(one.claim) == len(panel.cities)
        assert np.isfinite(one.drawn).all()
        assert np.median(one.drawn) == pytest.approx(0, abs=0.05)
    _, overall = third_year.tables(ring, {2016: held})
    known = overall.query("findings > 0")
    assert len(known)
    assert (known["right"] <= known["findings"]).all()
    assert known["predicted"].between(0.5, 1.0).all()
    assert known["low"].le(known["high"]).all()
