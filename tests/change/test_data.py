from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.change.rings import ring
from tests.panel.cells import YEARS, panel

from integstat.change import ChangeData, NoCounts
from integstat.change.data import from_panel
from integstat.panel import Panel


def test_a_numerator_above_its_base_is_refused_for_shares_and_taken_for_rates():
    data, _ = ring(6)
    y = data.n * 1.1
    with pytest.raises(ValueError, match="numerator above its base"):
        replace(data, y=y)
    assert replace(data, kind="rate", y=y).link == "log"


def test_counts_that_are_no_counts_are_refused():
    data, _ = ring(6)
    for bad in (-1.0, np.nan, np.inf):
        y = data.y.copy()
        y[0, 0, 0] = bad
        with pytest.raises(ValueError, match="finite and not negative"):
            replace(data, y=y)


def test_swapping_the_years_twice_gives_the_data_back():
    data, _ = ring(6)
    assert np.array_equal(data.swapped().swapped().y, data.y)
    assert np.array_equal(data.swapped().y[:, :, 0], data.y[:, :, 1])


def test_a_land_effect_needs_two_laender_with_two_cities():
    data, _ = ring(6)
    assert data.land_names == ("91", "92", "93")
    assert replace(data, land=("91", "91", "92", "93", "94", "95")).land_names == ()
    assert replace(data, land=("91",) * 6).land_names == ()
    assert replace(data, land=None).land_names == ()


def test_one_peer_group_is_no_peer_effect():
    data, _ = ring(6)
    assert data.has_peers
    assert not replace(data, peers=np.zeros(6, dtype=int)).has_peers
    assert not replace(data, peers=None).has_peers


# --- from the panel: coarse counts with bounds or as delivered, cities with some years only kept or not

CELLS = [
    [(25, 400), (30, 410)],
    [("below_3", 40), (5, 41)],
    [("below_3", 60), ("below_3", 62)],
    [(300, 905), ("missing", 900)],
    [("missing", 905), (310, "missing")],
]


def taken(cells: Panel, *, bounds: bool = True, complete: bool = False, rounded: int = 5) -> ChangeData:
    return from_panel(
        cells, "U.main", "share", ("target", "reference"), YEARS, rounding=(rounded, rounded), bounds=bounds, complete=complete
    )


def test_with_bounds_a_sign_is_a_count_and_without_it_is_none():
    bounded, delivered = taken(panel(CELLS)), taken(panel(CELLS), bounds=False)
    assert bounded.cities == ("00000", "00001", "00002", "00003")
    assert delivered.cities == ("00000", "00001", "00003")
    assert bounded.coarse is not None and delivered.coarse is None
    assert np.isfinite(bounded.coarse[:, 0, :, 0]).tolist() == [[True, True], [True, True], [True, True], [True, False]]
    assert delivered.usable[:, 0].tolist() == [[True, True], [False, True], [True, False]]
    assert delivered.y[:, 0].tolist() == [[25, 30], [0, 5], [300, 0]]  # a rounded figure stands for itself


def test_without_anything_coarse_bounds_make_no_difference():
    first, second = (taken(panel([CELLS[0], CELLS[3]]), bounds=bounds, rounded=1) for bounds in (True, False))
    assert first.coarse is second.coarse is None
    assert np.array_equal(first.y, second.y) and np.array_equal(first.n, second.n)


@pytest.mark.parametrize(("bounds", "cities"), [(True, ("00000", "00001", "00002")), (False, ("00000",))])
def test_complete_cities_have_the_target_group_in_all_years(bounds: bool, cities: tuple[str, ...]):
    data = taken(panel(CELLS), bounds=bounds, complete=True)
    assert data.cities == cities
    assert data.usable[:, 0].all()
    kept = [taken(panel(CELLS), bounds=bounds).cities.index(city) for city in cities]
    assert np.array_equal(data.y, taken(panel(CELLS), bounds=bounds).y[kept])


def test_a_year_of_the_reference_group_may_be_missing_in_a_complete_city():
    target, reference = panel(CELLS), panel([[(50, 900), ("missing", 910)]], group="reference")
    both = Panel(pd.concat([target.counts, reference.counts], ignore_index=True), target.cities)
    data = taken(both, complete=True)
    assert data.groups == ("target", "reference")
    assert data.cities == ("00000", "00001", "00002")


def test_without_a_complete_city_there_are_no_counts():
    with pytest.raises(NoCounts):
        taken(panel([CELLS[3]]), complete=True)
    with pytest.raises(NoCounts):
        taken(panel([CELLS[2]]), bounds=False)
    assert taken(panel([CELLS[3]])).cities == ("00000",)
