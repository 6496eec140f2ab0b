"""Figures of the peer groups: to scale, well-formed, and no label over another."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.report.figures_peers import (
    MANY,
    TINTS,
    Dot,
    Step,
    city_map,
    group_mark,
    membership,
    profile_bar,
    stability_by_number,
    tint,
    together,
)

PLACES = st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=60)


def dot(i: int, x: float, y: float, probability: float = 0.9) -> Dot:
    return Dot(f"Stadt {i}", f"Stadt {i}: <A>", x, y, 0.3, i % 3, probability, probability < 0.6)


def drawn(dots: list[Dot]) -> ET.Element:
    return ET.fromstring(city_map(dots, title="Titel", description="Worte"))


def boxes(svg: ET.Element, style: str) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of the labels, at 0.58 of the font per letter."""
    found = []
    for text in svg.iter("text"):
        if text.attrib["class"] != style:
            continue
        font, x, y = (float(text.attrib[name]) for name in ("font-size", "x", "y"))
        wide = 0.58 * font * len(text.text or "")
        left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[text.attrib["text-anchor"]]
        found.append((left, y - 0.76 * font, left + wide, y + 0.24 * font))
    return found


def test_membership_is_to_scale() -> None:
    svg = ET.fromstring(membership(0.6, 0.3, title="t", description="", width=100))
    widths = {rect.attrib["class"]: float(rect.attrib["width"]) for rect in svg.iter("rect")}
    assert widths["own"] == 60
    assert widths["second"] == 30


def test_together_paints_every_cell_of_its_shade() -> None:
    matrix = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.4], [0.0, 0.4, 1.0]])
    svg = ET.fromstring(together(matrix, [2, 1], title="t", description="d"))
    painted = sum(int(length) for path in svg.iter("path") for length in re.findall(r"h(\d+)v1", path.attrib["d"]))
    assert painted == 7  # all but the two zeros, which are paper
    assert [rect.attrib["width"] for rect in svg.iter("rect")] == ["2", "1"]


@settings(deadline=None, max_examples=40)
@given(PLACES)
def test_no_label_lies_over_another_or_outside(places: list[tuple[float, float]]) -> None:
    svg = drawn([dot(i, x, y) for i, (x, y) in enumerate(places)])
    _, _, width, height = (float(one) for one in svg.attrib["viewBox"].split())
    for style in ("wide", "narrow"):
        found = boxes(svg, style)
        for left, top, right, bottom in found:
            assert left >= -0.2
            assert top >= -0.2
            assert right <= width + 0.2
            assert bottom <= height + 1
        for one, other in itertools.combinations(found, 2):
            apart = one[2] <= other[0] + 0.2 or other[2] <= one[0] + 0.2 or one[3] <= other[1] + 0.2 or other[3] <= one[1] + 0.2
            assert apart


def test_both_axes_are_on_one_scale() -> None:
    svg = drawn([dot(0, 0, 0), dot(1, 4, 0), dot(2, 0, 3)])
    places = [(float(one.attrib["cx"]), float(one.attrib["cy"])) for one in svg.iter("circle") if one.get("class") == "doubt"]
    across, up = places[1][0] - places[0][0], places[0][1] - places[2][1]
    assert across / 4 == pytest.approx(up / 3, rel=1e-3)
    assert up > 0
    radius = float(next(one for one in svg.iter("circle") if one.get("class") == "doubt").attrib["r"])
    assert radius == pytest.approx(0.3 * across / 4, abs=0.06)


def test_every_city_is_named_and_borderline_ones_are_hollow() -> None:
    svg = drawn([dot(0, 0, 0, 0.9), dot(1, 1, 1, 0.4), dot(2, 3, 0, 0.7)])
    marks = list(svg.iter("g"))
    assert [mark.findtext("title") for mark in marks] == ["Stadt 0: <A>", "Stadt 1: <A>", "Stadt 2: <A>"]
    assert ["hollow" in mark.attrib["class"] for mark in marks] == [False, True, False]
    assert float(marks[0].attrib["fill-opacity"]) > float(marks[2].attrib["fill-opacity"])
    assert {text.text for text in svg.iter("text")} == {"Stadt 0", "Stadt 1", "Stadt 2"}


def test_in_a_large_ring_only_outlying_and_borderline_cities_are_labelled() -> None:
    grid = [(i % 8, i // 8) for i in range(MANY + 24)]
    svg = drawn([dot(i, float(x), float(y), 0.3 if i == 27 else 0.9) for i, (x, y) in enumerate(grid)])
    names = {text.text for text in svg.iter("text")}
    assert "Stadt 27" in names
    assert "Stadt 0" in names  # a corner
    assert "Stadt 28" not in names
    assert len(list(svg.iter("g"))) == len(grid)


def test_groups_differ_without_colour() -> None:
    marks = [ET.fromstring(group_mark(group))[0] for group in range(TINTS)]
    assert len({ET.tostring(mark) for mark in marks}) == TINTS
    pairs = {(tint(group), group % TINTS) for group in range(3 * TINTS)}
    assert len(pairs) == 3 * TINTS  # shape and colour together tell far more groups apart


@given(st.floats(-10, 10), st.floats(0.5, 5))
def test_profile_bars_are_to_scale_and_end_at_the_axis(value: float, limit: float) -> None:
    rect = ET.fromstring(profile_bar(value, limit, width=100)).find("rect")
    assert rect is not None
    left, width = float(rect.attrib["x"]), float(rect.attrib["width"])
    assert width == pytest.approx(50 * min(1, abs(value) / limit), abs=0.11)
    assert left == pytest.approx(50 if value >= 0 else 50 - width, abs=0.11)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_ring_and_band_stand_at_their_numbers(count: int) -> None:
    steps = [Step(k, 0.6, 0.4, 0.3, 0.5) for k in range(2, 2 + count)]
    svg = ET.fromstring(stability_by_number(steps, 2, title="t", description="d", axis="a"))
    assert [one.text for one in svg.iter("text") if one.get("class") == "chosen"] == ["2"]
    heights = {float(one.attrib["cy"]) for one in svg.iter("circle")}
    bars = [(float(one.attrib["y"]), float(one.attrib["height"])) for one in svg.iter("rect")]
    assert len(bars) == count
    assert all(heights.pop() < top for top, _ in bars[:1])  # above the band
    assert bars[0][1] == pytest.approx(0.2 * 142, abs=0.1)


def test_nothing_to_compare() -> None:
    assert stability_by_number([], 2, title="t", description="d", axis="a") == ""
