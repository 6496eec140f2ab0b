"""Steering cards: two pages per city, as objects and as PDF."""

from integstat.report.cards.card import Card, cards_of
from integstat.report.cards.write import write_cards

__all__ = ["Card", "cards_of", "write_cards"]
