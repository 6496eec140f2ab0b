"""Sentences, numbers and plurals."""

from __future__ import annotations

import re
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integstat.errors import UsageError
from integstat.texts import Texts

TEXTS = Texts("de")


@pytest.mark.parametrize(
    ("x", "digits", "sign", "expected"),
    [
        (1234.56, 1, False, "1.234,6"),
        (-0.84, 1, True, "−0,8"),
        (0.84, 1, True, "+0,8"),
        (-0.04, 1, True, "0,0"),
        (0.0, 2, True, "0,00"),
        (1_234_567, 0, False, "1.234.567"),
        (float("nan"), 1, True, "–"),
        (float("inf"), 1, False, "–"),
    ],
)
def test_number(x: float, digits: int, sign: bool, expected: str) -> None:
    assert TEXTS.number(x, digits, sign=sign) == expected


@given(st.floats(-1e9, 1e9), st.integers(0, 4))
def test_number_reads_back(x: float, digits: int) -> None:
    text = TEXTS.number(x, digits, sign=True)
    back = float(text.replace(".", "").replace(",", ".").replace("−", "-"))
    assert back == pytest.approx(x, abs=0.5000001 * 10**-digits + 1e-6)
    assert "-" not in text
    assert ("+" in text) == (back > 0)


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (0.934, "93\u202f%"),
        (1.0, ">\u202f99\u202f%"),
        (0.0, "<\u202f1\u202f%"),
        (0.004, "<\u202f1\u202f%"),
        (0.007, "1\u202f%"),
        (0.996, ">\u202f99\u202f%"),
        (float("nan"), "–"),
    ],
)
def test_percent_claims_no_certainty(p: float, expected: str) -> None:
    assert TEXTS.percent(p) == expected


def test_points_know_singular_and_plural() -> None:
    assert TEXTS.points(0.8, "percent") == "+0,8\u00a0Prozentpunkte"
    assert TEXTS.points(1, "percent", 0) == "+1\u00a0Prozentpunkt"
    assert TEXTS.points(-1, "per_1000", 0) == "−1\u00a0Fall je\u00a01.000"
    assert TEXTS.points(2.5, "per_1000", 1, sign=False) == "2,5\u00a0Fälle je\u00a01.000"


def test_level_and_interval() -> None:
    assert TEXTS.level(12.34, "percent") == "12,3\u202f%"
    assert TEXTS.level(12.34, "per_1000") == "12,3 je\u00a01.000"
    assert TEXTS.interval(-0.25, 1.0, 1) == "−0,2 bis +1,0"
    assert TEXTS.interval(float("nan"), 1.0) == "–"


def test_plural_and_listing() -> None:
    assert TEXTS.plural(1, "Stadt", "Städte") == "1\u00a0Stadt"
    assert TEXTS.plural(1200, "Stadt", "Städte") == "1.200\u00a0Städte"
    assert TEXTS.listing([]) == ""
    assert TEXTS.listing(["a"]) == "a"
    assert TEXTS.listing(["a", "b", "c"]) == "a, b und c"


@pytest.mark.parametrize(("n", "expected"), [(0, "kein Erfolg"), (1, "ein Erfolg"), (1200, "1.200 Erfolge")])
def test_message_chooses_its_variant(n: int, expected: str) -> None:
    assert TEXTS.t("head.count.success", n=n) == expected


def test_a_float_must_be_formatted_first() -> None:
    with pytest.raises(TypeError, match="neither text nor a whole number"):
        TEXTS.t("head.count.success", n=0.5)  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        TEXTS.t("no.such.message")
    with pytest.raises(KeyError):
        TEXTS.t("head.declared")


@pytest.mark.parametrize("language", ["xx", "../de", ""])
def test_unknown_language(language: str) -> None:
    with pytest.raises(UsageError, match="Sprache"):
        Texts(language)


def _written() -> dict[str, str]:
    report = resources.files("integstat.report")
    folders = [
        report,
        report / "view",
        report / "cards",
        report / "interactive",
        report / "templates",
        *(resources.files("integstat.planning") / part for part in ("", "templates")),
        *(resources.files(f"integstat.{one}") for one in ("texts", "sensitivity")),
    ]
    return {
        f.name: f.read_text(encoding="utf-8") for d in folders for f in d.iterdir() if f.name.endswith((".py", ".j2", ".typ"))
    }


def test_every_key_written_out_exists_and_no_message_is_idle() -> None:
    """Keys written in full exist; a message nobody names, in full or by its first part, would never be seen."""
    source = "\n".join(_written().values())
    literal = set(re.findall(r"""["']([a-z_0-9]+(?:\.[a-z_0-9]+)+)["']""", source))
    known = set(TEXTS.keys)
    called = set(re.findall(r"""\bt\(\s*["']([a-z_0-9.]+)["']\s*[,)]""", source))
    assert called
    assert called <= known
    prefixes = set(re.findall(r"""["']([a-z_0-9.]+[._])(?:\{|["']\s*~)""", source))
    idle = {key for key in known - literal if not any(key.startswith(prefix) for prefix in prefixes)}
    headings = {
        f"{part}.heading"
        for part in ("head", "grid", "ring", "peers", "gap", "sensitivity", "city", "problems", "made", "glossary")
    }
    choices = {f"{part}.column_" for part in ("problems", "made")}
    assert {key for key in idle - headings if not key.startswith(tuple(choices))} <= {"glossary.heading"}


def test_messages_are_german_typography() -> None:
    files = (resources.files("integstat.texts") / "de").iterdir()
    text = "\n".join(one.read_text(encoding="utf-8") for one in files)
    messages = re.findall(r'= "([^"]*)"', text)
    assert len(messages) > 200
    assert not [one for one in messages if re.search(r"\d %|\bz\.B\.|\.\.\.| - ", one)]  # open ends: tests/test_house.py
