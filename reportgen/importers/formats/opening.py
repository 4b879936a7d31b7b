"""Opens the table in a file of any format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from reportgen.errors import DataError
from reportgen.importers.columns.words import looks_like_id
from reportgen.importers.formats.arrays import ArraysTable
from reportgen.importers.formats.arrow import ArrowTable
from reportgen.importers.formats.delimited import dialect_of, read_delimited, rows_of
from reportgen.importers.formats.detecting import format_of, kind_of_part
from reportgen.importers.formats.folders import (
    kinds_of_parts,
    mixed_parts,
    open_parts,
    refuse_text_per_image,
)
from reportgen.importers.formats.json_files import read_json, read_json_lines
from reportgen.importers.formats.json_tables import json_table, spooled_json
from reportgen.importers.formats.limits import readable, unchanged
from reportgen.importers.formats.parquet import ParquetTable
from reportgen.importers.formats.tables import Table
from reportgen.options import InputOptions
from reportgen.paths import is_pattern, matching_files, pattern_root
from reportgen.storage import Address, AddressFolder
from reportgen.text import listing, quoted

__all__ = [
    "open_table",
    "text_options",
]


def open_table(source: Any, options: InputOptions, spool: Path) -> Table:
    """Open the table in a file, DataFrame or mapping of arrays; column roles are decided later.

    `spool` is an empty folder, as for :func:`~reportgen.importers.opening.open_predictions`.
    """
    if isinstance(source, Address):
        return ParquetTable.open(source)
    if isinstance(source, AddressFolder):
        return open_parts(source.root, source.files, ParquetTable.open, spool)
    if not isinstance(source, (str, Path)):
        if isinstance(source, Mapping):
            return ArraysTable.of_mapping(source, "the given arrays")
        return ArraysTable.of_frame(source)
    path = Path(source)
    if is_pattern(path):
        root, files = pattern_root(path), list(_matching_parts(path))
    elif path.is_dir():
        root, files = path, _part_files(path)
    else:
        return _open_file(path, options, spool)
    return open_parts(root, files, lambda part: _open_file(part, options, spool), spool)


def text_options(path: Path, options: InputOptions, id_column: str | None = None) -> InputOptions:
    """The text options for a table that is joined to INPUT.

    The delimiter is that of INPUT if the first line contains it, otherwise the one after an id
    column.
    """
    plain = InputOptions(encoding=options.encoding, decimal=options.decimal)
    if path.is_dir() or format_of(path) != "csv":
        return plain
    for mark in dict.fromkeys((options.delimiter, None, ";", "tab", "|")):
        asked = replace(plain, delimiter=mark)
        dialect = dialect_of(path, asked.separator, asked.encoding, asked.decimal)
        cells = [cell.strip() for cell in next(rows_of(path, dialect), (1, []))[1]]
        wanted = mark == options.delimiter or any(
            cell == id_column or looks_like_id(cell) for cell in cells
        )
        if len(cells) > 1 and wanted:
            return asked
    return plain


def _part_files(folder: Path) -> list[Path]:
    with readable(folder):
        kinds = kinds_of_parts(folder, kind_of_part)
    if len(kinds) > 1:
        raise mixed_parts(folder, kinds)
    if not kinds:
        refuse_text_per_image(folder)
        raise DataError(
            f"the folder {quoted(folder.name)} contains no tables",
            slug="input-is-folder",
            hint="pass a file of predictions, or a folder of part files: Parquet, Arrow, CSV or "
            "JSON Lines",
        )
    return next(iter(kinds.values()))


def _matching_parts(pattern: Path) -> tuple[Path, ...]:
    """The part files that a pattern matches; an unsupported file is an error, not skipped."""
    files = matching_files(pattern)
    kinds: dict[str, list[Path]] = {}
    for path in files:
        kinds.setdefault(kind_of_part(path), []).append(path)
    if list(kinds) == [""] or len(kinds) > 1:
        examples = [quoted(paths[0].name) for paths in kinds.values()]
        several = f"files of several formats: {listing(examples)}"
        what = several if len(kinds) > 1 else f"{examples[0]}, which is not a part of a table"
        raise DataError(
            f"{quoted(str(pattern))} matches {what}",
            slug="input-pattern",
            hint="narrow it to the parts of one table, such as '*.parquet': Parquet, Arrow, CSV or "
            "JSON Lines",
        )
    return files


def _open_file(path: Path, options: InputOptions, spool: Path) -> Table:
    found = format_of(path)
    if found == "parquet":
        return ParquetTable.open(path)
    if found == "arrow":
        return ArrowTable.open(path)
    with unchanged(path):
        return _read_file(path, found, options, spool)


def _read_file(path: Path, found: str, options: InputOptions, spool: Path) -> Table:
    """The table in a file that is read sequentially, or array by array."""
    if found == "csv":
        return read_delimited(
            path, dialect_of(path, options.separator, options.encoding, options.decimal), spool
        )
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
        f"{quoted(path.name)} is JSON, not a table of predictions",
        slug="input-kind",
        hint="write JSON Lines (.jsonl), one object per line; if it is a "
        "confusion matrix: --kind matrix",
    )
