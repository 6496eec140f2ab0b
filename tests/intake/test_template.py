"""The workbooks a ring hands out: which cities, which counts, what is known of each, and what is never overwritten."""

from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from integstat.catalogue import Catalogue
from integstat.cli.template import template_command
from integstat.config import load_ring
from integstat.errors import DataError, UsageError
from integstat.intake.workbook import read_workbook
from integstat.intake.workbook_template import BLANK, Earlier, asked_for, choose_cities, read_earlier, write_templates

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
WORKBOOK_RING = """
[ring]
id = "ring"
name = "Vergleichsring"
years = [2021, 2022]
data = "workbooks"
main = { R1 = "eight_years_previous", K2 = "residence" }

[ring.cities]
workbooks = true

[[source]]
id = "cities"
reader = "workbook"
file = "*.xlsx"

[[peers.feature]]
id = "pop"
name_de = "Einwohnerzahl"
name_en = "Population"
group = "size"
kind = "structural"
transform = "log"
"""

CLOSED_RING = """
[ring]
id = "closed"
name = "Geschlossener Ring"
years = [2020, 2021]
data = "data"
main = { K2 = "residence" }

[ring.cities]
source = "cities"

[[source]]
id = "cities"
reader = "tidy"
file = "cities.csv"
year = "year"
value = "value"
region = { column = "ags", name = "city" }
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "ring.toml"
    path.write_text(WORKBOOK_RING, encoding="utf-8")
    return path


def sheets(path: Path) -> list[str]:
    return list(openpyxl.load_workbook(path, read_only=True).sheetnames)


def edit(path: Path, sheet: str, **cells: object) -> None:
    book = openpyxl.load_workbook(path)
    for name, value in cells.items():
        book[sheet][name] = value
    book.save(path)


def test_a_ring_without_known_cities_gets_one_workbook_for_everybody(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], shipped: Catalogue
) -> None:
    template_command(config, tmp_path / "out")
    path = tmp_path / "out" / f"{BLANK}.xlsx"
    assert capsys.readouterr().out == f"{path}\n"
    assert sheets(path) == ["Anleitung", "Rechtliche Integration", "Bildung", "Kontext", "Maßnahmen", "Kennungen"]
    book = openpyxl.load_workbook(path)
    assert [book["Bildung"].cell(4, column).value for column in (9, 10)] == ["2021", "2022"]
    assert (book["Kontext"]["A5"].value, book["Kontext"]["B5"].value) == ("pop", "Einwohnerzahl")
    delivery = read_workbook(path, path.read_bytes(), shipped)
    assert delivery.untouched
    assert delivery.city == ""


def test_a_city_that_is_named_gets_its_own(config: Path, tmp_path: Path) -> None:
    template_command(config, tmp_path / "out", city=["03101", "05315000"], also=["E3", "K2.residence"])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["03101.xlsx", "05315000.xlsx"]
    book = openpyxl.load_workbook(tmp_path / "out" / "03101.xlsx")
    assert book["Anleitung"]["C5"].value == "03101"
    anchors = {cell.value for cell in book["Bildung"]["A"][4:]}
    assert {"K2.residence", "E3.leavers"} <= anchors
    assert len({one for one in anchors if one.startswith("E3.")}) > 1  # an indicator stands for all its definitions


@pytest.mark.parametrize(
    ("city", "what"), [("3101", "führende Null"), ("Köln", "kein Gebietsschlüssel"), ("../x", "kein Gebietsschlüssel")]
)
def test_a_key_that_is_none_is_refused_before_anything_is_written(config: Path, tmp_path: Path, city: str, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        template_command(config, tmp_path / "out", city=["03101", city])
    assert not (tmp_path / "out").exists()


def test_a_closed_ring_knows_its_cities() -> None:
    known = {"03101": "Braunschweig", "01002": "Kiel"}
    assert list(choose_cities(known, [], closed=True)) == ["01002", "03101"]
    assert choose_cities(known, ["03101"], closed=True) == {"03101": "Braunschweig"}
    assert choose_cities(known, ["05315"], closed=False) == {"05315": ""}
    with pytest.raises(UsageError, match="05315 gehört nicht zum Ring"):
        choose_cities(known, ["05315"], closed=True)


@pytest.mark.skipif(not DATA.is_dir(), reason="the real rings' data are not beside the project")
def test_a_ring_whose_figures_all_come_from_elsewhere_asks_for_nothing() -> None:
    config, catalogue = load_ring(ROOT / "configs" / "rings" / "lower_saxony.toml")
    with pytest.raises(UsageError, match="aus anderen Quellen"):
        asked_for(config, catalogue)
    assert [one.id for _, one in asked_for(config, catalogue, ["K2.residence"])] == ["residence"]


def test_a_ring_with_a_list_of_cities_knows_their_names(tmp_path: Path, shipped: Catalogue) -> None:
    config = tmp_path / "closed.toml"
    config.write_text(CLOSED_RING, encoding="utf-8")
    data = tmp_path / "data"
    data.mkdir()
    with pytest.raises(DataError, match="gibt es keine Datei"):
        template_command(config, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (data / "cities.csv").write_text("ags,city,year,value\n01002,Kiel,2020,1\n03101,Braunschweig,2020,1\n", encoding="utf-8")
    template_command(config, tmp_path / "out")
    books = {path.name: read_workbook(path, path.read_bytes(), shipped) for path in sorted((tmp_path / "out").iterdir())}
    assert {name: (book.city, book.city_name) for name, book in books.items()} == {
        "01002.xlsx": ("01002", "Kiel"),
        "03101.xlsx": ("03101", "Braunschweig"),
    }
    with pytest.raises(UsageError, match="05315 gehört nicht zum Ring"):
        template_command(config, tmp_path / "out", city=["05315"])


def test_definitions_nobody_knows_are_refused(config: Path, tmp_path: Path) -> None:
    for name in ("E3.nirgends", "Q9"):
        with pytest.raises(UsageError, match=name.split(".")[0]):
            template_command(config, tmp_path / "out", also=[name])


def test_the_whole_catalogue_where_the_ring_names_nothing(config: Path, shipped: Catalogue) -> None:
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('main = { R1 = "eight_years_previous", K2 = "residence" }\n', ""), encoding="utf-8")
    settings, _ = load_ring(config)
    assert [f"{one.id}.{definition.id}" for one, definition in asked_for(settings, shipped)] == [
        one for one in shipped.definition_ids if one in set(map(shipped.main_definition, shipped.indicators))
    ]


def test_last_years_workbooks_show_beside_the_inputs_of_their_own_city(
    ring_folder: Path, config: Path, tmp_path: Path, shipped: Catalogue
) -> None:
    books = sorted((ring_folder / "workbooks").iterdir())
    for book in books[2:]:
        book.unlink()
    edit(books[0], "Anleitung", C7="Frau Muster")
    template_command(config, tmp_path / "out", last=ring_folder / "workbooks")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [book.name for book in books[:2]]
    new, old = (openpyxl.load_workbook(path)["Bildung"] for path in (tmp_path / "out" / books[0].name, books[0]))
    keys = {tuple(cell.value for cell in row[:3]): row for row in old.iter_rows(min_row=5)}
    shown = 0
    for row in new.iter_rows(min_row=5):
        key = tuple(cell.value for cell in row[:3])
        assert row[12].value == keys[key][9].value  # the newest year of the last delivery
        assert [row[8].value, row[9].value] == [None, None]
        shown += 1
    assert shown == 4
    assert new["M4"].value == "Letzte Lieferung 2021"
    delivery = read_workbook(books[0], (tmp_path / "out" / books[0].name).read_bytes(), shipped)
    assert delivery.untouched
    assert delivery.contact == "Frau Muster"
    assert delivery.city_name.endswith("(fiktiv)")


def test_a_run_stands_for_a_last_delivery(tmp_path: Path, shipped: Catalogue) -> None:
    rows = [
        ("03101", "K2.residence", "target", 2020, 10.0, 20.0, "value", "value"),
        ("03101", "K2.residence", "target", 2021, float("nan"), 30.0, "below_3", "value"),
        ("03101", "K2.residence", "target", 2022, float("nan"), float("nan"), "missing", "missing"),
        ("01002", "K2.residence", "target", 2021, 0.0, float("nan"), "nothing", "missing"),
    ]
    table = pd.DataFrame(rows, columns=["city", "definition", "group", "year", "y", "n", "y_code", "n_code"])
    table.assign(indicator="K2", note="", place="").to_parquet(tmp_path / "counts.parquet")
    earlier = read_earlier(tmp_path, shipped)
    assert earlier["03101"] == Earlier(
        year=2021, counts={("K2.residence", "target", "numerator"): "<3", ("K2.residence", "target", "denominator"): 30.0}
    )
    assert earlier["01002"].counts == {("K2.residence", "target", "numerator"): "-"}
    (tmp_path / "findings.csv").write_text("city,city_name\n01002,Kiel\n", encoding="utf-8")
    assert [read_earlier(tmp_path, shipped)[city].name for city in ("01002", "03101")] == ["Kiel", ""]
    (tmp_path / "counts.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="lässt sich nicht lesen"):
        read_earlier(tmp_path, shipped)
    table.to_parquet(tmp_path / "counts.parquet")
    with pytest.raises(DataError, match="fehlen die Spalten indicator, note, place"):
        read_earlier(tmp_path, shipped)


def test_a_folder_that_is_no_last_delivery_is_told(ring_folder: Path, tmp_path: Path, shipped: Catalogue) -> None:
    with pytest.raises(UsageError, match="weder ein Lauf noch eine Arbeitsmappe"):
        read_earlier(tmp_path / "nirgends", shipped)
    book = min((ring_folder / "workbooks").iterdir())
    folder = tmp_path / "last"
    folder.mkdir()
    shutil.copy(book, folder / "a.xlsx")
    shutil.copy(book, folder / "b.xlsx")
    with pytest.raises(DataError, match="hat zwei Mappen"):
        read_earlier(folder, shipped)
    (folder / "b.xlsx").write_bytes(b"keine Mappe")
    with pytest.raises(DataError, match="bitte aus dem Ordner nehmen"):
        read_earlier(folder, shipped)


def test_a_filled_workbook_is_never_overwritten_without_force(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    template_command(config, out, city=["03101", "03102"])
    template_command(config, out, city=["03101", "03102"])  # nothing entered yet: nothing to lose
    blank = (out / "03102.xlsx").read_bytes()
    edit(out / "03102.xlsx", "Bildung", I5=70)
    (out / "03101.xlsx").unlink()
    with pytest.raises(UsageError, match=r"03102\.xlsx: diese Arbeitsmappe ist ausgefüllt"):
        template_command(config, out, city=["03101", "03102"])
    assert not (out / "03101.xlsx").exists()  # all of them or none
    template_command(config, out, city=["03101", "03102"], force=True)
    assert (out / "03102.xlsx").read_bytes() == blank


def test_whatever_was_entered_counts_as_filled(config: Path, tmp_path: Path) -> None:
    template_command(config, tmp_path / "out", city=["03101"])
    path = tmp_path / "out" / "03101.xlsx"
    blank = path.read_bytes()
    settings, catalogue = load_ring(config)
    for sheet, cell, value in (
        ("Maßnahmen", "B5", "Lotsen"),
        ("Anleitung", "C7", "Herr Beispiel"),
        ("Anleitung", "C8", "Mai"),
        ("Bildung", "S5", "später"),
    ):
        path.write_bytes(blank)
        edit(path, sheet, **{cell: value})
        with pytest.raises(UsageError, match="ist ausgefüllt"):
            write_templates(path.parent, settings, catalogue, cities={"03101": ""})


def test_a_file_that_is_something_else_is_left_alone(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "03101.xlsx").write_bytes(b"Notizen")
    with pytest.raises(UsageError, match=r"03101\.xlsx"):
        template_command(config, out, city=["03101"])
    assert (out / "03101.xlsx").read_bytes() == b"Notizen"
    with pytest.raises(UsageError, match="nicht anlegen"):
        template_command(config, out / "03101.xlsx" / "mappen", city=["03101"])


def test_measures_of_the_last_delivery_come_along_where_they_belong(config: Path, tmp_path: Path, shipped: Catalogue) -> None:
    from integstat.intake.measures import Measure

    settings, catalogue = load_ring(config)
    kept, moved = Measure("education", "K2", "Sprachkitas"), Measure("education", "E3", "Schulpaten", since=2019)
    lost = Measure("housing", "W1", "Wohnlotsen")
    earlier = {"03101": Earlier(name="Braunschweig", measures=(kept, moved, lost))}
    (path,) = write_templates(tmp_path / "out", settings, catalogue, cities={"03101": ""}, earlier=earlier)
    delivery = read_workbook(path, path.read_bytes(), shipped)
    assert [(one.field, one.indicator, one.title, one.since) for one in delivery.measures] == [
        ("education", "K2", "Sprachkitas", None),
        ("education", "", "Schulpaten", 2019),
    ]
    assert delivery.city_name == "Braunschweig"
    write_templates(tmp_path / "out", settings, catalogue, cities={"03101": ""}, earlier=earlier)  # prefilled is not entered
