"""A value of a JSON document with its location: errors name both."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, NoReturn

from reportgen.errors import DataError
from reportgen.jsonio.unknown import Unknown
from reportgen.text import middle_cut, printable, quoted

__all__ = [
    "MOST",
    "TOLERANCE",
    "Contradiction",
    "Ends",
    "Fault",
    "Interval",
    "Json",
    "JsonPath",
    "OneOf",
    "Positive",
    "Range",
    "Reading",
    "Share",
    "ShareInterval",
    "Signed",
    "agree",
    "describe_value",
    "translate_faults",
]


MOST = 2**61
"""Maximum of a count: see :data:`reportgen.confusion_matrix.MAX_SAMPLES`."""


TOLERANCE = 1e-9
"""Tolerance of a metric, relative if the expected value is above 1."""


_HINT = "rebuild the report from its predictions.parquet"


class Fault(ValueError):
    """An invalid value in the JSON; the message names its location and the value."""


class Contradiction(ValueError):
    """A metric that contradicts the counts of the document; the message names its location."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, inclusive."""

    low: float
    high: float = math.inf

    def holds(self, number: float) -> bool:
        """Whether a number is in the range; with a tolerance for rounding errors of sums."""
        return self.low - TOLERANCE <= number <= self.high + TOLERANCE

    def words(self) -> str:
        if self.high >= MOST:
            return f"{self.low:g} or more"
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class OneOf:
    """One of these values."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Ends:
    """The ends of an interval: the lower one first, both within a range if given."""

    allowed: Range | None = None


Share = Annotated[float, Range(0, 1)]


Signed = Annotated[float, Range(-1, 1)]


Positive = Annotated[float, Range(0)]


Interval = Annotated[tuple[float, float], Ends()]


ShareInterval = Annotated[tuple[float, float], Ends(Range(0, 1))]


_COUNT = Range(0, MOST)


@dataclass
class Reading:
    """The common state while a document is read.

    Attributes
    ----------
    index
        Class name → its index in the document's list of classes.
    unknown
        Unknown members, kept to be written again.
    """

    index: Mapping[str, int] = field(default_factory=dict)
    unknown: list[Unknown] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class JsonPath:
    """A value of a JSON document, and its location.

    Attributes
    ----------
    value
        Parsed JSON: None, bool, int, float, str, list or dict.
    parent, key
        The enclosing list or object, and the key in it; at the top None, and the document's name or
        nothing.
    reading
        State of the document; a nested document has its own.
    """

    value: Any
    parent: JsonPath | None = None
    key: str | int = ""
    reading: Reading = field(default_factory=Reading)

    @classmethod
    def of(cls, value: Json, name: str = "") -> JsonPath:
        """The top of a document, which must be an object; a :class:`JsonPath` stays unchanged."""
        return value if isinstance(value, JsonPath) else cls(value, None, name)

    def alone(self, index: Mapping[str, int] | None = None) -> JsonPath:
        """The same location as the top of a nested document, with these classes."""
        return JsonPath(self.value, self.parent, self.key, Reading(index or {}))

    @property
    def path(self) -> str:
        """``calibration.bins[3].n``; empty at the top."""
        above = "" if self.parent is None else self.parent.path
        if isinstance(self.key, int):
            return f"{above}[{self.key}]"
        if self.key and not self.key.isidentifier():
            return f"{above}[{quoted(middle_cut(self.key, 60))}]"
        return f"{above}.{self.key}" if above and self.key else above or self.key

    def fault(self, wanted: str) -> NoReturn:
        """Raise :class:`Fault`: the value is not `wanted`, in words such as "a number"."""
        raise Fault(f"{self.path or 'the whole'} is {describe_value(self.value)}, not {wanted}")

    def contradicts(self, what: str) -> NoReturn:
        """Raise :class:`Fault`: the value has the right type, but is wrong as stated in `what`."""
        raise Fault(f"{self.path or 'the whole'} is {describe_value(self.value)}: {what}")

    def disagrees(self, expected: Any, source: str = "the confusion matrix") -> NoReturn:
        """Raise :class:`Contradiction`: `source` in the same document implies `expected`."""
        told, right = describe_value(self.value), describe_value(expected)
        raise Contradiction(f"{self.path} is {told}, but {source} gives {right}")

    def must_contain(self, value: float | None, what: str = "value") -> None:
        """Raise :class:`Contradiction` if the interval does not contain `value`, named `what`.

        Nothing is checked if either is missing.
        """
        if self.is_none or value is None:
            return
        low, high = self.ends()
        spare = TOLERANCE * max(1.0, abs(value))
        if not low - spare <= value <= high + spare:
            ends = f"[{describe_value(low)}, {describe_value(high)}]"
            raise Contradiction(
                f"{self.path} is {ends}, but does not contain the {what} {describe_value(value)}"
            )

    def must_lie_in(self, least: float, largest: float) -> None:
        """Raise :class:`Contradiction` if the interval here has an end outside of a range."""
        for at in () if self.is_none else self.items():
            if not least - TOLERANCE <= at.number() <= largest + TOLERANCE:
                raise Contradiction(
                    f"{at.path} is {describe_value(at.value)}, outside of "
                    f"{describe_value(least)} to {describe_value(largest)}"
                )

    def must_have_ends(
        self, ends: tuple[Any, Any] | None, source: str = "the confusion matrix"
    ) -> None:
        """Raise :class:`Contradiction` where the interval here has other `ends` than `source`
        gives; where one of the two is missing there is nothing to check.
        """
        if self.is_none or ends is None:
            return
        for at, end in zip(self.items(), map(float, ends), strict=True):
            if not agree(at.number(), end):
                at.disagrees(end, source)

    def __getitem__(self, key: str) -> JsonPath:
        """The member `key` of an object. Raises :class:`Fault` if it is missing."""
        members = self.members()
        if key not in members:
            raise Fault(f"{JsonPath(None, self, key, self.reading).path} is missing")
        return JsonPath(members[key], self, key, self.reading)

    def get(self, key: str) -> JsonPath:
        """The member `key` of an object, or a location with the value None."""
        return JsonPath(self.members().get(key), self, key, self.reading)

    def __contains__(self, key: str) -> bool:
        return key in self.members()

    @property
    def is_none(self) -> bool:
        return self.value is None

    def items(self) -> list[JsonPath]:
        """The elements of a list."""
        if not isinstance(self.value, (list, tuple)):
            self.fault("a list")
        return [JsonPath(item, self, i, self.reading) for i, item in enumerate(self.value)]

    def of_length(self, n: int) -> list[JsonPath]:
        """The elements of a list that must have length `n`."""
        items = self.items()
        if len(items) != n:
            self.fault(f"a list of {n:,}")
        return items

    def entries(self) -> dict[str, JsonPath]:
        """The members of an object."""
        return {
            key: JsonPath(item, self, key, self.reading) for key, item in self.members().items()
        }

    def members(self) -> Mapping[str, Any]:
        """The members of an object, as parsed."""
        if type(self.value) is not dict and not isinstance(self.value, Mapping):
            self.fault("an object")
        members: Mapping[str, Any] = self.value
        return members

    def keep_others(self, known: frozenset[str]) -> None:
        """Keep the members of this object that are not in `known`."""
        members = self.members()
        if others := members.keys() - known:
            names = {name: item for name, item in members.items() if name in others}
            path, beside = self._way(others)
            self.reading.unknown.append(Unknown(path, names, beside))

    def _way(
        self, others: frozenset[str] | set[str]
    ) -> tuple[tuple[str | int, ...], tuple[Any, ...]]:
        """The keys from the document's top to here, and the identity of each list element."""
        path: list[str | int] = []
        beside: list[Any] = []
        at: JsonPath | None = self
        while at is not None and at.parent is not None and at.parent.reading is self.reading:
            path.append(at.key)
            beside.append(_plain_members(at, others) if isinstance(at.key, int) else None)
            at = at.parent
        return tuple(reversed(path)), tuple(reversed(beside))

    def whole(self, allowed: Range = _COUNT) -> int:
        """The value as an integer."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self.fault("a whole number")
        if not allowed.low <= self.value <= allowed.high:
            self.fault(f"a whole number of {allowed.words()}")
        return self.value

    def number(self, allowed: Range | None = None) -> float:
        """The value as a finite float."""
        found = self.value
        if isinstance(found, bool) or not isinstance(found, (int, float)):
            self.fault("a number")
        if (isinstance(found, int) and abs(found) > MOST) or not math.isfinite(found):
            self.fault("a number that can be used")
        if allowed is not None and not allowed.holds(found):
            self.fault(f"a number of {allowed.words()}")
        return float(found)

    def text(self) -> str:
        """The value as text, without unpaired surrogates, which no file can contain."""
        if not isinstance(self.value, str):
            self.fault("text")
        if not self.value.isascii() and any("\ud800" <= c <= "\udfff" for c in self.value):
            self.fault("text: it contains half a character")
        return self.value

    def flag(self) -> bool:
        """The value as a bool."""
        if not isinstance(self.value, bool):
            self.fault("true or false")
        return self.value

    def one_of(self, values: tuple[Any, ...]) -> Any:
        """One of these texts."""
        if not isinstance(self.value, str) or self.value not in values:
            self.fault(f"one of {', '.join(map(json.dumps, values))}")
        return self.value

    def ends(self, allowed: Range | None = None) -> tuple[float, float]:
        """The ends of an interval, the lower one first."""
        low, high = (end.number(allowed) for end in self.of_length(2))
        if low > high:
            self.contradicts("the lower end comes first")
        return low, high

    def class_index(self) -> int:
        """The index of a class name among the classes of the document."""
        name = self.text()
        if name not in self.reading.index:
            self.fault("one of the classes")
        return self.reading.index[name]


Json = Mapping[str, Any] | JsonPath
"""Input of the readers of value classes: parsed JSON, or a location in it."""


def _plain_members(place: JsonPath, others: frozenset[str] | set[str]) -> Any:
    """The scalar members of a list element, except those in `others`."""
    if not isinstance(place.value, Mapping):
        return None
    return {
        name: item
        for name, item in place.value.items()
        if name not in others and not isinstance(item, (Mapping, list))
    }


def agree(told: float | None, expected: float | None) -> bool:
    """Whether two metrics are equal up to rounding; None is not a metric."""
    if told is None or expected is None:
        return told is expected
    return abs(told - expected) <= TOLERANCE * max(1.0, abs(expected))


@contextmanager
def translate_faults(hint: str = _HINT) -> Iterator[None]:
    """Convert errors about invalid values in the block to :class:`DataError`."""
    try:
        yield
    except Fault as error:
        raise _damaged(str(error), hint) from error
    except Contradiction as error:
        raise DataError(
            f"report.json contradicts itself: {error}",
            slug="report-json-contradiction",
            hint=f"restore the file as it was written, or {hint}",
        ) from error
    except (
        ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
    ) as error:  # fmt: skip
        what = f"{type(error).__name__} {printable(middle_cut(str(error), 120))}"
        raise _damaged(what, hint) from error


def _damaged(what: str, hint: str) -> DataError:
    return DataError(
        f"report.json is not what reportgen writes: {what}", slug="report-json-damaged", hint=hint
    )


def describe_value(value: Any) -> str:
    """A short description of a value; for containers only the type."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value):,}"
    if isinstance(value, str):
        return quoted(middle_cut(value, 60))
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**40:
        return "a huge number"  # without digits: Python refuses to print some
    return json.dumps(value, default=lambda other: f"a {type(other).__name__}")
