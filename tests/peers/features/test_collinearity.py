import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from integstat.peers.features.collinearity import close_pairs, collinearity_note, correlation_of, effective_weights
from integstat.peers.settings import FeatureSettings, PeerSettings

from ..rings import settings


def features(*groups: str, weights: tuple[float, ...] = ()) -> tuple[FeatureSettings, ...]:
    weights = weights or (1.0,) * len(groups)
    return tuple(
        FeatureSettings(id=f"f{j}", name_de=f"Merkmal {j}", group=group, weight=weight)
        for j, (group, weight) in enumerate(zip(groups, weights, strict=True))
    )


def choice(chosen: tuple[FeatureSettings, ...], **more: object) -> PeerSettings:
    return settings(feature=chosen, **more)


@run(deadline=None, max_examples=25)
@given(st.integers(1, 5), st.integers(0, 99))
def test_copies_of_a_feature_count_as_one(copies: int, seed: int) -> None:
    own = np.random.default_rng(seed).normal(size=(1, 30, 3))
    chosen = features(*["other"] * (3 + copies))
    more = effective_weights(
        correlation_of(np.concatenate([own, np.repeat(own[:, :, :1], copies, axis=2)], axis=2)), chosen, choice(chosen)
    )
    assert more[0] == pytest.approx(more[3:].mean())
    # the copies take weight from their original, and what is said of the others' weight by r² they take alike
    once = correlation_of(own)
    others = (once**2).sum(axis=1) + copies * once[0] ** 2
    assert more[[0, *range(3, 3 + copies)]].sum() / more[1] == pytest.approx((1 + copies) * others[1] / others[0], rel=1e-6)


def test_exact_copies_of_an_uncorrelated_feature_have_its_weight_together() -> None:
    correlation = np.eye(4)
    correlation[:3, :3] = 1.0
    weights = effective_weights(correlation, features(*["other"] * 4), settings(4))
    assert weights[:3].sum() == pytest.approx(weights[3])
    assert weights.mean() == pytest.approx(1.0)
    np.testing.assert_allclose(effective_weights(correlation, features(*["other"] * 4), settings(4, collinearity="keep")), 1.0)


def test_weights_asked_for_stay_in_proportion() -> None:
    chosen = features("other", "other", weights=(4.0, 1.0))
    weights = effective_weights(np.eye(2), chosen, choice(chosen))
    np.testing.assert_allclose(weights, [1.6, 0.4])


def test_a_group_divides_its_total() -> None:
    chosen = features("age", "age", "size", "size", weights=(3.0, 1.0, 1.0, 1.0))
    weights = effective_weights(np.eye(4), chosen, choice(chosen, group_weight={"age": 1.0}))
    assert weights[:2].sum() == pytest.approx(weights[2])
    assert weights[0] == pytest.approx(3.0 * weights[1])
    assert weights.mean() == pytest.approx(1.0)


def test_close_features_are_named_with_what_follows() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(size=(1, 200, 1))
    values = np.concatenate([base, -base + 0.3 * rng.normal(size=base.shape), rng.normal(size=base.shape)], axis=2)
    correlation = correlation_of(values)
    assert [pair[:2] for pair in close_pairs(correlation)] == [(0, 1)]
    chosen = features("age", "age", "size")
    shared = collinearity_note(correlation, chosen, choice(chosen))
    assert len(shared) == 1
    assert "Merkmal 0 und Merkmal 1 (-0,9" in shared[0] and "geteilt" in shared[0]
    assert "zählt also mehrfach" in collinearity_note(correlation, chosen, choice(chosen, collinearity="keep"))[0]
    assert collinearity_note(np.eye(3), chosen, choice(chosen)) == ()


def test_correlation_is_the_mean_over_the_imputations() -> None:
    values = np.random.default_rng(2).normal(size=(3, 40, 4))
    expected = np.mean([np.corrcoef(one, rowvar=False) for one in values], axis=0)
    np.testing.assert_allclose(correlation_of(values), expected, atol=1e-8)
