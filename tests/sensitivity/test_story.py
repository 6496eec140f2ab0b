"""Sentences on findings: they say what the flips say, and name nothing else."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sensitivity.spaces import DEFICIT, OPEN, STABLE, SUCCESS, space, spaces

from integstat.sensitivity.explain import Explained, Story, _story
from integstat.sensitivity.flips import NONE_FOUND
from integstat.sensitivity.robustness import robustness
from integstat.sensitivity.story import SENTENCE_CODEBOOK, held, sentence_table, sentences, sentences_without_cap
from integstat.sensitivity.universes import FINDINGS, NOT_THERE, Alternative, Universes
from integstat.texts import Texts

TEXTS = Texts("de")
many = settings(max_examples=100, deadline=None)
codes = st.lists(st.sampled_from([NOT_THERE, OPEN, SUCCESS, DEFICIT, STABLE]), min_size=3, max_size=3).map(np.array)
_CHOICE = re.compile(r"Achse (\d) „Wahl (\d)“")


def story(universes: Universes, *headline: int) -> Story:
    known = dict(universes.probability)
    return _story(replace(universes, probability=known | {"p_lasting": known["p_success"]}), np.array(headline, dtype=np.int8))


def say(universes: Universes, headline: int) -> str:
    return sentences(story(universes, headline), TEXTS)[0]


@many
@given(spaces(), codes)
def test_a_sentence_names_only_what_flips(universes: Universes, headline: np.ndarray) -> None:
    one = story(universes, *headline)
    for city, sentence in enumerate(sentences(one, TEXTS)):
        within = one.question[city] if one.question[city].size > 0 else one.anything[city]
        allowed = {change for changes in within.changes for change in changes}
        named = {(int(axis), int(taken)) for axis, taken in _CHOICE.findall(sentence)}
        assert named <= allowed
        told = one.question[city].size > 0 or (one.question[city].size == NONE_FOUND and 0 < one.anything[city].size <= 2)
        assert bool(named) == (told and headline[city] != NOT_THERE)
        leads = {TEXTS.t(f"word.{FINDINGS[finding]}") for finding in within.findings}
        assert set(re.findall(r"dann „(.+?)“", sentence)) <= leads
        assert "{" not in sentence
        assert sentence.endswith(".")


@many
@given(spaces(), codes)
def test_counts_agree_with_robustness(universes: Universes, headline: np.ndarray) -> None:
    one = story(universes, *headline)
    found = robustness(universes, headline)
    for city, count in enumerate(held(one)):
        assert count.number == found.universes[city]
        if headline[city] != NOT_THERE:
            assert count.share == pytest.approx(found.share[city], nan_ok=True)
            assert not count.level or not count.number or count.same / count.number == pytest.approx(count.share)


def test_a_finding_that_nothing_changes() -> None:
    universes = space([2, 3], sorts=["model", "measurement"], finding=np.full(6, SUCCESS))
    assert say(universes, SUCCESS) == (
        "Kein anderer Rechenweg, der als gleichwertig gelten kann, ändert den Befund „Erfolg“, auch keine andere Definition "
        "(6 Rechenwege)."
    )
    without = space([2], finding=np.full(2, OPEN))
    assert say(without, OPEN) == (
        "Kein anderer Rechenweg, der als gleichwertig gelten kann, macht aus der offenen Zelle einen Befund (2 Rechenwege)."
    )


def test_a_finding_that_one_choice_changes() -> None:
    universes = space([2, 2], sorts=["model", "measurement"], finding=np.array([DEFICIT, OPEN, DEFICIT, OPEN]))
    assert say(universes, DEFICIT) == (
        "Der Befund „Defizit“ steht auf 2 von 4 gleichwertigen Rechenwegen; er fällt, sobald anders gewählt wird: "
        "Achse 1 „Wahl 1“ (dann „offen“)."
    )


def test_ties_that_lead_to_the_same_and_to_different_findings() -> None:
    same = space([2, 2], finding=np.array([SUCCESS, OPEN, OPEN, OPEN]))
    assert "entweder Achse 1 „Wahl 1“ oder Achse 0 „Wahl 1“ (dann „offen“)." in say(same, SUCCESS)
    apart = space([2, 2], finding=np.array([OPEN, DEFICIT, SUCCESS, OPEN]))
    assert "entweder Achse 1 „Wahl 1“ (dann „Defizit“) oder Achse 0 „Wahl 1“ (dann „Erfolg“)." in say(apart, OPEN)
    assert say(apart, OPEN).startswith("Offen ist die Zelle auf 2 von 4 gleichwertigen Rechenwegen; ein Befund wird daraus")


def test_of_many_ties_three_are_named() -> None:
    universes = space([6], finding=np.array([SUCCESS, OPEN, OPEN, OPEN, OPEN, OPEN]))
    assert "Wahl 1“, Achse 0 „Wahl 2“ oder Achse 0 „Wahl 3“ (dann „offen“); ebenso noch 2 andere." in say(universes, SUCCESS)


def test_two_changes_together() -> None:
    universes = space([2, 2], finding=np.array([STABLE, STABLE, STABLE, OPEN]))
    assert "Achse 0 „Wahl 1“ und zugleich Achse 1 „Wahl 1“ (dann „offen“)." in say(universes, STABLE)


def test_the_mean_over_models_differs_from_the_ring_alone() -> None:
    universes = space([3], finding=np.array([OPEN, SUCCESS, SUCCESS]))
    assert say(universes, SUCCESS) == (
        "Der Befund „Erfolg“ steht erst im Mittel über die Modelle, der Rechenweg des Rings allein käme zu „offen“; "
        "er steht auf 2 von 3 gleichwertigen Rechenwegen."
    )


def test_failed_universes_are_told() -> None:
    universes = space([3], finding=np.array([SUCCESS, NOT_THERE, OPEN]))
    assert say(universes, SUCCESS).endswith("war nicht zu rechnen und zählt nicht als derselbe Befund.")
    nothing = space([3], finding=np.array([SUCCESS, NOT_THERE, SUCCESS]))
    assert say(nothing, SUCCESS).endswith("(2 Rechenwege). Für eine Kombination gibt es kein Ergebnis.")


def test_a_choice_that_may_not_be_equivalent_is_called_so() -> None:
    universes = space([2], kinds={(0, 1): "uncertain"}, finding=np.array([SUCCESS, OPEN]))
    assert say(universes, SUCCESS) == (
        "Der Befund „Erfolg“ steht auf dem einzigen gleichwertigen Rechenweg; er fällt, sobald anders gewählt wird: "
        "Achse 0 „Wahl 1“ (dann „offen“; ob das gleichwertig ist, steht nicht fest)."
    )


def test_only_another_question_changes_it() -> None:
    universes = space([2, 2], sorts=["model", "question"], finding=np.array([SUCCESS, OPEN, SUCCESS, OPEN]))
    assert say(universes, SUCCESS).endswith("nicht gleichwertige Wahl, ändert ihn: Achse 1 „Wahl 1“ (dann „offen“).")
    assert "Achse" not in sentences(story(universes, SUCCESS), TEXTS, beyond=False)[0]


def test_nothing_else_computed_and_nothing_there() -> None:
    universes = space([1], finding=np.array([SUCCESS]))
    assert "nur den Rechenweg des Rings" in say(universes, SUCCESS)
    assert "nichts zu bestimmen" in say(universes, NOT_THERE)


def test_unequal_weights_are_told_as_a_share() -> None:
    universes = space([3], weights={(0, 1): 8.0}, finding=np.array([SUCCESS, SUCCESS, OPEN]))
    (count,) = held(story(universes, SUCCESS))
    assert count.short(TEXTS) == "90\u202f% (gewichtet)"
    assert "auf 3 gleichwertigen Rechenwegen zu 90\u202f% (gewichtet)" in say(universes, SUCCESS)
    equal = space([3], finding=np.array([SUCCESS, SUCCESS, OPEN]))
    assert held(story(equal, SUCCESS))[0].short(TEXTS) == "2 von 3"


def denominator() -> Universes:
    """A success that another denominator leaves open; models hardly matter."""
    p = np.array([0.97, 0.6, 0.96, 0.58])
    one = space([2, 2], sorts=["model", "measurement"], finding=np.array([SUCCESS, OPEN, SUCCESS, OPEN]), probability=p)
    axis = replace(one.axes[1], name_de="Nenner", alternatives=(one.axes[1].alternatives[0], _residents(one)))
    return replace(one, axes=(one.axes[0], axis), cities=("03101000",))


def _residents(one: Universes) -> Alternative:
    return replace(one.axes[1].alternatives[1], name_de="je Einwohner von 15 bis unter 20")


def test_what_a_cap_hides_hangs_on_the_denominator() -> None:
    told = sentences_without_cap(story(denominator(), SUCCESS), {"03101000": ("break",)}, TEXTS)["03101000"]
    head, share = told.rsplit(": ", 1)
    assert head == (
        "Ein Bruch der Zahlenreihe hält diese Zelle offen. Ohne diese Sperre hieße es „Erfolg“, auf 2 von 4 gleichwertigen "
        "Rechenwegen; anders ist es, sobald anders gewählt wird: Nenner „je Einwohner von 15 bis unter 20“ (dann „offen“). "
        "Am meisten trägt dazu „Nenner“ bei"
    )
    whole = 0.7775 * 0.2225  # of the mean probability; between the denominators (0.965 and 0.59) differ by 0.375
    assert share == f"{TEXTS.percent(0.1875**2 / whole)} des Zweifels."


def test_table_of_all_cells() -> None:
    one = story(denominator(), OPEN)
    grid = pd.DataFrame(
        {"city": ["03101000"], "city_name": ["Musterstadt"], "indicator": ["A1"], "finding": ["open"], "capped": [True],
         "flags": ["break;base_jump"]}
    )  # fmt: skip
    empty = pd.DataFrame()
    explained = Explained({"A1": one}, empty, empty, empty, empty)
    (row,) = sentence_table(explained, {"A1": story(denominator(), SUCCESS)}, grid, TEXTS).to_dict("records")
    assert list(row) == list(SENTENCE_CODEBOOK)
    assert row["finding_without_cap"] == "success"
    assert row["sentence_without_cap"].startswith("Ein Bruch der Zahlenreihe und ein Sprung der Basis halten")
    (plain,) = sentence_table(explained, {}, grid, TEXTS).to_dict("records")
    assert (plain["finding_without_cap"], plain["sentence_without_cap"]) == ("", "")
    assert list(sentence_table(Explained({}, *[empty] * 4), {}, grid, TEXTS)) == list(SENTENCE_CODEBOOK)


@many
@given(spaces(), codes)
def test_sentences_without_a_cap_never_break(universes: Universes, headline: np.ndarray) -> None:
    one = story(universes, *headline)
    told = sentences_without_cap(one, dict.fromkeys(universes.cities, ("base_jump",)), TEXTS)
    for city, sentence in told.items():
        flip = one.question[universes.cities.index(city)]
        allowed = {change for changes in flip.changes for change in changes} if flip.size != NONE_FOUND else set()
        assert {(int(axis), int(taken)) for axis, taken in _CHOICE.findall(sentence)} <= allowed
