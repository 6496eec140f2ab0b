"""The checks: each finds its fault at the right place, tells the figure, and stays silent where nothing is wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.catalogue.load import Catalogue
from integstat.catalogue.schema import BreakEntry
from integstat.intake.assemble import assemble
from integstat.intake.checks import REGISTRY
from integstat.intake.checks.cells import check_ratio
from integstat.intake.checks.change import check_changes, factor_of_ten
from integstat.intake.checks.columns import columns_of
from integstat.intake.checks.level import check_levels
from integstat.intake.checks.parts import check_parts
from integstat.intake.checks.rates import check_rates, check_zero_rates
from integstat.intake.checks.registry import reference_table
from integstat.intake.checks.robust import LEVEL, between_variance, coincidence, limits, qn
from integstat.intake.cities import city_table
from integstat.intake.problems import Problem
from integstat.intake.series import Figure, Series
from integstat.intake.settings import DeliverySettings
from integstat.intake.tables import LINE, Table, plain_table

from .rings import Ring, definition, indicator
from .test_malformed import CASES, Case

ROOT = Path(__file__).parents[2]
CITIES = {f"03{number:03d}": f"Stadt {number}" for number in range(101, 113)}
YEARS = (2020, 2021)
Key = tuple[str, str, str, int, str]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """T1 and T2 shares, T4 of the Mikrozensus, T5 over official population, T6 a rate that may exceed one."""
    entries = (
        indicator("T1", "share", (definition("all"), definition("other"))),
        indicator("T2", "rate", (definition("all"), definition("care", may_exceed_one=True)), reference=""),
        indicator("T3", "share", (definition("all"),), reference=""),
        indicator("T4", "share", (definition("all", source="mikrozensus"),), reference=""),
        indicator("T5", "share", (definition("all", denominator_source="fortschreibung"),), reference=""),
    )
    broken = BreakEntry(
        id="mikrozensus_2020",
        sources=("mikrozensus",),
        years=(2020,),
        effect="cap",
        reason_de="35 % fielen aus.",
        reason_en="35 % did not answer.",
        source="Destatis",
    )
    return Catalogue({}, {entry.id: entry for entry in entries}, {}, (broken,), "")


def sound(
    *definitions: str, groups: tuple[str, ...] = ("target", "reference"), years: tuple[int, ...] = YEARS
) -> dict[Key, float]:
    """Counts of a ring where nothing is wrong: cities differ, years a little."""
    rng = np.random.default_rng(7)
    figures: dict[Key, float] = {}
    size = rng.lognormal(0, 0.4, len(CITIES))
    for d, name in enumerate(definitions):
        for g, group in enumerate(groups if name.startswith("T1") else ("target",)):
            share = 1 / (1 + np.exp(-(-1.5 - 0.5 * g + rng.normal(0, 0.3, len(CITIES)))))
            for i, city in enumerate(CITIES):
                base = (2000 + 3000 * g + 700 * d) * size[i] * rng.lognormal(0, 0.1)
                for year in years:
                    n = round(base * rng.lognormal(0, 0.02))
                    odds = share[i] / (1 - share[i]) * rng.lognormal(0, 0.1)
                    figures[city, name, group, year, "denominator"] = n
                    figures[city, name, group, year, "numerator"] = int(rng.binomial(n, odds / (1 + odds)))
    return figures


def rows_of(figures: dict[Key, float]) -> pd.DataFrame:
    rows = [
        (*key, value, "value", "", f"{key[0]}.xlsx", f"{key[1]} {key[2]} {key[3]} {key[4]}") for key, value in figures.items()
    ]
    columns = ["city", "definition", "group", "year", "part", "value", "code", "note", "file", "place"]
    return pd.DataFrame(rows, columns=columns)


def found(
    figures: dict[Key, float], catalogue: Catalogue, years: tuple[int, ...] = YEARS, main: dict[str, str] | None = None
) -> list[Problem]:
    """Problems of these figures, all checks of the panel in turn."""
    return assemble(rows_of(figures), city_table(CITIES), catalogue, years, main or {})[1]


def of_cells(figures: dict[Key, float]) -> list[Problem]:
    """Problems that the checks on pairs, changes and levels find, without the rest."""
    rows = rows_of(figures)
    key = ["city", "definition", "group", "year", "file"]
    sides = [
        rows[rows["part"] == part].rename(columns={"value": letter, "place": f"{letter}_place"})[
            [*key, letter, f"{letter}_place"]
        ]
        for part, letter in (("numerator", "y"), ("denominator", "n"))
    ]
    cells = sides[0].merge(sides[1], on=key)
    kinds = {name: "rate" if name.startswith("T2") else "share" for name in cells["definition"].unique()}
    good, problems = check_ratio(cells, kinds)
    columns = columns_of(cells[good], kinds)
    return [*problems, *check_changes(columns, set()), *check_levels(columns)]


def test_sound_figures_raise_nothing(catalogue: Catalogue) -> None:
    assert found(sound("T1.all", "T2.all", "T3.all"), catalogue) == []


CITY = "03105"


def times(factor: float, part: str, years: tuple[int, ...], name: str = "T1.all", group: str = "target") -> object:
    """Multiply figures of one city."""

    def damage(figures: dict[Key, float]) -> None:
        for year in years:
            figures[CITY, name, group, year, part] = round(figures[CITY, name, group, year, part] * factor)

    return damage


def to(value: float, part: str, years: tuple[int, ...], name: str = "T1.all") -> object:
    def damage(figures: dict[Key, float]) -> None:
        for year in years:
            figures[CITY, name, "target", year, part] = value

    return damage


def stand_still(figures: dict[Key, float]) -> None:
    for key in list(figures):
        if key[0] == CITY and key[3] == 2021:
            figures[key] = figures[(*key[:3], 2020, key[4])]


def copy_city(figures: dict[Key, float]) -> None:
    for key in list(figures):
        if key[0] == CITY:
            figures[key] = figures["03106", *key[1:]]


def swap_groups(figures: dict[Key, float]) -> None:
    for year in YEARS:
        for part in ("numerator", "denominator"):
            one, other = ((CITY, "T1.all", group, year, part) for group in ("target", "reference"))
            figures[one], figures[other] = figures[other], figures[one]


def grow(figures: dict[Key, float]) -> None:
    for key in figures:
        if key[1:4] == ("T1.all", "target", 2021):
            figures[key] = round(figures[key] * 1.4)


@pytest.mark.parametrize(
    ("damage", "check", "place", "said"),
    [
        (times(2.5, "denominator", (2021,)), "base_jump", "T1.all target 2021 denominator", "springt von"),
        (times(0.1, "denominator", (2021,), "T2.all"), "base_jump", "T2.all target 2021 denominator", "das 1/10-Fache"),
        (times(1.4, "denominator", (2020, 2021), "T3.all"), "", "", ""),
        (grow, "base_shift", "T1.all target 2021 denominator", "im ganzen Ring: 2020 bis 2021 im Median um 4"),
        (times(0.2, "numerator", (2021,)), "rate_jump", "T1.all target 2021 numerator", "im Ring ist die Veränderung"),
        (times(0.1, "numerator", (2021,)), "units", "T1.all target 2021 numerator", "etwa das 1/10-Fache"),
        (to(0, "numerator", (2021,)), "rate_jump", "T1.all target 2021 numerator", "auf 0 von"),
        (times(0.1, "numerator", YEARS, group="reference"), "units", "T1.all reference 2021 numerator", "etwa das 1/10-Fache"),
        (times(0.03, "numerator", YEARS), "outlier", "T1.all target 2021 numerator", "im Ring liegt die Mitte bei"),
        (to(18, "numerator", YEARS), "rate_as_count", "T1.all target 2021 numerator", "Quote in Prozent"),
        (times(10, "denominator", YEARS, "T3.all"), "base_size", "T3.all target 2021 denominator", "-Fache dessen"),
        (swap_groups, "base_size", "T1.all target 2021 denominator", "die übrigen Nenner dieser Stadt"),
        (
            stand_still,
            "repeated_year",
            "T1.all reference 2021 numerator",
            f"{CITY} liefert für 2021 dieselben Zahlen wie für 2020",
        ),
        (copy_city, "repeated_city", "T1.all reference 2020 numerator", f"03106 und {CITY}"),
        (to(9999, "numerator", (2021,)), "above_whole", "T1.all target 2021 numerator", "größer als Nenner"),
        (to(9999, "numerator", (2021,), "T2.all"), "above_100", "T2.all target 2021 numerator", "mehr als 100 Prozent"),
        (to(0, "denominator", (2021,)), "base_zero", "T1.all target 2021 numerator", "Nenner 0"),
    ],
)
def test_a_fault_is_told_at_its_place(damage: object, check: str, place: str, said: str) -> None:
    figures = sound("T1.all", "T2.all", "T3.all")
    damage(figures)  # type: ignore[operator]
    problems = of_cells(figures)
    fitting = [problem for problem in problems if problem.check == check]
    assert bool(fitting) == bool(check), [(problem.check, problem.what) for problem in problems]
    if check:
        (problem, *_) = [one for one in fitting if one.place == place] or fitting
        assert problem.place == place
        assert said in problem.what
        assert problem.severity == REGISTRY[check].severities[0]
        assert problem.city in (CITY, "03106", "")
        assert bool(problem.value) == (check != "base_shift")


def test_place_of_care_may_exceed_100_per_cent(catalogue: Catalogue) -> None:
    figures = sound("T2.care")
    for key in figures:
        figures[key] *= 6 if key[4] == "numerator" else 1
    assert found(figures, catalogue) == []


def test_the_mikrozensus_of_2020_is_doubted_and_no_other_year(catalogue: Catalogue) -> None:
    (problem,) = found(sound("T4.all"), catalogue)
    assert (problem.check, problem.severity, problem.place) == ("forbidden_source", "doubt", "T4.all target 2020 denominator")
    assert "35 % fielen aus" in problem.what
    assert found(sound("T4.all", years=(2021, 2022)), catalogue, (2021, 2022)) == []


@pytest.mark.parametrize(
    ("years", "told"), [((2020, 2021), False), ((2021, 2022), True), ((2010, 2011), True), ((2022, 2023), False)]
)
def test_a_census_between_the_years(catalogue: Catalogue, years: tuple[int, ...], told: bool) -> None:
    checks = {problem.check for problem in found(sound("T5.all", years=years), catalogue, years)}
    assert ("census_base" in checks) == told


def test_a_main_definition_that_is_not_the_catalogues(catalogue: Catalogue) -> None:
    (problem,) = found(sound("T1.other"), catalogue, main={"T1": "other"})
    assert (problem.check, problem.severity) == ("other_main", "hint")


# --- how far is too far


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(2, 40), shift=st.floats(-50, 50), scale=st.floats(0.1, 20))
def test_qn_moves_with_the_values(seed: int, size: int, shift: float, scale: float) -> None:
    values = np.random.default_rng(seed).normal(size=size)
    assert qn(shift + scale * values) == pytest.approx(scale * qn(values), rel=1e-6)


def test_qn_is_the_sd_of_normal_values_and_withstands_a_third_of_nonsense() -> None:
    rng = np.random.default_rng(1)
    for size in (5, 8, 9, 24, 67):
        assert np.mean([qn(rng.normal(0, 2, size)) for _ in range(300)]) == pytest.approx(2, rel=0.06)
    spoilt = np.concatenate([rng.normal(0, 1, 40), np.full(20, 1e6)])
    assert qn(spoilt) < 4
    assert np.isnan(qn(np.array([1.0])))


def test_the_variance_between_cities_is_found_beside_unequal_noise() -> None:
    rng = np.random.default_rng(5)
    noise = rng.uniform(0.005, 0.3, 60)
    found = [between_variance(rng.normal(0, 0.3, 60) + rng.normal(0, noise**0.5), noise) for _ in range(60)]
    assert np.mean(found) == pytest.approx(0.09, rel=0.15)
    assert between_variance(np.zeros(8), noise[:8]) == 0


@pytest.mark.parametrize("cities", [8, 30])
def test_sound_rings_are_doubted_as_seldom_as_promised(cities: int) -> None:
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(300):
        values, noise = rng.normal(0, 0.15, cities), np.full(cities, 0.02)
        values = values + rng.normal(0, noise**0.5)
        alarms += bool((np.abs(values - np.median(values)) > limits(values, noise, cities, usual=0.15, worth=1)).any())
    assert alarms / 300 < 6 * LEVEL


def test_more_cells_and_fewer_cities_say_less() -> None:
    values, noise = np.random.default_rng(3).normal(0, 0.2, 20), np.zeros(20)
    few = limits(values, noise, 10, usual=0.15, worth=1)
    assert (few < limits(values, noise, 1000, usual=0.15, worth=1)).all()
    assert np.isinf(limits(values[:4], noise[:4], 10, usual=0.15, worth=1)).all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_coincidences_are_never_less_likely_than_the_bound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chances = rng.uniform(0.02, 0.4, 12)
    met = rng.random((4000, 12)) < chances
    scores = met @ -np.log(chances)
    one = met[int(np.argsort(scores)[3900])]
    share = float((scores >= one @ -np.log(chances) - 1e-9).mean())
    assert coincidence(chances, one) >= share - 4 * (share / 4000) ** 0.5


@pytest.mark.parametrize(
    ("factor", "name"), [(10, "10"), (0.1, "1/10"), (1050, "1.000"), (1, ""), (3, ""), (0.0101, "1/100"), (1.2, "")]
)
def test_powers_of_ten(factor: float, name: str) -> None:
    assert factor_of_ten(float(np.log(factor))) == name


# --- tables


def table(rate: bool = False) -> Table:
    """Sixty towns with men, women and all."""
    rng = np.random.default_rng(4)
    lines = ["ags,year,sex,value"]
    for town in range(60):
        men, women = (int(one) for one in rng.integers(100, 9000, 2))
        figures = (men / 101, women / 101, (men + women) / 202) if rate else (men, women, men + women)
        lines += [f"03{town:03d},2020,{sex},{figure}" for sex, figure in zip(("men", "women", "insgesamt"), figures, strict=True)]
    return plain_table("\n".join(lines) + "\n", "a.csv", ",", ".")


@pytest.mark.parametrize(("rate", "check"), [(False, "sum_of_parts"), (True, "outside_parts")])
def test_a_whole_that_is_not_its_parts(rate: bool, check: str) -> None:
    sound_table = table(rate)
    keys = set(sound_table.frame["ags"])
    assert check_parts(sound_table, ["value"], "ags", "year", keys) == []
    broken = table(rate)
    at = broken.frame.index[broken.frame["sex"] == "insgesamt"][7]
    broken.frame.loc[at, "value"] = "99999"
    (problem,) = check_parts(broken, ["value"], "ags", "year", keys)
    assert (problem.check, problem.severity, problem.city) == (check, "doubt", "03007")
    assert problem.place == f"Zeile {broken.frame.loc[at, LINE]}, Spalte value"
    assert check_parts(broken, ["value"], "ags", "year", {"03001"}) == []


def test_a_sign_among_the_parts_may_be_what_is_lacking() -> None:
    """443 beside 220 and 221 is no fault where a third part is '.', and the difference is what the sign hides."""
    broken = table()
    broken.frame.loc[broken.frame.index[broken.frame["sex"] == "insgesamt"][7], "value"] = "99999"
    third = broken.frame[broken.frame["sex"] == "men"].assign(sex="divers")
    for text, found in ((".", 0), ("0", 1)):
        whole = replace(broken, frame=pd.concat([broken.frame, third.assign(value=text)], ignore_index=True))
        assert len(check_parts(whole, ["value"], "ags", "year", set(whole.frame["ags"]))) == found


def test_parts_that_never_add_up_are_no_parts() -> None:
    other = table()
    other.frame.loc[other.frame["sex"] == "insgesamt", "value"] = "50"
    assert check_parts(other, ["value"], "ags", "year", set(other.frame["ags"])) == []


@pytest.mark.parametrize(
    ("rate", "check", "said"),
    [
        ("0.0", "zero_rate", "die Quote ist 0, die Anzahl daneben aber 50"),
        ("101.2", "per_mille", "das 10-Fache"),
        ("10.1", "", ""),
    ],
)
def test_rates_beside_counts(rate: str, check: str, said: str) -> None:
    rates = pd.Series([10.0, 10.0, 10.2, 9.9, 10.1, float(rate)])
    held = plain_table("ags,value\n" + "".join(f"0300{i},{one}\n" for i, one in enumerate(rates)), "a.csv", ",", ".")
    y, n = pd.Series([50.0] * 6), pd.Series([500.0] * 6)
    problems = check_rates(held, y, n, rates, "value")
    assert [problem.check for problem in problems] == ([check] if check else [])
    assert all(said in problem.what and problem.place == "Zeile 7, Spalte value" for problem in problems)


def test_a_rate_of_0_that_a_base_should_follow_from() -> None:
    delivery = DeliverySettings(definition="T1.all", numerator="cases", denominator="cases / rate * 100")
    series = {
        name: Series(name, measure, {("03101", 2020): Figure(value, "value", "Zeile 9, Spalte x", "a.csv")})
        for name, measure, value in (("cases", "count", 50.0), ("rate", "rate", 0.0))
    }
    (problem,) = check_zero_rates(delivery, series, ["03101"])
    assert (problem.check, problem.severity, problem.place) == ("zero_rate", "doubt", "Zeile 9, Spalte x")
    assert check_zero_rates(delivery, series, ["03102"]) == []


# --- the registry


def test_ids_are_unique_names_and_severities_known() -> None:
    for name, check in REGISTRY.items():
        assert name == check.id
        assert re.fullmatch(r"[a-z0-9_]+", name)
        assert set(check.severities) <= {"error", "doubt", "hint"}
        assert check.looks_at and check.what and check.mend
        assert not check.what.endswith(".") and not check.mend.endswith(".")


def test_the_reference_lists_every_check() -> None:
    text = (ROOT / "docs" / "reference" / "checks.md").read_text(encoding="utf-8")
    assert reference_table() in text


@pytest.mark.parametrize("case", CASES[::6], ids=lambda case: case.name)
def test_every_problem_names_a_check_with_its_severity(ring: Ring, case: Case) -> None:
    case.damage(ring)
    for problem in ring.problems():
        assert problem.severity in REGISTRY[problem.check].severities, problem


def test_no_problem_of_the_sources_is_without_a_check() -> None:
    folder = ROOT / "src" / "integstat" / "intake"
    named = set(re.findall(r'check="([a-z0-9_]+)"', "".join(path.read_text() for path in folder.rglob("*.py"))))
    assert named <= set(REGISTRY)
