"""The report as a person meets it: in a browser, without a network, at three widths, light, dark and on paper, by keyboard."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integstat.report import write_report
from integstat.texts import Texts
from report.multiverse import with_universes
from report.rings import MAIN, ring

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

CHROMIUM = Path("/usr/bin/chromium")
HOSTILE = "<script>alert(1)</script>"
T = Texts("de").t
WIDTHS = (1440, 768, 390)
MOST_TABS = 200

BROADER = """() => [...document.querySelectorAll('body *')].filter(e => e.checkVisibility()
  && e.getBoundingClientRect().right > innerWidth + 1 && !e.parentElement.closest('.scroll, .vh')
  && getComputedStyle(e).clipPath === 'none' && !e.closest('thead')).map(e => e.outerHTML.slice(0, 120))"""
CLIPPED = """() => [...document.querySelectorAll('body *')].filter(e => !(e instanceof SVGElement) && e.checkVisibility()
  && /hidden|clip/.test(getComputedStyle(e).overflow) && getComputedStyle(e).clipPath === 'none'
  && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)).map(e => e.outerHTML.slice(0, 120))"""
OVERLAPPING = """() => [...document.querySelectorAll('svg')].filter(s => s.checkVisibility()).flatMap(s => {
  const shown = [...s.querySelectorAll('text')].filter(t => t.checkVisibility());
  const boxes = shown.map(t => [t.textContent, t.getBoundingClientRect()]);
  const meet = (p, q) => Math.min(p.right, q.right) - Math.max(p.left, q.left) > 0.5
    && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 0.5;
  return boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(([, q]) => meet(p, q)).map(([b]) => [a, b]));
})"""
PALE = """() => {
  const rgb = c => c.match(/[\\d.]+/g).slice(0, 3).map(x => (x /= 255) <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
  const light = c => { const [r, g, b] = rgb(c); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const of = t => ratio(light(getComputedStyle(t).fill), paper);
  return [...document.querySelectorAll('svg text')].filter(t => t.checkVisibility() && of(t) < 4.5).map(t => t.outerHTML);
}"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Report of a ring with universes, in which one city has a name that would be a script."""
    data = with_universes(ring(8, MAIN[3:5]))
    cities = data.cities.assign(name=[HOSTILE, *data.cities["name"].iloc[1:]])
    written = tmp_path_factory.mktemp("report") / "report.html"
    written.write_text(write_report(dataclasses.replace(data, cities=cities)), encoding="utf-8")
    return written


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """Addresses that the page asked for."""
    return []


@pytest.fixture(scope="module")
def opened(file: Path, asked: list[str]) -> Iterator[Any]:
    # closed after this module: while it runs, no other event loop may start
    if not CHROMIUM.exists():
        pytest.skip("there is no Chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        context = browser.new_context(reduced_motion="reduce")
        context.set_offline(True)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: pytest.fail("a script ran"))
        page.goto(file.as_uri())
        yield page
        browser.close()


@pytest.fixture
def page(opened: Any, file: Path) -> Any:
    """Return the page as it is when it has just been opened, on a wide light screen."""
    opened.set_viewport_size({"width": WIDTHS[0], "height": 900})
    opened.emulate_media(media="screen", color_scheme="light")
    opened.goto(file.as_uri())
    return opened


def unfold(page: Any) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def tab_to(page: Any, name: str) -> None:
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if focused(page) == name:
            return
    pytest.fail(f"'{name}' cannot be reached")


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_clipped_or_wider_than_the_page(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    unfold(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
        assert page.evaluate(BROADER) == []
        assert page.evaluate(CLIPPED) == []
        assert page.evaluate(OVERLAPPING) == []
        assert page.evaluate(PALE) == []


def test_what_scrolls_can_be_reached_and_has_a_name(page: Any) -> None:
    unfold(page)
    regions = page.evaluate(
        "[...document.querySelectorAll('.scroll')].map(e => [e.tabIndex, e.getAttribute('role'), !!e.getAttribute('aria-label')])"
    )
    assert regions
    assert set(map(tuple, regions)) == {(0, "region", True)}


@pytest.mark.parametrize(
    ("width", "scheme", "rules"),
    [(1440, "light", {}), pytest.param(390, "dark", {"runOnly": ["color-contrast"]}, marks=pytest.mark.slow)],
)
def test_axe_finds_nothing_serious(page: Any, width: int, scheme: str, rules: dict[str, Any]) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    found = axe.Axe().run(page, options={"resultTypes": ["violations"]} | rules).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []


def test_dark_is_dark_and_paper_is_white(page: Any) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="dark")
    assert max(page.evaluate(f"{paper}.match(/[0-9]+/g).map(Number)")) < 40
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(paper) == "rgb(255, 255, 255)"


def test_paper_has_no_navigation_and_shows_what_is_folded(page: Any) -> None:
    page.emulate_media(media="print")
    assert page.evaluate("[...document.querySelectorAll('.toc, .jump, .back, .skip')].every(e => !e.checkVisibility())")
    folded = "details:not([open], .nums, .objections) > :not(summary, .nums, .back)"
    heights = page.evaluate(f"[...document.querySelectorAll('{folded}')].map(e => e.getBoundingClientRect().height)")
    assert heights
    assert min(heights) > 0
    assert page.evaluate("[...document.querySelectorAll('table.grid')].every(e => e.checkVisibility())")
    assert page.pdf(prefer_css_page_size=True, page_ranges="1").startswith(b"%PDF")


def test_a_name_that_would_be_a_script_is_text(page: Any) -> None:
    assert page.locator("script").count() == 0
    assert HOSTILE in page.locator(".grid tbody").inner_text()
    policy = page.locator("meta[http-equiv='Content-Security-Policy']").get_attribute("content")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_every_figure_speaks_and_stands_beside_its_numbers(page: Any) -> None:
    figures = page.evaluate(
        """() => [...document.querySelectorAll('svg[role=img]')].map(s => {
          const kind = s.getAttribute('class'), row = s.closest('tr');
          const table = s.closest('.scroll, .band, .citymap, .together > *')?.parentElement.querySelector('.nums table');
          return [kind, !!s.querySelector(':scope > title')?.textContent, !!s.querySelector(':scope > desc')?.textContent,
                  row ? /[0-9]/.test(row.textContent) : !!table && /[0-9]/.test(table.tBodies[0].textContent)];
        })"""
    )
    assert {kind for kind, *_ in figures} == {"iv", "ms", "co", "map", "sk", "hm", "sc"}
    assert all(title for _, title, _, _ in figures)
    assert {kind for kind, _, description, _ in figures if not description} <= {"ms"}  # its title tells all its numbers
    assert all(numbers for *_, numbers in figures)


def test_a_city_its_findings_and_the_glossary_by_keyboard_alone(page: Any) -> None:
    page.keyboard.press("Tab")
    assert focused(page) == T("page.skip")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "inhalt"

    page.goto(page.url.split("#")[0])
    tab_to(page, T("city.heading"))
    page.keyboard.press("Enter")
    city = page.locator(".jump a").nth(3)
    name, anchor = city.inner_text(), city.get_attribute("href")
    tab_to(page, name)
    page.keyboard.press("Enter")
    section = page.locator(str(anchor))
    assert section.locator("h3").first.inner_text() == name
    assert 0 <= section.locator("h3").first.bounding_box()["y"] < 450

    words = section.locator(".finding strong").all_inner_texts()
    assert len(words) == 2
    assert set(words) <= {T(f"word.{state}") for state in ("success", "deficit", "stable", "open", "capped")}
    for row in section.locator("tbody").all():
        assert "%" in row.inner_text()  # the doubt
        if T("word.open") in row.locator(".finding strong").inner_text():
            assert len(row.locator(".notes .first").inner_text()) > 20  # the reason

    page.keyboard.press("Tab")
    assert page.evaluate("(anchor) => !!document.activeElement.closest(anchor)", anchor)
    tab_to(page, T("glossary.heading"))
    page.keyboard.press("Enter")
    assert page.url.endswith("#woerter")
    assert 0 <= page.locator("#woerter h2").bounding_box()["y"] < 900


def test_numbers_of_a_figure_unfold_by_keyboard(page: Any) -> None:
    page.locator("#gruppen").evaluate("one => { one.tabIndex = -1; one.focus(); }")
    tab_to(page, T("numbers.summary"))
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "region"


def test_nothing_but_the_file_was_asked_for(page: Any, asked: list[str]) -> None:
    unfold(page)
    assert asked
    assert {address.split("#")[0] for address in asked} == {page.url.split("#")[0]}
