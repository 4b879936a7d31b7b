"""Detects a permuted class order, or a transposed matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError
from reportgen.metrics import wilson
from reportgen.provenance import DataNote
from reportgen.text import count, percent, plural, printable, quoted

__all__ = [
    "RELABELLING_LIMIT",
    "Relabelling",
    "best_relabelling",
    "check_supports",
    "orientation_note",
    "relabelling_note",
    "shift_note",
]


Counts = NDArray[np.int64]


RELABELLING_LIMIT = 1000
"""Maximum number of classes for the search of the best relabelling: 0.3 s."""


LEAST_GAIN = 0.05
"""Minimum gain in accuracy for a warning."""


_ROUNDING = 1e-9
"""Upper bound of the rounding error of a difference of two accuracies."""


_FEWEST_SHIFTED = 5


_LEAST_SHIFTED = 0.1


CLEARLY = 2
"""Factor by which a class must be predicted more often as another one than as anything else."""


@dataclass(frozen=True, eq=False)
class Relabelling:
    """The relabelling of predictions with the highest accuracy.

    Attributes
    ----------
    accuracy, accuracy_after
        Accuracy before and after, 0..1.
    permutation
        int64, shape (K,): samples of class i are best relabelled as ``permutation[i]``. Classes
        without a gain stay in place.
    moved
        The classes that are *significantly* predicted as that other class: at least twice as often
        as any other class, including their own; and that class is predicted for them at least twice
        as often as for any other; both significant (95%). An inaccurate model, or one that prefers
        some classes or confuses similar ones, moves none.
    """

    accuracy: float
    accuracy_after: float
    permutation: Counts
    moved: Counts

    @property
    def is_suspicious(self) -> bool:
        """Whether the class order is probably wrong.

        True if at least two classes moved, accuracy increases by 5 pp, and it is then at least 50%,
        or half of the classes moved: an inaccurate model may confuse two classes by chance.
        """
        gain = self.accuracy_after - self.accuracy
        many = 2 * len(self.moved) >= len(self.permutation)
        return len(self.moved) >= 2 and gain >= LEAST_GAIN and (many or self.accuracy_after >= 0.5)

    @property
    def shift(self) -> int | None:
        """The shift by which all moved classes moved in the class list, if constant; else None.

        1 if each is predicted as the next one, cyclically.
        """
        k = len(self.permutation)
        steps = {int((self.permutation[i] - i) % k) for i in self.moved}
        if len(steps) != 1:
            return None
        step = steps.pop()
        return step if step <= k // 2 else step - k


def best_relabelling(matrix: ConfusionMatrix) -> Relabelling | None:
    """Assign predictions to classes, one to one, for maximum accuracy (Hungarian method).

    None for one class, more than 1,000, or no samples.

    Kuhn 1955, Naval Research Logistics 2, 83-97.
    """
    if not _can_be_relabelled(matrix):
        return None
    k, n = matrix.n_classes, matrix.n_samples
    from scipy.optimize import linear_sum_assignment

    # for ties, as many classes as possible stay in place
    worth = matrix.counts.astype(np.float64) * (k + 1) + np.eye(k)
    permutation = np.asarray(linear_sum_assignment(worth, maximize=True)[1], np.int64)
    hits = matrix.lookup(np.arange(k), permutation)
    return Relabelling(
        matrix.n_correct / n,
        int(hits.sum()) / n,
        permutation,
        _surely_moved(matrix.counts, permutation, hits),
    )


def _can_be_relabelled(matrix: ConfusionMatrix) -> bool:
    return 2 <= matrix.n_classes <= RELABELLING_LIMIT and matrix.n_samples > 0


def _surely_moved(counts: Counts, permutation: Counts, hits: Counts) -> Counts:
    k = len(permutation)
    places = np.arange(k)
    others = counts.copy()
    others[places, permutation] = 0
    rivals = np.maximum(others.max(axis=1), others.max(axis=0)[permutation])
    low, _ = wilson(hits, hits + rivals)
    clear = (hits >= CLEARLY * rivals) & (low > 0.5)  # nan, for neither, is False
    return np.flatnonzero(clear & (permutation != places))


def most_gain(matrix: ConfusionMatrix) -> float:
    """An upper bound for the gain in accuracy by any relabelling, 0..1.

    A relabelling of class i as p(i) adds the sum over i of C[i, p(i)] − C[i, i] hits. Where p(i) =
    i the term is 0; otherwise C[i, p(i)] is at most the largest error of row i. So the sum is at
    most that of max(0, largest error of row i − C[i, i]). As p is one to one, the same sum is one
    over columns j = p(i): adding and taking away C[j, j] instead, it is at most that of max(0,
    greatest error of column j − C[j, j]). The less of the two bounds it. Both are 0 where each
    class is mostly predicted correctly.
    """
    right = matrix.counts.diagonal()
    errors = matrix.counts.copy()
    np.fill_diagonal(errors, 0)
    bounds = [int(np.maximum(errors.max(axis=axis) - right, 0).sum()) for axis in (0, 1)]
    return min(bounds) / matrix.n_samples


def relabelling_note(matrix: ConfusionMatrix, classes: Sequence[str]) -> DataNote | None:
    """A warning if the class order is probably wrong, else None.

    The search takes long, and needs a large import: it is skipped if :func:`most_gain` shows that
    it can't gain enough, which is the case for nearly all models.
    """
    if not _can_be_relabelled(matrix) or most_gain(matrix) < LEAST_GAIN - _ROUNDING:
        return None
    found = best_relabelling(matrix)
    if found is None or not found.is_suspicious:
        return None
    moved = [int(i) for i in found.moved]
    first = moved[int(np.argmax(matrix.lookup(found.moved, found.permutation[found.moved])))]
    other = classes[int(found.permutation[first])]
    n = plural(len(moved), "class", "classes")
    sentence = (
        f"Accuracy is {percent(found.accuracy)}; after the best relabelling of the predictions it "
        f"is {percent(found.accuracy_after)}: check the class order. Samples of {n} are mostly "
        f"predicted as one other class, such as {printable(classes[first])} → {printable(other)}"
        f"{_shift_words(found)}."
    )
    names = tuple(printable(classes[i]) for i in moved[:10])
    return DataNote("class-order", sentence, "warning", len(moved), names)


def shift_note(matrix: ConfusionMatrix, classes: Sequence[str]) -> DataNote | None:
    """A warning if from one class on, most predictions are shifted by one from the label.

    This happens if labels were renumbered because a class was missing, but predictions were not.
    Before that class, predictions must be correct more often than shifted; after it, the difference
    must be at least five standard errors, which accounts for the selection of the class.
    """
    k = matrix.n_classes
    if k < _FEWEST_SHIFTED:
        return None
    every = np.arange(k)
    right = matrix.lookup(every, every).astype(np.int64)
    totals = matrix.true_totals
    for step, words in ((-1, "label − 1"), (1, "label + 1")):
        beside = every + step
        there = (beside >= 0) & (beside < k)
        shifted = np.where(there, matrix.lookup(every, np.clip(beside, 0, k - 1)), 0)
        gain = np.cumsum((shifted - right)[::-1])[::-1]
        at = int(k - 1 - np.argmax(gain[::-1]))  # the last of ties: after the gap
        n, s, r = (int(values[at:].sum()) for values in (totals, shifted, right))
        before = int(right[:at].sum()) > int(shifted[:at].sum())
        if at and n and before and s >= _LEAST_SHIFTED * n and s - r >= 5 * (s + r) ** 0.5:
            return _shift_sentence(classes, totals, at, words, s / n, r / n)
    return None


def _shift_sentence(
    classes: Sequence[str],
    totals: NDArray[np.int64],
    at: int,
    words: str,
    shifted: float,
    right: float,
) -> DataNote:
    missing = [i for i in range(max(at - 2, 0), at + 1) if totals[i] == 0]
    gap = f" No sample has the class {printable(classes[missing[-1]])}." if missing else ""
    return DataNote(
        "labels-shifted",
        f"From class {printable(classes[at])} on, predictions equal {words} in {percent(shifted)} "
        f"of samples, and the label in {percent(right)}: labels and predictions seem to be "
        f"numbered differently from this class on.{gap}",
        "warning",
        len(classes) - at,
        tuple(printable(name) for name in classes[at : at + 10]),
    )


def _shift_words(found: Relabelling) -> str:
    if found.shift is None:
        return ""
    where = "later" if found.shift > 0 else "earlier"
    places = plural(abs(found.shift), "position")
    return f", each {places} {where} in the class list"


def check_supports(
    matrix: ConfusionMatrix, supports: ArrayLike, classes: Sequence[str], name: str = "the matrix"
) -> None:
    """Check the row sums against the known number of samples of each class.

    `name` is the name of the matrix in messages.

    Raises :class:`DataError`, ``matrix-transposed`` if the column sums match instead,
    ``matrix-support`` if neither match; :class:`ValueError` if the number of classes differs.
    """
    known = np.asarray(supports, np.int64)
    if known.shape != (matrix.n_classes,):
        raise ValueError(f"supports of shape {known.shape} for {matrix.n_classes} classes")
    rows, columns = matrix.true_totals, matrix.predicted_totals
    wrong = np.flatnonzero(rows != known)
    if not len(wrong):
        return
    if np.array_equal(columns, known):
        raise DataError(
            f"the columns of {name}, not its rows, add up to the samples of each class: "
            "it is transposed",
            slug="matrix-transposed",
            details=[_sums(classes, known, rows, int(wrong[0]))],
            hint="if its rows are predicted classes:  --rows predicted",
        )
    raise DataError(
        f"the rows of {name} do not add up to the samples of "
        f"{plural(len(wrong), 'class', 'classes')}",
        slug="matrix-support",
        details=[_sums(classes, known, rows, int(i)) for i in wrong[:5]],
        hint="matrix and class sizes must be of the same data, in the same class order",
    )


def _sums(classes: Sequence[str], known: Counts, rows: Counts, i: int) -> str:
    return (
        f"class {quoted(classes[i])} has {plural(int(known[i]), 'sample')}, "
        f"its row adds up to {count(int(rows[i]))}"
    )


def orientation_note(matrix: ConfusionMatrix) -> DataNote | None:
    """A warning if the matrix is probably transposed, else None.

    Test sets often have as many samples of each class; predictions almost never do. At least three
    classes whose *columns* have equal sums, and whose rows do not, indicate a transposed matrix.
    """
    rows, columns = matrix.true_totals, matrix.predicted_totals
    if matrix.n_classes < 3 or columns[0] < 2:
        return None
    if np.any(columns != columns[0]) or np.all(rows == rows[0]):
        return None
    return DataNote(
        "matrix-transposed",
        f"Each of the {count(matrix.n_classes)} columns of the matrix adds up to "
        f"{count(int(columns[0]))}, and its rows do not add up to one number: it looks "
        "transposed. If its rows are predicted classes, pass --rows predicted.",
        "warning",
        matrix.n_classes,
    )
