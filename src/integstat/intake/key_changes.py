"""Keys that were renamed or dissolved: a table a ring names, old key → new key, with the date.

All figures are brought to the borders of the ring's last year. Several old keys under one new key are added; a key that was split
cannot be followed and is an error.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from integstat.intake.files import FileContent, decode
from integstat.intake.problems import Problem, UnreadableFile, enumerate_some
from integstat.intake.regions import NO_NEED, key_fault
from integstat.intake.settings import RegionSettings
from integstat.intake.tables import Table, need_columns, plain_table, rows_of

PART = "__part"  # column with the key that the file has, where the city's key is another one since
DISSOLVED = "__dissolved"  # column with the year in which that key ended, 0 where it did not
_COLUMNS = ("old", "new", "date")


@dataclass(frozen=True)
class KeyChange:
    """One key that ended, and the key that holds its area since.

    Attributes
    ----------
    old, new : str
        AGS, both of 5 or both of 8 digits.
    date : datetime.date
        First day on which the new key holds.
    place : str
        Where it stands in the table of changes.
    """

    old: str
    new: str
    date: datetime.date
    place: str


@dataclass(frozen=True)
class KeyChanges:
    """Changes of keys, at most one for each old key.

    Attributes
    ----------
    file : str
    changes : dict of str to KeyChange
        By old key.
    """

    file: str
    changes: dict[str, KeyChange]

    def until(self, year: int) -> KeyChanges:
        """Those that hold by the end of a year."""
        return KeyChanges(self.file, {old: one for old, one in self.changes.items() if one.date.year <= year})

    def followed(self, key: str) -> tuple[str, int]:
        """Today's key, and the year in which `key` itself ended (0 where it did not)."""
        year = self.changes[key].date.year if key in self.changes else 0
        while key in self.changes:
            key = self.changes[key].new
        return key, year


def read_key_changes(file: FileContent) -> KeyChanges:
    """Read a table of changes: CSV with the columns `old`, `new`, `date`, or TOML with `[[change]]` of the same keys.

    Raises
    ------
    UnreadableFile
        For an unsound key or date, a key that is split into several, changed twice, or changed in a circle.
    """
    rows = _from_toml(file) if file.name.lower().endswith(".toml") else _from_csv(file)
    changes: dict[str, KeyChange] = {}
    for row in rows:
        _check(row, file.name)
        other = changes.get(row.old)
        if other is not None and other.new != row.new:
            what = f"{row.old} geht in {other.new} und in {row.new} auf; eine Teilung lässt sich nicht nachrechnen"
            mend = "bitte das Gebiet aus dem Ring nehmen oder umgerechnete Zahlen liefern und die Zeilen streichen"
            raise UnreadableFile(file.name, row.place, what, mend)
        if other is not None:
            raise UnreadableFile(file.name, row.place, f"{row.old} steht doppelt", "bitte eine der Zeilen streichen")
        changes[row.old] = row
    for one in changes.values():
        after = changes.get(one.new)
        if after is not None and after.date < one.date:
            what = f"{one.new} endet am {_said(after.date)} und soll am {_said(one.date)} noch {one.old} aufnehmen"
            raise UnreadableFile(file.name, one.place, what, "bitte die Schlüssel und Tage prüfen")
    _refuse_circle(changes, file.name)
    return KeyChanges(file.name, changes)


def follow(table: Table, keys: pd.Series, rule: RegionSettings, changes: KeyChanges) -> tuple[pd.Series, list[Problem]]:
    """Bring the keys of a table's rows to the ring's borders.

    Parameters
    ----------
    table : Table
        Gets the columns `PART` and `DISSOLVED` where a key changed, and there the name of the new key, if the table has one.
    keys : pandas.Series of str
        As `classify` found them.
    rule : RegionSettings
        For the column with the names.
    changes : KeyChanges
        Those that hold: see `KeyChanges.until`.

    Returns
    -------
    keys : pandas.Series of str
    problems : list of Problem
        A hint that names the changes, and says where figures are added.
    """
    moved = {key: changes.followed(key) for key in keys.unique() if key in changes.changes}
    if not moved:
        return keys, []
    today = keys.map(lambda key: moved[key][0] if key in moved else key)
    table.frame[PART] = keys
    table.frame[DISSOLVED] = keys.map(lambda key: moved[key][1] if key in moved else 0)
    if rule.name:
        names = dict(zip(keys, table.frame[rule.name], strict=True))
        old = keys.isin(list(moved))
        table.frame.loc[old, rule.name] = [
            names.get(new, name) for new, name in zip(today[old], table.frame.loc[old, rule.name], strict=True)
        ]
    present = set(keys.unique())
    listed = enumerate_some(sorted(f"{old} → {new} (seit {year})" for old, (new, year) in moved.items()))
    merged = {new for new, _ in moved.values() if new in present or sum(new == other for other, _ in moved.values()) > 1}
    tail = f"; Anzahlen unter {enumerate_some(sorted(merged))} sind Summen" if merged else ""
    what = f"geänderte Gebietsschlüssel nach {changes.file}: {listed}{tail}"
    return today, [Problem("hint", table.file, f"Spalte {rule.column}", what, NO_NEED, check="key_change")]


def parts_of(frame: pd.DataFrame, keys: Iterable[str], years: Iterable[int | None]) -> dict[tuple[str, int], frozenset[str]]:
    """Keys of the file that make up a city in a year.

    Parameters
    ----------
    frame : pandas.DataFrame
        With `PART` and `DISSOLVED`, or without, where no key changed.
    keys, years : iterable
        Today's key and the year of every row; '' and None where it has none.

    Returns
    -------
    dict of (city, year) to frozenset of str
        For every city with a changed key. A key that ended counts in every year before its end if the file has it at all, one
        that remained from its first year on: so a row that is not there shows. Where the file never has an old key, its
        figures are taken to be of the new borders.
    """
    if PART not in frame.columns:
        return {}
    rows = set(zip(keys, frame[PART], frame[DISSOLVED], years, strict=True))
    changed = {city for city, _, end, year in rows if city and end and year is not None}
    spans: dict[tuple[str, str], list[int]] = {}
    ends: dict[tuple[str, str], int] = {}
    for city, part, end, year in rows:
        if city in changed and year is not None:
            spans.setdefault((city, part), []).append(year)
            ends[city, part] = int(end)
    found: dict[tuple[str, int], frozenset[str]] = {}
    for city in changed:
        parts = [(part, there, ends[city, part]) for (of, part), there in spans.items() if of == city]
        for year in {year for _, there, _ in parts for year in there}:
            found[city, year] = frozenset(
                part
                for part, there, end in parts
                if (year < end) or (year == end and year in there) or (not end and year >= min(there))
            )
    return found


def _from_csv(file: FileContent) -> list[KeyChange]:
    text = decode(file, "utf-8")
    separator = ";" if text.split("\n", 1)[0].count(";") else ","
    table = plain_table(text, file.name, separator, ",")
    need_columns(table, list(_COLUMNS))
    return [
        KeyChange(row.old.strip(), row.new.strip(), _date(row.date.strip(), file.name, f"Zeile {row[-1]}"), f"Zeile {row[-1]}")
        for row in rows_of(table.frame)
    ]


def _from_toml(file: FileContent) -> list[KeyChange]:
    try:
        content = tomllib.loads(decode(file, "utf-8"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UnreadableFile(file.name, "", "das ist kein gültiges TOML", "bitte die Schreibweise prüfen") from error
    entries = content.get("change")
    if set(content) != {"change"} or not isinstance(entries, list):
        what = "erwartet werden nur Abschnitte [[change]]"
        raise UnreadableFile(file.name, "", what, "bitte je Änderung einen Abschnitt [[change]] mit old, new, date schreiben")
    changes = []
    for number, entry in enumerate(entries, start=1):
        place = f"{number}. [[change]]"
        if not isinstance(entry, dict) or set(entry) != set(_COLUMNS):
            raise UnreadableFile(file.name, place, "der Abschnitt hat nicht genau old, new und date", "bitte berichtigen")
        date = entry["date"]
        day = date if type(date) is datetime.date else _date(str(date), file.name, place)
        changes.append(KeyChange(str(entry["old"]).strip(), str(entry["new"]).strip(), day, place))
    return changes


def _date(text: str, file: str, place: str) -> datetime.date:
    german = re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})", text)
    try:
        if german:
            return datetime.date(int(german[3]), int(german[2]), int(german[1]))
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return datetime.date.fromisoformat(text)
    except ValueError:
        pass
    raise UnreadableFile(file, place, f"'{text}' ist kein Tag", "bitte als 2021-07-01 oder 01.07.2021 eintragen")


def _check(row: KeyChange, file: str) -> None:
    for key in (row.old, row.new):
        fault = key_fault(key)
        if fault:
            raise UnreadableFile(file, row.place, *fault)
    if len(row.old) != len(row.new):
        what = f"{row.old} und {row.new} haben nicht gleich viele Stellen"
        raise UnreadableFile(file, row.place, what, "bitte Kreise auf Kreise und Gemeinden auf Gemeinden abbilden")
    if row.old == row.new:
        raise UnreadableFile(file, row.place, f"{row.old} bleibt {row.new}", "bitte diese Zeile streichen")


def _refuse_circle(changes: dict[str, KeyChange], file: str) -> None:
    for start in changes.values():
        key, steps = start.new, 0
        while key in changes and steps <= len(changes):
            key, steps = changes[key].new, steps + 1
        if key in changes:
            what = f"von {start.old} führen die Änderungen im Kreis"
            raise UnreadableFile(file, start.place, what, "bitte die Schlüssel prüfen")


def _said(date: datetime.date) -> str:
    return f"{date.day:02d}.{date.month:02d}.{date.year}"
