import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from integstat.errors import DataError, UsageError
from integstat.peers.features import robust_scale, scale_features, transformed
from integstat.peers.settings import FeatureSettings

from .rings import ring, settings


def one(transform: str = "none", **more: object) -> tuple[FeatureSettings, ...]:
    return (FeatureSettings(id="f0", name_de="Merkmal 0", transform=transform, **more),)


def test_median_zero_and_spread_one() -> None:
    values = np.random.default_rng(1).normal(50.0, 7.0, size=(2001, 1))
    scaled = scale_features(ring(values), settings(1, limit=100.0)).values["f0"]
    assert scaled.median() == 0.0
    assert scaled.std() == pytest.approx(1.0, abs=0.06)


@run(deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(-1e3, 1e3), st.booleans())
def test_unit_of_a_plain_feature_does_not_count(factor: float, shift: float, positive: bool) -> None:
    values = np.random.default_rng(2).normal(size=(20, 1))
    sign = 1.0 if positive else -1.0
    first = scale_features(ring(values), settings(1)).values
    second = scale_features(ring(values * factor * sign + shift), settings(1)).values
    np.testing.assert_allclose(second, sign * first, atol=1e-8)


@run(deadline=None)
@given(st.sampled_from(["log", "sqrt"]), st.floats(1e-3, 1e3))
def test_factor_of_a_log_or_root_feature_does_not_count(transform: str, factor: float) -> None:
    values = np.random.default_rng(3).gamma(2.0, size=(20, 1))
    choice = settings(1, feature=one(transform))
    np.testing.assert_allclose(
        scale_features(ring(values), choice).values, scale_features(ring(values * factor), choice).values, atol=1e-8
    )


def test_logit_of_percent_and_of_shares_agree() -> None:
    values = np.random.default_rng(4).uniform(5, 95, size=(20, 1))
    percent = scale_features(ring(values), settings(1, feature=one("logit"))).values
    share = scale_features(ring(values / 100), settings(1, feature=one("logit", whole=1.0))).values
    np.testing.assert_allclose(percent, share, atol=1e-8)


@pytest.mark.parametrize(
    ("transform", "value", "what"),
    [
        ("log", 0.0, "hat den Wert 0, muss hier aber größer als 0 sein"),
        ("sqrt", -1.5, "hat den Wert -1,5, muss hier aber mindestens 0 sein"),
        ("logit", 100.0, "größer als 0 und kleiner als 100"),
        ("none", np.inf, "eine endliche Zahl"),
    ],
)
def test_values_a_transform_does_not_bear(transform: str, value: float, what: str) -> None:
    with pytest.raises(DataError, match=what) as caught:
        transformed(ring(np.array([[1.0], [value], [3.0]])).features["f0"], one(transform)[0])
    assert "Stadt 91002" in str(caught.value)


def test_scale_falls_back_to_quartiles_then_standard_deviation() -> None:
    assert robust_scale(np.array([0.0, 1.0, 2.0, 3.0, 4.0])) == pytest.approx(1.4826, abs=1e-4)
    mostly_equal = np.array([0.0] * 6 + [1.0, 1.0, 2.0, 3.0])
    assert robust_scale(mostly_equal) == pytest.approx(1.0 / 1.349, abs=1e-3)
    rare = np.array([0.0] * 9 + [1.0])
    assert robust_scale(rare) == pytest.approx(0.3)
    assert robust_scale(np.full(5, 7.3)) == 0.0
    assert robust_scale(np.array([0.1 + 0.2, 0.3])) == 0.0


def test_feature_without_spread_is_left_out_with_a_note() -> None:
    values = np.column_stack([np.arange(9.0), np.full(9, 4.0)])
    scaled = scale_features(ring(values), settings(2))
    assert list(scaled.values) == ["f0"]
    assert scaled.notes == ("Das Merkmal 'Merkmal 1' ist in allen Städten gleich und bleibt deshalb unberücksichtigt.",)


def test_no_feature_left() -> None:
    with pytest.raises(UsageError, match="kein Merkmal der Vergleichsgruppen unterscheidet die Städte"):
        scale_features(ring(np.full((9, 1), 4.0)), settings(1))


def test_gaps_take_the_median_and_are_told() -> None:
    values = np.column_stack([np.arange(9.0), np.arange(9.0) ** 2, np.arange(9.0)])
    values[0, 0] = np.nan
    values[:2, 1] = np.nan
    values[:6, 2] = np.nan
    scaled = scale_features(ring(values), settings(3))
    assert list(scaled.values) == ["f0", "f1"]
    assert scaled.values.loc["91001"].tolist() == [0.0, 0.0]
    told = " ".join(scaled.notes)
    assert "'Merkmal 0' fehlt bei einer Stadt; dort steht der Median" in told
    assert "'Merkmal 1' fehlt bei 2 Städten; dort steht der Median" in told
    assert "'Merkmal 2' fehlt bei 6 von 9 Städten und bleibt deshalb unberücksichtigt" in told
    assert "Bei der Stadt 91001 fehlen 2 von 2 Merkmalen" in told
    assert "91002" not in told


def test_extreme_value_is_limited_and_told() -> None:
    values = np.append(np.arange(9.0), 1000.0)[:, None]
    scaled = scale_features(ring(values), settings(1, limit=3.0))
    assert scaled.values["f0"].max() == 3.0
    assert scaled.notes == ("Ungewöhnliche Werte sind auf 3 robuste Standardabweichungen begrenzt: Merkmal 0 (1 Stadt).",)


def test_weight_is_a_factor_of_the_squared_distance() -> None:
    values = np.random.default_rng(5).normal(size=(12, 2))
    heavy = (FeatureSettings(id="f0", name_de="a", weight=4.0), FeatureSettings(id="f1", name_de="b"))
    plain, weighted = scale_features(ring(values), settings(2)), scale_features(ring(values), settings(2, feature=heavy))
    np.testing.assert_allclose(weighted.weighted, plain.weighted * [2.0, 1.0])
    np.testing.assert_allclose(weighted.values, plain.values)
