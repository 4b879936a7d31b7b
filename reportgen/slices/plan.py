"""How each metadata column is cut into slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.jsonio import Form, Key
from reportgen.slices.survey import ColumnSurvey, Survey
from reportgen.slices.values import NumberCounts, Values, as_number

__all__ = [
    "MAX_BINS",
    "MAX_LEVELS",
    "REASONS",
    "Bins",
    "Categories",
    "Cut",
    "LeftOut",
    "Part",
    "Plan",
    "plan_slices",
]

MAX_LEVELS = 50
"""Values of a text column that are slices of their own: the most frequent ones."""

MAX_BINS = 5
"""Bins of a numeric column."""

REASONS: dict[str, str] = {
    "empty": "It holds no value.",
    "constant": "It holds the same value for every sample: there is nothing to compare.",
    "identifier": "Most samples have a value of their own: it names samples rather than groups.",
}
"""Reason code → why a column is not cut into slices."""

_DIGITS = (6, 9, 12, 17)

Kind = Literal["value", "bin", "other", "missing"]


@dataclass(frozen=True)
class Part:
    """One slice of a column.

    Attributes
    ----------
    kind
        ``"value"``: one value; ``"bin"``: numbers in (low, high]; ``"other"``: all the rarer
        values together; ``"missing"``: no value.
    text
        The value as it stands in the data, or words for the other kinds.
    low, high
        Ends of a bin; None where it is open. Both are None for the other kinds.
    """

    kind: Kind
    text: Annotated[str, Key("value")]
    low: float | None = None
    high: float | None = None

    __json__: ClassVar[Form] = Form(("value", "kind", "low", "high"), optional=frozenset())


_MISSING = Part("missing", "no value")


@dataclass(frozen=True)
class Categories:
    """A column whose values are slices.

    Attributes
    ----------
    name
        Of the column.
    levels
        The values with a slice of their own, most frequent first, then by text.
    n_values
        Different values in all; the rarer ones share the slice "other".
    """

    name: str
    levels: tuple[str, ...]
    n_values: int

    @property
    def parts(self) -> tuple[Part, ...]:
        """The slices: levels, other, missing; the last two may turn out empty."""
        n_others = self.n_values - len(self.levels)
        other = Part("other", f"other ({n_others:,} value{'s' * (n_others != 1)})")
        return (*(Part("value", level) for level in self.levels), other, _MISSING)

    def places(self, values: Values) -> NDArray[np.int64]:
        """The slice of each value: int64, shape (N,), 0 … number of parts - 1."""
        if not isinstance(values, list):
            if not np.isnan(values).all():
                raise ValueError(f"the column {self.name!r} was text and is numbers now")
            values = [None] * len(values)
        place: dict[str | None, int] = {level: i for i, level in enumerate(self.levels)}
        other = len(self.levels)
        place[None] = other + 1
        return np.fromiter((place.get(value, other) for value in values), np.int64, len(values))


@dataclass(frozen=True)
class Bins:
    """A column of numbers in bins.

    Attributes
    ----------
    name
        Of the column.
    low, high
        The smallest and the largest number.
    edges
        Upper ends of all bins but the last, increasing: a bin is (edge before, edge].
    single
        Whether each bin holds one number only, because there are so few different ones.
    rounded
        Whether the edges come from rounded numbers, because there are so many different ones;
        what each bin holds is exact all the same.
    """

    name: str
    low: float
    high: float
    edges: tuple[float, ...]
    single: bool = False
    rounded: bool = False

    @property
    def parts(self) -> tuple[Part, ...]:
        """The slices: bins from the lowest to the highest, then missing, which may be empty."""
        ends = [None, *self.edges, None]
        return (*map(self._bin, ends, ends[1:]), _MISSING)

    def _bin(self, low: float | None, high: float | None) -> Part:
        if self.single:
            text = self._words(self.high if high is None else high)
        elif low is None:
            text = "all" if high is None else f"up to {self._words(high)}"
        else:
            text = f"over {self._words(low)}"
            text += "" if high is None else f", up to {self._words(high)}"
        return Part("bin", text, low, high)

    def _words(self, number: float) -> str:
        """With as few digits as tell the edges apart."""
        known = {*self.edges, self.high} if self.single else {*self.edges}
        for digits in _DIGITS:
            if len({f"{edge:.{digits}g}" for edge in known}) == len(known):
                return f"{number:.{digits}g}"
        return repr(number)

    def places(self, values: Values) -> NDArray[np.int64]:
        """The slice of each value: int64, shape (N,), 0 … number of parts - 1."""
        numbers = _as_numbers(values) if isinstance(values, list) else values
        places = np.searchsorted(np.array(self.edges), numbers, side="left")
        return np.where(np.isnan(numbers), len(self.edges) + 1, places).astype(np.int64)


@dataclass(frozen=True)
class LeftOut:
    """A column without slices, and why: a key of :data:`REASONS`."""

    name: str
    reason: str


Cut = Categories | Bins


@dataclass(frozen=True)
class Plan:
    """The columns that are cut, in their order, and those that are not."""

    cuts: tuple[Cut, ...]
    left_out: tuple[LeftOut, ...] = ()


def plan_slices(survey: Survey) -> Plan:
    """Decide for each column.

    A column of numbers, or of texts that are all numbers and more than :data:`MAX_BINS` different
    ones, has up to :data:`MAX_BINS` bins of equal share, cut at numbers that occur. Any other
    column has a slice for each value, or for the :data:`MAX_LEVELS` most frequent.
    """
    decided = [_cut(name, column) for name, column in survey.columns.items()]
    return Plan(
        tuple(cut for cut in decided if not isinstance(cut, LeftOut)),
        tuple(column for column in decided if isinstance(column, LeftOut)),
    )


def _cut(name: str, column: ColumnSurvey) -> Cut | LeftOut:
    if column.n == column.n_missing:
        return LeftOut(name, "empty")
    few = column.texts is not None and len(column.texts) <= MAX_BINS
    if column.numbers is not None and (column.typed or not few):
        cut: Cut | LeftOut = _bins(name, column.numbers)
        constant = len(column.numbers.counted) == 1
    else:
        cut = _categories(name, column)
        constant = few and len(column.texts or ()) == 1
    return LeftOut(name, "constant") if constant and column.n_missing == 0 else cut


def _categories(name: str, column: ColumnSurvey) -> Categories | LeftOut:
    texts = column.texts
    if texts is None or MAX_LEVELS < len(texts) > (column.n - column.n_missing) / 2:
        return LeftOut(name, "identifier")
    ranked = sorted(texts, key=lambda text: (-texts[text], text))
    return Categories(name, tuple(ranked[:MAX_LEVELS]), len(texts))


def _bins(name: str, counts: NumberCounts) -> Bins:
    numbers: list[float] = counts.numbers[[0, -1]].tolist()
    low, high = numbers
    single = len(counts.counted) <= MAX_BINS
    inner: list[float] = counts.numbers[:-1].tolist() if single else counts.quantiles(MAX_BINS)
    edges = tuple(sorted({edge for edge in inner if edge < high}))
    return Bins(name, low, high, edges, single, counts.dropped > 0)


def _as_numbers(texts: Sequence[str | None]) -> NDArray[np.float64]:
    found: dict[str | None, float | None] = {text: as_number(text) for text in set(texts) if text}
    wrong = [text for text, number in found.items() if number is None]
    if wrong:
        raise ValueError(f"{wrong[0]!r} stands in a column that held numbers only")
    return np.array([found.get(text, np.nan) for text in texts], np.float64)
