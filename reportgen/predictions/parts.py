"""Predictions during a run: parts that survive a crash, merged into one file at the end.

Parts are in ``predictions.partial/00000.parquet``, ``00001.parquet``, …; each is written under a
temporary name and then renamed, so a part is complete or absent. ``run.json`` beside them
identifies the run. Part boundaries depend on timing; the finished file does not.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError, UsageError
from reportgen.files import TEMPORARY_PREFIX, atomic_path, output_error, write_text
from reportgen.jsonio import read_value, write_value
from reportgen.predictions.metadata import RunFacts
from reportgen.predictions.schema import (
    PART_FIELDS,
    Rows,
    part_schema,
    predictions_schema,
    table_of,
)
from reportgen.predictions.sums import BadSample, Sums, sum_up
from reportgen.provenance import DataNote
from reportgen.text import count, listing, plural, quoted

__all__ = [
    "LIST_OF_SAMPLES",
    "Parts",
    "RunState",
    "differing",
    "further_of",
    "partial_rows",
    "require_same_run",
    "usable",
    "write_in_groups",
    "write_predictions",
]


ROW_GROUP_ROWS = 65_536


_COMPRESSION = "zstd"


Require = Callable[[Mapping[str, str], Mapping[str, str]], None]
"""Compares the inputs of earlier rows with the current ones; raises if they differ."""


LIST_OF_SAMPLES = "list_of_samples"
"""Fingerprint key of :func:`~reportgen.predictions.listing_of` for all samples."""


@dataclass(frozen=True)
class RunState:
    """The state that a resumed run needs of the previous one.

    Attributes
    ----------
    fingerprint
        The inputs that determine the rows; a run with other inputs can't continue these parts.
    outputs
        The output type, once decided.
    forward_size
        Forward batch size after out-of-memory halvings; 0 without any.
    notes, model_notes
        Notes on the run and the model from the first batch.
    """

    fingerprint: Mapping[str, str]
    outputs: str = ""
    forward_size: int = 0
    notes: tuple[DataNote, ...] = ()
    model_notes: tuple[str, ...] = ()


@dataclass
class Parts:
    """The folder of parts of an unfinished run, created with the first part."""

    folder: Path
    state: RunState
    stands: bool = False
    tables: list[Path] = field(default_factory=list)
    n_rows: int = 0
    _order: NDArray[np.int64] | None = None

    @classmethod
    def start(cls, folder: Path, fingerprint: Mapping[str, str]) -> Parts:
        """Start without parts. Existing files in `folder` stay until the first part is written."""
        return cls(folder, RunState(dict(fingerprint)))

    @classmethod
    def resume(
        cls, folder: Path, fingerprint: Mapping[str, str], require: Require | None = None
    ) -> Parts:
        """The parts of an earlier run, up to the first damaged one.

        Raises :class:`UsageError` if they belong to another model, other data or settings;
        `require` compares them, by default :func:`require_same_run`.
        """
        try:
            state = read_value(RunState, json.loads((folder / "run.json").read_text("utf-8")))
        except (OSError, ValueError, TypeError, KeyError):
            return cls.start(folder, fingerprint)
        (require or require_same_run)(state.fingerprint, fingerprint)
        parts = cls(folder, state, stands=True)
        for stale in folder.glob(f"{TEMPORARY_PREFIX}*"):
            stale.unlink()
        while (path := parts.next_path).exists() and (n := _rows_if_whole(path)) is not None:
            parts.tables.append(path)
            parts.n_rows += n
        for path in sorted(folder.glob("*.parquet")):
            if path not in parts.tables:
                path.unlink()
        return parts

    @property
    def next_path(self) -> Path:
        return self.folder / f"{len(self.tables):05d}.parquet"

    def remember(self, state: RunState) -> None:
        """Save the state that a resumed run needs."""
        self.state = state
        if self.stands:
            _write_state(self.folder, state)

    def write(self, rows: Rows) -> None:
        """Write a part, completely or not at all; the first one creates the folder."""
        self.write_table(table_of(rows))

    def write_table(self, table: Any) -> None:
        """As :meth:`write`, for an Arrow table of :func:`~reportgen.predictions.part_schema`."""
        path = self.next_path
        if self.stands:
            _write_part(path, table)
        else:
            self._begin(path.name, table)
        self.tables.append(path)
        self.n_rows += len(table)

    def _begin(self, name: str, table: Any) -> None:
        """Create the folder with its first part atomically: no folder without predictions."""
        new = self.folder.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{self.folder.name}")
        try:
            new.mkdir(parents=True)
            _write_state(new, self.state)
            _write_part(new / name, table)
            if self.folder.exists():
                shutil.rmtree(self.folder)
            new.rename(self.folder)
        except OSError as error:
            raise output_error(self.folder, error) from error
        finally:
            shutil.rmtree(new, ignore_errors=True)
        self.stands = True

    def ids(self) -> Iterator[str]:
        """The ids of all rows, in order of writing."""
        for table in self._written("id"):
            yield from table["id"].to_pylist()

    def places_in(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Each row's index in `ids`, in order of writing; -1 for an id that is missing."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = pa.array(ids, pa.string())
        tables = self._written("id")
        found = [pc.index_in(t["id"], value_set=wanted).fill_null(-1) for t in tables]
        places = [table.to_numpy().astype(np.int64) for table in found]
        return np.concatenate(places) if places else np.zeros(0, np.int64)

    def arrange(self, ids: Sequence[str]) -> None:
        """Read the rows in the order of `ids` from now on, not in order of writing.

        Raises :class:`DataError` (``rows-differ``) unless there is exactly one row per id.
        """
        places = self.places_in(ids)
        _require_each_once(places, ids, self.ids)
        order = np.empty(len(ids), np.int64)
        order[places] = np.arange(len(places))
        self._order = None if np.array_equal(order, np.arange(len(order))) else order

    def bad(self) -> list[BadSample]:
        """The unreadable samples, in order."""
        found = []
        for table in self.read("id", "reason"):
            wrong = table.filter(table["reason"].is_valid())
            found += [BadSample(row["id"], row["reason"]) for row in wrong.to_pylist()]
        return found

    def sums(self, classes: Sequence[str]) -> Sums:
        """Sums over the rows; `classes` are the names of the labels."""
        return sum_up(lambda columns: self.read(*columns), classes)

    def digests(self) -> Iterator[bytes | None]:
        """SHA-256 of the content of each sample, in order; None if unknown."""
        for table in self.read("digest"):
            yield from table["digest"].to_pylist()

    def label_fingerprint(self) -> str:
        """SHA-256 over the sorted ids and labels of all samples, hexadecimal."""
        pairs = [
            f"{row['id']}\n{row['label']}\n"
            for table in self.read("id", "label")
            for row in table.to_pylist()
        ]
        return hashlib.sha256("".join(sorted(pairs)).encode()).hexdigest()

    def finish(
        self,
        target: Path,
        facts: RunFacts,
        *,
        with_probabilities: bool = False,
        columns: Any = None,
        is_ordered: bool = False,
    ) -> None:
        """Merge the parts into one file; the folder stays until :meth:`discard`.

        `columns` is an Arrow table of metadata, with the ids of the samples as ``id``.
        `is_ordered`: the rows are sorted by unique ids.
        """
        tables = map(usable, self.read()) if is_ordered else self._in_order()
        further = further_of(columns)
        if further:
            tables = (_joined(table, columns, further) for table in tables)
        write_predictions(
            target, facts, tables, with_probabilities=with_probabilities, further=further
        )

    def discard(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=not self.stands)

    def read(self, *columns: str) -> Iterator[Any]:
        """All rows in order, including unreadable samples; all columns, or the named ones."""
        if self._order is None:
            yield from self._written(*columns)
            return
        starts = np.cumsum([0, *map(len, self._written("reason"))])
        names = list(columns) or None
        for begin in range(0, len(self._order), ROW_GROUP_ROWS):
            wanted = self._order[begin : begin + ROW_GROUP_ROWS]
            yield self._gathered(wanted, starts, lambda path: _read(path, names))

    def _written(self, *columns: str) -> Iterator[Any]:
        for path in self.tables:
            yield _read(path, list(columns) or None)

    def _in_order(self) -> Iterator[Any]:
        """Tables of readable samples, sorted by id.

        Only ids are kept in memory. Rows that are already sorted, as those of folders are, are read
        once; others once per row group that they are spread over.
        """
        ids = self._usable_ids()
        order = np.argsort(ids, kind="stable") if len(ids) else np.zeros(0, np.intp)
        _require_unique(ids, order)
        if np.array_equal(order, np.arange(len(order))):
            yield from (usable(table) for table in self._written())
            return
        starts = np.cumsum([0, *(len(usable(t)) for t in self._written("reason"))])
        for begin in range(0, len(order), ROW_GROUP_ROWS):
            wanted = order[begin : begin + ROW_GROUP_ROWS]
            yield self._gathered(wanted, starts, lambda path: usable(_read(path)))

    def _usable_ids(self) -> np.ndarray[Any, Any]:
        tables = self._written("id", "reason")
        ids = [value for t in tables for value in usable(t)["id"].to_pylist()]
        return np.array(ids, dtype=object)

    def _gathered(self, wanted: Any, starts: Any, read: Callable[[Path], Any]) -> Any:
        """The rows with these indices; `starts` has the index of the first row of each part."""
        import pyarrow as pa

        part_of = np.searchsorted(starts, wanted, side="right") - 1
        pieces, places = [], []
        for part in np.unique(part_of):
            here = np.flatnonzero(part_of == part)
            pieces.append(read(self.tables[part]).take(wanted[here] - starts[part]))
            places.append(here)
        back = np.argsort(np.concatenate(places))
        return pa.concat_tables(pieces).take(back)


def _read(path: Path, columns: list[str] | None = None) -> Any:
    import pyarrow.parquet as pq

    return pq.read_table(path, columns=columns)


def _joined(table: Any, columns: Any, further: Sequence[Any]) -> Any:
    """The rows of a table, with further columns joined by id."""
    import pyarrow.compute as pc

    table = table.drop_columns(list(PART_FIELDS))  # metadata columns may have the same names
    places = pc.index_in(table["id"], value_set=columns["id"].combine_chunks())
    for one in further:
        table = table.append_column(one, columns[one.name].take(places))
    return table


def further_of(columns: Any) -> list[Any]:
    """The Arrow fields of a metadata table, which may be None."""
    return [one for one in columns.schema if one.name != "id"] if columns else []


def _write_state(folder: Path, state: RunState) -> None:
    write_text(
        folder / "run.json", json.dumps(write_value(RunState, state), sort_keys=True, indent=1)
    )


def _write_part(path: Path, table: Any) -> None:
    import pyarrow.parquet as pq

    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, write_page_checksum=True)


def write_predictions(
    target: Path,
    facts: RunFacts,
    tables: Iterator[Any],
    *,
    with_probabilities: bool = False,
    double: bool = False,
    further: Sequence[Any] = (),
) -> None:
    """Write the finished file in row groups of 65,536 rows, however the tables are cut.

    `with_probabilities`, `double`, `further`: see
    :func:`~reportgen.predictions.schema.predictions_schema`.
    """
    schema = predictions_schema(
        facts.to_text(), with_probabilities=with_probabilities, double=double, further=further
    )
    write_in_groups(target, schema, tables)


def write_in_groups(target: Path, schema: Any, tables: Iterator[Any], **options: Any) -> None:
    """Write a Parquet file in row groups of 65,536 rows, however the tables are cut.

    `options` are those of ``pyarrow.parquet.ParquetWriter``.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with (
        atomic_path(target) as temporary,
        pq.ParquetWriter(temporary, schema, compression=_COMPRESSION, **options) as writer,
    ):
        waiting: list[Any] = []
        n_waiting = 0
        for table in tables:
            waiting.append(table.select(schema.names).cast(schema))
            n_waiting += len(table)
            while n_waiting >= ROW_GROUP_ROWS:
                whole = pa.concat_tables(waiting)
                writer.write_table(_one_chunk(whole.slice(0, ROW_GROUP_ROWS)))
                waiting, n_waiting = [whole.slice(ROW_GROUP_ROWS)], n_waiting - ROW_GROUP_ROWS
        if n_waiting:
            writer.write_table(_one_chunk(pa.concat_tables(waiting)))


def _one_chunk(table: Any) -> Any:
    """The rows in one chunk: the writer checks page limits per chunk, so chunks affect the file."""
    return table.combine_chunks()


def usable(table: Any) -> Any:
    """The rows of the readable samples."""
    return table.filter(table["reason"].is_null())


def _rows_if_whole(path: Path) -> int | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, page_checksum_verification=True)
        return len(table) if table.schema.equals(part_schema()) else None
    except (OSError, pa.ArrowException):
        return None


def _require_unique(ids: Any, order: Any) -> None:
    in_order = ids[order]
    twins = np.flatnonzero(in_order[1:] == in_order[:-1])
    if len(twins):
        raise DataError(
            f"the sample id {quoted(in_order[twins[0]])} is used by more than one sample",
            slug="duplicate-ids",
            details=[f"{count(len(twins))} ids are repeated: {listing(in_order[twins])}"],
            hint="give each sample a unique id",
        )


def _require_each_once(
    places: NDArray[np.int64], ids: Sequence[str], written: Callable[[], Iterator[str]]
) -> None:
    """Refuse rows unless there is exactly one per id, according to `places`."""
    there = np.bincount(places[places >= 0], minlength=len(ids))
    repeated, missing = np.flatnonzero(there > 1), np.flatnonzero(there == 0)
    strange = np.flatnonzero(places < 0)
    if len(repeated):
        raise _other_rows("has more than one row", [ids[i] for i in repeated.tolist()])
    if len(strange):
        names = list(written())
        raise _other_rows("is not expected", [names[i] for i in strange.tolist()])
    if len(missing):
        raise _other_rows("has no row", [ids[i] for i in missing.tolist()])


def _other_rows(what: str, ids: Sequence[str]) -> DataError:
    return DataError(
        f"the sample {quoted(ids[0])} {what}",
        slug="rows-differ",
        details=[f"so it is with {plural(len(ids), 'sample')}: {listing(map(quoted, ids))}"],
        hint="collect the rows of each sample once: one table for each batch",
    )


def partial_rows(folder: Path) -> int:
    """Number of rows in the parts of an unfinished run, as far as its files are readable."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    n = 0
    for path in folder.glob("*.parquet"):
        with suppress(OSError, pa.ArrowException):
            n += pq.read_metadata(path).num_rows
    return n


def differing(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, list[str]]:
    """Inputs of the rows that differ: the first in words, and a line for each of the first five.

    "" and no lines if they are equal.
    """
    keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    lines = [
        f"{key.replace('_', ' ')}: {before.get(key, 'none')} before, {now.get(key, 'none')} now"
        for key in keys[:5]
    ]
    return keys[0].replace("_", " ") if keys else "", lines


def require_same_run(before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse to continue predictions made with another model, other data or settings."""
    what, lines = differing(before, now)
    if what:
        raise UsageError(
            f"--resume: the predictions were made with another {what}",
            slug="resume-differs",
            details=lines,
            hint="repeat the same command, or start over with --force",
        )
