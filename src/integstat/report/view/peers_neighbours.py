"""Each city's neighbours: the cities most like it, and how sure each of them is."""

from __future__ import annotations

from dataclasses import dataclass

from integstat.peers.neighbours import Neighbours
from integstat.report.view.lookup import City, Lookup
from integstat.report.view.peers_words import short_names

_SURE = 0.5
_OPEN = 30  # cities: a longer list is folded


@dataclass(frozen=True)
class Around:
    """A city with its neighbours: those more likely than not, the others, and how near or far they are."""

    city: City
    sure: tuple[tuple[str, str], ...]
    unsure: tuple[tuple[str, str], ...]
    distance: str


@dataclass(frozen=True)
class NeighboursView:
    """All cities with their neighbours."""

    k: str
    rows: tuple[Around, ...]
    folded: bool


def neighbours_view(look: Lookup, neighbours: Neighbours) -> NeighboursView:
    """List the neighbours of every city, cities in the order of the alphabet."""
    known = set(neighbours.cities)
    names = short_names(look.cities)
    rows = tuple(_around(look, neighbours, city, names) for city in look.cities if city.key in known)
    return NeighboursView(look.texts.number(neighbours.k, 0), rows, len(rows) > _OPEN)


def _around(look: Lookup, neighbours: Neighbours, city: City, names: dict[str, str]) -> Around:
    near = neighbours.nearest(city.key)
    sure = [one for one in near if round(one[1], 2) >= _SURE]  # column and number must not disagree
    unsure = near[len(sure) : max(neighbours.k, len(sure))]
    far = [distance for _, _, distance in [*sure, *unsure]]
    return Around(
        city=city,
        sure=tuple((names[key], look.texts.percent(p)) for key, p, _ in sure),
        unsure=tuple((names[key], look.texts.percent(p)) for key, p, _ in unsure),
        distance=look.texts.interval(min(far), max(far), sign=False) if far else look.texts.none,
    )
