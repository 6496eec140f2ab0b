"""Small universes made by hand or at random, with everything that can go wrong in them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from integstat.sensitivity.universes import FINDINGS, KINDS, NOT_THERE, POOLED, Alternative, Axis, Kind, Sort, Universes

EVENTS = ("p_success", "p_deficit", "p_stable")
OPEN, SUCCESS, DEFICIT, STABLE = range(len(FINDINGS))
SORTS: tuple[Sort, ...] = ("model", "measurement", "question", "decision")


def space(
    sizes: Sequence[int],
    *,
    sorts: Sequence[Sort] | None = None,
    kinds: Mapping[tuple[int, int], Kind] | None = None,
    weights: Mapping[tuple[int, int], float] | None = None,
    rows: Sequence[Sequence[int]] | None = None,
    cities: int = 1,
    probability: np.ndarray | Mapping[str, np.ndarray] | None = None,
    finding: np.ndarray | None = None,
    applies: np.ndarray | None = None,
    weight: np.ndarray | None = None,
    indicator: str = "A1",
) -> Universes:
    """All combinations of axes of these sizes, or those in `rows`; one probability for all events, or one each."""
    sorts, kinds, weights = sorts or ["model"] * len(sizes), kinds or {}, weights or {}
    axes = tuple(
        Axis(f"axis{i}", f"Achse {i}", sorts[i], tuple(_alternative(i, j, sorts[i], kinds, weights) for j in range(size)))
        for i, size in enumerate(sizes)
    )
    combinations = list(itertools.product(*(range(size) for size in sizes))) if rows is None else list(rows)
    choice = np.array(combinations, dtype=int).reshape(len(combinations), len(sizes))
    shape = (len(choice), cities)
    if weight is None:
        pooled = [(i, axis) for i, axis in enumerate(axes) if axis.sort in POOLED]
        weight = np.array([np.prod([axis.alternatives[row[i]].weight for i, axis in pooled]) for row in choice], dtype=float)
    probability = np.full(shape, 0.5) if probability is None else probability
    if not isinstance(probability, Mapping):
        probability = dict.fromkeys(EVENTS, np.asarray(probability, dtype=float).reshape(shape))
    finding = np.zeros(shape) if finding is None else np.asarray(finding).reshape(shape)
    lost = (finding == NOT_THERE).all(axis=1)
    return Universes(
        indicator=indicator,
        cities=tuple(f"{i:08d}" for i in range(cities)),
        axes=axes,
        choice=choice,
        number=np.arange(len(choice)),
        definition=(f"{indicator}.main",) * len(choice),
        weight=weight,
        probability=probability,
        finding=finding.astype(np.int8),
        applies=np.ones(shape, dtype=bool) if applies is None else applies,
        reason=tuple("nicht gerechnet" if one else "" for one in lost),
    )


def _alternative(
    axis: int, place: int, sort: Sort, kinds: Mapping[tuple[int, int], Kind], weights: Mapping[tuple[int, int], float]
) -> Alternative:
    kind = kinds.get((axis, place), "equivalent") if sort in POOLED or place == 0 else "not_equivalent"
    return Alternative(f"a{place}", f"Wahl {place}", kind, weights.get((axis, place), 1.0))


@st.composite
def spaces(draw: st.DrawFn, most_axes: int = 4, sorts: Sequence[Sort] = SORTS) -> Universes:
    """Random ones: combinations missing, universes failed, cities left out, probabilities not estimable, unequal weights."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=most_axes))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    combinations = np.array(list(itertools.product(*(range(size) for size in sizes))))
    keep = rng.random(len(combinations)) < rng.choice([0.4, 0.8, 1.0])
    keep[0] = True
    places = [(i, j) for i, size in enumerate(sizes) for j in range(size)]
    rows, cities = combinations[keep], 3
    shape = (len(rows), cities)
    applies = rng.random(shape) < 0.9
    finding = rng.choice(4, shape, p=[0.4, 0.4, 0.1, 0.1])  # what stands where a universe does not apply must not matter
    finding[0, ~applies[0]] = NOT_THERE
    finding[rng.random(len(rows)) < 0.1] = NOT_THERE
    there = (finding != NOT_THERE) & (rng.random(shape) < 0.95)
    made = space(
        sizes,
        sorts=[sorts[k] for k in rng.integers(len(sorts), size=len(sizes))],
        kinds={place: KINDS[rng.choice(3, p=[0.6, 0.3, 0.1])] for place in places},
        weights={place: float(rng.choice([0.5, 1.0, 3.0])) for place in places},
        rows=rows.tolist(),
        cities=cities,
        probability={event: np.where(there, rng.random(shape), np.nan) for event in EVENTS},
        finding=finding,
        applies=applies,
    )
    definition_kind = np.where(np.arange(len(rows)) > 0, rng.choice(3, len(rows), p=[0.8, 0.1, 0.1]), 0)
    uneven = rng.uniform(0.5, 2.0, len(rows)) if draw(st.booleans()) else 1.0
    return replace(made, definition_kind=definition_kind, weight=made.weight * uneven)


def reordered(universes: Universes, rows: np.ndarray | None = None, axes: np.ndarray | None = None) -> Universes:
    """The same with universes and axes in another order."""
    rows = np.arange(len(universes.choice)) if rows is None else rows
    axes = np.arange(len(universes.axes)) if axes is None else axes
    return replace(
        universes,
        axes=tuple(universes.axes[i] for i in axes),
        choice=universes.choice[np.ix_(rows, axes)],
        number=universes.number[rows],
        definition=tuple(universes.definition[i] for i in rows),
        weight=universes.weight[rows],
        probability={event: values[rows] for event, values in universes.probability.items()},
        finding=universes.finding[rows],
        applies=universes.applies[rows],
        reason=tuple(universes.reason[i] for i in rows),
        definition_kind=None if universes.definition_kind is None else universes.definition_kind[rows],
    )
