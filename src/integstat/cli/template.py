"""Command that writes the workbooks which the cities fill in. Nothing heavy is imported before it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from integstat.cli.app import ConfigPath, DataPath
from integstat.errors import UsageError

if TYPE_CHECKING:
    from integstat.catalogue import Catalogue
    from integstat.config import RingConfig


def template_command(
    config: ConfigPath,
    out: Annotated[Path, typer.Option("--out", metavar="ORDNER", help="wohin die Arbeitsmappen geschrieben werden")],
    city: Annotated[
        list[str] | None, typer.Option("--city", metavar="AGS", help="nur diese Stadt; mehrmals möglich. Sonst alle bekannten")
    ] = None,
    last: Annotated[
        Path | None,
        typer.Option("--last", metavar="ORDNER", help="letzte Lieferung (Mappen) oder ein Lauf, zum Vergleich"),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option("--also", metavar="ID", help="auch diese Definition, oder alle eines Indikators; mehrmals möglich"),
    ] = None,
    data: DataPath = None,
    force: Annotated[bool, typer.Option("--force", help="auch ausgefüllte Mappen überschreiben")] = False,
) -> None:
    """Die Arbeitsmappen schreiben, die die Städte ausfüllen: eine je Stadt.

    Beispiel: integstat template ring.toml --out mappen --last lieferungen-2021
    """
    from integstat.config import load_ring
    from integstat.intake.workbook_template import choose_cities, read_earlier, write_templates

    ring, catalogue = load_ring(config)
    folder = data or config.parent / ring.ring.data
    if out.resolve() == folder.resolve():
        what = "das ist der Datenordner des Rings, leere Mappen lägen dort als Lieferungen"
        raise UsageError(what, place=str(out), mend="bitte mit --out einen anderen Ordner nennen")
    earlier = read_earlier(last, catalogue) if last is not None else {}
    closed = ring.ring.cities.source is not None
    known = _named(ring, config, catalogue, data) if closed else {one: before.name for one, before in earlier.items()}
    known |= {one: known.get(one, "") for one in ring.ring.cities.only if not closed}
    features = {one.id: one.name_de for one in ring.peers.feature} if ring.peers is not None and ring.context is None else {}
    cities = choose_cities(known, city or [], closed=closed)
    for path in write_templates(
        out, ring, catalogue, cities=cities, earlier=earlier, also=also or [], features=features, force=force
    ):
        print(path)


def _named(ring: RingConfig, config: Path, catalogue: Catalogue, data: Path | None) -> dict[str, str]:
    """Name by AGS of the cities that the ring's own source lists; what is wrong with it where it lists none."""
    from integstat.intake.problems import raise_on_error
    from integstat.intake.take_in import take_in

    delivery = take_in(ring, config, catalogue, data)
    cities = delivery.panel.cities
    if cities.empty:
        raise_on_error(delivery.problems)
    return dict(zip(cities["city"].astype(str), cities["name"].astype(str), strict=True))
