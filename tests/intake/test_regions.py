"""Keys of regions: municipalities that fill their Kreis."""

from __future__ import annotations

import pytest

from .reading import file_of, keyed, source

TEXT = "ags,name,year,n\n03403000,Oldenburg,2020,1\n03241001,Hannover,2020,2\n03403,Oldenburg,2021,3\n3403000,x,2021,4\n"


@pytest.mark.parametrize(
    ("whole", "expected"), [(True, ["03403", "03241001", "03403", ""]), (False, ["03403000", "03241001", "03403", ""])]
)
def test_a_municipality_that_fills_its_kreis_has_its_key_where_the_rule_says_so(whole: bool, expected: list[str]) -> None:
    spec = source("tidy", year="year", region={"column": "ags", "whole_kreis": whole})
    table, problems = keyed(file_of(TEXT), spec)
    assert table.frame["__key"].tolist() == expected
    errors = [one.what for one in problems if one.severity == "error"]
    assert errors == ["der Gebietsschlüssel '3403000' hat die führende Null verloren"]
