"""Delivers finished reports: comments and mail."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.api.checking import read_review
from reportgen.api.writing import report_of
from reportgen.errors import DataError, UsageError
from reportgen.options import EvaluationOptions, InputOptions, PageOptions
from reportgen.review import report_folder
from reportgen.text import quoted

if TYPE_CHECKING:
    from reportgen.delivery import Comment, Sent
    from reportgen.review import Review

__all__ = [
    "comment",
    "mail",
]


MOST_BYTES = 50_000_000
"""Maximum size of a report.json, in bytes: it may come from a fork."""


MODES = ("update", "recreate")


VERDICTS = {
    "ship": "SHIP",
    "do-not-ship": "DO NOT SHIP",
    "inconclusive": "INCONCLUSIVE",
    "none": "NO GATES SET",
}
"""Values of ``--if-verdict``."""


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
    if_verdict: str | Sequence[str] = (),
) -> Comment:
    """Post the summary of a report as the comment with its key, or update that comment.

    On GitHub if ``GITHUB_REPOSITORY`` is set, with ``GITHUB_TOKEN``; on GitLab if ``CI_PROJECT_ID``
    is set, with ``GITLAB_TOKEN``.

    Parameters
    ----------
    source
        A report's folder, or its ``report.json``: the summary is rendered from its numbers.
    pull_request
        Number of the pull or merge request.
    head, head_sha
        Instead of the number: the source branch (``OWNER:BRANCH`` on GitHub), and the evaluated
        commit.
    key
        Identifies the report if a request has several.
    mode
        ``"recreate"`` posts a new comment and deletes the earlier one: readers are notified.
    report_url
        URL of the page.
    if_verdict
        Post only if the verdict is one of these: ``"ship"``, ``"do-not-ship"``, ``"inconclusive"``,
        ``"none"``.

    Raises
    ------
    DeliveryError
        The host refuses the comment or can't be reached: exit code 8.
    """
    page = PageOptions.of({"key": key, "report_url": report_url})
    place = _place(pull_request, head, head_sha)
    if mode not in MODES:
        raise UsageError(
            f"--mode {quoted(str(mode))} is not one of {', '.join(MODES)}", slug="option-value"
        )
    wanted = _verdicts(if_verdict)
    _refuse_large(source)
    from reportgen.delivery import Comment, post_comment, read_host
    from reportgen.rendering import marker, render_summary

    host = read_host()
    review = _read(source)
    if wanted and review.decision.verdict not in wanted:
        return Comment("skipped", "", verdict=review.decision.verdict)
    report = report_of(review, None, page)
    body = render_summary(report, key, report_url, ORIGIN if head else "")
    return post_comment(host, place, body, marker(key), anew=mode == "recreate")


def mail(
    source: Any,
    *,
    to: str | Sequence[str],
    sender: str,
    smtp: str,
    cc: str | Sequence[str] = (),
    reply_to: str = "",
    tls: str = "",
    if_verdict: str | Sequence[str] = (),
    attach: str = "",
    max_mail_bytes: int | None = None,
    report_url: str = "",
) -> Sent:
    """Send the mail of a report: its ``report.eml``, or one made from its ``report.json``.

    Parameters
    ----------
    source
        A report's folder.
    to, cc, sender, reply_to
        Addresses: ``name@example.org`` or ``Name <name@example.org>``; 50 recipients at most.
    smtp
        ``HOST[:PORT]``. User and password come from ``REPORTGEN_SMTP_USER`` and
        ``REPORTGEN_SMTP_PASSWORD``, if set.
    tls
        ``"starttls"``, ``"implicit"`` or ``"none"``; by default implicit at port 465, else
        STARTTLS. Certificates are always verified.
    if_verdict
        Send only if the verdict is one of these: ``"ship"``, ``"do-not-ship"``, ``"inconclusive"``,
        ``"none"``.
    attach, max_mail_bytes, report_url
        If any is given, the mail is rendered again: with these attachments (``"pdf,json"``,
        ``"none"``), this maximum size in bytes, and a link to this address of the page.

    Raises
    ------
    DeliveryError
        The server refuses the mail or a recipient, or can't be reached: exit code 8.
    """
    from reportgen.delivery import (
        Sent,
        envelope_of,
        read_login,
        read_server,
        send_mail,
        sent_form,
    )

    wanted, page = _verdicts(if_verdict), _mail_options(attach, max_mail_bytes, report_url)
    server = read_server(smtp, tls)
    envelope = envelope_of(sender, _several(to), _several(cc), reply_to)
    login = read_login(server)
    folder = report_folder(source, mail_suffices=True)
    if wanted and (verdict := _read(folder).decision.verdict) not in wanted:
        return Sent("skipped", (), verdict)
    content = _rendered(folder, page)
    return Sent("sent", send_mail(server, login, envelope, sent_form(content, envelope)))


def _mail_options(attach: str, max_mail_bytes: int | None, report_url: str) -> PageOptions | None:
    """The options of a mail that is rendered again; None if none is given."""
    given = {"attach": attach, "max_mail_bytes": max_mail_bytes, "report_url": report_url}
    given = {name: value for name, value in given.items() if value not in ("", None)}
    if not given:
        return None
    options = PageOptions.of(given)
    if "html" in options.attachments:
        raise UsageError(
            "--attach html requires the page's own options",
            slug="option-conflict",
            hint="attach it where the report is made: --mail --attach html",
        )
    return options


def _rendered(folder: Path, page: PageOptions | None) -> bytes:
    """The existing ``report.eml``, or a mail made from ``report.json``."""
    made = folder / "report.eml"
    if page is None and made.is_file():
        return made.read_bytes()
    from reportgen.rendering import attached_files, mail_picture, render_mail

    page, review = page or PageOptions(), _read(folder)
    report = report_of(review, None, page)
    return render_mail(
        report,
        mail_picture(report, page.colormap),
        date=review.evaluation.provenance.date,
        url=page.report_url,
        attachments=tuple(attached_files(folder, page.attachments)),
        max_bytes=page.max_mail_bytes,
    )


def _read(source: Any) -> Review:
    return read_review(source, InputOptions(), EvaluationOptions())


def _several(given: str | Sequence[str]) -> Sequence[str]:
    return (given,) if isinstance(given, str) else given


def _verdicts(given: str | Sequence[str]) -> frozenset[str]:
    """The verdicts in ``--if-verdict``; empty for any."""
    for one in _several(given):
        if one not in VERDICTS:
            raise UsageError(
                f"--if-verdict {quoted(one)} is not one of {', '.join(VERDICTS)}",
                slug="option-value",
            )
    return frozenset(VERDICTS[one] for one in _several(given))


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
        hint="run the command on the report folder, in the job that wrote it",
    )
