"""Data sets with known truth for the tests of the change model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from integstat.change import ChangeData
from integstat.change.model import HALF, design, inverse_link, year_covariance
from integstat.simulate import Parameters, Truth, draw_truth

YEARS = (2018, 2019, 2021, 2022)


def parameters(**changes: object) -> Parameters:
    plain: dict[str, object] = {
        "level": np.array([-1.4, -2.2]),
        "shift": np.array([0.1, 0.05]),
        "sd_mean": np.array([0.35, 0.35]),
        "sd_change": np.array([0.2, 0.15]),
        "corr_mean": 0.5,
        "corr_change": 0.5,
        "sd_peer_level": 0.15,
        "sd_peer_change": 0.05,
        "sd_land_change": 0.05,
        "lasting_share": 0.4,
    }
    return Parameters(**(plain | changes))  # type: ignore[arg-type]


def ring(
    cities: int = 24,
    base: float = 5000.0,
    *,
    kind: str = "share",
    groups: int = 2,
    years: int = 2,
    seed: int = 1,
    truth_from: Parameters | None = None,
) -> tuple[ChangeData, Truth]:
    """Four peer groups, three Länder, bases that differ by city."""
    rng = np.random.default_rng(seed)
    chosen = truth_from or parameters()
    if groups == 1:
        chosen = parameters(
            level=chosen.level[:1], shift=chosen.shift[:1], sd_mean=chosen.sd_mean[:1], sd_change=chosen.sd_change[:1]
        )
    n = np.maximum(np.round(base * rng.lognormal(0, 0.5, (cities, groups, 1)) * rng.lognormal(0, 0.02, (cities, groups, 2))), 3)
    peers, land = np.arange(cities) % 4, np.arange(cities) % 3
    truth = draw_truth(chosen, n, "log" if kind == "rate" else "logit", rng, peers=peers, land=land)
    data = ChangeData(
        definition="E3.leavers",
        kind=kind,  # type: ignore[arg-type]
        cities=tuple(f"{91 + land[c]}{c + 1:03d}" for c in range(cities)),
        groups=("target", "reference")[:groups],
        years=(2020, 2021)[-years:],
        y=truth.y[:, :, -years:],
        n=truth.n[:, :, -years:],
        peers=peers,
        peer_names=("a", "b", "c", "d"),
        land=tuple(str(91 + one) for one in land),
    )
    return data, truth


def coarsened(data: ChangeData, every: int = 3, width: int = 2) -> ChangeData:
    """Every so many cells known only within `width` on either side, never below 0."""
    unsure = np.arange(data.y.size).reshape(data.y.shape) % every == 0
    top = data.n if data.link == "logit" else np.full(data.n.shape, np.inf)
    bounds = np.stack([np.maximum(data.y - width, 0), np.minimum(data.y + width, top)], axis=-1)
    return replace(data, y=np.where(unsure, 0.0, data.y), coarse=np.where(unsure[..., None], bounds, np.nan))


def extreme(data: ChangeData) -> ChangeData:
    """Cities in which nobody counts, and cities in which all do: in one year or in both, in one group or in both.

    Where most cities have a fifth, full counts are far out.
    """
    y = data.y.copy()
    y[0], y[1, 0], y[2, 0, 1], y[3, 1, 0] = 0.0, 0.0, 0.0, 0.0
    y[4, 0], y[5, 1, 1] = data.n[4, 0], data.n[5, 1, 1]
    return replace(data, y=y)


def all_or_none(cities: int = 24, base: float = 50.0) -> ChangeData:
    """One group; in every other city nobody counts, in the others all do, in both years: levels far apart, of unknown spread."""
    y = np.where(np.arange(cities) % 2 == 1, base, 0.0)[:, None, None] * np.ones((cities, 1, 2))
    names = tuple(f"Stadt {c}" for c in range(cities))
    return ChangeData("G9.all", "share", names, ("target",), (2020, 2021), y, np.full(y.shape, base))


def one_apart(data: ChangeData, by: float = 1.5) -> ChangeData:
    """The first city's target group has moved by so much more than its counts say, on the logit scale."""
    y = data.y.copy()
    odds = (y[0, 0, 1] + 0.5) / (data.n[0, 0, 1] - y[0, 0, 1] + 0.5) * np.exp(by)
    y[0, 0, 1] = np.round(data.n[0, 0, 1] * odds / (1 + odds))
    return replace(data, y=y)


def on_a_slope(data: ChangeData, width: float = 0.25) -> ChangeData:
    """Peers that are no groups: cities on a line, alike as far as they are near, with the middle of the line crowded."""
    place = np.random.default_rng(len(data.cities)).beta(2, 2, len(data.cities))
    return replace(data, kernel=np.exp(-0.5 * ((place[:, None] - place) / width) ** 2))


def path_ring(
    cities: int = 24, base: float = 2000.0, *, kind: str = "share", groups: int = 2, years: tuple[int, ...] = YEARS, seed: int = 1
) -> tuple[ChangeData, np.ndarray]:
    """Any number of years, with peers and Länder; the data and the true link values, shape (C, G, T)."""
    rng = np.random.default_rng([seed, len(years)])
    plain, _ = ring(cities, base, kind=kind, groups=groups, seed=seed)
    shape = (cities, groups, len(years))
    parts = design(replace(plain, years=years, y=np.zeros(shape), n=np.ones(shape)))
    between = np.array([[1.0, 0.5], [0.5, 1.0]])[:groups, :groups]
    sd = np.array([0.2, 0.15])[:groups]
    mean = np.array([-1.4, -2.2])[:groups] + 0.35 * rng.multivariate_normal(np.zeros(groups), between, cities)
    mean += parts.peers @ rng.normal(0, 0.15, (4, groups))
    over_years = year_covariance(years).total(0.4, 0.2) if len(years) > 2 else np.outer(HALF, HALF)[: len(years), : len(years)]
    changes = len(years) > 1
    own = rng.multivariate_normal(np.zeros(groups * len(years)), np.kron(between * np.outer(sd, sd), over_years), cities)
    path = changes * (own.reshape(shape) + (parts.steps @ rng.normal(0, 0.15, (len(years) - 1, groups))).T)
    path = path + (parts.land @ rng.normal(0, 0.1, (parts.land.shape[1], groups)))[:, :, None] * parts.half
    eta = mean[:, :, None] + path
    n = np.repeat(plain.n[:, :, :1], len(years), axis=2)
    p = inverse_link(eta, plain.link)
    y = rng.binomial(n.astype(int), p) if kind == "share" else rng.poisson(n * p)
    return replace(plain, years=years, y=y.astype(float), n=n), eta
