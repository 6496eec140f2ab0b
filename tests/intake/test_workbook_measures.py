"""The sheet of measures: what is written is read, nothing in it stops a figure, and older workbooks do without."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integstat.intake.measures import LONGEST, MEASURE_COLUMNS, Measure, clean, measure_table, read_measures
from integstat.intake.problems import Severity
from integstat.intake.workbook_anchors import find_anchors
from integstat.intake.workbook_layout import ANCHOR_ROW, FIRST_ROW, MEASURE_ROWS, MEASURES, REGISTER, plan_topics
from integstat.intake.workbook_writer import workbook_bytes

from .workbook_samples import CITY, COUNTS, ENTRIES, FIELDS, GOOD, arguments, damaged, figures, read

MENTORING = Measure("work", "A1", "Mentoring im Betrieb", "zwei Stunden je Woche", 2019, "https://stadt.example/mentoring")
CITIZENS = Measure("legal", "", "Einbürgerungslotsen", since=2015)
TOLD = workbook_bytes(**arguments(measures=[MENTORING, CITIZENS]))
FIRST, SECOND = FIRST_ROW, FIRST_ROW + 1
TOPICS = plan_topics([indicator for indicator, _ in ENTRIES], FIELDS)


@pytest.fixture(scope="module")
def book() -> Any:
    return openpyxl.load_workbook(io.BytesIO(TOLD))


def old(book: Any) -> None:
    """Make a workbook from before there was a sheet for measures."""
    book.remove(book[MEASURES])
    for row in book[REGISTER].iter_rows():
        if row[0].value == "topic":
            row[0].value = None


def put(cell: str, value: object, *, kind: str = "") -> Callable[[Any], None]:
    def change(book: Any) -> None:
        book[MEASURES][cell].value = value
        if kind:
            book[MEASURES][cell].data_type = kind

    return change


# --- sound workbooks


def test_what_is_written_is_read() -> None:
    delivery = read(TOLD)
    assert delivery.problems == []
    assert delivery.measures == (replace(MENTORING, row=FIRST), replace(CITIZENS, row=SECOND))


def test_measures_change_no_figure() -> None:
    assert repr(figures(read(TOLD))) == repr(figures(read(GOOD)))
    assert read(GOOD).measures == ()


def test_a_workbook_from_before_is_read_without_a_word() -> None:
    delivery = read(damaged(old))
    assert delivery.problems == []
    assert delivery.measures == ()
    assert figures(delivery).keys() == COUNTS.keys()


def test_the_sheet_offers_the_topics_of_this_workbook_and_nothing_else(book: Any) -> None:
    sheet = book[MEASURES]
    (rule,) = [one for one in sheet.data_validations.dataValidation if one.type == "list"]
    name, cells = str(rule.formula1).split("!")
    offered = [cell.value for (cell,) in book[name][cells.replace("$", "")]]
    assert offered == [
        "Handlungsfeld Rechtliche Integration",
        "Einbürgerungsquote (R1)",
        "Handlungsfeld Arbeit",
        "Beschäftigungsquote (A1)",
    ]
    assert str(rule.sqref) == f"A{FIRST}:A{FIRST + MEASURE_ROWS - 1}"


def test_inputs_are_open_and_the_rest_is_locked(book: Any) -> None:
    sheet = book[MEASURES]
    assert sheet.protection.sheet
    assert sheet.row_dimensions[ANCHOR_ROW].hidden
    rows = range(FIRST, FIRST + MEASURE_ROWS)
    opened = {cell.coordinate for row in sheet.iter_rows() for cell in row if not cell.protection.locked}
    assert opened == {f"{letter}{row}" for letter in "ABCDE" for row in rows}
    assert {sheet[f"{letter}{FIRST}"].number_format for letter in "ABCE"} == {"@"}
    assert "Freiwillig" in sheet["A2"].value


def test_more_measures_than_prepared_rows() -> None:
    some = [Measure("work", "", f"Nr. {i}") for i in range(MEASURE_ROWS + 3)]
    assert [one.title for one in read(workbook_bytes(**arguments(measures=some))).measures] == [one.title for one in some]


def test_a_measure_of_no_topic_is_the_caller_s_mistake() -> None:
    with pytest.raises(ValueError, match="no topic"):
        workbook_bytes(**arguments(measures=[Measure("health", "", "x")]))


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.sampled_from(TOPICS), text.filter(lambda one: clean(" ".join(one.split()))), text, st.integers(1950, 2100)),
        max_size=6,
        unique_by=lambda one: " ".join(clean(" ".join(one[1].split())).split()),
    )
)
def test_any_text_comes_back_as_one_clean_line(rows: list[tuple[Any, str, str, int]]) -> None:
    def fill(book: Any) -> None:
        for number, (topic, title, description, since) in enumerate(rows, start=FIRST):
            for letter, value in zip("ABC", (topic.label, title, description), strict=True):
                cell = book[MEASURES][f"{letter}{number}"]
                cell._value, cell.data_type = value, "s"
            book[MEASURES][f"D{number}"] = since

    opened = openpyxl.load_workbook(io.BytesIO(GOOD))
    fill(opened)
    measures = read_sheet(opened)
    assert [(one.field, one.indicator, one.since) for one in measures] == [(t.field, t.indicator, y) for t, _, _, y in rows]
    for one, (_, title, description, _) in zip(measures, rows, strict=True):
        assert one.title == clean(" ".join(title.split()))
        assert one.description == clean(" ".join(description.split()))
        assert not any(ord(sign) < 32 for sign in one.title + one.description)


def read_sheet(opened: Any) -> list[Measure]:
    """Read the sheet of an opened workbook, without writing it: XML cannot hold every sign."""
    found = find_anchors(opened[MEASURES])
    assert found is not None
    measures, problems = read_measures(found[1], TOPICS, "stadt.xlsx")
    assert problems == []
    return measures


# --- damaged ones


@dataclass(frozen=True)
class Case:
    """A damage, what is said about it, and what is left of the two measures."""

    name: str
    change: Callable[[Any], object]
    severity: Severity
    place: str
    what: str
    mend: str
    left: tuple[Measure, ...]

    def __str__(self) -> str:
        return self.name


def both(first: dict[str, Any] | None = None) -> tuple[Measure, ...]:
    """Both measures, the first one changed."""
    return (replace(MENTORING, row=FIRST, **(first or {})), replace(CITIZENS, row=SECOND))


SECOND_ONLY = both()[1:]
NOWHERE = both({"field": "", "indicator": ""})


def copy_row(book: Any) -> None:
    for letter in "ABCDE":
        book[MEASURES][f"{letter}9"] = book[MEASURES][f"{letter}{FIRST}"].value


CASES = [
    Case(
        "unknown", put("A5", "Beschäftigungsqoute"), "doubt", "Zelle A5", "ohne Zuordnung", "'Beschäftigungsquote (A1)'", NOWHERE
    ),
    Case("of another ring", put("A5", "Wahlen"), "doubt", "Zelle A5", "'Wahlen' steht nicht", "bitte einen Eintrag", NOWHERE),
    Case("nothing chosen", put("A5", None), "doubt", "Zelle A5", "weder Indikator noch Handlungsfeld", "der Liste", NOWHERE),
    Case("topic by formula", put("A5", "=A6"), "doubt", "Zelle A5", "eine Formel statt", "der Liste", NOWHERE),
    Case("title by formula", put("B5", "=1+1"), "doubt", "Zelle B5", "der Titel ist eine Formel", "als Text", SECOND_ONLY),
    Case("title is a number", put("B5", 2019), "doubt", "Zelle B5", "der Titel ist eine Zahl", "als Text", SECOND_ONLY),
    Case("title is a date", put("B5", datetime.date(2019, 1, 1)), "doubt", "Zelle B5", "ein Datum", "als Text", SECOND_ONLY),
    Case("title is an error", put("B5", "#REF!"), "doubt", "Zelle B5", "ein Fehlerwert (#REF!)", "als Text", SECOND_ONLY),
    Case("title is true", put("B5", True), "doubt", "Zelle B5", "ein Wahrheitswert", "als Text", SECOND_ONLY),
    Case("no title", put("B5", " \n "), "doubt", "Zelle B5", "keinen Titel", "die Zeile leeren", SECOND_ONLY),
    Case("title not to be seen", put("B5", "\u200b\u202e"), "doubt", "Zelle B5", "keinen Titel", "leeren", SECOND_ONLY),
    Case(
        "title too long",
        put("B5", "ab " * 100),
        "doubt",
        "Zelle B5",
        "hat 299 Zeichen, gelesen werden die ersten 200",
        "kürzen",
        both({"title": ("ab " * 100)[: LONGEST["title"] - 1].rstrip() + "…"}),
    ),
    Case("text by formula", put("C5", "=B5"), "doubt", "Zelle C5", "die Beschreibung ist", "als Text", both({"description": ""})),
    Case("link by formula", put("E5", '=HYPERLINK("x")'), "doubt", "Zelle E5", "der Kontakt ist", "'='", both({"link": ""})),
    Case(
        "no year", put("D5", "laufend"), "doubt", "Zelle D5", "'laufend' ist kein einzelnes Jahr", "2019", both({"since": None})
    ),
    Case("two years", put("D5", "2019-2021"), "doubt", "Zelle D5", "kein einzelnes Jahr", "2019", both({"since": None})),
    Case("year too early", put("D5", 1066), "doubt", "Zelle D5", "von 1950 bis 2100", "2019", both({"since": None})),
    Case("year by formula", put("D5", "=2000+19"), "doubt", "Zelle D5", "eine Formel", "2019", both({"since": None})),
    Case("twice", copy_row, "hint", "Zeile 9", "steht schon in Zeile 5", "leeren", both()),
    Case(
        "merged",
        lambda one: one[MEASURES].merge_cells("C5:E5"),
        "doubt",
        "Zellen C5:E5",
        "verbundene",
        "aufheben",
        both({"since": None, "link": ""}),
    ),
    Case(
        "sheet missing", lambda one: one.remove(one[MEASURES]), "doubt", f"Blatt '{MEASURES}'", "das Blatt fehlt", "Maßnahmen", ()
    ),
    Case("emptied", lambda one: one[MEASURES].delete_rows(1, 60), "doubt", f"Blatt '{MEASURES}'", "leer", "frische Vorlage", ()),
    Case(
        "anchors lost", lambda one: one[MEASURES].delete_rows(3), "doubt", f"Blatt '{MEASURES}'", "Kennungen fehlt", "frische", ()
    ),
    Case("column lost", lambda one: one[MEASURES].delete_cols(4), "doubt", "Zeile 3", "Spalten mit Kennungen", "frische", ()),
    Case("column twice", put("F3", "title"), "doubt", "Zeile 3", "doppelt", "frische", ()),
    Case("copied", lambda one: one.copy_worksheet(one[MEASURES]), "doubt", f"'{MEASURES} Copy'", "Kopie", "löschen", both()),
    Case("endless", put("A900000", "x"), "doubt", f"Blatt '{MEASURES}'", "reicht bis Zelle E900000", "überzähligen", ()),
    Case(
        "renamed",
        lambda one: setattr(one[MEASURES], "title", "Projekte"),
        "hint",
        "Blatt 'Projekte'",
        "hieß",
        "umbenennen",
        both(),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_damage_is_told_and_stops_nothing(case: Case) -> None:
    delivery = read(damaged(case.change, TOLD))
    (problem,) = delivery.problems
    assert (problem.severity, problem.file, problem.city) == (case.severity, "stadt.xlsx", CITY)
    assert case.place in problem.place
    assert case.what in problem.what
    assert case.mend in problem.mend
    assert not problem.what.endswith(".") and not problem.mend.endswith(".")
    assert delivery.measures == case.left
    assert figures(delivery).keys() == COUNTS.keys()


@pytest.mark.parametrize(
    "name",
    [
        "beschäftigungsquote (a1)",
        " Beschäftigungsquote ",
        "A1",
        "Bescha\u0308ftigungsquote (A1)",
        "Beschäftigungs\u00adquote (A1)",
    ],
)
def test_an_indicator_is_known_by_any_of_its_names(name: str) -> None:
    delivery = read(damaged(put("A5", name), TOLD))
    assert delivery.problems == []
    assert delivery.measures == both()


@pytest.mark.parametrize("name", ["Arbeit", "Handlungsfeld  Arbeit"])
def test_a_field_is_known_with_and_without_its_kind(name: str) -> None:
    assert read(damaged(put("A5", name), TOLD)).measures == both({"indicator": ""})


@pytest.mark.parametrize(
    "value", [2019.0, "2019", " seit 2019", "1.3.2019", "2019/20", datetime.date(2019, 3, 1), datetime.datetime(2019, 1, 1)]
)
def test_a_single_year_is_found(value: object) -> None:
    delivery = read(damaged(put("D5", value), TOLD))
    assert delivery.problems == []
    assert delivery.measures == both()


def test_a_number_may_be_a_contact() -> None:
    assert read(damaged(put("E5", 4711), TOLD)).measures == both({"link": "4711"})


def test_text_that_looks_like_a_formula_or_a_tag_stays_text() -> None:
    delivery = read(damaged(put("B5", "=1 <script>", kind="s"), TOLD))
    assert delivery.measures == both({"title": "=1 <script>"})


def test_without_a_sound_key_there_are_no_measures() -> None:
    def change(book: Any) -> None:
        book["Anleitung"]["C5"] = None

    assert read(damaged(change, TOLD)).measures == ()


def test_the_table_is_sorted_whatever_the_order_of_the_files() -> None:
    told = {("b", "2.xlsx"): [CITIZENS, MENTORING], ("a", "1.xlsx"): [MENTORING]}
    table = measure_table(told)
    assert tuple(table.columns) == MEASURE_COLUMNS
    assert list(zip(table["city"], table["field"], strict=True)) == [("a", "work"), ("b", "legal"), ("b", "work")]
    assert table["since"].tolist() == [2019, 2015, 2019]
    assert table.equals(measure_table(dict(reversed(told.items()))))
