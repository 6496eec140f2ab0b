"""Learning partners: who may be one, in which order, and what is said where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.findings import Baseline
from integstat.findings.partners import (
    PARTNER_COLUMNS,
    PARTNER_MEASURE_COLUMNS,
    Peers,
    learning_partners,
    partner_measures,
    peers_of,
)
from integstat.intake.measures import Measure, measure_table

many = settings(max_examples=25, deadline=None)
NOTHING = measure_table({})
FIELD_OF = {"A1": "work", "A2": "work", "S1": "language"}


def cell(city: str, change: str = "open", level: str = "open", *, indicator: str = "A1", **more: Any) -> dict[str, Any]:
    """A cell of the grid; a declared deficit counts."""
    usual = {
        "city": city,
        "city_name": f"Stadt {city}",
        "field": FIELD_OF[indicator],
        "indicator": indicator,
        "definition": f"{indicator}.main",
        "finding_change": change,
        "finding_level": level,
        "p_success": 0.9,
        "p_better": 0.85,
        "p_deficit": 0.95,
        "counts_as_deficit": change == "worsened" or level == "worse",
        "flags": "",
    }
    return usual | more


def everybody(cities: str, p: float = 0.8) -> Peers:
    """All cities of one letter each, peers of one another."""
    return Peers(tuple(cities), p * (1 - np.eye(len(cities))))


def partners(*cells: dict[str, Any], peers: Peers | None = None, measures: pd.DataFrame = NOTHING, **more: Any) -> pd.DataFrame:
    return learning_partners(pd.DataFrame(cells), peers or everybody("abcdefgh"), measures, **more)


def test_a_peer_that_improved_is_a_partner_of_one_that_worsened() -> None:
    (row,) = partners(cell("a", "worsened"), cell("b", "improved", flags="poor_level"), cell("c")).to_dict("records")
    assert (row["city"], row["deficit"], row["outcome"], row["partner"]) == ("a", "worsened", "partner", "b")
    assert (row["peers"], row["partners"], row["place"], row["success"]) == (7, 1, 1, "improved")
    assert (row["p_peer"], row["p_partner"], row["weight"]) == pytest.approx((0.8, 0.9, 0.72))
    assert (row["partner_name"], row["partner_flags"], row["measures"], row["measures_for"]) == ("Stadt b", "poor_level", 0, "")


@pytest.mark.parametrize(
    ("change", "level", "deficit", "found"),
    [
        ("worsened", "open", "worsened", {"b": "improved", "d": "improved"}),
        ("open", "worse", "worse", {"b": "improved", "c": "better", "d": "improved;better"}),
        ("improved", "worse", "worse", {"b": "improved", "c": "better", "d": "improved;better"}),
        ("worsened", "worse", "worsened;worse", {"b": "improved", "c": "better", "d": "improved;better"}),
        ("open", "open", "either", {"b": "improved", "c": "better", "d": "improved;better"}),
    ],
)
def test_a_better_level_answers_a_deficit_of_the_level_only(change: str, level: str, deficit: str, found: dict[str, str]) -> None:
    table = partners(
        cell("a", change, level, counts_as_deficit=True),
        cell("b", "improved", "open"),
        cell("c", "unchanged", "better"),
        cell("d", "improved", "better", p_better=0.97),
        cell("e", "unchanged", "as_expected"),
    )
    assert set(table["deficit"]) == {deficit}
    assert dict(zip(table["partner"], table["success"], strict=True)) == found
    both = table[table["success"] == "improved;better"]
    assert (both["p_partner"] == 0.97).all()


def test_only_the_same_indicator_counts() -> None:
    (row,) = partners(cell("a", "worsened"), cell("b", "improved", indicator="A2")).to_dict("records")
    assert (row["outcome"], row["partners"]) == ("none", 0)


def test_a_likely_success_that_is_not_declared_is_none() -> None:
    table = partners(cell("a", "worsened"), cell("b", "open", p_success=0.99))
    assert table["outcome"].tolist() == ["none"]


def test_no_partner_and_no_peers_are_told_apart() -> None:
    peers = Peers(("a", "b", "c"), np.array([[0, 0.9, 0], [0.9, 0, 0], [0, 0, 0]]))
    table = partners(cell("a", "worsened"), cell("b"), cell("c", "worsened"), cell("d", "worsened"), peers=peers)
    assert dict(zip(table["city"], table["outcome"], strict=True)) == {"a": "none", "c": "no_peers", "d": "no_peers"}
    assert table["peers"].tolist() == [1, 0, 0]
    assert set(table["partner"]) == {""}
    assert table["place"].isna().all()


def test_a_city_that_is_hardly_ever_a_peer_is_none() -> None:
    cells = (cell("a", "worsened"), cell("b", "improved"))
    rare = Peers(("a", "b"), np.array([[0, 0.04], [0.04, 0]]))
    assert partners(*cells, peers=rare)["outcome"].tolist() == ["no_peers"]
    assert partners(*cells, peers=rare, least=0.04)["outcome"].tolist() == ["partner"]


def test_the_likeliest_come_first_and_the_others_are_counted() -> None:
    p_peer = {"b": 0.5, "c": 0.9, "d": 0.9, "e": 0.3, "f": 1.0, "g": 0.2}
    matrix = np.zeros((7, 7))
    matrix[0, 1:] = list(p_peer.values())
    table = partners(
        cell("a", "worsened"),
        *(cell(city, "improved", p_success=0.99 if city == "e" else 0.8) for city in p_peer),
        peers=Peers(tuple("abcdefg"), matrix),
        shown=4,
    )
    assert table["partner"].tolist() == ["f", "c", "d", "b"]
    assert table["place"].tolist() == [1, 2, 3, 4]
    assert set(table["partners"]) == {6}


def test_nothing_to_answer_gives_an_empty_table_with_all_columns() -> None:
    table = partners(cell("a"), cell("b", "improved"))
    assert (len(table), tuple(table.columns)) == (0, PARTNER_COLUMNS)
    listed = partner_measures(table, NOTHING, 2021)
    assert (len(listed), tuple(listed.columns)) == (0, PARTNER_MEASURE_COLUMNS)


def test_measures_of_the_indicator_come_before_those_of_the_field() -> None:
    told = measure_table(
        {
            ("b", "b.xlsx"): [Measure("work", "A1", "eins", since=2018), Measure("work", "", "ganzes Feld")],
            ("c", "c.xlsx"): [
                Measure("work", "A2", "zwei", since=2019),
                Measure("work", "", "alle", since=2022),
                Measure("language", "S1", "x"),
            ],
            ("d", "d.xlsx"): [Measure("language", "S1", "anderes"), Measure("", "", "ohne Zuordnung")],
            ("a", "a.xlsx"): [Measure("work", "A1", "die eigene")],
        }
    )
    table = partners(cell("a", "worsened"), *(cell(city, "improved") for city in "bcd"), measures=told)
    assert list(zip(table["partner"], table["measures"], table["measures_for"], strict=True)) == [
        ("b", 1, "indicator"),
        ("c", 2, "field"),
        ("d", 0, ""),
    ]
    listed = partner_measures(table, told, 2021)
    assert listed[["partner", "title", "named_for", "late"]].to_numpy().tolist() == [
        ["b", "eins", "A1", False],
        ["c", "zwei", "A2", False],
        ["c", "alle", "", True],
    ]
    assert set(listed["indicator"]) == {"A1"}


# --- what must hold whatever the ring


@st.composite
def rings(draw: st.DrawFn) -> tuple[pd.DataFrame, Peers]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(1, 9))
    cities = [f"{i:05d}" for i in range(count)]
    cells = [
        cell(
            city,
            str(rng.choice(["improved", "worsened", "open"])),
            str(rng.choice(["better", "worse", "open"])),
            indicator=indicator,
            p_success=round(rng.uniform(0.8, 1), 2),
        )
        for city in cities
        for indicator in ("A1", "S1")
    ]
    labels = rng.integers(-1, 3, (draw(st.integers(1, 6)), count))
    return pd.DataFrame(cells), peers_of(Baseline(tuple(cities), labels=labels))


@many
@given(rings(), st.randoms(use_true_random=False))
def test_the_order_of_the_cities_does_not_count(ring: tuple[pd.DataFrame, Peers], shuffler: Any) -> None:
    grid, peers = ring
    order = list(range(len(peers.cities)))
    rows = list(range(len(grid)))
    shuffler.shuffle(order)
    shuffler.shuffle(rows)
    other = Peers(tuple(peers.cities[i] for i in order), peers.probability.toarray()[np.ix_(order, order)])
    pd.testing.assert_frame_equal(
        learning_partners(grid, peers, NOTHING), learning_partners(grid.iloc[rows].reset_index(drop=True), other, NOTHING)
    )


@many
@given(rings())
def test_partners_are_other_cities_among_the_peers_with_a_declared_success(ring: tuple[pd.DataFrame, Peers]) -> None:
    grid, peers = ring
    table = learning_partners(grid, peers, NOTHING)
    cells = grid.set_index(["city", "indicator"])
    for row in table.to_dict("records"):
        near = peers.of(row["city"])
        assert row["peers"] == len(near)
        if row["outcome"] != "partner":
            assert row["partners"] == 0
            continue
        assert row["partner"] != row["city"]
        assert row["p_peer"] == near[row["partner"]]
        success = cells.loc[(row["partner"], row["indicator"])]
        assert success["finding_change"] == "improved" or (success["finding_level"] == "better" and row["deficit"] != "worsened")
        assert row["partners"] >= row["place"]
    deficits = {(one["city"], one["indicator"]) for one in grid[grid["counts_as_deficit"]].to_dict("records")}
    assert set(zip(table["city"], table["indicator"], strict=True)) == deficits
    for _, shown in table.groupby(["city", "indicator"]):
        assert (np.diff(shown["weight"].dropna()) <= 0).all()
        assert len(shown) == max(1, min(5, int(shown["partners"].iloc[0])))


# --- how likely two cities are peers


def test_the_probability_is_the_share_of_partitions_with_both_in_one_group() -> None:
    labels = np.array([[0, 0, 1, -1], [0, 1, 1, -1], [2, 2, 2, -1], [0, 0, 1, -1]])
    peers = peers_of(Baseline(tuple("abcd"), labels=labels))
    assert peers.of("a", 0.0) == {"b": 0.75, "c": 0.25}
    assert peers.of("d", 0.0) == {}
    assert peers.of("unknown") == {}


def test_a_list_of_neighbours_gives_back_their_probabilities() -> None:
    probability = np.array([[0, 1.0, 0.7, 0.3], [0.9, 0, 0.6, 0.5], [1, 1, 0, 0], [0.5, 0.5, 1.0, 0]])
    peers = peers_of(Baseline(tuple("abcd"), weights=probability / 2), nearest=2)
    assert peers.of("a") == pytest.approx({"b": 1.0, "c": 0.7, "d": 0.3})
    assert peers.of("c") == pytest.approx({"a": 1.0, "b": 1.0})


def test_without_a_baseline_nobody_has_peers() -> None:
    assert peers_of(None).of("a") == {}


@pytest.mark.parametrize("wrong", [np.eye(2), np.array([[0, 1.5], [0, 0]]), np.array([[0, -0.5], [0, 0]]), np.zeros((1, 2))])
def test_what_is_no_probability_of_peers_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="probabilit"):
        Peers(("a", "b"), wrong)
