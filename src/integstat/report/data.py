"""Everything the report shows, gathered in one place; the report computes nothing of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from integstat.catalogue import Catalogue
from integstat.findings import Findings, FindingSettings
from integstat.history import HistoryEntry
from integstat.peers.partitions import Partitions
from integstat.report.tables import Beside
from integstat.sensitivity.shown import SensitivityShown


@dataclass(frozen=True)
class ReportData:
    """What one run found.

    Attributes
    ----------
    ring_name : str
    years : tuple of int
    fictional : bool
        Whether the cities are invented; the report says so on its first line.
    cities : pandas.DataFrame
        `city`, `name`, `land`, `land_name`.
    findings : Findings
    settings : FindingSettings
    main : dict of str to str
        Main definition (full id) by indicator id, in the order to show.
    partitions : Partitions or None
        None: no peer groups.
    peers : pandas.DataFrame
        As `peer_groups.csv`; empty without peer groups.
    notion : {'groups', 'neighbours'}
        With whom standing and change against peers compare a city in this run.
    explained : pandas.DataFrame
        As `integstat.peers.explained.explained_table` gives it: `definition`, `quantity`, `notion`, `share`, `se`, `cities`;
        may be empty.
    beside : Beside
        Tables that stand beside the findings; empty ones where there is nothing.
    problems : pandas.DataFrame
        As `integstat.intake.problems.problem_table` gives it.
    fits : pandas.DataFrame
        One row per definition, as `integstat.pipeline.fit_table` gives it.
    files : dict of str to str
        SHA-256 by input file.
    versions : dict of str to str
        Versions of the package and what it computes with.
    seed : int
    rules_digest : str
        SHA-256 of the rules fixed before data were read: main definitions, steps, priors, q.
    history : tuple of HistoryEntry
        Indicators whose priors come from earlier years.
    catalogue : Catalogue
    sensitivity : SensitivityShown or None
        None: no other choices were computed.
    unofficial : bool
        Whether the figures are published ones, taken on trial; the report says so on its first line.
    """

    ring_name: str
    years: tuple[int, ...]
    fictional: bool
    cities: pd.DataFrame
    findings: Findings
    settings: FindingSettings
    main: dict[str, str]
    partitions: Partitions | None
    peers: pd.DataFrame
    notion: Literal["groups", "neighbours"]
    explained: pd.DataFrame
    beside: Beside
    problems: pd.DataFrame
    fits: pd.DataFrame
    files: dict[str, str]
    versions: dict[str, str]
    seed: int
    rules_digest: str
    history: tuple[HistoryEntry, ...]
    catalogue: Catalogue
    sensitivity: SensitivityShown | None = None
    unofficial: bool = False

    @property
    def origin(self) -> Literal["fictional", "unofficial", ""]:
        """What the report warns of first: invented figures, or published ones that nobody delivered for it."""
        return "fictional" if self.fictional else "unofficial" if self.unofficial else ""
