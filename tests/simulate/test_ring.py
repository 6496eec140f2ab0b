"""Simulated rings: fictional keys, magnitudes as stated, and workbooks that hold exactly the simulated counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from integstat.catalogue import Catalogue, load_catalogue
from integstat.change.model import inverse_link
from integstat.change.settings import Priors
from integstat.config import load_ring
from integstat.intake.take_in import take_in
from integstat.simulate import Parameters, Ring, draw_truth, from_priors, simulate_ring, truth_table, write_ring
from integstat.simulate.measures import fictional_measures
from integstat.simulate.ring import CORRELATION, LAENDER, PLANS, SD_LAND, SD_LEVEL, SD_PEER, SD_SHIFT, YEARS

MANY = 2400


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def large(catalogue: Catalogue) -> Ring:
    """Many cities, so that SDs show."""
    return simulate_ring(catalogue, MANY, len(PLANS), seed=5)


@pytest.fixture(scope="module")
def small(catalogue: Catalogue) -> Ring:
    return simulate_ring(catalogue, 8, len(PLANS), seed=11)


@pytest.fixture(scope="module")
def written(catalogue: Catalogue, small: Ring, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ring(small, catalogue, tmp_path_factory.mktemp("ring"), seed=11)


def within(values: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Deviations from the mean of each cell."""
    frame = pd.DataFrame(values)
    return np.asarray((frame - frame.groupby(cells).transform("mean")).to_numpy())


def spread(values: np.ndarray, lost: int = 1) -> float:
    """SD with as many degrees of freedom taken off as cell means were."""
    return float(np.sqrt((values**2).sum() / (values.size - lost)))


def test_keys_and_laender_are_fictional(catalogue: Catalogue) -> None:
    ring = simulate_ring(catalogue, 24, 1, seed=1)
    assert list(ring.cities["city"]) == [f"{land}{number:03d}" for land in LAENDER for number in range(1, 9)]
    assert ring.cities["land"].value_counts().to_dict() == {"91": 8, "92": 8, "93": 8}
    assert ring.cities["name"].str.endswith("(fiktiv)").all()
    assert ring.cities["name"].is_unique
    assert list(ring.context.index) == list(ring.cities["city"])
    assert set(LAENDER).isdisjoint({land for one in catalogue.breaks for land in one.laender})


def test_names_and_keys_stay_unique_in_large_rings(large: Ring) -> None:
    assert large.cities["name"].is_unique
    assert large.cities["city"].is_unique
    assert set(large.cities["city"].str.len()) == {5}


def test_the_first_year_s_context_is_complete_and_plausible(large: Ring) -> None:
    context = large.context
    assert context.shape == (MANY, 8)
    assert context.notna().all(axis=None)
    assert (context > 0).all(axis=None)
    assert context["share_65plus"].between(10, 35).all()
    assert context["share_tertiary_sector"].between(40, 100).all()


@pytest.mark.parametrize("plan", PLANS, ids=[plan.definition for plan in PLANS])
def test_spreads_between_cities_are_as_stated(plan: object, large: Ring) -> None:
    truth = large.truths[plan.definition]  # type: ignore[attr-defined]
    groups = truth.mean.shape[1]
    clusters = large.cities["cluster"].to_numpy()
    mean = within(truth.mean, clusters)
    cells = clusters * 10 + large.cities["land"].astype(int).to_numpy()
    change = within(truth.change, cells)
    error = 4.5 / np.sqrt(2 * MANY)  # relative Monte-Carlo error of an SD
    for g in range(groups):
        assert spread(mean[:, g], 4) == pytest.approx(SD_LEVEL, rel=error)
        assert spread(change[:, g], 12) == pytest.approx(plan.sd_change[g], rel=error)  # type: ignore[attr-defined]
    if groups == 2:
        for deviations in (mean, change):
            found = np.corrcoef(deviations.T)[0, 1]
            assert found == pytest.approx(CORRELATION, abs=4.5 * (1 - CORRELATION**2) / np.sqrt(MANY))


def test_spreads_between_peer_groups_and_of_the_ring_s_shift_are_as_stated(catalogue: Catalogue) -> None:
    effects: list[float] = []
    shifts: list[float] = []
    for seed in range(12):
        ring = simulate_ring(catalogue, 400, len(PLANS), seed)
        for truth in ring.truths.values():
            deviation = pd.DataFrame(truth.mean - truth.parameters.level)
            effects += list(deviation.groupby(ring.cities["cluster"]).mean().to_numpy().ravel())
            shifts += list(truth.parameters.shift)
    expected = np.sqrt(SD_PEER**2 + SD_LEVEL**2 / 100)  # a mean over 100 cities carries some of their spread
    assert len(effects) > 800
    assert np.sqrt(np.mean(np.square(effects))) == pytest.approx(expected, rel=4.5 / np.sqrt(2 * len(effects)))
    assert np.sqrt(np.mean(np.square(shifts))) == pytest.approx(SD_SHIFT, rel=4.5 / np.sqrt(2 * len(shifts)))


def test_land_effects_on_the_change_are_as_stated() -> None:
    rng = np.random.default_rng(3)
    lands = np.repeat(np.arange(800), 2)
    parameters = flat(sd_land_change=SD_LAND)
    change = draw_truth(parameters, np.full((1600, 2, 2), 100.0), "logit", rng, land=lands).change
    assert (change[::2] == change[1::2]).all()
    assert spread(change[::2], 0) == pytest.approx(SD_LAND, rel=4.5 / np.sqrt(2 * 1600))


def flat(**changes: object) -> Parameters:
    """Parameters without any spread, but for the changes."""
    usual: dict[str, object] = {
        "level": np.array([-1.0, -1.5]),
        "shift": np.zeros(2),
        "sd_mean": np.zeros(2),
        "sd_change": np.zeros(2),
        "corr_mean": 0.0,
        "corr_change": 0.0,
        "sd_peer_level": 0.0,
        "sd_peer_change": 0.0,
        "sd_land_change": 0.0,
        "lasting_share": 0.4,
    }
    return Parameters(**(usual | changes))  # type: ignore[arg-type]


def test_what_lasts_is_the_stated_share_of_the_variance() -> None:
    rng = np.random.default_rng(8)
    count = 20_000
    truth = draw_truth(flat(sd_change=np.array([0.3, 0.1])), np.full((count, 2, 2), 100.0), "logit", rng)
    for g in range(2):
        change, lasting = truth.change[:, g], truth.lasting[:, g]
        error = 4.5 / np.sqrt(count)
        assert np.cov(change, lasting)[0, 1] / change.var() == pytest.approx(0.4, abs=error)
        assert lasting.var() / change.var() == pytest.approx(0.4, abs=1.5 * error)


def test_the_years_lie_half_a_change_on_either_side_of_the_mean(small: Ring) -> None:
    for truth in small.truths.values():
        np.testing.assert_allclose(truth.eta.mean(axis=2), truth.mean)
        np.testing.assert_allclose(truth.eta[:, :, 1] - truth.eta[:, :, 0], truth.change)


def test_counts_scatter_around_the_truth_by_counting_error_alone(large: Ring, catalogue: Catalogue) -> None:
    for definition, truth in large.truths.items():
        rate = catalogue.kind(definition) == "rate"
        p = inverse_link(truth.eta, "log" if rate else "logit")
        variance = truth.n * p * (1.0 if rate else 1 - p)
        enough = variance > 5
        score = (truth.y - truth.n * p)[enough] / np.sqrt(variance[enough])
        assert abs(score.mean()) < 4.5 / np.sqrt(score.size)
        assert score.std() == pytest.approx(1.0, abs=5 / np.sqrt(score.size))
        assert (truth.y == np.round(truth.y)).all()
        assert (truth.n == np.round(truth.n)).all()
        assert rate or (truth.y <= truth.n).all()


def test_parameters_from_the_priors_have_the_priors_magnitudes() -> None:
    rng = np.random.default_rng(4)
    priors = Priors()
    draws = [from_priors(priors, np.array([-1.0, -2.0]), rng) for _ in range(4000)]
    sd_change = np.array([one.sd_change for one in draws])
    assert np.median(sd_change) == pytest.approx(priors.sd_change_median, rel=0.06)
    assert np.log(sd_change).std() == pytest.approx(priors.sd_change_log_sd, rel=0.05)
    assert np.array([one.shift for one in draws]).std() == pytest.approx(priors.shift_sd, rel=0.05)
    assert np.mean([one.lasting_share for one in draws]) == pytest.approx(0.4, abs=0.02)
    assert all(-1 < one.corr_change < 1 for one in draws)
    assert all((one.level == [-1.0, -2.0]).all() for one in draws)


def test_indicators_come_in_a_fixed_order_and_leave_the_earlier_ones_alone(catalogue: Catalogue) -> None:
    few, many = simulate_ring(catalogue, 6, 3, seed=9), simulate_ring(catalogue, 6, 12, seed=9)
    assert list(few.truths) == [plan.definition for plan in PLANS[:3]]
    assert len({catalogue.definition(one)[0].field for one in many.truths}) >= 5
    for definition, truth in few.truths.items():
        np.testing.assert_array_equal(truth.y, many.truths[definition].y)
    assert all(definition == catalogue.main_definition(definition.split(".")[0]) for definition in many.truths)


def test_the_intake_reads_back_exactly_the_simulated_counts(written: Path, small: Ring) -> None:
    config, catalogue = load_ring(written)
    delivery = take_in(config, written, catalogue)
    assert [problem for problem in delivery.problems if problem.severity == "error"] == []
    assert list(delivery.panel.cities["city"]) == list(small.cities["city"])
    assert list(delivery.panel.cities["name"]) == list(small.cities["name"])
    assert set(delivery.panel.definitions) == set(small.truths)
    for definition, truth in small.truths.items():
        groups = ("target", "reference")[: truth.n.shape[1]]
        cities, y, n = delivery.panel.arrays(definition, groups, YEARS)
        assert cities == list(small.cities["city"])
        np.testing.assert_array_equal(y, truth.y)
        np.testing.assert_array_equal(n, truth.n)
    assert delivery.context is not None
    assert delivery.context.year == YEARS[0]
    pd.testing.assert_frame_equal(delivery.context.features[small.context.columns], small.context.astype(float))
    assert sorted(delivery.files) == [f"{city}.xlsx" for city in small.cities["city"]]


def test_the_intake_reads_back_the_invented_measures(written: Path, small: Ring) -> None:
    config, catalogue = load_ring(written)
    delivery = take_in(config, written, catalogue)
    told = fictional_measures(small, catalogue, seed=11)
    assert set(delivery.measures["city"]) == set(small.cities["city"]) == set(told)
    assert len(delivery.measures) == sum(len(some) for some in told.values())
    for city, some in told.items():
        read = {replace(one, row=0) for one in some}
        own = delivery.measures[delivery.measures["city"] == city]
        assert set(own["title"]) == {one.title for one in read}
        assert set(zip(own["field"], own["indicator"], strict=True)) == {(one.field, one.indicator) for one in read}


def test_every_measure_says_that_it_is_invented_and_belongs_to_the_ring(catalogue: Catalogue) -> None:
    ring = simulate_ring(catalogue, 40, len(PLANS), seed=2)
    indicators = {catalogue.definition(one)[0].id: catalogue.definition(one)[0].field for one in ring.truths}
    told = fictional_measures(ring, catalogue, seed=2)
    assert told == fictional_measures(ring, catalogue, seed=2) != fictional_measures(ring, catalogue, seed=3)
    measures = [one for some in told.values() for one in some]
    assert {one.indicator for one in measures} == {*indicators, ""}
    for one in measures:
        assert "erfunden" in one.title
        assert "erfunden" in one.description
        assert one.link.endswith(".example")
        assert one.field in set(indicators.values())
        assert not one.indicator or indicators[one.indicator] == one.field


def test_the_config_names_every_main_definition_and_says_that_the_cities_are_invented(written: Path, small: Ring) -> None:
    config, _ = load_ring(written)
    assert config.fictional
    assert config.seed == 11
    assert {f"{indicator}.{name}" for indicator, name in config.ring.main.items()} == set(small.truths)
    assert config.peers is not None
    assert {feature.id for feature in config.peers.feature} == set(small.context.columns)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(catalogue: Catalogue, tmp_path: Path) -> None:
    def files(name: str, seed: int) -> dict[str, bytes]:
        write_ring(simulate_ring(catalogue, 3, 2, seed), catalogue, tmp_path / name, seed)
        return {
            path.relative_to(tmp_path / name).as_posix(): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }

    one, again, other = files("one", 1), files("again", 1), files("other", 2)
    assert one == again
    assert (
        one.keys()
        == other.keys()
        == {"ring.toml", "multiverse.toml", "truth.csv", *(f"workbooks/{land}001.xlsx" for land in LAENDER)}
    )
    assert all((one[name] != other[name]) == (name != "multiverse.toml") for name in one)


def test_the_truth_beside_the_workbooks_is_the_truth(written: Path, small: Ring) -> None:
    table = pd.read_csv(written.parent / "truth.csv", dtype={"city": str})
    assert list(table.columns) == ["city", "definition", "group", "mean", "change", "relative_change", "lasting"]
    pd.testing.assert_frame_equal(table, truth_table(small), check_dtype=False)
    for (definition, group), rows in table.groupby(["definition", "group"]):
        truth = small.truths[str(definition)].change[:, 0 if group == "target" else 1]
        others = [np.median(np.delete(truth, c)) for c in range(len(truth))]
        np.testing.assert_allclose(rows["relative_change"], truth - others)
