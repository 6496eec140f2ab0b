"""What the change model is told about a definition: counts, bounds, and how far the years overlap."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
from tests.findings import rings
from tests.panel.cells import YEARS, panel

from integstat.catalogue.schema import IndicatorEntry
from integstat.change import ChangeData, ChangeSettings, NoCounts
from integstat.pipeline import change_data

CELLS = [
    [(25, 400), (31, 410)],
    [("below_3", 40), (5, 41)],
    [("secret", 90), ("below_3", "missing")],
    [(300, 905), ("secret", 900)],
]


def made(*, kind: str = "share", source: str = "melderegister", asked: float | None = None, **definition: object) -> ChangeData:
    """Data of the cells above under a definition of this sort."""
    stock = bool(definition.pop("stock", False))
    entry = rings.indicator("U", groups=1, kind=kind, stock=stock).model_dump(mode="python")
    entry["definition"] = [entry["definition"][0] | {"source": source} | definition]
    book = rings.catalogue(IndicatorEntry.model_validate(entry))
    return change_data(panel(CELLS), "U.main", book, YEARS, ChangeSettings(overlap=asked), None)


def bounds(data: ChangeData) -> dict[tuple[str, int], tuple[float, float]]:
    """Bounds by city and year, where there are any."""
    coarse = cast("np.ndarray", data.coarse)
    return {
        (data.cities[c], data.years[t]): (float(coarse[c, 0, t, 0]), float(coarse[c, 0, t, 1]))
        for c, t in np.argwhere(np.isfinite(coarse[:, 0, :, 0]))
    }


def test_a_register_knows_its_figures_but_not_those_below_three() -> None:
    data = made()
    assert data.cities == ("00000", "00001", "00003")  # 00002: no count with a base
    assert bounds(data) == {("00001", 2020): (0, 2)}
    np.testing.assert_array_equal(data.usable[:, 0], [[True, True], [True, True], [True, False]])
    assert data.parts is None


def test_the_central_register_rounds() -> None:
    data = made(source="azr")
    assert bounds(data) == {
        ("00000", 2020): (23, 27),
        ("00001", 2020): (0, 2),
        ("00001", 2021): (3, 7),
        ("00003", 2020): (298, 302),
    }
    assert data.y[0, 0, 1] == 31  # not a multiple of five: the city had the register's own figure


def test_a_sum_of_rounded_figures_is_wider() -> None:
    data = made(source="azr", rounded_parts=3)
    assert bounds(data)["00000", 2020] == (19, 31)
    assert bounds(data)["00001", 2020] == (0, 2)
    assert data.parts is not None
    np.testing.assert_array_equal(data.parts[:, 0], [[3, 1], [1, 3], [3, 1]])


def test_annual_means_and_exact_figures_have_no_bounds() -> None:
    assert made(kind="mean_of_months", source="azr", reference_date="annual_mean").coarse is None


def test_rates_have_bounds_too() -> None:
    data = made(kind="rate", source="azr")
    assert data.link == "log"
    assert bounds(data)["00000", 2020] == (23, 27)


def test_nothing_but_signs_is_no_data() -> None:
    book = rings.catalogue(rings.indicator("U", groups=1))
    with pytest.raises(NoCounts):
        change_data(panel([CELLS[2], CELLS[2]]), "U.main", book, YEARS, ChangeSettings(), None)


@pytest.mark.parametrize(
    ("definition", "asked", "expected"),
    [
        ({}, None, 0.0),
        ({}, 0.7, 0.0),
        ({"stock": True}, None, 0.5),
        ({"stock": True}, 0.7, 0.7),
        ({"stock": True}, 0.0, 0.0),
        ({"stock": True, "kind": "survey"}, 0.7, 0.0),
        ({"stock": True, "reference_date": "year"}, 0.7, 0.0),
        ({"stock": True, "overlap": 0.2}, None, 0.2),
        ({"stock": True, "age_from": 3, "age_below": 5}, 0.7, 0.5),
    ],
)
def test_only_stocks_overlap(definition: dict[str, object], asked: float | None, expected: float) -> None:
    assert made(asked=asked, **definition).overlap == expected
