"""Paths from users: local ones are accepted, addresses and empty names are refused."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path

from reportgen.errors import DataError, OutputError, UsageError
from reportgen.text import listing, middle_cut, printable, quoted, without_secrets

__all__ = [
    "as_typed",
    "exists",
    "is_pattern",
    "local_path",
    "matching_files",
    "output_path",
    "part_files",
    "pattern_root",
    "refuse_address",
    "shown_address",
    "with_pattern",
]


# A single slash counts, since pathlib collapses two.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+:/)/?")


def shown_address(address: str | os.PathLike[str]) -> str:
    """An address for messages: with both slashes, without password or token."""
    return without_secrets(_ADDRESS.sub(r"\1/", os.fspath(address), count=1))


def refuse_address(path: str | os.PathLike[str], what: str) -> None:
    """Raise :class:`UsageError` if `path`, named `what` in messages, is not a local path.

    ``remote-path`` for an address, ``option-value`` for an impossible file name.
    """
    text = os.fspath(path)
    if "\0" in text:
        raise UsageError(
            f"{what} {quoted(text)} is not a path: it contains a null character",
            slug="option-value",
            hint="pass the path without it",
        )
    if _ADDRESS.match(text) and not exists(text):
        raise UsageError(
            f"{what} {quoted(shown_address(text))}: only local paths are read, "
            "nothing is downloaded",
            slug="remote-path",
            hint=f"name a local folder with {what}"
            if what == "-o"
            else "download the file yourself and pass its path",
        )


def local_path(path: str | os.PathLike[str], what: str) -> Path:
    """`path` as a local path; an address or an empty name is refused."""
    if not os.fspath(path):
        raise _empty(what)
    refuse_address(path, what)
    return Path(path)


def output_path(path: str | os.PathLike[str], what: str = "-o") -> Path:
    """`path` as an output path. Raises :class:`UsageError` if it is invalid."""
    if os.fspath(path) == "-":
        raise UsageError(
            f'{what} "-" is not a folder: a report is several files, and none goes to stdout',
            slug="output-stdout",
            hint=f"name a folder: {what} report (or {what} ./- for a folder of that name)",
        )
    _require_length(path)
    return local_path(path, what)


def _require_length(path: str | os.PathLike[str]) -> None:
    """Refuse names that are too long for a file, before any work."""
    try:
        for part in (*Path(path).parts, path):  # a missing folder hides what is below it
            if os.fspath(part) != os.sep:
                _look_at(part)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise OutputError(
                f"cannot write {quoted(middle_cut(Path(path).name))}: file name too long",
                slug="output-not-writable",
                hint="use shorter names: a file system takes about 255 bytes per name",
            ) from error
    except ValueError as error:
        raise UsageError(
            f"-o {quoted(os.fspath(path))} is not a valid file name", slug="option-value"
        ) from error


def _look_at(path: str | os.PathLike[str]) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        os.lstat(path)


def _empty(what: str) -> UsageError:
    return UsageError(
        f"{what} is empty",
        slug="path-empty",
        hint="name a file or folder (a variable of a script may be unset), or . for this folder",
    )


def exists(path: str | os.PathLike[str]) -> bool:
    """Whether there is such a file or folder; False for what can't be a path at all."""
    try:
        return os.path.lexists(path)
    except (OSError, ValueError):
        return False


def as_typed(path: Path) -> str:
    """A path to type in a command: as given, or relative; never absolute."""
    relative = os.path.relpath(path) if path.is_absolute() else os.fspath(path)
    return printable(path.name if relative.startswith("..") else relative)


def part_files(folder: Path) -> tuple[Path, ...]:
    """The Parquet files of a table in a folder, by name, without hidden ones."""
    found = (path for path in folder.glob("*.parquet") if not path.name.startswith((".", "_")))
    return tuple(sorted(found))


def is_pattern(path: str | os.PathLike[str]) -> bool:
    """Whether it contains ``*``, ``?`` or ``[``, and no file has that exact name."""
    return glob.has_magic(os.fspath(path)) and not exists(path)


def pattern_root(pattern: Path) -> Path:
    """The folder above the first part with a wildcard."""
    parts = pattern.parts
    first = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:first])


def matching_files(pattern: Path) -> tuple[Path, ...]:
    """The files that a pattern matches, by name; ``**`` matches any number of folders.

    Files and folders below its root that begin with a dot or an underscore are ignored. Raises
    :class:`DataError` (``input-no-match``) without a match.
    """
    root = pattern_root(pattern)
    # Path.glob matches only folders with a final ** before Python 3.13.
    found_names = glob.iglob(os.fspath(pattern), recursive=True)  # noqa: PTH207
    matches = map(Path, found_names)
    visible = (path for path in matches if not _is_hidden(path.relative_to(root)))
    found = tuple(sorted(path for path in visible if path.is_file()))
    if not found:
        raise _no_match(pattern, root)
    return found


def with_pattern(words: Sequence[str]) -> tuple[list[str], int] | None:
    """The words of a command with the pattern that the shell expanded, and the number of its files.

    None if no pattern matches exactly these files.
    """
    at = [i for i, word in enumerate(words) if Path(word).is_file()]
    if len(at) < 2 or at != list(range(at[0], at[-1] + 1)):
        return None
    names = [words[i] for i in at]
    folder, suffix = Path(names[0]).parent, Path(names[0]).suffix
    begin = os.path.commonprefix([Path(name).name for name in names])  # noqa: RUF071
    if is_pattern(folder):
        return None
    for pattern in (folder / f"*{suffix}", folder / f"{begin}*{suffix}"):
        matches = sorted(pattern.parent.glob(pattern.name))
        if matches == sorted(map(Path, names)):
            return [*words[: at[0]], pattern.as_posix(), *words[at[-1] + 1 :]], len(names)
    return None


def _is_hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _no_match(pattern: Path, root: Path) -> DataError:
    shown = quoted(middle_cut(os.fspath(pattern)))
    if not root.is_dir():
        reason, hint = f": there is no folder {quoted(os.fspath(root))}", "check the path"
    else:
        inside = glob.iglob(glob.escape(os.fspath(root)) + "/*")  # noqa: PTH207
        there = sorted(name for name in (Path(path).name for path in inside) if name[0] != "_")
        reason = f": {quoted(os.fspath(root))} contains {listing(there, 4) if there else 'nothing'}"
        hint = "check the pattern: * is any part of one name, ** any number of folders"
    return DataError(f"no file matches {shown}{reason}", slug="input-no-match", hint=hint)
