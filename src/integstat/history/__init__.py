"""History: what earlier years of the same indicators say about how much they move, and what of it lasts."""

from integstat.history.file import HistoryFile, HistoryPrior, HistoryRow, read_history, write_history
from integstat.history.merge import HistoryEntry, with_history

__all__ = ["HistoryEntry", "HistoryFile", "HistoryPrior", "HistoryRow", "read_history", "with_history", "write_history"]
