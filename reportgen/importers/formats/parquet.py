"""Parquet from any source, read in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from reportgen.importers.formats.limits import (
    FileState,
    file_sha256,
    file_state,
    require_plain_file,
    require_unchanged,
)
from reportgen.importers.formats.schemas import column_of, readable_as
from reportgen.importers.formats.tables import TEXT, Column, require_columns, sliced
from reportgen.storage import Place, open_parquet, stored_sha256
from reportgen.text import count

__all__ = [
    "ParquetTable",
]


_BUFFER_BYTES = 1 << 20
"""Per column: otherwise its whole chunk of a row group would be kept in memory."""


@dataclass(frozen=True)
class ParquetTable:
    """The rows of a Parquet file.

    Attributes
    ----------
    schema
        The schema in the file, with its metadata.
    state
        State of the file when it was opened; it must be the same when read later. None for object
        storage, which has its own check.
    """

    path: Place
    schema: Any
    columns: Mapping[str, Column]
    n_rows: int
    state: FileState | None

    @classmethod
    def open(cls, path: Place) -> ParquetTable:
        """Read the schema; raises :class:`DataError` if it is not a Parquet file."""
        if isinstance(path, Path):
            require_plain_file(path)
        state = file_state(path) if isinstance(path, Path) else None
        with readable_as(path, "Parquet"), open_parquet(path) as file:
            n_rows, schema = file.metadata.num_rows, file.schema_arrow
        require_columns(path.name, schema.names)
        columns = {one.name: column_of(one) for one in schema}
        return cls(path, schema, columns, n_rows, state)

    @property
    def name(self) -> str:
        return self.path.name

    @cached_property
    def sha256(self) -> str:
        if not isinstance(self.path, Path):
            return stored_sha256(self.path)
        digest = file_sha256(self.path)
        self._require_unchanged()
        return digest

    def _require_unchanged(self) -> None:
        if isinstance(self.path, Path) and self.state is not None:
            require_unchanged(self.path, self.state)

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        self._require_unchanged()
        with readable_as(self.path, "Parquet"):
            yield from self._read(list(columns), rows)
        self._require_unchanged()

    def _read(self, columns: list[str], rows: int) -> Iterator[Any]:
        import pyarrow as pa

        texts = [name for name in columns if self.columns[name].kind == TEXT]
        with open_parquet(self.path, buffer_size=_BUFFER_BYTES, read_dictionary=texts) as file:
            if not columns:
                n = file.metadata.num_rows
                yield from sliced(pa.record_batch([pa.nulls(n)], names=[""]), rows)
                return
            for batch in file.iter_batches(rows, columns=columns, use_threads=False):
                yield batch.select(columns)

    def place(self, row: int) -> str:
        return f"row {count(row)} (from 0)"
