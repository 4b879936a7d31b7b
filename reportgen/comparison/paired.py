"""`compare_paired` and `compare_evaluations`: compares a candidate with its baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reportgen.analysis.label_issues import LabelIssues
from reportgen.analysis.scoring import minimum_detectable_difference
from reportgen.comparison.align import Aligned
from reportgen.comparison.bootstrap import (
    DRAWS,
    SEED,
    class_differences,
    from_draws,
    macro_differences,
)
from reportgen.comparison.comparison import (
    Bootstrap,
    ClassChange,
    Comparison,
    Difference,
    PairChange,
    PairedCounts,
)
from reportgen.comparison.joint_tallies import Changes, JointCounts, JointTally
from reportgen.comparison.paired_scores import ConfidencePairs, LossPairs
from reportgen.comparison.significance import (
    ONE_SIDED,
    accuracy_change,
    apply_holm,
    corrected,
    tendency_of,
)
from reportgen.comparison.slices import paired_slices
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.evaluation import Evaluation, evaluate_predictions
from reportgen.metrics import (
    CHOSEN_FROM,
    COSTING,
    Metric,
    cost_difference,
    expected_cost,
    summary_metrics,
)
from reportgen.provenance import DataNote

__all__ = [
    "GROWN",
    "chance_ece",
    "class_changes",
    "compare_paired",
    "drop_samples",
    "grown_pairs",
    "use_costs_of",
    "use_macro_of",
]


GROWN = 20
"""Number of increased off-diagonal cells that are listed."""


KEPT_OUT = "a baseline is kept without its samples"


def compare_paired(
    joined: Aligned,
    *,
    baseline: Evaluation | None = None,
    candidate: Evaluation | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Comparison:
    """Compare sample by sample.

    Parameters
    ----------
    joined
        The result of :func:`~reportgen.comparison.joined`.
    baseline, candidate
        The evaluations of both sides of `joined`; computed if not given.
    draws, seed
        Of the bootstrap: at least 1, and at least 0. Equal seeds give equal intervals.

    Raises :class:`~reportgen.errors.DataError` if no sample has a label.
    """
    if draws < 1 or seed < 0:
        raise ValueError(f"{draws} draws, seed {seed}")
    after = candidate or evaluate_predictions(joined.candidate)
    before = drop_samples(baseline or evaluate_predictions(joined.baseline))
    before, macro_notes = use_macro_of(before, after)
    before, cost_notes = use_costs_of(before, after)
    counted = _count_rows(joined)
    joint, paired = counted.joint, counted.joint.paired()
    classes, n_tests = _classes(joint, before, after, draws, seed)
    slices, slice_notes = paired_slices(joined)
    return Comparison(
        baseline=before,
        candidate=after,
        paired=paired,
        unpaired_reason="",
        bounds=None,
        summary=_summary(counted, paired, before, after, draws, seed),
        classes=classes,
        slices=slices,
        fixed=counted.changes.fixed,
        broken=counted.changes.broken,
        grown=grown_pairs(before.confusion, after.confusion),
        bootstrap=Bootstrap(draws, seed),
        n_tests=n_tests,
        detectable=_detectable(paired),
        notes=(*joined.notes, *macro_notes, *cost_notes, *slice_notes),
    )


def drop_samples(evaluation: Evaluation) -> Evaluation:
    """Remove everything that names samples: a baseline is compared, not shown."""
    return replace(
        evaluation,
        examples=(),
        class_samples=(),
        examples_reason=KEPT_OUT,
        suspects=LabelIssues("no_scores"),
    )


def use_macro_of(before: Evaluation, after: Evaluation) -> tuple[Evaluation, list[DataNote]]:
    """The baseline with the candidate's macro mode, and a note if they differed.

    Averages over the classes with samples and over all declared classes are different metrics:
    their difference says nothing about the models.
    """
    if before.macro == after.macro:
        return before, []
    again = summary_metrics(before.confusion, macro=after.macro)
    macro = {name: metric for name, metric in again.items() if name.startswith("macro_")}
    summary = {name: macro.get(name, metric) for name, metric in before.summary.items()}
    over = "all declared classes" if after.macro == "all" else "the classes that have samples"
    note = DataNote(
        "compared-macro",
        f"Macro averages of the baseline were recomputed over {over}, as the candidate's are.",
    )
    return replace(before, summary=summary, macro=after.macro), [note]


def use_costs_of(before: Evaluation, after: Evaluation) -> tuple[Evaluation, list[DataNote]]:
    """The baseline with the expected cost by the candidate's costs, and a note if it had others.

    Without an expected cost if the candidate has no costs.
    """
    notes = []
    if before.costs is not None and before.costs != after.costs:
        by = "is not compared: the candidate was evaluated without costs"
        if after.costs is not None:
            by = "was computed again by the candidate's costs"
        notes.append(DataNote("compared-costs", f"The expected cost of the baseline {by}."))
    summary = {name: one for name, one in before.summary.items() if name != COSTING.name}
    summary |= expected_cost(before.confusion, after.costs)
    return replace(before, summary=summary, costs=after.costs), notes


@dataclass(frozen=True)
class _Counted:
    """The sums of one pass over the matched samples; None if a side lacks the column."""

    joint: JointCounts
    changes: Changes
    confidences: ConfidencePairs | None
    losses: LossPairs | None


def _count_rows(joined: Aligned) -> _Counted:
    sure = joined.baseline.has_confidence, joined.candidate.has_confidence
    of_scores = [["confidence", "label_probability"] if has else [] for has in sure]
    tally, changes = JointTally(len(joined.classes)), Changes()
    confidences, losses = (ConfidencePairs(), LossPairs()) if all(sure) else (None, None)
    best = ("top_classes", "top_probabilities") if joined.n_rows <= CHOSEN_FROM else ()
    columns = ("id", "label", "prediction", *of_scores[1], *(best if sure[1] else ()))
    for rows in joined.batches(*columns, of_baseline=["prediction", *of_scores[0]]):
        before, after = _label_rows(*rows)
        label, answers = after["label"], (before["prediction"], after["prediction"])
        tally.add(label, *answers)
        given = before.get("confidence"), after.get("confidence")
        changes = changes.having(after["id"], label, answers, given, after)
        if confidences is not None and losses is not None:
            both = before["confidence"], after["confidence"]
            confidences = confidences.having(both, (answers[0] == label, answers[1] == label))
            losses = losses.having((before["label_probability"], after["label_probability"]))
    return _Counted(tally.counts(), changes, confidences, losses)


def _label_rows(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    known = after["label"] >= 0
    if known.all():
        return before, after
    return tuple({name: values[known] for name, values in side.items()} for side in (before, after))


def _summary(
    counted: _Counted,
    paired: PairedCounts,
    before: Evaluation,
    after: Evaluation,
    draws: int,
    seed: int,
) -> dict[str, Difference]:
    def both(name: str) -> tuple[Metric, Metric]:
        return before.summary[name], after.summary[name]

    macro = macro_differences(
        counted.joint,
        {name: both(name) for name in ("balanced_accuracy", "macro_f1")},
        macro=after.macro,
        seed=seed,
        draws=draws,
    )
    chance = chance_ece(before), chance_ece(after)
    return corrected(
        {
            "accuracy": accuracy_change(paired),
            "balanced_accuracy": macro["balanced_accuracy"],
            "macro_f1": macro["macro_f1"],
            "log_loss": _log_loss(counted.losses, both("log_loss"), draws, seed),
            "ece": _ece(counted.confidences, both("ece"), chance, draws, seed),
            **_expected_cost(counted.joint, before, after),
        }
    )


def _expected_cost(
    joint: JointCounts, before: Evaluation, after: Evaluation
) -> dict[str, Difference]:
    """The expected cost by name; empty without costs."""
    if after.costs is None:
        return {}
    samples = joint.label, joint.baseline, joint.candidate, joint.counts
    found = cost_difference(after.costs, *samples, joint.n_classes)
    values = before.summary[COSTING.name].value, after.summary[COSTING.name].value
    interval, bounds = found.interval(), found.interval(ONE_SIDED)
    change = Difference(*values, found.mean, interval, bounds, found.p(), method="paired score")
    if interval is None:
        change = replace(change, p=None, method="none", reason="no_disagreement")
    return {COSTING.name: change}


def chance_ece(side: Evaluation) -> float:
    """The ECE of a perfectly calibrated model with these confidences; 0 without confidences."""
    return (side.confidence.chance_ece if side.confidence is not None else None) or 0.0


def _log_loss(
    losses: LossPairs | None, figures: tuple[Metric, Metric], draws: int, seed: int
) -> Difference:
    if (missing := _missing(losses, figures)) is not None or losses is None:
        return missing or Difference(None, None, None, reason="no_scores")
    return from_draws(*figures, losses.differences(np.random.default_rng(seed), draws))


def _ece(
    confidences: ConfidencePairs | None,
    figures: tuple[Metric, Metric],
    chance: tuple[float, float],
    draws: int,
    seed: int,
) -> Difference:
    if (missing := _missing(confidences, figures)) is not None or confidences is None:
        return missing or Difference(None, None, None, reason="no_scores")
    before, after = confidences.eces(np.random.default_rng(seed), draws)
    return from_draws(*figures, after - before, chance=chance)


def _missing(
    pairs: ConfidencePairs | LossPairs | None, figures: tuple[Metric, Metric]
) -> Difference | None:
    """The reason why a metric of scores can't be compared; None if it can."""
    values = figures[0].value, figures[1].value
    if pairs is None or None in values:
        return Difference(*values, None, reason="no_scores")
    if pairs.n_without:
        return Difference(*values, None, reason="partial_scores")
    return None


def _classes(
    joint: JointCounts, before: Evaluation, after: Evaluation, draws: int, seed: int
) -> tuple[tuple[ClassChange, ...], int]:
    paired = joint.paired_by_class()
    recalls = [accuracy_change(counts, "no_true_samples") for counts in paired]
    both = {
        name: [
            (before.per_class[name].metric(i), after.per_class[name].metric(i))
            for i in range(joint.n_classes)
        ]
        for name in ("precision", "f1")
    }
    figures = class_differences(joint, both, seed=seed, draws=draws)
    return class_changes(paired, recalls, figures["precision"], figures["f1"])


def class_changes(
    paired: Sequence[PairedCounts | None],
    recalls: Sequence[Difference],
    precisions: Sequence[Difference],
    f1s: Sequence[Difference],
    supports: Sequence[int] | None = None,
) -> tuple[tuple[ClassChange, ...], int]:
    """The changes of all classes, with Holm's correction of recall, and the number of tests."""
    adjusted, n_tests = apply_holm(recalls)
    known = [0 if counts is None else counts.n for counts in paired]
    changes = tuple(
        ClassChange(i, support, counts, recall, precision, f1, tendency_of(recall))
        for i, (support, counts, recall, precision, f1) in enumerate(
            zip(supports or known, paired, adjusted, precisions, f1s, strict=True)
        )
    )
    return changes, n_tests


def grown_pairs(before: ConfusionMatrix, after: ConfusionMatrix) -> tuple[PairChange, ...]:
    """Increased off-diagonal cells: largest increase first, then by true and predicted class."""
    rows, columns, values = after.errors_by_count()
    earlier = before.lookup(rows, columns)
    growth = values - earlier
    order = np.lexsort((columns, rows, -growth))
    chosen = order[growth[order] > 0][:GROWN]
    return tuple(
        PairChange(*cell)
        for cell in zip(
            rows[chosen].tolist(),
            columns[chosen].tolist(),
            earlier[chosen].tolist(),
            values[chosen].tolist(),
            strict=True,
        )
    )


def _detectable(paired: PairedCounts) -> float | None:
    if not paired.gained + paired.lost:
        return None
    return minimum_detectable_difference(paired.n, paired.discordance).value
