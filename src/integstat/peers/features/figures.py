"""The figures a comparison measures: what a context feature might repeat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from integstat.catalogue import Catalogue
from integstat.panel import Context, Panel

_PERSONS = 1000.0  # a context column with no smaller value may be the base of another


@dataclass(frozen=True)
class Figure:
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


def every_figure(panel: Panel, catalogue: Catalogue, context: Context) -> Iterator[Figure]:
    """Figures of every definition in every year and on average, for each group and for both together."""
    people = {f"'{column}'": values.to_numpy(float) for column, values in context.features.items() if counts_people(values)}
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


def _figures_of(definition: str, y: np.ndarray, n: np.ndarray, over: Mapping[str, np.ndarray], where: str) -> Iterator[Figure]:
    """Figures of one group and year, shape (C,); `over`: what else counts may be set against."""
    rate = y / n
    yield Figure(definition, f"die Quote {where}", rate, ranked=True, close=True)
    yield Figure(definition, f"das Gegenstück der Quote {where}", 1.0 - rate)
    yield Figure(definition, f"der Kehrwert der Quote {where}", _ratio(n, y))
    yield Figure(definition, f"das Verhältnis von Zähler zu Gegenstück {where}", _ratio(y, n - y))
    yield Figure(definition, f"der Zähler {where}", y, ranked=True, twin=n)
    yield Figure(definition, f"das Gegenstück des Zählers {where}", n - y)
    yield Figure(definition, f"der Nenner {where}", n, "base", ranked=True)
    for word, base in over.items():
        share = _ratio(n, base)
        yield Figure(definition, f"der Zähler, gemessen an {word}, {where}", _ratio(y, base), ranked=True, twin=share)
        yield Figure(definition, f"das Gegenstück des Zählers, gemessen an {word}, {where}", _ratio(n - y, base))
        yield Figure(definition, f"der Nenner, gemessen an {word}, {where}", share, "base")


def _figures_between(definition: str, target: _Counts, reference: _Counts, where: str) -> Iterator[Figure]:
    """Figures that set two groups against each other, shape (C,)."""
    (y, n), (y_reference, n_reference) = target, reference
    share, base = _ratio(y, y + y_reference), n / (n + n_reference)
    odds, odds_reference = _ratio(y, n - y), _ratio(y_reference, n_reference - y_reference)
    yield Figure(definition, f"der Anteil am Zähler beider Gruppen {where}", share, ranked=True, close=True, twin=base)
    yield Figure(definition, f"der übrige Anteil am Zähler beider Gruppen {where}", 1.0 - share)
    yield Figure(definition, f"der Anteil am Nenner beider Gruppen {where}", base, "base")
    yield Figure(definition, f"der übrige Anteil am Nenner beider Gruppen {where}", 1.0 - base, "base")
    yield Figure(definition, f"der Abstand der Quoten {where}", y / n - y_reference / n_reference, ranked=True)
    yield Figure(definition, f"das Verhältnis der Quoten {where}", _ratio(y / n, y_reference / n_reference), ranked=True)
    yield Figure(definition, f"das Chancenverhältnis {where}", _ratio(odds, odds_reference), ranked=True)


def _mean_rates(definition: str, periods: Mapping[str, Mapping[str, _Counts]], names: Mapping[str, str]) -> Iterator[Figure]:
    """Means of the yearly rates, shape (C,), which are not quite the rate of the mean counts."""
    years = [groups for period, groups in periods.items() if period.isdecimal()]
    for group, name in names.items() if len(years) > 1 else ():
        if all(group in groups for groups in years):
            mean = np.mean([groups[group][0] / groups[group][1] for groups in years], axis=0)
            yield Figure(definition, f"das Mittel der Quoten ({name}, alle Jahre)", mean, ranked=True, close=True)
            yield Figure(definition, f"das Gegenstück des Mittels der Quoten ({name}, alle Jahre)", 1.0 - mean)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Quotient, NaN where nothing can be divided by."""
    return above / np.where(below > 0, below, np.nan)


def counts_people(values: ArrayLike) -> bool:
    """Whether a column of the context, shape (C,), may count people."""
    told = np.asarray(values, dtype=float)
    told = told[np.isfinite(told)]
    return bool((told >= _PERSONS).all())
