"""The stage of the peers: what may form them, how they come out, and all of its tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from integstat.catalogue import Catalogue
from integstat.config import RingConfig
from integstat.errors import DataError
from integstat.intake.provenance import provenance_of
from integstat.intake.take_in import Delivery
from integstat.peers.build import build_partitions
from integstat.peers.bundle import FILE_NAME as BUNDLE
from integstat.peers.bundle import write_bundle
from integstat.peers.explained import COLUMNS as EXPLAINED_COLUMNS
from integstat.peers.features.admission import admit_features
from integstat.peers.partitions import Partitions
from integstat.pipeline import bundle_of, explained_by_peers
from integstat.run.options import RunOptions


def check_context(config: RingConfig, catalogue: Catalogue, delivery: Delivery) -> tuple[str, ...]:
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


def told_of_peers(partitions: Partitions | None) -> dict[str, Any]:
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


def peer_stage(
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
