"""The application, its general options, and the options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="integstat",
    help="Vergleicht, wie Integration in Städten vorankommt: Städtegruppen, Veränderung, Befunde mit ihrer Unsicherheit.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
state = {"debug": False}

ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG", help="Konfiguration des Rings (TOML)")]
OutPath = Annotated[
    Path | None, typer.Option("--out", metavar="ORDNER", help="Ordner des Laufs; sonst results/<Name der Konfiguration>")
]
DataPath = Annotated[
    Path | None, typer.Option("--data", metavar="ORDNER", help="Datenordner statt des in der Konfiguration genannten")
]
Force = Annotated[bool, typer.Option("--force", help="einen anderen Lauf im Ordner überschreiben")]
Dask = Annotated[
    str | None, typer.Option("--dask", metavar="ADRESSE", help="ein Dask-Cluster rechnet die Modelle, etwa tcp://127.0.0.1:8786")
]
Multiverse = Annotated[
    Path | None, typer.Option("--multiverse", metavar="DATEI", help="andere Rechenwege statt der in der Konfiguration genannten")
]
Language = Annotated[str, typer.Option("--lang", metavar="de|en", help="Sprache des Berichts")]
Interactive = Annotated[bool, typer.Option("--interactive", help="der Bericht bekommt ein Auswahlfeld (ein Skript, kein Netz)")]
Cards = Annotated[bool, typer.Option("--cards", help="auch die Steuerungskarten schreiben (PDF)")]
Jobs = Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="Zahl der Prozessorkerne")]


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("integstat"))
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="bei Fehlern den ganzen Aufrufweg zeigen")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="die Version nennen")] = False,
) -> None:
    state["debug"] = debug
