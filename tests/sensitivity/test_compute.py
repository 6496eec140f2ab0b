"""Every distinct fit once, what is kept is not made again, and what fails takes nothing else with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from tests.sensitivity import tiny
from tests.sensitivity.tiny import DEFINITIONS, axis, computed, ring

import integstat.change
from integstat.change import ChangeData, ChangeSettings
from integstat.errors import ConvergenceError
from integstat.sensitivity.compute import COLUMNS, ELIGIBLE, Answers, Computed, compute
from integstat.sensitivity.plan import Ring
from integstat.sensitivity.space import Space
from integstat.steps import Store, in_process, processes

LAND = axis("land", {"change.land": False})
NEAR = {"change.peers": "neighbours", "peers.notion": "neighbours"}
LASTING = axis("lasting", {"change.priors.lasting_a": 4.0, "change.priors.lasting_b": 2.0})
STEP = axis("step", {"findings.rho_times": 2.0})
QUESTION = axis("compared", {"findings.headline": "lasting"}, {"findings.headline": "peers"})


@pytest.fixture(scope="module")
def one() -> Ring:
    return ring()


@pytest.fixture(scope="module")
def single() -> Ring:
    """One indicator."""
    return ring(definitions=DEFINITIONS[:2])


@pytest.fixture(scope="module")
def mixed() -> Ring:
    return ring(mixed=True)


def ran(found: Computed) -> tuple[int, int]:
    """Fits computed now, and fits that were kept."""
    return found.fits.computed, found.fits.kept


def at(answers: Answers, over: Space, *combo: int, slot: int = 0) -> int:
    """Row of a universe."""
    here = (over.combos[answers.rows] == combo).all(axis=1) & (over.slot[answers.rows] == slot)
    return int(np.flatnonzero(here)[0])


def same(first: Answers, second: Answers, rows: np.ndarray | slice = slice(None)) -> bool:
    return all(np.array_equal(first.cells[name][rows], second.cells[name], equal_nan=True) for name in (*COLUMNS, *ELIGIBLE))


def test_one_fit_for_each_definition_and_model(single: Ring, tmp_path: Path) -> None:
    found = computed(tiny.space(single, LAND, LASTING, STEP, QUESTION), single, tmp_path)
    assert ran(found) == (2 * 2, 0)  # with and without Land; what lasts, steps and questions need none
    assert (found.peers.computed, found.fits.failed) == (1, {})
    answers = found.answers["R1"]
    assert len(answers.rows) == 2 * 2 * 2 * 3 * 2
    assert answers.reason == ("",) * 48 and answers.applies.all()
    assert all(values.shape == (48, 9) for values in answers.cells.values())


def test_changing_one_axis_computes_what_depends_on_it(single: Ring, tmp_path: Path) -> None:
    def found(*axes: dict[str, Any]) -> Computed:
        return computed(tiny.space(single, *axes, vary=False), single, tmp_path)

    assert ran(found(LAND, STEP)) == (2, 0)
    other_step = found(LAND, axis("step", {"findings.rho_times": 0.7}))
    assert ran(other_step) == (0, 2) and other_step.peers.computed == 0
    assert ran(found(LAND, STEP, LASTING)) == (0, 2)
    with_peers = found(LAND, STEP, axis("peers", NEAR))
    assert ran(with_peers) == (2, 2) and with_peers.peers.computed == 0  # the same partition and neighbours, read otherwise
    fewer_features = found(axis("features", {"peers.without": ["rent_level"]}))
    assert (fewer_features.peers.computed, fewer_features.peers.kept) == (1, 1)
    notion_alone = found(axis("notion", {"peers.notion": "neighbours"}))
    assert ran(notion_alone) == (0, 1) and notion_alone.peers.computed == 0  # another yardstick needs no fit


def test_a_corrected_figure_costs_the_fits_of_its_definition(one: Ring, kept: Path) -> None:
    computed(tiny.space(one, LAND), one, kept)
    counts = one.panel.counts.copy()
    counts.loc[(counts["definition"] == "R1.all_previous_year").idxmax(), "y"] += 1
    corrected = Ring(type(one.panel)(counts, one.panel.cities), one.context, one.catalogue, one.years, one.seed)
    found = computed(tiny.space(corrected, LAND), corrected, kept)
    assert ran(found) == (2, 6)


def test_a_city_left_out_is_in_no_answer_but_in_the_groups(one: Ring, kept: Path) -> None:
    city = one.panel.cities["city"].iloc[2]
    over = tiny.space(one, axis("left_out", {"ring.leave_out": [city]}))
    found = computed(over, one, kept)
    assert found.peers.computed + found.peers.kept == 1
    for answers in found.answers.values():
        out = over.combos[answers.rows, 0] == 1
        np.testing.assert_array_equal(~answers.applies, np.outer(out, np.arange(9) == 2))
        for name in COLUMNS:
            assert np.isnan(answers.cells[name][out, 2]).all()
        assert np.isfinite(answers.cells["p_success"][out][:, [0, 1, 3, 4, 5, 6, 7, 8]]).all()


def test_answers_of_a_universe_do_not_depend_on_the_others(mixed: Ring, kept: Path) -> None:
    many = tiny.space(mixed, LAND, LASTING, QUESTION, STEP)
    alone = tiny.space(mixed, QUESTION)
    whole, part = computed(many, mixed, kept), computed(alone, mixed, kept)
    for indicator, answers in part.answers.items():
        rows = [at(whole.answers[indicator], many, 0, 0, int(over), 0, slot=int(slot))
                for (over,), slot in zip(alone.combos[answers.rows], alone.slot[answers.rows], strict=True)]  # fmt: skip
        assert same(whole.answers[indicator], answers, np.array(rows))


def test_questions_and_what_lasts_change_what_they_should(mixed: Ring, kept: Path) -> None:
    over = tiny.space(mixed, LASTING, QUESTION)
    answers = computed(over, mixed, kept).answers["E3"]
    own, less = at(answers, over, 0, 0), at(answers, over, 1, 0)
    np.testing.assert_array_equal(answers.cells["p_success"][own], answers.cells["p_success"][less])
    assert not np.array_equal(answers.cells["p_lasting"][own], answers.cells["p_lasting"][less], equal_nan=True)
    own, less = at(answers, over, 0, 1), at(answers, over, 1, 1)  # the question is what lasts
    assert not np.array_equal(answers.cells["p_success"][own], answers.cells["p_success"][less], equal_nan=True)


def test_a_bridged_city_has_a_level_and_no_change(mixed: Ring, kept: Path) -> None:
    over = tiny.space(mixed, axis("gap", {"findings.gap_scale": "points"}))
    answers = computed(over, mixed, kept).answers["E3"]
    for combo in (0, 1):
        row = at(answers, over, combo)
        np.testing.assert_array_equal(np.isfinite(answers.cells["p_success"][row]), np.arange(9) != 2)
        assert np.isfinite(answers.cells["p_worse"][row]).all()


class FailingFit:
    """Fits as always, except where it is told to fail."""

    def __init__(self, definition: str, *, land: bool) -> None:
        self.definition, self.land = definition, land
        self.fit = integstat.change.fit_open

    def __call__(
        self, data: ChangeData, settings: ChangeSettings, seed: int, *, cores: int = 2, threads: int | None = None
    ) -> xr.DataTree:
        if data.definition == self.definition and (data.land is not None) == self.land:
            raise ConvergenceError("die Rechnung kommt nicht zur Ruhe", place=data.definition, mend="bitte anders")
        return self.fit(data, settings, seed, cores=cores, threads=threads)


def test_a_failed_fit_is_a_universe_with_its_reason(one: Ring, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = computed(tiny.space(one, STEP), one, kept)
    monkeypatch.setattr(integstat.change, "fit_open", FailingFit("E3.residents_15_20", land=False))
    over = tiny.space(one, axis("model", {"change.land": False, "change.priors.level_sd": 4.0}), STEP)
    for again in (False, True):  # the failure is kept too
        found = computed(over, one, kept)
        assert (found.fits.computed, len(found.fits.failed)) == (0 if again else 3, 1)
        for indicator, answers in found.answers.items():
            assert same(answers, whole.answers[indicator], over.combos[answers.rows, 0] == 0)
        assert set(found.answers["R1"].reason) == {""}
        answers = found.answers["E3"]
        lost = (over.slot[answers.rows] == 1) & (over.combos[answers.rows, 0] == 1)
        assert [bool(reason) for reason in answers.reason] == lost.tolist() and lost.sum() == 2
        assert set(answers.reason) == {"", "E3.residents_15_20: die Rechnung kommt nicht zur Ruhe; bitte anders."}
        assert np.isnan(answers.cells["p_worse"][lost]).all() and np.isfinite(answers.cells["p_worse"][~lost]).all()


def test_groups_that_cannot_be_are_universes_with_their_reason(one: Ring, kept: Path) -> None:
    over = tiny.space(one, axis("number", {"peers.k_max": 5, "peers.k": 5}))
    found = computed(over, one, kept)
    assert len(found.peers.failed) == 1 and found.fits.failed == {}
    for answers in found.answers.values():
        lost = over.combos[answers.rows, 0] == 1
        assert [("zu groß" in reason) for reason in answers.reason] == lost.tolist()
        assert np.isfinite(answers.cells["p_success"][~lost]).all()


def test_without_a_figure_there_is_a_reason(kept: Path) -> None:
    whole = ring()
    counts = whole.panel.counts.copy()
    half = (counts["definition"] == "E3.residents_15_20") & (counts["year"] == 2020)
    counts.loc[half, ["y", "n", "y_code", "n_code"]] = [np.nan, np.nan, "missing", "missing"]
    one = Ring(type(whole.panel)(counts, whole.panel.cities), whole.context, whole.catalogue, whole.years, whole.seed)
    over = tiny.space(one, axis("incomplete", {"change.incomplete": "drop"}))
    answers = computed(over, one, kept).answers["E3"]
    lost = at(answers, over, 1, slot=1)
    assert answers.reason[lost] == "keine Stadt hat dafür eine Zahl der Zielgruppe geliefert"
    assert [bool(reason) for reason in answers.reason].count(True) == 1


@pytest.mark.slow
def test_threads_and_processes_give_the_same(mixed: Ring, tmp_path: Path) -> None:
    over = tiny.space(mixed, LAND, axis("peers", NEAR, {"change.peers": "none"}), LASTING, QUESTION)
    plain = computed(over, mixed, tmp_path / "plain")
    threads = compute(over, mixed, Store(tmp_path / "threads"), lambda _: in_process(2), lambda *_: None, jobs=2)
    spread = compute(over, mixed, Store(tmp_path / "processes"), lambda _: processes(2), lambda *_: None, jobs=2)
    for other in (threads, spread):
        assert ran(other) == ran(plain)
        assert all(same(plain.answers[indicator], answers) for indicator, answers in other.answers.items())
