"""Column types and metadata in Arrow schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reportgen.errors import DataError
from reportgen.importers.formats.tables import LIST, Column, Table, is_single_type, kind_of_type
from reportgen.storage import Place, unread_reason
from reportgen.text import quoted

__all__ = [
    "class_labels",
    "column_of",
    "readable_as",
    "schema_of",
]


def schema_of(table: Table) -> Any:
    """The Arrow schema of the file of a table, or None."""
    return getattr(table, "schema", None)


def class_labels(table: Table) -> dict[str, tuple[str, ...]]:
    """Column → class names of its indices, from Hugging Face ``ClassLabel`` metadata.

    Metadata in another form is ignored.
    """
    schema = schema_of(table)
    metadata = {} if schema is None else schema.metadata or {}
    try:
        described = json.loads(metadata.get(b"huggingface", b"{}"))
        return {
            str(column): tuple(map(str, feature["names"]))
            for column, feature in described["info"]["features"].items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def column_of(field: Any) -> Column:
    """The :class:`Column` for an Arrow field."""
    kind = kind_of_type(field.type)
    width = getattr(field.type, "list_size", None) if kind == LIST else None
    return Column(field.name, kind, width, single=is_single_type(field.type))


@contextmanager
def readable_as(path: Place, what: str) -> Iterator[None]:
    """Convert Arrow's errors on a file of kind `what` to :class:`DataError`."""
    import pyarrow as pa

    try:
        yield
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        reason = unread_reason(path, error)
        raise DataError(
            f"{quoted(path.name)} can't be read as {what}: {reason}",
            slug="predictions-damaged",
            hint="write it again, or restore the file",
        ) from error
