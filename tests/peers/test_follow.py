from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from integstat.errors import DataError
from integstat.panel import Context
from integstat.peers.bundle import Bundle
from integstat.peers.follow import GROUP_COLUMNS, MOVE_COLUMNS, follow

from .bundles import bundle_of
from .rings import islands, ring

POINTS, TRUTH = islands(3, 8)


def bundle(
    truth: np.ndarray, points: np.ndarray = POINTS, *, names: tuple[str, ...] = (), wobble: float = 0.0, seed: int = 0
) -> Bundle:
    """Bundle with a given partition; in each draw a share of the cities sits in another group."""
    rng = np.random.default_rng(seed)
    draws = np.tile(truth, (200, 1))
    other = rng.random(draws.shape) < wobble
    draws[other] = rng.integers(0, truth.max() + 1, size=int(other.sum()))
    return bundle_of(ring(points), truth, labels=draws, names=names)


def renamed(one: Bundle, order: list[int]) -> Bundle:
    """The same groups with other numbers."""
    back = np.argsort(order)
    return replace(
        one,
        summary=back[one.summary],
        probability=one.probability[:, order],
        groups=tuple(one.groups[g] for g in order),
        groups_en=tuple(one.groups_en[g] for g in order),
    )


def test_the_same_run_has_no_moves() -> None:
    one = bundle(TRUTH)
    found = follow(one, one)
    assert list(found.moves.columns) == MOVE_COLUMNS
    assert list(found.groups.columns) == GROUP_COLUMNS
    assert not found.moves["moved"].any()
    assert found.moves["p_moved"].max() == found.moves["p_moved_by_chance"].max() == 0.0
    assert (found.groups["status"] == "continues").all()
    assert found.groups["similarity"].tolist() == [1.0, 1.0, 1.0]
    assert found.names == one.groups
    assert (found.joined, found.left) == ((), ())
    assert found.notes == ("Beide Male ist dieselbe Einteilung genannt, die Prüfsumme ist gleich.",)


@pytest.mark.parametrize("order", [[2, 0, 1], [1, 0, 2]])
def test_numbers_of_groups_carry_no_meaning(order: list[int]) -> None:
    one = bundle(TRUTH, wobble=0.2)
    same, other = follow(one, one), follow(one, renamed(one, order))
    pd.testing.assert_frame_equal(same.moves, other.moves)
    pd.testing.assert_frame_equal(same.groups, other.groups)
    np.testing.assert_array_equal(same.labels, other.labels)
    np.testing.assert_array_equal(other.labels, one.summary)


def test_a_city_that_moves_is_news() -> None:
    now = TRUTH.copy()
    now[0] = 1
    found = follow(bundle(TRUTH), bundle(now))
    moved = found.moves[found.moves["moved"]]
    assert moved["city"].tolist() == ["91001"]
    assert (moved["group_before"].item(), moved["group_now"].item()) == ("Gruppe A", "Gruppe B")
    assert moved["p_moved"].item() == 1.0
    assert moved["p_moved_by_chance"].item() == 0.0


def test_what_a_run_again_would_move_is_no_news() -> None:
    found = follow(bundle(TRUTH, wobble=0.4, seed=1), bundle(TRUTH, wobble=0.4, seed=2))
    assert found.moves["p_moved_by_chance"].min() > 0.2
    np.testing.assert_allclose(found.moves["p_moved"], found.moves["p_moved_by_chance"], atol=0.05)


def test_a_split_and_a_merger_are_told() -> None:
    halves = np.where(TRUTH == 2, 2 + np.arange(24) // 3 % 2, TRUTH)
    three, four = bundle(TRUTH), bundle(halves, names=("A", "B", "C1", "C2"))
    apart = follow(three, four)
    assert any(note.startswith("Die Gruppe 'Gruppe C' hat sich geteilt: 'Gruppe C', 'C2'") for note in apart.notes)
    assert set(apart.groups["status"]) == {"continues", "new"}
    again = follow(four, three)
    assert any("sind mehrere aufgegangen: 'C1', 'C2'" in note for note in again.notes)
    assert set(again.groups["status"]) == {"continues", "dissolved"}


def test_a_group_that_is_mixed_up_does_not_continue() -> None:
    mixed = np.where(TRUTH == 0, 0, 1 + np.arange(24) // 3 % 2)
    found = follow(bundle(TRUTH), bundle(mixed, names=("Gruppe A", "Gruppe B", "Neu")))
    status = found.groups.set_index("name")["status"].to_dict()
    assert status == {
        "Gruppe A": "continues",
        "Gruppe B": "dissolved",
        "Gruppe C": "dissolved",
        "Gruppe B (2020)": "new",
        "Neu": "new",
    }
    assert len(set(found.names)) == len(found.names)
    assert {"Die Gruppe 'Gruppe C' gibt es so nicht mehr.", "Die Gruppe 'Neu' ist neu."} <= set(found.notes)
    assert "Die Gruppe 'Gruppe B (2020)' heißt im späteren Lauf 'Gruppe B'; so hieß vorher schon eine andere." in found.notes


def test_a_name_that_no_longer_fits_is_kept_and_told() -> None:
    found = follow(bundle(TRUTH), bundle(TRUTH, names=("Gruppe A", "Groß", "Gruppe C")))
    assert found.names == ("Gruppe A", "Gruppe B", "Gruppe C")
    assert found.groups["name_today"].tolist() == ["Gruppe A", "Groß", "Gruppe C"]
    assert found.notes == ("Die Gruppe 'Gruppe B' behält ihren Namen; nach den Merkmalen hieße sie jetzt 'Groß'.",)


def test_cities_that_join_and_leave() -> None:
    features = ring(POINTS).features
    later = features.drop("91002").rename(index={"91003": "91099"}).sort_index()
    truth = pd.Series(TRUTH, index=features.index).drop("91002").rename({"91003": "91099"}).sort_index().to_numpy()
    new = bundle_of(Context(later, 2021), truth, labels=np.tile(truth, (5, 1)))
    found = follow(bundle(TRUTH), new)
    assert (found.joined, found.left) == (("91099",), ("91002", "91003"))
    assert found.notes == ("Neu im Ring: Stadt 91099.", "Nicht mehr im Ring: Stadt 91002, Stadt 91003.")
    assert len(found.moves) == 22
    assert len(found.labels) == 23
    assert not found.moves["moved"].any()


def test_rings_without_a_common_city() -> None:
    features = ring(POINTS).features.copy()
    features.index = [f"{92001 + i}" for i in range(24)]
    with pytest.raises(DataError, match="keine gemeinsame Stadt; bitte zwei Läufe desselben Rings nennen"):
        follow(bundle(TRUTH), bundle_of(Context(features, 2021), TRUTH, labels=np.tile(TRUTH, (5, 1))))


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (TRUTH, "Alle 3 Gruppen bestehen fort."),
        (np.where(TRUTH == 0, 0, 1 + np.arange(24) // 3 % 2), "Von 3 Gruppen besteht eine fort."),
        (np.where(TRUTH == 2, 2 + np.arange(24) // 3 % 2, TRUTH), "Alle 3 Gruppen bestehen fort."),
        (np.where(TRUTH == 2, 2 + np.arange(24) // 3 % 3, TRUTH), "Von 3 Gruppen bestehen 2 fort."),
        (np.arange(24) // 3 % 4, "Von 3 Gruppen besteht keine fort."),
    ],
)
def test_only_groups_of_the_earlier_run_are_counted(now: np.ndarray, sentence: str) -> None:
    assert follow(bundle(TRUTH), bundle(now)).sentences()[0] == sentence


@pytest.mark.parametrize(("now", "sentence"), [(TRUTH * 0, "Die eine Gruppe besteht fort."), (TRUTH, "besteht nicht fort.")])
def test_a_single_group(now: np.ndarray, sentence: str) -> None:
    assert follow(bundle(TRUTH * 0), bundle(now)).sentences()[0].endswith(sentence)


def test_a_group_has_one_name_in_notes_and_moves() -> None:
    halves = np.where(TRUTH == 2, 2 + np.arange(24) // 3 % 2, TRUTH)
    found = follow(bundle(TRUTH), bundle(halves, names=("Gruppe B", "Mitte", "C1", "C2")))
    quoted = {name for note in found.notes if "hat sich geteilt" in note for name in note.split("'")[1::2]}
    assert quoted <= set(found.names)
    assert set(found.moves["group_now"]) <= set(found.names)
    assert any("'Gruppe C' behält ihren Namen" in note for note in found.notes)
    assert any("'Gruppe A' behält ihren Namen; nach den Merkmalen hieße sie jetzt 'Gruppe B'" in note for note in found.notes)
    merged = follow(bundle(halves, names=("A", "B", "C1", "C2")), bundle(TRUTH, names=("A", "B", "C")))
    assert any("sind mehrere aufgegangen: 'C1', 'C2'" in note for note in merged.notes)
    assert any(note.endswith("nach den Merkmalen hieße sie jetzt 'C'.") for note in merged.notes)


def test_years_reversed_and_other_features_are_told() -> None:
    old, new = bundle(TRUTH), bundle(TRUTH)
    assert follow(replace(old, year=2022), replace(new, year=2021)).notes == (
        "Die Jahre stehen verkehrt herum: vorher 2022, jetzt 2021.",
    )
    weighed = bundle_of(ring(POINTS[:, :3]), TRUTH, labels=np.tile(TRUTH, (5, 1)))
    features = (weighed.features[0].model_copy(update={"weight": 2.0}), *weighed.features[1:])
    weighed = replace(weighed, scaling=replace(weighed.scaling, features=features))
    assert follow(old, weighed).notes == (
        "Die Merkmale sind nicht dieselben (nur vorher Merkmal 3; anders umgeformt oder gewichtet Merkmal 0); "
        "schon deshalb können Städte wechseln.",
    )
