"""What would be found: thresholds of the declaring rule over a whole ring, then closed forms for one city of a given size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from integstat.findings.declare import declare
from integstat.findings.settings import FindingSettings
from integstat.planning.gaussian import Believed, believe, truncated
from integstat.planning.inputs import Planned

FOUND = 0.8  # probability with which the smallest change is found
RINGS = 100
_FAR = 6.0  # link scale: four hundred times the odds
_SHOWN = 4 * _FAR * np.linspace(0, 1, 240) ** 3  # differences that counts may show, dense where steps are
_HALVINGS = 24
KINDS = ("improved", "worsened", "unchanged")


@dataclass(frozen=True)
class Rings:
    """Simulated rings of the assumed make-up, declared as a run does it.

    Attributes
    ----------
    years : int
    planned : tuple of Planned
    believed : tuple of Believed
        By indicator.
    threshold : dict of str to ndarray, shape (R,)
        Probability from which a further cell of a kind is declared, by ring.
    declared, truly : dict of str to ndarray, shape (R, I)
        Number of cells declared, and of cells that truly are so, by ring and indicator.
    right : dict of str to ndarray, shape (R, I)
        Number of declared cells that truly are so.
    """

    years: int
    planned: tuple[Planned, ...]
    believed: tuple[Believed, ...]
    threshold: dict[str, np.ndarray]
    declared: dict[str, np.ndarray]
    truly: dict[str, np.ndarray]
    right: dict[str, np.ndarray]


def rings_of(planned: Sequence[Planned], years: int, settings: FindingSettings, seed: int, rings: int = RINGS) -> Rings:
    """Draw rings, judge every cell, and declare kind by kind over all indicators.

    Parameters
    ----------
    planned : sequence of Planned
    years : {2, 3}
    settings : FindingSettings
    seed : int
    rings : int

    Notes
    -----
    The truth has the assumed spread, and the mean of the prior for the share that lasts. Levels are not simulated: a deficit for
    a poor level is not counted.
    """
    rng = np.random.default_rng([seed, years])
    believed = [believe(one, years, rings, one.share_lasting, rng) for one in planned]
    chance: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}
    truth: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}
    for one, its in zip(planned, believed, strict=True):
        up, down = its.above(one.rho), its.above(one.rho, down=True)
        relative = its.change - np.median(its.change, axis=1, keepdims=True)
        for kind, p, so in zip(
            KINDS, (up, down, 1 - up - down), (relative > one.rho, relative < -one.rho, abs(relative) <= one.rho), strict=True
        ):
            chance[kind].append(p)
            truth[kind].append(so)
    edges = np.cumsum([its.cities for its in believed])[:-1]
    threshold, declared, truly, right = {}, {}, {}, {}
    for kind in KINDS:
        p, so = np.concatenate(chance[kind], axis=1), np.concatenate(truth[kind], axis=1)
        found = [declare(row, np.ones(len(row), dtype=bool), settings) for row in p]
        threshold[kind] = np.array([joining(row, settings) for row in p])
        cells = np.stack([one.declared for one in found])
        declared[kind], truly[kind], right[kind] = (_by_indicator(part, edges) for part in (cells, so, cells & so))
    return Rings(years, tuple(planned), tuple(believed), threshold, declared, truly, right)


def joining(probability: np.ndarray, settings: FindingSettings) -> float:
    """Smallest probability with which a further cell would be declared beside these.

    With the rule `set` it enters if the mean error of all cells from it upwards, itself among them, stays within `q`: the set
    that stands may have room left, so this lies at or below the smallest probability declared.

    Parameters
    ----------
    probability : ndarray, shape (N,)
    settings : FindingSettings
    """
    if settings.rule == "plain":
        return settings.plain_threshold
    above = np.sort(probability)[::-1]
    error = np.concatenate([[0.0], np.cumsum(1 - above)])
    upper, lower = np.concatenate([[1.0], above]), np.concatenate([above, [0.0]])
    least = np.maximum(1 - (settings.q * np.arange(1, len(error) + 1) - error), lower)
    return max(settings.floor, float(least[least <= upper].min()))


def _by_indicator(cells: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.stack([part.sum(axis=1) for part in np.split(cells, edges, axis=1)], axis=1)


@dataclass(frozen=True)
class Assurance:
    """What can be found of one indicator in a city of one size; the change is that from first to last year, link scale.

    Attributes
    ----------
    base, cases : float
        Of the target group, in one year.
    change, lasting : float
        Smallest change, and smallest lasting change, found with probability 0.8; NaN beyond 6.
    found : float
        Share of all truly improved cities of this size that is found, under the assumed spread.
    found_unchanged : float
        The same of the truly unchanged.
    typical : float
        One SD between cities of the change: where the two errors are taken.
    type_s : float
        Share of findings of a change as large as `typical` that have the wrong sign.
    type_m, type_m_shown : float
        By how much such a finding exaggerates it on average: the raw difference, and the shrunken change that is shown.
    """

    base: float
    cases: float
    change: float
    lasting: float
    found: float
    found_unchanged: float
    typical: float
    type_s: float
    type_m: float
    type_m_shown: float


@dataclass(frozen=True)
class Critical:
    """From which difference on a city is declared, by ring, shape (R,): improved, worsened, likely to last; unchanged up to."""

    improved: np.ndarray
    worsened: np.ndarray
    lasting: np.ndarray
    unchanged: np.ndarray


def critical(rings: Rings, place: int, variance: float, settings: FindingSettings) -> Critical:
    """Solve for the differences at which the declaring rule's thresholds are reached.

    Parameters
    ----------
    rings : Rings
    place : int
        Of the indicator.
    variance : float
        Counting variance of the city's difference.
    settings : FindingSettings
    """
    its, rho, told = rings.believed[place], rings.planned[place].rho, rings.threshold
    up = its.above_at(_SHOWN, variance, rho)
    moved = up + its.above_at(-_SHOWN, variance, rho)
    lasts = np.full(len(its.seen), settings.lasting_threshold)
    return Critical(
        improved=_crossing(up, told["improved"]),
        worsened=_crossing(up, told["worsened"]),
        lasting=_crossing(its.lasts_at(_SHOWN, variance), lasts),
        unchanged=_crossing(moved, 1 - told["unchanged"]),
    )


def _crossing(curve: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Where rising curves over `_SHOWN` reach their targets, by ring; 0 where they do from the start, infinite where never."""
    after = (curve < target[:, None]).sum(axis=1)
    high = np.clip(after, 1, len(_SHOWN) - 1)
    row = np.arange(len(curve))
    below, above = curve[row, high - 1], curve[row, high]
    part = (target - below) / np.maximum(above - below, 1e-300)
    at = _SHOWN[high - 1] + part * (_SHOWN[high] - _SHOWN[high - 1])
    return np.where(after == 0, 0.0, np.where(after == len(_SHOWN), np.inf, at))


def chance_found(change: np.ndarray, bound: np.ndarray, variance: float) -> np.ndarray:
    """Probability that a city with this true change passes the bound, mean over the rings, shape of `change`."""
    return np.asarray(ndtr((np.asarray(change)[..., None] - bound) / np.sqrt(variance)).mean(axis=-1))


def assure(rings: Rings, place: int, base: float, settings: FindingSettings) -> Assurance:
    """Tell what can be found of an indicator in a city with this base.

    Parameters
    ----------
    rings : Rings
    place : int
        Of the indicator.
    base : float
        Persons in the base of the target group, in one year.
    settings : FindingSettings

    References
    ----------
    Gelman & Carlin (2014), Beyond power calculations, Perspectives on Psychological Science 9, doi:10.1177/1745691614551642.

    Notes
    -----
    It tells nothing about the city: only how often such a method would notice, if spreads are as assumed.
    """
    one, years, share = rings.planned[place], rings.years, rings.planned[place].share_lasting
    v = float(one.variance(base))
    at = critical(rings, place, v, settings)
    typical = one.sd_change * np.sqrt(1 - share + (years - 1) * share)
    passing = v + one.sd_change**2 * (1 - share)
    truly = truncated(typical, one.rho)
    still = _within(typical, one.rho)
    stable = chance_found(still, -at.unchanged, v) - chance_found(still, at.unchanged, v)
    return Assurance(
        base=base,
        cases=one.cases(base),
        change=_smallest(lambda x: chance_found(x, at.improved, v)),
        lasting=_smallest(lambda x: chance_found(x, np.maximum(at.improved, at.lasting), passing)),
        found=float(chance_found(truly, at.improved, v).mean()),
        found_unchanged=float(stable.mean()),
        typical=float(typical),
        **_errors(float(typical), at, v, rings.believed[place]),
    )


def _smallest(chance: Callable[[np.ndarray], np.ndarray]) -> float:
    """Smallest change found with probability 0.8; NaN beyond reach."""
    if chance(np.array([_FAR]))[0] < FOUND:
        return float("nan")
    low, high = 0.0, _FAR
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if chance(np.array([middle]))[0] >= FOUND else (middle, high)
    return high


def _within(sd: float, step: float, count: int = 24) -> np.ndarray:
    """Evenly likely values of a normal with mean 0 that lie within ± a step, shape (count,)."""
    low = ndtr(-step / sd)
    return np.asarray(sd * ndtri(low + (1 - 2 * low) * (np.arange(count) + 0.5) / count))


def _errors(true: float, at: Critical, variance: float, its: Believed) -> dict[str, float]:
    """Type-S and type-M error of findings of a true change; NaN where none is ever found."""
    sd = np.sqrt(variance)
    right, wrong = ndtr((true - at.improved) / sd), ndtr((-true - at.worsened) / sd)
    density = np.exp(-0.5 * ((np.array([at.improved - true, at.worsened + true])) / sd) ** 2) / np.sqrt(2 * np.pi)
    size = (true * right + sd * density[0]) + (-true * wrong + sd * density[1])  # E|difference shown by the counts|, where found
    found = (right + wrong).mean()
    if found < 1e-4:
        return dict.fromkeys(("type_s", "type_m", "type_m_shown"), float("nan"))
    type_m = size.mean() / found / true
    return {
        "type_s": float(wrong.mean() / found),
        "type_m": float(type_m),
        "type_m_shown": float(type_m * _kept(true, at, variance, its)),
    }


def _kept(true: float, at: Critical, variance: float, its: Believed) -> float:
    """Mean shrunken change over mean raw difference, of the findings of a true change."""
    x, width = _SHOWN, np.gradient(_SHOWN)
    up = width * np.exp(-0.5 * (x - true) ** 2 / variance) * (x > at.improved[:, None])
    down = width * np.exp(-0.5 * (x + true) ** 2 / variance) * (x > at.worsened[:, None])
    raw = ((up + down) * x).sum()
    return float(((up + down) * its.shown_at(x, variance)).sum() / raw) if raw > 0 else float("nan")
