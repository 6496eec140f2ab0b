"""What a ring could find before it collects anything. Nothing heavy is imported before the command needs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from integstat.cli.app import ConfigPath, DataPath, Language
from integstat.errors import UsageError

if TYPE_CHECKING:
    from integstat.catalogue import Catalogue
    from integstat.config import RingConfig
    from integstat.intake.take_in import Delivery
    from integstat.planning.build import Plan

FILES = ("plan.html", "plan.csv", "plan_ring.csv", "plan_inputs.csv")


def plan_command(
    config: ConfigPath,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="ORDNER", help="Ordner für Seite und Tabellen; sonst results/plan-<Name>")
    ] = None,
    data: DataPath = None,
    cities: Annotated[
        int, typer.Option("--cities", metavar="N", min=6, max=1000, help="Zahl der Städte, solange keine Zahlen vorliegen")
    ] = 24,
    lang: Language = "de",
    force: Annotated[bool, typer.Option("--force", help="vorhandene Dateien überschreiben")] = False,
) -> None:
    """Vor der Erhebung: welche Veränderungen dieser Ring finden könnte und welche nicht.

    Beispiel: integstat plan configs/rings/employment67.toml
    """
    from integstat.texts.catalogue import languages

    if lang not in languages():
        there = ", ".join(languages())
        raise UsageError(f"die Sprache '{lang}' gibt es nicht", place="--lang", mend=f"bitte eine von diesen: {there}")
    folder = out if out is not None else Path("results") / f"plan-{config.stem}"
    _check_out(folder, force)
    from integstat.config import load_ring
    from integstat.planning.build import make_plan
    from integstat.planning.inputs import gather

    ring, catalogue = load_ring(config)
    delivery = _delivered(ring, config, catalogue, data)
    panel, context = (delivery.panel, delivery.context) if delivery is not None else (None, None)
    plan = make_plan(gather(ring, catalogue, panel, context, cities), ring.findings, ring.seed)
    _write(folder, plan, catalogue, ring.ring.name, lang)
    print(folder / FILES[0])


def _delivered(ring: RingConfig, config: Path, catalogue: Catalogue, data: Path | None) -> Delivery | None:
    """What lies in the data folder; None where there is no folder, or nothing in it that can be used."""
    root = data if data is not None else config.parent / ring.ring.data
    if data is None and not (root.is_dir() and any(root.iterdir())):
        print("Es liegen noch keine Zahlen des Rings vor; geplant wird mit Größenordnungen.", file=sys.stderr)
        return None
    from integstat.intake.problems import raise_on_error
    from integstat.intake.take_in import take_in

    delivery = take_in(ring, config, catalogue, data)
    raise_on_error(delivery.problems)
    return delivery


def _check_out(folder: Path, force: bool) -> None:
    """Refuse a folder in which nothing could be written, or something would be replaced."""
    above = next((one for one in (folder, *folder.absolute().parents) if one.exists()), None)
    if above is not None and not above.is_dir():
        raise UsageError("das ist eine Datei, kein Ordner", place=str(above), mend="bitte mit --out einen Ordner nennen")
    there = [folder / name for name in FILES if (folder / name).exists()]
    if there and not force:
        raise UsageError(
            "diese Datei gibt es schon", place=str(there[0]), mend="bitte mit --out einen anderen Ordner oder --force"
        )


def _write(folder: Path, plan: Plan, catalogue: Catalogue, name: str, lang: str) -> None:
    from importlib import resources

    from integstat.planning.build import INPUT_CODEBOOK, PLAN_CODEBOOK, RING_CODEBOOK
    from integstat.planning.page import write_page
    from integstat.report.tables import write_codebook, write_csv
    from integstat.steps import write_text

    style = (resources.files("integstat.report") / "report.css").read_text(encoding="utf-8")
    tables = ((plan.table, PLAN_CODEBOOK), (plan.ring, RING_CODEBOOK), (plan.assumptions, INPUT_CODEBOOK))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, (table, codebook) in zip(FILES[1:], tables, strict=True):
            write_csv(folder / file, table)
            write_codebook(folder / f"{Path(file).stem}_codebook.md", codebook)
        write_text(folder / FILES[0], write_page(plan, catalogue, name, style, lang))
    except OSError as error:
        what = f"diese Datei lässt sich nicht schreiben ({error.strerror})"
        raise UsageError(what, place=str(error.filename or folder), mend="bitte mit --out einen anderen Ordner nennen") from error
