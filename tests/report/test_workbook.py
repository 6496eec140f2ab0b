"""The workbook of findings: opens, is typed, says what the findings say, explains every column, and runs nothing."""

from __future__ import annotations

import dataclasses
import datetime
import re
import tomllib
import zipfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from integstat.errors import UsageError
from integstat.findings import FINDING_COLUMNS
from integstat.report import ReportData
from integstat.report.words import state_of
from integstat.report.workbook import about, write_workbook
from integstat.report.workbook_sheets import CODEBOOK, TABLES
from integstat.texts import Texts, languages

from .rings import MAIN, ring

LANGUAGES = languages()
NUMBERS = {"level", "points", "times", "probability", "share", "whole"}
HOSTILE = ("=1+1", "+49 911", "-2", "@SUM(A1)", "\t=1", "\r=1", "<script>alert(1)</script>", "https://x.example", "007", "{=A1}")


@pytest.fixture(scope="module")
def data() -> ReportData:
    return ring(draws=60)


@pytest.fixture(scope="module")
def files(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("books")
    made = {language: folder / f"{language}.xlsx" for language in LANGUAGES}
    for language, path in made.items():
        write_workbook(data, path, language)
    return made


@pytest.fixture(scope="module")
def books(files: dict[str, Path]) -> dict[str, Workbook]:
    return {language: openpyxl.load_workbook(path) for language, path in files.items()}


def sheet(book: Workbook, name: str, language: str = "de") -> Worksheet:
    return book[Texts(language).t(f"workbook.sheet.{name}")]


def column(page: Worksheet, table: str, key: str) -> list[object]:
    place = list({**TABLES, "codebook": CODEBOOK}[table]).index(key) + 1
    return [cell.value for cell in next(page.iter_cols(min_col=place, max_col=place, min_row=2))]


def small(**changes: object) -> ReportData:
    return ring(count=6, main=MAIN[5:], others=(), draws=20, **changes)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ring whose cities, problems and name are what a spreadsheet might run."""
    made = ring(count=len(HOSTILE), main=MAIN[5:], others=(), draws=20, ring_name=HOSTILE[0])
    cities = made.cities.assign(name=HOSTILE)
    names = dict(zip(cities["city"], HOSTILE, strict=True))
    grid = made.findings.grid.assign(city_name=made.findings.grid["city"].map(names))
    problems = made.problems.iloc[: len(HOSTILE)].assign(what=HOSTILE, file=HOSTILE)
    path = tmp_path_factory.mktemp("hostile") / "book.xlsx"
    findings = dataclasses.replace(made.findings, grid=grid)
    write_workbook(dataclasses.replace(made, cities=cities, problems=problems, findings=findings), path)
    return path


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sheet_is_there_and_named_in_the_language(books: dict[str, Workbook], language: str) -> None:
    wanted = [Texts(language).t(f"workbook.sheet.{name}") for name in ("about", *TABLES, "codebook")]
    assert books[language].sheetnames == wanted


@pytest.mark.parametrize("name", [*TABLES, "codebook"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_heads_are_frozen_and_filtered(books: dict[str, Workbook], language: str, name: str) -> None:
    page, texts = sheet(books[language], name, language), Texts(language)
    columns = {**TABLES, "codebook": CODEBOOK}[name]
    assert [cell.value for cell in page[1]] == [texts.t(f"workbook.column.{key}") for key in columns]
    assert all(cell.alignment.wrap_text and cell.font.bold for cell in page[1])
    assert page.freeze_panes == "C2"
    assert page.auto_filter.ref == page.dimensions
    assert len({cell.value for cell in page[1]}) == len(columns)


def test_numbers_are_those_of_the_findings(books: dict[str, Workbook], data: ReportData) -> None:
    for name, frame in (("findings", data.findings.grid), ("definitions", data.findings.others), ("fields", data.beside.fields)):
        page = sheet(books["de"], name)
        for key in [key for key, kind in TABLES[name].items() if kind in NUMBERS]:
            shown = np.array([np.nan if one is None else one for one in column(page, name, key)], dtype=float)
            written = np.array([float(f"{value:.6g}") for value in frame[key]])  # as many digits as findings.csv has
            np.testing.assert_array_equal(shown, written, err_msg=key)


def test_words_are_those_of_the_report(books: dict[str, Workbook], data: ReportData) -> None:
    for language, book in books.items():
        texts, grid = Texts(language), data.findings.grid
        shown = column(sheet(book, "findings", language), "findings", "finding")
        assert shown == [texts.t(f"word.{state_of(row)}") for _, row in grid.iterrows()]
    assert {"Erfolg", "Defizit", "offen", "nicht schätzbar"} <= set(column(sheet(books["de"], "findings"), "findings", "finding"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_cells_have_types(books: dict[str, Workbook], language: str) -> None:
    kinds = {"text": "s", "sentence": "s", "flag": "b"} | dict.fromkeys(NUMBERS, "n")
    for name, columns in (*TABLES.items(), ("codebook", CODEBOOK)):
        for row in sheet(books[language], name, language).iter_rows(min_row=2):
            for cell, kind in zip(row, columns.values(), strict=True):
                if cell.value is not None:
                    assert cell.data_type == kinds[kind], (name, cell.coordinate)
                    assert cell.hyperlink is None


def test_keys_of_cities_stay_text(books: dict[str, Workbook], data: ReportData) -> None:
    assert column(sheet(books["de"], "findings"), "findings", "city") == list(data.findings.grid["city"])


def test_gaps_are_empty_cells(books: dict[str, Workbook], data: ReportData) -> None:
    robustness = column(sheet(books["de"], "findings"), "findings", "robustness")
    assert robustness == [None] * len(data.findings.grid)
    missing = data.findings.grid["relative_change_mean"].isna()
    shown = column(sheet(books["de"], "findings"), "findings", "relative_change_mean")
    assert missing.any() and [value is None for value in shown] == list(missing)


def test_robustness_is_a_share(tmp_path: Path) -> None:
    made = small()
    grid = made.findings.grid.assign(robustness=np.linspace(0, 1, len(made.findings.grid)))
    write_workbook(dataclasses.replace(made, findings=dataclasses.replace(made.findings, grid=grid)), tmp_path / "book.xlsx")
    page = sheet(openpyxl.load_workbook(tmp_path / "book.xlsx"), "findings")
    assert column(page, "findings", "robustness") == pytest.approx(list(grid["robustness"]), rel=1e-6)


def test_every_open_or_declared_cell_has_its_reason(books: dict[str, Workbook]) -> None:
    page = sheet(books["de"], "findings")
    for word, reason in zip(column(page, "findings", "finding"), column(page, "findings", "reasons"), strict=True):
        assert word == "stabil" or reason, word


def test_no_count_and_nothing_that_gives_one() -> None:
    forbidden = {"y", "n", "relative_change_persons", "standing_persons"}
    assert not forbidden & {key for columns in TABLES.values() for key in columns}
    for name in ("findings", "definitions"):
        assert {key for key, kind in TABLES[name].items() if kind in NUMBERS} <= set(FINDING_COLUMNS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_codebook_explains_every_column(books: dict[str, Workbook], language: str) -> None:
    texts = Texts(language)
    rows = list(sheet(books[language], "codebook", language).iter_rows(min_row=2, values_only=True))
    named = [(row[0], row[1]) for row in rows]
    wanted = [
        (texts.t(f"workbook.sheet.{name}"), str(cell.value))
        for name in (*TABLES, "codebook")
        for cell in sheet(books[language], name, language)[1]
    ]
    assert named == wanted
    assert all(row[3] and row[4] and row[5] for row in rows)


def test_first_sheet_says_what_this_is(books: dict[str, Workbook], data: ReportData) -> None:
    told = {row[0]: row[1] for row in sheet(books["de"], "about").iter_rows(min_row=3, values_only=True)}
    assert told["Ring"] == "Probering" and told["Berichtsjahre"] == "2020 und 2021" and told["Zahl der Städte"] == "24"
    assert "erfunden" in told["Herkunft der Zahlen"]
    assert all(name in told["Stand der Definitionen"] for name in data.main.values())
    assert "80\u202f%" in told["Wie sicher ein Befund ist"] and "10\u202f%" in told["Wie sicher ein Befund ist"]
    real = dict(about(dataclasses.replace(data, fictional=False), Texts("de")))
    assert "erfunden" not in real["Herkunft der Zahlen"]


def test_verified_definitions_are_not_called_reconstructed() -> None:
    made = small()
    indicator = made.catalogue.indicators["L2"]
    proven = {"verified_against_report": True, "verified_on": datetime.date(2024, 1, 1)}
    entries = tuple(one.model_copy(update=proven) for one in indicator.definition)
    indicators = made.catalogue.indicators | {"L2": indicator.model_copy(update={"definition": entries})}
    verified = dataclasses.replace(made, catalogue=dataclasses.replace(made.catalogue, indicators=indicators))
    told = dict(about(verified, Texts("de")))["Stand der Definitionen"]
    assert told == Texts("de").t("workbook.about.all_verified") != dict(about(made, Texts("de")))["Stand der Definitionen"]


def test_text_stays_text(hostile: Path) -> None:
    book = openpyxl.load_workbook(hostile)
    for table, key in (("findings", "city_name"), ("problems", "what"), ("problems", "file")):
        place = list(TABLES[table]).index(key) + 1
        cells = next(sheet(book, table).iter_cols(min_col=place, max_col=place, min_row=2))
        assert [unescape(cell.value) for cell in cells] == list(HOSTILE)
        assert {cell.data_type for cell in cells} == {"s"}
    with zipfile.ZipFile(hostile) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    assert not [name for name in parts if re.search(r"vba|externalLink|connections|calcChain|[.]bin", name)]
    active = (b"<f>", b"<f ", b"<hyperlink", b"<script", b'TargetMode="External"')
    assert not [name for name, content in parts.items() if any(one in content for one in active)]


def test_same_data_same_bytes(data: ReportData, files: dict[str, Path], tmp_path: Path) -> None:
    write_workbook(data, tmp_path / "again.xlsx")
    assert (tmp_path / "again.xlsx").read_bytes() == files["de"].read_bytes()
    with zipfile.ZipFile(files["de"]) as packed:
        assert {one.date_time for one in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = packed.read("docProps/core.xml").decode()
    assert set(re.findall(r"\d{4}-\d\d-\d\dT[\d:]+Z", core)) == {"2022-01-01T00:00:00Z"}


def test_one_year_tells_of_no_change(tmp_path: Path) -> None:
    path = tmp_path / "one.xlsx"
    write_workbook(small(years=(2021,)), path)
    book = openpyxl.load_workbook(path)
    labels = [row[0] for row in sheet(book, "about").iter_rows(values_only=True)]
    assert Texts("de").t("workbook.about.word_success") not in labels
    assert set(column(sheet(book, "findings"), "findings", "change_mean")) == {None}


def test_without_peers_and_problems_sheets_are_empty_but_there(tmp_path: Path) -> None:
    made = small()
    path = tmp_path / "bare.xlsx"
    bare = dataclasses.replace(made, partitions=None, peers=made.peers.iloc[:0], problems=made.problems.iloc[:0])
    write_workbook(bare, path, "de")
    book = openpyxl.load_workbook(path)
    assert sheet(book, "peers").max_row <= 2 and sheet(book, "problems").max_row <= 2


def test_no_such_language_leaves_no_file(data: ReportData, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Sprache"):
        write_workbook(data, tmp_path / "no.xlsx", "xx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("language", LANGUAGES)
@given(p=st.floats(0, 1))
def test_format_of_probabilities_agrees_with_the_texts(language: str, p: float) -> None:
    """The sections of the number format split where `Texts.percent` opens the ends."""
    texts = Texts(language)
    high, low, middle = texts.t("workbook.format.probability").split(";")
    assert high.startswith("[>=0.995]") and low.startswith("[<=0.005]")
    assume(min(abs(p - 0.995), abs(p - 0.005)) > 1e-9)
    section = high if p >= 0.995 else low if p <= 0.005 else middle.replace("0", str(round(100 * p)), 1)
    assert plain(section) == plain(texts.percent(p))


def plain(shown: str) -> str:
    """Without conditions, quotes and spaces."""
    return re.sub(r'\[[^]]*\]|"|\s', "", shown)


def _paths(tree: Mapping[str, object], prefix: str = "") -> set[str]:
    return {
        path
        for name, value in tree.items()
        for path in (_paths(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}"})
    }


def test_texts_cover_what_the_sheets_need_in_both_languages() -> None:
    files = {one: resources.files("integstat.texts") / one / "workbook.toml" for one in ("de", "en")}
    keys = {one: _paths(tomllib.loads(file.read_text(encoding="utf-8"))) for one, file in files.items()}
    assert keys["de"] == keys["en"]
    used = {key for columns in (*TABLES.values(), CODEBOOK) for key in columns}
    for part in ("column", "meaning"):
        assert {key.removeprefix(f"workbook.{part}.") for key in keys["de"] if key.startswith(f"workbook.{part}.")} == used


def test_flags_of_the_findings_have_words(data: ReportData) -> None:
    known = set(re.findall(r"[a-z_]+", pd.Series(data.findings.grid["flags"]).str.cat(sep=";")))
    assert known and all(Texts("de").t(f"workbook.flag.{flag}") for flag in known)
