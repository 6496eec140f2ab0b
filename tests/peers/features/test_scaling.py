import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from integstat.errors import DataError
from integstat.peers.features.build import scale_features
from integstat.peers.features.scaling import Scaling, robust_scale, transformed
from integstat.peers.settings import FeatureSettings, PeerSettings

from ..rings import ring, settings


def one(transform: str = "none", **more: object) -> tuple[FeatureSettings, ...]:
    return (FeatureSettings(id="f0", name_de="Merkmal 0", transform=transform, **more),)


def scaled(values: np.ndarray, choice: PeerSettings) -> np.ndarray:
    return scale_features(ring(values), choice, 1).values[0]


def test_median_zero_and_spread_one() -> None:
    values = np.random.default_rng(1).normal(50.0, 7.0, size=(2001, 1))
    found = scaled(values, settings(1, limit=100.0))
    assert np.median(found) == 0.0
    assert found.std() == pytest.approx(1.0, abs=0.06)


@run(deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(-1e3, 1e3), st.booleans())
def test_unit_of_a_plain_feature_does_not_count(factor: float, shift: float, positive: bool) -> None:
    values = np.random.default_rng(2).normal(size=(20, 1))
    sign = 1.0 if positive else -1.0
    np.testing.assert_allclose(scaled(values * factor * sign + shift, settings(1)), sign * scaled(values, settings(1)), atol=1e-8)


@run(deadline=None)
@given(st.sampled_from(["log", "sqrt"]), st.floats(1e-3, 1e3))
def test_factor_of_a_log_or_root_feature_does_not_count(transform: str, factor: float) -> None:
    values = np.random.default_rng(3).gamma(2.0, size=(20, 1))
    choice = settings(1, feature=one(transform))
    np.testing.assert_allclose(scaled(values * factor, choice), scaled(values, choice), atol=1e-8)


def test_logit_of_percent_and_of_shares_agree() -> None:
    values = np.random.default_rng(4).uniform(5, 95, size=(20, 1))
    percent = scaled(values, settings(1, feature=one("logit")))
    share = scaled(values / 100, settings(1, feature=one("logit", whole=1.0)))
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


def test_the_rings_own_cities_come_out_alike_through_the_scaling() -> None:
    context = ring(np.random.default_rng(5).gamma(2.0, size=(15, 2)))
    found = scale_features(context, settings(2, limit=1.5), 1)
    np.testing.assert_array_equal(found.scaling.apply(context.features), found.values[0])


def test_another_city_on_the_rings_scale() -> None:
    features = (*one("log"), FeatureSettings(id="f1", name_de="b"), FeatureSettings(id="f2", name_de="c"))
    scaling = Scaling(features, np.array([0.0, 10.0, 0.0]), np.array([1.0, 2.0, 1.0]), 4.0)
    frame = pd.DataFrame({"f1": [14.0, 30.0, np.nan], "f0": [np.e, 1.0, np.e**-2], "extra": 0.0}, index=["a", "b", "c"])
    np.testing.assert_allclose(scaling.apply(frame), [[1.0, 2.0, np.nan], [0.0, 4.0, np.nan], [-2.0, np.nan, np.nan]])
    assert scaling.apply(frame, limited=False)[1, 1] == 10.0
