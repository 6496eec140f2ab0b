"""Simulated rings against their truth. Nothing heavy is imported before the command needs it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from integstat.cli.app import Dask, Jobs
from integstat.cli.ring import left, milestone
from integstat.errors import UsageError

if TYPE_CHECKING:
    from integstat.steps import Step
    from integstat.validate import ValidateSettings
    from integstat.validate.tables import Results

ENGINES = ("laplace", "nuts", "auto")


def validate_command(
    out: Annotated[Path, typer.Option("--out", metavar="ORDNER", help="wohin Bericht und Tabellen kommen")],
    cities: Annotated[int, typer.Option("--cities", metavar="N", min=3, max=600, help="Städte je Ring")] = 24,
    rings: Annotated[int, typer.Option("--rings", metavar="N", min=2, help="Ringe je Szenario")] = 1000,
    engine: Annotated[str, typer.Option("--engine", metavar="laplace|nuts|auto", help="Rechenverfahren")] = "laplace",
    scenario: Annotated[
        list[str] | None,
        typer.Option("--scenario", metavar="NAME", help="was das Modell nicht annimmt, mehrfach möglich; all: alles"),
    ] = None,
    base: Annotated[
        float | None, typer.Option("--base", metavar="N", min=20, help="übliche Grundgesamtheit; sonst 100 bis 10.000")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Startwert der Zufallszahlen")] = 20210701,
    jobs: Jobs = 2,
    dask: Dask = None,
) -> None:
    """Das Verfahren an simulierten Ringen prüfen: Ränge, Abdeckung, falsche Befunde.

    Noch einmal gerufen, geht es weiter, wo es aufgehört hat.

    Beispiel: integstat validate --rings 200 --scenario heavy_tails --out results/validation
    """
    from integstat.validate.trial.scenario import SCENARIOS

    if engine not in ENGINES:
        mend = "bitte laplace, nuts oder auto nennen"
        raise UsageError(f"das Rechenverfahren '{engine}' gibt es nicht", place="--engine", mend=mend)
    wanted = tuple(SCENARIOS) if scenario and "all" in scenario else tuple(dict.fromkeys(("model", *(scenario or ()))))
    for name in wanted:
        if name not in SCENARIOS:
            mend = f"bitte {', '.join(SCENARIOS)} oder all nennen"
            raise UsageError(f"das Szenario '{name}' gibt es nicht", place="--scenario", mend=mend)
    _check_out(out)
    from integstat.validate import ValidateSettings, write_report

    chosen = cast("Literal['laplace', 'nuts', 'auto']", engine)
    settings = ValidateSettings(cities=cities, rings=rings, engine=chosen, scenarios=wanted, base=base, seed=seed)
    results = _with_progress(settings, out, jobs, dask)
    print(write_report(results, out))


def _check_out(out: Path) -> None:
    """Refuse a folder that holds something else than a validation."""
    from integstat.validate.build import KEPT

    if out.exists() and not out.is_dir():
        raise UsageError("das ist eine Datei, kein Ordner", place=str(out), mend="bitte mit --out einen Ordner nennen")
    if out.exists() and any(out.iterdir()) and not (out / KEPT).is_dir():
        raise UsageError("in diesem Ordner liegt etwas anderes", place=str(out), mend="bitte mit --out einen leeren nennen")
    try:
        (out / KEPT).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"dieser Ordner lässt sich nicht anlegen ({error.strerror})"
        raise UsageError(what, place=str(out), mend="bitte mit --out einen anderen nennen") from error


def _with_progress(settings: ValidateSettings, out: Path, jobs: int, dask: str | None) -> Results:
    """Validate with a bar on a terminal, a line per tenth elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from threadpoolctl import threadpool_limits

    from integstat.validate import validate

    console = Console(stderr=True, no_color="NO_COLOR" in os.environ)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar, threadpool_limits(1):
        task = bar.add_task("Ringe", total=None)

        def tell(step: Step, done: int, total: int, kept: bool, remaining_seconds: float) -> None:
            bar.update(task, completed=done, total=total)
            if not console.is_terminal and milestone(done, total):
                console.print(f"  Ringe {done}/{total}{left(remaining_seconds)}", highlight=False)

        return validate(settings, out, tell, jobs=jobs, dask=dask)
