"""What is found where a single choice is made otherwise, as words that take little room."""

from __future__ import annotations

from itertools import groupby

import numpy as np

from integstat.report.words import State
from integstat.sensitivity.shown import SensitivityShown
from integstat.sensitivity.universes import FINDINGS, NOT_THERE, Axis, Universes
from integstat.texts import Texts

LETTERS: dict[State, str] = {"success": "s", "deficit": "d", "stable": "t", "open": "o"}
LOST, UNTOLD = "-", "."  # a universe without a result; one that was not computed, or is none of this city's
_ALL = np.array([*({str(state): letter for state, letter in LETTERS.items()}[one] for one in FINDINGS), LOST, UNTOLD])


def choice_names(shown: SensitivityShown, texts: Texts) -> list[list[object]]:
    """Name the axes that all indicators share, in the order in which findings are packed.

    Returns
    -------
    list
        Per axis its name, its sort where it asks or decides something else (else empty), and the alternatives to the ring's own
        choice.
    """
    return [
        [
            axis.name_de,
            "" if axis.sort == "model" else texts.t(f"sensitivity.sort.{axis.sort}"),
            [one.name_de for one in axis.alternatives[1:]],
        ]
        for axis in shown.space.axes
    ]


def found_otherwise(shown: SensitivityShown) -> dict[tuple[str, str], str]:
    """Tell what is found where one choice alone is made otherwise.

    Parameters
    ----------
    shown : SensitivityShown

    Returns
    -------
    dict of (str, str) to str
        By city and full id of the definition: a letter for the ring's own universe, then one for every alternative of every
        shared axis, in order; a number after a letter says how often it stands in a row. Empty where nothing is to be told.

    Notes
    -----
    Words, no probabilities, at the thresholds of the run, or of the alternative's own decision. What two choices do together is
    not told.
    """
    out: dict[tuple[str, str], str] = {}
    for story in shown.explained.stories.values():
        one = story.universes
        for definition in dict.fromkeys(one.definition):
            letters = _letters(one, definition, shown.space.axes)
            out |= {(city, definition): _packed(letters[:, place]) for place, city in enumerate(one.cities)}
    return out


def _letters(one: Universes, definition: str, axes: tuple[Axis, ...]) -> np.ndarray:
    """Letters of a definition, shape (1 + alternatives, C)."""
    choice = one.choice[:, : len(axes)]  # the shared axes come first
    starts = np.cumsum([0, *(len(axis.alternatives) - 1 for axis in axes)])
    codes = np.full((1 + starts[-1], len(one.cities)), len(FINDINGS) + 1)
    single = np.count_nonzero(choice, axis=1) <= 1
    for row in np.flatnonzero(single & (np.array(one.definition) == definition)):
        axis = int(choice[row].argmax())
        place = starts[axis] + choice[row, axis]
        found = np.where(one.finding[row] == NOT_THERE, len(FINDINGS), one.finding[row])
        codes[place] = np.where(one.applies[row], found, len(FINDINGS) + 1)
    return np.asarray(_ALL[codes])


def _packed(letters: np.ndarray) -> str:
    runs = [(letter, sum(1 for _ in same)) for letter, same in groupby(letters.tolist())]
    if [letter for letter, _ in runs] == [UNTOLD]:
        return ""
    return "".join(f"{letter}{count if count > 1 else ''}" for letter, count in runs)
