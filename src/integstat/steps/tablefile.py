"""Tables as files for programs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from integstat.steps.atomic import writing

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with these a spreadsheet begins to compute


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as UTF-8 CSV with decimal points, whole or not at all; what looks like a formula gets a ' before it."""
    texts = table.select_dtypes(exclude="number").columns
    inert = {str(name): pd.Series([_inert(value) for value in table[name]], table.index, dtype=object) for name in texts}
    with writing(path) as part:
        table.assign(**inert).to_csv(part, index=False, float_format="%.6g", lineterminator="\n")


def _inert(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) and len(value) > 1 else value
