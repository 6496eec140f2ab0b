"""The report: one self-contained German HTML file that a working group can read and print."""

from integstat.report.data import ReportData
from integstat.report.html import write_report

__all__ = ["ReportData", "write_report"]
