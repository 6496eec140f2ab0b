"""Reading a file once, and seeing through what it is not."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import pytest

from integstat.errors import DataError
from integstat.intake.files import FileContent, decode, read_once
from integstat.intake.problems import UnreadableFile


def file_of(content: bytes, name: str = "a.csv") -> FileContent:
    return FileContent(Path(name), name, content, hashlib.sha256(content).hexdigest())


def test_content_and_hash_belong_together(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,2\n")
    file = read_once(path, "sub/a.csv")
    assert (file.name, file.content) == ("sub/a.csv", b"a,b\n1,2\n")
    assert file.sha256 == hashlib.sha256(b"a,b\n1,2\n").hexdigest()


@pytest.mark.parametrize("how", ["appended", "replaced"])
def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,2\n")
    stat = Path.stat

    def meanwhile(self: Path, **options: Any) -> Any:
        if self == path:
            if how == "appended":
                with path.open("ab") as other:
                    other.write(b"3,4\n")
            else:
                (tmp_path / "new").write_bytes(b"a,b\n9,9\n")
                (tmp_path / "new").rename(path)
        return stat(self, **options)

    monkeypatch.setattr(Path, "stat", meanwhile)
    with pytest.raises(DataError, match=r"a\.csv: die Datei hat sich beim Lesen geändert; bitte warten"):
        read_once(path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="diese Datei gibt es nicht; bitte den Pfad prüfen"):
        read_once(tmp_path / "none.csv")
    with pytest.raises(UnreadableFile, match="das ist ein Ordner"):
        read_once(tmp_path)


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_utf8_with_and_without_byte_order_mark(start: bytes) -> None:
    assert decode(file_of(start + "Köln".encode()), "utf-8") == "Köln"


def test_packed() -> None:
    assert decode(file_of(gzip.compress("Köln".encode()), "a.csv.gz"), "utf-8") == "Köln"


@pytest.mark.parametrize(
    ("content", "name", "encoding", "what"),
    [
        ("Köln".encode(), "a.csv", "iso-8859-1", "die Datei ist UTF-8, angekündigt ist ISO-8859-1"),
        (b"a,b", "a.csv", "utf-99", "die Kodierung 'utf-99' gibt es nicht"),
        (gzip.compress(b"a,b", mtime=0), "a.csv", "utf-8", "eine gepackte Datei"),
        (b"a,b", "a.csv.gz", "utf-8", "keine gzip-Datei"),
        (b"<?xml version='1.0'?>", "a.csv", "utf-8", "eine Internetseite"),
    ],
)
def test_seen_through(content: bytes, name: str, encoding: str, what: str) -> None:
    with pytest.raises(UnreadableFile) as raised:
        decode(file_of(content, name), encoding)
    assert what in raised.value.problem.what
    assert raised.value.problem.mend
    assert str(raised.value).startswith(name)


def test_the_line_of_a_wrong_byte_is_told() -> None:
    with pytest.raises(UnreadableFile, match=r"a\.csv, Zeile 3: "):
        decode(file_of(b"a,b\n1,2\nK\xf6ln,3\n"), "utf-8")


def test_an_unpacked_size_beyond_reason_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integstat.intake.files.MAX_BYTES", 1000)
    with pytest.raises(UnreadableFile, match="entpackt größer"):
        decode(file_of(gzip.compress(b"0" * 100_000, mtime=0), "a.csv.gz"), "utf-8")
