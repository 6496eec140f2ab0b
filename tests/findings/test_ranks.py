"""Ranks with their uncertainty, and what a run leaves to ask for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from tests.findings.rings import YEARS, catalogue, indicator, panel, tree

from integstat.errors import DataError
from integstat.findings import Baseline
from integstat.findings.ranks import RANK_COLUMNS, comparison_of, rank_table, read_comparison, told_apart, write_comparison

DRAWS = st.integers(2, 9).flatmap(lambda c: arrays(float, (12, c), elements=st.integers(-3, 3).map(float)))


def names(count: int) -> list[str]:
    return [f"{i:05d}" for i in range(count)]


@settings(max_examples=30, deadline=None)
@given(values=DRAWS)
def test_ranks_add_up_and_turn_with_the_sign(values: np.ndarray) -> None:
    count = values.shape[1]
    table, turned = rank_table(values, names(count)), rank_table(-values, names(count))
    assert list(table.columns) == list(RANK_COLUMNS)
    assert table["rank_mean"].sum() == pytest.approx(count * (count + 1) / 2)
    np.testing.assert_allclose(turned["rank_mean"], count + 1 - table["rank_mean"])
    np.testing.assert_allclose(turned["p_top_quarter"], table["p_bottom_quarter"])
    assert (table["rank_lower"] >= 1).all() and (table["rank_upper"] <= count).all()
    assert (table["rank_lower"] <= table["rank_upper"]).all()
    assert told_apart(values) == told_apart(-values)


@settings(max_examples=20, deadline=None)
@given(values=DRAWS, seed=st.integers(0, 99))
def test_the_order_of_the_cities_does_not_matter(values: np.ndarray, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(values.shape[1])
    table = rank_table(values, names(len(order)))
    moved = rank_table(values[:, order], [names(len(order))[i] for i in order])
    pd.testing.assert_frame_equal(moved.sort_values("city", ignore_index=True), table)
    assert told_apart(values[:, order]) == told_apart(values)


@settings(max_examples=20, deadline=None)
@given(values=DRAWS)
def test_identical_cities_share_their_ranks(values: np.ndarray) -> None:
    twice = np.column_stack([values, values[:, 0]])
    table = rank_table(twice, names(twice.shape[1])).set_index("city")
    pd.testing.assert_series_equal(table.iloc[0], table.iloc[-1], check_names=False)


def test_ranks_by_hand() -> None:
    values = np.array([[4.0, 3, 2, 1], [4, 2, 3, 1], [4, 2, 2, 1], [1, 2, 3, 4]])
    table = rank_table(values, names(4), interval=0.5)
    assert table["rank_mean"].tolist() == [1.75, 2.625, 2.375, 3.25]
    assert table["rank_lower"].tolist() == [1, 2, 2, 1]
    assert table["rank_upper"].tolist() == [1, 3, 2.5, 4]
    assert table["p_top_quarter"].tolist() == [0.75, 0, 0, 0.25]
    assert table["p_bottom_quarter"].tolist() == [0.25, 0, 0, 0.75]


@pytest.mark.parametrize(("count", "quarter"), [(4, 1), (5, 1), (6, 2), (10, 3), (24, 6), (67, 17)])
def test_a_quarter_is_a_whole_number_of_cities(count: int, quarter: int) -> None:
    values = np.random.default_rng(count).standard_normal((50, count))
    table = rank_table(values, names(count))
    assert table["p_top_quarter"].sum() == pytest.approx(quarter)
    assert table["p_bottom_quarter"].sum() == pytest.approx(quarter)


def test_three_cities_have_no_quarter() -> None:
    table = rank_table(np.random.default_rng(0).standard_normal((50, 3)), names(3))
    assert table[["p_top_quarter", "p_bottom_quarter"]].isna().all(axis=None)
    assert table["rank_mean"].notna().all()


def test_a_city_without_a_figure_gets_and_takes_no_rank() -> None:
    values = np.random.default_rng(0).standard_normal((200, 9))
    gap = values.copy()
    gap[:, 4] = np.nan
    table, rest = rank_table(gap, names(9)), rank_table(np.delete(values, 4, axis=1), np.delete(names(9), 4).tolist())
    assert table.loc[4].drop("city").isna().all()
    pd.testing.assert_frame_equal(table.drop(index=4).reset_index(drop=True), rest)
    assert told_apart(gap) == told_apart(np.delete(values, 4, axis=1))


def test_no_figure_at_all_is_no_rank_at_all() -> None:
    table = rank_table(np.full((10, 3), np.nan), names(3))
    assert table["rank_mean"].isna().all() and table["city"].tolist() == names(3)
    assert np.isnan(told_apart(np.full((10, 3), np.nan)))


def test_intervals_hold_what_they_say_and_the_true_rank() -> None:
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(60):
        truth = rng.standard_normal(20)
        seen = truth + 0.7 * rng.standard_normal(20)
        shrunk, sd = seen / 1.49, np.sqrt(0.49 / 1.49)  # the posterior under the prior that drew the truth
        table = rank_table(shrunk + sd * rng.standard_normal((400, 20)), names(20))
        true_rank = stats.rankdata(-truth)
        inside.append(((table["rank_lower"] <= true_rank) & (true_rank <= table["rank_upper"])).mean())
    assert 0.89 < np.mean(inside) < 0.96  # at least 0.90 but for Monte-Carlo error; more, because ranks are whole


def test_pairs_are_told_apart_from_their_probability_on() -> None:
    draws = np.random.default_rng(2).standard_normal((20000, 3))
    for distance, told in ((stats.norm.ppf(0.94), 0.0), (stats.norm.ppf(0.96), 1 / 3)):
        values = draws + np.array([0.0, distance * np.sqrt(2), 0.5 * distance * np.sqrt(2)])
        assert told_apart(values) == pytest.approx(told)  # only the two outer ones
    assert told_apart(np.arange(4.0)[None].repeat(5, axis=0)) == 1.0
    assert told_apart(np.zeros((5, 4))) == 0.0


def small() -> tuple[dict[str, str], object, object, pd.DataFrame]:
    """Main definitions, panel, catalogue and grid of three cities."""
    book = catalogue(indicator("U", "-"), indicator("V", "none"), indicator("W", scope="same_land"))
    main = {one: f"{one}.main" for one in ("U", "V", "W")}
    one = tree(np.zeros((4, 3, 2)), np.zeros((4, 3, 2)))
    grid = pd.DataFrame({"city": names(3) * 3, "definition": np.repeat(list(main.values()), 3), "eligible": True})
    grid.loc[[1, 3, 4, 5], "eligible"] = False
    return main, dict.fromkeys(main.values(), one), book, grid


@pytest.mark.parametrize(("lands", "scope"), [(["03", "03", "03"], "all_cities"), (["03", "05", "05"], "same_land")])
def test_a_run_leaves_what_a_comparison_needs(lands: list[str], scope: str, tmp_path: Path) -> None:
    main, trees, book, grid = small()
    found = comparison_of(main, panel(trees, 3, lands), book, YEARS, grid, None)  # type: ignore[arg-type]
    write_comparison(tmp_path / "c.json", found)
    assert read_comparison(tmp_path / "c.json") == found
    assert found.years == YEARS and found.baseline is None
    assert found.cities == {city: f"Stadt {city}" for city in names(3)}
    assert found.main["U"].model_dump() == {
        "definition": "U.main", "polarity": -1, "finding_allowed": True, "scope": "all_cities", "left_out": ("00001",),
    }  # fmt: skip
    assert (found.main["V"].polarity, found.main["V"].finding_allowed) == (0, False)
    assert (found.main["W"].scope, found.main["W"].left_out) == (scope, ())


@pytest.mark.parametrize(
    "peers",
    [
        Baseline(("00000", "00001", "00002"), labels=np.array([[0, 0, 1], [0, 1, 1], [0, 0, 0]])),
        Baseline(("00000", "00001", "00002"), weights=np.array([[0, 0.3, 0.7], [1.0, 0, 0], [0.1, 0.2, 0]])),
        Baseline(("00000", "00001", "00002"), weights=np.zeros((3, 3))),
    ],
    ids=["labels", "weights", "nobody"],
)
def test_peers_come_back_as_they_were(peers: Baseline, tmp_path: Path) -> None:
    main, trees, book, grid = small()
    write_comparison(tmp_path / "c.json", comparison_of(main, panel(trees, 3), book, YEARS, grid, peers))  # type: ignore[arg-type]
    back = read_comparison(tmp_path / "c.json").baseline
    assert back is not None and back.cities == peers.cities
    values = np.random.default_rng(0).standard_normal((7, 3))
    everyone = np.ones(3, dtype=bool)
    np.testing.assert_array_equal(back.mean(values, everyone), peers.mean(values, everyone))


@pytest.mark.parametrize("content", [None, "{", '{"years": [2020]}', "[]"])
def test_without_the_file_or_with_a_damaged_one_it_says_so(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "comparison.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match="fehlt" if content is None else "beschädigt") as caught:
        read_comparison(path)
    assert caught.value.place == str(path) and "integstat run" in caught.value.mend
