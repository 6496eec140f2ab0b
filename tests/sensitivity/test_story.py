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
_CHOICE = re.compile(r"bei „Achse (\d)“ auf „Wahl (\d)“")


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
        within = one.question[city] if one.question[city].size >= 0 else one.anything[city]
        allowed = {change for changes in within.changes for change in changes}
        if within.size == 0:
            allowed = reaching(universes, city, headline[city])
        named = {(int(axis), int(taken)) for axis, taken in _CHOICE.findall(sentence)}
        assert named <= allowed
        flips = one.question[city].size > 0 or (one.question[city].size == NONE_FOUND and 0 < one.anything[city].size <= 2)
        told = bool(allowed) if within.size == 0 else flips
        assert bool(named) == (told and headline[city] != NOT_THERE)
        to = within.findings if within.size else (headline[city],)
        leads = {TEXTS.t(f"word.{FINDINGS[finding]}") for finding in to}
        assert set(re.findall(r"dann „(.+?)“", sentence)) <= leads
        assert "{" not in sentence
        assert sentence.endswith(".")


def reaching(universes: Universes, city: int, code: int) -> set[tuple[int, int]]:
    """Changes of the smallest sets that lead from the ring's own universe to this finding, looked for one by one."""
    sets = [
        {(axis, int(taken)) for axis, taken in enumerate(choice) if taken}
        for row, choice in enumerate(universes.choice)
        if universes.same_question[row] and universes.kind[row] < 2 and universes.applies[row, city]
        and universes.finding[row, city] == code and row != universes.main
    ]  # fmt: skip
    fewest = min(map(len, sets), default=0)
    return set().union(*(one for one in sets if len(one) == fewest))


@many
@given(spaces(), codes)
def test_sentences_count_the_other_universes(universes: Universes, headline: np.ndarray) -> None:
    one = story(universes, *headline)
    for city, sentence in enumerate(sentences(one, TEXTS)):
        others = [row for row in range(len(universes.number)) if row != universes.main and universes.same_question[row]
                  and universes.kind[row] < 2 and universes.applies[row, city]]  # fmt: skip
        known = [row for row in others if universes.finding[row, city] != NOT_THERE]
        nothing = one.question[city].size == NONE_FOUND and headline[city] != NOT_THERE
        assert ("war zu rechnen; " in sentence) == (nothing and bool(others) and not known)
        assert ("nur den Rechenweg des Rings" in sentence) == (nothing and not others)
        counted = f"({'ein anderer' if len(known) == 1 else f'{len(known)} andere'} gerechnet)"
        assert (counted in sentence) == (nothing and bool(known))


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
        "(5 andere gerechnet)."
    )
    without = space([2], finding=np.full(2, OPEN))
    assert say(without, OPEN) == (
        "Kein anderer Rechenweg, der als gleichwertig gelten kann, macht aus der offenen Zelle einen Befund "
        "(ein anderer gerechnet)."
    )


def test_a_finding_that_one_choice_changes() -> None:
    universes = space([2, 2], sorts=["model", "measurement"], finding=np.array([DEFICIT, OPEN, DEFICIT, OPEN]))
    assert say(universes, DEFICIT) == (
        "Der Befund „Defizit“ steht auf 2 von 4 gleichwertigen Rechenwegen; er ändert sich, "
        "wenn die Wahl bei „Achse 1“ auf „Wahl 1“ fällt (dann „offen“)."
    )


def test_ties_that_lead_to_the_same_and_to_different_findings() -> None:
    same = space([2, 2], finding=np.array([SUCCESS, OPEN, OPEN, OPEN]))
    assert (
        "wenn die Wahl bei „Achse 1“ auf „Wahl 1“ oder bei „Achse 0“ auf „Wahl 1“ fällt (in allen Fällen dann „offen“)."
        in say(same, SUCCESS)
    )
    apart = space([2, 2], finding=np.array([OPEN, DEFICIT, SUCCESS, OPEN]))
    assert (
        "wenn die Wahl bei „Achse 1“ auf „Wahl 1“ (dann „Defizit“) oder bei „Achse 0“ auf „Wahl 1“ (dann „Erfolg“) fällt."
        in say(apart, OPEN)
    )
    assert say(apart, OPEN).startswith("Offen ist die Zelle auf 2 von 4 gleichwertigen Rechenwegen; ein Befund wird daraus")


def test_of_many_ties_three_are_named() -> None:
    universes = space([6], finding=np.array([SUCCESS, OPEN, OPEN, OPEN, OPEN, OPEN]))
    assert say(universes, SUCCESS).endswith(
        "„Wahl 1“, bei „Achse 0“ auf „Wahl 2“ oder bei „Achse 0“ auf „Wahl 3“ fällt (in allen Fällen dann „offen“); "
        "ebenso bei 2 weiteren Möglichkeiten."
    )


def test_of_a_success_at_a_poor_level_only_the_deficit_is_left() -> None:
    one = story(space([2], finding=np.array([SUCCESS, DEFICIT])), SUCCESS)
    assert sentences(one, TEXTS, poor=one.universes.cities)[0].endswith("fällt (dann nur noch „Defizit“).")
    assert sentences(one, TEXTS)[0].endswith("fällt (dann „Defizit“).")
    left = story(space([2], finding=np.array([SUCCESS, OPEN])), SUCCESS)
    assert sentences(left, TEXTS, poor=left.universes.cities)[0].endswith("fällt (dann „offen“).")


def test_two_changes_together() -> None:
    universes = space([2, 2], finding=np.array([STABLE, STABLE, STABLE, OPEN]))
    assert "die Wahl bei „Achse 0“ auf „Wahl 1“ und zugleich bei „Achse 1“ auf „Wahl 1“ fällt (dann „offen“)." in say(
        universes, STABLE
    )


def test_the_mean_over_models_differs_from_the_ring_alone() -> None:
    universes = space([3], finding=np.array([OPEN, SUCCESS, SUCCESS]))
    assert say(universes, SUCCESS) == (
        "Der Befund „Erfolg“ steht erst im Mittel über die Modelle, der Rechenweg des Rings allein käme zu „offen“. "
        "Zum selben Befund kommt auch er, wenn die Wahl bei „Achse 0“ auf „Wahl 1“ oder bei „Achse 0“ auf „Wahl 2“ fällt "
        "(in allen Fällen dann „Erfolg“). Der Befund steht auf 2 von 3 gleichwertigen Rechenwegen."
    )
    none = say(space([3], finding=np.array([OPEN, OPEN, OPEN])), SUCCESS)
    assert "Auch kein anderer gerechneter Rechenweg, der als gleichwertig gelten kann, kommt für sich zu „Erfolg“." in none
    assert "bei „" not in none


def test_failed_universes_are_told() -> None:
    universes = space([3], finding=np.array([SUCCESS, NOT_THERE, OPEN]))
    assert say(universes, SUCCESS).endswith("war nicht zu rechnen und zählt nicht als derselbe Befund.")
    nothing = space([3], finding=np.array([SUCCESS, NOT_THERE, SUCCESS]))
    assert say(nothing, SUCCESS).endswith("(ein anderer gerechnet). Für eine Kombination gibt es kein Ergebnis.")


def test_where_every_other_universe_failed_no_finding_is_called_safe() -> None:
    universes = space([2, 2], sorts=["model", "measurement"], finding=np.array([SUCCESS, *[NOT_THERE] * 3]))
    assert say(universes, SUCCESS) == (
        "Kein anderer Rechenweg, der als gleichwertig gelten kann, war zu rechnen; woran der Befund „Erfolg“ hängt, ist daher "
        "nicht zu sagen. "
        "Für 3 Kombinationen gibt es kein Ergebnis."
    )
    (told,) = sentences_without_cap(story(universes, SUCCESS), {universes.cities[0]: ("break",)}, TEXTS).values()
    assert told.endswith(
        "Ohne diese Sperre hieße es „Erfolg“; kein anderer Rechenweg, der als gleichwertig gelten kann, war zu rechnen."
    )
    half = space([2, 2], sorts=["model", "measurement"], finding=np.array([SUCCESS, NOT_THERE, SUCCESS, NOT_THERE]))
    assert "auch keine andere Definition" not in say(half, SUCCESS)


def test_a_choice_that_may_not_be_equivalent_is_called_so() -> None:
    universes = space([2], kinds={(0, 1): "uncertain"}, finding=np.array([SUCCESS, OPEN]))
    assert say(universes, SUCCESS) == (
        "Der Befund „Erfolg“ steht auf dem einzigen gleichwertigen Rechenweg; er ändert sich, "
        "wenn die Wahl bei „Achse 0“ auf „Wahl 1“ fällt (dann „offen“; ob das gleichwertig ist, steht nicht fest)."
    )


def test_only_another_question_changes_it() -> None:
    universes = space([2, 2], sorts=["model", "question"], finding=np.array([SUCCESS, OPEN, SUCCESS, OPEN]))
    assert say(universes, SUCCESS).endswith(
        "nicht gleichwertige Wahl, ändert den Befund, nämlich wenn die Wahl bei „Achse 1“ auf „Wahl 1“ fällt (dann „offen“)."
    )
    assert "Achse" not in sentences(story(universes, SUCCESS), TEXTS, beyond=False)[0]


def test_nothing_else_computed_and_nothing_there() -> None:
    universes = space([1], finding=np.array([SUCCESS]))
    assert "nur den Rechenweg des Rings" in say(universes, SUCCESS)
    assert "nichts zu bestimmen" in say(universes, NOT_THERE)


def test_unequal_weights_are_told_as_a_share() -> None:
    universes = space([3], weights={(0, 1): 8.0}, finding=np.array([SUCCESS, SUCCESS, OPEN]))
    (count,) = held(story(universes, SUCCESS))
    assert count.short(TEXTS) == "90\u202f% (gewichtet)"
    assert "auf Rechenwegen, die zusammen 90\u202f% des Gewichts aller 3 gleichwertigen haben; er ändert sich" in say(
        universes, SUCCESS
    )
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
        "Rechenwegen; anders ist es, wenn die Wahl bei „Nenner“ auf „je Einwohner von 15 bis unter 20“ fällt (dann „offen“). "
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
