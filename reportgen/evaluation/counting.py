"""Counts predictions, and evaluates them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from reportgen.analysis.confusions import Grouping
from reportgen.analysis.label_issues import (
    LabelIssues,
    LabelIssueTally,
    Thresholds,
    find_label_issues,
)
from reportgen.analysis.scoring import (
    CLASS_SCORES,
    SCORES,
    TOP_KS,
    AnswerTally,
    ProbabilityTally,
    RankedScores,
    Ranking,
    ScoreMetrics,
    Scores,
    ThresholdCurve,
    TopK,
)
from reportgen.analysis.slices import SliceReport, SliceTallies, Survey, plan_slices, slice_table
from reportgen.class_list import display_name
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError, UsageError
from reportgen.evaluation.confidence import Confidence, Digits
from reportgen.evaluation.evaluation import Evaluation
from reportgen.evaluation.galleries import gallery_pairs, sampled_classes
from reportgen.evaluation.given_costs import read_costs
from reportgen.evaluation.given_groups import read_hierarchy
from reportgen.evaluation.matrix_metrics import matrix_metrics, use_exact_top_k
from reportgen.evaluation.notes import (
    abstained_notes,
    group_notes,
    notes_on,
    read_as_notes,
    tie_notes,
)
from reportgen.evaluation.pairs import Pairs, pairs_of
from reportgen.evaluation.sample_groups import SampleGroups, grouped_intervals, refuse_groups
from reportgen.metrics import (
    CHOSEN_FROM,
    TOP_CLASSES,
    ClassSamples,
    ClassSamplesTally,
    Costs,
    Counts,
    MacroMode,
    Metric,
    MetricColumn,
    Mistake,
    RunningCounts,
    WorstMistakes,
    abstaining_metrics,
)
from reportgen.options import EvaluationOptions
from reportgen.predictions import PredictionRows
from reportgen.provenance import Accounting, DataNote, Provenance
from reportgen.text import count, listing, quoted

__all__ = [
    "apply_options",
    "evaluate_matrix",
    "evaluate_predictions",
    "excluded_words",
    "positive_class",
    "slices_of",
]


def positive_class(
    options: EvaluationOptions, classes: Sequence[str], *, has_probabilities: bool
) -> int:
    """Index of ``options.positive`` in `classes`; by default of the last class.

    Raises :class:`UsageError` (``positive-class``) if it is given without two classes with
    probabilities, or is neither of them.
    """
    if options.positive is None:
        return len(classes) - 1
    if len(classes) != 2 or not has_probabilities:
        why = "the input has no probabilities" if len(classes) == 2 else f"there are {len(classes)}"
        raise UsageError(
            f"--positive {quoted(options.positive)} names one of two classes for the threshold "
            f"view: {why}",
            slug="positive-class",
            hint="omit --positive",
        )
    name = display_name(options.positive)
    if name not in classes:
        raise UsageError(
            f"--positive {quoted(options.positive)} is neither of the two classes",
            slug="positive-class",
            details=[f"they are {listing(classes)}"],
            hint="write its name as in the class list",
        )
    return classes.index(name)


def slices_of(
    rows: PredictionRows, macro: MacroMode = "present", groups: str | None = None
) -> SliceReport:
    """Slices by the metadata columns; empty without any.

    `macro`: the classes that macro F1 averages over, in each slice. `groups`: the column of sample
    clusters, which defines no slices.
    """
    columns: Mapping[str, str] = getattr(rows, "metadata", {})
    names = [name for name in columns if name != groups]
    if not names:
        return SliceReport()
    some = (
        _slice_tallies(rows, names[start : start + _COLUMNS_AT_ONCE])
        for start in range(0, len(names), _COLUMNS_AT_ONCE)
    )
    return slice_table(some, macro=macro)


_COLUMNS_AT_ONCE = 8
"""Metadata columns counted at once: each may have a million distinct numbers."""


def _slice_tallies(rows: PredictionRows, names: Sequence[str]) -> SliceTallies:
    """The slices of some columns, in two passes."""
    survey = Survey()
    for batch in rows.batches("label", *names):
        known = batch["label"] >= 0
        survey += Survey.of({name: batch[name][known] for name in names})
    tallies = SliceTallies.empty(plan_slices(survey), len(rows.facts.classes))
    cut = [one.name for one in tallies.plan.cuts]
    if not cut:
        return tallies
    wanted = ["label", "prediction", *(["confidence"] if rows.has_confidence else [])]
    for batch in rows.batches(*wanted, *cut):
        tallies = tallies.having(
            {name: batch[name] for name in cut},
            batch["label"],
            batch["prediction"],
            batch.get("confidence"),
        )
    return tallies


_DEFAULTS = EvaluationOptions()


_NONE = Metric(None, None, "no_scores")


def evaluate_predictions(
    predictions: PredictionRows, options: EvaluationOptions = _DEFAULTS
) -> Evaluation:
    """Evaluate one row per sample, in a few passes over the file, in bounded memory.

    ``options.metadata`` is not read here: `predictions` are joined with it before. Raises
    :class:`DataError` without any countable sample, and :class:`UsageError` for an option that does
    not fit the data.
    """
    facts, hierarchy = predictions.facts, _hierarchy(options, predictions.facts.classes)
    costs = _given_costs(options, facts.classes)
    clustered = grouped_intervals(predictions, options, costs)
    groups = SampleGroups.of(options.group_column, clustered)
    scored = predictions.has_probabilities or facts.sum_tolerance is None
    passed = _count_rows(
        predictions, positive_class(options, facts.classes, has_probabilities=scored)
    )
    counts, confusion = passed.counts, passed.counts.confusion
    samples = _books(facts.samples, counts)
    _require_samples(confusion, samples)
    pairs = pairs_of(confusion)
    n_ranked = facts.provenance.n_ranked
    examples, class_samples = _examples(predictions, confusion, pairs)
    whole = counts.n_ranked == confusion.n_samples and (n_ranked is None or n_ranked >= TOP_CLASSES)
    top5_hits = counts.top5_hits if whole else None
    figures = matrix_metrics(confusion, top5_hits, options, clustered, costs)
    notes = (
        *read_as_notes(facts.provenance),
        *facts.notes,
        *abstained_notes(confusion, facts.n_abstained),
        *tie_notes(counts.n_tied),
        *group_notes(groups),
    )
    return Evaluation(
        classes=facts.classes,
        confusion=confusion,
        summary={
            **figures.summary,
            **_scores(passed, options, n_ranked),
            **figures.ordinal,
            **_abstaining(confusion, facts.n_abstained, options),
            **figures.cost,
        },
        per_class={**figures.per_class, **_class_scores(passed, len(facts.classes))},
        pairs=pairs,
        examples=examples,
        samples=samples,
        notes=notes_on(notes, confusion, facts.classes, options),
        provenance=apply_options(facts.provenance, options),
        examples_reason=_why_no_examples(predictions),
        class_samples=class_samples,
        confidence=(
            None
            if passed.figures is None
            else Confidence.of(passed.figures, half_precision=passed.half_precision)
        ),
        suspects=(
            LabelIssues("independent_scores")
            if passed.independent is not None
            else find_label_issues(passed.issues, facts.provenance.split or None)
        ),
        slices=slices_of(predictions, options.macro, options.group_column),
        macro=options.macro,
        intervals=options.ci,
        seed=_seed(options),
        sample_groups=groups,
        hierarchy=hierarchy,
        costs=costs,
        threshold=passed.threshold,
        class_curves=() if passed.ranking is None else passed.ranking.curves,
    )


def _books(samples: Accounting, counts: Counts) -> Accounting:
    """Move samples with an unknown label to the excluded ones."""
    if not counts.n_unlabelled:
        return samples
    excluded = {**samples.excluded, "label unknown": counts.n_unlabelled}
    return Accounting(samples.found, counts.confusion.n_samples, excluded, samples.skipped)


@dataclass(frozen=True)
class _Passed:
    """The sums of all rows; `figures` and `issues` are None without the scores they need.

    `half_precision`: see :class:`Digits`. `independent`: the ranking by independent scores, for
    which no other metric of scores is defined.
    """

    counts: Counts
    figures: ScoreMetrics | None = None
    issues: LabelIssueTally | None = None
    top_k: TopK = field(default_factory=TopK)
    half_precision: bool = False
    threshold: ThresholdCurve | None = None
    independent: Ranking | None = None

    @property
    def ranking(self) -> Ranking | None:
        """One-vs-rest ranking, if all classes have scores."""
        return self.independent if self.figures is None else self.figures.ranking


def _count_rows(predictions: PredictionRows, positive: int) -> _Passed:
    """Counts, and the sums of scores if there are any.

    The probabilities of all classes are read once: the thresholds for potential label errors need
    those of the labels only, from the pass before. `positive` is the class of the threshold
    section, for two classes.
    """
    n_classes = len(predictions.facts.classes)
    counts = RunningCounts(n_classes)
    columns = ["label", "prediction", "label_rank", "top_tied"]
    if predictions.facts.sum_tolerance is None:
        return _counted_independent(predictions, columns, positive)
    if not predictions.has_confidence:
        for rows in predictions.batches(*columns):
            counts.add(rows)
        return _Passed(counts.total())
    answers, thresholds = AnswerTally(), Thresholds.empty(n_classes)
    for rows in predictions.batches(*columns, "confidence", "label_probability"):
        counts.add(rows)
        answers += AnswerTally.of(rows)
        if predictions.has_probabilities:
            thresholds += Thresholds.of(rows["label"], rows["label_probability"], n_classes)
    if not predictions.has_probabilities:
        figures = ScoreMetrics.of(answers, None, n_classes)
        return _Passed(counts.total(), figures, top_k=answers.top_k)
    kept, issues, digits = ProbabilityTally.empty(n_classes), LabelIssueTally(thresholds), Digits()
    for rows in predictions.batches("id", "label", "probabilities"):
        digits = digits.having(rows["probabilities"])
        scores = Scores.of(rows["probabilities"], rows["label"], predictions.facts.sum_tolerance)
        kept += ProbabilityTally.of(scores)
        issues = issues.having(rows["id"], scores)
    return _Passed(
        counts.total(),
        ScoreMetrics.of(answers, kept, n_classes),
        issues,
        answers.top_k,
        digits.are_half_precision,
        ThresholdCurve.of(kept.ranked, positive) if n_classes == 2 else None,
    )


def _counted_independent(predictions: PredictionRows, columns: list[str], positive: int) -> _Passed:
    """Counts, ranks, and the ranking of each class, for independent scores."""
    n_classes = len(predictions.facts.classes)
    counts, ranked, top_k = RunningCounts(n_classes), RankedScores.empty(n_classes), TopK()
    for rows in predictions.batches(*columns, "probabilities"):
        counts.add(rows)
        ranked += RankedScores.of(Scores.of(rows["probabilities"], rows["label"], None))
        top_k += TopK.of(rows["label_rank"][rows["label"] >= 0])
    threshold = ThresholdCurve.of(ranked, positive) if n_classes == 2 else None
    return _Passed(counts.total(), top_k=top_k, threshold=threshold, independent=Ranking.of(ranked))


def _why_no_examples(predictions: PredictionRows) -> str:
    if predictions.facts.sum_tolerance is None:
        return "the scores are independent per class, not confidences"
    return "" if predictions.has_confidence else "the predictions have no confidences"


def evaluate_matrix(
    confusion: ConfusionMatrix,
    classes: tuple[str, ...],
    provenance: Provenance,
    notes: tuple[DataNote, ...] = (),
    options: EvaluationOptions = _DEFAULTS,
) -> Evaluation:
    """Evaluate counts only: no scores, so no top-5; no samples, so no galleries.

    Raises :class:`DataError` without samples, and :class:`UsageError` if an option needs per-sample
    data.
    """
    refuse_groups(options, "a confusion matrix")
    positive_class(options, classes, has_probabilities=False)
    hierarchy, costs = _hierarchy(options, classes), _given_costs(options, classes)
    n = confusion.n_samples
    samples = Accounting(found=n, counted=n)
    _require_samples(confusion, samples)
    figures = matrix_metrics(confusion, None, options, None, costs)
    return Evaluation(
        classes=classes,
        confusion=confusion,
        summary={
            **figures.summary,
            **_summary_scores(None),
            **figures.ordinal,
            **figures.cost,
        },
        per_class={**figures.per_class, **_class_scores(None, len(classes))},
        pairs=pairs_of(confusion),
        examples=(),
        samples=samples,
        notes=notes_on((*read_as_notes(provenance), *notes), confusion, classes, options),
        provenance=apply_options(provenance, options),
        examples_reason="the input is a confusion matrix, without samples",
        suspects=find_label_issues(None),
        slices=SliceReport(),
        macro=options.macro,
        intervals=options.ci,
        seed=_seed(options),
        hierarchy=hierarchy,
        costs=costs,
    )


def _require_samples(confusion: ConfusionMatrix, samples: Accounting) -> None:
    if confusion.n_samples == 0:
        raise DataError(
            "no samples: nothing to evaluate",
            slug="no-samples",
            details=[f"{count(samples.found)} found, {excluded_words(samples)}"],
            hint="check the data folder, and what was excluded",
        )


def _hierarchy(options: EvaluationOptions, classes: tuple[str, ...]) -> Grouping | None:
    return None if options.hierarchy is None else read_hierarchy(options.hierarchy, classes)


def _given_costs(options: EvaluationOptions, classes: tuple[str, ...]) -> Costs | None:
    return None if options.costs is None else read_costs(options.costs, classes)


def _seed(options: EvaluationOptions) -> int | None:
    drawn = options.ci == "bootstrap" or options.group_column is not None
    return options.seed if drawn else None


def apply_options(provenance: Provenance, options: EvaluationOptions) -> Provenance:
    """Add the metric options to the command that repeats the evaluation."""
    if not provenance.command or not options.shell_words:
        return provenance
    return replace(provenance, command=f"{provenance.command} {options.shell_words}")


def _scores(passed: _Passed, options: EvaluationOptions, n_ranked: int | None) -> dict[str, Metric]:
    """The metrics of scores; top-k metrics beyond the known classes are n/a."""
    scores = _summary_scores(passed.figures)
    if passed.independent is not None:
        scores = _independent_scores(passed)
    for k in TOP_KS:
        name = f"top{k}_accuracy"
        if n_ranked is not None and k > n_ranked and scores.get(name, _NONE).value is not None:
            scores[name] = _NONE
    return use_exact_top_k(scores, passed.top_k) if options.ci == "exact" else scores


def _abstaining(
    confusion: ConfusionMatrix, n_abstained: int | None, options: EvaluationOptions
) -> dict[str, Metric]:
    if n_abstained is None:
        return {}
    return abstaining_metrics(
        confusion,
        n_abstained,
        exact=options.ci == "exact",
        grouped=options.group_column is not None,
    )


def _summary_scores(figures: ScoreMetrics | None) -> dict[str, Metric]:
    """With all names, whatever the input has."""
    if figures is None:
        return {definition.name: Metric(None, None, "no_scores") for definition in SCORES}
    return {definition.name: figures.summary[definition.name] for definition in SCORES}


def _independent_scores(passed: _Passed) -> dict[str, Metric]:
    """The metrics that ranks determine; those that need a probability of the prediction are n/a."""
    ranking, n_classes = passed.independent, passed.counts.confusion.n_classes
    assert ranking is not None
    top = passed.top_k.accuracies(n_classes)
    known = {
        "top1_accuracy": top[1],
        "top3_accuracy": top[3],
        "macro_roc_auc": ranking.macro_roc_auc.metric,
        "macro_average_precision": ranking.macro_average_precision.metric,
    }
    nothing = Metric(None, None, "independent_scores")
    return {definition.name: known.get(definition.name, nothing) for definition in SCORES}


def _class_scores(passed: _Passed | None, n_classes: int) -> dict[str, MetricColumn]:
    if passed is not None and passed.independent is not None:
        ranking = passed.independent
        return {"roc_auc": ranking.roc_auc, "average_precision": ranking.average_precision}
    if passed is None or passed.figures is None:
        nothing = MetricColumn.of([Metric(None, None, "no_scores")] * n_classes)
        return {definition.name: nothing for definition in CLASS_SCORES}
    columns = passed.figures.per_class
    return {definition.name: columns[definition.name] for definition in CLASS_SCORES}


def excluded_words(samples: Accounting) -> str:
    """``3 excluded (2 unreadable, 1 non-finite scores)``."""
    total = sum(samples.excluded.values())
    if not total:
        return "none excluded"
    reasons = ", ".join(f"{count(n)} {reason}" for reason, n in samples.excluded.items())
    return f"{count(total)} excluded ({reasons})"


def _examples(
    predictions: PredictionRows, confusion: ConfusionMatrix, pairs: Pairs
) -> tuple[tuple[tuple[Mistake, ...], ...], tuple[ClassSamples, ...]]:
    """The galleries of pairs, and the samples of classes."""
    if not predictions.has_confidence:
        return (), ()
    whole = confusion.n_samples <= CHOSEN_FROM
    if not whole and not pairs:
        return (), ()
    worst = WorstMistakes(tuple((pair.true, pair.predicted) for pair in gallery_pairs(pairs)))
    chosen = ClassSamplesTally(sampled_classes(confusion, pairs) if whole else ())
    columns = ["id", "label", "prediction", "confidence", "label_probability"]
    columns += ["top_classes", "top_probabilities"] if whole else []
    for rows in predictions.batches(*columns, wrong_only=not whole):
        worst = worst.having(rows)
        chosen = chosen.having(rows) if whole else chosen
    return tuple(worst.of_pair(*pair) for pair in worst.pairs), chosen.of_classes()
