"""Open-SDG files: byte order mark, line ends, and region codes that are no Kreis."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from integstat.intake.files import FileContent
from integstat.intake.open_sdg import read_open_sdg
from integstat.intake.problems import Problem, UnreadableFile
from integstat.intake.regions import classify, key_fault, land_name, parent
from integstat.intake.settings import IgnoreSettings, RegionSettings, SourceSettings

FILE = """\
Year,Gebietseinheit,GeoCode,Value
2020,"Braunschweig, Stadt",K03101,100
2020,Region Hannover,K03241,900
2020,"dav. Hannover, Lhst.",K03241001,400
2020,"dav. Hannover, Umland",K03241999,500
2020,Statistische Region Braunschweig,K031,700
2020,Niedersachsen,K030,5000
2020,Niedersachsen,,5000
2020,Niedersachsen,#BEZUG!,5000
2020,Osterode,#NV,50
2020,"Salzgitter, Stadt",RH03102,60
2020,Gifhorn,K3151,70
2020,Irgendwo,KXY,80
"""
RULE = RegionSettings(
    column="GeoCode",
    name="Gebietseinheit",
    strip_prefix="K",
    ignore=(IgnoreSettings(pattern="K03[0-4]", reason="Land oder statistische Region"),),
)
SOURCE = SourceSettings(id="s", reader="open_sdg", file="s.csv")


def file_of(text: str, start: bytes = b"") -> FileContent:
    content = start + text.encode()
    return FileContent(Path("s.csv"), "s.csv", content, hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["no mark", "mark"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_marks_and_line_ends_make_no_difference(start: bytes, end: str) -> None:
    table = read_open_sdg(file_of(FILE.replace("\n", end), start), SOURCE)
    assert list(table.frame.columns[:4]) == ["Year", "Gebietseinheit", "GeoCode", "Value"]
    assert table.frame["Value"].iloc[0] == "100"
    assert table.frame["__line"].tolist() == list(range(2, 14))
    assert table.problems == ()


def test_another_table_is_refused() -> None:
    with pytest.raises(
        UnreadableFile, match=r"s\.csv, Kopfzeile: die Spalte 'GeoCode' fehlt, das ist keine Open-SDG-Tabelle; bitte"
    ):
        read_open_sdg(file_of(FILE.replace("GeoCode", "Code")), SOURCE)


def find(problems: list[Problem], what: str) -> Problem:
    (found,) = [problem for problem in problems if what in problem.what]
    return found


def test_every_row_is_a_city_or_is_told() -> None:
    keys, problems = classify(read_open_sdg(file_of(FILE), SOURCE), RULE)
    assert keys.tolist() == ["03101", "03241", "03241001", "03241999", *[""] * 8]
    region = find(problems, "Land oder statistische Region: 2 Zeilen übergangen")
    assert (region.severity, region.file, region.place) == ("hint", "s.csv", "ab Zeile 6")
    assert "K031 Statistische Region Braunschweig" in region.what
    assert "1 Zeile übergangen (Niedersachsen)" in find(problems, "der Gebietsschlüssel ist leer").what
    assert "'#BEZUG!' ist eine zerbrochene Formel" in find(problems, "#BEZUG!").what
    assert "(#NV Osterode)" in find(problems, "'#NV'").what
    assert "der Schlüssel beginnt mit 'RH' statt mit 'K'" in find(problems, "RH").what
    assert find(problems, "sind Teile von 03241, auch das steht in der Datei").severity == "hint"
    lost = find(problems, "führende Null")
    assert (lost.severity, lost.place) == ("error", "Zeile 12, Spalte GeoCode")
    assert "'03151'" in lost.mend
    assert find(problems, "'XY' ist kein Gebietsschlüssel").severity == "error"
    assert len(problems) == 8


def test_two_names_under_one_key_are_doubted() -> None:
    _, problems = classify(read_open_sdg(file_of(FILE.replace("K03241001", "K03241999")), SOURCE), RULE)
    problem = find(problems, "mehrere Namen")
    assert (problem.severity, problem.place) == ("doubt", "Zeile 5, Spalte GeoCode")
    assert "03241999 (dav. Hannover, Lhst. / dav. Hannover, Umland)" in problem.what


def test_a_slipped_column_of_keys_is_an_error() -> None:
    lines = FILE.splitlines(keepends=True)
    next_year = "".join(
        line.replace("2020,", "2021,", 1).replace(old, new)
        for line, old, new in zip(lines[1:4], ("K03101", "K03241", "K03241001"), ("K03102", "K03101", "K03241"), strict=True)
    )
    _, problems = classify(read_open_sdg(file_of(FILE + next_year), SOURCE), RULE)
    problem = find(problems, "mehrere Namen")
    assert (problem.severity, problem.file) == ("error", "s.csv")
    assert "03101 (Braunschweig, Stadt / Region Hannover)" in problem.what
    assert "verrutscht" in problem.mend


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("01002", None),
        ("91001", None),
        ("03241001", None),
        ("1002", "führende Null"),
        ("9162", "führende Null"),
        ("9000", "führende Null"),
        ("010", "3 Stellen"),
        ("17001", "zu keinem Land"),
        ("00123", "zu keinem Land"),
        ("٠١٢٣٤", "kein Gebietsschlüssel"),
    ],
)
def test_keys(key: str, fault: str | None) -> None:
    found = key_fault(key)
    assert found is None if fault is None else found is not None and fault in found[0]


def test_laender() -> None:
    assert land_name("03") == "Niedersachsen"
    assert land_name("92") == "Land 92 (fiktiv)"
    assert land_name("17") is None
    assert parent("03241001", {"03241"}) == "03241"
    assert parent("03241", {"03241"}) is None
    assert parent("03101001", {"03241"}) is None
