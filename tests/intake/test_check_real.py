"""Faults of real files, as their README lists them: each is told by a check, with its place."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from integstat.catalogue.load import load_catalogue
from integstat.config import RingConfig
from integstat.intake.check_files import check_files
from integstat.intake.problems import Problem
from integstat.intake.take_in import take_in
from integstat.tomlfile import load_model

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real data lie in ../shared/data, which is not here")

SAXONY = "lower_saxony/indicator_"


@cache
def of_file(name: str) -> list[Problem]:
    return check_files([DATA / f"{SAXONY}{name}.csv"], load_catalogue())


@pytest.mark.parametrize(
    ("file", "check", "severity", "place", "said"),
    [
        (
            "6-2-1",
            "region_passed",
            "hint",
            "ab Zeile 217",
            "'#NV' ist eine zerbrochene Formel: 24 Zeilen übergangen (#NV Osterode)",
        ),
        ("6-2-2", "region_passed", "hint", "ab Zeile 1769", "'#BEZUG!' ist eine zerbrochene Formel: 1 Zeile übergangen"),
        ("1-2-3", "region_passed", "hint", "ab Zeile 53", "der Gebietsschlüssel ist leer: 324 Zeilen übergangen (Niedersachsen)"),
        ("2-3-1", "region_passed", "hint", "ab Zeile 885", "der Gebietsschlüssel ist leer"),
        ("3-1-3", "region_passed", "hint", "ab Zeile 53", "der Gebietsschlüssel ist leer"),
        ("2-1-2", "region_passed", "hint", "ab Zeile 32", "RH030 Niedersachsen"),
        ("1-1-1", "region_passed", "hint", "ab Zeile 12", "K034"),
        ("1-1-1", "region_part", "hint", "Spalte GeoCode", "03241001, 03241999 sind Teile von 03241"),
        ("2-3-3", "region_names", "doubt", "Zeile 15, Spalte GeoCode", "03241999 (dav. Hannover, Lhst. / dav. Hannover, Umland)"),
        ("6-2-2", "region_names", "error", "Zeile 1665, Spalte GeoCode", "03102 (Salzgitter, Stadt / Braunschweig, Stadt)"),
    ],
)
def test_a_file_alone(file: str, check: str, severity: str, place: str, said: str) -> None:
    fitting = [problem for problem in of_file(file) if problem.check == check and said in problem.what]
    assert [(problem.severity, problem.place) for problem in fitting] == [(severity, place)]


@cache
def of_ring(name: str, definition: str) -> list[Problem]:
    """Problems of one definition of a shipped config, its other parts taken out."""
    path = ROOT / "configs" / "rings" / f"{name}.toml"
    content = load_model(path, RingConfig).model_dump(exclude_unset=True)
    content["delivery"] = [one for one in content["delivery"] if one["definition"] == definition]
    return problems_of(content, path)


def problems_of(content: dict[str, Any], path: Path) -> list[Problem]:
    """Problems of a config, with only the sources that its deliveries and its list of cities use."""
    texts = " ".join(one[part] for one in content["delivery"] for part in ("numerator", "denominator"))
    cities = content["ring"]["cities"]
    kept = [one for one in content["series"] if one["id"] in texts or one["id"] == cities.get("minimum", {}).get("series")]
    used = {one["source"] for one in kept} | {cities["source"]}
    main = {one["definition"].split(".")[0]: one["definition"].split(".")[1] for one in content["delivery"]}
    content |= {"series": kept, "source": [one for one in content["source"] if one["id"] in used]}
    content["ring"]["main"] = main
    left = {key: value for key, value in content.items() if key not in ("context", "peers", "sensitivity", "change", "findings")}
    return list(take_in(RingConfig.model_validate(left), path, load_catalogue()).problems)


def made_up(years: list[int], indicator: str, group: str, definition: str, *, allowed: bool) -> list[Problem]:
    """Problems of an indicator of the 67 cities that the shipped config does not use."""
    path = ROOT / "configs" / "rings" / "employment67.toml"
    content = load_model(path, RingConfig).model_dump(exclude_unset=True)
    picked = {"source": "indicators", "where": {"indicator": indicator, "group": group}}
    content["series"] = [
        picked | {"id": part, "value": column, "kind": f"{column}_kind"}
        for part, column in (("cases", "numerator"), ("persons", "denominator"))
    ]
    derived = ("cases", "persons") if allowed else ()
    content["delivery"] = [{"definition": definition, "numerator": "cases", "denominator": "persons", "allow_derived": derived}]
    content["ring"]["years"] = years
    return problems_of(content, path)


@pytest.mark.parametrize(
    ("name", "definition", "check", "severity", "place", "said"),
    [
        ("employment67", "A2.restricted_base", "source_says", "hint", "Spalte ", "cells <3 suppressed"),
        ("employment67", "A2.restricted_base", "other_main", "hint", "[ring] main", "Nicht die amtliche Quote"),
        (
            "lower_saxony",
            "L2.all_benefits",
            "rounded",
            "hint",
            "Zeile 782, Spalte Value",
            "Nenner von L2.all_benefits, Zielgruppe: auf 5",
        ),
        ("lower_saxony", "E3.leavers", "base_shift", "hint", "Zeile 1146, Spalte Value", "2020 bis 2021 im Median um 37 %"),
        ("lower_saxony", "E3.leavers", "base_derived", "doubt", "Zeile 1080, Spalte Value", "03451 (2020: 779,66)"),
    ],
)
def test_a_definition_of_a_ring(name: str, definition: str, check: str, severity: str, place: str, said: str) -> None:
    fitting = [problem for problem in of_ring(name, definition) if problem.check == check and said in problem.what]
    assert {problem.severity for problem in fitting} == {severity}
    assert place in fitting[0].place


def test_a_derived_numerator_is_refused_with_its_line() -> None:
    problems = made_up([2020, 2021], "minimum_income_benefits", "total", "L2.all_benefits", allowed=False)
    (problem,) = [one for one in problems if one.check == "derived"]
    assert (problem.severity, problem.file) == ("error", "indicators_2019_2021.csv")
    assert problem.place.startswith("Zeile ")
    assert "derived: rate x denominator, rounded" in problem.what


def test_the_official_rate_stops_at_2020() -> None:
    problems = made_up([2020, 2021], "unemployment_rate_official", "foreigners", "A2.rate", allowed=True)
    assert any(one.check == "incomplete" and one.severity == "error" and "das Jahr 2021 fehlt" in one.what for one in problems)


def test_asylum_benefits_fall_in_berlin_and_mannheim_between_2019_and_2020() -> None:
    indicator = "asylblg_recipients_per_1000"
    problems = made_up([2019, 2020], indicator, "asylum seekers benefit recipients", "L2.all_benefits", allowed=True)
    told = {one.city: one for one in problems if one.severity == "doubt" and one.check in ("rate_jump", "units")}
    assert {"11000", "08222"} <= told.keys()
    assert "25.393 von 3.669.491" in told["11000"].what and "6.888" in told["11000"].what
    assert told["11000"].place == "Zeile 7326, Spalte numerator"


def test_empty_cells_of_grade_8_are_told() -> None:
    path = ROOT / "configs" / "rings" / "lower_saxony.toml"
    content = load_model(path, RingConfig).model_dump(exclude_unset=True)
    content["delivery"] = [one for one in content["delivery"] if one["definition"] == "E2.grade_8"]
    for one in content["series"]:
        if one["id"].startswith("gymnasium"):
            one["where"] = one["where"] | {"Schulgliederung": "Realschule"}
    problems = problems_of(content, path)
    (passed,) = [
        one
        for one in problems
        if one.check == "region_passed" and "Gebietsschlüssel ist leer" in one.what and "4-1-1" in one.file
    ]
    assert passed.place == "ab Zeile 53"
    told = [one for one in problems if one.check == "sign"]
    assert {one.severity for one in told} == {"hint"}
    assert all("keine verwertbare Zahl (leer" in one.what and one.place.startswith("Zeile ") for one in told)
    assert all(one.file.endswith("indicator_4-1-1.csv") for one in told)
