"""Analyses of counts and scores beyond the metrics: scores, confusions, slices, label errors."""
