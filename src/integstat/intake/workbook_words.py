"""Say in German what exactly a count is: from the typed parts of its definition, never from free text."""

from __future__ import annotations

from integstat.catalogue.schema import DefinitionEntry, GroupConcept, Kind, Place, ReferenceDate, Source
from integstat.intake.deliveries import Part

SOURCE_DE: dict[Source, str] = {
    "melderegister": "Melderegister",
    "fortschreibung": "Bevölkerungsfortschreibung",
    "azr": "Ausländerzentralregister",
    "einbuergerungsstatistik": "Einbürgerungsstatistik",
    "kjh": "Kinder- und Jugendhilfestatistik",
    "seu": "Schuleingangsuntersuchung",
    "schulstatistik": "Schulstatistik des Landes",
    "berufsbildungsstatistik": "Berufsbildungsstatistik",
    "ba": "Bundesagentur für Arbeit",
    "bamf": "Bundesamt für Migration und Flüchtlinge",
    "stla": "Sozialstatistik des Statistischen Landesamts",
    "mikrozensus": "Mikrozensus",
    "survey": "eigene Umfrage",
    "hr": "Personaldaten der Verwaltung",
    "police": "Polizeiliche Statistik",
    "local": "eigene Unterlagen der Stadt",
}
DATE_DE: dict[ReferenceDate, str] = {
    "31-12": "Stichtag 31.12.",
    "01-03": "Stichtag 1.3.",
    "30-06": "Stichtag 30.6.",
    "december": "Berichtsmonat Dezember",
    "school_year": "Schuljahr, das im Berichtsjahr endet",
    "school_entry": "Jahrgang der Schuleingangsuntersuchung im Berichtsjahr",
    "annual_mean": "Mittel der zwölf Monate",
    "year": "Fälle im Kalenderjahr",
    "election": "Wahl im Berichtsjahr",
    "survey": "Umfrage im Berichtsjahr",
}
PLACE_DE: dict[Place, str] = {
    "residence": "nach dem Wohnort",
    "workplace": "nach dem Arbeitsort",
    "school": "nach dem Ort der Schule",
    "care": "nach dem Ort der Betreuung",
    "course": "nach dem Ort des Kurses",
    "offence": "nach dem Tatort",
    "not_applicable": "",
}
CONCEPT_DE: dict[GroupConcept, str] = {
    "nationality": "Gruppen nach Staatsangehörigkeit",
    "migration_background": "Gruppen nach Migrationshintergrund",
    "migration_history": "Gruppen nach Einwanderungsgeschichte",
    "family_language": "Gruppen nach Familiensprache",
    "parent_born_abroad": "Gruppen nach ausländischer Herkunft mindestens eines Elternteils",
    "none": "",
}
_EXAMPLE: dict[Kind, tuple[str, str]] = {  # numerator, denominator: the form alone, no city has these figures
    "share": ("345", "1200"),
    "rate": ("345", "1200"),
    "mean_of_months": ("345,25", "1200,5"),
    "survey": ("145", "600"),
    "measure": ("12,5", "1"),
}


def exact_words(definition: DefinitionEntry, part: Part) -> str:
    """Age band, group concept, date, place and source of a numerator or denominator, in one line.

    Of a denominator under cases of a year the catalogue names no date, and none is named here.
    """
    above = part == "numerator"
    concept = definition.group_concept if above else definition.denominator_group_concept or definition.group_concept
    source = definition.source if above else definition.denominator_source or definition.source
    words = (
        _ages(definition),
        CONCEPT_DE[concept],
        DATE_DE[definition.reference_date] if above else _base_date(definition),
        PLACE_DE[definition.place],
        f"Quelle: {SOURCE_DE[source]}",
        definition.coverage_note if above else "",
    )
    return "; ".join(word for word in words if word)


def example_of(kind: Kind, part: Part) -> str:
    """Show the form of an entry, as people type it in Germany."""
    return _EXAMPLE[kind][0 if part == "numerator" else 1]


def _ages(definition: DefinitionEntry) -> str:
    lower, upper = definition.age_from, definition.age_below
    if upper is None:
        return f"ab {_years(lower)} Jahren" if lower else ""
    return f"{_years(lower)} bis unter {_years(upper)} Jahre" if lower else f"unter {_years(upper)} Jahren"


def _years(age: float) -> str:
    return f"{age:g}".replace(".", ",")


def _base_date(definition: DefinitionEntry) -> str:
    if definition.denominator_year is not None:
        return f"Stand {definition.denominator_year}"
    date = "" if definition.reference_date == "year" else DATE_DE[definition.reference_date]
    if definition.denominator_lag:
        return f"{date} des Vorjahres" if definition.reference_date in ("31-12", "01-03", "30-06") else "Stand des Vorjahres"
    return date
