"""Detects the column of a table with image files."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from reportgen.errors import DataError
from reportgen.importers.columns.words import several_columns
from reportgen.importers.formats.tables import Table
from reportgen.text import listing, printable, quoted

__all__ = [
    "features_of",
    "find_image_column",
    "image_columns",
]


_MAGIC = (
    b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"P5", b"P6",
)  # fmt: skip


def features_of(schema: Any) -> dict[str, Any]:
    """Column → its Hugging Face feature in the schema; otherwise empty."""
    try:
        described = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = described["info"]["features"]
        return {str(name): feature for name, feature in features.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def image_columns(schema: Any, first: Callable[[str], Any]) -> list[str]:
    """The columns whose cells are image files: by the ``Image`` feature, otherwise by their type.

    With the ``Image`` feature, texts are the paths of such files.

    Parameters
    ----------
    schema
        The Arrow schema.
    first
        Column → its first cell that is not null; called for columns of bytes only.
    """
    features = features_of(schema)
    declared = [
        name
        for name, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "Image"
        if name in schema.names and _may_be_files(schema.field(name).type)
    ]
    if declared:
        return declared
    return [field.name for field in schema if _may_hold_images(field, features, first)]


def _may_be_files(kind: Any) -> bool:
    """Whether cells of an Arrow type can be files, or their paths."""
    import pyarrow.types as t

    names = {field.name for field in kind} if t.is_struct(kind) else set()
    is_text = str(kind) in ("string", "large_string", "string_view")
    return is_bytes(kind) or is_text or bool(names & {"bytes", "path"})


def _may_hold_images(field: Any, features: dict[str, Any], first: Callable[[str], Any]) -> bool:
    if isinstance(features.get(field.name), dict) and features[field.name].get("_type") == "Audio":
        return False
    if is_bytes(field.type):
        return _is_image(first(field.name))
    return bytes_field(field.type) is not None and _is_image(first(field.name))


def bytes_field(kind: Any) -> str | None:
    """The field of a struct type with bytes, by its name, or None."""
    import pyarrow.types as t

    if not t.is_struct(kind):
        return None
    fields = {field.name: field for field in kind}
    return "bytes" if "bytes" in fields and is_bytes(fields["bytes"].type) else None


def is_bytes(kind: Any) -> bool:
    """Whether an Arrow type is one of the binary types."""
    return str(kind) in ("binary", "large_binary", "binary_view")


def _is_image(cell: Any) -> bool:
    if isinstance(cell, dict):
        if cell.get("bytes") is None:
            return isinstance(cell.get("path"), str)
        cell = cell["bytes"]
    if not isinstance(cell, bytes):
        return False
    return cell.startswith(_MAGIC) or cell[:4] + cell[8:12] == b"RIFFWEBP"


def find_image_column(table: Table, found: list[str], given: str | None) -> str:
    """The column of images: as given, otherwise the only one of `found`.

    Raises
    ------
    UsageError
        ``column-ambiguous``: there are several. ``table-columns``: the named column has no images.
    """
    if given is not None:
        if given in found:
            return given
        what = "contains no image files" if given in table.columns else "is not there"
        raise DataError(
            f"column {quoted(given)} of {quoted(table.name)} {what}",
            slug="table-columns",
            details=[f"columns of images: {listing(map(printable, found))}"],
            hint=f"--image-column {printable(found[0])}",
        )
    if len(found) > 1:
        raise several_columns(quoted(table.name), found, "columns of images", "--image-column")
    return found[0]
