"""What the metadata columns hold: the first pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from reportgen.errors import DataError
from reportgen.slices.values import NumberCounts, Values, as_number, as_values
from reportgen.text import quoted

__all__ = ["TEXT_LIMIT", "ColumnSurvey", "Survey"]

TEXT_LIMIT = 100_000
"""Different texts of a column that are counted; a column with more is no grouping."""


@dataclass(frozen=True)
class ColumnSurvey:
    """What one column holds; ``ColumnSurvey()`` is the neutral element of ``+``.

    Attributes
    ----------
    texts
        Text → how often; None where there are more than :data:`TEXT_LIMIT` different ones.
    numbers
        The numbers, also those written as text; None where a text is none.
    typed
        Whether the column came as numbers rather than as text.
    n, n_missing
        Values, and missing ones.
    """

    texts: Mapping[str, int] | None = field(default_factory=dict)
    numbers: NumberCounts | None = field(default_factory=NumberCounts.empty)
    typed: bool = False
    n: int = 0
    n_missing: int = 0

    @classmethod
    def of(cls, values: Values) -> ColumnSurvey:
        """Count one batch of :func:`reportgen.slices.values.as_values`."""
        if not isinstance(values, list):
            missing = int(np.count_nonzero(np.isnan(values)))
            typed = missing < len(values)
            return cls({}, NumberCounts.of(values), typed, len(values), missing)
        texts = Counter(value for value in values if value is not None)
        missing = len(values) - texts.total()
        return cls(_limited(texts), _numbers(texts), False, len(values), missing)

    def __add__(self, other: ColumnSurvey) -> ColumnSurvey:
        if not isinstance(other, ColumnSurvey):
            return NotImplemented
        return ColumnSurvey(
            _limited(_both(self.texts, other.texts)),
            None if self.numbers is None or other.numbers is None else self.numbers + other.numbers,
            self.typed or other.typed,
            self.n + other.n,
            self.n_missing + other.n_missing,
        )

    @property
    def mixed(self) -> bool:
        """Whether some batches held numbers and others text."""
        return self.typed and self.texts != {}


@dataclass(frozen=True)
class Survey:
    """What every metadata column holds: column name → survey; ``Survey()`` is neutral in ``+``."""

    columns: Mapping[str, ColumnSurvey] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Mapping[str, ArrayLike]) -> Survey:
        """Look at one batch: name → values of shape (N,), of the labelled samples."""
        return cls({name: ColumnSurvey.of(as_values(values)) for name, values in columns.items()})

    def __add__(self, other: Survey) -> Survey:
        """Raises :class:`DataError` where a column is number in one and text in the other."""
        if not isinstance(other, Survey):
            return NotImplemented
        if not self.columns or not other.columns:
            return self if self.columns else other
        if set(self.columns) != set(other.columns):
            raise ValueError("two surveys of different columns")
        both = {name: column + other.columns[name] for name, column in self.columns.items()}
        for name, column in both.items():
            if column.mixed:
                raise DataError(
                    f"the metadata column {quoted(name)} holds numbers in one part and text in "
                    "another",
                    slug="metadata-mixed",
                    hint="write the whole column as text, or the whole column as numbers",
                )
        return Survey(both)


def _numbers(texts: Mapping[str, int]) -> NumberCounts | None:
    found: list[float] = []
    for text in texts:
        number = as_number(text)
        if number is None:
            return None
        found.append(number)
    return NumberCounts.of_counts(found, list(texts.values()))


def _both(a: Mapping[str, int] | None, b: Mapping[str, int] | None) -> Mapping[str, int] | None:
    if a is None or b is None:
        return None
    both = Counter(a)
    both.update(b)
    return both


def _limited(texts: Mapping[str, int] | None) -> Mapping[str, int] | None:
    return None if texts is None or len(texts) > TEXT_LIMIT else dict(texts)
