"""Cities that deliver another definition, on the scale of the main one: levels, never changes."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from integstat.findings.bridge.offset import MIN_BOTH, Offset, draw_offset
from integstat.findings.bridge.seen import Counting, differences

_DIMS = ("chain", "draw", "city", "group")
_INTERVAL = (0.05, 0.95)
_ASK_MAIN = "bitte die Hauptdefinition erheben, sonst bleibt der Stand dieser Städte ohne Vergleich"
_ASK_BOTH = "bitte in mehr Städten beide Definitionen erheben, sonst bleibt der Stand der übrigen ohne Vergleich"


@dataclass(frozen=True)
class Bridge:
    """What is known of the way from one definition to the main one, for one group: link scale, 90 % intervals.

    Attributes
    ----------
    group : str
    definition_from, definition_to : str
        The other definition and the main one.
    cities_both : tuple of str
        Cities it was learnt from.
    cities : tuple of str
        Cities whose level comes over this bridge.
    reason : str
        Why there is no bridge, in German; else empty.
    offset_mean, offset_lower, offset_upper : float
        Level in the other definition minus level in the main one, averaged over cities; NaN without a bridge.
    deviation_sd_mean, deviation_sd_lower, deviation_sd_upper : float
        SD of that difference between cities; NaN without a bridge.
    """

    group: str
    definition_from: str
    definition_to: str
    cities_both: tuple[str, ...]
    cities: tuple[str, ...] = ()
    reason: str = ""
    offset_mean: float = float("nan")
    offset_lower: float = float("nan")
    offset_upper: float = float("nan")
    deviation_sd_mean: float = float("nan")
    deviation_sd_lower: float = float("nan")
    deviation_sd_upper: float = float("nan")


@dataclass(frozen=True)
class Bridged:
    """Cities whose level in the main definition comes from another one.

    Attributes
    ----------
    cities : tuple of str
        In alphabetical order; length C'.
    source : tuple of str
        The definition each of them delivered.
    draws : dict of str to ndarray, shape (S, C', G)
        `mean` on the link scale of the main definition, as many draws as it has; with two years `change` and whatever else
        the posteriors have by city and group, as in the other definition. NaN where a group has no bridge.
    base : ndarray, shape (C', G)
        Base of the last year in the other definition; 0 where a group has no bridge.
    peer : ndarray of int, shape (C',)
        Peer group the other definition was fitted with.
    bridges : tuple of Bridge
        For each other definition that a city would need, one per group.
    """

    cities: tuple[str, ...]
    source: tuple[str, ...]
    draws: dict[str, np.ndarray]
    base: np.ndarray
    peer: np.ndarray
    bridges: tuple[Bridge, ...]

    @property
    def last(self) -> np.ndarray:
        """Draws of the last year's level in the main definition, shape (S, C', G)."""
        return self.draws["mean"] + 0.5 * self.draws.get("change", 0.0)

    @property
    def first(self) -> np.ndarray:
        """The first year's; a prior guess where the other definition has no count of that year."""
        return self.draws["mean"] - 0.5 * self.draws.get("change", 0.0)

    def of(self, cities: Sequence[str]) -> Bridged:
        """Only these of the cities, in this order."""
        at = [self.cities.index(city) for city in cities]
        return Bridged(
            cities=tuple(cities),
            source=tuple(self.source[i] for i in at),
            draws={name: values[:, at] for name, values in self.draws.items()},
            base=self.base[at],
            peer=self.peer[at],
            bridges=self.bridges,
        )

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why cities could not be bridged, in German, each once."""
        return tuple(dict.fromkeys(one.reason for one in self.bridges if one.reason))


def bridge(
    main: xr.DataTree,
    others: Mapping[str, xr.DataTree],
    seed: int,
    *,
    counting: Mapping[str, Counting] | None = None,
    refused: Mapping[str, str] | None = None,
    left_out: Mapping[str, Collection[str]] | None = None,
) -> Bridged:
    """Bring cities that deliver only another definition to the scale of the main one.

    Parameters
    ----------
    main : DataTree
        Posterior of the main definition, as `integstat.change.fit` returns it.
    others : mapping of str to DataTree
        Posteriors of other definitions of the indicator, of the same years.
    seed : int
    counting : mapping of str to Counting, optional
        By definition; one not named has independent years and full evidence.
    refused : mapping of str to str, optional
        Definitions that must not be bridged: why, in German; empty where nothing speaks against it.
    left_out : mapping of str to collection of str, optional
        By definition: cities whose figures in it are not to be trusted. They neither teach a bridge nor pass over it.

    Returns
    -------
    Bridged
        Cities with a usable count of the target group in the last year in another definition and none in the main one. Where
        several definitions would do, the one that leaves the level of the target group with the smallest SD.

    Notes
    -----
    Level in the main definition = level in the other − offset − deviation of the city, on the link scale. The deviation is
    the same in both years, and independent between cities and groups. A logit and a log have no constant difference: share
    and rate are not bridged. It is assumed that cities which deliver one definition deviate like those which deliver both. The
    level is not drawn towards the ring of the main definition, which would need the joint distribution of both.
    """
    doubtful = {name: frozenset(cities) for name, cities in (left_out or {}).items()}
    ways = [_way(main, others[one], one, seed, counting or {}, (refused or {}).get(one, ""), doubtful) for one in sorted(others)]
    best: dict[str, tuple[float, int]] = {}
    for w, way in enumerate(ways):
        for city, sd in zip(way.cities, way.last[:, :, 0].std(axis=0), strict=True):
            best[city] = min(best.get(city, (np.inf, w)), (float(sd), w))
    parts = [way.of([city for city in way.cities if best[city][1] == w]) for w, way in enumerate(ways)]
    return _joined(parts, main)


def _way(
    main: xr.DataTree,
    other: xr.DataTree,
    name: str,
    seed: int,
    counting: Mapping[str, Counting],
    refused: str,
    doubtful: Mapping[str, frozenset[str]],
) -> Bridged:
    """Bridge one other definition, for every city that lacks the main one."""
    groups = _groups(main)
    not_here = doubtful.get(name, frozenset())
    cities, base = _lacking(main, other, groups, not_here)
    not_either = not_here | doubtful.get(str(main.attrs["definition"]), frozenset())
    shift = np.full((_count(main), len(cities), len(groups)), np.nan)
    bridges = []
    for g in np.flatnonzero((base > 0).any(axis=0)):
        record, offset = _learnt(main, other, name, groups[g], seed, counting, refused, not_either)
        bridges.append(record)
        if offset is not None:
            for i in np.flatnonzero(base[:, g] > 0):
                deviation = offset.deviation_sd * _rng(seed, name, groups[g], cities[i]).standard_normal(len(shift))
                shift[:, i, g] = offset.offset + deviation
    known = np.isfinite(shift)
    draws = {one: np.where(known, _drawn(other, one, cities, groups, len(shift)), np.nan) for one in _variables(main, other)}
    draws["mean"] = draws["mean"] - shift
    peer = other["constant_data"]["peer"].sel(city=list(cities)).to_numpy()
    way = Bridged(cities, (name,) * len(cities), draws, np.where(known[0], base, 0.0), peer, tuple(bridges))
    return way.of([city for city, sure in zip(cities, known[0, :, 0], strict=True) if sure])


def _lacking(
    main: xr.DataTree, other: xr.DataTree, groups: list[str], doubtful: frozenset[str]
) -> tuple[tuple[str, ...], np.ndarray]:
    """Cities whose target group has a count in the last year in the other definition only; bases, 0 where that is not so."""
    there = other["observed_data"]["n"].isel(year=-1).reindex(group=groups, fill_value=0.0).sortby("city")
    here = main["observed_data"]["n"].isel(year=-1).reindex(city=there["city"], fill_value=0.0)
    base = there.where(here == 0, 0.0).transpose("city", "group").to_numpy()
    wanted = (base[:, 0] > 0) & [str(city) not in doubtful for city in there["city"].to_numpy()]
    return tuple(str(city) for city in there["city"].to_numpy()[wanted]), base[wanted]


def _learnt(
    main: xr.DataTree,
    other: xr.DataTree,
    name: str,
    group: str,
    seed: int,
    counting: Mapping[str, Counting],
    refused: str,
    doubtful: frozenset[str],
) -> tuple[Bridge, Offset | None]:
    """Offset and deviations of one group, or why there are none."""
    to = str(main.attrs["definition"])
    if not refused and main.attrs["link"] != other.attrs["link"]:
        refused = "ein Anteil und eine Rate haben keinen festen Abstand"
    if refused:
        return Bridge(group, name, to, (), reason=f"{name}: keine Umrechnung nach {to}, denn {refused}; {_ASK_MAIN}"), None
    seen = differences(main, other, group, counting.get(to, Counting()), counting.get(name, Counting()), doubtful)
    if len(seen.cities) < MIN_BOTH:
        return Bridge(group, name, to, seen.cities, reason=_too_few(len(seen.cities), name, to)), None
    offset = draw_offset(seen, _count(main), _rng(seed, name, group))
    offsets, sds = (
        (float(values.mean()), *np.quantile(values, _INTERVAL).tolist()) for values in (offset.offset, offset.deviation_sd)
    )
    return Bridge(group, name, to, seen.cities, (), "", *offsets, *sds), offset


def _too_few(count: int, name: str, to: str) -> str:
    who = "keine Stadt liefert" if count == 0 else "nur eine Stadt liefert" if count == 1 else f"nur {count} Städte liefern"
    return f"{name}: {who} auch {to}, für eine Umrechnung braucht es mindestens {MIN_BOTH} mit beiden; {_ASK_BOTH}"


def _joined(parts: list[Bridged], main: xr.DataTree) -> Bridged:
    """Bridges of several definitions, their cities in alphabetical order."""
    groups = _groups(main)
    order = np.argsort([city for part in parts for city in part.cities], kind="stable").astype(int)
    names = set.intersection(*(set(part.draws) for part in parts)) if parts else {"mean"}
    none = np.zeros((_count(main), 0, len(groups)))
    return Bridged(
        cities=tuple(sorted(city for part in parts for city in part.cities)),
        source=tuple(np.array([one for part in parts for one in part.source], dtype=object)[order]),
        draws={name: np.concatenate([none, *(part.draws[name] for part in parts)], axis=1)[:, order] for name in sorted(names)},
        base=np.concatenate([np.zeros((0, len(groups))), *(part.base for part in parts)])[order],
        peer=np.concatenate([np.zeros(0, dtype=int), *(part.peer for part in parts)])[order],
        bridges=tuple(replace(one, cities=_over(part, groups.index(one.group))) for part in parts for one in part.bridges),
    )


def _over(part: Bridged, group: int) -> tuple[str, ...]:
    """Cities whose level of this group is bridged."""
    return tuple(city for city, base in zip(part.cities, part.base[:, group], strict=True) if base > 0)


def _groups(tree: xr.DataTree) -> list[str]:
    return [str(group) for group in tree["posterior"]["group"].to_numpy()]


def _count(tree: xr.DataTree) -> int:
    """Number of draws."""
    return int(tree["posterior"].sizes["chain"] * tree["posterior"].sizes["draw"])


def _variables(main: xr.DataTree, other: xr.DataTree) -> list[str]:
    """Variables by city and group that both posteriors have."""
    both = set(main["posterior"].data_vars) & set(other["posterior"].data_vars)
    return sorted(str(name) for name in both if all(set(one["posterior"][name].dims) == set(_DIMS) for one in (main, other)))


def _drawn(tree: xr.DataTree, name: str, cities: Sequence[str], groups: list[str], count: int) -> np.ndarray:
    """That many draws of a variable, spread evenly over those there are, shape (count, C', G); NaN for a group it lacks."""
    values = tree["posterior"][name].sel(city=list(cities)).reindex(group=groups).transpose(*_DIMS).to_numpy()
    values = values.reshape(values.shape[0] * values.shape[1], *values.shape[2:])
    return np.asarray(values[np.arange(count) * len(values) // count])


def _rng(seed: int, *names: str) -> np.random.Generator:
    """A stream of its own for each name, whatever else is drawn."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])
