"""The command line: exit codes, sentences on stderr, results on stdout, and nothing heavy before it is needed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from tests.conftest import CITIES, FakeFit
from tests.test_bare import WHOLE, by_hand

import integstat.bare
from integstat import cli
from integstat.change import ChangeData
from integstat.errors import ConvergenceError

HEAVY = (
    "numpy",
    "pandas",
    "scipy",
    "sklearn",
    "xarray",
    "pymc",
    "pytensor",
    "nutpie",
    "arviz",
    "matplotlib",
    "openpyxl",
    "jinja2",
)
HELP = """
import sys
from integstat.cli import execute
code = execute({arguments!r})
print("LOADED", *[name for name in {heavy!r} if name in sys.modules])
sys.exit(code)
"""
SLOW_RUN = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job may have inherited 'ignore'
import integstat.change
from integstat.cli import main

def fit(data, settings, seed, *, cores=2, threads=1):
    os.write(1, b"FITTING\\n")  # in one call: two fits begin at once, and their lines must not mix
    time.sleep(120)

integstat.change.fit_open = fit
sys.argv = ["integstat", "run", *sys.argv[1:]]
main()
"""


def call(*arguments: object) -> int:
    """Call the command line in this process."""
    return cli.execute([str(argument) for argument in arguments])


def one_sentence(capsys: pytest.CaptureFixture[str]) -> str:
    """What came on stderr: a single line, no traceback; and nothing on stdout."""
    out, err = capsys.readouterr()
    assert out == ""
    lines = [line for line in err.splitlines() if line != "Lieferungen einlesen"]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    return lines[0]


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["change", "--help"], []])
def test_help_comes_without_heavy_modules(arguments: list[str]) -> None:
    script = HELP.format(arguments=arguments, heavy=HEAVY)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "LOADED"
    assert "Usage" in run.stdout


def test_the_probe_for_heavy_modules_would_notice() -> None:
    script = "import pandas\n" + HELP.format(arguments=["--help"], heavy=HEAVY)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "pandas" in run.stdout.splitlines()[-1]


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("run", "peers", "change", "report", "check", "simulate", "demo"):
        assert call(command, "--help") == 0
        assert f"Beispiel: integstat {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["nosuch"], "nosuch"),
        (["run"], "CONFIG"),
        (["run", "ring.toml", "--nosuch"], "--nosuch"),
        (["run", "none.toml"], "none.toml: diese Datei gibt es nicht"),
        (["run", "."], "das ist ein Ordner"),
        (["change"], "entweder CONFIG oder --counts"),
        (["change", "ring.toml", "--counts", "a.csv", "--out", "b.csv"], "entweder CONFIG oder --counts"),
        (["change", "--counts", "a.csv"], "--counts braucht --out"),
        (["change", "--counts", "a.csv", "--out", "b.csv", "--kind", "mean"], "'mean' ist keine Art"),
        (["change", "--counts", "a.csv", "--out", "b.csv", "--overlap", "1"], "'1' ist keine Überlappung"),
        (["change", "ring.toml", "--overlap", "0.5"], "gehören zu --counts"),
        (["change", "--counts", "a.csv", "--out", "b.csv", "--engine", "stan"], "'stan' gibt es nicht"),
        (["change", "--counts", "a.csv", "--out", "."], "das ist ein Ordner"),
        (["run", "ring.toml", "--from", "lunch"], "'lunch' ist keine Stufe"),
        (["simulate", "--out", "x", "--cities", "2"], "--cities"),
        (["check", "none.xlsx"], "none.xlsx"),
    ],
)
def test_a_wrong_call_leaves_with_2(
    arguments: list[str], what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(*arguments) == 2
    assert what in one_sentence(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("[ring.cities]", "[ring.cities", 11, ""),
        ("fictional = true", "fictional = true\nfictitious = true", 4, "'fictitious'"),
        ("[ring.cities]", "colour = 1\n[ring.cities]", 11, "'colour'"),
        ("seed = 7", 'seed = "seven"', 2, "seed"),
    ],
)
def test_a_wrong_config_leaves_with_2_and_names_file_and_line(
    old: str, new: str, line: int, what: str, ring_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ring_folder / "ring.toml"
    text = config.read_text(encoding="utf-8")
    assert text.count(old) == 1
    config.write_text(text.replace(old, new), encoding="utf-8")
    expected = 1 + text[: text.index(old)].count("\n") + (1 if what == "'fictitious'" else 0)
    assert call("run", config, "--out", tmp_path / "out") == 2
    sentence = one_sentence(capsys)
    assert f"{config}, Zeile {expected}:" in sentence
    assert what in sentence
    assert not (tmp_path / "out").exists()


def test_a_missing_data_folder_leaves_with_3(ring_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("run", "peers", "change", "report"):
        assert call(command, ring_folder / "ring.toml", "--data", tmp_path / "nowhere", "--out", tmp_path / "out") == 3
        sentence = one_sentence(capsys)
        assert f"{tmp_path / 'nowhere'}: diesen Datenordner gibt es nicht" in sentence
        assert "--data" in sentence
    assert call("check", ring_folder / "ring.toml", "--data", tmp_path / "nowhere") == 3
    assert not (tmp_path / "out").exists()


def damage(folder: Path) -> None:
    """A numerator above its denominator in one workbook: sheet 'Rechtliche Integration', the share R2."""
    path = folder / "workbooks" / "91002.xlsx"
    book = openpyxl.load_workbook(path)
    sheet = book["Rechtliche Integration"]
    sheet["I7"] = int(sheet["I8"].value) + 1
    book.save(path)


def test_a_damaged_workbook_leaves_with_3_and_no_folder(
    ring_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(ring_folder)
    assert call("run", ring_folder / "ring.toml", "--out", tmp_path / "out") == 3
    sentence = one_sentence(capsys)
    assert sentence.startswith("91002.xlsx, Blatt 'Rechtliche Integration', Zelle I7: ")
    assert "größer als Nenner" in sentence
    assert "bitte" in sentence
    assert not (tmp_path / "out").exists()


def test_check_prints_a_table_and_leaves_with_3(ring_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("check", ring_folder / "workbooks") == 0
    assert "Nichts zu beanstanden." in capsys.readouterr().out
    damage(ring_folder)
    for target in (ring_folder / "workbooks", ring_folder / "workbooks" / "91002.xlsx", ring_folder / "ring.toml"):
        assert call("check", target) == 3
        out, err = capsys.readouterr()
        assert err == ""
        for part in ("Datei", "Stelle", "Abhilfe", "Fehler", "91002.xlsx", "Zelle I7", "1 Fehler, 0 Zweifel"):
            assert part in out
        assert "\x1b" not in out  # no terminal, no colours


def test_run_writes_its_result_to_stdout_and_its_progress_to_stderr(
    ring_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fake_fit: FakeFit
) -> None:
    out = tmp_path / "out"
    assert call("run", ring_folder / "ring.toml", "--out", out) == 0
    printed, told = capsys.readouterr()
    assert printed == f"{out / 'report.html'}\n"
    for stage in ("Lieferungen einlesen", "Vergleichsgruppen bilden", "Veränderungsmodelle rechnen", "3/3", "Bericht schreiben"):
        assert stage in told
    assert call("report", ring_folder / "ring.toml", "--out", out) == 0
    printed, told = capsys.readouterr()
    assert told.count("(übernommen)") == 3
    assert len(fake_fit.fitted) == 3
    assert call("peers", ring_folder / "ring.toml", "--out", out) == 0
    assert capsys.readouterr().out == f"{out}\n"


def test_folders_of_others_are_refused_unless_forced(
    ring_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fake_fit: FakeFit
) -> None:
    foreign = tmp_path / "letters"
    foreign.mkdir()
    (foreign / "a.txt").write_text("dear")
    assert call("peers", ring_folder / "ring.toml", "--out", foreign) == 2
    assert "nicht leer und kein Lauf" in one_sentence(capsys)
    out = tmp_path / "out"
    assert call("peers", ring_folder / "ring.toml", "--out", out) == 0
    config = ring_folder / "ring.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("seed = 7", "seed = 8"), encoding="utf-8")
    capsys.readouterr()
    assert call("peers", config, "--out", out) == 2
    assert "--force" in one_sentence(capsys)
    assert call("peers", config, "--out", out, "--force") == 0
    assert fake_fit.fitted == []


def test_the_gate_leaves_with_4(ring_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fake_fit: FakeFit) -> None:
    def stop(data: ChangeData) -> None:
        raise ConvergenceError("nicht zur Ruhe gekommen", place=data.definition, mend="bitte mehr Ziehungen")

    fake_fit.before = stop
    assert call("change", ring_folder / "ring.toml", "--out", tmp_path / "out") == 4
    assert capsys.readouterr().err.splitlines()[-1].startswith("R1.eight_years_previous: nicht zur Ruhe gekommen")


def test_an_unexpected_error_leaves_with_1_and_debug_shows_where(
    ring_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fake_fit: FakeFit
) -> None:
    def fail(data: ChangeData) -> None:
        raise ZeroDivisionError("by zero")

    fake_fit.before = fail
    arguments = ("change", ring_folder / "ring.toml", "--out", tmp_path / "out")
    assert call(*arguments) == 1
    told = capsys.readouterr().err
    assert "Unerwarteter Fehler (ZeroDivisionError: by zero)" in told
    assert "Traceback" not in told
    assert call("--debug", *arguments) == 1
    assert "Traceback" in capsys.readouterr().err
    assert call(*arguments) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_simulate_writes_a_ring_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "ring"
    arguments = ("simulate", "--out", folder, "--cities", 4, "--indicators", 1, "--seed", 3)
    assert call(*arguments) == 0
    assert capsys.readouterr().out == f"{folder / 'ring.toml'}\n"
    assert len(list((folder / "workbooks").glob("*.xlsx"))) == 4
    assert call(*arguments) == 2
    assert "nicht leer" in one_sentence(capsys)
    assert call("simulate", "--out", folder, "--cities", 3, "--indicators", 1, "--force") == 0
    assert len(list((folder / "workbooks").glob("*.xlsx"))) == 3
    capsys.readouterr()
    assert call("simulate", "--out", folder / "ring.toml", "--force") == 2
    assert "das ist eine Datei" in one_sentence(capsys)


def test_change_on_a_bare_table(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integstat.bare, "fit", by_hand)
    table, out = tmp_path / "counts.csv", tmp_path / "deep" / "result.csv"
    table.write_text(WHOLE, encoding="utf-8")
    arguments = ("change", "--counts", table, "--out", out, "--covariates", "rent", "--seed", 4)
    assert call(*arguments) == 0
    assert capsys.readouterr().out == f"{out}\n"
    found = pd.read_csv(out, dtype={"city": str})
    assert set(found["city"].dropna()) == {"01002", "Kiel"}
    assert {"level", "change", "rent", "alpha"} <= set(found["quantity"])
    first = out.read_bytes()
    assert call(*arguments) == 2
    assert "diese Datei gibt es schon" in one_sentence(capsys)
    assert call(*arguments, "--force") == 0
    assert out.read_bytes() == first
    capsys.readouterr()
    table.write_text(WHOLE.replace(",50,400", ",500,400"), encoding="utf-8")
    assert call(*arguments, "--force") == 3
    assert f"{table}, Zeile 2: y (500) ist größer als n (400)" in one_sentence(capsys)
    assert out.read_bytes() == first


def test_no_color_is_respected(ring_folder: Path) -> None:
    damage(ring_folder)
    arguments = [
        sys.executable,
        "-c",
        "from integstat.cli import main; main()",
        "check",
        str(ring_folder / "workbooks" / "91002.xlsx"),
    ]
    plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TERM")}
    colour = re.compile(r"\x1b\[[0-9;]*(3[0-7]|38|9[0-7])[0-9;]*m")
    printed = {}
    for name, more in (("colour", {}), ("none", {"NO_COLOR": "1"})):
        environment = plain | {"FORCE_COLOR": "1", "TERM": "xterm-256color"} | more
        run = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
        assert run.returncode == 3
        printed[name] = run.stdout
    assert "\x1b" in printed["colour"]
    assert not colour.search(printed["none"])


def test_ctrl_c_leaves_with_130_and_says_that_what_was_done_stays(ring_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = [sys.executable, "-c", SLOW_RUN, str(ring_folder / "ring.toml"), "--out", str(out)]
    child = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "FITTING\n"
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=60)
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    assert child.returncode == 130
    assert told.splitlines()[-1] == "Abgebrochen; was fertig war, bleibt erhalten."
    assert "Traceback" not in told
    assert '"reason": "KeyboardInterrupt"' in (out / "manifest.json").read_text(encoding="utf-8")
    assert len(pd.read_csv(out / "peer_groups.csv")) == CITIES


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run"], "Aufruf: es fehlt CONFIG; siehe integstat --help."),
        (["run", "a.toml", "--nope"], "Aufruf: die Option --nope gibt es nicht; siehe integstat --help."),
        (["foo"], "Aufruf: den Befehl 'foo' gibt es nicht; siehe integstat --help."),
        (["simulate", "--out"], "Aufruf: nach --out fehlt der Wert; siehe integstat --help."),
        (
            ["simulate", "--out", "x", "--cities", "zwei"],
            "Aufruf: der Wert für --cities ist nicht zulässig; siehe integstat --help.",
        ),
        (["run", "a.toml", "b.toml"], "Aufruf: 'b.toml' ist zu viel; siehe integstat --help."),
    ],
)
def test_a_wrong_call_is_told_in_german(arguments, sentence, capsys):
    assert cli.execute(arguments) == 2
    assert capsys.readouterr().err.strip() == sentence


def test_another_city_is_placed_and_groups_are_followed(
    ring_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert call("peers", ring_folder / "ring.toml", "--out", out) == 0
    bundle = json.loads((out / "peers_bundle.json").read_text(encoding="utf-8"))
    ids = [feature["id"] for feature in bundle["features"]]
    middle = [f"{(feature['lowest'] + feature['highest']) / 2:.4f}" for feature in bundle["features"]]
    table = tmp_path / "stadt.csv"
    table.write_text(f"city,name,{','.join(ids)}\n91999,Neustadt (fiktiv),{','.join(middle)}\n", encoding="utf-8")
    capsys.readouterr()
    assert call("assign", out, table, "--out", tmp_path / "placed.csv") == 0
    told = capsys.readouterr().out
    assert told.startswith("Neustadt (fiktiv) gehört am ehesten zu '")
    assert told.endswith(f"Prüfsumme der Einteilung, nach der zugeordnet wurde: {bundle['hash']}\n")
    assert "\u202f" not in told
    assert "91999,Neustadt (fiktiv)," in (tmp_path / "placed.csv").read_text(encoding="utf-8")
    near = pd.read_csv(tmp_path / "placed_neighbours.csv", dtype={"city": str})
    assert near["city"].tolist() == ["91999"] * bundle["neighbours"]
    assert call("assign", out, table, "--out", tmp_path / "placed.csv") == 2
    assert "placed.csv: diese Datei gibt es schon" in one_sentence(capsys)
    (tmp_path / "placed.csv").unlink()
    assert call("assign", out, table, "--out", tmp_path / "placed.csv") == 2
    assert "placed_neighbours.csv: diese Datei gibt es schon" in one_sentence(capsys)
    assert call("assign", out, table, "--out", tmp_path / "placed.csv", "--force") == 0
    capsys.readouterr()
    for command in (("assign", out, table), ("follow", out, out)):
        for wrong, what in (
            (tmp_path, "das ist ein Ordner"),
            (table / "placed.csv", "das ist eine Datei, darunter passt keine weitere"),
            (out / "peers_bundle.json", "diese Datei wird gelesen"),
        ):
            assert call(*command, "--out", wrong, "--force") == 2
            assert what in one_sentence(capsys)
    before = table.read_bytes()
    assert call("assign", out, table, "--out", table, "--force") == 2
    assert "stadt.csv: diese Datei wird gelesen und nicht überschrieben" in one_sentence(capsys)
    assert table.read_bytes() == before
    assert call("assign", ring_folder / "ring.toml", table) == 3
    assert "das ist kein Stand der Vergleichsgruppen" in one_sentence(capsys)
    assert call("assign", tmp_path, table) == 3
    assert "kein Stand der Vergleichsgruppen" in one_sentence(capsys)
    assert call("follow", out, out) == 0
    assert capsys.readouterr().out.endswith("Keine Stadt hat die Gruppe gewechselt.\n")
    assert call("follow", out, tmp_path) == 3
