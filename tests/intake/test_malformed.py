"""Malformed deliveries: each is told in one sentence with the file, the place, what is wrong and what to do."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from integstat.errors import DataError
from integstat.intake.problems import Problem, raise_on_error

from .rings import COUNTS, Ring

Damage = Callable[[Ring], object]


@dataclass(frozen=True)
class Case:
    """One fault and how it must be told."""

    name: str
    damage: Damage
    place: str
    what: str
    mend: str
    severity: str = "error"
    file: str = "counts.csv"


def content(make: Callable[[str], str | bytes]) -> Damage:
    """Replace the whole file."""

    def damage(ring: Ring) -> None:
        text = ring.files["counts.csv"]
        assert isinstance(text, str)
        ring.files["counts.csv"] = make(text)

    return damage


def edit(old: str, new: str) -> Damage:
    """Replace a piece of the file."""
    return lambda ring: ring.edit(old, new)


def packed(ring: Ring) -> None:
    """A packed file that ends too early."""
    ring.files = {"counts.csv.gz": gzip.compress(COUNTS.encode())[:-20]}
    ring.configure('"counts.csv"', '"counts.csv.gz"')


def rate_kind(ring: Ring) -> None:
    """Everything as a rate with one group."""
    ring.config = ring.config[: ring.config.rindex("[[delivery]]")].replace("T1", "T2")


CASES = [
    # bytes and encoding
    Case("empty file", content(lambda text: b""), "", "die Datei ist leer", "neu beschaffen"),
    Case("only blank lines", content(lambda text: "\n\n"), "", "keine einzige Zeile mit Inhalt", "neu beschaffen"),
    Case(
        "Latin-1 announced as UTF-8",
        content(lambda text: text.replace("Kiel", "Köln").encode("latin-1")),
        "Zeile 2",
        "nicht UTF-8",
        "'encoding'",
    ),
    Case("UTF-16", content(lambda text: text.encode("utf-16")), "", "UTF-16", "als CSV speichern"),
    Case("workbook named .csv", content(lambda text: b"PK\x03\x04" + b"\x00" * 50), "", "eine Excel-Mappe", "als CSV speichern"),
    Case(
        "old or encrypted Excel", content(lambda text: b"\xd0\xcf\x11\xe0" + b"\x00" * 50), "", "verschlüsselte Mappe", "als CSV"
    ),
    Case("PDF", content(lambda text: b"%PDF-1.7 ..."), "", "ein PDF", "als CSV speichern"),
    Case("web page", content(lambda text: "<!DOCTYPE html><html>Anmeldung</html>"), "", "eine Internetseite", "herunterladen"),
    Case("null bytes", content(lambda text: text.encode() + b"\x00\x00"), "", "Nullbytes", "neu beschaffen"),
    Case("packed file cut off", packed, "", "bricht mittendrin ab", "neu beschaffen", file="counts.csv.gz"),
    Case("missing file", lambda ring: ring.files.clear(), "", "gibt es keine Datei", "in den Datenordner legen"),
    # shape
    Case(
        "cut off within a line",
        content(lambda text: text[: text.rindex(",309")]),
        "Zeile 13",
        "bricht mitten in der Zeile ab",
        "neu beschaffen",
    ),
    Case(
        "no final line break",
        content(lambda text: text.rstrip("\n")),
        "Zeile 13",
        "vielleicht abgeschnitten",
        "vollständig",
        "doubt",
    ),
    Case("thousands comma splits a cell", edit("12113", "12,113"), "Zeile 6", "7 Felder statt 6", "Trennzeichen"),
    Case(
        "quotation mark not closed",
        edit("Kiel,2021,germans", '"Kiel,2021,germans'),
        "Zeile 5",
        "Anführungszeichen",
        "berichtigen",
    ),
    Case(
        "other separator",
        content(lambda text: text.replace(",", ";")),
        "Zeile 1",
        "das Trennzeichen ist ';' statt ','",
        "'separator'",
    ),
    Case("one column only", content(lambda text: "irgendwas\nanderes\n"), "Zeile 1", "nur eine Spalte", "die richtige Datei"),
    Case(
        "header without rows",
        content(lambda text: text.split("\n")[0] + "\n"),
        "Zeile 1",
        "unter der Kopfzeile steht nichts",
        "neu",
    ),
    Case(
        "header missing", content(lambda text: "01002,1,2020,0,3,5\n"), "Zeile 1", "die Kopfzeile fehlt", "Spaltennamen ergänzen"
    ),
    Case("column twice", edit("group,y,n", "group,y,y"), "Spalte 6", "die Spalte 'y' steht doppelt", "streichen"),
    Case("column without name", edit("group,y,n", "group,,n"), "Spalte 5", "keine Überschrift", "ergänzen"),
    Case("column missing", edit("group,y,n", "group,y,m"), "Kopfzeile", "die Spalte 'n' fehlt", "Spaltennamen"),
    # region keys
    Case("lost leading zero", edit("01002", "1002"), "Zeile 2, Spalte ags", "führende Null verloren", "'01002'"),
    Case("lost zero, eight digits", edit("01002", "1002000"), "Zeile 2", "führende Null verloren", "'01002000'"),
    Case("key with six digits", edit("01002", "010021"), "Zeile 2", "6 Stellen", "als Text"),
    Case("no key at all", edit("01002", "Kiel"), "Zeile 2", "kein Gebietsschlüssel", "AGS"),
    Case("key of no Land", edit("01002", "45002"), "Zeile 2", "zu keinem Land", "ersten beiden Stellen"),
    Case("key empty", edit("01002", ""), "ab Zeile 2", "leer: 4 Zeilen übergangen (Kiel)", "nichts zu tun", "hint"),
    Case(
        "broken formula as key", edit("01002", "#BEZUG!"), "ab Zeile 2", "zerbrochene Formel: 4 Zeilen", "nichts zu tun", "hint"
    ),
    Case("Land row", edit("01002,Kiel", "01,Schleswig-Holstein"), "ab Zeile 2", "Bund, Land oder Region", "nichts", "hint"),
    # years
    Case("year swapped", edit("Kiel,2021", "Kiel,2201"), "Zeile 4, Spalte year", "'2201' ist kein Jahr", "vierstellig"),
    Case("year with two digits", edit("Kiel,2021", "Kiel,21"), "Zeile 4, Spalte year", "'21' ist kein Jahr", "vierstellig"),
    Case(
        "one year missing",
        edit("01002,Kiel,2021", "01002,Kiel,2019"),
        "Definition T1.all",
        "das Jahr 2021 fehlt bei 01002",
        "nachliefern",
    ),
    Case(
        "same city twice",
        content(lambda text: text + text.split("\n")[1] + "\n"),
        "Zeile 2, Spalte y und Zeile 14",
        "01002 steht für 2020 mehrfach",
        "bereinigen",
    ),
    # figures
    Case("decimal comma", edit(",301,", ',"301,5",'), "Zeile 2, Spalte y", "'301,5' ist keine Zahl", "'decimal'"),
    Case("thousands point", edit("12113", "12.113"), "Zeile 6, Spalte n", "Tausenderpunkt", "ohne Tausenderpunkt"),
    Case("text for a number", edit(",301,", ",etwa 300,"), "Zeile 2, Spalte y", "'etwa 300' ist keine Zahl", "Zahl berichtigen"),
    Case("error value", edit(",301,", ",#DIV/0!,"), "Zeile 2, Spalte y", "zerbrochene Formel", "die Zahl selbst"),
    Case("fraction for a count", edit(",301,", ",301.5,"), "Zeile 2, Spalte y", "keine ganze Zahl", "Anzahl liefern"),
    Case("too large for a number", edit(",301,", ",3e999,"), "Zeile 2, Spalte y", "keine Zahl", "berichtigen"),
    Case("negative count", edit(",301,", ",-301,"), "Zeile 2, Spalte y", "ist negativ (-301)", "Zahl berichtigen"),
    Case(
        "numerator above denominator",
        edit(",301,", ",3010,"),
        "Zeile 2, Spalte y",
        "Zähler 3.010 größer als Nenner 1.210",
        "vertauscht",
    ),
    Case("zero of zero", edit(",301,1210", ",0,0"), "Zeile 2, Spalte y", "0 von 0", "nicht schätzbar", "hint"),
    Case("some of zero", edit(",301,1210", ",301,0"), "Zeile 2, Spalte y", "Nenner 0 bei Zähler 301", "Grundgesamtheit"),
    Case(
        "base ten times larger",
        edit(",301,1210", ",301,12100"),
        "Zeile 4, Spalte n",
        "springt von 12.100 (2020) auf 1.224 (2021)",
        "Ziffer",
        "doubt",
    ),
    Case("secret", edit(",301,", ",.,"), "Zeile 2, Spalte y", "geheim ('.') bei 01002 (2020)", "nicht schätzbar", "hint"),
    Case("below three", edit(",301,", ",<3,"), "Zeile 2, Spalte y", "unter 3", "gerechnet wird mit 0, 1 oder 2", "hint"),
    Case("unreliable", edit(",301,", ",/,"), "Zeile 2, Spalte y", "zu unsicher", "nicht schätzbar", "hint"),
    Case("senseless", edit(",301,", ",x,"), "Zeile 2, Spalte y", "nicht sinnvoll", "nicht schätzbar", "hint"),
    Case("cell left empty", edit(",301,", ",,"), "Zeile 2, Spalte y", "keine verwertbare Zahl", "nicht schätzbar", "hint"),
    # the ring
    Case(
        "value of a dimension renamed",
        edit("germans", "Deutsche"),
        "Spalte group",
        "den Wert 'germans' gibt es hier nicht",
        "'where'",
    ),
    Case(
        "main definition not delivered",
        lambda ring: ring.configure('{ T1 = "all" }', '{ T1 = "other" }'),
        "Hauptdefinitionen",
        "T1.other",
        "[ring] main",
        file="",
    ),
    Case(
        "group that the indicator lacks",
        lambda ring: ring.configure("T1", "T2"),
        "Zeile 3, Spalte y",
        "T2 hat keine Gruppe 'Vergleichsgruppe'",
        "streichen",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_told_with_place_and_mend(ring: Ring, case: Case) -> None:
    case.damage(ring)
    problems = ring.problems()
    fitting = [problem for problem in problems if case.what in problem.what]
    assert fitting, f"nobody said {case.what!r}, only {[problem.what for problem in problems]}"
    problem = fitting[0]
    assert problem.severity == case.severity
    assert problem.file == case.file
    assert case.place in problem.place
    assert case.mend in problem.mend
    assert "\n" not in problem.what + problem.mend
    assert not problem.what.endswith(".")


@pytest.mark.parametrize("case", [case for case in CASES if case.severity == "error"], ids=lambda case: case.name)
def test_errors_end_the_run_with_code_3_and_one_sentence(ring: Ring, case: Case) -> None:
    case.damage(ring)
    with pytest.raises(DataError) as raised:
        raise_on_error(ring.problems())
    assert raised.value.exit_code == 3
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith(".")


@pytest.mark.parametrize("case", [case for case in CASES if case.severity != "error"], ids=lambda case: case.name)
def test_doubts_and_hints_bring_no_error_with_them(ring: Ring, case: Case) -> None:
    case.damage(ring)
    assert [problem for problem in ring.problems() if problem.severity == "error"] == []


def test_sound_ring_has_no_problems(ring: Ring) -> None:
    delivery = ring.take_in()
    assert delivery.problems == ()
    assert len(delivery.panel.counts) == 12
    assert list(delivery.panel.cities["land_name"]) == ["Schleswig-Holstein", "Hamburg", "Niedersachsen"]


def test_a_rate_above_one_is_only_doubted(ring: Ring) -> None:
    rate_kind(ring)
    ring.edit(",301,", ",3010,")
    (problem,) = [one for one in ring.problems() if one.check == "above_100"]
    assert (problem.severity, problem.city) == ("doubt", "01002")
    assert "mehr als 100 Prozent" in problem.what


def test_many_bad_cells_are_counted_not_listed(ring: Ring) -> None:
    ring.edit("foreigners,", "foreigners,ca. ")
    errors: list[Problem] = ring.problems("error")
    assert sum("ist keine Zahl" in problem.what for problem in errors) == 5
    assert any("1 weitere Zelle" in problem.what for problem in errors)


def test_all_errors_are_told_at_once(ring: Ring) -> None:
    ring.edit(",301,", ",-301,").edit(",3224,", ",99999,")
    assert len(ring.problems("error")) == 2
    with pytest.raises(DataError, match=r"und 1 weiterer Fehler"):
        raise_on_error(ring.problems())
