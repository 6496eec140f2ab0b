"""Field statements: closed forms, symmetries, what a city lacks, what is declared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.findings import rings
from tests.findings.rings import RHO

from integstat.findings import FindingSettings
from integstat.findings.fields import FIELD_CODEBOOK, FIELD_COLUMNS, FIELD_EVENTS, average, field_statements

CITIES, DRAWS = 12, 4000
NUMBERS = [column for column in FIELD_COLUMNS if column.startswith(("field_change", "p_", "naive"))]
LOW, HIGH = stats.norm.ppf([0.05, 0.95])


def changes(*cities: np.ndarray) -> np.ndarray:
    """Changes of an indicator: these draws in the first cities, 0 in the others, which thus are the middle; (S, C)."""
    out = np.zeros((len(cities[0]), CITIES))
    out[:, : len(cities)] = np.column_stack(cities)
    return out


def statements(
    together: Sequence[np.ndarray],
    polarity: Sequence[int] | None = None,
    *,
    apart: Sequence[np.ndarray] | None = None,
    estimable: np.ndarray | None = None,
    rho: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
    lands: Sequence[str] | None = None,
    scope: str = "all_cities",
    weights: dict[str, float] | None = None,
    shifted: dict[str, list[str]] | None = None,
    **settings: object,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Statements of one field, of draws (S, C) of each indicator's change, turned or not as `polarity` says."""
    many, count = len(together), together[0].shape[1]
    signs = np.array(polarity or [1] * many, dtype=float)
    indicators = list(names or "UVWXYZ"[:many])
    labels, definitions = [f"{c:05d}" for c in range(count)], [f"{one}.main" for one in indicators]
    there = np.ones((many, count), dtype=bool) if estimable is None else estimable
    dims = ("chain", "draw", "indicator", "city", "group")
    joint = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(
                {"change": (dims, np.stack(together, axis=1)[None, ..., None])},
                coords={"indicator": definitions, "city": labels, "group": ["target"]},
            ),
            "constant_data": xr.Dataset(
                {"polarity": ("indicator", signs), "estimable": (("indicator", "city"), there)},
                coords={"indicator": definitions, "city": labels},
            ),
        }
    )
    separate = {
        definition: xr.DataTree.from_dict(
            {
                "posterior": xr.Dataset(
                    {"change": (("chain", "draw", "city", "group"), draws[None, ..., None])},
                    coords={"city": labels, "group": ["target"]},
                )
            }
        )
        for definition, draws in zip(definitions, apart or together, strict=True)
    }
    cities = pd.DataFrame({"city": labels, "name": labels, "land": list(lands) if lands is not None else ["91"] * count})
    book = rings.catalogue(*(rings.indicator(one, groups=1, scope=scope) for one in indicators))
    return field_statements(
        {"work": joint},
        separate,
        cities,
        book,
        dict(zip(definitions, rho or [RHO] * many, strict=True)),
        FindingSettings.model_validate(settings),
        weights=weights,
        shifted=shifted,
    )


def row(table: pd.DataFrame, city: int = 0) -> pd.Series:
    return table.set_index("city").loc[f"{city:05d}"]


# --- closed forms

QUANTILES = stats.norm.ppf((np.arange(DRAWS) + 0.5) / DRAWS)


def test_what_moves_as_one_has_the_width_of_one() -> None:
    means, sds, steps = (0.10, 0.30, 0.05), (0.05, 0.20, 0.10), (0.1, 0.2, 0.05)
    draws = [changes(mean + sd * QUANTILES) for mean, sd in zip(means, sds, strict=True)]
    found = row(statements(draws, rho=steps)[0])
    middle, width = np.mean(np.divide(means, steps)), np.mean(np.divide(sds, steps))
    assert found["field_change_mean"] == pytest.approx(middle, abs=1e-9)
    assert found["field_change_lower"] == pytest.approx(middle + LOW * width, abs=0.01)
    assert found["field_change_upper"] == pytest.approx(middle + HIGH * width, abs=0.01)
    assert found["p_field_improved"] == pytest.approx(stats.norm.sf(1, middle, width), abs=1e-3)
    assert found["p_field_worsened"] == pytest.approx(stats.norm.cdf(-1, middle, width), abs=1e-3)


def test_what_moves_for_itself_is_narrower_by_the_root_of_their_number() -> None:
    rng = np.random.default_rng(1)
    draws = [changes(RHO * (0.8 + rng.permutation(QUANTILES))) for _ in range(4)]
    found = row(statements(draws)[0])
    assert found["field_change_upper"] - found["field_change_lower"] == pytest.approx((HIGH - LOW) / 2, rel=0.05)
    assert found["p_field_improved"] == pytest.approx(stats.norm.sf(1, 0.8, 0.5), abs=0.03)


def test_the_naive_average_takes_together_for_apart() -> None:
    draws = [changes(RHO * (1.5 + QUANTILES)) for _ in range(4)]
    found = row(statements(draws)[0])
    assert found["naive_mean"] == pytest.approx(found["field_change_mean"], abs=1e-9)
    assert found["naive_upper"] - found["naive_lower"] == pytest.approx((HIGH - LOW) / 2, rel=0.05)
    assert found["field_change_upper"] - found["field_change_lower"] == pytest.approx(HIGH - LOW, rel=0.01)
    assert found["naive_p_improved"] > found["p_field_improved"] + 0.1


def test_nothing_is_declared_from_the_naive_average() -> None:
    still = [changes(np.zeros(DRAWS)), changes(np.zeros(DRAWS))]
    far = [changes(np.full(DRAWS, 5 * RHO)), changes(np.full(DRAWS, 5 * RHO))]
    found = row(statements(still, apart=far)[0])
    assert found["naive_p_improved"] == 1
    assert found["finding_field"] == "unchanged"


# --- symmetries


def spread(many: int = 3, seed: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 0.3, (many, CITIES))
    return [one + 0.05 * rng.standard_normal((300, CITIES)) for one in truth]


def test_an_indicator_told_the_other_way_round_says_the_same() -> None:
    draws = spread()
    plain, turned = statements(draws)[0], statements([draws[0], -draws[1], draws[2]], [1, -1, 1])[0]
    pd.testing.assert_frame_equal(plain, turned)


def test_turning_all_round_swaps_better_and_worse() -> None:
    plain, turned = statements(spread())[0], statements(spread(), [-1, -1, -1])[0]
    np.testing.assert_allclose(plain["field_change_mean"], -turned["field_change_mean"])
    np.testing.assert_allclose(plain["field_change_lower"], -turned["field_change_upper"])
    np.testing.assert_array_equal(plain["p_field_improved"], turned["p_field_worsened"])
    swapped = turned["finding_field"].replace({"improved": "worsened", "worsened": "improved"})
    assert plain["finding_field"].tolist() == swapped.tolist()
    assert set(plain["finding_field"]) >= {"improved", "worsened"}


def test_the_order_of_indicators_and_cities_does_not_count() -> None:
    draws, steps = spread(), [0.1, 0.2, 0.3]
    plain = statements(draws, rho=steps)[0]
    other = statements([draws[i] for i in (2, 0, 1)], rho=[steps[i] for i in (2, 0, 1)], names="WUV")[0]
    np.testing.assert_allclose(plain[NUMBERS], other[NUMBERS])
    places = np.random.default_rng(4).permutation(CITIES)
    moved = statements([one[:, places] for one in draws], rho=steps)[0]
    np.testing.assert_allclose(plain[NUMBERS].to_numpy()[places], moved[NUMBERS])


def test_a_shift_of_the_whole_ring_is_no_citys_change() -> None:
    draws = spread()
    plain, shifted = statements(draws)[0], statements([one - 0.7 for one in draws])[0]
    np.testing.assert_allclose(plain[NUMBERS], shifted[NUMBERS], atol=1e-9)


# --- what a city lacks


def test_a_city_with_one_indicator_gets_no_statement_and_one_with_two_of_three_does() -> None:
    draws, there = spread(), np.ones((3, CITIES), dtype=bool)
    there[1:, 0], there[0, 1] = False, False
    draws = [np.where(has, one, np.nan) for one, has in zip(draws, there, strict=True)]
    table, kinds = statements(draws, estimable=there)
    alone, two = row(table, 0), row(table, 1)
    assert (alone["n_indicators"], alone["indicators"], alone["finding_field"]) == (1, "U", "open")
    assert alone[NUMBERS].isna().all()
    assert (two["n_indicators"], two["indicators"]) == (2, "V;W")
    assert two[NUMBERS].notna().all()
    assert kinds["eligible"].tolist() == [CITIES - 1] * 3


def test_a_field_of_one_indicator_says_nothing() -> None:
    table, kinds = statements([changes(np.full(100, 9.0))])
    assert table[NUMBERS].isna().all(axis=None)
    assert set(table["finding_field"]) == {"open"}
    assert kinds["declared"].sum() == 0


def test_what_a_city_lacks_leaves_its_weight_to_the_others() -> None:
    draws = [changes(np.full(50, step * RHO), np.full(50, step * RHO)) for step in (1.0, 4.0, 10.0)]
    there = np.ones((3, CITIES), dtype=bool)
    there[2, 0] = False
    table = statements(draws, estimable=there, weights={"U": 3.0})[0]
    assert row(table, 0)["field_change_mean"] == pytest.approx((3 * 1 + 4) / 4)
    assert row(table, 1)["field_change_mean"] == pytest.approx((3 * 1 + 4 + 10) / 5)


def test_a_weight_of_nought_leaves_an_indicator_out() -> None:
    found = row(statements([changes(np.full(50, step * RHO)) for step in (1.0, 4.0, 10.0)], weights={"W": 0.0})[0])
    assert found["field_change_mean"] == pytest.approx(2.5)
    assert (found["n_indicators"], found["indicators"]) == (2, "U;V")


def test_what_is_not_estimable_is_no_yardstick() -> None:
    draws, there = spread(2), np.ones((2, CITIES), dtype=bool)
    there[:, 3] = False
    plain = statements(draws, estimable=there)[0]
    for one in draws:
        one[:, 3] = 99.0
    far = statements(draws, estimable=there)[0]
    pd.testing.assert_frame_equal(plain, far)


def test_it_takes_five_other_cities() -> None:
    draws, there = spread(2), np.ones((2, CITIES), dtype=bool)
    there[:, 6:] = False
    assert statements(draws, estimable=there)[0]["field_change_mean"].notna().sum() == 6
    there[1, 5] = False
    assert statements(draws, estimable=there)[0]["field_change_mean"].notna().sum() == 0


def test_a_land_of_its_own_scale_is_compared_within_itself() -> None:
    lands = ["91"] * 6 + ["92"] * 6
    draws = [np.tile(np.repeat([0.0, 1.0], 6), (50, 1)) for _ in range(2)]
    whole, within = statements(draws, lands=lands)[0], statements(draws, lands=lands, scope="same_land")[0]
    assert whole["finding_field"].tolist() == ["worsened"] * 6 + ["improved"] * 6
    assert set(within["finding_field"]) == {"unchanged"}


def test_what_moved_a_whole_land_is_no_citys_doing() -> None:
    lands = ["91"] * 8 + ["92"] * 4
    up = np.tile(np.repeat([0.0, 12 * RHO], [8, 4]), (50, 1))
    up[:, -1] += 12 * RHO  # the last one rose beyond its Land too
    draws = [up, *(np.zeros((50, CITIES)) for _ in range(2))]
    plain = statements(draws, lands=lands)[0]
    table = statements(draws, lands=lands, shifted={"U.main": ["92"]})[0]
    assert plain["finding_field"].tolist() == ["unchanged"] * 8 + ["improved"] * 4
    assert table["finding_field"].tolist() == ["unchanged"] * 8 + ["open"] * 3 + ["improved"]
    pd.testing.assert_series_equal(table["field_change_mean"], plain["field_change_mean"])
    assert (table["n_indicators"] == 3).all()
    down = statements([-one for one in draws], lands=lands, shifted={"U.main": ["92"]})[0]
    assert down["finding_field"].tolist() == ["unchanged"] * 8 + ["open"] * 3 + ["worsened"]


def test_beyond_the_ring_but_behind_its_land_is_no_improvement() -> None:
    lands = ["91"] * 8 + ["92"] * 4
    up = np.tile(np.repeat([0.0, 12 * RHO], [8, 4]), (50, 1))
    up[:, -1] -= 6 * RHO
    found = statements([up, up], lands=lands, shifted={"U.main": ["92"], "V.main": ["92"]})[0]
    last = row(found, CITIES - 1)
    assert last["field_change_mean"] == pytest.approx(6)
    assert (last["p_field_improved"], last["p_field_worsened"], last["p_field_unchanged"]) == (0, 0, 0)


# --- declaring


def test_declared_as_findings_are() -> None:
    chances = (0.99, 0.95, 0.85, 0.79)
    pairs = [np.column_stack([rings.pattern(100, p, 3 * RHO, start=7 * c) for c, p in enumerate(chances)])] * 2
    table, kinds = statements([changes(*one.T) for one in pairs])
    assert table["finding_field"].tolist()[:4] == ["improved", "improved", "improved", "open"]
    improved = kinds.set_index("kind").loc["improved"]
    assert improved["declared"] == 3
    assert improved["threshold"] == pytest.approx(0.85)
    assert improved["expected_wrong"] == pytest.approx(0.01 + 0.05 + 0.15)
    plain = statements([changes(*one.T) for one in pairs], rule="plain")[0]
    assert plain["finding_field"].tolist()[:4] == ["improved", "improved", "open", "open"]


def test_every_column_has_its_meaning_and_no_fields_are_no_rows() -> None:
    table = statements(spread(2))[0]
    assert tuple(table.columns) == FIELD_COLUMNS == tuple(FIELD_CODEBOOK)
    cities = pd.DataFrame({"city": ["00000"], "name": ["A"], "land": ["91"]})
    empty, kinds = field_statements({}, {}, cities, rings.catalogue(), {}, FindingSettings())
    assert tuple(empty.columns) == FIELD_COLUMNS
    assert len(empty) == 0
    assert kinds["kind"].tolist() == list(FIELD_EVENTS)


@given(
    values=st.lists(st.lists(st.one_of(st.floats(-50, 50), st.just(np.nan)), min_size=3, max_size=3), min_size=1, max_size=5),
    factor=st.floats(0.1, 10),
    seed=st.integers(0, 99),
)
def test_the_average_lies_between_what_there_is(values: list[list[float]], factor: float, seed: int) -> None:
    stacked = [np.array([one]) for one in values]
    weights = np.random.default_rng(seed).uniform(0.1, 2, len(values))
    found = average(stacked, weights)
    for c in range(3):
        there = [one[c] for one in values if np.isfinite(one[c])]
        assert np.isfinite(found[0, c]) == bool(there)
        if there:
            assert min(there) - 1e-9 <= found[0, c] <= max(there) + 1e-9
    np.testing.assert_allclose(average(stacked, factor * weights), found, atol=1e-9)
