"""The stage of the other choices in a run: its files, its place in the manifest, and what a change of the choices costs."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from tests.conftest import CITIES, INDICATORS, FakeFit

from integstat.cli.entry import execute
from integstat.report.sensitivity_tables import SENSITIVITY_FILES

CHOICES = """
name_de = "Zum Prüfen"
[definitions]
kind = "equivalent"
[[axis]]
id = "land"
name_de = "Länder"
[[axis.alternative]]
id = "without"
name_de = "ohne"
kind = "equivalent"
set = { "change.land" = false }
[[axis]]
id = "size"
name_de = "Größe"
[[axis.alternative]]
id = "larger"
name_de = "größer"
kind = "uncertain"
set = { "change.priors.sd_change_median" = 0.3 }
"""
STEP = """
[[axis]]
id = "step"
name_de = "Schwelle"
[[axis.alternative]]
id = "half"
name_de = "halb"
set = { "findings.rho_times" = 0.5 }
"""


def call(*arguments: object) -> int:
    """One call of the command line."""
    return execute([str(one) for one in arguments])


@pytest.fixture
def config(ring_folder: Path) -> Path:
    """A ring that names other choices."""
    path = ring_folder / "ring.toml"
    text = path.read_text(encoding="utf-8").replace("[peers]\n", '[sensitivity]\nmultiverse = "other.toml"\n\n[peers]\n', 1)
    path.write_text(text, encoding="utf-8")
    (ring_folder / "other.toml").write_text(CHOICES, encoding="utf-8")
    return path


def told(out: Path) -> tuple[dict[str, int], dict[str, int]]:
    """What the manifest says of the other choices, and what the stage computed."""
    content = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    return content["sensitivity"], content["stages"]["sensitivity"]


def test_the_stage_leaves_its_tables_and_fills_the_column(config: Path, tmp_path: Path, fake_fit: FakeFit) -> None:
    out = tmp_path / "out"
    assert call("run", config, "--out", out) == 0
    for name in SENSITIVITY_FILES:
        assert (out / name).stat().st_size > 0
    findings = pd.read_csv(out / "findings.csv", dtype={"city": str})
    assert findings["robustness"].between(0, 1).all()
    universes = pd.read_parquet(out / "universes.parquet")
    assert len(universes) == 4 * CITIES * INDICATORS
    assert list(universes["land"].cat.categories) == ["main", "without"]
    said, stage = told(out)
    assert (said["universes"], said["models"], said["failed"]) == (4, 4, 0)
    assert stage["computed"] + stage["kept"] == said["fits"] == len(fake_fit.fitted)
    assert "Wie weit" in (out / "report.html").read_text(encoding="utf-8")


def test_another_step_costs_no_fit_and_another_run_is_not_overwritten(
    config: Path, tmp_path: Path, fake_fit: FakeFit, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert call("sensitivity", config, "--out", out) == 0
    fitted = len(fake_fit.fitted)
    (config.parent / "other.toml").write_text(CHOICES + STEP, encoding="utf-8")
    capsys.readouterr()
    assert call("sensitivity", config, "--out", out, "--list") == 0
    listed = capsys.readouterr().out
    assert "8 Rechenwege je Indikator" in listed
    assert "davon fehlen noch 0" in listed
    assert call("sensitivity", config, "--out", out) == 2
    assert "--force" in capsys.readouterr().err
    assert call("sensitivity", config, "--out", out, "--force") == 0
    assert len(fake_fit.fitted) == fitted
    assert told(out)[1]["computed"] == 0


def test_a_ring_without_other_choices_says_so(ring_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ((), ("--list",)):
        assert call("sensitivity", ring_folder / "ring.toml", "--out", tmp_path / "out", *more) == 2
        said = capsys.readouterr().err
        assert "nennt keine anderen Rechenwege" in said and "--multiverse" in said
        assert len(said.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_misspelt_choice_is_told_with_file_and_line_before_anything_is_computed(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = config.parent / "other.toml"
    other.write_text(CHOICES.replace("change.land", "change.lnad"), encoding="utf-8")
    assert call("run", config, "--out", tmp_path / "out") == 2
    assert "other.toml, Zeile" in capsys.readouterr().err
    other.write_text(CHOICES.replace("= 0.3 }", '= "viel" }'), encoding="utf-8")
    assert call("run", config, "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert "Achse 'size', Alternative 'larger'" in said
    assert not (tmp_path / "out").exists()
