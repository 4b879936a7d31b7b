"""Why a part of a comparison is missing, in words."""

from __future__ import annotations

from reportgen.metrics.definitions import REASONS as METRIC_REASONS

__all__ = ["REASONS"]

REASONS: dict[str, str] = {
    **METRIC_REASONS,
    "matrix": (
        "One side is a confusion matrix: it holds counts, so nobody knows which samples each "
        "model got right."
    ),
    "no_predictions": (
        "One side is a report without the predictions of its samples, so nobody knows which "
        "samples each model got right."
    ),
    "no_side_interval": (
        "The samples of the two sides are not matched, and one of the two figures has no interval "
        "of its own, so that their difference has none."
    ),
    "partial_scores": (
        "Some samples have no scores on one side, so the figures of the two are of different "
        "samples."
    ),
    "no_disagreement": (
        "Both models gave the same answers wherever this figure looks: there is no difference to "
        "estimate."
    ),
    "no_variation": (
        "The difference is the same in every resample: these samples are too few, or too much "
        "alike, to estimate how far it may vary."
    ),
    "too_many_classes": (
        "With so many classes, intervals of the differences in precision and F1 are not made; "
        "those in recall are."
    ),
}
"""Reason code → one sentence for readers: those of the metrics, and those of comparisons."""
