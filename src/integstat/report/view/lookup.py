"""Names, units, digits and scales: looked up once, used by every section."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass

import numpy as np
import pandas as pd

from integstat.errors import ReportError
from integstat.report.data import ReportData
from integstat.texts import Texts

_POINTS = {"percent": 100.0, "per_1000": 1000.0}
_FINE = 0.5  # points: below such a step a second digit is shown
_OUTLYING = 2.5  # an axis ends before intervals this many times longer than nine in ten


@dataclass(frozen=True)
class Indicator:
    """What the report says about an indicator, wherever it stands.

    Attributes
    ----------
    digits : int
        Decimals of levels and differences: as many as the step ρ needs to show.
    within_land : bool
        Whether cities are compared only with others of their Land, because each Land measures in its own way.
    rho, rho_level : float
        Steps in points, at the median of the ring.
    axis : float
        Half width of the common axis of changes, in points; longer intervals end in an arrow.
    """

    id: str
    name: str
    field: str
    field_name: str
    definition: str
    definition_name: str
    unit: str
    digits: int
    polarity: int
    target: str
    reference: str
    allowed: bool
    verified: bool
    within_land: bool
    composition: str
    rho: float
    rho_level: float
    axis: float

    @property
    def two_groups(self) -> bool:
        """Whether there is a reference group to compare with."""
        return bool(self.reference)

    @property
    def anchor(self) -> str:
        """Anchor of the indicator's description."""
        return f"indikator-{self.id.lower()}"


@dataclass(frozen=True)
class City:
    """A city with its anchor."""

    key: str
    name: str
    land: str
    land_name: str

    @property
    def anchor(self) -> str:
        """Anchor of the city's section."""
        return f"stadt-{self.key}"


@dataclass(frozen=True)
class Lookup:
    """Everything the sections share.

    Attributes
    ----------
    indicators : tuple of Indicator
        Those of the grid: action field by action field, else in the ring's order.
    unfitted : tuple of str
        Names of indicators that the ring named and no model was made for.
    cities : tuple of City
        In the order of the alphabet, which is no rank.
    cells : dict
        Row of the grid by city and main definition.
    usual : dict
        What usual practice says of the same cell.
    """

    data: ReportData
    texts: Texts
    indicators: tuple[Indicator, ...]
    unfitted: tuple[str, ...]
    cities: tuple[City, ...]
    cells: dict[tuple[str, str], pd.Series]
    usual: dict[tuple[str, str], pd.Series]

    def cell(self, city: City, one: Indicator) -> pd.Series:
        """Return the row of the grid of a city and an indicator."""
        return self.cells[(city.key, one.definition)]

    def group_name(self, name: str) -> str:
        """Name of a group of cities in the reader's language; `name` is the German one, as tables have it."""
        partitions = self.data.partitions
        if partitions is None or self.texts.language == "de" or name not in partitions.names:
            return name
        return partitions.names_en[partitions.names.index(name)]

    @property
    def two_years(self) -> bool:
        """Whether there is a change to tell of."""
        return len(self.data.years) == 2

    @property
    def first(self) -> str:
        """First year, as text: a year has no thousands sign."""
        return str(self.data.years[0])

    @property
    def last(self) -> str:
        """Last year, as text."""
        return str(self.data.years[-1])

    def ring_row(self, definition: str) -> pd.Series:
        """Row of `Findings.ring` for a definition."""
        ring = self.data.findings.ring
        return ring[ring["definition"] == definition].iloc[0]


def build_lookup(data: ReportData, texts: Texts) -> Lookup:
    """Gather names, units and scales.

    Raises
    ------
    ReportError
        If there is no finding in any main definition.
    """
    grid = data.findings.grid
    modelled = set(grid["definition"]) & set(data.findings.ring["definition"])
    fitted = [indicator for indicator, definition in data.main.items() if definition in modelled]
    if not fitted:
        raise ReportError(
            "kein Indikator hat ein Ergebnis in seiner Hauptdefinition", mend="bitte die Stufe 'change' neu rechnen"
        )
    fields = list(dict.fromkeys(data.catalogue.indicators[one].field for one in fitted))
    ordered = sorted(fitted, key=lambda one: fields.index(data.catalogue.indicators[one].field))
    cells = {(str(row["city"]), str(row["definition"])): row for _, row in grid.iterrows()}
    usual = {(str(row["city"]), str(row["definition"])): row for _, row in data.beside.usual.iterrows()}
    unfitted = tuple(texts.of(data.catalogue.indicator(one)) for one in data.main if one not in fitted)
    return Lookup(
        data, texts, tuple(_indicator(data, one, texts) for one in ordered), unfitted, _cities(data.cities), cells, usual
    )


def _indicator(data: ReportData, indicator_id: str, texts: Texts) -> Indicator:
    catalogue = data.catalogue
    name = data.main[indicator_id]
    entry, definition = catalogue.definition(name)
    target, reference = catalogue.group_names(name)
    ring = data.findings.ring[data.findings.ring["definition"] == name].iloc[0]
    rho = float(ring["rho_points"])
    return Indicator(
        id=indicator_id,
        name=texts.of(entry),
        field=entry.field,
        field_name=texts.of(catalogue.fields[entry.field]),
        definition=name,
        definition_name=texts.of(definition),
        unit=entry.unit if entry.unit in _POINTS else "percent",
        digits=2 if rho < _FINE else 1,
        polarity=catalogue.polarity(name),
        target=target,
        reference=reference,
        allowed=catalogue.finding_allowed(name),
        verified=definition.verified_against_report,
        within_land=definition.scope == "same_land",
        composition=entry.composition_note_de,
        rho=rho,
        rho_level=float(ring["rho_level_points"]),
        axis=_axis(data.findings.grid, name, rho),
    )


def _axis(grid: pd.DataFrame, definition: str, rho: float) -> float:
    columns = ["change_lower", "change_upper", "relative_change_lower", "relative_change_upper"]
    ends = np.abs(grid.loc[grid["definition"] == definition, columns].to_numpy(float))
    return axis_limit(ends[np.isfinite(ends)], 1.5 * rho)


def axis_limit(ends: np.ndarray, least: float) -> float:
    """Half width of an axis: a round number that holds the interval ends, a few far outlying ones apart.

    Parameters
    ----------
    ends : ndarray
        Distances from zero, in points.
    least : float
        The axis reaches at least so far.
    """
    wanted = least
    if len(ends):
        usual, longest = float(np.quantile(ends, 0.9)), float(ends.max())
        wanted = max(least, longest if longest <= _OUTLYING * usual else 1.2 * usual)
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * power >= wanted * (1 - 1e-9))


def _cities(frame: pd.DataFrame) -> tuple[City, ...]:
    rows = [City(str(r["city"]), str(r["name"]), str(r["land"]), str(r["land_name"])) for _, r in frame.iterrows()]
    return tuple(sorted(rows, key=lambda city: (alphabetic(city.name), city.key)))


def alphabetic(name: str) -> str:
    """Sort key of the German dictionary: umlauts beside their vowels, ß as ss."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))
