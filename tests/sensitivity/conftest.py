"""What several tests of this folder share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of fits that all tests may add to: what stands under a key is the same for all."""
    return tmp_path_factory.mktemp("kept")
