"""Groups of classes: the user's, and clusters found in the errors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.analysis.confusions import GROUP_METRICS, GroupMatrix
from reportgen.confusion_matrix import DENSE_LIMIT
from reportgen.metrics import PER_CLASS, SUMMARY, Definition, Metric
from reportgen.report.context import LEAST_CLASSES, Context
from reportgen.report.elements import Cell, Footnotes, cell
from reportgen.report.pairs import Entry
from reportgen.report.words import (
    PROPORTIONS_ONLY,
    Name,
    Words,
    join,
    list_names,
    say,
    share,
    shorten,
)
from reportgen.text import count, plural

__all__ = [
    "GridCell",
    "GridRow",
    "GroupGrid",
    "GroupRow",
    "GroupSection",
    "GroupSet",
    "GroupShare",
    "group_section",
]


@dataclass(frozen=True)
class GroupShare:
    """An outcome of predictions: correct class, within-group error, or between-group error."""

    title: str
    count: int
    cell: Cell


@dataclass(frozen=True)
class GroupRow:
    """A group of classes.

    Attributes
    ----------
    index
        Its index among the groups, from 0.
    name
        Its name; None if its classes are listed instead.
    first, others
        Its classes in clustered order: shown at once, or on demand if there are many; one of the
        two is empty.
    n_classes, support
        Counts.
    cells
        Proportions of its samples, in the order of :attr:`GroupSet.heads`.
    of_errors
        Its within-group errors, as a proportion of all errors.
    """

    index: int
    name: Name | None
    first: tuple[Name, ...]
    others: tuple[Name, ...]
    n_classes: int
    support: int
    cells: tuple[Cell, ...]
    of_errors: Entry


@dataclass(frozen=True)
class GridCell:
    """A cell of a group matrix; `near` is the number of within-group errors of a diagonal cell."""

    count: int
    share: float | None
    near: int | None = None


@dataclass(frozen=True)
class GridRow:
    """A true group: the predictions for its samples, by group."""

    name: Name
    cells: tuple[GridCell, ...]
    support: str


@dataclass(frozen=True)
class GroupGrid:
    """The confusion matrix of at most 30 groups; errors of at least `hot` are outlined."""

    names: tuple[Name, ...]
    rows: tuple[GridRow, ...]
    hot: float


@dataclass(frozen=True)
class GroupSet:
    """One division of the classes into groups.

    Attributes
    ----------
    key
        ``"given"`` or ``"suggested"``.
    title, lead
        Title, and summary of the errors.
    shares
        Outcomes of all predictions, with intervals; empty for groups found in these errors.
    heads
        Column titles of the rows.
    rows
        The groups with errors or several classes, in display order.
    alone
        The classes outside all rows.
    grid
        The matrix of the groups; None if there are too many or it would be redundant.
    """

    key: str
    title: Words
    lead: Words
    shares: tuple[GroupShare, ...]
    heads: tuple[str, ...]
    rows: tuple[GroupRow, ...]
    alone: Words
    grid: GroupGrid | None


@dataclass(frozen=True)
class GroupSection:
    """Groups of classes, and errors within and between them.

    Attributes
    ----------
    lead
        Summary of the section, or why groups are missing.
    sets
        The user's groups, then the clusters.
    order
        All classes in clustered order; empty if a set lists them.
    """

    lead: Words
    sets: tuple[GroupSet, ...]
    order: tuple[Name, ...]


MANY_CLASSES = 30
"""Maximum number of classes with a cell-by-cell matrix; above it, groups are drawn."""


GRID_GROUPS = 30
"""Maximum number of groups with a matrix as a table."""


LISTED_GROUPS = 100


ORDERED_CLASSES = 100
"""Maximum number of classes listed in clustered order if there are no groups."""


SHOWN_MEMBERS = 6
"""Larger groups are named by their worst classes, and listed on demand."""


LEAST_ERRORS = 3


HOT = 0.05


HEAD_WIDTH = 24


HEADS = ("Correct", "Within-group error", "Between-group error")


PARTS = ("accuracy", "within_group_error", "between_group_error")


def group_section(facts: Context) -> GroupSection | None:
    """The section; None if it would be uninformative: few classes, or almost no errors."""
    groups = facts.groups
    given, suggested = groups.given, groups.suggested
    enough = len(facts.names) >= LEAST_CLASSES and facts.matrix.n_errors >= LEAST_ERRORS
    if facts.proportions is not None and len(facts.names) >= LEAST_CLASSES:
        return GroupSection(say(f"{PROPORTIONS_ONLY}."), (), ())
    if given is None and not enough:
        return None
    sets = []
    if given is not None:
        sets.append(_describe_given(facts, given))
    if suggested is not None and not groups.alike:
        gridded = given is None and len(facts.names) > MANY_CLASSES
        sets.append(_describe_suggested(facts, suggested, gridded=gridded))
    order = _order(facts) if suggested is None else ()
    if not (sets or order or groups.too_many):
        return None
    return GroupSection(_lead(facts, order), tuple(sets), order)


def _lead(facts: Context, order: Sequence[Name]) -> Words:
    groups = facts.groups
    if groups.suggested is not None:
        severe = "Within-group errors are less severe than between-group errors."
        return say(severe) if groups.given is not None else Words(())
    if len(facts.names) < LEAST_CLASSES or not facts.matrix.n_errors:
        return Words(())
    if groups.too_many:
        return say(
            "No clusters: more than {n} classes have errors, which is too many to cluster.",
            n=count(DENSE_LIMIT),
        )
    none = say("No clusters: errors are not more concentrated than expected by chance.")
    if not order:
        return none
    return join(none, say("Confused classes are adjacent in this order."))


def _order(facts: Context) -> tuple[Name, ...]:
    tree = facts.groups.tree
    if tree is None or len(tree.linked) < 3 or len(facts.names) > ORDERED_CLASSES:
        return ()
    return tuple(facts.names[i] for i in tree.order.tolist())


def _describe_suggested(facts: Context, groups: GroupMatrix, *, gridded: bool) -> GroupSet:
    shown = [g for g in _all(groups) if len(groups.grouping.members(g)) > 1 and _errors(groups, g)]
    kept = plural(len(shown), "cluster")
    lead = join(
        _within_words(facts, groups, f"are within {kept}"),
        say("In-sample and not tested, so optimistic."),
    )
    return GroupSet(
        key="suggested",
        title=say("Clusters found in the errors"),
        lead=lead,
        shares=(),
        heads=HEADS,
        rows=tuple(_row(facts, groups, g, sure=False, gridded=gridded) for g in shown),
        alone=_alone(facts, groups, shown),
        grid=_grid(facts, groups) if gridded else None,
    )


def _within_words(facts: Context, groups: GroupMatrix, stay: str) -> Words:
    """The proportion of errors within the groups, and the one expected by chance."""
    n = groups.n_errors
    if not n:
        return say("There are no errors.")
    chance = facts.groups.by_chance(groups)
    return say(
        "{part} of {n} {stay} ({chance} expected by chance).",
        part=share(groups.within_errors / n),
        n=plural(n, "error"),
        stay=stay,
        chance=share(chance or 0.0),
    )


def _describe_given(facts: Context, groups: GroupMatrix) -> GroupSet:
    n_groups = len(groups.grouping.names)
    lead = say(
        "{groups}, worst first. {within}",
        groups=plural(n_groups, "group"),
        within=_within_words(facts, groups, "stay within the correct group"),
    )
    if facts.groups.alike:
        lead = join(lead, say("Clustering the errors gives the same groups."))
    worst_first = sorted(_all(groups), key=lambda g: (-_wrong_group(groups, g), g))
    if n_groups > LISTED_GROUPS:
        lead = join(
            lead,
            say("The {n} worst are shown; all are in report.json.", n=str(LISTED_GROUPS)),
        )
    elif n_groups > GRID_GROUPS:
        lead = join(lead, say("Too many groups for a matrix."))
    return GroupSet(
        key="given",
        title=say("Groups of {source}", source=Name.of(groups.grouping.source)),
        lead=lead,
        shares=tuple(_shares(groups)),
        heads=HEADS,
        rows=tuple(_row(facts, groups, g) for g in worst_first[:LISTED_GROUPS]),
        alone=Words(()),
        grid=_grid(facts, groups) if n_groups > 1 else None,
    )


def _all(groups: GroupMatrix) -> range:
    return range(len(groups.grouping.names))


def _errors(groups: GroupMatrix, g: int) -> int:
    """Errors that involve a group, as true or predicted class."""
    missed = int(groups.confusion.true_totals[g] - groups.right[g])
    named = int(groups.confusion.predicted_totals[g] - groups.confusion.diagonal[g])
    return missed + named


def _wrong_group(groups: GroupMatrix, g: int) -> float:
    support = int(groups.confusion.true_totals[g])
    return int(groups.between[g]) / support if support else -1.0


def _definition(name: str) -> Definition:
    return next(item for item in (*GROUP_METRICS, *SUMMARY, *PER_CLASS) if item.name == name)


def _shares(groups: GroupMatrix) -> Iterable[GroupShare]:
    notes = Footnotes()
    right, near = int(groups.right.sum()), groups.within_errors
    wrong = int(groups.between.sum())
    for title, n, name, metric in (
        ("Correct", right, "accuracy", groups.summary["accuracy"]),
        ("Within-group error", near, "within_group_error", None),
        ("Correct group in all", right + near, "group_accuracy", groups.group_accuracy),
        ("Between-group error", wrong, "between_group_error", None),
    ):
        found: Metric = groups.summary[name] if metric is None else metric
        yield GroupShare(title, n, cell(found, _definition(name), notes))


def _row(
    facts: Context, groups: GroupMatrix, g: int, *, sure: bool = True, gridded: bool = True
) -> GroupRow:
    """A row for a group; its proportions have intervals only if `sure`."""
    place = _places(facts)
    members = sorted(groups.grouping.members(g).tolist(), key=lambda i: (place[i], i))
    names = tuple(facts.names[i] for i in members)
    few = len(names) <= SHOWN_MEMBERS
    n_errors = groups.n_errors
    within = int(groups.within[g])
    part = within / n_errors if n_errors else None
    notes = Footnotes()
    metrics = [groups.per_group[name].metric(g) for name in PARTS]
    if not sure or len(members) == 1:  # a group of one class has no within-group errors: exactly 0
        metrics = [
            Metric(metric.value, None, metric.reason if metric.value is None else None)
            if not sure or name == "within_group_error"
            else metric
            for metric, name in zip(metrics, PARTS, strict=True)
        ]
    return GroupRow(
        index=g,
        name=_group_name(facts, groups, g) if sure or gridded or not few else None,
        first=names if few else (),
        others=() if few else names,
        n_classes=len(names),
        support=int(groups.confusion.true_totals[g]),
        cells=tuple(
            cell(metric, _definition(name), notes)
            for metric, name in zip(metrics, PARTS, strict=True)
        ),
        of_errors=Entry("n/a" if part is None else share(part), part),
    )


def _group_name(facts: Context, groups: GroupMatrix, g: int) -> Name:
    """The user's name; for a cluster, its class with the most errors and the number of classes."""
    if groups.grouping.modularity is None:
        return Name.of(groups.grouping.names[g])
    members = groups.grouping.members(g)
    matrix = facts.matrix
    errors = matrix.true_totals + matrix.predicted_totals - 2 * matrix.diagonal
    worst = facts.names[int(members[np.argmax(errors[members])])]
    if len(members) == 1:
        return worst
    return Name(f"{worst.text} ({len(members):,})", f"{worst.full} ({len(members):,})")


def _places(facts: Context) -> Sequence[int]:
    """The position of each class in clustered order."""
    order = facts.groups.order
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return place.tolist()


def _alone(facts: Context, groups: GroupMatrix, shown: Sequence[int]) -> Words:
    """The classes outside the listed groups: unclustered ones, and those without errors."""
    rest = [g for g in _all(groups) if g not in shown]
    single = [int(i) for g in rest if _errors(groups, g) for i in groups.grouping.members(g)]
    calm = [int(i) for g in rest if not _errors(groups, g) for i in groups.grouping.members(g)]
    sentences = []
    if single:
        sentences.append(
            say(
                "Unclustered: {names}.",
                names=list_names([facts.names[i] for i in single], 12),
            )
        )
    if calm:
        sentences.append(
            say(
                "No errors: {names}.",
                names=list_names([facts.names[i] for i in calm], 12),
            )
        )
    return join(*sentences)


def _grid(facts: Context, groups: GroupMatrix) -> GroupGrid | None:
    """The matrix of the groups; None for more than 30."""
    size = len(groups.grouping.names)
    if size > GRID_GROUPS:
        return None
    full = [_group_name(facts, groups, g).full for g in range(size)]
    names = tuple(map(Name, shorten(full, HEAD_WIDTH), full))
    counts = groups.confusion.counts.tolist()
    totals = groups.confusion.true_totals.tolist()
    within = groups.within.tolist()
    rows = tuple(
        GridRow(
            names[g],
            tuple(
                GridCell(n, n / totals[g] if totals[g] else None, within[g] if h == g else None)
                for h, n in enumerate(counts[g])
            ),
            count(totals[g]),
        )
        for g in range(size)
    )
    return GroupGrid(names, rows, HOT)
