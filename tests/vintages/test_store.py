"""Vintages: every delivery once and untouched, whatever happens while it is kept."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.errors import DataError, UsageError
from integstat.vintages import Vintage, damaged, deliver, is_store, latest, open_store, vintages
from integstat.vintages.store import FORMAT, LINE, MARKER

MAY, JUNE, JULY = (datetime.date(2022, month, 1) for month in (5, 6, 7))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    open_store(folder)
    return folder


def put(store: Path, content: bytes, received: datetime.date = MAY, city: str = "03241", **more: object) -> tuple[Vintage, bool]:
    return deliver(store, content, file=str(more.pop("file", "mappe.xlsx")), received=received, city=city, **more)  # type: ignore[arg-type]


def test_a_delivery_is_kept_as_it_came(store: Path) -> None:
    content = b"PK\x03\x04 whatever\r\n\x00"
    one, new = put(store, content, data_as_of="31.12.2021")
    assert new
    assert one.path.read_bytes() == content
    assert one.sha256 == hashlib.sha256(content).hexdigest() == one.path.parent.name
    assert (one.city, one.file, one.received, one.number, one.size) == ("03241", "mappe.xlsx", MAY, 1, len(content))
    assert one.data_as_of == "31.12.2021"
    assert vintages(store) == [one]
    assert not one.path.stat().st_mode & 0o222
    assert damaged(store) == []


def test_the_same_bytes_twice_are_one_vintage(store: Path) -> None:
    first, _ = put(store, b"a")
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    again, new = put(store, b"a", received=JUNE, file="copy of mappe.xlsx")
    assert (again, new) == (first, False)
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before


def test_a_correction_is_a_new_vintage_and_the_old_one_stays(store: Path) -> None:
    old, _ = put(store, b"old")
    new, _ = put(store, b"new", received=JUNE, file="mappe (2).xlsx")
    other, _ = put(store, b"other", city="02000")
    assert (old.number, new.number, other.number) == (1, 2, 1)
    assert old.path.read_bytes() == b"old"
    assert latest(vintages(store)) == [other, new]
    assert latest(vintages(store), MAY) == [other, old]
    assert latest(vintages(store), datetime.date(2022, 4, 30)) == []


def test_within_a_day_the_order_of_arrival_decides(store: Path) -> None:
    for content in (b"1", b"2", b"3"):
        put(store, content)
    (valid,) = latest(vintages(store))
    assert (valid.number, valid.path.read_bytes()) == (3, b"3")


def test_a_correction_taken_back_holds_again_only_when_it_is_asked_for(store: Path) -> None:
    old, _ = put(store, b"old")
    new, _ = put(store, b"new", received=JUNE)
    assert put(store, b"old", received=JULY) == (old, False)
    assert latest(vintages(store)) == [new]
    back, made = put(store, b"old", received=JULY, again=True)
    assert made
    assert (back.number, back.path, back.sha256) == (3, old.path, old.sha256)
    assert latest(vintages(store)) == [back]
    assert put(store, b"old", received=JULY, again=True) == (back, False)
    assert len(vintages(store)) == 3


def test_files_of_a_source_are_told_apart_by_name(store: Path) -> None:
    put(store, b"1", city="", file="a.csv")
    put(store, b"2", city="", file="b.csv")
    put(store, b"3", city="", file="a.csv", received=JUNE)
    put(store, b"4", city="03241", file="a.csv")
    put(store, b"5", city="03241")
    assert [one.name for one in latest(vintages(store))] == ["03241/mappe.xlsx", "03241/a.csv", "a.csv", "b.csv"]
    assert [one.path.read_bytes() for one in latest(vintages(store))] == [b"5", b"4", b"3", b"2"]


def test_the_same_file_of_two_cities_is_refused(store: Path) -> None:
    put(store, b"a")
    with pytest.raises(DataError, match=r"dieselbe Datei liegt schon als Lieferung der Stadt 03241 vor"):
        put(store, b"a", city="02000")


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(("02000", "03241")), st.sampled_from((MAY, JUNE, JULY))), max_size=8
    )
)
def test_whatever_comes_each_is_there_once_and_the_last_received_holds(
    arrivals: list[tuple[str, str, datetime.date]],
) -> None:
    expected: dict[bytes, tuple[str, datetime.date, int]] = {}
    with TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        open_store(store)
        for text, city, received in arrivals:
            content = f"{city} {text}".encode()
            _, new = put(store, content, received, city)
            assert new == (content not in expected)
            expected.setdefault(content, (city, received, len(expected)))
        kept = vintages(store)
        assert sorted(one.path.read_bytes() for one in kept) == sorted(expected)
        valid = {one.subject: one.path.read_bytes() for one in latest(kept)}
        for city in {city for city, _, _ in expected.values()}:
            own = {content: (day, place) for content, (of, day, place) in expected.items() if of == city}
            assert valid[city] == max(own, key=lambda content: own[content])


def test_a_folder_that_holds_something_else_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("x")
    with pytest.raises(UsageError, match="nicht leer und keine Ablage"):
        open_store(tmp_path)
    with pytest.raises(UsageError, match="das ist eine Datei"):
        open_store(tmp_path / "letter.txt")
    assert not is_store(tmp_path)


def test_a_store_of_another_form_is_refused(store: Path) -> None:
    (store / MARKER).write_text("integstat-fassungen-9\n")
    with pytest.raises(UsageError, match="andere Form"):
        open_store(store)


@pytest.mark.parametrize("how", ["no line", "cut line", "other hash", "no bytes", "cut bytes", "no object", "other form"])
def test_a_damaged_vintage_is_told_and_not_passed_over(store: Path, how: str) -> None:
    one, _ = put(store, b"content")
    line = one.path.parent / LINE
    for path in (line, one.path):
        path.chmod(0o644)
    told = json.loads(line.read_text())
    match how:
        case "no line":
            line.unlink()
        case "cut line":
            line.write_text(line.read_text()[:20])
        case "other hash":
            line.write_text(json.dumps(told | {"sha256": "0" * 64}))
        case "no bytes":
            one.path.unlink()
        case "cut bytes":
            one.path.write_bytes(b"conte")
        case "no object":
            line.write_text("[]")
        case _:
            line.write_text(json.dumps(told | {"format": FORMAT + "0"}))
    with pytest.raises(DataError, match="beschädigt oder verändert") as raised:
        vintages(store)
    assert LINE in str(raised.value)


def test_bytes_of_the_same_length_that_are_others_are_found_by_their_hash(store: Path) -> None:
    one, _ = put(store, b"content")
    one.path.chmod(0o644)
    one.path.write_bytes(b"CONTENT")
    assert damaged(store) == [one]


def test_what_a_killed_process_left_is_cleared_away_after_a_day(store: Path) -> None:

    old, young = store / ".part-old", store / ".part-young"
    for left in (old, young):
        left.mkdir()
        (left / "lieferung.xlsx").write_bytes(b"x")
    os.utime(old, (time.time() - 100_000,) * 2)
    open_store(store)
    assert not old.exists()
    assert young.exists()
    assert vintages(store) == []


def test_a_place_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(UsageError, match=r"hier lässt sich nichts ablegen \(Permission denied\)"):
        open_store(tmp_path / "new")


KILLED_AT_EVERY_STEP = """
import datetime, os, signal, sys
from pathlib import Path
from integstat.vintages import damaged, deliver, open_store, vintages

top, moment = Path(sys.argv[1]), 0
while True:
    moment += 1
    store = top / str(moment)
    child = os.fork()
    if child == 0:
        left = moment
        def count(event, arguments):
            global left
            if event in ("open", "os.mkdir", "os.rename", "os.chmod", "os.listdir", "os.scandir", "os.rmdir", "os.remove"):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(count)
        open_store(store)
        for content in (b"one" * 5000, b"two" * 5000):
            deliver(store, content, file="a.xlsx", received=datetime.date(2022, 5, 1), city="03241")
        os._exit(0)
    killed = os.waitpid(child, 0)[1] != 0
    open_store(store)
    whole = vintages(store)
    assert len({one.sha256 for one in whole}) == len(whole) <= 2 and damaged(store) == [], moment
    for content in (b"one" * 5000, b"two" * 5000):
        deliver(store, content, file="a.xlsx", received=datetime.date(2022, 5, 1), city="03241")
    there = vintages(store)
    assert [one.number for one in there] == [1, 2] and damaged(store) == [], moment
    if not killed:
        print(moment)
        break
"""

WORKER = """
import datetime, sys
from pathlib import Path
from integstat.vintages import deliver, open_store

store, inbox = map(Path, sys.argv[1:])
open_store(store)
for path in sorted(inbox.iterdir()):
    deliver(store, path.read_bytes(), file=path.name, received=datetime.date(2022, 5, 1), city=path.name[:5])
"""


def test_killed_at_every_step_the_store_is_whole_and_goes_on(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", KILLED_AT_EVERY_STEP, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 12  # moments: files opened, folders made and moved


def test_two_processes_on_one_store_some_of_them_killed(tmp_path: Path) -> None:
    inbox, store = tmp_path / "inbox", tmp_path / "store"
    inbox.mkdir()
    contents = {
        f"{3000 + number:05d}-{version}.xlsx": f"{number} {version} ".encode() * 3000 for number in range(8) for version in "ab"
    }
    for name, content in contents.items():
        (inbox / name).write_bytes(content)

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", WORKER, str(store), str(inbox)], stderr=subprocess.PIPE)

    for wanted in (1, 4, 9):  # killed when so many are there
        pair = [start(), start()]
        while sum(one.name[0] != "." for one in store.glob("*")) - 1 < wanted and any(one.poll() is None for one in pair):
            pass
        for one in pair:
            one.kill()
            one.communicate()
    last = [start(), start()]
    for one in last:
        _, said = one.communicate(timeout=60)
        assert one.returncode == 0, said.decode()
    there = vintages(store)
    assert sorted(one.path.read_bytes() for one in there) == sorted(contents.values())
    assert damaged(store) == []
    assert {one.subject: one.number for one in there} == {name[:5]: 2 for name in contents}
    shutil.rmtree(store)
