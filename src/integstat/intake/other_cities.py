"""Features of cities outside the ring, from a CSV file, for `integstat.peers.assign`."""

from __future__ import annotations

import csv
import difflib
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from integstat.errors import DataError
from integstat.peers.bundle import Bundle

_NUMBER = re.compile(r"^-?\d+(\.\d+)?([eE][+-]?\d+)?$")
_GERMAN_NUMBER = re.compile(r"^-?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?$")
_UNKNOWN = ("", ".", "…", "...", "x", "X", "/")  # the statistical offices' signs for no number
_NOTHING = ("-", "–")  # and for exactly zero
_EXPORT = "bitte als CSV in UTF-8 mit Kommas zwischen den Spalten und Dezimalpunkten speichern"


def read_city(path: Path, bundle: Bundle) -> pd.DataFrame:
    """Read the features of other cities from a CSV file.

    Parameters
    ----------
    path : Path
        UTF-8, commas, decimal points; columns `city` (AGS), `name` and the ids of the bundle's features, no others. An empty
        cell is unknown; the signs of the statistical offices mean what they mean there, '-' is 0.
    bundle : Bundle

    Returns
    -------
    pandas.DataFrame
        Index AGS as text; columns `name` and the features.

    Raises
    ------
    DataError
        One sentence with file, line, column and mend.
    """
    ids = [feature.id for feature in bundle.features]
    header, rows = _split(_text(path), path)
    _check_header(header, ids, path)
    found: dict[str, dict[str, str | float]] = {}
    for line, cells in rows:
        place = f"{path}, Zeile {line}"
        if len(cells) != len(header):
            what = f"die Zeile hat {len(cells)} Zellen, die Kopfzeile {len(header)}"
            raise DataError(what, place=place, mend="bitte auf Dezimalkommas und fehlende Kommas prüfen")
        row = {column: cell.strip() for column, cell in zip(header, cells, strict=True)}
        city = _key(row["city"], f"{place}, Spalte city")
        if city in found:
            raise DataError(f"die Stadt {city} steht doppelt", place=place, mend="bitte eine Zeile streichen")
        if not row["name"]:
            raise DataError("der Name der Stadt fehlt", place=f"{place}, Spalte name", mend="bitte eintragen")
        found[city] = {"name": row["name"]} | {one: _number(row[one], f"{place}, Spalte {one}") for one in ids}
    return pd.DataFrame.from_dict(found, orient="index", columns=["name", *ids]).rename_axis("city")


def _text(path: Path) -> str:
    place = str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        what = "diese Datei gibt es nicht" if isinstance(error, FileNotFoundError) else "die Datei lässt sich nicht lesen"
        raise DataError(what, place=place, mend="bitte den Pfad prüfen") from error
    if not content.strip():
        raise DataError("die Datei ist leer", place=place, mend="bitte Kopfzeile und je Stadt eine Zeile eintragen")
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise DataError("das ist eine Excel-Mappe, keine CSV-Datei", place=place, mend=_EXPORT)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError("das Zeichen an dieser Stelle ist nicht UTF-8", place=f"{place}, Zeile {line}", mend=_EXPORT) from error
    if "\x00" in text:
        raise DataError("die Datei enthält Nullbytes, sie ist kein Text", place=place, mend=_EXPORT)
    return text


def _split(text: str, path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header, and rows with the line on which each ends."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        what = "ein Anführungszeichen ist nicht geschlossen oder steht an falscher Stelle"
        raise DataError(what, place=f"{path}, Zeile {reader.line_num}", mend="bitte diese Zeile berichtigen") from error
    header = [cell.strip() for cell in rows[0][1]]
    if ";" in ",".join(header) or "\t" in ",".join(header):
        raise DataError("die Spalten sind nicht mit Kommas getrennt", place=f"{path}, Zeile {rows[0][0]}", mend=_EXPORT)
    if len(rows) == 1:
        raise DataError("unter der Kopfzeile steht keine Stadt", place=str(path), mend="bitte je Stadt eine Zeile eintragen")
    return header, rows[1:]


def _check_header(header: Sequence[str], ids: Sequence[str], path: Path) -> None:
    wanted = ["city", "name", *ids]
    for column in header:
        if header.count(column) > 1:
            raise DataError(f"die Spalte '{column}' steht doppelt", place=str(path), mend="bitte eine streichen")
        if column not in wanted:
            missing = [one for one in wanted if one not in header]
            close = difflib.get_close_matches(column, missing, n=1)
            mend = f"vielleicht ist '{close[0]}' gemeint" if close else f"bekannt sind: {', '.join(wanted)}"
            raise DataError(f"die Spalte '{column}' gehört nicht zu den Merkmalen des Rings", place=str(path), mend=mend)
    for column in wanted:
        if column not in header:
            mend = "bitte ergänzen; wo ein Wert unbekannt ist, bleibt die Zelle leer"
            raise DataError(f"die Spalte '{column}' fehlt", place=str(path), mend=mend)


def _key(text: str, place: str) -> str:
    if re.fullmatch(r"[0-9]{5}|[0-9]{8}", text):
        return text
    if re.fullmatch(r"[1-9][0-9]{3}|[1-9][0-9]{6}", text):
        what = f"der Gebietsschlüssel '{text}' hat die führende Null verloren"
        raise DataError(what, place=place, mend=f"bitte '0{text}' eintragen und die Spalte als Text behandeln")
    what = f"'{text}' ist kein Gebietsschlüssel (AGS)" if text else "der Gebietsschlüssel (AGS) fehlt"
    raise DataError(what, place=place, mend="bitte den fünf- oder achtstelligen AGS eintragen")


def _number(text: str, place: str) -> float:
    if text in _UNKNOWN:
        return math.nan
    if text in _NOTHING:
        return 0.0
    if _NUMBER.match(text) and math.isfinite(float(text)):
        return float(text)
    if text.startswith(("=", "+", "@")):
        raise DataError(f"'{text}' ist eine Formel", place=place, mend="bitte den Wert selbst eintragen")
    if _GERMAN_NUMBER.match(text):
        what = f"'{text}' hat ein Dezimalkomma oder Tausenderpunkte"
        raise DataError(what, place=place, mend="bitte mit Dezimalpunkt und ohne Tausenderpunkte schreiben")
    raise DataError(f"'{text}' ist keine Zahl", place=place, mend="bitte eine Zahl eintragen oder die Zelle leer lassen")
