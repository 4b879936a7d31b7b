"""From a review to its files: thumbnails, text, appearance."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from reportgen.errors import DataError, UsageError
from reportgen.evaluation import Evaluation
from reportgen.options import PageOptions
from reportgen.paths import local_path
from reportgen.provenance import DataNote
from reportgen.replacement import Stage
from reportgen.reporter import Reporter
from reportgen.review import Review
from reportgen.text import plural, printable, quoted

if TYPE_CHECKING:
    from reportgen.inference import SampleImages
    from reportgen.report import Report, Thumbnail

__all__ = [
    "SampleImage",
    "check_outputs",
    "given_images",
    "listed_images",
    "path_of_images",
    "report_of",
    "require_trackers",
    "shown_as",
    "with_image_note",
    "write_review",
]


SUSPECT_PICTURES = 24


SampleImage = Callable[[str], Any]
"""Sample id → its image: encoded bytes, a PIL image, or None if there is none."""


def write_review(
    review: Review,
    folder: Path,
    images: SampleImage | None,
    page: PageOptions,
    reporter: Reporter,
    stage: Stage | None = None,
) -> Review:
    """Write a report to `folder` atomically: all files are replaced, or none.

    `stage` has further files that are replaced at the same moment. Returns the review with values
    that link to their page.
    """
    from reportgen.rendering import write_all

    report = report_of(review, images, page)
    for warning in write_all(report, review, folder, page, stage):
        reporter.warn(warning)
    if page.summary:
        from reportgen.delivery import announce

        announce(report, folder / "summary.md", reporter)
    return shown_as(review, folder / page.page_name)


def shown_as(review: Review, page: Path) -> Review:
    """The review, whose values display in notebooks with this page's appearance and link."""
    page, bare = page.absolute(), replace(review, rows=None)
    known = review.with_evaluation(review.evaluation.with_report(page, bare))
    if known.comparison is None:
        return known
    return replace(known, comparison=known.comparison.with_report(page, bare))


def check_outputs(page: PageOptions) -> None:
    """Raise errors of writing and delivering that follow from the options, before any long work."""
    from reportgen.rendering import check_page

    check_page(page)
    require_trackers(page)


def require_trackers(page: PageOptions) -> None:
    """Raise :class:`UsageError` if the library of a tracker is not installed."""
    if page.track:
        from reportgen.trackers import require_library

        for tracker in page.track:
            require_library(tracker)


def report_of(review: Review, images: SampleImage | None, page: PageOptions) -> Report:
    """The report of a review, with pictures of its samples if they may be shown."""
    from reportgen.report import build_report, list_errors

    wanted = images is not None and not page.no_thumbnails and not page.public
    thumbnails = _make_thumbnails(review, images, page.thumbnail_size) if wanted and images else {}
    evaluation = review.evaluation
    errors = list_errors(review.rows, evaluation.classes, evaluation.confusion.n_errors)
    return build_report(
        evaluation, thumbnails, _page_versions(), review.comparison, review.decision, errors
    )


def given_images(images: str | Path | SampleImage | None) -> SampleImage | None:
    """The images given by a function or path; a missing path is refused."""
    path = path_of_images(images)
    if path is None:
        return images if callable(images) else None
    if not path.exists():
        raise UsageError(
            f"--images {quoted(path.name)}: no such folder or file",
            slug="images-missing",
            hint="pass the DATA of `reportgen run`",
        )
    from reportgen.inference import sample_images

    return sample_images(path)


def path_of_images(images: str | Path | SampleImage | None) -> Path | None:
    """The given folder or file of images, or None; an address is refused."""
    return local_path(images, "--images") if isinstance(images, (str, Path)) else None


def listed_images(data: Any, evaluation: Evaluation) -> SampleImage | None:
    """The images in a data set's own file list, if it has one and ids are positions in it."""
    from reportgen.inference import POSITIONS, paths_of

    paths = paths_of(data)
    if paths is None or evaluation.provenance.inference.get("sample ids") != POSITIONS:
        return None
    return lambda name: Path(paths[int(name)]).read_bytes()


def with_image_note(review: Review, images: SampleImage | None) -> Review:
    """The review, with a warning if a folder or file lacks most of the images to show."""
    if images is None or not hasattr(images, "has"):
        return review
    images = cast("SampleImages", images)
    shown = _shown(review)
    missing = [name for name in shown if not images.has(name)]
    if not missing or 2 * len(missing) < len(shown):
        return review
    looked = " and ".join(quoted(f"{images.name}/{name}") for name in missing[:2])
    note = DataNote(
        "images-not-found",
        f"--images {quoted(images.name)} contains {len(shown) - len(missing):,} of the "
        f"{plural(len(shown), 'image')} to show: there is no {looked}.",
        "warning",
        len(missing),
        tuple(map(printable, missing[:2])),
    )
    evaluation = review.evaluation
    return review.with_evaluation(replace(evaluation, notes=(*evaluation.notes, note)))


def _make_thumbnails(review: Review, images: SampleImage, side: int) -> dict[str, Thumbnail]:
    """Sample id → thumbnail; samples with a missing or broken image are omitted."""
    from reportgen.rendering import make_thumbnail

    found, shown = {}, _shown(review)
    as_stored = getattr(images, "as_stored", list)
    for name in as_stored(shown):
        with suppress(OSError, DataError):
            if (image := images(name)) is not None:
                found[name] = make_thumbnail(image, side)
    return found


def _shown(review: Review) -> list[str]:
    """The samples shown in galleries, class cards, potential label errors and comparisons."""
    from reportgen.report import pictured_classes

    evaluation, comparison = review.evaluation, review.comparison
    shown = [mistake.id for gallery in evaluation.examples for mistake in gallery]
    for mistakes, correct in pictured_classes(evaluation):
        shown += [sample.id for sample in (*mistakes, *correct)]
    shown += [suspect.id for suspect in evaluation.suspects.suspects[:SUSPECT_PICTURES]]
    if comparison is not None:
        shown += [change.id for change in (*comparison.broken, *comparison.fixed)]
    return list(dict.fromkeys(shown))


def _page_versions() -> dict[str, str]:
    """Versions of the libraries that render the page, from their metadata: nothing is imported."""
    from importlib.metadata import version

    return {name: version(name) for name in ("matplotlib", "seaborn", "jinja2", "pillow")}
