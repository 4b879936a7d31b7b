"""Annotations define how a value is read from JSON, written, and described by a JSON Schema.

A value class is read and written by its own annotations, so the permitted content of a field is
defined once, at its declaration: ``count: int``, ``low: Share``, ``kind: Literal["a", "b"]``,
``bars: tuple[Bar, ...]``.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache, cached_property
from operator import attrgetter
from typing import (
    Annotated,
    Any,
    Literal,
    Protocol,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from reportgen.jsonio.codecs import (
    PLAIN,
    Classes,
    Codec,
    Definitions,
    Schema,
    Writer,
    limited,
    list_of,
    mapping_of,
    one_of,
    optional,
    tuple_of,
    write_plain,
)
from reportgen.jsonio.descriptions import attribute_descriptions, class_description
from reportgen.jsonio.paths import MOST, Ends, Fault, Json, JsonPath, OneOf, Range, Reading
from reportgen.jsonio.texts import ElementTexts, object_texts, string_texts

__all__ = [
    "Cell",
    "ClassIndex",
    "ClassNumber",
    "Flat",
    "Form",
    "Key",
    "OmitDefault",
    "OmitNone",
    "Via",
    "codec_of",
    "element_texts",
    "read_record",
    "read_value",
    "write_value",
]


T = TypeVar("T")


class HasCodec(Protocol):
    """Part of an ``Annotated[...]`` that creates the codec itself."""

    def codec(self, kind: Any, /) -> Codec: ...


@dataclass(frozen=True)
class Key:
    """The name in JSON, if it differs from that of the field."""

    name: str


@dataclass(frozen=True)
class Flat:
    """The members of the record are written to the enclosing object."""


@dataclass(frozen=True)
class OmitNone:
    """None is not written, and the member may be missing."""


@dataclass(frozen=True)
class OmitDefault:
    """The default is not written, and the member may be missing."""


@dataclass(frozen=True)
class ClassName:
    """An index written as the name of its class."""

    def codec(self, _: Any) -> Codec:
        def texts(indices: Sequence[int], classes: Classes) -> list[str]:
            names = string_texts(classes)
            return [names[index] for index in indices]

        return Codec(
            JsonPath.class_index,
            lambda index, classes: classes[index],
            lambda _: {"type": "string", "description": "Name of a class."},
            texts,
        )


@dataclass(frozen=True)
class _ClassNumber:
    """An index written as a number; it must be a class index."""

    def codec(self, _: Any) -> Codec:
        def read(place: JsonPath) -> int:
            return place.whole(Range(0, len(place.reading.index) - 1))

        return Codec(read, None, PLAIN[int].schema)


ClassIndex = Annotated[int, ClassName()]
"""A class: its index in memory, its name in JSON."""


ClassNumber = Annotated[int, _ClassNumber()]
"""A class by its index, also in JSON."""


Cell = tuple[ClassNumber, ClassNumber, Annotated[int, Range(1, MOST)]]
"""A cell of a sparse matrix: row, column, count above 0."""


@dataclass(frozen=True)
class Via:
    """Read and written by way of another annotation.

    Attributes
    ----------
    form
        The annotation of the JSON form.
    to_form
        The value → one of `form`.
    from_form
        One of `form`, and its location → the value.
    """

    form: Any
    to_form: Callable[[Any], Any]
    from_form: Callable[[Any, JsonPath], Any]

    def codec(self, _: Any) -> Codec:
        inner = codec_of(self.form)
        return Codec(
            lambda place: self.from_form(inner.read(place), place),
            lambda value, classes: write_plain(inner.write, self.to_form(value), classes),
            inner.schema,
        )


@dataclass(frozen=True)
class Form:
    """Properties of a record's JSON that annotations don't define: ``__json__: ClassVar[Form]``.

    Attributes
    ----------
    order
        All names in JSON; by default the fields in their order, then `told`.
    told
        Properties that are also written, for other programs, but not read.
    optional
        Fields missing in documents of earlier versions; None means those with a default.
    beside
        Further names of the object, read elsewhere.
    exactly_one
        Names of which exactly one is present.
    """

    order: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    optional: frozenset[str] | None = None
    beside: frozenset[str] = frozenset()
    exactly_one: tuple[str, ...] = ()


_DEFAULT_FORM = Form()


def read_value(hint: Any, value: Json | Any, classes: Classes = ()) -> Any:
    """Read a value by `hint`; `value` may also be parsed JSON, with `classes`."""
    if not isinstance(value, JsonPath):
        value = JsonPath(value, reading=Reading({name: i for i, name in enumerate(classes)}))
    return codec_of(hint).read(value)


def write_value(hint: Any, value: Any, classes: Classes = ()) -> Any:
    """Plain JSON of a value of this annotation: dicts, lists, strings, numbers."""
    return write_plain(codec_of(hint).write, value, classes)


def element_texts(hint: Any, values: Sequence[Any], classes: Classes = ()) -> ElementTexts:
    """The JSON text of each value of this annotation; fast for many values."""
    return ElementTexts(codec_of(hint).texts_of(values, classes))


@cache
def codec_of(hint: Any) -> Codec:
    """The codec of an annotation."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _of_annotated(parts[0], parts[1:])
    if origin is Literal:
        return one_of(parts)
    if origin in (Union, types.UnionType):
        (some,) = (part for part in parts if part is not type(None))
        return optional(codec_of(some))
    if origin is tuple:
        if parts[1:] == (...,):
            return list_of(codec_of(parts[0]))
        return tuple_of([codec_of(part) for part in parts])
    if origin is not None and issubclass(origin, Mapping):
        return mapping_of(codec_of(parts[1]))
    if hint in PLAIN:
        return PLAIN[hint]
    own = getattr(hint, "json_codec", None)
    return _of_record(hint) if own is None else own()


def _of_annotated(kind: Any, parts: tuple[Any, ...]) -> Codec:
    """The first part that is more than a name or a limit creates the codec."""
    for part in parts:
        if hasattr(part, "codec"):
            return cast(HasCodec, part).codec(kind)
    for part in parts:
        if isinstance(part, (Range, Ends, OneOf)):
            return limited(kind, part)
    return codec_of(kind)


@dataclass(frozen=True)
class Member:
    """A member of a record's object.

    Attributes
    ----------
    key
        In JSON.
    name
        Name of the field or property.
    needed
        Whether it must be present.
    is_field
        Whether it is read; properties are only written.
    is_flat
        Whether the members of its value are inlined.
    omitted
        The JSON value that is omitted: nothing, None, or the default.
    """

    key: str
    name: str
    codec: Codec
    needed: bool = True
    is_field: bool = True
    is_flat: bool = False
    omitted: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Record:
    """The members of a dataclass, in JSON order.

    `names`: all names that its object may contain.
    """

    kind: type[Any]
    members: tuple[Member, ...]
    names: frozenset[str]

    def read(self, place: JsonPath) -> Any:
        return self.read_with(place, {})

    def read_with(self, place: JsonPath, given: dict[str, Any]) -> Any:
        """Read the dataclass, except for the fields already `given`."""
        place.keep_others(self.names)
        _require_one(place, _form_of(self.kind).exactly_one)
        return self._read_known(place, given)

    def _read_known(self, place: JsonPath, given: dict[str, Any]) -> Any:
        values, there = dict(given), place.members()
        for one in self.members:
            if one.is_field and one.name not in values and (one.needed or one.key in there):
                values[one.name] = one.codec.read(place if one.is_flat else place[one.key])
        try:
            made = self.kind(**values)
        except Fault:
            raise
        except ValueError as error:
            place.contradicts(str(error))
        check = getattr(made, "check_place", None)
        if check is not None:
            check(place)
        return made

    def write(self, value: Any, classes: Classes) -> dict[str, Any]:
        found = dict(zip(self.keys, self.values_of(value), strict=True))
        for key, write in self.converted:
            found[key] = write(found[key], classes)
        if not self.is_plain:
            found = self._arranged(found)
        return found

    def texts(self, values: Sequence[Any], classes: Classes) -> list[str]:
        """The JSON text of each value, column by column."""
        if not values:
            return []
        if not self.is_plain:
            return [json.dumps(self.write(one, classes), allow_nan=False) for one in values]
        columns = zip(*map(self.values_of, values), strict=True)
        pairs = zip(self.members, columns, strict=True)
        return object_texts(
            self.keys, [one.codec.texts_of(column, classes) for one, column in pairs]
        )

    @cached_property
    def keys(self) -> tuple[str, ...]:
        return tuple(one.key for one in self.members)

    @cached_property
    def values_of(self) -> Callable[[Any], tuple[Any, ...]]:
        """The members of a value, in order."""
        names = [one.name for one in self.members]
        if len(names) > 1:
            return cast(Callable[[Any], tuple[Any, ...]], attrgetter(*names))
        return lambda value: (getattr(value, names[0]),)

    @cached_property
    def converted(self) -> tuple[tuple[str, Writer], ...]:
        """The members that are not plain JSON."""
        pairs = [(one.key, one.codec.write) for one in self.members]
        return tuple((key, write) for key, write in pairs if write is not None)

    @cached_property
    def is_plain(self) -> bool:
        return not _form_of(self.kind).order and not any(
            one.is_flat or one.omitted for one in self.members
        )

    def _arranged(self, written: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for one in self.members:
            item = written[one.key]
            if one.is_flat:
                found.update(item)
            elif item not in one.omitted:
                found[one.key] = item
        return _ordered(found, _form_of(self.kind).order)

    def schema(self, known: Definitions) -> Schema:
        properties: dict[str, Any] = {}
        required: list[str] = []
        told = attribute_descriptions(self.kind)
        for one in self.members:
            inner = one.codec.schema(known)
            if one.is_flat:
                properties |= inner["properties"]
                required += inner["required"]
            else:
                properties[one.key] = _with_description(inner, told.get(one.name))
                required += [one.key] * (one.needed and not one.omitted)
        form = _form_of(self.kind)
        properties = _ordered(properties, form.order)
        wanted = [name for name in properties if name in required]
        found: Schema = {
            "type": "object",
            "description": class_description(self.kind),
            "properties": properties,
            "required": wanted,
        }
        if form.exactly_one:
            found["oneOf"] = [{"required": [name]} for name in form.exactly_one]
        return found


def _require_one(place: JsonPath, names: tuple[str, ...]) -> None:
    there = [name for name in names if name in place]
    if names and len(there) != 1:
        place.contradicts(f"one of {', '.join(names)} is expected")


def _with_description(schema: Schema, text: str | None) -> Schema:
    return schema if text is None else {**schema, "description": schema.get("description", text)}


def _ordered(members: dict[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    if not order:
        return members
    return {name: members[name] for name in order if name in members}


def _form_of(kind: type[Any]) -> Form:
    form: Form = getattr(kind, "__json__", _DEFAULT_FORM)
    return form


@cache
def record_of(kind: Any) -> Record:
    """The record of a dataclass."""
    hints = get_type_hints(kind, include_extras=True)
    form = _form_of(kind)
    members = [_of_field(item, hints[item.name], form) for item in fields(kind)]
    members += [_of_told(name, getattr(kind, name)) for name in form.told]
    found = [one for one in members if one is not None]
    names = {one.key for one in found if not one.is_flat} | form.beside
    for one in found:
        if one.is_flat:
            names |= record_of(hints[one.name].__origin__).names
    return Record(kind, tuple(found), frozenset(names))


def _of_field(item: Field[Any], hint: Any, form: Form) -> Member | None:
    metadata = getattr(hint, "__metadata__", ())
    if any(part is NOT_IN_JSON for part in metadata):
        return None
    key = next((part.name for part in metadata if isinstance(part, Key)), item.name)
    has_default = item.default is not MISSING or item.default_factory is not MISSING
    is_flat = any(isinstance(part, Flat) for part in metadata)
    may_lack = has_default if form.optional is None else item.name in form.optional
    if is_flat:
        record = record_of(hint.__origin__)
        flat = Codec(lambda place: record._read_known(place, {}), record.write, record.schema)
        return Member(key, item.name, flat, is_flat=True)
    codec = codec_of(hint)
    omitted = _omitted(item, codec, metadata)
    return Member(key, item.name, codec, not (may_lack or omitted), omitted=omitted)


def _omitted(item: Field[Any], codec: Codec, metadata: tuple[Any, ...]) -> tuple[Any, ...]:
    if any(isinstance(part, OmitNone) for part in metadata):
        return (None,)
    if any(isinstance(part, OmitDefault) for part in metadata):
        return (write_plain(codec.write, item.default, ()),)
    return ()


NOT_IN_JSON = object()
"""In ``Annotated[...]``: a field that is not in JSON."""


def _of_told(name: str, item: property) -> Member:
    hint = get_type_hints(item.fget, include_extras=True)["return"]
    return Member(name, name, codec_of(hint), needed=False, is_field=False)


def _of_record(kind: Any) -> Codec:
    record = record_of(kind)
    return Codec(record.read, record.write, _reference(record), record.texts)


def _reference(record: Record) -> Callable[[Definitions], Schema]:
    name = record.kind.__name__
    return lambda known: known.reference(name, record.kind, record.schema)


def read_record(kind: type[T], place: JsonPath, **given: Any) -> T:
    """Read the dataclass `kind`, each field by its annotation, except those already `given`.

    A field with a default may be missing, unless the class's :class:`Form` declares otherwise.
    Unknown members are kept, to be written again.
    """
    made: T = record_of(cast(Any, kind)).read_with(place, given)
    return made
