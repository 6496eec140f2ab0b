"""A file is there whole or not at all, whatever happens to the process that writes it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from integstat.steps import sweep, write_text, writing

WRITER = """
import sys, time
from pathlib import Path
from integstat.steps.atomic import writing

with writing(Path(sys.argv[1])) as part:
    with part.open("w") as handle:
        handle.write("half of it")
        handle.flush()
        print("writing", flush=True)
        time.sleep(60)
"""


def test_the_file_appears_whole_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "result.csv"
    with writing(path) as part:
        part.write_text("a,b\n")
        assert not path.exists()
    assert path.read_text() == "a,b\n"
    assert [one.name for one in path.parent.iterdir()] == ["result.csv"]


def test_the_temporary_name_keeps_the_ending_of_the_file(tmp_path: Path) -> None:
    with writing(tmp_path / "table.xlsx") as part:
        assert part.suffix == ".xlsx"  # some writers choose the format by it
        assert part.parent == tmp_path  # a move inside one folder is one step


@pytest.mark.parametrize("before", [None, "what was there"])
def test_an_exception_leaves_what_was_there(tmp_path: Path, before: str | None) -> None:
    path = tmp_path / "result.txt"
    if before is not None:
        path.write_text(before)

    def fail() -> None:
        with writing(path) as part:
            part.write_text("half of it")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert (path.read_text() if path.exists() else None) == before
    assert len(list(tmp_path.iterdir())) == (0 if before is None else 1)


def test_a_killed_process_leaves_what_was_there_and_sweep_removes_its_rest(tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    path.write_text("what was there")
    (tmp_path / ".hidden").write_text("not ours")
    (tmp_path / "other.part.txt").write_text("not ours either")
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "writing\n"
    finally:
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait(timeout=30) == -signal.SIGKILL
        child.stdout.close()
    assert path.read_text() == "what was there"
    left = sorted(one.name for one in tmp_path.iterdir())
    assert len(left) == 4
    sweep(tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == [".hidden", "other.part.txt", "result.txt"]


def test_sweep_of_a_folder_that_is_not_there_does_nothing(tmp_path: Path) -> None:
    sweep(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_the_file_gets_the_usual_rights(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        write_text(tmp_path / "result.txt", "x")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "result.txt").stat().st_mode) == 0o640


def test_text_is_utf8_with_plain_line_ends(tmp_path: Path) -> None:
    write_text(tmp_path / "text.md", "Größe\nÜ\n")
    assert (tmp_path / "text.md").read_bytes() == "Größe\nÜ\n".encode()
