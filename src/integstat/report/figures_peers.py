"""Figures of the peer groups, by the rules of `integstat.report.figures`: groups differ in shape as well as in colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, cos, hypot, pi, sin

import numpy as np
from markupsafe import Markup, escape

from integstat.report.figures import drawing, with_numbers

TINTS = 8  # colours in the style sheet, and shapes here
MANY = 40  # cities: above it only borderline and outlying ones are labelled in the map
_CORNERS = {1: (4, 0.25), 2: (3, -0.5), 3: (4, 0.0), 4: (3, 0.5), 5: (5, -0.5), 6: (6, 0.0)}  # corners, turn in units of pi
_SIZES = {1: 1.25, 2: 1.4, 3: 1.25, 4: 1.4, 5: 1.15, 6: 1.1, 7: 1.25}  # so that all look equally large
_WIDTH, _HIGHEST, _LOWEST, _PAD = 640.0, 560.0, 200.0, 14.0
_DOT = 6.0
_LETTER, _TALL = 0.62, 1.2  # mean width of a letter and height of a line, in units of the font
_OUTLYING = 16  # cities farthest from the middle, labelled first
_SIDES = (  # of a marker: right, down, and which way the label is shifted along it
    *((1, 0, 0), (-1, 0, 0), (0, -1, 0), (0, 1, 0), (1, -1, 0), (-1, -1, 0), (1, 1, 0), (-1, 1, 0)),
    *((1, 0, -1), (1, 0, 1), (-1, 0, -1), (-1, 0, 1), (0, -1, 1), (0, -1, -1), (0, 1, 1), (0, 1, -1)),
)
_FAR = (0.0, 1.0, 1.8)  # gaps between marker and label, in units of the font; a line bridges all but the first


@dataclass(frozen=True)
class Dot:
    """A city of the map: its place and doubt in the units of the axes, its group and how sure that is."""

    label: str
    title: str
    x: float
    y: float
    spread: float
    group: int
    probability: float
    borderline: bool


@dataclass(frozen=True)
class _Style:
    """A set of labels: its class in the style sheet, font, outer radius of the markers, and distance from the frame."""

    name: str
    font: float
    marker: float
    margin: float


# the style sheet shows the set that can be read; on narrow pages it draws the markers larger
_STYLES = (_Style("wide", 12.5, 1.4 * _DOT, 5.0), _Style("narrow", 21.0, 2.1 * _DOT, 9.0))
_Box = tuple[float, float, float, float]  # left, top, right, bottom
_Point = tuple[float, float]


@dataclass(frozen=True)
class Step:
    """Stability with one number of groups: of the ring, and of structureless rings the mean and the band."""

    k: int
    value: float
    mean: float
    lower: float
    upper: float


def tint(group: int) -> str:
    """Class of the style sheet that gives a group its colour."""
    return f"g{(group + group // TINTS) % TINTS}"


def group_mark(group: int) -> Markup:
    """Return the shape of a group in its colour; the letter stands beside it, so the shape is hidden from screen readers."""
    path = _outline(group, 8.0, 8.0, 5.6)
    return Markup(f'<svg class="gm {tint(group)}" viewBox="0 0 16 16" aria-hidden="true" focusable="false">{path}</svg>')


def membership(own: float, second: float, *, title: str, description: str, width: int = 120) -> Markup:
    """Draw a bar of a city's probabilities: its group, its second choice, all others.

    Parameters
    ----------
    own, second : float
        Probabilities; a missing second one counts as 0.
    """
    first = own * width
    other = (second if np.isfinite(second) else 0.0) * width
    parts = [
        f'<rect class="rest" x="0.5" y="0.5" width="{width - 1}" height="9"/>',
        f'<rect class="own" x="0" y="0" width="{first:.1f}" height="10"/>',
        f'<rect class="second" x="{first:.1f}" y="0" width="{other:.1f}" height="10"/>',
    ]
    return drawing("ms", width, 10, title, description, parts)


def together(
    matrix: np.ndarray, sizes: Sequence[int], letters: Sequence[str], *, title: str, description: str, steps: int = 6
) -> Markup:
    """How often two cities fall into the same group, as a square of grey cells.

    Parameters
    ----------
    matrix : ndarray, shape (C, C)
        Shares from 0 to 1, cities ordered by group.
    sizes : sequence of int
        Number of cities of each group, in that order: a line is drawn around each.
    letters : sequence of str
        Of the groups, at the top and at the side of their boxes; one that would touch the one before it is left out.
    steps : int
        Number of shades; the lightest is the paper.
    """
    count = len(matrix)
    level = np.minimum((np.nan_to_num(matrix) * steps).astype(int), steps - 1)
    parts = [f'<rect class="frame" width="{count}" height="{count}"/>']
    for shade in range(1, steps):
        path = []
        for row in range(count):
            edges = np.flatnonzero(np.diff(np.concatenate([[0], (level[row] == shade).astype(int), [0]])))
            path += [f"M{start} {row}h{end - start}v1H{start}z" for start, end in edges.reshape(-1, 2)]
        if path:
            parts.append(f'<path class="s{shade}" d="{"".join(path)}"/>')
    font, start, free = 0.042 * count, 0, 0.0
    for size, letter in zip(sizes, letters, strict=True):
        parts.append(f'<rect class="box" x="{start}" y="{start}" width="{size}" height="{size}"/>')
        middle = start + size / 2
        if middle - font / 2 >= free:
            at = f'text-anchor="middle" font-size="{font:.2f}">{escape(letter)}</text>'
            for x, y in ((middle, -0.4 * font), (-0.75 * font, middle + 0.36 * font)):
                parts.append(f'<text x="{x:.2f}" y="{y:.2f}" {at}')
            free = middle + font / 2
        start += size
    room = 1.5 * font
    body = f'<g transform="translate({room:.2f} {room:.2f})">{"".join(parts)}</g>'
    drawn = drawing("co", ceil(count + room + font / 4), ceil(count + room + font / 4), title, description, [body])
    return with_numbers(drawn, [((), tuple(float(one) for one in row)) for row in matrix])


def profile_bar(value: float, limit: float, *, width: int = 130) -> Markup:
    """Draw one feature of a group as a bar from the ring's median in the middle; the number stands beside it, so it is hidden.

    Parameters
    ----------
    value : float
        Robust standard deviations from the median.
    limit : float
        Half width of the axis; longer bars end at it.
    """
    half = width / 2
    end = half * (1 + max(-1.0, min(1.0, value / limit)))
    left, right = min(half, end), max(half, end)
    return Markup(
        f'<svg class="pf" viewBox="0 0 {width} 12" aria-hidden="true" focusable="false">'
        f'<path class="axis" d="M0 6H{width}"/><rect x="{left:.1f}" y="1.5" width="{right - left:.1f}" height="9"/>'
        f'<path class="zero" d="M{half:.1f} 0V12"/></svg>'
    )


def stability_by_number(steps: Sequence[Step], chosen: int, *, title: str, description: str, axis: str, half: str) -> Markup:
    """Stability of the ring by number of groups, beside what structureless rings reach.

    Parameters
    ----------
    steps : sequence of Step
        From few groups to many.
    chosen : int
        Its number is written bold.
    axis : str
        Name of the horizontal axis.
    half : str
        One half, as the reader writes it.
    """
    if not steps:
        return Markup("")
    width, left, top, bottom = 330.0, 34.0, 8.0, 150.0
    low = min(0.0, *(min(one.lower, one.value) for one in steps))
    gap = (width - left - 8) / len(steps)

    def height(value: float) -> float:
        return bottom - (value - low) / (1.0 - low) * (bottom - top)

    parts = []
    for value, label in ((0.0, "0"), (0.5, escape(half)), (1.0, "1")):
        y = height(value)
        parts.append(f'<path class="axis" d="M{left:.0f} {y:.1f}H{width:.0f}"/>')
        parts.append(f'<text x="{left - 6:.0f}" y="{y + 3.5:.1f}" text-anchor="end">{label}</text>')
    line = []
    for place, one in enumerate(steps):
        x = left + gap * (place + 0.5)
        upper, lower = height(one.upper), height(one.lower)
        parts.append(
            f'<rect class="cloud" x="{x - 9:.1f}" y="{upper:.1f}" width="18" height="{max(lower - upper, 1.0):.1f}"/>'
            f'<path class="middle" d="M{x - 9:.1f} {height(one.mean):.1f}h18"/>'
            f'<text class="{"chosen" if one.k == chosen else "k"}" x="{x:.1f}" y="{bottom + 15:.0f}" text-anchor="middle">'
            f"{one.k}</text>"
        )
        line.append((x, height(one.value)))
    parts.append(f'<path class="line" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in line)}"/>')
    parts += [f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="3.6"/>' for x, y in line]
    parts.append(f'<text x="{(left + width) / 2:.0f}" y="{bottom + 31:.0f}" text-anchor="middle">{escape(axis)}</text>')
    rows = [((str(one.k),), (one.value, one.mean, one.lower, one.upper)) for one in steps]
    return with_numbers(drawing("sk", width, bottom + 36, title, description, parts), rows)


def city_map(dots: Sequence[Dot], *, title: str, description: str) -> Markup:
    """Cities in two dimensions, both axes on one scale: distances may be compared.

    Parameters
    ----------
    dots : sequence of Dot
        Shape and colour are the group's; the paler, the less probable; hollow where borderline; the circle is the spread.

    Returns
    -------
    Markup
        With two sets of labels, for wide and narrow pages. A name that finds no room beside its own marker is left out; it
        stands in the city's title.
    """
    places, height, scale = _on_paper(dots)
    parts = []
    for dot, (x, y) in zip(dots, places, strict=True):
        parts.append(f'<circle class="doubt" cx="{x:.1f}" cy="{y:.1f}" r="{dot.spread * scale:.1f}"/>')
    labels = [part for style in _STYLES for part in _labels(dots, places, height, style)]
    leaders = [part for part in labels if part.startswith("<path")]
    parts += leaders
    for dot, (x, y) in zip(dots, places, strict=True):
        look = "hollow" if dot.borderline else "full"
        pale = "" if dot.borderline else f' fill-opacity="{0.3 + 0.7 * dot.probability**2:.2f}"'
        parts.append(
            f'<g class="{tint(dot.group)} {look}"{pale}><title>{escape(dot.title)}</title>{_outline(dot.group, x, y, _DOT)}</g>'
        )
    parts += [part for part in labels if not part.startswith("<path")]
    rows = [((dot.title,), (dot.x, dot.y, dot.spread)) for dot in dots]
    return with_numbers(drawing("map", _WIDTH, height, title, description, parts), rows)


def _outline(group: int, x: float, y: float, radius: float) -> str:
    """Shape of a group around a point."""
    kind = group % TINTS
    if kind == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>'
    size = radius * _SIZES[kind]
    if kind == 7:  # a star of four points
        turns = [(size if i % 2 == 0 else 0.45 * size, i / 4 - 0.5) for i in range(8)]
    else:
        corners, turn = _CORNERS[kind]
        turns = [(size, 2 * i / corners + turn) for i in range(corners)]
    points = "L".join(f"{x + far * cos(pi * turn):.1f} {y + far * sin(pi * turn):.1f}" for far, turn in turns)
    return f'<path d="M{points}Z"/>'


def _on_paper(dots: Sequence[Dot]) -> tuple[list[_Point], float, float]:
    """Places in the drawing, its height, and its units per unit of the axes; the circles of doubt lie within the frame."""
    x, y, spread = (np.array([getattr(dot, name) for dot in dots]) for name in ("x", "y", "spread"))
    left, right = float((x - spread).min()), float((x + spread).max())
    low, high = float((y - spread).min()), float((y + spread).max())
    wide, tall = max(right - left, 1e-9), max(high - low, 1e-9)
    scale = min((_WIDTH - 2 * _PAD) / wide, (_HIGHEST - 2 * _PAD) / tall)
    height = float(ceil(max(_LOWEST, scale * tall + 2 * _PAD)))
    middle = (left + right) / 2, (low + high) / 2
    at = [(_WIDTH / 2 + scale * (a - middle[0]), height / 2 - scale * (b - middle[1])) for a, b in zip(x, y, strict=True)]
    return [(float(a), float(b)) for a, b in at], height, scale


def _labels(dots: Sequence[Dot], places: list[_Point], height: float, style: _Style) -> list[str]:
    """Names that find room: first all beside their markers, then what is left a little farther away, with a line."""
    taken: list[_Box] = []
    lines: list[_Point] = []
    parts, done = [], set()
    for far in _FAR[:1] if len(dots) > MANY else _FAR:
        for i in _in_turn(dots, places):
            found = None if i in done else _room(i, places, dots[i].label, far, height, style, taken, lines)
            if found is None:
                continue
            box, anchor, line = found
            done.add(i)
            taken.append(box)
            lines += line
            if line:
                (x, y), (to_x, to_y) = line[0], line[-1]
                parts.append(f'<path class="leader {style.name}" d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}"/>')
            start = {"start": box[0], "middle": (box[0] + box[2]) / 2, "end": box[2]}[anchor]
            parts.append(
                f'<text class="{style.name}" x="{start:.1f}" y="{box[3] - 0.34 * style.font:.1f}" text-anchor="{anchor}" '
                f'font-size="{style.font:g}">{escape(dots[i].label)}</text>'
            )
    return parts


def _in_turn(dots: Sequence[Dot], places: list[_Point]) -> list[int]:
    """Cities in the order in which they are labelled: those far out, the borderline ones, then the crowded."""
    at = np.array(places)
    out = np.argsort(-np.round(((at - at.mean(axis=0)) ** 2).sum(axis=1), 3), kind="stable")[:_OUTLYING]
    doubtful = sorted((i for i, dot in enumerate(dots) if dot.borderline), key=lambda i: dots[i].probability)
    first = list(dict.fromkeys([*(int(i) for i in out), *doubtful]))
    if len(dots) > MANY:
        return first
    near = (((at[:, None] - at[None]) ** 2).sum(axis=2) < 80.0**2).sum(axis=1)
    rest = [int(i) for i in np.argsort(-near, kind="stable") if i not in first]
    return first + rest


def _room(
    i: int,
    places: list[_Point],
    label: str,
    far: float,
    height: float,
    style: _Style,
    taken: list[_Box],
    lines: list[_Point],
) -> tuple[_Box, str, list[_Point]] | None:
    """Box, anchor and line of a label that reads as its own city's; None where there is no room.

    It lies within the frame, on no label, marker or line, and clearly nearer to its own marker than to any other; with a line
    it stands beside no other marker.
    """
    others = [place for j, place in enumerate(places) if j != i]
    for box, anchor in _boxes(places[i], _LETTER * style.font * len(label), far, style):
        within = min(box[0], box[1], _WIDTH - box[2], height - box[3]) >= style.margin
        if not within or any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
            continue
        clear = style.marker + 0.8 * style.font if far else _away(box, places[i]) + 0.25 * style.font
        if any(_away(box, other) < clear for other in others) or any(_away(box, point) < 1.0 for point in lines):
            continue
        line = _line(places[i], box) if far else []
        crossed = any(_away(b, point) < 1.0 for b in taken for point in line)
        if not crossed and all(hypot(x - a, y - b) > style.marker for x, y in line for a, b in others):
            return box, anchor, line
    return None


def _boxes(place: _Point, wide: float, far: float, style: _Style) -> list[tuple[_Box, str]]:
    """Places for a label around a marker, the best first, each with its anchor."""
    gap = style.marker + 2 + far * style.font
    found = []
    for right, down, slide in _SIDES:
        slant = 0.75 if right and down else 1.0
        across = right * (slant * gap + wide / 2) + (slide * (wide / 2 - style.marker) if down else 0.0)
        along = down * (slant * gap + style.font / 2) + (0.0 if down else slide * 0.4 * style.font)
        x, y, side = place[0] + across, place[1] + along, right or (slide if down else 0)
        box = (x - wide / 2, y - _TALL * style.font / 2, x + wide / 2, y + _TALL * style.font / 2)
        found.append((box, "start" if side > 0 else "end" if side < 0 else "middle"))
    return found


def _line(place: _Point, box: _Box) -> list[_Point]:
    """Points from a marker to the nearest point of a box."""
    end = min(max(place[0], box[0]), box[2]), min(max(place[1], box[1]), box[3])
    across, down = end[0] - place[0], end[1] - place[1]
    steps = np.linspace(0.0, 1.0, 2 + int(hypot(across, down) / 2))
    return [(place[0] + across * float(step), place[1] + down * float(step)) for step in steps]


def _away(box: _Box, point: _Point) -> float:
    """Distance of a point from a box; 0 inside."""
    return hypot(max(box[0] - point[0], 0.0, point[0] - box[2]), max(box[1] - point[1], 0.0, point[1] - box[3]))
