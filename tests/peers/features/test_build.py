import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from integstat.errors import UsageError
from integstat.panel import Context
from integstat.peers.features.build import TABLE_COLUMNS, feature_table, scale_features
from integstat.peers.settings import FeatureSettings

from ..rings import ring, settings


def with_gaps() -> np.ndarray:
    values = np.random.default_rng(7).normal(size=(14, 4))
    values[:, 1] += values[:, 0]
    values[[0, 3, 8], [1, 1, 3]] = np.nan
    return values


def test_feature_without_spread_is_left_out_with_a_note() -> None:
    scaled = scale_features(ring(np.column_stack([np.arange(9.0), np.full(9, 4.0)])), settings(2), 1)
    assert list(scaled.frame) == ["f0"]
    assert scaled.notes == ("Das Merkmal 'Merkmal 1' ist in allen Städten gleich und bleibt deshalb unberücksichtigt.",)


def test_no_feature_left() -> None:
    with pytest.raises(UsageError, match="kein Merkmal der Vergleichsgruppen unterscheidet die Städte"):
        scale_features(ring(np.full((9, 1), 4.0)), settings(1), 1)


def test_gaps_are_drawn_and_told() -> None:
    values = np.column_stack([np.arange(9.0), np.arange(9.0) ** 2, np.arange(9.0)])
    values[0, 0] = np.nan
    values[:2, 1] = np.nan
    values[:6, 2] = np.nan
    scaled = scale_features(ring(values), settings(3, imputations=3), 1)
    assert list(scaled.frame) == ["f0", "f1"]
    assert scaled.values.shape == (3, 9, 2)
    np.testing.assert_array_equal(scaled.known, np.isfinite(values[:, :2]))
    assert (scaled.values[:, ~scaled.known].std(axis=0) > 0).all()
    assert (scaled.values[:, scaled.known] == scaled.values[0, scaled.known]).all()
    told = " ".join(scaled.notes)
    assert "'Merkmal 0' fehlt bei einer Stadt; dort ist es mit 3 Ziehungen aus den übrigen Merkmalen geschätzt" in told
    assert "'Merkmal 1' fehlt bei 2 Städten; dort ist es mit 3 Ziehungen" in told
    assert "'Merkmal 2' fehlt bei 6 von 9 Städten und bleibt deshalb unberücksichtigt" in told
    assert "Bei der Stadt 91001 fehlen 2 von 2 Merkmalen" in told
    assert "91002" not in told


def test_extreme_value_is_limited_and_told() -> None:
    values = np.append(np.arange(9.0), 1000.0)[:, None]
    scaled = scale_features(ring(values), settings(1, limit=3.0), 1)
    assert scaled.values.max() == 3.0
    (note,) = scaled.notes
    assert note.startswith("Ungewöhnliche Werte zählen nur bis zum 3-Fachen der üblichen Abweichung")
    assert note.endswith(": Merkmal 0 (1 Stadt).")


def test_the_limit_holds_for_what_is_drawn() -> None:
    scaled = scale_features(ring(with_gaps()), settings(4, limit=1.0, imputations=8), 1)
    drawn = scaled.values[:, ~scaled.known]
    assert np.abs(drawn).max() == 1.0
    assert np.abs(drawn).min() < 1.0


def test_weight_is_a_factor_of_the_squared_distance() -> None:
    values = np.random.default_rng(5).normal(size=(12, 2))
    heavy = (FeatureSettings(id="f0", name_de="a", weight=4.0), FeatureSettings(id="f1", name_de="b"))
    plain = scale_features(ring(values), settings(2), 1)
    weighted = scale_features(ring(values), settings(2, feature=heavy), 1)
    np.testing.assert_allclose(weighted.points(), weighted.values[0] * np.sqrt([1.6, 0.4]))
    np.testing.assert_array_equal(weighted.values, plain.values)


@run(deadline=None, max_examples=5)
@given(st.permutations(range(14)), st.permutations(range(4)))
def test_neither_rows_nor_columns_count(rows: list[int], columns: list[int]) -> None:
    context = ring(with_gaps())
    first = scale_features(context, settings(4, imputations=2), 3)
    second = scale_features(Context(context.features.iloc[rows, columns], 2020), settings(4, imputations=2), 3)
    turned = tuple(settings(4).feature[j] for j in columns)
    third = scale_features(context, settings(4, imputations=2, feature=turned), 3)
    np.testing.assert_array_equal(second.values, first.values)
    np.testing.assert_array_equal(second.weights, first.weights)
    np.testing.assert_array_equal(third.values, first.values[:, :, columns])
    np.testing.assert_array_equal(third.weights, first.weights[columns])
    assert first.cities == second.cities == tuple(sorted(context.features.index))


def test_unit_does_not_count_where_values_are_drawn() -> None:
    values = with_gaps()
    first = scale_features(ring(values), settings(4), 3)
    second = scale_features(ring(values * [1000.0, 0.01, 3.0, 1.0] + [5.0, 0.0, -2.0, 1.0]), settings(4), 3)
    np.testing.assert_allclose(second.values, first.values, atol=1e-6)
    np.testing.assert_allclose(second.weights, first.weights, atol=1e-6)


def test_table_of_the_features() -> None:
    rng = np.random.default_rng(8)
    base = rng.normal(size=30)
    values = np.column_stack([base, base + 0.1 * rng.normal(size=30), rng.normal(size=30)])
    values[4, 2] = np.nan
    table = feature_table(scale_features(ring(values), settings(3), 1))
    assert list(table) == list(TABLE_COLUMNS)
    assert table["most_correlated"].tolist()[:2] == ["f1", "f0"]
    assert table["correlation"].iloc[0] == table["correlation"].iloc[1] > 0.9
    assert table["missing"].tolist() == [0, 0, 1]
    assert (table["weight"] == 1.0).all()
    assert table["effective_weight"].mean() == pytest.approx(1.0)
    assert table["effective_weight"].iloc[0] < 0.8 < table["effective_weight"].iloc[2]
    alone = feature_table(scale_features(ring(values[:, :1]), settings(1), 1))
    assert alone["most_correlated"].tolist() == [""] and alone["correlation"].isna().all()


def test_frame_is_the_mean_over_the_imputations() -> None:
    scaled = scale_features(ring(with_gaps()), settings(4), 1)
    expected = pd.DataFrame(scaled.values.mean(axis=0), index=pd.Index(scaled.cities, name="city"), columns=list("0123"))
    pd.testing.assert_frame_equal(scaled.frame, expected.rename(columns=lambda name: f"f{name}"))
