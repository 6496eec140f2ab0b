"""What goes back to a city: its own workbook with the right cells marked, and nothing in it that runs."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.catalogue.load import Catalogue
from integstat.errors import UsageError
from integstat.intake.problems import Problem, UnreadableFile
from integstat.intake.reply import COLOUR, counted, marked, page, places, problems_of, write_replies
from integstat.intake.take_in import Delivery
from integstat.intake.workbook_layout import REPLY
from integstat.intake.workbook_open import open_workbook

from .rings import Ring
from .workbook_samples import CITY, GOOD, LEGAL, NAME, WORK, damaged, read

ERROR = Problem(
    "error", "stadt.xlsx", "Blatt 'Arbeit', Zelle I5", "Formel statt Zahl", "bitte nur als Wert einfügen", CITY, "A1.main"
)
DOUBT = Problem("doubt", "stadt.xlsx", "Blatt 'Arbeit', Zellen I5, J7", "zwei Zellen", "bitte prüfen", CITY)
HINT = Problem("hint", "stadt.xlsx", "Blatt 'Kontext'", "allgemein", "nichts zu tun", CITY)


def opened(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))


def reply(*problems: Problem, content: bytes = GOOD) -> bytes:
    return marked(content, "stadt.xlsx", NAME, problems)


def colour(cell: Any) -> str:
    return str(cell.fill.fgColor.rgb)[-6:]


def test_the_cells_are_marked_by_the_worst_and_say_what_to_do() -> None:
    sheet = opened(reply(ERROR, DOUBT, HINT))["Arbeit"]
    assert [colour(sheet[name]) for name in ("I5", "J7", "I6")] == [COLOUR["error"], COLOUR["doubt"], "FFF7CC"]
    said = sheet["I5"].comment.text
    assert "Fehler: Formel statt Zahl; bitte nur als Wert einfügen." in said
    assert "Zweifel: zwei Zellen; bitte prüfen." in said
    assert sheet["I6"].comment is None


def test_a_sheet_in_front_lists_everything_errors_first() -> None:
    book = opened(reply(HINT, DOUBT, ERROR))
    assert book.sheetnames[0] == REPLY
    sheet = book[REPLY]
    assert sheet["A1"].value == "Rückmeldung an Musterstadt zu stadt.xlsx"
    assert sheet["A2"].value == "1 Fehler, 1 Zweifel, 1 Hinweis."
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=6, max_col=5)]
    assert rows[0] == ["Fehler", "Blatt 'Arbeit', Zelle I5", "Formel statt Zahl", "bitte nur als Wert einfügen", "A1.main"]
    assert [row[0] for row in rows] == ["Fehler", "Zweifel", "Hinweis"]
    assert sheet["B6"].hyperlink.location == "'Arbeit'!I5"
    assert sheet["B6"].hyperlink.target is None


def test_a_reply_can_be_corrected_and_sent_back() -> None:
    wrong = damaged(lambda book: book["Arbeit"].__setitem__("I5", "=5000+121"))
    before = read(wrong)
    back = marked(wrong, "stadt.xlsx", NAME, before.problems)
    assert colour(opened(back)["Arbeit"]["I5"]) == COLOUR["error"]
    corrected = read(damaged(lambda book: book["Arbeit"].__setitem__("I5", 5121), back))
    assert corrected.problems == []
    assert corrected.rows.equals(read(GOOD).rows)


def test_an_earlier_reply_leaves_no_mark() -> None:
    again = opened(marked(reply(ERROR, DOUBT), "stadt.xlsx", NAME, []))
    sheet = again["Arbeit"]
    assert [colour(sheet[name]) for name in ("I5", "J7")] == ["FFF7CC", "FFF7CC"]
    assert sheet["I5"].comment is None
    assert again.sheetnames.count(REPLY) == 1
    assert again[REPLY]["A2"].value == "Nichts zu beanstanden."
    assert not sheet["I5"].protection.locked
    assert sheet.protection.sheet


def test_a_comment_of_the_city_stays() -> None:
    from openpyxl.comments import Comment

    noted = damaged(lambda book: setattr(book["Arbeit"]["I5"], "comment", Comment("von uns", "Stadt")))
    once = reply(ERROR, content=noted)
    assert opened(once)["Arbeit"]["I5"].comment.text.startswith("von uns\n")
    assert opened(reply(content=once))["Arbeit"]["I5"].comment.text == "von uns"


def test_nothing_that_somebody_put_in_runs_in_a_reply() -> None:
    def harm(book: Any) -> None:
        book["Arbeit"]["S5"] = "=cmd|' /C calc'!A0"
        book["Arbeit"]["S6"] = '=HYPERLINK("http://x.example","hier")'
        book["Arbeit"]["S7"] = "='[1]Tabelle'!A1"
        book["Arbeit"]["S8"].hyperlink = "http://x.example"
        book["Anleitung"]["C6"] = "=2+2"
        book["Anleitung"]["C6"].data_type = "s"

    harmed = damaged(harm)
    problem = Problem("doubt", "stadt.xlsx", "Blatt 'Arbeit', Zelle S5", "=1+1", "@SUM(1)", CITY)
    book = opened(marked(harmed, "stadt.xlsx", "=2+2", [problem]))
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert {cell.column_letter for cell in cells} == {"K", "L", "N"}  # rates and hints
    assert not [cell.value for cell in cells if re.search(r"[|\[!]|HYPERLINK", cell.value)]
    assert book["Arbeit"]["S5"].value == "=cmd|' /C calc'!A0"
    assert book["Arbeit"]["S5"].quotePrefix
    assert book["Arbeit"]["S8"].hyperlink is None
    assert (book[REPLY]["C6"].value, book[REPLY]["C6"].data_type) == ("=1+1", "s")


def test_the_same_reply_has_the_same_bytes() -> None:
    assert reply(ERROR, DOUBT) == reply(ERROR, DOUBT)


@pytest.mark.parametrize(
    ("place", "cells"),
    [
        ("Blatt 'Arbeit', Zelle I7", [("Arbeit", "I7")]),
        ("Blatt 'Arbeit', Zellen I7, J8 und 3 weitere", [("Arbeit", "I7"), ("Arbeit", "J8")]),
        ("Blatt 'Arbeit', Zellen I5:J6", [("Arbeit", "I5"), ("Arbeit", "J6")]),
        ("stadt.xlsx, Blatt 'Arbeit', Zelle I5 / stadt.xlsx, Blatt 'Kontext', Zelle C6", [("Arbeit", "I5"), ("Kontext", "C6")]),
        ("Blatt 'Arbeit', Zeile 7", [("Arbeit", "A7")]),
        ("Blatt 'Arbeit', Zeilen 7, 9", [("Arbeit", "A7"), ("Arbeit", "A9")]),
        ("Blatt 'Arbeit', Spalte I", [("Arbeit", "I4")]),
        ("Blatt 'Arbeit'", []),
        ("Blatt 'Fremd', Zelle I7", []),
        ("Definition A1.main", []),
        ("", []),
    ],
)
def test_which_cells_a_place_names(place: str, cells: list[tuple[str, str]]) -> None:
    assert places(place, open_workbook(GOOD, "stadt.xlsx")) == cells


def test_what_another_file_of_the_city_says_is_listed_and_not_marked() -> None:
    other = Problem("error", "zweite.xlsx", "Blatt 'Arbeit', Zelle I5", "doppelt", "bitte eine streichen", CITY)
    book = opened(reply(other))
    assert colour(book["Arbeit"]["I5"]) == "FFF7CC"
    assert book[REPLY]["B6"].value == "zweite.xlsx, Blatt 'Arbeit', Zelle I5"


def test_merged_cells_are_marked_at_their_corner() -> None:
    wrong = damaged(lambda book: book["Arbeit"].merge_cells("I5:J6"))
    problem = Problem("error", "stadt.xlsx", "Blatt 'Arbeit', Zelle J6", "verbunden", "bitte lösen", CITY)
    assert colour(opened(reply(problem, content=wrong))["Arbeit"]["I5"]) == COLOUR["error"]


def test_what_cannot_be_opened_cannot_be_marked() -> None:
    with pytest.raises(UnreadableFile):
        reply(ERROR, content=b"PK")


@settings(max_examples=30, deadline=None)
@given(st.text(), st.text(), st.text())
def test_a_page_shows_any_text_and_runs_none(place: str, what: str, mend: str) -> None:
    written = page(what, [Problem("error", "stadt.csv", place, what, mend)])
    body = written.partition("<body>")[2]
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z][a-zA-Z0-9]*)", body))
    assert tags <= {"h1", "p", "table", "tr", "th", "td", "body", "html"}
    assert "default-src 'none'" in written


def test_how_much_was_found_in_words() -> None:
    assert counted([]) == "Nichts zu beanstanden."
    assert counted([ERROR, HINT, HINT]) == "1 Fehler, 0 Zweifel, 2 Hinweise."


def test_a_city_reads_of_itself_alone() -> None:
    book = read(GOOD)
    own = Problem("doubt", "stadt.xlsx", "Blatt 'Arbeit', Zelle J5", "springt", "bitte prüfen", CITY)
    other = Problem("doubt", "andere.xlsx", "Blatt 'Arbeit', Zelle J5", "springt", "bitte prüfen", "01002")
    shared = Problem("hint", "stadt.xlsx", "Blatt 'Arbeit', Zelle J11", f"'/' bei {CITY} (2021), 01002 (2020)", "nichts zu tun")
    told = problems_of(book, [own, other, shared], Catalogue({}, {"A1": WORK, "R1": LEGAL}, {}, (), ""))
    assert own in told
    assert not [one for one in told if "01002" in one.what or one.city == "01002"]


def tabular(ring: Ring) -> tuple[Delivery, Path]:
    ring.edit("01002,Kiel,2021,foreigners,322,1224", "01002,Kiel,2021,foreigners,3220,1224")
    return ring.take_in(), ring.folder / "data"


def test_cities_without_a_workbook_get_a_page(ring: Ring, tmp_path: Path) -> None:
    delivery, root = tabular(ring)
    written = write_replies(tmp_path / "out", delivery, root, ring.settings(), ring.catalogue)
    assert "01002-rueckmeldung.html" in [path.name for path in written]
    text = (tmp_path / "out" / "01002-rueckmeldung.html").read_text(encoding="utf-8")
    assert "Rückmeldung an Kiel" in text
    assert "größer als Nenner" in text
    assert "02000" not in text


def test_replies_never_lie_among_the_deliveries(ring: Ring) -> None:
    delivery, root = tabular(ring)
    for folder in (root, root / "antworten"):
        with pytest.raises(UsageError, match="hier liegen die Lieferungen"):
            write_replies(folder, delivery, root, ring.settings(), ring.catalogue)
        assert not list(root.rglob("*.html"))
    blocked = ring.folder / "datei"
    blocked.write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match="lässt sich nicht schreiben"):
        write_replies(blocked, delivery, root, ring.settings(), ring.catalogue)
