"""Matrices in JSON: rows of cells, alone or in an object, with or without class names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError
from reportgen.importers.matrices.crosstabs import Grid, crosstab, grid_of_crosstab
from reportgen.importers.matrices.edges import opposite_side, rows_said
from reportgen.text import listing, quoted

__all__ = [
    "MATRIX_ARRAYS",
    "grid_of_json",
    "has_json_matrix",
    "no_matrix",
    "refuse_nested_names",
]


MATRIX_ARRAYS = ("matrix", "confusion_matrix", "confusion", "counts", "cm")
"""Names of a matrix in an ``.npz`` and in JSON."""


_NAMES = (
    "classes", "class_names", "labels", "names", "label_names", "target_names", "class_labels",
    "display_labels", "categories",
)  # fmt: skip


_DEEPEST = 4


def has_json_matrix(value: Any) -> bool:
    """Whether parsed JSON contains a matrix.

    Raises :class:`DataError` if it contains several.
    """
    if isinstance(value, list):
        return _is_nested(value) and not any(isinstance(c, Mapping) for row in value for c in row)
    return isinstance(value, Mapping) and (_is_split(value) or _the_one(value) is not None)


def _is_nested(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(r, list) for r in value)


def _is_split(value: Mapping[str, Any]) -> bool:
    """Whether this is a crosstab saved by pandas with ``orient="split"``."""
    edges = [value.get("index"), value.get("columns")]
    texts = [tuple(map(str, edge)) for edge in edges if isinstance(edge, list)]
    if len(texts) < 2 or not _is_nested(value.get("data")) or len(set(texts[0])) < 2:
        return False
    shared = set(texts[0]) & set(texts[1])
    numbered = set(texts[0]) == set(map(str, range(len(texts[0]))))
    return 2 * len(shared) >= max(map(len, texts)) and not numbered


def _said_of_rows(value: Mapping[str, Any]) -> str:
    """``"true"`` or ``"predicted"`` by the axis names, which pandas (``orient="tight"``) and Comet
    save; otherwise empty.
    """
    for key in ("index_names", "column_names", "rowLabel", "columnLabel"):
        names = value.get(key)
        name = names[0] if isinstance(names, list) and names else names
        if said := rows_said(str(name)):
            return opposite_side(said) if key.startswith("column") else said
    return ""


def _plain(value: Any) -> Any:
    """A matrix of Vertex AI or Kubeflow, whose rows are true classes, converted to an object."""
    named, rows = (
        value.get(key) if isinstance(value, Mapping) else None
        for key in ("annotationSpecs", "rows")
    )
    if not isinstance(named, list) or not isinstance(rows, list):
        return value
    names = [one.get("displayName") if isinstance(one, Mapping) else None for one in named]
    cells = [row.get("row") if isinstance(row, Mapping) else row for row in rows]
    return {"classes": names, "matrix": cells, "rows": "true"}


_SPARSE = "cells"
"""The key of cells as triples of true class, predicted class and count."""


_Found = tuple[tuple[str, ...], Mapping[str, Any]]


def _the_one(value: Mapping[str, Any]) -> _Found | None:
    """(keys, object) of the only matrix in an object or inside of it; the last key is its cells.

    Raises :class:`DataError` if several have the same depth.
    """
    every = sorted(_found(value, ()), key=lambda one: len(one[0]))
    found = [one for one in every if len(one[0]) == len(every[0][0])]
    if len(found) > 1:
        raise DataError(
            f"the JSON contains {len(found)} matrices: "
            f"{listing(('.'.join(keys) for keys, _ in found), 5)}",
            slug="input-kind",
            hint="save the intended one in a separate file",
        )
    return found[0] if found else None


def _found(value: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[_Found]:
    key = next((key for key in (*MATRIX_ARRAYS, _SPARSE) if _is_nested(value.get(key))), None)
    if key is None:
        key = _lone_square(value)
    if key is not None:
        yield (*keys, key), value
        return
    for name, inner in value.items() if len(keys) < _DEEPEST else ():
        inner = _plain(inner)
        if isinstance(inner, Mapping):
            yield from _found(inner, (*keys, str(name)))


def _lone_square(value: Mapping[str, Any]) -> str | None:
    """The only member that is a square of whole numbers, beside class names of the same number."""
    squares = [key for key, cells in value.items() if _is_square(cells)]
    if len(squares) != 1:
        return None
    n = len(value[squares[0]])
    named = any(
        isinstance(names := value.get(key), list)
        and len(names) == n
        and all(isinstance(name, str) for name in names)
        for key in _NAMES
    )
    return squares[0] if named else None


def _is_square(cells: Any) -> bool:
    if not _is_nested(cells) or len(cells) < 2 or any(len(row) != len(cells) for row in cells):
        return False
    values = [cell for row in cells for cell in row]
    return all(type(cell) is int and cell >= 0 for cell in values) and max(values) > 1


def grid_of_json(name: str, value: Any) -> Grid:
    """The grid in parsed JSON, from a file or mapping named `name`."""
    if isinstance(value, list):
        return Grid(name, value)
    if not isinstance(value, Mapping):
        raise no_matrix(name)
    if _is_split(value):
        rows, columns = (tuple(map(str, value[edge])) for edge in ("index", "columns"))
        corner = _said_of_rows(value)
        grid = grid_of_crosstab(name, crosstab(quoted(name), rows, columns, value["data"], corner))
        return replace(grid, unsaid=not grid.rows)
    found = _the_one(value)
    names = _json_names(name, found[1] if found else value, value)
    if found is None:
        raise no_matrix(name)
    keys, inner = found
    cells = inner[keys[-1]]
    rows_are = inner.get("rows", "")
    rows_are = rows_are if rows_are in ("true", "predicted") else _said_of_rows(inner)
    if keys[-1] == _SPARSE:
        if names is None:
            raise no_matrix(name)
        return Grid(name, _dense(name, cells, len(names)), names, names, rows_are)
    support = value.get("support", value.get("supports"))
    known = tuple(support) if isinstance(support, list) else None
    told = (f"found under {quoted('.'.join(keys))}",) if len(keys) > 1 else ()
    return Grid(name, cells, names, names, rows_are, known, told=told)


def _json_names(name: str, *holders: Mapping[str, Any]) -> tuple[str, ...] | None:
    classes = next(
        (holder[key] for holder in holders for key in _NAMES if holder.get(key) is not None), None
    )
    if classes is None:
        return None
    if not isinstance(classes, list) or not all(isinstance(c, (str, int)) for c in classes):
        raise DataError(
            f"the class names in {quoted(name)} are not a list of strings", slug="matrix-names"
        )
    return tuple(map(str, classes))


def _dense(name: str, cells: Any, n: int) -> Any:
    try:
        return ConfusionMatrix.from_cells(cells, n)
    except (TypeError, ValueError, OverflowError) as error:
        raise no_matrix(name) from error


def no_matrix(name: str) -> DataError:
    """The error for a file or mapping without a matrix."""
    return DataError(
        f"{quoted(name)} contains not a confusion matrix",
        slug="matrix-empty",
        hint='for example {"classes": ["cat", "dog"], "counts": [[5, 1], [2, 7]]}',
    )


def refuse_nested_names(name: str, value: Any) -> None:
    """Raise :class:`DataError` for ``{"cat": {"cat": 5, "dog": 1}, …}``, at any depth.

    Its orientation is unknown: pandas writes columns as outer keys, people write rows.
    """
    inner: Sequence[Any] = list(value.values()) if isinstance(value, Mapping) else ()
    are_rows = all(isinstance(one, Mapping) and set(one) <= set(value) for one in inner)
    if (
        len(inner) < 2
        or not are_rows
        or any(type(n) not in (int, float) for one in inner for n in one.values())
    ):
        for one in inner:
            refuse_nested_names(name, one)
        return
    raise DataError(
        f"{quoted(name)} seems to be a confusion matrix as objects in objects, which do not say "
        "whether the outer names are the true classes",
        slug="input-kind",
        details=["pandas.DataFrame.to_json writes the columns outside"],
        hint='save it as {"classes": ["cat", "dog"], "counts": [[5, 1], [2, 7]]}, true classes as '
        "rows; of pandas with to_csv",
    )
