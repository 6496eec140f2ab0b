"""What features and definitions are made of, as the config states it."""

from __future__ import annotations

import pytest

from integstat.intake.provenance import provenance_of
from integstat.intake.settings import IntakeSettings

COUNTS = "counts.csv, Spalte "


def traced(feature: str, numerator: str, denominator: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Quantities of the feature, of the numerator, and those of the denominator alone."""
    series = [
        {"id": name, "source": "counts", "value": name.removesuffix("_before"), "year_shift": -1 if "_before" in name else 0}
        for name in ("y", "x", "all", "rate", "people", "people_before")
    ]
    settings = IntakeSettings.model_validate(
        {
            "ring": {"id": "r", "name": "R", "years": [2020, 2021], "data": ".", "cities": {"source": "counts"}},
            "source": [{"id": "counts", "reader": "tidy", "file": "counts.csv", "year": "year", "region": {"column": "ags"}}],
            "series": series,
            "delivery": [{"definition": "T1.all", "numerator": numerator, "denominator": denominator}],
            "context": {"year": 2020, "features": {"f": feature}},
        }
    )
    found = provenance_of(settings)
    assert found is not None
    return found.features["f"], *found.definitions["T1.all"]


def named(*columns: str) -> frozenset[str]:
    return frozenset(COUNTS + column for column in columns)


@pytest.mark.parametrize(
    ("numerator", "denominator", "own", "base"),
    [
        ("y", "all", ["y"], ["all"]),
        ("x + y", "x + y + all", ["x", "y"], ["all"]),
        ("all - x", "all", ["x"], ["all"]),
        ("all - x", "people", ["all", "x"], ["people"]),
        ("rate * people / 100", "people", ["rate"], ["people"]),
        ("y", "y / rate * 100", ["y", "rate"], []),
        ("y", "people - all", ["y"], ["people", "all"]),
    ],
)
def test_what_is_numerator_and_what_base(numerator: str, denominator: str, own: list[str], base: list[str]) -> None:
    assert traced("people", numerator, denominator)[1:] == (named(*own), named(*base))


def test_the_year_does_not_make_another_quantity() -> None:
    assert traced("x / people * 100", "y", "people_before") == (named("x", "people"), named("y"), named("people"))


def test_rows_make_another_quantity_but_not_their_order() -> None:
    def quantity(where: dict[str, list[str] | str]) -> frozenset[str]:
        settings = IntakeSettings.model_validate(
            {
                "ring": {"id": "r", "name": "R", "years": [2020], "data": ".", "cities": {"source": "counts"}},
                "source": [{"id": "counts", "reader": "tidy", "file": "c.csv", "year": "year", "region": {"column": "ags"}}],
                "series": [{"id": "a", "source": "counts", "value": "v", "sum": True, "where": where}],
                "context": {"year": 2020, "features": {"f": "a"}},
            }
        )
        found = provenance_of(settings)
        assert found is not None
        return found.features["f"]

    assert quantity({"age": ["1", "2"], "sex": "m"}) == quantity({"sex": "m", "age": ["2", "1"]})
    assert quantity({"age": ["1", "2"]}) != quantity({"age": ["1", "3"]})


def test_workbooks_do_not_say_how_features_are_made() -> None:
    settings = IntakeSettings.model_validate(
        {
            "ring": {"id": "r", "name": "R", "years": [2020], "data": ".", "cities": {"workbooks": True}},
            "source": [{"id": "cities", "reader": "workbook", "file": "*.xlsx"}],
        }
    )
    assert provenance_of(settings) is None
