"""A folder of predictions files that together have the rows of one, as written by clusters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from reportgen.errors import DataError
from reportgen.predictions.metadata import RunFacts
from reportgen.predictions.table import Predictions
from reportgen.storage import AddressFolder, Place, open_parquet
from reportgen.text import plural, quoted

__all__ = [
    "open_part_files",
]


def open_part_files(folder: Path | AddressFolder, parts: Sequence[Place]) -> Predictions:
    """Open the predictions files of `folder` as one; at least one file.

    Raises :class:`DataError` if a file was not written by reportgen, the files are not of one
    prediction (``part-files-differ``), or rows are missing, surplus or repeated
    (``part-files-rows``).
    """
    opened = [Predictions.open(part) for part in parts]
    first = opened[0]
    for other in opened[1:]:
        _require_same(first, other)
    n_rows = sum(one.n_rows for one in opened)
    _require_all_rows(folder, first.facts, n_rows)
    _require_unique_ids(folder, parts)
    sure = any(one.has_confidence for one in opened)
    place = folder if isinstance(folder, Path) else folder.root
    return replace(first, path=place, n_rows=n_rows, has_confidence=sure, parts=tuple(parts))


def _require_same(first: Predictions, other: Predictions) -> None:
    differ = [
        field.name
        for field in fields(RunFacts)
        if getattr(first.facts, field.name) != getattr(other.facts, field.name)
    ]
    if [one.name for one in first.further] != [one.name for one in other.further]:
        differ.append("further columns")
    if differ or first.has_scores != other.has_scores:
        raise DataError(
            f"{quoted(first.path.name)} and {quoted(other.path.name)} are not parts of one "
            f"prediction: {', '.join(differ) or 'scores'} differ",
            slug="part-files-differ",
            hint="pass one of the files, or a folder with only the parts of one prediction",
        )


def _require_all_rows(folder: Path | AddressFolder, facts: RunFacts, n_rows: int) -> None:
    if n_rows != facts.samples.counted:
        raise DataError(
            f"the files in {quoted(folder.name)} contain {plural(n_rows, 'row')}; the full "
            f"prediction has {facts.samples.counted:,}",
            slug="part-files-rows",
            hint="pass a folder with all files of the prediction and no others",
        )


def _require_unique_ids(folder: Path | AddressFolder, parts: Sequence[Place]) -> None:
    """Ids are unique within a file, so files with disjoint id ranges need no further check."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ranges = [_id_range(part) for part in parts]
    if None not in ranges:
        ordered = sorted(one for one in ranges if one)
        if all(before[1] < after[0] for before, after in pairwise(ordered)):
            return
    ids = pa.chunked_array(
        [chunk for part in parts for chunk in _ids(part)],
        pa.string(),
    )
    counts = pc.value_counts(ids)
    twice = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(twice):
        raise DataError(
            f"the id {quoted(twice[0]['values'].as_py())} is in two rows of {quoted(folder.name)}",
            slug="part-files-rows",
            hint="pass a folder with all files of the prediction and no others",
        )


def _ids(part: Place) -> Sequence[Any]:
    with open_parquet(part) as file:
        chunks: Sequence[Any] = file.read(columns=["id"])["id"].chunks
        return chunks


def _id_range(part: Place) -> tuple[str, ...] | None:
    """The smallest and largest id, () without rows; None if the file has no statistics."""
    with open_parquet(part) as file:
        metadata = file.metadata
    ends = [one for i in range(metadata.num_row_groups) for one in _ends(metadata.row_group(i))]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return None
    return (min(known), max(known)) if known else ()


def _ends(group: Any) -> Iterator[str | None]:
    if group.num_rows == 0:
        return
    columns = (group.column(i) for i in range(group.num_columns))
    statistics = next(one for one in columns if one.path_in_schema == "id").statistics
    known = statistics is not None and statistics.has_min_max
    yield from (statistics.min, statistics.max) if known else (None,)
