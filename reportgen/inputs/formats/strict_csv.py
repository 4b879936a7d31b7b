"""The strict reader of CSV and TSV: every cell is text, every fault has its line.

This is the definition of what a table says; :mod:`reportgen.inputs.formats.delimited` has a faster
way for plain files, which gives the same cells or comes back here.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reportgen.errors import DataError, UsageError
from reportgen.inputs.formats.compressed import (
    compression_of,
    inner_name,
    open_bytes,
    open_text,
)
from reportgen.inputs.formats.limits import file_sha256, readable
from reportgen.text import count, printable, quoted

__all__ = ["Dialect", "FileScan", "dialect_of", "rows_of", "scan"]

FIELD_LIMIT = 131_072
_BLOCK = 1 << 18
_UTF8 = ("utf-8", "utf-8-sig")


@dataclass(frozen=True)
class Dialect:
    """How cells are separated and characters encoded; `given` is whether the user said so."""

    delimiter: str = ","
    encoding: str = "utf-8"
    given: bool = False

    @property
    def is_utf8(self) -> bool:
        return self.encoding in _UTF8


@dataclass(frozen=True)
class FileScan:
    """What one look at the bytes tells.

    Attributes
    ----------
    sha256
        Hexadecimal, of the file's bytes.
    has_quotes
        Whether a double quote occurs anywhere.
    packed
        Whether the file is compressed.
    """

    sha256: str
    has_quotes: bool
    packed: bool = False


def dialect_of(path: Path, separator: str, encoding: str) -> Dialect:
    """The dialect that was asked for; by default comma, in ``.tsv`` and ``.tab`` files tab."""
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)
    except (LookupError, UnicodeError, ValueError, TypeError):
        raise UsageError(
            f"--encoding {quoted(encoding)} is no encoding of text",
            slug="option-value",
            hint="for example --encoding utf-16 or --encoding latin-1",
        ) from None
    tabs = inner_name(path).suffix.lower() in (".tsv", ".tab")
    return Dialect(separator or ("\t" if tabs else ","), name, bool(separator))


def scan(path: Path, dialect: Dialect) -> FileScan:
    """Hash the file, and look for what no table may hold.

    Raises :class:`DataError` naming byte or line, where it is not of its encoding, or holds NUL.
    """
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    has_quotes, offset = False, 0
    buffer = bytearray(_BLOCK)  # one for all blocks: memory that is new costs more than the hash
    with _reading(path), open_bytes(path) as stream:
        while n := stream.readinto(buffer):  # type: ignore[attr-defined]
            block = buffer if n == _BLOCK else buffer[:n]
            digest.update(block)
            has_quotes = has_quotes or b'"' in block
            if dialect.is_utf8:
                _require_no_nul(path, block, offset)
                _require_utf8(path, decoder, block, offset)
            offset += len(block)
        if dialect.is_utf8:
            _require_utf8(path, decoder, b"", offset, final=True)
    packed = bool(compression_of(path))
    return FileScan(file_sha256(path) if packed else digest.hexdigest(), has_quotes, packed)


def rows_of(path: Path, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of every row, the header first; all rows have as many cells as the header.

    `line` is the line in which the row begins, from 1; blank lines are passed over. Raises
    :class:`DataError` naming the line.
    """
    encoding = "utf-8-sig" if dialect.is_utf8 else dialect.encoding
    start, width = 1, None
    with _reading(path, encoding), open_text(path, encoding) as stream:
        reader = csv.reader(_without_nul(stream, path), delimiter=dialect.delimiter, strict=True)
        while True:
            start = reader.line_num + 1
            try:
                row = next(reader, None)
            except csv.Error as error:
                raise _syntax_error(path, start, reader.line_num, error) from error
            if row is None:
                return
            if not row:
                continue
            width = len(row) if width is None else width
            if len(row) != width:
                raise _ragged(path, start, len(row), width)
            yield start, row


@contextmanager
def _reading(path: Path, encoding: str = "utf-8") -> Iterator[None]:
    """Errors of the system and of decoding become a :class:`DataError`."""
    try:
        with readable(path):
            yield
    except UnicodeError as error:
        if encoding in _UTF8:
            scan(path, Dialect())  # which knows the byte
        raise DataError(
            f"{quoted(path.name)} is not {encoding.upper()}",
            slug="table-encoding",
            hint="name its encoding, such as --encoding latin-1, or save it as UTF-8",
        ) from error


def _require_no_nul(path: Path, block: bytes | bytearray, offset: int) -> None:
    if b"\0" not in block:
        return
    if offset == 0 and block[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return  # UTF-16 is said by its own error
    at = block.index(b"\0")
    with open_bytes(path) as stream:
        before = sum(part.count(b"\n") for part in iter(lambda: stream.read(_BLOCK), b"")
                     if stream.tell() <= offset)  # fmt: skip
    raise _nul_error(path, before + block.count(b"\n", 0, at) + 1)


def _nul_error(path: Path, line: int) -> DataError:
    return DataError(
        f"line {line:,} of {quoted(path.name)} holds a NUL byte",
        slug="table-syntax",
        hint="the file is damaged, no text, or UTF-16 without a mark: --encoding utf-16-le",
    )


def _require_utf8(
    path: Path,
    decoder: codecs.IncrementalDecoder,
    block: bytes | bytearray,
    offset: int,
    *,
    final: bool = False,
) -> None:
    pending = len(decoder.getstate()[0])
    if not pending and block.isascii() and not final:
        return
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError as error:
        at = offset - pending + error.start
        marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        likely = "utf-16" if at == 0 and block[:2] in marks else "latin-1"
        raise DataError(
            f"{quoted(path.name)} is not UTF-8 at byte {at:,}",
            slug="table-encoding",
            hint=f"name its encoding, probably --encoding {likely}, or save it as UTF-8",
        ) from error


def _without_nul(lines: Iterator[str], path: Path) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise _nul_error(path, number)
        yield line


def _ragged(path: Path, line: int, found: int, expected: int) -> DataError:
    return DataError(
        f"line {line:,} of {quoted(path.name)} has {found} cells, not {expected}",
        slug="table-ragged",
        hint="every row needs as many cells as the first; cells that hold the delimiter must be "
        "quoted",
    )


def _syntax_error(path: Path, start: int, line: int, error: csv.Error) -> DataError:
    text = str(error)
    if "unexpected end" in text or ("field larger" in text and line > start):
        what = f"the quote that opens in line {start:,} or below never closes"
        if line == start:
            what = f"the quote that opens in line {start:,} never closes"
    elif "field larger" in text:
        what = f"line {start:,}: a field is longer than {count(FIELD_LIMIT)} characters"
    else:
        what = f"line {line:,}: {printable(text)}"
    return DataError(
        f"{quoted(path.name)} is no valid CSV, {what}",
        slug="table-syntax",
        hint="check the quotes; cells that hold quotes or delimiters must be quoted",
    )
