"""Expressions over series: what they compute, what they refuse, which sign wins."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integstat.intake.expressions import combine, parse_expression

counts = st.integers(min_value=0, max_value=10**7).map(float)


@given(a=counts, b=counts, c=counts)
def test_computes_as_arithmetic_does(a: float, b: float, c: float) -> None:
    cells = {"a": (a, "value"), "b": (b, "value"), "c": (c, "value")}
    value, code = parse_expression("(a - b) * 2 + c / 4").evaluate(cells)
    assert code == "value"
    assert value == (a - b) * 2 + c / 4


@given(total=counts, part=counts)
def test_a_difference_and_its_part_give_the_total(total: float, part: float) -> None:
    rest, _ = parse_expression("total - part").evaluate({"total": (total, "value"), "part": (part, "value")})
    assert rest + part == total


@pytest.mark.parametrize(
    ("text", "combines", "scales"),
    [
        ("a", False, False),
        ("a + b - c", True, False),
        ("a / b * 100", False, True),
        ("a - b / 2", False, True),
        ("(a)", False, False),
    ],
)
def test_tells_stated_derivations_from_reconstructions(text: str, combines: bool, scales: bool) -> None:
    expression = parse_expression(text)
    assert (expression.combines, expression.scales) == (combines, scales)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "a.b",
        "a[0]",
        "a if b else c",
        "a ** b",
        "-a",
        "lambda: 1",
        "a == b",
        "'text'",
        "True + a",
        "1j * a",
    ],
)
def test_runs_nothing_but_arithmetic(text: str) -> None:
    with pytest.raises(ValueError, match="sind nur Reihen, Zahlen, Klammern"):
        parse_expression(text)


@pytest.mark.parametrize(
    ("text", "said"), [("a +", "unvollständig"), ("", "unvollständig"), ("1 + 2", "nennt keine Reihe"), ("a b", "falsch")]
)
def test_incomplete_expressions_are_told(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_expression(text)


@pytest.mark.parametrize(
    ("codes", "winner"),
    [
        (("secret", "missing"), "secret"),
        (("missing", "below_3"), "below_3"),
        (("value", "missing"), "missing"),
        (("nothing", "unreliable"), "unreliable"),
    ],
)
def test_a_part_without_number_passes_its_sign_on(codes: tuple[str, str], winner: str) -> None:
    cells = {name: (1.0 if code in ("value", "nothing") else math.nan, code) for name, code in zip("ab", codes, strict=True)}
    value, code = parse_expression("a + b").evaluate(cells)
    assert math.isnan(value)
    assert code == winner
    assert combine(list(cells.values()))[1] == winner


def test_division_by_zero_is_a_gap() -> None:
    value, code = parse_expression("a / b").evaluate({"a": (0.0, "nothing"), "b": (0.0, "nothing")})
    assert math.isnan(value)
    assert code == "missing"


def test_a_single_series_keeps_its_sign() -> None:
    assert parse_expression("a").evaluate({"a": (0.0, "nothing")}) == (0.0, "nothing")
    assert combine([(0.0, "nothing"), (0.0, "nothing")]) == (0.0, "nothing")
    assert combine([(0.0, "nothing"), (4.0, "value")]) == (4.0, "value")
