"""Questions for the discussion, generated from what was found: each hangs on a state, a flag or another definition."""

from __future__ import annotations

from integstat.report.view.cards_fields import cut
from integstat.report.view.cities import CityRow, CitySection
from integstat.report.view.learning import Deficit
from integstat.report.view.lookup import Lookup
from integstat.report.words import DECLARED, flags_of, state_of

KINDS = ("definition", "poor_level", "partner", "deficit", "capped", "missing", "success")


def questions_of(look: Lookup, section: CitySection, deficits: tuple[Deficit, ...]) -> tuple[str, ...]:
    """Ask one question of each kind that applies, naming the indicators; they ask and name no cause."""
    others = look.data.findings.others
    others = others[others["city"] == section.city.key]
    disputed = {
        str(row["indicator"])
        for _, row in others.iterrows()
        if (state := state_of(row)) in DECLARED and state != _state(section, str(row["indicator"]))
    }
    partners = {one.indicator.id for one in deficits if one.partners}
    asked: dict[str, list[str]] = {}
    for row in section.rows:
        poor = "poor_level" in flags_of(look.cell(section.city, row.indicator))
        kind = _kind(row, row.indicator.id in disputed, poor, row.indicator.id in partners)
        if kind:
            asked.setdefault(kind, []).append(cut(row.indicator.name))
    told = [look.texts.t(f"cards.question.{kind}", names=look.texts.listing(asked[kind])) for kind in KINDS if kind in asked]
    return tuple(told) or (look.texts.t("cards.question.none"),)


def _state(section: CitySection, indicator: str) -> str:
    return next((row.state for row in section.rows if row.indicator.id == indicator), "")


def _kind(row: CityRow, disputed: bool, poor: bool, partner: bool) -> str:
    """Kind of question that a row raises, the most pressing first; empty where it raises none."""
    if row.state in DECLARED and disputed:
        return "definition"
    if row.state == "success":
        return "poor_level" if poor else "success"
    if row.state == "deficit":
        return "partner" if partner else "deficit"
    return row.state if row.state in ("capped", "missing") else ""
