"""Distinguishes tables of samples from tables of counts.

A confusion matrix in long form, ``label,prediction,count``, looks like a table of predictions. Read
as one, it would silently give wrong numbers, so an ambiguous table is refused with a hint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reportgen.errors import DataError, UsageError
from reportgen.importers.columns.cells import as_index, plain_label
from reportgen.importers.columns.words import (
    COMMON_NAMES,
    SCORE_PREFIXES,
    folded,
    label_and_prediction,
    looks_like_id,
)
from reportgen.importers.formats.decimal_commas import with_point
from reportgen.importers.formats.tables import (
    LIST,
    OTHER,
    Table,
    is_unnamed,
    is_weak_name,
    rows_at_once,
)
from reportgen.options import NONE, InputOptions
from reportgen.text import listing, quoted, typed

__all__ = [
    "CountColumns",
    "count_columns",
    "is_count_word",
    "long_columns",
]


_COUNT_WORDS = frozenset({
    "count", "counts", "n", "freq", "freqs", "frequency", "frequencies", "cnt", "n_predictions",
    "num_predictions", "n_samples", "num_samples", "samples", "number", "num", "n_obs", "nobs",
    "occurrences", "instances", "total", "size", "value", "values", "cases",
})  # fmt: skip


_WEAK_WORDS = frozenset({"size", "value", "values", "total", "number", "samples", "num"})
"""Count words that other columns are named as well."""


_SHARE_WORDS = frozenset({
    "percent", "percentage", "pct", "perc", "share", "prop", "proportion", "fraction", "frac",
    "rate", "rel",
})  # fmt: skip


_ROW_NUMBER = re.compile(r"(?:^|_)(?:row_?(?:index|number|num|id|nr)|row_?idx|sample_?(?:idx|id))$")
_COMMAS, _THOUSANDS = re.compile(","), re.compile(r",|(?<=[0-9])\.(?=[0-9]{3}(?![0-9]))")
_FEWEST_CELLS = 3
_ROWS_READ, _ENOUGH_ROWS = 1 << 17, 1000


@dataclass(frozen=True)
class CountColumns:
    """The columns of a confusion matrix in the long form.

    Attributes
    ----------
    declared
        Whether the user named the count column; then counts of repeated cells are added.
    """

    label: str
    prediction: str
    count: str
    declared: bool = False

    @property
    def told(self) -> str:
        """Description of the columns, in words."""
        return (
            f"one cell per line: label {quoted(self.label)}, prediction "
            f"{quoted(self.prediction)}, count {quoted(self.count)}"
        )


def is_count_word(name: str) -> bool:
    """Whether this is a usual name of a count column: ``n``, ``Freq``, ``COUNT(*)``."""
    word = folded(name)
    return word in _COUNT_WORDS or re.fullmatch(r"count\W.*|0", word) is not None


def long_columns(header: Sequence[str]) -> tuple[int, int, int] | None:
    """Indices of label, prediction and count, if a header has exactly these.

    In any order and with any usual names; unnamed columns are ignored.
    """
    named = [i for i, cell in enumerate(header) if cell.strip() and not is_unnamed(cell)]
    if len(named) != 3:
        return None
    counts = [i for i in named if is_count_word(header[i])]
    for at in counts:
        label, prediction = label_and_prediction([header[i] for i in named if i != at])
        if label is not None and prediction is not None:
            return header.index(label), header.index(prediction), at
    return None


def count_columns(table: Table, options: InputOptions) -> CountColumns | None:
    """The columns of the long form, or None if each line is a sample.

    Raises
    ------
    DataError
        ``counts-or-samples``: it may be either.
    UsageError
        A named column is missing.
    """
    given = options.count_column
    if given == NONE or (given is None and _are_samples(options)):
        return None
    label, prediction = label_and_prediction(
        [c.name for c in table.columns.values() if c.kind not in (LIST, OTHER)],
        options.label_column,
        options.prediction_column,
    )
    if given is not None:
        return _declared(table, label, prediction, given)
    if label is None or prediction is None or label == prediction:
        return None
    if not {label, prediction} <= table.columns.keys() or table.n_rows == 0:
        return None
    spare = _spare(table, label, prediction)
    if not spare or options.scores_columns not in (None, NONE):
        return None
    return _Look(table, label, prediction, spare).decided()


def _are_samples(options: InputOptions) -> bool:
    """Whether the options imply that lines are samples: counts have no id and no confidence."""
    named = (options.id_column, options.confidence_column)
    return options.kind == "predictions" or any(name not in (None, NONE) for name in named)


def _declared(table: Table, label: str | None, prediction: str | None, given: str) -> CountColumns:
    if given not in table.columns:
        raise DataError(
            f"{quoted(table.name)} has no column {quoted(given)} (--count-column)",
            slug="table-columns",
            details=[f"its columns: {listing(table.columns, 20)}"],
        )
    for role, found in (("label", label), ("prediction", prediction)):
        if found is None or found not in table.columns:
            raise DataError(
                f"{quoted(table.name)} has no {role} column",
                slug="table-columns",
                details=[f"its columns: {listing(table.columns, 20)}"],
                hint=f"specify it: --{role}-column NAME",
            )
    assert label is not None
    assert prediction is not None
    if given in (label, prediction):
        raise UsageError(
            f"column {quoted(given)} can't be both the count and a class",
            slug="column-ambiguous",
            hint="specify three columns: --label-column, --prediction-column and --count-column",
        )
    return CountColumns(label, prediction, given, declared=True)


def _spare(table: Table, label: str, prediction: str) -> list[str]:
    """Named columns of single values that are neither label, prediction nor scores."""
    return [
        c.name
        for c in table.columns.values()
        if c.name not in (label, prediction)
        and c.kind not in (LIST, OTHER)
        and not is_unnamed(c.name)
        and not c.name.lower().startswith(SCORE_PREFIXES)
        and folded(c.name) not in COMMON_NAMES["confidence"]
    ]


@dataclass(frozen=True)
class _Look:
    """A look at the first rows of a table."""

    table: Table
    label: str
    prediction: str
    spare: Sequence[str]

    def decided(self) -> CountColumns | None:
        words = [name for name in self.spare if is_count_word(name)]
        others = [name for name in self.spare if name not in words]
        repeats, cells = self._rows()
        has_ids = any(looks_like_id(name) and _are_ids(cells[name]) for name in self.spare)
        whole = [name for name in self.spare if _counts(name, cells[name])]
        if not repeats:
            shares = all(folded(name).strip("_") in _SHARE_WORDS for name in others)
            if len(words) == 1 and shares and _is_sure(words[0]):
                return CountColumns(self.label, self.prediction, words[0])
            doubtful = [n for n in whole if n in words or not has_ids]
        else:
            doubtful = [n for n in whole if _is_sure(n) and not has_ids]
        if not doubtful:
            self._refuse_shares(cells, repeats=repeats)
            return None
        raise self._asked(doubtful[0], repeats=repeats)

    def _rows(self) -> tuple[bool, Mapping[str, list[str]]]:
        """(whether a pair of label and prediction repeats, cells of the spare columns)."""
        seen: set[tuple[str, str]] = set()
        cells: dict[str, list[str]] = {name: [] for name in self.spare}
        columns, n_rows = [self.label, self.prediction, *self.spare], 0
        for texts in text_rows(self.table, columns, _ROWS_READ):
            for name, text in zip(self.spare, texts[2:], strict=True):
                cells[name].append(with_point(text) if self.table.columns[name].comma else text)
            n_rows += 1
            seen.add((plain_label(texts[0]), plain_label(texts[1])))
            if len(seen) < n_rows and n_rows >= _ENOUGH_ROWS:
                break
        return len(seen) < n_rows, cells

    def _refuse_shares(self, cells: Mapping[str, list[str]], *, repeats: bool) -> None:
        """Refuse matrix cells that are proportions: neither counts nor samples."""
        shares = [name for name in self.spare if _SHARE_WORDS & set(folded(name).split("_"))]
        others = set(self.spare) - set(shares)
        if repeats or not shares or others or len(cells[shares[0]]) < _FEWEST_CELLS:
            return
        raise DataError(
            f"{quoted(self.table.name)} seems to contain the proportions of a confusion matrix, "
            "one "
            "cell per "
            f"line: column {quoted(shares[0])}",
            slug="counts-or-samples",
            details=["each pair of label and prediction occurs once"],
            hint="save counts instead of proportions; if each line is one sample:  "
            "--count-column none",
        )

    def _asked(self, column: str, *, repeats: bool) -> DataError:
        pairs = (
            "its lines may be samples, or counts"
            if repeats
            else "each pair of label and prediction occurs once, so its lines may be counts"
        )
        return DataError(
            f"{quoted(self.table.name)} may contain one sample per line, or a confusion matrix: "
            f"{pairs}",
            slug="counts-or-samples",
            details=[f"column {quoted(column)} contains whole numbers"],
            hint=f"specify which: --count-column {_word(column)} (each line represents that many "
            "samples), or --count-column none (each line is one sample)",
        )


_AT_ONCE = 1_000
"""Rows converted to text at once."""


def text_rows(table: Table, columns: Sequence[str], limit: int) -> Iterator[list[str]]:
    """The cells of the first `limit` rows as text; ``""`` for missing ones."""
    left = limit
    distinct = list(dict.fromkeys(columns))
    for batch in table.batches(distinct, rows_at_once(len(distinct))):
        n = min(len(batch), left)
        for start in range(0, n, _AT_ONCE):  # callers may stop after a few rows
            stop = min(start + _AT_ONCE, n)
            lists = [_texts(batch.column(name).slice(start, stop - start)) for name in columns]
            yield from map(list, zip(*lists, strict=True))
        left -= n
        if left <= 0:
            return


def _texts(array: Any) -> list[str]:
    return ["" if value is None else _text(value) for value in array.to_pylist()]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else str(value)


def _counts(name: str, cells: Sequence[str]) -> bool:
    """Whether cells may be counts: whole numbers, not all 0 or 1, and not just row numbers."""
    marks = _THOUSANDS if is_count_word(name) else _COMMAS  # 1.234 is a count in a column of them
    numbers = [as_index(marks.sub("", cell)) for cell in cells]
    if not numbers or any(n is None or n < 0 for n in numbers):
        return False
    known = [n for n in numbers if n is not None]
    in_order = known in (list(range(len(known))), list(range(1, len(known) + 1)))
    numbers_rows = in_order and not is_count_word(name) and len(known) >= _FEWEST_CELLS
    if numbers_rows or (is_weak_name(name) and in_order) or _ROW_NUMBER.search(folded(name)):
        return False
    return max(known) > 1 or is_count_word(name)


def _are_ids(cells: Sequence[str]) -> bool:
    """Whether cells of an id-named column are ids: ``COUNT(id)`` may keep the name.

    Whole numbers that repeat, or are unsorted, may be counts.
    """
    numbers = [as_index(cell) for cell in cells]
    if len(numbers) < _FEWEST_CELLS or None in numbers:
        return True
    known = [n for n in numbers if n is not None]
    return known == sorted(set(known))


def _is_sure(name: str) -> bool:
    return is_count_word(name) and folded(name) not in _WEAK_WORDS


def _word(name: str) -> str:
    """A column name, quoted if needed, as typed on the command line."""

    return typed(name)
