from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from integstat.panel import Context
from integstat.peers import neighbours as room
from integstat.peers.features.build import Scaled, scale_features
from integstat.peers.neighbours import Neighbours, nearest_neighbours, variant_weights

from .rings import islands, ring, settings


def scaled_of(values: np.ndarray, **changes: object) -> Scaled:
    return scale_features(ring(values), settings(values.shape[1], **changes), 1)


def found_for(values: np.ndarray, k: int = 5, seed: int = 1, **changes: object) -> Neighbours:
    choice = settings(values.shape[1], neighbours=k, **changes)
    return nearest_neighbours(scale_features(ring(values), choice, 1), choice, seed)


@run(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(2, 25), st.integers(1, 4), st.integers(1, 30), st.booleans())
def test_invariants(seed: int, cities: int, features: int, k: int, coarse: bool) -> None:
    values = np.random.default_rng(seed).normal(size=(cities, features))
    values = np.vstack([values.round(0) if coarse else values, [[5.0] * features, [-5.0] * features]])
    found = found_for(values, k)
    assert found.k == min(k, max(1, (cities + 2) // 3))
    np.testing.assert_allclose(found.probability.sum(axis=1), found.k)
    np.testing.assert_allclose(found.weights.sum(axis=1), 1.0)
    assert (np.diag(found.probability) == 0).all()
    assert ((found.probability >= 0) & (found.probability <= 1 + 1e-12)).all()
    np.testing.assert_array_equal(found.distance, found.distance.T)
    assert found.similarity is not None
    np.testing.assert_array_equal(found.similarity, found.similarity.T)
    assert (np.diag(found.similarity) == 1).all()
    assert np.linalg.eigvalsh(found.similarity).min() > -1e-9


def test_order_of_cities_and_features_does_not_matter() -> None:
    values = np.random.default_rng(1).normal(size=(20, 4))
    first = found_for(values)
    scaled = scaled_of(values)
    order, columns = np.random.default_rng(2).permutation(20), [2, 0, 3, 1]
    mixed = replace(
        scaled,
        cities=tuple(np.array(scaled.cities)[order]),
        features=tuple(scaled.features[j] for j in columns),
        values=scaled.values[:, order][:, :, columns],
        weights=scaled.weights[columns],
    )
    second = nearest_neighbours(mixed, settings(4, neighbours=5), 1)
    np.testing.assert_allclose(second.probability, first.probability[np.ix_(order, order)], atol=1e-12)
    np.testing.assert_allclose(second.distance, first.distance[np.ix_(order, order)], atol=1e-9)
    assert second.lists({}) == first.lists({})


def test_copies_are_alike_and_share_what_is_left() -> None:
    values = np.random.default_rng(3).normal(size=(15, 3))
    found = found_for(np.vstack([values, values[:1], values[:1]]), 4)
    copies, others = [0, 15, 16], np.arange(1, 15)
    for one in copies:
        np.testing.assert_allclose(found.probability[others, one], found.probability[others, 0])
        np.testing.assert_allclose(found.probability[one, others], found.probability[0, others])
        assert found.probability[one, [c for c in copies if c != one]] == pytest.approx([1.0, 1.0])
        assert found.similarity is not None
        assert found.similarity[one, copies] == pytest.approx([1.0, 1.0, 1.0])


def test_ties_at_the_last_place_share_it() -> None:
    found = found_for(np.array([[0.0], [1.0], [-1.0], [3.0], [-3.0]]), 1)
    np.testing.assert_allclose(found.probability[0], [0, 0.5, 0.5, 0, 0])


def test_one_feature_is_the_plain_list() -> None:
    values = np.cumsum(np.arange(1.0, 13.0))[:, None]
    found = found_for(values, 3, limit=1e6)
    away = np.abs(scaled_of(values, limit=1e6).frame.to_numpy() - scaled_of(values, limit=1e6).frame.to_numpy().T)
    np.fill_diagonal(away, np.inf)
    for i in range(12):
        assert set(np.flatnonzero(found.probability[i] == 1.0)) == set(np.argsort(away[i])[:3])
    np.testing.assert_allclose(found.distance[~np.eye(12, dtype=bool)], away[~np.eye(12, dtype=bool)])


def test_seed_moves_probabilities_by_no_more_than_chance() -> None:
    values = np.random.default_rng(4).normal(size=(40, 6))
    apart = np.abs(found_for(values, seed=1).probability - found_for(values, seed=2).probability)
    assert 0 < apart.max() < 0.1
    assert np.sqrt((apart**2).mean()) < 0.016 * np.sqrt(2)


def test_islands_keep_their_neighbours_and_a_slope_does_not() -> None:
    values, truth = islands(3, 7)
    found = found_for(values, 6)
    same = truth[:, None] == truth
    assert found.probability[~same].max() == 0.0
    assert found.similarity is not None
    assert found.similarity[~same].max() < 0.01 < 0.1 < found.similarity[same].min()
    slope = found_for(np.random.default_rng(5).normal(size=(21, 4)), 6)
    assert ((slope.probability > 0.2) & (slope.probability < 0.8)).sum(axis=1).mean() > 2


def test_weights_vary_around_the_stated() -> None:
    scaled = replace(scaled_of(np.random.default_rng(6).normal(size=(9, 4))), weights=np.array([2.5, 0.5, 0.5, 0.5]))
    whole = variant_weights(scaled, 1.0, 1)
    np.testing.assert_allclose(whole.sum(axis=1), 1.0)
    np.testing.assert_allclose(whole.mean(axis=0), scaled.weights / 4, atol=0.03)
    assert (whole > 0).all()
    assert ((variant_weights(scaled, 0.5, 1) > 0).sum(axis=1) == 2).all()


def test_doubt_about_gaps_is_in_the_probabilities() -> None:
    values = np.random.default_rng(7).normal(size=(25, 2))
    scaled = scaled_of(values)
    doubtful = np.stack([scaled.values[0], scaled.values[0]])
    doubtful[:, 0] = [[-3.0, 0.0], [3.0, 0.0]]
    choice = settings(2, neighbours=3, feature_fraction=1.0)
    found = nearest_neighbours(replace(scaled, values=doubtful), choice, 1)
    alone = [nearest_neighbours(replace(scaled, values=doubtful[[m]]), choice, 1) for m in (0, 1)]
    assert (found.probability[0][alone[0].probability[0] == 1.0] <= 0.5).all()
    assert (found.probability[0][alone[1].probability[0] == 1.0] <= 0.5).all()
    assert (found.probability[0] > 0).sum() >= 6


def test_table_and_lists() -> None:
    values, _ = islands(2, 5)
    found = found_for(values, 3)
    names = {found.cities[0]: "Altstadt", found.cities[8]: "Neustadt"}
    table = found.table(names)
    assert list(table.columns) == room.COLUMNS
    assert table["probability"].min() >= room.LEAST_SHOWN
    for _, rows in table.groupby("city"):
        assert rows["rank"].tolist() == list(range(1, len(rows) + 1))
        assert rows["probability"].round(9).is_monotonic_decreasing
    first = table[table["city"] == found.cities[0]]
    assert (first["city_name"] == "Altstadt").all()
    assert "Neustadt" in set(first["neighbour_name"])
    listed = found.lists(names)[found.cities[0]]
    assert "Neustadt (" in listed and listed.count("%") == 3


def test_a_ring_of_one_city_has_no_neighbours() -> None:
    scaled = scaled_of(np.random.default_rng(8).normal(size=(9, 2)))
    alone = replace(scaled, cities=scaled.cities[:1], values=scaled.values[:, :1])
    found = nearest_neighbours(alone, settings(2), 1)
    assert (found.k, found.weights.tolist(), len(found.table({}))) == (0, [[0.0]], 0)


def test_large_rings_keep_what_small_ones_find(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(9).normal(size=(150, 5))
    dense = found_for(values, 6)
    monkeypatch.setattr(room, "DENSE_CITIES", 100)
    sparse = found_for(values, 6)
    assert sparse.similarity is None
    np.testing.assert_allclose(sparse.weights.sum(axis=1), 1.0)
    assert np.abs(sparse.probability.toarray() - dense.probability).sum(axis=1).mean() / 12 < 0.02
    kept = sparse.probability.toarray() > 0
    np.testing.assert_allclose(sparse.distance.toarray()[kept], dense.distance[kept])
    pd.testing.assert_index_equal(sparse.table({}).columns, dense.table({}).columns)
    assert len(sparse.table({})) == pytest.approx(len(dense.table({})), rel=0.05)


def test_unit_does_not_matter() -> None:
    values = np.random.default_rng(10).normal(size=(20, 3))
    choice = settings(3, neighbours=4)
    lists = []
    for factor in (1.0, 1000.0):
        context = Context(ring(values).features * [factor, 1.0, 0.1 * factor], 2020)
        lists.append(nearest_neighbours(scale_features(context, choice, 1), choice, 1))
    np.testing.assert_allclose(lists[0].probability, lists[1].probability, atol=1e-12)
