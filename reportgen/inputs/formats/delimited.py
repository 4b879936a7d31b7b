"""CSV and TSV → a spool of text columns.

A file without quotes is split by pyarrow at delimiters and line ends, which is all that its
grammar is then; any other file, and any that pyarrow objects to, goes through the strict reader.
Both ways give the same cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from reportgen.errors import DataError
from reportgen.inputs.formats.limits import readable, require_plain_file
from reportgen.inputs.formats.strict_csv import FIELD_LIMIT, Dialect, FileScan, rows_of, scan
from reportgen.inputs.formats.tables import TEXT, Column, Spool, require_columns
from reportgen.text import quoted

__all__ = ["read_delimited"]

_BLOCK_BYTES = 4 << 20
_PROBED_BYTES = 1 << 20  # of a table so narrow that a row of it fits there
_NARROW_COLUMNS = 64
_CHUNK_ROWS = 16_384
_PROBED_ROWS = 16_384


def read_delimited(path: Path, dialect: Dialect, folder: Path) -> Spool:
    """The table in a delimited text file, its first row the column names; every cell is text.

    Raises :class:`DataError` with line or byte, where it is not UTF-8 (or `dialect`'s encoding),
    ragged, empty, has a NUL byte, an unfinished quote, or two columns of one name.
    """
    require_plain_file(path)
    facts = scan(path, dialect)
    header = _header(path, dialect)
    spool = partial(_spooled, path=path, dialect=dialect, folder=folder, facts=facts, header=header)
    if facts.has_quotes or facts.packed or not dialect.is_utf8 or not dialect.delimiter.isascii():
        return spool(_strictly(path, dialect, header))
    import pyarrow as pa

    try:
        with readable(path):
            return spool(_quickly(path, dialect, header))
    except pa.ArrowInvalid:  # the strict reader words it, or reads it
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
        columns={name: Column(name, TEXT) for name in header},
        find=partial(_line_of, path, dialect),
    )


def _header(path: Path, dialect: Dialect) -> list[str]:
    """Column names without the spaces around them; an unnamed one is called by its position."""
    first = next(rows_of(path, dialect), None)
    if first is None:
        raise DataError(
            f"{quoted(path.name)} is empty",
            slug="table-empty",
            hint="the first line holds the names of the columns",
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
    """Raises ``pa.ArrowInvalid`` where a row is not as plain as the rest."""
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
    """Batches of at most `block` bytes of the file, each column of its Arrow type of text; no cell
    is a missing one. The file was found to be UTF-8 before.
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
    """Whether the first rows say that a column is smaller as a dictionary: labels are.

    New memory costs as much as parsing. What has few values is told apart later anyway.
    """
    first = column.slice(0, _PROBED_ROWS)
    return len(first.dictionary_encode().dictionary) * 8 <= len(first)


def _require_short_fields(batch: Any) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            column = column.dictionary
        # The longest field of a column can't be longer than all of them together.
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
                f"{quoted(path.name)} holds characters that are no text: "
                f"{dialect.encoding} does not fit",
                slug="table-encoding",
                hint="name another --encoding",
            ) from error
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _line_of(path: Path, dialect: Dialect, row: int) -> str:
    line = next((line for line, _ in islice(rows_of(path, dialect), row + 1, None)), None)
    return f"row {row + 1:,}" if line is None else f"line {line:,}"
