"""A user's groups of classes: read from a file, and stored in ``report.json``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

from reportgen.analysis.confusions import Grouping, grouping_from_rows
from reportgen.errors import DataError
from reportgen.jsonio import ClassIndex, JsonPath, Via
from reportgen.text import printable, quoted

__all__ = [
    "GivenGroups",
    "read_hierarchy",
    "require_file",
]


def require_file(path: Path | None, option: str) -> None:
    """Refuse a missing file before any other work.

    Raises :class:`DataError` (``option-file-missing``).
    """
    if path is not None and not path.is_file():
        raise DataError(
            f"{option} {quoted(path.name)}: no such file",
            slug="option-file-missing",
            hint=f"check the path of {option}",
        )


def read_hierarchy(path: Path, classes: Sequence[str]) -> Grouping:
    """Read groups from a CSV (TSV for ``.tsv`` and ``.tab``) with the columns class and group.

    Raises :class:`DataError` if the file is missing or not a table, or unless it has every class in
    `classes` once: see :func:`~reportgen.analysis.confusions.grouping_from_rows`.
    """
    from reportgen.importers import dialect_of, rows_of

    require_file(path, "--hierarchy")
    rows = rows_of(path, dialect_of(path, "", "utf-8"))
    return grouping_from_rows(rows, classes, printable(path.name))


@dataclass(frozen=True)
class HierarchyGroup:
    """One group of classes, in class order."""

    name: str
    classes: tuple[ClassIndex, ...]


@dataclass(frozen=True)
class Hierarchy:
    """A user's groups of classes as in ``report.json``: every class is in one."""

    source: str
    groups: tuple[HierarchyGroup, ...]


def _hierarchy(grouping: Grouping) -> Hierarchy:
    members = (grouping.members(g).tolist() for g in range(len(grouping.names)))
    groups = zip(grouping.names, map(tuple, members), strict=True)
    return Hierarchy(grouping.source, tuple(HierarchyGroup(*group) for group in groups))


def _grouping(form: Hierarchy, place: JsonPath) -> Grouping:
    """Raises :class:`~reportgen.jsonio.Fault` if a class is in no group, or in two."""
    group_of = np.full(len(place.reading.index), -1, np.int64)
    for g, (group, at) in enumerate(zip(form.groups, place["groups"].items(), strict=True)):
        for index, name in zip(group.classes, at["classes"].items(), strict=True):
            if group_of[index] >= 0:
                name.contradicts("a class is in one group")
            group_of[index] = g
    names = tuple(group.name for group in form.groups)
    if len(set(names)) < len(names):
        place["groups"].contradicts("each group has a unique name")
    try:
        return Grouping(names, group_of, form.source)
    except ValueError as error:
        place["groups"].contradicts(str(error))


GivenGroups = Annotated[Grouping, Via(Hierarchy, _hierarchy, _grouping)]
"""Given groups, in JSON as :class:`Hierarchy`."""
