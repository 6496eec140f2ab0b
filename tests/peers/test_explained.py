from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from integstat.catalogue.load import Catalogue, load_catalogue
from integstat.panel import COUNT_COLUMNS, Panel
from integstat.peers.explained import (
    COLUMNS,
    FEWEST_CITIES,
    _from_peers,
    explained,
    explained_table,
    group_weights,
    level_and_change,
    link_values,
)
from integstat.peers.features.build import scale_features
from integstat.peers.neighbours import nearest_neighbours

from .rings import islands, ring, settings


def grouped(share: float, seed: int, cities: int = 80, groups: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Values with variance 1, of which groups hold `share`, and the groups."""
    rng = np.random.default_rng(seed)
    truth = np.arange(cities) % groups
    means = rng.normal(size=groups)
    means = (means - means[truth].mean()) / means[truth].std()
    return np.sqrt(share) * means[truth] + np.sqrt(1 - share) * rng.normal(size=cities), truth


def repeated(one: Callable[[int], tuple[float, float]], count: int = 40) -> tuple[float, float, float]:
    """Mean and SD of a share over rings, and mean standard error."""
    shares, errors = np.array([one(seed) for seed in range(count)]).T
    return float(shares.mean()), float(shares.std()), float(errors.mean())


@pytest.mark.parametrize(("share", "within"), [(0.3, 0.06), (0.6, 0.05), (0.9, 0.02)])
def test_share_of_groups_is_recovered(share: float, within: float) -> None:
    def one(seed: int) -> tuple[float, float]:
        values, truth = grouped(share, seed)
        found = explained(values, np.zeros(80), group_weights(truth[None]))
        return found.share, found.se

    mean, sd, se = repeated(one)
    assert mean == pytest.approx(share, abs=within)
    assert se == pytest.approx(sd, rel=0.4)


def test_counting_error_is_taken_out() -> None:
    def one(seed: int) -> tuple[float, float]:
        values, truth = grouped(0.6, seed, cities=150)
        rng = np.random.default_rng(1000 + seed)
        errors = rng.uniform(0.05, 1.0, size=150)
        found = explained(values + np.sqrt(errors) * rng.normal(size=150), errors, group_weights(truth[None]))
        return found.share, found.se

    mean, sd, se = repeated(one, 25)
    assert mean == pytest.approx(0.6, abs=0.06)
    assert se == pytest.approx(sd, rel=0.5)


def test_noise_is_explained_by_nothing() -> None:
    def one(seed: int) -> tuple[float, float]:
        values, truth = grouped(0.0, seed)
        found = explained(values, np.zeros(80), group_weights(truth[None]))
        return found.share, found.se

    mean, sd, _ = repeated(one)
    assert -0.02 < mean < 0.01
    assert sd < 0.03


def neighbour_weights(points: np.ndarray) -> np.ndarray:
    choice = settings(points.shape[1], neighbours=8)
    return np.asarray(nearest_neighbours(scale_features(ring(points), choice, 1), choice, 1).weights)


def test_neighbours_win_on_a_slope() -> None:
    rng = np.random.default_rng(1)
    points, none = rng.normal(size=(90, 2)), np.zeros(90)
    values, cut = points @ [1.0, 1.0] + 0.5 * rng.normal(size=90), np.digitize(points[:, 0], [-0.5, 0.5])
    groups = explained(values, none, group_weights(cut[None])).share
    assert 0 < groups < explained(values, none, neighbour_weights(points)).share - 0.1


def test_groups_win_on_islands() -> None:
    points, truth = islands(5, 16)
    notions, none = (group_weights(truth[None]), neighbour_weights(points)), np.zeros(80)
    rings = []
    for seed in range(20):
        values = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])[truth] + np.random.default_rng(seed).normal(size=80)
        rings.append([explained(values, none, weights).share for weights in notions])
    groups, neighbours = np.mean(rings, axis=0)
    assert 0.4 < neighbours < groups


def test_the_city_itself_has_no_say_in_its_forecast() -> None:
    values, truth = grouped(0.6, 3, cities=40)
    weights, noise, ones = group_weights(truth[None]), np.full(40, 0.1), np.ones(40)
    centre = (values.sum() - values) / 39
    first = _from_peers(values, noise, centre, weights, ones, 1.0)
    other = values.copy()
    other[0] += 50.0
    second = _from_peers(other, noise, (other.sum() - other) / 39, weights, ones, 1.0)
    assert second[0] == pytest.approx(first[0], abs=1e-9)
    assert (np.abs(second[1:] - first[1:]) > 1e-3).all()


@run(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.floats(-5, 5), st.floats(0.1, 10))
def test_order_labels_origin_and_scale_do_not_matter(seed: int, shift: float, factor: float) -> None:
    rng = np.random.default_rng(seed)
    values, truth = grouped(0.5, seed, cities=30, groups=3)
    errors = rng.uniform(0.0, 0.3, size=30)
    first = explained(values, errors, group_weights(truth[None]))
    order = rng.permutation(30)
    other = explained(factor * values[order] + shift, factor**2 * errors[order], group_weights((2 - truth[order])[None]))
    assert other.share == pytest.approx(first.share, abs=1e-6, nan_ok=True)
    assert other.se == pytest.approx(first.se, abs=1e-6, nan_ok=True)


def test_cities_without_a_value_are_left_out() -> None:
    values, truth = grouped(0.6, 4, cities=60)
    some = np.where(np.arange(60) < 45, values, np.nan)
    found = explained(some, np.zeros(60), group_weights(truth[None]))
    alone = explained(values[:45], np.zeros(45), group_weights(truth[None, :45]))
    assert found.cities == 45
    assert (found.share, found.se) == pytest.approx((alone.share, alone.se))


def test_nothing_is_said_of_few_cities_or_nothing_to_explain() -> None:
    values, truth = grouped(0.6, 5, cities=FEWEST_CITIES - 1)
    few = explained(values, np.zeros(len(values)), group_weights(truth[None]))
    assert np.isnan(few.share) and np.isnan(few.se) and few.cities == FEWEST_CITIES - 1
    errors = np.full(60, 0.25)
    noise = explained(0.5 * np.random.default_rng(6).normal(size=60), errors, group_weights((np.arange(60) % 4)[None]))
    assert np.isnan(noise.share)
    assert np.isnan(explained(np.ones(60), np.zeros(60), group_weights((np.arange(60) % 4)[None])).share)


def test_no_peers_explain_exactly_nothing() -> None:
    values, _ = grouped(0.6, 7)
    found = explained(values, np.zeros(80), np.zeros((80, 80)))
    assert (found.share, found.se) == (0.0, 0.0)


def test_group_weights_are_the_others_of_the_group() -> None:
    weights = group_weights(np.array([[0, 0, 0, 1], [0, 0, 1, 2]]))
    np.testing.assert_allclose(weights, [[0, 0.75, 0.25, 0], [0.75, 0, 0.25, 0], [0.5, 0.5, 0, 0], [0, 0, 0, 0]])


def test_link_values_have_the_variance_they_claim() -> None:
    rng = np.random.default_rng(8)
    y = rng.binomial(400, 0.2, size=20_000)
    values, variances = link_values(y, np.full(20_000, 400), "logit")
    assert values.mean() == pytest.approx(np.log(0.2 / 0.8), abs=0.005)
    assert values.var() == pytest.approx(variances.mean(), rel=0.05)
    y = rng.poisson(30, size=20_000)
    values, variances = link_values(y, np.full(20_000, 1000), "log")
    assert values.mean() == pytest.approx(np.log(0.03), abs=0.01)
    assert values.var() == pytest.approx(variances.mean(), rel=0.05)


def test_cells_that_tell_nothing_have_no_value() -> None:
    values, variances = link_values(np.array([0.0, 0.0, 12.0, 10.0]), np.array([0.0, 10.0, 10.0, 10.0]), "logit")
    assert np.isnan(values).tolist() == np.isnan(variances).tolist() == [True, False, True, False]
    assert values[1] == -values[3]
    assert np.isfinite(link_values(np.array([12.0]), np.array([10.0]), "log")[0]).all()


def test_coarse_and_survey_counts_are_less_sure() -> None:
    y, n = np.array([40.0]), np.array([100.0])
    exact = link_values(y, n, "logit")[1]
    assert link_values(y, n, "logit", evidence=0.5)[1] == pytest.approx(2 * exact, rel=0.02)
    assert link_values(y, n, "logit", doubt=2.0)[1] > exact


def test_change_of_a_stock_varies_less() -> None:
    values, variances = np.array([[0.0, 1.0, 3.0]]), np.array([[0.2, 9.0, 0.4]])
    found = level_and_change(values, variances, 0.5)
    assert [part[0] for part in found["level"]] == [3.0, 0.4]
    assert [part[0] for part in found["change"]] == pytest.approx([3.0, 0.3])
    assert list(level_and_change(values[:, :1], variances[:, :1], 0.5)) == ["level"]


def panel_of(catalogue: Catalogue, truth: np.ndarray) -> Panel:
    """Levels follow the groups, changes nothing at all beyond chance of their own."""
    rng = np.random.default_rng(9)
    cities = [f"{91001 + i}" for i in range(len(truth))]
    level = np.array([-1.0, 0.0, 1.0])[truth] + 0.4 * rng.normal(size=len(truth))
    rows = []
    for definition in ("A2.restricted_base", SAME_LAND):
        for year, shift in ((2019, 0.0), (2021, 0.5 * rng.normal(size=len(truth)))):
            p = 1 / (1 + np.exp(-(level + shift - 1.0)))
            for city, one in zip(cities, p, strict=True):
                row = (city, definition.split(".")[0], definition, "target", year, rng.binomial(4000, one), 4000)
                rows.append((*row, "value", "value", "", "test"))
    table = pd.DataFrame({"city": cities, "name": cities, "land": "91", "land_name": "Musterland"})
    return Panel(pd.DataFrame(rows, columns=list(COUNT_COLUMNS)), table)


CATALOGUE = load_catalogue()
SAME_LAND = next(one for one in CATALOGUE.definition_ids if CATALOGUE.definition(one)[1].scope == "same_land")


def test_table_of_a_ring() -> None:
    truth = np.arange(60) % 3
    panel = panel_of(CATALOGUE, truth)
    cities = list(panel.cities["city"])[::-1]
    notions = {"groups": group_weights(truth[None, ::-1]), "halves": group_weights((np.arange(60) < 30)[None].astype(int))}
    table = explained_table(panel, CATALOGUE, ["A2.restricted_base", SAME_LAND], (2019, 2021), cities, notions)
    assert list(table.columns) == COLUMNS
    assert set(table["definition"]) == {"A2.restricted_base"}
    assert (table["cities"] == 60).all()
    share = table.set_index(["quantity", "notion"])["share"]
    assert share["level", "groups"] > 0.5
    assert share["level", "none"] == share["change", "none"] == 0.0
    assert share["change"].abs().max() < 0.15
    assert abs(share["level", "halves"]) < 0.15
    one_year = explained_table(panel, CATALOGUE, ["A2.restricted_base"], (2021,), cities, notions)
    assert set(one_year["quantity"]) == {"level"}
