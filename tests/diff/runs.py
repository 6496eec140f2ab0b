"""Small runs, written by hand as a run would leave them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from integstat.diff import Run

CITIES = tuple(f"{number:05d}" for number in range(3001, 3009))
INDICATORS = ("E1", "E2")
DIGESTS = {"catalogue": "c", "rules": "r", "code": "p", "seed": 1, "versions": {"numpy": "2"}, "key": "k"}


@dataclass
class Made:
    """Tables of a run that a test may change before they are written."""

    counts: pd.DataFrame
    findings: pd.DataFrame
    groups: dict[str, str]
    manifest: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        folder.mkdir()
        self.counts.to_parquet(folder / "counts.parquet", index=False)
        self.findings.to_parquet(folder / "findings.parquet", index=False)
        peers = pd.DataFrame({"city": list(self.groups), "city_name": "x", "peer_group": list(self.groups.values())})
        peers.to_csv(folder / "peer_groups.csv", index=False)
        (folder / "manifest.json").write_text(json.dumps(self.manifest), encoding="utf-8")
        return folder

    def run(self) -> Run:
        """What reading it back gives."""
        peers = pd.Series(self.groups, name="peer_group").rename_axis("city")
        return Run(Path("run"), self.manifest, self.counts, self.findings, peers)

    def figure(self, city: str, definition: str, year: int = 2021, part: str = "y", group: str = "target") -> tuple[Any, str]:
        """Where one figure stands, for `counts.loc`."""
        counts = self.counts
        rows = (counts["city"] == city) & (counts["definition"] == definition) & (counts["year"] == year)
        (index,) = counts.index[rows & (counts["group"] == group)]
        return index, part

    def cell(self, city: str, indicator: str) -> Any:
        """Where one finding stands, for `findings.loc`."""
        (index,) = self.findings.index[(self.findings["city"] == city) & (self.findings["indicator"] == indicator)]
        return index

    def find(self, city: str, indicator: str, finding: str, **probabilities: float) -> None:
        """Set a finding and its probabilities."""
        index = self.cell(city, indicator)
        self.findings.loc[index, "finding"] = finding
        for event, p in probabilities.items():
            self.findings.loc[index, f"p_{event}"] = p


def made(**digests: Any) -> Made:
    """Eight cities in two groups, two indicators with two definitions each; every finding open."""
    rng = np.random.default_rng(1)
    rows = [
        (city, indicator, f"{indicator}.{name}", group, year)
        for city in CITIES
        for indicator in INDICATORS
        for name in ("main", "other")
        for group in ("target", "reference")
        for year in (2020, 2021)
    ]
    counts = pd.DataFrame(rows, columns=["city", "indicator", "definition", "group", "year"])
    counts["y"], counts["n"] = rng.integers(100, 200, len(counts)).astype(float), 1000.0
    counts["y_code"] = counts["n_code"] = "value"
    counts["note"] = counts["place"] = ""
    cells = [(city, f"Stadt {city}", indicator, f"{indicator}.main") for city in CITIES for indicator in INDICATORS]
    findings = pd.DataFrame(cells, columns=["city", "city_name", "indicator", "definition"])
    findings["p_success"], findings["p_deficit"], findings["p_stable"] = 0.3, 0.2, 0.5
    findings["finding"], findings["flags"] = "open", ""
    thresholds = [{"kind": kind, "threshold": 0.8} for kind in ("success", "deficit", "stable")]
    manifest = DIGESTS | {"inputs": {"a.csv": "1"}, "stages": {"findings": {"status": "done"}}, "findings": thresholds} | digests
    return Made(counts, findings, {city: "West" if place < 4 else "Ost" for place, city in enumerate(CITIES)}, manifest)
