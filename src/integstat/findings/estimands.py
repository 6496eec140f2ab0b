"""Every estimand of a city, per posterior draw, turned so that plus is better."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import xarray as xr

from integstat.change.model import inverse_link
from integstat.findings.baseline import Baseline
from integstat.findings.others import MIN_IN_LAND, beyond_context, median_of_others, that_count


@dataclass(frozen=True)
class Estimands:
    """Draws of the estimands of one indicator in one definition.

    Arrays have the shape (S, C): draws by cities. Link-scale arrays decide; arrays in points are for display. Everything
    but the levels is turned by polarity: plus is better for the target group. NaN columns mark what is not estimable.

    Attributes
    ----------
    cities : tuple of str
    link : str
    unit : float
        Points per 1: 100 for per cent, 1000 for per mille.
    level_first, level_last : ndarray
        Propensity of the target group, in points; `level_first` is None for a single year.
    change, relative, lasting : ndarray or None
        Link scale: last year minus first; the same beyond the median of the other cities; the part that is expected to
        stay, beyond the median of the other cities (None where the posterior has none).
    against_peers, against_land : ndarray or None
        Link scale: change beyond the mean change of the city's peers; beyond the median of the other cities of its Land.
    standing : ndarray
        Link scale: level of the last year against the mean level of the city's peers.
    context : ndarray or None
        Link scale: level of the last year against what the covariates of the city's context lead to expect from the other
        cities.
    gap : ndarray or None
        Link scale: change of the gap between target and reference group.
    change_points, relative_points, against_peers_points, against_land_points : ndarray or None
        The changes in points.
    lasting_points, standing_points, context_points : ndarray or None
        The others in points.
    gap_points, gap_ratio : ndarray or None
        Change of the gap in points and as ratio of propensities.
    target_points, reference_points : ndarray or None
        Change of the two groups in points, turned: their difference is `gap_points`.
    reference_first, reference_last : ndarray or None
        Propensity of the reference group, in points.
    """

    cities: tuple[str, ...]
    link: str
    unit: float
    level_last: np.ndarray
    level_first: np.ndarray | None
    change: np.ndarray | None
    relative: np.ndarray | None
    against_peers: np.ndarray | None
    against_land: np.ndarray | None
    lasting: np.ndarray | None
    standing: np.ndarray
    context: np.ndarray | None
    gap: np.ndarray | None
    change_points: np.ndarray | None
    relative_points: np.ndarray | None
    against_peers_points: np.ndarray | None
    against_land_points: np.ndarray | None
    lasting_points: np.ndarray | None
    standing_points: np.ndarray | None
    context_points: np.ndarray | None
    gap_points: np.ndarray | None
    gap_ratio: np.ndarray | None
    target_points: np.ndarray | None
    reference_points: np.ndarray | None
    reference_first: np.ndarray | None
    reference_last: np.ndarray | None


def estimands(
    tree: xr.DataTree,
    polarity: int,
    unit: float,
    *,
    pool: np.ndarray | None = None,
    yardstick: np.ndarray | None = None,
    baseline: Baseline | None = None,
    land: np.ndarray | None = None,
    covariates: np.ndarray | None = None,
    display: bool = True,
) -> Estimands:
    """Compute all estimands from a posterior.

    Parameters
    ----------
    tree : xarray.DataTree
        As `integstat.change.fit` returns it.
    polarity : {1, -1, 0}
        0 is treated as plus: numbers are shown, a finding is not allowed anyway.
    unit : float
        Points per 1.
    pool : ndarray, shape (C,), optional
        Label of each city's pool of comparison for the relative change: its Land where a definition is comparable only
        within one. None: the whole ring.
    yardstick : ndarray of bool, shape (C,), optional
        Cities whose level and change others are compared with; what a break or a jump of the base has made is no yardstick.
        None: all.
    baseline : Baseline, optional
        Every city's peers. None: the groups the posterior was fitted with, if there were any.
    land : ndarray, shape (C,), optional
        Land of each city. None: no change against the Land.
    covariates : ndarray, shape (C, P), optional
        Context named beforehand; NaN where a city lacks a figure. None: no standing against context.
    display : bool
        Whether to compute what is only shown: everything in points but the last level, and the other scales of the gap.

    Notes
    -----
    Cities without a usable count in the first or the last year count neither for the others nor get a change of their own;
    between the two a year may be missing. A count known within bounds is usable.
    Everything describes the situation of a city within this ring, not what a city did.
    """
    posterior = tree["posterior"].to_dataset()
    usable = tree["observed_data"]["n"].to_numpy() > 0
    peer = tree["constant_data"]["peer"].to_numpy()
    link = str(tree.attrs["link"])
    sign = -1.0 if polarity < 0 else 1.0
    labels = np.zeros(len(peer), dtype=int) if pool is None else np.unique(pool, return_inverse=True)[1]
    sound = np.ones(len(peer), dtype=bool) if yardstick is None else yardstick
    mean = flat(posterior["mean"])
    cities = tuple(str(city) for city in posterior["city"].to_numpy())
    two_groups = mean.shape[2] == 2
    change = flat(posterior["change"]) if "change" in posterior else None

    def at(group: int, side: float) -> np.ndarray:
        return mean[:, :, group] + (side * change[:, :, group] if change is not None else 0.0)

    last = at(0, 0.5)
    here_last = usable[:, 0, -1]
    p_last = inverse_link(last, link)
    peers = Baseline(cities, labels=peer[None]) if baseline is None else baseline.at(cities)
    levels = that_count(here_last, labels, sound)
    standing_raw = _hide(last - peers.mean(last, levels), here_last)

    def points_of(step: np.ndarray) -> np.ndarray | None:
        return np.asarray(sign * unit * (p_last - inverse_link(last - step, link))) if display else None

    shown = {"cities", "link", "unit", "level_last", "standing", "standing_points"}
    out: dict[str, np.ndarray | None] = dict.fromkeys(one.name for one in dataclasses.fields(Estimands) if one.name not in shown)
    if two_groups and display:
        out["reference_last"] = _hide(unit * inverse_link(at(1, 0.5), link), usable[:, 1, -1])
    if covariates is not None:
        residual = _hide(beyond_context(last, covariates, levels), here_last)
        out |= {"context": sign * residual, "context_points": points_of(residual)}
    if change is not None:
        both = usable[:, 0][:, [0, -1]].all(axis=1)
        raw = change[:, :, 0]
        relative = _hide(raw - median_of_others(raw, both, labels, sound), both)
        against_peers = _hide(raw - peers.mean(raw, that_count(both, labels, sound)), both)
        if land is not None:
            in_land = np.unique(land, return_inverse=True)[1]
            against_land = _hide(raw - median_of_others(raw, both, in_land, sound, MIN_IN_LAND), both)
            out |= {"against_land": sign * against_land, "against_land_points": points_of(against_land)}
        if "lasting_change" in posterior:
            kept = flat(posterior["lasting_change"])[:, :, 0]
            lasting = _hide(kept - median_of_others(kept, both, labels, sound), both)
            out |= {"lasting": sign * lasting, "lasting_points": points_of(lasting)}
        out |= {
            "change": _hide(sign * raw, both),
            "relative": sign * relative,
            "against_peers": sign * against_peers,
            "relative_points": points_of(relative),
            "against_peers_points": points_of(against_peers),
        }
        four = usable[:, :, [0, -1]].all(axis=(1, 2))
        if two_groups:
            out["gap"] = _hide(sign * (raw - change[:, :, 1]), four)
        if display:
            p_first = inverse_link(at(0, -0.5), link)
            out |= {
                "level_first": _hide(unit * p_first, usable[:, 0, 0]),
                "change_points": _hide(sign * unit * (p_last - p_first), both),
            }
        if display and two_groups:
            r_first, r_last = inverse_link(at(1, -0.5), link), inverse_link(at(1, 0.5), link)
            target, reference = sign * unit * (p_last - p_first), sign * unit * (r_last - r_first)
            out |= {
                "gap_points": _hide(target - reference, four),
                "gap_ratio": _hide(sign * (p_last / r_last - p_first / r_first), four),
                "target_points": _hide(target, four),
                "reference_points": _hide(reference, four),
                "reference_first": _hide(unit * r_first, usable[:, 1, 0]),
            }
    return Estimands(
        cities=cities,
        link=link,
        unit=unit,
        level_last=_hide(unit * p_last, here_last),
        standing=sign * standing_raw,
        standing_points=points_of(standing_raw),
        **out,
    )


def lasting_relative(
    lasting: np.ndarray, both: np.ndarray, polarity: int, *, pool: np.ndarray | None = None, yardstick: np.ndarray | None = None
) -> np.ndarray:
    """The estimand `lasting` alone, shape (S, C).

    Parameters
    ----------
    lasting : ndarray, shape (S, C)
        Lasting change of the target group, link scale.
    both : ndarray of bool, shape (C,)
        Cities with usable counts of the target group in the first and the last year.
    polarity, pool, yardstick
        As of `estimands`.
    """
    labels = np.zeros(len(both), dtype=int) if pool is None else np.unique(pool, return_inverse=True)[1]
    sound = np.ones(len(both), dtype=bool) if yardstick is None else yardstick
    return (-1.0 if polarity < 0 else 1.0) * _hide(lasting - median_of_others(lasting, both, labels, sound), both)


def flat(values: xr.DataArray) -> np.ndarray:
    """Chains and draws as one axis in front, the others in the order city, group, year."""
    rest = [dim for dim in ("city", "group", "year") if dim in values.dims]
    array = values.transpose("chain", "draw", *rest).to_numpy()
    return np.asarray(array.reshape(-1, *array.shape[2:]))


def _hide(values: np.ndarray, shown: np.ndarray) -> np.ndarray:
    return np.where(shown[None, :], values, np.nan)
