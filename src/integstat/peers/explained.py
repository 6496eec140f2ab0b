"""What peers explain: how much better a city is foretold by its peers than by the whole ring, for levels and for changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from integstat.catalogue.load import Catalogue
from integstat.panel import Cells, Panel

FEWEST_CITIES = 20  # below it a share is not computed
_CLEAR = 2.0  # standard errors by which what there is to explain must exceed 0
COLUMNS = ["definition", "quantity", "notion", "share", "se", "cities"]
NO_PEERS = "none"
_ALONE = 1e-9  # weight left to the other peers, below which a city has no peer but one


@dataclass(frozen=True)
class Explained:
    """Share of the variance between cities that a notion of peers explains.

    Attributes
    ----------
    share : float
        1: peers foretell a city but for its counting error; 0: no better than the ring; NaN with fewer than `FEWEST_CITIES`
        cities, or where the cities do not clearly differ by more than counting error.
    se : float
        Standard error by jackknife over cities.
    cities : int
        Cities with a value.
    """

    share: float
    se: float
    cities: int


def group_weights(labels: np.ndarray) -> np.ndarray:
    """Peers as weights: the other cities of the own group, averaged over partitions.

    Parameters
    ----------
    labels : ndarray of int, shape (M, C)
        One partition, or draws of it.

    Returns
    -------
    ndarray, shape (C, C)
        Diagonal 0; rows sum to 1, to 0 for a city that is alone in every partition. A partition in which a city is alone has no
        say in its row.
    """
    total = np.zeros((labels.shape[1], labels.shape[1]))
    for partition in labels:
        together = (partition[:, None] == partition).astype(float)
        np.fill_diagonal(together, 0.0)
        total += together / np.maximum(together.sum(axis=1, keepdims=True), 1.0)
    return _to_one(total)


def explained(values: np.ndarray, variances: np.ndarray, weights: np.ndarray) -> Explained:
    r"""Estimate the share of the variance between cities that their peers explain, each city foretold from the others alone.

    Parameters
    ----------
    values : ndarray, shape (C,)
        A quantity on the link scale; NaN where unknown.
    variances : ndarray, shape (C,)
        Known variances of their counting errors; may be 0.
    weights : ndarray, shape (C, C)
        Row i: how much each city counts as a peer of city i. Diagonal 0.

    Returns
    -------
    Explained

    Notes
    -----
    City c is foretold as :math:`m + f_c (p_c - m)`: *m* the mean of all others, *p* the mean of its peers, both weighted by
    :math:`1 / (\sigma^2 + s^2)`. The factor is that of variance components, :math:`f_c = A / (A + (\sigma^2 - A) q_c + e_c)`,
    with A the covariance of cities with their peers' mean, :math:`q_c` the sum of the squared weights of c's peers and
    :math:`e_c` the counting variance of their mean. A is a moment over the other cities, c being taken out of *their* peers
    and means too, and is 0 where it comes out negative: a notion that tells nothing is shrunk to the ring's mean and gets
    about 0. With D the weighted mean of squared errors less counting variance, the share is 1 - D(peers) / D(ring); cities
    weigh :math:`(\sigma^2 + s^2)^{-2}`, all the same where counting errors are.

    The share is of what is foretold, not of what groups would explain of the cities that made their means: with few cities to a
    group it stays below. Simulated, true share 0.60 in five groups, no counting error: mean 0.52 to 0.56 with 30 cities, 0.58
    with 80, 0.60 with 200; noise: -0.02, -0.01, 0.00. Counting error lowers it further, to 0.50 with 67 cities where its variance
    equals that between cities: shares of indicators that are counted with different precision are not comparable. The standard
    error is then too small, by a quarter with 30 cities or fewer.

    Slightly negative shares occur: with a useless notion where chance lets A come out positive. What is left of the city itself
    in its forecast: the spread sigma (one number for the ring), and the notion. Groups and neighbours are formed from
    context, not from this quantity, but of all cities together, by a ring that may know the figures when it chooses features.
    A feature close to the indicator would make this share high, too.

    A high share does not tell why: peers share regions, reporting habits and Länder as well. A share of 0 for a change does not
    tell that peers are wrongly chosen, only that changes do not follow context. The standard error is over cities with the
    notion given; it holds nothing of another ring's groups. (Leave-one-out: Stone 1974,
    https://doi.org/10.1111/j.2517-6161.1974.tb00994.x; jackknife: Efron & Stein 1981, https://doi.org/10.1214/aos/1176345462.)
    """
    use = np.isfinite(values) & np.isfinite(variances)
    count = int(use.sum())
    if count < FEWEST_CITIES:
        return Explained(float("nan"), float("nan"), count)
    value, error = values[use], variances[use]
    spread = _signal(value, error)
    if spread == 0.0:
        return Explained(float("nan"), float("nan"), count)
    precision = spread / (spread + error)
    centre = (precision @ value - precision * value) / (precision.sum() - precision)
    peers = _to_one(weights[np.ix_(use, use)] * precision)
    forecast = _from_peers(value, error, centre, peers, precision, spread)
    weight = precision**2
    ring = weight * ((value - centre) ** 2 - error)
    near = weight * ((value - forecast) ** 2 - error)
    if ring.sum() <= _CLEAR * np.sqrt(count) * ring.std(ddof=1):
        return Explained(float("nan"), float("nan"), count)
    without = 1.0 - (near.sum() - near) / (ring.sum() - ring)
    se = np.sqrt((count - 1) * np.mean((without - without.mean()) ** 2))
    return Explained(min(float(1.0 - near.sum() / ring.sum()), 1.0), float(se), count)


def link_values(
    y: np.ndarray, n: np.ndarray, link: str, *, evidence: float = 1.0, doubt: np.ndarray | float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Empirical logit of a share, or log of a rate, half a case added, with its counting variance.

    Parameters
    ----------
    y, n : ndarray
        Counts and bases of the same shape; `n == 0` where a cell tells nothing.
    link : {'logit', 'log'}
    evidence : float
        Factor of counts and bases: 1 / design effect for a survey.
    doubt : float or ndarray
        Variance of `y` itself where it was rounded.

    Returns
    -------
    values, variances : ndarray
        NaN where `n` is 0, or a share exceeds 1.

    Notes
    -----
    Gart & Zweifel (1967), https://doi.org/10.1093/biomet/54.1-2.181. Good from about five cases on; below, value and variance
    are dependent and a share explained is rough.
    """
    y, n = np.asarray(y, float) * evidence, np.asarray(n, float) * evidence
    usable = (n > 0) & ((y <= n) | (link == "log"))
    hits, rest = np.where(usable, y, 0.0) + 0.5, np.where(usable, n - y, 0.0) + 0.5
    rounded = np.asarray(doubt) * evidence**2
    if link == "logit":
        value, variance = np.log(hits / rest), 1 / hits + 1 / rest + rounded * (1 / hits + 1 / rest) ** 2
    else:
        value, variance = np.log(hits / np.where(usable, n, 1.0)), 1 / hits + rounded / hits**2
    return np.where(usable, value, np.nan), np.where(usable, variance, np.nan)


def level_and_change(values: np.ndarray, variances: np.ndarray, overlap: float) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Level of the last year, and change from the first to the last, each with its counting variance.

    Parameters
    ----------
    values, variances : ndarray, shape (C, T)
        On the link scale.
    overlap : float
        Share r of the counting error that first and last year have in common: (V1 + V2)(1 - r) is left in the change.

    Returns
    -------
    dict
        `level`, and with two or more years `change`: values and variances, shape (C,).
    """
    found = {"level": (values[:, -1], variances[:, -1])}
    if values.shape[1] > 1:
        found["change"] = (values[:, -1] - values[:, 0], (variances[:, 0] + variances[:, -1]) * (1 - overlap))
    return found


def explained_table(
    panel: Panel,
    catalogue: Catalogue,
    definitions: Sequence[str],
    years: tuple[int, ...],
    cities: Sequence[str],
    notions: Mapping[str, np.ndarray],
    *,
    stock_overlap: float | None = None,
    months_weight: float = 1.0,
) -> pd.DataFrame:
    """Share of levels and changes of the target group that each notion of peers explains.

    Parameters
    ----------
    panel : Panel
    catalogue : Catalogue
    definitions : sequence of str
        Only those comparable over all cities, and with counts, are taken.
    years : tuple of int
        The level is of the last, the change from first to last.
    cities : sequence of str
        Order of rows and columns of the weights.
    notions : mapping of str to ndarray, shape (C, C)
        Weights by name, such as `groups` from `group_weights` and `neighbours` from `Neighbours.weights`.
    stock_overlap : float, optional
        Takes the place of the catalogue's overlap of stocks.
    months_weight : float
        Evidence of annual means.

    Returns
    -------
    pandas.DataFrame
        Columns `definition`, `quantity` (level, change), `notion`, `share`, `se`, `cities`; see `Explained`. The notion `none`,
        the ring's mean, is what the others are measured by: its share is 0, or NaN where there is nothing to explain.
    """
    rows = []
    place = {city: i for i, city in enumerate(panel.cities["city"])}
    where = [place[city] for city in cities]
    for definition in definitions:
        if catalogue.definition(definition)[1].scope != "all_cities" or catalogue.kind(definition) == "measure":
            continue
        values, variances = _observed(panel, catalogue, definition, years, months_weight)
        overlap = catalogue.overlap(definition, years, stock_overlap)
        for quantity, (value, variance) in level_and_change(values[where], variances[where], overlap).items():
            alone = explained(value, variance, np.zeros((len(cities), len(cities))))
            rows.append((definition, quantity, NO_PEERS, alone.share, alone.se, alone.cities))
            for notion, weights in notions.items():
                found = explained(value, variance, weights)
                rows.append((definition, quantity, notion, found.share, found.se, found.cities))
    return pd.DataFrame(rows, columns=COLUMNS)


def _observed(
    panel: Panel, catalogue: Catalogue, definition: str, years: tuple[int, ...], months_weight: float
) -> tuple[np.ndarray, np.ndarray]:
    """Values and variances of the target group, shape (C, T), order of the panel's cities."""
    entry, kind = catalogue.definition(definition)[1], catalogue.kind(definition)
    cells = panel.cells(
        definition,
        ("target",),
        years,
        rounding=[entry.rounding(year) for year in years],
        rounded_parts=entry.rounded_parts,
        whole=kind != "mean_of_months",
    )
    y, doubt = _middle(cells)
    evidence = {"mean_of_months": months_weight, "survey": 1 / entry.design_effect}.get(kind, 1.0)
    return link_values(y, cells.n[:, 0], "log" if kind == "rate" else "logit", evidence=evidence, doubt=doubt)


def _middle(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Middle of what a coarse count may be, and the variance of its rounding; exact counts as they are, shape (C, T)."""
    low, high = np.maximum(cells.bounds[:, 0, :, 0], 0.0), cells.bounds[:, 0, :, 1]
    coarse, parts = cells.coarse[:, 0], cells.parts[:, 0]
    width = (high - low) / parts + 1
    doubt = parts * (width**2 - 1) / 12
    return np.where(coarse, (low + high) / 2, cells.y[:, 0]), np.where(coarse, doubt, 0.0)


def _to_one(weights: np.ndarray) -> np.ndarray:
    """Rows divided by their sums; rows of zeros stay."""
    total = weights.sum(axis=1, keepdims=True)
    return np.asarray(weights / np.where(total > 0, total, 1.0))


def _signal(value: np.ndarray, error: np.ndarray) -> float:
    """Variance between cities beyond counting error: the root of Paule & Mandel (1982), 0 where there is none."""

    def excess(spread: float) -> float:
        weight = 1 / (spread + error)
        centre = weight @ value / weight.sum()
        return float(weight @ (value - centre) ** 2) - (len(value) - 1)

    top = float(np.var(value, ddof=1))
    if top <= 1e-18 * max(1.0, float(np.abs(value).max()) ** 2) or excess(1e-9 * top) <= 0:
        return 0.0
    return float(brentq(excess, 1e-9 * top, 1e3 * top))


def _from_peers(
    value: np.ndarray, error: np.ndarray, centre: np.ndarray, peers: np.ndarray, precision: np.ndarray, spread: float
) -> np.ndarray:
    """Forecast of each city from the others, shape (C,).

    Parameters
    ----------
    value, error, centre, precision : ndarray, shape (C,)
        Values, their counting variances, the mean of all others, and weights in means.
    peers : ndarray, shape (C, C)
        Rows sum to 1, or to 0 for a city without peers: its forecast is the mean of all others.
    spread : float
        Variance between cities.
    """
    forecast = centre.copy()
    sums, has_peers = peers @ value, peers.sum(axis=1) > 0
    squares, noise = (peers**2).sum(axis=1), peers**2 @ error
    for c in np.flatnonzero(has_peers):
        left = 1 - peers[:, c]
        j = np.flatnonzero(has_peers & (left > _ALONE))
        j = j[j != c]
        if not j.size:
            continue
        mean = (sums[j] - peers[j, c] * value[c]) / left[j]
        moment = precision[j] @ ((value[j] - centre[c]) * (mean - centre[c])) / precision[j].sum()
        shared = min(moment + spread / (len(value) - 1), spread)  # deviations from their own mean covary by -spread / n
        if shared > 0:
            factor = shared / (shared + (spread - shared) * squares[c] + noise[c])
            forecast[c] = centre[c] + factor * (sums[c] - centre[c])
    return forecast
