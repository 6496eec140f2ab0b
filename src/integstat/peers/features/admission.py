"""Which features may not form peer groups: an indicator's own rate, its complement, or a figure its numerator is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from integstat.catalogue import Catalogue
from integstat.errors import UsageError
from integstat.panel import Context, Panel
from integstat.peers.settings import FeatureSettings, PeerSettings, check_settings

FEWEST_CITIES = 5  # with fewer, equal figures prove nothing
EQUAL_SHARE = 0.9  # of the cities: a corrected figure or two do not make another feature
FEWEST_RANKED = 10  # two orders of ten cities agree by chance once in 3.6 million
_UNITS = ((1.0, "als Anteil"), (100.0, "in Prozent"), (1000.0, "je 1.000"))
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

    `role`: 'own' (rate, numerator or complement: refused), 'base' (told). `ranks`: whether the order of the cities is compared.
    """

    label: str
    values: np.ndarray  # (C,), NaN where the city has none
    role: str
    ranks: bool = False


def admit_features(
    settings: PeerSettings,
    context: Context,
    panel: Panel,
    catalogue: Catalogue,
    years: tuple[int, ...],
    provenance: Provenance | None = None,
) -> tuple[str, ...]:
    """Refuse features that repeat what the comparison measures; tell those that share a base with it.

    Parameters
    ----------
    settings : PeerSettings
    context : Context
    panel : Panel
        Counts of every delivered definition.
    catalogue : Catalogue
    years : tuple of int
        The ring's years, ascending; figures are compared in the first and in the year of the context.
    provenance : Provenance, optional
        None where the config does not say how the features are made, as with workbooks.

    Returns
    -------
    tuple of str
        German sentences: shared bases, and features that order the cities exactly as a rate does.

    Raises
    ------
    UsageError
        If a feature is refused, for the whole ring: groups that differ between indicators could not be told as one.

    Notes
    -----
    By provenance a feature is refused that uses a quantity of a numerator. By its figures it is refused if, to its own rounding,
    it equals the rate (as share, in percent, per 1,000), the numerator, the numerator over a column of the context that counts
    people, or the complement of one of these in 90 % of the cities that have both, at least five; for target, reference and both
    together. What its rounding does not tell from a base is taken for the base. This does not find a figure of a neighbouring
    year, or one from another source that says nearly the same.
    """
    check_settings(settings, context)
    told = _by_provenance(settings, catalogue, provenance) if provenance is not None else {}
    found = _by_figures(settings, context, panel, catalogue, years)
    return tuple(dict.fromkeys([*_base_notes(settings, told, found.bases), *found.orders]))


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


@dataclass(frozen=True)
class _Found:
    bases: dict[str, list[str]]  # definitions by feature id
    orders: list[str]  # sentences


def _by_figures(settings: PeerSettings, context: Context, panel: Panel, catalogue: Catalogue, years: tuple[int, ...]) -> _Found:
    values = context.features[[feature.id for feature in settings.feature]].to_numpy(float)
    rounding = np.array([_half_unit(column) for column in values.T])
    bases: dict[str, list[str]] = {}
    orders = []
    for definition in panel.definitions:
        name = _name(catalogue, definition)
        for figures in _figures(panel, catalogue, definition, years[0], context):
            alike = {figure.label: _equal(values, figure.values, rounding) for figure in figures}
            base = np.any([alike[figure.label] for figure in figures if figure.role == "base"], axis=0)
            for figure in figures:
                for place in np.flatnonzero(alike[figure.label] & ~base) if figure.role == "own" else ():
                    raise _refused(settings.feature[place], f"ist {figure.label} von {name}")
                if figure.ranks:
                    orders += [
                        f"Das Merkmal '{settings.feature[place].name_de}' ordnet die Städte genau wie {figure.label} von {name}; "
                        "bitte prüfen, ob es dieselbe Größe ist."
                        for place in range(values.shape[1])
                        if _same_order(values[:, place], figure.values)
                    ]
            for place in np.flatnonzero(base):
                bases.setdefault(settings.feature[place].id, []).append(name)
    return _Found(bases, orders)


def _figures(panel: Panel, catalogue: Catalogue, definition: str, first: int, context: Context) -> Iterator[list[_Figure]]:
    """Figures of a definition in the first year and the context's, for each group and for both together."""
    rows = panel.select(definition)
    rows = rows[rows["y"].notna() & (rows["n"] > 0)]
    target, reference = catalogue.group_names(definition)
    names = {"target": target or "Zielgruppe", "reference": reference or "Vergleichsgruppe", "both": "beide Gruppen"}
    people = _people(context)
    for year in sorted({first, context.year}):
        by_group = {
            str(group): part.set_index("city")[["y", "n"]].reindex(context.features.index)
            for group, part in rows[rows["year"] == year].groupby("group")
        }
        if len(by_group) == 2:
            by_group["both"] = by_group["target"] + by_group["reference"]
        for group, counts in by_group.items():
            yield _figures_of(counts["y"].to_numpy(float), counts["n"].to_numpy(float), people, f"({names[group]}, {year})")


def _figures_of(y: np.ndarray, n: np.ndarray, people: Mapping[str, np.ndarray], where: str) -> list[_Figure]:
    """Figures of one group and year, shape (C,); `people`: columns of the context that counts may be set against."""
    rate = y / n
    figures = [
        _Figure(f"der Zähler {where}", y, "own"),
        _Figure(f"das Gegenstück des Zählers {where}", n - y, "own"),
        _Figure(f"der Nenner {where}", n, "base"),
    ]
    for unit, word in _UNITS:
        figures += [
            _Figure(f"die Quote {word} {where}", unit * rate, "own", ranks=unit == 1.0),
            _Figure(f"das Gegenstück der Quote {word} {where}", unit * (1.0 - rate), "own"),
        ]
        for column, base in people.items():
            over = f"gemessen an '{column}', {word} {where}"
            figures += [
                _Figure(f"der Zähler, {over}", unit * y / base, "own"),
                _Figure(f"das Gegenstück des Zählers, {over}", unit * (n - y) / base, "own"),
                _Figure(f"der Nenner, {over}", unit * n / base, "base"),
            ]
    return figures


def _people(context: Context) -> dict[str, np.ndarray]:
    """Columns of the context that may count people, by id, shape (C,) each."""
    return {
        str(column): values.to_numpy(float) for column, values in context.features.items() if (values.dropna() >= _PERSONS).all()
    }


def _equal(values: np.ndarray, figure: np.ndarray, rounding: np.ndarray) -> np.ndarray:
    """Whether each feature, shape (C, F), repeats a figure, shape (C,), to its rounding, shape (F,)."""
    both = np.isfinite(values) & np.isfinite(figure)[:, None]
    off = np.abs(np.where(both, values - figure[:, None], np.inf))
    near = off <= np.maximum(rounding, _EXACT * np.abs(np.nan_to_num(values))) * (1.0 + _EXACT)
    count = both.sum(axis=0)
    return np.asarray((count >= FEWEST_CITIES) & (near.sum(axis=0) >= EQUAL_SHARE * count) & np.isfinite(rounding))


def _half_unit(column: np.ndarray) -> float:
    """Half a unit of the last place a feature is rounded to; 0 if it is not rounded, infinite if too coarse to compare."""
    told = column[np.isfinite(column)]
    if len(told) < FEWEST_CITIES:
        return np.inf
    for decimals in range(_COARSEST, _FINEST + 1):
        if (np.abs(told - np.round(told, decimals)) <= 1e-9 * np.maximum(np.abs(told), 1.0)).all():
            half = 0.5 * 10.0**-decimals
            return half if half <= _TOO_COARSE * float(np.std(told)) else np.inf
    return 0.0


def _same_order(feature: np.ndarray, rate: np.ndarray) -> bool:
    """Whether a feature orders at least ten cities exactly as a rate does, or exactly the other way round."""
    both = np.isfinite(feature) & np.isfinite(rate)
    first, second = feature[both], rate[both]
    if len(first) < FEWEST_RANKED or len(np.unique(first)) < FEWEST_RANKED:
        return False
    ranks = rankdata(first)
    return bool((ranks == rankdata(second)).all() or (ranks == rankdata(-second)).all())


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
