"""Files in memory, and the way from a file to a series, as a ring goes it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl

from integstat.intake.files import FileContent
from integstat.intake.key_changes import KeyChanges, follow
from integstat.intake.problems import Problem
from integstat.intake.readers import read_table
from integstat.intake.regions import classify
from integstat.intake.series import KEY, Series, evaluate_series
from integstat.intake.settings import RegionSettings, SeriesSettings, SourceSettings
from integstat.intake.tables import Table

REGION = {
    "inkar": RegionSettings(column="Kennziffer", name="Name"),
    "municipalities": RegionSettings(column="AGS", name="Name"),
    "wegweiser": RegionSettings(column="AGS", name="Kommune", whole_kreis=True),
}


def file_of(content: str | bytes, name: str = "f.csv", encoding: str = "utf-8") -> FileContent:
    """A file that lies nowhere."""
    data = content if isinstance(content, bytes) else content.encode(encoding)
    return FileContent(Path(name), name, data, hashlib.sha256(data).hexdigest())


def source(reader: str, **changes: Any) -> SourceSettings:
    """A source of one file."""
    return SourceSettings.model_validate({"id": "s", "reader": reader, "file": "f.csv"} | changes)


def book(rows: Sequence[Sequence[Any]], merged: Iterable[str] = (), title: str = "Tabelle", before: Sequence[str] = ()) -> bytes:
    """A workbook with one filled sheet, after empty ones."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name in before:
        made.create_sheet(name)
    sheet = made.create_sheet(title)
    for row in rows:
        sheet.append(list(row))
    for cells in merged:
        sheet.merge_cells(cells)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def keyed(file: FileContent, spec: SourceSettings, changes: KeyChanges | None = None) -> tuple[Table, list[Problem]]:
    """Read a file and tell every row its city."""
    table = read_table(file, spec)
    rule = spec.region if isinstance(spec.region, RegionSettings) else REGION[spec.reader]
    keys, problems = classify(table, rule)
    if changes is not None:
        keys, more = follow(table, keys, rule, changes)
        problems += more
    table.frame[KEY] = keys
    return table, [*table.problems, *problems]


def read_series(
    file: FileContent,
    spec: SourceSettings,
    where: Mapping[str, Any] | None = None,
    *,
    years: Sequence[int] = (2020, 2021),
    changes: KeyChanges | None = None,
    **more: Any,
) -> Series:
    """One series of a file."""
    table, _ = keyed(file, spec, changes)
    series = SeriesSettings.model_validate({"id": "one", "source": "s", "where": dict(where or {})} | more)
    return evaluate_series(series, spec, [table], years)


def cells(series: Series) -> dict[tuple[str, int], tuple[float, str]]:
    """Value (-1 where none stands) and code of every figure."""
    return {key: (one.value if one.value == one.value else -1.0, one.code) for key, one in series.figures.items()}
