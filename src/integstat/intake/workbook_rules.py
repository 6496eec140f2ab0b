"""What Excel itself does in the workbook: what it lets people type, and the rate it works out."""

from __future__ import annotations

from typing import Any

from integstat.intake import workbook_layout as layout
from integstat.intake.workbook_content import Count


def count_validation(row: int, column: int, counted: bool) -> dict[str, Any]:
    """Let an input cell take a number from 0 on (whole ones where something is counted) or one of the signs."""
    cell = layout.cell_name(row, column)
    number = f"AND({cell}>=0,{cell}=INT({cell}))" if counted else f"{cell}>=0"
    signs = ",".join(f'{cell}="{sign}"' for sign in layout.SIGN_OF_CODE.values())
    listed = " ".join(layout.SIGN_OF_CODE.values())
    whole = "eine ganze Zahl" if counted else "eine Zahl"
    return {
        "validate": "custom",
        "value": f"=IF(ISNUMBER({cell}),{number},OR({signs}))",
        "input_title": "Anzahl" if counted else "Zahl",
        "input_message": f"Bitte {whole} ab 0 oder ein Zeichen: {listed}",
        "error_title": "So nicht lesbar",
        "error_message": f"Erlaubt ist {whole} ab 0 (keine Prozentwerte) oder eines der Zeichen {listed}.",
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


def above_rule(above: str, below: str, style: Any) -> dict[str, Any]:
    """Mark a numerator that is larger than its denominator."""
    return {"type": "formula", "criteria": f"=AND(ISNUMBER({above}),ISNUMBER({below}),{above}>{below})", "format": style}
