"""What goes into a workbook, ordered and checked before anything is written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from integstat.catalogue.schema import DefinitionEntry, IndicatorEntry, Kind
from integstat.intake import workbook_layout as layout
from integstat.intake.measures import Measure
from integstat.intake.numbers import SIGNS
from integstat.intake.workbook_layout import RowPlan, Topic

CountKey = tuple[str, str, int, str]  # definition id, group, year, part
RowCounts = Mapping[tuple[str, str, str], "Count"]  # by definition id, group, part
Count = float | str  # a number or a sign


@dataclass(frozen=True)
class Block:
    """The rows of one definition."""

    field: str
    indicator: IndicatorEntry
    definition: DefinitionEntry
    rows: list[RowPlan]

    @property
    def kind(self) -> Kind:
        """Kind of count, which says whether only whole numbers make sense."""
        return self.definition.kind or self.indicator.kind


@dataclass(frozen=True)
class Content:
    """All of a workbook.

    Attributes
    ----------
    ring_name, city, city_name : str
    years : tuple of int
    blocks : list of Block
        In the order of the fields.
    figures : dict
        Number or sign by definition, group, year and part.
    features : dict of str to str
        German label by context feature.
    context : dict of str to float
        Value by context feature.
    topics : tuple of Topic
        What a measure may belong to.
    measures : tuple of Measure
    last : mapping
        What the city delivered last, by definition, group and part: number or sign.
    last_year : int or None
        The year it stands for.
    contact : str
    """

    ring_name: str
    city: str
    city_name: str
    years: tuple[int, ...]
    blocks: list[Block]
    figures: dict[CountKey, Count]
    features: dict[str, str]
    context: dict[str, float]
    topics: tuple[Topic, ...] = ()
    measures: tuple[Measure, ...] = ()
    last: RowCounts = field(default_factory=dict)
    last_year: int | None = None
    contact: str = ""

    @property
    def fields(self) -> list[str]:
        """Action fields with at least one definition, in order."""
        return list(dict.fromkeys(block.field for block in self.blocks))


def blocks_of(
    entries: Sequence[tuple[IndicatorEntry, DefinitionEntry]], field_names: Mapping[str, str], count_names: Mapping[str, str]
) -> list[Block]:
    """Definitions in the order of the fields, within a field as they came."""
    unnamed = sorted({indicator.field for indicator, _ in entries} - set(field_names))
    if unnamed:
        raise ValueError(f"fields without a name: {unnamed}")
    order = {field: position for position, field in enumerate(field_names)}
    blocks = [
        Block(indicator.field, indicator, definition, layout.plan_rows(indicator, definition, count_names))
        for indicator, definition in entries
    ]
    return sorted(blocks, key=lambda block: order[block.field])


def usual_figure(key: tuple[object, ...], value: Count) -> Count:
    """Return the number, or the sign in its usual form."""
    if isinstance(value, str):
        if value.strip() not in SIGNS:
            raise ValueError(f"{key}: {value!r} is no sign")
        return layout.SIGN_OF_CODE[SIGNS[value.strip()]]
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{key}: {value!r} is no count")
    return float(value)


def check_content(content: Content) -> None:
    """Raise a `ValueError` where counts or features do not fit the rows: a mistake of the caller."""
    if not content.blocks:
        raise ValueError("a workbook needs at least one definition")
    if not content.years or list(content.years) != sorted(set(content.years)):
        raise ValueError("years must ascend, each once")
    rows = [row.key for block in content.blocks for row in block.rows]
    if len(set(rows)) < len(rows):
        raise ValueError("a definition stands twice")
    known = {(row.definition, row.group, year, row.part) for row in rows for year in content.years}
    strange = sorted(set(content.figures) - known)
    if strange:
        raise ValueError(f"counts of no cell of the workbook: {strange[:3]}")
    wild = [name for name, value in content.context.items() if not math.isfinite(value)]
    if wild:
        raise ValueError(f"context features that are no number: {wild}")
