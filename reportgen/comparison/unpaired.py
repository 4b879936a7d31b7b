"""`compare_evaluations`: two results whose samples can't be matched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reportgen.comparison.classes import matched_classes
from reportgen.comparison.compare import (
    chance_ece,
    class_changes,
    grown_pairs,
    with_macro_of,
    without_samples,
)
from reportgen.comparison.judging import corrected, unpaired_change
from reportgen.comparison.mover import mover_changes
from reportgen.comparison.paired import mcnemar_bounds
from reportgen.comparison.parts import unpaired_slices
from reportgen.comparison.value import COMPARED, Bootstrap, Comparison, Difference
from reportgen.confusion import ConfusionMatrix
from reportgen.errors import DataError
from reportgen.evaluation import Evaluation, Pair
from reportgen.jsonio import Unknown
from reportgen.metrics import MetricColumn
from reportgen.provenance import DataNote
from reportgen.text import count, plural, quoted

__all__ = ["compare_evaluations"]


def compare_evaluations(
    baseline: Evaluation,
    candidate: Evaluation,
    reason: str,
    *,
    allow_different_data: bool = False,
) -> Comparison:
    """Compare two results without knowing which sample is which: weaker than sample by sample.

    Parameters
    ----------
    baseline, candidate
        Over the same classes, in any order.
    reason
        Why samples are not matched: ``"matrix"`` or ``"no_predictions"``.
    allow_different_data
        Compare although the classes have different numbers of samples.

    Raises
    ------
    DataError
        Where the class lists differ, or the numbers of samples of the classes do.
    """
    matched = matched_classes(baseline.classes, candidate.classes)
    after = candidate
    before = without_samples(_reordered(baseline, candidate.classes))
    before, macro_notes = with_macro_of(before, after)
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
        summary=_summary(before, after),
        classes=classes,
        slices=unpaired_slices(before.slices, after.slices),
        fixed=(),
        broken=(),
        grown=grown_pairs(before.confusion, after.confusion),
        bootstrap=Bootstrap(0, 0),
        n_tests=n_tests,
        detectable=None,
        notes=(*matched.notes, *macro_notes, *_notes(before, after, n_differing)),
    )


def _reordered(evaluation: Evaluation, classes: tuple[str, ...]) -> Evaluation:
    """The same result with its classes in another order."""
    if evaluation.classes == classes:
        return evaluation
    new = {name: i for i, name in enumerate(classes)}
    place = np.array([new[name] for name in evaluation.classes], np.int64)
    back = np.argsort(place)
    old = evaluation.confusion
    keys = place[old.rows] * len(classes) + place[old.columns]
    order = np.argsort(keys)
    pairs = [
        replace(pair, true=int(place[pair.true]), predicted=int(place[pair.predicted]))
        for pair in evaluation.pairs
    ]
    return replace(
        evaluation,
        classes=classes,
        confusion=ConfusionMatrix(len(classes), keys[order], old.values[order]),
        per_class={name: _taken(column, back) for name, column in evaluation.per_class.items()},
        pairs=tuple(sorted(pairs, key=_rank)),
        unknown=tuple(_moved(one, place) for one in evaluation.unknown),
    )


def _moved(unknown: Unknown, place: NDArray[np.int64]) -> Unknown:
    """What a later version says of a class goes with its row."""
    head, *rest = unknown.path or ("",)
    if head != "per_class" or not rest:
        return unknown
    row = int(place[int(rest[0])])
    return replace(unknown, path=(head, row, *rest[1:]))


def _taken(column: MetricColumn, order: NDArray[np.intp]) -> MetricColumn:
    reason = tuple(column.reason[i] for i in order.tolist())
    return MetricColumn(column.value[order], column.low[order], column.high[order], reason)


def _rank(pair: Pair) -> tuple[int, int, int]:
    return (-pair.count, pair.true, pair.predicted)


def _n_differing_totals(before: Evaluation, after: Evaluation) -> int:
    totals = before.confusion.true_totals, after.confusion.true_totals
    return int(np.count_nonzero(totals[0] != totals[1]))


def _different_data(before: Evaluation, after: Evaluation, n: int) -> DataError:
    totals = before.confusion.true_totals, after.confusion.true_totals
    first = np.flatnonzero(totals[0] != totals[1])[:4].tolist()
    return DataError(
        f"baseline and candidate are of different data: {plural(n, 'class', 'classes')} of "
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
        hint="evaluate both on the same samples; --allow-different-data compares them all the same",
    )


def _notes(before: Evaluation, after: Evaluation, n_differing: int) -> list[DataNote]:
    if before.confusion == after.confusion:
        return [
            DataNote(
                "compared-identical",
                "The two matrices are identical: was the same file given twice?",
                "warning",
            )
        ]
    if not n_differing:
        return []
    return [
        DataNote(
            "compared-data",
            f"{plural(n_differing, 'class', 'classes')} "
            f"{'has' if n_differing == 1 else 'have'} different numbers of samples on the two "
            f"sides ({count(before.n_samples)} in the baseline, {count(after.n_samples)} in the "
            "candidate): these are different data, and differences may come from that alone.",
            "warning",
            n_differing,
        )
    ]


def _recalls(before: ConfusionMatrix, after: ConfusionMatrix) -> list[Difference]:
    columns = (after.diagonal, after.true_totals, before.diagonal, before.true_totals)
    return _shares(columns, "no_true_samples")


def _precisions(before: ConfusionMatrix, after: ConfusionMatrix) -> list[Difference]:
    """Given how often each side predicts each class."""
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


def _summary(before: Evaluation, after: Evaluation) -> dict[str, Difference]:
    summary = {
        name: mover_changes(
            [before.summary[name]], [after.summary[name]], share=name != "log_loss"
        )[0]
        for name in COMPARED
    }
    summary["accuracy"] = unpaired_change(
        after.confusion.n_correct, after.n_samples, before.confusion.n_correct, before.n_samples
    )
    summary["ece"] = _ece(before, after)
    return corrected(summary)


def _ece(before: Evaluation, after: Evaluation) -> Difference:
    """By what each side shows beyond chance: two calibrated models differ by chance's part."""
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
