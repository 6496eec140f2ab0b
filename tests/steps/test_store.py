"""A result that was kept is not computed again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from tests.fakes import fake_posterior

from integstat.steps import Store


def forbidden() -> xr.DataTree:
    raise AssertionError("computed although it was kept")


def test_the_second_call_computes_nothing_and_gives_the_same(tmp_path: Path) -> None:
    store = Store(tmp_path / "kept")
    made = fake_posterior("T1.all", ["01001", "01002", "01003"], draws=20)
    first, kept_first = store.tree("k", lambda: made)
    second, kept_second = store.tree("k", forbidden)
    assert (kept_first, kept_second) == (False, True)
    xr.testing.assert_identical(first, second)
    np.testing.assert_equal(dict(second.attrs), dict(made.attrs))
    assert list(second["posterior"]["city"].to_numpy()) == ["01001", "01002", "01003"]
    np.testing.assert_allclose(second["posterior"]["change"], made["posterior"]["change"], rtol=1e-6)
    np.testing.assert_array_equal(second["observed_data"]["y"], made["observed_data"]["y"])


def test_draws_are_kept_in_single_precision_and_counts_in_full(tmp_path: Path) -> None:
    tree, _ = Store(tmp_path).tree("k", lambda: fake_posterior("T1.all", ["a", "b"], draws=5, base=123_456_789.0))
    assert tree["posterior"]["mean"].dtype == np.float32
    assert tree["observed_data"]["n"].dtype == np.float64
    assert (tree["observed_data"]["n"] == 123_456_789.0).all()


def test_another_key_is_another_result(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.tree("one", lambda: fake_posterior("T1.all", ["a"], draws=5))
    with pytest.raises(AssertionError, match="computed although"):
        store.tree("other", forbidden)


def test_a_failed_computation_keeps_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "kept")

    def fail() -> xr.DataTree:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.tree("k", fail)
    assert not (tmp_path / "kept").exists() or list((tmp_path / "kept").iterdir()) == []
    _, kept = store.tree("k", lambda: fake_posterior("T1.all", ["a"], draws=5))
    assert not kept


def test_a_failed_write_keeps_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    bad = fake_posterior("T1.all", ["a"], draws=5)
    bad.attrs["broken"] = None  # NetCDF has no word for it
    with pytest.raises(TypeError):
        store.tree("k", lambda: bad)
    assert list(tmp_path.iterdir()) == []
