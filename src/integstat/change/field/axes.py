"""The common axes of a field's indicators, and the labelled result both of its engines give."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from integstat.change.data import ChangeData


@dataclass(frozen=True)
class Alignment:
    """The common axes of a field's indicators.

    Attributes
    ----------
    indicators, cities, groups : tuple of str
        Definitions; cities of any of them in the order of their appearance; groups of the indicator that has most.
    sign : ndarray, shape (I,)
        Polarity: +1 where more is better, -1 where less is.
    kept, place : tuple of ndarray of int
        For each indicator which of its cities take part, and their place among `cities`.
    present : ndarray of bool, shape (I, C, G)
        Whether the indicator has the city and the group.
    """

    indicators: tuple[str, ...]
    cities: tuple[str, ...]
    groups: tuple[str, ...]
    sign: np.ndarray
    kept: tuple[np.ndarray, ...]
    place: tuple[np.ndarray, ...]
    present: np.ndarray


def align(datas: Sequence[ChangeData], polarity: Sequence[int], left_out: Sequence[Collection[str]] | None = None) -> Alignment:
    """Align the indicators of a field by city label and place of the group.

    Parameters
    ----------
    datas : sequence of ChangeData
        Two years each.
    polarity : sequence of {-1, 1}
    left_out : sequence of collection of str, optional
        For each indicator cities that take no part in it.

    Raises
    ------
    ValueError
        If there is no indicator, one occurs twice, one has not two years, or a polarity is neither 1 nor -1.
    """
    names = tuple(data.definition for data in datas)
    if not names or len(polarity) != len(names) or len(set(names)) != len(names):
        raise ValueError("a field has at least one indicator, each once and with a polarity")
    if any(len(data.years) != 2 for data in datas) or any(one not in (-1, 1) for one in polarity):
        raise ValueError("two years and a polarity of 1 or -1 for every indicator of a field")
    without = [frozenset(cities) for cities in left_out or [()] * len(datas)]
    kept = tuple(
        np.array([c for c, city in enumerate(data.cities) if city not in out], dtype=int)
        for data, out in zip(datas, without, strict=True)
    )
    taking_part = [[data.cities[c] for c in rows] for data, rows in zip(datas, kept, strict=True)]
    cities = tuple(dict.fromkeys(city for names in taking_part for city in names))
    groups = max((data.groups for data in datas), key=len)
    index = {city: c for c, city in enumerate(cities)}
    place = tuple(np.array([index[city] for city in names], dtype=int) for names in taking_part)
    present = np.zeros((len(names), len(cities), len(groups)), dtype=bool)
    for i, data in enumerate(datas):
        present[i, place[i], : len(data.groups)] = True
    return Alignment(names, cities, groups, np.array(polarity, dtype=float), kept, place, present)


def labelled(axes: Alignment, rho: np.ndarray, own: np.ndarray, expected: np.ndarray, effect: np.ndarray) -> xr.Dataset:
    """Name the axes of a field's draws.

    Parameters
    ----------
    axes : Alignment
    rho : ndarray, shape (chains, draws)
    own, expected : ndarray, shape (chains, draws, I, C, G)
        The cities' own changes and what ring, peers and Land lead to expect; link scale, not turned by polarity.
    effect : ndarray, shape (chains, draws, C, G)
        f, turned: plus is better.

    Returns
    -------
    xarray.Dataset
        NaN where an indicator lacks a city or a group.
    """
    dims = ("chain", "draw", "indicator", "city", "group")
    own, expected = np.where(axes.present, own, np.nan), np.where(axes.present, expected, np.nan)
    coords = {"indicator": list(axes.indicators), "city": list(axes.cities), "group": list(axes.groups)}
    return xr.Dataset(
        {
            "rho": (dims[:2], rho),
            "change": (dims, expected + own),
            "own_change": (dims, own),
            "expected_change": (dims, expected),
            "field_effect": (("chain", "draw", "city", "group"), effect),
        },
        coords=coords | {"chain": np.arange(rho.shape[0]), "draw": np.arange(rho.shape[1])},
    )


def draw_effect(z: np.ndarray, rho: np.ndarray, present: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw f given z and rho.

    Parameters
    ----------
    z : ndarray, shape (S, I, C, G)
        Standardised own changes, turned.
    rho : ndarray, shape (S,)
    present : ndarray of bool, shape (I, C, G)
        Which z there are; the others are not read.

    Returns
    -------
    ndarray, shape (S, C, G)
        Where no indicator has the city and group: the prior.
    """
    loading, rest = np.sqrt(rho)[:, None, None], (1 - rho)[:, None, None]
    precision = 1 + present.sum(axis=0) * loading**2 / rest
    mean = loading / rest * np.where(present, z, 0.0).sum(axis=1) / precision
    return np.asarray(mean + rng.standard_normal(mean.shape) / np.sqrt(precision))
