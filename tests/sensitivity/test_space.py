"""Which universes a ring has: admissible ones only, its own first, and a name that changes with whatever decides about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as many
from hypothesis import strategies as st
from tests.sensitivity import tiny
from tests.sensitivity.tiny import BASE, MAIN, axis, book, ring, settings

from integstat.errors import UsageError
from integstat.findings import FindingSettings
from integstat.sensitivity.choices import Choices
from integstat.sensitivity.plan import Ring
from integstat.sensitivity.space import Space, make_space, measurement_axes

PEERS = axis("peers", {"change.peers": "none"}, {"change.peers": "groups"})
LAND = axis("land", {"change.land": False})
SIZE = axis("size", {"change.priors.sd_change_median": 0.10}, {"change.priors.sd_change_median": 0.25})
STEP = axis("step", {"findings.rho_times": 0.5}, {"findings.rho_times": 2.0})
ERROR = axis("error", {"findings.q": 0.05})
MORE = {"exclude": [{"where": {"peers": "a1", "land": "a1"}, "reason_de": "nicht zusammen"}]}


@pytest.fixture(scope="module")
def one() -> Ring:
    return ring()


def rows(over: Space) -> set[tuple[int, ...]]:
    return {(*map(int, combo), int(slot)) for combo, slot in zip(over.combos, over.slot, strict=True)}


def test_all_combinations_the_own_first(one: Ring) -> None:
    over = tiny.space(one, PEERS, LAND, STEP, ERROR)
    assert over.possible == len(over.combos) == len(rows(over)) == 3 * 2 * 3 * 2 * 2
    assert over.combos[0].tolist() == [0, 0, 0, 0] and over.slot[0] == 0
    assert over.definitions == {
        "R1": ("R1.eight_years_previous", "R1.all_previous_year"),
        "E3": ("E3.leavers", "E3.residents_15_20"),
    }
    assert over.model_axes.tolist() == [0, 1] and over.decision_axes.tolist() == [3]
    assert over.choices([0, 0, 0, 0]) == over.base == BASE
    assert over.choices([2, 1, 1, 1]) == BASE.changed(
        {"change.peers": "groups", "change.land": False, "findings.rho_times": 0.5, "findings.q": 0.05}
    )


def test_weights_are_of_models_alone(one: Ring) -> None:
    weighted = LAND | {"main_weight": 2.0}
    weighted["alternative"] = [LAND["alternative"][0] | {"weight": 0.5}]
    over = tiny.space(one, weighted, STEP)
    np.testing.assert_allclose(over.weight, np.where(over.combos[:, 0] == 0, 2.0, 0.5))


def test_definitions_have_kind_and_weight(one: Ring) -> None:
    special = {"E3.residents_15_20": {"kind": "uncertain", "weight": 3.0}}
    over = tiny.space(one, definitions={"kind": "equivalent", "weight": 0.5, "main_weight": 2.0, "special": special})
    assert [over.definition_kind[name] for name in tiny.DEFINITIONS] == [0, 0, 0, 1]
    assert [over.definition_weight[name] for name in tiny.DEFINITIONS] == [2.0, 0.5, 2.0, 3.0]


def test_definitions_need_not_vary(one: Ring) -> None:
    over = tiny.space(one, LAND, vary=False)
    assert over.definitions == {indicator: (main,) for indicator, main in MAIN.items()}
    assert len(over.combos) == 2


def test_the_definitions_of_an_indicator_have_axes_of_their_own(one: Ring) -> None:
    axes, places = measurement_axes(tiny.space(one), "E3", book())
    assert [axis.id for axis in axes] == ["denominator"] and places.tolist() == [[0], [1]]


def test_definitions_turned_the_other_way_stay_outside() -> None:
    turned = [
        (indicator, one.id)
        for indicator, entry in book().indicators.items()
        for one in entry.definition
        if book().finding_allowed(book().main_definition(indicator))
        and book().kind(f"{indicator}.{one.id}") != "measure"
        and book().polarity(f"{indicator}.{one.id}") != book().polarity(book().main_definition(indicator))
    ]
    assert turned
    for indicator, name in turned:
        main = book().main_definition(indicator)
        found = make_space(
            settings(), BASE, book(), {indicator: main}, [main, f"{indicator}.{name}"], tiny.YEARS, ring().panel.cities
        )
        assert found.definitions[indicator] == (main,)
        assert any(f"{indicator}.{name} bleibt außen vor" in note for note in found.notes)


def test_an_indicator_without_its_main_definition_or_findings_is_not_there() -> None:
    cities = ring().panel.cities
    over = make_space(
        settings(), BASE, book(), MAIN | {"X1": "X1.cleaning"}, ["E3.residents_15_20", "X1.cleaning"], (2020, 2021), cities
    )
    assert over.definitions == {}


# --- alternatives


def test_what_changes_nothing_is_passed_over(one: Ring) -> None:
    over = tiny.space(one, axis("land", {"change.land": True}), axis("rule", {"findings.rule": "set"}, {"findings.q": 0.05}))
    assert [axis.id for axis in over.axes] == ["rule"]
    assert [alternative.id for alternative in over.axes[0].alternatives] == ["main", "a2"]
    assert over.notes == (
        "Land: „land 1“ ist in diesem Ring dasselbe wie „wie im Ring festgelegt“.",
        "Rule: „rule 1“ ist in diesem Ring dasselbe wie „wie im Ring festgelegt“.",
    )


def test_what_repeats_another_alternative_is_passed_over(one: Ring) -> None:
    over = tiny.space(one, axis("size", {"change.priors.sd_change_median": 0.1}, {"change.priors.sd_change_median": 0.10}))
    assert [alternative.id for alternative in over.axes[0].alternatives] == ["main", "a1"]
    assert over.notes == ("Size: „size 2“ ist in diesem Ring dasselbe wie „size 1“.",)


def test_a_ring_without_groups_has_no_axis_about_them(one: Ring) -> None:
    base = Choices(None, BASE.change, BASE.findings)
    over = tiny.space(one, axis("peers", {"peers.notion": "neighbours"}), LAND, base=base)
    assert [axis.id for axis in over.axes] == ["land"]


def test_cities_left_out_in_turn(one: Ring) -> None:
    over = tiny.space(one, axis("left_out", leave_out_each=True))
    cities = one.panel.cities["city"].tolist()
    (left_out,) = over.axes
    assert (left_out.sort, [alternative.id for alternative in left_out.alternatives]) == ("model", ["main", *cities])
    assert sum(alternative.weight for alternative in left_out.alternatives[1:]) == pytest.approx(1.0)
    assert [over.choices([place]).leave_out for place in range(3)] == [(), (cities[0],), (cities[1],)]


@pytest.mark.parametrize(
    ("alternative", "what"),
    [
        ({"change.priors.shift_sd": 0.1}, "'shift_sd' hat den unzulässigen Wert 0.1 (erlaubt ist mindestens 0.3)"),
        ({"peers.without": ["height"]}, "'height' ist kein Merkmal aus [peers]"),
        ({"ring.leave_out": ["00000"]}, "'00000' ist keine Stadt des Rings"),
        ({"findings.q": "viel"}, "'q' hat den unzulässigen Wert 'viel' (erwartet wird eine Zahl)"),
    ],
)
def test_a_wrong_value_names_axis_and_alternative(one: Ring, alternative: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError) as caught:
        tiny.space(one, axis("trial", alternative))
    assert caught.value.sentence() == f"Achse 'trial', Alternative 'a1': {what}; bitte in der Datei der Rechenwege berichtigen."


def test_alternatives_that_cannot_stand_together_are_named(one: Ring) -> None:
    over = tiny.space(
        one, axis("clusters", {"peers.algorithms": ["ward"]}), axis("weights", {"peers.algorithm_weight": {"kmeans": 2.0}})
    )
    with pytest.raises(
        UsageError, match=r"Rechenweg mit clusters = a1, weights = a1: 'algorithm_weight' nennt .*\[\[exclude\]\]"
    ):
        over.choices([1, 1])


def test_definitions_that_do_not_exist_are_refused(one: Ring) -> None:
    for more in (
        {"definitions": {"kind": "equivalent", "special": {"E3.nothing": {"weight": 2.0}}}},
        {"exclude": [{"where": {"definition": "E3.nothing"}, "reason_de": "x"}]},
    ):
        with pytest.raises(UsageError, match="nothing"):
            tiny.space(one, LAND, **more)


# --- what is excluded


def test_choices_that_may_not_stand_together(one: Ring) -> None:
    whole, over = tiny.space(one, PEERS, LAND), tiny.space(one, PEERS, LAND, **MORE)
    assert rows(whole) - rows(over) == {(1, 1, 0), (1, 1, 1)}
    assert over.excluded == (("nicht zusammen", 2),)
    assert over.possible == whole.possible == 12


def test_a_definition_is_excluded_for_its_indicator_alone(one: Ring) -> None:
    rule = {"where": {"definition": "E3.residents_15_20", "land": "a1"}, "reason_de": "fehlt"}
    over = tiny.space(one, PEERS, LAND, exclude=[rule])
    assert len(over.rows("R1")) == 12 and len(over.rows("E3")) == 9
    assert all(not (over.slot[row] == 1 and over.combos[row, 1] == 1) for row in over.rows("E3"))
    assert over.excluded == (("fehlt", 3),)


@pytest.mark.parametrize(("before", "excluded"), [(None, True), (2021, True), (2020, False), (2015, False)])
def test_a_denominator_only_from_a_year_on(one: Ring, before: int | None, excluded: bool) -> None:
    rule = {"where": {"definition": "E3.residents_15_20"}, "reason_de": "erst ab da"}
    over = tiny.space(one, LAND, exclude=[rule | ({} if before is None else {"first_year_before": before})])
    assert (len(over.rows("E3")) == 2) == excluded
    assert len(over.rows("R1")) == 4


def test_a_rule_about_an_alternative_that_is_not_there_strikes_out_nothing(one: Ring) -> None:
    same = axis("land", {"change.land": True})
    rule = {"where": {"peers": "a1", "land": "a1"}, "reason_de": "x"}
    assert rows(tiny.space(one, PEERS, same, exclude=[rule])) == rows(tiny.space(one, PEERS))


@pytest.mark.parametrize("more", [{}, {"land": "main"}])
def test_the_own_universe_cannot_be_excluded(one: Ring, more: dict[str, str]) -> None:
    own = {"where": {"definition": "E3.leavers"} | more, "reason_de": "x"}
    with pytest.raises(UsageError, match="der Rechenweg des Rings selbst wird ausgeschlossen"):
        tiny.space(one, LAND, exclude=[own])
    assert len(tiny.space(one, LAND, exclude=[own | {"first_year_before": 2020}]).rows("E3")) == 4


# --- designs


def test_a_full_design_may_be_too_large(one: Ring) -> None:
    with pytest.raises(UsageError, match="alle Kombinationen sind 36 Rechenwege, mehr als 'most' = 35"):
        tiny.space(one, PEERS, LAND, STEP, most=35)
    assert len(tiny.space(one, PEERS, LAND, STEP, most=36).combos) == 36


designs = st.sampled_from(["random", "stratified"])


@many(max_examples=25, deadline=None)
@given(designs, st.integers(2, 250), st.integers(0, 99), st.booleans())
def test_samples(design: str, size: int, seed: int, excluding: bool) -> None:
    one, more = ring(), MORE if excluding else {}
    axes = (PEERS, LAND, SIZE, STEP, ERROR)
    over = tiny.space(one, *axes, design=design, size=size, seed=seed, **more)
    whole = rows(tiny.space(one, *axes, **more))
    taken = rows(over)
    assert len(taken) == len(over.combos)  # without repetition
    assert taken <= whole
    assert not over.combos[0].any() and over.slot[0] == 0
    model = {place for place, one_axis in enumerate(over.axes) if one_axis.sort == "model"}
    always = {row for row in whole if sum(level > 0 for level in row) <= 1}
    always |= {row for row in whole if {place for place, level in enumerate(row) if level} <= model}
    assert always <= taken
    assert len(taken) == min(max(size, len(always)), len(whole))
    again = tiny.space(one, *axes, design=design, size=size, seed=seed, **more)
    np.testing.assert_array_equal(over.combos, again.combos)
    assert over.digest == again.digest


def test_another_seed_is_another_sample(one: Ring) -> None:
    first, second = (tiny.space(one, PEERS, LAND, SIZE, STEP, ERROR, design="random", size=60, seed=seed) for seed in (1, 2))
    assert rows(first) != rows(second) and first.digest != second.digest


def test_stratified_columns_are_balanced(one: Ring) -> None:
    names, values = ("rho_times", "rho_level_times", "base_jump", "base_jump_times", "absolute_from"), (2, 3, 5)
    many_levels = [axis(f"axis{i}", *({f"findings.{name}": value} for value in values)) for i, name in enumerate(names)]
    apart = {}
    for design in ("stratified", "random"):
        samples = [tiny.space(one, *many_levels, design=design, size=57, seed=seed).combos for seed in range(10)]
        # beyond the own and its 16 neighbours, 40 points: ten times each alternative
        apart[design] = np.mean([np.ptp(np.bincount(column, minlength=4)) for sample in samples for column in sample[17:].T])
    assert apart["stratified"] < 1 < 4 < apart["random"]


# --- the name of a space

SPACE: dict[str, Any] = {"main_weight": 1.0, "weight": 1.0, "value": 0.25, "kind": "equivalent", "q": 0.3, "excluding": False,
                         "vary": True, "size": 40, "seed": 1, "definition_weight": 1.0}  # fmt: skip
CHANGED: dict[str, Any] = {"main_weight": 2.0, "weight": 0.5, "value": 0.2, "kind": "uncertain", "q": 0.2, "excluding": True,
                           "vary": False, "size": 45, "seed": 2, "definition_weight": 0.5}  # fmt: skip


def named(*, wording: str = "", cities: int = 9, **changes: Any) -> str:
    """Digest of a space with these things changed."""
    one = SPACE | changes
    size = axis("size", {"change.priors.sd_change_median": one["value"]}) | {"main_weight": one["main_weight"]}
    size["alternative"] = [size["alternative"][0] | {"weight": one["weight"], "kind": one["kind"]}]
    size["name_de"] += wording
    base = replace(BASE, findings=FindingSettings.model_validate(BASE.findings.model_dump() | {"q": one["q"]}))
    definitions = {"kind": "equivalent", "vary": one["vary"], "weight": one["definition_weight"]}
    more = MORE if one["excluding"] else {}
    return tiny.space(
        ring(cities), PEERS, LAND, STEP, size, base=base, design="random", size=one["size"], seed=one["seed"],
        definitions=definitions, **more,
    ).digest  # fmt: skip


@many(max_examples=25, deadline=None)
@given(st.sets(st.sampled_from(sorted(SPACE))), st.sets(st.sampled_from(sorted(SPACE))))
def test_the_digest_changes_with_what_decides(first: set[str], second: set[str]) -> None:
    digests = [named(**{name: CHANGED[name] for name in names}) for names in (first, second)]
    assert (digests[0] == digests[1]) == (first == second)


def test_the_digest_does_not_change_with_words_or_counts() -> None:
    assert named() == named(wording=" (anders gesagt)") == named(cities=8)
