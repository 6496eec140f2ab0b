"""Commands on the peer groups of a finished run. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from integstat.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from integstat.peers.bundle import Bundle

Force = Annotated[bool, typer.Option("--force", help="vorhandene Dateien überschreiben")]


def assign_command(
    run: Annotated[Path, typer.Argument(metavar="LAUF", help="Ordner eines Laufs oder seine peers_bundle.json")],
    city: Annotated[Path, typer.Argument(metavar="STADT.CSV", help="Tabelle mit city, name und den Merkmalen des Rings")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="CSV", help="Tabelle zusätzlich in diese Datei, die Nachbarn in …_neighbours.csv daneben"),
    ] = None,
    force: Force = False,
) -> None:
    """Eine weitere Stadt den Vergleichsgruppen eines Laufs zuordnen, ohne neu zu rechnen.

    Beispiel: integstat assign results/ring stadt.csv
    """
    from integstat.intake.other_cities import read_city
    from integstat.peers.assign import assign, assign_neighbours, assign_table

    if out is not None:
        _check_out(out, [_file(run), city], force)
        _check_out(_beside(out), [_file(run), city], force)
    bundle = _bundle(run)
    placed = assign(bundle, read_city(city, bundle))
    _say([*placed.sentences(), f"Prüfsumme der Einteilung, nach der zugeordnet wurde: {bundle.hash}"])
    if out is not None:
        _write(out, assign_table(placed))
        _write(_beside(out), assign_neighbours(placed))


def follow_command(
    before: Annotated[Path, typer.Argument(metavar="LAUF_VORHER", help="Ordner des früheren Laufs")],
    now: Annotated[Path, typer.Argument(metavar="LAUF_JETZT", help="Ordner des späteren Laufs")],
    out: Annotated[Path | None, typer.Option("--out", metavar="CSV", help="alle Städte zusätzlich in diese Datei")] = None,
    force: Force = False,
) -> None:
    """Dieselben Vergleichsgruppen in einem anderen Jahr: was aus ihnen wurde und wer wechselt.

    Beispiel: integstat follow results/ring2021 results/ring2022
    """
    from integstat.peers.follow import follow

    if out is not None:
        _check_out(out, [_file(before), _file(now)], force)
    followed = follow(_bundle(before), _bundle(now))
    _say(followed.sentences())
    if out is not None:
        _write(out, followed.moves)


def _beside(out: Path) -> Path:
    """File of the neighbours beside that of the places."""
    return out.with_name(f"{out.stem}_neighbours{out.suffix}")


def _file(run: Path) -> Path:
    """File of a run's bundle, from its folder or from itself."""
    from integstat.peers.bundle import FILE_NAME

    return run / FILE_NAME if run.is_dir() else run


def _bundle(run: Path) -> Bundle:
    from integstat.peers.bundle import read_bundle

    return read_bundle(_file(run))


def _check_out(out: Path, inputs: Iterable[Path], force: bool) -> None:
    """Refuse a result that could not be written, or that would replace what it is made of."""
    mend = "bitte mit --out eine andere Datei nennen"
    if out.is_dir():
        raise UsageError("das ist ein Ordner", place=str(out), mend="bitte mit --out eine Datei nennen")
    for folder in out.parents:
        if folder.exists() and not folder.is_dir():
            raise UsageError("das ist eine Datei, darunter passt keine weitere", place=str(folder), mend=mend)
    if any(one.exists() and out.exists() and one.samefile(out) for one in inputs):
        raise UsageError("diese Datei wird gelesen und nicht überschrieben", place=str(out), mend=mend)
    if out.exists() and not force:
        raise UsageError("diese Datei gibt es schon", place=str(out), mend="bitte eine andere nennen oder --force")


def _say(sentences: Iterable[str]) -> None:
    """Print sentences with plain blanks: not every terminal knows the narrow one before a per cent sign."""
    for sentence in sentences:
        print(sentence.replace("\u202f", " "))


def _write(out: Path, table: pd.DataFrame) -> None:
    from integstat.report.tables import write_csv

    try:
        write_csv(out, table)
    except OSError as error:
        what = f"diese Datei lässt sich nicht schreiben ({error.strerror})"
        raise UsageError(what, place=str(out), mend="bitte mit --out eine andere nennen") from error
