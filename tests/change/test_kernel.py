"""The kernel of peers cut to its leading eigenvectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.change.kernel import leading


def rank(kernel: np.ndarray) -> int:
    return int((np.linalg.eigvalsh(kernel) > 1e-9).sum())


@st.composite
def kernels(draw: st.DrawFn) -> np.ndarray:
    """Co-assignment of a few random partitions, or a similarity of random places."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cities = draw(st.integers(2, 25))
    if draw(st.booleans()):
        labels = rng.integers(0, 4, (draw(st.integers(1, 12)), cities))
        return (labels[:, :, None] == labels[:, None, :]).mean(axis=0)
    places = rng.normal(size=(cities, 2))
    return np.exp(-((places[:, None] - places[None]) ** 2).sum(axis=2))


@settings(max_examples=60, deadline=None)
@given(kernels(), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_kernel_stays_one(kernel: np.ndarray, kept: float) -> None:
    out = leading(kernel, kept)
    np.testing.assert_array_equal(out, out.T)
    np.testing.assert_allclose(np.diag(out), 1.0)
    assert np.linalg.eigvalsh(out).min() > -1e-9
    assert rank(out) <= rank(kernel)
    assert np.abs(out).max() <= 1 + 1e-9


@settings(max_examples=30, deadline=None)
@given(kernels())
def test_everything_kept_is_the_kernel(kernel: np.ndarray) -> None:
    np.testing.assert_allclose(leading(kernel, 1.0), kernel, atol=1e-7)


def test_clear_groups_lose_nothing() -> None:
    groups = np.arange(30) % 4
    blocks = (groups[:, None] == groups).astype(float)
    np.testing.assert_allclose(leading(blocks), blocks, atol=1e-12)


def test_a_city_like_no_other_keeps_its_own_effect() -> None:
    kernel = np.eye(40)
    kernel[:39, :39] = 1.0
    out = leading(kernel, 0.5)
    np.testing.assert_allclose(out, kernel, atol=1e-12)
    np.testing.assert_allclose(leading(np.eye(10)), np.eye(10), atol=1e-12)


def test_fewer_columns_for_less_of_the_variance() -> None:
    place = np.linspace(0, 1, 40)
    smooth = np.exp(-(((place[:, None] - place) / 0.1) ** 2))
    ranks = [rank(leading(smooth, kept)) for kept in (0.7, 0.9, 0.99)]
    assert ranks == sorted(ranks)
    assert ranks[-1] < 40
    assert np.abs(leading(smooth, 0.99) - smooth).max() == pytest.approx(0, abs=0.1)
