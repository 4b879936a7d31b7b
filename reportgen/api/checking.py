"""The verdict again, by other gates, without a report."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reportgen.api.review_request import require_files
from reportgen.comparison import Comparison
from reportgen.errors import UsageError
from reportgen.files import write_text
from reportgen.gates import NO_GATES, Decision, Gate, check_gates
from reportgen.options import EvaluationOptions, InputOptions, ReviewOptions, sort_options
from reportgen.review import Review, load_spec, open_review

__all__ = [
    "check",
    "check_review",
    "read_review",
]


def check(
    source: Any,
    *,
    gates: str | Path | None = None,
    fail_under: str | Sequence[str] = (),
    junit: str | Path | None = None,
    **options: Any,
) -> Decision:
    """Decide whether gates are met, without making a report.

    Parameters
    ----------
    source
        A run's output folder, its ``report.json``, or what else :func:`render` takes; or what
        :func:`compare` returns. A comparison that is in the ``report.json`` is checked too.
    gates
        A file of gates.
    fail_under
        Gates of the form ``"accuracy=0.9"``.
    junit
        A file to write the outcome to, as JUnit XML; what is there is replaced.
    **options
        How to read `source` and what to compute, as for :func:`load`.

    Raises
    ------
    UsageError
        Where no gates are given (slug ``gates-needed``), or they don't fit what there is.
    """
    return check_review(source, gates=gates, fail_under=fail_under, junit=junit, **options).decision


def check_review(
    source: Any,
    *,
    gates: str | Path | None = None,
    fail_under: str | Sequence[str] = (),
    junit: str | Path | None = None,
    **options: Any,
) -> Review:
    """:func:`check`, with the evaluation and the comparison that were decided on."""
    reading, figures = sort_options(options, InputOptions, EvaluationOptions)
    require_files(figures)
    release = ReviewOptions.of({"gates": gates, "fail_under": fail_under})
    terms = load_spec(release, baseline_may_follow=True, costs_may_follow=True)
    if not terms.gates:
        raise UsageError(
            "nothing to check: no gates are set",
            slug="gates-needed",
            hint="pass --gates gates.toml or --fail-under accuracy=0.9",
        )
    review = read_review(source, reading, figures)
    _refuse_comparing(terms.gates, review)
    review = review.decided_by(terms.gates)
    if junit is not None:
        from reportgen.rendering import render_junit

        write_text(Path(junit), render_junit(review.decision, review.suite_name))
    return review


def _refuse_comparing(gates: Sequence[Gate], review: Review) -> None:
    """Where there is no comparison, say how to get one: this command makes none."""
    try:
        check_gates(gates, has_baseline=review.comparison is not None)
    except UsageError as error:
        error.hint = "check what `reportgen compare` wrote, or remove the gate"
        raise


def read_review(source: Any, reading: InputOptions, figures: EvaluationOptions) -> Review:
    """What is in a report's folder or ``report.json``, or is read from another saved input."""
    if isinstance(source, Comparison):
        return Review(source.candidate, source, NO_GATES)
    with tempfile.TemporaryDirectory(prefix="reportgen-") as spool:
        return open_review(source, reading, figures, Path(spool))
