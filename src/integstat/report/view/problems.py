"""What is wrong with the data, gathered by kind."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from integstat.report.view.lookup import Lookup

MOST = 15  # rows shown of one kind
_VARIES = re.compile(r"„[^“]*“|'[^']*'|\"[^\"]*\"|[+−-]?\d[\d.,\u202f\u00a0]*")


@dataclass(frozen=True)
class ProblemKind:
    """Problems that differ in place, number and city alone."""

    severity: str
    word: str
    title: str
    count: str
    rows: tuple[tuple[str, str, str, str], ...]
    more: str


@dataclass(frozen=True)
class ProblemsView:
    """All problems, worst first."""

    lead: str
    kinds: tuple[ProblemKind, ...]


def problems_view(look: Lookup) -> ProblemsView:
    """Gather the problems of the intake: at most `MOST` rows of a kind, then how many more there are."""
    t, frame = look.texts.t, look.data.problems
    if frame.empty:
        return ProblemsView(t("problems.nothing"), ())
    names = {city.key: city.name for city in look.cities}
    groups: dict[tuple[str, str], list[pd.Series]] = {}
    for _, row in frame.iterrows():
        groups.setdefault((str(row["severity"]), kind_of(str(row["what"]), names.get(str(row["city"]), ""))), []).append(row)
    order = ("error", "doubt", "hint")
    kinds = []
    for (severity, _), rows in sorted(groups.items(), key=lambda item: order.index(item[0][0])):
        shown = tuple(tuple(_sentence(row, part) for part in ("file", "place", "what", "mend")) for row in rows[:MOST])
        rest = len(rows) - len(shown)
        kinds.append(
            ProblemKind(
                severity=severity,
                word=t(f"problems.severity.{severity}"),
                title=t("problems.example", what=_sentence(rows[0], "what")) if len(rows) > 1 else _sentence(rows[0], "what"),
                count=t("problems.times", n=len(rows)) if len(rows) > 1 else "",
                rows=shown,  # type: ignore[arg-type]
                more=t("problems.more", n=rest) if rest else "",
            )
        )
    counted = [(severity, int((frame["severity"] == severity).sum())) for severity in order]
    listed = look.texts.listing(t(f"problems.count.{severity}", n=n) for severity, n in counted if n)
    return ProblemsView(t("problems.lead", listed=listed), tuple(kinds))


def kind_of(what: str, city: str = "") -> str:
    """Reduce a sentence to its kind: numbers, quoted parts and the city's name do not count."""
    return _VARIES.sub("…", what.replace(city, "…") if city else what)


def _sentence(row: pd.Series, part: str) -> str:
    text = str(row[part])
    return text[:1].upper() + text[1:] if part in ("what", "mend") else text
