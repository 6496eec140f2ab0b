"""Choices made otherwise: exactly one thing changes, for all indicators, and what is not allowed is told in German."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sensitivity.tiny import BASE, FEATURES

from integstat.change.settings import PriorChanges
from integstat.sensitivity.choices import Choices

HISTORY = {
    "lasting_a": 6.0, "lasting_b": 3.0, "lasting_source": "history", "sd_change_median": 0.3, "sd_change_log_sd": 0.4,
    "shift_sd": 0.35, "shift_source": "history", "overlap": 0.7,
}  # fmt: skip
INFORMED = replace(BASE, change=BASE.change.model_copy(update={"indicator": {"E3": PriorChanges.model_validate(HISTORY)}}))
PATHS: dict[str, list[Any]] = {
    "change.land": [False],
    "change.peers": ["none", "neighbours", "groups"],
    "change.overlap": [0.0, 0.6],
    "change.coarse": ["as_delivered"],
    "change.priors.shift_sd": [1.0],
    "change.priors.lasting_a": [4.0],
    "change.priors.peer_change_scale": [0.1],
    "findings.headline": ["lasting", "own"],
    "findings.q": [0.05],
    "findings.caps": [False],
    "peers.notion": ["neighbours"],
    "peers.k": [2, 3],
    "peers.without": [["pop"], ["pop", "density"]],
    "ring.leave_out": [["91001"], ["93002", "91001"]],
}
changes = st.lists(st.sampled_from(sorted(PATHS)), unique=True, max_size=5).flatmap(
    lambda names: st.fixed_dictionaries({name: st.sampled_from(PATHS[name]) for name in names})
)


def test_nothing_changed_is_the_same() -> None:
    assert BASE.changed({}) == BASE
    assert BASE.leave_out == ()


@given(changes, st.randoms(use_true_random=False))
def test_the_order_of_independent_paths_does_not_count(paths: dict[str, Any], chance: Any) -> None:
    order = list(paths)
    chance.shuffle(order)
    found = INFORMED.changed(paths)
    assert INFORMED.changed({name: paths[name] for name in order}) == found
    for section, part, own in (
        ("change", found.change, INFORMED.change),
        ("findings", found.findings, INFORMED.findings),
        ("peers", found.peers, INFORMED.peers),
    ):
        assert (part == own) == (not any(name.startswith(f"{section}.") for name in paths))


def test_each_section_takes_its_value() -> None:
    found = BASE.changed({"change.land": False, "findings.q": 0.05, "peers.k": 3, "change.priors.shift_sd": 1.0})
    assert found.peers is not None
    assert (found.change.land, found.findings.q, found.peers.k, found.change.priors.shift_sd) == (False, 0.05, 3, 1.0)


def test_what_lasts_is_assumed_for_indicators_with_a_history_too() -> None:
    found = INFORMED.changed({"change.priors.lasting_a": 4.0, "change.priors.lasting_b": 2.0})
    for definition in ("E3.leavers", "R1.all_same_year"):
        priors = found.change.for_definition(definition).priors
        assert (priors.lasting_a, priors.lasting_b, priors.lasting_source) == (4.0, 2.0, "default")
    assert INFORMED.change.for_definition("E3.leavers").priors.lasting_source == "history"


def test_priors_of_one_place_go_together() -> None:
    own = INFORMED.change.priors
    size = INFORMED.changed({"change.priors.sd_change_median": 0.1}).change.for_definition("E3.leavers").priors
    assert (size.sd_change_median, size.sd_change_log_sd) == (0.1, own.sd_change_log_sd)
    assert (size.shift_sd, size.shift_source, size.lasting_a) == (0.35, "history", 6.0)
    shift = INFORMED.changed({"change.priors.shift_sd": 1.0}).change.for_definition("E3.leavers").priors
    assert (shift.shift_sd, shift.shift_source, shift.sd_change_median) == (1.0, "default", 0.3)


def test_an_overlap_is_changed_for_all() -> None:
    found = INFORMED.changed({"change.overlap": 0.0}).change
    assert found.for_definition("E3.leavers").overlap == found.for_definition("R1.all_same_year").overlap == 0.0
    assert found.for_definition("E3.leavers").priors == INFORMED.change.for_definition("E3.leavers").priors


def test_features_may_be_left_out_with_the_weight_of_their_group() -> None:
    assert BASE.peers is not None
    first = BASE.peers.feature[0].model_copy(update={"group": "size"})
    peers = BASE.peers.model_copy(update={"feature": (first, *BASE.peers.feature[1:]), "group_weight": {"size": 2.0}})
    found = replace(BASE, peers=peers).changed({"peers.without": ["pop"]}).peers
    assert found is not None
    assert [one.id for one in found.feature] == list(FEATURES[1:])
    assert found.group_weight == {}


def test_a_ring_without_groups_has_no_choices_about_them() -> None:
    alone = Choices(None, BASE.change, BASE.findings)
    assert alone.changed({"peers.k": 3, "peers.without": ["pop"]}) == alone


def test_cities_left_out_stand_in_order() -> None:
    assert BASE.changed({"ring.leave_out": ["93002", "91001"]}).leave_out == ("91001", "93002")


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        ("findings.q", 0.9, "'q' hat den unzulässigen Wert 0.9 (erlaubt ist weniger als 0.5)"),
        ("findings.headline", "land_", "'headline' hat den unzulässigen Wert 'land_' (erlaubt sind 'ring', 'peers'"),
        ("change.land", "ja", "'land' hat den unzulässigen Wert 'ja' (erwartet wird true oder false)"),
        ("change.priors.shift_sd", 0.1, "'shift_sd' hat den unzulässigen Wert 0.1 (erlaubt ist mindestens 0.3)"),
        ("peers.colour", 3, "unbekannter Schlüssel 'colour'"),
        ("peers.k", 4, "'k' (4) liegt nicht zwischen 'k_min' (2) und 'k_max' (3)"),
        ("peers.without", ["height"], "'height' ist kein Merkmal aus [peers]"),
        ("peers.without", "pop", "'peers.without' braucht eine Liste von Texten"),
        ("peers.without", list(FEATURES), "'feature' hat den unzulässigen Wert []"),
        ("ring.leave_out", "91001", "'ring.leave_out' braucht eine Liste von Texten"),
        ("ring.leave_out", [91001], "'ring.leave_out' braucht eine Liste von Texten"),
    ],
)
def test_what_is_not_allowed_is_told(path: str, value: object, what: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(what)}"):
        BASE.changed({path: value})
