"""A whole run: the stages in order, files in and out, a manifest that says what was done with what."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from integstat.catalogue import Catalogue
from integstat.config import RingConfig, load_ring
from integstat.errors import DataError, IntegstatError, UsageError
from integstat.findings import build_findings
from integstat.intake.problems import problem_table, raise_on_error
from integstat.intake.provenance import provenance_of
from integstat.intake.take_in import Delivery, take_in
from integstat.peers.build import build_partitions
from integstat.peers.bundle import FILE_NAME as BUNDLE
from integstat.peers.bundle import write_bundle
from integstat.peers.explained import COLUMNS as EXPLAINED_COLUMNS
from integstat.peers.features.admission import admit_features
from integstat.peers.partitions import Partitions
from integstat.pipeline import (
    Progress,
    baseline,
    bundle_of,
    covariates_of,
    explained_by_peers,
    fit_all,
    fit_table,
    peer_names_by_city,
)
from integstat.report.data import ReportData
from integstat.report.peer_tables import FOLDER as PEERS
from integstat.steps import Store, digest, source_digest, sweep, write_text

Stage = Literal["intake", "peers", "change", "findings", "report"]
STAGES: tuple[Stage, ...] = ("intake", "peers", "change", "findings", "report")
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
    "report.html",
)
_FIXED = ("ring", "config", "key", "rules", "catalogue", "code", "seed", "inputs", "versions")
_STEPS = ".steps"  # kept fits
_PACKAGES = ("numpy", "scipy", "pandas", "xarray", "pymc", "pytensor", "nutpie", "numba", "arviz", "scikit-learn")


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
    """

    out: Path
    data: Path | None = None
    until: Stage = "report"
    redo_from: Stage | None = None
    force: bool = False
    jobs: int = 2


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
        stages[name] = {"status": "done", "seconds": round(time.perf_counter() - begin, 2)}
        self.write()


@dataclass(frozen=True)
class RunResult:
    """Where the results lie, and what there is to say about them."""

    out: Path
    data: ReportData | None
    delivery: Delivery
    seconds: float


def run(config_path: Path, options: RunOptions, *, say: Callable[[str], None], progress: Progress | None = None) -> RunResult:
    """Run a ring from its files to its report.

    Parameters
    ----------
    config_path : Path
    options : RunOptions
    say : callable
        Told one line before each stage.
    progress : callable, optional
        Told after each fit.

    Raises
    ------
    IntegstatError
        With the exit code of its kind. A delivery that breaks the contract leaves no folder behind.
    """
    begin = time.perf_counter()
    config, catalogue = load_ring(config_path)
    say("Lieferungen einlesen")
    delivery = take_in(config, config_path, catalogue, options.data)
    raise_on_error(delivery.problems)
    data = None
    with _naming(config_path):
        admitted = _check_context(config, catalogue, delivery)
        manifest = _open(config_path, config, catalogue, delivery, options)
        with manifest.stage("intake"):
            _write_intake(options.out, delivery)
        if options.until != "intake":
            data = _later_stages(config, catalogue, delivery, admitted, options, manifest, say, progress)
    return RunResult(options.out, data, delivery, time.perf_counter() - begin)


@contextmanager
def _naming(config_path: Path) -> Iterator[None]:
    """Put the config's name before the section that an error speaks of."""
    try:
        yield
    except UsageError as error:
        if not error.place.startswith("["):
            raise
        raise UsageError(error.what, place=f"{config_path}, {error.place}", mend=error.mend) from error


def _later_stages(
    config: RingConfig,
    catalogue: Catalogue,
    delivery: Delivery,
    admitted: tuple[str, ...],
    options: RunOptions,
    manifest: Manifest,
    say: Callable[[str], None],
    progress: Progress | None,
) -> ReportData | None:
    from integstat.report import tables

    panel, years = delivery.panel, config.ring.years
    notion = config.peers.notion if config.peers else "groups"
    covariates = covariates_of(delivery.context, config.peers, config.findings.context)
    with manifest.stage("peers"):
        say("Vergleichsgruppen bilden")
        partitions, peers, explained = _peer_stage(config, catalogue, delivery, admitted, options)
        manifest.content["peers"] = _told(partitions)
    if options.until == "peers":
        return None
    store = Store(options.out / _STEPS)
    if options.redo_from in ("intake", "peers", "change"):
        shutil.rmtree(store.folder, ignore_errors=True)
    with manifest.stage("change"):
        say("Veränderungsmodelle rechnen")
        posteriors = fit_all(
            panel,
            catalogue,
            years,
            config.change,
            partitions,
            config.seed,
            cores=options.jobs,
            keep=store.tree,
            progress=progress,
        )
        fits = fit_table(posteriors.trees)
        manifest.content["fits"] = json.loads(fits.to_json(orient="records"))
        manifest.content["without_counts"] = list(posteriors.empty)
        _write_posteriors(options.out / "change.nc", posteriors.trees)
    if options.until == "change":
        return None
    with manifest.stage("findings"):
        say("Befunde feststellen")
        main = config.main_definitions(catalogue, panel.definitions)
        findings = build_findings(
            posteriors.trees,
            panel,
            catalogue,
            main,
            years,
            config.findings,
            peer_names_by_city(partitions),
            baseline=baseline(partitions, notion),
            covariates=covariates,
        )
        tables.write_findings(options.out, findings.grid, findings.others, peers)
        manifest.content["findings"] = json.loads(findings.kinds.to_json(orient="records"))
        manifest.content["notes"] = list(findings.notes)
    data = ReportData(
        ring_name=config.ring.name,
        years=years,
        fictional=config.fictional,
        cities=panel.cities,
        findings=findings,
        settings=config.findings,
        main=main,
        partitions=partitions,
        peers=peers,
        notion=notion,
        explained=explained,
        problems=problem_table(delivery.problems),
        fits=fits,
        files=delivery.files,
        versions=manifest.content["versions"],
        seed=config.seed,
        rules_digest=manifest.content["rules"],
        catalogue=catalogue,
    )
    if options.until == "findings":
        return data
    with manifest.stage("report"):
        say("Bericht schreiben")
        from integstat.report import write_report

        write_text(options.out / "report.html", write_report(data))
    return data


def _check_context(config: RingConfig, catalogue: Catalogue, delivery: Delivery) -> tuple[str, ...]:
    """Refuse features that are missing, or that the comparison itself measures, before anything is written; return notes."""
    if config.peers is None:
        return ()
    if delivery.context is None:
        raise DataError(
            "für Vergleichsgruppen fehlen die Strukturdaten der Städte",
            place="Kontext",
            mend="bitte das Blatt Kontext ausfüllen lassen oder in der Konfiguration den Abschnitt [peers] streichen",
        )
    return admit_features(config.peers, delivery.context, delivery.panel, catalogue, config.ring.years, provenance_of(config))


def _told(partitions: Partitions | None) -> dict[str, Any]:
    """What the manifest says of the peer stage."""
    if partitions is None:
        return {}
    structure = partitions.structure
    return {
        "groups": partitions.size,
        "structure_p": structure.p if structure is not None else None,
        "grouped": structure.grouped if structure is not None else None,
        "notes": list(partitions.notes),
    }


def _peer_stage(
    config: RingConfig, catalogue: Catalogue, delivery: Delivery, admitted: tuple[str, ...], options: RunOptions
) -> tuple[Partitions | None, pd.DataFrame, pd.DataFrame]:
    """Peer groups and neighbours, the table of groups, and what peers explain; all of it written."""
    from integstat.report import tables
    from integstat.report.peer_tables import write_peer_tables

    panel, partitions = delivery.panel, None
    peers, explained = pd.DataFrame(columns=list(tables.PEER_CODEBOOK)), pd.DataFrame(columns=list(EXPLAINED_COLUMNS))
    if config.peers is not None and delivery.context is not None:
        partitions = build_partitions(delivery.context, config.peers, config.peers.seed, cores=options.jobs)
        partitions = replace(partitions, notes=admitted + partitions.notes)
        names = dict(zip(panel.cities["city"], panel.cities["name"], strict=True))
        peers = partitions.table(names, config.peers.borderline)
        main = config.main_definitions(catalogue, panel.definitions)
        explained = explained_by_peers(panel, catalogue, list(main.values()), config.ring.years, partitions, config.change)
        write_peer_tables(options.out, partitions, explained, names)
        if partitions.scaled is not None:
            write_bundle(options.out / BUNDLE, bundle_of(partitions, delivery.context, config.peers, names))
    tables.write_csv(options.out / "peer_groups.csv", peers)
    tables.write_codebook(options.out / "peer_groups_codebook.md", tables.PEER_CODEBOOK)
    return partitions, peers, explained


def _open(config_path: Path, config: RingConfig, catalogue: Catalogue, delivery: Delivery, options: RunOptions) -> Manifest:
    """Make the run's folder, or take up a run of the same content in it; refuse to overwrite any other."""
    code = source_digest("integstat")
    versions = {"integstat": version("integstat")} | {name: version(name) for name in _PACKAGES}
    key = digest(config, catalogue.digest, delivery.files, code, versions)
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
        shutil.rmtree(options.out / PEERS, ignore_errors=True)
    for folder in (options.out, options.out / _STEPS):
        sweep(folder)
    manifest = Manifest(path)
    manifest.content = {
        "ring": config.ring.id,
        "config": config_path.name,
        "key": key,
        "rules": config.rules_digest(catalogue),
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
        what = "in diesem Ordner liegt ein Lauf mit anderen Daten, anderer Konfiguration oder anderem Programmstand"
        raise UsageError(what, place=str(out), mend=mend)
    raise UsageError("dieser Ordner ist nicht leer und kein Lauf", place=str(out), mend=mend)


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("stages"), dict) else {}


def _write_intake(out: Path, delivery: Delivery) -> None:
    from integstat.report.tables import write_csv, write_parquet

    write_parquet(out / "counts.parquet", delivery.panel.counts)
    write_csv(out / "problems.csv", problem_table(delivery.problems))


def _write_posteriors(path: Path, trees: dict[str, Any]) -> None:
    import xarray as xr

    from integstat.steps.store import write_tree

    whole = xr.DataTree.from_dict(dict(trees))
    write_tree(path, whole)
