"""Series with known components: as link values, and as counts in a panel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from integstat.history.series import Series
from integstat.panel import Panel

FIRST = 2011


def true_paths(
    rng: np.random.Generator, cities: int, years: int, sigma: float, tau: float, omega: float = 0.0, spread: float = 0.4
) -> np.ndarray:
    """Levels, shifts of all cities, transience, walk and trends on the link scale, shape (C, T)."""
    level = rng.normal(-1.5, spread, (cities, 1))
    shift = np.cumsum(rng.normal(0, 0.15, years))
    walk = np.cumsum(rng.normal(0, tau, (cities, years)), axis=1)
    trend = rng.normal(0, omega, (cities, 1)) * np.arange(years)
    return np.asarray(level + shift + rng.normal(0, sigma, (cities, years)) + walk + trend)


def observed(rng: np.random.Generator, path: np.ndarray, *, base: float = 3000.0, overlap: float = 0.0) -> Series:
    """The paths with a normal counting error whose part `overlap` is carried over from year to year."""
    cities, years = path.shape
    n = base * np.exp(rng.normal(0, 0.8, (cities, 1)))
    p = 1 / (1 + np.exp(-path))
    variance = 1 / (n * p * (1 - p))
    noise = rng.standard_normal(path.shape)
    for t in range(1, years):
        noise[:, t] = overlap * noise[:, t - 1] + np.sqrt(1 - overlap**2) * noise[:, t]
    return series(path + np.sqrt(variance) * noise, variance, stock=overlap > 0)


def series(value: np.ndarray, variance: np.ndarray, *, stock: bool = False) -> Series:
    """A series without gaps, a stretch per city."""
    cities, years = value.shape
    return Series(
        definition="E3.leavers",
        group="target",
        cities=tuple(f"{city:05d}" for city in range(cities)),
        years=tuple(range(FIRST, FIRST + years)),
        city=np.arange(cities),
        value=value,
        counting=variance,
        rounding=np.zeros_like(value),
        known=np.ones(value.shape, dtype=bool),
        stock=stock,
    )


def rows(
    y: np.ndarray, n: np.ndarray, definition: str, *, group: str = "target", first: int = FIRST, lands: Sequence[str] = ("03",)
) -> pd.DataFrame:
    """Rows of a panel's counts; NaN where no number was delivered. Cities take the Länder in turn."""
    cities, years = y.shape
    city, year = np.meshgrid(np.arange(cities), np.arange(years), indexing="ij")
    frame = pd.DataFrame({"city": [f"{lands[c % len(lands)]}{c:03d}" for c in city.ravel()], "year": first + year.ravel()})
    frame = frame.assign(indicator=definition.split(".")[0], definition=definition, group=group, note="", place="")
    for name, values in (("y", y), ("n", n)):
        frame[name] = np.broadcast_to(values, y.shape).ravel().astype(float)
        frame[f"{name}_code"] = np.where(frame[name].notna(), "value", "missing")
    return frame


def panel(*frames: pd.DataFrame) -> Panel:
    """Panel of such rows."""
    counts = pd.concat(frames, ignore_index=True)
    names = sorted(counts["city"].unique())
    lands = [name[:2] for name in names]
    return Panel(counts, pd.DataFrame({"city": names, "name": names, "land": lands, "land_name": lands}))
