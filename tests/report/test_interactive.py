"""The panel's data and script: what the page says, once more, and nothing that could do harm."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import math
import re
from html.parser import HTMLParser
from importlib import resources
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.report import ReportData, write_report
from integstat.report.interactive.choices import LETTERS, LOST, UNTOLD
from integstat.report.interactive.parts import as_json
from integstat.report.interactive.payload import COLUMNS, payload
from integstat.report.view import build_view
from integstat.report.view.lookup import build_lookup
from integstat.report.words import STATES, state_of
from integstat.sensitivity.universes import FINDINGS, NOT_THERE
from integstat.texts import Texts

from .multiverse import with_universes
from .rings import MAIN, MORE, ring

TEXTS = Texts("de")
HOSTILE = "</script><script>alert(1)</script><!--\u2028\u2029&amp;"
SCRIPT = (resources.files("integstat.report.interactive") / "script.js").read_text(encoding="utf-8")
MOST = 600_000 / (67 * 12 * 3)  # bytes for a definition of a city in a ring of 67 with twelve indicators in three definitions


class Scripts(HTMLParser):
    """Gathers scripts, by their type, and the content policy."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[list[str]] = []
        self.policy = ""
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag == "script"
        if self.inside:
            self.scripts.append([dict(attrs).get("type") or "", ""])
        if tag == "meta" and "Content-Security-Policy" in dict(attrs).values():
            self.policy = dict(attrs)["content"] or ""

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.scripts[-1][1] += data


def read(html: str) -> Scripts:
    reader = Scripts()
    reader.feed(html)
    reader.close()
    return reader


@pytest.fixture(scope="module")
def data() -> ReportData:
    """Two indicators in two definitions each, universes, and a city whose name would be a script."""
    made = with_universes(ring(8, (MAIN[1], MAIN[3]), draws=50))
    return dataclasses.replace(made, cities=made.cities.assign(name=[HOSTILE, *made.cities["name"].iloc[1:]]))


@pytest.fixture(scope="module")
def html(data: ReportData) -> str:
    return write_report(data, interactive=True)


@pytest.fixture(scope="module")
def told(html: str) -> dict[str, Any]:
    return dict(json.loads(read(html).scripts[0][1]))


def rows(told: dict[str, Any], city: int, indicator: int) -> list[dict[str, Any]]:
    return [dict(zip(told["columns"], row, strict=True)) for row in told["cells"][city][indicator]]


def unpacked(packed: str) -> list[str]:
    return [letter for letter, count in re.findall(r"([a-z.-])(\d*)", packed) for _ in range(int(count or 1))]


def test_the_policy_lets_exactly_the_script_run(html: str) -> None:
    page = read(html)
    assert [kind for kind, _ in page.scripts] == ["application/json", ""]
    digest = base64.b64encode(hashlib.sha256(page.scripts[1][1].encode()).digest()).decode()
    own = f"script-src 'sha256-{digest}'"
    assert page.policy == f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; {own}"


def test_the_rest_of_the_page_is_the_page_without(data: ReportData, html: str) -> None:
    style = (resources.files("integstat.report.interactive") / "panel.css").read_text(encoding="utf-8")
    without = re.sub(r"<script.*</script>\n", "", html, flags=re.S)
    without = re.sub(r"; script-src '[^']+'", "", without.replace(style, "", 1), count=1)
    assert [line for line in without.splitlines() if line] == [line for line in write_report(data).splitlines() if line]
    assert "<script" not in write_report(data)


def test_the_same_data_give_the_same_bytes(data: ReportData, html: str) -> None:
    assert write_report(data, interactive=True) == html


def test_the_script_asks_for_nothing_and_writes_only_text() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\(|setTimeout", SCRIPT)
    assert not re.search(r"fetch|XMLHttpRequest|import\b|https?:|localStorage|cookie|\bstyle\b|\.on[a-z]+\s*=", SCRIPT)
    assert "</script" not in SCRIPT
    assert "<!--" not in SCRIPT
    assert SCRIPT.isascii()


def test_the_main_rows_are_those_of_the_cities_tables(data: ReportData, told: dict[str, Any]) -> None:
    texts, known = told["texts"], build_view(data, TEXTS).cities
    assert [section.city.name for section in known] == [name for _, name in told["cities"]]
    for i, section in enumerate(known):
        for j, row in enumerate(section.rows):
            own = rows(told, i, j)[0]
            assert own["definition"] == 0
            assert told["states"][own["state"]][0] == row.state
            assert texts[own["word"]] == row.word
            assert texts[own["doubt"]] == row.certainty
            assert texts[own["caveat"]] == row.caveat
            assert [texts[place] for place in own["notes"]] == list(row.notes)
            assert own["level"] == f"{row.level_first} → {row.level_last}"
            for name in ("change", "relative", "standing"):
                measure = getattr(row, name)
                shown = [measure.value, measure.interval, measure.word] if measure.interval else []
                assert own[name][:2] + [texts[place] for place in own[name][2:]] == shown


def test_figures_are_drawn_from_what_is_shown(data: ReportData, told: dict[str, Any]) -> None:
    """No digit more than the numbers beside them, and no bar without numbers."""
    look, drawn = build_lookup(data, TEXTS), 0
    for i in range(len(told["cities"])):
        for j, one in enumerate(look.indicators):
            for row in rows(told, i, j):
                for shown, bar in ((row["change"], row["own_bar"]), (row["relative"], row["bar"])):
                    assert bool(shown) == bool(bar)
                    if bar:
                        drawn += 1
                        assert TEXTS.number(bar[0], one.digits, sign=True) == shown[0]
                        assert TEXTS.interval(bar[1], bar[2], one.digits) == shown[1]
                        assert all(value == round(value, one.digits) for value in bar)
    assert drawn > 25


def test_other_definitions_say_what_their_line_in_the_page_says(data: ReportData, told: dict[str, Any]) -> None:
    view, look = build_view(data, TEXTS), build_lookup(data, TEXTS)
    frame = {(str(row["city"]), str(row["definition"])): row for _, row in data.findings.others.iterrows()}
    of, seen = data.findings.others.groupby("indicator")["definition"].unique(), 0
    for i, section in enumerate(view.cities):
        for j, one in enumerate(look.indicators):
            names = list(of.get(one.id, ()))
            others = rows(told, i, j)[1:]
            assert len(others) == len(section.rows[j].others)
            for row, line in zip(others, section.rows[j].others, strict=True):
                found = frame[section.city.key, names[row["definition"] - 1]]
                seen += 1
                assert told["states"][row["state"]][0] == state_of(found)
                said = [told["texts"][row["word"]], told["texts"][row["doubt"]].partition("(")[2].rstrip(")"), row["level"]]
                said += [*row["relative"][:1], *row["relative"][1:2]]
                for part in filter(None, said):
                    assert part in line
                assert not (row["change"] or row["standing"] or row["own_bar"] or row["notes"] or row["caveat"])
    assert seen == len(frame)


def test_one_axis_holds_all_definitions(data: ReportData, told: dict[str, Any]) -> None:
    look = build_lookup(data, TEXTS)
    for one, shown in zip(look.indicators, told["indicators"], strict=True):
        assert shown["axis"] >= one.axis
        assert len(shown["steps"]) == len(shown["definitions"])
        assert shown["steps"][0] == round(one.rho, one.digits)
        columns = ["relative_change_lower", "relative_change_upper"]
        others = data.findings.others[data.findings.others["indicator"] == one.id]
        for _, part in others.groupby("definition"):
            ends = np.abs(part[columns].to_numpy())
            assert np.mean(ends[np.isfinite(ends)] <= shown["axis"]) >= 0.85  # far outlying ones end in an arrow


def test_findings_under_one_other_choice_are_those_of_the_universes(data: ReportData, told: dict[str, Any]) -> None:
    assert data.sensitivity is not None
    look, axes, seen = build_lookup(data, TEXTS), data.sensitivity.space.axes, set()
    letters = {FINDINGS.index(str(state)): letter for state, letter in LETTERS.items()} | {NOT_THERE: LOST}
    for i, city in enumerate(look.cities):
        for j, one in enumerate(look.indicators):
            story = data.sensitivity.explained.stories[one.id].universes
            place, packed = story.cities.index(city.key), rows(told, i, j)[0]["otherwise"]
            wanted = [(axis, taken) for axis, each in enumerate(axes) for taken in range(1, len(each.alternatives))]
            out = []
            for axis, taken in [(0, 0), *wanted]:
                choice = np.zeros(story.choice.shape[1], dtype=int)
                choice[axis] = taken
                row = int(np.flatnonzero((story.choice == choice).all(axis=1))[0])
                out.append(letters[int(story.finding[row, place])])
            assert unpacked(packed) == (out if packed else [])
            assert bool(packed) == (told["states"][rows(told, i, j)[0]["state"]][0] not in ("missing", "context"))
            seen |= set(out)
    assert {"s", "d", "o"} & seen
    assert len(told["choices"]) == len(axes)
    assert [len(names) for *_, names in told["choices"]] == [len(axis.alternatives) - 1 for axis in axes]


def test_a_universe_that_is_not_there_or_not_this_citys_is_not_told(data: ReportData) -> None:
    assert data.sensitivity is not None
    explained = data.sensitivity.explained
    story = next(iter(explained.stories.values()))
    one = story.universes
    keep = np.flatnonzero(~((one.choice[:, 1] == 1) & (np.count_nonzero(one.choice, axis=1) == 1)))  # without 'ohne Land' alone
    applies = one.applies.copy()
    applies[one.choice[:, 2] == 1, 0] = False  # a city is left out
    fewer = dataclasses.replace(
        one,
        choice=one.choice[keep],
        number=one.number[keep],
        definition=tuple(one.definition[i] for i in keep),
        weight=one.weight[keep],
        probability={name: values[keep] for name, values in one.probability.items()},
        finding=one.finding[keep],
        applies=applies[keep],
        reason=tuple(one.reason[i] for i in keep),
    )
    stories = explained.stories | {one.indicator: dataclasses.replace(story, universes=fewer)}
    shown = dataclasses.replace(data.sensitivity, explained=dataclasses.replace(explained, stories=stories))
    look = build_lookup(dataclasses.replace(data, sensitivity=shown), TEXTS)
    told = json.loads(as_json(payload(look, build_view(data, TEXTS).cities)))
    indicator = next(j for j, each in enumerate(look.indicators) if each.id == one.indicator)
    packed = {
        city.key: unpacked(rows(told, i, indicator)[0]["otherwise"]) for i, city in enumerate(look.cities)
    }  # own, 3 groups, Land, 8 cities
    assert {letters[4] for letters in packed.values() if letters} == {UNTOLD}
    for key, letters in packed.items():
        if letters:
            assert (letters[5] == UNTOLD) == (key == one.cities[0])


def test_a_name_that_would_be_a_script_stays_text(html: str, told: dict[str, Any]) -> None:
    page = read(html)
    assert [kind for kind, _ in page.scripts] == ["application/json", ""]
    assert page.scripts[1][1] == SCRIPT
    assert HOSTILE in {name for _, name in told["cities"]}


@settings(max_examples=50)
@given(st.lists(st.lists(st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False))))
def test_json_comes_back_and_can_end_nothing(content: Any) -> None:
    text = as_json(content)
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == content


def test_json_refuses_what_no_reader_takes() -> None:
    with pytest.raises(ValueError, match="JSON"):
        as_json([math.nan])


def test_one_year_has_levels_and_no_changes_and_without_universes_there_are_no_choices() -> None:
    data = ring(8, MAIN[3:5], (), years=(2021,), draws=50)
    told = json.loads(read(write_report(data, interactive=True)).scripts[0][1])
    assert told["labels"]["level"] == TEXTS.t("city.column_level_one_year", last="2021")
    cells = [row for i in range(8) for j in range(2) for row in rows(told, i, j)]
    assert all(row["level"] and "→" not in row["level"] for row in cells)
    assert not [row for row in cells if row["change"] or row["relative"] or row["bar"] or row["own_bar"]]
    assert told["choices"] == []
    assert {row["otherwise"] for row in cells} == {""}
    assert told["states"][STATES.index("deficit")][2] == TEXTS.t("legend_one_year.deficit")


def test_the_panel_speaks_english(data: ReportData) -> None:
    texts = Texts("en")
    told = json.loads(read(write_report(data, "en", interactive=True)).scripts[0][1])
    assert told["labels"]["heading"] == texts.t("interactive.heading")
    assert [word for _, word, _ in told["states"]] == [texts.t(f"word.{state}") for state in STATES]
    assert not re.search(r"\d,\d", "".join(row["level"] for i in range(8) for row in rows(told, i, 0)))


def test_the_columns_are_told(told: dict[str, Any]) -> None:
    assert tuple(told["columns"]) == COLUMNS
    assert {len(row) for line in told["cells"] for cell in line for row in cell} == {len(COLUMNS)}


@pytest.mark.slow
def test_a_large_ring_stays_small() -> None:
    """67 cities with twelve indicators in three definitions each, and universes of 18 choices."""
    main = (*MAIN, *MORE)
    catalogue = ring(8, MAIN[:1], (), draws=50).catalogue
    own = {one[0].split(".")[0]: one for one in main}
    others: list[tuple[str, float, int, float, float]] = []
    for name, (definition, *rest) in own.items():
        more = [f"{name}.{one.id}" for one in catalogue.indicator(name).definition if f"{name}.{one.id}" != definition]
        others += [(one, *rest) for one in more[:2]]
    data = with_universes(ring(67, main, tuple(others), draws=50))
    size = len(read(write_report(data, interactive=True)).scripts[0][1].encode())
    cells = 67 * (len(main) + len(others))
    assert len(others) >= 15
    assert size / cells < MOST
