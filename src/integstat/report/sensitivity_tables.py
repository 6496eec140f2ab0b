"""The tables of the multiverse as files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from integstat.catalogue import Catalogue
from integstat.findings import Findings
from integstat.report.tables import codebook, write_csv
from integstat.sensitivity.described import FILE_NAME as DESCRIBED
from integstat.sensitivity.described import describe
from integstat.sensitivity.explain import ATTRIBUTION_CODEBOOK, ROBUSTNESS_CODEBOOK
from integstat.sensitivity.leverage import ALONE_CODEBOOK, LEVERAGE_CODEBOOK
from integstat.sensitivity.shown import SensitivityShown
from integstat.sensitivity.story import SENTENCE_CODEBOOK, sentence_table
from integstat.sensitivity.table import FILE_NAME, UNIVERSES_CODEBOOK, universes_table
from integstat.steps import write_text, writing
from integstat.texts import Texts

CODEBOOK_FILE = "sensitivity_codebook.md"
SENSITIVITY_CODEBOOKS: dict[str, Mapping[str, str]] = {
    "sensitivity": ROBUSTNESS_CODEBOOK,
    "sensitivity_attribution": ATTRIBUTION_CODEBOOK,
    "sensitivity_leverage": LEVERAGE_CODEBOOK,
    "sensitivity_axes": ALONE_CODEBOOK,
    "sensitivity_sentences": SENTENCE_CODEBOOK,
}
SENSITIVITY_FILES = (*(f"{name}.csv" for name in SENSITIVITY_CODEBOOKS), CODEBOOK_FILE, DESCRIBED, FILE_NAME)


def write_sensitivity(folder: Path, shown: SensitivityShown, findings: Findings, catalogue: Catalogue) -> None:
    """Write `universes.parquet`, the tables of `Explained`, the sentences, what was varied, and one codebook for all."""
    one = shown.explained
    tables = {
        "sensitivity": one.robustness,
        "sensitivity_attribution": one.attribution,
        "sensitivity_leverage": one.leverage,
        "sensitivity_axes": one.alone,
        "sensitivity_sentences": sentence_table(one, shown.capped, findings.grid, Texts()),
    }
    for name, frame in tables.items():
        write_csv(folder / f"{name}.csv", frame)
    with writing(folder / FILE_NAME) as part:
        table = universes_table({name: story.universes for name, story in one.stories.items()})
        table.to_parquet(part, index=False, compression="zstd")
    described = describe(shown, findings.kinds, catalogue)
    write_text(folder / DESCRIBED, json.dumps(described, ensure_ascii=False, indent=1) + "\n")
    pages = [codebook(name, columns) for name, columns in SENSITIVITY_CODEBOOKS.items()]
    pages.append(codebook("universes", UNIVERSES_CODEBOOK).replace("universes.csv", FILE_NAME, 1))
    write_text(folder / CODEBOOK_FILE, "\n\n".join(pages) + "\n")
