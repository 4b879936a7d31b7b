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
from reportgen.importers.columns.detect import Roles, find_id
from reportgen.importers.columns.ids import require_distinct_ids
from reportgen.importers.columns.repetitions import MOST_VALUES, dividing_column, repetition
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
    "require_samples_once",
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
    "iteration",
})  # fmt: skip


_VARIANT_WORDS = frozenset({
    "variant", "tta", "view", "crop", "augmentation", "aug", "flip", "rotation", "k", "top_k",
    "topk", "rank", "threshold", "temperature", "draw", "resample", "corruption", "severity",
})  # fmt: skip
"""Columns that distinguish several predictions for the same sample."""


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
    """Select the rows with all values of ``options.where``, or all rows.

    Raises
    ------
    DataError
        ``rows-several``: they are from several splits or models, and none is chosen.
        ``table-columns``: there is no such column.
    UsageError
        ``option-value``, ``where-unknown``: no row has this value.
    """
    chosen = Selection(table)
    for where in options.where:
        if where != NONE:
            chosen = _selected(chosen, where)
    if NONE not in options.where:
        chosen = replace(chosen, told=(*chosen.told, *_several_told(chosen.table, options)))
    return chosen


def _several_told(table: Table, options: InputOptions) -> list[str]:
    """The columns whose values are evaluated together; raises the errors of `select_rows`."""
    names = [c.name for c in table.columns.values() if c.kind not in (LIST, OTHER)]
    label, prediction = label_and_prediction(names, options.label_column, options.prediction_column)
    told: list[str] = []
    for name in names:
        if name in (label, prediction, options.id_column, options.scores_columns):
            continue
        if folded(name) in _SPLIT_WORDS:
            told += _told(name, _require_one_split(table, name, options))
        elif folded(name) in _MODEL_WORDS | _VARIANT_WORDS and label in names:
            _require_one_model(table, name, str(label), _id_column(names, options), options)
            told += _told(name, _values(table, name))
        elif folded(name) in _TIME_WORDS and label in names:
            _require_one_time(table, name, options)
        elif folded(name) in _USED_WORDS | _UNUSED_WORDS | _STATE_WORDS and label in names:
            _require_one_state(table, name, options)
    return told


def require_samples_once(table: Table, roles: Roles, options: InputOptions) -> None:
    """Refuse a table with several rows of the same sample.

    Without distinct ids, a column such as ``crop`` reveals them if it divides the table into groups
    of the same samples with the same labels.

    Raises :class:`DataError`: ``ids-repeated``, ``rows-several``.
    """

    def way_out() -> str:
        found = dividing_column(table, str(roles.id), roles.used)
        if found is None:
            return "give every sample one row"
        return f"choose one of its rows: {_chosen(found.divided_by, _best(found.counted), options)}"

    if roles.id is not None:
        require_distinct_ids(table, roles.id, way_out)
    if NONE in options.where or options.id_column is not None:
        return
    found = repetition(table, roles.label, roles.used, has_id=roles.id is not None)
    if found is not None:
        why = f"all of them have the same values of {quoted(found.samples)} with the same labels"
        words = "variants of the same samples"
        raise _several(table, found.divided_by, words, found.counted, why, options)


def _told(column: str, counted: Mapping[str, int]) -> list[str]:
    """That rows of several values are evaluated together."""
    if not 1 < len(counted) < MOST_VALUES:
        return []
    return [f"rows of all {len(counted)} values of {quoted(column)}"]


def _id_column(names: Sequence[str], options: InputOptions) -> str | None:
    if options.id_column is not None:
        return options.id_column if options.id_column in names else None
    return next((name for name in names if is_called(name, "id")), None)


def _settled(table: Table, column: str) -> Table:
    return table.settled([column]) if isinstance(table, ArraysTable) else table


def _selected(before: Selection, where: str) -> Selection:
    table = before.table
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
    return Selection(with_rows(whole, rows), (*before.told, told), (*before.notes, note))


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
        if n and len(counted) < MOST_VALUES:
            counted[text] += int(n)


def _values(table: Table, column: str) -> Counter[str]:
    """Value of a column → number of rows, for the first values."""
    counted, read = Counter[str](), TextCells()
    for batch in _settled(table, column).batches([column], NARROW_ROWS):
        _add(counted, *read(batch.column(0)))
    return counted


def _require_one_split(table: Table, column: str, options: InputOptions) -> Counter[str]:
    """Refuse rows of several splits, recognised by the usual split names; return the values."""
    counted = _values(table, column)
    if len({role for text in counted if (role := split_role(text))}) > 1:
        why = "a report on all of them would include training data"
        raise _several(table, column, "splits", counted, why, options)
    return counted


def _require_one_time(table: Table, column: str, options: InputOptions) -> None:
    """Refuse rows of several epochs; a time in seconds has more values."""
    counted = _values(table, column)
    if 1 < len(counted) < MOST_VALUES:
        best = max(counted, key=lambda text: natural_key(text))
        why = "a report on all of them would mix stages of a training"
        raise _several(table, column, f"{folded(column)}s", counted, why, options, best)


def _require_one_state(table: Table, column: str, options: InputOptions) -> None:
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
    best = max(used, key=counted.__getitem__)
    raise _several(table, column, "states", counted, why, options, best)


def _require_one_model(
    table: Table, column: str, label: str, sample_id: str | None, options: InputOptions
) -> None:
    """Refuse rows of several models, or other variants of the same samples.

    Each of them has the same ids, or without ids the same number of samples of each label.
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
        if len(models) > MOST_VALUES:
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
    words = "models" if folded(column) in _MODEL_WORDS else "variants of the same samples"
    raise _several(table, column, words, counted, f"all of them have the same {what}", options)


def _several(
    table: Table,
    column: str,
    what: str,
    counted: Mapping[str, int],
    why: str,
    options: InputOptions,
    best: str = "",
) -> DataError:
    return DataError(
        f"{quoted(table.name)} contains rows of several {what}, in column {quoted(column)}: "
        f"{_counts(counted)}",
        slug="rows-several",
        details=[why],
        hint=f"choose one: {_chosen(column, best or _best(counted), options)}; if all rows are "
        f"meant: {' '.join([*_given(options), '--where none'])}",
    )


def _given(options: InputOptions) -> list[str]:
    """The selections so far, as typed."""
    return [f"--where {typed(where)}" for where in options.where]


def _chosen(column: str, value: str, options: InputOptions) -> str:
    """The options that select these rows too."""
    return " ".join([*_given(options), f"--where {_typed(column, value)}"])


def _best(counted: Mapping[str, int]) -> str:
    named = [text for text in counted if text.strip()]
    return best_split(sorted(named)) if named else ""


def _typed(column: str, value: str) -> str:
    return typed(f"{column}={value}")


def _counts(counted: Mapping[str, int]) -> str:
    return listing(f"{printable(v) or '(empty)'} ({n:,})" for v, n in sorted(counted.items()))
