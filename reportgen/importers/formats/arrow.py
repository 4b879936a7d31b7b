"""Arrow IPC from any source: files (also called Feather) and streams, read in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from reportgen.importers.formats.tables import Column, require_columns, sliced
from reportgen.text import count

__all__ = [
    "ArrowTable",
]


_FILE = b"ARROW1"


@dataclass(frozen=True)
class ArrowTable:
    """The rows of an Arrow file or stream.

    Attributes
    ----------
    schema
        The schema in the file, with its metadata.
    state
        State of the file when it was opened; it must be the same when read later.
    """

    path: Path
    schema: Any
    columns: Mapping[str, Column]
    n_rows: int
    state: FileState

    @classmethod
    def open(cls, path: Path) -> ArrowTable:
        """Read the schema and the lengths; raises :class:`DataError` if it is damaged."""
        require_plain_file(path)
        state = file_state(path)
        with readable_as(path, "Arrow"):
            with _batches(path, []) as (schema, _):
                require_columns(path.name, schema.names)
            with _batches(path, [0]) as (_, found):
                n_rows = sum(batch.num_rows for batch in found)
        columns = {field.name: column_of(field) for field in schema}
        return cls(path, schema, columns, n_rows, state)

    @property
    def name(self) -> str:
        return self.path.name

    @cached_property
    def sha256(self) -> str:
        digest = file_sha256(self.path)
        require_unchanged(self.path, self.state)
        return digest

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        require_unchanged(self.path, self.state)
        names = list(columns)
        places = [at for at, name in enumerate(self.columns) if name in names]
        with readable_as(self.path, "Arrow"), _batches(self.path, places or [0]) as (_, found):
            for batch in found:
                kept = batch.select(names)
                kept.validate(full=True)  # an offset out of range would crash the process
                yield from sliced(kept if names else _empty(batch.num_rows), rows)
        require_unchanged(self.path, self.state)

    def place(self, row: int) -> str:
        return f"row {count(row)} (from 0)"


def _empty(n_rows: int) -> Any:
    import pyarrow as pa

    return pa.record_batch([pa.nulls(n_rows)], names=[""])


@contextmanager
def _batches(path: Path, places: Sequence[int]) -> Iterator[tuple[Any, Iterator[Any]]]:
    """The schema and the batches with the columns at `places`; all columns if it is empty."""
    import pyarrow as pa

    options = pa.ipc.IpcReadOptions(included_fields=list(places), use_threads=False)
    with pa.OSFile(str(path), "rb") as source:
        is_file = source.read(len(_FILE)) == _FILE
        source.seek(0)
        if is_file:
            reader = pa.ipc.open_file(source, options=options)
            yield reader.schema, map(reader.get_batch, range(reader.num_record_batches))
        else:
            stream = pa.ipc.open_stream(source, options=options)
            yield stream.schema, iter(stream)
