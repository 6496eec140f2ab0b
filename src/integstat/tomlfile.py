"""Read a TOML file into a pydantic model, and say in one sentence, with file and line, what is wrong with it."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from integstat.errors import UsageError

Place = tuple[int | str, ...]

_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"^\s*(?:\[\[\s*(?P<array>{_DOTTED})\s*\]\]|\[\s*(?P<table>{_DOTTED})\s*\])\s*(?:#.*)?$")
_ASSIGNED = re.compile(rf"^\s*(?P<key>{_DOTTED})\s*=")

_SYNTAX = {  # start of the parser's message -> German
    "Cannot overwrite a value": "ein Schlüssel steht doppelt",
    "Cannot declare": "eine Tabelle steht doppelt",
    "Cannot mutate immutable": "eine Tabelle wird nachträglich ergänzt",
    "Expected '=' after a key": "nach dem Schlüssel fehlt '='",
    "Expected newline or end of document": "nach dem Wert steht noch etwas",
    "Invalid value": "der Wert ist nicht lesbar",
    "Invalid statement": "die Zeile ist weder Tabelle noch Schlüssel",
    "Unclosed array": "eine eckige Klammer wird nicht geschlossen",
    "Unclosed inline table": "eine geschweifte Klammer wird nicht geschlossen",
    "Unterminated string": "ein Text wird nicht geschlossen",
    "Illegal character": "hier steht ein unerlaubtes Zeichen",
}

_TYPES = {  # pydantic's kind of problem -> what was expected
    "string_type": "ein Text in Anführungszeichen",
    "int_type": "eine ganze Zahl",
    "int_parsing": "eine ganze Zahl",
    "int_from_float": "eine ganze Zahl",
    "float_type": "eine Zahl",
    "float_parsing": "eine Zahl",
    "bool_type": "true oder false",
    "bool_parsing": "true oder false",
    "tuple_type": "eine Liste in eckigen Klammern",
    "list_type": "eine Liste in eckigen Klammern",
    "set_type": "eine Liste in eckigen Klammern",
    "dict_type": "eine Tabelle",
    "model_type": "eine Tabelle",
    "model_attributes_type": "eine Tabelle",
    "date_type": "ein Datum wie 2021-07-01",
    "date_parsing": "ein Datum wie 2021-07-01",
    "date_from_datetime_parsing": "ein Datum wie 2021-07-01",
    "path_type": "ein Pfad als Text",
}


class Strict(BaseModel):
    """Base of everything read from TOML: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """Read a TOML file; return its content and its text.

    A byte order mark at the start, as some editors write it, is passed over.

    Raises
    ------
    UsageError
        If the file is missing, not readable, not UTF-8 or not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UsageError("diese Datei gibt es nicht", place=str(path), mend="bitte den Pfad prüfen") from error
    except IsADirectoryError as error:
        raise UsageError("das ist ein Ordner, keine Datei", place=str(path), mend="bitte die Datei darin nennen") from error
    except UnicodeDecodeError as error:
        raise UsageError("die Datei ist nicht in UTF-8 gespeichert", place=str(path), mend="bitte als UTF-8 speichern") from error
    except OSError as error:
        raise UsageError("die Datei lässt sich nicht lesen", place=str(path), mend="bitte die Leserechte prüfen") from error
    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(error, path, text) from error


def load_model[Model: BaseModel](
    path: Path, model: type[Model], *, content: dict[str, Any] | None = None, text: str | None = None
) -> Model:
    """Read `path` and validate it as `model`; the first problem becomes a `UsageError` with file and line."""
    if content is None or text is None:
        content, text = read_toml(path)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise validation_error(error, path, text) from error


def validation_error(error: ValidationError, path: Path, text: str) -> UsageError:
    """Turn pydantic's report into one sentence about its first problem.

    Unknown keys come first, for a misspelt key is reported as a missing one too; then the order of the model.
    """
    problems = error.errors()
    first = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
    what, mend = _sentence(first, problems, tomllib.loads(text))
    return UsageError(what, place=place_of(path, text, first["loc"]), mend=mend)


def place_of(path: Path, text: str, loc: Place) -> str:
    """Name the file and, where it can be found, the line of a location as a user reads it."""
    line = line_of(text, loc)
    return f"{path}, Zeile {line}" if line else str(path)


def line_of(text: str, loc: Place) -> int | None:
    """Find the line (from 1) that a pydantic location points to.

    Parameters
    ----------
    text : str
        Source of the TOML file.
    loc : tuple of int and str
        Keys and list positions from the root, as pydantic reports them.

    Returns
    -------
    int or None
        Line of the key; where it has none of its own (a missing key, an entry inside a list) the line of the closest
        table or key around it; None where not even that exists.
    """
    best, found = 0, None
    for number, path in _paths(text):
        common = min(len(path), len(loc))
        if common > best and path[:common] == loc[:common]:
            best, found = common, number
    return found


def _paths(text: str) -> Iterator[tuple[int, Place]]:
    """Yield line and full path (with positions in arrays of tables) of every table header and every key."""
    counters: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    open_string, depth = "", 0
    for number, line in enumerate(text.split("\n"), start=1):
        inside = bool(open_string) or depth > 0
        header = None if inside else _HEADER.match(line)
        if header:
            table = _names(header["array"] or header["table"])
            if header["array"]:
                counters[table] = counters.get(table, -1) + 1
                for deeper in [key for key in counters if len(key) > len(table) and key[: len(table)] == table]:
                    del counters[deeper]
            yield number, _with_positions(table, counters)
            continue
        assigned = None if inside else _ASSIGNED.match(line)
        if assigned:
            yield number, (*_with_positions(table, counters), *_names(assigned["key"]))
        open_string, depth = _after(line, open_string, depth)


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_KEY, dotted))


def _with_positions(names: tuple[str, ...], counters: Mapping[tuple[str, ...], int]) -> Place:
    path: list[int | str] = []
    for depth, name in enumerate(names, start=1):
        path.append(name)
        if names[:depth] in counters:
            path.append(counters[names[:depth]])
    return tuple(path)


_TOKEN = re.compile(r'"""|\'\'\'|"(?:\\.|[^"\\])*"|\'[^\']*\'|[\[\]{}#]')


def _after(line: str, open_string: str, depth: int) -> tuple[str, int]:
    """Follow multi-line strings and brackets over one line: the quotes still open at its end, the brackets still open."""
    at = 0
    while at < len(line):
        if open_string:
            end = _end_of_string(line, at, open_string)
            if end < 0:
                return open_string, depth
            open_string, at = "", end
            continue
        token = _TOKEN.search(line, at)
        if token is None or token[0] == "#":
            break
        at = token.end()
        if token[0] in ('"""', "'''"):
            open_string = token[0]
        elif token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
    return open_string, depth


def _end_of_string(line: str, at: int, quotes: str) -> int:
    """Return the position behind the closing quotes, or -1; a backslash hides a quote in `\"\"\"` only."""
    pattern = r'(?:\\.|[^"\\]|"(?!""))*?"""' if quotes == '"""' else r"(?:[^']|'(?!''))*?'''"
    found = re.compile(pattern).match(line, at)
    return found.end() if found else -1


def _syntax_error(error: tomllib.TOMLDecodeError, path: Path, text: str) -> UsageError:
    message = str(error)
    found = re.search(r"at line (\d+)", message)
    line = int(found[1]) if found else len(text.rstrip("\n").split("\n"))
    german = "die Datei endet mitten in einem Wert" if "(at end of document)" in message else ""
    german = german or next((german for start, german in _SYNTAX.items() if message.startswith(start)), "")
    what = f"kein gültiges TOML ({german})" if german else "kein gültiges TOML"
    return UsageError(what, place=f"{path}, Zeile {line}", mend="bitte diese Zeile berichtigen")


def _sentence(problem: ErrorDetails, problems: list[ErrorDetails], content: dict[str, Any]) -> tuple[str, str]:
    """Say in German what is wrong and what to do."""
    kind, loc = problem["type"], problem["loc"]
    context = problem.get("ctx", {})
    if kind == "extra_forbidden":
        missing = [str(other["loc"][-1]) for other in problems if other["type"] == "missing" and other["loc"][:-1] == loc[:-1]]
        meant = difflib.get_close_matches(str(loc[-1]), missing, n=1)
        mend = f"vielleicht ist '{meant[0]}' gemeint" if meant else "bitte streichen oder die Schreibweise prüfen"
        return f"unbekannter Schlüssel '{loc[-1]}'", mend
    if kind == "missing":
        return f"der Schlüssel '{loc[-1]}' fehlt", "bitte ergänzen"
    if kind == "value_error":
        return str(context["error"]), "bitte berichtigen"
    what = f"'{_key(loc, content)}' hat den unzulässigen Wert {_shown(problem['input'])}"
    return what, _expected(kind, context)


def _expected(kind: str, context: Mapping[str, Any]) -> str:
    if kind in _TYPES:
        return f"erwartet wird {_TYPES[kind]}"
    if kind == "literal_error":
        return f"erlaubt sind {str(context['expected']).replace(' or ', ' oder ')}"
    if kind == "string_pattern_mismatch":
        return f"erlaubt ist nur das Muster {context['pattern']}"
    if kind == "too_short":
        return f"nötig {'ist ein Eintrag' if context['min_length'] == 1 else f'sind {context["min_length"]} Einträge'} oder mehr"
    if kind == "too_long":
        return f"höchstens {context['max_length']} {'Eintrag' if context['max_length'] == 1 else 'Einträge'}"
    for limit, word in (("ge", "mindestens"), ("gt", "mehr als"), ("le", "höchstens"), ("lt", "weniger als")):
        if limit in context:
            return f"erlaubt ist {word} {context[limit]}"
    return "bitte berichtigen"


def _key(loc: Place, content: object) -> str:
    """Return the last key of `loc` that stands in the file: pydantic appends names of its own for alternatives."""
    key = str(loc[0]) if loc else ""
    for part in loc:
        if isinstance(part, str) and isinstance(content, dict) and part in content:
            key, content = part, content[part]
        elif isinstance(part, int) and isinstance(content, list) and part < len(content):
            content = content[part]
        else:
            break
    return key


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{…}"
    return f"'{value}'" if isinstance(value, str) else str(value)
