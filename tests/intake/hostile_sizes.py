"""Deliveries at the limits of what is read, each called in a process of its own so that its memory can be measured."""

from __future__ import annotations

import io
import re
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from integstat.catalogue import Catalogue, load_catalogue
from integstat.catalogue.schema import DefinitionEntry, IndicatorEntry
from integstat.intake.problems import UnreadableFile
from integstat.intake.settings import IntakeSettings
from integstat.intake.take_in import take_in
from integstat.intake.workbook_open import open_workbook
from integstat.intake.workbook_writer import write_workbook
from integstat.tomlfile import load_model

from .workbook_samples import GOOD

CITIES = tuple(f"{land:02d}{number:03d}" for land in range(1, 16) for number in range(1, 21))  # 300
YEARS = tuple(range(2017, 2022))
DEFINITIONS = 12
SHEET = "xl/worksheets/sheet2.xml"
_begun: list[float] = []
HEAD = f'[ring]\nid = "x"\nname = "x"\nyears = {list(YEARS)}\ndata = "."\n'


def _begin() -> None:
    """What came before was to make the delivery, not to read it."""
    _begun.append(time.process_time())


def seconds() -> float:
    """Seconds of a processor since the delivery was made."""
    return time.process_time() - _begun[-1]


def _figures(cells: int) -> list[tuple[int, int]]:
    """Numerators and denominators as cities have them: none like another."""
    rng = np.random.default_rng(8)
    bases = rng.integers(2_000, 90_000, cells)
    return list(zip(rng.binomial(bases, 0.3).tolist(), bases.tolist(), strict=True))


def _opened(cells: bytes) -> str:
    """Open a workbook one of whose sheets has these cells."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as before, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            part = before.read(name)
            if name == SHEET:
                part = re.sub(rb"<sheetData>.*</sheetData>", lambda _: b"<sheetData>" + cells + b"</sheetData>", part, flags=re.S)
            after.writestr(name, part)
    _begin()
    try:
        open_workbook(buffer.getvalue(), "mappe.xlsx")
    except UnreadableFile as error:
        return str(error)
    return "opened"


def _entries(catalogue: Catalogue) -> list[tuple[IndicatorEntry, DefinitionEntry]]:
    return [catalogue.definition(catalogue.main_definition(one)) for one in list(catalogue.indicators)[:DEFINITIONS]]


def _groups(indicator: IndicatorEntry) -> tuple[str, ...]:
    return ("target", "reference") if indicator.reference_de else ("target",)


def _told(folder: Path, config: str, catalogue: Catalogue) -> str:
    """Take in a ring and say what came of it."""
    path = folder / "ring.toml"
    path.write_text(config, encoding="utf-8")
    settings = load_model(path, IntakeSettings)
    _begin()
    delivery = take_in(settings, path, catalogue)
    errors = [problem for problem in delivery.problems if problem.severity == "error"]
    return f"{len(delivery.panel.counts)} rows, {len(errors)} errors, first: {errors[:1]}"


def _workbooks() -> str:
    """300 cities, five years, a workbook each."""
    catalogue = load_catalogue()
    entries = _entries(catalogue)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = iter(_figures(len(CITIES) * len(YEARS) * len(entries) * 2))
        for city in CITIES:
            pairs = {(one.id, definition.id, group, year): next(figures) for one, definition in entries
                     for group in _groups(one) for year in YEARS}  # fmt: skip
            counts: dict[tuple[str, str, int, str], float | str] = {
                (f"{one}.{definition}", group, year, part): float(figure)
                for (one, definition, group, year), pair in pairs.items()
                for part, figure in zip(("numerator", "denominator"), pair, strict=True)
            }
            write_workbook(
                folder / f"{city}.xlsx",
                ring_name="x",
                city=city,
                city_name=f"Stadt {city}",
                years=YEARS,
                catalogue_entries=entries,
                field_names={field.id: field.name_de for field in catalogue.fields.values()},
                count_names={count.id: count.name_de for count in catalogue.counts.values()},
                counts=counts,
            )
        source = '[ring.cities]\nworkbooks = true\n[[source]]\nid = "books"\nreader = "workbook"\nfile = "*.xlsx"\n'
        return _told(folder, HEAD + source, catalogue)


def _table(lines: int, filler: str) -> str:
    """300 cities, five years, one table of at least so many lines; those beyond the needed ones are of no interest."""
    catalogue = load_catalogue()
    keys = [(f"{one.id}.{definition.id}", group) for one, definition in _entries(catalogue) for group in _groups(one)]
    cells = [(city, year, place) for city in CITIES for year in YEARS for place in range(len(keys))]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "zahlen.csv").open("w", encoding="utf-8") as file:
            file.write("ags;jahr;was;y;n;a;b;c\n")
            for (city, year, place), (y, n) in zip(cells, _figures(len(cells)), strict=True):
                file.write(f"{city};{year};{' '.join(keys[place])};{y};{n};{filler};{filler};{filler}\n")
            for number in range(len(cells), lines):
                city, year = CITIES[number % 300], 2000 + number % 10
                file.write(f"{city};{year};anderes {number};{number};1000;{filler};{filler};{filler}\n")
        source = (
            '[ring.cities]\nsource = "t"\n[[source]]\nid = "t"\nreader = "tidy"\nfile = "zahlen.csv"\nseparator = ";"\n'
            'year = "jahr"\nregion = { column = "ags" }\n'
        )
        series = "".join(
            f'[[series]]\nid = "{part}{place}"\nsource = "t"\nwhere = {{ was = "{" ".join(key)}" }}\nvalue = "{part}"\n'
            for place, key in enumerate(keys)
            for part in "yn"
        )
        deliveries = "".join(
            f'[[delivery]]\ndefinition = "{definition}"\ngroup = "{group}"\nnumerator = "y{place}"\ndenominator = "n{place}"\n'
            for place, (definition, group) in enumerate(keys)
        )
        size = (folder / "zahlen.csv").stat().st_size
        return f"{size / 1e6:.0f} MB: {_told(folder, HEAD + source + series + deliveries, catalogue)}"


SIZES: dict[str, Callable[[], str]] = {
    "workbook: as many rows as pass": lambda: _opened(b'<row ht="9"/>' * 1_490_000),
    "workbook: as many cells as pass": lambda: _opened((b"<row>" + b"<c/>" * 1000 + b"</row>") * 1480),
    "workbook: one cell of 190 MB": lambda: _opened(b'<row><c t="str"><v>' + b"x" * 190_000_000 + b"</v></c></row>"),
    "workbook: 190 MB of cells": lambda: _opened(b"<row>" + b"<c/>" * 47_000_000 + b"</row>"),
    "300 workbooks of five years": _workbooks,
    "300 cities and five years in a table": lambda: _table(0, "x"),
    "a table of nearly 6 million cells": lambda: _table(740_000, "Wert"),
    "a table of nearly 6 million cells and 150 MB": lambda: _table(740_000, "x" * 50),
    "a table of 200 MB": lambda: _table(490_000, "x" * 120),
}
