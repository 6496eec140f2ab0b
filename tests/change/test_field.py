"""The joint field model: closed form, symmetries, no information; slow: joined separate fits against one fit of all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from scipy.special import expit

from integstat.change import ChangeData, ChangeSettings, Priors, fit
from integstat.change.field import join
from integstat.change.field.axes import align, draw_effect
from integstat.change.field.counts import Separate, _Draws, _laplace
from integstat.change.field.gibbs import CELLS, _message, _Told
from integstat.change.field.small import backward, cholesky, diagonal, form, forward, packed
from integstat.change.model import HALF, design, evidence, inverse_link, rough
from integstat.errors import ConvergenceError

SD, SHIFT_SD = 0.2, 0.5
DRAWS = 1000


def _field(many: int = 3, cities: int = 26, base: float = 3000.0, rho: float = 0.5, *, groups: int = 1, seed: int = 1):
    """Indicators with one common correlation of their standardised changes, and these changes, shape (I, C, G)."""
    rng = np.random.default_rng(seed)
    effect, datas = rng.standard_normal((cities, groups)), []
    z = np.sqrt(rho) * effect + np.sqrt(1 - rho) * rng.standard_normal((many, cities, groups))
    between = np.linalg.cholesky(np.array([[1.0, 0.5], [0.5, 1.0]])[:groups, :groups]) * SD
    n = np.round(base * rng.lognormal(0, 0.4, (many, cities, groups, 1))) * np.ones(2)
    level = rng.normal(-1.4, 0.35, (many, cities, groups))
    p = inverse_link(level[..., None] + (0.1 + z @ between.T)[..., None] * HALF, "logit")
    y = rng.binomial(n.astype(int), p).astype(float)
    for i in range(many):
        names = tuple(f"Stadt {c}" for c in range(cities))
        datas.append(ChangeData(f"E{i}.x", "share", names, ("target", "reference")[:groups], (2020, 2021), y[i], n[i]))
    return datas, z


def _gaussian(data: ChangeData) -> tuple[np.ndarray, np.ndarray]:
    """Observed changes of the first group and their counting variance, shape (C,)."""
    look = rough(data)
    return look.eta[:, 0, 1] - look.eta[:, 0, 0], look.variance[:, 0].sum(axis=1)


def _separate(data: ChangeData, draws: int = DRAWS, seed: int = 0) -> xr.DataTree:
    """A posterior of one group by hand: SDs known, shift and changes drawn from their joint normal."""
    rng = np.random.default_rng(seed)
    count, known = len(data.cities), data.usable.all(axis=(1, 2))
    observed, variance = _gaussian(data)
    loading = np.column_stack([np.full(count, SHIFT_SD), SD * np.eye(count)])  # of (shift, z) on the changes
    weight = np.where(known, 1 / variance, 0.0)
    precision = np.eye(count + 1) + (loading.T * weight) @ loading
    covariance = np.linalg.inv(precision)
    mean = covariance @ (loading.T @ np.where(known, weight * observed, 0.0))
    drawn = rng.multivariate_normal(mean, covariance, draws)
    dims = ("chain", "draw", "city", "group")
    expected = np.repeat(SHIFT_SD * drawn[:, :1], count, axis=1)
    level = np.where(known, rough(data).eta[:, 0].mean(axis=1), -1.4)
    posterior = {
        "alpha": (("chain", "draw", "group"), np.full((2, draws // 2, 1), -1.4)),
        "sd_mean": (("chain", "draw", "group"), np.full((2, draws // 2, 1), 3.0)),
        "sd_change": (("chain", "draw", "group"), np.full((2, draws // 2, 1), SD)),
        "mean": (dims, np.broadcast_to(level[:, None], (2, draws // 2, count, 1))),
        "change": (dims, (expected + SD * drawn[:, 1:]).reshape(2, -1, count, 1)),
        "expected_change": (dims, expected.reshape(2, -1, count, 1)),
    }
    return xr.DataTree.from_dict({"posterior": xr.Dataset(posterior, coords={"city": list(data.cities), "group": ["target"]})})


def _closed_form(datas: list[ChangeData], points: int = 60):
    """Mean and SD of rho and of the changes (I, C), by a grid over rho and dense normal distributions."""
    looks = [_gaussian(data) for data in datas]
    observed, noise = np.concatenate([look[0] for look in looks]), np.concatenate([look[1] for look in looks])
    many, count = len(datas), len(datas[0].cities)
    grid = (np.arange(points) + 0.5) / points
    logs, means, squares = [], [], []
    for rho in grid:
        between = np.full((many, many), rho) + (1 - rho) * np.eye(many)
        prior = SD**2 * np.kron(between, np.eye(count)) + SHIFT_SD**2 * np.kron(np.eye(many), np.ones((count, count)))
        total = prior + np.diag(noise)
        gain = np.linalg.solve(total, prior).T
        logs.append(stats.multivariate_normal(np.zeros(len(total)), total).logpdf(observed) + stats.beta.logpdf(rho, 2, 4))
        means.append(gain @ observed)
        squares.append(means[-1] ** 2 + np.diag(prior - gain @ prior))
    weight = np.exp(np.array(logs) - max(logs))
    weight /= weight.sum()
    mean = weight @ np.array(means)
    sd = np.sqrt(weight @ np.array(squares) - mean**2)
    middle = weight @ grid
    return middle, np.sqrt(weight @ grid**2 - middle**2), mean.reshape(many, count), sd.reshape(many, count)


def _two_groups() -> tuple[ChangeData, _Draws]:
    """Small counts with overlap and rounded numerators, and two draws of everything else."""
    (data,), _ = _field(1, 3, 60.0, groups=2)
    coarse = np.full((*data.y.shape, 2), np.nan)
    coarse[0, :, 1] = np.stack([np.maximum(data.y[0, :, 1] - 2, 0), data.y[0, :, 1] + 2], axis=-1)
    rng = np.random.default_rng(2)
    omega, sigma = np.array([[0.09, 0.03], [0.03, 0.04]]), np.array([[0.2, 0.1], [0.1, 0.3]])
    start, level, shift = rng.normal(0, 0.3, (2, 3, 2)), rng.normal(-1.4, 0.2, (2, 3, 2)), rng.normal(0.1, 0.1, (2, 3, 2))
    both = (np.tile(sigma, (2, 1, 1)), np.tile(omega, (2, 1, 1)))
    return replace(data, overlap=0.4, coarse=coarse), _Draws(level + start, start, level, shift, *both)


@pytest.mark.parametrize("kind", ["share", "rate"])
@pytest.mark.parametrize("c", [0, 2])
def test_a_citys_counts_are_summed_up_at_the_mode_of_the_specification(kind, c):
    data, draws = _two_groups()
    data = replace(data, kind=kind)
    own, added = _laplace(draws, data)
    weighed = evidence(data)
    coarse = weighed.coarse
    mean = stats.multivariate_normal(draws.level[1, c], draws.sigma[1] + np.diag(weighed.common[c]))
    change = stats.multivariate_normal(np.zeros(2), draws.omega[1])

    def minus_log(x: np.ndarray) -> float:
        eta = x[:2, None] + (draws.expected[1, c] + x[2:])[:, None] * HALF
        log_partition = np.logaddexp(0, eta) if kind == "share" else np.exp(eta)
        total = mean.logpdf(x[:2]) + change.logpdf(x[2:]) + (weighed.y[c] * eta - weighed.n[c] * log_partition).sum()
        for place in np.flatnonzero(coarse.cell[:, 0] == c):
            inside = slice(*coarse.start[place : place + 2])
            total += np.logaddexp.reduce(coarse.log_weight[inside] + coarse.value[inside] * eta[tuple(coarse.cell[place, 1:])])
        return -float(total)

    mode = optimize.minimize(minus_log, np.concatenate([draws.level[1, c], np.zeros(2)]), method="BFGS", tol=1e-8).x
    steps = 1e-3 * np.eye(4)
    curvature = np.array(
        [[sum(s * r * minus_log(mode + s * i + r * j) for s in (-1, 1) for r in (-1, 1)) for j in steps] for i in steps]
    )
    curvature /= 4e-6
    marginal = curvature[2:, 2:] - curvature[2:, :2] @ np.linalg.solve(curvature[:2, :2], curvature[:2, 2:])
    assert own[1, c] == pytest.approx(mode[2:], abs=1e-4)
    assert added[1, c] == pytest.approx(marginal - np.linalg.inv(draws.omega[1]), rel=5e-3, abs=0.02)


@pytest.mark.parametrize("rho", [0.1, 0.7])
def test_joined_posteriors_are_the_closed_form(rho):
    datas, _ = _field(3, 26, 10_000.0, rho)
    tree = join([_separate(data, seed=i) for i, data in enumerate(datas)], datas, [1, 1, 1], 4, draws=DRAWS)
    middle, spread, mean, sd = _closed_form(datas)
    found, change = tree["posterior"]["rho"].to_numpy(), tree["posterior"]["change"].to_numpy()[0, ..., 0]
    assert abs(found.mean() - middle) < 0.15 * spread
    assert abs(np.log(found.std() / spread)) < 0.12
    gap = (change.mean(axis=0) - mean) / sd
    assert np.sqrt(np.mean(gap**2)) < 0.06
    assert np.abs(gap).max() < 0.2
    assert np.abs(np.log(change.std(axis=0) / sd)).max() < 0.15


def test_one_indicator_keeps_its_own_posterior():
    (data,), _ = _field(1)
    separate = _separate(data)
    tree = join([separate], [data], [-1], 4, draws=DRAWS)
    own = separate["posterior"]["change"].to_numpy().reshape(DRAWS, -1)
    joined = tree["posterior"]["change"].to_numpy()[0, :, 0, :, 0]
    assert {row.round(9).tobytes() for row in joined} <= {row.round(9).tobytes() for row in own}
    assert np.abs((joined.mean(axis=0) - own.mean(axis=0)) / own.std(axis=0)).max() < 0.18
    assert stats.kstest(tree["posterior"]["rho"].to_numpy().ravel(), stats.beta(2, 4).cdf).pvalue > 1e-3


def test_turning_an_indicator_round_turns_its_result_and_nothing_else():
    datas, _ = _field(3)
    trees = [_separate(data, seed=i) for i, data in enumerate(datas)]
    turned = (
        trees[1]["posterior"].to_dataset().assign({name: -trees[1]["posterior"][name] for name in ("change", "expected_change")})
    )
    before = join(trees, datas, [1, 1, -1], 4, draws=DRAWS)["posterior"]
    others = [trees[0], xr.DataTree.from_dict({"posterior": turned}), trees[2]]
    after = join(others, [datas[0], datas[1].swapped(), datas[2]], [1, -1, -1], 4, draws=DRAWS)["posterior"]
    sign = xr.DataArray([1, -1, 1], dims="indicator")
    for name in ("change", "own_change", "expected_change"):
        assert np.allclose(before[name], (after[name] * sign).transpose(*before[name].dims), atol=1e-6)
    for name in ("rho", "field_effect"):
        assert np.allclose(before[name], after[name], atol=1e-5)


def test_without_counts_the_correlation_is_its_prior():
    datas, _ = _field(3)
    empty = [replace(data, y=np.zeros_like(data.y), n=np.zeros_like(data.n)) for data in datas]
    tree = join([_separate(data, seed=i) for i, data in enumerate(empty)], empty, [1, 1, 1], 4, a=3.0, b=2.0, draws=DRAWS)
    assert stats.kstest(tree["posterior"]["rho"].to_numpy().ravel(), stats.beta(3, 2).cdf).pvalue > 1e-3
    own = tree["posterior"]["own_change"].to_numpy()
    assert own.std() == pytest.approx(SD, rel=0.02)
    between = np.corrcoef(own[0, :, :, :, 0].reshape(-1, 3, 26).swapaxes(1, 2).reshape(-1, 3).T)
    assert between[np.triu_indices(3, 1)] == pytest.approx(0.6, abs=0.03)


def test_what_an_indicator_lacks_is_empty_and_the_rest_is_aligned_by_label():
    datas, _ = _field(2, 12)
    fewer = replace(
        datas[1], cities=tuple(reversed(datas[1].cities[3:])), y=datas[1].y[3:][::-1].copy(), n=datas[1].n[3:][::-1].copy()
    )
    both = [datas[0], fewer]
    trees = [_separate(data, seed=i) for i, data in enumerate(both)]
    tree = join(trees, both, [1, 1], 4, draws=DRAWS)
    change = tree["posterior"]["change"]
    assert change.sel(indicator="E1.x", city=["Stadt 0", "Stadt 2"]).isnull().all()
    assert change.sel(indicator="E1.x", city=list(fewer.cities)).notnull().all()
    assert change.sel(indicator="E0.x").notnull().all()
    own = trees[1]["posterior"]["change"].mean(("chain", "draw")).sel(group="target")
    joined = change.sel(indicator="E1.x", group="target", city=list(fewer.cities)).mean(("chain", "draw"))
    assert np.corrcoef(own, joined)[0, 1] > 0.95


def test_a_city_left_out_of_an_indicator_says_nothing_there():
    datas, _ = _field(2, 12)
    trees = [_separate(data, 400, seed=i) for i, data in enumerate(datas)]
    wild = trees[0]["posterior"].to_dataset().copy(deep=True)
    wild["change"][{"city": 0}] += 7.0
    without = [["Stadt 0"], []]
    plain, other = (
        join([first, trees[1]], datas, [1, 1], 4, draws=400, left_out=without)
        for first in (trees[0], xr.DataTree.from_dict({"posterior": wild}))
    )
    xr.testing.assert_allclose(plain["posterior"].to_dataset(), other["posterior"].to_dataset())
    assert plain["posterior"]["change"].sel(indicator="E0.x", city="Stadt 0").isnull().all()
    estimable = plain["constant_data"]["estimable"].to_numpy()
    assert not estimable[plain["posterior"].indexes["indicator"] == "E0.x"][:, plain["posterior"].indexes["city"] == "Stadt 0"]
    assert estimable.sum() == 2 * 12 - 1
    own = trees[1]["posterior"]["change"].sel(city="Stadt 0")
    alone = plain["posterior"]["change"].sel(indicator="E1.x", city="Stadt 0")
    assert float(abs(alone.mean() - own.mean()) / own.std()) < 0.2


def test_estimable_is_a_change_with_a_figure_in_both_years():
    datas, _ = _field(2, 12)
    n = datas[0].n.copy()
    n[3, 0, 1] = 0
    datas[0] = replace(datas[0], n=n, y=np.minimum(datas[0].y, n))
    tree = join([_separate(data, seed=i) for i, data in enumerate(datas)], datas, [-1, 1], 4, draws=200)
    estimable = tree["constant_data"]["estimable"].to_numpy()
    assert np.argwhere(~estimable).tolist() == [[0, 3]]
    assert tree["constant_data"]["polarity"].to_numpy().tolist() == [-1, 1]


@pytest.mark.parametrize("rows", [1, 2])
def test_small_matrices_are_those_of_lapack(rows):
    rng = np.random.default_rng(rows)
    root = rng.standard_normal((5, 4, rows, rows))
    matrices = root @ root.swapaxes(-1, -2) + np.eye(rows)
    vectors = rng.standard_normal((rows, 5, 4))
    stack = packed(matrices)
    factor = cholesky(stack)
    assert np.allclose(factor, packed(np.linalg.cholesky(matrices)))
    solved = np.linalg.solve(matrices, np.moveaxis(vectors, 0, -1)[..., None])[..., 0]
    assert np.allclose(backward(factor, forward(factor, vectors)), np.moveaxis(solved, -1, 0))
    assert np.allclose(2 * np.log(diagonal(factor)).sum(axis=0), np.linalg.slogdet(matrices)[1])
    assert np.allclose((form(vectors) * stack).sum(axis=0), np.einsum("gsc,scgh,hsc->sc", vectors, matrices, vectors))


@pytest.mark.parametrize("groups", [1, 2])
def test_a_message_is_the_integral_over_what_the_counts_say(groups):
    rng = np.random.default_rng(7)
    root = rng.standard_normal((3, 4, groups, groups))
    precision, b = root @ root.swapaxes(-1, -2), rng.standard_normal((3, 4, groups))
    empty = np.zeros((3, 4, groups))
    told = _Told.of(Separate(precision, b, z=empty, factor=precision[:, 0], expected=empty))
    effect, rho = rng.standard_normal((4, groups)), 0.3
    message = _message(told, rho)
    stacked = np.moveaxis(effect, -1, 0)
    found = message.constant + (message.linear * stacked[:, None]).sum(axis=(0, 2))
    found -= 0.5 * (message.quadratic * form(stacked)[:, None]).sum(axis=(0, 2))
    eye = np.eye(groups)

    def integral(a: np.ndarray, linear: np.ndarray, mean: np.ndarray, variance: float) -> float:
        whole = a + eye / variance
        pull = linear + mean / variance
        size = np.linalg.slogdet(whole)[1] + groups * np.log(variance)
        return 0.5 * float(pull @ np.linalg.solve(whole, pull) - mean @ mean / variance - size)

    for s in range(3):
        wanted = sum(
            integral(precision[s, c], b[s, c], np.sqrt(rho) * effect[c], 1 - rho)
            - integral(precision[s, c], b[s, c], np.zeros(groups), 1.0)
            for c in range(4)
        )
        assert found[s] == pytest.approx(wanted)


def test_a_field_of_other_than_two_years_or_unknown_polarity_is_refused():
    datas, _ = _field(2, 6)
    single = replace(datas[0], years=(2021,), y=datas[0].y[:, :, 1:], n=datas[0].n[:, :, 1:])
    for wrong, polarity in (([single], [1]), (datas, [1, 0]), (datas, [1]), ([datas[0]] * 2, [1, 1])):
        with pytest.raises(ValueError, match="polarity"):
            align(wrong, polarity)


def test_draws_that_do_not_cover_the_field_are_refused_by_name():
    datas, _ = _field(2, 26, 50_000.0, 0.9)
    trees = [_separate(data, 400, seed=i) for i, data in enumerate(datas)]
    wide = np.random.default_rng(0).normal(0, 3.0, (2, 200, 1, 1))
    posterior = trees[1]["posterior"].to_dataset()
    trees[1] = xr.DataTree.from_dict({"posterior": posterior.assign(expected_change=posterior["expected_change"] + wide)})
    with pytest.raises(ConvergenceError, match="Sprache.*Pareto-k") as error:
        join(trees, datas, [1, 1], 4, draws=200, field="Sprache")
    assert error.value.exit_code == 4


@settings(max_examples=20, deadline=None)
@given(rho=st.floats(0.02, 0.95), missing=st.booleans())
def test_the_fields_part_has_the_moments_of_the_normal_distribution(rho: float, missing: bool):
    many, draws = 3, 4000
    rng = np.random.default_rng(3)
    present = np.ones((many, 1, 1), dtype=bool)
    present[0] = not missing
    effect = rng.standard_normal((draws, 1, 1))
    z = np.sqrt(rho) * effect[:, None] + np.sqrt(1 - rho) * rng.standard_normal((draws, many, 1, 1))
    found = draw_effect(z, np.full(draws, rho), present, rng)
    assert found.var() == pytest.approx(1.0, abs=0.1)
    assert np.mean(found * z[:, 1]) == pytest.approx(np.sqrt(rho), abs=0.08)


def test_rho_is_drawn_between_the_cells():
    datas, _ = _field(2, 12)
    tree = join([_separate(data, seed=i) for i, data in enumerate(datas)], datas, [1, 1], 4, draws=DRAWS)
    rho = tree["posterior"]["rho"].to_numpy()
    assert len(np.unique(rho)) > 10 * CELLS
    assert ((rho > 0) & (rho < 1)).all()


def test_the_reference_has_the_density_of_the_specification():
    from integstat.change.nuts import field as nuts_field

    priors = Priors(shift_sd=0.4, sd_mean_scale=0.8, correlation_eta=3.0, peer_change_scale=0.2)
    datas, _ = _field(3, 7, 200.0, groups=2)
    peers, land = np.arange(7) % 2, tuple("ab"[c % 2] for c in range(7))
    datas = [
        replace(datas[0], overlap=0.4, peers=peers, land=land),
        replace(datas[1], kind="rate"),
        replace(datas[2], peers=peers),
    ]
    axes = align(datas, [1, -1, 1])
    counts = nuts_field._stack(datas, axes)
    model = nuts_field.build(counts, axes.sign, priors, 2.0, 4.0)
    density = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    rng = np.random.default_rng(5)
    gaps = []
    for _ in range(4):
        point = {name: rng.normal(0, 0.4, np.shape(value)) for name, value in model.initial_point().items()}
        gaps.append(float(density(point)) - _specified(point, datas, axes, counts.share, priors))
    assert np.ptp(gaps) == pytest.approx(0, abs=1e-8 * abs(gaps[0]))


def _specified(point, datas, axes, share, priors: Priors) -> float:
    """Log-density of two groups in all cities up to a constant, indicator by indicator, from the parameters themselves."""
    rho, half = expit(point["rho_logodds__"]), expit(point["half_corr_logodds__"])
    spread = np.exp(point["spread_log__"])
    sds = np.exp(np.stack([point["sd_mean_log__"], point["sd_change_log__"]]))
    scales = (priors.peer_level_scale, priors.peer_change_scale, priors.land_change_scale)
    total = (
        stats.beta.logpdf(rho, 2, 4)
        + stats.norm.logpdf(point["effect"]).sum()
        + stats.halfnorm.logpdf(spread, scale=scales).sum()
    )
    total += stats.halfnorm.logpdf(sds[0], scale=priors.sd_mean_scale).sum()
    total += stats.lognorm.logpdf(sds[1], priors.sd_change_log_sd, scale=priors.sd_change_median).sum()
    total += stats.beta.logpdf(half, priors.correlation_eta, priors.correlation_eta).sum()
    scaled, volume = [], 0.0
    for i, data in enumerate(datas):
        parts, weighed = design(data), evidence(data)
        coefficient = point["effect"][i] * np.repeat(spread[i], [2, 2, 2])[:, None]
        level, step = np.zeros((2, 7, 2))
        if parts.peers.size:
            level, step = parts.peers @ coefficient[:2], parts.peers @ coefficient[2:4]
        if parts.land.size:
            step = step + parts.land @ coefficient[4:]
        ring = point["average"][i] - np.stack([level.mean(axis=0), step.mean(axis=0)])
        total += stats.norm.logpdf(ring, 0, [[priors.level_sd], [priors.shift_sd]]).sum()
        level, step = level + ring[0], step + ring[1]
        forms = [sds[k, i] ** (1 - share[k, i]) * (point["raw"][k, i] - share[k, i] * e) for k, e in enumerate((level, step))]
        total += ((1 - share[:, i]) * np.log(sds[:, i])[:, None]).sum()
        sigma, omega = (
            np.outer(sd, sd) * np.array([[1, r], [r, 1]]) for sd, r in zip(sds[:, i], 2 * half[:, i] - 1, strict=True)
        )
        for c in range(7):
            total += stats.multivariate_normal(np.zeros(2), sigma + np.diag(weighed.common[c])).logpdf(forms[0][c])
        eta = (level + forms[0])[..., None] + (step + forms[1])[..., None] * HALF
        total += (weighed.y * eta - weighed.n * (np.exp(eta) if data.link == "log" else np.logaddexp(0, eta))).sum()
        factor = np.linalg.cholesky(omega)
        scaled.append(axes.sign[i] * np.linalg.solve(factor, forms[1].T))
        volume += 7 * np.linalg.slogdet(factor)[1]
    between = stats.multivariate_normal(np.zeros(3), np.full((3, 3), rho) + (1 - rho) * np.eye(3))
    return float(total + between.logpdf(np.stack(scaled, axis=-1)).sum() - volume)


@pytest.mark.slow
def test_joined_fits_are_the_fit_of_all():
    from integstat.change.nuts.field import sample_field

    datas, _ = _field(3, 26, 3000.0, 0.5, groups=2)
    both = sample_field(datas, [1, -1, 1], ChangeSettings(engine="nuts"), 5)
    trees = [fit(data, ChangeSettings(engine="nuts"), 10 + i) for i, data in enumerate(datas)]
    joined = join(trees, datas, [1, -1, 1], 7)["posterior"]
    for name in ("rho", "change", "own_change", "field_effect"):
        whole, parts = both[name].stack(sample=("chain", "draw")), joined[name].stack(sample=("chain", "draw"))
        gap = (whole.mean("sample") - parts.mean("sample")) / whole.std("sample")
        assert np.sqrt(np.mean(gap.to_numpy() ** 2)) < 0.1
        assert np.abs(gap).max() < 0.2
        ratio = np.log(parts.std("sample") / whole.std("sample")).to_numpy()
        assert abs(ratio.mean()) < (0.1 if name == "rho" else 0.03)
        assert np.abs(ratio).max() < 0.13
