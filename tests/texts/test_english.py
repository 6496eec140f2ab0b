"""The English messages: the German ones in other words, with the same places for the same values."""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import pytest

from integstat.texts import Texts, languages

FOLDER = resources.files("integstat.texts")
FILES = sorted(one.name for one in (FOLDER / "en").iterdir() if one.name.endswith(".toml"))
GERMAN = r"\b(und|oder|der|die|das|nicht|mit|für|gegenüber|Stadt|Städte|Befund|wird|werden|ist|sind|eine|kein|von|bis|aus)\b"

NAMED = {"workbook.meaning.city", *(f"reason.{one}" for one in ("missing_land", "level_only_land", "too_few_beside"))}


def test_every_german_file_has_its_english_one() -> None:
    assert sorted(one.name for one in (FOLDER / "de").iterdir() if one.name.endswith(".toml")) == FILES
    assert languages() == ("de", "en")


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _messages(language: str, file: str) -> dict[str, str]:
    return dict(_leaves(tomllib.loads((FOLDER / language / file).read_text(encoding="utf-8"))))


def _places(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name is not None}


@pytest.mark.parametrize("file", FILES)
def test_same_keys_and_places(file: str) -> None:
    german, english = _messages("de", file), _messages("en", file)
    assert english.keys() == german.keys()
    assert {key: _places(text) - {"n"} for key, text in english.items()} == {
        key: _places(text) - {"n"} for key, text in german.items()
    }


@pytest.mark.parametrize("file", FILES)
def test_no_german_word_and_no_german_typography(file: str) -> None:
    messages = {key: text for key, text in _messages("en", file).items() if key not in NAMED}
    assert not {key: text for key, text in messages.items() if re.search(GERMAN, text)}
    assert not {key: text for key, text in messages.items() if re.search(r"[„“]|[äöüß]|\d\u202f?\s%|\.\.\.| - ", text)}


def test_numbers_are_written_in_english() -> None:
    texts = Texts("en")
    assert texts.number(-1234.56) == "−1,234.6"
    assert texts.percent(0.934) == "93%"
    assert texts.level(12.34, "percent") == "12.3%"
    assert texts.level(12.34, "per_1000") == "12.3 per\u00a01,000"
    assert texts.points(1, "percent", 0) == "+1\u00a0percentage point"
    assert texts.points(2.5, "per_1000", sign=False) == "2.5\u00a0cases per\u00a01,000"
    assert texts.unit_name("percent") == "percentage points"
    assert texts.interval(-0.25, 1.0) == "−0.2 to +1.0"
    assert texts.listing(["a", "b", "c"]) == "a, b and c"
