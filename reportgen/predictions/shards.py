"""The file of one shard: its rows, and the metadata for merging it with the others.

A Parquet file with the columns of a part (:mod:`reportgen.predictions.schema`), sorted by id, with
page checksums. Metadata of the samples are one column of structs, ``columns``. The key
``reportgen-part`` of its metadata contains a :class:`PartHeader` as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError
from reportgen.jsonio import read_value, write_value
from reportgen.predictions.outline import RunOutline
from reportgen.predictions.parts import further_of, usable, write_in_groups
from reportgen.predictions.schema import PART_FIELDS, part_schema
from reportgen.storage import Place, open_parquet, unread_reason
from reportgen.text import plural, printable, quoted

__all__ = [
    "OUTPUTS_AS_DECIDED",
    "PART_KEY",
    "PART_VERSION",
    "PartFile",
    "PartHeader",
    "finished_rows",
    "refuse_part",
    "write_part",
]


PART_KEY = b"reportgen-part"


PART_VERSION = 1


OUTPUTS_AS_DECIDED = "outputs_as_decided"
"""Key in the identity of a part: the output type."""


_COLUMNS = "columns"


_BATCH_ROWS = 16_384  # larger batches would need more memory than the rest of a merge


@dataclass(frozen=True)
class PartHeader:
    """The header of a part: its shard, and the run that it belongs to.

    Attributes
    ----------
    part
        Version of this format.
    shard
        (I, N): the shard I of N, counted from 0.
    rows, total
        Number of samples in this file, and in all parts.
    listing
        :func:`~reportgen.predictions.listing_of` of all samples.
    asked
        SHA-256 over the command, files and names of the request, computed before anything is
        loaded; "" if unknown.
    identity
        Each input that determines the rows, except listing and content of the data → its value or
        hash; and the output type (``outputs_as_decided``).
    facts
        Other facts about the run; ``excluded`` and ``skipped`` are those of all shards.
    """

    part: int
    shard: tuple[int, int]
    rows: int
    total: int
    listing: str
    asked: str
    identity: Mapping[str, str]
    facts: RunOutline

    def to_text(self) -> str:
        """As JSON with sorted keys."""
        return json.dumps(write_value(PartHeader, self), ensure_ascii=True, sort_keys=True)


@dataclass(frozen=True)
class PartFile:
    """A finished part. Rows are read on demand.

    Attributes
    ----------
    path
        The file.
    header
        Its header.
    further
        The Arrow fields of metadata.
    source
        The address it was copied from, for messages.
    """

    path: Place
    header: PartHeader
    further: tuple[Any, ...] = ()
    source: Place | None = None

    @property
    def n_rows(self) -> int:
        """Number of samples, including unreadable ones."""
        return self.header.rows

    @property
    def shard(self) -> str:
        """``"3/32"``."""
        return "{}/{}".format(*self.header.shard)

    def n_bad(self) -> int:
        """Number of unreadable samples."""
        return sum(len(t) - t["reason"].null_count for t in self.read("reason"))

    @classmethod
    def open(cls, path: Place, *, source: Place | None = None) -> PartFile:
        """Read schema and header of a part, or of a local copy of `source`.

        Raises :class:`DataError` (``part-damaged``) if the file is missing, damaged, or not a part.
        """
        import pyarrow as pa

        try:
            with open_parquet(path) as file:
                schema, n_rows = file.schema_arrow, file.metadata.num_rows
        except (OSError, pa.ArrowException) as error:
            raise _damaged(path, error) from error
        text = (schema.metadata or {}).get(PART_KEY)
        if text is None:
            raise _no_part(path)
        header = _header(path, text)
        further = schema.field(_COLUMNS).type if _COLUMNS in schema.names else ()
        columns = pa.schema(list(schema)[: len(part_schema())])
        if n_rows != header.rows or not columns.equals(part_schema()):
            raise _differs(path, n_rows, header)
        return cls(path, header, tuple(further), source)

    def read(self, *columns: str) -> Iterator[Any]:
        """The rows as Arrow tables, with verified checksums; all columns, or the named ones."""
        import pyarrow as pa

        try:
            with open_parquet(self.path, page_checksum_verification=True) as file:
                n_rows = 0
                # pyarrow 18 can't iterate over a file without row groups.
                batches = file.metadata.num_row_groups and file.iter_batches(
                    _BATCH_ROWS, columns=list(columns) or None, use_threads=False
                )
                for batch in batches or ():
                    n_rows += len(batch)
                    yield pa.Table.from_batches([batch])
        except (OSError, pa.ArrowException) as error:
            raise _damaged(self.path, error) from error
        if n_rows != self.n_rows:  # a damaged page header hides rows
            raise _differs(self.path, n_rows, self.header)

    def take(self, rows: NDArray[np.int64]) -> Any:
        """The rows with these indices, in this order; reads only their row groups."""
        import pyarrow as pa

        try:
            with open_parquet(self.path, page_checksum_verification=True) as file:
                groups = range(file.metadata.num_row_groups)
                sizes = [file.metadata.row_group(i).num_rows for i in groups]
                starts = np.cumsum([0, *sizes])
                group_of = np.searchsorted(starts, rows, side="right") - 1
                wanted, place = np.unique(group_of, return_inverse=True)
                held = np.cumsum([0, *(sizes[i] for i in wanted)])[place]
                table = file.read_row_groups(wanted.tolist(), use_threads=False)
                return table.take(rows - starts[group_of] + held)
        except (OSError, pa.ArrowException) as error:
            raise _damaged(self.path, error) from error

    def require_whole(self) -> None:
        """Raise :class:`DataError` (``part-damaged``) if a page of the file is damaged."""
        for _ in self.read():
            pass


def write_part(target: Path, header: PartHeader, tables: Iterator[Any], columns: Any) -> None:
    """Write the file of a shard, completely or not at all.

    `columns` is an Arrow table of metadata with the sample ids as ``id``, or None.
    """
    import pyarrow as pa

    schema, further = part_schema(), further_of(columns)
    if further:
        schema = schema.append(pa.field(_COLUMNS, pa.struct(further)))
        tables = (_with_columns(table, columns, further) for table in tables)
    schema = schema.with_metadata({PART_KEY: header.to_text().encode()})
    write_in_groups(target, schema, tables, write_page_checksum=True)


def refuse_part(path: Place, header: Mapping[bytes, bytes] | None) -> None:
    """Raise :class:`DataError` (``part-alone``) if a file is a single part of several.

    `header` is the metadata of its schema.
    """
    if PART_KEY in (header or {}):
        shard = _header(path, (header or {})[PART_KEY]).shard
        raise DataError(
            f"{quoted(path.name)} contains only shard {shard[0]}/{shard[1]}, not all predictions",
            slug="part-alone",
            hint="merge all parts first: reportgen merge OUT -o OUT; then pass "
            "OUT/predictions.parquet",
        )


def _with_columns(table: Any, columns: Any, further: Sequence[Any]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    places = pc.index_in(table["id"], value_set=columns["id"].combine_chunks()).combine_chunks()
    found = [columns[one.name].combine_chunks().take(places) for one in further]
    return table.append_column(_COLUMNS, pa.StructArray.from_arrays(found, fields=list(further)))


def finished_rows(table: Any) -> Any:
    """Rows of a part in the form of the finished file: readable samples, metadata as columns."""
    table = usable(table).drop_columns(list(PART_FIELDS))
    if _COLUMNS not in table.column_names:
        return table
    found = table[_COLUMNS].combine_chunks()
    table = table.drop_columns([_COLUMNS])
    for one, values in zip(found.type, found.flatten(), strict=True):
        table = table.append_column(one, values)
    return table


def _header(path: Place, text: bytes) -> PartHeader:
    try:
        value = json.loads(text)
        if value["part"] != PART_VERSION:
            raise DataError(
                f"{quoted(path.name)} has part version {printable(str(value['part']))}; this "
                f"reportgen reads {PART_VERSION}",
                slug="part-damaged",
                hint="merge it with the reportgen that wrote it, or predict this shard again with "
                "--force",
            )
        header: PartHeader = read_value(PartHeader, value)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error
    return header


def _damaged(path: Place, error: Exception) -> DataError:
    there = not isinstance(path, Path) or path.exists()
    reason = unread_reason(path, error)
    return DataError(
        f"the part {quoted(path.name)} can't be read: {reason}"
        if there
        else f"there is no part {quoted(path.name)}",
        slug="part-damaged",
        hint="predict this shard again: the same command replaces a damaged part",
    )


def _no_part(path: Place) -> DataError:
    return DataError(
        f"{quoted(path.name)} is not a part file of predictions",
        slug="part-damaged",
        hint="pass the folder that `reportgen predict --shard` wrote to, or its files",
    )


def _differs(path: Place, n_rows: int, header: PartHeader) -> DataError:
    return DataError(
        f"the part {quoted(path.name)} does not have the {plural(header.rows, 'row')} that it "
        f"says, or other columns ({plural(n_rows, 'row')})",
        slug="part-damaged",
        hint="predict this shard again with --force",
    )
