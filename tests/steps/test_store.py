"""A result that was kept is not computed again."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes import fake_posterior
from tests.steps.test_packing import spelled
from tests.steps.work import tree_of

from integstat.errors import ConvergenceError, DataError, IntegstatError, UsageError
from integstat.steps import Keeper, Memory, Store
from integstat.steps.failure import Failure
from integstat.steps.packing import pack, unpack


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


@pytest.mark.parametrize("make", [Store, lambda folder: Memory()], ids=["folder", "memory"])
def test_a_failed_write_keeps_nothing(make: Callable[[Path], Keeper], tmp_path: Path) -> None:
    keeper = make(tmp_path)
    bad = fake_posterior("T1.all", ["a"], draws=5)
    bad.attrs["broken"] = object()
    with pytest.raises(TypeError, match="cannot be kept"):
        keeper.tree("k", lambda: bad)
    assert not keeper.has("k")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [Store, lambda folder: Memory()], ids=["folder", "memory"])
def test_what_is_written_is_read_and_what_is_not_is_not(make: Callable[[Path], Keeper], tmp_path: Path) -> None:
    keeper = make(tmp_path / "kept")
    made = fake_posterior("T1.all", ["01001", "01002"], draws=20)
    assert not keeper.has("k")
    with pytest.raises(KeyError, match="k"):
        keeper.read("k")
    keeper.write("k", made)
    assert keeper.has("k")
    first = keeper.read("k")
    assert spelled(first) == spelled(unpack(pack(made)))
    first["posterior"]["change"][:] = 0.0  # whoever reads may change what was read
    assert spelled(keeper.read("k")) == spelled(unpack(pack(made)))


def test_equal_trees_make_equal_files(tmp_path: Path) -> None:
    for name in ("one", "other"):
        Store(tmp_path).write(name, fake_posterior("T1.all", ["a", "b"], draws=9))
    one, other = ((tmp_path / f"{name}.npz").read_bytes() for name in ("one", "other"))
    assert one == other
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.npz", "other.npz"]


def test_a_truncated_file_counts_as_absent_and_is_made_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write("k", tree_of(1))
    whole = (tmp_path / "k.npz").read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "k.npz").write_bytes(whole[:length])
        assert not store.has("k")
        with pytest.raises(KeyError):
            store.read("k")
        _, kept = store.tree("k", lambda: tree_of(1))
        assert not kept
        assert (tmp_path / "k.npz").read_bytes() == whole


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04" + bytes(400), bytes(5000)])
def test_garbage_counts_as_absent(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "k.npz").write_bytes(content)
    (tmp_path / "k.json").write_bytes(content)
    store = Store(tmp_path)
    assert not store.has("k")
    assert store.failure("k") is None
    with pytest.raises(KeyError):
        store.read("k")


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(deadline=None, max_examples=60)
def test_a_flipped_bit_never_goes_unnoticed(place: float, bit: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.write("k", tree_of(1))
        path = Path(folder) / "k.npz"
        content = bytearray(path.read_bytes())
        content[int(place * len(content))] ^= 1 << bit
        path.write_bytes(content)
        try:
            found = store.read("k")
        except KeyError:
            assert not store.has("k")
        else:  # a bit that says nothing, such as a date
            assert spelled(found) == spelled(unpack(pack(tree_of(1))))


class Distant(ConvergenceError):
    """A class that the store does not know."""


@pytest.mark.parametrize("make", [Store, lambda folder: Memory()], ids=["folder", "memory"])
@pytest.mark.parametrize("kind", [IntegstatError, UsageError, DataError, ConvergenceError])
def test_an_error_is_kept_and_comes_back_as_itself(
    make: Callable[[Path], Keeper], kind: type[IntegstatError], tmp_path: Path
) -> None:
    keeper = make(tmp_path)
    assert keeper.failure("k") is None
    error = kind("zu große Ährenlänge", place='A1 "x"', mend="bitte kürzen")
    keeper.fail("k", error)
    found = keeper.failure("k")
    assert type(found) is kind
    assert (found.what, found.place, found.mend, str(found)) == (error.what, error.place, error.mend, str(error))
    assert not keeper.has("k")


def test_an_error_of_another_room_comes_back_as_what_it_is_made_from() -> None:
    found = Failure.of(Distant("x")).error()
    assert type(found) is ConvergenceError
    with pytest.raises(ValueError, match="no error is called Path"):
        Failure("Path", "", "", "").error()


def test_many_threads_may_read_and_write_at_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    before = os.umask(0o022)
    os.umask(before)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda place: store.tree(f"k{place % 5}", lambda: tree_of(place % 5)), range(80)))
    for place in range(5):
        assert spelled(store.read(f"k{place}")) == spelled(unpack(pack(tree_of(place))))
    assert len(list(tmp_path.iterdir())) == 5
    assert os.umask(before) == before  # a mask is the whole process's
