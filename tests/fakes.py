"""Posteriors made by hand, in the shape `integstat.change.fit` returns, for tests that need no sampler."""

from __future__ import annotations

import numpy as np
import xarray as xr


def fake_posterior(
    definition: str,
    cities: list[str],
    *,
    groups: tuple[str, ...] = ("target", "reference"),
    years: tuple[int, ...] = (2020, 2021),
    link: str = "logit",
    kind: str = "share",
    peers: list[int] | None = None,
    mean: float = -1.5,
    sd_mean: float = 0.35,
    sd_change: float = 0.2,
    noise: float = 0.05,
    shift: float = 0.0,
    base: float = 5000.0,
    draws: int = 500,
    seed: int = 0,
) -> xr.DataTree:
    """City effects around true values, with independent noise of SD `noise`; two chains."""
    rng = np.random.default_rng(seed)
    shape = (2, draws, len(cities), len(groups))
    dims = ("chain", "draw", "city", "group")
    coords = {"city": cities, "group": list(groups)}
    level = mean + sd_mean * rng.standard_normal((len(cities), len(groups)))
    posterior = {"mean": (dims, level + noise * rng.standard_normal(shape))}
    step = np.zeros((len(cities), len(groups)))
    if len(years) == 2:
        step = shift + sd_change * rng.standard_normal((len(cities), len(groups)))
        change = step + noise * rng.standard_normal(shape)
        share = rng.beta(2, 3, shape[:2])
        posterior |= {
            "change": (dims, change),
            "lasting_share": (("chain", "draw"), share),
            "lasting_change": (dims, share[:, :, None, None] * (change - shift)),
            "expected_change": (dims, np.full(shape, shift)),
        }
        posterior |= _ring_level(shape, {"alpha": mean, "sd_mean": sd_mean, "sd_change": sd_change})
    half = np.array([-0.5, 0.5]) if len(years) == 2 else np.zeros(1)
    eta = level[:, :, None] + step[:, :, None] * half
    p = 1 / (1 + np.exp(-eta)) if link == "logit" else np.exp(eta)
    n = np.full(p.shape, base)
    observed = xr.Dataset(
        {"y": (("city", "group", "year"), np.round(n * p)), "n": (("city", "group", "year"), n)},
        coords=coords | {"year": list(years)},
    )
    constant = xr.Dataset(
        {"peer": (("city",), np.array(peers if peers is not None else [-1] * len(cities)))}, coords={"city": cities}
    )
    tree = xr.DataTree.from_dict(
        {"posterior": xr.Dataset(posterior, coords=coords), "observed_data": observed, "constant_data": constant}
    )
    tree.attrs = {
        "definition": definition,
        "kind": kind,
        "link": link,
        "engine": "nuts",
        "fallback": "",
        "form": "blend",
        "attempts": 1,
        "lasting_source": "default",
        "shift_source": "default",
        "rhat": 1.002,
        "ess_bulk": 1800.0,
        "ess_tail": 1500.0,
        "divergences": 0.0,
        "pareto_k": float("nan"),
        "effective": float("nan"),
    }
    return tree


def _ring_level(shape: tuple[int, ...], values: dict[str, float]) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Ring-level parameters without any doubt; groups uncorrelated."""
    chains, draws, _, groups = shape
    out = {name: (("chain", "draw", "group"), np.full((chains, draws, groups), value)) for name, value in values.items()}
    zeros = (("chain", "draw"), np.zeros((chains, draws)))
    return out | ({"corr_mean": zeros, "corr_change": zeros} if groups == 2 else {})
