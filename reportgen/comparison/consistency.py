"""Whether a comparison in a ``report.json`` is that of the evaluations and counts beside it.

What follows from the two confusion matrices and from the counts of matched samples is computed
again: the values of both sides, the intervals and p-values of accuracy and recall, Holm's
correction, and the cells that grew. Intervals from resamples must contain their difference.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reportgen.comparison.comparison import (
    NOT_RECORDED,
    Comparison,
    Difference,
    PairedCounts,
)
from reportgen.comparison.significance import (
    accuracy_change,
    apply_holm,
    mcnemar_bounds,
    tendency_of,
    unpaired_change,
)
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.jsonio import JsonPath, agree

__all__ = [
    "check_comparison",
]


_COUNTS = ("both_right", "gained", "lost", "both_wrong")


_OF_CLASSES = ("recall", "precision", "f1")


def check_comparison(found: Comparison, place: JsonPath) -> None:
    """Raise :class:`~reportgen.jsonio.Contradiction`, or :class:`~reportgen.jsonio.Fault` for
    counts, with the first place in `place` where `found` is another comparison than that of its
    two sides.
    """
    _check_values(found, place)
    _check_counts(found, place)
    _check_tests(found, place)


def _check_values(found: Comparison, place: JsonPath) -> None:
    """Each side of a difference is the metric of the evaluation."""
    for side in ("baseline", "candidate"):
        evaluation = getattr(found, side)
        for name, change in found.summary.items():
            if name in evaluation.summary and change.reason != NOT_RECORDED.reason:
                at = place["summary"][name][side]
                _require(getattr(change, side), evaluation.summary[name].value, at, side)
        for one, row in zip(found.classes, place["per_class"].items(), strict=True):
            for name in _OF_CLASSES:
                value = evaluation.per_class[name].metric(one.index).value
                _require(getattr(getattr(one, name), side), value, row[name][side], side)


def _require(told: float | None, value: float | None, place: JsonPath, side: str) -> None:
    if told is not None and not agree(told, value):
        place.disagrees(value, f"the {side} itself")


def _check_counts(found: Comparison, place: JsonPath) -> None:
    before, after = found.baseline.confusion, found.candidate.confusion
    supports = after.true_totals.tolist()
    for one, row in zip(found.classes, place["per_class"].items(), strict=True):
        if one.support != supports[one.index]:
            row["support"].disagrees(supports[one.index])
    if found.paired is not None:
        for name in (*_COUNTS, "same"):
            counted = sum(getattr(one.paired, name) for one in found.classes if one.paired)
            if counted != getattr(found.paired, name):
                place["paired"][name].disagrees(counted, "the sum over the classes")
    cells = [(pair.true, pair.predicted) for pair in found.grown]
    rows, columns = np.array(cells, np.int64).reshape(-1, 2).T
    for side, matrix in (("baseline", before), ("candidate", after)):
        counts = matrix.lookup(rows, columns).tolist()
        for pair, n, at in zip(found.grown, counts, place["grown_pairs"].items(), strict=True):
            if getattr(pair, side) != n:
                at[side].disagrees(n)
    if found.bounds is not None and found.bounds != mcnemar_bounds(before, after):
        place["mcnemar_bounds"].contradicts("the confusion matrices give other bounds")


def _check_tests(found: Comparison, place: JsonPath) -> None:
    before, after = found.baseline.confusion, found.candidate.confusion
    whole = after.n_correct, after.n_samples, before.n_correct, before.n_samples
    at = place["summary"]
    _require_test(found.summary["accuracy"], _tested(found.paired, whole), at["accuracy"])
    recorded = {n: one for n, one in found.summary.items() if one.reason != NOT_RECORDED.reason}
    _check_family(
        list(recorded.values()),
        [at[name] for name in recorded],
        is_whole=at.members().keys() <= found.summary.keys(),
    )
    rows = place["per_class"].items()
    recalls = _of_totals(after, before, "true_totals")
    precisions = _of_totals(after, before, "predicted_totals")
    for one, row, recall, precision in zip(found.classes, rows, recalls, precisions, strict=True):
        _require_test(one.recall, _tested(one.paired, recall), row["recall"])
        _require_test(one.precision, _tested(None, precision), row["precision"])
        _require_inside(one.f1, row["f1"])
    n_tests = _check_family([one.recall for one in found.classes], [row["recall"] for row in rows])
    if found.n_tests != n_tests:
        place["n_tests"].disagrees(n_tests, _HOLM)
    for one, row in zip(found.classes, rows, strict=True):
        if one.tendency != tendency_of(one.recall):
            row["tendency"].disagrees(tendency_of(one.recall), "the difference in recall")


_Shares = tuple[int, int, int, int]
"""Hits and total of the candidate, hits and total of the baseline."""


def _of_totals(after: ConfusionMatrix, before: ConfusionMatrix, name: str) -> list[_Shares]:
    """Of each class."""
    columns = (after.diagonal, getattr(after, name), before.diagonal, getattr(before, name))
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _tested(paired: PairedCounts | None, shares: _Shares) -> Difference:
    return accuracy_change(paired) if paired is not None else unpaired_change(*shares)


def _require_test(told: Difference, expected: Difference, place: JsonPath) -> None:
    """The interval, the bounds and the p-value of a difference of two shares."""
    if told.method != expected.method:  # an earlier version's, or of resamples
        _require_inside(told, place)
        return
    for name in ("interval", "bounds"):
        place[name].must_have_ends(getattr(expected, name), _TEST)
    if told.p is not None and not agree(told.p, expected.p):
        place["p"].disagrees(expected.p, _TEST)


_TEST = "the test on the same counts"


def _require_inside(told: Difference, place: JsonPath) -> None:
    place["interval"].must_contain(told.difference, "difference")


_HOLM = "Holm's correction"


def _check_family(
    told: Sequence[Difference], places: Sequence[JsonPath], *, is_whole: bool = True
) -> int:
    """Check a family of tests; returns their number.

    The correction is not checked if the family has tests that this version does not know.
    """
    adjusted, n_tests = apply_holm(told)
    for one, expected, at in zip(told, adjusted, places, strict=True):
        _require_inside(one, at)
        if not is_whole or one.p_adjusted is None:
            continue
        if not agree(one.p_adjusted, expected.p_adjusted):
            at["p_adjusted"].disagrees(expected.p_adjusted, _HOLM)
    return n_tests
