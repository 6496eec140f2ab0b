"""Small tables with known groups, and programs in R that the tests compare with."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess

import numpy as np
import pytest


def islands(groups: int, each: int, seed: int = 0, features: int = 3, noise: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Points around far corners, and the true group of each; members of a group do not stand together."""
    rng = np.random.default_rng(seed)
    corners = 6.0 * np.column_stack([rng.permutation(groups) for _ in range(features)])
    truth = np.arange(groups * each) % groups
    return corners[truth] + noise * rng.normal(size=(groups * each, features)), truth


def same_partition(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two labellings put the same points together."""
    return bool(((first[:, None] == first) == (second[:, None] == second)).all())


def from_r(program: str, package: str, *arguments: str) -> list[list[str]]:
    """Rows of the CSV that an R program prints; skips where R or the package is missing."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        pytest.skip("Rscript is not installed")
    if subprocess.run([rscript, "-e", f"library({package})"], capture_output=True, check=False).returncode:
        pytest.skip(f"the R package {package} is not installed")
    run = subprocess.run([rscript, "-e", program, *arguments], capture_output=True, text=True, check=True)
    return list(csv.reader(io.StringIO(run.stdout)))
