"""Damaged deliveries: no traceback, and nothing that changes a finding passes in silence, but what nobody could see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .mutation_kinds import KINDS
from .mutations import Mutation, Outcome, Sound, reading_once, sound_books, sound_table

FAST = [kind for kind in KINDS if kind.ring == "table"][::7] + [kind for kind in KINDS if kind.ring == "books"][::20]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Sound]]:
    with reading_once():
        yield {
            "books": sound_books(tmp_path_factory.mktemp("books"), cities=5, indicators=3),
            "table": sound_table(tmp_path_factory.mktemp("table") / "ring", cities=5, indicators=3),
        }


def seen(kind: Mutation, outcome: Outcome) -> bool:
    """Whether a damage that changes findings was told, or may pass for a reason that is written down."""
    return bool(outcome.told) or not outcome.material or bool(kind.why)


def test_there_are_many_kinds_each_with_its_own_name() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 100


def test_sound_rings_raise_nothing(sound: dict[str, Sound]) -> None:
    assert all(not [one for one in ring.problems if one.severity != "hint"] for ring in sound.values())


@pytest.mark.parametrize("kind", FAST, ids=lambda kind: kind.name)
def test_damage_is_told(sound: dict[str, Sound], kind: Mutation) -> None:
    assert seen(kind, sound[kind.ring].try_out(kind, 1))


def test_a_damage_is_put_right_again(sound: dict[str, Sound]) -> None:
    for name, ring in sound.items():
        assert all((ring.folder / file).read_bytes() == content for file, content in ring.files.items()), name
    nothing = Mutation("nothing", "table", lambda files, rng: None)
    assert sound["table"].try_out(nothing, 1) == Outcome("", (), False)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_of_damage_is_told(sound: dict[str, Sound], kind: Mutation) -> None:
    assert all(seen(kind, sound[kind.ring].try_out(kind, seed)) for seed in range(3))
