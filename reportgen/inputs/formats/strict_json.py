"""JSON without the liberties that parsers take: NaN, repeated keys, endless nesting and digits.

Python's parser is told to refuse them; where it does, a slower look at the tokens finds the place.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from reportgen.errors import DataError
from reportgen.inputs.formats.compressed import open_bytes
from reportgen.inputs.formats.limits import readable, require_memory, require_plain_file
from reportgen.text import quoted

__all__ = ["JsonFault", "parse", "read_json"]

_DEEP = 200  # less than any parser's limit: only asked for once a parser has given up
_MANY_DIGITS = 1000
_JSON_GROWTH = 12  # bytes in memory for a byte of numbers in brackets
_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|-?(?:Infinity|NaN)|-?\d[\d.eE+-]*|[a-zA-Z]+', re.DOTALL
)


class JsonFault(ValueError):
    """Why a text is no JSON that can be used: `line` (from 1) and `what`."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line, self.what = line, what


class _Refused(Exception):
    """The parser met what it was told to refuse; it does not say where."""


def parse(text: str) -> Any:
    """The value of a JSON text; raises :class:`JsonFault`."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        what = f"{error.msg} (column {error.colno})"
        raise JsonFault(error.lineno, what[0].lower() + what[1:]) from error
    except (_Refused, RecursionError, MemoryError, ValueError) as error:
        raise _found_fault(text) or JsonFault(1, "no JSON that can be used") from error


def read_json(path: Path) -> Any:
    """The value in a JSON file, strictly read; :class:`DataError` with its line."""
    size = require_plain_file(path)
    require_memory(_JSON_GROWTH * size, quoted(path.name))
    try:
        with readable(path), open_bytes(path) as stream:
            return parse(stream.read().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{quoted(path.name)} is not UTF-8 at byte {error.start:,}",
            slug="table-encoding",
            hint="save it as UTF-8",
        ) from error
    except JsonFault as error:
        raise DataError(
            f"line {error.line:,} of {quoted(path.name)} is no JSON: {error.what}",
            slug="table-syntax",
            hint="write it with a JSON library",
        ) from error


def _refuse(constant: str) -> NoReturn:
    raise _Refused(constant)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Refused("keys")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse)


@dataclass
class _Level:
    """One open bracket: the keys of an object, and whether the next string is one."""

    is_object: bool
    keys: set[str] = field(default_factory=set)
    at_key: bool = True


def _found_fault(text: str) -> JsonFault | None:
    """The first token that is refused, and its line."""
    levels: list[_Level] = []
    for match in _TOKEN.finditer(text):
        if what := _fault_of(match.group(), levels):
            return JsonFault(text.count("\n", 0, match.start()) + 1, what)
    return None


def _fault_of(token: str, levels: list[_Level]) -> str | None:
    if token in "{[":
        levels.append(_Level(token == "{"))
        return f"brackets nested more than {_DEEP} deep" if len(levels) > _DEEP else None
    if token in "}]":
        if levels:
            levels.pop()
        return None
    if token in ",:":
        if levels:
            levels[-1].at_key = token == ","
        return None
    if token.startswith('"'):
        return _repeated_key(token, levels)
    if token.endswith(("NaN", "Infinity")):
        return f"{token} is no JSON number"
    if sum(map(str.isdigit, token)) > _MANY_DIGITS:
        return f"a number of more than {_MANY_DIGITS:,} digits"
    return None


def _repeated_key(token: str, levels: list[_Level]) -> str | None:
    if not levels or not levels[-1].is_object or not levels[-1].at_key:
        return None
    with suppress(ValueError):
        token = json.dumps(json.loads(token))  # one spelling, whatever was escaped
    if token in levels[-1].keys:
        return f"the key {token[:60]} stands twice"
    levels[-1].keys.add(token)
    return None
