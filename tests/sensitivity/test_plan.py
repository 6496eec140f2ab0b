"""What has to be computed: distinct models, fits named by what they read, and how much of it is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.sensitivity import tiny
from tests.sensitivity.tiny import BASE, DEFINITIONS, PEERS, axis, computed, ring

from integstat.errors import UsageError
from integstat.findings import FindingSettings
from integstat.panel import Context
from integstat.peers.build import build_partitions
from integstat.peers.kept import KeptPeers, from_tree
from integstat.peers.partitions import Partitions
from integstat.pipeline import fit_step
from integstat.sensitivity.choices import Choices
from integstat.sensitivity.compute import Computed
from integstat.sensitivity.plan import (
    Model,
    Plan,
    Ring,
    definitions_by_model,
    models_of,
    peer_steps,
    peers_key,
    peers_tree,
    plan_of,
    question_of,
    size_of,
)
from integstat.steps import Store

LAND = axis("land", {"change.land": False})
NEAR = axis("peers", {"change.peers": "neighbours", "peers.notion": "neighbours"}, {"change.peers": "none"})
LASTING = axis("lasting", {"change.priors.lasting_a": 4.0})
STEP = axis("step", {"findings.rho_times": 2.0}, {"findings.rho_times": 0.5})
FEATURES = axis("features", {"peers.without": ["rent_level"]})


@pytest.fixture(scope="module")
def one() -> Ring:
    return ring()


@pytest.fixture(scope="module")
def partitions(one: Ring) -> Partitions:
    assert one.context is not None
    return build_partitions(one.context, PEERS, PEERS.seed)


@pytest.fixture(scope="module")
def groups(one: Ring) -> dict[str, KeptPeers]:
    assert one.context is not None
    return {peers_key(one.context, PEERS): from_tree(peers_tree(one.context, PEERS))}


def planned(paths: dict[str, object], one: Ring, groups: dict[str, KeptPeers], *definitions: str) -> Plan:
    """Plan of E3 with this changed."""
    names = definitions or ("E3.leavers", "E3.residents_15_20")
    return plan_of(Model((0,), BASE.changed(paths)), "E3", names, one, groups, {})


def keys(plan: Plan) -> dict[str, str]:
    return {definition: step.key for definition, step in plan.fits.items()}


def test_models_are_the_distinct_choices_on_model_axes(one: Ring) -> None:
    over = tiny.space(one, STEP, LAND, LASTING)
    models, model_of = models_of(over)
    assert [model.combo for model in models] == [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)]
    assert [model.choices.change.land for model in models] == [True, True, False, False]
    assert all(model.choices.findings == BASE.findings for model in models)
    combos = np.array([models[place].combo for place in model_of])
    np.testing.assert_array_equal(combos[:, 1:], over.combos[:, 1:])


def test_each_model_plans_the_definitions_that_some_universe_takes(one: Ring) -> None:
    rule = {"where": {"definition": "E3.residents_15_20", "land": "a1"}, "reason_de": "x"}
    over = tiny.space(one, LAND, exclude=[rule])
    found = definitions_by_model(over, models_of(over)[1])
    assert found == {
        (0, "R1"): ["R1.eight_years_previous", "R1.all_previous_year"],
        (1, "R1"): ["R1.eight_years_previous", "R1.all_previous_year"],
        (0, "E3"): ["E3.leavers", "E3.residents_15_20"],
        (1, "E3"): ["E3.leavers"],
    }


def test_definitions_no_universe_takes_are_fitted_only_for_a_bridge(one: Ring, groups: dict[str, KeptPeers]) -> None:
    assert set(planned({}, one, groups, "E3.leavers").fits) == {"E3.leavers"}
    assert set(planned({}, ring(mixed=True), groups, "E3.leavers").fits) == {"E3.leavers", "E3.residents_15_20"}


@pytest.mark.parametrize(
    ("paths", "other_fits", "other_name"),
    [
        ({}, False, False),
        ({"change.priors.lasting_a": 4.0, "change.priors.lasting_b": 2.0}, False, False),
        ({"findings.rho_times": 2.0, "findings.caps": False, "findings.q": 0.05}, False, False),
        ({"peers.notion": "neighbours"}, False, True),
        ({"change.coarse": "as_delivered"}, False, False),  # nothing is coarse here
        ({"change.incomplete": "drop"}, False, False),  # nothing is missing here
        ({"change.land": False}, True, True),
        ({"change.peers": "none"}, True, True),
        ({"change.priors.sd_change_median": 0.3}, True, True),
        ({"ring.leave_out": ["91001"]}, True, True),
    ],
)
def test_a_fit_is_named_by_what_it_reads(
    paths: dict[str, object], other_fits: bool, other_name: bool, one: Ring, groups: dict[str, KeptPeers]
) -> None:
    own, other = planned({}, one, groups), planned(paths, one, groups)
    assert [keys(own)[name] != keys(other)[name] for name in keys(own)] == [other_fits] * 2
    assert (own.name != other.name) == other_name


def test_coarse_and_incomplete_counts_name_other_fits(groups: dict[str, KeptPeers]) -> None:
    one, model = ring(mixed=True), ("R1.eight_years_previous", "R1.all_previous_year")
    own, other = (
        keys(plan_of(Model((0,), BASE.changed(paths)), "R1", model, one, groups, {}))
        for paths in ({}, {"change.coarse": "as_delivered"})
    )
    assert own["R1.all_previous_year"] != other["R1.all_previous_year"]
    whole, dropped = (keys(planned(paths, one, groups)) for paths in ({}, {"change.incomplete": "drop"}))
    assert [whole[name] == dropped[name] for name in ("E3.leavers", "E3.residents_15_20")] == [True, False]


def test_partitions_are_named_by_context_and_settings_but_not_by_the_notion(one: Ring) -> None:
    context = one.context
    assert context is not None
    own = peers_key(context, PEERS)
    assert own == peers_key(context, PEERS.model_copy(update={"notion": "neighbours"}))
    others = [PEERS.model_copy(update={"k": 3}), PEERS.model_copy(update={"seed": 2}), PEERS.model_copy(update={"neighbours": 2})]
    moved = Context(context.features * 1.01, context.year)
    assert len({own, *(peers_key(context, other) for other in others), peers_key(moved, PEERS)}) == 5
    models, _ = models_of(tiny.space(one, NEAR, FEATURES, LAND))
    assert len(peer_steps(models, context)) == 2
    assert peer_steps(models, None) == {}


def test_groups_that_failed_refuse_all_definitions(one: Ring) -> None:
    assert one.context is not None
    failed = UsageError("zu groß", place="[peers]")
    plan = plan_of(Model((0,), BASE), "E3", ["E3.leavers"], one, {}, {peers_key(one.context, PEERS): failed})
    assert (plan.fits, plan.refused, plan.baseline) == ({}, {"E3.leavers": "[peers]: zu groß."}, None)


def test_without_context_there_are_no_peers(one: Ring) -> None:
    plan = planned({}, Ring(one.panel, None, one.catalogue, one.years, one.seed), {})
    assert plan.baseline is None
    assert len(plan.fits) == 2


def test_a_ring_without_some_cities(one: Ring) -> None:
    assert one.without(()) is one.panel
    fewer = one.without(("91001", "92003"))
    assert fewer is one.without(("91001", "92003"))
    assert set(one.panel.cities["city"]) - set(fewer.cities["city"]) == {"91001", "92003"}
    assert set(fewer.counts["city"]) == set(fewer.cities["city"])
    assert one.delivered("R1") == ["R1.eight_years_previous", "R1.all_previous_year"]
    assert len(one.cities("E3.leavers", ("91001",), FindingSettings()).table) == 8


def test_a_question_has_no_decisions() -> None:
    asked = FindingSettings(q=0.2, floor=0.9, rule="plain", plain_threshold=0.7, rho_times=2.0, caps=False)
    assert question_of(asked, FindingSettings()) == FindingSettings(rho_times=2.0, caps=False)


def counts(found: Computed) -> int:
    return found.fits.computed + found.fits.kept


def test_what_is_listed_is_what_is_computed(tmp_path: Path) -> None:
    one, store = ring(definitions=DEFINITIONS[:2]), Store(tmp_path)
    over = tiny.space(one, NEAR, FEATURES, STEP, LASTING, vary=False)
    before = size_of(over, one, store)
    assert (before.universes, before.models, before.partitions) == (3 * 2 * 3 * 2, 12, 2)
    assert not before.exact and before.missing == before.fits
    assert not list(tmp_path.iterdir())  # nothing is computed
    found = computed(over, one, tmp_path)
    after = size_of(over, one, store)
    assert after.exact and after.missing == 0
    assert after.fits == counts(found) <= before.fits
    assert replace(after, fits=0, missing=0, exact=False) == replace(before, fits=0, missing=0)
    more = size_of(tiny.space(one, NEAR, FEATURES, axis("size", {"change.priors.sd_change_median": 0.3}), vary=False), one, store)
    assert more.exact and more.fits == 2 * after.fits and more.missing == after.fits


def test_a_ring_without_peers_is_exact_from_the_start(one: Ring, tmp_path: Path) -> None:
    over = tiny.space(one, LAND, base=Choices(None, BASE.change, BASE.findings))
    size = size_of(over, one, Store(tmp_path))
    assert (size.partitions, size.fits, size.missing, size.exact) == (0, 2 * len(DEFINITIONS), 2 * len(DEFINITIONS), True)


@pytest.mark.parametrize("choice", ["coassignment", "neighbours", "groups", "none"])
def test_fits_are_those_of_a_run(choice: str, one: Ring, groups: dict[str, KeptPeers], partitions: Partitions) -> None:
    chosen = BASE.changed({"change.peers": choice})
    found = keys(planned({"change.peers": choice}, one, groups))
    for definition, key in found.items():
        step = fit_step(one.panel, definition, one.catalogue, one.years, chosen.change, partitions, one.seed)
        assert step.key == key
