"""The section on peer groups and neighbours: everything in it agrees with the data, and small rings leave out what they lack."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integstat.peers.settings import FeatureSettings
from integstat.report import ReportData, write_report
from integstat.report.view import build_view
from integstat.report.view.lookup import City
from integstat.report.view.peers import PeersView
from integstat.report.view.peers_ball import matched
from integstat.report.view.peers_words import feature_word, letter, short_names
from integstat.texts import Texts

from .rings import one_group, ring, structure

TEXTS = Texts("de")


@pytest.fixture(scope="module")
def data() -> ReportData:
    return ring()


@pytest.fixture(scope="module")
def view(data: ReportData) -> PeersView:
    return build_view(data, TEXTS).peers


def section(html: str) -> str:
    found = re.search(r'<section id="gruppen">.*?</section>', html, re.S)
    assert found
    return found.group(0)


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", section(html)).split())


def with_partitions(data: ReportData, **changes: object) -> ReportData:
    assert data.partitions is not None
    return dataclasses.replace(data, partitions=dataclasses.replace(data.partitions, **changes))  # type: ignore[arg-type]


def test_the_answer_to_the_test_comes_first(data: ReportData, view: PeersView) -> None:
    assert "erkennbare Gruppen" in view.lead[0]
    assert "p\u00a0=\u00a00,02" in view.lead[0]
    slope = build_view(with_partitions(data, structure=structure(0.34)), TEXTS).peers.lead[0]
    assert "eher ein Gefälle als Inseln" in slope
    assert "0,34" in slope


def test_the_lead_counts_groups_and_borderline_cities(data: ReportData, view: PeersView) -> None:
    told = " ".join(view.lead)
    assert "3\u00a0Städtegruppen" in told
    assert f"{int(data.peers['borderline'].sum())} Städte sind Grenzfälle" in told
    assert "Übereinkunft mit Wahrscheinlichkeiten" in told
    assert "Gleichrangig" in told


def test_the_baseline_of_the_run_is_named(data: ReportData, view: PeersView) -> None:
    assert "auf die Städtegruppe der Stadt" in view.lead[-1]
    other = build_view(dataclasses.replace(data, notion="neighbours"), TEXTS).peers.lead[-1]
    assert "auf die Nachbarn der Stadt, nicht auf ihre Gruppe" in other


def test_the_map_holds_every_city_and_explains_its_axes(data: ReportData, view: PeersView) -> None:
    assert view.map is not None
    titles = [mark.findtext("title") or "" for mark in ET.fromstring(view.map.figure).iter("g")]
    assert len(titles) == len(data.cities)
    assert all(any(title.startswith(name) for title in titles) for name in data.cities["name"])
    ends = {view.map.left, view.map.right, view.map.up, view.map.down}
    assert len(ends) == 4
    assert any("groß" in end for end in ends)
    assert any("klein" in end for end in ends)


def test_groups_tell_stability_and_what_sets_them_apart(data: ReportData, view: PeersView) -> None:
    assert view.groups is not None
    assert data.partitions is not None
    for group, row in zip(view.groups.groups, data.partitions.groups.itertuples(), strict=True):
        assert group.name == row.name
        assert TEXTS.number(round(row.jaccard, 2), 2) in group.stability
        stable, dissolved = group.stability.startswith("Stabil"), group.stability.startswith("Zerfällt")
        assert stable == (round(row.jaccard, 2) >= 0.75)
        assert dissolved == (round(row.jaccard, 2) < 0.5)
        assert group.apart.count("(") == len(row.apart.split())
        numbers = [number for _, number, _ in group.profile]
        means = data.partitions.profile.loc[row.group]
        assert numbers == [TEXTS.number(float(mean), 1, sign=True) for mean in means]
    members = [member.city.key for group in view.groups.groups for member in group.members]
    assert sorted(members) == sorted(data.cities["city"])


def test_second_choices_are_letters_of_groups(data: ReportData, view: PeersView) -> None:
    assert view.groups is not None
    rows = data.peers.set_index("city")
    names = {group.letter: group.name for group in view.groups.groups}
    for group in view.groups.groups:
        for member in group.members:
            assert member.second is not None
            assert names[member.second[0]] == rows.loc[member.city.key, "second_group"] == member.second[2]


def test_neighbours_are_those_of_the_stage(data: ReportData, view: PeersView) -> None:
    assert view.neighbours is not None
    assert data.partitions is not None
    neighbours = data.partitions.neighbours
    assert neighbours is not None
    names = dict(zip(data.cities["city"], data.cities["name"], strict=True))
    assert len(view.neighbours.rows) == len(data.cities)
    for row in view.neighbours.rows:
        near = neighbours.nearest(row.city.key)
        listed = [*row.sure, *row.unsure]
        assert listed == [(names[key], TEXTS.percent(p)) for key, p, _ in near][: len(listed)]
        assert len(listed) == max(min(neighbours.k, len(near)), len(row.sure))
        assert len(row.sure) == sum(round(p, 2) >= 0.5 for _, p, _ in near)
    assert "nicht auf der Landkarte" in text_of(write_report(data))


def test_measures_of_the_number_of_groups(data: ReportData, view: PeersView) -> None:
    assert view.number is not None
    assert data.partitions is not None
    assert [trial.k for trial in view.number.trials] == ["1", "2", "3", "4"]
    assert [trial.recommended for trial in view.number.trials] == [False, False, True, False]
    for trial in view.number.trials:
        named = {name for name, k in data.partitions.named.items() if TEXTS.number(k, 0) == trial.k}
        assert sum(mark for _, mark in trial.cells) == len(named)
        assert len(trial.cells) == len(view.number.columns)
    assert "3\u00a0Städtegruppen" in view.number.reasons[0]
    assert "2\u00a0Städtegruppen (2,00" in view.number.reasons[0]  # the next best
    assert "Vorhersagestärke 1, Gap 2, BIC 3 und Silhouette 2" in view.number.reasons[-1]
    assert "verlangt" not in " ".join(view.number.reasons)
    drawn = ET.fromstring(view.number.figure)
    assert "3 Gruppen: Ring 0,40, ohne Gruppen 0,30 bis 0,45" in (drawn.findtext("desc") or "")


def test_a_number_the_ring_wants_is_told(data: ReportData) -> None:
    assert data.partitions is not None
    table = data.partitions.diagnostics.assign(recommended=[False, True, False, False])
    reasons = build_view(with_partitions(data, diagnostics=table), TEXTS).peers.number
    assert reasons is not None
    assert "3\u00a0Städtegruppen verlangt; das geht der Empfehlung (2) vor" in " ".join(reasons.reasons)


def test_bounds_of_the_ball_count_who_changes(data: ReportData, view: PeersView) -> None:
    assert view.ball is not None
    assert data.partitions is not None
    ball = data.partitions.ball
    assert ball is not None
    assert TEXTS.number(ball.radius, 2) in view.ball.lead
    for bound in view.ball.bounds:
        moving = sum(len(cities.split(", ")) for _, cities in bound.moves)
        assert bound.changing.startswith(str(moving)) or moving < 2
        assert bound.folded == (moving > 12)
    assert {bound.groups for bound in view.ball.bounds} >= {str(len(np.unique(ball.finest)))}


@given(st.lists(st.integers(0, 4), min_size=1, max_size=20).flatmap(lambda a: st.tuples(st.just(a), st.permutations(range(5)))))
def test_a_relabelled_partition_changes_nobody(pair: tuple[list[int], list[int]]) -> None:
    labels, names = np.unique(pair[0], return_inverse=True)[1], np.array(pair[1])
    other = np.unique(names[labels], return_inverse=True)[1]
    assert (matched(labels, other) == labels).all()


def test_a_split_group_keeps_its_larger_part() -> None:
    new = matched(np.array([0, 0, 0, 1, 1]), np.array([0, 0, 2, 1, 1]))
    assert list(new) == [0, 0, -1, 1, 1]


def test_what_peers_explain(view: PeersView) -> None:
    assert view.explained is not None
    shares = {name: [share.text for share in row] for name, _, row in view.explained.rows}
    assert shares["Mindestsicherungsquote"] == ["42\u202f% ±\u00a011", "7\u202f% ±\u00a09", "≤\u202f0\u202f% ±\u00a05", "–"]
    assert [share.hardly for _, _, row in view.explained.rows for share in row][:4] == [False, True, True, False]
    assert "die Gruppen bei 0 von 1 und die Nachbarn bei 1 von 1" in view.explained.lead[0]
    assert "die Gruppen bei 1 von 2." in view.explained.lead[1]


def test_definitions_without_a_share_are_gathered_in_one_sentence(data: ReportData) -> None:
    assert data.explained is not None
    unknown = data.explained["definition"] == "B2.register"
    some = dataclasses.replace(data, explained=data.explained.assign(share=data.explained["share"].mask(unknown)))
    view = build_view(some, TEXTS).peers.explained
    assert view is not None
    assert [name for name, _, _ in view.rows] == ["Mindestsicherungsquote"]
    assert "lässt sich kein Anteil angeben" in view.unknown
    assert view.unknown in text_of(write_report(some))


@pytest.mark.parametrize(("cities", "reason"), [(19, "mindestens 20 Städte"), (24, "nicht über den Zählfehler hinaus")])
def test_without_any_share_a_sentence_replaces_the_table(data: ReportData, cities: int, reason: str) -> None:
    nothing = dataclasses.replace(data, explained=data.explained.assign(share=float("nan"), cities=cities))
    told = text_of(write_report(nothing))
    assert reason in told
    assert 'class="stack explained"' not in section(write_report(nothing))
    assert "Standardfehler in Prozentpunkten" not in told


def test_the_groups_letters_stand_at_the_square(view: PeersView) -> None:
    assert view.groups is not None
    letters = [text.text for text in ET.fromstring(view.groups.figure).iter("text")]
    assert sorted(set(filter(None, letters))) == [group.letter for group in view.groups.groups]


def test_units_are_explained_where_they_come_first(data: ReportData) -> None:
    told = text_of(write_report(data))
    assert re.match(r".{,120}in Bit wird gemessen", told[told.index(" Bit") :])
    assert "üblichen Abweichungen (" in told[: told.index("robusten Standardabweichungen")]


def test_one_group() -> None:
    small = ring(count=5)
    partitions = one_group(list(small.cities["city"]))
    assert partitions.size == 1
    names = dict(zip(small.cities["city"], small.cities["name"], strict=True))
    alone = dataclasses.replace(small, partitions=partitions, peers=partitions.table(names), explained=pd.DataFrame())
    peers = build_view(alone, TEXTS).peers
    assert peers.map is None
    assert peers.neighbours is None
    assert peers.number is None
    assert peers.ball is None
    assert peers.explained is None
    assert peers.groups is not None
    assert not peers.groups.figure
    told = text_of(write_report(alone))
    assert "Alle 5 Städte bilden eine einzige Gruppe" in told
    assert "mindestens 8 Städte nötig" in told
    assert all(name in told for name in names.values())
    assert not re.search("zweite Wahl|eigene Gruppe|%", told)
    assert "<svg" not in section(write_report(alone))
    assert not re.search(r"\bnan\b", told, re.IGNORECASE)


@pytest.mark.parametrize("count", [9, 24, 80])
def test_rings_of_every_size(count: int) -> None:
    data = ring(count=count, draws=30)
    html = write_report(data)
    told = text_of(html)
    assert not re.search(r"\b(nan|none|inf)\b", told, re.IGNORECASE)
    for figure in re.findall(r"<svg.*?</svg>", section(html), re.S):
        root = ET.fromstring(figure)
        hidden = root.get("aria-hidden") == "true"
        assert hidden or (root.get("role") == "img" and root.findtext("title"))
        assert "nan" not in figure
    peers = build_view(data, TEXTS).peers
    assert peers.neighbours is not None
    assert peers.neighbours.folded == (count > 30)
    assert ("<details open>" in section(html)) == (count <= 30)


def test_nothing_to_choose_says_nothing(data: ReportData) -> None:
    bare = with_partitions(data, structure=None, neighbours=None, ball=None, place=pd.DataFrame(columns=["x", "y", "spread"]))
    peers = build_view(dataclasses.replace(bare, explained=pd.DataFrame()), TEXTS).peers
    assert (peers.map, peers.neighbours, peers.ball, peers.explained) == (None, None, None, None)
    assert peers.number is not None
    assert not peers.number.figure
    assert "Nachbarn" not in " ".join(peers.lead)


def test_letters_go_on_after_z() -> None:
    assert [letter(group) for group in (0, 25, 26, 52)] == ["A", "Z", "AA", "BA"]


def test_short_names_stay_different() -> None:
    names = [
        "Frankfurt am Main",
        "Frankfurt (Oder)",
        "Mülheim an der Ruhr",
        "Halle (Saale)",
        "Bad Homburg",
        "Freiburg im Breisgau",
    ]
    short = short_names(City(str(i), name, "", "") for i, name in enumerate(names))
    assert list(short.values()) == ["Frankfurt am Main", "Frankfurt (Oder)", "Mülheim", "Halle", "Bad Homburg", "Freiburg"]


def test_features_without_words_are_named() -> None:
    plain = FeatureSettings(id="rent", name_de="Mietniveau")
    assert feature_word(plain, True, TEXTS) == "Mietniveau hoch"
    assert feature_word(plain, False, TEXTS) == "Mietniveau niedrig"
    assert feature_word(plain.model_copy(update={"high_de": "hohe Mieten"}), True, TEXTS) == "hohe Mieten"
