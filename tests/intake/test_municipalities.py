"""The municipality directory: keys from their parts, sums for the Kreise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from integstat.intake.municipalities import read_municipalities
from integstat.intake.problems import UnreadableFile

from .reading import book, cells, file_of, read_series, source

HEADER: list[list[Any]] = [
    ["Gemeinden in Deutschland nach Fläche, Bevölkerung und Postleitzahl am 31.12.2021 (Jahr)"],
    [],
    ["Satz-art", "Text-kenn-zeichen", "Amtlicher Regionalschlüssel (ARS)", *[None] * 4, "Gemeindename", "Fläche km2 1)",
     "Bevölkerung2)", None, None, None],
    [None, None, "Land", "RB", "Kreis", "VB", "Gem", None, None, "insgesamt", "männlich", "weiblich", "je km2"],
    [None, None, "Gebietsstand am 31.12.2021 (Jahr)", None, None, None, None, None, "31.12.2021 (Jahr)"],
    [],
]  # fmt: skip
ROWS: list[list[Any]] = [
    ["10", None, "01", None, None, None, None, "Schleswig-Holstein"],
    ["40", "41", "01", "0", "02", None, None, "Kiel, Landeshauptstadt"],
    ["50", "50", "01", "0", "02", "0000", None, "Kiel, Landeshauptstadt"],
    ["60", "61", "01", "0", "02", "0000", "000", "Kiel, Landeshauptstadt", 118.65, 246243, 119860, 126383, 2075],
    ["40", "43", "01", "0", "51", None, None, "Dithmarschen"],
    ["60", "63", "01", "0", "51", "0011", "011", "Brunsbüttel, Stadt", 65.21, 12381, 6202, 6179, 190],
    ["60", "63", "01", "0", "51", "0044", "044", "Heide, Stadt", 31.97, 21844, 10556, 11288, 683],
    ["40", "43", "01", "0", "53", None, None, "Herzogtum Lauenburg"],
    ["60", "66", "01", "0", "53", "9999", "999", "Sachsenwald, gemeindefreies Gebiet", 58.5, None, None, None, None],
]
FOOT = [[], ["Quelle: Gemeindeverzeichnis-Informationssystem GV-ISys"]]
SPEC = source("municipalities", file="f.xlsx")
REAL = Path(__file__).parents[3] / "shared" / "data" / "municipalities" / "31122021_Auszug_GV.xlsx"


def directory(rows: list[list[Any]] = ROWS, header: list[list[Any]] = HEADER) -> Any:
    return file_of(book([*header, *rows, *FOOT], ["C3:G3"], "Onlineprodukt_Gemeinden", ["Inhalt"]), "f.xlsx")


def test_names_keys_area_and_population() -> None:
    table = read_municipalities(directory(), SPEC)
    assert table.frame.drop(columns="__line").to_numpy().tolist() == [
        ["Kreis", "01002", "Kiel, Landeshauptstadt", "31.12.2021", "118,65", "246243", "119860", "126383"],
        ["Gemeinde", "01002000", "Kiel, Landeshauptstadt", "31.12.2021", "118,65", "246243", "119860", "126383"],
        ["Kreis", "01051", "Dithmarschen", "31.12.2021", "97,18", "34225", "16758", "17467"],
        ["Gemeinde", "01051011", "Brunsbüttel, Stadt", "31.12.2021", "65,21", "12381", "6202", "6179"],
        ["Gemeinde", "01051044", "Heide, Stadt", "31.12.2021", "31,97", "21844", "10556", "11288"],
        ["Kreis", "01053", "Herzogtum Lauenburg", "31.12.2021", "58,50", "", "", ""],
        ["Gemeinde", "01053999", "Sachsenwald, gemeindefreies Gebiet", "31.12.2021", "58,5", "", "", ""],
    ]


def test_a_series_of_kreise() -> None:
    found = read_series(directory(), SPEC, {"Satzart": "Kreis"}, value="Bevölkerung")
    assert cells(found) == {
        ("01002", 2021): (246243.0, "value"),
        ("01051", 2021): (34225.0, "value"),
        ("01053", 2021): (-1.0, "missing"),
    }
    assert found.figures["01051", 2021].place == "Zeile 11, Spalte Bevölkerung"


def test_zeros_lost_in_a_spreadsheet_come_back_from_the_widths() -> None:
    rows = [[int(cell) if isinstance(cell, str) and cell.isdigit() else cell for cell in row] for row in ROWS]
    assert list(read_municipalities(directory(rows), SPEC).frame["AGS"]) == list(
        read_municipalities(directory(), SPEC).frame["AGS"]
    )


@pytest.mark.parametrize(
    ("rows", "header", "place", "what"),
    [
        (ROWS, [HEADER[0], HEADER[1], HEADER[2], ["Land"]], "", "kein Blatt hat die Überschriften Land, RB, Kreis, VB, Gem"),
        ([*ROWS, ROWS[3]], HEADER, "Zeile 16", "der Schlüssel 01002000 steht schon in Zeile 10"),
        ([[*ROWS[3][:4], "2a", *ROWS[3][5:]]], HEADER, "Zelle E7", "'2a' ist kein Teil eines Schlüssels (Kreis)"),
        ([[*ROWS[3][:4], None, *ROWS[3][5:]]], HEADER, "Zelle E7", "der Teil 'Kreis' des Schlüssels fehlt"),
        (ROWS[:3], HEADER, "", "unter den Überschriften steht keine Gemeinde"),
        (ROWS, [["Gemeinden"], *HEADER[1:4], [], []], "", "über der Tabelle steht kein Gebietsstand"),
        (ROWS, [*HEADER[:2], [*HEADER[2][:8], "Größe"], *HEADER[3:]], "Zeile 4", "die Spalte 'Fläche' fehlt"),
    ],
)
def test_broken_directories(rows: Any, header: Any, place: str, what: str) -> None:
    with pytest.raises(UnreadableFile) as raised:
        read_municipalities(directory(rows, header), SPEC)
    sheet = "" if what.startswith("kein Blatt") else "Blatt 'Onlineprodukt_Gemeinden'"
    assert raised.value.problem.place == ", ".join(part for part in (sheet, place) if part)
    assert what in raised.value.problem.what
    assert raised.value.problem.mend


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_file(), reason="the real data lie in ../shared/data, which is not here")
def test_the_real_directory() -> None:
    table = read_municipalities(file_of(REAL.read_bytes(), "f.xlsx"), SPEC)
    frame = table.frame
    assert frame["Satzart"].value_counts().to_dict() == {"Gemeinde": 10997, "Kreis": 400}
    kreise = frame[frame["Satzart"] == "Kreis"].set_index("AGS")
    assert kreise.loc["01002", ["Name", "Fläche", "Bevölkerung"]].tolist() == ["Kiel, Landeshauptstadt", "118,65", "246243"]
    assert sum(int(text) for text in kreise["Bevölkerung"]) == 83_237_124  # Germany at the end of 2021
    assert "16056" not in kreise.index  # Eisenach, part of the Wartburgkreis since July 2021
