"""Levels over a definition bridge: known truth is covered, doubt is not lost, and what cannot be bridged says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit
from tests.findings.rings import catalogue, indicator

from integstat.change import ChangeData, ChangeSettings, fit
from integstat.findings.bridge import (
    Counting,
    Differences,
    bridge,
    bridge_definition,
    differences,
    draw_offset,
    extended,
)
from integstat.findings.estimands import estimands
from integstat.simulate import Parameters, draw_truth

OFFSET, DRAWS = 0.4, 300
YEARS = (2020, 2021)


def tree(
    definition: str,
    cities: Sequence[str],
    y: np.ndarray,
    n: np.ndarray,
    *,
    link: str = "logit",
    draws: int = DRAWS,
    seed: int = 0,
) -> xr.DataTree:
    """Posterior of these counts, shape (C, G, T), under a flat prior, normal on the link scale; nothing known where n is 0."""
    rng = np.random.default_rng([seed, len(definition)])
    y = np.where(n > 0, y, 0.0)
    rest = n - y + 0.5 if link == "logit" else np.maximum(n, 1)
    level = np.where(n > 0, np.log((y + 0.5) / rest), -1.5)
    sd = np.where(n > 0, np.sqrt(1 / (y + 0.5) + (1 / rest if link == "logit" else 0)), 1.0)
    eta = level + sd * rng.standard_normal((draws, *y.shape))
    dims = ("chain", "draw", "city", "group")
    content = {"mean": (dims, eta.mean(axis=-1)[None])}
    if y.shape[2] == 2:
        content["change"] = (dims, (eta[..., 1] - eta[..., 0])[None])
    labels = {"city": list(cities), "group": ["target", "reference"][: y.shape[1]]}
    observed = {"y": (("city", "group", "year"), y), "n": (("city", "group", "year"), n)}
    out = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(content, coords=labels),
            "observed_data": xr.Dataset(observed, coords=labels | {"year": list(YEARS[-y.shape[2] :])}),
            "constant_data": xr.Dataset({"peer": (("city",), np.arange(len(cities)) % 2)}, coords={"city": list(cities)}),
        }
    )
    out.attrs = {"definition": definition, "link": link}
    return out


@dataclass(frozen=True)
class Ring:
    """Counts in two definitions, shape (C, G, 2), and the true level in the main one in both years."""

    cities: list[str]
    main: np.ndarray
    other: np.ndarray
    n: np.ndarray
    truth: np.ndarray
    both: int
    lacking: int

    def trees(self, **how: int) -> tuple[xr.DataTree, xr.DataTree]:
        """The last `lacking` cities lack the main definition, the first `both` have both, the others the main one only."""
        count = len(self.cities) - self.lacking
        there = [*range(self.both), *range(count, len(self.cities))]
        names = [self.cities[i] for i in there]
        return (
            tree("U.main", self.cities[:count], self.main[:count], self.n[:count], **how),
            tree("U.other", names, self.other[there], self.n[there], **how),
        )


def ring(
    both: int = 8,
    lacking: int = 4,
    only: int = 4,
    *,
    deviation: float = 0.2,
    base: float = 2000.0,
    same: bool = False,
    seed: int = 0,
) -> Ring:
    """Two groups, two years, bases that differ; the definitions count the same persons or others."""
    rng = np.random.default_rng([7, seed])
    count = both + only + lacking
    n = np.round(base * rng.lognormal(0, 0.5, (count, 2, 1)) * np.ones(2))
    mean, change = rng.normal(-1.5, 0.4, (count, 2, 1)), rng.normal(0.1, 0.2, (count, 2, 1))
    eta = mean + change * np.array([-0.5, 0.5])
    p = expit(eta)
    q = expit(eta + OFFSET + deviation * rng.standard_normal((count, 2, 1)))
    whole = n.astype(int)
    y = rng.binomial(whole, p)
    z = same_persons(y, whole, p, q, rng) if same else rng.binomial(whole, q)
    return Ring([f"{c:05d}" for c in range(count)], y.astype(float), z.astype(float), n, eta, both, lacking)


def same_persons(y: np.ndarray, n: np.ndarray, p: np.ndarray, q: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Count by a second definition among the same persons: whoever meets the narrower one meets the wider one too."""
    more = y + rng.binomial(n - y, np.clip((q - p) / (1 - p), 0, 1))
    fewer = rng.binomial(y, np.minimum(q / p, 1))
    return np.where(q >= p, more, fewer)


def seen(level: np.ndarray, variance: np.ndarray, change: np.ndarray | None = None) -> Differences:
    names = tuple(f"{c:05d}" for c in range(len(level)))
    change = np.full(len(level), np.nan) if change is None else change
    return Differences(names, level, variance, change, 4 * variance)


def coverage(both: int, deviation: float, counting: float, apart: float, *, years: int = 2, rings: int = 100) -> float:
    """Share of 90 % intervals that hold the level of a city with only the other definition; normal truth and noise.

    `counting` is the counting SD of a year's level, `apart` the share of the counting variance the definitions do not share.
    """
    rng = np.random.default_rng([both, years])
    held = []
    for _ in range(rings):
        year = counting**2 * rng.lognormal(0, 0.7, both)  # variance of one definition in one year
        spread = np.sqrt(2 * apart * year)[:, None]
        gap = OFFSET + deviation * rng.standard_normal((both, 1)) + spread * rng.standard_normal((both, years))
        change = gap[:, 1] - gap[:, 0] if years == 2 else None
        found = draw_offset(seen(gap.mean(axis=1), 2 * year / years, change), DRAWS, rng)
        noise = counting * rng.standard_normal(20)
        observed = OFFSET + deviation * rng.standard_normal(20) + noise  # true level in the main definition: 0
        draws = observed + counting * rng.standard_normal((DRAWS, 20)) - found.offset[:, None]
        draws -= found.deviation_sd[:, None] * rng.standard_normal(draws.shape)
        low, high = np.quantile(draws, [0.05, 0.95], axis=0)
        held.append(np.mean((low < 0) & (high > 0)))
    return float(np.mean(held))


@pytest.mark.parametrize("both", [5, 8, 20])
@pytest.mark.parametrize("apart", [0.0, 1.0])
@pytest.mark.parametrize(("deviation", "counting"), [(0.2, 0.03), (0.2, 0.1), (0.5, 0.2)])
def test_a_bridged_level_is_covered_whether_the_counting_errors_are_shared_or_not(both, apart, deviation, counting):
    assert 0.87 <= coverage(both, deviation, counting, apart) <= 0.93


@pytest.mark.parametrize("both", [5, 20])
@pytest.mark.parametrize("apart", [0.0, 1.0])
def test_where_counting_hides_the_deviations_the_interval_is_rather_too_wide(both, apart):
    assert coverage(both, 0.05, 0.2, apart, rings=100) >= 0.87


@pytest.mark.parametrize("apart", [0.0, 1.0])
def test_with_a_single_year_the_prior_stands_for_what_the_changes_would_tell(apart):
    assert 0.85 <= coverage(8, 0.2, 0.1, apart, years=1) <= 0.94


@pytest.mark.parametrize("both", [5, 12])
def test_without_counting_error_the_interval_of_a_further_city_is_the_t_interval(both):
    rng = np.random.default_rng(both)
    level = OFFSET + 0.3 * rng.standard_normal(both)
    found = draw_offset(seen(level, np.full(both, 1e-12), 1e-6 * rng.standard_normal(both)), 100_000, rng)
    further = found.offset + found.deviation_sd * rng.standard_normal(100_000)
    scale = level.std(ddof=1) * np.sqrt(1 + 1 / both)
    for q in (0.05, 0.25, 0.75, 0.95):
        assert np.quantile(further, q) == pytest.approx(level.mean() + stats.t.ppf(q, both - 1) * scale, abs=0.03 * scale)


def test_the_changes_tell_which_part_of_the_spread_is_counting():
    rng = np.random.default_rng(3)
    level, variance = OFFSET + 0.2 * rng.standard_normal(20), np.full(20, 0.04)
    shared = draw_offset(seen(level, variance, 0.01 * rng.standard_normal(20)), 2000, rng)
    apart = draw_offset(seen(level, variance, 0.4 * rng.standard_normal(20)), 2000, rng)
    assert shared.deviation_sd.mean() == pytest.approx(level.std(ddof=1), rel=0.15)
    assert apart.deviation_sd.mean() < 0.75 * shared.deviation_sd.mean()


def test_offset_and_deviations_are_recovered():
    rng = np.random.default_rng(4)
    offsets, sds = [], []
    for _ in range(60):
        gap = OFFSET + 0.25 * rng.standard_normal((40, 1)) + 0.1 * rng.standard_normal((40, 2))
        found = draw_offset(seen(gap.mean(axis=1), np.full(40, 0.01), gap[:, 1] - gap[:, 0]), DRAWS, rng)
        offsets.append(found.offset)
        sds.append(found.deviation_sd)
    assert np.mean(offsets) == pytest.approx(OFFSET, abs=0.02)
    assert np.mean(sds) == pytest.approx(0.25, abs=0.015)
    for draws, truth in ((offsets, OFFSET), (sds, 0.25)):
        low, high = np.quantile(draws, [0.05, 0.95], axis=1)
        assert 0.8 <= np.mean((low < truth) & (truth < high)) <= 0.98


def test_a_bridge_names_its_ends_and_its_cities():
    main, other = ring(7, 2, 3).trees()
    target, reference = bridge(main, {"U.other": other}, 1).bridges
    assert (target.group, reference.group) == ("target", "reference")
    assert (target.definition_from, target.definition_to, target.reason) == ("U.other", "U.main", "")
    assert target.cities_both == tuple(f"{c:05d}" for c in range(7))
    assert target.cities == ("00010", "00011")


@pytest.mark.parametrize("same", [False, True])
def test_from_counts_to_levels_of_both_years_the_truth_is_covered(same):
    held = []
    for seed in range(16):
        made = ring(8, 6, 2, deviation=0.2, base=1500, same=same, seed=seed)
        main, other = made.trees(seed=seed)
        found = bridge(main, {"U.other": other}, seed)
        levels, truth = np.stack([found.first, found.last], axis=-1), made.truth[-6:]
        low, high = np.quantile(levels, [0.05, 0.95], axis=0)
        held.append(np.mean((low < truth) & (truth < high)))
    error = np.std(held, ddof=1) / np.sqrt(len(held))
    assert 0.87 - 2 * error <= np.mean(held) <= 0.93 + 2 * error


def test_a_bridged_level_is_less_certain_than_one_in_the_main_definition():
    made = ring(5, 6)
    main, other = made.trees()
    all_delivered = tree("U.main", made.cities, made.main, made.n)
    known = all_delivered["posterior"]["mean"] + 0.5 * all_delivered["posterior"]["change"]
    found = bridge(main, {"U.other": other}, 1)
    assert (found.last.std(axis=0) > 1.5 * known.isel(chain=0).std("draw").to_numpy()[-6:]).all()


@pytest.mark.parametrize(
    ("both", "who"), [(0, "keine Stadt liefert"), (1, "nur eine Stadt liefert"), (4, "nur 4 Städte liefern")]
)
def test_fewer_than_five_cities_with_both_are_refused_with_a_sentence(both, who):
    main, other = ring(both, 3, 8).trees()
    found = bridge(main, {"U.other": other}, 1)
    assert found.cities == ()
    assert found.last.shape == (DRAWS, 0, 2)
    assert len(found.reasons) == 1
    assert f"U.other: {who} auch U.main" in found.reasons[0]
    assert "mindestens 5" in found.reasons[0]
    assert all(np.isnan(one.offset_mean) and one.cities == () for one in found.bridges)
    assert extended(main, found) is main
    with pytest.raises(ValueError, match="at least 5"):
        draw_offset(differences(main, other, "target", Counting(), Counting()), 10, np.random.default_rng(0))


def test_share_and_rate_are_not_bridged():
    main, other = ring().trees()
    other.attrs["link"] = "log"
    found = bridge(main, {"U.other": other}, 1)
    assert found.cities == ()
    assert "ein Anteil und eine Rate" in found.reasons[0]


def test_a_refused_definition_is_told_only_where_a_city_would_need_it():
    made = ring()
    main, other = made.trees()
    refused = {"U.other": "sie zählt anderes"}
    assert "sie zählt anderes" in bridge(main, {"U.other": other}, 1, refused=refused).reasons[0]
    everywhere = tree("U.main", made.cities, made.main, made.n)
    assert bridge(everywhere, {"U.other": other}, 1, refused=refused).bridges == ()


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_order_of_cities_does_not_matter(seed: int):
    made = ring(6, 3, 2, seed=seed)
    main, other = made.trees()
    rng = np.random.default_rng(seed)
    turned = [
        xr.DataTree.from_dict({name: node.to_dataset().isel(city=order) for name, node in one.children.items()})
        for one, order in ((main, rng.permutation(8)), (other, rng.permutation(9)))
    ]
    for one, old in zip(turned, (main, other), strict=True):
        one.attrs = old.attrs
    before, after = bridge(main, {"U.other": other}, 5), bridge(turned[0], {"U.other": turned[1]}, 5)
    assert (before.cities, before.bridges) == (after.cities, after.bridges)
    for name in ("last", "first", "base"):
        assert np.array_equal(getattr(before, name), getattr(after, name))


@settings(max_examples=10, deadline=None)
@given(by=st.floats(-2, 2))
def test_moving_all_of_the_other_definition_moves_the_offset_and_nothing_else(by: float):
    rng = np.random.default_rng(2)
    level, change = rng.normal(0, 0.3, 7), rng.normal(0, 0.1, 7)
    plain = draw_offset(seen(level, np.full(7, 0.01), change), 300, np.random.default_rng(1))
    moved = draw_offset(seen(level + by, np.full(7, 0.01), change), 300, np.random.default_rng(1))
    assert moved.offset == pytest.approx(plain.offset + by, abs=1e-6)
    assert moved.deviation_sd == pytest.approx(plain.deviation_sd, rel=1e-6)


def test_of_two_definitions_a_city_takes_the_more_precise_bridge():
    near, far = ring(9, 3, 2, deviation=0.05), ring(9, 3, 2, deviation=0.8)
    main, close = near.trees()
    wide = far.trees()[1]
    fewer = xr.DataTree.from_dict({name: node.to_dataset().isel(city=slice(0, -1)) for name, node in close.children.items()})
    fewer.attrs = close.attrs
    found = bridge(main, {"U.wide": wide, "U.close": fewer}, 1)
    assert dict(zip(found.cities, found.source, strict=True)) == {"00011": "U.close", "00012": "U.close", "00013": "U.wide"}
    assert {one.definition_from: one.cities for one in found.bridges if one.group == "target"} == {
        "U.close": ("00011", "00012"),
        "U.wide": ("00013",),
    }
    alone = bridge(main, {"U.wide": wide}, 1)
    assert np.array_equal(found.last[:, 2], alone.last[:, 2])


def test_a_city_of_the_main_definition_keeps_its_own_level():
    main, other = ring().trees()
    found = bridge(main, {"U.other": other}, 1)
    assert not set(found.cities) & set(main["posterior"]["city"].to_numpy())
    whole = extended(main, found)
    assert whole["posterior"].to_dataset().sel(city=main["posterior"]["city"]).equals(main["posterior"].to_dataset())
    assert whole["observed_data"].to_dataset().sel(city=main["posterior"]["city"]).equals(main["observed_data"].to_dataset())


def test_bridged_cities_have_a_standing_and_are_peers_but_have_no_change():
    main, other = ring().trees()
    found = bridge(main, {"U.other": other}, 1)
    whole, alone = (estimands(one, 1, 100.0) for one in (extended(main, found), main))
    at = [whole.cities.index(city) for city in found.cities]
    assert np.isfinite(whole.standing[:, at]).all()
    assert whole.level_last[:, at] == pytest.approx(100 * expit(found.last[:, :, 0]))
    for name in ("change", "relative", "against_peers", "gap", "level_first"):
        values = getattr(whole, name)
        assert np.isnan(values[:, at]).all()
        assert np.delete(values, at, axis=1) == pytest.approx(getattr(alone, name), nan_ok=True)
    assert (np.abs(np.delete(whole.standing, at, axis=1) - alone.standing).mean(axis=0) > 0.01).all()


def test_a_definition_changed_between_the_years_gives_a_level_and_no_change():
    made = ring(7, 3, 3)
    n = made.n.copy()
    n[-1, :, 1] = 0  # main definition in the first year only
    main = tree("U.main", made.cities[:10] + made.cities[-1:], np.delete(made.main, [10, 11], 0) * 1.0, np.delete(n, [10, 11], 0))
    later = made.n.copy()
    later[-1, :, 0] = 0
    other = tree(
        "U.other", made.cities[:7] + made.cities[10:], np.delete(made.other, [7, 8, 9], 0), np.delete(later, [7, 8, 9], 0)
    )
    found = bridge(main, {"U.other": other}, 1)
    assert found.cities == tuple(made.cities[10:])
    whole = estimands(extended(main, found), 1, 100.0)
    at = whole.cities.index(made.cities[-1])
    assert np.isfinite(whole.level_last[:, at]).all()
    assert np.isnan(whole.change[:, at]).all()
    assert np.isnan(whole.relative[:, at]).all()


def test_a_group_without_a_bridge_stays_empty():
    made = ring(6, 2, 2)
    n = made.n.copy()
    n[:3, 1] = 0  # too few references in both definitions
    made = Ring(made.cities, made.main * (n > 0), made.other * (n > 0), n, made.truth, made.both, made.lacking)
    main, other = made.trees()
    found = bridge(main, {"U.other": other}, 1)
    assert np.isfinite(found.last[:, :, 0]).all()
    assert np.isnan(found.last[:, :, 1]).all()
    assert (found.base > 0).tolist() == [[True, False], [True, False]]
    assert [bool(one.reason) for one in found.bridges] == [False, True]


def test_one_year_and_another_number_of_draws():
    made = ring(9, 2, 2)
    single = Ring(made.cities, made.main[:, :, 1:], made.other[:, :, 1:], made.n[:, :, 1:], made.truth, made.both, made.lacking)
    main, other = single.trees()[0], single.trees(draws=150)[1]
    found = bridge(main, {"U.other": other}, 1)
    assert found.last.shape == (DRAWS, 2, 2)
    assert np.array_equal(found.last, found.first)
    assert np.isfinite(estimands(extended(main, found), 1, 100.0).standing).all()


def test_years_are_weighed_by_what_they_tell_and_their_overlap():
    cities = ["a", "b", "c"]
    n = np.array([[[400.0, 400.0]], [[400.0, 0.0]], [[400.0, 100.0]]])
    y = np.where(n > 0, n / 4, 0)
    main, other = tree("U.main", cities, y, n), tree("U.other", cities, 2 * y, n)
    plain = differences(main, other, "target", Counting(), Counting())
    one = 1 / 100.5 + 1 / 300.5 + 2 / 200.5
    assert plain.cities == ("a", "b", "c")
    assert plain.level[:2] == pytest.approx(-np.log(100.5 / 300.5))
    assert plain.level_variance[:2] == pytest.approx([one / 2, one])
    assert plain.change_variance[0] == pytest.approx(2 * one)
    assert np.isfinite(plain.change).tolist() == [True, False, True]
    stock = differences(main, other, "target", Counting(overlap=0.5), Counting(overlap=0.5))
    assert stock.level_variance[:2] == pytest.approx([0.75 * one, one])
    assert stock.change_variance[0] == pytest.approx(one)
    survey = differences(main, other, "target", Counting(evidence=0.5), Counting(evidence=0.5))
    assert survey.level_variance == pytest.approx(2 * plain.level_variance)


def test_a_coarse_count_is_less_certain_than_the_middle_of_its_bounds():
    n = np.full((1, 1, 1), 500.0)
    exact, other = tree("U.main", ["a"], np.full(n.shape, 10.0), n), tree("U.other", ["a"], np.full(n.shape, 60.0), n)
    coarse = tree("U.main", ["a"], np.full(n.shape, 10.0), n)
    data = coarse["observed_data"].to_dataset()
    table = {"y": data["y"] * np.nan, "y_low": data["y"] - 2, "y_high": data["y"] + 2}
    coarse["observed_data"] = xr.DataTree(data.assign(table))
    sharp, blurred = (differences(one, other, "target", Counting(), Counting()) for one in (exact, coarse))
    assert blurred.level == pytest.approx(sharp.level)
    slope = 1 / 10.5 + 1 / 490.5
    assert blurred.level_variance - sharp.level_variance == pytest.approx(slope**2 * 16 / 12)


@pytest.mark.parametrize(
    ("scope", "polarity", "word"), [("all_cities", "+", ""), ("own_series", "+", "vergleichbar"), ("all_cities", "-", "dasselbe")]
)
def test_the_catalogue_says_which_definitions_may_be_bridged(scope, polarity, word):
    entry = indicator("U", scope=scope, definitions=("main", "other"))
    entry = entry.model_copy(
        update={"definition": [entry.definition[0], entry.definition[1].model_copy(update={"polarity": polarity})]}
    )
    book = catalogue(entry, indicator("V"))
    main, other = ring().trees()
    posteriors = {"U.main": main, "U.other": other, "V.main": other}
    found = bridge_definition("U.main", posteriors, 1, book, YEARS, 1)
    assert bool(found.cities) is not bool(word)
    assert {one.definition_from for one in found.bridges} == {"U.other"}
    assert all(word in one for one in found.reasons)


@pytest.mark.slow
@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("both", [5, 8, 20])
def test_coverage_with_fitted_posteriors(both, same):
    held, width, own_width, exact = [], [], [], []
    for seed in range(70):
        found, truth, unbridged, own = _fitted(both, same, seed)
        for draws, true, hits, sizes in ((found, truth, held, width), (unbridged, own, exact, own_width)):
            low, high = np.quantile(draws, [0.05, 0.95], axis=0)
            hits.append(np.mean((low < true) & (true < high)))
            sizes.append(np.mean(high - low))
    error = np.std(held, ddof=1) / np.sqrt(len(held))
    print(f"{both} with both, same persons {same}: coverage {np.mean(held):.3f} ± {error:.3f}, width {np.mean(width):.2f};"
          f" unbridged {np.mean(exact):.3f}, {np.mean(own_width):.2f}")  # fmt: skip
    assert 0.87 - 2 * error <= np.mean(held) <= 0.93 + 2 * error
    assert np.mean(width) > np.mean(own_width)


def _fitted(both: int, same: bool, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Last year's levels of six bridged cities and of the cities with the main definition: draws and truth."""
    rng = np.random.default_rng([11, both, seed])
    count, lacking = both + 12, 6
    n = np.round(1500 * rng.lognormal(0, 0.6, (count, 2, 1)) * np.ones(2))
    plain = Parameters(
        level=np.array([-1.4, -2.0]),
        shift=np.array([0.1, 0.05]),
        sd_mean=np.array([0.35, 0.35]),
        sd_change=np.array([0.2, 0.15]),
        corr_mean=0.5,
        corr_change=0.5,
        sd_peer_level=0.15,
        sd_peer_change=0.05,
        sd_land_change=0.05,
        lasting_share=0.4,
    )
    truth = draw_truth(plain, n, "logit", rng)
    eta = truth.eta + OFFSET + 0.2 * rng.standard_normal((count, 2, 1))
    p, q, whole = expit(truth.eta), expit(eta), n.astype(int)
    z = same_persons(truth.y.astype(int), whole, p, q, rng) if same else rng.binomial(whole, q)
    names = [f"{c:05d}" for c in range(count)]
    here, there = np.arange(count - lacking), np.r_[:both, count - lacking : count]
    trees = [
        fit(
            ChangeData(one, "share", tuple(names[i] for i in at), ("target", "reference"), YEARS, y[at].astype(float), n[at]),
            ChangeSettings(engine="laplace"),
            seed,
            cores=1,
        )
        for one, at, y in (("U.main", here, truth.y), ("U.other", there, z))
    ]
    posterior = trees[0]["posterior"]
    own = (posterior["mean"] + 0.5 * posterior["change"]).isel(chain=0).transpose("draw", "city", "group").to_numpy()
    found = bridge(trees[0], {"U.other": trees[1]}, seed)
    return found.last, truth.eta[-lacking:, :, 1], own, truth.eta[here, :, 1]
