"""Errors in TOML files name the right line and say what to do."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integstat.errors import UsageError
from integstat.tomlfile import Strict, line_of, load_model, read_toml

TEXT = '''\
# a comment with [brackets] and a key = "value"
title = "first"

[owner]
name = "A"
address.street = "S"

[[fruit]]
name = "apple"
note = """
[not.a.table]
name = "not a key"
[[fruit]]
"""

[fruit.physical]
colour = "red"

[[fruit.variety]]
name = "red delicious"

[[fruit.variety]]
name = "granny smith"
tastes = [
  "sour", # name = "hidden"
  [1, 2],
  "name = 3"
]

[[fruit]]
name = 'banana'
size = { length = 3, width = 1 }

[[fruit.variety]]
name = "plantain"

[ "quoted.name" . inner ]
"a b" = 1
'''


@pytest.mark.parametrize(
    ("loc", "start"),
    [
        (("title",), 'title = "first"'),
        (("owner",), "[owner]"),
        (("owner", "name"), 'name = "A"'),
        (("owner", "address", "street"), 'address.street = "S"'),
        (("owner", "address"), 'address.street = "S"'),
        (("owner", "missing"), "[owner]"),
        (("fruit", 0, "name"), 'name = "apple"'),
        (("fruit", 0, "physical", "colour"), 'colour = "red"'),
        (("fruit", 0, "physical", "missing"), "[fruit.physical]"),
        (("fruit", 0, "variety", 0, "name"), 'name = "red delicious"'),
        (("fruit", 0, "variety", 1, "name"), 'name = "granny smith"'),
        (("fruit", 0, "variety", 1, "tastes", 2), "tastes = ["),
        (("fruit", 1, "name"), "name = 'banana'"),
        (("fruit", 1, "size", "width"), "size = {"),
        (("fruit", 1, "variety", 0, "name"), 'name = "plantain"'),
        (("quoted.name", "inner", "a b"), '"a b" = 1'),
    ],
)
def test_line_is_the_one_of_the_key(loc: tuple[int | str, ...], start: str) -> None:
    line = line_of(TEXT, loc)
    assert line is not None
    assert TEXT.split("\n")[line - 1].startswith(start)
    assert [one.startswith(start) for one in TEXT.split("\n")].count(True) == 1


def test_array_entry_without_the_key_points_to_its_own_header() -> None:
    lines = TEXT.split("\n")
    second = line_of(TEXT, ("fruit", 1, "missing"))
    assert second is not None
    assert lines[second - 1] == "[[fruit]]"
    assert lines[second] == "name = 'banana'"


@pytest.mark.parametrize("loc", [(), ("elsewhere",), ("elsewhere", 0, "name")])
def test_no_line_where_nothing_matches(loc: tuple[int | str, ...]) -> None:
    assert line_of(TEXT, loc) is None


def test_lines_are_counted_as_editors_do() -> None:
    assert line_of('a = "one\u2028two\x85three"\nb = 1\n', ("b",)) == 2


@given(
    st.lists(st.lists(st.sampled_from(["x = 1", "", "# c", 's = """\nx = 9\n"""', "l = [\n  1,\n]"]), unique=True), min_size=1)
)
def test_every_key_of_every_entry_is_found(entries: list[list[str]]) -> None:
    text, expected = "", {}
    for position, body in enumerate(entries):
        text += "[[t]]\n"
        for part in body:
            if part and not part.startswith("#"):
                expected["t", position, part[0]] = text.count("\n") + 1
            text += part + "\n"
    assert {loc: line_of(text, loc) for loc in expected} == expected


class Inner(Strict):
    name: str
    size: int = 1
    mode: Literal["a", "b"] = "a"
    day: datetime.date | None = None


class Outer(Strict):
    inner: tuple[Inner, ...]


def fails(tmp_path: Path, text: str) -> UsageError:
    path = tmp_path / "x.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_model(path, Outer)
    assert caught.value.exit_code == 2
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[[inner]]\nname = "n"\n\n[[inner]]\nsize = 2\n', 4, "der Schlüssel 'name' fehlt; bitte ergänzen"),
        ('[[inner]]\nname = "n"\nsiez = 2\n', 3, "unbekannter Schlüssel 'siez'; bitte streichen"),
        ('[[inner]]\nnaem = "n"\n', 2, "unbekannter Schlüssel 'naem'; vielleicht ist 'name' gemeint"),
        ('[[inner]]\nname = "n"\nsize = "two"\n', 3, "'size' hat den unzulässigen Wert 'two'; erwartet wird eine ganze Zahl"),
        ("[[inner]]\nname = true\n", 2, "'name' hat den unzulässigen Wert true; erwartet wird ein Text in Anführungszeichen"),
        ('[[inner]]\nname = "n"\nmode = "c"\n', 3, "'mode' hat den unzulässigen Wert 'c'; erlaubt sind 'a' oder 'b'"),
        ('[[inner]]\nname = "n"\nday = "1. Mai"\n', 3, "erwartet wird ein Datum wie 2021-07-01"),
        ('inner = "none"\n', 1, "erwartet wird eine Liste in eckigen Klammern"),
        ("inner = [1]\n", 1, "'inner' hat den unzulässigen Wert 1; erwartet wird eine Tabelle"),
        ('[[inner]]\nname = "n"\nname = "m"\n', 3, "kein gültiges TOML (ein Schlüssel steht doppelt)"),
        ('[[inner]]\nname "n"\n', 2, "kein gültiges TOML (nach dem Schlüssel fehlt '=')"),
        ('[[inner]]\nname = "n"\n\nmode = [1,\n', 4, "kein gültiges TOML (die Datei endet mitten in einem Wert)"),
    ],
)
def test_sentence_names_line_problem_and_mend(tmp_path: Path, text: str, line: int, words: str) -> None:
    error = fails(tmp_path, text)
    assert error.place == f"{tmp_path / 'x.toml'}, Zeile {line}"
    assert words in str(error)
    assert str(error).count("\n") == 0


def test_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b'\xef\xbb\xbf[[inner]]\nname = "n"\n')
    assert load_model(path, Outer).inner[0].name == "n"


def test_missing_folder_or_foreign_encoding(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="diese Datei gibt es nicht"):
        read_toml(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="das ist ein Ordner"):
        read_toml(tmp_path)
    path = tmp_path / "latin.toml"
    path.write_bytes("title = 'Größe'".encode("latin-1"))
    with pytest.raises(UsageError, match="nicht in UTF-8"):
        read_toml(path)
