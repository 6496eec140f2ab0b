"""Which cells of the findings lack a number because it is not to be told."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from integstat.findings import Findings
from integstat.panel import Panel

FLAG = "confidential"


def with_flags(findings: Findings, panel: Panel) -> Findings:
    """Put the flag `confidential` to every cell, of any definition, in which a count or base is secret.

    Parameters
    ----------
    findings : Findings
    panel : Panel
        The one they were made from: secret as delivered, or held back by `integstat.disclosure.protect`.
    """
    secret = panel.counts[(panel.counts["y_code"] == "secret") | (panel.counts["n_code"] == "secret")]
    cells = set(zip(secret["city"], secret["definition"], strict=True))
    return replace(findings, grid=_flagged(findings.grid, cells), others=_flagged(findings.others, cells))


def _flagged(frame: pd.DataFrame, cells: set[tuple[str, str]]) -> pd.DataFrame:
    flags = [
        ";".join(part for part in (str(flags), FLAG) if part) if (city, definition) in cells else flags
        for flags, city, definition in zip(frame["flags"], frame["city"], frame["definition"], strict=True)
    ]
    return frame.assign(flags=pd.Series(flags, index=frame.index, dtype=object))
