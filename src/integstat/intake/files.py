"""Read a file once, hash it, and see whether it can be what it claims to be."""

from __future__ import annotations

import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from integstat.intake.problems import UnreadableFile

MAX_BYTES = 500_000_000  # after unpacking; nothing a ring delivers comes near

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


def read_once(path: Path, name: str | None = None) -> FileContent:
    """Read a file once and make sure it did not change meanwhile.

    Raises
    ------
    UnreadableFile
        If it is missing, not a file, not readable, empty, or changed while it was read.
    """
    label = name or path.name
    try:
        with path.open("rb") as handle:
            before = os.fstat(handle.fileno())
            content = handle.read()
            after = path.stat()
    except FileNotFoundError as error:
        raise UnreadableFile(label, "", "diese Datei gibt es nicht", "bitte den Pfad prüfen") from error
    except IsADirectoryError as error:
        raise UnreadableFile(label, "", "das ist ein Ordner, keine Datei", "bitte die Datei darin nennen") from error
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
    return FileContent(path=path, name=label, content=content, sha256=hashlib.sha256(content).hexdigest())


def decode(file: FileContent, encoding: str) -> str:
    """Return the text of a file, unpacked if its name ends in '.gz'.

    Raises
    ------
    UnreadableFile
        If the bytes are another format, are cut off, or are not in `encoding`. Text in UTF-8 that was announced as
        ISO-8859-1 is recognised too, though every byte would pass.
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
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(file.content, MAX_BYTES)
    except zlib.error as error:
        raise UnreadableFile(file.name, "", "das ist keine gzip-Datei oder sie ist beschädigt", "bitte neu beschaffen") from error
    if unpacker.unconsumed_tail:
        raise UnreadableFile(file.name, "", "die Datei ist entpackt größer als 500 MB", "bitte aufteilen oder filtern")
    if not unpacker.eof:
        raise UnreadableFile(file.name, "", "die gepackte Datei bricht mittendrin ab", "bitte neu beschaffen")
    return content


def _state(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_size, stat.st_mtime_ns, stat.st_ino
