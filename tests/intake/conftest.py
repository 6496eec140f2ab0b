"""Fixtures of the intake's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from integstat.catalogue.load import Catalogue

from .rings import Ring, definition, indicator


@pytest.fixture(scope="session")
def small_catalogue() -> Catalogue:
    """T1 share (two definitions), T2 rate (one group), T3 mean of months."""
    entries = (
        indicator(
            "T1",
            "share",
            (
                definition("all"),
                definition("other"),
                definition("mixed", denominator_group_concept="migration_background"),
            ),
        ),
        indicator("T2", "rate", (definition("all"),), reference=""),
        indicator("T3", "mean_of_months", (definition("all"),)),
    )
    return Catalogue({}, {entry.id: entry for entry in entries}, {}, (), "")


@pytest.fixture
def ring(tmp_path: Path, small_catalogue: Catalogue) -> Ring:
    """A sound ring."""
    return Ring(tmp_path, small_catalogue)
