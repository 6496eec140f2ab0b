"""Rules of the house that no single room's tests can hold."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src" / "integstat").rglob("*.py"))
TEXTS = [
    path
    for folder in ("src", "configs", "docs", "tests", "analyses", ".ci")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.is_file() and path.suffix in (".py", ".toml", ".md", ".j2", ".css", "")
]
PLAIN = [ROOT / name for name in ("pyproject.toml", "requirements.lock", "Makefile", "README.md", "LICENSE")]
MOST_LINES = 420

# split, so that this file does not hold what it looks for
OPEN_ENDS = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")))
INDEX = re.compile(r"https?://[^\s\"')>]*(py" + r"pi\.|/sim" + r"ple\b|artif" + r"actory|nex" + r"us\b|pythonhost" + r"ed)", re.I)
MACHINE = re.compile("/(ho" + r"me|ro" + r"ot|Us" + r"ers|wo" + r"rk)/\w")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_rooms_import_only_from_rooms_to_their_right() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        pytest.skip("import-linter is not installed beside this Python")
    run = subprocess.run(
        [str(linter), "--no-cache"], cwd=ROOT, env=os.environ | {"PYTHONUTF8": "1"}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout
    assert "0 broken" in run.stdout


def test_every_room_is_in_the_contract() -> None:
    contract = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    rooms = {path.stem for path in (ROOT / "src" / "integstat").glob("*.py")} - {"__init__", "__main__"}
    rooms |= {path.parent.name for path in (ROOT / "src" / "integstat").glob("*/__init__.py")}
    listed = set(
        re.findall(
            r"integstat\.(\w+)", contract[contract.index("layers = [") : contract.index("]\n\n", contract.index("layers = ["))]
        )
    )
    assert rooms == listed


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_source_file_does_one_thing(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < MOST_LINES


@pytest.mark.parametrize("path", [*TEXTS, *PLAIN], ids=name)
def test_no_open_ends_no_index_no_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    patterns = (INDEX, MACHINE) if path.is_relative_to(ROOT / "tests") else (INDEX, MACHINE, OPEN_ENDS)
    for pattern in patterns:
        found = pattern.search(text)
        assert found is None, f"{found[0]!r} in line {text[: found.start()].count(chr(10)) + 1}"


def test_the_rules_above_would_notice() -> None:
    assert OPEN_ENDS.search("# TO" + "DO later")
    assert INDEX.search("https:" + "//mirror.example/sim" + "ple/")
    assert MACHINE.search("/ho" + "me/anna/x")
    assert len(SOURCES) > 80
    assert len(TEXTS) > 150


def test_every_pin_has_a_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    pins = [line for line in lock.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(pins) > 60
    assert all(re.match(r"^[a-z0-9._-]+(\[[a-z,]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", line) for line in pins)


@pytest.mark.parametrize("file", ["README.md", "LICENSE", "CONTRIBUTING.md", "CHANGELOG.md", "ARCHITECTURE.md", "docs/decisions"])
def test_what_a_newcomer_looks_for_is_there(file: str) -> None:
    path = ROOT / file
    assert path.exists()
    assert any(path.iterdir()) if path.is_dir() else path.stat().st_size > 300


def test_the_version_is_written_once() -> None:
    from importlib.metadata import version

    declared = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    assert declared is not None
    assert version("integstat") == declared[1]
