"""Whatever the bytes, a reader reads them or says in a sentence why not; the ten-minute version is `analyses/fuzz_readers.py`.

`fuzz_corpus` keeps what got through a reader once, or through one that had been broken to see whether it would be found.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from integstat.intake.numbers import parse_number
from integstat.intake.series import read_year

from . import fuzzing
from .fuzzing import TARGETS, damaged, read

CORPUS = sorted((Path(__file__).parent / "fuzz_corpus").glob("*.bin"))
QUIET = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


@pytest.mark.parametrize("name", TARGETS)
def test_the_sound_file_is_read(name: str) -> None:
    assert read(name, TARGETS[name].content)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_found_cases_stay_mended(path: Path) -> None:
    read(path.stem.split("--")[0], path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_no_damage_gets_past_the_projects_own_errors(name: str) -> None:
    @seed(20210701)
    @settings(max_examples=3 if TARGETS[name].is_book else 10, **QUIET)
    @given(damaged(TARGETS[name]))
    def survives(content: bytes) -> None:
        outcomes.add(read(name, content))

    outcomes: set[bool] = set()
    survives()
    assert False in outcomes


def test_an_exception_of_another_kind_would_get_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(fuzzing, "read_table", broken)
    with pytest.raises(KeyError):
        read("tidy.csv", b"")


@settings(max_examples=60, **QUIET)
@given(st.text(st.characters(categories=["Nd"]), min_size=1, max_size=6), st.sampled_from(",."))
def test_digits_of_other_scripts_are_no_figures(text: str, decimal: str) -> None:
    if text.isascii():
        assert parse_number(text, decimal) == (float(text), "value")
        return
    with pytest.raises(ValueError, match=".*"):
        parse_number(text, decimal)
    assert read_year(f"20{text}") is None
