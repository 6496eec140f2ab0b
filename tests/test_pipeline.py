"""What the change model is told about a definition: counts, bounds, and how far the years overlap."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from tests.findings import rings
from tests.panel.cells import YEARS, panel

from integstat.catalogue.schema import IndicatorEntry
from integstat.change import ChangeData, ChangeSettings, NoCounts
from integstat.change.kernel import leading
from integstat.peers.partitions import Partitions
from integstat.pipeline import KERNEL_AT_MOST, baseline, change_data, peer_kernel

CELLS = [
    [(25, 400), (31, 410)],
    [("below_3", 40), (5, 41)],
    [("secret", 90), ("below_3", "missing")],
    [(300, 905), ("secret", 900)],
]


def made(*, kind: str = "share", source: str = "melderegister", asked: float | None = None, **definition: object) -> ChangeData:
    """Data of the cells above under a definition of this sort."""
    stock = bool(definition.pop("stock", False))
    entry = rings.indicator("U", groups=1, kind=kind, stock=stock).model_dump(mode="python")
    entry["definition"] = [entry["definition"][0] | {"source": source} | definition]
    book = rings.catalogue(IndicatorEntry.model_validate(entry))
    return change_data(panel(CELLS), "U.main", book, YEARS, ChangeSettings(overlap=asked), None)


def bounds(data: ChangeData) -> dict[tuple[str, int], tuple[float, float]]:
    """Bounds by city and year, where there are any."""
    coarse = cast("np.ndarray", data.coarse)
    return {
        (data.cities[c], data.years[t]): (float(coarse[c, 0, t, 0]), float(coarse[c, 0, t, 1]))
        for c, t in np.argwhere(np.isfinite(coarse[:, 0, :, 0]))
    }


def test_a_register_knows_its_figures_but_not_those_below_three() -> None:
    data = made()
    assert data.cities == ("00000", "00001", "00003")  # 00002: no count with a base
    assert bounds(data) == {("00001", 2020): (0, 2)}
    np.testing.assert_array_equal(data.usable[:, 0], [[True, True], [True, True], [True, False]])
    assert data.parts is None


def test_the_central_register_rounds() -> None:
    data = made(source="azr")
    assert bounds(data) == {
        ("00000", 2020): (23, 27),
        ("00001", 2020): (0, 2),
        ("00001", 2021): (3, 7),
        ("00003", 2020): (298, 302),
    }
    assert data.y[0, 0, 1] == 31  # not a multiple of five: the city had the register's own figure


def test_a_sum_of_rounded_figures_is_wider() -> None:
    data = made(source="azr", rounded_parts=3)
    assert bounds(data)["00000", 2020] == (19, 31)
    assert bounds(data)["00001", 2020] == (0, 2)
    assert data.parts is not None
    np.testing.assert_array_equal(data.parts[:, 0], [[3, 1], [1, 3], [3, 1]])


def test_annual_means_and_exact_figures_have_no_bounds() -> None:
    assert made(kind="mean_of_months", source="azr", reference_date="annual_mean").coarse is None


def test_rates_have_bounds_too() -> None:
    data = made(kind="rate", source="azr")
    assert data.link == "log"
    assert bounds(data)["00000", 2020] == (23, 27)


def test_nothing_but_signs_is_no_data() -> None:
    book = rings.catalogue(rings.indicator("U", groups=1))
    with pytest.raises(NoCounts):
        change_data(panel([CELLS[2], CELLS[2]]), "U.main", book, YEARS, ChangeSettings(), None)


@pytest.mark.parametrize(
    ("definition", "asked", "expected"),
    [
        ({}, None, 0.0),
        ({}, 0.7, 0.0),
        ({"stock": True}, None, 0.5),
        ({"stock": True}, 0.7, 0.7),
        ({"stock": True}, 0.0, 0.0),
        ({"stock": True, "kind": "survey"}, 0.7, 0.0),
        ({"stock": True, "reference_date": "year"}, 0.7, 0.0),
        ({"stock": True, "overlap": 0.2}, None, 0.2),
        ({"stock": True, "age_from": 3, "age_below": 5}, 0.7, 0.5),
    ],
)
def test_only_stocks_overlap(definition: dict[str, object], asked: float | None, expected: float) -> None:
    assert made(asked=asked, **definition).overlap == expected


# --- peers

COASSIGNMENT = np.array([[1.0, 0.8, 0.1, 0.1], [0.8, 1.0, 0.2, 0.2], [0.1, 0.2, 1.0, 1.0], [0.1, 0.2, 1.0, 1.0]])
SIMILARITY = np.exp(-np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0))))


def partitions(*, size: int = 2, near: bool = True, cities: int = 4) -> Partitions:
    """What the pipeline reads of partitions, for the cities of the panel."""
    names = tuple(f"{i:05d}" for i in range(cities))
    weights = (1 - np.eye(4)) / 3
    stand_in = SimpleNamespace(
        cities=names,
        summary=np.array([0, 0, 1, 1]) if size > 1 else np.zeros(4, dtype=int),
        size=size,
        names=("groß", "klein")[:size],
        coassignment=COASSIGNMENT,
        neighbours=SimpleNamespace(cities=names, similarity=SIMILARITY, weights=weights) if near else None,
        sampled=lambda count: np.tile([0, 0, 1, 1], (count, 1)),
    )
    return cast("Partitions", stand_in)


def with_peers(choice: str, given: Partitions, scope: str = "all_cities") -> ChangeData:
    book = rings.catalogue(rings.indicator("U", groups=1, scope=scope))
    return change_data(panel(CELLS), "U.main", book, YEARS, ChangeSettings.model_validate({"peers": choice}), given)


def test_every_choice_of_peers_reaches_the_model() -> None:
    kept = [0, 1, 3]  # of the third city nothing is known
    near = with_peers("neighbours", partitions())
    together = with_peers("coassignment", partitions())
    assert near.kernel is not None and together.kernel is not None
    np.testing.assert_allclose(near.kernel, leading(SIMILARITY)[np.ix_(kept, kept)])
    np.testing.assert_allclose(together.kernel, leading(COASSIGNMENT)[np.ix_(kept, kept)])
    groups = with_peers("groups", partitions())
    assert groups.kernel is None and groups.has_peers
    assert not with_peers("none", partitions()).has_peers
    for data in (near, together, groups):
        assert data.peers is not None
        assert data.peers.tolist() == [0, 0, 1]


def test_without_groups_only_neighbours_bring_a_kernel() -> None:
    assert with_peers("coassignment", partitions(size=1)).peers is None
    assert with_peers("neighbours", partitions(size=1)).has_peers
    assert with_peers("neighbours", partitions(size=1, near=False)).peers is None
    assert with_peers("neighbours", partitions(near=False)).kernel is None
    assert with_peers("neighbours", partitions(near=False)).has_peers


@pytest.mark.parametrize("choice", ["coassignment", "neighbours"])
def test_a_series_of_its_own_has_no_peers(choice: str) -> None:
    data = with_peers(choice, partitions(), "own_series")
    assert data.peers is None and data.kernel is None


def test_large_rings_take_the_groups() -> None:
    assert peer_kernel(partitions(cities=KERNEL_AT_MOST + 1), "coassignment") is None
    assert peer_kernel(partitions(cities=KERNEL_AT_MOST + 1), "neighbours") is None


def test_the_baseline_follows_the_notion() -> None:
    groups, near = baseline(partitions(), "groups"), baseline(partitions(), "neighbours")
    assert groups is not None and groups.labels is not None and near is not None
    assert groups.labels.shape == (200, 4)
    np.testing.assert_allclose(near.weights.toarray(), (1 - np.eye(4)) / 3)
    assert baseline(None, "groups") is baseline(None, "neighbours") is None
    assert baseline(partitions(size=1), "groups") is None
    assert baseline(partitions(near=False), "neighbours") is None
