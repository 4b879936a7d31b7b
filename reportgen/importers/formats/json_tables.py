"""Tables in one JSON value (records, columns, lists, ``{columns, data}``), as rows of a spool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reportgen.importers.columns.words import looks_like_id
from reportgen.importers.formats.json_files import Lines, scores_by_class, spooled_lines
from reportgen.importers.formats.limits import file_sha256
from reportgen.importers.formats.tables import Spool

__all__ = [
    "LABELS_ONLY",
    "JsonTable",
    "json_table",
    "spooled_json",
]


LABELS_ONLY = "classes by id"
"""The layout of a file with only labels or only predictions."""


_WRAPPERS = ("dataframe_split", "dataframe_records", "records", "rows", "samples", "results",
             "predictions", "data", "instances", "items")  # fmt: skip


_COLUMN_NAMES = frozenset({
    "label", "labels", "true", "y_true", "y", "target", "ground_truth", "gt", "actual", "truth",
    "prediction", "predictions", "predicted", "pred", "preds", "y_pred", "id", "image", "path",
    "file", "filename", "confidence", "score", "prob", "probability", "gt_label", "pred_label",
    "true_label", "predicted_label", "reference", "count", "n", "freq", "label_ids", "index",
})  # fmt: skip
"""Common column names: they distinguish records by index from columns by name."""


@dataclass(frozen=True)
class JsonTable:
    """The rows of a table, and a description of their layout."""

    records: Sequence[Mapping[str, Any]]
    layout: str


def json_table(value: Any) -> JsonTable | None:
    """The table in parsed JSON, or None."""
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
    if (exported := _of_class_numbers(value)) is not None:
        return exported
    lists = {key: member for key, member in value.items() if isinstance(member, list)}
    beside = len(lists) < len(value)  # such as the metrics of Trainer.predict
    if beside and len({str(key).lower() for key in lists} & _COLUMN_NAMES) < 2:
        return None
    return _of_lists(lists) if len(lists) > 1 else None


def _of_class_numbers(value: Mapping[str, Any]) -> JsonTable | None:
    """A single-field FiftyOne export: ``{"classes": [...], "labels": {id: index}}``."""
    labels, classes = value.get("labels"), value.get("classes", [])
    if not isinstance(labels, Mapping) or not labels or not set(value) <= {"classes", "labels"}:
        return None
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        return None
    names = [_class_name(one, classes) for one in labels.values()]
    if None in names:
        return None
    records = [{"id": key, "label": name} for key, name in zip(labels, names, strict=True)]
    return JsonTable(records, LABELS_ONLY)


def _class_name(label: Any, classes: Sequence[str]) -> str | None:
    """The name of a class, given as a name or an index into `classes`."""
    if isinstance(label, str):
        return label
    return classes[label] if type(label) is int and 0 <= label < len(classes) else None


def _is_column(value: Mapping[str, Any], key: str) -> bool:
    """Whether a member is one of several columns of equal length."""
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
        if (
            _is_classification(cell)
            and "confidence" not in row
            and cell.get("confidence") is not None
        ):
            yield "confidence", cell["confidence"]


def _is_classification(value: Any) -> bool:
    """Whether a cell is a FiftyOne label: an object with the class and further fields."""
    return isinstance(value, Mapping) and value.get("_cls") == "Classification"


def _cell(value: Any) -> Any:
    """The value of a cell; for a W&B image its path, for a FiftyOne label its class."""
    if _is_classification(value):
        return value.get("label")
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
    """Rows of columns by name, or of records by index: common column names decide."""
    outer = {str(key).strip().lower() for key in value}
    first = next(iter(value.values()))
    keys = list(first)
    if not keys or any(list(member) != keys for member in value.values()):
        return None
    inner = {str(key).strip().lower() for key in keys}
    known = len(outer & _COLUMN_NAMES), len(inner & _COLUMN_NAMES)
    if known == (0, 0) and (inner <= outer or not _are_ids(list(value))):
        return None
    if known[0] >= known[1] and known[0]:
        records = [{str(n): _cell(cells[key]) for n, cells in value.items()} for key in keys]
        return JsonTable(records, "columns of cells by index")
    records = [dict(_flat(row)) for row in value.values()]
    if _are_ids(list(value)) and not any(looks_like_id(name) for name in records[0]):
        records = [{"id": key, **row} for key, row in zip(value, records, strict=True)]
    return JsonTable(records, "records by index")


_FEWEST_IDS = 3


def _are_ids(keys: Sequence[Any]) -> bool:
    """Whether the keys of records are sample ids, not row numbers."""
    texts = list(map(str, keys))
    rows = texts in ([str(i) for i in range(n, n + len(texts))] for n in (0, 1))
    return not rows and len(texts) >= _FEWEST_IDS


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
    """The rows of a JSON file, in the form that ``read_json_lines`` returns."""
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
