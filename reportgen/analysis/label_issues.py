"""Potential label errors (confident learning): samples that the model confidently predicts as
another class than their label.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nsmallest
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.analysis.scoring import SUM_TOLERANCE, FixedSums, Scores
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError
from reportgen.jsonio import (
    Cell,
    ClassIndex,
    ClassNumber,
    Form,
    JsonPath,
    Key,
    OneOf,
    Share,
    Signed,
)
from reportgen.metrics import RankedClass, best_classes

__all__ = [
    "ENOUGH_SAMPLES",
    "LIMIT",
    "LOWEST",
    "REASONS",
    "WARNINGS",
    "LabelIssue",
    "LabelIssueTally",
    "LabelIssues",
    "Thresholds",
    "find_label_issues",
]


ENOUGH_SAMPLES = 5
"""With fewer samples, the threshold of a class is unreliable."""


LOWEST = 2e-6
"""Lower limit of thresholds: twice the tolerance of the comparison."""


_THRESHOLD_BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class Thresholds:
    """For each class, the mean probability of the class over the samples with its label.

    Attributes
    ----------
    counts
        int64, shape (K,), read-only: labelled samples with scores.
    sums
        Sums of the probabilities of their labels, shape (K,).
    n_without
        Labelled samples without scores; they are in no other count.
    """

    counts: NDArray[np.int64]
    sums: FixedSums
    n_without: int = 0

    def __post_init__(self) -> None:
        view = np.asarray(self.counts, np.int64).view()
        view.flags.writeable = False
        object.__setattr__(self, "counts", view)

    @classmethod
    def empty(cls, n_classes: int) -> Thresholds:
        """No samples: the neutral element of ``+``."""
        return cls(np.zeros(n_classes, np.int64), FixedSums.zeros((n_classes,)))

    @classmethod
    def of(cls, scores: Scores) -> Thresholds:
        """Count one batch."""
        shape = (scores.n_classes,)
        sums = FixedSums.zeros(shape)
        for start in range(0, len(scores), _THRESHOLD_BLOCK):
            labels = scores.labels[start : start + _THRESHOLD_BLOCK]
            rows = np.arange(start, start + len(labels))
            own = scores.probabilities[rows, labels].astype(np.float64)
            sums += FixedSums.of_cells(labels, own, shape)
        counts = np.bincount(scores.labels, minlength=scores.n_classes)
        return cls(counts, sums, scores.n_without)

    def __add__(self, other: Thresholds) -> Thresholds:
        if not isinstance(other, Thresholds):
            return NotImplemented
        if len(self.counts) != len(other.counts):
            raise ValueError(f"{len(self.counts)} classes + {len(other.counts)} classes")
        return Thresholds(
            self.counts + other.counts, self.sums + other.sums, self.n_without + other.n_without
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Thresholds)
            and np.array_equal(self.counts, other.counts)
            and self.sums == other.sums
            and self.n_without == other.n_without
        )

    def __hash__(self) -> int:
        return hash((self.counts.tobytes(), self.sums, self.n_without))

    @property
    def n_classes(self) -> int:
        """Number of classes K."""
        return len(self.counts)

    @property
    def n(self) -> int:
        """Number of counted samples."""
        return int(self.counts.sum())

    def values(self) -> NDArray[np.float64]:
        """The thresholds: float64, shape (K,), 2e-6..1; inf for classes without samples."""
        means = np.full(self.n_classes, np.inf)
        np.divide(self.sums.value, self.counts, out=means, where=self.counts > 0)
        return np.asarray(np.maximum(means, LOWEST))

    def unsteady(self) -> tuple[int, ...]:
        """Indices of the classes that have samples, but fewer than :data:`ENOUGH_SAMPLES`."""
        few = (self.counts > 0) & (self.counts < ENOUGH_SAMPLES)
        return tuple(np.flatnonzero(few).tolist())


LIMIT = 50


TOLERANCE = 1e-6
"""A probability this little below a threshold reaches it."""


_MARGIN_STEPS = 1 << 14  # finer differences are noise of the forward pass


_BLOCK = 1 << 18  # probabilities processed at once: 2 MB per array


Counts = NDArray[np.int64]


Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LabelIssue:
    """One potential label error.

    Attributes
    ----------
    id
        Id of the sample.
    label
        Index of its given label.
    suggested
        Index of the class that is confidently predicted.
    margin
        p(label) minus the largest other probability, -1..0; lower is more suspicious. (cleanlab
        prints (margin + 1) / 2.)
    label_probability, suggested_probability
        0..1.
    top
        The top classes, at most five, best first; empty if a document lacks them.
    """

    id: str
    label: ClassIndex
    suggested: ClassIndex
    margin: Signed
    label_probability: Share
    suggested_probability: Share
    top: tuple[RankedClass, ...] = ()

    @property
    def rank(self) -> tuple[int, str, int, int, float]:
        """Lowest margin first; differences below 2⁻¹⁴ are ignored, then the id decides."""
        steps = round(self.margin * _MARGIN_STEPS)
        return (steps, self.id, self.label, self.suggested, self.margin)


@dataclass(frozen=True)
class LabelIssueTally:
    """The confident joint and the strongest suspects; ``Suspects(thresholds)`` contains no sample.

    Those of the same thresholds and limit add up: any split of the samples, in any order, gives
    the same value.

    Attributes
    ----------
    thresholds
        The thresholds over all samples, from the first pass.
    limit
        Maximum number of suspects that are kept.
    joint
        Counts of (label, confident class), the *confident joint*: samples that reach no
        threshold are not in it. As counted: cleanlab raises a diagonal of 0 to 1. None: empty.
    suspected
        The part of it that is suspected: (label, suggested class). None: empty.
    worst
        The strongest suspects by :attr:`Suspect.rank`.
    """

    thresholds: Thresholds
    limit: int = LIMIT
    joint: ConfusionMatrix | None = None
    suspected: ConfusionMatrix | None = None
    worst: tuple[LabelIssue, ...] = ()

    def having(
        self,
        ids: ArrayLike,
        labels: ArrayLike,
        probabilities: ArrayLike,
        sum_tolerance: float = SUM_TOLERANCE,
    ) -> LabelIssueTally:
        """With one batch: N ids (strings), N class indices (-1 = unknown), scores (N, K).

        Rows without a label or without scores (nan) are skipped, as in the first pass. Raises
        :class:`DataError` if the scores are not probabilities, or the lengths differ.
        """
        scores = Scores.of(probabilities, labels, sum_tolerance)
        names = np.asarray(ids)
        if len(names) != len(np.asarray(labels)):
            raise DataError(
                f"{len(names):,} ids but {len(np.asarray(labels)):,} labels", slug="length-mismatch"
            )
        if scores.n_classes != self.thresholds.n_classes:
            raise ValueError(f"{scores.n_classes} scores for {self.thresholds.n_classes} classes")
        if len(scores) < len(names):
            unknown = np.isnan(np.asarray(probabilities, np.float64)).any(axis=1)
            names = names[(np.asarray(labels) >= 0) & ~unknown]
        found, limits = self, self.thresholds.values() - TOLERANCE
        rows = max(_BLOCK // scores.n_classes, 1)
        for start in range(0, len(scores), rows):
            part = slice(start, start + rows)
            p = scores.probabilities[part].astype(np.float64)
            found += self._of_block(names[part], scores.labels[part], p, limits)
        return found

    def _of_block(
        self, ids: NDArray[Any], labels: Counts, p: Floats, limits: Floats
    ) -> LabelIssueTally:
        k, rows = p.shape[1], np.arange(len(p))
        predicted = p.argmax(axis=1)
        guess = confident_class(p, predicted, limits)
        counted = guess >= 0
        joint = ConfusionMatrix.from_labels(labels[counted], guess[counted], k)
        at = np.flatnonzero(counted & (guess != labels) & (predicted != labels))
        suspected = ConfusionMatrix.from_labels(labels[at], guess[at], k)
        # the label is not the prediction, so the largest other probability is the largest of all
        own = p[rows, labels]
        margins = own[at] - p[at, predicted[at]]
        likely = _likely(margins, self.limit)
        at, margins = at[likely], margins[likely]
        columns = ids[at], labels[at], guess[at], margins, own[at], p[at, guess[at]]
        tops = (best_classes(p[i]) for i in at.tolist())
        worst = self._best(
            LabelIssue(str(name), label, suggested, margin, given, other, top)
            for name, label, suggested, margin, given, other, top in zip(
                *(column.tolist() for column in columns), tops, strict=True
            )
        )
        return LabelIssueTally(self.thresholds, self.limit, joint, suspected, worst)

    def __add__(self, other: LabelIssueTally) -> LabelIssueTally:
        if not isinstance(other, LabelIssueTally):
            return NotImplemented
        if self.thresholds != other.thresholds or self.limit != other.limit:
            raise ValueError("suspects by different thresholds, or of different limits")
        return LabelIssueTally(
            self.thresholds,
            self.limit,
            _sum(self.joint, other.joint),
            _sum(self.suspected, other.suspected),
            self._best([*self.worst, *other.worst]),
        )

    @property
    def n_suspects(self) -> int:
        """Number of all suspects, not only of those kept."""
        return 0 if self.suspected is None else self.suspected.n_samples

    def _best(self, suspects: Iterable[LabelIssue]) -> tuple[LabelIssue, ...]:
        return tuple(nsmallest(self.limit, suspects, key=lambda suspect: suspect.rank))


def confident_class(p: Floats, predicted: NDArray[np.intp], limits: Floats) -> NDArray[np.intp]:
    """The class that each sample confidently belongs to; -1 if it reaches no limit.

    Parameters
    ----------
    p
        float64, shape (n, K).
    predicted
        The class of the largest probability: shape (n,).
    limits
        The probability that each class must reach: float64, shape (K,).

    The result is the only class whose limit is reached; if there are several, the class of the
    largest probability of all, as in cleanlab 2.9. In the paper it is the largest *of those
    reached*, which differs if the prediction is below its threshold.
    """
    reached = p >= limits
    n_reached = np.count_nonzero(reached, axis=1)
    guess = np.where(n_reached > 1, predicted, reached.argmax(axis=1))
    return np.where(n_reached > 0, guess, -1)


def _likely(margins: Floats, limit: int) -> NDArray[np.intp]:
    """Indices of possible members of the `limit` lowest: all up to the limit-th margin."""
    if len(margins) <= limit:
        return np.arange(len(margins))
    steps = np.rint(margins * _MARGIN_STEPS)
    if limit == 0:
        return np.zeros(0, np.intp)
    return np.flatnonzero(steps <= np.partition(steps, limit - 1)[limit - 1])


def _sum(a: ConfusionMatrix | None, b: ConfusionMatrix | None) -> ConfusionMatrix | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b


REASONS: dict[str, str] = {
    "no_scores": (
        "Potential label errors require the probabilities of all classes, and "
        "the input does not contain them."
    ),
    "independent_scores": (
        "Potential label errors require probabilities that sum to 1, and the "
        "scores are independent (one-vs-rest)."
    ),
    "no_samples": "There are no samples with a label.",
    "one_class": "All labels are of one class.",
}
"""Reason code → why no label could be examined."""


WARNINGS: dict[str, str] = {
    "training_split": (
        "The model was trained on these samples: it may have memorised label "
        "errors, which are then not listed."
    ),
    "unsteady_thresholds": (
        "Some classes have fewer than 5 samples: their confidence threshold is unreliable."
    ),
}
"""Warning code → what limits the reliability of the list."""


_TRAINING = frozenset({"train", "training", "trainset", "train_set"})


@dataclass(frozen=True)
class LabelIssues:
    """Potential label errors, strongest first.

    Attributes
    ----------
    reason
        A key of :data:`REASONS` if no label could be examined; then all else is empty.
    warnings
        Keys of :data:`WARNINGS`.
    n_examined
        Number of samples with label and scores.
    n_suspects
        Number of suspects among them.
    suspects
        The strongest suspects.
    cells
        (label, suggested class, number of suspects) of all suspects, by decreasing count, then by
        index.
    thresholds
        K thresholds, one per class; None for a class without samples.
    unsteady
        Indices of classes with too few samples for a reliable threshold.
    joint
        The confident joint: (label, confident class, count) of each cell that is not 0, sorted.
    """

    reason: Annotated[str, OneOf(tuple(REASONS))] | None = None
    warnings: tuple[Annotated[str, OneOf(tuple(WARNINGS))], ...] = ()
    n_examined: int = 0
    n_suspects: int = 0
    suspects: tuple[LabelIssue, ...] = ()
    cells: tuple[Cell, ...] = ()
    thresholds: tuple[Share | None, ...] = ()
    unsteady: Annotated[tuple[ClassNumber, ...], Key("unsteady_classes")] = ()
    joint: Annotated[tuple[Cell, ...], Key("confident_joint")] = ()

    __json__: ClassVar[Form] = Form(optional=frozenset())

    def check_place(self, place: JsonPath) -> None:
        """Raise :class:`~reportgen.jsonio.Fault` if the counts of suspects are inconsistent."""
        n_classes = len(place.reading.index)
        if self.reason is None and len(self.thresholds) != n_classes:
            place["thresholds"].contradicts(f"there are {n_classes:,} classes")
        if self.reason is not None and (self.suspects or self.n_examined):
            place["reason"].contradicts("labels were examined all the same")
        if self.n_suspects != sum(n for _, _, n in self.cells):
            place["n_suspects"].contradicts("the cells contain another number")
        if not len(self.suspects) <= self.n_suspects <= self.n_examined:
            place["n_suspects"].contradicts(
                f"{len(self.suspects):,} are listed, and {self.n_examined:,} labels were examined"
            )


def find_label_issues(found: LabelIssueTally | None, split: str | None = None) -> LabelIssues:
    """The label issues; `found` is None if the input lacks probabilities of all classes.

    `split` names the part of the data: a training split gets a warning.
    """
    reason = _reason(found)
    if found is None or reason is not None:
        return LabelIssues(reason)
    thresholds = found.thresholds
    unsteady = thresholds.unsteady()
    trained = split is not None and split.strip().casefold() in _TRAINING
    warnings = {"training_split": trained, "unsteady_thresholds": bool(unsteady)}
    return LabelIssues(
        None,
        tuple(code for code, applies in warnings.items() if applies),
        thresholds.n,
        found.n_suspects,
        found.worst,
        _by_count(found.suspected),
        tuple(float(t) if np.isfinite(t) else None for t in thresholds.values()),
        unsteady,
        () if found.joint is None else tuple(found.joint.cells()),
    )


def _reason(found: LabelIssueTally | None) -> str | None:
    if found is None:
        return "no_scores"
    if found.thresholds.n == 0:
        return "no_scores" if found.thresholds.n_without else "no_samples"
    return "one_class" if np.count_nonzero(found.thresholds.counts) == 1 else None


def _by_count(matrix: ConfusionMatrix | None) -> tuple[tuple[int, int, int], ...]:
    if matrix is None:
        return ()
    columns = (column.tolist() for column in matrix.errors_by_count())
    return tuple(zip(*columns, strict=True))
