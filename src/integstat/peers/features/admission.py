"""Which features may not form peer groups: an indicator's own rate, its complement, or a figure its numerator is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom, spearmanr

from integstat.catalogue import Catalogue
from integstat.errors import UsageError
from integstat.panel import Context, Panel
from integstat.peers.settings import FeatureSettings, PeerSettings, check_settings

FEWEST_CITIES = 5  # with fewer, equal figures prove nothing
EQUAL_SHARE = 0.9  # of the cities: a corrected figure or two do not make another feature
FEWEST_RANKED = 10  # two orders of ten cities agree by chance once in 3.6 million
CLOSE = 0.95  # rank correlation from which a feature is told to resemble a rate
_CHANCE = 1 / 3_628_800  # of 10!: a match more likely than this without any relation proves nothing
_FEWEST_TURNED = 12  # pairs of cities a numerator must order otherwise than every base, or its order may be that of size
_UNITS = {1.0: "", 100.0: ", in Prozent", 1e3: ", je 1.000", 1e4: ", je 10.000", 1e5: ", je 100.000"}
_COARSEST, _FINEST = -3, 6  # decimals a delivered figure may be rounded to
_EXACT = 1e-6  # relative: figures that are not rounded agree this closely
_TOO_COARSE = 0.25  # half a unit of the last place over the spread: above it equal figures prove nothing
_PERSONS = 1000.0  # a context column with no smaller value may be the base of another
_MEND = "bitte das Merkmal im Abschnitt [peers] streichen; es erklärte das Ergebnis durch sich selbst"


@dataclass(frozen=True)
class Provenance:
    """From which delivered quantities features and definitions are made, as far as the ring's config tells.

    Attributes
    ----------
    features : mapping of str to frozenset of str
        By feature, the quantities in its expression.
    definitions : mapping of str to (frozenset of str, frozenset of str)
        By definition, the quantities of its numerator and those that only its denominator has, over all groups.

    Notes
    -----
    A quantity is named by the file, column and rows it is read from; the year does not count. Figures of other files are
    other quantities even where they are the same in truth.
    """

    features: Mapping[str, frozenset[str]]
    definitions: Mapping[str, tuple[frozenset[str], frozenset[str]]]


@dataclass(frozen=True)
class _Figure:
    """A figure of a definition that a feature might repeat.

    `role`: 'own' (made of a numerator: refused) or 'base' (told). `ranked`: whether an equal order of the cities counts as a
    repetition. `close`: whether a similar order is told. `twin`: the same figure of the denominator instead of the numerator.
    """

    definition: str
    label: str
    values: np.ndarray  # (C,), NaN where the city has none
    role: str = "own"
    ranked: bool = False
    close: bool = False
    twin: np.ndarray | None = None


@dataclass(frozen=True)
class _Column:
    """A feature of the settings with its values, shape (C,)."""

    feature: FeatureSettings
    values: np.ndarray

    @cached_property
    def half(self) -> float:
        """Half a unit of the last place the feature is rounded to; 0 if it is not rounded."""
        told = self.values[np.isfinite(self.values)]
        for decimals in range(_COARSEST, _FINEST + 1):
            if (np.abs(told - np.round(told, decimals)) <= 1e-9 * np.maximum(np.abs(told), 1.0)).all():
                return float(0.5 * 10.0**-decimals)
        return 0.0

    @cached_property
    def telling(self) -> np.ndarray:
        """Cities whose figures can tell something, shape (C,), bool: those off the commonest value, a floor or a ceiling."""
        told = np.isfinite(self.values)
        found, count = np.unique(self.values[told], return_counts=True)
        if len(count) and count.max() > 1:
            told &= self.values != found[np.argmax(count)]
        return told

    @property
    def coarse(self) -> bool:
        """Whether the rounding is so coarse that agreement to it proves nothing."""
        return self.half > _TOO_COARSE * float(np.std(self.values[self.telling]))


def admit_features(
    settings: PeerSettings,
    context: Context,
    panel: Panel,
    catalogue: Catalogue,
    years: tuple[int, ...],
    provenance: Provenance | None = None,
) -> tuple[str, ...]:
    """Refuse features that repeat what the comparison measures; tell those that share a base with it or resemble a rate.

    Parameters
    ----------
    settings : PeerSettings
    context : Context
    panel : Panel
        Counts of every delivered definition.
    catalogue : Catalogue
    years : tuple of int
        The ring's years; figures are compared in these, in all other years of the panel, and in their mean.
    provenance : Provenance, optional
        None where the config does not say how the features are made, as with workbooks.

    Returns
    -------
    tuple of str
        German sentences: shared bases, and features that order the cities nearly as a rate does.

    Raises
    ------
    UsageError
        If a feature is refused, for the whole ring: groups that differ between indicators could not be told as one.

    Notes
    -----
    By provenance a feature is refused that uses a quantity of a numerator. By its figures it is refused if it repeats, for
    target, reference or both together, in a year or on average: the rate, its complement, inverse or odds; the numerator or its
    complement, alone or over another base of the ring or a column of the context that counts people; the target group's share
    of the numerator; the difference or ratio of the two groups' rates or odds. To repeat is

    - to be, to the feature's rounding, a fixed multiple of it in 90 % of the cities that have both, at least five, where features
      without any relation would agree as often less than once in 3.6 million (binomial, with the share of cities that agree with
      another city's figure); cities at the feature's commonest value do not count;
    - or to order all cities that have both, ten different values at least, exactly as it does or the other way round. This
      finds the logarithm, a root, a score. A numerator or a share of it must turn round twelve pairs of cities that
      the feature tells apart against every base: in a ring where it grows with the population, its order is that of size too.

    A fixed multiple of a denominator, or its order, is a shared base; so is what the rounding does not tell from one. A feature
    with a rank correlation of 0.95 with a rate in ten cities is told, and so is a numerator's order that may be that of size.

    Orders can agree where both are honest: of ten cities, a normal variable correlated 0.9 with a rate orders all alike in three
    of a thousand rings, of twelve in three of ten thousand. This does not find a rate changed by noise, a rescaled one in rings
    of fewer than ten cities unless the scale is a factor, a numerator over a base that the ring does not have, or a figure from
    another source that says nearly the same.
    """
    check_settings(settings, context)
    told = _by_provenance(settings, catalogue, provenance) if provenance is not None else {}
    columns = [_Column(feature, context.features[feature.id].to_numpy(float)) for feature in settings.feature]
    figures = list(_figures(panel, catalogue, context))
    values = np.array([figure.values for figure in figures]).reshape(len(figures), len(context.features)).T
    bases: dict[str, list[str]] = {}
    orders: list[str] = []
    for column in columns:
        if column.telling.sum() >= FEWEST_CITIES:
            shared, alike = _repeated(column, figures, values, catalogue)
            bases[column.feature.id] = [_name(catalogue, definition) for definition in shared]
            orders += alike or _resembled(column, figures, catalogue)
    return tuple(dict.fromkeys([*_base_notes(settings, told, bases), *orders]))


def _by_provenance(settings: PeerSettings, catalogue: Catalogue, provenance: Provenance) -> dict[str, list[str]]:
    """Definitions that share a base with a feature, by feature id; refuse those that share a numerator."""
    shared: dict[str, list[str]] = {}
    for feature in settings.feature:
        used = provenance.features.get(feature.id, frozenset())
        for definition, (numerator, denominator) in provenance.definitions.items():
            own = sorted(used & numerator)
            if own:
                raise _refused(
                    feature, f"wird aus '{own[0]}' gebildet, woraus auch der Zähler von {_name(catalogue, definition)} stammt"
                )
            if used & denominator:
                shared.setdefault(feature.id, []).append(_name(catalogue, definition))
    return shared


def _repeated(column: _Column, figures: list[_Figure], values: np.ndarray, catalogue: Catalogue) -> tuple[list[str], list[str]]:
    """Definitions whose base a feature is, and the order it has in common with a numerator, told; refuse what repeats one.

    `values`: those of the figures, shape (C, K).
    """
    factors = _factors(column, values)
    multiples = [(figure, factors[place]) for place, figure in enumerate(figures) if np.isfinite(factors[place])]
    bases = {figure.definition for figure, _ in multiples if figure.role == "base"}
    for figure, factor in multiples:
        if figure.role == "own" and figure.definition not in bases:
            unit = _UNITS.get(factor, ", bis auf einen festen Faktor")
            raise _refused(column.feature, f"ist {figure.label} von {_name(catalogue, figure.definition)}{unit}")
    ordered = [figure for figure in figures if figure.ranked and _same_order(column, figure.values)]
    bases |= {figure.definition for figure in ordered if figure.role == "base"}
    if bases or not ordered:
        return sorted(bases), []
    sizes = [figure.values for figure in figures if figure.ranked and figure.role == "base"]
    for figure in ordered:
        if not _order_of_size(column, figure, sizes):
            label = f"{figure.label} von {_name(catalogue, figure.definition)}"
            raise _refused(column.feature, f"ordnet die Städte genau wie {label}, oder genau umgekehrt")
    return [], [_alike(column, "genau", ordered[0], catalogue)]


def _resembled(column: _Column, figures: list[_Figure], catalogue: Catalogue) -> list[str]:
    """Say which rate a feature is most like, if it is like one."""
    close = [(_rank_correlation(column.values, figure.values), figure) for figure in figures if figure.close]
    most, figure = max(close, key=lambda pair: pair[0], default=(0.0, None))
    return [_alike(column, "fast", figure, catalogue)] if figure is not None and most >= CLOSE else []


def _alike(column: _Column, how: str, figure: _Figure, catalogue: Catalogue) -> str:
    return (
        f"Das Merkmal '{column.feature.name_de}' ordnet die Städte {how} wie {figure.label} von "
        f"{_name(catalogue, figure.definition)}, oder {how} umgekehrt; bitte prüfen, ob es dieselbe Größe ist."
    )


def _figures(panel: Panel, catalogue: Catalogue, context: Context) -> Iterator[_Figure]:
    """Figures of every definition in every year and on average, for each group and for both together."""
    people = {f"'{column}'": values.to_numpy(float) for column, values in context.features.items() if _counts_people(values)}
    counts = {definition: _counts(panel, definition, context) for definition in panel.definitions}
    for definition, periods in counts.items():
        target, reference = catalogue.group_names(definition)
        names = {"target": target or "Zielgruppe", "reference": reference or "Vergleichsgruppe", "both": "beide Gruppen"}
        for period, groups in periods.items():
            for group, (y, n) in groups.items():
                over = people | {
                    f"dem Nenner von {other} ({word})": others[period][which][1]
                    for other, others in counts.items()
                    for which, word in ((group, "dieselbe Gruppe"), ("both", "beide Gruppen"))
                    if which in others.get(period, {}) and (other, which) != (definition, group)
                }
                yield from _figures_of(definition, y, n, over, f"({names[group]}, {period})")
            if "both" in groups:
                yield from _figures_between(definition, groups["target"], groups["reference"], f"({names['target']}, {period})")
        yield from _mean_rates(definition, periods, names)


_Counts = tuple[np.ndarray, np.ndarray]


def _counts(panel: Panel, definition: str, context: Context) -> dict[str, dict[str, _Counts]]:
    """Numerators and denominators, shape (C,) each, by year (and their mean) and group (and both together)."""
    rows = panel.select(definition)
    rows = rows[rows["y"].notna() & (rows["n"] > 0)]
    found: dict[str, dict[str, _Counts]] = {}
    for (year, group), part in rows.groupby(["year", "group"]):
        table = part.set_index("city")[["y", "n"]].reindex(context.features.index)
        found.setdefault(str(year), {})[str(group)] = (table["y"].to_numpy(float), table["n"].to_numpy(float))
    if len(found) > 1:
        shared = set.intersection(*(set(groups) for groups in found.values()))
        years = list(found.values())
        means = {
            group: [np.mean(both, axis=0) for both in zip(*(year[group] for year in years), strict=True)] for group in shared
        }
        found["Mittel der Jahre"] = {group: (y, n) for group, (y, n) in means.items()}
    for groups in found.values():
        if len(groups) == 2:
            groups["both"] = (groups["target"][0] + groups["reference"][0], groups["target"][1] + groups["reference"][1])
    return found


def _figures_of(definition: str, y: np.ndarray, n: np.ndarray, over: Mapping[str, np.ndarray], where: str) -> Iterator[_Figure]:
    """Figures of one group and year, shape (C,); `over`: what else counts may be set against."""
    rate = y / n
    yield _Figure(definition, f"die Quote {where}", rate, ranked=True, close=True)
    yield _Figure(definition, f"das Gegenstück der Quote {where}", 1.0 - rate)
    yield _Figure(definition, f"der Kehrwert der Quote {where}", _ratio(n, y))
    yield _Figure(definition, f"das Verhältnis von Zähler zu Gegenstück {where}", _ratio(y, n - y))
    yield _Figure(definition, f"der Zähler {where}", y, ranked=True, twin=n)
    yield _Figure(definition, f"das Gegenstück des Zählers {where}", n - y)
    yield _Figure(definition, f"der Nenner {where}", n, "base", ranked=True)
    for word, base in over.items():
        share = _ratio(n, base)
        yield _Figure(definition, f"der Zähler, gemessen an {word}, {where}", _ratio(y, base), ranked=True, twin=share)
        yield _Figure(definition, f"das Gegenstück des Zählers, gemessen an {word}, {where}", _ratio(n - y, base))
        yield _Figure(definition, f"der Nenner, gemessen an {word}, {where}", share, "base")


def _figures_between(definition: str, target: _Counts, reference: _Counts, where: str) -> Iterator[_Figure]:
    """Figures that set two groups against each other, shape (C,)."""
    (y, n), (y_reference, n_reference) = target, reference
    share, base = _ratio(y, y + y_reference), n / (n + n_reference)
    odds, odds_reference = _ratio(y, n - y), _ratio(y_reference, n_reference - y_reference)
    yield _Figure(definition, f"der Anteil am Zähler beider Gruppen {where}", share, ranked=True, close=True, twin=base)
    yield _Figure(definition, f"der übrige Anteil am Zähler beider Gruppen {where}", 1.0 - share)
    yield _Figure(definition, f"der Anteil am Nenner beider Gruppen {where}", base, "base")
    yield _Figure(definition, f"der übrige Anteil am Nenner beider Gruppen {where}", 1.0 - base, "base")
    yield _Figure(definition, f"der Abstand der Quoten {where}", y / n - y_reference / n_reference, ranked=True)
    yield _Figure(definition, f"das Verhältnis der Quoten {where}", _ratio(y / n, y_reference / n_reference), ranked=True)
    yield _Figure(definition, f"das Chancenverhältnis {where}", _ratio(odds, odds_reference), ranked=True)


def _mean_rates(definition: str, periods: Mapping[str, Mapping[str, _Counts]], names: Mapping[str, str]) -> Iterator[_Figure]:
    """Means of the yearly rates, shape (C,), which are not quite the rate of the mean counts."""
    years = [groups for period, groups in periods.items() if period.isdecimal()]
    for group, name in names.items() if len(years) > 1 else ():
        if all(group in groups for groups in years):
            mean = np.mean([groups[group][0] / groups[group][1] for groups in years], axis=0)
            yield _Figure(definition, f"das Mittel der Quoten ({name}, alle Jahre)", mean, ranked=True, close=True)
            yield _Figure(definition, f"das Gegenstück des Mittels der Quoten ({name}, alle Jahre)", 1.0 - mean)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Quotient, NaN where nothing can be divided by."""
    return above / np.where(below > 0, below, np.nan)


def _counts_people(values: ArrayLike) -> bool:
    """Whether a column of the context, shape (C,), may count people."""
    told = np.asarray(values, dtype=float)
    told = told[np.isfinite(told)]
    return bool((told >= _PERSONS).all())


def _factors(column: _Column, values: np.ndarray) -> np.ndarray:
    """Return the factor by which a feature is each figure, shape (C, K), to its rounding, as shape (K,); NaN where it is none."""
    feature, figures = column.values[column.telling][:, None], values[column.telling]
    factors = np.full(values.shape[1], np.nan)
    if column.coarse:
        return factors
    room = np.maximum(column.half, _EXACT * np.abs(feature)) * (1.0 + _EXACT)
    known = np.isfinite(figures)
    usable = known & (figures != 0.0)
    ends = np.stack([feature - room, feature + room]) / np.where(usable, figures, np.nan)
    points = np.concatenate([ends.min(axis=0), ends.max(axis=0)])  # (2C, K): where a city begins and ceases to agree
    order = np.argsort(points, axis=0, kind="stable")
    agreeing = np.cumsum(np.take_along_axis(np.concatenate([usable, -1 * usable]), order, axis=0), axis=0)
    most = np.argmax(agreeing, axis=0)
    nothing = (known & (figures == 0.0) & (np.abs(feature) <= room)).sum(axis=0)
    agreed, count = agreeing.max(axis=0) + nothing, known.sum(axis=0)
    for place in np.flatnonzero((count >= FEWEST_CITIES) & (agreed >= EQUAL_SHARE * count)):
        between = points[order[most[place] : most[place] + 2, place], place]
        factor, both = float(between.mean()), known[:, place]
        if _chance(feature[both, 0], factor * figures[both, place], room[both, 0], int(agreed[place])) <= _CHANCE:
            factors[place] = next((unit for unit in _UNITS if between[0] <= unit <= between[1]), factor)
    return factors


def _chance(feature: np.ndarray, figure: np.ndarray, room: np.ndarray, agreed: int) -> float:
    """Bound how often cities agree as often without any relation; shapes (C,). One city is spent on the factor.

    A city agrees with another's figure as often as it does here, and at least as often as a normal variable of the same
    spread hits an interval of that length.
    """
    cities = len(feature)
    others = (np.abs(feature[:, None] - figure) <= room[:, None]) & ~np.eye(cities, dtype=bool)
    hit = max(
        others.sum() / (cities * (cities - 1)), 2.0 * float(np.mean(room)) / (np.sqrt(2.0 * np.pi) * float(np.std(feature)))
    )
    return float(cities * binom.sf(agreed - 2, cities - 1, min(hit, 1.0)))


def _same_order(column: _Column, figure: np.ndarray) -> bool:
    """Whether a feature orders at least ten cities exactly as a figure does, or exactly the other way round.

    Cities that the feature's rounding makes equal may differ in the figure; cities with one figure may differ by one unit of
    the feature's last place.
    """
    both = np.isfinite(column.values) & np.isfinite(figure)
    feature, other = column.values[both], figure[both]
    if min(len(np.unique(feature)), len(np.unique(other))) < FEWEST_RANKED:
        return False
    slack = 1e-9 * float(np.max(np.abs(feature)))
    order = np.argsort(other)
    step = np.diff(feature[order])
    tied = np.diff(other[order]) <= 1e-9 * np.abs(other[order][1:])
    apart = np.abs(step[tied]) <= 2.0 * column.half + slack
    return bool(apart.all() and ((step[~tied] >= -slack).all() or (step[~tied] <= slack).all()))


def _order_of_size(column: _Column, figure: _Figure, sizes: list[np.ndarray]) -> bool:
    """Whether the order a feature shares with a figure may be that of a base: it turns too few pairs of cities round."""
    if figure.twin is None:
        return False
    both = np.isfinite(column.values) & np.isfinite(figure.values)
    bases = [base[both] for base in (figure.twin, *sizes) if np.isfinite(base[both]).mean() >= EQUAL_SHARE]
    return _counts_people(column.values) or any(_turned(column.values[both], base) < _FEWEST_TURNED for base in bases)


def _turned(feature: np.ndarray, base: np.ndarray) -> int:
    """Pairs of cities that two columns, shape (C,), order differently; if these are most pairs, those they order alike."""
    product = np.sign(feature[:, None] - feature) * np.sign(base[:, None] - base)
    return int(min((product < 0).sum(), (product > 0).sum()) // 2)


def _rank_correlation(feature: np.ndarray, figure: np.ndarray) -> float:
    """Absolute rank correlation (Spearman) of two columns, shape (C,); 0 with fewer than ten cities."""
    both = np.isfinite(feature) & np.isfinite(figure)
    if both.sum() < FEWEST_RANKED or min(np.ptp(feature[both]), np.ptp(figure[both])) == 0.0:
        return 0.0
    return float(abs(spearmanr(feature[both], figure[both]).statistic))


def _base_notes(settings: PeerSettings, *found: dict[str, list[str]]) -> Iterator[str]:
    for feature in settings.feature:
        names = list(dict.fromkeys(name for one in found for name in one.get(feature.id, ())))
        if names:
            yield (
                f"Das Merkmal '{feature.name_de}' teilt eine Grundzahl mit dem Nenner von {', '.join(names)}; "
                "das ist erlaubt, verbindet aber Vergleichsgruppe und Kennzahl."
            )


def _refused(feature: FeatureSettings, why: str) -> UsageError:
    return UsageError(f"das Merkmal '{feature.name_de}' ({feature.id}) {why}", place="[[peers.feature]]", mend=_MEND)


def _name(catalogue: Catalogue, definition: str) -> str:
    return f"'{catalogue.definition(definition)[0].name_de}' ({definition})"
