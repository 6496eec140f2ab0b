"""Figures are well-formed, tell in words what they show, and put numbers where they belong."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integstat.report.figures import Bar, intervals, shape, shapes
from integstat.report.view.lookup import axis_limit
from integstat.report.words import STATES

ENDS = ("−2", "0", "+2")


def figure(bar: Bar, limit: float = 2.0, step: float = 0.5) -> ET.Element:
    return ET.fromstring(intervals([bar], limit, step, title="Titel", description="Worte", ends=ENDS, width=200))


@given(st.floats(-2, 2), st.floats(0, 2))
def test_intervals_lie_on_the_axis(mean: float, half: float) -> None:
    svg = figure(Bar(mean, mean - half, mean + half, "rel"))
    dot = svg.find("circle")
    assert dot is not None
    assert float(dot.attrib["cx"]) == pytest.approx(100 + mean / 2 * 92, abs=0.06)
    line = next(path for path in svg.iter("path") if path.attrib["class"] == "rel")
    start, end = re.match(r"M([\d.]+) [\d.]+H([\d.]+)", line.attrib["d"]).groups()  # type: ignore[union-attr]
    assert 8 <= float(start) <= float(dot.attrib["cx"]) + 0.06 <= float(end) + 0.12 <= 192.2
    assert ("l4 3" in line.attrib["d"]) == (mean - half < -2)
    assert ("l-4 3" in line.attrib["d"]) == (mean + half > 2)


def test_figure_speaks() -> None:
    svg = figure(Bar(1, 0.5, 1.5, "rel"))
    assert svg.attrib["role"] == "img"
    assert svg.findtext("title") == "Titel"
    assert svg.findtext("desc") == "Worte"
    assert [text.text for text in svg.iter("text")] == list(ENDS)


def test_the_band_is_the_step() -> None:
    band = next(rect for rect in figure(Bar(1, 0.5, 1.5, "rel")).iter("rect"))
    assert float(band.attrib["x"]) == pytest.approx(100 - 23)
    assert float(band.attrib["width"]) == pytest.approx(46)


def test_nothing_to_draw() -> None:
    assert intervals([Bar(np.nan, np.nan, np.nan, "rel")], 1, 0.1, title="t", description="", ends=ENDS) == ""


def test_titles_are_escaped() -> None:
    svg = intervals([Bar(0, -1, 1, "rel")], 1, 0.1, title="<script>", description="a & b", ends=ENDS)
    assert "<script>" not in svg
    assert ET.fromstring(svg).findtext("title") == "<script>"


def test_every_state_has_a_shape_of_its_own() -> None:
    svg = ET.fromstring(shapes())
    drawn = {symbol.attrib["id"]: ET.tostring(symbol[0]) for symbol in svg}
    assert set(drawn) == {f"m-{state}" for state in STATES}
    assert len(set(drawn.values())) == len(STATES)
    assert all(f'href="#m-{state}"' in shape(state) for state in STATES)


@given(st.lists(st.floats(1e-3, 1e3), max_size=60), st.floats(1e-3, 10))
def test_axis_holds_the_usual_ends(ends: list[float], least: float) -> None:
    limit = axis_limit(np.array(ends), least)
    assert limit >= least * (1 - 1e-6)
    if ends:
        assert limit >= np.quantile(ends, 0.9) * (1 - 1e-6)
        assert limit <= 2 * max(*ends, least) + 1e-9 if len(ends) > 1 else True


def test_one_far_outlier_does_not_squeeze_the_others() -> None:
    assert axis_limit(np.array([1.0] * 30 + [50.0]), 0.1) < 2
