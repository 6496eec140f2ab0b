"""The stage of the findings: what may be said of cells, fields and the ring, what stands beside it, and all of its tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from integstat.catalogue import Catalogue
from integstat.config import RingConfig
from integstat.findings import Findings, build_findings
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
    notion = config.peers.notion if config.peers else "groups"
    compared_with = baseline(partitions, notion)
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
    usual = usual_practice(panel, catalogue, main.values(), years, grid=findings.grid)
    nearest = partitions.neighbours.k if partitions is not None and partitions.neighbours is not None else 1
    partners = learning_partners(findings.grid, peers_of(compared_with, nearest), delivery.measures)
    beside = Beside(
        fields=fields,
        usual=usual,
        compared=compare(usual, findings.grid),
        themes=themes(findings.grid, list(catalogue.fields)),
        partners=partners,
        partner_measures=partner_measures(partners, delivery.measures, years[-1]),
        measures=delivery.measures,
    )
    write_findings(out, findings, peers, beside)
    write_beside(out, findings, beside)
    manifest.content |= {
        "main": main,
        "findings": json.loads(findings.kinds.to_json(orient="records")),
        "fields": json.loads(join_table(joined).to_json(orient="records")),
        "field_findings": json.loads(field_kinds.to_json(orient="records")),
        "notes": list(findings.notes),
    }
    return Found(findings, beside)
