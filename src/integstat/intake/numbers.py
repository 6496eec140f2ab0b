"""Numbers as Germans write them, and the signs that stand where no number does."""

from __future__ import annotations

import math
import re

# sign -> code of integstat.panel.CODES; the Tabellenzeichen of the statistical offices
SIGNS = {
    "-": "nothing",
    "–": "nothing",
    "—": "nothing",
    ".": "secret",
    "·": "secret",
    "•": "secret",
    "/": "unreliable",
    "x": "senseless",
    "X": "senseless",
    "…": "missing",
    "...": "missing",
    "": "missing",
    "k.A.": "missing",
    "k. A.": "missing",
    "N.A.": "missing",
    "*": "secret",  # Bundesagentur: one or two, or what would give them away
    "<3": "below_3",
    "< 3": "below_3",
}
_GERMAN = re.compile(r"-?([0-9]{1,3}(\.[0-9]{3})+|[0-9]+)(,[0-9]+)?")
_THOUSANDS = re.compile(r"-?[1-9][0-9]{0,2}(\.[0-9]{3})+")
_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def parse_number(text: str, decimal: str = ",") -> tuple[float, str]:
    """Read one cell of text.

    Parameters
    ----------
    text : str
        The cell as delivered; surrounding blanks do not count.
    decimal : {',', '.'}
        Decimal sign of the file. With a comma, a point separates thousands.

    Returns
    -------
    value : float
        The number; 0 for 'nothing'; NaN for every other sign.
    code : str
        One of `integstat.panel.CODES`.

    Raises
    ------
    ValueError
        If the text is neither a number in that format nor a known sign.
    """
    stripped = text.strip().replace("\u00a0", "").replace("\u202f", "").replace("\u2212", "-")
    if stripped in SIGNS:
        code = SIGNS[stripped]
        return (0.0 if code == "nothing" else math.nan), code
    pattern = _GERMAN if decimal == "," else _PLAIN
    if not pattern.fullmatch(stripped):
        raise ValueError(text)
    if decimal == ",":
        stripped = stripped.replace(".", "").replace(",", ".")
    value = float(stripped)
    if math.isinf(value):
        raise ValueError(text)
    return value, "value"


def thousands_or_decimal(text: str, decimal: str) -> bool:
    """Whether a figure such as `1.234` reads as a decimal here but may have been meant as thousands."""
    return decimal == "." and bool(_THOUSANDS.fullmatch(text.strip()))


def german(value: float, digits: int = 0) -> str:
    """Write a number the German way: 1234.5 with one digit is '1.234,5'."""
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,"))
