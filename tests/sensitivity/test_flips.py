"""Smallest sets of changes: by hand, and against a search over all sets of axes."""

from __future__ import annotations

import itertools
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sensitivity.spaces import DEFICIT, OPEN, STABLE, SUCCESS, reordered, space, spaces

from integstat.sensitivity.flips import NONE_FOUND, Flip, smallest_flips
from integstat.sensitivity.universes import NOT_THERE, Universes

many = settings(max_examples=100, deadline=None)
codes = st.lists(st.sampled_from([NOT_THERE, OPEN, SUCCESS, DEFICIT, STABLE]), min_size=3, max_size=3).map(np.array)
Within = Literal["question", "all"]
withins: st.SearchStrategy[Within] = st.sampled_from(["question", "all"])


def brute(universes: Universes, code: int, city: int, within: Within) -> Flip:
    """Grow the set of changed axes until some choice of alternatives on it flips."""
    rows = {tuple(row): u for u, row in enumerate(universes.choice.tolist())}
    free = [i for i, axis in enumerate(universes.axes) if within == "all" or axis.sort in ("model", "measurement")]
    unanswered, definition_kind = 0, universes.definition_kind
    assert definition_kind is not None
    for size in range(len(free) + 1):
        ties = []
        missing = 0
        for changed in itertools.combinations(free, size):
            for taken in itertools.product(*(range(1, len(universes.axes[i].alternatives)) for i in changed)):
                changes = tuple(zip(changed, taken, strict=True))
                kinds = [universes.axes[i].alternatives[j].kind for i, j in changes]
                if within == "question" and "not_equivalent" in kinds:
                    continue
                u = rows.get(tuple(dict(changes).get(i, 0) for i in range(len(universes.axes))))
                if u is not None and (not universes.applies[u, city] or (within == "question" and definition_kind[u] == 2)):
                    continue
                found = NOT_THERE if u is None else universes.finding[u, city]
                missing += found == NOT_THERE
                if NOT_THERE not in (found, code) and found != code:
                    ties.append((u, changes, found))
        if ties:
            us, changes_of, findings = zip(*sorted(ties), strict=True)
            return Flip(size, us, changes_of, findings, unanswered)
        unanswered += missing
    return Flip(NONE_FOUND, unanswered=unanswered)


@many
@given(spaces(), codes, withins)
def test_equals_brute_force_with_missing_combinations(universes: Universes, headline: np.ndarray, within: Within) -> None:
    got = smallest_flips(universes, headline, within)
    assert got == tuple(brute(universes, code, city, within) for city, code in enumerate(headline))


@many
@given(spaces(), codes, withins, st.integers(0, 99))
def test_order_does_not_matter(universes: Universes, headline: np.ndarray, within: Within, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, axes = rng.permutation(len(universes.choice)), rng.permutation(len(universes.axes))
    before = smallest_flips(universes, headline, within)
    after = smallest_flips(reordered(universes, rows, axes), headline, within)
    for one, other in zip(before, after, strict=True):
        assert (one.size, one.unanswered) == (other.size, other.unanswered)
        assert sorted(one.rows) == sorted(rows[list(other.rows)].tolist())
        assert sorted(one.changes) == sorted(tuple(sorted((int(axes[i]), j) for i, j in change)) for change in other.changes)


@many
@given(spaces(), codes)
def test_more_may_change_in_all_than_within_the_question(universes: Universes, headline: np.ndarray) -> None:
    pairs = zip(smallest_flips(universes, headline, "question"), smallest_flips(universes, headline, "all"), strict=True)
    for narrow, wide in pairs:
        assert narrow.size == NONE_FOUND or NONE_FOUND < wide.size <= narrow.size


def test_ties_are_all_shown_with_where_they_lead() -> None:
    finding = np.full((3, 2), SUCCESS)
    finding[2, 0], finding[0, 1], finding[2, 1] = DEFICIT, OPEN, STABLE
    (flip,) = smallest_flips(space((3, 2), finding=finding), np.array([SUCCESS]), "question")
    assert flip == Flip(1, rows=(1, 4), changes=(((1, 1),), ((0, 2),)), findings=(OPEN, DEFICIT), unanswered=0)


def test_two_choices_that_only_matter_together() -> None:
    finding = np.array([SUCCESS, SUCCESS, SUCCESS, OPEN])
    (flip,) = smallest_flips(space((2, 2), finding=finding), np.array([SUCCESS]), "question")
    assert (flip.size, flip.changes) == (2, (((0, 1), (1, 1)),))


def test_the_own_universe_can_differ_from_the_run() -> None:
    (flip,) = smallest_flips(space((2,), finding=np.array([OPEN, SUCCESS])), np.array([SUCCESS]), "question")
    assert flip == Flip(0, rows=(0,), changes=((),), findings=(OPEN,))


@pytest.mark.parametrize(("within", "size"), [("question", NONE_FOUND), ("all", 1)])
def test_other_questions_and_what_is_not_equivalent_flip_only_in_all(within: Within, size: int) -> None:
    kinds = {(0, 1): "not_equivalent"}
    universes = space((2, 2), sorts=("model", "question"), kinds=kinds, finding=np.array([SUCCESS, OPEN, OPEN, OPEN]))
    (flip,) = smallest_flips(universes, np.array([SUCCESS]), within)
    assert flip.size == size
    assert len(flip.rows) == (2 if within == "all" else 0)


def test_what_failed_or_was_not_computed_is_counted() -> None:
    rows = [(0, 0), (0, 1), (2, 1)]  # of six; one failed
    universes = space((3, 2), rows=rows, finding=np.array([SUCCESS, NOT_THERE, OPEN]))
    (flip,) = smallest_flips(universes, np.array([SUCCESS]), "question")
    assert (flip.size, flip.unanswered) == (2, 3)
    (same,) = smallest_flips(universes, np.array([NOT_THERE]), "question")
    assert (same.size, same.unanswered) == (NONE_FOUND, 4)
