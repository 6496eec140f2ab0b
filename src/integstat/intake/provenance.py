"""Which figures of which files features and definitions are made of, as the ring's config states it."""

from __future__ import annotations

from integstat.intake.expressions import Expression, parse_expression
from integstat.intake.settings import IntakeSettings
from integstat.peers.features.admission import Provenance


def provenance_of(settings: IntakeSettings) -> Provenance | None:
    """Trace the expressions of a config back to files, columns and rows.

    Parameters
    ----------
    settings : IntakeSettings

    Returns
    -------
    Provenance or None
        None without a section [context]: workbooks do not say how their features are made.

    Notes
    -----
    Two series are the same quantity if files, column and rows agree; year and measure do not count. Sums over overlapping
    rows are told apart: of such a pair only the figures can tell.
    """
    if settings.context is None:
        return None
    features = {
        feature: _quantities(settings, parse_expression(text).names) for feature, text in settings.context.features.items()
    }
    definitions: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
    for delivery in settings.delivery:
        above, below = definitions.get(delivery.definition, (frozenset(), frozenset()))
        own, base = _roles(delivery.expression("numerator"), delivery.expression("denominator"))
        definitions[delivery.definition] = above | _quantities(settings, own), below | _quantities(settings, base)
    return Provenance(features, {name: (above, below - above) for name, (above, below) in definitions.items()})


def _roles(numerator: Expression, denominator: Expression) -> tuple[set[str], set[str]]:
    """Series that the numerator is made of, and those that are base only.

    In `all - x` over `all`, and in `rate * all` over `all`, the base is `all`. In `y` over `y / rate` the rate is the
    indicator's own.
    """
    above, below = set(numerator.names), set(denominator.names)
    own = above
    if numerator.operators & {"−", "×", "÷"} and above - below:
        own = above - below
    if denominator.scales and above & below:
        own = own | below
    return own, below - own


def _quantities(settings: IntakeSettings, names: set[str] | tuple[str, ...]) -> frozenset[str]:
    return frozenset(_quantity(settings, name) for name in names)


def _quantity(settings: IntakeSettings, name: str) -> str:
    """Name what a series reads: files, column, rows."""
    series = settings.series_by_id[name]
    source = next(one for one in settings.source if one.id == series.source)
    rows = "; ".join(f"{column} = {', '.join(sorted(series.wanted(column)))}" for column in sorted(series.where))
    column = series.value or source.value_column
    return f"{', '.join(sorted(source.files))}, Spalte {column}" + (f" ({rows})" if rows else "")
