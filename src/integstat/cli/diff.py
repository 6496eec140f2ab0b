"""What changed between two runs. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from integstat.cli.peers import Force
from integstat.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from integstat.texts import Texts

_MOST = 40  # rows of a table; all of them are in the CSV
_SIGNS = {"nothing": "-", "secret": ".", "below_3": "<3", "unreliable": "/", "senseless": "x", "missing": "…", "": "keine Zeile"}
_GROUPS = {"target": "Zielgruppe", "reference": "Vergleichsgruppe"}
_PARTS = {"y": "Zähler", "n": "Nenner"}


def diff_command(
    before: Annotated[Path, typer.Argument(metavar="LAUF_A", help="Ordner des früheren Laufs")],
    after: Annotated[Path, typer.Argument(metavar="LAUF_B", help="Ordner des späteren Laufs")],
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="CSV", help="Befunde in diese Datei, die Zahlen in …_counts.csv daneben")
    ] = None,
    force: Force = False,
) -> None:
    """Zwei Läufe desselben Rings: welche Zahlen und Befunde anders sind, und was mit ihnen anders wurde.

    Beispiel: integstat diff results/ring-mai results/ring-juni --csv unterschiede.csv
    """
    if csv is not None:
        for path in (csv, _counts_beside(csv)):
            _check_out(path, force)
    from integstat.diff import difference, read_run
    from integstat.diff.tell import sentences
    from integstat.texts import Texts

    found = difference(read_run(before), read_run(after))
    texts, console = Texts(), _console()
    for sentence in sentences(found, texts):
        console.print(sentence, markup=False)
    _print_counts(console, texts, found.counts)
    _print_findings(console, texts, found.findings)
    if csv is not None:
        _write(csv, found.findings)
        _write(_counts_beside(csv), found.counts)


def _counts_beside(csv: Path) -> Path:
    return csv.with_name(f"{csv.stem}_counts{csv.suffix}")


def _check_out(path: Path, force: bool) -> None:
    if path.is_dir():
        raise UsageError("das ist ein Ordner", place=str(path), mend="bitte mit --csv eine Datei nennen")
    if path.exists() and not force:
        raise UsageError("diese Datei gibt es schon", place=str(path), mend="bitte eine andere nennen oder --force")


def _console() -> Console:
    from rich.console import Console

    return Console(no_color="NO_COLOR" in os.environ, width=None if sys.stdout.isatty() else 160, highlight=False)


def _print_table(console: Console, title: str, headings: list[str], rows: list[list[str]], whole: int) -> None:
    from rich.markup import escape
    from rich.table import Table

    shown = Table(show_lines=False)
    for heading in headings:
        shown.add_column(heading, overflow="fold")
    for row in rows:
        shown.add_row(*(escape(text) for text in row))
    console.print(f"\n{title}", style="bold", markup=False)
    console.print(shown)
    if whole > len(rows):
        console.print(f"… und {whole - len(rows)} weitere; alle mit --csv.", markup=False)


def _print_counts(console: Console, texts: Texts, counts: pd.DataFrame) -> None:
    from integstat.diff.findings import records

    if not len(counts):
        return
    rows = [
        [
            f"{row['city_name']} ({row['city']})",
            row["definition"],
            f"{_GROUPS[row['group']]}, {_PARTS[row['part']]} {row['year']}",
            _figure(texts, row["before"], row["code_before"]),
            _figure(texts, row["after"], row["code_after"]),
        ]
        for row in records(counts.head(_MOST))
    ]
    _print_table(console, "Geänderte Zahlen", ["Stadt", "Definition", "Zahl", "vorher", "jetzt"], rows, len(counts))


def _print_findings(console: Console, texts: Texts, findings: pd.DataFrame) -> None:
    from integstat.diff.findings import records
    from integstat.diff.tell import KIND_WORDS, reasons_text

    shown = findings[findings["kind"].isin(list(KIND_WORDS))]
    rows = [
        [
            f"{row['city_name']} ({row['city']})",
            row["indicator"],
            KIND_WORDS[row["kind"]],
            _word(texts, row, "before"),
            _word(texts, row, "after"),
            reasons_text(row),
        ]
        for row in records(shown.head(_MOST))
    ]
    if rows:
        headings = ["Stadt", "Indikator", "", "vorher", "jetzt", "mit ihm geändert"]
        _print_table(console, "Geänderte Befunde", headings, rows, len(shown))


def _figure(texts: Texts, value: float, code: str) -> str:
    if value != value:
        return _SIGNS.get(code, code)
    return texts.number(value, 0 if float(value).is_integer() else 2)


def _word(texts: Texts, row: dict[str, Any], when: str) -> str:
    """Return a finding with the probability of the event that the row is about."""
    word = row[f"finding_{when}"]
    if not word:
        return ""
    event, p = row["event"], row[f"p_{when}"]
    if p != p:
        return texts.t(f"word.{word}")
    of = "" if word == event else f"{texts.t(f'word.{event}')} "
    return f"{texts.t(f'word.{word}')} ({of}{texts.percent(p)})".replace("\u202f", " ")


def _write(path: Path, table: pd.DataFrame) -> None:
    from integstat.steps.tablefile import write_table

    try:
        write_table(path, table)
    except OSError as error:
        what = f"diese Datei lässt sich nicht schreiben ({error.strerror})"
        raise UsageError(what, place=str(path), mend="bitte mit --csv eine andere nennen") from error
