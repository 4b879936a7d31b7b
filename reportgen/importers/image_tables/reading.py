"""`read_image_table`: the samples of a data set with the images in its tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from reportgen.errors import DataError
from reportgen.importers.formats.arrow import ArrowTable
from reportgen.importers.formats.detecting import format_of
from reportgen.importers.formats.folders import PartsTable, open_parts
from reportgen.importers.formats.parquet import ParquetTable
from reportgen.importers.formats.schemas import schema_of
from reportgen.importers.formats.tables import Table
from reportgen.importers.image_tables.cells import ImageCells, path_texts
from reportgen.importers.image_tables.columns import (
    bytes_field,
    find_image_column,
    image_columns,
)
from reportgen.importers.image_tables.shards import all_shards, find_shards, first_shard
from reportgen.importers.sample_lists.layouts import Listed
from reportgen.importers.sample_lists.reading import SampleList, sample_list_in
from reportgen.importers.shards import Shards
from reportgen.options import Options
from reportgen.text import plural, printable, quoted

__all__ = [
    "ImageTable",
    "has_images",
    "images_in_tables",
    "is_image_table",
    "read_image_table",
]


@dataclass(frozen=True)
class ImageTable:
    """The samples of a data set, and the location of their images.

    Attributes
    ----------
    samples
        The samples; their paths are ids, ``file#row`` without an id column.
    cells
        The cells with the images.
    places
        For each sample: index of its file in `cells`, and its row there.
    root
        The folder of the data set.
    """

    samples: SampleList
    cells: ImageCells
    places: Sequence[tuple[int, int]]
    root: Path


def is_image_table(data: Path) -> bool:
    """Whether DATA is a file or a folder of tables with images in them."""
    file = first_shard(data)
    return file is not None and has_images(file)


def has_images(file: Path) -> bool:
    """Whether a Parquet or Arrow file has a column of images; False if it can't be read."""
    try:
        return bool(_image_columns(_open(file)))
    except DataError:
        return False


def read_image_table(data: Path, options: Options) -> ImageTable:
    """The samples of the data set at `data`; those of ``options.split`` if it has several splits.

    Raises
    ------
    DataError
        ``data-splits``, ``data-subsets``, ``data-incomplete``, ``data-damaged``, ``table-columns``,
        and the errors of reading a table.
    UsageError
        ``column-ambiguous``, ``split-unknown``: the option that decides is in the hint.
    """
    shards = find_shards(data, options.split)
    table, image = _opened(data, shards, options.image_column)
    ids, places = _rows_of(table)
    listed = Listed(
        table,
        image=image,
        ids=ids,
        layout=_layout(shards),
        added=_paths(table, image, shards),
    )
    other = {f"files of the split {printable(name)}": n for name, n in shards.other_splits.items()}
    samples, rows = sample_list_in(listed, replace(options, split="") if other else options)
    return ImageTable(
        replace(samples, skipped={**samples.skipped, **other}),
        ImageCells(shards.paths, image),
        [places[row] for row in rows],
        data if data.is_dir() else data.parent,
    )


def images_in_tables(
    data: Path, image_column: str | None
) -> tuple[Sequence[str], Sequence[tuple[int, int]], ImageCells]:
    """Default ids, locations and cells of the images of all splits of the data set at `data`."""
    shards = all_shards(data)
    table, image = _opened(data, shards, image_column)
    return *_rows_of(table), ImageCells(shards.paths, image)


def _opened(data: Path, shards: Shards, image_column: str | None) -> tuple[PartsTable, str]:
    """The table in the files, and its column of images."""
    table = open_parts(shards.root, shards.paths, _open, shards.root)  # nothing is spooled
    table = replace(table, name=data.resolve().name)
    found = _image_columns(table)
    if not found:
        raise _no_images(table)
    return table, find_image_column(table, found, image_column)


def _rows_of(table: PartsTable) -> tuple[list[str], list[tuple[int, int]]]:
    """The default id of each row, and its location."""
    places = [(at, row) for at, part in enumerate(table.parts) for row in range(part.n_rows)]
    return [f"{printable(table.names[at])}#{row}" for at, row in places], places


def _open(path: Path) -> Table:
    return ArrowTable.open(path) if format_of(path) == "arrow" else ParquetTable.open(path)


def _image_columns(table: Table) -> list[str]:
    def first(column: str) -> Any:
        cells = (batch.column(0) for batch in table.batches([column], 1))
        return next((one[0].as_py() for one in cells if len(one) and one[0].is_valid), None)

    return image_columns(schema_of(table), first)


def _paths(table: PartsTable, image: str, shards: Shards) -> dict[str, Any]:
    """The original file names of the images, as an additional column."""
    import pyarrow as pa

    kind = schema_of(table).field(image).type
    if bytes_field(kind) is None or kind.get_field_index("path") < 0:
        return {}
    texts = path_texts(shards.paths, image)
    if not any(texts):
        return {}
    name = "path" if "path" not in table.columns else f"path of {image}"
    return {name: pa.array(texts, pa.string())}


def _layout(shards: Shards) -> str:
    if len(shards.names) == 1 and not shards.split:
        return ""
    split = f" of the split {quoted(shards.split)}" if shards.split else ""
    return f"{plural(len(shards.names), 'file')}{split}"


def _no_images(table: Table) -> DataError:
    return DataError(
        f"{quoted(table.name)} has no column of images",
        slug="table-columns",
        details=[
            f"its columns: {', '.join(map(printable, chain(table.columns)))}",
            "a column of images contains the bytes of image files, or structs with bytes and path",
        ],
        hint="pass a table of paths and labels, or write the images into it as "
        "datasets.Image() does",
    )
