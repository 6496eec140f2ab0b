"""The one table all later rooms read: counts by city, indicator, definition, group and year; and the cities' context."""

from integstat.panel.context import Context
from integstat.panel.panel import CODES, COUNT_COLUMNS, STEP_COLUMN, Cells, Panel

__all__ = ["CODES", "COUNT_COLUMNS", "STEP_COLUMN", "Cells", "Context", "Panel"]
