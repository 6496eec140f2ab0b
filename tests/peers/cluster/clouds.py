"""Small tables with known groups, and programs in R that the tests compare with."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from functools import partial

import pytest
from tests.peers import rings

islands = partial(rings.islands, features=3)
same_partition = rings.same_partition


def from_r(program: str, package: str, *arguments: str) -> list[list[str]]:
    """Rows of the CSV that an R program prints; skips where R or the package is missing."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        pytest.skip("Rscript is not installed")
    if subprocess.run([rscript, "-e", f"library({package})"], capture_output=True, check=False).returncode:
        pytest.skip(f"the R package {package} is not installed")
    run = subprocess.run([rscript, "-e", program, *arguments], capture_output=True, text=True, check=True)
    return list(csv.reader(io.StringIO(run.stdout)))
