"""Read a TOML file into a pydantic model, and say in one sentence, with file and line, what is wrong with it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from integstat.errors import UsageError

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[int | str, ...]


class Strict(BaseModel):
    """Base of everything read from TOML: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """Read a TOML file; return its content and its text.

    Raises
    ------
    UsageError
        If the file is missing, not UTF-8 or not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError("diese Datei gibt es nicht", place=str(path), mend="bitte den Pfad prüfen") from error
    except IsADirectoryError as error:
        raise UsageError("das ist ein Ordner, keine Datei", place=str(path), mend="bitte die Datei darin nennen") from error
    except UnicodeDecodeError as error:
        raise UsageError("die Datei ist nicht in UTF-8 gespeichert", place=str(path), mend="bitte als UTF-8 speichern") from error
    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = f", Zeile {found[1]}" if found else ""
        what = re.sub(r" \(at .*\)$", "", str(error))
        raise UsageError(f"kein gültiges TOML ({what})", place=f"{path}{line}", mend="bitte diese Zeile berichtigen") from error


def load_model(path: Path, model: type[Model], *, content: dict[str, Any] | None = None, text: str | None = None) -> Model:
    """Read `path` and validate it as `model`; the first problem becomes a `UsageError` with file and line."""
    if content is None or text is None:
        content, text = read_toml(path)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise validation_error(error, path, text) from error


def validation_error(error: ValidationError, path: Path, text: str) -> UsageError:
    """Turn pydantic's report into one sentence about its first problem."""
    first = error.errors()[0]
    loc: Place = first["loc"]
    key = next((str(part) for part in reversed(loc) if isinstance(part, str)), "")
    kind = first["type"]
    if kind == "extra_forbidden":
        what, mend = f"unbekannter Schlüssel '{key}'", "bitte streichen oder die Schreibweise prüfen"
    elif kind == "missing":
        what, mend = f"der Schlüssel '{key}' fehlt", "bitte ergänzen"
    elif kind == "value_error":
        what, mend = str(first["ctx"]["error"]), "bitte berichtigen"
    else:
        what, mend = f"'{key}' hat einen unzulässigen Wert {first['input']!r} ({first['msg']})", "bitte berichtigen"
    line = line_of(text, loc)
    return UsageError(what, place=f"{path}, Zeile {line}" if line else str(path), mend=mend)


def line_of(text: str, loc: Place) -> int | None:
    """Find the line (from 1) that a pydantic location points to, or the nearest line above it that exists.

    Parameters
    ----------
    text : str
        Source of the TOML file.
    loc : tuple of int and str
        Keys and list positions from the root, as pydantic reports them.
    """
    names = [str(part) for part in loc if isinstance(part, str)]
    wanted = [int(part) for part in loc if isinstance(part, int)]
    counters: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    best: tuple[int, int | None] = (-1, None)
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        header = re.match(r"^(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$", line)
        if header:
            table = tuple(part.strip().strip("\"'") for part in header[2].split("."))
            if header[1] == "[[":
                counters[table] = counters.get(table, -1) + 1
                for deeper in [key for key in counters if len(key) > len(table) and key[: len(table)] == table]:
                    del counters[deeper]
            if _matches(table, names, wanted, counters) and len(table) > best[0]:
                best = (len(table), number)
            continue
        assigned = re.match(r"^([\w\"'.-]+)\s*=", line)
        if assigned:
            key = (*table, *(part.strip("\"'") for part in assigned[1].split(".")))
            if _matches(key, names, wanted, counters) and len(key) > best[0]:
                best = (len(key), number)
    return best[1]


def _matches(key: tuple[str, ...], names: list[str], wanted: list[int], counters: dict[tuple[str, ...], int]) -> bool:
    if list(key) != names[: len(key)]:
        return False
    positions = [counters[key[:depth]] for depth in range(1, len(key) + 1) if key[:depth] in counters]
    return positions == wanted[: len(positions)]
