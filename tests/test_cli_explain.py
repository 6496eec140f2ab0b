"""`integstat explain`: the story of one finding from the files of a run, and what it asks to be told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.report.multiverse import with_universes
from tests.report.rings import MAIN, ring

from integstat.cli.explain import explain_command
from integstat.errors import DataError, UsageError
from integstat.report import ReportData
from integstat.report.sensitivity_tables import write_sensitivity
from integstat.report.tables import write_beside, write_findings
from integstat.sensitivity.described import FILE_NAME as DESCRIBED
from integstat.sensitivity.story import FILE_NAME as SENTENCES
from integstat.sensitivity.story import sentence_table
from integstat.texts import Texts

TEXTS = Texts("de")


@pytest.fixture(scope="module")
def data() -> ReportData:
    return with_universes(ring(12, MAIN[2:5]))


@pytest.fixture(scope="module")
def left(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explain") / "run"
    folder.mkdir()
    shown = data.sensitivity
    assert shown is not None
    write_findings(folder, data.findings, data.peers, data.beside)
    write_beside(folder, data.findings, data.beside)
    write_sensitivity(folder, shown, data.findings, data.catalogue)
    return folder


@pytest.fixture
def run(left: Path, tmp_path: Path) -> Path:
    """What a run left, for a test to damage."""
    return Path(shutil.copytree(left, tmp_path / "run"))


@pytest.fixture
def bare(run: Path) -> Path:
    """A run that varied nothing."""
    for path in [*run.glob("sensitivity*"), run / "universes.parquet"]:
        path.unlink()
    return run


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


def story(run: Path, capsys: pytest.CaptureFixture[str], city: str, indicator: str) -> str:
    explain_command(run, city, indicator)
    return " ".join(capsys.readouterr().out.split())


def test_it_tells_what_the_files_say(left: Path, data: ReportData, capsys: pytest.CaptureFixture[str]) -> None:
    assert data.sensitivity is not None
    table = data.sensitivity.explained.robustness
    sentences = sentence_table(data.sensitivity.explained, data.sensitivity.capped, data.findings.grid, TEXTS)
    for place in (0, 7, 20):
        row, told = table.iloc[place], sentences.iloc[place]
        out = story(left, capsys, row["city"], row["indicator"])
        assert row["city_name"] in out
        assert " ".join(told["sentence"].split()) in out
        assert " ".join(told["sentence_without_cap"].split()) in out
        assert f"Derselbe Befund auf gleichwertigen Rechenwegen: {told['held']}" in out
        for name in ("p_own", "p_headline", "p_pooled"):
            assert f"{TEXTS.percent(row[name])}: ".replace("\u202f", " ") in out
        for definition in data.sensitivity.space.definitions[row["indicator"]]:
            assert data.catalogue.definition(definition)[1].name_de[:30] in out
        assert "Nenner" in out
        assert "Zählfehler und Unschärfe innerhalb eines Rechenwegs" in out


def test_city_and_indicator_by_name_or_part(left: Path, data: ReportData, capsys: pytest.CaptureFixture[str]) -> None:
    city = data.cities.iloc[0]
    by_key = story(left, capsys, city["city"], "A1")
    assert story(left, capsys, city["name"].upper(), "a1") == by_key
    assert story(left, capsys, city["name"][:-1], "Beschäftigungsq") == by_key


@pytest.mark.parametrize(
    ("city", "indicator", "what"),
    [
        ("Nirgendwo", "A1", r"^STADT: Stadt: 'Nirgendwo' gibt es in diesem Lauf nicht; .* und 4 weitere\.$"),
        ("e", "A1", r"^STADT: Stadt: 'e' passt auf mehrere; bitte eines von diesen nennen: .+ \(\d+\), "),
        ("", "A1", "gibt es in diesem Lauf nicht"),
        ("Ahlenau", "Z9", r"^INDIKATOR: Indikator: 'Z9' gibt es in diesem Lauf nicht; .*Beschäftigungsquote \(A1\)"),
        ("Ahlenau", "sch", r"Indikator: 'sch' passt auf mehrere; .*\(E3\), .*\(A1\)"),
    ],
)
def test_unknown_or_ambiguous_names_the_candidates(left: Path, city: str, indicator: str, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        explain_command(left, city, indicator)


def test_a_picture_is_written_and_not_overwritten(left: Path, tmp_path: Path) -> None:
    out = tmp_path / "e3.svg"
    explain_command(left, "Ahlenau", "E3", picture=out)
    text = out.read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert "Vergleichsgruppen" in text
    assert text.count('class="own"') == 1
    with pytest.raises(UsageError, match="diese Datei gibt es schon"):
        explain_command(left, "Ahlenau", "E3", picture=out)
    explain_command(left, "Ahlenau", "E3", picture=out, force=True)
    assert out.read_text(encoding="utf-8") == text
    with pytest.raises(UsageError, match="das ist ein Ordner"):
        explain_command(left, "Ahlenau", "E3", picture=tmp_path)
    with pytest.raises(UsageError, match="lässt sich nicht schreiben"):
        explain_command(left, "Ahlenau", "E3", picture=out / "e3.svg")


def test_the_picture_is_that_of_the_report(left: Path, data: ReportData, tmp_path: Path) -> None:
    from integstat.report.figures_sensitivity import specification_curve, standalone
    from integstat.report.view.sensitivity import curve_of, curve_words

    assert data.sensitivity is not None
    story_of = data.sensitivity.explained.stories["E3"]
    event = story_of.events[0]
    city = story_of.universes.cities[0]
    explain_command(left, city, "E3", picture=tmp_path / "e3.svg")
    names = {one: data.catalogue.definition(one)[1].name_de for one in set(story_of.universes.definition)}
    kinds = data.findings.kinds.set_index("kind")["threshold"]
    curve = curve_of(story_of, 0, names, TEXTS, float(kinds[event.removeprefix("p_")]))
    words = curve_words(TEXTS, event.removeprefix("p_"), curve.threshold)
    body = standalone(specification_curve(curve, words, title="", description="")).split("</title>")[1]
    written = (tmp_path / "e3.svg").read_text(encoding="utf-8").split("</desc>")[1]
    assert written.split("<path")[1:4] == body.split("<path")[1:4]
    assert written.count("<path") == body.count("<path")


def test_a_run_that_varied_nothing_tells_the_rest(bare: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = story(bare, capsys, "Ahlenau", "E3")
    assert "Befund: " in out
    assert "davon Zufall (Zählfehler)" in out
    assert "Andere Rechenwege sind in diesem Lauf nicht gerechnet; bitte 'integstat sensitivity'" in out
    with pytest.raises(UsageError, match="andere Rechenwege sind in diesem Lauf nicht gerechnet"):
        explain_command(bare, "Ahlenau", "E3", picture=tmp_path / "e3.svg")


def test_an_indicator_without_universes(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (run / "sensitivity.csv").read_text(encoding="utf-8-sig").splitlines(keepends=True)
    (run / "sensitivity.csv").write_text("".join(one for one in lines if ",E3," not in one), encoding="utf-8")
    assert "Er kann keinen Befund tragen" in story(run, capsys, "Ahlenau", "E3")
    with pytest.raises(UsageError, match="zu 'E3' sind keine anderen Rechenwege gerechnet"):
        explain_command(run, "Ahlenau", "E3", picture=tmp_path / "e3.svg")


@pytest.mark.parametrize(
    "name", ["findings.csv", "ledger.csv", SENTENCES, DESCRIBED, "universes.parquet", "sensitivity_attribution.csv"]
)
def test_missing_and_damaged_files(run: Path, name: str) -> None:
    (run / name).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="diese Datei ist beschädigt"):
        explain_command(run, "Ahlenau", "E3")
    (run / name).unlink()
    with pytest.raises(DataError, match="diese Datei fehlt"):
        explain_command(run, "Ahlenau", "E3")


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="diesen Ordner gibt es nicht"):
        explain_command(tmp_path / "none", "Ahlenau", "E3")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="das ist eine Datei"):
        explain_command(tmp_path / "file", "Ahlenau", "E3")
