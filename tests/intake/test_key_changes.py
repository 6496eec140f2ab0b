"""Keys that were renamed or dissolved: figures are brought to the newest borders, or it is said why not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.intake.key_changes import KeyChanges, read_key_changes
from integstat.intake.problems import UnreadableFile
from integstat.intake.settings import RingSettings

from .reading import cells, file_of, keyed, read_series, source

CHANGES = "old;new;date\n16056;16063;01.07.2021\n03152;03159;2016-11-01\n03156;03159;2016-11-01\n"
TOML = '[[change]]\nold = "16056"\nnew = "16063"\ndate = 2021-07-01\n'
SPEC = source("tidy", year="year", value="n", region={"column": "ags", "name": "name"})


def changes(text: str = CHANGES, name: str = "keys.csv") -> KeyChanges:
    return read_key_changes(file_of(text, name))


def table(*rows: str) -> str:
    return "ags,name,year,group,n\n" + "".join(f"{row}\n" for row in rows)


BOTH = table(
    "16056,Eisenach,2020,a,40",
    "16063,Wartburgkreis,2020,a,100",
    "16063,Wartburgkreis,2021,a,141",
    "16056,Eisenach,2020,b,4",
    "16063,Wartburgkreis,2020,b,.",
    "16063,Wartburgkreis,2021,b,15",
    "16052,Gera,2020,a,7",
    "16052,Gera,2021,a,8",
)


@pytest.mark.parametrize("made", [changes(), changes(TOML, "keys.toml")], ids=["csv", "toml"])
def test_counts_of_merged_areas_are_summed_and_told(made: KeyChanges) -> None:
    found = read_series(file_of(BOTH), SPEC, {"group": "a"}, changes=made)
    assert cells(found) == {
        ("16052", 2020): (7.0, "value"),
        ("16052", 2021): (8.0, "value"),
        ("16063", 2020): (140.0, "value"),
        ("16063", 2021): (141.0, "value"),
    }
    assert found.problems == ()
    assert found.figures["16063", 2020].place == "Zeilen 2, 3, Spalte n"
    merged, problems = keyed(file_of(BOTH), SPEC, made)
    assert [one.what for one in problems] == [
        f"geänderte Gebietsschlüssel nach {made.file}: 16056 → 16063 (seit 2021); Anzahlen unter 16063 sind Summen"
    ]
    assert set(merged.frame["name"]) == {"Wartburgkreis", "Gera"}


def test_a_part_without_number_passes_its_sign_on() -> None:
    assert cells(read_series(file_of(BOTH), SPEC, {"group": "b"}, changes=changes()))["16063", 2020] == (-1.0, "secret")


def test_a_part_that_is_not_there_makes_the_sum_missing() -> None:
    found = read_series(file_of(BOTH.replace("16056,Eisenach,2020,b,4\n", "")), SPEC, {"group": "b"}, changes=changes())
    assert cells(found)["16063", 2020] == (-1.0, "missing")
    assert any("von der Summe fehlt ein Teil: 16063 (2020)" in one.what for one in found.problems)


def test_a_file_of_the_new_borders_stays_as_it_is() -> None:
    text = table("16063,Wartburgkreis,2020,a,140", "16063,Wartburgkreis,2021,a,141")
    assert cells(read_series(file_of(text), SPEC, changes=changes())) == {
        ("16063", 2020): (140.0, "value"),
        ("16063", 2021): (141.0, "value"),
    }


def test_a_renamed_key_needs_no_sum_and_rates_may_follow_it() -> None:
    text = table("03152,Göttingen (alt),2015,a,5.5", "03159,Göttingen,2020,a,6.1")
    found = read_series(file_of(text), SPEC, changes=changes(), measure="rate", years=[2015, 2020])
    assert cells(found) == {("03159", 2015): (5.5, "value"), ("03159", 2020): (6.1, "value")}


def test_rates_of_merged_areas_are_refused() -> None:
    found = read_series(file_of(BOTH), SPEC, {"group": "a"}, changes=changes(), measure="rate")
    assert cells(found)["16063", 2020] == (-1.0, "missing")
    (problem,) = found.problems
    assert problem.severity == "error"
    assert "16063 besteht 2020 aus 16056 und 16063, Quoten (Reihe 'one') lassen sich nicht addieren" in problem.what


@pytest.mark.parametrize(("text", "severity"), [("41", {"error"}), ("-", set()), (".", set()), ("", set())])
def test_a_number_under_an_ended_key_may_be_counted_twice(text: str, severity: set[str]) -> None:
    rows = table(
        "16056,Eisenach,2020,a,40",
        "16063,Wartburgkreis,2020,a,100",
        f"16056,Eisenach,2022,a,{text}",
        "16063,Wartburgkreis,2022,a,141",
    )
    found = read_series(file_of(rows), SPEC, changes=changes(), years=[2020, 2022])
    assert {one.severity for one in found.problems} == severity
    assert cells(found)["16063", 2022] == (141.0, "value")
    assert all("unter 16056, das seit 2021 zu 16063 gehört, steht noch eine Zahl (41)" in one.what for one in found.problems)


def test_in_the_year_of_the_change_both_keys_may_stand() -> None:
    rows = table("16056,Eisenach,2021,a,41", "16063,Wartburgkreis,2021,a,100")
    assert cells(read_series(file_of(rows), SPEC, changes=changes(), years=[2021])) == {("16063", 2021): (141.0, "value")}


def test_changes_after_the_rings_last_year_do_not_hold() -> None:
    found = read_series(file_of(BOTH), SPEC, {"group": "a"}, changes=changes().until(2020), years=[2020])
    assert cells(found)["16056", 2020] == (40.0, "value")


def test_changes_in_a_row_lead_to_the_last_key() -> None:
    made = changes("old,new,date\n15101,15151,1994-07-01\n15151,15091,2007-07-01\n")
    assert made.followed("15101") == ("15091", 1994)
    assert made.followed("15091") == ("15091", 0)


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("16056;16063;2021-07-01\n16056;16064;2021-07-01\n", "Zeile 3", "16056 geht in 16063 und in 16064 auf; eine Teilung"),
        ("16056;16063;2021-07-01\n16056;16063;2021-07-01\n", "Zeile 3", "16056 steht doppelt"),
        ("16056;16063;2021-07-01\n16063;16056;2021-07-01\n", "Zeile 2", "führen die Änderungen im Kreis"),
        (
            "16056;16063;2021-07-01\n16063;16064;2010-07-01\n",
            "Zeile 2",
            "16063 endet am 01.07.2010 und soll am 01.07.2021 noch 16056",
        ),
        ("16056;16056;2021-07-01\n", "Zeile 2", "16056 bleibt 16056"),
        ("16056;16063105;2021-07-01\n", "Zeile 2", "nicht gleich viele Stellen"),
        ("1056;16063;2021-07-01\n", "Zeile 2", "hat die führende Null verloren"),
        ("16056;16063;2021-02-30\n", "Zeile 2", "'2021-02-30' ist kein Tag"),
        ("16056;16063;Juli 2021\n", "Zeile 2", "'Juli 2021' ist kein Tag"),
        ("16056;16063;20210701\n", "Zeile 2", "'20210701' ist kein Tag"),
    ],
)
def test_unsound_tables_of_changes(text: str, place: str, what: str) -> None:
    with pytest.raises(UnreadableFile) as raised:
        changes("old;new;date\n" + text)
    assert (raised.value.problem.file, raised.value.problem.place) == ("keys.csv", place)
    assert what in raised.value.problem.what
    assert raised.value.problem.mend


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[[change]\n", "kein gültiges TOML"),
        ("changes = 1\n", "nur Abschnitte"),
        ('[[change]]\nold = "16056"\n', "nicht genau old, new und date"),
        ("change = [1]\n", "nicht genau old, new und date"),
        (TOML.replace("2021-07-01", "2021-07-01T00:00:00"), "ist kein Tag"),
    ],
)
def test_unsound_toml(text: str, what: str) -> None:
    with pytest.raises(UnreadableFile, match=what):
        changes(text, "keys.toml")


def test_a_ring_names_the_table() -> None:
    made = RingSettings.model_validate(
        {"id": "r", "name": "R", "years": [2020], "data": ".", "cities": {"workbooks": True}, "key_changes": "keys.csv"}
    )
    assert made.key_changes == "keys.csv"


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_sum_does_not_depend_on_the_order_of_rows_and_loses_nobody(counts: list[int], random: object) -> None:
    keys = [f"160{number}" for number in range(52, 52 + len(counts))]
    rows = [f"{key},Ort,2020,a,{count}" for key, count in zip(keys, counts, strict=True)]
    random.shuffle(rows)  # type: ignore[attr-defined]
    made = changes("old;new;date\n" + "".join(f"{key};16099;2021-01-01\n" for key in keys))
    found = read_series(file_of(table(*rows)), SPEC, changes=made, years=[2020])
    assert cells(found) == {("16099", 2020): (float(sum(counts)), "value")}
