"""Templates and replies from the command line."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from integstat import cli


def call(*arguments: object) -> int:
    return cli.execute([str(argument) for argument in arguments])


def test_template_and_reply(ring_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, books = ring_folder / "ring.toml", ring_folder / "workbooks"
    for path in sorted(books.iterdir())[4:]:
        path.unlink()
    assert call("template", config, "--out", tmp_path / "out", "--last", books, "--city", "91001") == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out' / '91001.xlsx'}\n"
    first = min(books.iterdir())
    book = openpyxl.load_workbook(first)
    book["Bildung"]["I5"] = -4
    book.save(first)
    assert call("check", config, "--reply", tmp_path / "back") == 3
    assert (tmp_path / "back" / f"{first.stem}-rueckmeldung.xlsx").exists()
    capsys.readouterr()
    assert call("check", config, books, "--reply", tmp_path / "back") == 2
    assert "genau einer Konfiguration" in capsys.readouterr().err
