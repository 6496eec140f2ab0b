"""Read what stands beside the figures of a row: remark, how exact they are, and in what they depart from the definition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from integstat.intake import workbook_layout as layout
from integstat.intake.measures import clean
from integstat.intake.numbers import german
from integstat.intake.problems import Problem
from integstat.intake.workbook_anchors import Anchored, tidy
from integstat.intake.workbook_cells import Figure
from integstat.intake.workbook_layout import RowKey

_COARSE_BASE = 0.01  # a denominator whose rounding may move it by more than this share is doubted
_NAME_DE = {
    layout.NOTE_ANCHOR: "Bemerkung",
    layout.PRECISION_ANCHOR: "Genauigkeit",
    layout.OTHER_ANCHOR: "Abweichende Definition",
}


@dataclass(frozen=True)
class Beside:
    """What a row says of its figures.

    Attributes
    ----------
    remark : str
    step : int
        Number to whose multiples the figures are rounded, by the city's own word; 1: exact, 0: not said.
    other : str
        What was counted in place of what the definition asks for; empty where it is the same.
    """

    remark: str = ""
    step: int = 0
    other: str = ""

    @property
    def note(self) -> str:
        """All of it in one line, for the panel."""
        rounded = f"auf {self.step} gerundet (Angabe der Stadt)" if self.step > 1 else ""
        other = f"abweichende Definition: {self.other}" if self.other else ""
        return "; ".join(text for text in (self.remark, rounded, other) if text)


def read_beside(at: Anchored, row: int, file: str) -> tuple[Beside, list[Problem]]:
    """Read the three columns of a row; a workbook from before they were there says nothing in them."""
    problems: list[Problem] = []
    texts = {anchor: _text(at, row, anchor, file, problems) for anchor in _NAME_DE}
    chosen = texts[layout.PRECISION_ANCHOR]
    if chosen and chosen.casefold() not in layout.PRECISION_DE:
        what = f"'{chosen[:40]}' steht nicht in der Liste der Genauigkeiten und wird übergangen"
        mend = f"bitte eine davon wählen: {', '.join(layout.PRECISION_DE)}"
        place = layout.place(at.title, row, at.columns[layout.PRECISION_ANCHOR])
        problems.append(Problem("doubt", file, place, what, mend, check="precision"))
    step = layout.PRECISION_DE.get(chosen.casefold(), 0)
    other = clean(texts[layout.OTHER_ANCHOR])[: layout.OTHER_LONGEST]
    return Beside(texts[layout.NOTE_ANCHOR], step, other), problems


def set_aside(
    figures: dict[int, tuple[Figure, str]], beside: Beside, at: Anchored, row: int, key: RowKey, file: str
) -> tuple[dict[int, tuple[Figure, str]], list[Problem]]:
    """Take figures of another definition out of the comparison, and tell it.

    Returns
    -------
    figures : dict of int to (Figure, str)
        As they were, or all 'missing' where the row says that something else was counted.
    problems : list of Problem
        A doubt that quotes what was counted; nothing where the row holds no figure.
    """
    if not beside.other or all(figure.blank for figure, _ in figures.values()):
        return figures, []
    what = f"abweichende Definition ('{beside.other}'), die Zahlen dieser Zeile werden nicht mit denen anderer Städte verglichen"
    mend = "bitte nach der Definition des Rings liefern; ist doch dasselbe gezählt, diesen Text löschen"
    place = layout.place(at.title, row, at.columns[layout.OTHER_ANCHOR])
    aside = {year: (Figure(float("nan"), "missing"), cell) for year, (_, cell) in figures.items()}
    return aside, [Problem("doubt", file, place, what, mend, definition=key.definition, check="other_definition")]


def check_precision(
    figures: dict[int, tuple[Figure, str]], beside: Beside, at: Anchored, key: RowKey, file: str
) -> list[Problem]:
    """Hold the figures of a row against how exact they are said to be.

    A figure that is no multiple contradicts it. The computation makes allowance for the rounding of numerators only, so a
    denominator whose rounding may move it by more than one per cent is doubted.
    """
    if beside.step <= 1:
        return []
    problems = []
    said = f"'auf {beside.step} gerundet'"
    for figure, cell in figures.values():
        place = f"Blatt '{at.title}', Zelle {cell}"
        if figure.code != "value":
            continue
        if figure.value % beside.step:
            shown = german(figure.value, 0 if figure.value.is_integer() else 2)
            what = f"{shown} ist kein Vielfaches von {beside.step}, angegeben ist {said}"
            mend = "bitte die Zahl oder die Genauigkeit berichtigen"
        elif key.part == "denominator" and beside.step / 2 > _COARSE_BASE * figure.value:
            what = (
                f"der Nenner {german(figure.value)} ist {said}, das kann die Quote um mehr als 1 Prozent ihres Werts verschieben"
            )
            mend = "bitte den genauen Nenner liefern"
        else:
            continue
        problems.append(Problem("doubt", file, place, what, mend, definition=key.definition, check="precision"))
    return problems


def _text(at: Anchored, row: int, anchor: str, file: str, problems: list[Problem]) -> str:
    column = at.columns.get(anchor)
    if column is None:
        return ""
    cell: Any = at.cell(row, column)
    if cell.data_type in ("f", "e"):
        what = f"in der Spalte {_NAME_DE[anchor]} steht eine Formel, sie wird übergangen"
        mend = "bitte als Text eintragen, ohne '=' am Anfang"
        problems.append(Problem("hint", file, layout.place(at.title, row, column), what, mend, check="workbook"))
        return ""
    return tidy(cell.value)
