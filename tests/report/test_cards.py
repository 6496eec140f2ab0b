"""Steering cards: what they say is what the findings say; two pages each, whatever a delivery holds."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest
from tests.report.multiverse import with_universes
from tests.report.rings import ring

from integstat.report import ReportData
from integstat.report.cards import Card, cards_of, write_cards
from integstat.report.view.lookup import Lookup, build_lookup
from integstat.report.words import CERTAINTY, DECLARED, STATES, certainty, state_of
from integstat.texts import Texts

PAGE = re.compile(rb"/Type ?/Page\b(?!s)")


@pytest.fixture(scope="module")
def data() -> ReportData:
    return ring(6)


@pytest.fixture(scope="module")
def look() -> Lookup:
    return build_lookup(with_universes(ring(24)), Texts("de"))


@pytest.fixture(scope="module")
def cards(look: Lookup) -> tuple[Card, ...]:
    return cards_of(look)


def pages(file: Path) -> int:
    return len(PAGE.findall(file.read_bytes()))


def test_numbers_and_words_are_those_of_the_findings(look: Lookup, cards: tuple[Card, ...]) -> None:
    assert [card.key for card in cards] == [city.key for city in look.cities]
    for city, card in zip(look.cities, cards, strict=True):
        for one, row in zip(look.indicators, card.rows, strict=True):
            cell = look.cell(city, one)
            state = state_of(cell)
            assert row.state == state and state in STATES
            assert row.certainty == (certainty(cell[f"p_{state}"], look.texts) if state in DECLARED else "")
            if row.change is not None:
                for part in ("mean", "lower", "upper"):
                    shown = getattr(row.change, part) * one.axis
                    assert shown == pytest.approx(cell[f"relative_change_{part}"])
                assert look.texts.number(cell["relative_change_mean"], one.digits, sign=True) in row.change.text


def test_no_number_is_shown_where_none_is_to_be_read(cards: tuple[Card, ...]) -> None:
    silent = [row for card in cards for row in card.rows if row.state in ("capped", "missing")]
    assert silent
    assert all(row.change is None and row.standing is None for row in silent)


def test_axis_of_an_indicator_is_the_same_in_all_cities(cards: tuple[Card, ...]) -> None:
    for place in range(len(cards[0].rows)):
        for name in ("change", "standing"):
            drawn = [getattr(card.rows[place], name) for card in cards]
            assert len({round(one.band, 12) for one in drawn if one is not None}) <= 1


def test_vocabulary_is_explained_with_figures(cards: tuple[Card, ...]) -> None:
    texts = Texts("de")
    assert [word for word, _ in cards[0].words] == [texts.t(f"certainty.{key}") for _, key in CERTAINTY]
    assert all("%" in span for _, span in cards[0].words)


def test_findings_say_what_would_change_them_where_other_choices_were_computed(look: Lookup, cards: tuple[Card, ...]) -> None:
    declared = {card.key for card in cards if any(row.state in DECLARED for row in card.rows)}
    assert {card.key for card in cards if card.changes} == declared
    plain = dataclasses.replace(look, data=dataclasses.replace(look.data, sensitivity=None))
    assert not any(card.changes for card in cards_of(plain))


def test_a_broken_series_raises_a_question(cards: tuple[Card, ...]) -> None:
    for card in cards:
        broken = any(row.state == "capped" for row in card.rows)
        assert any("gebrochen" in question for question in card.questions) == broken


def test_two_pages_per_city_with_hostile_names_and_the_same_bytes(data: ReportData, tmp_path: Path) -> None:
    names = ['#eval("1")', "<script>", "$x$ *fett* \\", "]#pagebreak()[", "Stadt \U0001f600", "=1+1"]
    data = dataclasses.replace(data, cities=data.cities.assign(name=names))
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        write_cards(data, folder)
    made = sorted(path.relative_to(first) for path in first.rglob("*.pdf"))
    assert len(made) == 7 and pages(first / "cards.pdf") == 12
    assert all(pages(first / "cards" / f"{key}.pdf") == 2 for key in data.cities["city"])
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in made)
    whole = (first / "cards.pdf").read_bytes()
    assert b"pdfuaid" in whole and b"D:2022" in whole
    assert b"/JavaScript" not in whole and b"/URI" not in whole


def test_a_ring_without_findings_has_cards(data: ReportData, tmp_path: Path) -> None:
    grid = data.findings.grid.assign(finding="open", finding_change="open", finding_level="open", counts_as_deficit=False)
    none = dataclasses.replace(data, findings=dataclasses.replace(data.findings, grid=grid))
    assert not any(row.state in DECLARED for card in cards_of(build_lookup(none, Texts("de"))) for row in card.rows)
    write_cards(none, tmp_path)
    assert pages(tmp_path / "cards.pdf") == 12


def test_one_year_has_no_change(tmp_path: Path) -> None:
    one = ring(6, years=(2021,))
    assert all(row.change is None for card in cards_of(build_lookup(one, Texts("de"))) for row in card.rows)
    write_cards(one, tmp_path)
    assert pages(tmp_path / "cards.pdf") == 12


def test_long_texts_of_deliveries_do_not_make_a_third_page(data: ReportData, tmp_path: Path) -> None:
    told = data.beside.partner_measures
    assert len(told)
    beside = dataclasses.replace(data.beside, partner_measures=told.assign(description="sehr lang " * 500))
    write_cards(dataclasses.replace(data, beside=beside), tmp_path)
    assert pages(tmp_path / "cards.pdf") == 12


def test_both_languages_have_the_same_messages_and_placeholders() -> None:
    german, english = (_messages(language) for language in ("de", "en"))
    assert german.keys() == english.keys()
    for key, text in german.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", english[key])), key
        assert text != english[key] or key == "cards.partner"


def _messages(language: str) -> dict[str, str]:
    file = resources.files("integstat.texts") / language / "cards.toml"
    found: dict[str, str] = {}
    trees = [("", tomllib.loads(file.read_text(encoding="utf-8")))]
    while trees:
        prefix, tree = trees.pop()
        for name, value in tree.items():
            if isinstance(value, dict):
                trees.append((f"{prefix}{name}.", value))
            else:
                found[prefix + name] = value
    return found
