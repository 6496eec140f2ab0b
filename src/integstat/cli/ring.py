"""Commands on a ring and on bare tables. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from integstat.cli.app import Cards, ConfigPath, Dask, DataPath, Force, Interactive, Jobs, Language, Multiverse, OutPath
from integstat.errors import UsageError

if TYPE_CHECKING:
    from integstat.run import RunOptions, Stage


def run_command(
    config: ConfigPath,
    out: OutPath = None,
    data: DataPath = None,
    redo_from: Annotated[
        str | None,
        typer.Option("--from", metavar="STUFE", help="ab hier neu: intake, peers, change, findings, sensitivity, report"),
    ] = None,
    force: Force = False,
    jobs: Jobs = 2,
    dask: Dask = None,
    multiverse: Multiverse = None,
    language: Language = "de",
    cards: Cards = False,
    interactive: Interactive = False,
) -> None:
    """Alles: Lieferungen → Städtegruppen → Veränderung → Befunde → andere Rechenwege → Bericht.

    Beispiel: integstat run configs/rings/employment67.toml
    """
    _run(
        config,
        out,
        data,
        "report",
        force,
        jobs,
        redo_from,
        dask=dask,
        multiverse=multiverse,
        language=language,
        cards=cards,
        interactive=interactive,
    )


def peers_command(config: ConfigPath, out: OutPath = None, data: DataPath = None, force: Force = False, jobs: Jobs = 2) -> None:
    """Nur bis zu den Vergleichsgruppen von Städten.

    Beispiel: integstat peers ring.toml --out results/ring
    """
    _run(config, out, data, "peers", force, jobs)


def change_command(
    config: Annotated[Path | None, typer.Argument(metavar="[CONFIG]", help="Konfiguration des Rings (TOML)")] = None,
    counts: Annotated[
        Path | None, typer.Option("--counts", metavar="CSV", help="statt CONFIG: Tabelle mit city, group, year, y, n")
    ] = None,
    covariates: Annotated[
        str, typer.Option("--covariates", metavar="A,B", help="Spalten der Tabelle, die das Niveau erklären")
    ] = "",
    kind: Annotated[str, typer.Option("--kind", metavar="share|rate", help="Anteil an Personen oder Rate")] = "share",
    overlap: Annotated[
        float, typer.Option("--overlap", metavar="R", help="Anteil der Personen, die in jedem Jahr gezählt sind (0 bis unter 1)")
    ] = 0.0,
    engine: Annotated[str, typer.Option("--engine", metavar="auto|laplace|nuts", help="Rechenverfahren")] = "auto",
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Startwert der Zufallszahlen")] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="ZIEL", help="mit --counts: CSV-Datei; sonst Ordner des Laufs")
    ] = None,
    data: DataPath = None,
    force: Force = False,
    jobs: Jobs = 2,
) -> None:
    """Nur bis zum Veränderungsmodell, oder das Modell auf einer bloßen Tabelle.

    Beispiel: integstat change --counts zahlen.csv --out ergebnis.csv
    """
    if (config is None) == (counts is None):
        raise UsageError("es braucht entweder CONFIG oder --counts", mend="siehe integstat change --help")
    if config is not None:
        if covariates or kind != "share" or overlap or seed != 1 or engine != "auto":
            what = "--covariates, --kind, --overlap, --engine und --seed gehören zu --counts"
            raise UsageError(what, mend="beim Ring stehen sie in CONFIG")
        _run(config, out, data, "change", force, jobs)
        return
    if data is not None:
        raise UsageError("--data gehört zu einem Ring, nicht zu --counts", mend="siehe integstat change --help")
    assert counts is not None
    _bare(counts, out, covariates, kind, overlap, engine, seed, force, jobs)


def sensitivity_command(
    config: ConfigPath,
    out: OutPath = None,
    data: DataPath = None,
    force: Force = False,
    jobs: Jobs = 2,
    dask: Dask = None,
    multiverse: Multiverse = None,
    only_list: Annotated[bool, typer.Option("--list", help="nur sagen, was zu rechnen wäre")] = False,
) -> None:
    """Bis zu den anderen Rechenwegen: welche Befunde bleiben, und was die übrigen ändert.

    Beispiel: integstat sensitivity ring.toml --list
    """
    if only_list:
        from integstat.cli.listing import print_listing

        print_listing(config, out or Path("results") / config.stem, data, multiverse)
        return
    _run(config, out, data, "sensitivity", force, jobs, dask=dask, multiverse=multiverse)


def report_command(
    config: ConfigPath,
    out: OutPath = None,
    data: DataPath = None,
    force: Force = False,
    jobs: Jobs = 2,
    multiverse: Multiverse = None,
    language: Language = "de",
    cards: Cards = False,
    interactive: Interactive = False,
) -> None:
    """Den Bericht schreiben; was schon gerechnet ist, wird übernommen.

    Beispiel: integstat report ring.toml --cards
    """
    _run(config, out, data, "report", force, jobs, multiverse=multiverse, language=language, cards=cards, interactive=interactive)


def check_command(
    paths: Annotated[
        list[Path], typer.Argument(metavar="DATEN…", help="Dateien, Ordner oder die Konfiguration eines Rings (.toml)")
    ],
    data: DataPath = None,
    reply: Annotated[
        Path | None,
        typer.Option("--reply", metavar="ORDNER", help="je Stadt eine Rückmeldung hierhin; braucht eine Konfiguration"),
    ] = None,
) -> None:
    """Nur prüfen: sagt zu jedem Fehler Datei, Stelle und Abhilfe.

    Beispiel: integstat check ring.toml --reply rueckmeldungen
    """
    from integstat.catalogue import load_catalogue
    from integstat.intake.check_files import check_files
    from integstat.intake.problems import problem_table

    problems: list[Any] = []
    configs = [path for path in paths if path.suffix == ".toml"]
    files = [path for path in paths if path.suffix != ".toml"]
    if reply is not None and (files or len(configs) != 1):
        raise UsageError(
            "Rückmeldungen gibt es zu genau einer Konfiguration", place="--reply", mend="siehe integstat check --help"
        )
    for path in configs:
        from integstat.config import load_ring
        from integstat.intake.take_in import take_in
        from integstat.run import check_choices

        ring, catalogue = load_ring(path)
        delivery = take_in(ring, path, catalogue, data)
        problems += delivery.problems
        if all(one.severity != "error" for one in delivery.problems):
            check_choices(ring, path, catalogue, delivery)
        if reply is not None:
            from integstat.intake.reply import write_replies

            write_replies(reply, delivery, data or path.parent / ring.ring.data, ring, catalogue)
    if files:
        problems += check_files(files, load_catalogue())
    table = problem_table(problems)
    _print_problems(table)
    if (table["severity"] == "error").any():
        raise typer.Exit(3)


def simulate_command(
    out: Annotated[Path, typer.Option("--out", metavar="ORDNER", help="wohin die Arbeitsmappen geschrieben werden")],
    cities: Annotated[int, typer.Option("--cities", metavar="N", min=3, max=600, help="Zahl der erfundenen Städte")] = 24,
    indicators: Annotated[int, typer.Option("--indicators", metavar="N", min=1, max=12, help="Zahl der Indikatoren")] = 12,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Startwert der Zufallszahlen")] = 2021,
    force: Force = False,
) -> None:
    """Einen Ring erfundener Städte mit bekannter Wahrheit schreiben.

    Beispiel: integstat simulate --out results/ring
    """
    print(_simulate(out, cities, indicators, seed, force))


def demo_command(
    out: Annotated[Path, typer.Option("--out", metavar="ORDNER", help="Ordner des Laufs")] = Path("results/demo"),
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Startwert der Zufallszahlen")] = 2021,
    force: Force = False,
    jobs: Jobs = 2,
    language: Language = "de",
    interactive: Interactive = False,
) -> None:
    """Einen Ring simulieren und ganz durchrechnen.

    Beispiel: integstat demo --out results/demo
    """
    config = _simulate(out.with_name(f"{out.name}-ring"), 24, 12, seed, force)
    _run(config, out, None, "report", force, jobs, language=language, interactive=interactive)


def _simulate(out: Path, cities: int, indicators: int, seed: int, force: bool) -> Path:
    from integstat.catalogue import load_catalogue
    from integstat.simulate import simulate_ring, write_ring

    if out.exists() and not out.is_dir():
        raise UsageError("das ist eine Datei, kein Ordner", place=str(out), mend="bitte mit --out einen Ordner nennen")
    if out.exists() and not force and any(out.iterdir()):
        raise UsageError(
            "dieser Ordner ist nicht leer", place=str(out), mend="bitte einen anderen nennen oder mit --force überschreiben"
        )
    for old in out.glob("workbooks/*.xlsx"):
        old.unlink()
    catalogue = load_catalogue()
    return write_ring(simulate_ring(catalogue, cities, indicators, seed, others=True), catalogue, out, seed)


def _run(
    config: Path,
    out: Path | None,
    data: Path | None,
    until: Stage,
    force: bool,
    jobs: int,
    redo_from: str | None = None,
    *,
    dask: str | None = None,
    multiverse: Path | None = None,
    language: str = "de",
    cards: bool = False,
    interactive: bool = False,
) -> None:
    from integstat.run import STAGES, RunOptions, run

    stages: dict[str, Stage] = {stage: stage for stage in STAGES}
    if redo_from is not None and redo_from not in stages:
        raise UsageError(f"'{redo_from}' ist keine Stufe", place="--from", mend=f"bitte eine von {', '.join(STAGES)} nennen")
    options = RunOptions(
        out=out or Path("results") / config.stem,
        data=data,
        until=until,
        redo_from=stages[redo_from] if redo_from else None,
        force=force,
        jobs=jobs,
        dask=dask,
        multiverse=multiverse,
        language=language,
        cards=cards,
        interactive=interactive,
    )
    _with_progress(config, options, run)


def _with_progress(config: Path, options: RunOptions, run: Callable[..., Any]) -> None:
    """Run with a bar on a terminal, a line per stage elsewhere; the result's place goes to stdout."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True, no_color="NO_COLOR" in os.environ)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Lieferungen einlesen", total=None)

        def say(text: str) -> None:
            bar.update(task, description=text)
            if not console.is_terminal:
                console.print(text, highlight=False)

        def progress(definition: str, done: int, total: int, kept: bool) -> None:
            bar.update(task, description=f"Veränderungsmodelle: {definition}", completed=done, total=total)
            if not console.is_terminal:
                console.print(f"  {done}/{total} {definition}{' (übernommen)' if kept else ''}", highlight=False)

        def tell(what: str, done: int, total: int, remaining_seconds: float) -> None:
            bar.update(task, description=f"Andere Rechenwege: {what}", completed=done, total=total)
            if not console.is_terminal and milestone(done, total):
                console.print(f"  {what} {done}/{total}{left(remaining_seconds)}", highlight=False)

        result = run(config, options, say=say, progress=progress, tell=tell)
    for note in result.data.sensitivity.notes if result.data is not None and result.data.sensitivity is not None else ():
        console.print(note, highlight=False, markup=False)
    name = "report.html" if (result.out / "report.html").exists() and options.until == "report" else ""
    print(result.out / name)


def milestone(done: int, total: int) -> bool:
    """Whether a line is due: after each tenth, and at the end."""
    return done == total or done * 10 // total > (done - 1) * 10 // total


def left(seconds: float) -> str:
    """How long it will still take, in words; empty where it is not known or nothing is left."""
    if not seconds > 0:
        return ""
    return f", noch etwa {seconds:.0f} s" if seconds < 90 else f", noch etwa {seconds / 60:.0f} min"


def _bare(
    counts: Path,
    out: Path | None,
    covariates: str,
    kind: str,
    overlap: float,
    engine: str,
    seed: int,
    force: bool,
    jobs: int,
) -> None:
    if out is None:
        raise UsageError("--counts braucht --out mit der Datei für das Ergebnis", mend="siehe integstat change --help")
    if kind not in ("share", "rate"):
        raise UsageError(f"'{kind}' ist keine Art", place="--kind", mend="bitte share oder rate nennen")
    if not 0 <= overlap < 1:
        raise UsageError(f"'{overlap:g}' ist keine Überlappung", place="--overlap", mend="bitte 0 bis unter 1 nennen")
    if engine not in ("auto", "laplace", "nuts"):
        mend = "bitte auto, laplace oder nuts nennen"
        raise UsageError(f"das Rechenverfahren '{engine}' gibt es nicht", place="--engine", mend=mend)
    if out.is_dir():
        raise UsageError("das ist ein Ordner", place=str(out), mend="bitte mit --out eine Datei nennen")
    if out.exists() and not force:
        raise UsageError("diese Datei gibt es schon", place=str(out), mend="bitte eine andere nennen oder --force")
    from integstat.bare import fit_table, read_counts
    from integstat.change.settings import ChangeSettings
    from integstat.report.tables import write_csv

    names = [name.strip() for name in covariates.split(",") if name.strip()]
    data = read_counts(counts, "rate" if kind == "rate" else "share", names, overlap=overlap)
    write_csv(out, fit_table(data, ChangeSettings.model_validate({"engine": engine}), seed, cores=jobs))
    print(out)


def _print_problems(table: Any) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(no_color="NO_COLOR" in os.environ, width=None if sys.stdout.isatty() else 200)
    if not len(table):
        console.print("Nichts zu beanstanden.")
        return
    words = {"error": "Fehler", "doubt": "Zweifel", "hint": "Hinweis"}
    shown = Table(show_lines=False, highlight=False)
    for title in ("", "Datei", "Stelle", "Was", "Abhilfe", "Prüfung"):
        shown.add_column(title, overflow="fold")
    for row in table.itertuples():
        shown.add_row(words[row.severity], *(escape(str(text)) for text in (row.file, row.place, row.what, row.mend, row.check)))
    console.print(shown)
    counts = {severity: int((table["severity"] == severity).sum()) for severity in words}
    hints = "1 Hinweis" if counts["hint"] == 1 else f"{counts['hint']} Hinweise"
    console.print(f"{counts['error']} Fehler, {counts['doubt']} Zweifel, {hints}", highlight=False)
