"""INKAR exports: the website's table with two header lines, and the tidy bulk file."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pandas as pd
import pytest

from integstat.intake.inkar import read_inkar
from integstat.intake.problems import UnreadableFile

from .reading import cells, file_of, keyed, read_series, source

WIDE = """\
Kennziffer;Raumeinheit;Aggregat;Arbeitslosenquote;Arbeitslosenquote;Baulandpreise;Baulandpreise
;;;2020;2021;2020;2020/2021
1002;Kiel, Landeshauptstadt;kreisfreie Stadt;9,3;8,48;210,5;211
01003;Lübeck, Hansestadt;Kreise;9,0;8,14;x;1.211
1001000;Flensburg, Stadt;Kreise;9,9;N.A.;;
5315000;Köln, Stadt;Gemeinden;9,1;9,2;700;700
1;Schleswig-Holstein;Bundesländer;6,5;5,6;;
101;Schleswig-Holstein Nord;Raumordnungsregionen;6,5;5,6;;
"""
BULK = """\
Bereich;ID;Kuerzel;Indikator;Raumbezug;Kennziffer;Name;Zeitbezug;Wert
Arbeitslosigkeit;12;q_alo;Arbeitslosenquote;Kreise;1002;Kiel, Landeshauptstadt;2020;9,3
Arbeitslosigkeit;12;q_alo;Arbeitslosenquote;Kreise;1002;Kiel, Landeshauptstadt;2021;8,48
Arbeitslosigkeit;12;q_alo;Arbeitslosenquote;Kreise;3241;Region Hannover;2021;7,49
Arbeitslosigkeit;12;q_alo;Arbeitslosenquote;Bundesländer;1;Schleswig-Holstein;2020;6,5
Bauen;99;p_bau;Baulandpreise;Kreise;1002;Kiel, Landeshauptstadt;2020-2021;211
"""
SPEC = source("inkar")
REAL = Path(__file__).parents[3] / "shared" / "data" / "inkar" / "inkar_kreise_2009_2021.csv.gz"


def test_the_websites_table() -> None:
    found = read_series(file_of(WIDE), SPEC, {"Indikator": "Arbeitslosenquote"}, measure="rate")
    assert found.derived
    assert cells(found) == {
        ("01001", 2020): (9.9, "value"),
        ("01001", 2021): (-1.0, "missing"),
        ("01002", 2020): (9.3, "value"),
        ("01002", 2021): (8.48, "value"),
        ("01003", 2020): (9.0, "value"),
        ("01003", 2021): (8.14, "value"),
        ("05315000", 2020): (9.1, "value"),
        ("05315000", 2021): (9.2, "value"),
    }
    assert found.figures["01002", 2021].place == "Zeile 3, Spalte 5"
    prices = read_series(file_of(WIDE), SPEC, {"Indikator": "Baulandpreise"}, measure="rate")
    assert cells(prices)["01003", 2020] == (-1.0, "senseless")
    assert ("01003", 2021) not in prices.figures


def test_the_bulk_file() -> None:
    found = read_series(file_of(BULK), SPEC, {"Kuerzel": "q_alo"}, measure="rate")
    assert cells(found) == {
        ("01002", 2020): (9.3, "value"),
        ("01002", 2021): (8.48, "value"),
        ("03241", 2021): (7.49, "value"),
    }
    assert found.figures["03241", 2021].place == "Zeile 4, Spalte 9"


@pytest.mark.parametrize("text", [WIDE, BULK], ids=["website", "bulk"])
def test_what_is_not_used_is_told(text: str) -> None:
    _, problems = keyed(file_of(text), SPEC)
    assert {problem.severity for problem in problems} == {"hint"}
    said = " | ".join(problem.what for problem in problems)
    assert "andere Raumbezüge (Bundesländer" in said
    assert "Zeitbezug ist kein einzelnes Jahr (2020" in said
    assert "INKAR schreibt Schlüssel als Zahl; bei " in said


@pytest.mark.parametrize(
    ("text", "old", "new", "place", "what"),
    [
        (WIDE, ";;;2020;2021;2020;2020/2021\n", "", "Zeile 2", "die zweite Kopfzeile mit den Jahren fehlt"),
        (WIDE, "Raumeinheit;Aggregat", "Aggregat;Raumeinheit", "Zeile 1", "die ersten drei Spalten heißen nicht"),
        (WIDE, "9,3;8,48;210,5;211", "9,3;8,48;210,5", "Zeile 3", "6 Felder statt 7"),
        (WIDE, ";x;1.211", ';x;"1.211', "Zeile 4", "Anführungszeichen"),
        (BULK, ";Zeitbezug", ";Jahr", "Kopfzeile", "die Spalte 'Zeitbezug' fehlt"),
        (BULK, "Kreise", "Gemeindeverbände", "Spalte Raumbezug", "keine Zeile gilt für Kreise oder Gemeinden"),
        (BULK, ";", ",", "Zeile 1", "das Trennzeichen ist ',' statt ';'"),
    ],
)
def test_broken_exports(text: str, old: str, new: str, place: str, what: str) -> None:
    assert old in text
    with pytest.raises(UnreadableFile) as raised:
        read_inkar(file_of(text.replace(old, new)), SPEC)
    assert (raised.value.problem.file, raised.value.problem.place) == ("f.csv", place)
    assert what in raised.value.problem.what
    assert raised.value.problem.mend


def test_a_key_that_is_no_number_stays_and_is_an_error() -> None:
    _, problems = keyed(file_of(BULK.replace("3241", "H3241")), SPEC)
    assert [one.what for one in problems if one.severity == "error"] == ["'H3241' ist kein Gebietsschlüssel (AGS)"]


@pytest.mark.skipif(not REAL.is_file(), reason="the real data lie in ../shared/data, which is not here")
def test_real_rates_survive_the_bulk_form() -> None:
    raw = gzip.decompress(REAL.read_bytes()).decode().splitlines()
    wanted = [line for line in raw if ",2020," in line and any(name in line for name in (",q_stud,", ",a_bevOZ,"))]
    tidy = pd.DataFrame(list(csv.DictReader([raw[0], *wanted])))
    assert len(tidy) > 700
    lines = [
        f'{row["bereich"]};1;{row["kuerzel"]};{row["label"]};Kreise;{row["ags"].lstrip("0")};"{row["name"]}";2020;'
        f"{row['value'].replace('.', ',')}"
        for row in tidy.to_dict("records")
    ]
    text = "Bereich;ID;Kuerzel;Indikator;Raumbezug;Kennziffer;Name;Zeitbezug;Wert\n" + "\n".join(lines) + "\n"
    for name, rows in tidy.groupby("kuerzel"):
        found = read_series(file_of(text), SPEC, {"Kuerzel": name}, measure="rate", years=[2020])
        assert {key: one.value for (key, _), one in found.figures.items() if one.code == "value"} == {
            ags: float(value) for ags, value in zip(rows["ags"], rows["value"], strict=True) if value
        }
        assert [one for one in found.problems if one.severity == "error"] == []
