"""Colours and heights of the workbook's sheets."""

from __future__ import annotations

from typing import Any

LINE_HEIGHT = 15.0  # points
GREY, LINE, INPUT, HEAD, RED, ORANGE = "#666666", "#BFBFBF", "#FFF7CC", "#DCE6F1", "#F8CBAD", "#FFD966"


class Styles:
    """Formats of an xlsxwriter workbook, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Any] = {}

    def locked(self, **properties: Any) -> Any:
        """Format of a cell that people only read."""
        full = {"font_name": "Calibri", "font_size": 11, "valign": "top", **properties}
        key = tuple(sorted(full.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format(full)
        return self._made[key]

    def entry(self, **properties: Any) -> Any:
        """Format of a cell that people fill in."""
        return self.locked(locked=False, bg_color=INPUT, border=1, border_color=LINE, **properties)

    def mark(self, colour: str) -> Any:
        """Colour alone, for a cell that a rule marks."""
        return self._book.add_format({"bg_color": colour})


def lines(text: str, width: int) -> int:
    """Estimate the lines a text takes in a column so many characters wide."""
    count, room = 1, width - 1
    for word in text.split():
        if len(word) > room and room < width - 1:
            count, room = count + 1, width - 1
        count += max(0, len(word) - 1) // (width - 1)
        room -= len(word) + 1
    return count
