"""What a source may leave out, and what it must not; held against the document that says so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from integstat.intake.problems import UnreadableFile
from integstat.intake.readers import recognised
from integstat.intake.settings import Reader, SourceSettings

from . import test_genesis_flat, test_inkar, test_wegweiser
from .reading import file_of, source

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "sources.md"
NEEDED: dict[str, dict[str, Any]] = {
    "genesis": {"leading": ["AGS"], "header": ["Art"], "region": {"column": "AGS"}, "year": "Jahr"},
    "genesis_flat": {"region": {"column": "1_Auspraegung_Code"}},
    "labour_agency": {"leading": ["AGS"], "header": ["Art"], "region": {"column": "AGS"}},
    "tidy": {"region": {"column": "ags"}, "year": "year"},
}


def tables() -> list[list[list[str]]]:
    """Cells of the document's tables that begin with a reader."""
    found: list[list[list[str]]] = []
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `reader`"):
            found.append([])
        elif re.match(r"\| `\w+` \|", line) and found:
            found[-1].append([cell.strip() for cell in line.strip("|").split(" | ")])
    return found


def test_the_document_names_every_reader() -> None:
    assert sorted(row[0].strip("` ") for row in tables()[0]) == sorted(get_args(Reader))


@pytest.mark.parametrize("row", tables()[1], ids=lambda row: row[0].strip("` "))
def test_defaults_are_those_of_the_document(row: list[str]) -> None:
    reader = row[0].strip("` ")
    spec = source(reader, **NEEDED.get(reader, {}))
    names = {"utf-8": "UTF-8", "iso-8859-1": "ISO-8859-1"}
    if row[1] != "–":
        assert names[spec.file_encoding] == row[1]
        assert f"`{spec.file_separator}` `{spec.file_decimal}`" == row[2]
    if "year" not in NEEDED.get(reader, {}):
        assert f"`{spec.year_column}`" == row[3]
    assert (f"`{spec.value_column}`" if spec.value_column else "–") == row[4]
    assert (row[5].strip("| ") == "–") == ("region" in NEEDED.get(reader, {}))


@pytest.mark.parametrize("reader", NEEDED)
def test_what_a_reader_needs_must_be_there(reader: str) -> None:
    for key in NEEDED[reader]:
        with pytest.raises(ValidationError, match=f"braucht '{key}'|braucht 'leading'"):
            source(reader, **{name: value for name, value in NEEDED[reader].items() if name != key})


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"reader": "tidy", **NEEDED["tidy"], "sheet": "A"}, "nennt ein Blatt"),
        ({"reader": "tidy", **NEEDED["tidy"], "keys": {"Kiel": "01002"}}, "das gibt es nur beim Wegweiser"),
        ({"reader": "labour_agency", **NEEDED["labour_agency"], "header": ["AGS"]}, "Spalte 'AGS' steht doppelt"),
        ({"reader": "genesis", **NEEDED["genesis"], "header": ["Wert"]}, "Spalte 'Wert' steht doppelt"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        SourceSettings.model_validate({"id": "s", "file": "f.csv", **changes})


@pytest.mark.parametrize(
    ("text", "column"),
    [
        (test_inkar.WIDE, "Kennziffer"),
        ("\ufeff" + test_inkar.BULK, "Kennziffer"),
        (test_genesis_flat.OLDER, "1_Auspraegung_Code"),
        ("\ufeff" + test_genesis_flat.NEWER, "1_Auspraegung_Code"),
    ],
)
def test_files_that_say_what_they_are(text: str, column: str) -> None:
    found = recognised(file_of(text))
    assert found is not None
    table, rule = found
    assert rule.column == column
    assert {"01002", "03241"} & set(table.frame[column])


def test_other_files_are_left_alone_and_broken_ones_told() -> None:
    assert recognised(file_of(test_wegweiser.BELOW)) is None
    assert recognised(file_of("ags;name;2020\n01002;Kiel;1\n")) is None
    with pytest.raises(UnreadableFile, match="die zweite Kopfzeile mit den Jahren fehlt"):
        recognised(file_of(test_inkar.WIDE.replace(";;;2020;2021;2020;2020/2021\n", "")))
