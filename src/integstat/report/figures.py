"""Small figures as inline SVG, written by hand: no script, no colour that says something alone.

Every figure carries a title and a description that tell in words what it shows; colours come from the report's style sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from integstat.report.words import STATES, State

_SHAPES: dict[State, str] = {  # drawn in a box of 16 by 16
    "success": '<path d="M8 2 15 14H1Z"/>',
    "deficit": '<path d="M8 14 1 2h14Z"/>',
    "stable": '<path d="M2 5h12v6H2Z"/>',
    "open": '<circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" stroke-width="1.6"/>',
    "capped": '<path d="M3 13 7 3M9 13 13 3" fill="none" stroke="currentColor" stroke-width="2"/>',
    "missing": '<path d="m4 4 8 8M12 4l-8 8" fill="none" stroke="currentColor" stroke-width="2"/>',
    "context": '<path d="M3 8h10" fill="none" stroke="currentColor" stroke-width="2"/>',
}


Row = tuple[tuple[str, ...], tuple[float, ...]]  # labels and figures of one line of a table


@dataclass(frozen=True)
class Bar:
    """One interval of a figure: mean and bounds on the axis, and a class of the style sheet."""

    mean: float
    lower: float
    upper: float
    style: str


class Figure(Markup):
    """A drawing together with the numbers it was drawn from, for the table beside it.

    Attributes
    ----------
    columns : tuple of str
        Names of the columns of figures, where the drawing knows them; else the page names them.
    numbers : tuple of (tuple of str, tuple of float)
        Rows: labels, then one figure per column; NaN where nothing is drawn.
    """

    columns: tuple[str, ...]
    numbers: tuple[Row, ...]


def with_numbers(drawn: Markup, numbers: Sequence[Row], columns: Sequence[str] = ()) -> Figure:
    """Keep the numbers of a drawing with it."""
    figure = Figure(drawn)
    figure.columns, figure.numbers = tuple(columns), tuple(numbers)
    return figure


def shapes() -> Markup:
    """Definitions of the shapes of all states, to be placed once in the page."""
    symbols = "".join(f'<symbol id="m-{state}" viewBox="0 0 16 16">{_SHAPES[state]}</symbol>' for state in STATES)
    return Markup(f'<svg class="defs" width="0" height="0" aria-hidden="true" focusable="false">{symbols}</svg>')


def shape(state: State) -> Markup:
    """Return the shape of a state; the word stands beside it, so the shape itself is hidden from screen readers."""
    return Markup(f'<svg class="m m-{state}" aria-hidden="true" focusable="false"><use href="#m-{state}"/></svg>')


def intervals(
    bars: Sequence[Bar], limit: float, step: float, *, title: str, description: str, ends: tuple[str, str, str], width: int = 220
) -> Markup:
    """Intervals on a symmetric axis: zero in the middle, the band of ±`step` shaded, better on the right.

    Parameters
    ----------
    bars : sequence of Bar
        Drawn from top to bottom; one with a missing bound is left out.
    limit : float
        Half width of the axis, in points; what reaches further ends in an arrow.
    step : float
        The step ρ, in points; 0 draws no band.
    title, description : str
        What a reader hears who does not see the figure.
    ends : tuple of str
        Labels of the left end, of zero and of the right end.
    width : int
        Pixels.

    Returns
    -------
    Markup
        Empty where no bar can be drawn.
    """
    shown = [bar for bar in bars if np.isfinite([bar.mean, bar.lower, bar.upper]).all()]
    if not shown:
        return Markup("")
    pad, gap = 8.0, 13.0
    half = width / 2
    foot = 4 + gap * len(shown)
    height = foot + 14

    def at(value: float) -> float:
        return half + max(-1.0, min(1.0, value / limit)) * (half - pad)

    parts = []
    if step > 0:
        parts.append(f'<rect class="band" x="{at(-step):.1f}" y="2" width="{at(step) - at(-step):.1f}" height="{foot - 2:.0f}"/>')
    parts.append(f'<path class="axis" d="M{pad:.0f} {foot:.0f}H{width - pad:.0f}"/>')
    parts.append(f'<path class="zero" d="M{half:.1f} 2V{foot + 3:.0f}"/>')
    for row, bar in enumerate(shown):
        y = 2 + gap * (row + 0.5)
        left, right = at(bar.lower), at(bar.upper)
        arrow = ""
        if bar.lower < -limit:
            arrow += f"M{left + 4:.1f} {y - 3:.1f}L{left:.1f} {y:.1f}l4 3"
        if bar.upper > limit:
            arrow += f"M{right - 4:.1f} {y - 3:.1f}L{right:.1f} {y:.1f}l-4 3"
        parts.append(f'<path class="{bar.style}" d="M{left:.1f} {y:.1f}H{right:.1f}{arrow}"/>')
        parts.append(f'<circle class="{bar.style}" cx="{at(bar.mean):.1f}" cy="{y:.1f}" r="3"/>')
    low, zero, high = (escape(label) for label in ends)
    parts.append(
        f'<text x="{pad - 6:.0f}" y="{height - 2:.0f}">{low}</text>'
        f'<text x="{half:.1f}" y="{height - 2:.0f}" text-anchor="middle">{zero}</text>'
        f'<text x="{width - pad + 6:.0f}" y="{height - 2:.0f}" text-anchor="end">{high}</text>'
    )
    return drawing("iv", width, height, title, description, parts)


def drawing(style: str, width: float, height: float, title: str, description: str, parts: Sequence[str]) -> Markup:
    """Put parts into a figure with its title and description."""
    # title and description are escaped, the parts hold numbers and escaped labels only
    head = (
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>" if description else f"<title>{escape(title)}</title>"
    )
    body = "".join(parts)
    return Markup(f'<svg class="{style}" viewBox="0 0 {width:.0f} {height:.0f}" role="img">{head}{body}</svg>')
