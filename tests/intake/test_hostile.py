"""What nobody sends by mistake: it is refused or handled, in memory that is stated, and touches nothing outside."""

from __future__ import annotations

import datetime
import gzip
import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.errors import UsageError
from integstat.intake import files, workbook_open
from integstat.intake.check_files import check_files
from integstat.intake.files import FileContent, decode, find_files, read_once
from integstat.intake.problems import UnreadableFile
from integstat.intake.workbook_open import open_workbook
from integstat.vintages import deliver, open_store

from .hostile_sizes import SIZES
from .workbook_samples import CITY, GOOD, read

SHEET = "xl/worksheets/sheet2.xml"
GIB = 1 << 30


def repacked(change: Callable[[dict[str, bytes]], object], content: bytes = GOOD) -> bytes:
    """Change the parts of a workbook by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as before:
        parts = {name: before.read(name) for name in before.namelist()}
    change(parts)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as after:
        for name, part in parts.items():
            after.writestr(name, part)
    return buffer.getvalue()


def behind_the_cells(xml: bytes) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        before = parts[SHEET]
        parts[SHEET] = before.replace(b"</sheetData>", b"</sheetData>" + xml)
        assert parts[SHEET] != before

    return change


def as_cells(xml: bytes) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        parts[SHEET] = re.sub(rb"<sheetData>.*</sheetData>", b"<sheetData>" + xml + b"</sheetData>", parts[SHEET], flags=re.S)

    return change


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableFile) as raised:
        open_workbook(content, "mappe.xlsx")
    return raised.value.problem.what


# --- workbooks


@pytest.mark.parametrize(
    "xml",
    [
        b'<mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>',
        b'<mergeCells count="1"><mergeCell ref="A&#49;:XFD1048576"/></mergeCells>',
        b'<mergeCells count="2"><mergeCell ref="A1:Z9999"/><mergeCell ref="AA1:AZ9999"/></mergeCells>',
        b'<hyperlinks><hyperlink ref="A1:XFD1048576" location="x"/></hyperlinks>',
        b'<hyperlinks><hyperlink ref="A:XFD" location="x"/></hyperlinks>',
    ],
)
def test_a_short_range_that_would_become_a_sheet_full_of_cells(xml: bytes) -> None:
    assert "reichen über mehr als 300.000 Zellen" in refusal(repacked(behind_the_cells(xml)))


def test_a_comment_on_every_cell() -> None:
    comments = b'<comments xmlns="x"><commentList><comment ref="A1:XFD1048576" authorId="0"/></commentList></comments>'
    assert "300.000" in refusal(repacked(lambda parts: parts.update({"xl/comments1.xml": comments})))


@pytest.mark.parametrize(
    "change",
    [
        as_cells(b"<row>" + b"<c/>" * 40_000 + b"</row>"),
        as_cells(b"<row>" + b"<c/>" * 40_000),  # broken further on: its cells would have been made by then
        as_cells(b"<row/>" * 40_000),
        lambda parts: parts.update({"xl/sharedStrings.xml": b"<sst>" + b"<si/>" * 40_000 + b"</sst>"}),
        lambda parts: parts.update({"xl/worksheets/odd.bin": b"<sheetData>" + b"<c/>" * 40_000 + b"</sheetData>"}),
        behind_the_cells(b'<conditionalFormatting sqref="' + b"A1 " * 40_000 + b'"/>'),
    ],
    ids=["cells", "cut cells", "rows", "strings", "a part of another name", "ranges in one attribute"],
)
def test_many_elements_from_few_bytes(monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, bytes]], object]) -> None:
    monkeypatch.setattr(workbook_open, "MAX_ELEMENTS", 30_000)
    monkeypatch.setattr(openpyxl, "load_workbook", lambda *_, **__: pytest.fail("opened"))
    content = repacked(change)
    assert len(content) < 100_000
    assert "Millionen Zellen" in refusal(content)


def test_more_parts_than_any_workbook_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_open, "MAX_PARTS", 40)
    assert "40 Teile" in refusal(repacked(lambda parts: parts.update({f"x/{number}": b"" for number in range(40)})))


def test_an_archive_that_lies_about_its_sizes() -> None:
    """What it declares is all that is unpacked."""
    content = bytearray(repacked(lambda parts: parts.update({"xl/media/bomb.bin": b"\0" * 5_000_000})))
    at = content.index((5_000_000).to_bytes(4, "little"), content.index(b"PK\x01\x02"))
    content[at : at + 4] = (10).to_bytes(4, "little")
    assert refusal(bytes(content)) in (
        "dieser Teil der Mappe ist beschädigt",
        "die Mappe ist unvollständig, sie bricht mittendrin ab",
    )


@pytest.mark.parametrize(
    "doctype",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE x SYSTEM "http://example.invalid/x.dtd">',
    ],
)
@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/sharedStrings.xml", "[Content_Types].xml"])
def test_entities_are_never_resolved(doctype: bytes, part: str) -> None:
    def change(parts: dict[str, bytes]) -> None:
        parts[part] = parts[part].replace(b"?>", b"?>" + doctype, 1)

    assert "Dokumenttyp" in refusal(repacked(change))


def test_macros_are_neither_run_nor_kept_and_the_figures_are_read() -> None:
    def change(parts: dict[str, bytes]) -> None:
        parts["xl/vbaProject.bin"] = b"\xd0\xcf\x11\xe0" + os.urandom(2000)
        types = parts["[Content_Types].xml"].replace(b"spreadsheetml.sheet.main+xml", b"x")
        types = types.replace(
            b"application/vnd.openxmlformats-officedocument.x", b"application/vnd.ms-excel.sheet.macroEnabled.main+xml"
        )
        vba = b'<Override PartName="/xl/vbaProject.bin" ContentType="application/vnd.ms-office.vbaProject"/></Types>'
        parts["[Content_Types].xml"] = types.replace(b"</Types>", vba)

    content = repacked(change)
    assert open_workbook(content, "mappe.xlsm").vba_archive is None
    delivery, good = read(content), read(GOOD)
    assert delivery.problems == good.problems
    assert delivery.rows.equals(good.rows)


def test_links_to_other_workbooks_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    link = b'<externalLink xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><externalBook/></externalLink>'
    rels = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLinkPath" '
        b'Target="file:///etc/passwd" TargetMode="External"/></Relationships>'
    )

    def change(parts: dict[str, bytes]) -> None:
        parts["xl/externalLinks/externalLink1.xml"] = link
        parts["xl/externalLinks/_rels/externalLink1.xml.rels"] = rels
        parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(
            b"</sheets>", b'</sheets><externalReferences><externalReference r:id="rId99"/></externalReferences>'
        )
        parts["xl/_rels/workbook.xml.rels"] = parts["xl/_rels/workbook.xml.rels"].replace(
            b"</Relationships>",
            b'<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLink" '
            b'Target="externalLinks/externalLink1.xml"/></Relationships>',
        )

    content = repacked(change)
    opened: list[Any] = []
    monkeypatch.setattr("builtins.open", lambda *arguments, **_: opened.append(arguments))
    delivery = read(content)
    assert opened == []
    assert delivery.city == CITY
    assert delivery.rows.equals(read(GOOD).rows)


def test_names_inside_an_archive_are_no_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    content = repacked(lambda parts: parts.update({"../../evil.txt": b"x", "/tmp/evil.txt": b"x", "..\\..\\evil.txt": b"x"}))
    assert read(content).city == CITY
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


# --- files and folders


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder beside a file that is none of its business."""
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.csv").write_text("a,b\n1,2\n")
    (folder / "sub" / "b.csv").write_text("a,b\n1,2\n")
    return folder


@pytest.mark.parametrize(
    "pattern",
    [
        *("../secret.csv", "sub/../../secret.csv", "*/../../*.csv", "..\\secret.csv", "/etc/passwd", "/etc/*"),
        *("C:\\a.csv", "C:a.csv", "\\\\host\\a.csv", "", ".", "a\0.csv"),
    ],
)
def test_a_path_that_leads_out_of_the_data_folder(data: Path, pattern: str) -> None:
    with pytest.raises(UnreadableFile, match="führt aus dem Datenordner hinaus"):
        find_files(data, [pattern])


@pytest.mark.parametrize(("link", "to"), [("link.csv", "../secret.csv"), ("link", ".."), ("abs.csv", "/etc/hostname")])
def test_a_link_that_leads_out_of_the_data_folder(data: Path, link: str, to: str) -> None:
    (data / link).symlink_to(to)
    for pattern in (link if link.endswith(".csv") else f"{link}/secret.csv", "*.csv" if link.endswith(".csv") else "link/*.csv"):
        with pytest.raises(UnreadableFile, match="Verknüpfung führt aus dem Datenordner hinaus"):
            find_files(data, [pattern])


def test_what_stays_inside_is_found(data: Path) -> None:
    (data / "inside.csv").symlink_to("sub/b.csv")
    (data / "loop.csv").symlink_to("loop.csv")
    elsewhere = data.parent / "linked"
    elsewhere.symlink_to(data)
    for root in (data, elsewhere):
        found, unmatched = find_files(root, ["*.csv", "sub/*.csv", "a.csv", "none.csv", "loop.csv"])
        assert [one.name for one in found] == ["a.csv", "inside.csv", "sub/b.csv"]
        assert unmatched == ["none.csv", "loop.csv"]


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="./*?[]ab\\~svc ", min_size=1, max_size=12))
def test_no_pattern_reaches_outside(pattern: str) -> None:
    root = Path(__file__).parent
    try:
        found, _ = find_files(root, [pattern])
    except UnreadableFile:
        return
    assert all(one.path.resolve().is_relative_to(root.resolve()) for one in found)


def test_a_store_gives_the_vintage_that_holds(tmp_path: Path) -> None:
    store, may, june = tmp_path / "store", datetime.date(2022, 5, 1), datetime.date(2022, 6, 1)
    open_store(store)
    for content, file, city, day in (
        (b"old", "mappe.xlsx", "03241", may),
        (b"new", "neu.xlsx", "03241", june),
        (b"other", "mappe.xlsx", "02000", june),
        (b"table", "zahlen.csv", "", may),
    ):
        deliver(store, content, file=file, received=day, city=city)
    found, unmatched = find_files(store, ["*.xlsx", "zahlen.csv", "../x.csv".removeprefix("../")])
    assert [one.name for one in found] == ["02000/mappe.xlsx", "03241/neu.xlsx", "zahlen.csv"]
    assert unmatched == ["x.csv"]
    read_in_may, _ = find_files(store, ["*.xlsx"], may)
    assert [read_once(one.path, one.name, one.sha256).content for one in read_in_may] == [b"old"]
    with pytest.raises(UnreadableFile, match="nicht mehr die, die geliefert wurde"):
        read_once(read_in_may[0].path, "mappe.xlsx", "0" * 64)
    with pytest.raises(UsageError, match="keine Ablage von Fassungen"):
        find_files(tmp_path, ["*.csv"], may)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(UnreadableFile, match="das ist keine gewöhnliche Datei"):
            read_once(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.truncate(200_000_000)  # takes no room on the disk
    (problem,) = check_files([path], None)  # type: ignore[arg-type]
    assert (problem.severity, problem.what) == ("error", "die Datei ist größer als 150 MB")
    assert "filtern" in problem.mend


def content_of(content: bytes, name: str = "a.csv") -> FileContent:
    return FileContent(Path(name), name, content, "")


@pytest.mark.parametrize("sign", [";", ",", "\t", "|", "\n"])
def test_more_cells_than_memory_is_planned_for(monkeypatch: pytest.MonkeyPatch, sign: str) -> None:
    monkeypatch.setattr(files, "MAX_CELLS", 1000)
    decode(content_of(("1" + sign).encode() * 1000), "utf-8")
    with pytest.raises(UnreadableFile, match="mehr als 0 Millionen Zellen"):
        decode(content_of(("1" + sign).encode() * 1001), "utf-8")


def test_a_packed_file_of_several_parts_is_read_to_its_end() -> None:
    packed = gzip.compress(b"a,b\n") + gzip.compress(b"1,2\n") + b"\0" * 100
    assert decode(content_of(packed, "a.csv.gz"), "utf-8") == "a,b\n1,2\n"
    with pytest.raises(UnreadableFile, match="keine gzip-Datei oder sie ist beschädigt"):
        decode(content_of(packed + b"something else", "a.csv.gz"), "utf-8")


def test_a_packed_bomb_of_several_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 2_000_000)
    with pytest.raises(UnreadableFile, match="entpackt größer als 2 MB"):
        decode(content_of(gzip.compress(b"0" * 500_000) * 5, "a.csv.gz"), "utf-8")


@pytest.mark.parametrize("cell", ["=1+1", "=cmd|' /C calc'!A0", "@SUM(A1)", "-5", '"=HYPERLINK(""http://example.invalid"")"'])
@pytest.mark.parametrize("column", ["ags", "y"])
def test_a_formula_in_a_table_is_neither_key_nor_count(tmp_path: Path, cell: str, column: str) -> None:
    path = tmp_path / "a.csv"
    key, count = (cell, "5") if column == "ags" else ("03241", cell)
    path.write_text(f"ags,year,y,n\n{key},2021,{count},9\n", encoding="utf-8")
    problems = check_files([path], None)  # type: ignore[arg-type]
    assert any("Zeile 2" in problem.place for problem in problems if problem.severity != "hint"), problems


# --- at the limits: the figures of the reference


MEASURED = """
import resource, sys
from tests.intake import hostile_sizes
print(hostile_sizes.SIZES[sys.argv[1]](), file=sys.stderr)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, hostile_sizes.seconds())
"""


@pytest.mark.slow
@pytest.mark.parametrize("size", list(SIZES))
def test_at_the_limits_memory_and_time_stay_as_stated(size: str) -> None:
    """What is handled stays below 2 GiB and two minutes of a processor, and so does what is refused."""
    run = subprocess.run(
        [sys.executable, "-c", MEASURED, size],
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
        cwd=Path(__file__).parents[2],
    )
    assert run.returncode == 0, run.stderr
    memory, seconds = map(float, run.stdout.split())
    assert memory < 2 * GIB, (memory, run.stderr)
    assert seconds < 120, (seconds, run.stderr)
