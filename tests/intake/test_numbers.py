"""Numbers as Germans write them, and signs in their place."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integstat.intake.numbers import german, parse_number, thousands_or_decimal


@given(st.integers(min_value=-(10**9), max_value=10**9))
def test_what_is_written_the_german_way_reads_the_same(number: int) -> None:
    assert parse_number(german(number), ",") == (float(number), "value")


@given(st.floats(min_value=0, max_value=1e9, allow_nan=False))
def test_plain_decimals_read_the_same(number: float) -> None:
    assert parse_number(repr(number), ".") == (number, "value")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("-", "nothing"),
        ("–", "nothing"),
        ("−", "nothing"),
        (".", "secret"),
        ("/", "unreliable"),
        ("x", "senseless"),
        ("…", "missing"),
        ("...", "missing"),
        ("", "missing"),
        ("  ", "missing"),
        ("< 3", "below_3"),
        ("<3", "below_3"),
    ],
)
@pytest.mark.parametrize("decimal", [",", "."])
def test_five_signs_are_five_things(text: str, code: str, decimal: str) -> None:
    value, found = parse_number(text, decimal)
    assert found == code
    assert value == 0 if code == "nothing" else math.isnan(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.234,5", 1234.5), ("1234,5", 1234.5), (" 12 ", 12), ("1\u00a0234", 1234), ("1\u202f234", 1234), ("−7", -7)],
)
def test_german_forms(text: str, value: float) -> None:
    assert parse_number(text, ",") == (value, "value")


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("1.5", ","),
        ("12.34", ","),
        ("1,5", "."),
        ("1.234.567", "."),
        ("12 %", ","),
        ("1,2,3", ","),
        ("nan", "."),
        ("1e999", "."),
        ("--", ","),
    ],
)
def test_other_forms_are_refused(text: str, decimal: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_number(text, decimal)


def test_ambiguous_point() -> None:
    assert thousands_or_decimal("1.234", ".")
    assert not thousands_or_decimal("1.2345", ".")
    assert not thousands_or_decimal("0.234", ".")
    assert not thousands_or_decimal("1.234", ",")
