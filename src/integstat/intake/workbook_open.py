"""Open the bytes of a workbook, or say why they are none."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from typing import Any
from xml.parsers import expat

import openpyxl
from openpyxl.utils.cell import range_boundaries

from integstat.intake.problems import UnreadableFile
from integstat.intake.workbook_ods import is_ods, read_ods

MAX_FILE = 50_000_000  # bytes of the file
MAX_UNPACKED = 200_000_000  # bytes of all its parts, unpacked
MAX_PARTS = 10_000  # files in the archive
MAX_ELEMENTS = 1_500_000  # XML elements of all its parts: a cell with a figure is two, and becomes about 600 bytes in memory
MAX_SPAN = 300_000  # cells that merged ranges, links and comments reach over: each is made, however short the range is written

_WHOLE = (1, 1, 16_384, 1_048_576)  # of a sheet: what a range without letters or numbers reaches over
_SPANNING = ("mergeCell", "hyperlink", "comment")

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SAVE_AGAIN = "bitte in Excel als Arbeitsmappe (.xlsx) speichern"
_SEND_AGAIN = "bitte die Mappe noch einmal vollständig übertragen"
_FRESH = "bitte die Zahlen in eine frische Vorlage übertragen"


def open_workbook(content: bytes, name: str) -> Any:
    """Return the openpyxl workbook, formulas as formulas; one made of the cells alone where the file is an .ods.

    Parameters
    ----------
    content : bytes
        The whole file.
    name : str
        Its name for people.

    Raises
    ------
    UnreadableFile
        If the bytes are no workbook, are cut off or encrypted, or would become too large: unpacked more than `MAX_UNPACKED`,
        or beyond one of the other limits, which hold what a few bytes can make of themselves in memory.

    Notes
    -----
    Everything is read in memory: names inside the archive are never paths on the disk. Macros are neither run nor read,
    links to other workbooks are not followed, and no part may declare a document type, so no entity is ever resolved.
    """
    _refuse_foreign(content, name)
    _refuse_bomb(content, name)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if is_ods(set(archive.namelist()), archive):
            return read_ods(archive, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what openpyxl cannot carry over is nothing that is read here
            return openpyxl.load_workbook(io.BytesIO(content), data_only=False, keep_links=False)
    except Exception as error:  # a damaged part can make the parser fail in any way
        what = "die Mappe ist beschädigt und lässt sich nicht öffnen"
        raise UnreadableFile(name, "", what, "bitte in Excel öffnen, reparieren lassen und neu speichern") from error


def _refuse_foreign(content: bytes, name: str) -> None:
    """Recognise by its first bytes what is no workbook."""
    if len(content) > MAX_FILE:
        what = f"die Datei ist größer als {MAX_FILE // 1_000_000} MB"
        raise UnreadableFile(name, "", what, "bitte Bilder und fremde Blätter aus der Mappe entfernen")
    if not content:
        raise UnreadableFile(name, "", "die Datei ist leer", _SEND_AGAIN)
    if content.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise UnreadableFile(
                name, "", "die Mappe ist mit einem Kennwort verschlüsselt", "bitte ohne Kennwort zum Öffnen speichern"
            )
        raise UnreadableFile(name, "", "das ist eine Mappe im alten Format (.xls)", _SAVE_AGAIN)
    if content.startswith(b"PK"):
        return
    head = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")):
        kind = "eine Internetseite"
    elif head.startswith(b"%pdf"):
        kind = "ein PDF"
    elif b"\x00" not in content[:4096]:
        kind = "eine Textdatei (etwa CSV)"
    else:
        kind = "eine andere Datei"
    raise UnreadableFile(name, "", f"das ist {kind} und keine Excel-Mappe", f"{_SAVE_AGAIN}; umbenennen genügt nicht")


def _refuse_bomb(content: bytes, name: str) -> None:
    """Look into the archive's directory before anything is unpacked, then go through every part without keeping it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            if unpacked > MAX_UNPACKED or len(parts) > MAX_PARTS:
                size = f"{MAX_UNPACKED // 1_000_000} MB" if unpacked > MAX_UNPACKED else f"{MAX_PARTS} Teile"
                raise UnreadableFile(name, "", f"die Mappe wäre ausgepackt größer als {size}", _FRESH)
            names = {part.filename for part in parts}
            if "xl/workbook.xml" not in names and not is_ods(names, archive):
                raise UnreadableFile(name, "", f"das ist {_other_archive(names)} und keine Excel-Mappe (.xlsx)", _SAVE_AGAIN)
            gate = _Gate(name)
            for part in parts:
                try:
                    gate.go_through(archive, part)
                except zipfile.BadZipFile as error:
                    raise UnreadableFile(name, part.filename, "dieser Teil der Mappe ist beschädigt", _SEND_AGAIN) from error
    # zipfile raises RuntimeError, or a subclass of it, for an encrypted part and for an unknown compression
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise UnreadableFile(name, "", "die Mappe ist unvollständig, sie bricht mittendrin ab", _SEND_AGAIN) from error


class _Gate:
    """Counts what the parts of a workbook would become, by the same XML parser that reads them afterwards.

    A part that is no XML (a picture, a macro) is only held against its checksum; one that is damaged further on has been
    counted up to there, which is as far as anyone reads it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._elements = 0
        self._span = 0

    def go_through(self, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
        """Read one part to its end and its checksum."""
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._element
        parser.StartDoctypeDeclHandler = self._doctype
        reading = True
        with archive.open(part) as unpacked:
            while chunk := unpacked.read(1 << 20):
                try:
                    if reading:
                        parser.Parse(chunk, False)
                except expat.ExpatError:
                    reading = False

    def _element(self, element: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if "sqref" in attributes:
            self._elements += attributes["sqref"].count(" ")
        if self._elements > MAX_ELEMENTS:
            what = f"die Mappe hat mehr als {MAX_ELEMENTS / 1_000_000:.1f} Millionen Zellen und Angaben dazu".replace(".", ",")
            raise UnreadableFile(self._name, "", what, _FRESH)
        if "ref" in attributes and element.rpartition(":")[2] in _SPANNING:
            self._span += _cells(attributes["ref"])
            if self._span > MAX_SPAN:
                what = f"verbundene Zellen, Verweise oder Kommentare reichen über mehr als {MAX_SPAN // 1000}.000 Zellen"
                raise UnreadableFile(
                    self._name, "", what, "bitte sie aufheben oder die Zahlen in eine frische Vorlage übertragen"
                )

    def _doctype(self, *_: object) -> None:
        what = "die Mappe enthält eine Dokumenttyp-Angabe, wie sie keine Tabellenkalkulation schreibt"
        raise UnreadableFile(self._name, "", what, _FRESH)


def _cells(reference: str) -> int:
    """Count the cells of a range such as A1:C9; 0 for what is none."""
    try:
        found = range_boundaries(reference)
    except (ValueError, TypeError):
        return 0
    left, top, right, bottom = (int(bound) if bound is not None else whole for bound, whole in zip(found, _WHOLE, strict=True))
    return (abs(right - left) + 1) * (abs(bottom - top) + 1)


def _other_archive(names: set[str]) -> str:
    if "xl/workbook.bin" in names:
        return "eine binäre Mappe (.xlsb)"
    if "content.xml" in names:
        return "eine OpenDocument-Datei, aber keine Tabelle (.ods)"
    if any(name.startswith("word/") for name in names):
        return "ein Word-Dokument"
    return "ein ZIP-Archiv"
