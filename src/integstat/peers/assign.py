"""Place another city among the peer groups of a finished run, without forming them anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.covariance import LedoitWolf

from integstat.errors import DataError
from integstat.peers.bundle import Bundle
from integstat.texts import Texts

INSIDE = 0.975  # quantile of the distances to the nearest city within the ring: farther off is outside
_MOST_MISSING = 0.5  # of a city's features: with more the place is hardly founded
_COPY = 1e-9
_SAME = 1e-6  # robust standard deviations: figures of a ring city that differ by less are the same
_LONG = 1e12  # numbers from here on are written with an exponent
_NAMED = 3  # features named where a city lies far from all


@dataclass(frozen=True)
class Assignment:
    """Where cities belong in the groups of a run.

    Attributes
    ----------
    bundle : Bundle
    cities, names : tuple of str
        AGS and names; length N.
    probability : ndarray, shape (N, K)
        Of each group: mean share of its members with which the city is together over the partitions, rows made to sum to 1.
    nearest : ndarray of int, shape (N, k)
        Places of the nearest ring cities in `bundle.cities`, the nearest first.
    distance : ndarray, shape (N, k)
        Their distances: root of the weighted mean squared difference, robust standard deviations per feature.
    imputed, beyond : tuple of tuple of str
        By city, names of the features that were imputed, and of those outside the range of the ring.
    far : ndarray of bool, shape (N,)
        The nearest city is farther off than is usual within the ring.
    warnings : tuple of tuple of str
        By city, German sentences: already in the ring, there with other figures, gaps, outside.

    Notes
    -----
    The probabilities tell how far the place depends on the partition, not that groups exist, and nothing of a city the ring
    has not seen the like of: outside, a group is only the least far.
    """

    bundle: Bundle
    cities: tuple[str, ...]
    names: tuple[str, ...]
    probability: np.ndarray
    nearest: np.ndarray
    distance: np.ndarray
    imputed: tuple[tuple[str, ...], ...]
    beyond: tuple[tuple[str, ...], ...]
    far: np.ndarray
    warnings: tuple[tuple[str, ...], ...]

    @property
    def group(self) -> np.ndarray:
        """Likeliest group of each city, shape (N,)."""
        return np.asarray(self.probability.argmax(axis=1))

    @property
    def borderline(self) -> np.ndarray:
        """Whether the likeliest group is less likely than the run's limit, shape (N,)."""
        return np.asarray(self.probability.max(axis=1) < self.bundle.borderline)

    @property
    def outside(self) -> np.ndarray:
        """Whether a city lies outside what the ring has seen, shape (N,)."""
        return np.asarray(self.far | np.array([bool(names) for names in self.beyond], dtype=bool))

    def sentences(self) -> list[str]:
        """What to tell the cities, in German: place, second choice, neighbours, then the warnings of each."""
        told, percent = [], Texts("de").percent
        for i, name in enumerate(self.names):
            order = np.argsort(-self.probability[i], kind="stable")
            choices = [f"'{self.bundle.groups[g]}' ({percent(self.probability[i, g])})" for g in order[:2]]
            second = f", sonst zu {choices[1]}" if len(choices) > 1 else ""
            doubt = "; die Stadt ist ein Grenzfall" if self.borderline[i] else ""
            near = ", ".join(self.bundle.names[j] for j in self.nearest[i])
            told.append(f"{name} gehört am ehesten zu {choices[0]}{second}{doubt}. Am nächsten liegen: {near}.")
            told.extend(self.warnings[i])
        return told


def assign(bundle: Bundle, city_features: pd.DataFrame) -> Assignment:
    """Place cities among the groups of a bundle; each for itself, the ring stays as it was.

    Parameters
    ----------
    bundle : Bundle
    city_features : pandas.DataFrame
        Index AGS; column `name` and one column per feature, in the ring's units, NaN where unknown.
        `integstat.intake.other_cities` reads them.

    Returns
    -------
    Assignment

    Raises
    ------
    DataError
        If a value cannot be transformed, or nothing is known of a city.

    Notes
    -----
    In each sampled partition a city gets the label whose cities' mean is nearest to it; a copy of a ring city gets that city's.
    In trials, cities of a slope that were left out and placed anew came to their own group more often so than by the group of
    the nearest city; on islands both find it. The features are those of the whole bundle; that a partition was formed on some
    of them is not known here.

    Gaps take the mean expected from the known features under the ring's covariance (shrunk: Ledoit & Wolf 2004,
    https://doi.org/10.1016/S0047-259X(03)00096-4). Outside is a city with a feature beyond the ring's range, or whose
    nearest city is farther off than that of 97.5 % of the ring's own: one in forty of the ring itself. The first is no rare
    thing: of cities like those of a ring of C, a share of 1 - (1 - 2 / (C + 1))^F goes beyond it in one of F independent
    features, 30 % for C = 66 and F = 12; fewer where features go together.
    """
    given = _scaled(bundle, city_features)
    empty = np.isnan(given).all(axis=1)
    if empty.any():
        what = "von dieser Stadt ist kein Merkmal bekannt"
        raise DataError(what, place=f"Stadt {city_features.index[empty][0]}", mend="bitte Werte eintragen")
    root = np.sqrt(bundle.weights / bundle.weights.sum())
    ring, points = bundle.values * root, _filled(bundle, given) * root
    away = cdist(points, ring)
    own = np.array(bundle.cities)[None, :] == city_features.index.to_numpy(str)[:, None]
    away_others = np.where(own, np.inf, away)
    reach = min(bundle.neighbours, len(ring) - int(own.any()))  # a city is no neighbour of its own
    nearest = np.argsort(away_others.round(9), axis=1, kind="stable")[:, :reach]
    far = away_others.min(axis=1) > _usual_distance(ring)
    ids = [feature.id for feature in bundle.features]
    raw = city_features.reindex(columns=ids).to_numpy(float)
    beyond = (raw < bundle.lowest) | (raw > bundle.highest)
    titles = np.array([feature.name_de for feature in bundle.features], dtype=object)
    names = tuple(str(name) for name in city_features["name"])
    warnings = []
    for i, name in enumerate(names):
        lines = []
        if own[i].any():
            lines.append(f"{name} gehört schon zum Ring; maßgeblich ist die Einteilung des Laufs.")
            lines += _other_figures(bundle, name, given[i], int(own[i].argmax()))
        lines += _gap_warning(name, titles[np.isnan(given[i])], len(ids))
        lines += _outside_warning(bundle, name, raw[i], beyond[i])
        if far[i]:
            lines.append(_far_warning(bundle, name, points[i], ring, int(nearest[i, 0])))
        warnings.append(tuple(lines))
    return Assignment(
        bundle=bundle,
        cities=tuple(str(city) for city in city_features.index),
        names=names,
        probability=_probability(bundle, points, ring, away),
        nearest=nearest,
        distance=np.take_along_axis(away_others, nearest, axis=1),
        imputed=tuple(tuple(titles[np.isnan(row)]) for row in given),
        beyond=tuple(tuple(titles[row]) for row in beyond),
        far=far,
        warnings=tuple(warnings),
    )


def assign_table(assignment: Assignment) -> pd.DataFrame:
    """One row per city: place, second choice, flags; the probabilities of all groups behind, one column per group."""
    names = assignment.bundle.groups
    rows = []
    for i, city in enumerate(assignment.cities):
        probability = assignment.probability[i]
        order = np.argsort(-probability, kind="stable")
        rows.append(
            {
                "city": city,
                "city_name": assignment.names[i],
                "peer_group": names[order[0]],
                "probability": float(probability[order[0]]),
                "second_group": names[order[1]] if len(order) > 1 else "",
                "second_probability": float(probability[order[1]]) if len(order) > 1 else float("nan"),
                "borderline": bool(assignment.borderline[i]),
                "outside": bool(assignment.outside[i]),
                "imputed": ", ".join(assignment.imputed[i]),
                "beyond": ", ".join(assignment.beyond[i]),
            }
            | {f"p: {name}": float(p) for name, p in zip(names, probability, strict=True)}
        )
    return pd.DataFrame(rows)


def assign_neighbours(assignment: Assignment) -> pd.DataFrame:
    """One row per city and near ring city: `city`, `city_name`, `rank`, `neighbour`, `neighbour_name`, `distance`."""
    ring = assignment.bundle
    rows = [
        (city, assignment.names[i], rank, ring.cities[j], ring.names[j], float(away))
        for i, city in enumerate(assignment.cities)
        for rank, (j, away) in enumerate(zip(assignment.nearest[i], assignment.distance[i], strict=True), start=1)
    ]
    return pd.DataFrame(rows, columns=["city", "city_name", "rank", "neighbour", "neighbour_name", "distance"])


def _scaled(bundle: Bundle, city_features: pd.DataFrame) -> np.ndarray:
    """Cities on the ring's scale, shape (N, F); what is wrong with a value is told of the city, not of the ring."""
    try:
        return bundle.scaling.apply(city_features)
    except DataError as error:
        mend = "bitte den Wert prüfen oder als unbekannt weglassen"
        raise DataError(error.what, place=error.place.removeprefix("Strukturdaten, "), mend=mend) from error


def _filled(bundle: Bundle, given: np.ndarray) -> np.ndarray:
    """Gaps replaced by what the known features let expect, shape (N, F)."""
    if not np.isnan(given).any():
        return given
    ring = LedoitWolf().fit(bundle.values)
    filled = given.copy()
    for row in filled:
        gap = np.isnan(row)
        known = np.ix_(~gap, ~gap)
        slope = np.linalg.lstsq(ring.covariance_[known], ring.covariance_[np.ix_(~gap, gap)], rcond=None)[0]
        row[gap] = ring.location_[gap] + (row[~gap] - ring.location_[~gap]) @ slope
    return bundle.scaling.rounded(filled)


def _probability(bundle: Bundle, points: np.ndarray, ring: np.ndarray, away: np.ndarray) -> np.ndarray:
    copy = away.min(axis=1) <= _COPY
    original = away.argmin(axis=1)
    together = np.zeros_like(away)
    for partition in bundle.labels:
        present = np.unique(partition)
        means = np.array([ring[partition == label].mean(axis=0) for label in present])
        label = present[cdist(points, means).argmin(axis=1)]
        label = np.where(copy, partition[original], label)
        together += label[:, None] == partition
    share = np.column_stack([together[:, bundle.summary == group].mean(axis=1) for group in range(len(bundle.groups))])
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def _usual_distance(ring: np.ndarray) -> float:
    """Quantile `INSIDE` of the distances of the ring's cities to their nearest; infinite for a ring of one city."""
    if len(ring) < 2:
        return float("inf")
    away = cdist(ring, ring)
    np.fill_diagonal(away, np.inf)
    return float(np.quantile(away.min(axis=1), INSIDE))


def _other_figures(bundle: Bundle, name: str, given: np.ndarray, place: int) -> list[str]:
    """Tell where a ring city is given with figures other than those the groups were formed on; unknown ones do not count."""
    other = bundle.known[place] & (np.abs(given - bundle.values[place]) > _SAME)
    if not other.any():
        return []
    titles = ", ".join(bundle.features[f].name_de for f in np.flatnonzero(other))
    return [f"{name} steht im Ring mit anderen Werten als hier: {titles}; zugeordnet ist nach den Werten hier."]


def _gap_warning(name: str, titles: Sequence[str], features: int) -> list[str]:
    if not len(titles):
        return []
    hardly = "; die Zuordnung ist deshalb kaum begründet" if len(titles) > _MOST_MISSING * features else ""
    return [f"Bei {name} geschätzt aus den übrigen Merkmalen: {', '.join(titles)}{hardly}."]


def _outside_warning(bundle: Bundle, name: str, raw: np.ndarray, beyond: np.ndarray) -> list[str]:
    if not beyond.any():
        return []
    parts = []
    for f in np.flatnonzero(beyond):
        value, lowest, highest = (_german(one[f], digits=4) for one in (raw, bundle.lowest, bundle.highest))
        parts.append(f"{bundle.features[f].name_de} {value} (im Ring {lowest} bis {highest})")
    return [f"{name} liegt außerhalb dessen, was der Ring kennt: {', '.join(parts)}."]


def _far_warning(bundle: Bundle, name: str, point: np.ndarray, ring: np.ndarray, nearest: int) -> str:
    apart = (point - ring[nearest]) ** 2
    order = [f for f in np.argsort(-apart, kind="stable")[:_NAMED] if apart[f] > 0]
    usual = _german(_usual_distance(ring))
    return (
        f"{name} liegt weiter von allen Städten des Rings entfernt als dort üblich: die nächste, {bundle.names[nearest]}, um "
        f"{_german(np.sqrt(apart.sum()))} robuste Standardabweichungen je Merkmal (üblich bis {usual}), vor allem in: "
        f"{', '.join(bundle.features[f].name_de for f in order)}."
    )


def _german(value: float, digits: int = 3) -> str:
    """Write a number with this many digits that count, from a thousand on as a whole one, and very large ones short."""
    whole = 999.5 <= abs(value) < _LONG
    text = f"{value:,.0f}" if whole else f"{value:.{digits}g}".replace("e+", "e")
    return text.translate(str.maketrans(",.", ".,"))
