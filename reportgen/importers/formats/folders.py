"""A folder of part files as one table, as written by clusters, with Hive keys in folder names."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path, PurePath
from typing import Any, TypeVar
from urllib.parse import unquote

from reportgen.errors import DataError
from reportgen.importers.formats.limits import readable
from reportgen.importers.formats.schemas import schema_of
from reportgen.importers.formats.tables import HELD_BYTES, TEXT, Column, Spool, Table
from reportgen.paths import as_typed
from reportgen.storage import Address, Place
from reportgen.text import listing, printable, quoted

__all__ = [
    "PartsTable",
    "kinds_of_parts",
    "mixed_parts",
    "open_parts",
    "refuse_text_per_image",
]


AnyPlace = TypeVar("AnyPlace", Path, Address)


_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


_FIRST = "parquet"
"""If a folder contains files of this kind, they are the table, and other files are ignored."""


@dataclass(frozen=True)
class PartsTable:
    """Several tables with the same columns, concatenated.

    Attributes
    ----------
    names
        Names of the parts, below the folder.
    keys
        For each part: key → value, from folders such as ``split=test``; None for a missing value.
        All parts have the same keys, each a column of text.
    """

    name: str
    parts: tuple[Table, ...]
    names: tuple[str, ...]
    keys: tuple[Mapping[str, str | None], ...]
    columns: Mapping[str, Column]

    @property
    def n_rows(self) -> int:
        return self._ends[-1]

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(part.n_rows for part in self.parts))

    @cached_property
    def sha256(self) -> str:
        if len(self.parts) == 1:
            return self.parts[0].sha256
        return hashlib.sha256("".join(part.sha256 for part in self.parts).encode()).hexdigest()

    @property
    def schema(self) -> Any:
        """The schema of the first part, without keys; None if it has none."""
        return schema_of(self.parts[0])

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        for part, keys in zip(self.parts, self.keys, strict=True):
            own = [name for name in columns if name not in keys]
            for batch in part.batches(own, rows):
                yield _with_keys(batch, columns, keys) if len(own) < len(columns) else batch

    def place(self, row: int) -> str:
        at = min(bisect_right(self._ends, row), len(self.parts) - 1)
        within = self.parts[at].place(row - (self._ends[at - 1] if at else 0))
        return f"{within} of {printable(self.names[at])}"


def _with_keys(batch: Any, columns: Sequence[str], keys: Mapping[str, str | None]) -> Any:
    import pyarrow as pa

    n = len(batch)
    arrays = [
        pa.repeat(pa.scalar(keys[name], pa.string()), n) if name in keys else batch.column(name)
        for name in columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def kinds_of_parts(folder: Path, kind_of: Callable[[Path], str]) -> dict[str, list[Path]]:
    """Kind → the part files of it, by name; only Parquet if there is any.

    Searched are the folder and subfolders named ``key=value``. Names beginning with a dot or an
    underscore are ignored.
    """
    found: dict[str, list[Path]] = {}
    for path in _files(folder):
        if kind := kind_of(path):
            found.setdefault(kind, []).append(path)
    return {_FIRST: found[_FIRST]} if _FIRST in found else found


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "_")):
            continue
        if path.is_dir() and "=" in path.name:
            yield from _files(path)
        elif path.is_file():
            yield path


def open_parts(
    folder: Place, files: Sequence[AnyPlace], open_one: Callable[[AnyPlace], Table], spool: Path
) -> PartsTable:
    """Open the table in the part files of a folder.

    Raises :class:`DataError` if their columns or folder keys differ, and the errors of `open_one`.
    """
    below = [path.relative_to(folder) for path in files]  # type: ignore[arg-type]  # of one kind
    names = [path.as_posix() for path in below]
    keys = [_keys(path.parent) for path in below]
    parts: list[Table] = []
    held = 0
    for path, name, own in zip(files, names, keys, strict=True):
        if list(own) != list(keys[0]):
            raise _other(name, names[0], "lies in folders with other keys than", "keys")
        part = open_one(path)
        if parts and not _same(part, parts[0]):
            raise _other(name, names[0], "has other columns than", "columns and types")
        if isinstance(part, Spool):
            held += part.n_bytes
            part = part if held <= HELD_BYTES else part.on_disk(spool)
        parts.append(part)
    stated = parts[0].columns
    added = {key: Column(key, TEXT) for key in keys[0] if key not in stated}
    keys = [{key: value for key, value in own.items() if key in added} for own in keys]
    return PartsTable(folder.name, tuple(parts), tuple(names), tuple(keys), {**stated, **added})


def _same(one: Table, other: Table) -> bool:
    """Whether both have the same columns, with the same types, in the same order."""
    schema = schema_of(one)
    if schema is not None:
        return bool(schema.equals(schema_of(other), check_metadata=False))
    return list(one.columns.values()) == list(other.columns.values())


def _keys(folder: PurePath) -> dict[str, str | None]:
    """The keys and values in ``year=2024/split=test``."""
    pairs = (part.partition("=") for part in folder.parts if "=" in part)
    return {unquote(key): None if value == _NO_VALUE else unquote(value) for key, _, value in pairs}


def _other(name: str, first: str, what: str, needed: str) -> DataError:
    return DataError(
        f"{quoted(name)} {what} {quoted(first)}",
        slug="table-columns",
        hint=f"all part files of a table need the same {needed}",
    )


def mixed_parts(folder: Path, kinds: Mapping[str, Sequence[Path]]) -> DataError:
    """The error for a folder with several kinds of tables."""
    examples = [paths[0].relative_to(folder).as_posix() for paths in kinds.values()]
    return DataError(
        f"the folder {quoted(folder.name)} contains files of several formats: {listing(examples)}",
        slug="input-is-folder",
        hint="pass one of the files, or a folder with only the parts of one table",
    )


_SHARE_AND_NAME = re.compile(r"(?:0\.\d\d|1\.00) \S")


def refuse_text_per_image(folder: Path) -> None:
    """Refuse what ultralytics saves with ``save_txt``: a text of ``0.98 cat`` for each image.

    Raises :class:`DataError` ``input-kind`` with the lines that make one table of them.
    """
    for place in (folder, folder / "labels"):
        first = min(place.glob("*.txt"), default=None)
        if first is not None and _SHARE_AND_NAME.match(_start(first)):
            raise DataError(
                f"the folder {quoted(place.name)} has one text file per image, as ultralytics "
                "saves them (save_txt)",
                slug="input-kind",
                details=[
                    "make a table of their first lines, the most probable classes:",
                    "    import csv",
                    "    from pathlib import Path",
                    f"    files = sorted(Path({as_typed(place)!r}).glob('*.txt'))",
                    "    with open('predictions.csv', 'w', newline='') as stream:",
                    "        table = csv.writer(stream)",
                    "        table.writerow(['id', 'confidence', 'prediction'])",
                    "        for file in files:",
                    "            best = file.read_text().split('\\n')[0].split(' ', 1)",
                    "            table.writerow([file.stem, *best])",
                ],
                hint="then, with a table of the true classes, whose ids are the file names without "
                "extension: reportgen render predictions.csv --labels TABLE -o OUT",
            )


def _start(path: Path) -> str:
    with readable(path), path.open(encoding="utf-8", errors="replace") as stream:
        return stream.read(8)
