"""Findings in every universe: what a run of its own would find, at thresholds frozen on the models' mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.sensitivity import tiny
from tests.sensitivity.tiny import BASE, MAIN, axis, book, computed, own_findings, ring

from integstat.findings import Findings
from integstat.findings.words import FINDINGS, at_threshold, declare_all, finding_codes
from integstat.sensitivity.compute import COLUMNS, Answers
from integstat.sensitivity.decide import Decided, decide
from integstat.sensitivity.plan import Ring
from integstat.sensitivity.space import Space
from integstat.sensitivity.universes import NOT_THERE, Universes
from integstat.steps import Store

LEFT_OUT = {"ring.leave_out": ["92002"]}
MODELS = axis(
    "model",
    {"change.peers": "neighbours", "peers.notion": "neighbours", "change.coarse": "as_delivered", "change.incomplete": "drop"},
    LEFT_OUT | {"change.land": False, "change.priors.lasting_a": 4.0, "change.priors.sd_change_median": 0.3},
)
QUESTIONS = axis(
    "question",
    {"findings.headline": "lasting", "findings.caps": False},
    {"findings.headline": "peers", "findings.gap_scale": "points"},
    {"findings.headline": "own", "findings.absolute_from": 5, "findings.rho_times": 0.5},
)
DECISIONS = axis("decision", {"findings.q": 0.1}, {"findings.rule": "plain", "findings.plain_threshold": 0.7})


@pytest.fixture(scope="module")
def mixed() -> Ring:
    return ring(mixed=True)


@pytest.fixture(scope="module")
def own(mixed: Ring, kept: Path) -> Findings:
    return own_findings(BASE, mixed, keeper=Store(kept))


@dataclass(frozen=True)
class Whole:
    """All models, questions and decisions."""

    over: Space
    answers: dict[str, Answers]
    found: Decided


@pytest.fixture(scope="module")
def whole(mixed: Ring, own: Findings, kept: Path) -> Whole:
    over = tiny.space(mixed, MODELS, QUESTIONS, DECISIONS)
    return Whole(over, *decided(over, mixed, own, kept))


def decided(over: Space, one: Ring, own: Findings, folder: Path) -> tuple[dict[str, Answers], Decided]:
    answers = computed(over, one, folder).answers
    return answers, decide(own, answers, over, book(), one.panel.cities)


def in_order(frame: pd.DataFrame, indicator: str, cities: Sequence[str]) -> pd.DataFrame:
    """Rows of an indicator in the order of the panel; all NaN where a city is not in the frame."""
    return frame[frame["indicator"] == indicator].set_index("city").reindex(list(cities))


def check(over: Space, one: Ring, row: int, answers: dict[str, Answers], found: Decided) -> None:
    """Run a universe from scratch, with its definitions as the main ones: the same probabilities and the same findings."""
    combo = [int(level) for level in over.combos[row]]
    choices = over.choices(combo)
    decision = over.choices([level if axis.sort == "decision" else 0 for level, axis in zip(combo, over.axes, strict=True)])
    frozen = declare_all(found.findings.grid, decision.findings)[0]
    taken = {indicator: names[over.slot[row]] for indicator, names in over.definitions.items() if over.slot[row] < len(names)}
    scratch = own_findings(choices, one, MAIN | taken)
    for indicator, definition in taken.items():
        place = int(np.flatnonzero(answers[indicator].rows == row)[0])
        rows = in_order(scratch.grid, indicator, one.panel.cities["city"])
        assert set(rows["definition"].dropna()) == {definition}
        for column in COLUMNS:
            np.testing.assert_array_equal(answers[indicator].cells[column][place], rows[column].to_numpy(float), err_msg=column)
        there = rows["definition"].notna().to_numpy()
        cells = rows[there]
        declared = {kind: at_threshold(cells, kind, known, choices.findings).declared for kind, known in frozen.items()}
        expected = np.full(len(there), NOT_THERE)
        estimable = there.copy()
        estimable[there] = cells[["p_success", "p_deficit", "p_stable"]].notna().any(axis=1)
        expected[there] = np.where(estimable[there], finding_codes(declared), NOT_THERE)
        np.testing.assert_array_equal(found.universes[indicator].finding[place], expected)
        np.testing.assert_array_equal(found.universes[indicator].applies[place], estimable)
        np.testing.assert_array_equal(answers[indicator].applies[place], there)


@pytest.mark.parametrize(("combo", "slot"), [((1, 1, 0), 0), ((2, 2, 1), 1), ((0, 3, 2), 0)])
def test_a_universe_finds_what_a_run_of_its_own_would(combo: tuple[int, ...], slot: int, mixed: Ring, whole: Whole) -> None:
    row = int(np.flatnonzero((whole.over.combos == combo).all(axis=1) & (whole.over.slot == slot))[0])
    check(whole.over, mixed, row, whole.answers, whole.found)


@pytest.mark.slow
def test_fifty_universes_find_what_runs_of_their_own_would(own: Findings, mixed: Ring, tmp_path: Path) -> None:
    axes = (
        axis("peers", {"change.peers": "neighbours", "peers.notion": "neighbours"}, {"peers.without": ["rent_level"]}),
        axis("land", {"change.land": False}),
        axis("size", {"change.priors.sd_change_median": 0.3}),
        axis("lasting", {"change.priors.lasting_a": 4.0, "change.priors.lasting_b": 2.0}),
        axis("coarse", {"change.coarse": "as_delivered"}),
        axis("incomplete", {"change.incomplete": "drop"}),
        axis("left_out", LEFT_OUT),
        QUESTIONS,
        DECISIONS,
    )
    over = tiny.space(mixed, *axes, design="random", size=50, seed=4)
    answers, found = decided(over, mixed, own, tmp_path)
    assert len(over.combos) >= 50  # the sample, and what the headline is mixed from
    for row in np.random.default_rng(4).choice(len(over.combos), 50, replace=False):
        check(over, mixed, int(row), answers, found)


def test_without_model_axes_the_run_stands_as_it_is(mixed: Ring, own: Findings, kept: Path) -> None:
    over = tiny.space(mixed, QUESTIONS, DECISIONS)
    answers, found = decided(over, mixed, own, kept)
    pd.testing.assert_frame_equal(found.findings.grid, own.grid)
    pd.testing.assert_frame_equal(found.findings.others, own.others)
    pd.testing.assert_frame_equal(found.findings.kinds, own.kinds)
    assert set(own.grid["finding"]) > {"open", "success"}
    for indicator, one in found.universes.items():
        rows = in_order(own.grid, indicator, one.cities)
        codes = np.where(one.finding[one.main] == NOT_THERE, "", np.array(FINDINGS)[one.finding[one.main]])
        assert codes.tolist() == rows["finding"].tolist()
        for name in COLUMNS:
            np.testing.assert_array_equal(one.probability[name][one.main], rows[name].to_numpy(float))
        assert len(one.number) == len(answers[indicator].rows) == len(set(map(tuple, one.choice.tolist())))


def test_questions_and_definitions_never_enter_the_headline(mixed: Ring, own: Findings, kept: Path, whole: Whole) -> None:
    plain = decided(tiny.space(mixed, MODELS, vary=False), mixed, own, kept)[1]
    pd.testing.assert_frame_equal(plain.findings.grid, whole.found.findings.grid)
    pd.testing.assert_frame_equal(plain.findings.kinds, whole.found.findings.kinds)
    assert not plain.findings.grid["p_success"].equals(own.grid["p_success"])


def weighted(first: str, second: str) -> dict[str, object]:
    """The axis of models with main weight 2, and 1 and 3 for the others, of these kinds."""
    alternatives = [dict(one) for one in MODELS["alternative"]]
    alternatives[0] |= {"kind": first, "weight": 1.0}
    alternatives[1] |= {"kind": second, "weight": 3.0}
    return MODELS | {"main_weight": 2.0, "alternative": alternatives}


@pytest.mark.parametrize(
    ("kinds", "weights"),
    [
        (("equivalent", "equivalent"), (2, 1, 3)),
        (("uncertain", "not_equivalent"), (2, 1, 0)),
        (("not_equivalent",) * 2, (2, 0, 0)),
    ],
)
def test_the_headline_is_the_mean_over_models(
    kinds: tuple[str, str], weights: tuple[int, ...], mixed: Ring, own: Findings, kept: Path
) -> None:
    answers, found = decided(tiny.space(mixed, weighted(*kinds), vary=False), mixed, own, kept)
    for indicator in MAIN:
        cells, rows = answers[indicator].cells, in_order(found.findings.grid, indicator, mixed.panel.cities["city"])
        alone = in_order(own.grid, indicator, mixed.panel.cities["city"])
        for name in COLUMNS:
            values, known = np.nan_to_num(cells[name]), np.isfinite(cells[name])
            for part in ("p_success", "p_worse"):  # the same events as in the ring's own universe
                known = known & (np.isfinite(cells[part]) == np.isfinite(cells[part][0]))
            share = np.array(weights)[:, None] * known
            total = np.where(share.sum(axis=0) > 0, share.sum(axis=0), np.nan)
            expected = np.where(known[0], (share * values).sum(axis=0) / total, np.nan)
            np.testing.assert_allclose(rows[name].to_numpy(float), expected, atol=1e-12)
            part = np.where(share > 0, cells[name], np.nan)[:, known[0]]
            between = rows[name].to_numpy(float)[known[0]]
            assert (between >= np.nanmin(part, axis=0) - 1e-12).all() and (between <= np.nanmax(part, axis=0) + 1e-12).all()
        for name in ("change_mean", "relative_change_mean", "level_last"):  # numbers stay those of the ring's own model
            np.testing.assert_array_equal(rows[name], alone[name])


def test_a_city_left_out_has_no_finding_there(mixed: Ring, whole: Whole) -> None:
    place = mixed.panel.cities["city"].tolist().index("92002")
    for one in whole.found.universes.values():
        out = one.choice[:, 0] == 2
        np.testing.assert_array_equal(one.finding[:, place] == NOT_THERE, out)
        np.testing.assert_array_equal(~one.applies[:, place], out)


def test_a_failed_universe_has_no_finding_and_no_say(mixed: Ring, own: Findings, kept: Path) -> None:
    over = tiny.space(mixed, axis("number", {"peers.k_max": 5, "peers.k": 5}))
    found = decided(over, mixed, own, kept)[1]
    for one in found.universes.values():
        np.testing.assert_array_equal((one.finding == NOT_THERE).all(axis=1), one.failed)
        assert one.failed.sum() == 2
    pd.testing.assert_frame_equal(found.findings.grid, own.grid)


def test_a_stricter_decision_finds_no_more(mixed: Ring, own: Findings, kept: Path) -> None:
    found = decided(tiny.space(mixed, axis("error", {"findings.q": 0.1, "findings.floor": 0.8})), mixed, own, kept)[1]
    lost = 0
    for one in found.universes.values():
        for slot in set(one.definition):
            rows = np.array([name == slot for name in one.definition])
            loose, strict = (one.finding[rows & (one.choice[:, 0] == taken)][0] for taken in (0, 1))
            assert (strict[strict == 1] == loose[strict == 1]).all()
            lost += int((loose > 0).sum() - (strict > 0).sum())
    assert lost > 0


def test_what_each_universe_is_worth(mixed: Ring, own: Findings, kept: Path) -> None:
    definitions = {"kind": "uncertain", "weight": 0.5, "main_weight": 2.0}
    question = axis("question", {"findings.rho_times": 0.5})
    over = tiny.space(mixed, weighted("equivalent", "not_equivalent"), question, definitions=definitions)
    found: dict[str, Universes] = decided(over, mixed, own, kept)[1].universes
    for indicator, one in found.items():
        other = np.array([name != MAIN[indicator] for name in one.definition])
        models = np.array([2.0, 1.0, 3.0])[one.choice[:, 0]]
        np.testing.assert_allclose(one.weight, models * np.where(other, 0.5, 2.0))
        np.testing.assert_array_equal(one.same_question, one.choice[:, 1] == 0)
        asked = np.where(one.choice[:, 1] > 0, 2, 0)
        np.testing.assert_array_equal(one.kind, np.maximum(asked, np.maximum(other, 2 * (one.choice[:, 0] == 2))))


def test_deciding_anew_changes_nothing(mixed: Ring, whole: Whole) -> None:
    again = decide(whole.found.findings, whole.answers, whole.over, book(), mixed.panel.cities)
    pd.testing.assert_frame_equal(again.findings.grid, whole.found.findings.grid)
