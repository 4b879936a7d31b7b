"""Compares one or several candidates with one baseline."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen import output_folder
from reportgen.api.folder import place_for, refuse_other_predictions, refuse_standing_in
from reportgen.api.rendering import render_review
from reportgen.api.review_request import ReviewRequest, apply_names, check_names
from reportgen.api.tracking import deliver
from reportgen.api.writing import (
    SampleImage,
    given_images,
    path_of_images,
    report_of,
    with_image_note,
)
from reportgen.comparison import Comparison
from reportgen.errors import ReportgenError, UsageError
from reportgen.options import PageOptions
from reportgen.paths import output_path
from reportgen.rendering import changes, guarded_names, make_all, make_overview, naming_warning
from reportgen.replacement import Stage, staged
from reportgen.reporter import Reporter
from reportgen.review import Review
from reportgen.storage import Address, given_name, typed_input
from reportgen.text import quoted

if TYPE_CHECKING:
    from reportgen.report import Report

__all__ = [
    "compare",
    "compare_reviews",
]


def compare(
    baseline: Any,
    candidate: Any,
    *,
    out: str | Path | None = None,
    images: str | Path | SampleImage | None = None,
    force: bool = False,
    title: str | None = None,
    date: str | None = None,
    reporter: Reporter | None = None,
    filesystem: Any = None,
    **options: Any,
) -> Comparison:
    """Compare a candidate with a baseline, sample by sample if samples are known.

    Parameters
    ----------
    baseline, candidate
        Any source of :func:`render`, including a run's output folder; `baseline` may also be the
        name of a saved baseline. Two evaluations have no samples: their counts are compared,
        unpaired.
    out
        The folder for the report; None writes nothing.
    images, force, title, date, reporter
        As for :func:`render`.
    filesystem
        The location of paths and addresses in `baseline` and `candidate`: a file system of pyarrow
        or fsspec, connected by the caller.
    **options
        The options of ``reportgen compare``, with underscores: ``allow_partial``, ``labels_from``,
        …; and only with `out`: ``gates``, ``layout``, …

    Raises
    ------
    ReportgenError
        One of :mod:`reportgen.errors`, for example if samples, labels or classes differ.
    """
    candidate = typed_input(candidate, "CANDIDATE", filesystem)
    given, against = _baseline(
        baseline if filesystem is None else typed_input(baseline, "BASELINE", filesystem)
    )
    if out is None:
        _refuse_outputs({**options, "images": images, "title": title, "date": date})
        review = _compare_values(candidate, {**options, **given}, against)
    else:
        review = render_review(
            candidate, out=out, images=images, force=force, names={"title": title, "date": date},
            reporter=reporter, against=against, **options, **given,
        )  # fmt: skip
        deliver([Path(out)], options, reporter)
    assert review.comparison is not None
    return review.comparison


def compare_reviews(
    baseline: Any,
    candidates: Sequence[Any],
    *,
    out: str | Path,
    images: str | Path | SampleImage | None = None,
    force: bool = False,
    names: Mapping[str, str | None] | None = None,
    reporter: Reporter | None = None,
    **options: Any,
) -> list[tuple[Review, Path]]:
    """Write one report per candidate; for several candidates also an overview page.

    Several reports are in folders of their own. Each review is returned with the folder of its
    report.
    """
    folder, (given, against) = output_path(out), _baseline(baseline)
    options = {**options, **given}
    if len(candidates) == 1:
        review = render_review(
            candidates[0], out=folder, images=images, force=force, names=names,
            reporter=reporter, against=against, **options,
        )  # fmt: skip
        return [(review, folder)]
    check_names(names or {})
    candidates = [typed_input(one, "CANDIDATE") for one in candidates]
    asked, found = ReviewRequest.of(options, candidates, against), given_images(images)
    refuse_standing_in(folder, asked.terms.baseline)
    refuse_other_predictions(folder, None)
    places = [folder / f"{n}-{_slug(one)}" for n, one in enumerate(candidates, 1)]
    with (
        place_for(folder, guarded_names(), replace=force, data=path_of_images(images)),
        output_folder.spool_in(folder) as spool,
    ):
        reviews = [
            with_image_note(review, found)
            for review in _reviews(asked, candidates, spool, names or {})
        ]
        done = list(zip(reviews, places, strict=True))
        with ExitStack() as held, staged(folder) as stage:
            for place in places:
                held.enter_context(
                    place_for(place, guarded_names(), replace=force, data=path_of_images(images))
                )
            for review, place in done:
                report = report_of(review, found, asked.page)
                _make_one(report, review, place, asked.page, stage, reporter or Reporter())
            _make_overview(done, asked.page, (names or {}).get("title") or "", stage.new)
            stage.replace(changes(stage.new, folder))
    return done


def _baseline(given: Any) -> tuple[dict[str, Any], Any]:
    """The baseline as an option if it is a name, otherwise as a source."""
    if isinstance(given, (str, Path)):
        return {"baseline": str(given)}, None
    return {}, given


def _refuse_outputs(given: Mapping[str, Any]) -> None:
    """Refuse report options if no report is written; a gate would silently do nothing."""
    for name in ("gates", "fail_under", "images", "title", "date", "track"):
        if given.get(name):
            raise UsageError(
                f"{name} requires out: without it there is no report",
                slug="option-conflict",
                hint="specify a folder with out, or pass the comparison to reportgen.check"
                if name in ("gates", "fail_under")
                else "specify a folder with out",
            )


def _compare_values(candidate: Any, options: Mapping[str, Any], against: Any) -> Review:
    asked = ReviewRequest.of(options, [candidate], against)
    with tempfile.TemporaryDirectory(prefix="reportgen-") as spool:
        return asked.review(candidate, Path(spool))


def _reviews(
    asked: ReviewRequest, candidates: Sequence[Any], spool: Path, names: Mapping[str, str | None]
) -> list[Review]:
    """The reviews of all candidates, before any report is written; the baseline is read once.

    Spooled data of a candidate is needed until its errors.csv is written.
    """
    reviews, baseline = [], asked.opened_baseline(spool)
    for number, candidate in enumerate(candidates, 1):
        own = spool / str(number)
        own.mkdir()
        with _told_which(number, candidate):
            reviews.append(apply_names(asked.review(candidate, own, baseline), names))
    return reviews


@contextmanager
def _told_which(number: int, candidate: Any) -> Iterator[None]:
    """Add the candidate to its errors."""
    try:
        yield
    except ReportgenError as error:
        known = isinstance(candidate, (str, Path, Address))
        name = f", {quoted(given_name(candidate))}" if known else ""
        which = f"this applies to candidate {number}{name}"
        error.details = (*error.details, which)
        raise


def _make_one(
    report: Report, review: Review, place: Path, page: PageOptions, stage: Stage, reporter: Reporter
) -> None:
    """Write the report of one candidate to the common staging folder."""
    new = stage.new / place.name
    new.mkdir()
    for warning in make_all(report, review, new, page):
        reporter.warn(warning)
    stage.also += changes(new, place).within(place.name)
    for warning in naming_warning(place, page):
        reporter.warn(warning)


def _make_overview(
    done: Sequence[tuple[Review, Path]], page: PageOptions, title: str, new: Path
) -> None:
    from reportgen.report import OverviewEntry

    entries = [
        OverviewEntry(
            place.name,
            review.comparison,
            review.decision,
            f"{place.name}/{page.page_name}",
            review.suite_name,
        )
        for review, place in done
        if review.comparison is not None
    ]
    make_overview(entries, new, page, title)


def _slug(candidate: Any) -> str:
    """A folder name that identifies the candidate, whatever its name."""
    if not isinstance(candidate, (str, Path, Address)):
        return type(candidate).__name__
    path = candidate if isinstance(candidate, Address) else Path(candidate).absolute()
    known = path.name in (output_folder.PREDICTIONS, *guarded_names())
    is_folder = isinstance(path, Path) and path.is_dir()
    name = path.parent.name if known else path.name if is_folder else path.stem
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:40] or "candidate"
