from pathlib import Path

import numpy as np
import pytest
from tests.peers.bundles import bundle_of
from tests.peers.rings import islands

from integstat.errors import DataError
from integstat.intake.other_cities import read_city
from integstat.peers.assign import assign
from integstat.peers.bundle import Bundle

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
    with pytest.raises(DataError, match="vielleicht ist 'f3' gemeint|bekannt sind"):
        read_city(path, bundle)
    path.write_text("city,Name,f0,f1,f2,f3\n01002,Kiel,1,2,3,4\n", encoding="utf-8")
    with pytest.raises(DataError, match="die Spalte 'Name' gehört nicht .* vielleicht ist 'name' gemeint"):
        read_city(path, bundle)


def test_a_missing_file(bundle: Bundle, path: Path) -> None:
    with pytest.raises(DataError, match="diese Datei gibt es nicht; bitte den Pfad prüfen"):
        read_city(path, bundle)
    with pytest.raises(DataError, match="lässt sich nicht lesen"):
        read_city(path.parent, bundle)
