"""The stage of the findings: what may be said of cells, fields and the ring, what stands beside it, and all of its tables."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from integstat.catalogue import Catalogue
from integstat.config import RingConfig
from integstat.disclosure.flags import with_flags
from integstat.findings import Baseline, Findings, build_findings
from integstat.findings.fields import field_statements
from integstat.findings.partners import learning_partners, partner_measures, peers_of
from integstat.findings.ranks import FILE_NAME as COMPARISON
from integstat.findings.ranks import comparison_of, write_comparison
from integstat.findings.themes import themes
from integstat.findings.usual import compare, usual_practice
from integstat.intake.take_in import Delivery
from integstat.joined import join_fields, join_table
from integstat.peers.partitions import Partitions
from integstat.pipeline import Posteriors, baseline, covariates_of, peer_names_by_city, seed_of
from integstat.report.tables import Beside, write_beside, write_findings
from integstat.run.folder import Manifest
from integstat.steps import Store


@dataclass(frozen=True)
class Found:
    """Findings, and the tables that stand beside them."""

    findings: Findings
    beside: Beside


def finding_stage(
    config: RingConfig,
    catalogue: Catalogue,
    delivery: Delivery,
    posteriors: Posteriors,
    partitions: Partitions | None,
    peers: pd.DataFrame,
    store: Store,
    out: Path,
    manifest: Manifest,
) -> Found:
    """Decide about every cell and field, gather what is shown beside, and write it."""
    panel, years, main = delivery.panel, config.ring.years, config.main_definitions(catalogue, delivery.panel.definitions)
    compared_with = _compared_with(config, partitions)
    findings = build_findings(
        posteriors.trees,
        panel,
        catalogue,
        main,
        years,
        config.findings,
        peer_names_by_city(partitions),
        baseline=compared_with,
        covariates=covariates_of(delivery.context, config.peers, config.findings.context),
        seed=seed_of(config.seed, "bridge"),
    )
    findings = with_flags(findings, panel)
    write_comparison(out / COMPARISON, comparison_of(main, panel, catalogue, years, findings.grid, compared_with))
    joined = join_fields(
        posteriors.trees,
        panel,
        catalogue,
        main,
        years,
        config.change,
        config.findings,
        partitions,
        config.seed,
        keeper=store,
    )
    fields, field_kinds = field_statements(
        joined.trees,
        posteriors.trees,
        panel.cities,
        catalogue,
        dict(zip(findings.ring["definition"], findings.ring["rho"], strict=True)),
        config.findings,
        shifted=findings.shifted,
    )
    found = Found(findings, _beside(findings, fields, config, catalogue, delivery, partitions))
    manifest.content |= {
        "main": main,
        "fields": json.loads(join_table(joined).to_json(orient="records")),
        "field_findings": json.loads(field_kinds.to_json(orient="records")),
        "notes": list(findings.notes),
    }
    write_found(found, peers, out, manifest)
    return found


def told_anew(
    found: Found, findings: Findings, config: RingConfig, catalogue: Catalogue, delivery: Delivery, partitions: Partitions | None
) -> Found:
    """Return what stands beside other findings of the same run; statements about fields stay."""
    return replace(
        found, findings=findings, beside=_beside(findings, found.beside.fields, config, catalogue, delivery, partitions)
    )


def write_found(found: Found, peers: pd.DataFrame, out: Path, manifest: Manifest) -> None:
    """Write all tables of the findings, and put the kinds into the manifest."""
    write_findings(out, found.findings, peers, found.beside)
    write_beside(out, found.findings, found.beside)
    manifest.content["findings"] = json.loads(found.findings.kinds.to_json(orient="records"))


def _compared_with(config: RingConfig, partitions: Partitions | None) -> Baseline | None:
    return baseline(partitions, config.peers.notion if config.peers else "groups")


def _beside(
    findings: Findings,
    fields: pd.DataFrame,
    config: RingConfig,
    catalogue: Catalogue,
    delivery: Delivery,
    partitions: Partitions | None,
) -> Beside:
    """Gather the tables that follow from the findings."""
    years, main = config.ring.years, config.main_definitions(catalogue, delivery.panel.definitions)
    usual = usual_practice(delivery.panel, catalogue, main.values(), years, grid=findings.grid)
    nearest = partitions.neighbours.k if partitions is not None and partitions.neighbours is not None else 1
    near = peers_of(_compared_with(config, partitions), nearest)
    partners = learning_partners(findings.grid, near, delivery.measures)
    return Beside(
        fields=fields,
        usual=usual,
        compared=compare(usual, findings.grid),
        themes=themes(findings.grid, list(catalogue.fields)),
        partners=partners,
        partner_measures=partner_measures(partners, delivery.measures, years[-1]),
        measures=delivery.measures,
    )
