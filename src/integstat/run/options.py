"""How to run: the stages in order, and what a caller may choose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Stage = Literal["intake", "peers", "change", "findings", "sensitivity", "report"]
STAGES: tuple[Stage, ...] = ("intake", "peers", "change", "findings", "sensitivity", "report")


@dataclass(frozen=True)
class RunOptions:
    """How to run.

    Attributes
    ----------
    out : Path
        Folder of the run.
    data : Path or None
        Data folder instead of the config's.
    until : str
        Last stage.
    redo_from : str or None
        Stage from which nothing kept is used.
    force : bool
        Whether another run's results in `out` may be replaced.
    jobs : int
        Cores.
    dask : str or None
        Address of a Dask scheduler that takes the fits.
    multiverse : Path or None
        File of other choices instead of the config's.
    language : str
        Of the report.
    cards : bool
        Whether steering cards are written too.
    interactive : bool
        Whether the report has a panel that a script builds.
    """

    out: Path
    data: Path | None = None
    until: Stage = "report"
    redo_from: Stage | None = None
    force: bool = False
    jobs: int = 2
    dask: str | None = None
    multiverse: Path | None = None
    language: str = "de"
    cards: bool = False
    interactive: bool = False
