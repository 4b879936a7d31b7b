"""Replaces the files of a report atomically: a folder has the old report or the new one.

All files are made in a hidden staging folder. When they are complete, one rename to
``report.unfinished`` commits the replacement. Then the files are moved into place: the old page is
removed first, the new page is added last. If a process is killed in between, ``report.unfinished``
is visible, and the next command that uses the folder completes the moves. An old page is never
beside new numbers.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from reportgen.errors import OutputError
from reportgen.files import TEMPORARY_PREFIX, output_error, synced_text
from reportgen.text import quoted

__all__ = [
    "UNFINISHED",
    "Changes",
    "Stage",
    "finish",
    "is_unfinished",
    "staged",
]


UNFINISHED = "report.unfinished"


_NEW, _OLD, _JOURNAL, _README = "new", "old", "journal.json", "README.txt"


_README_TEXT = """\
A command was interrupted while it replaced the report in the parent folder of this one.
The new report is complete. To put it in place, run any reportgen command on that folder, such as
    reportgen check FOLDER --fail-under accuracy=0
"""


@dataclass(frozen=True)
class Changes:
    """The changes of a replacement: names relative to the folder, with ``/``.

    Attributes
    ----------
    put
        Files and folders to move into place; each replaces an existing one of its name.
    remove
        Files of an earlier report that this one does not have.
    """

    put: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def within(self, name: str) -> Changes:
        """The same changes in a subfolder `name`."""
        return Changes(
            tuple(f"{name}/{one}" for one in self.put),
            tuple(f"{name}/{one}" for one in self.remove),
        )

    def __add__(self, other: Changes) -> Changes:
        return Changes(self.put + other.put, self.remove + other.remove)


@dataclass
class Stage:
    """A hidden staging folder inside `folder`.

    `also` are further changes, made together with those of :meth:`replace`.
    """

    folder: Path
    hidden: Path
    also: Changes = field(default_factory=Changes)

    @property
    def new(self) -> Path:
        """The staging folder; created on first use."""
        new = self.hidden / _NEW
        try:
            new.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(self.folder / "report", error) from error
        return new

    def replace(self, changes: Changes) -> None:
        """Move the content of `new` into `folder`, completely or not at all.

        Raises :class:`OutputError`; if a move fails, the earlier files are restored.
        """
        changes, stage = changes + self.also, self.hidden
        journal = {"put": _ordered(changes.put), "remove": list(changes.remove)}
        try:
            (stage / _README).write_text(_README_TEXT, "utf-8")
            synced_text(stage / _JOURNAL, json.dumps(journal, indent=1))
            stage.rename(self.folder / UNFINISHED)
            _move_or_put_back(self.folder)
        except OSError as error:
            raise output_error(self.folder / "report", error) from error


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """A stage in `folder`, for the length of the block; the rest of it is then deleted."""
    hidden = _hidden(folder)
    try:
        yield Stage(folder, hidden)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _hidden(folder: Path) -> Path:
    # The process id lets a later run recognise a folder left by a killed one.
    return folder / f"{TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(4)}-report"


def _ordered(names: Sequence[str]) -> list[str]:
    """Data before pages, and the folder's own page last: it refers to all the others."""
    return sorted(names, key=lambda name: (_rank(name), -name.count("/")))


def _rank(name: str) -> int:
    path = PurePosixPath(name)
    return 2 if path.suffix == ".html" else 1 if path.name == "report.json" else 0


def is_unfinished(folder: Path) -> bool:
    """Whether a replacement in `folder` was interrupted, or is in progress."""
    try:
        return (folder / UNFINISHED / _JOURNAL).is_file()
    except (OSError, ValueError):  # not a valid folder name
        return False


def finish(folder: Path) -> None:
    """Complete an interrupted replacement in `folder`, if there is one.

    Raises :class:`OutputError` (``report-unfinished``) if it can't be completed.
    """
    if not is_unfinished(folder):
        return
    try:
        _move(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _stuck(folder, error) from error


def _move_or_put_back(folder: Path) -> None:
    try:
        _move(folder)
    except OSError as error:
        try:
            _put_back(folder)
        except OSError:
            raise _stuck(folder, error) from error
        raise
    except BaseException:  # a signal: a few more moves complete the new report
        _move(folder)
        raise


def _move(folder: Path) -> None:
    """Make all remaining moves: safe to restart at any point."""
    put, remove = _journal(folder)
    new, old = folder / UNFINISHED / _NEW, folder / UNFINISHED / _OLD
    for name in reversed(_ordered((*put, *remove))):  # pages first
        if name in remove or os.path.lexists(new / name):
            _shift(folder / name, old / name)
    for name in put:
        _shift(new / name, folder / name)
    _discard(folder)


def _put_back(folder: Path) -> None:
    """Restore the old files."""
    put, remove = _journal(folder)
    new, old = folder / UNFINISHED / _NEW, folder / UNFINISHED / _OLD
    for name in reversed(put):
        if not os.path.lexists(new / name):
            _shift(folder / name, new / name)
    for name in _ordered((*put, *remove)):
        _shift(old / name, folder / name)
    _discard(folder)


def _journal(folder: Path) -> tuple[list[str], list[str]]:
    content = json.loads((folder / UNFINISHED / _JOURNAL).read_text("utf-8"))
    put, remove = content["put"], content["remove"]
    for name in (*put, *remove):
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
            raise ValueError(f"the journal names {quoted(name)}")
    return put, remove


def _shift(source: Path, target: Path) -> None:
    """Move a file, link or folder if it exists; an existing `target` is replaced."""
    if not os.path.lexists(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    source.replace(target)


def _discard(folder: Path) -> None:
    """Clean up after a replacement: one rename of the folder, then its files one by one."""
    gone = _hidden(folder)
    (folder / UNFINISHED).rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _stuck(folder: Path, error: Exception) -> OutputError:
    reason = (getattr(error, "strerror", None) or "its journal is damaged").lower()
    return OutputError(
        f"the report in {quoted(folder.name)} is partly replaced, and the replacement can't be "
        f"completed: {reason}",
        slug="report-unfinished",
        details=[f"the new files are in {UNFINISHED}/{_NEW}, the old ones in {UNFINISHED}/{_OLD}"],
        hint=f"make {quoted(folder.name)} writable and run the command again, or move "
        f"{UNFINISHED} away and rebuild it with --force",
    )
