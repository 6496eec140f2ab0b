"""The first stage: deliveries as everybody may know them, and what is kept of them."""

from __future__ import annotations

from pathlib import Path

from integstat.catalogue import Catalogue
from integstat.config import RingConfig
from integstat.disclosure.protect import protect_delivery
from integstat.intake.problems import problem_table, raise_on_error
from integstat.intake.take_in import Delivery, take_in
from integstat.report.tables import write_csv, write_parquet


def intake_stage(config: RingConfig, config_path: Path, catalogue: Catalogue, data: Path | None) -> Delivery:
    """Read what cities delivered, and hold confidential counts back from all that follows.

    Raises
    ------
    DataError
        If a delivery breaks the contract.
    """
    delivery = take_in(config, config_path, catalogue, data)
    raise_on_error(delivery.problems)
    main = config.main_definitions(catalogue, delivery.panel.definitions).values()
    return protect_delivery(delivery, config.disclosure, config, catalogue, main)


def write_intake(out: Path, delivery: Delivery) -> None:
    """Write counts and problems."""
    write_parquet(out / "counts.parquet", delivery.panel.counts)
    write_csv(out / "problems.csv", problem_table(delivery.problems))
