"""What a city says beside its figures: how exact they are, and what else was counted."""

from __future__ import annotations

import math
from typing import Any

import pytest

from integstat.intake.workbook import WorkbookDelivery
from integstat.intake.workbook_layout import OTHER_LONGEST, PRECISION_DE

from .workbook_samples import GOOD, damaged, figures, read


def filled(cells: dict[str, object], sheet: str = "Arbeit") -> WorkbookDelivery:
    """The sound workbook with some cells filled in."""

    def change(book: Any) -> None:
        for name, value in cells.items():
            book[sheet][name] = value

    return read(damaged(change))


def told(delivery: WorkbookDelivery) -> list[tuple[str, str, str]]:
    return [(problem.severity, problem.place, problem.what) for problem in delivery.problems]


def test_a_rounding_comes_along_with_its_row_alone() -> None:
    said = dict(zip((5, 7, 9, 11), PRECISION_DE, strict=True))  # rows of numerators
    rounded = {f"{letter}{row}": 5000 + 100 * row for row in said for letter in "IJ"}
    delivery = filled(rounded | {f"Q{row}": choice for row, choice in said.items()})
    assert delivery.problems == []
    rows = delivery.rows.assign(row=delivery.rows["place"].str.extract(r"(\d+)$")[0].astype(int))
    work = rows[rows["place"].str.startswith("Blatt 'Arbeit'")]
    for row, choice in said.items():
        own, step = work[work["row"] == row], PRECISION_DE[choice]
        assert set(own["step"]) == {step}
        assert set(own["note"]) == {f"auf {step} gerundet (Angabe der Stadt)" if step > 1 else ""}
        assert set(own["value"]) == {5000.0 + 100 * row}
    assert set(work.loc[~work["row"].isin(said), "step"]) == {0}


def test_a_figure_that_is_no_multiple_contradicts_its_rounding() -> None:
    delivery = filled({"I5": 5100, "Q5": "auf 5 gerundet"})
    assert told(delivery) == [
        ("doubt", "Blatt 'Arbeit', Zelle J5", "5.408 ist kein Vielfaches von 5, angegeben ist 'auf 5 gerundet'")
    ]
    assert figures(delivery)["A1.main", "target", 2021, "numerator"] == (5408.0, "value")


def test_a_base_so_rounded_that_the_rate_moves_is_doubted() -> None:
    assert filled({"I6": 9900, "J6": 10000, "Q6": "auf 100 gerundet"}).problems == []
    (problem,) = filled({"I6": 4900, "J6": 10000, "Q6": "auf 100 gerundet"}).problems
    assert problem.place == "Blatt 'Arbeit', Zelle I6"
    assert "der Nenner 4.900 ist 'auf 100 gerundet'" in problem.what


def test_a_precision_beyond_the_list_is_passed_over_with_a_doubt() -> None:
    (problem,) = filled({"Q5": "ungefähr"}).problems
    assert (problem.severity, problem.place) == ("doubt", "Blatt 'Arbeit', Zelle Q5")
    assert "'ungefähr' steht nicht in der Liste" in problem.what
    assert problem.mend == "bitte eine davon wählen: genau, auf 5 gerundet, auf 10 gerundet, auf 100 gerundet"


def test_another_definition_is_not_compared_silently() -> None:
    delivery = filled({"R5": " ohne\nGrenzgänger ", "S5": "Stand Mai"})
    (problem,) = delivery.problems
    assert (problem.severity, problem.place, problem.definition) == ("doubt", "Blatt 'Arbeit', Zelle R5", "A1.main")
    assert problem.what.startswith("abweichende Definition ('ohne Grenzgänger')")
    before, after = figures(read(GOOD)), figures(delivery)
    aside = {("A1.main", "target", year, "numerator") for year in (2020, 2021)}
    assert set(after) == set(before)
    for key, (value, code) in after.items():
        if key in aside:
            assert math.isnan(value)
            assert code == "missing"
        else:
            assert (code, pytest.approx(value, nan_ok=True)) == (before[key][1], before[key][0])
    notes = delivery.rows.loc[delivery.rows["note"] != "", "note"]
    assert set(notes) == {"Stand Mai; abweichende Definition: ohne Grenzgänger"}
    assert len(notes) == len(aside)


def test_another_definition_of_nothing_says_nothing() -> None:
    delivery = filled({"R5": "gibt es bei uns nicht", "I5": None, "J5": None})
    assert [problem.place for problem in delivery.problems] == ["Blatt 'Arbeit', Zellen I5, J5"]


def test_an_endless_text_is_cut_and_signs_that_are_not_seen_are_dropped() -> None:
    delivery = filled({"R5": "\u202eumgedreht " + "x" * 1000})
    text = delivery.problems[0].what.split("'")[1]
    assert text.startswith("umgedreht x")
    assert len(text) == OTHER_LONGEST


def test_a_formula_beside_the_figures_is_passed_over() -> None:
    delivery = filled(dict.fromkeys(("Q5", "R5", "S5"), '=HYPERLINK("http://x.example")'))
    told = {(problem.severity, problem.place) for problem in delivery.problems}
    assert told == {("hint", f"Blatt 'Arbeit', Zelle {letter}5") for letter in "QRS"}
    assert delivery.rows.equals(read(GOOD).rows)
