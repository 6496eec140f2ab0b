"""The whole way from files to panel: cities, several files, workbooks, hashes, context."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from integstat.intake.measures import MEASURE_COLUMNS, Measure
from integstat.intake.problems import Problem, problem_table
from integstat.intake.take_in import take_in

from .rings import COUNTS, Ring

WORKBOOKS = """\
[ring]
id = "books"
name = "Ring aus Arbeitsmappen"
years = [2020, 2021]
data = "data"
main = { T1 = "all" }

[ring.cities]
workbooks = true

[[source]]
id = "books"
reader = "workbook"
file = "*.xlsx"
"""


def test_files_are_hashed_as_they_were_read(ring: Ring) -> None:
    assert ring.take_in().files == {"counts.csv": hashlib.sha256(COUNTS.encode()).hexdigest()}


def test_one_file_under_two_sources_is_read_once(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    ring.configure('[[series]]\nid = "y_germans"\nsource = "counts"', '[[series]]\nid = "y_germans"\nsource = "again"')
    source = ring.config[ring.config.index("[[source]]") : ring.config.index("[[series]]")]
    ring.config = ring.config.replace("[[series]]", source.replace('id = "counts"', 'id = "again"') + "[[series]]", 1)
    opened: list[str] = []
    original = Path.open

    def counting(self: Path, *args: object, **options: object) -> object:
        if self.suffix == ".csv" and args and args[0] == "rb":
            opened.append(self.name)
        return original(self, *args, **options)  # type: ignore[call-overload]

    path = ring.write()
    monkeypatch.setattr(Path, "open", counting)
    assert len(ring.take_in().panel.counts) == 12
    assert path.is_file()
    assert opened == ["counts.csv"]


def test_files_by_pattern_are_put_together(ring: Ring) -> None:
    lines = COUNTS.splitlines(keepends=True)
    ring.files = {
        f"{year}/counts.csv": "".join([lines[0], *[line for line in lines if f",{year}," in line]]) for year in (2020, 2021)
    }
    ring.configure('"counts.csv"', '"*/counts.csv"')
    delivery = ring.take_in()
    assert delivery.problems == ()
    assert sorted(delivery.files) == ["2020/counts.csv", "2021/counts.csv"]
    assert len(delivery.panel.counts) == 12


@pytest.mark.parametrize(
    ("condition", "cities", "said"),
    [
        (
            'where = { city = ["Kiel", "Hamburg"] }',
            ["01002", "02000"],
            "1 Gebiet bleibt außen vor (nicht city = Kiel oder Hamburg): 03101",
        ),
        ('without = ["02000"]', ["01002", "03101"], "(in der Konfiguration ausgenommen): 02000 Hamburg"),
        ('only = ["02000"]', ["02000"], ""),
        (
            'minimum = { series = "n_germans", year = 2020, value = 9000 }',
            ["01002", "02000"],
            "(2020 unter 9.000 oder ohne Zahl): 03101",
        ),
    ],
)
def test_choice_of_cities(ring: Ring, condition: str, cities: list[str], said: str) -> None:
    delivery = ring.configure('[ring.cities]\nsource = "counts"', f'[ring.cities]\nsource = "counts"\n{condition}').take_in()
    assert list(delivery.panel.cities["city"]) == cities
    assert set(delivery.panel.counts["city"]) == set(cities)
    assert [problem.severity for problem in delivery.problems] == (["hint"] if said else [])
    assert all(said in problem.what for problem in delivery.problems)


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ('only = ["04011"]', "die Stadt 04011 steht nicht in der Datei"),
        ('where = { city = "Bremen" }', "keine Stadt erfüllt die Bedingungen"),
        ('where = { town = "Kiel" }', "die Spalte 'town' fehlt"),
        ('only = ["03241", "03241001"]', "03241001 ist ein Teil von 03241, beide sind im Ring"),
    ],
)
def test_choice_of_cities_that_cannot_be(ring: Ring, condition: str, what: str) -> None:
    lines = COUNTS.splitlines(keepends=True)
    ring.files["counts.csv"] = "".join(
        [*lines, *[line.replace("03101", key) for key in ("03241", "03241001") for line in lines[9:]]]
    )
    ring.configure('[ring.cities]\nsource = "counts"', f'[ring.cities]\nsource = "counts"\n{condition}')
    assert any(what in problem.what for problem in ring.problems("error"))


def test_context_comes_from_expressions(ring: Ring) -> None:
    ring.config += """
[context]
year = 2020

[context.features]
pop = "n_foreigners + n_germans"
share = "n_foreigners / (n_foreigners + n_germans) * 100"
"""
    context = ring.take_in().context
    assert context is not None
    assert context.year == 2020
    assert context.features.loc["01002", "pop"] == 10321
    assert context.features.loc["01002", "share"] == pytest.approx(100 * 1210 / 10321)


def test_a_file_that_cannot_be_read_does_not_hide_the_others(ring: Ring) -> None:
    ring.files["more.csv"] = b"%PDF"
    ring.config = ring.config.replace(
        "[[series]]",
        '[[source]]\nid = "more"\nreader = "tidy"\nfile = "more.csv"\nyear = "year"\nregion = { column = "ags" }\n\n[[series]]',
        1,
    ).replace('id = "y_germans"\nsource = "counts"', 'id = "y_germans"\nsource = "more"')
    ring.edit(",301,", ",-301,")
    whats = [problem.what for problem in ring.problems("error")]
    assert any("ein PDF" in what for what in whats)
    assert any("ist negativ" in what for what in whats)


def test_problems_as_a_table(ring: Ring) -> None:
    ring.edit(",301,", ",-301,").edit(",3224,", ",.,")
    table = problem_table(ring.problems())
    assert list(table.columns) == ["severity", "file", "place", "what", "mend", "city", "definition", "value", "check"]
    assert table["severity"].tolist() == ["error", "hint"]


# --- workbooks: the reader is another's; here only what is made of its answers counts


@dataclass(frozen=True)
class Book:
    """What a reader of workbooks hands on."""

    file: str
    city: str
    city_name: str
    rows: pd.DataFrame
    context: dict[str, float] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    measures: tuple[Measure, ...] = ()


def book(name: str, city: str, context: dict[str, float]) -> Book:
    made = [
        (city, "T1.all", group, year, part, value, "value", "", name, f"Blatt 'Arbeit', Zelle {group}{year}{part}")
        for group in ("target", "reference")
        for year in (2020, 2021)
        for part, value in (("numerator", 11.0), ("denominator", 103.0))
    ]
    columns = ["city", "definition", "group", "year", "part", "value", "code", "note", "file", "place"]
    return Book(name, city, f"Stadt {city}", pd.DataFrame(made, columns=columns), context)


@pytest.fixture
def books(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> dict[str, Book]:
    """Workbooks by file name, as the reader would answer."""
    answers = {"a.xlsx": book("a.xlsx", "91001", {"pop": 1.0, "density": 2.0}), "b.xlsx": book("b.xlsx", "92001", {"pop": 3.0})}
    reader = ModuleType("integstat.intake.workbook")
    reader.read_workbook = lambda path, content, catalogue, name: answers[name]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "integstat.intake.workbook", reader)
    ring.config = WORKBOOKS
    ring.files = {"a.xlsx": b"a", "b.xlsx": b"b", "~$a.xlsx": b"left by Excel"}
    return answers


def test_workbooks_bring_cities_counts_and_context(ring: Ring, books: dict[str, Book]) -> None:
    delivery = ring.take_in()
    assert list(delivery.panel.cities["land_name"]) == ["Land 91 (fiktiv)", "Land 92 (fiktiv)"]
    assert len(delivery.panel.counts) == 8
    assert delivery.context is not None
    assert delivery.context.year == 2020
    assert delivery.context.features["pop"].to_dict() == {"91001": 1.0, "92001": 3.0}
    (problem,) = delivery.problems
    assert (problem.severity, problem.file, problem.city) == ("doubt", "b.xlsx", "92001")
    assert "das Merkmal 'density' fehlt bei 92001" in problem.what


def test_the_same_city_in_two_workbooks(ring: Ring, books: dict[str, Book]) -> None:
    books["b.xlsx"] = book("b.xlsx", "91001", {})
    (problem,) = ring.problems("error")
    assert (problem.file, problem.city) == ("b.xlsx", "91001")
    assert problem.what == "die Stadt 91001 hat schon eine Arbeitsmappe geliefert (a.xlsx)"
    assert "eine der beiden Mappen entfernen" in problem.mend
    assert len(ring.take_in().panel.counts) == 4


def test_measures_come_from_the_workbooks_of_the_ring_sorted(ring: Ring, books: dict[str, Book]) -> None:
    told = {
        "b.xlsx": (Measure("test", "", "Feld", row=6), Measure("", "", "ohne", row=7)),
        "a.xlsx": (Measure("test", "T1", "x"),),
    }
    for name, measures in told.items():
        books[name] = replace(books[name], measures=measures)
    table = ring.take_in().measures
    assert tuple(table.columns) == MEASURE_COLUMNS
    assert list(zip(table["city"], table["file"], table["title"], table["row"], strict=True)) == [
        ("91001", "a.xlsx", "x", 0),
        ("92001", "b.xlsx", "ohne", 7),
        ("92001", "b.xlsx", "Feld", 6),
    ]


def test_a_ring_of_tables_has_no_measures(ring: Ring) -> None:
    table = ring.take_in().measures
    assert (len(table), tuple(table.columns)) == (0, MEASURE_COLUMNS)


def test_workbooks_without_any_city(ring: Ring, books: dict[str, Book]) -> None:
    for name in books:
        books[name] = book(name, "", {})
    assert any("keine Arbeitsmappe nennt eine Stadt" in problem.what for problem in ring.problems("error"))


def test_a_workbook_as_a_city_sends_it(ring: Ring) -> None:
    """The way from the ring's own workbook to the panel, with its real reader."""
    from integstat.intake.workbook_writer import write_workbook

    ring.config = WORKBOOKS
    ring.files = {}
    path = ring.write()
    keys = [
        (group, year, part) for group in ("target", "reference") for year in (2020, 2021) for part in ("numerator", "denominator")
    ]
    for city in ("91001", "92001"):
        write_workbook(
            ring.folder / "data" / f"{city}.xlsx",
            ring_name="Ring",
            city=city,
            city_name=f"Stadt {city}",
            years=(2020, 2021),
            catalogue_entries=[ring.catalogue.definition("T1.all")],
            field_names={"test": "Test"},
            count_names={"a": "Zähler", "b": "Nenner"},
            counts={("T1.all", *key): 12.0 if key[2] == "numerator" else 345.0 for key in keys},
            context={"pop": 1000.0},
            context_names={"pop": "Bevölkerung"},
        )
    delivery = take_in(ring.settings(), path, ring.catalogue)
    assert [problem for problem in delivery.problems if problem.severity == "error"] == []
    assert len(delivery.panel.counts) == 8
    assert set(delivery.panel.counts["y"]) == {12.0}
    assert sorted(delivery.files) == ["91001.xlsx", "92001.xlsx"]
    assert delivery.context is not None
    assert delivery.context.features["pop"].tolist() == [1000.0, 1000.0]
