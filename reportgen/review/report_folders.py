"""Finds reports in folders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reportgen.errors import DataError
from reportgen.output_folder import finish_around, finish_replacement
from reportgen.paths import local_path
from reportgen.replacement import UNFINISHED
from reportgen.review.history import HISTORY
from reportgen.review.review import Review
from reportgen.review.site import PAGES, SITE_REPORTS
from reportgen.text import quoted

__all__ = [
    "FoundReport",
    "find_reports",
    "report_folder",
]


_REPORT, _MAIL = "report.json", "report.eml"


@dataclass(frozen=True)
class FoundReport:
    """A folder with a ``report.json``.

    Attributes
    ----------
    folder
        The folder.
    shown
        Its path from the searched folder, including that folder's name, with ``/``.
    """

    folder: Path
    shown: str

    def content(self) -> bytes:
        """The bytes of ``report.json``, after completing an interrupted replacement.

        Raises :class:`ReportgenError`.
        """
        finish_replacement(self.folder)
        path = self.folder / _REPORT
        try:
            if not _is_plain(path):
                raise OSError(0, "it is a link or not a file")
            return path.read_bytes()
        except OSError as error:
            raise DataError(
                f"report.json can't be read: {(error.strerror or '').lower()}",
                slug="input-unreadable",
            ) from error

    def review(self) -> Review:
        """The review in it. Raises :class:`ReportgenError` if it is not a report of reportgen."""
        from reportgen.importers import read_json

        return Review.from_json(read_json(self.folder / _REPORT))

    @property
    def page(self) -> str:
        """File name of the page beside it; empty if there is none. Links are ignored."""
        return next((name for name in PAGES if _is_plain(self.folder / name)), "")


def report_folder(source: str | Path, *, mail_suffices: bool = False) -> Path:
    """The folder of a report, given as folder or ``report.json``.

    Completes an interrupted replacement. `mail_suffices` accepts a folder with only a
    ``report.eml``. Raises :class:`DataError` (``report-folder``) if there is no report.
    """
    path = local_path(source, "OUT")
    folder = path.parent if path.name == _REPORT else path
    finish_around(folder)
    names = (_REPORT, _MAIL) if mail_suffices else (_REPORT,)
    if any((folder / name).is_file() for name in names):
        return folder
    raise DataError(
        f"{quoted(path.name)} is not the folder of a report: it has no report.json",
        slug="report-folder",
        hint="pass the folder that `reportgen run`, `render` or `compare` wrote; of several "
        "candidates, the folder of one",
    )


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def find_reports(folder: Path, site: Path) -> Iterator[FoundReport]:
    """All reports in `folder` and below, sorted by name.

    Skipped are hidden folders, links to folders, saved baselines, and the `site` itself with its
    copies.
    """
    own = {site.resolve(), (site / SITE_REPORTS).resolve()}
    for path, folders, files in os.walk(folder):
        here = Path(path)
        if _REPORT in files or UNFINISHED in folders:
            below = here.relative_to(folder).parts
            yield FoundReport(here, "/".join((folder.resolve().name, *below)))
        baselines = HISTORY in files
        entered = (
            name
            for name in folders
            if not baselines
            and not name.startswith(".")
            and name != UNFINISHED
            and (here / name).resolve() not in own
        )
        folders[:] = sorted(entered, key=_numbers_apart)


def _numbers_apart(name: str) -> list[tuple[int, str]]:
    """A sort key that puts ``run-9`` before ``run-10``, for numbers of any length.

    >>> sorted(["run-10", "run-" + "9" * 5000, "run-9"], key=_numbers_apart)[:2]
    ['run-9', 'run-10']
    """
    parts = re.split(r"([0-9]+)", name)
    digits = [part.lstrip("0") if i % 2 else "" for i, part in enumerate(parts)]
    return [(len(number), number or part) for number, part in zip(digits, parts, strict=True)]
