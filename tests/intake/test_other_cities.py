from pathlib import Path

import numpy as np
import pytest
from tests.peers.bundles import bundle_of
from tests.peers.rings import islands, ring, settings

from integstat.errors import DataError
from integstat.intake.other_cities import read_city
from integstat.peers.assign import assign
from integstat.peers.bundle import Bundle
from integstat.peers.settings import FeatureSettings

FEATURES = ["f0", "f1", "f2", "f3"]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return bundle_of(islands(3, 8)[0])


HEAD = "city,name,f0,f1,f2,f3\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stadt.csv"


def test_reading_a_sound_file(bundle: Bundle, path: Path) -> None:
    path.write_bytes(
        ("\ufeff" + "name,city,f3,f2,f1,f0\r\nKöln,05315,4, 3.5 ,,-1e-3\r\n\r\nMünster,05515000,1,-,.,2\r\n").encode()
    )
    frame = read_city(path, bundle)
    assert frame.index.tolist() == ["05315", "05515000"]
    assert frame.columns.tolist() == ["name", *FEATURES]
    assert frame["name"].tolist() == ["Köln", "Münster"]
    np.testing.assert_array_equal(frame[FEATURES].to_numpy(float), [[-0.001, np.nan, 3.5, 4.0], [2.0, np.nan, 0.0, 1.0]])
    assert len(assign(bundle, frame).cities) == 2


@pytest.mark.parametrize(
    ("content", "place", "what"),
    [
        (b"", "", "die Datei ist leer"),
        (b" \n\n", "", "die Datei ist leer"),
        (",,\n , \n", "", "die Datei ist leer"),
        (HEAD, "", "unter der Kopfzeile steht keine Stadt"),
        (b"PK\x03\x04abc", "", "eine Excel-Mappe"),
        (b"\xff\xfec\x00i\x00", "Zeile 1", "nicht UTF-8"),
        ((HEAD + "05315,Köln,1,2,3,4\n").encode("latin-1"), "Zeile 2", "nicht UTF-8"),
        (b"city,name\x00", "", "Nullbytes"),
        (HEAD + '05315,"Köln,1,2,3,4\n', "Zeile 2", "Anführungszeichen"),
        (HEAD.replace(",", ";") + "05315;Köln;1,5;2;3;4\n", "Zeile 1", "nicht mit Kommas getrennt"),
        (HEAD + "05315,Köln,1,5,2,3,4\n", "Zeile 2", "die Zeile hat 7 Zellen, die Kopfzeile 6"),
        (HEAD + '05315,Köln,"1,5",2,3,4\n', "Zeile 2, Spalte f0", "'1,5' hat ein Dezimalkomma"),
        (HEAD + "05315,Köln,1.234.567,2,3,4\n", "Zeile 2, Spalte f0", "Tausenderpunkte"),
        (HEAD + "05315,Köln,1,viel,3,4\n", "Zeile 2, Spalte f1", "'viel' ist keine Zahl"),
        (HEAD + "05315,Köln,1,inf,3,4\n", "Zeile 2, Spalte f1", "'inf' ist keine Zahl"),
        (HEAD + "05315,Köln,1,1e999,3,4\n", "Zeile 2, Spalte f1", "'1e999' ist keine Zahl"),
        (HEAD + "05315,Köln,1,2,=A1+B1,4\n", "Zeile 2, Spalte f2", "ist eine Formel"),
        (HEAD + "1002,Kiel,1,2,3,4\n", "Zeile 2, Spalte city", "'1002' hat die führende Null verloren"),
        (HEAD + "Kiel,Kiel,1,2,3,4\n", "Zeile 2, Spalte city", "'Kiel' ist kein Gebietsschlüssel"),
        (HEAD + ",Kiel,1,2,3,4\n", "Zeile 2, Spalte city", "der Gebietsschlüssel (AGS) fehlt"),
        (HEAD + "05315,Köln,1,٣,3,4\n", "Zeile 2, Spalte f1", "'٣' ist keine Zahl"),
        (HEAD + "05315,=1+1,1,2,3,4\n", "Zeile 2, Spalte name", "der Name '=1+1' ist eine Formel"),
        (HEAD + "05315,+Köln,1,2,3,4\n", "Zeile 2, Spalte name", "ist eine Formel"),
        (HEAD + "05315,-Köln,1,2,3,4\n", "Zeile 2, Spalte name", "ist eine Formel"),
        (HEAD + "05315,@Köln,1,2,3,4\n", "Zeile 2, Spalte name", "ist eine Formel"),
        (HEAD + "05315,Köln,1,2,3,4\n01002,Kiel,,.,x,/\n", "Zeile 3", "von dieser Stadt ist kein Merkmal bekannt"),
        ("city,name,f0,f1,f2,f3,\n01002,Kiel,1,2,3,4,\n", "Zeile 1", "die Kopfzeile endet mit einem Komma"),
        ("city,name,,f0,f1,f2,f3\n01002,Kiel,,1,2,3,4\n", "", "eine Spalte der Kopfzeile hat keinen Namen"),
        (HEAD + "01002,,1,2,3,4\n", "Zeile 2, Spalte name", "der Name der Stadt fehlt"),
        (HEAD + "01002,Kiel,1,2,3,4\n01002,Kiel,1,2,3,4\n", "Zeile 3", "die Stadt 01002 steht doppelt"),
        ("city,name,f0,f1,f2,f3,f9\n01002,Kiel,1,2,3,4,5\n", "", "die Spalte 'f9' gehört nicht"),
        ("city,name,f0,f1,f2,f2\n01002,Kiel,1,2,3,4\n", "", "die Spalte 'f2' steht doppelt"),
        ("city,name,f0,f1,f2\n01002,Kiel,1,2,3\n", "", "die Spalte 'f3' fehlt"),
        ("name,f0,f1,f2,f3\nKiel,1,2,3,4\n", "", "die Spalte 'city' fehlt"),
    ],
)
def test_malformed_files(bundle: Bundle, path: Path, content: bytes | str, place: str, what: str) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DataError) as raised:
        read_city(path, bundle)
    assert what in raised.value.what
    assert raised.value.place == ", ".join(part for part in (str(path), place) if part)
    assert raised.value.mend


def test_a_misspelt_column_is_guessed(bundle: Bundle, path: Path) -> None:
    path.write_text("city,name,f0,f1,f2,F3x\n01002,Kiel,1,2,3,4\n", encoding="utf-8")
    with pytest.raises(DataError, match="die Spalte 'F3x' gehört nicht .* die Kopfzeile lautet 'city,name,f0,f1,f2,f3'"):
        read_city(path, bundle)
    path.write_text("city,Name,f0,f1,f2,f3\n01002,Kiel,1,2,3,4\n", encoding="utf-8")
    with pytest.raises(DataError, match="die Spalte 'Name' gehört nicht .* vielleicht ist 'name' gemeint"):
        read_city(path, bundle)


def test_a_missing_file(bundle: Bundle, path: Path) -> None:
    with pytest.raises(DataError, match="gibt es nicht; bitte den Pfad prüfen; die Kopfzeile lautet 'city,name,f0,f1,f2,f3'"):
        read_city(path, bundle)
    with pytest.raises(DataError, match="lässt sich nicht lesen"):
        read_city(path.parent, bundle)


@pytest.fixture(scope="module")
def towns() -> Bundle:
    """A ring with one feature, between about 80,000 and 660,000."""
    people = np.linspace(80_000, 660_000, 24)[:, None]
    logged = (FeatureSettings(id="f0", name_de="Einwohnerzahl", transform="log"),)
    return bundle_of(ring(people), np.arange(24) // 8, choice=settings(feature=logged, neighbours=4))


def test_a_point_that_may_mean_thousands_is_refused(towns: Bundle, path: Path) -> None:
    path.write_text("city,name,f0\n03241,Hannover,535.932\n", encoding="utf-8")
    with pytest.raises(DataError) as raised:
        read_city(path, towns)
    assert raised.value.place == f"{path}, Zeile 2, Spalte f0"
    assert raised.value.what == "'535.932' ist zweideutig: als 535932 liegt es im Bereich des Rings, als 535,932 nicht"
    assert raised.value.mend == "bitte 535932 schreiben, oder 535.9320, wenn Nachkommastellen gemeint sind"


@pytest.mark.parametrize(("text", "value"), [("535932", 535932.0), ("535.9320", 535.932), ("0.123", 0.123), ("700.000", 700.0)])
def test_other_points_are_decimal(towns: Bundle, path: Path, text: str, value: float) -> None:
    path.write_text(f"city,name,f0\n03241,Hannover,{text}\n", encoding="utf-8")
    assert read_city(path, towns).loc["03241", "f0"] == value


def test_three_decimals_within_the_range_are_decimals(bundle: Bundle, path: Path) -> None:
    path.write_text(HEAD + "03241,Hannover,1.234,2,3,4\n", encoding="utf-8")
    assert read_city(path, bundle).loc["03241", "f0"] == 1.234


@pytest.mark.parametrize("text", ["0", "-", "-3"])
def test_a_value_the_transform_cannot_bear_has_its_place(towns: Bundle, path: Path, text: str) -> None:
    path.write_text(f"city,name,f0\n03241,Hannover,{text}\n", encoding="utf-8")
    with pytest.raises(DataError, match="muss hier aber größer als 0 sein; bitte den Wert prüfen; ist er unbekannt") as raised:
        read_city(path, towns)
    assert raised.value.place == f"{path}, Zeile 2, Spalte f0"
