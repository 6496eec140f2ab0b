"""What a series says, with intervals from samples of cities; and whether it says what lasts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from integstat.history.components import Components, fit_components
from integstat.history.moments import common_shifts, differences, fit_moments
from integstat.history.series import Series
from integstat.history.settings import FEWEST_YEARS
from integstat.history.transfer import SAME

FEWEST_CITIES = 8
FEWEST_PAIRS = 3  # of neighbouring years, for the spread of common shifts; a variance of the next one needs more than two
INTERVAL = (0.05, 0.95)
_AT_BOUND = 0.1  # share of samples with a component at its bound, from which it counts as not told from 0
_OVERLAP_WITHIN = 0.5  # width of its interval, above which the overlap is not told


@dataclass(frozen=True)
class Spread:
    """A quantity with its 90 % interval; NaN where it cannot be told."""

    value: float = float("nan")
    lower: float = float("nan")
    upper: float = float("nan")


@dataclass(frozen=True)
class Estimate:
    """What one series says; link scale.

    Attributes
    ----------
    definition, group : str
    years : tuple of int
        Years with figures.
    cities : int
    transient, walk, trend : Spread
        SDs sigma, tau (per year) and omega (per year).
    share : Spread
        s = tau² / (2 sigma² + tau²).
    share_mean, share_sd : float
        Over the samples of cities.
    sd_change : Spread
        Of a one-year change between cities, trends included.
    log_sd_change : float
        SD of its logarithm over the samples.
    shift : Spread
        Root mean square of the common shifts between neighbouring years; interval as for normal shifts.
    pairs : int
        Neighbouring years behind it.
    overlap : Spread
        Share of the counting error that neighbouring years have in common; NaN for what is no stock.
    moment_share : float
        The share by the moments of differences: a check.
    reason : str
        German; why it does not say what lasts; empty where it does.
    """

    definition: str
    group: str
    years: tuple[int, ...]
    cities: int
    transient: Spread = Spread()
    walk: Spread = Spread()
    trend: Spread = Spread()
    share: Spread = Spread()
    share_mean: float = float("nan")
    share_sd: float = float("nan")
    sd_change: Spread = Spread()
    log_sd_change: float = float("nan")
    shift: Spread = Spread()
    pairs: int = 0
    overlap: Spread = Spread()
    moment_share: float = float("nan")
    reason: str = ""

    @property
    def informs(self) -> bool:
        """Whether it says what lasts."""
        return not self.reason

    @property
    def sized(self) -> bool:
        """Whether it says how large one-year changes are."""
        return bool(np.isfinite(self.log_sd_change))

    @property
    def overlap_told(self) -> bool:
        """Whether the counting errors' part is told apart from transience."""
        return bool(self.overlap.upper - self.overlap.lower <= _OVERLAP_WITHIN)


def estimate(series: Series, resamples: int, seed: int) -> Estimate:
    """Estimate the components of a series and resample its cities with replacement.

    Parameters
    ----------
    series : Series
    resamples : int
    seed : int

    Returns
    -------
    Estimate
        With fewer than eight cities, or figures in fewer than four years, nothing but the reason.

    Notes
    -----
    Percentile intervals over cities: what other cities of this kind would have told, in these years. They hold nothing of other
    years or rings; `priors` widens for that.
    """
    years, count = series.used_years, len(series.cities)
    empty = Estimate(series.definition, series.group, years, count)
    if len(years) < FEWEST_YEARS:
        return _because(empty, f"Zahlen liegen nur aus {len(years)} Jahren vor, nötig sind {FEWEST_YEARS}")
    if count < FEWEST_CITIES:
        return _because(empty, f"nur {count} Städte haben genügend Fälle, nötig sind {FEWEST_CITIES}")
    whole = fit_components(series)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x415]))
    samples = []
    for _ in range(resamples):
        drawn = np.bincount(rng.integers(count, size=count), minlength=count)
        samples.append(fit_components(series, drawn[series.city], start=whole))
    return _summary(empty, series, whole, samples)


def _summary(empty: Estimate, series: Series, whole: Components, samples: list[Components]) -> Estimate:
    span = empty.years[-1] - empty.years[0]
    shares = np.array([0.0 if np.isnan(one.share) else one.share for one in samples])
    sizes = np.array([one.sd_change for one in samples])
    moving = sizes[sizes > 0]
    sized = whole.sd_change > 0 and len(moving) > len(sizes) / 2
    shifts = common_shifts(series)
    found = Estimate(
        definition=empty.definition,
        group=empty.group,
        years=empty.years,
        cities=empty.cities,
        transient=_spread(np.sqrt(whole.transient), np.sqrt([one.transient for one in samples])),
        walk=_spread(np.sqrt(whole.walk), np.sqrt([one.walk for one in samples])),
        trend=_spread(np.sqrt(whole.trend), np.sqrt([one.trend for one in samples])),
        share=_spread(whole.share, shares),
        share_mean=float(shares.mean()),
        share_sd=float(shares.std(ddof=1)),
        sd_change=_spread(whole.sd_change, sizes),
        log_sd_change=float(np.log(moving).std(ddof=1)) if sized else float("nan"),
        shift=_shift(shifts),
        pairs=len(shifts),
        overlap=_spread(whole.overlap, np.array([one.overlap for one in samples])) if series.stock else Spread(),
        moment_share=fit_moments(differences(series, whole.overlap)).share,
    )
    return _because(found, _reason(whole, samples, span, found))


def _reason(whole: Components, samples: list[Components], span: int, found: Estimate) -> str:
    """Say in German why the series does not tell what lasts; nothing where it does."""
    if np.isnan(whole.share):
        return "die Städte verändern sich nicht erkennbar über den Zählfehler hinaus"
    if whole.trends_dominate(span) or np.mean([one.trends_dominate(span) for one in samples]) > 0.5:
        return "Trends der einzelnen Städte überwiegen; was bleibt und was vergeht, lässt sich daneben nicht trennen"
    bounds = np.array([one.at_bound() for one in samples])
    passing, staying = bounds.mean(axis=0) > _AT_BOUND
    if passing or whole.at_bound()[0]:
        return "der Anteil, der wieder vergeht, ist nicht von null zu unterscheiden"
    if staying or whole.at_bound()[1]:
        return "der Anteil, der bleibt, ist nicht von null zu unterscheiden"
    if SAME.beta(found.share_mean, found.share_sd) is None:
        return "der Anteil, der bleibt, ist nicht genauer bekannt als in der Voreinstellung"
    return ""


def _because(found: Estimate, reason: str) -> Estimate:
    return replace(found, reason=reason)


def _spread(value: float, samples: np.ndarray) -> Spread:
    lower, upper = np.quantile(samples, INTERVAL)
    return Spread(float(value), float(lower), float(upper))


def _shift(shifts: np.ndarray) -> Spread:
    """Root mean square around 0, where the prior of a shift has its mean."""
    count = len(shifts)
    if count < FEWEST_PAIRS:
        return Spread()
    square = float(np.mean(shifts**2))
    limits = np.sqrt(count * square / stats.chi2.ppf(INTERVAL[::-1], count))
    return Spread(float(np.sqrt(square)), float(limits[0]), float(limits[1]))
