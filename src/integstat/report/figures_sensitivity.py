"""Figures of the multiverse, by the rules of `integstat.report.figures`: what colour says, place and thickness say too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from integstat.report.figures import Row, drawing, with_numbers

MOST_ALTERNATIVES = 6  # of an axis, shown one by one
SHADES = (0.02, 0.05, 0.10, 0.20, 0.40)  # change of P from which a cell takes the next shade
_LEFT, _RIGHT, _TOP, _CURVE, _ROW = 206.0, 454.0, 16.0, 130.0, 14.0
_LONGEST, _CITY = 30, 24  # letters of a label at the left
_HEAT_LEFT, _CELL, _LINE, _NAME = 168.0, 30.0, 17.0, 7.2
_STYLE = """
.sc, .hm { background: #fff; font: 12px system-ui, "Segoe UI", Roboto, Arial, sans-serif; }
.sc text, .hm text { font-size: 11px; fill: #545c67; } .sc .head, .hm .head { font-weight: 600; fill: #1a1e24; }
.sc path { fill: none; } .sc .axis { stroke: #d9dde3; } .sc .limit { stroke: #1a1e24; stroke-dasharray: 5 3; }
.sc .own { stroke: #8b939e; } .sc .same { stroke-width: 5; } .sc .else { stroke-width: 2; }
.sc .success { stroke: #14559c; } .sc .deficit { stroke: #9a4400; } .sc .stable { stroke: #3c4650; }
.sc .open { stroke: #8b939e; }
.sc .taken { stroke: #64717f; stroke-width: 8; } .sc .lost { stroke: #9a4400; stroke-width: 3; }
"""


@dataclass(frozen=True)
class Choices:
    """One axis of a specification curve.

    Attributes
    ----------
    name : str
    alternatives : tuple of str
        The ring's own first.
    taken : ndarray of int, shape (U,)
        Place among the alternatives.
    """

    name: str
    alternatives: tuple[str, ...]
    taken: np.ndarray


@dataclass(frozen=True)
class Words:
    """Labels of a specification curve, in the reader's language; `findings` by code, `lost` for universes without a result."""

    probability: str
    limit: str
    own: str
    finding: str
    findings: dict[str, str]
    lost: str
    others: str


@dataclass(frozen=True)
class Curve:
    """A finding in all universes that ask the same question.

    Attributes
    ----------
    probability : ndarray, shape (U,)
        Of the event that belongs to the finding; NaN where a universe has none.
    finding : tuple of str
        Codes, length U; empty where a universe has no result.
    headline : str
        Finding of the run.
    own : int
        Row of the ring's own universe.
    threshold : float
        From which probability on the event is declared; NaN draws no line.
    axes : tuple of Choices
    """

    probability: np.ndarray
    finding: tuple[str, ...]
    headline: str
    own: int
    threshold: float
    axes: tuple[Choices, ...]


@dataclass(frozen=True)
class HeatRow:
    """A finding: change of P by axis (NaN: nothing to change), and whether the finding flips on that axis alone.

    Rows of one group stand under its name.
    """

    group: str
    name: str
    change: tuple[float, ...]
    flips: tuple[bool, ...]


def specification_curve(curve: Curve, words: Words, *, title: str, description: str, columns: int = 400) -> Markup:
    """Universes in the order of their probability, the threshold, and below what each of them chose.

    Parameters
    ----------
    curve : Curve
    words : Words
    title, description : str
        What a reader hears who does not see the figure; the description should say so where not all universes are shown.
    columns : int
        Of more universes than this, that many are shown, evenly spaced, always with the first, the last and the ring's own.

    Notes
    -----
    After Simonsohn, Simmons & Nelson (2020, doi:10.1038/s41562-020-0912-z), without their test. Universes without a probability
    stand at the right end, without a point. Thick points have the run's finding, thin ones another.
    """
    rows = _ordered(curve, columns)
    axes = _told(curve, words)
    parts = [*_scale(curve, words), *_points(curve, rows), _own(curve, rows, words)]
    y = _TOP + _CURVE + 12
    for axis in axes:
        parts.append(f'<text class="head" x="2" y="{y + 10:.0f}">{escape(_cut(axis.name))}</text>')
        y += _ROW
        for place, name in enumerate(axis.alternatives):
            parts.append(f'<text x="{_LEFT - 8:.0f}" y="{y + 10:.0f}" text-anchor="end">{escape(_cut(name))}</text>')
            runs = _runs(axis.taken[rows] == place, 0.92)
            kind = "lost" if axis is axes[0] and name == words.lost else "taken"
            parts.append(_scaled(f'<path class="{kind}" d="{runs}"/>', len(rows), y + 6) if runs else "")
            y += _ROW
        y += 3
    width = _LEFT + _RIGHT + 6
    return with_numbers(_sized(drawing("sc", width, y + 4, title, description, parts), width), _summary(curve, axes))


def _summary(curve: Curve, axes: Sequence[Choices]) -> list[Row]:
    """Per choice: how many universes took it, their least, middle and largest probability, and the share with the run's finding.

    All universes of the curve count, not only those that are drawn.
    """
    same = np.array([one == curve.headline for one in curve.finding])
    rows: list[Row] = []
    for axis in axes:
        for place, name in enumerate(axis.alternatives):
            taken = axis.taken == place
            known = curve.probability[taken & np.isfinite(curve.probability)]
            spread = np.quantile(known, (0.0, 0.5, 1.0)) if len(known) else np.full(3, np.nan)
            share = float(same[taken].mean()) if taken.any() else float("nan")
            rows.append(((axis.name, name), (float(taken.sum()), *(float(one) for one in spread), share)))
    return rows


def _ordered(curve: Curve, columns: int) -> np.ndarray:
    """Rows to draw from left to right: rising probability, then those without one, thinned evenly."""
    known = np.isfinite(curve.probability)
    rows = np.lexsort((np.where(known, curve.probability, 0.0), ~known))
    if len(rows) <= columns:
        return rows
    places = np.round(np.linspace(0, len(rows) - 1, columns)).astype(int)
    own = int(np.flatnonzero(rows == curve.own)[0])
    if own not in places:
        places[1 + int(np.abs(places[1:-1] - own).argmin())] = own
    return np.asarray(rows[np.sort(places)])


def _told(curve: Curve, words: Words) -> tuple[Choices, ...]:
    """What stands below the curve: the finding itself, then every axis on which universes differ."""
    codes = [code for code in words.findings if code in curve.finding] + ([""] if "" in curve.finding else [])
    names = tuple(words.lost if not code else words.findings[code] for code in codes)
    found = Choices(words.finding, names, np.array([codes.index(code) for code in curve.finding]))
    return (found, *(_few(axis, words) for axis in curve.axes if len(np.unique(axis.taken)) > 1))


def _few(axis: Choices, words: Words) -> Choices:
    """Put the alternatives of a long axis into one row, and drop those that no universe takes."""
    if len(axis.alternatives) > MOST_ALTERNATIVES:
        return Choices(axis.name, (axis.alternatives[0], words.others), np.minimum(axis.taken, 1))
    there = np.unique(axis.taken)
    return Choices(axis.name, tuple(axis.alternatives[i] for i in there), np.searchsorted(there, axis.taken))


def _scale(curve: Curve, words: Words) -> list[str]:
    out = [f'<text class="head" x="2" y="{_TOP - 6:.0f}">{escape(words.probability)}</text>']
    for level in (0.0, 0.5, 1.0):
        y = _height(level)
        out.append(f'<path class="axis" d="M{_LEFT:.0f} {y:.1f}h{_RIGHT:.0f}"/>')
        out.append(f'<text x="{_LEFT - 8:.0f}" y="{y + 4:.1f}" text-anchor="end">{100 * level:.0f}\u202f%</text>')
    if np.isfinite(curve.threshold):
        y = _height(curve.threshold)
        out.append(f'<path class="limit" d="M{_LEFT:.0f} {y:.1f}h{_RIGHT:.0f}"/>')
        out.append(f'<text x="2" y="{max(y + 4, _TOP + 8):.1f}">{escape(words.limit)}</text>')
    return out


def _points(curve: Curve, rows: np.ndarray) -> list[str]:
    out = []
    for code in sorted({one for one in curve.finding if one}):
        path = "".join(
            f"M{column} {-_CURVE * float(curve.probability[row]):.0f}h.92"
            for column, row in enumerate(rows)
            if curve.finding[row] == code and np.isfinite(curve.probability[row])
        )
        if path:
            kind = "same" if code == curve.headline else "else"
            out.append(_scaled(f'<path class="{code} {kind}" d="{path}"/>', len(rows), _TOP + _CURVE))
    return out


def _own(curve: Curve, rows: np.ndarray, words: Words) -> str:
    column = int(np.flatnonzero(rows == curve.own)[0]) + 0.46
    x = _LEFT + _RIGHT * column / len(rows)
    anchor = "start" if column < len(rows) / 2 else "end"
    label = f'<text x="{x:.1f}" y="{_TOP - 6:.0f}" text-anchor="{anchor}">{escape(words.own)}</text>'
    return f'<path class="own" d="M{x:.1f} {_TOP - 3:.0f}V{_TOP + _CURVE + 4:.0f}"/>{label}'


def _height(level: float) -> float:
    return _TOP + _CURVE * (1 - level)


def _scaled(path: str, columns: int, y: float) -> str:
    """Draw a path whose horizontal unit is a column."""
    return f'<g transform="translate({_LEFT:.0f} {y:.1f}) scale({_RIGHT / columns:.5g} 1)">{path}</g>'


def _runs(here: np.ndarray, width: float) -> str:
    """Horizontal strokes where universes take a choice; neighbours are one stroke."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], here, [False]]).astype(int)))
    strokes = [f"M{start} 0h{stop - start - 1 + width:g}" for start, stop in zip(edges[::2], edges[1::2], strict=True)]
    return "".join(strokes)


def _cut(name: str, longest: int = _LONGEST) -> str:
    """Shorten a label in its middle: names often differ at their end."""
    start = longest // 3
    return name if len(name) <= longest else f"{name[:start].rstrip()}…{name[start + 1 - longest :].lstrip()}"


def _sized(figure: Markup, width: float) -> Markup:
    """Keep a figure at its own width: its box scrolls on a narrow page."""
    return Markup(str(figure).replace(' role="img"', f' width="{width:.0f}" role="img"', 1))


def heat_map(rows: Sequence[HeatRow], axes: Sequence[str], *, title: str, description: str) -> Markup:
    """Findings in rows, axes in columns: darker where an axis alone moves the probability more, marked where the finding flips.

    Parameters
    ----------
    rows : sequence of HeatRow
        At least one.
    axes : sequence of str
        Names in full; they stand upright.
    title, description : str
    """
    top = 12 + _NAME * max(len(name) for name in axes)
    starts = [j for j, row in enumerate(rows) if j == 0 or row.group != rows[j - 1].group]
    y = top + _LINE * (np.arange(len(rows)) + np.searchsorted(starts, np.arange(len(rows)), side="right"))
    parts = [
        f'<text class="head" transform="translate({_middle(i) + 4:.0f} {top - 4:.0f}) rotate(-90)">{escape(name)}</text>'
        for i, name in enumerate(axes)
    ]
    parts += [f'<text class="head" x="2" y="{y[j] - 5:.0f}">{escape(rows[j].group)}</text>' for j in starts]
    for level in range(len(SHADES) + 1):
        cells = [
            f"M{_HEAT_LEFT + _CELL * i:.0f} {y[j]:.0f}h{_CELL - 1:.0f}v{_LINE - 1:.0f}h{1 - _CELL:.0f}z"
            for j, row in enumerate(rows)
            for i, change in enumerate(row.change)
            if np.isfinite(change) and shade(change) == level
        ]
        if cells:
            parts.append(f'<path class="s{level}" d="{"".join(cells)}"/>')
    for j, row in enumerate(rows):
        name = escape(_cut(row.name, _CITY))
        parts.append(f'<text x="{_HEAT_LEFT - 8:.0f}" y="{y[j] + 12:.0f}" text-anchor="end">{name}</text>')
        parts += [f'<circle cx="{_middle(i):.1f}" cy="{y[j] + 8:.0f}" r="4.5"/>' for i, one in enumerate(row.flips) if one]
    width = max(_HEAT_LEFT + _CELL * len(axes), *(_NAME * len(row.group) for row in rows)) + 4
    numbers = [((row.group, row.name), row.change) for row in rows]
    return with_numbers(_sized(drawing("hm", width, y[-1] + _LINE + 4, title, description, parts), width), numbers, axes)


def shade(change: float) -> int:
    """Shade of a change of P: 0, the lightest, below the first of `SHADES`."""
    return int(np.searchsorted(SHADES, change + 1e-9, side="right"))


def _middle(column: int) -> float:
    return _HEAT_LEFT + _CELL * column + (_CELL - 1) / 2


def standalone(figure: Markup) -> str:
    """Make a file of a specification curve: with its own name space and colours, as no page stands around it."""
    head, rest = str(figure).split(">", 1)
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{_STYLE.strip()}</style>{rest}\n'
