"""Registered breaks of the series, as the catalogue tells them."""

from __future__ import annotations

from collections.abc import Iterable

from integstat.report.view.lookup import City, Lookup


def break_reasons(look: Lookup, definition: str, city: City, effect: str) -> tuple[str, ...]:
    """Reasons of the breaks with an effect (`cap` or `note`) that a city's comparison meets, each once."""
    touched = look.data.catalogue.breaks_for(definition, city.land, look.data.years)
    return tuple(dict.fromkeys(look.texts.of(one, "reason") for one in touched if one.effect == effect))


def cap_reasons(look: Lookup, definition: str) -> dict[str, list[str]]:
    """Reasons that cap a definition, with the names of the cities they touch."""
    return _by_reason(look, definition, "cap")


def note_reasons(look: Lookup, definition: str) -> dict[str, list[str]]:
    """Reasons that put a sentence beside a definition, with the names of the cities they touch."""
    return _by_reason(look, definition, "note")


def _by_reason(look: Lookup, definition: str, effect: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    cities: Iterable[City] = look.cities
    for city in cities:
        for reason in break_reasons(look, definition, city, effect):
            found.setdefault(reason, []).append(city.name)
    return found
