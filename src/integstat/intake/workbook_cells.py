"""Read one cell of a workbook: a figure, a sign, or what is wrong with it."""

from __future__ import annotations

import datetime
import math
import re
from dataclasses import dataclass
from typing import Any

from integstat.intake.numbers import german, parse_number
from integstat.intake.workbook_layout import ALLOWED_DE

_AMBIGUOUS = re.compile(r"^-?[1-9]\d{0,2}\.\d{3}$")  # 1.234: thousands here, a decimal elsewhere
_BLANKS = re.compile(r"[\s\u00a0\u202f\u2007\u2009]+")
_GROUPED = re.compile(r"^-?\d{1,3}( \d{3})+(,\d+)?$")
_WITH_TAIL = re.compile(r"^(-?\d[\d.,]*)\s*((?=.*[^\d.,\s]).+)$")
_UNCLEAR = re.compile(r"^-?[\d.,]*[^\W\d]|^-?[\d.,]*['’´`]|^-?[\d.,]+[^\d.,]+\d")  # what follows may belong to the number
_POINT = re.compile(r"^-?\d+\.\d+$")


@dataclass(frozen=True)
class Figure:
    """What a cell says.

    Attributes
    ----------
    value : float
        The number; 0 for 'nothing', NaN for every other sign and for a cell with a fault.
    code : str
        One of `integstat.panel.CODES`.
    fault : tuple of (str, str) or None
        What is wrong and the mend, in German.
    blank : bool
        Nothing at all in the cell.
    as_text : bool
        A number that stands there as text.
    """

    value: float
    code: str
    fault: tuple[str, str] | None = None
    blank: bool = False
    as_text: bool = False


def read_figure(cell: Any, *, below_zero: bool = False) -> Figure:
    """Read an input cell.

    Parameters
    ----------
    cell : openpyxl cell
    below_zero : bool
        Whether negative numbers are allowed: never for counts.

    Returns
    -------
    Figure
        A formula is a fault even where Excel kept its result: the result may be older than what it was made of.
    """
    value, kind = cell.value, cell.data_type
    if value is None:
        return Figure(math.nan, "missing", blank=True)
    if kind == "f":
        return _fault("Formel statt Zahl", "bitte die Zelle kopieren und nur als Wert einfügen")
    if kind == "e":
        return _fault(f"Fehlerwert {value}", "bitte die Zahl selbst eintragen")
    if isinstance(value, bool):
        shown = "WAHR" if value else "FALSCH"
        return _fault(f"Wahrheitswert {shown} statt Zahl", f"bitte {ALLOWED_DE} eintragen")
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        return _fault(
            f"Datum oder Uhrzeit ({_date(value)}) statt Zahl",
            "bitte die Zelle als Zahl formatieren und die Zahl neu eintippen, Excel macht aus 1.3 ein Datum",
        )
    if isinstance(value, int | float):
        return _number(float(value), str(cell.number_format), below_zero)
    return _text(str(value), below_zero)


def _number(value: float, number_format: str, below_zero: bool) -> Figure:
    if not math.isfinite(value):
        return _fault("die Zahl ist zu groß", "bitte die Zahl berichtigen")
    if "%" in number_format:
        shown = german(value * 100, 1)
        return _fault(f"Prozentwert ({shown} %) statt Zahl", "bitte die Zahl ohne Prozentformat eintragen")
    if value < 0 and not below_zero:
        return _fault(f"negative Zahl ({_plain(value)})", "bitte die Anzahl berichtigen")
    return Figure(value, "value")


def _text(text: str, below_zero: bool) -> Figure:
    tidy = _BLANKS.sub(" ", text).strip()
    if not tidy:
        return Figure(math.nan, "missing", blank=True)
    if _AMBIGUOUS.match(tidy):
        thousands, decimal = tidy.replace(".", ""), tidy.replace(".", ",")
        return _fault(
            f"'{tidy}' steht als Text da und ist zweideutig", f"bitte als Zahl eintragen, {thousands} oder {decimal}, wie gemeint"
        )
    if _GROUPED.match(tidy):
        tidy = tidy.replace(" ", "")
    try:
        value, code = parse_number(tidy, decimal=",")
    except ValueError:
        return _no_number(tidy)
    if code != "value":
        return Figure(value, code)
    if value < 0 and not below_zero:
        return _fault(f"negative Zahl ({_plain(value)})", "bitte die Anzahl berichtigen")
    return Figure(value, "value", as_text=True)


def _no_number(tidy: str) -> Figure:
    """Say what a text that is neither number nor sign may have been meant as."""
    shown = tidy if len(tidy) <= 40 else f"{tidy[:39]}…"
    tail = _WITH_TAIL.match(tidy)
    if tail and tail[2].startswith("%"):
        return _fault(f"Prozentwert ('{shown}') statt Zahl", "bitte die Zahl ohne Prozentzeichen eintragen")
    if tail and _UNCLEAR.match(tidy):
        return _fault(f"'{shown}' ist keine Zahl, wie die Mappe sie liest", "bitte die ganze Zahl nur mit Ziffern eintragen")
    if tail:
        return _fault(
            f"Zahl mit Zusatz ('{shown}')", f"bitte nur die Zahl ({tail[1]}) eintragen, den Zusatz in die Spalte Bemerkung"
        )
    if _POINT.match(tidy):
        return _fault(f"'{shown}' steht als Text mit Dezimalpunkt da", f"bitte als Zahl mit Komma eintragen ({_comma(tidy)})")
    return _fault(f"'{shown}' ist weder Zahl noch Zeichen", f"bitte {ALLOWED_DE} eintragen")


def _fault(what: str, mend: str) -> Figure:
    return Figure(math.nan, "missing", fault=(what, mend))


def _comma(text: str) -> str:
    return text.replace(".", ",")


def _plain(value: float) -> str:
    return german(value) if value == int(value) else _comma(f"{value:g}")


def _date(value: datetime.date | datetime.time | datetime.timedelta) -> str:
    if isinstance(value, datetime.date):
        return value.strftime("%d.%m.%Y")
    return str(value)
