"""Data sets with known truth for the tests of the change model."""

from __future__ import annotations

import numpy as np

from integstat.change import ChangeData
from integstat.simulate import Parameters, Truth, draw_truth


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
