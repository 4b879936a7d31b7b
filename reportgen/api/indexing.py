"""A static site of all reports, for any web server or page host."""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reportgen.api.folder import place_for
from reportgen.errors import DataError, OutputError, ReportgenError, UsageError
from reportgen.files import output_error, write_text
from reportgen.options import check_address
from reportgen.paths import local_path, output_path
from reportgen.rendering import page_files, render_site
from reportgen.replacement import Changes, Stage, staged
from reportgen.reporter import Reporter
from reportgen.review import (
    INDEX,
    FoundReport,
    SiteReport,
    UnreadableReport,
    find_reports,
    index_text,
    read_index,
    report_identity,
    sort_reports,
)
from reportgen.text import quoted

__all__ = [
    "KEEP",
    "Site",
    "index",
]


KEEP = 200
"""Reports with copies on a site: page hosts allow about 1 GB, and a page has up to 10 MB."""


PAGE = "index.html"


@dataclass(frozen=True)
class Site:
    """The content of a site after a call.

    Attributes
    ----------
    reports
        All reports, newest first; ``page`` is empty if no copy is kept.
    added
        The reports added by this call.
    unreadable
        Folders whose ``report.json`` can't be read.
    """

    reports: tuple[SiteReport, ...]
    added: tuple[SiteReport, ...]
    unreadable: tuple[UnreadableReport, ...]


def index(
    source: str | Path | Sequence[str | Path],
    *,
    out: str | Path,
    base_url: str = "",
    keep: int = KEEP,
    force: bool = False,
    reporter: Reporter | None = None,
) -> Site:
    """Create a static site of reports, or add reports to one.

    Parameters
    ----------
    source
        Folders that contain reports, at any depth; rows of an existing site are included.
    out
        The folder of the site: ``index.html``, ``index.json``, and ``reports/`` with copies.
        Reports of earlier calls stay; a report is added once.
    base_url
        The address that the folder is published at: ``index.json`` then has absolute addresses.
    keep
        Copies are kept of the newest `keep` reports, at least 1; older ones keep only their row.
    force
        Whether an ``index.html`` that is not part of a site may be overwritten.

    Raises
    ------
    DataError
        ``index-empty``: no folder contains a report; ``index-damaged``: ``index.json`` is damaged.
        An unreadable report is listed as such.
    """
    folder, reporter = output_path(out), reporter or Reporter()
    base_url = _folder_address(base_url)
    _check_keep(keep)
    sources = [local_path(one, "FOLDER") for one in _listed(source)]
    _require_folders(sources)
    _refuse_other_page(folder, force=force)
    with place_for(folder, (), replace=force, data=None), staged(folder) as stage:
        known = read_index(folder)
        found = _collect(sources, folder, known, reporter)
        if not found.reports and not found.unreadable:
            raise _no_reports(sources)
        before = {one.id: one.page for one in known}
        reports = _with_pages(sort_reports(found.reports.values()), found, folder, keep, base_url)
        changes = _stage_copies(reports, found, folder, stage)
        gone = [one.folder for one in reports if before.get(one.id) and not one.page]
        write_text(stage.new / INDEX, index_text(reports))
        write_text(stage.new / PAGE, render_site(reports, found.unreadable))
        stage.replace(changes + Changes((INDEX, PAGE), tuple(gone)))
    added = tuple(one for one in reports if one.id not in before)
    return Site(reports, added, tuple(found.unreadable))


def _listed(source: str | Path | Sequence[str | Path]) -> Sequence[str | Path]:
    return [source] if isinstance(source, (str, Path)) else source


def _folder_address(url: str) -> str:
    if not url:
        return ""
    check_address("--base-url", url)
    return url.rstrip("/") + "/"


def _check_keep(keep: int) -> None:
    if keep < 1:
        raise UsageError(f"--keep {keep} is too small: at least 1", slug="option-value")


def _require_folders(sources: Iterable[Path]) -> None:
    for one in sources:
        if not one.is_dir():
            raise DataError(
                f"there is no folder {quoted(one.name)}",
                slug="index-folder",
                hint="pass the folder of your reports: the one above each -o",
            )


def _refuse_other_page(folder: Path, *, force: bool) -> None:
    """Refuse to overwrite a page that is not part of a site: index.json is missing beside it."""
    if force or not (folder / PAGE).exists() or (folder / INDEX).exists():
        return
    raise OutputError(
        f"{quoted(PAGE)} already exists in {quoted(folder.name)}, without the {INDEX} of a site",
        slug="output-exists",
        hint="replace it: --force     or choose another folder with -o",
    )


@dataclass
class _Collected:
    """Rows by identity, in order of addition, and the locations of their pages."""

    reports: dict[str, SiteReport] = field(default_factory=dict)
    pages: dict[str, FoundReport] = field(default_factory=dict)
    unreadable: list[UnreadableReport] = field(default_factory=list)


def _collect(
    sources: Sequence[Path], folder: Path, known: Sequence[SiteReport], reporter: Reporter
) -> _Collected:
    """The `known` rows of the site in `folder`, those of other sites, and those of new reports."""
    found = _Collected()
    for one in (*_rows_of_sites(sources, folder, reporter), *reversed(known)):
        found.reports[one.id] = one
    reporter.begin("reports", None, "reports")
    try:
        for report in (one for source in sources for one in find_reports(source, folder)):
            _add(report, found, reporter)
            reporter.advance(1)
    finally:
        reporter.end()
    return found


def _rows_of_sites(
    sources: Sequence[Path], folder: Path, reporter: Reporter
) -> Iterator[SiteReport]:
    """Rows of other sites, oldest first, without pages: these are found in the folders below."""
    for source in sources:
        if source.resolve() == folder.resolve():
            continue
        try:
            rows = read_index(source)
        except DataError as error:
            reporter.warn(f"{error.message}: its rows are not imported")
            continue
        yield from (replace(one, page="") for one in reversed(rows))


def _add(report: FoundReport, found: _Collected, reporter: Reporter) -> None:
    try:
        identity = report_identity(report.content())
        if identity not in found.reports:
            name = report.folder.resolve().name
            found.reports[identity] = SiteReport.of(identity, name, report.review())
        if report.page:
            found.pages[identity] = report
    except ReportgenError as error:
        found.unreadable.append(UnreadableReport(report.shown, error.message))
        reporter.warn(f"{quoted(report.shown)} is listed as unreadable: {error.message}")


def _with_pages(
    reports: Sequence[SiteReport], found: _Collected, folder: Path, keep: int, base_url: str
) -> tuple[SiteReport, ...]:
    """The rows; the newest `keep` with the path of their page on the site."""

    def paged(rank: int, one: SiteReport) -> SiteReport:
        page = ""
        if rank < keep:
            new = found.pages.get(one.id)
            page = one.page_at(new.page) if new else one.page
            page = page if new or (folder / page).is_file() else ""
        return replace(one, page=page, url=base_url + page if base_url and page else "")

    return tuple(paged(rank, one) for rank, one in enumerate(reports))


def _stage_copies(
    reports: Sequence[SiteReport], found: _Collected, folder: Path, stage: Stage
) -> Changes:
    """Copy missing pages to the stage; returns the moves to make from there."""
    put = []
    for one in reports:
        if not one.page or one.id not in found.pages:
            continue
        source, target = found.pages[one.id].folder, stage.new / one.folder
        names = page_files(source, Path(one.page).name)
        if not _same(source, folder / one.folder, names):
            _copy(source, target, names)
            put.append(one.folder)
    return Changes(tuple(put))


def _same(source: Path, target: Path, names: Sequence[str]) -> bool:
    """Whether the copy in `target` has these files, unchanged."""
    if not target.is_dir():
        return False
    there = [path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()]
    same, _, _ = filecmp.cmpfiles(source, target, names, shallow=False)
    return sorted(there) == sorted(names) == sorted(same)


def _copy(source: Path, target: Path, names: Sequence[str]) -> None:
    try:
        for name in names:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, target / name)
    except OSError as error:
        raise output_error(target, error) from error


def _no_reports(sources: Sequence[Path]) -> DataError:
    names = " or ".join(quoted(one.resolve().name) for one in sources[:3])
    return DataError(
        f"no report.json in {names}, nor in a folder below",
        slug="index-empty",
        hint="pass the folder of your reports: the one above each -o",
    )
