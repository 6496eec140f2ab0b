"""The declaring rule against its definition: all sets, one after the other."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from integstat.findings import FindingSettings
from integstat.findings.declare import declare

# shares of 20 draws: many ties, and means that meet q exactly
shares = st.lists(st.one_of(st.none(), st.integers(10, 20)), min_size=0, max_size=9)


def largest_set(counts: list[int | None], eligible: list[bool], q: Fraction, floor: Fraction) -> set[int]:
    """Largest set of eligible cells with mean error at most q that leaves no equal or better cell outside; then the floor."""
    cells = [i for i, count in enumerate(counts) if count is not None and eligible[i]]
    best: tuple[int, ...] = ()
    for size in range(1, len(cells) + 1):
        for chosen in itertools.combinations(cells, size):
            error = sum(1 - Fraction(counts[i], 20) for i in chosen) / size
            least = min(counts[i] for i in chosen)
            closed = all(counts[i] < least for i in cells if i not in chosen)
            if error <= q and closed:
                best = chosen
    return {i for i in best if Fraction(counts[i], 20) >= floor}


def run(
    counts: list[int | None], eligible: list[bool] | None = None, **settings: object
) -> tuple[set[int], float, float, np.ndarray]:
    p = np.array([np.nan if count is None else count / 20 for count in counts], dtype=float)
    usable = np.array(eligible if eligible is not None else [True] * len(p), dtype=bool)
    out = declare(p, usable, FindingSettings.model_validate(settings))
    return set(np.flatnonzero(out.declared).tolist()), out.threshold, out.expected_wrong, p


@given(shares, st.data(), st.sampled_from([0.05, 0.1, 0.2, 0.25]), st.sampled_from([0.5, 0.8, 0.9]))
def test_largest_set(counts: list[int | None], data: st.DataObject, q: float, floor: float) -> None:
    eligible = data.draw(st.lists(st.booleans(), min_size=len(counts), max_size=len(counts)))
    declared, threshold, wrong, p = run(counts, eligible, q=q, floor=floor)
    assert declared == largest_set(counts, eligible, Fraction(str(q)), Fraction(str(floor)))
    chosen = sorted(declared)
    np.testing.assert_allclose(wrong, sum(1 - p[i] for i in chosen))
    assert threshold == (min(p[i] for i in chosen) if chosen else float("inf"))


@given(shares, st.lists(st.sampled_from([0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.45]), min_size=2, max_size=2))
def test_more_tolerance_never_takes_a_cell_away(counts: list[int | None], qs: list[float]) -> None:
    strict, loose = (run(counts, q=q)[0] for q in sorted(qs))
    assert strict <= loose


@given(shares, st.randoms(use_true_random=False))
def test_order_means_nothing(counts: list[int | None], random: object) -> None:
    order = list(range(len(counts)))
    random.shuffle(order)
    assert {order[i] for i in run([counts[i] for i in order])[0]} == run(counts)[0]


@given(shares, st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_plain_rule(counts: list[int | None], threshold: float) -> None:
    declared, frozen, wrong, p = run(counts, rule="plain", plain_threshold=threshold)
    assert declared == {
        i for i, count in enumerate(counts) if count is not None and Fraction(count, 20) >= Fraction(str(threshold))
    }
    assert frozen == threshold
    np.testing.assert_allclose(wrong, sum(1 - p[i] for i in declared))


def test_ties_enter_together_or_not_at_all() -> None:
    assert run([20, 17, 17])[0] == {0, 1, 2}  # mean error 0.10 exactly
    assert run([20, 17, 17, 17])[0] == {0}  # two of the three would still fit


def test_floor_holds_where_the_set_would_allow_more() -> None:
    assert run([20] * 9 + [12])[0] == set(range(9))


def test_nothing_to_declare() -> None:
    assert run([])[0] == set()
    assert run([None, 19], [True, False])[:3] == (set(), float("inf"), 0.0)
