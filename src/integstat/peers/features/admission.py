"""Which features may not form peer groups: an indicator's own rate, its complement, or a figure its numerator is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from integstat.catalogue import Catalogue
from integstat.errors import UsageError
from integstat.panel import Context, Panel
from integstat.peers.features.figures import Figure, every_figure
from integstat.peers.features.repetition import FEWEST_CITIES, UNITS, Column, factors, order_of_size, rank_correlation, same_order
from integstat.peers.settings import FeatureSettings, PeerSettings, check_settings

CLOSE = 0.95  # rank correlation from which a feature is told to resemble a rate
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
    columns = [Column(feature, context.features[feature.id].to_numpy(float)) for feature in settings.feature]
    figures = list(every_figure(panel, catalogue, context))
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


def _repeated(column: Column, figures: list[Figure], values: np.ndarray, catalogue: Catalogue) -> tuple[list[str], list[str]]:
    """Definitions whose base a feature is, and the order it has in common with a numerator, told; refuse what repeats one.

    `values`: those of the figures, shape (C, K).
    """
    factor_of = factors(column, values)
    multiples = [(figure, factor_of[place]) for place, figure in enumerate(figures) if np.isfinite(factor_of[place])]
    bases = {figure.definition for figure, _ in multiples if figure.role == "base"}
    for figure, factor in multiples:
        if figure.role == "own" and figure.definition not in bases:
            unit = UNITS.get(factor, ", bis auf einen festen Faktor")
            raise _refused(column.feature, f"ist {figure.label} von {_name(catalogue, figure.definition)}{unit}")
    ordered = [figure for figure in figures if figure.ranked and same_order(column, figure.values)]
    bases |= {figure.definition for figure in ordered if figure.role == "base"}
    if bases or not ordered:
        return sorted(bases), []
    sizes = [figure.values for figure in figures if figure.ranked and figure.role == "base"]
    for figure in ordered:
        if not order_of_size(column, figure, sizes):
            label = f"{figure.label} von {_name(catalogue, figure.definition)}"
            raise _refused(column.feature, f"ordnet die Städte genau wie {label}, oder genau umgekehrt")
    return [], [_alike(column, "genau", ordered[0], catalogue)]


def _resembled(column: Column, figures: list[Figure], catalogue: Catalogue) -> list[str]:
    """Say which rate a feature is most like, if it is like one."""
    close = [(rank_correlation(column.values, figure.values), figure) for figure in figures if figure.close]
    most, figure = max(close, key=lambda pair: pair[0], default=(0.0, None))
    return [_alike(column, "fast", figure, catalogue)] if figure is not None and most >= CLOSE else []


def _alike(column: Column, how: str, figure: Figure, catalogue: Catalogue) -> str:
    return (
        f"Das Merkmal '{column.feature.name_de}' ordnet die Städte {how} wie {figure.label} von "
        f"{_name(catalogue, figure.definition)}, oder {how} umgekehrt; bitte prüfen, ob es dieselbe Größe ist."
    )


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
