"""`Comparison`: a candidate against its baseline, on the same samples if these are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from reportgen.comparison.definitions import COMPARED, COMPARED_WHERE_GIVEN
from reportgen.evaluation import Evaluation
from reportgen.jsonio import (
    MOST,
    NOT_IN_JSON,
    ClassIndex,
    Codec,
    Definitions,
    Ends,
    Form,
    Interval,
    Json,
    JsonPath,
    Key,
    Range,
    Schema,
    Share,
    ShareInterval,
    Unknown,
    agree,
    codec_of,
    read_record,
    read_value,
    restore_unknown,
    translate_faults,
    write_value,
)
from reportgen.metrics import RankedClass
from reportgen.notebook import NotebookValue
from reportgen.provenance import DataNote
from reportgen.text import percent

__all__ = [
    "NOT_RECORDED",
    "Bootstrap",
    "Change",
    "ClassChange",
    "Comparison",
    "Difference",
    "McnemarBounds",
    "PairChange",
    "PairedCounts",
    "SliceChange",
    "Tendency",
]


Tendency = Literal["worse", "perhaps worse", "no clear change", "perhaps better", "better"]


@dataclass(frozen=True)
class Difference:
    """Candidate minus baseline of one metric; parts are None if undefined.

    Attributes
    ----------
    baseline, candidate
        The metric of each side.
    difference
        ``candidate - baseline``, never rounded.
    interval
        Two-sided 95% CI of the difference.
    bounds
        One-sided 95% bounds, lower and upper: the ends of the two-sided 90% interval. Gates of
        non-inferiority read them.
    p
        Two-sided p-value of "no difference", uncorrected.
    p_adjusted
        The p-value after Holm's correction over its family: the overall metrics, the classes or the
        slices. Significant below 0.05.
    method
        The method of interval and p-value: ``"tango"`` (with McNemar mid-p), ``"newcombe"`` and
        ``"mover"`` (unpaired), ``"paired bootstrap"``, ``"delta method"`` (macro metrics with too
        many cells to resample), ``"paired score"`` (expected cost), or ``"none"``.
    reason
        Why a part is missing: a key of :data:`reportgen.comparison.REASONS`.
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

    __json__: ClassVar[Form] = Form(optional=frozenset())

    def check_place(self, place: JsonPath) -> None:
        """Raise :class:`~reportgen.jsonio.Fault` for an interval without a difference."""
        for name in ("interval", "bounds"):
            if self.difference is None and getattr(self, name) is not None:
                place[name].contradicts("there is no difference")
        if self.baseline is not None and self.candidate is not None and self.difference is not None:
            expected = self.candidate - self.baseline
            if not agree(self.difference, expected):
                place["difference"].disagrees(expected, "candidate - baseline")


NOT_RECORDED = Difference(None, None, None, reason="not_recorded")
"""Used for a metric missing in the document of another version."""


@dataclass(frozen=True)
class PairedCounts:
    """Counts of matched samples by correctness.

    Attributes
    ----------
    both_right, gained, lost, both_wrong
        Samples that both predict correctly, only the candidate, only the baseline, or neither.
    same
        Samples with identical predictions.
    """

    both_right: int
    gained: int
    lost: int
    both_wrong: int
    same: int

    def check_place(self, place: JsonPath) -> None:
        """Raise :class:`~reportgen.jsonio.Fault` if `same` is impossible."""
        if not self.both_right <= self.same <= self.both_right + self.both_wrong:
            place["same"].contradicts("both make the same prediction if both are correct")

    @property
    def n(self) -> int:
        return self.both_right + self.gained + self.lost + self.both_wrong

    @property
    def agreement(self) -> float:
        """Proportion of samples with identical predictions, 0..1; churn is 1 minus this."""
        return self.same / self.n

    @property
    def discordance(self) -> float:
        """Proportion of samples that exactly one side predicts correctly, 0..1."""
        return (self.gained + self.lost) / self.n


@dataclass(frozen=True)
class McnemarBounds:
    """Bounds of McNemar's test if only the two matrices are known, over all possible pairings.

    Attributes
    ----------
    difference
        Correct predictions of the candidate minus those of the baseline.
    discordant
        Minimum and maximum number of samples that exactly one side predicts correctly.
    chi2
        Minimum and maximum chi-square, without continuity correction.
    p
        Minimum and maximum p-value.
    """

    difference: Annotated[int, Range(-MOST, MOST)]
    discordant: tuple[int, int]
    chi2: Annotated[tuple[float, float], Ends(Range(0))]
    p: ShareInterval

    def check_place(self, place: JsonPath) -> None:
        """Raise :class:`~reportgen.jsonio.Fault` if a minimum exceeds its maximum."""
        place["discordant"].ends()


@dataclass(frozen=True)
class ClassChange:
    """One class.

    `paired` counts its true samples; None if samples are not matched. `tendency` is by recall:
    "worse" and "better" if the Holm-adjusted p-value is below 0.05, "perhaps …" if only the
    uncorrected one is; otherwise "no clear change", also if undefined.
    """

    index: Annotated[ClassIndex, Key("class")]
    support: int
    paired: PairedCounts | None
    recall: Difference
    precision: Difference
    f1: Difference
    tendency: Tendency

    def check_place(self, place: JsonPath) -> None:
        """Raise :class:`~reportgen.jsonio.Fault` unless all samples of the class are paired."""
        if self.paired is not None and self.paired.n != self.support:
            place["paired"].contradicts(
                f"its counts add up to {self.paired.n:,} of {self.support:,} samples"
            )


@dataclass(frozen=True)
class SliceChange:
    """One slice: its column, its value, and accuracy on both sides."""

    column: str
    part: Annotated[str, Key("value")]
    n: int
    accuracy: Difference
    tendency: Tendency


@dataclass(frozen=True)
class Change:
    """A sample that only one side predicts correctly; classes as indices.

    `top`: the candidate's top classes, at most five, best first; empty if unknown.
    """

    id: str
    label: ClassIndex
    baseline: ClassIndex
    candidate: ClassIndex
    baseline_confidence: Share | None
    candidate_confidence: Share | None
    top: tuple[RankedClass, ...] = ()


@dataclass(frozen=True)
class PairChange:
    """Number of samples of class `true` predicted as `predicted` on each side."""

    true: ClassIndex
    predicted: ClassIndex
    baseline: int
    candidate: int


@dataclass(frozen=True)
class Bootstrap:
    """Number of draws and seed of a paired bootstrap; 0 and 0 without one."""

    draws: int
    seed: Annotated[int, Range(0, 2**64)]


class Compared:
    """In an annotation: differences by name.

    All of :data:`COMPARED`, and the available ones of :data:`COMPARED_WHERE_GIVEN`.
    """

    def codec(self, _: Any) -> Codec:
        plain = codec_of(Mapping[str, Difference])
        return Codec(_read_summary, plain.write, _summary_schema)


_ALWAYS = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "ece")
"""Those of :data:`COMPARED` that every document has; newer ones are n/a if missing."""


def _read_summary(place: JsonPath) -> dict[str, Difference]:
    place.keep_others(frozenset((*COMPARED, *COMPARED_WHERE_GIVEN)))
    read = codec_of(Difference).read
    is_there = {name: name in place or name in _ALWAYS for name in COMPARED}
    found = {name: read(place[name]) if is_there[name] else NOT_RECORDED for name in COMPARED}
    return found | {name: read(place[name]) for name in COMPARED_WHERE_GIVEN if name in place}


def _summary_schema(known: Definitions) -> Schema:
    names = (*COMPARED, *COMPARED_WHERE_GIVEN)
    properties = dict.fromkeys(names, codec_of(Difference).schema(known))
    return {"type": "object", "properties": properties, "required": list(_ALWAYS)}


@dataclass(frozen=True)
class Comparison(NotebookValue):
    """A candidate against its baseline, both with the same classes in the candidate's order.

    Attributes
    ----------
    baseline, candidate
        The evaluations of the compared samples.
    paired
        Counts of matched samples; None if samples are not matched.
    unpaired_reason
        Why they are not matched: ``"matrix"``, ``"no_predictions"``, or empty.
    bounds
        Bounds of McNemar's test, if samples are not matched and class totals agree.
    summary
        Metric name of :data:`COMPARED` → difference; all names, and those of
        :data:`COMPARED_WHERE_GIVEN` if both sides have the metric.
    classes
        One for each class, in class order.
    slices
        Slices that both sides have, worst difference first.
    fixed, broken
        Newly correct and newly incorrect samples, at most 24 each, most confident mistakes first.
    grown
        Off-diagonal cells with the largest increases, at most 20, largest first.
    bootstrap
        Draws and seed of the paired bootstrap.
    n_tests
        Number of class tests in Holm's correction.
    detectable
        The minimum detectable difference in accuracy, 0..1, for this size and discordance (80%
        power); None if unknown.
    notes
        Notes on the matching.
    baseline_name
        Name of the saved baseline; empty if it was not given by name.
    unknown
        Members written by a later version.
    """

    baseline: Evaluation
    candidate: Annotated[Evaluation, NOT_IN_JSON]
    paired: PairedCounts | None
    unpaired_reason: str
    bounds: Annotated[McnemarBounds | None, Key("mcnemar_bounds")]
    summary: Annotated[Mapping[str, Difference], Compared()]
    classes: Annotated[tuple[ClassChange, ...], Key("per_class")]
    slices: tuple[SliceChange, ...]
    fixed: tuple[Change, ...]
    broken: tuple[Change, ...]
    grown: Annotated[tuple[PairChange, ...], Key("grown_pairs")]
    bootstrap: Bootstrap
    n_tests: int
    detectable: Share | None
    notes: tuple[DataNote, ...] = ()
    baseline_name: str = ""
    unknown: Annotated[tuple[Unknown, ...], NOT_IN_JSON] = ()

    __json__: ClassVar[Form] = Form(
        (
            "baseline", "baseline_name", "paired", "unpaired_reason", "mcnemar_bounds", "summary",
            "per_class", "slices", "fixed", "broken", "grown_pairs", "bootstrap", "correction",
            "n_tests", "detectable", "notes",
        ),
        told=("correction",),
        optional=frozenset({"baseline_name"}),  # as before baselines had names
    )  # fmt: skip

    def __repr__(self) -> str:
        change = self.summary["accuracy"]
        shown = [
            "n/a" if value is None else percent(value)
            for value in (change.baseline, change.candidate)
        ]
        how = "not matched" if self.paired is None else f"{self.paired.n:,} matched samples"
        return f"<Comparison: accuracy {shown[0]} → {shown[1]}, {how}>"

    @property
    def identical(self) -> bool:
        """Whether all predictions are identical."""
        return self.paired is not None and self.paired.same == self.paired.n

    @property
    def draws(self) -> int:
        """Number of bootstrap draws; 0 without a bootstrap."""
        return self.bootstrap.draws

    @property
    def seed(self) -> int:
        """Seed of the bootstrap; 0 without one."""
        return self.bootstrap.seed

    @property
    def correction(self) -> Literal["holm"]:
        """The correction of adjusted p-values for multiple tests."""
        return "holm"

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and numbers, no NaN; classes by name.

        Contains the baseline as an evaluation, but not the candidate, which is the ``report.json``
        itself.
        """
        written: dict[str, Any] = write_value(Comparison, self, self.candidate.classes)
        return restore_unknown(written, self.unknown)

    @classmethod
    def from_json(cls, value: Json, candidate: Evaluation) -> Comparison:
        """The inverse of :meth:`to_json`; `candidate` is the evaluation in the same document.

        Raises :class:`~reportgen.errors.DataError` if the value is invalid.
        """
        with translate_faults("rebuild the report from the predictions of both"):
            place = JsonPath.of(value, "comparison")
            place = place.alone({name: i for i, name in enumerate(candidate.classes)})
            baseline = read_value(Evaluation, place["baseline"])
            if baseline.classes != candidate.classes:
                place["baseline"]["classes"].contradicts("the candidate has other classes")
            place["per_class"].of_length(len(candidate.classes))
            found = read_record(cls, place, baseline=baseline, candidate=candidate)
            return replace(found, unknown=tuple(place.reading.unknown))

    def check_place(self, place: JsonPath) -> None:
        """Raise :class:`~reportgen.jsonio.Fault` if the parts are not of the same samples."""
        if (self.paired is None) != bool(self.unpaired_reason):
            place["unpaired_reason"].contradicts(
                "a reason is given exactly for unpaired comparisons"
            )
        for side in ("baseline", "candidate"):
            figure = getattr(self, side).summary["accuracy"].value
            if not agree(getattr(self.summary["accuracy"], side), figure):
                place["summary"]["accuracy"][side].disagrees(figure, f"the {side} itself")
        n = self.candidate.n_samples
        if self.paired is not None and self.paired.n != n:
            place["paired"].contradicts(f"its counts add up to {self.paired.n:,} of {n:,} samples")
        for i, (change, at) in enumerate(
            zip(self.classes, place["per_class"].items(), strict=True)
        ):
            if change.index != i:
                at["class"].contradicts("the classes are in their order")
