"""Re-evaluates release gates without making a report."""

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
    """Evaluate release gates, without making a report.

    Parameters
    ----------
    source
        A run's output folder, its ``report.json``, or any other source of :func:`render`; or the
        result of :func:`compare`. A comparison in the ``report.json`` is checked too.
    gates
        A TOML file of gates.
    fail_under
        Gates of the form ``"accuracy=0.9"``.
    junit
        A JUnit XML file for the results; an existing file is overwritten.
    **options
        Options for reading and computing, as for :func:`load`.

    Raises
    ------
    UsageError
        ``gates-needed``: no gates are given; or the gates need data that `source` lacks.
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
    """As :func:`check`; also returns the evaluation and the comparison."""
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
    """Refuse gates on a comparison if there is none: this command makes none.

    The hint says how to.
    """
    try:
        check_gates(gates, has_baseline=review.comparison is not None)
    except UsageError as error:
        error.hint = "check what `reportgen compare` wrote, or remove the gate"
        raise


def read_review(source: Any, reading: InputOptions, figures: EvaluationOptions) -> Review:
    """The review in a report's folder or ``report.json``, or of another saved input."""
    if isinstance(source, Comparison):
        return Review(source.candidate, source, NO_GATES)
    with tempfile.TemporaryDirectory(prefix="reportgen-") as spool:
        return open_review(source, reading, figures, Path(spool))
