"""Steering cards as PDF: two pages per city, from the objects of `view.cards`."""

from integstat.report.cards.write import write_cards

__all__ = ["write_cards"]
