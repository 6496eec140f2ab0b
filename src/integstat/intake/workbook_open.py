"""Open the bytes of a workbook, or say why they are none."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from typing import Any

import openpyxl

from integstat.intake.problems import UnreadableFile

MAX_FILE = 50_000_000  # bytes of the file
MAX_UNPACKED = 200_000_000  # bytes of all its parts, unpacked

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SAVE_AGAIN = "bitte in Excel als Arbeitsmappe (.xlsx) speichern"
_SEND_AGAIN = "bitte die Mappe noch einmal vollständig übertragen"


def open_workbook(content: bytes, name: str) -> Any:
    """Return the openpyxl workbook, formulas as formulas.

    Parameters
    ----------
    content : bytes
        The whole file.
    name : str
        Its name for people.

    Raises
    ------
    UnreadableFile
        If the bytes are no workbook, are cut off, encrypted, or unpack to more than `MAX_UNPACKED`.
    """
    _refuse_foreign(content, name)
    _refuse_bomb(content, name)
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
    """Look into the archive's directory before anything is unpacked, then test every part."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if sum(part.file_size for part in parts) > MAX_UNPACKED:
                what = f"die Mappe wäre ausgepackt größer als {MAX_UNPACKED // 1_000_000} MB"
                raise UnreadableFile(name, "", what, "bitte die Zahlen in eine frische Vorlage übertragen")
            names = {part.filename for part in parts}
            if "xl/workbook.xml" not in names:
                raise UnreadableFile(name, "", f"das ist {_other_archive(names)} und keine Excel-Mappe (.xlsx)", _SAVE_AGAIN)
            broken = archive.testzip()
    # zipfile raises RuntimeError, or a subclass of it, for an encrypted part and for an unknown compression
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise UnreadableFile(name, "", "die Mappe ist unvollständig, sie bricht mittendrin ab", _SEND_AGAIN) from error
    if broken is not None:
        raise UnreadableFile(name, broken, "dieser Teil der Mappe ist beschädigt", _SEND_AGAIN)


def _other_archive(names: set[str]) -> str:
    if "xl/workbook.bin" in names:
        return "eine binäre Mappe (.xlsb)"
    if "content.xml" in names:
        return "eine OpenDocument-Datei (etwa .ods)"
    if any(name.startswith("word/") for name in names):
        return "ein Word-Dokument"
    return "ein ZIP-Archiv"
