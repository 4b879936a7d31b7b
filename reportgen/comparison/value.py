"""`Comparison`: a candidate against its baseline, on the same samples where these are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from reportgen.evaluation import Evaluation
from reportgen.json_fields import MOST, Ends, Interval, Json, Range, Share, ShareInterval
from reportgen.provenance import DataNote

__all__ = [
    "COMPARED",
    "Change",
    "ClassChange",
    "Comparison",
    "Difference",
    "McnemarBounds",
    "PairChange",
    "PairedCounts",
    "SliceChange",
    "Tendency",
    "cautions",
]

COMPARED = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "ece")
"""Metrics of the whole that are compared, in the order of all outputs."""

Tendency = Literal["worse", "perhaps worse", "no clear change", "perhaps better", "better"]


@dataclass(frozen=True)
class Difference:
    """Candidate less baseline of one figure; every part is None where it is undefined.

    Attributes
    ----------
    baseline, candidate
        The figure of each side.
    difference
        ``candidate - baseline``, never rounded.
    interval
        Two-sided 95 % interval of the difference.
    bounds
        One-sided 95 % bounds, lower and upper: the ends of the two-sided 90 % interval. Gates of
        non-inferiority read them.
    p
        Two-sided p-value of "there is no difference", uncorrected.
    p_adjusted
        The same after Holm's correction over all classes (or slices); None outside such a family.
    method
        How interval and p-value are made: ``"tango"`` (with McNemar mid-p), ``"newcombe"``
        and ``"mover"`` (unpaired), ``"paired bootstrap"``, ``"delta method"`` (macro figures where
        there are too many different answers to resample them), or ``"none"``.
    reason
        Why something is missing: a key of :data:`reportgen.comparison.REASONS`.
    """

    baseline: float | None
    candidate: float | None
    difference: float | None
    interval: Interval | None = None
    bounds: Interval | None = None
    p: Share | None = None
    p_adjusted: Share | None = None
    method: str = "none"
    reason: str | None = None


@dataclass(frozen=True)
class PairedCounts:
    """What became of the samples that both sides predicted.

    Attributes
    ----------
    both_right, gained, lost, both_wrong
        Samples by who was right: both, the candidate alone, the baseline alone, neither.
    same
        Samples for which both predicted the same class.
    """

    both_right: int
    gained: int
    lost: int
    both_wrong: int
    same: int

    @property
    def n(self) -> int:
        return self.both_right + self.gained + self.lost + self.both_wrong

    @property
    def agreement(self) -> float:
        """Share of samples for which both predicted the same class, 0..1; churn is its rest."""
        return self.same / self.n

    @property
    def discordance(self) -> float:
        """Share of samples of which exactly one side was right, 0..1."""
        return (self.gained + self.lost) / self.n


@dataclass(frozen=True)
class McnemarBounds:
    """What McNemar's test may say when only the two matrices are known, however samples pair.

    Attributes
    ----------
    difference
        Right answers of the candidate less those of the baseline.
    discordant
        Least and most samples of which exactly one side was right, over all classes.
    chi2
        Least and most chi-square, without continuity correction.
    p
        Least and most p-value.
    """

    difference: Annotated[int, Range(-MOST, MOST)]
    discordant: tuple[int, int]
    chi2: Annotated[tuple[float, float], Ends(Range(0))]
    p: ShareInterval


@dataclass(frozen=True)
class ClassChange:
    """One class. `paired` counts its true samples; None where samples are not matched.

    `tendency` is by recall: "worse" and "better" where the Holm-adjusted p-value is below 0.05,
    "perhaps" where the uncorrected one alone is; "no clear change" else, undefined ones included.
    """

    index: int
    support: int
    paired: PairedCounts | None
    recall: Difference
    precision: Difference
    f1: Difference
    tendency: Tendency


@dataclass(frozen=True)
class SliceChange:
    """One part of the data: the column that tells it apart, its value, accuracy on both sides."""

    column: str
    part: str
    n: int
    accuracy: Difference
    tendency: Tendency


@dataclass(frozen=True)
class Change:
    """A sample that one side got right and the other wrong; classes as indices."""

    id: str
    label: int
    baseline: int
    candidate: int
    baseline_confidence: Share | None
    candidate_confidence: Share | None


@dataclass(frozen=True)
class PairChange:
    """Samples of class `true` called `predicted`: how many on each side."""

    true: int
    predicted: int
    baseline: int
    candidate: int


@dataclass(frozen=True)
class Comparison:
    """Candidate against baseline, both over the same classes in the candidate's order.

    Attributes
    ----------
    baseline, candidate
        The evaluations of the samples that are compared.
    paired
        Counts of matched samples; None where samples are not matched.
    unpaired_reason
        Why they are not: ``"matrix"``, ``"no_predictions"``, or empty.
    bounds
        What McNemar's test may say, where samples are not matched and class totals agree.
    summary
        Metric name of :data:`COMPARED` → difference; every name is there.
    classes
        One for each class, in class order.
    slices
        Parts of the data that both sides know, worst difference first.
    fixed, broken
        Samples wrong → right and right → wrong, at most 24 each, the surest mistakes first.
    grown
        Off-diagonal cells that grew most, at most 20, by growth downwards.
    draws, seed
        Of the bootstrap; 0 and 0 where none was made.
    n_tests
        Class tests that Holm's correction counts.
    detectable
        The smallest difference in accuracy, 0..1, that a test set of this size and discordance
        would likely show (power 80 %); None where it can't be told.
    notes
        What to know about how the two were matched.
    baseline_name
        What the baseline is saved as; empty where it was not taken by such a name.
    """

    baseline: Evaluation
    candidate: Evaluation
    paired: PairedCounts | None
    unpaired_reason: str
    bounds: McnemarBounds | None
    summary: Mapping[str, Difference]
    classes: tuple[ClassChange, ...]
    slices: tuple[SliceChange, ...]
    fixed: tuple[Change, ...]
    broken: tuple[Change, ...]
    grown: tuple[PairChange, ...]
    draws: int
    seed: int
    n_tests: int
    detectable: float | None
    notes: tuple[DataNote, ...] = ()
    baseline_name: str = ""

    @property
    def identical(self) -> bool:
        """Whether both sides predicted the same class for every sample."""
        return self.paired is not None and self.paired.same == self.paired.n

    def to_json(self) -> dict[str, Any]:
        """For ``report.json``: see :func:`reportgen.comparison.as_json.comparison_to_json`."""
        from reportgen.comparison.as_json import comparison_to_json

        return comparison_to_json(self)

    @classmethod
    def from_json(cls, value: Json, candidate: Evaluation) -> Comparison:
        """The inverse of :meth:`to_json`; `candidate` is the evaluation that it stands beside.

        Raises :class:`~reportgen.errors.DataError` where the value is not of it.
        """
        from reportgen.comparison.as_json import comparison_from_json

        return comparison_from_json(value, candidate)


def cautions(evaluation: Evaluation, comparison: Comparison | None) -> tuple[str, ...]:
    """What is to be known before anything here is relied on, in sentences: every warning."""
    notes = (*evaluation.notes, *(comparison.notes if comparison is not None else ()))
    return tuple(note.sentence for note in notes if note.severity == "warning")
