"""The usual practice beside the findings: what a test of plain rates would have called changed, and what stands here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from integstat.report.view.lookup import Lookup

_WORDS = ("improved", "worsened", "unchanged", "open")


@dataclass(frozen=True)
class UsualRow:
    """What usual practice says, and what stands here of these cells."""

    name: str
    cells: str
    improved: str
    worsened: str
    unchanged: str
    open: str
    with_ring: str


@dataclass(frozen=True)
class UsualView:
    """A sentence and a table; both empty with a single year."""

    sentence: str
    rows: tuple[UsualRow, ...]


def usual_view(look: Lookup) -> UsualView:
    """Compare the words of usual practice with those declared here, for the whole ring."""
    table = look.data.beside.compared
    whole = [row for row in table.to_dict("records") if row["indicator"] == "" and row["cells"] > 0]
    if not look.two_years or not whole:
        return UsualView("", ())
    texts, t = look.texts, look.texts.t
    plain = [row for row in whole if not row["adjusted"]]
    changed = [row for row in plain if row["called"] == "changed"]
    total, called = (sum(int(row["cells"]) for row in rows) for rows in (plain, changed))
    stands = sum(int(row["improved"] + row["worsened"]) for row in changed)
    sentence = t(
        "usual.sentence",
        total=texts.number(total, 0),
        called=texts.number(called, 0),
        share=texts.percent(called / total),
        stands=texts.number(stands, 0),
    )
    rows = [row for row in whole if not row["adjusted"] or row["called"] != "no_test"]  # untested either way: told once
    return UsualView(sentence, tuple(_row(look, row) for row in rows))


def _row(look: Lookup, row: dict[Any, Any]) -> UsualRow:
    name = f"{row['called']}_adjusted" if row["adjusted"] else row["called"]
    shown = (look.texts.number(float(row[column]), 0) for column in ("cells", *_WORDS, "with_ring"))
    return UsualRow(look.texts.t(f"usual.called.{name}"), *shown)
