"""Groups of classes, given or found in the errors, with within-group and between-group errors."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.confusions.class_order import ClassTree, confusion_tree
from reportgen.analysis.confusions.pairs import expected_within
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.csv_text import unguard
from reportgen.errors import DataError
from reportgen.jsonio import ClassIndex, Share
from reportgen.metrics import Metric, MetricColumn, ShareMetric, wilson
from reportgen.text import count, listing, nearest, plural, printable, quoted

__all__ = [
    "COLUMNS",
    "MOST_GROUPS",
    "ClassGroups",
    "GroupMatrix",
    "Grouping",
    "class_groups",
    "group_matrix",
    "grouping_from_rows",
    "suggested_groups",
]


Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Grouping:
    """Every class in exactly one group.

    Attributes
    ----------
    names
        Names of the G groups, each with at least one class.
    group_of
        The group index of each class: int64, shape (K,), read-only.
    source
        The source of the groups, in words: ``"groups.csv"``, ``"suggested by the confusions"``.
    modularity
        For clusters: the excess of within-group confusion over chance, below 1, with 0 at chance
        level; None for given groups.
    """

    names: tuple[str, ...]
    group_of: Counts
    source: str
    modularity: float | None = None

    def __post_init__(self) -> None:
        group_of = np.asarray(self.group_of, np.int64).view()
        group_of.flags.writeable = False
        object.__setattr__(self, "group_of", group_of)
        if not np.array_equal(np.unique(group_of), np.arange(len(self.names))):
            raise ValueError("every group needs a class, and every class a group")

    def members(self, group: int) -> Counts:
        """The classes of a group, int64, increasing."""
        return np.flatnonzero(self.group_of == group)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Grouping)
            and (self.names, self.source, self.modularity)
            == (other.names, other.source, other.modularity)
            and np.array_equal(self.group_of, other.group_of)
        )

    def __hash__(self) -> int:
        return hash((self.names, self.group_of.tobytes()))


@dataclass(frozen=True, eq=False)
class GroupMatrix:
    """The confusion matrix of groups; its diagonal is split into correct and within-group errors.

    Attributes
    ----------
    grouping
        G groups of the K classes.
    confusion
        Counts by group, rows true; the diagonal has correct predictions and within-group errors.
    right
        Correctly predicted samples of each group: int64, shape (G,).
    """

    grouping: Grouping
    confusion: ConfusionMatrix
    right: Counts

    @cached_property
    def within(self) -> Counts:
        """Samples of each group predicted as another class of the group: int64, shape (G,)."""
        return self.confusion.diagonal - self.right

    @cached_property
    def between(self) -> Counts:
        """Samples of each group predicted as a class of another group: int64, shape (G,)."""
        return self.confusion.true_totals - self.confusion.diagonal

    @cached_property
    def summary(self) -> Mapping[str, Metric]:
        """Proportions of all samples, which sum to 1, with Wilson intervals.

        ``accuracy``; ``within_group_error``: an incorrect class of the correct group;
        ``between_group_error``: an incorrect group. Without samples n/a, ``no_samples``.
        """
        n = self.confusion.n_samples
        return {
            name: MetricColumn.metric(_shares(np.array([part.sum()]), np.array([n])), 0)
            for name, part in self._parts.items()
        }

    @cached_property
    def group_accuracy(self) -> Metric:
        """Proportion of all samples predicted as a class of their group, with Wilson's interval."""
        right = np.array([self.confusion.n_correct])
        return MetricColumn.metric(_shares(right, np.array([self.confusion.n_samples])), 0)

    @property
    def within_errors(self) -> int:
        """Number of within-group errors."""
        return int(self.within.sum())

    @property
    def n_errors(self) -> int:
        """Number of all errors, within and between groups."""
        return self.confusion.n_samples - int(self.right.sum())

    @cached_property
    def per_group(self) -> Mapping[str, MetricColumn]:
        """As :meth:`summary` for the samples of each group; ``no_samples`` if it has none."""
        support = self.confusion.true_totals
        return {name: _shares(part, support) for name, part in self._parts.items()}

    @property
    def _parts(self) -> dict[str, Counts]:
        return {
            "accuracy": self.right,
            "within_group_error": self.within,
            "between_group_error": self.between,
        }


def group_matrix(matrix: ConfusionMatrix, grouping: Grouping) -> GroupMatrix:
    """`matrix` with the classes of each group merged.

    Raises :class:`ValueError` if the groups have other classes than the matrix.
    """
    if len(grouping.group_of) != matrix.n_classes:
        raise ValueError(f"groups of {len(grouping.group_of)} classes for {matrix.n_classes}")
    size = len(grouping.names)
    cells = grouping.group_of[matrix.rows] * size + grouping.group_of[matrix.columns]
    keys, inverse = np.unique(cells, return_inverse=True)
    values = np.zeros(len(keys), np.int64)
    np.add.at(values, inverse.reshape(-1), matrix.values)
    right = np.zeros(size, np.int64)
    np.add.at(right, grouping.group_of, matrix.diagonal)
    return GroupMatrix(grouping, ConfusionMatrix(size, keys, values), right)


def _shares(part: Counts, whole: Counts) -> MetricColumn:
    share = np.full(len(whole), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    reason = tuple(None if n else "no_samples" for n in whole.tolist())
    return MetricColumn(share, *wilson(part, whole), reason)


COLUMNS = ("class", "group")


_HINT = 'the first row must be "class,group", followed by one row per class'


def grouping_from_rows(
    rows: Iterable[tuple[int, Sequence[str]]], classes: Sequence[str], source: str
) -> Grouping:
    """The groups in a table with the columns ``class`` and ``group``, in the order of the table.

    Parameters
    ----------
    rows
        (line, cells) of every row, the header first; as many cells in each. Other columns are
        ignored.
    classes
        The K class names, in the order of the matrix.
    source
        Name of the table: ``"groups.csv"``.

    Raises
    ------
    DataError
        ``hierarchy-columns``: there is no such header. ``hierarchy-blank``: a cell is empty.
        ``hierarchy-class-unknown``, ``hierarchy-class-twice``, ``hierarchy-class-missing``: the
        table does not contain every class once. ``hierarchy-group-twins``: two group names look the
        same. Names are compared after Unicode normalisation (NFC), without surrounding spaces.
    """
    lines = iter(rows)
    _, header = next(lines, (1, ()))
    at_class, at_group = _places(header, source)
    index = {_key(name): i for i, name in enumerate(classes)}
    line_of: dict[int, int] = {}
    group_of = np.full(len(classes), -1, np.int64)
    groups: dict[str, tuple[int, int]] = {}  # name → index, line
    unknown: dict[str, int] = {}
    for line, cells in lines:
        name, group = (_cell_name(cells[at]) for at in (at_class, at_group))
        _require_text(line, name, group, source)
        i = index.get(_key(name))
        if i is None:
            unknown.setdefault(name, line)
            continue
        if i in line_of:
            raise DataError(
                f"class {quoted(name)} appears in lines {line_of[i]:,} and {line:,} "
                f"of {quoted(source)}",
                slug="hierarchy-class-twice",
                hint="each class belongs to one group: remove one of the lines",
            )
        line_of[i] = line
        group_of[i] = groups.setdefault(_key(group), (len(groups), line))[0]
    if unknown:
        raise _unknown(unknown, classes, source)
    _require_all(group_of, classes, source)
    _require_distinct(groups, source)
    return Grouping(tuple(groups), group_of, source)


def _places(header: Sequence[str], source: str) -> tuple[int, int]:
    names = [_cell_name(cell) for cell in header]
    for name in COLUMNS:
        if names.count(name) != 1:
            found = f"its columns are {listing(names)}" if any(names) else "it is empty"
            which = "two columns" if name in names else "no column"
            raise DataError(
                f"{quoted(source)} has {which} {quoted(name)}",
                slug="hierarchy-columns",
                details=[found],
                hint=_HINT,
            )
    return names.index("class"), names.index("group")


def _require_text(line: int, name: str, group: str, source: str) -> None:
    for what, text in zip(COLUMNS, (name, group), strict=True):
        if not text:
            raise DataError(
                f"line {line:,} of {quoted(source)} has no {what}",
                slug="hierarchy-blank",
                hint="every row needs a class and its group",
            )


def _unknown(unknown: dict[str, int], classes: Sequence[str], source: str) -> DataError:
    name, line = next(iter(unknown.items()))
    near = nearest(name, classes)
    closest = f"; the closest is {quoted(near)}" if near else ""
    others = [f"{plural(len(unknown), 'name')}: {listing(unknown)}"] if len(unknown) > 1 else []
    return DataError(
        f"line {line:,} of {quoted(source)}: there is no class {quoted(name)}{closest}",
        slug="hierarchy-class-unknown",
        details=[*others, f"the {plural(len(classes), 'class', 'classes')}: {listing(classes)}"],
        hint="use the names of the class list, or remove the line",
    )


def _require_all(group_of: NDArray[np.int64], classes: Sequence[str], source: str) -> None:
    missing: list[int] = np.flatnonzero(group_of < 0).tolist()
    if missing:
        raise DataError(
            f"{quoted(source)} has no group for class {quoted(classes[missing[0]])}",
            slug="hierarchy-class-missing",
            details=[
                f"{count(len(missing))} of {plural(len(classes), 'class', 'classes')} missing: "
                f"{listing(classes[i] for i in missing)}"
            ],
            hint="add a line for each; a class can be its own group",
        )


def _require_distinct(groups: dict[str, tuple[int, int]], source: str) -> None:
    seen: dict[str, str] = {}
    for name, (_, line) in groups.items():
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise DataError(
                f"groups {quoted(other)} (line {groups[other][1]:,}) and {quoted(name)} "
                f"(line {line:,}) of {quoted(source)} differ in upper and lower case only",
                slug="hierarchy-group-twins",
                hint="use one spelling, or rename one group",
            )


def _cell_name(cell: str) -> str:
    return unguard(cell).strip()


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", printable(name.strip()))


Floats = NDArray[np.float64]


MOST_GROUPS = 30


CHANCE = 0.97


MARGIN = 1.5
"""Factor by which the modularity must exceed its chance level before clusters are reported."""


FIT_ROUNDS = 500


SAME = 1e-9
"""Modularities closer than this are equal: then fewer groups are preferred."""


@dataclass
class _Branch:
    """A branch of the tree.

    Attributes
    ----------
    leaves
        Indices of its classes among the linked ones.
    best
        For 1, 2, … groups the largest sum of modularity terms of a cut.
    split
        For each of those, the number of groups in the left branch; 0 if the branch is a single
        group.
    """

    leaves: list[int]
    best: Floats
    split: list[int] = field(default_factory=lambda: [0])
    left: _Branch | None = None
    right: _Branch | None = None

    def cut(self, n_groups: int) -> list[list[int]]:
        """The classes of each group of the best cut into `n_groups`."""
        groups: list[list[int]] = []
        pending = [(self, n_groups)]
        while pending:
            branch, n = pending.pop()
            on_left = branch.split[n - 1]
            if branch.left is None or branch.right is None or on_left == 0:
                groups.append(branch.leaves)
            else:
                pending += [(branch.left, on_left), (branch.right, n - on_left)]
        return groups


def suggested_groups(
    matrix: ConfusionMatrix,
    classes: Sequence[str],
    *,
    most: int = MOST_GROUPS,
    tree: ClassTree | None = None,
) -> Grouping | None:
    """Two to `most` clusters of classes confused with one another, in tree order.

    Of all cuts of :func:`~reportgen.analysis.confusions.confusion_tree` with that many groups, the
    one with the largest modularity; for ties, the one with the fewest groups. Classes without
    errors form a further group, the last. A group is named after its class with the most errors.

    None if fewer than three or more than 2,048 classes are confused, or if unrelated errors could
    reach the best modularity. `tree` is that of `matrix`, if already computed.
    """
    tree = tree or confusion_tree(matrix)
    if tree is None or len(tree.linked) < 3:
        return None
    by_chance = CHANCE / math.sqrt(2 * matrix.n_errors / len(tree.linked))
    root = _grow(tree, most - bool(len(tree.alone)))
    enough = np.flatnonzero(root.best >= root.best.max() - SAME)
    n_groups = int(enough[0]) + 1
    modularity = float(root.best[n_groups - 1])
    if n_groups < 2 or modularity < MARGIN * by_chance:
        return None
    return _name_it(matrix, classes, tree, root.cut(n_groups), modularity)


def _grow(tree: ClassTree, most: int) -> _Branch:
    """The root, with the best cuts into at most `most` groups."""
    weight = tree.similarity.copy()  # row i: similarity of branch i to each other branch
    total = float(weight.sum())
    size = len(tree.linked)
    place = list(range(size))  # node of the tree → its row in `weight`
    inside = np.zeros(size)
    factor = _fit(weight.sum(axis=1))
    square = factor**2

    def worth(row: int) -> float:
        by_chance = float(factor[row] ** 2 - square[row])  # sum of f_i f_j over pairs i ≠ j
        return (float(inside[row]) - by_chance) / total

    branches = [_Branch([i], np.zeros(1)) for i in range(size)]
    for join in tree.merges:
        a, b = int(join[0]), int(join[1])
        i, j = place[a], place[b]
        inside[i] += inside[j] + 2 * weight[i, j]
        for sums in (factor, square, weight):
            sums[i] += sums[j]
        weight[:, i] += weight[:, j]
        place.append(i)
        branches.append(_join(branches[a], branches[b], worth(i), most))
    return branches[-1]


def _fit(degree: Floats) -> Floats:
    """f such that the sum of f_i f_j over j ≠ i approximates `degree_i`."""
    factor: Floats = degree / math.sqrt(float(degree.sum()))
    for _ in range(FIT_ROUNDS):
        last = factor
        factor = np.sqrt(last * degree / (last.sum() - last))  # the root damps oscillation
        if np.max(np.abs(factor - last)) <= 1e-12 * float(factor.max()):
            break
    return factor


def _join(left: _Branch, right: _Branch, as_one: float, most: int) -> _Branch:
    n = min(len(left.best) + len(right.best), most)
    best, split = np.full(n, -np.inf), [0] * n
    best[0] = as_one
    for on_left, worth in enumerate(left.best.tolist(), start=1):
        sums = worth + right.best[: n - on_left]
        here = best[on_left : on_left + len(sums)]
        for k in np.flatnonzero(sums > here + SAME):
            best[on_left + k] = sums[k]
            split[on_left + k] = on_left
    return _Branch(left.leaves + right.leaves, best, split, left, right)


def _name_it(
    matrix: ConfusionMatrix,
    classes: Sequence[str],
    tree: ClassTree,
    groups: list[list[int]],
    modularity: float,
) -> Grouping:
    rank = {int(c): at for at, c in enumerate(tree.leaves)}
    members = [sorted(int(tree.linked[i]) for i in group) for group in groups]
    members.sort(key=lambda group: min(rank[c] for c in group))
    errors = (matrix.true_totals - matrix.diagonal) + (matrix.predicted_totals - matrix.diagonal)
    names = [
        _group_name([classes[c] for c in sorted(g, key=lambda c: -errors[c])]) for g in members
    ]
    if len(tree.alone):
        members.append([int(c) for c in tree.alone])
        alone = [classes[c] for c in members[-1]]
        names.append(alone[0] if len(alone) == 1 else f"{len(alone):,} classes without errors")
    group_of = np.zeros(matrix.n_classes, np.int64)
    for at, group in enumerate(members):
        group_of[group] = at
    return Grouping(tuple(names), group_of, "suggested by the confusions", modularity)


def _group_name(classes: Sequence[str]) -> str:
    """``Shirt``, ``Shirt and Coat``, ``Shirt and 3 others``; the class with most errors first."""
    first, *others = classes
    if not others:
        return first
    return f"{first} and {others[0] if len(others) == 1 else plural(len(others), 'other')}"


class Evaluated(Protocol):
    """A confusion matrix with the names of its classes."""

    @property
    def classes(self) -> Sequence[str]: ...

    @property
    def confusion(self) -> ConfusionMatrix: ...


@dataclass(frozen=True)
class GroupRow:
    """A group of classes: its classes, its samples, and their outcomes."""

    name: str
    classes: tuple[ClassIndex, ...]
    support: int
    right: int
    within: int
    between: int
    accuracy: ShareMetric
    within_group_error: ShareMetric
    between_group_error: ShareMetric


@dataclass(frozen=True)
class GroupSummary:
    """Overall metrics by groups."""

    accuracy: ShareMetric
    group_accuracy: ShareMetric
    within_group_error: ShareMetric
    between_group_error: ShareMetric


@dataclass(frozen=True)
class GroupCells:
    """The matrix of the groups by group indices: non-zero cells, sorted."""

    rows: Literal["true"]
    columns: Literal["predicted"]
    cells: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class GroupFigures:
    """Groups of classes with their metrics."""

    source: str
    modularity: float | None
    summary: GroupSummary
    errors_within_groups: Share | None
    errors_within_groups_by_chance: Share | None
    groups: tuple[GroupRow, ...]
    matrix: GroupCells


@dataclass(frozen=True)
class ClassGroups:
    """The order of the classes, and their groups.

    Attributes
    ----------
    order
        All classes in clustered order; None without confusions, or with more than 2,048 confused
        classes.
    suggested
        Clusters found in the errors, or None.
    given
        The user's groups, or None.
    """

    order: tuple[ClassIndex, ...] | None
    suggested: GroupFigures | None
    given: GroupFigures | None


def class_groups(evaluation: Evaluated) -> ClassGroups:
    """Order and groups of the classes, including those of ``evaluation.hierarchy``."""
    matrix, classes = evaluation.confusion, evaluation.classes
    tree = confusion_tree(matrix)
    suggested = None if tree is None else suggested_groups(matrix, classes, tree=tree)
    return ClassGroups(
        order=None if tree is None else tuple(tree.order.tolist()),
        suggested=_figures(matrix, suggested),
        given=_figures(matrix, getattr(evaluation, "hierarchy", None)),
    )


def _figures(matrix: ConfusionMatrix, grouping: Grouping | None) -> GroupFigures | None:
    if grouping is None:
        return None
    grouped = group_matrix(matrix, grouping)
    errors = grouped.n_errors
    return GroupFigures(
        source=grouping.source,
        modularity=grouping.modularity,
        summary=GroupSummary(
            grouped.summary["accuracy"],
            grouped.group_accuracy,
            grouped.summary["within_group_error"],
            grouped.summary["between_group_error"],
        ),
        errors_within_groups=grouped.within_errors / errors if errors else None,
        errors_within_groups_by_chance=expected_within(matrix, grouping.group_of),
        groups=tuple(_row(grouped, g) for g in range(len(grouping.names))),
        matrix=GroupCells("true", "predicted", tuple(grouped.confusion.cells())),
    )


def _row(grouped: GroupMatrix, g: int) -> GroupRow:
    return GroupRow(
        grouped.grouping.names[g],
        tuple(grouped.grouping.members(g).tolist()),
        int(grouped.confusion.true_totals[g]),
        int(grouped.right[g]),
        int(grouped.within[g]),
        int(grouped.between[g]),
        **{name: column.metric(g) for name, column in grouped.per_group.items()},
    )
