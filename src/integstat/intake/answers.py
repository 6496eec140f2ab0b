"""Answers of the cities to doubts: kept beside the data, good as long as the figure they were given for stays."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import Field, ValidationError, field_validator

from integstat.errors import UsageError
from integstat.intake.checks.reading import READING
from integstat.intake.checks.registry import REGISTRY
from integstat.intake.files import FileContent, read_once
from integstat.intake.problems import Problem
from integstat.steps import write_text
from integstat.tomlfile import Strict, load_model

NAME = "answers.toml"
_KEYS = ("check", "city", "definition", "place", "value", "because", "who")


class Answer(Strict):
    """An answer to a doubt.

    `city`, `definition` and `place` may be left empty, `value` is the figure it was given for, as `problems.csv` has it; where a
    doubt is about no single figure, its sentence.
    """

    check: str
    city: str = ""
    definition: str = ""
    place: str = ""
    value: str
    because: str = Field(pattern=r"\S[\s\S]+\S")
    who: str = Field(pattern=r"\S")
    when: datetime.date

    @field_validator("check")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in REGISTRY or "doubt" not in REGISTRY[value].severities:
            raise ValueError(f"die Prüfung '{value}' gibt es nicht, oder sie stellt keine Zweifel")
        return value

    def concerns(self, problem: Problem) -> bool:
        """Whether this is an answer to that doubt, for whatever figure."""
        mine = (self.check, self.city, self.definition) == (problem.check, problem.city, problem.definition)
        return problem.severity == "doubt" and mine and self.place in ("", problem.place)


class Answers(Strict):
    """What `answers.toml` holds."""

    answer: tuple[Answer, ...] = ()


def answers_path(data: Path, config: Path) -> Path:
    """File of the answers: `answers.toml` in the data folder, else beside the config under its name, `ring.answers.toml`."""
    beside = config.with_name(f"{config.stem}.{NAME}")
    return beside if beside.is_file() and not (data / NAME).is_file() else data / NAME


def read_answers(path: Path, name: str) -> tuple[tuple[Answer, ...], FileContent | None]:
    """Read a file of answers; nothing where there is none.

    Raises
    ------
    UsageError
        With file and line, if it is not sound.
    """
    if not path.is_file():
        return (), None
    return load_model(path, Answers).answer, read_once(path, name)


def settle(problems: Iterable[Problem], answers: Sequence[Answer], file: str) -> list[Problem]:
    """Turn doubts that are answered into hints that keep the reason.

    Parameters
    ----------
    problems : iterable of Problem
    answers : sequence of Answer
    file : str
        Name of the file of answers.

    Returns
    -------
    list of Problem
        A doubt whose figure is another than the answer's stays, and says so; an answer without a doubt is a hint. Errors cannot
        be answered.
    """
    settled: list[Problem] = []
    met: set[int] = set()
    for problem in problems:
        fitting = [i for i, answer in enumerate(answers) if answer.concerns(problem)]
        good = [i for i in fitting if answers[i].value == problem.about]
        met |= set(good)
        settled.append(_settled(problem, answers[good[-1]]) if good else _outlived(problem, [answers[i] for i in fitting]))
    lost = READING["answer_lost"]
    for i, one in enumerate(answers):
        if i not in met:
            said = {"who": one.who, "when": _german(one.when), "check": one.check}
            what = lost.what.format(city=one.city or "alle Städte", **said)
            place = f"Antwort {i + 1}"
            settled.append(Problem("hint", file, place, what, lost.mend, one.city, one.definition, one.value, lost.id))
    return settled


def _settled(problem: Problem, answer: Answer) -> Problem:
    what = f"{problem.what}; bestätigt, weil {answer.because.rstrip('.')}"
    mend = f"beantwortet von {answer.who} am {_german(answer.when)}, nichts zu tun"
    return dataclasses.replace(problem, severity="hint", what=what, mend=mend)


def _outlived(problem: Problem, answers: Sequence[Answer]) -> Problem:
    """Say where a doubt was answered for another figure."""
    if not answers:
        return problem
    told = f"{problem.mend}; die Antwort vom {_german(answers[-1].when)} galt einer anderen Zahl, bitte neu beantworten"
    return dataclasses.replace(problem, mend=told)


def _german(day: datetime.date) -> str:
    return f"{day:%d.%m.%Y}"


def add_answers(path: Path, problems: Sequence[Problem], because: str, who: str, when: datetime.date) -> None:
    """Append an answer for each of these doubts; what stands in the file stays as it is.

    Raises
    ------
    UsageError
        If the file or the answer is not sound; nothing is written then.
    """
    text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
    read_answers(path, path.name)
    blocks = [text.rstrip("\n")] if text.strip() else []
    for problem in problems:
        told = {name: getattr(problem, name) for name in ("check", "city", "definition", "place")}
        try:
            answer = Answer(**told, value=problem.about, because=because.strip(), who=who.strip(), when=when)
        except ValidationError as error:
            what = "zu jeder Antwort gehören ein Grund und ein Name"
            raise UsageError(what, place=str(path), mend="bitte --because und --who füllen") from error
        lines = [f"{key} = {_quoted(getattr(answer, key))}" for key in _KEYS if getattr(answer, key)]
        blocks.append("\n".join(["[[answer]]", *lines, f"when = {when.isoformat()}"]))
    write_text(path, "\n\n".join(blocks) + "\n")


def _quoted(text: str) -> str:
    """Write a TOML string; what is not printable is written as its code, half of a pair as '?'."""

    def escaped(sign: str) -> str:
        if sign in '"\\':
            return f"\\{sign}"
        if sign.isprintable():
            return sign
        return "?" if "\ud800" <= sign <= "\udfff" else f"\\U{ord(sign):08x}"

    return '"' + "".join(escaped(sign) for sign in text) + '"'
