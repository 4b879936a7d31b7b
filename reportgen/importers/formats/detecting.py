"""Which format a file has: its first bytes decide before its name."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from reportgen.errors import DataError
from reportgen.foreign_formats import by_content, by_ending
from reportgen.importers.formats.compressed import compression_of, inner_name, open_bytes
from reportgen.importers.formats.limits import readable, require_plain_file
from reportgen.paths import is_pattern
from reportgen.text import listing, quoted

__all__ = [
    "format_of",
    "kind_of_part",
]


_SUFFIXES = {
    ".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "csv", ".tab": "csv",
    ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".npy": "npy",
    ".npz": "npz", ".arrow": "arrow", ".arrows": "arrow", ".feather": "arrow", ".ipc": "arrow",
}  # fmt: skip


_MAGIC = (
    (b"PAR1", "parquet"), (b"\x93NUMPY", "npy"),
    (b"ARROW1", "arrow"), (b"\xff\xff\xff\xff", "arrow"),
)  # fmt: skip


_IN_FOLDERS = {"parquet", "arrow", "csv", "jsonl", "json"}


_PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".joblib", ".ckpt", ".bin"}


_WHAT_WORKS = (
    "tables of predictions: .parquet, .arrow, .feather, .csv, .tsv, .jsonl, .npz, .npy; "
    "confusion matrices: .csv, .json, .npy, .npz"
)


def format_of(path: Path) -> str:
    """``"parquet"``, ``"arrow"``, ``"csv"``, ``"jsonl"``, ``"json"``, ``"npy"`` or ``"npz"``.

    ``"folder"`` for a folder or a pattern. Content takes precedence over the name. Raises
    :class:`DataError` if the file is missing, or its format unknown.
    """
    if path.is_dir() or is_pattern(path):
        return "folder"
    require_plain_file(path)
    by_name = _SUFFIXES.get(inner_name(path).suffix.lower(), "")
    with readable(path):
        packed = compression_of(path)
        with open_bytes(path) as stream:
            head = stream.read(4096)
    if packed and by_name not in ("csv", "json", "jsonl"):
        raise DataError(
            f"{quoted(path.name)} is compressed ({packed[1:]}), but its name does not say it is "
            "text",
            slug="input-kind",
            hint="unpack it and pass that file, or rename it with the extension of its format, "
            f"such as .csv{packed}",
        )
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if path.suffix.lower() in _PICKLES or (head[:1] == b"\x80" and head[1:2] in b"\2\3\4\5"):
        raise DataError(
            f"{quoted(path.name)} seems to be a pickle, which can run code: it is not read",
            slug="input-pickle",
            hint="save labels and scores with numpy.savez, or a table as CSV or Parquet",
        )
    if head.startswith(b"PK\x03\x04") and by_name in ("", "npz") and _holds_arrays(path, by_name):
        return "npz"
    _refuse_by_content(path, head)
    if by_name == "json" and _is_lines(head):
        return "jsonl"
    if by_name in ("", "csv") and _is_drawn(head):
        raise DataError(
            f"{quoted(path.name)} is a table drawn with lines, as Markdown and SQL clients do",
            slug="input-kind",
            hint="save only the cells, separated by commas, as CSV",
        )
    if by_name:
        return by_name
    if (known := by_content(head) or by_ending(path)) is not None:
        raise DataError(
            f"{quoted(path.name)} is {known}, not predictions",
            slug="input-kind",
            details=[_WHAT_WORKS],
            hint="pass predictions; for those of a model: reportgen run MODEL DATA -o OUT",
        )
    raise DataError(
        f"{quoted(path.name)} is in an unknown format",
        slug="input-kind",
        details=[_WHAT_WORKS],
        hint="rename it with the extension of its format",
    )


_MARKUP = re.compile(rb"<(?:!doctype|html|\?xml|svg|body|table)", re.IGNORECASE)


_DRAWN = re.compile(
    r"[|+:\-\s]*--[|+:\-\s]*|[\s\u2500-\u257f]*[\u2500-\u257f]{3}[\s\u2500-\u257f]*"
)
"""A line that is drawn above or below the header of a table."""


_FOREIGN = (
    (b"FEA1", "is a Feather file of version 1", "write it again with pandas.DataFrame.to_feather"),
    (b"SQLite format 3", "is an SQLite database", "export the table as CSV"),
    (b"\x89HDF", "is an HDF5 file", "save labels and predictions with numpy.savez"),
    (b"\xd0\xcf\x11\xe0", "is a workbook of old Excel (.xls)", "save the sheet as CSV UTF-8"),
    (b"ORC", "is an ORC file", "write the table as Parquet"),
    (b"Obj\x01", "is an Avro file", "write the table as Parquet"),
    (b"\\begin{tab", "is a LaTeX table", "save only the cells, separated by commas, as CSV"),
    (b"%PDF", "is a PDF document", "pass the table or the matrix as a separate file"),
    (b"<?xml", "is XML, not a table", "write it as CSV, such as path,label,prediction"),
    (b"<", "is HTML or XML, not a table", "pass the file that it shows, as CSV or JSON"),
)


def _refuse_by_content(path: Path, head: bytes) -> None:
    """Refuse unsupported formats that are recognised by their first bytes."""
    if head.startswith(b"PK\x03\x04"):
        what, hint = _packed(path)
        raise DataError(f"{quoted(path.name)} {what}", slug="input-kind", hint=hint)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, what, hint in _FOREIGN:
        text_form = magic == b"<" and not _MARKUP.match(start)
        if start.startswith(magic) and not text_form:
            raise DataError(f"{quoted(path.name)} {what}", slug="input-kind", hint=hint)


def _holds_arrays(path: Path, by_name: str) -> bool:
    return bool(by_name) or any(name.endswith(".npy") for name in _members(path))


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, UnicodeError, NotImplementedError):
        return []


def _packed(path: Path) -> tuple[str, str]:
    """The content of a ZIP archive, and what to do instead."""
    names = _members(path)
    if any(name.startswith("xl/") for name in names):
        return "is an Excel workbook", (
            "save the sheet as CSV UTF-8 and pass that file; in Python: "
            "pandas.read_excel(workbook).to_csv(table, index=False)"
        )
    files = [name for name in names if not name.endswith("/")]
    held = f" that contains {listing(files, 3)}" if files else ""
    return f"is a ZIP archive{held}", "unpack it and pass the file in it"


def _is_lines(head: bytes) -> bool:
    """Whether a file named .json has one object per line, for at least two lines."""
    lines = [line.strip() for line in head.split(b"\n")][:2]
    return len(lines) == 2 and lines[0][:1] + lines[0][-1:] == b"{}" and lines[1][:1] == b"{"


def _is_drawn(head: bytes) -> bool:
    """Whether a line is drawn below the first line, or above it."""
    lines = [line for line in head.decode("utf-8", "ignore").split("\n") if line.strip()][:2]
    return any(_DRAWN.fullmatch(line) for line in lines)


def kind_of_part(path: Path) -> str:
    """The kind of a part file of a table, by its name; empty for others."""
    kind = _SUFFIXES.get(inner_name(path).suffix.lower(), "")
    return kind if kind in _IN_FOLDERS and path.suffix.lower() != ".txt" else ""
