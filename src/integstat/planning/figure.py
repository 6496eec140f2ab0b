"""The picture of planning: the smallest change that is found, a line per indicator, as inline SVG."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup, escape

WIDTH, HEIGHT, PAD = 220.0, 30.0, 8.0
FACTORS = (1.1, 1.5, 2.0, 3.0)  # odds, or rate, times this
_END = float(np.log(FACTORS[-1]))


def smallest_changes(
    changes: tuple[float, ...], typical: float, step: float, *, ticks: tuple[str, ...], title: str, description: str
) -> Markup:
    """Draw the smallest changes found in cities of several sizes on the link scale, from 0 to three times the odds.

    Parameters
    ----------
    changes : tuple of float
        By size of city, the smallest city first: its mark is filled, the others' are open. NaN, and what lies beyond the axis, is
        an arrow at its end.
    typical : float
        One SD of the change between cities: the upright stroke.
    step : float
        The smallest change that counts: the shaded band.
    ticks : tuple of str
        Labels of `FACTORS`.
    title, description : str
        What a reader hears who does not see the figure.
    """
    foot = HEIGHT - 12

    def at(value: float) -> float:
        return PAD + min(value, _END) / _END * (WIDTH - 2 * PAD)

    parts = [
        f'<rect class="band" x="{PAD:.1f}" y="2" width="{at(step) - PAD:.1f}" height="{foot - 2:.0f}"/>',
        f'<path class="axis" d="M{PAD:.0f} {foot:.0f}H{WIDTH - PAD:.0f}"/>',
        f'<path class="rel" d="M{at(typical):.1f} 3V{foot:.0f}"/>',
    ]
    for factor, tick in zip(FACTORS, ticks, strict=True):
        anchor = "end" if factor == FACTORS[-1] else "middle"
        parts.append(f'<text x="{at(np.log(factor)):.1f}" y="{HEIGHT - 1:.0f}" text-anchor="{anchor}">{escape(tick)}</text>')
    for place, change in reversed(list(enumerate(changes))):
        style, y = ("rel" if place == 0 else "abs"), foot / 2 + 1
        if np.isfinite(change) and change <= _END:
            parts.append(f'<circle class="{style}" cx="{at(change):.1f}" cy="{y:.1f}" r="3.4"/>')
        else:
            end = WIDTH - PAD - 7 * (place > 0)
            parts.append(f'<path class="{style}" d="M{end - 5:.1f} {y - 3:.1f}L{end:.1f} {y:.1f}l-5 3"/>')
    head = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
    body = "".join(parts)
    return Markup(f'<svg class="iv" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img">{head}{body}</svg>')
