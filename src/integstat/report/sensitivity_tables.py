"""The tables of the multiverse as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from integstat.report.tables import codebook, write_csv
from integstat.sensitivity.explain import ATTRIBUTION_CODEBOOK, ROBUSTNESS_CODEBOOK
from integstat.sensitivity.leverage import ALONE_CODEBOOK, LEVERAGE_CODEBOOK
from integstat.sensitivity.shown import SensitivityShown
from integstat.sensitivity.table import FILE_NAME, UNIVERSES_CODEBOOK, universes_table
from integstat.steps import write_text, writing

CODEBOOK_FILE = "sensitivity_codebook.md"
SENSITIVITY_CODEBOOKS: dict[str, Mapping[str, str]] = {
    "sensitivity": ROBUSTNESS_CODEBOOK,
    "sensitivity_attribution": ATTRIBUTION_CODEBOOK,
    "sensitivity_leverage": LEVERAGE_CODEBOOK,
    "sensitivity_axes": ALONE_CODEBOOK,
}
SENSITIVITY_FILES = (*(f"{name}.csv" for name in SENSITIVITY_CODEBOOKS), CODEBOOK_FILE, FILE_NAME)


def write_sensitivity(folder: Path, shown: SensitivityShown) -> None:
    """Write `universes.parquet`, the tables of `Explained` and one codebook for all of them."""
    one = shown.explained
    tables = {
        "sensitivity": one.robustness,
        "sensitivity_attribution": one.attribution,
        "sensitivity_leverage": one.leverage,
        "sensitivity_axes": one.alone,
    }
    for name, frame in tables.items():
        write_csv(folder / f"{name}.csv", frame)
    with writing(folder / FILE_NAME) as part:
        table = universes_table({name: story.universes for name, story in one.stories.items()})
        table.to_parquet(part, index=False, compression="zstd")
    pages = [codebook(name, columns) for name, columns in SENSITIVITY_CODEBOOKS.items()]
    pages.append(codebook("universes", UNIVERSES_CODEBOOK).replace("universes.csv", FILE_NAME, 1))
    write_text(folder / CODEBOOK_FILE, "\n\n".join(pages) + "\n")
