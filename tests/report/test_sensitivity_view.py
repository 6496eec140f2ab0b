"""How far the findings reach, as the report shows it: what is drawn agrees with the universes, and nothing grows too large."""

from __future__ import annotations

import dataclasses
import re
from html import unescape

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integstat.report import ReportData, write_report
from integstat.report.figures_sensitivity import Choices, Curve, HeatRow, heat_map, shade, specification_curve, standalone
from integstat.report.view import build_view
from integstat.report.view.sensitivity import COLUMNS, SensitivityView, curve_of, curve_words
from integstat.report.words import DECLARED
from integstat.sensitivity.explain import Story
from integstat.sensitivity.flips import smallest_flips
from integstat.texts import Texts

from .multiverse import with_universes
from .rings import MAIN, ring
from .test_report import read

TEXTS = Texts("de")
WORDS = curve_words(TEXTS, "success", 0.8)


@pytest.fixture(scope="module")
def plain() -> ReportData:
    return ring(12, MAIN[2:5])


@pytest.fixture(scope="module")
def data(plain: ReportData) -> ReportData:
    return with_universes(plain)


@pytest.fixture(scope="module")
def view(data: ReportData) -> SensitivityView:
    found = build_view(data, TEXTS).sensitivity
    assert found is not None
    return found


@pytest.fixture(scope="module")
def html(data: ReportData) -> str:
    return write_report(data)


def test_without_universes_there_is_no_word_of_them(plain: ReportData) -> None:
    page = write_report(plain)
    assert build_view(plain, TEXTS).sensitivity is None
    assert "reichweite" not in page
    assert TEXTS.t("sensitivity.heading") not in page


def test_the_section_is_well_formed_and_the_same_each_time(html: str, data: ReportData) -> None:
    page = read(html)
    assert "reichweite" in page.ids
    assert "#reichweite" in page.links
    assert not page.tags & {"script", "img"}
    assert "http:" not in html
    assert write_report(data) == html


def test_what_was_varied_is_counted(view: SensitivityView, data: ReportData) -> None:
    assert data.sensitivity is not None
    assert (
        f"{data.sensitivity.universes} Rechenwege, alle zulässigen Kombinationen, mit 72 verschiedenen Modellen" in view.lead[1]
    )
    assert [row.name for row in view.axes] == list(data.sensitivity.explained.leverage["name_de"])
    rows = {row.name: row for row in view.axes}
    assert rows["Land"].choices == "mit Land; ohne Land"
    assert rows["Weggelassene Stadt"].choices == "ohne Stadt 0; 8 andere"
    assert rows["Sperre bei Brüchen"].sort == "Frage"
    assert rows["Nenner"].choices == "je Indikator andere Definitionen"


def test_a_sample_is_called_a_sample(data: ReportData) -> None:
    assert data.sensitivity is not None
    sampled = data.sensitivity.settings.model_copy(update={"design": "random"})
    drawn = dataclasses.replace(data, sensitivity=dataclasses.replace(data.sensitivity, settings=sampled))
    found = build_view(drawn, TEXTS).sensitivity
    assert found is not None
    assert "eine Stichprobe" in found.lead[1]


def test_every_declared_finding_has_its_line(view: SensitivityView, data: ReportData, html: str) -> None:
    for _, row in data.findings.grid.iterrows():
        line = view.lines[(str(row["city"]), str(row["indicator"]))]
        assert bool(line.held) == (row["finding"] in DECLARED)
        assert bool(line.sentences) or row["finding"] not in DECLARED
        for sentence in line.sentences:
            assert sentence in unescape(html)


def test_capped_cells_tell_what_stands_behind_the_cap(view: SensitivityView, data: ReportData) -> None:
    capped = data.findings.grid[data.findings.grid["capped"]]
    told = [view.lines[(str(row["city"]), str(row["indicator"]))].sentences for _, row in capped.iterrows()]
    assert any(told)
    assert all("hält diese Zelle offen" in sentences[0] for sentences in told if sentences)


def test_what_caps_keep_back_is_summed_up(view: SensitivityView, data: ReportData, html: str) -> None:
    assert data.sensitivity is not None
    capped = data.findings.grid[data.findings.grid["capped"]]
    (name,) = {data.catalogue.indicators[one].name_de for one in capped["indicator"]}
    (sentence,) = [one for one in view.capped if one.startswith(name)]
    assert view.capped == (sentence,)
    assert f"hält {len(capped)} Felder offen" in sentence
    assert sentence in unescape(html)
    (indicator,) = set(capped["indicator"])
    story = data.sensitivity.capped[indicator]
    codes = dict(zip(story.universes.cities, story.headline, strict=True))
    found = [city for city in capped["city"] if codes[city] > 0]
    assert TEXTS.t("sensitivity.capped.found", n=len(found)) in sentence
    single = [city for city in found if story.question[story.universes.cities.index(city)].size == 1]
    assert ("einer einzigen Wahl" in sentence) == bool(single)


def test_curves_of_the_least_robust_findings_stay_small(view: SensitivityView, data: ReportData) -> None:
    assert data.sensitivity is not None
    table = data.sensitivity.explained.robustness
    declared = table[table["finding"].isin(DECLARED)]
    assert len(view.curves) == min(24, len(declared))
    assert max(len(one.figure) for one in view.curves) < 40_000
    names = {one.id: one.name_de for one in data.catalogue.indicators.values()}
    share = {(row["city_name"], names[row["indicator"]]): row["robustness"] for _, row in declared.iterrows()}
    shown = [share[(one.city, one.indicator)] for one in view.curves]
    assert shown == sorted(shown)
    assert all(
        value >= shown[-1] for key, value in share.items() if key not in {(one.city, one.indicator) for one in view.curves}
    )


def test_a_curve_holds_the_universes_of_the_question(data: ReportData) -> None:
    assert data.sensitivity is not None
    story = next(iter(data.sensitivity.explained.stories.values()))
    names = dict.fromkeys(story.universes.definition, "Definition")
    curve = curve_of(story, 0, names, TEXTS, 0.8)
    assert len(curve.finding) == story.universes.same_question.sum()
    assert sum(not one for one in curve.finding) == (story.universes.failed & story.universes.same_question).sum()
    assert curve.probability[curve.own] == story.universes.probability[story.events[0]][story.universes.main, 0]
    assert [axis.name for axis in curve.axes] == ["Definition", "Vergleichsgruppen", "Land", "Weggelassene Stadt"]


def made(count: int, seed: int, lost: float) -> Curve:
    rng = np.random.default_rng(seed)
    p = np.where(rng.random(count) < lost, np.nan, rng.random(count))
    finding = tuple("" if np.isnan(one) else "success" if one > 0.8 else "open" for one in p)
    axes = (
        Choices("Definition", ("eine", "<andere>"), rng.integers(0, 2, count)),
        Choices("Stadt", tuple("abcdefgh"), np.arange(count) % 8),
    )
    return Curve(p, finding, "success", int(rng.integers(count)), 0.8, axes)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 700), st.integers(0, 99), st.sampled_from([0.0, 0.1, 1.0]))
def test_a_curve_of_any_size_is_whole(count: int, seed: int, lost: float) -> None:
    curve = made(count, seed, lost)
    figure = specification_curve(curve, WORDS, title="Titel", description="Beschreibung")
    read(str(figure))
    points = [len(re.findall("M", path)) for path in re.findall(r'class="(?:success|open) (?:same|else)" d="([^"]*)"', figure)]
    known = int(np.isfinite(curve.probability).sum())
    assert sum(points) == known if count <= 400 else sum(points) <= 400
    assert "nan" not in figure
    assert "<andere>" not in figure
    assert len(figure) < 40_000


def test_a_curve_rises_and_marks_the_ring_and_the_failed() -> None:
    curve = Curve(np.array([0.9, 0.2, np.nan, 0.5]), ("success", "open", "", "open"), "success", 0, 0.8, ())
    figure = specification_curve(curve, WORDS, title="Titel", description="")
    thin = re.search(r'class="open else" d="M0 (\S+)h.92M1 (\S+)h.92"', figure)
    thick = re.search(r'class="success same" d="M2 (\S+)h.92"', figure)
    assert thin
    assert thick
    assert 0 > float(thin[1]) > float(thin[2]) > float(thick[1]) >= -130
    assert re.search(r'class="lost" d="M3 0h0.92"', figure)
    assert TEXTS.t("sensitivity.curves.lost") in figure
    assert 'class="own" d="M485' in figure  # third of four columns


def test_the_threshold_is_drawn_where_there_is_one() -> None:
    curve = made(20, 1, 0.0)
    assert 'class="limit"' in specification_curve(curve, WORDS, title="", description="")
    unknown = dataclasses.replace(curve, threshold=float("nan"))
    assert 'class="limit"' not in specification_curve(unknown, WORDS, title="", description="")


def test_long_names_are_cut_so_that_they_still_differ() -> None:
    names = tuple(f"je Ausländerin und Ausländer mit mindestens {years} Jahren" for years in ("acht", "zehn"))
    curve = Curve(np.array([0.1, 0.9]), ("open", "success"), "success", 1, 0.8, (Choices("Nenner", names, np.array([0, 1])),))
    labels = re.findall(">(je [^<]*)<", specification_curve(curve, WORDS, title="", description=""))
    assert len(set(labels)) == 2
    assert all(len(one) <= 30 and "…" in one for one in labels)


def test_thinning_keeps_the_ring(data: ReportData) -> None:
    for seed in range(20):
        figure = specification_curve(made(997, seed, 0.1), WORDS, title="", description="", columns=COLUMNS)
        assert figure.count('class="own"') == 1


def test_a_picture_of_its_own_has_its_colours() -> None:
    text = standalone(specification_curve(made(20, 1, 0.1), WORDS, title="Titel", description="Text"))
    assert text.startswith("<svg")
    assert 'xmlns="http://www.w3.org/2000/svg"' in text
    assert "var(" not in text
    assert "<title>Titel</title><desc>Text</desc>" in text


def test_heat_map_shades_and_marks() -> None:
    rows = [
        HeatRow("Quote <x>", "Ahlen", (0.0, 0.5, float("nan")), (False, True, False)),
        HeatRow("Quote <x>", "Birken", (0.02, 0.1, 0.3), (False, False, False)),
        HeatRow("Andere", "Birken", (0.03, 0.0, 0.0), (False, False, True)),
    ]
    figure = heat_map(rows, ("Land", "Nenner", "Schritt"), title="Titel", description="Text")
    read(str(figure))
    cells = {int(level): path.count("M") for level, path in re.findall(r'class="s(\d)" d="([^"]*)"', figure)}
    assert cells == {0: 3, 1: 2, 3: 1, 4: 1, 5: 1}
    assert figure.count("<circle") == 2
    assert figure.count("Quote &lt;x&gt;") == 1
    assert [shade(one) for one in (0.0, 0.0199, 0.02, 0.05, 0.1, 0.2, 0.4, 1.0)] == [0, 0, 1, 2, 3, 4, 5, 5]


def test_heat_map_agrees_with_the_table(view: SensitivityView, data: ReportData) -> None:
    assert data.sensitivity is not None
    alone, table = data.sensitivity.explained.alone, data.sensitivity.explained.robustness
    declared = table[table["finding"].isin(DECLARED)][["city", "indicator"]]
    own = {
        (city, name): story.universes.finding[story.universes.main, place] == story.headline[place]
        for name, story in data.sensitivity.explained.stories.items()
        for place, city in enumerate(story.universes.cities)
    }
    rows = alone.merge(declared, on=["city", "indicator"])
    flips = rows["changed"][[own[key] for key in zip(rows["city"], rows["indicator"], strict=True)]].sum()
    assert len(declared) <= 60
    assert view.heat_more == ""
    assert view.heat.count("<circle") == flips > 0


def test_no_mark_where_the_ring_alone_has_another_finding(view: SensitivityView, data: ReportData) -> None:
    assert data.sensitivity is not None
    explained = data.sensitivity.explained
    declared = explained.robustness[explained.robustness["finding"].isin(DECLARED)]
    rows = explained.alone.merge(declared[["city", "indicator"]], on=["city", "indicator"])
    first = rows[rows["changed"] == 1].iloc[0]
    story = explained.stories[first["indicator"]]
    place = story.universes.cities.index(first["city"])
    headline = story.headline.copy()
    headline[place] = 3 - headline[place] % 3  # another declared finding, as if the mean over models gave it
    mixed = dataclasses.replace(explained, stories=explained.stories | {first["indicator"]: _with(story, headline)})
    found = build_view(dataclasses.replace(data, sensitivity=dataclasses.replace(data.sensitivity, explained=mixed)), TEXTS)
    of = rows[(rows["city"] == first["city"]) & (rows["indicator"] == first["indicator"])]
    assert found.sensitivity is not None
    assert found.sensitivity.heat.count("<circle") == view.heat.count("<circle") - of["changed"].sum()


def _with(story: Story, headline: np.ndarray) -> Story:
    return dataclasses.replace(story, headline=headline, question=smallest_flips(story.universes, headline, "question"))


def test_axes_tell_of_cells_and_of_what_they_cannot_move(view: SensitivityView, data: ReportData) -> None:
    assert data.sensitivity is not None
    leverage = data.sensitivity.explained.leverage.set_index("name_de")
    rows = {row.name: row for row in view.axes}
    assert leverage.loc["Sperre bei Brüchen", "delta_max"] == 0
    assert leverage.loc["Land", "delta_max"] > 0
    assert rows["Sperre bei Brüchen"].moved == TEXTS.t("sensitivity.axis.still")
    assert rows["Land"].moved.startswith("im Mittel")
    assert all(row.changed.endswith(f"von {leverage.loc[name, 'cells']} Zellen") for name, row in rows.items())
