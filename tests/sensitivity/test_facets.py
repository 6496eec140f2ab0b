"""What tells definitions apart: every definition at a place of its own, the main one at 0, and no axis that repeats another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.findings import rings
from tests.sensitivity.tiny import book

from integstat.catalogue.schema import DefinitionEntry
from integstat.sensitivity.facets import MEASUREMENT, facets

SEVERAL = sorted(one for one, entry in book().indicators.items() if len(entry.definition) > 1)


def entries(*differences: dict[str, object]) -> list[DefinitionEntry]:
    """Definitions that differ in this alone."""
    plain = rings.indicator("U", groups=1, definitions=[f"d{i}" for i in range(len(differences))])
    return [one.model_copy(update=changes) for one, changes in zip(plain.definition, differences, strict=True)]


def of(*names: str) -> list[DefinitionEntry]:
    return [book().definition(one)[1] for one in names]


def sound(definitions: Sequence[DefinitionEntry]) -> None:
    """What holds for all."""
    axes, places = facets(definitions)
    assert places.shape == (len(definitions), len(axes))
    assert len({tuple(row) for row in places}) == len(definitions)
    assert (places[0] == 0).all()
    assert [axis.id for axis in axes] == list(dict.fromkeys(axis.id for axis in axes))
    for axis, column in zip(axes, places.T, strict=True):
        assert axis.id in MEASUREMENT and axis.sort == "measurement"
        assert set(column) == set(range(len(axis.alternatives)))  # every alternative is some definition's
        assert len(axis.alternatives) > 1


@pytest.mark.parametrize("indicator", SEVERAL)
def test_every_definition_of_the_catalogue_has_its_place(indicator: str) -> None:
    sound(book().indicator(indicator).definition)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SEVERAL), st.randoms(use_true_random=False))
def test_so_has_every_definition_of_what_was_delivered(indicator: str, chance: object) -> None:
    definitions = list(book().indicator(indicator).definition)
    chance.shuffle(definitions)  # type: ignore[attr-defined]
    for count in range(1, len(definitions) + 1):
        sound(definitions[:count])


choices = st.fixed_dictionaries(
    {
        "group_concept": st.sampled_from(["nationality", "migration_background"]),
        "age_from": st.sampled_from([None, 15]),
        "numerator": st.sampled_from(["y", "z"]),
        "denominator": st.sampled_from(["n", "m"]),
        "denominator_lag": st.sampled_from([0, 1]),
    }
)


@settings(max_examples=100, deadline=None)
@given(st.lists(choices, min_size=1, max_size=8))
def test_so_has_any_definition(differences: list[dict[str, object]]) -> None:
    sound(entries(*differences))


def test_leavers_and_residents_differ_in_the_denominator_alone() -> None:
    axes, places = facets(of("E3.leavers", "E3.residents_15_20"))
    assert [axis.id for axis in axes] == ["denominator"]
    assert places.tolist() == [[0], [1]]
    assert [one.name_de for one in axes[0].alternatives] == [one.name_de for one in of("E3.leavers", "E3.residents_15_20")]


def test_naturalisations_have_three_denominators() -> None:
    axes, places = facets(of("R1.eight_years_previous", "R1.all_previous_year", "R1.all_same_year"))
    assert [axis.id for axis in axes] == ["denominator"]
    assert places.tolist() == [[0], [1], [2]]


def test_what_follows_from_an_earlier_facet_is_no_axis() -> None:
    older = {"age_from": 20, "numerator": "y20", "denominator": "n20"}
    axes, places = facets(entries({}, older))
    assert [axis.id for axis in axes] == ["age_band"]
    axes, places = facets(entries({}, older, {"denominator": "m"}, older | {"denominator": "m20"}))
    assert [axis.id for axis in axes] == ["age_band", "denominator"]
    assert places.tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]  # the second denominator of its own age band


def test_where_nothing_is_stated_the_definition_itself_is_the_axis() -> None:
    axes, places = facets(entries({}, {}, {"numerator": "z"}))
    assert [axis.id for axis in axes] == ["numerator", "definition"]
    assert places.tolist() == [[0, 0], [0, 1], [1, 0]]


def test_one_definition_has_no_axes() -> None:
    axes, places = facets(entries({}))
    assert axes == ()
    np.testing.assert_array_equal(places, np.zeros((1, 0)))
