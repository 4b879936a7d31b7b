"""Which format a file has: by its first bytes and its name, and what it seems to hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reportgen.errors import DataError
from reportgen.inputs.arrays import array_files, npy_file
from reportgen.inputs.limits import readable, require_memory, require_plain_file
from reportgen.inputs.options import InputOptions
from reportgen.inputs.strict_csv import dialect_of
from reportgen.inputs.strict_json import JsonFault, parse
from reportgen.text import quoted

__all__ = ["MATRIX_ARRAYS", "format_of", "kind_of", "read_json"]

MATRIX_ARRAYS = ("matrix", "confusion_matrix", "confusion", "counts", "cm")
"""Names that a matrix goes by in an ``.npz``."""

_SUFFIXES = {
    ".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "csv", ".tab": "csv",
    ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".npy": "npy",
    ".npz": "npz",
}  # fmt: skip
_PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".joblib", ".ckpt", ".bin"}
_JSON_GROWTH = 12  # bytes in memory for a byte of numbers in brackets
_WHAT_WORKS = (
    "tables of predictions: .parquet, .csv, .tsv, .jsonl, .npz, .npy; "
    "confusion matrices: .csv, .json, .npy, .npz"
)


def format_of(path: Path) -> str:
    """``"parquet"``, ``"csv"``, ``"jsonl"``, ``"json"``, ``"npy"`` or ``"npz"``.

    The bytes count more than the name. Raises :class:`DataError` where the file is missing, or
    none of these.
    """
    if path.is_dir():
        return "parquet"
    require_plain_file(path)
    by_name = _SUFFIXES.get(path.suffix.lower(), "")
    with readable(path), path.open("rb") as stream:
        head = stream.read(4096)
    for magic, kind in ((b"PAR1", "parquet"), (b"\x93NUMPY", "npy")):
        if head.startswith(magic):
            return kind
    if path.suffix.lower() in _PICKLES or (head[:1] == b"\x80" and head[1:2] in b"\2\3\4\5"):
        raise DataError(
            f"{quoted(path.name)} seems to be a pickle, which can run code: it is not read",
            slug="input-pickle",
            hint="save labels and scores with numpy.savez, or a table as CSV or Parquet",
        )
    if head.startswith(b"PK\x03\x04") and by_name in ("", "npz"):
        return "npz"
    if by_name:
        return by_name
    raise DataError(
        f"{quoted(path.name)} has no format that is known by its name or its bytes",
        slug="input-kind",
        details=[_WHAT_WORKS],
        hint="give it the ending of its format",
    )


def kind_of(path: Path, options: InputOptions) -> str:
    """``"predictions"``, ``"matrix"`` or ``"evaluation"`` (a ``report.json`` of ours).

    What the user said; else what the content shows. Raises :class:`DataError` where the file is
    missing or has no known format.
    """
    if options.kind != "auto":
        return options.kind
    found = format_of(path)
    if found == "json":
        return _kind_of_json(path)
    if found == "npy":
        shape = npy_file(path).shape
        square = len(shape) == 2 and shape[0] == shape[1]
        return "matrix" if square and options.labels_file is None else "predictions"
    if found == "npz":
        names = {name.lower() for name in array_files(path)}
        return "matrix" if names & set(MATRIX_ARRAYS) else "predictions"
    if found == "csv":
        from reportgen.inputs.grids import looks_like_matrix

        dialect = dialect_of(path, options.separator, options.encoding)
        return "matrix" if looks_like_matrix(path, dialect) else "predictions"
    return "predictions"


def read_json(path: Path) -> Any:
    """The value in a JSON file, strictly read; :class:`DataError` with its line."""
    size = require_plain_file(path)
    require_memory(_JSON_GROWTH * size, quoted(path.name))
    try:
        with readable(path):
            return parse(path.read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{quoted(path.name)} is not UTF-8 at byte {error.start:,}",
            slug="table-encoding",
            hint="save it as UTF-8",
        ) from error
    except JsonFault as error:
        raise DataError(
            f"line {error.line:,} of {quoted(path.name)} is no JSON: {error.what}",
            slug="table-syntax",
            hint="write it with a JSON library",
        ) from error


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
