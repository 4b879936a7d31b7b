"""`open_table`: the table in a file of any format, in a DataFrame or in arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reportgen.errors import DataError
from reportgen.inputs.formats.arrays_table import ArraysTable
from reportgen.inputs.formats.delimited import read_delimited
from reportgen.inputs.formats.json_lines import read_json_lines
from reportgen.inputs.formats.json_tables import json_table, spooled_json
from reportgen.inputs.formats.parquet import ParquetTable
from reportgen.inputs.formats.sniffing import format_of
from reportgen.inputs.formats.strict_csv import dialect_of
from reportgen.inputs.formats.strict_json import read_json
from reportgen.inputs.formats.tables import Table
from reportgen.inputs.options import InputOptions
from reportgen.text import quoted

__all__ = ["open_table"]


def open_table(source: Any, options: InputOptions, spool: Path) -> Table:
    """The table in a file, a DataFrame or a mapping of arrays: its columns, not what they mean.

    `spool` is an empty folder, as for
    :func:`~reportgen.inputs.opening.open_predictions`.
    """
    if not isinstance(source, (str, Path)):
        if isinstance(source, Mapping):
            return ArraysTable.of_mapping(source, "the given arrays")
        return ArraysTable.of_frame(source)
    path = Path(source)
    found = format_of(path)
    if found == "parquet":
        return ParquetTable.open(path)
    if found == "csv":
        return read_delimited(path, dialect_of(path, options.separator, options.encoding), spool)
    if found == "jsonl":
        return read_json_lines(path, spool)
    if found == "npz":
        return ArraysTable.of_npz(path)
    if found == "npy":
        return ArraysTable.of_npy(path, labels_follow=options.labels is not None)
    table = json_table(read_json(path))
    if table is not None:
        return spooled_json(path, table, spool)
    raise DataError(
        f"{quoted(path.name)} is JSON: no table of predictions",
        slug="input-kind",
        hint="write JSON Lines (.jsonl), one object a line; or read it with --kind matrix",
    )
