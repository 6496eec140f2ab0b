"""Commands on the peer groups of a finished run. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from integstat.cli.app import Force
from integstat.errors import UsageError


def assign_command(
    run: Annotated[Path, typer.Argument(metavar="LAUF", help="Ordner eines Laufs oder seine peers_bundle.json")],
    city: Annotated[Path, typer.Argument(metavar="STADT.CSV", help="Tabelle mit city, name und den Merkmalen des Rings")],
    out: Annotated[Path | None, typer.Option("--out", metavar="CSV", help="Tabelle zusätzlich in diese Datei")] = None,
    force: Force = False,
) -> None:
    """Eine weitere Stadt den Vergleichsgruppen eines Laufs zuordnen, ohne neu zu rechnen.

    Beispiel: integstat assign results/ring stadt.csv
    """
    from integstat.intake.other_cities import read_city
    from integstat.peers.assign import assign, assign_table
    from integstat.peers.bundle import FILE_NAME, read_bundle
    from integstat.report.tables import write_csv

    if out is not None and out.exists() and not force:
        raise UsageError("diese Datei gibt es schon", place=str(out), mend="bitte eine andere nennen oder --force")
    bundle = read_bundle(run / FILE_NAME if run.is_dir() else run)
    placed = assign(bundle, read_city(city, bundle))
    for sentence in placed.sentences():
        print(sentence)
    print(f"Einteilung: {bundle.hash}")
    if out is not None:
        write_csv(out, assign_table(placed))


def follow_command(
    before: Annotated[Path, typer.Argument(metavar="LAUF_VORHER", help="Ordner des früheren Laufs")],
    now: Annotated[Path, typer.Argument(metavar="LAUF_JETZT", help="Ordner des späteren Laufs")],
    out: Annotated[Path | None, typer.Option("--out", metavar="CSV", help="alle Städte zusätzlich in diese Datei")] = None,
    force: Force = False,
) -> None:
    """Dieselben Vergleichsgruppen in einem anderen Jahr: was aus ihnen wurde und wer wechselt.

    Beispiel: integstat follow results/ring2021 results/ring2022
    """
    from integstat.peers.bundle import FILE_NAME, read_bundle
    from integstat.peers.follow import follow
    from integstat.report.tables import write_csv

    if out is not None and out.exists() and not force:
        raise UsageError("diese Datei gibt es schon", place=str(out), mend="bitte eine andere nennen oder --force")
    bundles = [read_bundle(path / FILE_NAME if path.is_dir() else path) for path in (before, now)]
    followed = follow(*bundles)
    for sentence in followed.sentences():
        print(sentence)
    if out is not None:
        write_csv(out, followed.moves)
