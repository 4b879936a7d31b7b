"""Parquet of any origin, read in place: one file, or a folder of part files as clusters write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from reportgen.errors import DataError
from reportgen.importers.formats.limits import file_sha256, require_plain_file
from reportgen.importers.formats.tables import (
    LIST,
    TEXT,
    Column,
    is_single_type,
    kind_of_type,
    require_columns,
    sliced,
)
from reportgen.paths import part_files
from reportgen.text import count, printable, quoted

__all__ = [
    "ParquetTable",
]


@dataclass(frozen=True)
class ParquetTable:
    """The rows of one or more Parquet files with the same columns.

    Attributes
    ----------
    class_labels
        Column → names of the classes that its numbers stand for, as a data set of Hugging Face
        says it.
    """

    path: Path
    parts: tuple[Path, ...]
    columns: Mapping[str, Column]
    n_rows: int
    class_labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path) -> ParquetTable:
        """Read the schemas. Raises :class:`DataError` where there is no Parquet, or the parts
        have different columns.
        """
        parts = _parts(path)
        first = _schema(parts[0])
        require_columns(parts[0].name, first.names)
        n_rows = 0
        for part in parts:
            with _readable(part):
                import pyarrow.parquet as pq

                n_rows += pq.read_metadata(part).num_rows
            if not _schema(part).equals(first, check_metadata=False):
                raise DataError(
                    f"{quoted(part.name)} has other columns than {quoted(parts[0].name)}",
                    slug="table-columns",
                    hint="all part files of a table need the same columns and types",
                )
        columns = {one.name: _column(one) for one in first}
        return cls(path, parts, columns, n_rows, _class_labels(first.metadata or {}))

    @property
    def name(self) -> str:
        return self.path.name

    @cached_property
    def sha256(self) -> str:
        if len(self.parts) == 1:
            return file_sha256(self.parts[0])
        import hashlib

        return hashlib.sha256("".join(map(file_sha256, self.parts)).encode()).hexdigest()

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        for part in self.parts:
            with _readable(part):
                yield from self._of_part(part, list(columns), rows)

    def _of_part(self, part: Path, columns: list[str], rows: int) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        texts = [name for name in columns if self.columns[name].kind == TEXT]
        with pq.ParquetFile(part, pre_buffer=False, read_dictionary=texts) as file:
            if not columns:
                n = file.metadata.num_rows
                yield from sliced(pa.record_batch([pa.nulls(n)], names=[""]), rows)
                return
            for batch in file.iter_batches(rows, columns=columns, use_threads=False):
                yield batch.select(columns)

    def place(self, row: int) -> str:
        return f"row {count(row)} (from 0)"


def _class_labels(metadata: Mapping[bytes, bytes]) -> dict[str, tuple[str, ...]]:
    """Column → names of a ``ClassLabel``; what is of no such form says nothing."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"].items()
        return {
            str(column): tuple(map(str, feature["names"]))
            for column, feature in features
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _column(field: Any) -> Column:
    kind = kind_of_type(field.type)
    width = getattr(field.type, "list_size", None) if kind == LIST else None
    return Column(field.name, kind, width, single=is_single_type(field.type))


def _parts(path: Path) -> tuple[Path, ...]:
    if not path.is_dir():
        require_plain_file(path)
        return (path,)
    parts = part_files(path)
    if not parts:
        raise DataError(
            f"the folder {quoted(path.name)} contains no .parquet files",
            slug="input-is-folder",
            hint="give a file of predictions, or a folder of Parquet part files",
        )
    return parts


def _schema(path: Path) -> Any:
    with _readable(path):
        import pyarrow.parquet as pq

        return pq.read_schema(path)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        reason = printable(str(error).split("\n")[0])[:200].replace(str(path.parent), "…")
        raise DataError(
            f"{quoted(path.name)} can't be read as Parquet: {reason}",
            slug="predictions-damaged",
            hint="write it again, or restore the file",
        ) from error
