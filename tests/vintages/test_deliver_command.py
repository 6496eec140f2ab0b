"""`integstat deliver` and `integstat vintages` as they are called."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.intake.workbook_samples import CITY, GOOD, damaged

from integstat.cli.deliver import deliver_command, vintages_command
from integstat.errors import DataError, IntegstatError, UsageError
from integstat.vintages import vintages

DAY = ("--received", "2022-05-01")
VINTAGE = "C8"  # cell of the Datenstand in the guide


def put(cell: str, value: object, sheet: str = "Arbeit") -> Callable[[Any], None]:
    """Write a value into a cell."""

    def change(workbook: Any) -> None:
        workbook[sheet][cell] = value

    return change


def call(command: Callable[..., None], *arguments: object) -> None:
    """Call a command as the command line does."""
    app = typer.Typer()
    app.command()(command)
    app(args=[str(argument) for argument in arguments], standalone_mode=False)


def deliver(*arguments: object) -> None:
    call(deliver_command, *arguments)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def book(tmp_path: Path, name: str = "mappe.xlsx", content: bytes = GOOD) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_the_workbook_says_whose_it_is(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deliver(store, book(tmp_path), *DAY)
    (one,) = vintages(store)
    assert (one.city, one.file, one.received) == (CITY, "mappe.xlsx", datetime.date(2022, 5, 1))
    assert one.path.read_bytes() == GOOD
    out = capsys.readouterr().out
    assert CITY in out
    assert "neu" in out
    deliver(store, tmp_path / "mappe.xlsx", "--received", "03.05.2022")
    assert "lag schon vor" in capsys.readouterr().out
    assert vintages(store) == [one]


def test_a_correction_and_its_withdrawal(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = book(tmp_path), book(tmp_path, "korrektur.xlsx", damaged(put("I5", 5000)))
    deliver(store, old, *DAY)
    deliver(store, new, "--received", "2022-06-01")
    capsys.readouterr()
    deliver(store, old, "--received", "2022-07-01")
    told = capsys.readouterr().err
    assert "gültig ist Fassung 2 vom 01.06.2022, nicht diese vom 01.05.2022" in told
    assert "--again" in told
    with pytest.raises(UsageError, match="--again braucht den Tag"):
        deliver(store, old, "--again")
    deliver(store, old, "--again", "--received", "2022-07-01")
    assert capsys.readouterr().err == ""
    assert [one.number for one in vintages(store)] == [1, 2, 3]
    call(vintages_command, store, CITY, "--as-of", "2022-06-15")
    rows = [line for line in capsys.readouterr().out.splitlines() if CITY in line]
    assert ["ja" in row for row in rows] == [False, True, False]


def test_damaged_figures_are_kept_too(store: Path, tmp_path: Path) -> None:
    deliver(store, book(tmp_path, content=damaged(put("I5", -1))), *DAY)
    assert len(vintages(store)) == 1


def test_files_of_a_source_and_workbooks_that_name_no_city(store: Path, tmp_path: Path) -> None:
    table, nameless = (
        book(tmp_path, "zahlen.csv", b"a,b\n1,2\n"),
        book(tmp_path, "leer.xlsx", damaged(put("C5", None, sheet="Anleitung"))),
    )
    deliver(store, table, *DAY)
    with pytest.raises(DataError, match=r"leer\.xlsx: in dieser Mappe ist die Stadt nicht zu erkennen"):
        deliver(store, nameless, *DAY)
    deliver(store, nameless, *DAY, "--city", CITY)
    other = book(tmp_path, "amt.xlsx", nameless.read_bytes() + b"\x00")
    deliver(store, other, *DAY, "--source")
    assert [(one.city, one.subject) for one in vintages(store)] == [(CITY, CITY), ("", "amt.xlsx"), ("", "zahlen.csv")]


def test_one_bad_file_and_nothing_is_kept(store: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="diese Datei gibt es nicht"):
        deliver(store, book(tmp_path), tmp_path / "none.xlsx", *DAY)
    assert not store.exists()


@pytest.mark.parametrize(
    ("text", "day"),
    [("2022-05-01", (2022, 5, 1)), ("1.5.2022", (2022, 5, 1)), ("Mai 2022", None), ("31.02.2022", None), ("2202-05-01", None)],
)
def test_the_day_may_come_from_the_datenstand(store: Path, tmp_path: Path, text: str, day: tuple[int, int, int] | None) -> None:
    path = book(tmp_path, content=damaged(put(VINTAGE, text, sheet="Anleitung")))
    if day is None:
        with pytest.raises(UsageError, match="nicht zu erkennen, wann diese Datei eingegangen ist"):
            deliver(store, path)
        return
    deliver(store, path)
    (one,) = vintages(store)
    assert (one.received, one.data_as_of) == (datetime.date(*day), text)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--received", "gestern"], "--received: 'gestern' ist kein Tag zwischen 2000 und 2100"),
        ([*DAY, "--city", "12"], "--city: "),
        ([*DAY, "--city", "03241", "--source"], "schließen einander aus"),
        ([*DAY, "--city", "02000"], f"die Mappe nennt die Stadt {CITY}, --city aber 02000"),
    ],
)
def test_calls_that_cannot_be(store: Path, tmp_path: Path, arguments: list[str], what: str) -> None:
    with pytest.raises(IntegstatError, match=what):
        deliver(store, book(tmp_path), *arguments)
    assert not store.exists()


def test_listing_what_is_no_store_or_not_there(store: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="das ist keine Ablage"):
        call(vintages_command, tmp_path)
    deliver(store, book(tmp_path), *DAY)
    with pytest.raises(UsageError, match="von '01002' liegt nichts vor"):
        call(vintages_command, store, "01002")


def test_checking_finds_a_file_that_was_changed(store: Path, tmp_path: Path) -> None:
    deliver(store, book(tmp_path), *DAY)
    call(vintages_command, store, "--check")
    (one,) = vintages(store)
    one.path.chmod(0o644)
    one.path.write_bytes(b"x" * one.size)
    with pytest.raises(DataError, match="1 von 1 Dateien sind nicht mehr die"):
        call(vintages_command, store, "--check")
