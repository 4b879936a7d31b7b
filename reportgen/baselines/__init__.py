"""Evaluations kept for later comparison, in a folder that can be committed, and their history."""

from reportgen.baselines.history import HistoryEntry, read_history
from reportgen.baselines.store import DEFAULT_FOLDER, Baselines
from reportgen.baselines.trend import sparkline

__all__ = ["DEFAULT_FOLDER", "Baselines", "HistoryEntry", "read_history", "sparkline"]
