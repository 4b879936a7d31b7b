"""What a saved input seems to hold: predictions, a confusion matrix, or a report of ours."""

from __future__ import annotations

from pathlib import Path

from reportgen.errors import DataError
from reportgen.inputs.formats.arrays import array_files, npy_file
from reportgen.inputs.formats.sniffing import format_of
from reportgen.inputs.formats.strict_csv import dialect_of
from reportgen.inputs.formats.strict_json import read_json
from reportgen.inputs.matrices.grids import MATRIX_ARRAYS, looks_like_matrix
from reportgen.inputs.options import InputOptions
from reportgen.text import quoted

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
        return "matrix" if looks_like_matrix(path, dialect) else "predictions"
    return "predictions"


def _kind_of_json(path: Path) -> str:
    value = read_json(path)
    if isinstance(value, dict) and "schema_version" in value and "confusion_matrix" in value:
        return "evaluation"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        raise DataError(
            f"{quoted(path.name)} is one JSON list of objects",
            slug="input-kind",
            hint="write JSON Lines (.jsonl): one object a line, without brackets and commas around",
        )
    return "matrix"
