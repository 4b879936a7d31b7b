"""Commands that are stopped before one of their moves of files, in a process of their own.

This module imports little: a process is forked for each of hundreds of moves, and forking the process
of the tests, which has imported PyTorch, takes 20 ms of CPU, and more the longer it has run.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reportgen.api.folder import place_for_part
from reportgen.files import write_text
from reportgen.options.page import PageOptions
from reportgen.process import exit_code_of
from reportgen.rendering import changes
from reportgen.rendering.folders import write_folder
from reportgen.replacement import staged

MOVES = ("rename", "replace", "unlink", "rmdir", "mkdir")
FILES = ("per_class.csv", "confusion.csv", "pairs.csv", "report.json")

_SMALL = multiprocessing.get_context("forkserver")
_SMALL.set_forkserver_preload(
    [__name__, "pytest"]
)  # of pytest, as children import what was started


def stopped_before(at: int, how: signal.Signals | int, counted: list[Any]) -> None:
    """Make every move of a file count, and stop before number `at`: by a signal, or an error."""

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def move(*a: Any, **k: Any) -> Any:
            counted.append(real)
            if len(counted) == at and isinstance(how, signal.Signals):
                os.kill(os.getpid(), how)
            elif len(counted) == at:
                raise OSError(how, os.strerror(how))
            return real(*a, **k)

        return move

    for name in MOVES:
        setattr(os, name, guarded(getattr(os, name)))


def run_and_exit(
    act: Callable[[], int], at: int, how: signal.Signals | int, told: Path | None
) -> None:
    """End this process with the exit code of `act`, stopped before its move number `at`."""
    code = 99
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (1, 2):
            os.dup2(null, stream)
        counted: list[Any] = []
        stopped_before(at, how, counted)
        code = exit_code_of(act)
        if told:
            told.write_text(str(len(counted)))
    finally:
        os._exit(code)


def in_fork(
    act: Callable[[], int],
    at: int = 0,
    how: signal.Signals | int = signal.SIGKILL,
    told: Path | None = None,
) -> int:
    """The exit code of `act` in a fork of this process, which has drawn the pictures already."""
    child = os.fork()
    if not child:
        run_and_exit(act, at, how, told)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def in_child(
    act: Callable[[], int],
    at: int = 0,
    how: signal.Signals | int = signal.SIGKILL,
    told: Path | None = None,
) -> int:
    """The exit code of `act`, which can be pickled, in a process that has imported little."""
    child = _SMALL.Process(target=run_and_exit, args=(act, at, how, told))
    child.start()
    child.join()
    code = child.exitcode
    child.close()
    assert code is not None
    return code


def write_report(folder: Path, title: str, layout: str, figures: bool = False) -> int:
    """Write a small report of that title: what is made of what is of no matter."""
    page = PageOptions(layout=layout)
    with staged(folder) as stage:
        for name in (*FILES, page.page_name):
            write_text(stage.new / name, json.dumps(f"<title>{title}"))
        if layout == "dir":
            write_folder(stage.new / "report_files", dict.fromkeys(("report.css", "a.png"), b""))
        if figures:
            write_folder(stage.new / "figures", {"confusion-counts.svg": title.encode()})
        stage.replace(changes(stage.new, folder))
    return 0


def open_part(folder: Path) -> int:
    """Open the place for a part, and leave it."""
    with place_for_part(folder, "0-of-2", data=None):
        return 0
