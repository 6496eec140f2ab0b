"""The engine `laplace` against long runs of the sampler, on data sets that are easy, small, extreme and large.

Each test prints a table: root mean square difference over all estimands, hyperparameters and ring effects of a data set, with the
Monte-Carlo variance of both sides taken off, and the largest single one. Takes minutes: `make slow`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import arviz as az
import numpy as np
import pytest
import xarray as xr
from scipy.special import logit
from tests.change.rings import all_or_none, coarsened, extreme, on_a_slope, one_apart, path_ring, ring

from integstat.change import ChangeData, ChangeSettings, fit
from integstat.change.laplace import posterior as laplace
from integstat.errors import ConvergenceError
from integstat.findings.estimands import Estimands, estimands

pytestmark = pytest.mark.slow

SEEDS, DRAWS = 5, 6000  # of laplace: the spread between seeds is its Monte-Carlo error
ESS_CITY, ESS_SCALE = 4000, 1000  # of the sampler
STEP, STEP_LEVEL = np.log(1.1), np.log(1.2)
RING = ("alpha", "delta", "peer_level", "peer_change", "land_change", "delta_step")
SCALES = (
    "sd_mean",
    "sd_change",
    "corr_mean",
    "corr_change",
    "sd_peer_level",
    "sd_peer_change",
    "sd_land_change",
    "lasting_share",
    "trend_sd",
)
LIMITS = {"mean": (0.03, 0.1), "q05": (0.05, 0.15), "q95": (0.05, 0.15), "log sd": (0.02, np.log(1.05)), "event": (0.01, 0.02)}


# what a case is made of, and how many draws per chain the sampler needs for the effective sizes
CASES: dict[str, tuple[Callable[[], ChangeData], int]] = {
    "large counts": (lambda: ring(24, 9000, seed=101)[0], 2500),
    "small counts": (lambda: ring(24, 60, seed=102)[0], 2500),
    "zero and full counts": (lambda: extreme(ring(24, 60, seed=103)[0]), 4500),
    "eight cities": (lambda: ring(8, 1000, seed=104)[0], 4000),
    "eighty cities": (lambda: ring(80, 400, seed=105)[0], 2500),
    "one city far off": (lambda: one_apart(ring(24, 2000, seed=106)[0]), 2500),
    "coarse counts": (lambda: coarsened(ring(24, 60, seed=107)[0]), 2500),
    "a rate": (lambda: ring(24, 300, kind="rate", seed=108)[0], 2500),
    "overlap of a half": (lambda: replace(ring(24, 300, seed=109)[0], overlap=0.5), 2500),
    "peers on a slope": (lambda: on_a_slope(ring(24, 300, seed=110)[0]), 2500),
    "four years": (lambda: path_ring(24, 300, seed=111)[0], 2500),
}


@dataclass(frozen=True)
class _Side:
    """What one engine says of every quantity, and the Monte-Carlo variance of that; arrays by statistic, shape (K,)."""

    names: np.ndarray
    value: dict[str, np.ndarray]
    variance: dict[str, np.ndarray]


@cache
def _long(case: str) -> tuple[ChangeData, xr.DataTree]:
    """A case and a long run of the sampler; the gate takes its looser form if the first one diverges."""
    make, draws = CASES[case]
    data = make()
    return data, fit(data, ChangeSettings(engine="nuts", draws=draws, target_accept=0.9), 7)


def _quantities(tree: xr.DataTree) -> dict[str, np.ndarray]:
    """All estimands of the cities, hyperparameters and ring effects on the link scale, each of shape (chain, draw, K)."""
    found: Estimands = estimands(tree, 1, 100.0)
    posterior = tree["posterior"].to_dataset()
    shape = posterior.sizes["chain"], posterior.sizes["draw"], -1
    link = np.log if found.link == "log" else logit
    out = {
        "level first": link(found.level_first / found.unit),
        "level last": link(found.level_last / found.unit),
        "change": found.change,
        "relative": found.relative,
        "lasting": found.lasting,
        "standing": found.standing,
        "gap": found.gap,
    }
    out = {name: values.reshape(shape) for name, values in out.items() if values is not None}
    for name in (*RING, *SCALES):  # with two years the lasting share is its prior, whatever the engine
        if name in posterior and (name != "lasting_share" or "trend_sd" in posterior):
            out[name] = posterior[name].to_numpy().reshape(shape)
    # values without an effective size: what is not estimable
    return {name: values[..., np.isfinite(values).all(axis=(0, 1))] for name, values in out.items()}


def _events(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What findings ask for, as zeros and ones."""
    out = {"lasting > 0": found["lasting"] > 0, "change > rho": found["change"] > STEP}
    for name, step in (("relative", STEP), ("standing", STEP_LEVEL), ("gap", STEP)):
        if name in found:
            out |= {f"{name} > rho": found[name] > step, f"{name} < -rho": found[name] < -step}
    return {name: values.astype(float) for name, values in out.items()}


def _flat(found: dict[str, np.ndarray]) -> tuple[np.ndarray, xr.Dataset]:
    names = np.concatenate([np.full(values.shape[2], name) for name, values in found.items()])
    return names, xr.Dataset({"x": (("chain", "draw", "k"), np.concatenate(list(found.values()), axis=2))})


def _statistics(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    values = _flat(found)[1]["x"].to_numpy()
    low, high = np.quantile(values, [0.05, 0.95], axis=(0, 1))
    event = _flat(_events(found))[1]["x"].to_numpy().mean(axis=(0, 1))
    return {"mean": values.mean(axis=(0, 1)), "q05": low, "q95": high, "log sd": np.log(values.std(axis=(0, 1))), "event": event}


def _of_sampler(found: dict[str, np.ndarray]) -> _Side:
    names, draws = _flat(found)
    sd = draws["x"].std(("chain", "draw")).to_numpy()

    def error(**method: object) -> np.ndarray:
        return az.mcse(draws, **method)["x"].to_numpy()

    events = _flat(_events(found))[1]["x"].to_numpy()
    share = events.mean(axis=(0, 1))
    certain = share * (1 - share) < 1e-12
    size = az.ess(xr.Dataset({"x": (("chain", "draw", "k"), events[..., ~certain])}), method="mean")["x"].to_numpy()
    variance = np.full(len(share), 0.25 / events[..., 0].size ** 2)
    variance[~certain] = (share * (1 - share))[~certain] / size
    return _Side(
        names,
        _statistics(found),
        {
            "mean": error(method="mean") ** 2,
            "q05": error(method="quantile", prob=0.05) ** 2,
            "q95": error(method="quantile", prob=0.95) ** 2,
            "log sd": (error(method="sd") / sd) ** 2,
            "event": variance,
        },
    )


def _trusted(data: ChangeData) -> tuple[list[xr.DataTree], int]:
    """As many fits as asked for whose diagnostics do not refuse them, and how many they refused."""
    trees: list[xr.DataTree] = []
    refused = 0
    while len(trees) < SEEDS and refused < SEEDS:
        try:
            trees.append(fit(data, ChangeSettings(engine="laplace", draws=DRAWS), 1000 + len(trees) + refused))
        except ConvergenceError:
            refused += 1
    return trees, refused


def _of_seeds(trees: list[xr.DataTree]) -> _Side:
    """Mean over independent fits; its variance from the spread between them, shared by all cities of a quantity."""
    found = [_quantities(tree) for tree in trees]
    names, event_names = _flat(found[0])[0], _flat(_events(found[0]))[0]
    each = [_statistics(one) for one in found]
    value = {of: np.mean([one[of] for one in each], axis=0) for of in each[0]}
    sd = np.exp(value["log sd"])
    variance = {}
    for of in value:
        own = np.var([one[of] for one in each], axis=0, ddof=1) / len(trees)
        unit, labels = (sd**2, names) if of in ("mean", "q05", "q95") else (np.ones(len(own)), names)
        if of == "event":
            unit, labels = value[of] * (1 - value[of]) + 1e-4, event_names
        pooled = np.empty_like(own)
        for name in np.unique(labels):
            inside = labels == name
            pooled[inside] = (own / unit)[inside].mean() * unit[inside]
        variance[of] = pooled
    return _Side(names, value, variance)


def _compare(one: _Side, other: _Side) -> dict[str, tuple[float, np.ndarray, np.ndarray]]:
    """For each statistic: rms of the true difference, single differences and their standard errors, in posterior SDs."""
    sd = np.exp(other.value["log sd"])
    out = {}
    for of in LIMITS:
        unit = sd if of in ("mean", "q05", "q95") else 1.0
        gap = (one.value[of] - other.value[of]) / unit
        error = np.sqrt(one.variance[of] + other.variance[of]) / unit
        out[of] = float(np.sqrt(max(np.mean(gap**2) - np.mean(error**2), 0.0))), gap, error
    return out


def _table(case: str, tree: xr.DataTree, found: dict[str, tuple[float, np.ndarray, np.ndarray]], label: str) -> str:
    head = f"\n{case}: {label}, Pareto k {tree.attrs['pareto_k']:.2f}, effective {tree.attrs['effective']:.0f}"
    lines = [head, f"{'':>8}{'rms':>9}{'raw rms':>9}{'largest':>9}{'its MC error':>14}{'limits':>16}"]
    for of, (rms, gap, error) in found.items():
        worst = int(np.argmax(np.abs(gap)))
        limits = " / ".join(f"{limit:.2f}" for limit in LIMITS[of])
        raw = np.sqrt(np.mean(gap**2))
        lines.append(f"{of:>8}{rms:9.4f}{raw:9.4f}{gap[worst]:9.3f}{error[worst]:14.3f}{limits:>16}")
    return "\n".join(lines)


@pytest.mark.parametrize("case", CASES)
def test_laplace_is_the_sampler_up_to_a_few_hundredths_of_a_posterior_sd(case, capsys):
    data, long = _long(case)
    found = _quantities(long)
    ess = {name: float(az.ess(xr.Dataset({"x": (("chain", "draw", "k"), x)}))["x"].min()) for name, x in found.items()}
    trees, refused = _trusted(data)
    assert refused < SEEDS / 2
    result = _compare(_of_seeds(trees), _of_sampler(found))
    label = f"sampler's form {long.attrs['form']}, smallest effective size {min(ess.values()):.0f}, refused {refused}"
    with capsys.disabled():
        print(_table(case, trees[0], result, label))
    assert min(size for name, size in ess.items() if name not in (*RING, *SCALES)) > ESS_CITY, ess
    assert min(size for name, size in ess.items() if name in SCALES) >= ESS_SCALE, ess
    for of, (rms, gap, error) in result.items():
        together, single = LIMITS[of]
        assert rms <= together, of
        assert (np.abs(gap) <= single + 3 * error).all(), of


def _uncorrected(*arguments: Any) -> None:
    """`draw` without its correction: of each city the first candidate, which is one of the Gaussian, and no weights."""
    before, choose, (log_weights, *after) = arguments[:8], arguments[8], arguments[9:]
    _DRAW(*before, np.zeros_like(choose), log_weights, *after)
    log_weights[:] = 0.0


_DRAW = laplace.draw


def test_the_correction_of_each_city_takes_the_bias_out_of_the_level(monkeypatch, capsys):
    """Average over all cities and groups of the shift of `mean` against the sampler, in posterior SDs, at a base of 60."""
    data, long = _long("small counts")
    reference = long["posterior"]["mean"]
    centre, sd = reference.mean(("chain", "draw")).to_numpy(), reference.std(("chain", "draw")).to_numpy()

    def shift(mean: xr.DataArray) -> xr.DataArray:
        return ((mean - centre) / sd).mean(("city", "group"))

    of_sampler = float(az.mcse(xr.Dataset({"x": shift(reference)}), method="mean")["x"])

    def bias() -> tuple[float, float]:
        settings = ChangeSettings(engine="laplace", draws=DRAWS)
        each = [float(shift(laplace.sample(data, settings, seed).draws["mean"]).mean()) for seed in range(SEEDS)]
        return float(np.mean(each)), float(np.hypot(np.std(each, ddof=1) / np.sqrt(SEEDS), of_sampler))

    corrected, error = bias()
    monkeypatch.setattr(laplace, "draw", _uncorrected)
    plain, plain_error = bias()
    with capsys.disabled():
        print(f"\nbias of the level in posterior SDs: {plain:.4f} (MC error {plain_error:.4f}) without the correction,")
        print(f"{corrected:.4f} ({error:.4f}) with it")
    assert abs(plain) > 3 * plain_error
    assert abs(corrected) < abs(plain) / 3
    assert abs(corrected) < 3 * error


def test_where_the_approximation_fails_its_diagnostic_says_so_and_the_sampler_takes_over(capsys):
    """Not forced: half of the cities have no case and half have nothing else, so the levels' SD has a long tail."""
    data = all_or_none()
    drawn = laplace.sample(data, ChangeSettings(draws=DRAWS), 1)
    k = max(drawn.k_hyper, drawn.k_draws)
    assert k > laplace.K_LIMIT
    tree = fit(data, ChangeSettings(draws=4000), 1)
    assert tree.attrs["engine"] == "nuts"
    assert "Pareto-k" in tree.attrs["fallback"]
    ours, theirs = (one["sd_mean"].to_numpy() for one in (drawn.draws, tree["posterior"]))
    gap = (ours.mean() - theirs.mean()) / theirs.std()
    with capsys.disabled():
        print(f"\nall or none: Pareto k {k:.2f}, effective {drawn.effective:.0f}; {tree.attrs['fallback']}; ")
        print(f"SD of the levels off by {gap:.2f} posterior SDs, SDs {ours.std():.3f} and {theirs.std():.3f}")
    with pytest.raises(ConvergenceError, match="Pareto-k"):
        fit(data, ChangeSettings(engine="laplace"), 1)
