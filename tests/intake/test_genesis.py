"""GENESIS exports: several header lines, footnotes, signs; and what can be broken about them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from integstat.intake.files import FileContent, read_once
from integstat.intake.genesis import read_genesis
from integstat.intake.problems import UnreadableFile
from integstat.intake.settings import SourceSettings

from .reading import cells, keyed, read_series
from .rings import Ring

REAL = Path(__file__).parents[3] / "shared" / "data" / "genesis"

EXPORT = """\
GENESIS-Tabelle: 99999-01
Bevölkerung: Kreise, Stichtag,;;;;;
Nationalität, Geschlecht;;;;;
Stichtag: 31.12.2020;;;;;
;;Deutsche;Deutsche;Ausländer;Ausländer
;;männlich;weiblich;männlich;weiblich
;;Anzahl;Anzahl;Anzahl;Anzahl
DG;Deutschland;40.001.000;41.000.000;5.000.000;5.100.000
01;  Schleswig-Holstein;1.300.000;1.310.000;120.000;110.000
01002;      Kiel, kreisfreie Stadt;104.000;108.000;-;.
03101;      Braunschweig, kreisfreie Stadt;110000;112500,5;/;x
__________
"zu ""gesamter Tabelle"":
Ab 2011: Grundlage Zensus 2011."
© Statistische Ämter des Bundes und der Länder, 2021
"""

SOURCE = """
[[source]]
id = "stock"
reader = "genesis"
file = "stock.csv"
leading = ["AGS", "Kreis"]
header = ["Nationalität", "Geschlecht", "Einheit"]
year = "Stichtag"
region = { column = "AGS", name = "Kreis" }
"""


def source(**changes: object) -> SourceSettings:
    usual: dict[str, object] = {
        "id": "stock",
        "reader": "genesis",
        "file": "stock.csv",
        "leading": ("AGS", "Kreis"),
        "header": ("Nationalität", "Geschlecht", "Einheit"),
        "year": "Stichtag",
        "region": {"column": "AGS", "name": "Kreis"},
    }
    return SourceSettings.model_validate(usual | changes)


def real(spec: SourceSettings) -> FileContent:
    """The published file that a source names."""
    return read_once(REAL / spec.files[0])


def file_of(text: str, encoding: str = "iso-8859-1") -> FileContent:
    content = text.encode(encoding)
    return FileContent(Path("stock.csv"), "stock.csv", content, hashlib.sha256(content).hexdigest())


def test_long_form_keeps_header_lines_places_and_title() -> None:
    table = read_genesis(file_of(EXPORT), source())
    frame = table.frame
    assert len(frame) == 4 * 4
    row = frame[(frame["AGS"] == "03101") & (frame["Nationalität"] == "Ausländer") & (frame["Geschlecht"] == "weiblich")]
    assert row[["Kreis", "Einheit", "Wert", "Stichtag"]].iloc[0].tolist() == [
        "Braunschweig, kreisfreie Stadt",
        "Anzahl",
        "x",
        "31.12.2020",
    ]
    assert table.places(row, "Wert") == ["Zeile 11, Spalte 6"]


@pytest.mark.parametrize(
    ("old", "new", "place", "what"),
    [
        ("GENESIS-Tabelle", "Tabelle", "Zeile 1", "beginnt nicht mit 'GENESIS-Tabelle'"),
        ("__________", "Fußnote", "Zeile 15", "die Datei ist abgeschnitten"),
        (";;männlich;weiblich;männlich;weiblich\n", "", "Zeile 5", "2 Kopfzeilen, die Konfiguration nennt 3"),
        (
            ";;Deutsche;Deutsche;Ausländer;Ausländer\n;;männlich;weiblich;männlich;weiblich\n;;Anzahl;Anzahl;Anzahl;Anzahl\n",
            "",
            "",
            "die Kopfzeilen über den Zahlen fehlen",
        ),
        (
            ";;Anzahl;Anzahl;Anzahl;Anzahl",
            ";Personen;Anzahl;Anzahl;Anzahl;Anzahl",
            "Zeile 5",
            "1 Vorspalten, die Konfiguration nennt 2",
        ),
        ("104.000;108.000;-;.", "104.000;108.000", "Zeile 10", "4 Felder statt 6"),
        ("110000;112500,5;/;x", "110000", "Zeile 11", "bricht mitten in der Zeile ab"),
    ],
)
def test_broken_exports(old: str, new: str, place: str, what: str) -> None:
    assert old in EXPORT
    with pytest.raises(UnreadableFile) as raised:
        read_genesis(file_of(EXPORT.replace(old, new)), source())
    assert (raised.value.problem.file, raised.value.problem.place) == ("stock.csv", place)
    assert what in raised.value.problem.what
    assert raised.value.problem.mend


def test_export_saved_again_as_utf8_is_seen() -> None:
    with pytest.raises(UnreadableFile, match="die Datei ist UTF-8, angekündigt ist ISO-8859-1"):
        read_genesis(file_of(EXPORT, "utf-8"), source())
    assert len(read_genesis(file_of(EXPORT, "utf-8"), source(encoding="utf-8")).frame) == 16


def test_no_rows_below_the_header() -> None:
    start, end = EXPORT.index("DG;"), EXPORT.index("____")
    with pytest.raises(UnreadableFile, match="unter den Kopfzeilen steht keine Zeile mit Zahlen"):
        read_genesis(file_of(EXPORT[:start] + EXPORT[end:]), source())


@pytest.fixture
def stock(ring: Ring) -> Ring:
    """A ring whose context comes from an export."""
    ring.files["stock.csv"] = EXPORT.encode("iso-8859-1")
    ring.config += SOURCE
    ring.config += """
[[series]]
id = "men"
source = "stock"
where = { "Nationalität" = "Deutsche", Geschlecht = "männlich" }

[[series]]
id = "all_germans"
source = "stock"
where = { "Nationalität" = "Deutsche", Geschlecht = ["männlich", "weiblich"] }
measure = "mean"
sum = true

[[series]]
id = "foreign_women"
source = "stock"
where = { "Nationalität" = "Ausländer", Geschlecht = "weiblich" }

[context]
year = 2020

[context.features]
men = "men"
germans = "all_germans"
"""
    return ring


def test_figures_signs_and_higher_regions(stock: Ring) -> None:
    delivery = stock.take_in()
    assert delivery.context is not None
    assert delivery.context.features.loc["03101"].to_dict() == {"men": 110000.0, "germans": 222500.5}
    assert delivery.context.features.loc["01002", "germans"] == 212000
    said = [problem.what for problem in delivery.problems]
    assert any(
        "Bund, Land oder Region" in what and "2 Zeilen übergangen (01 Schleswig-Holstein, DG Deutschland)" in what
        for what in said
    )
    assert any("das Merkmal 'men' fehlt bei 02000" in what for what in said)


def test_a_feature_nobody_has_is_an_error(stock: Ring) -> None:
    stock.configure('men = "men"', 'foreign_women = "foreign_women"')
    errors = stock.problems("error")
    assert [problem.what for problem in errors] == ["das Merkmal 'foreign_women' hat bei keiner Stadt eine Zahl"]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real data lie in ../shared/data, which is not here")
def test_real_exports() -> None:
    unemployed = source(
        leading=("Jahr", "AGS", "Kreis"), header=("Merkmal", "Gruppe", "Einheit"), year="Jahr", file="13211-02-05-4_2015-2020.csv"
    )
    found = read_series(real(unemployed), unemployed, {"Merkmal": "Arbeitslose", "Gruppe": "Ausländer"})
    assert cells(found)["01002", 2020] == (3415.0, "value")
    assert len(found.figures) > 390
    employees = source(
        leading=("AGS", "Kreis", "Zweig"),
        header=("Wort", "Nationalität", "Wörter", "Geschlecht"),
        file="13111-07-05-4_2020.csv",
    )
    where = {"Zweig": "Produzierendes Gewerbe (B-F)", "Nationalität": "Ausländer(innen)", "Geschlecht": "Insgesamt"}
    table, problems = keyed(real(employees), employees)
    assert {problem.severity for problem in problems} == {"hint"}
    germany = table.frame[(table.frame["AGS"] == "DG") & (table.frame[list(where)] == list(where.values())).all(axis=1)]
    assert germany[["Wert", "Stichtag"]].to_numpy().tolist() == [["1166970", "30.06.2020"]]
