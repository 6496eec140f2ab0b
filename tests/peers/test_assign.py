from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from integstat.errors import DataError
from integstat.panel import Context
from integstat.peers.assign import assign, assign_neighbours, assign_table
from integstat.peers.bundle import Bundle, read_bundle, write_bundle
from integstat.peers.settings import FeatureSettings

from .bundles import bundle_of
from .rings import islands, ring, settings

FEATURES = ["f0", "f1", "f2", "f3"]


def city(values: np.ndarray, key: str = "92001", name: str = "Neustadt") -> pd.DataFrame:
    frame = pd.DataFrame(np.atleast_2d(values), columns=[f"f{j}" for j in range(np.atleast_2d(values).shape[1])])
    frame.index = pd.Index([f"{int(key) + i:05d}" for i in range(len(frame))], name="city")
    frame.insert(0, "name", [f"{name} {i}" if len(frame) > 1 else name for i in range(len(frame))])
    return frame


@pytest.fixture(scope="module")
def clear() -> tuple[np.ndarray, np.ndarray, Bundle]:
    points, truth = islands(3, 8)
    return points, truth, bundle_of(points)


@pytest.mark.parametrize("kind", ["islands", "slope"])
def test_cities_left_out_land_in_their_own_group(kind: str) -> None:
    rng = np.random.default_rng(1)
    points = islands(3, 8)[0] if kind == "islands" else rng.normal(size=(40, 4)) @ rng.normal(size=(4, 4))
    whole = bundle_of(points, groups=3)
    own, sure = whole.probability.argmax(axis=1), whole.probability.max(axis=1) > whole.borderline
    hits, by_nearest, error = [], [], []
    for c in range(len(points)):
        others = np.delete(np.arange(len(points)), c)
        labels = whole.labels[:, others]
        without = bundle_of(Context(ring(points).features.iloc[others], 2020), whole.summary[others], labels=labels)
        found = assign(without, city(points[c]))
        named = [int(whole.summary[others][without.summary == group][0]) for group in range(3)]
        hits.append(named[int(found.group[0])] == own[c])
        by_nearest.append(whole.summary[others][found.nearest[0, 0]] == own[c])
        error.append(abs(found.probability[0, named.index(own[c])] - whole.probability[c, own[c]]))
    assert np.mean(np.array(hits)[sure]) >= (1.0 if kind == "islands" else 0.95)
    assert np.mean(hits) >= 0.85
    assert np.mean(by_nearest) == 1.0 if kind == "islands" else np.mean(hits) > np.mean(by_nearest)
    assert np.mean(error) < (0.01 if kind == "islands" else 0.12)


def test_a_copy_of_a_ring_city_joins_it() -> None:
    points = np.random.default_rng(2).normal(size=(30, 4))
    bundle = bundle_of(points)
    found = assign(bundle, city(points))
    np.testing.assert_allclose(found.probability, bundle.probability, atol=1e-5)
    assert (found.nearest[:, 0] == np.arange(30)).all()
    np.testing.assert_allclose(found.distance[:, 0], 0.0, atol=1e-9)
    assert not found.outside.any()


def test_each_city_is_placed_for_itself(clear: tuple[np.ndarray, np.ndarray, Bundle]) -> None:
    points, _, bundle = clear
    several = city(points[:4] + 0.1)
    together = assign(bundle, several.iloc[::-1])
    for i, key in enumerate(several.index):
        alone = assign(bundle, several.loc[[key]])
        np.testing.assert_allclose(together.probability[3 - i], alone.probability[0])
        np.testing.assert_array_equal(together.nearest[3 - i], alone.nearest[0])
    np.testing.assert_allclose(together.probability.sum(axis=1), 1.0)


def test_labels_carry_no_meaning_and_the_file_changes_nothing(
    clear: tuple[np.ndarray, np.ndarray, Bundle], tmp_path: Path
) -> None:
    points, _, bundle = clear
    new = city(points[:5] * 0.8)
    names = np.random.default_rng(3).permuted(np.tile(np.arange(3), (len(bundle.labels), 1)), axis=1)
    renamed = replace(bundle, labels=np.take_along_axis(names, bundle.labels, axis=1))
    write_bundle(tmp_path / "b.json", bundle)
    for other in (renamed, read_bundle(tmp_path / "b.json")):
        pd.testing.assert_frame_equal(assign_table(assign(other, new)), assign_table(assign(bundle, new)))


def test_a_city_between_two_groups_is_borderline() -> None:
    line = np.linspace(-1.0, 1.0, 30)
    draws = np.array([(line > cut).astype(int) for cut in np.linspace(-0.5, 0.5, 21)])
    bundle = bundle_of(line[:, None], draws[10], labels=draws)
    between, sure = assign(bundle, city(np.array([0.0]))), assign(bundle, city(np.array([0.9])))
    assert between.borderline[0]
    assert not sure.borderline[0]
    table = assign_table(between).iloc[0]
    assert table["probability"] + table["second_probability"] == pytest.approx(1.0)
    assert "ein Grenzfall" in between.sentences()[0]


def test_outside_names_the_feature_and_the_range(clear: tuple[np.ndarray, np.ndarray, Bundle]) -> None:
    points, _, bundle = clear
    new = points[0].copy()
    new[2] = 1234.5
    found = assign(bundle, city(new))
    assert found.outside[0]
    assert found.beyond[0] == ("Merkmal 2",)
    told = " ".join(found.warnings[0])
    assert "außerhalb dessen, was der Ring kennt: Merkmal 2 1.234 (im Ring" in told


def test_a_combination_the_ring_does_not_have_is_outside() -> None:
    x = np.random.default_rng(4).normal(size=60)
    points = np.column_stack([x, x + 0.05 * np.random.default_rng(5).normal(size=60)])
    found = assign(bundle_of(points, groups=2), city(np.array([1.5, -1.5])))
    assert found.outside[0] and not found.beyond[0]
    assert "weiter von allen Städten des Rings entfernt" in found.warnings[0][0]
    assert "robuste Standardabweichungen je Merkmal (üblich bis" in found.warnings[0][0]
    assert "Merkmal 1" in found.warnings[0][0]


def test_cities_like_those_of_the_ring_often_go_beyond_it_in_some_feature() -> None:
    rng, one = np.random.default_rng(11), np.zeros(66, dtype=int)
    beyond = []
    for _ in range(12):
        bundle = bundle_of(rng.normal(size=(66, 12)), one, labels=one[None])
        beyond += [bool(names) for names in assign(bundle, city(rng.normal(size=(100, 12)))).beyond]
    assert np.mean(beyond) == pytest.approx(1 - (1 - 2 / 67) ** 12, abs=0.03)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e30, "1e30"), (-1e30, "-1e30"), (1234.5, "1.234"), (999.9, "1.000"), (123.456, "123,5"), (123456789.0, "123.456.789")],
)
def test_figures_beyond_the_range_are_short(clear: tuple[np.ndarray, np.ndarray, Bundle], value: float, text: str) -> None:
    points, _, bundle = clear
    new = points[0].copy()
    new[2] = value
    found = assign(bundle, city(new))
    assert f"Merkmal 2 {text} (im Ring" in " ".join(found.warnings[0])


def test_cities_like_those_of_the_ring_are_seldom_outside() -> None:
    rng = np.random.default_rng(6)
    bundle = bundle_of(rng.normal(size=(80, 4)))
    found = assign(bundle, city(rng.normal(size=(300, 4))))
    assert found.far.mean() < 0.1
    assert assign(bundle, city(rng.normal(size=(300, 4)) + 4.0)).outside.mean() > 0.95


def test_gaps_take_what_the_others_let_expect() -> None:
    x = np.random.default_rng(7).normal(size=80)
    points = np.column_stack([x, x + 0.1 * np.random.default_rng(8).normal(size=80), np.random.default_rng(9).normal(size=80)])
    bundle = bundle_of(points)
    full, gappy = city(np.array([1.5, 1.5, 0.3])), city(np.array([1.5, np.nan, 0.3]))
    first, second = assign(bundle, full), assign(bundle, gappy)
    assert second.imputed == (("Merkmal 1",),)
    assert second.warnings[0][0] == "Bei Neustadt geschätzt aus den übrigen Merkmalen: Merkmal 1."
    np.testing.assert_allclose(first.distance, second.distance, atol=0.25)
    assert set(second.nearest[0]) & set(first.nearest[0])
    hardly = assign(bundle, city(np.array([np.nan, np.nan, 0.3])))
    assert "kaum begründet" in hardly.warnings[0][0]
    with pytest.raises(DataError, match="Stadt 92001: von dieser Stadt ist kein Merkmal bekannt"):
        assign(bundle, city(np.full(3, np.nan)))


def test_a_city_of_the_ring_is_told_and_is_not_its_own_neighbour(clear: tuple[np.ndarray, np.ndarray, Bundle]) -> None:
    points, _, bundle = clear
    found = assign(bundle, city(points[0], key="91001"))
    assert "gehört schon zum Ring" in found.warnings[0][0]
    assert 0 not in found.nearest[0]
    assert len(found.warnings[0]) == 1
    other = points[0].copy()
    other[1] += 0.1
    changed = assign(bundle, city(other, key="91001"))
    assert changed.warnings[0][1] == (
        "Neustadt steht im Ring mit anderen Werten als hier: Merkmal 1; zugeordnet ist nach den Werten hier."
    )


def test_tables_and_sentences(clear: tuple[np.ndarray, np.ndarray, Bundle]) -> None:
    points, _, bundle = clear
    found = assign(bundle, city(points[:2] + 0.05))
    table = assign_table(found)
    assert table["city"].tolist() == ["92001", "92002"]
    assert table[[f"p: {name}" for name in bundle.groups]].sum(axis=1).tolist() == pytest.approx([1.0, 1.0])
    assert table["peer_group"].tolist() == [bundle.groups[bundle.summary[i]] for i in (0, 1)]
    near = assign_neighbours(found)
    assert near.groupby("city")["rank"].max().tolist() == [4, 4]
    assert near["distance"].groupby(near["city"]).apply(lambda one: one.is_monotonic_increasing).all()
    assert "gehört am ehesten zu 'Gruppe" in found.sentences()[0]
    assert found.sentences()[0].count("Stadt 910") == 4
    assert "(>\u202f99\u202f%)" in found.sentences()[0]


def test_a_value_the_transform_cannot_bear_is_refused() -> None:
    context = ring(np.exp(np.random.default_rng(10).normal(size=(20, 1))))
    logged = (FeatureSettings(id="f0", name_de="Fläche", transform="log"),)
    bundle = bundle_of(context, choice=settings(feature=logged))
    with pytest.raises(DataError, match="'Fläche' hat den Wert 0, muss hier aber größer als 0 sein") as raised:
        assign(bundle, city(np.array([0.0])))
    assert raised.value.place == "Stadt 92001"
    assert "Ring" not in raised.value.mend
