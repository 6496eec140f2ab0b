"""Region keys: which rows of a file belong to a city, and which do not and why."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from integstat.intake.problems import Problem, enumerate_some
from integstat.intake.settings import RegionSettings
from integstat.intake.tables import LINE, Table, first_line

LAENDER = {
    "01": "Schleswig-Holstein",
    "02": "Hamburg",
    "03": "Niedersachsen",
    "04": "Bremen",
    "05": "Nordrhein-Westfalen",
    "06": "Hessen",
    "07": "Rheinland-Pfalz",
    "08": "Baden-Württemberg",
    "09": "Bayern",
    "10": "Saarland",
    "11": "Berlin",
    "12": "Brandenburg",
    "13": "Mecklenburg-Vorpommern",
    "14": "Sachsen",
    "15": "Sachsen-Anhalt",
    "16": "Thüringen",
}
_FORMULA_ERRORS = re.compile(r"^#(NV|BEZUG!|N/A|REF!|WERT!|VALUE!|NAME\?|DIV/0!|NULL!|ZAHL!|NUM!)$")
_MOST = 5  # unreadable keys that are told singly
NO_NEED = "nichts zu tun, wenn das so gemeint ist"


def land_name(land: str) -> str | None:
    """Name of a Land by its two digits; 91 to 99 are fictional Länder of simulated rings; None where there is no such Land."""
    if land in LAENDER:
        return LAENDER[land]
    return f"Land {land} (fiktiv)" if re.fullmatch(r"9[1-9]", land) else None


def key_fault(key: str) -> tuple[str, str] | None:
    """What is wrong with a city's key, and the mend; None for a sound 5- or 8-digit key.

    A key of 4 or 7 digits has most likely lost its leading zero in a spreadsheet.
    """
    if not re.fullmatch(r"[0-9]+", key):
        return (f"'{key}' ist kein Gebietsschlüssel (AGS)", "bitte den fünf- oder achtstelligen AGS als Text eintragen")
    if len(key) in (4, 7) and land_name("0" + key[0]):
        return (
            f"der Gebietsschlüssel '{key}' hat die führende Null verloren",
            f"bitte '0{key}' eintragen und die Spalte als Text speichern",
        )
    if len(key) not in (5, 8):
        return (
            f"der Gebietsschlüssel '{key}' hat {len(key)} Stellen",
            "bitte den fünf- oder achtstelligen AGS als Text eintragen",
        )
    if land_name(key[:2]) is None:
        return (f"der Gebietsschlüssel '{key}' gehört zu keinem Land", "bitte die ersten beiden Stellen prüfen")
    return None


def parent(key: str, others: Iterable[str]) -> str | None:
    """The region among `others` that holds this one: 03241 for its part 03241999."""
    return key[:5] if len(key) == 8 and key[:5] in others else None


def classify(table: Table, rule: RegionSettings) -> tuple[pd.Series, list[Problem]]:
    """Tell for every row of a table which city it belongs to.

    Returns
    -------
    keys : pandas.Series of str
        AGS, or '' where the row belongs to no city; index of `table.frame`.
    problems : list of Problem
        An error per unreadable key; a hint per reason for passing rows over, with their number and names.
    """
    frame = table.frame
    raw = frame[rule.column].map({text: text.strip() for text in frame[rule.column].unique()})
    names = frame[rule.name] if rule.name else raw
    keys: dict[str, str] = {}
    passed: dict[str, list[str]] = {}
    faults: list[tuple[str, str, str]] = []
    for code in raw.unique():
        key, reason, fault = _one(code, rule)
        keys[code] = key
        if reason:
            passed.setdefault(reason, []).append(code)
        if fault:
            faults.append((code, *fault))
    problems = [_passed_over(table, raw, names, reason, codes) for reason, codes in passed.items()]
    if len(faults) > _MOST:
        what = f"{len(faults) - _MOST} weitere Gebietsschlüssel sind unlesbar"
        problems.append(
            Problem("error", table.file, f"Spalte {rule.column}", what, "bitte die ganze Spalte prüfen", check="region_key")
        )
    for code, what, mend in faults[:_MOST]:
        line = first_line(frame, raw == code)
        problems.append(Problem("error", table.file, f"Zeile {line}, Spalte {rule.column}", what, mend, check="region_key"))
    series = raw.map(keys)
    if rule.name:
        problems += _two_names(table, series, names, rule)
    known = set(series.unique())
    parts = sorted(key for key in known if parent(key, known))
    if parts:
        whole = sorted({key[:5] for key in parts})
        problems.append(
            Problem(
                "hint",
                table.file,
                f"Spalte {rule.column}",
                f"{enumerate_some(parts)} {'ist ein Teil' if len(parts) == 1 else 'sind Teile'} von {enumerate_some(whole)}, "
                "auch das steht in der Datei; gezählt wird nur, was in der Städteliste steht",
                NO_NEED,
                check="region_part",
            )
        )
    return series, problems


def _two_names(table: Table, keys: pd.Series, names: pd.Series, rule: RegionSettings) -> list[Problem]:
    """Tell keys under which several names stand.

    Where such a name stands under another key too, the column has slipped and figures belong to the wrong region: an error.
    Else it may be a new name: a doubt.
    """
    pairs = pd.DataFrame({"key": keys, "name": names.map({name: name.strip() for name in names.unique()})})
    pairs = pairs[pairs["key"] != ""].drop_duplicates()
    several = pairs[pairs.duplicated("key", keep=False)]
    if several.empty:
        return []
    slipped = pairs[pairs.duplicated("key", keep=False) & pairs.duplicated("name", keep=False)]
    examples = several if slipped.empty else several[several["key"].isin(slipped["key"])]
    groups = [(str(key), group) for key, group in examples.groupby("key", sort=True)]
    listed = enumerate_some([f"{key} ({' / '.join(group['name'])})" for key, group in groups], 3)
    place = f"Zeile {int(table.frame.loc[groups[0][1].index[1], LINE])}, Spalte {rule.column}"
    what = f"unter demselben Schlüssel stehen mehrere Namen: {listed}"
    if slipped.empty:
        return [Problem("doubt", table.file, place, what, "bitte prüfen, ob einer davon falsch ist", check="region_names")]
    mend = "die Schlüsselspalte ist verrutscht; bitte die Datei neu beschaffen"
    return [Problem("error", table.file, place, what, mend, check="region_names")]


def _one(code: str, rule: RegionSettings) -> tuple[str, str, tuple[str, str] | None]:
    """Key, reason for passing over, fault: exactly one of the three is set."""
    if _FORMULA_ERRORS.match(code):
        return "", f"der Schlüssel '{code}' ist eine zerbrochene Formel", None
    if not code:
        return "", "der Gebietsschlüssel ist leer", None
    for ignore in rule.ignore:
        if re.fullmatch(ignore.pattern, code):
            return "", ignore.reason, None
    if rule.strip_prefix and not code.startswith(rule.strip_prefix):
        letters = re.match(r"^[^0-9]*", code)
        return ("", f"der Schlüssel beginnt mit '{letters[0] if letters else ''}' statt mit '{rule.strip_prefix}'", None)
    key = code.removeprefix(rule.strip_prefix)
    if rule.whole_kreis and re.fullmatch(r"[0-9]{5}000", key):
        key = key[:5]
    if key == "DG" or re.fullmatch(r"[0-9]{1,3}", key):
        return ("", "der Schlüssel steht für Bund, Land oder Region, nicht für einen Kreis", None)
    fault = key_fault(key)
    return ("", "", fault) if fault else (key, "", None)


def _passed_over(table: Table, raw: pd.Series, names: pd.Series, reason: str, codes: list[str]) -> Problem:
    rows = raw.isin(codes)
    pairs = pd.DataFrame({"code": raw[rows], "name": names[rows]}).drop_duplicates()
    labels = sorted(
        {name.strip() if name == code or not code else f"{code} {name.strip()}" for code, name in pairs.itertuples(index=False)}
    )
    lines = table.frame.loc[rows, LINE]
    number = int(lines.nunique())
    verb = "1 Zeile übergangen" if number == 1 else f"{number} Zeilen übergangen"
    listed = [label for label in labels if label]
    who = f" ({enumerate_some(listed)})" if listed else ""
    return Problem("hint", table.file, f"ab Zeile {int(lines.min())}", f"{reason}: {verb}{who}", NO_NEED, check="region_passed")
