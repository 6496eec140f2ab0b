"""Colours and heights of the workbook's sheets."""

from __future__ import annotations

LINE_HEIGHT = 15.0  # points
GREY, LINE, INPUT, HEAD, RED = "#808080", "#BFBFBF", "#FFF7CC", "#DCE6F1", "#F8CBAD"


def lines(text: str, width: int) -> int:
    """Estimate the lines a text takes in a column so many characters wide."""
    count, room = 1, width - 1
    for word in text.split():
        if len(word) > room and room < width - 1:
            count, room = count + 1, width - 1
        count += max(0, len(word) - 1) // (width - 1)
        room -= len(word) + 1
    return count
