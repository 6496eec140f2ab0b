"""The intake sections of a ring's TOML: who takes part, which files, which column is which count."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Literal

from pydantic import Field, field_validator, model_validator

from integstat.intake.expressions import Expression, parse_expression
from integstat.tomlfile import Strict

Reader = Literal[
    "genesis", "genesis_flat", "inkar", "labour_agency", "municipalities", "open_sdg", "tidy", "wegweiser", "workbook"
]
Where = dict[str, str | tuple[str, ...]]

_GERMAN = ("genesis", "genesis_flat", "inkar", "labour_agency", "municipalities", "wegweiser")  # ';' and decimal comma
_YEAR = {
    "genesis_flat": "Zeit",
    "inkar": "Zeitbezug",
    "labour_agency": "Zeit",
    "municipalities": "Stand",
    "open_sdg": "Year",
    "wegweiser": "Jahr",
}
_VALUE = dict.fromkeys(("genesis", "genesis_flat", "inkar", "labour_agency", "wegweiser"), "Wert") | {"open_sdg": "Value"}
_NAMED_HEADERS = ("genesis", "labour_agency")
_SHEETS = ("labour_agency", "municipalities")
_IDENTIFIER = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


class IgnoreSettings(Strict):
    """Region keys that are no city: a pattern for the whole key and the reason, told to the reader of the report."""

    pattern: str
    reason: str

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"das Muster '{value}' ist kein gültiger regulärer Ausdruck") from error
        return value


class RegionSettings(Strict):
    """How a file names its regions."""

    column: str
    name: str | None = None  # column with the region's name
    strip_prefix: str = ""  # stands before the key and is taken off; a key without it is passed over
    whole_kreis: bool = False  # a municipality's key ending in 000 is the Kreis it fills: 03403000 is 03403
    ignore: tuple[IgnoreSettings, ...] = ()


_REGION = {
    "inkar": RegionSettings(column="Kennziffer", name="Name"),
    "municipalities": RegionSettings(column="AGS", name="Name"),
    "open_sdg": RegionSettings(column="GeoCode", name="Gebietseinheit"),
    "wegweiser": RegionSettings(column="AGS", name="Kommune", whole_kreis=True),
}


class MinimumSettings(Strict):
    """A city takes part if this series reaches this value in this year."""

    series: str
    year: int
    value: float


class CitySettings(Strict):
    """Where the list of cities comes from: the rows of one source, or the cities' own workbooks."""

    source: str | None = None
    workbooks: bool = False
    where: Where = Field(default_factory=dict)
    minimum: MinimumSettings | None = None
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_origin(self) -> CitySettings:
        if self.workbooks == (self.source is not None):
            raise ValueError("die Städte kommen entweder aus 'source' oder mit 'workbooks = true' aus den Arbeitsmappen")
        return self


class RingSettings(Strict):
    """The ring: its name, its years, the folder of its data, its main definitions and its cities."""

    id: str
    name: str
    years: tuple[int, ...] = Field(min_length=1)
    data: str  # a folder, or a store of vintages
    as_of: datetime.date | None = None  # only of a store: what had been received by the end of this day
    catalogue: str | None = None
    key_changes: str | None = None  # table of keys that were dissolved or renamed, in the data folder
    main: dict[str, str] = Field(default_factory=dict)
    cities: CitySettings

    @field_validator("years")
    @classmethod
    def _ascending(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError("die Berichtsjahre müssen aufsteigen und dürfen nicht doppelt stehen")
        if any(not 1950 <= year <= 2100 for year in value):
            raise ValueError("ein Berichtsjahr liegt außerhalb von 1950 bis 2100")
        return value


class SourceSettings(Strict):
    """One file, or several of the same form, and how to read it."""

    id: str
    reader: Reader
    file: str | tuple[str, ...]  # relative to the data folder; * and ? allowed
    encoding: str | None = None
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    decimal: Literal[",", "."] | None = None
    year: str | None = None  # column with the year or the reference date
    value: str | None = None  # column with the figures
    region: str | RegionSettings | None = None
    leading: tuple[str, ...] = ()  # genesis, labour_agency: names of the columns left of the figures
    header: tuple[str, ...] = ()  # genesis, labour_agency: names of the header lines, from above
    sheet: str | None = None  # labour_agency, municipalities: sheet with the table, where the workbook has several
    keys: dict[str, str] = Field(default_factory=dict)  # wegweiser: AGS by name, where the file has names only

    @model_validator(mode="after")
    def _fits_reader(self) -> SourceSettings:
        if self.reader in _NAMED_HEADERS and not (self.leading and self.header):
            raise ValueError(f"die Quelle '{self.id}' braucht 'leading' (Vorspalten) und 'header' (Kopfzeilen)")
        if self.reader not in (*_REGION, "workbook") and self.region is None:
            raise ValueError(f"die Quelle '{self.id}' braucht 'region' (Spalte mit dem Gebietsschlüssel)")
        if self.reader not in (*_YEAR, "workbook") and self.year is None:
            raise ValueError(f"die Quelle '{self.id}' braucht 'year' (Spalte mit dem Jahr oder Stichtag)")
        if self.sheet is not None and self.reader not in _SHEETS:
            raise ValueError(f"die Quelle '{self.id}' nennt ein Blatt ('sheet'), aber ihre Dateien sind keine Arbeitsmappen")
        if self.keys and self.reader != "wegweiser":
            raise ValueError(f"die Quelle '{self.id}' nennt 'keys', das gibt es nur beim Wegweiser Kommune")
        if self.reader in _NAMED_HEADERS:
            _unique("Spalte", [*self.leading, *self.header, _VALUE[self.reader]])
        return self

    @property
    def files(self) -> tuple[str, ...]:
        """File names or patterns."""
        return (self.file,) if isinstance(self.file, str) else self.file

    @property
    def file_encoding(self) -> str:
        """Encoding, by default the one usual for the reader."""
        return self.encoding or ("iso-8859-1" if self.reader == "genesis" else "utf-8")

    @property
    def file_separator(self) -> str:
        """Separator, by default the one usual for the reader."""
        return self.separator or (";" if self.reader in _GERMAN else ",")

    @property
    def file_decimal(self) -> str:
        """Decimal sign, by default the one usual for the reader."""
        return self.decimal or ("," if self.reader in _GERMAN else ".")

    @property
    def year_column(self) -> str:
        """Column with the year or the reference date."""
        return self.year or _YEAR.get(self.reader, "Year")

    @property
    def value_column(self) -> str | None:
        """Column with the figures, if the source has one for all its series."""
        return self.value or _VALUE.get(self.reader)


class SeriesSettings(Strict):
    """One figure per region and year, picked out of a source.

    `measure` says what the figures are: whole persons or cases (`count`), means of months (`mean`) or rates (`rate`).
    `sum` adds the rows that the values listed in `where` pick; without it, two rows for one region are an error.
    `year_shift = -1` takes the previous year's figure (previous year-end); `year` takes the same year for all.
    """

    id: str
    source: str
    where: Where = Field(default_factory=dict)
    value: str | None = None
    measure: Literal["count", "mean", "rate"] = "count"
    kind: str | None = None  # column that says how the count came about
    sum: bool = False
    year_shift: int = Field(default=0, ge=-5, le=5)
    year: int | None = None

    @model_validator(mode="after")
    def _clear(self) -> SeriesSettings:
        if not _IDENTIFIER.match(self.id):
            raise ValueError(f"die Reihe '{self.id}' braucht eine Kennung aus Buchstaben, Ziffern und Unterstrich")
        if self.year is not None and self.year_shift:
            raise ValueError(f"die Reihe '{self.id}' hat 'year' und 'year_shift'; nur eines davon ist möglich")
        return self

    def wanted(self, column: str) -> tuple[str, ...]:
        """Values asked for in one column of `where`."""
        value = self.where[column]
        return (value,) if isinstance(value, str) else value

    def data_year(self, year: int) -> int:
        """Year of the file that stands for a reporting year."""
        return self.year if self.year is not None else year + self.year_shift


class DeliverySettings(Strict):
    """Which expression is numerator and which denominator of a definition, for one group.

    `allow_derived` names the series whose derived counts the ring accepts all the same.
    """

    definition: str
    group: Literal["target", "reference"] = "target"
    numerator: str
    denominator: str
    allow_derived: tuple[str, ...] = ()
    note: str = ""

    @field_validator("numerator", "denominator")
    @classmethod
    def _readable(cls, value: str) -> str:
        parse_expression(value)
        return value

    def expression(self, part: Literal["numerator", "denominator"]) -> Expression:
        """Parsed numerator or denominator."""
        return parse_expression(self.numerator if part == "numerator" else self.denominator)


class ContextSettings(Strict):
    """Features of the cities in one year: feature id → expression over series."""

    year: int
    features: dict[str, str] = Field(min_length=1)

    @field_validator("features")
    @classmethod
    def _readable(cls, value: dict[str, str]) -> dict[str, str]:
        for text in value.values():
            parse_expression(text)
        return value


class IntakeSettings(Strict):
    """Everything the intake needs of a ring's TOML; other sections are added where the whole config is composed."""

    ring: RingSettings
    regions: dict[str, RegionSettings] = Field(default_factory=dict)
    source: tuple[SourceSettings, ...] = Field(min_length=1)
    series: tuple[SeriesSettings, ...] = ()
    delivery: tuple[DeliverySettings, ...] = ()
    context: ContextSettings | None = None

    @model_validator(mode="after")
    def _references(self) -> IntakeSettings:
        _unique("Quelle", [source.id for source in self.source])
        _unique("Reihe", [series.id for series in self.series])
        _unique("Lieferung", [f"{one.definition}, {one.group}" for one in self.delivery])
        sources = {source.id: source for source in self.source}
        for source in self.source:
            if isinstance(source.region, str) and source.region not in self.regions:
                raise ValueError(f"die Quelle '{source.id}' nennt die Gebietsregel '{source.region}', die es nicht gibt")
        for series in self.series:
            if series.source not in sources:
                raise ValueError(f"die Reihe '{series.id}' nennt die Quelle '{series.source}', die es nicht gibt")
            if sources[series.source].reader == "workbook":
                raise ValueError(f"die Reihe '{series.id}' liest aus Arbeitsmappen; die bringen ihre Grundzahlen selbst mit")
            if series.value is None and sources[series.source].value_column is None:
                raise ValueError(f"die Reihe '{series.id}' braucht 'value' (Spalte mit den Zahlen)")
        self._check_names()
        self._check_cities(sources)
        return self

    def _check_names(self) -> None:
        known = {series.id for series in self.series}
        for one in self.delivery:
            for text in (one.numerator, one.denominator):
                _known(text, known, f"Lieferung '{one.definition}'")
            unknown = [name for name in one.allow_derived if name not in known]
            if unknown:
                raise ValueError(f"die Lieferung '{one.definition}' erlaubt die Reihe '{unknown[0]}', die es nicht gibt")
        if self.context is not None:
            if self.context.year > self.ring.years[0]:
                raise ValueError(f"der Kontext darf nicht jünger sein als das erste Berichtsjahr {self.ring.years[0]}")
            for feature, text in self.context.features.items():
                _known(text, known, f"Merkmal '{feature}'")

    def _check_cities(self, sources: dict[str, SourceSettings]) -> None:
        cities = self.ring.cities
        if cities.workbooks and not any(source.reader == "workbook" for source in self.source):
            raise ValueError("die Städte sollen aus Arbeitsmappen kommen, aber keine Quelle liest Arbeitsmappen")
        if cities.source is not None and (cities.source not in sources or sources[cities.source].reader == "workbook"):
            raise ValueError(f"die Städte sollen aus der Quelle '{cities.source}' kommen, die es so nicht gibt")
        if cities.minimum is not None and cities.minimum.series not in {series.id for series in self.series}:
            raise ValueError(f"die Mindestgröße nennt die Reihe '{cities.minimum.series}', die es nicht gibt")

    @cached_property
    def series_by_id(self) -> dict[str, SeriesSettings]:
        """Series by id."""
        return {series.id: series for series in self.series}

    def region_of(self, source: SourceSettings) -> RegionSettings:
        """Region rule of a source; most readers have a usual one."""
        if isinstance(source.region, str):
            return self.regions[source.region]
        return source.region or _REGION[source.reader]


def _unique(what: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise ValueError(f"{what} '{one}' steht doppelt")
        seen.add(one)


def _known(text: str, known: set[str], where: str) -> None:
    unknown = [name for name in parse_expression(text).names if name not in known]
    if unknown:
        raise ValueError(f"{where} nennt die Reihe '{unknown[0]}', die es nicht gibt")
