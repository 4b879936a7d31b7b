"""Differences of metrics of two unmatched sides, from the interval of each (MOVER).

*Method of variance estimates recovery*: the distance from a metric to an end of its interval serves
as its standard error in that direction, and the two distances are added in quadrature. Newcombe's
interval of two proportions is the case of two Wilson intervals.

Zou & Donner 2008, Statistics in Medicine 27, 1693-1702; Newcombe 1998, Statistics in Medicine 17,
873-890, method 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray

from reportgen.comparison.align import match_classes
from reportgen.comparison.comparison import Bootstrap, Comparison, Difference
from reportgen.comparison.definitions import COMPARED, COMPARED_WHERE_GIVEN
from reportgen.comparison.paired import (
    chance_ece,
    class_changes,
    drop_samples,
    grown_pairs,
    use_costs_of,
    use_macro_of,
)
from reportgen.comparison.significance import corrected, mcnemar_bounds, unpaired_change
from reportgen.comparison.slices import unpaired_slices
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError
from reportgen.evaluation import Evaluation
from reportgen.jsonio import Unknown
from reportgen.metrics import Metric, MetricColumn, quantile
from reportgen.provenance import DataNote
from reportgen.text import count, plural, quoted

__all__ = [
    "compare_evaluations",
    "mover_changes",
    "unpaired_differences",
    "with_costs_of",
]


Floats = NDArray[np.float64]


_NO_SHARES = frozenset({"log_loss", *COMPARED_WHERE_GIVEN})


_BISECTIONS = 60


_LARGEST_Z = 38.0  # where the p-value is indistinguishable from 0


def mover_changes(
    before: Sequence[Metric], after: Sequence[Metric], *, share: bool
) -> list[Difference]:
    """Candidate minus baseline for independent sides.

    Two models on the same samples are positively correlated, so the interval is then wider than
    necessary.

    Parameters
    ----------
    before, after
        The same n metrics of baseline and candidate, each with its 95% interval.
    share
        Whether they are proportions, 0..1. Interval ends at levels other than 95% are computed on
        the logit scale for proportions, so that they stay within 0..1, and on the metric's scale
        otherwise.

    Returns
    -------
    n differences with 95% interval, one-sided bounds and the two-sided p-value at which the
    interval would end at 0. If a side has no interval, there is none, with the reason
    ``no_side_interval``.
    """
    changes = [_plain(one, other) for one, other in zip(before, after, strict=True)]
    at = [i for i, (one, other) in enumerate(zip(before, after, strict=True))
          if one.interval is not None and other.interval is not None]  # fmt: skip
    if not at:
        return changes
    sides = _Sides(
        _Side.of([before[i] for i in at], share), _Side.of([after[i] for i in at], share)
    )
    low, high = sides.ends(quantile())
    least, most = sides.ends(quantile(0.90))
    for i, *figures in zip(at, low, high, least, most, sides.p(), strict=True):
        a, b, c, d, p = map(float, figures)
        plain = changes[i]
        changes[i] = Difference(
            plain.baseline, plain.candidate, plain.difference, (a, b), (c, d), p, method="mover"
        )
    return changes


def _plain(before: Metric, after: Metric) -> Difference:
    if before.value is None or after.value is None:
        missing = before.reason if before.value is None else after.reason
        return Difference(before.value, after.value, None, reason=missing)
    difference = after.value - before.value
    return Difference(before.value, after.value, difference, reason="no_side_interval")


@dataclass(frozen=True)
class _Side:
    """Metrics and their interval ends at any level; float64, shape (n,)."""

    value: Floats
    low: Floats
    high: Floats
    on_logit: NDArray[np.bool_]

    @classmethod
    def of(cls, metrics: Sequence[Metric], share: bool) -> _Side:
        rows = [(one.value, *one.interval) for one in metrics if one.interval is not None]
        value, low, high = np.array(rows, np.float64).T
        inside = (low > 0) & (value > 0) & (value < 1) & (high < 1)
        return cls(value, np.minimum(low, value), np.maximum(high, value), inside & share)

    def ends(self, z: float | Floats) -> tuple[Floats, Floats]:
        """The ends at a normal quantile; exactly the given ones at that of 95%."""
        part = z / quantile()
        on = self.on_logit
        low, value, high = (_logit(np.where(on, x, 0.5)) for x in (self.low, self.value, self.high))
        return (
            np.where(on, _expit(value - part * (value - low)),
                     self.value - part * (self.value - self.low)),
            np.where(on, _expit(value + part * (high - value)),
                     self.value + part * (self.high - self.value)),
        )  # fmt: skip


@dataclass(frozen=True)
class _Sides:
    before: _Side
    after: _Side

    def ends(self, z: float | Floats) -> tuple[Floats, Floats]:
        """The ends for the differences; float64, shape (n,)."""
        (low, high), (low2, high2) = self.before.ends(z), self.after.ends(z)
        before, after = self.before.value, self.after.value
        difference = after - before
        return (
            difference - np.hypot(after - low2, high - before),
            difference + np.hypot(high2 - after, before - low),
        )

    def p(self) -> list[float]:
        """Two-sided p: twice the tail beyond the quantile at which an end is 0; 1 if equal."""
        rising = self.after.value > self.before.value
        near, far = np.zeros(len(rising)), np.full(len(rising), _LARGEST_Z)
        for _ in range(_BISECTIONS):
            z = (near + far) / 2
            low, high = self.ends(z)
            outside = np.where(rising, low > 0, high < 0)
            near, far = np.where(outside, z, near), np.where(outside, far, z)
        same = self.after.value == self.before.value
        return [
            1.0 if equal else erfc(z / sqrt(2))
            for equal, z in zip(same.tolist(), near.tolist(), strict=True)
        ]


def _logit(x: Floats) -> Floats:
    result: Floats = np.log(x) - np.log1p(-x)
    return result


def _expit(x: Floats) -> Floats:
    result: Floats = 1 / (1 + np.exp(-x))
    return result


def compare_evaluations(
    baseline: Evaluation,
    candidate: Evaluation,
    reason: str,
    *,
    allow_different_data: bool = False,
) -> Comparison:
    """Compare two evaluations without matching samples, which is less powerful.

    Parameters
    ----------
    baseline, candidate
        With the same classes, in any order.
    reason
        The reason why samples are not matched: ``"matrix"`` or ``"no_predictions"``.
    allow_different_data
        Compare even if the classes have different numbers of samples.

    Raises
    ------
    DataError
        The class lists differ, or the classes' numbers of samples.
    """
    matched = match_classes(baseline.classes, candidate.classes)
    after = candidate
    before = drop_samples(_reorder(baseline, candidate.classes))
    before, macro_notes = use_macro_of(before, after)
    before, cost_notes = use_costs_of(before, after)
    n_differing = _n_differing_totals(before, after)
    if n_differing and not allow_different_data:
        raise _different_data(before, after, n_differing)
    supports = after.confusion.true_totals.tolist()
    classes, n_tests = class_changes(
        [None] * len(supports),
        _recalls(before.confusion, after.confusion),
        _precisions(before.confusion, after.confusion),
        _f1s(before, after),
        supports,
    )
    return Comparison(
        baseline=before,
        candidate=after,
        paired=None,
        unpaired_reason=reason,
        bounds=None if n_differing else mcnemar_bounds(before.confusion, after.confusion),
        summary=corrected(unpaired_differences(before, after)),
        classes=classes,
        slices=unpaired_slices(before.slices, after.slices),
        fixed=(),
        broken=(),
        grown=grown_pairs(before.confusion, after.confusion),
        bootstrap=Bootstrap(0, 0),
        n_tests=n_tests,
        detectable=None,
        notes=(*matched.notes, *macro_notes, *cost_notes, *_notes(before, after, n_differing)),
    )


def with_costs_of(comparison: Comparison, candidate: Evaluation) -> Comparison:
    """A comparison with the expected cost by costs that its candidate was given later.

    The pairing of samples is no longer known, so the difference in expected cost is unpaired, with
    a wider interval than necessary.
    """
    before, _ = use_costs_of(comparison.baseline, candidate)
    kept = {n: one for n, one in comparison.summary.items() if n not in COMPARED_WHERE_GIVEN}
    for name in COMPARED_WHERE_GIVEN:
        if name in candidate.summary:
            sides = [before.summary[name]], [candidate.summary[name]]
            kept[name] = mover_changes(*sides, share=False)[0]
    return replace(comparison, baseline=before, candidate=candidate, summary=corrected(kept))


def _reorder(evaluation: Evaluation, classes: tuple[str, ...]) -> Evaluation:
    """The evaluation with its classes in another order."""
    if evaluation.classes == classes:
        return evaluation
    new = {name: i for i, name in enumerate(classes)}
    place = np.array([new[name] for name in evaluation.classes], np.int64)
    back = np.argsort(place)
    old = evaluation.confusion
    keys = place[old.rows] * len(classes) + place[old.columns]
    order = np.argsort(keys)
    pairs = evaluation.pairs
    moved = replace(pairs, true=place[pairs.true], predicted=place[pairs.predicted])
    ranked = np.lexsort((moved.predicted, moved.true, -moved.counts))
    return replace(
        evaluation,
        classes=classes,
        confusion=ConfusionMatrix(len(classes), keys[order], old.values[order]),
        per_class={name: _take(column, back) for name, column in evaluation.per_class.items()},
        pairs=moved.taken(ranked),
        costs=None if evaluation.costs is None else evaluation.costs.moved(place),
        unknown=tuple(_moved(one, place) for one in evaluation.unknown),
    )


def _moved(unknown: Unknown, place: NDArray[np.int64]) -> Unknown:
    """Move unknown members of class rows with their class."""
    head, *rest = unknown.path or ("",)
    if head != "per_class" or not rest:
        return unknown
    row = int(place[int(rest[0])])
    return replace(unknown, path=(head, row, *rest[1:]))


def _take(column: MetricColumn, order: NDArray[np.intp]) -> MetricColumn:
    reason = tuple(column.reason[i] for i in order.tolist())
    return MetricColumn(column.value[order], column.low[order], column.high[order], reason)


def _n_differing_totals(before: Evaluation, after: Evaluation) -> int:
    totals = before.confusion.true_totals, after.confusion.true_totals
    return int(np.count_nonzero(totals[0] != totals[1]))


def _different_data(before: Evaluation, after: Evaluation, n: int) -> DataError:
    totals = before.confusion.true_totals, after.confusion.true_totals
    first = np.flatnonzero(totals[0] != totals[1])[:4].tolist()
    return DataError(
        f"baseline and candidate have different data: {plural(n, 'class', 'classes')} of "
        f"{count(len(after.classes))} {'has' if n == 1 else 'have'} different numbers of samples",
        slug="compare-data",
        details=[
            f"{count(before.n_samples)} samples in the baseline, {count(after.n_samples)} in the "
            "candidate",
            *(
                f"{quoted(after.classes[i])}: {count(int(totals[0][i]))} in the baseline, "
                f"{count(int(totals[1][i]))} in the candidate"
                for i in first
            ),
        ],
        hint="evaluate both on the same samples; --allow-different-data compares them anyway",
    )


def _notes(before: Evaluation, after: Evaluation, n_differing: int) -> list[DataNote]:
    if before.confusion == after.confusion:
        return [
            DataNote(
                "compared-identical",
                "The two matrices are identical: was the same file passed for both?",
                "warning",
            )
        ]
    if not n_differing:
        return []
    return [
        DataNote(
            "compared-data",
            f"{plural(n_differing, 'class', 'classes')} "
            f"{'has' if n_differing == 1 else 'have'} different numbers of samples in "
            f"baseline ({count(before.n_samples)} in all) and candidate "
            f"({count(after.n_samples)}): the data differ, and differences may be due only to "
            "that.",
            "warning",
            n_differing,
        )
    ]


def _recalls(before: ConfusionMatrix, after: ConfusionMatrix) -> list[Difference]:
    columns = (after.diagonal, after.true_totals, before.diagonal, before.true_totals)
    return _shares(columns, "no_true_samples")


def _precisions(before: ConfusionMatrix, after: ConfusionMatrix) -> list[Difference]:
    """The precisions, given how often each side predicts each class."""
    columns = (after.diagonal, after.predicted_totals, before.diagonal, before.predicted_totals)
    return _shares(columns, "never_predicted")


def _shares(columns: Sequence[NDArray[np.int64]], undefined: str) -> list[Difference]:
    return [
        unpaired_change(hits, n, before_hits, before_n, undefined)
        for hits, n, before_hits, before_n in np.stack(columns, axis=1).tolist()
    ]


def _f1s(before: Evaluation, after: Evaluation) -> list[Difference]:
    one, other = before.per_class["f1"], after.per_class["f1"]
    both = ([column.metric(i) for i in range(len(after.classes))] for column in (one, other))
    return mover_changes(*both, share=True)


def unpaired_differences(before: Evaluation, after: Evaluation) -> dict[str, Difference]:
    """Differences of :data:`COMPARED` for unmatched samples, without correction of p.

    With the candidate's costs, if there are any.
    """
    given = (n for n in COMPARED_WHERE_GIVEN if n in after.summary and n in before.summary)
    names = (*COMPARED, *given)
    summary = {
        name: mover_changes(
            [before.summary[name]], [after.summary[name]], share=name not in _NO_SHARES
        )[0]
        for name in names
    }
    summary["accuracy"] = unpaired_change(
        after.confusion.n_correct, after.n_samples, before.confusion.n_correct, before.n_samples
    )
    summary["ece"] = _ece(before, after)
    return summary


def _ece(before: Evaluation, after: Evaluation) -> Difference:
    """The difference in ECE beyond chance: two calibrated models differ only by chance."""
    sides = before, after
    plain = [side.summary["ece"] for side in sides]
    beyond = [
        metric
        if metric.value is None
        else replace(metric, value=max(metric.value - chance_ece(side), 0.0))
        for metric, side in zip(plain, sides, strict=True)
    ]
    found = mover_changes(beyond[:1], beyond[1:], share=False)[0]
    if found.difference is None or plain[0].value is None or plain[1].value is None:
        return found
    difference = plain[1].value - plain[0].value
    same_way = found.difference * difference > 0
    return replace(
        found,
        baseline=plain[0].value,
        candidate=plain[1].value,
        difference=difference,
        interval=_holding(found.interval, difference),
        bounds=_holding(found.bounds, difference),
        p=found.p if same_way or found.p is None else 1.0,
    )


def _holding(ends: tuple[float, float] | None, value: float) -> tuple[float, float] | None:
    return None if ends is None else (min(ends[0], value), max(ends[1], value))
