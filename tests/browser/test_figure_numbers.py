"""The table that unfolds below a figure holds what the figure was drawn from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integstat.report.figures import Figure
from integstat.report.figures_peers import Dot, Step, city_map, stability_by_number, together
from integstat.report.figures_sensitivity import Choices, Curve, HeatRow, Words, heat_map, specification_curve

WORDS = Words("P", "Schwelle", "eigener", "Befund", {"success": "Erfolg", "open": "offen"}, "ohne Ergebnis", "andere")
SAID = {"title": "t", "description": "d"}


def numbers(figure: object) -> list[tuple[tuple[str, ...], tuple[float, ...]]]:
    assert isinstance(figure, Figure)
    return list(figure.numbers)


def test_shares_of_pairs_stand_row_by_row() -> None:
    matrix = np.array([[1.0, 0.25], [0.25, 1.0]])
    assert numbers(together(matrix, [1, 1], ["A", "B"], **SAID)) == [((), (1.0, 0.25)), ((), (0.25, 1.0))]


def test_places_and_circles_stand_by_city() -> None:
    dot = Dot("Stadt", "Stadt: A", 1.5, -2.0, 0.3, 0, 0.9, False)
    assert numbers(city_map([dot], **SAID)) == [(("Stadt: A",), (1.5, -2.0, 0.3))]


def test_stability_stands_beside_the_band() -> None:
    figure = stability_by_number([Step(2, 0.6, 0.4, 0.3, 0.5)], 2, axis="a", half="0,5", **SAID)
    assert numbers(figure) == [(("2",), (0.6, 0.4, 0.3, 0.5))]


def test_changes_stand_under_their_axes() -> None:
    figure = heat_map([HeatRow("Quote", "Stadt", (0.1, 0.0), (True, False))], ("Land", "Schritt"), **SAID)
    assert numbers(figure) == [(("Quote", "Stadt"), (0.1, 0.0))]
    assert isinstance(figure, Figure)
    assert figure.columns == ("Land", "Schritt")


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.sampled_from(["success", "open"])), min_size=2, max_size=60))
def test_each_axis_counts_every_universe_once(universes: list[tuple[float, bool, str]]) -> None:
    p = np.array([one[0] for one in universes])
    taken = np.array([int(one[1]) for one in universes])
    codes = tuple(one[2] for one in universes)
    curve = Curve(p, codes, "success", 0, 0.8, (Choices("Land", ("mit", "ohne"), taken),))
    rows = numbers(specification_curve(curve, WORDS, columns=5, **SAID))
    for axis in {words[0] for words, _ in rows}:
        own = [figures for words, figures in rows if words[0] == axis]
        assert sum(figures[0] for figures in own) == len(p)
        assert min(figures[1] for figures in own) == p.min()
        assert max(figures[3] for figures in own) == p.max()
        same = sum(figures[0] * figures[4] for figures in own)
        assert same == pytest.approx(sum(code == "success" for code in codes))


def test_a_choice_without_a_probability_has_a_gap() -> None:
    curve = Curve(
        np.array([0.9, np.nan]), ("success", ""), "success", 0, 0.8, (Choices("Land", ("mit", "ohne"), np.array([0, 1])),)
    )
    rows = dict(numbers(specification_curve(curve, WORDS, **SAID)))
    assert np.isnan(rows["Land", "ohne"][1:4]).all()
    assert rows["Land", "ohne"][4] == 0
    assert rows["Land", "mit"] == (1.0, 0.9, 0.9, 0.9, 1.0)
