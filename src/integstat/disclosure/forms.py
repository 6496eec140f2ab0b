"""What delivered numbers are made of, so that one can be computed from others: sums and differences of the same figures."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal

from integstat.catalogue import Catalogue
from integstat.catalogue.schema import DefinitionEntry
from integstat.intake.deliveries import PARTS
from integstat.intake.expressions import Expression
from integstat.intake.settings import DeliverySettings, IntakeSettings

Atom = tuple[Hashable, ...]  # one figure of a city
Part = Literal["numerator", "denominator"]


@dataclass(frozen=True)
class Form:
    """A number as a sum of figures of the same city.

    Attributes
    ----------
    terms : mapping of tuple to float
        Factor by figure.
    constant : float
        Added to them.
    reconstructed : bool
        Multiplied or divided: a figure of its own, which may be missing because of what another one is (a base computed back
        from a count of 0 and a rate of 0).
    """

    terms: Mapping[Atom, float]
    constant: float = 0.0
    reconstructed: bool = False


Forms = dict[tuple[str, str, int, Part], Form]


def forms_of(intake: IntakeSettings, catalogue: Catalogue) -> Forms:
    """Lay out every number that a ring can deliver.

    Parameters
    ----------
    intake : IntakeSettings
        Its expressions say what is made of which series; a series that adds up rows of a file is their sum.
    catalogue : Catalogue
        Names the counts (Grundzahlen) of definitions that come in workbooks: the same count, for the same persons, from the same
        source, of the same day, is the same figure in every definition that uses it. The reference group is what the target group
        leaves of a total, and that total is the same whichever concept divides it.

    Returns
    -------
    dict of (str, str, int, str) to Form
        By definition, group, year and part.

    Notes
    -----
    A reconstruction (multiplied, divided) is a figure of its own: its parts are no counts. What a city knows, or a statistical
    office prints elsewhere, is no part of it, nor is that a category 'total' is the sum of the others, unless the config says so.
    A definition's span of ages belongs to its base: the same leavers are set against leavers or against residents of an age.
    """
    out: Forms = {}
    for delivery in intake.delivery:
        for part in PARTS:
            for year in intake.ring.years:
                out[delivery.definition, delivery.group, year, part] = _of_series(delivery, part, year, intake)
    for definition in catalogue.definition_ids:
        indicator, entry = catalogue.definition(definition)
        for group, year, part in product(indicator.groups, intake.ring.years, PARTS):
            out.setdefault((definition, group, year, part), Form(_count(entry, group, year, part)))
    return out


def _of_series(delivery: DeliverySettings, part: Part, year: int, intake: IntakeSettings) -> Form:
    expression = delivery.expression(part)
    if expression.scales:
        return Form({(delivery.definition, delivery.group, part, year): 1.0}, reconstructed=True)
    constant, factors = _linear(expression)
    terms: dict[Atom, float] = {}
    for name, factor in factors.items():
        for atom in _rows(intake, name, year):
            terms[atom] = terms.get(atom, 0.0) + factor
    return Form(terms, constant)


def _linear(expression: Expression) -> tuple[float, dict[str, float]]:
    """Constant and factor of every series of an expression that only adds and subtracts."""
    nothing = dict.fromkeys(expression.names, (0.0, "value"))
    constant = expression.evaluate(nothing)[0]
    return constant, {name: expression.evaluate(nothing | {name: (1.0, "value")})[0] - constant for name in expression.names}


def _rows(intake: IntakeSettings, name: str, year: int) -> list[Atom]:
    """Rows of files that a series adds up."""
    series = intake.series_by_id[name]
    source = next(one for one in intake.source if one.id == series.source)
    column = series.value or source.value_column
    choices = [[(key, value) for value in series.wanted(key)] for key in sorted(series.where)]
    return [(tuple(sorted(source.files)), column, rows, series.data_year(year)) for rows in product(*choices)]


def _count(entry: DefinitionEntry, group: str, year: int, part: Part) -> dict[Atom, float]:
    """Lay out the count of the catalogue that a definition uses: a figure, or what it leaves of the total of all concepts."""
    ages: Atom
    if part == "numerator":
        what, concept, source, of, ages = entry.numerator, entry.group_concept, entry.source, year, (None, None)
    else:
        what, concept = entry.denominator, entry.denominator_group_concept or entry.group_concept
        source, ages = entry.denominator_source or entry.source, (entry.age_from, entry.age_below)
        of = entry.denominator_year or year - entry.denominator_lag
    total = (what, source, *ages, entry.reference_date, entry.place, of)
    target = (*total, concept)
    return {target: 1.0} if group == "target" else {total: 1.0, target: -1.0}
