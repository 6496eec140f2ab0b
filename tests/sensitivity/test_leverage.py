"""One axis at a time: by hand, and against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sensitivity.spaces import DEFICIT, OPEN, STABLE, SUCCESS, reordered, space, spaces

from integstat.sensitivity.leverage import ALONE_CODEBOOK, LEVERAGE_CODEBOOK, axes_alone, leverage
from integstat.sensitivity.robustness import event_of
from integstat.sensitivity.universes import NOT_THERE, POOLED, Universes

many = settings(max_examples=40, deadline=None)
codes = st.lists(st.sampled_from([NOT_THERE, OPEN, SUCCESS, DEFICIT, STABLE]), min_size=3, max_size=3).map(np.array)


def small() -> Universes:
    """Three definitions and a question, two cities; own universe: success and open."""
    finding = np.array([[SUCCESS, OPEN], [SUCCESS, DEFICIT], [OPEN, OPEN], [STABLE, STABLE], [NOT_THERE, OPEN], [OPEN, OPEN]])
    p = np.array([[0.9, 0.2], [0.8, 0.3], [0.4, 0.2], [0.0, 0.0], [np.nan, 0.25], [0.5, 0.5]])
    return space((3, 2), sorts=("measurement", "question"), weights={(0, 2): 3.0}, cities=2, finding=finding, probability=p)


def test_one_city_at_a_time() -> None:
    table = axes_alone(small(), np.array([SUCCESS, OPEN]))
    assert list(table.columns) == list(ALONE_CODEBOOK)
    assert list(zip(table["axis"], table["city"], strict=True)) == [
        (axis, city) for axis in ("axis0", "axis1") for city in small().cities
    ]
    first, second, third, fourth = (row for _, row in table.iterrows())
    assert (first["alternatives"], first["changed"], first["changed_mean"], first["failed"]) == (2, 1, 0.25, 0.75)
    assert (first["delta_mean"], first["delta_max"]) == pytest.approx((0.5, 0.5))  # the failed one has no probability
    assert (second["changed"], second["changed_mean"], second["failed"]) == (0, 0, 0)
    assert (second["delta_mean"], second["delta_max"]) == pytest.approx((0.0375, 0.05))
    assert (third["changed"], fourth["changed"]) == (0, 1)


def test_over_the_grid() -> None:
    other = space((1, 2), sorts=("measurement", "question"), cities=1, finding=np.array([STABLE, STABLE]), indicator="A2")
    table = leverage([small(), other], [np.array([SUCCESS, OPEN]), np.array([STABLE])]).set_index("axis")
    assert ["axis", *table.columns] == list(LEVERAGE_CODEBOOK)
    assert list(table.index) == ["axis0", "axis1"]
    assert list(table["cells"]) == [2, 3]
    assert list(table["changed"]) == pytest.approx([1 / 2, 1 / 3])
    assert list(table["changed_mean"]) == pytest.approx([0.125, 1 / 3])
    assert list(table["failed"]) == pytest.approx([0.375, 0])
    assert list(table["delta_mean"]) == pytest.approx([(0.5 + 0.0375) / 2, (0.1 + 0.1 + 0) / 3])
    assert list(table["delta_max"]) == pytest.approx([0.5, 0.1])
    assert list(table["sort"]) == ["measurement", "question"]
    assert list(table["not_computed"]) == [0, 0]


def test_alternatives_that_never_stand_alone_are_counted() -> None:
    universes = space((2, 3), rows=[(0, 0), (0, 1), (1, 2)], cities=2)
    table = leverage([universes], [np.array([OPEN, OPEN])]).set_index("axis")
    assert list(table["not_computed"]) == [2, 2]
    assert list(table["cells"]) == [0, 2]
    assert np.isnan(table.loc["axis0", "changed"])
    assert table.loc["axis1", "changed"] == 0


def test_a_city_without_a_finding_is_no_cell() -> None:
    table = leverage([space((2,), cities=2, finding=np.array([[NOT_THERE, OPEN], [SUCCESS, OPEN]]))], [np.array([OPEN, OPEN])])
    assert (table["cells"][0], table["changed"][0], table["failed"][0]) == (1, 0, 0)


def test_weights_of_questions_have_no_meaning() -> None:
    finding = np.array([SUCCESS, OPEN, SUCCESS])
    for sort, share in (("decision", 1 / 2), ("model", 9 / 10)):
        universes = space((3,), sorts=(sort,), weights={(0, 1): 9.0}, finding=finding)
        assert leverage([universes], [np.array([SUCCESS])])["changed_mean"][0] == pytest.approx(share)


def test_a_twin_has_no_leverage() -> None:
    rng = np.random.default_rng(3)
    p, finding = np.repeat(rng.random(4), 2), np.repeat(rng.integers(0, 4, 4), 2)
    row = leverage([space((4, 2), probability=p, finding=finding)], [finding[:1]]).set_index("axis").loc["axis1"]
    assert (row["changed"], row["changed_mean"], row["delta_max"]) == (0, 0, 0)


@many
@given(spaces(), codes)
def test_equals_plain_loops(universes: Universes, headline: np.ndarray) -> None:
    table = axes_alone(universes, headline).set_index(["axis", "city"])
    rows, own = {tuple(row): u for u, row in enumerate(universes.choice.tolist())}, universes.main
    for place, axis in enumerate(universes.axes):
        for c, (city, event) in enumerate(zip(universes.cities, event_of(universes, headline), strict=True)):
            got, p = table.loc[(axis.id, city)], universes.probability[event][:, c]
            before, asked, lost = universes.finding[own, c], [], 0
            for j in range(1, len(axis.alternatives)):
                u = rows.get(tuple(j if i == place else 0 for i in range(len(universes.axes))))
                lost += u is None and before != NOT_THERE
                if u is not None and universes.applies[u, c] and before != NOT_THERE:
                    after = universes.finding[u, c]
                    weight = axis.alternatives[j].weight if axis.sort in POOLED else 1.0
                    asked.append((weight, after == NOT_THERE, after not in (NOT_THERE, before), abs(p[u] - p[own])))
            assert (got["alternatives"], got["not_computed"]) == (len(asked), lost)
            total = sum(one[0] for one in asked)
            assert got["changed"] == pytest.approx(float(any(one[2] for one in asked)) if asked else np.nan, nan_ok=True)
            assert got["failed"] == pytest.approx(sum(w * f for w, f, _, _ in asked) / total if asked else np.nan, nan_ok=True)
            mean = sum(w * f for w, _, f, _ in asked) / total if asked else np.nan
            assert got["changed_mean"] == pytest.approx(mean, nan_ok=True)
            deltas = [(w, d) for w, _, _, d in asked if np.isfinite(d)]
            delta = sum(w * d for w, d in deltas) / sum(w for w, _ in deltas) if deltas else np.nan
            assert got["delta_mean"] == pytest.approx(delta, nan_ok=True)
            assert got["delta_max"] == pytest.approx(max(d for _, d in deltas) if deltas else np.nan, nan_ok=True)


@many
@given(spaces(), codes, st.integers(0, 99))
def test_order_does_not_matter(universes: Universes, headline: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    other = reordered(universes, rng.permutation(len(universes.choice)), rng.permutation(len(universes.axes)))
    before, after = (leverage([one], [headline]).set_index("axis") for one in (universes, other))
    columns = ["cells", "changed", "changed_mean", "failed", "delta_mean", "delta_max", "not_computed"]
    np.testing.assert_allclose(after.loc[before.index, columns].astype(float), before[columns].astype(float), atol=1e-12)


def test_nothing_to_look_at() -> None:
    assert list(leverage([], []).columns) == list(LEVERAGE_CODEBOOK)
    assert len(leverage([space(())], [np.array([OPEN])])) == 0
