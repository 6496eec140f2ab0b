"""The two shipped configs on the real data, where it is there; figures are held against what is published about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from integstat.catalogue.load import load_catalogue
from integstat.config import RingConfig
from integstat.intake.take_in import Delivery, take_in
from integstat.tomlfile import load_model

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real data lie in ../shared/data, which is not here")


def settings(name: str) -> tuple[RingConfig, Path]:
    path = ROOT / "configs" / "rings" / f"{name}.toml"
    return load_model(path, RingConfig), path


@pytest.fixture(scope="module")
def employment() -> Delivery:
    return take_in(*settings("employment67"), load_catalogue())


@pytest.fixture(scope="module")
def lower_saxony() -> Delivery:
    return take_in(*settings("lower_saxony"), load_catalogue())


def said(delivery: Delivery, file: str, severity: str = "hint") -> list[str]:
    return [problem.what for problem in delivery.problems if problem.severity == severity and problem.file.endswith(file)]


def test_employment_has_67_cities_and_no_errors(employment: Delivery) -> None:
    assert [problem for problem in employment.problems if problem.severity == "error"] == []
    assert len(employment.panel.cities) == 67
    assert employment.panel.definitions == ["A2.restricted_base", "A5.all_employees", "X1.cleaning"]
    assert len(employment.panel.counts) == 3 * 67 * 2 * 2
    assert employment.panel.counts[["y", "n"]].notna().all(axis=None)
    assert any("4 Gebiete bleiben außen vor" in what and "03241 Region Hannover" in what for what in said(employment, ".csv"))
    assert any("sum of published BA cells" in what for what in said(employment, "indicators_2019_2021.csv"))


def test_employment_context_is_of_the_first_year_and_complete(employment: Delivery) -> None:
    assert employment.context is not None
    assert employment.context.year == 2020
    assert employment.context.features.shape == (67, 12)
    assert employment.context.features.notna().all(axis=None)
    assert employment.context.features["students_per_100"].max() > 100  # per 100 residents of 18 to 24, not of all ages


def test_a_difference_is_stated_in_the_notes(employment: Delivery) -> None:
    cleaning = employment.panel.select("X1.cleaning").query("group == 'reference'")
    assert cleaning["note"].str.contains("vereinbarte Ableitung: cleaning_total - cleaning_foreigners", regex=False).all()


def test_a_numerator_made_of_a_rate_is_refused() -> None:
    config, path = settings("employment67")
    picked = {"source": "indicators", "where": {"indicator": "minimum_income_benefits", "group": "total"}}
    content = config.model_dump(exclude_unset=True)
    content["series"] = [
        *content["series"],
        picked | {"id": "benefits", "value": "numerator", "kind": "numerator_kind"},
        picked | {"id": "everybody", "value": "denominator", "kind": "denominator_kind"},
    ]
    delivery = {"definition": "L2.all_benefits", "group": "target", "numerator": "benefits", "denominator": "everybody"}
    for allowed in ((), ("benefits",)):
        content["delivery"] = [delivery | {"allow_derived": allowed}]
        content["ring"]["main"] = {}
        found = take_in(RingConfig.model_validate(content), path, load_catalogue())
        refused = [problem.what for problem in found.problems if problem.severity == "error"]
        assert len(refused) == (0 if allowed else 1)
        assert all(
            "ist aus einer Quote zurückgerechnet (die Quelle sagt: 'derived: rate x denominator, rounded')" in what
            for what in refused
        )
        assert len(found.panel.counts) == (134 if allowed else 0)


def test_lower_saxony_has_35_kreise_and_no_errors(lower_saxony: Delivery) -> None:
    assert [problem for problem in lower_saxony.problems if problem.severity == "error"] == []
    cities = lower_saxony.panel.cities
    assert len(cities) == 35
    assert set(cities["land_name"]) == {"Niedersachsen"}
    assert "03241" in set(cities["city"])
    assert not cities["city"].str.startswith("03241").sum() > 1
    assert set(lower_saxony.panel.definitions) == {
        "R1.eight_years_previous",
        "R1.all_previous_year",
        "R1.all_same_year",
        "E3.leavers",
        "E3.residents_15_20",
        "E2.grade_8",
        "L2.all_benefits",
    }


def test_lower_saxony_reports_what_it_passed_over(lower_saxony: Delivery) -> None:
    assert any("'#NV' ist eine zerbrochene Formel" in what and "Osterode" in what for what in said(lower_saxony, "6-2-1.csv"))
    for name in ("1-2-3", "1-2-6", "2-3-1", "4-1-1"):
        assert any("Gebietsschlüssel ist leer" in what and "Niedersachsen" in what for what in said(lower_saxony, f"{name}.csv"))
    assert any("03241001, 03241999 sind Teile von 03241" in what for what in said(lower_saxony, "1-1-1.csv"))
    assert any("Land oder statistische Region" in what and "K034" in what for what in said(lower_saxony, "1-1-1.csv"))
    assert any("auf 5 gerundet" in what for what in said(lower_saxony, "1-2-1.csv"))


def test_the_base_of_leavers_follows_from_count_and_rate_except_where_the_rate_is_rounded(lower_saxony: Delivery) -> None:
    leavers = lower_saxony.panel.select("E3.leavers")
    gap = leavers[leavers["n"].isna()]
    assert gap[["city", "group", "year"]].to_numpy().tolist() == [["03451", "reference", 2020]]
    assert any("779,66" in what for what in said(lower_saxony, "4-1-4.csv", "doubt"))
    whole = leavers["n"].dropna()
    assert (whole == whole.round()).all()


def test_a_rate_of_whole_per_mille_gives_no_base() -> None:
    config, path = settings("lower_saxony")
    content = config.model_dump(exclude_unset=True)
    rate = {"id": "rate", "source": "minimum_income", "measure": "rate", "where": {"Nationalität": "Deutsche", "Units": "Quote"}}
    content["series"] = [*content["series"], rate]
    content["delivery"] = [
        {
            "definition": "L2.all_benefits",
            "group": "target",
            "numerator": "benefits_germans",
            "denominator": "benefits_germans / rate * 1000",
        }
    ]
    content["ring"]["main"] = {}
    content["source"] = [source for source in content["source"] if source["id"] in ("population", "minimum_income")]
    content["series"] = [one for one in content["series"] if one["source"] in ("population", "minimum_income")]
    del content["context"], content["peers"]
    found = take_in(RingConfig.model_validate(content), path, load_catalogue())
    (refused, *_) = [problem.what for problem in found.problems if problem.severity == "error"]
    assert "die Quote ist zu grob gerundet" in refused


def test_previous_and_same_year_end_are_shifted_by_one(lower_saxony: Delivery) -> None:
    same = lower_saxony.panel.select("R1.all_same_year").set_index(["city", "year"])["n"].unstack()
    previous = lower_saxony.panel.select("R1.all_previous_year").set_index(["city", "year"])["n"].unstack()
    assert (same[2020] == previous[2021]).all()
    assert (same[2020] != previous[2020]).any()


def test_residents_15_to_20_are_the_same_in_both_years_and_hold_the_leavers(lower_saxony: Delivery) -> None:
    base = lower_saxony.panel.select("E3.residents_15_20").set_index(["city", "group", "year"])["n"].unstack()
    assert (base[2020] == base[2021]).all()
    leavers = lower_saxony.panel.select("E3.residents_15_20").set_index(["city", "group", "year"])["y"].unstack()
    assert (leavers < base / 4).all(axis=None)


def test_lower_saxony_context(lower_saxony: Delivery) -> None:
    assert lower_saxony.context is not None
    features = lower_saxony.context.features
    assert features.notna().all(axis=None)
    assert features.loc["03241", "pop"] > 1_000_000
    assert features["share_65plus"].between(12, 35).all()
