"""What changed between two runs of a ring, in data and in findings, and what went along with it."""

from integstat.diff.build import Difference, difference
from integstat.diff.counts import COUNT_CODEBOOK
from integstat.diff.findings import FINDING_CODEBOOK
from integstat.diff.runs import Run, read_run

__all__ = ["COUNT_CODEBOOK", "FINDING_CODEBOOK", "Difference", "Run", "difference", "read_run"]
