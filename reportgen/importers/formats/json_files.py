"""JSON and JSON Lines, read strictly."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from reportgen.errors import DataError
from reportgen.importers.formats.compressed import compression_of, open_bytes
from reportgen.importers.formats.limits import (
    bytes_words,
    file_sha256,
    readable,
    require_memory,
    require_plain_file,
)
from reportgen.importers.formats.tables import LIST, OTHER, TEXT, Column, Spool
from reportgen.text import count, listing, plural, quoted

__all__ = [
    "JsonFault",
    "Lines",
    "parse",
    "read_json",
    "read_json_lines",
    "scores_by_class",
    "spooled_lines",
]


_DEEP = 200  # below the limit of any parser; checked only after a parser gave up


_MANY_DIGITS = 1000


_JSON_GROWTH = 12  # bytes in memory per byte of nested numbers


_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|-?(?:Infinity|NaN)|-?\d[\d.eE+-]*|[a-zA-Z]+', re.DOTALL
)


class JsonFault(ValueError):
    """Why a text is not valid JSON: `line` (from 1) and `what`."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line, self.what = line, what


class _Refused(Exception):
    """The parser met a refused token; it does not report the location."""


def parse(text: str) -> Any:
    """The value of a JSON text. Raises :class:`JsonFault`."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        what = f"{error.msg} (column {error.colno})"
        raise JsonFault(error.lineno, what[0].lower() + what[1:]) from error
    except (_Refused, RecursionError, MemoryError, ValueError) as error:
        raise _found_fault(text) or JsonFault(1, "not usable JSON") from error


def read_json(path: Path) -> Any:
    """The value in a JSON file, parsed strictly. Raises :class:`DataError` with its line."""
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
            f"line {error.line:,} of {quoted(path.name)} is not JSON: {error.what}",
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
    """An open bracket: the keys of an object, and whether the next string is a key."""

    is_object: bool
    keys: set[str] = field(default_factory=set)
    at_key: bool = True


def _found_fault(text: str) -> JsonFault | None:
    """The first refused token, and its line."""
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
        return f"{token} is not a JSON number"
    if sum(map(str.isdigit, token)) > _MANY_DIGITS:
        return f"a number of more than {_MANY_DIGITS:,} digits"
    return None


def _repeated_key(token: str, levels: list[_Level]) -> str | None:
    if not levels or not levels[-1].is_object or not levels[-1].at_key:
        return None
    with suppress(ValueError):
        token = json.dumps(json.loads(token))  # normalise escapes
    if token in levels[-1].keys:
        return f"the key {token[:60]} appears twice"
    levels[-1].keys.add(token)
    return None


MAX_LINE_BYTES = 16 << 20


_CHUNK_CELLS = 1 << 18


_LABEL_NAME = re.compile(r"label|pred|class|target|truth|^y_|^y$")


_MARK = b"\xef\xbb\xbf"


_WORDS = {True: "true", False: "false"}


def read_json_lines(path: Path, folder: Path) -> Spool:
    """Read the table in a JSON Lines file; its columns are the keys of the first line.

    A mapping from class names to numbers becomes a list column with names. Numbers and booleans
    become text in Python's notation. Raises :class:`DataError` with the line: invalid JSON, NaN, a
    repeated key, or a value of another kind than before.
    """
    require_plain_file(path)
    return spooled_lines(Lines(path), folder)


def spooled_lines(source: Lines, folder: Path) -> Spool:
    """The table of objects with the same keys, spooled."""
    path = source.path
    first = next(source.objects(), None)
    if first is None:
        raise DataError(
            f"{quoted(path.name)} is empty", slug="table-empty", hint="one JSON object per line"
        )
    source.lone = {name for name, value in first[1].items() if _is_lone_label(name, value)}
    source.columns = {name: _column(name, value) for name, value in first[1].items()}
    if any(map(_odd, source.columns)):
        raise source.error(first[0], "contains half a character in a key", "table-encoding")
    kept = {name: c for name, c in source.columns.items() if c.kind != OTHER}
    if not kept:
        raise DataError(
            f"{source.place(0)} of {quoted(path.name)} contains no columns",
            slug="table-columns",
            details=[f"{listing(map(quoted, source.columns))}: no single values"]
            if source.columns
            else [],
            hint='write single values, such as {"id": "1", "label": "cat", "prediction": "dog"}',
        )
    batches = source.batches(kept)
    spool = Spool.of(batches, folder, name=path.name, sha256="", columns=kept, find=source.place)
    columns = {
        name: replace(column, mixed=source.mixed.get(name, ""))
        for name, column in source.columns.items()
    }
    return replace(spool, sha256=source.sha256, columns=columns)


def _column(name: str, value: Any) -> Column:
    if _is_lone_label(name, value):
        return Column(name, TEXT)
    if isinstance(value, list) and value and all(map(_is_number, value)):
        return Column(name, LIST, len(value))
    if isinstance(value, dict) and value and all(map(_is_number, value.values())):
        return Column(name, LIST, len(value), tuple(value))
    return Column(name, OTHER if isinstance(value, (list, dict)) else TEXT)


def scores_by_class(value: Any) -> Any:
    """A list of ``{"label", "score"}``, as from Hugging Face pipelines, as a mapping."""
    if not isinstance(value, list) or not value:
        return value
    if not all(isinstance(one, dict) and one.keys() == {"label", "score"} for one in value):
        return value
    found = {str(one["label"]): one["score"] for one in value}
    return found if len(found) == len(value) else value


def _is_lone_label(name: str, value: Any) -> bool:
    """Whether a cell is a single label in a list, as ``"gt_label": [0]``."""
    one = isinstance(value, list) and len(value) == 1 and type(value[0]) in (int, str)
    return one and _LABEL_NAME.search(name.lower()) is not None


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _schema(columns: dict[str, Column]) -> Any:
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(c.name, pa.string() if c.kind == TEXT else pa.list_(pa.float64(), c.width))
            for c in columns.values()
        ]
    )


@dataclass
class Lines:
    """A JSON Lines file while it is read."""

    path: Path
    columns: dict[str, Column] = field(default_factory=dict)
    sha256: str = ""
    kinds: dict[str, tuple[str, str]] = field(default_factory=dict)
    mixed: dict[str, str] = field(default_factory=dict)
    lone: set[str] = field(default_factory=set)
    unit: str = "line"

    def objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """(line, object) of every line that is not blank; the hash is complete after the last."""
        digest = hashlib.sha256()
        with readable(self.path), open_bytes(self.path) as stream:
            for number, line in enumerate(
                iter(lambda: stream.readline(MAX_LINE_BYTES + 1), b""), start=1
            ):
                digest.update(line)
                if len(line) > MAX_LINE_BYTES:
                    raise self.error(
                        number, f"is longer than {bytes_words(MAX_LINE_BYTES)}", "table-syntax"
                    )
                line = line.removeprefix(_MARK) if number == 1 else line
                if not line.isspace():
                    yield number, self._object(number, line)
        packed = compression_of(self.path)
        self.sha256 = file_sha256(self.path) if packed else digest.hexdigest()

    def place(self, row: int) -> str:
        found = next(islice(self.objects(), row, None), None)
        return f"row {row + 1:,}" if found is None else f"line {found[0]:,}"

    def batches(self, columns: dict[str, Column]) -> Iterator[Any]:
        import pyarrow as pa

        schema = _schema(columns)
        cells = sum(c.width or 1 for c in columns.values())
        rows = self.objects()
        while chunk := list(islice(rows, max(_CHUNK_CELLS // cells, 1))):
            arrays = [
                self._texts(column, chunk) if column.kind == TEXT else self._lists(column, chunk)
                for column in columns.values()
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _object(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            value = parse(line.decode("utf-8").rstrip("\r\n"))
        except UnicodeDecodeError as error:
            raise self.error(
                number, f"is not UTF-8 at its byte {error.start:,}", "table-encoding"
            ) from error
        except JsonFault as error:
            raise self.error(number, f"is not JSON: {error.what}", "table-syntax") from error
        if not isinstance(value, dict):
            raise self.error(number, "is not a JSON object", "table-syntax")
        return {name: scores_by_class(cell) for name, cell in value.items()}

    def _texts(self, column: Column, chunk: list[tuple[int, dict[str, Any]]]) -> Any:
        import pyarrow as pa

        texts = [self._text(column.name, line, value.get(column.name)) for line, value in chunk]
        try:
            return pa.array(texts, pa.string())
        except (UnicodeError, pa.ArrowException):
            line = next(line for (line, _), text in zip(chunk, texts, strict=True) if _odd(text))
            raise self.error(
                line, f"contains half a character in {quoted(column.name)}", "table-encoding"
            ) from None

    def _text(self, name: str, line: int, value: Any) -> str | None:
        if value is None:
            return None
        if name in self.lone and _is_lone_label(name, value):
            value = value[0]
        if isinstance(value, (list, dict)):
            raise self.error(line, f"has a list in {quoted(name)}, not one value", "table-cell")
        text = value if isinstance(value, str) else self._written(name, line, value)
        kind = "text" if isinstance(value, str) else "number"
        here = f"the {kind} {quoted(text[:40])} in line {line:,}"
        if (before := self.kinds.setdefault(name, (kind, here)))[0] != kind:
            self.mixed.setdefault(name, f"{before[1]}, {here}")
        return text

    def _written(self, name: str, line: int, value: float) -> str:
        try:
            return _WORDS[value] if isinstance(value, bool) else repr(value)
        except ValueError as error:  # more digits than Python converts to text
            raise self.error(
                line, f"has too many digits in {quoted(name)}", "table-cell"
            ) from error

    def _lists(self, column: Column, chunk: list[tuple[int, dict[str, Any]]]) -> Any:
        import pyarrow as pa

        assert column.width is not None
        table = np.empty((len(chunk), column.width))
        for i, (line, value) in enumerate(chunk):
            table[i] = self._numbers(column, line, value.get(column.name))
        return pa.FixedSizeListArray.from_arrays(pa.array(table.ravel()), column.width)

    def _numbers(self, column: Column, line: int, value: Any) -> Any:
        if column.names is not None and isinstance(value, dict):
            if value.keys() != set(column.names):
                raise self.error(
                    line,
                    f"has other keys in {quoted(column.name)} than the first line",
                    "table-cell",
                    "save the scores of all classes in every line (in a pipeline of Transformers: "
                    "top_k=None), or only the best class",
                )
            value = [value[name] for name in column.names]
        if not isinstance(value, list) or len(value) != column.width:
            found = plural(len(value), "value") if isinstance(value, list) else "no list"
            raise self.error(
                line, f"has {found} in {quoted(column.name)}, not {column.width}", "table-cell"
            )
        if not all(map(_is_number, value)):
            raise self.error(line, f"has no numbers in {quoted(column.name)}", "table-cell")
        try:
            return [np.nan if cell is None else float(cell) for cell in value]
        except OverflowError as error:
            raise self.error(
                line, f"has a number beyond 10^308 in {quoted(column.name)}", "table-cell"
            ) from error

    def error(self, line: int, what: str, slug: str, hint: str = "") -> DataError:
        return DataError(
            f"{self.unit} {count(line)} of {quoted(self.path.name)} {what}",
            slug=slug,
            hint=hint
            or f"every {self.unit} is one JSON object with the same keys and kinds of values",
        )


def _odd(text: str | None) -> bool:
    try:
        (text or "").encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
