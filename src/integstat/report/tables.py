"""The run's tables as files for programs: CSV, parquet for pandas, a codebook beside each. People take `workbook.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from integstat.findings import CODEBOOK, FINDING_COLUMNS, Findings
from integstat.findings.fields import FIELD_CODEBOOK
from integstat.findings.ledger import LEDGER_CODEBOOK, ledger_table
from integstat.findings.partners import PARTNER_CODEBOOK, PARTNER_MEASURE_CODEBOOK
from integstat.findings.themes import THEME_CODEBOOK
from integstat.findings.usual import COMPARE_CODEBOOK, USUAL_CODEBOOK
from integstat.intake.measures import MEASURE_CODEBOOK
from integstat.steps import write_text, writing
from integstat.steps.tablefile import write_table

PEER_CODEBOOK = {
    "city": "Amtlicher Gemeindeschlüssel (Text)",
    "city_name": "Name der Stadt",
    "peer_group": "Vergleichsgruppe von Städten in der zusammenfassenden Einteilung",
    "probability": "Wahrscheinlichkeit, zu dieser Gruppe zu gehören",
    "second_group": "zweitwahrscheinlichste Gruppe",
    "second_probability": "Wahrscheinlichkeit dazu",
    "borderline": "True: Grenzfall, die eigene Gruppe ist nicht sicher",
}
BESIDE_CODEBOOK = "beside_codebook.md"


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as UTF-8 CSV with decimal points, whole or not at all; what looks like a formula gets a ' before it."""
    write_table(path, frame)


def codebook(name: str, columns: Mapping[str, str]) -> str:
    """Meaning of each column of a table as Markdown."""
    lines = [f"# {name}.csv", "", "| Spalte | Bedeutung |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{column}` | {meaning} |" for column, meaning in columns.items())])


def write_codebook(path: Path, columns: Mapping[str, str]) -> None:
    """Write the meaning of each column of the table of the same name."""
    write_text(path, codebook(path.stem.removesuffix("_codebook"), columns) + "\n")


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as parquet, whole or not at all."""
    with writing(path) as part:
        frame.to_parquet(part, index=False)


@dataclass(frozen=True)
class Beside:
    """Tables that stand beside the findings, each with the columns of its codebook.

    Attributes
    ----------
    fields, usual, compared, themes, partners, partner_measures : pandas.DataFrame
        As `integstat.findings.fields`, `usual`, `themes` and `partners` give them.
    measures : pandas.DataFrame
        What the cities entered as their measures (`integstat.intake.measures`).
    """

    fields: pd.DataFrame
    usual: pd.DataFrame
    compared: pd.DataFrame
    themes: pd.DataFrame
    partners: pd.DataFrame
    partner_measures: pd.DataFrame
    measures: pd.DataFrame


BESIDE_CODEBOOKS: dict[str, Mapping[str, str]] = {
    "ledger": LEDGER_CODEBOOK,
    "fields": FIELD_CODEBOOK,
    "usual_practice": USUAL_CODEBOOK,
    "usual_compared": COMPARE_CODEBOOK,
    "themes": THEME_CODEBOOK,
    "learning_partners": PARTNER_CODEBOOK,
    "partner_measures": PARTNER_MEASURE_CODEBOOK,
    "measures": MEASURE_CODEBOOK,
}


def write_beside(folder: Path, findings: Findings, beside: Beside) -> None:
    """Write the tables of `Beside` and the ledger as CSV, and one codebook for all of them."""
    tables = {
        "ledger": ledger_table(findings.grid),
        "fields": beside.fields,
        "usual_practice": beside.usual,
        "usual_compared": beside.compared,
        "themes": beside.themes,
        "learning_partners": beside.partners,
        "partner_measures": beside.partner_measures,
        "measures": beside.measures,
    }
    for name, frame in tables.items():
        write_csv(folder / f"{name}.csv", frame)
    write_text(
        folder / BESIDE_CODEBOOK, "\n\n".join(codebook(name, columns) for name, columns in BESIDE_CODEBOOKS.items()) + "\n"
    )


def write_findings(folder: Path, findings: Findings, peers: pd.DataFrame, beside: Beside) -> None:
    """Write `findings.*`, `findings_definitions.csv`, `peer_groups.csv` and their codebooks into a run's folder."""
    columns = list(FINDING_COLUMNS)
    grid, others = findings.grid, findings.others
    write_csv(folder / "findings.csv", grid[columns])
    write_csv(folder / "findings_definitions.csv", others[columns])
    write_codebook(folder / "findings_codebook.md", CODEBOOK)
    write_parquet(folder / "findings.parquet", grid[columns])
    write_csv(folder / "peer_groups.csv", peers)
    write_codebook(folder / "peer_groups_codebook.md", PEER_CODEBOOK)
