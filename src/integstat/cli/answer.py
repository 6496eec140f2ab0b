"""Answer a doubt of the intake. Nothing heavy is imported before the command needs it."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from integstat.cli.app import ConfigPath, DataPath
from integstat.errors import UsageError

if TYPE_CHECKING:
    from integstat.intake.problems import Problem


def answer_command(
    config: ConfigPath,
    check: Annotated[str, typer.Option("--check", metavar="PRÜFUNG", help="Kennung der Prüfung, wie integstat check sie nennt")],
    because: Annotated[str, typer.Option("--because", metavar="GRUND", help="warum die Zahl stimmt")],
    who: Annotated[str, typer.Option("--who", metavar="NAME", help="wer das bestätigt")],
    city: Annotated[str, typer.Option("--city", metavar="AGS", help="Stadt des Zweifels")] = "",
    definition: Annotated[str, typer.Option("--definition", metavar="KENNUNG", help="Definition, etwa A2.share_15_64")] = "",
    place: Annotated[str, typer.Option("--place", metavar="STELLE", help="Stelle, wie integstat check sie nennt")] = "",
    when: Annotated[str, typer.Option("--when", metavar="TAG", help="Tag der Antwort (2021-07-01); sonst heute")] = "",
    data: DataPath = None,
) -> None:
    """Einen Zweifel der Prüfung beantworten; die Antwort liegt bei den Daten und gilt, solange die Zahl bleibt.

    Beispiel: integstat answer ring.toml --city 91001 --check rate_jump --because "neue Aufnahmestelle" --who "A. Muster"
    """
    from integstat.config import load_ring
    from integstat.intake.answers import add_answers, answers_path
    from integstat.intake.take_in import take_in

    ring, catalogue = load_ring(config)
    day = _day(when)
    delivery = take_in(ring, config, catalogue, data)
    doubts = [one for one in delivery.problems if one.severity == "doubt"]
    asked = [
        one
        for one in doubts
        if one.check == check and city in ("", one.city) and definition in ("", one.definition) and place in ("", one.place)
    ]
    found = _only(asked, doubts)
    path = answers_path(data if data is not None else config.parent / ring.ring.data, config)
    add_answers(path, [found], because, who, day)
    print(path)


def _day(text: str) -> datetime.date:
    if not text:
        return datetime.date.today()
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"'{text}' ist kein Tag", place="--when", mend="bitte wie 2021-07-01 schreiben") from error


def _only(asked: list[Problem], doubts: list[Problem]) -> Problem:
    """Return the doubt asked for; an error where there is none or more than one, for an answer is given to one figure."""
    if len(asked) == 1:
        return asked[0]
    if asked:
        listed = "; ".join(f"{one.city or 'Ring'} {one.definition} {one.place}".strip() for one in asked[:5])
        what = f"das trifft auf {len(asked)} Zweifel zu ({listed})"
        raise UsageError(what, place="--check", mend="bitte mit --city, --definition oder --place einen davon nennen")
    listed = ", ".join(dict.fromkeys(f"{one.check} {one.city}".strip() for one in doubts)) or "keine"
    what = f"diesen Zweifel gibt es nicht (offen: {listed[:300]})"
    raise UsageError(what, place="--check", mend="bitte die Kennungen bei integstat check nachsehen")
