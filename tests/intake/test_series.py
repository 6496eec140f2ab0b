"""Series: years, sums over rows, and what the file says of its figures."""

from __future__ import annotations

import pandas as pd
import pytest

from integstat.intake.series import KEY, Series, evaluate_series, read_year
from integstat.intake.settings import SeriesSettings, SourceSettings
from integstat.intake.tables import LINE, Table

SOURCE = SourceSettings.model_validate(
    {"id": "s", "reader": "tidy", "file": "s.csv", "year": "year", "value": "value", "region": {"column": "ags"}}
)
ROWS = [
    ("01002", "2019", "8 - 10", "1", "5", "published"),
    ("01002", "2019", "10 und mehr", "1", "20", "published"),
    ("01002", "2020", "8 - 10", "1", "7", "published"),
    ("01002", "2020", "10 und mehr", "1", "22", "published"),
    ("02000", "2019", "8 - 10", "1", "50", "published"),
    ("02000", "2019", "10 und mehr", "1", ".", "published"),
    ("02000", "2020", "8 - 10", "1", "70", "published"),
]


def table(rows: list[tuple[str, ...]] = ROWS) -> Table:
    frame = pd.DataFrame(rows, columns=[KEY, "year", "stay", "sex", "value", "kind"], dtype=object)
    frame[LINE] = range(2, len(rows) + 2)
    return Table("s.csv", frame, ".")


def series(rows: list[tuple[str, ...]] = ROWS, **changes: object) -> Series:
    usual: dict[str, object] = {"id": "stay", "source": "s", "where": {"stay": ("8 - 10", "10 und mehr")}, "sum": True}
    spec = SeriesSettings.model_validate(usual | changes)
    return evaluate_series(spec, SOURCE, [table(rows)], (2020, 2021))


def test_previous_year_end_and_sum_over_rows() -> None:
    found = series(year_shift=-1)
    assert {cell: figure.value for cell, figure in found.figures.items() if figure.code == "value"} == {
        ("01002", 2020): 25.0,
        ("01002", 2021): 29.0,
    }
    assert found.figures["01002", 2021].place == "Zeilen 4, 5, Spalte value"


def test_a_secret_part_makes_the_sum_secret_and_a_lacking_part_makes_it_missing() -> None:
    found = series(year_shift=-1)
    assert found.figures["02000", 2020].code == "secret"
    assert found.figures["02000", 2021].code == "missing"
    (problem,) = found.problems
    assert (problem.severity, problem.file) == ("doubt", "s.csv")
    assert "von der Summe fehlt ein Teil: 02000 (2020)" in problem.what


def test_the_same_year_for_all() -> None:
    found = series(year=2019)
    assert found.figures["01002", 2020].value == found.figures["01002", 2021].value == 25.0


def test_several_rows_without_an_agreed_sum_are_refused() -> None:
    (problem,) = series(sum=False).problems
    assert "das Summieren ist nicht vereinbart" in problem.what
    assert "sum = true" in problem.mend


def test_a_forgotten_dimension_shows_as_a_double() -> None:
    women = [(*row[:3], "2", *row[4:]) for row in ROWS]
    problems = series([*ROWS, *women], year_shift=-1).problems
    assert {problem.severity for problem in problems} == {"error"}
    assert all("mehrfach in der Reihe 'stay'" in problem.what and "'where'" in problem.mend for problem in problems)


def test_what_the_file_calls_derived_is_derived() -> None:
    assert not series(kind="kind").derived
    derived = [(*row[:5], "derived: rate x denominator, rounded") for row in ROWS]
    found = series(derived, kind="kind", year_shift=-1)
    assert found.derived
    assert found.kinds == ("derived: rate x denominator, rounded",)
    assert any(problem.severity == "hint" and "die Quelle sagt zu ihren Zahlen" in problem.what for problem in found.problems)
    assert series(measure="rate").derived


def test_the_same_cell_in_two_files_is_told() -> None:
    spec = SeriesSettings.model_validate({"id": "stay", "source": "s", "where": {"stay": "8 - 10"}})
    other = Table("t.csv", table().frame, ".")
    found = evaluate_series(spec, SOURCE, [table(), other], (2020,))
    assert {problem.file for problem in found.problems} == {"t.csv"}
    assert all("s.csv, Zeile" in problem.place for problem in found.problems)


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2020", 2020),
        (" 2020 ", 2020),
        ("31.12.2020", 2020),
        ("2020-12-31", 2020),
        ("12.2020", 2020),
        ("2020-06", 2020),
        ("2201", None),
        ("20", None),
        ("2020/21", None),
        ("", None),
    ],
)
def test_years(text: str, year: int | None) -> None:
    assert read_year(text) == year
