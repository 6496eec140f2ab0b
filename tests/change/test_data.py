from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.change.rings import ring


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
