"""What a sensitivity analysis would compute, as a table."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_SORTS = {"model": "Modell", "measurement": "Messung", "question": "Frage", "decision": "Entscheidung"}
_KINDS = {"equivalent": "gleichwertig", "uncertain": "offen", "not_equivalent": "nicht gleichwertig"}


def print_listing(config_path: Path, out: Path, data: Path | None, multiverse: Path | None) -> None:
    """Print axes, alternatives, and how many universes and distinct fits they make; computes nothing.

    Raises
    ------
    UsageError
        If neither call nor config names a file of other choices.
    """
    from rich.console import Console
    from rich.table import Table

    from integstat.config import load_ring
    from integstat.run import STEPS, RunOptions, listing, multiverse_of, unnamed
    from integstat.run.intake_stage import intake_stage
    from integstat.sensitivity.universes import KINDS, POOLED

    config, catalogue = load_ring(config_path)
    settings = multiverse_of(config, config_path, RunOptions(out, multiverse=multiverse))
    if settings is None:
        raise unnamed(config_path)
    delivery = intake_stage(config, config_path, catalogue, data)
    found = listing(settings, config, catalogue, delivery, out / STEPS)
    space, size = found.space, found.size
    console = Console(no_color="NO_COLOR" in os.environ, width=None if sys.stdout.isatty() else 160)
    table = Table(title=settings.name_de, highlight=False)
    for title in ("Achse", "Art", "Alternative", "gleichwertig?", "Gewicht"):
        table.add_column(title, overflow="fold")
    for axis in space.axes:
        pooled = axis.sort in POOLED
        for place, one in enumerate(axis.alternatives):
            table.add_row(
                axis.name_de if place == 0 else "",
                _SORTS[axis.sort] if place == 0 else "",
                one.name_de,
                ("Ring" if place == 0 else _KINDS[one.kind]) if pooled else ("Ring" if place == 0 else "andere Frage"),
                f"{one.weight:g}".replace(".", ",") if pooled else "",
            )
    for indicator, ids in space.definitions.items():
        for place, name_of in enumerate(ids):
            kind = "Ring" if place == 0 else _KINDS[KINDS[space.definition_kind[name_of]]]
            weight = f"{space.definition_weight[name_of]:g}".replace(".", ",")
            shown = catalogue.definition(name_of)[1].name_de
            table.add_row(f"Definition {indicator}" if place == 0 else "", "Messung" if place == 0 else "", shown, kind, weight)
    console.print(table)
    for reason, count in space.excluded:
        console.print(f"Ausgeschlossen: {count} Kombinationen ({reason})", highlight=False, markup=False)
    for note in space.notes:
        console.print(note, highlight=False, markup=False)
    design = "alle" if settings.design == "full" else "eine Stichprobe"
    most = "" if size.exact else "höchstens "
    lines = [
        f"{size.universes} Rechenwege je Indikator ({design}, von {space.possible}), {len(space.definitions)} Indikatoren.",
        f"{size.models} Modelle, {size.partitions} Einteilungen der Städte, {most}{size.fits} verschiedene Anpassungen; "
        f"davon fehlen noch {size.missing}.",
    ]
    for line in lines:
        console.print(line, highlight=False, markup=False)
