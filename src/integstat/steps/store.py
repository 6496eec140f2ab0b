"""Results kept under the digest of what they were computed from."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import xarray as xr

from integstat.errors import IntegstatError, UsageError
from integstat.steps.atomic import write_text, writing
from integstat.steps.failure import Failure
from integstat.steps.packing import Packed, pack, unpack

# what zipfile and numpy may raise over wrong bytes (NotImplementedError: a compression method that zipfile does not know)
_DAMAGE = (OSError, EOFError, KeyError, TypeError, ValueError, MemoryError, NotImplementedError, zipfile.BadZipFile)


class Keeper(Protocol):
    """Keeps trees under keys, and the errors that came in their place. What is read is what `pack` makes of what was written."""

    def has(self, key: str) -> bool:
        """Tell whether a tree is kept under this key."""
        ...

    def sound(self, key: str) -> bool:
        """Tell whether the tree kept under this key can be read; what is damaged is removed."""
        ...

    def read(self, key: str) -> xr.DataTree:
        """Return the tree of this key; KeyError if there is none."""
        ...

    def write(self, key: str, tree: xr.DataTree) -> None:
        """Keep a tree; TypeError if it holds what cannot be kept."""
        ...

    def failure(self, key: str) -> IntegstatError | None:
        """Return the error that is kept under this key, None if there is none."""
        ...

    def fail(self, key: str, error: IntegstatError) -> None:
        """Keep an error."""
        ...

    def forgive(self, key: str) -> None:
        """Forget the error kept under this key, so that the step is tried again."""
        ...

    def tree(self, key: str, compute: Callable[[], xr.DataTree]) -> tuple[xr.DataTree, bool]:
        """Return the kept tree of this key, or compute and keep it.

        Returns
        -------
        tree : xarray.DataTree
        kept : bool
            Whether it had been computed before.
        """
        if self.has(key):
            with suppress(KeyError):  # a file may be damaged where `has` does not look
                return self.read(key), True
        tree = unpack(pack(compute()))
        self.write(key, tree)
        return tree, False


@dataclass(frozen=True)
class Store(Keeper):
    """A folder of results, one file per key; a file is whole or absent, so a killed run continues where it was.

    Trees are uncompressed `.npz`, errors are JSON. Any number of threads may read and write.

    Attributes
    ----------
    folder : Path
    """

    folder: Path

    def has(self, key: str) -> bool:
        """Tell whether a tree is kept under this key, by the table of contents at the end of its file."""
        try:
            with zipfile.ZipFile(self._file(key)) as file:
                return bool(file.namelist())
        except _DAMAGE:
            return False

    def sound(self, key: str) -> bool:
        """Tell whether the tree kept under this key can be read, by its checksums; what is damaged is removed."""
        try:
            with zipfile.ZipFile(self._file(key)) as file:
                if file.namelist() and file.testzip() is None:
                    return True
        except FileNotFoundError:
            return False
        except _DAMAGE:
            pass
        with suppress(OSError):
            self._file(key).unlink(missing_ok=True)
        return False

    def read(self, key: str) -> xr.DataTree:
        """Read a tree into memory.

        Raises
        ------
        KeyError
            If there is none, or its file is damaged; that is removed, so that it will be computed again.
        """
        path = self._file(key)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return unpack(dict(arrays))
        except _DAMAGE as error:
            path.unlink(missing_ok=True)
            raise KeyError(key) from error

    def write(self, key: str, tree: xr.DataTree) -> None:
        """Keep a tree, whole or not at all.

        Raises
        ------
        UsageError
            If nothing can be written there.
        """
        packed = pack(tree)
        try:
            with writing(self._file(key), sync=False) as part:
                np.savez(part, allow_pickle=False, **packed)
        except OSError as error:
            what = f"hier lässt sich nichts aufheben ({error.strerror})"
            raise UsageError(what, place=str(self.folder), mend="bitte den Ordner löschen oder beschreibbar machen") from error

    def failure(self, key: str) -> IntegstatError | None:
        """Return the error that is kept under this key, None if there is none or its file is damaged."""
        try:
            return Failure(**json.loads(self._error_file(key).read_text(encoding="utf-8"))).error()
        except (OSError, TypeError, ValueError):
            return None

    def fail(self, key: str, error: IntegstatError) -> None:
        """Keep an error."""
        write_text(self._error_file(key), json.dumps(asdict(Failure.of(error)), ensure_ascii=False) + "\n")

    def forgive(self, key: str) -> None:
        """Forget the error kept under this key, so that the step is tried again."""
        self._error_file(key).unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.npz"

    def _error_file(self, key: str) -> Path:
        return self.folder / f"{key}.json"


@dataclass(frozen=True)
class Memory(Keeper):
    """The same without a folder, for as long as the object lives; what is read is a copy."""

    _trees: dict[str, Packed] = field(default_factory=dict, repr=False)
    _errors: dict[str, Failure] = field(default_factory=dict, repr=False)

    def has(self, key: str) -> bool:
        """Tell whether a tree is kept under this key."""
        return key in self._trees

    def sound(self, key: str) -> bool:
        """Tell whether a tree is kept under this key."""
        return key in self._trees

    def read(self, key: str) -> xr.DataTree:
        """Return a copy of the tree of this key; KeyError if there is none."""
        return unpack({name: array.copy() for name, array in self._trees[key].items()})

    def write(self, key: str, tree: xr.DataTree) -> None:
        """Keep a copy of a tree."""
        self._trees[key] = {name: array.copy() for name, array in pack(tree).items()}

    def failure(self, key: str) -> IntegstatError | None:
        """Return the error that is kept under this key, None if there is none."""
        kept = self._errors.get(key)
        return None if kept is None else kept.error()

    def fail(self, key: str, error: IntegstatError) -> None:
        """Keep an error."""
        self._errors[key] = Failure.of(error)

    def forgive(self, key: str) -> None:
        """Forget the error kept under this key, so that the step is tried again."""
        self._errors.pop(key, None)
