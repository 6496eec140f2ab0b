"""A whole run: the stages in order, files in and out, a manifest that says what was done with what."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integstat.catalogue import Catalogue
from integstat.config import RingConfig, load_ring
from integstat.errors import UsageError
from integstat.intake.problems import problem_table
from integstat.intake.take_in import Delivery
from integstat.pipeline import Progress, fit_all, fit_table
from integstat.report.data import ReportData
from integstat.run.finding_stage import finding_stage, told_anew, write_found
from integstat.run.folder import STEPS, Manifest, open_folder
from integstat.run.intake_stage import intake_stage, write_intake
from integstat.run.options import RunOptions
from integstat.run.peer_stage import check_context, peer_stage, told_of_peers
from integstat.run.sensitivity_stage import multiverse_of, sensitivity_stage, space_of, unnamed
from integstat.sensitivity.compute import Tell, tell_nobody
from integstat.sensitivity.plan import Ring
from integstat.sensitivity.settings import MultiverseSettings
from integstat.sensitivity.space import Space
from integstat.steps import Store, write_text
from integstat.texts import Texts


@dataclass(frozen=True)
class RunResult:
    """Where the results lie, and what there is to say about them."""

    out: Path
    data: ReportData | None
    delivery: Delivery
    seconds: float


def run(
    config_path: Path,
    options: RunOptions,
    *,
    say: Callable[[str], None],
    progress: Progress | None = None,
    tell: Tell = tell_nobody,
) -> RunResult:
    """Run a ring from its files to its report.

    Parameters
    ----------
    config_path : Path
    options : RunOptions
    say : callable
        Told one line before each stage.
    progress : callable, optional
        Told after each fit.
    tell : callable, optional
        Told how far the other choices have come.

    Raises
    ------
    IntegstatError
        With the exit code of its kind. A delivery that breaks the contract leaves no folder behind.
    """
    begin = time.perf_counter()
    Texts(options.language)  # one that is not there is told before anything is computed
    config, catalogue = load_ring(config_path)
    multiverse = multiverse_of(config, config_path, options)
    if options.until == "sensitivity" and multiverse is None:
        raise unnamed(config_path)
    say("Lieferungen einlesen")
    delivery = intake_stage(config, config_path, catalogue, options.data)
    data = None
    with _naming(config_path):
        admitted = check_context(config, catalogue, delivery)
        # laid out before a folder is opened, so that what cannot be is told before anything is computed
        laid_out = None if multiverse is None else (multiverse, *space_of(multiverse, config, catalogue, delivery))
        manifest = open_folder(config_path, config, catalogue, delivery, multiverse, options)
        with manifest.stage("intake"):
            write_intake(options.out, delivery)
        if options.until != "intake":
            data = _later_stages(config, catalogue, delivery, admitted, laid_out, options, manifest, say, progress, tell)
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
    laid_out: tuple[MultiverseSettings, Space, Ring] | None,
    options: RunOptions,
    manifest: Manifest,
    say: Callable[[str], None],
    progress: Progress | None,
    tell: Tell,
) -> ReportData | None:
    panel, years = delivery.panel, config.ring.years
    notion = config.peers.notion if config.peers else "groups"
    with manifest.stage("peers"):
        say("Vergleichsgruppen bilden")
        partitions, peers, explained = peer_stage(config, catalogue, delivery, admitted, options)
        manifest.content["peers"] = told_of_peers(partitions)
    if options.until == "peers":
        return None
    store = Store(options.out / STEPS)
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
            keeper=store,
            address=options.dask,
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
        found = finding_stage(config, catalogue, delivery, posteriors, partitions, peers, store, options.out, manifest)
    shown = None
    if laid_out is not None and options.until != "findings":
        with manifest.stage("sensitivity"):
            say("Andere Rechenwege rechnen")
            findings, shown = sensitivity_stage(*laid_out, partitions, found.findings, store, options, manifest, tell)
            found = told_anew(found, findings, config, catalogue, delivery, partitions)
            write_found(found, peers, options.out, manifest)
    data = ReportData(
        ring_name=config.ring.name,
        years=years,
        fictional=config.fictional,
        unofficial=config.unofficial,
        cities=panel.cities,
        findings=found.findings,
        beside=found.beside,
        settings=config.findings,
        main=config.main_definitions(catalogue, panel.definitions),
        partitions=partitions,
        peers=peers,
        notion=notion,
        explained=explained,
        problems=problem_table(delivery.problems),
        fits=fits,
        files=dict.fromkeys(delivery.files, "") if config.disclosure.threshold else delivery.files,
        versions=manifest.content["versions"],
        seed=config.seed,
        rules_digest=manifest.content["rules"],
        history=config.history,
        catalogue=catalogue,
        sensitivity=shown,
    )
    if options.until in ("findings", "sensitivity"):
        return data
    with manifest.stage("report"):
        say("Bericht schreiben")
        from integstat.report import write_report
        from integstat.report.workbook import write_workbook

        write_text(options.out / "report.html", write_report(data, options.language, interactive=options.interactive))
        write_workbook(data, options.out / "findings.xlsx", options.language)
        if options.cards:
            from integstat.report.cards import write_cards

            say("Steuerungskarten schreiben")
            write_cards(data, options.out, options.language)
    return data


def _write_posteriors(path: Path, trees: dict[str, Any]) -> None:
    import xarray as xr

    from integstat.steps.netcdf import write_tree

    whole = xr.DataTree.from_dict(dict(trees))
    write_tree(path, whole)
