"""`Evaluation`: the result. Every displayed number is read from it.

Its JSON is ``report.json``, whose format is a contract: within one ``schema_version``, names are
never removed and never change their meaning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.analysis.confusions import Grouping, class_groups
from reportgen.analysis.label_issues import LabelIssues
from reportgen.analysis.scoring import ClassCurve, ThresholdCurve
from reportgen.analysis.slices import SliceReport
from reportgen.confusion_matrix import DENSE_LIMIT, ConfusionMatrix
from reportgen.errors import DataError
from reportgen.evaluation.catalogue import OPTIONAL_METRICS, SUMMARY_METRICS
from reportgen.evaluation.class_rows import COUNT_NAMES, ClassRows, row_texts
from reportgen.evaluation.confidence import Confidence
from reportgen.evaluation.consistency import (
    check_calibration,
    check_class_intervals,
    check_class_metrics,
    check_counts,
    check_intervals,
    check_means,
    check_pairs,
    check_summary,
)
from reportgen.evaluation.document import (
    LISTED_PAIRS,
    READ_VERSIONS,
    SCHEMA_VERSION,
    Document,
    Matrix,
    SampleCounts,
)
from reportgen.evaluation.galleries import GALLERY_PAIRS, galleries_of, reverses_of
from reportgen.evaluation.pairs import Pair, Pairs, pairs_of
from reportgen.evaluation.proportions import ProportionPair, Proportions
from reportgen.evaluation.sample_groups import SampleGroups
from reportgen.jsonio import (
    Codec,
    Fault,
    Json,
    JsonPath,
    Unknown,
    codec_of,
    describe_value,
    element_texts,
    read_value,
    restore_unknown,
    translate_faults,
    write_value,
)
from reportgen.metrics import (
    ClassSamples,
    Costs,
    Definition,
    MacroMode,
    Metric,
    MetricColumn,
    Mistake,
)
from reportgen.notebook import NotebookValue
from reportgen.provenance import Accounting, DataNote, Provenance
from reportgen.text import percent, plural

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Evaluation",
]


@dataclass(frozen=True)
class Evaluation(NotebookValue):
    """The evaluation of a classifier on a test set.

    Attributes
    ----------
    classes
        Class names, in the order of the matrix.
    class_ids
        Class names in data and models, if `classes` are display names; otherwise empty.
    confusion
        Counts, rows true, columns predicted.
    summary
        Metric name → :class:`~reportgen.metrics.Metric` over all samples; optional metrics only if
        requested: see :attr:`definitions`.
    per_class
        Metric name → :class:`~reportgen.metrics.MetricColumn` of all classes.
    pairs
        Every non-zero off-diagonal cell: by decreasing count, then true, then predicted index. A
        sequence of :class:`Pair`.
    examples
        For each pair with a gallery, at most eight of its samples, most confident first: see
        :func:`~reportgen.evaluation.gallery_pairs`; empty if the input has no samples.
    samples
        Sample accounting.
    notes
        Notes on data and run.
    provenance
        Provenance of the evaluation.
    examples_reason
        Why there are no examples; empty if there are some.
    confidence
        Calibration data; None if the input has no confidences.
    suspects
        Potential label errors, or why none could be examined.
    slices
        Metrics of the slices defined by metadata.
    macro
        The classes that macro averages are over: a key of :data:`~reportgen.metrics.MACRO_MODES`.
    intervals
        The requested intervals: ``"wilson"``, ``"bootstrap"`` or ``"exact"``; ``"none"`` without
        counts.
    seed
        Seed of the random draws for intervals; None if there are none.
    sample_groups
        The sample clusters, if given: overall intervals are then cluster-robust, others are not.
    hierarchy
        The user's groups of classes.
    costs
        The user's costs of confusions, if given; `summary` then has the expected cost.
    threshold
        The effect of the decision threshold; None unless there are two classes with probabilities.
    class_curves
        One-vs-rest curves of the classes with the lowest ROC AUC, lowest first; only for more than
        two classes with probabilities.
    shares
        The matrix, if it contains proportions and no counts: `confusion`, `samples` and `pairs` are
        then empty (see :attr:`Proportions.pairs`), and no metric has an interval. None with counts.
    class_samples
        Worst mistakes and correct examples of classes, lowest recall first: see
        :func:`~reportgen.evaluation.galleries.sampled_classes`; empty if the input has no samples.
    unknown
        Members of the document written by a later version.
    """

    classes: tuple[str, ...]
    confusion: ConfusionMatrix
    summary: Mapping[str, Metric]
    per_class: Mapping[str, MetricColumn]
    pairs: Pairs
    examples: tuple[tuple[Mistake, ...], ...]
    samples: Accounting
    notes: tuple[DataNote, ...]
    provenance: Provenance
    examples_reason: str = ""
    confidence: Confidence | None = None
    suspects: LabelIssues = field(default_factory=lambda: LabelIssues("no_scores"))
    slices: SliceReport = field(default_factory=SliceReport)
    macro: MacroMode = "present"
    intervals: str = "wilson"
    seed: int | None = None
    sample_groups: SampleGroups | None = None
    hierarchy: Grouping | None = None
    threshold: ThresholdCurve | None = None
    class_curves: tuple[ClassCurve, ...] = ()
    shares: Proportions | None = None
    class_ids: tuple[str, ...] = ()
    costs: Costs | None = None
    class_samples: tuple[ClassSamples, ...] = ()
    unknown: tuple[Unknown, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "confusion", self.confusion.with_names(self.classes))

    def __repr__(self) -> str:
        accuracy = self.summary["accuracy"].value
        parts = [
            plural(len(self.classes), "class", "classes"),
            "proportions only" if self.shares is not None else plural(self.n_samples, "sample"),
            *([] if accuracy is None else [f"accuracy {percent(accuracy)}"]),
        ]
        return f"<Evaluation: {', '.join(parts)}>"

    @property
    def n_samples(self) -> int:
        """Number of samples in the matrix; 0 (unknown) if it contains proportions only."""
        return self.confusion.n_samples

    @property
    def shares_over(self) -> str | None:
        """The normalisation of a matrix of proportions: ``"true"``, ``"predicted"`` or ``"all"``.

        None with counts.
        """
        return None if self.shares is None else self.shares.over

    @property
    def has_independent_scores(self) -> bool:
        """Whether scores are independent (one vs rest), not probabilities that sum to 1."""
        return self.summary["ece"].reason == "independent_scores"

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """Definitions of the metrics in :attr:`summary`, in order."""
        return tuple(d for d in (*SUMMARY_METRICS, *OPTIONAL_METRICS) if d.name in self.summary)

    def to_frame(self) -> pd.DataFrame:
        """One row per class, in class order: the columns of ``per_class.csv``.

        Indexed by class name. Counts are ``Int64``; each metric has its value and the ends of its
        95% confidence interval (``recall``, ``recall_low``, ``recall_high``) as float64, nan if
        undefined.
        """
        from reportgen.evaluation.frames import class_frame

        return class_frame(self)

    def summary_frame(self) -> pd.DataFrame:
        """One row per overall metric.

        Columns: title, value, low and high end of the 95% confidence interval (float64, nan if
        undefined), and the reason if one is missing.
        """
        from reportgen.evaluation.frames import summary_frame

        return summary_frame(self)

    def to_json(self) -> dict[str, Any]:
        """The content of ``report.json``: plain dicts, lists, strings and numbers; no NaN."""
        written: dict[str, Any] = write_value(Document, self._document(), self.classes)
        return restore_unknown(written, self.unknown)

    def to_json_texts(self) -> dict[str, Any]:
        """As :meth:`to_json`, with the longest lists as JSON text.

        These are the elements of ``per_class`` and ``pairs``: much faster for thousands of classes.
        """
        if self.unknown:
            return self.to_json()
        whole = self._document()
        pair = Pair if self.shares is None else ProportionPair
        bare = replace(whole, per_class=ClassRows((), {}, {}), pairs=())
        return {
            **write_value(Document, bare, self.classes),
            "per_class": row_texts(whole.per_class),
            "pairs": element_texts(pair, whole.pairs, self.classes),
        }

    def _document(self) -> Document:
        shares, samples = self.shares, self.samples
        pairs: Sequence[Pair | ProportionPair] = self.pairs if shares is None else shares.pairs
        return Document(
            schema_version=SCHEMA_VERSION,
            classes=self.classes,
            class_ids=self.class_ids,
            n_samples=self.n_samples if shares is None else None,
            shares_over=None if shares is None else shares.over,
            confusion_matrix=_matrix(self.confusion, shares),
            summary=self.summary,
            per_class=ClassRows(self.classes, self.count_columns(), self.per_class),
            pairs=tuple(pairs[:LISTED_PAIRS]),
            n_pairs=len(pairs),
            examples=self.examples[:GALLERY_PAIRS],
            reversed_examples=reverses_of(self),
            examples_reason=self.examples_reason,
            class_samples=self.class_samples,
            macro=self.macro,
            intervals=self.intervals,
            seed=self.seed,
            sample_groups=self.sample_groups,
            hierarchy=self.hierarchy,
            costs=self.costs,
            slices=self.slices,
            groups=class_groups(self),
            label_suspects=self.suspects,
            calibration=self.confidence,
            threshold=self.threshold,
            class_curves=self.class_curves,
            samples=SampleCounts(
                samples.found if shares is None else None,
                samples.counted if shares is None else None,
                samples.excluded,
                samples.skipped,
            ),
            data_notes=self.notes,
            provenance=self.provenance,
        )

    def count_columns(self) -> dict[str, list[int | None]]:
        """support, predicted, tp, fp, fn, tn of all K classes; None if unknown."""
        if self.shares is not None:
            return {name: [None] * len(self.classes) for name in COUNT_NAMES}
        support, predicted, hits = (
            self.confusion.true_totals,
            self.confusion.predicted_totals,
            self.confusion.diagonal,
        )
        rest = self.n_samples - support - predicted + hits
        columns = (support, predicted, hits, predicted - hits, support - hits, rest)
        return {name: column.tolist() for name, column in zip(COUNT_NAMES, columns, strict=True)}

    def class_counts(self, i: int) -> dict[str, int]:
        """support, predicted, tp, fp, fn, tn of one class; empty if unknown."""
        if self.shares is not None:
            return {}
        support = int(self.confusion.true_totals[i])
        predicted = int(self.confusion.predicted_totals[i])
        hits = int(self.confusion.diagonal[i])
        return {
            "support": support,
            "predicted": predicted,
            "tp": hits,
            "fp": predicted - hits,
            "fn": support - hits,
            "tn": self.n_samples - support - predicted + hits,
        }

    @classmethod
    def from_json(cls, value: Json) -> Evaluation:
        """The inverse of :meth:`to_json`.

        Raises :class:`DataError` for another schema version or an invalid value; the message has
        its location.
        """
        with translate_faults():
            place = JsonPath.of(value)
            version = place.get("schema_version").value
            if version not in READ_VERSIONS or isinstance(version, bool):
                raise DataError(
                    f"report.json has schema version {describe_value(version)}; "
                    f"this reportgen reads {' and '.join(map(str, READ_VERSIONS))}",
                    slug="report-json-version",
                    hint="rebuild the report from its predictions.parquet",
                )
            return cls._from_json(place)

    @classmethod
    def json_codec(cls) -> Codec:
        """The codec for nesting it in another document."""
        form = codec_of(Document)
        return Codec(cls.from_json, lambda value, _: value.to_json(), form.schema)

    @classmethod
    def _from_json(cls, place: JsonPath) -> Evaluation:
        classes = _classes_from_json(place["classes"])
        place = place.alone({name: i for i, name in enumerate(classes)})
        form: Document = read_value(Document, place)
        confusion, shares = _matrix_from(form, place)
        pairs = Pairs.of(()) if shares is not None else _pairs_from(form, confusion, place)
        found = cls(
            classes=classes,
            class_ids=_class_ids(form, place),
            confusion=confusion,
            summary=form.summary,
            per_class=form.per_class.metrics,
            pairs=pairs,
            examples=galleries_of(form.examples, form.reversed_examples, pairs, place),
            samples=_samples_from(form.samples, place["samples"], shares),
            notes=form.data_notes,
            provenance=form.provenance,
            examples_reason=form.examples_reason,
            class_samples=form.class_samples,
            confidence=form.calibration,
            suspects=form.label_suspects,
            slices=form.slices,
            macro=form.macro,
            intervals=form.intervals,
            seed=form.seed,
            sample_groups=form.sample_groups,
            hierarchy=form.hierarchy,
            costs=form.costs,
            threshold=form.threshold,
            class_curves=form.class_curves,
            shares=shares,
            unknown=tuple(place.reading.unknown),
        )
        _check_order(form.per_class.classes, classes, place["per_class"])
        _check_totals(found, place)
        _check_figures(found, form, place)
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Evaluation) and all(
            getattr(self, item.name) == getattr(other, item.name) for item in fields(self)
        )

    __hash__ = None  # type: ignore[assignment]  # contains mappings


def _classes_from_json(place: JsonPath) -> tuple[str, ...]:
    classes: tuple[str, ...] = read_value(tuple[str, ...], place)
    if not classes:
        place.fault("a list of class names")
    if len(set(classes)) < len(classes):
        place.contradicts("each class has a unique name")
    return classes


def _class_ids(form: Document, place: JsonPath) -> tuple[str, ...]:
    """Raises :class:`~reportgen.jsonio.Fault` unless there is one per class."""
    ids = form.class_ids
    if ids and (len(ids) != len(form.classes) or len(set(ids)) < len(ids)):
        place["class_ids"].contradicts("each class has a unique id")
    return ids


def _matrix(confusion: ConfusionMatrix, shares: Proportions | None) -> Matrix:
    if shares is not None:
        if shares.n_classes <= DENSE_LIMIT:
            return Matrix("true", "predicted", shares=shares.values.tolist())
        return Matrix("true", "predicted", share_cells=shares.cells())
    if confusion.n_classes <= DENSE_LIMIT:
        return Matrix("true", "predicted", counts=confusion.counts.tolist())
    return Matrix("true", "predicted", cells=_triples(confusion))


def _triples(confusion: ConfusionMatrix) -> list[list[int]]:
    """[true, predicted, count] of each non-zero cell, sorted."""
    found: list[list[int]] = np.column_stack(
        (confusion.rows, confusion.columns, confusion.values)
    ).tolist()
    return found


def _matrix_from(form: Document, place: JsonPath) -> tuple[ConfusionMatrix, Proportions | None]:
    """The counts; for proportions, no counts and the proportions."""
    n_classes, at = len(form.classes), place["confusion_matrix"]
    if form.shares_over is None:
        return _counts_from(form.confusion_matrix, at, n_classes), None
    dense = form.confusion_matrix.shares is not None
    values = at["shares" if dense else "share_cells"]
    try:
        if dense:
            table = np.array(values.value, np.float64)
            if table.shape != (n_classes, n_classes):
                values.contradicts(f"its shape is {table.shape} for {n_classes:,} classes")
            shares = Proportions(table, form.shares_over)
        else:
            shares = Proportions.of_cells(values.value, n_classes, form.shares_over)
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        if isinstance(error, Fault):
            raise
        values.contradicts(f"{type(error).__name__} {error}")
    return ConfusionMatrix.empty(n_classes), shares


def _counts_from(form: Matrix, place: JsonPath, n_classes: int) -> ConfusionMatrix:
    dense = form.counts is not None
    cells = place["counts"] if dense else place["cells"]
    for row in cells.of_length(n_classes) if dense else ():
        row.of_length(n_classes)
    try:
        if dense:
            return ConfusionMatrix.from_counts(np.asarray(cells.value))
        return ConfusionMatrix.from_cells(cells.value, n_classes)
    except (DataError, TypeError, ValueError, OverflowError) as error:
        cells.contradicts(error.message if isinstance(error, DataError) else str(error))


_TOLD = ("true", "predicted", "count", "reversed_count")


def _pairs_from(form: Document, confusion: ConfusionMatrix, place: JsonPath) -> Pairs:
    """All confusions: the listed ones, whose counts must match the matrix, then the others."""
    found = pairs_of(confusion)
    at = _listed_pairs(form, len(found), place)
    for item, pair, counted in zip(at, form.pairs, found, strict=False):
        for name in _TOLD:
            if getattr(pair, name) != getattr(counted, name):
                item[name].contradicts("the confusion matrix says otherwise")
    listed = Pairs.of(pair for pair in form.pairs if isinstance(pair, Pair))
    rest = found[len(listed) :]
    return Pairs(*map(np.concatenate, zip(listed.columns(), rest.columns(), strict=True)))


def _listed_pairs(form: Document, n: int, place: JsonPath) -> list[JsonPath]:
    """Indices of the listed confusions among the `n` of the matrix."""
    if form.n_pairs is not None and form.n_pairs != n:
        place["n_pairs"].contradicts(f"the confusion matrix contains {n:,}")
    return place["pairs"].of_length(n if form.schema_version == 1 else min(n, LISTED_PAIRS))


def _samples_from(form: SampleCounts, place: JsonPath, shares: Proportions | None) -> Accounting:
    if shares is not None:
        return Accounting(0, 0, form.excluded, form.skipped)
    found, counted = place["found"].whole(), place["counted"].whole()
    try:
        return Accounting(found, counted, form.excluded, form.skipped)
    except ValueError as error:
        place.contradicts(str(error))


def _check_order(told: Sequence[str], classes: Sequence[str], place: JsonPath) -> None:
    for at, name, expected in zip(place.items(), told, classes, strict=True):
        if name != expected:
            at["class"].contradicts("the classes are in their order")


def _check_totals(found: Evaluation, place: JsonPath) -> None:
    """Check that the parts are of the same samples."""
    n = found.n_samples
    if found.shares is not None:
        return
    if place["n_samples"].whole() != n:
        place["n_samples"].contradicts(f"the confusion matrix contains {n:,}")
    if found.samples.counted != n:
        place["samples"]["counted"].contradicts(f"the confusion matrix contains {n:,}")
    if found.confidence is not None and sum(bar.n for bar in found.confidence.bins) > n:
        place["calibration"]["bins"].contradicts(f"they contain more than {n:,} samples")
    for name in ("n_zero_probability", "n_clipped_probability"):
        if found.confidence is not None and getattr(found.confidence, name) > n:
            place["calibration"][name].contradicts(f"the confusion matrix contains {n:,}")
    if found.suspects.n_examined > n:
        place["label_suspects"]["n_examined"].contradicts(f"the confusion matrix contains {n:,}")
    if found.threshold is not None:
        if len(found.classes) != 2:
            place["threshold"].contradicts("thresholds are of two classes")
        if found.threshold.n_positive > found.confusion.true_totals[found.threshold.positive]:
            place["threshold"]["n_positive"].contradicts("the confusion matrix contains fewer")
    _check_curves(found, place.get("class_curves"))


def _check_figures(found: Evaluation, form: Document, place: JsonPath) -> None:
    """Check that everything that the matrix determines matches it."""
    if found.shares is not None:
        pairs = found.shares.pairs
        check_pairs(form.pairs, pairs, _listed_pairs(form, len(pairs), place))
        return
    rows = place["per_class"]
    check_counts(form.per_class.counts, found.count_columns(), rows)
    check_class_metrics(found.per_class, found.confusion, rows)
    check_summary(found.summary, found.confusion, found.macro, found.costs, place["summary"])
    exact = found.intervals == "exact"
    check_class_intervals(found.per_class, found.confusion, rows, exact=exact)
    check_intervals(
        found.summary,
        found.confusion,
        place["summary"],
        exact=exact,
        clustered=found.sample_groups is not None,
    )
    check_means(found.summary, found.per_class, place["summary"])
    if found.confidence is not None:
        check_calibration(found.confidence, found.summary, place)
    for one, at in zip(found.slices.slices, place["slices"]["slices"].items(), strict=True):
        for name in ("balanced_accuracy", "macro_f1", "confidence_gap", "difference"):
            at[name]["interval"].must_contain(getattr(one, name).value)
    check_pairs(form.pairs, pairs_of(found.confusion), place["pairs"].items())


def _check_curves(found: Evaluation, place: JsonPath) -> None:
    n = found.n_samples
    for curve, at in zip(found.class_curves, () if place.is_none else place.items(), strict=True):
        if curve.n_positive > found.confusion.true_totals[curve.index]:
            at["n_positive"].contradicts("the confusion matrix contains fewer")
        if curve.n_positive + curve.n_negative > n:
            at["n_negative"].contradicts("the confusion matrix contains fewer")
