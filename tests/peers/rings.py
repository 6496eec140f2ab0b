"""Small rings with a known structure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from integstat.panel import Context
from integstat.peers.settings import FeatureSettings, PeerSettings


def ring(values: np.ndarray, year: int = 2020) -> Context:
    """Context of cities 91001 … with features f0, f1 …"""
    cities = [f"{91001 + i}" for i in range(len(values))]
    return Context(pd.DataFrame(values, index=cities, columns=[f"f{j}" for j in range(values.shape[1])]), year)


def settings(features: int = 4, **changes: object) -> PeerSettings:
    """Settings with plain features f0 … and few resamples."""
    plain = tuple(FeatureSettings(id=f"f{j}", name_de=f"Merkmal {j}") for j in range(features))
    return PeerSettings(**({"feature": plain, "resamples": 15, "k_min": 3, "k_max": 6, "clouds": 19} | changes))


def islands(groups: int, each: int, seed: int = 0, features: int = 4, noise: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Points around far corners, and the true group of each; members of a group do not stand together."""
    rng = np.random.default_rng(seed)
    corners = 6.0 * np.column_stack([rng.permutation(groups) for _ in range(features)])
    truth = np.arange(groups * each) % groups
    return corners[truth] + noise * rng.normal(size=(groups * each, features)), truth


def same_partition(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two labellings put the same cities together."""
    return bool(((first[:, None] == first) == (second[:, None] == second)).all())


def overlapping(separation: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """67 points of 2 to 6 groups of unequal size whose means have this SD in each of 8 features, 1 within; the true groups."""
    count = int(rng.integers(2, 7))
    sure = np.repeat(np.arange(count), 4)
    more = rng.choice(count, 67 - len(sure), p=rng.dirichlet(np.full(count, 3.0)))
    truth = rng.permutation(np.r_[sure, more])
    return (separation * rng.normal(size=(count, 8)))[truth] + rng.normal(size=(67, 8)), truth
