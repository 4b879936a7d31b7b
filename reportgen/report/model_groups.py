"""What is said of pairs in other rankings, and of groups of classes. No HTML, no colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.report.model_base import Cell
from reportgen.report.words import Name, Words

if TYPE_CHECKING:
    from reportgen.report.model import HeatmapSpec

__all__ = [
    "Crowd",
    "CrowdRow",
    "Entry",
    "GridCell",
    "GridRow",
    "GroupGrid",
    "GroupRow",
    "GroupSection",
    "GroupSet",
    "GroupShare",
    "PairRanking",
]


@dataclass(frozen=True)
class Entry:
    """One cell of a table: a name, or a number as text with its exact value.

    Attributes
    ----------
    text
        What is read.
    value
        The exact number, None where undefined or for a name.
    target
        The id of the element that it leads to; empty where there is none.
    """

    text: Name | str
    value: float | None = None
    target: str = ""


@dataclass(frozen=True)
class PairRanking:
    """Pairs of classes in another order than by count.

    Attributes
    ----------
    key
        ``"rate"``, ``"symmetric"`` or ``"lift"``.
    title, sentence
        What it is, and what it is good for.
    heads
        Titles of the columns, the two classes first.
    rows
        One tuple of entries a pair, in the order of `heads`.
    note
        What to know of its numbers; empty where there is nothing.
    """

    key: str
    title: str
    sentence: Words
    heads: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]
    note: Words


@dataclass(frozen=True)
class GroupShare:
    """One way in which answers end: right class, wrong class of the right group, wrong group."""

    title: str
    count: int
    cell: Cell


@dataclass(frozen=True)
class GroupRow:
    """A group of classes.

    Attributes
    ----------
    index
        Its place among the groups, 0 and up.
    name
        What it is called; None where its classes say it.
    first, others
        Its classes in the order of confusion, shown at once, or, where they are many, on demand;
        one of the two is empty.
    n_classes, support
        Counts.
    cells
        Shares of its samples, in the order of :attr:`GroupSet.heads`.
    of_errors
        The errors within it, of all errors.
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
    """A cell of a group matrix; `near` is the part of a diagonal cell that is a wrong class."""

    count: int
    share: float | None
    near: int | None = None


@dataclass(frozen=True)
class GridRow:
    """A true group: what its samples were called, by group."""

    name: Name
    cells: tuple[GridCell, ...]
    support: str


@dataclass(frozen=True)
class GroupGrid:
    """The confusion matrix of groups, at most 30 of them; errors of `hot` and more are outlined."""

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
        What it is, and what it says of the errors.
    shares
        How all answers end, with intervals; empty for groups that were made from these errors.
    heads
        Titles of the shares in the rows.
    rows
        The groups that hold errors or several classes, in the order in which they are to be read.
    alone
        The classes that are in none of the rows.
    grid
        The matrix of the groups, or None where there are too many or it would say nothing new.
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
class CrowdRow:
    """A class of a crowd: its counts in the crowd's columns, and the shares of its samples."""

    name: Name
    cells: tuple[GridCell, ...]
    elsewhere: str
    support: str


@dataclass(frozen=True)
class Crowd:
    """Classes that are taken for one another, as a small matrix.

    Attributes
    ----------
    names
        Its classes: column heads.
    sentence
        How many errors they hold.
    rows
        The rows of its table; shares are of all samples of the true class.
    figure
        The same as a picture.
    """

    names: tuple[Name, ...]
    sentence: Words
    rows: tuple[CrowdRow, ...]
    figure: HeatmapSpec


@dataclass(frozen=True)
class GroupSection:
    """Which classes belong together.

    Attributes
    ----------
    lead
        What the section shows; why groups are missing, where they are.
    sets
        The user's groups, then the suggested ones.
    order
        All classes, confused ones side by side; empty where a set lists them.
    crowds, crowds_lead
        Where most errors gather among many classes; both empty to 30 classes.
    """

    lead: Words
    sets: tuple[GroupSet, ...]
    order: tuple[Name, ...]
    crowds: tuple[Crowd, ...]
    crowds_lead: Words
