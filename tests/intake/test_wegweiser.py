"""Wegweiser Kommune: the portal's table export, and municipalities below each other."""

from __future__ import annotations

import pytest

from integstat.intake.problems import UnreadableFile
from integstat.intake.wegweiser import read_wegweiser

from .reading import cells, file_of, keyed, read_series, source

PORTAL = """\
"Demografische Entwicklung"
Indikatoren;"2020
Oldenburg (Oldenburg)";"2020
Kiel";"2021
Oldenburg (Oldenburg)";"2021
Kiel"
Bevölkerung (Anzahl);169.605;246.601;170.389;246.243
Ausländeranteil (%);10,4;k.A.;10,9;12,6
"Quelle: Statistische Ämter der Länder, eigene Berechnungen"
"""
BELOW = """\
Kommune;AGS;Indikator;2020;2021
Oldenburg (Oldenburg);03403000;Ausländer;17.700;18.600
Kiel;010020000000;Ausländer;30.100;k. A.
Landkreis Oldenburg;03458;Ausländer;-;9.100
Quelle: eigene
"""
KEYS = {"Oldenburg (Oldenburg)": "03403", "Kiel": "01002"}


def test_the_portals_table() -> None:
    spec = source("wegweiser", keys=KEYS)
    found = read_series(file_of(PORTAL), spec, {"Indikator": "Bevölkerung (Anzahl)"})
    assert cells(found) == {
        ("01002", 2020): (246601.0, "value"),
        ("01002", 2021): (246243.0, "value"),
        ("03403", 2020): (169605.0, "value"),
        ("03403", 2021): (170389.0, "value"),
    }
    assert found.figures["01002", 2021].place == "Zeile 7, Spalte 5"
    share = read_series(file_of(PORTAL), spec, {"Indikator": "Ausländeranteil (%)"}, measure="rate")
    assert cells(share)["01002", 2020] == (-1.0, "missing")


def test_municipalities_below_each_other() -> None:
    found = read_series(file_of(BELOW), source("wegweiser"), {"Indikator": "Ausländer"})
    assert cells(found) == {
        ("01002", 2020): (30100.0, "value"),
        ("01002", 2021): (-1.0, "missing"),
        ("03403", 2020): (17700.0, "value"),
        ("03403", 2021): (18600.0, "value"),
        ("03458", 2020): (0.0, "nothing"),
        ("03458", 2021): (9100.0, "value"),
    }


def test_a_name_without_key_is_passed_over_and_told() -> None:
    _, problems = keyed(file_of(PORTAL), source("wegweiser", keys={"Kiel": "01002"}))
    (problem,) = problems
    assert problem.severity == "hint"
    assert "der Gebietsschlüssel ist leer" in problem.what
    assert "Oldenburg (Oldenburg)" in problem.what


@pytest.mark.parametrize(
    ("text", "old", "new", "keys", "place", "what"),
    [
        (PORTAL, "Indikatoren", "Thema", KEYS, "", "keine Kopfzeile gefunden"),
        (PORTAL, '"2021\nKiel"', '"Kiel"', KEYS, "Zeile 2, Spalte 5", "'Kiel' nennt nicht Jahr und Kommune untereinander"),
        (PORTAL, "x", "x", {}, "Zeile 2", "die Datei nennt Kommunen ohne Schlüssel"),
        (PORTAL, ";10,9;12,6", ";10,9", KEYS, "Zeile 8", "die Datei bricht mitten in der Zeile ab"),
        (BELOW, "Kommune;", "Ort;", {}, "Zeile 1", "die Spalte mit dem Namen der Kommune fehlt"),
        (BELOW, "2020;2021", "2020;Trend", {}, "Zeile 1, Spalte 5", "die Überschrift 'Trend' ist kein Jahr"),
        (BELOW[: BELOW.index("Oldenburg")], "x", "x", {}, "", "keine Zeile mit Zahlen"),
    ],
)
def test_broken_tables(text: str, old: str, new: str, keys: dict[str, str], place: str, what: str) -> None:
    with pytest.raises(UnreadableFile) as raised:
        read_wegweiser(file_of(text.replace(old, new)), source("wegweiser", keys=keys))
    assert (raised.value.problem.file, raised.value.problem.place) == ("f.csv", place)
    assert what in raised.value.problem.what
    assert raised.value.problem.mend
