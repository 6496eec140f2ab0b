"""Find a ring's files, read each once, hash it, and see whether it can be what it claims to be."""

from __future__ import annotations

import datetime
import hashlib
import os
import stat
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from integstat.errors import UsageError
from integstat.intake.problems import UnreadableFile
from integstat.vintages import is_store, latest, vintages

MAX_BYTES = 150_000_000  # of a file, as it lies there and after unpacking
MAX_CELLS = 6_000_000  # of a text table, each of which becomes a text of its own in memory: some 150 bytes until it is read

_SMALLER = "bitte beim Abruf nach Gebieten, Jahren und Merkmalen filtern oder aufteilen"

_FOREIGN = (
    (b"PK\x03\x04", "eine Excel-Mappe oder ein ZIP-Archiv"),
    (b"\xd0\xcf\x11\xe0", "eine alte Excel-Datei (.xls) oder eine verschlüsselte Mappe"),
    (b"%PDF", "ein PDF"),
    (b"\xff\xfe", "Text in UTF-16"),
    (b"\xfe\xff", "Text in UTF-16"),
    (b"\x1f\x8b", "eine gepackte Datei (gzip)"),
)


@dataclass(frozen=True)
class FileContent:
    """A file as it was read.

    Attributes
    ----------
    path : Path
        Where it lay.
    name : str
        Its name for people: relative to the data folder, with '/'.
    content : bytes
        Everything it held; every later step works on these bytes.
    sha256 : str
        Hash of `content`.
    """

    path: Path
    name: str
    content: bytes
    sha256: str


@dataclass(frozen=True)
class FoundFile:
    """A file to be read.

    Attributes
    ----------
    path : Path
        Where it lies.
    name : str
        Its name for people: relative to the data folder, with '/'; from a store the city's AGS and the name it came with.
    sha256 : str
        Hash it was stored with; empty where it lies in a folder.
    """

    path: Path
    name: str
    sha256: str = ""


def find_files(root: Path, patterns: Iterable[str], as_of: datetime.date | None = None) -> tuple[list[FoundFile], list[str]]:
    """Files of a data folder, or of a store of vintages, that fit the patterns.

    Parameters
    ----------
    root : pathlib.Path
        The data folder, or the store.
    patterns : iterable of str
        Names, or patterns with `*` and `?`, relative to the data folder. In a store a pattern is held against the end of the
        name, so `*.xlsx` is the workbook of every city.
    as_of : datetime.date, optional
        Of a store: what had been received by the end of this day; by default everything.

    Returns
    -------
    found : list of FoundFile
        Sorted by name within each pattern, each once.
    unmatched : list of str
        Patterns that nothing fits.

    Raises
    ------
    UnreadableFile
        If a pattern or a link leads out of the data folder.
    UsageError
        If `as_of` is asked of a folder that keeps no vintages.

    Notes
    -----
    The data folder itself may lie anywhere and may be a link; nothing in it may lead out of it.
    """
    store = is_store(root)
    if as_of is not None and not store:
        what = f"ein Stichtag der Lieferungen ({as_of}) ist genannt, der Datenordner ist aber keine Ablage von Fassungen"
        raise UsageError(what, place=str(root), mend="bitte 'as_of' streichen oder als 'data' eine Ablage nennen")
    valid = latest(vintages(root), as_of) if store else []
    stored = [FoundFile(one.path, one.name, one.sha256) for one in valid]
    found: dict[str, FoundFile] = {}
    unmatched = []
    for pattern in patterns:
        _refuse_climbing(pattern)
        fitting = [one for one in stored if PurePosixPath(one.name).match(pattern)] if store else _in_folder(root, pattern)
        if not fitting and as_of is not None:
            _refuse_too_early(root, pattern, as_of)
        if not fitting:
            unmatched.append(pattern)
        for one in fitting:
            found.setdefault(one.name, one)
    return list(found.values()), unmatched


def _refuse_too_early(root: Path, pattern: str, as_of: datetime.date) -> None:
    """Refuse a day before the first delivery that fits."""
    days = [one.received for one in vintages(root) if PurePosixPath(one.name).match(pattern)]
    if days:
        what = f"bis zum {as_of:%d.%m.%Y} ist nichts eingegangen, die früheste Lieferung kam am {min(days):%d.%m.%Y}"
        raise UnreadableFile(pattern, "", what, "bitte 'as_of' berichtigen")


def _refuse_climbing(pattern: str) -> None:
    """Refuse a path that is absolute or goes up, in either way of writing paths."""
    for path in (PurePosixPath(pattern), PureWindowsPath(pattern)):
        if path.is_absolute() or path.drive or path.root or ".." in path.parts or not path.parts or "\0" in pattern:
            what = "dieser Pfad führt aus dem Datenordner hinaus oder nennt keine Datei"
            mend = "bitte die Datei in den Datenordner legen und ihren Namen darin nennen"
            raise UnreadableFile(pattern.replace("\0", "\\0"), "", what, mend)


def _in_folder(root: Path, pattern: str) -> list[FoundFile]:
    if any(sign in pattern for sign in "*?["):
        paths = [path for path in root.glob(pattern) if path.is_file() and not path.name.startswith(("~$", "."))]
    else:
        paths = [root / pattern] if (root / pattern).exists() else []
    top = root.resolve()
    found = []
    for path in sorted(paths):
        name = path.relative_to(root).as_posix()
        if not path.resolve().is_relative_to(top):
            what = "diese Verknüpfung führt aus dem Datenordner hinaus"
            raise UnreadableFile(name, "", what, "bitte die Datei selbst in den Datenordner legen")
        found.append(FoundFile(path, name))
    return found


def read_once(path: Path, name: str | None = None, sha256: str = "") -> FileContent:
    """Read a file once and make sure it did not change meanwhile.

    Parameters
    ----------
    path : pathlib.Path
    name : str, optional
        Its name for people; by default the last part of `path`.
    sha256 : str
        Hash it must have, where it was stored with one.

    Raises
    ------
    UnreadableFile
        If it is missing, not a file, not readable, empty, larger than `MAX_BYTES` (then it is not read), changed while it
        was read, or not the bytes that were stored.
    """
    label = name or path.name
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # before it is opened: to open a pipe is to wait for its other end
            what = "das ist ein Ordner, keine Datei" if path.is_dir() else "das ist keine gewöhnliche Datei"
            raise UnreadableFile(label, "", what, "bitte eine Datei nennen")
        with path.open("rb") as handle:
            before = os.fstat(handle.fileno())
            if before.st_size > MAX_BYTES:
                raise UnreadableFile(label, "", f"die Datei ist größer als {MAX_BYTES // 1_000_000} MB", _SMALLER)
            content = handle.read()
            after = path.stat()
    except FileNotFoundError as error:
        raise UnreadableFile(label, "", "diese Datei gibt es nicht", "bitte den Pfad prüfen") from error
    except OSError as error:
        raise UnreadableFile(
            label, "", f"die Datei lässt sich nicht lesen ({error.strerror})", "bitte die Rechte prüfen"
        ) from error
    if _state(before) != _state(after) or len(content) != after.st_size:
        raise UnreadableFile(
            label, "", "die Datei hat sich beim Lesen geändert", "bitte warten, bis sie fertig geschrieben ist, und neu starten"
        )
    if not content:
        raise UnreadableFile(label, "", "die Datei ist leer", "bitte die Datei neu beschaffen")
    found = hashlib.sha256(content).hexdigest()
    if sha256 and found != sha256:
        what = "die abgelegte Datei ist nicht mehr die, die geliefert wurde"
        raise UnreadableFile(label, "", what, "bitte die Ablage aus der Sicherung wiederherstellen")
    return FileContent(path=path, name=label, content=content, sha256=found)


def decode(file: FileContent, encoding: str) -> str:
    """Return the text of a file, unpacked if its name ends in '.gz'.

    Raises
    ------
    UnreadableFile
        If the bytes are another format, are cut off, are not in `encoding`, or hold more than `MAX_CELLS` cells. Text in UTF-8
        that was announced as ISO-8859-1 is recognised too, though every byte would pass.
    """
    content = _unpack(file) if file.name.endswith(".gz") else file.content
    for start, what in _FOREIGN:
        if content.startswith(start):
            raise UnreadableFile(file.name, "", f"das ist {what}, keine CSV-Datei", "bitte die Tabelle als CSV speichern")
    head = content[:512].lstrip().lower()
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise UnreadableFile(
            file.name,
            "",
            "das ist eine Internetseite, keine CSV-Datei",
            "bitte die Tabelle selbst herunterladen, nicht ihre Seite",
        )
    if b"\x00" in content:
        raise UnreadableFile(file.name, "", "die Datei enthält Nullbytes, sie ist kein Text", "bitte die Datei neu beschaffen")
    cells = content.count(b"\n") + max(content.count(sign) for sign in (b",", b";", b"\t", b"|"))
    if cells > MAX_CELLS:
        what = f"die Tabelle hat mehr als {MAX_CELLS // 1_000_000} Millionen Zellen"
        raise UnreadableFile(file.name, "", what, _SMALLER)
    return _to_text(content, file.name, encoding)


def _to_text(content: bytes, name: str, encoding: str) -> str:
    utf8 = encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig")
    try:
        text = content.decode("utf-8-sig" if utf8 else encoding)
    except LookupError as error:
        raise UnreadableFile(name, "", f"die Kodierung '{encoding}' gibt es nicht", "bitte 'encoding' berichtigen") from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UnreadableFile(
            name,
            f"Zeile {line}",
            f"das Zeichen an dieser Stelle ist nicht {encoding.upper()}",
            "bitte als UTF-8 speichern oder 'encoding' angeben" if utf8 else "bitte 'encoding' berichtigen",
        ) from error
    if not utf8 and _is_utf8(content):
        raise UnreadableFile(
            name, "", f"die Datei ist UTF-8, angekündigt ist {encoding.upper()}", "bitte 'encoding = \"utf-8\"' setzen"
        )
    return text


def _is_utf8(content: bytes) -> bool:
    if content.isascii():
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _unpack(file: FileContent) -> bytes:
    """Unpack all parts of a gzip file, one behind the other, as long as they stay below the limit."""
    left, parts, room = file.content, list[bytes](), MAX_BYTES
    while left:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            parts.append(unpacker.decompress(left, room + 1))
        except zlib.error as error:
            what = "das ist keine gzip-Datei oder sie ist beschädigt"
            raise UnreadableFile(file.name, "", what, "bitte neu beschaffen") from error
        room -= len(parts[-1])
        if room < 0:
            raise UnreadableFile(file.name, "", f"die Datei ist entpackt größer als {MAX_BYTES // 1_000_000} MB", _SMALLER)
        if not unpacker.eof:
            raise UnreadableFile(file.name, "", "die gepackte Datei bricht mittendrin ab", "bitte neu beschaffen")
        left = unpacker.unused_data.lstrip(b"\0")  # zeros behind the end are padding
    return b"".join(parts)


def _state(of: os.stat_result) -> tuple[int, int, int]:
    return of.st_size, of.st_mtime_ns, of.st_ino
