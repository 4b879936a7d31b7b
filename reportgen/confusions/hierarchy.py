"""A user's groups of classes, read strictly: every class once, no name that is not a class."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.confusions.groups import Grouping
from reportgen.csv_text import unguarded
from reportgen.errors import DataError
from reportgen.text import count, listing, nearest, plural, printable, quoted

__all__ = ["COLUMNS", "grouping_from_rows"]

COLUMNS = ("class", "group")
_HINT = 'the first row must be "class,group", each other row one class and its group'


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
        How to call the table: ``"groups.csv"``.

    Raises
    ------
    DataError
        ``hierarchy-columns``: there is no such header. ``hierarchy-blank``: a cell is empty.
        ``hierarchy-class-unknown``, ``hierarchy-class-twice``, ``hierarchy-class-missing``: the
        table does not hold every class once. ``hierarchy-group-twins``: two groups can't be told
        apart by a reader. Names are equal after Unicode normalisation (NFC), without the spaces
        around them.
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
        name, group = (_name(cells[at]) for at in (at_class, at_group))
        _require_text(line, name, group, source)
        i = index.get(_key(name))
        if i is None:
            unknown.setdefault(name, line)
            continue
        if i in line_of:
            raise DataError(
                f"class {quoted(name)} stands in lines {line_of[i]:,} and {line:,} "
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
    names = [_name(cell) for cell in header]
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
                hint="every row needs the name of a class and the name of its group",
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
            hint="add a line for each; a class that belongs nowhere can be a group of its own",
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
                hint="spell the group in one way, or name two groups apart",
            )


def _name(cell: str) -> str:
    return unguarded(cell).strip()


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", printable(name.strip()))
