"""What Excel itself does in the workbook: what it lets people type, and the rate it works out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from integstat.intake import workbook_layout as layout
from integstat.intake.workbook_content import Count

HINT_DE = "Sprung: bitte prüfen"
JUMP = 1.5  # a figure this many times the other is looked at
_PROMPT = 255  # characters Excel shows at most


def count_validation(row: int, column: int, counted: bool, exact: str, example: str) -> dict[str, Any]:
    """Let an input cell take a number from 0 on (whole ones where something is counted) or one of the signs.

    Whoever enters the cell reads what exactly is asked for, and an example of the form.
    """
    cell = layout.cell_name(row, column)
    number = f"AND({cell}>=0,{cell}=INT({cell}))" if counted else f"{cell}>=0"
    signs = ",".join(f'{cell}="{sign}"' for sign in layout.SIGN_OF_CODE.values())
    listed = " ".join(layout.SIGN_OF_CODE.values())
    whole = "eine ganze Zahl" if counted else "eine Zahl"
    return {
        "validate": "custom",
        "value": f"=IF(ISNUMBER({cell}),{number},OR({signs}))",
        "input_title": "Anzahl" if counted else "Zahl",
        "input_message": _prompt(exact, f"Bitte {whole} ab 0, z. B. {example}, oder ein Zeichen: {listed}"),
        "error_title": "So nicht lesbar",
        "error_message": f"Erlaubt ist {whole} ab 0 (keine Prozentwerte) oder eines der Zeichen {listed}.",
    }


def _prompt(exact: str, how: str) -> str:
    """Put both into what Excel shows, the exact definition cut where it is too long: it stands in a column of its own."""
    room = _PROMPT - len(how) - 1
    return f"{exact if len(exact) <= room else exact[: room - 1].rstrip() + '…'}\n{how}"


def precision_validation() -> dict[str, Any]:
    """Let people choose how exact the figures of a row are."""
    return {
        "validate": "list",
        "source": list(layout.PRECISION_DE),
        "input_title": "Genauigkeit",
        "input_message": "Leer lassen, wenn die Zahlen so genau sind, wie die Quelle sie führt.",
        "error_title": "Nicht in der Liste",
        "error_message": "Bitte einen Eintrag der Liste wählen oder die Zelle leer lassen.",
    }


def other_validation() -> dict[str, Any]:
    """Let people say in what a figure departs from the definition."""
    return {
        "validate": "length",
        "criteria": "<=",
        "value": layout.OTHER_LONGEST,
        "input_title": "Abweichende Definition",
        "input_message": "Nur ausfüllen, wenn etwas anderes gezählt ist als verlangt: was, in Worten. Die Zahlen dieser Zeile "
        "werden dann nicht mit denen anderer Städte verglichen.",
        "error_title": "Zu lang",
        "error_message": f"Bitte höchstens {layout.OTHER_LONGEST} Zeichen eintragen.",
    }


def context_validation(cell: str) -> dict[str, Any]:
    """Let a feature be any number, or missing."""
    return {
        "validate": "custom",
        "value": f'=IF(ISNUMBER({cell}),TRUE,{cell}="{layout.SIGN_OF_CODE["missing"]}")',
        "error_title": "So nicht lesbar",
        "error_message": "Erlaubt ist eine Zahl oder das Zeichen … für eine fehlende Angabe.",
    }


def ags_validation(cell: str) -> dict[str, Any]:
    """Let the key be a text of five or eight signs."""
    return {
        "validate": "custom",
        "value": f"=AND(ISTEXT({cell}),OR(LEN({cell})=5,LEN({cell})=8))",
        "error_title": "Kein AGS",
        "error_message": "Der AGS hat fünf oder acht Stellen und steht als Text da; die führende Null gehört dazu.",
    }


def rate_formula(above: str, below: str, times: int) -> str:
    """Make the formula of a rate from the cells of numerator and denominator; it shows nothing where one of them is no number."""
    quotient = f'IF({above}="-",0,{above})/{below}' + (f"*{times}" if times > 1 else "")
    return f'=IF(AND(OR(ISNUMBER({above}),{above}="-"),ISNUMBER({below})),IF({below}>0,{quotient},""),"")'


def rate_value(above: Count | None, below: Count | None) -> float | None:
    """Work out what the formula gives: nothing where a number is missing or the denominator is 0."""
    if above == layout.SIGN_OF_CODE["nothing"]:
        above = 0.0
    if above is None or below is None or isinstance(above, str) or isinstance(below, str) or below <= 0:
        return None
    return above / below


def compared(years: Sequence[int], last_year: int | None) -> list[tuple[int, int | None]]:
    """Pairs of figures of a row that should not lie far apart: positions of the years, None for what was delivered last.

    Each year is held against the one before. What was delivered last is held against the same year, or against the first
    one after it.
    """
    pairs: list[tuple[int, int | None]] = [(place, place - 1) for place in range(1, len(years))]
    if last_year is None or last_year > years[-1]:
        return pairs
    return [(next(place for place, year in enumerate(years) if year >= last_year), None), *pairs]


def jump_condition(one: str, other: str) -> str:
    """Condition that two cells lie further apart than a factor of `JUMP` and than small counts do by chance (3 SD, Poisson)."""
    numbers = ",".join(f'OR(ISNUMBER({cell}),{cell}="-")' for cell in (one, other))
    a, b = f"N({one})", f"N({other})"
    return f"AND({numbers},MAX({a},{b})>{JUMP}*MIN({a},{b}),ABS({a}-{b})>3*SQRT(ABS({a}+{b})))"


def jumps(one: Count | None, other: Count | None) -> bool:
    """Work out what `jump_condition` gives."""
    a, b = (0.0 if value == layout.SIGN_OF_CODE["nothing"] else value for value in (one, other))
    if not isinstance(a, float) or not isinstance(b, float):
        return False
    return max(a, b) > JUMP * min(a, b) and abs(a - b) > 3 * math.sqrt(a + b)


def hint_formula(conditions: Sequence[str]) -> str:
    """Make the formula of the hint beside a row."""
    return f'=IF(OR({",".join(conditions)}),"{HINT_DE}","")' if conditions else '=""'


def above_rule(above: str, below: str, style: Any) -> dict[str, Any]:
    """Mark a numerator that is larger than its denominator."""
    return {"type": "formula", "criteria": f"=AND(ISNUMBER({above}),ISNUMBER({below}),{above}>{below})", "format": style}
