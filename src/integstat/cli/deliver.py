"""Keep deliveries as they came, and list what is kept. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import datetime
import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from integstat.errors import DataError, UsageError

if TYPE_CHECKING:
    from integstat.catalogue import Catalogue
    from integstat.intake.files import FileContent
    from integstat.vintages import Vintage

_DATES = (
    re.compile(r"^(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?:[ T].*)?$", re.ASCII),
    re.compile(r"^(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})$", re.ASCII),
)
_FIRST, _LAST = datetime.date(2000, 1, 1), datetime.date(2100, 12, 31)

Stores = Annotated[Path, typer.Argument(metavar="ABLAGE", help="Ordner der Fassungen")]


def deliver_command(
    store: Annotated[Path, typer.Argument(metavar="ABLAGE", help="Ordner der Fassungen; wird angelegt, wenn es ihn nicht gibt")],
    files: Annotated[list[Path], typer.Argument(metavar="DATEI…", help="Lieferungen: Arbeitsmappen oder Dateien einer Quelle")],
    received: Annotated[
        str | None,
        typer.Option("--received", metavar="DATUM", help="Tag des Eingangs, etwa 2022-05-01; sonst der Datenstand der Mappe"),
    ] = None,
    city: Annotated[str, typer.Option("--city", metavar="AGS", help="Stadt der Datei, wo sie es nicht selbst sagt")] = "",
    source: Annotated[bool, typer.Option("--source", help="Datei einer amtlichen Quelle, keiner einzelnen Stadt")] = False,
    again: Annotated[bool, typer.Option("--again", help="eine frühere Fassung gilt wieder")] = False,
) -> None:
    """Lieferungen ablegen, wie sie kamen: jede Korrektur eine neue Fassung, nichts wird überschrieben.

    Beispiel: integstat deliver ablage/ mappen/*.xlsx --received 2022-05-01
    """
    if again and received is None:
        raise UsageError("--again braucht den Tag, seit dem die frühere Fassung wieder gilt", mend="bitte --received angeben")
    if city and source:
        raise UsageError("--city und --source schließen einander aus", mend="bitte eines von beiden streichen")
    _check_key(city)
    day = _day(received, "--received") if received is not None else None
    from integstat.intake.files import read_once
    from integstat.vintages import deliver, latest, open_store, vintages

    known = [_identify(read_once(path), city, source, day) for path in files]  # all of them, before anything is kept
    open_store(store)
    done = []
    for file, of, data_as_of, when in known:
        name = Path(file.name).name
        done.append(deliver(store, file.content, file=name, city=of, received=when, data_as_of=data_as_of, again=again))
    valid = latest(vintages(store))
    _print([one for one, _ in done], valid, ["neu" if new else "lag schon vor" for _, new in done])
    for one, _ in done:
        if one not in valid:
            newer = next(other for other in valid if other.subject == one.subject)
            holds = f"gültig ist Fassung {newer.number} vom {_shown(newer.received)}, nicht diese vom {_shown(one.received)}"
            more = "beide sind aufgehoben; soll diese gelten, bitte --again mit --received angeben."
            print(f"{one.name}: {holds}; {more}", file=sys.stderr)


def vintages_command(
    store: Stores,
    city: Annotated[str, typer.Argument(metavar="[STADT]", help="nur diese Stadt (AGS) oder Datei")] = "",
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="DATUM", help="was an diesem Tag galt")] = None,
    check: Annotated[bool, typer.Option("--check", help="jede Datei gegen ihre Prüfsumme halten")] = False,
) -> None:
    """Abgelegte Fassungen nennen, und welche gilt.

    Beispiel: integstat vintages ablage/ 03241 --as-of 2022-05-01
    """
    from integstat.vintages import damaged, is_store, latest, vintages

    if not is_store(store):
        raise UsageError("das ist keine Ablage von Fassungen", place=str(store), mend="bitte ihren Ordner nennen")
    day = _day(as_of, "--as-of") if as_of is not None else None
    found = vintages(store)
    valid = latest(found, day)
    shown = [one for one in found if not city or city in (one.city, one.file)]
    if not shown:
        what = f"von '{city}' liegt nichts vor" if city else "in dieser Ablage liegt noch nichts"
        raise UsageError(what, place=str(store), mend="bitte den Schlüssel prüfen" if city else "siehe integstat deliver --help")
    _print(shown, valid)
    wrong = damaged(store) if check else []
    if wrong:
        what = f"{len(wrong)} von {len(found)} Dateien sind nicht mehr die, die geliefert wurden"
        raise DataError(what, place=str(wrong[0].path), mend="bitte die Ablage aus der Sicherung wiederherstellen")


def _identify(
    file: FileContent, city: str, source: bool, received: datetime.date | None
) -> tuple[FileContent, str, str, datetime.date]:
    """Find out whose delivery a file is, how old its data are and when it came."""
    own, data_as_of = ("", "") if source else _of_workbook(file)
    if city and own and city != own:
        what = f"die Mappe nennt die Stadt {own}, --city aber {city}"
        raise DataError(what, place=file.name, mend="bitte klären, von wem sie ist")
    of = own or city
    if not of and not source and _is_workbook(file):
        what = "in dieser Mappe ist die Stadt nicht zu erkennen"
        raise DataError(what, place=file.name, mend="bitte --city AGS angeben, oder --source für die Datei einer Quelle")
    when = received or _date(data_as_of)
    if when is None:
        what = "es ist nicht zu erkennen, wann diese Datei eingegangen ist"
        raise UsageError(what, place=file.name, mend="bitte mit --received den Tag angeben, etwa 2022-05-01")
    if when > datetime.date.today():
        what = f"der Tag des Eingangs ({_shown(when)}) liegt in der Zukunft"
        raise UsageError(what, place=file.name, mend="bitte mit --received den Tag angeben, an dem die Datei kam")
    return file, of, data_as_of, when


def _is_workbook(file: FileContent) -> bool:
    return file.name.lower().endswith((".xlsx", ".xlsm", ".ods"))


def _of_workbook(file: FileContent) -> tuple[str, str]:
    """Return AGS and Datenstand as a ring's workbook tells them; empty for any other file."""
    if not _is_workbook(file):
        return "", ""
    from integstat.intake.workbook import read_workbook

    book = read_workbook(file.path, file.content, _catalogue(), name=file.name)
    return book.city, book.vintage


@cache
def _catalogue() -> Catalogue:
    from integstat.catalogue import load_catalogue

    return load_catalogue()


def _check_key(city: str) -> None:
    from integstat.intake.regions import key_fault

    fault = key_fault(city) if city else None
    if fault is not None:
        raise UsageError(fault[0], place="--city", mend=fault[1])


def _day(text: str, place: str) -> datetime.date:
    day = _date(text)
    if day is None:
        what = f"'{text}' ist kein Tag zwischen {_FIRST.year} und {_LAST.year}"
        raise UsageError(what, place=place, mend="bitte etwa 2022-05-01 angeben")
    return day


def _date(text: str) -> datetime.date | None:
    """Read a day; None where the text is none, or none at which figures of a ring could come."""
    for pattern in _DATES:
        found = pattern.match(text.strip())
        if found:
            try:
                day = datetime.date(int(found["year"]), int(found["month"]), int(found["day"]))
            except ValueError:
                return None
            return day if _FIRST <= day <= _LAST else None
    return None


def _shown(day: datetime.date) -> str:
    return f"{day:%d.%m.%Y}"


def _print(shown: list[Vintage], valid: list[Vintage], news: list[str] | None = None) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(no_color="NO_COLOR" in os.environ, width=None if sys.stdout.isatty() else 160, highlight=False)
    table = Table(show_lines=False)
    headings = ["Stadt", "Datei", "Fassung", "eingegangen", "Datenstand", "gilt", "Prüfsumme", *([""] if news else [])]
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for place, one in enumerate(shown):
        row = [one.city, one.file, str(one.number), _shown(one.received), one.data_as_of]
        row += ["ja" if one in valid else "", one.sha256[:12], *([news[place]] if news else [])]
        table.add_row(*(escape(text) for text in row))
    console.print(table)
