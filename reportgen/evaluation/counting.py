"""From predictions, or from counts alone, to the one result."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from reportgen.confusion import ConfusionMatrix
from reportgen.confusions import Grouping
from reportgen.errors import DataError
from reportgen.evaluation.confidence import Confidence, Digits
from reportgen.evaluation.dependence import SampleGroups, grouped_intervals, refuse_groups
from reportgen.evaluation.details import slices_of, suspects_of
from reportgen.evaluation.figures import matrix_figures, with_exact_top_k
from reportgen.evaluation.galleries import gallery_pairs
from reportgen.evaluation.hierarchy import read_hierarchy
from reportgen.evaluation.notes import (
    abstained_notes,
    group_notes,
    notes_on,
    read_as_notes,
    tie_notes,
)
from reportgen.evaluation.options import EvaluationOptions
from reportgen.evaluation.pairs import Pair, pairs_of
from reportgen.evaluation.positive import positive_class
from reportgen.evaluation.value import Evaluation
from reportgen.metrics import Metric, MetricColumn, abstaining_metrics
from reportgen.predictions.rows import PredictionRows
from reportgen.provenance import Accounting, DataNote, Provenance
from reportgen.scoring import (
    CLASS_SCORES,
    SCORES,
    AnswerTally,
    ProbabilityTally,
    RankedScores,
    Ranking,
    ScoreFigures,
    Scores,
    ThresholdCurve,
)
from reportgen.scoring.topk import TOP_KS, TopK
from reportgen.slices import SliceReport
from reportgen.suspects import LabelSuspects, Thresholds, label_suspects
from reportgen.tallies import TOP_K, Counts, Mistake, WorstMistakes
from reportgen.text import count

__all__ = ["evaluate_matrix", "evaluate_predictions", "excluded_words", "with_options"]

_DEFAULTS = EvaluationOptions()
_NONE = Metric(None, None, "no_scores")


def evaluate_predictions(
    predictions: PredictionRows, options: EvaluationOptions = _DEFAULTS
) -> Evaluation:
    """The facts from one row a sample, in a few passes over the file, in bounded memory.

    ``options.metadata`` is not read here: `predictions` are joined with it before.

    Raises :class:`DataError` where no sample can be counted, and :class:`UsageError` where an
    option does not fit the data.
    """
    facts, hierarchy = predictions.facts, _hierarchy(options, predictions.facts.classes)
    clustered = grouped_intervals(predictions, options)
    groups = SampleGroups.of(options.group_column, clustered)
    scored = predictions.has_probabilities or facts.sum_tolerance is None
    passed = _counted(predictions, positive_class(options, facts.classes, has_probabilities=scored))
    counts, confusion = passed.counts, passed.counts.confusion
    samples = _books(facts.samples, counts)
    _require_samples(confusion, samples)
    pairs = tuple(pairs_of(confusion))
    n_ranked = facts.provenance.n_ranked
    whole = counts.n_ranked == confusion.n_samples and (n_ranked is None or n_ranked >= TOP_K)
    top5_hits = counts.top5_hits if whole else None
    figures = matrix_figures(confusion, top5_hits, options, clustered)
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
        },
        per_class={**figures.per_class, **_class_scores(passed, len(facts.classes))},
        pairs=pairs,
        examples=_examples(predictions, pairs),
        samples=samples,
        notes=notes_on(notes, confusion, facts.classes, options),
        provenance=with_options(facts.provenance, options),
        examples_reason=_why_no_examples(predictions),
        confidence=(
            None
            if passed.figures is None
            else Confidence.of(passed.figures, half_precision=passed.half_precision)
        ),
        suspects=(
            LabelSuspects("independent_scores")
            if passed.independent is not None
            else suspects_of(predictions, passed.thresholds)
        ),
        slices=slices_of(predictions, options.macro, options.group_column),
        macro=options.macro,
        intervals=options.ci,
        seed=_seed(options),
        sample_groups=groups,
        hierarchy=hierarchy,
        threshold=passed.threshold,
        class_curves=() if passed.ranking is None else passed.ranking.curves,
    )


def _books(samples: Accounting, counts: Counts) -> Accounting:
    """The samples whose label turned out to be unknown are left out, and counted."""
    if not counts.n_unlabelled:
        return samples
    excluded = {**samples.excluded, "label unknown": counts.n_unlabelled}
    return Accounting(samples.found, counts.confusion.n_samples, excluded, samples.skipped)


@dataclass(frozen=True)
class _Passed:
    """What one pass adds up; `figures` and `thresholds` are None without the scores they need.

    `half_precision`: see :class:`Digits`. `independent`: the ranking by scores that are no
    probabilities of one prediction, and nothing else is made of them.
    """

    counts: Counts
    figures: ScoreFigures | None = None
    thresholds: Thresholds | None = None
    top_k: TopK = field(default_factory=TopK)
    half_precision: bool = False
    threshold: ThresholdCurve | None = None
    independent: Ranking | None = None

    @property
    def ranking(self) -> Ranking | None:
        """Each class against the rest, where all classes have scores."""
        return self.independent if self.figures is None else self.figures.ranking


def _counted(predictions: PredictionRows, positive: int) -> _Passed:
    """Everything that one pass adds up: counts, and the figures of scores where there are any.

    `positive` is the class of the threshold view, where there are two.
    """
    n_classes = len(predictions.facts.classes)
    counts = Counts.empty(n_classes)
    columns = ["label", "prediction", "label_rank", "top_tied"]
    if predictions.facts.sum_tolerance is None:
        return _counted_independent(predictions, columns, positive)
    if not predictions.has_confidence:
        for rows in predictions.batches(*columns):
            counts += Counts.of(rows, n_classes)
        return _Passed(counts)
    columns += ["confidence", "label_probability"]
    columns += ["probabilities"] if predictions.has_probabilities else []
    answers, tolerance = AnswerTally(), predictions.facts.sum_tolerance
    kept, thresholds = None, None
    if predictions.has_probabilities:
        kept, thresholds = ProbabilityTally.empty(n_classes), Thresholds.empty(n_classes)
    digits = Digits()
    for rows in predictions.batches(*columns):
        counts += Counts.of(rows, n_classes)
        answers += AnswerTally.of(rows)
        if kept is not None and thresholds is not None:
            digits = digits.having(rows["probabilities"])
            scores = Scores.of(rows["probabilities"], rows["label"], tolerance)
            kept += ProbabilityTally.of(scores)
            thresholds += Thresholds.of(scores)
    figures = ScoreFigures.of(answers, kept, n_classes)
    threshold = None
    if kept is not None and n_classes == 2:
        threshold = ThresholdCurve.of(kept.ranked, positive)
    return _Passed(counts, figures, thresholds, answers.top_k, digits.are_half_precision, threshold)


def _counted_independent(predictions: PredictionRows, columns: list[str], positive: int) -> _Passed:
    """Counts, ranks, and the ranking of each class, by independent scores."""
    n_classes = len(predictions.facts.classes)
    counts, ranked, top_k = Counts.empty(n_classes), RankedScores.empty(n_classes), TopK()
    for rows in predictions.batches(*columns, "probabilities"):
        counts += Counts.of(rows, n_classes)
        ranked += RankedScores.of(Scores.of(rows["probabilities"], rows["label"], None))
        top_k += TopK.of(rows["label_rank"][rows["label"] >= 0])
    threshold = ThresholdCurve.of(ranked, positive) if n_classes == 2 else None
    return _Passed(counts, top_k=top_k, threshold=threshold, independent=Ranking.of(ranked))


def _why_no_examples(predictions: PredictionRows) -> str:
    if predictions.facts.sum_tolerance is None:
        return "the scores are independent of each other, and no confidences"
    return "" if predictions.has_confidence else "the predictions have no confidences"


def evaluate_matrix(
    confusion: ConfusionMatrix,
    classes: tuple[str, ...],
    provenance: Provenance,
    notes: tuple[DataNote, ...] = (),
    options: EvaluationOptions = _DEFAULTS,
) -> Evaluation:
    """The facts from counts alone: no scores, so no top-5; no samples, so no galleries.

    Raises :class:`DataError` where it holds no samples, and :class:`UsageError` where an option
    needs the samples themselves.
    """
    refuse_groups(options, "a confusion matrix")
    positive_class(options, classes, has_probabilities=False)
    hierarchy = _hierarchy(options, classes)
    n = confusion.n_samples
    samples = Accounting(found=n, counted=n)
    _require_samples(confusion, samples)
    figures = matrix_figures(confusion, None, options, None)
    return Evaluation(
        classes=classes,
        confusion=confusion,
        summary={**figures.summary, **_summary_scores(None), **figures.ordinal},
        per_class={**figures.per_class, **_class_scores(None, len(classes))},
        pairs=tuple(pairs_of(confusion)),
        examples=(),
        samples=samples,
        notes=notes_on((*read_as_notes(provenance), *notes), confusion, classes, options),
        provenance=with_options(provenance, options),
        examples_reason="the input is a confusion matrix: it holds counts, no samples",
        suspects=label_suspects(None),
        slices=SliceReport(),
        macro=options.macro,
        intervals=options.ci,
        seed=_seed(options),
        hierarchy=hierarchy,
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


def _seed(options: EvaluationOptions) -> int | None:
    drawn = options.ci == "bootstrap" or options.group_column is not None
    return options.seed if drawn else None


def with_options(provenance: Provenance, options: EvaluationOptions) -> Provenance:
    """The command that repeats this, with the options of the figures."""
    if not provenance.command or not options.shell_words:
        return provenance
    return replace(provenance, command=f"{provenance.command} {options.shell_words}")


def _scores(passed: _Passed, options: EvaluationOptions, n_ranked: int | None) -> dict[str, Metric]:
    """The figures of scores; those of more best classes than are known are n/a."""
    scores = _summary_scores(passed.figures)
    if passed.independent is not None:
        scores = _independent_scores(passed)
    for k in TOP_KS:
        name = f"top{k}_accuracy"
        if n_ranked is not None and k > n_ranked and scores.get(name, _NONE).value is not None:
            scores[name] = _NONE
    return with_exact_top_k(scores, passed.top_k) if options.ci == "exact" else scores


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


def _summary_scores(figures: ScoreFigures | None) -> dict[str, Metric]:
    """Every name is there, whatever the input has."""
    if figures is None:
        return {definition.name: Metric(None, None, "no_scores") for definition in SCORES}
    return {definition.name: figures.summary[definition.name] for definition in SCORES}


def _independent_scores(passed: _Passed) -> dict[str, Metric]:
    """What ranks alone tell; all that needs a probability of the prediction is n/a."""
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
    predictions: PredictionRows, pairs: tuple[Pair, ...]
) -> tuple[tuple[Mistake, ...], ...]:
    if not pairs or not predictions.has_confidence:
        return ()
    shown = gallery_pairs(pairs)
    worst = WorstMistakes(tuple((pair.true, pair.predicted) for pair in shown))
    columns = ("id", "label", "prediction", "confidence", "label_probability")
    for rows in predictions.batches(*columns, wrong_only=True):
        worst = worst.having(rows)
    return tuple(worst.of_pair(*pair) for pair in worst.pairs)
