"""The baseline comparison, as sections of a report."""
