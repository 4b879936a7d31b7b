"""The interface of predictions, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError
from reportgen.predictions.metadata import RunFacts
from reportgen.predictions.schema import METADATA_KEY, further_fields, predictions_schema
from reportgen.storage import Place, open_parquet, unread_reason
from reportgen.text import printable, quoted

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "PredictionRows",
    "Predictions",
]


class PredictionRows(Protocol):
    """One row per sample, read in batches; written by reportgen or another program."""

    @property
    def facts(self) -> RunFacts:
        """Provenance, accounting and notes."""

    @property
    def has_confidence(self) -> bool:
        """Whether the rows have confidences."""

    @property
    def has_probabilities(self) -> bool:
        """Whether the rows have the probabilities of all classes."""

    def batches(self, *columns: str, wrong_only: bool = False) -> Iterator[dict[str, NDArray[Any]]]:
        """The named columns; see :meth:`reportgen.predictions.Predictions.batches`."""


_BATCH_ROWS = 65_536


_NO_RANK = 0


@dataclass(frozen=True)
class Predictions:
    """A finished predictions file. Rows are read on demand, never all at once.

    Attributes
    ----------
    path
        The Parquet file, or the folder of `parts`.
    facts
        Provenance, accounting and notes.
    n_rows
        Number of samples in it.
    has_scores
        Whether it has the scores of all classes.
    has_confidence
        Whether any row has a confidence.
    further
        The Arrow fields of further columns: metadata.
    parts
        The files of a folder that together have the rows; empty for a single file.
    """

    path: Place
    facts: RunFacts
    n_rows: int
    has_scores: bool = False
    has_confidence: bool = True
    further: tuple[Any, ...] = ()
    parts: tuple[Place, ...] = ()

    @property
    def files(self) -> tuple[Place, ...]:
        """The files with the rows, in order."""
        return self.parts or (self.path,)

    @property
    def metadata(self) -> Mapping[str, str]:
        """Further columns: name in :meth:`batches` → name in the file (the same)."""
        return {one.name: one.name for one in self.further}

    @property
    def has_probabilities(self) -> bool:
        """Whether it has probabilities of all classes: scores that sum to 1."""
        return self.has_scores and self.facts.sum_tolerance is not None

    @classmethod
    def open(cls, path: Place) -> Predictions:
        """Read schema and metadata.

        Raises :class:`DataError` if the file is missing, damaged, or not written by reportgen.
        """
        import pyarrow as pa

        try:
            with open_parquet(path) as file:
                schema, n_rows = file.schema_arrow, file.metadata.num_rows
                sure = n_rows == 0 or _has_values(file.metadata, "confidence")
        except (OSError, pa.ArrowException) as error:
            raise _unreadable(path, error) from error
        metadata = (schema.metadata or {}).get(METADATA_KEY)
        kept = "probabilities" in schema.names
        further = further_fields(schema)
        ours = (
            predictions_schema(with_probabilities=kept, double=d, further=further)
            for d in (False, True)
        )
        if metadata is None or not any(map(schema.equals, ours)):
            raise DataError(
                f"{quoted(path.name)} was not written by reportgen",
                slug="predictions-foreign",
                details=["its columns: " + printable(", ".join(schema.names))[:300]],
                hint="pass the predictions.parquet of `reportgen run` or `reportgen predict`",
            )
        facts = RunFacts.from_text(metadata, path.name)
        return cls(path, facts, n_rows, kept, sure, tuple(further))

    def batches(self, *columns: str, wrong_only: bool = False) -> Iterator[dict[str, NDArray[Any]]]:
        """The named columns, in file order, as numpy arrays of at most 65,536 rows.

        ``confidence`` and ``label_probability`` are float32 with nan (float64 if saved by another
        program: see :func:`~reportgen.predictions.write_slim`), ``label_rank`` is int32 with 0 for
        none; ``id`` is an object array of strings; ``probabilities`` is float32, shape (n, K);
        ``top_classes`` and ``top_probabilities`` have shape (n, k), or are objects if a row has
        none; metadata are objects, ``""`` for a missing text, or float64 with nan.

        With `wrong_only`, only the rows with a known label that differs from the prediction.
        """
        import pyarrow as pa

        wanted = list(dict.fromkeys([*columns, *(("label", "prediction") if wrong_only else ())]))
        for path in self.files:
            try:
                with open_parquet(path) as file:
                    for batch in file.iter_batches(_BATCH_ROWS, columns=wanted, use_threads=False):
                        yield _arrays(_mistaken(batch) if wrong_only else batch, columns)
            except (OSError, pa.ArrowException) as error:
                raise _unreadable(path, error) from error

    def to_frame(self) -> pd.DataFrame:
        """All samples, one row each, in file order; indexed by id.

        ``label`` and ``prediction`` are categories of the class names, missing for an unknown
        label; ``confidence``, ``label_probability`` and ``label_rank`` are missing without scores;
        ``p(NAME)`` for every class if all probabilities are kept; then the metadata columns.

        All rows are loaded into memory; :meth:`batches` reads them in blocks.
        """
        from reportgen.predictions.frames import predictions_frame

        return predictions_frame(self)

    def tables(self) -> Iterator[Any]:
        """The rows as Arrow tables, for :func:`~reportgen.predictions.parts.write_predictions`."""
        import pyarrow as pa

        for path in self.files:
            with open_parquet(path) as file:
                for batch in file.iter_batches(_BATCH_ROWS):
                    yield pa.table(batch)


def _has_values(metadata: Any, column: str) -> bool:
    """Whether the statistics of any row group show a value that is not null."""
    place = metadata.schema.names.index(column) if column in metadata.schema.names else None
    if place is None:
        return True
    chunks = (metadata.row_group(i).column(place) for i in range(metadata.num_row_groups))
    return any(
        chunk.statistics is None
        or not chunk.statistics.has_null_count
        or chunk.statistics.null_count < chunk.num_values
        for chunk in chunks
    )


def _mistaken(batch: Any) -> Any:
    label = batch.column("label").to_numpy()
    prediction = batch.column("prediction").to_numpy()
    return batch.take(np.flatnonzero((label >= 0) & (label != prediction)))


def _arrays(batch: Any, columns: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    arrays = {}
    for name in columns:
        column = batch.column(name)
        if name == "label_rank":
            column = column.fill_null(_NO_RANK)
        if name == "probabilities":
            arrays[name] = column.flatten().to_numpy().reshape(len(column), -1)
            continue
        arrays[name] = _ranked(column) if name.startswith("top_") else _plain(column)
    return arrays


def _plain(column: Any) -> NDArray[Any]:
    if str(column.type) == "string" and column.null_count:
        column = column.fill_null("")
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values


def _ranked(column: Any) -> NDArray[Any]:
    """Lists of equal length as a two-dimensional array, much faster than separate arrays."""
    import pyarrow as pa

    if not pa.types.is_list(column.type) or column.null_count or len(column) == 0:
        return _plain(column)
    ends = np.asarray(column.offsets)
    if np.ptp(np.diff(ends)):
        return _plain(column)
    values: NDArray[Any] = column.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(column), -1)


def _unreadable(path: Place, error: Exception) -> DataError:
    reason = unread_reason(path, error)
    if not isinstance(path, Path):
        return _damaged(path, reason)
    if not path.exists():
        return DataError(
            f"there is no file {quoted(path.name)}",
            slug="input-missing",
            hint="pass the path of a predictions.parquet or of a confusion matrix (CSV)",
        )
    if path.is_dir():
        return DataError(
            f"{quoted(path.name)} is a folder, not a predictions file",
            slug="input-is-folder",
            hint=f"pass {quoted(path.name + '/predictions.parquet')}",
        )
    found = _damaged(path, reason)
    found.details = (f"the file has {path.stat().st_size:,} bytes",)
    return found


def _damaged(path: Place, reason: str) -> DataError:
    return DataError(
        f"{quoted(path.name)} can't be read as Parquet: {reason}",
        slug="predictions-damaged",
        hint="predict again, or restore the file",
    )
