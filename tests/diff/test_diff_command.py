"""`integstat diff` as it is called."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import typer

from integstat.cli.diff import diff_command
from integstat.diff import COUNT_CODEBOOK, FINDING_CODEBOOK
from integstat.errors import UsageError

from .runs import CITIES, made


def call(*arguments: object) -> None:
    """Call the command as the command line does."""
    app = typer.Typer()
    app.command()(diff_command)
    app(args=[str(argument) for argument in arguments], standalone_mode=False)


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    after = made()
    after.counts.loc[after.figure(CITIES[0], "E1.main")] = 1234.5
    after.find(CITIES[0], "E1", "deficit", deficit=0.97)
    after.findings["city_name"] = after.findings["city_name"].replace({"Stadt 03001": "=cmd|' /C calc'!A0"})
    return made().write(tmp_path / "mai"), after.write(tmp_path / "juni")


def test_sentences_then_tables(runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    call(*runs)
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith("Daten: 1 Zahl ist anders (1 geändert), in einer Stadt")
    assert "Zielgruppe, Zähler 2021" in out
    assert "1.234,50" in out
    assert "offen (Defizit 20 %)" in out
    assert "Defizit (97 %)" in out
    assert "eigene Zahlen" in out


def test_without_a_difference_there_is_no_table(runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    call(runs[0], runs[0], "--csv", runs[0] / "diff.csv")
    out = capsys.readouterr().out
    assert out.startswith("Daten: keine Zahl ist anders.\n")
    assert "┃" not in out
    assert (runs[0] / "diff.csv").read_text() == ",".join(FINDING_CODEBOOK) + "\n"
    assert (runs[0] / "diff_counts.csv").read_text() == ",".join(COUNT_CODEBOOK) + "\n"


def test_tables_as_files(runs: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "diff.csv"
    call(*runs, "--csv", out)
    findings, counts = pd.read_csv(out, dtype={"city": str}), pd.read_csv(tmp_path / "diff_counts.csv", dtype={"city": str})
    assert list(findings.columns) == list(FINDING_CODEBOOK)
    assert list(counts.columns) == list(COUNT_CODEBOOK)
    assert (findings["city"].iloc[0], counts["city"].iloc[0], counts["after"].iloc[0]) == (CITIES[0], CITIES[0], 1234.5)
    assert findings["city_name"].iloc[0] == "'=cmd|' /C calc'!A0"  # no spreadsheet computes it
    with pytest.raises(UsageError, match="diese Datei gibt es schon"):
        call(*runs, "--csv", out)
    (tmp_path / "diff_counts.csv").write_text("old")
    out.unlink()
    with pytest.raises(UsageError, match=r"diff_counts\.csv: diese Datei gibt es schon"):
        call(*runs, "--csv", out)
    call(*runs, "--csv", out, "--force")
    assert (tmp_path / "diff_counts.csv").read_text() != "old"
    with pytest.raises(UsageError, match="das ist ein Ordner"):
        call(*runs, "--csv", tmp_path)
