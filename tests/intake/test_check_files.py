"""Bare files, without a config: recognised by what they hold, and checked as far as they speak for themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from integstat.catalogue.load import Catalogue
from integstat.errors import UsageError
from integstat.intake.check_files import check_files

from .rings import COUNTS
from .test_genesis import EXPORT
from .test_open_sdg import FILE


def problems(tmp_path: Path, catalogue: Catalogue, content: str | bytes, name: str = "a.csv") -> list[str]:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = check_files([path], catalogue)
    assert all(problem.file == name and problem.mend for problem in found)
    return [f"{problem.severity}: {problem.place}: {problem.what}" for problem in found]


def test_sound_files(tmp_path: Path, small_catalogue: Catalogue) -> None:
    assert problems(tmp_path, small_catalogue, COUNTS) == []
    assert problems(tmp_path, small_catalogue, EXPORT.encode("iso-8859-1"), "b.csv") == []
    assert problems(tmp_path, small_catalogue, COUNTS.replace(",", ";"), "c.csv") == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("01002", "1002", "error: Zeile 2, Spalte ags: der Gebietsschlüssel '1002' hat die führende Null verloren"),
        ("Kiel,2021", "Kiel,2201", "error: Zeile 4, Spalte year: '2201' ist kein Jahr"),
        (",301,", ",etwa,", "error: Zeile 2, Spalte y: 'etwa' ist keine Zahl"),
        (",301,", ",-301,", "error: Zeile 2, Spalte y: '-301' ist negativ"),
        (",301,", ",3010,", "doubt: Zeile 2: Zähler über Nenner in den Zeilen 2 (zuerst 3.010 von 1.210)"),
        ("ags,city", "where,town", "doubt: Kopfzeile: keine Spalte mit dem Gebietsschlüssel erkannt"),
        ("301,1210", "301", "error: Zeile 2: die Zeile hat 5 Felder statt 6"),
    ],
)
def test_tidy(tmp_path: Path, small_catalogue: Catalogue, old: str, new: str, said: str) -> None:
    assert any(one.startswith(said) for one in problems(tmp_path, small_catalogue, COUNTS.replace(old, new)))


def test_open_sdg_regions(tmp_path: Path, small_catalogue: Catalogue) -> None:
    found = problems(tmp_path, small_catalogue, FILE)
    assert any("'#NV' ist eine zerbrochene Formel" in one for one in found)
    assert any("führende Null" in one for one in found)


@pytest.mark.parametrize(
    ("old", "said"), [("__________", "die Fußzeile (__________) fehlt"), (";;", "die Kopfzeilen über den Zahlen fehlen")]
)
def test_genesis(tmp_path: Path, small_catalogue: Catalogue, old: str, said: str) -> None:
    (found,) = problems(tmp_path, small_catalogue, EXPORT.replace(old, "x;").encode("iso-8859-1"))
    assert said in found


def test_folders_are_searched_and_everything_is_told(tmp_path: Path, small_catalogue: Catalogue) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.csv").write_bytes(b"")
    (tmp_path / "b.csv").write_bytes(b"%PDF")
    (tmp_path / "notes.txt").write_text("no delivery")
    assert [(problem.file, problem.severity) for problem in check_files([tmp_path], small_catalogue)] == [
        ("b.csv", "error"),
        ("sub/a.csv", "error"),
    ]


def test_paths_that_are_not_there(tmp_path: Path, small_catalogue: Catalogue) -> None:
    with pytest.raises(UsageError, match="diese Datei gibt es nicht"):
        check_files([tmp_path / "none.csv"], small_catalogue)
    with pytest.raises(UsageError, match="keine CSV- oder Excel-Datei"):
        check_files([tmp_path], small_catalogue)


RATES = "ags,year,y,n,value,unit\n" + "".join(f"0310{i},2020,{40 + i},400,{(40 + i) / 4},%\n" for i in range(1, 9))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("44,400,11.0", "44,400,110.0", "doubt: Zeile 5, Spalte value: die Quote 110,00 ist das 10-Fache dessen"),
        ("44,400,11.0", "44,400,0", "doubt: Zeile 5, Spalte value: die Quote ist 0, die Anzahl daneben aber 44"),
        ("44,400,11.0,%", "44,400,110.0,per 1000", ""),
    ],
)
def test_rates_beside_counts(tmp_path: Path, small_catalogue: Catalogue, old: str, new: str, said: str) -> None:
    assert problems(tmp_path, small_catalogue, RATES) == []
    found = problems(tmp_path, small_catalogue, RATES.replace(old, new))
    assert [one[: len(said)] for one in found] == ([said] if said else [])
