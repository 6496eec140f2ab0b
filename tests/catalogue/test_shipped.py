"""What the shipped catalogue promises."""

from __future__ import annotations

import math
import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from integstat.catalogue import Catalogue
from integstat.catalogue.schema import BreakEntry, CountEntry, DefinitionEntry, FieldEntry, IndicatorEntry

# indicator: field, polarity, confidence, two groups compared (G) or one
EXPECTED = {
    "B1": ("basis", "none", "h", 1),
    "B2": ("basis", "none", "h", 1),
    "B3": ("basis", "none", "h", 1),
    "B4": ("basis", "none", "m", 1),
    "R1": ("legal_integration", "+", "h", 1),
    "R2": ("legal_integration", "+", "h", 1),
    "R3": ("legal_integration", "-", "m", 1),
    "K1": ("education", "+", "h", 2),
    "K2": ("education", "+", "h", 2),
    "K3": ("education", "none", "h", 1),
    "S1": ("language", "-", "h", 2),
    "S2": ("language", "+", "m", 1),
    "S3": ("language", "+", "m", 1),
    "E1": ("education", "+", "h", 2),
    "E2": ("education", "+", "h", 2),
    "E3": ("education", "-", "h", 2),
    "E4": ("education", "+", "h", 2),
    "E5": ("education", "+", "m", 2),
    "E6": ("education", "-", "m", 2),
    "A1": ("work", "+", "h", 2),
    "A2": ("work", "-", "h", 2),
    "A3": ("work", "-", "m", 2),
    "A4": ("work", "-", "m", 2),
    "A5": ("work", "-", "m", 2),
    "A6": ("work", "none", "l", 2),
    "X1": ("work", "none", "m", 2),
    "L1": ("social_security", "-", "h", 2),
    "L2": ("social_security", "-", "h", 2),
    "L3": ("social_security", "-", "m", 2),
    "L4": ("social_security", "-", "m", 2),
    "L5": ("social_security", "-", "l", 2),
    "W1": ("housing", "+", "m", 2),
    "W2": ("housing", "+", "m", 2),
    "W3": ("housing", "-", "m", 1),
    "G1": ("health", "+", "h", 2),
    "G2": ("health", "-", "m", 2),
    "P1": ("participation", "+", "m", 1),
    "P2": ("participation", "+", "m", 1),
    "P3": ("participation", "none", "l", 1),
    "P4": ("social_integration", "none", "l", 1),
    "OE1": ("intercultural_opening", "+", "h", 1),
    "OE2": ("intercultural_opening", "+", "h", 1),
    "OE3": ("intercultural_opening", "+", "m", 1),
    "D1": ("anti_discrimination", "none", "m", 1),
    "D2": ("anti_discrimination", "+", "m", 1),
    "D3": ("anti_discrimination", "-", "m", 2),
    "D4": ("anti_discrimination", "-", "m", 1),
    "Z1": ("security", "none", "l", 2),
}
NO_FINDING = {"B1", "B2", "B3", "B4", "K3", "A6", "X1", "W1", "W2", "W3", "P1", "P2", "P3", "P4", "D1", "D2", "Z1"}


def test_every_indicator_is_there(shipped: Catalogue) -> None:
    found = {one.id: (one.field, one.polarity, one.confidence, len(one.groups)) for one in shipped.indicators.values()}
    assert found == EXPECTED
    assert {one.field for one in shipped.indicators.values()} == set(shipped.fields)


def test_who_may_carry_a_finding(shipped: Catalogue) -> None:
    assert {one.id for one in shipped.indicators.values() if not one.finding_allowed} == NO_FINDING
    for definition in shipped.definition_ids:
        indicator, _ = shipped.definition(definition)
        if indicator.role != "outcome" or indicator.polarity == "none":
            assert not shipped.finding_allowed(definition)
        if shipped.finding_allowed(definition):
            assert shipped.polarity(definition) in (-1, 1)
    assert {one.id for one in shipped.indicators.values() if one.role == "election"} == {"P1", "P2"}
    assert {one.id for one in shipped.indicators.values() if one.role == "four_yearly"} == {"W1", "W2"}


def test_naturalisation_has_its_five_denominators(shipped: Catalogue) -> None:
    indicator = shipped.indicator("R1")
    assert (indicator.kind, indicator.groups, indicator.main_definition) == ("rate", ("target",), "eight_years_previous")
    found = {one.id: (one.denominator, one.denominator_lag) for one in indicator.definition}
    assert found == {
        "all_same_year": ("foreigners_azr", 0),
        "all_previous_year": ("foreigners_azr", 1),
        "eight_years_same": ("foreigners_stay_8_plus", 0),
        "eight_years_previous": ("foreigners_stay_8_plus", 1),
        "ten_years_previous": ("foreigners_stay_10_plus", 1),
    }


def test_leavers_and_unemployment_in_their_definitions(shipped: Catalogue) -> None:
    leavers = {one.id: one for one in shipped.indicator("E3").definition}
    assert {"leavers", "leavers_without_special", "residents_15_20"} <= set(leavers)
    assert leavers["leavers"].numerator != leavers["leavers_without_special"].numerator
    fixed = leavers["residents_15_20"]
    assert (fixed.denominator_year, fixed.age_from, fixed.age_below, fixed.may_exceed_one) == (2020, 15, 20, False)
    assert shipped.kind("E3.residents_15_20") == "share"
    unemployed = {one.id for one in shipped.indicator("A2").definition}
    assert {"rate", "share_15_64", "restricted_base"} <= unemployed
    assert shipped.kind("A2.restricted_base") == "mean_of_months"
    assert shipped.kind("A2.share_15_64_december") == "share"
    assert shipped.main_definition("A5") == "A5.all_employees"
    assert {one.id for one in shipped.indicator("X1").definition} == {"cleaning", "logistics", "medicine"}
    assert shipped.polarity("E5.residence") == 1
    assert shipped.polarity("E5.transition_system") == -1


def test_day_care_by_place_is_a_rate(shipped: Catalogue) -> None:
    for indicator in ("K1", "K2"):
        _, place = shipped.definition(f"{indicator}.place_of_care")
        assert place.may_exceed_one
        assert place.concept_mismatch
        assert shipped.kind(f"{indicator}.place_of_care") == "rate"
        assert shipped.kind(f"{indicator}.residence") == "share"
    assert shipped.definition("K2.residence_three_to_five_and_half")[1].age_below == 5.5


def test_annual_means_and_surveys_are_named_as_such(shipped: Catalogue) -> None:
    for definition in shipped.definition_ids:
        _, entry = shipped.definition(definition)
        assert (entry.reference_date == "annual_mean") == (shipped.kind(definition) == "mean_of_months"), definition
        if entry.source == "mikrozensus" and definition != "W1.census":
            assert shipped.kind(definition) == "survey", definition


def test_only_surveys_of_residents_have_a_design_effect(shipped: Catalogue) -> None:
    for definition in shipped.definition_ids:
        _, entry = shipped.definition(definition)
        of_residents = shipped.kind(definition) == "survey" and entry.place == "residence"
        assert entry.design_effect == (1.5 if of_residents else 1.0), definition


def test_stocks_overlap_by_half_and_flows_do_not(shipped: Catalogue) -> None:
    for one in shipped.indicators.values():
        assert one.overlap == (0.5 if one.stock else 0.0), one.id
    stocks = {one.id for one in shipped.indicators.values() if one.stock}
    assert {"A1", "A2", "A5", "L1", "L2", "R2"} <= stocks
    assert not {"R1", "E1", "E2", "E3", "E4", "S1", "S2", "S3", "G1", "G2", "OE2", "OE3", "P4", "D1", "D4", "Z1"} & stocks


def test_surveys_and_the_cases_of_a_year_do_not_overlap(shipped: Catalogue) -> None:
    for definition in shipped.definition_ids:
        indicator, entry = shipped.definition(definition)
        found = shipped.overlap(definition, (2020, 2021))
        if shipped.kind(definition) == "survey" or entry.reference_date in ("year", "school_year", "school_entry", "survey"):
            assert found == 0.0, definition
        elif definition != "B4.below_1_year":
            assert found == (0.5 if indicator.stock else 0.0), definition
    assert shipped.overlap("B4.below_1_year", (2020, 2021)) == 0.0


def test_nobody_is_in_a_narrow_age_band_for_long(shipped: Catalogue) -> None:
    assert shipped.overlap("K1.residence", (2020, 2021)) == 0.5  # two of three years of birth can be in both
    assert shipped.overlap("K1.residence", (2020, 2022)) == pytest.approx(1 / 3)
    assert shipped.overlap("K1.residence", (2020, 2021, 2023)) == 0.0
    assert shipped.overlap("A2.share_15_64", (2010, 2021)) == 0.5


def test_a_ring_may_give_an_overlap_for_its_stocks(shipped: Catalogue) -> None:
    assert shipped.overlap("A2.share_15_64", (2020, 2021), 0.7) == 0.7
    assert shipped.overlap("A2.share_15_64", (2020, 2021), 0.0) == 0.0
    assert shipped.overlap("K1.residence", (2020, 2021), 0.9) == pytest.approx(2 / 3)
    for flow in ("R1.eight_years_previous", "B1.census_broad", "E5.transition_system", "B4.below_1_year"):
        assert shipped.overlap(flow, (2020, 2021), 0.7) == 0.0


def test_rounding_belongs_to_the_source_and_the_year(shipped: Catalogue) -> None:
    for definition in shipped.definition_ids:
        _, entry = shipped.definition(definition)
        found = entry.rounding(2019), entry.rounding(2020)
        assert found == {"azr": (5, 5), "stla": (1, 5)}.get(entry.source, (1, 1)), definition
        assert entry.rounded_parts == 1


def test_composition_risk_wherever_the_group_is_foreigners(shipped: Catalogue) -> None:
    for one in shipped.indicators.values():
        main = next(definition for definition in one.definition if definition.id == one.main_definition)
        if one.finding_allowed and main.group_concept == "nationality":
            assert one.composition_risk, one.id


def test_everything_is_a_proposal(shipped: Catalogue) -> None:
    for one in shipped.indicators.values():
        assert one.rho_status == "proposal"
        assert one.rho == pytest.approx(math.log(1.10))
        assert one.rho_level == pytest.approx(math.log(1.20))
        assert not any(definition.verified_against_report for definition in one.definition)


def test_every_count_is_used_and_names_are_told_apart(shipped: Catalogue) -> None:
    used = {
        part for one in shipped.indicators.values() for entry in one.definition for part in (entry.numerator, entry.denominator)
    }
    assert used == set(shipped.counts)
    for names in ([one.name_de for one in shipped.indicators.values()], [one.name_de for one in shipped.counts.values()]):
        assert len(names) == len(set(names))
    for one in shipped.indicators.values():
        assert len({entry.name_de for entry in one.definition}) == len(one.definition), one.id


def test_typed_parts_tell_the_definitions_apart(shipped: Catalogue) -> None:
    for one in shipped.indicators.values():
        parts = [entry.model_dump(exclude={"id", "name_de", "name_en", "coverage_note"}) for entry in one.definition]
        for position, part in enumerate(parts):
            assert part not in parts[:position], f"{one.id}.{one.definition[position].id}"


def test_school_break_in_lower_saxony_caps_shares_of_leavers_only(shipped: Catalogue) -> None:
    def caps(definition: str, land: str, *years: int) -> list[str]:
        return [one.id for one in shipped.breaks_for(definition, land, years) if one.effect == "cap"]

    touched = {one for one in shipped.definition_ids if caps(one, "03", 2020, 2021) == ["g9_lower_saxony_2020"]}
    leavers = {f"E3.{one.id}" for one in shipped.indicator("E3").definition if one.denominator.startswith("leavers")}
    assert touched == leavers | {f"E4.{one.id}" for one in shipped.indicator("E4").definition}
    assert "E3.residents_15_20" not in touched
    assert caps("E3.leavers", "03", 2019, 2020)
    assert not caps("E3.leavers", "03", 2018, 2019)
    assert not caps("E3.leavers", "05", 2020, 2021)
    assert not caps("E3.leavers", "91", 2020, 2021)


@pytest.mark.parametrize(
    ("years", "capped"), [((2020, 2021), True), ((2019, 2020), True), ((2019, 2021), True), ((2021, 2022), False)]
)
def test_no_change_rests_on_the_mikrozensus_of_2020(shipped: Catalogue, years: tuple[int, int], capped: bool) -> None:
    checked = 0
    for definition in shipped.definition_ids:
        _, entry = shipped.definition(definition)
        caps = [one for one in shipped.breaks_for(definition, "05", years) if one.effect == "cap"]
        assert bool(caps) == (capped and entry.source == "mikrozensus"), definition
        checked += entry.source == "mikrozensus"
    assert checked >= 8


def test_notes_of_brexit_and_covid(shipped: Catalogue) -> None:
    def notes(definition: str) -> set[str]:
        return {one.id for one in shipped.breaks_for(definition, "05", (2020, 2021)) if one.effect == "note"}

    assert {"brexit_naturalisations_2020", "covid_offices"} == notes("R1.eight_years_previous")
    assert "covid_school_entry" in notes("S1.examined")
    assert "covid_school_entry" in notes("K2.three_years_attended")
    assert "covid_day_care" in notes("K1.residence")
    assert not notes("A2.restricted_base")
    assert {one.id for one in shipped.breaks_for("L2.all_benefits", "11", (2019, 2020))} >= {"asylum_benefits_2020"}


def test_sentences_are_sentences(shipped: Catalogue) -> None:
    sentences = [one.composition_note_de for one in shipped.indicators.values()] + [one.reason_de for one in shipped.breaks]
    sentences += [one.reason_en for one in shipped.breaks]
    sentences += [entry.coverage_note for one in shipped.indicators.values() for entry in one.definition]
    for sentence in filter(None, sentences):
        assert sentence[0].isupper()
        assert sentence.endswith(".")


def test_files_are_named_after_their_field() -> None:
    folder = resources.files("integstat.catalogue") / "fields"
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 13
    for name in names:
        field = tomllib.loads((folder / name).read_text(encoding="utf-8"))["field"]["id"]
        assert re.fullmatch(rf"\d\d_{field}\.toml", name)


def test_every_key_is_explained() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/catalogue.md").read_text(encoding="utf-8")
    for entry in (FieldEntry, CountEntry, DefinitionEntry, IndicatorEntry, BreakEntry):
        for key in entry.model_fields:
            assert f"`{key}`" in page, f"{entry.__name__}.{key}"
