"""Plans the slices of each metadata column: its content, and its bins."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reportgen.errors import DataError
from reportgen.jsonio import Form, Key
from reportgen.text import quoted

__all__ = [
    "DISTINCT_LIMIT",
    "MAX_BINS",
    "MAX_LEVELS",
    "REASONS",
    "TEXT_LIMIT",
    "Bins",
    "Categories",
    "ColumnSurvey",
    "Cut",
    "KeyedCounts",
    "LeftOut",
    "NumberCounts",
    "Part",
    "Plan",
    "Survey",
    "Values",
    "as_number",
    "as_values",
    "plan_slices",
]


Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class KeyedCounts:
    """Counts by key.

    Attributes
    ----------
    keys
        int64, shape (M,), strictly increasing, read-only.
    counts
        int64, shape (M,), positive, read-only.
    """

    keys: Counts
    counts: Counts

    def __post_init__(self) -> None:
        for name in ("keys", "counts"):
            view = np.asarray(getattr(self, name), np.int64).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @classmethod
    def empty(cls) -> KeyedCounts:
        """No keys: the neutral element of ``+``."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))

    @classmethod
    def of(cls, keys: Counts) -> KeyedCounts:
        """Count keys of shape (N,), int64, in any order."""
        return cls(*np.unique(keys, return_counts=True))

    def __add__(self, other: KeyedCounts) -> KeyedCounts:
        if not isinstance(other, KeyedCounts):
            return NotImplemented
        keys = np.concatenate([self.keys, other.keys])
        order = np.argsort(keys, kind="stable")  # two sorted runs are merged in linear time
        return sum_up(keys[order], np.concatenate([self.counts, other.counts])[order])

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, KeyedCounts)
            and np.array_equal(self.keys, other.keys)
            and np.array_equal(self.counts, other.counts)
        )

    def __hash__(self) -> int:
        return hash((self.keys.tobytes(), self.counts.tobytes()))

    def __len__(self) -> int:
        return len(self.keys)

    def shifted_out(self, bits: int) -> KeyedCounts:
        """With the lowest bits of the keys set to 0; counts of equal keys are added."""
        return sum_up((self.keys >> bits) << bits, self.counts)


def sum_up(keys: Counts, counts: Counts) -> KeyedCounts:
    """Add the counts of equal keys; `keys` is sorted, shape (M,)."""
    if len(keys) == 0:
        return KeyedCounts.empty()
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return KeyedCounts(keys[starts], np.add.reduceat(counts, starts))


DISTINCT_LIMIT = 1 << 20
"""Maximum number of distinct numbers; above, their last binary digits are dropped."""


_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


Values = NDArray[np.float64] | list[str | None]
"""float64 with nan for missing values, or texts with None."""


def as_values(column: ArrayLike) -> Values:
    """A batch of one column, shape (N,), as numbers or as texts.

    Integer and float arrays are numbers, everything else is text: booleans are ``true`` and
    ``false``. None, nan, NaT, an empty text, and infinite numbers are missing values.
    """
    array = column if isinstance(column, np.ndarray) else np.asarray(column, dtype=object)
    if array.ndim != 1:
        raise ValueError(f"a metadata column has shape {array.shape}, not (N,)")
    if array.dtype.kind in "iuf":
        numbers = array.astype(np.float64)
        return np.where(np.isfinite(numbers), numbers, np.nan) + 0.0  # -0.0 is 0.0
    if array.dtype.kind == "M":
        array = np.where(np.isnat(array), "", np.datetime_as_string(array))
    values = array.tolist()
    if set(map(type, values)) == {str}:  # the usual case, without a call per value
        return [text or None for text in values]
    return [_text(value) for value in values]


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value or None
    if value is None or isinstance(value, bool):
        return {None: None, True: "true", False: "false"}[value]
    text = str(value)
    return None if text in {"nan", "NaT", "<NA>", "inf", "-inf"} else text


def as_number(text: str) -> float | None:
    """The finite number in `text`; None otherwise, or with leading zeros.

    ``007`` is a name: as a number, it would be changed.
    """
    if _NUMBER.fullmatch(text) is None:
        return None
    number = float(text) + 0.0
    return number if np.isfinite(number) else None


@dataclass(frozen=True)
class NumberCounts:
    """Counts by number: exact up to :data:`DISTINCT_LIMIT` distinct ones.

    Above, numbers are rounded down to fewer binary digits; how many depends on the numbers only, so
    any split of them, in any order, gives the same result.

    Attributes
    ----------
    counted
        Counts by a key with the order of the numbers.
    dropped
        Number of lowest key bits that are 0, of 52 binary digits.
    """

    counted: KeyedCounts
    dropped: int = 0

    @classmethod
    def empty(cls) -> NumberCounts:
        """No numbers: the neutral element of ``+``."""
        return cls(KeyedCounts.empty())

    @classmethod
    def of(cls, numbers: NDArray[np.float64]) -> NumberCounts:
        """Count numbers, shape (N,); nan is skipped."""
        keys = _order_by_confidence(numbers[~np.isnan(numbers)].view(np.int64))
        return cls(KeyedCounts.of(keys))._within_limit()

    @classmethod
    def of_counts(cls, numbers: Sequence[float], counts: Sequence[int]) -> NumberCounts:
        """Numbers with their counts; a number may be repeated."""
        keys = _order_by_confidence(np.array(numbers, np.float64).view(np.int64))
        order = np.argsort(keys, kind="stable")
        single = KeyedCounts(keys[order], np.array(counts, np.int64)[order])
        return cls(single.shifted_out(0))._within_limit()

    def __add__(self, other: NumberCounts) -> NumberCounts:
        if not isinstance(other, NumberCounts):
            return NotImplemented
        dropped = max(self.dropped, other.dropped)
        both = self.counted.shifted_out(dropped) + other.counted.shifted_out(dropped)
        return NumberCounts(both, dropped)._within_limit()

    def _within_limit(self) -> NumberCounts:
        dropped, counted = self.dropped, self.counted
        while len(counted) > DISTINCT_LIMIT:
            dropped += 1
            counted = counted.shifted_out(dropped)
        return NumberCounts(counted, dropped)

    @property
    def numbers(self) -> NDArray[np.float64]:
        """The distinct numbers, increasing: float64, shape (M,)."""
        return _order_by_confidence(self.counted.keys).view(np.float64)

    def quantiles(self, parts: int) -> list[float]:
        """The parts - 1 inner quantiles: for k = 1, …, the smallest number seen such that k/parts
        of all are at most it (``inverted_cdf`` in numpy). There must be numbers.
        """
        up_to = np.cumsum(self.counted.counts)
        # in integers: k n / parts is never rounded up by accident
        wanted = [-(-k * int(up_to[-1]) // parts) for k in range(1, parts)]
        found: list[float] = self.numbers[np.searchsorted(up_to, wanted)].tolist()
        return found


def _order_by_confidence(bits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bits of float64 ↔ integers in the order of the numbers; it is its own inverse."""
    return np.where(bits < 0, bits ^ np.int64(0x7FFF_FFFF_FFFF_FFFF), bits)


TEXT_LIMIT = 100_000
"""Maximum number of distinct texts of a column; a column with more has no slices."""


@dataclass(frozen=True)
class ColumnSurvey:
    """The content of a column; ``ColumnSurvey()`` is the neutral element of ``+``.

    Attributes
    ----------
    texts
        Text → count; None for more than :data:`TEXT_LIMIT` distinct ones.
    numbers
        The numbers, including those written as text; None if a text is not a number.
    typed
        Whether the column's type is numeric, not text.
    n, n_missing
        Number of values, and of missing ones.
    """

    texts: Mapping[str, int] | None = field(default_factory=dict)
    numbers: NumberCounts | None = field(default_factory=NumberCounts.empty)
    typed: bool = False
    n: int = 0
    n_missing: int = 0

    @classmethod
    def of(cls, values: Values) -> ColumnSurvey:
        """Count one batch of :func:`reportgen.analysis.slices.plan.as_values`."""
        if not isinstance(values, list):
            missing = int(np.count_nonzero(np.isnan(values)))
            typed = missing < len(values)
            return cls({}, NumberCounts.of(values), typed, len(values), missing)
        texts = Counter(text for text in values if text is not None)
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
        """Whether some batches contained numbers and others text."""
        return self.typed and self.texts != {}


@dataclass(frozen=True)
class Survey:
    """The content of all metadata columns: name → survey; ``Survey()`` is neutral in ``+``."""

    columns: Mapping[str, ColumnSurvey] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Mapping[str, ArrayLike]) -> Survey:
        """Count a batch: name → values of shape (N,), for the labelled samples."""
        return cls({name: ColumnSurvey.of(as_values(values)) for name, values in columns.items()})

    def __add__(self, other: Survey) -> Survey:
        """Raises :class:`DataError` if a column is numeric in one and text in the other."""
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
                    f"the metadata column {quoted(name)} contains numbers in one part and text in "
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


MAX_LEVELS = 50
"""Maximum number of values of a text column with their own slice: the most frequent ones."""


MAX_BINS = 5
"""Maximum number of bins of a numeric column."""


REASONS: dict[str, str] = {
    "empty": "It has no values.",
    "constant": "It has the same value for every sample.",
    "identifier": "Most samples have a unique value: it is an identifier.",
}
"""Reason code → why a column has no slices."""


_DIGITS = (6, 9, 12, 17)


Kind = Literal["value", "bin", "other", "missing"]


@dataclass(frozen=True)
class Part:
    """One slice of a column.

    Attributes
    ----------
    kind
        ``"value"``: one value; ``"bin"``: numbers in (low, high]; ``"other"``: all rarer values
        together; ``"missing"``: no value.
    text
        The value as in the data, or words for the other kinds.
    low, high
        Ends of a bin; None for an open end, and for other kinds.
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
        Name of the column.
    levels
        The values with a slice of their own, most frequent first, then by text.
    n_values
        Number of distinct values; the rarer ones are in the slice "other".
    """

    name: str
    levels: tuple[str, ...]
    n_values: int

    @property
    def parts(self) -> tuple[Part, ...]:
        """The slices: levels, other, missing; the last two may be empty."""
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
        return np.fromiter(map(place.get, values, repeat(other)), np.int64, len(values))


@dataclass(frozen=True)
class Bins:
    """A column of numbers in bins.

    Attributes
    ----------
    name
        Name of the column.
    low, high
        The smallest and the largest number.
    edges
        Upper ends of all bins but the last, increasing: a bin is (previous edge, edge].
    single
        Whether each bin contains a single number, because there are few distinct ones.
    rounded
        Whether the edges are rounded, because there are many distinct numbers; the bins' contents
        are exact.
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
            text = "all" if high is None else f"≤ {self._words(high)}"
        else:
            text = f"> {self._words(low)}"
            text += "" if high is None else f", ≤ {self._words(high)}"
        return Part("bin", text, low, high)

    def _words(self, number: float) -> str:
        """With the fewest digits that distinguish the edges."""
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
    """A column without slices, and a key of :data:`REASONS`."""

    name: str
    reason: str


Cut = Categories | Bins


@dataclass(frozen=True)
class Plan:
    """The columns with slices, in their order, and those without."""

    cuts: tuple[Cut, ...]
    left_out: tuple[LeftOut, ...] = ()


def plan_slices(survey: Survey) -> Plan:
    """Plan the slices of each column.

    A numeric column, or one of texts that are all numbers with more than :data:`MAX_BINS` distinct
    values, has up to :data:`MAX_BINS` bins of equal size, with edges at occurring numbers. Other
    columns have a slice for each value, or for the :data:`MAX_LEVELS` most frequent.
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
        raise ValueError(f"{wrong[0]!r} is in a column that contained only numbers")
    return np.array([found.get(text, np.nan) for text in texts], np.float64)
