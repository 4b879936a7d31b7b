"""Makes a review: from inputs, a baseline and gates to a verdict."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.errors import UsageError
from reportgen.evaluation import Evaluation, evaluate_predictions
from reportgen.gates import (
    NO_GATES,
    Decision,
    Gate,
    check_gates,
    check_gates_of,
    decide,
)
from reportgen.importers import kind_of
from reportgen.jsonio import Json, JsonPath, translate_faults
from reportgen.options import EvaluationOptions, InputOptions, ReviewOptions
from reportgen.paths import local_path
from reportgen.predictions import PredictionRows
from reportgen.review.consistency import check_decision
from reportgen.review.display_names import gates_by_name, named_classes, named_comparison
from reportgen.review.source import LoadedInput, find_file, load_input, recompute, require_counts
from reportgen.storage import is_address, typed_place
from reportgen.text import quoted

if TYPE_CHECKING:
    from reportgen.comparison import Comparison

__all__ = [
    "Review",
    "ReviewSpec",
    "is_report",
    "load_baseline",
    "load_spec",
    "make_review",
    "open_review",
]


# it is also an option for reading inputs, so the command may already have it
_IDS = "--ids-by-ending"


@dataclass(frozen=True)
class Review:
    """An evaluation with its comparison and the decision of the gates.

    Attributes
    ----------
    evaluation
        The candidate; in a partial comparison, only of the compared samples.
    comparison
        The baseline comparison; None without a baseline.
    decision
        The verdict; NO GATES SET without gates.
    rows
        The samples of `evaluation`, for ``errors.csv``; not in ``report.json``. None if only counts
        are known.
    """

    evaluation: Evaluation
    comparison: Comparison | None
    decision: Decision
    rows: PredictionRows | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, subject: Evaluation | Review) -> Review:
        """Make a review of an evaluation, without baseline and gates."""
        return subject if isinstance(subject, Review) else cls(subject, None, NO_GATES)

    @property
    def cautions(self) -> tuple[str, ...]:
        """All warnings on the data and the comparison, as sentences."""
        from reportgen.comparison import cautions

        return cautions(self.evaluation, self.comparison)

    @property
    def suite_name(self) -> str:
        """Name of the test suite for the gates."""
        model = self.evaluation.provenance.model
        return " ".join(filter(None, ("reportgen", model.name, model.version)))

    def with_evaluation(self, evaluation: Evaluation) -> Review:
        """The review of an evaluation with other names."""
        comparison = self.comparison
        if comparison is not None:
            comparison = replace(comparison, candidate=evaluation)
        return replace(self, evaluation=evaluation, comparison=comparison)

    def decided_by(self, gates: Sequence[Gate]) -> Review:
        """The review with the verdict of these gates.

        Raises :class:`~reportgen.errors.UsageError` if a gate refers to an unknown name.
        """
        gates = gates_by_name(gates, self.evaluation)
        _check_gates(gates, self.evaluation, self.comparison)
        return replace(self, decision=decide(gates, self.evaluation, self.comparison))

    def to_json(self) -> dict[str, Any]:
        """The complete ``report.json``: plain dicts, lists, strings and numbers; no NaN."""
        return self._around(self.evaluation.to_json())

    def to_json_texts(self) -> dict[str, Any]:
        """As :meth:`to_json`, for a file: see :meth:`~reportgen.Evaluation.to_json_texts`."""
        return self._around(self.evaluation.to_json_texts())

    def _around(self, evaluation: dict[str, Any]) -> dict[str, Any]:
        return {
            **evaluation,
            "comparison": None if self.comparison is None else self.comparison.to_json(),
            **self.decision.to_json(),
        }

    @classmethod
    def from_json(cls, value: Json) -> Review:
        """The inverse of :meth:`to_json`. Raises DataError if `value` is invalid.

        A saved baseline, and a report of an earlier version, contain only the evaluation.
        """
        with translate_faults():
            place = JsonPath.of(value)
            evaluation = Evaluation.from_json(place)
            against = place.get("comparison")
            comparison = None if against.is_none else _compared(against, evaluation)
            decision = NO_GATES
            if "verdict" in place:
                decision = Decision.from_json(place)
                check_decision(decision, evaluation, comparison, place)
        return cls(evaluation, comparison, decision)


def _compared(place: JsonPath, evaluation: Evaluation) -> Comparison:
    from reportgen.comparison import Comparison, check_comparison

    found = Comparison.from_json(place, evaluation)
    check_comparison(found, place)
    return found


@dataclass(frozen=True)
class ReviewSpec:
    """The gates and the location of the baseline, known before any work.

    `baseline` is its path, or an object in memory; None without one. `saved_as` is the name it was
    requested by, if any.
    """

    options: ReviewOptions
    gates: tuple[Gate, ...]
    baseline: Any | None
    saved_as: str = ""

    def check_classes(self, classes: Sequence[str], baseline: LoadedInput | None = None) -> None:
        """Refuse gates on unknown classes, and a baseline with other classes."""
        check_gates(self.gates, classes=classes, has_baseline=self.baseline is not None)
        if baseline is not None:
            baseline.require_classes(classes)


def load_spec(
    options: ReviewOptions,
    against: Any = None,
    *,
    baseline_may_follow: bool = False,
    costs_may_follow: bool = False,
) -> ReviewSpec:
    """Read the gates and find the baseline; errors in them are reported before any work.

    `against` is a baseline in memory, instead of the one in `options`. `baseline_may_follow`
    permits gates that need a baseline, `costs_may_follow` those that need costs.
    """
    gates = _asked_gates(options)
    found, saved_as = against, ""
    if found is None and options.baseline is not None:
        given = options.baseline
        from reportgen.review.baselines import Baselines

        store = Baselines(options.baselines)
        found = typed_place(given, "BASELINE") if is_address(given) else store.find(given)
        saved_as = "" if is_address(given) else store.saved_name(given)
    if found is None:
        options.require_baseline()
    check_gates(
        gates,
        has_baseline=found is not None or baseline_may_follow,
        has_costs=costs_may_follow,
    )
    return ReviewSpec(options, gates, found, saved_as)


def _asked_gates(options: ReviewOptions) -> tuple[Gate, ...]:
    if options.gates is None and not options.fail_under:
        return ()
    from reportgen.gates import fail_under, read_gates

    gates = read_gates(options.gates) if options.gates is not None else ()
    return (*gates, *fail_under(options.fail_under))


def make_review(
    candidate: LoadedInput,
    baseline: LoadedInput | None,
    terms: ReviewSpec,
    figures: EvaluationOptions,
) -> Review:
    """Evaluate, compare with `baseline` if given, and decide."""
    terms.check_classes(candidate.classes)
    rows = candidate.rows
    if baseline is None:
        evaluation, comparison = candidate.evaluated(figures), None
    else:
        comparison, rows = _compare_values(baseline, candidate, terms.options, figures)
        comparison = replace(comparison, baseline_name=terms.saved_as)
        evaluation = comparison.candidate
    evaluation = named_classes(evaluation, figures, candidate.shown)
    if comparison is not None:
        comparison = named_comparison(comparison, evaluation)
    gates = gates_by_name(terms.gates, evaluation)
    _check_gates(gates, evaluation, comparison)
    review = Review(evaluation, comparison, decide(gates, evaluation, comparison), rows)
    return review.with_evaluation(_repeatable(evaluation, terms.options))


def _check_gates(
    gates: Sequence[Gate], evaluation: Evaluation, comparison: Comparison | None
) -> None:
    """Refuse gates on unknown names, and gates on a pair without counts."""
    check_gates_of(gates, evaluation, has_baseline=comparison is not None)
    for gate in gates:
        if gate.pair is not None:
            require_counts(evaluation, f"gate {quoted(gate.name)}, on a pair of classes,")


def _repeatable(evaluation: Evaluation, options: ReviewOptions) -> Evaluation:
    """The evaluation with a command that also repeats comparison and verdict."""
    made = evaluation.provenance
    words = [word for word in options.command_words() if word != _IDS or word not in made.command]
    if not made.command or not words:
        return evaluation
    command = f"{made.command} {shlex.join(words)}"
    return replace(evaluation, provenance=replace(made, command=command))


def _compare_values(
    baseline: LoadedInput,
    candidate: LoadedInput,
    options: ReviewOptions,
    figures: EvaluationOptions,
) -> tuple[Comparison, PredictionRows | None]:
    """The comparison, and the candidate's compared samples if known."""
    from reportgen.comparison import align_predictions, compare_evaluations, compare_paired

    if baseline.rows is not None and candidate.rows is not None:
        pairs = align_predictions(
            baseline.rows,
            candidate.rows,
            allow_partial=options.allow_partial,
            labels_from=options.labels_from,  # type: ignore[arg-type]  # one of its choices
            ids_by_ending=options.ids_by_ending,
        )
        paired = compare_paired(
            pairs,
            baseline=evaluate_predictions(pairs.baseline, figures.for_baseline),
            candidate=evaluate_predictions(pairs.candidate, figures),
            seed=figures.seed,
        )
        return paired, pairs.candidate
    why = candidate.unpaired or baseline.unpaired
    _refuse_matching(options, why)
    before, after = baseline.evaluated(figures.for_baseline), candidate.evaluated(figures)
    for side, called in ((before, "baseline"), (after, "candidate")):
        require_counts(side, "a comparison", f"the {called}")
    compared = compare_evaluations(
        before,
        after,
        why,
        allow_different_data=options.allow_different_data,
    )
    return compared, candidate.rows


def _refuse_matching(options: ReviewOptions, why: str) -> None:
    """Refuse options on matching samples if none are matched."""
    for name in ("allow_partial", "labels_from"):
        if getattr(options, name):
            raise UsageError(
                f"--{name.replace('_', '-')} requires samples matched by id, "
                f"but {_WHY_UNMATCHED[why]}",
                slug="option-conflict",
                hint="compare the predictions of both, or omit the option",
            )


_WHY_UNMATCHED = {
    "matrix": "one side is a confusion matrix",
    "no_predictions": "one side is a report without its predictions",
}


def load_baseline(
    terms: ReviewSpec, reading: InputOptions, figures: EvaluationOptions, spool: Path
) -> LoadedInput | None:
    """Open the baseline of the spec; None without one."""
    if terms.baseline is None:
        return None
    return load_input(terms.baseline, reading, figures, spool, rows_first=True, as_baseline=True)


def open_review(
    source: Any, reading: InputOptions, figures: EvaluationOptions, spool: Path
) -> Review:
    """The review in a ``report.json``, or the evaluation of another saved input."""
    if is_report(source, reading):
        path = find_file(local_path(source, "INPUT"), rows_first=False)
        from reportgen.importers import read_json

        review = Review.from_json(read_json(path))
        evaluation = named_classes(recompute(review.evaluation, figures), figures)
        if review.comparison is not None:
            comparison = named_comparison(review.comparison, evaluation)
            if evaluation.costs != review.evaluation.costs:
                from reportgen.comparison import with_costs_of

                comparison = with_costs_of(comparison, evaluation)
            review = replace(review, comparison=comparison)
        return review.with_evaluation(evaluation)
    side = load_input(source, reading, figures, spool, rows_first=False)
    evaluation = named_classes(side.evaluated(figures), figures, side.shown)
    return Review(evaluation, None, NO_GATES, side.rows)


def is_report(source: Any, reading: InputOptions) -> bool:
    """Whether `source` is a ``report.json``, or a folder that contains one."""
    if not isinstance(source, (str, Path)):
        return False
    return (
        kind_of(find_file(local_path(source, "INPUT"), rows_first=False), reading) == "evaluation"
    )
