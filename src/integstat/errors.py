"""Every error a user can meet, with its exit code.

An error is one sentence: where it is, what is wrong, what to do about it. The command line prints the sentence and leaves
with the code of the error's kind; the Python API raises it.
"""

from __future__ import annotations

from typing import ClassVar


class IntegstatError(Exception):
    """Base of all errors the user can mend.

    Parameters
    ----------
    what : str
        What is wrong, without a full stop.
    place : str, optional
        Where: file, line, sheet, cell.
    mend : str, optional
        What to do about it, without a full stop.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, place: str = "", mend: str = "") -> None:
        self.what = what
        self.place = place
        self.mend = mend
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """Return place, problem and mend as one sentence."""
        head = f"{self.place}: " if self.place else ""
        tail = f"; {self.mend}" if self.mend else ""
        return f"{head}{self.what}{tail}."


class UsageError(IntegstatError):
    """The call or a configuration file is wrong."""

    exit_code = 2


class DataError(IntegstatError):
    """A delivery breaks the contract."""

    exit_code = 3


class ConvergenceError(IntegstatError):
    """A fit did not pass the convergence gate."""

    exit_code = 4


class ReportError(IntegstatError):
    """The report could not be written."""

    exit_code = 5
