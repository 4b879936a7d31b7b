"""`labelled`: a table with its true classes in one column, whatever their source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from reportgen.importers.columns.cells import as_index
from reportgen.importers.columns.detect import find_prefixed_classes
from reportgen.importers.columns.words import is_called
from reportgen.importers.formats.arrays import ArraysTable
from reportgen.importers.formats.tables import LIST, OTHER, Table
from reportgen.importers.formats.unfolded import first_cells
from reportgen.importers.ground_truth.added_columns import free_name, with_added
from reportgen.importers.ground_truth.labels_table import Labelled, one_hot_labels, with_labels
from reportgen.importers.ground_truth.one_hot import OneHot, named_one_hot, one_hot_columns
from reportgen.options import InputOptions
from reportgen.provenance import DataNote
from reportgen.text import count, printable

__all__ = [
    "labelled",
    "reading_of",
]


def labelled(
    table: Table, options: InputOptions, classes: Sequence[str] | None, spool: Path
) -> Labelled | None:
    """The table with its labels from ``options.labels``, or from its one-hot columns.

    None without either: then a column of the table contains the labels.
    """
    if options.labels is not None:
        return with_labels(table, options, classes or _score_classes(table), spool)
    found = _one_hot(table, options, classes)
    if found is None:
        return None
    if isinstance(table, ArraysTable):
        settled: Table = table.settled(found.columns)
    else:
        settled = table
    values, known = one_hot_labels(settled, found, options)
    name = free_name(found.words, table, table.name)
    note = DataNote(
        "labels-one-hot",
        f"The true classes are one-hot: {count(found.width(settled))} values in "
        f"{printable(found.words.removesuffix(' (one-hot)'))}"
        f"{', the largest of each row' if options.soft_labels == 'argmax' else ''}.",
        count=len(values),
    )
    changed = with_added(table, {name: values}, frozenset(found.columns))
    return Labelled(changed, name, known, (note,))


def reading_of(found: Labelled, options: InputOptions, before: Table) -> InputOptions:
    """The options for reading a labelled table.

    The label column is known; a single label column of INPUT is the prediction.
    """
    options = replace(options, label_column=found.label)
    if options.labels is None or options.prediction_column is not None:
        return options
    if any(is_called(name, "prediction") for name in before.columns):
        return options
    lone = [
        c.name
        for c in before.columns.values()
        if is_called(c.name, "label") and c.kind not in (LIST, OTHER)
    ]
    if not lone and _has_best_class(before):
        lone = [_BEST_CLASS]
    return replace(options, prediction_column=lone[0]) if len(lone) == 1 else options


_BEST_CLASS = "index"
"""timm's name for the top class of each sample, beside its probability."""


def _has_best_class(table: Table) -> bool:
    """Whether the table has a column ``index`` of classes that are not just row numbers."""
    single = [c.name for c in table.columns.values() if c.kind not in (LIST, OTHER)]
    beside = any(is_called(name, "confidence") for name in single)
    scores = any(is_called(name, "scores") and not is_called(name, "confidence") for name in single)
    if _BEST_CLASS not in single or not beside or scores:
        return False
    (cells,) = first_cells(table, _BEST_CLASS)
    numbers = [as_index(str(cell)) for cell in cells]
    return None not in numbers and len(set(numbers)) < len(numbers)


def _score_classes(table: Table) -> tuple[str, ...] | None:
    return find_prefixed_classes(table.columns)


def _one_hot(table: Table, options: InputOptions, classes: Sequence[str] | None) -> OneHot | None:
    given = options.label_column
    if given is not None:
        return named_one_hot(table, given)
    if any(is_called(c.name, "label") and c.kind not in (LIST, OTHER) for c in
           table.columns.values()):  # fmt: skip
        return None
    taken: set[str | None] = {options.prediction_column, options.id_column}
    taken |= {n for n in table.columns if is_called(n, "id") or is_called(n, "confidence")}
    unsettled = isinstance(table, ArraysTable) and table.n_rows < 0
    if unsettled:
        return _of_lists(table)
    return one_hot_columns(table, taken, classes or _score_classes(table), alone=False)


def _of_lists(table: Table) -> OneHot | None:
    """For arrays: the two-dimensional one with a label name."""
    found = [c for c in table.columns.values() if c.kind == LIST and is_called(c.name, "label")]
    return OneHot((found[0].name,), found[0].names) if len(found) == 1 else None
