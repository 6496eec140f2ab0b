"""A tree as plain arrays and back: what is kept in a file, and what goes from one process to another."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import xarray as xr

type Packed = dict[str, np.ndarray]

_PLAN = "plan"  # the entry that says what the others are


def pack(tree: xr.DataTree) -> Packed:
    """Take a tree apart into numbered arrays and a plan in JSON.

    Parameters
    ----------
    tree : xarray.DataTree
        With named dimensions, coordinates and attributes; indexes are those that xarray makes of coordinates by itself.

    Returns
    -------
    dict of str to ndarray
        `unpack` makes the same tree of it, but for two things: variables of the groups called `posterior` are kept in
        single precision where they are in double, and `encoding` is not kept. Equal trees give equal bytes.

    Raises
    ------
    TypeError
        For values, attributes or names that are neither numbers, text, None, nor sequences, mappings or arrays of these.
    """
    arrays: list[np.ndarray] = []
    nodes = {node.path: _node_plan(node, arrays) for node in tree.subtree}
    plan = json.dumps({"name": tree.name, "nodes": nodes}, ensure_ascii=False)
    packed = {str(number): array for number, array in enumerate(arrays)}
    return packed | {_PLAN: np.frombuffer(plan.encode("utf-8"), dtype=np.uint8)}


def unpack(packed: Mapping[str, np.ndarray]) -> xr.DataTree:
    """Make the tree again that `pack` took apart; the arrays are not copied.

    Raises
    ------
    KeyError, TypeError, ValueError
        If `packed` was not made by `pack`.
    """
    plan = json.loads(packed[_PLAN].tobytes().decode("utf-8"))
    nodes = {path: _dataset(node, packed) for path, node in plan["nodes"].items()}
    return xr.DataTree.from_dict(nodes, name=plan["name"])


def _node_plan(node: xr.DataTree, arrays: list[np.ndarray]) -> dict[str, Any]:
    data = node.to_dataset(inherit=False)
    single = node.name == "posterior"
    return {
        "coordinates": [[_named(name), _variable_plan(one.variable, arrays)] for name, one in data.coords.items()],
        "variables": [[_named(name), _variable_plan(one.variable, arrays, single)] for name, one in data.data_vars.items()],
        "attributes": _plan(data.attrs, arrays),
    }


def _variable_plan(variable: xr.Variable, arrays: list[np.ndarray], single: bool = False) -> dict[str, Any]:
    values = variable.to_numpy()
    if single and values.dtype == np.float64:
        values = values.astype(np.float32)
    return {"dims": list(variable.dims), "values": _plan(values, arrays), "attributes": _plan(variable.attrs, arrays)}


def _named(name: Hashable) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a variable called {name!r} cannot be kept")
    return name


def _plan(value: Any, arrays: list[np.ndarray]) -> Any:
    """Write a value as JSON; arrays and numpy's own numbers go to `arrays`, and their place is written."""
    if isinstance(value, (np.ndarray, np.generic)):
        return _array_plan(value, arrays)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return {type(value).__name__: [_plan(one, arrays) for one in value]}
    if isinstance(value, dict):
        return {"dict": [[_plan(key, arrays), _plan(one, arrays)] for key, one in value.items()]}
    raise TypeError(f"{type(value).__name__} cannot be kept")


def _array_plan(value: np.ndarray | np.generic, arrays: list[np.ndarray]) -> dict[str, Any]:
    if isinstance(value, np.ndarray) and value.dtype.kind in "OT":  # text of any length: numpy would pickle it
        texts = [_plan(one, arrays) for one in value.ravel().tolist()]
        return {"texts": texts, "shape": list(value.shape), "object": value.dtype.kind == "O"}
    arrays.append(np.array(value, order="C", copy=None, subok=False))
    return {"array": len(arrays) - 1, "scalar": isinstance(value, np.generic)}


def _value(plan: Any, packed: Mapping[str, np.ndarray]) -> Any:
    """Read what `_plan` wrote."""
    if not isinstance(plan, dict):
        return plan
    if "array" in plan:
        array = packed[str(plan["array"])]
        return array[()] if plan["scalar"] else array
    if "texts" in plan:
        return _texts(plan, packed)
    if "dict" in plan:
        return {_value(key, packed): _value(one, packed) for key, one in plan["dict"]}
    kind = tuple if "tuple" in plan else list
    return kind(_value(one, packed) for one in plan[kind.__name__])


def _texts(plan: dict[str, Any], packed: Mapping[str, np.ndarray]) -> np.ndarray:
    values = np.empty(len(plan["texts"]), dtype=object if plan["object"] else np.dtypes.StringDType())
    for place, one in enumerate(plan["texts"]):
        values[place] = _value(one, packed)
    return values.reshape(plan["shape"])


def _dataset(plan: dict[str, Any], packed: Mapping[str, np.ndarray]) -> xr.Dataset:
    coordinates, variables = ({name: _variable(one, packed) for name, one in plan[kind]} for kind in ("coordinates", "variables"))
    return xr.Dataset(variables, coordinates, _value(plan["attributes"], packed))


def _variable(plan: dict[str, Any], packed: Mapping[str, np.ndarray]) -> xr.Variable:
    return xr.Variable(plan["dims"], _value(plan["values"], packed), _value(plan["attributes"], packed))
