"""Surveys the columns with a role: the distinct labels and predictions, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from reportgen.errors import DataError
from reportgen.importers.columns.cells import (
    NO_LABEL,
    TextCells,
    as_index,
    not_a_number,
    numbers,
    plain_label,
    smallest,
)
from reportgen.importers.columns.detect import Roles
from reportgen.importers.columns.held_rows import give_back_after, held_rows
from reportgen.importers.formats.tables import (
    NARROW_ROWS,
    NUMBER,
    TEXT,
    Table,
)
from reportgen.text import quoted

__all__ = [
    "MAX_VALUES",
    "Survey",
    "confidences",
    "ignored_places",
    "take_survey",
]


MAX_VALUES = 1_000_000
"""Maximum number of distinct labels or predictions; a column with more is not one of classes."""


_SLACK = 1e-6  # a rounded probability may leave [0, 1] by this much


_EXAMPLES = 10


Mask = NDArray[np.bool_]


@dataclass
class Values:
    """The distinct texts of a column, and the text of each row as an index: 1 to 4 bytes per row.

    Attributes
    ----------
    n_rows
        Number of rows of the table.
    folder
        Where arrays that are too large for memory are kept.
    wrapped
        The first cell in a program's notation, such as ``tensor(1)``, and its value; empty if there
        is none.
    as_is
        Whether cells are used verbatim as names, such as ``[0]``.
    """

    n_rows: int = 0
    folder: Path = Path()
    wrapped: tuple[str, str] | None = None
    as_is: bool = False
    _place: dict[str, int] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _texts: list[str] = field(default_factory=list)
    _lookup: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    _totals: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    _n_added: int = 0

    def __post_init__(self) -> None:
        self._places: NDArray[np.signedinteger[Any]] = self._held(np.int8)

    def _held(self, dtype: DTypeLike) -> NDArray[np.signedinteger[Any]]:
        return held_rows(self.n_rows, dtype, self.folder)

    def __len__(self) -> int:
        """Number of distinct texts."""
        return len(self._place)

    @property
    def counts(self) -> dict[str, int]:
        """Text → number of rows with it that are not excluded."""
        self._settle()
        return self._counts

    def knows(self, text: str) -> None:
        """Register a text that may occur in no row."""
        self._place_of(self._plain(text))

    def _place_of(self, text: str) -> int:
        self._counts.setdefault(text, 0)
        return self._place.setdefault(text, len(self._place))

    def _plain(self, text: str) -> str:
        return text if self.as_is else plain_label(text)

    def add(self, texts: list[str], places: NDArray[np.int64], keep: Mask | None) -> None:
        """Add a batch: ``texts[places[i]]`` is the text of row i.

        Batches usually share a list of texts, so each list is looked up once.
        """
        if texts is not self._texts:
            self._settle()
            self._texts, self._lookup = texts, np.full(len(texts), -1, np.int32)
            self._totals = np.zeros(len(texts), np.int64)
        counts = np.bincount(places if keep is None else places[keep], minlength=len(texts))
        self._totals += counts
        for i in np.flatnonzero((counts > 0) & (self._lookup < 0)).tolist():
            text = self._plain(texts[i])
            if text != texts[i] and self.wrapped is None:
                self.wrapped = texts[i], text
            self._lookup[i] = self._place_of(text)
        kind = smallest(len(self._place))
        if self._places.dtype != kind:
            before, self._places = self._places[: self._n_added], self._held(kind)
            self._places[: self._n_added] = before
        found = self._lookup.astype(kind)[places]
        if keep is not None:
            found[~keep] = -1
        self._places[self._n_added : self._n_added + len(found)] = found
        give_back_after(self._n_added, len(found), self._places)
        self._n_added += len(found)

    def _settle(self) -> None:
        """Merge the counts of the current list of texts."""
        for i in np.flatnonzero(self._totals).tolist():
            self._counts[self._plain(self._texts[i])] += int(self._totals[i])
        self._totals[:] = 0

    def taken_as(self, of_text: Mapping[str, int]) -> NDArray[np.signedinteger[Any]]:
        """The class index of every row, shape (N,); -1 for an excluded row.

        Call it once: it converts in place, so that a hundred million rows are not stored twice.
        """
        lookup = np.array([*(of_text[text] for text in self._place), -1])
        small = lookup.astype(smallest(int(lookup.max()) + 1))
        places, self._places = self._places[: self._n_added], self._places[:0]
        same = places.dtype == small.dtype
        if same and np.array_equal(small[:-1], np.arange(len(small) - 1)):
            return places
        found = places if same else self._held(small.dtype)[: self._n_added]
        for start in range(0, len(places), NARROW_ROWS):
            stop = start + NARROW_ROWS
            found[start:stop] = small[places[start:stop]]
            give_back_after(start, NARROW_ROWS, places, found)
        return found


@dataclass(frozen=True)
class Survey:
    """A survey of the whole table.

    Attributes
    ----------
    labels, predictions
        The values of the two columns; the second is empty without such a column. Excluded rows have
        the label -1.
    confidence
        float64, shape (N,), read-only, nan if missing; None if it is cheaper to read it again than
        to keep it (text is parsed once).
    n_ignored
        Number of rows whose label is ignored.
    n_unlabelled
        Number of rows without a label in the table of labels.
    n_abstained
        Number of rows in which the model abstained; `labels` has their labels, with 0 rows.
    n_without_confidence, without_confidence
        Number of rows whose confidence is missing or not finite, and the index of the first.
    least_confidence, n_below_half
        The smallest confidence, 1 if there are none; and the number of rows below 0.5.
    ranked
        The values of each top-k column, best first; empty without such columns.
    """

    labels: Values
    predictions: Values
    confidence: NDArray[np.float64] | None = None
    n_ignored: int = 0
    n_without_confidence: int = 0
    without_confidence: tuple[int, ...] = ()
    least_confidence: float = 1.0
    n_below_half: int = 0
    n_unlabelled: int = 0
    n_abstained: int = 0
    ranked: tuple[Values, ...] = ()

    def predicted(self) -> dict[str, int]:
        """Text → number of rows, of predictions and of the lower-ranked classes."""
        counts = dict(self.predictions.counts)
        for values in self.ranked:
            for text in values.counts:
                counts.setdefault(text, 0)
        return counts


def take_survey(
    table: Table,
    roles: Roles,
    ignore_label: str | None,
    abstain: Sequence[str] = (),
    *,
    folder: Path,
    as_is: bool = False,
) -> Survey:
    """Read the columns with a role once, except the scores.

    Results per row are kept in `folder` if there are many. Excluded are rows whose label is
    `ignore_label`, and rows whose prediction is one of `abstain`. Names are used verbatim with
    `as_is`, otherwise without wrappers such as ``tensor(1)``. Raises :class:`DataError` with the
    location, if a confidence is not a number in 0..1, a column has too many distinct values for
    classes, or two rows have the same id.
    """
    counting = _Counting(table, roles, folder, ignore_label, abstain, as_is)
    ranked = roles.ranking.classes if roles.ranking else ()
    single = (roles.label, roles.prediction, roles.confidence)
    columns = list(dict.fromkeys([*(c for c in single if c is not None), *ranked]))
    for batch in table.batches(columns, NARROW_ROWS):
        counting.add(dict(zip(columns, batch.columns, strict=True)), len(batch))
    return Survey(
        labels=counting.labels,
        predictions=counting.predictions,
        confidence=counting.parsed_whole(),
        n_ignored=counting.n_ignored,
        n_unlabelled=counting.n_unlabelled,
        n_abstained=counting.n_abstained,
        n_without_confidence=counting.n_without,
        without_confidence=tuple(counting.without),
        least_confidence=counting.least,
        n_below_half=counting.n_below_half,
        ranked=tuple(counting.ranked.values()),
    )


def ignored_places(texts: list[str], ignore_label: str | None) -> Mask | None:
    """Indices of the texts that equal the label to ignore; None without such a label."""
    if ignore_label is None:
        return None
    return _equal(texts, ignore_label)


def _equal(texts: list[str], value: str) -> Mask:
    """Which texts equal a value; a number may be written -1 or -1.0."""
    wanted, number = value.strip(), as_index(value)
    return np.array(
        [
            wanted in (text.strip(), plain.strip())
            or (number is not None and as_index(plain) == number)
            for text, plain in zip(texts, map(plain_label, texts), strict=True)
        ],
        np.bool_,
    )


def confidences(table: Table, column: str, array: Any, start: int) -> NDArray[np.float64]:
    """A batch's confidences, float64, shape (n,); nan for missing ones.

    `start` is the table row of the first one.
    """
    values = numbers(
        array,
        lambda row, cell: not_a_number(column, table.place(start + row), cell),
        comma=table.columns[column].comma,
    )
    if len(values) == 0 or (values.min() >= 0 and values.max() <= 1):  # false if one is nan
        return values
    finite = np.isfinite(values)
    wrong = np.flatnonzero(finite & ((values < -_SLACK) | (values > 1 + _SLACK)))
    if len(wrong):
        value = values[wrong[0]]
        percent = 1 < value <= 100
        raise DataError(
            f"{table.place(start + int(wrong[0]))}: the confidence {value:.6g} "
            f"in column {quoted(column)} is not a probability",
            slug="confidence-range",
            details=[f"{len(wrong):,} of {len(values):,} rows there are outside 0..1"],
            hint="divide percentages by 100, or omit them: --confidence-column none"
            if percent
            else "the probability of the prediction is needed, or --confidence-column none",
        )
    values = np.clip(values, 0.0, 1.0)
    values[~finite] = np.nan
    return values


@dataclass
class _Counting:
    table: Table
    roles: Roles
    folder: Path
    ignore_label: str | None
    abstain: Sequence[str]
    as_is: bool
    n_ignored: int = 0
    n_unlabelled: int = 0
    n_abstained: int = 0
    n_without: int = 0
    without: list[int] = field(default_factory=list)
    parsed: NDArray[np.float64] | None = None
    least: float = 1.0
    n_below_half: int = 0
    n_rows: int = 0
    label_cells: TextCells = field(default_factory=TextCells)
    prediction_cells: TextCells = field(default_factory=TextCells)
    ranked: dict[str, Values] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.labels = self._values()
        self.predictions = self._values() if self.roles.prediction else Values()

    def _values(self) -> Values:
        return Values(self.table.n_rows, self.folder, as_is=self.as_is)

    def add(self, batch: Mapping[str, Any], n: int) -> None:
        texts, places = self.label_cells(batch[self.roles.label])
        keep = self._labelled(texts, places)
        predicted = None
        if self.roles.prediction is not None:
            predicted = self.prediction_cells(batch[self.roles.prediction])
            keep = self._answered(predicted, (texts, places), keep)
        if self.roles.confidence is not None:
            keep = self._with_confidence(batch[self.roles.confidence], keep)
        self._count(self.labels, self.roles.label, texts, places, keep)
        if predicted is not None and self.roles.prediction is not None:
            self._count(self.predictions, self.roles.prediction, *predicted, keep)
        for column in self.roles.ranking.classes if self.roles.ranking else ():
            cells = TextCells()(batch[column])
            self._count(
                self.ranked.get(column) or self.ranked.setdefault(column, self._values()),
                column,
                *cells,
                keep,
            )
        self.n_rows += n

    def _labelled(self, texts: list[str], places: NDArray[np.int64]) -> Mask | None:
        """The rows with a label that is not ignored; None for all."""
        ignored = ignored_places(texts, self.ignore_label)
        keep = None if ignored is None else ~ignored[places]
        if keep is not None:
            self.n_ignored += int(len(places) - np.count_nonzero(keep))
        if NO_LABEL not in texts:
            return keep
        there: Mask = places != texts.index(NO_LABEL)
        self.n_unlabelled += int(len(places) - np.count_nonzero(there))
        return there if keep is None else keep & there

    def _answered(
        self,
        predicted: tuple[list[str], NDArray[np.int64]],
        labels: tuple[list[str], NDArray[np.int64]],
        keep: Mask | None,
    ) -> Mask | None:
        """The rows in which the model did not abstain; labels of the others are classes too."""
        if not self.abstain:
            return keep
        abstained = self._abstained(predicted[0])[predicted[1]]
        answered = ~abstained if keep is None else keep & ~abstained
        if keep is not None:
            abstained &= keep
        self.n_abstained += int(np.count_nonzero(abstained))
        for place in np.unique(labels[1][abstained]).tolist():
            self.labels.knows(labels[0][place])
        return answered

    def _abstained(self, texts: list[str]) -> Mask:
        assert self.roles.prediction is not None
        found = np.zeros(len(texts), np.bool_)
        for value in self.abstain:
            found |= _equal(texts, value)
            if not value.strip() and self.table.columns[self.roles.prediction].kind == NUMBER:
                found |= _equal(texts, "nan")
        return found

    def parsed_whole(self) -> NDArray[np.float64] | None:
        """All confidences, read-only, if they had to be parsed."""
        if self.parsed is not None:
            self.parsed.flags.writeable = False
        return self.parsed

    def _with_confidence(self, array: Any, keep: Mask | None) -> Mask | None:
        assert self.roles.confidence is not None
        values = confidences(self.table, self.roles.confidence, array, self.n_rows)
        if self.table.columns[self.roles.confidence].kind == TEXT:
            if self.parsed is None:  # allocated once: blocks would have to be joined
                self.parsed = held_rows(self.table.n_rows, np.float64, self.folder)
            self.parsed[self.n_rows : self.n_rows + len(values)] = values
            give_back_after(self.n_rows, len(values), self.parsed)
        kept = values if keep is None else values[keep]
        self.least = min(self.least, float(np.fmin.reduce(kept, initial=1.0)))
        self.n_below_half += int(np.count_nonzero(kept < 0.5 - _SLACK))
        missing = np.isnan(values)
        if not missing.any():
            return keep
        missing &= True if keep is None else keep
        at = np.flatnonzero(missing)
        self.n_without += len(at)
        self.without += (self.n_rows + at[: _EXAMPLES - len(self.without)]).tolist()
        return ~missing if keep is None else keep & ~missing

    def _count(
        self,
        into: Values,
        column: str,
        texts: list[str],
        places: NDArray[np.int64],
        keep: Mask | None,
    ) -> None:
        into.add(texts, places, keep)
        if len(into) > MAX_VALUES:
            raise DataError(
                f"column {quoted(column)} of {quoted(self.table.name)} has more than "
                f"{MAX_VALUES:,} different values: these are not classes",
                slug="too-many-classes",
                hint="choose the right column, or pass the class list with --classes",
            )
