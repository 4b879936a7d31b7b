"""One-hot labels: their columns, and the class of each row.

A row contains a single 1, and otherwise 0. Soft labels are refused or, with ``--soft-labels``,
replaced by their most probable class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError
from reportgen.importers.columns.cells import TextCells
from reportgen.importers.columns.detect import ScoreColumns
from reportgen.importers.columns.scores import ScoreBlocks
from reportgen.importers.columns.words import is_called
from reportgen.importers.formats.tables import (
    BOOLEAN,
    LIST,
    NARROW_ROWS,
    NUMBER,
    TEXT,
    Column,
    Table,
    is_unnamed,
)
from reportgen.metrics import Floats
from reportgen.text import listing, plural, quoted

__all__ = [
    "OneHot",
    "named_one_hot",
    "one_hot_columns",
    "one_hot_places",
]


_PREFIXES = ("label_", "labels_", "true_", "y_true_", "target_", "targets_", "gt_", "truth_",
             "actual_", "class_", "is_", "y_")  # fmt: skip


_CELLS = {"true": 1.0, "false": 0.0}


_SUM_TOLERANCE = 1e-3


_MANY_ROWS = 0.5


@dataclass(frozen=True)
class OneHot:
    """The columns of one-hot labels.

    Attributes
    ----------
    columns
        One column per class, or one column of lists.
    names
        The class of each value; None for lists without names.
    """

    columns: tuple[str, ...]
    names: tuple[str, ...] | None

    @property
    def words(self) -> str:
        """The name of the label in reports."""
        if len(self.columns) == 1:
            return f"{self.columns[0]} (one-hot)"
        return f"{self.columns[0]} … {self.columns[-1]} (one-hot)"

    def width(self, table: Table) -> int:
        """Number of classes."""
        if self.names is not None:
            return len(self.names)
        return ScoreBlocks.of(table, _lists(table, self)).width


def named_one_hot(table: Table, given: str | Sequence[str]) -> OneHot | None:
    """The one-hot columns named by the user; None if the name is that of a single column."""
    if isinstance(given, str):
        if given in table.columns:
            column = table.columns[given]
            return OneHot((given,), column.names) if column.kind == LIST else None
        if "*" in given or "?" in given:
            given = [name for name in table.columns if fnmatchcase(name, given)]
        else:
            given = [part.strip() for part in given.split(",")]
    found = tuple(given)
    if len(found) < 2 or not all(name in table.columns for name in found):
        return None
    return OneHot(found, _without_prefix(found))


def one_hot_columns(
    table: Table, taken: set[str | None], classes: Sequence[str] | None, *, alone: bool
) -> OneHot | None:
    """The columns of one-hot labels, if no column contains labels as single values.

    Parameters
    ----------
    taken
        Columns with another role.
    classes
        The class list, or the classes that scores are named after, if known.
    alone
        Whether the table contains labels but no predictions; then any columns of 0 and 1 are
        accepted.
    """
    lists = [
        c
        for c in table.columns.values()
        if c.kind == LIST and is_called(c.name, "label") and c.name not in taken
    ]
    if len(lists) == 1:
        return OneHot((lists[0].name,), lists[0].names)
    free = [c.name for c in table.columns.values() if c.name not in taken and _may_be_one(c)]
    for found in _candidates(free, classes):
        if len(found) > 1 and _are_binary(table, found, certain=alone and classes is not None):
            return OneHot(found, _without_prefix(found))
    rest = tuple(_binary_columns(table, free)) if alone else ()
    return OneHot(rest, _without_prefix(rest)) if len(rest) > 1 else None


def _may_be_one(column: Column) -> bool:
    return column.kind in (NUMBER, TEXT, BOOLEAN) and not is_unnamed(column.name)


def _candidates(free: Sequence[str], classes: Sequence[str] | None) -> Iterator[tuple[str, ...]]:
    """Columns named after all classes, or with a prefix that marks labels."""
    for prefix in ("", *_PREFIXES):
        by_name = {n[len(prefix) :].strip(): n for n in free if n.lower().startswith(prefix)}
        if classes and all(name in by_name for name in classes):
            yield tuple(by_name[name] for name in classes)
    for prefix in _PREFIXES:
        yield tuple(n for n in free if n.lower().startswith(prefix) and len(n) > len(prefix))


def _without_prefix(columns: Sequence[str]) -> tuple[str, ...]:
    for prefix in _PREFIXES:
        if all(c.lower().startswith(prefix) and len(c) > len(prefix) for c in columns):
            return tuple(column[len(prefix) :].strip() for column in columns)
    return tuple(columns)


def _are_binary(table: Table, columns: Sequence[str], *, certain: bool) -> bool:
    """Whether the columns contain only 0 and 1, and most rows a single 1."""
    if certain:
        return True
    n_rows = n_single = 0
    for batch in table.batches(list(columns), NARROW_ROWS):
        values = [v for array in batch.columns if (v := _values(array)) is not None]
        if len(values) < len(columns):
            return False
        block = np.stack(values, axis=1)
        if not np.isin(block, (0.0, 1.0)).all():
            return False
        n_rows += len(block)
        n_single += int(np.count_nonzero(block.sum(axis=1) == 1))
    return n_rows > 0 and n_single >= _MANY_ROWS * n_rows


def _binary_columns(table: Table, free: Sequence[str]) -> list[str]:
    """The columns with numbers from 0 to 1, including a 1."""
    left: dict[str, bool] = dict.fromkeys(free, False)
    for batch in table.batches(list(free), NARROW_ROWS) if free else ():
        for name, array in zip(free, batch.columns, strict=True):
            values = _values(array)
            if values is None or not ((values >= 0) & (values <= 1) | np.isnan(values)).all():
                left.pop(name, None)
    return list(left)


def _values(array: Any) -> Floats | None:
    """float64, shape (n,), nan for an empty cell; None if a cell is not a number."""
    texts, places = TextCells()(array)
    try:
        numbers = [_number(text.strip()) for text in texts]
    except ValueError:
        return None
    found: Floats = np.array(numbers, np.float64)[places]
    return found


def _number(text: str) -> float:
    if not text:
        return float("nan")
    return _CELLS[text.lower()] if text.lower() in _CELLS else float(text)


@dataclass
class _Faults:
    """The index of the first row with each fault, and the number of rows with it."""

    first: dict[str, tuple[int, Any]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def note(self, kind: str, start: int, rows: Any, block: Floats) -> None:
        at = np.flatnonzero(rows)
        if len(at):
            self.first.setdefault(kind, (start + int(at[0]), block[at[0]]))
            self.counts[kind] = self.counts.get(kind, 0) + len(at)


def one_hot_places(table: Table, found: OneHot, *, soft: bool) -> NDArray[np.int32]:
    """The index of each row's class among the columns, int32, shape (N,).

    Parameters
    ----------
    soft
        Whether soft labels are replaced by their most probable class.

    Raises
    ------
    DataError
        ``labels-one-hot``: a row contains no 1, several, or a non-number; ``labels-soft``: soft
        labels.
    """
    faults, places = _Faults(), [np.zeros(0, np.int32)]
    for start, block in _blocks(table, found):
        sums, best = block.sum(axis=1), block.max(axis=1, initial=-np.inf)
        whole = np.isin(block, (0.0, 1.0)).all(axis=1)
        faults.note("empty", start, np.isnan(block).any(axis=1), block)
        faults.note("sum", start, np.abs(sums - 1) > _SUM_TOLERANCE, block)
        faults.note("soft", start, ~whole, block)
        faults.note("tied", start, (block == best[:, None]).sum(axis=1) != 1, block)
        places.append(block.argmax(axis=1).astype(np.int32))
    _refuse(table, found, faults, soft=soft)
    return np.concatenate(places)


def _refuse(table: Table, found: OneHot, faults: _Faults, *, soft: bool) -> None:
    for kind in ("empty", "sum"):
        if kind in faults.first and not (kind == "sum" and soft and "tied" not in faults.first):
            raise _no_one_hot(table, found, faults, kind)
    if "soft" in faults.first and not soft:
        raise _soft(table, found, faults)
    if "tied" in faults.first:
        raise _no_one_hot(table, found, faults, "tied")


def _no_one_hot(table: Table, found: OneHot, faults: _Faults, kind: str) -> DataError:
    row, values = faults.first[kind]
    what = {
        "empty": "a cell of the label is empty",
        "sum": f"the one-hot label sums to {np.nansum(values):.6g}, not 1",
        "tied": f"two classes share the largest value, {np.fmax.reduce(values):.6g}",
    }[kind]
    return DataError(
        f"{table.place(row)}: {what}",
        slug="labels-one-hot",
        details=[
            f"{plural(faults.counts[kind], 'row')} of this kind in {quoted(table.name)}",
            f"its values: {_shown(found, values)}",
        ],
        hint="give every sample exactly one class: a 1 there and 0 elsewhere. Several classes per "
        "sample (multi-label) can't be evaluated",
    )


def _soft(table: Table, found: OneHot, faults: _Faults) -> DataError:
    row, values = faults.first["soft"]
    usable = "tied" not in faults.first
    return DataError(
        f"{table.place(row)}: the label spreads over several classes (a soft label)",
        slug="labels-soft",
        details=[
            f"{plural(faults.counts['soft'], 'row')} with other values than 0 and 1",
            f"its values: {_shown(found, values)}",
        ],
        hint="take the class of the largest value as the label: --soft-labels argmax"
        if usable
        else "give every sample exactly one class: a 1 there and 0 elsewhere",
    )


def _shown(found: OneHot, values: Floats) -> str:
    names = found.names or tuple(map(str, range(len(values))))
    some = [f"{n} {v:.4g}" for n, v in zip(names, values.tolist(), strict=True) if v != 0]
    return listing(some, 5) or "0 everywhere"


def _blocks(table: Table, found: OneHot) -> Iterator[tuple[int, Floats]]:
    """(first row, float64 of shape (n, K)) of each block."""
    if len(found.columns) == 1:
        for start, scores in ScoreBlocks.of(table, _lists(table, found)).blocks():
            yield start, scores.astype(np.float64, copy=False)
        return
    start = 0
    for batch in table.batches(list(found.columns), NARROW_ROWS):
        block = np.empty((len(batch), len(found.columns)))
        for i, (name, array) in enumerate(zip(found.columns, batch.columns, strict=True)):
            block[:, i] = _required(table, name, array, start)
        yield start, block
        start += len(batch)


def _lists(table: Table, found: OneHot) -> ScoreColumns:
    return ScoreColumns(found.columns, None, table.columns[found.columns[0]].width)


def _required(table: Table, name: str, array: Any, start: int) -> Floats:
    values = _values(array)
    if values is not None:
        return values
    texts, places = TextCells()(array)
    row = next(i for i, at in enumerate(places.tolist()) if _values_of(texts[at]) is None)
    raise DataError(
        f"{table.place(start + row)}: {quoted(texts[places[row]][:40])} in column {quoted(name)} "
        "is not part of a one-hot label",
        slug="labels-one-hot",
        hint="a one-hot label is a column of 0 and 1 for each class",
    )


def _values_of(text: str) -> float | None:
    try:
        return _number(text.strip())
    except ValueError:
        return None
