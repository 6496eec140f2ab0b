"""Results kept under the digest of what they were computed from."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import xarray as xr

from integstat.steps.atomic import writing


@dataclass(frozen=True)
class Store:
    """A folder of results, one file per key; a file is whole or absent, so a killed run continues where it was.

    Attributes
    ----------
    folder : Path
    """

    folder: Path
    _files: Lock = field(default_factory=Lock, repr=False, compare=False)  # one thread at a time reads or writes

    def tree(self, key: str, compute: Callable[[], xr.DataTree]) -> tuple[xr.DataTree, bool]:
        """Return the kept tree of this key, or compute and keep it.

        Returns
        -------
        tree : xarray.DataTree
        kept : bool
            Whether it had been computed before.
        """
        path = self.folder / f"{key}.nc"
        if path.exists():
            with self._files:
                return read_tree(path), True
        tree = compute()
        with self._files:
            write_tree(path, tree)
            return read_tree(path), False


def write_tree(path: Path, tree: xr.DataTree) -> None:
    """Write a tree as NetCDF, floats in single precision, whole or not at all."""
    posteriors = [node for node in tree.subtree if node.name == "posterior"]
    encoding = {node.path: {str(name): {"dtype": "float32"} for name in _floats(node.to_dataset())} for node in posteriors}
    with writing(path) as part:
        tree.to_netcdf(part, engine="h5netcdf", encoding=encoding)


def _floats(data: xr.Dataset) -> list[Hashable]:
    return [name for name, values in data.data_vars.items() if values.dtype == float]


def read_tree(path: Path) -> xr.DataTree:
    """Read a tree into memory and close the file."""
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        return tree.load()
