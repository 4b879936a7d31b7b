"""JSON read with types: what is wrong names its place and its value.

A value class is read by its own annotations, so what a field may hold is said once, where it is
declared: ``count: Count``, ``low: Share``, ``kind: Literal["a", "b"]``, ``bar: tuple[Bar, ...]``.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import (
    Annotated,
    Any,
    Literal,
    NoReturn,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from reportgen.errors import DataError
from reportgen.text import middle_cut, printable, quoted

__all__ = [
    "MOST",
    "Ends",
    "Fault",
    "Interval",
    "Json",
    "OneOf",
    "Place",
    "Positive",
    "Range",
    "Share",
    "ShareInterval",
    "Signed",
    "damage_told",
    "plain",
    "shown",
]

T = TypeVar("T")

MOST = 2**61
"""No count is larger: see :data:`reportgen.confusion.MAX_SAMPLES`."""
_ROUNDING = 1e-9


class Fault(ValueError):
    """A value that is not what its place in the JSON asks for; the message names both."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float = math.inf

    def holds(self, number: float) -> bool:
        """Sums of shares may leave their range by a rounding error."""
        return self.low - _ROUNDING <= number <= self.high + _ROUNDING

    def words(self) -> str:
        if self.high >= MOST:
            return f"{self.low:g} or more"
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class OneOf:
    """These values and no others."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Ends:
    """Of an interval: the lower one first, both in a range where there is one."""

    allowed: Range | None = None


Share = Annotated[float, Range(0, 1)]
Signed = Annotated[float, Range(-1, 1)]
Positive = Annotated[float, Range(0)]
Interval = Annotated[tuple[float, float], Ends()]
ShareInterval = Annotated[tuple[float, float], Ends(Range(0, 1))]
_COUNT = Range(0, MOST)


@dataclass(frozen=True, slots=True)
class Place:
    """A value of a JSON document, and where it stands.

    Attributes
    ----------
    value
        Parsed JSON: None, bool, int, float, str, list or dict.
    parent, key
        The list or object that it is in, and where there; None, and the document's name or
        nothing, at the top.
    """

    value: Any
    parent: Place | None = None
    key: str | int = ""

    @classmethod
    def of(cls, value: Json, name: str = "") -> Place:
        """The top of a document, which must be an object; a place stays what it is."""
        return value if isinstance(value, Place) else cls(value, None, name)

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
        """Raise :class:`Fault`: the value here is not `wanted`, words such as "a number"."""
        raise Fault(f"{self.path or 'the whole'} is {shown(self.value)}, not {wanted}")

    def contradicts(self, what: str) -> NoReturn:
        """Raise :class:`Fault`: the value here is of the right kind, but `what`."""
        raise Fault(f"{self.path or 'the whole'} is {shown(self.value)}: {what}")

    def __getitem__(self, key: str) -> Place:
        """The member `key` of an object; :class:`Fault` where there is none."""
        members = self._object()
        if key not in members:
            raise Fault(f"{Place(None, self, key).path} is missing")
        return Place(members[key], self, key)

    def get(self, key: str) -> Place:
        """The member `key` of an object; a place that holds None where there is none."""
        return Place(self._object().get(key), self, key)

    def __contains__(self, key: str) -> bool:
        return key in self._object()

    @property
    def is_none(self) -> bool:
        return self.value is None

    def items(self) -> list[Place]:
        """The elements of a list."""
        if not isinstance(self.value, (list, tuple)):
            self.fault("a list")
        return [Place(item, self, i) for i, item in enumerate(self.value)]

    def of_length(self, n: int) -> list[Place]:
        """The elements of a list that must have `n`."""
        items = self.items()
        if len(items) != n:
            self.fault(f"a list of {n:,}")
        return items

    def entries(self) -> dict[str, Place]:
        """The members of an object."""
        return {key: Place(item, self, key) for key, item in self._object().items()}

    def whole(self, allowed: Range = _COUNT) -> int:
        """A whole number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self.fault("a whole number")
        if not allowed.low <= self.value <= allowed.high:
            self.fault(f"a whole number of {allowed.words()}")
        return self.value

    def number(self, allowed: Range | None = None) -> float:
        """A number that is finite, as float."""
        found = self.value
        if isinstance(found, bool) or not isinstance(found, (int, float)):
            self.fault("a number")
        if (isinstance(found, int) and abs(found) > MOST) or not math.isfinite(found):
            self.fault("a number that can be used")
        if allowed is not None and not allowed.holds(found):
            self.fault(f"a number of {allowed.words()}")
        return float(found)

    def text(self) -> str:
        """Text without half characters, which no file could hold."""
        if not isinstance(self.value, str):
            self.fault("text")
        if not self.value.isascii() and any("\ud800" <= c <= "\udfff" for c in self.value):
            self.fault("text: it holds half a character")
        return self.value

    def flag(self) -> bool:
        """True or false."""
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

    def index(self, places: Mapping[str, int]) -> int:
        """Where a name stands among `places`: class name → index."""
        name = self.text()
        if name not in places:
            self.fault("one of the classes")
        return places[name]

    def read(self, hint: Any) -> Any:
        """The value as `hint`: an annotation, or a class that is read by :meth:`read_as`."""
        return _reader(hint)(self)

    def read_as(self, kind: type[T], *, every: bool = False, **known: Any) -> T:
        """The dataclass `kind`, each field by its annotation; those in `known` are read already.

        A field with a default may be missing, unless `every` one is asked for; what is no field
        may not be there.
        """
        names, readers = _fields_of(cast(Any, kind))
        members = self._object()
        if unknown := members.keys() - names:
            raise Fault(f"{Place(None, self, min(unknown)).path} is nothing that is known")
        for name, (reader, needed) in readers.items():
            if name not in known and (needed or every or name in members):
                known[name] = reader(self[name])
        try:
            return kind(**known)
        except Fault:
            raise
        except ValueError as error:
            self.contradicts(str(error))

    def _object(self) -> Mapping[str, Any]:
        if not isinstance(self.value, Mapping):
            self.fault("an object")
        return self.value


Json = Mapping[str, Any] | Place
"""What the readers of value classes take: parsed JSON, or a place in it."""

_Reader = Callable[[Place], Any]


def plain(value: Any) -> Any:
    """What ``dataclasses.asdict`` gives, as JSON has it: lists where there are tuples."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


@contextmanager
def damage_told(hint: str = "make the report again from its predictions.parquet") -> Iterator[None]:
    """What values of the wrong form raise in the block, as :class:`DataError`."""
    try:
        yield
    except Fault as error:
        raise _damaged(str(error), hint) from error
    except (
        ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
    ) as error:  # fmt: skip
        what = f"{type(error).__name__} {printable(middle_cut(str(error), 120))}"
        raise _damaged(what, hint) from error


def _damaged(what: str, hint: str) -> DataError:
    return DataError(
        f"report.json is not what reportgen writes: {what}", slug="report-json-damaged", hint=hint
    )


def shown(value: Any) -> str:
    """A value in a few words: what it is where it holds others."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value):,}"
    if isinstance(value, str):
        return quoted(middle_cut(value, 60))
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**40:
        return "a huge number"  # not its digits: Python refuses to print some
    return json.dumps(value, default=lambda other: f"a {type(other).__name__}")


@cache
def _fields_of(kind: type[Any]) -> tuple[frozenset[str], dict[str, tuple[_Reader, bool]]]:
    """(names, name → (reader, whether it must be there)) of the fields of a dataclass."""
    hints = get_type_hints(kind, include_extras=True)
    of = {
        item.name: (
            _reader(hints[item.name]),
            item.default is MISSING and item.default_factory is MISSING,
        )
        for item in fields(kind)
    }
    return frozenset(of), of


@cache
def _reader(hint: Any) -> _Reader:
    """How a value of this annotation is read."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _limited(parts[0], parts[1:])
    if origin is Literal:
        return lambda place: place.one_of(parts)
    if origin in (Union, types.UnionType):
        (some,) = (part for part in parts if part is not type(None))
        return _or_none(_reader(some))
    if origin is tuple:
        return _of_tuple(parts)
    if origin is not None and issubclass(origin, Mapping):
        of_value = _reader(parts[1])
        return lambda place: {_key(p): of_value(p) for p in place.entries().values()}
    return _PLAIN[hint] if hint in _PLAIN else _of_class(hint)


_PLAIN: dict[Any, _Reader] = {
    str: Place.text,
    bool: Place.flag,
    int: Place.whole,
    float: Place.number,
}


def _of_class(kind: type[Any]) -> _Reader:
    own = getattr(kind, "from_json", None)
    return own if own is not None else lambda place: place.read_as(kind)


def _limited(kind: Any, limits: tuple[Any, ...]) -> _Reader:
    (limit,) = limits
    if isinstance(limit, Ends):
        return lambda place: place.ends(limit.allowed)
    if isinstance(limit, OneOf):
        return lambda place: place.one_of(limit.values)
    if kind is int:
        return lambda place: place.whole(limit)
    return lambda place: place.number(limit)


def _or_none(reader: _Reader) -> _Reader:
    return lambda place: None if place.is_none else reader(place)


def _of_tuple(parts: tuple[Any, ...]) -> _Reader:
    if parts[1:] == (...,):
        of_item = _reader(parts[0])
        return lambda place: tuple(of_item(item) for item in place.items())
    readers = [_reader(part) for part in parts]
    return lambda place: tuple(
        reader(item) for reader, item in zip(readers, place.of_length(len(readers)), strict=True)
    )


def _key(place: Place) -> str:
    """The key of an object's member, which is text as any other."""
    return Place(place.key, place.parent, place.key).text()
