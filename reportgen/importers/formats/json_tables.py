"""Tables in one JSON value: records, columns, lists, ``{columns, data}``; as rows of a spool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reportgen.importers.formats.json_files import Lines, scores_by_class, spooled_lines
from reportgen.importers.formats.limits import file_sha256
from reportgen.importers.formats.tables import Spool

__all__ = [
    "JsonTable",
    "json_table",
    "spooled_json",
]


_WRAPPERS = ("dataframe_split", "dataframe_records", "records", "rows", "samples", "results",
             "predictions", "data", "instances", "items")  # fmt: skip


_COLUMN_NAMES = frozenset({
    "label", "labels", "true", "y_true", "y", "target", "ground_truth", "gt", "actual", "truth",
    "prediction", "predictions", "predicted", "pred", "preds", "y_pred", "id", "image", "path",
    "file", "filename", "confidence", "score", "prob", "probability", "gt_label", "pred_label",
    "true_label", "predicted_label", "reference", "count", "n", "freq",
})  # fmt: skip
"""Usual names of columns: they tell records by index from columns by name."""


@dataclass(frozen=True)
class JsonTable:
    """The rows of a table, and how they were laid out, in words."""

    records: Sequence[Mapping[str, Any]]
    layout: str


def json_table(value: Any) -> JsonTable | None:
    """The table that parsed JSON is; None where it is none."""
    if isinstance(value, list):
        if value and all(isinstance(row, Mapping) for row in value):
            return JsonTable([dict(_flat(row)) for row in value], "a list of records")
        return None
    if not isinstance(value, Mapping) or not value:
        return None
    if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):
        return _of_split(value["columns"], value["data"])
    for key in _WRAPPERS:
        inner = value.get(key)
        if isinstance(inner, (list, Mapping)) and not _is_column(value, key):
            found = json_table(inner)
            if found is not None:
                return found
    members = list(value.values())
    if all(isinstance(member, Mapping) for member in members):
        return _of_mappings(value)
    if len(members) > 1 and all(isinstance(member, list) for member in members):
        return _of_lists(value)
    return None


def _is_column(value: Mapping[str, Any], key: str) -> bool:
    """Whether a member is one column beside others of its length."""
    lists = [member for member in value.values() if isinstance(member, list)]
    inner = value[key]
    return (
        isinstance(inner, list)
        and len(lists) > 1
        and sum(len(member) == len(inner) for member in lists) > 1
    )


def _flat(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, cell in row.items():
        yield str(key), _cell(cell)


def _cell(value: Any) -> Any:
    """A cell; of a picture of W&B its path."""
    if isinstance(value, Mapping) and "_type" in value and isinstance(value.get("path"), str):
        return value["path"]
    return scores_by_class(value)


def _of_split(names: Sequence[Any], rows: Sequence[Any]) -> JsonTable | None:
    heads = [name if isinstance(name, str) else str(name) for name in names]
    if len(set(heads)) < len(heads) or not all(
        isinstance(row, list) and len(row) == len(heads) for row in rows
    ):
        return None
    records = [dict(zip(heads, map(_cell, row), strict=True)) for row in rows]
    return JsonTable(records, "columns and data")


def _of_mappings(value: Mapping[str, Any]) -> JsonTable | None:
    """Of columns by name, or of records by index: what has usual names are the columns."""
    outer = {str(key).strip().lower() for key in value}
    first = next(iter(value.values()))
    keys = list(first)
    if not keys or any(list(member) != keys for member in value.values()):
        return None
    inner = {str(key).strip().lower() for key in keys}
    if len(outer & _COLUMN_NAMES) >= len(inner & _COLUMN_NAMES):
        if not outer & _COLUMN_NAMES:
            return None
        records = [{str(n): _cell(cells[key]) for n, cells in value.items()} for key in keys]
        return JsonTable(records, "columns of cells by index")
    return JsonTable([dict(_flat(row)) for row in value.values()], "records by index")


def _of_lists(value: Mapping[str, Any]) -> JsonTable | None:
    lengths = {len(member) for member in value.values()}
    if any(isinstance(_cell(cell), Mapping) for member in value.values() for cell in member):
        return None
    if len(lengths) != 1 or lengths == {0}:
        return None
    records = [
        {str(name): _cell(cells[i]) for name, cells in value.items()} for i in range(lengths.pop())
    ]
    return JsonTable(records, "columns as lists")


def spooled_json(path: Path, table: JsonTable, folder: Path) -> Spool:
    """The rows of a JSON file, as :func:`~reportgen.importers.formats.json_files.read_json_lines`
    gives those of JSON Lines.
    """
    return spooled_lines(_Records(path, unit="record", records=table.records), folder)


@dataclass
class _Records(Lines):
    """Rows that were parsed as a whole."""

    records: Sequence[Mapping[str, Any]] = field(default=())

    def objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        yield from enumerate(map(dict, self.records), start=1)
        self.sha256 = file_sha256(self.path)

    def place(self, row: int) -> str:
        return f"record {row + 1:,}"
