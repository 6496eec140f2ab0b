"""What is packed comes back as it was: values, types, names, order, attributes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.fakes import fake_posterior

from integstat.steps.packing import pack, unpack

NAMES = ("a", "b", "größe", "year")
numbers = st.sampled_from(["<f8", "<f4", "<i8", "<i2", "u1", "?", "<M8[ns]", "<c16", "<U5"])
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
numpys = hnp.arrays(st.sampled_from(["<f8", "<i4", "?"]), hnp.array_shapes(max_dims=2, max_side=3)) | st.sampled_from(
    [np.float32(0.1), np.int64(3), np.float64("nan"), np.bool_(True), np.str_("ä")]
)
values = st.recursive(
    plain | numpys,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
attributes = st.dictionaries(st.text(min_size=1, max_size=5), values, max_size=3)


@st.composite
def datasets(draw: st.DrawFn) -> xr.Dataset:
    sizes = draw(st.dictionaries(st.sampled_from(["chain", "draw", "city"]), st.integers(0, 3), max_size=3))
    variables = {}
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3)):
        dims = tuple(draw(st.permutations(sorted(sizes))))[: draw(st.integers(0, 3))]
        array = draw(hnp.arrays(draw(numbers), tuple(sizes[dim] for dim in dims)))
        variables[name] = xr.Variable(dims, array, draw(attributes))
    coords: dict[str, Any] = {}
    if "city" in sizes:
        texts = [f"0{place}" for place in range(sizes["city"])]
        kind = draw(st.sampled_from([None, "<U5", object]))
        coords = {} if kind is None else {"city": np.array(texts, dtype=kind), "land": ("city", np.arange(len(texts)))}
    return xr.Dataset(variables, coords, draw(attributes))


@st.composite
def trees(draw: st.DrawFn) -> xr.DataTree:
    paths = draw(st.lists(st.sampled_from(["/observed_data", "/deep/er", "/constant_data"]), unique=True, max_size=2))
    tree = xr.DataTree.from_dict({path: draw(datasets()) for path in paths}, name=draw(st.sampled_from([None, "ring"])))
    tree.attrs = draw(attributes)
    return tree


def kinds(value: Any) -> Any:
    """A value with its types spelled out; NaN equal to itself, -0.0 not to 0.0."""
    if isinstance(value, (np.ndarray, np.generic)):
        content = kinds(value.tolist()) if value.dtype.kind in "OT" else value.tobytes()
        return type(value).__name__, value.dtype.str, value.shape, content
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [kinds(one) for one in value]
    if isinstance(value, dict):
        return [(name, kinds(one)) for name, one in value.items()]
    return type(value).__name__, repr(value)


def spelled(tree: xr.DataTree) -> Any:
    """Everything there is to a tree."""
    out = []
    for node in tree.subtree:
        data = node.to_dataset(inherit=False)
        parts = [(name, one.dims, kinds(one.to_numpy()), kinds(one.attrs)) for name, one in data.variables.items()]
        out.append((node.path, sorted(parts), list(data.data_vars), sorted(data.coords), sorted(data.indexes), kinds(data.attrs)))
    return tree.name, out


@given(trees())
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_a_tree_comes_back_exactly(tree: xr.DataTree) -> None:
    assert spelled(unpack(pack(tree))) == spelled(tree)


def test_a_posterior_comes_back_in_single_precision_and_stays_so() -> None:
    made = fake_posterior("T1.all", ["01001", "01002"], draws=7)
    once = unpack(pack(made))
    assert {one.dtype for one in once["posterior"].data_vars.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(once["posterior"]["change"], made["posterior"]["change"].astype(np.float32))
    assert spelled(unpack(pack(once))) == spelled(once)
    del made["posterior"], once["posterior"]
    assert spelled(once) == spelled(made)


def test_text_of_any_length_keeps_its_kind() -> None:
    texts = {
        "object": np.array(["a", "ä" * 300, None], dtype=object),
        "long": np.array(["a", "b" * 9, ""], np.dtypes.StringDType()),
    }
    tree = xr.DataTree(xr.Dataset({name: ("city", one) for name, one in texts.items()}))
    assert spelled(unpack(pack(tree))) == spelled(tree)
    assert all(one.dtype.kind != "O" for one in pack(tree).values())


def test_equal_trees_give_equal_bytes_whatever_their_memory_looks_like() -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    one, other = (xr.DataTree(xr.Dataset({"x": (("a", "b", "c"), array)})) for array in (values, np.asfortranarray(values)))
    assert {name: array.tobytes() for name, array in pack(one).items()} == {
        name: array.tobytes() for name, array in pack(other).items()
    }


@pytest.mark.parametrize("thing", [object(), {1, 2}, 1j, np.array([object()], dtype=object)])
def test_what_has_no_plain_form_is_refused(thing: object) -> None:
    tree = xr.DataTree()
    tree.attrs = {"broken": thing}
    with pytest.raises(TypeError, match="cannot be kept"):
        pack(tree)


def test_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="a variable called 3 cannot be kept"):
        pack(xr.DataTree(xr.Dataset({3: ("city", [1.0])})))
