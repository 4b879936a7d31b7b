"""A user's groups of classes: read from a file, and written into ``report.json``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.confusions import Grouping, grouping_from_rows
from reportgen.errors import DataError
from reportgen.json_fields import Json, Place
from reportgen.text import printable, quoted

__all__ = ["grouping_from_json", "grouping_to_json", "read_hierarchy", "require_file"]


def require_file(path: Path | None, option: str) -> None:
    """Refuse a file that is not there, before anything else is done.

    Raises :class:`DataError`, ``option-file-missing``.
    """
    if path is not None and not path.is_file():
        raise DataError(
            f"{option} {quoted(path.name)}: there is no such file",
            slug="option-file-missing",
            hint=f"check the path that is given with {option}",
        )


def read_hierarchy(path: Path, classes: Sequence[str]) -> Grouping:
    """The groups in a CSV (in ``.tsv`` and ``.tab`` files TSV) with the columns class and group.

    Raises :class:`DataError` where there is no such file, where it is no table, or where it does
    not hold every class of `classes` once: see
    :func:`~reportgen.confusions.grouping_from_rows`.
    """
    from reportgen.inputs.formats.strict_csv import dialect_of, rows_of

    require_file(path, "--hierarchy")
    rows = rows_of(path, dialect_of(path, "", "utf-8"))
    return grouping_from_rows(rows, classes, printable(path.name))


def grouping_to_json(grouping: Grouping, classes: Sequence[str]) -> dict[str, Any]:
    """``{"source": text, "groups": [{"name": text, "classes": [names]}]}``."""
    return {
        "source": grouping.source,
        "groups": [
            {"name": name, "classes": [classes[i] for i in grouping.members(g).tolist()]}
            for g, name in enumerate(grouping.names)
        ],
    }


def grouping_from_json(value: Json, classes: Sequence[str]) -> Grouping:
    """The inverse of :func:`grouping_to_json`.

    Raises :class:`~reportgen.json_fields.Fault` where it is not of it.
    """
    place = Place.of(value)
    index = {name: i for i, name in enumerate(classes)}
    group_of = np.full(len(classes), -1, np.int64)
    groups = place["groups"].items()
    for g, group in enumerate(groups):
        for name in group["classes"].items():
            if group_of[at := name.index(index)] >= 0:
                name.contradicts("a class is in one group")
            group_of[at] = g
    names = tuple(group["name"].text() for group in groups)
    if len(set(names)) < len(names):
        place["groups"].contradicts("each group has a name of its own")
    try:
        return Grouping(names, group_of, place["source"].text())
    except ValueError as error:
        place["groups"].contradicts(str(error))
