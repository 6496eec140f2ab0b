"""Steering cards: what they say is what the findings say; two pages each, whatever a delivery holds."""

from __future__ import annotations

import dataclasses
import re
import resource
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from html import unescape
from importlib import resources
from pathlib import Path

import pytest
from tests.report.multiverse import with_universes
from tests.report.rings import MAIN, MORE, ring

from integstat.report import ReportData
from integstat.report.cards import write, write_cards
from integstat.report.html import _environment
from integstat.report.view.cards import Card, Told, card_parts, cards_of
from integstat.report.view.lookup import Lookup, build_lookup
from integstat.report.words import CERTAINTY, DECLARED, STATES, certainty, state_of
from integstat.texts import Texts

PAGE = re.compile(rb"/Type ?/Page\b(?!s)")
MEASURES = ("relative_change", "change_against_peers", "standing")


def made(data: ReportData) -> tuple[Card, ...]:
    look = build_lookup(data, Texts("de"))
    return cards_of(look, card_parts(look))


@pytest.fixture(scope="module")
def data() -> ReportData:
    return ring(6, MAIN[:3])


@pytest.fixture(scope="module")
def twelve() -> ReportData:
    return with_universes(ring(12, (*MAIN, *MORE), draws=60))


@pytest.fixture(scope="module")
def look(twelve: ReportData) -> Lookup:
    return build_lookup(twelve, Texts("de"))


@pytest.fixture(scope="module")
def cards(look: Lookup) -> tuple[Card, ...]:
    return cards_of(look, card_parts(look))


def printed(look: Lookup, cards: Sequence[Card]) -> bytes:
    with write._compiler() as compiler:
        return write._pdf(compiler, look, cards, [write._fit(compiler, look, card, write._START) for card in cards])


def pages(content: Path | bytes) -> int:
    return len(PAGE.findall(content if isinstance(content, bytes) else content.read_bytes()))


def test_numbers_and_words_are_those_of_the_findings(look: Lookup, cards: tuple[Card, ...]) -> None:
    assert [card.key for card in cards] == [city.key for city in look.cities]
    shown = 0
    for city, card in zip(look.cities, cards, strict=True):
        for one, row in zip(look.indicators, card.rows, strict=True):
            cell = look.cell(city, one)
            state = state_of(cell)
            assert row.state == state and state in STATES
            assert row.certainty == (certainty(cell[f"p_{state}"], look.texts) if state in DECLARED else "")
            for name in MEASURES:
                drawn, step = getattr(row, name), one.rho_level if name == "standing" else one.rho
                if drawn is not None:
                    shown += 1
                    for part in ("mean", "lower", "upper"):  # the band is the step, so numbers in its multiples need no axis
                        assert getattr(drawn, part) / drawn.band == pytest.approx(cell[f"{name}_{part}"] / step)
                    assert drawn.text.startswith(look.texts.number(cell[f"{name}_mean"], one.digits, sign=True) + " (")
    assert shown > 100


def test_no_number_is_shown_where_none_is_to_be_read(cards: tuple[Card, ...]) -> None:
    silent = [row for card in cards for row in card.rows if row.state in ("capped", "missing")]
    assert silent
    assert all(getattr(row, name) is None for row in silent for name in MEASURES)


def test_axis_of_an_indicator_is_the_same_in_all_cities(cards: tuple[Card, ...]) -> None:
    for place in range(len(cards[0].rows)):
        for name in MEASURES:
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
    assert not any(card.changes for card in cards_of(plain, card_parts(plain)))


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
    written = sorted(path.relative_to(first) for path in first.rglob("*.pdf"))
    assert len(written) == 7 and pages(first / "cards.pdf") == 12
    assert all(pages(first / "cards" / f"{key}.pdf") == 2 for key in data.cities["city"])
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in written)
    whole = (first / "cards.pdf").read_bytes()
    assert b"pdfuaid" in whole and b"D:2022" in whole
    assert b"/JavaScript" not in whole and b"/URI" not in whole


def test_a_ring_without_findings_has_cards(data: ReportData) -> None:
    grid = data.findings.grid.assign(finding="open", finding_change="open", finding_level="open", counts_as_deficit=False)
    none = build_lookup(dataclasses.replace(data, findings=dataclasses.replace(data.findings, grid=grid)), Texts("de"))
    cards = cards_of(none, card_parts(none))
    assert not any(row.state in DECLARED for card in cards for row in card.rows)
    assert pages(printed(none, cards[:2])) == 4


def test_one_year_has_no_change() -> None:
    one = build_lookup(ring(6, MAIN[1:4], years=(2021,)), Texts("de"))
    cards = cards_of(one, card_parts(one))
    for card in cards:
        assert card.measures == ("standing",)
        assert all(row.relative_change is None and row.change_against_peers is None for row in card.rows)
        assert not any(row.begins and (row.begins.text or row.begins.word) for row in card.rows)
    assert pages(printed(one, cards[:2])) == 4


def test_a_field_is_drawn_in_steps_and_as_a_whole_from_its_joint_model(look: Lookup, cards: tuple[Card, ...]) -> None:
    table = look.data.beside.fields.set_index("city")
    wholes = []
    for city, card in zip(look.cities, cards, strict=True):
        begins = [
            (row.begins, [one.field for one in look.indicators].count(indicator.field), indicator)
            for row, indicator in zip(card.rows, look.indicators, strict=True)
            if row.begins
        ]
        assert len(begins) == len({one.field for one in look.indicators})
        for field, count, first in begins:
            strips = [getattr(field, name) for name in MEASURES]
            assert bool(field.alone) == (count == 1)
            if field.alone:
                assert strips == [None] * 3 and not field.word + field.text
                continue
            assert all(strip is None or 0 < len(strip.parts) <= count or strip.whole for strip in strips)
            own = table.loc[city.key]
            if own["field"] == first.field and own["field_change_mean"] == own["field_change_mean"]:
                whole = field.relative_change.whole
                assert whole.mean / whole.band == pytest.approx(own["field_change_mean"])
                assert whole.text in field.text and field.word
                wholes.append(whole)
            else:
                assert not field.word and (field.relative_change is None or field.relative_change.whole is None)
    assert len(wholes) == len(cards) - 1  # the city without figures has no statement


def test_indicators_of_a_field_stand_on_one_axis(look: Lookup, cards: tuple[Card, ...]) -> None:
    fields = [row.begins for card in cards for row in card.rows if row.begins and not row.begins.alone]
    strips = [strip for field in fields for strip in (field.relative_change, field.standing) if strip]
    bands = {round(one.band, 12) for strip in strips for one in (*strip.parts, *([strip.whole] if strip.whole else []))}
    assert len(bands) == 1  # a step is a step, in every city, field and measure
    assert all(part.text in strip.alt for strip in strips for part in strip.parts)


def test_without_peers_there_are_no_columns_against_them(data: ReportData) -> None:
    names = [f"{name}_{part}" for name in MEASURES[1:] for part in ("mean", "lower", "upper")]
    grid = data.findings.grid.assign(**dict.fromkeys(names, float("nan")))
    alone = dataclasses.replace(data, findings=dataclasses.replace(data.findings, grid=grid))
    assert {card.measures for card in made(alone)} == {("relative_change",)}


def test_long_names_and_texts_make_no_third_page_and_leave_letters_legible(twelve: ReportData) -> None:
    long = ["Sankt Johann im Oberen Tal an der Alten Straße, Kreisfreie Stadt " * 3, "Donaudampfschiff" * 20, "W" * 300]
    told = twelve.beside.partner_measures
    assert len(told)
    beside = dataclasses.replace(twelve.beside, partner_measures=told.assign(description="sehr lang " * 500))
    cities = twelve.cities.assign(name=[*long, *twelve.cities["name"][len(long) :]])
    data = dataclasses.replace(twelve, cities=cities, beside=beside, ring_name="Ring " * 100)
    look = build_lookup(data, Texts("de"))
    cards = [card for card in cards_of(look, card_parts(look)) if card.key in set(cities["city"][: len(long)])]
    with write._compiler() as compiler:
        fits = [write._fit(compiler, look, card, write._START) for card in cards]
        assert pages(write._pdf(compiler, look, cards, fits)) == 2 * len(long)
    assert all(page["size"] >= 8 and not page["over"] for fit in fits for page in fit)


def test_letters_are_the_largest_that_fit_and_at_least_8_points(look: Lookup, cards: tuple[Card, ...]) -> None:
    card = max(cards, key=lambda one: len(one.doubts))
    with write._compiler() as compiler:
        fit = write._fit(compiler, look, card, write._START)
        assert [page["size"] >= 8 and page["most"] >= 6 for page in fit] == [True, True]
        assert fit == write._fit(compiler, look, card, [{"place": 30}, {"place": 30}])  # wherever the search begins
        assert pages(write._pdf(compiler, look, [card], [fit])) == 2
        for place, step in ((0, 0.25), (1, 0.5)):
            larger = [dict(page) for page in fit]
            larger[place] |= {"size": fit[place]["size"] + step, "pad": 0, "left": 0}
            assert pages(write._pdf(compiler, look, [card], [larger])) == 3


def test_three_indicators_fill_the_pages_with_large_letters() -> None:
    look = build_lookup(ring(6, MAIN[2:5]), Texts("de"))
    card = cards_of(look, card_parts(look))[0]
    with write._compiler() as compiler:
        first, second = write._fit(compiler, look, card, write._START)
    assert first["size"] >= 11 and second["size"] >= 11
    assert first["pad"] > 5


def test_lists_without_end_are_shortened_before_letters_become_too_small(look: Lookup, cards: tuple[Card, ...]) -> None:
    many = tuple(Told(f"Indikator {i}", ("Ein Satz, der mehr sagt als nötig. " * 12,)) for i in range(14))
    card = dataclasses.replace(cards[0], doubts=many, changes=many, cannot=many, rows=cards[0].rows * 3)
    with write._compiler() as compiler:
        first, second = fit = write._fit(compiler, look, card, write._START)
        assert second["size"] == 8 and 0 < second["most"] < 14
        assert first["size"] == 6.5 and 12 < first["most"] < len(card.rows)
        assert pages(write._pdf(compiler, look, [card], [fit])) == 2
    assert "weitere Angaben stehen im Bericht" in look.texts.t("cards.more", n=14 - second["most"])


def test_the_page_shows_what_it_does_not_hold_already_and_escapes_it(look: Lookup, cards: tuple[Card, ...]) -> None:
    template = _environment().get_template("cards.html.j2")
    hostile = dataclasses.replace(cards[0], partners=(Told("<script>", ("<b>fett</b>",)),))
    text = template.render(card=hostile, t=look.texts.t)
    assert "<script>" not in text and "<b>fett" not in text and "&lt;script&gt;" in text
    for card in cards:
        html = template.render(card=card, t=look.texts.t)
        shown = unescape(html)
        assert len(html.encode()) < 6000  # 67 cities take less than 400 kB
        assert all(question in shown for question in card.questions)
        assert all(sentence in shown for told in card.partners for sentence in told.sentences)
        assert all(row.change_against_peers.text in shown for row in card.rows if row.change_against_peers)
        assert not any(sentence in shown for told in card.doubts for sentence in told.sentences if len(sentence) > 60)


@pytest.mark.slow
def test_cards_of_67_cities_take_less_than_half_a_minute_of_one_core_and_2_gib(tmp_path: Path) -> None:
    call = (
        "from pathlib import Path; from time import process_time as now; from tests.report.multiverse import with_universes\n"
        "from tests.report.rings import MAIN, MORE, ring; from integstat.report.cards import write_cards\n"
        "data = with_universes(ring(67, (*MAIN, *MORE))); start = now()\n"
        f"write_cards(data, Path({str(tmp_path)!r})); print(now() - start)"
    )
    run = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert float(run.stdout) < 30
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 2 * 1024**2
    assert pages(tmp_path / "cards.pdf") == 134


def test_both_languages_have_the_same_messages_and_placeholders() -> None:
    german, english = (_messages(language) for language in ("de", "en"))
    assert german.keys() == english.keys()
    for key, text in german.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", english[key])), key
        assert text != english[key] or not re.sub(r"{\w+}|\W", "", text), key


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
