"""Numerators that a city rounded itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.intake.workbook_samples import CITY, LEGAL, WORK, damaged, read

from integstat.catalogue import Catalogue
from integstat.intake.assemble import assemble
from integstat.intake.cities import city_table
from integstat.panel import COUNT_COLUMNS, STEP_COLUMN, Panel

CITIES = pd.DataFrame({"city": ["01002", "03101"], "name": ["A", "B"], "land": ["01", "03"], "land_name": ["x", "y"]})


def panel(y: float, step: int | None, code: str = "value") -> Panel:
    row = ("01002", "T1", "T1.all", "target", 2020, y, 1000.0, code, "value", "", "")
    counts = pd.DataFrame([row], columns=list(COUNT_COLUMNS))
    return Panel(counts if step is None else counts.assign(**{STEP_COLUMN: step}), CITIES)


@pytest.mark.parametrize(
    ("y", "step", "rounding", "parts", "bounds", "summed"),
    [
        (340.0, 10, 1, 1, (335, 345), 1),
        (300.0, 100, 1, 1, (250, 350), 1),
        (340.0, 5, 5, 3, (334, 346), 3),  # the source rounds as much: its parts count
        (340.0, 10, 5, 3, (335, 345), 1),  # the city rounded the sum, coarser
        (340.0, 1, 5, 1, (338, 342), 1),  # 'exact' does not undo what the source does
        (340.0, 0, 1, 1, None, 1),
        (340.0, None, 1, 1, None, 1),
        (343.0, 10, 1, 1, None, 1),  # no multiple: taken as it is
    ],
)
def test_bounds_of_what_a_city_rounded(
    y: float, step: int | None, rounding: int, parts: int, bounds: tuple[float, float] | None, summed: int
) -> None:
    cells = panel(y, step).cells("T1.all", ("target",), (2020,), rounding=[rounding], rounded_parts=parts)
    assert cells.coarse[0, 0, 0] == (bounds is not None)
    if bounds is not None:
        np.testing.assert_array_equal(cells.bounds[0, 0, 0], bounds)
    assert cells.parts[0, 0, 0] == summed
    assert not cells.coarse[1].any()  # the other city said nothing


def test_means_have_no_bounds() -> None:
    assert not panel(340.0, 10).cells("T1.all", ("target",), (2020,), whole=False).coarse.any()


def test_a_rounding_chosen_in_a_workbook_reaches_the_counts() -> None:
    def rounded(book: Any) -> None:
        book["Arbeit"]["I5"], book["Arbeit"]["J5"], book["Arbeit"]["Q5"] = 5120, 5410, "auf 10 gerundet"

    rows = read(damaged(rounded)).rows
    catalogue = Catalogue({}, {"A1": WORK, "R1": LEGAL}, {}, (), "")
    found, _ = assemble(rows, city_table({CITY: "Musterstadt"}), catalogue, [2020, 2021], {})
    cells = found.cells("A1.main", ("target", "reference"), (2020, 2021))
    np.testing.assert_array_equal(cells.bounds[0, 0], [[5115, 5125], [5405, 5415]])
    assert not cells.coarse[0, 1].any()
