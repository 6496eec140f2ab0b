"""The report as a whole: well-formed, closed to the network, complete, and in agreement with the findings."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from integstat.errors import ReportError
from integstat.report import ReportData, write_report
from integstat.report.view import build_view
from integstat.report.words import certainty, state_of
from integstat.texts import Texts

from .rings import MAIN, ring

TEXTS = Texts("de")
VOID = {"meta", "br", "img", "input", "hr", "link"}
WORDS = {"success": "Erfolg", "deficit": "Defizit", "stable": "stabil", "open": "offen"}


class Reader(HTMLParser):
    """Checks that tags nest, and gathers text, attributes, ids and headings."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.tags: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.stack.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        for name, value in attrs:
            self.attributes.append((tag, name, value or ""))
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.links.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.stack[-1:] == [tag], f"</{tag}> closes nothing"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] != "style":
            self.text.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.stack == []
    return reader


@pytest.fixture(scope="module")
def data() -> ReportData:
    return ring()


@pytest.fixture(scope="module")
def html(data: ReportData) -> str:
    return write_report(data)


@pytest.fixture(scope="module")
def page(html: str) -> Reader:
    return read(html)


def test_nothing_is_asked_of_the_network(html: str, page: Reader) -> None:
    assert "http:" not in html
    assert "https:" not in html
    assert not page.tags & {"script", "link", "iframe", "img", "object", "embed", "form", "base"}
    assert not re.search(r"url\(|@import|javascript:", html)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    policy = next(value for tag, name, value in page.attributes if tag == "meta" and "default-src" in value)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_anchors_lead_somewhere(page: Reader) -> None:
    assert len(page.ids) == len(set(page.ids))
    assert page.links
    assert {link for link in page.links if not link.startswith("#")} == set()
    assert {link[1:] for link in page.links} <= set(page.ids)


def test_headings_are_in_order(page: Reader) -> None:
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))


def test_language_and_first_link(html: str, page: Reader) -> None:
    assert html.startswith('<!DOCTYPE html>\n<html lang="de">')
    assert page.links[0] == "#inhalt"


def test_same_data_same_bytes(data: ReportData, html: str) -> None:
    assert write_report(data) == html
    assert write_report(ring()) == html


def test_every_city_and_indicator(data: ReportData, page: Reader) -> None:
    text = " ".join(page.text)
    for city in data.cities["city"]:
        assert f"stadt-{city}" in page.ids
    for name in data.cities["name"]:
        assert text.count(name) >= 3
    for indicator in data.main:
        assert text.count(data.catalogue.indicator(indicator).name_de) >= len(data.cities)


def test_words_agree_with_the_findings(data: ReportData) -> None:
    view = build_view(data, TEXTS)
    grid = data.findings.grid.set_index(["city", "definition"])
    seen = set()
    for row in view.grid.rows:
        for cell, indicator in zip(row.cells, view.grid.indicators, strict=True):
            found = grid.loc[(row.city.key, indicator.definition)]
            seen.add(cell.state)
            if cell.state in WORDS:
                assert bool(found["eligible"])
                assert found["finding"] == cell.state
                assert cell.word.startswith(WORDS[cell.state])
            else:
                assert found["finding"] == "open"
                assert not found["eligible"]
            if cell.state in ("success", "deficit", "stable"):
                assert cell.probability == TEXTS.percent(float(found[f"p_{cell.state}"]))
                assert found[f"p_{cell.state}"] >= data.settings.floor
    assert seen == {"success", "deficit", "stable", "open", "capped", "missing", "context"}
    for section in view.cities:
        cells = next(row.cells for row in view.grid.rows if row.city.key == section.city.key)
        assert [cell.state for cell in cells] == [row.state for row in section.rows]
        assert [cell.word for cell in cells] == [row.word for row in section.rows]


def test_the_head_counts_what_stands(data: ReportData) -> None:
    view, grid = build_view(data, TEXTS), data.findings.grid
    for tile in view.head.tiles:
        states = grid["counts_as_deficit"] if tile.state == "deficit" else grid.apply(state_of, axis=1) == tile.state
        wanted = int(states.sum())  # a success from a poor level counts in both
        assert tile.number == TEXTS.number(wanted, 0)
    kinds = data.findings.kinds.set_index("kind")
    success = next(tile for tile in view.head.tiles if tile.state == "success")
    assert TEXTS.number(float(kinds.loc["success", "expected_wrong"]), 1) in success.wrong
    assert "Mindestsicherungsquote" in " ".join(view.head.ring)


def test_capped_cells_name_their_reason(data: ReportData) -> None:
    view = build_view(data, TEXTS)
    lower_saxony = set(data.cities.loc[data.cities["land"] == "03", "city"])
    assert lower_saxony
    for section in view.cities:
        row = next(row for row in section.rows if row.indicator.definition == "E3.leavers")
        assert (row.state == "capped") == (section.city.key in lower_saxony)
        assert ("neunjährigen Gymnasium" in " ".join(row.notes)) == (section.city.key in lower_saxony)
        assert any("feste Basis" in line for line in row.others)  # the other definition is told beside it
    gap = next(one for one in view.gap.indicators if one.indicator.id == "E3")
    assert "neunjährigen Gymnasium" in gap.reasons[0]
    assert all(row.word == "offen" and row.reference != "–" for row in gap.rows if row.city.key in lower_saxony)


def test_comparison_within_the_land_is_told(data: ReportData) -> None:
    view = build_view(data, TEXTS)
    rows = [(section.city, row) for section in view.cities for row in section.rows if row.indicator.definition == "E2.grade_8"]
    assert all("desselben Landes" in row.unit for _, row in rows)
    alone = [row for city, row in rows if city.land == "03"]  # four cities: fewer than five others
    assert alone
    assert all(row.state in ("open", "deficit") and "desselben Landes" in row.notes[0] for row in alone)


def test_undelivered_cells_are_not_estimable(data: ReportData) -> None:
    rows = [row for section in build_view(data, TEXTS).cities for row in section.rows if row.indicator.id == "A1"]
    missing = [row for row in rows if row.state == "missing"]
    assert len(missing) == 2
    assert all(row.relative.value == "–" and not row.figure for row in missing)


def test_a_success_does_not_claim_to_last(data: ReportData) -> None:
    rows = [row for section in build_view(data, TEXTS).cities for row in section.rows if row.state == "success"]
    assert rows
    assert all(any("lässt sich aus zwei Jahren nicht beurteilen" in note for note in row.notes) for row in rows)


def test_a_success_may_last_with_history(data: ReportData) -> None:
    told = data.findings.grid.assign(lasting_source="history")
    known = dataclasses.replace(data, findings=dataclasses.replace(data.findings, grid=told))
    grid = told.set_index(["city", "definition"])
    seen = set()
    for section in build_view(known, TEXTS).cities:
        for row in section.rows:
            if row.state == "success":
                likely = grid.loc[(section.city.key, row.indicator.definition), "p_lasting"] >= data.settings.lasting_threshold
                assert any("Bleibt wahrscheinlich" in note for note in row.notes) == likely
                seen.add(bool(likely))
    assert True in seen


def test_gap_has_its_own_words(data: ReportData) -> None:
    view = build_view(data, TEXTS)
    assert {one.indicator.id for one in view.gap.indicators} == {"E2", "E3", "A1", "L2"}
    words = {"narrowed": "verringert", "widened": "vergrößert", "unchanged": "unverändert", "open": "offen"}
    ahead = words | {"narrowed": "Vorsprung gewachsen", "widened": "Vorsprung geschrumpft"}
    seen = set()
    grid = data.findings.grid.set_index(["city", "definition"])
    for one in view.gap.indicators:
        assert sum(int(count) for count in one.counts) == len(data.cities)
        for row in one.rows:
            found = grid.loc[(row.city.key, one.indicator.definition)]
            leads = one.indicator.polarity * (found["level_first"] - found["reference_first"]) > 0
            assert row.word == (ahead if leads else words)[found["finding_gap"]]
            seen.add(row.word)
            assert row.conflict == bool(found["scale_conflict"])
            if row.kind == "narrowed" and row.split == "Zielgruppe verbessert":
                assert found["gap_target_points"] > 0
                assert found["gap_reference_points"] >= 0
    assert {"verringert", "vergrößert", "Vorsprung geschrumpft"} <= seen


def test_numbers_are_german(page: Reader) -> None:
    text = " ".join(page.text)
    assert not re.search(r"[\s(\[]-\d", text)  # no hyphen as a minus
    plain = re.sub(r"\b\d+(\.\d+){2,}\b|0\.1\.0", "", text)  # versions
    assert not re.search(r"\d\.\d{1,2}(?!\d)(?! je)", plain)  # no decimal point
    assert re.search(r"[+−]\d+,\d", text)
    assert re.search(r"\d\u202f%", text)
    assert not re.search(r"\d %", re.sub(r"35 %|15 %", "", text))  # but for the breaks of the catalogue
    assert not re.search(r"\bnan\b", text, re.IGNORECASE)
    assert "None" not in text


def test_names_stay_text(data: ReportData) -> None:
    cities = data.cities.copy()
    cities.loc[0, "name"] = "<script>alert('x')</script>"
    grid = data.findings.grid.copy()
    problems = data.problems.copy()
    problems.loc[0, "what"] = "<img src=x onerror=alert(1)>"
    versions = {'a"><b>': "1"}
    evil = dataclasses.replace(
        data,
        cities=cities,
        problems=problems,
        versions=versions,
        ring_name="R & <b>",
        findings=dataclasses.replace(data.findings, grid=grid),
    )
    page = read(write_report(evil))
    assert not page.tags & {"script", "img"}
    assert "<script>alert('x')</script>" in " ".join(page.text)
    assert "Integration im Vergleich: R & <b>" in page.text


def test_many_problems_of_a_kind_are_folded(data: ReportData, page: Reader) -> None:
    kinds = build_view(data, TEXTS).problems.kinds
    assert [(kind.word, len(kind.rows), kind.more) for kind in kinds] == [
        ("Zweifel", 15, "und 5 weitere Fälle derselben Art"),
        ("Hinweis", 1, ""),
    ]
    assert "20 Zweifel und ein Hinweis" in " ".join(page.text)


def test_no_problems() -> None:
    data = ring(count=8, problems=pd.DataFrame(columns=["severity", "file", "place", "what", "mend", "city", "definition"]))
    assert "nichts beanstandet" in write_report(data)


def test_one_year() -> None:
    data = ring(count=14, years=(2021,))
    page = read(write_report(data))
    text = " ".join(page.text)
    assert "Berichtsjahr 2021" in text
    assert not re.search("2020 →|2020 auf|aus zwei Jahren", text)
    assert "Für ein einzelnes Jahr gibt es keine Veränderung des Abstands" in text
    view = build_view(data, TEXTS)
    assert {row.state for section in view.cities for row in section.rows} & {"deficit"}
    assert not view.gap.indicators
    assert [tile.state for tile in view.head.tiles] == ["deficit", "open"]
    assert "success" not in {state for state, *_ in view.grid.legend}


def test_without_peer_groups(data: ReportData) -> None:
    alone = dataclasses.replace(data, partitions=None, peers=data.peers.iloc[:0])
    assert "keine Städtegruppen gebildet" in " ".join(read(write_report(alone)).text)


def test_small_ring_says_so() -> None:
    text = " ".join(read(write_report(ring(count=9))).text)
    assert "Der Ring hat nur 9 Städte" in text


def test_nothing_to_report(data: ReportData) -> None:
    empty = dataclasses.replace(data.findings, grid=data.findings.grid.iloc[:0])
    with pytest.raises(ReportError, match="Hauptdefinition"):
        write_report(dataclasses.replace(data, findings=empty))


def test_an_indicator_without_a_model_is_named(data: ReportData) -> None:
    more = dataclasses.replace(data, main=data.main | {"W1": "W1.census"})
    assert "Wohnfläche je Person" in " ".join(build_view(more, TEXTS).head.cannot)


def test_a_large_ring_stays_small() -> None:
    many = tuple(
        (f"{one}", -1.5, 2, 0.1, 0.0)
        for one in ("K1.residence", "A3.share_15_24", "L4.under_15", "A5.all_employees", "G1.with_booklet", "L3.age_65_plus")
    )
    html = write_report(ring(count=67, main=(*MAIN, *many), draws=50))
    assert len(html.encode()) < 6e6
    read(html)


@pytest.mark.parametrize(
    ("p", "word"),
    [
        (0.95, "sehr wahrscheinlich (95\u202f%)"),
        (0.949, "sehr wahrscheinlich (95\u202f%)"),
        (0.94, "wahrscheinlich (94\u202f%)"),
        (0.8, "wahrscheinlich (80\u202f%)"),
        (0.6, "eher wahrscheinlich (60\u202f%)"),
        (0.001, "sehr unwahrscheinlich (<\u202f1\u202f%)"),
        (np.nan, ""),
    ],
)
def test_vocabulary(p: float, word: str) -> None:
    assert certainty(p, TEXTS) == word


def test_colours_have_contrast() -> None:
    """Every colour of words keeps 4.5 to 1 against every ground it stands on, in both themes."""
    from importlib import resources

    css = (resources.files("integstat.report") / "report.css").read_text(encoding="utf-8")
    themes = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", block)) for block in re.findall(r":root \{(.*?)\}", css, re.S)[:2]
    ]
    for theme in themes:
        for ground in ("paper", "raised", "good-bg", "bad-bg", "even-bg", "banner"):
            for ink in ("ink", "soft", "link", "good", "bad", "even"):
                if ground == "banner" and ink != "ink":
                    continue
                if ground.endswith("-bg") and ink in ("good", "bad", "even", "link") and ground != f"{ink}-bg":
                    continue
                assert contrast(theme[ink], theme[ground]) >= 4.5, (ink, ground, theme)


def contrast(first: str, second: str) -> float:
    """Contrast of two colours (WCAG 2)."""

    def light(colour: str) -> float:
        digits = colour.lstrip("#")
        digits = "".join(2 * one for one in digits) if len(digits) == 3 else digits
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(first), light(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)
