"""From posteriors to findings: success, deficit, stable or open, with everything that makes them doubtful."""

from integstat.findings.baseline import Baseline
from integstat.findings.build import Findings, build_findings
from integstat.findings.frame import CODEBOOK, FINDING_COLUMNS
from integstat.findings.settings import FindingSettings

__all__ = ["CODEBOOK", "FINDING_COLUMNS", "Baseline", "FindingSettings", "Findings", "build_findings"]
