"""Potential label errors (confident learning): samples that the model confidently predicts as
another class than their label.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.analysis.scoring import FixedSums, Scores, known_probabilities
from reportgen.confusion_matrix import ConfusionMatrix, RunningMatrix
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
from reportgen.metrics import RankedClass, best_classes, count_true

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
    def of(cls, labels: ArrayLike, label_probability: ArrayLike, n_classes: int) -> Thresholds:
        """Count one batch.

        N class indices, -1 = unknown, and the probability of each, nan for missing scores. Raises
        :class:`DataError` for a value that is not a probability.
        """
        true = np.asarray(labels)
        labelled = true >= 0
        own, known, _ = known_probabilities(
            "label_probability", np.asarray(label_probability)[labelled]
        )
        true = true[labelled][known].astype(np.intp)
        sums = FixedSums.zeros((n_classes,))
        for start in range(0, len(true), _THRESHOLD_BLOCK):
            part = slice(start, start + _THRESHOLD_BLOCK)
            sums += FixedSums.of_cells(true[part], own[part].astype(np.float64), (n_classes,))
        return cls(np.bincount(true, minlength=n_classes), sums, len(known) - len(true))

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

    def having(self, ids: ArrayLike, scores: Scores) -> LabelIssueTally:
        """With one batch of N samples: its ids (strings, shape (N,)), and its scores.

        Raises :class:`DataError` if their lengths differ.
        """
        k, names = scores.n_classes, np.asarray(ids)
        if len(names) != len(scores.kept):
            raise DataError(
                f"{len(names):,} ids but {len(scores.kept):,} labels", slug="length-mismatch"
            )
        if k != self.thresholds.n_classes:
            raise ValueError(f"{k} scores for {self.thresholds.n_classes} classes")
        if len(scores) < len(names):
            names = names[scores.kept]
        limits = _at_least(self.thresholds.values() - TOLERANCE, scores.probabilities.dtype)
        joint, suspected, worst = RunningMatrix(k), RunningMatrix(k), self.worst
        rows = max(_BLOCK // k, 1)
        for start in range(0, len(scores), rows):
            part = slice(start, start + rows)
            p, labels = scores.probabilities[part], scores.labels[part]
            predicted = p.argmax(axis=1)
            guess = confident_class(p, predicted, limits)
            counted = guess >= 0
            joint.add(labels[counted], guess[counted])
            at = np.flatnonzero(counted & (guess != labels) & (predicted != labels))
            suspected.add(labels[at], guess[at])
            # the label is not the prediction: the largest other probability is that of all
            own, highest = (p[at, of[at]].astype(np.float64) for of in (labels, predicted))
            likely = self._likely(own - highest, worst)
            at, own, highest = at[likely], own[likely], highest[likely]
            found = (
                LabelIssue(str(name), label, suggested, margin, given, float(p[i, suggested]),
                           best_classes(p[i]))
                for i, name, label, suggested, margin, given in zip(
                    *(column.tolist() for column in (
                        at, names[part][at], labels[at], guess[at], own - highest, own
                    )), strict=True
                )
            )  # fmt: skip
            worst = self._best([*worst, *found])
        return LabelIssueTally(
            self.thresholds,
            self.limit,
            _sum(self.joint, joint.total()),
            _sum(self.suspected, suspected.total()),
            worst,
        )

    def _likely(self, margins: Floats, worst: Sequence[LabelIssue]) -> NDArray[np.intp]:
        """Indices of the samples that may displace one of `worst`, by their margins.

        Ties of the last place are among them: their ids decide.
        """
        if self.limit == 0:
            return np.zeros(0, np.intp)
        steps = np.rint(margins * _MARGIN_STEPS)
        most = worst[-1].rank[0] if len(worst) == self.limit else np.inf
        if len(steps) > self.limit:
            most = min(most, np.partition(steps, self.limit - 1)[self.limit - 1])
        return np.flatnonzero(steps <= most)

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


def confident_class(
    p: NDArray[np.floating[Any]], predicted: NDArray[np.intp], limits: NDArray[np.floating[Any]]
) -> NDArray[np.intp]:
    """The class that each sample confidently belongs to; -1 if it reaches no limit.

    Parameters
    ----------
    p
        float32 or float64, shape (n, K).
    predicted
        The class of the largest probability: shape (n,).
    limits
        The probability that each class must reach: of the same dtype, shape (K,).

    The result is the only class whose limit is reached; if there are several, the class of the
    largest probability of all, as in cleanlab 2.9. In the paper it is the largest *of those
    reached*, which differs if the prediction is below its threshold.
    """
    reached = p >= limits
    n_reached = count_true(reached)
    guess = np.where(n_reached > 1, predicted, reached.argmax(axis=1))
    return np.where(n_reached > 0, guess, -1)


def _at_least(limits: Floats, dtype: np.dtype[Any]) -> NDArray[np.floating[Any]]:
    """The smallest numbers of `dtype`, float32 or float64, not below `limits`.

    A number of that dtype reaches the one if it reaches the other, without being converted.
    """
    nearest = limits.astype(dtype)
    return np.where(nearest < limits, np.nextafter(nearest, dtype.type(np.inf)), nearest)


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
