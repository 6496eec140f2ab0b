"""All universes of a ring: its axes, the combinations that are admissible, and the design that picks among them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

import numpy as np
import pandas as pd

from integstat.catalogue import Catalogue
from integstat.errors import UsageError
from integstat.sensitivity.choices import Choices, refused
from integstat.sensitivity.facets import facets
from integstat.sensitivity.settings import AxisSettings, ExcludeSettings, MultiverseSettings
from integstat.sensitivity.universes import KINDS, POOLED, Alternative, Axis
from integstat.steps import digest

_FEWEST = 3  # cities that make a ring
_TRIES = 50  # rounds of drawing before a sample is taken as exhausted


@dataclass(frozen=True)
class Space:
    """The universes of a ring.

    Attributes
    ----------
    base : Choices
        The ring's own.
    axes : tuple of Axis
        Shared by all indicators: model, question and decision axes; length A.
    sets : tuple of tuple of mapping
        By axis and alternative: what it changes; the first of an axis changes nothing.
    combos : ndarray of int, shape (N, A)
        Alternative taken on each axis; the first row is all 0.
    slot : ndarray of int, shape (N,)
        Which of an indicator's definitions; 0 is the main one. The first is 0.
    definitions : dict of str to tuple of str
        Full ids by indicator, the main one first: what may carry a finding and was delivered.
    definition_kind : dict of str to int
        By full id, place in `KINDS`.
    definition_weight : dict of str to float
    refused : dict of str to ndarray of bool, shape (N,)
        By indicator: universes that its definitions do not allow.
    possible : int
        Combinations before anything was excluded or sampled.
    excluded : tuple of (str, int)
        Reason, and how many combinations it struck out, of those computed or of all.
    notes : tuple of str
        What was passed over, in German.
    """

    base: Choices
    axes: tuple[Axis, ...]
    sets: tuple[tuple[Mapping[str, Any], ...], ...]
    combos: np.ndarray
    slot: np.ndarray
    definitions: dict[str, tuple[str, ...]]
    definition_kind: dict[str, int]
    definition_weight: dict[str, float]
    refused: dict[str, np.ndarray]
    possible: int
    excluded: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]

    @cached_property
    def model_axes(self) -> np.ndarray:
        """Places of the axes that need another fit or another yardstick."""
        return np.array([i for i, axis in enumerate(self.axes) if axis.sort == "model"], dtype=int)

    @cached_property
    def decision_axes(self) -> np.ndarray:
        """Places of the decision axes."""
        return np.array([i for i, axis in enumerate(self.axes) if axis.sort == "decision"], dtype=int)

    @cached_property
    def weight(self) -> np.ndarray:
        """Weight of each universe's choices on the shared axes that are pooled, shape (N,)."""
        out = np.ones(len(self.combos))
        for place, axis in enumerate(self.axes):
            if axis.sort in POOLED:
                out *= np.array([one.weight for one in axis.alternatives])[self.combos[:, place]]
        return out

    def rows(self, indicator: str) -> np.ndarray:
        """Universes of one indicator."""
        return np.flatnonzero((self.slot < len(self.definitions[indicator])) & ~self.refused[indicator])

    def choices(self, combo: Sequence[int]) -> Choices:
        """Return what a combination chooses.

        Raises
        ------
        UsageError
            If alternatives that are allowed alone cannot stand together.
        """
        merged: dict[str, Any] = {}
        for place, taken in enumerate(combo):
            merged |= self.sets[place][taken]
        try:
            return self.base.changed(merged)
        except ValueError as error:
            names = [f"{axis.id} = {axis.alternatives[taken].id}" for axis, taken in zip(self.axes, combo, strict=True) if taken]
            mend = "bitte diese Kombination mit [[exclude]] ausschließen"
            raise UsageError(f"{error}", place=f"Rechenweg mit {', '.join(names)}", mend=mend) from error

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that decides which universes there are and what they weigh."""
        return digest(
            [self.base.change, self.base.findings, self.base.peers],
            [[axis.id, axis.sort, [[one.id, one.kind, one.weight] for one in axis.alternatives]] for axis in self.axes],
            [[dict(one) for one in axis] for axis in self.sets],
            [self.combos, self.slot, self.definitions, self.definition_kind, self.definition_weight, self.refused],
        )


def make_space(
    settings: MultiverseSettings,
    base: Choices,
    catalogue: Catalogue,
    main: Mapping[str, str],
    delivered: Sequence[str],
    years: tuple[int, ...],
    cities: pd.DataFrame,
) -> Space:
    """Lay out the universes of a ring.

    Parameters
    ----------
    settings : MultiverseSettings
    base : Choices
    catalogue : Catalogue
    main : mapping of str to str
        Main definition (full id) by indicator id.
    delivered : sequence of str
        Full ids of the definitions with a posterior.
    years : tuple of int
    cities : pandas.DataFrame
        Columns `city`, `name`.

    Raises
    ------
    UsageError
        If an alternative cannot be, or a full design is too large.
    """
    definitions, kind, weight, notes = _definitions(settings, catalogue, main, delivered)
    axes, sets = [], []
    for one in settings.axis:
        axis, changes, passed = _axis(one, base, cities)
        notes += passed
        if len(axis.alternatives) > 1:
            axes.append(axis)
            sets.append(changes)
    _check_names(settings, catalogue)
    slots = max((len(one) for one in definitions.values()), default=1)
    sizes = (*(len(axis.alternatives) for axis in axes), slots)
    active = [one for one in settings.exclude if one.first_year_before is None or years[0] < one.first_year_before]
    shared = _rules([one for one in active if "definition" not in one.where], axes)
    model = [place for place, axis in enumerate(axes) if axis.sort == "model"]
    points, struck = _design(settings, sizes, shared, model)
    combos, slot = points[:, :-1], points[:, -1]
    own = {name: _refused(combos, slot, ids, [one for one in active if "definition" in one.where], axes)
           for name, ids in definitions.items()}  # fmt: skip
    if any(hit[0] for hit in own.values()):
        raise _own_excluded()
    by_definition = [(one.reason_de, sum(int(_hit(combos, slot, ids, one, axes).sum()) for ids in definitions.values()))
                     for one in active if "definition" in one.where]  # fmt: skip
    reasons = [(reason, count) for (_, reason), count in zip(shared, struck, strict=True)] + by_definition
    return Space(
        base=base,
        axes=tuple(axes),
        sets=tuple(sets),
        combos=combos,
        slot=slot,
        definitions=definitions,
        definition_kind=kind,
        definition_weight=weight,
        refused=own,
        possible=prod(sizes),
        excluded=tuple(reasons),
        notes=tuple(notes),
    )


def measurement_axes(space: Space, indicator: str, catalogue: Catalogue) -> tuple[tuple[Axis, ...], np.ndarray]:
    """Axes that tell the definitions of an indicator apart, and where each stands (`facets`)."""
    return facets([catalogue.definition(one)[1] for one in space.definitions[indicator]])


def _definitions(
    settings: MultiverseSettings, catalogue: Catalogue, main: Mapping[str, str], delivered: Sequence[str]
) -> tuple[dict[str, tuple[str, ...]], dict[str, int], dict[str, float], list[str]]:
    """Definitions of every indicator that may carry a finding, the main one first; those turned the other way are passed over."""
    chosen, out, kind, weight, notes = settings.definitions, {}, {}, {}, []
    for indicator, own in main.items():
        if own not in delivered or not catalogue.finding_allowed(own):
            why = "darf keinen Befund tragen" if own in delivered else "wurde nicht geliefert"
            notes.append(f"{indicator} bleibt außen vor: {own} {why}.")
            continue
        ids = [f"{indicator}.{one.id}" for one in catalogue.indicator(indicator).definition]
        others = (
            [one for one in ids if one in delivered and one != own and catalogue.kind(one) != "measure"] if chosen.vary else []
        )
        turned = [one for one in others if catalogue.polarity(one) != catalogue.polarity(own)]
        notes += [f"{one} bleibt außen vor: ein hoher Wert bedeutet dort nicht dasselbe wie bei {own}." for one in turned]
        out[indicator] = (own, *(one for one in others if one not in turned))
        kind[own], weight[own] = 0, chosen.main_weight
        for one in out[indicator][1:]:
            special = chosen.special.get(one)
            kind[one] = KINDS.index((special.kind if special else None) or chosen.kind)
            weight[one] = (special.weight if special else None) or chosen.weight
    return out, kind, weight, notes


def _axis(settings: AxisSettings, base: Choices, cities: pd.DataFrame) -> tuple[Axis, tuple[Mapping[str, Any], ...], list[str]]:
    """Resolve an axis for this ring: alternatives that change nothing here, or repeat one another, are passed over."""
    own = Alternative("main", settings.main_de, "equivalent", settings.main_weight)
    if settings.leave_out_each:
        each = 1.0 / len(cities)
        left = tuple(
            Alternative(str(city), f"ohne {name}", "equivalent", each)
            for city, name in zip(cities["city"], cities["name"], strict=True)
        )
        sets = tuple({"ring.leave_out": [str(city)]} for city in cities["city"])
        return Axis(settings.id, settings.name_de, "model", (own, *left)), ({}, *sets), []
    kept, notes = [own], []
    changes: list[dict[str, Any]] = [{}]
    seen = {_content(base): own.name_de}
    for one in settings.alternative:
        try:
            content = _content(base.changed(one.set))
        except ValueError as error:
            raise refused(settings.id, one.id, error) from error
        left_out = set(one.set.get("ring.leave_out", ()))
        if len(cities) - len(left_out) < _FEWEST:
            raise refused(settings.id, one.id, ValueError(f"es bleiben weniger als {_FEWEST} Städte"))
        unknown = left_out - set(cities["city"])
        if unknown:
            raise refused(settings.id, one.id, ValueError(f"'{min(unknown)}' ist keine Stadt des Rings"))
        if content in seen:
            notes.append(f"{settings.name_de}: „{one.name_de}“ ist in diesem Ring dasselbe wie „{seen[content]}“.")
            continue
        seen[content] = one.name_de
        kept.append(Alternative(one.id, one.name_de, one.kind or "not_equivalent", one.weight))
        changes.append(dict(one.set))
    return Axis(settings.id, settings.name_de, settings.sort, tuple(kept)), tuple(changes), notes


def _content(choices: Choices) -> str:
    return digest(choices.peers, choices.change, choices.findings, choices.leave_out)


def _check_names(settings: MultiverseSettings, catalogue: Catalogue) -> None:
    """Refuse definitions that the catalogue does not know."""
    for name in [
        *settings.definitions.special,
        *(one.where["definition"] for one in settings.exclude if "definition" in one.where),
    ]:
        catalogue.definition(name)


_Rule = tuple[dict[int, int], str]


def _rules(excluded: Sequence[ExcludeSettings], axes: Sequence[Axis]) -> list[_Rule]:
    """Constraints as places of axes and alternatives; one about an alternative that is not there strikes nothing out."""
    out = []
    for one in excluded:
        places = _places(one, axes)
        if places is not None:
            out.append((places, one.reason_de))
    return out


def _places(rule: ExcludeSettings, axes: Sequence[Axis]) -> dict[int, int] | None:
    places = {}
    for name, value in rule.where.items():
        if name == "definition":
            continue
        axis = next((i for i, axis in enumerate(axes) if axis.id == name), None)
        if axis is None:
            if value == "main":
                continue
            return None
        ids = [one.id for one in axes[axis].alternatives]
        if value not in ids:
            return None
        places[axis] = ids.index(value)
    return places


def _hit(combos: np.ndarray, slot: np.ndarray, ids: Sequence[str], rule: ExcludeSettings, axes: Sequence[Axis]) -> np.ndarray:
    """Universes of an indicator that a rule about one of its definitions strikes out."""
    places = _places(rule, axes)
    if rule.where["definition"] not in ids or places is None:
        return np.zeros(len(combos), dtype=bool)
    hit = slot == ids.index(rule.where["definition"])
    for axis, taken in places.items():
        hit &= combos[:, axis] == taken
    return np.asarray(hit)


def _refused(
    combos: np.ndarray, slot: np.ndarray, ids: Sequence[str], rules: Sequence[ExcludeSettings], axes: Sequence[Axis]
) -> np.ndarray:
    out = np.zeros(len(combos), dtype=bool)
    for one in rules:
        out |= _hit(combos, slot, ids, one, axes)
    return out


def _design(
    settings: MultiverseSettings, sizes: tuple[int, ...], rules: list[_Rule], model: Collection[int]
) -> tuple[np.ndarray, list[int]]:
    """Points of the design, the ring's own first, and how many points each rule struck out."""
    if settings.design == "full":
        if prod(sizes) > settings.most:
            raise UsageError(
                f"alle Kombinationen sind {prod(sizes)} Rechenwege, mehr als 'most' = {settings.most}",
                place="[multiverse]",
                mend="bitte weniger Alternativen, ein größeres 'most' oder design = \"random\" mit 'size' wählen",
            )
        points = np.array(list(product(*(range(size) for size in sizes))), dtype=np.int16)
    else:
        points = _sample(settings, sizes, rules, model)
    hits = [_matches(points, places) for places, _ in rules]
    bad = np.any(hits, axis=0) if hits else np.zeros(len(points), dtype=bool)
    if bad[0]:
        raise _own_excluded()
    return points[~bad], [int(hit.sum()) for hit in hits]


def _own_excluded() -> UsageError:
    return UsageError("der Rechenweg des Rings selbst wird ausgeschlossen", place="[[exclude]]", mend="bitte enger fassen")


def _matches(points: np.ndarray, places: Mapping[int, int]) -> np.ndarray:
    hit = np.ones(len(points), dtype=bool)
    for axis, taken in places.items():
        hit &= points[:, axis] == taken
    return hit


def _sample(settings: MultiverseSettings, sizes: tuple[int, ...], rules: list[_Rule], model: Collection[int]) -> np.ndarray:
    """Draw points without repetition: the ring's own, all models and all neighbours, then at random or with balanced columns.

    All combinations on the model axes are there, for the headline is their mean by the stated weights, not by those of a draw.
    Points that were there already or are excluded are made up for by more draws, which leaves columns balanced but nearly.
    """
    rng = np.random.default_rng(settings.seed)
    single = [
        tuple(level if i == axis else 0 for i in range(len(sizes))) for axis, size in enumerate(sizes) for level in range(1, size)
    ]
    crossed = product(*(range(size) if axis in model else range(1) for axis, size in enumerate(sizes)))
    models = [point for point in crossed if not any(all(point[i] == x for i, x in places.items()) for places, _ in rules)]
    chosen = dict.fromkeys([(0,) * len(sizes), *models, *single])
    wanted = max(settings.size, len(chosen))
    for attempt in range(_TRIES):
        if len(chosen) >= min(wanted, prod(sizes)):
            break
        count = wanted if attempt else wanted - len(chosen)  # at first as many as are wanted, so that balanced columns stay so
        if settings.design == "random":
            drawn = np.column_stack([rng.integers(size, size=count) for size in sizes])
        else:
            drawn = np.column_stack([rng.permutation(np.resize(rng.permutation(size), count)) for size in sizes])
        allowed = ~np.any([_matches(drawn, places) for places, _ in rules], axis=0) if rules else np.ones(count, dtype=bool)
        for point in drawn[allowed]:
            if len(chosen) < wanted:
                chosen.setdefault(tuple(int(level) for level in point))
    return np.array(list(chosen), dtype=np.int16)
