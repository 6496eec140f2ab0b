"""What an entry of the catalogue is: typed parts, never free text where a part can be named."""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import Field, model_validator

from integstat.tomlfile import Strict

Polarity = Literal["+", "-", "none"]
Kind = Literal["share", "rate", "mean_of_months", "survey"]
GroupConcept = Literal[
    "nationality",  # Ausländer / Deutsche
    "migration_background",  # mit / ohne Migrationshintergrund (register or census concept, see source)
    "migration_history",  # Einwanderungsgeschichte: self or both parents immigrated since 1950
    "family_language",  # Familiensprache nicht deutsch / deutsch
    "parent_born_abroad",  # ausländische Herkunft mindestens eines Elternteils
    "none",  # one group only
]
Place = Literal["residence", "workplace", "school", "care", "course", "offence", "not_applicable"]
Scope = Literal["all_cities", "same_land", "own_series"]
Unit = Literal["percent", "per_1000", "index", "square_metres", "count"]
Role = Literal["outcome", "context", "input", "election", "four_yearly"]


class FieldEntry(Strict):
    """An action field (Handlungsfeld)."""

    id: str
    name_de: str
    name_en: str


class CountEntry(Strict):
    """A count (Grundzahl) that a definition uses as numerator or denominator."""

    id: str
    name_de: str
    name_en: str


class DefinitionEntry(Strict):
    """One exact way to measure an indicator.

    `polarity` and `kind` override the indicator's where they differ. `coverage_note` says in a sentence what the parts
    cannot; it is shown, never read by code.
    """

    id: str
    name_de: str
    name_en: str
    numerator: str
    denominator: str
    group_concept: GroupConcept
    denominator_group_concept: GroupConcept | None = None  # where it is not the numerator's: a flagged mismatch
    age_from: int | None = Field(default=None, ge=0, le=120)  # years completed, inclusive
    age_below: int | None = Field(default=None, ge=1, le=121)  # exclusive
    reference_date: Literal["31-12", "01-03", "30-06", "december", "school_year", "school_entry", "annual_mean", "year", "election", "survey"]
    denominator_lag: Literal[0, 1] = 0  # 1: denominator of the previous year-end
    source: str
    place: Place = "residence"
    scope: Scope = "all_cities"
    polarity: Polarity | None = None
    kind: Kind | None = None
    may_exceed_one: bool = False  # numerator persons need not be in the denominator
    verified_against_report: bool = False
    verified_on: datetime.date | None = None
    coverage_note: str = ""

    @property
    def concept_mismatch(self) -> bool:
        """Whether numerator and denominator use different group concepts (controversy 6)."""
        return self.denominator_group_concept not in (None, self.group_concept)


class IndicatorEntry(Strict):
    """An indicator (Kennzahl) with its flags and its definitions, the main one named."""

    id: str
    field: str
    name_de: str
    name_en: str
    unit: Unit
    polarity: Polarity
    kind: Kind
    role: Role = "outcome"
    finding_allowed: bool = True
    target_de: str = ""  # name of the target group, empty where the indicator has one group
    reference_de: str = ""
    stock: bool = False  # most persons are counted in both years
    overlap: float = Field(default=0.0, ge=0.0, lt=1.0)
    composition_risk: bool = False
    composition_note_de: str = ""
    rho: float = Field(default=0.0953101798, gt=0)  # log 1.10 on the link scale
    rho_level: float = Field(default=0.1823215568, gt=0)  # log 1.20
    rho_status: Literal["proposal", "agreed"] = "proposal"
    confidence: Literal["h", "m", "l"]
    main_definition: str
    definition: tuple[DefinitionEntry, ...] = Field(min_length=1)

    @property
    def groups(self) -> tuple[str, ...]:
        """`('target', 'reference')`, or `('target',)` where the indicator has one group."""
        return ("target", "reference") if self.reference_de else ("target",)

    @model_validator(mode="after")
    def _consistent(self) -> IndicatorEntry:
        ids = [definition.id for definition in self.definition]
        doubled = {one for one in ids if ids.count(one) > 1}
        if doubled:
            raise ValueError(f"die Definition '{sorted(doubled)[0]}' des Indikators '{self.id}' steht doppelt")
        if self.main_definition not in ids:
            raise ValueError(f"die Hauptdefinition '{self.main_definition}' des Indikators '{self.id}' gibt es nicht")
        if self.finding_allowed and (self.role != "outcome" or self.polarity == "none"):
            raise ValueError(f"der Indikator '{self.id}' darf keinen Befund tragen (Rolle '{self.role}', Polung '{self.polarity}')")
        return self


class BreakEntry(Strict):
    """A known break in a series: where, when, which definitions, and what follows for findings.

    `effect = "cap"` keeps the touched cells open; `"note"` puts a sentence beside the finding. `laender` holds two-digit
    keys; an empty tuple means all. `definitions` holds `indicator.definition` ids; an empty tuple means every definition
    of `indicator`. A change between two years is touched when one of them is in `years`.
    """

    id: str
    laender: tuple[str, ...] = ()
    indicator: str | None = None  # None: every indicator
    definitions: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()  # if given: only definitions of these sources
    years: tuple[int, ...] = Field(min_length=1)
    effect: Literal["cap", "note"]
    reason_de: str
    reason_en: str
    source: str
