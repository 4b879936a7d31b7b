"""What a saved input seems to hold: predictions, a confusion matrix, or a report of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reportgen.errors import DataError
from reportgen.inputs.formats.arrays import array_files, npy_file
from reportgen.inputs.formats.json_tables import json_table
from reportgen.inputs.formats.sniffing import format_of
from reportgen.inputs.formats.strict_csv import dialect_of
from reportgen.inputs.formats.strict_json import read_json
from reportgen.inputs.matrices.grids import MATRIX_ARRAYS, has_json_matrix, looks_like_matrix
from reportgen.inputs.matrices.reports_of_others import refuse_report_json, refuse_report_text
from reportgen.inputs.options import InputOptions
from reportgen.text import listing, quoted

__all__ = ["kind_of"]


def kind_of(path: Path, options: InputOptions) -> str:
    """``"predictions"``, ``"matrix"`` or ``"evaluation"`` (a ``report.json`` of ours).

    What the user said; else what the content shows. Raises :class:`DataError` where the file is
    missing or has no known format.
    """
    if options.kind != "auto":
        return options.kind
    found = format_of(path)
    if options.labels is not None and found in ("csv", "npy", "npz"):
        return "predictions"
    if options.normalised and found in ("csv", "npy", "npz"):
        return "matrix"
    if found == "json":
        return _kind_of_json(path)
    if found == "npy":
        shape = npy_file(path).shape
        square = len(shape) == 2 and shape[0] == shape[1]
        return "matrix" if square else "predictions"
    if found == "npz":
        names = {name.lower() for name in array_files(path)}
        return "matrix" if names & set(MATRIX_ARRAYS) else "predictions"
    if found == "csv":
        dialect = dialect_of(path, options.separator, options.encoding)
        refuse_report_text(path, dialect)
        return "matrix" if looks_like_matrix(path, dialect) else "predictions"
    return "predictions"


def _kind_of_json(path: Path) -> str:
    value = read_json(path)
    if isinstance(value, dict) and "schema_version" in value and "confusion_matrix" in value:
        return "evaluation"
    if has_json_matrix(value):
        return "matrix"
    refuse_report_json(path.name, value)
    if json_table(value) is not None:
        return "predictions"
    raise _no_input(path.name, value)


def _no_input(name: str, value: Any) -> DataError:
    """What JSON that holds neither a table nor a matrix seems to hold."""
    keys = list(value) if isinstance(value, dict) else []
    held = f": its keys are {listing(keys, 6)}" if keys else ""
    if keys and all(isinstance(value[key], (int, float)) for key in keys):
        held = ": numbers by name, no samples and no counts"
    elif any(key in value for key in ("labels", "label") if isinstance(value, dict)):
        held = ": it holds labels only, no predictions"
    return DataError(
        f"{quoted(name)} is JSON with neither predictions nor a confusion matrix{held}",
        slug="input-kind",
        details=[
            "read are: a list of records, columns as lists, {columns, data}, JSON Lines; "
            '{"classes": ["cat", "dog"], "counts": [[5, 1], [2, 7]]}'
        ],
        hint="save the label and the prediction of each sample",
    )
