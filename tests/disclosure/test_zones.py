"""Confidential counts: which they are, and that nobody can tell which of its values one has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.disclosure.cells import apart, catalogue, hide, told
from tests.panel.cells import panel

from integstat.disclosure.protect import protect
from integstat.disclosure.settings import DisclosureSettings
from integstat.disclosure.zones import zones

THRESHOLDS = st.sampled_from([2, 3, 4, 5, 10])


def test_small_counts_are_below_three_and_nought_is_among_them() -> None:
    kept = hide([[(0, 400), (2, 400)], [(3, 400), (1, 400)], [("nothing", 400), (397, 400)]])
    below = (None, "below_3")
    assert told(kept) == [below, below, (3.0, "value"), below, below, (397.0, "value")]
    assert set(kept.held["reason"]) == {"small"}


def test_nearly_all_is_as_confidential_as_hardly_any() -> None:
    kept = hide([[(398, 400), (400, 400)]])
    assert told(kept) == [(None, "secret")] * 2
    assert kept.held[["low", "high"]].to_numpy().tolist() == [[398, 400]] * 2


def test_cases_over_a_base_leave_no_rest() -> None:
    assert told(hide([[(398, 400), (401, 400)]], kind="rate")) == [(398.0, "value"), (401.0, "value")]


def test_small_bases_tell_nothing_and_tiny_ones_are_counts_themselves() -> None:
    kept = hide([[(4, 9), (1, 2)]])
    assert told(kept) == [(None, "secret")] * 2
    assert kept.panel.counts["n"].tolist()[0] == 9
    assert pd.isna(kept.panel.counts["n"][1])
    assert kept.panel.counts["n_code"][1] == "secret"


def test_a_base_computed_back_goes_with_its_count_because_nought_has_none() -> None:
    whole = panel([[(0, "missing"), (40, 400)], [(2, 57), (41, 400)]])
    forms = {key: replace(form, reconstructed=key[3] == "denominator" and key[2] == 2020) for key, form in apart("U").items()}
    counts = protect(whole, catalogue("U"), DisclosureSettings(), forms).panel.counts
    early = counts[counts["year"] == 2020]
    assert early["y"].isna().all() and early["n"].isna().all()
    assert set(early["y_code"]) == set(early["n_code"]) == {"secret"}
    assert counts.loc[counts["year"] == 2021, "n"].tolist() == [400, 400]


def test_a_larger_threshold_than_the_sign_can_say_makes_counts_secret() -> None:
    assert told(hide([[(4, 400), ("below_3", 400)]], threshold=5)) == [(None, "secret")] * 2


def test_means_of_months_are_secret_since_they_cannot_be_bounded() -> None:
    kept = hide([[(2.5, 400), (3.25, 400)]], kind="mean_of_months")
    assert told(kept) == [(None, "secret"), (3.25, "value")]


def test_figures_that_are_no_counts_stay() -> None:
    assert told(hide([[(1, 2), (0, 1)]], kind="measure")) == [(1.0, "value"), (0.0, "value")]


def test_what_came_without_a_number_stays_as_it_came() -> None:
    kept = hide([[("secret", 400), ("below_3", 400)], [("missing", 400), ("unreliable", 400)]])
    assert [sign for _, sign in told(kept)] == ["secret", "below_3", "missing", "unreliable"]
    assert kept.held["reason"].tolist() == ["delivered", "small"]
    assert not kept.held["told"].any()


def test_a_note_beside_a_confidential_count_goes_with_it() -> None:
    whole = panel([[(1, 400), (30, 400)]])
    whole.counts["note"] = ["nur eine Person", "wie im Vorjahr"]
    kept = protect(whole, catalogue("U"), DisclosureSettings(), apart("U"))
    assert kept.panel.counts["note"].tolist() == ["", "wie im Vorjahr"]


def test_without_a_threshold_the_panel_stays() -> None:
    whole = panel([[(1, 400), (0, 3)]])
    kept = protect(whole, catalogue("U"), DisclosureSettings(threshold=0), apart("U"))
    assert kept.panel is whole
    assert kept.held.empty


@settings(max_examples=15, deadline=None)
@given(threshold=THRESHOLDS, base=st.integers(1, 30), kind=st.sampled_from(["share", "survey", "rate"]), rounds=st.booleans())
def test_no_two_values_of_a_zone_look_different(threshold: int, base: int, kind: str, rounds: bool) -> None:
    """Tried for every count a base can have: what is told is the same all over a zone, and no zone is too small."""
    source = {"source": "azr"} if rounds else {}
    book, chosen = catalogue("U", kind=kind, **source), DisclosureSettings(threshold=threshold, min_base=0)
    whole = panel([[(y, base)] for y in range(base + 1)])
    zone, kept = zones(whole, book, chosen), protect(whole, book, chosen, apart("U"))
    looks = [str(row) for row in kept.panel.counts[["y", "y_code", "n", "n_code", "note"]].itertuples(index=False)]
    secret = zone["reason"] != ""
    for row in np.flatnonzero(secret):
        low, high = int(zone["low"][row]), int(min(zone["high"][row], base))
        assert low <= row <= high
        assert len(set(looks[low : high + 1])) == 1
        assert high - low + 1 >= min(threshold, base + 1)
    assert whole.counts.loc[~secret, "y"].ge(threshold).all()
    assert kept.panel.counts.loc[~secret, "y"].notna().all()


@pytest.mark.parametrize("threshold", [3, 5])
def test_the_least_that_may_be_known_of_rounded_figures_is_their_rounding(threshold: int) -> None:
    zone = zones(panel([[(5, 400), (7, 400)]]), catalogue("U", source="azr"), DisclosureSettings(threshold=threshold))
    assert zone[["low", "high"]].to_numpy().tolist() == [[3, 7], [7, 7]]
