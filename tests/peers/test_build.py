from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from integstat.errors import DataError, UsageError
from integstat.panel import Context
from integstat.peers.build import build_partitions
from integstat.peers.naming import ONE_GROUP
from integstat.peers.partitions import Partitions
from integstat.peers.settings import FeatureSettings

from .rings import islands, ring, same_partition, settings


@pytest.fixture(scope="module")
def clear() -> tuple[np.ndarray, np.ndarray, Partitions]:
    points, truth = islands(4, 6)
    return points, truth, build_partitions(ring(points), settings(), 1)


def equal(first: Partitions, second: Partitions) -> None:
    for part in ("summary", "probability", "coassignment"):
        np.testing.assert_array_equal(getattr(first, part), getattr(second, part))
    np.testing.assert_array_equal(first.draws.labels, second.draws.labels)
    assert (first.cities, first.names, first.names_en, first.notes) == (
        second.cities,
        second.names,
        second.names_en,
        second.notes,
    )
    pd.testing.assert_frame_equal(first.diagnostics, second.diagnostics)
    pd.testing.assert_frame_equal(first.profile, second.profile)
    pd.testing.assert_frame_equal(first.place, second.place)
    assert first.structure is not None
    assert second.structure is not None
    assert first.structure.p == second.structure.p


def check_invariants(found: Partitions) -> None:
    cities, size = len(found.cities), found.size
    np.testing.assert_allclose(found.probability.sum(axis=1), 1.0)
    assert (found.probability >= 0).all()
    together = found.coassignment
    assert (together == together.T).all()
    assert (np.diag(together) == 1.0).all()
    assert ((together >= 0) & (together <= 1)).all()
    assert np.linalg.eigvalsh(together.astype(float)).min() > -1e-4
    assert set(found.summary) == set(range(size))
    assert found.draws.labels.shape[1] == cities
    assert len(set(found.names)) == len(set(found.names_en)) == size == len(found.profile) == len(found.groups)
    assert found.groups["size"].tolist() == np.bincount(found.summary).tolist()
    assert found.diagnostics["chosen"].sum() == 1


@pytest.mark.parametrize(("groups", "each"), [(3, 8), (4, 6), (5, 7)])
def test_known_groups_are_recovered(groups: int, each: int) -> None:
    points, truth = islands(groups, each, seed=groups)
    found = build_partitions(ring(points), settings(), 1)
    check_invariants(found)
    assert same_partition(found.summary, truth)
    assert not found.table({})["borderline"].any()
    assert found.table({})["probability"].min() > 0.95


def test_seed_does_not_matter_on_clear_groups(clear: tuple[np.ndarray, np.ndarray, Partitions]) -> None:
    points, _, first = clear
    second = build_partitions(ring(points), settings(), 99)
    assert (first.summary == second.summary).all()
    assert first.names == second.names
    np.testing.assert_allclose(first.probability, second.probability, atol=0.05)
    np.testing.assert_allclose(first.coassignment, second.coassignment, atol=0.3)
    assert (first.draws.labels != second.draws.labels).any()


def test_order_of_rows_and_columns_does_not_matter(clear: tuple[np.ndarray, np.ndarray, Partitions]) -> None:
    points, _, first = clear
    features = ring(points).features
    mixed = features.sample(frac=1.0, random_state=3).loc[:, ["f2", "f0", "f3", "f1"]]
    equal(first, build_partitions(Context(mixed, 2020), settings(), 1))


def test_unit_does_not_matter() -> None:
    points = np.exp(np.random.default_rng(6).normal(size=(20, 3)))
    wanted = tuple(FeatureSettings(id=f"f{j}", name_de=f"M{j}", transform=t) for j, t in enumerate(("none", "log", "sqrt")))
    choice = settings(feature=wanted, resamples=10)
    first = build_partitions(ring(points), choice, 1)
    second = build_partitions(ring(points * [1000.0, 0.37, 12.0] + [32.0, 0.0, 0.0]), choice, 1)
    np.testing.assert_array_equal(first.draws.labels, second.draws.labels)
    np.testing.assert_array_equal(first.summary, second.summary)
    assert first.names == second.names


def test_new_keys_change_no_clear_group(clear: tuple[np.ndarray, np.ndarray, Partitions]) -> None:
    points, _, first = clear
    features = ring(points).features
    features.index = [f"{92099 - i}" for i in range(len(features))]
    second = build_partitions(Context(features, 2020), settings(), 1)
    back = dict(zip(second.cities, second.summary, strict=True))
    assert [back[f"{92099 - i}"] for i in range(len(features))] == first.summary.tolist()


def test_copies_join_their_original() -> None:
    points = np.random.default_rng(8).normal(size=(24, 4))
    found = build_partitions(ring(np.vstack([points, points[:5]])), settings(), 1)
    assert (found.summary[24:] == found.summary[:5]).all()
    assert found.coassignment[range(5), range(24, 29)] == pytest.approx(1.0)


def test_no_structure_is_said() -> None:
    found = build_partitions(ring(np.random.default_rng(9).normal(size=(60, 8))), settings(8), 1)
    check_invariants(found)
    table = found.table({})
    assert table["borderline"].mean() > 0.4
    assert table["probability"].mean() < 0.65
    assert found.diagnostics["stability"].max() < 0.5
    assert found.structure is not None
    assert not found.structure.grouped


def test_clear_groups_carry_no_such_note(clear: tuple[np.ndarray, np.ndarray, Partitions]) -> None:
    assert clear[2].notes == ()


def test_number_of_groups_can_be_fixed(clear: tuple[np.ndarray, np.ndarray, Partitions]) -> None:
    points, _, free = clear
    found = build_partitions(ring(points), settings(k=6), 1)
    check_invariants(found)
    assert found.size == 6
    assert found.diagnostics.loc[found.diagnostics["chosen"], "k"].tolist() == [6]
    columns = [column for column in free.diagnostics if column != "chosen"]
    pd.testing.assert_frame_equal(found.diagnostics[columns], free.diagnostics[columns])


def test_too_many_groups_for_the_ring() -> None:
    points, _ = islands(3, 4)
    with pytest.raises(UsageError, match=r"'k' \(6\) ist für 12 Städte zu groß; bitte höchstens 4 Gruppen verlangen"):
        build_partitions(ring(points), settings(k=6), 1)


def test_small_ring_tries_fewer_groups() -> None:
    points, _ = islands(2, 4)
    found = build_partitions(ring(points), settings(), 1)
    check_invariants(found)
    assert found.diagnostics["k"].tolist() == [1, 2]
    assert "Bei 8 Städten wurden höchstens 2 Gruppen geprüft." in found.notes


@pytest.mark.parametrize("cities", [1, 7])
def test_tiny_ring_is_one_group(cities: int) -> None:
    found = build_partitions(ring(np.random.default_rng(1).normal(size=(cities, 4))), settings(), 1)
    check_invariants(found)
    assert (found.names, found.names_en) == ((ONE_GROUP["de"],), (ONE_GROUP["en"],))
    assert found.size == 1
    assert "mindestens 8 Städte nötig" in found.notes[0]
    assert found.table({})["second_group"].eq("").all()


def test_no_city_at_all() -> None:
    with pytest.raises(DataError, match="es gibt keine Stadt mit Strukturdaten"):
        build_partitions(ring(np.zeros((0, 4))), settings(), 1)


def test_a_city_of_which_nothing_is_known_is_always_a_borderline_case() -> None:
    points, _ = islands(3, 7)
    points[4] = np.nan
    found = build_partitions(ring(points), settings(imputations=3), 1)
    assert found.table({}).set_index("city").loc["91005", "borderline"]
    assert any("91005 fehlen 4 von 4 Merkmalen" in note for note in found.notes)


def test_settings_that_cannot_be_kept_are_told() -> None:
    points, _ = islands(3, 4)
    found = build_partitions(ring(points), settings(k_min=5, k_weight={6: 1.0}), 1)
    assert "Für 5 Gruppen reichen 12 Städte nicht." in found.notes
    assert any("'k_weight' nennen keine der geprüften" in note for note in found.notes)


def test_lone_city_is_flagged() -> None:
    points, truth = islands(3, 7)
    points = np.vstack([points, [[60.0, -60.0, 60.0, -60.0]]])
    found = build_partitions(ring(points), settings(k=4, limit=100.0), 1)
    assert same_partition(found.summary, np.append(truth, 3))
    assert any("besteht aus einer einzigen Stadt" in note for note in found.notes)
    assert found.diagnostics.set_index("k").loc[4, "smallest_group"] == 1
    assert found.table({}).loc[21, "probability"] > 0.5


def test_two_places_only() -> None:
    points = np.repeat([[0.0, 1.0, 2.0, 3.0], [5.0, 5.0, 5.0, 5.0]], 6, axis=0)
    found = build_partitions(ring(points), settings(), 1)
    assert same_partition(found.summary, np.repeat([0, 1], 6))


def test_weight_decides_between_two_structures() -> None:
    rng = np.random.default_rng(11)
    first, second = np.arange(24) % 3, np.arange(24) // 8
    points = np.column_stack([first, second]) * 5.0 + 0.2 * rng.normal(size=(24, 2))
    for heavy, truth in ((0, first), (1, second)):
        wanted = tuple(FeatureSettings(id=f"f{j}", name_de=f"M{j}", weight=25.0 if j == heavy else 0.04) for j in range(2))
        assert same_partition(build_partitions(ring(points), settings(feature=wanted, k=3), 1).summary, truth)


CONTEXT = Path(__file__).parents[3] / "shared" / "data" / "ring67" / "context_2020_2021.csv"


@pytest.mark.skipif(not CONTEXT.exists(), reason="the folder with real data is not here")
def test_real_ring() -> None:
    table = pd.read_csv(CONTEXT, dtype={"ags": str})
    table = table[(table["year"] == 2020) & table["unit_type"].str.contains("kreisfrei")].set_index("ags")
    transforms = {"pop": "log", "density": "log", "share_65plus": "none", "gdp_per_capita": "log", "students_per_100": "sqrt"}
    wanted = tuple(FeatureSettings(id=name, name_de=name, transform=how) for name, how in transforms.items())
    found = build_partitions(Context(table[list(transforms)], 2020), settings(feature=wanted, resamples=10), 1)
    check_invariants(found)
    assert len(found.cities) == 67
    group = dict(zip(found.cities, found.summary, strict=True))
    assert group["02000"] == group["11000"] == group["09162"]  # Hamburg, Berlin, München
    assert group["02000"] != group["03102"]  # Salzgitter
