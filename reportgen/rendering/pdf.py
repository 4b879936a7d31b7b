"""``report.pdf``: the page as an installed Chromium prints it, tagged and with bookmarks.

The browser gets a temporary profile, a page without script, and no network.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from reportgen.errors import OutputError, UsageError
from reportgen.report import Report
from reportgen.text import middle_cut, printable, quoted

__all__ = [
    "find_browser",
    "pdf_of",
    "print_style",
]


VARIABLE = "REPORTGEN_CHROMIUM"


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")


TIMEOUT = 180.0
"""Seconds after which the browser is killed."""


FLAGS = (
    "--headless", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-quic",
    "--disable-extensions", "--disable-sync", "--disable-background-networking",
    "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer", "--generate-pdf-document-outline",
)  # fmt: skip


SUBJECT_WIDTH = 90


_DATES = re.compile(rb"/(CreationDate|ModDate) \(D:\d{14}")


_SAFE = re.compile("[^A-Za-z0-9 ]")


def find_browser() -> Path:
    """Find an installed Chromium.

    Raises :class:`UsageError` (``chromium-missing``) if there is none.
    """
    named = os.environ.get(VARIABLE)
    for name in (named,) if named else BROWSERS:
        found = shutil.which(name)
        if found:
            return Path(found)
    looked = f"{VARIABLE} names {quoted(named)}" if named else f"looked for {', '.join(BROWSERS)}"
    raise UsageError(
        "--pdf needs Chromium or Chrome, and none was found",
        slug="chromium-missing",
        details=[looked],
        hint=f"install one, set its path in {VARIABLE}, or omit --pdf",
    )


OPEN_FOLDS = (
    "@media print{details::details-content{content-visibility:visible}"
    ".more-pairs{grid-template-columns:1fr}.ccard{display:block;break-inside:avoid}}\n"
)


def print_style(report: Report, paper: str, *, full: bool = False) -> str:
    """CSS for paper: its size, verdict and subject at the top, page number at the bottom.

    `full` opens all folds and prints the class cards; otherwise a closed fold prints its heading.
    """
    font = "font:8pt system-ui,sans-serif;color:#444"
    subject = middle_cut(str(report.subject), SUBJECT_WIDTH)
    verdict = report.verdict.word
    boxes = (
        ("@top-left", _css_text(verdict), "font-weight:bold;color:#000;white-space:nowrap"),
        ("@top-right", _css_text(subject), "white-space:nowrap"),
        ("@bottom-left", _css_text(report.made_with), ""),
        ("@bottom-right", 'counter(page) " / " counter(pages)', ""),
    )
    rules = "".join(f"{place}{{content:{text};{font};{more}}}" for place, text, more in boxes)
    sheet = f"@page{{size:{paper};margin:16mm 12mm 14mm;{rules}}}\n"
    return sheet + (OPEN_FOLDS if full else "")


def _css_text(text: str) -> str:
    """A CSS string in which only ASCII letters, digits and spaces are unescaped."""
    return '"' + _SAFE.sub(lambda found: f"\\{ord(found[0]):06x}", printable(text)) + '"'


def pdf_of(html: str, browser: Path, date: str = "") -> bytes:
    """The page as PDF.

    Its date is `date`, an ISO date or empty, never the current time; the order of its objects
    depends on the browser. Raises :class:`OutputError` (``pdf-failed``) if the browser fails or
    takes too long.
    """
    try:
        content, said = _content(html, browser)
    except OSError as error:
        raise _no_room(browser, error) from error
    if not content.startswith(b"%PDF-"):
        raise _fail(browser, "it wrote no PDF", said)
    return _set_dates(content, date)


def _content(html: str, browser: Path) -> tuple[bytes, str]:
    """The PDF that the browser wrote, if any, and its messages."""
    with tempfile.TemporaryDirectory(
        prefix="reportgen-pdf-", ignore_cleanup_errors=True
    ) as temporary:
        folder = Path(temporary)
        source, target = folder / "report.html", folder / "report.pdf"
        source.write_text(html, "ascii")
        said = _print_page(browser, source, target)
        return target.read_bytes() if target.is_file() else b"", said


def _no_room(browser: Path, error: OSError) -> OutputError:
    failed = _fail(browser, f"its temporary folder: {(error.strerror or str(error)).lower()}")
    failed.hint = "free space in the temporary folder, set TMPDIR to another, or omit --pdf"
    return failed


def _print_page(browser: Path, source: Path, target: Path) -> str:
    """Print; return the browser's last message."""
    command = [
        str(browser),
        *FLAGS,
        *(["--no-sandbox"] if _is_root() else []),
        f"--user-data-dir={source.parent / 'profile'}",
        f"--print-to-pdf={target}",
        source.as_uri(),
    ]
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, errors="replace", start_new_session=True, cwd=source.parent,
        )  # fmt: skip
    except OSError as error:
        raise _fail(browser, (error.strerror or "it can't be started").lower()) from error
    try:
        _, said = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise _fail(browser, f"it took more than {TIMEOUT:.0f} seconds") from error
    finally:
        _end(process)
    return said


def _end(process: subprocess.Popen[str]) -> None:
    """Kill the browser and its helper processes."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stderr:
        process.stderr.close()


def _is_root() -> bool:
    """Chromium's sandbox refuses to run as root, as in containers."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _fail(browser: Path, why: str, said: str = "") -> OutputError:
    lines = [line for line in said.splitlines() if line.strip()]
    return OutputError(
        f"{quoted(browser.name)} could not print the page: {why}",
        slug="pdf-failed",
        details=[printable(lines[-1])[:300]] if lines else [],
        hint=f"specify another browser in {VARIABLE}, or omit --pdf",
    )


def _set_dates(content: bytes, date: str) -> bytes:
    """The PDF with its dates set, in place: offsets do not change."""
    try:
        day = datetime.date.fromisoformat(date).strftime("%Y%m%d")
    except ValueError:
        day = "19700101"
    return _DATES.sub(lambda found: b"/" + found[1] + f" (D:{day}000000".encode(), content)
