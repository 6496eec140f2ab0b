"""Counts that follow from others: an attacker who tries every combination of figures must not find them."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.disclosure.cells import apart, catalogue, many, one_year, sums
from tests.panel.cells import YEARS
from tests.panel.cells import panel as panel_of

from integstat.catalogue import load_catalogue
from integstat.config import RingConfig
from integstat.disclosure.attack import reach, values_left
from integstat.disclosure.forms import Forms, forms_of
from integstat.disclosure.protect import Protected, protect
from integstat.disclosure.settings import DisclosureSettings
from integstat.panel import Panel
from integstat.tomlfile import load_model

ROOT = Path(__file__).parents[2]
WHOLE = {"T": {"a": 1.0, "b": 1.0}, "A": {"a": 1.0}, "B": {"b": 1.0}}
CONCEPTS = {"A": {"a": 1.0}, "C": {"t": 1.0, "a": -1.0}, "B": {"b": 1.0}, "D": {"t": 1.0, "b": -1.0}}
MOST = 14  # largest figure the attacker of these tests tries


def brute(kept: Protected, forms: Forms, atoms: list[str], most: int = MOST) -> dict[str, set[float]]:
    """Values that each numerator can have: every combination of figures that agrees with all that is told."""
    held = {str(row.definition): (float(row.low), float(row.high)) for row in kept.held.itertuples()}
    counts = kept.panel.counts
    exact = dict(zip(counts["definition"], counts["y"].astype(float), strict=True))
    grid = np.array(list(product(range(most + 1), repeat=len(atoms))), dtype=float)
    fits, values = np.ones(len(grid), dtype=bool), {}
    for name, y in exact.items():
        terms = forms[name, "target", YEARS[0], "numerator"].terms
        values[name] = sum((grid[:, atoms.index(str(atom[0]))] * factor for atom, factor in terms.items()), np.zeros(len(grid)))
        low, high = held.get(name, (y, y))
        fits &= (values[name] >= low) & (values[name] <= high)
    return {name: set(found[fits].tolist()) for name, found in values.items()}


def kept_of(numerators: dict[str, float | str], forms: Forms, main: tuple[str, ...] = (), threshold: int = 3) -> Protected:
    """Protect one city with these numerators."""
    return protect(one_year(numerators), catalogue(*numerators), DisclosureSettings(threshold=threshold), forms, main)  # type: ignore[arg-type]


def signs(kept: Protected) -> dict[str, str]:
    """Sign of the numerator by definition."""
    return dict(zip(kept.panel.counts["indicator"], kept.panel.counts["y_code"], strict=True))


def test_a_part_does_not_follow_from_the_whole_and_the_other_part() -> None:
    numerators = {"T": 13.0, "A": 12.0, "B": 1.0}
    careless = kept_of(numerators, apart(*numerators))
    assert brute(careless, sums(WHOLE), ["a", "b"])["B.main"] == {1.0}  # the attack works where sums are not known of
    kept = kept_of(numerators, sums(WHOLE))
    assert signs(kept) == {"T": "value", "A": "secret", "B": "below_3"}
    assert brute(kept, sums(WHOLE), ["a", "b"])["B.main"] == {0.0, 1.0, 2.0}
    assert dict(zip(kept.held["definition"], kept.held["reason"], strict=True)) == {"A.main": "linked", "B.main": "small"}


def looks(
    parts: dict[str, dict[str, float]],
    figures: list[dict[str, int]],
    threshold: int,
    main: tuple[str, ...] = (),
    forms: Forms | None = None,
) -> dict[tuple[object, ...], list[dict[str, float]]]:
    """Deliveries (numerators and figures) that look the same once protected, by look: one city for each set of figures."""
    delivered = [
        {name: sum(factor * one[atom] for atom, factor in terms.items()) for name, terms in parts.items()} for one in figures
    ]
    chosen = DisclosureSettings(threshold=threshold)
    kept = protect(many(delivered), catalogue(*parts), chosen, forms or sums(parts), main)  # type: ignore[arg-type]
    told = kept.panel.counts.assign(y=kept.panel.counts["y"].fillna(-1.0))[["city", "indicator", "y", "y_code"]]
    look = {city: tuple(rows.sort_values("indicator").to_numpy()[:, 1:].ravel()) for city, rows in told.groupby("city")}
    groups: dict[tuple[object, ...], list[dict[str, float]]] = {}
    for city, numerators, one in zip(kept.panel.cities["city"], delivered, figures, strict=True):
        groups.setdefault(look[city], []).append(numerators | one)
    return groups


def given_away(
    groups: dict[tuple[object, ...], list[dict[str, float]]], threshold: int, most: int
) -> list[tuple[str, list[float]]]:
    """Confidential counts with too few values among all deliveries that look the same; cut groups may have more outside."""
    found = []
    for group in groups.values():
        uncut = max(max(one.values()) for one in group) < most
        for name in filter(str.isupper, group[0] if uncut else ()):
            values = sorted({one[name] for one in group})
            if values[0] < threshold and len(values) < threshold:
                found.append((name, values))
    return found


@pytest.mark.parametrize(("threshold", "most", "main"), [(3, 6, ()), (3, 6, ("B.main",)), (5, 9, ())])
def test_who_knows_the_rules_finds_no_part_by_trying_every_delivery(threshold: int, most: int, main: tuple[str, ...]) -> None:
    """The attack of the software is not asked here: only what is told of every possible delivery."""
    figures = [{"a": a, "b": b} for a, b in product(range(most + 1), repeat=2) if a + b <= most]
    assert given_away(looks(WHOLE, figures, threshold, main), threshold, most) == []
    assert given_away(looks(WHOLE, figures, threshold, main, apart(*WHOLE)), threshold, most) != []


@pytest.mark.slow
@pytest.mark.parametrize(("parts", "threshold", "most"), [(CONCEPTS, 3, 8), (CONCEPTS, 4, 9)])
def test_who_knows_the_rules_finds_no_count_of_two_concepts(
    parts: dict[str, dict[str, float]], threshold: int, most: int
) -> None:
    figures = [{"t": t, "a": a, "b": b} for t, a, b in product(range(most + 1), repeat=3) if max(a, b) <= t]
    assert given_away(looks(parts, figures, threshold), threshold, most) == []


def test_a_small_total_is_veiled_with_its_parts() -> None:
    """3 = 0 + 3: that the part of 3 is not below 3 would tell the other."""
    for numerators in ({"T": 3.0, "A": 0.0, "B": 3.0}, {"T": 4.0, "A": 1.0, "B": 3.0}, {"T": 3.0, "A": 2.0, "B": 1.0}):
        kept = kept_of(numerators, sums(WHOLE))
        assert signs(kept) == dict.fromkeys("TAB", "secret")
        assert kept.held[["low", "high"]].to_numpy().tolist() == [[0, 1000]] * 3


def test_main_definitions_are_spared_where_others_do_as_well() -> None:
    kept = kept_of({"T": 13.0, "A": 12.0, "B": 1.0}, sums(WHOLE), main=("A.main",))
    assert signs(kept) == {"T": "secret", "A": "value", "B": "below_3"}


def test_a_count_delivered_as_secret_does_not_follow_from_others() -> None:
    kept = kept_of({"T": 13.0, "A": 6.0, "B": "secret"}, sums(WHOLE))
    assert signs(kept) == {"T": "value", "A": "secret", "B": "secret"}
    assert len(brute(kept, sums(WHOLE), ["a", "b"])["B.main"]) >= 3


def test_nearly_all_of_a_base_does_not_follow_from_the_same_count_on_another_base() -> None:
    same: dict[str, dict[str, float]] = {"A": {"a": 1.0}, "B": {"a": 1.0}}
    whole = one_year({"A": 399.0}, base=400.0)
    other = one_year({"B": 399.0})
    both = type(whole)(pd.concat([whole.counts, other.counts]), whole.cities)
    kept = protect(both, catalogue("A", "B"), DisclosureSettings(), sums(same))
    assert kept.panel.counts["y"].isna().all()
    assert dict(zip(kept.held["definition"], kept.held["reason"], strict=True)) == {"A.main": "small_rest", "B.main": "linked"}


def test_numbers_that_share_nothing_stay() -> None:
    kept = kept_of({"A": 1.0, "B": 40.0}, apart("A", "B"))
    assert signs(kept) == {"A": "below_3", "B": "value"}


def test_what_follows_from_bases_alone_is_told() -> None:
    forms = sums({"A": {"a": 1.0}})
    forms["A.main", "target", YEARS[0], "denominator"] = forms["A.main", "target", YEARS[0], "numerator"]
    kept = protect(one_year({"A": "secret"}), catalogue("A"), DisclosureSettings(), forms)
    assert kept.bare.to_dict("records") == [{"city": "00000", "definition": "A.main", "group": "target", "year": YEARS[0]}]


@settings(max_examples=8, deadline=None)
@given(
    figures=st.lists(st.integers(0, 6), min_size=3, max_size=3),
    made=st.lists(st.lists(st.sampled_from([0.0, 1.0]), min_size=3, max_size=3).filter(any), min_size=2, max_size=5),
)
def test_every_confidential_count_keeps_three_values_whatever_is_added_up(figures: list[int], made: list[list[float]]) -> None:
    names, atoms = [f"N{place}" for place in range(len(made))], ["a", "b", "c"]
    parts = {
        name: {atom: one for atom, one in zip(atoms, row, strict=True) if one} for name, row in zip(names, made, strict=True)
    }
    numerators = {name: float(np.dot(row, figures)) for name, row in zip(names, made, strict=True)}
    kept = kept_of(numerators, sums(parts))
    left = brute(kept, sums(parts), atoms)
    for row in kept.held[kept.held["reason"] != "linked"].itertuples():
        assert len(left[str(row.definition)]) >= 3
        assert numerators[str(row.definition).removesuffix(".main")] in left[str(row.definition)]
    assert kept.bare.empty  # bases are figures of their own here


def test_the_bounds_of_an_attack() -> None:
    matrix = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    low, high = np.array([10.0, 4.0, 0.0]), np.array([10.0, 7.0, np.inf])
    assert reach(matrix, low, high, 2) == pytest.approx((3, 6))
    assert reach(np.array([[1.0]]), np.zeros(1), np.array([np.inf]), 0) == (0, np.inf)
    assert np.isnan(reach(matrix, low, np.array([10.0, 7.0, 2.0]), 2)).all()
    assert values_left(matrix, low, high, 2, 9) == 4
    assert values_left(matrix, low, high, 2, 3) == 3
    assert values_left(matrix, low, np.array([10.0, 7.0, 2.0]), 2, 3) == 0


def test_values_between_the_bounds_may_be_impossible() -> None:
    pairs = np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])  # the sum of all three is even
    low, high = np.array([5.0, 4.0, 0.0]), np.array([5.0, 4.0, np.inf])
    assert reach(pairs, low, high, 2) == pytest.approx((1, 9))
    assert values_left(pairs, low, high, 2, 9) == 5  # 1, 3, 5, 7, 9


def config(name: str) -> RingConfig:
    """A shipped config, without its data."""
    return load_model(ROOT / "configs" / "rings" / f"{name}.toml", RingConfig)


def test_a_difference_of_series_is_known_to_be_one() -> None:
    forms = forms_of(config("employment67"), load_catalogue())
    whole = forms["X1.cleaning", "reference", 2021, "numerator"].terms
    part = forms["X1.cleaning", "target", 2021, "numerator"].terms
    assert sorted(whole.values()) == [-1.0, 1.0]
    assert all(whole[atom] == -factor for atom, factor in part.items())


def test_a_series_is_the_sum_of_the_rows_it_adds_up() -> None:
    forms = forms_of(config("lower_saxony"), load_catalogue())
    long, every, same = (forms[f"R1.{name}", "target", 2020, "denominator"].terms for name in
                         ("eight_years_previous", "all_previous_year", "all_same_year"))  # fmt: skip
    assert len(long) == 2
    assert [forms["E3.leavers", "target", 2020, part].reconstructed for part in ("numerator", "denominator")] == [False, True]
    assert {atom[-1] for atom in long} == {2019}
    assert not set(every) & set(same)
    assert forms["R1.all_same_year", "target", 2020, "numerator"] == forms["R1.all_previous_year", "target", 2020, "numerator"]


def test_workbooks_share_the_counts_that_the_catalogue_names() -> None:
    book = load_catalogue()
    forms = forms_of(config("employment67").model_copy(update={"delivery": ()}), book)
    for definition in book.definition_ids:
        indicator, entry = book.definition(definition)
        for other in indicator.definition:
            alike = ("numerator", "group_concept", "source", "reference_date", "place")  # ages are those of the base
            same = all(getattr(entry, name) == getattr(other, name) for name in alike)
            key = (f"{indicator.id}.{other.id}", "target", 2021, "numerator")
            assert (forms[definition, "target", 2021, "numerator"] == forms[key]) == same


def told_of_catalogue(*rows: tuple[str, str, float, float]) -> dict[tuple[str, str], float]:
    """Numerators still told of one city that delivers definitions of the shipped catalogue in a workbook."""
    book = load_catalogue()
    forms = forms_of(config("employment67").model_copy(update={"delivery": ()}), book)
    cities = panel_of([[(5, 50)]]).cities
    counts = pd.DataFrame(rows, columns=["definition", "group", "y", "n"]).assign(
        city=cities["city"][0], year=2021, y_code="value", n_code="value", note="", place=""
    )
    counts["indicator"] = counts["definition"].str.partition(".")[0]
    kept = protect(Panel(counts, cities), book, DisclosureSettings(), forms).panel.counts.dropna(subset="y")
    return {(str(row.definition), str(row.group)): float(row.y) for row in kept.itertuples()}


@pytest.mark.parametrize(
    "rows",
    [
        [("E4.leavers", "target", 59.0, 60.0), ("E4.residents_18_21", "target", 59.0, 900.0)],
        [("E4.leavers", "target", 4.0, 8.0), ("E4.residents_18_21", "target", 4.0, 900.0)],
        [("A4.share_of_unemployed", "target", 29.0, 30.0), ("A4.share_of_population", "target", 29.0, 5000.0)],
    ],
    ids=["nearly all", "small base", "means of months"],
)
def test_a_count_over_two_bases_is_told_over_neither(rows: list[tuple[str, str, float, float]]) -> None:
    assert told_of_catalogue(*rows) == {}


def test_the_same_children_divided_by_two_concepts_do_not_give_a_part_away() -> None:
    first = [("E1.grade_4", "target", 1.0, 40.0), ("E1.grade_4", "reference", 120.0, 300.0)]
    second = [("E1.migration_background", "target", 31.0, 120.0), ("E1.migration_background", "reference", 90.0, 220.0)]
    left = told_of_catalogue(*first, *second)
    assert len(left) == 2  # the small one, and one of the three that it would follow from
    assert told_of_catalogue(*first) == {("E1.grade_4", "reference"): 120.0}
