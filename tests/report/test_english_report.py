"""The report in English: every sentence of ours, and every name that has an English one; what cities send stays as it came."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from integstat.report import ReportData, write_report
from integstat.report.cards import write_cards
from integstat.texts import Texts

from .multiverse import with_universes
from .rings import MAIN, ring


@pytest.fixture(scope="module")
def data() -> ReportData:
    return with_universes(ring(12, MAIN[2:5]))


@pytest.fixture(scope="module")
def page(data: ReportData) -> str:
    return write_report(data, "en")


def test_headings_and_names_are_english(page: str, data: ReportData) -> None:
    assert '<html lang="en">' in page
    headings = [unescape(re.sub("<[^>]+>", "", one)) for one in re.findall(r"<h2[^>]*>(.*?)</h2>", page, re.S)]
    english = {Texts("en").t(key) for key in Texts("en").keys if key.endswith(".heading")}
    assert len(headings) > 8
    assert set(headings) <= english
    shown = unescape(page)
    for definition in data.main.values():
        indicator, entry = data.catalogue.definition(definition)
        assert indicator.name_en in shown
        assert entry.name_en in shown
        assert indicator.name_de not in shown


def test_no_message_of_the_german_report_is_in_it(page: str) -> None:
    german, english, shown = Texts("de"), Texts("en"), unescape(page)
    plain = {key for key in german.keys if isinstance(german._messages[key], str)}
    whole = {key for key in plain if "{" not in str(german._messages[key]) and len(str(german._messages[key])) > 25}
    assert len(whole) > 60
    assert not {key for key in whole if german.t(key) != english.t(key) and german.t(key) in shown}


def test_numbers_are_written_in_english(page: str) -> None:
    inside = re.sub(r"<(style|svg)\b.*?</\1>", "", page, flags=re.S)
    text = unescape(re.sub("<[^>]+>", " ", inside))
    assert re.search(r"\d\.\d", text)
    assert not re.findall(r"\d,\d(?!\d\d)", text)


def test_cards_in_english(data: ReportData, tmp_path: Path) -> None:
    write_cards(data, tmp_path, "en")
    assert b"/Lang(en)" in (tmp_path / "cards.pdf").read_bytes()
    assert len(list((tmp_path / "cards").iterdir())) == len(data.cities)
