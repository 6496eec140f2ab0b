"""What a city does in a year: template, figures, check, reply, correction, and the ring's report."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from tests.conftest import FakeFit

from integstat.cli.template import template_command
from integstat.config import load_ring
from integstat.intake.reply import COLOUR, write_replies
from integstat.intake.take_in import Delivery, take_in
from integstat.run import RunOptions, run

OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
TYPING, CITIES = 1, 6  # how many cities fill in a template, and how many there are


def figures_of(book: Any) -> dict[tuple[str, str, str, str], Any]:
    """Cells of the inputs by definition, group, part and year."""
    cells = {}
    for sheet in book.worksheets:
        if not str(sheet["A3"].value or "").startswith("integstat:"):
            continue
        years = {cell.column: cell.value for cell in sheet[3] if str(cell.value).startswith("year ")}
        for row in sheet.iter_rows(min_row=5):
            key = tuple(cell.value for cell in row[:3])
            cells |= {(*key, year): row[column - 1] for column, year in years.items()}
    return cells


def fill(template: Path, known: Path, target: Path) -> None:
    """Type into a template what another workbook holds."""
    book, source = openpyxl.load_workbook(template), openpyxl.load_workbook(known)
    values = figures_of(source)
    for key, cell in figures_of(book).items():
        cell.value = values[key].value
    features = {row[0].value: row[2].value for row in source["Kontext"].iter_rows(min_row=5)}
    for row in book["Kontext"].iter_rows(min_row=5):
        row[2].value = features[row[0].value]
    book.save(target)


def mistype(path: Path) -> str:
    """Type a numerator above its denominator; return the cell."""
    book = openpyxl.load_workbook(path)
    cells = figures_of(book)
    key = next(key for key in cells if key[0].startswith("K2.") and key[2] == "numerator")
    cell = cells[key]
    cell.value = cells[*key[:2], "denominator", key[3]].value * 10
    book.save(path)
    return f"Blatt '{cell.parent.title}', Zelle {cell.coordinate}"


def correct(reply: Path, place: str, value: object, target: Path) -> None:
    """Correct the marked cell in the reply itself and send that."""
    book = openpyxl.load_workbook(reply)
    sheet, cell = place.removeprefix("Blatt '").split("', Zelle ")
    assert str(book[sheet][cell].fill.fgColor.rgb).endswith(COLOUR["error"])
    assert "größer als Nenner" in book[sheet][cell].comment.text
    book[sheet][cell].value = value
    book.save(target)


def checked(config: Path) -> Delivery:
    ring, catalogue = load_ring(config)
    return take_in(ring, config, catalogue)


def errors(delivery: Delivery) -> list[tuple[str, str]]:
    return [(problem.file, problem.place) for problem in delivery.problems if problem.severity == "error"]


def go_round(ring_folder: Path, tmp_path: Path, save: Callable[[Path], None]) -> None:
    """Go once round; `save` is what the city's own program does to a filled workbook."""
    config, books, known = ring_folder / "ring.toml", ring_folder / "workbooks", tmp_path / "known"
    known.mkdir()
    for number, path in enumerate(sorted(books.iterdir())):
        if number < TYPING:
            path.rename(known / path.name)
        elif number >= CITIES:
            path.unlink()
    template_command(config, tmp_path / "templates", last=known)
    before = {path.name: figures_of(openpyxl.load_workbook(path)) for path in sorted(known.iterdir())}
    for name in before:
        fill(tmp_path / "templates" / name, known / name, books / name)
    first = min(before)
    place = mistype(books / first)
    save(books / first)

    delivery = checked(config)
    assert errors(delivery) == [(first, place)]
    ring, catalogue = load_ring(config)
    replies = write_replies(tmp_path / "replies", delivery, books, ring, catalogue)
    assert {path.name for path in replies} >= {f"{Path(name).stem}-rueckmeldung.xlsx" for name in before}
    sheet, cell = place.removeprefix("Blatt '").split("', Zelle ")
    right = next(one.value for one in before[first].values() if (one.parent.title, one.coordinate) == (sheet, cell))
    correct(tmp_path / "replies" / f"{Path(first).stem}-rueckmeldung.xlsx", place, right, books / first)

    result = run(config, RunOptions(tmp_path / "out"), say=lambda text: None)
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
    counts = pd.read_parquet(tmp_path / "out" / "counts.parquet")
    assert result.data is not None
    delivered = {
        (f"{row.city}.xlsx", row.definition, row.group, part, f"year {row.year}"): value
        for row in counts.itertuples()
        for part, value in (("numerator", row.y), ("denominator", row.n))
        if f"{row.city}.xlsx" in before
    }
    assert delivered == {(name, *key): cell.value for name, cells in before.items() for key, cell in cells.items()}


def test_a_year_of_a_ring(ring_folder: Path, tmp_path: Path, fake_fit: FakeFit) -> None:
    go_round(ring_folder, tmp_path, lambda path: None)
    assert sorted(fake_fit.fitted) == ["K2.residence", "R1.eight_years_previous", "R2.third_country"]


@pytest.mark.slow
@pytest.mark.skipif(OFFICE is None, reason="LibreOffice (soffice) is not installed")
def test_a_year_of_a_ring_whose_city_uses_libreoffice(ring_folder: Path, tmp_path: Path, fake_fit: FakeFit) -> None:
    def save(path: Path) -> None:
        profile = (tmp_path / "profile").resolve().as_uri()
        call = [str(OFFICE), f"-env:UserInstallation={profile}", "--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path)]
        subprocess.run([*call, str(path)], capture_output=True, timeout=120, check=False)
        shutil.move(tmp_path / path.name, path)

    go_round(ring_folder, tmp_path, save)
