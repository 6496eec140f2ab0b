"""Files that are either there whole or not there."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PART = ".part"


@contextmanager
def writing(path: Path, *, sync: bool = True) -> Iterator[Path]:
    """Give a temporary path beside `path`; on leaving without an error it takes the place of `path` in one move.

    After an error, or when the process is killed, `path` is what it was before; a killed process leaves the temporary file,
    which `sweep` removes. Without `sync`, a computer that loses power may leave a damaged file: for what can be checked and
    computed again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.parent / f".{path.stem[:40]}-{secrets.token_hex(8)}{_PART}{path.suffix}"
    part.touch(exist_ok=False)  # with the rights of any new file; to ask for the umask is to change it, for all threads
    try:
        yield part
        if sync:
            with part.open("rb") as written:
                os.fsync(written.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    with writing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def sweep(folder: Path) -> None:
    """Remove what processes killed while writing into this folder have left; only for a folder that nobody writes into."""
    for left in folder.glob(f".*{_PART}.*"):
        left.unlink(missing_ok=True)
