"""One look at labels, predictions, confidences and ids of the whole table, before it is trusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError
from reportgen.inputs.columns.cells import (
    NO_LABEL,
    TextCells,
    as_index,
    not_a_number,
    numbers,
    plain_label,
    smallest,
)
from reportgen.inputs.columns.ids import repeated_ids
from reportgen.inputs.columns.roles import Roles
from reportgen.inputs.formats.tables import NARROW_ROWS, NUMBER, TEXT, Table
from reportgen.text import printable, quoted

__all__ = ["MAX_VALUES", "Survey", "confidences", "ignored_places", "take_survey"]

MAX_VALUES = 1_000_000
"""Most different labels or predictions; more are no classes, but another column."""

_SLACK = 1e-6  # a rounded probability may leave [0, 1] by this much
_EXAMPLES = 10

Mask = NDArray[np.bool_]


@dataclass
class Values:
    """The different texts of a column, and which of them each row has: 1 to 4 bytes a row.

    Attributes
    ----------
    counts
        Text → number of rows that have it and are not left out.
    places
        For each batch: place of the row's text in `counts`, shape (n,); -1 where the row is left
        out.
    wrapped
        The first cell that said its value in a program's words, such as ``tensor(1)``, and the
        value; empty where there was none.
    """

    counts: dict[str, int] = field(default_factory=dict)
    places: list[NDArray[np.signedinteger[Any]]] = field(default_factory=list)
    wrapped: tuple[str, str] | None = None
    _place: dict[str, int] = field(default_factory=dict)

    def knows(self, text: str) -> None:
        """A text that may occur in no row."""
        text = plain_label(text)
        self.counts.setdefault(text, 0)
        self._place.setdefault(text, len(self._place))

    def add(self, texts: list[str], places: NDArray[np.int64], keep: Mask | None) -> None:
        """One batch: ``texts[places[i]]`` is what row i has."""
        counts = np.bincount(places if keep is None else places[keep], minlength=len(texts))
        lookup = np.full(len(texts), -1, np.int32)
        for i in np.flatnonzero(counts).tolist():
            text = plain_label(texts[i])
            if text != texts[i] and self.wrapped is None:
                self.wrapped = texts[i], text
            self.counts[text] = self.counts.get(text, 0) + int(counts[i])
            lookup[i] = self._place.setdefault(text, len(self._place))
        found = lookup.astype(smallest(len(self._place)))[places]
        if keep is not None:
            found[~keep] = -1
        self.places.append(found)

    def indices(self, of_text: Mapping[str, int]) -> NDArray[np.signedinteger[Any]]:
        """The class index of every row, shape (N,); -1 where it is left out."""
        lookup = np.array([*(of_text[text] for text in self._place), -1])
        small = lookup.astype(smallest(int(lookup.max()) + 1))
        empty = np.zeros(0, small.dtype)
        return np.concatenate([empty, *(small[places] for places in self.places)])


@dataclass(frozen=True)
class Survey:
    """What the whole table holds.

    Attributes
    ----------
    labels, predictions
        The values of the two columns; the second is empty where there is no such column. Rows
        that are left out have the label -1.
    confidence
        float64, shape (N,), read-only, nan where there is none; None where reading it again costs
        less than holding it: text is parsed once.
    n_ignored
        Rows whose label is to be ignored.
    n_unlabelled
        Rows without a label in the table of labels.
    n_abstained
        Rows whose prediction says that the model gave none; their labels are among `labels`, with
        0 rows.
    n_without_confidence, without_confidence
        Rows whose confidence is missing or not finite, and the first of them (from 0).
    least_confidence, n_below_half
        The smallest confidence, 1 where there are none; and the rows below 0.5.
    n_repeated_ids, repeated_ids
        Ids that more than one row has, and the first of them.
    ranked
        The values of each top-k column, best first; empty where there are none.
    """

    labels: Values
    predictions: Values
    confidence: NDArray[np.float64] | None = None
    n_ignored: int = 0
    n_without_confidence: int = 0
    without_confidence: tuple[int, ...] = ()
    least_confidence: float = 1.0
    n_below_half: int = 0
    n_repeated_ids: int = 0
    repeated_ids: tuple[str, ...] = ()
    n_unlabelled: int = 0
    n_abstained: int = 0
    ranked: tuple[Values, ...] = ()

    def predicted(self) -> dict[str, int]:
        """Text → number of rows, of predictions and of the classes that are ranked below them."""
        counts = dict(self.predictions.counts)
        for values in self.ranked:
            for text in values.counts:
                counts.setdefault(text, 0)
        return counts


def take_survey(
    table: Table, roles: Roles, ignore_label: str | None, abstain: str | None = None
) -> Survey:
    """Read the columns with a role, but for the scores, once.

    Rows whose label is `ignore_label` are left out, and rows whose prediction is `abstain`.

    Raises :class:`DataError` with its place, where a confidence is no number in 0..1, or a column
    has too many values to be one of classes.
    """
    counting = _Counting(table, roles, ignore_label, abstain)
    ranked = roles.ranking.classes if roles.ranking else ()
    single = (roles.label, roles.prediction, roles.confidence)
    columns = list(dict.fromkeys([*(c for c in single if c is not None), *ranked]))
    for batch in table.batches(columns, NARROW_ROWS):
        counting.add(dict(zip(columns, batch.columns, strict=True)), len(batch))
    repeated = repeated_ids(table, roles.id) if roles.id is not None else Counter()
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
        n_repeated_ids=len(repeated),
        repeated_ids=tuple(printable(sample) for sample in list(repeated)[:_EXAMPLES]),
        ranked=tuple(counting.ranked.values()),
    )


def ignored_places(texts: list[str], ignore_label: str | None) -> Mask | None:
    """Which of the texts are the label to ignore; None where there is no such label."""
    if ignore_label is None:
        return None
    return _equal(texts, ignore_label)


def _equal(texts: list[str], value: str) -> Mask:
    """Which of the texts are a value; a number may be written -1 or -1.0."""
    wanted, number = value.strip(), as_index(value)
    return np.array(
        [
            text.strip() == wanted or (number is not None and as_index(text) == number)
            for text in map(plain_label, texts)
        ],
        np.bool_,
    )


def confidences(table: Table, column: str, array: Any, start: int) -> NDArray[np.float64]:
    """A batch's confidences, float64, shape (n,); nan where there is none.

    `start` is the row of the table that the batch begins at.
    """
    values = numbers(array, lambda row, cell: not_a_number(column, table.place(start + row), cell))
    if len(values) == 0 or (values.min() >= 0 and values.max() <= 1):  # not so where one is nan
        return values
    finite = np.isfinite(values)
    wrong = np.flatnonzero(finite & ((values < -_SLACK) | (values > 1 + _SLACK)))
    if len(wrong):
        value = values[wrong[0]]
        percent = 1 < value <= 100
        raise DataError(
            f"{table.place(start + int(wrong[0]))}: the confidence {value:.6g} "
            f"in column {quoted(column)} is no probability",
            slug="confidence-range",
            details=[f"{len(wrong):,} of {len(values):,} rows there are outside 0..1"],
            hint="divide percentages by 100"
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
    ignore_label: str | None
    abstain: str | None
    labels: Values = field(default_factory=Values)
    predictions: Values = field(default_factory=Values)
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
            self._count(self.ranked.setdefault(column, Values()), column, *cells, keep)
        self.n_rows += n

    def _labelled(self, texts: list[str], places: NDArray[np.int64]) -> Mask | None:
        """The rows with a label that counts; None for all."""
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
        """The rows in which the model did not abstain; the labels of the others are classes too."""
        if self.abstain is None:
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
        assert self.abstain is not None
        assert self.roles.prediction is not None
        found = _equal(texts, self.abstain)
        if not self.abstain.strip() and self.table.columns[self.roles.prediction].kind == NUMBER:
            found |= _equal(texts, "nan")
        return found

    def parsed_whole(self) -> NDArray[np.float64] | None:
        """All confidences, read-only, where they had to be parsed."""
        if self.parsed is not None:
            self.parsed.flags.writeable = False
        return self.parsed

    def _with_confidence(self, array: Any, keep: Mask | None) -> Mask | None:
        assert self.roles.confidence is not None
        values = confidences(self.table, self.roles.confidence, array, self.n_rows)
        if self.table.columns[self.roles.confidence].kind == TEXT:
            if self.parsed is None:  # whole from the start: pieces would have to be joined
                self.parsed = np.empty(self.table.n_rows)
            self.parsed[self.n_rows : self.n_rows + len(values)] = values
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
        if len(into.counts) > MAX_VALUES:
            raise DataError(
                f"column {quoted(column)} of {quoted(self.table.name)} has more than "
                f"{MAX_VALUES:,} different values: these are no classes",
                slug="too-many-classes",
                hint="name the right column, or give the class list with --classes",
            )
