"""Sentences that several sections share."""

from __future__ import annotations

from integstat.report.view.lookup import Indicator, Lookup


def direction(look: Lookup, one: Indicator) -> str:
    """Say which way is better, and what a plus means."""
    return look.texts.t({1: "direction.up", -1: "direction.down"}.get(one.polarity, "direction.none"))


def axis_ends(look: Lookup, one: Indicator, limit: float | None = None) -> tuple[str, str, str]:
    """Labels of an axis: its ends and zero, with as many digits as they need."""
    width = one.axis if limit is None else limit
    digits = next(digits for digits in (0, 1, 2, 3) if digits == 3 or abs(round(width, digits) - width) < 1e-9)
    number = look.texts.number
    return number(-width, digits), "0", number(width, digits, sign=True)
