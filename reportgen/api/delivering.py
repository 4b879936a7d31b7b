"""What is sent of a report that is written already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.api.checking import read_review
from reportgen.api.writing import report_of
from reportgen.errors import DataError, UsageError
from reportgen.options import EvaluationOptions, InputOptions, PageOptions
from reportgen.text import quoted

if TYPE_CHECKING:
    from reportgen.delivery import Comment

__all__ = [
    "comment",
]


MOST_BYTES = 50_000_000
"""A report.json from a fork is no larger than this."""


MODES = ("update", "recreate")


ORIGIN = "Measured in the contributor's run."


def comment(
    source: Any,
    *,
    pull_request: int | None = None,
    head: str = "",
    head_sha: str = "",
    key: str = "default",
    mode: str = "update",
    report_url: str = "",
) -> Comment:
    """Post the summary of a report as the one comment of its key, or update that.

    On GitHub where ``GITHUB_REPOSITORY`` is set, with ``GITHUB_TOKEN``; on GitLab where
    ``CI_PROJECT_ID`` is set, with ``GITLAB_TOKEN``.

    Parameters
    ----------
    source
        A report's folder, or its ``report.json``: the summary is made again from the numbers.
    pull_request
        Number of the pull or merge request.
    head, head_sha
        In its place: the branch that it comes from (``OWNER:BRANCH`` on GitHub), and the commit
        that was measured.
    key
        Which of several reports on one request this is.
    mode
        ``"recreate"`` posts anew and deletes the earlier one, so that readers are notified.
    report_url
        URL of the page.

    Raises
    ------
    DeliveryError
        Where the host refuses the comment, or is not reached: exit code 8.
    """
    page = PageOptions.of({"key": key, "report_url": report_url})
    place = _place(pull_request, head, head_sha)
    if mode not in MODES:
        raise UsageError(
            f"--mode {quoted(str(mode))} is not one of {', '.join(MODES)}", slug="option-value"
        )
    _refuse_large(source)
    from reportgen.delivery import post_comment, read_host
    from reportgen.rendering import marker, render_summary

    host = read_host()
    report = report_of(read_review(source, InputOptions(), EvaluationOptions()), None, page)
    body = render_summary(report, key, report_url, ORIGIN if head else "")
    return post_comment(host, place, body, marker(key), anew=mode == "recreate")


def _place(pull_request: int | None, head: str, head_sha: str) -> Any:
    from reportgen.delivery import CommentPlace

    if (pull_request is None) == (not head):
        raise UsageError(
            "pass either --pull-request or --head",
            slug="comment-place",
            hint="pass --pull-request 42, or --head OWNER:BRANCH with --head-sha",
        )
    if head and not head_sha:
        raise UsageError(
            "--head names a branch, but not the commit that was measured",
            slug="comment-place",
            hint="pass --head-sha with the full hash of the commit",
        )
    return CommentPlace(pull_request, head, head_sha)


def _refuse_large(source: Any) -> None:
    path = Path(source) if isinstance(source, (str, Path)) else None
    if path is None or not path.is_file() or path.stat().st_size <= MOST_BYTES:
        return
    raise DataError(
        f"{quoted(path.name)} has {path.stat().st_size:,} bytes; at most {MOST_BYTES:,} are read "
        "for a comment",
        slug="comment-source-large",
        hint="comment from the report's folder in the job that made it",
    )
