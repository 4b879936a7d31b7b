"""The options for a saved input, validated before any work; then its review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from reportgen.api.writing import check_outputs
from reportgen.evaluation import Evaluation, require_file
from reportgen.importers import kind_of
from reportgen.options import (
    EvaluationOptions,
    InputOptions,
    PageOptions,
    ReviewOptions,
    check_date,
    check_epoch,
    report_date,
    sort_options,
)
from reportgen.paths import local_path
from reportgen.review import (
    LoadedInput,
    Review,
    ReviewSpec,
    find_file,
    is_report,
    load_baseline,
    load_input,
    load_spec,
    make_review,
    open_review,
)
from reportgen.storage import Address, found_at

__all__ = [
    "ReviewRequest",
    "apply_names",
    "check_names",
    "require_files",
    "require_readable",
]


TRAINING_SPLIT = "training_split"


@dataclass(frozen=True)
class ReviewRequest:
    """How to read inputs, what to compute, the baseline, the gates, and the appearance."""

    reading: InputOptions
    figures: EvaluationOptions
    terms: ReviewSpec
    page: PageOptions

    @classmethod
    def of(cls, options: Mapping[str, Any], sources: Sequence[Any], against: Any = None) -> Self:
        """Construct from keyword arguments; `against` is a baseline in memory.

        Raises :class:`ReportgenError` for faults of options, gates, or the name of a baseline or
        input.
        """
        check_epoch()
        reading, figures, release, page = sort_options(
            options, InputOptions, EvaluationOptions, ReviewOptions, PageOptions
        )
        require_files(figures)
        # a report.json may contain the comparison and costs that a gate needs
        may_follow = any(_may_be_report(source, reading) for source in sources)
        held = may_follow or any(isinstance(source, Evaluation) for source in sources)
        terms = load_spec(
            release,
            against,
            baseline_may_follow=may_follow,
            costs_may_follow=held or figures.costs is not None,
        )
        check_outputs(page)
        asked = cls(reading, figures, terms, page)
        for source in (*sources, terms.baseline):
            require_readable(source, reading, rows_first=asked.compares)
        return asked

    @property
    def compares(self) -> bool:
        """Whether there is a baseline."""
        return self.terms.baseline is not None

    def opened_baseline(self, spool: Path) -> LoadedInput | None:
        """The opened baseline, for :meth:`review`; None without one."""
        return load_baseline(self.terms, self.reading, self.figures, spool)

    def review(self, source: Any, spool: Path, baseline: LoadedInput | None = None) -> Review:
        """The evaluation of a saved input, with its comparison and verdict.

        A ``report.json`` contains its own comparison and verdict; a given baseline and gates
        replace them. `baseline` is the requested one, if already opened.
        """
        source = found_at(source, spool, rows_first=self.compares)
        if not self.compares and is_report(source, self.reading):
            held = open_review(source, self.reading, self.figures, spool)
            return held.decided_by(self.terms.gates) if self.terms.gates else held
        opened = partial(
            load_input, source, self.reading, self.figures, spool, rows_first=self.compares
        )
        candidate = opened(other_abstains=self.compares)
        baseline = baseline or self.opened_baseline(spool)
        asked = bool(self.reading.abstain) and baseline is not None
        if asked and not candidate.abstains and not (baseline and baseline.abstains):
            candidate = opened()  # opening raises the error for a missing value
        return make_review(candidate, baseline, self.terms, self.figures)


def _may_be_report(source: Any, reading: InputOptions) -> bool:
    """As :func:`~reportgen.review.is_report`; an address, not opened yet, is judged by its name."""
    if isinstance(source, Address):
        return source.suffix in ("", ".json")
    return is_report(source, reading)


def require_files(figures: EvaluationOptions) -> None:
    """Refuse unreadable files before any work."""
    require_file(figures.hierarchy, "--hierarchy")
    require_file(figures.costs, "--costs")
    require_file(figures.metadata, "--metadata")


def require_readable(source: Any, reading: InputOptions, *, rows_first: bool) -> None:
    """Raise the errors that reading `source` would raise at once, if it is a path."""
    if isinstance(source, (str, Path)):
        kind_of(find_file(local_path(source, "INPUT"), rows_first=rows_first), reading)


def check_names(names: Mapping[str, str | None]) -> None:
    """Raise :class:`UsageError` if the date for :func:`named` is invalid."""
    date = names.get("date")
    if date:
        check_date(date)


def apply_names(review: Review, names: Mapping[str, str | None]) -> Review:
    """The review with the given names and date."""
    given = {name: value for name, value in names.items() if value is not None}
    before = review.evaluation.provenance
    model = replace(
        before.model,
        name=given.pop("model_name", before.model.name),
        version=given.pop("model_version", before.model.version),
    )
    date = report_date(given.pop("date", None)) or before.date
    provenance = replace(
        before,
        model=model,
        date=date,
        title=given.get("title", before.title),
        data_name=given.get("data_name", before.data_name),
        split=given.get("split", before.split),
    )
    renamed = replace(review.evaluation, provenance=provenance)
    return review.with_evaluation(_collect_warnings(renamed) if "split" in given else renamed)


def _collect_warnings(evaluation: Evaluation) -> Evaluation:
    """Add the warnings for a training split, if its name indicates one."""
    from reportgen.inference import training_note

    told = {note.code for note in evaluation.notes}
    notes = [n for n in training_note(Path("/"), evaluation.provenance.split) if n.code not in told]
    suspects = evaluation.suspects
    if notes and suspects.reason is None and TRAINING_SPLIT not in suspects.warnings:
        suspects = replace(suspects, warnings=(*suspects.warnings, TRAINING_SPLIT))
    return replace(evaluation, notes=(*evaluation.notes, *notes), suspects=suspects)
