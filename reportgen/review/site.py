"""The index of a site of reports: one row per report, newest first, in ``index.json``."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from reportgen.errors import DataError
from reportgen.jsonio import (
    NOT_IN_JSON,
    Flat,
    JsonPath,
    OmitDefault,
    Unknown,
    read_record,
    restore_unknown,
    write_value,
)
from reportgen.review.history import HistoryEntry
from reportgen.review.review import Review
from reportgen.text import quoted

__all__ = [
    "INDEX",
    "PAGES",
    "SITE_REPORTS",
    "SiteReport",
    "UnreadableReport",
    "index_text",
    "read_index",
    "report_identity",
    "sort_reports",
]


INDEX, SITE_REPORTS = "index.json", "reports"


PAGES = ("report.html", "index.html")


SCHEMA_VERSION = 1


_ID = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True)
class SiteReport:
    """One report of a site, as in ``index.json``.

    Attributes
    ----------
    id
        The first 16 hexadecimal digits of the SHA-256 of its ``report.json``.
    title
        Title of the report; may be empty.
    page
        Its page, relative to the site; empty if the site has no copy.
    url
        The address of that page, if that of the site is known.
    entry
        Its metrics; ``name`` is its original folder.
    unknown
        Members written by a later version.
    """

    id: str
    title: str
    page: str
    entry: Annotated[HistoryEntry, Flat()]
    url: Annotated[str, OmitDefault()] = ""
    unknown: Annotated[tuple[Unknown, ...], NOT_IN_JSON] = ()

    @property
    def folder(self) -> str:
        """The folder of its copy on the site."""
        return f"{SITE_REPORTS}/{self.id}"

    def page_at(self, name: str) -> str:
        """Its page, relative to the site, if the page is the file `name`."""
        return f"{self.folder}/{name}"

    @classmethod
    def of(cls, identity: str, folder: str, review: Review) -> SiteReport:
        """The row of a review read from a folder of that name."""
        evaluation = review.evaluation
        entry = HistoryEntry.of(folder, evaluation, review.decision.verdict)
        made = evaluation.provenance
        if made.kind == "inference" and made.data_fingerprint:
            both = f"{made.data_fingerprint} {entry.data_fingerprint}"
            entry = replace(entry, data_fingerprint=hashlib.sha256(both.encode()).hexdigest()[:32])
        return cls(identity, made.title, "", entry)


@dataclass(frozen=True)
class UnreadableReport:
    """A folder whose ``report.json`` can't be read, and why."""

    folder: str
    reason: str


def report_identity(content: bytes) -> str:
    """The identifier on a site of a ``report.json`` with these bytes."""
    return hashlib.sha256(content).hexdigest()[:16]


def sort_reports(reports: Iterable[SiteReport]) -> tuple[SiteReport, ...]:
    """Newest first by the report's date; of the same day, the last in `reports` first.

    Reports without a date are last.
    """
    oldest_first = sorted(reports, key=_day)
    return tuple(oldest_first[::-1])


def _day(report: SiteReport) -> str:
    try:
        return datetime.date.fromisoformat(report.entry.date).isoformat()
    except ValueError:
        return ""


def index_text(reports: Sequence[SiteReport]) -> str:
    """The content of ``index.json``, one report per line."""
    rows = [restore_unknown(write_value(SiteReport, one), one.unknown) for one in reports]
    lines = ",\n".join(json.dumps(row, allow_nan=False) for row in rows)
    return f'{{"schema_version": {SCHEMA_VERSION}, "reports": [\n{lines}\n]}}\n'


def read_index(folder: Path) -> tuple[SiteReport, ...]:
    """The reports of the site in `folder`, newest first; empty without a site.

    Raises :class:`DataError` (``index-damaged``) if ``index.json`` is invalid.
    """
    path = folder / INDEX
    if not path.exists():
        return ()
    try:
        return _reports(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise DataError(
            f"{quoted(INDEX)} in {quoted(folder.name)} is not what reportgen writes: "
            f"{type(error).__name__}",
            slug="index-damaged",
            hint=f"restore it, or move it away and index the copies again: reportgen index "
            f"{folder.name}/{SITE_REPORTS} -o {folder.name} --force",
        ) from error


def _reports(value: Any) -> tuple[SiteReport, ...]:
    if value["schema_version"] != SCHEMA_VERSION:
        raise ValueError("another form")
    return tuple(map(_report, value["reports"]))


def _report(value: Any) -> SiteReport:
    place = JsonPath(value)
    found = read_record(SiteReport, place)
    if not _ID.fullmatch(found.id) or found.page not in ("", *map(found.page_at, PAGES)):
        raise ValueError("a page that does not belong to this site")
    return replace(found, unknown=tuple(place.reading.unknown))
