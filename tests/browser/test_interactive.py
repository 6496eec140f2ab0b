"""The panel as a person meets it: picked by keyboard, read, moved; absent without a script and on paper."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integstat.report import ReportData, write_report
from integstat.report.figures import Bar, intervals
from integstat.report.interactive.payload import payload
from integstat.report.view import ReportView, build_view
from integstat.report.view.lookup import build_lookup
from integstat.report.words import DECLARED, certainty, state_of
from integstat.sensitivity.universes import FINDINGS
from integstat.texts import Texts
from report.multiverse import AXES, with_universes
from report.rings import MAIN, ring

from .test_report_page import BROADER, CHROMIUM, CLIPPED, OVERLAPPING, PALE, WIDTHS, api, axe, focused

TEXTS = Texts("de")
T = TEXTS.t
HOSTILE = "<script>alert(1)</script>"
INDICATORS = (MAIN[1], MAIN[3])  # both have been delivered in another definition too


@pytest.fixture(scope="module")
def data() -> ReportData:
    made = with_universes(ring(8, INDICATORS, draws=50))
    return dataclasses.replace(made, cities=made.cities.assign(name=[HOSTILE, *made.cities["name"].iloc[1:]]))


@pytest.fixture(scope="module")
def view(data: ReportData) -> ReportView:
    return build_view(data, TEXTS)


@pytest.fixture(scope="module")
def file(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("interactive") / "report.html"
    written.write_text(write_report(data, interactive=True), encoding="utf-8")
    return written


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    # closed after this module: while it runs, no other event loop may start
    if not CHROMIUM.exists():
        pytest.skip("there is no Chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def heard() -> list[str]:
    """What the page said in the console, threw, or asked for beside itself."""
    return []


@pytest.fixture(scope="module")
def opened(browser: Any, file: Path, heard: list[str]) -> Any:
    context = browser.new_context(reduced_motion="reduce")
    context.set_offline(True)
    page = context.new_page()
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.extend([request.url] if request.url.split("#")[0] != file.as_uri() else []))
    page.on("dialog", lambda dialog: pytest.fail("a script ran"))
    page.goto(file.as_uri())
    return page


@pytest.fixture
def page(opened: Any) -> Any:
    """Return the page on a wide light screen, with all fields to pick from."""
    opened.set_viewport_size({"width": WIDTHS[0], "height": 900})
    opened.emulate_media(media="screen", color_scheme="light")
    opened.locator("#auswahl-field").select_option("")
    return opened


def pick(page: Any, city: int, indicator: int, definition: int = 0) -> None:
    for name, value in (("city", city), ("indicator", indicator), ("definition", definition)):
        page.locator(f"#auswahl-{name}").select_option(str(value))


def test_a_finding_its_interval_and_its_doubt_by_keyboard(page: Any, view: ReportView) -> None:
    section = view.cities[4]
    row = section.rows[1]
    page.locator("#auswahl-city").focus()
    page.keyboard.type(section.city.name)
    assert page.locator("#auswahl-city option:checked").inner_text() == section.city.name
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.labels[0].textContent") == T("interactive.field")
    page.keyboard.press("Tab")
    page.keyboard.type(row.indicator.name)
    told = page.locator(".choose [aria-live=polite]")
    assert row.word in told.locator(".what").inner_text()
    assert row.certainty in told.locator(".what").inner_text()
    assert f"{row.relative.value} [{row.relative.interval}]" in told.inner_text()
    assert row.notes[0] in told.inner_text()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.labels[0].textContent") == T("interactive.definition")
    page.keyboard.press("Tab")
    assert section.city.name in focused(page)
    page.keyboard.press("Enter")
    assert page.url.endswith(f"#{section.city.anchor}")
    assert page.locator(f"#{section.city.anchor} h3").first.bounding_box()["y"] < 900


def test_a_field_narrows_the_indicators(page: Any, view: ReportView) -> None:
    one = view.grid.indicators[1]
    page.locator("#auswahl-field").select_option(one.field_name)
    assert page.locator("#auswahl-indicator option").all_inner_texts() == [one.name]
    assert one.name in page.locator(".choose .picked").inner_text()
    page.locator("#auswahl-field").select_option("")
    assert len(page.locator("#auswahl-indicator option").all()) == len(view.grid.indicators)


def test_another_definition_moves_the_finding(page: Any, data: ReportData, view: ReportView) -> None:
    words = set()
    frame = {(str(row["city"]), str(row["indicator"])): row for _, row in data.findings.others.iterrows()}
    for i, section in list(enumerate(view.cities))[:2]:
        for j, own in enumerate(section.rows):
            found = frame[section.city.key, own.indicator.id]
            pick(page, i, j)
            assert own.word in page.locator(".choose .what").inner_text()
            before = [
                page.locator(".choose .iv .rel").nth(1).get_attribute("cx"),
                page.locator(".choose .iv path.rel").get_attribute("d"),
            ]
            page.locator("#auswahl-definition").select_option("1")
            state = state_of(found)
            told = page.locator(".choose .what").inner_text()
            assert T(f"word.{state}") in told
            assert (certainty(float(found[f"p_{state}"]), TEXTS) if state in DECLARED else "") in told
            assert page.locator(".choose .what svg use").get_attribute("href") == f"#m-{state}"
            mean, low, high = (float(found[f"relative_change_{part}"]) for part in ("mean", "lower", "upper"))
            digits = own.indicator.digits
            interval = f"{TEXTS.number(mean, digits, sign=True)} [{TEXTS.interval(low, high, digits)}]"
            assert interval in page.locator(".choose .facts").inner_text()
            assert page.locator(".choose .iv path.rel").get_attribute("d") != before[1]
            assert page.locator(".choose .iv circle.before").get_attribute("cx") == before[0]  # where it was, on the same axis
            words |= {(own.state, state)}
    assert any(first != second for first, second in words)


def test_the_figure_is_that_of_the_tables_on_the_panels_axis(page: Any, data: ReportData, view: ReportView) -> None:
    told: dict[str, Any] = payload(build_lookup(data, TEXTS), view.cities)
    for i in range(2):
        shown, row = told["indicators"][1], dict(zip(told["columns"], told["cells"][i][1][0], strict=True))
        pick(page, i, 1)
        bars = [Bar(*row["own_bar"], style="abs"), Bar(*row["bar"], style="rel")]
        figure = intervals(bars, shown["axis"], shown["steps"][0], title="", description="", ends=("", "", ""), width=300)
        for kind in ("rect.band", "path.abs", "circle.abs", "path.rel", "circle.rel"):
            tag, style = kind.split(".")
            wanted = re.search(rf'<{tag} class="{style}" (.*?)/>', figure)
            assert wanted is not None
            drawn = page.locator(f".choose .iv {kind}").evaluate(
                "one => [...one.attributes].slice(1).map(a => a.value).join(' ')"
            )
            numbers = [
                [float(x) for x in re.findall(r"-?\d+\.?\d*", re.sub(r"[xyr]=|cy?=", "", text))] for text in (wanted[1], drawn)
            ]
            assert numbers[1] == pytest.approx(numbers[0], abs=0.11)
        assert page.locator(".choose svg.iv").get_attribute("role") == "img"
        assert page.locator(".choose .iv > title").text_content()
        assert page.locator(".choose .iv > desc").text_content()


def test_other_choices_are_told_by_finding(page: Any, data: ReportData, view: ReportView) -> None:
    assert data.sensitivity is not None
    story = data.sensitivity.explained.stories[view.grid.indicators[1].id].universes
    asked = next(place for place, axis in enumerate(story.axes) if axis.id == "rho")
    row = next(i for i, one in enumerate(story.choice) if one[asked] == 1 and one.sum() == 1)
    single = (story.choice[:, : len(AXES)] > 0).sum(axis=1) + (story.choice[:, len(AXES) :] > 0).sum(axis=1) * len(AXES) <= 1
    words = {-1: T("sensitivity.curves.lost")} | {code: T(f"word.{one}") for code, one in enumerate(FINDINGS)}
    name = f"{story.axes[asked].name_de} ({T('sensitivity.sort.question')}): {story.axes[asked].alternatives[1].name_de}"
    moved = set()
    for i, section in enumerate(view.cities):
        pick(page, i, 1)
        lines = page.locator(".choose .ways li").all_inner_texts()
        place = story.cities.index(section.city.key)
        own, code = int(story.finding[story.main, place]), int(story.finding[row, place])
        assert lines[0].startswith(f"{words[own]} {T('sensitivity.curves.own')}")
        assert [line.startswith(words[code]) for line in lines if name in line] == [True] * (code != own)
        assert len(lines) == len({*story.finding[single, place]})
        moved.add(code != own)
    assert moved == {False, True}


@pytest.mark.parametrize(("width", "scheme", "definition"), [(1440, "light", 0), (768, "dark", 1), (390, "dark", 1)])
def test_nothing_is_clipped_or_wider_than_the_page(page: Any, width: int, scheme: str, definition: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    for indicator in (0, 1):
        pick(page, 2, indicator, definition)
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
        for fault in (BROADER, CLIPPED, OVERLAPPING, PALE):
            assert page.evaluate(fault) == []


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), pytest.param(390, "dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_serious(page: Any, width: int, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    pick(page, 2, 1, 1)
    found = axe.Axe().run(page, context=".choose", options={"resultTypes": ["violations"]}).response
    assert found["testEngine"]["name"] == "axe-core"
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"] if one["impact"] in ("serious", "critical")] == []


def test_paper_has_no_panel(page: Any) -> None:
    assert page.locator(".choose").is_visible()
    page.emulate_media(media="print")
    assert not page.locator(".choose").is_visible()


def test_without_scripts_there_is_a_page_and_no_panel(browser: Any, view: ReportView, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(file.as_uri())
        assert page.locator(".choose, select").count() == 0
        after = page.locator("#uebersicht > h2").evaluate("one => one.nextElementSibling.textContent")
        assert after == T("grid.lead")
        assert page.locator("main").bounding_box()["height"] > 3000
        assert page.locator(f"#{view.cities[0].city.anchor}").is_visible()
        assert not page.locator("#auswahl-daten").is_visible()
    finally:
        context.close()


def test_no_other_script_runs(browser: Any, file: Path, tmp_path: Path) -> None:
    head, rest = file.read_text(encoding="utf-8").split("<main", 1)
    other, evil = tmp_path / "other.html", "<script>document.title = 'ran'</script>"
    scripts = rest.split("</main>")[1]
    other.write_text(f'{head}{evil}<section id="uebersicht"><h2></h2></section>{scripts}', encoding="utf-8")
    page = browser.new_page()
    try:
        page.goto(other.as_uri())
        assert page.locator(".choose").count() == 1
        assert page.title() != "ran"
    finally:
        page.close()


def test_the_page_was_silent_and_asked_for_nothing(page: Any, heard: list[str]) -> None:
    assert HOSTILE in page.locator("#auswahl-city").inner_text()
    assert heard == []
