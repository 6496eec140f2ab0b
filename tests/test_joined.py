"""Which posteriors of a run are joined, what stays out, and that a field that fails ends nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from tests.findings import rings
from tests.findings.rings import RHO, YEARS, cap

from integstat import joined
from integstat.catalogue import Catalogue
from integstat.change import ChangeSettings
from integstat.errors import ConvergenceError
from integstat.findings import FindingSettings
from integstat.findings.fields import field_statements
from integstat.joined import Joined, join_fields, join_table
from integstat.panel import Panel
from integstat.pipeline import fit_all
from integstat.steps import Memory, Store

CITIES = 8
SETTINGS = ChangeSettings(engine="laplace", draws=500)
MANY = dict.fromkeys("UVW", "work") | {"S": "social"}


def book(fields: dict[str, str] = MANY, *, breaks: Sequence[Any] = (), **changes: dict[str, object]) -> Catalogue:
    entries = [rings.indicator(one, groups=1, field=field, **changes.get(one, {})) for one, field in fields.items()]
    return rings.catalogue(*entries, breaks=breaks)


def posteriors(definitions: Sequence[str], seed: int = 0) -> dict[str, xr.DataTree]:
    """Posteriors of which nobody reads more than the content."""
    rng = np.random.default_rng(seed)
    shape = (20, CITIES, 1)
    return {one: rings.tree(rng.normal(-1.4, 0.1, shape), rng.normal(0, 0.1, shape)) for one in definitions}


def mains(catalogue: Catalogue) -> dict[str, str]:
    return {one: catalogue.main_definition(one) for one in catalogue.indicators}


def joining(
    trees: dict[str, xr.DataTree],
    catalogue: Catalogue,
    *,
    panel: Panel | None = None,
    years: tuple[int, ...] = YEARS,
    seed: int = 3,
    **options: Any,
) -> Joined:
    where = panel or rings.panel(trees, CITIES)
    return join_fields(trees, where, catalogue, mains(catalogue), years, SETTINGS, FindingSettings(), None, seed, **options)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Calls of the joint model, which is not computed."""
    calls: list[dict[str, Any]] = []

    def note(trees: Any, datas: Any, polarity: Any, seed: int, *, field: str, left_out: Any) -> xr.DataTree:
        if field == "broken":
            raise ConvergenceError("das geht nicht", place=field)
        names = [data.definition for data in datas]
        calls.append({"field": field, "names": names, "polarity": polarity, "seed": seed, "left_out": left_out})
        return xr.DataTree()

    monkeypatch.setattr(joined, "join", note)
    return calls


def test_a_field_is_joined_from_two_indicators_on(asked: list[dict[str, Any]]) -> None:
    catalogue = book(V={"polarity": "-"})
    found = joining(posteriors(mains(catalogue).values()), catalogue)
    assert list(found.trees) == ["work"]
    assert found.refused == {}
    assert asked[0]["names"] == ["U.main", "V.main", "W.main"]
    assert asked[0]["polarity"] == [1, -1, 1]
    assert asked[0]["left_out"] == [(), (), ()]


def test_only_main_definitions_that_may_carry_a_finding_and_have_a_posterior(asked: list[dict[str, Any]]) -> None:
    catalogue = book(
        dict.fromkeys("UVWX", "work"), U={"definitions": ("main", "other")}, V={"polarity": "none"}, X={"finding_allowed": False}
    )
    trees = posteriors(["U.main", "U.other", "V.main", "W.main", "X.main"])
    joining(trees, catalogue)
    assert asked[0]["names"] == ["U.main", "W.main"]
    asked.clear()
    assert joining({one: tree for one, tree in trees.items() if one != "W.main"}, catalogue).trees == {}


def test_a_break_keeps_a_land_out_and_an_indicator_where_it_keeps_all_out(asked: list[dict[str, Any]]) -> None:
    lands = ["91"] * 6 + ["01"] * 2
    catalogue = book(breaks=[cap("U.main", "01"), cap("V.main", "01", "note")])
    trees = posteriors(mains(catalogue).values())
    joining(trees, catalogue, panel=rings.panel(trees, CITIES, lands))
    assert asked[0]["left_out"] == [("00006", "00007"), (), ()]
    asked.clear()
    joining(trees, catalogue, panel=rings.panel(trees, CITIES, ["01"] * CITIES))
    assert asked[0]["names"] == ["V.main", "W.main"]


def test_a_field_that_fails_has_a_reason_and_the_others_their_result(asked: list[dict[str, Any]]) -> None:
    catalogue = book(dict.fromkeys("UV", "broken") | dict.fromkeys("WX", "work"))
    told: list[tuple[str, int, int, bool]] = []
    found = joining(posteriors(mains(catalogue).values()), catalogue, progress=lambda *one: told.append(one))
    assert list(found.trees) == ["work"]
    assert found.refused == {"broken": "broken: das geht nicht."}
    assert told == [("broken", 1, 2, False), ("work", 2, 2, False)]


def test_one_year_has_no_fields(asked: list[dict[str, Any]]) -> None:
    catalogue = book()
    assert joining(posteriors(mains(catalogue).values()), catalogue, years=(2021,)) == Joined({}, {})
    assert asked == []


def test_the_key_is_what_a_field_is_made_of(asked: list[dict[str, Any]]) -> None:
    keys: list[str] = []

    class Listening(Memory):
        def tree(self, key: str, compute: Callable[[], xr.DataTree]) -> tuple[xr.DataTree, bool]:
            keys.append(key)
            return compute(), False

    catalogue = book()
    trees = posteriors(mains(catalogue).values())
    panel = rings.panel(trees, CITIES)
    more = panel.counts.assign(y=panel.counts["y"] + 1)
    changed = [
        (trees, catalogue, panel, 3),
        (trees, catalogue, panel, 3),
        (trees | posteriors(["S.main"], 1), catalogue, panel, 3),  # another field
        (trees | posteriors(["U.main"], 1), catalogue, panel, 3),
        (trees, catalogue, replace(panel, counts=more), 3),
        (trees, book(U={"polarity": "-"}), panel, 3),
        (trees, catalogue, rings.panel(trees, CITIES, ["01", *["91"] * 7]), 3),
        (trees, book(breaks=[cap("U.main", "01")]), rings.panel(trees, CITIES, ["01", *["91"] * 7]), 3),
        (trees, catalogue, panel, 4),
    ]
    for these, this, where, seed in changed:
        joining(these, this, panel=where, seed=seed, keeper=Listening())
    assert keys[0] == keys[1] == keys[2]
    assert len({keys[0], *keys[3:]}) == 7


def test_a_ring_from_counts_to_statements(tmp_path: Path) -> None:
    """The city that rose in both is found, one that a break caps has a single indicator left, a second run computes nothing."""
    catalogue = book(dict.fromkeys("UV", "work"), V={"polarity": "-"}, breaks=[cap("U.main", "01")])
    trees = posteriors(mains(catalogue).values())
    panel = rings.panel(trees, CITIES, ["01", *["91"] * 7])
    counts = panel.counts.set_index(["definition", "city", "year"]).sort_index()
    counts["n"] = 20_000.0
    counts["y"] = 5_000.0 + np.random.default_rng(1).integers(-60, 60, len(counts))
    counts.loc[("U.main", "00005", 2021), "y"] += 900
    counts.loc[("V.main", "00005", 2021), "y"] -= 900
    panel = replace(panel, counts=counts.reset_index())
    fits = fit_all(panel, catalogue, YEARS, SETTINGS, None, 3, cores=1).trees
    store = Store(tmp_path)
    told: list[bool] = []
    for _ in range(2):
        found = joining(fits, catalogue, panel=panel, keeper=store, progress=lambda *one: told.append(one[-1]))
    assert told == [False, True]
    tree = found.trees["work"]
    assert bool(tree["posterior"]["change"].sel(indicator="U.main", city="00000").isnull().all())
    table, kinds = field_statements(found.trees, fits, panel.cities, catalogue, dict.fromkeys(fits, RHO), FindingSettings())
    table = table.set_index("city")
    assert table.loc["00005", "finding_field"] == "improved"
    assert (table.loc["00000", "n_indicators"], table.loc["00000", "finding_field"]) == (1, "open")
    assert set(table["finding_field"].drop(["00000", "00005"])) == {"unchanged"}
    assert kinds.set_index("kind")["eligible"].tolist() == [CITIES - 1] * 3
    told_of = join_table(replace(found, refused={"social": "Grund"})).set_index("field")
    assert told_of.loc["work", "indicators"] == "U;V"
    assert told_of.loc["work", "rho_lower"] < told_of.loc["work", "rho_mean"] < told_of.loc["work", "rho_upper"]
    assert told_of.loc["social", "reason"] == "Grund"
