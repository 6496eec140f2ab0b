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
from integstat.intake.numbers import german, thousands_or_decimal
from integstat.peers.bundle import Bundle
from integstat.peers.features.scaling import transformed

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_GERMAN_NUMBER = re.compile(r"-?([0-9]{1,3}(\.[0-9]{3})+|[0-9]+)(,[0-9]+)?")
_FORMULA = ("=", "+", "-", "@")  # a spreadsheet takes text that begins so for a formula
_UNKNOWN = ("", ".", "…", "...", "x", "X", "/")  # the statistical offices' signs for no number
_NOTHING = ("-", "–")  # and for exactly zero
_FILL = "bitte Kopfzeile und je Stadt eine Zeile eintragen"
_EXPORT = "bitte als CSV in UTF-8 mit Kommas zwischen den Spalten und Dezimalpunkten speichern"


def read_city(path: Path, bundle: Bundle) -> pd.DataFrame:
    """Read the features of other cities from a CSV file.

    Parameters
    ----------
    path : Path
        UTF-8, commas, decimal points; columns `city` (AGS), `name` and the ids of the bundle's features, no others. An empty
        cell is unknown; the signs of the statistical offices mean what they mean there, '-' is 0. A figure such as 535.932 is
        refused where only 535932 lies in the ring's range.
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
    wanted = f"die Kopfzeile lautet '{','.join(['city', 'name', *ids])}'"
    header, rows = _split(_text(path, wanted), path, wanted)
    _check_header(header, ids, path, wanted)
    found: dict[str, dict[str, str | float]] = {}
    for line, cells in rows:
        place = f"{path}, Zeile {line}"
        if len(cells) != len(header):
            what = f"die Zeile hat {len(cells)} Zellen, die Kopfzeile {len(header)}"
            raise DataError(what, place=place, mend="bitte auf Dezimalkommas und auf fehlende oder überzählige Kommas prüfen")
        row = {column: cell.strip() for column, cell in zip(header, cells, strict=True)}
        city = _key(row["city"], f"{place}, Spalte city")
        if city in found:
            raise DataError(f"die Stadt {city} steht doppelt", place=place, mend="bitte eine Zeile streichen")
        values = {one: _value(row[one], f"{place}, Spalte {one}", bundle, f) for f, one in enumerate(ids)}
        if all(math.isnan(value) for value in values.values()):
            raise DataError("von dieser Stadt ist kein Merkmal bekannt", place=place, mend="bitte Werte eintragen")
        found[city] = {"name": _name(row["name"], f"{place}, Spalte name")} | values
    return pd.DataFrame.from_dict(found, orient="index", columns=["name", *ids]).rename_axis("city")


def _text(path: Path, wanted: str) -> str:
    place = str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        what = "diese Datei gibt es nicht" if isinstance(error, FileNotFoundError) else "die Datei lässt sich nicht lesen"
        raise DataError(what, place=place, mend=f"bitte den Pfad prüfen; {wanted}") from error
    if not content.strip():
        raise DataError("die Datei ist leer", place=place, mend=f"{_FILL}; {wanted}")
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


def _split(text: str, path: Path, wanted: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header, and rows with the line on which each ends."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        what = "ein Anführungszeichen ist nicht geschlossen oder steht an falscher Stelle"
        raise DataError(what, place=f"{path}, Zeile {reader.line_num}", mend="bitte diese Zeile berichtigen") from error
    if not rows:
        raise DataError(
            "die Datei ist leer", place=str(path), mend=f"bitte Kopfzeile und je Stadt eine Zeile eintragen; {wanted}"
        )
    header, place = [cell.strip() for cell in rows[0][1]], f"{path}, Zeile {rows[0][0]}"
    if ";" in ",".join(header) or "\t" in ",".join(header):
        raise DataError("die Spalten sind nicht mit Kommas getrennt", place=place, mend=f"{_EXPORT}; {wanted}")
    if not header[-1]:
        mend = "bitte überzählige Kommas am Ende jeder Zeile streichen"
        raise DataError("die Kopfzeile endet mit einem Komma", place=place, mend=mend)
    if len(rows) == 1:
        raise DataError("unter der Kopfzeile steht keine Stadt", place=str(path), mend="bitte je Stadt eine Zeile eintragen")
    return header, rows[1:]


def _check_header(header: Sequence[str], ids: Sequence[str], path: Path, whole: str) -> None:
    wanted = ["city", "name", *ids]
    for column in header:
        if not column:
            raise DataError("eine Spalte der Kopfzeile hat keinen Namen", place=str(path), mend=f"bitte ergänzen; {whole}")
        if header.count(column) > 1:
            raise DataError(f"die Spalte '{column}' steht doppelt", place=str(path), mend="bitte eine streichen")
        if column not in wanted:
            missing = [one for one in wanted if one not in header]
            close = difflib.get_close_matches(column, missing, n=1)
            mend = f"vielleicht ist '{close[0]}' gemeint; {whole}" if close else f"bitte streichen; {whole}"
            raise DataError(f"die Spalte '{column}' gehört nicht zu den Merkmalen des Rings", place=str(path), mend=mend)
    for column in wanted:
        if column not in header:
            mend = f"bitte ergänzen, wo ein Wert unbekannt ist, bleibt die Zelle leer; {whole}"
            raise DataError(f"die Spalte '{column}' fehlt", place=str(path), mend=mend)


def _key(text: str, place: str) -> str:
    if re.fullmatch(r"[0-9]{5}|[0-9]{8}", text):
        return text
    if re.fullmatch(r"[1-9][0-9]{3}|[1-9][0-9]{6}", text):
        what = f"der Gebietsschlüssel '{text}' hat die führende Null verloren"
        raise DataError(what, place=place, mend=f"bitte '0{text}' eintragen und die Spalte als Text behandeln")
    what = f"'{text}' ist kein Gebietsschlüssel (AGS)" if text else "der Gebietsschlüssel (AGS) fehlt"
    raise DataError(what, place=place, mend="bitte den fünf- oder achtstelligen AGS eintragen")


def _name(text: str, place: str) -> str:
    if not text:
        raise DataError("der Name der Stadt fehlt", place=place, mend="bitte eintragen")
    if text.startswith(_FORMULA):
        raise DataError(f"der Name '{text}' ist eine Formel", place=place, mend="bitte den Namen selbst eintragen")
    return text


def _value(text: str, place: str, bundle: Bundle, f: int) -> float:
    """Value of the f-th feature; refused where it is ambiguous, or where the feature's transform cannot bear it."""
    value, lowest, highest = _number(text, place), float(bundle.lowest[f]), float(bundle.highest[f])
    if thousands_or_decimal(text, ".") and not lowest <= value <= highest:
        whole = float(text.replace(".", ""))
        if lowest <= whole <= highest:
            what = f"'{text}' ist zweideutig: als {whole:.0f} liegt es im Bereich des Rings, als {german(value, 3)} nicht"
            mend = f"bitte {whole:.0f} schreiben, oder {text}0, wenn Nachkommastellen gemeint sind"
            raise DataError(what, place=place, mend=mend)
    try:
        transformed(pd.Series({"city": value}), bundle.features[f])
    except DataError as error:
        mend = "bitte den Wert prüfen; ist er unbekannt, bleibt die Zelle leer"
        raise DataError(error.what, place=place, mend=mend) from error
    return value


def _number(text: str, place: str) -> float:
    if text in _UNKNOWN:
        return math.nan
    if text in _NOTHING:
        return 0.0
    if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    if _GERMAN_NUMBER.fullmatch(text):
        what = f"'{text}' hat ein Dezimalkomma oder Tausenderpunkte"
        raise DataError(what, place=place, mend="bitte mit Dezimalpunkt und ohne Tausenderpunkte schreiben")
    if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text[1:]):
        raise DataError(f"'{text}' ist eine Formel", place=place, mend="bitte den Wert selbst eintragen")
    raise DataError(f"'{text}' ist keine Zahl", place=place, mend="bitte eine Zahl eintragen oder die Zelle leer lassen")
