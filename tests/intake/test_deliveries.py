"""Counts and reconstructions: what may be a numerator, and when a base may follow from a rate."""

from __future__ import annotations

import pytest

from integstat.intake.deliveries import count_rows
from integstat.intake.series import Figure, Series
from integstat.intake.settings import DeliverySettings

from .rings import COUNTS, Ring

CITIES = ["01002", "02000", "03101"]


def series(name: str, values: list[float], **changes: object) -> Series:
    figures = {
        (city, 2020): Figure(value, "value", f"Zeile {row}, Spalte y", "f.csv")
        for row, (city, value) in enumerate(zip(CITIES, values, strict=True), 2)
    }
    return Series(name, "count", figures, **changes)  # type: ignore[arg-type]


def delivery(numerator: str, denominator: str, **changes: object) -> DeliverySettings:
    return DeliverySettings.model_validate({"definition": "T1.all", "numerator": numerator, "denominator": denominator} | changes)


COUNT = series("count", [10, 30, 20])
BASE = series("base", [100, 200, 90])
EXACT = series("rate", [10.0, 15.0, 100 * 20 / 90], derived=True)
COARSE = series("rate", [10.0, 15.0, 22.0], derived=True)


def run(one: DeliverySettings, rate: Series = EXACT) -> tuple[dict[str, list[float]], list[str], list[str]]:
    rows, problems = count_rows(one, {"count": COUNT, "base": BASE, "rate": rate}, CITIES, [2020])
    values = {str(part): group["value"].tolist() for part, group in rows.groupby("part")}
    return values, [f"{problem.severity}: {problem.what}; {problem.mend}" for problem in problems], sorted(set(rows["note"]))


def test_counts_pass_unchanged() -> None:
    values, problems, notes = run(delivery("count", "base"))
    assert values == {"numerator": [10, 30, 20], "denominator": [100, 200, 90]}
    assert problems == []
    assert notes == [""]


def test_a_difference_is_a_stated_derivation() -> None:
    values, problems, notes = run(delivery("count", "base - count"))
    assert values["denominator"] == [90, 170, 70]
    assert problems == []
    assert "vereinbarte Ableitung: base - count" in notes


@pytest.mark.parametrize("numerator", ["rate * base / 100", "rate", "count * 2"])
def test_a_reconstructed_numerator_is_refused(numerator: str) -> None:
    values, (problem,), _ = run(delivery(numerator, "base"))
    assert values == {}
    assert problem.startswith(f"error: der Zähler '{numerator}' von T1.all ist aus einer Quote zurückgerechnet")
    assert "allow_derived = [" in problem


def test_it_passes_where_the_config_names_its_series() -> None:
    values, problems, notes = run(delivery("rate * base / 100", "base", allow_derived=("rate", "base")))
    assert values["numerator"] == pytest.approx([10, 30, 20])
    assert problems == []
    assert "zurückgerechnet: rate * base / 100" in notes
    assert run(delivery("rate * base / 100", "base", allow_derived=("base",)))[1] != []


def test_a_base_that_comes_out_whole_is_taken() -> None:
    values, problems, _ = run(delivery("count", "count / rate * 100"))
    assert values["denominator"] == [100, 200, 90]
    assert problems == []


def test_a_rate_too_coarse_refuses_the_base() -> None:
    values, (problem,), _ = run(delivery("count", "count / rate * 100"), COARSE)
    assert values == {}
    assert "ergibt in 1 von 3 Zellen keine ganze Zahl (hier 90,91), die Quote ist zu grob gerundet" in problem
    assert "T1.all" in problem


def test_a_single_rounded_cell_becomes_a_gap() -> None:
    cities = [f"03{number:03d}" for number in range(1, 21)]
    counts = Series("count", "count", {(city, 2020): Figure(46.0, "value", "Zeile 2", "f.csv") for city in cities})
    rates = {(city, 2020): Figure(100 * 46 / 779, "value", "Zeile 3", "f.csv") for city in cities}
    rates[cities[4], 2020] = Figure(5.9, "value", "Zeile 7", "f.csv")
    used = {"count": counts, "rate": Series("rate", "rate", rates, derived=True)}
    rows, (problem,) = count_rows(delivery("count", "count / rate * 100"), used, cities, [2020])
    bases = rows[rows["part"] == "denominator"].set_index("city")
    assert bases.loc[cities[4], "code"] == "missing"
    assert (bases["value"].drop(cities[4]) == 779).all()
    assert (problem.severity, problem.city) == ("doubt", cities[4])
    assert "(2020: 779,66)" in problem.what


def test_zero_cases_leave_the_base_unknown() -> None:
    zero = {"count": series("count", [0, 30, 20]), "rate": series("rate", [0, 15.0, 100 * 20 / 90], derived=True)}
    rows, _ = count_rows(delivery("count", "count / rate * 100"), zero, CITIES, [2020])
    assert rows.loc[rows["part"] == "denominator", "code"].tolist() == ["missing", "value", "value"]


def test_a_file_that_marks_its_counts_as_derived_is_refused_end_to_end(ring: Ring) -> None:
    """As the kind column of real deliveries does."""
    lines = COUNTS.splitlines()
    ring.files["counts.csv"] = (
        "\n".join([lines[0] + ",kind"] + [line + ',"derived: rate x denominator, rounded"' for line in lines[1:]]) + "\n"
    )
    ring.configure('value = "y"', 'value = "y"\nkind = "kind"')
    errors = ring.problems("error")
    assert (
        "der Zähler 'y_foreigners' von T1.all ist aus einer Quote zurückgerechnet (die Quelle sagt: 'derived: rate x denominator"
        in errors[0].what
    )
    assert (errors[0].file, errors[0].place) == ("counts.csv", "Zeile 2, Spalte y")
    ring.configure('denominator = "n_foreigners"', 'denominator = "n_foreigners"\nallow_derived = ["y_foreigners"]')
    ring.configure('denominator = "n_germans"', 'denominator = "n_germans"\nallow_derived = ["y_germans"]')
    assert ring.problems("error") == []
    assert ring.take_in().panel.counts["note"].str.contains("zurückgerechnet: y_").all()
