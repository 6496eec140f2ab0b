"""What earlier years say. Nothing heavy is imported before the command needs it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from integstat.cli.app import DataPath
from integstat.errors import UsageError

if TYPE_CHECKING:
    from integstat.history import HistoryFile

Force = Annotated[bool, typer.Option("--force", help="vorhandene Dateien überschreiben")]


def history_command(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="Konfiguration der Vorgeschichte (TOML)")],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DATEI.toml", help="Vorannahmen, die ein Ring nennen kann; alle Zahlen als CSV daneben"),
    ],
    data: DataPath = None,
    force: Force = False,
) -> None:
    """Aus früheren Jahren: wie stark sich Indikatoren bewegen und wie viel davon bleibt.

    Beispiel: integstat history configs/history/employment.toml --out results/employment.toml
    """
    table, codebook = out.with_suffix(".csv"), out.with_name(f"{out.stem}_codebook.md")
    _check_out(config, (out, table, codebook), force)
    from integstat.history.build import build_history
    from integstat.history.file import write_history
    from integstat.history.settings import load_history_config
    from integstat.history.table import CODEBOOK, history_table
    from integstat.report.tables import write_codebook, write_csv

    settings, catalogue = load_history_config(config)
    content = build_history(settings, config, catalogue, data, lambda text: print(text, file=sys.stderr))
    try:
        write_history(out, content)
        write_csv(table, history_table(content))
        write_codebook(codebook, CODEBOOK)
    except OSError as error:
        what = f"diese Datei lässt sich nicht schreiben ({error.strerror})"
        raise UsageError(what, place=str(error.filename or out), mend="bitte mit --out eine andere nennen") from error
    _print(content)
    print(out)


def _check_out(config: Path, files: tuple[Path, ...], force: bool) -> None:
    """Refuse results that could not be written, or that would replace what they are made of."""
    out = files[0]
    if out.suffix != ".toml":
        raise UsageError("die Datei für das Ergebnis endet nicht auf .toml", place=str(out), mend="bitte --out NAME.toml")
    if config.exists() and out.exists() and config.samefile(out):
        raise UsageError("diese Datei wird gelesen und nicht überschrieben", place=str(out), mend="bitte eine andere nennen")
    above = next((folder for folder in out.absolute().parents if folder.exists()), None)
    if above is not None and not above.is_dir():
        raise UsageError("das ist eine Datei, kein Ordner", place=str(above), mend="bitte mit --out eine andere Datei nennen")
    for path in files:
        if path.is_dir():
            raise UsageError("das ist ein Ordner", place=str(path), mend="bitte mit --out eine Datei nennen")
        if path.exists() and not force:
            raise UsageError("diese Datei gibt es schon", place=str(path), mend="bitte eine andere nennen oder --force")


def _print(content: HistoryFile) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from integstat.history.table import READABLE, readable_rows

    console = Console(no_color="NO_COLOR" in os.environ, width=None if sys.stdout.isatty() else 200)
    shown = Table(show_lines=False, highlight=False)
    for title in READABLE:
        shown.add_column(title, overflow="fold")
    for row in readable_rows(content):
        shown.add_row(*(escape(text) for text in row))
    console.print(shown)
