"""Answers to doubts: they settle the doubt they were given for, as long as its figure stays."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.cli.answer import answer_command
from integstat.errors import UsageError
from integstat.intake.answers import Answer, add_answers, answers_path, read_answers, settle
from integstat.intake.problems import Problem

from .rings import Ring

DAY = datetime.date(2021, 7, 1)
DOUBT = Problem("doubt", "counts.csv", "Zeile 4", "springt von 5 auf 50", "bitte prüfen", "01002", "T1.all", "5; 50", "base_jump")


def answer(**other: object) -> Answer:
    usual = {"check": "base_jump", "city": "01002", "definition": "T1.all", "value": "5; 50", "because": "ein Neubaugebiet"}
    return Answer.model_validate(usual | {"who": "A. Muster", "when": DAY} | other)


def test_an_answer_turns_its_doubt_into_a_hint_with_the_reason() -> None:
    (settled,) = settle([DOUBT], [answer()], "answers.toml")
    assert (settled.severity, settled.check, settled.value) == ("hint", "base_jump", "5; 50")
    assert settled.what == "springt von 5 auf 50; bestätigt, weil ein Neubaugebiet"
    assert "A. Muster am 01.07.2021" in settled.mend


@pytest.mark.parametrize(
    "other", [{"city": "02000"}, {"definition": "T1.other"}, {"check": "rate_jump"}, {"place": "Zeile 5"}, {"value": "5; 51"}]
)
def test_an_answer_to_something_else_leaves_the_doubt_and_is_told(other: dict[str, str]) -> None:
    doubt, lost = settle([DOUBT], [answer(**other)], "answers.toml")
    assert doubt.severity == "doubt"
    assert (lost.severity, lost.check, lost.file, lost.place) == ("hint", "answer_lost", "answers.toml", "Antwort 1")
    assert ("galt einer anderen Zahl" in doubt.mend) == ("value" in other)


def test_errors_cannot_be_answered() -> None:
    error = Problem("error", "a", "b", "c", "d", "01002", "T1.all", "5; 50", "base_jump")
    assert settle([error], [answer()], "answers.toml")[0] == error


@settings(max_examples=20, deadline=None)
@given(because=st.text(min_size=5), value=st.text(), place=st.text())
def test_whatever_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, because: str, value: str, place: str
) -> None:
    path = tmp_path_factory.mktemp("answers") / "answers.toml"
    problem = Problem("doubt", "a.csv", place, "etwas", "bitte", "01002", "", value, "outlier")
    try:
        add_answers(path, [problem], because, "A", DAY)
    except UsageError:
        assert len(because.strip()) < 3
        return
    (kept,), _ = read_answers(path, "answers.toml")
    assert (kept.check, kept.city, kept.when, kept.place, kept.because) == ("outlier", "01002", DAY, place, because.strip())
    assert kept.value == (value or "etwas")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[[answer]]\ncheck = 'nix'\nvalue = '1'\nbecause = 'weil'\nwho = 'A'\nwhen = 2021-07-01\n",
            "die Prüfung 'nix' gibt es nicht",
        ),
        ("[[answer]]\ncheck = 'negative'\nvalue = '1'\nbecause = 'weil'\nwho = 'A'\nwhen = 2021-07-01\n", "stellt keine Zweifel"),
        ("[[answer]]\ncheck = 'outlier'\nvalue = '1'\nwho = 'A'\nwhen = 2021-07-01\n", "because"),
        ("[[antwort]]\n", "antwort"),
        ("x = ", "kein gültiges TOML"),
    ],
)
def test_a_file_that_is_not_sound_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="Zeile|answers") as raised:
        read_answers(path, "answers.toml")
    assert said in raised.value.sentence()


def test_answers_lie_in_the_data_folder_else_beside_the_config(tmp_path: Path) -> None:
    data, config = tmp_path / "data", tmp_path / "ring.toml"
    data.mkdir()
    assert answers_path(data, config) == data / "answers.toml"
    (tmp_path / "ring.answers.toml").write_text("")
    assert answers_path(data, config) == tmp_path / "ring.answers.toml"
    (data / "answers.toml").write_text("")
    assert answers_path(data, config) == data / "answers.toml"


def doubted(ring: Ring) -> Ring:
    """A ring with a base that jumps."""
    return ring.edit(",301,1210", ",301,12100")


def test_an_answer_holds_until_the_figure_changes(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    config = doubted(ring).write()
    monkeypatch.setattr("integstat.config.load_ring", lambda path: (ring.settings(), ring.catalogue))
    before = {problem.check for problem in ring.problems("doubt")}
    assert "base_jump" in before
    answer_command(config, check="base_jump", because="ein Neubaugebiet", who="A. Muster", city="01002", when="2021-07-01")
    kept = ring.folder / "data" / "answers.toml"
    assert "base_jump" not in {problem.check for problem in ring.problems("doubt")}
    assert "answers.toml" in ring.take_in().files
    (told,) = [problem for problem in ring.problems("hint") if problem.check == "base_jump"]
    assert "bestätigt, weil ein Neubaugebiet" in told.what
    ring.edit(",301,12100", ",301,12200")
    assert "base_jump" in {problem.check for problem in ring.problems("doubt")}
    assert "answer_lost" in {problem.check for problem in ring.problems("hint")}
    first = kept.read_text(encoding="utf-8")
    answer_command(config, check="base_jump", because="noch eines", who="A. Muster", when="2021-07-02")
    assert kept.read_text(encoding="utf-8").startswith(first.rstrip("\n"))
    assert "base_jump" not in {problem.check for problem in ring.problems("doubt")}


@pytest.mark.parametrize(
    ("given_options", "said"),
    [
        ({"check": "outlier"}, "diesen Zweifel gibt es nicht (offen: base_jump 01002"),
        ({"check": "base_jump", "city": "02000"}, "diesen Zweifel gibt es nicht"),
        ({"check": "base_jump", "when": "gestern"}, "'gestern' ist kein Tag"),
        ({"check": "base_jump", "who": " "}, "ein Grund und ein Name"),
    ],
)
def test_calls_that_cannot_be_answered(
    ring: Ring, monkeypatch: pytest.MonkeyPatch, given_options: dict[str, str], said: str
) -> None:
    config = doubted(ring).write()
    monkeypatch.setattr("integstat.config.load_ring", lambda path: (ring.settings(), ring.catalogue))
    with pytest.raises(UsageError) as raised:
        answer_command(config, **({"because": "ein Grund", "who": "A"} | given_options))
    assert said in raised.value.sentence()
    assert not (ring.folder / "data" / "answers.toml").exists()
