"""A folder of vintages: each is a folder named after its hash, made elsewhere and moved to its place in one step.

The move is the lock. It succeeds for one process alone, brings bytes and index line together, and leaves nothing behind at
its place when it does not happen; so any number of processes may deliver, and be killed, at any moment.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from integstat.errors import DataError, UsageError

FORMAT = "integstat-fassungen-1"
MARKER = "integstat-fassungen"  # file by which a store is recognised
LINE = "fassung.json"
_BYTES = "lieferung"
_PART = ".part-"
_LEFT_OVER = 86_400.0  # seconds after which an unfinished folder belongs to no living process
_FOLDER = re.compile(r"^([0-9a-f]{64})(?:-[0-9]+)?$")
_SUFFIXES = (".csv.gz", ".csv", ".xlsx", ".xlsm", ".ods", ".gz")
_WORKBOOKS = (".xlsx", ".xlsm", ".ods")


@dataclass(frozen=True)
class Vintage:
    """A delivery as it was received.

    Attributes
    ----------
    city : str
        AGS; empty for a file that belongs to no single city.
    file : str
        Name it came with, without folder.
    received : datetime.date
        Day of receipt, as the receiver told it or as the delivery itself says: what decides about earlier and later.
    number : int
        From 1, in the order in which the vintages of the same thing arrived; decides within one day.
    sha256 : str
        Of the bytes.
    size : int
        Bytes.
    data_as_of : str
        Datenstand as the city wrote it.
    stored : str
        Clock time of the storing (UTC). A note for people: nothing is computed from it.
    path : Path
        Where the bytes lie.
    """

    city: str
    file: str
    received: datetime.date
    number: int
    sha256: str
    size: int
    data_as_of: str
    stored: str
    path: Path

    @property
    def name(self) -> str:
        """Name for people and for the patterns of a config: AGS and file name, or the file name alone."""
        return f"{self.city}/{self.file}" if self.city else self.file

    @property
    def subject(self) -> str:
        """What it is a vintage of: a city's workbook, whatever it is called, or else the file of this name."""
        return self.city if self.city and self.file.lower().endswith(_WORKBOOKS) else self.name


def is_store(folder: Path) -> bool:
    """Tell whether a folder keeps vintages."""
    return (folder / MARKER).is_file()


def open_store(folder: Path) -> None:
    """Make an empty or missing folder a store, and clear away what processes killed long ago have left in one.

    Raises
    ------
    UsageError
        If it is a file, holds something else, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not is_store(folder):
            if any(not one.name.startswith(".") for one in folder.iterdir()) and not is_store(folder):
                what = "dieser Ordner ist nicht leer und keine Ablage von Fassungen"
                raise UsageError(what, place=str(folder), mend="bitte einen neuen Ordner nennen")
            part = folder / f"{_PART}{secrets.token_hex(8)}"
            part.write_text(FORMAT + "\n", encoding="utf-8")
            part.replace(folder / MARKER)  # whoever comes second writes the same
    except FileExistsError as error:
        raise UsageError("das ist eine Datei, kein Ordner", place=str(folder), mend="bitte einen Ordner nennen") from error
    except OSError as error:
        raise _not_writable(folder, error) from error
    if (folder / MARKER).read_text(encoding="utf-8").strip() != FORMAT:
        what = "diese Ablage hat eine andere Form, als dieser Programmstand kennt"
        raise UsageError(what, place=str(folder / MARKER), mend="bitte den Programmstand nehmen, der sie angelegt hat")
    _sweep(folder)


def deliver(
    store: Path,
    content: bytes,
    *,
    file: str,
    received: datetime.date,
    city: str = "",
    data_as_of: str = "",
    again: bool = False,
) -> tuple[Vintage, bool]:
    """Keep a delivery, untouched, unless these bytes are kept already.

    Parameters
    ----------
    store : pathlib.Path
        Opened with `open_store` before.
    content : bytes
    file : str
        Name it came with.
    received : datetime.date
        Day of receipt.
    city : str
        AGS; empty for a file that belongs to no single city.
    data_as_of : str
        Datenstand as the city wrote it.
    again : bool
        Whether bytes that came before, and were followed by others, are a new vintage: the city took its correction back.

    Returns
    -------
    vintage : Vintage
        The new one, or the last with the same bytes.
    new : bool

    Raises
    ------
    DataError
        If the same bytes are kept as another city's, or an index line of the store is damaged.
    UsageError
        If the store cannot be written.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    while True:  # until the place was free, or what lies there is what was to be kept
        there = vintages(store)
        same = [one for one in there if one.sha256 == sha256]
        if same:
            _refuse_other_city(same[-1], city, file)
            if not again or same[-1] in latest(there):
                return same[-1], False
        vintage = Vintage(
            city=same[-1].city if same else city,
            file=same[-1].file if same else file,
            received=received,
            number=0,
            sha256=sha256,
            size=len(content),
            data_as_of=data_as_of,
            stored=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            path=same[0].path if same else store / sha256 / f"{_BYTES}{_suffix(file)}",
        )
        number = 1 + max((one.number for one in there if one.subject == vintage.subject), default=0)
        vintage = Vintage(**(vars(vintage) | {"number": number}))
        place = store / (f"{sha256}-{len(same) + 1}" if same else sha256)
        if _move_in(store, place, vintage, None if same else content):
            return vintage, True


def vintages(store: Path) -> list[Vintage]:
    """Everything a store keeps, by subject, day of receipt and number.

    Raises
    ------
    DataError
        If an index line cannot be read, or the bytes it speaks of are gone.
    """
    found = [_read(one) for one in store.iterdir() if _FOLDER.match(one.name)]
    return sorted(found, key=lambda one: (one.subject, one.received, one.number, one.sha256))


def latest(of: Iterable[Vintage], as_of: datetime.date | None = None) -> list[Vintage]:
    """Of each subject the vintage that holds: the last that had been received by the end of the day `as_of`, if given."""
    last: dict[str, Vintage] = {}
    for one in sorted(of, key=lambda one: (one.subject, one.received, one.number, one.sha256)):
        if as_of is None or one.received <= as_of:
            last[one.subject] = one
    return list(last.values())


def damaged(store: Path) -> list[Vintage]:
    """Vintages whose bytes are not those that were delivered."""
    return [one for one in vintages(store) if hashlib.sha256(one.path.read_bytes()).hexdigest() != one.sha256]


def _refuse_other_city(kept: Vintage, city: str, file: str) -> None:
    if city and city != kept.city:
        whose = f"der Stadt {kept.city}" if kept.city else "ohne Stadt"
        what = f"dieselbe Datei liegt schon als Lieferung {whose} vor ({kept.file}, eingegangen {kept.received})"
        raise DataError(what, place=file, mend=f"bitte prüfen, ob sie wirklich von {city} stammt")


def _move_in(store: Path, place: Path, vintage: Vintage, content: bytes | None) -> bool:
    """Make the vintage's folder beside its place and move it there; False if another process was faster."""
    part = store / f"{_PART}{secrets.token_hex(8)}"
    try:
        part.mkdir()
        if content is not None:
            _write(part / vintage.path.name, content)
        _write(part / LINE, (json.dumps(_line(vintage), ensure_ascii=False, sort_keys=True) + "\n").encode())
        try:
            part.rename(place)
        except OSError:
            if place.is_dir():
                return False
            raise
        _sync(store)
    except OSError as error:
        raise _not_writable(store, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return True


def _write(path: Path, content: bytes) -> None:
    """Write a file down to the disk, and protect it from editing."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o444)


def _sync(folder: Path) -> None:
    """Bring a folder's entries down to the disk, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _line(vintage: Vintage) -> dict[str, object]:
    """What the index says of a vintage."""
    return {
        "format": FORMAT,
        "city": vintage.city,
        "file": vintage.file,
        "received": vintage.received.isoformat(),
        "number": vintage.number,
        "sha256": vintage.sha256,
        "size": vintage.size,
        "data_as_of": vintage.data_as_of,
        "stored": vintage.stored,
    }


def _read(folder: Path) -> Vintage:
    """Read one index line; the bytes may lie in the folder of an earlier vintage."""
    path = folder / LINE
    try:
        line = _parsed(path, path.stat().st_mtime_ns)
        kept = folder.parent / line["sha256"] / f"{_BYTES}{_suffix(line['file'])}"
        fits = line["format"] == FORMAT and line["sha256"] == folder.name[:64] and kept.stat().st_size == line["size"]
        vintage = Vintage(
            city=str(line["city"]),
            file=str(line["file"]),
            received=datetime.date.fromisoformat(line["received"]),
            number=int(line["number"]),
            sha256=str(line["sha256"]),
            size=int(line["size"]),
            data_as_of=str(line["data_as_of"]),
            stored=str(line["stored"]),
            path=kept,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path) from error
    if not fits:
        raise _damaged(path)
    return vintage


@cache
def _parsed(path: Path, _changed: int) -> Any:
    """Content of an index line; lines are written once, and who delivers many files looks at all of them for each."""
    return json.loads(path.read_text(encoding="utf-8"))


def _damaged(path: Path) -> DataError:
    what = "diese Fassung ist beschädigt oder verändert worden"
    return DataError(what, place=str(path), mend="bitte die Ablage aus der Sicherung wiederherstellen")


def _not_writable(folder: Path, error: OSError) -> UsageError:
    what = f"hier lässt sich nichts ablegen ({error.strerror})"
    return UsageError(what, place=str(folder), mend="bitte den Ordner beschreibbar machen oder einen anderen nennen")


def _suffix(file: str) -> str:
    """Ending of the kept file, of those that deliveries have."""
    return next((suffix for suffix in _SUFFIXES if file.lower().endswith(suffix)), "")


def _sweep(store: Path) -> None:
    """Remove unfinished folders that are a day old; younger ones may belong to a process that is still writing."""
    for left in store.glob(f"{_PART}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _LEFT_OVER:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
