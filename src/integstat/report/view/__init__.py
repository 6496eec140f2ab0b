"""From the data of a run to what the templates print: every string is made here, none in a template."""

from integstat.report.view.build import ReportView, build_view

__all__ = ["ReportView", "build_view"]
