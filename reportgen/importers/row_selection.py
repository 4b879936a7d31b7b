"""Selects the rows of a table: those the user names, or all if they are of one split and model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reportgen.class_list import natural_key
from reportgen.errors import DataError, UsageError
from reportgen.importers.columns.answers import is_no_answer
from reportgen.importers.columns.cells import TextCells, as_index
from reportgen.importers.columns.detect import find_id
from reportgen.importers.columns.words import FALSE, TRUE, folded, is_called, label_and_prediction
from reportgen.importers.formats.arrays import ArraysTable
from reportgen.importers.formats.selected import with_rows
from reportgen.importers.formats.tables import LIST, NARROW_ROWS, OTHER, Table
from reportgen.importers.sample_lists.splits import best_split, split_role
from reportgen.options import NONE, InputOptions
from reportgen.provenance import DataNote
from reportgen.text import count, listing, plural, printable, quoted, typed

__all__ = [
    "Selection",
    "select_rows",
]


_SPLIT_WORDS = frozenset({
    "split", "subset", "set", "partition", "fold", "dataset_split", "data_split", "dataset",
})  # fmt: skip


_MODEL_WORDS = frozenset({
    "model", "model_name", "model_id", "model_version", "classifier", "network", "estimator",
    "algorithm", "run", "run_id", "run_name", "run_number", "experiment", "architecture", "arch",
    "seed", "trial", "repeat", "repetition", "replicate", "round", "version", "attempt",
    "annotator", "rater", "judge", "prompt", "prompt_id", "prompt_version", "step", "global_step",
    "iteration", "variant", "tta", "view", "crop", "augmentation",
})  # fmt: skip


_TIME_WORDS = frozenset({"epoch", "checkpoint"})
"""Columns with the stage of a training: one of them is meant."""


_USED_WORDS = frozenset({
    "accepted", "is_accepted", "valid", "is_valid", "include", "included", "use", "used", "usable",
    "keep", "kept", "ok", "is_ok", "approved", "enabled", "selected", "evaluated", "scored",
    "success", "succeeded", "answered", "is_test", "in_test",
})  # fmt: skip
"""Columns that are true in the rows that count."""


_UNUSED_WORDS = frozenset({
    "rejected", "is_rejected", "invalid", "is_invalid", "skip", "skipped", "exclude", "excluded",
    "ignore", "ignored", "discard", "discarded", "drop", "dropped", "deleted", "is_deleted",
    "removed", "filtered", "failed", "bad", "is_bad", "corrupt", "corrupted", "disabled", "refused",
    "abstained", "abstain", "unanswered", "is_train", "timed_out",
})  # fmt: skip
"""Columns that are false in the rows that count."""


_STATE_WORDS = frozenset({"status", "state", "outcome", "result_status", "parse_status"})


_MOST_VALUES = 50


_FEWEST_ROWS = 10
"""With fewer rows, two models may have the same number of samples of each label by chance."""


@dataclass(frozen=True)
class Selection:
    """The selected rows of a table.

    Attributes
    ----------
    told
        Description of the selection, for the line on how the input was read.
    """

    table: Table
    told: tuple[str, ...] = ()
    notes: tuple[DataNote, ...] = ()


def select_rows(table: Table, options: InputOptions) -> Selection:
    """Select the rows given by ``options.where``, or all.

    Raises
    ------
    DataError
        ``rows-several``: the rows are from several splits or models, and none is chosen.
        ``table-columns``: there is no such column.
    UsageError
        ``option-value``, ``where-unknown``: no row has this value.
    """
    if options.where == NONE:
        return Selection(table)
    if options.where is not None:
        return _selected(table, options.where)
    names = [c.name for c in table.columns.values() if c.kind not in (LIST, OTHER)]
    label, prediction = label_and_prediction(names, options.label_column, options.prediction_column)
    told: list[str] = []
    for name in names:
        if name in (label, prediction, options.id_column, options.scores_columns):
            continue
        if folded(name) in _SPLIT_WORDS:
            told += _told(name, _require_one_split(table, name))
        elif folded(name) in _MODEL_WORDS and label in names:
            _require_one_model(table, name, str(label), _id_column(names, options))
            told += _told(name, _values(table, name))
        elif folded(name) in _TIME_WORDS and label in names:
            _require_one_time(table, name)
        elif folded(name) in _USED_WORDS | _UNUSED_WORDS | _STATE_WORDS and label in names:
            _require_one_state(table, name)
    return Selection(table, tuple(told))


def _told(column: str, counted: Mapping[str, int]) -> list[str]:
    """That rows of several values are evaluated together."""
    if not 1 < len(counted) < _MOST_VALUES:
        return []
    return [f"rows of all {len(counted)} values of {quoted(column)}"]


def _id_column(names: Sequence[str], options: InputOptions) -> str | None:
    if options.id_column is not None:
        return options.id_column if options.id_column in names else None
    return next((name for name in names if is_called(name, "id")), None)


def _settled(table: Table, column: str) -> Table:
    return table.settled([column]) if isinstance(table, ArraysTable) else table


def _selected(table: Table, where: str) -> Selection:
    column, value = _column_and_value(table, where)
    settled = _settled(table, column)
    found: list[Any] = []
    counted = Counter[str]()
    start, read = 0, TextCells()
    for batch in settled.batches([column], NARROW_ROWS):
        texts, places = read(batch.column(0))
        mask = np.array([_is_value(text, value) for text in texts])[places]
        found.append(start + np.flatnonzero(mask))
        _add(counted, texts, places)
        start += len(batch)
    rows = np.concatenate([np.zeros(0, np.int64), *found])
    if not len(rows):
        raise UsageError(
            f"no row of {quoted(table.name)} has {quoted(value)} in column {quoted(column)}",
            slug="where-unknown",
            details=[f"it has: {_counts(counted)}"],
            hint=f"--where {_typed(column, _best(counted))}",
        )
    told = f"rows with {quoted(value)} in {quoted(column)}: {count(len(rows))} of {count(start)}"
    note = DataNote(
        "rows-selected",
        f"{plural(start - len(rows), 'row')} of {count(start)} with another value than "
        f"{quoted(value)} in column {quoted(column)} were excluded (--where).",
        count=start - len(rows),
    )
    whole = replace(table, n_rows=start) if isinstance(table, ArraysTable) else table
    return Selection(with_rows(whole, rows), (told,), (note,))


def _column_and_value(table: Table, where: str) -> tuple[str, str]:
    """The two sides of ``split=test``; a column name may contain ``=``."""
    parts = where.split("=")
    if len(parts) < 2:
        raise UsageError(
            f"--where {quoted(where)} is not COLUMN=VALUE",
            slug="option-value",
            hint="for example --where split=test; --where none reads the rows of all splits",
        )
    for i in range(len(parts) - 1, 0, -1):
        if (column := "=".join(parts[:i])) in table.columns:
            return column, "=".join(parts[i:])
    return find_id(table.name, table.columns, parts[0], "--where", None), "=".join(parts[1:])


def _is_value(text: str, value: str) -> bool:
    number = as_index(value)
    return text.strip() == value.strip() or (number is not None and as_index(text) == number)


def _add(counted: Counter[str], texts: Sequence[str], places: Any) -> None:
    for text, n in zip(texts, np.bincount(places, minlength=len(texts)), strict=True):
        if n and len(counted) < _MOST_VALUES:
            counted[text] += int(n)


def _values(table: Table, column: str) -> Counter[str]:
    """Value of a column → number of rows, for the first values."""
    counted, read = Counter[str](), TextCells()
    for batch in _settled(table, column).batches([column], NARROW_ROWS):
        _add(counted, *read(batch.column(0)))
    return counted


def _require_one_split(table: Table, column: str) -> Counter[str]:
    """Refuse rows of several splits, recognised by the usual split names; return the values."""
    counted = _values(table, column)
    if len({role for text in counted if (role := split_role(text))}) > 1:
        why = "a report on all of them would include training data"
        raise _several(table, column, "splits", counted, why)
    return counted


def _require_one_time(table: Table, column: str) -> None:
    """Refuse rows of several epochs; a time in seconds has more values."""
    counted = _values(table, column)
    if 1 < len(counted) < _MOST_VALUES:
        best = max(counted, key=lambda text: natural_key(text))
        why = "a report on all of them would mix stages of a training"
        raise _several(table, column, f"{folded(column)}s", counted, why, best)


def _require_one_state(table: Table, column: str) -> None:
    """Refuse rows that are marked as not to be used beside others."""
    counted, name = _values(table, column), folded(column)
    if name in _STATE_WORDS:
        used = [text for text in counted if not is_no_answer(text)]
    else:
        kept = TRUE if name in _USED_WORDS else FALSE
        used = [text for text in counted if text.strip().lower() in kept]
        if not {text.strip().lower() for text in counted} <= TRUE | FALSE:
            return
    if not used or len(used) == len(counted):
        return
    why = "the other rows seem to be excluded from the evaluation"
    raise _several(table, column, "states", counted, why, max(used, key=counted.__getitem__))


def _require_one_model(table: Table, column: str, label: str, sample_id: str | None) -> None:
    """Refuse rows of several models.

    Each model has the same ids, or without ids the same number of samples of each label.
    """
    of_model: dict[str, list[str]] = {}
    same = sample_id or label
    table = _settled(table, column)
    columns = [column, same]
    if not set(columns) <= set(table.columns):
        return
    read, read_same = TextCells(), TextCells()
    for batch in table.batches(columns, NARROW_ROWS):
        models, at = read(batch.column(0))
        texts, places = read_same(batch.column(1))
        if len(models) > _MOST_VALUES:
            return
        for model in np.unique(at).tolist():
            cells = of_model.setdefault(models[model], [])
            cells += [texts[i] for i in places[at == model].tolist()]
    any_order = sample_id is not None or min(map(len, of_model.values()), default=0) >= _FEWEST_ROWS
    several = [sorted(cells) if any_order else cells for cells in of_model.values()]
    if len(several) < 2 or len(set(several[0])) < 2 or any(a != several[0] for a in several[1:]):
        return
    what = "ids" if sample_id else "labels"
    counted = Counter({model: len(cells) for model, cells in of_model.items()})
    raise _several(table, column, "models", counted, f"all of them have the same {what}")


def _several(
    table: Table, column: str, what: str, counted: Mapping[str, int], why: str, best: str = ""
) -> DataError:
    return DataError(
        f"{quoted(table.name)} contains rows of several {what}, in column {quoted(column)}: "
        f"{_counts(counted)}",
        slug="rows-several",
        details=[why],
        hint=f"choose one: --where {_typed(column, best or _best(counted))}; if all rows "
        "are meant: --where none",
    )


def _best(counted: Mapping[str, int]) -> str:
    named = [text for text in counted if text.strip()]
    return best_split(sorted(named)) if named else ""


def _typed(column: str, value: str) -> str:
    return typed(f"{column}={value}")


def _counts(counted: Mapping[str, int]) -> str:
    return listing(f"{printable(v) or '(empty)'} ({n:,})" for v, n in sorted(counted.items()))
