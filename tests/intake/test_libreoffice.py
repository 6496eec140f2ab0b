"""The workbook in LibreOffice: filled in, worked out anew, saved in both forms, and read back with the same figures."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from integstat.intake.reply import marked
from integstat.intake.workbook_writer import workbook_bytes

from .workbook_samples import COUNTS, NAME, arguments, damaged, read

OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
pytestmark = pytest.mark.skipif(OFFICE is None, reason="LibreOffice (soffice) is not installed")

LAST = {("A1.main", "target", "numerator"): 900.0, ("A1.main", "reference", "numerator"): 41000.0}
ROW_OF = {  # sheet and row of each definition, group and part in the sample
    ("A1.main", "target"): ("Arbeit", 5),
    ("A1.main", "reference"): ("Arbeit", 7),
    ("A1.monthly", "target"): ("Arbeit", 9),
    ("A1.monthly", "reference"): ("Arbeit", 11),
    ("R1.eight", "target"): ("Rechtliche Integration", 5),
}


def saved(content: bytes, form: str, folder: Path) -> bytes:
    """Open a workbook in LibreOffice, with a profile of its own, and save it in another form; its work is the file it leaves."""
    source, out = folder / "stadt.xlsx", folder / form
    source.write_bytes(content)
    profile = (folder / "profile").resolve().as_uri()
    call = [str(OFFICE), f"-env:UserInstallation={profile}", "--headless", "--norestore", "--convert-to", form]
    environment = os.environ | {"HOME": str(folder), "SAL_USE_VCLPLUGIN": "svp"}
    done = subprocess.run(
        [*call, "--outdir", str(out), str(source)], capture_output=True, text=True, timeout=120, check=False, env=environment
    )
    target = out / f"stadt.{form}"
    assert target.is_file(), done.stderr
    assert "error" not in done.stderr.lower().replace("javaldx", "")
    return target.read_bytes()


def filled() -> bytes:
    """A template with last year's figures beside it, filled in as a city would: numbers, signs, remarks, a measure."""

    def fill(book: Any) -> None:
        for (definition, group, year, part), value in COUNTS.items():
            sheet, row = ROW_OF[definition, group]
            book[sheet].cell(row + (part == "denominator"), 9 + (year == 2021)).value = value
        work = book["Arbeit"]
        work["Q11"], work["R7"], work["S5"], work["S6"] = "auf 100 gerundet", "mit Beamten", "=Stand Mai", "-"
        work["S5"].data_type = "s"
        book["Kontext"]["C5"], book["Kontext"]["C6"] = 123456, 21.7
        book["Maßnahmen"]["A6"], book["Maßnahmen"]["B6"], book["Maßnahmen"]["D6"] = "Handlungsfeld Arbeit", "Lotsen <b>", 2019

    return damaged(fill, workbook_bytes(**arguments(counts=None, context=None, last=LAST, last_year=2019)))


def check_same(content: bytes, wanted: bytes) -> None:
    before, after = read(wanted), read(content)
    assert after.rows.equals(before.rows)
    assert after.context == before.context
    assert after.measures == before.measures
    assert after.problems == before.problems
    assert (after.city, after.city_name, after.contact) == (before.city, before.city_name, before.contact)
    assert [problem.place for problem in after.problems] == ["Blatt 'Arbeit', Zelle R7"]


def check_worked_out(content: bytes, folder: Path) -> None:
    """Look at the results LibreOffice left: the file came without any."""
    path = folder / "results.xlsx"
    path.write_bytes(content)
    shown = openpyxl.load_workbook(path, data_only=True)["Arbeit"]
    assert shown["K5"].value == pytest.approx(5121 / 9876)
    assert shown["L7"].value == pytest.approx(41518 / 63900)
    assert shown["L11"].value in (None, "")  # '/' is no number
    assert shown["N5"].value == "Sprung: bitte prüfen"  # 5,121 after 900
    assert shown["N7"].value in (None, "")  # 41,234 after 41,000


def test_saved_as_open_document_it_says_the_same(tmp_path: Path) -> None:
    content = filled()
    check_same(saved(content, "ods", tmp_path), content)


@pytest.mark.slow
def test_saved_as_excel_workbook_it_says_the_same_and_is_worked_out(tmp_path: Path) -> None:
    content = filled()
    again = saved(content, "xlsx", tmp_path)
    check_same(again, content)
    check_worked_out(again, tmp_path)


@pytest.mark.slow
def test_a_changed_figure_changes_the_rate_and_not_what_is_read(tmp_path: Path) -> None:
    content = saved(filled(), "xlsx", tmp_path)
    changed = damaged(lambda book: book["Arbeit"].__setitem__("I5", 4000), content)
    again = saved(changed, "xlsx", tmp_path)
    path = tmp_path / "results.xlsx"
    path.write_bytes(again)
    assert openpyxl.load_workbook(path, data_only=True)["Arbeit"]["K5"].value == pytest.approx(4000 / 9876)
    rows = read(again).rows
    assert 4000.0 in set(rows["value"])
    assert not set(rows["value"].dropna()) & {4000 / 9876}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["xlsx", "ods"])
def test_a_reply_opens_and_can_be_sent_back(tmp_path: Path, form: str) -> None:
    content = filled()
    delivery = read(content)
    again = saved(marked(content, "stadt.xlsx", NAME, delivery.problems), form, tmp_path)
    check_same(again, content)
