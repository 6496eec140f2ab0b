"""What a check is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from integstat.intake.deliveries import PART_DE
from integstat.intake.numbers import german
from integstat.intake.problems import Problem, Severity

GROUP_DE = {"target": "Zielgruppe", "reference": "Vergleichsgruppe"}


@dataclass(frozen=True)
class Check:
    """One kind of fault.

    Attributes
    ----------
    id : str
        Name in `problems.csv` and in answers; never given to another fault.
    severities : tuple of str
        What it may be: 'error', 'doubt', 'hint', the usual one first.
    looks_at : str
        English, for the reference.
    what, mend : str
        German templates of the sentence, without a full stop. Of a fault that a reader finds, what it says in most cases; the
        reader words it by the cell.
    """

    id: str
    severities: tuple[Severity, ...]
    looks_at: str
    what: str
    mend: str

    def problem(
        self,
        file: str,
        place: str,
        *,
        city: str = "",
        definition: str = "",
        value: str = "",
        mend: str = "",
        **said: object,
    ) -> Problem:
        """Tell the fault at one place.

        Parameters
        ----------
        file, place, city, definition : str
            See `Problem`.
        value : str
            The figure it is about: an answer holds as long as it stays.
        mend : str, optional
            Takes the place of the usual mend.
        **said : object
            Fill the templates.
        """
        what = self.what.format(**said)
        return Problem(self.severities[0], file, place, what, mend or self.mend.format(**said), city, definition, value, self.id)


def share_de(y: float, n: float) -> str:
    """Write a count over its base with the share: '5 von 200 (2,5 %)'."""
    percent = 100 * y / n
    return f"{german(y)} von {german(n)} ({german(percent, 1 if percent >= 1 or y == 0 else 2)} %)"


def name_cell(row: Any) -> str:
    """Name a count for people: 'Nenner von A2.rate, Zielgruppe, 03101, 2021'."""
    return f"{PART_DE[row.part]} von {row.definition}, {GROUP_DE[row.group]}, {row.city}, {row.year}"
