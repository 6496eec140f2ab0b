"""The panel in which a reader picks a finding: a script and its data inside the page, on request only."""

from integstat.report.interactive.parts import InteractiveParts, interactive_parts

__all__ = ["InteractiveParts", "interactive_parts"]
