"""CSV and TSV, read strictly into a spool of text columns: cells are text, errors have a line."""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from reportgen.csv_text import declares_separator, separators
from reportgen.errors import DataError, UsageError
from reportgen.importers.formats.compressed import compression_of, inner_name, open_bytes, open_text
from reportgen.importers.formats.limits import file_sha256, readable, require_plain_file
from reportgen.importers.formats.tables import TEXT, Column, Spool, require_columns
from reportgen.text import count, printable, quoted

__all__ = [
    "Dialect",
    "FileScan",
    "delimiter_word",
    "dialect_of",
    "read_delimited",
    "rows_of",
    "scan",
    "separated_by",
]


FIELD_LIMIT = 131_072


_BLOCK = 1 << 18


_HEAD = 1 << 20  # characters


_UTF8 = ("utf-8", "utf-8-sig")


@dataclass(frozen=True)
class Dialect:
    """Delimiter, encoding and number format.

    `given`: the user passed the delimiter. `declared`: the first line is ``sep=;``. `comma`:
    numbers have a decimal comma. `found`: the delimiter was detected from the header. A space means
    any run of spaces.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    given: bool = False
    declared: bool = False
    comma: bool = False
    found: bool = False

    @property
    def is_loose(self) -> bool:
        """Whether only the strict reader supports it: runs of spaces, or a first line ``sep=;``."""
        return self.delimiter == " " or self.declared

    @property
    def is_utf8(self) -> bool:
        return self.encoding in _UTF8


@dataclass(frozen=True)
class FileScan:
    """The result of one pass over the bytes.

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


def dialect_of(path: Path, separator: str, encoding: str, decimal: str = ".") -> Dialect:
    """The requested dialect, otherwise a detected one.

    By default a comma; in ``.tsv`` and ``.tab`` files a tab; and ``;``, tab or ``|`` if the header
    contains that and no comma. Raises :class:`DataError` (``table-delimiter``) if the first rows
    could be separated by either of two.
    """
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)
    except (LookupError, UnicodeError, ValueError, TypeError):
        raise UsageError(
            f"--encoding {quoted(encoding)} is not a text encoding",
            slug="option-value",
            hint="for example --encoding utf-16 or --encoding latin-1",
        ) from None
    tabs = inner_name(path).suffix.lower() in (".tsv", ".tab")
    declared = "" if separator else _declared_separator(path)
    known = separator or declared or ("\t" if tabs else "")
    found = "" if known else _found_separator(path, name)
    return Dialect(
        known or found or ",",
        name,
        bool(separator or declared),
        bool(declared),
        decimal == ",",
        bool(found),
    )


def _declared_separator(path: Path) -> str:
    """The delimiter in a first line such as ``sep=;``, as read by Excel; otherwise empty."""
    try:
        with open_bytes(path) as stream:
            head = stream.read(16).removeprefix(codecs.BOM_UTF8)
    except (OSError, DataError):
        return ""  # the reader reports the error
    found = re.match(rb'"?sep=([;,|\t:])"?\r?\n', head, re.IGNORECASE)
    return found[1].decode() if found else ""


def _found_separator(path: Path, encoding: str) -> str:
    """The delimiter of the header, if it is not a comma; otherwise empty."""
    try:
        with open_text(path, "utf-8-sig" if encoding in _UTF8 else encoding) as stream:
            text = stream.read(_HEAD)
    except (OSError, UnicodeError, DataError):
        return ""  # the reader reports the error
    found = separators(text[: text.rfind("\n") + 1] if len(text) == _HEAD else text)
    if len(found) > 1:
        words = list(map(delimiter_word, found))
        options = " or ".join(f"--delimiter {word}" for word in words)
        lines = " or ".join(f"sep={mark}" for mark in found if mark != "\t")
        raise DataError(
            f"the cells of {quoted(path.name)} may be separated by {' or by '.join(words)}",
            slug="table-delimiter",
            details=[
                f"{word}: {found[mark]:,} columns" for mark, word in zip(found, words, strict=True)
            ],
            hint=f"specify which: {options}; in a file beside INPUT by its first line: {lines}",
        )
    return "".join(found).replace(",", "")


def separated_by(mark: str) -> str:
    """A sentence on the delimiter that was detected from the header."""
    return f"cells separated by {delimiter_word(mark)}"


def delimiter_word(mark: str) -> str:
    """A delimiter as typed after ``--delimiter``.

    >>> delimiter_word(";"), delimiter_word("\\t")
    ("';'", 'tab')
    """
    return {"\t": "tab", " ": "spaces"}.get(mark, f"'{mark}'")


def scan(path: Path, dialect: Dialect) -> FileScan:
    """Hash the file, and find bytes that no table may contain.

    Raises :class:`DataError` with byte or line, if it has another encoding or contains NUL.
    """
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    has_quotes, offset = False, 0
    buffer = bytearray(_BLOCK)  # one buffer for all blocks: fresh memory costs more than the hash
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

    `line` is the line in which the row begins, from 1; blank lines are skipped. Raises
    :class:`DataError` with the line.
    """
    encoding = "utf-8-sig" if dialect.is_utf8 else dialect.encoding
    start, begun, width = 1, 1, None
    first: list[str] = []
    with _reading(path, encoding), open_text(path, encoding) as stream:
        spaces = dialect.delimiter == " "
        lines = _without_nul(stream, path)
        reader = csv.reader(
            map(_one_space, lines) if spaces else lines,
            delimiter=dialect.delimiter,
            strict=True,
            skipinitialspace=spaces,
        )
        while True:
            start = reader.line_num + 1
            try:
                row = next(reader, None)
            except csv.Error as error:
                raise _syntax_error(path, start, reader.line_num, error) from error
            if row is None:
                if width == 0:
                    yield begun, first
                return
            if not row or (not first and declares_separator(row)):
                continue
            if spaces and width is None:
                width, first = 0, row[1:] if row[0] == "#" else row
                begun = start
                continue
            if width == 0:  # R's write.table omits the name of the row-name column
                first = ["", *first] if len(row) == len(first) + 1 else first
                width = len(first)
                yield begun, first
            width = len(row) if width is None else width
            if len(row) != width:
                raise _ragged(path, start, len(row), first, given=dialect.given)
            first = first or row
            yield start, row


def _one_space(line: str) -> str:
    """A line stripped of surrounding spaces, tabs as spaces."""
    return line.strip().replace("\t", " ") + "\n"


@contextmanager
def _reading(path: Path, encoding: str = "utf-8") -> Iterator[None]:
    """Convert errors of the system and of decoding to :class:`DataError`."""
    try:
        with readable(path):
            yield
    except UnicodeError as error:
        if encoding in _UTF8:
            scan(path, Dialect())  # which reports the byte
        raise DataError(
            f"{quoted(path.name)} is not {encoding.upper()}",
            slug="table-encoding",
            hint="specify its encoding, such as --encoding latin-1, or save it as UTF-8",
        ) from error


def _require_no_nul(path: Path, block: bytes | bytearray, offset: int) -> None:
    if b"\0" not in block:
        return
    if offset == 0 and block[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return  # UTF-16 has its own error
    at = block.index(b"\0")
    with open_bytes(path) as stream:
        before = sum(part.count(b"\n") for part in iter(lambda: stream.read(_BLOCK), b"")
                     if stream.tell() <= offset)  # fmt: skip
    raise _nul_error(path, before + block.count(b"\n", 0, at) + 1)


def _nul_error(path: Path, line: int) -> DataError:
    return DataError(
        f"line {line:,} of {quoted(path.name)} contains a NUL byte",
        slug="table-syntax",
        hint="the file is damaged, not text, or UTF-16 without a byte-order mark: "
        "--encoding utf-16-le",
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
        if at == 0 and block[:4] in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
            likely = "utf-32"
        raise DataError(
            f"{quoted(path.name)} is not UTF-8 at byte {at:,}",
            slug="table-encoding",
            hint=f"specify its encoding, probably --encoding {likely}, or save it as UTF-8",
        ) from error


def _without_nul(lines: Iterator[str], path: Path) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise _nul_error(path, number)
        yield line


_PREDICTED_ROWS = re.compile(
    r"\brows?\b\W*(?:(?:are|is|show|axis)\b\W*)?(?:the\s+)?pred|\bpred\w*\W*(?:in|as|on)\W*rows?\b",
    re.IGNORECASE,
)


def _rows_of_title(header: Sequence[str]) -> str:
    """What a title says about the rows of a matrix must not be lost with it."""
    said = _PREDICTED_ROWS.search(",".join(header)) is not None
    return ", and pass --rows predicted, as it says" if said else ""


def _ragged(path: Path, line: int, found: int, header: Sequence[str], *, given: bool) -> DataError:
    expected = len(header)
    wrong = expected == 1 and given
    other = next((mark for mark in ";\t|" if wrong and mark in header[0]), "")
    title = found > expected and (expected == 1 or header[0].lstrip().startswith("#"))
    of_r = found == expected + 1 and line == 2
    if other:
        word = delimiter_word(other)
        hint = f"its cells seem to be separated by {word}: --delimiter {word}"
    elif title:
        hint = (
            f"its first line seems to be a title or a comment, {quoted(header[0][:40])}: remove "
            f"it, so that the first line contains the names of the columns{_rows_of_title(header)}"
        )
    elif of_r:
        hint = (
            "if the first column has no name, as R's write.table leaves it, begin the first line "
            "with the delimiter; else correct the row"
        )
    else:
        hint = (
            "every row needs as many cells as the first; cells that contain the delimiter must be "
            "quoted"
        )
    return DataError(
        f"line {line:,} of {quoted(path.name)} has {found} cells, not {expected}",
        slug="table-ragged",
        hint=hint,
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
        f"{quoted(path.name)} is not valid CSV, {what}",
        slug="table-syntax",
        hint="check the quotes; cells that contain quotes or delimiters must be quoted; if cells "
        "are separated by spaces: --delimiter spaces",
    )


_BLOCK_BYTES = 4 << 20


_PROBED_BYTES = 1 << 20  # enough bytes for a row of any table that narrow


_NARROW_COLUMNS = 64


_CHUNK_ROWS = 16_384


_PROBED_ROWS = 16_384


def read_delimited(path: Path, dialect: Dialect, folder: Path) -> Spool:
    """Read the table in a delimited text file; its first row has the names, every cell is text.

    Raises :class:`DataError` with line or byte if it is not UTF-8 (or the encoding of `dialect`),
    ragged or empty, or has a NUL byte, an unclosed quote, or duplicate column names.
    """
    require_plain_file(path)
    facts = scan(path, dialect)
    header = _header(path, dialect)
    spool = partial(_spooled, path=path, dialect=dialect, folder=folder, facts=facts, header=header)
    if (
        facts.has_quotes
        or facts.packed
        or dialect.is_loose
        or not dialect.is_utf8
        or not dialect.delimiter.isascii()
    ):
        return spool(_strictly(path, dialect, header))
    import pyarrow as pa

    try:
        with readable(path):
            return spool(_quickly(path, dialect, header))
    except pa.ArrowInvalid:  # the strict reader has the better message, or can read it
        return spool(_strictly(path, dialect, header))


def _spooled(
    batches: Iterator[Any],
    *,
    path: Path,
    dialect: Dialect,
    folder: Path,
    facts: FileScan,
    header: list[str],
) -> Spool:
    return Spool.of(
        batches,
        folder,
        name=path.name,
        sha256=facts.sha256,
        columns={
            name: Column(
                name,
                TEXT,
                comma=dialect.comma,
                separator=dialect.delimiter if dialect.found else "",
            )
            for name in header
        },
        find=partial(_line_of, path, dialect),
    )


def _header(path: Path, dialect: Dialect) -> list[str]:
    """Column names without surrounding spaces; an unnamed column is named by its position."""
    first = next(rows_of(path, dialect), None)
    if first is None:
        raise DataError(
            f"{quoted(path.name)} is empty",
            slug="table-empty",
            hint="the first line contains the names of the columns",
        )
    names = [
        cell.strip() or f"(column {position})" for position, cell in enumerate(first[1], start=1)
    ]
    require_columns(path.name, names)
    return names


def _schema(header: list[str]) -> Any:
    import pyarrow as pa

    return pa.schema([pa.field(name, pa.string()) for name in header])


def _quickly(path: Path, dialect: Dialect, header: list[str]) -> Iterator[Any]:
    """Read with pyarrow; raises ``pa.ArrowInvalid`` for rows that need the strict reader."""
    import pyarrow as pa

    raw_names = next(rows_of(path, dialect))[1]
    types = dict.fromkeys(raw_names, pa.string())
    probed = _PROBED_BYTES if len(types) <= _NARROW_COLUMNS else _BLOCK_BYTES
    with _reader(path, dialect, types, probed) as reader:
        for name, column in zip(raw_names, next(iter(reader), ()), strict=False):
            if _has_few_values(column):
                types[name] = pa.dictionary(pa.int32(), pa.string())
    with _reader(path, dialect, types, _BLOCK_BYTES) as reader:
        for batch in reader:
            _require_short_fields(batch)
            yield pa.RecordBatch.from_arrays(batch.columns, names=header)


def _reader(path: Path, dialect: Dialect, types: Mapping[str, Any], block: int) -> Any:
    """Batches of at most `block` bytes of the file, in the given Arrow text types, without nulls.

    The file must be valid UTF-8.
    """
    import pyarrow.csv as pv

    return pv.open_csv(
        path,
        read_options=pv.ReadOptions(use_threads=False, block_size=block),
        parse_options=pv.ParseOptions(delimiter=dialect.delimiter, quote_char=False),
        convert_options=pv.ConvertOptions(
            check_utf8=False, column_types=types, null_values=[], strings_can_be_null=False
        ),
    )


def _has_few_values(column: Any) -> bool:
    """Whether a column is smaller dictionary-encoded, judged by the first rows: labels are.

    Allocating memory costs as much as parsing, and the distinct values are needed later anyway.
    """
    first = column.slice(0, _PROBED_ROWS)
    return len(first.dictionary_encode().dictionary) * 8 <= len(first)


def _require_short_fields(batch: Any) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            column = column.dictionary
        # The longest field of a column can't be longer than the column.
        if column.nbytes > FIELD_LIMIT and (pc.max(pc.binary_length(column)).as_py() or 0) > (
            FIELD_LIMIT
        ):
            raise pa.ArrowInvalid("a long field")


def _strictly(path: Path, dialect: Dialect, header: list[str]) -> Iterator[Any]:
    import pyarrow as pa

    schema = _schema(header)
    rows = (cells for _, cells in islice(rows_of(path, dialect), 1, None))
    while chunk := list(islice(rows, _CHUNK_ROWS)):
        try:
            columns = [pa.array(cells, pa.string()) for cells in zip(*chunk, strict=True)]
        except (UnicodeError, pa.ArrowException) as error:
            raise DataError(
                f"{quoted(path.name)} contains characters that are not text: "
                f"{dialect.encoding} cannot decode it",
                slug="table-encoding",
                hint="use another --encoding",
            ) from error
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _line_of(path: Path, dialect: Dialect, row: int) -> str:
    line = next((line for line, _ in islice(rows_of(path, dialect), row + 1, None)), None)
    return f"row {row + 1:,}" if line is None else f"line {line:,}"
