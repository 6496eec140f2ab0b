"""One digest for whatever a step reads."""

from __future__ import annotations

import dataclasses
import hashlib
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

_SOURCES = (".py", ".toml", ".j2", ".css")


def digest(*parts: Any) -> str:
    """SHA-256 over the content of the parts, as 64 hexadecimal digits.

    Understands None, bool, int, float, str, bytes, sequences, mappings (order does not count), dataclasses, pydantic
    models, numpy arrays and pandas frames. Equal content gives an equal digest in every process.

    Raises
    ------
    TypeError
        For anything else: a digest of an address would never be found again.
    """
    state = hashlib.sha256()
    for part in parts:
        _feed(state, part)
    return state.hexdigest()


def _feed(state: Any, part: Any) -> None:
    if isinstance(part, np.generic):  # first: numpy's float64 and str_ are floats and strings too, but are written differently
        _feed(state, part.item())
    elif part is None or isinstance(part, (bool, int, float, str)):
        _tagged(state, type(part).__name__, repr(part).encode())
    elif isinstance(part, bytes):
        _tagged(state, "bytes", part)
    elif isinstance(part, np.ndarray):
        if part.dtype == object:
            _feed(state, part.tolist())
        else:
            _tagged(state, f"array{part.dtype.str}{part.shape}", np.ascontiguousarray(part).tobytes())
    elif isinstance(part, pd.DataFrame):
        _tagged(state, "frame", b"")
        _feed(state, [str(name) for name in part.columns])
        _feed(state, part.index.to_numpy())
        for name in part.columns:
            values = part[name]
            _feed(state, values.to_numpy() if values.dtype.kind in "biuf" else [None if pd.isna(v) else v for v in values])
    elif isinstance(part, BaseModel):
        _tagged(state, type(part).__name__, part.model_dump_json().encode())
    elif dataclasses.is_dataclass(part) and not isinstance(part, type):
        _tagged(state, type(part).__name__, b"")
        for field in dataclasses.fields(part):
            _feed(state, getattr(part, field.name))
    elif isinstance(part, dict):
        _tagged(state, f"dict{len(part)}", b"")
        for key in sorted(part, key=repr):
            _feed(state, key)
            _feed(state, part[key])
    elif isinstance(part, (list, tuple)):
        _tagged(state, f"list{len(part)}", b"")
        for item in part:
            _feed(state, item)
    else:
        raise TypeError(f"no digest for {type(part).__name__}")


def _tagged(state: Any, tag: str, content: bytes) -> None:
    head = tag.encode()
    state.update(len(head).to_bytes(4, "big") + head + len(content).to_bytes(8, "big") + content)


def source_digest(package: str) -> str:
    """SHA-256 over the sources of a package, its sub-packages, templates and texts: a result belongs to what made it."""
    state = hashlib.sha256()
    _feed_folder(state, resources.files(package), "")
    return state.hexdigest()


def _feed_folder(state: Any, folder: Traversable, inside: str) -> None:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            _feed_folder(state, entry, f"{inside}{entry.name}/")
        elif entry.name.endswith(_SOURCES):
            _tagged(state, inside + entry.name, entry.read_bytes())
