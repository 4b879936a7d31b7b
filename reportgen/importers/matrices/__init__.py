"""Confusion matrices that other programs saved: their cells, their names, their shares."""
