"""Read what a finished run left, as far as two runs are compared by it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from integstat.errors import DataError, UsageError

_IF_THERE = {"counts.parquet": "y_step"}  # earlier runs are without
_RERUN = "bitte den Lauf mit 'integstat run' neu rechnen"
_TABLES = {
    "counts.parquet": ("city", "definition", "group", "year", "y", "n", "y_code", "n_code"),
    "findings.parquet": (
        "city",
        "city_name",
        "indicator",
        "definition",
        "p_success",
        "p_deficit",
        "p_stable",
        "finding",
        "flags",
    ),
    "peer_groups.csv": ("city", "peer_group"),
}


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes
    ----------
    folder : Path
    manifest : dict
        Content of `manifest.json`.
    counts : pandas.DataFrame
        The panel: a row per city, definition, group and year.
    findings : pandas.DataFrame
        A row per city and indicator, main definitions.
    peers : pandas.Series
        Peer group by city; empty where the run has none.
    """

    folder: Path
    manifest: dict[str, Any]
    counts: pd.DataFrame
    findings: pd.DataFrame
    peers: pd.Series

    @property
    def names(self) -> dict[str, str]:
        """Names of the cities."""
        return dict(zip(self.findings["city"], self.findings["city_name"], strict=True))

    @property
    def thresholds(self) -> dict[str, float]:
        """Smallest probability that was declared, by event; only events with a finding."""
        kinds = self.manifest.get("findings", [])
        return {one["kind"]: float(one["threshold"]) for one in kinds if one.get("threshold") is not None}


def read_run(folder: Path) -> Run:
    """Read a run's folder.

    Raises
    ------
    UsageError
        If it is no run, or one that did not come as far as its findings.
    DataError
        If a file of the run is missing or damaged.
    """
    if not folder.is_dir():
        what = "das ist eine Datei, kein Ordner" if folder.exists() else "diesen Ordner gibt es nicht"
        raise UsageError(what, place=str(folder), mend="bitte den Ordner eines Laufs nennen")
    manifest = _manifest(folder)
    done = manifest["stages"].get("findings", {})
    if not isinstance(done, dict) or done.get("status") != "done":
        what = "dieser Lauf ist nicht bis zu den Befunden gekommen"
        raise UsageError(what, place=str(folder), mend="bitte ihn mit 'integstat run' zu Ende rechnen")
    counts, findings, peers = (_table(folder / name, columns) for name, columns in _TABLES.items())
    return Run(folder, manifest, counts, findings, peers.set_index("city")["peer_group"].dropna())


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    if not path.is_file():
        what = "das ist kein Lauf, die Datei manifest.json fehlt"
        raise UsageError(what, place=str(folder), mend="bitte den Ordner eines Laufs nennen")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError("diese Datei ist beschädigt", place=str(path), mend=_RERUN) from error
    if not isinstance(content, dict) or not isinstance(content.get("stages"), dict):
        raise UsageError("das ist kein Lauf", place=str(path), mend="bitte den Ordner eines Laufs nennen")
    return content


def _table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
            more = _IF_THERE.get(path.name)
            frame = frame[[*columns, *([more] if more in frame.columns else [])]]
        else:
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], usecols=list(columns))
    except FileNotFoundError as error:
        raise DataError("diese Datei fehlt", place=str(path), mend=_RERUN) from error
    except (ValueError, OSError) as error:
        raise DataError("diese Datei ist beschädigt", place=str(path), mend=_RERUN) from error
    texts = [name for name in columns if not pd.api.types.is_numeric_dtype(frame[name])]
    return frame.assign(**{name: frame[name].astype(object).where(frame[name].notna(), "").astype(str) for name in texts})
