"""Whether a saved input contains predictions, a confusion matrix or an evaluation.

Formats are imported where a file has them: most files need no other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reportgen.errors import DataError
from reportgen.importers.formats.delimited import dialect_of
from reportgen.importers.formats.detecting import format_of
from reportgen.importers.matrices.grids import looks_like_matrix
from reportgen.options import InputOptions
from reportgen.text import count, listing, printable, quoted

__all__ = [
    "kind_of_content",
]


def kind_of_content(path: Path, options: InputOptions) -> str:
    """As :func:`~reportgen.importers.kind_of`, detected from the content."""
    found = format_of(path)
    if options.labels is not None and found in ("csv", "npy", "npz"):
        return "predictions"
    if options.normalised and found in ("csv", "npy", "npz"):
        return "matrix"
    if found == "json":
        return _kind_of_json(path, options)
    if found in ("npy", "npz"):
        from reportgen.importers.matrices.array_matrices import has_array_matrix

        return "matrix" if has_array_matrix(path, found) else "predictions"
    if found == "csv" and options.count_column is None:  # else each line has a number of samples
        dialect = dialect_of(path, options.separator, options.encoding, options.decimal)
        return "matrix" if looks_like_matrix(path, dialect) else "predictions"
    return "predictions"


def _kind_of_json(path: Path, options: InputOptions) -> str:
    from reportgen.importers.formats.json_files import read_json
    from reportgen.importers.formats.json_tables import LABELS_ONLY, json_table
    from reportgen.importers.matrices.json_matrices import has_json_matrix, refuse_nested_names
    from reportgen.importers.matrices.reports_of_others import refuse_report_json

    value = read_json(path)
    if isinstance(value, dict) and "schema_version" in value and "confusion_matrix" in value:
        return "evaluation"
    if has_json_matrix(value):
        return "matrix"
    refuse_report_json(path.name, value)
    table = json_table(value)
    if table is not None and (table.layout != LABELS_ONLY or options.labels is not None):
        return "predictions"
    refuse_nested_names(path.name, value)
    raise _no_input(path.name, value)


def _no_input(name: str, value: Any) -> DataError:
    """A description of JSON that contains neither a table nor a matrix."""
    keys = list(value) if isinstance(value, dict) else []
    held = f": its keys are {listing(keys, 6)}" if keys else ""
    hint = "save the label and the prediction of each sample"
    if keys and all(isinstance(value[key], (int, float)) for key in keys):
        held = ": named numbers, neither samples nor counts"
    elif len(lengths := _lengths(value)) > 1 and len(set(lengths.values())) > 1:
        some = listing((f"{key} {count(n)}" for key, n in lengths.items()), 6)
        held = f": its lists have different lengths ({some})"
        hint = "one list for each column, equally long; pass a class list with --classes FILE"
    elif any(key in value for key in ("labels", "label") if isinstance(value, dict)):
        held = ": it contains labels only, no predictions"
        hint = "if these are predictions, pass the labels of the same samples: --labels FILE"
    return DataError(
        f"{quoted(name)} is JSON with neither predictions nor a confusion matrix{held}",
        slug="input-kind",
        details=[
            "supported: a list of records, columns as lists, {columns, data}, JSON Lines; "
            '{"classes": ["cat", "dog"], "counts": [[5, 1], [2, 7]]}'
        ],
        hint=hint,
    )


def _lengths(value: Any) -> dict[str, int]:
    """The lengths of the lists in an object."""
    members = value.items() if isinstance(value, dict) else ()
    return {printable(str(key)): len(one) for key, one in members if isinstance(one, list)}
