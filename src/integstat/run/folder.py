"""A run's folder: made, recognised or refused; and its manifest, which says what was done with what."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from integstat.catalogue import Catalogue
from integstat.config import RingConfig
from integstat.errors import IntegstatError, UsageError
from integstat.findings.ranks import FILE_NAME as COMPARISON
from integstat.intake.take_in import Delivery
from integstat.peers.bundle import FILE_NAME as BUNDLE
from integstat.report.peer_tables import FOLDER as PEERS
from integstat.report.sensitivity_tables import SENSITIVITY_FILES
from integstat.report.tables import BESIDE_CODEBOOK, BESIDE_CODEBOOKS
from integstat.run.options import STAGES, RunOptions, Stage
from integstat.sensitivity.settings import MultiverseSettings
from integstat.steps import digest, source_digest, sweep, write_text

_RESULTS = (
    "counts.parquet",
    "problems.csv",
    "peer_groups.csv",
    "peer_groups_codebook.md",
    BUNDLE,
    "change.nc",
    "findings.csv",
    "findings.parquet",
    "findings.xlsx",
    "findings_codebook.md",
    "findings_definitions.csv",
    *(f"{name}.csv" for name in BESIDE_CODEBOOKS),
    BESIDE_CODEBOOK,
    COMPARISON,
    *SENSITIVITY_FILES,
    "report.html",
    "cards.pdf",
)
_FIXED = ("ring", "config", "key", "rules", "catalogue", "code", "seed", "inputs", "versions")
STEPS = ".steps"  # kept fits
_PACKAGES = ("numpy", "scipy", "pandas", "xarray", "pymc", "pytensor", "nutpie", "numba", "arviz", "scikit-learn")


@dataclass
class Manifest:
    """What `manifest.json` says; written anew after every stage.

    Durations are facts about one machine and no part of what a repeated run promises to reproduce.
    """

    path: Path
    content: dict[str, Any] = field(default_factory=dict)

    def write(self) -> None:
        """Write the file, whole or not at all."""
        write_text(self.path, json.dumps(self.content, ensure_ascii=False, indent=2, allow_nan=False) + "\n")

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Note that a stage runs, then that it is done or failed, and how long it took."""
        stages = self.content["stages"]
        stages[name] = {"status": "running"}
        self.write()
        begin = time.perf_counter()
        try:
            yield
        except BaseException as error:
            reason = str(error) if isinstance(error, IntegstatError) else type(error).__name__
            stages[name] = {"status": "failed", "reason": reason}
            self.write()
            raise
        stages[name] |= {"status": "done", "seconds": round(time.perf_counter() - begin, 2)}
        self.write()


def open_folder(
    config_path: Path,
    config: RingConfig,
    catalogue: Catalogue,
    delivery: Delivery,
    multiverse: MultiverseSettings | None,
    options: RunOptions,
) -> Manifest:
    """Make the run's folder, or take up a run of the same content in it; refuse to overwrite any other."""
    code = source_digest("integstat")
    versions = {"integstat": version("integstat")} | {name: version(name) for name in _PACKAGES}
    key = digest(config, catalogue.digest, delivery.files, multiverse, code, versions)
    rules = config.rules_digest(catalogue)
    path = options.out / "manifest.json"
    found = _read_manifest(path)
    same = found.get("key") == key
    if not same and not options.force:
        _refuse_other(options.out)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"dieser Ordner lässt sich nicht anlegen ({error.strerror})"
        raise UsageError(what, place=str(options.out), mend="bitte mit --out einen anderen nennen") from error
    if not same:  # nothing of another run may lie beside this one's manifest
        for name in _RESULTS:
            (options.out / name).unlink(missing_ok=True)
        for name in (PEERS, "cards"):
            shutil.rmtree(options.out / name, ignore_errors=True)
    for folder in (options.out, options.out / STEPS):
        sweep(folder)
    manifest = Manifest(path)
    manifest.content = {
        "ring": config.ring.id,
        "config": config_path.name,
        "key": key,
        "rules": rules if multiverse is None else digest(rules, multiverse),
        "catalogue": catalogue.digest,
        "code": code,
        "seed": config.seed,
        "inputs": delivery.files,
        "versions": versions,
        "stages": {},
    }
    if same:  # what an earlier call found out about the same run stays true
        manifest.content |= {name: value for name, value in found.items() if name not in _FIXED}
    for stage in STAGES[STAGES.index(options.redo_from) :] if options.redo_from else ():
        manifest.content["stages"].pop(stage, None)
    manifest.write()
    return manifest


def _refuse_other(out: Path) -> None:
    """Refuse a folder that holds anything; a run of the same content was recognised before."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    mend = "bitte mit --out einen anderen Ordner nennen oder mit --force überschreiben"
    if not out.is_dir():
        raise UsageError("das ist eine Datei, kein Ordner", place=str(out), mend="bitte mit --out einen Ordner nennen")
    if (out / "manifest.json").exists():
        what = "hier liegt ein Lauf mit anderen Daten, anderer Konfiguration, anderen Rechenwegen oder anderem Programmstand"
        raise UsageError(what, place=str(out), mend=mend)
    raise UsageError("dieser Ordner ist nicht leer und kein Lauf", place=str(out), mend=mend)


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("stages"), dict) else {}
