"""Figures of the peer groups: to scale, well-formed, and no label over another."""

from __future__ import annotations

import dataclasses
import itertools
import re
import xml.etree.ElementTree as ET
from math import hypot

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
    """Left, top, right and bottom of the labels, at 0.62 of the font per letter."""
    found = []
    for text in svg.iter("text"):
        if text.attrib["class"] != style:
            continue
        font, x, y = (float(text.attrib[name]) for name in ("font-size", "x", "y"))
        wide = 0.62 * font * len(text.text or "")
        left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[text.attrib["text-anchor"]]
        found.append((left, y - 0.76 * font, left + wide, y + 0.24 * font))
    return found


def markers(svg: ET.Element) -> list[tuple[float, float]]:
    """Centres of the cities."""
    return [(float(one.attrib["cx"]), float(one.attrib["cy"])) for one in svg.iter("circle") if one.get("class") == "doubt"]


def test_membership_is_to_scale() -> None:
    svg = ET.fromstring(membership(0.6, 0.3, title="t", description="", width=100))
    widths = {rect.attrib["class"]: float(rect.attrib["width"]) for rect in svg.iter("rect")}
    assert widths["own"] == 60
    assert widths["second"] == 30


def test_together_paints_every_cell_of_its_shade() -> None:
    matrix = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.4], [0.0, 0.4, 1.0]])
    svg = ET.fromstring(together(matrix, [2, 1], ["A", "B"], title="t", description="d"))
    painted = sum(int(length) for path in svg.iter("path") for length in re.findall(r"h(\d+)v1", path.attrib["d"]))
    assert painted == 7  # all but the two zeros, which are paper
    assert [rect.attrib["width"] for rect in svg.iter("rect") if rect.get("class") == "box"] == ["2", "1"]


def test_letters_stand_at_the_top_and_the_side_of_their_boxes() -> None:
    svg = ET.fromstring(together(np.eye(40), [20, 1, 1, 18], ["A", "B", "C", "D"], title="t", description="d"))
    at = [(text.text, float(text.attrib["x"]), float(text.attrib["y"])) for text in svg.iter("text")]
    assert [(letter, x) for letter, x, y in at if y < 0] == [("A", 10), ("B", 20.5), ("D", 31)]  # C would touch B
    side = [(letter, y) for letter, x, y in at if x < 0]
    assert [letter for letter, _ in side] == ["A", "B", "D"]
    assert [y for _, y in side] == pytest.approx([10, 20.5, 31], abs=1)  # base lines


@settings(deadline=None, max_examples=40)
@given(PLACES)
def test_labels_cover_neither_each_other_nor_a_marker_nor_the_frame(places: list[tuple[float, float]]) -> None:
    svg = drawn([dot(i, x, y) for i, (x, y) in enumerate(places)])
    _, _, width, height = (float(one) for one in svg.attrib["viewBox"].split())
    for style, radius, margin in (("wide", 8.4, 5), ("narrow", 12.6, 9)):
        found = boxes(svg, style)
        for left, top, right, bottom in found:
            assert min(left, top, width - right, height - bottom) >= margin - 0.2
            for x, y in markers(svg):
                assert hypot(max(left - x, 0, x - right), max(top - y, 0, y - bottom)) > radius
        for one, other in itertools.combinations(found, 2):
            apart = one[2] <= other[0] + 0.2 or other[2] <= one[0] + 0.2 or one[3] <= other[1] + 0.2 or other[3] <= one[1] + 0.2
            assert apart


@settings(deadline=None, max_examples=40)
@given(PLACES)
def test_a_label_without_a_line_is_nearest_to_its_own_marker(places: list[tuple[float, float]]) -> None:
    svg = drawn([dot(i, x, y) for i, (x, y) in enumerate(places)])
    at = dict(zip((mark.findtext("title") for mark in svg.iter("g")), markers(svg), strict=True))
    for style in ("wide", "narrow"):
        lines = [one for one in svg.iter("path") if one.get("class") == f"leader {style}"]
        starts = {tuple(map(float, one.attrib["d"][1:].split("L")[0].split())) for one in lines}
        names = [text.text for text in svg.iter("text") if text.attrib["class"] == style]
        for name, (left, top, right, bottom) in zip(names, boxes(svg, style), strict=True):
            away = {
                title: hypot(max(left - x, 0, x - right), max(top - y, 0, y - bottom)) for title, (x, y) in at.items() if title
            }
            own = away.pop(f"{name}: <A>")
            assert at[f"{name}: <A>"] in starts or all(own < other for other in away.values())


@settings(deadline=None, max_examples=40)
@given(PLACES, st.floats(0, 4))
def test_circles_of_doubt_lie_within_the_frame(places: list[tuple[float, float]], spread: float) -> None:
    svg = drawn([dataclasses.replace(dot(i, x, y), spread=spread) for i, (x, y) in enumerate(places)])
    _, _, width, height = (float(one) for one in svg.attrib["viewBox"].split())
    for circle in (one for one in svg.iter("circle") if one.get("class") == "doubt"):
        x, y, r = (float(circle.attrib[name]) for name in ("cx", "cy", "r"))
        assert min(x, y, width - x, height - y) >= r


def test_a_city_amid_others_is_not_named_far_away() -> None:
    ring = [(np.cos(turn), np.sin(turn)) for turn in np.linspace(0, 2 * np.pi, 30, endpoint=False)]
    dots = [dot(i, float(x), float(y)) for i, (x, y) in enumerate([(0.0, 0.0), (12.0, 0.0), *(0.05 * np.array(ring))])]
    svg = drawn(dots)
    assert "Stadt 0" not in {text.text for text in svg.iter("text")}
    assert "Stadt 1" in {text.text for text in svg.iter("text")}
    assert "Stadt 0: <A>" in {mark.findtext("title") for mark in svg.iter("g")}


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
    svg = ET.fromstring(stability_by_number(steps, 2, title="t", description="d", axis="a", half="0,5"))
    assert [one.text for one in svg.iter("text") if one.get("class") == "chosen"] == ["2"]
    heights = {float(one.attrib["cy"]) for one in svg.iter("circle")}
    bars = [(float(one.attrib["y"]), float(one.attrib["height"])) for one in svg.iter("rect")]
    assert len(bars) == count
    assert all(heights.pop() < top for top, _ in bars[:1])  # above the band
    assert bars[0][1] == pytest.approx(0.2 * 142, abs=0.1)


def test_nothing_to_compare() -> None:
    assert stability_by_number([], 2, title="t", description="d", axis="a", half="0,5") == ""
