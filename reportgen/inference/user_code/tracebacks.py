"""What went wrong in the user's code: the user's own lines, printable, the same in every run."""

from __future__ import annotations

import re
import sysconfig
import traceback
from pathlib import Path

from reportgen.text import printable

__all__ = ["error_line", "is_users", "user_location", "user_traceback"]

_MAX_FRAMES = 6
_MAX_TEXT = 200
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def user_traceback(error: BaseException) -> tuple[str, ...]:
    """The lines of `error`'s traceback that lie in the user's files, and the error itself.

    Frames of reportgen, of installed packages and of Python are left out; where nothing else is
    there, the last frame stays. Files are shown by base name. At most six frames, the last ones.
    """
    summary = traceback.TracebackException.from_exception(error)
    lines = [
        line
        for frame in _user_frames(summary)[-_MAX_FRAMES:]
        for line in (_place(frame), f"    {printable((frame.line or '').strip())}")
        if line.strip()
    ]
    last = [line for part in summary.format_exception_only() for line in part.splitlines()]
    return tuple(lines + [printable(line) for line in last])


def user_location(error: BaseException) -> str:
    """Where in the user's files `error` was raised: ``"nets.py, line 4, in make"``; else ""."""
    frames = _user_frames(traceback.TracebackException.from_exception(error))
    return _place(frames[-1]) if frames else ""


def error_line(error: BaseException) -> str:
    """`error` on one line, printable, the same in every run: ``"ValueError: too small"``."""
    try:
        text = str(error)
    except Exception:  # it is the user's class, and may fail here too
        text = ""
    text = printable(" ".join(_ADDRESS.sub("", text).split()))
    kind = type(error).__name__
    return f"{kind}: {text[:_MAX_TEXT]}" if text else kind


def is_users(filename: str) -> bool:
    """Whether a file is neither Python's, nor an installed package's, nor reportgen's."""
    if filename.startswith("<"):
        return False
    path = Path(filename)
    if "site-packages" in path.parts or "dist-packages" in path.parts:
        return False
    homes = (sysconfig.get_path("stdlib"), str(Path(__file__).resolve().parents[2]))
    return not any(path.is_relative_to(home) for home in homes)


def _user_frames(summary: traceback.TracebackException) -> list[traceback.FrameSummary]:
    return [frame for frame in summary.stack if is_users(frame.filename)] or summary.stack[-1:]


def _place(frame: traceback.FrameSummary) -> str:
    return f"{printable(Path(frame.filename).name)}, line {frame.lineno}, in {frame.name}"
