"""Compare two runs of one ring."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from integstat.diff.counts import changed_counts
from integstat.diff.findings import Around, changed_findings
from integstat.diff.runs import Run
from integstat.errors import UsageError

_CITY = re.compile(r"^[0-9]{5}(?:[0-9]{3})?/")  # name of a city's file in a store
RUN_REASONS = ("catalogue", "rules", "seed", "code", "versions", "config")


@dataclass(frozen=True)
class Difference:
    """What two runs do not have in common.

    Attributes
    ----------
    counts : pandas.DataFrame
        Changed figures, columns `COUNT_CODEBOOK`.
    findings : pandas.DataFrame
        Changed cells, columns `FINDING_CODEBOOK`.
    run_reasons : tuple of str
        What of the runs as a whole differs, names from `RUN_REASONS`.
    files : dict of str to str
        Input files by name that are `changed`, `added` or `dropped`.
    cells : int
        Cells that both runs have.
    kept : int
        Of these, cells with the same finding.
    """

    counts: pd.DataFrame
    findings: pd.DataFrame
    run_reasons: tuple[str, ...]
    files: dict[str, str]
    cells: int
    kept: int


def difference(before: Run, after: Run) -> Difference:
    """Compare two runs.

    Raises
    ------
    UsageError
        If they have no cell in common.
    """
    cells = {(row.city, row.indicator) for row in before.findings[["city", "indicator"]].itertuples()}
    common = cells & {(row.city, row.indicator) for row in after.findings[["city", "indicator"]].itertuples()}
    if not common:
        raise UsageError(
            "die beiden Läufe haben keine Stadt mit einem gemeinsamen Indikator",
            place=f"{before.folder} und {after.folder}",
            mend="bitte zwei Läufe desselben Rings nennen",
        )
    counts = changed_counts(before.counts, after.counts, before.names | after.names)
    files = changed_files(before.manifest.get("inputs", {}), after.manifest.get("inputs", {}))
    reasons = run_reasons(before, after, bool(files))
    around = Around(counts, before.peers, after.peers, before.thresholds, after.thresholds)
    findings = changed_findings(before.findings, after.findings, around, reasons)
    turned = int(findings["kind"].isin(("new", "lost", "turned")).sum())
    return Difference(counts, findings, reasons, files, len(common), len(common) - turned)


def changed_files(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """Input files whose content differs, or which only one run read.

    Where a store of vintages gave one file of a city to each run, under two names, it is one that changed.
    """
    kinds = {
        name: "added" if name not in before else "dropped" if name not in after else "changed"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }
    for city in {name.partition("/")[0] for name in kinds if _CITY.match(name)}:
        own = {
            kind: [name for name, one in kinds.items() if one == kind and name.startswith(f"{city}/")] for kind in kinds.values()
        }
        if len(own.get("added", ())) == len(own.get("dropped", ())) == 1:
            (old,), (new,) = own["dropped"], own["added"]
            del kinds[old], kinds[new]
            kinds[f"{old} → {new.partition('/')[2]}"] = "changed"
    return dict(sorted(kinds.items()))


def run_reasons(before: Run, after: Run, other_files: bool) -> tuple[str, ...]:
    """What differs between the runs as a whole, by the digests of their manifests.

    `rules` (main definitions, settings of findings, change and peers, other choices) holds the catalogue too, so it is told
    of its own only where the catalogue is the same. `config` is what is left when the runs' keys differ and nothing else does.
    """
    one, two = before.manifest, after.manifest
    found = [name for name in ("catalogue", "seed", "code", "versions") if one.get(name) != two.get(name)]
    if one.get("rules") != two.get("rules") and "catalogue" not in found:
        found.append("rules")
    if one.get("key") != two.get("key") and not found and not other_files:
        found.append("config")
    return tuple(name for name in RUN_REASONS if name in found)
