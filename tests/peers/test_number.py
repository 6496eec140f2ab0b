import numpy as np
import pytest
from scipy.stats import yeojohnson

from integstat.peers.number import numbers, prediction_strength
from integstat.peers.structure import _straight, structure_test

from .rings import islands


def test_measures_name_the_number_of_islands() -> None:
    rng = np.random.default_rng(3)
    points = 6.0 * rng.normal(size=(4, 5))[np.arange(32) % 4] + rng.normal(size=(32, 5))
    found = numbers(points, range(2, 7), np.random.default_rng(1))
    assert found.named == {"prediction_strength": 4, "gap": 4, "bic": 4, "silhouette": 4}
    table = found.table.set_index("k")
    assert table.index.tolist() == [1, 2, 3, 4, 5, 6]
    assert table.loc[4, "prediction_strength"] == pytest.approx(1.0)
    assert table["silhouette"].idxmax() == 4
    assert np.isnan(table.loc[1, "silhouette"])


def test_one_cloud_is_one_group_to_all_measures_that_can_say_so() -> None:
    points = np.random.default_rng(4).normal(size=(50, 6))
    found = numbers(points, range(2, 6), np.random.default_rng(1))
    assert (found.named["prediction_strength"], found.named["bic"]) == (1, 1)
    assert found.named["gap"] <= 2


def test_prediction_strength_falls_where_an_island_is_cut() -> None:
    points, _ = islands(3, 12, seed=5)
    found = prediction_strength(points, range(2, 6), np.random.default_rng(2), splits=10)
    assert found[1] == pytest.approx(1.0)
    assert found[2:].max() < 0.8
    assert ((found >= 0) & (found <= 1)).all()


def test_structure_is_found_where_it_is_and_not_where_it_is_not() -> None:
    points, _ = islands(3, 10, seed=6, noise=1.5)
    clear = structure_test(points[None], range(2, 5), 1, clouds=39)
    assert clear.grouped
    assert clear.p == pytest.approx(1 / 40)
    slope = np.outer(np.random.default_rng(7).normal(size=30), [3.0, 2.0, 1.0]) + np.random.default_rng(8).normal(size=(30, 3))
    assert not structure_test(slope[None], range(2, 5), 1, clouds=39).grouped


def test_structure_does_not_depend_on_cores_or_unit() -> None:
    points = np.random.default_rng(9).normal(size=(20, 3))
    first = structure_test(points[None], range(2, 4), 5, clouds=9)
    again = structure_test(points[None], range(2, 4), 5, clouds=9, cores=3)
    assert first.p == again.p
    assert first.table.equals(again.table)
    assert structure_test(7.0 * points[None], range(2, 4), 5, clouds=9).p == first.p


def test_level_of_the_test_on_clouds() -> None:
    """With 19 clouds the test rejects in 5 % of structureless rings: 9 or more of 25 about once in a hundred thousand."""
    rng = np.random.default_rng(10)
    rejected = sum(
        structure_test((rng.normal(size=(20, 3)) @ rng.normal(size=(3, 3)))[None], range(2, 4), number, clouds=19).grouped
        for number in range(25)
    )
    assert rejected < 9


def test_skewed_features_alone_make_no_groups() -> None:
    """Half the log-normal clouds would be taken for groups if they were held against symmetric ones."""
    rng = np.random.default_rng(11)
    found = [structure_test(np.exp(0.7 * rng.normal(size=(1, 30, 4))), range(2, 5), i, clouds=19).grouped for i in range(10)]
    assert sum(found) <= 4


def test_p_is_the_median_over_completions() -> None:
    rng = np.random.default_rng(12)
    points = np.stack([rng.normal(size=(20, 3)) for _ in range(3)])
    found = structure_test(points, range(2, 4), 1, clouds=19)
    assert 0.05 <= found.p <= 1.0
    assert found.table["value"].notna().all()
    assert set(found.excess) == {2, 3}


def test_fewer_cities_than_features() -> None:
    points = np.random.default_rng(13).normal(size=(9, 14))
    found = numbers(points, range(2, 4), np.random.default_rng(1))
    assert np.isfinite(found.table["gap"]).all()


def test_a_power_transformation_is_undone() -> None:
    values = np.random.default_rng(14).normal(size=(50, 4)) + np.array([0.0, 1.0, -1.0, 3.0])
    power = np.array([-0.5, 0.0, 2.0, 2.7])
    bent = np.column_stack([yeojohnson(column, one) for column, one in zip(values.T, power, strict=True)])
    np.testing.assert_allclose(_straight(bent, power), values)
    assert _straight(np.array([[5.0]]), np.array([-0.5])) == np.inf
