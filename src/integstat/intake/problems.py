"""A problem found in a delivery: one sentence with its place and its mend."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

import pandas as pd

from integstat.errors import DataError

Severity = Literal["error", "doubt", "hint"]
_ORDER = {"error": 0, "doubt": 1, "hint": 2}


@dataclass(frozen=True)
class Problem:
    """What is wrong, where, and what to do.

    Attributes
    ----------
    severity : {'error', 'doubt', 'hint'}
        An error stops a run; a doubt wants an answer; a hint only tells.
    file, place : str
        File name, and the place inside (sheet and cell, line and column).
    what, mend : str
        German, without a full stop.
    city, definition : str
        Where the problem belongs to one; else empty.
    value : str
        The figure it is about, where it is about one: an answer to a doubt holds as long as it stays.
    check : str
        Id of the check that found it (`integstat.intake.checks.REGISTRY`).
    """

    severity: Severity
    file: str
    place: str
    what: str
    mend: str
    city: str = ""
    definition: str = ""
    value: str = ""
    check: str = ""

    @property
    def about(self) -> str:
        """What an answer is given for: the figure, or the whole sentence where it is about none."""
        return self.value or self.what


class UnreadableFile(DataError):
    """A file that cannot be read at all; carries the problem, so that a check can list it beside others."""

    def __init__(self, file: str, place: str, what: str, mend: str) -> None:
        self.problem = Problem("error", file, place, what, mend, check="unreadable")
        super().__init__(what, place=", ".join(part for part in (file, place) if part), mend=mend)


def problem_table(problems: Iterable[Problem]) -> pd.DataFrame:
    """Problems as a frame, errors first, in the order of file and place."""
    rows = sorted(problems, key=lambda problem: (_ORDER[problem.severity], problem.file, problem.place, problem.what))
    return pd.DataFrame([asdict(row) for row in rows], columns=list(Problem.__dataclass_fields__))


def enumerate_some(items: Iterable[str], most: int = 5) -> str:
    """List the first items, and say how many more there are."""
    listed = list(items)
    shown = ", ".join(listed[:most])
    more = len(listed) - most
    return shown if more <= 0 else f"{shown} und {more} weitere"


def raise_on_error(problems: Iterable[Problem]) -> None:
    """Raise a `DataError` that tells the first error and how many more there are; do nothing where there is none."""
    errors = [problem for problem in problems if problem.severity == "error"]
    if not errors:
        return
    first = errors[0]
    more = len(errors) - 1
    tail = "" if more == 0 else f" (und {more} weiterer Fehler)" if more == 1 else f" (und {more} weitere Fehler)"
    where = ", ".join(part for part in (first.file, first.place) if part)
    raise DataError(first.what, place=where, mend=f"{first.mend}{tail}")
