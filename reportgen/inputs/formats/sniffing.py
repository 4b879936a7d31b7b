"""Which format a file has: by its first bytes and its name."""

from __future__ import annotations

from pathlib import Path

from reportgen.errors import DataError
from reportgen.inputs.formats.limits import readable, require_plain_file
from reportgen.text import quoted

__all__ = ["format_of"]

_SUFFIXES = {
    ".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "csv", ".tab": "csv",
    ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".npy": "npy",
    ".npz": "npz",
}  # fmt: skip
_PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".joblib", ".ckpt", ".bin"}
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
