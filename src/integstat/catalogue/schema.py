"""What an entry of the catalogue is: typed parts, never free text where a part can be named."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from integstat.tomlfile import Strict

Polarity = Literal["+", "-", "none"]
Kind = Literal[
    "share",  # the persons of the numerator are in the denominator
    "rate",  # cases per base; the numerator may exceed it
    "mean_of_months",  # both counts are annual means of months, not integers
    "survey",  # a sample: counts are answers, each worth 1 / design_effect
    "measure",  # an index, square metres, posts: no count over a base, shown but never modelled
]
GroupConcept = Literal[
    "nationality",  # Ausländer / Deutsche
    "migration_background",  # mit / ohne Migrationshintergrund (register, census or school-entry concept, see source)
    "migration_history",  # Einwanderungsgeschichte: self or both parents immigrated since 1950
    "family_language",  # Familiensprache nicht deutsch / deutsch
    "parent_born_abroad",  # ausländische Herkunft mindestens eines Elternteils
    "none",  # no group at all: the figure is about everybody or about the administration
]
Source = Literal[
    "melderegister",  # the city's population register, with MigraPro or HHStat for the migration background
    "fortschreibung",  # official population figures, carried on from the census
    "azr",  # Ausländerzentralregister, rounded to 5
    "einbuergerungsstatistik",  # naturalisation statistics
    "kjh",  # child and youth welfare statistics: day-care on 1 March
    "seu",  # school entry examination of the health office
    "schulstatistik",  # school statistics of the Land
    "berufsbildungsstatistik",  # vocational training statistics
    "ba",  # Bundesagentur für Arbeit
    "bamf",  # Bundesamt für Migration und Flüchtlinge: integration courses
    "stla",  # social statistics of the Land's statistical office
    "mikrozensus",  # 1 % household survey
    "survey",  # a survey of the city's own
    "hr",  # the administration's personnel data
    "police",  # police statistics (PKS, PMK)
    "local",  # the city's own records: day-care register, registry office, elections, counselling
]
Place = Literal["residence", "workplace", "school", "care", "course", "offence", "not_applicable"]
Scope = Literal["all_cities", "same_land", "own_series"]
Unit = Literal["percent", "per_1000", "index", "square_metres", "count"]
Role = Literal["outcome", "context", "input", "election", "four_yearly"]
ReferenceDate = Literal[
    "31-12", "01-03", "30-06", "december", "school_year", "school_entry", "annual_mean", "year", "election", "survey"
]
ROUNDED_TO: dict[str, tuple[int, int]] = {  # source: to multiples of this, from this year on
    "azr": (5, 0),
    "stla": (5, 2020),
}
STOCK_DATES: tuple[ReferenceDate, ...] = ("31-12", "01-03", "30-06", "december", "annual_mean")  # others count a year's cases
STOCK_OVERLAP = 0.5  # a default, not a measurement
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]  # never a dot: it joins two ids
Land = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
Text = Annotated[str, StringConstraints(min_length=1)]


class Entry(Strict):
    """Base of the catalogue's entries: nothing is converted, a number in quotes is no number."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, strict=True)


class FieldEntry(Entry):
    """An action field (Handlungsfeld)."""

    id: Identifier
    name_de: Text
    name_en: Text


class CountEntry(Entry):
    """A count (Grundzahl) that a definition uses as numerator or denominator.

    It is delivered for each group of the definition, unless its name says 'insgesamt'.
    """

    id: Identifier
    name_de: Text
    name_en: Text


class DefinitionEntry(Entry):
    """One exact way to measure an indicator.

    `polarity`, `kind`, `target_de` and `reference_de` override the indicator's where they differ. `coverage_note` says in a
    sentence what the parts cannot; it is shown, never read by code.
    """

    id: Identifier
    name_de: Text
    name_en: Text
    numerator: str
    denominator: str
    group_concept: GroupConcept
    denominator_group_concept: GroupConcept | None = None  # where it is not the numerator's: a flagged mismatch
    age_from: float | int | None = Field(default=None, ge=0, le=120)  # years, inclusive
    age_below: float | int | None = Field(default=None, gt=0, le=121)  # years, exclusive
    reference_date: ReferenceDate
    denominator_lag: Literal[0, 1] = 0  # 1: denominator of the previous year-end
    denominator_year: int | None = None  # a fixed base: the denominator of this year in every year
    source: Source
    denominator_source: Source | None = None  # where it is not the numerator's
    place: Place = "residence"
    scope: Scope = "all_cities"
    polarity: Polarity | None = None
    kind: Kind | None = None
    target_de: str = ""
    reference_de: str = ""
    may_exceed_one: bool = False  # numerator persons need not be in the denominator
    design_effect: float = Field(default=1.0, ge=1.0)  # surveys: answers per effective answer
    overlap: float | None = Field(default=None, ge=0.0, lt=1.0)  # where it is not the indicator's
    rounded_parts: int = Field(default=1, ge=1)  # figures, each rounded for itself, that the numerator is the sum of
    verified_against_report: bool = False
    verified_on: datetime.date | None = None
    coverage_note: str = ""

    @property
    def concept_mismatch(self) -> bool:
        """Whether numerator and denominator use different group concepts (controversy 6)."""
        return self.denominator_group_concept not in (None, self.group_concept)

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources of numerator and denominator, each once."""
        return tuple(dict.fromkeys(source for source in (self.source, self.denominator_source) if source))

    def rounding(self, year: int) -> int:
        """Return the number to whose multiples the numerator's source rounds the figures of a year; 1: not at all."""
        step, since = ROUNDED_TO.get(self.source, (1, 0))
        return step if year >= since else 1

    @model_validator(mode="after")
    def _consistent(self) -> DefinitionEntry:
        if self.age_from is not None and self.age_below is not None and self.age_from >= self.age_below:
            raise ValueError(f"die Altersspanne der Definition '{self.id}' ist leer ({self.age_from} bis unter {self.age_below})")
        if self.denominator_lag and self.denominator_year is not None:
            raise ValueError(f"die Definition '{self.id}' nennt für den Nenner zugleich das Vorjahr und ein festes Jahr")
        if self.verified_against_report != (self.verified_on is not None):
            raise ValueError(f"bei der Definition '{self.id}' gehören 'verified_against_report' und 'verified_on' zusammen")
        return self


class IndicatorEntry(Entry):
    """An indicator (Kennzahl) with its flags and its definitions, the main one named.

    A stock that names no overlap has `STOCK_OVERLAP`.
    """

    id: Identifier
    field: str
    name_de: Text
    name_en: Text
    unit: Unit
    polarity: Polarity
    kind: Kind
    role: Role = "outcome"
    finding_allowed: bool = True
    target_de: str = ""  # name of the target group; may stand without a reference group
    reference_de: str = ""  # name of the reference group, empty where the indicator has one group
    stock: bool = False  # most persons are counted in both years
    overlap: float = Field(default=0.0, ge=0.0, lt=1.0)
    composition_risk: bool = False
    composition_note_de: str = ""
    rho: float = Field(default=0.0953101798, gt=0)  # log 1.10 on the link scale
    rho_level: float = Field(default=0.1823215568, gt=0)  # log 1.20
    rho_status: Literal["proposal", "agreed"] = "proposal"
    confidence: Literal["h", "m", "l"]
    main_definition: str
    definition: tuple[DefinitionEntry, ...] = Field(min_length=1, strict=False)

    @model_validator(mode="before")
    @classmethod
    def _usual_overlap(cls, content: object) -> object:
        if isinstance(content, dict) and content.get("stock") is True:
            return {"overlap": STOCK_OVERLAP} | content
        return content

    @property
    def groups(self) -> tuple[str, ...]:
        """`('target', 'reference')`, or `('target',)` where the indicator has one group."""
        return ("target", "reference") if self.reference_de else ("target",)

    @model_validator(mode="after")
    def _definitions_fit(self) -> IndicatorEntry:
        ids = [definition.id for definition in self.definition]
        doubled = {one for one in ids if ids.count(one) > 1}
        if doubled:
            raise ValueError(f"die Definition '{min(doubled)}' des Indikators '{self.id}' steht doppelt")
        if self.main_definition not in ids:
            raise ValueError(f"die Hauptdefinition '{self.main_definition}' des Indikators '{self.id}' gibt es nicht")
        for one in self.definition:
            if one.may_exceed_one and (one.kind or self.kind) not in ("rate", "measure"):
                raise ValueError(f"die Definition '{self.id}.{one.id}' kann über 100 % liegen, ist aber nicht als 'rate' geführt")
            if one.design_effect > 1 and (one.kind or self.kind) != "survey":
                raise ValueError(
                    f"die Definition '{self.id}.{one.id}' nennt einen Designeffekt, ist aber keine Umfrage ('survey')"
                )
            if one.overlap and not self.stock:
                raise ValueError(f"'{self.id}.{one.id}' hat eine Überlappung, der Indikator '{self.id}' ist aber kein Bestand")
            if one.reference_de and not self.reference_de:
                raise ValueError(f"'{self.id}.{one.id}' nennt eine Vergleichsgruppe, die der Indikator '{self.id}' nicht hat")
        return self

    @model_validator(mode="after")
    def _flags_fit(self) -> IndicatorEntry:
        main = next((one for one in self.definition if one.id == self.main_definition), None)
        polarity = (main.polarity if main else None) or self.polarity
        kind = (main.kind if main else None) or self.kind
        if self.finding_allowed and (self.role != "outcome" or polarity == "none" or kind == "measure"):
            raise ValueError(
                f"der Indikator '{self.id}' darf keinen Befund tragen (Rolle '{self.role}', Polung '{polarity}', Art '{kind}')"
            )
        if self.reference_de and not self.target_de:
            raise ValueError(f"der Indikator '{self.id}' nennt eine Vergleichsgruppe, aber keine Zielgruppe")
        if self.overlap > 0 and not self.stock:
            raise ValueError(f"der Indikator '{self.id}' hat eine Überlappung, ist aber kein Bestand")
        if self.composition_risk != bool(self.composition_note_de):
            raise ValueError(f"beim Indikator '{self.id}' gehören 'composition_risk' und 'composition_note_de' zusammen")
        return self


class BreakEntry(Entry):
    """A known break in a series: where, when, which definitions, and what follows for findings.

    `effect = "cap"` keeps the touched cells open; `"note"` puts a sentence beside the finding. `laender` holds two-digit
    keys; an empty tuple means all sixteen. `definitions` holds `indicator.definition` ids, or an indicator's id for all of its
    definitions; an empty tuple means every definition of `indicator`. A comparison is touched when one of its years is in
    `years`, or when it reaches from before `since` to `since` or later.
    """

    id: Identifier
    laender: tuple[Land, ...] = Field(default=(), strict=False)
    indicator: str | None = None  # None: every indicator
    definitions: tuple[str, ...] = Field(default=(), strict=False)
    sources: tuple[Source, ...] = Field(default=(), strict=False)  # if given: only definitions of these sources
    years: tuple[int, ...] = Field(default=(), strict=False)  # years that are out of line with all others
    since: int | None = None  # from this year on the series is another one
    effect: Literal["cap", "note"]
    reason_de: Text
    reason_en: Text
    source: Text

    @model_validator(mode="after")
    def _has_a_date(self) -> BreakEntry:
        if not self.years and self.since is None:
            raise ValueError(f"der Bruch '{self.id}' nennt kein Jahr ('years' oder 'since')")
        return self

    def touches_land(self, land: str) -> bool:
        """Whether the break happened in this Land; a fictional Land (a key beyond 16) has no history to break."""
        return land in self.laender if self.laender else "01" <= land <= "16"

    def touches_years(self, years: tuple[int, ...]) -> bool:
        """Whether a comparison of these years meets the break."""
        if any(year in self.years for year in years):
            return True
        return self.since is not None and bool(years) and min(years) < self.since <= max(years)
