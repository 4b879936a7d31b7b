"""The comment on a pull or merge request: posted once, then updated."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, NoReturn, Protocol
from urllib.parse import quote, urlencode, urlsplit

from reportgen.delivery.http import Answer, Api, Refused, Unexpected
from reportgen.errors import DeliveryError, UsageError
from reportgen.text import printable, quoted

__all__ = [
    "Comment",
    "CommentPlace",
    "post_comment",
    "read_host",
]


MAX_BODY = 65_536
"""Maximum number of characters in a GitHub comment."""


class Comment(NamedTuple):
    """The result of a comment: a word, and its `url`.

    It is skipped if the `verdict` is not one of those requested.
    """

    word: Literal["created", "updated", "unchanged", "recreated", "skipped"]
    url: str
    duplicates: int = 0
    verdict: str = ""


@dataclass(frozen=True)
class CommentPlace:
    """The request: by its number, or by its source branch and the commit of that branch.

    `head` is ``OWNER:BRANCH`` on GitHub, and the branch on GitLab.
    """

    number: int | None = None
    head: str = ""
    head_sha: str = ""


class _Note(NamedTuple):
    identity: int
    body: str
    author: str
    url: str


class Host(Protocol):
    """The part of the GitHub or GitLab API for comments."""

    api: Api

    def own_name(self) -> str:
        """The login of the token's user."""

    def find(self, place: CommentPlace) -> int:
        """The number of the open request."""

    def notes(self, number: int) -> Iterator[_Note]:
        """All comments of a request, oldest first."""

    def create(self, number: int, body: str, again: Any) -> str | None:
        """Post a comment; return its address, or None if `again` found it already posted."""

    def update(self, number: int, note: _Note, body: str) -> None: ...

    def delete(self, number: int, note: _Note) -> None: ...


def read_host(environ: Mapping[str, str] = os.environ) -> Host:
    """The code host from the environment of the job, with its token.

    Raises :class:`UsageError` if the environment names no host, or has no token.
    """
    if environ.get("GITHUB_REPOSITORY"):
        token = environ.get("GITHUB_TOKEN", "")
        base = environ.get("GITHUB_API_URL") or "https://api.github.com"
        _require_token(token, "GITHUB_TOKEN", "env: {GITHUB_TOKEN: ${{ github.token }}}")
        return _GitHub(_api(base, {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }), environ["GITHUB_REPOSITORY"])  # fmt: skip
    if environ.get("CI_PROJECT_ID"):
        token = environ.get("GITLAB_TOKEN", "")
        _require_token(token, "GITLAB_TOKEN", "a project access token with the scope api")
        base = environ.get("CI_API_V4_URL") or "https://gitlab.com/api/v4"
        return _GitLab(_api(base, {"PRIVATE-TOKEN": token}), environ["CI_PROJECT_ID"])
    raise UsageError(
        "no code host is named: neither GITHUB_REPOSITORY nor CI_PROJECT_ID is set",
        slug="comment-host",
        hint="run this in a job of GitHub Actions or GitLab CI, or set GITHUB_REPOSITORY to "
        "OWNER/NAME and GITHUB_TOKEN to a token",
    )


def _api(base: str, headers: Mapping[str, str]) -> Api:
    if urlsplit(base).scheme not in ("http", "https"):
        raise UsageError(
            f"the API address {quoted(base)} is not one of http or https",
            slug="comment-host",
            hint="correct GITHUB_API_URL or CI_API_V4_URL",
        )
    return Api(base.rstrip("/"), {**headers, "User-Agent": "reportgen"})


def _require_token(token: str, name: str, where: str) -> None:
    if not token:
        raise UsageError(
            f"{name} is not set",
            slug="comment-token",
            hint=f"pass it in the environment of this step: {where}",
        )


def post_comment(
    host: Host, place: CommentPlace, body: str, marker: str, *, anew: bool = False
) -> Comment:
    """Post `body`, which ends with `marker`, or update the comment with this marker.

    Only comments by this token's login that end with the marker are touched; of several, the oldest
    is updated. `anew` posts a new comment and deletes earlier ones: readers are notified.

    Raises
    ------
    DeliveryError
        The host refuses, or can't be reached.
    """
    if len(body.encode("utf-16-le")) // 2 > MAX_BODY:
        raise DeliveryError(
            f"the comment exceeds {MAX_BODY:,} characters",
            slug="comment-too-large",
            hint="this is a bug: a summary takes at most 60,000",
        )
    try:
        number = host.find(place)
        return _post(host, number, body, marker, anew=anew)
    except Refused as refused:
        _tell(refused)


def _post(host: Host, number: int, body: str, marker: str, *, anew: bool) -> Comment:
    me = host.own_name()

    def ours() -> list[_Note]:
        return [
            note
            for note in host.notes(number)
            if note.author == me and note.body.rstrip().endswith(marker)
        ]

    known = ours()
    if known and not anew:
        first = known[0]
        if first.body.strip() == body.strip():
            return Comment("unchanged", first.url, len(known) - 1)
        try:
            host.update(number, first, body)
            return Comment("updated", first.url, len(known) - 1)
        except Refused as refused:
            if refused.status != 404:
                raise
    before = {note.identity for note in known}
    posted = _create(
        host, number, body, lambda: [note for note in ours() if note.identity not in before]
    )
    if not anew:
        return Comment("created", posted)
    for note in known:
        _remove(host, number, note, posted)
    return Comment("recreated" if known else "created", posted)


def _create(host: Host, number: int, body: str, added: Callable[[], list[_Note]]) -> str:
    """Post; return the address of the comment, confirmed by the host or found by `added`."""
    try:
        posted = host.create(number, body, lambda: not added())
    except Unexpected:  # the comment may exist nevertheless
        posted = None
    posted = posted or next((note.url for note in added()), None)
    if posted is None:
        raise Unexpected("the comment is not among those of the request")
    return posted


def _remove(host: Host, number: int, note: _Note, posted: str) -> None:
    try:
        host.delete(number, note)
    except Refused as refused:
        raise DeliveryError(
            "the new comment was posted, but the earlier one was not deleted",
            slug="comment-failed",
            details=[
                f"new: {printable(posted)}",
                f"earlier: {printable(note.url)}",
                *_said(refused),
            ],
            hint="delete the earlier one on the page of the pull request",
        ) from None


def _said(refused: Refused) -> list[str]:
    said = printable(refused.message)
    if isinstance(refused, Unexpected):
        return [f"not expected: {said}"]
    return [
        f"the host returned {refused.status}: {said}" if refused.status else f"no response: {said}"
    ]


def _tell(refused: Refused) -> NoReturn:
    """The refusal in words, with hints for common ones."""
    status, details = refused.status, _said(refused)
    again = "run the command again: a comment that is there already is updated, not repeated"
    if isinstance(refused, Unexpected):
        raise DeliveryError(
            "the host does not respond like GitHub or GitLab",
            slug="comment-failed",
            details=details,
            hint="check GITHUB_API_URL or CI_API_V4_URL: the address of the API, not of a page",
        )
    if refused.limited:
        raise DeliveryError(
            "the host limits the rate of requests",
            slug="comment-rate",
            details=details,
            hint=again,
        )
    if status in (401, 403):
        raise DeliveryError(
            "the token may not comment",
            slug="comment-forbidden",
            details=details,
            hint="give the job `permissions: pull-requests: write`; a pull request from a fork has "
            "a read-only token: comment from a second workflow (docs/delivery.md)",
        )
    if status in (404, 410):
        raise DeliveryError(
            "the pull request is not found, or the token may not see it",
            slug="comment-not-found",
            details=details,
            hint="check the number, the repository, and that the token may read pull requests",
        )
    raise DeliveryError(
        "the comment was not posted", slug="comment-failed", details=details, hint=again
    )


@dataclass
class _GitHub:
    api: Api
    repository: str

    def own_name(self) -> str:
        """The login of a job token, which can't query it, is known."""
        try:
            return _text(_object(_value(self.api.call("GET", "/user"))), "login")
        except Refused as refused:
            if refused.limited or refused.status != 403:
                raise
            return "github-actions[bot]"

    def find(self, place: CommentPlace) -> int:
        if place.number is not None:
            return place.number
        query = urlencode({"state": "open", "head": place.head, "per_page": 100})
        found = _objects(_value(self.api.call("GET", f"/repos/{self.repository}/pulls?{query}")))
        heads = [(_number(one, "number"), _text(_object(one.get("head")), "sha")) for one in found]
        return _the_one(heads, place)

    def notes(self, number: int) -> Iterator[_Note]:
        url: str | None = f"/repos/{self.repository}/issues/{number}/comments?per_page=100"
        while url:
            answer = self.api.call("GET", url)
            for one in _objects(_value(answer)):
                body, author = _body(one), _author(one, "user", "login")
                yield _Note(_number(one, "id"), body, author, _text(one, "html_url"))
            url = _next_page(answer, self.api)

    def create(self, number: int, body: str, again: Any) -> str | None:
        path = f"/repos/{self.repository}/issues/{number}/comments"
        answer = self.api.call("POST", path, {"body": body}, again)
        value = _value(answer)
        return _text(value, "html_url") if isinstance(value, dict) and value else None

    def update(self, number: int, note: _Note, body: str) -> None:  # noqa: ARG002 - see Host
        self.api.call("PATCH", f"{self._comments}/{note.identity}", {"body": body})

    def delete(self, number: int, note: _Note) -> None:  # noqa: ARG002 - see Host
        _delete(self.api, f"{self._comments}/{note.identity}")

    @property
    def _comments(self) -> str:
        return f"/repos/{self.repository}/issues/comments"


@dataclass
class _GitLab:
    api: Api
    project: str

    def own_name(self) -> str:
        return _text(_object(_value(self.api.call("GET", "/user"))), "username")

    def find(self, place: CommentPlace) -> int:
        if place.number is not None:
            return place.number
        query = urlencode({"state": "opened", "source_branch": place.head, "per_page": 100})
        found = _objects(_value(self.api.call("GET", f"{self._requests}?{query}")))
        return _the_one([(_number(one, "iid"), _text(one, "sha")) for one in found], place)

    def notes(self, number: int) -> Iterator[_Note]:
        page = "1"
        while page:
            order = {"sort": "asc", "order_by": "created_at"}
            query = urlencode({"per_page": 100, "page": page, **order})
            answer = self.api.call("GET", f"{self._requests}/{number}/notes?{query}")
            for one in _objects(_value(answer)):
                identity, author = _number(one, "id"), _author(one, "author", "username")
                yield _Note(identity, _body(one), author, f"note {identity}")
            page = answer.headers.get("x-next-page", "") if answer else ""

    def create(self, number: int, body: str, again: Any) -> str | None:
        answer = self.api.call("POST", f"{self._requests}/{number}/notes", {"body": body}, again)
        value = _value(answer)
        return f"note {_number(value, 'id')}" if isinstance(value, dict) and value else None

    def update(self, number: int, note: _Note, body: str) -> None:
        self.api.call("PUT", f"{self._requests}/{number}/notes/{note.identity}", {"body": body})

    def delete(self, number: int, note: _Note) -> None:
        _delete(self.api, f"{self._requests}/{number}/notes/{note.identity}")

    @property
    def _requests(self) -> str:
        return f"/projects/{quote(self.project, safe='')}/merge_requests"


def _value(answer: Answer | None) -> Any:
    return None if answer is None else answer.value


def _objects(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise Unexpected(f"{_kind(value)} instead of a list")
    return [_object(one) for one in value]


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unexpected(f"{_kind(value)} instead of an object")
    return value


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str):
        raise Unexpected(f'{_kind(found)} as "{name}"')
    return found


def _number(value: dict[str, Any], name: str) -> int:
    found = value.get(name)
    if not isinstance(found, int):
        raise Unexpected(f'{_kind(found)} as "{name}"')
    return found


def _body(one: dict[str, Any]) -> str:
    """The text of a comment; an empty one may be null."""
    return "" if one.get("body") is None else _text(one, "body")


def _author(one: dict[str, Any], name: str, login: str) -> str:
    """The author of a comment; "" for a deleted account."""
    return "" if one.get(name) is None else _text(_object(one[name]), login)


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", type(None): "nothing"}
    return kinds.get(type(value), "a number")


def _next_page(answer: Answer | None, api: Api) -> str | None:
    """The address of the next page, on the same host only."""
    for part in (answer.headers.get("link", "") if answer else "").split(","):
        address, _, relation = part.partition(";")
        if 'rel="next"' in relation:
            url = address.strip().strip("<>")
            if not api.is_here(url):
                raise Refused(0, f"the next page is on another host: {url}")
            return url
    return None


def _delete(api: Api, path: str) -> None:
    try:
        api.call("DELETE", path)
    except Refused as refused:
        if refused.status != 404:  # already deleted by another process
            raise


def _the_one(found: list[tuple[int, str]], place: CommentPlace) -> int:
    """The number of the open request whose head is the evaluated commit."""
    numbers = [number for number, sha in found if not place.head_sha or sha == place.head_sha]
    if len(numbers) == 1:
        return numbers[0]
    raise DeliveryError(
        f"{len(numbers)} open pull requests come from {quoted(place.head)}"
        + (f" at {quoted(place.head_sha)}" if place.head_sha else ""),
        slug="comment-not-found",
        hint="the branch may have moved on: its newest commit gets a comment of its own; or name "
        "the pull request with --pull-request",
    )
