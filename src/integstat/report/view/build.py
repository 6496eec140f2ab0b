"""All sections of the report, in their order."""

from __future__ import annotations

from dataclasses import dataclass

from integstat.report.data import ReportData
from integstat.report.view.cards import Card, CardParts, cards_of
from integstat.report.view.cities import CitySection, city_sections
from integstat.report.view.fields import FieldsView, fields_view
from integstat.report.view.gap import GapView, gap_view
from integstat.report.view.grid import GridView, grid_view
from integstat.report.view.head import HeadView, head_view
from integstat.report.view.learning import LearningView, learning_view
from integstat.report.view.lookup import build_lookup
from integstat.report.view.made import MadeView, made_view
from integstat.report.view.peers import PeersView, peers_view
from integstat.report.view.problems import ProblemsView, problems_view
from integstat.report.view.quality import QualityRow, quality_view
from integstat.report.view.ring import RingView, ring_view
from integstat.report.view.sensitivity import SensitivityView, sensitivity_view
from integstat.report.view.usual import UsualView, usual_view
from integstat.texts import Texts


@dataclass(frozen=True)
class ReportView:
    """What the templates print: strings in the reader's language, figures, and the order of everything."""

    two_years: bool
    head: HeadView
    grid: GridView
    ring: RingView
    fields: FieldsView
    usual: UsualView
    learning: LearningView
    peers: PeersView
    gap: GapView
    sensitivity: SensitivityView | None
    cities: tuple[CitySection, ...]
    cards: dict[str, Card]
    quality: tuple[QualityRow, ...]
    problems: ProblemsView
    made: MadeView


def build_view(data: ReportData, texts: Texts) -> ReportView:
    """Put a run into words.

    Raises
    ------
    ReportError
        If there is nothing to report on.
    """
    look = build_lookup(data, texts)
    sections, fields, learning = city_sections(look), fields_view(look), learning_view(look)
    sensitivity, made = sensitivity_view(look), made_view(look)
    cards = cards_of(look, CardParts(sections, fields, learning, sensitivity, made.certainty))
    return ReportView(
        two_years=look.two_years,
        head=head_view(look),
        grid=grid_view(look),
        ring=ring_view(look),
        fields=fields,
        usual=usual_view(look),
        learning=learning,
        peers=peers_view(look),
        gap=gap_view(look),
        sensitivity=sensitivity,
        cities=sections,
        cards={card.key: card for card in cards},
        quality=quality_view(look),
        problems=problems_view(look),
        made=made,
    )
