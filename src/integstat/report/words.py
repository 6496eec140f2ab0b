"""The fixed vocabulary: which word, letter and shape a cell gets, and how sure 'probable' is."""

from __future__ import annotations

from typing import Literal, get_args

import pandas as pd

from integstat.texts import Texts

State = Literal["success", "deficit", "stable", "open", "capped", "missing", "context"]
STATES: tuple[State, ...] = get_args(State)
CHANGES: tuple[State, ...] = ("success", "stable")  # they tell of a change: none with a single year
DECLARED: tuple[State, ...] = ("success", "deficit", "stable")

# smallest probability of each step, highest first
CERTAINTY: tuple[tuple[float, str], ...] = (
    (0.95, "very_likely"),
    (0.80, "likely"),
    (0.60, "rather_likely"),
    (0.40, "even"),
    (0.20, "rather_unlikely"),
    (0.05, "unlikely"),
    (0.00, "very_unlikely"),
)


def state_of(row: pd.Series) -> State:
    """State of a cell of the grid.

    Parameters
    ----------
    row : pandas.Series
        A row of `Findings.grid` or `Findings.others`.

    Returns
    -------
    State
        The finding where there is one. What keeps a cell open tells itself: no finding is meant (`context`), a registered
        break (`capped`), or nothing to compute with (`missing`); `open` remains for doubt alone.
    """
    flags = flags_of(row)
    if "context" in flags:
        return "context"
    if bool(row["capped"]):
        return "capped"
    if "not_estimable" in flags:
        return "missing"
    finding = str(row["finding"])
    return next((state for state in STATES if state == finding), "open")


def flags_of(row: pd.Series) -> tuple[str, ...]:
    """Return the flags of a cell."""
    return tuple(flag for flag in str(row["flags"]).split(";") if flag)


def certainty_key(p: float) -> str:
    """Step of the vocabulary for a probability: 0.95 and more is `very_likely`, and so on down."""
    return next(key for bound, key in CERTAINTY if p >= bound)


def certainty(p: float, texts: Texts) -> str:
    """Word for a probability with the number beside it; empty where there is none."""
    if pd.isna(p):
        return ""
    shown = round(float(p), 2)  # word and number must not disagree: 0.949 reads as 95 %, so it takes the word of 95 %
    return texts.t("certainty.with_number", word=texts.t(f"certainty.{certainty_key(shown)}"), p=texts.percent(p))
