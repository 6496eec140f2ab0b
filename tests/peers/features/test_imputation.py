from functools import cache

import numpy as np
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from integstat.peers.features.imputation import impute

DRAWS = 9


def correlated(cities: int, features: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(cities, 2)) @ rng.normal(size=(2, features)) + 0.4 * rng.normal(size=(cities, features))
    return np.asarray(values / values.std(axis=0))


def ids(features: int) -> list[str]:
    return [f"f{j}" for j in range(features)]


@cache
def recovered() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draws (DRAWS, n), true values (n,) and ring medians (n,) of figures that were taken away."""
    draws, truths, medians = [], [], []
    for seed in range(4):
        full = correlated(50, 7, seed)
        gone = np.zeros(full.shape, dtype=bool)
        gone[np.random.default_rng(seed).choice(50, 20, replace=False), :2] = True
        gaps = np.where(gone, np.nan, full)
        draws.append(impute(gaps, ids(7), DRAWS, seed)[:, gone])
        truths.append(full[gone])
        medians.append(np.broadcast_to(np.nanmedian(gaps, axis=0), full.shape)[gone])
    return np.concatenate(draws, axis=1), np.concatenate(truths), np.concatenate(medians)


def test_the_truth_is_one_more_draw() -> None:
    """Among nine draws the truth is the smallest or largest of ten numbers in a fifth of the cases."""
    draws, truth, _ = recovered()
    rank = (draws < truth).sum(axis=0)
    assert abs(np.mean((rank > 0) & (rank < DRAWS)) - 0.8) < 0.1
    assert abs(np.mean(rank) - DRAWS / 2) < 1.0


def test_the_mean_of_the_draws_beats_the_median_of_the_ring() -> None:
    draws, truth, median = recovered()
    assert np.mean((draws.mean(axis=0) - truth) ** 2) < 0.6 * np.mean((median - truth) ** 2)


def test_known_values_stand_and_every_gap_is_filled() -> None:
    values = correlated(20, 4, 1)
    values[[0, 3, 3], [1, 1, 2]] = np.nan
    found = impute(values, ids(4), 3, 1)
    assert found.shape == (3, 20, 4)
    assert np.isfinite(found).all()
    known = np.isfinite(values)
    for draw in found:
        np.testing.assert_array_equal(draw[known], values[known])
    assert len(np.unique(found[:, 0, 1])) == 3


def test_one_imputation_where_nothing_is_missing() -> None:
    values = correlated(20, 4, 1)
    np.testing.assert_array_equal(impute(values, ids(4), 5, 1), values[None])


@run(deadline=None, max_examples=5)
@given(st.permutations(range(4)), st.integers(0, 99))
def test_order_of_the_features_does_not_count(order: list[int], seed: int) -> None:
    values = correlated(12, 4, 2)
    values[[0, 1, 5, 5], [3, 1, 1, 0]] = np.nan
    first = impute(values, ids(4), 2, seed)
    second = impute(values[:, order], [ids(4)[j] for j in order], 2, seed)
    np.testing.assert_array_equal(second, first[:, :, order])


def test_a_copy_lies_on_its_original_and_a_silent_city_on_no_other() -> None:
    values = correlated(14, 4, 3)
    values[2, 1] = np.nan
    values[7] = values[2]
    values[[4, 9]] = np.nan
    found = impute(values, ids(4), 4, 1)
    np.testing.assert_array_equal(found[:, 7], found[:, 2])
    assert (found[:, 4] != found[:, 9]).all()


def test_a_feature_alone_is_drawn_from_the_rings_spread() -> None:
    values = correlated(60, 1, 4)
    values[:20] = np.nan
    found = impute(values, ["f0"], 5, 1)[:, :20]
    assert 0.7 < found.std() < 1.3


def test_a_copied_feature_fills_the_gap_of_its_original() -> None:
    values = correlated(25, 3, 5)
    values = np.column_stack([values, values[:, 0]])
    truth = values[4, 0]
    values[4, 0] = np.nan
    np.testing.assert_allclose(impute(values, ids(4), 5, 1)[:, 4, 0], truth, atol=0.05)
