"""Trees as NetCDF: for files that others read; slow beside what `store` keeps."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

import xarray as xr

from integstat.steps.atomic import writing


def write_tree(path: Path, tree: xr.DataTree) -> None:
    """Write a tree as NetCDF, floats in single precision, whole or not at all."""
    posteriors = [node for node in tree.subtree if node.name == "posterior"]
    encoding = {node.path: {str(name): {"dtype": "float32"} for name in _floats(node.to_dataset())} for node in posteriors}
    with writing(path) as part:
        tree.to_netcdf(part, engine="h5netcdf", encoding=encoding)


def _floats(data: xr.Dataset) -> list[Hashable]:
    return [name for name, values in data.data_vars.items() if values.dtype == float]
