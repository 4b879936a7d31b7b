"""Interprets the words at the edges of a matrix: orientation and class names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reportgen.importers.columns.words import COMMON_NAMES, TASK_WORDS, folded

__all__ = [
    "bare_names",
    "is_corner",
    "opposite_side",
    "rows_said",
]


_ARROWS = re.compile(r"([^→↓\\/|,]+?)\s*([→↓])|([→↓])\s*([^→↓\\/|,]+)")


_BETWEEN = re.compile(r"[\\/|,→↓]+|\bvs\b\.?|\bby\b", re.IGNORECASE)


_COLUMNS = frozenset({"column", "columns", "col", "cols"})


_FILLERS = _COLUMNS | frozenset({
    "class", "classes", "category", "categories", "name", "names", "value", "values", "row", "rows",
    "are", "is", "the",
})  # fmt: skip


_OTHER_SIDE = {"true": "predicted", "predicted": "true", "": ""}


def rows_said(corner: str) -> str:
    r"""The orientation stated in the cell above the first column, ``"true"`` or ``"predicted"``.

    Empty if it states none. In a crosstab the cell names the rows. Of two words, the first refers
    to the rows, unless arrows or the word "columns" say otherwise.

    >>> rows_said("Predicted class"), rows_said("actual\\predicted"), rows_said("pred → true ↓")
    ('predicted', 'true', 'true')
    """
    for match in _ARROWS.finditer(corner):
        said = _role(match[1] or match[4])
        if said:
            return said if (match[2] or match[3]) == "↓" else _OTHER_SIDE[said]
    for part in _BETWEEN.split(corner):
        said = _role(part)
        if said:
            of_columns = _COLUMNS & set(_words(part))
            return _OTHER_SIDE[said] if of_columns else said
    return ""


def opposite_side(said: str) -> str:
    """The orientation of the other axis."""
    return _OTHER_SIDE[said]


def is_corner(text: str) -> bool:
    """Whether the first cell of a table marks a crosstab.

    That is, a word for labels or predictions, or pandas' name for rows without a name.
    """
    return bool(rows_said(text)) or text == "row_0"


def bare_names(
    rows: Sequence[str], columns: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Strip common prefixes from edges such as ``true_cat`` beside ``pred_cat``.

    Returns (row names, column names, orientation); only if the common parts state the orientation.
    """
    if all(name.startswith("_") for name in columns) and {n[1:] for n in columns} <= set(rows):
        columns = [name[1:] for name in columns]  # of BigQuery, where a column is called no number
    (bare_rows, of_rows), (bare_columns, of_columns) = _without_role(rows), _without_role(columns)
    said = of_rows or _OTHER_SIDE[of_columns]
    contradicts = of_rows and of_rows == of_columns
    if not said or contradicts or len(set(bare_rows) & set(bare_columns)) < 2:
        return tuple(rows), tuple(columns), ""
    return bare_rows, bare_columns, said


def _without_role(names: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """(names without their common prefix or suffix, the role it states).

    The names unchanged, and "", if there is none.
    """
    if len(names) < 2:
        return tuple(names), ""
    for turn in (1, -1):
        texts = [name.strip()[::turn] for name in names]
        shared = _shared_beginning(texts)
        while shared:
            said = _role(shared[::turn].strip(_MARKS)) if shared[-1] in _MARKS else ""
            rest = [text[len(shared) :][::turn].strip(_MARKS) for text in texts]
            if said and all(rest):
                return tuple(rest), said
            shared = shared[:-1]
    return tuple(names), ""


_MARKS = " _-.:=()[]{}"


def _shared_beginning(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    n = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[: min(n, len(last))]


def _role(text: str) -> str:
    """``"true"`` or ``"predicted"`` if a text is a word for labels or predictions.

    Also among neutral words.
    """
    word = folded(text)
    if word in COMMON_NAMES["label"]:
        return "true"
    if word in COMMON_NAMES["prediction"]:
        return "predicted"
    words = [one for one in _words(text) if one not in _FILLERS]
    if not words or not all(
        one in COMMON_NAMES["label"]
        or one in COMMON_NAMES["prediction"]
        or any(one in some for some in TASK_WORDS.values())
        for one in words
    ):
        return ""
    predicted = {*COMMON_NAMES["prediction"], *TASK_WORDS["prediction"]}
    return "predicted" if predicted & set(words) else "true"


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", folded(text)) if word]
