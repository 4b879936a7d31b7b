"""Codecs: how values of one kind are read from JSON, written, and described by a JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reportgen.jsonio.paths import MOST, Ends, JsonPath, OneOf, Range
from reportgen.jsonio.texts import number_texts, string_texts

__all__ = [
    "PLAIN",
    "Classes",
    "Codec",
    "Definitions",
    "Schema",
    "Writer",
    "limited",
    "list_of",
    "mapping_of",
    "one_of",
    "optional",
    "tuple_of",
    "write_plain",
]


Schema = dict[str, Any]


Classes = Sequence[str]


Writer = Callable[[Any, Classes], Any]


class Definitions:
    """The schemas of records by name, each created once."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self._owners: dict[str, Any] = {}

    def reference(self, name: str, owner: Any, make: Callable[[Definitions], Schema]) -> Schema:
        """A reference to the schema named `name`, created by `make` if needed.

        Raises :class:`ValueError` if another `owner` has that name.
        """
        if name not in self.schemas:
            self._owners[name] = owner
            self.schemas[name] = {}  # a record may contain others of its kind
            self.schemas[name].update(make(self))
        if self._owners[name] != owner:
            raise ValueError(f"{owner} and {self._owners[name]} both have the name {name}")
        return {"$ref": f"#/$defs/{name}"}


@dataclass(frozen=True)
class Codec:
    """One annotation.

    Attributes
    ----------
    read
        A place → the value; raises :class:`~reportgen.jsonio.Fault`.
    write
        The value, and the classes of the document → plain JSON; None if values are plain JSON.
    schema
        Definitions → its JSON Schema, draft 2020-12.
    texts
        Many values, and the classes → the JSON text of each; None to use `write`.
    """

    read: Callable[[JsonPath], Any]
    write: Writer | None
    schema: Callable[[Definitions], Schema]
    texts: Callable[[Sequence[Any], Classes], list[str]] | None = None

    def texts_of(self, values: Sequence[Any], classes: Classes) -> list[str]:
        """The JSON text of each value."""
        if self.texts is not None:
            return self.texts(values, classes)
        return [
            json.dumps(write_plain(self.write, one, classes), allow_nan=False) for one in values
        ]


def write_plain(write: Writer | None, value: Any, classes: Classes) -> Any:
    """The value as JSON; unchanged without a writer."""
    return value if write is None else write(value, classes)


def limited(kind: Any, limit: Range | Ends | OneOf) -> Codec:
    """A number, the ends of an interval, or one of some values, within limits."""
    if isinstance(limit, Ends):
        return Codec(lambda place: place.ends(limit.allowed), _as_list, lambda _: _ends(limit))
    if isinstance(limit, OneOf):
        return one_of(limit.values)
    if kind is int:
        return Codec(
            lambda place: place.whole(limit), None, lambda _: _limits("integer", limit), _numbers
        )
    return Codec(
        lambda place: place.number(limit), None, lambda _: _limits("number", limit), _numbers
    )


def _limits(kind: str, limit: Range | None) -> Schema:
    found: Schema = {"type": kind}
    if limit is not None and limit.low > -MOST:
        found["minimum"] = int(limit.low)
    if limit is not None and limit.high < MOST:
        found["maximum"] = int(limit.high)
    return found


def _ends(ends: Ends) -> Schema:
    return _list_schema(_limits("number", ends.allowed), 2)


def _list_schema(items: Schema, n: int | None = None) -> Schema:
    fixed = {} if n is None else {"minItems": n, "maxItems": n}
    return {"type": "array", "items": items, **fixed}


def _as_list(value: Any, _: Classes) -> list[Any]:
    return list(value)


def _text_schema(_: Definitions) -> Schema:
    return {"type": "string"}


def _strings(values: Sequence[str], _: Classes) -> list[str]:
    return string_texts(values)


def _numbers(values: Sequence[float | None], _: Classes) -> list[str]:
    return number_texts(values)


PLAIN: dict[Any, Codec] = {
    str: Codec(JsonPath.text, None, _text_schema, _strings),
    bool: Codec(JsonPath.flag, None, lambda _: {"type": "boolean"}, _numbers),
    int: Codec(JsonPath.whole, None, lambda _: {"type": "integer", "minimum": 0}, _numbers),
    float: Codec(JsonPath.number, None, lambda _: {"type": "number"}, _numbers),
    type(None): Codec(lambda place: place.value, None, lambda _: {"type": "null"}),
}


def one_of(values: tuple[Any, ...]) -> Codec:
    """One of these texts or integers."""

    def schema(_: Definitions) -> Schema:
        return {"const": values[0]} if len(values) == 1 else {"enum": list(values)}

    if isinstance(values[0], int):
        allowed = Range(min(values), max(values))
        return Codec(lambda place: place.whole(allowed), None, schema)
    return Codec(lambda place: place.one_of(values), None, schema)


def optional(some: Codec) -> Codec:
    """The codec, or null."""
    write = some.write
    return Codec(
        lambda place: None if place.is_none else some.read(place),
        write and (lambda value, classes: None if value is None else write(value, classes)),
        lambda known: _or_null(some.schema(known)),
        _numbers if some.texts is _numbers else None,
    )


def _or_null(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def list_of(of_item: Codec) -> Codec:
    """A list of any length."""
    write = of_item.write
    return Codec(
        lambda place: tuple(of_item.read(one) for one in place.items()),
        _as_list if write is None else lambda v, classes: [write(one, classes) for one in v],
        lambda known: _list_schema(of_item.schema(known)),
    )


def tuple_of(of_parts: Sequence[Codec]) -> Codec:
    """A list with these members."""

    def read(place: JsonPath) -> Any:
        items = place.of_length(len(of_parts))
        return tuple(one.read(item) for one, item in zip(of_parts, items, strict=True))

    def write(value: Any, classes: Classes) -> list[Any]:
        pairs = zip(of_parts, value, strict=True)
        return [write_plain(one.write, item, classes) for one, item in pairs]

    def schema(known: Definitions) -> Schema:
        items = [one.schema(known) for one in of_parts]
        n = len(items)
        return {"type": "array", "prefixItems": items, "minItems": n, "maxItems": n}

    is_plain = all(one.write is None for one in of_parts)
    return Codec(read, _as_list if is_plain else write, schema)


def mapping_of(of_value: Codec) -> Codec:
    """An object with any names."""
    write = of_value.write

    def write_all(found: Mapping[str, Any], classes: Classes) -> dict[str, Any]:
        return {key: write_plain(write, item, classes) for key, item in found.items()}

    return Codec(
        lambda place: {_key(at): of_value.read(at) for at in place.entries().values()},
        write_all,
        lambda known: {"type": "object", "additionalProperties": of_value.schema(known)},
    )


def _key(place: JsonPath) -> str:
    """The key of an object's member, validated like other texts."""
    return JsonPath(place.key, place.parent, place.key).text()
