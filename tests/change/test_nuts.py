"""The compiled structures against the specification written down anew with scipy, and what is drawn after sampling."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import logsumexp
from tests.change.rings import ring

from integstat.change import ChangeData, ChangeSettings, Priors
from integstat.change.gate import diagnose
from integstat.change.model import design, evidence, inverse_link, log_likelihood, year_covariance
from integstat.change.nuts import many_years as nuts_years
from integstat.change.nuts import parts as nuts_parts
from integstat.change.nuts import sampler as nuts
from integstat.change.nuts import unpacking
from integstat.errors import UsageError

PRIORS = Priors(shift_sd=0.4, sd_mean_scale=0.8, correlation_eta=3.0, peer_change_scale=0.2, lasting_a=2.5, trend_scale=0.4)
YEARS = (2018, 2019, 2021, 2022)


def many_years(cities: int = 24, base: float = 2000.0, *, seed: int = 1, overlap: float = 0.0) -> tuple[ChangeData, np.ndarray]:
    """Four years with a gap, two groups, peers and Länder; the data and the true link values (C, G, T)."""
    rng = np.random.default_rng(seed)
    plain, _ = ring(cities, base, seed=seed)
    parts = design(replace(plain, years=YEARS, y=np.zeros((cities, 2, 4)), n=np.zeros((cities, 2, 4))))
    between = np.array([[1.0, 0.5], [0.5, 1.0]])
    mean = np.array([-1.4, -2.2]) + 0.35 * rng.multivariate_normal(np.zeros(2), between, cities)
    mean += parts.peers @ rng.normal(0, 0.15, (4, 2))
    sd = np.array([0.2, 0.15])
    own = rng.multivariate_normal(
        np.zeros(8), np.kron(between * np.outer(sd, sd), year_covariance(YEARS).total(0.4, 0.2)), cities
    )
    path = own.reshape(cities, 2, 4) + (parts.steps @ rng.normal(0, 0.15, (3, 2))).T
    path += (parts.land @ rng.normal(0, 0.1, (3, 2)))[:, :, None] * parts.half
    eta = mean[:, :, None] + path
    n = np.broadcast_to(plain.n[:, :, :1], eta.shape).copy()
    y = rng.binomial(n.astype(int), inverse_link(eta, "logit")).astype(float)
    return replace(plain, years=YEARS, y=y, n=n, overlap=overlap), eta


def coarsened(data: ChangeData, every: int = 7, *, parts: int = 1) -> ChangeData:
    """Every so many cells known only up to 2 (times the number of parts) on either side."""
    unsure = np.arange(data.y.size).reshape(data.y.shape) % every == 0
    bounds = np.stack([data.y - 2 * parts, data.y + 2 * parts], axis=-1)
    whole = np.ones(data.y.shape, dtype=int)
    return replace(
        data,
        y=np.where(unsure, 0.0, data.y),
        coarse=np.where(unsure[..., None], np.round(bounds), np.nan),
        parts=np.where(unsure, parts, whole) if parts > 1 else None,
    )


def _compiled(room: nuts_parts.Capacity):
    many = room.years > 2
    with (nuts_years.build_years if many else nuts.build)(room, PRIORS) as model:
        return model, model.compile_logp(sum=True, mode="FAST_COMPILE")


@pytest.fixture(scope="module")
def compiled():
    """Each structure once."""
    kept: dict[nuts_parts.Capacity, tuple] = {}

    def get(room: nuts_parts.Capacity):
        if room not in kept:
            kept[room] = _compiled(room)
        return kept[room]

    return get


def _point(rng: np.random.Generator, room: nuts_parts.Capacity) -> dict[str, np.ndarray]:
    point = {
        "first": rng.normal(0, 0.5, (room.years, room.cities)),
        "second": rng.normal(0, 0.5, (room.years, room.cities)),
        "average": rng.normal(0, 0.3, (room.years, 2)),
        "log_sd": rng.normal(-1.5, 0.3, (2, 2)),
        "z_corr": rng.normal(0, 0.4, (2, 1)),
        "log_spread": rng.normal(-2, 0.3, 3),
        "effect": rng.normal(0, 1, (room.effects, 2)),
    }
    if room.years > 2:
        point |= {"logit_share": rng.normal(0, 1, ()), "log_trend": rng.normal(-1, 0.5, ())}
    return point


def _draws(point: dict[str, np.ndarray]) -> xr.Dataset:
    """A point as the one draw of one chain."""
    both = ("chain", "draw")
    return xr.Dataset({name: ((*both, *(f"{name}_{i}" for i in range(v.ndim))), v[None, None]) for name, v in point.items()})


def _expected(point: dict[str, np.ndarray], padded: nuts_parts.Padded, data: ChangeData) -> float:
    """Log-density up to a constant: from the parameters of the specification, and the Jacobian of the sampled form."""
    many = padded.room.years > 2
    out = (nuts_years.unpack_years if many else nuts._unpack)(_draws(point), padded, data, PRIORS, 1)
    own = {str(name): out[name].to_numpy()[0, 0] for name in out.data_vars}
    parts, cities, years = design(data), len(data.cities), len(data.years)
    total = stats.norm.logpdf(point["effect"]).sum()
    for scale, log_spread in zip(
        (PRIORS.peer_level_scale, PRIORS.peer_change_scale, PRIORS.land_change_scale), point["log_spread"], strict=True
    ):
        total += stats.halfnorm.logpdf(np.exp(log_spread), scale=scale) + log_spread
    total += (stats.halfnorm.logpdf(own["sd_mean"], scale=PRIORS.sd_mean_scale) + np.log(own["sd_mean"])).sum()
    total += stats.norm.logpdf(np.log(own["sd_change"]), np.log(PRIORS.sd_change_median), PRIORS.sd_change_log_sd).sum()
    for r in (own["corr_mean"], own["corr_change"]):
        total += stats.beta.logpdf((1 + r) / 2, PRIORS.correlation_eta, PRIORS.correlation_eta) + np.log(1 - r**2)
    shifts = own["delta_step"] if many else own["delta"][None]
    total += stats.norm.logpdf(own["alpha"], 0, PRIORS.level_sd).sum() + stats.norm.logpdf(shifts, 0, PRIORS.shift_sd).sum()
    over_years = np.outer(parts.half, parts.half)
    if many:
        s, omega = own["lasting_share"], own["trend_sd"]
        total += stats.beta.logpdf(s, PRIORS.lasting_a, PRIORS.lasting_b) + np.log(s * (1 - s))
        total += stats.halfnorm.logpdf(omega, scale=PRIORS.trend_scale) + np.log(omega)
        over_years = year_covariance(data.years).total(s, omega)

    mean = own["alpha"] + _peers(own["peer_level"], parts.peers, data)
    change = _peers(own["peer_change"], parts.peers, data) + parts.land @ own["land_change"]
    if "beta" in own:
        mean = mean + parts.covariates @ own["beta"]
    expected = mean[:, :, None] + (parts.steps @ shifts).T + change[:, :, None] * parts.half
    free = {name: value[None, None] for name, value in point.items()}
    coefficient = unpacking.coefficients(free, padded.room, PRIORS)
    effects = (nuts_years if many else nuts)._effects(free, padded, coefficient)[1][0, 0]
    eta = np.einsum("tb,bcg->cgt", padded.inputs["years"][:years], effects)[:cities]
    common = evidence(data).common
    sigma, omega_matrix = (_covariance(own[f"sd_{name}"], own[f"corr_{name}"]) for name in ("mean", "change"))
    path_dims = years - 1
    path_logdet = np.log(np.linalg.eigvalsh(over_years)[1:]).sum() / 2
    shares = padded.inputs["share_first"], padded.inputs["share_second"]
    for c in range(cities):
        widened = sigma + np.diag(common[c])
        covariance = np.kron(widened, np.ones((years, years))) + np.kron(omega_matrix, over_years)
        total += stats.multivariate_normal(expected[c].ravel(), covariance).logpdf(eta[c].ravel())
        for matrix, block, dims, extra in ((widened, 0, 1, 0.0), (omega_matrix, 1, path_dims, path_logdet)):
            first, second = matrix[0, 0], np.linalg.det(matrix) / matrix[0, 0]
            total += (1 - shares[0][block, c]) * (dims * np.log(first) / 2 + extra)
            total += (1 - shares[1][block, c]) * (dims * np.log(second) / 2 + extra)
    for raw in (point["first"], point["second"]):
        total += stats.norm.logpdf(raw[:, cities:]).sum()
    return float(total + _counts(data, eta))


def _peers(values: np.ndarray, factor: np.ndarray, data: ChangeData) -> np.ndarray:
    return values if data.kernel is not None else factor @ values


def _covariance(sd: np.ndarray, correlation: float) -> np.ndarray:
    return np.outer(sd, sd) * np.array([[1.0, correlation], [correlation, 1.0]])


def _counts(data: ChangeData, eta: np.ndarray) -> float:
    factor = data.evidence / (1 - data.overlap)
    value = log_likelihood(data.y * factor, data.n * factor, eta, data.link)
    if data.coarse is None:
        return float(value.sum())
    for c, g, t in np.argwhere(np.isfinite(data.coarse[..., 0])):
        low, high = data.coarse[c, g, t]
        parts = 1 if data.parts is None else int(data.parts[c, g, t])
        each = stats.randint(0, (high - low) / parts + 1)
        ways = [1.0]
        for _ in range(parts):
            ways = np.convolve(ways, each.pmf(np.arange((high - low) / parts + 1)))
        k = np.arange(low, high + 1)
        fits = k >= 0
        base = np.full(fits.sum(), data.n[c, g, t] * factor)
        likely = log_likelihood(k[fits] * factor, base, np.full(fits.sum(), eta[c, g, t]), data.link)
        value[c, g, t] = logsumexp(likely + np.log(np.array(ways)[fits]))
    return float(value.sum())


def _check(compiled, data: ChangeData, form: str) -> None:
    padded = (nuts_years.pad_years if len(data.years) > 2 else nuts._pad)(data, form)
    model, function = compiled(padded.room)
    with model:
        pm.set_data(padded.inputs)
    rng = np.random.default_rng(5)
    gaps = []
    for _ in range(4):
        point = _point(rng, padded.room)
        gaps.append(float(function(point)) - _expected(point, padded, data))
    assert np.ptp(gaps) == pytest.approx(0, abs=1e-6 * max(1.0, abs(gaps[0])))


@pytest.mark.parametrize("kind", ["share", "rate"])
@pytest.mark.parametrize("form", ["blend", "loose"])
@pytest.mark.parametrize("base", [60.0, 9000.0])
@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_the_density_is_that_of_the_specification(compiled, kind, form, base, overlap):
    _check(compiled, replace(ring(20, base, kind=kind)[0], overlap=overlap), form)


@pytest.mark.parametrize("kind", ["share", "rate"])
@pytest.mark.parametrize(("overlap", "parts"), [(0.0, 1), (0.5, 1), (0.3, 3)])
def test_the_density_of_coarse_counts_is_that_of_the_specification(compiled, kind, overlap, parts):
    data = replace(ring(20, 60.0, kind=kind)[0], overlap=overlap)
    _check(compiled, coarsened(data, every=9 if parts == 1 else 11, parts=parts), "blend")


@pytest.mark.parametrize("form", ["blend", "loose"])
@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_the_density_of_many_years_is_that_of_the_specification(compiled, form, overlap):
    data, _ = many_years(20, overlap=overlap)
    covariates = np.random.default_rng(3).normal(5, 2, (20, 1))
    _check(compiled, replace(data, covariates=covariates, covariate_names=("rent",)), form)


def test_the_density_of_coarse_counts_of_many_years_is_that_of_the_specification(compiled):
    _check(compiled, coarsened(many_years(12, 300.0, overlap=0.4)[0]), "blend")


def test_the_density_with_a_kernel_of_peers_is_that_of_the_specification(compiled):
    data, _ = ring(20, 2000.0)
    place = np.linspace(0, 1, 20)
    kernel = np.exp(-(((place[:, None] - place[None, :]) / 0.05) ** 2))
    padded = nuts._pad(replace(data, kernel=kernel), "blend")
    assert padded.room.peers == 32
    _check(compiled, replace(data, kernel=kernel), "blend")


def test_capacities_grow_with_the_data():
    def room(data: ChangeData) -> nuts_parts.Capacity:
        return nuts_parts.capacity(data, design(data), evidence(data).coarse)

    assert [room(ring(count)[0]).cities for count in (5, 32, 33, 67)] == [32, 32, 64, 96]
    plain = ring(20)[0]
    assert room(plain) == nuts_parts.Capacity(32)
    assert room(ring(20, years=1)[0]) == room(plain)
    unlike = np.eye(20) + 0.1 * (1 - np.eye(20))
    assert room(replace(plain, kernel=unlike)).peers == 32
    coarse = room(coarsened(plain, every=4))
    assert (coarse.slots, coarse.width) == (32, 8)
    assert room(coarsened(plain, every=40, parts=3)).width == 16


def test_too_many_covariates_are_refused():
    data = replace(ring(12)[0], covariates=np.random.default_rng(1).normal(size=(12, 5)), covariate_names=tuple("abcde"))
    with pytest.raises(UsageError, match="höchstens 16 Länder und 4 Kovariaten"):
        nuts._pad(data, "blend")


def test_the_effects_of_a_kernel_are_by_city():
    data, _ = ring(20)
    near = np.exp(-np.abs(np.arange(20)[:, None] - np.arange(20)) / 3.0)
    kernel = replace(data, kernel=near)
    padded = nuts._pad(kernel, "blend")
    out = nuts._unpack(_draws(_point(np.random.default_rng(1), padded.room)), padded, kernel, PRIORS, 1)
    assert out["peer_level"].dims == out["peer_change"].dims == ("chain", "draw", "city", "group")
    padded = nuts._pad(data, "blend")
    out = nuts._unpack(_draws(_point(np.random.default_rng(1), padded.room)), padded, data, PRIORS, 1)
    assert out["peer_level"].dims == ("chain", "draw", "peer_group", "group")


@pytest.mark.parametrize("groups", [1, 2])
def test_the_mean_without_the_shared_error_has_its_conditional_distribution(groups):
    draws = 40_000
    total, expected = np.array([0.9, -0.4])[:groups], np.array([0.2, 0.1])[:groups]
    sd, r, common = np.array([0.3, 0.5])[:groups], 0.7, np.array([[0.2, 0.05], [0.4, 0.0], [0.0, 0.0]])[:, :groups]
    shape = (2, draws // 2, 3, groups)
    drawn = unpacking.without_error(
        np.broadcast_to(total, shape),
        np.broadcast_to(expected, shape),
        np.broadcast_to(sd, (*shape[:2], groups)),
        np.full(shape[:2], r),
        common,
        3,
    ).reshape(draws, 3, groups)
    sigma = _covariance(np.array([0.3, 0.5]), r)[:groups, :groups]
    for c in range(3):
        gain = sigma @ np.linalg.inv(sigma + np.diag(common[c]))
        mean, covariance = expected + gain @ (total - expected), sigma - gain @ sigma
        error = np.sqrt(np.maximum(np.diag(covariance), 0) / draws)
        assert (np.abs(drawn[:, c].mean(axis=0) - mean) <= 4.5 * error + 1e-12).all()
        assert np.atleast_2d(np.cov(drawn[:, c].T)) == pytest.approx(covariance, abs=0.03 * 0.25)
    assert (drawn[:, 2] == total).all()


def test_without_overlap_the_sums_are_the_means():
    total = np.random.default_rng(1).normal(size=(2, 5, 4, 2))
    same = unpacking.without_error(total, 0 * total, np.ones((2, 5, 2)), np.zeros((2, 5)), np.zeros((4, 2)), 1)
    assert same is total


@given(
    gaps=st.lists(st.integers(1, 4), min_size=2, max_size=7),
    share=st.floats(0.01, 0.99),
    omega=st.floats(0.0, 3.0),
)
def test_the_root_of_the_covariance_over_the_years_is_one(gaps, share, omega):
    years = tuple(2010 + int(step) for step in np.cumsum([0, *gaps]))
    count = len(years)
    counts = np.ones((3, 1, count))
    data = ChangeData("E3.leavers", "share", ("a", "b", "c"), ("target",), years, counts, 10 * counts)
    inputs = nuts_years.pad_years(data, "blend").inputs
    scale, direction, stretch = nuts_years._root(
        np.array(share), np.array(omega), inputs["staying"][:, None], inputs["trend"][:, None], count
    )
    root = scale * (np.eye(count) + (stretch - 1) * direction @ direction.T)
    path = inputs["years"][:, 1:] @ root[1:, 1:]
    assert path @ path.T == pytest.approx(year_covariance(years).total(share, omega), abs=1e-8 * (1 + omega**2))
    assert root[0].tolist() == np.eye(count)[0].tolist()


def test_many_years_give_the_path_its_ends_and_its_steps():
    data, _ = many_years(20, overlap=0.5)
    padded = nuts_years.pad_years(data, "blend")
    out = nuts_years.unpack_years(_draws(_point(np.random.default_rng(1), padded.room)), padded, data, PRIORS, 1)
    path = out["path"].to_numpy()
    assert out["path"].dims == out["own_path"].dims == ("chain", "draw", "city", "group", "year")
    assert out["change"].to_numpy() == pytest.approx(path[..., -1] - path[..., 0])
    assert out["mean"].to_numpy() == pytest.approx((path[..., -1] + path[..., 0]) / 2)
    assert out["delta"].to_numpy() == pytest.approx(out["delta_step"].sum("step").to_numpy())
    assert out["own_path"].to_numpy().sum(axis=-1) == pytest.approx(0, abs=1e-12)


@pytest.mark.slow
def test_many_years_pass_the_gate_and_find_their_truth():
    data, eta = many_years()
    run = nuts.sample(data, ChangeSettings(), 1, form="blend", target_accept=0.95, draws=1000, cores=2)
    assert diagnose(run.draws, run.diverging).passed
    low, high = run.draws["path"].quantile([0.05, 0.95], ("chain", "draw")).to_numpy()
    assert 0.82 < np.mean((low < eta) & (eta < high)) < 0.97
    change = eta[..., -1] - eta[..., 0]
    low, high = run.draws["change"].quantile([0.05, 0.95], ("chain", "draw")).to_numpy()
    assert np.mean((low < change) & (change < high)) > 0.75
