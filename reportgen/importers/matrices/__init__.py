"""Confusion matrices saved by other programs: their cells, names and proportions."""
